//! The tables of share groups and streams groups, which connectd does not coordinate: this reads Kafka's `__consumer_offsets`.

use super::{
    Field,
    Kind::{I8, I16, I32, I64, List, MaybeStruct, Struct, Text, U16, Uuid},
    coordinator::{Remembered, remembered},
    field,
    groups::{ASSIGNED, ASSIGNMENT_EPOCH, GROUP, MEMBER},
    message, plain,
};

const NAMED_PARTITIONS: &[Field] = &[field("topicId", Uuid), field("topicName", Text), field("partitions", List(&I32))];

const KEY_VALUE: &[Field] = &[field("key", Text), field("value", Text)];
const EPOCH_AND_HASH: &[Field] = &[field("epoch", I32), field("metadataHash", I64)];
const TASKS: &[Field] = &[field("subtopologyId", Text), field("partitions", List(&I32))];
const TASKS_IN: &[Field] = &[
    field("subtopologyId", Text),
    field("partitions", List(&I32)),
    field("assignmentEpochs", List(&I32)).tagged(0, "[]"),
];
const TOPIC_INFO: &[Field] = &[
    field("name", Text),
    field("partitions", I32),
    field("replicationFactor", I16),
    field("topicConfigs", List(&Struct(KEY_VALUE))),
];
const COPARTITIONS: &[Field] = &[
    field("sourceTopics", List(&I16)),
    field("sourceTopicRegex", List(&I16)),
    field("repartitionSourceTopics", List(&I16)),
];
const SUBTOPOLOGY: &[Field] = &[
    field("subtopologyId", Text),
    field("sourceTopics", List(&Text)),
    field("sourceTopicRegex", List(&Text)),
    field("stateChangelogTopics", List(&Struct(TOPIC_INFO))),
    field("repartitionSinkTopics", List(&Text)),
    field("repartitionSourceTopics", List(&Struct(TOPIC_INFO))),
    field("copartitionGroups", List(&Struct(COPARTITIONS))),
];

/// Share groups (KIP-932).
pub(super) const SHARE_GROUPS: &[Remembered] = &[
    remembered(
        10,
        plain("ShareGroupMemberMetadataKey", MEMBER),
        message(
            "ShareGroupMemberMetadataValue",
            &[
                field("rackId", Text),
                field("clientId", Text),
                field("clientHost", Text),
                field("subscribedTopicNames", List(&Text)),
            ],
        ),
    ),
    remembered(11, plain("ShareGroupMetadataKey", GROUP), message("ShareGroupMetadataValue", EPOCH_AND_HASH)),
    remembered(
        12,
        plain("ShareGroupTargetAssignmentMetadataKey", GROUP),
        message("ShareGroupTargetAssignmentMetadataValue", ASSIGNMENT_EPOCH),
    ),
    remembered(
        13,
        plain("ShareGroupTargetAssignmentMemberKey", MEMBER),
        message("ShareGroupTargetAssignmentMemberValue", &[field("topicPartitions", List(&Struct(ASSIGNED)))]),
    ),
    remembered(
        14,
        plain("ShareGroupCurrentMemberAssignmentKey", MEMBER),
        message(
            "ShareGroupCurrentMemberAssignmentValue",
            &[
                field("memberEpoch", I32),
                field("previousMemberEpoch", I32),
                field("state", I8),
                field("assignedPartitions", List(&Struct(ASSIGNED))),
            ],
        ),
    ),
    remembered(
        15,
        plain("ShareGroupStatePartitionMetadataKey", GROUP),
        message(
            "ShareGroupStatePartitionMetadataValue",
            &[
                field("initializingTopics", List(&Struct(NAMED_PARTITIONS))),
                field("initializedTopics", List(&Struct(NAMED_PARTITIONS))),
                field("deletingTopics", List(&Struct(&[field("topicId", Uuid), field("topicName", Text)]))),
            ],
        ),
    ),
];

/// Streams groups (KIP-1071).
pub(super) const STREAMS_GROUPS: &[Remembered] = &[
    remembered(
        17,
        plain("StreamsGroupMetadataKey", GROUP),
        message(
            "StreamsGroupMetadataValue",
            &[
                field("epoch", I32),
                field("metadataHash", I64),
                field("validatedTopologyEpoch", I32).tagged(0, "-1"),
                field("lastAssignmentConfigs", List(&Struct(KEY_VALUE))).tagged(1, "[]"),
            ],
        ),
    ),
    remembered(
        19,
        plain("StreamsGroupMemberMetadataKey", MEMBER),
        message(
            "StreamsGroupMemberMetadataValue",
            &[
                field("instanceId", Text),
                field("rackId", Text),
                field("clientId", Text),
                field("clientHost", Text),
                field("rebalanceTimeoutMs", I32),
                field("topologyEpoch", I32),
                field("processId", Text),
                field("userEndpoint", MaybeStruct(&[field("host", Text), field("port", U16)])),
                field("clientTags", List(&Struct(KEY_VALUE))),
            ],
        ),
    ),
    remembered(
        20,
        plain("StreamsGroupTargetAssignmentMetadataKey", GROUP),
        message("StreamsGroupTargetAssignmentMetadataValue", ASSIGNMENT_EPOCH),
    ),
    remembered(
        21,
        plain("StreamsGroupTargetAssignmentMemberKey", MEMBER),
        message(
            "StreamsGroupTargetAssignmentMemberValue",
            &[
                field("activeTasks", List(&Struct(TASKS))),
                field("standbyTasks", List(&Struct(TASKS))),
                field("warmupTasks", List(&Struct(TASKS))),
            ],
        ),
    ),
    remembered(
        22,
        plain("StreamsGroupCurrentMemberAssignmentKey", MEMBER),
        message(
            "StreamsGroupCurrentMemberAssignmentValue",
            &[
                field("memberEpoch", I32),
                field("previousMemberEpoch", I32),
                field("state", I8),
                field("activeTasks", List(&Struct(TASKS_IN))),
                field("standbyTasks", List(&Struct(TASKS_IN))),
                field("warmupTasks", List(&Struct(TASKS_IN))),
                field("activeTasksPendingRevocation", List(&Struct(TASKS_IN))),
                field("standbyTasksPendingRevocation", List(&Struct(TASKS_IN))),
                field("warmupTasksPendingRevocation", List(&Struct(TASKS_IN))),
            ],
        ),
    ),
    remembered(
        23,
        plain("StreamsGroupTopologyKey", GROUP),
        message(
            "StreamsGroupTopologyValue",
            &[field("epoch", I32), field("subtopologies", List(&Struct(SUBTOPOLOGY)))],
        ),
    ),
];
