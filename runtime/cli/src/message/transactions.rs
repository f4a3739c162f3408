//! The tables of `__transaction_state` and `__share_group_state`: what the coordinators of transactions and of share groups remember.
//!
//! Source: Kafka 4.3's `TransactionLogKey`, `TransactionLogValue`, and the messages of its share coordinator.

use super::{
    Field,
    Kind::{I8, I16, I32, I64, List, Struct, Text, Uuid},
    Message,
    coordinator::{Remembered, remembered},
    field, message, plain,
};

/// What a transaction coordinator remembers.
pub const TRANSACTIONS: &[&[Remembered]] = &[&[remembered(
    0,
    plain("TransactionLogKey", &[field("transactionalId", Text)]),
    Message {
        name: "TransactionLogValue",
        versions: 0..=1,
        flexible: 1,
        fields: &[
            field("producerId", I64),
            field("previousProducerId", I64).since(1).tagged(0, "-1"),
            field("nextProducerId", I64).since(1).tagged(1, "-1"),
            field("producerEpoch", I16),
            field("nextProducerEpoch", I16).since(1).tagged(3, "-1"),
            field("transactionTimeoutMs", I32),
            field("transactionStatus", I8),
            field("transactionPartitions", List(&Struct(&[field("topic", Text), field("partitionIds", List(&I32))]))),
            field("transactionLastUpdateTimestampMs", I64),
            field("transactionStartTimestampMs", I64),
            field("clientTransactionVersion", I16).since(1).tagged(2, "0"),
        ],
    },
)]];

const SHARE_PARTITION: &[Field] = &[field("groupId", Text), field("topicId", Uuid), field("partition", I32)];
const STATE_BATCH: &[Field] =
    &[field("firstOffset", I64), field("lastOffset", I64), field("deliveryState", I8), field("deliveryCount", I16)];

/// What a share coordinator remembers.
pub const SHARES: &[&[Remembered]] = &[&[
    remembered(
        0,
        plain("ShareSnapshotKey", SHARE_PARTITION),
        message(
            "ShareSnapshotValue",
            &[
                field("snapshotEpoch", I32),
                field("stateEpoch", I32),
                field("leaderEpoch", I32),
                field("startOffset", I64),
                field("deliveryCompleteCount", I32).tagged(0, "-1"),
                field("createTimestamp", I64),
                field("writeTimestamp", I64),
                field("stateBatches", List(&Struct(STATE_BATCH))),
            ],
        ),
    ),
    remembered(
        1,
        plain("ShareUpdateKey", SHARE_PARTITION),
        message(
            "ShareUpdateValue",
            &[
                field("snapshotEpoch", I32),
                field("leaderEpoch", I32),
                field("startOffset", I64),
                field("deliveryCompleteCount", I32).tagged(0, "-1"),
                field("stateBatches", List(&Struct(STATE_BATCH))),
            ],
        ),
    ),
]];
