//! Records of `__consumer_offsets` as bytes, as Kafka's own tools read them.
//!
//! Owns the layout (`OffsetCommitKey.json`, `OffsetCommitValue.json`). Leaves groups' own records (key version 2) to `group::record`.
//! Invariant: what is encoded here decodes to the same record; big-endian, as everything of Kafka's.
//!
//! ```text
//! key    | version i16 = 1 | group str | topic str | partition i32 |
//! value  | version i16 = 3 | offset i64 | leader epoch i32 | metadata str | commit timestamp i64 |
//! str    | length i16 | UTF-8 |
//! ```
//! A value is missing in a tombstone. Values of version 0 to 2 have no leader epoch; version 1 ends with an expiry timestamp,
//! which a broker since Kafka 2.1 does not write and we pass over.

use alloc::vec::Vec;
use bytes::Bytes;

use super::{Committed, OffsetRecord};
use crate::{
    big_endian::{BigEndian, put_string},
    codec::Damaged,
};

const KEY_VERSION: i16 = 1;
const VALUE_VERSION: i16 = 3;
const WHAT: &str = "a committed offset";

impl OffsetRecord {
    /// The record's key.
    pub fn encode_key(&self) -> Bytes {
        let (OffsetRecord::Commit { group, topic, partition, .. }
        | OffsetRecord::Tombstone { group, topic, partition }) = self;
        key(group, topic, *partition).into()
    }

    /// The record's value, `None` for a tombstone.
    pub fn encode_value(&self) -> Option<Bytes> {
        match self {
            OffsetRecord::Commit { committed, .. } => Some(value(committed).into()),
            OffsetRecord::Tombstone { .. } => None,
        }
    }

    /// Reads a record of `__consumer_offsets`; `None` if it is of another kind, such as a group's.
    pub fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<OffsetRecord>, Damaged> {
        let mut key = BigEndian::new(key, WHAT);
        if !matches!(key.i16()?, 0 | KEY_VERSION) {
            return Ok(None);
        }
        let (group, topic, partition) = (key.string()?, key.string()?, key.i32()?);
        key.end()?;
        Ok(Some(match value {
            None => OffsetRecord::Tombstone { group, topic, partition },
            Some(value) => OffsetRecord::Commit { group, topic, partition, committed: decode_value(value)? },
        }))
    }
}

pub(super) fn key(group: &str, topic: &str, partition: i32) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + 2 + group.len() + 2 + topic.len() + 4);
    out.extend_from_slice(&KEY_VERSION.to_be_bytes());
    put_string(&mut out, group);
    put_string(&mut out, topic);
    out.extend_from_slice(&partition.to_be_bytes());
    out
}

pub(super) fn value(committed: &Committed) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + 8 + 4 + 2 + committed.metadata.len() + 8);
    out.extend_from_slice(&VALUE_VERSION.to_be_bytes());
    out.extend_from_slice(&committed.offset.to_be_bytes());
    out.extend_from_slice(&committed.leader_epoch.to_be_bytes());
    put_string(&mut out, &committed.metadata);
    out.extend_from_slice(&committed.commit_timestamp.to_be_bytes());
    out
}

pub(super) fn decode_value(value: &[u8]) -> Result<Committed, Damaged> {
    let mut value = BigEndian::new(value, WHAT);
    let version = value.i16()?;
    if !(0..=VALUE_VERSION).contains(&version) {
        return Err(Damaged("a committed offset is of a version that only a newer Kafka knows"));
    }
    let committed = Committed {
        offset: value.i64()?,
        leader_epoch: if version >= 3 { value.i32()? } else { -1 },
        metadata: value.string()?,
        commit_timestamp: value.i64()?,
        record_offset: -1,
    };
    if version == 1 {
        value.i64()?;
    }
    value.end()?;
    Ok(committed)
}
