//! The layout of every request we serve, one table each, from Kafka's message definitions.
//!
//! Owns nothing but these tables. A test decodes and encodes generated requests of every version with `kafka-protocol`
//! and compares bytes, so a table that drifts from the decoder fails. `nullable` follows the decoder, which takes null in
//! every version of a field that is nullable in one.

use kafka_protocol::{messages::*, protocol::StrBytes};

use super::schema::{Element, Field, Layout, Message, Struct, Tag, Type};

const BOOL: Type = Type::Fixed(1);
const INT8: Type = Type::Fixed(1);
const INT16: Type = Type::Fixed(2);
const INT32: Type = Type::Fixed(4);
const INT64: Type = Type::Fixed(8);
const UUID: Type = Type::Fixed(16);
const STRING: Type = Type::String { nullable: false };
const NULLABLE_STRING: Type = Type::String { nullable: true };
const BYTES: Type = Type::Bytes { nullable: false };
const NULLABLE_BYTES: Type = Type::Bytes { nullable: true };

const INT32_ELEMENT: &Element = &Element::new::<i32>(Layout::One(INT32));
const STRING_ELEMENT: &Element = &Element::new::<StrBytes>(Layout::One(STRING));

const fn message(flexible: i16, fields: &'static [Field]) -> Message {
    Message { flexible, body: Struct { fields, tags: &[] } }
}

const fn structure<T>(fields: &'static [Field]) -> Element {
    Element::new::<T>(Layout::Struct(Struct { fields, tags: &[] }))
}

const fn field(name: &'static str, kind: Type) -> Field {
    Field::new(name, kind)
}

const fn array(name: &'static str, of: &'static Element) -> Field {
    Field::new(name, Type::Array { of, nullable: false })
}

const fn nullable_array(name: &'static str, of: &'static Element) -> Field {
    Field::new(name, Type::Array { of, nullable: true })
}

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

/// Key 2, versions 1 to 6.
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
]);

/// Key 3, versions 0 to 11.
pub const METADATA: Message = message(9, &[
    nullable_array("topics", &structure::<metadata_request::MetadataRequestTopic>(&[
        field("topic_id", UUID).since(10),
        field("name", NULLABLE_STRING),
    ])),
    field("allow_auto_topic_creation", BOOL).since(4),
    field("include_cluster_authorized_operations", BOOL).since(8).until(10),
    field("include_topic_authorized_operations", BOOL).since(8),
]);

/// Key 8, versions 2 to 8.
pub const OFFSET_COMMIT: Message = message(8, &[
    field("group_id", STRING),
    field("generation_id_or_member_epoch", INT32),
    field("member_id", STRING),
    field("group_instance_id", NULLABLE_STRING).since(7),
    field("retention_time_ms", INT64).until(4),
    array("topics", &structure::<offset_commit_request::OffsetCommitRequestTopic>(&[
        field("name", STRING),
        array("partitions", &structure::<offset_commit_request::OffsetCommitRequestPartition>(&[
            field("partition_index", INT32),
            field("committed_offset", INT64),
            field("committed_leader_epoch", INT32).since(6),
            field("committed_metadata", NULLABLE_STRING),
        ])),
    ])),
]);

/// Key 9, versions 1 to 7.
pub const OFFSET_FETCH: Message = message(6, &[
    field("group_id", STRING),
    nullable_array("topics", &structure::<offset_fetch_request::OffsetFetchRequestTopic>(&[
        field("name", STRING),
        array("partition_indexes", INT32_ELEMENT),
    ])),
    field("require_stable", BOOL).since(7),
]);

/// Key 10, versions 0 to 3.
pub const FIND_COORDINATOR: Message =
    message(3, &[field("key", STRING), field("key_type", INT8).since(1)]);

/// Key 11, versions 0 to 7.
pub const JOIN_GROUP: Message = message(6, &[
    field("group_id", STRING),
    field("session_timeout_ms", INT32),
    field("rebalance_timeout_ms", INT32).since(1),
    field("member_id", STRING),
    field("group_instance_id", NULLABLE_STRING).since(5),
    field("protocol_type", STRING),
    array("protocols", &structure::<join_group_request::JoinGroupRequestProtocol>(&[
        field("name", STRING),
        field("metadata", BYTES),
    ])),
]);

/// Key 12, versions 0 to 4.
pub const HEARTBEAT: Message = message(4, &[
    field("group_id", STRING),
    field("generation_id", INT32),
    field("member_id", STRING),
    field("group_instance_id", NULLABLE_STRING).since(3),
]);

/// Key 13, versions 0 to 4.
pub const LEAVE_GROUP: Message = message(4, &[
    field("group_id", STRING),
    field("member_id", STRING).until(2),
    array("members", &structure::<leave_group_request::MemberIdentity>(&[
        field("member_id", STRING),
        field("group_instance_id", NULLABLE_STRING),
    ])).since(3),
]);

/// Key 14, versions 0 to 5.
pub const SYNC_GROUP: Message = message(4, &[
    field("group_id", STRING),
    field("generation_id", INT32),
    field("member_id", STRING),
    field("group_instance_id", NULLABLE_STRING).since(3),
    field("protocol_type", NULLABLE_STRING).since(5),
    field("protocol_name", NULLABLE_STRING).since(5),
    array("assignments", &structure::<sync_group_request::SyncGroupRequestAssignment>(&[
        field("member_id", STRING),
        field("assignment", BYTES),
    ])),
]);

/// Key 15, versions 0 to 5.
pub const DESCRIBE_GROUPS: Message = message(5, &[
    array("groups", STRING_ELEMENT),
    field("include_authorized_operations", BOOL).since(3),
]);

/// Key 16, versions 0 to 4.
pub const LIST_GROUPS: Message = message(3, &[array("states_filter", STRING_ELEMENT).since(4)]);

/// Key 18, versions 0 to 4.
pub const API_VERSIONS: Message = message(3, &[
    field("client_software_name", STRING).since(3),
    field("client_software_version", STRING).since(3),
]);

/// Key 19, versions 2 to 7.
pub const CREATE_TOPICS: Message = message(5, &[
    array("topics", &structure::<create_topics_request::CreatableTopic>(&[
        field("name", STRING),
        field("num_partitions", INT32),
        field("replication_factor", INT16),
        array("assignments", &structure::<create_topics_request::CreatableReplicaAssignment>(&[
            field("partition_index", INT32),
            array("broker_ids", INT32_ELEMENT),
        ])),
        array("configs", &structure::<create_topics_request::CreatableTopicConfig>(&[
            field("name", STRING),
            field("value", NULLABLE_STRING),
        ])),
    ])),
    field("timeout_ms", INT32),
    field("validate_only", BOOL),
]);

/// Key 20, versions 1 to 6.
pub const DELETE_TOPICS: Message = message(4, &[
    array("topics", &structure::<delete_topics_request::DeleteTopicState>(&[
        field("name", NULLABLE_STRING),
        field("topic_id", UUID),
    ])).since(6),
    array("topic_names", STRING_ELEMENT).until(5),
    field("timeout_ms", INT32),
]);

/// Key 22, versions 0 to 4.
pub const INIT_PRODUCER_ID: Message = message(2, &[
    field("transactional_id", NULLABLE_STRING),
    field("transaction_timeout_ms", INT32),
    field("producer_id", INT64).since(3),
    field("producer_epoch", INT16).since(3),
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

/// Key 32, versions 1 to 4.
pub const DESCRIBE_CONFIGS: Message = message(4, &[
    array("resources", &structure::<describe_configs_request::DescribeConfigsResource>(&[
        field("resource_type", INT8),
        field("resource_name", STRING),
        nullable_array("configuration_keys", STRING_ELEMENT),
    ])),
    field("include_synonyms", BOOL),
    field("include_documentation", BOOL).since(3),
]);

/// Key 37, versions 0 to 3.
pub const CREATE_PARTITIONS: Message = message(2, &[
    array("topics", &structure::<create_partitions_request::CreatePartitionsTopic>(&[
        field("name", STRING),
        field("count", INT32),
        nullable_array("assignments", &structure::<create_partitions_request::CreatePartitionsAssignment>(&[
            array("broker_ids", INT32_ELEMENT),
        ])),
    ])),
    field("timeout_ms", INT32),
    field("validate_only", BOOL),
]);

/// Key 42, versions 0 to 2.
pub const DELETE_GROUPS: Message = message(2, &[array("groups_names", STRING_ELEMENT)]);

/// Key 60, version 0.
pub const DESCRIBE_CLUSTER: Message = message(0, &[field("include_cluster_authorized_operations", BOOL)]);
