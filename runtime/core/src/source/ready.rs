//! Polls that wait for the append before them: they go in one entry, so that a slow disk makes larger appends and not fewer polls.
//!
//! Invariant: what is taken out is in the order of the polls, and of each source partition and state key the last value counts.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use bytes::Bytes;

use super::Done;
use crate::{batches::Batches, scalar::ScalarMap};

/// Polls in one append, whatever their size: each is acknowledged by a call of its own in the list.
const MOST_POLLS: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Ready {
    pub batches: Batches,
    pub offsets: BTreeMap<ScalarMap, ScalarMap>,
    pub state: BTreeMap<String, Option<Bytes>>,
    pub done: Vec<Done>,
    /// Milliseconds since 1970 of the last poll.
    pub wall: i64,
    bytes: usize,
}

impl Ready {
    /// Adds a poll.
    pub fn push(&mut self, batches: Batches, state: BTreeMap<String, Option<Bytes>>, done: Done, wall: i64) {
        self.bytes += batches.iter().map(|(_, _, batch)| batch.bytes.len()).sum::<usize>();
        self.batches.extend(batches);
        self.offsets.extend(done.offsets.iter().cloned());
        self.state.extend(state);
        self.done.push(done);
        self.wall = wall;
    }

    pub fn is_empty(&self) -> bool {
        self.done.is_empty()
    }

    /// True if another poll may be added.
    pub fn has_room(&self, most_bytes: usize) -> bool {
        self.bytes < most_bytes && self.done.len() < MOST_POLLS
    }
}
