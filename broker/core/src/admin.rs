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
    configs::{self, Defaults},
    error::Error,
    fetch::check_epoch,
    id_of,
    limits::{PARTITIONS_PER_TOPIC, PRODUCER_ID_BLOCK},
    partition::{LEADER_EPOCH, Partition, Rules},
    record::Record,
    request::{
        ClusterMetadata, ConfigEntry, CreateTopics, CreatedTopic, DeletedTopic, InitProducerId, Metadata,
        MorePartitions, NewTopic, TaskStarted, TopicMetadata, TopicRef, TopicReply,
    },
    retention::policy,
    tables::Tables,
    time::{Now, Wall},
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
    pub fn next(&mut self) -> u64 {
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
        if !create || !self.settings.auto_create_topics || topics::is_internal(name) {
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
        Ok((id, partitions, configs::describe(&self.defaults, &own)))
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
                self.append_offsets(wall, &tombstones, None);
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
        topics: Vec<MorePartitions>,
        validate_only: bool,
    ) -> Vec<(String, Result<(), (Error, String)>)> {
        let names: Vec<String> = topics.iter().map(|asked| asked.topic.clone()).collect();
        let mut outcomes = Vec::with_capacity(topics.len());
        for asked in topics {
            let twice = names.iter().filter(|name| **name == asked.topic).count() > 1;
            let outcome = if twice {
                Err((Error::InvalidRequest, "Duplicate topic in request.".to_string()))
            } else {
                self.check_growth(&asked)
            };
            if let Ok(topic) = outcome
                && !validate_only
            {
                self.append_record(&Record::PartitionsAdded { topic, partitions: asked.count });
            }
            outcomes.push((asked.topic, outcome.map(|_| ())));
        }
        outcomes
    }

    fn check_growth(&self, asked: &MorePartitions) -> Result<Uuid, (Error, String)> {
        let MorePartitions { topic: name, count, assignments } = asked;
        let topic = self.topics.get(name).ok_or(plain(Error::UnknownTopicOrPartition))?;
        let bad = |why: String| Err((Error::InvalidPartitions, why));
        let (count, now) = (*count, topic.partitions);
        if count == now {
            return bad(format!("Topic already has {count} partition(s)."));
        }
        if count < now {
            return bad(format!(
                "The topic {name} currently has {now} partition(s); {count} would not be an increase."
            ));
        }
        if count > PARTITIONS_PER_TOPIC {
            return bad(format!(
                "Number of partitions {count} is above the limit of {PARTITIONS_PER_TOPIC} per topic."
            ));
        }
        let assignments = assignments.as_deref().unwrap_or_default();
        if !assignments.is_empty() && assignments.len() as i32 != count - now {
            let why = format!(
                "Attempted to add {} additional partition(s), but only {} assignment(s) were specified.",
                count - now,
                assignments.len()
            );
            return Err((Error::InvalidReplicaAssignment, why));
        }
        for replicas in assignments {
            topics::check_replicas(self.settings.node_id, replicas)?;
        }
        Ok(topic.id)
    }

    /// Which of these partitions there are, and the bytes of their logs.
    pub(crate) fn partition_sizes(
        &self,
        asked: Option<Vec<(String, Vec<i32>)>>,
    ) -> Vec<TopicReply<(i32, Option<u64>)>> {
        let all = || self.topics.iter().map(|topic| (topic.name.clone(), (0..topic.partitions).collect())).collect();
        let topic = |(topic, partitions): (String, Vec<i32>)| {
            let size = |index: i32| (index, self.partition(&topic, index).map(|partition| partition.log.size()));
            let partitions = partitions.into_iter().map(size).collect();
            TopicReply { topic, partitions }
        };
        asked.unwrap_or_else(all).into_iter().map(topic).collect()
    }

    pub(crate) fn init_producer_id(
        &mut self,
        now: Now,
        wall: Wall,
        request: &InitProducerId,
    ) -> Result<(i64, i16), Error> {
        match &request.transactional_id {
            Some(id) => self.init_transactional(now, wall, id, request),
            None => Ok((self.take_producer_id(), 0)),
        }
    }

    /// A producer id that was never given out.
    pub(crate) fn take_producer_id(&mut self) -> i64 {
        if self.producer_ids.next == self.producer_ids.block_end {
            self.append_record(&Record::ProducerIds { next: self.producer_ids.block_end + PRODUCER_ID_BLOCK });
        }
        let id = self.producer_ids.next;
        self.producer_ids.next += 1;
        id
    }

    pub(crate) fn leader_epochs(
        &self,
        asked: Vec<(String, i32, i32, i32)>,
    ) -> Vec<(String, i32, Result<(i32, i64), Error>)> {
        let one = |(topic, partition, current, epoch): (String, i32, i32, i32)| {
            let end = match (self.partition(&topic, partition), check_epoch(current)) {
                (None, _) => Err(Error::UnknownTopicOrPartition),
                (Some(_), Err(error)) => Err(error),
                (Some(partition), Ok(())) if epoch == LEADER_EPOCH => Ok((LEADER_EPOCH, partition.high_watermark())),
                (Some(_), Ok(())) => Ok((-1, -1)),
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

    /// After a creation or growth: the partitions that came with it. After a change of configs: what they mean for logs.
    pub(crate) fn after_replay(&mut self, record: &Record) {
        let id = match record {
            Record::TopicCreated { id, .. } => *id,
            Record::PartitionsAdded { topic, .. } => *topic,
            Record::TopicConfigs { topic, .. } => return self.reconfigure(Some(*topic)),
            Record::BrokerConfigs { .. } => return self.reconfigure(None),
            _ => return,
        };
        let Some(topic) = self.topics.by_id(id) else {
            return;
        };
        for partition in 0..topic.partitions {
            let id = id_of(topic.id, partition);
            let make = || {
                Partition::new(
                    Log::new(id, &topic.name, log_settings(topic, &self.defaults)),
                    rules(topic, &self.defaults),
                )
            };
            self.partitions.entry(id).or_insert_with(make);
        }
    }
}

impl Broker {
    /// Lets the partitions of a topic, or of all, obey what their topic is set to now.
    pub(crate) fn reconfigure(&mut self, topic: Option<Uuid>) {
        for (id, partition) in &mut self.partitions {
            let id = Uuid::from_bytes(id.topic);
            if topic.is_none_or(|topic| topic == id)
                && let Some(topic) = self.topics.by_id(id)
            {
                partition.log.set(log_settings(topic, &self.defaults));
                partition.rules = rules(topic, &self.defaults);
            }
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

pub(crate) fn log_settings(topic: &Topic, defaults: &Defaults) -> LogSettings {
    let config = |name| number(topic.config(defaults, name));
    LogSettings {
        segment_bytes: config("segment.bytes") as u64,
        segment_ms: if policy(topic, defaults).compact {
            // What may wait no longer for compaction may not stay in the last segment either (KIP-354).
            config("segment.ms").min(config("max.compaction.lag.ms"))
        } else {
            config("segment.ms")
        },
        index_interval_bytes: config("index.interval.bytes") as u64,
        index_max_bytes: config("segment.index.bytes") as u64,
    }
}

pub(crate) fn rules(topic: &Topic, defaults: &Defaults) -> Rules {
    let config = |name| number(topic.config(defaults, name));
    Rules {
        max_message_bytes: config("max.message.bytes"),
        compact: policy(topic, defaults).compact,
        log_append_time: topic.config(defaults, "message.timestamp.type") == "LogAppendTime",
        before_max_ms: config("message.timestamp.before.max.ms"),
        after_max_ms: config("message.timestamp.after.max.ms"),
    }
}
