//! `kafka-reassign-partitions`: move partitions to other brokers.
//!
//! Owns its flags; lists what is moving, and says how far a plan is. Source: Kafka 4.3's ReassignPartitionsCommand, observed.
//! Invariant: it only looks. Moving data is refused before anything is sent, because connectd is one node.

use std::collections::BTreeMap;

use kafka_protocol::messages::ListPartitionReassignmentsRequest;
use serde_json::Value;

use crate::{
    admin::{Admin, To},
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, COMMAND_CONFIG, Flag, Given, switch, value},
    offsets::Partition,
    tool::{Run, Tool},
    world::World,
};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-reassign-partitions",
    about: "Say which partitions are moving between brokers.",
    flags: FLAGS,
    commands: &[],
    run: Run::Here(run),
};

const ONE_NODE: &str = "connectd is one node, there is nowhere to move a partition";

const FLAGS: &[Flag] = &[
    BOOTSTRAP_SERVER,
    value("bootstrap-controller", "host:port", "Where its controllers are."),
    COMMAND_CONFIG,
    switch("list", "List the partitions that are moving."),
    switch("verify", "Say whether the partitions of a plan are where it wants them."),
    switch("preserve-throttles", "Leave throttles as they are, which is always done here."),
    value("reassignment-json-file", "file", "The plan."),
    switch("execute", "").not_here(ONE_NODE),
    switch("cancel", "").not_here(ONE_NODE),
    switch("generate", "").not_here(ONE_NODE),
    switch("additional", "").not_here(ONE_NODE),
    switch("disable-rack-aware", "").not_here(ONE_NODE),
    switch("disallow-replication-factor-change", "").not_here(ONE_NODE),
    value("topics-to-move-json-file", "file", "").not_here(ONE_NODE),
    value("broker-list", "ids", "").not_here(ONE_NODE),
    value("throttle", "bytes/s", "").not_here(ONE_NODE),
    value("replica-alter-log-dirs-throttle", "bytes/s", "").not_here(ONE_NODE),
    value("timeout", "ms", "").not_here(ONE_NODE),
];

/// Replicas now, and those that are being added and removed.
struct Move {
    replicas: Vec<i32>,
    adding: Vec<i32>,
    removing: Vec<i32>,
}

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    if given.among(&["list", "verify"]).len() != 1 {
        let message = "Command must include exactly one action: --generate, --execute, --verify, --cancel, --list";
        return Err(Failure::usage(message));
    }
    if given.among(&["bootstrap-server", "bootstrap-controller"]).is_empty() {
        return Err(Failure::usage("Please specify --bootstrap-server"));
    }
    match given.has("verify") {
        true => verify(given, world),
        false => list(given, world),
    }
    .map(|()| 0)
}

fn moving(admin: &mut Admin<'_>) -> Result<BTreeMap<Partition, Move>, Failure> {
    let request = ListPartitionReassignmentsRequest::default().with_timeout_ms(30_000).with_topics(None);
    let answer = admin.ask(To::Controller, |_| request)?;
    if answer.error_code != 0 {
        return Err(Failure::kafka(answer.error_code, answer.error_message.as_deref()));
    }
    let ids = |ids: &[kafka_protocol::messages::BrokerId]| ids.iter().map(|id| id.0).collect::<Vec<i32>>();
    let mut moving = BTreeMap::new();
    for topic in &answer.topics {
        for partition in &topic.partitions {
            let one = Move {
                replicas: ids(&partition.replicas),
                adding: ids(&partition.adding_replicas),
                removing: ids(&partition.removing_replicas),
            };
            moving.insert((topic.name.to_string(), partition.partition_index), one);
        }
    }
    Ok(moving)
}

fn joined(ids: &[i32]) -> String {
    ids.iter().map(i32::to_string).collect::<Vec<String>>().join(",")
}

fn list(given: &Given, world: &mut dyn World) -> Result<(), Failure> {
    let mut admin = Admin::new(given, world, "listPartitionReassignments")?;
    let moving = moving(&mut admin)?;
    if moving.is_empty() {
        admin.world.out("No partition reassignments found.\n");
        return Ok(());
    }
    let mut text = "Current partition reassignments:\n".to_owned();
    for ((topic, partition), one) in &moving {
        text.push_str(&format!("{topic}-{partition}: replicas: {}.", joined(&one.replicas)));
        if !one.adding.is_empty() {
            text.push_str(&format!(" adding: {}.", joined(&one.adding)));
        }
        if !one.removing.is_empty() {
            text.push_str(&format!(" removing: {}.", joined(&one.removing)));
        }
        text.push('\n');
    }
    admin.world.out(&text);
    Ok(())
}

fn verify(given: &Given, world: &mut dyn World) -> Result<(), Failure> {
    given.require(&["reassignment-json-file"])?;
    let path = given.one("reassignment-json-file")?.unwrap_or_default();
    let bytes = world.read(path).map_err(|error| Failure::new(format!("{path}: {error}")))?;
    let plan = plan(&bytes).ok_or_else(|| {
        Failure::new(format!(
            "{path} is no plan: {{\"version\":1,\"partitions\":[{{\"topic\":\"t\",\"partition\":0,\"replicas\":[1]}}]}}"
        ))
    })?;
    let mut admin = Admin::new(given, world, "listPartitionReassignments")?;
    let moving = moving(&mut admin)?;
    let mut topics: Vec<String> = plan.keys().map(|(topic, _)| topic.clone()).collect();
    topics.dedup();
    let metadata = admin.metadata(Some(&topics))?;
    let mut text = "Status of partition reassignment:\n".to_owned();
    for ((topic, partition), wanted) in &plan {
        let found = metadata.topics.iter().filter(|found| found.name.as_ref().is_some_and(|name| *name.0 == **topic));
        let found = found.flat_map(|found| &found.partitions).find(|found| found.partition_index == *partition);
        let replicas: Option<Vec<i32>> = found.map(|found| found.replica_nodes.iter().map(|id| id.0).collect());
        let name = format!("{topic}-{partition}");
        text.push_str(&match replicas {
            _ if moving.contains_key(&(topic.clone(), *partition)) => {
                format!("Reassignment of partition {name} is still in progress.\n")
            }
            Some(replicas) if replicas == *wanted => format!("Reassignment of partition {name} is completed.\n"),
            replicas => format!(
                "There is no active reassignment of partition {name}, but replica set is {} rather than {}.\n",
                joined(&replicas.unwrap_or_default()),
                joined(wanted)
            ),
        });
    }
    admin.world.out(&text);
    Ok(())
}

fn plan(bytes: &[u8]) -> Option<BTreeMap<Partition, Vec<i32>>> {
    let json: Value = serde_json::from_slice(bytes).ok()?;
    let number = |value: &Value| i32::try_from(value.as_i64()?).ok();
    let entry = |entry: &Value| {
        let replicas: Option<Vec<i32>> = entry.get("replicas")?.as_array()?.iter().map(number).collect();
        Some(((entry.get("topic")?.as_str()?.to_owned(), number(entry.get("partition")?)?), replicas?))
    };
    json.get("partitions")?.as_array()?.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans() {
        let check = |json: &str, expected: Option<usize>| {
            assert_eq!(plan(json.as_bytes()).map(|plan| plan.len()), expected, "{json}")
        };
        check(r#"{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[1]}]}"#, Some(1));
        check(r#"{"partitions":[{"topic":"t","partition":0}]}"#, None);
        check("[]", None);
    }
}
