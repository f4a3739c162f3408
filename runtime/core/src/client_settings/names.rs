//! Java's names beside librdkafka's.
//!
//! Invariant: every setting of Kafka's producer, consumer and admin client is in one of the tables, or has no counterpart.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::Client;

/// What became of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Translated {
    /// This one.
    Setting(&'static str, String),
    /// It needs none: what it says is so anyway, or `security` takes it.
    Nothing,
    /// librdkafka has nothing like it.
    Unknown,
}

/// How a value is carried over.
#[derive(Clone, Copy, Debug)]
enum Value {
    Text,
    Whole,
    /// A whole number of bytes; there it is in KiB.
    Kib,
    /// Milliseconds; "for ever" is Java's largest number, there it is 0.
    Forever,
    /// A list, without the brackets and blanks that Java takes.
    List,
    Lower,
    Boolean,
}

use Value::{Boolean, Forever, Kib, List, Lower, Text, Whole};

type Row = (&'static str, &'static str, Value);

const ALL: &[Row] = &[
    ("bootstrap.servers", "bootstrap.servers", List),
    ("client.dns.lookup", "client.dns.lookup", Text),
    ("client.id", "client.id", Text),
    ("client.rack", "client.rack", Text),
    ("connections.max.idle.ms", "connections.max.idle.ms", Whole),
    ("metadata.max.age.ms", "topic.metadata.refresh.interval.ms", Whole),
    ("receive.buffer.bytes", "socket.receive.buffer.bytes", Whole),
    ("reconnect.backoff.max.ms", "reconnect.backoff.max.ms", Whole),
    ("reconnect.backoff.ms", "reconnect.backoff.ms", Whole),
    ("retry.backoff.max.ms", "retry.backoff.max.ms", Whole),
    ("retry.backoff.ms", "retry.backoff.ms", Whole),
    ("security.protocol", "security.protocol", Lower),
    ("send.buffer.bytes", "socket.send.buffer.bytes", Whole),
    ("socket.connection.setup.timeout.ms", "socket.connection.setup.timeout.ms", Whole),
];

const PRODUCER: &[Row] = &[
    ("acks", "acks", Text),
    ("batch.size", "batch.size", Whole),
    ("buffer.memory", "queue.buffering.max.kbytes", Kib),
    ("compression.gzip.level", "compression.level", Whole),
    ("compression.lz4.level", "compression.level", Whole),
    ("compression.type", "compression.type", Text),
    ("compression.zstd.level", "compression.level", Whole),
    ("delivery.timeout.ms", "delivery.timeout.ms", Forever),
    ("enable.idempotence", "enable.idempotence", Boolean),
    ("linger.ms", "linger.ms", Whole),
    ("max.in.flight.requests.per.connection", "max.in.flight.requests.per.connection", Whole),
    ("max.request.size", "message.max.bytes", Whole),
    ("request.timeout.ms", "request.timeout.ms", Whole),
    ("retries", "retries", Whole),
    ("transaction.timeout.ms", "transaction.timeout.ms", Whole),
    ("transactional.id", "transactional.id", Text),
];

const CONSUMER: &[Row] = &[
    ("allow.auto.create.topics", "allow.auto.create.topics", Boolean),
    ("auto.commit.interval.ms", "auto.commit.interval.ms", Whole),
    ("auto.offset.reset", "auto.offset.reset", Lower),
    ("check.crcs", "check.crcs", Boolean),
    ("enable.auto.commit", "enable.auto.commit", Boolean),
    ("fetch.max.bytes", "fetch.max.bytes", Whole),
    ("fetch.max.wait.ms", "fetch.wait.max.ms", Whole),
    ("fetch.min.bytes", "fetch.min.bytes", Whole),
    ("group.id", "group.id", Text),
    ("group.instance.id", "group.instance.id", Text),
    ("heartbeat.interval.ms", "heartbeat.interval.ms", Whole),
    ("isolation.level", "isolation.level", Lower),
    ("max.partition.fetch.bytes", "max.partition.fetch.bytes", Whole),
    ("max.poll.interval.ms", "max.poll.interval.ms", Whole),
    ("partition.assignment.strategy", "partition.assignment.strategy", List),
    ("request.timeout.ms", "socket.timeout.ms", Whole),
    ("session.timeout.ms", "session.timeout.ms", Whole),
];

const ADMIN: &[Row] = &[("request.timeout.ms", "socket.timeout.ms", Whole)];

/// Settings that need no translation: serializers (records are bytes here), the limit of Java's `poll`, what `security` reads.
const NOTHING: &[&str] = &[
    "auto.include.jmx.reporter",
    "default.api.timeout.ms",
    "enable.metrics.push",
    "key.deserializer",
    "key.serializer",
    "max.block.ms",
    "max.poll.records",
    "metric.reporters",
    "metrics.num.samples",
    "metrics.recording.level",
    "metrics.sample.window.ms",
    "partitioner.ignore.keys",
    "value.deserializer",
    "value.serializer",
];

const ASSIGNORS: [(&str, &str); 3] = [
    ("RangeAssignor", "range"),
    ("RoundRobinAssignor", "roundrobin"),
    ("CooperativeStickyAssignor", "cooperative-sticky"),
];

/// Translates one setting. The error names it.
pub fn translate(client: Client, key: &str, value: &str) -> Result<Translated, String> {
    let own = match client {
        Client::Producer => PRODUCER,
        Client::Consumer => CONSUMER,
        Client::Admin => ADMIN,
    };
    let invalid = |why: &str| format!("Invalid value {value} for configuration {key}: {why}");
    if let Some((_, name, kind)) = ALL.iter().chain(own).find(|row| row.0 == key) {
        let value = match kind {
            Text => value.to_string(),
            Whole => whole(value).ok_or_else(|| invalid("a whole number is needed"))?.to_string(),
            Kib => {
                (whole(value).ok_or_else(|| invalid("a whole number of bytes is needed"))?.max(1024) / 1024).to_string()
            }
            Forever => match whole(value).ok_or_else(|| invalid("a whole number is needed"))? {
                ms if ms >= i64::from(i32::MAX) => "0".to_string(),
                ms => ms.to_string(),
            },
            Boolean => match value.to_ascii_lowercase().as_str() {
                word @ ("true" | "false") => word.to_string(),
                _ => return Err(invalid("it can be true or false")),
            },
            List if *name == "partition.assignment.strategy" => assignors(value).map_err(|why| invalid(&why))?,
            List => items(value).join(","),
            Lower => lower(key, value).map_err(invalid)?,
        };
        return Ok(Translated::Setting(name, value));
    }
    let taken_elsewhere = key.starts_with("sasl.") || key.starts_with("ssl.");
    match taken_elsewhere || NOTHING.contains(&key) || value.is_empty() {
        true => Ok(Translated::Nothing),
        false => Ok(Translated::Unknown),
    }
}

fn whole(value: &str) -> Option<i64> {
    value.parse().ok()
}

fn items(value: &str) -> Vec<&str> {
    let value = value.strip_prefix('[').and_then(|value| value.strip_suffix(']')).unwrap_or(value);
    value.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
}

fn assignors(value: &str) -> Result<String, String> {
    let one = |class: &str| {
        let name = class.rsplit('.').next().unwrap_or(class);
        ASSIGNORS.iter().find(|(java, own)| *java == name || *own == name).map(|(_, own)| *own)
    };
    let all: Option<Vec<_>> = items(value).into_iter().map(one).collect();
    all.map(|all| all.join(","))
        .ok_or_else(|| "it can be RangeAssignor, RoundRobinAssignor or CooperativeStickyAssignor".into())
}

fn lower(key: &str, value: &str) -> Result<String, &'static str> {
    let word = value.to_ascii_lowercase();
    match (key, word.as_str()) {
        ("security.protocol", "plaintext" | "ssl" | "sasl_plaintext" | "sasl_ssl") => Ok(word),
        ("security.protocol", _) => Err("it can be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"),
        ("auto.offset.reset", "earliest" | "latest") => Ok(word),
        ("auto.offset.reset", "none") => Ok("error".into()),
        ("auto.offset.reset", _) => Err("it can be earliest, latest or none"),
        _ => Ok(word),
    }
}
