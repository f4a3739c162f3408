//! How to reach a cluster: `--bootstrap-server` and the settings of `--command-config`.
//!
//! Owns which of the Java client's settings are honoured. Leaves SASL's messages to [`crate::sasl`], sockets and TLS to the world.
//! Invariant: a setting that asks for security is honoured or refused, never passed over.

use runtime_core::{
    client_settings::{Client, translate},
    config::ConfigMap,
    properties,
};

use crate::{
    failure::Failure,
    flags::Given,
    sasl::{Login, Mechanism},
    world::{Pem, Security, Tls, World},
};

/// Milliseconds that a tool tries to reach a cluster, unless `default.api.timeout.ms` says otherwise. Kafka's tools try for a minute.
const TIMEOUT_MS: u64 = 10_000;

/// Kafka's `request.timeout.ms`.
const REQUEST_TIMEOUT_MS: u64 = 30_000;

/// Where to connect, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// `host:port`, in order.
    pub servers: Vec<String>,
    /// TLS.
    pub security: Security,
    /// How long to look for a broker that answers.
    pub timeout_ms: u64,
    /// How long to wait for one answer.
    pub request_timeout_ms: u64,
    mechanism: Option<Mechanism>,
}

impl Connection {
    /// From `--bootstrap-server` or `--bootstrap-controller`, and the file of `--command-config`.
    ///
    /// # Errors
    /// An address without a port; a file that cannot be read; a setting that cannot be honoured.
    pub fn new(given: &Given, world: &mut dyn World) -> Result<Self, Failure> {
        let flag = if given.has("bootstrap-controller") { "bootstrap-controller" } else { "bootstrap-server" };
        Self::to(given.one(flag)?, given.one("command-config")?, world)
    }

    /// To `servers`, or where the settings in the file `path` say, as they say.
    ///
    /// # Errors
    /// As [`Connection::new`].
    pub fn to(servers: Option<&str>, path: Option<&str>, world: &mut dyn World) -> Result<Self, Failure> {
        let settings = match path {
            Some(path) => {
                let bytes = world.read(path).map_err(|error| Failure::on_stderr(format!("{path}: {error}")))?;
                properties::parse(&bytes).map_err(|bad| Failure::on_stderr(format!("{path}, {bad}")))?
            }
            None => ConfigMap::default(),
        };
        let named = servers.or_else(|| settings.get("bootstrap.servers")).unwrap_or_default();
        let servers = named.split(',').map(str::trim).filter(|server| !server.is_empty());
        let servers = servers.map(address).collect::<Result<Vec<String>, Failure>>()?;
        if servers.is_empty() {
            return Err(Failure::on_stderr("No resolvable bootstrap urls given in bootstrap.servers")
                .advising("say where the broker is: --bootstrap-server localhost:9092"));
        }
        let timeout = |key: &str, default: u64| match settings.get(key) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| {
                Failure::on_stderr(format!("Invalid value {text} for configuration {key}: Not a number of type INT"))
            }),
        };
        let (security, mechanism) = security(&settings)?;
        Ok(Self {
            servers,
            security,
            timeout_ms: timeout("default.api.timeout.ms", TIMEOUT_MS)?,
            request_timeout_ms: timeout("request.timeout.ms", REQUEST_TIMEOUT_MS)?,
            mechanism,
        })
    }

    /// Looks for a broker for at most this long.
    pub fn hurry(&mut self, timeout_ms: u64) {
        self.timeout_ms = self.timeout_ms.min(timeout_ms);
    }

    /// The conversation that a new connection begins with, if the settings ask for one.
    pub fn login(&self, world: &mut dyn World) -> Option<Login> {
        self.mechanism.clone().map(|mechanism| Login::new(mechanism, world.random()))
    }
}

/// Whether it is `host:port`.
pub fn has_port(server: &str) -> bool {
    server.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

fn address(server: &str) -> Result<String, Failure> {
    if has_port(server) {
        return Ok(server.to_owned());
    }
    let advice = format!("name the port too: {}:9092", server.trim_end_matches(':'));
    Err(Failure::on_stderr(format!("Invalid url in bootstrap.servers: {server}")).advising(advice))
}

fn security(settings: &ConfigMap) -> Result<(Security, Option<Mechanism>), Failure> {
    let (tls, sasl) = match settings.get("security.protocol").unwrap_or("PLAINTEXT") {
        "PLAINTEXT" => (false, false),
        "SSL" => (true, false),
        "SASL_PLAINTEXT" => (false, true),
        "SASL_SSL" => (true, true),
        other => {
            let message = format!(
                "Invalid value {other} for configuration security.protocol: Must be one of PLAINTEXT, SASL_PLAINTEXT, SASL_SSL, SSL"
            );
            return Err(Failure::on_stderr(message));
        }
    };
    // One reading of JAAS lines and key stores for every client there is.
    let translated = translate(Client::Admin, settings.iter()).map_err(Failure::on_stderr)?.settings;
    let get = |name: &str| translated.get(name).cloned();
    let mechanism = match sasl {
        false => None,
        true => {
            let part = |name: &str| get(name).unwrap_or_default();
            let mechanism = Mechanism::new(&part("sasl.mechanism"), &part("sasl.username"), &part("sasl.password"));
            Some(mechanism.map_err(Failure::on_stderr)?)
        }
    };
    if !tls {
        return Ok((Security::default(), mechanism));
    }
    if get("ssl.keystore.location").is_some() {
        let message = "ssl.keystore.location names a PKCS12 store; this tool reads PEM";
        let advice = "openssl pkcs12 -in FILE -nodes -out keys.pem, then ssl.keystore.type=PEM";
        return Err(Failure::on_stderr(message).advising(advice));
    }
    let pem = |text: &str, file: &str| get(text).map(Pem::Text).or_else(|| get(file).map(Pem::File));
    let chain = pem("ssl.certificate.pem", "ssl.certificate.location");
    let tls = Tls {
        trusted: pem("ssl.ca.pem", "ssl.ca.location"),
        own: chain.zip(pem("ssl.key.pem", "ssl.key.location")),
        any_name: get("ssl.endpoint.identification.algorithm").is_some_and(|algorithm| algorithm == "none"),
    };
    Ok((Security { tls: Some(tls) }, mechanism))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let check = |server: &str, is_one: bool| assert_eq!(address(server).is_ok(), is_one, "{server}");
        check("localhost:9092", true);
        check("[::1]:9092", true);
        check("localhost", false);
        check("localhost:", false);
        check(":9092", false);
        check("localhost:99999", false);
    }

    #[test]
    fn what_asks_for_security_is_honoured_or_refused() {
        let check = |settings: &[(&str, &str)], expected: Result<(bool, bool), &str>| {
            let map: ConfigMap = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            match (security(&map), expected) {
                (Ok((security, mechanism)), Ok(expected)) => {
                    assert_eq!((security.tls.is_some(), mechanism.is_some()), expected)
                }
                (Err(failure), Err(says)) => assert!(failure.message.contains(says), "{}", failure.message),
                (got, expected) => panic!("{settings:?}: {got:?} and not {expected:?}"),
            }
        };
        let plain = r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="a" password="b";"#;
        check(&[], Ok((false, false)));
        check(&[("security.protocol", "SSL")], Ok((true, false)));
        check(&[("security.protocol", "TLS")], Err("Must be one of"));
        check(&[("security.protocol", "SSL"), ("ssl.truststore.location", "a.jks")], Err("as PEM"));
        check(&[("security.protocol", "SSL"), ("ssl.keystore.location", "a.jks")], Err("PKCS12"));
        check(&[("security.protocol", "SSL"), ("ssl.keystore.location", "a.p12")], Err("this tool reads PEM"));
        check(&[("security.protocol", "SASL_SSL")], Err("sasl.mechanism"));
        let sasl = [("security.protocol", "SASL_PLAINTEXT"), ("sasl.mechanism", "PLAIN"), ("sasl.jaas.config", plain)];
        check(&sasl, Ok((false, true)));
    }
}
