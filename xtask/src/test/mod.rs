//! `cargo xtask test`: every test there is, and one line at the end that sums over all runners.
//!
//! Owns: the list of suites, what each needs, and the sum. Leaves to others: the tests.
//! Invariant: a suite that could not run is said so and counted; one that ended badly without a count is a failure.

mod score;

pub use score::Score;

use crate::{broker, clients, cluster, connect, kafka_connect, repo, run as set_up};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// `cargo xtask test`
#[derive(clap::Args)]
pub struct Args {
    /// A suite that is skipped counts as failed (continuous integration asks for this)
    #[arg(long)]
    no_skips: bool,
    /// Only these suites, by name
    names: Vec<String>,
}

/// Runs the suites and prints the sum.
pub fn run(args: Args) -> Result<()> {
    if let Some(unknown) = args.names.iter().find(|asked| SUITES.iter().all(|(name, _)| name != asked)) {
        bail!("no suite {unknown}; there are: {}", SUITES.map(|(name, _)| name).join(", "));
    }
    set_up::install_wasm_targets()?;
    let mut total = Score::default();
    for (name, suite) in SUITES {
        if !args.names.is_empty() && !args.names.iter().any(|asked| asked == name) {
            continue;
        }
        println!("\n== {name}");
        let score = suite().unwrap_or_else(|error| {
            println!("{error:#}");
            Score::failed(1)
        });
        println!("{name}: {score}");
        total.add(score);
    }
    println!("\n{total}");
    if total.failed > 0 {
        bail!("{} failed", total.failed);
    }
    if args.no_skips && total.skipped > 0 {
        bail!("{} skipped, and none may be", total.skipped);
    }
    Ok(())
}

type Suite = fn() -> Result<Score>;

const SUITES: [(&str, Suite); 18] = [
    ("format", format),
    ("lints", lints),
    ("build", || one("connectd", repo::cargo(&["build", "--release", "-p", "connectd"]))),
    ("rust", || counted(repo::cargo(&["test", "--release", "--workspace", "--no-fail-fast"]))),
    ("guests", || counted(in_guests("connectors", &["test", "--release", "--workspace", "--lib", "--no-fail-fast"]))),
    ("simulator", || one("10,000 seeds", repo::cargo(&["run", "--release", "-p", "sim", "--", "--seeds", "10000"]))),
    ("kcat", || clients::suite("kcat")),
    ("python", || clients::suite("python")),
    ("go", || clients::suite("go")),
    ("rust-clients", || clients::suite("rust")),
    ("node", || clients::suite("node")),
    ("java", || clients::suite("java")),
    ("page", || clients::suite("page")),
    ("broker", broker::suite),
    ("connect", connect::suite),
    ("cluster", cluster::suite),
    ("kafka-connect", kafka_connect::suite),
    ("tools", || clients::suite("tools")),
];

/// The workspaces of components, each beside ours and not part of it.
const GUESTS: [&str; 2] = ["connectors", "tests/components/guests"];

/// Cargo in a workspace of components, with a target folder below ours.
fn in_guests(folder: &str, args: &[&str]) -> Command {
    let mut cargo = repo::cargo(args);
    cargo.current_dir(repo::root().join(folder)).env("CARGO_TARGET_DIR", repo::target_dir().join("guests"));
    cargo
}

fn format() -> Result<Score> {
    let mut score = one("cargo fmt", repo::cargo(&["fmt", "--all", "--check"]))?;
    for folder in GUESTS.into_iter().chain(["tests/clients/rust"]) {
        score.add(one(&format!("cargo fmt in {folder}"), in_guests(folder, &["fmt", "--all", "--check"]))?);
    }
    Ok(score)
}

fn lints() -> Result<Score> {
    let mut score = one(
        "cargo clippy",
        repo::cargo(&["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    )?;
    for folder in GUESTS {
        let args = ["clippy", "--release", "--workspace", "--target", "wasm32-wasip2", "--", "-D", "warnings"];
        score.add(one(&format!("cargo clippy in {folder}"), in_guests(folder, &args))?);
    }
    Ok(score)
}

/// A command that is one test by itself.
fn one(name: &str, mut command: Command) -> Result<Score> {
    let ok = command.status().with_context(|| format!("cannot run {command:?}"))?.success();
    println!("{} {name}", if ok { "ok    " } else { "FAILED" });
    Ok(if ok { Score::passed(1) } else { Score::failed(1) })
}

/// A command that counts its tests: what it prints is passed on, and its closing lines are summed.
pub fn counted(mut command: Command) -> Result<Score> {
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot run {command:?}"))?;
    let mut score = Score::default();
    for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
        let line = line?;
        println!("{line}");
        score.add(Score::read(&line));
    }
    let status = child.wait()?;
    if !status.success() && score.failed == 0 {
        println!("{command:?} ended with {status}");
        score.failed = 1;
    }
    Ok(score)
}
