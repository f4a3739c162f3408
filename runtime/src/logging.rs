//! Logs to stderr in Kafka Connect's layout, and their levels while running.
//!
//! Owns the names of loggers (Rust module paths, as `connectd::rest`) and what each is set to. Invariant: what `/admin/loggers` shows is
//! what the filter does.

use std::{
    collections::BTreeMap,
    fmt,
    io::IsTerminal,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    EnvFilter, Registry,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{ChronoLocal, FormatTime},
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    reload,
    util::SubscriberInitExt,
};

/// The environment variable that sets levels at start, in the syntax of `tracing_subscriber::EnvFilter`.
const VARIABLE: &str = "CONNECTD_LOG";

/// `2026-11-21 10:00:00,000`, in local time as Kafka's.
const TIME: &str = "%Y-%m-%d %H:%M:%S,%3f";

/// Loggers that are listed though nobody has set them.
const KNOWN: &[&str] =
    &["broker", "broker::connection", "connectd", "connectd::rest", "connectd::worker", "connector", "runtime_host"];

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

/// Begins to log. `CONNECTD_LOG` says more or less than the default, INFO.
pub fn start() -> Loggers {
    let directives = std::env::var(VARIABLE).unwrap_or_else(|_| "info".into());
    let (filter, handle) = reload::Layer::new(EnvFilter::new(&directives));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .event_format(Layout);
    // Somebody who embeds this library may have set up logging already; theirs stays.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
    Loggers::new(&directives, Some(handle))
}

/// Levels that set nothing, for tests.
#[cfg(test)]
pub(crate) fn quiet() -> Loggers {
    Loggers::new("info", None)
}

impl Loggers {
    fn new(directives: &str, filter: Option<reload::Handle<EnvFilter, Registry>>) -> Self {
        let root = directives.split(',').find(|part| !part.contains('=')).unwrap_or("info");
        let unchanged = |level: &str| Logger { level: level.to_ascii_uppercase(), last_modified: None };
        let mut set = BTreeMap::from([("root".to_string(), unchanged(root))]);
        set.extend(
            directives
                .split(',')
                .filter_map(|part| part.split_once('='))
                .map(|(name, level)| (name.into(), unchanged(level))),
        );
        Self(Arc::new(Inner { set: Mutex::new(set), filter }))
    }

    fn set_ones(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Logger>> {
        self.0.set.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Every logger by name.
    pub fn all(&self) -> BTreeMap<String, Logger> {
        let set = self.set_ones();
        let known = KNOWN.iter().map(|name| ((*name).to_string(), effective(&set, name)));
        known.chain(set.iter().map(|(name, logger)| (name.clone(), logger.clone()))).collect()
    }

    /// One logger; `None` if it is neither known nor set.
    pub fn get(&self, name: &str) -> Option<Logger> {
        let set = self.set_ones();
        (set.contains_key(name) || KNOWN.contains(&name)).then(|| effective(&set, name))
    }

    /// Sets a logger and those below it; returns the names of those affected, or `None` if the level is none.
    pub fn set(&self, name: &str, level: &str) -> Option<Vec<String>> {
        let level = match level.to_ascii_uppercase().as_str() {
            "FATAL" => "ERROR".to_string(),
            level @ ("OFF" | "ERROR" | "WARN" | "INFO" | "DEBUG" | "TRACE") => level.to_string(),
            "ALL" => "TRACE".to_string(),
            _ => return None,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        let logger = Logger { level, last_modified: Some(now) };
        let below = |other: &str| other == name || other.starts_with(&format!("{name}::"));
        let mut set = self.set_ones();
        let mut affected: Vec<String> = set
            .keys()
            .map(String::as_str)
            .chain(KNOWN.iter().copied())
            .filter(|other| below(other))
            .map(Into::into)
            .collect();
        affected.push(name.into());
        affected.sort();
        affected.dedup();
        set.extend(affected.iter().map(|name| (name.clone(), logger.clone())));
        if let Some(filter) = &self.0.filter {
            // The layer lives as long as the process.
            let _ = filter.reload(filter_of(&set));
        }
        Some(affected)
    }
}

/// The logger's own level, or that of the nearest one above it.
fn effective(set: &BTreeMap<String, Logger>, name: &str) -> Logger {
    let mut at = name;
    loop {
        if let Some(logger) = set.get(at) {
            let last_modified = logger.last_modified.filter(|_| at == name);
            return Logger { level: logger.level.clone(), last_modified };
        }
        at = at.rsplit_once("::").map_or("root", |(above, _)| above);
    }
}

fn filter_of(set: &BTreeMap<String, Logger>) -> EnvFilter {
    let level = |logger: &Logger| logger.level.to_ascii_lowercase();
    let parts = set
        .iter()
        .map(|(name, logger)| if name == "root" { level(logger) } else { format!("{name}={}", level(logger)) });
    EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse_lossy(parts.collect::<Vec<_>>().join(","))
}

/// `[2026-11-21 10:00:00,000] INFO [local-file-source|task-0] message (connector)`, as Connect's log4j pattern has it; other fields
/// follow the message.
struct Layout;

impl<S, N> FormatEvent<S, N> for Layout
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Line::default();
        event.record(&mut line);
        write!(to, "[")?;
        ChronoLocal::new(TIME.into()).format_time(&mut to)?;
        write!(to, "] {} ", event.metadata().level())?;
        if let Some((connector, task)) = line.task() {
            write!(to, "[{connector}|task-{task}] ")?;
        }
        write!(to, "{}", line.message)?;
        for (name, value) in &line.fields {
            write!(to, " {name}={value}")?;
        }
        writeln!(to, " ({})", event.metadata().target())
    }
}

/// What an event says.
#[derive(Default)]
struct Line {
    message: String,
    connector: Option<String>,
    task: Option<String>,
    fields: Vec<(&'static str, String)>,
}

impl Line {
    /// Connector and number of the task that speaks: as two fields, or as one of the form `name-0`.
    fn task(&self) -> Option<(&str, &str)> {
        let task = self.task.as_deref()?;
        match &self.connector {
            Some(connector) => Some((connector, task)),
            None => task.rsplit_once('-'),
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = value.into(),
            "connector" => self.connector = Some(value.into()),
            "task" => self.task = Some(value.into()),
            name => self.fields.push((name, value.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logger_shows_its_own_level_or_that_above_it() {
        let loggers = Loggers::new("warn,connectd=debug", None);
        let level = |name: &str| loggers.get(name).map(|logger| logger.level);
        assert_eq!(level("root").as_deref(), Some("WARN"));
        assert_eq!(level("connectd::rest").as_deref(), Some("DEBUG"));
        assert_eq!(level("broker").as_deref(), Some("WARN"));
        assert_eq!(level("nobody"), None);
    }

    #[test]
    fn setting_one_sets_those_below() {
        let loggers = Loggers::new("info", None);
        assert_eq!(loggers.set("connectd", "trace").unwrap(), ["connectd", "connectd::rest", "connectd::worker"]);
        assert_eq!(loggers.get("connectd::worker").unwrap().level, "TRACE");
        assert!(loggers.get("connectd").unwrap().last_modified.is_some());
        assert_eq!(loggers.set("connectd", "LOUD"), None);
    }
}
