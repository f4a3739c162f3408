//! When logs are written to segments, when a checkpoint frees the journal, and when files that it does not know go.
//!
//! Owns that schedule and the snapshot taken for a checkpoint. Leaves the writing to the edge. Invariant: a checkpoint that names
//! entry S holds the state exactly as of S, and every byte of every log up to S is in a synced segment before it counts.

use alloc::vec::Vec;
use broker_store::{checkpoint::Checkpoint, log::Log, segment::SideFile};

use crate::{
    Broker, Output,
    limits::{
        CHECKPOINT_MS, CROWDED_BYTES, REMOVAL_RETRY_MS, SEGMENT_PIECE_BYTES, SEGMENT_WRITE_BYTES, SEGMENT_WRITE_MS,
    },
    pipeline::Seq,
    time::Now,
};

#[derive(Default)]
pub(crate) struct Keeper {
    /// When the oldest unwritten byte was appended.
    unwritten_since: Option<Now>,
    unwritten: u64,
    /// So many of them there must be before it is worth looking for large pieces again.
    look_at: u64,
    /// Bytes that the segment thread is writing.
    being_written: u64,
    writing: bool,
    removing: bool,
    /// When to look again for files that may go: somebody still read them.
    removal_due: Option<Now>,
    /// Segments have left that the last checkpoint knows.
    wants_checkpoint: bool,
    /// And it shall not wait for its time.
    soon: bool,
    step: Step,
    last_checkpoint: Now,
    last_checkpoint_seq: Seq,
}

#[derive(Default)]
enum Step {
    #[default]
    Idle,
    /// The state as of this entry is taken; the bytes up to it are, or once `flushed` were, on their way to the segments.
    Snapshot { seq: Seq, snapshot: Vec<u8>, files: Vec<SideFile>, flushed: bool },
    /// The checkpoint is being written.
    Writing,
}

impl Keeper {
    pub fn started(&mut self, now: Now, seq: Seq) {
        self.last_checkpoint = now;
        self.last_checkpoint_seq = seq;
    }

    /// Takes note of appended log bytes.
    pub fn appended(&mut self, now: Now, bytes: u64) {
        self.unwritten += bytes;
        self.unwritten_since.get_or_insert(now);
    }

    /// Bytes of logs that are in no segment yet.
    pub fn unwritten(&self) -> u64 {
        self.unwritten + self.being_written
    }

    /// The last entry that a checkpoint covers.
    pub fn last_checkpoint_seq(&self) -> Seq {
        self.last_checkpoint_seq
    }

    fn aged(&self, now: Now) -> bool {
        self.unwritten_since.is_some_and(|since| now >= since.plus(SEGMENT_WRITE_MS))
    }

    fn grown(&self) -> bool {
        self.unwritten >= SEGMENT_WRITE_BYTES.max(self.look_at)
    }

    /// A segment has left its log, or is replaced: with the next checkpoint its files go.
    pub fn segment_left(&mut self) {
        self.wants_checkpoint = true;
    }

    /// What a restart would have to do again is not to be done again.
    pub fn checkpoint_soon(&mut self) {
        (self.wants_checkpoint, self.soon) = (true, true);
    }

    pub fn poll_timeout(&self, changed: bool) -> Option<Now> {
        let changed = changed || self.wants_checkpoint;
        let write = self.unwritten_since.filter(|_| !self.writing).map(|since| since.plus(SEGMENT_WRITE_MS));
        let checkpoint = (changed && matches!(self.step, Step::Idle)).then(|| self.last_checkpoint.plus(CHECKPOINT_MS));
        [write, checkpoint, self.removal_due.filter(|_| !self.removing)].into_iter().flatten().min()
    }
}

/// Which logs are written: those with so many bytes or more, one after the other until it is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Choice {
    least: u64,
    enough: u64,
}

impl Choice {
    const EVERYTHING: Choice = Choice { least: 0, enough: u64::MAX };

    /// Large pieces, from what each log has to write: to wait for company costs less than many small writes. When memory gets short,
    /// half of it, the largest pieces there are.
    fn large(mut pending: Vec<u64>) -> Choice {
        let half = pending.iter().sum::<u64>() / 2;
        if half < CROWDED_BYTES / 2 {
            return Choice { least: SEGMENT_PIECE_BYTES, enough: u64::MAX };
        }
        pending.sort_unstable_by(|a, b| b.cmp(a));
        let mut sum = 0;
        let reached = pending.into_iter().find(|bytes| {
            sum += bytes;
            sum >= half
        });
        Choice { least: reached.expect("all of it is more than half"), enough: half }
    }
}

impl Broker {
    /// Called when an entry was just closed and nothing is decided beyond it: the moment to take the state as of `seq`.
    pub(crate) fn entry_closed(&mut self, now: Now, seq: Seq) {
        if matches!(self.keeper.step, Step::Idle) && self.checkpoint_due(now) {
            let (snapshot, files) = (self.snapshot(), self.snapshots_due());
            self.keeper.step = Step::Snapshot { seq, snapshot, files, flushed: false };
        }
    }

    fn checkpoint_due(&self, now: Now) -> bool {
        let behind = self.pipeline.durable() > self.keeper.last_checkpoint_seq || self.keeper.wants_checkpoint;
        let late = now >= self.keeper.last_checkpoint.plus(CHECKPOINT_MS);
        behind && (self.stopping || late || self.keeper.soon || self.journal.used > self.journal.capacity / 4)
    }

    /// True when an empty entry should be closed only so that a checkpoint can be made.
    pub(crate) fn checkpoint_needs_entry(&self, now: Now) -> bool {
        matches!(self.keeper.step, Step::Idle) && self.checkpoint_due(now)
    }

    /// The next piece of work for the segment thread, if it is time and the last one is done.
    pub(crate) fn poll_keeper(&mut self, now: Now) -> Option<Output> {
        if self.keeper.writing {
            return None;
        }
        match core::mem::take(&mut self.keeper.step) {
            Step::Snapshot { seq, snapshot, files, flushed: false } if self.pipeline.durable() >= seq => {
                self.keeper.step = Step::Snapshot { seq, snapshot, files, flushed: true };
                self.write_segments().or_else(|| self.poll_keeper(now))
            }
            Step::Snapshot { seq, snapshot, mut files, flushed: true } => {
                self.keeper.step = Step::Writing;
                (self.keeper.wants_checkpoint, self.keeper.soon) = (false, false);
                let state = |log: &mut Log| {
                    log.checkpointing();
                    log.state()
                };
                let logs = self.logs().map(state).collect();
                files.extend(self.txn_indexes_due());
                // The folders of those that were deleted meanwhile are gone.
                files.retain(|file| self.partitions.contains_key(&file.partition));
                Some(Output::Checkpoint(Checkpoint { journal_seq: seq, snapshot, logs, files }))
            }
            step => {
                self.keeper.step = step;
                let written = if self.keeper.aged(now) { self.write_segments() } else { self.write_large() };
                written.or_else(|| self.remove_segments(now))
            }
        }
    }

    /// Every log that a crash would leave there.
    fn logs(&mut self) -> impl Iterator<Item = &mut Log> {
        let deleted = self.deletions.undecided(self.pipeline.durable());
        deleted.chain(self.partitions.values_mut().map(|partition| &mut partition.log))
    }

    /// Everything that is in no segment yet.
    fn write_segments(&mut self) -> Option<Output> {
        self.write_those(Choice::EVERYTHING)
    }

    /// What is worth a write of its own by now.
    fn write_large(&mut self) -> Option<Output> {
        if !self.keeper.grown() {
            return None;
        }
        let choice = Choice::large(self.logs().map(|log| log.pending()).collect());
        self.write_those(choice)
    }

    fn write_those(&mut self, choice: Choice) -> Option<Output> {
        let (mut writes, mut bytes, mut left) = (Vec::new(), 0, 0);
        for log in self.logs() {
            let pending = log.pending();
            if pending >= choice.least && bytes < choice.enough {
                bytes += pending;
                writes.extend(log.take_writes());
            } else {
                left += pending;
            }
        }
        self.keeper.unwritten = left;
        self.keeper.look_at = left + SEGMENT_WRITE_BYTES / 2;
        if left == 0 {
            self.keeper.unwritten_since = None;
        }
        self.keeper.being_written = bytes;
        self.keeper.writing = !writes.is_empty();
        self.keeper.writing.then_some(Output::WriteSegments(writes))
    }

    pub(crate) fn segments_written(&mut self) {
        assert!(self.keeper.writing, "segments are written one set at a time");
        (self.keeper.writing, self.keeper.being_written) = (false, 0);
        self.logs().for_each(Log::written_but_kept);
        self.ask_for_checkpoint();
    }

    /// Files that no checkpoint knows and nobody reads.
    fn remove_segments(&mut self, now: Now) -> Option<Output> {
        if self.keeper.removing || self.keeper.removal_due.is_none_or(|due| now < due) {
            return None;
        }
        let removals: Vec<_> = self.partitions.values_mut().filter_map(|p| p.log.take_removal()).collect();
        self.keeper.removing = !removals.is_empty();
        self.look_for_removals(now.plus(REMOVAL_RETRY_MS));
        self.keeper.removing.then_some(Output::RemoveSegments(removals))
    }

    pub(crate) fn segments_removed(&mut self) {
        assert!(self.keeper.removing, "segments are removed one set at a time");
        self.keeper.removing = false;
        self.logs().for_each(Log::removed);
        self.ask_for_checkpoint();
        self.look_for_removals(self.clock.0);
    }

    fn ask_for_checkpoint(&mut self) {
        let wanted = self.logs().any(|log| log.wants_checkpoint());
        self.keeper.wants_checkpoint |= wanted;
    }

    fn look_for_removals(&mut self, at: Now) {
        let any = self.logs().any(|log| log.has_removal());
        self.keeper.removal_due = any.then_some(at);
    }

    pub(crate) fn checkpointed(&mut self, now: Now, seq: Seq) {
        self.keeper.step = Step::Idle;
        self.keeper.last_checkpoint = now;
        self.keeper.last_checkpoint_seq = seq;
        self.logs().for_each(Log::checkpointed);
        self.look_for_removals(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn small_pieces_wait_until_memory_is_short() {
        const MIB: u64 = 1 << 20;
        let check = |pending: Vec<u64>, least, enough| assert_eq!(Choice::large(pending), Choice { least, enough });
        check(vec![8 * MIB], SEGMENT_PIECE_BYTES, u64::MAX);
        check(vec![8 << 10; 1000], SEGMENT_PIECE_BYTES, u64::MAX);
        check(vec![44 << 10; 1000], 44 << 10, 22_000 << 10);
        check(vec![MIB, 30 * MIB, 0, 9 * MIB], 30 * MIB, 20 * MIB);
        check(vec![15 * MIB, 0, 14 * MIB, 13 * MIB], 14 * MIB, 21 * MIB);
    }
}
