//! Kafka's JsonConverter: values in JSON, with or without the envelope that names their schema.
//!
//! Owns the envelope (`{"schema":...,"payload":...}`, exactly these two fields) and its fast path, for text is what most
//! topics hold. Leaves schemas and the payload's coercion to `json_schema`. Source: contract 8.1, and Kafka Connect 4.3 asked.
//! Invariant: text goes out and comes back unchanged, and what goes out is byte for byte what Jackson writes.

use super::json_data::{self, Decimals, Style};
use super::writer::{Writer, convert_each};
use super::{Failure, escape, json_schema};
use crate::config::ConfigMap;
use crate::data::{Datum, Fault, Schema, Value, column};
use crate::record::{Blobs, Format};
use alloc::{borrow::Cow, format, string::String, sync::Arc, vec::Vec};
use base64::Engine;
use core::fmt;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

const TEXT: &str = r#"{"schema":{"type":"string","optional":false},"payload":"#;
const BYTES: &str = r#"{"schema":{"type":"bytes","optional":false},"payload":"#;
const SCHEMALESS: &str = r#"{"schema":null,"payload":"#;
const NO_ENVELOPE: &str = "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not contain additional \
     fields. If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration.";

/// The converter, configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonConverter {
    schemas_enable: bool,
    style: Style,
}

impl JsonConverter {
    /// From the settings under `key.converter.` or `value.converter.`.
    pub fn new(settings: &ConfigMap) -> Result<Self, String> {
        let flag = |key: &str| match settings.get(key).map(|text| text.trim().to_ascii_lowercase()).as_deref() {
            None | Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => {
                Err(format!("Invalid value {other} for configuration {key}: Expected value to be either true or false"))
            }
        };
        let decimals = match settings.get("decimal.format").map(|text| text.trim().to_ascii_uppercase()).as_deref() {
            None | Some("BASE64") => Decimals::Base64,
            Some("NUMERIC") => Decimals::Numeric,
            Some(other) => {
                return Err(format!(
                    "Invalid value {other} for configuration decimal.format: String must be one of (case insensitive): NUMERIC, BASE64"
                ));
            }
        };
        let style = Style { decimals, replace_null: flag("replace.null.with.default")? };
        Ok(Self { schemas_enable: flag("schemas.enable")?, style })
    }

    fn envelope(self, with_schema: &'static str) -> (&'static str, &'static str) {
        if self.schemas_enable { (with_schema, "}") } else { ("", "") }
    }

    pub(super) fn encode(self, format: Format, column: &Blobs, count: usize) -> (Blobs, Vec<Failure>) {
        match format {
            Format::Text => self.encode_text(column, count),
            Format::Raw => self.encode_bytes(column, count),
            Format::Json => self.encode_json(column, count),
            Format::Cbor | Format::AvroRegistry | Format::ProtobufRegistry => super::refuse_all(
                column,
                count,
                "JsonConverter cannot read values in a registry's format. Use ByteArrayConverter",
            ),
        }
    }

    fn encode_text(self, column: &Blobs, count: usize) -> (Blobs, Vec<Failure>) {
        let (open, close) = self.envelope(TEXT);
        let (open, close) = (format!("{open}\""), format!("\"{close}"));
        if escape::is_plain(&column.data) {
            return encode_plain(column, count, &open, &close);
        }
        convert_each(column, count, open.len() + close.len(), |text, out| {
            let bytes = out.bytes();
            bytes.extend_from_slice(open.as_bytes());
            escape::escape_lossy(bytes, text);
            bytes.extend_from_slice(close.as_bytes());
            out.end();
            Ok(())
        })
    }

    fn encode_bytes(self, column: &Blobs, count: usize) -> (Blobs, Vec<Failure>) {
        let (open, close) = self.envelope(BYTES);
        convert_each(column, count, open.len() + close.len() + 8, |value, out| {
            let base64 = base64::prelude::BASE64_STANDARD.encode(value);
            out.push(Some(format!("{open}\"{base64}\"{close}").as_bytes()));
            Ok(())
        })
    }

    /// The connector's own JSON, checked and not rewritten; a JSON null is Kafka's null, as a value without schema is.
    fn encode_json(self, column: &Blobs, count: usize) -> (Blobs, Vec<Failure>) {
        let (open, close) = self.envelope(SCHEMALESS);
        convert_each(column, count, open.len() + close.len(), |json, out| {
            let raw: &RawValue = serde_json::from_slice(json)
                .map_err(|error| format!("The connector's JSON value is not valid: {error}"))?;
            if raw.get() == "null" {
                out.push(None);
                return Ok(());
            }
            for part in [open, raw.get(), close] {
                out.bytes().extend_from_slice(part.as_bytes());
            }
            out.end();
            Ok(())
        })
    }

    /// A typed value as bytes of a record.
    pub(super) fn write(self, datum: &Datum) -> Result<Option<Vec<u8>>, Fault> {
        let Datum { schema, value } = datum;
        if schema.is_none() && value.is_null() {
            return Ok(None);
        }
        let mut out = Vec::new();
        if self.schemas_enable {
            out.extend_from_slice(b"{\"schema\":");
            match schema {
                Some(schema) => json_schema::write(&mut out, schema, self.style, None)?,
                None => out.extend_from_slice(b"null"),
            }
            out.extend_from_slice(b",\"payload\":");
        }
        json_data::write(&mut out, schema.as_deref(), value, self.style)?;
        if self.schemas_enable {
            out.push(b'}');
        }
        Ok(Some(out))
    }

    /// A reader of records' bytes.
    pub(super) fn reader(self) -> Decoder {
        Decoder { converter: self, last: None }
    }

    /// As a column in one of the formats of `accepts`; empty: whatever fits best.
    pub(super) fn decode(self, bytes: &Blobs, count: usize, accepts: &[Format]) -> (Format, Blobs, Vec<Failure>) {
        match self.decode_text(bytes, count) {
            Some((column, failures)) => (Format::Text, column, failures),
            None => self.decode_mixed(bytes, count, accepts),
        }
    }

    /// The column, if every value is a string.
    fn decode_text(self, bytes: &Blobs, count: usize) -> Option<(Blobs, Vec<Failure>)> {
        let (open, close) = self.envelope(TEXT);
        let (open, close) = (format!("{open}\""), format!("\"{close}"));
        let mut decoder = self.reader();
        let count = count.min(bytes.len());
        let mut out = Writer::new(count, bytes.data.len().saturating_sub(count * (open.len() + close.len())));
        for index in 0..count {
            let Some(value) = bytes.get(index) else {
                out.push(None);
                continue;
            };
            let inner = value.strip_prefix(open.as_bytes()).and_then(|rest| rest.strip_suffix(close.as_bytes()));
            if let Some(plain) = inner.filter(|inner| escape::is_plain(inner)) {
                out.push(Some(plain));
                continue;
            }
            // Between the same ends stands text with escapes, or some other value.
            if inner.is_some_and(|inner| escape::unescape_into(out.bytes(), inner)) {
                out.end();
                continue;
            }
            match decoder.decode(value) {
                Ok(Decoded::Data(Datum { value: Value::Text(text), .. })) => out.push(Some(text.as_bytes())),
                Ok(Decoded::Data(Datum { value: Value::Null, .. })) => out.push(None),
                Ok(_) => return None,
                Err(fault) => out.fail(fault),
            }
        }
        Some(out.finish())
    }

    /// Whatever the values are. JSON without a schema goes on as it is, to a connector that reads JSON.
    fn decode_mixed(self, bytes: &Blobs, count: usize, accepts: &[Format]) -> (Format, Blobs, Vec<Failure>) {
        let mut decoder = self.reader();
        let decoded: Vec<_> = (0..count.min(bytes.len()))
            .map(|index| bytes.get(index).map_or(Ok(Decoded::Data(Datum::default())), |value| decoder.decode(value)))
            .collect();
        let as_it_is = decoded.iter().any(|value| matches!(value, Ok(Decoded::Json(_))));
        if !as_it_is || !accepts.is_empty() && !accepts.contains(&Format::Json) {
            let values: Vec<_> = decoded.into_iter().map(|value| value?.data(self.style.replace_null)).collect();
            return column::write(&values, accepts);
        }
        let mut out = Writer::new(decoded.len(), bytes.data.len());
        for value in decoded {
            match value {
                Ok(Decoded::Json(json)) => out.push(Some(json.as_bytes())),
                Ok(Decoded::Data(Datum { value: Value::Null, .. })) => out.push(None),
                Ok(Decoded::Data(Datum { schema, value })) => {
                    let written = json_data::write(out.bytes(), schema.as_deref(), &value, Style::GUEST);
                    match written {
                        Ok(()) => out.end(),
                        Err(fault) => out.fail(fault),
                    }
                }
                Err(fault) => out.fail(fault),
            }
        }
        let (column, failures) = out.finish();
        (Format::Json, column, failures)
    }
}

/// Every value between `open` and `close`, none of them with anything to escape: the common case, so without detours.
fn encode_plain(column: &Blobs, count: usize, open: &str, close: &str) -> (Blobs, Vec<Failure>) {
    let length = column.data.len() + count * (open.len() + close.len());
    if !column.nulls.is_empty() || count != column.len() || u32::try_from(length).is_err() {
        return convert_each(column, count, open.len() + close.len(), |text, out| {
            [open.as_bytes(), text, close.as_bytes()].iter().for_each(|part| out.bytes().extend_from_slice(part));
            out.end();
            Ok(())
        });
    }
    let mut out = Blobs::with_capacity(count, length);
    let mut start = 0;
    for end in column.ends.chunks_exact(4) {
        let end = u32::from_le_bytes([end[0], end[1], end[2], end[3]]) as usize;
        out.data.extend_from_slice(open.as_bytes());
        out.data.extend_from_slice(&column.data[start..end]);
        out.data.extend_from_slice(close.as_bytes());
        out.ends.extend_from_slice(&(out.data.len() as u32).to_le_bytes());
        start = end;
    }
    (out, Vec::new())
}

/// What a record's bytes turned out to be.
enum Decoded<'a> {
    /// A value.
    Data(Datum),
    /// JSON without a schema that is neither a string nor null: nobody has looked into it.
    Json(&'a str),
}

impl Decoded<'_> {
    fn data(self, replace_null: bool) -> Result<Datum, Fault> {
        match self {
            Self::Data(datum) => Ok(datum),
            Self::Json(json) => json_data::read(None, json, replace_null).map(Datum::schemaless),
        }
    }
}

/// Decodes values one by one, and remembers the last schema: topics rarely have two.
pub struct Decoder {
    converter: JsonConverter,
    last: Option<(String, Option<Arc<Schema>>)>,
}

impl Decoder {
    /// The value that the bytes of a record are.
    pub fn read(&mut self, value: &[u8]) -> Result<Datum, Fault> {
        let replace_null = self.converter.style.replace_null;
        self.decode(value)?.data(replace_null)
    }

    fn decode<'a>(&mut self, value: &'a [u8]) -> Result<Decoded<'a>, Fault> {
        let replace_null = self.converter.style.replace_null;
        let empty = value.trim_ascii().is_empty();
        let (schema, payload) = match self.converter.schemas_enable {
            false if empty => return Ok(Decoded::Data(Datum::default())),
            false => (None, one_value(value)?.get()),
            true if empty => return Err(NO_ENVELOPE.into()),
            true => self.open(one_value(value)?.get())?,
        };
        match (schema, payload.as_bytes().first()) {
            (None, Some(b'"' | b'n')) => {
                json_data::read(None, payload, replace_null).map(Datum::schemaless).map(Decoded::Data)
            }
            (None, _) => Ok(Decoded::Json(payload)),
            (Some(schema), _) => {
                let value = json_data::read(Some(&schema), payload, replace_null)?;
                Ok(Decoded::Data(Datum { schema: Some(schema), value }))
            }
        }
    }

    /// What is in an envelope.
    fn open<'a>(&mut self, json: &'a str) -> Result<(Option<Arc<Schema>>, &'a str), Fault> {
        let Ok(Envelope { schema: Some(schema), payload: Some(payload), others: false }) = serde_json::from_str(json)
        else {
            return Err(NO_ENVELOPE.into());
        };
        if self.last.as_ref().is_none_or(|(text, _)| text != schema.get()) {
            self.last = Some((schema.get().into(), json_schema::read(schema.get())?));
        }
        Ok((self.last.as_ref().and_then(|(_, schema)| schema.clone()), payload.get()))
    }
}

/// The JSON value at the beginning; what follows it is ignored, as Jackson does.
fn one_value(bytes: &[u8]) -> Result<&RawValue, Fault> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    <&RawValue>::deserialize(&mut deserializer).map_err(|error| {
        Fault::data(format!("Converting byte[] to Kafka Connect data failed due to serialization error: {error}"))
    })
}

/// The fields of an envelope; of one that comes twice the last counts.
struct Envelope<'a> {
    schema: Option<&'a RawValue>,
    payload: Option<&'a RawValue>,
    others: bool,
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with schema and payload")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut envelope = Envelope { schema: None, payload: None, others: false };
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    match &*name {
                        "schema" => envelope.schema = Some(map.next_value()?),
                        "payload" => envelope.payload = Some(map.next_value()?),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            envelope.others = true;
                        }
                    }
                }
                Ok(envelope)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests;
