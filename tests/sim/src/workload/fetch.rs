//! Reading a partition, and holding what is read against what was promised.
//!
//! Owns the checks that every reader makes. Leaves where to read on to its users.

use broker_core::{
    error::Error,
    request::{Fetch, FetchPartition, Fetched, Reply, Request},
};
use broker_store::segment::ReadError;
use bytes::Bytes;

use super::{Port, unexpected};
use crate::{
    broken,
    check::{
        Checks,
        log::{Partition, Served},
    },
};

/// A fetch of one partition.
pub fn request(partition: &Partition, offset: i64, max_wait_ms: u32, max_bytes: u32) -> Request {
    let wanted = FetchPartition { partition: partition.1, offset, max_bytes, current_leader_epoch: -1 };
    Request::Fetch(Fetch {
        max_wait_ms,
        min_bytes: 1,
        max_bytes,
        read_committed: false,
        topics: vec![(partition.0.clone(), vec![wanted])],
    })
}

/// What a fetch brought.
#[derive(Debug)]
pub enum Brought {
    /// These batches, and all of their bytes.
    Batches(Vec<Served>, Vec<u8>),
    /// The offset is gone: the partition starts here.
    Below(i64),
    /// Another refusal.
    Refused(Error),
    /// The segment has rotted, and the broker says so.
    Rot,
    /// The segment is gone: the topic was deleted.
    Gone,
}

/// Takes in the answer to [`request`].
pub fn answered(port: &mut Port<'_>, partition: &Partition, offset: i64, reply: Reply) -> Result<Brought, String> {
    let fetched = only(reply)?;
    let pieces = port.read(&fetched.records);
    let brought = check(port.checks, partition, offset, &fetched, pieces)?;
    if let Brought::Batches(batches, bytes) = &brought {
        let numbers = [partition.1 as u64, offset as u64, batches.len() as u64, crate::trace::sum(bytes)];
        port.trace.step(port.now, "served", &numbers);
    }
    Ok(brought)
}

/// The only partition of an answer.
pub fn only(reply: Reply) -> Result<Fetched, String> {
    let Reply::Fetch(mut topics) = reply else { return unexpected("a reader", &reply) };
    topics.pop().and_then(|mut topic| topic.partitions.pop()).ok_or_else(|| "a fetch of a partition got none".into())
}

/// Holds what was read against what was promised.
pub fn check(
    checks: &mut Checks,
    partition: &Partition,
    offset: i64,
    fetched: &Fetched,
    pieces: Result<Vec<Bytes>, ReadError>,
) -> Result<Brought, String> {
    if fetched.log_start_offset >= 0 {
        checks.log.starts(partition, fetched.log_start_offset)?;
    }
    if let Some(error) = fetched.error {
        if error == Error::OffsetOutOfRange && offset < fetched.log_start_offset {
            return Ok(Brought::Below(fetched.log_start_offset));
        }
        return Ok(Brought::Refused(error));
    }
    let bytes = match pieces {
        Ok(pieces) => pieces.concat(),
        Err(ReadError::Rot { .. }) => return Ok(Brought::Rot),
        Err(ReadError::Disk(error)) if error.kind == broker_store::disk::ErrorKind::NotFound => {
            return Ok(Brought::Gone);
        }
        Err(error) => broken!("{partition:?} cannot be read at {offset}: {error}"),
    };
    let batches = checks.log.served(partition, offset, fetched.high_watermark, &bytes)?;
    for batch in &batches {
        checks.producers.seen(partition, &batch.info)?;
    }
    Ok(Brought::Batches(batches, bytes))
}
