//! Source offsets as records of `connect-offsets`, and all offsets as the REST API shows them.
//!
//! Owns the bytes of key (`["connector",{partition}]`) and value (`{offset}`): compact JSON, the same as in Kafka's offset
//! topic and offset file (contract 6.1, 6.2). Keys are equal if their bytes are, so the order within a partition counts.
//! Leaves storing them to the edge and sinks' commits to the group. Invariant: what is written here reads back the same,
//! except that bytes come back as base64 text and numbers that are no numbers as text, as in Kafka.

use crate::scalar::{Scalar, ScalarMap, get};
use alloc::{borrow::Cow, format, string::String, vec, vec::Vec};
use core::fmt;
use json::Map;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

mod json;

/// The record key of a source partition.
pub fn key(connector: &str, partition: &[(String, Scalar)]) -> Vec<u8> {
    let mut out = vec![b'['];
    crate::convert::quote_json(&mut out, connector);
    out.push(b',');
    json::write_map(&mut out, partition);
    out.push(b']');
    out
}

/// Whether a source partition or offset would be read back as it is: no name twice, and not too many. The error is for the status.
pub fn check(map: &[(String, Scalar)]) -> Result<(), String> {
    if map.len() > json::MAX_ENTRIES {
        return Err(format!("a source partition or offset has {} fields, more than {}", map.len(), json::MAX_ENTRIES));
    }
    let mut names: Vec<&str> = map.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("a source partition or offset has the field {} twice", pair[0])),
        None => Ok(()),
    }
}

/// The record value of a source offset. A null value (a tombstone) means that the partition has none.
pub fn value(offset: &[(String, Scalar)]) -> Vec<u8> {
    let mut out = Vec::new();
    json::write_map(&mut out, offset);
    out
}

/// Connector and partition of a record key. The error says what the bytes are not; such a record is to be skipped.
pub fn read_key(key: &[u8]) -> Result<(String, ScalarMap), String> {
    serde_json::from_slice::<Key>(key)
        .map(|Key(connector, partition)| (connector, partition))
        .map_err(|error| format!("an offset's key is not [\"connector\",{{partition}}]: {error}"))
}

/// The offset of a record value; JSON's null is none.
pub fn read_value(value: &[u8]) -> Result<Option<ScalarMap>, String> {
    let offset: Option<Map> =
        serde_json::from_slice(value).map_err(|error| format!("an offset's value is not {{offset}}: {error}"))?;
    Ok(offset.map(|offset| offset.0))
}

/// Body of `GET` and `PATCH /connectors/{name}/offsets`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConnectorOffsets {
    /// One entry per partition.
    pub offsets: Vec<PartitionOffset>,
}

/// One partition, of a source or of a topic, and its offset.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PartitionOffset {
    /// `None` only where a PATCH names none.
    pub partition: Option<ScalarMap>,
    /// `None` in a PATCH removes the partition's offset.
    pub offset: Option<ScalarMap>,
}

/// Why a PATCH body cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadBody {
    /// Not the JSON it should be: Kafka answers 500.
    Malformed(String),
    /// JSON that makes no sense: 400.
    Invalid(String),
}

/// A change of a sink's committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkOffset {
    /// The topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// The offset to commit; `None` deletes the commit.
    pub offset: Option<i64>,
}

impl PartitionOffset {
    /// Entry of a source partition.
    pub fn source(partition: ScalarMap, offset: ScalarMap) -> Self {
        Self { partition: Some(partition), offset: Some(offset) }
    }

    /// Entry of a topic partition of a sink.
    pub fn sink(topic: &str, partition: i32, offset: i64) -> Self {
        let partition = vec![
            ("kafka_topic".into(), Scalar::Text(topic.into())),
            ("kafka_partition".into(), Scalar::Int(partition.into())),
        ];
        Self::source(partition, vec![("kafka_offset".into(), Scalar::Int(offset))])
    }
}

impl ConnectorOffsets {
    /// Reads a PATCH body.
    pub fn from_json(body: &[u8]) -> Result<Self, BadBody> {
        let body: Body = serde_json::from_slice(body).map_err(|error| BadBody::Malformed(format!("{error}")))?;
        match body.offsets {
            Some(offsets) if !offsets.is_empty() => {
                Ok(Self { offsets: offsets.into_iter().map(Entry::into).collect() })
            }
            _ => Err(BadBody::Invalid("Partitions / offsets need to be provided for an alter offsets request".into())),
        }
    }

    /// The changes that a PATCH asks of a sink. The error is the message of a 400.
    pub fn for_sink(&self) -> Result<Vec<SinkOffset>, String> {
        self.offsets.iter().map(PartitionOffset::for_sink).collect()
    }
}

impl PartitionOffset {
    fn for_sink(&self) -> Result<SinkOffset, String> {
        let partition =
            self.partition.as_ref().ok_or("The partition for a sink connector offset cannot be null or missing")?;
        let keys =
            || "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'";
        let (topic, number) =
            (get(partition, "kafka_topic").ok_or_else(keys)?, get(partition, "kafka_partition").ok_or_else(keys)?);
        let topic = topic.as_text().ok_or("Kafka topic names must be valid strings and may not be null")?;
        let number = whole(number).and_then(|number| i32::try_from(number).ok()).filter(|number| *number >= 0).ok_or_else(|| {
            let value = plain(number);
            format!("Failed to parse the following Kafka partition value in the provided offsets: '{value}'. Partition values for sink connectors need to be integers.")
        })?;
        let offset = self.offset.as_ref().map(|offset| sink_offset(offset)).transpose()?;
        Ok(SinkOffset { topic: topic.into(), partition: number, offset })
    }
}

fn sink_offset(offset: &[(String, Scalar)]) -> Result<i64, String> {
    let value = get(offset, "kafka_offset")
        .ok_or("The offset for a sink connector should either be null or contain the key 'kafka_offset'")?;
    whole(value).filter(|offset| *offset >= 0).ok_or_else(|| {
        let value = plain(value);
        format!("Failed to parse the following Kafka offset value in the provided offsets: '{value}'. Offset values for sink connectors need to be integers.")
    })
}

/// A whole number, or text that is one.
fn whole(value: &Scalar) -> Option<i64> {
    value.as_int().or_else(|| value.as_text()?.parse().ok())
}

/// A value for a message.
fn plain(value: &Scalar) -> Cow<'_, str> {
    match value {
        Scalar::Text(text) => Cow::Borrowed(text),
        Scalar::Null => Cow::Borrowed("null"),
        Scalar::Bool(bool) => Cow::Owned(format!("{bool}")),
        Scalar::Int(int) => Cow::Owned(format!("{int}")),
        Scalar::Float(float) => Cow::Owned(crate::convert::java_double(*float)),
        Scalar::Bytes(bytes) => Cow::Owned(format!("{} bytes", bytes.len())),
    }
}

impl Serialize for ConnectorOffsets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(Some(1))?;
        body.serialize_entry("offsets", &self.offsets)?;
        body.end()
    }
}

impl Serialize for PartitionOffset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entry = serializer.serialize_map(Some(2))?;
        entry.serialize_entry("partition", &self.partition.as_deref().map(Fields))?;
        entry.serialize_entry("offset", &self.offset.as_deref().map(Fields))?;
        entry.end()
    }
}

/// A scalar map, as an answer shows it.
struct Fields<'a>(&'a [(String, Scalar)]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            match value {
                Scalar::Null => fields.serialize_entry(name, &())?,
                Scalar::Bool(bool) => fields.serialize_entry(name, bool)?,
                Scalar::Int(int) => fields.serialize_entry(name, int)?,
                Scalar::Float(float) if float.is_finite() => fields.serialize_entry(name, float)?,
                Scalar::Float(float) => fields.serialize_entry(name, &crate::convert::java_double(*float))?,
                Scalar::Text(text) => fields.serialize_entry(name, text)?,
                Scalar::Bytes(bytes) => {
                    fields.serialize_entry(name, &base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes))?
                }
            }
        }
        fields.end()
    }
}

struct Key(String, ScalarMap);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a connector's name and a partition")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Key, A::Error> {
                let missing = |at| <A::Error as serde::de::Error>::invalid_length(at, &self);
                let connector = seq.next_element()?.ok_or_else(|| missing(0))?;
                let Map(partition) = seq.next_element()?.ok_or_else(|| missing(1))?;
                Ok(Key(connector, partition))
            }
        }
        deserializer.deserialize_seq(Pair)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    offsets: Option<Vec<Entry>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    partition: Option<Map>,
    offset: Option<Map>,
}

impl From<Entry> for PartitionOffset {
    fn from(entry: Entry) -> Self {
        Self { partition: entry.partition.map(|map| map.0), offset: entry.offset.map(|map| map.0) }
    }
}

#[cfg(test)]
mod tests;
