//! `kafka-get-offsets`: the offset of each partition at a time.
//!
//! Owns its flags, filters and lines. Source: Kafka 4.3's GetOffsetShell, observed. Invariant: what goes wrong stands on stderr alone.

use kafka_protocol::messages::MetadataResponse;

use crate::{
    admin::Admin,
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, COMMAND_CONFIG, Flag, Given, switch, value},
    offsets::{self, Partition},
    tool::{Run, Tool},
    topic_names::Wanted,
    world::World,
};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-get-offsets",
    about: "Print the offset of each partition at a time.",
    flags: FLAGS,
    commands: &[],
    run: Run::Here(|given, world| run(given, world).map_err(Failure::prefixed)),
};

const FLAGS: &[Flag] = &[
    BOOTSTRAP_SERVER,
    value("broker-list", "host:port", "").renamed("bootstrap-server"),
    COMMAND_CONFIG,
    value("topic", "name", "A name or a regular expression; all topics without it."),
    value("partitions", "ids", "Numbers of partitions, with commas between; all without it."),
    value("topic-partitions", "list", "As in topic:0,other:2-5,more.*:-3, in place of the two above."),
    value("time", "time", "latest (-1), earliest (-2), max-timestamp (-3) or milliseconds since 1970."),
    switch("exclude-internal-topics", "Leave out internal topics."),
];

const TIMES: [(&str, i64); 6] = [
    ("latest", -1),
    ("earliest", -2),
    ("max-timestamp", -3),
    ("earliest-local", -4),
    ("latest-tiered", -5),
    ("earliest-pending-upload", -6),
];

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    given.require(&["bootstrap-server"])?;
    if given.has("topic-partitions") && (given.has("topic") || given.has("partitions")) {
        return Err(Failure::new("--topic-partitions cannot be used with --topic or --partitions"));
    }
    let filters = match given.one("topic-partitions")? {
        Some(list) => list.split(',').map(filter).collect::<Result<Vec<Filter>, Failure>>()?,
        None => vec![topic_and_partitions(given)?],
    };
    let time = time(given.one("time")?.unwrap_or("latest"))?;
    let mut admin = Admin::new(given, world, "listTopics")?;
    let mut partitions = matching(&admin.metadata(None)?, &filters, given.has("exclude-internal-topics"));
    if partitions.is_empty() {
        return Err(Failure::new("Could not match any topic-partitions with the specified filters"));
    }
    // As text: 10 comes before 2.
    partitions.sort_by_key(|(topic, partition)| (topic.clone(), partition.to_string()));
    let offsets = offsets::at(&mut admin, &partitions, time)?;
    for partition in &partitions {
        let name = format!("{}:{}", partition.0, partition.1);
        match &offsets[partition] {
            Ok(Some(offset)) => admin.world.out(&format!("{name}:{offset}\n")),
            Ok(None) => {}
            Err(failure) => {
                let message =
                    format!("Skip getting offsets for topic-partition {name} due to error: {}\n", failure.java());
                admin.world.err(&message);
            }
        }
    }
    Ok(0)
}

fn time(text: &str) -> Result<i64, Failure> {
    if let Some((_, time)) = TIMES.iter().find(|(name, _)| *name == text) {
        return Ok(*time);
    }
    text.parse().map_err(|_| {
        let known: Vec<String> = TIMES.iter().map(|(name, time)| format!("{time} or {name}")).collect();
        let known = known.join(" / ");
        Failure::new(format!(
            "Malformed time argument {text}. Please use {known}, or a specified long format timestamp"
        ))
    })
}

/// Topics and a range of their partitions.
struct Filter {
    topics: Wanted,
    partitions: Vec<std::ops::Range<i32>>,
}

fn topic_and_partitions(given: &Given) -> Result<Filter, Failure> {
    let number = |text: &str| {
        text.trim().parse::<i32>().map(|number| number..number.saturating_add(1)).map_err(|_| {
            Failure::new(format!(
                "--partitions expects a comma separated list of numeric partition ids, but received: {text}"
            ))
        })
    };
    let partitions = match given.one("partitions")? {
        Some(list) => list.split(',').map(number).collect::<Result<Vec<_>, Failure>>()?,
        None => std::iter::once(0..i32::MAX).collect(),
    };
    Ok(Filter { topics: Wanted::new(given.one("topic")?)?, partitions })
}

/// `topic`, `topic:1`, `topic:1-3` (without 3), `topic:-3`, `topic:1-`, `:1`.
fn filter(text: &str) -> Result<Filter, Failure> {
    let (topic, range) = text.split_once(':').unwrap_or((text, ""));
    let topics = Wanted::new(Some(topic).filter(|topic| !topic.is_empty()))?;
    let bad = || Failure::new(format!("Invalid rule: {text}"));
    let number = |text: &str, default: i32| if text.is_empty() { Ok(default) } else { text.parse().map_err(|_| bad()) };
    let range = match range.split_once('-') {
        Some((from, to)) => number(from, 0)?..number(to, i32::MAX)?,
        None if range.is_empty() => 0..i32::MAX,
        None => number(range, 0).map(|number| number..number.saturating_add(1))?,
    };
    Ok(Filter { topics, partitions: vec![range] })
}

fn matching(metadata: &MetadataResponse, filters: &[Filter], exclude_internal: bool) -> Vec<Partition> {
    let mut partitions = Vec::new();
    for topic in metadata.topics.iter().filter(|topic| !(exclude_internal && topic.is_internal)) {
        let name = topic.name.as_ref().map(|name| name.to_string()).unwrap_or_default();
        let filters: Vec<&Filter> = filters.iter().filter(|filter| filter.topics.matches(&name)).collect();
        for partition in &topic.partitions {
            let index = partition.partition_index;
            if filters.iter().any(|filter| filter.partitions.iter().any(|range| range.contains(&index))) {
                partitions.push((name.clone(), index));
            }
        }
    }
    partitions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let check = |text: &str, expected: Option<i64>| assert_eq!(time(text).ok(), expected, "{text}");
        check("latest", Some(-1));
        check("-2", Some(-2));
        check("max-timestamp", Some(-3));
        check("1700000000000", Some(1_700_000_000_000));
        check("now", None);
    }

    #[test]
    fn ranges() {
        let check = |text: &str, expected: Option<std::ops::Range<i32>>| {
            assert_eq!(filter(text).ok().map(|filter| filter.partitions[0].clone()), expected, "{text}");
        };
        check("topic", Some(0..i32::MAX));
        check("topic:2", Some(2..3));
        check("topic:1-3", Some(1..3));
        check("topic:-3", Some(0..3));
        check("topic:4-", Some(4..i32::MAX));
        check(":1", Some(1..2));
        check("topic:x", None);
    }
}
