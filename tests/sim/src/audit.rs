//! After a restart: everything the broker says it has, read by the same requests that clients send.
//!
//! Owns the questions. Leaves the judgement to `check`.

use std::collections::BTreeSet;

use broker_core::request::{Metadata, Reply, Request};
use broker_store::{
    batch::{self, BatchInfo},
    disk::DiskError,
};

use crate::{
    broken,
    check::{Checks, log::Partition},
    process::Process,
    trace::mix,
    workload::{
        fetch::{self, Brought},
        source, unexpected,
    },
};

mod transactions;

/// When somebody looks, and what he is ready to see.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// On the world's clock.
    pub now: u64,
    /// On the wall clock.
    pub wall: i64,
    /// Nobody has anything left to do: everything must be there.
    pub all_done: bool,
    /// Whether the disk may have lost bits.
    pub damage: Damage,
}

/// Whether the disk may have lost bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It has not.
    None,
    /// It may have: then a reader must be told.
    Possible,
}

/// Asks for everything; returns a sum over the answers.
pub fn audit(process: &mut Process, checks: &mut Checks, moment: &Moment) -> Result<u64, String> {
    let Moment { now, wall, .. } = *moment;
    let mut sum = crate::trace::START;
    let ask = |process: &mut Process, request| {
        process.ask(now, wall, request).map_err(|error: DiskError| format!("the disk failed an audit: {error}"))
    };
    let mut partitions: BTreeSet<Partition> = checks.log.partitions().into_iter().collect();
    let reply = ask(process, Request::Metadata(Metadata { topics: None, allow_auto_topic_creation: false }))?;
    let Reply::Metadata(found) = reply else { return unexpected("the auditor", &reply) };
    let mut missing = checks.topics.names();
    for topic in found.topics {
        let (Some(name), Ok(count)) = (topic.name, topic.partitions) else {
            broken!("a topic is there without being there")
        };
        checks.topics.there(&name, topic.id, count)?;
        missing.remove(&name);
        partitions.extend((0..count).map(|partition| (name.clone(), partition)));
    }
    missing.iter().try_for_each(|name| checks.topics.missing(name))?;
    let mut lines = Vec::new();
    for partition in partitions {
        let Some(bytes) = read_all(process, checks, &partition, moment)? else { continue };
        sum = mix(sum, crate::trace::sum(&bytes));
        if partition.0 == source::TOPIC {
            lines.push(values(&bytes)?);
        }
    }
    if moment.damage == Damage::None {
        checks.connect.in_topic(&lines, moment.all_done)?;
    }
    if moment.damage == Damage::None {
        sum = mix(sum, transactions::audit(process, checks, moment)?);
    }
    for (group, partition) in checks.groups.known() {
        let topics = Some(vec![(partition.0.clone(), vec![partition.1])]);
        let reply = ask(process, Request::OffsetFetch { group: group.clone(), topics, require_stable: false })?;
        let Reply::OffsetFetch(Ok(topics)) = reply else { return unexpected("the auditor", &reply) };
        for committed in topics.iter().flat_map(|topic| &topic.partitions) {
            let asked = checks.groups.asked(&group, &partition);
            checks.groups.told(&group, &partition, asked, committed.offset)?;
            sum = mix(sum, committed.offset as u64);
        }
    }
    Ok(sum)
}

/// Reads a partition from its start to its end; `None` if it has rotted, and says so.
fn read_all(
    process: &mut Process,
    checks: &mut Checks,
    partition: &Partition,
    moment: &Moment,
) -> Result<Option<Vec<u8>>, String> {
    let mut start = 0;
    let (mut offset, mut all, mut everything) = (0, Vec::new(), Vec::new());
    loop {
        let request = fetch::request(partition, offset, 0, 1 << 20);
        let reply = process
            .ask(moment.now, moment.wall, request)
            .map_err(|error| format!("the disk failed an audit: {error}"))?;
        let fetched = fetch::only(reply)?;
        let mut pieces = fetched.records.memory.clone();
        let from_file = fetched.records.file.as_ref().map(|file| process.reader().read(file)).transpose();
        let pieces = from_file.map(|bytes| {
            pieces.splice(0..0, bytes);
            pieces
        });
        // Reading takes no time here, so the start stays where it is from the first answer on.
        checks.log.starts_again(partition, fetched.log_start_offset)?;
        match fetch::check(checks, partition, offset, &fetched, pieces)? {
            Brought::Batches(batches, bytes) => {
                let Some(last) = batches.last() else { break };
                offset = last.info.last_offset() + 1;
                everything.extend(bytes);
                all.extend(batches);
            }
            Brought::Below(at) => (start, offset) = (at, at),
            Brought::Rot if moment.damage == Damage::Possible => {
                return checks.log.ends(partition, fetched.high_watermark).map(|()| None);
            }
            other => broken!("{partition:?} cannot be read from {offset}: {other:?}"),
        }
    }
    checks.log.all(partition, start, &all)?;
    checks.tables.all(partition, start, &everything)?;
    Ok(Some(everything))
}

/// The values of all records.
fn values(mut bytes: &[u8]) -> Result<Vec<String>, String> {
    let mut values = Vec::new();
    while let Ok(info) = BatchInfo::parse(bytes) {
        let (one, rest) = bytes.split_at(info.length as usize);
        for record in batch::records(one) {
            let record = record.map_err(|bad| format!("a record cannot be read: {bad}"))?;
            values.push(String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned());
        }
        bytes = rest;
    }
    Ok(values)
}
