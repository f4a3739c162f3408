//! Single message transforms: what happens to a record between a connector and the converters.
//!
//! Owns Kafka's class names and what each class is; the rules of each are in a file of its own (contract 8.4; observed on Kafka
//! Connect 4.3). Leaves their order, and which records they are for, to `chain`. Invariant: a transform has no memory of records, only
//! of schemas.

mod cast;
mod chain;
mod extract_field;
mod fields;
mod flatten;
mod headers;
mod hoist_field;
mod insert_field;
mod keys;
mod mask_field;
mod named;
mod predicate;
mod regex_router;
mod replace_field;
mod set_schema_metadata;
#[cfg(test)]
mod tests;
mod timestamp_converter;
mod timestamp_router;
mod value_to_key;

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

pub use chain::{Chain, Converters, Outcome};
pub use keys::custom as check_rule;
pub use named::{Named, predicates_of, transforms_of};
pub use predicate::Predicate;

use crate::config::{ConfigMap, Plugin};
use crate::data::{Fault, Record};
use crate::plugin::{Role, aliases};
use fields::Side;
use keys::{Keys, Row};

/// A transform, configured.
#[derive(Clone, Debug)]
pub enum Transform {
    /// Cast.
    Cast(cast::Cast),
    /// DropHeaders.
    DropHeaders(headers::DropHeaders),
    /// ExtractField.
    ExtractField(extract_field::ExtractField),
    /// Filter: drops every record it gets.
    Filter,
    /// Flatten.
    Flatten(flatten::Flatten),
    /// HeaderFrom.
    HeaderFrom(headers::HeaderFrom),
    /// HoistField.
    HoistField(hoist_field::HoistField),
    /// InsertField.
    InsertField(insert_field::InsertField),
    /// InsertHeader.
    InsertHeader(headers::InsertHeader),
    /// MaskField.
    MaskField(mask_field::MaskField),
    /// RegexRouter.
    RegexRouter(regex_router::RegexRouter),
    /// ReplaceField.
    ReplaceField(replace_field::ReplaceField),
    /// SetSchemaMetadata.
    SetSchemaMetadata(set_schema_metadata::SetSchemaMetadata),
    /// TimestampConverter.
    TimestampConverter(timestamp_converter::TimestampConverter),
    /// TimestampRouter.
    TimestampRouter(timestamp_router::TimestampRouter),
    /// ValueToKey.
    ValueToKey(value_to_key::ValueToKey),
}

/// Simple class name, keys, and whether there is one class for keys and one for values.
const STOCK: [(&str, &[Row], bool); 16] = [
    ("Cast", cast::KEYS, true),
    ("DropHeaders", headers::DROP_KEYS, false),
    ("ExtractField", extract_field::KEYS, true),
    ("Filter", &[], false),
    ("Flatten", flatten::KEYS, true),
    ("HeaderFrom", headers::FROM_KEYS, true),
    ("HoistField", hoist_field::KEYS, true),
    ("InsertField", insert_field::KEYS, true),
    ("InsertHeader", headers::INSERT_KEYS, false),
    ("MaskField", mask_field::KEYS, true),
    ("RegexRouter", regex_router::KEYS, false),
    ("ReplaceField", replace_field::KEYS, true),
    ("SetSchemaMetadata", set_schema_metadata::KEYS, true),
    ("TimestampConverter", timestamp_converter::KEYS, true),
    ("TimestampRouter", timestamp_router::KEYS, false),
    ("ValueToKey", value_to_key::KEYS, false),
];

const PACKAGE: &str = "org.apache.kafka.connect.transforms";

/// Every class, in the order in which Kafka lists them, with its keys.
fn classes() -> impl Iterator<Item = (String, &'static [Row])> {
    STOCK.into_iter().flat_map(|(name, rows, sides)| {
        let suffixes: &[&str] = if sides { &["$Key", "$Value"] } else { &[""] };
        suffixes.iter().map(move |suffix| (format!("{PACKAGE}.{name}{suffix}"), rows))
    })
}

/// The stock transforms and predicates, for the catalogue.
pub fn plugins(version: &str) -> Vec<Plugin> {
    let plugin = |role, class: String, rows| Plugin {
        classes: [class.clone()].into(),
        class,
        role,
        version: version.to_owned(),
        definition: keys::definition(rows),
    };
    let transforms = classes().map(|(class, rows)| plugin(Role::Transform, class, rows));
    let predicates = predicate::CLASSES.into_iter().map(|(class, rows)| plugin(Role::Predicate, class.into(), rows));
    transforms.chain(predicates).collect()
}

impl Transform {
    /// The transform `name` (a class name, or an alias where that is not ambiguous) with the keys under `transforms.NAME.`; and its
    /// class. The error is Kafka's `ConfigException`.
    pub fn new(name: &str, config: &ConfigMap) -> Result<(Self, String), String> {
        let answers = |class: &str| class == name || aliases(Role::Transform, class).any(|alias| alias == name);
        let (class, rows) =
            classes().find(|(class, _)| answers(class)).ok_or_else(|| format!("Class {name} could not be found."))?;
        let keys = Keys::new(rows, config)?;
        let side = if class.ends_with("$Key") { Side::Key } else { Side::Value };
        let simple = class.rsplit('.').next().unwrap_or_default();
        let transform = match simple.split('$').next().unwrap_or_default() {
            "Cast" => Self::Cast(cast::Cast::new(side, &keys)?),
            "DropHeaders" => Self::DropHeaders(headers::DropHeaders::new(&keys)),
            "ExtractField" => Self::ExtractField(extract_field::ExtractField::new(side, &keys)?),
            "Flatten" => Self::Flatten(flatten::Flatten::new(side, &keys)),
            "HeaderFrom" => Self::HeaderFrom(headers::HeaderFrom::new(side, &keys)?),
            "HoistField" => Self::HoistField(hoist_field::HoistField::new(side, &keys)),
            "InsertField" => Self::InsertField(insert_field::InsertField::new(side, &keys)?),
            "InsertHeader" => Self::InsertHeader(headers::InsertHeader::new(&keys)),
            "MaskField" => Self::MaskField(mask_field::MaskField::new(side, &keys)),
            "RegexRouter" => Self::RegexRouter(regex_router::RegexRouter::new(&keys)?),
            "ReplaceField" => Self::ReplaceField(replace_field::ReplaceField::new(side, &keys)),
            "SetSchemaMetadata" => Self::SetSchemaMetadata(set_schema_metadata::SetSchemaMetadata::new(side, &keys)),
            "TimestampConverter" => {
                Self::TimestampConverter(timestamp_converter::TimestampConverter::new(side, &keys)?)
            }
            "TimestampRouter" => Self::TimestampRouter(timestamp_router::TimestampRouter::new(&keys)?),
            "ValueToKey" => Self::ValueToKey(value_to_key::ValueToKey::new(&keys)),
            _ => Self::Filter,
        };
        Ok((transform, class))
    }

    /// What becomes of a record; `None`: it is dropped.
    pub fn apply(&mut self, record: Record) -> Result<Option<Record>, Fault> {
        Ok(Some(match self {
            Self::Filter => return Ok(None),
            Self::Cast(transform) => transform.apply(record)?,
            Self::DropHeaders(transform) => transform.apply(record),
            Self::ExtractField(transform) => transform.apply(record)?,
            Self::Flatten(transform) => transform.apply(record)?,
            Self::HeaderFrom(transform) => transform.apply(record)?,
            Self::HoistField(transform) => transform.apply(record)?,
            Self::InsertField(transform) => transform.apply(record)?,
            Self::InsertHeader(transform) => transform.apply(record),
            Self::MaskField(transform) => transform.apply(record)?,
            Self::RegexRouter(transform) => transform.apply(record)?,
            Self::ReplaceField(transform) => transform.apply(record)?,
            Self::SetSchemaMetadata(transform) => transform.apply(record)?,
            Self::TimestampConverter(transform) => transform.apply(record)?,
            Self::TimestampRouter(transform) => transform.apply(record)?,
            Self::ValueToKey(transform) => transform.apply(record)?,
        }))
    }

    /// Whether it looks into keys, and into values. What nobody looks into stays the bytes it is.
    fn looks_into(&self, class: &str) -> (bool, bool) {
        match self {
            Self::DropHeaders(_)
            | Self::Filter
            | Self::InsertHeader(_)
            | Self::RegexRouter(_)
            | Self::TimestampRouter(_) => (false, false),
            Self::ValueToKey(_) => (true, true),
            _ => (class.ends_with("$Key"), class.ends_with("$Value")),
        }
    }
}
