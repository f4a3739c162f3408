//! Where things are, and running a program so that its failure stops us.

use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};

pub use e2e::folder::{binary_path as connectd, repo_dir as root, target_dir};

/// `cargo`, the one that runs us, in the repository's root.
pub fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    command
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started or does not exit with 0; the message holds the command line.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// Builds `connectd`, unless `CONNECTD_BIN` names one that is to be used.
///
/// # Errors
/// When cargo fails.
pub fn build_connectd() -> Result<()> {
    if std::env::var_os("CONNECTD_BIN").is_some() {
        return Ok(());
    }
    run(&mut cargo(&["build", "--release", "-p", "connectd"]))
}

/// Whether a program answers to `NAME ARG` (asking for its version, as a rule).
pub fn has(name: &str, arg: &str) -> bool {
    let asked = Command::new(name).arg(arg).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}
