//! `cargo xtask <command>`: set-up, tests and benchmarks. One file per command; `clients` and `bench` are folders of them.
//!
//! Leaves to others: what is tested (`tests/`, and the modules' own tests). Invariant: a command prints what it runs and what it
//! skipped, and exits with something else than 0 when anything failed.

mod bench;
mod broker;
mod clients;
mod cluster;
mod connect;
mod crash;
mod kafka;
mod kafka_connect;
mod repo;
mod run;
mod sim;
mod test;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Run, test and measure connectd", disable_help_subcommand = true)]
struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build connectd and start the tutorial's pipe: test.txt, through a topic, to test.sink.txt
    Run(run::Args),
    /// Run every test; a suite whose tool is missing is skipped and said so
    Test(test::Args),
    /// Run the simulator over many seeds
    Sim(sim::Args),
    /// Kill connectd under load, again and again, and count what was lost or repeated
    Crash(crash::Args),
    /// Run real Kafka clients against connectd
    Clients(clients::Args),
    /// Ask Kafka's broker and connectd the same, and compare the answers
    Broker(broker::Args),
    /// Ask Kafka's Connect worker and connectd the same, and compare the answers
    Connect(connect::Args),
    /// Fetch and run the real Kafka, for comparison
    Kafka(kafka::Args),
    /// Measure connectd, beside the real Kafka where asked
    Bench(bench::Args),
}

fn main() {
    if let Err(error) = command() {
        eprintln!("{error:#}");
        std::process::exit(1);
    }
}

fn command() -> Result<()> {
    match Xtask::parse().command {
        Command::Run(args) => run::run(args),
        Command::Test(args) => test::run(args),
        Command::Sim(args) => sim::run(args),
        Command::Crash(args) => crash::run(args),
        Command::Clients(args) => clients::run(args),
        Command::Broker(args) => broker::run(args),
        Command::Connect(args) => connect::run(args),
        Command::Kafka(args) => kafka::run(args),
        Command::Bench(args) => bench::run(args),
    }
}
