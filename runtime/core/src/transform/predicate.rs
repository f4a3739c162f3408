//! Predicates: which records a transform is for.

use alloc::string::String;
use regex::Regex;

use super::keys::{Check, FULL_REGEX, Keys, Row, Unset};
use crate::config::ConfigMap;
use crate::config::value::full_match;
use crate::data::Record;
use crate::plugin::{Importance, Kind, Role, aliases};

/// A predicate, configured.
#[derive(Clone, Debug)]
pub enum Predicate {
    /// There is a header of that name.
    HasHeaderKey(String),
    /// The value is null.
    RecordIsTombstone,
    /// The topic's whole name matches.
    TopicNameMatches(Regex),
}

const HEADER: &[Row] =
    &[("name", Kind::Text, Unset::Required, Importance::Medium, Check::NonEmpty, "Name of the header.")];
const TOPIC: &[Row] = &[(
    "pattern",
    Kind::Text,
    Unset::Required,
    Importance::Medium,
    Check::Custom(FULL_REGEX),
    "Regular expression that the topic's whole name matches.",
)];

/// Class names and keys, in the order in which Kafka lists them.
pub const CLASSES: [(&str, &[Row]); 3] = [
    ("org.apache.kafka.connect.transforms.predicates.HasHeaderKey", HEADER),
    ("org.apache.kafka.connect.transforms.predicates.RecordIsTombstone", &[]),
    ("org.apache.kafka.connect.transforms.predicates.TopicNameMatches", TOPIC),
];

impl Predicate {
    /// The predicate `name` (a class name or an alias) with the keys under `predicates.NAME.`.
    pub fn new(name: &str, config: &ConfigMap) -> Result<Self, String> {
        let answers = |class: &str| class == name || aliases(Role::Predicate, class).any(|alias| alias == name);
        let (class, rows) = CLASSES
            .into_iter()
            .find(|(class, _)| answers(class))
            .ok_or_else(|| alloc::format!("Class {name} could not be found."))?;
        let keys = Keys::new(rows, config)?;
        Ok(match class.rsplit('.').next() {
            Some("HasHeaderKey") => Self::HasHeaderKey(keys.text("name").unwrap_or_default()),
            Some("TopicNameMatches") => Self::TopicNameMatches(full_match(&keys.text("pattern").unwrap_or_default())?),
            _ => Self::RecordIsTombstone,
        })
    }

    /// Whether it is true of `record`.
    pub fn test(&self, record: &Record) -> bool {
        match self {
            Self::HasHeaderKey(name) => record.headers.iter().any(|header| header.name == *name),
            Self::RecordIsTombstone => record.value.value.is_null(),
            Self::TopicNameMatches(regex) => regex.is_match(&record.topic),
        }
    }
}
