//! `kafka-verifiable-producer` and `kafka-verifiable-consumer`: what happens, as lines of JSON for other programs.
//!
//! Owns their flags and lines. Source: Kafka 4.3's VerifiableProducer and VerifiableConsumer, observed. Leaves the clients to the binary.

use serde_json::Value;

use super::client_options::{self, Pairs};
use crate::{
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, Flag, Given, switch, value},
    tool::{Run, Tool},
    world::World,
};

/// The producer.
pub const PRODUCER: Tool = Tool {
    name: "kafka-verifiable-producer",
    about: "Send numbers to a topic, and say of each whether it was acknowledged.",
    flags: &[
        BOOTSTRAP_SERVER,
        value("topic", "name", "The topic to send to."),
        value("max-messages", "count", "How many; -1 for no end [default: -1]."),
        value("throughput", "rate", "Most records in a second; -1 for as many as can be [default: -1]."),
        value("acks", "acks", "0, 1 or -1 [default: -1]."),
        value("value-prefix", "number", "Stands before each value, with a dot between."),
        value("repeating-keys", "count", "Keys are the numbers below this, again and again."),
        value("message-create-time", "ms", "Time of the first record; the next ones follow as they are sent."),
        CONFIG,
        OLD_PRODUCER_CONFIG,
        OLD_SERVER,
    ],
    commands: &[],
    run: Run::Edge,
};

/// The consumer.
pub const CONSUMER: Tool = Tool {
    name: "kafka-verifiable-consumer",
    about: "Read a topic as a member of a group, and say what happens.",
    flags: &[
        BOOTSTRAP_SERVER,
        value("topic", "name", "The topic to read."),
        value("group-id", "id", "The consumer group."),
        value("group-instance-id", "id", "Stays the same over restarts."),
        value("max-messages", "count", "How many; -1 for no end [default: -1]."),
        value("session-timeout", "ms", "Without a sign of life for so long, a member is out."),
        switch("verbose", "Say every record."),
        switch("enable-autocommit", "Commit from time to time, not after every batch."),
        value("reset-policy", "policy", "earliest, latest or none [default: earliest]."),
        value("assignment-strategy", "class", "How partitions are handed out."),
        value("group-protocol", "protocol", "classic [default: classic]."),
        value("group-remote-assignor", "name", "").not_here("the group's protocol is the classic one"),
        CONFIG,
        value("consumer.config", "file", "Old name of --command-config."),
        OLD_SERVER,
    ],
    commands: &[],
    run: Run::Edge,
};

const CONFIG: Flag = value("command-config", "file", "Settings for the client.");
const OLD_PRODUCER_CONFIG: Flag = value("producer.config", "file", "Old name of --command-config.");
const OLD_SERVER: Flag = value("broker-list", "host:port", "").renamed("bootstrap-server");

/// What the producer is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedToSend {
    /// The topic.
    pub topic: String,
    /// How many.
    pub most: Option<u64>,
    /// Most records in a second; -1 for as many as can be.
    pub throughput: i64,
    /// Before each value.
    pub prefix: Option<i32>,
    /// Keys are below this.
    pub keys: Option<u64>,
    /// Time of the first record.
    pub create_time: Option<i64>,
    /// Java's settings.
    pub producer: Pairs,
}

/// What the consumer is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedToRead {
    /// The topic.
    pub topic: String,
    /// How many.
    pub most: Option<u64>,
    /// Say every record.
    pub verbose: bool,
    /// Commit from time to time.
    pub auto_commit: bool,
    /// Java's settings.
    pub consumer: Pairs,
}

fn most(given: &Given) -> Result<Option<u64>, Failure> {
    Ok(given.parsed::<i64>("max-messages")?.and_then(|most| u64::try_from(most).ok()))
}

/// Understands the producer's command line.
///
/// # Errors
/// What is missing or cannot be.
pub fn understand_producer(given: &Given, world: &mut dyn World) -> Result<AskedToSend, Failure> {
    given.require(&["topic", "bootstrap-server"])?;
    let mut producer = client_options::config(given, &["producer.config", "command-config"], world)?;
    producer.insert("bootstrap.servers".into(), given.one("bootstrap-server")?.unwrap_or_default().into());
    producer.insert("acks".into(), given.one("acks")?.unwrap_or("-1").into());
    // Nothing is tried again, so that what is said is what happened.
    producer.entry("retries".into()).or_insert_with(|| "0".into());
    Ok(AskedToSend {
        topic: given.one("topic")?.unwrap_or_default().into(),
        most: most(given)?,
        throughput: given.parsed_or("throughput", -1)?,
        prefix: given.parsed("value-prefix")?,
        keys: given.parsed::<u64>("repeating-keys")?.filter(|keys| *keys > 0),
        create_time: given.parsed::<i64>("message-create-time")?.filter(|time| *time >= 0),
        producer,
    })
}

/// Understands the consumer's command line.
///
/// # Errors
/// What is missing or cannot be.
pub fn understand_consumer(given: &Given, world: &mut dyn World) -> Result<AskedToRead, Failure> {
    given.require(&["topic", "group-id", "bootstrap-server"])?;
    if given.one("group-protocol")?.is_some_and(|protocol| !protocol.eq_ignore_ascii_case("classic")) {
        return Err(Failure::not_here("group-protocol", "the group's protocol is the classic one"));
    }
    let mut consumer = client_options::config(given, &["consumer.config", "command-config"], world)?;
    let auto_commit = given.has("enable-autocommit");
    let mut set = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            consumer.insert(name.into(), value.into());
        }
    };
    set("bootstrap.servers", given.one("bootstrap-server")?);
    set("group.id", given.one("group-id")?);
    set("group.instance.id", given.one("group-instance-id")?);
    set("session.timeout.ms", given.one("session-timeout")?);
    set("auto.offset.reset", Some(given.one("reset-policy")?.unwrap_or("earliest")));
    set("partition.assignment.strategy", Some(given.one("assignment-strategy")?.unwrap_or("RangeAssignor")));
    set("enable.auto.commit", Some(if auto_commit { "true" } else { "false" }));
    let topic = given.one("topic")?.unwrap_or_default().into();
    Ok(AskedToRead { topic, most: most(given)?, verbose: given.has("verbose"), auto_commit, consumer })
}

/// A line: its time, its name, and fields whose values are JSON already.
pub fn line(now_ms: i64, name: &str, fields: &[(&str, String)]) -> String {
    let fields: String = fields.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
    format!("{{\"timestamp\":{now_ms},\"name\":\"{name}\"{fields}}}\n")
}

/// Text as JSON; nothing is null.
pub fn quoted(text: Option<&str>) -> String {
    text.map_or(Value::Null, Value::from).to_string()
}

/// A list of partitions as JSON, each with more fields.
pub fn partitions<'a>(all: impl Iterator<Item = (&'a str, i32, String)>) -> String {
    let one = |(topic, partition, more): (&str, i32, String)| {
        format!("{{\"topic\":{},\"partition\":{partition}{more}}}", quoted(Some(topic)))
    };
    format!("[{}]", all.map(one).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kafkas() {
        assert_eq!(
            line(1795273391533, "startup_complete", &[]),
            "{\"timestamp\":1795273391533,\"name\":\"startup_complete\"}\n"
        );
        let sent = [
            ("key", quoted(None)),
            ("value", quoted(Some("0"))),
            ("offset", "0".into()),
            ("topic", quoted(Some("ver"))),
            ("partition", "0".into()),
        ];
        assert_eq!(
            line(1, "producer_send_success", &sent),
            "{\"timestamp\":1,\"name\":\"producer_send_success\",\"key\":null,\"value\":\"0\",\"offset\":0,\"topic\":\"ver\",\"partition\":0}\n"
        );
        let assigned = [("partitions", partitions([("ver", 0, String::new())].into_iter()))];
        assert_eq!(
            line(2, "partitions_assigned", &assigned),
            "{\"timestamp\":2,\"name\":\"partitions_assigned\",\"partitions\":[{\"topic\":\"ver\",\"partition\":0}]}\n"
        );
    }
}
