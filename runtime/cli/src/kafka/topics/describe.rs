//! `kafka-topics --describe`.
//!
//! Owns which partitions are shown and how a line looks. Invariant: lines are those of Kafka 4.3, tabs and all.

use std::collections::BTreeMap;

use base64::{
    Engine, alphabet,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD},
    },
};
use kafka_protocol::messages::{
    BrokerId, DescribeConfigsRequest, DescribeTopicPartitionsRequest, ListPartitionReassignmentsRequest,
    MetadataResponse, describe_configs_request::DescribeConfigsResource,
    describe_topic_partitions_request::TopicRequest,
};

use super::{FILTERS, ensure_exists, named};
use crate::{
    admin::{Admin, To, text, topic_name},
    failure::Failure,
    flags::Given,
    topic_names::Wanted,
    world::World,
};

/// What stands in place of an id where there is none.
const NO_ID: [u8; 16] = [0; 16];

/// One partition, whichever API told of it.
struct Partition {
    index: i32,
    leader: Option<i32>,
    replicas: Vec<i32>,
    isr: Vec<i32>,
    /// Eligible and last known leaders (KIP-966); `None` where the broker knows neither.
    elr: Option<(Vec<i32>, Vec<i32>)>,
}

struct Topic {
    name: String,
    id: [u8; 16],
    partitions: Vec<Partition>,
}

/// The settings of one topic that somebody has made, there or on the brokers: name and value.
type Settings = Vec<(String, String)>;

pub(super) fn describe(given: &Given, world: &mut dyn World) -> Result<(), Failure> {
    // An id counts only where it is one; Kafka takes the id of nothing for no id.
    let id = given.one("topic-id")?.map(topic_id).transpose()?.filter(|id| *id != NO_ID);
    let wanted = Wanted::new(given.one("topic")?.filter(|_| id.is_none()))?;
    let mut admin = Admin::new(given, world, "listTopics")?;
    let metadata = admin.metadata(None)?;
    let mut names = wanted.of(&metadata, given.has("exclude-internal"));
    match id {
        Some(id) => {
            let is_it = |name: &String| {
                named(&metadata).any(|(other, topic)| other == *name && *topic.topic_id.as_bytes() == id)
            };
            names.retain(is_it);
            if names.is_empty() && !given.has("if-exists") {
                let id = given.one("topic-id")?.unwrap_or_default();
                return Err(Failure::new(format!("TopicId '{id}' does not exist as expected")));
            }
        }
        None => ensure_exists(given, &names)?,
    }
    if names.is_empty() {
        return Ok(());
    }
    let limit = given.parsed_or("partition-size-limit-per-response", 2000)?;
    admin.calling("describeTopics");
    let topics = describe_topics(&mut admin, &names, &metadata, limit)?;
    let settings = settings(&mut admin, &names)?;
    let adding = adding(&mut admin)?;
    let text: String = topics.iter().map(|topic| of_topic(given, topic, &settings, &adding)).collect();
    admin.world.out(&text);
    Ok(())
}

/// Java's decoder does not mind bits that are left over.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn topic_id(id: &str) -> Result<[u8; 16], Failure> {
    let bytes = LENIENT.decode(id).map_err(|_| Failure::new("Illegal base64 character"))?;
    let len = bytes.len();
    bytes.try_into().map_err(|_| {
        Failure::new(format!(
            "Input string `{id}` decoded as {len} bytes, which is not equal to the expected 16 bytes of a base64-encoded UUID"
        ))
    })
}

/// Through DescribeTopicPartitions where the broker has it, which alone knows of eligible leaders; else what Metadata said.
fn describe_topics(
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

/// The topics' settings, by topic.
fn settings(admin: &mut Admin<'_>, names: &[String]) -> Result<BTreeMap<String, Settings>, Failure> {
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

/// How many replicas are being added to a partition: they do not count as missing.
fn adding(admin: &mut Admin<'_>) -> Result<BTreeMap<(String, i32), Vec<i32>>, Failure> {
    let request = ListPartitionReassignmentsRequest::default().with_timeout_ms(30_000).with_topics(None);
    if !admin.serves::<ListPartitionReassignmentsRequest>(To::Controller)? {
        return Ok(BTreeMap::new());
    }
    let mut adding = BTreeMap::new();
    for topic in admin.ask(To::Controller, |_| request)?.topics {
        for partition in topic.partitions {
            let ids = partition.adding_replicas.iter().map(|id| id.0).collect();
            adding.insert((topic.name.to_string(), partition.partition_index), ids);
        }
    }
    Ok(adding)
}

fn of_topic(
    given: &Given,
    topic: &Topic,
    settings: &BTreeMap<String, Settings>,
    adding: &BTreeMap<(String, i32), Vec<i32>>,
) -> String {
    let none = Vec::new();
    let settings = settings.get(&topic.name).unwrap_or(&none);
    let filtered = !given.among(&FILTERS).is_empty();
    let mut text = String::new();
    if !filtered && (!given.has("topics-with-overrides") || !settings.is_empty()) {
        let shown: Vec<String> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let id = match topic.id {
            [0, ..] if topic.id == [0; 16] => String::new(),
            id => format!("\tTopicId: {}", URL_SAFE_NO_PAD.encode(id)),
        };
        let replicas = topic.partitions.first().map_or(0, |partition| partition.replicas.len());
        text.push_str(&format!(
            "Topic: {}{id}\tPartitionCount: {}\tReplicationFactor: {replicas}\tConfigs: {}\n",
            topic.name,
            topic.partitions.len(),
            shown.join(",")
        ));
    }
    if given.has("topics-with-overrides") {
        return text;
    }
    let min_isr = settings.iter().find(|(name, _)| name == "min.insync.replicas");
    let min_isr: usize = min_isr.and_then(|(_, value)| value.parse().ok()).unwrap_or(1);
    for partition in &topic.partitions {
        let added = adding.get(&(topic.name.clone(), partition.index)).map_or(0, Vec::len);
        if !filtered || is_wanted(given, partition, min_isr, added) {
            text.push_str(&line(&topic.name, partition));
        }
    }
    text
}

fn is_wanted(given: &Given, partition: &Partition, min_isr: usize, added: usize) -> bool {
    let in_sync = partition.isr.len();
    (given.has("under-replicated-partitions") && in_sync < partition.replicas.len().saturating_sub(added))
        || (given.has("unavailable-partitions") && partition.leader.is_none())
        || (given.has("under-min-isr-partitions") && in_sync < min_isr)
        || (given.has("at-min-isr-partitions") && in_sync == min_isr)
}

fn line(topic: &str, partition: &Partition) -> String {
    let list = |ids: &[i32]| ids.iter().map(i32::to_string).collect::<Vec<String>>().join(",");
    let leader = partition.leader.map_or("none".to_owned(), |leader| leader.to_string());
    let (replicas, isr) = (list(&partition.replicas), list(&partition.isr));
    let elr = match &partition.elr {
        Some((elr, last)) => format!("\tElr: {}\tLastKnownElr: {}", list(elr), list(last)),
        None => "\tElr: N/A\tLastKnownElr: N/A".to_owned(),
    };
    format!(
        "\tTopic: {topic}\tPartition: {}\tLeader: {leader}\tReplicas: {replicas}\tIsr: {isr}{elr}\n",
        partition.index
    )
}
