//! A connector's configuration, parsed from its definition.
//!
//! Owns the typed view. Leaves regular expressions and custom rules to the host and to `validate`. Invariant: every key of
//! the definition has a value of its kind, or none where it has no default.

use crate::definition::{Definition, Key, Kind, Rule};
use crate::{Error, RawConfig};
use std::collections::BTreeMap;

/// Values by key, checked and typed. Asking for a key that the definition lacks, or as another type, is a mistake in the
/// connector and panics.
#[derive(Clone, Debug)]
pub struct Config {
    values: BTreeMap<String, Option<Value>>,
    raw: RawConfig,
}

#[derive(Clone, Debug)]
enum Value {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    List(Vec<String>),
}

impl Config {
    /// Parses `raw`; keys that the definition lacks are kept in [`Config::raw`] only. An error names the key and says what
    /// to write.
    pub fn parse(definition: &Definition, raw: RawConfig) -> Result<Self, Error> {
        let mut values = BTreeMap::new();
        for key in &definition.keys {
            let given = raw.iter().rev().find(|(name, _)| *name == key.0.name).map(|(_, value)| value.trim());
            values.insert(key.0.name.clone(), value_of(key, given)?);
        }
        Ok(Self { values, raw })
    }

    /// A text, class name or password; `None` if it has no value.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.value(key) {
            Some(Value::Text(text)) => Some(text),
            None => None,
            Some(other) => panic!("`{key}` is no text: {other:?}"),
        }
    }

    /// A whole number; durations are in milliseconds, sizes in bytes.
    pub fn int(&self, key: &str) -> Option<i64> {
        match self.value(key) {
            Some(Value::Int(number)) => Some(*number),
            None => None,
            Some(other) => panic!("`{key}` is no whole number: {other:?}"),
        }
    }

    /// A floating point number.
    pub fn double(&self, key: &str) -> Option<f64> {
        match self.value(key) {
            Some(Value::Double(number)) => Some(*number),
            None => None,
            Some(other) => panic!("`{key}` is no number: {other:?}"),
        }
    }

    /// A switch; one without value is off.
    pub fn is_on(&self, key: &str) -> bool {
        match self.value(key) {
            Some(Value::Bool(on)) => *on,
            None => false,
            Some(other) => panic!("`{key}` is no switch: {other:?}"),
        }
    }

    /// A list; one without value is empty.
    pub fn list(&self, key: &str) -> &[String] {
        match self.value(key) {
            Some(Value::List(list)) => list,
            None => &[],
            Some(other) => panic!("`{key}` is no list: {other:?}"),
        }
    }

    /// Everything as it was written.
    pub fn raw(&self) -> &RawConfig {
        &self.raw
    }

    fn value(&self, key: &str) -> Option<&Value> {
        let Some(value) = self.values.get(key) else { panic!("`{key}` is not in the definition") };
        value.as_ref()
    }
}

fn value_of(key: &Key, given: Option<&str>) -> Result<Option<Value>, Error> {
    let name = &key.0.name;
    let bad = |why: String| Error::bad_config("config", format!("Invalid value for configuration {name}: {why}"));
    let Some(text) = given.or(key.0.default.as_deref()) else {
        return if key.0.required {
            Err(Error::bad_config(
                "config",
                format!("Missing required configuration \"{name}\" which has no default value."),
            ))
        } else {
            Ok(None)
        };
    };
    let value = parse(key.0.kind, text).ok_or_else(|| bad(format!("{text} is not {}", describe(key.0.kind))))?;
    match key.0.rules.iter().find(|rule| !fulfils(rule, text, &value)) {
        Some(rule) => Err(bad(format!("\"{text}\" is not {}", demand(rule)))),
        None => Ok(Some(value)),
    }
}

fn parse(kind: Kind, text: &str) -> Option<Value> {
    let within = |min: i64, max: i64| text.parse().ok().filter(|number| (min..=max).contains(number)).map(Value::Int);
    match kind {
        Kind::Boolean if text.eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
        Kind::Boolean if text.eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
        Kind::Boolean => None,
        Kind::Text | Kind::Password | Kind::ClassName => Some(Value::Text(text.to_owned())),
        Kind::Short => within(i16::MIN.into(), i16::MAX.into()),
        Kind::Int => within(i32::MIN.into(), i32::MAX.into()),
        Kind::Long => within(i64::MIN, i64::MAX),
        Kind::Double => text.parse().ok().map(Value::Double),
        Kind::List if text.is_empty() => Some(Value::List(Vec::new())),
        Kind::List => Some(Value::List(text.split(',').map(|part| part.trim().to_owned()).collect())),
        Kind::Duration => scaled(text, &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]),
        Kind::Size => scaled(text, &[("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)]),
    }
}

/// A number, alone or with one of the units behind it.
fn scaled(text: &str, units: &[(&str, i64)]) -> Option<Value> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = (text[..digits].parse::<i64>().ok()?, text[digits..].trim());
    let factor = if unit.is_empty() { 1 } else { units.iter().find(|(name, _)| *name == unit)?.1 };
    number.checked_mul(factor).map(Value::Int)
}

fn fulfils(rule: &Rule, text: &str, value: &Value) -> bool {
    let number = match value {
        Value::Int(number) => *number as f64,
        Value::Double(number) => *number,
        _ => 0.0,
    };
    match rule {
        Rule::Range((min, max)) => min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max),
        Rule::OneOf(values) => values.iter().any(|one| one == text),
        Rule::OneOfCi(values) => values.iter().any(|one| one.eq_ignore_ascii_case(text)),
        Rule::NonEmpty => !text.is_empty(),
        Rule::ListSize((min, max)) => match value {
            Value::List(list) => (*min as usize..=*max as usize).contains(&list.len()),
            _ => true,
        },
        Rule::Pattern(_) | Rule::Custom(_) => true,
    }
}

fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "true or false",
        Kind::Short => "a whole number of 16 bits",
        Kind::Int => "a whole number of 32 bits",
        Kind::Long => "a whole number of 64 bits",
        Kind::Double => "a number",
        Kind::Duration => "a number of milliseconds, or a number with ms, s, m, h or d behind it",
        Kind::Size => "a number of bytes, or a number with B, KiB, MiB or GiB behind it",
        Kind::Text | Kind::List | Kind::Password | Kind::ClassName => "a text",
    }
}

fn demand(rule: &Rule) -> String {
    match rule {
        Rule::Range((Some(min), Some(max))) => format!("from {min} to {max}"),
        Rule::Range((Some(min), None)) => format!("at least {min}"),
        Rule::Range((None, Some(max))) => format!("at most {max}"),
        Rule::OneOf(values) | Rule::OneOfCi(values) => format!("one of {}", values.join(", ")),
        Rule::NonEmpty => "a non-empty text".to_owned(),
        Rule::ListSize((min, max)) => format!("a list of {min} to {max} values"),
        Rule::Range((None, None)) | Rule::Pattern(_) | Rule::Custom(_) => "valid".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::Importance;

    fn check(kind: Kind, text: &str, expected: Result<&str, &str>) {
        let definition = Definition::new([Key::new("k", kind, Importance::Low, "").at_least(0)]);
        let parsed = Config::parse(&definition, vec![("k".to_owned(), text.to_owned())]);
        let shown = parsed.map(|config| format!("{:?}", config.value("k").unwrap())).map_err(|error| error.message);
        assert_eq!(shown.as_deref().map_err(String::as_str), expected, "{text:?}");
    }

    #[test]
    fn values_by_kind() {
        check(Kind::Int, " 7 ", Ok("Int(7)"));
        check(
            Kind::Int,
            "2147483648",
            Err("Invalid value for configuration k: 2147483648 is not a whole number of 32 bits"),
        );
        check(Kind::Int, "-1", Err("Invalid value for configuration k: \"-1\" is not at least 0"));
        check(Kind::Boolean, "TRUE", Ok("Bool(true)"));
        check(Kind::Boolean, "1", Err("Invalid value for configuration k: 1 is not true or false"));
        check(Kind::List, "a, b,c", Ok("List([\"a\", \"b\", \"c\"])"));
        check(Kind::Duration, "2 s", Ok("Int(2000)"));
        check(Kind::Size, "1MiB", Ok("Int(1048576)"));
        check(
            Kind::Size,
            "99999999999GiB",
            Err(
                "Invalid value for configuration k: 99999999999GiB is not a number of bytes, or a number with B, KiB, MiB or GiB behind it",
            ),
        );
    }

    #[test]
    fn defaults_and_missing_values() {
        let definition = Definition::new([
            Key::new("a", Kind::Text, Importance::High, ""),
            Key::new("b", Kind::Int, Importance::Low, "").default(5),
        ]);
        let config = Config::parse(&definition, vec![]).unwrap();
        assert_eq!((config.text("a"), config.int("b")), (None, Some(5)));
        let required = Definition::new([Key::new("a", Kind::Text, Importance::High, "").required()]);
        let error = Config::parse(&required, vec![]).unwrap_err();
        assert_eq!(error.message, "Missing required configuration \"a\" which has no default value.");
    }
}
