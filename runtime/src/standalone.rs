//! `connectd standalone WORKER.properties [CONNECTOR files...]`: everything in one process.
//!
//! Owns the order. Start: files are read and judged, ports bound, broker recovered (or the cluster found) and plug-ins loaded side by side, the herder loaded
//! from its topics, REST answered, the files' connectors put, then "ready". Stop, the other way round: REST, connectors and tasks, and
//! the broker last. Invariant: a start that is refused has changed nothing in the data folder but the broker's own recovery.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use crate::{
    failure::{CONNECTOR, Failure, RUNNING, START},
    grants::Grants,
    home::Home,
    logging,
    place::{self, Place},
    plugins::{self, Plugins},
    providers::Providers,
    signals::Signals,
};

mod bind;
mod files;
mod running;

use bind::bind_rest;
use files::{broker_settings, read_connectors, read_worker};
use running::Running;
pub(crate) use running::load_herder;

/// Beyond `task.shutdown.graceful.timeout.ms`: connectors' own stops, and the herder's last writes.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// What the command line says.
pub struct Start {
    /// The worker's file.
    pub worker: PathBuf,
    /// The connectors' files, in order.
    pub connectors: Vec<PathBuf>,
    /// `--insecure-listen`.
    pub insecure_listen: bool,
    /// When the process started.
    pub started: Instant,
    /// The runtime for guest code.
    pub guests: Handle,
    /// What the banner says to try; by default what the files suggest.
    pub next: Option<Vec<String>>,
}

/// Runs a worker until a signal comes. Returns the exit code.
///
/// # Errors
/// What cannot be used (exit codes of contract 1.2), or why the broker stopped by itself.
pub async fn run(start: Start) -> Result<u8, Failure> {
    let (config, mut notes) = read_worker(&start.worker)?;
    let files = read_connectors(&start.connectors)?;
    let (settings, broker_notes) = broker_settings(&start, &config)?;
    let place = place::decide(&config, &settings.log_dir).await?;
    if place == Place::Here {
        notes.extend(broker_notes);
    }
    let rest = bind_rest(&config, start.insecure_listen || settings.insecure_listen).await?;
    let loggers = logging::start();
    notes.iter().for_each(|note| tracing::warn!("{note}"));

    let grants = Arc::new(Grants::new(&working_dir()?, &config.grants_files));
    let providers = Providers::new(config.providers.clone());
    for file in &files {
        let resolved = providers.resolve(&file.config.config).map_err(|why| Failure::new(CONNECTOR, why))?;
        grants.add_file(&file.name, &resolved);
    }
    let sources = plugins::Sources::of(&config, grants, providers);
    let loading = start.guests.spawn(Plugins::load(sources, start.guests.clone()));
    let mut home = Home::open(place, settings, &config).await?;
    start.passed("the cluster is there");
    let loaded =
        loading.await.map_err(|ended| Failure::new(RUNNING, format!("loading the plug-ins ended: {ended}")))?;
    let plugins = Arc::new(loaded.map_err(|error| Failure::new(RUNNING, error.to_string()))?);
    start.passed("the plug-ins are loaded");
    plugins.known().notes().iter().chain(home.notes()).for_each(|note| tracing::warn!("{note}"));

    // Until here the system's own answer to Ctrl-C, an end at once, loses nothing.
    let mut signals = Signals::new()?;
    let running = Running::start(&start, &config, plugins, &home, files, rest, loggers).await;
    let outcome = match running {
        Ok(mut running) => {
            let (kafka, data) = (home.kafka(), home.data());
            let outcome = tokio::select! {
                code = signals.next() => Ok(code),
                () = home.failed() => Ok(RUNNING),
                failure = running.until_it_fails(&start, kafka, data) => Err(failure),
            };
            signals.then_exit();
            running.stop(Duration::from_millis(config.task_shutdown_graceful_timeout_ms) + STOP_GRACE).await;
            outcome
        }
        Err(failure) => Err(failure),
    };
    let stopped = home.close().await;
    let code = outcome?;
    stopped.map(|()| code)
}

impl Start {
    /// For whoever wonders where the time of a start goes.
    fn passed(&self, what: &str) {
        tracing::debug!("{what} after {} ms", self.started.elapsed().as_millis());
    }
}

fn working_dir() -> Result<PathBuf, Failure> {
    std::env::current_dir()
        .map_err(|error| Failure::new(START, format!("the working directory cannot be used: {error}")))
}
