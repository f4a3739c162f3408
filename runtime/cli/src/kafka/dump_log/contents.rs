//! Keys and values of records, as a decoder reads them.
//!
//! Owns which decoder was asked for, and its words.

use broker_wire::records::Record;

use crate::{
    failure::Failure,
    flags::Given,
    java,
    message::{
        coordinator::{Remembered, Unread, read},
        groups::GROUPS,
        metadata,
        transactions::{SHARES, TRANSACTIONS},
    },
};

/// What keys and values are.
pub(super) enum Contents {
    /// Each of a simple kind.
    Simple(Decoder, Decoder),
    /// What a coordinator remembers.
    Coordinator(&'static [&'static [Remembered]]),
    /// What Kafka's controllers note.
    Metadata,
}

/// One of the decoders that come with Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoder {
    Text,
    I32,
    I64,
}

impl Contents {
    /// What the command line asks for; none if contents are not to be printed.
    pub fn asked(given: &Given) -> Result<Option<Contents>, Failure> {
        let coordinators = [
            ("offsets-decoder", GROUPS),
            ("transaction-log-decoder", TRANSACTIONS),
            ("share-group-state-decoder", SHARES),
        ];
        // The order in which Kafka's tool looks.
        let [offsets, transactions, shares] = coordinators.map(|(flag, tables)| given.has(flag).then_some(tables));
        let metadata = given.has("cluster-metadata-decoder").then_some(Contents::Metadata);
        let decoded =
            offsets.or(transactions).map(Contents::Coordinator).or(metadata).or(shares.map(Contents::Coordinator));
        let classes = ["key-decoder-class", "value-decoder-class"];
        let wanted = given.has("print-data-log") || !given.among(&classes).is_empty();
        let [key, value] = classes.map(|flag| decoder(given, flag));
        let simple = Contents::Simple(key?, value?);
        Ok(decoded.or(wanted.then_some(simple)))
    }

    /// What is to be printed of the key and the value.
    pub fn of(&self, record: &Record<'_>) -> Result<[Option<String>; 2], Failure> {
        match self {
            Contents::Simple(key, value) => {
                let text = |decoder: &Decoder, bytes: Option<&[u8]>| bytes.map(|bytes| decoder.text(bytes)).transpose();
                Ok([text(key, record.key)?, text(value, record.value)?])
            }
            Contents::Coordinator(tables) => remembered(tables, record),
            Contents::Metadata => {
                let read = metadata::read(record.value.unwrap_or_default());
                let text = read.map_or_else(
                    |_| format!("Error at {}, skipping. It is no metadata record that is known here.", record.offset),
                    |json| json.to_string(),
                );
                Ok([None, Some(text)])
            }
        }
    }
}

fn remembered(tables: &[&[Remembered]], record: &Record<'_>) -> Result<[Option<String>; 2], Failure> {
    let offset = record.offset;
    let Some(key) = record.key else {
        let why = "using the specified decoder (message had a missing key)";
        return Err(Failure::new(format!("Failed to decode message at offset {offset} {why}")));
    };
    Ok(match read(tables, key, record.value) {
        Ok((kind, key, value)) => {
            let value = value.map_or_else(
                || "<DELETE>".to_owned(),
                |(version, value)| format!("{{\"version\":\"{version}\",\"data\":{value}}}"),
            );
            [Some(format!("{{\"type\":\"{kind}\",\"data\":{key}}}")), Some(value)]
        }
        Err(Unread::Unknown(kind)) => [Some(format!("Unknown record type {kind} at offset {offset}, skipping.")), None],
        Err(Unread::Damaged) => [Some(format!("Error at offset {offset}, skipping. It is damaged.")), None],
    })
}

fn decoder(given: &Given, flag: &str) -> Result<Decoder, Failure> {
    let Some(class) = given.one(flag)? else { return Ok(Decoder::Text) };
    match class.strip_prefix("org.apache.kafka.tools.api.") {
        Some("StringDecoder") => Ok(Decoder::Text),
        Some("IntegerDecoder") => Ok(Decoder::I32),
        Some("LongDecoder") => Ok(Decoder::I64),
        _ => Err(Failure::new("Failed to load decoder class".to_owned()).advising(format!(
            "There is no {class}: no Java class can be loaded here. There are StringDecoder, IntegerDecoder and \
             LongDecoder of org.apache.kafka.tools.api."
        ))),
    }
}

impl Decoder {
    fn text(self, bytes: &[u8]) -> Result<String, Failure> {
        let number = |expected: usize| {
            Failure::new(format!("a number of {expected} bytes was expected, there are {}", bytes.len()))
        };
        Ok(match self {
            Decoder::Text => java::text(bytes).into_owned(),
            Decoder::I32 => i32::from_be_bytes(bytes.try_into().map_err(|_| number(4))?).to_string(),
            Decoder::I64 => i64::from_be_bytes(bytes.try_into().map_err(|_| number(8))?).to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_size() {
        let check = |decoder: Decoder, bytes: &[u8], expected: Option<&str>| {
            assert_eq!(decoder.text(bytes).ok().as_deref(), expected, "{decoder:?} {bytes:?}");
        };
        check(Decoder::Text, b"a\xed\xa0\x80", Some("a\u{fffd}"));
        check(Decoder::I32, b"\0\0\x01\0", Some("256"));
        check(Decoder::I32, b"\0", None);
        check(Decoder::I64, b"\xff\xff\xff\xff\xff\xff\xff\xff", Some("-1"));
    }
}
