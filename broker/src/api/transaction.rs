//! InitProducerId 0 to 4, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn and TxnOffsetCommit 0 to 3, WriteTxnMarkers 1,
//! DescribeProducers 0, DescribeTransactions 0, ListTransactions 0 and 1. PRODUCER_FENCED came with version 2, of InitProducerId
//! with 4; before, it is INVALID_PRODUCER_EPOCH.

use broker_core::{
    error::Error,
    request::{
        InitProducerId, ListTransactions, MarkersToWrite, Member, OffsetCommit, OffsetToCommit, PartitionOutcomes,
        ProducerDescription, Request, TopicReply, TransactionDescription, TransactionReply, TransactionRequest,
        TransactionalProducer,
    },
};
use broker_wire::{
    ErrorCode, Response,
    messages::{
        AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
        DescribeProducersRequest, DescribeProducersResponse, DescribeTransactionsRequest, DescribeTransactionsResponse,
        EndTxnRequest, EndTxnResponse, InitProducerIdRequest, InitProducerIdResponse, ListTransactionsRequest,
        ListTransactionsResponse, ProducerId, TransactionalId, TxnOffsetCommitRequest, TxnOffsetCommitResponse,
        WriteTxnMarkersRequest, WriteTxnMarkersResponse,
        add_partitions_to_txn_response::{AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult},
        describe_producers_response::{PartitionResponse, ProducerState, TopicResponse},
        describe_transactions_response::{TopicData, TransactionState},
        list_transactions_response,
        txn_offset_commit_request::{TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic},
        txn_offset_commit_response::{TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic},
        write_txn_markers_request::WritableTxnMarker,
        write_txn_markers_response::{
            WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
        },
    },
};

use super::{Shape, Step, code, text, topic_name};

/// First version of the transactions' own APIs that knows PRODUCER_FENCED, and that of InitProducerId.
const FENCED_SINCE: i16 = 2;
const INIT_FENCED_SINCE: i16 = 4;

fn ask(request: TransactionRequest) -> Step {
    Step::Ask(Request::Transaction(request), Shape::Transaction)
}

fn producer(id: &TransactionalId, producer_id: ProducerId, epoch: i16) -> TransactionalProducer {
    TransactionalProducer { transactional_id: id.to_string(), producer_id: producer_id.0, epoch }
}

fn number<T>(version: i16, fenced_since: i16, outcome: &Result<T, Error>) -> i16 {
    match outcome {
        Err(Error::ProducerFenced) if version < fenced_since => ErrorCode::INVALID_PRODUCER_EPOCH.0,
        outcome => code(outcome),
    }
}

pub fn ask_id(request: InitProducerIdRequest) -> Step {
    let init = InitProducerId {
        transactional_id: request.transactional_id.map(|id| id.to_string()),
        timeout_ms: request.transaction_timeout_ms,
        current: (request.producer_id.0, request.producer_epoch),
    };
    Step::Ask(Request::InitProducerId(init), Shape::InitProducerId)
}

pub fn answer_id(version: i16, outcome: Result<(i64, i16), Error>) -> InitProducerIdResponse {
    let response = InitProducerIdResponse::default().with_error_code(number(version, INIT_FENCED_SINCE, &outcome));
    let (id, epoch) = outcome.unwrap_or((-1, -1));
    response.with_producer_id(ProducerId(id)).with_producer_epoch(epoch)
}

pub fn ask_add_partitions(request: AddPartitionsToTxnRequest) -> Step {
    let topics = request.v3_and_below_topics.into_iter().map(|topic| (topic.name.to_string(), topic.partitions));
    ask(TransactionRequest::AddPartitions {
        producer: producer(
            &request.v3_and_below_transactional_id,
            request.v3_and_below_producer_id,
            request.v3_and_below_producer_epoch,
        ),
        topics: topics.collect(),
    })
}

pub fn ask_add_offsets(request: AddOffsetsToTxnRequest) -> Step {
    let producer = producer(&request.transactional_id, request.producer_id, request.producer_epoch);
    ask(TransactionRequest::AddOffsets { producer, group: request.group_id.to_string() })
}

pub fn ask_end(request: EndTxnRequest) -> Step {
    let producer = producer(&request.transactional_id, request.producer_id, request.producer_epoch);
    ask(TransactionRequest::End { producer, commit: request.committed })
}

pub fn ask_commit(request: TxnOffsetCommitRequest) -> Step {
    let partition = |p: TxnOffsetCommitRequestPartition| OffsetToCommit {
        partition: p.partition_index,
        offset: p.committed_offset,
        leader_epoch: p.committed_leader_epoch,
        metadata: p.committed_metadata.map(|note| note.to_string()).unwrap_or_default(),
    };
    let topic = |topic: TxnOffsetCommitRequestTopic| {
        (topic.name.to_string(), topic.partitions.into_iter().map(partition).collect())
    };
    let commit = OffsetCommit {
        who: Member {
            group: request.group_id.to_string(),
            // Their defaults, -1 and nothing, where a version before 3 does not say.
            generation: request.generation_id,
            member: request.member_id.to_string(),
            instance: request.group_instance_id.map(|id| id.to_string()),
        },
        topics: request.topics.into_iter().map(topic).collect(),
    };
    let producer = producer(&request.transactional_id, request.producer_id, request.producer_epoch);
    ask(TransactionRequest::CommitOffsets { producer, commit })
}

pub fn ask_markers(request: WriteTxnMarkersRequest) -> Step {
    let one = |marker: WritableTxnMarker| MarkersToWrite {
        producer_id: marker.producer_id.0,
        epoch: marker.producer_epoch,
        coordinator_epoch: marker.coordinator_epoch,
        commit: marker.transaction_result,
        topics: marker.topics.into_iter().map(|topic| (topic.name.to_string(), topic.partition_indexes)).collect(),
    };
    ask(TransactionRequest::WriteMarkers(request.markers.into_iter().map(one).collect()))
}

pub fn ask_describe(request: DescribeTransactionsRequest) -> Step {
    ask(TransactionRequest::Describe(request.transactional_ids.iter().map(|id| id.to_string()).collect()))
}

pub fn ask_list(request: ListTransactionsRequest) -> Step {
    ask(TransactionRequest::List(ListTransactions {
        states: request.state_filters.iter().map(ToString::to_string).collect(),
        producer_ids: request.producer_id_filters.iter().map(|id| id.0).collect(),
        longer_than_ms: Some(request.duration_filter).filter(|ms| *ms >= 0),
    }))
}

pub fn ask_producers(request: DescribeProducersRequest) -> Step {
    let topics = request.topics.into_iter().map(|topic| (topic.name.to_string(), topic.partition_indexes));
    ask(TransactionRequest::DescribeProducers(topics.collect()))
}

pub fn answer(version: i16, reply: TransactionReply) -> Response {
    match reply {
        TransactionReply::AddPartitions(topics) => Response::AddPartitionsToTxn(
            AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(added(version, topics)),
        ),
        TransactionReply::AddOffsets(outcome) => Response::AddOffsetsToTxn(
            AddOffsetsToTxnResponse::default().with_error_code(number(version, FENCED_SINCE, &outcome)),
        ),
        TransactionReply::CommitOffsets(topics) => {
            Response::TxnOffsetCommit(TxnOffsetCommitResponse::default().with_topics(committed(topics)))
        }
        TransactionReply::End(outcome) => {
            Response::EndTxn(EndTxnResponse::default().with_error_code(number(version, FENCED_SINCE, &outcome)))
        }
        TransactionReply::WriteMarkers(markers) => {
            let marker = |(producer_id, topics): (i64, PartitionOutcomes)| {
                WritableTxnMarkerResult::default().with_producer_id(ProducerId(producer_id)).with_topics(marked(topics))
            };
            Response::WriteTxnMarkers(
                WriteTxnMarkersResponse::default().with_markers(markers.into_iter().map(marker).collect()),
            )
        }
        TransactionReply::Describe(described) => Response::DescribeTransactions(
            DescribeTransactionsResponse::default()
                .with_transaction_states(described.into_iter().map(transaction).collect()),
        ),
        TransactionReply::List(listed) => {
            let one = |(id, producer_id, state): (String, i64, &'static str)| {
                list_transactions_response::TransactionState::default()
                    .with_transactional_id(TransactionalId(text(&id)))
                    .with_producer_id(ProducerId(producer_id))
                    .with_transaction_state(text(state))
            };
            Response::ListTransactions(
                ListTransactionsResponse::default()
                    .with_unknown_state_filters(listed.unknown_states.iter().map(|name| text(name)).collect())
                    .with_transaction_states(listed.transactions.into_iter().map(one).collect()),
            )
        }
        TransactionReply::DescribeProducers(topics) => Response::DescribeProducers(
            DescribeProducersResponse::default().with_topics(topics.into_iter().map(producers).collect()),
        ),
    }
}

fn added(version: i16, topics: PartitionOutcomes) -> Vec<AddPartitionsToTxnTopicResult> {
    let partition = |(index, outcome): (i32, Result<(), Error>)| {
        AddPartitionsToTxnPartitionResult::default().with_partition_index(index).with_partition_error_code(number(
            version,
            FENCED_SINCE,
            &outcome,
        ))
    };
    let topic = |topic: TopicReply<_>| {
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic_name(&topic.topic))
            .with_results_by_partition(topic.partitions.into_iter().map(partition).collect())
    };
    topics.into_iter().map(topic).collect()
}

fn committed(topics: PartitionOutcomes) -> Vec<TxnOffsetCommitResponseTopic> {
    let partition = |(index, outcome): (i32, Result<(), Error>)| {
        TxnOffsetCommitResponsePartition::default().with_partition_index(index).with_error_code(code(&outcome))
    };
    let topic = |topic: TopicReply<_>| {
        TxnOffsetCommitResponseTopic::default()
            .with_name(topic_name(&topic.topic))
            .with_partitions(topic.partitions.into_iter().map(partition).collect())
    };
    topics.into_iter().map(topic).collect()
}

fn marked(topics: PartitionOutcomes) -> Vec<WritableTxnMarkerTopicResult> {
    let partition = |(index, outcome): (i32, Result<(), Error>)| {
        WritableTxnMarkerPartitionResult::default().with_partition_index(index).with_error_code(code(&outcome))
    };
    let topic = |topic: TopicReply<_>| {
        WritableTxnMarkerTopicResult::default()
            .with_name(topic_name(&topic.topic))
            .with_partitions(topic.partitions.into_iter().map(partition).collect())
    };
    topics.into_iter().map(topic).collect()
}

fn transaction((id, outcome): (String, Result<TransactionDescription, Error>)) -> TransactionState {
    let state =
        TransactionState::default().with_transactional_id(TransactionalId(text(&id))).with_error_code(code(&outcome));
    let Ok(described) = outcome else { return state };
    let topic = |(topic, partitions): (String, Vec<i32>)| {
        TopicData::default().with_topic(topic_name(&topic)).with_partitions(partitions)
    };
    state
        .with_transaction_state(text(described.state))
        .with_transaction_timeout_ms(described.timeout_ms)
        .with_transaction_start_time_ms(described.started)
        .with_producer_id(ProducerId(described.producer_id))
        .with_producer_epoch(described.epoch)
        .with_topics(described.topics.into_iter().map(topic).collect())
}

fn producers(topic: TopicReply<(i32, Result<Vec<ProducerDescription>, Error>)>) -> TopicResponse {
    let producer = |producer: ProducerDescription| {
        ProducerState::default()
            .with_producer_id(ProducerId(producer.producer_id))
            .with_producer_epoch(producer.epoch.into())
            .with_last_sequence(producer.last_sequence)
            .with_last_timestamp(producer.last_timestamp)
            .with_coordinator_epoch(producer.coordinator_epoch)
            .with_current_txn_start_offset(producer.open_since_offset)
    };
    let partition = |(index, outcome): (i32, Result<Vec<ProducerDescription>, Error>)| {
        PartitionResponse::default()
            .with_partition_index(index)
            .with_error_code(code(&outcome))
            .with_error_message(outcome.as_ref().err().map(|error| text(error.message())))
            .with_active_producers(outcome.unwrap_or_default().into_iter().map(producer).collect())
    };
    TopicResponse::default()
        .with_name(topic_name(&topic.topic))
        .with_partitions(topic.partitions.into_iter().map(partition).collect())
}
