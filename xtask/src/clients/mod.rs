//! `cargo xtask clients`: real Kafka clients against connectd, or the same table against the real Kafka.
//!
//! Owns: what is started for them (`target.rs`), how one command is checked (`case.rs`), and a table for each kind of client.
//! Invariant: a table says what a user of Kafka sees; where connectd and Kafka differ, the table is right only if Kafka passes it.

mod case;
mod go;
mod java;
mod kcat;
mod node;
mod page;
mod python;
mod rest;
mod rust;
mod target;
mod tools;
mod transactions;

use crate::repo;
use crate::test::Score;
use anyhow::{Result, bail};
pub use target::Target;

/// `cargo xtask clients`
#[derive(clap::Args)]
pub struct Args {
    /// kcat, python, go, rust, node, java, tools, page, rest [default: all]
    names: Vec<String>,
    /// Against the real Kafka instead of connectd
    #[arg(long)]
    kafka: bool,
    /// Against a broker that runs already, at this port of 127.0.0.1
    #[arg(long, conflicts_with = "kafka")]
    port: Option<u16>,
}

/// A kind of client: its name, what is missing for it on this machine, and its cases.
type Suite = (&'static str, fn() -> Option<&'static str>, fn(&Target) -> Result<Score>);

const SUITES: [Suite; 9] = [
    ("kcat", kcat::missing, kcat::cases),
    ("python", python::missing, python::cases),
    ("go", go::missing, go::cases),
    ("rust", || None, rust::cases),
    ("node", node::missing, node::cases),
    ("java", java::missing, java::cases),
    ("tools", java::missing, tools::cases),
    ("page", page::missing, page::cases),
    ("rest", || None, rest::cases),
];

/// Runs the suites that were asked for.
pub fn run(args: Args) -> Result<()> {
    if let Some(unknown) = args.names.iter().find(|asked| SUITES.iter().all(|(name, ..)| name != asked)) {
        bail!("no suite {unknown}; there are: {}", SUITES.map(|(name, ..)| name).join(", "));
    }
    if !args.kafka && args.port.is_none() {
        repo::build_connectd()?;
    }
    let mut total = Score::default();
    for (name, missing, cases) in SUITES {
        if !args.names.is_empty() && !args.names.iter().any(|asked| asked == name) {
            continue;
        }
        // Kafka's worker has no page.
        if name == "page" && args.kafka {
            continue;
        }
        println!("\n== {name}");
        total.add(match missing() {
            Some(what) => Score::skipped(what),
            None => cases(&match args.port {
                Some(port) => Target::running(port)?,
                None if args.kafka => Target::kafka()?,
                None => Target::connectd()?,
            })?,
        });
    }
    println!("\n{total}");
    if total.failed > 0 {
        bail!("{} failed", total.failed);
    }
    Ok(())
}

/// Runs one suite against connectd, which must have been built.
pub fn suite(name: &str) -> Result<Score> {
    let Some((_, missing, cases)) = SUITES.into_iter().find(|(known, ..)| *known == name) else {
        bail!("no suite {name}");
    };
    match missing() {
        Some(what) => Ok(Score::skipped(what)),
        None => cases(&Target::connectd()?),
    }
}
