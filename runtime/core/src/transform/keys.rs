//! The keys of transforms and predicates: one table entry serves validation, REST and the reading of a configuration.
//!
//! Owns the typed reading, with Kafka's messages. Leaves the verdict of the validate endpoint to `config`.

use alloc::{borrow::ToOwned, collections::BTreeSet, format, string::String, vec::Vec};

use crate::config::ConfigMap;
use crate::config::value::{Value, full_match, list, parse, violation};
use crate::plugin::{ConfigKey, Definition, Importance, Kind, Rule, Width};

/// What a configuration that leaves the key out means.
#[derive(Clone, Copy, Debug)]
pub enum Unset {
    /// An error.
    Required,
    /// Null.
    Null,
    /// This text.
    Is(&'static str),
}

/// What a value must fulfil.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// Its type.
    Any,
    /// Not empty.
    NonEmpty,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// One of these, in any case.
    OneOfCi(&'static [&'static str]),
    /// A rule of [`custom`].
    Custom(&'static str),
}

/// One key: name, type, default, importance, rule, what it is.
pub type Row = (&'static str, Kind, Unset, Importance, Check, &'static str);

/// `replace.null.with.default`, which most have.
pub const REPLACE_NULL: Row = (
    "replace.null.with.default",
    Kind::Boolean,
    Unset::Is("true"),
    Importance::Medium,
    Check::Any,
    "Whether a null in a field that has a default counts as the default.",
);

/// The definition that the rows make.
pub fn definition(rows: &[Row]) -> Definition {
    Definition { keys: rows.iter().map(key).collect(), groups: Vec::new() }
}

fn key(row: &Row) -> ConfigKey {
    let &(name, kind, unset, importance, check, doc) = row;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    ConfigKey {
        name: name.into(),
        kind,
        default: match unset {
            Unset::Is(text) => Some(text.into()),
            _ => None,
        },
        required: matches!(unset, Unset::Required),
        rules: match check {
            Check::Any => Vec::new(),
            Check::NonEmpty => [Rule::NonEmpty].into(),
            Check::OneOf(all) => [Rule::OneOf(words(all))].into(),
            Check::OneOfCi(all) => [Rule::OneOfCi(words(all))].into(),
            Check::Custom(rule) => [Rule::Custom(rule.into())].into(),
        },
        importance,
        doc: doc.into(),
        group: String::new(),
        order: 0,
        width: Width::None,
        display_name: name.into(),
        dependents: Vec::new(),
        dynamic: false,
        hot: false,
        attrs: Vec::new(),
    }
}

/// Rule of a whole regular expression.
pub const REGEX: &str = "valid regex";
/// Rule of a regular expression that is not empty.
pub const FULL_REGEX: &str = "non-empty string, valid regex";
/// Rule of `field:type` pairs.
pub const CASTS: &str = "list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>";
/// Rule of `old:new` pairs.
pub const RENAMES: &str = "list of renames";

/// Why `value` does not fulfil one of the rules above; other names are a plug-in's own.
pub fn custom(rule: &str, value: &Value) -> Option<String> {
    match (rule, value) {
        (FULL_REGEX, Value::Text(text)) if text.is_empty() => Some("String must be non-empty".into()),
        (REGEX | FULL_REGEX, Value::Text(text)) => {
            full_match(text).err().map(|error| format!("Invalid regex: {error}"))
        }
        (CASTS, Value::List(casts)) => super::cast::Casts::parse(casts).err(),
        (RENAMES, Value::List(pairs)) => {
            pairs.iter().find(|pair| pair.split(':').count() != 2).map(|pair| format!("Invalid rename mapping: {pair}"))
        }
        _ => None,
    }
}

/// A configuration, read by its table.
pub struct Keys<'a> {
    rows: &'a [Row],
    config: &'a ConfigMap,
}

impl<'a> Keys<'a> {
    /// Checks every key. The error is Kafka's `ConfigException`, without its class.
    pub fn new(rows: &'a [Row], config: &'a ConfigMap) -> Result<Self, String> {
        let keys = Self { rows, config };
        for row in rows {
            let (name, value) = (row.0, keys.value(row)?);
            for rule in value.is_some().then(|| key(row).rules).into_iter().flatten() {
                if let Some(why) = violation(&rule, value.as_ref()) {
                    let shown = value.as_ref().map(Value::to_java).unwrap_or_default();
                    return Err(format!("Invalid value {shown} for configuration {name}: {why}"));
                }
            }
        }
        Ok(keys)
    }

    fn value(&self, row: &Row) -> Result<Option<Value>, String> {
        let &(name, kind, unset, ..) = row;
        match (self.config.get(name), unset) {
            (Some(text), _) => parse(kind, text)
                .map(Some)
                .map_err(|why| format!("Invalid value {text} for configuration {name}: {why}")),
            (None, Unset::Is(text)) => parse(kind, text).map(Some),
            (None, Unset::Null) => Ok(None),
            (None, Unset::Required) => {
                Err(format!("Missing required configuration \"{name}\" which has no default value."))
            }
        }
    }

    fn get(&self, name: &str) -> Option<Value> {
        let row = self.rows.iter().find(|row| row.0 == name).expect("a key of the transform's own table");
        self.value(row).ok().flatten()
    }

    /// A text; `None` if it is null.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.to_text())
    }

    /// A list; what comes twice counts once (KIP-1161).
    pub fn list(&self, name: &str) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let all = self.text(name).map(|text| list(&text)).unwrap_or_default();
        all.into_iter().filter(|item| seen.insert(item.clone())).collect()
    }

    /// A whole number; `None` if it is null.
    pub fn whole(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Whole(whole)) => Some(whole),
            _ => None,
        }
    }

    /// True if the key is `true`.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some(Value::Bool(true))
    }

    /// `replace.null.with.default`.
    pub fn replace_null(&self) -> bool {
        self.is_true("replace.null.with.default")
    }
}
