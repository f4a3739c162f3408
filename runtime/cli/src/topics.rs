//! Topics, asked of a cluster: made, grown, deleted, described.
//!
//! Owns the requests of whatever tool has to do with topics. Leaves flags and texts to the tools.
//! Invariant: with `validate_only` nothing is changed, and the answer is the one that the change would get.

use std::collections::BTreeMap;

use kafka_protocol::messages::{
    BrokerId, CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest, DescribeConfigsRequest,
    DescribeTopicPartitionsRequest, MetadataResponse, create_partitions_request::CreatePartitionsTopic,
    create_topics_request::CreatableTopic, delete_topics_request::DeleteTopicState,
    describe_configs_request::DescribeConfigsResource, describe_topic_partitions_request::TopicRequest,
    metadata_response::MetadataResponseTopic,
};

use crate::{
    admin::{Admin, To, text, topic_name},
    failure::Failure,
};

/// How long brokers may take to do it, milliseconds.
const TIMEOUT_MS: i32 = 60_000;

/// One partition, whichever API told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number.
    pub index: i32,
    /// The broker that leads it, if one does.
    pub leader: Option<i32>,
    /// The brokers that hold it.
    pub replicas: Vec<i32>,
    /// Those of them that are in sync.
    pub isr: Vec<i32>,
    /// Eligible and last known leaders (KIP-966); `None` where the broker knows neither.
    pub elr: Option<(Vec<i32>, Vec<i32>)>,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its id; zeros where the broker knows none.
    pub id: [u8; 16],
    /// Its partitions, by number.
    pub partitions: Vec<Partition>,
}

/// The settings of one topic that somebody has made, there or on the brokers: name and value.
pub type Settings = Vec<(String, String)>;

/// Makes a topic.
///
/// # Errors
/// What the controller says, such as `TopicExistsException`; nobody answers in time.
pub fn create(admin: &mut Admin<'_>, topic: &CreatableTopic, validate_only: bool) -> Result<(), Failure> {
    admin.retrying(|admin| {
        let request = CreateTopicsRequest::default().with_topics(vec![topic.clone()]).with_timeout_ms(TIMEOUT_MS);
        let answer = admin.ask(To::Controller, |_| request.with_validate_only(validate_only))?;
        match answer.topics.first() {
            Some(topic) if topic.error_code != 0 => {
                Err(Failure::kafka(topic.error_code, topic.error_message.as_deref()))
            }
            _ => Ok(()),
        }
    })
}

/// Gives topics more partitions.
///
/// # Errors
/// What the controller says of the first that it refuses; nobody answers in time.
pub fn add_partitions(
    admin: &mut Admin<'_>,
    topics: Vec<CreatePartitionsTopic>,
    validate_only: bool,
) -> Result<(), Failure> {
    let request = CreatePartitionsRequest::default().with_topics(topics).with_timeout_ms(TIMEOUT_MS);
    let request = request.with_validate_only(validate_only);
    admin.retrying(|admin| {
        let answer = admin.ask(To::Controller, |_| request.clone())?;
        match answer.results.iter().find(|topic| topic.error_code != 0) {
            Some(topic) => Err(Failure::kafka(topic.error_code, topic.error_message.as_deref())),
            None => Ok(()),
        }
    })
}

/// Deletes topics.
///
/// # Errors
/// What the controller says of the first that it refuses; nobody answers in time.
pub fn delete(admin: &mut Admin<'_>, names: &[String]) -> Result<(), Failure> {
    let named = |name: &String| DeleteTopicState::default().with_name(Some(topic_name(name)));
    admin.retrying(|admin| {
        let answer = admin.ask(To::Controller, |version| {
            let request = DeleteTopicsRequest::default().with_timeout_ms(TIMEOUT_MS);
            match version {
                6.. => request.with_topics(names.iter().map(named).collect()),
                _ => request.with_topic_names(names.iter().map(|name| topic_name(name)).collect()),
            }
        })?;
        match answer.responses.iter().find(|topic| topic.error_code != 0) {
            Some(topic) => Err(Failure::kafka(topic.error_code, topic.error_message.as_deref())),
            None => Ok(()),
        }
    })
}

/// The topics of an answer with their names.
pub fn named(metadata: &MetadataResponse) -> impl Iterator<Item = (String, &MetadataResponseTopic)> {
    metadata.topics.iter().filter_map(|topic| topic.name.as_ref().map(|name| (name.to_string(), topic)))
}

/// These topics with their partitions: through DescribeTopicPartitions where the broker has it, which alone knows of eligible leaders;
/// else what Metadata said. `limit` is of partitions in one answer.
///
/// # Errors
/// What the broker says of one of them; nobody answers in time.
pub fn describe(
    admin: &mut Admin<'_>,
    names: &[String],
    metadata: &MetadataResponse,
    limit: i32,
) -> Result<Vec<Topic>, Failure> {
    if !admin.serves::<DescribeTopicPartitionsRequest>(To::Any)? {
        return Ok(from_metadata(names, metadata));
    }
    let ids = |ids: &[BrokerId]| ids.iter().map(|id| id.0).collect::<Vec<i32>>();
    let mut topics: BTreeMap<String, Topic> = BTreeMap::new();
    let mut cursor = None;
    loop {
        let wanted = names.iter().map(|name| TopicRequest::default().with_name(topic_name(name))).collect();
        let request =
            DescribeTopicPartitionsRequest::default().with_topics(wanted).with_response_partition_limit(limit);
        let answer = admin.ask(To::Any, |_| request.with_cursor(cursor.take()))?;
        for topic in answer.topics {
            if topic.error_code != 0 {
                return Err(Failure::kafka(topic.error_code, None));
            }
            let name = topic.name.map(|name| name.to_string()).unwrap_or_default();
            let id = *topic.topic_id.as_bytes();
            let entry = topics.entry(name.clone()).or_insert(Topic { name, id, partitions: Vec::new() });
            entry.partitions.extend(topic.partitions.iter().map(|partition| Partition {
                index: partition.partition_index,
                leader: (partition.leader_id.0 >= 0).then_some(partition.leader_id.0),
                replicas: ids(&partition.replica_nodes),
                isr: ids(&partition.isr_nodes),
                elr: Some((
                    partition.eligible_leader_replicas.as_deref().map(ids).unwrap_or_default(),
                    partition.last_known_elr.as_deref().map(ids).unwrap_or_default(),
                )),
            }));
        }
        let Some(next) = answer.next_cursor else { return Ok(topics.into_values().collect()) };
        let next_cursor = kafka_protocol::messages::describe_topic_partitions_request::Cursor::default();
        cursor = Some(next_cursor.with_topic_name(next.topic_name).with_partition_index(next.partition_index));
    }
}

fn from_metadata(names: &[String], metadata: &MetadataResponse) -> Vec<Topic> {
    let ids = |ids: &[BrokerId]| ids.iter().map(|id| id.0).collect::<Vec<i32>>();
    let wanted = named(metadata).filter(|(name, _)| names.contains(name));
    let mut topics: Vec<Topic> = wanted
        .map(|(name, topic)| {
            let partition =
                |partition: &kafka_protocol::messages::metadata_response::MetadataResponsePartition| Partition {
                    index: partition.partition_index,
                    leader: (partition.leader_id.0 >= 0).then_some(partition.leader_id.0),
                    replicas: ids(&partition.replica_nodes),
                    isr: ids(&partition.isr_nodes),
                    elr: None,
                };
            let mut partitions: Vec<Partition> = topic.partitions.iter().map(partition).collect();
            partitions.sort_by_key(|partition| partition.index);
            Topic { name, id: *topic.topic_id.as_bytes(), partitions }
        })
        .collect();
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    topics
}

/// The settings of the topics that somebody has made, by topic.
///
/// # Errors
/// What the broker says of one of them; nobody answers in time.
pub fn settings(admin: &mut Admin<'_>, names: &[String]) -> Result<BTreeMap<String, Settings>, Failure> {
    const TOPIC: i8 = 2;
    const DEFAULT: i8 = 5;
    let resource =
        |name: &String| DescribeConfigsResource::default().with_resource_type(TOPIC).with_resource_name(text(name));
    let request = DescribeConfigsRequest::default().with_resources(names.iter().map(resource).collect());
    let mut settings = BTreeMap::new();
    for result in admin.ask(To::Any, |_| request)?.results {
        if result.error_code != 0 {
            return Err(Failure::kafka(result.error_code, result.error_message.as_deref()));
        }
        let made = result.configs.iter().filter(|config| config.config_source != DEFAULT);
        let pair = made.map(|config| (config.name.to_string(), config.value.as_deref().unwrap_or_default().to_owned()));
        settings.insert(result.resource_name.to_string(), pair.collect());
    }
    Ok(settings)
}
