//! What a user's `curl` sees: Kafka Connect's paths, codes and bodies, as a real worker 4.3 gives them.
//!
//! `E2E_REST_PORT` names the REST port of another worker that runs the tutorial's two connectors: the table can be held against
//! Kafka's own worker so.

use e2e::{Answer, Connectd, Rest, Worker};
use serde_json::{Value, json};

/// The worker under test; the process ends with it.
struct Subject {
    rest: Rest,
    _connectd: Option<(Connectd, Worker)>,
}

fn subject(name: &str) -> Subject {
    if let Some(port) = std::env::var("E2E_REST_PORT").ok().and_then(|port| port.parse().ok()) {
        return Subject { rest: Rest::new(port), _connectd: None };
    }
    let worker = Worker::new(name).set("offset.flush.interval.ms", "1000").pipe();
    worker.folder.write("test.txt", "test\n");
    let connectd = worker.start();
    Subject { rest: Rest::new(worker.rest_port), _connectd: Some((connectd, worker)) }
}

impl Subject {
    /// Sends a request, checks the status and gives the answer.
    #[track_caller]
    fn call(&self, method: &str, path: &str, body: &Value, status: u16) -> Answer {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.rest.ask(method, path, &text);
        assert_eq!(answer.status, status, "{method} {path} {text}: {answer:?}");
        answer
    }

    /// The same for an error: Kafka Connect's error object, with this in its message.
    #[track_caller]
    fn refused(&self, method: &str, path: &str, body: &Value, status: u16, fragment: &str) {
        let error = self.call(method, path, body, status).json();
        assert_eq!(error["error_code"], status, "{method} {path}");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(fragment), "{method} {path}: {message:?} does not say {fragment:?}");
    }

    #[track_caller]
    fn expect_states(&self, name: &str, expected: &str) {
        e2e::until(&format!("{name} to be {expected}"), e2e::wait::PATIENCE, || {
            (self.rest.states(name) == expected).then_some(())
        });
    }

    /// Creates a sink of this name, and removes what an earlier run left.
    fn create_sink(&self, name: &str) {
        let _ = self.rest.send("DELETE", &format!("/connectors/{name}"), "");
        self.call("POST", "/connectors", &json!({"name": name, "config": sink_config(name)}), 201);
        self.expect_states(name, "RUNNING [RUNNING]");
    }

    fn delete(&self, name: &str) {
        assert_eq!(self.call("DELETE", &format!("/connectors/{name}"), &Value::Null, 204).body, "");
    }
}

fn sink_config(name: &str) -> Value {
    json!({"connector.class": "FileStreamSink", "tasks.max": "1", "file": format!("{name}.txt"), "topics": "connect-test"})
}

fn with_name(mut config: Value, name: &str) -> Value {
    config["name"] = json!(name);
    config
}

const NONE: &Value = &Value::Null;

#[test]
fn the_worker_and_its_connectors() {
    let subject = subject("rest-worker");
    let root = subject.call("GET", "/", NONE, 200);
    assert_eq!(root.content_type, "application/json");
    for field in ["version", "commit", "kafka_cluster_id"] {
        assert!(root.json()[field].is_string(), "{field} in {root:?}");
    }
    let mut names: Vec<String> = serde_json::from_value(subject.call("GET", "/connectors", NONE, 200).json()).unwrap();
    names.retain(|name| name.starts_with("local-file"));
    names.sort();
    assert_eq!(names, ["local-file-sink", "local-file-source"]);
    assert_eq!(subject.call("GET", "/connectors/", NONE, 200).status, 200);
    let source = subject.call("GET", "/connectors/local-file-source", NONE, 200).json();
    assert_eq!(source["type"], "source");
    assert_eq!(source["tasks"], json!([{"connector": "local-file-source", "task": 0}]));
    assert_eq!(source["config"]["name"], "local-file-source");
    let plugins = subject.call("GET", "/connector-plugins", NONE, 200).json();
    let class = |name: &str| {
        plugins.as_array().unwrap().iter().find(|plugin| plugin["class"] == name).map(|plugin| plugin["type"].clone())
    };
    assert_eq!(class("org.apache.kafka.connect.file.FileStreamSinkConnector"), Some(json!("sink")));
    assert_eq!(class("org.apache.kafka.connect.file.FileStreamSourceConnector"), Some(json!("source")));
}

#[test]
fn a_connector_from_creation_to_deletion() {
    let subject = subject("rest-life");
    let name = "life";
    let config = sink_config(name);
    let _ = subject.rest.send("DELETE", "/connectors/life", "");
    let created = subject.call("POST", "/connectors", &json!({"name": name, "config": config}), 201);
    assert!(created.location.ends_with("/connectors/life"), "{created:?}");
    let info = json!({"name": name, "config": with_name(config.clone(), name), "tasks": [{"connector": name, "task": 0}], "type": "sink"});
    assert_eq!(created.json(), info);
    subject.refused("POST", "/connectors", &json!({"name": name, "config": config}), 409, "already exists");
    assert_eq!(subject.call("GET", "/connectors/life", NONE, 200).json(), info);
    assert_eq!(subject.call("GET", "/connectors/life/config", NONE, 200).json(), with_name(config, name));
    subject.expect_states(name, "RUNNING [RUNNING]");
    let status = subject.call("GET", "/connectors/life/status", NONE, 200).json();
    assert_eq!((&status["name"], &status["type"]), (&json!(name), &json!("sink")));
    let worker_id = status["connector"]["worker_id"].clone();
    assert!(worker_id.as_str().is_some_and(|id| id.contains(':')), "{status}");
    assert!(status["connector"]["trace"].is_null() && status["connector"]["version"].is_string(), "{status}");
    let task = &status["tasks"][0];
    assert_eq!((&task["id"], &task["state"], &task["worker_id"]), (&json!(0), &json!("RUNNING"), &worker_id));
    assert_eq!(subject.call("GET", "/connectors/life/tasks/0/status", NONE, 200).json(), *task);
    let tasks = subject.call("GET", "/connectors/life/tasks", NONE, 200).json();
    assert_eq!(tasks[0]["id"], json!({"connector": name, "task": 0}));
    assert_eq!(tasks[0]["config"]["file"], "life.txt");
    subject.delete(name);
    subject.refused("GET", "/connectors/life", NONE, 404, "Connector life not found");
    subject.refused("DELETE", "/connectors/life", NONE, 404, "Connector life not found");
    subject.refused("GET", "/connectors/life/status", NONE, 404, "No status found for connector life");
}

#[test]
fn pause_resume_stop() {
    let subject = subject("rest-pause");
    subject.create_sink("pausing");
    let ask = |what: &str, status: u16| subject.call("PUT", &format!("/connectors/pausing/{what}"), NONE, status);
    assert_eq!(ask("pause", 202).body, "");
    subject.expect_states("pausing", "PAUSED [PAUSED]");
    ask("pause", 202);
    assert_eq!(ask("resume", 202).body, "");
    subject.expect_states("pausing", "RUNNING [RUNNING]");
    assert_eq!(ask("stop", 204).body, "");
    subject.expect_states("pausing", "STOPPED []");
    assert_eq!(subject.call("GET", "/connectors/pausing/tasks", NONE, 200).json(), json!([]));
    ask("resume", 202);
    subject.expect_states("pausing", "RUNNING [RUNNING]");
    for what in ["pause", "resume"] {
        subject.refused("PUT", &format!("/connectors/nobody/{what}"), NONE, 404, "nobody");
    }
    subject.delete("pausing");
}

#[test]
fn restart() {
    let subject = subject("rest-restart");
    subject.create_sink("restarting");
    assert_eq!(subject.call("POST", "/connectors/restarting/restart", NONE, 204).body, "");
    subject.expect_states("restarting", "RUNNING [RUNNING]");
    let with_tasks = subject.call("POST", "/connectors/restarting/restart?includeTasks=true", NONE, 202).json();
    assert_eq!(with_tasks["connector"]["state"], "RESTARTING");
    assert_eq!(with_tasks["tasks"][0]["state"], "RESTARTING");
    subject.expect_states("restarting", "RUNNING [RUNNING]");
    let failed_only =
        subject.call("POST", "/connectors/restarting/restart?includeTasks=true&onlyFailed=true", NONE, 202).json();
    assert_eq!(failed_only["connector"]["state"], "RUNNING");
    assert_eq!(subject.call("POST", "/connectors/restarting/tasks/0/restart", NONE, 204).body, "");
    subject.expect_states("restarting", "RUNNING [RUNNING]");
    subject.call("POST", "/connectors/restarting/tasks/7/restart", NONE, 404);
    subject.delete("restarting");
}

#[test]
fn change_a_config() {
    let subject = subject("rest-config");
    let _ = subject.rest.send("DELETE", "/connectors/changing", "");
    let created = subject.call("PUT", "/connectors/changing/config", &sink_config("changing"), 201);
    assert!(created.location.ends_with("/connectors/changing"), "{created:?}");
    let mut config = sink_config("changing");
    config["file"] = json!("changed.txt");
    let updated = subject.call("PUT", "/connectors/changing/config", &config, 200).json();
    assert_eq!(updated["config"], with_name(config.clone(), "changing"));
    let patched = subject
        .call("PATCH", "/connectors/changing/config", &json!({"file": "patched.txt", "tasks.max": null}), 200)
        .json();
    let expected = json!({"connector.class": "FileStreamSink", "file": "patched.txt", "topics": "connect-test", "name": "changing"});
    assert_eq!(patched["config"], expected);
    subject.refused("PATCH", "/connectors/nobody/config", &json!({"a": "b"}), 404, "nobody");
    config["name"] = json!("other");
    subject.refused("PUT", "/connectors/changing/config", &config, 400, "name");
    subject.delete("changing");
}

#[test]
fn expand_and_topics_and_offsets() {
    let subject = subject("rest-more");
    let all = subject.call("GET", "/connectors?expand=status&expand=info", NONE, 200).json();
    let source = &all["local-file-source"];
    assert_eq!(source["info"]["type"], "source");
    assert_eq!(source["status"]["name"], "local-file-source");
    e2e::until("the source's topic", e2e::wait::PATIENCE, || {
        let topics = subject.call("GET", "/connectors/local-file-source/topics", NONE, 200).json();
        (topics == json!({"local-file-source": {"topics": ["connect-test"]}})).then_some(())
    });
    assert_eq!(subject.call("GET", "/connectors/nobody/topics", NONE, 200).json(), json!({"nobody": {"topics": []}}));
    e2e::until("the source's offset", e2e::wait::PATIENCE, || {
        let offsets = subject.call("GET", "/connectors/local-file-source/offsets", NONE, 200).json();
        (offsets["offsets"][0]["offset"]["position"] == 5).then_some(())
    });
    e2e::until("the sink's offset", e2e::wait::PATIENCE, || {
        let offsets = subject.call("GET", "/connectors/local-file-sink/offsets", NONE, 200).json();
        let partition = json!({"kafka_topic": "connect-test", "kafka_partition": 0});
        (offsets == json!({"offsets": [{"partition": partition, "offset": {"kafka_offset": 1}}]})).then_some(())
    });
    subject.refused("GET", "/connectors/nobody/offsets", NONE, 404, "nobody");
}

#[test]
fn what_is_refused() {
    let subject = subject("rest-refused");
    let post =
        |body: &Value, status: u16, fragment: &str| subject.refused("POST", "/connectors", body, status, fragment);
    let config = sink_config("no");
    post(&json!({"name": "no", "config": {"file": "x"}}), 400, "contains no connector type");
    post(&json!({"name": "no", "config": {"connector.class": "FileStreamSnik", "topics": "t"}}), 400, "FileStreamSnik");
    post(&json!({"name": "", "config": config}), 400, "name");
    post(&json!({"name": "no", "config": with_name(config.clone(), "other")}), 400, "name");
    post(&json!({"name": "no", "config": {"connector.class": "FileStreamSink", "file": "x"}}), 400, "topics");
    post(&json!({"name": "no", "config": {"connector.class": "FileStreamSource", "file": "x"}}), 400, "topic");
    post(&json!({"name": "no", "config": config, "surprise": 1}), 500, "surprise");
    assert_eq!(subject.rest.ask("POST", "/connectors", "{").status, 500);
    subject.refused("GET", "/nowhere", NONE, 404, "HTTP 404 Not Found");
    subject.refused("PUT", "/connectors", &json!({}), 405, "HTTP 405 Method Not Allowed");
    subject.refused("GET", "/connectors/nobody", NONE, 404, "Connector nobody not found");
    assert_eq!(subject.call("GET", "/connectors/no/status", NONE, 404).status, 404);
}
