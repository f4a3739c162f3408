//! From offsets and timestamps to bytes, in memory or in a segment file.
//!
//! Owns the search. Leaves reading of files to [`crate::segment::SegmentReader`]. Invariant: an answer begins with the batch that
//! holds the offset asked for (or, where compaction has left a gap, the next one), has whole batches only, without leaving out any that
//! is there, and none that begins at or above `upto`.

use alloc::vec::Vec;
use bytes::Bytes;

use super::{
    Held, Log, LogDir,
    segment::{Lease, Segment},
};

/// Batches smaller than this are put together into one piece: a reader pays for each piece.
const SMALL_BYTES: usize = 4096;

/// Where the bytes of an answer are: in memory or in a file, not both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Whole batches, one after the other.
    pub memory: Vec<Bytes>,
    /// To be read from a segment.
    pub file: Option<SegmentRead>,
}

impl Read {
    /// Bytes of it; what is in a file is an estimate from the offsets, at least 1 and at most what the reader may take.
    pub fn len(&self) -> usize {
        self.memory.iter().map(Bytes::len).sum::<usize>() + self.file.as_ref().map_or(0, |file| file.estimate)
    }

    /// Offset after the last record that may be in it, if it is in a file; what is in memory tells by itself.
    pub fn end(&self) -> Option<i64> {
        self.file.as_ref().map(|file| file.next_offset)
    }

    /// True if there is nothing.
    pub fn is_empty(&self) -> bool {
        self.memory.is_empty() && self.file.is_none()
    }
}

/// What of a segment to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentRead {
    /// The log's folder.
    pub dir: LogDir,
    /// Names the segment's files.
    pub base_offset: i64,
    /// The first batch.
    pub want: Want,
    /// No batch that ends before this offset: the log's start.
    pub start: i64,
    /// No batch that begins at or above this offset.
    pub upto: i64,
    /// Whole batches up to this many bytes.
    pub max_bytes: usize,
    /// The first one even if it has more.
    pub at_least_one: bool,
    /// Offset after the last batch written to the file when this was made.
    pub next_offset: i64,
    /// Bytes of batches written to the file then.
    pub size: u64,
    /// The same of its index.
    pub index_bytes: u64,
    /// The same of its time index.
    pub time_index_bytes: u64,
    /// Largest leader epoch in the segment.
    pub leader_epoch: i32,
    /// Offsets may be missing in it.
    pub gaps: bool,
    /// Its files may be named `.swap` still.
    pub swap: bool,
    /// Keeps the files.
    pub lease: Lease,
    /// See [`Read::len`].
    pub estimate: usize,
}

/// Where a read begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// With the batch that holds this offset, or the next one.
    Offset(i64),
    /// With the first batch that has a timestamp of this or later; milliseconds since 1970.
    Timestamp(i64),
}

impl Log {
    /// Whole batches from the one that holds `offset` (or the next one after it) on, up to `max_bytes`; the first one even if it has
    /// more, if `at_least_one`. Nothing that begins at or above `upto`.
    pub fn read(&self, offset: i64, upto: i64, max_bytes: usize, at_least_one: bool) -> Read {
        if offset >= upto.min(self.next_offset) {
            return Read::default();
        }
        if offset >= self.memory_from {
            return self.read_memory(offset, upto, max_bytes, at_least_one);
        }
        let at = self.segments.partition_point(|segment| segment.state().next_offset <= offset);
        let segment = &self.segments[at];
        if segment.state().base_offset >= self.memory_from {
            return self.read_memory(offset, upto, max_bytes, at_least_one);
        }
        let file = self.segment_read(segment, Want::Offset(offset), upto, max_bytes, at_least_one);
        Read { memory: Vec::new(), file: Some(file) }
    }

    fn read_memory(&self, offset: i64, upto: i64, max_bytes: usize, at_least_one: bool) -> Read {
        let first = self.memory.partition_point(|held| held.last_offset < offset);
        let mut pieces = Pieces::default();
        let mut bytes = 0;
        for held in self.memory.range(first..).take_while(|held| held.base_offset < upto) {
            bytes += held.bytes.len();
            if bytes > max_bytes && !(at_least_one && pieces.is_empty()) {
                break;
            }
            pieces.push(&held.bytes);
        }
        Read { memory: pieces.finish(), file: None }
    }

    /// The first batch at or above the log's start that has a record of `timestamp` (milliseconds since 1970) or later, if the first
    /// segment with such a timestamp has one (Kafka looks no further either).
    pub fn find_timestamp(&self, timestamp: i64) -> Option<Read> {
        let segment = self.segments.iter().find(|segment| segment.state().max_timestamp >= timestamp)?;
        let state = segment.state();
        let in_file = segment.written().max_timestamp >= timestamp && self.memory_from > state.base_offset;
        if in_file {
            let file = self.segment_read(segment, Want::Timestamp(timestamp), state.next_offset, 0, true);
            return Some(Read { memory: Vec::new(), file: Some(file) });
        }
        let wanted = |held: &&Held| {
            let live = held.last_offset >= self.start_offset;
            live && held.segment == state.base_offset && held.max_timestamp >= timestamp
        };
        let held = self.memory.iter().find(wanted)?;
        Some(Read { memory: alloc::vec![held.bytes.clone()], file: None })
    }

    pub(super) fn segment_read(
        &self,
        segment: &Segment,
        want: Want,
        upto: i64,
        max_bytes: usize,
        at_least_one: bool,
    ) -> SegmentRead {
        let written = segment.written();
        let offset = if let Want::Offset(offset) = want { offset } else { written.next_offset - 1 };
        let all = (written.next_offset - written.base_offset).max(1) as u128;
        let left = (written.next_offset.min(upto) - offset.max(written.base_offset)).max(0) as u128;
        let bytes = (u128::from(written.size) * left / all) as usize;
        SegmentRead {
            dir: self.dir.clone(),
            base_offset: written.base_offset,
            want,
            start: self.start_offset,
            upto,
            max_bytes,
            at_least_one,
            next_offset: written.next_offset,
            size: written.size,
            index_bytes: written.index_bytes,
            time_index_bytes: written.time_index_bytes,
            leader_epoch: written.leader_epoch,
            gaps: written.gaps,
            swap: written.swap,
            lease: segment.lease(),
            estimate: bytes.min(max_bytes).max(1),
        }
    }
}

/// Pieces of an answer; neighbours that are small are put together.
#[derive(Default)]
struct Pieces {
    done: Vec<Bytes>,
    small: Vec<u8>,
}

impl Pieces {
    fn is_empty(&self) -> bool {
        self.done.is_empty() && self.small.is_empty()
    }

    fn push(&mut self, batch: &Bytes) {
        if batch.len() < SMALL_BYTES {
            self.small.extend_from_slice(batch);
        } else {
            self.flush();
            self.done.push(batch.clone());
        }
    }

    fn flush(&mut self) {
        if !self.small.is_empty() {
            self.done.push(core::mem::take(&mut self.small).into());
        }
    }

    fn finish(mut self) -> Vec<Bytes> {
        self.flush();
        self.done
    }
}
