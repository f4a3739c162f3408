//! Cast: a value, or fields of one, as another primitive type.

use alloc::{format, string::String, sync::Arc, vec::Vec};
use base64::Engine;

use super::fields::{Memo, Side, entry, require_map, require_struct};
use super::keys::{CASTS, Check, Keys, REPLACE_NULL, Row, Unset};
use crate::data::date::{self, DAY_MS};
use crate::data::schema::{DATE, TIME, TIMESTAMP, infer};
use crate::data::{Datum, Fault, Field, Kind, Record, Schema, Value, put, text};
use crate::plugin::{Importance, Kind as KeyKind};

/// Its keys.
pub const KEYS: &[Row] = &[
    (
        "spec",
        KeyKind::List,
        Unset::Required,
        Importance::High,
        Check::Custom(CASTS),
        "What becomes what: field:type pairs, or one type for the whole value. Types: int8, int16, int32, int64, float32, float64, boolean, string.",
    ),
    REPLACE_NULL,
];

const PURPOSE: &str = "cast types";

/// The transform.
#[derive(Clone, Debug)]
pub struct Cast {
    side: Side,
    casts: Casts,
    replace_null: bool,
    memo: Memo,
}

/// What becomes what.
#[derive(Clone, Debug, Default)]
pub struct Casts {
    whole: Option<Kind>,
    fields: Vec<(String, Kind)>,
}

impl Casts {
    /// Reads `field:type` pairs, or one type.
    pub fn parse(spec: &[String]) -> Result<Self, String> {
        let mut casts = Self::default();
        if spec.is_empty() {
            return Err("Must specify at least one field to cast.".into());
        }
        for mapping in spec {
            let parts: Vec<&str> = mapping.split(':').collect();
            match parts[..] {
                [kind] => {
                    let alone = casts.whole.is_none() && casts.fields.is_empty() && spec.len() == 1;
                    if !alone {
                        return Err("Cast transformations that specify a type to cast the entire value to may ony specify a single cast in their spec".into());
                    }
                    casts.whole = Some(kind_of(kind)?);
                }
                [field, kind] => {
                    let kind = kind_of(kind)?;
                    casts.fields.retain(|(other, _)| other != field.trim());
                    casts.fields.push((field.trim().into(), kind));
                }
                _ => return Err(format!("Invalid rename mapping: {mapping}")),
            }
        }
        Ok(casts)
    }

    fn of(&self, field: &str) -> Option<&Kind> {
        self.fields.iter().find(|(name, _)| name == field).map(|(_, kind)| kind)
    }
}

fn kind_of(text: &str) -> Result<Kind, String> {
    Ok(match text.trim().to_ascii_lowercase().as_str() {
        "int8" => Kind::Int8,
        "int16" => Kind::Int16,
        "int32" => Kind::Int32,
        "int64" => Kind::Int64,
        "float32" => Kind::Float32,
        "float64" => Kind::Float64,
        "boolean" => Kind::Boolean,
        "string" => Kind::Text,
        other @ ("bytes" | "array" | "map" | "struct") => {
            let other = other.to_ascii_uppercase();
            return Err(format!(
                "Cast transformation does not support casting to {other}; supported types are [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING]"
            ));
        }
        _ => return Err(format!("Invalid type found in casting spec: {}", text.trim())),
    })
}

impl Cast {
    /// Reads its configuration.
    pub fn new(side: Side, keys: &Keys<'_>) -> Result<Self, String> {
        let casts = Casts::parse(&keys.list("spec"))?;
        Ok(Self { side, casts, replace_null: keys.replace_null(), memo: Memo::default() })
    }

    /// The record with its values cast.
    pub fn apply(&mut self, mut record: Record) -> Result<Record, Fault> {
        let Datum { schema, value } = self.side.take(&mut record);
        let cast = match (schema, value) {
            (schema, Value::Null) => Datum { schema, value: Value::Null },
            (None, value) => Datum::schemaless(self.schemaless(value)?),
            (Some(schema), value) => self.with_schema(&schema, value)?,
        };
        self.side.set(&mut record, cast);
        Ok(record)
    }

    fn schemaless(&self, value: Value) -> Result<Value, Fault> {
        if let Some(kind) = &self.casts.whole {
            return to(None, &value, kind);
        }
        let mut entries = require_map(value, PURPOSE)?;
        for (field, kind) in &self.casts.fields {
            let cast = to(None, &entry(&entries, field), kind)?;
            put(&mut entries, field, cast);
        }
        Ok(Value::Map(entries))
    }

    fn with_schema(&mut self, schema: &Arc<Schema>, value: Value) -> Result<Datum, Fault> {
        let casts = &self.casts;
        let updated = self.memo.get(schema, |schema| changed(schema, casts))?;
        if let Some(kind) = &self.casts.whole {
            return Ok(Datum::new(updated, to(Some(schema), &value, kind)?));
        }
        let of = require_struct(value, PURPOSE)?;
        let mut values = Vec::with_capacity(of.values.len());
        for (index, field) in of.schema.fields().iter().enumerate() {
            let value = of.at(index, self.replace_null);
            values.push(match self.casts.of(&field.name) {
                Some(kind) => to(Some(&field.schema), &value, kind)?,
                None => value,
            });
        }
        let of = Schema::build(&updated, values)?;
        Ok(Datum::new(updated, Value::Struct(of.into())))
    }
}

fn changed(schema: &Schema, casts: &Casts) -> Result<Schema, Fault> {
    let mut changed = match &casts.whole {
        Some(kind) => schema.with_kind(kind.clone()),
        None => {
            let mut fields = Vec::new();
            for field in schema.fields() {
                fields.push(match casts.of(&field.name) {
                    None => field.clone(),
                    Some(kind) => {
                        let mut cast = Schema::of(kind.clone()).optional(field.schema.optional);
                        cast.default = to(Some(&field.schema), &field.schema.default, kind)?;
                        Field::new(&*field.name, cast)
                    }
                });
            }
            schema.with_fields(fields)
        }
    };
    changed.optional = schema.optional;
    if let Some(kind) = &casts.whole {
        changed.default = to(Some(schema), &schema.default, kind)?;
    }
    Ok(changed)
}

/// `value` as `kind`; null stays null.
fn to(schema: Option<&Schema>, value: &Value, kind: &Kind) -> Result<Value, Fault> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let found = match (schema, value) {
        (Some(schema), _) => schema.kind.name(),
        (None, Value::Array(_)) => "ARRAY",
        (None, Value::Map(_)) => "MAP",
        (None, value) => match infer(value) {
            Some(schema) if !matches!(value, Value::Date(_) | Value::Decimal(_)) => schema.kind.name(),
            _ => {
                let class = value.java_class();
                return Err(Fault::data(format!(
                    "Cast transformation was passed a value of type class {class} which is not supported by Connect's data API"
                )));
            }
        },
    };
    if matches!(found, "ARRAY" | "MAP" | "STRUCT") {
        return Err(Fault::data(format!(
            "Cast transformation does not support casting from {found}; supported types are [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES]"
        )));
    }
    if *kind == Kind::Text {
        return Ok(Value::Text(match value {
            Value::Date(millis) => date::iso(*millis)?,
            Value::Bytes(bytes) => base64::prelude::BASE64_STANDARD.encode(bytes),
            other => text::java(other),
        }));
    }
    let plain = encoded(schema, value);
    let value = plain.as_ref().unwrap_or(value);
    let cast = match kind {
        Kind::Int8 => whole(value, |text| text.parse::<i8>().ok().map(i64::from), true).map(|n| Value::Int8(n as i8)),
        Kind::Int16 => {
            whole(value, |text| text.parse::<i16>().ok().map(i64::from), true).map(|n| Value::Int16(n as i16))
        }
        Kind::Int32 => {
            whole(value, |text| text.parse::<i32>().ok().map(i64::from), true).map(|n| Value::Int32(n as i32))
        }
        Kind::Int64 => whole(value, |text| text.parse().ok(), false).map(Value::Int64),
        Kind::Float32 => float(value).map(|(_, float)| Value::Float32(float)),
        Kind::Float64 => float(value).map(|(double, _)| Value::Float64(double)),
        _ => match value {
            Value::Text(text) => Ok(Value::Bool(text.eq_ignore_ascii_case("true"))),
            other => whole(other, |_| None, false).map(|n| Value::Bool(n != 0)),
        },
    };
    cast.map_err(|unfit| match unfit {
        Unfit::Class => Fault::data(format!("Unexpected type in Cast transformation: class {}", value.java_class())),
        Unfit::Number => Fault::data(format!("Value ({}) was out of range for requested data type", text::java(value))),
    })
}

/// The plain form of a date that has a schema.
fn encoded(schema: Option<&Schema>, value: &Value) -> Option<Value> {
    let Value::Date(millis) = value else { return None };
    match schema?.name.as_deref()? {
        DATE => Some(Value::Int32((millis / DAY_MS) as i32)),
        TIME => Some(Value::Int32(*millis as i32)),
        TIMESTAMP => Some(Value::Int64(*millis)),
        _ => None,
    }
}

enum Unfit {
    Class,
    Number,
}

/// Java's narrowing: a floating number is cut to an int first if the target is `narrow`, to a long else.
fn whole(value: &Value, parse: impl Fn(&str) -> Option<i64>, narrow: bool) -> Result<i64, Unfit> {
    Ok(match value {
        Value::Bool(bool) => i64::from(*bool),
        Value::Int8(whole) => i64::from(*whole),
        Value::Int16(whole) => i64::from(*whole),
        Value::Int32(whole) => i64::from(*whole),
        Value::Int64(whole) => *whole,
        Value::Float32(float) if narrow => i64::from(*float as i32),
        Value::Float32(float) => *float as i64,
        Value::Float64(double) if narrow => i64::from(*double as i32),
        Value::Float64(double) => *double as i64,
        Value::Decimal(decimal) => decimal.to_i64_wrapping(),
        Value::Text(text) => parse(text).ok_or(Unfit::Number)?,
        _ => return Err(Unfit::Class),
    })
}

/// Both widths: a text is read at each of them.
fn float(value: &Value) -> Result<(f64, f32), Unfit> {
    Ok(match value {
        Value::Float32(float) => (f64::from(*float), *float),
        Value::Float64(double) => (*double, *double as f32),
        Value::Decimal(decimal) => (decimal.to_f64(), decimal.to_f32()),
        Value::Text(text) => {
            let digits = text.trim().trim_end_matches(['f', 'F', 'd', 'D']);
            let java = digits.ends_with(|char: char| char.is_ascii_digit() || char == '.')
                || matches!(digits.trim_start_matches(['+', '-']), "NaN" | "Infinity");
            let digits = if java { digits } else { "" };
            (digits.parse().map_err(|_| Unfit::Number)?, digits.parse().map_err(|_| Unfit::Number)?)
        }
        other => {
            let whole = whole(other, |_| None, false)?;
            (whole as f64, whole as f32)
        }
    })
}
