//! Typed values in JSON: the payload of the envelope.
//!
//! Owns Jackson's lenient reading (`"x"` is 0 for an int32, 300 is 44 for an int8; a field that the schema does not name is dropped)
//! and Kafka's writing. Leaves the envelope to `json` and schemas to `json_schema`. Source: contract 8.1, and Kafka Connect 4.3 asked.
//! Invariant: what is written is one valid JSON value.

use alloc::{format, string::String, sync::Arc, vec::Vec};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::escape::quote_into;
use super::java_text::{java_double, java_float};
use super::node::{Node, field};
use crate::data::date::DAY_MS;
use crate::data::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use crate::data::{Decimal, Fault, Kind, Schema, Struct, Value};

/// Deepest value: as deep as serde_json itself reads.
pub const MOST_DEPTH: usize = 128;

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Decimals as base64 of their bytes, as JSON numbers like Jackson's, or as numbers without an exponent.
    pub decimals: Decimals,
    /// A null in a field that has a default becomes the default.
    pub replace_null: bool,
}

/// `decimal.format`, and what connectors get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decimals {
    /// Base64 of the unscaled number.
    Base64,
    /// A JSON number.
    Numeric,
    /// A JSON number without an exponent.
    Plain,
}

impl Style {
    /// For connectors, which see no schema.
    pub const GUEST: Self = Self { decimals: Decimals::Plain, replace_null: true };
}

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

/// Appends a value, under its schema if it has one.
pub fn write(out: &mut Vec<u8>, schema: Option<&Schema>, value: &Value, style: Style) -> Result<(), Fault> {
    if let (Value::Null, Some(schema)) = (value, schema) {
        return match &schema.default {
            default if style.replace_null && !default.is_null() => write(out, Some(schema), default, style),
            _ if schema.optional => {
                out.extend_from_slice(b"null");
                Ok(())
            }
            _ => Err(Fault::data("Conversion error: null value for field that is required and has no default value")),
        };
    }
    match (value, schema.map(|schema| &schema.kind)) {
        (Value::Null | Value::Unread, _) => out.extend_from_slice(b"null"),
        (value, _) if unlike(schema, value).is_some() => {
            let (name, class) = unlike(schema, value).unwrap_or_default();
            let found = value.java_class();
            return Err(Fault::data(format!("Invalid type for {name}, expected {class} but was class {found}")));
        }
        (Value::Decimal(decimal), _) if named(schema, DECIMAL) || style.decimals == Decimals::Plain => {
            match style.decimals {
                Decimals::Base64 => {
                    let (wanted, found) = (schema.map_or(Ok(decimal.scale()), Schema::scale)?, decimal.scale());
                    if wanted != found {
                        return Err(Fault::data(format!(
                            "Decimal value has mismatching scale for given Decimal schema. Schema has scale {wanted}, value has scale {found}."
                        )));
                    }
                    quote_into(out, &BASE64_STANDARD.encode(decimal.to_bytes()))
                }
                Decimals::Numeric => out.extend_from_slice(decimal.to_java().as_bytes()),
                Decimals::Plain => out.extend_from_slice(decimal.to_plain().as_bytes()),
            }
        }
        (Value::Date(millis), _) if named(schema, DATE) => {
            if millis % DAY_MS != 0 {
                return Err(Fault::data(
                    "Kafka Connect Date type should not have any time fields set to non-zero values.",
                ));
            }
            out.extend_from_slice(format!("{}", millis / DAY_MS).as_bytes());
        }
        (Value::Date(millis), _) if named(schema, TIME) => {
            if !(0..DAY_MS).contains(millis) {
                return Err(Fault::data(
                    "Kafka Connect Time type should not have any date fields set to non-zero values.",
                ));
            }
            out.extend_from_slice(format!("{millis}").as_bytes());
        }
        (Value::Date(millis), _) if named(schema, TIMESTAMP) || style.decimals == Decimals::Plain => {
            out.extend_from_slice(format!("{millis}").as_bytes());
        }
        (Value::Decimal(_) | Value::Date(_), None) => {
            let class = value.java_class();
            return Err(Fault::data(format!("Java class class {class} does not have corresponding schema type.")));
        }
        (Value::Text(text), None | Some(Kind::Text)) => quote_into(out, text),
        (Value::Bool(bool), None | Some(Kind::Boolean)) => {
            out.extend_from_slice(if *bool { b"true" } else { b"false" })
        }
        (Value::Int8(whole), None | Some(Kind::Int8)) => out.extend_from_slice(format!("{whole}").as_bytes()),
        (Value::Int16(whole), None | Some(Kind::Int16)) => out.extend_from_slice(format!("{whole}").as_bytes()),
        (Value::Int32(whole), None | Some(Kind::Int32)) => out.extend_from_slice(format!("{whole}").as_bytes()),
        (Value::Int64(whole), None | Some(Kind::Int64)) => out.extend_from_slice(format!("{whole}").as_bytes()),
        (Value::Float32(float), None | Some(Kind::Float32)) => finite(out, float.is_finite(), &java_float(*float)),
        (Value::Float64(double), None | Some(Kind::Float64)) => finite(out, double.is_finite(), &java_double(*double)),
        (Value::Bytes(bytes), None | Some(Kind::Bytes)) => quote_into(out, &BASE64_STANDARD.encode(bytes)),
        (Value::Array(items), None) => list(out, items, |out, item| write(out, None, item, style))?,
        (Value::Array(items), Some(Kind::Array(of))) => {
            list(out, items, |out, item| write(out, Some(of), item, style))?
        }
        (Value::Map(entries), None) => map(out, None, None, entries, style)?,
        (Value::Map(entries), Some(Kind::Map(keys, values))) => map(out, Some(keys), Some(values), entries, style)?,
        (Value::Struct(of), Some(Kind::Struct(fields))) if *fields == of.schema.fields() => structure(out, of, style)?,
        (Value::Struct(of), None) => structure(out, of, style)?,
        (Value::Struct(_), Some(Kind::Struct(_))) => return Err(Fault::data("Mismatching schema.")),
        (value, Some(kind)) => {
            let class = value.java_class();
            return Err(Fault::data(format!("Invalid type for {}: class {class}", kind.name())));
        }
    }
    Ok(())
}

fn named(schema: Option<&Schema>, name: &str) -> bool {
    schema.is_some_and(|schema| schema.is_named(name))
}

/// The logical type and its class in Java, if the schema is of one and the value is not.
fn unlike(schema: Option<&Schema>, value: &Value) -> Option<(&'static str, &'static str)> {
    match (schema?.name.as_deref()?, value) {
        (DATE, Value::Date(_))
        | (TIME, Value::Date(_))
        | (TIMESTAMP, Value::Date(_))
        | (DECIMAL, Value::Decimal(_)) => None,
        (DATE, _) => Some(("Date", "Date")),
        (TIME, _) => Some(("Time", "Date")),
        (TIMESTAMP, _) => Some(("Timestamp", "Date")),
        (DECIMAL, _) => Some(("Decimal", "BigDecimal")),
        _ => None,
    }
}

/// JSON has no NaN and no infinities: they become strings.
fn finite(out: &mut Vec<u8>, is_finite: bool, text: &str) {
    if is_finite { out.extend_from_slice(text.as_bytes()) } else { quote_into(out, text) }
}

fn list(
    out: &mut Vec<u8>,
    items: &[Value],
    one: impl Fn(&mut Vec<u8>, &Value) -> Result<(), Fault>,
) -> Result<(), Fault> {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"" } else { b"," });
        one(out, item)?;
    }
    out.push(b']');
    Ok(())
}

/// An object if the schema, or without one every key, is a string; else a list of pairs.
fn map(
    out: &mut Vec<u8>,
    keys: Option<&Schema>,
    values: Option<&Schema>,
    entries: &[(Value, Value)],
    style: Style,
) -> Result<(), Fault> {
    let object = match keys {
        Some(schema) => schema.kind == Kind::Text && entries.iter().all(|(key, _)| matches!(key, Value::Text(_))),
        None => entries.iter().all(|(key, _)| matches!(key, Value::Text(_))),
    };
    out.push(if object { b'{' } else { b'[' });
    for (index, (key, value)) in entries.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"" } else { b"," });
        match key {
            Value::Text(name) if object => {
                quote_into(out, name);
                out.push(b':');
                write(out, values, value, style)?;
            }
            key => {
                out.push(b'[');
                write(out, keys, key, style)?;
                out.push(b',');
                write(out, values, value, style)?;
                out.push(b']');
            }
        }
    }
    out.push(if object { b'}' } else { b']' });
    Ok(())
}

fn structure(out: &mut Vec<u8>, of: &Struct, style: Style) -> Result<(), Fault> {
    out.push(b'{');
    for (index, (field, value)) in of.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"" } else { b"," });
        quote_into(out, &field.name);
        out.push(b':');
        write(out, Some(&field.schema), value, style)?;
    }
    out.push(b'}');
    Ok(())
}

/// The value as JSON text for a connector.
pub fn for_guest(schema: Option<&Schema>, value: &Value) -> Result<String, Fault> {
    let mut out = Vec::new();
    write(&mut out, schema, value, Style::GUEST)?;
    Ok(String::from_utf8(out).expect("JSON is UTF-8"))
}
