//! What can be wrong with a request, in Kafka's words.
//!
//! Owns the vocabulary; the edge turns it into Kafka's numbers in one exhaustive match.

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident => $code:expr, $text:expr;)*) => {
        /// A refusal. Names and numbers are those of `org.apache.kafka.common.protocol.Errors`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Error { $($(#[$doc])* $name,)* }

        impl Error {
            /// Kafka's number for it.
            pub fn code(self) -> i16 {
                match self { $(Error::$name => $code,)* }
            }

            /// One sentence for a person.
            pub fn message(self) -> &'static str {
                match self { $(Error::$name => $text,)* }
            }
        }
    };
}

errors! {
    /// -1
    UnknownServerError => -1, "The server experienced an unexpected error when processing the request.";
    /// 1
    OffsetOutOfRange => 1, "The requested offset is not within the range of offsets maintained by the server.";
    /// 2
    CorruptMessage => 2, "This message has failed its CRC checksum, exceeds the valid size, or is otherwise corrupt.";
    /// 3
    UnknownTopicOrPartition => 3, "This server does not host this topic-partition.";
    /// 10
    MessageTooLarge => 10, "The request included a message larger than the max message size the server will accept.";
    /// 12
    OffsetMetadataTooLarge => 12, "The committing offset metadata is too large.";
    /// 15
    CoordinatorNotAvailable => 15, "The coordinator is not available.";
    /// 17
    InvalidTopicException => 17, "The request attempted to perform an operation on an invalid topic.";
    /// 21
    InvalidRequiredAcks => 21, "Produce request specified an invalid value for required acks.";
    /// 22
    IllegalGeneration => 22, "Specified group generation id is not valid.";
    /// 23
    InconsistentGroupProtocol => 23, "The group member's supported protocols are incompatible with those of existing members or first group member tried to join with empty protocol type or empty protocol list.";
    /// 24
    InvalidGroupId => 24, "The group id is invalid.";
    /// 25
    UnknownMemberId => 25, "The coordinator is not aware of this member.";
    /// 26
    InvalidSessionTimeout => 26, "The session timeout is not within the range allowed by the broker (as configured by group.min.session.timeout.ms and group.max.session.timeout.ms).";
    /// 27
    RebalanceInProgress => 27, "The group is rebalancing, so a rejoin is needed.";
    /// 32
    InvalidTimestamp => 32, "The timestamp of the message is out of acceptable range.";
    /// 35
    UnsupportedVersion => 35, "The version of API is not supported.";
    /// 36
    TopicAlreadyExists => 36, "Topic with this name already exists.";
    /// 37
    InvalidPartitions => 37, "Number of partitions is below 1.";
    /// 38
    InvalidReplicationFactor => 38, "Replication factor is below 1 or larger than the number of available brokers.";
    /// 39
    InvalidReplicaAssignment => 39, "Replica assignment is invalid.";
    /// 40
    InvalidConfig => 40, "Configuration is invalid.";
    /// 42
    InvalidRequest => 42, "This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details.";
    /// 44
    PolicyViolation => 44, "Request parameters do not satisfy the configured policy.";
    /// 45
    OutOfOrderSequenceNumber => 45, "The broker received an out of order sequence number.";
    /// 47
    InvalidProducerEpoch => 47, "Producer attempted to produce with an old epoch.";
    /// 48
    InvalidTxnState => 48, "The producer attempted a transactional operation in an invalid state.";
    /// 49
    InvalidProducerIdMapping => 49, "The producer attempted to use a producer id which is not currently assigned to its transactional id.";
    /// 50
    InvalidTransactionTimeout => 50, "The transaction timeout is larger than the maximum value allowed by the broker (as configured by transaction.max.timeout.ms).";
    /// 51
    ConcurrentTransactions => 51, "The producer attempted to update a transaction while another concurrent operation on the same transaction was ongoing.";
    /// 52
    TransactionCoordinatorFenced => 52, "Indicates that the transaction coordinator sending a WriteTxnMarker is no longer the current coordinator for a given producer.";
    /// 53
    TransactionalIdAuthorizationFailed => 53, "The transactional id authorization failed.";
    /// 55
    OperationNotAttempted => 55, "The broker did not attempt to execute this operation. This may happen for batched RPCs where some operations in the batch failed, causing the broker to respond without trying the rest.";
    /// 56
    KafkaStorageError => 56, "Disk error when trying to access log file on the disk.";
    /// 68
    NonEmptyGroup => 68, "The group is not empty.";
    /// 69
    GroupIdNotFound => 69, "The group id does not exist.";
    /// 70
    FetchSessionIdNotFound => 70, "The fetch session ID was not found.";
    /// 71
    InvalidFetchSessionEpoch => 71, "The fetch session epoch is invalid.";
    /// 73
    TopicDeletionDisabled => 73, "Topic deletion is disabled.";
    /// 74
    FencedLeaderEpoch => 74, "The leader epoch in the request is older than the epoch on the broker.";
    /// 75
    UnknownLeaderEpoch => 75, "The leader epoch in the request is newer than the epoch on the broker.";
    /// 76
    UnsupportedCompressionType => 76, "The requesting client does not support the compression type of given partition.";
    /// 79
    MemberIdRequired => 79, "The group member needs to have a valid member id before actually entering a consumer group.";
    /// 81
    GroupMaxSizeReached => 81, "The consumer group has reached its max size.";
    /// 82
    FencedInstanceId => 82, "The broker rejected this static consumer since another consumer with the same group.instance.id has registered with a different member.id.";
    /// 86
    GroupSubscribedToTopic => 86, "Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it.";
    /// 87
    InvalidRecord => 87, "This record has failed the validation on broker and hence will be rejected.";
    /// 88
    UnstableOffsetCommit => 88, "There are unstable offsets that need to be cleared.";
    /// 89
    ThrottlingQuotaExceeded => 89, "The throttling quota has been exceeded.";
    /// 90
    ProducerFenced => 90, "There is a newer producer with the same transactionalId which fences the current one.";
    /// 100
    UnknownTopicId => 100, "This server does not host this topic ID.";
    /// 105
    TransactionalIdNotFound => 105, "The transactionalId could not be found";
}
