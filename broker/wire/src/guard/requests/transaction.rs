//! Producer ids and transactions.

use kafka_protocol::messages::{
    ProducerId, TransactionalId, add_partitions_to_txn_request, describe_producers_request, txn_offset_commit_request,
    write_txn_markers_request,
};

use super::*;

/// Key 22, versions 0 to 4.
pub const INIT_PRODUCER_ID: Message = message(2, &[
    field("transactional_id", NULLABLE_STRING),
    field("transaction_timeout_ms", INT32),
    field("producer_id", INT64).since(3),
    field("producer_epoch", INT16).since(3),
]);

/// Key 24, versions 0 to 3. Version 4 brought several transactions in one request, for brokers.
pub const ADD_PARTITIONS_TO_TXN: Message = message(3, &[
    field("v3_and_below_transactional_id", STRING),
    field("v3_and_below_producer_id", INT64),
    field("v3_and_below_producer_epoch", INT16),
    array("v3_and_below_topics", &structure::<add_partitions_to_txn_request::AddPartitionsToTxnTopic>(&[
        field("name", STRING),
        array("partitions", INT32_ELEMENT),
    ])),
]);

/// Key 25, versions 0 to 3.
pub const ADD_OFFSETS_TO_TXN: Message = message(3, &[
    field("transactional_id", STRING),
    field("producer_id", INT64),
    field("producer_epoch", INT16),
    field("group_id", STRING),
]);

/// Key 26, versions 0 to 3.
pub const END_TXN: Message = message(3, &[
    field("transactional_id", STRING),
    field("producer_id", INT64),
    field("producer_epoch", INT16),
    field("committed", BOOL),
]);

/// Key 27, version 1.
pub const WRITE_TXN_MARKERS: Message = message(1, &[
    array("markers", &structure::<write_txn_markers_request::WritableTxnMarker>(&[
        field("producer_id", INT64),
        field("producer_epoch", INT16),
        field("transaction_result", BOOL),
        array("topics", &structure::<write_txn_markers_request::WritableTxnMarkerTopic>(&[
            field("name", STRING),
            array("partition_indexes", INT32_ELEMENT),
        ])),
        field("coordinator_epoch", INT32),
    ])),
]);

/// Key 28, versions 0 to 3.
pub const TXN_OFFSET_COMMIT: Message = message(3, &[
    field("transactional_id", STRING),
    field("group_id", STRING),
    field("producer_id", INT64),
    field("producer_epoch", INT16),
    field("generation_id", INT32).since(3),
    field("member_id", STRING).since(3),
    field("group_instance_id", NULLABLE_STRING).since(3),
    array("topics", &structure::<txn_offset_commit_request::TxnOffsetCommitRequestTopic>(&[
        field("name", STRING),
        array("partitions", &structure::<txn_offset_commit_request::TxnOffsetCommitRequestPartition>(&[
            field("partition_index", INT32),
            field("committed_offset", INT64),
            field("committed_leader_epoch", INT32).since(2),
            field("committed_metadata", NULLABLE_STRING),
        ])),
    ])),
]);

/// Key 61, version 0.
pub const DESCRIBE_PRODUCERS: Message = message(0, &[
    array("topics", &structure::<describe_producers_request::TopicRequest>(&[
        field("name", STRING),
        array("partition_indexes", INT32_ELEMENT),
    ])),
]);

/// Key 65, version 0.
pub const DESCRIBE_TRANSACTIONS: Message =
    message(0, &[array("transactional_ids", &Element::new::<TransactionalId>(Layout::One(STRING)))]);

/// Key 66, versions 0 and 1.
pub const LIST_TRANSACTIONS: Message = message(0, &[
    array("state_filters", STRING_ELEMENT),
    array("producer_id_filters", &Element::new::<ProducerId>(Layout::One(INT64))),
    field("duration_filter", INT64).since(1),
]);
