//! A cluster for the machines' tests: it does at once, and for good, whatever it is asked. And the settings that they share.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use broker_core::{
    error::Error,
    request::{
        AtomicAppend, ClusterMetadata, CommittedOffset, CreatedTopic, JoinGroup, Joined, Listed, ListedOffset, Reply,
        Request, Synced, TaskStarted, TopicMetadata, TopicRef, TopicReply,
    },
};
use broker_store::batch;
use bytes::Bytes;
use uuid::Uuid;

use crate::{
    columns::Columns,
    config::settings::Topics,
    consumer::{self, Fetched},
    convert::{Converter, HeaderConverter},
    exchange::TopicPartition,
    transform::Converters,
};

/// Keys and values are text.
pub(crate) fn text() -> Converters {
    Converters { key: Converter::Text, value: Converter::Text, header: HeaderConverter::Simple }
}

/// A member of a group that reads these topics from their start.
pub(crate) fn consumer(group: &str, client_id: &str, topics: &[&str]) -> consumer::Settings {
    consumer::Settings {
        group: group.into(),
        client_id: client_id.into(),
        topics: Topics::List(topics.iter().map(|topic| String::from(*topic)).collect()),
        session_timeout_ms: 45_000,
        heartbeat_ms: 3_000,
        rebalance_timeout_ms: 300_000,
        metadata_ms: 60_000,
        max_wait_ms: 500,
        max_bytes: 1000,
        max_partition_bytes: 1000,
        read_committed: false,
        from_earliest: true,
    }
}

/// What survives a kill, and the members, who do not.
#[derive(Clone, Default)]
pub(crate) struct Cluster {
    /// Partitions of the topics that exist.
    pub topics: BTreeMap<String, i32>,
    /// Values of the records in each partition.
    pub logs: BTreeMap<TopicPartition, Vec<String>>,
    /// `connect-offsets`.
    pub table: BTreeMap<Bytes, Bytes>,
    /// Committed by the one group there is.
    pub committed: BTreeMap<TopicPartition, i64>,
    pub incarnations: BTreeMap<String, u64>,
    pub state: BTreeMap<String, Bytes>,
    pub members: Vec<(String, Bytes)>,
    pub generation: i32,
    pub assignments: BTreeMap<String, Bytes>,
    /// Answers for the next appends.
    pub refuse: Vec<Error>,
    /// The answer to the next heartbeats.
    pub heartbeat: Option<Error>,
}

pub(crate) const OFFSETS: &str = "connect-offsets";

impl Cluster {
    pub fn new(topics: &[(&str, i32)]) -> Self {
        let topics = topics.iter().chain(&[(OFFSETS, 1)]).map(|(topic, count)| (topic.to_string(), *count));
        Self { topics: topics.collect(), ..Self::default() }
    }

    pub fn ask(&mut self, request: Request) -> Reply {
        match request {
            Request::StartTask { task } => {
                let incarnation = self.incarnations.entry(task).or_insert(0);
                *incarnation += 1;
                let state = self.state.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
                Reply::StartTask(TaskStarted { incarnation: *incarnation, state })
            }
            Request::ReadTable { .. } => {
                Reply::ReadTable(Ok(self.table.iter().map(|(key, value)| (key.clone(), value.clone())).collect()))
            }
            Request::Metadata(metadata) => self.metadata(metadata.topics, metadata.allow_auto_topic_creation),
            Request::CreateTopics(create) => {
                let mut created = Vec::new();
                for topic in create.topics {
                    let outcome = if topic.replication_factor > 1 {
                        Err((Error::InvalidReplicationFactor, "there is one broker".into()))
                    } else {
                        self.topics.insert(topic.name.clone(), topic.partitions);
                        Ok((Uuid::nil(), topic.partitions, Vec::new()))
                    };
                    created.push(CreatedTopic { name: topic.name, outcome });
                }
                Reply::CreateTopics(created)
            }
            Request::AtomicAppend(append) => Reply::AtomicAppend(self.append(append)),
            Request::JoinGroup(join) => Reply::JoinGroup(Ok(self.join(join))),
            Request::SyncGroup(sync) => {
                self.assignments.extend(sync.assignments);
                let assignment = self.assignments.get(&sync.who.member).cloned().unwrap_or_default();
                Reply::SyncGroup(Ok(Synced { protocol_type: "consumer".into(), protocol: "range".into(), assignment }))
            }
            Request::Heartbeat(_) => Reply::Heartbeat(self.heartbeat.map_or(Ok(()), Err)),
            Request::LeaveGroup { members, .. } => {
                self.members.retain(|(member, _)| members.iter().all(|(leaving, _)| leaving != member));
                Reply::LeaveGroup(Ok(Vec::new()))
            }
            Request::OffsetFetch { topics, .. } => Reply::OffsetFetch(Ok(self.committed(topics.unwrap_or_default()))),
            Request::ListOffsets(list) => {
                let earliest = |partition| Listed {
                    partition,
                    outcome: Ok(ListedOffset::At { timestamp: -1, offset: 0, leader_epoch: 0 }),
                };
                let topic = |(topic, all): (String, Vec<(i32, i32, i64)>)| TopicReply {
                    topic,
                    partitions: all.into_iter().map(|(partition, _, _)| earliest(partition)).collect(),
                };
                Reply::ListOffsets(list.topics.into_iter().map(topic).collect())
            }
            other => panic!("nobody should ask {other:?}"),
        }
    }

    fn metadata(&mut self, asked: Option<Vec<TopicRef>>, create: bool) -> Reply {
        let all = || self.topics.keys().cloned().map(TopicRef::Name).collect();
        let names: Vec<_> = asked.unwrap_or_else(all);
        let mut topics = Vec::new();
        for name in names {
            let TopicRef::Name(name) = name else { panic!("topics are asked for by name") };
            if create {
                self.topics.entry(name.clone()).or_insert(1);
            }
            let partitions = self.topics.get(&name).copied().ok_or(Error::UnknownTopicOrPartition);
            topics.push(TopicMetadata { name: Some(name), id: Uuid::nil(), internal: false, partitions });
        }
        Reply::Metadata(ClusterMetadata { cluster_id: "c".into(), node_id: 1, topics })
    }

    fn append(&mut self, append: AtomicAppend) -> Result<Vec<i64>, (Error, String)> {
        if !self.refuse.is_empty() {
            return Err((self.refuse.remove(0), "refused".into()));
        }
        let (task, incarnation) = append.task.expect("tasks name themselves");
        if self.incarnations.get(&task) != Some(&incarnation) {
            return Err((Error::ProducerFenced, "fenced".into()));
        }
        if append.batches.iter().any(|(topic, _, _)| !self.topics.contains_key(topic)) {
            return Err((Error::UnknownTopicOrPartition, "no such topic".into()));
        }
        let mut bases = Vec::new();
        for (topic, partition, batch) in append.batches {
            let records: Vec<_> = batch::records(&batch.bytes).map(Result::unwrap).collect();
            if topic == OFFSETS {
                for record in records {
                    let owned = |bytes: Option<&[u8]>| Bytes::copy_from_slice(bytes.unwrap());
                    self.table.insert(owned(record.key), owned(record.value));
                }
                continue;
            }
            let log = self.logs.entry(TopicPartition { topic, partition }).or_default();
            bases.push(log.len() as i64);
            log.extend(
                records.iter().map(|record| String::from_utf8_lossy(record.value.unwrap_or(b"null")).into_owned()),
            );
        }
        for (topic, offset) in append
            .offsets
            .into_iter()
            .flat_map(|commit| commit.topics)
            .flat_map(|(topic, all)| all.into_iter().map(move |offset| (topic.clone(), offset)))
        {
            self.committed.insert(TopicPartition { topic, partition: offset.partition }, offset.offset);
        }
        for (key, value) in append.state {
            match value {
                Some(value) => drop(self.state.insert(key, value)),
                None => drop(self.state.remove(&key)),
            }
        }
        Ok(bases)
    }

    /// One member at a time: whoever joins leads.
    fn join(&mut self, join: JoinGroup) -> Joined {
        self.generation += 1;
        let member = if join.member.is_empty() { alloc::format!("m{}", self.generation) } else { join.member };
        let metadata = join.protocols[0].1.clone();
        self.members = vec![(member.clone(), metadata.clone())];
        self.assignments.clear();
        Joined {
            generation: self.generation,
            protocol_type: join.protocol_type,
            protocol: join.protocols[0].0.clone(),
            leader: member.clone(),
            member: member.clone(),
            members: vec![(member, None, metadata)],
        }
    }

    fn committed(&self, topics: Vec<(String, Vec<i32>)>) -> Vec<TopicReply<CommittedOffset>> {
        let one = |topic: &str, partition| {
            let offset = self.committed.get(&TopicPartition { topic: topic.into(), partition }).copied().unwrap_or(-1);
            CommittedOffset { partition, error: None, offset, leader_epoch: -1, metadata: String::new() }
        };
        let topic = |(topic, all): (String, Vec<i32>)| {
            let partitions = all.into_iter().map(|partition| one(&topic, partition)).collect();
            TopicReply { topic, partitions }
        };
        topics.into_iter().map(topic).collect()
    }

    /// What a fetch finds, at most `most` records a partition; `None` where it would wait.
    pub fn fetch(&self, fetch: &broker_core::request::Fetch, most: usize) -> Option<Fetched> {
        let mut columns = Columns::default();
        let mut next = Vec::new();
        for (topic, partitions) in &fetch.topics {
            for asked in partitions {
                let tp = TopicPartition { topic: topic.clone(), partition: asked.partition };
                let log = self.logs.get(&tp).map_or(&[][..], Vec::as_slice);
                columns.partition(topic, asked.partition, asked.offset);
                for (offset, value) in log.iter().enumerate().skip(asked.offset as usize).take(most) {
                    columns.push(offset as i64, 1, None, Some(value.as_bytes()), [].into_iter());
                }
                if columns.next_offset() > asked.offset {
                    next.push((tp, columns.next_offset()));
                }
            }
        }
        let records = columns.finish().unwrap();
        (records.count > 0).then_some(Fetched { records, next, errors: Vec::new() })
    }

    pub fn log(&self, topic: &str, partition: i32) -> Vec<String> {
        self.logs.get(&TopicPartition { topic: topic.into(), partition }).cloned().unwrap_or_default()
    }

    pub fn fill(&mut self, topic: &str, values: impl Iterator<Item = String>) {
        self.logs.entry(TopicPartition { topic: topic.into(), partition: 0 }).or_default().extend(values);
    }
}
