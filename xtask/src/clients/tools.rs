//! Kafka's tools and ours, side by side: every line of `tests/clients/transcripts` is run with both against the same broker.
//!
//! In a line, `@` is a prefix of names that differs between the two runs, so that neither sees what the other has made; `< N` feeds it
//! the numbers up to N; `!` in front prepares something with Kafka's own client in both runs. Invariant: a line is the same if stdout
//! and the exit code are equal, and stderr is empty for both or for neither.

use super::case;
use super::target::Target;
use crate::kafka::Kafka;
use crate::repo;
use crate::test::Score;
use anyhow::{Context, Result};
use std::fs;
use std::process::Command;

/// Prefixes of names: Kafka's run and ours. They have one length and one Java hash, so that hash maps of names have one order.
const PREFIXES: [&str; 2] = ["Aa-", "BB-"];

/// What a tool did.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    out: String,
    code: Option<i32>,
    complains: bool,
}

/// Runs every transcript.
pub fn cases(target: &Target) -> Result<Score> {
    let kafka = Kafka::fetch()?;
    let mut score = Score::default();
    let mut files: Vec<_> = fs::read_dir(repo::root().join("tests/clients/transcripts"))?.collect::<Result<_, _>>()?;
    files.sort_by_key(fs::DirEntry::path);
    for file in files {
        println!("-- {}", file.file_name().to_string_lossy());
        let text = fs::read_to_string(file.path())?;
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let [theirs, ours] = PREFIXES.map(|prefix| {
            let ours = prefix == PREFIXES[1];
            lines.iter().map(|line| run(&kafka, target, line, prefix, ours)).collect::<Result<Vec<Outcome>>>()
        });
        for ((line, theirs), ours) in lines.iter().zip(theirs?).zip(ours?) {
            score.add(told(line, &theirs, &ours));
        }
    }
    Ok(score)
}

fn told(line: &str, theirs: &Outcome, ours: &Outcome) -> Score {
    if theirs == ours {
        println!("ok     {line}");
        return Score::passed(1);
    }
    println!("FAILED {line}\n  Kafka's: {theirs:?}\n  ours:    {ours:?}");
    Score::failed(1)
}

fn run(kafka: &Kafka, target: &Target, line: &str, prefix: &str, ours: bool) -> Result<Outcome> {
    let (line, prepares) = line.strip_prefix("! ").map_or((line, false), |line| (line, true));
    let (line, count) = line.split_once(" < ").unwrap_or((line, "0"));
    let input: String = (1..=count.parse::<u32>().context("`<` wants a number")?).map(|n| format!("{n}\n")).collect();
    let mut words = line.split_whitespace().map(|word| word.replace('@', prefix));
    let name = words.next().context("a tool's name")?;
    let mut command = if ours && !prepares {
        let mut command = Command::new(e2e::folder::binary());
        command.arg(&name);
        command
    } else {
        kafka.tool(&name)?
    };
    command.args(words).args(["--bootstrap-server", &target.bootstrap]);
    let (code, out, err) = case::run(&mut command, input.into_bytes()).map_err(anyhow::Error::msg)?;
    // A preparing client says how long it took.
    let complains = !prepares && !err.is_empty();
    Ok(Outcome { out: masked(&out.replace(prefix, "@")), code, complains })
}

/// Topic ids are random.
fn masked(out: &str) -> String {
    const ID: &str = "TopicId: ";
    let mut parts = out.split(ID);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + ID + "..." + part.find('\t').map_or("", |at| &part[at..]))
}
