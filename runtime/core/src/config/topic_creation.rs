//! Topics that a source creates: `topic.creation.*` (KIP-158, contract 7.2).
//!
//! Owns which group a topic belongs to, and what it is created with. Leaves asking the cluster to the source's machine. Invariant:
//! there is a default group, and every topic belongs to one.

use alloc::{format, string::String, vec::Vec};
use broker_core::request::NewTopic;

use super::ConfigMap;
use super::value::{full_match, list};

const PREFIX: &str = "topic.creation.";

/// The groups, in the order in which they are tried; the default one last.
#[derive(Clone, Debug)]
pub struct TopicCreation {
    groups: Vec<Group>,
}

#[derive(Clone, Debug)]
struct Group {
    include: Vec<regex::Regex>,
    exclude: Vec<regex::Regex>,
    partitions: i32,
    replication_factor: i16,
    configs: Vec<(String, Option<String>)>,
}

impl TopicCreation {
    /// The groups of a connector's configuration; `None` if it has none, and topics are left to the cluster.
    pub fn new(config: &ConfigMap) -> Result<Option<Self>, String> {
        if !config.iter().any(|(key, _)| key.starts_with(PREFIX)) {
            return Ok(None);
        }
        let mut default = Group::new(config, "default", None)?;
        (default.include, default.exclude) = ([full_match(".*")?].into(), Vec::new());
        let names = list(config.get("topic.creation.groups").unwrap_or_default());
        let named = names.iter().filter(|name| *name != "default");
        let mut groups =
            named.map(|name| Group::new(config, name, Some(&default))).collect::<Result<Vec<_>, String>>()?;
        groups.push(default);
        Ok(Some(Self { groups }))
    }

    /// What `topic` is created with.
    pub fn topic(&self, topic: &str) -> NewTopic {
        let any = |patterns: &[regex::Regex]| patterns.iter().any(|pattern| pattern.is_match(topic));
        let mut groups = self.groups.iter().filter(|group| any(&group.include) && !any(&group.exclude));
        let group = groups.next().or(self.groups.last()).expect("there is a default group");
        NewTopic {
            name: topic.into(),
            partitions: group.partitions,
            replication_factor: group.replication_factor,
            assignments: Vec::new(),
            configs: group.configs.clone(),
        }
    }
}

impl Group {
    fn new(config: &ConfigMap, name: &str, default: Option<&Group>) -> Result<Self, String> {
        let keys = config.under(&format!("{PREFIX}{name}."));
        let patterns = |key: &str| {
            let patterns = list(keys.get(key).unwrap_or_default());
            let read = |pattern: &String| {
                full_match(pattern).map_err(|error| {
                    format!("Invalid value {pattern} for configuration {PREFIX}{name}.{key}: Invalid regex: {error}")
                })
            };
            patterns.iter().map(read).collect::<Result<Vec<_>, String>>()
        };
        let number = |key: &str, default: Option<i32>| match (keys.get(key).map(str::trim), default) {
            (Some(text), _) => text.parse().ok().filter(|number| matches!(number, -1 | 1..)).ok_or_else(|| {
                format!("Invalid value {text} for configuration {PREFIX}{name}.{key}: Value must be -1 or at least 1")
            }),
            (None, Some(default)) => Ok(default),
            (None, None) => {
                Err(format!("Missing required configuration \"{PREFIX}{name}.{key}\" which has no default value."))
            }
        };
        let replication = number("replication.factor", default.map(|group| group.replication_factor.into()))?;
        let own = ["include", "exclude", "partitions", "replication.factor"];
        let configs = keys.iter().filter(|(key, _)| !own.contains(key));
        Ok(Self {
            include: patterns("include")?,
            exclude: patterns("exclude")?,
            partitions: number("partitions", default.map(|group| group.partitions))?,
            replication_factor: i16::try_from(replication).map_err(|_| {
                format!("Invalid value {replication} for configuration {PREFIX}{name}.replication.factor")
            })?,
            configs: configs.map(|(key, value)| (key.into(), Some(value.trim().into()))).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<TopicCreation>, String> {
        TopicCreation::new(&pairs.iter().copied().collect())
    }

    #[test]
    fn the_first_group_that_matches() {
        let creation = read(&[
            ("topic.creation.groups", "a, b"),
            ("topic.creation.default.partitions", "3"),
            ("topic.creation.default.replication.factor", "-1"),
            ("topic.creation.default.retention.ms", "5"),
            ("topic.creation.a.include", "x.*, y"),
            ("topic.creation.a.exclude", "xx"),
            ("topic.creation.a.partitions", "7"),
            ("topic.creation.b.include", "x.*"),
            ("topic.creation.b.cleanup.policy", "compact"),
        ]);
        let creation = creation.unwrap().unwrap();
        let check = |topic: &str, partitions: i32, configs: &[(&str, &str)]| {
            let new = creation.topic(topic);
            let configs: Vec<_> =
                configs.iter().map(|(key, value)| (String::from(*key), Some(String::from(*value)))).collect();
            assert_eq!((new.partitions, new.replication_factor, new.configs), (partitions, -1, configs), "{topic}");
        };
        check("x1", 7, &[]);
        check("y", 7, &[]);
        check("xx", 3, &[("cleanup.policy", "compact")]);
        check("z", 3, &[("retention.ms", "5")]);
    }

    #[test]
    fn what_is_missing() {
        assert!(read(&[("a", "b")]).unwrap().is_none());
        let missing = read(&[("topic.creation.default.partitions", "1")]).unwrap_err();
        assert_eq!(
            missing,
            "Missing required configuration \"topic.creation.default.replication.factor\" which has no default value."
        );
        assert!(
            read(&[("topic.creation.default.partitions", "0"), ("topic.creation.default.replication.factor", "1")])
                .is_err()
        );
    }
}
