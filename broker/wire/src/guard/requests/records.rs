//! Produce, fetch and what leads to them.

use kafka_protocol::messages::{fetch_request, list_offsets_request, offset_for_leader_epoch_request, produce_request};

use super::*;

/// Key 0, versions 3 to 9.
pub const PRODUCE: Message = message(9, &[
    field("transactional_id", NULLABLE_STRING),
    field("acks", INT16),
    field("timeout_ms", INT32),
    array("topic_data", &structure::<produce_request::TopicProduceData>(&[
        field("name", STRING),
        array("partition_data", &structure::<produce_request::PartitionProduceData>(&[
            field("index", INT32),
            field("records", NULLABLE_BYTES),
        ])),
    ])),
]);

/// Key 1, versions 4 to 12. The tags of later versions are here because the decoder refuses them in these.
pub const FETCH: Message = Message {
    flexible: 12,
    body: Struct {
        fields: &[
            field("replica_id", INT32),
            field("max_wait_ms", INT32),
            field("min_bytes", INT32),
            field("max_bytes", INT32),
            field("isolation_level", INT8),
            field("session_id", INT32).since(7),
            field("session_epoch", INT32).since(7),
            array("topics", &structure::<fetch_request::FetchTopic>(&[
                field("topic", STRING),
                array("partitions", FETCH_PARTITION),
            ])),
            array("forgotten_topics_data", &structure::<fetch_request::ForgottenTopic>(&[
                field("topic", STRING),
                array("partitions", INT32_ELEMENT),
            ])).since(7),
            field("rack_id", STRING).since(11),
        ],
        tags: &[
            Tag { number: 0, field: field("cluster_id", NULLABLE_STRING) },
            Tag { number: 1, field: field("replica_state", INT64).since(15) },
        ],
    },
};

const FETCH_PARTITION: &Element = &Element::new::<fetch_request::FetchPartition>(Layout::Struct(Struct {
    fields: &[
        field("partition", INT32),
        field("current_leader_epoch", INT32).since(9),
        field("fetch_offset", INT64),
        field("last_fetched_epoch", INT32).since(12),
        field("log_start_offset", INT64).since(5),
        field("partition_max_bytes", INT32),
    ],
    tags: &[
        Tag { number: 0, field: field("replica_directory_id", UUID).since(17) },
        Tag { number: 1, field: field("high_watermark", INT64).since(18) },
    ],
}));

/// Key 2, versions 1 to 10.
pub const LIST_OFFSETS: Message = message(6, &[
    field("replica_id", INT32),
    field("isolation_level", INT8).since(2),
    array("topics", &structure::<list_offsets_request::ListOffsetsTopic>(&[
        field("name", STRING),
        array("partitions", &structure::<list_offsets_request::ListOffsetsPartition>(&[
            field("partition_index", INT32),
            field("current_leader_epoch", INT32).since(4),
            field("timestamp", INT64),
        ])),
    ])),
    field("timeout_ms", INT32).since(10),
]);

/// Key 23, versions 2 to 4.
pub const OFFSET_FOR_LEADER_EPOCH: Message = message(4, &[
    field("replica_id", INT32).since(3),
    array("topics", &structure::<offset_for_leader_epoch_request::OffsetForLeaderTopic>(&[
        field("topic", STRING),
        array("partitions", &structure::<offset_for_leader_epoch_request::OffsetForLeaderPartition>(&[
            field("partition", INT32),
            field("current_leader_epoch", INT32),
            field("leader_epoch", INT32),
        ])),
    ])),
]);
