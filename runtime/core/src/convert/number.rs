//! The converters of one primitive type: Boolean, Short, Integer, Long, Float, Double.
//!
//! Owns their bytes: big-endian numbers of fixed width, a boolean as one byte. Values cross the runtime as JSON. Invariant:
//! a value of the wrong width or kind fails, and is never cut.

use super::Failure;
use super::java_text::java_double;
use super::writer::convert_each;
use crate::record::{Blobs, Format};
use alloc::{format, string::String, vec::Vec};
use serde_json::Value;

/// Which type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primitive {
    /// `BooleanConverter`: 0 or 1.
    Boolean,
    /// `ShortConverter`: 2 bytes.
    Short,
    /// `IntegerConverter`: 4 bytes.
    Integer,
    /// `LongConverter`: 8 bytes.
    Long,
    /// `FloatConverter`: 4 bytes.
    Float,
    /// `DoubleConverter`: 8 bytes.
    Double,
}

impl Primitive {
    /// By the simple name of its class.
    pub(super) fn of(simple: &str) -> Option<Self> {
        Some(match simple {
            "BooleanConverter" => Self::Boolean,
            "ShortConverter" => Self::Short,
            "IntegerConverter" => Self::Integer,
            "LongConverter" => Self::Long,
            "FloatConverter" => Self::Float,
            "DoubleConverter" => Self::Double,
            _ => return None,
        })
    }

    pub(super) fn encode(self, format: Format, column: &Blobs, count: usize) -> (Blobs, Vec<Failure>) {
        convert_each(column, count, 8, |value, out| {
            let wrong = || {
                format!(
                    "The value is not of the type that {self:?}Converter writes. Use StringConverter or JsonConverter"
                )
            };
            if format != Format::Json {
                return Err(wrong().into());
            }
            match serde_json::from_slice::<Value>(value)
                .map_err(|error| format!("The connector's JSON value is not valid: {error}"))?
            {
                Value::Null => out.push(None),
                value => out.push(Some(&self.bytes(&value).ok_or_else(wrong)?)),
            }
            Ok(())
        })
    }

    fn bytes(self, value: &Value) -> Option<Vec<u8>> {
        Some(match self {
            Self::Boolean => [u8::from(value.as_bool()?)].into(),
            Self::Short => i16::try_from(value.as_i64()?).ok()?.to_be_bytes().into(),
            Self::Integer => i32::try_from(value.as_i64()?).ok()?.to_be_bytes().into(),
            Self::Long => value.as_i64()?.to_be_bytes().into(),
            Self::Float => (value.as_f64()? as f32).to_be_bytes().into(),
            Self::Double => value.as_f64()?.to_be_bytes().into(),
        })
    }

    pub(super) fn decode(self, bytes: &Blobs, count: usize) -> (Format, Blobs, Vec<Failure>) {
        let (column, failures) = convert_each(bytes, count, 8, |value, out| {
            let text = self.text(value).ok_or_else(|| self.size_fault(value))?;
            out.push(Some(text.as_bytes()));
            Ok(())
        });
        (Format::Json, column, failures)
    }

    fn text(self, bytes: &[u8]) -> Option<String> {
        Some(match self {
            Self::Boolean => match bytes {
                [0] => "false".into(),
                [1] => "true".into(),
                _ => return None,
            },
            Self::Short => format!("{}", i16::from_be_bytes(bytes.try_into().ok()?)),
            Self::Integer => format!("{}", i32::from_be_bytes(bytes.try_into().ok()?)),
            Self::Long => format!("{}", i64::from_be_bytes(bytes.try_into().ok()?)),
            Self::Float => finite(f32::from_be_bytes(bytes.try_into().ok()?).into(), || {
                format!("{:?}", f32::from_be_bytes(bytes.try_into().unwrap_or_default()))
            }),
            Self::Double => finite(f64::from_be_bytes(bytes.try_into().ok()?), || {
                format!("{:?}", f64::from_be_bytes(bytes.try_into().unwrap_or_default()))
            }),
        })
    }
}

/// JSON has no NaN and no infinities: they become strings.
fn finite(double: f64, text: impl Fn() -> String) -> String {
    if double.is_finite() { text() } else { format!("\"{}\"", java_double(double)) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::blobs;
    use super::*;

    fn check(primitive: Primitive, json: &str, bytes: &[u8]) {
        let (encoded, _) = primitive.encode(Format::Json, &blobs(&[Some(json.as_bytes()), None]), 2);
        assert_eq!(encoded, blobs(&[Some(bytes), None]), "{json}");
        assert_eq!(primitive.decode(&encoded, 2), (Format::Json, blobs(&[Some(json.as_bytes()), None]), Vec::new()));
    }

    #[test]
    fn both_ways() {
        check(Primitive::Boolean, "true", &[1]);
        check(Primitive::Short, "-2", &[0xff, 0xfe]);
        check(Primitive::Integer, "1", &[0, 0, 0, 1]);
        check(Primitive::Long, "-1", &[0xff; 8]);
        check(Primitive::Float, "0.1", &0.1f32.to_be_bytes());
        check(Primitive::Double, "1.5", &1.5f64.to_be_bytes());
    }

    #[test]
    fn what_does_not_fit_fails() {
        for (primitive, json) in [
            (Primitive::Short, "40000"),
            (Primitive::Integer, "1.5"),
            (Primitive::Boolean, "1"),
            (Primitive::Long, "\"1\""),
            (Primitive::Long, "{"),
        ] {
            assert_eq!(primitive.encode(Format::Json, &blobs(&[Some(json.as_bytes())]), 1).1.len(), 1, "{json}");
        }
        assert_eq!(Primitive::Long.encode(Format::Text, &blobs(&[Some(b"1")]), 1).1.len(), 1);
        assert_eq!(Primitive::Integer.decode(&blobs(&[Some(b"123")]), 1).2.len(), 1);
        assert_eq!(Primitive::Double.decode(&blobs(&[Some(&f64::NAN.to_be_bytes())]), 1).1, blobs(&[Some(b"\"NaN\"")]));
    }
}
