//! One segment of a log as numbers: where its batches end, when it is full, and its indexes' entries.
//!
//! Owns Kafka's rules for them (`LogSegment.append`, `OffsetIndex`, `TimeIndex`; broker-contract 2.1). Invariant: positions and
//! index entries depend on the batches and settings alone, never on when they are written.

use alloc::{sync::Arc, vec::Vec};

use crate::batch::BatchInfo;

pub(crate) const INDEX_ENTRY_BYTES: u64 = 8;
pub(crate) const TIME_ENTRY_BYTES: u64 = 12;

/// Topic configs that a log obeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// `segment.bytes`: a segment that would grow beyond it is closed.
    pub segment_bytes: u64,
    /// `segment.ms`: timestamps of one segment are at most this far apart, milliseconds.
    pub segment_ms: i64,
    /// `index.interval.bytes`: bytes of log per index entry.
    pub index_interval_bytes: u64,
    /// `segment.index.bytes`: an index that would grow beyond it closes the segment.
    pub index_max_bytes: u64,
}

/// A segment's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentState {
    /// Offset that its files are named by: no batch in it starts before.
    pub base_offset: i64,
    /// Offset after its last batch.
    pub next_offset: i64,
    /// Bytes of batches.
    pub size: u64,
    /// Bytes of its offset index.
    pub index_bytes: u64,
    /// Bytes of its time index.
    pub time_index_bytes: u64,
    /// Bytes of batches since the last index entry.
    pub since_index: u64,
    /// Timestamp of its first batch, -1 if it has none; milliseconds since 1970, as the next two.
    pub first_timestamp: i64,
    /// Largest timestamp, -1 if it has none.
    pub max_timestamp: i64,
    /// Last offset of the first batch with that timestamp.
    pub max_timestamp_offset: i64,
    /// Timestamp of the last entry of the time index, -1 if there is none.
    pub indexed_timestamp: i64,
    /// Largest leader epoch of its batches.
    pub leader_epoch: i32,
    /// Offsets are missing in it: it was compacted.
    pub gaps: bool,
    /// Its files are, or were last, named `.swap` at their ends: they take the place of older ones. See [`crate::log::Removal`].
    pub swap: bool,
}

/// Held by a read of a segment's files: as long as one is, the files are not removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lease(Arc<()>);

impl Lease {
    /// True if no read holds it any more.
    pub(super) fn is_over(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

/// A segment, three times: as appended to, as handed to the writer, as written; and index entries not yet handed over.
#[derive(Debug)]
pub(crate) struct Segment {
    appended: SegmentState,
    taken: SegmentState,
    written: SegmentState,
    closed: bool,
    lease: Lease,
    pub index: Vec<u8>,
    pub time_index: Vec<u8>,
}

impl Segment {
    pub fn new(base_offset: i64) -> Self {
        Self::restore(SegmentState {
            base_offset,
            next_offset: base_offset,
            size: 0,
            index_bytes: 0,
            time_index_bytes: 0,
            since_index: 0,
            first_timestamp: -1,
            max_timestamp: -1,
            max_timestamp_offset: base_offset,
            indexed_timestamp: -1,
            leader_epoch: 0,
            gaps: false,
            swap: false,
        })
    }

    pub fn restore(state: SegmentState) -> Self {
        let (index, time_index) = (Vec::new(), Vec::new());
        Self {
            appended: state,
            taken: state,
            written: state,
            closed: false,
            lease: Lease::default(),
            index,
            time_index,
        }
    }

    pub fn lease(&self) -> Lease {
        self.lease.clone()
    }

    /// True if all of it is in its files.
    pub fn is_written(&self) -> bool {
        self.written == self.appended
    }

    /// True if no batch is to be added any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Its files have their own names by now.
    pub fn swapped(&mut self) {
        for state in [&mut self.appended, &mut self.taken, &mut self.written] {
            state.swap = false;
        }
    }

    pub fn state(&self) -> &SegmentState {
        &self.appended
    }

    pub fn written(&self) -> SegmentState {
        self.written
    }

    /// What was handed over last, if there is more since.
    pub fn untaken(&self) -> Option<SegmentState> {
        (self.taken != self.appended).then_some(self.taken)
    }

    pub fn take(&mut self) {
        self.taken = self.appended;
    }

    pub fn taken_is_written(&mut self) {
        self.written = self.taken;
    }

    /// True if this batch has to go into a new segment.
    pub fn is_full(&self, batch: &BatchInfo, settings: &LogSettings) -> bool {
        let state = &self.appended;
        if self.closed || state.size == 0 {
            return self.closed;
        }
        let most = settings.segment_bytes.min(i32::MAX as u64);
        let apart = batch.max_timestamp.saturating_sub(state.first_timestamp);
        let entries = |bytes: u64, entry: u64| bytes / entry >= settings.index_max_bytes / entry;
        state.size + u64::from(batch.length) > most
            || (state.first_timestamp >= 0 && apart > settings.segment_ms)
            || entries(state.index_bytes, INDEX_ENTRY_BYTES)
            || entries(state.time_index_bytes, TIME_ENTRY_BYTES)
            || batch.last_offset() - state.base_offset > i64::from(i32::MAX)
    }

    pub fn append(&mut self, batch: &BatchInfo, settings: &LogSettings) {
        if self.appended.size == 0 {
            self.appended.first_timestamp = batch.max_timestamp;
        }
        if batch.max_timestamp > self.appended.max_timestamp {
            self.appended.max_timestamp = batch.max_timestamp;
            self.appended.max_timestamp_offset = batch.last_offset();
        }
        if self.appended.since_index > settings.index_interval_bytes {
            self.index_offset(batch.last_offset());
            self.index_timestamp();
            self.appended.since_index = 0;
        }
        self.appended.leader_epoch = self.appended.leader_epoch.max(batch.leader_epoch);
        self.appended.size += u64::from(batch.length);
        self.appended.since_index += u64::from(batch.length);
        self.appended.next_offset = batch.last_offset() + 1;
    }

    /// No batch follows, and nothing else does: it is whole.
    pub fn close_as_it_is(&mut self) {
        self.closed = true;
    }

    /// No batch follows: the time index ends with the largest timestamp.
    pub fn close(&mut self) {
        self.index_timestamp();
        self.closed = true;
    }

    /// The entry tells where the batch begins that ends with this offset.
    fn index_offset(&mut self, last_offset: i64) {
        let position = i32::try_from(self.appended.size).expect("is_full bounds it");
        self.index.extend_from_slice(&self.relative(last_offset).to_be_bytes());
        self.index.extend_from_slice(&position.to_be_bytes());
        self.appended.index_bytes += INDEX_ENTRY_BYTES;
    }

    fn index_timestamp(&mut self) {
        let state = self.appended;
        if state.max_timestamp > state.indexed_timestamp {
            self.time_index.extend_from_slice(&state.max_timestamp.to_be_bytes());
            self.time_index.extend_from_slice(&self.relative(state.max_timestamp_offset).to_be_bytes());
            self.appended.time_index_bytes += TIME_ENTRY_BYTES;
            self.appended.indexed_timestamp = state.max_timestamp;
        }
    }

    fn relative(&self, offset: i64) -> i32 {
        i32::try_from(offset - self.appended.base_offset).expect("is_full bounds it")
    }
}
