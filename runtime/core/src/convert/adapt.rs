//! A column in another format: for a plugin that does not read the one it is in.
//!
//! Owns what each change keeps and loses. Invariant: the result is valid in its format; what cannot be is null and reported.

use super::writer::convert_each;
use super::{Failure, cbor, escape, java_text::java_text};
use crate::record::{Blobs, Format};
use alloc::{format, string::String, vec::Vec};
use base64::Engine;

/// The column in a format of `accepts`: as it is if that is accepted (or `accepts` is empty), else in the first of JSON,
/// text, raw bytes that is. JSON keeps most: text becomes a string, bytes become base64. Where nothing fits, it stays.
pub fn adapt(format: Format, column: Blobs, count: usize, accepts: &[Format]) -> (Format, Blobs, Vec<Failure>) {
    if accepts.is_empty() || accepts.contains(&format) || column.is_empty() {
        return (format, column, Vec::new());
    }
    let wanted = [Format::Json, Format::Text, Format::Raw].into_iter().find(|other| accepts.contains(other));
    match (format, wanted) {
        (_, None) => (format, column, Vec::new()),
        (Format::Cbor, Some(_)) => {
            let (json, mut failures) = cbor::to_json(&column, count);
            let (format, column, more) = adapt(Format::Json, json, count, accepts);
            failures.extend(more);
            (format, column, failures)
        }
        (_, Some(Format::Raw)) => (Format::Raw, column, Vec::new()),
        (Format::Json, Some(Format::Text)) => with(Format::Text, json_to_java_text(&column, count)),
        (_, Some(Format::Text)) => (Format::Text, valid_text(column, count), Vec::new()),
        (Format::Text, _) => with(
            Format::Json,
            convert_each(&column, count, 2, |text, out| {
                escape::quote_into(out.bytes(), &String::from_utf8_lossy(text));
                out.end();
                Ok(())
            }),
        ),
        _ => with(
            Format::Json,
            convert_each(&column, count, 8, |bytes, out| {
                out.push(Some(format!("\"{}\"", base64::prelude::BASE64_STANDARD.encode(bytes)).as_bytes()));
                Ok(())
            }),
        ),
    }
}

fn with(format: Format, (column, failures): (Blobs, Vec<Failure>)) -> (Format, Blobs, Vec<Failure>) {
    (format, column, failures)
}

/// JSON values as Java prints them.
pub(super) fn json_to_java_text(column: &Blobs, count: usize) -> (Blobs, Vec<Failure>) {
    convert_each(column, count, 0, |json, out| {
        let value = serde_json::from_slice(json)
            .map_err(|error| format!("The connector's JSON value is not valid: {error}"))?;
        out.push(Some(java_text(&value).as_bytes()));
        Ok(())
    })
}

/// The column as UTF-8, moved where it is already; what is not becomes U+FFFD, as in Java.
pub(super) fn valid_text(column: Blobs, count: usize) -> Blobs {
    if column.data.is_ascii()
        || (0..column.len()).all(|index| column.get(index).is_none_or(|text| core::str::from_utf8(text).is_ok()))
    {
        return column;
    }
    convert_each(&column, count, 0, |text, out| {
        out.push(Some(String::from_utf8_lossy(text).as_bytes()));
        Ok(())
    })
    .0
}

#[cfg(test)]
mod tests {
    use super::super::tests::blobs;
    use super::*;

    fn check(format: Format, value: &[u8], accepts: &[Format], expected: (Format, &[u8])) {
        let (format, column, failures) = adapt(format, blobs(&[Some(value), None]), 2, accepts);
        assert_eq!((format, column, failures), (expected.0, blobs(&[Some(expected.1), None]), Vec::new()));
    }

    #[test]
    fn each_change() {
        use Format::{Cbor, Json, Raw, Text};
        check(Text, b"a", &[], (Text, b"a"));
        check(Text, b"a", &[Json, Text], (Text, b"a"));
        check(Text, b"a\"", &[Json], (Json, br#""a\"""#));
        check(Text, b"a", &[Raw], (Raw, b"a"));
        check(Raw, b"\x01\x02\xff\x04", &[Json], (Json, br#""AQL/BA==""#));
        check(Raw, b"\xff", &[Text, Raw, Json], (Raw, b"\xff"));
        check(Raw, b"\xff", &[Text], (Text, "\u{fffd}".as_bytes()));
        check(Json, b"{\"a\":1}", &[Text], (Text, b"{a=1}"));
        check(Json, b"{\"a\":1}", &[Raw], (Raw, b"{\"a\":1}"));
        check(Cbor, &[0x61, b'a'], &[Json], (Json, b"\"a\""));
        check(Cbor, &[0x61, b'a'], &[Text], (Text, b"a"));
        check(Text, b"a", &[Format::AvroRegistry], (Text, b"a"));
    }
}
