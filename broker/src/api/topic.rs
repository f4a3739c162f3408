//! Metadata 0 to 13, CreateTopics 2 to 7, DeleteTopics 1 to 6, CreatePartitions 0 to 3.

use broker_core::{
    error::Error,
    request::{
        ClusterMetadata, ConfigEntry, CreateTopics, CreatedTopic, DeletedTopic, Metadata, MorePartitions, NewTopic,
        Request, TopicMetadata, TopicRef,
    },
};
use broker_wire::{
    Response,
    messages::{
        BrokerId, CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
        DeleteTopicsRequest, DeleteTopicsResponse, MetadataRequest, MetadataResponse,
        create_partitions_request::CreatePartitionsTopic,
        create_partitions_response::CreatePartitionsTopicResult,
        create_topics_request::CreatableTopic,
        create_topics_response::{CreatableTopicConfigs, CreatableTopicResult},
        delete_topics_request::DeleteTopicState,
        delete_topics_response::DeletableTopicResult,
        metadata_request::MetadataRequestTopic,
        metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic},
    },
};

use super::{Shape, Step, code, config::source, operations, text, topic_name};
use crate::connection::Peer;

pub fn ask_metadata(version: i16, request: MetadataRequest) -> Step {
    // The Java client leaves the name empty, not null, where it means an id.
    let one = |topic: MetadataRequestTopic| match topic.name {
        Some(name) if topic.topic_id.is_nil() => TopicRef::Name(name.to_string()),
        _ => TopicRef::Id(topic.topic_id),
    };
    let topics: Option<Vec<TopicRef>> = request.topics.map(|topics| topics.into_iter().map(one).collect());
    // In version 0 an empty list asks for all; creation can be refused only since version 4.
    let topics = topics.filter(|topics| version > 0 || !topics.is_empty());
    let shape = Shape::Metadata {
        cluster_operations: request.include_cluster_authorized_operations,
        topic_operations: request.include_topic_authorized_operations,
    };
    let allow_auto_topic_creation = version < 4 || request.allow_auto_topic_creation;
    Step::Ask(Request::Metadata(Metadata { topics, allow_auto_topic_creation }), shape)
}

pub fn answer_metadata(
    peer: &Peer,
    version: i16,
    (cluster_operations, topic_operations): (bool, bool),
    cluster: ClusterMetadata,
) -> MetadataResponse {
    let node = BrokerId(cluster.node_id);
    let broker = MetadataResponseBroker::default().with_node_id(node).with_host(text(&peer.host)).with_port(peer.port);
    let topics = cluster.topics.into_iter().map(|topic| {
        // Before version 12 a name cannot be left out.
        let nameless = topic.name.is_none() && version >= 12;
        let topic = metadata_topic(node, topic);
        let topic = topic.with_topic_authorized_operations(operations(topic_operations, operations::TOPIC));
        if nameless { topic.with_name(None) } else { topic }
    });
    MetadataResponse::default()
        .with_brokers(vec![broker])
        .with_cluster_id(Some(text(&cluster.cluster_id)))
        .with_controller_id(node)
        .with_cluster_authorized_operations(operations(cluster_operations, operations::CLUSTER))
        .with_topics(topics.collect())
}

fn metadata_topic(node: BrokerId, topic: TopicMetadata) -> MetadataResponseTopic {
    let partition = |index| {
        MetadataResponsePartition::default()
            .with_partition_index(index)
            .with_leader_id(node)
            .with_leader_epoch(0)
            .with_replica_nodes(vec![node])
            .with_isr_nodes(vec![node])
    };
    MetadataResponseTopic::default()
        .with_error_code(code(&topic.partitions))
        .with_name(Some(topic_name(topic.name.as_deref().unwrap_or_default())))
        .with_topic_id(topic.id)
        .with_is_internal(topic.internal)
        .with_partitions((0..topic.partitions.unwrap_or(0)).map(partition).collect())
}

pub fn ask_create(request: CreateTopicsRequest) -> Step {
    let topic = |topic: CreatableTopic| NewTopic {
        name: topic.name.to_string(),
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: topic
            .assignments
            .into_iter()
            .map(|a| (a.partition_index, a.broker_ids.into_iter().map(|id| id.0).collect()))
            .collect(),
        configs: topic
            .configs
            .into_iter()
            .map(|c| (c.name.to_string(), c.value.map(|value| value.to_string())))
            .collect(),
    };
    let create =
        CreateTopics { topics: request.topics.into_iter().map(topic).collect(), validate_only: request.validate_only };
    Step::Ask(Request::CreateTopics(create), Shape::CreateTopics)
}

pub fn answer_create(version: i16, topics: Vec<CreatedTopic>) -> CreateTopicsResponse {
    let config = |entry: ConfigEntry| {
        CreatableTopicConfigs::default()
            .with_name(text(&entry.name))
            .with_value(entry.value.as_deref().map(text))
            .with_config_source(source(entry.source))
    };
    let topic = |created: CreatedTopic| {
        let result = CreatableTopicResult::default().with_name(topic_name(&created.name)).with_error_message(None);
        match created.outcome {
            // Version 5 brought all but the outcome.
            Ok(_) if version < 5 => result,
            Ok((id, partitions, configs)) => result
                .with_topic_id(id)
                .with_num_partitions(partitions)
                .with_replication_factor(1)
                .with_configs(Some(configs.into_iter().map(config).collect())),
            Err((error, message)) => result.with_error_code(error.code()).with_error_message(Some(text(&message))),
        }
    };
    CreateTopicsResponse::default().with_topics(topics.into_iter().map(topic).collect())
}

pub fn ask_delete(version: i16, request: DeleteTopicsRequest) -> Step {
    // A topic has one of both. Nothing is deleted by a request of which a part may mean something else.
    if version >= 6 && request.topics.iter().any(|topic| topic.name.is_some() != topic.topic_id.is_nil()) {
        let unclear = |topic: DeleteTopicState| DeletedTopic {
            name: topic.name.map(|name| name.to_string()),
            id: topic.topic_id,
            outcome: Err(Error::InvalidRequest),
        };
        let refused = answer_delete(request.topics.into_iter().map(unclear).collect());
        return Step::Answer(Response::DeleteTopics(refused));
    }
    let topics = if version >= 6 {
        let one = |state: DeleteTopicState| match state.name {
            Some(name) => TopicRef::Name(name.to_string()),
            None => TopicRef::Id(state.topic_id),
        };
        request.topics.into_iter().map(one).collect()
    } else {
        request.topic_names.iter().map(|name| TopicRef::Name(name.to_string())).collect()
    };
    Step::Ask(Request::DeleteTopics(topics), Shape::DeleteTopics)
}

pub fn answer_delete(topics: Vec<DeletedTopic>) -> DeleteTopicsResponse {
    let one = |deleted: DeletedTopic| {
        DeletableTopicResult::default()
            .with_name(deleted.name.as_deref().map(topic_name))
            .with_topic_id(deleted.id)
            .with_error_code(code(&deleted.outcome))
            .with_error_message(deleted.outcome.err().map(|error| text(error.message())))
    };
    DeleteTopicsResponse::default().with_responses(topics.into_iter().map(one).collect())
}

pub fn ask_partitions(request: CreatePartitionsRequest) -> Step {
    let topic = |topic: CreatePartitionsTopic| MorePartitions {
        topic: topic.name.to_string(),
        count: topic.count,
        assignments: topic.assignments.map(|new| {
            new.into_iter().map(|partition| partition.broker_ids.into_iter().map(|id| id.0).collect()).collect()
        }),
    };
    let topics = request.topics.into_iter().map(topic).collect();
    Step::Ask(Request::CreatePartitions { topics, validate_only: request.validate_only }, Shape::CreatePartitions)
}

pub fn answer_partitions(topics: Vec<(String, Result<(), (Error, String)>)>) -> CreatePartitionsResponse {
    let one = |(name, outcome): (String, Result<(), (Error, String)>)| {
        let result = CreatePartitionsTopicResult::default().with_name(topic_name(&name)).with_error_message(None);
        match outcome {
            Ok(()) => result,
            Err((error, message)) => result.with_error_code(error.code()).with_error_message(Some(text(&message))),
        }
    };
    CreatePartitionsResponse::default().with_results(topics.into_iter().map(one).collect())
}
