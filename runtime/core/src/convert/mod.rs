//! Converters: columns of a connector's values <-> the bytes that are in a topic.
//!
//! Owns Kafka's class names and aliases, and which converter reads which format. The rules of each are in its own file.
//! Leaves tolerance of failures (`errors.tolerance`) to the task machines: a value that cannot be converted is null in the
//! column and named in the list of failures. Invariant: a converted column has as many values as the one it was made of.

use crate::config::ConfigMap;
use crate::data::{Fault, Value};
use crate::plugin::{Role, aliases};
use crate::record::{Blobs, Format};
use alloc::{format, string::String, vec::Vec};

mod adapt;
mod cbor;
mod escape;
mod header;
mod java_text;
mod json;
mod json_data;
mod json_schema;
mod node;
mod number;
mod typed;
mod writer;

pub use adapt::adapt;
pub use escape::quote_into as quote_json;
pub use header::HeaderConverter;
pub use java_text::{java_double, java_float, java_text};
pub use json::JsonConverter;
pub(crate) use json_data::for_guest as json_for_guest;
pub use number::Primitive;
pub use typed::Reader;
pub(crate) use writer::Writer;

/// A value that could not be converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Index of its record in the batch.
    pub index: u32,
    /// What is wrong with it.
    pub fault: Fault,
}

/// A stock converter, configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Converter {
    /// `org.apache.kafka.connect.storage.StringConverter`
    Text,
    /// `org.apache.kafka.connect.json.JsonConverter`
    Json(JsonConverter),
    /// `org.apache.kafka.connect.converters.ByteArrayConverter`
    ByteArray,
    /// One of the converters of a single primitive type.
    Primitive(Primitive),
}

/// Class names of the stock converters, in the order in which Kafka lists them.
pub const CLASSES: [&str; 9] = [
    "org.apache.kafka.connect.converters.BooleanConverter",
    "org.apache.kafka.connect.converters.ByteArrayConverter",
    "org.apache.kafka.connect.converters.DoubleConverter",
    "org.apache.kafka.connect.converters.FloatConverter",
    "org.apache.kafka.connect.converters.IntegerConverter",
    "org.apache.kafka.connect.converters.LongConverter",
    "org.apache.kafka.connect.converters.ShortConverter",
    "org.apache.kafka.connect.json.JsonConverter",
    "org.apache.kafka.connect.storage.StringConverter",
];

/// The header converter that is the default. Headers cross the runtime as the bytes that are in the topic.
pub const SIMPLE_HEADER_CONVERTER: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

/// Class names of the stock header converters, in the order in which Kafka lists them.
pub fn header_classes() -> [&'static str; 10] {
    let mut classes = [SIMPLE_HEADER_CONVERTER; 10];
    classes[..8].copy_from_slice(&CLASSES[..8]);
    classes[9] = CLASSES[8];
    classes
}

/// The class of the stock converter that is called `name`: its class name, simple name, or simple name without `Converter`.
pub fn find_class(name: &str) -> Option<&'static str> {
    CLASSES.into_iter().find(|class| answers_to(Role::Converter, class, name))
}

/// As [`find_class`], for header converters.
pub fn find_header_class(name: &str) -> Option<&'static str> {
    let simple = answers_to(Role::HeaderConverter, SIMPLE_HEADER_CONVERTER, name).then_some(SIMPLE_HEADER_CONVERTER);
    simple.or_else(|| find_class(name))
}

fn answers_to(role: Role, class: &str, name: &str) -> bool {
    name == class || aliases(role, class).any(|alias| alias == name)
}

impl Converter {
    /// The converter `name` (a class name or an alias) with `settings`, the keys under `key.converter.` or
    /// `value.converter.`. The error says which setting is wrong.
    pub fn new(name: &str, settings: &ConfigMap) -> Result<Self, String> {
        let class = find_class(name)
            .ok_or_else(|| format!("Class {name} could not be found. It can be one of: {}", CLASSES.join(", ")))?;
        let simple = class.rsplit('.').next().unwrap_or_default();
        match (simple, Primitive::of(simple)) {
            (_, Some(primitive)) => Ok(Self::Primitive(primitive)),
            ("ByteArrayConverter", _) => Ok(Self::ByteArray),
            ("JsonConverter", _) => Ok(Self::Json(JsonConverter::new(settings)?)),
            _ => match settings.get("converter.encoding").map(str::trim).unwrap_or("UTF-8") {
                utf8 if utf8.eq_ignore_ascii_case("UTF-8") || utf8.eq_ignore_ascii_case("UTF8") => Ok(Self::Text),
                other => Err(format!(
                    "Invalid value {other} for configuration converter.encoding: only UTF-8 is supported; remove the setting"
                )),
            },
        }
    }

    /// Its class.
    pub fn class(&self) -> &'static str {
        let simple = match self {
            Self::Text => "StringConverter",
            Self::ByteArray => "ByteArrayConverter",
            Self::Json(_) => "JsonConverter",
            Self::Primitive(Primitive::Boolean) => "BooleanConverter",
            Self::Primitive(Primitive::Short) => "ShortConverter",
            Self::Primitive(Primitive::Integer) => "IntegerConverter",
            Self::Primitive(Primitive::Long) => "LongConverter",
            Self::Primitive(Primitive::Float) => "FloatConverter",
            Self::Primitive(Primitive::Double) => "DoubleConverter",
        };
        find_class(simple).expect("a class of the list above")
    }

    /// Towards a topic: the `count` values of a column, whose bytes are in `format`, as bytes of records. Text and bytes
    /// that need no change are moved, not copied.
    pub fn from_connect(&self, format: Format, column: Blobs, count: usize) -> (Blobs, Vec<Failure>) {
        if column.is_empty() {
            return (column, Vec::new());
        }
        let (format, column, mut failures) = match format {
            Format::Cbor => {
                let (json, failures) = cbor::to_json(&column, count);
                (Format::Json, json, failures)
            }
            other => (other, column, Vec::new()),
        };
        let (bytes, more) = match (self, format) {
            (Self::Text, Format::Json) => adapt::json_to_java_text(&column, count),
            (Self::Text, _) => (column, Vec::new()),
            (Self::Json(json), format) => json.encode(format, &column, count),
            (Self::ByteArray, Format::Text) => {
                refuse_all(&column, count, "Invalid schema type for ByteArrayConverter: STRING")
            }
            (Self::ByteArray, Format::Json) => {
                let why = "ByteArrayConverter is not compatible with JSON values; it takes bytes. Use JsonConverter, or StringConverter for text";
                refuse_all(&column, count, why)
            }
            (Self::ByteArray, _) => (column, Vec::new()),
            (Self::Primitive(primitive), format) => primitive.encode(format, &column, count),
        };
        failures.extend(more);
        failures.sort_by_key(|failure| failure.index);
        failures.dedup_by_key(|failure| failure.index);
        (bytes, failures)
    }

    /// Towards a sink: the `count` record keys or values of a topic as a column in a format of `accepts` (empty: any), and
    /// which one that is.
    pub fn to_connect(&self, bytes: Blobs, count: usize, accepts: &[Format]) -> (Format, Blobs, Vec<Failure>) {
        let (format, column, mut failures) = self.read(bytes, count, accepts);
        let (format, column, more) = adapt(format, column, count, accepts);
        failures.extend(more);
        (format, column, failures)
    }

    fn read(&self, bytes: Blobs, count: usize, accepts: &[Format]) -> (Format, Blobs, Vec<Failure>) {
        match self {
            Self::Text => (Format::Text, adapt::valid_text(bytes, count), Vec::new()),
            Self::ByteArray => (Format::Raw, bytes, Vec::new()),
            Self::Json(_) | Self::Primitive(_) if bytes.is_empty() => (Format::Text, bytes, Vec::new()),
            Self::Json(json) => json.decode(&bytes, count, accepts),
            Self::Primitive(primitive) => primitive.decode(&bytes, count),
        }
    }
}

/// A JSON value without a schema.
pub(crate) fn read_json(json: &str) -> Result<Value, Fault> {
    json_data::read(None, json, true)
}

/// Every value that is not null fails for the same reason.
fn refuse_all(column: &Blobs, count: usize, why: &str) -> (Blobs, Vec<Failure>) {
    writer::convert_each(column, count, 0, |_, _| Err(Fault::data(why)))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn blobs(values: &[Option<&[u8]>]) -> Blobs {
        let mut blobs = Blobs::with_capacity(values.len(), 0);
        values.iter().for_each(|value| blobs.push(*value));
        blobs
    }

    #[test]
    fn class_names_and_aliases() {
        for name in ["org.apache.kafka.connect.storage.StringConverter", "StringConverter", "String"] {
            assert_eq!(Converter::new(name, &ConfigMap::new()), Ok(Converter::Text), "{name}");
        }
        assert_eq!(Converter::new("ByteArray", &ConfigMap::new()), Ok(Converter::ByteArray));
        assert_eq!(find_class("Json"), Some("org.apache.kafka.connect.json.JsonConverter"));
        assert_eq!(find_header_class("Simple"), Some(SIMPLE_HEADER_CONVERTER));
        for name in ["string", " String", "", "NoSuch", "SimpleHeaderConverter"] {
            assert!(
                Converter::new(name, &ConfigMap::new())
                    .unwrap_err()
                    .starts_with(&format!("Class {name} could not be found."))
            );
        }
    }

    #[test]
    fn text_passes_the_string_converter_unmoved() {
        let column = blobs(&[Some(b"a"), None, Some(b""), Some("é".as_bytes())]);
        let address = column.data.as_ptr();
        let (bytes, failures) = Converter::Text.from_connect(Format::Text, column.clone(), 4);
        assert_eq!((&bytes, failures), (&column, Vec::new()));
        let (moved, _) = Converter::Text.from_connect(Format::Text, column, 4);
        assert_eq!(moved.data.as_ptr(), address);
        let (format, text, failures) = Converter::Text.to_connect(moved, 4, &[]);
        assert_eq!((format, text.data.as_ptr(), failures), (Format::Text, address, Vec::new()));
    }

    #[test]
    fn the_string_converter_makes_text_of_anything() {
        let json = blobs(&[Some(br#"{"x":1,"y":["q",1.0,null]}"#), Some(b"\"a\""), None, Some(b"1e20")]);
        let (bytes, failures) = Converter::Text.from_connect(Format::Json, json, 4);
        assert_eq!(
            (bytes, failures),
            (blobs(&[Some(b"{x=1, y=[q, 1.0, null]}"), Some(b"a"), None, Some(b"1.0E20")]), Vec::new())
        );
        let (format, text, _) = Converter::Text.to_connect(blobs(&[Some(b"\xffa\xe2\x82"), None, Some(b"b")]), 3, &[]);
        assert_eq!((format, text), (Format::Text, blobs(&[Some("\u{fffd}a\u{fffd}".as_bytes()), None, Some(b"b")])));
    }

    #[test]
    fn the_byte_array_converter_takes_bytes_only() {
        let column = blobs(&[Some(b"\xff"), None]);
        assert_eq!(Converter::ByteArray.from_connect(Format::Raw, column.clone(), 2), (column.clone(), Vec::new()));
        assert_eq!(Converter::ByteArray.to_connect(column.clone(), 2, &[]), (Format::Raw, column.clone(), Vec::new()));
        let (bytes, failures) = Converter::ByteArray.from_connect(Format::Text, column, 2);
        assert_eq!(bytes, blobs(&[None, None]));
        assert_eq!(
            failures,
            [Failure { index: 0, fault: Fault::data("Invalid schema type for ByteArrayConverter: STRING") }]
        );
    }

    #[test]
    fn an_empty_column_is_all_null() {
        for name in ["String", "Json", "ByteArray", "Integer"] {
            let converter = Converter::new(name, &ConfigMap::new()).unwrap();
            assert_eq!(converter.from_connect(Format::Text, Blobs::default(), 3), (Blobs::default(), Vec::new()));
            assert_eq!(converter.to_connect(Blobs::default(), 3, &[]).1, Blobs::default());
        }
    }

    #[test]
    fn cbor_is_read_as_json() {
        let column = blobs(&[Some(&[0xa1, 0x61, b'a', 0x01]), Some(&[0xff]), None]);
        let off: ConfigMap = [("schemas.enable", "false")].into_iter().collect();
        let (bytes, failures) = Converter::new("Json", &off).unwrap().from_connect(Format::Cbor, column, 3);
        assert_eq!(bytes, blobs(&[Some(br#"{"a":1}"#), None, None]));
        assert_eq!(failures.iter().map(|f| f.index).collect::<Vec<_>>(), [1]);
    }
}
