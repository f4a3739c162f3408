//! Which topics there are: names, ids, partition counts, configs.
//!
//! Owns the rules of names and creation and answers what a topic is set to. Leaves their logs to `partition`.
//! Invariant: state moves only by [`Topics::replay`].

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use uuid::Uuid;

use crate::{
    codec::{Damaged, Reader, Writer},
    config_keys,
    configs::{self, Defaults},
    error::Error,
    limits::PARTITIONS_PER_TOPIC,
    record::Record,
    request::NewTopic,
    settings::Settings,
};

/// The topic that holds committed offsets.
pub const CONSUMER_OFFSETS: &str = "__consumer_offsets";

/// The topic that holds the transactions' states.
pub const TRANSACTION_STATE: &str = "__transaction_state";

/// Where Kafka's controllers keep what is kept in the journal here.
const CLUSTER_METADATA: &str = "__cluster_metadata";

/// Whether only the broker itself writes to this topic.
pub(crate) fn is_internal(topic: &str) -> bool {
    matches!(topic, CONSUMER_OFFSETS | TRANSACTION_STATE)
}

/// One topic.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub name: String,
    pub id: Uuid,
    pub partitions: i32,
    pub configs: BTreeMap<String, String>,
}

/// All topics.
#[derive(Default)]
pub(crate) struct Topics {
    by_name: BTreeMap<String, Topic>,
    names: BTreeMap<Uuid, String>,
}

impl Topics {
    pub fn get(&self, name: &str) -> Option<&Topic> {
        self.by_name.get(name)
    }

    pub fn by_id(&self, id: Uuid) -> Option<&Topic> {
        self.by_name.get(self.names.get(&id)?)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Topic> {
        self.by_name.values()
    }

    /// Judges a creation; `Ok` is the partition count it would get.
    pub fn check_new(&self, settings: &Settings, new: &NewTopic) -> Result<i32, (Error, String)> {
        check_name(&new.name).map_err(|why| (Error::InvalidTopicException, why))?;
        if self.by_name.contains_key(&new.name) {
            return Err((Error::TopicAlreadyExists, format!("Topic '{}' already exists.", new.name)));
        }
        if new.name == CLUSTER_METADATA {
            return Err((
                Error::InvalidRequest,
                format!("Creation of internal topic {CLUSTER_METADATA} is prohibited."),
            ));
        }
        if let Some(other) = self.colliding(&new.name) {
            let why = format!("Topic '{}' collides with existing topic: {other}", new.name);
            return Err((Error::InvalidTopicException, why));
        }
        let partitions = partition_count(settings, new)?;
        config_keys::check_all(&new.configs).map_err(|why| (Error::InvalidConfig, why))?;
        Ok(partitions)
    }

    /// `a.b` and `a_b` would share the names of their metrics (Kafka's rule).
    fn colliding(&self, name: &str) -> Option<&str> {
        let plain = |name: &str| name.replace('.', "_");
        if !name.contains(['.', '_']) {
            return None;
        }
        self.by_name.keys().find(|other| plain(other) == plain(name)).map(String::as_str)
    }

    pub fn replay(&mut self, record: &Record) {
        match record {
            Record::TopicCreated { id, name, partitions, configs } => {
                let topic = Topic {
                    name: name.clone(),
                    id: *id,
                    partitions: *partitions,
                    configs: configs.iter().cloned().collect(),
                };
                self.names.insert(*id, name.clone());
                self.by_name.insert(name.clone(), topic);
            }
            Record::PartitionsAdded { topic, partitions } => {
                if let Some(topic) = self.names.get(topic).and_then(|name| self.by_name.get_mut(name)) {
                    topic.partitions = *partitions;
                }
            }
            Record::TopicConfigs { topic, changes } => {
                if let Some(topic) = self.names.get(topic).and_then(|name| self.by_name.get_mut(name)) {
                    configs::change(&mut topic.configs, changes);
                }
            }
            Record::TopicDeleted { topic } => {
                if let Some(name) = self.names.remove(topic) {
                    self.by_name.remove(&name);
                }
            }
            _ => {}
        }
    }

    pub fn encode(&self, out: &mut Writer) {
        out.list(self.by_name.values(), |out, topic| {
            let configs = topic.configs.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
            let (id, name, partitions) = (topic.id, topic.name.clone(), topic.partitions);
            out.bytes(&Record::TopicCreated { id, name, partitions, configs }.encode());
        });
    }

    pub fn decode(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut topics = Self::default();
        for record in from.list(|from| Record::decode(from.bytes()?))? {
            topics.replay(&record);
        }
        Ok(topics)
    }
}

impl Topic {
    /// A config's value: the topic's own, the broker's default, or Kafka's.
    pub fn config<'a>(&'a self, defaults: &'a Defaults, name: &str) -> &'a str {
        let inherited = || defaults.get(config_keys::find(name).expect("asked for a config that exists")).0;
        self.configs.get(name).map_or_else(inherited, String::as_str)
    }

    pub fn internal(&self) -> bool {
        is_internal(&self.name)
    }
}

fn partition_count(settings: &Settings, new: &NewTopic) -> Result<i32, (Error, String)> {
    if !new.assignments.is_empty() {
        return manual_partition_count(settings, new);
    }
    if !matches!(new.replication_factor, -1 | 1) {
        let why = match new.replication_factor {
            ..=0 => "Replication factor must be larger than 0, or -1 to use the default value.".to_string(),
            many => format!(
                "Unable to replicate the partition {many} time(s): The target replication factor of {many} cannot be reached because only 1 broker(s) are registered or some brokers have all their log directories cordoned."
            ),
        };
        return Err((Error::InvalidReplicationFactor, why));
    }
    match new.partitions {
        -1 => Ok(settings.num_partitions),
        ..=0 => {
            Err((Error::InvalidPartitions, "Number of partitions was set to an invalid non-positive value.".into()))
        }
        many if many > PARTITIONS_PER_TOPIC => Err((
            Error::InvalidPartitions,
            format!("Number of partitions {many} is above the limit of {PARTITIONS_PER_TOPIC} per topic."),
        )),
        many => Ok(many),
    }
}

fn manual_partition_count(settings: &Settings, new: &NewTopic) -> Result<i32, (Error, String)> {
    let bad = |why: &str| Err((Error::InvalidReplicaAssignment, why.to_string()));
    if new.partitions != -1 || new.replication_factor != -1 {
        let why =
            "A manual partition assignment was specified, but numPartitions or replicationFactor was not set to -1.";
        return Err((Error::InvalidRequest, why.into()));
    }
    let mut indexes: Vec<i32> = new.assignments.iter().map(|(index, _)| *index).collect();
    indexes.sort_unstable();
    if !indexes.iter().copied().eq(0..new.assignments.len() as i32) {
        return bad("partitions should be a consecutive 0-based integer sequence");
    }
    for (_, replicas) in &new.assignments {
        check_replicas(settings.node_id, replicas)?;
    }
    Ok(new.assignments.len() as i32)
}

/// What may be said about where a partition lies: on this node, once.
pub fn check_replicas(node_id: i32, replicas: &[i32]) -> Result<(), (Error, String)> {
    let stranger = replicas.iter().find(|id| **id != node_id);
    let why = match (replicas, stranger) {
        ([], _) => "The manual partition assignment includes an empty replica list.".to_string(),
        (_, Some(id)) => {
            format!("The manual partition assignment includes broker {id}, but no such broker is registered.")
        }
        ([_], None) => return Ok(()),
        ([id, ..], None) => format!("The manual partition assignment includes the broker {id} more than once."),
    };
    Err((Error::InvalidReplicaAssignment, why))
}

/// Kafka's rules for a topic name; the error is Kafka's sentence.
pub fn check_name(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match name {
        "" => Err("Topic name is invalid: the empty string is not allowed".into()),
        "." | ".." => {
            Err("Topic name is invalid: '.' or '..' is not allowed".replace("'.' or '..'", &format!("'{name}'")))
        }
        _ if name.len() > 249 => {
            Err(format!("Topic name is invalid: the length of '{name}' is longer than the max allowed length 249"))
        }
        _ if !name.chars().all(legal) => Err(format!(
            "Topic name is invalid: '{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kafkas() {
        let long = "a".repeat(250);
        for (name, good) in [
            ("a.b_c-9", true),
            ("", false),
            (".", false),
            ("..", false),
            ("...", true),
            ("a/b", false),
            ("ü", false),
            (&long, false),
        ] {
            assert_eq!(check_name(name).is_ok(), good, "{name}");
        }
    }
}
