//! ValueToKey: a key made of fields of the value.

use alloc::{format, string::String, vec::Vec};

use super::fields::{Memo, entry, require_map, require_struct};
use super::keys::{Check, Keys, REPLACE_NULL, Row, Unset};
use crate::data::{Datum, Fault, Field, Kind as Type, Record, Schema, Value};
use crate::plugin::{Importance, Kind};

/// Its keys.
pub const KEYS: &[Row] = &[
    ("fields", Kind::List, Unset::Required, Importance::High, Check::Any, "Names of the value's fields."),
    REPLACE_NULL,
];

const PURPOSE: &str = "copying fields from value to key";

/// The transform.
#[derive(Clone, Debug)]
pub struct ValueToKey {
    fields: Vec<String>,
    replace_null: bool,
    memo: Memo,
}

impl ValueToKey {
    /// Reads its configuration.
    pub fn new(keys: &Keys<'_>) -> Self {
        Self { fields: keys.list("fields"), replace_null: keys.replace_null(), memo: Memo::default() }
    }

    /// The record with its key.
    pub fn apply(&mut self, mut record: Record) -> Result<Record, Fault> {
        let Datum { schema, value } = record.value.clone();
        record.key = match schema {
            None => {
                let entries = require_map(value, PURPOSE)?;
                let key = self.fields.iter().map(|field| (Value::text(&**field), entry(&entries, field)));
                Datum::schemaless(Value::Map(key.collect()))
            }
            Some(schema) => {
                let of = require_struct(value, PURPOSE)?;
                let missing = |name: &String| Fault::data(format!("Field does not exist: {name}"));
                let names = &self.fields;
                let key_schema = self.memo.get(&schema, |schema| {
                    let field = |name: &String| {
                        let field = schema.field(name).ok_or_else(|| missing(name))?;
                        Ok(Field::new(&**name, field.schema.clone()))
                    };
                    Ok(Schema::of(Type::Struct(names.iter().map(field).collect::<Result<_, Fault>>()?)))
                })?;
                let value = |name: &String| {
                    let index = of.schema.field_index(name).ok_or_else(|| missing(name))?;
                    Ok(of.at(index, self.replace_null))
                };
                let values = self.fields.iter().map(value).collect::<Result<_, Fault>>()?;
                let key = Schema::build(&key_schema, values)?;
                Datum::new(key_schema, Value::Struct(key.into()))
            }
        };
        Ok(record)
    }
}
