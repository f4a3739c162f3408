//! What a cluster does to a worker that lives on it: throws its member out, deletes its topic, slows its producer down. Nothing is lost,
//! and the status says how it is.
//!
//! Invariant: lines may come twice, as with Kafka's own worker, but each comes, and in the order of the file.

use super::worker::{Story, on, tool};
use anyhow::{Context, Result, ensure};
use e2e::{Connectd, Worker, until};
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;

pub const STORIES: [(&str, Story); 4] = [
    ("a sink whose group has thrown it out", thrown_out),
    ("a static member that its group has thrown out", static_member_thrown_out),
    ("a producer that a quota slows down", quota),
    ("a topic that is deleted under its tasks", deleted_topic),
];

const RUNS: &str = "RUNNING [RUNNING]";

/// Sessions end, topics are made again, quotas let go: all in the cluster's own time.
const PATIENCE: Duration = Duration::from_secs(90);

fn thrown_out(port: u16) -> Result<()> {
    stopped_for_longer_than_a_session(port, "cluster-thrown", &[])
}

fn static_member_thrown_out(port: u16) -> Result<()> {
    stopped_for_longer_than_a_session(port, "cluster-static", &[("consumer.override.group.instance.id", "one")])
}

/// The whole worker stands still until the coordinator has given its member up, and meanwhile records come.
fn stopped_for_longer_than_a_session(port: u16, name: &str, more: &[(&str, &str)]) -> Result<()> {
    let sink = [("file", "out.txt"), ("topics", name), ("consumer.override.session.timeout.ms", "6000")];
    let worker = on(port, name).connector(name, "FileStreamSink", &[&sink, more].concat());
    produce(port, name, 0..100)?;
    let connectd = worker.start();
    expect_lines(&worker, &connectd, 0..100);
    signal(&connectd, Signal::STOP)?;
    until("the group to give the member up", PATIENCE, || {
        let members =
            tool(port, "kafka-consumer-groups", "", &format!("--describe --group connect-{name} --members")).ok()?;
        (!members.contains("connector-consumer")).then_some(())
    });
    produce(port, name, 100..200)?;
    signal(&connectd, Signal::CONT)?;
    expect_lines(&worker, &connectd, 0..200);
    connectd.expect_states(name, RUNS);
    // It is a member again, and what it takes is committed.
    produce(port, name, 200..300)?;
    expect_lines(&worker, &connectd, 0..300);
    ensure!(connectd.stop().code() == Some(130), "it ends as it should");
    let offsets = tool(port, "kafka-consumer-groups", "", &format!("--describe --group connect-{name} --offsets"))?;
    ensure!(offsets.contains(" 300 "), "{offsets}");
    Ok(())
}

fn deleted_topic(port: u16) -> Result<()> {
    let name = "cluster-deleted";
    let worker = on(port, name)
        .set("producer.metadata.max.age.ms", "1000")
        .set("consumer.metadata.max.age.ms", "1000")
        .connector("cluster-deleted-in", "FileStreamSource", &[("file", "in.txt"), ("topic", name)])
        .connector("cluster-deleted-out", "FileStreamSink", &[("file", "out.txt"), ("topics", name)]);
    worker.folder.write("in.txt", lines(0..100));
    let connectd = worker.start();
    expect_lines(&worker, &connectd, 0..100);
    tool(port, "kafka-topics", "", &format!("--delete --topic {name}"))?;
    until("the topic to be gone", PATIENCE, || {
        let listed = tool(port, "kafka-topics", "", "--list").ok()?;
        (!listed.lines().any(|line| line == name)).then_some(())
    });
    // Fewer than were there: what follows a topic under its name from where another one ended, Kafka's consumer takes for more of the same.
    worker.folder.append("in.txt", lines(100..110));
    expect_lines(&worker, &connectd, 0..110);
    connectd.expect_states("cluster-deleted-in", RUNS);
    connectd.expect_states("cluster-deleted-out", RUNS);
    Ok(())
}

fn quota(port: u16) -> Result<()> {
    let name = "cluster-quota";
    let limit = "--entity-type clients --entity-name connector-producer-cluster-quota-in-0";
    tool(port, "kafka-configs", "", &format!("--alter {limit} --add-config producer_byte_rate=20000"))?;
    let worker = on(port, name)
        .connector(
            "cluster-quota-in",
            "FileStreamSource",
            &[("file", "in.txt"), ("topic", name), ("batch.size", "500")],
        )
        .connector("cluster-quota-out", "FileStreamSink", &[("file", "out.txt"), ("topics", name)]);
    worker.folder.write("in.txt", lines(0..20_000));
    let connectd = worker.start();
    until("the first lines", PATIENCE, || (!worker.folder.read("out.txt").is_empty()).then_some(()));
    connectd.expect_states("cluster-quota-in", RUNS);
    let args = format!("--alter {limit} --delete-config producer_byte_rate");
    tool(port, "kafka-configs", "", &args)?;
    expect_lines(&worker, &connectd, 0..20_000);
    connectd.expect_states("cluster-quota-in", RUNS);
    Ok(())
}

fn lines(numbers: std::ops::Range<u32>) -> String {
    numbers.map(|n| format!("line {n}\n")).collect()
}

fn produce(port: u16, topic: &str, numbers: std::ops::Range<u32>) -> Result<()> {
    tool(port, "kafka-console-producer", &lines(numbers), &format!("--topic {topic} --sync")).map(drop)
}

/// Waits until the sink's file holds all of these lines, each for the first time in its turn.
fn expect_lines(worker: &Worker, connectd: &Connectd, numbers: std::ops::Range<u32>) {
    let expected: Vec<String> = lines(numbers).lines().map(str::to_owned).collect();
    let what = format!("{} lines in {}", expected.len(), worker.folder.join("out.txt").display());
    until(&format!("{what}; log:\n{}", connectd.running.log()), PATIENCE, || {
        let text = worker.folder.read("out.txt");
        let mut seen = std::collections::BTreeSet::new();
        let first: Vec<&str> = text.lines().filter(|line| seen.insert(*line)).collect();
        (first == expected).then_some(())
    });
}

fn signal(connectd: &Connectd, signal: Signal) -> Result<()> {
    let pid = Pid::from_raw(connectd.running.pid() as i32).context("a process id is not 0")?;
    kill_process(pid, signal).context("our own child can be signalled")
}
