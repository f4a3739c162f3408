//! TimestampConverter: a moment in another form: text, number, Date, Time or Timestamp.

use alloc::{format, string::String, sync::Arc, vec::Vec};

use super::fields::{Memo, Side, entry, require_map, require_struct};
use super::keys::{Check, Keys, REPLACE_NULL, Row, Unset};
use crate::data::date::DAY_MS;
use crate::data::java_date::Pattern;
use crate::data::schema::{DATE, TIME, TIMESTAMP};
use crate::data::{Datum, Fault, Field, Kind as Type, Record, Schema, Value, put};
use crate::plugin::{Importance, Kind};

/// Its keys.
pub const KEYS: &[Row] = &[
    (
        "field",
        Kind::Text,
        Unset::Is(""),
        Importance::High,
        Check::Any,
        "The field that holds the moment; empty if the record itself is one.",
    ),
    (
        "target.type",
        Kind::Text,
        Unset::Required,
        Importance::High,
        Check::OneOf(&["string", "unix", "Date", "Time", "Timestamp"]),
        "What it becomes.",
    ),
    (
        "format",
        Kind::Text,
        Unset::Is(""),
        Importance::Medium,
        Check::Any,
        "A pattern of Java's SimpleDateFormat, for moments that are or become text.",
    ),
    (
        "unix.precision",
        Kind::Text,
        Unset::Is("milliseconds"),
        Importance::Low,
        Check::OneOf(&["nanoseconds", "microseconds", "milliseconds", "seconds"]),
        "What a number counts.",
    ),
    REPLACE_NULL,
];

const PURPOSE: &str = "converting timestamp formats";

/// The transform.
#[derive(Clone, Debug)]
pub struct TimestampConverter {
    side: Side,
    field: String,
    target: Form,
    form: Forms,
    replace_null: bool,
    memo: Memo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Unix,
    Date,
    Time,
    Timestamp,
}

#[derive(Clone, Debug)]
struct Forms {
    pattern: Option<Pattern>,
    precision: String,
}

impl TimestampConverter {
    /// Reads its configuration.
    pub fn new(side: Side, keys: &Keys<'_>) -> Result<Self, String> {
        let target = match keys.text("target.type").as_deref() {
            Some("string") => Form::Text,
            Some("unix") => Form::Unix,
            Some("Date") => Form::Date,
            Some("Time") => Form::Time,
            _ => Form::Timestamp,
        };
        let format = keys.text("format").unwrap_or_default();
        if target == Form::Text && format.trim().is_empty() {
            return Err("TimestampConverter requires format option to be specified when using string timestamps".into());
        }
        let pattern = match format.trim().is_empty() {
            true => None,
            false => Some(Pattern::new(&format).ok_or_else(|| {
                format!(
                    "TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps: {format}"
                )
            })?),
        };
        let form = Forms { pattern, precision: keys.text("unix.precision").unwrap_or_default() };
        let field = keys.text("field").unwrap_or_default();
        Ok(Self { side, field, target, form, replace_null: keys.replace_null(), memo: Memo::default() })
    }

    /// The record with its moment in the other form.
    pub fn apply(&mut self, mut record: Record) -> Result<Record, Fault> {
        let Datum { schema, value } = self.side.take(&mut record);
        let converted = match schema {
            None => Datum::schemaless(self.schemaless(value)?),
            Some(schema) if self.field.is_empty() => {
                let value = self.convert(&value, form_of(&schema)?)?;
                Datum::new(self.target.schema(schema.optional).into(), value)
            }
            Some(schema) => self.with_schema(&schema, value)?,
        };
        self.side.set(&mut record, converted);
        Ok(record)
    }

    fn schemaless(&self, value: Value) -> Result<Value, Fault> {
        if value.is_null() {
            return Ok(value);
        }
        if self.field.is_empty() {
            return self.convert_unknown(&value);
        }
        let mut entries = require_map(value, PURPOSE)?;
        let converted = self.convert_unknown(&entry(&entries, &self.field))?;
        put(&mut entries, &self.field, converted);
        Ok(Value::Map(entries))
    }

    fn with_schema(&mut self, schema: &Arc<Schema>, value: Value) -> Result<Datum, Fault> {
        let of = match value {
            Value::Null => None,
            value => Some(require_struct(value, PURPOSE)?),
        };
        let (name, target) = (&self.field, self.target);
        let updated = self.memo.get(schema, |schema| {
            let field = |field: &Field| match field.name == *name {
                true => Field::new(&*field.name, target.schema(field.schema.optional)),
                false => field.clone(),
            };
            Ok(schema.with_fields(schema.fields().iter().map(field).collect()).optional(schema.optional))
        })?;
        let Some(of) = of else { return Ok(Datum::new(updated, Value::Null)) };
        let mut values = Vec::with_capacity(of.values.len());
        for (index, field) in of.schema.fields().iter().enumerate() {
            let value = of.at(index, self.replace_null);
            let converts = field.name == self.field;
            values.push(if converts { self.convert(&value, form_of(&field.schema)?)? } else { value });
        }
        let of = Schema::build(&updated, values)?;
        Ok(Datum::new(updated, Value::Struct(of.into())))
    }

    fn convert_unknown(&self, value: &Value) -> Result<Value, Fault> {
        let form = match value {
            Value::Null => return Ok(Value::Null),
            Value::Date(_) => Form::Timestamp,
            Value::Int64(_) => Form::Unix,
            Value::Text(_) => Form::Text,
            other => {
                let class = other.java_class();
                return Err(Fault::data(format!(
                    "TimestampConverter does not support class {class} objects as timestamps"
                )));
            }
        };
        self.convert(value, form)
    }

    fn convert(&self, value: &Value, from: Form) -> Result<Value, Fault> {
        if value.is_null() {
            return Ok(Value::Null);
        }
        let millis = self.form.millis(value, from)?;
        self.form.value(millis, self.target)
    }
}

impl Form {
    fn schema(self, optional: bool) -> Schema {
        let schema = match self {
            Self::Text => Schema::of(Type::Text),
            Self::Unix => Schema::of(Type::Int64),
            Self::Date => Schema::logical(Type::Int32, DATE),
            Self::Time => Schema::logical(Type::Int32, TIME),
            Self::Timestamp => Schema::logical(Type::Int64, TIMESTAMP),
        };
        schema.optional(optional)
    }
}

fn form_of(schema: &Schema) -> Result<Form, Fault> {
    Ok(match (schema.name.as_deref(), &schema.kind) {
        (Some(TIMESTAMP), _) => Form::Timestamp,
        (Some(DATE), _) => Form::Date,
        (Some(TIME), _) => Form::Time,
        (_, Type::Text) => Form::Text,
        (_, Type::Int64) => Form::Unix,
        (name, kind) => {
            let shown = name.map_or_else(|| kind.name().into(), |name| format!("{name}:{}", kind.name()));
            return Err(Fault::of(
                "org.apache.kafka.connect.errors.ConnectException",
                format!("Schema Schema{{{shown}}} does not correspond to a known timestamp type format"),
            ));
        }
    })
}

impl Forms {
    fn millis(&self, value: &Value, from: Form) -> Result<i64, Fault> {
        let wrong = |what: &str| Fault::data(format!("Expected {what}, but found class {}", value.java_class()));
        match (from, value) {
            (Form::Text, Value::Text(text)) => {
                let pattern = self.pattern.as_ref().ok_or_else(|| {
                    let why = "TimestampConverter has no format to read string timestamps with; set format";
                    Fault::of("java.lang.NullPointerException", why)
                })?;
                pattern.parse(text).ok_or_else(|| {
                    let pattern = pattern.as_str();
                    Fault::data(format!("Could not parse timestamp: value ({text}) does not match pattern ({pattern})"))
                })
            }
            (Form::Text, _) => Err(wrong("string timestamp to be a String")),
            (Form::Unix, Value::Int64(count)) => Ok(match self.precision.as_str() {
                "seconds" => count.saturating_mul(1000),
                "microseconds" => count / 1000,
                "nanoseconds" => count / 1_000_000,
                _ => *count,
            }),
            (Form::Unix, _) => Err(wrong("Unix timestamp to be a Long")),
            (_, Value::Date(millis)) => Ok(*millis),
            (Form::Date, _) => Err(wrong("Date to be a java.util.Date")),
            (Form::Time, _) => Err(wrong("Time to be a java.util.Date")),
            (Form::Timestamp, _) => Err(wrong("Timestamp to be a java.util.Date")),
        }
    }

    fn value(&self, millis: i64, target: Form) -> Result<Value, Fault> {
        Ok(match target {
            Form::Text => match &self.pattern {
                Some(pattern) => Value::Text(pattern.format(millis)?),
                None => Value::Null,
            },
            Form::Unix => Value::Int64(match self.precision.as_str() {
                "seconds" => millis / 1000,
                "microseconds" => millis.saturating_mul(1000),
                "nanoseconds" => millis.saturating_mul(1_000_000),
                _ => millis,
            }),
            Form::Date => Value::Date(millis.div_euclid(DAY_MS).saturating_mul(DAY_MS)),
            Form::Time => Value::Date(millis.rem_euclid(DAY_MS)),
            Form::Timestamp => Value::Date(millis),
        })
    }
}
