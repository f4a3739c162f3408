//! From decided to durable: the entry being filled, the one at the journal, and the replies that wait for them.
//!
//! Owns the order "decide, journal, then answer". One entry is at the journal at a time; what is decided meanwhile fills the next
//! (group commit). Invariant: a reply leaves only when every entry it was judged against is durable.

use alloc::collections::VecDeque;
use broker_store::entry::{Entry, EntryBuilder, Pool};

use crate::{
    Output,
    limits::ENTRY_SOFT_BYTES,
    request::{ConnId, Reply, RequestId},
};

/// A position in the journal: the sequence of an entry. 0 is before the first.
pub type Seq = u64;

pub(crate) struct Pipeline {
    pool: Pool,
    salt: u64,
    pub building: EntryBuilder,
    building_seq: Seq,
    in_flight: Option<Entry>,
    durable: Seq,
    waiting: VecDeque<(Seq, Output)>,
}

impl Pipeline {
    /// Goes on after entry `last`, which is durable.
    pub fn new(pool: Pool, salt: u64, last: Seq) -> Self {
        let building = EntryBuilder::new(&pool);
        Self { pool, salt, building, building_seq: last + 1, in_flight: None, durable: last, waiting: VecDeque::new() }
    }

    /// The entry that must be durable before anything judged now may be told.
    pub fn position(&self) -> Seq {
        if self.building.is_empty() { self.building_seq - 1 } else { self.building_seq }
    }

    /// The last durable entry.
    pub fn durable(&self) -> Seq {
        self.durable
    }

    /// Sends `output` once everything decided so far is durable.
    pub fn reply_when_durable(&mut self, conn: ConnId, id: RequestId, reply: Reply) {
        let reply = Output::Reply { conn, id, reply };
        self.waiting.push_back((self.position(), reply));
    }

    /// The next output that may leave now.
    pub fn poll_reply(&mut self) -> Option<Output> {
        let (position, _) = self.waiting.front()?;
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is(crate::planted::Bug::AckBeforeSync) {
            return self.waiting.pop_front().map(|(_, output)| output);
        }
        if *position > self.durable {
            return None;
        }
        self.waiting.pop_front().map(|(_, output)| output)
    }

    /// True while the entry being filled has room, so that the edge may bring more requests.
    pub fn has_room(&self) -> bool {
        self.building.len() < ENTRY_SOFT_BYTES
    }

    /// True if the journal has nothing to write and nothing is decided that it should.
    pub fn is_idle(&self) -> bool {
        self.in_flight.is_none() && self.building.is_empty()
    }

    /// Closes the entry being filled if the journal is free and there is something in it (or `seal` wants an empty one).
    pub fn start_entry(&mut self, seal: bool) -> Option<Entry> {
        if self.in_flight.is_some() || (self.building.is_empty() && !seal) {
            return None;
        }
        let building = core::mem::replace(&mut self.building, EntryBuilder::new(&self.pool));
        let entry = building.finish(self.building_seq, self.salt);
        self.building_seq += 1;
        self.in_flight = Some(entry.clone());
        Some(entry)
    }

    /// The entry at the journal is durable.
    ///
    /// # Panics
    /// If `seq` is not the one that was handed out: the edge has mixed up its entries.
    pub fn journaled(&mut self, seq: Seq) -> Entry {
        let entry = self.in_flight.take().expect("an entry is at the journal");
        assert_eq!(entry.seq, seq, "entries become durable one at a time, in order");
        self.durable = seq;
        entry
    }
}
