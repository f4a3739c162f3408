//! `cargo xtask run`: from a clone to the running pipe of the tutorial, in one command.
//!
//! Invariant: connectd takes this process's place, so that Ctrl-C, its output and its exit code are its own.

use crate::repo;
use anyhow::{Context, Result};
use std::process::Command;

/// `cargo xtask run`
#[derive(clap::Args)]
pub struct Args {
    /// connectd's arguments, instead of the tutorial's: `cargo xtask run -- standalone my-worker.properties`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// What the tutorial starts.
const TUTORIAL: [&str; 5] = [
    "standalone",
    "examples/connect.properties",
    "examples/file-source.properties",
    "examples/file-sink.properties",
    "examples/echo-sink.properties",
];

const TARGETS: [&str; 2] = ["wasm32-wasip2", "wasm32-unknown-unknown"];

/// Builds connectd and becomes it.
pub fn run(args: Args) -> Result<()> {
    install_wasm_targets()?;
    if !repo::connectd().is_file() {
        println!("building connectd: the first time takes some 5 to 10 minutes on two cores, later a few seconds");
    }
    repo::build_connectd()?;
    let mut connectd = Command::new(repo::connectd());
    connectd.current_dir(repo::root());
    if args.args.is_empty() {
        connectd.args(TUTORIAL);
    } else {
        connectd.args(args.args);
    }
    become_it(connectd)
}

/// Adds the targets that the connectors are built for, where rustup does not have them yet.
pub fn install_wasm_targets() -> Result<()> {
    let listed = Command::new("rustup").args(["target", "list", "--installed"]).current_dir(repo::root()).output();
    let Ok(listed) = listed.context("no rustup") else {
        println!("rustup was not found: the toolchain in use must have the targets {}", TARGETS.join(" and "));
        return Ok(());
    };
    let installed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let missing: Vec<&str> =
        TARGETS.into_iter().filter(|target| !installed.lines().any(|line| line == *target)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("installing what the connectors are built for: rustup target add {}", missing.join(" "));
    repo::run(Command::new("rustup").args(["target", "add"]).args(missing).current_dir(repo::root()))
}

#[cfg(unix)]
fn become_it(mut connectd: Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(connectd.exec()).with_context(|| format!("cannot start {connectd:?}"))
}

#[cfg(not(unix))]
fn become_it(mut connectd: Command) -> Result<()> {
    let status = connectd.status().with_context(|| format!("cannot start {connectd:?}"))?;
    std::process::exit(status.code().unwrap_or(1));
}
