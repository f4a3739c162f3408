//! `cargo xtask sim`: the simulator over many seeds. The simulator itself is `tests/sim`.

use crate::repo;
use anyhow::Result;

/// `cargo xtask sim`
#[derive(clap::Args)]
pub struct Args {
    /// How many seeds
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 1)]
    from: u64,
}

/// Runs the simulator.
pub fn run(args: Args) -> Result<()> {
    let (seeds, from) = (args.seeds.to_string(), args.from.to_string());
    repo::run(&mut repo::cargo(&["run", "--release", "--quiet", "-p", "sim", "--", "--seeds", &seeds, "--from", &from]))
}
