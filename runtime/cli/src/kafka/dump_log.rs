//! `kafka-dump-log`: what is in the files of a partition's folder, or of Kafka's metadata log.
//!
//! Owns its flags, and which file is read how. Leaves the lines to the files below, formats to `broker/store` and
//! [`crate::message`], decompression to `broker/wire`. Source: Kafka 4.3's DumpLogSegments, observed.
//! Invariant: a file that is damaged is read as far as it goes, and then said so.

mod contents;
mod index;
mod log;
mod producers;

use crate::{
    failure::Failure,
    flags::{Flag, Given, perhaps, switch, value},
    tool::{Run, Tool},
    world::World,
};

use contents::Contents;

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-dump-log",
    about: "Print what is in the files of a log: batches, records, indexes.",
    flags: FLAGS,
    commands: &[],
    run: Run::Here(run),
};

const FLAGS: &[Flag] = &[
    value(
        "files",
        "paths",
        "The files, with commas between: .log, .index, .timeindex, .snapshot, .txnindex or .checkpoint.",
    ),
    switch("print-data-log", "Print keys and values too."),
    switch("deep-iteration", "Print a line for each record."),
    switch("verify-index-only", "Only say what is wrong with an index."),
    switch("index-sanity-check", "Only check that an index is whole."),
    switch("skip-record-metadata", "Keys and values alone."),
    value("max-message-size", "bytes", "Taken as Kafka's tool does; a batch is read whatever its size."),
    value("max-bytes", "bytes", "Stop before so many bytes of batches are passed."),
    switch("offsets-decoder", "Records are those of __consumer_offsets."),
    switch("transaction-log-decoder", "Records are those of __transaction_state."),
    switch("cluster-metadata-decoder", "Records are those of Kafka's __cluster_metadata."),
    switch("share-group-state-decoder", "Records are those of Kafka's __share_group_state."),
    switch("remote-log-metadata-decoder", "").not_here("there is no tiered storage"),
    perhaps("key-decoder-class", "class", "How keys are read: one of Kafka's Decoders."),
    perhaps("value-decoder-class", "class", "How values are read: one of Kafka's Decoders."),
];

/// What is asked about each file.
struct Asked {
    /// A line for each record.
    each: bool,
    /// Batch and place of each record.
    metadata: bool,
    /// What to print of keys and values, if anything.
    contents: Option<Contents>,
    /// Where to stop.
    max_bytes: i64,
    /// Of an index, say only whether it is whole.
    sanity_only: bool,
    /// Of an index, say only what is wrong.
    verify_only: bool,
}

/// What was wrong, in the order in which Kafka's tool tells it at the end.
#[derive(Default)]
struct Wrong {
    indexes: String,
    timestamps: String,
    order: String,
    offsets: String,
    gaps: String,
}

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    given.require(&["files"])?;
    let contents = Contents::asked(given)?;
    let asked = Asked {
        each: given.has("deep-iteration") || contents.is_some(),
        metadata: !given.has("skip-record-metadata"),
        contents,
        max_bytes: given.parsed_or("max-bytes", i64::from(i32::MAX))?,
        sanity_only: given.has("index-sanity-check"),
        verify_only: given.has("verify-index-only"),
    };
    given.parsed::<i32>("max-message-size")?;
    let mut wrong = Wrong::default();
    for file in given.one("files")?.unwrap_or_default().split(',').map(str::trim).filter(|file| !file.is_empty()) {
        world.out(&format!("Dumping {file}\n"));
        match file.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "log" => log::print(&asked, world, file, log::segment(file)?, &mut wrong)?,
            "checkpoint" => log::print(&asked, world, file, log::quorum_snapshot(file)?, &mut wrong)?,
            "index" => index::offsets(&asked, world, file, &mut wrong)?,
            "timeindex" => index::times(&asked, world, file, &mut wrong)?,
            "snapshot" => producers::snapshot(world, file)?,
            "txnindex" => producers::aborted(world, file)?,
            _ => world.err(&format!("Ignoring unknown file {file}\n")),
        }
        if world.is_gone() {
            break;
        }
    }
    for told in [wrong.indexes, wrong.timestamps, wrong.order, wrong.offsets, wrong.gaps] {
        if !told.is_empty() {
            world.err(&told);
        }
    }
    Ok(0)
}

/// The name of a file, without folders.
fn name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// The offset that a file's name begins with.
fn base_offset(file: &str) -> Result<i64, Failure> {
    let digits = name(file).split('.').next().unwrap_or_default();
    let advice = "The name of a log's file begins with its first offset, as 00000000000000000000.log does.";
    digits.parse().map_err(|_| Failure::new(format!("For input string: \"{digits}\"")).advising(advice))
}

fn read(world: &mut dyn World, file: &str) -> Result<Vec<u8>, Failure> {
    world.read(file).map_err(|error| Failure::new(format!("{file}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        let check = |file: &str, expected: Option<i64>| assert_eq!(base_offset(file).ok(), expected, "{file}");
        check("00000000000000000000.log", Some(0));
        check("/data/t-0/00000000000000001234.index", Some(1234));
        check("other.log", None);
    }
}
