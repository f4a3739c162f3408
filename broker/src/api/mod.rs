//! Kafka's messages to the core's requests and back, one file per family of APIs.
//!
//! Owns the version wrinkles. Leaves bytes to `broker_wire` and every decision to the core. Invariant: a Kafka struct goes no further
//! in than this folder.

use broker_core::{
    error::Error,
    request::{Reply, Request},
};
use broker_wire::{RequestHeader, Response, StrBytes, apis, messages::TopicName};

use operations::operations;

use crate::{connection::Peer, handle::Handle};

mod cluster;
mod config;
mod fetch;
mod group;
mod offset;
mod operations;
mod pages;
mod produce;
mod replica;
mod security;
#[cfg(test)]
mod tests;
mod topic;
mod transaction;

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
    Metadata { cluster_operations: bool, topic_operations: bool },
    DescribeTopicPartitions(pages::Page),
    CreateTopics,
    DeleteTopics,
    CreatePartitions,
    DescribeConfigs(config::WantedConfigs),
    AlterConfigs,
    IncrementalAlterConfigs,
    ListConfigResources,
    DescribeLogDirs,
    AlterReplicaLogDirs(Vec<String>),
    ElectLeaders,
    AlterPartitionReassignments(replica::Wanted),
    DescribeQuorum(cluster::Asked),
    DeleteRecords,
    InitProducerId,
    Transaction,
    OffsetForLeaderEpoch,
    JoinGroup,
    SyncGroup,
    Heartbeat,
    LeaveGroup,
    OffsetCommit,
    OffsetFetch,
    DescribeGroups { operations: bool },
    ListGroups,
    DeleteGroups,
    OffsetDelete,
}

/// The step that a decoded request asks for.
pub(crate) fn step(peer: &Peer, header: &RequestHeader, request: broker_wire::Request) -> Step {
    use broker_wire::Request as Wire;
    if let Some(response) = security::answer(&request) {
        return Step::Answer(response);
    }
    match request {
        Wire::ApiVersions(request) => {
            Step::Answer(Response::ApiVersions(apis::api_versions(cluster::api_versions_error(header, &request))))
        }
        Wire::FindCoordinator(request) => {
            Step::Answer(Response::FindCoordinator(group::find_coordinator(peer, header.version, &request)))
        }
        Wire::DescribeCluster(request) => {
            Step::Answer(Response::DescribeCluster(cluster::describe(peer, header.version, &request)))
        }
        Wire::UpdateFeatures(request) => {
            Step::Answer(Response::UpdateFeatures(cluster::update_features(peer, header.version, &request)))
        }
        Wire::DescribeQuorum(request) => cluster::ask_quorum(request),
        Wire::ListPartitionReassignments(_) => {
            Step::Answer(Response::ListPartitionReassignments(replica::list_reassignments()))
        }
        Wire::AlterPartitionReassignments(request) => replica::ask_reassign(request),
        Wire::ElectLeaders(request) => replica::ask_elect(request),
        Wire::DescribeLogDirs(request) => replica::ask_log_dirs(request),
        Wire::AlterReplicaLogDirs(request) => replica::ask_move(request),
        Wire::Produce(request) => produce::ask(header.version, request),
        Wire::Fetch(request) => fetch::ask(request),
        Wire::ListOffsets(request) => offset::ask_list(header.version, request),
        Wire::OffsetForLeaderEpoch(request) => offset::ask_epochs(request),
        Wire::OffsetCommit(request) => offset::ask_commit(request),
        Wire::OffsetFetch(request) => offset::ask_fetch(request),
        Wire::Metadata(request) => topic::ask_metadata(header.version, request),
        Wire::DescribeTopicPartitions(request) => pages::ask(request),
        Wire::CreateTopics(request) => topic::ask_create(request),
        Wire::DeleteTopics(request) => topic::ask_delete(header.version, request),
        Wire::CreatePartitions(request) => topic::ask_partitions(request),
        Wire::DescribeConfigs(request) => config::ask_describe(request),
        Wire::AlterConfigs(request) => config::ask_alter(request),
        Wire::IncrementalAlterConfigs(request) => config::ask_incremental(request),
        Wire::ListConfigResources(request) => config::ask_list(header.version, &request),
        Wire::DeleteRecords(request) => offset::ask_delete(request),
        Wire::InitProducerId(request) => transaction::ask_id(request),
        Wire::AddPartitionsToTxn(request) => transaction::ask_add_partitions(request),
        Wire::AddOffsetsToTxn(request) => transaction::ask_add_offsets(request),
        Wire::EndTxn(request) => transaction::ask_end(request),
        Wire::TxnOffsetCommit(request) => transaction::ask_commit(request),
        Wire::WriteTxnMarkers(request) => transaction::ask_markers(request),
        Wire::DescribeTransactions(request) => transaction::ask_describe(request),
        Wire::ListTransactions(request) => transaction::ask_list(request),
        Wire::DescribeProducers(request) => transaction::ask_producers(request),
        Wire::JoinGroup(request) => group::ask_join(peer, header, request),
        Wire::SyncGroup(request) => group::ask_sync(header.version, request),
        Wire::Heartbeat(request) => group::ask_heartbeat(request),
        Wire::LeaveGroup(request) => group::ask_leave(header.version, request),
        Wire::DescribeGroups(request) => group::ask_describe(request),
        Wire::ListGroups(request) => group::ask_list(request),
        Wire::DeleteGroups(request) => group::ask_delete(request),
        Wire::OffsetDelete(request) => group::ask_delete_offsets(request),
        answered => unreachable!("{:?} is answered above", answered.api()),
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
        (Shape::Fetch { read_committed }, Reply::FetchSession(outcome)) => {
            Response::Fetch(fetch::answer_session(handle, read_committed, outcome).await)
        }
        (Shape::ListOffsets, Reply::ListOffsets(topics)) => {
            Response::ListOffsets(offset::answer_list(handle, version, topics).await)
        }
        (Shape::Metadata { cluster_operations, topic_operations }, Reply::Metadata(cluster)) => {
            let operations = (cluster_operations, topic_operations);
            Response::Metadata(topic::answer_metadata(peer, version, operations, cluster))
        }
        (Shape::DescribeTopicPartitions(page), Reply::Metadata(cluster)) => {
            Response::DescribeTopicPartitions(pages::answer(&page, cluster))
        }
        (Shape::CreateTopics, Reply::CreateTopics(topics)) => {
            Response::CreateTopics(topic::answer_create(version, topics))
        }
        (Shape::DeleteTopics, Reply::DeleteTopics(topics)) => Response::DeleteTopics(topic::answer_delete(topics)),
        (Shape::CreatePartitions, Reply::CreatePartitions(topics)) => {
            Response::CreatePartitions(topic::answer_partitions(topics))
        }
        (Shape::DescribeConfigs(wanted), Reply::DescribeConfigs(all)) => {
            Response::DescribeConfigs(config::answer_describe(peer, &wanted, all))
        }
        (Shape::AlterConfigs, Reply::AlterConfigs(altered)) => Response::AlterConfigs(config::answer_alter(altered)),
        (Shape::IncrementalAlterConfigs, Reply::AlterConfigs(altered)) => {
            Response::IncrementalAlterConfigs(config::answer_incremental(altered))
        }
        (Shape::ListConfigResources, Reply::ListConfigResources(resources)) => {
            Response::ListConfigResources(config::answer_list(resources))
        }
        (Shape::DescribeLogDirs, Reply::Partitions(sizes)) => {
            Response::DescribeLogDirs(replica::answer_log_dirs(peer, sizes))
        }
        (Shape::AlterReplicaLogDirs(folders), Reply::Partitions(sizes)) => {
            Response::AlterReplicaLogDirs(replica::answer_move(peer, &folders, sizes))
        }
        (Shape::ElectLeaders, Reply::Partitions(sizes)) => Response::ElectLeaders(replica::answer_elect(sizes)),
        (Shape::AlterPartitionReassignments(wanted), Reply::Partitions(sizes)) => {
            Response::AlterPartitionReassignments(replica::answer_reassign(peer, wanted, sizes))
        }
        (Shape::DescribeQuorum(asked), Reply::JournalPosition(position)) => {
            Response::DescribeQuorum(cluster::answer_quorum(peer, version, asked, position))
        }
        (Shape::DeleteRecords, Reply::DeleteRecords(topics)) => Response::DeleteRecords(offset::answer_delete(topics)),
        (Shape::InitProducerId, Reply::InitProducerId(outcome)) => {
            Response::InitProducerId(transaction::answer_id(version, outcome))
        }
        (Shape::Transaction, Reply::Transaction(reply)) => transaction::answer(version, reply),
        (Shape::OffsetForLeaderEpoch, Reply::OffsetForLeaderEpoch(ends)) => {
            Response::OffsetForLeaderEpoch(offset::answer_epochs(ends))
        }
        (Shape::JoinGroup, Reply::JoinGroup(outcome)) => Response::JoinGroup(group::answer_join(version, outcome)),
        (Shape::SyncGroup, Reply::SyncGroup(outcome)) => Response::SyncGroup(group::answer_sync(outcome)),
        (Shape::Heartbeat, Reply::Heartbeat(outcome)) => Response::Heartbeat(group::answer_heartbeat(outcome)),
        (Shape::LeaveGroup, Reply::LeaveGroup(outcome)) => Response::LeaveGroup(group::answer_leave(version, outcome)),
        (Shape::OffsetCommit, Reply::OffsetCommit(topics)) => Response::OffsetCommit(offset::answer_commit(topics)),
        (Shape::OffsetFetch, Reply::OffsetFetch(outcome)) => Response::OffsetFetch(offset::answer_fetch(outcome)),
        (Shape::DescribeGroups { operations }, Reply::DescribeGroups(groups)) => {
            Response::DescribeGroups(group::answer_describe(version, operations, groups))
        }
        (Shape::ListGroups, Reply::ListGroups(groups)) => Response::ListGroups(group::answer_list(version, groups)),
        (Shape::DeleteGroups, Reply::DeleteGroups(groups)) => Response::DeleteGroups(group::answer_delete(groups)),
        (Shape::OffsetDelete, Reply::OffsetDelete(outcome)) => {
            Response::OffsetDelete(group::answer_delete_offsets(outcome))
        }
        (_, reply) => unreachable!("the core answered another question: {reply:?}"),
    })
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
