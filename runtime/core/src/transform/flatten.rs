//! Flatten: fields of fields become fields, with both names in theirs.

use alloc::{format, string::String, vec::Vec};

use super::fields::{Memo, Side, no_duplicates, require_map, require_struct};
use super::keys::{Check, Keys, Row, Unset};
use crate::data::{Datum, Fault, Field, Kind as Type, Record, Schema, Struct, Value, put, text};
use crate::plugin::{Importance, Kind};

/// Its keys.
pub const KEYS: &[Row] =
    &[("delimiter", Kind::Text, Unset::Is("."), Importance::Medium, Check::Any, "What stands between two names.")];

const PURPOSE: &str = "flattening";

/// The transform.
#[derive(Clone, Debug)]
pub struct Flatten {
    side: Side,
    delimiter: String,
    memo: Memo,
}

type Entries = Vec<(Value, Value)>;

impl Flatten {
    /// Reads its configuration.
    pub fn new(side: Side, keys: &Keys<'_>) -> Self {
        Self { side, delimiter: keys.text("delimiter").unwrap_or_default(), memo: Memo::default() }
    }

    /// The record, flat.
    pub fn apply(&mut self, mut record: Record) -> Result<Record, Fault> {
        let Datum { schema, value } = self.side.take(&mut record);
        let delimiter = self.delimiter.clone();
        let flat = match (schema, value) {
            (schema, Value::Null) => Datum { schema, value: Value::Null },
            (None, value) => {
                let mut flat = Vec::new();
                flatten_map(&require_map(value, PURPOSE)?, "", &delimiter, &mut flat)?;
                Datum::schemaless(Value::Map(flat))
            }
            (Some(schema), value) => {
                let of = require_struct(value, PURPOSE)?;
                let updated = self.memo.get(&schema, |schema| changed(schema, &delimiter))?;
                let mut values = Vec::with_capacity(updated.fields().len());
                flatten_struct(Some(&of), &schema, &mut values);
                let of = Schema::build(&updated, values)?;
                Datum::new(updated, Value::Struct(of.into()))
            }
        };
        self.side.set(&mut record, flat);
        Ok(record)
    }
}

fn joined(prefix: &str, delimiter: &str, name: &str) -> String {
    if prefix.is_empty() { name.into() } else { format!("{prefix}{delimiter}{name}") }
}

fn flatten_map(entries: &Entries, prefix: &str, delimiter: &str, out: &mut Entries) -> Result<(), Fault> {
    for (key, value) in entries {
        let name = joined(prefix, delimiter, &text::java(key));
        match value {
            Value::Map(inner) => flatten_map(inner, &name, delimiter, out)?,
            Value::Struct(_) => {
                return Err(Fault::data(format!(
                    "Flatten transformation does not support class {} for record without schemas (for field {name}).",
                    value.java_class()
                )));
            }
            Value::Date(_) | Value::Decimal(_) => {
                let class = value.java_class();
                return Err(Fault::data(format!(
                    "Flatten transformation was passed a value of type class {class} which is not supported by Connect's data API"
                )));
            }
            value => put(out, &name, value.clone()),
        }
    }
    Ok(())
}

fn changed(schema: &Schema, delimiter: &str) -> Result<Schema, Fault> {
    let mut fields = Vec::new();
    let default = match &schema.default {
        Value::Struct(default) => Some(&**default),
        _ => None,
    };
    flatten_schema(schema, "", delimiter, schema.optional, default, &mut fields)?;
    no_duplicates(fields.iter().map(|field| field.name.clone()))?;
    Ok(schema.with_fields(fields))
}

fn flatten_schema(
    schema: &Schema,
    prefix: &str,
    delimiter: &str,
    optional: bool,
    default: Option<&Struct>,
    out: &mut Vec<Field>,
) -> Result<(), Fault> {
    for (index, field) in schema.fields().iter().enumerate() {
        let name = joined(prefix, delimiter, &field.name);
        let optional = optional || field.schema.optional;
        let own = &field.schema.default;
        let default = if own.is_null() { default.map_or(Value::Null, |of| of.at(index, true)) } else { own.clone() };
        match &field.schema.kind {
            Type::Struct(_) => {
                let default = match &default {
                    Value::Struct(default) => Some(&**default),
                    _ => None,
                };
                flatten_schema(&field.schema, &name, delimiter, optional, default, out)?;
            }
            Type::Map(..) => {
                return Err(Fault::data(format!(
                    "Flatten transformation does not support {} for record with schemas (for field {name}).",
                    field.schema.kind.name()
                )));
            }
            _ => out.push(Field::new(name, Schema { optional, default, ..(*field.schema).clone() })),
        }
    }
    Ok(())
}

/// The values in the order in which the schema's fields became flat; of a struct that is null, every field is.
fn flatten_struct(of: Option<&Struct>, schema: &Schema, out: &mut Vec<Value>) {
    for (index, field) in schema.fields().iter().enumerate() {
        let value = of.map_or(Value::Null, |of| of.at(index, true));
        match (&field.schema.kind, &value) {
            (Type::Struct(_), Value::Struct(inner)) => flatten_struct(Some(inner), &field.schema, out),
            (Type::Struct(_), _) => flatten_struct(None, &field.schema, out),
            _ => out.push(value),
        }
    }
}
