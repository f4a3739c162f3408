//! Every setting there is, for `connectd config`: the broker's, topics', the worker's, connectors'.
//!
//! Owns what the worker's settings mean, in a line each. Leaves names, types and defaults to where they are read.
//! Invariant: a setting that is honoured is in the list, and has a meaning.

use std::collections::BTreeMap;

use broker::settings::{self, Settings};
use broker_core::config_keys;
use runtime_cli::own::config::{Checked, Key, Section};
use runtime_core::{
    config::{keys as connector_keys, variables::Provider},
    plugin::ConfigKey,
    properties,
    worker_config::{
        WorkerConfig,
        keys::{ACCEPTED, KEYS, Unset},
    },
};

use crate::providers::Providers;

/// What the worker's settings mean.
const WORKER: &[(&str, &str)] = &[
    (
        "bootstrap.servers",
        "Brokers, as host:port. If it is this machine and nobody answers there, the broker is in this process.",
    ),
    ("client.dns.lookup", "How clients of a cluster elsewhere use a name with several addresses."),
    ("key.converter", "Between connectors' keys and the bytes in topics, for connectors that name none."),
    ("key.converter.plugin.version", "Which version of it."),
    ("value.converter", "Between connectors' values and the bytes in topics, for connectors that name none."),
    ("value.converter.plugin.version", "Which version of it."),
    ("header.converter", "Between connectors' headers and the bytes in topics."),
    ("header.converter.plugin.version", "Which version of it."),
    ("default.api.timeout.ms", "How long a cluster elsewhere has to answer at the start."),
    ("task.shutdown.graceful.timeout.ms", "How long all tasks together have to stop."),
    (
        "offset.flush.interval.ms",
        "Between two commits of offsets to a cluster elsewhere; in this process they are committed with their records.",
    ),
    ("offset.flush.timeout.ms", "How long a commit may take."),
    (
        "plugin.path",
        "Components and folders of them, beside those that are built in; looked through again when something is asked.",
    ),
    ("plugin.discovery", "How Kafka finds Java plug-ins; every value does the same here."),
    ("metrics.sample.window.ms", "The window over which rates are measured."),
    ("metrics.num.samples", "The number of such windows."),
    ("metrics.recording.level", "Kafka's INFO or DEBUG; every metric is there at either."),
    ("metric.reporters", "Java classes; metrics are at /metrics of the REST API."),
    ("config.providers", "Where values come from that a configuration names as ${provider:path:key}."),
    (
        "connector.client.config.override.policy",
        "Which settings of its clients a connector may override: All, None, Principal, Allowlist.",
    ),
    ("connector.client.config.override.allowlist", "Those settings, for Allowlist."),
    ("topic.creation.enable", "Whether sources may create topics with settings of their own (topic.creation.*)."),
    ("topic.tracking.enable", "Whether the topics that a connector has used are remembered."),
    ("topic.tracking.allow.reset", "Whether REST may forget them."),
    ("listeners", "Where the REST API listens, as http://host:port or https://; an empty host is this machine alone."),
    ("admin.listeners", "Where /admin listens; with listeners if unset, nowhere if empty."),
    ("rest.advertised.host.name", "The host that status shows for this worker."),
    ("rest.advertised.port", "The port that status shows for this worker."),
    ("rest.advertised.listener", "The protocol under which workers reach each other."),
    ("rest.extension.classes", "Java classes; none can be loaded, so the worker does not start with one."),
    ("access.control.allow.origin", "Web pages of which origins may ask the REST API."),
    ("access.control.allow.methods", "With which methods."),
    ("response.http.headers.config", "Headers for every answer of the REST API, as in: set X-Frame-Options:DENY."),
    ("ssl.client.auth", "Whether clients of https must show a certificate: required, requested, none."),
    ("offset.storage.file.filename", "The file of source offsets; used with a cluster elsewhere."),
    ("config.storage.topic", "The topic of connectors' configurations."),
    ("offset.storage.topic", "The topic of source offsets."),
    ("status.storage.topic", "The topic of states."),
    ("connectd.grants.files", "Folders in which a configuration over REST may name files."),
    (
        "broker.embedded",
        "auto: the broker is in this process if nobody answers at bootstrap.servers of this machine. always, never.",
    ),
];

fn key(section: Section, name: &str, about: &str) -> Key {
    Key {
        section,
        name: name.to_owned(),
        kind: String::new(),
        default: None,
        required: false,
        honoured: true,
        about: about.to_owned(),
    }
}

/// Every setting, by section and name.
pub fn all() -> Vec<Key> {
    let mut all: Vec<Key> = broker().into_values().collect();
    let topic = |row: &config_keys::Key| Key {
        kind: type_name(row.type_number()).to_owned(),
        default: Some(row.default.to_owned()),
        ..key(Section::Topic, row.name, row.doc)
    };
    all.extend(config_keys::KEYS.iter().map(topic));
    all.extend(KEYS.iter().map(|(name, kind, unset)| Key {
        kind: kind.name().to_lowercase(),
        default: if let Unset::Value(text) = unset { Some((*text).to_owned()) } else { None },
        required: *unset == Unset::Required,
        ..key(Section::Worker, name, meaning(WORKER, name))
    }));
    let idle = "A worker's setting in Kafka, of distributed mode or of clients.";
    all.extend(ACCEPTED.iter().map(|name| Key { honoured: false, ..key(Section::Worker, name, idle) }));
    let connectors = connector_keys::common().into_iter().chain(connector_keys::source()).chain(connector_keys::sink());
    let mut connectors: BTreeMap<String, Key> = connectors.map(|row| (row.name.clone(), of_connector(row))).collect();
    all.extend(std::mem::take(&mut connectors).into_values());
    all.sort_by(|a, b| (a.section, &a.name).cmp(&(b.section, &b.name)));
    all
}

fn of_connector(row: ConfigKey) -> Key {
    Key {
        kind: row.kind.name().to_lowercase(),
        default: row.default,
        required: row.required,
        ..key(Section::Connector, &row.name, &row.doc)
    }
}

fn broker() -> BTreeMap<String, Key> {
    let mut rows = BTreeMap::new();
    for name in settings::WITHOUT_EFFECT {
        rows.insert(
            (*name).to_owned(),
            Key { honoured: false, ..key(Section::Broker, name, "A setting of Kafka's brokers.") },
        );
    }
    for row in config_keys::KEYS.iter().filter(|row| !row.broker_setting.is_empty()) {
        let about = format!("{} The default of topics' {}.", row.doc, row.name);
        let kind = type_name(row.type_number()).to_owned();
        let key =
            Key { kind, default: Some(row.default.to_owned()), ..key(Section::Broker, row.broker_setting, &about) };
        rows.insert(row.broker_setting.to_owned(), key);
    }
    for row in settings::KEYS {
        let kind = type_name(row.kind).to_owned();
        rows.insert(
            row.name.to_owned(),
            Key { kind, default: row.default(), ..key(Section::Broker, row.name, row.doc) },
        );
    }
    rows
}

fn meaning(of: &[(&str, &'static str)], name: &str) -> &'static str {
    of.iter().find(|(known, _)| *known == name).map_or("", |(_, about)| about)
}

/// The name of a type number of DescribeConfigs.
fn type_name(number: i8) -> &'static str {
    match number {
        1 => "boolean",
        2 => "string",
        3 => "int",
        4 => "short",
        5 => "long",
        6 => "double",
        7 => "list",
        _ => "",
    }
}

/// Judges a worker's or broker's file as a start does, without starting anything.
pub fn check(section: Section, path: &str, bytes: &[u8]) -> Checked {
    if section != Section::Worker {
        return broker_file(bytes);
    }
    let resolve = |raw: &runtime_core::config::ConfigMap| Providers::new(Provider::all(raw)?).resolve(raw);
    let (config, mut notes) = WorkerConfig::from_file(path, bytes, resolve)?;
    let (_, of_broker) = Settings::default().parse(&config.broker)?;
    notes.extend(of_broker);
    Ok(notes)
}

fn broker_file(bytes: &[u8]) -> Checked {
    let pairs = properties::parse(bytes).map_err(|bad| bad.to_string())?;
    let pairs = pairs.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Settings::default().parse(&pairs).map(|(_, notes)| notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_that_is_honoured_is_explained() {
        let all = all();
        assert!(all.len() > 150, "{}", all.len());
        let dumb: Vec<&str> =
            all.iter().filter(|key| key.honoured && key.about.is_empty()).map(|key| key.name.as_str()).collect();
        assert_eq!(dumb, [""; 0]);
        for (name, _) in WORKER {
            assert!(KEYS.iter().any(|(known, ..)| known == name), "{name} is no setting of the worker any more");
        }
    }

    #[test]
    fn files_are_judged_as_at_a_start() {
        let check = |section: Section, file: &str, expected: Result<&str, &str>| match (
            check(section, "f", file.as_bytes()),
            expected,
        ) {
            (Ok(notes), Ok(says)) => assert!(notes.concat().contains(says), "{file}: {notes:?}"),
            (Err(why), Err(says)) => assert!(why.contains(says), "{file}: {why}"),
            (got, expected) => panic!("{file}: {got:?} and not {expected:?}"),
        };
        check(Section::Broker, "log.dirs=data\n", Ok(""));
        check(Section::Broker, "num.partitons=3\n", Ok("did you mean num.partitions?"));
        check(Section::Broker, "num.partitions=x\n", Err("num.partitions"));
        let worker =
            "bootstrap.servers=localhost:9092\nkey.converter=StringConverter\nvalue.converter=StringConverter\n";
        check(Section::Worker, worker, Err("offset.storage.file.filename"));
        check(Section::Worker, &format!("{worker}offset.storage.file.filename=o\nlistners=x\n"), Ok("listeners"));
    }
}
