//! The text that Java's `toString` makes of a value: what StringConverter writes of a map, a list or a number.
//!
//! Owns maps `{x=1, y=2}`, lists `[q, r]`, and doubles (`1.0`, `1.0E20`). Invariant: text is itself, without quotes.

use alloc::{format, string::String};
use core::fmt::Write;
use serde_json::{Number, Value};

/// Java's text of a JSON value, as Connect reads it without a schema (whole numbers are longs, others doubles).
pub fn java_text(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => out.push_str(text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                out.push_str(key);
                out.push('=');
                write_value(out, item);
            }
            out.push('}');
        }
    }
}

fn write_number(out: &mut String, number: &Number) {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(double) => out.push_str(&java_double(double)),
        None => write!(out, "{number}").unwrap_or_default(),
    }
}

/// `Double.toString`: decimal from 1e-3 up to 1e7, else with an exponent; always a digit after the point.
pub fn java_double(double: f64) -> String {
    floating(double, || format!("{double:?}"), || format!("{double:e}"))
}

/// `Float.toString`, as [`java_double`].
pub fn java_float(float: f32) -> String {
    floating(float.into(), || format!("{float:?}"), || format!("{float:e}"))
}

fn floating(number: f64, plain: impl Fn() -> String, scientific: impl Fn() -> String) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    let size = number.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        return plain();
    }
    let text = scientific();
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let point = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles() {
        for (double, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (1.5, "1.5"),
            (1e20, "1.0E20"),
            (1.25e-7, "1.25E-7"),
            (0.001, "0.001"),
            (9999999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (-123456789.5, "-1.234567895E8"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
        ] {
            assert_eq!(java_double(double), text);
        }
    }

    #[test]
    fn values() {
        for (json, text) in [
            (r#"{"x":1,"y":{"z":[true,null,"q"]}}"#, "{x=1, y={z=[true, null, q]}}"),
            ("[]", "[]"),
            ("{}", "{}"),
            ("\"a\"", "a"),
            ("12", "12"),
            ("1.50", "1.5"),
        ] {
            assert_eq!(java_text(&serde_json::from_str(json).unwrap()), text);
        }
    }
}
