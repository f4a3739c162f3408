//! `kafka-console-consumer`: the records of topics on standard output.
//!
//! Owns its flags, the settings of its consumer, what it reads from where, and its texts. Source: Kafka 4.3's ConsoleConsumer, observed.
//! Leaves how a record is shown to [`super::formatter`], consuming to the binary.
//! Invariant: records alone, and warnings about old names, stand on stdout; the count stands on stderr.

use super::{
    client_options::{self, Pairs, RENAMED_CONSUMER},
    formatter::Formatter,
};
use crate::{
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, Flag, Given, switch, value},
    tool::{Run, Tool},
    world::World,
};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-console-consumer",
    about: "Print the records of a topic.",
    flags: FLAGS,
    commands: &[],
    run: Run::Edge,
};

const FLAGS: &[Flag] = &[
    BOOTSTRAP_SERVER,
    value("topic", "name", "The topic to read."),
    value("include", "regex", "The topics to read."),
    switch("from-beginning", "Begin with the earliest record where the group has no offset."),
    value("partition", "number", "Read this partition alone."),
    value("offset", "offset", "Where to begin in it: a number, earliest or latest [default: latest]."),
    value("group", "id", "The consumer group."),
    value("max-messages", "count", "End after so many records."),
    value("timeout-ms", "ms", "End when no record has come for so long."),
    value("isolation-level", "level", "read_committed or read_uncommitted [default: read_uncommitted]."),
    value("formatter-property", "name=value", "What is printed: print.key, print.timestamp, key.separator, ..."),
    value("formatter-config", "file", "The same, in a file."),
    value("property", "name=value", "Old name of --formatter-property."),
    value("formatter", "class", "How records are printed."),
    value("key-deserializer", "class", "What keys are: StringDeserializer, LongDeserializer, ..."),
    value("value-deserializer", "class", "What values are."),
    value("command-config", "file", "Settings for the consumer."),
    value("command-property", "name=value", "A setting for the consumer."),
    value("consumer.config", "file", "Old name of --command-config."),
    value("consumer-property", "name=value", "Old name of --command-property."),
    switch("skip-message-on-error", "Go on after a record that cannot be printed."),
    switch("enable-systest-events", "Say on stdout when the consumer ends."),
    value("whitelist", "regex", "").renamed("include"),
    switch("new-consumer", "").ignored("there is no other any more"),
    value("broker-list", "host:port", "").renamed("bootstrap-server"),
    value("zookeeper", "host:port", "")
        .ignored("there is no ZooKeeper any more; --bootstrap-server says where the cluster is"),
];

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// A topic, as a member of the group.
    Topic(String),
    /// Topics whose whole name matches, as a member of the group.
    Matching(String),
    /// A partition.
    Partition(String, i32, Start),
    /// Every partition of a topic, without a group.
    Every(String, Start),
}

/// Where to begin in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With its first record.
    Earliest,
    /// With the next one.
    Latest,
    /// Here.
    At(i64),
    /// So many records before its end.
    Back(u32),
    /// With the first record at or after a time, milliseconds since 1970.
    Time(i64),
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// What to read.
    pub from: From,
    /// Java's settings for the consumer; without `group.id` if none was given.
    pub consumer: Pairs,
    /// How to print.
    pub formatter: Formatter,
    /// End after so many.
    pub max_messages: Option<u64>,
    /// End when none has come for so many milliseconds.
    pub timeout_ms: Option<u64>,
    /// Go on after a record that cannot be printed.
    pub skip_errors: bool,
    /// `--enable-systest-events`.
    pub events: bool,
    /// End where the logs end.
    pub until_the_end: bool,
}

/// Understands the command line. Warnings about old names go to stdout, as in Kafka.
///
/// # Errors
/// What Kafka refuses, in its words.
pub fn understand(given: &Given, world: &mut dyn World) -> Result<Asked, Failure> {
    given.require(&["bootstrap-server"])?;
    client_options::require_topic_or_include(given)?;
    let from = from(given)?;
    client_options::warn_of_old_names(given, &RENAMED_CONSUMER, world)?;
    let consumer = consumer(given, world)?;
    if !client_options::have_ports(given)? {
        let advice = "--bootstrap-server wants host:port, such as localhost:9092";
        return Err(Failure::new("Failed to construct kafka consumer").advising(advice));
    }
    let mut properties = client_options::config(given, &["formatter-config"], world)?;
    properties.extend(client_options::pairs(given, &["formatter-property", "property"])?);
    for (flag, name) in [("key-deserializer", "key.deserializer"), ("value-deserializer", "value.deserializer")] {
        if let Some(class) = given.one(flag)? {
            properties.insert(name.into(), class.into());
        }
    }
    // Negative is "without an end", as in Kafka.
    let number = |flag: &str| Ok(given.parsed::<i64>(flag)?.and_then(|number| u64::try_from(number).ok()));
    Ok(Asked {
        from,
        consumer,
        formatter: Formatter::new(given.one("formatter")?, &properties)?,
        max_messages: number("max-messages")?,
        timeout_ms: number("timeout-ms")?,
        skip_errors: given.has("skip-message-on-error"),
        events: given.has("enable-systest-events"),
        until_the_end: false,
    })
}

fn from(given: &Given) -> Result<From, Failure> {
    let partition = given.parsed::<i32>("partition")?;
    if partition.is_some() && !given.has("topic") {
        return Err(Failure::usage("The topic is required when partition is specified."));
    }
    if given.has("offset") && partition.is_none() {
        return Err(Failure::usage("The partition is required when offset is specified."));
    }
    if given.has("offset") && given.has("from-beginning") {
        return Err(Failure::usage("Options from-beginning and offset cannot be specified together."));
    }
    let topic = given.one("topic")?.unwrap_or_default().to_owned();
    let start = match given.one("offset")?.map(str::trim) {
        None if given.has("from-beginning") => Start::Earliest,
        None => Start::Latest,
        Some(word) if word.eq_ignore_ascii_case("earliest") => Start::Earliest,
        Some(word) if word.eq_ignore_ascii_case("latest") => Start::Latest,
        Some(word) => match word.parse::<i64>() {
            Ok(offset) if offset >= 0 => Start::At(offset),
            _ => {
                return Err(Failure::usage(format!(
                    "The provided offset value '{word}' is incorrect. Valid values are 'earliest', 'latest', or a \
                     non-negative long."
                )));
            }
        },
    };
    Ok(match (partition, given.one("include")?) {
        (Some(partition), _) => From::Partition(topic, partition, start),
        (None, Some(include)) => From::Matching(include.to_owned()),
        (None, None) => From::Topic(topic),
    })
}

fn consumer(given: &Given, world: &mut dyn World) -> Result<Pairs, Failure> {
    let file = client_options::config(given, &["command-config", "consumer.config"], world)?;
    let pairs = client_options::pairs(given, &["command-property", "consumer-property"])?;
    let group = given.one("group")?.map(str::to_owned);
    if group.is_some() && given.has("partition") {
        return Err(Failure::usage("Options group and partition cannot be specified together."));
    }
    let mut groups: Vec<String> =
        [group, pairs.get("group.id").cloned(), file.get("group.id").cloned()].into_iter().flatten().collect();
    groups.dedup();
    if groups.len() > 1 {
        let groups: Vec<String> = groups.iter().map(|group| format!("'{group}'")).collect();
        return Err(Failure::usage(format!(
            "The group ids provided in different places (directly using '--group', via '--consumer-property', or via \
             '--consumer.config') do not match. Detected group ids: {}",
            groups.join(", ")
        )));
    }
    let mut consumer = file;
    consumer.extend(pairs);
    if given.has("from-beginning") {
        if consumer.get("auto.offset.reset").is_some_and(|reset| reset != "earliest") {
            let reset = &consumer["auto.offset.reset"];
            return Err(Failure::usage(format!(
                "Can't simultaneously specify --from-beginning and 'auto.offset.reset={reset}', please remove one option"
            )));
        }
        consumer.insert("auto.offset.reset".into(), "earliest".into());
    }
    consumer.entry("auto.offset.reset".into()).or_insert_with(|| "latest".into());
    consumer.insert("bootstrap.servers".into(), given.one("bootstrap-server")?.unwrap_or_default().into());
    consumer.entry("client.id".into()).or_insert_with(|| "console-consumer".into());
    let level = given.one("isolation-level")?.unwrap_or("read_uncommitted").to_owned();
    if !["read_committed", "read_uncommitted"].contains(&level.as_str()) {
        return Err(Failure::new(format!(
            "Invalid value {level} for configuration isolation.level: String must be one of: read_committed, read_uncommitted"
        )));
    }
    consumer.insert("isolation.level".into(), level);
    if let Some(group) = groups.pop() {
        consumer.insert("group.id".into(), group);
    }
    Ok(consumer)
}

/// The group of a consumer that was given none, as Kafka's tool makes one up.
pub fn made_up_group(random: [u8; 16]) -> String {
    let number = u32::from_le_bytes([random[0], random[1], random[2], random[3]]) % 100_000;
    format!("console-consumer-{number}")
}

/// The last line, for stderr.
pub fn processed(count: u64) -> String {
    format!("Processed a total of {count} messages\n")
}

/// No record came in time; for stderr.
pub const TIMED_OUT: &str = "kafka-console-consumer: no record has come within --timeout-ms\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags;

    fn given(line: &str) -> Given {
        let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
        flags::read(&TOOL, &arguments).unwrap()
    }

    #[test]
    fn where_it_reads() {
        let check = |line: &str, expected: From| assert_eq!(from(&given(line)), Ok(expected), "{line}");
        check("--topic t", From::Topic("t".into()));
        check("--whitelist t.*", From::Matching("t.*".into()));
        check("--topic t --partition 0", From::Partition("t".into(), 0, Start::Latest));
        check("--topic t --partition 0 --from-beginning", From::Partition("t".into(), 0, Start::Earliest));
        check("--topic t --partition 1 --offset 7", From::Partition("t".into(), 1, Start::At(7)));
        check("--topic t --partition 1 --offset earliest", From::Partition("t".into(), 1, Start::Earliest));
    }

    #[test]
    fn refusals_are_kafkas() {
        let check = |line: &str, says: &str| {
            let failure = from(&given(line)).unwrap_err();
            assert!(failure.with_usage && failure.message == says, "{line}: {}", failure.message);
        };
        check("--topic t --offset 1", "The partition is required when offset is specified.");
        check("--include t --partition 1", "The topic is required when partition is specified.");
        check(
            "--topic t --partition 0 --offset foo",
            "The provided offset value 'foo' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.",
        );
    }

    #[test]
    fn groups_are_made_up() {
        assert_eq!(made_up_group([0; 16]), "console-consumer-0");
        assert_eq!(made_up_group([255; 16]), "console-consumer-67295");
    }
}
