//! The suite `kafka-connect`: Kafka's own Connect 4.3 as a client of our broker, standalone, and distributed with exactly-once sources.
//!
//! Owns: the two stories, and how its workers are set up. Leaves to others: the jars (`kafka.rs`), our broker's process (e2e).
//! Invariant: what a story looks at are lines of files, which must be there in order and once each.

use crate::kafka::Kafka;
use crate::test::Score;
use anyhow::{Context, Result, bail, ensure};
use e2e::{Folder, Rest, Running, Worker, free_port};
use std::ops::Range;
use std::time::{Duration, Instant};

/// How long a worker may take for anything: it starts in ten seconds where nothing else runs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs the suite, or says what it needs.
///
/// # Errors
/// When the jars cannot be fetched.
pub fn suite() -> Result<Score> {
    if let Some(what) = Kafka::missing() {
        return Ok(Score::skipped(what));
    }
    let kafka = Kafka::fetch()?;
    let mut score = Score::told("standalone: a file, through our topic, to a file, over a restart", standalone(&kafka));
    score.add(Score::told("distributed, exactly once: our broker is killed, and killed again", distributed(&kafka)));
    Ok(score)
}

/// The tutorial with Kafka's worker.
fn standalone(kafka: &Kafka) -> Result<()> {
    let ours = Worker::new("kafka-connect-standalone");
    let _broker = ours.start();
    let folder = &ours.folder;
    let port = free_port();
    let worker = format!(
        "{}offset.storage.file.filename={}\n",
        settings(kafka, ours.kafka_port, port),
        folder.join("connect.offsets").display()
    );
    let connector = |name: &str, kind: &str, more: &str| {
        let text = format!("name={name}\nconnector.class=FileStream{kind}\ntasks.max=1\n{more}\n");
        folder.write(&format!("{name}.properties"), text)
    };
    let files = [
        folder.write("kafka-worker.properties", worker),
        connector("source", "Source", &format!("file={}\ntopic=lines", folder.join("in.txt").display())),
        connector("sink", "Sink", &format!("file={}\ntopics=lines", folder.join("out.txt").display())),
    ];
    folder.write("in.txt", lines(0..1_000));
    let mut connect = kafka.connect(&files, &folder.join("connect.log"))?;
    expect(folder, "out.txt", 0..1_000)?;
    folder.append("in.txt", lines(1_000..2_000));
    expect(folder, "out.txt", 0..2_000)?;
    connect.interrupt(PATIENCE);
    folder.append("in.txt", lines(2_000..3_000));
    let _connect = kafka.connect(&files, &folder.join("connect.log"))?;
    expect(folder, "out.txt", 0..3_000)
}

/// Lines are produced in transactions of a hundred with the source's offsets in them. One sink reads along while our broker is killed
/// again and again, another one begins when all is over.
fn distributed(kafka: &Kafka) -> Result<()> {
    let ours = Worker::new("kafka-connect-distributed");
    let mut broker = ours.start();
    let folder = &ours.folder;
    let port = free_port();
    let worker = [
        settings(kafka, ours.kafka_port, port),
        ["config", "offset", "status"]
            .map(|what| format!("{what}.storage.topic=connect-{what}\n{what}.storage.replication.factor=1\n"))
            .concat(),
        "group.id=cluster\nexactly.once.source.support=enabled\nconsumer.isolation.level=read_committed\n".to_owned(),
    ];
    let file = folder.write("kafka-worker.properties", worker.concat());
    folder.write("in.txt", "");
    let connect = kafka.connect_distributed(&file, &folder.join("connect.log"))?;
    let cluster = Cluster { rest: Rest::new(port), connect, folder };
    cluster.wait_until("the worker answers", || cluster.rest.is_up())?;
    let source = format!(r#""file":"{}","topic":"lines","batch.size":"100""#, folder.join("in.txt").display());
    cluster.create("source", "Source", &format!(r#"{source},"exactly.once.support":"required""#))?;
    cluster.create_sink("along")?;
    for round in 0..3 {
        let end = (round + 1) * 2_000;
        folder.append("in.txt", lines(end - 2_000..end));
        cluster.wait_until("the first lines of a round arrive", || {
            folder.read("along.txt").lines().count() > end as usize - 1_800
        })?;
        broker.kill();
        broker = ours.start();
    }
    folder.append("in.txt", lines(6_000..6_500));
    cluster.expect("along.txt", 0..6_500)?;
    cluster.create_sink("afterwards")?;
    cluster.expect("afterwards.txt", 0..6_500)
}

/// What both kinds of worker are told.
fn settings(kafka: &Kafka, broker: u16, rest: u16) -> String {
    const STRING: &str = e2e::connectd::STRING;
    format!(
        "bootstrap.servers=127.0.0.1:{broker}\nlisteners=http://127.0.0.1:{rest}\nkey.converter={STRING}\nvalue.converter={STRING}\n\
         offset.flush.interval.ms=1000\nplugin.path={}\n",
        kafka.plugin_path().display()
    )
}

/// A distributed worker that runs.
struct Cluster<'a> {
    rest: Rest,
    connect: Running,
    folder: &'a Folder,
}

impl Cluster<'_> {
    fn create(&self, name: &str, kind: &str, more: &str) -> Result<()> {
        let class = format!("org.apache.kafka.connect.file.FileStream{kind}Connector");
        let body = format!(r#"{{"name":"{name}","config":{{"connector.class":"{class}","tasks.max":"1",{more}}}}}"#);
        let start = Instant::now();
        loop {
            let answer = self.rest.send("POST", "/connectors", &body)?;
            match answer.status {
                201 => break,
                // A rebalance is under way.
                409 if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(100)),
                _ => bail!("{name} was not made: {answer:?}"),
            }
        }
        self.wait_until(&format!("{name} runs"), || self.rest.states(name) == "RUNNING [RUNNING]")
    }

    fn create_sink(&self, name: &str) -> Result<()> {
        let file = self.folder.join(&format!("{name}.txt"));
        self.create(name, "Sink", &format!(r#""file":"{}","topics":"lines""#, file.display()))
    }

    fn expect(&self, file: &str, range: Range<u32>) -> Result<()> {
        let states = || ["source", "along", "afterwards"].map(|name| format!("{name} is {}", self.rest.states(name)));
        expect(self.folder, file, range).with_context(|| states().join(", ")).with_context(|| tail(&self.connect))
    }

    fn wait_until(&self, what: &str, condition: impl Fn() -> bool) -> Result<()> {
        let start = Instant::now();
        while !condition() {
            ensure!(start.elapsed() < PATIENCE, "waited in vain until {what}\n{}", tail(&self.connect));
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

fn tail(connect: &Running) -> String {
    let log = connect.log();
    let from = log.char_indices().nth_back(3_000).map_or(0, |(at, _)| at);
    format!("Kafka's worker said at last:\n{}", &log[from..])
}

fn lines(range: Range<u32>) -> String {
    range.map(|n| format!("line {n}\n")).collect()
}

/// Waits until a file holds these lines, and sees that it does not grow past them.
fn expect(folder: &Folder, file: &str, range: Range<u32>) -> Result<()> {
    let wanted = lines(range);
    let start = Instant::now();
    while folder.read(file).len() < wanted.len() && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    let found = folder.read(file);
    if found == wanted {
        return Ok(());
    }
    let at = wanted.lines().zip(found.lines()).position(|(wanted, found)| wanted != found);
    bail!(
        "{file} holds {} lines, expected {}; the first one that is wrong: {:?}",
        found.lines().count(),
        wanted.lines().count(),
        at.and_then(|at| found.lines().nth(at).map(|line| (at, line)))
    )
}
