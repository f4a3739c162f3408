//! What has been put, what is committed, and the append that closes the gap.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use broker_core::{
    error::Error,
    request::{AtomicAppend, OffsetCommit, OffsetToCommit, Reply},
};
use bytes::Bytes;

use super::{
    LettingGo, Phase, Sink,
    dead::{self, Letter},
};
use crate::{
    exchange::{ErrorClass, TopicPartition, TpOffset},
    task::{Backoff, CallError, Count, StateChange},
    time::Now,
};

type Offsets = BTreeMap<TopicPartition, i64>;

/// The commits of one task.
#[derive(Debug)]
pub(super) struct Commit {
    interval_ms: u64,
    due_at: Option<Now>,
    requested: bool,
    /// Where the assigned partitions go on after what was put.
    delivered: Offsets,
    /// As it is committed, or where the partition began.
    committed: Offsets,
    /// What the connector changed of its state since the last append.
    unsaved: BTreeMap<String, Option<Bytes>>,
    /// Letters of records that were delivered since the last append.
    letters: Vec<Letter>,
    /// Letters of records that have ended the task.
    last_letters: Vec<Letter>,
    /// The append that is out, or is to be sent (again).
    append: Option<Pending>,
    /// A request is out on the task's lane.
    out: bool,
    send_at: Option<Now>,
    backoff: Backoff,
}

/// An append, with what it was made of.
#[derive(Debug)]
struct Pending {
    append: AtomicAppend,
    offsets: Offsets,
    letters: Vec<Letter>,
}

impl Commit {
    pub fn new(interval_ms: u64) -> Self {
        Self {
            interval_ms,
            due_at: None,
            requested: false,
            delivered: Offsets::new(),
            committed: Offsets::new(),
            unsaved: BTreeMap::new(),
            letters: Vec::new(),
            last_letters: Vec::new(),
            append: None,
            out: false,
            send_at: None,
            backoff: Backoff::default(),
        }
    }

    /// True if a request is out on the task's lane.
    pub fn is_out(&self) -> bool {
        self.out
    }

    /// True if an append is undecided.
    pub fn is_pending(&self) -> bool {
        self.out || self.append.is_some()
    }

    /// Somebody else has the partitions now: nothing of what was put is committed. True if the connector has saved state in vain.
    pub fn lost(&mut self) -> bool {
        let in_vain = !self.unsaved.is_empty();
        self.unsaved.clear();
        self.letters.clear();
        if !self.out {
            self.append = None;
        }
        in_vain
    }

    /// State that was not appended belongs to an instance that is no more.
    pub fn forget_state(&mut self) {
        self.unsaved.clear();
    }

    pub fn sent(&mut self) {
        self.out = true;
    }

    pub fn save(&mut self, changes: Vec<StateChange>) {
        self.unsaved.extend(changes);
    }

    /// State that no append has taken yet.
    #[cfg(test)]
    pub fn kept_state(&self) -> impl Iterator<Item = (&String, &Option<Bytes>)> {
        self.unsaved.iter()
    }

    /// Letters of records that count as delivered now: they go with the next commit, and soon.
    pub fn letters(&mut self, letters: Vec<Letter>) {
        self.requested |= !letters.is_empty();
        self.letters.extend(letters);
    }

    /// Letters of records that end the task.
    pub fn last_letters(&mut self, letters: Vec<Letter>) {
        self.last_letters = letters;
    }

    pub fn has_last_letters(&self) -> bool {
        !self.last_letters.is_empty()
    }

    pub fn request(&mut self) {
        self.requested = true;
    }

    /// New partitions, which start here.
    pub fn assigned(&mut self, now: Now, starts: &Offsets) {
        (self.committed, self.delivered) = (starts.clone(), starts.clone());
        self.due_at = Some(now.plus(self.interval_ms));
    }

    pub fn delivered(&mut self, next: Vec<(TopicPartition, i64)>) {
        for (tp, offset) in next {
            self.delivered.entry(tp).and_modify(|delivered| *delivered = offset);
        }
    }

    pub fn sought(&mut self, tp: &TopicPartition, offset: i64) {
        self.delivered.entry(tp.clone()).and_modify(|delivered| *delivered = offset);
    }

    /// Where each partition goes on after what was put.
    pub fn resume_points(&self) -> Offsets {
        self.delivered.clone()
    }

    /// Takes back what was put since the last commit; where to fetch from again.
    pub fn rewind(&mut self) -> Offsets {
        self.delivered = self.committed.clone();
        self.unsaved.clear();
        self.letters.clear();
        self.delivered.clone()
    }

    /// True if something was put that is not committed.
    pub fn has_more(&self) -> bool {
        self.delivered != self.committed
    }

    /// True if `pre-commit` is to be called now. A request is met even if nothing was put, if there is state to commit: a
    /// connector that begins with a new file wants it known before the first record is in it.
    pub fn is_due(&mut self, now: Now) -> bool {
        let time = self.requested || self.due_at.is_some_and(|at| at <= now);
        if !time || self.append.is_some() || self.delivered.is_empty() {
            return false;
        }
        let asked = core::mem::take(&mut self.requested);
        self.due_at = Some(now.plus(self.interval_ms));
        self.has_more() || asked && !self.unsaved.is_empty() || !self.letters.is_empty()
    }

    /// True while an append is undecided that commits state and no progress, or too many letters wait: nothing is put before.
    pub fn holds_puts(&self) -> bool {
        let progress_less = self.append.as_ref().is_some_and(|Pending { offsets, .. }| {
            !offsets.is_empty() && offsets.iter().all(|(tp, offset)| self.committed.get(tp) == Some(offset))
        });
        progress_less || dead::are_too_many(&self.letters)
    }

    /// Offsets for `pre-commit`.
    pub fn current(&self) -> Vec<TpOffset> {
        self.delivered.iter().map(|(tp, offset)| TpOffset { tp: tp.clone(), offset: *offset }).collect()
    }

    pub fn timeout(&self) -> Option<Now> {
        let send = self.send_at.filter(|_| self.append.is_some() && !self.out);
        let due = self.due_at.filter(|_| self.append.is_none() && self.has_more());
        send.into_iter().chain(due).min()
    }

    /// Before letting go: an append that waits to be sent again gives way to the last one. False while one is out.
    pub fn settle(&mut self) -> bool {
        self.drop_unsent();
        !self.out
    }

    pub fn drop_unsent(&mut self) {
        if !self.out
            && let Some(pending) = self.append.take()
        {
            self.take_back(pending);
            self.send_at = None;
        }
    }

    /// What an append held goes with the next one.
    fn take_back(&mut self, pending: Pending) {
        for (key, value) in pending.append.state {
            // What was changed since then counts.
            self.unsaved.entry(key).or_insert(value);
        }
        self.letters.splice(0..0, pending.letters);
    }

    pub fn forget_offsets(&mut self) {
        (self.delivered, self.committed, self.due_at) = (Offsets::new(), Offsets::new(), None);
        self.letters.clear();
    }

    /// The append to send now, if none is out.
    pub fn next_append(&mut self, now: Now) -> Option<AtomicAppend> {
        if self.out || self.send_at.is_some_and(|at| now < at) {
            return None;
        }
        let append = self.append.as_ref()?.append.clone();
        (self.out, self.send_at) = (true, None);
        Some(append)
    }
}

impl Sink {
    /// `pre-commit` has said what is safe.
    pub(super) fn commit_these(&mut self, safe: Vec<TpOffset>) {
        let (mut offsets, mut odd) = (Offsets::new(), Vec::new());
        for TpOffset { tp, offset } in safe {
            match self.commit.delivered.get(&tp) {
                Some(delivered) if (0..=*delivered).contains(&offset) => drop(offsets.insert(tp, offset)),
                Some(_) => odd.push((tp, offset, "which was not put")),
                None => odd.push((tp, offset, "which is not assigned")),
            }
        }
        // A line for each would be a flood.
        if let Some((tp, offset, why)) = odd.first() {
            let (TopicPartition { topic, partition }, count) = (tp, odd.len());
            self.warn(format!(
                "pre-commit named {topic}-{partition} offset {offset}, {why} ({count} such): it is not committed"
            ));
        }
        let letters = core::mem::take(&mut self.commit.letters);
        if offsets.is_empty() {
            self.count(Count::CommitSkipped);
        }
        if offsets.is_empty() && letters.is_empty() {
            return;
        }
        let batches = match self.post(&letters) {
            Ok(batches) => batches,
            Err(why) => return self.fail(format!("records cannot be written to the dead letter queue: {why}")),
        };
        let mut topics: BTreeMap<String, Vec<OffsetToCommit>> = BTreeMap::new();
        for (tp, offset) in &offsets {
            topics.entry(tp.topic.clone()).or_default().push(OffsetToCommit {
                partition: tp.partition,
                offset: *offset,
                leader_epoch: -1,
                metadata: String::new(),
            });
        }
        let task = Some((self.settings.task.cluster_name(), self.incarnation));
        let append = if offsets.is_empty() {
            AtomicAppend { task, batches, offsets: None, state: Vec::new() }
        } else {
            let offsets = OffsetCommit { who: self.consumer.as_member(), topics: topics.into_iter().collect() };
            let state = core::mem::take(&mut self.commit.unsaved).into_iter().collect();
            AtomicAppend { task, batches, offsets: Some(offsets), state }
        };
        self.commit.append = Some(Pending { append, offsets, letters });
    }

    /// After a failure nothing is committed, but the letters of what has failed are written, as Kafka does.
    pub(super) fn write_last_letters(&mut self) {
        if self.commit.out {
            return;
        }
        if self.commit.last_letters.is_empty() {
            return self.commit.drop_unsent();
        }
        let letters = core::mem::take(&mut self.commit.last_letters);
        let task = Some((self.settings.task.cluster_name(), self.incarnation));
        match self.post(&letters) {
            Ok(batches) => {
                let append = AtomicAppend { task, batches, offsets: None, state: Vec::new() };
                self.commit.send_at = None;
                self.commit.append = Some(Pending { append, offsets: Offsets::new(), letters: Vec::new() });
            }
            Err(why) => self.warn(format!("records cannot be written to the dead letter queue: {why}")),
        }
    }

    /// As in Kafka, what was put since the last commit is put again; but an error that will not pass ends the task.
    pub(super) fn pre_commit_failed(&mut self, error: &CallError) {
        let fatal = match error {
            CallError::Connector(error) => matches!(error.class, ErrorClass::Fatal | ErrorClass::BadConfig),
            CallError::Trap(_) => true,
        };
        if fatal {
            return self.fail_call(error, "pre-commit");
        }
        self.warn(format!("{}\n\tnothing is committed", error.trace("pre-commit")));
        if self.letting_go.is_none() {
            self.rewind();
        }
    }

    /// The reply to the start of the task, or to an append.
    pub(super) fn task_replied(&mut self, now: Now, reply: Reply) {
        self.commit.out = false;
        match reply {
            Reply::StartTask(started) if self.phase == Phase::Joining => {
                (self.incarnation, self.saved) = (started.incarnation, started.state);
                self.phase = Phase::Starting;
            }
            Reply::Metadata(metadata) if self.phase == Phase::Joining => self.queue_found(metadata),
            Reply::CreateTopics(created) if self.phase == Phase::Joining => self.queue_created(created),
            Reply::AtomicAppend(outcome) => self.appended(now, outcome.map(|_| ())),
            reply => self.fail(format!("the cluster answered with {reply:?}")),
        }
    }

    fn appended(&mut self, now: Now, outcome: Result<(), (Error, String)>) {
        let Some(pending) = self.commit.append.take() else { return };
        let letters = pending.append.batches.iter().map(|(_, _, batch)| batch.info.count as u64).sum();
        match outcome {
            Ok(()) => {
                self.commit.backoff.reset();
                for (tp, offset) in pending.offsets {
                    self.commit.committed.entry(tp).and_modify(|committed| *committed = offset);
                }
            }
            Err((Error::RebalanceInProgress, _)) => {
                self.commit.take_back(pending);
                self.consumer.rebalancing();
            }
            Err((Error::UnknownMemberId | Error::IllegalGeneration, _)) => {
                self.commit.take_back(pending);
                self.consumer.lost();
            }
            Err((Error::KafkaStorageError | Error::ThrottlingQuotaExceeded | Error::CoordinatorNotAvailable, why)) => {
                self.warn(format!("the offsets wait to be committed: {why}"));
                if self.letting_go == Some(LettingGo::Close) {
                    // The last try before letting go; what was put will be put again by whoever gets the partitions.
                    self.commit.take_back(pending);
                    return;
                }
                self.count(Count::Retried);
                self.commit.send_at = Some(now.plus(self.commit.backoff.next_ms()));
                self.commit.append = Some(pending);
            }
            Err((_, why)) => {
                if letters > 0 {
                    self.count(Count::DeadLettersLost(letters));
                }
                self.fail(format!("the offsets cannot be committed: {why}"));
            }
        }
    }
}
