//! A log being compacted: what of it may be, and the new segments in the places of the old.
//!
//! Owns both. Leaves the rules to [`crate::clean`], and the old files to [`super::life`]. Invariant: the segments handed out stay in the
//! log, as they are, until the compaction is over.

use alloc::vec::Vec;

use super::{Log, SegmentRead, SegmentState, Want, segment::Segment};

impl Log {
    /// Up to where it has been compacted.
    pub fn cleaned_to(&self) -> i64 {
        self.cleaned_to
    }

    /// The segments that may be compacted: closed, in their files under their own names, and ending at `upto` or before.
    pub fn cleanable(&self, upto: i64) -> impl Iterator<Item = &SegmentState> {
        let closed = |(at, segment): &(usize, &Segment)| at + 1 < self.segments.len() || segment.is_closed();
        let ready = move |segment: &&Segment| {
            let state = segment.state();
            segment.is_written() && !state.swap && state.next_offset <= upto
        };
        let segments = self.segments.iter().enumerate().take_while(closed).map(|(_, segment)| segment);
        let free = !self.cleaning && !self.writing && !self.leaving.is_renamed();
        segments.take_while(ready).map(Segment::state).filter(move |_| free)
    }

    /// Hands out those segments, and keeps them until [`Log::cleaning_over`].
    pub fn start_cleaning(&mut self, upto: i64) -> Vec<SegmentRead> {
        let count = self.cleanable(upto).count();
        self.cleaning = count > 0;
        let read = |segment: &Segment| {
            let offset = segment.state().base_offset;
            self.segment_read(segment, Want::Offset(offset), i64::MAX, 0, true)
        };
        self.segments[..count].iter().map(read).collect()
    }

    /// Puts a compacted segment, or nothing, in the place of old ones; their files go as those of old segments do.
    ///
    /// # Panics
    /// If the old ones are not in the log, one after the other: the core has mixed up its logs.
    pub fn replace(&mut self, replaced: &[i64], with: Option<SegmentState>) {
        let at = |base: i64| self.segments.iter().position(|segment| segment.state().base_offset == base);
        let first = replaced.first().and_then(|base| at(*base)).expect("what is replaced is there");
        let same = self.segments[first..].iter().zip(replaced).all(|(old, base)| old.state().base_offset == *base);
        assert!(self.cleaning && same, "segments are replaced in their order");
        let end = first + replaced.len();
        let next = self.segments.get(end).map_or(self.next_offset, |next| next.state().base_offset);
        let new = with.map(|state| {
            let mut new = Segment::restore(state);
            new.close_as_it_is();
            new
        });
        let old: Vec<_> =
            self.segments.splice(first..end, new).map(|old| (old.state().base_offset, old.lease())).collect();
        self.leave(old, with.map(|state| state.base_offset));
        self.forget_memory_below(next);
    }

    /// The compaction has ended, or was given up; `cleaned_to` if it went through.
    pub fn cleaning_over(&mut self, cleaned_to: Option<i64>) {
        self.cleaning = false;
        self.cleaned_to = self.cleaned_to.max(cleaned_to.unwrap_or(0));
        self.drop_old();
    }
}
