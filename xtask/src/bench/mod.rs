//! `cargo xtask bench`: figures, printed and never asserted.

mod broker;
mod cli;
mod connect;
mod floor;
mod lines;
mod meter;
mod pipeline;
mod side;

use anyhow::Result;
use clap::Subcommand;

/// `cargo xtask bench ...`
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Subcommand)]
enum Sub {
    /// A file, through a topic, to a file: records/s, CPU per record, start-up, memory
    Pipeline(pipeline::Args),
    /// Connectors side by side, with a transform, with schemas; idle ones; from POST to the first record
    Connect(connect::Args),
    /// Produce, fetch and latency over the wire: records/s, broker CPU per record and per GB
    Broker(broker::Args),
    /// Each command line tool: its wall and CPU time
    Cli(cli::Args),
    #[command(hide = true)]
    Floor(floor::Args),
}

/// Runs the benchmark.
pub fn run(args: Args) -> Result<()> {
    match args.command {
        Sub::Pipeline(args) => pipeline::run(args),
        Sub::Connect(args) => connect::run(args),
        Sub::Broker(args) => broker::run(args),
        Sub::Cli(args) => cli::run(args),
        Sub::Floor(args) => floor::run(args),
    }
}
