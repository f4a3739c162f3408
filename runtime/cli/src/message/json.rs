//! JSON as Kafka's tools print it: fields in the order of their table, bytes in base64.
//!
//! Owns the tree and its text. Invariant: the text is what Jackson makes of the same tree.

use std::fmt;

use base64::Engine;
use serde_json::Value;

use crate::java;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer.
    Number(i64),
    /// A double.
    Double(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Values.
    List(Vec<Json>),
    /// Named values, in order.
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    /// The value of a field of an object.
    pub fn get(&self, name: &str) -> Option<&Json> {
        let Json::Object(fields) = self else { return None };
        fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Json> {
        let Json::Object(fields) = self else { return None };
        fields.iter_mut().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => out.write_str("null"),
            Json::Bool(value) => write!(out, "{value}"),
            Json::Number(value) => write!(out, "{value}"),
            Json::Double(value) => out.write_str(&java::double(*value)),
            Json::Text(text) => write!(out, "{}", Value::from(text.as_str())),
            Json::Bytes(bytes) => write!(out, "\"{}\"", base64::prelude::BASE64_STANDARD.encode(bytes)),
            Json::List(values) => {
                out.write_str("[")?;
                for (at, value) in values.iter().enumerate() {
                    write!(out, "{}{value}", if at > 0 { "," } else { "" })?;
                }
                out.write_str("]")
            }
            Json::Object(fields) => {
                out.write_str("{")?;
                for (at, (name, value)) in fields.iter().enumerate() {
                    write!(out, "{}\"{name}\":{value}", if at > 0 { "," } else { "" })?;
                }
                out.write_str("}")
            }
        }
    }
}
