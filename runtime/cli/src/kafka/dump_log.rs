//! `kafka-dump-log`: what is in the files of a partition's folder.
//!
//! Owns its flags and lines. Leaves the formats to `broker/store`, and decompression to `broker/wire`. Source: Kafka 4.3's
//! DumpLogSegments, observed. Invariant: a file that is damaged is read as far as it goes, and then said so.

use broker_store::batch::BatchInfo;
use broker_wire::{
    codec::{Codec, Limits},
    records::{Batch, RecordReader, batches},
};

use crate::{
    failure::Failure,
    flags::{Flag, Given, perhaps, switch, value},
    tool::{Run, Tool},
    world::World,
};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-dump-log",
    about: "Print what is in the files of a log: batches, records, indexes.",
    flags: FLAGS,
    commands: &[],
    run: Run::Here(run),
};

const NO_DECODER: &str = "records are printed as text";

const FLAGS: &[Flag] = &[
    value("files", "paths", "The files, with commas between: .log, .index or .timeindex."),
    switch("print-data-log", "Print keys and values too."),
    switch("deep-iteration", "Print a line for each record."),
    switch("verify-index-only", "Only say what is wrong with an index."),
    switch("index-sanity-check", "Only check that an index is whole."),
    switch("skip-record-metadata", "With --print-data-log: keys and values alone."),
    value("max-message-size", "bytes", "The largest batch that is read.").ignored("a batch is read whatever its size"),
    value("max-bytes", "bytes", "Stop after so many bytes of batches."),
    switch("offsets-decoder", "").not_here(NO_DECODER),
    switch("transaction-log-decoder", "").not_here(NO_DECODER),
    switch("cluster-metadata-decoder", "").not_here("connectd has no metadata log"),
    switch("remote-log-metadata-decoder", "").not_here(NO_DECODER),
    switch("share-group-state-decoder", "").not_here(NO_DECODER),
    perhaps("key-decoder-class", "class", "").not_here(NO_DECODER),
    perhaps("value-decoder-class", "class", "").not_here(NO_DECODER),
];

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    given.require(&["files"])?;
    let max: i64 = given.parsed_or("max-bytes", i64::MAX)?;
    for file in given.one("files")?.unwrap_or_default().split(',').map(str::trim).filter(|file| !file.is_empty()) {
        let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
        world.out(&format!("Dumping {file}\n"));
        if !matches!(ending, "log" | "index" | "timeindex") {
            world.err(&format!("Ignoring unknown file {file}\n"));
            continue;
        }
        let bytes = world.read(file).map_err(|error| Failure::new(format!("{file}: {error}")))?;
        match ending {
            "log" => log(given, world, file, &bytes, max),
            "index" => index(given, world, file, &bytes),
            _ => time_index(given, world, file, &bytes),
        }
        if world.is_gone() {
            break;
        }
    }
    Ok(0)
}

/// The offset in a file's name; 0 if the name is another.
fn base_offset(file: &str) -> i64 {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.split('.').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn log(given: &Given, world: &mut dyn World, file: &str, bytes: &[u8], max: i64) {
    world.out(&format!("Log starting offset: {}\n", base_offset(file)));
    let (data, metadata) = (given.has("print-data-log"), !given.has("skip-record-metadata"));
    let each = data || given.has("deep-iteration");
    let mut reader = RecordReader::new(Limits::default());
    let mut position = 0i64;
    for batch in batches(bytes) {
        let Ok(batch) = batch else { break };
        if position >= max || world.is_gone() {
            return;
        }
        let mut text = String::new();
        let records = reader.records(&batch);
        if metadata || !each {
            text.push_str(&of_batch(&batch.info, position, records.is_ok()));
        }
        if let (true, Ok(records)) = (each, records) {
            for (at, record) in records.enumerate() {
                let Ok(record) = record else { break };
                text.push_str(&of_record(&batch, at, &record, data, metadata));
            }
        }
        world.out(&text);
        position += i64::from(batch.info.length);
    }
    let left = bytes.len() as i64 - position;
    if left > 0 {
        world.out(&format!("Found {left} invalid bytes at the end of {}\n", file.rsplit('/').next().unwrap_or(file)));
    }
}

fn of_batch(info: &BatchInfo, position: i64, is_valid: bool) -> String {
    let last_sequence =
        if info.base_sequence < 0 { -1 } else { info.base_sequence.wrapping_add(info.last_offset_delta) };
    let time = if info.log_append_time() { "LogAppendTime" } else { "CreateTime" };
    let codec = Codec::of(info.codec()).map_or("unknown", Codec::name);
    format!(
        "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {last_sequence} producerId: {} producerEpoch: {} \
         partitionLeaderEpoch: {} isTransactional: {} isControl: {} deleteHorizonMs: {} position: {position} {time}: {} size: {} \
         magic: 2 compresscodec: {codec} crc: {} isvalid: {is_valid}\n",
        info.base_offset,
        info.last_offset(),
        info.count,
        info.base_sequence,
        info.producer_id,
        info.producer_epoch,
        info.leader_epoch,
        info.is_transactional(),
        info.is_control(),
        delete_horizon(info),
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

fn of_record(
    batch: &Batch<'_>,
    at: usize,
    record: &broker_wire::records::Record<'_>,
    data: bool,
    metadata: bool,
) -> String {
    let info = &batch.info;
    let size = |bytes: Option<&[u8]>| bytes.map_or(-1, |bytes| bytes.len() as i64);
    let mut text = "|".to_owned();
    if metadata {
        let time = if info.log_append_time() { "LogAppendTime" } else { "CreateTime" };
        let sequence = if info.base_sequence < 0 { -1 } else { info.base_sequence.wrapping_add(at as i32) };
        let keys: Vec<&str> = record.headers.map(|header| header.key).collect();
        text.push_str(&format!(
            " offset: {} {time}: {} keySize: {} valueSize: {} sequence: {sequence} headerKeys: [{}]",
            record.offset,
            record.timestamp,
            size(record.key),
            size(record.value),
            keys.join(",")
        ));
    }
    if info.is_control() {
        text.push_str(&marker(record.key, record.value));
    } else if data {
        let shown = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        if let Some(key) = shown(record.key) {
            text.push_str(&format!(" key: {key}"));
        }
        if let Some(value) = shown(record.value) {
            text.push_str(&format!(" payload: {value}"));
        }
    }
    text + "\n"
}

/// The end of a transaction: version and type in the key, version and epoch in the value (KIP-98).
fn marker(key: Option<&[u8]>, value: Option<&[u8]>) -> String {
    let kind = key.and_then(|key| key.get(2..4)).map(|kind| i16::from_be_bytes([kind[0], kind[1]]));
    let epoch = value
        .and_then(|value| value.get(2..6))
        .and_then(|epoch| epoch.first_chunk())
        .map(|epoch| i32::from_be_bytes(*epoch));
    match (kind, epoch) {
        (Some(0), Some(epoch)) => format!(" endTxnMarker: ABORT coordinatorEpoch: {epoch}"),
        (Some(1), Some(epoch)) => format!(" endTxnMarker: COMMIT coordinatorEpoch: {epoch}"),
        _ => " UNKNOWN".to_owned(),
    }
}

/// Entries of eight bytes: an offset, relative to the file's, and a position in the log.
fn index(given: &Given, world: &mut dyn World, file: &str, bytes: &[u8]) {
    const ENTRY: usize = 8;
    if is_sane(given, world, file, bytes.len(), ENTRY) {
        return;
    }
    let base = base_offset(file);
    let segment = format!("{}.log", file.trim_end_matches(".index"));
    let log = world.read(&segment).unwrap_or_default();
    let mut wrong = String::new();
    for (at, entry) in bytes.chunks_exact(ENTRY).enumerate() {
        let offset = base + number(&entry[..4]);
        let position = number(&entry[4..]);
        // Room that was made and never used.
        if at > 0 && offset == base {
            break;
        }
        let found =
            usize::try_from(position).ok().and_then(|position| log.get(position..)).map(BatchInfo::parse_header);
        match found {
            Some(Ok(info)) if info.last_offset() != offset => {
                wrong.push_str(&format!("  Index offset: {offset}, log offset: {}\n", info.last_offset()));
            }
            Some(Ok(_)) => {}
            _ => wrong.push_str(&format!("  Index offset: {offset}, no batch at position {position}\n")),
        }
        if !given.has("verify-index-only") {
            world.out(&format!("offset: {offset} position: {position}\n"));
        }
    }
    if !wrong.is_empty() {
        world.err(&format!("Mismatches in :{file}\n{wrong}"));
    }
}

/// Entries of twelve bytes: a time, and an offset relative to the file's.
fn time_index(given: &Given, world: &mut dyn World, file: &str, bytes: &[u8]) {
    const ENTRY: usize = 12;
    if is_sane(given, world, file, bytes.len(), ENTRY) || given.has("verify-index-only") {
        return;
    }
    let base = base_offset(file);
    for (at, entry) in bytes.chunks_exact(ENTRY).enumerate() {
        let timestamp = i64::from_be_bytes(*entry.first_chunk().expect("an entry has twelve bytes"));
        let offset = base + number(&entry[8..]);
        if at > 0 && timestamp == 0 && offset == base {
            break;
        }
        world.out(&format!("timestamp: {timestamp} offset: {offset}\n"));
    }
}

fn number(bytes: &[u8]) -> i64 {
    i64::from(i32::from_be_bytes(*bytes.first_chunk().expect("four bytes")))
}

/// Whether no more was asked for than that the index is whole; says so.
fn is_sane(given: &Given, world: &mut dyn World, file: &str, len: usize, entry: usize) -> bool {
    if !given.has("index-sanity-check") {
        return false;
    }
    match len % entry {
        0 => world.out(&format!("{file} passed sanity check.\n")),
        left => world.err(&format!("{file}: {len} bytes are no whole number of entries: {left} are left over\n")),
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        let check = |file: &str, expected: i64| assert_eq!(base_offset(file), expected, "{file}");
        check("00000000000000000000.log", 0);
        check("/data/t-0/00000000000000001234.index", 1234);
        check("other.log", 0);
    }

    #[test]
    fn markers() {
        let check = |key: &[u8], value: &[u8], expected: &str| assert_eq!(marker(Some(key), Some(value)), expected);
        check(&[0, 0, 0, 1], &[0, 0, 0, 0, 0, 7], " endTxnMarker: COMMIT coordinatorEpoch: 7");
        check(&[0, 0, 0, 0], &[0, 0, 0, 0, 0, 7], " endTxnMarker: ABORT coordinatorEpoch: 7");
        check(&[0], &[], " UNKNOWN");
    }
}
