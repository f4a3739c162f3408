//! Everything that is committed, read as a reader of committed records does, and the offsets that were committed with it.

use broker_core::request::{Reply, Request};

use super::Moment;
use crate::{
    broken,
    check::{Checks, log::Partition},
    process::Process,
    trace::mix,
    workload::{
        committed,
        fetch::{self, Brought},
        transactional::{TOPIC, group},
        unexpected,
    },
};

/// Asks for everything; returns a sum over the answers.
pub fn audit(process: &mut Process, checks: &mut Checks, moment: &Moment) -> Result<u64, String> {
    let mut sum = crate::trace::START;
    let partitions: Vec<Partition> = checks.log.partitions().into_iter().filter(|(topic, _)| topic == TOPIC).collect();
    checks.transactions.looks_again();
    let mut stable = Vec::new();
    for partition in &partitions {
        let end = read_all(process, checks, partition, moment)?;
        stable.push(end);
        sum = mix(sum, end as u64);
    }
    for client in checks.transactions.clients() {
        let offset = offset_of(process, &client, moment)?;
        checks.transactions.offset_is(&client, offset)?;
        sum = mix(sum, offset as u64);
    }
    for (partition, end) in partitions.iter().zip(stable) {
        checks.transactions.all_seen(partition, end)?;
    }
    Ok(sum)
}

fn ask(process: &mut Process, moment: &Moment, request: Request) -> Result<Reply, String> {
    process.ask(moment.now, moment.wall, request).map_err(|error| format!("the disk failed an audit: {error}"))
}

/// Reads what is committed of a partition; returns its last stable offset.
fn read_all(process: &mut Process, checks: &mut Checks, partition: &Partition, moment: &Moment) -> Result<i64, String> {
    let mut offset = 0;
    loop {
        // Small pieces: each has a list of aborted transactions of its own.
        let request = committed::committed(fetch::request(partition, offset, 0, 400));
        let fetched = fetch::only(ask(process, moment, request)?)?;
        let mut pieces = fetched.records.memory.clone();
        if let Some(file) = &fetched.records.file {
            let read = process.reader().read(file).map_err(|error| format!("{partition:?} at {offset}: {error}"))?;
            pieces.insert(0, read);
        }
        let Brought::Batches(batches, bytes) = fetch::check(checks, partition, offset, &fetched, Ok(pieces))? else {
            broken!("{partition:?} cannot be read from {offset}");
        };
        if batches.is_empty() {
            let (stable, end) = (fetched.last_stable_offset, fetched.high_watermark);
            if offset < stable {
                broken!("{partition:?}: nothing is served at {offset}, and {stable} is the last stable offset");
            }
            if moment.all_done && stable != end {
                broken!("{partition:?}: nobody has a transaction open, and {stable} of {end} are stable");
            }
            return Ok(stable);
        }
        offset = committed::take_in(checks, partition, &fetched, &bytes, offset)?;
    }
}

fn offset_of(process: &mut Process, client: &str, moment: &Moment) -> Result<i64, String> {
    let topics = Some(vec![(TOPIC.to_string(), vec![0])]);
    let request = Request::OffsetFetch { group: group(client), topics, require_stable: false };
    let reply = ask(process, moment, request)?;
    let Reply::OffsetFetch(Ok(topics)) = reply else { return unexpected("the auditor", &reply) };
    topics
        .iter()
        .flat_map(|topic| &topic.partitions)
        .map(|committed| committed.offset)
        .next()
        .ok_or_else(|| format!("{client}'s group has no answer"))
}
