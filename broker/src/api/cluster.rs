//! The cluster of one: ApiVersions 0 to 4, DescribeCluster 0 to 2, DescribeQuorum 0 to 2, UpdateFeatures 0 to 2.

use broker_core::request::Request;
use broker_wire::{
    ErrorCode, RequestHeader,
    messages::{
        ApiVersionsRequest, BrokerId, DescribeClusterRequest, DescribeClusterResponse, DescribeQuorumRequest,
        DescribeQuorumResponse, TopicName, UpdateFeaturesRequest, UpdateFeaturesResponse,
        describe_cluster_response::DescribeClusterBroker,
        describe_quorum_response::{Listener, Node, PartitionData, ReplicaState, TopicData},
        update_features_response::UpdatableFeatureResult,
    },
};

use super::{Shape, Step, operations, text};
use crate::connection::Peer;

/// From version 3 on a client says what it is, in plain letters (KIP-511).
pub fn api_versions_error(header: &RequestHeader, request: &ApiVersionsRequest) -> ErrorCode {
    let plain = |text: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        text.chars().all(inner) && edge(text.chars().next()) && edge(text.chars().next_back())
    };
    if header.version >= 3 && !(plain(&request.client_software_name) && plain(&request.client_software_version)) {
        ErrorCode::INVALID_REQUEST
    } else {
        ErrorCode(0)
    }
}

pub fn describe(peer: &Peer, version: i16, request: &DescribeClusterRequest) -> DescribeClusterResponse {
    let broker = DescribeClusterBroker::default()
        .with_broker_id(BrokerId(peer.node_id))
        .with_host(text(&peer.host))
        .with_port(peer.port);
    let response = DescribeClusterResponse::default();
    // 1 asks for brokers, 2 for controllers, which have no listener of their own here (KIP-919).
    if version >= 1 && request.endpoint_type != 1 {
        return response
            .with_error_code(ErrorCode::UNSUPPORTED_ENDPOINT_TYPE.0)
            .with_error_message(Some(text("This node answers for brokers alone: use --bootstrap-server.")))
            .with_endpoint_type(request.endpoint_type);
    }
    response
        .with_cluster_id(text(&peer.cluster_id))
        .with_controller_id(BrokerId(peer.node_id))
        .with_brokers(vec![broker])
        .with_cluster_authorized_operations(operations(
            request.include_cluster_authorized_operations,
            operations::CLUSTER,
        ))
}

/// The topic of Kafka's own log of metadata, whose part the journal plays here.
const METADATA: &str = "__cluster_metadata";

/// The topics and partitions asked for.
pub type Asked = Vec<(TopicName, Vec<i32>)>;

pub fn ask_quorum(request: DescribeQuorumRequest) -> Step {
    let asked = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| partition.partition_index).collect();
        (topic.topic_name, partitions)
    });
    Step::Ask(Request::JournalPosition, Shape::DescribeQuorum(asked.collect()))
}

pub fn answer_quorum(peer: &Peer, version: i16, asked: Asked, position: u64) -> DescribeQuorumResponse {
    let end = i64::try_from(position).unwrap_or(i64::MAX);
    let node = BrokerId(peer.node_id);
    let topic = |(name, partitions): (TopicName, Vec<i32>)| {
        let partition = |index: i32| {
            let result = PartitionData::default().with_partition_index(index);
            if *name != *METADATA || index != 0 {
                return result.with_error_code(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0);
            }
            let this = ReplicaState::default().with_replica_id(node).with_log_end_offset(end);
            result.with_leader_id(node).with_leader_epoch(1).with_high_watermark(end).with_current_voters(vec![this])
        };
        let partitions = partitions.into_iter().map(partition).collect();
        TopicData::default().with_topic_name(name.clone()).with_partitions(partitions)
    };
    let listener = Listener::default()
        .with_name(text("PLAINTEXT"))
        .with_host(text(&peer.host))
        .with_port(u16::try_from(peer.port).unwrap_or(0));
    let nodes = (version >= 2).then(|| Node::default().with_node_id(node).with_listeners(vec![listener]));
    DescribeQuorumResponse::default()
        .with_topics(asked.into_iter().map(topic).collect())
        .with_nodes(nodes.into_iter().collect())
}

/// No feature is finalized here, so that none can be changed.
pub fn update_features(peer: &Peer, version: i16, request: &UpdateFeaturesRequest) -> UpdateFeaturesResponse {
    let response = UpdateFeaturesResponse::default();
    let code = ErrorCode::INVALID_UPDATE_VERSION.0;
    let why = |update: &broker_wire::messages::update_features_request::FeatureUpdateKey| {
        format!(
            "Invalid update version {} for feature {}. Local controller {} does not support this feature.",
            update.max_version_level,
            update.feature.as_str(),
            peer.node_id
        )
    };
    // Version 2 has one outcome for all.
    if version >= 2 {
        return match request.feature_updates.first() {
            None => response,
            Some(first) => {
                let why = format!(
                    "The update failed for all features since the following feature had an error: {}",
                    why(first)
                );
                response.with_error_code(code).with_error_message(Some(text(&why)))
            }
        };
    }
    let one = |update| {
        let update: &broker_wire::messages::update_features_request::FeatureUpdateKey = update;
        UpdatableFeatureResult::default()
            .with_feature(update.feature.clone())
            .with_error_code(code)
            .with_error_message(Some(text(&why(update))))
    };
    response.with_results(request.feature_updates.iter().map(one).collect())
}
