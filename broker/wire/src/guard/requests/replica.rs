//! Where replicas are and who leads.

use kafka_protocol::messages::{alter_partition_reassignments_request, alter_replica_log_dirs_request, describe_log_dirs_request, elect_leaders_request, list_partition_reassignments_request};

use super::*;

/// Key 34, versions 1 to 2.
pub const ALTER_REPLICA_LOG_DIRS: Message = message(2, &[
    array("dirs", &structure::<alter_replica_log_dirs_request::AlterReplicaLogDir>(&[
        field("path", STRING),
        array("topics", &structure::<alter_replica_log_dirs_request::AlterReplicaLogDirTopic>(&[
            field("name", STRING),
            array("partitions", INT32_ELEMENT),
        ])),
    ])),
]);

/// Key 35, versions 1 to 4.
pub const DESCRIBE_LOG_DIRS: Message = message(2, &[
    nullable_array("topics", &structure::<describe_log_dirs_request::DescribableLogDirTopic>(&[
        field("topic", STRING),
        array("partitions", INT32_ELEMENT),
    ])),
]);

/// Key 43, versions 0 to 2.
pub const ELECT_LEADERS: Message = message(2, &[
    field("election_type", INT8).since(1),
    nullable_array("topic_partitions", &structure::<elect_leaders_request::TopicPartitions>(&[
        field("topic", STRING),
        array("partitions", INT32_ELEMENT),
    ])),
    field("timeout_ms", INT32),
]);

/// Key 45, versions 0 to 1.
pub const ALTER_PARTITION_REASSIGNMENTS: Message = message(0, &[
    field("timeout_ms", INT32),
    field("allow_replication_factor_change", BOOL).since(1),
    array("topics", &structure::<alter_partition_reassignments_request::ReassignableTopic>(&[
        field("name", STRING),
        array("partitions", &structure::<alter_partition_reassignments_request::ReassignablePartition>(&[
            field("partition_index", INT32),
            nullable_array("replicas", INT32_ELEMENT),
        ])),
    ])),
]);

/// Key 46, version 0.
pub const LIST_PARTITION_REASSIGNMENTS: Message = message(0, &[
    field("timeout_ms", INT32),
    nullable_array("topics", &structure::<list_partition_reassignments_request::ListPartitionReassignmentsTopics>(&[
        field("name", STRING),
        array("partition_indexes", INT32_ELEMENT),
    ])),
]);
