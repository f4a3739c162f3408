//! Loggers: their names, which are Kafka's where Kafka has one, and their levels (KIP-495).
//!
//! Owns the table from what speaks (a Rust module path) to a logger's name, so that what people grep for and set in Kafka Connect is
//! found here. Invariant: what is listed is what the filter does.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{EnvFilter, Registry, reload};

/// The logger above all others.
const ROOT: &str = "root";

/// What speaks, and the logger that it is; `org.apache.kafka.connect.runtime` before all but those that start with another package.
const KNOWN: [(&str, &str); 15] = [
    ("broker", "kafka.server"),
    ("broker::connection", "kafka.network.Processor"),
    ("broker::journal", "kafka.log.Journal"),
    ("broker::segments", "kafka.log.UnifiedLog"),
    ("connectd", "org.apache.kafka.connect.runtime"),
    ("connectd::cluster", "org.apache.kafka.connect.runtime.cluster"),
    ("connectd::herd", "org.apache.kafka.connect.runtime.standalone.StandaloneHerder"),
    ("connectd::plugins", "org.apache.kafka.connect.runtime.isolation.Plugins"),
    ("connectd::rest", "org.apache.kafka.connect.runtime.rest.RestServer"),
    ("connectd::standalone", "org.apache.kafka.connect.cli.ConnectStandalone"),
    ("connectd::worker", "org.apache.kafka.connect.runtime.Worker"),
    ("connectd::worker::connector", "org.apache.kafka.connect.runtime.WorkerConnector"),
    ("connectd::worker::sink", "org.apache.kafka.connect.runtime.WorkerSinkTask"),
    ("connectd::worker::source", "org.apache.kafka.connect.runtime.WorkerSourceTask"),
    ("connectd::worker::task", "org.apache.kafka.connect.runtime.WorkerTask"),
];

/// The logger of what speaks: by the longest entry of the table that it begins with; else its own path, with dots.
pub fn name_of(target: &str) -> String {
    let begins = |entry: &str| target.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    let known = KNOWN.iter().filter(|(entry, _)| begins(entry)).max_by_key(|(entry, _)| entry.len());
    known.map_or_else(|| target.replace("::", "."), |(_, name)| (*name).to_owned())
}

/// What speaks under a logger's name.
fn target_of(name: &str) -> String {
    let known = KNOWN.iter().find(|(_, known)| *known == name);
    known.map_or_else(|| name.replace('.', "::"), |(target, _)| (*target).to_owned())
}

/// A logger as REST shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Logger {
    /// Its level.
    pub level: String,
    /// When it was changed, milliseconds since 1970; null until then.
    pub last_modified: Option<u64>,
}

/// The levels; cheap to clone.
#[derive(Clone)]
pub struct Loggers(Arc<Inner>);

struct Inner {
    set: Mutex<BTreeMap<String, Logger>>,
    filter: Option<reload::Handle<EnvFilter, Registry>>,
}

impl Loggers {
    /// The levels that `directives` set at the start, in the syntax of `EnvFilter`; what is set later goes to `filter`.
    pub(super) fn new(directives: &str, filter: Option<reload::Handle<EnvFilter, Registry>>) -> Self {
        let unchanged = |level: &str| Logger { level: level.to_ascii_uppercase(), last_modified: None };
        let parts = directives.split(',').map(str::trim);
        let root = parts.clone().find(|part| !part.is_empty() && !part.contains('=')).unwrap_or("info");
        let mut set = BTreeMap::from([(ROOT.to_owned(), unchanged(root))]);
        let named = parts.filter_map(|part| part.split_once('='));
        set.extend(named.map(|(target, level)| (name_of(target), unchanged(level))));
        Self(Arc::new(Inner { set: Mutex::new(set), filter }))
    }

    fn set_ones(&self) -> MutexGuard<'_, BTreeMap<String, Logger>> {
        self.0.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every logger by name.
    pub fn all(&self) -> BTreeMap<String, Logger> {
        let set = self.set_ones();
        let known = KNOWN.iter().map(|(_, name)| ((*name).to_owned(), effective(&set, name)));
        known.chain(set.iter().map(|(name, logger)| (name.clone(), logger.clone()))).collect()
    }

    /// One logger; `None` if it is neither known nor set, nor above one that is.
    pub fn get(&self, name: &str) -> Option<Logger> {
        let all = self.all();
        all.keys().any(|other| is_below(other, name)).then(|| effective(&self.set_ones(), name))
    }

    /// Sets a logger and those below it; returns the names of those affected, or `None` if the level is none.
    pub fn set(&self, name: &str, level: &str) -> Option<Vec<String>> {
        let level = match level.to_ascii_uppercase().as_str() {
            "FATAL" => "ERROR".to_owned(),
            level @ ("OFF" | "ERROR" | "WARN" | "INFO" | "DEBUG" | "TRACE") => level.to_owned(),
            "ALL" => "TRACE".to_owned(),
            _ => return None,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        let logger = Logger { level, last_modified: Some(now) };
        let mut affected: Vec<String> = self.all().into_keys().filter(|other| is_below(other, name)).collect();
        affected.push(name.into());
        affected.sort();
        affected.dedup();
        let mut set = self.set_ones();
        set.extend(affected.iter().map(|name| (name.clone(), logger.clone())));
        if let Some(filter) = &self.0.filter {
            // The layer lives as long as the process.
            let _ = filter.reload(filter_of(&set));
        }
        Some(affected)
    }
}

/// True if `name` is `above`, or below it. Nothing but the root is below the root: a level that is set stays.
fn is_below(name: &str, above: &str) -> bool {
    name.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The logger's own level, or that of the nearest one above it.
fn effective(set: &BTreeMap<String, Logger>, name: &str) -> Logger {
    let mut at = name;
    loop {
        if let Some(logger) = set.get(at) {
            let last_modified = logger.last_modified.filter(|_| at == name);
            return Logger { level: logger.level.clone(), last_modified };
        }
        at = at.rsplit_once('.').map_or(ROOT, |(above, _)| above);
    }
}

/// Every known logger is named in the filter, since the filter inherits by module and the names by package.
fn filter_of(set: &BTreeMap<String, Logger>) -> EnvFilter {
    let names = KNOWN.iter().map(|(_, name)| *name).chain(set.keys().map(String::as_str)).filter(|name| *name != ROOT);
    let level = |name: &str| effective(set, name).level.to_ascii_lowercase();
    let own = names.map(|name| format!("{}={}", target_of(name), level(name)));
    EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse_lossy(std::iter::once(level(ROOT)).chain(own).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_has_kafkas_name() {
        for (target, name) in [
            ("connectd::rest", "org.apache.kafka.connect.runtime.rest.RestServer"),
            ("connectd::rest::server", "org.apache.kafka.connect.runtime.rest.RestServer"),
            ("connectd::resting", "org.apache.kafka.connect.runtime"),
            ("connectd::worker::sink", "org.apache.kafka.connect.runtime.WorkerSinkTask"),
            ("notify::inotify", "notify.inotify"),
        ] {
            assert_eq!(name_of(target), name);
        }
    }

    #[test]
    fn a_logger_shows_its_own_level_or_that_above_it() {
        let loggers = Loggers::new("warn,connectd=debug", None);
        let level = |name: &str| loggers.get(name).map(|logger| logger.level);
        assert_eq!(level("root").as_deref(), Some("WARN"));
        assert_eq!(level("org.apache.kafka.connect.runtime.Worker").as_deref(), Some("DEBUG"));
        assert_eq!(level("kafka.server").as_deref(), Some("WARN"));
        assert_eq!(level("org.apache.kafka.connect").as_deref(), Some("WARN"));
        assert_eq!(level("nobody"), None);
    }

    #[test]
    fn setting_one_sets_those_below() {
        let loggers = Loggers::new("info", None);
        let affected = loggers.set("org.apache.kafka.connect.runtime.rest", "trace").unwrap();
        assert_eq!(
            affected,
            ["org.apache.kafka.connect.runtime.rest", "org.apache.kafka.connect.runtime.rest.RestServer"]
        );
        let server = loggers.get("org.apache.kafka.connect.runtime.rest.RestServer").unwrap();
        assert_eq!((server.level.as_str(), server.last_modified.is_some()), ("TRACE", true));
        assert_eq!(loggers.set("root", "LOUD"), None);
        let filter = filter_of(&loggers.set_ones()).to_string();
        assert!(filter.contains("connectd::rest=trace") && filter.contains("connectd::worker=info"), "{filter}");
    }
}
