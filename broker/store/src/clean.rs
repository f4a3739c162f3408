//! Compaction: the latest record per key, and nothing else, in segments that take the place of older ones.
//!
//! Owns the rules of Kafka's `Cleaner` and `MemoryRecords.filterTo`: [`map`] finds the latest offset of each key in what is new,
//! [`filter`] says what of a batch stays, [`rebatch`] writes it. Leaves when and what to compact to the core, the swap of files to
//! [`crate::log`], and compression to the edge.
//!
//! Work is done in steps of about a megabyte, so that segment writes get their turn in between. A step that was interrupted by a crash
//! leaves files that no checkpoint knows; recovery removes them.
//!
//! Invariant: offsets never change, and the last batch of what is compacted stays, if only its header, so that the log ends where it did.

use alloc::{
    boxed::Box,
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    disk::{Disk, DiskError, ErrorKind},
    entry::PartitionId,
    log::{LogDir, LogSettings, SegmentRead, SegmentState},
    segment::SegmentReader,
};

mod filter;
mod job;
mod map;
mod rebatch;
#[cfg(test)]
mod tests;

use job::{Job, Trouble};

/// Compresses and decompresses the records of batches.
pub trait Codecs {
    /// Appends to `to` what `bytes` were before `codec` (1 to 4) compressed them; the error is for the log.
    fn decompress(&mut self, codec: u8, bytes: &[u8], to: &mut Vec<u8>) -> Result<(), String>;

    /// Appends to `to` what `codec` makes of `bytes`.
    fn compress(&mut self, codec: u8, bytes: &[u8], to: &mut Vec<u8>) -> Result<(), String>;
}

/// What to compact, and by which rules.
#[derive(Clone, Debug)]
pub struct CleanOrder {
    /// The log's folder.
    pub dir: LogDir,
    /// Its segments, from the first to the last that may be compacted: whole, in their files, and kept until the end.
    pub segments: Vec<SegmentRead>,
    /// What comes before was compacted already.
    pub dirty_from: i64,
    /// Milliseconds since 1970.
    pub now: i64,
    /// `delete.retention.ms`.
    pub delete_retention_ms: i64,
    /// Memory for the latest offset of each key, bytes (`log.cleaner.dedupe.buffer.size`).
    pub map_bytes: usize,
    /// The log's settings.
    pub settings: LogSettings,
    /// The last of each active producer, by its id.
    pub producers: BTreeMap<i64, LastOfProducer>,
    /// Aborted transactions of these segments, in any order.
    pub aborted: Vec<AbortedTxn>,
}

/// The last batch of a producer, which stays so that its sequence is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastOfProducer {
    /// Last offset of its last batch of data, `None` if it has written markers only.
    pub data: Option<i64>,
    /// Its epoch.
    pub epoch: i16,
}

/// A transaction that was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTxn {
    /// Whose.
    pub producer_id: i64,
    /// Offset of its first record.
    pub first_offset: i64,
    /// Offset of its marker.
    pub last_offset: i64,
}

/// What to do next.
#[derive(Clone, Debug)]
pub enum CleanStep {
    /// Begin this; what was begun before is given up.
    Begin(Box<CleanOrder>),
    /// Go on.
    Continue,
    /// Give up what was begun.
    Stop,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do.
    More,
    /// Segments with these base offsets are compacted into one, if anything is left of them; there is more to do.
    Group {
        /// The old ones, oldest first.
        replaced: Vec<i64>,
        /// The new one, whose files end in `.swap`.
        with: Option<SegmentState>,
    },
    /// All is done.
    Done {
        /// What comes before is compacted.
        cleaned_to: i64,
    },
    /// It was given up, and its files are gone.
    Failed {
        /// For the log.
        why: String,
        /// It may go better later.
        again: bool,
    },
}

/// Compacts one log after the other. One thread's, the same that writes segments.
pub struct Cleaner<D: Disk, C> {
    disk: D,
    reader: SegmentReader<D>,
    codecs: C,
    job: Option<Job>,
}

impl<D: Disk, C: Codecs> Cleaner<D, C> {
    /// A cleaner of this data folder, with nothing to do yet.
    pub fn new(disk: D, reader: SegmentReader<D>, codecs: C) -> Self {
        Self { disk, reader, codecs, job: None }
    }

    /// One step; of which log it was, `None` if nothing was begun.
    ///
    /// # Errors
    /// The disk's, but for a full one and a log that is gone: then the job is given up.
    pub fn step(&mut self, step: CleanStep) -> Result<Option<(PartitionId, Progress)>, DiskError> {
        match step {
            CleanStep::Begin(order) => {
                self.give_up()?;
                self.job = Some(Job::new(*order));
            }
            CleanStep::Continue => {}
            CleanStep::Stop => self.give_up()?,
        }
        let Some(job) = &mut self.job else { return Ok(None) };
        let partition = job.order.dir.partition;
        let progress = match job.step(&self.disk, &self.reader, &mut self.codecs) {
            Ok(progress) => progress,
            Err(Trouble::Disk(error)) => match error.kind {
                ErrorKind::Full | ErrorKind::NotFound => Progress::Failed { why: error.to_string(), again: true },
                _ => return Err(error),
            },
            Err(Trouble::Bad(why)) => Progress::Failed { why, again: false },
        };
        match &progress {
            Progress::Failed { .. } => self.give_up()?,
            Progress::Done { .. } => self.job = None,
            _ => {}
        }
        Ok(Some((partition, progress)))
    }

    fn give_up(&mut self) -> Result<(), DiskError> {
        self.job.take().map_or(Ok(()), |job| job.give_up(&self.disk))
    }
}
