//! The objects of Connect's REST API, as Kafka 4.3 writes them.
//!
//! Owns names and order of the fields. Leaves paths and status codes to the HTTP edge, and what is in the objects to the
//! herder; ConfigInfos is in `config::infos`, the offsets' shapes are in `offsets`. Invariant: `serde_json::to_vec` of any of
//! these gives the bytes that Kafka Connect would send for the same facts.

use crate::config::{ConfigMap, Submitted};
use alloc::{format, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// `source`, `sink`, or `unknown` where the plugin is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorType {
    /// Reads elsewhere, writes topics.
    Source,
    /// Reads topics, writes elsewhere.
    Sink,
    /// Its plugin is not here.
    Unknown,
}

impl ConnectorType {
    /// The word of the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Sink => "sink",
            Self::Unknown => "unknown",
        }
    }
}

/// One task of one connector.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TaskId {
    /// The connector's name.
    pub connector: String,
    /// Its number, from 0.
    pub task: u32,
}

/// Answer of GET and POST of a connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectorInfo {
    /// Its name.
    pub name: String,
    /// Its configuration as submitted, with `name`.
    pub config: ConfigMap,
    /// Its tasks, by number.
    pub tasks: Vec<TaskId>,
    /// Source, sink or unknown.
    #[serde(rename = "type")]
    pub kind: ConnectorType,
}

/// One element of `GET /connectors/{name}/tasks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskInfo {
    /// Which task.
    pub id: TaskId,
    /// What it was started with.
    pub config: ConfigMap,
}

/// State of a connector, as the status object has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectorState {
    /// `RUNNING`, `PAUSED`, `STOPPED`, `FAILED`, `UNASSIGNED` or `RESTARTING`.
    pub state: String,
    /// Why it failed; left out where empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// `host:port` of its worker.
    pub worker_id: String,
    /// The plugin's version; null if it was never instantiated.
    pub version: Option<String>,
}

/// State of a task: an element of the status object, and the answer of `GET .../tasks/{id}/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskState {
    /// Its number.
    pub id: u32,
    /// As in [`ConnectorState`]; never `STOPPED`.
    pub state: String,
    /// Why it failed; left out where empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// `host:port` of its worker.
    pub worker_id: String,
    /// The plugin's version.
    pub version: Option<String>,
}

/// Answer of `GET /connectors/{name}/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectorStatus {
    /// The connector's name.
    pub name: String,
    /// Its own state.
    pub connector: ConnectorState,
    /// Its tasks' states, by number.
    pub tasks: Vec<TaskState>,
    /// Source, sink or unknown.
    #[serde(rename = "type")]
    pub kind: ConnectorType,
}

/// The body of every refusal; `error_code` is the HTTP status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorBody {
    /// The HTTP status.
    pub error_code: u16,
    /// What is wrong, and what to do.
    pub message: String,
}

/// The body of an answer that only says something, such as PATCH offsets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// What was done.
    pub message: String,
}

/// Answer of `GET /`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerInfo {
    /// The worker's version.
    pub version: String,
    /// The commit it was built from.
    pub commit: String,
    /// The cluster's id.
    pub kafka_cluster_id: String,
}

/// Answer of `GET /health` (KIP-1017).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// `healthy`, `starting` or `unhealthy`.
    pub status: String,
    /// The same in a sentence.
    pub message: String,
}

/// One row of `GET /connector-plugins`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginRow {
    /// Class name.
    pub class: String,
    /// `sink`, `source`, `transformation`, `predicate`, `converter` or `header_converter`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its version; left out if it declares none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// State in which a connector is to be after its creation (KIP-980).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialState {
    /// Started; what happens where nothing is said.
    Running,
    /// Started, and paused at once.
    Paused,
    /// Not started.
    Stopped,
}

impl InitialState {
    /// Reads the word, in any case.
    pub fn parse(word: &str) -> Result<Self, String> {
        match word.to_ascii_uppercase().as_str() {
            "RUNNING" => Ok(Self::Running),
            "PAUSED" => Ok(Self::Paused),
            "STOPPED" => Ok(Self::Stopped),
            _ => Err(format!("initial_state is \"{word}\"; it can be RUNNING, PAUSED or STOPPED")),
        }
    }
}

/// Body of `POST /connectors`, and the second form of a connector file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateConnector {
    /// The connector's name; empty if the body has none.
    pub name: String,
    /// Its configuration, as submitted.
    pub config: Submitted,
    /// What to do first.
    pub initial_state: Option<InitialState>,
}

impl CreateConnector {
    /// Reads a POST body. An error is a 500 in Kafka: malformed JSON, an unknown field, a wrong shape.
    pub fn from_json(json: &[u8]) -> Result<Self, String> {
        Self::build(serde_json::from_slice::<Strict>(json).map(|body| body.0).map_err(|error| format!("{error}"))?)
    }

    /// As [`Self::from_json`], but fields it does not know are passed over, as in a connector file.
    pub fn from_file(json: &[u8]) -> Result<Self, String> {
        Self::build(serde_json::from_slice::<Lenient>(json).map_err(|error| format!("{error}"))?)
    }

    /// The connector's name, trimmed as Kafka's POST does, and its configuration with it. The error is the message of a 400.
    pub fn named(self) -> Result<(String, Submitted), String> {
        let name = self.name.trim_matches(|char| char <= ' ');
        Ok((name.into(), self.config.named(name)?))
    }

    fn build(body: Lenient) -> Result<Self, String> {
        let config = body.config.ok_or("\"config\" is missing: an object with the connector's settings")?;
        let initial_state = body.initial_state.as_deref().map(InitialState::parse).transpose()?;
        Ok(Self { name: body.name.unwrap_or_default(), config, initial_state })
    }
}

#[derive(Deserialize)]
struct Lenient {
    name: Option<String>,
    config: Option<Submitted>,
    initial_state: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, remote = "Lenient")]
struct KnownFields {
    name: Option<String>,
    config: Option<Submitted>,
    initial_state: Option<String>,
}

#[derive(Deserialize)]
struct Strict(#[serde(with = "KnownFields")] Lenient);

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn check(value: &impl Serialize, json: &str) {
        assert_eq!(serde_json::to_string(value).unwrap(), json);
    }

    #[test]
    fn connector_info() {
        let info = ConnectorInfo {
            name: "n".into(),
            config: [("topic", "t"), ("name", "n")].into_iter().collect(),
            tasks: vec![TaskId { connector: "n".into(), task: 0 }],
            kind: ConnectorType::Source,
        };
        check(
            &info,
            r#"{"name":"n","config":{"topic":"t","name":"n"},"tasks":[{"connector":"n","task":0}],"type":"source"}"#,
        );
    }

    #[test]
    fn status_leaves_an_empty_trace_out() {
        let worker = || "127.0.0.1:8083".into();
        let mut status = ConnectorStatus {
            name: "n".into(),
            connector: ConnectorState {
                state: "RUNNING".into(),
                trace: None,
                worker_id: worker(),
                version: Some("4.3.0".into()),
            },
            tasks: vec![TaskState { id: 0, state: "RUNNING".into(), trace: None, worker_id: worker(), version: None }],
            kind: ConnectorType::Source,
        };
        check(
            &status,
            concat!(
                r#"{"name":"n","connector":{"state":"RUNNING","worker_id":"127.0.0.1:8083","version":"4.3.0"},"#,
                r#""tasks":[{"id":0,"state":"RUNNING","worker_id":"127.0.0.1:8083","version":null}],"type":"source"}"#,
            ),
        );
        status.tasks[0].trace = Some("x".into());
        check(
            &status.tasks[0],
            r#"{"id":0,"state":"RUNNING","trace":"x","worker_id":"127.0.0.1:8083","version":null}"#,
        );
    }

    #[test]
    fn small_bodies() {
        check(
            &ErrorBody { error_code: 404, message: "Connector n not found".into() },
            r#"{"error_code":404,"message":"Connector n not found"}"#,
        );
        check(
            &PluginRow { class: "a.B".into(), kind: "sink", version: Some("1".into()) },
            r#"{"class":"a.B","type":"sink","version":"1"}"#,
        );
        check(&PluginRow { class: "a.B".into(), kind: "sink", version: None }, r#"{"class":"a.B","type":"sink"}"#);
        check(
            &ServerInfo { version: "v".into(), commit: "c".into(), kafka_cluster_id: "k".into() },
            r#"{"version":"v","commit":"c","kafka_cluster_id":"k"}"#,
        );
    }

    #[test]
    fn a_post_body_refuses_what_a_file_ignores() {
        let body = br#"{"name":"a","foo":1,"config":{"x":1},"initial_state":"paused"}"#;
        assert!(CreateConnector::from_json(body).unwrap_err().contains("unknown field `foo`"));
        let created = CreateConnector::from_file(body).unwrap();
        assert_eq!((created.name.as_str(), created.initial_state), ("a", Some(InitialState::Paused)));
        assert_eq!(created.config.config.to_java(), "{x=1}");
        let posted = CreateConnector::from_json(br#"{"name":" ctl\u0001","config":{"x":1}}"#).unwrap().named().unwrap();
        assert_eq!((posted.0.as_str(), posted.1.config.to_java().as_str()), ("ctl", "{x=1, name=ctl}"));
    }

    #[test]
    fn wrong_shapes_are_refused() {
        for body in [
            "null",
            "[1]",
            "{",
            "",
            r#"{"name":"a","config":null}"#,
            r#"{"name":"a"}"#,
            r#"{"config":{},"initial_state":"FOO"}"#,
        ] {
            assert!(CreateConnector::from_json(body.as_bytes()).is_err(), "{body}");
        }
        assert_eq!(CreateConnector::from_json(br#"{"config":{}}"#).unwrap().name, "");
    }
}
