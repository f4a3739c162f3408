//! Schemas of the JSON envelope, and what a payload is under one.
//!
//! Owns the schema's JSON form and Jackson's lenient reading of payloads (`"x"` is 0 for an int32, 300 is 44 for an int8; a
//! field that the schema does not name is dropped). Structs, maps, arrays, numbers and booleans go on as JSON; logical types
//! keep their plain form, but a Decimal becomes a JSON number. Invariant: [`Decoded::Json`] is one valid JSON value.

use super::escape;
use alloc::{borrow::Cow, boxed::Box, format, string::String, vec, vec::Vec};
use base64::Engine;
use serde_json::Value;

const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
/// Longest unscaled Decimal that is read, in bytes: its text takes quadratic time.
const MAX_DECIMAL: usize = 1024;

/// What a record's bytes turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded<'a> {
    /// Null.
    Null,
    /// Connect's STRING.
    Text(Cow<'a, str>),
    /// Connect's BYTES.
    Bytes(Vec<u8>),
    /// Anything else, as JSON.
    Json(Cow<'a, str>),
}

impl<'a> Decoded<'a> {
    /// A payload without a schema: a string is text, null is null, all else goes on as it is.
    pub fn schemaless(json: &'a str) -> Result<Self, String> {
        match json.as_bytes().first() {
            Some(b'"') => Ok(Self::Text(Cow::Owned(
                serde_json::from_str(json).map_err(|error| format!("Invalid string: {error}"))?,
            ))),
            _ if json == "null" => Ok(Self::Null),
            _ => Ok(Self::Json(Cow::Borrowed(json))),
        }
    }

    /// As JSON: text in quotes, bytes in base64.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Text(text) => escape::quote_into(out, text),
            Self::Bytes(bytes) => escape::quote_into(out, &base64::prelude::BASE64_STANDARD.encode(bytes)),
            Self::Json(json) => out.extend_from_slice(json.as_bytes()),
        }
    }
}

/// A schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    kind: Kind,
    optional: bool,
    default: Option<Value>,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Int(u32),
    Float32,
    Float64,
    Boolean,
    Text,
    Bytes,
    Decimal { scale: i32 },
    Array(Box<Schema>),
    Map { keys: Box<Schema>, values: Box<Schema> },
    Struct(Vec<(String, Schema)>),
}

impl Schema {
    /// Reads a schema's JSON. The errors are Kafka's.
    pub fn parse(json: &str) -> Result<Self, String> {
        Self::of(&serde_json::from_str(json).map_err(|error| format!("Schema is not valid JSON: {error}"))?)
    }

    fn of(schema: &Value) -> Result<Self, String> {
        let kind = match schema.get("type").and_then(Value::as_str).ok_or("Schema must contain 'type' field")? {
            "int8" => Kind::Int(8),
            "int16" => Kind::Int(16),
            "int32" => Kind::Int(32),
            "int64" => Kind::Int(64),
            "float" => Kind::Float32,
            "double" => Kind::Float64,
            "boolean" => Kind::Boolean,
            "string" => Kind::Text,
            "bytes" => Self::bytes_kind(schema)?,
            "array" => Kind::Array(Self::part(schema, "items", "Array schema did not specify the element type")?),
            "map" => Kind::Map {
                keys: Self::part(schema, "keys", "Map schema did not specify the key type")?,
                values: Self::part(schema, "values", "Map schema did not specify the value type")?,
            },
            "struct" => Kind::Struct(Self::fields(schema)?),
            other => return Err(format!("Unknown schema type: {other}")),
        };
        let optional = schema.get("optional").and_then(Value::as_bool).unwrap_or(false);
        Ok(Self { kind, optional, default: schema.get("default").filter(|default| !default.is_null()).cloned() })
    }

    fn part(schema: &Value, name: &str, missing: &str) -> Result<Box<Self>, String> {
        Ok(Box::new(Self::of(schema.get(name).filter(|part| part.is_object()).ok_or(missing)?)?))
    }

    fn fields(schema: &Value) -> Result<Vec<(String, Self)>, String> {
        let fields = schema
            .get("fields")
            .and_then(Value::as_array)
            .ok_or("Struct schema's \"fields\" argument is not an array.")?;
        let field = |field: &Value| {
            let name = field
                .get("field")
                .and_then(Value::as_str)
                .ok_or("Struct schema's field name not specified properly")?;
            Ok((name.into(), Self::of(field)?))
        };
        fields.iter().map(field).collect()
    }

    fn bytes_kind(schema: &Value) -> Result<Kind, String> {
        if schema.get("name").and_then(Value::as_str) != Some(DECIMAL) {
            return Ok(Kind::Bytes);
        }
        let scale = schema.get("parameters").and_then(|parameters| parameters.get("scale")).and_then(Value::as_str);
        let scale = scale
            .and_then(|scale| scale.parse().ok())
            .filter(|scale: &i32| scale.unsigned_abs() as usize <= MAX_DECIMAL);
        Ok(Kind::Decimal {
            scale: scale.ok_or("Invalid Decimal schema: scale parameter not found, or not a small whole number")?,
        })
    }

    /// What the payload `json` is under this schema.
    pub fn decode<'a>(&self, json: &'a str) -> Result<Decoded<'a>, String> {
        let payload: Value = serde_json::from_str(json).map_err(|error| format!("Invalid payload: {error}"))?;
        let payload = match self.filled(&payload)? {
            Some(payload) => payload,
            None => return Ok(Decoded::Null),
        };
        match (&self.kind, payload) {
            (Kind::Text, Value::String(text)) => Ok(Decoded::Text(Cow::Owned(text.clone()))),
            (Kind::Text, _) => Ok(Decoded::Null),
            (Kind::Bytes, payload) => base64_bytes(payload).map(Decoded::Bytes),
            _ => {
                let mut out = String::new();
                self.write(payload, &mut out)?;
                Ok(Decoded::Json(Cow::Owned(out)))
            }
        }
    }

    /// The payload, the default in place of null, or `None` for a null that may be.
    fn filled<'v>(&'v self, payload: &'v Value) -> Result<Option<&'v Value>, String> {
        match (payload, &self.default) {
            (Value::Null, Some(default)) => Ok(Some(default)),
            (Value::Null, None) if self.optional => Ok(None),
            (Value::Null, None) => Err(format!("Invalid null value for required {} field", self.kind.name())),
            _ => Ok(Some(payload)),
        }
    }

    /// Appends the payload, coerced, as JSON.
    fn write(&self, payload: &Value, out: &mut String) -> Result<(), String> {
        let Some(payload) = self.filled(payload)? else {
            out.push_str("null");
            return Ok(());
        };
        match &self.kind {
            Kind::Int(bits) => out.push_str(&format!("{}", wrapped(payload, *bits))),
            Kind::Float32 => out.push_str(&format!("{:?}", payload.as_f64().unwrap_or(0.0) as f32)),
            Kind::Float64 => out.push_str(&format!("{:?}", payload.as_f64().unwrap_or(0.0))),
            Kind::Boolean => out.push_str(if payload.as_bool().unwrap_or(false) { "true" } else { "false" }),
            Kind::Text => match payload.as_str() {
                Some(text) => quote(text, out),
                None => out.push_str("null"),
            },
            Kind::Bytes => quote(&base64::prelude::BASE64_STANDARD.encode(base64_bytes(payload)?), out),
            Kind::Decimal { .. } if payload.is_number() => out.push_str(&format!("{payload}")),
            Kind::Decimal { scale } => out.push_str(&decimal(&base64_bytes(payload)?, *scale)?),
            Kind::Array(items) => list(payload, out, |item, out| items.write(item, out))?,
            Kind::Map { keys, values } => Self::write_map(keys, values, payload, out)?,
            Kind::Struct(fields) => Self::write_struct(fields, payload, out)?,
        }
        Ok(())
    }

    /// An object if its keys are strings; else, as in the envelope, a list of pairs.
    fn write_map(keys: &Self, values: &Self, payload: &Value, out: &mut String) -> Result<(), String> {
        let Value::Object(map) = payload else {
            return list(payload, out, |pair, out| match pair.as_array().map(Vec::as_slice) {
                Some([key, value]) => {
                    out.push('[');
                    keys.write(key, out)?;
                    out.push(',');
                    values.write(value, out)?;
                    out.push(']');
                    Ok(())
                }
                _ => Err("Found invalid map entry, expected a pair of key and value".into()),
            });
        };
        out.push('{');
        for (index, (key, value)) in map.iter().enumerate() {
            out.push_str(if index == 0 { "" } else { "," });
            quote(key, out);
            out.push(':');
            values.write(value, out)?;
        }
        out.push('}');
        Ok(())
    }

    fn write_struct(fields: &[(String, Self)], payload: &Value, out: &mut String) -> Result<(), String> {
        let payload = payload.as_object().ok_or("Structs should be encoded as JSON objects")?;
        out.push('{');
        for (index, (name, schema)) in fields.iter().enumerate() {
            out.push_str(if index == 0 { "" } else { "," });
            quote(name, out);
            out.push(':');
            schema.write(payload.get(name).unwrap_or(&Value::Null), out)?;
        }
        out.push('}');
        Ok(())
    }
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Int(8) => "INT8",
            Self::Int(16) => "INT16",
            Self::Int(32) => "INT32",
            Self::Int(_) => "INT64",
            Self::Float32 => "FLOAT32",
            Self::Float64 => "FLOAT64",
            Self::Boolean => "BOOLEAN",
            Self::Text => "STRING",
            Self::Bytes | Self::Decimal { .. } => "BYTES",
            Self::Array(_) => "ARRAY",
            Self::Map { .. } => "MAP",
            Self::Struct(_) => "STRUCT",
        }
    }
}

/// A whole number, cut to `bits` bits as a Java cast does; what is no number is 0.
fn wrapped(payload: &Value, bits: u32) -> i64 {
    let whole = payload
        .as_i64()
        .or_else(|| payload.as_u64().map(|n| n as i64))
        .or_else(|| payload.as_f64().map(|n| n as i64))
        .unwrap_or(0);
    whole << (64 - bits) >> (64 - bits)
}

fn list(
    payload: &Value,
    out: &mut String,
    item: impl Fn(&Value, &mut String) -> Result<(), String>,
) -> Result<(), String> {
    let items = payload.as_array().ok_or("Arrays should be encoded as JSON arrays")?;
    out.push('[');
    for (index, value) in items.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { "," });
        item(value, out)?;
    }
    out.push(']');
    Ok(())
}

fn quote(text: &str, out: &mut String) {
    let mut bytes = core::mem::take(out).into_bytes();
    escape::quote_into(&mut bytes, text);
    *out = String::from_utf8(bytes).unwrap_or_default();
}

fn base64_bytes(payload: &Value) -> Result<Vec<u8>, String> {
    let text = payload.as_str().ok_or("Invalid bytes field: not a base64 string")?;
    base64::prelude::BASE64_STANDARD.decode(text).map_err(|error| format!("Invalid bytes field: {error}"))
}

/// Decimal text of a big-endian two's complement number with `scale` digits after the point.
fn decimal(unscaled: &[u8], scale: i32) -> Result<String, String> {
    if unscaled.is_empty() || unscaled.len() > MAX_DECIMAL {
        return Err(format!("Invalid bytes for Decimal field: {} bytes", unscaled.len()));
    }
    let negative = unscaled[0] & 0x80 != 0;
    let mut magnitude = unscaled.to_vec();
    if negative {
        magnitude.iter_mut().for_each(|byte| *byte = !*byte);
        magnitude.iter_mut().rev().all(|byte| {
            *byte = byte.wrapping_add(1);
            *byte == 0
        });
    }
    let mut digits = decimal_digits(magnitude);
    if scale < 0 && digits != b"0" {
        digits.resize(digits.len() + scale.unsigned_abs() as usize, b'0');
    }
    let after = scale.max(0) as usize;
    let mut padded = vec![b'0'; (after + 1).saturating_sub(digits.len())];
    padded.append(&mut digits);
    let mut text: String = padded.into_iter().map(char::from).collect();
    if after > 0 {
        text.insert(text.len() - after, '.');
    }
    if negative {
        text.insert(0, '-');
    }
    Ok(text)
}

/// Digits of a big-endian unsigned number, without leading zeros, by dividing it by ten again and again.
fn decimal_digits(mut number: Vec<u8>) -> Vec<u8> {
    let mut digits = Vec::new();
    while number.iter().any(|byte| *byte != 0) {
        let mut remainder = 0u16;
        for byte in &mut number {
            let dividend = remainder << 8 | u16::from(*byte);
            *byte = (dividend / 10) as u8;
            remainder = dividend % 10;
        }
        digits.push(b'0' + remainder as u8);
    }
    if digits.is_empty() {
        digits.push(b'0');
    }
    digits.reverse();
    digits
}
