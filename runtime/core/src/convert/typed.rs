//! Converters, value by value: for records that transforms look into.
//!
//! Owns which Connect type each converter reads and takes, with Kafka's refusals. Invariant: what a converter wrote it reads back.

use alloc::{format, string::String, sync::Arc, vec::Vec};

use super::json::Decoder;
use super::{Converter, Primitive};
use crate::data::{Datum, Fault, Kind, Schema, Value, text};

/// Reads records' keys or values, one by one.
pub struct Reader(How);

enum How {
    Text(Arc<Schema>),
    Bytes(Arc<Schema>),
    Json(Decoder),
    Primitive(Primitive, Arc<Schema>),
}

impl Reader {
    /// What the bytes of a record are; `None` is its null.
    pub fn read(&mut self, bytes: Option<&[u8]>) -> Result<Datum, Fault> {
        match (&mut self.0, bytes) {
            (How::Json(_), None) => Ok(Datum::default()),
            (How::Json(decoder), Some(bytes)) => decoder.read(bytes),
            (How::Text(schema) | How::Bytes(schema) | How::Primitive(_, schema), None) => {
                Ok(Datum::new(schema.clone(), Value::Null))
            }
            (How::Text(schema), Some(bytes)) => {
                Ok(Datum::new(schema.clone(), Value::Text(String::from_utf8_lossy(bytes).into_owned())))
            }
            (How::Bytes(schema), Some(bytes)) => Ok(Datum::new(schema.clone(), Value::Bytes(bytes.to_vec()))),
            (How::Primitive(primitive, schema), Some(bytes)) => Ok(Datum::new(schema.clone(), primitive.read(bytes)?)),
        }
    }
}

impl Converter {
    /// A reader of records' keys or values.
    pub fn reader(&self) -> Reader {
        let optional = |kind| Arc::new(Schema::of(kind).optional(true));
        Reader(match self {
            Self::Text => How::Text(optional(Kind::Text)),
            Self::ByteArray => How::Bytes(optional(Kind::Bytes)),
            Self::Json(json) => How::Json(json.reader()),
            Self::Primitive(primitive) => How::Primitive(*primitive, optional(primitive.kind())),
        })
    }

    /// The bytes of a record's key or value; `None` is its null.
    pub fn bytes_of(&self, datum: &Datum) -> Result<Option<Vec<u8>>, Fault> {
        match self {
            Self::Json(json) => json.write(datum),
            Self::Text if datum.value.is_null() => Ok(None),
            Self::Text => Ok(Some(text::java(&datum.value).into_bytes())),
            Self::ByteArray => match (&datum.schema, &datum.value) {
                (Some(schema), _) if schema.kind != Kind::Bytes => {
                    Err(Fault::data(format!("Invalid schema type for ByteArrayConverter: {}", schema.kind.name())))
                }
                (_, Value::Null) => Ok(None),
                (_, Value::Bytes(bytes)) => Ok(Some(bytes.clone())),
                (_, other) => Err(Fault::data(format!(
                    "ByteArrayConverter is not compatible with objects of type class {}",
                    other.java_class()
                ))),
            },
            Self::Primitive(primitive) => primitive.write(datum),
        }
    }
}

impl Primitive {
    fn kind(self) -> Kind {
        match self {
            Self::Boolean => Kind::Boolean,
            Self::Short => Kind::Int16,
            Self::Integer => Kind::Int32,
            Self::Long => Kind::Int64,
            Self::Float => Kind::Float32,
            Self::Double => Kind::Float64,
        }
    }

    fn read(self, bytes: &[u8]) -> Result<Value, Fault> {
        let value = match self {
            Self::Boolean => match bytes {
                [0] => Some(Value::Bool(false)),
                [1] => Some(Value::Bool(true)),
                _ => None,
            },
            Self::Short => bytes.try_into().ok().map(|bytes| Value::Int16(i16::from_be_bytes(bytes))),
            Self::Integer => bytes.try_into().ok().map(|bytes| Value::Int32(i32::from_be_bytes(bytes))),
            Self::Long => bytes.try_into().ok().map(|bytes| Value::Int64(i64::from_be_bytes(bytes))),
            Self::Float => bytes.try_into().ok().map(|bytes| Value::Float32(f32::from_be_bytes(bytes))),
            Self::Double => bytes.try_into().ok().map(|bytes| Value::Float64(f64::from_be_bytes(bytes))),
        };
        value.ok_or_else(|| self.size_fault(bytes))
    }

    /// The refusal of bytes of another size than the type has.
    pub(super) fn size_fault(self, bytes: &[u8]) -> Fault {
        Fault::data(format!("Size of data received by {self:?}Converter is not right: {} bytes", bytes.len()))
    }

    fn write(self, datum: &Datum) -> Result<Option<Vec<u8>>, Fault> {
        if let Some(schema) = &datum.schema
            && schema.kind != self.kind()
            && (self == Self::Boolean || !datum.value.is_null())
        {
            let found = schema.kind.name();
            return Err(Fault::data(format!("Invalid schema type for {self:?}Converter: {found}")));
        }
        Ok(Some(match (self, &datum.value) {
            (_, Value::Null) => return Ok(None),
            (Self::Boolean, Value::Bool(bool)) => [u8::from(*bool)].into(),
            (Self::Short, Value::Int16(whole)) => whole.to_be_bytes().into(),
            (Self::Integer, Value::Int32(whole)) => whole.to_be_bytes().into(),
            (Self::Long, Value::Int64(whole)) => whole.to_be_bytes().into(),
            (Self::Float, Value::Float32(float)) => float.to_be_bytes().into(),
            (Self::Double, Value::Float64(double)) => double.to_be_bytes().into(),
            (_, other) => {
                return Err(Fault::data(format!(
                    "{self:?}Converter is not compatible with objects of type class {}",
                    other.java_class()
                )));
            }
        }))
    }
}
