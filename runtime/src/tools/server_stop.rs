//! `kafka-server-stop`: a clean stop of every broker of this program that runs on this machine as far as we may see.
//!
//! Invariant: only processes of this very program that were started as brokers get a signal.

use std::{fs, path::Path};

use runtime_cli::{failure::Failure, flags::Given, world::World};
use rustix::process::{Pid, Signal, kill_process};

/// The first arguments of a broker.
const STARTS: [&str; 2] = ["broker", "kafka-server-start"];

/// Sends each broker a signal to stop; Kafka's line and exit code if there is none.
pub(super) fn run(_: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    let own = fs::read_link("/proc/self/exe").map_err(|error| Failure::new(format!("/proc/self/exe: {error}")))?;
    let processes = fs::read_dir("/proc").map_err(|error| Failure::new(format!("/proc: {error}")))?;
    let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let brokers: Vec<i32> = ids.filter(|id| is_broker(*id, &own)).collect();
    for id in &brokers {
        if let Some(pid) = Pid::from_raw(*id) {
            kill_process(pid, Signal::TERM).map_err(|error| Failure::new(format!("process {id}: {error}")))?;
        }
    }
    if brokers.is_empty() {
        world.out("No kafka server to stop\n");
        return Ok(1);
    }
    Ok(0)
}

fn is_broker(id: i32, own: &Path) -> bool {
    if fs::read_link(format!("/proc/{id}/exe")).ok().as_deref() != Some(own) {
        return false;
    }
    let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let mut words = line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    let named = |word: &String| {
        STARTS.iter().any(|start| word == start || word.rsplit('/').next() == Some(&format!("{start}.sh")))
    };
    words.by_ref().take(2).any(|word| named(&word) || word.ends_with("/kafka-server-start"))
}
