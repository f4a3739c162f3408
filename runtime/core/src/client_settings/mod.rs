//! The settings of Kafka's Java clients, as librdkafka wants them.
//!
//! Owns the names and values that differ (`names`) and logins and certificates (`security`), which Java keeps in forms of its own.
//! Leaves making clients to the edge. Invariant: a setting that has no counterpart is named, never dropped in silence, and a value that
//! would make a client less secure than was asked for is an error.

mod names;
mod security;

use alloc::{collections::BTreeMap, string::String, vec::Vec};

/// Which client the settings are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// `ProducerConfig`.
    Producer,
    /// `ConsumerConfig`.
    Consumer,
    /// `AdminClientConfig`.
    Admin,
}

/// Settings for librdkafka.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientSettings {
    /// Name and value.
    pub settings: BTreeMap<String, String>,
    /// Names of the Java client that mean nothing to librdkafka.
    pub without_counterpart: Vec<String>,
}

/// Translates the settings of a Java client. The error names the setting at fault and what to write instead.
pub fn translate<'a>(
    client: Client,
    java: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<ClientSettings, String> {
    let java: BTreeMap<&str, &str> = java.into_iter().map(|(key, value)| (key, value.trim())).collect();
    let mut out = ClientSettings::default();
    for (key, value) in &java {
        match names::translate(client, key, value)? {
            names::Translated::Setting(name, value) => drop(out.settings.insert(name.into(), value)),
            names::Translated::Nothing => {}
            names::Translated::Unknown => out.without_counterpart.push((*key).into()),
        }
    }
    security::translate(&java, &mut out)?;
    Ok(out)
}

impl ClientSettings {
    /// One line for the log about what has no counterpart, if there is something.
    pub fn warning(&self, client: &str) -> Option<String> {
        let names = self.without_counterpart.join(", ");
        (!names.is_empty())
            .then(|| alloc::format!("{client}: settings without a counterpart here are left out: {names}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    pub(super) fn translated(client: Client, java: &[(&str, &str)]) -> Result<ClientSettings, String> {
        translate(client, java.iter().copied())
    }

    fn check(client: Client, key: &str, value: &str, expected: &[(&str, &str)]) {
        let got = translated(client, &[(key, value)]).unwrap();
        let expected: BTreeMap<String, String> =
            expected.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        assert_eq!((got.settings, got.without_counterpart), (expected, Vec::new()), "{key}={value}");
    }

    #[test]
    fn names_and_values() {
        use Client::{Admin, Consumer, Producer};
        check(Producer, "acks", "all", &[("acks", "all")]);
        check(Producer, "bootstrap.servers", "[a:1, b:2]", &[("bootstrap.servers", "a:1,b:2")]);
        check(Producer, "buffer.memory", "33554432", &[("queue.buffering.max.kbytes", "32768")]);
        check(Producer, "max.request.size", "2000000", &[("message.max.bytes", "2000000")]);
        check(Producer, "compression.type", "zstd", &[("compression.type", "zstd")]);
        check(Producer, "delivery.timeout.ms", "2147483647", &[("delivery.timeout.ms", "0")]);
        check(Producer, "key.serializer", "x.y.ByteArraySerializer", &[]);
        check(Producer, "request.timeout.ms", "1000", &[("request.timeout.ms", "1000")]);
        check(Consumer, "request.timeout.ms", "1000", &[("socket.timeout.ms", "1000")]);
        check(Consumer, "fetch.max.wait.ms", "5", &[("fetch.wait.max.ms", "5")]);
        check(Consumer, "metadata.max.age.ms", "5000", &[("topic.metadata.refresh.interval.ms", "5000")]);
        check(
            Consumer,
            "partition.assignment.strategy",
            "org.apache.kafka.clients.consumer.RangeAssignor, org.apache.kafka.clients.consumer.RoundRobinAssignor",
            &[("partition.assignment.strategy", "range,roundrobin")],
        );
        check(Admin, "security.protocol", "SSL", &[("security.protocol", "ssl")]);
        check(Consumer, "auto.offset.reset", "none", &[("auto.offset.reset", "error")]);
    }

    #[test]
    fn what_has_no_counterpart_is_named() {
        let got =
            translated(Client::Producer, &[("interceptor.classes", "a.B"), ("no.such", "1"), ("acks", "1")]).unwrap();
        assert_eq!(got.without_counterpart, ["interceptor.classes", "no.such"]);
        assert_eq!(
            got.warning("producer").unwrap(),
            "producer: settings without a counterpart here are left out: interceptor.classes, no.such"
        );
        assert_eq!(translated(Client::Producer, &[("interceptor.classes", "")]).unwrap().without_counterpart, [""; 0]);
    }

    #[test]
    fn what_cannot_be_is_an_error() {
        let check = |key, value, says: &str| {
            let error = translated(Client::Consumer, &[(key, value)]).unwrap_err();
            assert!(error.contains(key) && error.contains(says), "{error}");
        };
        check("max.poll.interval.ms", "soon", "a whole number");
        check("security.protocol", "TLS", "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL");
        check("partition.assignment.strategy", "a.B", "RangeAssignor");
    }
}
