//! After a restart: everything the broker says it has, read by the same requests that clients send.
//!
//! Owns the questions. Leaves the judgement to `check`.

use broker_core::request::{Metadata, Reply, Request, TopicRef};
use broker_store::disk::DiskError;

use crate::{
    broken,
    check::{Checks, log::Partition},
    process::Process,
    trace::mix,
    workload::{
        fetch::{self, Brought},
        unexpected,
    },
};

/// Asks for everything; returns a sum over the answers.
pub fn audit(process: &mut Process, checks: &mut Checks, now: u64, wall: i64) -> Result<u64, String> {
    let mut sum = crate::trace::START;
    let mut ask = |process: &mut Process, request| {
        process.ask(now, wall, request).map_err(|error: DiskError| format!("the disk failed an audit: {error}"))
    };
    for name in checks.topics.names() {
        let topics = Some(vec![TopicRef::Name(name.clone())]);
        let reply = ask(process, Request::Metadata(Metadata { topics, allow_auto_topic_creation: false }))?;
        let Reply::Metadata(found) = reply else { return unexpected("the auditor", &reply) };
        for topic in found.topics {
            match topic.partitions {
                Ok(partitions) => checks.topics.there(&name, topic.id, partitions)?,
                Err(_) => checks.topics.missing(&name)?,
            }
        }
    }
    for partition in checks.log.partitions() {
        sum = mix(sum, read_all(process, checks, &partition, now, wall)?);
    }
    for (group, partition) in checks.groups.known() {
        let topics = Some(vec![(partition.0.clone(), vec![partition.1])]);
        let reply = ask(process, Request::OffsetFetch { group: group.clone(), topics })?;
        let Reply::OffsetFetch(Ok(topics)) = reply else { return unexpected("the auditor", &reply) };
        for committed in topics.iter().flat_map(|topic| &topic.partitions) {
            let asked = checks.groups.asked(&group, &partition);
            checks.groups.told(&group, &partition, asked, committed.offset)?;
            sum = mix(sum, committed.offset as u64);
        }
    }
    Ok(sum)
}

/// Reads a partition from its start to its end.
fn read_all(
    process: &mut Process,
    checks: &mut Checks,
    partition: &Partition,
    now: u64,
    wall: i64,
) -> Result<u64, String> {
    let (mut offset, mut all, mut sum) = (0, Vec::new(), 0);
    loop {
        let request = fetch::request(partition, offset, 0, 1 << 20);
        let reply = process.ask(now, wall, request).map_err(|error| format!("the disk failed an audit: {error}"))?;
        let fetched = fetch::only(reply)?;
        let mut pieces = fetched.records.memory.clone();
        let from_file = fetched.records.file.as_ref().map(|file| process.reader().read(file)).transpose();
        let pieces = from_file.map(|bytes| {
            pieces.splice(0..0, bytes);
            pieces
        });
        match fetch::check(checks, partition, offset, &fetched, pieces)? {
            Brought::Batches(batches, bytes) => {
                let Some(last) = batches.last() else { break };
                offset = last.info.last_offset() + 1;
                sum = mix(sum, crate::trace::sum(&bytes));
                all.extend(batches);
            }
            other => broken!("{partition:?} cannot be read from {offset}: {other:?}"),
        }
    }
    checks.log.all(partition, &all)?;
    Ok(sum)
}
