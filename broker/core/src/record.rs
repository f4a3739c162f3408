//! The core's own journal records: what it must remember beside record batches.
//!
//! Owns their meaning and bytes. Batches and the internal topics' records are not here: they are Kafka's format and live in
//! partitions. Invariant: a number once given to a kind of record is never given to another.

use alloc::{string::String, vec::Vec};
use broker_store::entry::PartitionId;
use bytes::Bytes;
use uuid::Uuid;

use crate::codec::{Damaged, Reader, Writer};

/// One change of the broker's own state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// 1: a topic exists.
    TopicCreated { id: Uuid, name: String, partitions: i32, configs: Vec<(String, String)> },
    /// 2: a topic has this many partitions from now on.
    PartitionsAdded { topic: Uuid, partitions: i32 },
    /// 3: a topic is gone, its logs with it.
    TopicDeleted { topic: Uuid },
    /// 4: producer ids below this one may have been given out.
    ProducerIds { next: i64 },
    /// 5: a task has a new incarnation.
    TaskStarted { task: String, incarnation: u64 },
    /// 6: one key of a task's state, `None` if it is gone.
    TaskState { task: String, key: String, value: Option<Bytes> },
    /// 7: configs of a topic, `None` for one that goes back to its default.
    TopicConfigs { topic: Uuid, changes: Vec<(String, Option<String>)> },
    /// 8: configs of this node or of the cluster, altered at run time.
    BrokerConfigs { node: bool, changes: Vec<(String, Option<String>)> },
    /// 9: nothing of a partition can be read before this offset.
    LogStart { partition: PartitionId, offset: i64 },
}

impl Record {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        match self {
            Record::TopicCreated { id, name, partitions, configs } => {
                out.u8(1).uuid(*id).str(name).i32(*partitions);
                out.list(configs.iter(), |out, (key, value)| {
                    out.str(key).str(value);
                });
            }
            Record::PartitionsAdded { topic, partitions } => {
                out.u8(2).uuid(*topic).i32(*partitions);
            }
            Record::TopicDeleted { topic } => {
                out.u8(3).uuid(*topic);
            }
            Record::ProducerIds { next } => {
                out.u8(4).i64(*next);
            }
            Record::TaskStarted { task, incarnation } => {
                out.u8(5).str(task).i64(*incarnation as i64);
            }
            Record::TaskState { task, key, value } => {
                out.u8(6).str(task).str(key).u8(value.is_some().into()).bytes(value.as_deref().unwrap_or_default());
            }
            Record::TopicConfigs { topic, changes } => put_changes(out.u8(7).uuid(*topic), changes),
            Record::BrokerConfigs { node, changes } => put_changes(out.u8(8).u8((*node).into()), changes),
            Record::LogStart { partition, offset } => {
                out.u8(9).uuid(Uuid::from_bytes(partition.topic)).i32(partition.partition).i64(*offset);
            }
        }
        out.0
    }

    pub fn decode(bytes: &[u8]) -> Result<Record, Damaged> {
        let mut from = Reader(bytes);
        let record = match from.u8()? {
            1 => Record::TopicCreated {
                id: from.uuid()?,
                name: from.str()?,
                partitions: from.i32()?,
                configs: from.list(|from| Ok((from.str()?, from.str()?)))?,
            },
            2 => Record::PartitionsAdded { topic: from.uuid()?, partitions: from.i32()? },
            3 => Record::TopicDeleted { topic: from.uuid()? },
            4 => Record::ProducerIds { next: from.i64()? },
            5 => Record::TaskStarted { task: from.str()?, incarnation: from.i64()? as u64 },
            6 => {
                let (task, key, some) = (from.str()?, from.str()?, from.u8()?);
                let value = from.owned()?;
                Record::TaskState { task, key, value: (some == 1).then_some(value) }
            }
            7 => Record::TopicConfigs { topic: from.uuid()?, changes: from.list(config_change)? },
            8 => Record::BrokerConfigs { node: from.u8()? == 1, changes: from.list(config_change)? },
            9 => {
                let partition = PartitionId { topic: from.uuid()?.into_bytes(), partition: from.i32()? };
                Record::LogStart { partition, offset: from.i64()? }
            }
            _ => return Err(Damaged("its kind is unknown; a newer connectd wrote it")),
        };
        from.end()?;
        Ok(record)
    }
}

fn put_changes(out: &mut Writer, changes: &[(String, Option<String>)]) {
    out.list(changes.iter(), |out, (name, value)| {
        out.str(name).u8(value.is_some().into()).str(value.as_deref().unwrap_or_default());
    });
}

fn config_change(from: &mut Reader<'_>) -> Result<(String, Option<String>), Damaged> {
    let (name, some, value) = (from.str()?, from.u8()?, from.str()?);
    Ok((name, (some == 1).then_some(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn every_kind_comes_back_and_none_survives_a_cut() {
        let records = [
            Record::TopicCreated {
                id: Uuid::from_u128(7),
                name: "t".into(),
                partitions: 3,
                configs: vec![("a".into(), "b".into())],
            },
            Record::PartitionsAdded { topic: Uuid::from_u128(7), partitions: 4 },
            Record::TopicDeleted { topic: Uuid::from_u128(7) },
            Record::ProducerIds { next: 1000 },
            Record::TaskStarted { task: "c/0".into(), incarnation: 9 },
            Record::TaskState { task: "c/0".into(), key: "inode".into(), value: Some(Bytes::from_static(b"12")) },
            Record::TaskState { task: "c/0".into(), key: "inode".into(), value: None },
            Record::TopicConfigs {
                topic: Uuid::from_u128(7),
                changes: vec![("a".into(), Some("b".into())), ("c".into(), None)],
            },
            Record::BrokerConfigs { node: true, changes: vec![("a".into(), None)] },
            Record::LogStart { partition: PartitionId { topic: [3; 16], partition: 2 }, offset: 1 << 40 },
        ];
        for record in records {
            let bytes = record.encode();
            assert_eq!(Record::decode(&bytes), Ok(record));
            assert!((0..bytes.len()).all(|cut| Record::decode(&bytes[..cut]).is_err()));
        }
    }
}
