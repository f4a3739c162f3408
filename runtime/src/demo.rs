//! `connectd` alone in an empty folder, or `connectd demo`: the tutorial's pipe, running, in a folder of its own.
//!
//! Owns the folder, its files and its end. Leaves running the worker to `standalone`. Invariant: nothing is written outside of the folder,
//! and nothing of it is left after a stop; where there is something in the current folder, nothing is started unasked.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    time::Instant,
};

use tokio::runtime::Handle;

use crate::{
    failure::{Failure, START},
    standalone::{self, Start},
};

/// The tutorial's ports; others where somebody has these.
const PORTS: (u16, u16) = (9092, 8083);

/// A folder that goes away with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new one among the temporary files, whose name begins so.
    pub fn new(name: &str) -> Result<Self, Failure> {
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(|error| cannot("a folder", &error))?;
        let path = std::env::temp_dir().join(format!("{name}-{:08x}", u32::from_le_bytes(random)));
        fs::create_dir(&path).map_err(|error| cannot(&path.display().to_string(), &error))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let path = self.0.join(name);
        fs::write(&path, text).map_err(|error| cannot(&path.display().to_string(), &error))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed goes when the system clears its temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn cannot(what: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        START,
        format!(
            "A temporary folder is needed, and {what} cannot be made: {error}. Set TMPDIR to a folder that can be written."
        ),
    )
}

/// Runs it until a signal comes. Returns the exit code.
///
/// # Errors
/// The folder cannot be made; a worker that cannot start.
pub async fn run(started: Instant, guests: Handle) -> Result<u8, Failure> {
    let folder = Folder::new("connectd-demo")?;
    let (kafka, rest) = (free(PORTS.0), free(PORTS.1));
    let path = |name: &str| folder.0.join(name).display().to_string();
    let worker = folder.write(
        "worker.properties",
        &format!(
            "bootstrap.servers=localhost:{kafka}\nlisteners=http://:{rest}\nbroker.embedded=always\n\
             key.converter=org.apache.kafka.connect.storage.StringConverter\n\
             value.converter=org.apache.kafka.connect.storage.StringConverter\n\
             offset.storage.file.filename={}\nbroker.log.dirs={}\n",
            path("offsets"),
            path("data")
        ),
    )?;
    let source = format!("name=demo-source\nconnector.class=FileStreamSource\nfile={}\ntopic=demo\n", path("in.txt"));
    let sink = format!("name=demo-sink\nconnector.class=FileStreamSink\nfile={}\ntopics=demo\n", path("out.txt"));
    let connectors = vec![folder.write("source.properties", &source)?, folder.write("sink.properties", &sink)?];
    folder.write("in.txt", "A line goes from in.txt to the topic demo,\nand from there to out.txt, once.\n")?;
    let server = if kafka == PORTS.0 { String::new() } else { format!(" -b localhost:{kafka}") };
    let url = if rest == PORTS.1 { String::new() } else { format!(" --url http://localhost:{rest}") };
    let next = vec![
        format!("echo hello >> {}", path("in.txt")),
        format!("cat {}", path("out.txt")),
        format!("connectd consume demo{server}"),
        format!("connectd connect status demo-source{url}"),
        format!("http://localhost:{rest}/ui shows it in a browser"),
        "Ctrl-C stops it, and nothing is left of it; `connectd --help` goes on from here".to_owned(),
    ];
    standalone::run(Start { worker, connectors, insecure_listen: false, started, guests, next: Some(next) }).await
}

/// The port, or another one where somebody has it.
pub(crate) fn free(port: u16) -> u16 {
    let bound = [port, 0].into_iter().find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    bound.and_then(|socket| socket.local_addr().ok()).map_or(port, |address| address.port())
}

/// What is in the current folder, if it is not empty: a few names.
pub fn occupants(folder: &Path) -> Vec<String> {
    const FEW: usize = 3;
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names.truncate(FEW);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_a_folder() {
        let folder = Folder::new("connectd-test").unwrap();
        let path = folder.0.clone();
        folder.write("a", "b").unwrap();
        assert_eq!(occupants(&path), ["a"]);
        drop(folder);
        assert!(!path.exists() && occupants(&path).is_empty());
    }

    #[test]
    fn a_port_that_is_taken_is_not_given() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, taken)).unwrap();
        assert_ne!(free(taken), taken);
        drop(holder);
    }
}
