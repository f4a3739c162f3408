//! Scalar maps in JSON, as Jackson writes and reads them.
//!
//! Owns the map's order (the connector's, both ways) and its types: null, booleans, whole numbers, doubles, text; bytes become
//! base64 text, as in Kafka, and come back as text. Invariant: compact, and equal maps give equal bytes.

use crate::convert::{java_double, quote_json};
use crate::scalar::{Scalar, ScalarMap};
use alloc::{format, string::String, vec::Vec};
use base64::Engine;
use core::fmt;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Appends `map` as a JSON object.
pub fn write_map(out: &mut Vec<u8>, map: &[(String, Scalar)]) {
    out.push(b'{');
    for (index, (name, value)) in map.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        quote_json(out, name);
        out.push(b':');
        write_scalar(out, value);
    }
    out.push(b'}');
}

fn write_scalar(out: &mut Vec<u8>, value: &Scalar) {
    match value {
        Scalar::Null => out.extend_from_slice(b"null"),
        Scalar::Bool(bool) => out.extend_from_slice(if *bool { b"true" } else { b"false" }),
        Scalar::Int(int) => out.extend_from_slice(format!("{int}").as_bytes()),
        Scalar::Float(float) if float.is_finite() => out.extend_from_slice(java_double(*float).as_bytes()),
        Scalar::Float(float) => quote_json(out, &java_double(*float)),
        Scalar::Text(text) => quote_json(out, text),
        Scalar::Bytes(bytes) => quote_json(out, &base64::prelude::BASE64_STANDARD.encode(bytes)),
    }
}

/// A map as it is read; of a name that comes twice the last value counts, at the first place.
pub struct Map(pub ScalarMap);

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MapVisitor).map(Self)
    }
}

struct MapVisitor;

impl<'de> Visitor<'de> for MapVisitor {
    type Value = ScalarMap;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of plain values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ScalarMap, A::Error> {
        let mut entries = ScalarMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = match map.next_value::<Value>()? {
                Value::Scalar(scalar) => scalar,
                Value::Nested(kind) => {
                    return Err(A::Error::custom(format!(
                        "Offsets may only contain primitive types as values, but field {name} contains {kind}"
                    )));
                }
            };
            match entries.iter().position(|(known, _)| *known == name) {
                Some(place) => entries[place].1 = value,
                None if entries.len() < MAX_ENTRIES => entries.push((name, value)),
                None => {
                    return Err(A::Error::custom(format!("an offset or partition has more than {MAX_ENTRIES} fields")));
                }
            }
        }
        Ok(entries)
    }
}

/// Bounds the time that reading a map takes; connectors use a handful.
pub const MAX_ENTRIES: usize = 1000;

enum Value {
    Scalar(Scalar),
    Nested(&'static str),
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Scalar(Scalar::Null))
    }

    fn visit_bool<E>(self, bool: bool) -> Result<Value, E> {
        Ok(Value::Scalar(Scalar::Bool(bool)))
    }

    fn visit_i64<E>(self, int: i64) -> Result<Value, E> {
        Ok(Value::Scalar(Scalar::Int(int)))
    }

    /// Beyond 63 bits it wraps, as in Kafka's JsonConverter.
    fn visit_u64<E>(self, int: u64) -> Result<Value, E> {
        Ok(Value::Scalar(Scalar::Int(int as i64)))
    }

    fn visit_f64<E>(self, float: f64) -> Result<Value, E> {
        Ok(Value::Scalar(Scalar::Float(float)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Scalar(Scalar::Text(text.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Nested("ARRAY"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Nested("MAP"))
    }
}
