//! `kafka-log-dirs`: how large each partition is on the disk.
//!
//! Owns its lines: two sentences and one line of JSON. Source: Kafka 4.3's LogDirsCommand, observed.

use kafka_protocol::messages::{
    DescribeLogDirsRequest, describe_log_dirs_request::DescribableLogDirTopic,
    describe_log_dirs_response::DescribeLogDirsResult,
};
use serde_json::Value;

use crate::{
    admin::{Admin, To},
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, COMMAND_CONFIG, Flag, Given, switch, value},
    java::hash_order,
    tool::{Run, Tool},
    world::World,
};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-log-dirs",
    about: "Print the size of each partition on the brokers' disks, as JSON.",
    flags: FLAGS,
    commands: &[],
    run: Run::Here(run),
};

const FLAGS: &[Flag] = &[
    BOOTSTRAP_SERVER,
    COMMAND_CONFIG,
    switch("describe", "Do it."),
    value("topic-list", "names", "Only these topics, with commas between."),
    value("broker-list", "ids", "Only these brokers, with commas between."),
];

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    given.require(&["bootstrap-server", "describe"])?;
    let list = |flag: &str| -> Result<Vec<String>, Failure> {
        let words = given.one(flag)?.unwrap_or_default().split(',').map(str::trim);
        Ok(words.filter(|word| !word.is_empty()).map(str::to_owned).collect())
    };
    let (topics, wanted) = (list("topic-list")?, list("broker-list")?);
    let mut admin = Admin::new(given, world, "describeCluster")?;
    let there: Vec<i32> = admin.nodes()?.iter().map(|node| node.id).collect();
    let ids = |ids: &[i32]| ids.iter().map(i32::to_string).collect::<Vec<String>>().join(",");
    let number = |id: &String| id.parse::<i32>().map_err(|_| Failure::new(format!("For input string: \"{id}\"")));
    let wanted = wanted.iter().map(number).collect::<Result<Vec<i32>, Failure>>()?;
    let missing: Vec<i32> = wanted.iter().copied().filter(|id| !there.contains(id)).collect();
    if !missing.is_empty() {
        return Err(Failure::new(format!(
            "ERROR: The given brokers do not exist from --broker-list: {}. Current existent brokers: {}",
            ids(&missing),
            ids(&there)
        )));
    }
    let brokers = if wanted.is_empty() { there } else { wanted };
    admin.world.out("Querying brokers for log directories information\n");
    let mut parts = Vec::new();
    for broker in &brokers {
        let answer = admin.ask(To::Broker(*broker), |_| {
            DescribeLogDirsRequest::default().with_topics(None::<Vec<DescribableLogDirTopic>>)
        })?;
        let dirs: Vec<String> = answer.results.iter().map(|dir| of_dir(dir, &topics)).collect();
        parts.push(format!("{{\"broker\":{broker},\"logDirs\":[{}]}}", dirs.join(",")));
    }
    admin.world.out(&format!(
        "Received log directory information from brokers {}\n{{\"brokers\":[{}],\"version\":1}}\n",
        ids(&brokers),
        parts.join(",")
    ));
    Ok(0)
}

fn of_dir(dir: &DescribeLogDirsResult, wanted: &[String]) -> String {
    let topics =
        dir.topics.iter().filter(|topic| wanted.is_empty() || wanted.iter().any(|name| *name == *topic.name.0));
    let partitions =
        topics.flat_map(|topic| topic.partitions.iter().map(|partition| (topic.name.to_string(), partition)));
    let partitions = hash_order(partitions.collect(), |(topic, partition)| (topic.clone(), partition.partition_index));
    let row = |(topic, partition): &(
        String,
        &kafka_protocol::messages::describe_log_dirs_response::DescribeLogDirsPartition,
    )| {
        let name = Value::from(format!("{topic}-{}", partition.partition_index));
        let (size, lag, future) = (partition.partition_size, partition.offset_lag, partition.is_future_key);
        format!("{{\"partition\":{name},\"size\":{size},\"offsetLag\":{lag},\"isFuture\":{future}}}")
    };
    let rows: Vec<String> = partitions.iter().map(row).collect();
    let error = match dir.error_code {
        0 => Value::Null,
        code => Value::from(Failure::kafka(code, None).java()),
    };
    format!(
        "{{\"partitions\":[{}],\"error\":{error},\"logDir\":{}}}",
        rows.join(","),
        Value::from(dir.log_dir.as_str())
    )
}
