//! rskafka: the protocol in Rust alone, partition by partition, without groups. Run by `cargo xtask clients rust`.
#![cfg(test)]

use chrono::{DateTime, Utc};
use futures::StreamExt;
use rskafka::client::consumer::{StartOffset, StreamConsumerBuilder};
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::producer::{BatchProducerBuilder, aggregator::RecordAggregator};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The broker's address, as `cargo xtask clients` hands it over.
fn bootstrap() -> String {
    std::env::var("BOOTSTRAP").expect("BOOTSTRAP names a broker: cargo xtask clients rust")
}

/// A topic's name that nobody has.
fn name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    format!("rust-{}-{}", now.as_micros(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Runs a test, with an end to its waiting.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let limited = async { tokio::time::timeout(Duration::from_secs(60), test).await.expect("it hangs") };
    runtime.expect("a runtime").block_on(limited);
}

async fn client() -> Client {
    ClientBuilder::new(vec![bootstrap()]).build().await.expect("a client")
}

/// A new topic's only partition.
async fn partition(client: &Client) -> Arc<PartitionClient> {
    let topic = name();
    client.controller_client().expect("a controller").create_topic(&topic, 1, 1, 10_000).await.expect("a topic");
    Arc::new(client.partition_client(topic, 0, UnknownTopicHandling::Retry).await.expect("a partition"))
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_700_000_000_000 + seconds * 1_000).expect("a moment")
}

fn record(value: &str, seconds: i64) -> Record {
    let headers = [("a".to_owned(), b"1".to_vec()), ("b".to_owned(), Vec::new())].into();
    Record { key: Some(b"k".to_vec()), value: Some(value.into()), headers, timestamp: at(seconds) }
}

fn refused(error: Error) -> ProtocolError {
    match error {
        Error::ServerError { protocol_error, .. } => protocol_error,
        other => panic!("not a refusal: {other}"),
    }
}

#[test]
fn the_tutorials_record_byte_for_byte() {
    run(async {
        let partition = client().await.partition_client("connect-test", 0, UnknownTopicHandling::Retry).await.unwrap();
        let (records, end) = partition.fetch_records(0, 1..1_000_000, 1_000).await.unwrap();
        let expected = std::env::var("CONNECT_TEST").unwrap();
        assert_eq!((records[0].record.key.clone(), records[0].offset, end), (None, 0, 1));
        assert_eq!(records[0].record.value.as_deref(), Some(expected.as_bytes()));
    });
}

#[test]
fn produce_and_fetch_with_every_codec() {
    use Compression::*;
    run(async {
        let client = client().await;
        for codec in [NoCompression, Gzip, Snappy, Lz4, Zstd] {
            let partition = partition(&client).await;
            let sent: Vec<Record> = (0..1_000).map(|n| record(&format!("{n} é 漢"), n)).collect();
            let offsets = partition.produce(sent.clone(), codec).await.unwrap();
            assert_eq!(offsets, (0..1_000).collect::<Vec<i64>>(), "{codec:?}");
            let (records, end) = partition.fetch_records(0, 1..10_000_000, 1_000).await.unwrap();
            assert_eq!(end, 1_000, "{codec:?}");
            assert_eq!(records.into_iter().map(|one| one.record).collect::<Vec<_>>(), sent, "{codec:?}");
        }
    });
}

#[test]
fn a_fetch_inside_a_batch_begins_where_it_was_asked() {
    run(async {
        let partition = partition(&client().await).await;
        partition.produce((0..10).map(|n| record(&n.to_string(), n)).collect(), Compression::Zstd).await.unwrap();
        let (records, _) = partition.fetch_records(7, 1..1_000_000, 1_000).await.unwrap();
        assert_eq!(records.iter().map(|one| one.offset).collect::<Vec<_>>(), [7, 8, 9]);
        let (none, end) = partition.fetch_records(10, 1..1_000_000, 50).await.unwrap();
        assert_eq!((none.len(), end), (0, 10));
        let beyond = partition.fetch_records(11, 1..1_000_000, 50).await.unwrap_err();
        assert_eq!(refused(beyond), ProtocolError::OffsetOutOfRange);
    });
}

#[test]
fn offsets_and_deleted_records() {
    run(async {
        let partition = partition(&client().await).await;
        for n in 0..5 {
            partition.produce(vec![record("x", n)], Compression::NoCompression).await.unwrap();
        }
        let offset = async |at| partition.get_offset(at).await.unwrap();
        assert_eq!(offset(OffsetAt::Earliest).await, 0);
        assert_eq!(offset(OffsetAt::Latest).await, 5);
        assert_eq!(offset(OffsetAt::Timestamp(at(2))).await, 2);
        assert_eq!(offset(OffsetAt::Timestamp(at(9))).await, -1);
        partition.delete_records(3, 10_000).await.unwrap();
        assert_eq!(offset(OffsetAt::Earliest).await, 3);
        let gone = partition.fetch_records(0, 1..1_000_000, 50).await.unwrap_err();
        assert_eq!(refused(gone), ProtocolError::OffsetOutOfRange);
    });
}

#[test]
fn many_producers_share_batches_and_a_stream_reads_them() {
    run(async {
        let partition = partition(&client().await).await;
        let builder = BatchProducerBuilder::new(Arc::clone(&partition)).with_linger(Duration::from_millis(2));
        let producer = builder.with_compression(Compression::Lz4).build(RecordAggregator::new(100_000));
        let sent = (0..500).map(|n| producer.produce(record(&n.to_string(), n)));
        let mut offsets: Vec<i64> = futures::future::join_all(sent).await.into_iter().map(Result::unwrap).collect();
        offsets.sort_unstable();
        assert_eq!(offsets, (0..500).collect::<Vec<_>>());
        let stream = StreamConsumerBuilder::new(partition, StartOffset::Earliest).with_max_wait_ms(100).build();
        let read: Vec<i64> = stream.take(500).map(|one| one.unwrap().0.offset).collect().await;
        assert_eq!(read, offsets);
    });
}

#[test]
fn topics_come_and_go() {
    run(async {
        let (client, topic) = (client().await, name());
        let controller = client.controller_client().unwrap();
        controller.create_topic(&topic, 3, 1, 10_000).await.unwrap();
        let again = controller.create_topic(&topic, 3, 1, 10_000).await.unwrap_err();
        assert_eq!(refused(again), ProtocolError::TopicAlreadyExists);
        let replicas = controller.create_topic(name(), 1, 3, 10_000).await.unwrap_err();
        assert_eq!(refused(replicas), ProtocolError::InvalidReplicationFactor);
        let listed = client.list_topics().await.unwrap();
        let partitions = listed.iter().find(|one| one.name == topic).map(|one| one.partitions.len());
        assert_eq!(partitions, Some(3));
        controller.delete_topic(&topic, 10_000).await.unwrap();
        let gone = controller.delete_topic(&topic, 10_000).await.unwrap_err();
        assert_eq!(refused(gone), ProtocolError::UnknownTopicOrPartition);
    });
}
