//! `kafka-topics`: create, list, describe, alter and delete topics.
//!
//! Owns its flags and texts. Leaves requests to [`crate::topics`]. Source: Kafka 4.3's TopicCommand, observed.
//! Invariant: what goes wrong after the command line was understood stands on stdout as
//! `Error while executing topic command : ...`, and the exit code is 1.

use std::collections::BTreeMap;

use kafka_protocol::messages::{
    BrokerId, MetadataResponse,
    create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic},
    create_topics_request::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig},
};
use runtime_core::config::nearest::nearest;

use crate::{
    admin::{Admin, text, topic_name},
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, COMMAND_CONFIG, Flag, Given, switch, value},
    tool::{Run, Tool},
    topic_names::Wanted,
    topics::{self, named},
    world::World,
};

mod describe;

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-topics",
    about: "Create, list, describe, change or delete topics.",
    flags: FLAGS,
    commands: &[],
    run: Run::Here(run),
};

const FLAGS: &[Flag] = &[
    BOOTSTRAP_SERVER,
    COMMAND_CONFIG,
    switch("create", "Create a topic."),
    switch("list", "List topics."),
    switch("describe", "Show partitions, leaders and settings."),
    switch("alter", "Add partitions."),
    switch("delete", "Delete topics."),
    value("topic", "name", "A name; but for --create, a regular expression."),
    value("topic-id", "id", "A topic's id, for --describe."),
    value("partitions", "count", "Number of partitions."),
    value("replication-factor", "count", "Number of replicas."),
    value("replica-assignment", "ids", "Brokers of every partition, as in 1:2,2:3."),
    value("config", "name=value", "A setting of the topic that is created; kafka-configs changes one."),
    value("delete-config", "name", "")
        .not_here("Kafka has retired it in 4.0; use kafka-configs --alter --delete-config"),
    switch("if-exists", "No error where there is no such topic."),
    switch("if-not-exists", "No error where the topic is there already."),
    switch("exclude-internal", "Leave out internal topics."),
    switch("topics-with-overrides", "Only topics with settings of their own."),
    switch("under-replicated-partitions", "Only partitions whose replicas are not all in sync."),
    switch("unavailable-partitions", "Only partitions without a leader."),
    switch("under-min-isr-partitions", "Only partitions with fewer replicas in sync than their minimum."),
    switch("at-min-isr-partitions", "Only partitions with just the minimum of replicas in sync."),
    value("partition-size-limit-per-response", "count", "Most partitions in one answer of the broker."),
    value("zookeeper", "host:port", "")
        .ignored("there is no ZooKeeper any more; --bootstrap-server says where the cluster is"),
    value("broker-list", "host:port", "").renamed("bootstrap-server"),
];

const ACTIONS: [&str; 5] = ["list", "describe", "create", "alter", "delete"];
const FILTERS: [&str; 4] =
    ["under-replicated-partitions", "unavailable-partitions", "under-min-isr-partitions", "at-min-isr-partitions"];

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    check(given)?;
    let failed = |failure: Failure| {
        failure.printing(|failure| format!("Error while executing topic command : {}\n", failure.message))
    };
    let done = match given.among(&ACTIONS)[0] {
        "create" => create(given, world),
        "alter" => alter(given, world),
        "delete" => delete(given, world),
        "list" => list(given, world),
        _ => describe::describe(given, world),
    };
    done.map(|()| 0).map_err(failed)
}

/// What may stand together. The order of the checks is Kafka's: the first that fails is told.
fn check(given: &Given) -> Result<(), Failure> {
    let actions = given.among(&ACTIONS);
    if actions.len() != 1 {
        let message = "Command must include exactly one action: --list, --describe, --create, --alter or --delete";
        return Err(Failure::usage(message));
    }
    if !given.has("bootstrap-server") {
        return Err(
            Failure::new("--bootstrap-server must be specified").advising("add --bootstrap-server localhost:9092")
        );
    }
    let is = |action: &str| given.has(action);
    if is("describe") && given.has("topics-with-overrides") && !given.among(&FILTERS).is_empty() {
        let given = given.among(&FILTERS)[0];
        return Err(Failure::usage(format!(
            "Option \"[topics-with-overrides]\" can't be used with option \"[{given}]\""
        )));
    }
    if !is("list") && !is("describe") {
        given.require(&["topic"])?;
    }
    if is("create") && given.has("replica-assignment") {
        given.exclude("replica-assignment", &["partitions", "replication-factor"])?;
    }
    if is("alter") {
        given.require(&["partitions"])?;
    }
    let only = |flag: &str, allowed: &[&str]| {
        let others: Vec<&str> = ACTIONS.into_iter().filter(|action| !allowed.contains(action)).collect();
        given.exclude(flag, &others)
    };
    only("config", &["create"])?;
    only("partitions", &["alter", "create"])?;
    only("replication-factor", &["create"])?;
    only("replica-assignment", &["create", "alter"])?;
    FILTERS.iter().chain(&["topics-with-overrides"]).try_for_each(|flag| only(flag, &["describe"]))?;
    only("if-exists", &["alter", "delete", "describe"])?;
    only("if-not-exists", &["create"])?;
    only("exclude-internal", &["list", "describe"])
}

fn create(given: &Given, world: &mut dyn World) -> Result<(), Failure> {
    let name = given.one("topic")?.unwrap_or_default();
    let partitions = given.parsed::<i32>("partitions")?;
    let replicas = given.parsed::<i16>("replication-factor")?;
    let assignment = given.one("replica-assignment")?.map(assignment).transpose()?;
    let configs = given.all("config").iter().map(|config| setting(config)).collect::<Result<Vec<_>, Failure>>()?;
    if name.contains('.') || name.contains('_') {
        world.out(
            "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. \
             To avoid issues it is best to use either, but not both.\n",
        );
    }
    if replicas.is_some_and(|replicas| replicas < 1) {
        return Err(Failure::new("The replication factor must be between 1 and 32767 inclusive"));
    }
    if partitions.is_some_and(|partitions| partitions < 1) {
        return Err(Failure::new("The partitions must be greater than 0"));
    }
    let mut topic = CreatableTopic::default().with_name(topic_name(name)).with_configs(configs);
    topic = match assignment {
        Some(assignment) => {
            let replica = |(at, ids): (usize, Vec<BrokerId>)| {
                CreatableReplicaAssignment::default().with_partition_index(at as i32).with_broker_ids(ids)
            };
            let assignments = assignment.into_iter().enumerate().map(replica).collect();
            topic.with_num_partitions(-1).with_replication_factor(-1).with_assignments(assignments)
        }
        None => topic.with_num_partitions(partitions.unwrap_or(-1)).with_replication_factor(replicas.unwrap_or(-1)),
    };
    let mut admin = Admin::new(given, world, "createTopics")?;
    match topics::create(&mut admin, &topic, false) {
        Err(exists) if exists.code == 36 && given.has("if-not-exists") => return Ok(()),
        other => other?,
    }
    admin.world.out(&format!("Created topic {name}.\n"));
    Ok(())
}

/// `name=value`, the value possibly in brackets.
fn setting(config: &str) -> Result<CreatableTopicConfig, Failure> {
    let Some((name, value)) = config.split_once('=') else {
        let message =
            "requirement failed: Invalid topic config: all configs to be added must be in the format \"key=val\".";
        return Err(Failure::new(message));
    };
    Ok(CreatableTopicConfig::default().with_name(text(name.trim())).with_value(Some(text(value.trim()))))
}

/// `1:2,2:3`: the brokers of each partition.
fn assignment(list: &str) -> Result<Vec<Vec<BrokerId>>, Failure> {
    let mut partitions: Vec<Vec<BrokerId>> = Vec::new();
    for (at, ids) in list.split(',').enumerate() {
        let id =
            |id: &str| id.trim().parse().map(BrokerId).map_err(|_| Failure::new(format!("For input string: \"{id}\"")));
        let ids = ids.split(':').map(id).collect::<Result<Vec<BrokerId>, Failure>>()?;
        if (1..ids.len()).any(|at| ids[..at].contains(&ids[at])) {
            let twice: Vec<String> = ids.iter().map(|id| id.0.to_string()).collect();
            let message = format!("Partition replica lists may not contain duplicate entries: {}", twice.join(","));
            return Err(Failure::new(message));
        }
        if partitions.first().is_some_and(|first| first.len() != ids.len()) {
            return Err(Failure::new(format!("Partition {at} has different replication factor: {}", ids.len())));
        }
        partitions.push(ids);
    }
    Ok(partitions)
}

fn list(given: &Given, world: &mut dyn World) -> Result<(), Failure> {
    let wanted = Wanted::new(given.one("topic")?)?;
    let mut admin = Admin::new(given, world, "listTopics")?;
    let metadata = admin.metadata(None)?;
    let names = wanted.of(&metadata, given.has("exclude-internal"));
    let lines: String = names.iter().map(|name| format!("{name}\n")).collect();
    // Kafka joins the names and prints one line: for none it is empty.
    admin.world.out(if lines.is_empty() { "\n" } else { &lines });
    Ok(())
}

fn alter(given: &Given, world: &mut dyn World) -> Result<(), Failure> {
    let wanted = Wanted::new(given.one("topic")?)?;
    let count = given.parsed::<i32>("partitions")?.unwrap_or_default();
    let assignment = given.one("replica-assignment")?.map(assignment).transpose()?;
    let mut admin = Admin::new(given, world, "listTopics")?;
    let metadata = admin.metadata(None)?;
    let names = wanted.of(&metadata, false);
    ensure_exists(given, &names, &metadata)?;
    admin.calling("createPartitions");
    let partitions: BTreeMap<String, usize> =
        named(&metadata).map(|(name, topic)| (name, topic.partitions.len())).collect();
    let topics = names.iter().map(|name| {
        let topic = CreatePartitionsTopic::default().with_name(topic_name(name)).with_count(count);
        // The brokers of partitions that are there already are told too, and not of interest.
        let new = assignment.as_ref().map(|all| all.iter().skip(partitions[name]));
        topic.with_assignments(
            new.map(|new| new.map(|ids| CreatePartitionsAssignment::default().with_broker_ids(ids.clone())).collect()),
        )
    });
    if names.is_empty() {
        return Ok(());
    }
    topics::add_partitions(&mut admin, topics.collect(), false)
}

fn delete(given: &Given, world: &mut dyn World) -> Result<(), Failure> {
    let wanted = Wanted::new(given.one("topic")?)?;
    let mut admin = Admin::new(given, world, "listTopics")?;
    let metadata = admin.metadata(None)?;
    let names = wanted.of(&metadata, false);
    ensure_exists(given, &names, &metadata)?;
    if names.is_empty() {
        return Ok(());
    }
    admin.calling("deleteTopics");
    topics::delete(&mut admin, &names)
}

/// Refuses a name that matches none of the topics that there are, unless `--if-exists` stands there.
fn ensure_exists(given: &Given, names: &[String], there: &MetadataResponse) -> Result<(), Failure> {
    match given.one("topic")? {
        Some(name) if names.is_empty() && !given.has("if-exists") => {
            let failure = Failure::new(format!("Topic '{name}' does not exist as expected"));
            let there: Vec<String> = named(there).map(|(name, _)| name).collect();
            Err(match nearest(name, there.iter().map(String::as_str)) {
                Some(near) => failure.advising(format!("Did you mean {near}?")),
                None => failure,
            })
        }
        _ => Ok(()),
    }
}
