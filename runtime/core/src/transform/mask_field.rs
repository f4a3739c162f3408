//! MaskField: fields lose what they say.

use alloc::{format, string::String, vec::Vec};

use super::fields::{Side, entry, require_map, require_struct};
use super::keys::{Check, Keys, REPLACE_NULL, Row, Unset};
use crate::data::{Datum, Decimal, Fault, Record, Schema, Value, put};
use crate::plugin::{Importance, Kind};

/// Its keys.
pub const KEYS: &[Row] = &[
    ("fields", Kind::List, Unset::Required, Importance::High, Check::Any, "Names of the fields."),
    (
        "replacement",
        Kind::Text,
        Unset::Null,
        Importance::Low,
        Check::NonEmpty,
        "What stands in them instead; if unset, the zero of the field's type.",
    ),
    REPLACE_NULL,
];

const PURPOSE: &str = "mask fields";

/// The transform.
#[derive(Clone, Debug)]
pub struct MaskField {
    side: Side,
    fields: Vec<String>,
    replacement: Option<String>,
    replace_null: bool,
}

impl MaskField {
    /// Reads its configuration.
    pub fn new(side: Side, keys: &Keys<'_>) -> Self {
        let replace_null = keys.replace_null();
        Self { side, fields: keys.list("fields"), replacement: keys.text("replacement"), replace_null }
    }

    /// The record with the fields masked; those that are null stay it. A record that is null is refused, as in Kafka.
    pub fn apply(&self, mut record: Record) -> Result<Record, Fault> {
        let Datum { schema, value } = self.side.take(&mut record);
        let masked = match (schema, value) {
            (None, value) => {
                let mut entries = require_map(value, PURPOSE)?;
                for field in &self.fields {
                    let masked = self.masked(entry(&entries, field))?;
                    put(&mut entries, field, masked);
                }
                Datum::schemaless(Value::Map(entries))
            }
            (Some(schema), value) => {
                let of = require_struct(value, PURPOSE)?;
                let mut values = Vec::with_capacity(of.values.len());
                for (index, field) in of.schema.fields().iter().enumerate() {
                    let value = of.at(index, self.replace_null);
                    values.push(if self.fields.contains(&field.name) { self.masked(value)? } else { value });
                }
                let of = Schema::build(&of.schema, values)?;
                Datum::new(schema, Value::Struct(of.into()))
            }
        };
        self.side.set(&mut record, masked);
        Ok(record)
    }

    fn masked(&self, value: Value) -> Result<Value, Fault> {
        match &self.replacement {
            _ if value.is_null() => Ok(value),
            None => zero(&value),
            Some(text) => replaced(&value, text),
        }
    }
}

fn zero(value: &Value) -> Result<Value, Fault> {
    Ok(match value {
        Value::Bool(_) => Value::Bool(false),
        Value::Int8(_) => Value::Int8(0),
        Value::Int16(_) => Value::Int16(0),
        Value::Int32(_) => Value::Int32(0),
        Value::Int64(_) => Value::Int64(0),
        Value::Float32(_) => Value::Float32(0.0),
        Value::Float64(_) => Value::Float64(0.0),
        Value::Decimal(_) => Value::Decimal(Decimal::parse("0").expect("a number")),
        Value::Date(_) => Value::Date(0),
        Value::Text(_) => Value::text(""),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Map(_) => Value::Map(Vec::new()),
        other => return Err(Fault::data(format!("Cannot mask value of type: class {}", other.java_class()))),
    })
}

fn replaced(value: &Value, text: &str) -> Result<Value, Fault> {
    let number = || Fault::data(format!("Unable to convert {text} (class java.lang.String) to number"));
    // A whole number is cut as Java's narrowing does: 1.5 is 1.
    let whole = || Decimal::parse(text.trim()).map(|decimal| decimal.to_i64_wrapping()).ok_or_else(number);
    Ok(match value {
        Value::Int8(_) => Value::Int8(whole()? as i8),
        Value::Int16(_) => Value::Int16(whole()? as i16),
        Value::Int32(_) => Value::Int32(whole()? as i32),
        Value::Int64(_) => Value::Int64(whole()?),
        Value::Float32(_) => Value::Float32(text.trim().parse().map_err(|_| number())?),
        Value::Float64(_) => Value::Float64(text.trim().parse().map_err(|_| number())?),
        Value::Decimal(_) => Value::Decimal(Decimal::parse(text).ok_or_else(number)?),
        Value::Text(_) => Value::text(text),
        other => {
            let class = other.java_class();
            return Err(Fault::data(format!("Cannot mask value of type class {class} with custom replacement.")));
        }
    })
}
