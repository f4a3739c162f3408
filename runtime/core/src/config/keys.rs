//! The framework's own keys of a connector's configuration: one table for validation, REST and the manual.
//!
//! Owns names, types, defaults, places in a form (contract 3.1, 3.2; observed on Kafka Connect 4.3). The texts are ours.
//! Invariant: the order of the rows is the order in which REST shows them.

use crate::plugin::{ConfigKey, Importance, Kind, Rule, Width};
use Importance::{High, Low, Medium};
use Kind::{Boolean, ClassName, Int, List, Long, Short, Text};
use alloc::{string::String, vec, vec::Vec};

/// One row: name, type, default, importance, group, order in the group, width, name in a form, what it is.
type Row = (&'static str, Kind, Option<&'static str>, Importance, &'static str, u32, Width, &'static str, &'static str);

/// Keys of every connector.
const COMMON: [Row; 19] = [
    (
        "name",
        Text,
        None,
        High,
        "Common",
        1,
        Width::Medium,
        "Connector name",
        "Name of the connector; no other may have it.",
    ),
    (
        "connector.class",
        Text,
        None,
        High,
        "Common",
        2,
        Width::Long,
        "Connector class",
        "Class of the connector: its full name, its simple name, or that without \"Connector\", such as FileStreamSource.",
    ),
    (
        "connector.plugin.version",
        Text,
        None,
        Medium,
        "Common",
        3,
        Width::Medium,
        "Connector version",
        "Version of the connector, or a range such as [1.0,2.0); the latest if unset.",
    ),
    ("tasks.max", Int, Some("1"), High, "Common", 4, Width::Short, "Tasks max", "Upper limit of the number of tasks."),
    (
        "tasks.max.enforce",
        Boolean,
        Some("true"),
        Low,
        "Common",
        5,
        Width::Short,
        "Enforce tasks max",
        "(Deprecated) Whether a connector that wants more tasks than tasks.max fails.",
    ),
    (
        "key.converter",
        ClassName,
        None,
        Low,
        "Common",
        6,
        Width::Short,
        "Key converter class",
        "Converter between the connector's keys and the bytes in the topic; the worker's if unset.",
    ),
    (
        "key.converter.plugin.version",
        Text,
        None,
        Low,
        "Common",
        7,
        Width::Short,
        "Key converter version",
        "Version of the key converter.",
    ),
    (
        "value.converter",
        ClassName,
        None,
        Low,
        "Common",
        8,
        Width::Short,
        "Value converter class",
        "Converter between the connector's values and the bytes in the topic; the worker's if unset.",
    ),
    (
        "value.converter.plugin.version",
        Text,
        None,
        Low,
        "Common",
        9,
        Width::Short,
        "Value converter version",
        "Version of the value converter.",
    ),
    (
        "header.converter",
        ClassName,
        None,
        Low,
        "Common",
        10,
        Width::Short,
        "Header converter class",
        "Converter between the connector's header values and the bytes in the topic; the worker's if unset.",
    ),
    (
        "header.converter.plugin.version",
        Text,
        None,
        Low,
        "Common",
        11,
        Width::Short,
        "Header converter version",
        "Version of the header converter.",
    ),
    (
        "transforms",
        List,
        Some(""),
        Low,
        "Transforms",
        12,
        Width::Long,
        "Transforms",
        "Names of the transformations of each record, in their order; each has its settings under transforms.NAME.",
    ),
    (
        "predicates",
        List,
        Some(""),
        Low,
        "Predicates",
        13,
        Width::Long,
        "Predicates",
        "Names of the predicates that transformations use; each has its settings under predicates.NAME.",
    ),
    (
        "config.action.reload",
        Text,
        Some("restart"),
        Low,
        "Common",
        14,
        Width::Medium,
        "Reload Action",
        "What to do when a value from a config provider changes: restart the connector, or none.",
    ),
    (
        "errors.retry.timeout",
        Long,
        Some("0"),
        Medium,
        "Error Handling",
        1,
        Width::Medium,
        "Retry Timeout for Errors",
        "Milliseconds for which a failed operation is tried again: 0 for never, -1 for ever.",
    ),
    (
        "errors.retry.delay.max.ms",
        Long,
        Some("60000"),
        Medium,
        "Error Handling",
        2,
        Width::Medium,
        "Maximum Delay Between Retries for Errors",
        "Most milliseconds between two tries.",
    ),
    (
        "errors.tolerance",
        Text,
        Some("none"),
        Medium,
        "Error Handling",
        3,
        Width::Short,
        "Error Tolerance",
        "none: a record that cannot be processed fails the task. all: it is skipped.",
    ),
    (
        "errors.log.enable",
        Boolean,
        Some("false"),
        Medium,
        "Error Handling",
        4,
        Width::Short,
        "Log Errors",
        "Whether errors that are tolerated are logged too.",
    ),
    (
        "errors.log.include.messages",
        Boolean,
        Some("false"),
        Medium,
        "Error Handling",
        5,
        Width::Short,
        "Log Error Details",
        "Whether the log of an error says which record it was.",
    ),
];

/// Keys of sources.
const SOURCE: [Row; 5] = [
    (
        "topic.creation.groups",
        List,
        Some(""),
        Low,
        "Topic Creation",
        1,
        Width::Long,
        "Topic Creation Groups",
        "Names of groups of settings for topics that the connector creates.",
    ),
    (
        "exactly.once.support",
        Text,
        Some("requested"),
        Medium,
        "Exactly Once Support",
        2,
        Width::Short,
        "Exactly once support",
        "required: refuse the connector if it cannot deliver exactly once. requested: do not check.",
    ),
    (
        "transaction.boundary",
        Text,
        Some("poll"),
        Medium,
        "Exactly Once Support",
        3,
        Width::Short,
        "Transaction Boundary",
        "What one transaction holds: a poll, an interval of time, or what the connector says.",
    ),
    (
        "transaction.boundary.interval.ms",
        Long,
        None,
        Low,
        "Exactly Once Support",
        4,
        Width::Short,
        "Transaction boundary interval",
        "With transaction.boundary=interval: milliseconds; the worker's offset.flush.interval.ms if unset.",
    ),
    (
        "offsets.storage.topic",
        Text,
        None,
        Low,
        "offsets.topic",
        1,
        Width::Long,
        "Offsets topic",
        "A topic of its own for this connector's offsets. Without effect in standalone mode.",
    ),
];

/// Keys of sinks.
const SINK: [Row; 5] = [
    ("topics", List, Some(""), High, "Common", 4, Width::Long, "Topics", "Topics to read, with commas between them."),
    (
        "topics.regex",
        Text,
        Some(""),
        High,
        "Common",
        4,
        Width::Long,
        "Topics regex",
        "Regular expression that the whole name of a topic to read matches; instead of topics.",
    ),
    (
        "errors.deadletterqueue.topic.name",
        Text,
        Some(""),
        Medium,
        "Error Handling",
        6,
        Width::Medium,
        "Dead Letter Queue Topic Name",
        "Topic for records that cannot be processed; none if empty.",
    ),
    (
        "errors.deadletterqueue.topic.replication.factor",
        Short,
        Some("3"),
        Medium,
        "Error Handling",
        7,
        Width::Medium,
        "Dead Letter Queue Topic Replication Factor",
        "Replication factor with which that topic is created if it is missing.",
    ),
    (
        "errors.deadletterqueue.context.headers.enable",
        Boolean,
        Some("false"),
        Medium,
        "Error Handling",
        8,
        Width::Medium,
        "Enable Error Context Headers",
        "Whether records there get headers, __connect.errors.*, that say what went wrong.",
    ),
];

/// Keys of JsonConverter, in Kafka's order.
const JSON_CONVERTER: [Row; 6] = [
    (
        "decimal.format",
        Text,
        Some("BASE64"),
        Low,
        "Serialization",
        0,
        Width::Medium,
        "Decimal Format",
        "How decimals are written: BASE64 or NUMERIC.",
    ),
    CONVERTER_TYPE,
    (
        "schemas.cache.size",
        Int,
        Some("1000"),
        High,
        "Schemas",
        1,
        Width::Medium,
        "Schema Cache Size",
        "Most schemas that are kept ready.",
    ),
    (
        "replace.null.with.default",
        Boolean,
        Some("true"),
        Low,
        "Serialization",
        1,
        Width::Medium,
        "Replace null with default",
        "Whether a null in a field that has a default becomes the default.",
    ),
    (
        "schemas.enable",
        Boolean,
        Some("true"),
        High,
        "Schemas",
        0,
        Width::Medium,
        "Enable Schemas",
        "Whether each value comes in an envelope with its schema.",
    ),
    (
        "schema.content",
        Text,
        None,
        High,
        "Schemas",
        2,
        Width::Medium,
        "Schema Content",
        "A schema for all values, instead of those in the envelopes; sinks only.",
    ),
];

const STRING_CONVERTER: [Row; 2] = [
    CONVERTER_TYPE,
    (
        "converter.encoding",
        Text,
        Some("UTF-8"),
        High,
        "",
        0,
        Width::Medium,
        "Encoding",
        "Character set of the text in the topic.",
    ),
];

const CONVERTER_TYPE: Row = (
    "converter.type",
    Text,
    None,
    Low,
    "",
    0,
    Width::None,
    "converter.type",
    "What the converter is used for: key, value or header.",
);

/// Keys of every connector.
pub fn common() -> Vec<ConfigKey> {
    COMMON.iter().map(key).collect()
}

/// Keys that only sources have.
pub fn source() -> Vec<ConfigKey> {
    SOURCE.iter().map(key).collect()
}

/// Keys that only sinks have.
pub fn sink() -> Vec<ConfigKey> {
    SINK.iter().map(key).collect()
}

/// Keys of the stock converter `class`, without a prefix.
pub fn converter(class: &str) -> Vec<ConfigKey> {
    let rows = match class.rsplit('.').next() {
        Some("JsonConverter") => &JSON_CONVERTER[..],
        Some("StringConverter") => &STRING_CONVERTER[..],
        Some("SimpleHeaderConverter") => &[],
        _ => &[CONVERTER_TYPE],
    };
    rows.iter().map(key).collect()
}

/// Row `order` of alias `alias`, in its group; `what` is `transformation` or `predicate`, `group` `Transforms` or `Predicates`.
pub fn alias_key(name: String, kind: Kind, group: String, order: u32, display: String, doc: String) -> ConfigKey {
    let mut key = key(&("", kind, None, High, "", order, Width::Long, "", ""));
    key.required = kind == ClassName;
    (key.name, key.group, key.display_name, key.doc) = (name, group, display, doc);
    key
}

/// What every transform takes besides its own keys: on which records it acts.
pub fn conditional() -> [ConfigKey; 2] {
    [
        key(&(
            "predicate",
            Kind::Text,
            None,
            Medium,
            "",
            0,
            Width::None,
            "predicate",
            "The alias of a predicate that says which records are transformed.",
        )),
        key(&(
            "negate",
            Boolean,
            Some("false"),
            Medium,
            "",
            0,
            Width::None,
            "negate",
            "Whether the records are transformed for which the predicate is false.",
        )),
    ]
}

fn key(row: &Row) -> ConfigKey {
    let &(name, kind, default, importance, group, order, width, display, doc) = row;
    ConfigKey {
        name: name.into(),
        kind,
        default: default.map(Into::into),
        required: matches!(name, "name" | "connector.class" | "converter.type"),
        rules: rules(name),
        importance,
        doc: doc.into(),
        group: group.into(),
        order,
        width,
        display_name: display.into(),
        dependents: Vec::new(),
        dynamic: false,
        hot: false,
        attrs: Vec::new(),
    }
}

fn rules(name: &str) -> Vec<Rule> {
    let words = |words: &[&str]| words.iter().map(|word| String::from(*word)).collect();
    match name {
        "tasks.max" => vec![Rule::Range(Some(1.0), None)],
        "config.action.reload" => vec![Rule::OneOf(words(&["none", "restart"]))],
        "errors.tolerance" => vec![Rule::OneOf(words(&["none", "all"]))],
        "exactly.once.support" => vec![Rule::OneOfCi(words(&["REQUIRED", "REQUESTED"]))],
        "transaction.boundary" => vec![Rule::OneOfCi(words(&["INTERVAL", "POLL", "CONNECTOR"]))],
        "offsets.storage.topic" => vec![Rule::NonEmpty],
        "transaction.boundary.interval.ms" => vec![Rule::Range(Some(0.0), None)],
        "decimal.format" => vec![Rule::OneOfCi(words(&["NUMERIC", "BASE64"]))],
        _ => Vec::new(),
    }
}
