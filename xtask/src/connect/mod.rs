//! `cargo xtask connect`: the same requests to Kafka's own Connect worker and to connectd, answer beside answer.
//!
//! Owns: which stories there are and how they are told to both (`tests/clients/connect/*.http`, one worker of each kind for all of them).
//! Leaves to others: reading a story (`story.rs`), HTTP (`http.rs`), what counts as the same (`compare.rs`), the processes (`pair.rs`), starts
//! that fail (`starts.rs`).
//! Invariant: an answer that differs fails, unless the story says why it must; and then it fails where it does not differ any more.

mod compare;
mod generated;
mod http;
mod pair;
mod starts;
mod story;

use crate::kafka::Kafka;
use crate::repo;
use crate::test::Score;
use anyhow::{Context, Result};
use compare::{Answer, difference};
use pair::{Pair, Ports};
use std::fs;
use story::{Expect, Step};

/// `cargo xtask connect`
#[derive(clap::Args)]
pub struct Args {
    /// Only the stories whose file names contain one of these
    names: Vec<String>,
    /// Print every answer of Kafka's
    #[arg(long)]
    show: bool,
    /// REST port of a worker of Kafka's that runs already, in the folder of --folder
    #[arg(long, requires = "folder")]
    kafka: Option<u16>,
    /// The folder in which that worker runs
    #[arg(long)]
    folder: Option<std::path::PathBuf>,
}

/// Tells the stories.
///
/// # Errors
/// When a worker cannot be started, or an answer differs.
pub fn run(args: Args) -> Result<()> {
    repo::build_connectd()?;
    told(&args)?.all_equal()
}

/// All stories, for `cargo xtask test`; connectd must have been built.
///
/// # Errors
/// When a worker cannot be started.
pub fn suite() -> Result<Score> {
    match Kafka::missing() {
        Some(what) => Ok(Score::skipped(what)),
        None => told(&Args { names: Vec::new(), show: false, kafka: None, folder: None }),
    }
}

fn told(args: &Args) -> Result<Score> {
    let mut pair = Pair::start(args.kafka.zip(args.folder.as_deref()))?;
    let mut score = Score::default();
    for (name, text) in stories()? {
        if !args.names.is_empty() && !args.names.iter().any(|asked| name.contains(asked.as_str())) {
            continue;
        }
        println!("\n-- {name}");
        for step in story::parse(&text).with_context(|| name.clone())? {
            score.add(tell(&mut pair, &step, args.show)?);
        }
    }
    if let Some(broker) =
        pair.broker().filter(|_| args.names.is_empty() || args.names.iter().any(|asked| asked == "starts"))
    {
        println!("\n-- starts");
        score.add(starts::suite(&Pair::home(), broker)?);
    }
    Ok(score)
}

/// Names and texts: those in files, then the generated ones.
fn stories() -> Result<Vec<(String, String)>> {
    let folder = repo::root().join("tests/clients/connect");
    let mut stories = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "http") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            stories.push((name, fs::read_to_string(&path)?));
        }
    }
    stories.sort();
    stories.push(("generated".into(), generated::story()));
    Ok(stories)
}

fn tell(pair: &mut Pair, step: &Step, show: bool) -> Result<Score> {
    match step {
        Step::Write { file, line } => pair.write(file, line).map(|()| Score::default()),
        Step::Wait { connector, states } => {
            Ok(report(&format!("wait {connector} {states}"), pair.wait(connector, states)))
        }
        Step::Ask { request, expect } => {
            let Ports { kafka, ours } = pair.ports();
            let theirs = Answer::new(request.send(kafka)?, kafka);
            if show {
                println!("{} {}\n    {}", request.method, short(&request.target), short(&theirs.to_string()));
            }
            let mine = Answer::new(request.send(ours)?, ours);
            let title = format!("{} {} {}", request.method, short(&request.target), short(&request.body));
            let differs = difference(&theirs, &mine, matches!(expect, Expect::OtherWords));
            let outcome = match (expect, differs) {
                (Expect::Differs, Some(_)) | (Expect::Same | Expect::OtherWords, None) => Ok(()),
                (Expect::Differs, None) => Err("it is said to differ, and does not".into()),
                (_, Some(why)) => Err(why),
            };
            Ok(report(&title, outcome))
        }
    }
}

fn report(title: &str, outcome: Result<(), String>) -> Score {
    match outcome {
        Ok(()) => Score::passed(1),
        Err(why) => {
            println!("FAILED {title}\n    {}", why.replace('\n', "\n    "));
            Score::failed(1)
        }
    }
}

fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(600).collect();
    if shown.len() < text.len() {
        shown.push_str(" ...");
    }
    shown
}
