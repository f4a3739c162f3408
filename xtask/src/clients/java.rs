//! The real Java clients and tools, Kafka 4.3, from Maven Central.

use super::case::Case;
use super::target::{CONNECT_TEST, Target};
use super::transactions;
use crate::kafka::Kafka;
use crate::repo;
use crate::test::Score;
use anyhow::Result;
use std::process::Command;

/// What is missing on this machine.
pub fn missing() -> Option<&'static str> {
    Kafka::missing()
}

/// The lines of `expected` that are missing from `said`, each with the line that came in its place.
fn differences(expected: &str, said: &str) -> Vec<String> {
    let name = |line: &str| line.split(" = ").next().unwrap_or_default().to_owned();
    let came = |wanted: &str| said.lines().find(|line| name(line) == name(wanted)).unwrap_or("nothing").to_owned();
    let wrong = expected.lines().filter(|wanted| came(wanted) != **wanted);
    let found: Vec<String> = wrong.map(|wanted| format!("expected {wanted}\n    came {}", came(wanted))).collect();
    found.iter().for_each(|difference| println!("{difference}"));
    found
}

/// What Kafka's own system tests ask of a broker of any age.
fn compatibility(run: &mut impl FnMut(Case), tool: &impl Fn(&str) -> Command) {
    let abilities = [
        "cluster-id",
        "offsets-for-times",
        "idempotent-producer",
        "create-topics",
        "describe-acls",
        "describe-configs",
    ]
    .map(|ability| format!(" --{ability}-supported true"))
    .concat();
    run(Case::new("topics: create for the compatibility test", tool("kafka-topics --create --topic java-compatible")));
    run(Case::new(
        "ClientCompatibilityTest",
        tool(&format!(
            "org.apache.kafka.tools.ClientCompatibilityTest --topic java-compatible --num-cluster-nodes 1 \
             --expect-record-too-large-exception false{abilities}"
        )),
    )
    .says("SUCCESS."));
}

/// Kafka's own system tests' copier: consumes, produces and commits in transactions, and gives some of them up.
fn copier(run: &mut impl FnMut(Case), tool: &impl Fn(&str) -> Command, kafka: &Kafka, bootstrap: &str) {
    let input: String = (0..3_000).map(|n| format!("{n}\n")).collect();
    run(Case::new("what is to be copied", tool("kafka-console-producer --topic java-input")).stdin(input.clone()));
    let mut copier = kafka.tool("org.apache.kafka.tools.TransactionalMessageCopier").expect("a class is a tool");
    copier.args(["--broker-list", bootstrap]).args(
        "--input-topic java-input --input-partition 0 --output-topic java-output --consumer-group java-copier --transactional-id \
         java-copier --transaction-size 250 --group-mode --use-group-metadata --enable-random-aborts"
            .split_whitespace(),
    );
    run(Case::new("TransactionalMessageCopier, with random aborts", copier).says("\"remaining\":0"));
    run(Case::new(
        "what was copied, once and in order",
        tool(
            "kafka-console-consumer --topic java-output --isolation-level read_committed --from-beginning \
             --max-messages 3000 --timeout-ms 30000",
        ),
    )
    .prints(input));
    run(Case::new("the copier's group is at the end", tool("kafka-consumer-groups --describe --group java-copier"))
        .expect("3,000 of 3,000", |out, _| out.split_whitespace().filter(|word| *word == "3000").count() == 2));
}

/// Topics by a regular expression, which the consumer resolves.
fn patterns(run: &mut impl FnMut(Case), tool: &impl Fn(&str) -> Command) {
    for end in ["a", "b"] {
        let produce = tool(&format!("kafka-console-producer --topic java-pattern-{end}"));
        run(Case::new(format!("produce to java-pattern-{end}"), produce).stdin(format!("{end}\n")));
    }
    run(Case::new("console consumer of a pattern", tool("kafka-console-consumer --include java-pattern-[ab] --group java-pattern --from-beginning --max-messages 2 --timeout-ms 30000"))
        .says("a\n")
        .says("b\n"));
}

/// The table.
pub fn cases(target: &Target) -> Result<Score> {
    let kafka = Kafka::fetch()?;
    let tool = |line: &str| -> Command {
        let mut words = line.split_whitespace();
        let mut command = kafka.tool(words.next().expect("a tool's name")).expect("a tool that Kafka has");
        command.args(["--bootstrap-server", &target.bootstrap]).args(words);
        command
    };
    let consume = |topic: &str, count: usize| {
        tool(&format!(
            "kafka-console-consumer --topic {topic} --from-beginning --max-messages {count} --timeout-ms 30000"
        ))
    };
    let lines: String = (0..1_000).map(|n| format!("line {n}\n")).collect();
    let mut score = Score::default();
    let mut run = |case: Case| score.add(case.run());

    run(Case::new("console consumer: the tutorial's record, byte for byte", consume("connect-test", 1))
        .prints(format!("{CONNECT_TEST}\n")));
    let mut table = kafka.program("AdminTable.java");
    table.arg(&target.bootstrap);
    let expected = std::fs::read_to_string(repo::root().join("tests/clients/java/admin-expected.txt"))?;
    run(Case::new("a hundred Admin calls answer as Kafka's broker does", table)
        .expect("no line differs", move |out, _| differences(&expected, out).is_empty()));
    run(Case::new(
        "topics: create",
        tool("kafka-topics --create --topic java-test --partitions 3 --replication-factor 1"),
    )
    .prints("Created topic java-test.\n"));
    run(Case::new("topics: create again", tool("kafka-topics --create --topic java-test"))
        .exits(1)
        .complains("Topic 'java-test' already exists."));
    run(Case::new(
        "topics: create with too many replicas",
        tool("kafka-topics --create --topic java-rf --replication-factor 3"),
    )
    .exits(1)
    .complains("InvalidReplicationFactorException"));
    run(Case::new("topics: list", tool("kafka-topics --list"))
        .says("connect-test\n")
        .says("java-test\n")
        .never_says("java-rf"));
    run(Case::new("topics: describe", tool("kafka-topics --describe --topic java-test"))
        .says("Topic: java-test\tTopicId: ")
        .says("\tPartitionCount: 3\tReplicationFactor: 1\t")
        .says("Partition: 2\tLeader: 1\tReplicas: 1\tIsr: 1"));
    run(Case::new("topics: describe one that is not there", tool("kafka-topics --describe --topic java-none"))
        .exits(1)
        .complains("java-none"));
    run(Case::new("console producer, idempotent as by default", tool("kafka-console-producer --topic java-lines"))
        .stdin(lines.clone()));
    run(Case::new("console consumer: all, in order", consume("java-lines", 1_000)).prints(lines.clone()));
    for codec in ["gzip", "snappy", "lz4", "zstd"] {
        let produce = tool(&format!("kafka-console-producer --topic java-{codec} --compression-codec {codec}"));
        run(Case::new(format!("console producer, {codec}"), produce).stdin(lines.clone()));
        run(Case::new(format!("console consumer, {codec}"), consume(&format!("java-{codec}"), 1_000))
            .prints(lines.clone()));
    }
    run(Case::new("console consumer in a group", tool("kafka-console-consumer --topic java-lines --group java-group --from-beginning --max-messages 400 --timeout-ms 30000"))
        .expect("400 lines", |out, _| out.lines().count() == 400));
    run(Case::new(
        "the group goes on where it was",
        tool("kafka-console-consumer --topic java-lines --group java-group --max-messages 600 --timeout-ms 30000"),
    )
    .expect("the rest", |out, _| {
        out.lines().count() == 600 && out.starts_with("line 400\n") && out.ends_with("line 999\n")
    }));
    run(Case::new("read_committed", tool("kafka-console-consumer --topic java-lines --isolation-level read_committed --from-beginning --max-messages 1000 --timeout-ms 30000")).prints(lines));
    run(Case::new(
        "verifiable producer",
        tool("kafka-verifiable-producer --topic java-verify --max-messages 5000 --acks -1"),
    )
    .says("\"name\":\"tool_data\"")
    .says("\"acked\":5000"));
    run(Case::new("verifiable consumer", tool("kafka-verifiable-consumer --topic java-verify --group-id java-verify --max-messages 5000 --reset-policy earliest"))
        .says("\"name\":\"offsets_committed\"")
        .says("\"offset\":5000}"));
    compatibility(&mut run, &tool);
    copier(&mut run, &tool, &kafka, &target.bootstrap);
    patterns(&mut run, &tool);
    run(Case::new("topics: delete", tool("kafka-topics --delete --topic java-test")).prints(""));
    run(Case::new("topics: it is gone", tool("kafka-topics --list")).never_says("java-test"));
    run(Case::new("topics: delete it again", tool("kafka-topics --delete --topic java-test"))
        .exits(1)
        .complains("java-test"));
    run(transactions::java(kafka.program("Transactions.java"), &target.bootstrap));
    Ok(score)
}
