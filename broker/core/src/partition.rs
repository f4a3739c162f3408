//! One partition: where its log ends, and who wrote to it.
//!
//! Owns the two ends a partition has: the decided end (`next_offset`, given out to batches of entries not yet durable) and the
//! durable end (the log's own, which is the high watermark). Leaves bytes to `broker_store::log`.
//! Invariant: `log.next_offset() <= next_offset`, and nothing at or above the former is ever served.

use alloc::{
    format,
    string::{String, ToString},
};
use broker_store::{batch::BatchInfo, log::Log};
use bytes::Bytes;

use crate::{
    codec::Damaged,
    error::Error,
    producer::{Producers, Verdict},
    side_files::SideFiles,
    stable::Stability,
    time::Wall,
    txn::marker::Marker,
};

/// The only leader epoch there is: one node leads, and a log is never cut below what a client saw (broker-contract 1.5 #22).
pub const LEADER_EPOCH: i32 = 0;

/// One partition.
pub(crate) struct Partition {
    pub log: Log,
    pub next_offset: i64,
    /// Bytes of decided batches that the log does not have yet.
    pub undurable: u64,
    /// First offset that can be read once all that is decided is durable.
    pub start_offset: i64,
    pub producers: Producers,
    pub stable: Stability,
    pub rules: Rules,
    pub side: SideFiles,
}

/// The topic configs that a produce obeys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub max_message_bytes: i64,
    /// `cleanup.policy` has `compact`: every record needs a key.
    pub compact: bool,
    pub log_append_time: bool,
    pub before_max_ms: i64,
    pub after_max_ms: i64,
}

impl Partition {
    /// A partition whose log goes on where it ends.
    pub fn new(log: Log, rules: Rules) -> Self {
        Self {
            next_offset: log.next_offset(),
            undurable: 0,
            start_offset: log.start_offset(),
            log,
            producers: Producers::default(),
            stable: Stability::default(),
            rules,
            side: SideFiles::default(),
        }
    }

    /// First offset that is not durable yet.
    pub fn high_watermark(&self) -> i64 {
        self.log.next_offset()
    }

    /// Where in its segment file the next batch will be, unless it begins a new one.
    pub fn position(&self) -> u64 {
        self.log.position() + self.undurable
    }

    /// A batch of so many bytes is in the entry being filled.
    pub fn decided(&mut self, bytes: usize) {
        self.undurable += bytes as u64;
    }

    /// A batch that was [`Partition::decided`] is durable.
    pub fn append(&mut self, batch: &BatchInfo, bytes: Bytes) {
        self.undurable -= bytes.len() as u64;
        self.log.append(batch, bytes);
    }

    /// Judges a batch, in Kafka's order of checks (broker-contract 2.2).
    pub fn check(&self, batch: &BatchInfo, wall: Wall) -> Result<Verdict, (Error, String)> {
        let plain = |error: Error| (error, error.message().to_string());
        if batch.length as i64 > self.rules.max_message_bytes {
            let (size, limit) = (batch.length, self.rules.max_message_bytes);
            let why = format!(
                "The record batch size is {size} bytes, which exceeds the maximum configured value of {limit}."
            );
            return Err((Error::MessageTooLarge, why));
        }
        let refused = |why: &str| Err((Error::InvalidRecord, why.to_string()));
        if batch.is_control() {
            return refused("Clients are not allowed to write control records.");
        }
        if batch.count <= 0 || batch.last_offset_delta != batch.count - 1 {
            return refused("The record count of the batch does not match its last offset.");
        }
        if batch.producer_id >= 0 && (batch.base_sequence < 0 || batch.producer_epoch < 0) {
            return refused("A batch with a producer id needs a sequence and an epoch.");
        }
        self.check_timestamp(batch, wall)?;
        self.producers.check(batch).map_err(plain)
    }

    fn check_timestamp(&self, batch: &BatchInfo, wall: Wall) -> Result<(), (Error, String)> {
        if self.rules.log_append_time || batch.max_timestamp < 0 {
            return Ok(());
        }
        let ahead = batch.max_timestamp.saturating_sub(wall.0);
        if ahead > self.rules.after_max_ms || ahead.saturating_neg() > self.rules.before_max_ms {
            let why = format!(
                "Timestamp {} of the batch is out of range: it may be at most {} ms before and {} ms after the broker's time {}.",
                batch.max_timestamp, self.rules.before_max_ms, self.rules.after_max_ms, wall.0
            );
            return Err((Error::InvalidTimestamp, why));
        }
        Ok(())
    }

    /// First offset of the oldest transaction whose end is not durable, or the high watermark.
    pub fn last_stable_offset(&self) -> i64 {
        self.stable.last_stable_offset(self.high_watermark()).max(self.log.start_offset())
    }

    /// Takes note of a batch that was decided or read back, and of the marker it is if it is one: the only way the decided end,
    /// the producers and their transactions move.
    pub fn replay(&mut self, batch: &BatchInfo, base_offset: i64, marker: Option<&Marker>) {
        self.next_offset = base_offset + i64::from(batch.last_offset_delta) + 1;
        match marker {
            Some(marker) => {
                if let Some(first) = self.producers.replay_marker(marker, batch.max_timestamp) {
                    self.stable.close(marker.producer_id, first, base_offset, marker.commit);
                }
            }
            None if batch.is_control() => {}
            None => {
                if self.producers.replay(batch, base_offset) {
                    self.stable.open(base_offset);
                }
            }
        }
    }

    /// Takes note of batches that are in the log, each with its bytes if it is a control batch: all that producers wrote to it.
    pub fn replay_all(&mut self, batches: &[(BatchInfo, Bytes)]) -> Result<(), Damaged> {
        let end = self.next_offset;
        for (info, bytes) in batches {
            let marker = if info.is_control() { Marker::decode(info, bytes)? } else { None };
            self.replay(info, info.base_offset, marker.as_ref());
        }
        self.next_offset = end;
        self.settle();
        Ok(())
    }

    /// More of the log is durable than before.
    pub fn settle(&mut self) {
        self.stable.settle(self.log.next_offset());
    }
}
