//! Our worker on the real Kafka broker: pipes, topics that connectors create, dead letters, offsets that REST changes.
//!
//! Invariant: each story has topics, groups and a worker of its own; what the broker shows of them is asked by tools of another process.

use anyhow::{Context, Result, ensure};
use e2e::{Rest, Worker, folder::binary, until, wait::PATIENCE};
use std::io::Write;
use std::process::{Command, Stdio};

/// A story, told to the broker at a port. What never comes is a panic that says so.
pub type Story = fn(u16) -> Result<()>;

pub const STORIES: [(&str, Story); 4] = [
    ("a worker on Kafka's broker", pipe),
    ("topics that a source creates", created_topics),
    ("dead letters", dead_letters),
    ("offsets over REST", offsets),
];

pub fn on(port: u16, name: &str) -> Worker {
    Worker::new(name).set("bootstrap.servers", &format!("127.0.0.1:{port}"))
}

/// What a tool prints.
pub fn tool(port: u16, name: &str, input: &str, args: &str) -> Result<String> {
    let mut command = Command::new(binary());
    command.arg(name).args(["--bootstrap-server", &format!("127.0.0.1:{port}")]).args(args.split_whitespace());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().with_context(|| name.to_owned())?;
    let mut stdin = child.stdin.take().context("it is piped")?;
    stdin.write_all(input.as_bytes())?;
    drop(stdin);
    let output = child.wait_with_output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The tutorial's file pipe.
fn pipe(port: u16) -> Result<()> {
    let worker = on(port, "cluster-worker").pipe();
    worker.folder.write("test.txt", "foo\nbar\n");
    let connectd = worker.start();
    worker.expect_file("test.sink.txt", "foo\nbar\n");
    worker.folder.append("test.txt", "more\n");
    worker.expect_file("test.sink.txt", "foo\nbar\nmore\n");
    connectd.stop();
    worker.folder.append("test.txt", "later\n");
    let _connectd = worker.start();
    worker.expect_file("test.sink.txt", "foo\nbar\nmore\nlater\n");
    Ok(())
}

fn created_topics(port: u16) -> Result<()> {
    const GROUPS: [(&str, &str); 6] = [
        ("topic.creation.default.partitions", "3"),
        ("topic.creation.default.replication.factor", "1"),
        ("topic.creation.groups", "small"),
        ("topic.creation.small.include", "cluster-small.*"),
        ("topic.creation.small.partitions", "2"),
        ("topic.creation.small.cleanup.policy", "compact"),
    ];
    let source = |topic| [&GROUPS[..], &[("file", "in.txt"), ("topic", topic)]].concat();
    let worker = on(port, "cluster-created")
        .connector("cluster-large", "FileStreamSource", &source("cluster-large"))
        .connector("cluster-small", "FileStreamSource", &source("cluster-small"));
    worker.folder.write("in.txt", "one\n");
    let _connectd = worker.start();
    for (topic, partitions, config) in
        [("cluster-large", "PartitionCount: 3", ""), ("cluster-small", "PartitionCount: 2", "cleanup.policy=compact")]
    {
        let described = until(&format!("{topic} to be there"), PATIENCE, || {
            let shown = tool(port, "kafka-topics", "", &format!("--describe --topic {topic}")).ok()?;
            shown.contains("PartitionCount").then_some(shown)
        });
        ensure!(described.contains(partitions) && described.contains(config), described);
    }
    Ok(())
}

fn dead_letters(port: u16) -> Result<()> {
    let keys = |replicas| {
        [
            ("file", if replicas == "1" { "out.txt" } else { "never.txt" }),
            ("topics", "cluster-mixed"),
            ("value.converter", "JsonConverter"),
            ("value.converter.schemas.enable", "false"),
            ("errors.tolerance", "all"),
            ("errors.deadletterqueue.topic.name", if replicas == "1" { "cluster-dead" } else { "cluster-never" }),
            ("errors.deadletterqueue.topic.replication.factor", replicas),
            ("errors.deadletterqueue.context.headers.enable", "true"),
        ]
    };
    let worker = on(port, "cluster-dead").connector("cluster-dead", "FileStreamSink", &keys("1")).connector(
        "cluster-never",
        "FileStreamSink",
        &keys("3"),
    );
    tool(port, "kafka-console-producer", "no json\n{\"a\":1}\n", "--topic cluster-mixed --sync")?;
    let connectd = worker.start();
    worker.expect_file("out.txt", "{a=1}\n");
    let args =
        "--topic cluster-dead --from-beginning --max-messages 1 --timeout-ms 60000 --property print.headers=true";
    let letter = tool(port, "kafka-console-consumer", "", args)?;
    ensure!(letter.ends_with("\tno json\n") && letter.contains("__connect.errors.topic:cluster-mixed,"), letter);
    // One broker has no room for three replicas.
    connectd.expect_states("cluster-never", "RUNNING [FAILED]");
    let status = connectd.rest.get("/connectors/cluster-never/status").body;
    ensure!(status.contains("Could not initialize dead letter queue"), status);
    Ok(())
}

fn offsets(port: u16) -> Result<()> {
    let worker = on(port, "cluster-offsets")
        .connector("cluster-in", "FileStreamSource", &[("file", "in.txt"), ("topic", "cluster-offsets")])
        .connector("cluster-out", "FileStreamSink", &[("file", "out.txt"), ("topics", "cluster-offsets")]);
    worker.folder.write("in.txt", "one\ntwo\nthree\n");
    let _connectd = worker.start();
    worker.expect_file("out.txt", "one\ntwo\nthree\n");
    let rest = Rest::new(worker.rest_port);
    let ask = |method: &str, path: &str, body: &str, status: u16| {
        let answer = rest.ask(method, path, body);
        ensure!(answer.status == status, "{method} {path}: {answer:?}");
        Ok(answer.body)
    };
    for name in ["cluster-in", "cluster-out"] {
        // At once after the stop: the sink may still be leaving its group.
        ask("PUT", &format!("/connectors/{name}/stop"), "", 204)?;
    }
    let at = |offset: &str| {
        format!(
            r#"{{"offsets":[{{"partition":{{"kafka_topic":"cluster-offsets","kafka_partition":0}},"offset":{offset}}}]}}"#
        )
    };
    ask("PATCH", "/connectors/cluster-out/offsets", &at(r#"{"kafka_offset":1}"#), 200)?;
    let shown = ask("GET", "/connectors/cluster-out/offsets", "", 200)?;
    ensure!(shown.contains(r#""kafka_offset":1"#), shown);
    let group = tool(port, "kafka-consumer-groups", "", "--describe --group connect-cluster-out --offsets")?;
    ensure!(group.contains("cluster-offsets"), group);
    ask("PUT", "/connectors/cluster-out/resume", "", 202)?;
    worker.expect_file("out.txt", "one\ntwo\nthree\ntwo\nthree\n");

    ask("PUT", "/connectors/cluster-out/stop", "", 204)?;
    ask("DELETE", "/connectors/cluster-out/offsets", "", 200)?;
    let file = r#"{"offsets":[{"partition":{"filename":"in.txt"},"offset":{"position":8}}]}"#;
    ask("PATCH", "/connectors/cluster-in/offsets", file, 200)?;
    std::fs::remove_file(worker.folder.join("out.txt"))?;
    ask("PUT", "/connectors/cluster-in/resume", "", 202)?;
    ask("PUT", "/connectors/cluster-out/resume", "", 202)?;
    worker.expect_file("out.txt", "one\ntwo\nthree\nthree\n");
    Ok(())
}
