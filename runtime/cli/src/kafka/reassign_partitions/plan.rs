//! Plans as JSON: which replicas a partition is to have.
//!
//! Invariant: what is written can be read back, by this tool and by Kafka's.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{failure::Failure, flags::Given, offsets::Partition, world::World};

/// Replicas by partition.
pub(super) type Plan = BTreeMap<Partition, Vec<i32>>;

/// The plan in the file of `--reassignment-json-file`.
pub(super) fn read(given: &Given, world: &mut dyn World) -> Result<Plan, Failure> {
    given.require(&["reassignment-json-file"])?;
    let path = given.one("reassignment-json-file")?.unwrap_or_default();
    let bytes = world.read(path).map_err(|error| Failure::new(format!("{path}: {error}")))?;
    parse(&bytes).ok_or_else(|| {
        Failure::new(format!(
            "{path} is no plan: {{\"version\":1,\"partitions\":[{{\"topic\":\"t\",\"partition\":0,\"replicas\":[1]}}]}}"
        ))
    })
}

/// The topics in the file of `--topics-to-move-json-file`.
pub(super) fn topics(given: &Given, world: &mut dyn World) -> Result<Vec<String>, Failure> {
    let path = given.one("topics-to-move-json-file")?.unwrap_or_default();
    let bytes = world.read(path).map_err(|error| Failure::new(format!("{path}: {error}")))?;
    let names = || -> Option<Vec<String>> {
        let json: Value = serde_json::from_slice(&bytes).ok()?;
        let name = |entry: &Value| Some(entry.get("topic")?.as_str()?.to_owned());
        json.get("topics")?.as_array()?.iter().map(name).collect()
    };
    names().ok_or_else(|| {
        Failure::new(format!("{path} names no topics: {{\"version\":1,\"topics\":[{{\"topic\":\"t\"}}]}}"))
    })
}

fn parse(bytes: &[u8]) -> Option<Plan> {
    let json: Value = serde_json::from_slice(bytes).ok()?;
    let number = |value: &Value| i32::try_from(value.as_i64()?).ok();
    let entry = |entry: &Value| {
        let replicas: Option<Vec<i32>> = entry.get("replicas")?.as_array()?.iter().map(number).collect();
        Some(((entry.get("topic")?.as_str()?.to_owned(), number(entry.get("partition")?)?), replicas?))
    };
    json.get("partitions")?.as_array()?.iter().map(entry).collect()
}

/// As Kafka's tool writes one; `folder` is the data folder of a partition on a broker, `any` where it is all the same.
pub(super) fn write(plan: &Plan, folder: impl Fn(&Partition, i32) -> String) -> String {
    let entry = |(partition, replicas): (&Partition, &Vec<i32>)| {
        let ids = super::joined(replicas);
        let folders: Vec<String> = replicas.iter().map(|id| Value::from(folder(partition, *id)).to_string()).collect();
        let (topic, index) = (Value::from(partition.0.as_str()), partition.1);
        format!("{{\"topic\":{topic},\"partition\":{index},\"replicas\":[{ids}],\"log_dirs\":[{}]}}", folders.join(","))
    };
    let entries: Vec<String> = plan.iter().map(entry).collect();
    format!("{{\"version\":1,\"partitions\":[{}]}}", entries.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans() {
        let check = |json: &str, expected: Option<usize>| {
            assert_eq!(parse(json.as_bytes()).map(|plan| plan.len()), expected, "{json}")
        };
        check(r#"{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[1]}]}"#, Some(1));
        check(r#"{"partitions":[{"topic":"t","partition":0}]}"#, None);
        check("[]", None);
        let plan = Plan::from([(("t".to_owned(), 0), vec![1, 2])]);
        let text = write(&plan, |_, _| "any".to_owned());
        let entry = r#"{"topic":"t","partition":0,"replicas":[1,2],"log_dirs":["any","any"]}"#;
        assert_eq!(text, format!("{{\"version\":1,\"partitions\":[{entry}]}}"));
        assert_eq!(parse(text.as_bytes()), Some(plan));
    }
}
