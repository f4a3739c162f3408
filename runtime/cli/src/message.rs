//! Kafka's messages that lie in records: what internal topics, the metadata log and control batches hold, as JSON.
//!
//! Owns how a message is described by a table, and how its bytes become what Kafka's `JsonConverter`s make of them. Leaves the tables to
//! the files below. Source: Kafka's message protocol (KIP-482 for flexible versions and tagged fields).
//! Invariant: no length is believed before the bytes that it promises are there.

pub mod control;
pub mod coordinator;
pub mod groups;
mod json;
pub mod metadata;
mod new_groups;
mod read;
pub mod transactions;

use std::ops::RangeInclusive;

pub use json::Json;

/// A message: its fields in each version.
#[derive(Debug)]
pub struct Message {
    /// The name of Kafka's class.
    pub name: &'static str,
    /// The versions that there are.
    pub versions: RangeInclusive<i16>,
    /// The first version whose lengths are varints and which has tagged fields; more than the last if there is none.
    pub flexible: i16,
    /// All fields of all versions, in the order of their bytes.
    pub fields: &'static [Field],
}

/// One field.
#[derive(Debug)]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// The versions that have it.
    pub versions: RangeInclusive<i16>,
    /// Its tag, and the JSON of its default, which is not shown. Fields without a tag always are.
    pub tag: Option<(u32, &'static str)>,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A byte that is 0 or not.
    Bool,
    /// An integer of one byte.
    I8,
    /// Of two bytes.
    I16,
    /// Of two bytes, never negative.
    U16,
    /// Of four bytes.
    I32,
    /// Of eight bytes.
    I64,
    /// A double.
    F64,
    /// UTF-8; may be null.
    Text,
    /// Bytes; may be null.
    Bytes,
    /// An id of 16 bytes.
    Uuid,
    /// Values of one kind; may be null.
    List(&'static Kind),
    /// Fields within a field.
    Struct(&'static [Field]),
    /// The same, or null.
    MaybeStruct(&'static [Field]),
}

/// The bytes are not such a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

/// A field of every version.
const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, versions: 0..=i16::MAX, tag: None }
}

impl Field {
    /// The same, in these versions.
    const fn only(self, versions: RangeInclusive<i16>) -> Field {
        let Field { name, kind, tag, .. } = self;
        Field { name, kind, versions, tag }
    }

    /// The same, from this version on.
    const fn since(self, version: i16) -> Field {
        self.only(version..=i16::MAX)
    }

    /// The same as a tagged field.
    const fn tagged(self, number: u32, default: &'static str) -> Field {
        let Field { name, kind, versions, .. } = self;
        Field { name, kind, versions, tag: Some((number, default)) }
    }
}

/// A message of one version, all versions alike.
const fn message(name: &'static str, fields: &'static [Field]) -> Message {
    Message { name, versions: 0..=0, flexible: 0, fields }
}

/// A message of one version without tags, such as a key.
const fn plain(name: &'static str, fields: &'static [Field]) -> Message {
    Message { name, versions: 0..=0, flexible: i16::MAX, fields }
}

impl Message {
    /// Reads it, to the last byte.
    ///
    /// # Errors
    /// The version is unknown, or the bytes are damaged.
    pub fn json(&self, version: i16, bytes: &[u8]) -> Result<Json, Damaged> {
        if !self.versions.contains(&version) {
            return Err(Damaged);
        }
        let mut from = read::Reader { rest: bytes, version, flexible: version >= self.flexible };
        // Kafka's readers leave what follows alone.
        from.object(self.fields)
    }

    /// Reads it where the version stands in front, as in the values of internal topics: the version too.
    ///
    /// # Errors
    /// As [`Message::json`].
    pub fn versioned(&self, bytes: &[u8]) -> Result<(i16, Json), Damaged> {
        let (version, rest) = version(bytes).ok_or(Damaged)?;
        Ok((version, self.json(version, rest)?))
    }
}

/// The number in front, and what follows.
pub fn version(bytes: &[u8]) -> Option<(i16, &[u8])> {
    let (version, rest) = bytes.split_first_chunk()?;
    Some((i16::from_be_bytes(*version), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: Message = Message {
        name: "Sample",
        versions: 0..=1,
        flexible: 1,
        fields: &[
            field("text", Kind::Text),
            field("numbers", Kind::List(&Kind::I32)),
            field("old", Kind::I8).only(0..=0),
            field("id", Kind::Uuid).since(1).tagged(0, "null"),
            field("count", Kind::I64).since(1).tagged(1, "-1"),
        ],
    };

    fn shown(version: i16, bytes: &[u8]) -> Result<String, Damaged> {
        SAMPLE.json(version, bytes).map(|json| json.to_string())
    }

    #[test]
    fn versions_differ_in_lengths_and_fields() {
        let check = |version: i16, bytes: &[u8], expected: &str| {
            assert_eq!(shown(version, bytes).as_deref(), Ok(expected), "{bytes:?}");
        };
        check(0, b"\0\x01a\0\0\0\x01\0\0\0\x05\x07", r#"{"text":"a","numbers":[5],"old":7}"#);
        check(0, b"\xff\xff\xff\xff\xff\xff\x07", r#"{"text":null,"numbers":null,"old":7}"#);
        check(1, b"\x02a\x02\0\0\0\x05\0", r#"{"text":"a","numbers":[5]}"#);
        check(1, b"\0\x01\x01\x01\x08\0\0\0\0\0\0\0\x09", r#"{"text":null,"numbers":[],"count":9}"#);
        // A default is not shown, and a tag that is not known is passed over.
        check(1, b"\0\x01\x02\x01\x08\xff\xff\xff\xff\xff\xff\xff\xff\x09\x01!", r#"{"text":null,"numbers":[]}"#);
    }

    #[test]
    fn damage() {
        let check = |version: i16, bytes: &[u8]| assert_eq!(shown(version, bytes), Err(Damaged), "{bytes:?}");
        check(2, b"\0\x01a\0\0\0\0\x07");
        check(0, b"\0\x05a");
        check(0, b"\0\x01a\x7f\xff\xff\xff\0\0\0\x05\x07");
        check(1, b"\x02a\xff\xff\xff\xff\x0f");
        check(1, b"\x02a\x01\x01\x01\x09\0\0\0\0\0\0\0\x09");
    }
}
