//! ExtractField: the record becomes one of its fields.

use alloc::{format, string::String, vec::Vec};

use super::fields::Side;
use super::keys::{Check, Keys, REPLACE_NULL, Row, Unset};
use crate::data::{Datum, Fault, Kind as Type, Record, Value};
use crate::plugin::{Importance, Kind};

/// Its keys.
pub const KEYS: &[Row] = &[
    ("field", Kind::Text, Unset::Required, Importance::Medium, Check::Any, "Name of the field; V2: a path to it."),
    REPLACE_NULL,
    (
        "field.syntax.version",
        Kind::Text,
        Unset::Is("V1"),
        Importance::High,
        Check::OneOfCi(&["V1", "V2"]),
        "V1: the field is a name. V2: a path with points between names, and backticks around names that have points.",
    ),
];

const PURPOSE: &str = "field extraction";

/// The transform.
#[derive(Clone, Debug)]
pub struct ExtractField {
    side: Side,
    path: Vec<String>,
    text: String,
    replace_null: bool,
}

impl ExtractField {
    /// Reads its configuration.
    pub fn new(side: Side, keys: &Keys<'_>) -> Result<Self, String> {
        let text = keys.text("field").unwrap_or_default();
        let v2 = keys.text("field.syntax.version").is_some_and(|version| version.eq_ignore_ascii_case("V2"));
        let path = if v2 { path(&text)? } else { [text.clone()].into() };
        Ok(Self { side, path, text, replace_null: keys.replace_null() })
    }

    /// The record with the field in place of what it was in.
    pub fn apply(&self, mut record: Record) -> Result<Record, Fault> {
        let Datum { schema, value } = self.side.take(&mut record);
        let extracted = match (schema, value) {
            (None, Value::Null) => Datum::default(),
            (None, value) => Datum::schemaless(self.of_map(&value)?),
            (Some(schema), value) => {
                let mut field = Some(&schema);
                for name in &self.path {
                    if field.is_some_and(|schema| !matches!(schema.kind, Type::Struct(_))) {
                        return Err(Fault::data("Cannot look up fields on non-struct type"));
                    }
                    field = field.and_then(|schema| schema.field(name)).map(|field| &field.schema);
                }
                let unknown =
                    || Fault::of("java.lang.IllegalArgumentException", format!("Unknown field: {}", self.text));
                let value = self.of_struct(&value)?;
                Datum { schema: Some(field.ok_or_else(unknown)?.clone()), value }
            }
        };
        self.side.set(&mut record, extracted);
        Ok(record)
    }

    fn of_map(&self, value: &Value) -> Result<Value, Fault> {
        let mut at = value;
        for name in &self.path {
            at = match at {
                Value::Map(_) => match at.entry(name) {
                    Some(inner) => inner,
                    None => return Ok(Value::Null),
                },
                Value::Null => return Ok(Value::Null),
                other => {
                    return Err(Fault::data(format!(
                        "Only Map objects supported in absence of schema for [{PURPOSE}], found: {}",
                        other.java_class()
                    )));
                }
            };
        }
        Ok(at.clone())
    }

    fn of_struct(&self, value: &Value) -> Result<Value, Fault> {
        let mut at = value.clone();
        for name in &self.path {
            at = match at {
                Value::Struct(of) => match of.schema.field_index(name) {
                    Some(index) => of.at(index, self.replace_null),
                    None => return Ok(Value::Null),
                },
                Value::Null => return Ok(Value::Null),
                other => {
                    let class = other.java_class();
                    return Err(Fault::data(format!("Only Struct objects supported for [{PURPOSE}], found: {class}")));
                }
            };
        }
        Ok(at)
    }
}

/// The names of a path: `a.b`, `` `a.b`.c ``, and `` \` `` for a backtick inside of backticks.
fn path(text: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut rest = text;
    loop {
        if let Some(quoted) = rest.strip_prefix('`') {
            let (name, after) = closed(quoted).ok_or_else(|| {
                format!(
                    "Incomplete backtick pair in path: [{text}], consider adding a backtick symbol to close the pair"
                )
            })?;
            names.push(name);
            match after.strip_prefix('.') {
                Some(after) => rest = after,
                None => return Ok(names),
            }
        } else {
            match rest.split_once('.') {
                Some((name, after)) => {
                    names.push(name.into());
                    rest = after;
                }
                None => {
                    names.push(rest.into());
                    return Ok(names);
                }
            }
        }
    }
}

/// The name up to the backtick that ends it: one before a point or the end.
fn closed(text: &str) -> Option<(String, &str)> {
    for (at, _) in text.match_indices('`') {
        let after = &text[at + 1..];
        if !text[..at].ends_with('\\') && (after.is_empty() || after.starts_with('.')) {
            return Some((text[..at].replace("\\`", "`"), after));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (text, names) in [
            ("a", &["a"][..]),
            ("a.b", &["a", "b"]),
            ("`a.b`.c", &["a.b", "c"]),
            ("a.`b.c`", &["a", "b.c"]),
            ("`a\\`.b`", &["a`.b"]),
            ("", &[""]),
            ("a..b", &["a", "", "b"]),
        ] {
            assert_eq!(path(text).unwrap(), names, "{text}");
        }
        assert!(path("`a").unwrap_err().starts_with("Incomplete backtick pair"));
    }
}
