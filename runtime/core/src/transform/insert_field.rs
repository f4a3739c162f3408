//! InsertField: where a record comes from, or a fixed text, as fields of it.

use alloc::{format, string::String, sync::Arc, vec::Vec};

use super::fields::{Memo, Side, no_duplicates, require_map, require_struct};
use super::keys::{Check, Keys, REPLACE_NULL, Row, Unset};
use crate::data::schema::TIMESTAMP;
use crate::data::{Datum, Fault, Field, Kind as Type, Record, Schema, Value, put};
use crate::plugin::{Importance, Kind};

const fn field(name: &'static str, doc: &'static str) -> Row {
    (name, Kind::Text, Unset::Null, Importance::Medium, Check::Any, doc)
}

/// Its keys.
pub const KEYS: &[Row] = &[
    field("topic.field", "Field for the topic. A ! after a name makes the field required, a ? (or nothing) optional."),
    field("partition.field", "Field for the partition."),
    field("offset.field", "Field for the offset; sinks only."),
    field("timestamp.field", "Field for the timestamp."),
    field("static.field", "Field for a fixed text."),
    field("static.value", "The text of static.field."),
    REPLACE_NULL,
];

const PURPOSE: &str = "field insertion";

/// The transform.
#[derive(Clone, Debug)]
pub struct InsertField {
    side: Side,
    inserts: Vec<Insert>,
    replace_null: bool,
    memo: Memo,
}

#[derive(Clone, Debug)]
struct Insert {
    name: String,
    optional: bool,
    what: What,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Static(String),
}

impl InsertField {
    /// Reads its configuration.
    pub fn new(side: Side, keys: &Keys<'_>) -> Result<Self, String> {
        let value = keys.text("static.value");
        let all = [
            ("topic.field", What::Topic),
            ("partition.field", What::Partition),
            ("offset.field", What::Offset),
            ("timestamp.field", What::Timestamp),
            ("static.field", What::Static(value.clone().unwrap_or_default())),
        ];
        let inserts: Vec<_> =
            all.into_iter().filter_map(|(key, what)| Some(Insert::new(&keys.text(key)?, what))).collect();
        if inserts.is_empty() {
            return Err("No field insertion configured".into());
        }
        if keys.text("static.field").is_some() && value.is_none() {
            return Err("Invalid value null for configuration static.value: No value specified for static field".into());
        }
        Ok(Self { side, inserts, replace_null: keys.replace_null(), memo: Memo::default() })
    }

    /// The record with the fields; null stays null.
    pub fn apply(&mut self, mut record: Record) -> Result<Record, Fault> {
        if self.side.of(&record).value.is_null() {
            return Ok(record);
        }
        let Datum { schema, value } = self.side.take(&mut record);
        let inserted = match schema {
            None => {
                let mut entries = require_map(value, PURPOSE)?;
                for insert in &self.inserts {
                    match insert.value(&record, false)? {
                        Value::Null => {}
                        value => put(&mut entries, &insert.name, value),
                    }
                }
                Datum::schemaless(Value::Map(entries))
            }
            Some(schema) => self.with_schema(&schema, value, &record)?,
        };
        self.side.set(&mut record, inserted);
        Ok(record)
    }

    fn with_schema(&mut self, schema: &Arc<Schema>, value: Value, record: &Record) -> Result<Datum, Fault> {
        let of = require_struct(value, PURPOSE)?;
        let inserts = &self.inserts;
        let updated = self.memo.get(schema, |schema| {
            let mut fields = schema.fields().to_vec();
            fields.extend(inserts.iter().map(|insert| Field::new(&*insert.name, insert.schema())));
            no_duplicates(fields.iter().map(|field| field.name.clone()))?;
            Ok(schema.with_fields(fields))
        })?;
        let mut values: Vec<Value> = (0..of.values.len()).map(|index| of.at(index, self.replace_null)).collect();
        for insert in &self.inserts {
            values.push(insert.value(record, true)?);
        }
        let of = crate::data::Struct { schema: updated.clone(), values };
        Ok(Datum::new(updated, Value::Struct(of.into())))
    }
}

impl Insert {
    fn new(spec: &str, what: What) -> Self {
        let (name, optional) = match (spec.strip_suffix('!'), spec.strip_suffix('?')) {
            (Some(name), _) => (name, false),
            (None, Some(name)) => (name, true),
            (None, None) => (spec, true),
        };
        Self { name: name.into(), optional, what }
    }

    fn schema(&self) -> Schema {
        let schema = match self.what {
            What::Topic | What::Static(_) => Schema::of(Type::Text),
            What::Partition => Schema::of(Type::Int32),
            What::Offset => Schema::of(Type::Int64),
            What::Timestamp => Schema::logical(Type::Int64, TIMESTAMP),
        };
        schema.optional(self.optional)
    }

    /// What the field gets: null where the record does not know it.
    fn value(&self, record: &Record, typed: bool) -> Result<Value, Fault> {
        let known = match &self.what {
            What::Topic => Some(Value::text(&*record.topic)),
            What::Partition => record.partition.map(Value::Int32),
            What::Offset => {
                let sink_only = || {
                    Fault::data(format!(
                        "Only SinkRecord supported for [{PURPOSE}], found: org.apache.kafka.connect.source.SourceRecord"
                    ))
                };
                Some(Value::Int64(record.offset.ok_or_else(sink_only)?))
            }
            What::Timestamp if typed => record.timestamp.map(Value::Date),
            What::Timestamp => record.timestamp.map(Value::Int64),
            What::Static(text) => Some(Value::text(&**text)),
        };
        Ok(known.unwrap_or_default())
    }
}
