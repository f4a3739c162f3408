//! The lines of batches and their records.

use broker_store::batch::BatchInfo;
use broker_wire::{
    codec::{Codec, Limits},
    records::{Batch, Record, RecordReader, batches},
};

use super::{Asked, Wrong, base_offset, name, read};
use crate::{failure::Failure, message::control, world::World};

/// The line in front of a segment.
pub(super) fn segment(file: &str) -> Result<String, Failure> {
    Ok(format!("Log starting offset: {}\n", base_offset(file)?))
}

/// The line in front of a snapshot of Kafka's metadata, whose name is an offset and an epoch.
pub(super) fn quorum_snapshot(file: &str) -> Result<String, Failure> {
    let name = name(file);
    if name == "bootstrap.checkpoint" {
        return Ok("KRaft bootstrap snapshot\n".to_owned());
    }
    let parts = name.strip_suffix(".checkpoint").and_then(|name| name.split_once('-'));
    let number = |digits: &str| digits.parse::<i64>().ok();
    match parts.and_then(|(offset, epoch)| Some((number(offset)?, number(epoch)?))) {
        Some((offset, epoch)) => Ok(format!("Snapshot end offset: {offset}, epoch: {epoch}\n")),
        None => Err(Failure::new(format!("{file} has not the name of a snapshot"))),
    }
}

/// Prints a file of batches.
pub(super) fn print(
    asked: &Asked,
    world: &mut dyn World,
    file: &str,
    first_line: String,
    wrong: &mut Wrong,
) -> Result<(), Failure> {
    world.out(&first_line);
    let bytes = read(world, file)?;
    let mut reader = RecordReader::new(Limits::default());
    let (mut position, mut last) = (0i64, -1);
    let mut gaps = String::new();
    for batch in batches(&bytes) {
        let Ok(batch) = batch else { break };
        let length = i64::from(batch.info.length);
        if position + length > asked.max_bytes || world.is_gone() {
            break;
        }
        let records = reader.records(&batch);
        let mut text = of_batch(&batch.info, position, records.is_ok());
        if let (true, Ok(records)) = (asked.each, records) {
            for record in records {
                let Ok(record) = record else { break };
                if record.offset != last + 1 {
                    gaps.push_str(&format!("  {last} is followed by {}\n", record.offset));
                }
                last = record.offset;
                text.push_str(&of_record(asked, &batch, &record)?);
            }
        }
        world.out(&text);
        position += length;
    }
    let left = bytes.len() as i64 - position;
    if left > 0 && asked.max_bytes == i64::from(i32::MAX) {
        world.out(&format!("Found {left} invalid bytes at the end of {}\n", name(file)));
    }
    if !gaps.is_empty() {
        wrong.gaps.push_str(&format!("Non-consecutive offsets in {file}\n{gaps}"));
    }
    Ok(())
}

fn time(info: &BatchInfo) -> &'static str {
    if info.log_append_time() { "LogAppendTime" } else { "CreateTime" }
}

/// The sequence so far behind the batch's first; after the largest comes 0.
fn sequence(info: &BatchInfo, behind: i64) -> i64 {
    if info.base_sequence < 0 { -1 } else { (i64::from(info.base_sequence) + behind) & i64::from(i32::MAX) }
}

fn of_batch(info: &BatchInfo, position: i64, is_valid: bool) -> String {
    let codec = Codec::of(info.codec()).map_or("unknown", Codec::name);
    format!(
        "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {} producerId: {} producerEpoch: {} \
         partitionLeaderEpoch: {} isTransactional: {} isControl: {} deleteHorizonMs: {} position: {position} {}: {} size: {} \
         magic: 2 compresscodec: {codec} crc: {} isvalid: {is_valid}\n",
        info.base_offset,
        info.last_offset(),
        info.count,
        info.base_sequence,
        sequence(info, info.last_offset_delta.into()),
        info.producer_id,
        info.producer_epoch,
        info.leader_epoch,
        info.is_transactional(),
        info.is_control(),
        delete_horizon(info),
        time(info),
        info.max_timestamp,
        info.length,
        info.crc,
    )
}

/// The base timestamp says when a compacted log may forget tombstones and markers, if this bit is set (KIP-534).
fn delete_horizon(info: &BatchInfo) -> String {
    const HAS_HORIZON: i16 = 1 << 6;
    match info.attributes & HAS_HORIZON {
        0 => "OptionalLong.empty".to_owned(),
        _ => format!("OptionalLong[{}]", info.base_timestamp),
    }
}

fn of_record(asked: &Asked, batch: &Batch<'_>, record: &Record<'_>) -> Result<String, Failure> {
    let info = &batch.info;
    let mut text = String::new();
    if asked.metadata {
        let size = |bytes: Option<&[u8]>| bytes.map_or(-1, |bytes| bytes.len() as i64);
        let keys: Vec<&str> = record.headers.map(|header| header.key).collect();
        text.push_str(&format!(
            "| offset: {} {}: {} keySize: {} valueSize: {} sequence: {} headerKeys: [{}]",
            record.offset,
            time(info),
            record.timestamp,
            size(record.key),
            size(record.value),
            sequence(info, record.offset - info.base_offset),
            keys.join(",")
        ));
        if info.is_control() {
            text.push_str(&control::text(record.key, record.value));
        }
    }
    if let (Some(contents), false) = (&asked.contents, info.is_control()) {
        let [key, value] = contents.of(record)?;
        for (name, shown) in [("key", key), ("payload", value)] {
            if let Some(shown) = shown {
                text.push_str(&format!("{} {name}: {shown}", if text.is_empty() { "|" } else { "" }));
            }
        }
    }
    Ok(text + "\n")
}
