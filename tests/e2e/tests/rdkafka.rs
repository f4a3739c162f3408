//! rdkafka, librdkafka as Rust programs have it, as a client: each test with a broker of its own.

use e2e::{Connectd, Worker};
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::future::Future;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

struct Broker {
    worker: Worker,
    /// `None` while it is killed and started again.
    running: Option<Connectd>,
}

impl Broker {
    fn start() -> Broker {
        let worker = Worker::new("rdkafka");
        let running = Some(worker.start());
        Broker { worker, running }
    }

    fn kill_and_start(&mut self) {
        self.running.take().expect("it runs").kill();
        self.running = Some(self.worker.start());
    }

    fn config(&self, settings: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", format!("127.0.0.1:{}", self.worker.kafka_port));
        for (key, value) in settings {
            config.set(*key, *value);
        }
        config
    }

    fn producer(&self, settings: &[(&str, &str)]) -> BaseProducer {
        self.config(settings).create().expect("a producer")
    }

    /// A member of the group `lines` that reads the topic `lines` from its beginning.
    fn member(&self, settings: &[(&str, &str)]) -> BaseConsumer {
        let mut config = self.config(settings);
        config.set("group.id", "lines").set("auto.offset.reset", "earliest").set("enable.auto.commit", "false");
        let consumer: BaseConsumer = config.create().expect("a consumer");
        consumer.subscribe(&["lines"]).expect("a subscription");
        consumer
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.config(&[]).create().expect("an admin")
    }
}

fn send(producer: &BaseProducer, values: impl IntoIterator<Item = String>) {
    for value in values {
        let headers = OwnedHeaders::new().insert(Header { key: "a", value: Some("1") });
        producer.send(BaseRecord::to("lines").key("k").headers(headers).payload(&value)).expect("there is room");
    }
    producer.flush(PATIENCE).expect("all is acknowledged");
}

/// Reads that many messages.
fn read(consumer: &BaseConsumer, count: usize) -> Vec<OwnedMessage> {
    let start = Instant::now();
    let mut messages = Vec::new();
    while messages.len() < count {
        assert!(start.elapsed() < PATIENCE, "{} of {count} messages", messages.len());
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => messages.push(message.detach()),
            // News of a broker that was killed; the client goes on by itself.
            Some(Err(KafkaError::MessageConsumption(
                RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure,
            )))
            | None => {}
            Some(Err(other)) => panic!("{other}"),
        }
    }
    messages
}

fn told(messages: &[OwnedMessage]) -> Vec<(i64, String)> {
    let value = |m: &OwnedMessage| String::from_utf8_lossy(m.payload().unwrap_or_default()).into_owned();
    messages.iter().map(|m| (m.offset(), value(m))).collect()
}

fn wait<T>(answer: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(answer)
}

/// The group's offset in the topic's only partition.
fn to(offset: i64) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset("lines", 0, Offset::Offset(offset)).expect("a valid offset");
    list
}

#[test]
fn every_codec_keys_and_headers() {
    let broker = Broker::start();
    let mut expected = Vec::new();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let settings = [("compression.type", codec), ("enable.idempotence", "true"), ("linger.ms", "2")];
        let values: Vec<String> = (0..1_000).map(|n| format!("{codec} {n} é 漢")).collect();
        send(&broker.producer(&settings), values.clone());
        expected.extend(values);
    }
    let messages = read(&broker.member(&[]), expected.len());
    assert_eq!(told(&messages), (0..).zip(expected).collect::<Vec<_>>());
    let last = messages.last().expect("there are some");
    assert_eq!(last.key(), Some(&b"k"[..]));
    assert_eq!(last.headers().expect("it has one").get(0), Header { key: "a", value: Some(&b"1"[..]) });
}

#[test]
fn a_group_goes_on_where_it_committed() {
    let broker = Broker::start();
    send(&broker.producer(&[]), (0..20).map(|n| n.to_string()));
    let settings = [("partition.assignment.strategy", "cooperative-sticky")];
    let first = broker.member(&settings);
    read(&first, 8);
    first.commit(&to(8), CommitMode::Sync).expect("a commit");
    drop(first);
    let second = broker.member(&settings);
    assert_eq!(told(&read(&second, 12)).first(), Some(&(8, "8".to_owned())));
    let groups = second.fetch_group_list(Some("lines"), PATIENCE).expect("a list");
    let group = &groups.groups()[0];
    assert_eq!((group.state(), group.protocol(), group.members().len()), ("Stable", "cooperative-sticky", 1));
}

/// The producer repeats what was not acknowledged, and the reader keeps its membership: nothing is lost, nothing comes twice.
#[test]
fn a_producer_and_a_group_live_through_kills() {
    let mut broker = Broker::start();
    let producer = broker.producer(&[("enable.idempotence", "true"), ("linger.ms", "1")]);
    send(&producer, ["0".to_owned()]);
    let consumer = broker.member(&[]);
    let mut messages = read(&consumer, 1);
    for n in 1..3_000 {
        producer.send(BaseRecord::<(), _>::to("lines").payload(&n.to_string())).expect("there is room");
        producer.poll(Duration::ZERO);
        if n % 1_000 == 500 {
            messages.extend(read(&consumer, 100));
            broker.kill_and_start();
        }
    }
    producer.flush(PATIENCE).expect("all is acknowledged");
    messages.extend(read(&consumer, 3_000 - messages.len()));
    assert_eq!(told(&messages), (0..3_000).map(|n| (n, n.to_string())).collect::<Vec<_>>());
    consumer.commit(&to(3_000), CommitMode::Sync).expect("it is a member still");
    assert_eq!(producer.in_flight_count(), 0);
}

#[test]
fn committed_is_read_and_aborted_is_not() {
    let broker = Broker::start();
    let producer = broker.producer(&[("transactional.id", "one")]);
    producer.init_transactions(PATIENCE).expect("a producer id");
    for (value, commit) in [("committed", true), ("aborted", false), ("committed too", true)] {
        producer.begin_transaction().expect("it begins");
        send(&producer, [value.to_owned()]);
        let end = if commit { producer.commit_transaction(PATIENCE) } else { producer.abort_transaction(PATIENCE) };
        end.expect("it ends");
    }
    let consumer = broker.member(&[("isolation.level", "read_committed")]);
    let expected = [(0, "committed".to_owned()), (4, "committed too".to_owned())];
    assert_eq!(told(&read(&consumer, 2)), expected);
    let metadata = consumer.group_metadata().expect("a member has metadata");
    producer.begin_transaction().expect("it begins");
    producer.send_offsets_to_transaction(&to(5), &metadata, PATIENCE).expect("offsets in it");
    producer.commit_transaction(PATIENCE).expect("it ends");
    let committed = consumer.committed(PATIENCE).expect("offsets");
    assert_eq!(committed.find_partition("lines", 0).map(|one| one.offset()), Some(Offset::Offset(5)));
}

#[test]
fn the_older_one_is_fenced() {
    let broker = Broker::start();
    let producer = || {
        let producer = broker.producer(&[("transactional.id", "one")]);
        producer.init_transactions(PATIENCE).expect("a producer id");
        producer
    };
    let old = producer();
    old.begin_transaction().expect("it begins");
    send(&old, ["old".to_owned()]);
    let _young = producer();
    let error = old.commit_transaction(PATIENCE).expect_err("it is fenced");
    assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::Fenced));
}

#[test]
fn topics_and_their_settings() {
    let broker = Broker::start();
    let (admin, options, topic) = (broker.admin(), AdminOptions::new(), "lines".to_owned());
    let create = || wait(admin.create_topics(&[NewTopic::new("lines", 1, TopicReplication::Fixed(1))], &options));
    assert_eq!(create().expect("an answer"), [Ok(topic.clone())]);
    assert_eq!(create().expect("an answer"), [Err((topic.clone(), RDKafkaErrorCode::TopicAlreadyExists))]);
    let grow = |count| wait(admin.create_partitions(&[NewPartitions::new("lines", count)], &options));
    assert_eq!(grow(3).expect("an answer"), [Ok(topic.clone())]);
    assert_eq!(grow(1).expect("an answer"), [Err((topic.clone(), RDKafkaErrorCode::InvalidPartitions))]);
    let alter = AlterConfig::new(ResourceSpecifier::Topic("lines")).set("retention.ms", "700000");
    assert!(wait(admin.alter_configs(&[alter], &options)).expect("an answer")[0].is_ok());
    let described = wait(admin.describe_configs(&[ResourceSpecifier::Topic("lines")], &options)).expect("an answer");
    let retention = described[0].as_ref().expect("its settings").get("retention.ms");
    assert_eq!(retention.and_then(|entry| entry.value.as_deref()), Some("700000"));
    let consumer: BaseConsumer = broker.config(&[]).create().expect("a consumer");
    let metadata = consumer.fetch_metadata(Some("lines"), PATIENCE).expect("metadata");
    assert_eq!(metadata.topics()[0].partitions().len(), 3);
    assert_eq!(consumer.fetch_watermarks("lines", 2, PATIENCE).expect("both ends"), (0, 0));
    let delete = || wait(admin.delete_topics(&["lines"], &options)).expect("an answer");
    assert_eq!(delete(), [Ok(topic.clone())]);
    assert_eq!(delete(), [Err((topic.clone(), RDKafkaErrorCode::UnknownTopicOrPartition))]);
}
