//! A group's record in `__consumer_offsets`, as Kafka's own tools read it.
//!
//! Owns the layout (`GroupMetadataKey.json`, `GroupMetadataValue.json`). Leaves when one is written to `stored`. Invariant: what is
//! encoded here decodes to the same group; big-endian, as everything of Kafka's.
//!
//! ```text
//! key    | version i16 = 2 | group str |
//! value  | version i16 = 3 | protocol type str | generation i32 | protocol str? | leader str? | since i64 | members: count i32 |
//! member | id str | instance str? | client id str | client host str | rebalance timeout i32 | session timeout i32 |
//!        | metadata bytes | assignment bytes |
//! str    | length i16, -1 for null | UTF-8 |
//! bytes  | length i32 | ... |
//! ```
//! A value is missing in a tombstone. Kafka 2.3 to 4.3 write version 3.

use alloc::{string::String, vec::Vec};
use bytes::Bytes;

use crate::{
    big_endian::{BigEndian, put_bytes, put_nullable_string, put_string},
    codec::Damaged,
};

const KEY_VERSION: i16 = 2;
const VALUE_VERSION: i16 = 3;
const WHAT: &str = "a group's record";

/// What became of a group: one record of `__consumer_offsets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRecord {
    /// Group id.
    pub group: String,
    /// Its latest generation, encoded; `None` for a tombstone.
    pub value: Option<Bytes>,
}

impl GroupRecord {
    /// The record's key.
    pub fn encode_key(&self) -> Bytes {
        let mut out = Vec::with_capacity(4 + self.group.len());
        out.extend_from_slice(&KEY_VERSION.to_be_bytes());
        put_string(&mut out, &self.group);
        out.into()
    }

    /// Reads a record of `__consumer_offsets`; `None` if it is of another kind, such as a committed offset.
    pub fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<GroupRecord>, Damaged> {
        let mut key = BigEndian::new(key, WHAT);
        if key.i16()? != KEY_VERSION {
            return Ok(None);
        }
        let group = key.string()?;
        key.end()?;
        Ok(Some(GroupRecord { group, value: value.map(Bytes::copy_from_slice) }))
    }
}

/// A generation as it is kept: stable, or empty if it has no members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Generation {
    pub protocol_type: String,
    pub generation: i32,
    /// `None` in a group without members.
    pub protocol: Option<String>,
    pub leader: Option<String>,
    /// Since when it is so, milliseconds since 1970; -1 if that is not known.
    pub since: i64,
    pub members: Vec<MemberOf>,
}

/// A member of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MemberOf {
    pub id: String,
    pub instance: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub rebalance_timeout_ms: i32,
    pub session_timeout_ms: i32,
    /// For the protocol of the generation.
    pub metadata: Bytes,
    pub assignment: Bytes,
}

impl Generation {
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        out.extend_from_slice(&VALUE_VERSION.to_be_bytes());
        put_string(&mut out, &self.protocol_type);
        out.extend_from_slice(&self.generation.to_be_bytes());
        put_nullable_string(&mut out, self.protocol.as_deref());
        put_nullable_string(&mut out, self.leader.as_deref());
        out.extend_from_slice(&self.since.to_be_bytes());
        let count = i32::try_from(self.members.len()).expect("a group's size is limited");
        out.extend_from_slice(&count.to_be_bytes());
        self.members.iter().for_each(|member| member.encode(&mut out));
        out.into()
    }

    pub fn decode(value: &[u8]) -> Result<Self, Damaged> {
        let mut from = BigEndian::new(value, WHAT);
        if from.i16()? != VALUE_VERSION {
            return Err(Damaged("a group's record is of a version that this connectd does not write"));
        }
        let mut generation = Generation {
            protocol_type: from.string()?,
            generation: from.i32()?,
            protocol: from.nullable_string()?,
            leader: from.nullable_string()?,
            since: from.i64()?,
            members: Vec::new(),
        };
        for _ in 0..from.i32()? {
            generation.members.push(MemberOf::decode(&mut from)?);
        }
        from.end()?;
        Ok(generation)
    }
}

impl MemberOf {
    fn encode(&self, out: &mut Vec<u8>) {
        put_string(out, &self.id);
        put_nullable_string(out, self.instance.as_deref());
        put_string(out, &self.client_id);
        put_string(out, &self.client_host);
        out.extend_from_slice(&self.rebalance_timeout_ms.to_be_bytes());
        out.extend_from_slice(&self.session_timeout_ms.to_be_bytes());
        put_bytes(out, &self.metadata);
        put_bytes(out, &self.assignment);
    }

    fn decode(from: &mut BigEndian<'_>) -> Result<Self, Damaged> {
        Ok(MemberOf {
            id: from.string()?,
            instance: from.nullable_string()?,
            client_id: from.string()?,
            client_host: from.string()?,
            rebalance_timeout_ms: from.i32()?,
            session_timeout_ms: from.i32()?,
            metadata: Bytes::copy_from_slice(from.bytes()?),
            assignment: Bytes::copy_from_slice(from.bytes()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_generation_comes_back_and_does_not_survive_a_cut() {
        let member = |id: &str, instance: Option<&str>| MemberOf {
            id: id.into(),
            instance: instance.map(Into::into),
            client_id: "client".into(),
            client_host: "/127.0.0.1".into(),
            rebalance_timeout_ms: 300_000,
            session_timeout_ms: 45_000,
            metadata: Bytes::from_static(b"m"),
            assignment: Bytes::from_static(b"as"),
        };
        let empty = Generation {
            protocol_type: "consumer".into(),
            generation: 7,
            protocol: None,
            leader: None,
            since: -1,
            members: Vec::new(),
        };
        let stable = Generation {
            protocol: Some("range".into()),
            leader: Some("a".into()),
            since: 1_700_000_000_000,
            members: vec![member("a", None), member("b", Some("i"))],
            ..empty.clone()
        };
        for generation in [empty, stable] {
            let bytes = generation.encode();
            assert_eq!(Generation::decode(&bytes), Ok(generation));
            assert!((0..bytes.len()).all(|cut| Generation::decode(&bytes[..cut]).is_err()));
        }
    }

    #[test]
    fn the_bytes_are_kafkas() {
        let record = GroupRecord { group: "g".into(), value: None };
        assert_eq!(&record.encode_key()[..], b"\0\x02\0\x01g");
        assert_eq!(GroupRecord::decode(b"\0\x02\0\x01g", None), Ok(Some(record)));
        assert_eq!(GroupRecord::decode(b"\0\x01\0\x01g\0\x01t\0\0\0\0", None), Ok(None), "a committed offset");
        let empty = Generation {
            protocol_type: "c".into(),
            generation: 2,
            protocol: None,
            leader: None,
            since: 3,
            members: Vec::new(),
        };
        let expected = b"\0\x03\0\x01c\0\0\0\x02\xff\xff\xff\xff\0\0\0\0\0\0\0\x03\0\0\0\0";
        assert_eq!(&empty.encode()[..], expected);
    }
}
