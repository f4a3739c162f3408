//! Logs cut to what the checkpoint knows of them.
//!
//! Owns what happens to segment files at a start: bytes after the true length go, files the checkpoint does not know go, and so do
//! whole logs it does not know; the journal has all that again. Files that were to take the place of others do. Leaves the batches in them unread: a reader checks what it serves.
//!
//! Invariant: nothing a checkpoint knows is changed; where something of it is not there, it is told.

use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::index;
use crate::{
    buffer::Pool,
    checkpoint::read_all,
    disk::{Disk, DiskError, DiskFile, Open},
    entry::PartitionId,
    log::{LogDir, LogState, SegmentState},
    segment::{CLEANED, FILES, METADATA, SNAPSHOT, SWAP, TXN_INDEX, finish_swap, is_missing, metadata, metadata_path},
};

/// A log that lacks what the checkpoint says it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Whose log.
    pub partition: PartitionId,
    /// The file, relative to the data folder.
    pub file: String,
    /// What is wrong with it.
    pub why: String,
}

impl core::fmt::Display for Missing {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} in the data folder {}", self.file, self.why)
    }
}

/// Cuts every log, and removes those that are neither in `logs` nor Kafka's (see [`super::kafkas`]).
pub(super) fn cut<D: Disk>(disk: &D, pool: &Pool, logs: &mut [LogState]) -> Result<Vec<Missing>, DiskError> {
    let mut missing = Vec::new();
    for log in &mut *logs {
        if let Some((file, why)) = cut_log(disk, pool, log)? {
            missing.push(Missing { partition: log.partition, file, why: why.to_string() });
        }
    }
    let known: BTreeSet<&str> = logs.iter().map(|log| log.dir.as_str()).collect();
    for name in disk.list("")? {
        if !known.contains(name.as_str()) && is_log(disk, &name)? {
            disk.remove_dir_all(&name)?;
        }
    }
    Ok(missing)
}

fn cut_log<D: Disk>(disk: &D, pool: &Pool, log: &mut LogState) -> Result<Option<(String, &'static str)>, DiskError> {
    let dir = LogDir { partition: log.partition, name: log.dir.as_str().into() };
    let whose = metadata_path(&dir);
    match read_all(disk, &whose)? {
        // It has nothing that would have to be there.
        found if log.segments.is_empty() => {
            if found.is_some_and(|found| found == metadata(&log.partition).as_bytes()) {
                remove_unknown(disk, &dir, &[])?;
            }
            return Ok(None);
        }
        None => return Ok(Some((whose, "is gone"))),
        Some(found) if found != metadata(&log.partition).as_bytes() => return Ok(Some((whose, "is of another topic"))),
        Some(_) => {}
    }
    let last = log.segments.len() - 1;
    for (at, segment) in log.segments.iter_mut().enumerate() {
        if segment.swap {
            finish_swap(disk, &dir, segment.base_offset)?;
        }
        for (what, len) in [("index", segment.index_bytes), ("timeindex", segment.time_index_bytes)] {
            cut_file(disk, &dir.path(segment.base_offset, what), len)?;
        }
        let path = dir.path(segment.base_offset, "log");
        match cut_file(disk, &path, segment.size)? {
            None => return Ok(Some((path, "is gone"))),
            Some(len) if len < segment.size => return Ok(Some((path, "is shorter than what was written to it"))),
            Some(_) => index::mend(disk, pool, &dir, segment, at == last)?,
        }
    }
    remove_unknown(disk, &dir, &log.segments)?;
    Ok(None)
}

/// Cuts a file that is longer; returns what its length was, `None` if it is not there.
fn cut_file<D: Disk>(disk: &D, path: &str, len: u64) -> Result<Option<u64>, DiskError> {
    let file = disk.open(path, Open::Read);
    if is_missing(&file) {
        return Ok(None);
    }
    let found = file?.len()?;
    if found > len {
        disk.open(path, Open::Append)?.truncate(len)?;
    }
    Ok(Some(found))
}

pub(super) fn remove_unknown<D: Disk>(disk: &D, dir: &LogDir, segments: &[SegmentState]) -> Result<(), DiskError> {
    let known: BTreeSet<i64> = segments.iter().map(|segment| segment.base_offset).collect();
    let names = disk.list(&dir.name)?;
    let snapshots = names.iter().filter_map(|name| side_file(name)).filter(|(_, kind)| *kind == SNAPSHOT);
    let snapshots: Vec<i64> = snapshots.map(|(offset, _)| offset).collect();
    let old: BTreeSet<i64> = snapshots.iter().rev().skip(SNAPSHOTS_KEPT).copied().collect();
    for name in names {
        let unknown = match side_file(&name) {
            Some((base, TXN_INDEX)) => !known.contains(&base),
            Some((offset, _)) => old.contains(&offset),
            None => segment_file(&name).is_some_and(|(base, finished)| !finished || !known.contains(&base)),
        };
        if unknown {
            disk.remove(&format!("{}/{name}", dir.name))?;
        }
    }
    Ok(())
}

/// Snapshots of producers that stay, the latest.
const SNAPSHOTS_KEPT: usize = 2;

/// The offset and the kind of a file that is there for Kafka.
fn side_file(name: &str) -> Option<(i64, &str)> {
    let (offset, kind) = name.split_once('.').filter(|(offset, _)| offset.len() == 20)?;
    Some((offset.parse().ok()?, kind)).filter(|_| matches!(kind, SNAPSHOT | TXN_INDEX))
}

/// The base offset of the segment that a file of this name belongs to, and whether the name is the one it is to have.
fn segment_file(name: &str) -> Option<(i64, bool)> {
    let (base, what) = name.split_once('.')?;
    let (kind, suffix) = what.split_once('.').map_or((what, None), |(kind, suffix)| (kind, Some(suffix)));
    let known = FILES.contains(&kind) && base.len() == 20 && matches!(suffix, None | Some(SWAP | CLEANED));
    Some((base.parse().ok().filter(|_| known)?, suffix.is_none()))
}

/// True if this is a folder as the segment writer makes them, whole or in part.
fn is_log<D: Disk>(disk: &D, name: &str) -> Result<bool, DiskError> {
    let named_as_one = name.rsplit_once('-').is_some_and(|(_, partition)| partition.parse::<u32>().is_ok());
    if !named_as_one {
        return Ok(false);
    }
    let ours = |name: &String| name == METADATA || segment_file(name).is_some() || side_file(name).is_some();
    Ok(disk.list(name).is_ok_and(|names| names.iter().all(ours)))
}
