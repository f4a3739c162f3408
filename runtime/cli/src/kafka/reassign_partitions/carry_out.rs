//! A plan: proposed, carried out, looked after, taken back.
//!
//! Owns the texts, which are Kafka's, and AlterPartitionReassignments. Invariant: a plan that names a broker or partition that is not there
//! is refused before anything is sent.

use std::collections::BTreeMap;

use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, BrokerId, DescribeLogDirsRequest,
    alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic},
};

use super::{
    joined, moving,
    plan::{self, Plan},
};
use crate::{
    admin::{Admin, To, topic_name},
    failure::Failure,
    flags::Given,
    offsets::Partition,
    settings, topics,
    world::World,
};

/// Milliseconds that a plan may take to be taken, unless `--timeout` says otherwise.
const TIMEOUT_MS: i32 = 10_000;

/// A broker's number among resources.
const BROKER: i8 = 4;

/// What throttles moves, on brokers and on topics.
const THROTTLES: [&[&str]; 2] = [
    &[
        "follower.replication.throttled.rate",
        "leader.replication.throttled.rate",
        "replica.alter.log.dirs.io.max.bytes.per.second",
    ],
    &["follower.replication.throttled.replicas", "leader.replication.throttled.replicas"],
];

pub(super) fn generate(given: &Given, world: &mut dyn World) -> Result<(), Failure> {
    given.require(&["topics-to-move-json-file", "broker-list"])?;
    let ids = given.one("broker-list")?.unwrap_or_default();
    let ids = ids
        .split(',')
        .map(|id| id.trim().parse::<i32>().map_err(|_| Failure::new(format!("For input string: \"{}\"", id.trim()))));
    let ids = ids.collect::<Result<Vec<i32>, Failure>>()?;
    let topics = plan::topics(given, world)?;
    let mut admin = Admin::new(given, world, "describeTopics")?;
    let now = now(&mut admin, &topics)?;
    let there: Vec<i32> = admin.nodes()?.into_iter().map(|node| node.id).filter(|id| ids.contains(id)).collect();
    let folders = folders(&mut admin, &now)?;
    let current = plan::write(&now, |partition, id| folder(&folders, partition, id));
    let proposed = plan::write(&proposed(&now, &there)?, |_, _| "any".to_owned());
    admin.world.out(&format!(
        "Current partition replica assignment\n{current}\n\nProposed partition reassignment configuration\n{proposed}\n"
    ));
    Ok(())
}

/// As many replicas as now, round the brokers, every partition beginning with the next one.
fn proposed(now: &Plan, brokers: &[i32]) -> Result<Plan, Failure> {
    let place = |(at, (partition, replicas)): (usize, (&Partition, &Vec<i32>))| {
        if replicas.len() > brokers.len() {
            return Err(Failure::kafka(
                38,
                Some(&format!(
                    "The target replication factor of {} cannot be reached because only {} broker(s) are registered.",
                    replicas.len(),
                    brokers.len()
                )),
            ));
        }
        Ok((partition.clone(), (0..replicas.len()).map(|next| brokers[(at + next) % brokers.len()]).collect()))
    };
    now.iter().enumerate().map(place).collect()
}

/// Where the partitions of these topics are.
fn now(admin: &mut Admin<'_>, names: &[String]) -> Result<Plan, Failure> {
    let metadata = admin.metadata(Some(names))?;
    let mut now = Plan::new();
    for (name, topic) in topics::named(&metadata) {
        if topic.error_code != 0 {
            return Err(Failure::kafka(topic.error_code, Some(&format!("Topic {name} not found."))));
        }
        for partition in &topic.partitions {
            let ids = partition.replica_nodes.iter().map(|id| id.0).collect();
            now.insert((name.clone(), partition.partition_index), ids);
        }
    }
    Ok(now)
}

/// Data folders, by broker and partition.
type Folders = BTreeMap<(i32, Partition), String>;

fn folders(admin: &mut Admin<'_>, of: &Plan) -> Result<Folders, Failure> {
    let mut brokers: Vec<i32> = of.values().flatten().copied().collect();
    brokers.sort_unstable();
    brokers.dedup();
    let mut folders = Folders::new();
    for broker in brokers {
        let answer = admin.ask(To::Broker(broker), |_| DescribeLogDirsRequest::default().with_topics(None))?;
        for result in &answer.results {
            for topic in &result.topics {
                for partition in &topic.partitions {
                    let key = (broker, (topic.name.to_string(), partition.partition_index));
                    folders.insert(key, result.log_dir.to_string());
                }
            }
        }
    }
    Ok(folders)
}

fn folder(folders: &Folders, partition: &Partition, broker: i32) -> String {
    folders.get(&(broker, partition.clone())).map_or("any", String::as_str).to_owned()
}

fn topics_of(plan: &Plan) -> Vec<String> {
    let mut topics: Vec<String> = plan.keys().map(|(topic, _)| topic.clone()).collect();
    topics.dedup();
    topics
}

fn names<'a>(partitions: impl Iterator<Item = &'a Partition>) -> String {
    partitions.map(|(topic, index)| format!("{topic}-{index}")).collect::<Vec<String>>().join(",")
}

pub(super) fn execute(given: &Given, world: &mut dyn World) -> Result<(), Failure> {
    let plan = plan::read(given, world)?;
    let timeout = given.parsed_or("timeout", TIMEOUT_MS)?;
    let mut admin = Admin::new(given, world, "listPartitionReassignments")?;
    if !given.has("additional") && !moving(&mut admin)?.is_empty() {
        return Err(Failure::new(
            "Cannot execute because there is an existing partition assignment.  Use --additional to override this and create a new \
             partition assignment in addition to the existing one. The --additional flag can also be used to change the throttle by \
             resubmitting the current reassignment.",
        ));
    }
    let there: Vec<i32> = admin.nodes()?.into_iter().map(|node| node.id).collect();
    if let Some(unknown) = plan.values().flatten().find(|id| !there.contains(id)) {
        return Err(Failure::new(format!("Unknown broker id {unknown}")));
    }
    let mut now = now(&mut admin, &topics_of(&plan))?;
    if let Some((topic, index)) = plan.keys().find(|partition| !now.contains_key(partition)) {
        return Err(Failure::kafka(3, Some(&format!("Unable to find partition: {topic}-{index}"))));
    }
    now.retain(|partition, _| plan.contains_key(partition));
    let folders = folders(&mut admin, &now)?;
    let current = plan::write(&now, |partition, id| folder(&folders, partition, id));
    let rollback = "Save this to use as the --reassignment-json-file option during rollback";
    admin.world.out(&format!("Current partition replica assignment\n\n{current}\n\n{rollback}\n"));
    let change = !given.has("disallow-replication-factor-change");
    let wanted = plan.iter().map(|(partition, replicas)| (partition, Some(replicas)));
    let failed = alter(&mut admin, wanted, timeout, change)?;
    if !failed.is_empty() {
        return Err(Failure::new(format!("Error reassigning partition(s):\n{}", failed.join("\n"))));
    }
    let plural = if plan.len() == 1 { "" } else { "s" };
    let text = format!("Successfully started partition reassignment{plural} for {}\n", names(plan.keys()));
    admin.world.out(&text);
    Ok(())
}

/// Sends what partitions are to be, `None` for one that is to stay; gives a line for each that was refused.
fn alter<'a>(
    admin: &mut Admin<'_>,
    wanted: impl Iterator<Item = (&'a Partition, Option<&'a Vec<i32>>)>,
    timeout_ms: i32,
    change_replicas: bool,
) -> Result<Vec<String>, Failure> {
    let mut topics: BTreeMap<&str, Vec<ReassignablePartition>> = BTreeMap::new();
    for ((topic, index), replicas) in wanted {
        let replicas = replicas.map(|ids| ids.iter().copied().map(BrokerId).collect());
        let partition = ReassignablePartition::default().with_partition_index(*index).with_replicas(replicas);
        topics.entry(topic).or_default().push(partition);
    }
    let topic = |(name, partitions): (&str, Vec<ReassignablePartition>)| {
        ReassignableTopic::default().with_name(topic_name(name)).with_partitions(partitions)
    };
    let topics = topics.into_iter().map(topic).collect();
    let request = AlterPartitionReassignmentsRequest::default().with_topics(topics).with_timeout_ms(timeout_ms);
    // Version 1 is the one that can forbid it.
    let least = i16::from(!change_replicas);
    let answer = admin.ask_within(To::Controller, (least, i16::MAX), |version| match version {
        0 => request,
        _ => request.with_allow_replication_factor_change(change_replicas),
    })?;
    if answer.error_code != 0 {
        return Err(Failure::kafka(answer.error_code, answer.error_message.as_deref()));
    }
    let mut failed = Vec::new();
    for topic in &answer.responses {
        for partition in topic.partitions.iter().filter(|partition| partition.error_code != 0) {
            let why = Failure::kafka(partition.error_code, partition.error_message.as_deref());
            failed.push(format!("{}-{}: {}", &*topic.name.0, partition.partition_index, why.message));
        }
    }
    Ok(failed)
}

pub(super) fn verify(given: &Given, world: &mut dyn World) -> Result<(), Failure> {
    let plan = plan::read(given, world)?;
    let mut admin = Admin::new(given, world, "listPartitionReassignments")?;
    let moving = moving(&mut admin)?;
    let topics = topics_of(&plan);
    let metadata = admin.metadata(Some(&topics))?;
    let mut text = "Status of partition reassignment:\n".to_owned();
    for ((topic, partition), wanted) in &plan {
        let found = topics::named(&metadata).filter(|(name, _)| name == topic).flat_map(|(_, found)| &found.partitions);
        let found = found.into_iter().find(|found| found.partition_index == *partition);
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
    if moving.is_empty() && !given.has("preserve-throttles") {
        admin.world.out("\n");
        clear_throttles(&mut admin, &topics)?;
    }
    Ok(())
}

pub(super) fn cancel(given: &Given, world: &mut dyn World) -> Result<(), Failure> {
    let plan = plan::read(given, world)?;
    let timeout = given.parsed_or("timeout", TIMEOUT_MS)?;
    let mut admin = Admin::new(given, world, "listPartitionReassignments")?;
    let active: Vec<Partition> =
        moving(&mut admin)?.into_keys().filter(|partition| plan.contains_key(partition)).collect();
    if active.is_empty() {
        // Kafka's tool ends the second line without its end.
        admin.world.out(
            "None of the specified partition reassignments are active.\nNone of the specified partition moves are active.",
        );
    } else {
        let failed = alter(&mut admin, active.iter().map(|partition| (partition, None)), timeout, true)?;
        if !failed.is_empty() {
            return Err(Failure::new(format!(
                "Error cancelling partition reassignment(s) for:\n{}",
                failed.join("\n")
            )));
        }
        let plural = if active.len() == 1 { "" } else { "s" };
        admin.world.out(&format!(
            "Successfully cancelled partition reassignment{plural} for: {}\nNone of the specified partition moves are active.",
            names(active.iter())
        ));
    }
    match given.has("preserve-throttles") {
        true => Ok(()),
        false => clear_throttles(&mut admin, &topics_of(&plan)),
    }
}

/// Takes off what Kafka's tool may have put on brokers and topics for a move.
fn clear_throttles(admin: &mut Admin<'_>, topics: &[String]) -> Result<(), Failure> {
    let none = BTreeMap::new();
    let unset = THROTTLES.map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>());
    let brokers: Vec<String> = admin.nodes()?.into_iter().map(|node| node.id.to_string()).collect();
    admin.world.out(&format!(
        "Clearing broker-level throttles on broker{} {}\n",
        if brokers.len() == 1 { "" } else { "s" },
        brokers.join(",")
    ));
    for broker in &brokers {
        let to = To::Broker(broker.parse().expect("it was a number"));
        let change = settings::Change { resource: BROKER, name: broker, set: &none, unset: &unset[0] };
        settings::alter(admin, to, change, false)?;
    }
    admin.world.out(&format!(
        "Clearing topic-level throttles on topic{} {}\n",
        if topics.len() == 1 { "" } else { "s" },
        topics.join(",")
    ));
    for topic in topics {
        let change = settings::Change { resource: settings::TOPIC, name: topic, set: &none, unset: &unset[1] };
        settings::alter(admin, To::Any, change, false)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposals_go_round_the_brokers() {
        let now = Plan::from([(("t".to_owned(), 0), vec![9, 8]), (("t".to_owned(), 1), vec![9, 8])]);
        let expected = Plan::from([(("t".to_owned(), 0), vec![1, 2]), (("t".to_owned(), 1), vec![2, 3])]);
        assert_eq!(proposed(&now, &[1, 2, 3]), Ok(expected));
        assert!(proposed(&now, &[1]).unwrap_err().message.contains("replication factor of 2"));
    }
}
