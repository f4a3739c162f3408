//! `kafka-console-consumer`: reading topics and printing them.
//!
//! Leaves the command line and the look of a record to `runtime_cli`. Invariant: a record's offset is committed only after it was printed,
//! and what was printed is written out before the next wait.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use rdkafka::{
    Message, Offset, Timestamp, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol},
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, Headers},
    types::RDKafkaRespErr,
};
use runtime_cli::{
    failure::Failure,
    flags::Given,
    kafka::{
        console_consumer::{Asked, From, Start, TIMED_OUT, TOOL, made_up_group, processed, understand},
        formatter::Record,
    },
    world::World,
};
use runtime_core::client_settings::Client;

use super::clients::{self, Stop, Trouble};

/// Between two looks whether to end.
const POLL: Duration = Duration::from_millis(50);

/// Between two looks whether the group was left.
const CLOSING: Duration = Duration::from_millis(1);

/// The first answer of a cluster that is there comes sooner.
const FIRST: Duration = Duration::from_secs(1);

/// A cluster that is there answers in this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most bytes that wait to be written.
const BUFFER: usize = 64 << 10;

/// Prints records until there is a reason to end; gives the exit code.
pub fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    let asked = understand(given, world)?;
    let (code, count) = print(TOOL.name, &asked, world)?;
    world.err(&processed(count));
    if asked.events {
        world.out("shutdown_complete\n");
    }
    Ok(code)
}

/// Prints what is asked; gives the exit code and how many records there were.
pub fn print(tool: &'static str, asked: &Asked, world: &mut dyn World) -> Result<(u8, u64), Failure> {
    let (consumer, mut left) = consumer(tool, asked, world)?;
    let stop = Stop::listen(|_| {});
    let mut printer = Printer { out: io::stdout(), buffer: Vec::with_capacity(BUFFER), gone: false, count: 0 };
    let (mut last, begun) = (Instant::now(), asked.max_messages != Some(0));
    let code = loop {
        if let Some(code) = stop.code() {
            break code;
        }
        if printer.gone || !begun {
            break 0;
        }
        let wait = if printer.buffer.is_empty() { POLL } else { Duration::ZERO };
        match consumer.poll(wait) {
            Some(Ok(message)) => {
                printer.print(tool, asked, &message)?;
                last = Instant::now();
                if !matches!(asked.from, From::Partition(..) | From::Every(..)) {
                    // It was assigned a moment ago; if it is not any more, there is nothing to commit.
                    let _ = consumer.store_offset_from_message(&message);
                }
                if asked.max_messages.is_some_and(|most| printer.count >= most) {
                    break 0;
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) => {
                left = left.saturating_sub(1);
                if left == 0 {
                    break 0;
                }
            }
            Some(Err(error)) => told(&error)?,
            None => printer.flush(),
        }
        if asked.timeout_ms.is_some_and(|ms| last.elapsed() >= Duration::from_millis(ms)) {
            printer.flush();
            world.err(TIMED_OUT);
            break 0;
        }
    };
    printer.flush();
    leave(&consumer);
    Ok((code, printer.count))
}

/// A member of a group. Where nothing was committed, librdkafka waits for a tenth of a second before it looks for the place to begin; this
/// tells it the place.
struct Member {
    trouble: Trouble,
    /// The place, if it can be told.
    first: Option<Offset>,
    /// Whether the group may have committed something: it has a name that others know.
    may_have_read: bool,
}

crate::client::client_context!(Member, trouble);

impl ConsumerContext for Member {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        let is_cooperative = matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let is_given = matches!(what, RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS);
        if is_given {
            self.place(consumer, partitions);
        }
        // What fails here is a member that has to leave: it is told so by the next poll.
        let _ = match (is_given, is_cooperative) {
            (true, true) => consumer.incremental_assign(partitions),
            (true, false) => consumer.assign(partitions),
            (false, true) => consumer.incremental_unassign(partitions),
            (false, false) => consumer.unassign(),
        };
    }
}

impl Member {
    /// Sets where to begin if nothing was committed. The rest is left to librdkafka.
    fn place(&self, consumer: &BaseConsumer<Self>, partitions: &mut TopicPartitionList) {
        let Some(first) = self.first else { return };
        let committed = match self.may_have_read {
            true => consumer.committed_offsets(partitions.clone(), FIRST),
            false => Ok(TopicPartitionList::new()),
        };
        let Ok(committed) = committed else { return };
        for mut partition in partitions.elements() {
            let found = committed.find_partition(partition.topic(), partition.partition());
            if found.is_none_or(|found| found.error().is_ok() && found.offset() == Offset::Invalid) {
                // It is a place that every list can hold.
                let _ = partition.set_offset(first);
            }
        }
    }
}

/// Commits what was printed, if a group was named, and leaves the group. (Dropped, the consumer would do the same in steps of 100 ms.)
fn leave(consumer: &BaseConsumer<Member>) {
    if consumer.close_queue().is_ok() {
        while !consumer.closed() {
            consumer.poll(CLOSING);
        }
    }
}

/// The consumer, and how many partitions have to come to their end before it ends.
fn consumer(
    tool: &'static str,
    asked: &Asked,
    world: &mut dyn World,
) -> Result<(BaseConsumer<Member>, usize), Failure> {
    let mut java = asked.consumer.clone();
    let named = java.contains_key("group.id");
    java.entry("group.id".into()).or_insert_with(|| made_up_group(world.random()));
    java.entry("enable.auto.commit".into()).or_insert_with(|| named.to_string());
    java.entry("allow.auto.create.topics".into()).or_insert_with(|| "true".into());
    let mut config = clients::config(tool, Client::Consumer, &java)?;
    config.set("enable.auto.offset.store", "false");
    config.set("enable.partition.eof", asked.until_the_end.to_string());
    let first = match java.get("auto.offset.reset").map(String::as_str) {
        Some("earliest") => Some(Offset::Beginning),
        None | Some("latest") => Some(Offset::End),
        Some(_) => None,
    };
    let member = Member { trouble: Trouble::new(tool, &java), first, may_have_read: named };
    let consumer = BaseConsumer::from_config_and_context(&config, member).map_err(clients::unusable)?;
    let refused = |error: KafkaError| Failure::new(error.to_string());
    if let From::Topic(topic) | From::Partition(topic, ..) = &asked.from {
        // Asked for now, the answer is there when it is needed; else librdkafka asks some half a second later.
        let _ = consumer.client().fetch_metadata(Some(topic), FIRST);
    }
    let partitions = match &asked.from {
        From::Topic(topic) => {
            consumer.subscribe(&[topic]).map_err(refused)?;
            partitions(&consumer, topic).map_or(1, |partitions| partitions.len())
        }
        // librdkafka takes what begins with ^ for an expression; Java's has to fit the whole name.
        From::Matching(include) => {
            consumer.subscribe(&[&format!("^({include})$")]).map_err(refused)?;
            1
        }
        From::Partition(topic, partition, start) => assign(&consumer, topic, &[*partition], *start)?,
        From::Every(topic, start) => {
            let partitions = partitions(&consumer, topic)?;
            assign(&consumer, topic, &partitions, *start)?
        }
    };
    Ok((consumer, partitions))
}

/// The partitions of a topic, within the time that a cluster has to answer.
fn partitions(consumer: &BaseConsumer<Member>, topic: &str) -> Result<Vec<i32>, Failure> {
    let metadata = consumer.client().fetch_metadata(Some(topic), PATIENCE).map_err(|error| {
        let failure = Failure::new(format!("no broker answers: {}", reason(&error)));
        Failure { class: Some("TimeoutException"), ..failure }
    })?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let found = found.filter(|found| found.error().is_none() && !found.partitions().is_empty());
    let Some(found) = found else {
        return Err(Failure::new(format!("there is no topic \"{topic}\"")).advising("connectd topic list"));
    };
    Ok(found.partitions().iter().map(rdkafka::metadata::MetadataPartition::id).collect())
}

fn reason(error: &KafkaError) -> String {
    error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string())
}

/// Begins in these partitions; gives how many there are.
fn assign(consumer: &BaseConsumer<Member>, topic: &str, partitions: &[i32], start: Start) -> Result<usize, Failure> {
    let refused = |error: KafkaError| Failure::new(error.to_string());
    let offset = match start {
        Start::Earliest => Offset::Beginning,
        Start::Latest => Offset::End,
        Start::At(offset) | Start::Time(offset) => Offset::Offset(offset),
        Start::Back(0) => Offset::End,
        Start::Back(count) => Offset::OffsetTail(count.into()),
    };
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition_offset(topic, *partition, offset).map_err(refused)?;
    }
    if matches!(start, Start::Time(_)) {
        list = consumer.offsets_for_times(list, PATIENCE).map_err(refused)?;
    }
    consumer.assign(&list).map_err(refused)?;
    Ok(partitions.len())
}

/// What ends the tool is an error here; the rest was said, or passes.
fn told(error: &KafkaError) -> Result<(), Failure> {
    use RDKafkaErrorCode as Code;
    match error.rdkafka_error_code() {
        Some(
            code @ (Code::GroupAuthorizationFailed
            | Code::TopicAuthorizationFailed
            | Code::SaslAuthenticationFailed
            | Code::Authentication
            | Code::InvalidTopic
            | Code::UnknownPartition
            | Code::AutoOffsetReset
            | Code::Fatal),
        ) => Err(Failure::new(code.to_string())),
        _ => Ok(()),
    }
}

struct Printer {
    out: io::Stdout,
    buffer: Vec<u8>,
    gone: bool,
    count: u64,
}

impl Printer {
    fn print(&mut self, tool: &str, asked: &Asked, message: &BorrowedMessage<'_>) -> Result<(), Failure> {
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        let record = Record {
            topic: message.topic(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis(),
            log_append_time: matches!(message.timestamp(), Timestamp::LogAppendTime(_)),
            key: message.key(),
            value: message.payload(),
            headers: headers.map(|header| (header.key, header.value)).collect(),
        };
        self.count += 1;
        let printed = asked.formatter.print(&record, &mut self.buffer);
        if let Err(why) = printed {
            if !asked.skip_errors {
                self.flush();
                return Err(Failure::new(why));
            }
            clients::say(&format!("{tool}: {why}; the record is left out"));
        }
        if self.buffer.len() >= BUFFER {
            self.flush();
        }
        Ok(())
    }

    fn flush(&mut self) {
        if !self.buffer.is_empty() && self.out.write_all(&self.buffer).and_then(|()| self.out.flush()).is_err() {
            self.gone = true;
        }
        self.buffer.clear();
    }
}
