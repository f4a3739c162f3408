//! Kafka's messages to the core's requests and back, one file per family of APIs.
//!
//! Owns the version wrinkles. Leaves bytes to `broker_wire` and every decision to the core. Invariant: a Kafka struct goes no further
//! in than this folder.

use broker_core::{
    error::Error,
    request::{Reply, Request},
};
use broker_wire::{
    ErrorCode, RequestHeader, Response, StrBytes, apis,
    messages::{BrokerId, DescribeClusterResponse, TopicName, describe_cluster_response::DescribeClusterBroker},
};

use crate::{connection::Peer, handle::Handle};

mod fetch;
mod group;
mod offset;
mod produce;
#[cfg(test)]
mod tests;
mod topic;

/// What to do with a request.
pub(crate) enum Step {
    /// Ask the core, and answer in this shape.
    Ask(Request, Shape),
    /// Answer at once.
    Answer(Response),
}

/// How the core's reply becomes a response: which API it answers, and what of the request the answer repeats.
pub(crate) enum Shape {
    Produce { acks: i16 },
    Fetch { read_committed: bool },
    ListOffsets,
    Metadata,
    CreateTopics,
    DeleteTopics,
    CreatePartitions,
    DescribeConfigs(topic::WantedConfigs),
    InitProducerId,
    OffsetForLeaderEpoch,
    JoinGroup,
    SyncGroup,
    Heartbeat,
    LeaveGroup,
    OffsetCommit,
    OffsetFetch,
    DescribeGroups,
    ListGroups,
    DeleteGroups,
}

/// The step that a decoded request asks for.
pub(crate) fn step(peer: &Peer, header: &RequestHeader, request: broker_wire::Request) -> Step {
    use broker_wire::Request as Wire;
    match request {
        Wire::ApiVersions(request) => {
            Step::Answer(Response::ApiVersions(apis::api_versions(api_versions_error(header, &request))))
        }
        Wire::FindCoordinator(request) => {
            Step::Answer(Response::FindCoordinator(group::find_coordinator(peer, header.version, &request)))
        }
        Wire::DescribeCluster(_) => Step::Answer(Response::DescribeCluster(describe_cluster(peer))),
        Wire::Produce(request) => produce::ask(header.version, request),
        Wire::Fetch(request) => fetch::ask(request),
        Wire::ListOffsets(request) => offset::ask_list(request),
        Wire::OffsetForLeaderEpoch(request) => offset::ask_epochs(request),
        Wire::OffsetCommit(request) => offset::ask_commit(request),
        Wire::OffsetFetch(request) => offset::ask_fetch(request),
        Wire::Metadata(request) => topic::ask_metadata(header.version, request),
        Wire::CreateTopics(request) => topic::ask_create(request),
        Wire::DeleteTopics(request) => topic::ask_delete(header.version, request),
        Wire::CreatePartitions(request) => topic::ask_partitions(request),
        Wire::DescribeConfigs(request) => topic::ask_configs(request),
        Wire::InitProducerId(request) => produce::ask_id(request),
        Wire::JoinGroup(request) => group::ask_join(peer, header, request),
        Wire::SyncGroup(request) => group::ask_sync(request),
        Wire::Heartbeat(request) => group::ask_heartbeat(request),
        Wire::LeaveGroup(request) => group::ask_leave(header.version, request),
        Wire::DescribeGroups(request) => group::ask_describe(request),
        Wire::ListGroups(request) => group::ask_list(request),
        Wire::DeleteGroups(request) => group::ask_delete(request),
    }
}

/// The response that a reply becomes; `None` where there is none (acks=0).
pub(crate) async fn answer(peer: &Peer, handle: &Handle, version: i16, shape: Shape, reply: Reply) -> Option<Response> {
    Some(match (shape, reply) {
        (Shape::Produce { acks: 0 }, _) => return None,
        (Shape::Produce { .. }, Reply::Produce(topics)) => Response::Produce(produce::answer(topics)),
        (Shape::Fetch { read_committed }, Reply::Fetch(topics)) => {
            Response::Fetch(fetch::answer(handle, read_committed, topics).await)
        }
        (Shape::ListOffsets, Reply::ListOffsets(topics)) => {
            Response::ListOffsets(offset::answer_list(handle, version, topics).await)
        }
        (Shape::Metadata, Reply::Metadata(cluster)) => Response::Metadata(topic::answer_metadata(peer, cluster)),
        (Shape::CreateTopics, Reply::CreateTopics(topics)) => {
            Response::CreateTopics(topic::answer_create(version, topics))
        }
        (Shape::DeleteTopics, Reply::DeleteTopics(topics)) => Response::DeleteTopics(topic::answer_delete(topics)),
        (Shape::CreatePartitions, Reply::CreatePartitions(topics)) => {
            Response::CreatePartitions(topic::answer_partitions(topics))
        }
        (Shape::DescribeConfigs(wanted), Reply::DescribeConfigs(all)) => {
            Response::DescribeConfigs(topic::answer_configs(&wanted, all))
        }
        (Shape::InitProducerId, Reply::InitProducerId(outcome)) => {
            Response::InitProducerId(produce::answer_id(outcome))
        }
        (Shape::OffsetForLeaderEpoch, Reply::OffsetForLeaderEpoch(ends)) => {
            Response::OffsetForLeaderEpoch(offset::answer_epochs(ends))
        }
        (Shape::JoinGroup, Reply::JoinGroup(outcome)) => Response::JoinGroup(group::answer_join(version, outcome)),
        (Shape::SyncGroup, Reply::SyncGroup(outcome)) => Response::SyncGroup(group::answer_sync(outcome)),
        (Shape::Heartbeat, Reply::Heartbeat(outcome)) => Response::Heartbeat(group::answer_heartbeat(outcome)),
        (Shape::LeaveGroup, Reply::LeaveGroup(outcome)) => Response::LeaveGroup(group::answer_leave(version, outcome)),
        (Shape::OffsetCommit, Reply::OffsetCommit(topics)) => Response::OffsetCommit(offset::answer_commit(topics)),
        (Shape::OffsetFetch, Reply::OffsetFetch(outcome)) => Response::OffsetFetch(offset::answer_fetch(outcome)),
        (Shape::DescribeGroups, Reply::DescribeGroups(groups)) => {
            Response::DescribeGroups(group::answer_describe(version, groups))
        }
        (Shape::ListGroups, Reply::ListGroups(groups)) => Response::ListGroups(group::answer_list(groups)),
        (Shape::DeleteGroups, Reply::DeleteGroups(groups)) => Response::DeleteGroups(group::answer_delete(groups)),
        (_, reply) => unreachable!("the core answered another question: {reply:?}"),
    })
}

/// From version 3 on a client says what it is, in plain letters (KIP-511).
fn api_versions_error(header: &RequestHeader, request: &broker_wire::messages::ApiVersionsRequest) -> ErrorCode {
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

fn describe_cluster(peer: &Peer) -> DescribeClusterResponse {
    let broker = DescribeClusterBroker::default()
        .with_broker_id(BrokerId(peer.node_id))
        .with_host(text(&peer.host))
        .with_port(peer.port);
    DescribeClusterResponse::default()
        .with_cluster_id(text(&peer.cluster_id))
        .with_controller_id(BrokerId(peer.node_id))
        .with_brokers(vec![broker])
        .with_cluster_authorized_operations(i32::MIN)
}

fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

fn topic_name(value: &str) -> TopicName {
    TopicName(text(value))
}

fn code<T>(outcome: &Result<T, Error>) -> i16 {
    outcome.as_ref().err().map_or(0, |error| error.code())
}
