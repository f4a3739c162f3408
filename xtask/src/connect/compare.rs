//! What two answers have to have in common.
//!
//! Owns what is volatile and is mapped away: ports, the worker's own version and cluster, stack traces, times, the lists of plug-ins
//! that only one of the two has. Invariant: everything else counts: status, the headers of [`HEADERS`], and the body, as JSON where it is
//! JSON.

use super::http::Response;
use serde_json::{Map, Value};
use std::fmt;

/// Headers that clients act upon.
const HEADERS: [&str; 9] = [
    "content-type",
    "location",
    "allow",
    "vary",
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-max-age",
    "x-frame-options",
];

/// An answer without what is volatile.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
}

#[derive(Debug, PartialEq)]
enum Body {
    Json(Value),
    /// Kafka's web server speaks HTML where it refuses by itself; nobody parses that.
    Html,
    Text(String),
}

impl Answer {
    /// From what the worker at `port` said.
    pub fn new(response: Response, port: u16) -> Answer {
        let at = format!("127.0.0.1:{port}");
        let html = response.headers.iter().any(|(name, value)| name == "content-type" && value.contains("html"));
        let text = response.body.replace(&at, "WORKER");
        let body = match serde_json::from_str(&text) {
            _ if html => Body::Html,
            Ok(json) => Body::Json(plain(json)),
            Err(_) => Body::Text(sorted(&text)),
        };
        // HTTP wants it beside a 405, and Kafka leaves it out.
        let extra = |name: &str| name == "allow" && response.status == 405;
        let counted = |name: &str| HEADERS.contains(&name) && !extra(name);
        let counted = response.headers.into_iter().filter(|(name, _)| counted(name));
        let mut headers: Vec<_> = counted.map(|(name, value)| (name, sorted(&value.replace(&at, "WORKER")))).collect();
        headers.sort();
        Answer { status: response.status, headers, body }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} ", self.status, self.headers)?;
        match &self.body {
            Body::Json(json) => write!(f, "{json}"),
            Body::Html => write!(f, "(HTML)"),
            Body::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// The first difference, if there is one. With `other_words`, the text of `message` does not count.
pub fn difference(kafka: &Answer, ours: &Answer, other_words: bool) -> Option<String> {
    if kafka.status != ours.status || kafka.headers != ours.headers {
        return Some(format!("Kafka {}\nours  {}", cut(&kafka.to_string()), cut(&ours.to_string())));
    }
    match (&kafka.body, &ours.body) {
        (Body::Json(kafka), Body::Json(ours)) => {
            let mut found = Vec::new();
            differ("", kafka, ours, other_words, &mut found);
            (!found.is_empty()).then(|| found.join("\n"))
        }
        (a, b) => (a != b).then(|| format!("Kafka {}\nours  {}", cut(&kafka.to_string()), cut(&ours.to_string()))),
    }
}

fn differ(at: &str, kafka: &Value, ours: &Value, other_words: bool, found: &mut Vec<String>) {
    match (kafka, ours) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            for (key, value) in a {
                if !(other_words && key == "message") {
                    differ(&format!("{at}.{key}"), value, &b[key], other_words, found);
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (value, other)) in a.iter().zip(b).enumerate() {
                differ(&format!("{at}[{i}]"), value, other, other_words, found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            let only = |these: &[Value], those: &[Value]| {
                these
                    .iter()
                    .filter(|item| !those.contains(item))
                    .map(|item| cut(&item.to_string()))
                    .collect::<Vec<_>>()
                    .join("\n        ")
            };
            found.push(format!("{at}: only Kafka {}\n{at}: only ours  {}", only(a, b), only(b, a)));
        }
        _ if kafka == ours => {}
        _ => found.push(format!("{at}: Kafka {}\n{at}: ours  {}", cut(&kafka.to_string()), cut(&ours.to_string()))),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(1_500).collect()
}

fn plain(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, value)| field(&key, value)).collect()),
        Value::Array(items) => {
            let mut items: Vec<Value> =
                items.into_iter().filter(is_common).filter(|item| !is_own_key(item)).map(plain).collect();
            // Names of connectors and loggers, and rows of plug-ins, come in no order.
            if items.iter().all(|item| item.is_string() || item.get("class").is_some()) {
                items.sort_by_key(Value::to_string);
            }
            // Nobody depends on the order of a plug-in's keys; in a verdict, where they are rows, it counts.
            if items.iter().all(|item| item.get("order_in_group").is_some()) {
                items.sort_by_key(|item| item["name"].to_string());
            }
            Value::Array(items)
        }
        other => other,
    }
}

fn field(key: &str, value: Value) -> (String, Value) {
    let mapped = match (key, &value) {
        ("commit" | "kafka_cluster_id", Value::String(_)) => "*".into(),
        // Own words, and versions of components of our own.
        ("documentation", _) => "*".into(),
        ("version", Value::String(text)) => version(text.trim_end_matches("-connectd")),
        ("default_value" | "value", Value::String(text)) => version(text),
        ("last_modified", Value::Number(_)) => 0.into(),
        ("trace", Value::String(_)) => "*".into(),
        ("recommended_values", _) => Value::Array(Vec::new()),
        // Kafka 4.2 renamed it, and older consoles read the older name: ours has both.
        (_, Value::Object(map)) if map.contains_key("order_in_group") => plain(Value::Object(without(map, "order"))),
        _ => plain(value),
    };
    (key.into(), mapped)
}

fn without(map: &Map<String, Value>, key: &str) -> Map<String, Value> {
    map.iter().filter(|(name, _)| *name != key).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// A row of `/connector-plugins` that both workers have.
fn is_common(item: &Value) -> bool {
    let class = item.get("class").and_then(Value::as_str);
    class.is_none_or(|class| class.starts_with("org.apache.kafka.connect.") && !class.contains(".mirror."))
}

/// The version of a component that stands in for one of Kafka's.
fn version(text: &str) -> Value {
    if text == "0.1.0" { "4.3.0".into() } else { text.into() }
}

/// A key that only our file source has.
fn is_own_key(item: &Value) -> bool {
    let name = item.get("name").or_else(|| item.get("definition")?.get("name"));
    name.is_some_and(|name| name == "max.line.bytes")
}

fn sorted(value: &str) -> String {
    let mut parts: Vec<&str> = value.split(',').map(str::trim).collect();
    parts.sort_unstable();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let headers = vec![("content-type".into(), "application/json".into()), ("date".into(), "now".into())];
        Answer::new(Response { status, headers, body: body.into() }, 80)
    }

    #[test]
    fn what_is_volatile_does_not_count_and_the_rest_does() {
        let same = |a: &str, b: &str| difference(&answer(200, a), &answer(200, b), false).is_none();
        assert!(same(
            r#"{"trace":"a\nb","worker_id":"127.0.0.1:80"}"#,
            r#"{"trace":"a\nc","worker_id":"127.0.0.1:80"}"#
        ));
        assert!(same(r#"["a","b"]"#, r#"["b","a"]"#));
        assert!(same(
            r#"[{"class":"org.apache.kafka.connect.X"},{"class":"y"}]"#,
            r#"[{"class":"org.apache.kafka.connect.X"}]"#
        ));
        assert!(!same(r#"{"state":"RUNNING"}"#, r#"{"state":"PAUSED"}"#));
        assert!(!same(r#"{"a":1}"#, r#"{"a":1,"b":2}"#));
        assert!(difference(&answer(200, "{}"), &answer(201, "{}"), false).is_some());
        let (a, b) = (answer(500, r#"{"message":"x"}"#), answer(500, r#"{"message":"y"}"#));
        assert!(difference(&a, &b, true).is_none() && difference(&a, &b, false).is_some());
    }
}
