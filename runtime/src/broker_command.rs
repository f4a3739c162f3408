//! `connectd broker [server.properties]`: the broker alone.
//!
//! Owns its start, and the messages of a broker that cannot start, which the standalone worker shares. Leaves the broker to `broker`.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    time::Instant,
};

use broker::{Node, settings::Settings};
use runtime_cli::banner::Banner;
use runtime_core::properties;

use crate::{
    failure::{Failure, RUNNING, START},
    logging, ports,
    signals::Signals,
};

/// Runs a broker until a signal comes, `overrides` winning over the file. Returns the exit code.
///
/// # Errors
/// A file, port or data folder that cannot be used; a broker that stopped by itself.
pub async fn run(
    file: Option<PathBuf>,
    overrides: Vec<(String, String)>,
    insecure_listen: bool,
    started: Instant,
) -> Result<u8, Failure> {
    let mut pairs = match &file {
        Some(file) => read(file)?,
        None => BTreeMap::new(),
    };
    pairs.extend(overrides);
    let named = file.map_or(String::new(), |file| format!("{}: ", file.display()));
    let settings = Settings { insecure_listen, ..Settings::default() };
    let (settings, notes) = settings.parse(&pairs).map_err(|error| Failure::new(START, format!("{named}{error}")))?;
    logging::start();
    let mut signals = Signals::new()?;
    notes.iter().for_each(|note| tracing::warn!("{named}{note}"));
    let data = settings.log_dir.display().to_string();
    let mut node = start(settings, "listeners").await?;
    let banner = Banner {
        version: env!("CARGO_PKG_VERSION").into(),
        ready_ms: started.elapsed().as_millis() as u64,
        kafka: addresses(&node),
        data,
        notes: node.notes().to_vec(),
        next: vec![format!("kcat -b {} -L", addresses(&node).first().map_or("localhost:9092", String::as_str))],
        ..Banner::default()
    };
    // A reader that has gone away is no reason to stop.
    let _ = io::stdout().write_all(banner.render(io::stdout().is_terminal()).as_bytes());
    let code = tokio::select! {
        code = signals.next() => code,
        () = node.failed() => RUNNING,
    };
    signals.then_exit();
    stop(node).await?;
    Ok(code)
}

fn read(file: &PathBuf) -> Result<BTreeMap<String, String>, Failure> {
    let bytes = std::fs::read(file)
        .map_err(|error| Failure::new(START, format!("{} cannot be read: {error}", file.display())))?;
    let pairs = properties::parse(&bytes).map_err(|bad| Failure::new(START, format!("{}, {bad}", file.display())))?;
    Ok(pairs.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

/// Starts a broker; `setting` is where its ports are named.
///
/// # Errors
/// Exit code 2, with a message that names the port and who has it, or the folder and what is wrong with it.
pub async fn start(settings: Settings, setting: &str) -> Result<Node, Failure> {
    let ports: Vec<u16> = settings.listeners.iter().map(|listener| listener.port).collect();
    Node::start(settings).await.map_err(|error| {
        let in_use = error.chain().any(|cause| {
            cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::AddrInUse)
        });
        let taken = ports.iter().copied().find(|port| ports::holder(*port).is_some());
        Failure::new(
            START,
            match taken.filter(|_| in_use) {
                Some(port) => ports::in_use(port, setting),
                None => format!("{error:#}"),
            },
        )
    })
}

/// Stops it. The error says why it had stopped by itself.
pub async fn stop(node: Node) -> Result<(), Failure> {
    node.stop().await.map_err(|error| Failure::new(RUNNING, format!("the broker has stopped: {error:#}")))
}

/// Where clients find it, for people: `localhost` for loopback.
pub fn addresses(node: &Node) -> Vec<String> {
    let mut addresses: Vec<String> = node
        .addresses()
        .iter()
        .map(|address| match address.ip().is_loopback() {
            true => format!("localhost:{}", address.port()),
            false => address.to_string(),
        })
        .collect();
    addresses.dedup();
    addresses
}
