//! `kafka-leader-election`: let preferred replicas lead.
//!
//! Owns its flags and lines. Source: Kafka 4.3's LeaderElectionCommand, observed.

use std::collections::BTreeMap;

use kafka_protocol::messages::{ElectLeadersRequest, elect_leaders_request::TopicPartitions};
use serde_json::Value;

use crate::{
    admin::{Admin, To, topic_name},
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, COMMAND_CONFIG, Flag, Given, switch, value},
    offsets::Partition,
    tool::{Run, Tool},
    world::World,
};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-leader-election",
    about: "Let the preferred replica of partitions lead, or any replica.",
    flags: FLAGS,
    commands: &[],
    run: Run::Here(run),
};

const FLAGS: &[Flag] = &[
    BOOTSTRAP_SERVER,
    COMMAND_CONFIG,
    value("admin.config", "file", "").renamed("command-config"),
    value("election-type", "type", "preferred or unclean."),
    value("topic", "name", "The topic; with --partition."),
    value("partition", "id", "The partition."),
    switch("all-topic-partitions", "Every partition there is."),
    value("path-to-json-file", "file", "{\"partitions\":[{\"topic\":\"t\",\"partition\":0}]}."),
];

/// The leader is the one that was wanted.
const NOT_NEEDED: i16 = 84;

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    given.require(&["bootstrap-server", "election-type"])?;
    let (kind, name) = match given.one("election-type")?.map(str::to_lowercase).as_deref() {
        Some("preferred") => (0, "PREFERRED"),
        Some("unclean") => (1, "UNCLEAN"),
        _ => return Err(Failure::new("Invalid election type: --election-type is preferred or unclean")),
    };
    let partitions = partitions(given, world)?;
    let mut admin = Admin::new(given, world, "electLeaders")?;
    let request = || {
        let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        partitions.iter().flatten().for_each(|(topic, partition)| topics.entry(topic).or_default().push(*partition));
        let topic = |(name, partitions): (&str, Vec<i32>)| {
            TopicPartitions::default().with_topic(topic_name(name)).with_partitions(partitions)
        };
        let topics = partitions.as_ref().map(|_| topics.into_iter().map(topic).collect());
        ElectLeadersRequest::default().with_topic_partitions(topics).with_timeout_ms(30_000)
    };
    let answer = admin
        .ask(To::Controller, |version| if version >= 1 { request().with_election_type(kind) } else { request() })?;
    if answer.error_code != 0 {
        return Err(Failure::kafka(answer.error_code, None));
    }
    let (mut done, mut needless, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for topic in &answer.replica_election_results {
        for partition in &topic.partition_result {
            let id = format!("{}-{}", &*topic.topic.0, partition.partition_id);
            match partition.error_code {
                0 => done.push(id),
                NOT_NEEDED => needless.push(id),
                code => {
                    let why = Failure::kafka(code, partition.error_message.as_deref()).java();
                    failed.push(format!("Error completing leader election ({name}) for partition: {id}: {why}\n"));
                }
            }
        }
    }
    if !done.is_empty() {
        admin
            .world
            .out(&format!("Successfully completed leader election ({name}) for partitions {}\n", done.join(", ")));
    }
    if !needless.is_empty() {
        admin.world.out(&format!("Valid replica already elected for partitions {}\n", needless.join(", ")));
    }
    if failed.is_empty() {
        return Ok(0);
    }
    let count = failed.len();
    Err(Failure::new(format!("{count} replica(s) could not be elected")).printing(|_| failed.concat()))
}

/// The partitions that were named; `None` for all.
fn partitions(given: &Given, world: &mut dyn World) -> Result<Option<Vec<Partition>>, Failure> {
    let ways = given.among(&["topic", "all-topic-partitions", "path-to-json-file"]);
    match ways.as_slice() {
        ["topic"] => {
            given.require(&["partition"])?;
            let topic = given.one("topic")?.unwrap_or_default().to_owned();
            Ok(Some(vec![(topic, given.parsed_or("partition", 0)?)]))
        }
        ["all-topic-partitions"] => Ok(None),
        ["path-to-json-file"] => {
            let path = given.one("path-to-json-file")?.unwrap_or_default();
            let bytes = world.read(path).map_err(|error| Failure::new(format!("{path}: {error}")))?;
            parse(&bytes)
                .map(Some)
                .ok_or_else(|| Failure::new(format!("{path}: Replica election data is missing \"partitions\"")))
        }
        _ => Err(Failure::usage(
            "One and only one of the following options is required: topic, all-topic-partitions, path-to-json-file",
        )),
    }
}

fn parse(bytes: &[u8]) -> Option<Vec<Partition>> {
    let json: Value = serde_json::from_slice(bytes).ok()?;
    let partition = |entry: &Value| {
        let number = i32::try_from(entry.get("partition")?.as_i64()?).ok()?;
        Some((entry.get("topic")?.as_str()?.to_owned(), number))
    };
    json.get("partitions")?.as_array()?.iter().map(partition).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files() {
        let check = |json: &str, expected: Option<usize>| {
            assert_eq!(parse(json.as_bytes()).map(|partitions| partitions.len()), expected, "{json}");
        };
        check(r#"{"partitions":[{"topic":"t","partition":0}]}"#, Some(1));
        check(r#"{"partitions":[{"topic":"t"}]}"#, None);
        check(r#"{}"#, None);
    }
}
