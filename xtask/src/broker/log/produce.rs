//! Produce: batches and requests that are wrong, and producers out of step.

use super::batch::{Batch, CONTROL, LOG_APPEND_TIME, TRANSACTIONAL};
use super::{append, end, enlist, outcome, produce_request, producer, topic};
use crate::broker::ask::text;
use crate::broker::stage::Stage;
use anyhow::Result;
use bytes::Bytes;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{InitProducerIdRequest, ProduceRequest};
use std::time::{SystemTime, UNIX_EPOCH};

/// One thing wrong at a time.
pub fn wrong(stage: &mut Stage) -> Result<()> {
    for (name, configs) in [
        ("wrong", &[][..]),
        ("wrong-compacted", &[("cleanup.policy", "compact")]),
        ("wrong-small", &[("max.message.bytes", "200")]),
        ("wrong-time", &[("message.timestamp.before.max.ms", "1000")]),
        ("wrong-appended", &[("message.timestamp.type", "LogAppendTime")]),
    ] {
        topic(stage, name, 1, configs)?;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64;
    let good = || Batch::of(&[(1_000, Some("k"), Some("one")), (1_001, Some("k"), Some("two"))]);
    let keyless = || Batch::of(&[(1_000, Some("k"), Some("one")), (1_001, None, Some("two"))]);
    let long = "x".repeat(300);
    let large = || Batch::of(&[(1_000, Some("k"), Some(&long))]);
    let cases: Vec<(&str, &str, Batch)> = vec![
        ("nothing", "wrong", good()),
        ("the checksum", "wrong", good().but(|b| b.crc_off = 1)),
        ("magic 0", "wrong", good().but(|b| b.magic = 0)),
        ("magic 1", "wrong", good().but(|b| b.magic = 1)),
        ("magic 3", "wrong", good().but(|b| b.magic = 3)),
        ("magic -1", "wrong", good().but(|b| b.magic = -1)),
        ("one byte short", "wrong", good().but(|b| b.length_off = 1)),
        ("one byte over", "wrong", good().but(|b| b.length_off = -1)),
        ("a length of nothing", "wrong", good().but(|b| b.length_off = -i32::try_from(b.records.len()).unwrap_or(0))),
        ("a count too high", "wrong", good().but(|b| b.count = 3)),
        ("a count too low", "wrong", good().but(|b| b.count = 1)),
        ("a count of 0", "wrong", good().but(|b| b.count = 0)),
        ("a negative count", "wrong", good().but(|b| b.count = -1)),
        ("an offset delta too high", "wrong", good().but(|b| b.last_offset_delta = 5)),
        ("a negative offset delta", "wrong", good().but(|b| b.last_offset_delta = -1)),
        ("no records", "wrong", Batch::of(&[])),
        ("compressed", "wrong", good().gzip()),
        ("a marker", "wrong", good().but(|b| b.attributes = CONTROL)),
        ("attributes nobody knows", "wrong", good().but(|b| b.attributes = 1 << 10)),
        ("the broker's time", "wrong", good().but(|b| b.attributes = LOG_APPEND_TIME)),
        ("a base offset", "wrong", good().but(|b| b.base_offset = 77)),
        ("a leader epoch", "wrong", good().but(|b| b.leader_epoch = 9)),
        ("a sequence without a producer", "wrong", good().but(|b| b.base_sequence = 3)),
        ("a producer without a sequence", "wrong", good().but(|b| (b.producer_id, b.producer_epoch) = (77_000, 0))),
        ("part of no transaction", "wrong", good().but(|b| b.attributes = TRANSACTIONAL)),
        ("no timestamp", "wrong", Batch::of(&[(-1, None, Some("x"))])),
        ("a maximum before the base", "wrong", good().but(|b| b.max_timestamp = 0)),
        ("a time two hours ahead", "wrong", Batch::of(&[(now + 7_200_000, None, Some("x"))])),
        ("a time half an hour ahead", "wrong", Batch::of(&[(now + 1_800_000, None, Some("x"))])),
        ("a time long past", "wrong-time", good()),
        ("a time long past, the broker's counts", "wrong-appended", good().but(|b| b.base_timestamp = 5)),
        ("a null key", "wrong-compacted", keyless()),
        ("a null key, compressed", "wrong-compacted", keyless().gzip()),
        ("a key", "wrong-compacted", good()),
        ("a null value", "wrong-compacted", Batch::of(&[(1_000, Some("k"), None)])),
        ("too large", "wrong-small", large()),
        ("large, compressed", "wrong-small", large().gzip()),
        ("too large for any topic", "wrong", Batch::of(&[(1_000, None, Some(&"x".repeat(1_100_000)))])),
    ];
    for (what, topic, batch) in cases {
        let mut wire = stage.connect("producer")?;
        let mut answer = append(&mut wire, topic, &batch)?;
        // Offsets say what was taken before; one that differs is told once.
        answer.responses[0].partition_responses[0].base_offset = 0;
        stage.note(what, outcome(answer));
    }
    Ok(())
}

/// Requests around good batches.
pub fn requests(stage: &mut Stage) -> Result<()> {
    topic(stage, "requests", 2, &[])?;
    let good = Batch::of(&[(1_000, None, Some("one"))]).bytes();
    let mut wire = stage.connect("producer")?;
    let twice = [&good[..], &good[..]].concat();
    let cases: Vec<(&str, i32, Option<Bytes>)> = vec![
        ("ten bytes", 0, Some(good.slice(..10))),
        ("sixty bytes", 0, Some(good.slice(..60))),
        ("two batches", 0, Some(twice.into())),
        ("no such partition", 2, Some(good.clone())),
        ("a negative partition", -1, Some(good.clone())),
    ];
    for (what, partition, records) in cases {
        let answer = wire.ask(9, &produce_request("requests", partition, records))?;
        stage.note(what, outcome(answer));
    }
    for name in ["no-such-topic", "", "a/b", "__consumer_offsets"] {
        let answer = wire.ask(9, &produce_request(name, 0, Some(good.clone())))?;
        stage.note(format!("topic {name:?}"), outcome(answer));
    }
    for acks in [2, -2, 1] {
        let request = produce_request("requests", 0, Some(good.clone())).with_acks(acks);
        let answer = stage.connect("acks")?.ask(9, &request)?;
        stage.note(format!("acks={acks}"), outcome(answer));
    }
    for version in 3..=9 {
        stage.note(format!("version {version}"), {
            let request = produce_request("requests", 1, Some(good.clone()));
            wire.ask(version, &request)?
        });
    }
    let partition = |index| PartitionProduceData::default().with_index(index).with_records(Some(good.clone()));
    let to = |name: &str, partitions| {
        TopicProduceData::default().with_name(text(name).into()).with_partition_data(partitions)
    };
    let several = ProduceRequest::default().with_acks(-1).with_timeout_ms(30_000);
    let mixed = several.clone().with_topic_data(vec![
        to("requests", vec![partition(1), partition(7)]),
        to("no-such-topic", vec![partition(0)]),
    ]);
    let mut answer = wire.ask(8, &mixed)?;
    answer.responses.sort_by_key(|topic| topic.name.clone());
    for topic in &mut answer.responses {
        topic.partition_responses.sort_by_key(|partition| partition.index);
    }
    stage.note("good and bad at once", outcome(answer));
    stage.note("nothing to append", wire.ask(9, &several)?);
    Ok(())
}

/// Idempotent producers out of step.
pub fn sequences(stage: &mut Stage) -> Result<()> {
    topic(stage, "sequences", 1, &[])?;
    let mut wire = stage.connect("producer")?;
    let me = producer(&mut wire, None)?;
    let batch = || Batch::of(&[(1_000, None, Some("one")), (1_001, None, Some("two"))]);
    let newer = (me.0, me.1 + 1);
    let stranger = (me.0 + 500_000, 0);
    let cases: Vec<(&str, (i64, i16), i32)> = vec![
        ("the first", me, 0),
        ("the same again", me, 0),
        ("the next", me, 2),
        ("a gap", me, 6),
        ("half an overlap", me, 3),
        ("the third", me, 4),
        ("the fourth", me, 6),
        ("the fifth", me, 8),
        ("the sixth", me, 10),
        ("the second again", me, 2),
        ("the first again, which is forgotten", me, 0),
        ("a newer epoch that does not begin at 0", newer, 12),
        ("a newer epoch", newer, 0),
        ("its duplicate", newer, 0),
        ("the old epoch", me, 12),
        ("a stranger in the middle", stranger, 5),
        ("a stranger again", stranger, 9),
        ("the last sequence there is", (stranger.0 + 1, 0), i32::MAX - 1),
        ("which goes on at 0", (stranger.0 + 1, 0), 0),
    ];
    for (what, producer, sequence) in cases {
        let answer = append(&mut wire, "sequences", &batch().by(producer, sequence))?;
        stage.note(what, outcome(answer));
    }
    let ids = [
        ("a transactional id of nothing", Some(""), 60_000),
        ("a timeout of 0", Some("t"), 0),
        ("a timeout below", Some("t"), -1),
        ("a timeout above", Some("t"), 900_001),
    ];
    for (what, id, timeout) in ids {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(id.map(|id| text(id).into()))
            .with_transaction_timeout_ms(timeout);
        let mut answer = wire.ask(4, &request)?;
        answer.producer_id.0 = answer.producer_id.0.min(0);
        stage.note(what, answer);
    }
    for (what, id, epoch) in [("an id without an epoch", me.0, -1), ("an epoch without an id", -1, 3)] {
        let request = InitProducerIdRequest::default().with_producer_id(id.into()).with_producer_epoch(epoch);
        let mut answer = wire.ask(4, &request)?;
        answer.producer_id.0 = answer.producer_id.0.min(0);
        stage.note(what, answer);
    }
    Ok(())
}

/// Batches and requests of transactions where there is none, or another one.
pub fn transactional(stage: &mut Stage) -> Result<()> {
    topic(stage, "transactional", 1, &[])?;
    topic(stage, "transactional-other", 1, &[])?;
    let mut wire = stage.connect("producer")?;
    let me = producer(&mut wire, Some("me"))?;
    let batch = |producer, sequence| {
        Batch::of(&[(1_000, None, Some("one"))]).but(|b| b.attributes = TRANSACTIONAL).by(producer, sequence)
    };
    let write = |stage: &mut Stage, what: &str, id: Option<&str>, batch: &Batch| -> Result<()> {
        let request = produce_request("transactional", 0, Some(batch.bytes()))
            .with_transactional_id(id.map(|id| text(id).into()));
        let answer = stage.connect("writer")?.ask(9, &request)?;
        stage.note(what, outcome(answer));
        Ok(())
    };
    write(stage, "of a partition that is not in it", Some("me"), &batch(me, 0))?;
    let older = (me.0, me.1 - 1);
    let newer = (me.0, me.1 + 1);
    let stranger = (me.0 + 500_000, 0);
    for (what, id, producer) in [
        ("an unknown id", "nobody", me),
        ("another's producer id", "me", stranger),
        ("an older epoch", "me", older),
        ("a newer epoch", "me", newer),
        ("an empty id", "", me),
    ] {
        stage.note(format!("enlisting with {what}"), enlist(&mut wire, id, producer, "transactional")?);
        stage.note(format!("ending with {what}"), end(&mut wire, id, producer, true)?);
    }
    stage.note("a topic that is not there", enlist(&mut wire, "me", me, "no-such-topic")?);
    stage.note("ending what has not begun", end(&mut wire, "me", me, true)?);
    stage.note("aborting what has not begun", end(&mut wire, "me", me, false)?);
    stage.note("enlisting", enlist(&mut wire, "me", me, "transactional")?);
    stage.note("again", enlist(&mut wire, "me", me, "transactional")?);
    write(stage, "now it is", Some("me"), &batch(me, 0))?;
    write(stage, "without the id", None, &batch(me, 1))?;
    write(stage, "the duplicate", Some("me"), &batch(me, 0))?;
    write(stage, "a gap", Some("me"), &batch(me, 5))?;
    write(stage, "an older epoch", Some("me"), &batch(older, 2))?;
    write(stage, "not transactional, in a transaction", Some("me"), &batch(me, 1).but(|b| b.attributes = 0))?;
    stage.note("committing", end(&mut wire, "me", me, true)?);
    stage.note("again", end(&mut wire, "me", me, true)?);
    stage.note("aborting what is committed", end(&mut wire, "me", me, false)?);
    let next = producer(&mut wire, Some("me"))?;
    stage.note("its next epoch", next.1 - me.1);
    write(stage, "after it was fenced", Some("me"), &batch(me, 2))?;
    stage.note("enlisting after it was fenced", enlist(&mut wire, "me", me, "transactional")?);
    stage.note("ending after it was fenced", end(&mut wire, "me", me, false)?);
    Ok(())
}
