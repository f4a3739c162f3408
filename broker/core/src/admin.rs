//! Topics made, grown and removed; metadata; producer ids; and what else needs no log.
//!
//! Owns the rules of these requests. Invariant: the set of partitions is exactly what the topics say, at every moment.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use broker_store::log::{Log, LogSettings};
use uuid::Uuid;

use crate::{
    Broker,
    append::plain,
    config_keys::number,
    error::Error,
    fetch::check_epoch,
    id_of,
    limits::{PARTITIONS_PER_TOPIC, PRODUCER_ID_BLOCK},
    partition::{LEADER_EPOCH, Partition, Rules},
    record::Record,
    request::{
        ClusterMetadata, ConfigEntry, ConfigResource, ConfigSource, CreateTopics, CreatedTopic, DeletedTopic,
        InitProducerId, Metadata, NewTopic, TaskStarted, TopicMetadata, TopicRef,
    },
    settings::Settings,
    tables::Tables,
    time::Wall,
    topics::{self, Topic},
};

/// Producer ids: below `next` none may be given out again, below `block_end` that is on record.
#[derive(Default)]
pub(crate) struct ProducerIds {
    next: i64,
    block_end: i64,
}

impl ProducerIds {
    pub fn replay(&mut self, record: &Record) {
        if let Record::ProducerIds { next } = record {
            self.block_end = *next;
        }
    }

    /// After a restart the rest of the last block is given up.
    pub fn resume(block_end: i64) -> Self {
        Self { next: block_end, block_end }
    }

    pub fn block_end(&self) -> i64 {
        self.block_end
    }
}

/// Names for topics that must not repeat: a small generator, seeded by the edge.
pub(crate) struct Entropy(u64);

impl Entropy {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// splitmix64 (Steele, Lea and Flood 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn uuid(&mut self) -> Uuid {
        let bits = u128::from(self.next()) << 64 | u128::from(self.next());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }
}

impl Broker {
    pub(crate) fn metadata(&mut self, request: &Metadata) -> ClusterMetadata {
        let topics = match &request.topics {
            None => self.topics.iter().map(known).collect(),
            Some(topics) => {
                topics.iter().map(|topic| self.topic_metadata(topic, request.allow_auto_topic_creation)).collect()
            }
        };
        ClusterMetadata { cluster_id: self.settings.cluster_id.clone(), node_id: self.settings.node_id, topics }
    }

    fn topic_metadata(&mut self, topic: &TopicRef, create: bool) -> TopicMetadata {
        let name = match topic {
            TopicRef::Name(name) => name,
            TopicRef::Id(id) => {
                let unknown =
                    TopicMetadata { name: None, id: *id, internal: false, partitions: Err(Error::UnknownTopicId) };
                return self.topics.by_id(*id).map_or(unknown, known);
            }
        };
        let unknown = |error| TopicMetadata {
            name: Some(name.clone()),
            id: Uuid::nil(),
            internal: false,
            partitions: Err(error),
        };
        if let Some(topic) = self.topics.get(name) {
            return known(topic);
        }
        if topics::check_name(name).is_err() {
            return unknown(Error::InvalidTopicException);
        }
        if !create || !self.settings.auto_create_topics || name == topics::CONSUMER_OFFSETS {
            return unknown(Error::UnknownTopicOrPartition);
        }
        let new = NewTopic {
            name: name.clone(),
            partitions: -1,
            replication_factor: -1,
            assignments: Vec::new(),
            configs: Vec::new(),
        };
        match self.topics.check_new(&self.settings, &new) {
            Ok(partitions) => {
                self.create_topic(name, partitions, Vec::new());
                known(self.topics.get(name).expect("just made"))
            }
            Err((error, _)) => unknown(error),
        }
    }

    pub(crate) fn create_topics(&mut self, request: &CreateTopics) -> Vec<CreatedTopic> {
        let named = |name: &str| request.topics.iter().filter(|new| new.name == name).count();
        let mut created = Vec::with_capacity(request.topics.len());
        for new in &request.topics {
            let outcome = if named(&new.name) > 1 {
                Err((Error::InvalidRequest, format!("Duplicate topic name: {}", new.name)))
            } else {
                self.create_one(new, request.validate_only)
            };
            created.push(CreatedTopic { name: new.name.clone(), outcome });
        }
        created
    }

    fn create_one(
        &mut self,
        new: &NewTopic,
        validate_only: bool,
    ) -> Result<(Uuid, i32, Vec<ConfigEntry>), (Error, String)> {
        let partitions = self.topics.check_new(&self.settings, new)?;
        let configs: Vec<(String, String)> =
            new.configs.iter().filter_map(|(k, v)| Some((k.clone(), v.clone()?))).collect();
        let own: BTreeMap<_, _> = configs.iter().cloned().collect();
        let id = if validate_only { Uuid::nil() } else { self.create_topic(&new.name, partitions, configs) };
        Ok((id, partitions, topics::describe(&self.settings, &own)))
    }

    /// Makes a topic whose name, count and configs have been checked.
    pub(crate) fn create_topic(&mut self, name: &str, partitions: i32, configs: Vec<(String, String)>) -> Uuid {
        let id = self.entropy.uuid();
        self.append_record(&Record::TopicCreated { id, name: name.into(), partitions, configs });
        id
    }

    pub(crate) fn delete_topics(&mut self, wall: Wall, topics: Vec<TopicRef>) -> Vec<DeletedTopic> {
        let mut deleted = Vec::with_capacity(topics.len());
        for topic in topics {
            let (name, id, outcome) = self.check_deletion(&topic);
            if let (Some(name), Ok(())) = (&name, outcome) {
                let tombstones = self.offsets.topic_deleted(name);
                self.append_record(&Record::TopicDeleted { topic: id });
                self.append_offsets(wall, &tombstones);
            }
            deleted.push(DeletedTopic { name, id, outcome });
        }
        deleted
    }

    fn check_deletion(&self, topic: &TopicRef) -> (Option<String>, Uuid, Result<(), Error>) {
        let found = match topic {
            TopicRef::Name(name) => {
                self.topics.get(name).ok_or((Some(name.clone()), Uuid::nil(), Err(Error::UnknownTopicOrPartition)))
            }
            TopicRef::Id(id) => self.topics.by_id(*id).ok_or((None, *id, Err(Error::UnknownTopicId))),
        };
        let topic = match found {
            Ok(topic) => topic,
            Err(unknown) => return unknown,
        };
        let outcome = match topic {
            topic if topic.internal() => Err(Error::InvalidTopicException),
            _ if !self.settings.delete_topics => Err(Error::TopicDeletionDisabled),
            _ => Ok(()),
        };
        (Some(topic.name.clone()), topic.id, outcome)
    }

    pub(crate) fn create_partitions(
        &mut self,
        topics: Vec<(String, i32)>,
        validate_only: bool,
    ) -> Vec<(String, Result<(), (Error, String)>)> {
        let mut outcomes = Vec::with_capacity(topics.len());
        for (name, count) in topics {
            let outcome = self.check_growth(&name, count);
            if let Ok(topic) = outcome
                && !validate_only
            {
                self.append_record(&Record::PartitionsAdded { topic, partitions: count });
            }
            outcomes.push((name, outcome.map(|_| ())));
        }
        outcomes
    }

    fn check_growth(&self, name: &str, count: i32) -> Result<Uuid, (Error, String)> {
        let topic = self.topics.get(name).ok_or(plain(Error::UnknownTopicOrPartition))?;
        let bad = |why: String| Err((Error::InvalidPartitions, why));
        if count == topic.partitions {
            return bad(format!("Topic already has {count} partition(s)."));
        }
        if count < topic.partitions {
            return bad(format!(
                "The topic {name} currently has {} partition(s); {count} would not be an increase.",
                topic.partitions
            ));
        }
        if count > PARTITIONS_PER_TOPIC {
            return bad(format!(
                "Number of partitions {count} is above the limit of {PARTITIONS_PER_TOPIC} per topic."
            ));
        }
        Ok(topic.id)
    }

    pub(crate) fn describe_configs(
        &self,
        resources: Vec<ConfigResource>,
    ) -> Vec<(ConfigResource, Result<Vec<ConfigEntry>, (Error, String)>)> {
        let one = |resource: ConfigResource| {
            let answer = match &resource {
                ConfigResource::Topic(name) => match self.topics.get(name) {
                    Some(topic) => Ok(topic.describe(&self.settings)),
                    None => Err(plain(Error::UnknownTopicOrPartition)),
                },
                ConfigResource::Broker(node) if node.is_empty() || *node == self.settings.node_id.to_string() => {
                    Ok(self.describe_broker())
                }
                ConfigResource::Broker(node) => Err((
                    Error::InvalidRequest,
                    format!(
                        "Unexpected broker id, expected {} or empty string, but received {node}",
                        self.settings.node_id
                    ),
                )),
                ConfigResource::Other(kind, _) => {
                    Err((Error::InvalidRequest, format!("Configs of resource type {kind} are not served.")))
                }
            };
            (resource, answer)
        };
        resources.into_iter().map(one).collect()
    }

    fn describe_broker(&self) -> Vec<ConfigEntry> {
        let entry = |name: &str, value: String, kind, doc| ConfigEntry {
            name: name.into(),
            value: Some(value),
            source: ConfigSource::StaticBroker,
            kind,
            doc,
        };
        let settings = &self.settings;
        let mut entries: Vec<ConfigEntry> = Vec::from([
            entry("node.id", settings.node_id.to_string(), 3, "The id of this node."),
            entry(
                "num.partitions",
                settings.num_partitions.to_string(),
                3,
                "Partitions of a topic made without saying.",
            ),
            entry(
                "auto.create.topics.enable",
                settings.auto_create_topics.to_string(),
                1,
                "Whether a missing topic is made when it is used.",
            ),
            entry("delete.topic.enable", settings.delete_topics.to_string(), 1, "Whether topics can be deleted."),
        ]);
        for config in topics::describe(settings, &BTreeMap::new()) {
            let setting = crate::config_keys::find(&config.name).expect("a row of the table").broker_setting;
            if !setting.is_empty() {
                entries.push(ConfigEntry { name: setting.into(), ..config });
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries
    }

    pub(crate) fn init_producer_id(&mut self, request: &InitProducerId) -> Result<(i64, i16), Error> {
        if request.transactional_id.is_some() {
            return Err(Error::TransactionalIdAuthorizationFailed);
        }
        if self.producer_ids.next == self.producer_ids.block_end {
            self.append_record(&Record::ProducerIds { next: self.producer_ids.block_end + PRODUCER_ID_BLOCK });
        }
        let id = self.producer_ids.next;
        self.producer_ids.next += 1;
        Ok((id, 0))
    }

    pub(crate) fn leader_epochs(
        &self,
        asked: Vec<(String, i32, i32)>,
    ) -> Vec<(String, i32, Result<(i32, i64), Error>)> {
        let one = |(topic, partition, epoch): (String, i32, i32)| {
            let end = match (self.partition(&topic, partition), check_epoch(epoch)) {
                (None, _) => Err(Error::UnknownTopicOrPartition),
                (Some(_), Err(_)) => Ok((-1, -1)),
                (Some(partition), Ok(())) => Ok((LEADER_EPOCH, partition.high_watermark())),
            };
            (topic, partition, end)
        };
        asked.into_iter().map(one).collect()
    }

    pub(crate) fn start_task(&mut self, task: String) -> TaskStarted {
        let incarnation = self.tasks.next_incarnation(&task);
        self.append_record(&Record::TaskStarted { task: task.clone(), incarnation });
        self.tasks.started(&task)
    }

    pub(crate) fn read_table(&self, topic: &str) -> Result<Vec<(bytes::Bytes, bytes::Bytes)>, Error> {
        if !Tables::covers(topic) {
            return Err(Error::InvalidTopicException);
        }
        Ok(self.tables.read(topic))
    }

    /// Before a deletion: the logs that go with it.
    pub(crate) fn before_replay(&mut self, record: &Record) {
        let Record::TopicDeleted { topic } = record else {
            return;
        };
        let Some(topic) = self.topics.by_id(*topic) else {
            return;
        };
        self.tables.forget(&topic.name);
        let ids: Vec<_> = (0..topic.partitions).map(|partition| id_of(topic.id, partition)).collect();
        let gone = ids.into_iter().filter_map(|id| Some((id, self.partitions.remove(&id)?.log))).collect();
        self.deletions.push(self.pipeline.position(), gone);
    }

    /// After a creation or growth: the partitions that came with it.
    pub(crate) fn after_replay(&mut self, record: &Record) {
        let id = match record {
            Record::TopicCreated { id, .. } => *id,
            Record::PartitionsAdded { topic, .. } => *topic,
            _ => return,
        };
        let Some(topic) = self.topics.by_id(id) else {
            return;
        };
        for partition in 0..topic.partitions {
            let id = id_of(topic.id, partition);
            let make = || {
                Partition::new(
                    Log::new(id, &topic.name, log_settings(topic, &self.settings)),
                    rules(topic, &self.settings),
                )
            };
            self.partitions.entry(id).or_insert_with(make);
        }
    }
}

fn known(topic: &Topic) -> TopicMetadata {
    TopicMetadata {
        name: Some(topic.name.clone()),
        id: topic.id,
        internal: topic.internal(),
        partitions: Ok(topic.partitions),
    }
}

pub(crate) fn log_settings(topic: &Topic, settings: &Settings) -> LogSettings {
    let config = |name| number(topic.config(settings, name));
    LogSettings {
        segment_bytes: config("segment.bytes") as u64,
        segment_ms: config("segment.ms"),
        index_interval_bytes: config("index.interval.bytes") as u64,
        index_max_bytes: config("segment.index.bytes") as u64,
    }
}

pub(crate) fn rules(topic: &Topic, settings: &Settings) -> Rules {
    let config = |name| number(topic.config(settings, name));
    Rules {
        max_message_bytes: config("max.message.bytes"),
        log_append_time: topic.config(settings, "message.timestamp.type") == "LogAppendTime",
        before_max_ms: config("message.timestamp.before.max.ms"),
        after_max_ms: config("message.timestamp.after.max.ms"),
    }
}
