//! librdkafka's clients, made from the settings of Kafka's Java clients.
//!
//! Owns what every client of ours has in common: translated settings, a name in the log, and what is said when brokers come and go.
//! Leaves names and values to `runtime_core::client_settings`. Invariant: librdkafka writes nothing to stderr by itself.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, ClientContext,
    config::RDKafkaLogLevel,
    consumer::ConsumerContext,
    error::{KafkaError, RDKafkaErrorCode},
};
use runtime_core::client_settings::{Client, translate};

/// Between two lines in the log about the same trouble.
const SAY_AGAIN: Duration = Duration::from_secs(30);

/// A configuration made of Java's settings; later pairs replace earlier ones. The error names the setting at fault.
///
/// # Errors
/// A value that cannot be used.
pub fn config<'a>(
    client: Client,
    name: &str,
    java: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<ClientConfig, String> {
    let translated = translate(client, java)?;
    if let Some(warning) = translated.warning(name) {
        tracing::warn!("{warning}");
    }
    let mut config = ClientConfig::new();
    // As Java's clients: a cluster that is back is found within a second.
    config.set("reconnect.backoff.max.ms", "1000");
    for (key, value) in translated.settings {
        config.set(key, value);
    }
    // Brokers close idle connections; that is no news.
    config.set("log.connection.close", "false").set_log_level(RDKafkaLogLevel::Warning);
    Ok(config)
}

/// Settings for those that are not set. (A configuration is never copied by its map: that shows passwords as something else.)
pub fn unless_set(config: &mut ClientConfig, settings: &[(&str, &str)]) {
    for (key, value) in settings {
        if config.get(key).is_none() {
            config.set(*key, *value);
        }
    }
}

/// What a client tells on the way; for the log.
pub struct Talk {
    name: String,
    away: AtomicBool,
    said: Mutex<Option<(String, Instant)>>,
}

impl Talk {
    /// For the client `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), away: AtomicBool::new(false), said: Mutex::default() }
    }

    /// The client's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A broker has answered.
    pub fn answered(&self) {
        if self.away.swap(false, Ordering::Relaxed) {
            tracing::info!("{}: the cluster answers again", self.name);
        }
    }

    /// True while no broker can be reached.
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    fn say(&self, text: String) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if !said.as_ref().is_some_and(|(last, at)| *last == text && at.elapsed() < SAY_AGAIN) {
            tracing::warn!("{}: {text}", self.name);
            *said = Some((text, Instant::now()));
        }
    }
}

impl ClientContext for Talk {
    fn log(&self, _: RDKafkaLogLevel, fac: &str, message: &str) {
        // What matters of these comes as an error too.
        tracing::debug!("{}: {fac} {message}", self.name);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                if !self.away.swap(true, Ordering::Relaxed) {
                    tracing::warn!("{}: the cluster cannot be reached; waiting for it ({reason})", self.name);
                }
            }
            Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::Resolve) => {
                tracing::debug!("{}: {reason}", self.name);
            }
            _ => self.say(reason.to_owned()),
        }
    }
}

impl ConsumerContext for Talk {}

/// A context of librdkafka whose log lines and errors are its field's business.
macro_rules! client_context {
    ($context:ty, $field:tt) => {
        impl rdkafka::ClientContext for $context {
            fn log(&self, level: rdkafka::config::RDKafkaLogLevel, fac: &str, message: &str) {
                rdkafka::ClientContext::log(&self.$field, level, fac, message);
            }

            fn error(&self, error: rdkafka::error::KafkaError, reason: &str) {
                rdkafka::ClientContext::error(&self.$field, error, reason);
            }
        }
    };
}
pub(crate) use client_context;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_stays_passwords_too() {
        let java = [
            ("security.protocol", "SASL_PLAINTEXT"),
            ("sasl.mechanism", "PLAIN"),
            ("sasl.jaas.config", "a.PlainLoginModule required username=\"u\" password=\"secret\";"),
        ];
        let mut config = config(Client::Producer, "test", java).unwrap();
        unless_set(&mut config, &[("sasl.password", "another"), ("acks", "all")]);
        assert_eq!((config.get("sasl.password"), config.get("acks")), (Some("secret"), Some("all")));
    }
}
