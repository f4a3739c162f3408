//! What topics are set to, and where each value comes from.
//!
//! Owns the layers below a topic's own configs: what was altered at run time for this node, then for the cluster, then the
//! settings file, then Kafka's default. Leaves the table of configs to `config_keys`, a topic's own values to `topics`.
//! Invariant: the layers altered at run time move only by [`Defaults::replay`].

mod alter;
mod describe;

pub(crate) use describe::describe;

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    config_keys::{self, Key},
    record::Record,
    request::{ConfigSource, Synonym},
};

/// The layers that hold for every topic.
#[derive(Default)]
pub(crate) struct Defaults {
    /// From the settings file, by topic config name.
    file: BTreeMap<String, String>,
    /// Altered at run time (KIP-226), by the broker's name for the config.
    cluster: BTreeMap<String, String>,
    node: BTreeMap<String, String>,
}

impl Defaults {
    /// Those of a settings file, by topic config name.
    pub fn new(file: BTreeMap<String, String>) -> Self {
        Self { file, ..Self::default() }
    }

    /// What a topic that has no value of its own for this config is set to, and the layer that says so.
    pub fn get(&self, key: &'static Key) -> (&str, ConfigSource) {
        let altered = |layer: &'_ BTreeMap<String, String>| layer.contains_key(key.broker_setting);
        match key.broker_setting {
            setting if altered(&self.node) => (&self.node[setting], ConfigSource::Node),
            setting if altered(&self.cluster) => (&self.cluster[setting], ConfigSource::Cluster),
            _ => match self.file.get(key.name) {
                Some(value) => (value, ConfigSource::StaticBroker),
                None => (key.default, ConfigSource::Default),
            },
        }
    }

    /// Every layer's value under the broker's name, the one that holds first (`DescribeConfigsSynonym`).
    pub fn synonyms(&self, key: &Key) -> Vec<Synonym> {
        let setting = key.broker_setting;
        if setting.is_empty() {
            return Vec::new();
        }
        let layer = |value: Option<&String>, source| {
            value.map(|value| Synonym { name: setting.to_string(), value: value.clone(), source })
        };
        let altered = [
            layer(self.node.get(setting), ConfigSource::Node),
            layer(self.cluster.get(setting), ConfigSource::Cluster),
            layer(self.file.get(key.name), ConfigSource::StaticBroker),
        ];
        let mut synonyms: Vec<Synonym> = altered.into_iter().flatten().collect();
        synonyms.extend(default_synonym(key, synonyms.is_empty()));
        synonyms
    }

    /// What is altered at run time: for this node, or for the cluster.
    pub fn altered(&self, node: bool) -> &BTreeMap<String, String> {
        if node { &self.node } else { &self.cluster }
    }

    pub fn replay(&mut self, record: &Record) {
        let Record::BrokerConfigs { node, changes } = record else { return };
        let layer = if *node { &mut self.node } else { &mut self.cluster };
        change(layer, changes);
    }

    /// The records that lead here from nothing altered.
    pub fn records(&self) -> Vec<Record> {
        let record = |(node, layer): (bool, &BTreeMap<String, String>)| {
            let changes: Vec<_> = layer.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
            (!changes.is_empty()).then_some(Record::BrokerConfigs { node, changes })
        };
        [(false, &self.cluster), (true, &self.node)].into_iter().filter_map(record).collect()
    }
}

/// Four settings have no default of their own in Kafka: it lies under a coarser unit's name.
fn default_synonym(key: &Key, only: bool) -> Option<Synonym> {
    let (name, value) = match key.name {
        "flush.ms" | "retention.ms" | "segment.ms" | "segment.jitter.ms" if only => return None,
        "retention.ms" => ("log.retention.hours", "168"),
        "segment.ms" => ("log.roll.hours", "168"),
        "segment.jitter.ms" => ("log.roll.jitter.hours", "0"),
        "flush.ms" => ("log.flush.scheduler.interval.ms", key.default),
        _ => (key.broker_setting, key.default),
    };
    Some(Synonym { name: name.to_string(), value: value.to_string(), source: ConfigSource::Default })
}

/// Sets what has a value and removes what has none.
pub(crate) fn change(layer: &mut BTreeMap<String, String>, changes: &[(String, Option<String>)]) {
    for (name, value) in changes {
        match value {
            Some(value) => layer.insert(name.clone(), value.clone()),
            None => layer.remove(name),
        };
    }
}

/// The row of a broker setting that may be altered at run time: one that is a default of topics.
fn alterable(setting: &str) -> Option<&'static Key> {
    config_keys::KEYS.iter().find(|key| !key.broker_setting.is_empty() && key.broker_setting == setting)
}
