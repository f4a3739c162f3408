//! Consumer groups and their offsets.

use kafka_protocol::messages::{join_group_request, leave_group_request, offset_commit_request, offset_delete_request, offset_fetch_request, sync_group_request};

use super::*;

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

/// Key 15, versions 0 to 6.
pub const DESCRIBE_GROUPS: Message = message(5, &[
    array("groups", STRING_ELEMENT),
    field("include_authorized_operations", BOOL).since(3),
]);

/// Key 16, versions 0 to 5.
pub const LIST_GROUPS: Message = message(3, &[
    array("states_filter", STRING_ELEMENT).since(4),
    array("types_filter", STRING_ELEMENT).since(5),
]);

/// Key 42, versions 0 to 2.
pub const DELETE_GROUPS: Message = message(2, &[array("groups_names", STRING_ELEMENT)]);

/// Key 47, version 0.
pub const OFFSET_DELETE: Message = message(i16::MAX, &[
    field("group_id", STRING),
    array("topics", &structure::<offset_delete_request::OffsetDeleteRequestTopic>(&[
        field("name", STRING),
        array("partitions", &structure::<offset_delete_request::OffsetDeleteRequestPartition>(&[
            field("partition_index", INT32),
        ])),
    ])),
]);
