//! A connector's offsets, read, altered and reset (KIP-875; contract 4.7).
//!
//! Owns the order: the connector is asked first, then everything is changed in one append, the state of its tasks with it: what
//! a task remembers of a file belongs to the offset it had. Leaves "is it stopped" to the herder.

use std::{sync::Arc, time::Duration};

use broker_core::{
    error::Error,
    request::{AtomicAppend, Member, OffsetCommit, OffsetToCommit, Reply, Request, TopicReply},
};
use bytes::Bytes;
use runtime_core::{
    batches,
    config::ConfigMap,
    exchange::{AlteredOffsets, TopicPartition},
    herder::{Answer, Direction, OffsetsAction, Refusal, RefusalKind, TaskId},
    offsets::{self, ConnectorOffsets, PartitionOffset},
    scalar::ScalarMap,
    task::CallError,
};
use runtime_host::Env;

use super::{
    Shared, settings,
    task::{call_error, pairs},
};
use crate::cluster::{Caller, Who, wall_ms};

type Outcome = Result<Answer, Refusal>;

/// A sink that was just stopped may still be leaving its group: so often, and so long apart, its offsets are asked for again.
const TRIES: u32 = 25;
const BETWEEN: Duration = Duration::from_millis(200);

/// Does what was asked.
pub(super) async fn act(
    shared: &Shared,
    connector: &str,
    direction: Direction,
    config: &ConfigMap,
    action: OffsetsAction,
) -> Outcome {
    let config = &shared.plugins.resolve(config).map_err(failed)?;
    let group = (direction == Direction::Sink).then(|| settings::group(config, connector));
    let task = TaskId { connector: connector.to_owned(), task: 0 };
    let caller = shared.cluster.caller(Who { task, connector: config.clone(), group });
    let scene = Scene { shared, caller, connector, config };
    match (action, direction) {
        (OffsetsAction::Read, Direction::Source) => {
            let offsets = scene.source_offsets().await?;
            Ok(shown(offsets.into_iter().map(|(partition, offset)| PartitionOffset::source(partition, offset))))
        }
        (OffsetsAction::Read, Direction::Sink) => {
            let offsets = scene.sink_offsets().await?;
            Ok(shown(offsets.into_iter().map(|(tp, offset)| PartitionOffset::sink(&tp.topic, tp.partition, offset))))
        }
        (OffsetsAction::Alter(body), direction) => {
            let body = ConnectorOffsets::from_json(body.as_bytes()).map_err(|bad| failed(format!("{bad:?}")))?;
            let altered = match direction {
                Direction::Source => AlteredOffsets::Source(source_changes(body)?),
                Direction::Sink => AlteredOffsets::Sink(sink_changes(&body)?),
            };
            scene.alter(altered, "altered").await
        }
        (OffsetsAction::Reset, Direction::Source) => {
            let known = scene.source_offsets().await?;
            let altered = AlteredOffsets::Source(known.into_iter().map(|(partition, _)| (partition, None)).collect());
            scene.alter(altered, "reset").await
        }
        (OffsetsAction::Reset, Direction::Sink) => {
            let known = scene.sink_offsets().await?;
            let altered = AlteredOffsets::Sink(known.into_iter().map(|(tp, _)| (tp, None)).collect());
            scene.alter(altered, "reset").await
        }
    }
}

fn shown(offsets: impl Iterator<Item = PartitionOffset>) -> Answer {
    let body = ConnectorOffsets { offsets: offsets.collect() };
    Answer::Offsets(serde_json::to_string(&body).expect("offsets are JSON"))
}

fn source_changes(body: ConnectorOffsets) -> Result<Vec<(ScalarMap, Option<ScalarMap>)>, Refusal> {
    let missing = || failed("Partition objects cannot be null");
    body.offsets.into_iter().map(|entry| Ok((entry.partition.ok_or_else(missing)?, entry.offset))).collect()
}

fn sink_changes(body: &ConnectorOffsets) -> Result<Vec<(TopicPartition, Option<i64>)>, Refusal> {
    let changes = body.for_sink().map_err(|why| Refusal::new(RefusalKind::BadRequest, why))?;
    Ok(changes.into_iter().map(|o| (TopicPartition { topic: o.topic, partition: o.partition }, o.offset)).collect())
}

fn failed(why: impl std::fmt::Display) -> Refusal {
    Refusal::new(RefusalKind::Failed, format!("{why:#}"))
}

struct Scene<'a> {
    shared: &'a Shared,
    caller: Arc<dyn Caller>,
    connector: &'a str,
    config: &'a ConfigMap,
}

impl Scene<'_> {
    async fn source_offsets(&self) -> Result<Vec<(ScalarMap, ScalarMap)>, Refusal> {
        let table = self.shared.cluster.read_table(&self.shared.config.offset_storage_topic).await.map_err(failed)?;
        let table: Vec<(Bytes, Bytes)> = table
            .into_iter()
            .filter_map(|record| Some((Bytes::from(record.key), Bytes::from(record.value?))))
            .collect();
        runtime_core::source::offsets_of(self.connector, &table).map_err(failed)
    }

    async fn sink_offsets(&self) -> Result<Vec<(TopicPartition, i64)>, Refusal> {
        let group = settings::group(self.config, self.connector);
        match self
            .caller
            .request(Request::OffsetFetch { group, topics: None, require_stable: false })
            .await
            .map_err(failed)?
        {
            Reply::OffsetFetch(Ok(topics)) => Ok(topics
                .into_iter()
                .flat_map(|TopicReply { topic, partitions }| {
                    let tp = move |partition| TopicPartition { topic: topic.clone(), partition };
                    partitions.into_iter().map(move |committed| (tp(committed.partition), committed.offset))
                })
                .filter(|(_, offset)| *offset >= 0)
                .collect()),
            Reply::OffsetFetch(Err(error)) => Err(failed(error.message())),
            _ => Err(failed("the cluster gave an answer to another question")),
        }
    }

    async fn alter(&self, altered: AlteredOffsets, done: &str) -> Outcome {
        let elsewhere = self.ask_connector(&altered).await?;
        let mut append = AtomicAppend::default();
        match altered {
            AlteredOffsets::Source(changes) => append.batches = self.source_batches(&changes).await?,
            AlteredOffsets::Sink(changes) => append.offsets = self.sink_commit(changes).await?,
        }
        self.append(append).await?;
        Ok(Answer::Message(match elsewhere {
            true => format!("The offsets for this connector have been {done} successfully"),
            false => format!(
                "The Connect framework-managed offsets for this connector have been {done} successfully. However, if this \
                 connector manages offsets externally, they will need to be manually {done} in the system that the \
                 connector uses."
            ),
        }))
    }

    async fn ask_connector(&self, altered: &AlteredOffsets) -> Result<bool, Refusal> {
        let found = self.shared.plugins.find(self.config).await.map_err(failed)?;
        let config = pairs(self.config);
        let env = Env { connector: self.connector.to_owned(), config: config.clone(), ..Env::default() };
        // What the connector has against them is for whoever asked; where a trap came from is told whole.
        let trace = |error| match call_error(error) {
            CallError::Connector(error) => failed(error.message),
            trap => failed(trap.trace("connector.alter-offsets")),
        };
        let mut instance = found.plugin.connector(env).await.map_err(trace)?;
        instance.alter_offsets(&config, altered).await.map_err(trace)
    }

    async fn source_batches(&self, changes: &[(ScalarMap, Option<ScalarMap>)]) -> Result<batches::Batches, Refusal> {
        let topic = &self.shared.config.offset_storage_topic;
        let partitions = self.partitions(topic).await?;
        let record = |(partition, offset): &(ScalarMap, Option<ScalarMap>)| {
            (offsets::key(self.connector, partition), offset.as_ref().map(|offset| offsets::value(offset)))
        };
        Ok(batches::keyed(topic, partitions, changes.iter().map(record), wall_ms()))
    }

    async fn partitions(&self, topic: &str) -> Result<i32, Refusal> {
        let topics = Some(vec![broker_core::request::TopicRef::Name(topic.to_owned())]);
        let metadata = broker_core::request::Metadata { topics, allow_auto_topic_creation: false };
        match self.caller.request(Request::Metadata(metadata)).await.map_err(failed)? {
            Reply::Metadata(found) => {
                let found = found.topics.into_iter().next().map(|topic| topic.partitions);
                found.and_then(Result::ok).ok_or_else(|| failed(format!("topic {topic} is not there")))
            }
            _ => Err(failed("the cluster gave an answer to another question")),
        }
    }

    /// The commit that makes these changes. Where one is forgotten, the whole group is, and the others are committed again.
    async fn sink_commit(&self, changes: Vec<(TopicPartition, Option<i64>)>) -> Result<Option<OffsetCommit>, Refusal> {
        let group = settings::group(self.config, self.connector);
        let mut wanted = std::collections::BTreeMap::new();
        if changes.iter().any(|(_, offset)| offset.is_none()) {
            wanted.extend(self.sink_offsets().await?);
            self.forget(&group).await?;
        }
        for (tp, offset) in changes {
            match offset {
                Some(offset) => drop(wanted.insert(tp, offset)),
                None => drop(wanted.remove(&tp)),
            }
        }
        if wanted.is_empty() {
            return Ok(None);
        }
        let mut topics: std::collections::BTreeMap<String, Vec<OffsetToCommit>> = Default::default();
        for (tp, offset) in wanted {
            let (partition, leader_epoch, metadata) = (tp.partition, -1, String::new());
            topics.entry(tp.topic).or_default().push(OffsetToCommit { partition, offset, leader_epoch, metadata });
        }
        let who = Member { group, generation: -1, member: String::new(), instance: None };
        Ok(Some(OffsetCommit { who, topics: topics.into_iter().collect() }))
    }

    async fn forget(&self, group: &str) -> Result<(), Refusal> {
        for _ in 1..TRIES {
            match self.forget_once(group).await? {
                Err(Error::NonEmptyGroup | Error::CoordinatorNotAvailable) => tokio::time::sleep(BETWEEN).await,
                outcome => return outcome.map_err(|error| self.not_yet(error.message())),
            }
        }
        self.forget_once(group).await?.map_err(|error| self.not_yet(error.message()))
    }

    /// As Kafka says it.
    fn not_yet(&self, why: &str) -> Refusal {
        let connector = self.connector;
        failed(format!(
            "Failed to alter or reset consumer group offsets for connector {connector} either because its tasks haven't stopped completely \
             yet or the connector was resumed before the request was fully processed. If the connector is in a stopped state, this \
             operation can be safely retried. ({why})"
        ))
    }

    async fn forget_once(&self, group: &str) -> Result<Result<(), Error>, Refusal> {
        match self.caller.request(Request::DeleteGroups(vec![group.to_owned()])).await.map_err(failed)? {
            Reply::DeleteGroups(outcomes) => {
                let mut errors = outcomes.into_iter().filter_map(|(_, outcome)| outcome.err());
                Ok(errors.find(|error| *error != Error::GroupIdNotFound).map_or(Ok(()), Err))
            }
            _ => Err(failed("the cluster gave an answer to another question")),
        }
    }

    /// Everything in one append, with the end of what task 0 remembers; then what the other tasks remember.
    async fn append(&self, first: AtomicAppend) -> Result<(), Refusal> {
        let tasks: u32 = self.config.get("tasks.max").and_then(|n| n.trim().parse().ok()).unwrap_or(1);
        let mut append = first;
        for task in 0..tasks.max(1) {
            let name = TaskId { connector: self.connector.to_owned(), task }.cluster_name();
            let request = Request::StartTask { task: name.clone() };
            let Reply::StartTask(started) = self.caller.request(request).await.map_err(failed)? else {
                return Err(failed("the cluster gave an answer to another question"));
            };
            if task > 0 && started.state.is_empty() {
                continue;
            }
            append.state = started.state.into_iter().map(|(key, _)| (key, None)).collect();
            append.task = Some((name, started.incarnation));
            self.append_one(core::mem::take(&mut append)).await?;
        }
        Ok(())
    }

    async fn append_one(&self, append: AtomicAppend) -> Result<(), Refusal> {
        let mut tries = 0..TRIES;
        loop {
            tries.next();
            match self.caller.request(Request::AtomicAppend(append.clone())).await.map_err(failed)? {
                Reply::AtomicAppend(Ok(_)) => return Ok(()),
                Reply::AtomicAppend(Err((
                    Error::UnknownMemberId | Error::RebalanceInProgress | Error::CoordinatorNotAvailable,
                    why,
                ))) => {
                    if tries.is_empty() {
                        return Err(self.not_yet(&why));
                    }
                    tokio::time::sleep(BETWEEN).await;
                }
                Reply::AtomicAppend(Err((_, why))) => return Err(failed(why)),
                _ => return Err(failed("the cluster gave an answer to another question")),
            }
        }
    }
}
