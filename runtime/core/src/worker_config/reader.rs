//! From the worker file's lines to settings: each value by the table of keys, then what belongs together.
//!
//! Invariant: everything that is wrong is told at once, each thing in Kafka's words, with what to write instead.

use alloc::{borrow::ToOwned, collections::BTreeMap, format, string::String, vec::Vec};

use super::{
    AdminListeners, Embedded, RestConfig, WorkerConfig,
    headers::HeaderRule,
    keys::{self, Unset},
    listener::{Listener, is_loopback},
    tls::TlsConfig,
};
use crate::config::settings::ConverterSettings;
use crate::config::value::{Value, parse, violation};
use crate::config::{ConfigMap, OverridePolicy, nearest::nearest, variables::Provider};
use crate::convert::{Converter, find_class, find_header_class};
use crate::plugin::Rule;

/// Reads values by the table, and keeps what is wrong with them.
pub(super) struct Reader<'a> {
    raw: &'a ConfigMap,
    values: BTreeMap<&'static str, Value>,
    /// A sentence for each setting at fault.
    pub errors: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Reads what the table names.
    pub fn new(raw: &'a ConfigMap) -> Self {
        let mut reader = Self { raw, values: BTreeMap::new(), errors: Vec::new() };
        keys::KEYS.iter().for_each(|row| reader.read(row));
        reader
    }

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
            Ok(Value::List(parts)) if keys::has_no_gaps(name) && parts.iter().any(String::is_empty) => {
                self.errors.push(format!("Configuration '{name}' values must not be empty.{}", example(name)))
            }
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

    /// The settings; they count only if there are no errors.
    pub fn build(&mut self, notes: &mut Vec<String>) -> WorkerConfig {
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
            default_api_timeout_ms: self.millis("default.api.timeout.ms"),
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
        if key == "listeners" && self.values.get(key).is_some_and(|urls| urls.to_text().is_empty()) {
            self.errors.push(
                "Invalid value for listeners, at least one URL is expected, ex: http://localhost:8080,https://localhost:8443."
                    .into(),
            );
        }
        if self.list(key).iter().any(String::is_empty) {
            self.errors.push("Empty URL found when parsing listeners list.".into());
            return Vec::new();
        }
        Listener::parse_all(key, &self.list(key)).unwrap_or_else(|error| {
            self.errors.push(error);
            Vec::new()
        })
    }

    /// Rules `[set|add|setDate|addDate] Name: value` with commas between them.
    fn response_headers(&mut self) -> Vec<HeaderRule> {
        let mut headers = Vec::new();
        for rule in self.list("response.http.headers.config") {
            match HeaderRule::read(rule.trim_matches('"')) {
                Ok(rule) => headers.push(rule),
                Err(why) => self.errors.push(why),
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
        "admin.listeners" => " Write URLs such as http://localhost:8084 with a comma between two",
        "plugin.path" => " Name a folder, or remove the line",
        _ => "",
    }
}

fn is_host_and_port(server: &str) -> bool {
    server
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
}
