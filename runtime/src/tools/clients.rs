//! What the tools that live on librdkafka share: how they are told of trouble and of Ctrl-C.
//!
//! Invariant: trouble is said once, on stderr, with what to do; a tool that waits for a cluster goes on waiting.

use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
};

use rdkafka::{
    ClientConfig, ClientContext,
    config::RDKafkaLogLevel,
    consumer::ConsumerContext,
    error::{KafkaError, RDKafkaErrorCode},
};
use runtime_cli::{failure::Failure, kafka::client_options::Pairs};
use runtime_core::client_settings::{Client, translate};

use crate::signals::Signals;

/// librdkafka's settings of Java's.
///
/// # Errors
/// A value that cannot be used.
pub fn config(tool: &'static str, client: Client, java: &Pairs) -> Result<ClientConfig, Failure> {
    let pairs = java.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let translated = translate(client, pairs).map_err(Failure::new)?;
    if let Some(warning) = translated.warning(tool) {
        say(&warning);
    }
    let mut config = ClientConfig::new();
    config.set("reconnect.backoff.max.ms", "1000").set("log.connection.close", "false");
    // A first connection learns of the brokers and ends, and librdkafka lets half of this pass before it connects to one of them. It
    // grows while nobody answers.
    config.set("reconnect.backoff.ms", "20");
    for (key, value) in translated.settings {
        config.set(key, value);
    }
    config.set_log_level(RDKafkaLogLevel::Emerg);
    Ok(config)
}

/// A client that cannot be made.
pub fn unusable(error: KafkaError) -> Failure {
    Failure::new(match error {
        KafkaError::ClientConfig(_, why, name, value) => {
            format!("Invalid value {value} for configuration {name}: {why}")
        }
        other => other.to_string(),
    })
}

/// Tells the terminal of trouble.
pub struct Trouble {
    tool: &'static str,
    servers: String,
    /// That nobody is there, and what else there was.
    said: [AtomicBool; 2],
}

impl Trouble {
    /// For this tool, whose `--bootstrap-server` is `servers`.
    pub fn new(tool: &'static str, java: &Pairs) -> Self {
        let servers = java.get("bootstrap.servers").cloned().unwrap_or_default();
        Self { tool, servers, said: Default::default() }
    }
}

impl ClientContext for Trouble {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        let Self { tool, servers, .. } = self;
        let away = error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown);
        let text = match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AllBrokersDown) => format!(
                "{tool}: no broker can be reached at {servers}. Is it running? \"connectd broker\" starts one. Waiting for it; Ctrl-C ends."
            ),
            Some(
                RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::Resolve | RDKafkaErrorCode::PartitionEOF,
            ) => return,
            _ => format!("{tool}: {reason}"),
        };
        if !self.said[usize::from(away)].swap(true, Ordering::Relaxed) {
            say(&text);
        }
    }
}

impl ConsumerContext for Trouble {}

/// A line on stderr.
pub fn say(text: &str) {
    // There is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Signals that come together.
const ECHO: std::time::Duration = std::time::Duration::from_millis(250);

/// Told by signals to end.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicU8>);

impl Stop {
    /// Listens for signals from now on; a second one ends the process at once. `then` is called with the exit code of the first.
    pub fn listen(then: impl Fn(u8) + Send + 'static) -> Self {
        let stop = Self::default();
        let told = stop.clone();
        std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            runtime.block_on(async {
                let Ok(mut signals) = Signals::new() else { return };
                let code = signals.next().await;
                told.0.store(code, Ordering::Relaxed);
                then(code);
                // `timeout` and some shells send one to the process and one to its group: that is no second one.
                tokio::time::sleep(ECHO).await;
                let Ok(mut signals) = Signals::new() else { return };
                std::process::exit(signals.next().await.into());
            });
        });
        stop
    }

    /// The exit code of the signal that came.
    pub fn code(&self) -> Option<u8> {
        Some(self.0.load(Ordering::Relaxed)).filter(|code| *code != 0)
    }
}
