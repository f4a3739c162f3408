//! Typed values from columns, and columns of typed values.
//!
//! Owns which format a column takes: text if every value is text, bytes if every value is bytes, else JSON; or the nearest that a
//! plug-in reads. Invariant: a column has one value or null per value that went in; what cannot be written is null and reported.

use alloc::{format, string::String, sync::Arc, vec::Vec};

use super::{Datum, Fault, Kind, Schema, Value, text};
use crate::convert::{Failure, Writer, json_for_guest, read_json};
use crate::record::{Blobs, Format};

/// Reads the values of a connector's column, one by one.
pub struct Reader {
    format: Format,
    text: Arc<Schema>,
    bytes: Arc<Schema>,
}

impl Reader {
    /// For a column in `format`; CBOR is to be made JSON first.
    pub fn new(format: Format) -> Self {
        Self { format, text: Schema::of(Kind::Text).into(), bytes: Schema::of(Kind::Bytes).into() }
    }

    /// What stands at `index`.
    pub fn read(&self, column: &Blobs, index: usize) -> Result<Datum, Fault> {
        let Some(bytes) = column.get(index) else { return Ok(Datum::default()) };
        match self.format {
            Format::Text => Ok(Datum::new(self.text.clone(), Value::Text(String::from_utf8_lossy(bytes).into_owned()))),
            Format::Json => {
                let text = core::str::from_utf8(bytes).map_err(|error| invalid(&error))?;
                read_json(text).map(Datum::schemaless).map_err(|fault| invalid(&fault.message))
            }
            _ => Ok(Datum::new(self.bytes.clone(), Value::Bytes(bytes.to_vec()))),
        }
    }
}

fn invalid(why: &dyn core::fmt::Display) -> Fault {
    Fault::data(format!("The connector's JSON value is not valid: {why}"))
}

/// The values as a column for a plug-in that reads `accepts` (empty: everything), and its format.
pub fn write(values: &[Result<Datum, Fault>], accepts: &[Format]) -> (Format, Blobs, Vec<Failure>) {
    let format = format_for(values, accepts);
    let mut out = Writer::new(values.len(), 0);
    for value in values {
        match value.as_ref().map_err(Clone::clone).and_then(|datum| bytes(format, datum)) {
            Ok(Some(bytes)) => out.push(Some(&bytes)),
            Ok(None) => out.push(None),
            Err(fault) => out.fail(fault),
        }
    }
    let (column, failures) = out.finish();
    (format, column, failures)
}

fn format_for(values: &[Result<Datum, Fault>], accepts: &[Format]) -> Format {
    let all =
        |fits: fn(&Value) -> bool| values.iter().flatten().all(|datum| datum.value.is_null() || fits(&datum.value));
    let natural = if all(|value| matches!(value, Value::Text(_))) {
        Format::Text
    } else if all(|value| matches!(value, Value::Bytes(_))) {
        Format::Raw
    } else {
        Format::Json
    };
    if accepts.is_empty() || accepts.contains(&natural) {
        return natural;
    }
    let others = [Format::Json, Format::Text, Format::Raw];
    others.into_iter().find(|other| accepts.contains(other)).unwrap_or(natural)
}

fn bytes(format: Format, datum: &Datum) -> Result<Option<Vec<u8>>, Fault> {
    Ok(match (&datum.value, format) {
        (Value::Null, _) => None,
        (value, Format::Json) => Some(json_for_guest(datum.schema.as_deref(), value)?.into_bytes()),
        (Value::Bytes(bytes), Format::Raw) => Some(bytes.clone()),
        (value, _) => Some(text::java(value).into_bytes()),
    })
}

/// The values that are kept, in their order, as a column of their own.
pub fn take(column: Blobs, kept: &[u32]) -> Blobs {
    if column.is_empty() || kept.len() == column.len() {
        return column;
    }
    let mut out = Blobs::with_capacity(kept.len(), column.data.len());
    kept.iter().for_each(|index| out.push(column.get(*index as usize)));
    out
}
