//! IncrementalAlterConfigs (KIP-339) and AlterConfigs: judged first, then one record per resource.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::alterable;
use crate::{
    Broker,
    config_keys::{self, Key, Kind},
    error::Error,
    record::Record,
    request::{AlterConfigs, ConfigChange, ConfigResource},
};

type Refusal = (Error, String);
type Changes = Vec<(String, Option<String>)>;

impl Broker {
    /// Each resource by itself: one that is refused leaves the others as they are. Errors: `InvalidRequest`, `InvalidConfig`,
    /// `UnknownTopicOrPartition`.
    pub(crate) fn alter_configs(
        &mut self,
        resources: Vec<AlterConfigs>,
        validate_only: bool,
    ) -> Vec<(ConfigResource, Result<(), Refusal>)> {
        let all: Vec<ConfigResource> = resources.iter().map(|asked| asked.resource.clone()).collect();
        let mut outcomes = Vec::with_capacity(resources.len());
        for asked in resources {
            let twice = all.iter().filter(|resource| **resource == asked.resource).count() > 1;
            let record = if twice {
                Err((Error::InvalidRequest, "Each resource must appear at most once.".to_string()))
            } else {
                self.judge(&asked)
            };
            if let (Ok(Some(record)), false) = (&record, validate_only) {
                self.append_record(record);
            }
            outcomes.push((asked.resource, record.map(drop)));
        }
        outcomes
    }

    /// The record that makes the change; `None` if nothing changes.
    fn judge(&self, asked: &AlterConfigs) -> Result<Option<Record>, Refusal> {
        let mut names = BTreeSet::new();
        if !asked.changes.iter().all(|(name, _)| names.insert(name)) {
            return Err((Error::InvalidRequest, "Error due to duplicate config keys".into()));
        }
        match &asked.resource {
            ConfigResource::Topic(name) if name.is_empty() => {
                Err((Error::InvalidRequest, "Default topic resources are not allowed.".into()))
            }
            ConfigResource::Topic(name) => {
                let unknown = || (Error::UnknownTopicOrPartition, format!("The topic '{name}' does not exist."));
                let topic = self.topics.get(name).ok_or_else(unknown)?;
                let key = |name: &str| {
                    config_keys::find(name)
                        .ok_or_else(|| (Error::InvalidConfig, format!("Unknown topic config name: {name}")))
                };
                let inherited = |key: &'static Key| self.defaults.get(key).0;
                let changes = changes(asked, &topic.configs, key, inherited, Error::InvalidConfig)?;
                Ok((!changes.is_empty()).then_some(Record::TopicConfigs { topic: topic.id, changes }))
            }
            ConfigResource::Broker(node) => {
                let own = !node.is_empty();
                if own && *node != self.settings.node_id.to_string() {
                    let id = self.settings.node_id;
                    let why = format!("Unexpected broker id, expected {id} or empty string, but received {node}");
                    return Err((Error::InvalidRequest, why));
                }
                let key = |name: &str| {
                    let fixed = || format!("Cannot update these configs dynamically: [{name}]");
                    alterable(name).ok_or_else(|| (Error::InvalidRequest, fixed()))
                };
                let inherited = |key: &'static Key| self.defaults.get(key).0;
                let changes = changes(asked, self.defaults.altered(own), key, inherited, Error::InvalidRequest)?;
                Ok((!changes.is_empty()).then_some(Record::BrokerConfigs { node: own, changes }))
            }
            ConfigResource::Other(kind, _) => {
                Err((Error::InvalidRequest, format!("Configs of resource type {kind} cannot be altered here.")))
            }
        }
    }
}

/// What becomes of each name, given what is set now. `bad` is the error for a value that the table refuses.
fn changes<'a>(
    asked: &AlterConfigs,
    now: &BTreeMap<String, String>,
    key: impl Fn(&str) -> Result<&'static Key, Refusal>,
    inherited: impl Fn(&'static Key) -> &'a str,
    bad: Error,
) -> Result<Changes, Refusal> {
    let mut changes = Changes::new();
    if asked.replace {
        let kept: BTreeSet<&String> = asked.changes.iter().map(|(name, _)| name).collect();
        changes.extend(now.keys().filter(|name| !kept.contains(name)).map(|name| (name.clone(), None)));
    }
    for (name, change) in &asked.changes {
        // Nothing changes, whatever its name: kafka-reassign-partitions removes throttles that were never set.
        if matches!(change, ConfigChange::Delete) && !now.contains_key(name) {
            continue;
        }
        let key = key(name)?;
        let current = now.get(name).map_or_else(|| inherited(key), String::as_str);
        let value = match change {
            ConfigChange::Delete => None,
            ConfigChange::Set(None) => {
                return Err((Error::InvalidRequest, format!("Null value not supported for topic configs: {name}")));
            }
            ConfigChange::Set(Some(value)) => Some(value.clone()),
            ConfigChange::Unknown(number) => {
                return Err((Error::InvalidRequest, format!("Unknown config operation type {number}")));
            }
            ConfigChange::Append(words) => Some(edit(key, "APPEND", current, words, true)?),
            ConfigChange::Subtract(words) => Some(edit(key, "SUBTRACT", current, words, false)?),
        };
        if let Some(value) = &value {
            let setting = if key.name == name { key.name } else { key.broker_setting };
            key.check_as(setting, value).map_err(|why| (bad, why))?;
        }
        if value.as_ref() != now.get(name) {
            changes.push((name.clone(), value));
        }
    }
    Ok(changes)
}

/// A list with words added that it lacks, or without them.
fn edit(key: &Key, operation: &str, current: &str, words: &str, add: bool) -> Result<String, Refusal> {
    if !matches!(key.kind, Kind::List(_)) {
        let why = format!("Can't {operation} to key {} because its type is not LIST.", key.name);
        return Err((Error::InvalidConfig, why));
    }
    let split = |list: &str| -> Vec<String> {
        list.split(',').map(|word| word.trim().to_string()).filter(|word| !word.is_empty()).collect()
    };
    let (mut list, words) = (split(current), split(words));
    if add {
        for word in words {
            if !list.contains(&word) {
                list.push(word);
            }
        }
    } else {
        list.retain(|word| !words.contains(word));
    }
    Ok(list.join(","))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    /// What a topic that has `retention.ms=5` and `cleanup.policy=compact` is changed to.
    fn check(replace: bool, asked: Vec<(&str, ConfigChange)>, expected: Result<Vec<(&str, Option<&str>)>, &str>) {
        let resource = ConfigResource::Topic("t".into());
        let asked = AlterConfigs {
            resource,
            replace,
            changes: asked.into_iter().map(|(name, change)| (name.to_string(), change)).collect(),
        };
        let now = [("cleanup.policy", "compact"), ("retention.ms", "5")];
        let now = now.map(|(name, value)| (name.to_string(), value.to_string())).into();
        let key = |name: &str| config_keys::find(name).ok_or((Error::InvalidConfig, format!("no {name}")));
        let outcome = changes(&asked, &now, key, |key| key.default, Error::InvalidConfig);
        let outcome = outcome.as_ref().map_err(|(_, why)| why.as_str());
        let outcome = outcome
            .map(|changes| changes.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect::<Vec<_>>());
        assert_eq!(outcome, expected);
    }

    fn set(value: &str) -> ConfigChange {
        ConfigChange::Set(Some(value.into()))
    }

    #[test]
    fn what_is_set_added_taken_out_and_removed() {
        use ConfigChange::{Append, Delete, Subtract};
        check(false, vec![("retention.ms", set("7"))], Ok(vec![("retention.ms", Some("7"))]));
        check(false, vec![("retention.ms", set("5"))], Ok(vec![]));
        check(false, vec![("retention.ms", Delete)], Ok(vec![("retention.ms", None)]));
        check(false, vec![("segment.ms", Delete), ("no.such", Delete)], Ok(vec![]));
        check(
            false,
            vec![("cleanup.policy", Append("delete,compact".into()))],
            Ok(vec![("cleanup.policy", Some("compact,delete"))]),
        );
        check(false, vec![("cleanup.policy", Subtract("delete".into()))], Ok(vec![]));
        check(true, vec![("retention.ms", set("7"))], Ok(vec![("cleanup.policy", None), ("retention.ms", Some("7"))]));
    }

    #[test]
    fn what_is_refused() {
        use ConfigChange::{Append, Set, Unknown};
        let soon = "Invalid value soon for configuration retention.ms: Not a number of type LONG";
        check(false, vec![("retention.ms", set("soon"))], Err(soon));
        let null = "Null value not supported for topic configs: retention.ms";
        check(false, vec![("retention.ms", Set(None))], Err(null));
        let list = "Can't APPEND to key retention.ms because its type is not LIST.";
        check(false, vec![("retention.ms", Append("1".into()))], Err(list));
        check(false, vec![("no.such", set("1"))], Err("no no.such"));
        check(false, vec![("retention.ms", Unknown(9))], Err("Unknown config operation type 9"));
    }
}
