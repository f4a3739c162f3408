//! A story that is made: every shared key of a connector with values of every kind, against `validate`.
//!
//! Invariant: the same requests in every run.

use std::fmt::Write;

/// Values, as JSON.
const VALUES: [&str; 13] = [
    r#""""#,
    r#"" ""#,
    r#""x""#,
    r#""-1""#,
    r#""0""#,
    r#""7""#,
    r#"" 7 ""#,
    r#""1.5""#,
    r#""99999999999999""#,
    r#""true""#,
    r#""TRUE""#,
    r#""a,b,a""#,
    "null",
];

/// Keys of both kinds of connectors.
const SHARED: [&str; 13] = [
    "name",
    "tasks.max",
    "tasks.max.enforce",
    "key.converter",
    "header.converter",
    "transforms",
    "predicates",
    "config.action.reload",
    "errors.retry.timeout",
    "errors.retry.delay.max.ms",
    "errors.tolerance",
    "errors.log.enable",
    "errors.log.include.messages",
];

const SOURCE: [&str; 7] = [
    "topic",
    "batch.size",
    "file",
    "exactly.once.support",
    "transaction.boundary",
    "transaction.boundary.interval.ms",
    "offsets.storage.topic",
];

const SINK: [&str; 6] = [
    "topics",
    "topics.regex",
    "file",
    "errors.deadletterqueue.topic.name",
    "errors.deadletterqueue.topic.replication.factor",
    "errors.deadletterqueue.context.headers.enable",
];

/// Keys for which Kafka passes a null over, or stumbles over it (500), and ours is refused.
const NULLS_DIFFER: [&str; 8] = [
    "transforms",
    "predicates",
    "topic",
    "batch.size",
    "file",
    "topics",
    "topics.regex",
    "errors.deadletterqueue.topic.name",
];

/// The story's text.
pub fn story() -> String {
    let mut text = String::new();
    for (kind, own, required) in [("Source", &SOURCE[..], r#""topic":"t""#), ("Sink", &SINK[..], r#""topics":"t""#)] {
        for key in SHARED.iter().chain(own) {
            let others =
                [r#""name":"n""#, required].into_iter().filter(|other| !other.starts_with(&format!("\"{key}\"")));
            let others: String = others.map(|other| format!("{other},")).collect();
            for value in VALUES.into_iter().filter(|value| *value != "null" || !NULLS_DIFFER.contains(key)) {
                let class = format!(r#""connector.class":"FileStream{kind}""#);
                // The last of two keys counts in both, and a text cannot fail.
                let _ = writeln!(
                    text,
                    r#"PUT /connector-plugins/FileStream{kind}/config/validate {{{others}{class},"{key}":{value}}}"#
                );
            }
        }
    }
    text
}
