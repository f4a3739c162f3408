//! Typed reading of configuration values (contract 2.6), and the rules a value must fulfil.
//!
//! Owns Kafka's parsing and its error texts. Leaves which key has which type to the definitions. Invariant: a value that
//! parses prints back (`to_text`) as Kafka's validate endpoint shows it.

use crate::plugin::{Kind, Rule};
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

/// A value, read.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// BOOLEAN.
    Bool(bool),
    /// STRING.
    Text(String),
    /// SHORT, INT, LONG, and durations (milliseconds) and sizes (bytes).
    Whole(i64),
    /// DOUBLE.
    Double(f64),
    /// LIST.
    List(Vec<String>),
    /// PASSWORD; never shown.
    Password(String),
    /// CLASS, not yet looked up.
    Class(String),
}

/// Reads `text`. The error is what follows "Invalid value ... for configuration ...: " in Kafka's message.
pub fn parse(kind: Kind, text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    match kind {
        Kind::Text => Ok(Value::Text(trimmed.to_owned())),
        Kind::Password => Ok(Value::Password(trimmed.to_owned())),
        Kind::ClassName => Ok(Value::Class(trimmed.to_owned())),
        Kind::List => Ok(Value::List(list(trimmed))),
        Kind::Boolean if trimmed.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        Kind::Boolean if trimmed.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        Kind::Boolean => Err("Expected value to be either true or false".into()),
        Kind::Short => number(trimmed.parse::<i16>().ok().map(i64::from), kind),
        Kind::Int => number(trimmed.parse::<i32>().ok().map(i64::from), kind),
        Kind::Long => number(trimmed.parse().ok(), kind),
        Kind::Double => trimmed.parse().map(Value::Double).map_err(|_| not_a_number(kind)),
        Kind::Duration => with_unit(trimmed, &DURATIONS)
            .map(Value::Whole)
            .ok_or_else(|| "Not a time: write 500 or 500ms, 5s, 5m, 5h, 5d".into()),
        Kind::Size => with_unit(trimmed, &SIZES)
            .map(Value::Whole)
            .ok_or_else(|| "Not a size: write 500 or 500B, 5KiB, 5MiB, 5GiB".into()),
    }
}

/// The parts of a LIST: between commas, without blanks around them. Empty text has none.
pub fn list(text: &str) -> Vec<String> {
    match text.trim() {
        "" => Vec::new(),
        text => text.split(',').map(|part| part.trim().to_owned()).collect(),
    }
}

fn number(parsed: Option<i64>, kind: Kind) -> Result<Value, String> {
    parsed.map(Value::Whole).ok_or_else(|| not_a_number(kind))
}

fn not_a_number(kind: Kind) -> String {
    format!("Not a number of type {}", kind.name())
}

const DURATIONS: [(&str, i64); 6] =
    [("", 1), ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const SIZES: [(&str, i64); 5] = [("", 1), ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

fn with_unit(text: &str, units: &[(&str, i64)]) -> Option<i64> {
    let end = text.rfind(|char: char| char.is_ascii_digit())? + 1;
    let (digits, unit) = (&text[..end], text[end..].trim_start());
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    digits.parse::<i64>().ok()?.checked_mul(*factor)
}

impl Value {
    /// As the validate endpoint shows it.
    pub fn to_text(&self) -> String {
        match self {
            Self::Bool(bool) => format!("{bool}"),
            Self::Text(text) | Self::Class(text) => text.clone(),
            Self::Whole(whole) => format!("{whole}"),
            Self::Double(double) => crate::convert::java_double(*double),
            Self::List(parts) => parts.join(","),
            Self::Password(_) => "[hidden]".into(),
        }
    }

    /// As Java prints it in a message.
    pub fn to_java(&self) -> String {
        match self {
            Self::List(parts) => format!("[{}]", parts.join(", ")),
            other => other.to_text(),
        }
    }
}

/// Why `value` (`None`: null) does not fulfil `rule`, in Kafka's words; `None` if it does. Custom rules are the plug-in's.
pub fn violation(rule: &Rule, value: Option<&Value>) -> Option<String> {
    match (rule, value) {
        (Rule::Range(..), None) => Some("Value must be non-null".into()),
        (Rule::Range(min, max), Some(value)) => out_of_range(*min, *max, value),
        (Rule::OneOf(allowed), value) => {
            let fits = value.is_some_and(|value| allowed.iter().any(|word| *word == plain(value)));
            (!fits).then(|| format!("String must be one of: {}", allowed.join(", ")))
        }
        (Rule::OneOfCi(allowed), value) => {
            let fits = value.is_some_and(|value| allowed.iter().any(|word| word.eq_ignore_ascii_case(plain(value))));
            (!fits).then(|| format!("String must be one of (case insensitive): {}", allowed.join(", ")))
        }
        (_, None) => None,
        (Rule::NonEmpty, Some(Value::List(parts))) => parts.is_empty().then(|| "List must be non-empty".into()),
        (Rule::NonEmpty, Some(value)) => plain(value).is_empty().then(|| "String must be non-empty".into()),
        (Rule::Pattern(pattern), Some(value)) => match full_match(pattern) {
            Ok(regex) => (!regex.is_match(plain(value))).then(|| format!("Value must match {pattern}")),
            Err(error) => Some(format!("the connector's own pattern {pattern} cannot be used: {error}")),
        },
        (Rule::ListSize(min, max), Some(Value::List(parts))) => {
            let fits = (*min as usize..=*max as usize).contains(&parts.len());
            (!fits).then(|| format!("List must have {min} to {max} elements, but has {}", parts.len()))
        }
        (Rule::Custom(rule), Some(value)) => crate::transform::check_rule(rule, value),
        (Rule::ListSize(..), _) => None,
    }
}

fn out_of_range(min: Option<f64>, max: Option<f64>, value: &Value) -> Option<String> {
    let number = match value {
        Value::Whole(whole) => *whole as f64,
        Value::Double(double) => *double,
        _ => return None,
    };
    match (min, max) {
        (Some(min), _) if number < min => Some(format!("Value must be at least {min}")),
        (_, Some(max)) if number > max => Some(format!("Value must be no more than {max}")),
        _ => None,
    }
}

fn plain(value: &Value) -> &str {
    match value {
        Value::Text(text) | Value::Class(text) | Value::Password(text) => text,
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        Value::Whole(_) | Value::Double(_) | Value::List(_) => "",
    }
}

/// A regular expression that must match a whole text, as Java's `matches` does. Linear in the text; no look-around.
pub fn full_match(pattern: &str) -> Result<regex::Regex, String> {
    regex::RegexBuilder::new(&format!("^(?:{pattern})$"))
        .size_limit(1 << 20)
        .build()
        .map_err(|error| format!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, text: &str, expected: Result<&str, &str>) {
        let parsed = parse(kind, text).map(|value| value.to_text());
        assert_eq!(parsed.as_deref().map_err(String::as_str), expected, "{kind:?} {text:?}");
    }

    #[test]
    fn types() {
        check(Kind::Text, " t ", Ok("t"));
        check(Kind::Boolean, " TRUE ", Ok("true"));
        check(Kind::Boolean, "maybe", Err("Expected value to be either true or false"));
        check(Kind::Boolean, "", Err("Expected value to be either true or false"));
        check(Kind::Int, " 3 ", Ok("3"));
        check(Kind::Int, "+5", Ok("5"));
        check(Kind::Int, "abc", Err("Not a number of type INT"));
        check(Kind::Int, "99999999999", Err("Not a number of type INT"));
        check(Kind::Short, "99999", Err("Not a number of type SHORT"));
        check(Kind::Long, "1.5", Err("Not a number of type LONG"));
        check(Kind::Long, "99999999999", Ok("99999999999"));
        check(Kind::Double, "1", Ok("1.0"));
        check(Kind::Double, "x", Err("Not a number of type DOUBLE"));
        check(Kind::List, " a , b,,c ", Ok("a,b,,c"));
        check(Kind::List, " ", Ok(""));
        check(Kind::Password, "secret", Ok("[hidden]"));
        check(Kind::Duration, "250", Ok("250"));
        check(Kind::Duration, "2 m", Ok("120000"));
        check(Kind::Duration, "1w", Err("Not a time: write 500 or 500ms, 5s, 5m, 5h, 5d"));
        check(Kind::Size, "64KiB", Ok("65536"));
        check(Kind::Size, "9999999999999GiB", Err("Not a size: write 500 or 500B, 5KiB, 5MiB, 5GiB"));
        check(Kind::Size, "é", Err("Not a size: write 500 or 500B, 5KiB, 5MiB, 5GiB"));
    }

    #[test]
    fn rules() {
        let check = |rule: Rule, kind, text: &str, expected: Option<&str>| {
            let value = parse(kind, text).unwrap();
            assert_eq!(violation(&rule, Some(&value)).as_deref(), expected, "{rule:?} {text}");
        };
        let words = |list: &str| list.split(' ').map(String::from).collect::<Vec<_>>();
        check(Rule::Range(Some(1.0), None), Kind::Int, "0", Some("Value must be at least 1"));
        check(Rule::Range(None, Some(9.0)), Kind::Int, "10", Some("Value must be no more than 9"));
        check(Rule::Range(Some(1.0), Some(9.0)), Kind::Int, "9", None);
        check(Rule::OneOf(words("none all")), Kind::Text, "ALL", Some("String must be one of: none, all"));
        check(Rule::OneOf(words("none all")), Kind::Text, "all", None);
        check(
            Rule::OneOfCi(words("POLL INTERVAL")),
            Kind::Text,
            "x",
            Some("String must be one of (case insensitive): POLL, INTERVAL"),
        );
        check(Rule::OneOfCi(words("POLL INTERVAL")), Kind::Text, "poll", None);
        check(Rule::NonEmpty, Kind::Text, " ", Some("String must be non-empty"));
        check(Rule::Pattern("a|b".into()), Kind::Text, "ab", Some("Value must match a|b"));
        check(Rule::Pattern("a|b".into()), Kind::Text, "b", None);
        check(Rule::ListSize(1, 2), Kind::List, "a,b,c", Some("List must have 1 to 2 elements, but has 3"));
        check(Rule::Custom("x".into()), Kind::Text, "", None);
        assert_eq!(violation(&Rule::Range(None, None), None).as_deref(), Some("Value must be non-null"));
    }
}
