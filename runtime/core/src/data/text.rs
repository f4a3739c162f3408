//! Values as text: Java's `toString`, which StringConverter writes, and the form that headers have.
//!
//! Owns maps `{x=1, y=2}`, lists `[q, r]`, `Struct{a=1,b=2}` without fields that are null, and JSON-like headers. Differs from Java in
//! one thing: bytes inside of something become base64, where Java prints the address of an object.

use alloc::{format, string::String};
use base64::Engine;

use super::{Decimal, Fault, HeaderValue, Value, date};
use crate::convert::{java_double, java_float};

/// `String.valueOf`.
pub fn java(value: &Value) -> String {
    let mut out = String::new();
    write_java(&mut out, value);
    out
}

fn write_java(out: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_java(out, item);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, (key, item)) in entries.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_java(out, key);
                out.push('=');
                write_java(out, item);
            }
            out.push('}');
        }
        Value::Struct(of) => {
            out.push_str("Struct{");
            let set = of.iter().filter(|(_, value)| !value.is_null());
            for (index, (field, value)) in set.enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                out.push_str(&field.name);
                out.push('=');
                write_java(out, value);
            }
            out.push('}');
        }
        Value::Text(text) => out.push_str(text),
        Value::Date(millis) => out.push_str(&date::java(*millis)),
        other => out.push_str(&scalar(other)),
    }
}

/// Text of what is neither text, date nor made of other values.
fn scalar(value: &Value) -> String {
    match value {
        Value::Bool(bool) => format!("{bool}"),
        Value::Int8(whole) => format!("{whole}"),
        Value::Int16(whole) => format!("{whole}"),
        Value::Int32(whole) => format!("{whole}"),
        Value::Int64(whole) => format!("{whole}"),
        Value::Float32(float) => java_float(*float),
        Value::Float64(double) => java_double(*double),
        Value::Bytes(bytes) => base64::prelude::BASE64_STANDARD.encode(bytes),
        Value::Decimal(decimal) => Decimal::to_java(decimal),
        _ => "null".into(),
    }
}

/// As SimpleHeaderConverter writes it (Connect's `Values.convertToString`); `None` for null.
pub fn header(value: &Value) -> Result<Option<String>, Fault> {
    match value {
        Value::Null => Ok(None),
        Value::Text(text) => Ok(Some(text.clone())),
        bytes @ Value::Bytes(_) => Ok(Some(scalar(bytes))),
        other => {
            let mut out = String::new();
            write_header(&mut out, other)?;
            Ok(Some(out))
        }
    }
}

fn write_header(out: &mut String, value: &Value) -> Result<(), Fault> {
    match value {
        Value::Text(text) => {
            out.push('"');
            out.push_str(&text.replace('\\', "\\\\").replace('"', "\\\""));
            out.push('"');
        }
        bytes @ Value::Bytes(_) => out.push_str(&format!("\"{}\"", scalar(bytes))),
        Value::Date(millis) => out.push_str(&date::iso(*millis)?),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write_header(out, item)?;
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, (key, item)) in entries.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write_header(out, key)?;
                out.push(':');
                write_header(out, item)?;
            }
            out.push('}');
        }
        Value::Struct(of) => {
            out.push('{');
            for (index, (field, item)) in of.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write_header(out, &Value::text(&*field.name))?;
                out.push(':');
                write_header(out, item)?;
            }
            out.push('}');
        }
        other => out.push_str(&scalar(other)),
    }
    Ok(())
}

impl HeaderValue {
    /// True if it is bytes already.
    pub fn is_raw(&self) -> bool {
        matches!(self, Self::Raw(_))
    }
}
