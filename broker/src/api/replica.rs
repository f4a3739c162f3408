//! Where partitions are and who leads them: DescribeLogDirs 1 to 4, AlterReplicaLogDirs 1 to 2, ElectLeaders 0 to 2,
//! AlterPartitionReassignments 0 to 1, ListPartitionReassignments 0. One node has one folder and leads everything, so that nothing is
//! ever moved; what is asked is still judged as Kafka judges it.

use broker_core::{
    check_replicas,
    error::Error,
    request::{Request, TopicReply},
};
use broker_wire::{
    ErrorCode, Response,
    messages::{
        AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, AlterReplicaLogDirsRequest,
        AlterReplicaLogDirsResponse, DescribeLogDirsRequest, DescribeLogDirsResponse, ElectLeadersRequest,
        ElectLeadersResponse, ListPartitionReassignmentsResponse,
        alter_partition_reassignments_response::{ReassignablePartitionResponse, ReassignableTopicResponse},
        alter_replica_log_dirs_response::{AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult},
        describe_log_dirs_response::{DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic},
        elect_leaders_response::{PartitionResult, ReplicaElectionResult},
    },
};

use super::{Shape, Step, text, topic_name};
use crate::connection::Peer;

/// Partitions by topic, and what each has in bytes if it is there.
type Sizes = Vec<TopicReply<(i32, Option<u64>)>>;

pub fn ask_log_dirs(request: DescribeLogDirsRequest) -> Step {
    let topics = request
        .topics
        .map(|topics| topics.into_iter().map(|topic| (topic.topic.to_string(), topic.partitions)).collect::<Vec<_>>());
    Step::Ask(Request::Partitions(topics), Shape::DescribeLogDirs)
}

pub fn answer_log_dirs(peer: &Peer, sizes: Sizes) -> DescribeLogDirsResponse {
    let topic = |topic: TopicReply<(i32, Option<u64>)>| {
        let there = topic.partitions.into_iter().filter_map(|(index, size)| Some((index, size?)));
        let partitions = there.map(|(index, size)| {
            DescribeLogDirsPartition::default()
                .with_partition_index(index)
                .with_partition_size(i64::try_from(size).unwrap_or(i64::MAX))
        });
        DescribeLogDirsTopic::default().with_name(topic_name(&topic.topic)).with_partitions(partitions.collect())
    };
    let topics = sizes.into_iter().map(topic).filter(|topic| !topic.partitions.is_empty()).collect();
    let (total, usable) = volume(&peer.log_dir);
    let dir = DescribeLogDirsResult::default()
        .with_log_dir(text(&peer.log_dir))
        .with_topics(topics)
        .with_total_bytes(total)
        .with_usable_bytes(usable);
    DescribeLogDirsResponse::default().with_results(vec![dir])
}

/// Bytes of the volume and those that are free; -1 where the system does not say.
fn volume(path: &str) -> (i64, i64) {
    let Ok(stat) = rustix::fs::statvfs(path) else { return (-1, -1) };
    let bytes = |blocks: u64| i64::try_from(blocks.saturating_mul(stat.f_frsize)).unwrap_or(i64::MAX);
    (bytes(stat.f_blocks), bytes(stat.f_bavail))
}

/// The folder that each topic shall move to, in the request's order.
pub fn ask_move(request: AlterReplicaLogDirsRequest) -> Step {
    let (mut topics, mut folders) = (Vec::new(), Vec::new());
    for dir in request.dirs {
        for topic in dir.topics {
            topics.push((topic.name.to_string(), topic.partitions));
            folders.push(dir.path.to_string());
        }
    }
    Step::Ask(Request::Partitions(Some(topics)), Shape::AlterReplicaLogDirs(folders))
}

pub fn answer_move(peer: &Peer, folders: &[String], sizes: Sizes) -> AlterReplicaLogDirsResponse {
    let topic = |(topic, folder): (TopicReply<(i32, Option<u64>)>, &String)| {
        let partition = |(index, size): (i32, Option<u64>)| {
            let error = match size {
                _ if **folder != *peer.log_dir => ErrorCode::LOG_DIR_NOT_FOUND,
                None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                Some(_) => ErrorCode::NONE,
            };
            AlterReplicaLogDirPartitionResult::default().with_partition_index(index).with_error_code(error.0)
        };
        AlterReplicaLogDirTopicResult::default()
            .with_topic_name(topic_name(&topic.topic))
            .with_partitions(topic.partitions.into_iter().map(partition).collect())
    };
    AlterReplicaLogDirsResponse::default().with_results(sizes.into_iter().zip(folders).map(topic).collect())
}

pub fn ask_elect(request: ElectLeadersRequest) -> Step {
    // Asked for all partitions Kafka names only those where something was done.
    let Some(topics) = request.topic_partitions else {
        return Step::Answer(Response::ElectLeaders(ElectLeadersResponse::default()));
    };
    let topics = topics.into_iter().map(|topic| (topic.topic.to_string(), topic.partitions)).collect();
    Step::Ask(Request::Partitions(Some(topics)), Shape::ElectLeaders)
}

pub fn answer_elect(sizes: Sizes) -> ElectLeadersResponse {
    let topic = |topic: TopicReply<(i32, Option<u64>)>| {
        let unknown_topic = topic.partitions.iter().all(|(_, size)| size.is_none());
        let partition = |(index, size): (i32, Option<u64>)| {
            let (error, why) = match size {
                Some(_) => {
                    (ErrorCode::ELECTION_NOT_NEEDED, "Leader election not needed for topic partition.".to_string())
                }
                None if unknown_topic => {
                    (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, format!("No such topic as {}", topic.topic))
                }
                None => {
                    (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, format!("No such partition as {}-{index}", topic.topic))
                }
            };
            PartitionResult::default()
                .with_partition_id(index)
                .with_error_code(error.0)
                .with_error_message(Some(text(&why)))
        };
        ReplicaElectionResult::default()
            .with_topic(topic_name(&topic.topic))
            .with_partition_result(topic.partitions.iter().copied().map(partition).collect())
    };
    ElectLeadersResponse::default().with_replica_election_results(sizes.into_iter().map(topic).collect())
}

/// Per partition the replicas it shall have; `None` cancels a reassignment, of which there are none.
pub type Wanted = Vec<Vec<Option<Vec<i32>>>>;

pub fn ask_reassign(request: AlterPartitionReassignmentsRequest) -> Step {
    let (mut topics, mut wanted) = (Vec::new(), Wanted::new());
    for topic in request.topics {
        topics.push((topic.name.to_string(), topic.partitions.iter().map(|p| p.partition_index).collect()));
        let replicas = |replicas: Vec<broker_wire::messages::BrokerId>| replicas.iter().map(|id| id.0).collect();
        wanted.push(topic.partitions.into_iter().map(|partition| partition.replicas.map(replicas)).collect());
    }
    Step::Ask(Request::Partitions(Some(topics)), Shape::AlterPartitionReassignments(wanted))
}

pub fn answer_reassign(peer: &Peer, wanted: Wanted, sizes: Sizes) -> AlterPartitionReassignmentsResponse {
    let topic = |(topic, wanted): (TopicReply<(i32, Option<u64>)>, Vec<Option<Vec<i32>>>)| {
        let unknown_topic = topic.partitions.iter().all(|(_, size)| size.is_none());
        let name = &topic.topic;
        let partition = |((index, size), replicas): (&(i32, Option<u64>), Option<Vec<i32>>)| {
            let unknown = |why| Err((Error::UnknownTopicOrPartition.code(), why));
            let outcome = match (size, replicas) {
                (None, _) if unknown_topic => unknown(format!("Unable to find a topic named {name}.")),
                (None, _) => unknown(format!("Unable to find partition {name}:{index}.")),
                (Some(_), None) => {
                    let why = "No partition reassignment is in progress.".to_string();
                    Err((ErrorCode::NO_REASSIGNMENT_IN_PROGRESS.0, why))
                }
                (Some(_), Some(replicas)) => {
                    check_replicas(peer.node_id, &replicas).map_err(|(error, why)| (error.code(), why))
                }
            };
            let result = ReassignablePartitionResponse::default().with_partition_index(*index);
            match outcome {
                Ok(()) => result,
                Err((code, why)) => result.with_error_code(code).with_error_message(Some(text(&why))),
            }
        };
        ReassignableTopicResponse::default()
            .with_name(topic_name(name))
            .with_partitions(topic.partitions.iter().zip(wanted).map(partition).collect())
    };
    AlterPartitionReassignmentsResponse::default().with_responses(sizes.into_iter().zip(wanted).map(topic).collect())
}

/// Nothing is ever on its way.
pub fn list_reassignments() -> ListPartitionReassignmentsResponse {
    ListPartitionReassignmentsResponse::default()
}
