//! The tables of `__consumer_offsets`: what a group coordinator remembers.
//!
//! Owns keys and values by the type in front of a key, and what a consumer says in the values of classic groups. Source: Kafka 4.3's
//! `CoordinatorRecordType` and `ConsumerProtocol`.

use super::{
    Field,
    Kind::{Bytes, I8, I32, I64, List, MaybeStruct, Struct, Text, Uuid},
    Message,
    coordinator::{Remembered, remembered},
    field, message,
    new_groups::{SHARE_GROUPS, STREAMS_GROUPS},
    plain,
};

const PARTITIONS: &[Field] = &[field("topic", Text), field("partitions", List(&I32))];

/// What a consumer subscribes to.
pub const SUBSCRIPTION: Message = Message {
    versions: 0..=3,
    ..plain(
        "ConsumerProtocolSubscription",
        &[
            field("topics", List(&Text)),
            field("userData", Bytes),
            field("ownedPartitions", List(&Struct(PARTITIONS))).since(1),
            field("generationId", I32).since(2),
            field("rackId", Text).since(3),
        ],
    )
};

/// What a consumer is given.
pub const ASSIGNMENT: Message = Message {
    versions: 0..=3,
    ..plain(
        "ConsumerProtocolAssignment",
        &[field("assignedPartitions", List(&Struct(PARTITIONS))), field("userData", Bytes)],
    )
};

pub(super) const GROUP: &[Field] = &[field("groupId", Text)];
pub(super) const MEMBER: &[Field] = &[field("groupId", Text), field("memberId", Text)];
const OFFSET: &[Field] = &[field("group", Text), field("topic", Text), field("partition", I32)];

const CLASSIC_MEMBER: &[Field] = &[
    field("memberId", Text),
    field("groupInstanceId", Text).since(3),
    field("clientId", Text),
    field("clientHost", Text),
    field("rebalanceTimeout", I32).since(1),
    field("sessionTimeout", I32),
    field("subscription", Bytes),
    field("assignment", Bytes),
];

pub(super) const ASSIGNED: &[Field] = &[field("topicId", Uuid), field("partitions", List(&I32))];
const ASSIGNED_IN: &[Field] =
    &[field("topicId", Uuid), field("partitions", List(&I32)), field("assignmentEpochs", List(&I32)).tagged(0, "[]")];
pub(super) const ASSIGNMENT_EPOCH: &[Field] =
    &[field("assignmentEpoch", I32), field("assignmentTimestamp", I64).tagged(0, "0")];

const CLASSIC_PROTOCOL: &[Field] = &[field("name", Text), field("metadata", Bytes)];
const CLASSIC_METADATA: &[Field] =
    &[field("sessionTimeoutMs", I32), field("supportedProtocols", List(&Struct(CLASSIC_PROTOCOL)))];
/// Kafka's default is not null.
const NO_CLASSIC_METADATA: &str = r#"{"sessionTimeoutMs":0,"supportedProtocols":[]}"#;

/// Everything that a group coordinator remembers.
pub const GROUPS: &[&[Remembered]] = &[GROUPS_OF_CONSUMERS, SHARE_GROUPS, STREAMS_GROUPS];

const GROUPS_OF_CONSUMERS: &[Remembered] = &[
    remembered(
        0,
        plain("LegacyOffsetCommitKey", OFFSET),
        plain(
            "LegacyOffsetCommitValue",
            &[field("offset", I64), field("metadata", Text), field("commitTimestamp", I64)],
        ),
    ),
    remembered(
        1,
        plain("OffsetCommitKey", OFFSET),
        Message {
            name: "OffsetCommitValue",
            versions: 0..=4,
            flexible: 4,
            fields: &[
                field("offset", I64),
                field("leaderEpoch", I32).since(3),
                field("metadata", Text),
                field("commitTimestamp", I64),
                field("expireTimestamp", I64).only(1..=1),
                field("topicId", Uuid).since(4).tagged(0, "\"AAAAAAAAAAAAAAAAAAAAAA\""),
            ],
        },
    ),
    remembered(
        2,
        plain("GroupMetadataKey", &[field("group", Text)]),
        Message {
            name: "GroupMetadataValue",
            versions: 0..=4,
            flexible: 4,
            fields: &[
                field("protocolType", Text),
                field("generation", I32),
                field("protocol", Text),
                field("leader", Text),
                field("currentStateTimestamp", I64).since(2),
                field("members", List(&Struct(CLASSIC_MEMBER))),
            ],
        },
    ),
    remembered(
        3,
        plain("ConsumerGroupMetadataKey", GROUP),
        message("ConsumerGroupMetadataValue", &[field("epoch", I32), field("metadataHash", I64).tagged(0, "0")]),
    ),
    remembered(
        4,
        plain("ConsumerGroupPartitionMetadataKey", GROUP),
        message(
            "ConsumerGroupPartitionMetadataValue",
            &[field(
                "topics",
                List(&Struct(&[
                    field("topicId", Uuid),
                    field("topicName", Text),
                    field("numPartitions", I32),
                    field("partitionMetadata", List(&Struct(&[field("partition", I32), field("racks", List(&Text))]))),
                ])),
            )],
        ),
    ),
    remembered(
        5,
        plain("ConsumerGroupMemberMetadataKey", MEMBER),
        message(
            "ConsumerGroupMemberMetadataValue",
            &[
                field("instanceId", Text),
                field("rackId", Text),
                field("clientId", Text),
                field("clientHost", Text),
                field("subscribedTopicNames", List(&Text)),
                field("subscribedTopicRegex", Text),
                field("rebalanceTimeoutMs", I32),
                field("serverAssignor", Text),
                field("classicMemberMetadata", MaybeStruct(CLASSIC_METADATA)).tagged(0, NO_CLASSIC_METADATA),
            ],
        ),
    ),
    remembered(
        6,
        plain("ConsumerGroupTargetAssignmentMetadataKey", GROUP),
        message("ConsumerGroupTargetAssignmentMetadataValue", ASSIGNMENT_EPOCH),
    ),
    remembered(
        7,
        plain("ConsumerGroupTargetAssignmentMemberKey", MEMBER),
        message("ConsumerGroupTargetAssignmentMemberValue", &[field("topicPartitions", List(&Struct(ASSIGNED)))]),
    ),
    remembered(
        8,
        plain("ConsumerGroupCurrentMemberAssignmentKey", MEMBER),
        message(
            "ConsumerGroupCurrentMemberAssignmentValue",
            &[
                field("memberEpoch", I32),
                field("previousMemberEpoch", I32),
                field("state", I8),
                field("assignedPartitions", List(&Struct(ASSIGNED_IN))),
                field("partitionsPendingRevocation", List(&Struct(ASSIGNED_IN))),
            ],
        ),
    ),
    remembered(
        16,
        plain("ConsumerGroupRegularExpressionKey", &[field("groupId", Text), field("regularExpression", Text)]),
        message(
            "ConsumerGroupRegularExpressionValue",
            &[field("topics", List(&Text)), field("version", I64), field("timestamp", I64)],
        ),
    ),
];
