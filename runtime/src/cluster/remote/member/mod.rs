//! The consumer of one sink task: a member of a group, and what it fetches.
//!
//! Owns the translation between the two ways to be a member: the task's machine asks step by step (join, sync, positions, heartbeat),
//! librdkafka does all of that by itself and calls back. A new assignment is held until the machine asks for it; one that is taken away is
//! given back only when the machine joins again, which it does after it has committed and closed. Invariant: partitions are fetched from
//! where the machine says, and a record is given out once per position asked for.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use broker_core::{
    error::Error,
    request::{ClusterMetadata, JoinGroup, Joined, Metadata, Synced},
};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
};
use runtime_core::{
    consumer::protocol::{self, Assignment},
    exchange::TopicPartition,
};

use super::asks::Topics;
use crate::client::{Talk, unless_set};

mod fetch;
mod group;
mod offsets;

use fetch::Polled;
use group::{Group, Phase, State};
use offsets::positions;

/// Questions to the cluster take so long at most.
const PATIENCE: Duration = Duration::from_secs(5);
/// A join that takes longer is asked for again: whoever joins can be told to stop between.
const JOINING: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(50);
/// Records that may come while nobody fetches, before fetching is paused.
const STASH: usize = 500;

/// A sink task's consumer.
pub struct Member {
    consumer: BaseConsumer<Group>,
    topics: Topics,
    polled: Mutex<Polled>,
    from_earliest: bool,
}

impl Member {
    /// A member of `group` that has not joined.
    pub fn new(mut config: ClientConfig, group: &str) -> anyhow::Result<Self> {
        // A put takes what a fetch brings; more than the next few fetches need not wait in memory.
        let defaults = [
            ("auto.offset.reset", "earliest"),
            ("allow.auto.create.topics", "true"),
            ("queued.max.messages.kbytes", "8192"),
            ("fetch.wait.max.ms", "500"),
        ];
        unless_set(&mut config, &defaults);
        config.set("group.id", group).set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        // Assignments come and go as a whole here.
        if config.get("partition.assignment.strategy").is_none_or(|strategy| strategy.contains("cooperative")) {
            config.set("partition.assignment.strategy", "range,roundrobin");
        }
        let from_earliest = config.get("auto.offset.reset") != Some("latest");
        let talk = Talk::new(config.get("client.id").unwrap_or(group).to_owned());
        let consumer = BaseConsumer::from_config_and_context(&config, Group { talk, state: Mutex::default() })?;
        Ok(Self { consumer, topics: Topics::default(), polled: Mutex::default(), from_earliest })
    }

    /// Topics and their partitions.
    pub fn topics(&self, asked: Metadata, own: &str) -> ClusterMetadata {
        self.topics.ask(self.consumer.client(), asked, own)
    }

    /// Joins, or goes on joining. "Not yet" is `RebalanceInProgress`.
    pub fn join(&self, join: &JoinGroup) -> Result<Joined, (Error, String)> {
        let topics = join
            .protocols
            .first()
            .and_then(|(_, subscription)| protocol::read_subscription(subscription).ok())
            .unwrap_or_default();
        self.begin(topics).map_err(|error| (Error::InvalidRequest, error.to_string()))?;
        let began = Instant::now();
        let mut polled = self.lock();
        while self.state().phase != Phase::Offered {
            if began.elapsed() > JOINING {
                return Err((Error::RebalanceInProgress, "the group has given no assignment yet".into()));
            }
            self.poll_one(&mut polled);
        }
        let state = self.state();
        Ok(Joined {
            generation: state.generation,
            protocol_type: "consumer".into(),
            protocol: "range".into(),
            leader: "librdkafka".into(),
            member: self.consumer.context().talk.name().to_owned(),
            members: Vec::new(),
        })
    }

    /// What is held of the last assignment is given back, and the next one asked for.
    fn begin(&self, topics: Vec<String>) -> Result<(), KafkaError> {
        let mut state = self.state();
        let (phase, changed) = (state.phase, state.subscribed != topics);
        if phase == Phase::Offered && !changed {
            return Ok(());
        }
        (state.phase, state.lost) = (Phase::Joining, false);
        state.subscribed.clone_from(&topics);
        drop(state);
        if matches!(phase, Phase::Active | Phase::Revoked | Phase::Offered) {
            *self.lock() = Polled::default();
        }
        if matches!(phase, Phase::Revoked | Phase::Offered) {
            self.consumer.unassign()?;
        }
        if phase == Phase::Active && !changed {
            // The machine has seen a change that librdkafka has not: joining anew is how it looks again.
            self.consumer.unsubscribe();
        }
        if changed || phase == Phase::Active || phase == Phase::Out {
            // A subscription to nothing is a member with nothing.
            let names: Vec<&str> = topics.iter().map(String::as_str).collect();
            return match names.is_empty() {
                true => {
                    self.consumer.unsubscribe();
                    let mut state = self.state();
                    (state.phase, state.assigned) = (Phase::Offered, Assignment::new());
                    Ok(())
                }
                false => self.consumer.subscribe(&names),
            };
        }
        Ok(())
    }

    /// Takes the assignment that is offered.
    pub fn sync(&self) -> Result<Synced, Error> {
        let (assigned, nothing) = {
            let state = self.state();
            if state.phase != Phase::Offered {
                return Err(Error::RebalanceInProgress);
            }
            (state.assigned.clone(), state.assigned.is_empty() && state.subscribed.is_empty())
        };
        let mut wanted = TopicPartitionList::new();
        for (topic, partition) in flat(&assigned) {
            wanted.add_partition(topic, partition);
        }
        let committed = match assigned.is_empty() {
            true => TopicPartitionList::new(),
            false => self.consumer.committed_offsets(wanted, PATIENCE).map_err(|_| Error::CoordinatorNotAvailable)?,
        };
        let committed: BTreeMap<TopicPartition, i64> = positions(&committed).collect();
        let mut polled = self.lock();
        let mut state = self.state();
        if state.phase != Phase::Offered {
            return Err(Error::RebalanceInProgress);
        }
        *polled = Polled { next: committed.clone(), ..Polled::default() };
        if !nothing {
            self.assign(&assigned, &polled.next).map_err(|_| Error::RebalanceInProgress)?;
        }
        (state.phase, state.committed) = (Phase::Active, committed);
        Ok(Synced {
            protocol_type: "consumer".into(),
            protocol: "range".into(),
            assignment: protocol::write_assignment(&assigned),
        })
    }

    /// Fetching begins at these offsets; where there is none, as `auto.offset.reset` says.
    fn assign(&self, assigned: &Assignment, next: &BTreeMap<TopicPartition, i64>) -> Result<(), KafkaError> {
        let reset = if self.from_earliest { Offset::Beginning } else { Offset::End };
        let mut list = TopicPartitionList::new();
        for (topic, partition) in flat(assigned) {
            let tp = TopicPartition { topic: topic.to_owned(), partition };
            list.add_partition_offset(topic, partition, next.get(&tp).map_or(reset, |offset| Offset::Offset(*offset)))?;
        }
        self.consumer.assign(&list)
    }

    /// Still a member of the same generation?
    pub fn beat(&self) -> Result<(), Error> {
        // Whoever fetches polls anyway.
        if let Ok(mut polled) = self.polled.try_lock() {
            let most = polled.stash.len() + STASH / 10;
            while polled.stash.len() < most && self.poll(&mut polled, Duration::ZERO) {}
            if polled.stash.len() >= STASH {
                self.pause_all(&mut polled);
            }
        }
        let state = self.state();
        match state.phase {
            Phase::Active => Ok(()),
            Phase::Revoked if state.lost => Err(Error::UnknownMemberId),
            _ => Err(Error::RebalanceInProgress),
        }
    }

    /// Stops being a member: what is not given back yet is.
    pub fn leave(&self) {
        let mut state = self.state();
        let phase = std::mem::replace(&mut state.phase, Phase::Out);
        state.subscribed.clear();
        drop(state);
        if matches!(phase, Phase::Revoked | Phase::Offered) {
            // Nothing is left to be done about an error: the consumer ends.
            let _ = self.consumer.unassign();
        }
        self.consumer.unsubscribe();
        let began = Instant::now();
        let mut polled = self.lock();
        while phase != Phase::Out && began.elapsed() < JOINING {
            self.poll_one(&mut polled);
            if self.consumer.assignment().is_ok_and(|assigned| assigned.count() == 0) {
                break;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Polled> {
        self.polled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.consumer.context().state()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // The end of the consumer takes its assignment back: nobody is there to wait for.
        self.state().phase = Phase::Out;
    }
}

fn flat(assignment: &Assignment) -> impl Iterator<Item = (&str, i32)> {
    assignment.iter().flat_map(|(topic, all)| all.iter().map(move |partition| (topic.as_str(), *partition)))
}
