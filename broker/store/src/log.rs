//! One partition's log as the core knows it: what is in segments, what is still in memory, and no I/O.
//!
//! Owns offsets to bytes: which batch holds an offset, where a batch goes in the segment files, when a new segment begins. Leaves
//! the files to [`crate::segment`] and what may be read at all (the high watermark) to the core.
//!
//! A batch is appended here when it is durable in the journal. It stays in memory at least until the segment files have it.
//!
//! ```text
//!            segments, as far as written()          in memory: journaled, and in part written too
//!   [0 ......... 4095][4096 ............ 9000|...........]        9001 = next_offset
//!                                      ^ memory may begin before the written end, never after it
//! ```
//! Invariant: every batch between the start offset and the next offset is in a written part of a segment, in memory, or both.

use alloc::{
    collections::VecDeque,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use bytes::Bytes;

use crate::{batch::BatchInfo, entry::PartitionId};

mod clean;
mod life;
mod read;
mod segment;
mod write;

pub use life::Removal;
pub use read::{Read, SegmentRead, Want};
pub(crate) use segment::Segment;
pub use segment::{Lease, LogSettings, SegmentState};
pub use write::SegmentWrite;

/// The folder of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDir {
    /// Whose log.
    pub partition: PartitionId,
    /// The folder's name, `<topic>-<partition>`.
    pub name: Arc<str>,
}

impl LogDir {
    /// The path of one of a segment's files: `what` is `log`, `index` or `timeindex`, with what follows it.
    pub fn path(&self, base_offset: i64, what: &str) -> String {
        alloc::format!("{}/{base_offset:020}.{what}", self.name)
    }
}

/// What a checkpoint keeps of a log: exactly what is in its segment files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogState {
    /// Whose log.
    pub partition: PartitionId,
    /// Its folder.
    pub dir: String,
    /// First offset that can be read.
    pub start_offset: i64,
    /// Offset after the last one in a segment.
    pub next_offset: i64,
    /// Up to where it has been compacted.
    pub cleaned_to: i64,
    /// Segments, oldest first.
    pub segments: Vec<SegmentState>,
}

/// A batch in memory.
#[derive(Clone, Debug)]
struct Held {
    base_offset: i64,
    last_offset: i64,
    max_timestamp: i64,
    /// Base offset of its segment, and its place in there.
    segment: i64,
    bytes: Bytes,
}

/// One partition's log.
#[derive(Debug)]
pub struct Log {
    dir: LogDir,
    settings: LogSettings,
    start_offset: i64,
    next_offset: i64,
    segments: Vec<Segment>,
    memory: VecDeque<Held>,
    /// Every batch from this offset on is in memory.
    memory_from: i64,
    /// Written batches from this offset on stay in memory.
    kept_from: i64,
    /// Nothing of it is on the disk; what is found there belongs to another.
    fresh: bool,
    writing: bool,
    cleaned_to: i64,
    /// Its first segments are being compacted.
    cleaning: bool,
    leaving: life::Leaving,
}

impl Log {
    /// An empty log, of a topic that was just made. Whatever is found in its folder is removed when it is first written to.
    pub fn new(partition: PartitionId, topic: &str, settings: LogSettings) -> Self {
        let dir = alloc::format!("{topic}-{}", partition.partition);
        let state = LogState { partition, dir, start_offset: 0, next_offset: 0, cleaned_to: 0, segments: Vec::new() };
        Self { fresh: true, ..Self::restore(state, settings) }
    }

    /// The log of a checkpoint.
    pub fn restore(state: LogState, settings: LogSettings) -> Self {
        // One that the checkpoint knows no segment of may have no folder either.
        let fresh = state.segments.is_empty();
        let leaving = life::Leaving::restore(state.segments.iter().any(|segment| segment.swap));
        Self {
            dir: LogDir { partition: state.partition, name: state.dir.into() },
            settings,
            start_offset: state.start_offset,
            next_offset: state.next_offset,
            // Recovery has given every file its own name.
            segments: state.segments.into_iter().map(|s| Segment::restore(SegmentState { swap: false, ..s })).collect(),
            memory: VecDeque::new(),
            memory_from: state.next_offset,
            kept_from: 0,
            fresh,
            writing: false,
            cleaned_to: state.cleaned_to,
            cleaning: false,
            leaving,
        }
    }

    /// What of it is in the segment files: for a checkpoint, taken while nothing is being written.
    pub fn state(&self) -> LogState {
        let segments: Vec<_> = self.segments.iter().map(Segment::written).take_while(|state| state.size > 0).collect();
        LogState {
            partition: self.dir.partition,
            dir: self.dir.name.to_string(),
            start_offset: self.start_offset,
            next_offset: segments.last().map_or(self.first_offset(), |last| last.next_offset),
            cleaned_to: self.cleaned_to,
            segments,
        }
    }

    /// Its folder.
    pub fn dir(&self) -> LogDir {
        self.dir.clone()
    }

    /// Other settings from now on.
    pub fn set(&mut self, settings: LogSettings) {
        self.settings = settings;
    }

    /// First offset that can be read.
    pub fn start_offset(&self) -> i64 {
        self.start_offset
    }

    /// The offset that the next batch will have.
    pub fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// Largest timestamp in the log, -1 if it is empty. Milliseconds since 1970.
    pub fn max_timestamp(&self) -> i64 {
        self.segments.iter().map(|segment| segment.state().max_timestamp).max().unwrap_or(-1)
    }

    /// Bytes of all batches.
    pub fn size(&self) -> u64 {
        self.segments.iter().map(|segment| segment.state().size).sum()
    }

    /// Bytes of its last segment: where the next batch goes, unless it begins a new one.
    pub fn position(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.state().size)
    }

    /// Adds a batch that is durable in the journal; `info` is its header with its offset in the log.
    ///
    /// # Panics
    /// If it does not follow the last one, or is not of these bytes: the core has mixed up its batches.
    pub fn append(&mut self, info: &BatchInfo, bytes: Bytes) {
        assert_eq!(info.base_offset, self.next_offset, "a log has no gaps");
        assert_eq!(info.length as usize, bytes.len(), "a header goes with its own batch");
        if self.segments.last().is_none_or(|last| last.is_full(info, &self.settings)) {
            if let Some(last) = self.segments.last_mut() {
                last.close();
            }
            self.segments.push(Segment::new(info.base_offset));
        }
        let segment = self.segments.last_mut().expect("there is one now");
        segment.append(info, &self.settings);
        let (last_offset, segment) = (info.last_offset(), segment.state().base_offset);
        let held =
            Held { base_offset: info.base_offset, last_offset, max_timestamp: info.max_timestamp, segment, bytes };
        self.memory.push_back(held);
        self.next_offset = last_offset + 1;
    }

    /// Offset after the last one in the segment files.
    fn written_end(&self) -> i64 {
        let written = |segment: &Segment| Some(segment.written()).filter(|state| state.size > 0);
        self.segments.iter().rev().find_map(written).map_or(self.first_offset(), |state| state.next_offset)
    }

    /// No batch begins before.
    fn first_offset(&self) -> i64 {
        self.segments.first().map_or(self.next_offset, |first| first.state().base_offset)
    }

    /// Lets go of batches that are in the segments and not to be kept.
    fn trim(&mut self) {
        let end = self.written_end().min(self.kept_from);
        while let Some(held) = self.memory.pop_front_if(|held| held.last_offset < end) {
            self.memory_from = held.last_offset + 1;
        }
        if self.memory.is_empty() {
            self.memory.shrink_to(16);
        }
    }
}

/// Which entries' memory readers at the end of their logs are served from: the most recent ones, up to a budget.
///
/// The core keeps one for all logs: it tells it of each durable entry, and tells the logs what it lets go of.
#[derive(Debug)]
pub struct Tail {
    budget: usize,
    held: usize,
    /// Memory of an entry, and up to where its batches go in each partition.
    entries: VecDeque<(usize, Vec<(PartitionId, i64)>)>,
}

impl Tail {
    /// Of at most this many bytes.
    pub fn new(budget: usize) -> Self {
        Self { budget, held: 0, entries: VecDeque::new() }
    }

    /// Takes note of an entry whose batches were appended to their logs.
    pub fn keep(&mut self, entry: &crate::entry::Entry) {
        let mut ends: Vec<(PartitionId, i64)> = Vec::new();
        for (partition, info, _) in entry.batches() {
            match ends.last_mut() {
                Some((last, end)) if *last == partition => *end = info.last_offset(),
                _ => ends.push((partition, info.last_offset())),
            }
        }
        if !ends.is_empty() {
            self.held += entry.memory();
            self.entries.push_back((entry.memory(), ends));
        }
    }

    /// The oldest entry's partitions and last offsets, if there is more than the budget: give each to [`Log::let_go`], and ask again.
    pub fn let_go(&mut self) -> Option<Vec<(PartitionId, i64)>> {
        if self.held <= self.budget {
            return None;
        }
        let (memory, ends) = self.entries.pop_front()?;
        self.held -= memory;
        Some(ends)
    }
}

#[cfg(test)]
mod tests;
