//! From the log to its segment files: what to write next, and what may leave memory afterwards.
//!
//! Owns the handing over. Invariant: what is handed over is handed over once, in the order of offsets; doing the same write again
//! changes nothing, so a failed one is simply repeated.

use alloc::vec::Vec;
use bytes::Bytes;

use super::{Log, LogDir};

/// Batches to write to one segment, and the index entries that go with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentWrite {
    /// The log's folder.
    pub dir: LogDir,
    /// First write to this log ever: what is in its folder belongs to an earlier topic of that name, and goes.
    pub fresh: bool,
    /// Names the segment's files.
    pub base_offset: i64,
    /// Where in the `.log` file the pieces go, one after the other.
    pub position: u64,
    /// Batches.
    pub pieces: Vec<Bytes>,
    /// Where in the `.index` file its entries go.
    pub index_position: u64,
    /// Entries, as they are in the file.
    pub index: Vec<u8>,
    /// Where in the `.timeindex` file its entries go.
    pub time_index_position: u64,
    /// Entries, as they are in the file.
    pub time_index: Vec<u8>,
}

impl SegmentWrite {
    /// Bytes of batches.
    pub fn len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    /// True if it has index entries only.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

impl Log {
    /// Bytes that are in memory only.
    pub fn pending(&self) -> u64 {
        self.segments.iter().rev().map_while(|s| s.untaken().map(|taken| s.state().size - taken.size)).sum()
    }

    /// Everything that is not in the segment files yet, by segment; hand it to the writer, then say [`Log::written`].
    ///
    /// # Panics
    /// If the last ones taken are still being written.
    pub fn take_writes(&mut self) -> Vec<SegmentWrite> {
        assert!(!self.writing, "one set of writes at a time");
        let first = self.segments.iter().rposition(|segment| segment.untaken().is_none()).map_or(0, |at| at + 1);
        let mut held = self.memory.partition_point(|held| held.last_offset < self.written_end());
        let mut writes = Vec::new();
        for segment in &mut self.segments[first..] {
            let Some(from) = segment.untaken() else { continue };
            let pieces = self.memory.range(held..).take_while(|held| held.segment == from.base_offset);
            let pieces: Vec<Bytes> = pieces.map(|held| held.bytes.clone()).collect();
            held += pieces.len();
            writes.push(SegmentWrite {
                dir: self.dir.clone(),
                fresh: core::mem::take(&mut self.fresh),
                base_offset: from.base_offset,
                position: from.size,
                pieces,
                index_position: from.index_bytes,
                index: core::mem::take(&mut segment.index),
                time_index_position: from.time_index_bytes,
                time_index: core::mem::take(&mut segment.time_index),
            });
            segment.take();
        }
        self.writing = !writes.is_empty();
        writes
    }

    /// What was taken is in the segment files; it leaves memory.
    pub fn written(&mut self) {
        self.kept_from = i64::MAX;
        self.written_but_kept();
    }

    /// What was taken is in the segment files; it stays in memory for readers until [`Log::let_go`].
    pub fn written_but_kept(&mut self) {
        if core::mem::take(&mut self.writing) {
            for segment in self.segments.iter_mut().rev() {
                if segment.written() == *segment.state() {
                    break;
                }
                segment.taken_is_written();
            }
        }
        self.trim();
        self.drop_old();
    }

    /// Batches up to this offset need not stay in memory for readers; those not in a segment yet stay until they are.
    pub fn let_go(&mut self, last_offset: i64) {
        self.kept_from = self.kept_from.max(last_offset.saturating_add(1));
        self.trim();
    }
}
