//! `cargo xtask crash`: `kill -9` under load, again and again. The cycles themselves are `tests/e2e/tests/crash.rs`.

use crate::repo;
use anyhow::Result;

/// `cargo xtask crash`
#[derive(clap::Args)]
pub struct Args {
    /// How many kills
    #[arg(long, default_value_t = 100)]
    cycles: u32,
    /// Where the moments of the kills come from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Builds connectd, runs the cycles and prints what was lost and repeated.
pub fn run(args: Args) -> Result<()> {
    repo::build_connectd()?;
    let mut test = repo::cargo(&["test", "--release", "--quiet", "-p", "e2e", "--test", "crash", "--", "--nocapture"]);
    repo::run(test.env("CRASH_CYCLES", args.cycles.to_string()).env("CRASH_SEED", args.seed.to_string()))
}
