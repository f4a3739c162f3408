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
use kafka_protocol::messages::ListPartitionReassignmentsRequest;

use super::{FILTERS, ensure_exists};
use crate::{
    admin::{Admin, To},
    failure::Failure,
    flags::Given,
    topic_names::Wanted,
    topics::{self, Partition, Settings, Topic, named},
    world::World,
};

/// What stands in place of an id where there is none.
const NO_ID: [u8; 16] = [0; 16];

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
        None => ensure_exists(given, &names, &metadata)?,
    }
    if names.is_empty() {
        return Ok(());
    }
    let limit = given.parsed_or("partition-size-limit-per-response", 2000)?;
    admin.calling("describeTopics");
    let topics = topics::describe(&mut admin, &names, &metadata, limit)?;
    let settings = topics::settings(&mut admin, &names)?;
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
