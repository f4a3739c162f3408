//! The lines of `.index` and `.timeindex`, and what is wrong with them.
//!
//! Entries of `.index` have eight bytes: an offset relative to the file's, and a position in the log; those of `.timeindex` twelve: a
//! time, and a relative offset. An index may end in room that was made and never used: zeros.

use broker_store::batch::BatchInfo;
use broker_wire::{
    codec::Limits,
    records::{RecordReader, batches},
};

use super::{Asked, Wrong, base_offset, read};
use crate::{failure::Failure, world::World};

const OFFSET_BYTES: usize = 8;
const TIME_BYTES: usize = 12;

/// Prints an `.index` and compares it with its log.
pub(super) fn offsets(asked: &Asked, world: &mut dyn World, file: &str, wrong: &mut Wrong) -> Result<(), Failure> {
    let base = base_offset(file)?;
    let log = read(world, &beside(file, "log"))?;
    let bytes = read(world, file)?;
    let entries = positions(&bytes, base);
    let Some((last, _)) = entries.last() else {
        world.out(&format!("{file} is empty.\n"));
        return Ok(());
    };
    if asked.sanity_only {
        return sane(world, file, &bytes, OFFSET_BYTES, *last < base);
    }
    let mut told = String::new();
    for (at, (offset, position)) in entries.iter().enumerate() {
        if at > 0 && *offset == base {
            break;
        }
        let batch =
            usize::try_from(*position).ok().and_then(|position| log.get(position..)).map(BatchInfo::parse_header);
        let Some(Ok(info)) = batch else {
            return Err(Failure::new(format!("{file}: offset {offset} leads to {position}, where no batch begins")));
        };
        if info.last_offset() != *offset {
            told.push_str(&format!("  Index offset: {offset}, log offset: {}\n", info.last_offset()));
        }
        if !asked.verify_only {
            world.out(&format!("offset: {offset} position: {position}\n"));
        }
    }
    if !told.is_empty() {
        wrong.indexes.push_str(&format!("Mismatches in :{file}\n{told}"));
    }
    Ok(())
}

/// Prints a `.timeindex` and compares it with its log.
pub(super) fn times(asked: &Asked, world: &mut dyn World, file: &str, wrong: &mut Wrong) -> Result<(), Failure> {
    let base = base_offset(file)?;
    let log = read(world, &beside(file, "log"))?;
    let index = read(world, &beside(file, "index"))?;
    let bytes = read(world, file)?;
    let entries: Vec<(i64, i64)> = bytes
        .chunks_exact(TIME_BYTES)
        .map(|entry| (i64::from_be_bytes(*entry.first_chunk().expect("twelve bytes")), base + number(&entry[8..])))
        .collect();
    if asked.sanity_only {
        let falls = entries.first().zip(entries.last()).is_some_and(|(first, last)| last.0 < first.0 || last.1 < base);
        return sane(world, file, &bytes, TIME_BYTES, falls);
    }
    let positions = positions(&index, base);
    let (mut timestamps, mut order, mut missing) = (String::new(), String::new(), String::new());
    let mut before = -1;
    for (at, (timestamp, offset)) in entries.iter().enumerate() {
        if at > 0 && *offset == base {
            break;
        }
        match found(&log, &positions, *offset) {
            Some((last, largest)) if last == *offset => {
                if largest != *timestamp {
                    timestamps.push_str(&format!("  Index timestamp: {timestamp}, log timestamp: {largest}\n"));
                }
                if before >= *timestamp {
                    order
                        .push_str(&format!("  Index timestamp: {timestamp}, Previously indexed timestamp: {before}\n"));
                }
            }
            other => {
                let last = other.map_or(-1, |(last, _)| last);
                missing.push_str(&format!("Indexed offset: {offset}, found log offset: {last}\n"));
            }
        }
        if !asked.verify_only {
            world.out(&format!("timestamp: {timestamp} offset: {offset}\n"));
        }
        before = *timestamp;
    }
    let told = [
        (&mut wrong.timestamps, format!("Found timestamp mismatch in :{file}\n"), timestamps),
        (&mut wrong.order, format!("Found out of order timestamp in :{file}\n"), order),
        (&mut wrong.offsets, "The following indexed offsets are not found in the log.\n".to_owned(), missing),
    ];
    for (wrong, head, lines) in told.into_iter().filter(|(.., lines)| !lines.is_empty()) {
        wrong.push_str(&(head + &lines));
    }
    Ok(())
}

/// The first batch that ends at the offset or later: its last offset, and the largest timestamp of its records.
fn found(log: &[u8], positions: &[(i64, i64)], offset: i64) -> Option<(i64, i64)> {
    let from = positions.iter().take_while(|(known, _)| *known <= offset).last().map_or(0, |(_, position)| *position);
    let rest = usize::try_from(from).ok().and_then(|from| log.get(from..))?;
    let batch = batches(rest).map_while(Result::ok).find(|batch| batch.info.last_offset() >= offset)?;
    let mut reader = RecordReader::new(Limits::default());
    let records = reader.records(&batch).ok();
    let largest = records.into_iter().flatten().map_while(Result::ok).map(|record| record.timestamp).max();
    Some((batch.info.last_offset(), largest.unwrap_or(-1)))
}

/// The entries of an `.index`.
fn positions(bytes: &[u8], base: i64) -> Vec<(i64, i64)> {
    bytes.chunks_exact(OFFSET_BYTES).map(|entry| (base + number(&entry[..4]), number(&entry[4..]))).collect()
}

fn beside(file: &str, ending: &str) -> String {
    format!("{}.{ending}", file.rsplit_once('.').map_or(file, |(stem, _)| stem))
}

fn number(bytes: &[u8]) -> i64 {
    i64::from(i32::from_be_bytes(*bytes.first_chunk().expect("four bytes")))
}

/// Says that an index is whole, as Kafka's start-up looks at it.
fn sane(world: &mut dyn World, file: &str, bytes: &[u8], entry: usize, falls: bool) -> Result<(), Failure> {
    let left = bytes.len() % entry;
    if left > 0 {
        return Err(Failure::new(format!("{file} is corrupt: {left} of its {} bytes are left over", bytes.len())));
    }
    if falls {
        return Err(Failure::new(format!("{file} is corrupt: its last entry comes before its first")));
    }
    world.out(&format!("{file} passed sanity check.\n"));
    Ok(())
}
