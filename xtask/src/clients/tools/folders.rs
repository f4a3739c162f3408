//! Kafka's tools and ours on the same folders: what `kafka-dump-log` says of files that connectd wrote and of files that Kafka wrote, and
//! what `kafka-transactions` says of a transaction that nobody will end.
//!
//! Such a transaction comes with a folder: its producer was killed, and the folder of its topic was put into another broker, which has
//! never heard of it. Invariant: both tools read the same bytes, of brokers that have stopped.

use super::{Outcome, PREFIXES, told};
use crate::clients::case;
use crate::kafka::Kafka;
use crate::test::Score;
use anyhow::{Context, Result, ensure};
use e2e::{Connectd, Folder, Worker};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Flags for the logs of a topic, beside those for all.
const DECODERS: [(&str, &str); 3] = [
    ("__consumer_offsets-", "--offsets-decoder"),
    ("__transaction_state-", "--transaction-log-decoder"),
    ("__cluster_metadata-", "--cluster-metadata-decoder"),
];

/// Flags that every log is read with, as text too where it is none; and every other file.
const OF_LOGS: [&str; 5] =
    ["", "--deep-iteration", "--max-bytes 700", "--print-data-log", "--print-data-log --skip-record-metadata"];
const OF_OTHERS: [&str; 3] = ["", "--verify-index-only", "--index-sanity-check"];

/// The topics with the open transaction: one for Kafka's tool to end, one for ours.
fn topics() -> [String; 2] {
    PREFIXES.map(|prefix| format!("{prefix}open"))
}

/// Runs all of it.
pub fn cases(kafka: &Kafka) -> Result<Score> {
    let mut score = Score::default();
    let ours = Worker::new("folder");
    let running = ours.start();
    fill(kafka, &format!("127.0.0.1:{}", ours.kafka_port))?;
    end(running, &ours)?;
    score.add(dumped(kafka, &ours.folder.join("data"))?);

    let folder = Folder::new("folder-kafka");
    let port = e2e::free_port();
    let one = ["offsets.topic.num.partitions=1", "transaction.state.log.num.partitions=1"];
    let mut running = kafka.broker_with(folder.path(), port, &one)?.start()?;
    fill(kafka, &format!("127.0.0.1:{port}"))?;
    running.interrupt(std::time::Duration::from_secs(60));
    score.add(dumped(kafka, &folder.join("data"))?);

    score.add(hanging(kafka, &folder.join("data"))?);
    Ok(score)
}

/// Ctrl-C, after which everything is in its files.
fn end(running: Connectd, worker: &Worker) -> Result<()> {
    let ended = running.stop();
    ensure!(ended.code() == Some(130), "connectd did not end well, {ended}:\n{}", worker.folder.read("connectd.log"));
    Ok(())
}

/// A group, and a producer that is killed.
fn fill(kafka: &Kafka, bootstrap: &str) -> Result<()> {
    let tool = |line: &str| -> Result<()> {
        let mut words = line.split_whitespace();
        let mut command = kafka.brief_tool(words.next().context("a tool")?)?;
        command.args(words).args(["--bootstrap-server", bootstrap]);
        run(&mut command, line)
    };
    for topic in topics() {
        tool(&format!("kafka-topics --create --topic {topic}"))?;
    }
    let mut producer = kafka.program("OpenTransaction.java");
    run(producer.arg(bootstrap).args(topics()), "OpenTransaction.java")?;
    let [first, _] = topics();
    tool(&format!("kafka-console-consumer --topic {first} --group readers --from-beginning --max-messages 2"))
}

fn run(command: &mut Command, what: &str) -> Result<()> {
    let (code, out, err) = case::run(command, Vec::new()).map_err(anyhow::Error::msg)?;
    ensure!(code == Some(0), "{what} ended with {code:?}:\n{out}\n{err}");
    Ok(())
}

/// Every file of a data folder, by both. Many files at once: a JVM takes its time.
fn dumped(kafka: &Kafka, data: &Path) -> Result<Score> {
    let mut score = Score::default();
    let folders = ends(data, "")?.into_iter().filter(|path| path.is_dir());
    let folders: Vec<PathBuf> = folders.filter(|path| ends(path, ".log").is_ok_and(|logs| !logs.is_empty())).collect();
    ensure!(folders.len() >= 4, "{} has too few topics: {folders:?}", data.display());
    let of_all = |endings: &[&str], within: &str| -> Result<Vec<PathBuf>> {
        let folders = folders.iter().filter(|folder| folder.to_string_lossy().contains(within));
        let files = folders.flat_map(|folder| endings.iter().map(|ending| ends(folder, ending)));
        Ok(files.collect::<Result<Vec<_>>>()?.concat())
    };
    let mut asked: Vec<(Vec<PathBuf>, &str)> = Vec::new();
    for flags in OF_LOGS {
        asked.push((of_all(&[".log"], "")?, flags));
    }
    for (topic, flag) in DECODERS {
        asked.push((of_all(&[".log"], topic)?, flag));
    }
    for flags in OF_OTHERS {
        asked.push((of_all(&[".index", ".timeindex", ".snapshot", ".txnindex"], "")?, flags));
    }
    for (files, flags) in asked.into_iter().filter(|(files, _)| !files.is_empty()) {
        score.add(compared(kafka, &format!("kafka-dump-log, {} files {flags}", files.len()), &dump(&files, flags))?);
    }
    Ok(score)
}

fn ends(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    found.retain(|path| path.to_string_lossy().ends_with(ending));
    found.sort();
    Ok(found)
}

fn dump(files: &[PathBuf], flags: &str) -> Vec<String> {
    let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let mut words = vec!["kafka-dump-log".to_owned(), "--files".to_owned(), files.join(",")];
    words.extend(flags.split_whitespace().map(str::to_owned));
    words
}

/// The same words to both. What they say of time may change between the two: ours, before or after Kafka's, says the same.
fn compared(kafka: &Kafka, line: &str, words: &[String]) -> Result<Score> {
    compared_in(kafka, line, words, |_| {})
}

/// The same, of lines that are brought into an order first.
fn compared_in(kafka: &Kafka, line: &str, words: &[String], order: impl Fn(&mut Vec<&str>)) -> Result<Score> {
    let told_by = |command: &mut Command| -> Result<Outcome> {
        let told = outcome(command)?;
        let mut lines: Vec<&str> = told.out.split_inclusive('\n').collect();
        order(&mut lines);
        Ok(Outcome { out: lines.concat(), ..told })
    };
    let ours = || told_by(Command::new(e2e::folder::binary()).args(words));
    let before = ours()?;
    let theirs = told_by(kafka.brief_tool(&words[0])?.args(&words[1..]))?;
    let ours = if before == theirs { before } else { ours()? };
    Ok(told(line, &theirs, &ours))
}

fn outcome(command: &mut Command) -> Result<Outcome> {
    let (code, out, err) = case::run(command, Vec::new()).map_err(anyhow::Error::msg)?;
    Ok(Outcome { out, code, complains: !err.is_empty() })
}

/// The topics' folders in another broker: found by both tools; ended, each by one of them; found no more.
fn hanging(kafka: &Kafka, data: &Path) -> Result<Score> {
    let other = Worker::new("hanging");
    // A broker puts topics only into a folder of its own.
    end(other.start(), &other)?;
    for topic in topics() {
        let (from, to) = (data.join(format!("{topic}-0")), other.folder.join("data").join(format!("{topic}-0")));
        fs::create_dir_all(&to)?;
        for file in ends(&from, "")? {
            fs::copy(&file, to.join(file.file_name().context("a name")?))?;
        }
    }
    let running = other.start();
    let bootstrap = format!("127.0.0.1:{}", other.kafka_port);
    let words = |line: &str| -> Vec<String> {
        let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        words.splice(1..1, ["--bootstrap-server".to_owned(), bootstrap.clone()]);
        words
    };
    let mut score = Score::default();
    let [theirs, ours] = topics();
    let find = format!("kafka-transactions find-hanging --topic {ours}");
    let found = outcome(Command::new(e2e::folder::binary()).args(words(&find)))?;
    ensure!(found.out.lines().count() == 2, "nothing hangs: {found:?}");
    let everywhere = "kafka-transactions find-hanging --broker-id 1";
    score.add(compared(kafka, &find, &words(&find))?);
    // Kafka's lists the topics in the order of a hash map.
    score.add(compared_in(kafka, everywhere, &words(everywhere), |lines| lines[1..].sort_unstable())?);
    let nowhere = format!("kafka-transactions abort --topic {ours} --partition 0 --start-offset 1");
    score.add(compared(kafka, &nowhere, &words(&nowhere))?);
    let abort = |topic: &str| format!("kafka-transactions abort --topic {topic} --partition 0 --start-offset 4");
    let [line, their_line] = [abort(&ours), abort(&theirs)];
    let ended = outcome(kafka.brief_tool("kafka-transactions")?.args(&words(&their_line)[1..]))?;
    score.add(told(&line, &ended, &outcome(Command::new(e2e::folder::binary()).args(words(&line)))?));
    let left = outcome(Command::new(e2e::folder::binary()).args(words(everywhere)))?;
    ensure!(left.out.lines().count() == 1, "it hangs still: {left:?}");
    score.add(compared(kafka, everywhere, &words(everywhere))?);
    end(running, &other)?;
    Ok(score)
}
