//! DropHeaders, InsertHeader and HeaderFrom: what changes a record's headers.

use alloc::{format, string::String, sync::Arc, vec::Vec};

use super::fields::{Memo, Side, entry, remove, require_map, require_struct};
use super::keys::{Check, Keys, REPLACE_NULL, Row, Unset};
use crate::data::{Datum, Fault, Header, HeaderValue, Record, Schema, Value, literal};
use crate::plugin::{Importance, Kind};

/// Keys of DropHeaders.
pub const DROP_KEYS: &[Row] =
    &[("headers", Kind::List, Unset::Required, Importance::High, Check::Any, "Names of the headers to remove.")];

/// Keys of InsertHeader.
pub const INSERT_KEYS: &[Row] = &[
    ("header", Kind::Text, Unset::Required, Importance::High, Check::Any, "Name of the header."),
    (
        "value.literal",
        Kind::Text,
        Unset::Required,
        Importance::High,
        Check::Any,
        "Its value: a number, boolean, date, list or map as SimpleHeaderConverter reads it, else text.",
    ),
];

/// Keys of HeaderFrom.
pub const FROM_KEYS: &[Row] = &[
    ("fields", Kind::List, Unset::Required, Importance::High, Check::NonEmpty, "Names of the fields."),
    (
        "headers",
        Kind::List,
        Unset::Required,
        Importance::High,
        Check::NonEmpty,
        "Names of the headers, as many as there are fields and in their order.",
    ),
    (
        "operation",
        Kind::Text,
        Unset::Required,
        Importance::High,
        Check::OneOf(&["move", "copy"]),
        "move takes the fields out of the record, copy leaves them there.",
    ),
    REPLACE_NULL,
];

/// Removes headers.
#[derive(Clone, Debug)]
pub struct DropHeaders {
    names: Vec<String>,
}

impl DropHeaders {
    /// Reads its configuration.
    pub fn new(keys: &Keys<'_>) -> Self {
        Self { names: keys.list("headers") }
    }

    /// The record without them.
    pub fn apply(&self, mut record: Record) -> Record {
        record.headers.retain(|header| !self.names.contains(&header.name));
        record
    }
}

/// Adds one header.
#[derive(Clone, Debug)]
pub struct InsertHeader {
    header: Header,
}

impl InsertHeader {
    /// Reads its configuration.
    pub fn new(keys: &Keys<'_>) -> Self {
        let literal = literal::parse(&keys.text("value.literal").unwrap_or_default());
        Self { header: Header { name: keys.text("header").unwrap_or_default(), value: HeaderValue::Data(literal) } }
    }

    /// The record with it.
    pub fn apply(&self, mut record: Record) -> Record {
        record.headers.push(self.header.clone());
        record
    }
}

/// Copies or moves fields to headers.
#[derive(Clone, Debug)]
pub struct HeaderFrom {
    side: Side,
    fields: Vec<String>,
    headers: Vec<String>,
    moves: bool,
    replace_null: bool,
    memo: Memo,
}

impl HeaderFrom {
    /// Reads its configuration.
    pub fn new(side: Side, keys: &Keys<'_>) -> Result<Self, String> {
        let (fields, headers) = (keys.list("fields"), keys.list("headers"));
        if fields.len() != headers.len() {
            return Err("'fields' config must have the same number of elements as 'headers' config.".into());
        }
        let moves = keys.text("operation").as_deref() == Some("move");
        Ok(Self { side, fields, headers, moves, replace_null: keys.replace_null(), memo: Memo::default() })
    }

    /// The record with the headers.
    pub fn apply(&mut self, mut record: Record) -> Result<Record, Fault> {
        let Datum { schema, value } = self.side.take(&mut record);
        let purpose = if self.moves { "header move" } else { "header copy" };
        let (datum, values) = match schema {
            None => self.schemaless(value, purpose)?,
            Some(schema) => self.with_schema(schema, value, purpose)?,
        };
        self.side.set(&mut record, datum);
        let headers = self.headers.iter().zip(values);
        record
            .headers
            .extend(headers.map(|(name, datum)| Header { name: name.clone(), value: HeaderValue::Data(datum) }));
        Ok(record)
    }

    fn schemaless(&self, value: Value, purpose: &str) -> Result<(Datum, Vec<Datum>), Fault> {
        let mut entries = require_map(value, purpose)?;
        let values = self.fields.iter().map(|field| Datum::schemaless(entry(&entries, field))).collect();
        if self.moves {
            self.fields.iter().for_each(|field| remove(&mut entries, field));
        }
        Ok((Datum::schemaless(Value::Map(entries)), values))
    }

    fn with_schema(&mut self, schema: Arc<Schema>, value: Value, purpose: &str) -> Result<(Datum, Vec<Datum>), Fault> {
        let of = require_struct(value, purpose)?;
        let mut values = Vec::new();
        for name in &self.fields {
            let index = of.schema.field_index(name).ok_or_else(|| {
                Fault::of(
                    "java.lang.NullPointerException",
                    format!("Cannot invoke \"org.apache.kafka.connect.data.Field.schema()\": there is no field {name}"),
                )
            })?;
            values.push(Datum::new(of.schema.fields()[index].schema.clone(), of.at(index, self.replace_null)));
        }
        if !self.moves {
            return Ok((Datum::new(schema, Value::Struct(of.into())), values));
        }
        let stays = |name: &String| !self.fields.contains(name);
        let updated = self.memo.get(&schema, |schema| {
            let fields = schema.fields().iter().filter(|field| stays(&field.name)).cloned().collect();
            Ok(schema.with_fields(fields))
        })?;
        let kept = of.schema.fields().iter().enumerate().filter(|(_, field)| stays(&field.name));
        let kept = kept.map(|(index, _)| of.at(index, self.replace_null)).collect();
        let moved = Schema::build(&updated, kept)?;
        Ok((Datum::new(updated, Value::Struct(moved.into())), values))
    }
}
