//! Header converters: what a transform put into a header, as bytes of a record.
//!
//! Headers that come from a topic or a connector cross the runtime as the bytes they are; only those that a transform makes are
//! converted.

use alloc::{format, string::String, vec::Vec};

use super::{Converter, SIMPLE_HEADER_CONVERTER, find_header_class};
use crate::config::ConfigMap;
use crate::data::{Datum, Fault, text};

/// A stock header converter, configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderConverter {
    /// `org.apache.kafka.connect.storage.SimpleHeaderConverter`
    Simple,
    /// Any converter of values.
    Value(Converter),
}

impl HeaderConverter {
    /// The header converter `name` (a class name or an alias) with the settings under `header.converter.`.
    pub fn new(name: &str, settings: &ConfigMap) -> Result<Self, String> {
        match find_header_class(name) {
            Some(SIMPLE_HEADER_CONVERTER) => Ok(Self::Simple),
            Some(class) => Converter::new(class, settings).map(Self::Value),
            None => Err(format!("Class {name} could not be found.")),
        }
    }

    /// Its class.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Simple => SIMPLE_HEADER_CONVERTER,
            Self::Value(converter) => converter.class(),
        }
    }

    /// Bytes of a header's value.
    pub fn bytes(&self, datum: &Datum) -> Result<Option<Vec<u8>>, Fault> {
        match self {
            Self::Simple => Ok(text::header(&datum.value)?.map(String::into_bytes)),
            Self::Value(converter) => converter.bytes_of(datum),
        }
    }
}
