//! ReplaceField: fields go, stay or get other names.

use alloc::{string::String, vec::Vec};

use super::fields::{Memo, Side, no_duplicates, require_map, require_struct};
use super::keys::{Check, Keys, RENAMES, REPLACE_NULL, Row, Unset};
use crate::data::{Datum, Fault, Field, Record, Schema, Value, put, text};
use crate::plugin::{Importance, Kind};

/// Its keys.
pub const KEYS: &[Row] = &[
    (
        "exclude",
        Kind::List,
        Unset::Is(""),
        Importance::Medium,
        Check::Any,
        "Fields that go; also if include names them.",
    ),
    ("include", Kind::List, Unset::Is(""), Importance::Medium, Check::Any, "Fields that stay; all others go."),
    ("renames", Kind::List, Unset::Is(""), Importance::Medium, Check::Custom(RENAMES), "Pairs old:new."),
    REPLACE_NULL,
];

const PURPOSE: &str = "field replacement";

/// The transform.
#[derive(Clone, Debug)]
pub struct ReplaceField {
    side: Side,
    fields: Fields,
    replace_null: bool,
    memo: Memo,
}

#[derive(Clone, Debug)]
struct Fields {
    exclude: Vec<String>,
    include: Vec<String>,
    renames: Vec<(String, String)>,
}

impl Fields {
    fn stays(&self, name: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|other| other == name);
        !named(&self.exclude) && (self.include.is_empty() || named(&self.include))
    }

    fn renamed<'n>(&'n self, name: &'n str) -> &'n str {
        self.renames.iter().rfind(|(old, _)| old == name).map_or(name, |(_, new)| new)
    }
}

impl ReplaceField {
    /// Reads its configuration.
    pub fn new(side: Side, keys: &Keys<'_>) -> Self {
        let pairs = keys.list("renames");
        let pair = |pair: &String| pair.split_once(':').map(|(old, new)| (old.trim().into(), new.trim().into()));
        let fields = Fields {
            exclude: keys.list("exclude"),
            include: keys.list("include"),
            renames: pairs.iter().filter_map(pair).collect(),
        };
        Self { side, fields, replace_null: keys.replace_null(), memo: Memo::default() }
    }

    /// The record with the fields that stay.
    pub fn apply(&mut self, mut record: Record) -> Result<Record, Fault> {
        let Datum { schema, value } = self.side.take(&mut record);
        let fields = &self.fields;
        let replaced = match (schema, value) {
            (schema, Value::Null) => Datum { schema, value: Value::Null },
            (None, value) => {
                let mut kept = Vec::new();
                for (key, value) in require_map(value, PURPOSE)? {
                    let name = text::java(&key);
                    if fields.stays(&name) {
                        put(&mut kept, fields.renamed(&name), value);
                    }
                }
                Datum::schemaless(Value::Map(kept))
            }
            (Some(schema), value) => {
                let of = require_struct(value, PURPOSE)?;
                let updated = self.memo.get(&schema, |schema| {
                    let kept = schema.fields().iter().filter(|field| fields.stays(&field.name));
                    let kept: Vec<_> =
                        kept.map(|field| Field::new(fields.renamed(&field.name), field.schema.clone())).collect();
                    no_duplicates(kept.iter().map(|field| field.name.clone()))?;
                    Ok(schema.with_fields(kept))
                })?;
                let kept = of.schema.fields().iter().enumerate().filter(|(_, field)| fields.stays(&field.name));
                let kept = kept.map(|(index, _)| of.at(index, self.replace_null)).collect();
                let of = Schema::build(&updated, kept)?;
                Datum::new(updated, Value::Struct(of.into()))
            }
        };
        self.side.set(&mut record, replaced);
        Ok(record)
    }
}
