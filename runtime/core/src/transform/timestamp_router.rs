//! TimestampRouter: another topic, made of the first and of the record's time.

use alloc::{format, string::String};

use super::keys::{Check, Keys, Row, Unset};
use crate::data::java_date::Pattern;
use crate::data::{Fault, Record};
use crate::plugin::{Importance, Kind};

/// Its keys.
pub const KEYS: &[Row] = &[
    (
        "topic.format",
        Kind::Text,
        Unset::Is("${topic}-${timestamp}"),
        Importance::High,
        Check::Any,
        "The new name; ${topic} and ${timestamp} stand for the old one and the time.",
    ),
    (
        "timestamp.format",
        Kind::Text,
        Unset::Is("yyyyMMdd"),
        Importance::High,
        Check::Any,
        "A pattern of Java's SimpleDateFormat, in UTC.",
    ),
];

/// The transform.
#[derive(Clone, Debug)]
pub struct TimestampRouter {
    topic: String,
    pattern: Pattern,
}

impl TimestampRouter {
    /// Reads its configuration.
    pub fn new(keys: &Keys<'_>) -> Result<Self, String> {
        let format = keys.text("timestamp.format").unwrap_or_default();
        let pattern = Pattern::new(&format)
            .ok_or_else(|| format!("timestamp.format is not a pattern of Java's SimpleDateFormat: {format}"))?;
        Ok(Self { topic: keys.text("topic.format").unwrap_or_default(), pattern })
    }

    /// The record for its new topic.
    pub fn apply(&self, mut record: Record) -> Result<Record, Fault> {
        let timestamp = record
            .timestamp
            .ok_or_else(|| Fault::data(format!("Timestamp missing on record: topic={}", record.topic)))?;
        let time = self.pattern.format(timestamp)?;
        record.topic = self.topic.replace("${topic}", &record.topic).replace("${timestamp}", &time);
        Ok(record)
    }
}
