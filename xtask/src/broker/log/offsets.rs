//! ListOffsets and OffsetForLeaderEpoch: where is what.

use super::batch::{Batch, TRANSACTIONAL};
use super::{delete_records, end, enlist, fill, producer, topic};
use crate::broker::ask::{Connection, text};
use crate::broker::stage::Stage;
use anyhow::Result;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::{
    ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
};

/// Latest, earliest, that of the highest timestamp, earliest local, latest tiered.
const NAMED: [i64; 5] = [-1, -2, -3, -4, -5];

/// A question about partition 0, with the leader epoch that is believed.
fn question(topic: &str, timestamp: i64, epoch: i32) -> ListOffsetsRequest {
    let partition = ListOffsetsPartition::default().with_timestamp(timestamp).with_current_leader_epoch(epoch);
    let topic = ListOffsetsTopic::default().with_name(text(topic).into()).with_partitions(vec![partition]);
    ListOffsetsRequest::default().with_replica_id((-1).into()).with_timeout_ms(10_000).with_topics(vec![topic])
}

fn list(wire: &mut Connection, topic: &str, timestamp: i64) -> Result<ListOffsetsResponse> {
    wire.ask(10, &question(topic, timestamp, -1))
}

/// Timestamps of producers, in order and out of order, compressed and plain.
pub fn by_time(stage: &mut Stage) -> Result<()> {
    topic(stage, "by-time", 1, &[])?;
    let mut wire = stage.connect("asker")?;
    for at in NAMED.into_iter().chain([0, 1_000]) {
        stage.note(format!("empty: {at}"), list(&mut wire, "by-time", at)?);
    }
    let row = |timestamp| (timestamp, None, Some("value"));
    fill(
        &mut wire,
        "by-time",
        &[
            Batch::of(&[row(1_000), row(1_010), row(1_005)]),
            Batch::of(&[row(2_000), row(1_500), row(2_000)]).gzip(),
            Batch::of(&[row(1_200)]),
            Batch::of(&[row(3_000), row(5_000), row(4_000)]).gzip(),
            Batch::of(&[row(5_000), row(4_500)]),
            Batch::of(&[row(4_900)]),
        ],
    )?;
    let times = [
        0,
        999,
        1_000,
        1_001,
        1_005,
        1_006,
        1_010,
        1_011,
        1_200,
        1_500,
        1_501,
        2_000,
        2_001,
        3_000,
        3_500,
        4_000,
        4_600,
        5_000,
        5_001,
        i64::MAX,
    ];
    for at in NAMED.into_iter().chain(times) {
        stage.note(format!("{at}"), list(&mut wire, "by-time", at)?);
    }
    for at in [-6, -7, i64::MIN] {
        stage.note(format!("{at}, which means nothing"), list(&mut wire, "by-time", at)?);
    }
    for version in 1..=10 {
        for at in [-1, 1_006, -3, -4, -5] {
            stage.note(format!("{at}, version {version}"), wire.ask(version, &question("by-time", at, -1))?);
        }
    }
    stage.note("up to offset 8 deleted", delete_records(&mut wire, "by-time", &[(0, 8)])?);
    for at in NAMED.into_iter().chain([0, 1_000, 3_000, 4_600, 5_000]) {
        stage.note(format!("then {at}"), list(&mut wire, "by-time", at)?);
    }
    delete_records(&mut wire, "by-time", &[(0, -1)])?;
    for at in [-1, -2, -4, -5, 0, 5_000] {
        stage.note(format!("all deleted: {at}"), list(&mut wire, "by-time", at)?);
    }
    topic(stage, "no-time", 1, &[])?;
    fill(&mut wire, "no-time", &[Batch::of(&[row(-1), row(-1)])])?;
    for at in [-1, -2, -3, 0] {
        stage.note(format!("without timestamps: {at}"), list(&mut wire, "no-time", at)?);
    }
    Ok(())
}

/// Timestamps of the broker: which offset, and whether there is a timestamp.
pub fn by_append_time(stage: &mut Stage) -> Result<()> {
    topic(stage, "appended", 1, &[("message.timestamp.type", "LogAppendTime")])?;
    let mut wire = stage.connect("asker")?;
    let row = |timestamp| (timestamp, None, Some("value"));
    for batch in [Batch::of(&[row(9_000), row(1_000)]), Batch::of(&[row(500), row(400)]).gzip()] {
        fill(&mut wire, "appended", &[batch])?;
        // The next one is later.
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let mut first = 0;
    for at in [-1, -2, -3, 0, 9_000, i64::MAX] {
        let mut answer = list(&mut wire, "appended", at)?;
        let partition = &mut answer.topics[0].partitions[0];
        if at == 0 {
            first = partition.timestamp;
        }
        partition.timestamp = partition.timestamp.signum();
        stage.note(format!("{at}"), answer);
    }
    for (what, at) in [("the first batch's", first), ("one more", first + 1)] {
        let answer = list(&mut wire, "appended", at)?;
        stage.note(what, answer.topics[0].partitions[0].offset);
    }
    Ok(())
}

/// What a reader of committed records is told while a transaction is open.
pub fn isolation(stage: &mut Stage) -> Result<()> {
    topic(stage, "isolated", 1, &[])?;
    let mut wire = stage.connect("asker")?;
    let row = |timestamp| (timestamp, None, Some("value"));
    fill(&mut wire, "isolated", &[Batch::of(&[row(1_000)])])?;
    let me = producer(&mut wire, Some("isolated"))?;
    enlist(&mut wire, "isolated", me, "isolated")?;
    let open = Batch::of(&[row(2_000)]).but(|batch| batch.attributes = TRANSACTIONAL).by(me, 0);
    let request =
        super::produce_request("isolated", 0, Some(open.bytes())).with_transactional_id(Some(text("isolated").into()));
    stage.note("a record in a transaction", wire.ask(9, &request)?);
    fill(&mut wire, "isolated", &[Batch::of(&[row(3_000)])])?;
    let ask = |stage: &mut Stage, when: &str| -> Result<()> {
        for at in NAMED.into_iter().chain([1_000, 1_001, 2_000, 2_500, 3_000]) {
            for level in [0, 1] {
                let answer =
                    stage.connect("asker")?.ask(10, &question("isolated", at, -1).with_isolation_level(level))?;
                stage.note(format!("{when}: {at}, isolation {level}"), answer);
            }
        }
        Ok(())
    };
    ask(stage, "open")?;
    end(&mut wire, "isolated", me, false)?;
    // The marker has the broker's time, which is the highest of all.
    for at in [-1, -2, 2_500] {
        for level in [0, 1] {
            let mut wait = wire.ask(10, &question("isolated", at, -1).with_isolation_level(level))?;
            let start = std::time::Instant::now();
            while at == -1 && wait.topics[0].partitions[0].offset < 4 && start.elapsed() < crate::broker::ask::PATIENCE
            {
                wait = wire.ask(10, &question("isolated", at, -1).with_isolation_level(level))?;
            }
            stage.note(format!("aborted: {at}, isolation {level}"), wait);
        }
    }
    Ok(())
}

/// Partitions that are not there, and leaders of other times.
pub fn nowhere(stage: &mut Stage) -> Result<()> {
    topic(stage, "nowhere", 2, &[])?;
    let mut wire = stage.connect("asker")?;
    for epoch in [-1, 0, 1, 7] {
        stage.note(format!("leader epoch {epoch}"), wire.ask(10, &question("nowhere", -1, epoch))?);
    }
    for name in ["no-such-topic", "", "a/b"] {
        stage.note(format!("topic {name:?}"), list(&mut wire, name, -1)?);
    }
    let several = |partitions: &[(i32, i64)]| {
        let partition =
            |(index, at): &(i32, i64)| ListOffsetsPartition::default().with_partition_index(*index).with_timestamp(*at);
        let topic = ListOffsetsTopic::default()
            .with_name(text("nowhere").into())
            .with_partitions(partitions.iter().map(partition).collect());
        ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![topic])
    };
    for (what, partitions) in
        [("some", &[(0, -1), (1, -2)][..]), ("one that is not there", &[(0, -1), (9, -1), (-1, -1)])]
    {
        let mut answer = wire.ask(10, &several(partitions))?;
        for topic in &mut answer.topics {
            topic.partitions.sort_by_key(|partition| (partition.partition_index, partition.error_code));
        }
        stage.note(what, answer);
    }
    for replica in [-2, 0, 1, 5] {
        let request = question("nowhere", -1, -1).with_replica_id(replica.into());
        stage.note(format!("asked by replica {replica}"), wire.ask(10, &request)?);
    }
    Ok(())
}

/// Where an epoch ends.
pub fn leader_epochs(stage: &mut Stage) -> Result<()> {
    topic(stage, "epochs", 1, &[])?;
    let mut wire = stage.connect("asker")?;
    let mut ask =
        |name: &str, version: i16, index: i32, current: i32, epoch: i32| -> Result<OffsetForLeaderEpochResponse> {
            let partition = OffsetForLeaderPartition::default()
                .with_partition(index)
                .with_current_leader_epoch(current)
                .with_leader_epoch(epoch);
            let topic = OffsetForLeaderTopic::default().with_topic(text(name).into()).with_partitions(vec![partition]);
            let request = OffsetForLeaderEpochRequest::default();
            let request = if version >= 3 { request.with_replica_id((-1).into()) } else { request };
            wire.ask(version, &request.with_topics(vec![topic]))
        };
    for epoch in [-1, 0, 1] {
        stage.note(format!("empty: {epoch}"), ask("epochs", 4, 0, -1, epoch)?);
    }
    let mut producer = stage.connect("producer")?;
    fill(&mut producer, "epochs", &[Batch::of(&[(1, None, Some("a")), (2, None, Some("b"))])])?;
    for version in 2..=4 {
        for epoch in [-1, 0, 1, i32::MAX] {
            stage.note(format!("{epoch}, version {version}"), ask("epochs", version, 0, -1, epoch)?);
        }
    }
    for current in [-2, 0, 1, 5] {
        stage.note(format!("the leader's is {current}"), ask("epochs", 4, 0, current, 0)?);
    }
    stage.note("no such partition", ask("epochs", 4, 9, -1, 0)?);
    stage.note("no such topic", ask("no-such-topic", 4, 0, -1, 0)?);
    delete_records(&mut producer, "epochs", &[(0, -1)])?;
    stage.note("all deleted", ask("epochs", 4, 0, -1, 0)?);
    Ok(())
}
