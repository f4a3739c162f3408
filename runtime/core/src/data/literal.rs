//! What a text says it is: the literals that SimpleHeaderConverter and InsertHeader read (Connect's `Values.parseString`).
//!
//! Owns the smallest type for a number (`1.0` is an INT8), ISO dates and times, arrays and maps with quoted strings; what is none of
//! these is a string. Only the first literal counts: `1,2` is 1. Invariant: nothing is deeper than [`MOST_DEPTH`].

use alloc::{format, string::String, vec::Vec};

use super::date::{IsoDate, parse_iso};
use super::schema::{DATE, TIME, TIMESTAMP, infer};
use super::{Datum, Decimal, Kind, Schema, Value};

/// Deepest array or map.
const MOST_DEPTH: usize = 100;

/// Reads a literal.
pub fn parse(text: &str) -> Datum {
    let string = || Datum::new(Schema::of(Kind::Text).into(), Value::text(text));
    let mut tokens = Tokens { text, at: 0, depth: 0 };
    match tokens.value(false) {
        Some(datum) => datum,
        None => string(),
    }
}

struct Tokens<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Tokens<'a> {
    /// One token: a delimiter, or what stands before the next one.
    fn next(&mut self) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let first = rest.chars().next()?;
        let is_delimiter = |char: char| matches!(char, ':' | ',' | '[' | ']' | '{' | '}' | '"');
        let length = if is_delimiter(first) { first.len_utf8() } else { end_of_word(rest, is_delimiter) };
        self.at += length;
        Some(&rest[..length])
    }

    /// Goes past the next token if that is `wanted`, but for blanks around it.
    fn take(&mut self, wanted: &str) -> bool {
        let before = self.at;
        while let Some(token) = self.next() {
            if token.trim() == wanted {
                return true;
            }
            if !token.trim().is_empty() {
                break;
            }
        }
        self.at = before;
        false
    }

    fn skip_blanks(&mut self) {
        let before = self.at;
        if self.next().is_some_and(|token| !token.trim().is_empty()) || self.at == self.text.len() {
            self.at = before;
        }
    }

    /// The next value; `None` if it can only be a string (or, inside of something, is none at all).
    fn value(&mut self, inside: bool) -> Option<Datum> {
        let start = self.at;
        if inside && self.take("\"") {
            return self.quoted();
        }
        for (word, value) in [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))] {
            if if inside { self.take(word) } else { self.text.trim() == word } {
                return Some(typed(value));
            }
        }
        if self.depth < MOST_DEPTH {
            self.depth += 1;
            let is_array = self.take("[");
            let is_map = !is_array && self.take("{");
            let list = if is_array {
                self.array()
            } else if is_map {
                self.map()
            } else {
                None
            };
            self.depth -= 1;
            if list.is_some() {
                return list.map(Datum::schemaless);
            }
            self.at = start;
            // As in Kafka, blanks before what is no array or map after all are a value of their own.
            if !(is_array || is_map) {
                self.skip_blanks();
            }
        }
        let token = self.next()?;
        if token.trim().is_empty() {
            return Some(typed(Value::text(token)));
        }
        let token = token.trim();
        if token.starts_with(|char: char| char.is_ascii_digit())
            && let Some(date) = self.date(token)
        {
            return Some(date);
        }
        if token.starts_with(|char: char| char.is_ascii_digit() || char == '+' || char == '-') {
            return number(token);
        }
        None
    }

    /// A time has colons, which are delimiters: five tokens may be one.
    fn date(&mut self, token: &str) -> Option<Datum> {
        let (start, mut long) = (self.at, String::from(token));
        for _ in 0..4 {
            long.push_str(self.next().unwrap_or_default());
        }
        if let Some(date) = parse_iso(&long) {
            return Some(dated(date));
        }
        self.at = start;
        parse_iso(token).map(dated)
    }

    fn quoted(&mut self) -> Option<Datum> {
        let mut text = String::new();
        loop {
            match self.next()? {
                "\"" => return Some(typed(Value::Text(text))),
                token => text.push_str(&token.replace("\\\"", "\"").replace("\\\\", "\\")),
            }
        }
    }

    fn array(&mut self) -> Option<Value> {
        let mut items = Vec::new();
        loop {
            if self.take("]") {
                align(items.iter_mut());
                return Some(Value::Array(items));
            }
            items.push(self.value(true)?.value);
            let before = self.at;
            if self.take("]") {
                self.at = before;
            } else if !self.take(",") {
                return None;
            }
        }
    }

    fn map(&mut self) -> Option<Value> {
        let mut entries: Vec<(Value, Value)> = Vec::new();
        loop {
            if self.take("}") {
                align(entries.iter_mut().map(|(key, _)| key));
                align(entries.iter_mut().map(|(_, value)| value));
                return Some(Value::Map(entries));
            }
            let key = self.value(true)?.value;
            if key.is_null() || !self.take(":") {
                return None;
            }
            let value = self.value(true)?.value;
            entries.retain(|(other, _)| *other != key);
            entries.push((key, value));
            let before = self.at;
            if self.take("}") {
                self.at = before;
            } else if !self.take(",") {
                return None;
            }
        }
    }
}

/// Length of what stands before the next delimiter that no backslash precedes.
fn end_of_word(text: &str, is_delimiter: impl Fn(char) -> bool) -> usize {
    let mut escaped = false;
    for (at, char) in text.char_indices() {
        if !escaped && is_delimiter(char) {
            return at;
        }
        escaped = char == '\\' && !escaped;
    }
    text.len()
}

fn typed(value: Value) -> Datum {
    Datum { schema: infer(&value).map(Into::into), value }
}

fn dated(date: IsoDate) -> Datum {
    let (schema, millis) = match date {
        IsoDate::Date(millis) => (Schema::logical(Kind::Int32, DATE), millis),
        IsoDate::Time(millis) => (Schema::logical(Kind::Int32, TIME), millis),
        IsoDate::Timestamp(millis) => (Schema::logical(Kind::Int64, TIMESTAMP), millis),
    };
    Datum::new(schema.into(), Value::Date(millis))
}

fn number(token: &str) -> Option<Datum> {
    let decimal = Decimal::parse(token)?;
    Some(typed(match decimal.to_whole() {
        Some(whole) => smallest(whole),
        None if decimal.scale() != 0 && decimal.to_f32().is_finite() => Value::Float32(decimal.to_f32()),
        None if decimal.scale() != 0 && decimal.to_f64().is_finite() => Value::Float64(decimal.to_f64()),
        None => Value::Decimal(decimal),
    }))
}

fn smallest(whole: i64) -> Value {
    if let Ok(whole) = i8::try_from(whole) {
        Value::Int8(whole)
    } else if let Ok(whole) = i16::try_from(whole) {
        Value::Int16(whole)
    } else if let Ok(whole) = i32::try_from(whole) {
        Value::Int32(whole)
    } else {
        Value::Int64(whole)
    }
}

/// Numbers side by side become numbers of the widest type among them; anything else among them leaves all as they are.
fn align<'v>(values: impl Iterator<Item = &'v mut Value>) {
    let mut values: Vec<&mut Value> = values.collect();
    let widest =
        values.iter().map(|value| rank(value)).collect::<Option<Vec<_>>>().and_then(|ranks| ranks.into_iter().max());
    let Some(widest) = widest else { return };
    for value in &mut values {
        let whole = match **value {
            Value::Int8(whole) => i64::from(whole),
            Value::Int16(whole) => i64::from(whole),
            Value::Int32(whole) => i64::from(whole),
            Value::Int64(whole) => whole,
            Value::Float32(float) if widest == 5 => {
                **value = Value::Float64(format!("{float}").parse().unwrap_or_default());
                continue;
            }
            _ => continue,
        };
        **value = match widest {
            0 => Value::Int8(whole as i8),
            1 => Value::Int16(whole as i16),
            2 => Value::Int32(whole as i32),
            3 => Value::Int64(whole),
            4 => Value::Float32(whole as f32),
            _ => Value::Float64(whole as f64),
        };
    }
}

fn rank(value: &Value) -> Option<u8> {
    Some(match value {
        Value::Int8(_) => 0,
        Value::Int16(_) => 1,
        Value::Int32(_) => 2,
        Value::Int64(_) => 3,
        Value::Float32(_) => 4,
        Value::Float64(_) => 5,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::text::header;
    use super::*;

    /// What Kafka Connect 4.3 made of the same texts: type and text.
    #[test]
    fn literals() {
        for (text, kind, printed) in [
            ("1", "INT8", "1"),
            ("200", "INT16", "200"),
            ("40000", "INT32", "40000"),
            ("3000000000", "INT64", "3000000000"),
            ("99999999999999999999", "BYTES", "99999999999999999999"),
            ("1.5", "FLOAT32", "1.5"),
            ("1.0", "INT8", "1"),
            ("1e3", "INT16", "1000"),
            ("+5", "INT8", "5"),
            ("007", "INT8", "7"),
            ("  7 ", "INT8", "7"),
            ("true", "BOOLEAN", "true"),
            (" true", "BOOLEAN", "true"),
            ("True", "STRING", "True"),
            ("", "STRING", ""),
            ("  ", "STRING", "  "),
            ("\"q\"", "STRING", "\"q\""),
            ("[1,300]", "ARRAY", "[1,300]"),
            ("[1,]", "ARRAY", "[1]"),
            ("[1,\"a\"]", "ARRAY", "[1,\"a\"]"),
            ("[1.5,2]", "ARRAY", "[1.5,2.0]"),
            ("[null]", "ARRAY", "[null]"),
            ("[2019-08-23]", "ARRAY", "[2019-08-23]"),
            ("[1 , 2]", "ARRAY", "[1,2]"),
            ("[1,2", "STRING", "[1,2"),
            ("[a]", "STRING", "[a]"),
            ("{\"a\":1}}", "MAP", "{\"a\":1}"),
            ("{\"a\":[1,2]}", "MAP", "{\"a\":[1,2]}"),
            ("{\"k\" : \"v\"}", "MAP", "{\"k\":\"v\"}"),
            ("{1:2}", "MAP", "{1:2}"),
            ("{a:1}", "STRING", "{a:1}"),
            ("2019-08-23", "INT32", "2019-08-23"),
            ("14:34:54.346Z", "INT32", "14:34:54.346Z"),
            ("2019-08-23T14:34:54.346Z", "INT64", "2019-08-23T14:34:54.346Z"),
            ("1,2", "INT8", "1"),
            ("12:30", "INT8", "12"),
            ("1 2", "STRING", "1 2"),
            ("true x", "STRING", "true x"),
            ("-", "STRING", "-"),
            (".5", "STRING", ".5"),
            ("+.5", "FLOAT32", "0.5"),
            ("1.", "INT8", "1"),
            ("-1.5e400", "BYTES", "-1.5E+400"),
            ("1e40", "FLOAT64", "1.0E40"),
            ("3e30", "FLOAT32", "3.0E30"),
            ("-0.0", "INT8", "0"),
            ("100000000000000000000.5", "FLOAT32", "1.0E20"),
            ("9223372036854775808", "BYTES", "9223372036854775808"),
            ("\\", "STRING", "\\"),
            ("1]", "INT8", "1"),
        ] {
            let datum = parse(text);
            let name = match &datum.value {
                Value::Array(_) => "ARRAY",
                Value::Map(_) => "MAP",
                _ => datum.schema.as_ref().unwrap().kind.name(),
            };
            assert_eq!((name, header(&datum.value).unwrap().as_deref()), (kind, Some(printed)), "{text:?}");
        }
        assert_eq!(parse("null"), Datum::default());
        assert_eq!(parse(&"[".repeat(100_000)).value.java_class(), "java.lang.String");
    }
}
