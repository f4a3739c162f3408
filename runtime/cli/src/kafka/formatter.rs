//! How a record is printed: Kafka's message formatters.
//!
//! Owns `DefaultMessageFormatter`, `LoggingMessageFormatter`, `NoOpMessageFormatter` and `OffsetsMessageFormatter`, and the deserializers
//! that their properties may name. Source: Kafka 4.3's `org.apache.kafka.tools.consumer`, observed.
//! Invariant: what is printed is bytes, as they are in the record unless a deserializer says otherwise.

use std::collections::BTreeMap;

use crate::{failure::Failure, java};

mod offsets;
mod template;

pub(crate) use template::shown;

/// A record, as a formatter sees it.
#[derive(Clone, Debug, Default)]
pub struct Record<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Milliseconds since 1970; `None` if it has none.
    pub timestamp: Option<i64>,
    /// The time is the broker's.
    pub log_append_time: bool,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value.
    pub value: Option<&'a [u8]>,
    /// Names and values.
    pub headers: Vec<(&'a str, Option<&'a [u8]>)>,
}

/// A way to print records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formatter {
    /// Kafka's default.
    Default(Box<Fields>),
    /// Nothing.
    Nothing,
    /// The commits in `__consumer_offsets`, as JSON.
    Offsets,
    /// An object per record and line: ours.
    Json,
    /// A line as `%k %v` describes it: ours.
    Template(Vec<template::Piece>),
}

/// What Kafka's default formatter prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    timestamp: bool,
    partition: bool,
    offset: bool,
    epoch: bool,
    headers: bool,
    key: bool,
    value: bool,
    key_separator: String,
    line_separator: String,
    headers_separator: String,
    null_literal: String,
    key_as: As,
    value_as: As,
    header_as: As,
}

/// What bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum As {
    Bytes,
    /// UTF-8, mended where it is none.
    Text,
    /// A big-endian number of so many bytes.
    Number(usize),
    Boolean,
    Uuid,
}

impl Formatter {
    /// The formatter of this class, with these properties.
    ///
    /// # Errors
    /// A class that is not here.
    pub fn new(class: Option<&str>, properties: &BTreeMap<String, String>) -> Result<Self, Failure> {
        let name = class.unwrap_or("DefaultMessageFormatter").rsplit('.').next().unwrap_or_default();
        match name {
            "DefaultMessageFormatter" => Fields::new(properties).map(|fields| Self::Default(Box::new(fields))),
            // What it logs beside, Kafka's tools do not show.
            "LoggingMessageFormatter" => Ok(Self::Default(Box::default())),
            "NoOpMessageFormatter" => Ok(Self::Nothing),
            "OffsetsMessageFormatter"
            | "ConsumerOffsetsMessageFormatter"
            | "GroupMetadataManager$OffsetsMessageFormatter" => Ok(Self::Offsets),
            _ => Err(Failure::not_here(
                "formatter",
                "there are DefaultMessageFormatter, LoggingMessageFormatter, \
                 NoOpMessageFormatter and OffsetsMessageFormatter",
            )),
        }
    }

    /// The formatter that prints records so: `%v` value, `%k` key, `%t` topic, `%p` partition, `%o` offset, `%T` time, `%h` headers, `%%`,
    /// and `\n`, `\t`, `\0`, `\\`.
    ///
    /// # Errors
    /// A letter that stands for nothing.
    pub fn template(format: &str) -> Result<Self, String> {
        template::pieces(format).map(Self::Template)
    }

    /// Appends what is printed of `record`. The error says what is wrong with it.
    ///
    /// # Errors
    /// A key, value or header that is not what its deserializer takes.
    pub fn print(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Self::Default(fields) => fields.print(record, out),
            Self::Nothing => Ok(()),
            Self::Json => {
                out.extend(template::json(record).into_bytes());
                Ok(())
            }
            Self::Template(pieces) => {
                pieces.iter().for_each(|piece| piece.print(record, out));
                Ok(())
            }
            Self::Offsets => {
                out.extend(offsets::json(record).unwrap_or_default().into_bytes());
                Ok(())
            }
        }
    }
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            timestamp: false,
            partition: false,
            offset: false,
            epoch: false,
            headers: false,
            key: false,
            value: true,
            key_separator: "\t".into(),
            line_separator: "\n".into(),
            headers_separator: ",".into(),
            null_literal: "null".into(),
            key_as: As::Bytes,
            value_as: As::Bytes,
            header_as: As::Bytes,
        }
    }
}

impl Fields {
    fn new(properties: &BTreeMap<String, String>) -> Result<Self, Failure> {
        let is = |name: &str, default: bool| {
            properties.get(name).map_or(default, |value| value.trim().eq_ignore_ascii_case("true"))
        };
        let text = |name: &str, default: &str| properties.get(name).map_or(default, String::as_str).to_owned();
        let class = |name: &str| properties.get(name).map_or(Ok(As::Bytes), |class| As::new(class));
        Ok(Self {
            timestamp: is("print.timestamp", false),
            partition: is("print.partition", false),
            offset: is("print.offset", false),
            epoch: is("print.epoch", false),
            headers: is("print.headers", false),
            key: is("print.key", false),
            value: is("print.value", true),
            key_separator: text("key.separator", "\t"),
            line_separator: text("line.separator", "\n"),
            headers_separator: text("headers.separator", ","),
            null_literal: text("null.literal", "null"),
            key_as: class("key.deserializer")?,
            value_as: class("value.deserializer")?,
            header_as: class("header.deserializer").or_else(|_| class("headers.deserializer"))?,
        })
    }

    fn print(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        let mut fields = 0;
        let mut begin = |out: &mut Vec<u8>| {
            if fields > 0 {
                out.extend_from_slice(self.key_separator.as_bytes());
            }
            fields += 1;
        };
        if self.timestamp {
            begin(out);
            let kind = if record.log_append_time { "LogAppendTime" } else { "CreateTime" };
            let text = record.timestamp.map_or("NO_TIMESTAMP".into(), |timestamp| format!("{kind}:{timestamp}"));
            out.extend(text.into_bytes());
        }
        if self.partition {
            begin(out);
            out.extend(format!("Partition:{}", record.partition).into_bytes());
        }
        if self.offset {
            begin(out);
            out.extend(format!("Offset:{}", record.offset).into_bytes());
        }
        if self.epoch {
            // Kafka's tool never knows it: the record that it hands to the formatter has none.
            begin(out);
            out.extend_from_slice(b"Epoch:NOT_PRESENT");
        }
        if self.headers {
            begin(out);
            self.print_headers(record, out)?;
        }
        if self.key {
            begin(out);
            self.print_bytes(self.key_as, record.key, out)?;
        }
        if self.value {
            begin(out);
            self.print_bytes(self.value_as, record.value, out)?;
        }
        if fields > 0 {
            out.extend_from_slice(self.line_separator.as_bytes());
        }
        Ok(())
    }

    fn print_headers(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        if record.headers.is_empty() {
            out.extend_from_slice(b"NO_HEADERS");
        }
        for (at, (name, value)) in record.headers.iter().enumerate() {
            if at > 0 {
                out.extend_from_slice(self.headers_separator.as_bytes());
            }
            out.extend_from_slice(name.as_bytes());
            out.push(b':');
            self.print_bytes(self.header_as, *value, out)?;
        }
        Ok(())
    }

    fn print_bytes(&self, kind: As, bytes: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), String> {
        match bytes {
            None => out.extend_from_slice(self.null_literal.as_bytes()),
            Some(bytes) => kind.print(bytes, out)?,
        }
        Ok(())
    }
}

impl As {
    fn new(class: &str) -> Result<Self, Failure> {
        match class.rsplit('.').next().unwrap_or_default() {
            "StringDeserializer" => Ok(Self::Text),
            "ByteArrayDeserializer" | "BytesDeserializer" | "ByteBufferDeserializer" | "" => Ok(Self::Bytes),
            "ShortDeserializer" => Ok(Self::Number(2)),
            "IntegerDeserializer" => Ok(Self::Number(4)),
            "LongDeserializer" => Ok(Self::Number(8)),
            "BooleanDeserializer" => Ok(Self::Boolean),
            "UUIDDeserializer" => Ok(Self::Uuid),
            _ => Err(Failure::new(format!(
                "{class} is not here: deserializers are StringDeserializer, ByteArrayDeserializer, ShortDeserializer, \
                 IntegerDeserializer, LongDeserializer, BooleanDeserializer and UUIDDeserializer"
            ))),
        }
    }

    fn print(self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Self::Bytes => out.extend_from_slice(bytes),
            Self::Text => out.extend_from_slice(java::text(bytes).as_bytes()),
            Self::Number(size) if bytes.len() == size => {
                // The first byte carries the sign.
                let first = if bytes[0] < 0x80 { 0 } else { -1 };
                let number = bytes.iter().fold(first, |number: i64, byte| number << 8 | i64::from(*byte));
                out.extend(number.to_string().into_bytes());
            }
            Self::Number(size) => return Err(format!("Size of data received by deserializer is not {size}")),
            Self::Boolean => match bytes {
                [0] => out.extend_from_slice(b"false"),
                [1] => out.extend_from_slice(b"true"),
                [_] => return Err(format!("Unexpected byte received by BooleanDeserializer: {}", bytes[0])),
                _ => return Err("Size of data received by BooleanDeserializer is not 1".into()),
            },
            Self::Uuid => out.extend_from_slice(bytes),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(properties: &[(&str, &str)], record: &Record<'_>, expected: &str) {
        let properties = properties.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let mut out = Vec::new();
        Formatter::new(None, &properties).unwrap().print(record, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    fn record() -> Record<'static> {
        Record { topic: "t", offset: 7, timestamp: Some(1795273120991), value: Some(b"v"), ..Record::default() }
    }

    #[test]
    fn fields_in_kafkas_order() {
        let all = ["headers", "key", "offset", "partition", "timestamp", "epoch"].map(|name| format!("print.{name}"));
        let all: Vec<(&str, &str)> = all.iter().map(|name| (name.as_str(), "true")).collect();
        let with_headers = Record { headers: vec![("h1", Some(b"v1")), ("h2", None)], key: Some(b"k"), ..record() };
        let (first, second) = ("CreateTime:1795273120991\tPartition:0\tOffset:7\tEpoch:NOT_PRESENT\t", "\tk\tv\n");
        check(&all, &with_headers, &format!("{first}h1:v1,h2:null{second}"));
        check(&all, &record(), &format!("{first}NO_HEADERS\tnull\tv\n"));
    }

    #[test]
    fn separators_and_literals() {
        check(&[], &record(), "v\n");
        check(&[("print.value", "false")], &record(), "");
        check(
            &[("print.key", "true"), ("key.separator", ":"), ("line.separator", "X"), ("null.literal", "NIL")],
            &record(),
            "NIL:vX",
        );
        check(&[("print.timestamp", "TRUE")], &Record { timestamp: None, ..record() }, "NO_TIMESTAMP\tv\n");
        check(
            &[("print.timestamp", "true")],
            &Record { log_append_time: true, ..record() },
            "LogAppendTime:1795273120991\tv\n",
        );
    }

    #[test]
    fn deserializers() {
        let long = "org.apache.kafka.common.serialization.LongDeserializer";
        check(&[("value.deserializer", long)], &Record { value: Some(&[255; 8]), ..record() }, "-1\n");
        check(&[("value.deserializer", long)], &Record { value: Some(&[0, 0, 0, 0, 0, 0, 1, 2]), ..record() }, "258\n");
        let short = Formatter::new(None, &[("value.deserializer".into(), long.into())].into()).unwrap();
        assert_eq!(
            short.print(&record(), &mut Vec::new()),
            Err("Size of data received by deserializer is not 8".into())
        );
        assert!(Formatter::new(Some("a.B"), &BTreeMap::new()).is_err());
    }
}
