//! What Connect's own topics hold: the records of `connect-configs` and `connect-status`.
//!
//! Owns their keys and JSON values, to the byte as Kafka's `KafkaConfigBackingStore` and `KafkaStatusBackingStore` write
//! them, so that any client can read them. One key is ours: `connectd-file-<connector>` marks a connector whose
//! config comes from a file on the command line. Leaves `connect-offsets` to `offsets` and what follows from a record
//! to `herder`. Invariant: what is written here reads back as what it was.

use alloc::{format, string::String, vec::Vec};
use core::fmt;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Value, json};

use crate::config::ConfigMap;
use crate::herder::{Status, TargetState, TaskId, TopicRecord};

/// A record of `connect-configs`; `None` is a tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigRecord {
    /// `connector-<name>`: its config.
    Connector(String, Option<ConfigMap>),
    /// `task-<name>-<i>`: a task's config; counts from the next commit on.
    Task(TaskId, Option<ConfigMap>),
    /// `commit-<name>`: how many tasks the connector has.
    Commit(String, Option<u32>),
    /// `target-state-<name>`.
    Target(String, Option<TargetState>),
    /// `connectd-file-<name>`: there if the config comes from a file.
    File(String, bool),
    /// Of a kind that only Connect's distributed mode uses, or of a later version.
    Other,
}

/// A record of `connect-status`; `None` is a tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusRecord {
    /// `status-connector-<name>` or `status-task-<name>-<i>`, by its key. How something was before does not count after a start.
    Of(String),
    /// `status-topic-<topic>:connector-<name>`.
    Topic {
        /// The topic.
        topic: String,
        /// Who used it.
        connector: String,
        /// Which task saw it first, and when (milliseconds since 1970).
        seen: Option<(u32, i64)>,
    },
    /// Of a later version.
    Other,
}

/// A record that is not what its key promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// Its key.
    pub key: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record with key `{}` is left out: {}", self.key, self.why)
    }
}

/// Writes a record of `connect-configs`.
pub fn write_config(record: &ConfigRecord) -> TopicRecord {
    match record {
        ConfigRecord::Connector(name, config) => {
            TopicRecord { key: format!("connector-{name}"), value: config.as_ref().map(properties) }
        }
        ConfigRecord::Task(task, config) => {
            TopicRecord { key: format!("task-{task}"), value: config.as_ref().map(properties) }
        }
        ConfigRecord::Commit(name, tasks) => {
            TopicRecord { key: format!("commit-{name}"), value: tasks.map(|n| json!({ "tasks": n }).to_string()) }
        }
        ConfigRecord::Target(name, target) => {
            TopicRecord { key: format!("target-state-{name}"), value: target.map(|t| target_json(t).into()) }
        }
        ConfigRecord::File(name, there) => {
            TopicRecord { key: format!("connectd-file-{name}"), value: there.then(|| "{}".into()) }
        }
        ConfigRecord::Other => unreachable!("nobody writes a record of an unknown kind"),
    }
}

/// Reads a record of `connect-configs`.
pub fn read_config(key: &str, value: Option<&str>) -> Result<ConfigRecord, BadRecord> {
    let bad = |why: String| BadRecord { key: key.into(), why };
    let config = || value.map(|text| read_properties(text).map_err(bad)).transpose();
    Ok(if let Some(name) = key.strip_prefix("connector-") {
        ConfigRecord::Connector(name.into(), config()?)
    } else if let Some(rest) = key.strip_prefix("task-") {
        let task = task_id(rest).ok_or_else(|| bad("its key does not end in a task number".into()))?;
        ConfigRecord::Task(task, config()?)
    } else if let Some(name) = key.strip_prefix("commit-") {
        ConfigRecord::Commit(name.into(), value.map(|text| read_commit(text).map_err(bad)).transpose()?)
    } else if let Some(name) = key.strip_prefix("target-state-") {
        ConfigRecord::Target(name.into(), value.map(|text| read_target(text).map_err(bad)).transpose()?)
    } else if let Some(name) = key.strip_prefix("connectd-file-") {
        ConfigRecord::File(name.into(), value.is_some())
    } else {
        ConfigRecord::Other
    })
}

/// The record of `connect-status` for a connector (`task` is `None`) or a task.
pub fn write_status(connector: &str, task: Option<u32>, status: Option<&Status>) -> TopicRecord {
    let key = match task {
        None => format!("status-connector-{connector}"),
        Some(task) => format!("status-task-{connector}-{task}"),
    };
    TopicRecord { key, value: status.map(status_json) }
}

/// The record of `connect-status` that says which task first used `topic`, and when; `None` removes it.
pub fn write_topic(connector: &str, topic: &str, seen: Option<(u32, i64)>) -> TopicRecord {
    let value = seen.map(|(task, at)| {
        let (topic, connector) = (quoted(topic), quoted(connector));
        format!(r#"{{"topic":{{"name":{topic},"connector":{connector},"task":{task},"discoverTimestamp":{at}}}}}"#)
    });
    TopicRecord { key: format!("status-topic-{topic}:connector-{connector}"), value }
}

/// Reads a record of `connect-status`.
pub fn read_status(key: &str, value: Option<&str>) -> Result<StatusRecord, BadRecord> {
    let bad = |why: &str| BadRecord { key: key.into(), why: why.into() };
    if key.starts_with("status-connector-") || key.starts_with("status-task-") {
        return Ok(StatusRecord::Of(key.into()));
    }
    let Some(rest) = key.strip_prefix("status-topic-") else {
        return Ok(StatusRecord::Other);
    };
    let (topic, connector) = rest.split_once(":connector-").ok_or_else(|| bad("its key names no connector"))?;
    let seen = value.map(|text| read_seen(text).ok_or_else(|| bad("it does not say which task saw the topic when")));
    Ok(StatusRecord::Topic { topic: topic.into(), connector: connector.into(), seen: seen.transpose()? })
}

/// `{"properties":{…}}`, keys in the config's order.
fn properties(config: &ConfigMap) -> String {
    let map = serde_json::to_string(config).expect("a map of strings is JSON");
    format!(r#"{{"properties":{map}}}"#)
}

fn target_json(target: TargetState) -> &'static str {
    match target {
        TargetState::Started => r#"{"state":"STARTED","state.v2":"STARTED"}"#,
        TargetState::Paused => r#"{"state":"PAUSED","state.v2":"PAUSED"}"#,
        // Workers before KIP-875 know only `state`, and for them a stopped connector is a paused one.
        TargetState::Stopped => r#"{"state":"PAUSED","state.v2":"STOPPED"}"#,
    }
}

fn status_json(status: &Status) -> String {
    let trace = status.trace.as_deref().map_or_else(|| "null".into(), quoted);
    let version = status.version.as_deref().map_or_else(|| "null".into(), quoted);
    let (state, worker) = (status.state.name(), quoted(&status.worker_id));
    format!(r#"{{"state":"{state}","trace":{trace},"worker_id":{worker},"generation":0,"version":{version}}}"#)
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is JSON")
}

fn task_id(rest: &str) -> Option<TaskId> {
    let (connector, task) = rest.rsplit_once('-')?;
    Some(TaskId { connector: connector.into(), task: task.parse().ok()? })
}

fn read_properties(text: &str) -> Result<ConfigMap, String> {
    #[derive(serde::Deserialize)]
    struct Record {
        properties: Ordered,
    }
    let record: Record = serde_json::from_str(text).map_err(|error| format!("{error}"))?;
    Ok(record.properties.0)
}

fn read_commit(text: &str) -> Result<u32, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("{error}"))?;
    let tasks = value["tasks"].as_u64().and_then(|tasks| u32::try_from(tasks).ok());
    tasks.ok_or_else(|| "it has no number `tasks`".into())
}

fn read_target(text: &str) -> Result<TargetState, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("{error}"))?;
    match value["state.v2"].as_str().or(value["state"].as_str()) {
        Some("STARTED") => Ok(TargetState::Started),
        Some("PAUSED") => Ok(TargetState::Paused),
        Some("STOPPED") => Ok(TargetState::Stopped),
        _ => Err("its state is none of STARTED, PAUSED, STOPPED".into()),
    }
}

fn read_seen(text: &str) -> Option<(u32, i64)> {
    let value: Value = serde_json::from_str(text).ok()?;
    let task = value["topic"]["task"].as_u64().and_then(|task| u32::try_from(task).ok())?;
    Some((task, value["topic"]["discoverTimestamp"].as_i64()?))
}

/// A JSON object of strings in its own order; nulls are left out.
struct Ordered(ConfigMap);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Ordered;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                let mut entries: Vec<(String, String)> = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Option<String>>()? {
                    entries.extend(value.map(|value| (key, value)));
                }
                Ok(Ordered(entries.into_iter().collect()))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::herder::State;

    fn check(record: ConfigRecord, key: &str, value: Option<&str>) {
        let written = write_config(&record);
        assert_eq!((written.key.as_str(), written.value.as_deref()), (key, value));
        assert_eq!(read_config(key, value).unwrap(), record);
    }

    #[test]
    fn config_records_are_kafkas() {
        let config: ConfigMap = [("name", "a-b"), ("file", "x")].into_iter().collect();
        let properties = r#"{"properties":{"name":"a-b","file":"x"}}"#;
        check(ConfigRecord::Connector("a-b".into(), Some(config.clone())), "connector-a-b", Some(properties));
        check(ConfigRecord::Connector("a-b".into(), None), "connector-a-b", None);
        let task = TaskId { connector: "a-b".into(), task: 0 };
        check(ConfigRecord::Task(task, Some(config)), "task-a-b-0", Some(properties));
        check(ConfigRecord::Commit("a-b".into(), Some(1)), "commit-a-b", Some(r#"{"tasks":1}"#));
        for (target, json) in [
            (TargetState::Started, r#"{"state":"STARTED","state.v2":"STARTED"}"#),
            (TargetState::Paused, r#"{"state":"PAUSED","state.v2":"PAUSED"}"#),
            (TargetState::Stopped, r#"{"state":"PAUSED","state.v2":"STOPPED"}"#),
        ] {
            check(ConfigRecord::Target("n".into(), Some(target)), "target-state-n", Some(json));
        }
        check(ConfigRecord::File("n".into(), true), "connectd-file-n", Some("{}"));
    }

    #[test]
    fn records_of_older_and_other_workers_are_read() {
        let old = read_config("target-state-n", Some(r#"{"state":"PAUSED"}"#));
        assert_eq!(old, Ok(ConfigRecord::Target("n".into(), Some(TargetState::Paused))));
        assert_eq!(read_config("session-key", Some("{}")), Ok(ConfigRecord::Other));
    }

    #[test]
    fn a_damaged_record_is_named() {
        for (key, value) in [
            ("connector-n", "{}"),
            ("connector-n", "[1]"),
            ("connector-n", r#"{"properties":{"a":[]}}"#),
            ("task-n", "{}"),
            ("task-n-x", r#"{"properties":{}}"#),
            ("commit-n", r#"{"tasks":-1}"#),
            ("target-state-n", r#"{"state":"GONE"}"#),
        ] {
            assert_eq!(read_config(key, Some(value)).unwrap_err().key, key);
        }
        assert!(read_status("status-topic-t", Some("{}")).is_err());
    }

    #[test]
    fn status_records_are_kafkas() {
        let status = Status {
            state: State::Failed,
            worker_id: "127.0.0.1:8083".into(),
            trace: Some("a \"trap\"\n\tat 0".into()),
            version: Some("0.1.0".into()),
        };
        let written = write_status("n", Some(0), Some(&status));
        assert_eq!(written.key, "status-task-n-0");
        assert_eq!(
            written.value.as_deref(),
            Some(
                r#"{"state":"FAILED","trace":"a \"trap\"\n\tat 0","worker_id":"127.0.0.1:8083","generation":0,"version":"0.1.0"}"#
            )
        );
        let topic = write_topic("n", "t", Some((0, 7)));
        assert_eq!(topic.key, "status-topic-t:connector-n");
        assert_eq!(
            topic.value.as_deref(),
            Some(r#"{"topic":{"name":"t","connector":"n","task":0,"discoverTimestamp":7}}"#)
        );
        let read = read_status(&topic.key, topic.value.as_deref());
        assert_eq!(read, Ok(StatusRecord::Topic { topic: "t".into(), connector: "n".into(), seen: Some((0, 7)) }));
    }
}
