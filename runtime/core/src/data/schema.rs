//! Schemas: what a value is, and what stands in its place where it is null.
//!
//! Owns the types and the checks that a value must pass (Connect's `ConnectSchema.validateValue`). Leaves their JSON form to `convert`.

use alloc::{format, string::String, sync::Arc, vec::Vec};

use super::{Fault, Struct, Value};

/// Schema names of the logical types.
pub const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
/// Days.
pub const DATE: &str = "org.apache.kafka.connect.data.Date";
/// Milliseconds of a day.
pub const TIME: &str = "org.apache.kafka.connect.data.Time";
/// Milliseconds since 1970.
pub const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";
/// Name of a Decimal's parameter: digits after the point.
pub const SCALE: &str = "scale";

/// A schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// Its type.
    pub kind: Kind,
    /// Whether null is a value.
    pub optional: bool,
    /// Its name: of a logical type, or the user's own.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<i32>,
    /// What it is, for people.
    pub doc: Option<String>,
    /// More about it, in order.
    pub parameters: Vec<(String, String)>,
    /// What stands for null; null if nothing does.
    pub default: Value,
}

/// The type of a schema.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Kind {
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Boolean,
    Text,
    Bytes,
    /// Of such items.
    Array(Arc<Schema>),
    /// Of such keys and values.
    Map(Arc<Schema>, Arc<Schema>),
    /// With these fields.
    Struct(Vec<Field>),
}

/// A field of a struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its schema.
    pub schema: Arc<Schema>,
}

impl Kind {
    /// Its name in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Float32 => "FLOAT32",
            Self::Float64 => "FLOAT64",
            Self::Boolean => "BOOLEAN",
            Self::Text => "STRING",
            Self::Bytes => "BYTES",
            Self::Array(_) => "ARRAY",
            Self::Map(..) => "MAP",
            Self::Struct(_) => "STRUCT",
        }
    }
}

impl Schema {
    /// A required schema of this type, without a name.
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            optional: false,
            name: None,
            version: None,
            doc: None,
            parameters: Vec::new(),
            default: Value::Null,
        }
    }

    /// The same, optional or not.
    pub fn optional(mut self, optional: bool) -> Self {
        self.optional = optional;
        self
    }

    /// A logical type, version 1.
    pub fn logical(kind: Kind, name: &str) -> Self {
        Self { name: Some(name.into()), version: Some(1), ..Self::of(kind) }
    }

    /// Decimal with so many digits after the point.
    pub fn decimal(scale: i32) -> Self {
        Self { parameters: [(SCALE.into(), format!("{scale}"))].into(), ..Self::logical(Kind::Bytes, DECIMAL) }
    }

    /// A struct of these fields with the name, version and documentation of `self` (Connect's `SchemaUtil.copySchemaBasics`).
    pub fn with_fields(&self, fields: Vec<Field>) -> Self {
        self.with_kind(Kind::Struct(fields))
    }

    /// A required schema of another type with the name, version, documentation and parameters of `self`.
    pub fn with_kind(&self, kind: Kind) -> Self {
        Self { kind, optional: false, default: Value::Null, ..self.clone() }
    }

    /// Fields of a struct; none of anything else.
    pub fn fields(&self) -> &[Field] {
        match &self.kind {
            Kind::Struct(fields) => fields,
            _ => &[],
        }
    }

    /// Where the field `name` stands.
    pub fn field_index(&self, name: &str) -> Option<usize> {
        self.fields().iter().position(|field| field.name == name)
    }

    /// The field `name`.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// True if it has this name.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }

    /// A Decimal's digits after the point.
    pub fn scale(&self) -> Result<i32, Fault> {
        let scale = self.parameters.iter().find(|(name, _)| name == SCALE);
        let (_, scale) = scale.ok_or_else(|| Fault::data("Invalid Decimal schema: scale parameter not found."))?;
        scale.parse().map_err(|_| Fault::data("Invalid scale parameter found in Decimal schema: "))
    }

    /// `value`, or the default in place of null.
    pub fn or_default<'a>(&'a self, value: &'a Value) -> &'a Value {
        if value.is_null() { &self.default } else { value }
    }

    /// Whether `value` can stand under this schema; `field` is for the message.
    pub fn check(&self, field: &str, value: &Value) -> Result<(), Fault> {
        if value.is_null() {
            let message = || {
                format!("Invalid value: null used for required field: \"{field}\", schema type: {}", self.kind.name())
            };
            return if self.optional { Ok(()) } else { Err(Fault::data(message())) };
        }
        let fits = match (&self.kind, value, self.name.as_deref()) {
            (Kind::Int32, Value::Date(_), Some(DATE | TIME)) | (Kind::Int64, Value::Date(_), Some(TIMESTAMP)) => true,
            (Kind::Bytes, Value::Decimal(_), Some(DECIMAL)) => true,
            (_, _, Some(DATE | TIME | TIMESTAMP | DECIMAL)) => false,
            (Kind::Int8, Value::Int8(_), _)
            | (Kind::Int16, Value::Int16(_), _)
            | (Kind::Int32, Value::Int32(_), _)
            | (Kind::Int64, Value::Int64(_), _)
            | (Kind::Float32, Value::Float32(_), _)
            | (Kind::Float64, Value::Float64(_), _)
            | (Kind::Boolean, Value::Bool(_), _)
            | (Kind::Text, Value::Text(_), _)
            | (Kind::Bytes, Value::Bytes(_), _) => true,
            (Kind::Array(items), Value::Array(values), _) => {
                return values.iter().try_for_each(|value| items.check(field, value));
            }
            (Kind::Map(keys, values), Value::Map(entries), _) => {
                return entries.iter().try_for_each(|(key, value)| {
                    keys.check(field, key)?;
                    values.check(field, value)
                });
            }
            (Kind::Struct(_), Value::Struct(of), _) => {
                if of.schema.kind == self.kind && of.schema.name == self.name {
                    return Ok(());
                }
                return Err(Fault::data("Struct schemas do not match."));
            }
            _ => false,
        };
        if fits {
            return Ok(());
        }
        Err(Fault::data(format!(
            "Invalid Java object for schema with type {}: class {} for field: \"{field}\"",
            self.kind.name(),
            value.java_class()
        )))
    }

    /// A struct of this schema, each value checked. `values`: one per field.
    pub fn build(schema: &Arc<Self>, values: Vec<Value>) -> Result<Struct, Fault> {
        for (field, value) in schema.fields().iter().zip(&values) {
            field.schema.check(&field.name, value)?;
        }
        Ok(Struct { schema: schema.clone(), values })
    }
}

impl Field {
    /// A field.
    pub fn new(name: impl Into<String>, schema: impl Into<Arc<Schema>>) -> Self {
        Self { name: name.into(), schema: schema.into() }
    }
}

/// What a value without a schema is, as messages and MaskField know it: a primitive type, or none.
pub fn infer(value: &Value) -> Option<Schema> {
    let kind = match value {
        Value::Bool(_) => Kind::Boolean,
        Value::Int8(_) => Kind::Int8,
        Value::Int16(_) => Kind::Int16,
        Value::Int32(_) => Kind::Int32,
        Value::Int64(_) => Kind::Int64,
        Value::Float32(_) => Kind::Float32,
        Value::Float64(_) => Kind::Float64,
        Value::Text(_) => Kind::Text,
        Value::Bytes(_) => Kind::Bytes,
        Value::Date(_) => return Some(Schema::logical(Kind::Int64, TIMESTAMP)),
        Value::Decimal(decimal) => return Some(Schema::decimal(decimal.scale())),
        Value::Struct(of) => return Some((*of.schema).clone()),
        Value::Null | Value::Unread | Value::Array(_) | Value::Map(_) => return None,
    };
    Some(Schema::of(kind))
}
