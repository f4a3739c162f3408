//! Kafka's error codes as its tools print them: the exception's name and its default message.
//!
//! Owns the table. Source: what the Java client's exceptions say (`org.apache.kafka.common.protocol.Errors`), which stdout of the tools
//! shows. Invariant: codes rise from row to row.

/// The exception's simple class name, and the message where the broker sent none.
pub fn find(code: i16) -> (&'static str, &'static str) {
    match ERRORS.binary_search_by_key(&code, |row| row.0) {
        Ok(at) => (ERRORS[at].1, ERRORS[at].2),
        Err(_) => (ERRORS[0].1, ERRORS[0].2),
    }
}

const ERRORS: &[(i16, &str, &str)] = &[
    (-1, "UnknownServerException", "The server experienced an unexpected error when processing the request."),
    (
        1,
        "OffsetOutOfRangeException",
        "The requested offset is not within the range of offsets maintained by the server.",
    ),
    (
        2,
        "CorruptRecordException",
        "This message has failed its CRC checksum, exceeds the valid size, has a null key for a compacted topic, or is otherwise corrupt.",
    ),
    (3, "UnknownTopicOrPartitionException", "This server does not host this topic-partition."),
    (
        5,
        "LeaderNotAvailableException",
        "There is no leader for this topic-partition as we are in the middle of a leadership election.",
    ),
    (
        6,
        "NotLeaderOrFollowerException",
        "For requests intended only for the leader, this error indicates that the broker is not the current leader. For requests intended \
         for any replica, this error indicates that the broker is not a replica of the topic partition.",
    ),
    (7, "TimeoutException", "The request timed out."),
    (8, "BrokerNotAvailableException", "The broker is not available."),
    (
        10,
        "RecordTooLargeException",
        "The request included a message larger than the max message size the server will accept.",
    ),
    (13, "NetworkException", "The server disconnected before a response was received."),
    (14, "CoordinatorLoadInProgressException", "The coordinator is loading and hence can't process requests."),
    (15, "CoordinatorNotAvailableException", "The coordinator is not available."),
    (16, "NotCoordinatorException", "This is not the correct coordinator."),
    (17, "InvalidTopicException", "The request attempted to perform an operation on an invalid topic."),
    (24, "InvalidGroupIdException", "The group id is invalid."),
    (25, "UnknownMemberIdException", "The coordinator is not aware of this member."),
    (27, "RebalanceInProgressException", "The group is rebalancing, so a rejoin is needed."),
    (29, "TopicAuthorizationException", "Topic authorization failed."),
    (30, "GroupAuthorizationException", "Group authorization failed."),
    (31, "ClusterAuthorizationException", "Cluster authorization failed."),
    (33, "UnsupportedSaslMechanismException", "The broker does not support the requested SASL mechanism."),
    (34, "IllegalSaslStateException", "Request is not valid given the current SASL state."),
    (35, "UnsupportedVersionException", "The version of API is not supported."),
    (36, "TopicExistsException", "Topic with this name already exists."),
    (37, "InvalidPartitionsException", "Number of partitions is below 1."),
    (
        38,
        "InvalidReplicationFactorException",
        "Replication factor is below 1 or larger than the number of available brokers.",
    ),
    (39, "InvalidReplicaAssignmentException", "Replica assignment is invalid."),
    (40, "InvalidConfigurationException", "Configuration is invalid."),
    (41, "NotControllerException", "This is not the correct controller for this cluster."),
    (
        42,
        "InvalidRequestException",
        "This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible \
         broker. See the broker logs for more details.",
    ),
    (44, "PolicyViolationException", "Request parameters do not satisfy the configured policy."),
    (
        49,
        "InvalidPidMappingException",
        "The producer attempted to use a producer id which is not currently assigned to its transactional id.",
    ),
    (
        50,
        "InvalidTxnTimeoutException",
        "The transaction timeout is larger than the maximum value allowed by the broker (as configured by transaction.max.timeout.ms).",
    ),
    (
        51,
        "ConcurrentTransactionsException",
        "The producer attempted to update a transaction while another concurrent operation on the same transaction was ongoing.",
    ),
    (53, "TransactionalIdAuthorizationException", "Transactional Id authorization failed."),
    (54, "SecurityDisabledException", "Security features are disabled."),
    (56, "KafkaStorageException", "Disk error when trying to access log file on the disk."),
    (57, "LogDirNotFoundException", "The user-specified log directory is not found in the broker config."),
    (58, "SaslAuthenticationException", "SASL Authentication failed."),
    (60, "ReassignmentInProgressException", "A partition reassignment is in progress."),
    (68, "GroupNotEmptyException", "The group is not empty."),
    (69, "GroupIdNotFoundException", "The group id does not exist."),
    (80, "PreferredLeaderNotAvailableException", "The preferred leader was not available."),
    (83, "EligibleLeadersNotAvailableException", "Eligible topic partition leaders are not available."),
    (84, "ElectionNotNeededException", "Leader election not needed for topic partition."),
    (85, "NoReassignmentInProgressException", "No partition reassignment is in progress."),
    (
        86,
        "GroupSubscribedToTopicException",
        "Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it.",
    ),
    (91, "ResourceNotFoundException", "A request illegally referred to a resource that does not exist."),
    (92, "DuplicateResourceException", "A request illegally referred to the same resource twice."),
    (93, "UnacceptableCredentialException", "Requested credential would not meet criteria for acceptability."),
    (96, "FeatureUpdateFailedException", "Unable to update finalized features due to an unexpected server error."),
    (100, "UnknownTopicIdException", "This server does not host this topic ID."),
    (102, "BrokerIdNotRegisteredException", "The given broker ID was not registered."),
    (103, "InconsistentTopicIdException", "The log's topic ID did not match the topic ID in the request."),
    (105, "TransactionalIdNotFoundException", "The transactionalId could not be found"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found() {
        assert!(ERRORS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(find(36).0, "TopicExistsException");
        assert_eq!(find(9999).0, "UnknownServerException");
    }
}
