//! Kafka's tools and ours, side by side: every line of `tests/clients/transcripts` is run with both against the same broker.
//!
//! In a line, `@` is a prefix of names that differs between the two runs, so that neither sees what the other has made; `< N` feeds it
//! the numbers up to N. In front of a line, `!` prepares something with Kafka's own client in both runs; `&` starts one that goes on
//! until the end of the transcript, and waits for the first thing that it prints; `>` writes a text to the file whose name
//! follows. Invariant: a line is the same if stdout and the exit code are equal, and stderr is empty for both or for neither.

mod folders;

use super::case;
use super::target::Target;
use crate::kafka::Kafka;
use crate::repo;
use crate::test::Score;
use anyhow::{Context, Result};
use e2e::{Folder, Running};
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// Prefixes of names: Kafka's run and ours. They have one length and one Java hash, so that hash maps of names have one order.
const PREFIXES: [&str; 2] = ["Aa-", "BB-"];

/// What a tool did.
#[derive(Debug, Default, PartialEq, Eq)]
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
        let [theirs, ours] = PREFIXES.map(|prefix| Play::new(&kafka, target, prefix).all(&lines));
        for ((line, theirs), ours) in lines.iter().zip(theirs?).zip(ours?) {
            score.add(told(line, &theirs, &ours));
        }
    }
    println!("-- folders");
    score.add(folders::cases(&kafka)?);
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

/// One run of a transcript.
struct Play<'a> {
    kafka: &'a Kafka,
    target: &'a Target,
    prefix: &'static str,
    /// What goes on until its end.
    companions: Vec<Running>,
    /// Where its files are.
    folder: Folder,
}

impl<'a> Play<'a> {
    fn new(kafka: &'a Kafka, target: &'a Target, prefix: &'static str) -> Self {
        Play { kafka, target, prefix, companions: Vec::new(), folder: Folder::new("transcript") }
    }

    fn all(mut self, lines: &[&str]) -> Result<Vec<Outcome>> {
        lines.iter().map(|line| self.line(line).with_context(|| line.to_string())).collect()
    }

    fn line(&mut self, line: &str) -> Result<Outcome> {
        match line.split_once(' ') {
            Some((">", rest)) => {
                let (name, text) = rest.split_once(' ').context("`>` wants a name and a text")?;
                self.folder.write(name, text.replace('@', self.prefix).replace("\\n", "\n"));
                Ok(Outcome::default())
            }
            Some(("&", rest)) => {
                self.accompany(rest)?;
                Ok(Outcome::default())
            }
            Some(("!", rest)) => self.run(rest, true),
            _ => self.run(line, false),
        }
    }

    fn accompany(&mut self, line: &str) -> Result<()> {
        let mut command = self.command(line, true)?;
        let companion =
            Running::start(&mut command, &self.folder.join(&format!("companion-{}.log", self.companions.len())))?;
        let start = Instant::now();
        // The first line of a consumer is the first record; what it logs before that begins with a bracket or a slash.
        while !companion.log().lines().any(|line| line.starts_with(|first: char| first.is_ascii_digit())) {
            anyhow::ensure!(start.elapsed() < Duration::from_secs(60), "it prints nothing:\n{}", companion.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.companions.push(companion);
        Ok(())
    }

    fn run(&self, line: &str, prepares: bool) -> Result<Outcome> {
        let (line, count) = line.split_once(" < ").unwrap_or((line, "0"));
        let numbers = 1..=count.parse::<u32>().context("`<` wants a number")?;
        let input: String = numbers.map(|n| format!("{n}\n")).collect();
        let mut command = self.command(line, prepares)?;
        let (code, out, err) = case::run(&mut command, input.into_bytes()).map_err(anyhow::Error::msg)?;
        // A preparing client says how long it took.
        let complains = !prepares && !err.is_empty();
        Ok(Outcome { out: masked(&out.replace(self.prefix, "@")), code, complains })
    }

    /// Kafka's tool or ours, where the line does not say otherwise at the transcript's broker.
    fn command(&self, line: &str, prepares: bool) -> Result<Command> {
        let mut words = line.split_whitespace().map(|word| word.replace('@', self.prefix));
        let name = words.next().context("a tool's name")?;
        let mut command = if self.prefix == PREFIXES[1] && !prepares {
            let mut command = Command::new(e2e::folder::binary());
            command.arg(&name);
            command
        } else {
            self.kafka.brief_tool(&name)?
        };
        command.args(words).current_dir(self.folder.path());
        if !line.contains("--bootstrap-server") {
            command.args(["--bootstrap-server", &self.target.bootstrap]);
        }
        Ok(command)
    }
}

/// Topic ids are random.
fn masked(out: &str) -> String {
    const ID: &str = "TopicId: ";
    let mut parts = out.split(ID);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + ID + "..." + part.find('\t').map_or("", |at| &part[at..]))
}
