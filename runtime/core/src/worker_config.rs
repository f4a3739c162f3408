//! The worker's settings: what `connect-standalone.properties` says, complete and typed.
//!
//! Owns Kafka's worker keys with their defaults and errors (contract 2.1 to 2.3), ours (`broker.*`, `connectd.*`), and the
//! notes that a user should see at the start. Leaves the keys under `broker.` to the broker, reading the file to the edge.
//! Invariant: nothing in a [`WorkerConfig`] is left to decide.

use crate::config::settings::ConverterSettings;
use crate::config::value::{Value, parse, violation};
use crate::config::{ConfigMap, Defaults, OverridePolicy, nearest::nearest, variables::Provider};
use crate::convert::{Converter, find_class, find_header_class};
use crate::plugin::Rule;
use crate::properties;
use alloc::{borrow::ToOwned, collections::BTreeMap, format, string::String, vec::Vec};
use keys::Unset;

pub mod keys;
pub mod listener;
pub mod tls;

pub use listener::{Listener, is_loopback};
use tls::TlsConfig;

/// Exit code of the worker when its file cannot be used (contract 1.2).
pub const EXIT_CODE: u8 = 2;

/// Whether the broker is in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedded {
    /// Unless `bootstrap.servers` is answered, or is another machine.
    Auto,
    /// Yes.
    Always,
    /// No: `bootstrap.servers` is a cluster.
    Never,
}

/// Who serves `/admin/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminListeners {
    /// The main listeners.
    Main,
    /// Nobody.
    Off,
    /// These, and nothing else.
    Separate(Vec<Listener>),
}

/// Settings of the REST API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestConfig {
    /// `listeners`, at least one.
    pub listeners: Vec<Listener>,
    /// `admin.listeners`.
    pub admin: AdminListeners,
    /// TLS of `listeners`, if one of them is https.
    pub tls: Option<TlsConfig>,
    /// TLS of `admin.listeners`.
    pub admin_tls: Option<TlsConfig>,
    /// `rest.advertised.host.name`; else the first listener's host.
    pub advertised_host: Option<String>,
    /// `rest.advertised.port`; else the port that is bound.
    pub advertised_port: Option<u16>,
    /// `access.control.allow.origin`; empty for none.
    pub allow_origin: String,
    /// `access.control.allow.methods`; empty for the usual ones.
    pub allow_methods: String,
    /// `response.http.headers.config`: names and values to set on every answer.
    pub response_headers: Vec<(String, String)>,
}

/// Everything the worker can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerConfig {
    /// `host:port` of brokers, at least one.
    pub bootstrap_servers: Vec<String>,
    /// Converter of connectors that name none for keys.
    pub key_converter: ConverterSettings,
    /// Converter of connectors that name none for values.
    pub value_converter: ConverterSettings,
    /// Header converter; headers cross the runtime as they are.
    pub header_converter: ConverterSettings,
    /// The REST API.
    pub rest: RestConfig,
    /// `offset.storage.file.filename`: used against a remote cluster only.
    pub offset_storage_file: String,
    /// Milliseconds between commits of offsets; at least 1.
    pub offset_flush_interval_ms: u64,
    /// Milliseconds that a commit may take.
    pub offset_flush_timeout_ms: u64,
    /// Milliseconds that all tasks together have to stop.
    pub task_shutdown_graceful_timeout_ms: u64,
    /// Whether sources may create topics by `topic.creation.*`.
    pub topic_creation_enable: bool,
    /// Whether the topics that a connector uses are remembered.
    pub topic_tracking_enable: bool,
    /// Whether REST may forget them.
    pub topic_tracking_allow_reset: bool,
    /// Which client settings connectors may override.
    pub override_policy: OverridePolicy,
    /// Topic of connector configurations.
    pub config_storage_topic: String,
    /// Topic of source offsets.
    pub offset_storage_topic: String,
    /// Topic of states.
    pub status_storage_topic: String,
    /// Where components are looked for, beside those that are built in.
    pub plugin_path: Vec<String>,
    /// Folders in which a configuration over REST may name files.
    pub grants_files: Vec<String>,
    /// `config.providers`.
    pub providers: Vec<Provider>,
    /// `broker.embedded`.
    pub embedded: Embedded,
    /// The broker's settings as its `server.properties` would have them: every `broker.*` key but `broker.embedded`, without
    /// the prefix; `log.dirs` and `listeners` always.
    pub broker: BTreeMap<String, String>,
    /// The whole file, for clients of a remote cluster.
    pub raw: ConfigMap,
}

impl WorkerConfig {
    /// Reads a worker file. Beside the settings come notes to print. The error names the file, every setting at fault and
    /// what to do; the worker stops with [`EXIT_CODE`]. `resolve` puts values in place of references.
    pub fn from_file(
        path: &str,
        file: &[u8],
        resolve: impl FnOnce(&ConfigMap) -> Result<ConfigMap, String>,
    ) -> Result<(Self, Vec<String>), String> {
        let raw = properties::parse(file).map_err(|bad| format!("Worker file {path}, {bad}"))?;
        let raw = resolve(&raw).map_err(|why| format!("Worker file {path} cannot be used:\n{why}"))?;
        Self::new(raw).map_err(|errors| format!("Worker file {path} cannot be used:\n{}", errors.join("\n")))
    }

    /// Reads the worker's settings. The errors are sentences, one per setting at fault.
    pub fn new(raw: ConfigMap) -> Result<(Self, Vec<String>), Vec<String>> {
        let mut reader = Reader { raw: &raw, values: BTreeMap::new(), errors: Vec::new() };
        keys::KEYS.iter().for_each(|row| reader.read(row));
        let mut notes = unknown_keys(&raw);
        let config = reader.build(&mut notes);
        if reader.errors.is_empty() { Ok((config, notes)) } else { Err(reader.errors) }
    }

    /// What connectors take from the worker when their configuration is judged.
    pub fn defaults(&self) -> Defaults {
        Defaults {
            key_converter: self.key_converter.class.clone(),
            value_converter: self.value_converter.class.clone(),
            header_converter: self.header_converter.class.clone(),
            override_policy: self.override_policy.clone(),
        }
    }

    /// `host:port` under which status shows this worker, given the port that the first listener got.
    pub fn worker_id(&self, bound_port: u16) -> String {
        let listener = self.rest.listeners.first().map_or("", |listener| listener.host.as_str());
        let host = self.rest.advertised_host.as_deref().unwrap_or(listener);
        let host = if host.is_empty() { "127.0.0.1" } else { host };
        let port = self.rest.advertised_port.unwrap_or(bound_port);
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// True if every bootstrap server is this machine.
    pub fn bootstrap_is_loopback(&self) -> bool {
        self.bootstrap_servers.iter().all(|server| server.rsplit_once(':').is_some_and(|(host, _)| is_loopback(host)))
    }
}

/// Reads values by the table, and keeps what is wrong with them.
struct Reader<'a> {
    raw: &'a ConfigMap,
    values: BTreeMap<&'static str, Value>,
    errors: Vec<String>,
}

impl Reader<'_> {
    fn read(&mut self, &(name, kind, default): &keys::Row) {
        let text = match (self.raw.get(name), default) {
            (Some(text), _) => text,
            (None, Unset::Value(text)) => text,
            (None, Unset::Null) => return,
            (None, Unset::Required) => {
                self.errors.push(format!(
                    "Missing required configuration \"{name}\" which has no default value.{}",
                    example(name)
                ));
                return;
            }
        };
        match parse(kind, text) {
            Err(why) => self.errors.push(format!("Invalid value {text} for configuration {name}: {why}")),
            Ok(value) => match keys::rules(name).iter().find_map(|rule| Some((rule, violation(rule, Some(&value))?))) {
                Some((Rule::NonEmpty, _)) => {
                    self.errors.push(format!("Configuration '{name}' must not be empty.{}", example(name)))
                }
                Some((_, why)) => {
                    self.errors.push(format!("Invalid value {} for configuration {name}: {why}", value.to_java()))
                }
                None => drop(self.values.insert(name, value)),
            },
        }
    }

    fn build(&mut self, notes: &mut Vec<String>) -> WorkerConfig {
        let bootstrap_servers = self.list("bootstrap.servers");
        for server in &bootstrap_servers {
            if !is_host_and_port(server) {
                self.errors.push(format!("Invalid url in bootstrap.servers: {server}; write it like localhost:9092"));
            }
        }
        let plugin_path = self.plugin_path(notes);
        let providers = Provider::all(self.raw).unwrap_or_else(|error| {
            self.errors.push(error);
            Vec::new()
        });
        // One of them is Kafka's basic authentication: who asks for that must not get an open API.
        if let Some(class) = self.list("rest.extension.classes").first() {
            self.errors.push(format!(
                "Invalid value {class} for configuration rest.extension.classes: REST extensions are Java classes, which connectd does not \
                 load. Remove the line; https with listeners.https.ssl.client.auth=required lets in only clients with a certificate"
            ));
        }
        WorkerConfig {
            key_converter: self.converter("key.converter"),
            value_converter: self.converter("value.converter"),
            header_converter: self.converter("header.converter"),
            rest: self.rest(),
            offset_storage_file: self.text("offset.storage.file.filename"),
            offset_flush_interval_ms: self.millis("offset.flush.interval.ms"),
            offset_flush_timeout_ms: self.millis("offset.flush.timeout.ms"),
            task_shutdown_graceful_timeout_ms: self.millis("task.shutdown.graceful.timeout.ms"),
            topic_creation_enable: self.is_true("topic.creation.enable"),
            topic_tracking_enable: self.is_true("topic.tracking.enable"),
            topic_tracking_allow_reset: self.is_true("topic.tracking.allow.reset"),
            override_policy: self.override_policy(),
            config_storage_topic: self.text("config.storage.topic"),
            offset_storage_topic: self.text("offset.storage.topic"),
            status_storage_topic: self.text("status.storage.topic"),
            plugin_path,
            grants_files: self.list("connectd.grants.files"),
            providers,
            embedded: match self.text("broker.embedded").as_str() {
                "always" => Embedded::Always,
                "never" => Embedded::Never,
                _ => Embedded::Auto,
            },
            broker: self.broker(&bootstrap_servers),
            bootstrap_servers,
            raw: self.raw.clone(),
        }
    }

    /// The worker's converter, tried once so that a wrong setting of it shows at the start.
    fn converter(&mut self, key: &str) -> ConverterSettings {
        let name = self.text(key);
        let settings = self.raw.under(&format!("{key}."));
        let header = key == "header.converter";
        match if header { find_header_class(&name) } else { find_class(&name) } {
            Some(class) => {
                if let Some(Err(why)) = (!header).then(|| Converter::new(class, &settings)) {
                    self.errors.push(format!("{key}: {why}"));
                }
                ConverterSettings { class: class.into(), settings }
            }
            None => {
                if self.values.contains_key(key) {
                    let hint = nearest(&name, ["JsonConverter", "StringConverter", "ByteArrayConverter"])
                        .unwrap_or("JsonConverter");
                    self.errors.push(format!("Invalid value {name} for configuration {key}: Class {name} could not be found. Did you mean {hint}?"));
                }
                ConverterSettings { class: name, settings }
            }
        }
    }

    fn rest(&mut self) -> RestConfig {
        let listeners = self.listeners("listeners");
        let admin = match self.values.get("admin.listeners") {
            None => AdminListeners::Main,
            Some(Value::List(urls)) if urls.is_empty() => AdminListeners::Off,
            Some(_) => AdminListeners::Separate(self.listeners("admin.listeners")),
        };
        let tls = self.tls("listeners.https.", &listeners);
        let admin_tls = match &admin {
            AdminListeners::Separate(listeners) => self.tls("admin.listeners.https.", listeners),
            AdminListeners::Main | AdminListeners::Off => None,
        };
        let advertised_port = match self.values.get("rest.advertised.port") {
            Some(Value::Whole(port)) => u16::try_from(*port).ok(),
            _ => None,
        };
        RestConfig {
            listeners,
            admin,
            tls,
            admin_tls,
            advertised_host: Some(self.text("rest.advertised.host.name")).filter(|host| !host.is_empty()),
            advertised_port,
            allow_origin: self.text("access.control.allow.origin"),
            allow_methods: self.text("access.control.allow.methods"),
            response_headers: self.response_headers(),
        }
    }

    fn tls(&mut self, prefix: &str, listeners: &[Listener]) -> Option<TlsConfig> {
        if !listeners.iter().any(|listener| listener.https) {
            return None;
        }
        TlsConfig::read(self.raw, prefix).map_err(|errors| self.errors.extend(errors)).ok()
    }

    fn listeners(&mut self, key: &'static str) -> Vec<Listener> {
        Listener::parse_all(key, &self.list(key)).unwrap_or_else(|error| {
            self.errors.push(error);
            Vec::new()
        })
    }

    /// Rules `[set|add|setDate|addDate] Name: value` with commas between them; those that write a date are left out.
    fn response_headers(&mut self) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        for rule in self.list("response.http.headers.config") {
            let rule = rule.trim_matches('"');
            let parsed = rule.split_once(' ').and_then(|(action, header)| Some((action, header.split_once(':')?)));
            match parsed {
                Some(("set" | "add", (name, value))) if !name.trim().is_empty() => {
                    headers.push((name.trim().to_owned(), value.trim().to_owned()))
                }
                _ => self.errors.push(format!(
                    "Invalid format of header config '{rule}'. Expected: 'set [header name]:[header value]'"
                )),
            }
        }
        headers
    }

    fn plugin_path(&self, notes: &mut Vec<String>) -> Vec<String> {
        let path = self.list("plugin.path");
        let (jars, path): (Vec<String>, Vec<String>) = path.into_iter().partition(|entry| entry.ends_with(".jar"));
        if !jars.is_empty() {
            notes.push("plugin.path: jar plugins are not loaded; FileStreamSource is built in".into());
        }
        path
    }

    fn override_policy(&mut self) -> OverridePolicy {
        match self.text("connector.client.config.override.policy").as_str() {
            "" | "All" => OverridePolicy::All,
            "None" => OverridePolicy::None,
            "Principal" => OverridePolicy::Principal,
            "Allowlist" => OverridePolicy::Allowlist(self.list("connector.client.config.override.allowlist")),
            other => {
                let why = format!(
                    "Invalid value {other} for configuration connector.client.config.override.policy: it can be All, None, Principal or Allowlist"
                );
                self.errors.push(why);
                OverridePolicy::None
            }
        }
    }

    /// The broker's keys. It listens where `bootstrap.servers` expects it, unless told otherwise.
    fn broker(&self, bootstrap_servers: &[String]) -> BTreeMap<String, String> {
        let keys = self.raw.under("broker.");
        let mut broker: BTreeMap<String, String> =
            keys.iter().map(|(key, value)| (key.to_owned(), value.trim().to_owned())).collect();
        broker.remove("embedded");
        if !broker.contains_key("log.dir") {
            broker.entry("log.dirs".into()).or_insert_with(|| "./connectd-data".into());
        }
        if !broker.contains_key("listeners") && !broker.contains_key("port") {
            let own = bootstrap_servers
                .iter()
                .filter_map(|server| server.rsplit_once(':'))
                .filter(|(host, _)| is_loopback(host));
            let own: Vec<String> = own
                .map(|(host, port)| format!("PLAINTEXT://{}:{port}", if host == "localhost" { "" } else { host }))
                .collect();
            broker.insert("listeners".into(), if own.is_empty() { "PLAINTEXT://:9092".into() } else { own.join(",") });
        }
        broker
    }

    fn text(&self, key: &str) -> String {
        self.values.get(key).map(Value::to_text).unwrap_or_default()
    }

    fn list(&self, key: &str) -> Vec<String> {
        match self.values.get(key) {
            Some(Value::List(parts)) => parts.clone(),
            Some(value) => crate::config::value::list(&value.to_text()),
            None => Vec::new(),
        }
    }

    fn millis(&self, key: &str) -> u64 {
        match self.values.get(key) {
            Some(Value::Whole(millis)) => (*millis).max(0) as u64,
            _ => 0,
        }
    }

    fn is_true(&self, key: &str) -> bool {
        self.values.get(key) == Some(&Value::Bool(true))
    }
}

/// What to write where a necessary key is missing or empty.
fn example(key: &str) -> &'static str {
    match key {
        "bootstrap.servers" => " Add bootstrap.servers=localhost:9092",
        "key.converter" => " Add key.converter=org.apache.kafka.connect.json.JsonConverter",
        "value.converter" => " Add value.converter=org.apache.kafka.connect.json.JsonConverter",
        "offset.storage.file.filename" => " Add offset.storage.file.filename=/tmp/connect.offsets",
        "listeners" => " At least one URL is expected, such as listeners=http://localhost:8083",
        "plugin.path" => " Name a folder, or remove the line",
        _ => "",
    }
}

fn is_host_and_port(server: &str) -> bool {
    server
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// A note for each key that nobody reads, with the name that may have been meant.
fn unknown_keys(raw: &ConfigMap) -> Vec<String> {
    let known = || keys::KEYS.iter().map(|row| row.0).chain(keys::ACCEPTED.iter().copied());
    let read =
        |key: &str| known().any(|name| name == key) || keys::PREFIXES.iter().any(|prefix| key.starts_with(prefix));
    let note = |key: &str| match (key, nearest(key, known())) {
        ("rest.host.name" | "rest.port", _) => {
            format!("{key} is gone since Kafka 3.0 and is ignored; use listeners=http://host:port")
        }
        (_, Some(name)) => format!("{key} is not a setting of the worker and is ignored; did you mean {name}?"),
        (_, None) => format!("{key} is not a setting of the worker and is ignored"),
    };
    raw.iter().map(|(key, _)| key).filter(|key| !read(key)).map(note).collect()
}

#[cfg(test)]
mod tests;
