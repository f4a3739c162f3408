//! `kafka-delete-records`: let the beginning of logs go.
//!
//! Owns its file's format and its lines. Source: Kafka 4.3's DeleteRecordsCommand, observed.
//! Invariant: the file is read whole and understood before anything is deleted.

use std::collections::BTreeMap;

use kafka_protocol::messages::{
    DeleteRecordsRequest,
    delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic},
};
use serde_json::Value;

use crate::{
    admin::{Admin, To, topic_name},
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, COMMAND_CONFIG, Flag, Given, value},
    java::hash_order,
    offsets::Partition,
    tool::{Run, Tool},
    world::World,
};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-delete-records",
    about: "Delete the records before an offset.",
    flags: FLAGS,
    commands: &[],
    run: Run::Here(run),
};

const FLAGS: &[Flag] = &[
    BOOTSTRAP_SERVER,
    COMMAND_CONFIG,
    value(
        "offset-json-file",
        "file",
        "{\"partitions\":[{\"topic\":\"t\",\"partition\":0,\"offset\":3}],\"version\":1}; offset -1 is the end.",
    ),
];

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    given.require(&["bootstrap-server", "offset-json-file"])?;
    let path = given.one("offset-json-file")?.unwrap_or_default();
    let bytes = world.read(path).map_err(|_| Failure::new(format!("Unable to read file {path}")))?;
    let offsets = hash_order(parse(&bytes)?, |(partition, _)| partition.clone());
    let mut admin = Admin::new(given, world, "deleteRecords(api=METADATA)")?;
    admin.world.out("Executing records delete operation\n");
    let results = delete(&mut admin, &offsets)?;
    let mut text = "Records delete operation completed:\n".to_owned();
    for ((topic, partition), _) in &offsets {
        let outcome = match &results[&(topic.clone(), *partition)] {
            Ok(low_watermark) => format!("low_watermark: {low_watermark}"),
            Err(failure) => {
                admin.world.err(&format!("ERROR {topic}-{partition}: {}\n", failure.message));
                format!("error: {}", failure.java())
            }
        };
        text.push_str(&format!("partition: {topic}-{partition}\t{outcome}\n"));
    }
    admin.world.out(&text);
    Ok(0)
}

fn parse(bytes: &[u8]) -> Result<Vec<(Partition, i64)>, Failure> {
    let bad = |why: &str| Failure::new(format!("The input string is not a valid JSON: {why}"));
    let json: Value = serde_json::from_slice(bytes).map_err(|error| bad(&error.to_string()))?;
    if json.get("version").is_some_and(|version| version != 1) {
        return Err(Failure::new(format!("Not supported version field value {}", json["version"])));
    }
    let partitions =
        json.get("partitions").and_then(Value::as_array).ok_or_else(|| Failure::new("Missing partitions field"))?;
    let mut offsets: Vec<(Partition, i64)> = Vec::new();
    for entry in partitions {
        let number = |field: &str| {
            entry.get(field).and_then(Value::as_i64).ok_or_else(|| bad(&format!("{entry} has no {field}")))
        };
        let topic = entry.get("topic").and_then(Value::as_str).ok_or_else(|| bad(&format!("{entry} has no topic")))?;
        let partition = i32::try_from(number("partition")?).map_err(|_| bad("a partition is too large"))?;
        let key = (topic.to_owned(), partition);
        if offsets.iter().any(|(other, _)| *other == key) {
            return Err(Failure::new(format!(
                "Offset json file contains duplicate topic partitions: {topic}-{partition}"
            )));
        }
        offsets.push((key, number("offset")?));
    }
    Ok(offsets)
}

fn delete(
    admin: &mut Admin<'_>,
    offsets: &[(Partition, i64)],
) -> Result<BTreeMap<Partition, Result<i64, Failure>>, Failure> {
    let mut topics: Vec<String> = offsets.iter().map(|((topic, _), _)| topic.clone()).collect();
    topics.sort();
    topics.dedup();
    let leaders = admin.leaders(&topics)?;
    let mut results: BTreeMap<Partition, Result<i64, Failure>> = BTreeMap::new();
    let mut asked: BTreeMap<i32, BTreeMap<&str, Vec<DeleteRecordsPartition>>> = BTreeMap::new();
    for (partition, offset) in offsets {
        let Some(leader) = leaders.get(partition) else {
            results.insert(partition.clone(), Err(Failure::kafka(3, None)));
            continue;
        };
        let request = DeleteRecordsPartition::default().with_partition_index(partition.1).with_offset(*offset);
        asked.entry(*leader).or_default().entry(&partition.0).or_default().push(request);
    }
    for (leader, topics) in asked {
        let topic = |(name, partitions): (&str, Vec<DeleteRecordsPartition>)| {
            DeleteRecordsTopic::default().with_name(topic_name(name)).with_partitions(partitions)
        };
        let request = DeleteRecordsRequest::default()
            .with_topics(topics.into_iter().map(topic).collect())
            .with_timeout_ms(30_000);
        for topic in admin.ask(To::Broker(leader), |_| request)?.topics {
            for partition in topic.partitions {
                let result = match partition.error_code {
                    0 => Ok(partition.low_watermark),
                    code => Err(Failure::kafka(code, None)),
                };
                results.insert((topic.name.to_string(), partition.partition_index), result);
            }
        }
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files() {
        let check = |json: &str, expected: Result<usize, &str>| match (parse(json.as_bytes()), expected) {
            (Ok(offsets), Ok(count)) => assert_eq!(offsets.len(), count, "{json}"),
            (Err(failure), Err(says)) => assert!(failure.message.contains(says), "{json}: {}", failure.message),
            (got, expected) => panic!("{json}: {got:?} and not {expected:?}"),
        };
        check(r#"{"partitions":[{"topic":"t","partition":0,"offset":3}],"version":1}"#, Ok(1));
        check(r#"{"partitions":[]}"#, Ok(0));
        check(r#"{"version":1}"#, Err("Missing partitions field"));
        check(r#"{"partitions":[],"version":2}"#, Err("Not supported version"));
        check(r#"{"partitions":[{"topic":"t","partition":0}]}"#, Err("has no offset"));
        check(
            r#"{"partitions":[{"topic":"t","partition":0,"offset":3},{"topic":"t","partition":0,"offset":4}]}"#,
            Err("duplicate topic partitions: t-0"),
        );
        check("{", Err("not a valid JSON"));
    }
}
