//! A connector's configuration, read: what the task machines work with.
//!
//! Owns the typed framework settings, with every default decided. Leaves the connector's own keys to the connector, and
//! refusing bad configurations to `validate`. Invariant: every configuration that `validate` passes can be read.

use super::value::{Value, full_match, list, parse};
use super::{ConfigMap, TopicCreation, bad_name};
use crate::convert::{Converter, HeaderConverter, find_class};
use crate::plugin::{Kind, Role};
use crate::transform::{Chain, Converters};
use alloc::{format, string::String, vec::Vec};

/// The framework's settings of one connector.
#[derive(Clone, Debug)]
pub struct ConnectorSettings {
    /// Its name.
    pub name: String,
    /// Its `connector.class`, as written.
    pub class: String,
    /// Most tasks it may have; at least 1.
    pub tasks_max: u32,
    /// Whether more tasks than that fail it.
    pub tasks_max_enforce: bool,
    /// Between keys, values and headers, and the bytes in the topic.
    pub converters: Converters,
    /// What happens to records between the connector and the converters.
    pub transforms: Chain,
    /// What happens to records that cannot be processed.
    pub errors: ErrorSettings,
    /// A source's new topics; `None`: it leaves them to the cluster.
    pub topic_creation: Option<TopicCreation>,
    /// A sink's topics.
    pub topics: Topics,
    /// A sink's dead letter queue.
    pub dead_letter_queue: Option<DeadLetterQueue>,
}

/// `errors.*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorSettings {
    /// Milliseconds for which a failed operation is retried; 0 never, negative for ever.
    pub retry_timeout_ms: i64,
    /// Most milliseconds between two tries.
    pub retry_delay_max_ms: i64,
    /// Skip bad records instead of failing the task.
    pub tolerate: bool,
    /// Log tolerated errors.
    pub log: bool,
    /// Say which record it was.
    pub log_messages: bool,
}

/// Which topics a sink reads.
#[derive(Clone, Debug)]
pub enum Topics {
    /// These, without repetition; none for a source.
    List(Vec<String>),
    /// Those whose whole name matches.
    Pattern(TopicsPattern),
}

/// `topics.regex`.
#[derive(Clone, Debug)]
pub struct TopicsPattern {
    regex: regex::Regex,
}

/// Where a sink's bad records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterQueue {
    /// The topic.
    pub topic: String,
    /// With which it is created if it is missing.
    pub replication_factor: i16,
    /// Whether headers say what went wrong.
    pub context_headers: bool,
}

/// A worker's converter: what a connector without one of its own gets, settings and all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConverterSettings {
    /// Its class.
    pub class: String,
    /// Its settings, without `key.converter.` before them.
    pub settings: ConfigMap,
}

impl ConnectorSettings {
    /// Reads a configuration. `key`, `value` and `header` are the worker's converters. The error names the key at fault.
    pub fn new(
        config: &ConfigMap,
        role: Role,
        key: &ConverterSettings,
        value: &ConverterSettings,
        header: &ConverterSettings,
    ) -> Result<Self, String> {
        let name = config.get("name").unwrap_or_default().trim();
        if let Some(why) = bad_name(name) {
            return Err(format!("Invalid value {name} for configuration name: {why}"));
        }
        Ok(Self {
            name: name.into(),
            class: config.get("connector.class").ok_or("Missing required configuration \"connector.class\"")?.into(),
            tasks_max: whole(config, "tasks.max", Kind::Int, 1)?.max(1) as u32,
            tasks_max_enforce: boolean(config, "tasks.max.enforce", true)?,
            converters: Converters {
                key: converter(config, "key.converter", key)?,
                value: converter(config, "value.converter", value)?,
                header: header_converter(config, header)?,
            },
            transforms: Chain::new(config)?,
            errors: ErrorSettings::new(config)?,
            topic_creation: if role == Role::Source { TopicCreation::new(config)? } else { None },
            topics: if role == Role::Sink { Topics::new(config)? } else { Topics::List(Vec::new()) },
            dead_letter_queue: if role == Role::Sink { DeadLetterQueue::new(config)? } else { None },
        })
    }
}

impl ErrorSettings {
    fn new(config: &ConfigMap) -> Result<Self, String> {
        Ok(Self {
            retry_timeout_ms: whole(config, "errors.retry.timeout", Kind::Long, 0)?,
            retry_delay_max_ms: whole(config, "errors.retry.delay.max.ms", Kind::Long, 60_000)?,
            tolerate: match config.get("errors.tolerance").map(str::trim) {
                None | Some("none") => false,
                Some("all") => true,
                Some(other) => {
                    return Err(format!(
                        "Invalid value {other} for configuration errors.tolerance: String must be one of: none, all"
                    ));
                }
            },
            log: boolean(config, "errors.log.enable", false)?,
            log_messages: boolean(config, "errors.log.include.messages", false)?,
        })
    }
}

impl Topics {
    fn new(config: &ConfigMap) -> Result<Self, String> {
        match config.get("topics.regex").map(str::trim).filter(|pattern| !pattern.is_empty()) {
            Some(pattern) => TopicsPattern::new(pattern).map(Self::Pattern),
            None => {
                let mut topics = list(config.get("topics").unwrap_or_default());
                topics.sort();
                topics.dedup();
                Ok(Self::List(topics))
            }
        }
    }
}

impl TopicsPattern {
    /// Reads a regular expression. It is matched in linear time; there is no look-around.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let regex = full_match(pattern).map_err(|error| {
            format!("Invalid value {pattern} for configuration topics.regex: Invalid regex: {error}")
        })?;
        Ok(Self { regex })
    }

    /// Whether a sink reads `topic`. Connect's and the broker's own topics are never read by pattern.
    pub fn matches(&self, topic: &str) -> bool {
        !is_internal(topic) && self.regex.is_match(topic)
    }
}

impl PartialEq for TopicsPattern {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str()
    }
}

fn is_internal(topic: &str) -> bool {
    topic.starts_with("connect-configs")
        || topic.starts_with("connect-offsets")
        || topic.starts_with("connect-status")
        || topic.starts_with("__")
}

impl DeadLetterQueue {
    fn new(config: &ConfigMap) -> Result<Option<Self>, String> {
        let topic = config.get("errors.deadletterqueue.topic.name").map(str::trim).filter(|topic| !topic.is_empty());
        let Some(topic) = topic else { return Ok(None) };
        Ok(Some(Self {
            topic: topic.into(),
            replication_factor: whole(config, "errors.deadletterqueue.topic.replication.factor", Kind::Short, 3)?
                as i16,
            context_headers: boolean(config, "errors.deadletterqueue.context.headers.enable", false)?,
        }))
    }
}

/// The connector's own converter with its own settings; else the worker's, with the worker's settings alone.
fn converter(config: &ConfigMap, key: &str, worker: &ConverterSettings) -> Result<Converter, String> {
    match config.get(key).map(str::trim) {
        Some(name) if find_class(name).is_some() => Converter::new(name, &config.under(&format!("{key}."))),
        Some(name) => Err(format!("Invalid value {name} for configuration {key}: Class {name} could not be found.")),
        None => Converter::new(&worker.class, &worker.settings),
    }
}

fn header_converter(config: &ConfigMap, worker: &ConverterSettings) -> Result<HeaderConverter, String> {
    match config.get("header.converter").map(str::trim) {
        Some(name) => HeaderConverter::new(name, &config.under("header.converter."))
            .map_err(|why| format!("Invalid value {name} for configuration header.converter: {why}")),
        None => HeaderConverter::new(&worker.class, &worker.settings),
    }
}

fn whole(config: &ConfigMap, key: &str, kind: Kind, default: i64) -> Result<i64, String> {
    match config.get(key).map(|text| (text, parse(kind, text))) {
        None => Ok(default),
        Some((_, Ok(Value::Whole(whole)))) => Ok(whole),
        Some((text, parsed)) => {
            Err(format!("Invalid value {text} for configuration {key}: {}", parsed.err().unwrap_or_default()))
        }
    }
}

fn boolean(config: &ConfigMap, key: &str, default: bool) -> Result<bool, String> {
    match config.get(key).map(|text| (text, parse(Kind::Boolean, text))) {
        None => Ok(default),
        Some((_, Ok(Value::Bool(bool)))) => Ok(bool),
        Some((text, parsed)) => {
            Err(format!("Invalid value {text} for configuration {key}: {}", parsed.err().unwrap_or_default()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(class: &str, settings: &[(&str, &str)]) -> ConverterSettings {
        ConverterSettings { class: class.into(), settings: settings.iter().copied().collect() }
    }

    fn read(role: Role, pairs: &[(&str, &str)]) -> Result<ConnectorSettings, String> {
        let config = pairs.iter().copied().chain([("name", "n"), ("connector.class", "X")]).collect();
        ConnectorSettings::new(
            &config,
            role,
            &worker("StringConverter", &[]),
            &worker("JsonConverter", &[("schemas.enable", "false")]),
            &worker("SimpleHeaderConverter", &[]),
        )
    }

    #[test]
    fn defaults() {
        let settings = read(Role::Source, &[("topics", "ignored")]).unwrap();
        assert_eq!((settings.tasks_max, settings.tasks_max_enforce), (1, true));
        assert_eq!(
            settings.errors,
            ErrorSettings {
                retry_timeout_ms: 0,
                retry_delay_max_ms: 60_000,
                tolerate: false,
                log: false,
                log_messages: false
            }
        );
        assert_eq!(settings.converters.key, Converter::Text);
        assert!(matches!(settings.topics, Topics::List(list) if list.is_empty()));
        assert_eq!(settings.dead_letter_queue, None);
    }

    #[test]
    fn a_connector_with_a_converter_of_its_own_has_its_own_settings_only() {
        let off = Converter::new("Json", &[("schemas.enable", "false")].into_iter().collect()).unwrap();
        let on = Converter::new("Json", &ConfigMap::new()).unwrap();
        let value = |pairs: &[(&str, &str)]| read(Role::Source, pairs).unwrap().converters.value;
        assert_eq!(value(&[]), off);
        assert_eq!(value(&[("value.converter.schemas.enable", "true")]), off);
        assert_eq!(value(&[("value.converter", "JsonConverter")]), on);
        assert_eq!(value(&[("value.converter", "Json"), ("value.converter.schemas.enable", "false")]), off);
    }

    #[test]
    fn a_sinks_topics() {
        let settings = read(Role::Sink, &[("topics", "b, a,b"), ("errors.deadletterqueue.topic.name", "dlq")]).unwrap();
        assert!(matches!(settings.topics, Topics::List(list) if list == ["a", "b"]));
        assert_eq!(
            settings.dead_letter_queue,
            Some(DeadLetterQueue { topic: "dlq".into(), replication_factor: 3, context_headers: false })
        );
        let Topics::Pattern(pattern) = read(Role::Sink, &[("topics.regex", "a|.*t.*")]).unwrap().topics else {
            panic!("not a pattern")
        };
        for (topic, expected) in [
            ("a", true),
            ("ab", false),
            ("xty", true),
            ("connect-test", true),
            ("connect-status", false),
            ("connect-offsets", false),
            ("__transaction_state", false),
        ] {
            assert_eq!(pattern.matches(topic), expected, "{topic}");
        }
    }

    #[test]
    fn what_validate_would_refuse_is_refused() {
        for (key, value) in [
            ("tasks.max", "x"),
            ("errors.tolerance", "ALL"),
            ("errors.log.enable", "1"),
            ("key.converter", "Nope"),
            ("name", " "),
            ("topics.regex", "a("),
        ] {
            assert!(read(Role::Sink, &[(key, value)]).is_err() || key == "name", "{key}={value}");
        }
    }
}
