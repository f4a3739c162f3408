//! `kafka-reassign-partitions`: move partitions to other brokers.
//!
//! Owns its flags; lists what is moving. Leaves plans to [`plan`], carrying one out to [`carry_out`]. Source: Kafka 4.3's
//! ReassignPartitionsCommand, observed. Invariant: nothing is changed but by `--execute`, `--cancel` and `--verify`, which takes throttles off.

use std::collections::BTreeMap;

use crate::{
    admin::{Admin, To},
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, COMMAND_CONFIG, Flag, Given, switch, value},
    offsets::Partition,
    tool::{Run, Tool},
    world::World,
};
use kafka_protocol::messages::ListPartitionReassignmentsRequest;

mod carry_out;
mod plan;

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-reassign-partitions",
    about: "Move partitions between brokers, and say which are moving.",
    flags: FLAGS,
    commands: &[],
    run: Run::Here(run),
};

const NO_THROTTLE: &str = "data moves as fast as it can";
const ONE_FOLDER: &str = "a broker's data folder is chosen by the broker";

const FLAGS: &[Flag] = &[
    BOOTSTRAP_SERVER,
    value("bootstrap-controller", "host:port", "Where its controllers are."),
    COMMAND_CONFIG,
    switch("list", "List the partitions that are moving."),
    switch("generate", "Propose a plan for topics and brokers; nothing is changed."),
    switch("execute", "Carry out a plan."),
    switch("verify", "Say whether the partitions of a plan are where it wants them, and take throttles off."),
    switch("cancel", "Leave the partitions of a plan where they were."),
    value("reassignment-json-file", "file", "The plan."),
    value("topics-to-move-json-file", "file", "With --generate: the topics."),
    value("broker-list", "ids", "With --generate: the brokers to use."),
    switch("additional", "With --execute: beside what is moving already."),
    switch("preserve-throttles", "Leave throttles as they are."),
    switch("disable-rack-aware", "With --generate: racks do not count, which is so anyhow."),
    value("timeout", "ms", "How long to wait for the plan to be taken."),
    switch("disallow-replication-factor-change", "Refuse a plan that changes the number of replicas."),
    value("throttle", "bytes/s", "").not_here(NO_THROTTLE),
    value("replica-alter-log-dirs-throttle", "bytes/s", "").not_here(ONE_FOLDER),
];

/// What may be done, and the flags that may stand beside it; those of the connection may always.
const ACTIONS: [(&str, &[&str]); 5] = [
    ("generate", &["topics-to-move-json-file", "broker-list", "disable-rack-aware"]),
    ("execute", &["reassignment-json-file", "additional", "timeout", "disallow-replication-factor-change"]),
    ("verify", &["reassignment-json-file", "preserve-throttles"]),
    ("cancel", &["reassignment-json-file", "preserve-throttles", "timeout"]),
    ("list", &[]),
];

const CONNECTION: [&str; 3] = ["bootstrap-server", "bootstrap-controller", "command-config"];

/// Replicas now, and those that are being added and removed.
struct Move {
    replicas: Vec<i32>,
    adding: Vec<i32>,
    removing: Vec<i32>,
}

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    let mut actions = ACTIONS.iter().filter(|(action, _)| given.has(action));
    let (Some((action, allowed)), None) = (actions.next(), actions.next()) else {
        let message = "Command must include exactly one action: --generate, --execute, --verify, --cancel, --list";
        return Err(Failure::usage(message));
    };
    if given.among(&["bootstrap-server", "bootstrap-controller"]).is_empty() {
        return Err(Failure::usage("Please specify --bootstrap-server"));
    }
    let may_stand =
        |flag: &&Flag| flag.name == *action || allowed.contains(&flag.name) || CONNECTION.contains(&flag.name);
    if let Some(flag) = FLAGS.iter().filter(|flag| given.has(flag.name)).find(|flag| !may_stand(flag)) {
        let name = flag.name;
        return Err(Failure::usage(format!("Option \"[{name}]\" can't be used with action \"[{action}]\"")));
    }
    let done = match *action {
        "generate" => carry_out::generate(given, world),
        "execute" => carry_out::execute(given, world),
        "verify" => carry_out::verify(given, world),
        "cancel" => carry_out::cancel(given, world),
        _ => list(given, world),
    };
    let said = |failure: &Failure| format!("Error: {}\n", failure.java());
    done.map(|()| 0).map_err(|failure| if failure.with_usage { failure } else { failure.printing(said) })
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
