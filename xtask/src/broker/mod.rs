//! `cargo xtask broker`: the same raw requests to Kafka's broker and to connectd, answer beside answer.
//!
//! Owns which scripts there are, and the comparison. Leaves what they ask to `groups` and `log`, the connection to `ask.rs`, the
//! transcripts to `stage.rs`, the processes to `pair.rs`.
//! Invariant: an answer that differs in anything but random ids fails. Scripts see neither each other's topics nor groups, for they all run
//! at once.

mod ask;
mod groups;
mod log;
mod pair;
mod stage;

use crate::kafka::Kafka;
use crate::repo;
use crate::test::Score;
use anyhow::Result;
use pair::Pair;
use stage::Stage;
use std::thread;

/// `cargo xtask broker`
#[derive(clap::Args)]
pub struct Args {
    /// Only the scripts whose names contain one of these
    names: Vec<String>,
    /// Print every answer of Kafka's
    #[arg(long)]
    show: bool,
}

/// What is asked of a broker; it gives up where nothing sensible can follow.
type Script = fn(&mut Stage) -> Result<()>;

/// A transcript: what was asked, and what was answered.
type Transcript = Vec<(String, String)>;

/// Runs the scripts.
///
/// # Errors
/// When a broker cannot be started, or an answer differs.
pub fn run(args: Args) -> Result<()> {
    repo::build_connectd()?;
    played(&args)?.all_equal()
}

/// All scripts, for `cargo xtask test`; connectd must have been built.
///
/// # Errors
/// When a broker cannot be started.
pub fn suite() -> Result<Score> {
    match Kafka::missing() {
        Some(what) => Ok(Score::skipped(what)),
        None => played(&Args { names: Vec::new(), show: false }),
    }
}

fn played(args: &Args) -> Result<Score> {
    let kafka = Kafka::fetch()?;
    let mut score = Score::default();
    let all = [groups::SCRIPTS, log::SCRIPTS].concat();
    for (settings, scripts) in [(groups::SETTINGS, &all[..]), (groups::PATIENT, groups::INITIAL)] {
        let asked = |name: &str| args.names.is_empty() || args.names.iter().any(|asked| name.contains(asked.as_str()));
        let scripts: Vec<_> = scripts.iter().filter(|(name, _)| asked(name)).collect();
        if scripts.is_empty() {
            continue;
        }
        let pair = Pair::start(&kafka, settings)?;
        let [theirs, ours] = [pair.kafka, pair.ours].map(|port| move |script: Script| play(port, script));
        let transcripts: Vec<[Transcript; 2]> = thread::scope(|scope| {
            let both = |script: Script| [scope.spawn(move || theirs(script)), scope.spawn(move || ours(script))];
            let running: Vec<_> = scripts.iter().map(|(_, script)| both(*script)).collect();
            running.into_iter().map(|both| both.map(|one| one.join().expect("a script does not panic"))).collect()
        });
        for ((name, _), [theirs, ours]) in scripts.into_iter().zip(transcripts) {
            score.add(compared(name, &theirs, &ours, args.show));
        }
    }
    Ok(score)
}

fn play(port: u16, script: Script) -> Transcript {
    let mut stage = Stage::new(port);
    let end = script(&mut stage);
    stage.note("ends", end.map_err(|error| format!("{error:#}")));
    stage.transcript()
}

fn compared(name: &str, theirs: &Transcript, ours: &Transcript, show: bool) -> Score {
    let mut score = Score::default();
    for at in 0..theirs.len().max(ours.len()) {
        let (theirs, ours) = (theirs.get(at), ours.get(at));
        let gave_up = theirs.is_some_and(|(what, answer)| what == "ends" && answer.starts_with("Err"));
        if theirs == ours && !gave_up {
            score.add(Score::passed(1));
            if let Some((what, answer)) = theirs.filter(|_| show) {
                println!("       {name}: {what}\n         {answer}");
            }
        } else {
            println!("FAILED {name}: {}", theirs.or(ours).map_or("", |(what, _)| what));
            println!("  Kafka: {}\n  ours:  {}", answer(theirs), answer(ours));
            score.add(Score::failed(1));
        }
    }
    println!("{} {name}: {score}", if score.failed == 0 { "ok    " } else { "FAILED" });
    score
}

fn answer(line: Option<&(String, String)>) -> &str {
    line.map_or("(nothing: the script had ended)", |(_, answer)| answer)
}
