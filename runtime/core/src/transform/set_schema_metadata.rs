//! SetSchemaMetadata: another name or version for the schema.

use alloc::{string::String, vec::Vec};

use super::fields::{Memo, Side};
use super::keys::{Check, Keys, REPLACE_NULL, Row, Unset};
use crate::data::{Datum, Fault, Record, Schema, Value};
use crate::plugin::{Importance, Kind};

/// Its keys.
pub const KEYS: &[Row] = &[
    ("schema.name", Kind::Text, Unset::Null, Importance::High, Check::Any, "The name."),
    ("schema.version", Kind::Int, Unset::Null, Importance::High, Check::Any, "The version."),
    REPLACE_NULL,
];

/// The transform.
#[derive(Clone, Debug)]
pub struct SetSchemaMetadata {
    side: Side,
    name: Option<String>,
    version: Option<i32>,
    replace_null: bool,
    memo: Memo,
}

impl SetSchemaMetadata {
    /// Reads its configuration.
    pub fn new(side: Side, keys: &Keys<'_>) -> Self {
        Self {
            side,
            name: keys.text("schema.name"),
            version: keys.whole("schema.version").and_then(|version| i32::try_from(version).ok()),
            replace_null: keys.replace_null(),
            memo: Memo::default(),
        }
    }

    /// The record under its new schema.
    pub fn apply(&mut self, mut record: Record) -> Result<Record, Fault> {
        let Datum { schema, value } = self.side.take(&mut record);
        let schema = match schema {
            Some(schema) => schema,
            None if value.is_null() => return Ok(record),
            None => return Err(Fault::data("Schema required for [updating schema metadata]")),
        };
        let (name, version) = (&self.name, self.version);
        let updated = self.memo.get(&schema, |schema| {
            let name = name.clone().or_else(|| schema.name.clone());
            Ok(Schema { name, version: version.or(schema.version), ..schema.clone() })
        })?;
        let value = match value {
            Value::Struct(of) => {
                let values: Vec<_> = (0..of.values.len()).map(|index| of.at(index, self.replace_null)).collect();
                Value::Struct(Schema::build(&updated, values)?.into())
            }
            other => other,
        };
        self.side.set(&mut record, Datum::new(updated, value));
        Ok(record)
    }
}
