//! Partitions, from every side: what is taken, what is found, what is read.
//!
//! Owns the list of scripts, and the requests that several of them make. Leaves batches to `batch.rs`. Invariant: timestamps are given,
//! never taken from a clock, unless the broker's own clock is the case.

mod batch;
mod fetches;
mod offsets;
mod produce;
mod topics;

use super::Script;
use super::ask::{Connection, text};
use super::stage::Stage;
use anyhow::{Result, ensure};
use batch::Batch;
use bytes::Bytes;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, DeleteRecordsRequest, DeleteRecordsResponse, EndTxnRequest,
    EndTxnResponse, FindCoordinatorRequest, InitProducerIdRequest, ProduceRequest, ProduceResponse,
};

/// The last transaction is not over yet.
const CONCURRENT_TRANSACTIONS: i16 = 51;

/// Scripts by name.
pub const SCRIPTS: &[(&str, Script)] = &[
    ("batches that are wrong", produce::wrong),
    ("requests that are wrong", produce::requests),
    ("sequences", produce::sequences),
    ("transactions out of place", produce::transactional),
    ("offsets by time", offsets::by_time),
    ("offsets of the broker's time", offsets::by_append_time),
    ("offsets and transactions", offsets::isolation),
    ("offsets of nowhere", offsets::nowhere),
    ("leader epochs", offsets::leader_epochs),
    ("fetching", fetches::places),
    ("how much is fetched", fetches::sizes),
    ("fetching what is committed", fetches::isolation),
    ("fetch sessions", fetches::sessions),
    ("deleting records", fetches::deleting),
    ("making topics", topics::making),
    ("more partitions", topics::growing),
    ("configs", topics::configs),
];

/// The answer about one partition, without what differs: texts, the broker's time, which records are to blame, and where the log of a
/// batch that was refused begins.
fn outcome(mut answer: ProduceResponse) -> ProduceResponse {
    for partition in answer.responses.iter_mut().flat_map(|topic| &mut topic.partition_responses) {
        partition.error_message = None;
        partition.log_append_time_ms = -1;
        partition.record_errors.clear();
        if partition.error_code != 0 {
            partition.log_start_offset = -1;
        }
    }
    answer
}

/// A Produce request of these bytes to one partition.
fn produce_request(topic: &str, partition: i32, records: Option<Bytes>) -> ProduceRequest {
    let partition = PartitionProduceData::default().with_index(partition).with_records(records);
    let topic = TopicProduceData::default().with_name(text(topic).into()).with_partition_data(vec![partition]);
    ProduceRequest::default().with_acks(-1).with_timeout_ms(30_000).with_topic_data(vec![topic])
}

/// Appends a batch to partition 0.
fn append(wire: &mut Connection, topic: &str, batch: &Batch) -> Result<ProduceResponse> {
    wire.ask(9, &produce_request(topic, 0, Some(batch.bytes())))
}

/// Appends batches that must be taken.
fn fill(wire: &mut Connection, topic: &str, batches: &[Batch]) -> Result<()> {
    for batch in batches {
        let answer = append(wire, topic, batch)?;
        ensure!(answer.responses[0].partition_responses[0].error_code == 0, "not taken: {answer:?}");
    }
    Ok(())
}

/// A producer id and epoch, for a transactional id if one is given.
fn producer(wire: &mut Connection, transactional: Option<&str>) -> Result<(i64, i16)> {
    if let Some(id) = transactional {
        let find = FindCoordinatorRequest::default().with_key(text(id)).with_key_type(1);
        wire.ask(3, &find)?;
    }
    let request = InitProducerIdRequest::default()
        .with_transactional_id(transactional.map(|id| text(id).into()))
        .with_transaction_timeout_ms(60_000);
    let start = std::time::Instant::now();
    loop {
        let given = wire.ask(4, &request)?;
        match given.error_code {
            0 => return Ok((given.producer_id.0, given.producer_epoch)),
            // The coordinator is not there yet, or ends what the id had open.
            14 | 15 | 16 | CONCURRENT_TRANSACTIONS if start.elapsed() < super::ask::PATIENCE => {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            _ => anyhow::bail!("no producer id: {given:?}"),
        }
    }
}

/// Makes partition 0 of a topic part of a transaction.
fn enlist(wire: &mut Connection, id: &str, producer: (i64, i16), topic: &str) -> Result<AddPartitionsToTxnResponse> {
    let topic = AddPartitionsToTxnTopic::default().with_name(text(topic).into()).with_partitions(vec![0]);
    let request = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(text(id).into())
        .with_v3_and_below_producer_id(producer.0.into())
        .with_v3_and_below_producer_epoch(producer.1)
        .with_v3_and_below_topics(vec![topic]);
    let start = std::time::Instant::now();
    loop {
        let answer = wire.ask(3, &request)?;
        let codes = answer.results_by_topic_v3_and_below.iter().flat_map(|topic| &topic.results_by_partition);
        let waits = codes.into_iter().any(|partition| partition.partition_error_code == CONCURRENT_TRANSACTIONS);
        if !waits || start.elapsed() > super::ask::PATIENCE {
            return Ok(answer);
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Ends a transaction.
fn end(wire: &mut Connection, id: &str, producer: (i64, i16), committed: bool) -> Result<EndTxnResponse> {
    let request = EndTxnRequest::default()
        .with_transactional_id(text(id).into())
        .with_producer_id(producer.0.into())
        .with_producer_epoch(producer.1)
        .with_committed(committed);
    let start = std::time::Instant::now();
    loop {
        let answer = wire.ask(3, &request)?;
        // Kafka writes the markers after its answer, and takes no other request until they are written.
        if answer.error_code != CONCURRENT_TRANSACTIONS || start.elapsed() > super::ask::PATIENCE {
            return Ok(answer);
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Deletes what is before these offsets.
fn delete_records(wire: &mut Connection, topic: &str, before: &[(i32, i64)]) -> Result<DeleteRecordsResponse> {
    let partition = |(index, offset): &(i32, i64)| {
        DeleteRecordsPartition::default().with_partition_index(*index).with_offset(*offset)
    };
    let topic = DeleteRecordsTopic::default()
        .with_name(text(topic).into())
        .with_partitions(before.iter().map(partition).collect());
    let mut answer = wire.ask(2, &DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000))?;
    answer.topics.iter_mut().for_each(|topic| topic.partitions.sort_by_key(|partition| partition.partition_index));
    Ok(answer)
}

/// A topic that keeps records however old they are.
fn topic(stage: &Stage, name: &str, partitions: i32, more: &[(&str, &str)]) -> Result<()> {
    let mut configs = vec![("retention.ms", "-1")];
    configs.extend(more);
    stage.topic(name, partitions, &configs)
}
