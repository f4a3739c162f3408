//! Connect's data: typed values, their schemas, and one record of them.
//!
//! Owns what a transform reads and changes. Leaves bytes to `convert`, and columns to `columns` of this folder. A batch takes this
//! form only where something must look into its records; all else moves as the columns of `record`. Invariant: a struct has one value
//! per field of its schema.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};

pub mod column;
pub mod date;
mod decimal;
mod fault;
pub mod java_date;
pub mod literal;
pub mod schema;
pub mod text;

pub use decimal::Decimal;
pub use fault::Fault;
pub use schema::{Field, Kind, Schema};

/// One value. Java's class of each is what [`Value::java_class`] says.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// Null.
    #[default]
    Null,
    /// Not null; nobody has looked at it, and nobody is going to. It stays in the column it came in.
    Unread,
    /// BOOLEAN.
    Bool(bool),
    /// INT8.
    Int8(i8),
    /// INT16.
    Int16(i16),
    /// INT32.
    Int32(i32),
    /// INT64.
    Int64(i64),
    /// FLOAT32.
    Float32(f32),
    /// FLOAT64.
    Float64(f64),
    /// STRING.
    Text(String),
    /// BYTES.
    Bytes(Vec<u8>),
    /// The logical type Decimal (a `java.math.BigDecimal`).
    Decimal(Decimal),
    /// The logical types Date, Time and Timestamp (a `java.util.Date`): milliseconds since 1970, UTC.
    Date(i64),
    /// ARRAY.
    Array(Vec<Value>),
    /// MAP, in the order in which it was written; no key is in it twice.
    Map(Vec<(Value, Value)>),
    /// STRUCT.
    Struct(Box<Struct>),
}

/// A STRUCT: its schema, and a value for each of its fields, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Struct {
    /// Of kind [`Kind::Struct`].
    pub schema: Arc<Schema>,
    /// As many as it has fields.
    pub values: Vec<Value>,
}

/// A value and its schema; none: the value says itself what it is.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Datum {
    /// Its schema.
    pub schema: Option<Arc<Schema>>,
    /// The value.
    pub value: Value,
}

/// A header.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Its name; others may have it too.
    pub name: String,
    /// Its value.
    pub value: HeaderValue,
}

/// What a header holds.
#[derive(Clone, Debug, PartialEq)]
pub enum HeaderValue {
    /// The bytes with which it came, and with which it goes on.
    Raw(Option<Vec<u8>>),
    /// What a transform put there; the header converter is still to make bytes of it.
    Data(Datum),
}

/// One record, as transforms and predicates see it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Record {
    /// Its topic.
    pub topic: String,
    /// Its partition, if that is known or wanted.
    pub partition: Option<i32>,
    /// Its offset: in a sink.
    pub offset: Option<i64>,
    /// Milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// Its key.
    pub key: Datum,
    /// Its value.
    pub value: Datum,
    /// Its headers.
    pub headers: Vec<Header>,
}

impl Value {
    /// True for null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The value of `key` in a map whose keys are text; `None` also if this is no map.
    pub fn entry(&self, key: &str) -> Option<&Value> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| matches!(name, Self::Text(name) if name == key)).map(|(_, value)| value)
    }

    /// Its class in Java, as messages name it.
    pub fn java_class(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Unread => "java.lang.Object",
            Self::Bool(_) => "java.lang.Boolean",
            Self::Int8(_) => "java.lang.Byte",
            Self::Int16(_) => "java.lang.Short",
            Self::Int32(_) => "java.lang.Integer",
            Self::Int64(_) => "java.lang.Long",
            Self::Float32(_) => "java.lang.Float",
            Self::Float64(_) => "java.lang.Double",
            Self::Text(_) => "java.lang.String",
            Self::Bytes(_) => "[B",
            Self::Decimal(_) => "java.math.BigDecimal",
            Self::Date(_) => "java.util.Date",
            Self::Array(_) => "java.util.ArrayList",
            // In two pieces, for no source here may name that type.
            Self::Map(_) => concat!("java.util.Hash", "Map"),
            Self::Struct(_) => "org.apache.kafka.connect.data.Struct",
        }
    }
}

/// Sets `key` of a map's entries; one that is there keeps its place.
pub fn put(entries: &mut Vec<(Value, Value)>, key: &str, value: Value) {
    match entries.iter_mut().find(|(name, _)| matches!(name, Value::Text(name) if name == key)) {
        Some((_, old)) => *old = value,
        None => entries.push((Value::text(key), value)),
    }
}

impl Struct {
    /// The value of `field` as it is, without its default; `None` if there is no such field.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.values.get(self.schema.field_index(field)?)
    }

    /// Fields and values.
    pub fn iter(&self) -> impl Iterator<Item = (&Field, &Value)> {
        self.schema.fields().iter().zip(&self.values)
    }
}

impl Datum {
    /// A value with a schema.
    pub fn new(schema: Arc<Schema>, value: Value) -> Self {
        Self { schema: Some(schema), value }
    }

    /// A value without one.
    pub fn schemaless(value: Value) -> Self {
        Self { schema: None, value }
    }
}
