//! Typed values in JSON: the payload of the envelope.
//!
//! Owns Kafka's writing, and in `read` Jackson's lenient reading. Leaves the envelope to `json` and schemas to `json_schema`. Source:
//! contract 8.1, and Kafka Connect 4.3 asked. Invariant: what is written is one valid JSON value.

use alloc::{format, string::String, vec::Vec};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::escape::quote_into;
use super::java_text::{java_double, java_float};
use crate::data::date::DAY_MS;
use crate::data::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use crate::data::{Fault, Kind, Schema, Struct, Value};

mod read;

pub use read::{MOST_DEPTH, read};

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
