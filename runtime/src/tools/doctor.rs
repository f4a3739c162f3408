//! What `connectd doctor` looks at: ports, the data folder and its disk, clock, limits, files.
//!
//! Leaves the judgement to `runtime_cli`. Invariant: nothing is changed: what is made to see whether it can be is taken away again.

use std::{
    fs::{self, OpenOptions},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use runtime_cli::{
    own::{
        config::Section,
        doctor::{Data, Doctor, Facts, Port, found},
        outcome::Done,
    },
    world::{Call, Tls},
};
use runtime_core::connector_file;
use rustix::process::{Resource, getrlimit};

use super::{http, keys};
use crate::{
    plugins::{self, CONTRACT_VERSION},
    ports, probe,
};

/// How long somebody who listens has to say who he is.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// Looks, and judges.
pub fn run(asked: &Doctor, colours: bool) -> Done {
    let (path, why) = match plugins::cache_dir() {
        Some(path) => (path.display().to_string(), trouble(&path)),
        None => ("nowhere".to_owned(), Some("neither HOME nor XDG_CACHE_HOME is set".to_owned())),
    };
    let facts = Facts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        kafka: CONTRACT_VERSION.to_owned(),
        system: system(),
        ports: vec![
            (asked.kafka_port, "the broker", port(asked.kafka_port, is_broker)),
            (asked.rest_port, "the REST API", port(asked.rest_port, is_worker)),
        ],
        data: data(Path::new(&asked.data)),
        now_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64),
        open_files: getrlimit(Resource::Nofile).current,
        cache: (path, why),
        files: asked.files.iter().map(|file| (file.clone(), judged(file))).collect(),
    };
    found(&facts, colours)
}

fn system() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} {}", std::env::consts::OS, release.trim()).trim().to_owned()
}

fn port(port: u16, is_ours: fn(u16) -> Option<String>) -> Port {
    // Loopback is where both listen unless told otherwise.
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Port::Free,
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => match is_ours(port) {
            Some(who) => Port::Ours(who),
            None => Port::Taken(ports::holder(port).map_or("somebody".to_owned(), |holder| holder.to_string())),
        },
        Err(error) => Port::Closed(super::link::reason(&error)),
    }
}

fn is_broker(port: u16) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let answers = runtime.block_on(probe::is_broker(&format!("127.0.0.1:{port}")));
    answers.then(|| {
        let who = ports::holder(port).map(|holder| format!(", {holder}")).unwrap_or_default();
        format!("a broker{who}")
    })
}

fn is_worker(port: u16) -> Option<String> {
    let url = format!("http://127.0.0.1:{port}/");
    let (status, body) =
        http::call(Call { method: "GET", url: &url, body: None, authorization: None, tls: &Tls::default() }, PATIENCE)
            .ok()?;
    let answer: serde_json::Value = serde_json::from_slice(&body).ok()?;
    let version = answer["version"].as_str().filter(|_| status == 200)?;
    Some(format!("a Connect worker, version {version}"))
}

fn data(path: &Path) -> Data {
    let there = nearest_folder(path);
    let space = rustix::fs::statvfs(there).ok();
    let space = space.map(|space| (space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize));
    Data {
        path: path.display().to_string(),
        is_used: fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()),
        trouble: trouble(path),
        space,
        is_direct: is_direct(there),
    }
}

/// The folder itself, or the one above it that is there.
fn nearest_folder(path: &Path) -> &Path {
    let here = Path::new(".");
    path.ancestors()
        .map(|path| if path.as_os_str().is_empty() { here } else { path })
        .find(|path| path.exists())
        .unwrap_or(here)
}

/// Why nothing can be written in a folder, or in the one in which it would be made.
fn trouble(path: &Path) -> Option<String> {
    let there = nearest_folder(path);
    if !there.is_dir() {
        return Some(format!("{} is a file", there.display()));
    }
    let probe = there.join(format!(".connectd-doctor-{}", std::process::id()));
    let written = OpenOptions::new().create_new(true).write(true).open(&probe);
    let removed = written.and_then(|_| fs::remove_file(&probe));
    removed.err().map(|error| super::link::reason(&error))
}

fn is_direct(folder: &Path) -> bool {
    let probe = folder.join(format!(".connectd-doctor-direct-{}", std::process::id()));
    let direct = i32::try_from(rustix::fs::OFlags::DIRECT.bits()).unwrap_or_default();
    let opened = OpenOptions::new().create_new(true).write(true).custom_flags(direct).open(&probe).is_ok();
    // It is there only if it could be made.
    let _ = fs::remove_file(&probe);
    opened
}

/// What is wrong with a file, or what to note: a worker's, a broker's or a connector's.
fn judged(path: &str) -> Result<Vec<String>, String> {
    let bytes = fs::read(path).map_err(|error| format!("it cannot be read: {}", super::link::reason(&error)))?;
    let text = String::from_utf8_lossy(&bytes);
    let has = |key: &str| text.lines().any(|line| line.trim_start().starts_with(key));
    if text.contains("connector.class") {
        return connector_file::parse(path, &bytes).map(|_| Vec::new());
    }
    let section = if has("key.converter") || has("value.converter") { Section::Worker } else { Section::Broker };
    keys::check(section, path, &bytes)
}
