//! A member of a classic consumer group, for a sink task in this process.
//!
//! Owns subscription, membership, assignment and the positions to fetch from. Leaves the records to `sink` and its commits too:
//! they go with the task's state. At most one request about the group is out, and one fetch beside it.
//! Invariant: partitions are fetched only while they are assigned, and a new assignment is asked for only after
//! [`Consumer::revoked`] has said that the old one is let go.

pub mod assign;
pub mod protocol;
mod requests;
#[cfg(test)]
mod tests;

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    string::String,
    vec::Vec,
};
use broker_core::{
    error::Error,
    request::{Fetch, FetchPartition, Joined, Member},
};

use crate::{config::settings::Topics, exchange::TopicPartition, record::Batch, task::Backoff, time::Now};
use protocol::Assignment;

/// What is fixed for a member's life.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `connect-<connector>`, if it is not overridden.
    pub group: String,
    /// `connector-consumer-<connector>-<task>`.
    pub client_id: String,
    /// Which topics.
    pub topics: Topics,
    /// Without a heartbeat for so long, the member is out; milliseconds.
    pub session_timeout_ms: i32,
    /// Between two heartbeats.
    pub heartbeat_ms: u64,
    /// What a rebalance may take (`max.poll.interval.ms`).
    pub rebalance_timeout_ms: i32,
    /// Between two looks for new topics and partitions.
    pub metadata_ms: u64,
    /// How long a fetch waits for records.
    pub max_wait_ms: u32,
    /// Most bytes of a fetch.
    pub max_bytes: u32,
    /// Most bytes of one partition in a fetch.
    pub max_partition_bytes: u32,
    /// Skip records of aborted and open transactions (`isolation.level`).
    pub read_committed: bool,
    /// `auto.offset.reset`: begin at the earliest record, not the latest.
    pub from_earliest: bool,
}

/// What the sink has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// These partitions, from these offsets.
    Assigned(BTreeMap<TopicPartition, i64>),
    /// The group rebalances: commit, let everything go, then say [`Consumer::revoked`].
    Revoke,
    /// The group has forgotten this member: let everything go without a commit, then say [`Consumer::revoked`].
    Lost,
    /// It cannot go on.
    Failed(String),
    /// Something is wrong that may pass.
    Warning(String),
}

/// Number of a fetch; the answer to one that was cancelled does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchId(pub u64);

/// What a fetch brought.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// The records, keys and values as they are in the topic.
    pub records: Batch,
    /// Where to go on, for every partition that brought something.
    pub next: Vec<(TopicPartition, i64)>,
    /// Partitions that could not be read.
    pub errors: Vec<(TopicPartition, Error)>,
}

/// One member.
pub struct Consumer {
    settings: Settings,
    phase: Phase,
    member: String,
    generation: i32,
    /// Topics subscribed to that exist, with their partitions, as of the last look.
    topics: BTreeMap<String, i32>,
    /// The request that is out, or is to be sent again.
    asking: Option<Asking>,
    asking_sent: bool,
    ask_at: Option<Now>,
    backoff: Backoff,
    heartbeat_at: Now,
    metadata_at: Now,
    /// Where to fetch from next, per assigned partition.
    positions: BTreeMap<TopicPartition, i64>,
    paused: BTreeSet<TopicPartition>,
    /// Assigned, but the position is out of range or unknown.
    reset: BTreeSet<TopicPartition>,
    fetching: Option<FetchId>,
    next_fetch: u64,
    fetch_at: Option<Now>,
    fetch_backoff: Backoff,
    events: VecDeque<Event>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not a member (of this generation): look at the topics, join, get an assignment and positions.
    Joining,
    Stable,
    /// Waits for [`Consumer::revoked`].
    Revoking,
    Leaving,
    Over,
}

#[derive(Clone, Debug)]
enum Asking {
    Topics,
    Join,
    /// As the leader: the partitions of everybody's topics.
    AllTopics(Joined),
    Sync(Vec<(String, Assignment)>),
    Positions(Assignment),
    /// Where partitions without a valid position begin.
    Reset(BTreeSet<TopicPartition>),
    Heartbeat,
    Leave,
}

impl Consumer {
    /// A member that has not joined.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            phase: Phase::Joining,
            member: String::new(),
            generation: -1,
            topics: BTreeMap::new(),
            asking: Some(Asking::Topics),
            asking_sent: false,
            ask_at: None,
            backoff: Backoff::default(),
            heartbeat_at: Now(0),
            metadata_at: Now(0),
            positions: BTreeMap::new(),
            paused: BTreeSet::new(),
            reset: BTreeSet::new(),
            fetching: None,
            next_fetch: 0,
            fetch_at: None,
            fetch_backoff: Backoff::default(),
            events: VecDeque::new(),
        }
    }

    /// What the sink has to know next.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to look for requests again, if nothing happens before.
    pub fn timeout(&self) -> Option<Now> {
        let due = match (self.asking_sent, &self.asking, self.phase) {
            (_, _, Phase::Over) | (true, _, _) => None,
            (false, Some(_), _) => self.ask_at,
            (false, None, Phase::Stable) => Some(self.heartbeat_at.min(self.metadata_at)),
            (false, None, _) => Some(self.heartbeat_at),
        };
        due.into_iter().chain(self.fetch_at.filter(|_| self.fetching.is_none() && self.phase == Phase::Stable)).min()
    }

    /// Who commits.
    pub fn as_member(&self) -> Member {
        let (group, member) = (self.settings.group.clone(), self.member.clone());
        Member { group, generation: self.generation, member, instance: None }
    }

    /// The assigned partitions, and where each is fetched from next.
    pub fn positions(&self) -> &BTreeMap<TopicPartition, i64> {
        &self.positions
    }

    /// The fetch to send now, if none is out.
    pub fn next_fetch(&mut self, now: Now) -> Option<(FetchId, Fetch)> {
        if self.phase != Phase::Stable || self.fetching.is_some() || self.fetch_at.is_some_and(|at| now < at) {
            return None;
        }
        let mut topics: Vec<(String, Vec<FetchPartition>)> = Vec::new();
        let wanted = |tp: &&TopicPartition| !self.paused.contains(*tp) && !self.reset.contains(*tp);
        for tp in self.positions.keys().filter(wanted) {
            let partition = FetchPartition {
                partition: tp.partition,
                offset: self.positions[tp],
                max_bytes: self.settings.max_partition_bytes,
                current_leader_epoch: -1,
            };
            match topics.last_mut() {
                Some((topic, partitions)) if *topic == tp.topic => partitions.push(partition),
                _ => topics.push((tp.topic.clone(), Vec::from([partition]))),
            }
        }
        if topics.is_empty() {
            return None;
        }
        self.fetch_at = None;
        self.next_fetch += 1;
        let id = FetchId(self.next_fetch);
        self.fetching = Some(id);
        let Settings { max_wait_ms, max_bytes, read_committed, .. } = self.settings;
        Some((id, Fetch { max_wait_ms, min_bytes: 1, max_bytes, read_committed, topics }))
    }

    /// A fetch has been answered: its records, if it still counts.
    pub fn fetched(&mut self, now: Now, id: FetchId, fetched: Fetched) -> Option<Batch> {
        if self.fetching != Some(id) {
            return None;
        }
        self.fetching = None;
        for (tp, next) in fetched.next {
            self.positions.entry(tp).and_modify(|position| *position = next);
        }
        if fetched.errors.is_empty() {
            self.fetch_backoff.reset();
        } else {
            self.fetch_at = Some(now.plus(self.fetch_backoff.next_ms()));
        }
        for (tp, error) in fetched.errors {
            self.fetch_failed(now, tp, error);
        }
        Some(fetched.records)
    }

    fn fetch_failed(&mut self, now: Now, tp: TopicPartition, error: Error) {
        let TopicPartition { topic, partition } = &tp;
        match error {
            Error::OffsetOutOfRange => drop(self.reset.insert(tp)),
            Error::UnknownTopicOrPartition => self.metadata_at = now,
            Error::CorruptMessage => {
                let text = alloc::format!("{topic}-{partition} cannot be read: {}", error.message());
                self.events.push_back(Event::Failed(text));
            }
            other => {
                let text = alloc::format!("{topic}-{partition} cannot be read now: {}", other.message());
                self.events.push_back(Event::Warning(text));
            }
        }
    }

    /// What the fetch that is out brings does not count any more. True if there was one.
    pub fn cancel_fetch(&mut self) -> bool {
        self.fetching.take().is_some()
    }

    /// Fetch from here next.
    pub fn seek(&mut self, tp: &TopicPartition, offset: i64) {
        self.positions.entry(tp.clone()).and_modify(|position| *position = offset);
    }

    /// Fetch nothing of these, or fetch again. Returns those that are not assigned: nothing is remembered of them.
    pub fn set_paused<'t>(&mut self, tps: &'t [TopicPartition], paused: bool) -> Vec<&'t TopicPartition> {
        let (own, others): (Vec<_>, Vec<_>) = tps.iter().partition(|tp| self.positions.contains_key(tp));
        for tp in own {
            match paused {
                true => drop(self.paused.insert(tp.clone())),
                false => drop(self.paused.remove(tp)),
            }
        }
        others
    }

    /// The old assignment is let go: join again.
    pub fn revoked(&mut self) {
        self.forget_assignment();
        if self.phase == Phase::Revoking {
            self.phase = Phase::Joining;
        }
    }

    /// Stop being a member. [`Consumer::is_over`] says when that is done.
    pub fn leave(&mut self) {
        self.forget_assignment();
        self.phase = Phase::Leaving;
        (self.ask_at, self.heartbeat_at) = (None, Now(0));
        if !self.asking_sent {
            self.asking = None;
        }
    }

    /// True if it is not a member any more and asks nothing.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    fn forget_assignment(&mut self) {
        self.positions.clear();
        self.paused.clear();
        self.reset.clear();
        self.fetching = None;
    }

    fn give_up_assignment(&mut self, event: Event) {
        if self.phase == Phase::Stable {
            self.phase = Phase::Revoking;
            self.events.push_back(event);
        }
    }
}
