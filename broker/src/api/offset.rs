//! ListOffsets 1 to 6, DeleteRecords 0 to 2, OffsetForLeaderEpoch 2 to 4, OffsetCommit 2 to 8, OffsetFetch 1 to 7.

use broker_core::{
    error::Error,
    request::{
        CommittedOffset, ListOffsets, Listed, ListedOffset, Member, OffsetCommit, OffsetToCommit, Request, TopicReply,
    },
};
use broker_wire::{
    messages::{
        DeleteRecordsRequest, DeleteRecordsResponse, ListOffsetsRequest, ListOffsetsResponse, OffsetCommitRequest,
        OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse, OffsetForLeaderEpochRequest,
        OffsetForLeaderEpochResponse,
        delete_records_request::DeleteRecordsTopic,
        delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult},
        list_offsets_request::ListOffsetsTopic,
        list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
        offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
        offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic},
        offset_fetch_response::{OffsetFetchResponsePartition, OffsetFetchResponseTopic},
        offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult},
    },
    records::RecordReader,
};
use bytes::Bytes;

use super::{Shape, Step, code, text, topic_name};
use crate::handle::Handle;

/// Version 7 brought -3 for the highest timestamp, 8 brought -4 and 9 -5: before them they mean as little as other negative ones.
fn meaning(version: i16, timestamp: i64) -> i64 {
    let known = match version {
        ..7 => -2,
        7 => -3,
        8 => -4,
        _ => -5,
    };
    if timestamp < known { i64::MIN } else { timestamp }
}

pub fn ask_list(version: i16, request: ListOffsetsRequest) -> Step {
    let topic = |topic: ListOffsetsTopic| {
        let partitions = topic
            .partitions
            .into_iter()
            .map(|p| (p.partition_index, p.current_leader_epoch, meaning(version, p.timestamp)));
        (topic.name.to_string(), partitions.collect())
    };
    let list = ListOffsets {
        read_committed: request.isolation_level == 1,
        topics: request.topics.into_iter().map(topic).collect(),
    };
    Step::Ask(Request::ListOffsets(list), Shape::ListOffsets)
}

pub async fn answer_list(handle: &Handle, version: i16, topics: Vec<TopicReply<Listed>>) -> ListOffsetsResponse {
    let mut answered = Vec::with_capacity(topics.len());
    for topic in topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for listed in topic.partitions {
            let answer = listed_partition(handle, &topic.topic, listed).await;
            // Version 4 brought the epoch.
            partitions.push(if version < 4 { answer.with_leader_epoch(-1) } else { answer });
        }
        answered
            .push(ListOffsetsTopicResponse::default().with_name(topic_name(&topic.topic)).with_partitions(partitions));
    }
    ListOffsetsResponse::default().with_topics(answered)
}

async fn listed_partition(handle: &Handle, topic: &str, listed: Listed) -> ListOffsetsPartitionResponse {
    let response = ListOffsetsPartitionResponse::default().with_partition_index(listed.partition);
    let (timestamp, offset, epoch) = match listed.outcome {
        Err(error) => {
            return response.with_error_code(error.code()).with_timestamp(-1).with_offset(-1).with_leader_epoch(-1);
        }
        Ok(ListedOffset::At { timestamp, offset, leader_epoch }) => (timestamp, offset, leader_epoch),
        Ok(ListedOffset::In { timestamp, records, start, end, leader_epoch }) => match handle.read(records).await {
            Ok(pieces) => {
                let found = first_at(&pieces, timestamp, start);
                // All of the batch that counts is deleted: the log's start is not too late, whatever its timestamp is.
                let found = found.or_else(|| first_at(&pieces, timestamp, 0).map(|_| (-1, start)));
                let within = found.filter(|(_, offset)| *offset < end);
                within.map_or((-1, -1, -1), |(timestamp, offset)| (timestamp, offset, leader_epoch))
            }
            Err(error) => {
                tracing::error!("{topic}-{}: {error}", listed.partition);
                return response.with_error_code(Error::CorruptMessage.code()).with_timestamp(-1).with_offset(-1);
            }
        },
    };
    response.with_timestamp(timestamp).with_offset(offset).with_leader_epoch(epoch)
}

/// Timestamp and offset of the first record at or after `wanted`, from offset `start` on. Unreadable batches hold none: nobody could read
/// them anyway.
fn first_at(pieces: &[Bytes], wanted: i64, start: i64) -> Option<(i64, i64)> {
    let mut found = None;
    for piece in pieces {
        let mut reader = RecordReader::default();
        let read = reader.for_each(piece, |record| {
            if record.timestamp >= wanted && record.offset >= start && found.is_none() {
                found = Some((record.timestamp, record.offset));
            }
        });
        if found.is_some() || read.is_err() {
            break;
        }
    }
    found
}

pub fn ask_delete(request: DeleteRecordsRequest) -> Step {
    let topic = |topic: DeleteRecordsTopic| {
        let partitions = topic.partitions.into_iter().map(|p| (p.partition_index, p.offset));
        (topic.name.to_string(), partitions.collect())
    };
    Step::Ask(Request::DeleteRecords(request.topics.into_iter().map(topic).collect()), Shape::DeleteRecords)
}

pub fn answer_delete(topics: Vec<TopicReply<(i32, Result<i64, Error>)>>) -> DeleteRecordsResponse {
    let partition = |(partition, outcome): (i32, Result<i64, Error>)| {
        DeleteRecordsPartitionResult::default()
            .with_partition_index(partition)
            .with_low_watermark(outcome.unwrap_or(-1))
            .with_error_code(code(&outcome))
    };
    let topic = |topic: TopicReply<_>| {
        DeleteRecordsTopicResult::default()
            .with_name(topic_name(&topic.topic))
            .with_partitions(topic.partitions.into_iter().map(partition).collect())
    };
    DeleteRecordsResponse::default().with_topics(topics.into_iter().map(topic).collect())
}

pub fn ask_epochs(request: OffsetForLeaderEpochRequest) -> Step {
    let asked = request
        .topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|p| (&topic.topic, p)))
        .map(|(topic, p)| (topic.to_string(), p.partition, p.current_leader_epoch, p.leader_epoch));
    Step::Ask(Request::OffsetForLeaderEpoch(asked.collect()), Shape::OffsetForLeaderEpoch)
}

pub fn answer_epochs(ends: Vec<(String, i32, Result<(i32, i64), Error>)>) -> OffsetForLeaderEpochResponse {
    let mut topics: Vec<OffsetForLeaderTopicResult> = Vec::new();
    for (topic, partition, end) in ends {
        let (epoch, offset) = end.unwrap_or((-1, -1));
        let end = EpochEndOffset::default()
            .with_partition(partition)
            .with_error_code(code(&end))
            .with_leader_epoch(epoch)
            .with_end_offset(offset);
        match topics.last_mut().filter(|last| *last.topic.0 == *topic.as_str()) {
            Some(last) => last.partitions.push(end),
            None => topics
                .push(OffsetForLeaderTopicResult::default().with_topic(topic_name(&topic)).with_partitions(vec![end])),
        }
    }
    OffsetForLeaderEpochResponse::default().with_topics(topics)
}

pub fn ask_commit(request: OffsetCommitRequest) -> Step {
    let partition = |p: OffsetCommitRequestPartition| OffsetToCommit {
        partition: p.partition_index,
        offset: p.committed_offset,
        leader_epoch: p.committed_leader_epoch,
        metadata: p.committed_metadata.map(|note| note.to_string()).unwrap_or_default(),
    };
    let topic = |topic: OffsetCommitRequestTopic| {
        (topic.name.to_string(), topic.partitions.into_iter().map(partition).collect())
    };
    let commit = OffsetCommit {
        who: Member {
            group: request.group_id.to_string(),
            generation: request.generation_id_or_member_epoch,
            member: request.member_id.to_string(),
            instance: request.group_instance_id.map(|id| id.to_string()),
        },
        topics: request.topics.into_iter().map(topic).collect(),
    };
    Step::Ask(Request::OffsetCommit(commit), Shape::OffsetCommit)
}

pub fn answer_commit(topics: Vec<TopicReply<(i32, Result<(), Error>)>>) -> OffsetCommitResponse {
    let partition = |(partition, outcome): (i32, Result<(), Error>)| {
        OffsetCommitResponsePartition::default().with_partition_index(partition).with_error_code(code(&outcome))
    };
    let topic = |topic: TopicReply<_>| {
        let partitions = topic.partitions.into_iter().map(partition).collect();
        OffsetCommitResponseTopic::default().with_name(topic_name(&topic.topic)).with_partitions(partitions)
    };
    OffsetCommitResponse::default().with_topics(topics.into_iter().map(topic).collect())
}

pub fn ask_fetch(request: OffsetFetchRequest) -> Step {
    let topics = request
        .topics
        .map(|topics| topics.into_iter().map(|topic| (topic.name.to_string(), topic.partition_indexes)).collect());
    Step::Ask(
        Request::OffsetFetch { group: request.group_id.to_string(), topics, require_stable: request.require_stable },
        Shape::OffsetFetch,
    )
}

pub fn answer_fetch(outcome: Result<Vec<TopicReply<CommittedOffset>>, Error>) -> OffsetFetchResponse {
    let response = OffsetFetchResponse::default().with_error_code(code(&outcome));
    let partition = |committed: CommittedOffset| {
        OffsetFetchResponsePartition::default()
            .with_partition_index(committed.partition)
            .with_committed_offset(committed.offset)
            .with_committed_leader_epoch(committed.leader_epoch)
            .with_error_code(committed.error.map_or(0, |error| error.code()))
            .with_metadata(Some(text(&committed.metadata)))
    };
    let topic = |topic: TopicReply<CommittedOffset>| {
        OffsetFetchResponseTopic::default()
            .with_name(topic_name(&topic.topic))
            .with_partitions(topic.partitions.into_iter().map(partition).collect())
    };
    response.with_topics(outcome.unwrap_or_default().into_iter().map(topic).collect())
}
