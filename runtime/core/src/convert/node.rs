//! One level of a JSON text: what is inside of an array or object stays text until somebody asks.
//!
//! Owns the reading that keeps a number's digits (`1.10` is a Decimal of scale 2) and the order of fields. Of a field that comes twice
//! the last counts, as in Jackson.

use alloc::{borrow::Cow, collections::BTreeMap, format, string::String, vec::Vec};
use core::fmt;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value.
pub enum Node<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
    Array(Vec<&'a RawValue>),
    Object(Fields<'a>),
}

/// Fields of an object.
pub type Fields<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

impl<'a> Node<'a> {
    /// Reads one level of one JSON value.
    pub fn of(json: &'a str) -> Result<Self, String> {
        let invalid = |error: serde_json::Error| format!("Invalid JSON: {error}");
        let json = json.trim_ascii();
        Ok(match json.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'"') => Self::Text(serde_json::from_str::<Text<'a>>(json).map_err(invalid)?.0),
            Some(b'[') => Self::Array(serde_json::from_str(json).map_err(invalid)?),
            Some(b'{') => {
                Self::Object(serde_json::Deserializer::from_str(json).deserialize_map(ObjectVisitor).map_err(invalid)?)
            }
            _ => Self::Number(json),
        })
    }

    /// Its name in Jackson's messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Bool(_) => "BOOLEAN",
            Self::Number(_) => "NUMBER",
            Self::Text(_) => "STRING",
            Self::Array(_) => "ARRAY",
            Self::Object(_) => "OBJECT",
        }
    }

    /// True for a number without point and exponent.
    pub fn is_whole(&self) -> bool {
        matches!(self, Self::Number(number) if !number.contains(['.', 'e', 'E']))
    }
}

/// The field `name`.
pub fn field<'a>(fields: &Fields<'a>, name: &str) -> Option<&'a RawValue> {
    fields.iter().find(|(field, _)| field == name).map(|(_, value)| *value)
}

struct Text<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.into())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields: Fields<'de> = Vec::new();
        // Where each name stands, once there are too many to look through.
        let mut places: BTreeMap<Cow<'de, str>, usize> = BTreeMap::new();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            let value = map.next_value()?;
            if fields.len() == 16 {
                places.extend(fields.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)));
            }
            let known = match fields.len() {
                ..16 => fields.iter().position(|(other, _)| *other == name.0),
                _ => places.get(&name.0).copied(),
            };
            match known {
                Some(at) => fields[at].1 = value,
                None => {
                    if fields.len() >= 16 {
                        places.insert(name.0.clone(), fields.len());
                    }
                    fields.push((name.0, value));
                }
            }
        }
        Ok(fields)
    }
}
