//! How our own `consume` prints a record: by a template, as kcat does, or as JSON.
//!
//! Invariant: with a template keys and values are printed as the bytes they are; in JSON what is no text is written in base64, and said to be.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::Record;

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// The letter of a field.
    Field(char),
}

/// The parts of a template.
pub(super) fn pieces(format: &str) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut text) = (Vec::new(), String::new());
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => match letters.next() {
                Some('%') => text.push('%'),
                Some(field @ ('v' | 'k' | 't' | 'p' | 'o' | 'T' | 'h')) => {
                    if !text.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut text)));
                    }
                    pieces.push(Piece::Field(field));
                }
                Some(other) => return Err(format!("%{other} stands for nothing")),
                None => return Err("the format ends with a %".to_owned()),
            },
            '\\' => match letters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('0') => text.push('\0'),
                Some('\\') => text.push('\\'),
                Some(other) => return Err(format!("\\{other} stands for nothing")),
                None => return Err("the format ends with a \\".to_owned()),
            },
            other => text.push(other),
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

impl Piece {
    /// Appends this part of a record.
    pub(super) fn print(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        let field = match self {
            Self::Text(text) => return out.extend_from_slice(text.as_bytes()),
            Self::Field(field) => field,
        };
        match field {
            'v' => out.extend_from_slice(record.value.unwrap_or_default()),
            'k' => out.extend_from_slice(record.key.unwrap_or_default()),
            't' => out.extend_from_slice(record.topic.as_bytes()),
            'p' => out.extend(record.partition.to_string().into_bytes()),
            'o' => out.extend(record.offset.to_string().into_bytes()),
            'T' => out.extend(record.timestamp.unwrap_or(-1).to_string().into_bytes()),
            _ => {
                for (at, (name, value)) in record.headers.iter().enumerate() {
                    out.extend_from_slice(if at == 0 { b"" } else { b"," });
                    out.extend_from_slice(name.as_bytes());
                    out.push(b'=');
                    out.extend_from_slice(value.unwrap_or_default());
                }
            }
        }
    }
}

/// A key or value in JSON: text, or what it is in base64.
pub(crate) fn shown(bytes: Option<&[u8]>) -> Value {
    match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => Value::Null,
        Some((_, Ok(text))) => json!(text),
        Some((bytes, Err(_))) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}

/// A record as an object on a line of its own.
pub(super) fn json(record: &Record<'_>) -> String {
    let headers = record.headers.iter().map(|(name, value)| json!({ "name": name, "value": shown(*value) }));
    let object = json!({
        "topic": record.topic,
        "partition": record.partition,
        // As text: JavaScript's numbers do not hold all of them.
        "offset": record.offset.to_string(),
        "timestamp": record.timestamp.map(|timestamp| timestamp.to_string()),
        "key": shown(record.key),
        "value": shown(record.value),
        "headers": headers.collect::<Vec<_>>(),
    });
    format!("{object}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record<'static> {
        Record {
            topic: "t",
            partition: 2,
            offset: 7,
            timestamp: Some(9),
            key: Some(b"k"),
            value: Some(b"\xff"),
            headers: vec![("a", Some(b"1")), ("b", None)],
            ..Record::default()
        }
    }

    #[test]
    fn templates() {
        let check = |format: &str, expected: &[u8]| {
            let mut out = Vec::new();
            pieces(format).unwrap().iter().for_each(|piece| piece.print(&record(), &mut out));
            assert_eq!(out, expected, "{format}");
        };
        check("%v\\n", b"\xff\n");
        check("%t/%p/%o %k %T %h 100%%\\t\\\\", b"t/2/7 k 9 a=1,b= 100%\t\\");
        assert_eq!(pieces("%x"), Err("%x stands for nothing".to_owned()));
        assert!(pieces("%").is_err() && pieces("\\").is_err() && pieces("\\q").is_err());
    }

    #[test]
    fn an_object_per_line() {
        let expected = "{\"headers\":[{\"name\":\"a\",\"value\":\"1\"},{\"name\":\"b\",\"value\":null}],\"key\":\"k\",\"offset\":\"7\",\
             \"partition\":2,\"timestamp\":\"9\",\"topic\":\"t\",\"value\":{\"base64\":\"/w==\"}}\n";
        assert_eq!(json(&record()), expected);
    }
}
