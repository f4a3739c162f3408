//! Topics and configs: Metadata, creation, deletion, what a topic or the broker is set to.

use alloc::{string::String, vec::Vec};
use uuid::Uuid;

use crate::error::Error;

/// A topic as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicRef {
    /// By name.
    Name(String),
    /// By id.
    Id(Uuid),
}

/// One topic's deletion.
#[derive(Clone, Debug)]
pub struct DeletedTopic {
    /// Its name; `None` for an unknown id.
    pub name: Option<String>,
    /// Its id; nil for an unknown name.
    pub id: Uuid,
    /// What became of it.
    pub outcome: Result<(), Error>,
}

/// Metadata.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// The topics; `None` asks for all.
    pub topics: Option<Vec<TopicRef>>,
    /// Create the missing ones, if the broker's settings allow it too.
    pub allow_auto_topic_creation: bool,
}

/// What there is.
#[derive(Clone, Debug)]
pub struct ClusterMetadata {
    /// Cluster id.
    pub cluster_id: String,
    /// This node's id, which leads everything.
    pub node_id: i32,
    /// Topics.
    pub topics: Vec<TopicMetadata>,
}

/// One topic.
#[derive(Clone, Debug)]
pub struct TopicMetadata {
    /// Name; `None` for an unknown id.
    pub name: Option<String>,
    /// Id, nil if unknown.
    pub id: Uuid,
    /// `__consumer_offsets` and its like.
    pub internal: bool,
    /// Number of partitions, all led by this node at epoch 0; or why it is not there.
    pub partitions: Result<i32, Error>,
}

/// CreateTopics.
#[derive(Clone, Debug)]
pub struct CreateTopics {
    /// The topics.
    pub topics: Vec<NewTopic>,
    /// Check only.
    pub validate_only: bool,
}

/// One topic to create.
#[derive(Clone, Debug)]
pub struct NewTopic {
    /// Name.
    pub name: String,
    /// Partitions, -1 for the broker's default.
    pub partitions: i32,
    /// Replication factor, -1 for the broker's default; 1 is all there is.
    pub replication_factor: i16,
    /// Manual assignment: partition and its replicas.
    pub assignments: Vec<(i32, Vec<i32>)>,
    /// Topic configs.
    pub configs: Vec<(String, Option<String>)>,
}

/// One topic's creation.
#[derive(Clone, Debug)]
pub struct CreatedTopic {
    /// Name.
    pub name: String,
    /// Its id, partition count and effective configs, or what is wrong.
    pub outcome: Result<(Uuid, i32, Vec<ConfigEntry>), (Error, String)>,
}

/// Whose configs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigResource {
    /// A topic's.
    Topic(String),
    /// A broker's, by node id.
    Broker(String),
    /// Of a kind we do not have: Kafka's number and the name.
    Other(i8, String),
}

/// One config with its effective value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Name.
    pub name: String,
    /// Value.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// Only the settings file changes it.
    pub read_only: bool,
    /// Every layer's value, the one that holds first.
    pub synonyms: Vec<Synonym>,
    /// Kafka's type number (1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9 password).
    pub kind: i8,
    /// One line of documentation.
    pub doc: &'static str,
}

/// Where a config's value comes from (`DescribeConfigsResponse.ConfigSource`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    /// Set on the topic (1).
    Topic,
    /// Altered at run time for this broker (2).
    Node,
    /// Altered at run time for all brokers (3).
    Cluster,
    /// From the broker's settings file (4).
    StaticBroker,
    /// Kafka's default (5).
    Default,
}

/// A config's value in one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synonym {
    /// The config's name there.
    pub name: String,
    /// Its value there.
    pub value: String,
    /// Which layer.
    pub source: ConfigSource,
}

/// A resource's configs to change.
#[derive(Clone, Debug)]
pub struct AlterConfigs {
    /// Whose.
    pub resource: ConfigResource,
    /// What is not named goes back to its default (the older AlterConfigs).
    pub replace: bool,
    /// By name.
    pub changes: Vec<(String, ConfigChange)>,
}

/// One change (KIP-339).
#[derive(Clone, Debug)]
pub enum ConfigChange {
    /// To this value.
    Set(Option<String>),
    /// Back to the default.
    Delete,
    /// Words, separated by commas, into a list.
    Append(String),
    /// Words out of a list.
    Subtract(String),
    /// An operation of a number that nobody knows.
    Unknown(i8),
}

/// CreatePartitions for one topic.
#[derive(Clone, Debug)]
pub struct MorePartitions {
    /// Topic name.
    pub topic: String,
    /// Partitions it shall have.
    pub count: i32,
    /// Replicas of each new partition, if the client chose them.
    pub assignments: Option<Vec<Vec<i32>>>,
}
