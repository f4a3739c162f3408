//! The worker's file and the connectors' files: read, judged, and complained about by line.
//!
//! Invariant: nothing here has an effect; what is wrong is a [`Failure`] with Kafka's exit code.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use broker::settings::Settings;
use broker_core::group::GroupSettings;
use runtime_core::{
    complaint::Complaint,
    config::{ConfigMap, infos::reasons, variables::Provider},
    connector_file::{self, ConnectorFile},
    worker_config::WorkerConfig,
};

use super::Start;
use crate::{
    failure::{CONNECTOR, Failure, START},
    providers::Providers,
};

pub(super) fn read_worker(path: &Path) -> Result<(WorkerConfig, Vec<String>), Failure> {
    let named = path.display().to_string();
    let what = "the worker was not started";
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::of(
            START,
            Complaint::new(what).at(&named).because(format!("Worker file {named} cannot be read: {error}")),
        )
    })?;
    let resolve = |raw: &ConfigMap| {
        let mut resolved = Providers::new(Provider::all(raw)?).resolve(raw)?;
        // As in Kafka, for it says where providers may come from.
        if let Some(path) = raw.get("plugin.path") {
            resolved.insert("plugin.path", path);
        }
        Ok(resolved)
    };
    WorkerConfig::from_file(&named, &bytes, resolve).map_err(|why| Failure::of_file(START, what, &named, &bytes, &why))
}

/// Reads every connector's file, and refuses a name that comes twice.
pub(super) fn read_connectors(paths: &[PathBuf]) -> Result<Vec<ConnectorFile>, Failure> {
    let mut seen: BTreeMap<String, &Path> = BTreeMap::new();
    let mut files = Vec::new();
    for path in paths {
        let named = path.display().to_string();
        let refused = |why: String| Failure::of(CONNECTOR, connector_file::refused(&named, "created", why));
        let bytes = std::fs::read(path);
        let bytes = bytes.map_err(|error| refused(connector_file::unreadable(&named, error)))?;
        let file = connector_file::parse(&named, &bytes).map_err(refused)?;
        if let Some(first) = seen.insert(file.name.clone(), path) {
            let why = format!(
                "The connector \"{}\" comes twice, in {} and in {named}. Leave one out, or give it another name.",
                file.name,
                first.display()
            );
            return Err(Failure::new(CONNECTOR, why));
        }
        files.push(file);
    }
    Ok(files)
}

pub(super) fn broker_settings(start: &Start, config: &WorkerConfig) -> Result<(Settings, Vec<String>), Failure> {
    // Members in this process come one after the other at once; there is nobody to wait for.
    let groups = GroupSettings { initial_rebalance_delay_ms: 0, ..GroupSettings::default() };
    let settings = Settings { insecure_listen: start.insecure_listen, groups, ..Settings::default() };
    let named = start.worker.display();
    let with_prefix = |text: String| match config.broker.keys().any(|key| text.starts_with(key.as_str())) {
        true => format!("broker.{text}"),
        false => text,
    };
    let (settings, notes) = settings
        .parse(&config.broker)
        .map_err(|error| Failure::new(START, format!("Worker file {named} cannot be used:\n{}", with_prefix(error))))?;
    Ok((settings, notes.into_iter().map(with_prefix).collect()))
}

/// What a worker that runs would say of the connector of a file.
pub(super) fn refused_file(path: &Path, connector: &str, refusal: &str) -> Failure {
    let named = path.display().to_string();
    // It was read a moment ago; without it there are no lines to show.
    let file = std::fs::read(path).unwrap_or_default();
    let why: Vec<&str> = reasons(refusal).collect();
    Failure::of_file(CONNECTOR, format!("connector \"{connector}\" was not created"), &named, &file, &why.join("\n"))
        .helped(format!("connectd connect validate {named}, with a worker running"))
}
