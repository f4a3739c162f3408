//! The records of `__cluster_metadata`: what Kafka's controllers note (KIP-631).
//!
//! Owns their frame and their tables, by number. connectd has no such log: this reads Kafka's.

use super::{
    Damaged, Field, Json,
    Kind::{Bool, Bytes, F64, I8, I16, I32, I64, List, Struct, Text, U16, Uuid},
    Message, field, message,
    read::varint,
};

/// Reads a record: the type, version and content, as one object.
///
/// # Errors
/// It is of no known kind, or damaged.
pub fn read(value: &[u8]) -> Result<Json, Damaged> {
    const FRAME: u32 = 1;
    let mut rest = value;
    let (frame, kind, version) = (varint(&mut rest)?, varint(&mut rest)?, varint(&mut rest)?);
    let (_, name, table) = RECORDS.iter().find(|(number, ..)| *number == kind).ok_or(Damaged)?;
    let version = i16::try_from(version).map_err(|_| Damaged)?;
    if frame != FRAME {
        return Err(Damaged);
    }
    Ok(Json::Object(vec![
        ("type", Json::Text((*name).to_owned())),
        ("version", Json::Number(version.into())),
        ("data", table.json(version, rest)?),
    ]))
}

/// A message of several versions, all with tagged fields.
const fn versions(last: i16, name: &'static str, fields: &'static [Field]) -> Message {
    Message { name, versions: 0..=last, flexible: 0, fields }
}

const ENDPOINT: &[Field] =
    &[field("name", Text), field("host", Text), field("port", U16), field("securityProtocol", I16)];
const FEATURE: &[Field] = &[field("name", Text), field("minSupportedVersion", I16), field("maxSupportedVersion", I16)];
const BROKER: &[Field] = &[field("brokerId", I32), field("brokerEpoch", I64)];
const ID_AND_EPOCH: &[Field] = &[field("id", I32), field("epoch", I64)];

/// Every record, with its number and the name of its type.
pub const RECORDS: &[(u32, &str, Message)] = &[
    (
        0,
        "REGISTER_BROKER_RECORD",
        versions(
            4,
            "RegisterBrokerRecord",
            &[
                field("brokerId", I32),
                field("isMigratingZkBroker", Bool).since(2),
                field("incarnationId", Uuid),
                field("brokerEpoch", I64),
                field("endPoints", List(&Struct(ENDPOINT))),
                field("features", List(&Struct(FEATURE))),
                field("rack", Text),
                field("fenced", Bool),
                field("inControlledShutdown", Bool).since(1),
                field("logDirs", List(&Uuid)).since(3).tagged(0, "[]"),
                field("cordonedLogDirs", List(&Uuid)).since(4).tagged(1, "null"),
            ],
        ),
    ),
    (1, "UNREGISTER_BROKER_RECORD", message("UnregisterBrokerRecord", BROKER)),
    (2, "TOPIC_RECORD", message("TopicRecord", &[field("name", Text), field("topicId", Uuid)])),
    (
        3,
        "PARTITION_RECORD",
        versions(
            2,
            "PartitionRecord",
            &[
                field("partitionId", I32),
                field("topicId", Uuid),
                field("replicas", List(&I32)),
                field("isr", List(&I32)),
                field("removingReplicas", List(&I32)),
                field("addingReplicas", List(&I32)),
                field("leader", I32),
                field("leaderRecoveryState", I8).tagged(0, "0"),
                field("leaderEpoch", I32),
                field("partitionEpoch", I32),
                field("directories", List(&Uuid)).since(1),
                field("eligibleLeaderReplicas", List(&I32)).since(2).tagged(1, "null"),
                field("lastKnownElr", List(&I32)).since(2).tagged(2, "null"),
            ],
        ),
    ),
    (
        4,
        "CONFIG_RECORD",
        message(
            "ConfigRecord",
            &[field("resourceType", I8), field("resourceName", Text), field("name", Text), field("value", Text)],
        ),
    ),
    (
        5,
        "PARTITION_CHANGE_RECORD",
        versions(
            2,
            "PartitionChangeRecord",
            &[
                field("partitionId", I32),
                field("topicId", Uuid),
                field("isr", List(&I32)).tagged(0, "null"),
                field("leader", I32).tagged(1, "-2"),
                field("replicas", List(&I32)).tagged(2, "null"),
                field("removingReplicas", List(&I32)).tagged(3, "null"),
                field("addingReplicas", List(&I32)).tagged(4, "null"),
                field("leaderRecoveryState", I8).tagged(5, "-1"),
                field("directories", List(&Uuid)).since(1).tagged(8, "null"),
                field("eligibleLeaderReplicas", List(&I32)).since(2).tagged(6, "null"),
                field("lastKnownElr", List(&I32)).since(2).tagged(7, "null"),
            ],
        ),
    ),
    (7, "FENCE_BROKER_RECORD", message("FenceBrokerRecord", ID_AND_EPOCH)),
    (8, "UNFENCE_BROKER_RECORD", message("UnfenceBrokerRecord", ID_AND_EPOCH)),
    (9, "REMOVE_TOPIC_RECORD", message("RemoveTopicRecord", &[field("topicId", Uuid)])),
    (
        10,
        "DELEGATION_TOKEN_RECORD",
        message(
            "DelegationTokenRecord",
            &[
                field("owner", Text),
                field("requester", Text),
                field("renewers", List(&Text)),
                field("issueTimestamp", I64),
                field("maxTimestamp", I64),
                field("expirationTimestamp", I64),
                field("tokenId", Text),
            ],
        ),
    ),
    (
        11,
        "USER_SCRAM_CREDENTIAL_RECORD",
        message(
            "UserScramCredentialRecord",
            &[
                field("name", Text),
                field("mechanism", I8),
                field("salt", Bytes),
                field("storedKey", Bytes),
                field("serverKey", Bytes),
                field("iterations", I32),
            ],
        ),
    ),
    (12, "FEATURE_LEVEL_RECORD", message("FeatureLevelRecord", &[field("name", Text), field("featureLevel", I16)])),
    (
        14,
        "CLIENT_QUOTA_RECORD",
        message(
            "ClientQuotaRecord",
            &[
                field("entity", List(&Struct(&[field("entityType", Text), field("entityName", Text)]))),
                field("key", Text),
                field("value", F64),
                field("remove", Bool),
            ],
        ),
    ),
    (
        15,
        "PRODUCER_IDS_RECORD",
        message(
            "ProducerIdsRecord",
            &[field("brokerId", I32), field("brokerEpoch", I64), field("nextProducerId", I64)],
        ),
    ),
    (
        17,
        "BROKER_REGISTRATION_CHANGE_RECORD",
        versions(
            3,
            "BrokerRegistrationChangeRecord",
            &[
                field("brokerId", I32),
                field("brokerEpoch", I64),
                field("fenced", I8).tagged(0, "0"),
                field("inControlledShutdown", I8).since(1).tagged(1, "0"),
                field("logDirs", List(&Uuid)).since(2).tagged(2, "[]"),
                field("cordonedLogDirs", List(&Uuid)).since(3).tagged(3, "null"),
            ],
        ),
    ),
    (
        18,
        "ACCESS_CONTROL_ENTRY_RECORD",
        message(
            "AccessControlEntryRecord",
            &[
                field("id", Uuid),
                field("resourceType", I8),
                field("resourceName", Text),
                field("patternType", I8),
                field("principal", Text),
                field("host", Text),
                field("operation", I8),
                field("permissionType", I8),
            ],
        ),
    ),
    (19, "REMOVE_ACCESS_CONTROL_ENTRY_RECORD", message("RemoveAccessControlEntryRecord", &[field("id", Uuid)])),
    (20, "NO_OP_RECORD", message("NoOpRecord", &[])),
    (21, "ZK_MIGRATION_STATE_RECORD", message("ZkMigrationStateRecord", &[field("zkMigrationState", I8)])),
    (
        22,
        "REMOVE_USER_SCRAM_CREDENTIAL_RECORD",
        message("RemoveUserScramCredentialRecord", &[field("name", Text), field("mechanism", I8)]),
    ),
    (23, "BEGIN_TRANSACTION_RECORD", message("BeginTransactionRecord", &[field("name", Text).tagged(0, "null")])),
    (24, "END_TRANSACTION_RECORD", message("EndTransactionRecord", &[])),
    (25, "ABORT_TRANSACTION_RECORD", message("AbortTransactionRecord", &[field("reason", Text).tagged(0, "null")])),
    (26, "REMOVE_DELEGATION_TOKEN_RECORD", message("RemoveDelegationTokenRecord", &[field("tokenId", Text)])),
    (
        27,
        "REGISTER_CONTROLLER_RECORD",
        message(
            "RegisterControllerRecord",
            &[
                field("controllerId", I32),
                field("incarnationId", Uuid),
                field("zkMigrationReady", Bool),
                field("endPoints", List(&Struct(ENDPOINT))),
                field("features", List(&Struct(FEATURE))),
            ],
        ),
    ),
    (28, "CLEAR_ELR_RECORD", message("ClearElrRecord", &[field("topicName", Text)])),
];
