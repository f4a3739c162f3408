//! Topics and configs.

use kafka_protocol::messages::{create_partitions_request, create_topics_request, delete_records_request, delete_topics_request, describe_configs_request, describe_topic_partitions_request, metadata_request};

use super::*;

/// Key 3, versions 0 to 13.
pub const METADATA: Message = message(9, &[
    nullable_array("topics", &structure::<metadata_request::MetadataRequestTopic>(&[
        field("topic_id", UUID).since(10),
        field("name", NULLABLE_STRING),
    ])),
    field("allow_auto_topic_creation", BOOL).since(4),
    field("include_cluster_authorized_operations", BOOL).since(8).until(10),
    field("include_topic_authorized_operations", BOOL).since(8),
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

/// Key 21, versions 0 to 2.
pub const DELETE_RECORDS: Message = message(2, &[
    array("topics", &structure::<delete_records_request::DeleteRecordsTopic>(&[
        field("name", STRING),
        array("partitions", &structure::<delete_records_request::DeleteRecordsPartition>(&[
            field("partition_index", INT32),
            field("offset", INT64),
        ])),
    ])),
    field("timeout_ms", INT32),
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

/// Key 75, version 0.
pub const DESCRIBE_TOPIC_PARTITIONS: Message = message(0, &[
    array("topics", &structure::<describe_topic_partitions_request::TopicRequest>(&[
        field("name", STRING),
    ])),
    field("response_partition_limit", INT32),
    field("cursor", Type::Optional(&Struct { fields: &[
        field("topic_name", STRING),
        field("partition_index", INT32),
    ], tags: &[] })),
]);
