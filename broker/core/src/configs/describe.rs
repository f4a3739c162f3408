//! DescribeConfigs and ListConfigResources.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::Defaults;
use crate::{
    Broker,
    config_keys::{self, Key},
    error::Error,
    request::{ConfigEntry, ConfigResource, ConfigSource, Synonym},
};

type Described = Vec<(ConfigResource, Result<Vec<ConfigEntry>, (Error, String)>)>;

impl Broker {
    pub(crate) fn describe_configs(&self, resources: Vec<ConfigResource>) -> Described {
        let one = |resource: ConfigResource| {
            let described = self.describe_resource(&resource);
            (resource, described)
        };
        resources.into_iter().map(one).collect()
    }

    fn describe_resource(&self, resource: &ConfigResource) -> Result<Vec<ConfigEntry>, (Error, String)> {
        match resource {
            ConfigResource::Topic(name) => match self.topics.get(name) {
                Some(topic) => Ok(describe(&self.defaults, &topic.configs)),
                None => Err((Error::UnknownTopicOrPartition, String::new())),
            },
            ConfigResource::Broker(node) if node.is_empty() => Ok(self.describe_cluster_defaults()),
            ConfigResource::Broker(node) if *node == self.settings.node_id.to_string() => Ok(self.describe_broker()),
            ConfigResource::Broker(node) => Err((
                Error::InvalidRequest,
                format!(
                    "Unexpected broker id, expected {} or empty string, but received {node}",
                    self.settings.node_id
                ),
            )),
            // Groups of the newer protocols and client metrics have configs in Kafka; there are none of either here.
            ConfigResource::Other(GROUP | CLIENT_METRICS, _) => Ok(Vec::new()),
            ConfigResource::Other(kind, _) => {
                Err((Error::InvalidRequest, format!("Unsupported resource type: {kind}")))
            }
        }
    }

    /// What is altered for every broker of the cluster, and nothing else.
    fn describe_cluster_defaults(&self) -> Vec<ConfigEntry> {
        let entry = |(name, value): (&String, &String)| {
            let key = super::alterable(name).expect("it was checked when it was altered");
            let synonym = Synonym { name: name.clone(), value: value.clone(), source: ConfigSource::Cluster };
            let value = Some(value.clone());
            ConfigEntry {
                name: name.clone(),
                synonyms: Vec::from([synonym]),
                ..entry(key, value, ConfigSource::Cluster)
            }
        };
        self.defaults.altered(false).iter().map(entry).collect()
    }

    fn describe_broker(&self) -> Vec<ConfigEntry> {
        let mut entries: Vec<ConfigEntry> = self.settings.described.iter().map(fixed).collect();
        for key in config_keys::KEYS.iter().filter(|key| !key.broker_setting.is_empty()) {
            let (value, source) = self.defaults.get(key);
            let synonyms = self.defaults.synonyms(key);
            // Null as in Kafka where only a coarser unit has a default.
            let entry = entry(key, (!synonyms.is_empty()).then(|| value.to_string()), source);
            entries.push(ConfigEntry { name: key.broker_setting.into(), synonyms, ..entry });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries
    }

    /// The names of what has configs, by Kafka's number of the kind (KIP-1142).
    pub(crate) fn config_resources(&self, kinds: &[i8]) -> Vec<(i8, String)> {
        let wanted = |kind: i8| kinds.is_empty() || kinds.contains(&kind);
        let topics = self.topics.iter().filter(|_| wanted(TOPIC)).map(|topic| (TOPIC, topic.name.clone()));
        let node = wanted(BROKER).then(|| (BROKER, self.settings.node_id.to_string()));
        let loggers = wanted(BROKER_LOGGER).then(|| (BROKER_LOGGER, self.settings.node_id.to_string()));
        topics.chain(node).chain(loggers).collect()
    }
}

/// `ConfigResource.Type`.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

/// Every topic config for a topic with these configs of its own.
pub(crate) fn describe(defaults: &Defaults, own: &BTreeMap<String, String>) -> Vec<ConfigEntry> {
    let one = |key: &'static Key| {
        let mut synonyms = defaults.synonyms(key);
        let (value, source) = match own.get(key.name) {
            Some(value) => {
                let source = ConfigSource::Topic;
                synonyms.insert(0, Synonym { name: key.name.into(), value: value.clone(), source });
                (value.as_str(), source)
            }
            None => defaults.get(key),
        };
        ConfigEntry { synonyms, ..entry(key, Some(value.to_string()), source) }
    };
    config_keys::KEYS.iter().map(one).collect()
}

fn entry(key: &Key, value: Option<String>, source: ConfigSource) -> ConfigEntry {
    let kind = key.type_number();
    ConfigEntry { name: key.name.into(), value, source, read_only: false, synonyms: Vec::new(), kind, doc: key.doc }
}

/// A setting that only the settings file changes.
fn fixed(setting: &crate::settings::Described) -> ConfigEntry {
    let source = if setting.is_default { ConfigSource::Default } else { ConfigSource::StaticBroker };
    let synonym = Synonym { name: setting.name.into(), value: setting.value.clone(), source };
    ConfigEntry {
        name: setting.name.into(),
        value: Some(setting.value.clone()),
        source,
        read_only: true,
        synonyms: Vec::from([synonym]),
        kind: setting.kind,
        doc: setting.doc,
    }
}
