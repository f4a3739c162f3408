//! Values out of JSON, as Jackson reads them leniently: `"x"` is 0 for an int32, 300 is 44 for an int8; a field that the schema does not
//! name is dropped.
//!
//! Invariant: nothing is read deeper than [`MOST_DEPTH`].

use alloc::{format, sync::Arc, vec::Vec};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::convert::node::{Node, field};
use crate::data::date::DAY_MS;
use crate::data::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use crate::data::{Decimal, Fault, Kind, Schema, Struct, Value};

/// Deepest value: as deep as serde_json itself reads.
pub const MOST_DEPTH: usize = 128;

/// Reads one JSON value, under a schema if there is one. `replace_null`: its defaults stand for nulls.
pub fn read(schema: Option<&Arc<Schema>>, json: &str, replace_null: bool) -> Result<Value, Fault> {
    Reader { replace_null }.value(schema, Some(json), MOST_DEPTH)
}

struct Reader {
    replace_null: bool,
}

impl Reader {
    fn value(&self, schema: Option<&Arc<Schema>>, json: Option<&str>, depth: usize) -> Result<Value, Fault> {
        let depth = depth.checked_sub(1).ok_or_else(|| Fault::data("The JSON value is too deep"))?;
        let node = json.map_or(Ok(Node::Null), Node::of)?;
        let Some(schema) = schema else { return self.schemaless(node, depth) };
        if matches!(node, Node::Null) {
            return match &schema.default {
                default if self.replace_null && !default.is_null() => Ok(default.clone()),
                _ if schema.optional => Ok(Value::Null),
                _ => Err(Fault::data(format!("Invalid null value for required {} field", schema.kind.name()))),
            };
        }
        match (&schema.kind, schema.name.as_deref()) {
            (Kind::Bytes, Some(DECIMAL)) => decimal(schema, &node),
            (Kind::Int32 | Kind::Int64, Some(DATE | TIME | TIMESTAMP)) => date(schema, &node),
            (Kind::Int8, _) => Ok(Value::Int8(whole(&node) as i8)),
            (Kind::Int16, _) => Ok(Value::Int16(whole(&node) as i16)),
            (Kind::Int32, _) => Ok(Value::Int32(whole(&node) as i32)),
            (Kind::Int64, _) => Ok(Value::Int64(whole(&node))),
            (Kind::Float32, _) => Ok(Value::Float32(number(&node).unwrap_or_default())),
            (Kind::Float64, _) => Ok(Value::Float64(number(&node).unwrap_or_default())),
            (Kind::Boolean, _) => Ok(Value::Bool(matches!(node, Node::Bool(true)))),
            (Kind::Text, _) => Ok(match node {
                Node::Text(text) => Value::Text(text.into()),
                _ => Value::Null,
            }),
            (Kind::Bytes, _) => match &node {
                Node::Text(text) => {
                    BASE64_STANDARD.decode(&**text).map(Value::Bytes).map_err(|_| Fault::data("Invalid bytes field"))
                }
                _ => Err(Fault::data("Invalid bytes field")),
            },
            (Kind::Array(items), _) => match node {
                Node::Array(values) => {
                    let values = values.into_iter().map(|value| self.value(Some(items), Some(value.get()), depth));
                    Ok(Value::Array(values.collect::<Result<_, _>>()?))
                }
                _ => Err(Fault::data(format!("Arrays should be encoded as JSON arrays, but found {}", node.kind()))),
            },
            (Kind::Map(keys, values), _) => self.map(keys, values, node, depth),
            (Kind::Struct(_), _) => self.structure(schema, &node, depth),
        }
    }

    fn schemaless(&self, node: Node<'_>, depth: usize) -> Result<Value, Fault> {
        Ok(match node {
            Node::Null => Value::Null,
            Node::Bool(bool) => Value::Bool(bool),
            Node::Text(text) => Value::Text(text.into()),
            Node::Number(_) if node.is_whole() => Value::Int64(whole(&node)),
            Node::Number(_) => Value::Float64(number(&node).unwrap_or_default()),
            Node::Array(items) => {
                let items = items.into_iter().map(|item| self.value(None, Some(item.get()), depth));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Node::Object(fields) => {
                let entries = fields
                    .into_iter()
                    .map(|(name, value)| Ok((Value::Text(name.into()), self.value(None, Some(value.get()), depth)?)));
                Value::Map(entries.collect::<Result<_, Fault>>()?)
            }
        })
    }

    /// An object if its keys are strings; else a list of pairs.
    fn map(&self, keys: &Arc<Schema>, values: &Arc<Schema>, node: Node<'_>, depth: usize) -> Result<Value, Fault> {
        match (&keys.kind, node) {
            (Kind::Text, Node::Object(fields)) => {
                let entries = fields.into_iter().map(|(name, value)| {
                    Ok((Value::Text(name.into()), self.value(Some(values), Some(value.get()), depth)?))
                });
                Ok(Value::Map(entries.collect::<Result<_, Fault>>()?))
            }
            (Kind::Text, other) => Err(Fault::data(format!(
                "Maps with string fields should be encoded as JSON objects, but found {}",
                other.kind()
            ))),
            (_, Node::Array(pairs)) => {
                let mut entries: Vec<(Value, Value)> = Vec::with_capacity(pairs.len());
                for pair in pairs {
                    let entry = match Node::of(pair.get())? {
                        Node::Array(pair) => pair,
                        other => {
                            let found = other.kind();
                            return Err(Fault::data(format!(
                                "Found invalid map entry instead of array tuple: {found}"
                            )));
                        }
                    };
                    let [key, value] = entry[..] else {
                        let length = entry.len();
                        return Err(Fault::data(format!(
                            "Found invalid map entry, expected length 2 but found :{length}"
                        )));
                    };
                    let key = self.value(Some(keys), Some(key.get()), depth)?;
                    entries.push((key, self.value(Some(values), Some(value.get()), depth)?));
                }
                Ok(Value::Map(last_of_each(entries)))
            }
            (_, other) => Err(Fault::data(format!(
                "Maps with non-string fields should be encoded as JSON array of tuples, but found {}",
                other.kind()
            ))),
        }
    }

    fn structure(&self, schema: &Arc<Schema>, node: &Node<'_>, depth: usize) -> Result<Value, Fault> {
        let Node::Object(fields) = node else {
            let found = node.kind();
            return Err(Fault::data(format!("Structs should be encoded as JSON objects, but found {found}")));
        };
        let mut values = Vec::with_capacity(schema.fields().len());
        for member in schema.fields() {
            let json = field(fields, &member.name).map(|json| json.get());
            let value = self.value(Some(&member.schema), json, depth)?;
            member.schema.check(&member.name, &value)?;
            values.push(value);
        }
        Ok(Value::Struct(Struct { schema: schema.clone(), values }.into()))
    }
}

/// Of keys that come twice the last value counts, at the first one's place.
fn last_of_each(entries: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    let mut kept: Vec<(Value, Value)> = Vec::with_capacity(entries.len());
    let mut places = alloc::collections::BTreeMap::new();
    for (key, value) in entries {
        let name = crate::data::text::java(&key);
        match places.get(&name) {
            Some(place) => {
                let place: usize = *place;
                kept[place].1 = value;
            }
            None => {
                places.insert(name, kept.len());
                kept.push((key, value));
            }
        }
    }
    kept
}

/// Java's `longValue` of a node: what is no number is 0, what is too large is cut.
fn whole(node: &Node<'_>) -> i64 {
    let Node::Number(text) = node else { return 0 };
    text.parse().unwrap_or_else(|_| Decimal::parse(text).map_or(0, |decimal| decimal.to_i64_wrapping()))
}

fn number<T: core::str::FromStr>(node: &Node<'_>) -> Option<T> {
    let Node::Number(text) = node else { return None };
    text.parse().ok()
}

fn decimal(schema: &Schema, node: &Node<'_>) -> Result<Value, Fault> {
    let decimal = match node {
        Node::Number(text) => Decimal::parse(text),
        Node::Text(text) => match BASE64_STANDARD.decode(&**text) {
            Ok(bytes) => Decimal::from_bytes(&bytes, schema.scale()?),
            Err(_) => None,
        },
        other => {
            return Err(Fault::data(format!(
                "Invalid type for Decimal, underlying representation should be numeric or bytes but was {}",
                other.kind()
            )));
        }
    };
    decimal.map(Value::Decimal).ok_or_else(|| Fault::data("Invalid bytes for Decimal field"))
}

fn date(schema: &Schema, node: &Node<'_>) -> Result<Value, Fault> {
    let (name, wanted) = match schema.name.as_deref() {
        Some(DATE) => ("Date", "integer"),
        Some(TIME) => ("Time", "integer"),
        _ => ("Timestamp", "integral"),
    };
    let wrong = || {
        let found = node.kind();
        Fault::data(format!("Invalid type for {name}, underlying representation should be {wanted} but was {found}"))
    };
    let Node::Number(text) = node else { return Err(wrong()) };
    if !node.is_whole() {
        return Err(wrong());
    }
    match name {
        "Timestamp" => Ok(Value::Date(whole(node))),
        "Date" => text.parse::<i32>().map(|days| Value::Date(i64::from(days) * DAY_MS)).map_err(|_| wrong()),
        _ => match text.parse::<i32>().map(i64::from) {
            Ok(millis) if (0..=DAY_MS).contains(&millis) => Ok(Value::Date(millis)),
            Ok(_) => {
                Err(Fault::data("Time values must use number of milliseconds greater than 0 and less than 86400000"))
            }
            Err(_) => Err(wrong()),
        },
    }
}
