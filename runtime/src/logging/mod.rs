//! Logs to stderr in Kafka Connect's layout.
//!
//! Owns the layout of a line and where the levels come from at the start. Leaves the loggers' names and levels to `loggers`.
//! Invariant: every line names its logger as `/admin/loggers` does.

use std::{fmt, io::IsTerminal};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter,
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

mod loggers;

pub use loggers::{Logger, Loggers};

/// The environment variable that sets levels at start, in the syntax of `tracing_subscriber::EnvFilter`.
const VARIABLE: &str = "CONNECTD_LOG";

/// `2026-11-21 10:00:00,000`, in local time as Kafka's.
const TIME: &str = "%Y-%m-%d %H:%M:%S,%3f";

/// Begins to log. `CONNECTD_LOG` says more or less than the default, INFO.
pub fn start() -> Loggers {
    start_with("info")
}

/// Begins to log what connectors say, and of the rest what is not as it should be.
pub fn only_connectors() {
    start_with("warn,connector=info");
}

fn start_with(default: &str) -> Loggers {
    let directives = std::env::var(VARIABLE).unwrap_or_else(|_| default.into());
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
        writeln!(to, " ({})", loggers::name_of(event.metadata().target()))
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
