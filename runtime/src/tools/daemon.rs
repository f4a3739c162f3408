//! `-daemon`: the same command once more, in the background, as Kafka's scripts start it.

use std::{
    ffi::OsString,
    fs::File,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::failure::{Failure, START};

/// Starts this program with `arguments` in a process group of its own, its output in `log` below `LOG_DIR` or `./logs`.
///
/// # Errors
/// The log cannot be written, or no process can be started.
pub fn start(arguments: &[OsString], log: &str) -> Result<u8, Failure> {
    let folder = std::env::var_os("LOG_DIR").map_or_else(|| PathBuf::from("logs"), PathBuf::from);
    let path = folder.join(log);
    let failed = |error: std::io::Error| Failure::new(START, format!("-daemon: {}: {error}", path.display()));
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let out = File::create(&path).map_err(failed)?;
    let err = out.try_clone().map_err(failed)?;
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
    command.spawn().map_err(failed)?;
    Ok(0)
}
