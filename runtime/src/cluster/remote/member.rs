//! The consumer of one sink task: a member of a group, and what it fetches.
//!
//! Owns the translation between the two ways to be a member: the task's machine asks step by step (join, sync, positions, heartbeat),
//! librdkafka does all of that by itself and calls back. A new assignment is held until the machine asks for it; one that is taken away is
//! given back only when the machine joins again, which it does after it has committed and closed. Invariant: partitions are fetched from
//! where the machine says, and a record is given out once per position asked for.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use broker_core::{
    error::Error,
    request::{
        ClusterMetadata, CommittedOffset, Fetch, JoinGroup, Joined, ListOffsets, Listed, ListedOffset, Metadata,
        OffsetCommit, Synced, TopicReply,
    },
};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode},
    message::{Headers, OwnedMessage},
    types::RDKafkaRespErr,
};
use runtime_core::{
    columns::Columns,
    consumer::{
        Fetched,
        protocol::{self, Assignment},
    },
    exchange::TopicPartition,
};

use super::asks::Topics;
use crate::client::{Talk, unless_set};

/// Questions to the cluster take so long at most.
const PATIENCE: Duration = Duration::from_secs(5);
/// A join that takes longer is asked for again: whoever joins can be told to stop between.
const JOINING: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(50);
/// Records that may come while nobody fetches, before fetching is paused.
const STASH: usize = 500;
/// Most records of a fetch.
const FETCH_RECORDS: u32 = 20_000;

/// A sink task's consumer.
pub struct Member {
    consumer: BaseConsumer<Group>,
    topics: Topics,
    polled: Mutex<Polled>,
    from_earliest: bool,
}

/// What was fetched, and where each partition goes on.
#[derive(Default)]
struct Polled {
    stash: VecDeque<OwnedMessage>,
    next: BTreeMap<TopicPartition, i64>,
    /// Assigned, and not fetched at present.
    paused: BTreeSet<TopicPartition>,
}

/// What librdkafka says of the group.
struct Group {
    talk: Talk,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phase: Phase,
    assigned: Assignment,
    subscribed: Vec<String>,
    generation: i32,
    /// The partitions belong to somebody else already.
    lost: bool,
    /// As it was when the assignment was taken.
    committed: BTreeMap<TopicPartition, i64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Nothing is subscribed to.
    #[default]
    Out,
    /// Waits for an assignment.
    Joining,
    /// There is one, and nobody has taken it.
    Offered,
    /// The machine has it.
    Active,
    /// It is to be given back.
    Revoked,
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

    /// Committed offsets: of these partitions, or of all partitions of all topics.
    pub fn committed(
        &self,
        topics: Option<Vec<(String, Vec<i32>)>>,
    ) -> Result<Vec<TopicReply<CommittedOffset>>, Error> {
        let known = {
            let state = self.state();
            let same = topics.as_ref().is_some_and(|topics| {
                state.phase == Phase::Active && topics.iter().cloned().eq(state.assigned.clone())
            });
            same.then(|| state.committed.clone())
        };
        let committed: BTreeMap<TopicPartition, i64> = match known {
            Some(known) => known,
            None => {
                let wanted = self.wanted(topics).ok_or(Error::CoordinatorNotAvailable)?;
                let found =
                    self.consumer.committed_offsets(wanted, PATIENCE).map_err(|_| Error::CoordinatorNotAvailable)?;
                positions(&found).collect()
            }
        };
        let mut by_topic: BTreeMap<String, Vec<CommittedOffset>> = BTreeMap::new();
        for (tp, offset) in committed {
            let (partition, leader_epoch, metadata) = (tp.partition, -1, String::new());
            by_topic.entry(tp.topic).or_default().push(CommittedOffset {
                partition,
                error: None,
                offset,
                leader_epoch,
                metadata,
            });
        }
        Ok(by_topic.into_iter().map(|(topic, partitions)| TopicReply { topic, partitions }).collect())
    }

    fn wanted(&self, topics: Option<Vec<(String, Vec<i32>)>>) -> Option<TopicPartitionList> {
        let mut wanted = TopicPartitionList::new();
        match topics {
            Some(topics) => topics.iter().for_each(|(topic, partitions)| {
                for partition in partitions {
                    wanted.add_partition(topic, *partition);
                }
            }),
            None => {
                let all = self.consumer.client().fetch_metadata(None, PATIENCE).ok()?;
                for topic in all.topics().iter().filter(|topic| !topic.partitions().is_empty()) {
                    wanted.add_partition_range(topic.name(), 0, topic.partitions().len() as i32 - 1);
                }
            }
        }
        Some(wanted)
    }

    /// Offsets by timestamp.
    pub fn list_offsets(&self, asked: ListOffsets) -> Vec<TopicReply<Listed>> {
        let mut wanted = TopicPartitionList::new();
        for (topic, partitions) in &asked.topics {
            for (partition, _, timestamp) in partitions {
                // A timestamp is any number; an error would be one of an offset.
                let _ = wanted.add_partition_offset(topic, *partition, Offset::from_raw(*timestamp));
            }
        }
        let found = self.consumer.offsets_for_times(wanted, PATIENCE);
        let found: BTreeMap<TopicPartition, i64> = found.iter().flat_map(positions).collect();
        let listed = |topic: &str, partition: i32| {
            let tp = TopicPartition { topic: topic.to_owned(), partition };
            let outcome = match found.get(&tp) {
                Some(offset) => Ok(ListedOffset::At { timestamp: -1, offset: *offset, leader_epoch: -1 }),
                None => Err(Error::CoordinatorNotAvailable),
            };
            Listed { partition, outcome }
        };
        let topic = |(topic, partitions): (String, Vec<(i32, i32, i64)>)| {
            let partitions = partitions.into_iter().map(|(partition, _, _)| listed(&topic, partition)).collect();
            TopicReply { topic, partitions }
        };
        asked.topics.into_iter().map(topic).collect()
    }

    /// Commits, as the member that this is, or as nobody's if it never joined.
    pub fn commit(&self, commit: OffsetCommit) -> Result<(), (Error, String)> {
        let mut list = TopicPartitionList::new();
        for (topic, offsets) in &commit.topics {
            for offset in offsets {
                list.add_partition_offset(topic, offset.partition, Offset::Offset(offset.offset))
                    .map_err(|error| (Error::InvalidRequest, error.to_string()))?;
            }
        }
        use RDKafkaErrorCode as Code;
        let refused = |error: KafkaError| {
            let code = error.rdkafka_error_code();
            let kind = match code {
                Some(Code::RebalanceInProgress) => Error::RebalanceInProgress,
                Some(Code::UnknownMemberId | Code::AssignmentLost) => Error::UnknownMemberId,
                Some(Code::IllegalGeneration) => Error::IllegalGeneration,
                Some(Code::GroupAuthorizationFailed | Code::TopicAuthorizationFailed) => Error::UnknownServerError,
                _ => Error::CoordinatorNotAvailable,
            };
            (kind, code.map_or_else(|| error.to_string(), |code| code.to_string()))
        };
        let began = Instant::now();
        loop {
            match self.consumer.commit(&list, CommitMode::Sync).map_err(refused) {
                // Nobody asks again for a commit that is outside of any generation.
                Err((Error::CoordinatorNotAvailable, _))
                    if commit.who.member.is_empty() && began.elapsed() < PATIENCE =>
                {
                    std::thread::sleep(POLL * 4);
                }
                outcome => {
                    if outcome.is_ok() {
                        self.consumer.context().talk.answered();
                    }
                    return outcome;
                }
            }
        }
    }

    /// Records from where the machine says. The error says that they cannot be read.
    pub fn fetch(&self, asked: &Fetch) -> Result<Fetched, String> {
        let until = Instant::now() + Duration::from_millis(asked.max_wait_ms.into());
        let mut polled = self.lock();
        let wanted = self.go_to(&mut polled, asked);
        let mut columns = Columns::with_capacity(0, 0);
        let (mut bytes, mut last) = (0, None);
        let mut ends = BTreeMap::new();
        loop {
            while let Some(message) = polled.stash.pop_front() {
                let tp = TopicPartition { topic: message.topic().to_owned(), partition: message.partition() };
                // Of partitions that were let go, or rewound, in the meantime.
                if !wanted.contains(&tp) || polled.next.get(&tp).is_some_and(|next| message.offset() < *next) {
                    continue;
                }
                if last.as_ref() != Some(&tp) {
                    columns.partition(&tp.topic, tp.partition, message.offset());
                    last = Some(tp.clone());
                }
                bytes += push(&mut columns, &message);
                polled.next.insert(tp.clone(), message.offset() + 1);
                ends.insert(tp, message.offset() + 1);
            }
            let enough = bytes >= asked.max_bytes as usize || columns.count() >= FETCH_RECORDS;
            let wait = match columns.count() {
                0 => until.saturating_duration_since(Instant::now()).min(POLL),
                _ => Duration::ZERO,
            };
            if enough || self.state().phase != Phase::Active {
                break;
            }
            let came = self.poll(&mut polled, wait);
            if !came && (columns.count() > 0 || Instant::now() >= until) {
                break;
            }
        }
        if columns.count() > 0 {
            self.consumer.context().talk.answered();
        }
        if let Some((_, why)) = self.consumer.client().fatal_error() {
            return Err(why);
        }
        let records = columns.finish().map_err(|bad| bad.to_string())?;
        Ok(Fetched { records, next: ends.into_iter().collect(), errors: Vec::new() })
    }

    /// Makes librdkafka fetch what is asked for, from where it is asked for.
    fn go_to(&self, polled: &mut Polled, asked: &Fetch) -> BTreeSet<TopicPartition> {
        let (mut wanted, mut moved) = (BTreeSet::new(), false);
        for (topic, partitions) in &asked.topics {
            for partition in partitions {
                let tp = TopicPartition { topic: topic.clone(), partition: partition.partition };
                if polled.next.insert(tp.clone(), partition.offset) != Some(partition.offset) {
                    moved = true;
                }
                wanted.insert(tp);
            }
        }
        let state = self.state();
        if state.phase != Phase::Active {
            return wanted;
        }
        if moved {
            polled.stash.retain(|message| {
                let tp = TopicPartition { topic: message.topic().to_owned(), partition: message.partition() };
                !wanted.contains(&tp)
            });
            if let Err(error) = self.assign(&state.assigned, &polled.next) {
                tracing::warn!("{}: {error}", self.consumer.context().talk.name());
            }
            polled.paused.clear();
        }
        let all = flat(&state.assigned).map(|(topic, partition)| TopicPartition { topic: topic.to_owned(), partition });
        let paused: BTreeSet<_> = all.filter(|tp| !wanted.contains(tp)).collect();
        drop(state);
        let (stop, go) = (list(paused.difference(&polled.paused)), list(polled.paused.difference(&paused)));
        // Partitions that are not there any more need neither.
        let _ = (stop.count() > 0).then(|| self.consumer.pause(&stop));
        let _ = (go.count() > 0).then(|| self.consumer.resume(&go));
        polled.paused = paused;
        wanted
    }

    fn pause_all(&self, polled: &mut Polled) {
        let state = self.state();
        let all: BTreeSet<_> = flat(&state.assigned)
            .map(|(topic, partition)| TopicPartition { topic: topic.to_owned(), partition })
            .collect();
        let _ = self.consumer.pause(&list(all.iter()));
        polled.paused = all;
    }

    fn poll_one(&self, polled: &mut Polled) {
        self.poll(polled, POLL);
    }

    /// Serves what librdkafka has to say; true if it was a record.
    fn poll(&self, polled: &mut Polled, wait: Duration) -> bool {
        match self.consumer.poll(wait) {
            Some(Ok(message)) => {
                polled.stash.push_back(message.detach());
                true
            }
            Some(Err(error)) => {
                tracing::debug!("{}: {error}", self.consumer.context().talk.name());
                false
            }
            None => false,
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

fn list<'a>(tps: impl Iterator<Item = &'a TopicPartition>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for tp in tps {
        list.add_partition(&tp.topic, tp.partition);
    }
    list
}

/// Partitions of a list that have an offset, and it.
fn positions(list: &TopicPartitionList) -> impl Iterator<Item = (TopicPartition, i64)> {
    let all: Vec<_> = list
        .elements()
        .iter()
        .filter_map(|element| match element.offset() {
            Offset::Offset(offset) => {
                Some((TopicPartition { topic: element.topic().to_owned(), partition: element.partition() }, offset))
            }
            _ => None,
        })
        .collect();
    all.into_iter()
}

fn push(columns: &mut Columns, message: &OwnedMessage) -> usize {
    let headers =
        message.headers().into_iter().flat_map(|headers| headers.iter()).map(|header| (header.key, header.value));
    let timestamp = message.timestamp().to_millis().unwrap_or(-1);
    columns.push(message.offset(), timestamp, message.key(), message.payload(), headers);
    message.key().map_or(0, <[u8]>::len) + message.payload().map_or(0, <[u8]>::len)
}

impl Group {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

crate::client::client_context!(Group, talk);

impl ConsumerContext for Group {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        let mut state = self.state();
        match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                let mut assigned = Assignment::new();
                for element in partitions.elements() {
                    assigned.entry(element.topic().to_owned()).or_default().push(element.partition());
                }
                assigned.values_mut().for_each(|partitions| partitions.sort_unstable());
                (state.assigned, state.generation) = (assigned, state.generation + 1);
                if state.phase == Phase::Joining {
                    state.phase = Phase::Offered;
                }
            }
            _ if state.phase == Phase::Active => {
                (state.phase, state.lost) = (Phase::Revoked, consumer.assignment_lost());
            }
            // Nobody has taken it: it is given back at once.
            _ => {
                if state.phase == Phase::Offered {
                    state.phase = Phase::Joining;
                }
                drop(state);
                if let Err(error) = consumer.unassign() {
                    tracing::warn!("{}: {error}", self.talk.name());
                }
            }
        }
    }
}
