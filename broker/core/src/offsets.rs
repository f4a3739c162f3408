//! Committed offsets of all groups.
//!
//! Owns the table by group, topic and partition, and which records a commit, a deletion or the passing of time asks for. What open
//! transactions committed waits in `pending`. Leaves who may commit to `group`, whether a partition exists to the caller, and the bytes of a record to `kafka_format`.
//! Invariant: `replay` is the only way the table changes, at run time and after a restart alike.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    big_endian::fits,
    codec::{Damaged, Reader, Writer},
    error::Error,
    request::{CommittedOffset, OffsetToCommit, TopicReply},
    time::Wall,
};

mod kafka_format;
mod pending;
#[cfg(test)]
mod tests;

use pending::Pending;

/// What an operator may set; defaults are Kafka's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetSettings {
    /// `offset.metadata.max.bytes`: the longest note a client may leave with an offset.
    pub metadata_max: usize,
    /// `offsets.retention.minutes`, in milliseconds: how long offsets outlive the last member of their group.
    pub retention_ms: u64,
}

impl Default for OffsetSettings {
    fn default() -> Self {
        OffsetSettings { metadata_max: 4096, retention_ms: 7 * 24 * 60 * 60 * 1000 }
    }
}

/// A committed offset as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The next offset to read.
    pub offset: i64,
    /// Leader epoch of the last record read, -1 for none.
    pub leader_epoch: i32,
    /// The client's note.
    pub metadata: String,
    /// When it was committed, milliseconds since 1970.
    pub commit_timestamp: i64,
    /// Offset of its record in `__consumer_offsets`, -1 before it has one: of two commits the later one counts, also if a
    /// transaction with the earlier one ends later.
    pub record_offset: i64,
}

/// One change of the table: one record of `__consumer_offsets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OffsetRecord {
    /// A group's offset of a partition from now on.
    Commit {
        /// Group id.
        group: String,
        /// Topic name.
        topic: String,
        /// Partition index.
        partition: i32,
        /// The offset and what belongs to it.
        committed: Committed,
    },
    /// A group has no offset of this partition any more.
    Tombstone {
        /// Group id.
        group: String,
        /// Topic name.
        topic: String,
        /// Partition index.
        partition: i32,
    },
}

/// What became of each partition of a commit, in the order asked.
pub type CommitOutcomes = Vec<TopicReply<(i32, Result<(), Error>)>>;

type Partitions = BTreeMap<i32, Committed>;
type Topics = BTreeMap<String, Partitions>;

/// Committed offsets by group, topic and partition.
#[derive(Clone, Debug)]
pub struct Offsets {
    settings: OffsetSettings,
    groups: BTreeMap<String, Topics>,
    pending: Pending,
}

impl Offsets {
    /// No offsets at all.
    pub fn new(settings: OffsetSettings) -> Self {
        Offsets { settings, groups: BTreeMap::new(), pending: Pending::default() }
    }

    /// The records that commit `topics` for `group`, and the outcome of each partition in the order asked. `wall` is the
    /// commit timestamp. Errors: `OffsetMetadataTooLarge`, and names that do not fit a record of `__consumer_offsets`
    /// (`InvalidGroupId`, `InvalidTopicException`). Membership is judged by `Groups::check_commit`, existence by the caller.
    pub fn decide_commit(
        &self,
        wall: Wall,
        group: &str,
        topics: &[(String, Vec<OffsetToCommit>)],
    ) -> (Vec<OffsetRecord>, CommitOutcomes) {
        let mut records = Vec::new();
        let mut replies = Vec::with_capacity(topics.len());
        for (topic, partitions) in topics {
            let mut outcomes = Vec::with_capacity(partitions.len());
            for asked in partitions {
                let outcome = self.check(group, topic, asked);
                if outcome.is_ok() {
                    records.push(commit_record(wall, group, topic, asked));
                }
                outcomes.push((asked.partition, outcome));
            }
            replies.push(TopicReply { topic: topic.clone(), partitions: outcomes });
        }
        (records, replies)
    }

    fn check(&self, group: &str, topic: &str, asked: &OffsetToCommit) -> Result<(), Error> {
        // Kafka compares the length in Java characters, whatever the setting's name says.
        let note_too_long = asked.metadata.encode_utf16().count() > self.settings.metadata_max;
        if !fits(group) {
            Err(Error::InvalidGroupId)
        } else if !fits(topic) {
            Err(Error::InvalidTopicException)
        } else if note_too_long || !fits(&asked.metadata) {
            Err(Error::OffsetMetadataTooLarge)
        } else {
            Ok(())
        }
    }

    /// Applies the record at `offset` of `__consumer_offsets`. One that a transactional producer wrote waits for its marker.
    pub fn replay(&mut self, record: &OffsetRecord, offset: i64, transaction: Option<i64>) {
        match record {
            OffsetRecord::Commit { group, topic, partition, committed } => {
                let committed = Committed { record_offset: offset, ..committed.clone() };
                match transaction {
                    Some(producer_id) => {
                        self.pending.insert(producer_id, (group.clone(), topic.clone(), *partition), committed);
                    }
                    None => self.commit(group, topic, *partition, committed),
                }
            }
            OffsetRecord::Tombstone { group, topic, partition } => {
                self.remove(group, topic, *partition);
                self.pending.remove(&(group.clone(), topic.clone(), *partition));
            }
        }
    }

    /// Applies a marker in `__consumer_offsets`: what the producer's transaction committed counts from now on, or never.
    pub fn end_transaction(&mut self, producer_id: i64, commit: bool) {
        let ended = self.pending.take(producer_id);
        for ((group, topic, partition), committed) in ended.into_iter().filter(|_| commit) {
            let known = self.groups.get(&group).and_then(|topics| topics.get(&topic)?.get(&partition));
            if known.is_none_or(|known| known.record_offset < committed.record_offset) {
                self.commit(&group, &topic, partition, committed);
            }
        }
    }

    fn commit(&mut self, group: &str, topic: &str, partition: i32, committed: Committed) {
        entry(entry(&mut self.groups, group), topic).insert(partition, committed);
    }

    fn remove(&mut self, group: &str, topic: &str, partition: i32) {
        let Some(topics) = self.groups.get_mut(group) else { return };
        let Some(partitions) = topics.get_mut(topic) else { return };
        partitions.remove(&partition);
        if partitions.is_empty() {
            topics.remove(topic);
        }
        if topics.is_empty() {
            self.groups.remove(group);
        }
    }

    /// The committed offsets of `group`: those asked for, in that order, with offset -1 where there is none; or, with `None`,
    /// all there are. An unknown group has none, which is no error. With `require_stable` an offset that an open transaction may
    /// change is not told, but `UnstableOffsetCommit`.
    pub fn fetch(
        &self,
        group: &str,
        topics: Option<&[(String, Vec<i32>)]>,
        require_stable: bool,
    ) -> Vec<TopicReply<CommittedOffset>> {
        let known = self.groups.get(group);
        let one = |topic: &str, index: i32, committed: Option<&Committed>| match require_stable
            && self.pending.contains(&(group.to_string(), topic.to_string(), index))
        {
            true => CommittedOffset { error: Some(Error::UnstableOffsetCommit), ..reply(index, None) },
            false => reply(index, committed),
        };
        match topics {
            Some(asked) => asked
                .iter()
                .map(|(topic, partitions)| {
                    let committed = known.and_then(|topics| topics.get(topic));
                    let answer = |&index: &i32| one(topic, index, committed.and_then(|all| all.get(&index)));
                    TopicReply { topic: topic.clone(), partitions: partitions.iter().map(answer).collect() }
                })
                .collect(),
            None => known
                .into_iter()
                .flatten()
                .map(|(topic, partitions)| TopicReply {
                    topic: topic.clone(),
                    partitions: partitions.iter().map(|(&index, all)| one(topic, index, Some(all))).collect(),
                })
                .collect(),
        }
    }

    /// Whether the group has any offsets.
    pub fn has_group(&self, group: &str) -> bool {
        self.groups.contains_key(group)
    }

    /// The ids of all groups that have offsets, in order.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    /// The records that remove all offsets of a group.
    pub fn delete_group(&self, group: &str) -> Vec<OffsetRecord> {
        let topics = self.groups.get(group).into_iter().flatten();
        topics.flat_map(|(topic, partitions)| tombstones(group, topic, partitions)).collect()
    }

    /// The records that remove a group's offsets of these partitions of a topic, where there are any.
    pub fn delete(
        &self,
        group: &str,
        topic: &str,
        partitions: impl Iterator<Item = i32>,
    ) -> impl Iterator<Item = OffsetRecord> {
        let known = self.groups.get(group).and_then(|topics| topics.get(topic));
        let there = move |partition: &i32| known.is_some_and(|known| known.contains_key(partition));
        partitions.filter(there).map(move |partition| tombstone(group, topic, partition))
    }

    /// The records that remove the offsets of a topic that is gone, in every group.
    pub fn topic_deleted(&self, topic: &str) -> Vec<OffsetRecord> {
        let with_topic = self.groups.iter().filter_map(|(group, topics)| Some((group, topics.get(topic)?)));
        let committed = with_topic.flat_map(|(group, partitions)| tombstones(group, topic, partitions));
        let pending = pending::of_topic(self.pending.keys(), topic);
        let pending = pending.into_iter().map(|(group, topic, partition)| tombstone(&group, &topic, partition));
        committed.chain(pending).collect()
    }

    /// The records that remove what is past `offsets.retention.minutes` at `wall`. `unused_since` says since when nobody of a group
    /// reads a topic, or `None` while somebody does, whose offsets are kept (`Groups::unused_since`). Retention counts from the later
    /// of that moment and the commit.
    pub fn expired(&self, wall: Wall, unused_since: impl Fn(&str, &str) -> Option<Wall>) -> Vec<OffsetRecord> {
        let retention = i64::try_from(self.settings.retention_ms).unwrap_or(i64::MAX);
        let mut records = Vec::new();
        for (group, topics) in &self.groups {
            for (topic, partitions) in topics {
                let Some(unused) = unused_since(group, topic) else { continue };
                let is_old = |committed: &Committed| {
                    wall.0.saturating_sub(committed.commit_timestamp.max(unused.0)) >= retention
                };
                let unstable = |partition: i32| self.pending.contains(&(group.clone(), topic.clone(), partition));
                let old = partitions.iter().filter(|(index, committed)| is_old(committed) && !unstable(**index));
                records.extend(old.map(|(&partition, _)| tombstone(group, topic, partition)));
            }
        }
        records
    }

    /// All of it as bytes for a checkpoint: a version byte, what is pending, then offset, key and value of each record.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(SNAPSHOT_VERSION);
        self.pending.encode(&mut out);
        for (group, topics) in &self.groups {
            for (topic, partitions) in topics {
                for (&partition, committed) in partitions {
                    out.i64(committed.record_offset);
                    out.bytes(&kafka_format::key(group, topic, partition)).bytes(&kafka_format::value(committed));
                }
            }
        }
        out.0
    }

    /// Reads back what `snapshot` wrote.
    pub fn restore(settings: OffsetSettings, snapshot: &[u8]) -> Result<Self, Damaged> {
        let mut offsets = Offsets::new(settings);
        let mut from = Reader(snapshot);
        if from.u8()? != SNAPSHOT_VERSION {
            return Err(Damaged("a newer connectd wrote this snapshot of committed offsets"));
        }
        offsets.pending = Pending::decode(&mut from)?;
        while from.end().is_err() {
            let (offset, key, value) = (from.i64()?, from.bytes()?, from.bytes()?);
            let record = OffsetRecord::decode(key, Some(value))?;
            let record = record.ok_or(Damaged("a snapshot of committed offsets holds something else"))?;
            offsets.replay(&record, offset, None);
        }
        Ok(offsets)
    }
}

const SNAPSHOT_VERSION: u8 = 2;

/// The map below `key`, made if missing, without a copy of the key where it is there already.
fn entry<'a, K: Default>(map: &'a mut BTreeMap<String, K>, key: &str) -> &'a mut K {
    if !map.contains_key(key) {
        map.insert(key.to_string(), K::default());
    }
    map.get_mut(key).expect("it was inserted above")
}

fn commit_record(wall: Wall, group: &str, topic: &str, asked: &OffsetToCommit) -> OffsetRecord {
    OffsetRecord::Commit {
        group: group.to_string(),
        topic: topic.to_string(),
        partition: asked.partition,
        committed: Committed {
            offset: asked.offset,
            leader_epoch: asked.leader_epoch,
            metadata: asked.metadata.clone(),
            commit_timestamp: wall.0,
            record_offset: -1,
        },
    }
}

fn tombstones(group: &str, topic: &str, partitions: &Partitions) -> impl Iterator<Item = OffsetRecord> {
    partitions.keys().map(move |&partition| tombstone(group, topic, partition))
}

fn tombstone(group: &str, topic: &str, partition: i32) -> OffsetRecord {
    OffsetRecord::Tombstone { group: group.to_string(), topic: topic.to_string(), partition }
}

fn reply(partition: i32, committed: Option<&Committed>) -> CommittedOffset {
    match committed {
        Some(committed) => CommittedOffset {
            partition,
            error: None,
            offset: committed.offset,
            leader_epoch: committed.leader_epoch,
            metadata: committed.metadata.clone(),
        },
        None => CommittedOffset { partition, error: None, offset: -1, leader_epoch: -1, metadata: String::new() },
    }
}
