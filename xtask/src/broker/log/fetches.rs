//! Fetch and DeleteRecords: from where, how much, for whom, in which session.

use super::batch::{Batch, TRANSACTIONAL};
use super::{delete_records, end, enlist, fill, produce_request, producer, topic};
use crate::broker::ask::{Connection, text};
use crate::broker::stage::Stage;
use anyhow::Result;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::messages::{FetchRequest, FetchResponse};

/// A Fetch that waits for nothing, outside a session.
fn request(topic: &str, partitions: Vec<FetchPartition>) -> FetchRequest {
    let topic = FetchTopic::default().with_topic(text(topic).into()).with_partitions(partitions);
    let request = FetchRequest::default().with_replica_id((-1).into()).with_max_wait_ms(0).with_max_bytes(1 << 20);
    request.with_min_bytes(0).with_session_epoch(-1).with_topics(vec![topic])
}

fn from(partition: i32, offset: i64) -> FetchPartition {
    FetchPartition::default()
        .with_partition(partition)
        .with_fetch_offset(offset)
        .with_current_leader_epoch(-1)
        .with_partition_max_bytes(1 << 20)
}

/// The answer, with a session's number made 1, and records by their length and the offset of the first batch.
fn told(mut response: FetchResponse) -> (FetchResponse, Vec<(usize, Option<i64>)>) {
    response.session_id = response.session_id.signum();
    let mut records = Vec::new();
    for topic in &mut response.responses {
        topic.partitions.sort_by_key(|partition| partition.partition_index);
        for partition in &mut topic.partitions {
            let bytes = partition.records.take().unwrap_or_default();
            let first = bytes.first_chunk().map(|base| i64::from_be_bytes(*base));
            records.push((bytes.len(), first));
            // Beside an error Kafka says nothing else, and no aborted transactions in another way.
            if partition.error_code != 0 {
                (partition.high_watermark, partition.log_start_offset) = (-1, -1);
                partition.aborted_transactions = None;
            }
            for aborted in partition.aborted_transactions.iter_mut().flatten() {
                aborted.producer_id = 0.into();
            }
        }
    }
    (response, records)
}

fn three(timestamp: i64) -> Batch {
    Batch::of(&[(timestamp, None, Some("one")), (timestamp, None, Some("two")), (timestamp, None, Some("three"))])
}

/// From everywhere, and of leaders of other times.
pub fn places(stage: &mut Stage) -> Result<()> {
    topic(stage, "places", 2, &[])?;
    let mut wire = stage.connect("reader")?;
    stage.note("empty, from 0", told(wire.ask(12, &request("places", vec![from(0, 0)]))?));
    stage.note("empty, from 1", told(wire.ask(12, &request("places", vec![from(0, 1)]))?));
    fill(&mut wire, "places", &[three(1_000), three(2_000).gzip(), three(3_000)])?;
    for offset in [i64::MIN, -2, -1, 0, 1, 2, 3, 5, 8, 9, 10, i64::MAX] {
        stage.note(format!("from {offset}"), told(wire.ask(12, &request("places", vec![from(0, offset)]))?));
    }
    for epoch in [0, 1, 7] {
        let partition = from(0, 0).with_current_leader_epoch(epoch);
        stage.note(format!("leader epoch {epoch}"), told(wire.ask(12, &request("places", vec![partition]))?));
    }
    stage.note("no such partition", told(wire.ask(12, &request("places", vec![from(9, 0)]))?));
    for name in ["no-such-topic", "", "a/b"] {
        stage.note(format!("topic {name:?}"), told(wire.ask(12, &request(name, vec![from(0, 0)]))?));
    }
    for version in 4..=12 {
        stage.note(
            format!("version {version}"),
            told(wire.ask(version, &request("places", vec![from(0, 3), from(1, 0)]))?),
        );
    }
    Ok(())
}

/// One batch at least, and never more than that beyond what was asked for.
pub fn sizes(stage: &mut Stage) -> Result<()> {
    topic(stage, "sizes", 3, &[])?;
    let mut wire = stage.connect("reader")?;
    for partition in 0..3 {
        for at in 0..3 {
            let batch = three(1_000 * at).bytes();
            wire.ask(9, &produce_request("sizes", partition, Some(batch)))?;
        }
    }
    let len = i32::try_from(three(0).bytes().len())?;
    let all = |most: i32| (0..3).map(|index| from(index, 0).with_partition_max_bytes(most)).collect::<Vec<_>>();
    // Between these Kafka cuts the last batch short, and we leave it out.
    for most in [0, 1, len - 1, len, 2 * len, 3 * len, i32::MAX] {
        let one = from(0, 0).with_partition_max_bytes(most);
        stage.note(format!("{most} of the partition"), told(wire.ask(12, &request("sizes", vec![one]))?));
        stage.note(format!("{most} of each"), told(wire.ask(12, &request("sizes", all(most)))?));
        let in_all = request("sizes", all(i32::MAX)).with_max_bytes(most);
        stage.note(format!("{most} in all"), told(wire.ask(12, &in_all)?));
    }
    // The first partition with records gets one batch, though others come before it.
    let empty_first = vec![from(0, 9), from(1, 0).with_partition_max_bytes(1), from(2, 0).with_partition_max_bytes(1)];
    stage.note("the first is at its end", told(wire.ask(12, &request("sizes", empty_first))?));
    let error_first = vec![from(0, 99), from(1, 0).with_partition_max_bytes(1)];
    stage.note("the first is out of range", told(wire.ask(12, &request("sizes", error_first))?));
    stage.note("more is waited for than there is", {
        let request = request("sizes", vec![from(0, 0)]).with_min_bytes(1 << 20).with_max_wait_ms(200);
        told(wire.ask(12, &request)?)
    });
    stage.note("an error is not waited with", {
        let request = request("sizes", vec![from(0, 0), from(1, 99)]).with_min_bytes(1 << 20).with_max_wait_ms(50_000);
        told(wire.ask(12, &request)?)
    });
    Ok(())
}

/// A transaction open, committed, aborted.
pub fn isolation(stage: &mut Stage) -> Result<()> {
    topic(stage, "isolation", 1, &[])?;
    let mut wire = stage.connect("reader")?;
    fill(&mut wire, "isolation", &[three(1_000)])?;
    let me = producer(&mut wire, Some("isolation"))?;
    enlist(&mut wire, "isolation", me, "isolation")?;
    let mine = |sequence| three(2_000).but(|batch| batch.attributes = TRANSACTIONAL).by(me, sequence);
    let write = |wire: &mut Connection, sequence| -> Result<()> {
        let request = produce_request("isolation", 0, Some(mine(sequence).bytes()));
        wire.ask(9, &request.with_transactional_id(Some(text("isolation").into())))?;
        Ok(())
    };
    write(&mut wire, 0)?;
    fill(&mut wire, "isolation", &[three(3_000)])?;
    let read = |stage: &mut Stage, when: &str, version: i16| -> Result<()> {
        for offset in [0, 3, 6, 9, 10] {
            for level in [0, 1] {
                let request = request("isolation", vec![from(0, offset)]).with_isolation_level(level);
                // How many batches come at once is the broker's choice.
                let (answer, records) = told(stage.connect("reader")?.ask(version, &request)?);
                let answer = (answer, records.first().map(|(_, first)| *first));
                stage.note(format!("{when}: from {offset}, isolation {level}, version {version}"), answer);
            }
        }
        Ok(())
    };
    read(stage, "open", 12)?;
    read(stage, "open", 4)?;
    end(&mut wire, "isolation", me, false)?;
    settle(&mut wire, 10)?;
    read(stage, "aborted", 12)?;
    read(stage, "aborted", 4)?;
    enlist(&mut wire, "isolation", me, "isolation")?;
    write(&mut wire, 3)?;
    end(&mut wire, "isolation", me, true)?;
    settle(&mut wire, 14)?;
    read(stage, "committed", 12)
}

/// Waits until everything below the offset is decided: Kafka answers EndTxn before the markers are written.
fn settle(wire: &mut Connection, end: i64) -> Result<()> {
    let start = std::time::Instant::now();
    loop {
        let response = wire.ask(12, &request("isolation", vec![from(0, 0)]))?;
        if response.responses[0].partitions[0].last_stable_offset >= end {
            return Ok(());
        }
        anyhow::ensure!(start.elapsed() < crate::broker::ask::PATIENCE, "still open: {response:?}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// KIP-227.
pub fn sessions(stage: &mut Stage) -> Result<()> {
    topic(stage, "sessions", 3, &[])?;
    let mut wire = stage.connect("reader")?;
    fill(&mut wire, "sessions", &[three(1_000)])?;
    let first = request("sessions", vec![from(0, 0), from(1, 0)]).with_session_epoch(0);
    let opened = wire.ask(12, &first)?;
    let id = opened.session_id;
    stage.note("opened", told(opened));
    let nothing = || request("sessions", vec![]).with_topics(vec![]).with_session_id(id);
    let mut go = |stage: &mut Stage, what: &str, request: FetchRequest| -> Result<()> {
        let answer = told(wire.ask(12, &request)?);
        stage.note(what, answer);
        Ok(())
    };
    let some = |epoch, partitions| request("sessions", partitions).with_session_id(id).with_session_epoch(epoch);
    go(stage, "the same partitions, named by nobody", nothing().with_session_epoch(1))?;
    go(stage, "the epoch before", nothing().with_session_epoch(1))?;
    go(stage, "an epoch left out", nothing().with_session_epoch(4))?;
    go(stage, "another session", nothing().with_session_id(id.wrapping_add(1).max(1)).with_session_epoch(2))?;
    go(stage, "one moves on", some(2, vec![from(0, 3)]))?;
    go(stage, "nothing new", nothing().with_session_epoch(3))?;
    go(stage, "one more", some(4, vec![from(2, 0)]))?;
    go(stage, "one that is not there", some(5, vec![from(9, 0)]))?;
    go(stage, "which is told again", nothing().with_session_epoch(6))?;
    let forget = ForgottenTopic::default().with_topic(text("sessions").into()).with_partitions(vec![9, 7]);
    go(stage, "and forgotten", nothing().with_session_epoch(7).with_forgotten_topics_data(vec![forget]))?;
    go(stage, "one out of range", some(8, vec![from(1, 50)]))?;
    go(stage, "told again too", nothing().with_session_epoch(9))?;
    go(stage, "closed, with everything named", some(-1, vec![from(0, 0)]))?;
    go(stage, "gone", nothing().with_session_epoch(10))?;
    go(stage, "epoch 0 with an id that is gone", some(0, vec![from(0, 0)]))?;
    go(stage, "no session, an epoch", nothing().with_session_id(0).with_session_epoch(3))?;
    go(stage, "no session, no epoch, an id", nothing().with_session_id(77).with_session_epoch(-1))?;
    Ok(())
}

/// What is deleted, and what is then read.
pub fn deleting(stage: &mut Stage) -> Result<()> {
    topic(stage, "deleting", 2, &[])?;
    topic(stage, "deleting-compacted", 1, &[("cleanup.policy", "compact")])?;
    let mut wire = stage.connect("reader")?;
    fill(&mut wire, "deleting", &[three(1_000), three(2_000), three(3_000)])?;
    for offset in [-3, -2, 10, i64::MAX, i64::MIN] {
        stage.note(format!("before {offset}"), delete_records(&mut wire, "deleting", &[(0, offset)])?);
    }
    stage.note("before 0", delete_records(&mut wire, "deleting", &[(0, 0)])?);
    stage.note("in the middle of a batch", delete_records(&mut wire, "deleting", &[(0, 4), (1, -1), (9, 0)])?);
    for offset in [0, 3, 4, 5, 6] {
        stage.note(format!("read from {offset}"), told(wire.ask(12, &request("deleting", vec![from(0, offset)]))?));
    }
    stage.note("backwards", delete_records(&mut wire, "deleting", &[(0, 2)])?);
    stage.note("everything", delete_records(&mut wire, "deleting", &[(0, -1)])?);
    stage.note("read from the end", told(wire.ask(12, &request("deleting", vec![from(0, 9)]))?));
    stage.note("read from before it", told(wire.ask(12, &request("deleting", vec![from(0, 8)]))?));
    fill(&mut wire, "deleting-compacted", &[Batch::of(&[(1, Some("k"), Some("v"))])])?;
    stage.note("of a compacted topic", delete_records(&mut wire, "deleting-compacted", &[(0, -1)])?);
    stage.note("of no topic", delete_records(&mut wire, "no-such-topic", &[(0, -1)])?);
    stage.note("of an internal topic", delete_records(&mut wire, "__consumer_offsets", &[(0, 0)])?);
    Ok(())
}
