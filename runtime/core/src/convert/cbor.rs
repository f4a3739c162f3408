//! CBOR values (RFC 8949) as JSON.
//!
//! Owns the choices JSON forces: byte strings become base64, whole-number keys their decimal text, tags are dropped, NaN and
//! the infinities become strings as in Kafka's JsonConverter. Invariant: the output is one valid JSON value.

use super::writer::convert_each;
use super::{Failure, escape, java_text::java_double};
use crate::data::Fault;
use crate::record::Blobs;
use alloc::{format, vec::Vec};
use base64::Engine;
use ciborium::Value;

/// Converts a column. A value that is not one CBOR item fails; CBOR's null is null.
pub fn to_json(column: &Blobs, count: usize) -> (Blobs, Vec<Failure>) {
    convert_each(column, count, 16, |bytes, out| {
        let mut rest = bytes;
        let value: Value = ciborium::from_reader(&mut rest)
            .map_err(|error| format!("The connector's CBOR value is not valid: {error}"))?;
        if !rest.is_empty() {
            let more = rest.len();
            return Err(
                format!("The connector's CBOR value is followed by {more} bytes that do not belong to it").into()
            );
        }
        if value.is_null() {
            out.push(None);
            return Ok(());
        }
        write_value(out.bytes(), &value)?;
        out.end();
        Ok(())
    })
}

fn write_value(out: &mut Vec<u8>, value: &Value) -> Result<(), Fault> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(bool) => out.extend_from_slice(if *bool { b"true" } else { b"false" }),
        Value::Integer(integer) => out.extend_from_slice(format!("{}", i128::from(*integer)).as_bytes()),
        Value::Float(float) if float.is_finite() => out.extend_from_slice(format!("{float:?}").as_bytes()),
        Value::Float(float) => escape::quote_into(out, &java_double(*float)),
        Value::Text(text) => escape::quote_into(out, text),
        Value::Bytes(bytes) => escape::quote_into(out, &base64::prelude::BASE64_STANDARD.encode(bytes)),
        Value::Tag(_, inner) => write_value(out, inner)?,
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                out.extend_from_slice(if index == 0 { b"" } else { b"," });
                write_value(out, item)?;
            }
            out.push(b']');
        }
        Value::Map(entries) => {
            out.push(b'{');
            for (index, (key, item)) in entries.iter().enumerate() {
                out.extend_from_slice(if index == 0 { b"" } else { b"," });
                match key {
                    Value::Text(text) => escape::quote_into(out, text),
                    Value::Integer(integer) => escape::quote_into(out, &format!("{}", i128::from(*integer))),
                    _ => {
                        return Err(
                            "A CBOR map has a key that is neither text nor a whole number; JSON cannot hold it".into(),
                        );
                    }
                }
                out.push(b':');
                write_value(out, item)?;
            }
            out.push(b'}');
        }
        _ => return Err("The CBOR value is of a type that JSON cannot hold".into()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::blobs;
    use super::*;

    fn check(cbor: &[u8], json: &str) {
        assert_eq!(to_json(&blobs(&[Some(cbor)]), 1), (blobs(&[Some(json.as_bytes())]), Vec::new()));
    }

    #[test]
    fn values() {
        check(&[0x18, 0x2a], "42");
        check(&[0x20], "-1");
        check(&[0x1b, 255, 255, 255, 255, 255, 255, 255, 255], "18446744073709551615");
        check(&[0xf9, 0x3e, 0x00], "1.5");
        check(&[0xf9, 0x7e, 0x00], "\"NaN\"");
        check(&[0x82, 0xf5, 0xf6], "[true,null]");
        check(&[0x44, 1, 2, 255, 4], "\"AQL/BA==\"");
        check(&[0xa2, 0x61, b'a', 0x01, 0x02, 0x61, b'"'], r#"{"a":1,"2":"\""}"#);
        check(&[0xc1, 0x00], "0");
        assert_eq!(to_json(&blobs(&[Some(&[0xf6])]), 1).0, blobs(&[None]));
    }

    #[test]
    fn damage_is_reported_and_bounded() {
        let deep = [0x81; 100_000];
        for bytes in [
            &[][..],
            &[0xff],
            &[0x61],
            &[0x01, 0x01],
            &[0x9b, 255, 255, 255, 255, 255, 255, 255, 255],
            &[0x5b, 0, 0, 0, 255, 0, 0, 0, 0],
            &deep,
            &[0xa1, 0xf5, 0x01],
        ] {
            let (column, failures) = to_json(&blobs(&[Some(bytes)]), 1);
            assert_eq!((column, failures.len()), (blobs(&[None]), 1), "{:?}", &bytes[..bytes.len().min(10)]);
        }
    }
}
