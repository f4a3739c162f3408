//! `kafka-consumer-groups`: list and describe groups, reset and delete their offsets, delete groups.
//!
//! Owns its flags, and listing and deleting groups. Source: Kafka 4.3's ConsumerGroupCommand, observed. Invariant: what goes wrong after
//! the command line was understood stands on stdout as `Error: ...`, and the exit code is 0 all the same, as with Kafka's tool.

use regex::Regex;

use crate::{
    admin::Admin,
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, COMMAND_CONFIG, Flag, Given, perhaps, switch, value},
    groups::{self, Listed, listed},
    java::hash_order,
    tool::{Run, Tool},
    world::World,
};

mod delete_offsets;
mod describe;
mod reset;
mod scenario;

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-consumer-groups",
    about: "List and describe consumer groups, reset and delete their offsets, delete groups.",
    flags: FLAGS,
    commands: &[],
    run: Run::Here(run),
};

const FLAGS: &[Flag] = &[
    BOOTSTRAP_SERVER,
    COMMAND_CONFIG,
    switch("list", "List groups."),
    switch("describe", "Show a group: offsets and lag, or --members, or --state."),
    switch("delete", "Delete groups that have no members."),
    switch("reset-offsets", "Move the offsets of a group that has no members."),
    switch("delete-offsets", "Forget the offsets of a group for topics."),
    value("validate-regex", "expression", "Say whether this is a regular expression that brokers take."),
    value("group", "name", "The group; more than once for several."),
    switch("all-groups", "Every group."),
    value("topic", "topic[:0,1]", "The topic, or some of its partitions; more than once for several."),
    switch("all-topics", "Every topic that the group has offsets of."),
    switch("members", "With --describe: the members and how many partitions each has."),
    switch("offsets", "With --describe: offsets and lag, as without it."),
    perhaps(
        "state",
        "states",
        "With --describe: the group's state. With --list: states too, or only groups in these states.",
    ),
    perhaps("type", "types", "With --list: types too, or only groups of these types."),
    switch("verbose", "More columns."),
    value("timeout", "ms", "How long a request may take."),
    switch("dry-run", "Only show what would be done."),
    switch("execute", "Do it."),
    switch("export", "Print as CSV."),
    switch("to-earliest", "To the beginning of the log."),
    switch("to-latest", "To its end."),
    switch("to-current", "To where the group is."),
    value("to-offset", "offset", "To this offset."),
    value("to-datetime", "time", "To the first record at or after a time, as in 2026-01-31T12:00:00.000."),
    value("by-duration", "duration", "To the first record of the last while, as in P1D or PT1H30M."),
    value("shift-by", "count", "That many records on, or back if negative."),
    value("from-file", "file", "To the offsets of a CSV file: topic,partition,offset."),
    switch("new-consumer", "").ignored("every consumer is a new one"),
    value("zookeeper", "host:port", "")
        .ignored("there is no ZooKeeper any more; --bootstrap-server says where the cluster is"),
];

const ACTIONS: [&str; 6] = ["list", "describe", "delete", "reset-offsets", "delete-offsets", "validate-regex"];

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    check(given)?;
    let action = given.among(&ACTIONS)[0];
    if action == "validate-regex" {
        validate(given.one("validate-regex")?.unwrap_or_default(), world);
        return Ok(0);
    }
    let call = match action {
        "list" => "listGroups",
        "delete" => "deleteConsumerGroups(api=FIND_COORDINATOR)",
        "delete-offsets" => "deleteConsumerGroupOffsets(api=FIND_COORDINATOR)",
        _ => "describeConsumerGroups(api=FIND_COORDINATOR)",
    };
    let within = given.parsed_or("timeout", 5_000).map_err(told)?;
    let mut admin = Admin::new(given, world, call)?.within(within);
    let done = match action {
        "list" => list(given, &mut admin).map_err(|failure| match failure.class {
            Some("TimeoutException") => Failure { message: NO_BROKERS.into(), class: None, ..failure },
            _ => failure,
        }),
        "describe" => describe::describe(given, &mut admin),
        "reset-offsets" => reset::run(given, &mut admin),
        "delete-offsets" => delete_offsets::delete(given, &mut admin),
        _ => delete(given, &mut admin),
    };
    done.map(|()| 0).map_err(told)
}

/// With Kafka's line on stdout, and its exit code.
fn told(failure: Failure) -> Failure {
    let said =
        |failure: &Failure| format!("\nError: Executing consumer group command failed due to {}\n", failure.java());
    if failure.only_stderr { failure } else { failure.printing(said).exiting(0) }
}

const NO_BROKERS: &str = "java.util.concurrent.ExecutionException: org.apache.kafka.common.KafkaException: Failed to find brokers to send ListGroups";

fn check(given: &Given) -> Result<(), Failure> {
    if given.among(&ACTIONS).len() != 1 {
        let actions: Vec<String> = ACTIONS.iter().map(|action| format!("--{action}")).collect();
        return Err(Failure::usage(format!("Command must include exactly one action: {}", actions.join(", "))));
    }
    if given.has("validate-regex") {
        return Ok(());
    }
    given.require(&["bootstrap-server"])?;
    let of_groups = given.has("group") || given.has("all-groups");
    let groups = |action: &str| {
        Err(Failure::usage(format!("Option [{action}] takes one of these options: [all-groups], [group]")))
    };
    given.exclude("group", &["all-groups"])?;
    if given.has("describe") {
        let views = given.among(&["members", "offsets", "state"]);
        if views.len() > 1 {
            let message = "Option [describe] takes at most one of these options: [members], [offsets], [state]";
            return Err(Failure::usage(message));
        }
        if !given.all("state").is_empty() {
            return Err(Failure::usage("Option [describe] does not take a value for [state]"));
        }
        return if of_groups { Ok(()) } else { groups("describe") };
    }
    if given.has("delete") {
        if given.has("topic") {
            let message = "The consumer does not support topic-specific offset deletion from a consumer group.";
            return Err(Failure::usage(message));
        }
        return if of_groups { Ok(()) } else { groups("delete") };
    }
    if given.has("delete-offsets") && (!given.has("group") || !given.has("topic")) {
        return Err(Failure::usage("Option [delete-offsets] takes the following options: [group], [topic]"));
    }
    if given.has("reset-offsets") {
        if given.has("dry-run") && given.has("execute") {
            return Err(Failure::usage("Option [reset-offsets] only accepts one of [execute] and [dry-run]"));
        }
        if !of_groups {
            return groups("reset-offsets");
        }
        return scenario::check(given);
    }
    Ok(())
}

fn validate(expression: &str, world: &mut dyn World) {
    world.out(&match Regex::new(expression) {
        Ok(_) => format!("The regular expression `{expression}` is valid.\n"),
        Err(error) => {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let why = if why == "unclosed group" { "missing closing )" } else { why };
            format!("The regular expression `{expression}` is invalid: {why}.\n")
        }
    });
}

fn list(given: &Given, admin: &mut Admin<'_>) -> Result<(), Failure> {
    const STATES: [&str; 7] =
        ["Stable", "Reconciling", "Assigning", "Dead", "Empty", "CompletingRebalance", "PreparingRebalance"];
    const TYPES: [&str; 2] = ["Classic", "Consumer"];
    let states = wanted(given, "state", &STATES)?;
    let types = wanted(given, "type", &TYPES)?;
    let is_wanted =
        |wanted: &[String], it: &str| wanted.is_empty() || wanted.iter().any(|one| one.eq_ignore_ascii_case(it));
    let groups = listed(admin)?;
    let groups = groups.iter().filter(|group| is_wanted(&states, &group.state) && is_wanted(&types, &group.kind));
    let groups: Vec<&Listed> = groups.collect();
    if !given.has("state") && !given.has("type") {
        groups.iter().for_each(|group| admin.world.out(&format!("{}\n", group.name)));
        return Ok(());
    }
    let width = groups.iter().map(|group| group.name.chars().count()).max().unwrap_or(0).max(15) + 10;
    let row = |name: &str, kind: &str, state: &str| {
        let columns = [("type", kind), ("state", state)];
        let columns = columns.iter().filter(|(flag, _)| given.has(flag)).map(|(_, value)| format!(" {value:<20}"));
        format!("{name:<width$}{}\n", columns.collect::<String>())
    };
    admin.world.out(&row("GROUP", "TYPE", "STATE"));
    groups.iter().for_each(|group| admin.world.out(&row(&group.name, &group.kind, &group.state)));
    Ok(())
}

/// The values of `--state` or `--type`, which must be known.
fn wanted(given: &Given, flag: &str, known: &[&str]) -> Result<Vec<String>, Failure> {
    let Some(list) = given.one(flag)? else { return Ok(Vec::new()) };
    let values: Vec<String> = list.split(',').map(|value| value.trim().to_owned()).collect();
    if values.iter().all(|value| known.iter().any(|known| known.eq_ignore_ascii_case(value))) {
        return Ok(values);
    }
    Err(Failure::usage(format!("Invalid {flag} list '{list}'. Valid {flag}s are: {}", known.join(", "))))
}

/// The groups that were named, or all.
fn named(given: &Given, admin: &mut Admin<'_>) -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = match given.has("all-groups") {
        true => listed(admin)?.into_iter().map(|group| group.name).collect(),
        false => given.all("group").to_vec(),
    };
    names.sort();
    names.dedup();
    Ok(names)
}

fn delete(given: &Given, admin: &mut Admin<'_>) -> Result<(), Failure> {
    let (mut deleted, mut kept) = (Vec::new(), Vec::new());
    for name in hash_order(named(given, admin)?, Clone::clone) {
        match groups::delete(admin, &name) {
            Ok(()) => deleted.push(format!("'{name}'")),
            Err(failure) if failure.code == 0 => return Err(failure),
            Err(failure) => kept.push(format!("* Group '{name}' could not be deleted due to: {}\n", failure.java())),
        }
    }
    let deleted = deleted.join(", ");
    admin.world.out(&match (kept.is_empty(), deleted.is_empty()) {
        (true, _) => format!("Deletion of requested consumer groups ({deleted}) was successful.\n"),
        (false, true) => format!("\nError: Deletion of some consumer groups failed:\n{}", kept.concat()),
        (false, false) => format!(
            "\nError: Deletion of some consumer groups failed:\n{}\nThese consumer groups were deleted successfully: {deleted}\n",
            kept.concat()
        ),
    });
    Ok(())
}
