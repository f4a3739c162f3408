//! The one table of APIs: what is advertised, what is dispatched, what the docs list.
//!
//! Profile "P28", the versions of Kafka 2.8, which address topics by name, and later ones of what tools ask. [`crate::Request`], [`crate::Response`], the
//! ApiVersions answer and the guard are all made from these rows, so they cannot disagree.
//! Invariant: every version in `min..=max` that is at least `served` has a guard, a decoder and an encoder.

use kafka_protocol::messages::{ApiKey, ApiVersionsResponse, api_versions_response::ApiVersion};

use crate::ErrorCode;

pub mod page;

/// Hands the table to the macro `$then`. A row is: name; versions advertised; lowest version served; types; guard schema.
///
/// Produce is advertised from 0 although 0 to 2 are refused: an older librdkafka turns compression off otherwise
/// (KAFKA-18659), and Kafka 4 does the same.
macro_rules! with_apis {
    ($then:ident) => {
        $then! {
            Produce                      0..=9  from 3 ProduceRequest                      ProduceResponse                      PRODUCE;
            Fetch                        4..=12 from 4 FetchRequest                        FetchResponse                        FETCH;
            ListOffsets                  1..=10 from 1 ListOffsetsRequest                  ListOffsetsResponse                  LIST_OFFSETS;
            Metadata                     0..=13 from 0 MetadataRequest                     MetadataResponse                     METADATA;
            OffsetCommit                 2..=8  from 2 OffsetCommitRequest                 OffsetCommitResponse                 OFFSET_COMMIT;
            OffsetFetch                  1..=7  from 1 OffsetFetchRequest                  OffsetFetchResponse                  OFFSET_FETCH;
            FindCoordinator              0..=3  from 0 FindCoordinatorRequest              FindCoordinatorResponse              FIND_COORDINATOR;
            JoinGroup                    0..=7  from 0 JoinGroupRequest                    JoinGroupResponse                    JOIN_GROUP;
            Heartbeat                    0..=4  from 0 HeartbeatRequest                    HeartbeatResponse                    HEARTBEAT;
            LeaveGroup                   0..=4  from 0 LeaveGroupRequest                   LeaveGroupResponse                   LEAVE_GROUP;
            SyncGroup                    0..=5  from 0 SyncGroupRequest                    SyncGroupResponse                    SYNC_GROUP;
            DescribeGroups               0..=6  from 0 DescribeGroupsRequest               DescribeGroupsResponse               DESCRIBE_GROUPS;
            ListGroups                   0..=5  from 0 ListGroupsRequest                   ListGroupsResponse                   LIST_GROUPS;
            ApiVersions                  0..=4  from 0 ApiVersionsRequest                  ApiVersionsResponse                  API_VERSIONS;
            CreateTopics                 2..=7  from 2 CreateTopicsRequest                 CreateTopicsResponse                 CREATE_TOPICS;
            DeleteTopics                 1..=6  from 1 DeleteTopicsRequest                 DeleteTopicsResponse                 DELETE_TOPICS;
            DeleteRecords                0..=2  from 0 DeleteRecordsRequest                DeleteRecordsResponse                DELETE_RECORDS;
            InitProducerId               0..=4  from 0 InitProducerIdRequest               InitProducerIdResponse               INIT_PRODUCER_ID;
            OffsetForLeaderEpoch         2..=4  from 2 OffsetForLeaderEpochRequest         OffsetForLeaderEpochResponse         OFFSET_FOR_LEADER_EPOCH;
            AddPartitionsToTxn           0..=3  from 0 AddPartitionsToTxnRequest           AddPartitionsToTxnResponse           ADD_PARTITIONS_TO_TXN;
            AddOffsetsToTxn              0..=3  from 0 AddOffsetsToTxnRequest              AddOffsetsToTxnResponse              ADD_OFFSETS_TO_TXN;
            EndTxn                       0..=3  from 0 EndTxnRequest                       EndTxnResponse                       END_TXN;
            WriteTxnMarkers              1..=1  from 1 WriteTxnMarkersRequest              WriteTxnMarkersResponse              WRITE_TXN_MARKERS;
            TxnOffsetCommit              0..=3  from 0 TxnOffsetCommitRequest              TxnOffsetCommitResponse              TXN_OFFSET_COMMIT;
            DescribeAcls                 1..=3  from 1 DescribeAclsRequest                 DescribeAclsResponse                 DESCRIBE_ACLS;
            CreateAcls                   1..=3  from 1 CreateAclsRequest                   CreateAclsResponse                   CREATE_ACLS;
            DeleteAcls                   1..=3  from 1 DeleteAclsRequest                   DeleteAclsResponse                   DELETE_ACLS;
            DescribeConfigs              1..=4  from 1 DescribeConfigsRequest              DescribeConfigsResponse              DESCRIBE_CONFIGS;
            AlterConfigs                 0..=2  from 0 AlterConfigsRequest                 AlterConfigsResponse                 ALTER_CONFIGS;
            AlterReplicaLogDirs          1..=2  from 1 AlterReplicaLogDirsRequest          AlterReplicaLogDirsResponse          ALTER_REPLICA_LOG_DIRS;
            DescribeLogDirs              1..=4  from 1 DescribeLogDirsRequest              DescribeLogDirsResponse              DESCRIBE_LOG_DIRS;
            CreatePartitions             0..=3  from 0 CreatePartitionsRequest             CreatePartitionsResponse             CREATE_PARTITIONS;
            CreateDelegationToken        1..=3  from 1 CreateDelegationTokenRequest        CreateDelegationTokenResponse        CREATE_DELEGATION_TOKEN;
            RenewDelegationToken         1..=2  from 1 RenewDelegationTokenRequest         RenewDelegationTokenResponse         RENEW_DELEGATION_TOKEN;
            ExpireDelegationToken        1..=2  from 1 ExpireDelegationTokenRequest        ExpireDelegationTokenResponse        EXPIRE_DELEGATION_TOKEN;
            DescribeDelegationToken      1..=3  from 1 DescribeDelegationTokenRequest      DescribeDelegationTokenResponse      DESCRIBE_DELEGATION_TOKEN;
            DeleteGroups                 0..=2  from 0 DeleteGroupsRequest                 DeleteGroupsResponse                 DELETE_GROUPS;
            ElectLeaders                 0..=2  from 0 ElectLeadersRequest                 ElectLeadersResponse                 ELECT_LEADERS;
            IncrementalAlterConfigs      0..=1  from 0 IncrementalAlterConfigsRequest      IncrementalAlterConfigsResponse      INCREMENTAL_ALTER_CONFIGS;
            AlterPartitionReassignments  0..=1  from 0 AlterPartitionReassignmentsRequest  AlterPartitionReassignmentsResponse  ALTER_PARTITION_REASSIGNMENTS;
            ListPartitionReassignments   0..=0  from 0 ListPartitionReassignmentsRequest   ListPartitionReassignmentsResponse   LIST_PARTITION_REASSIGNMENTS;
            OffsetDelete                 0..=0  from 0 OffsetDeleteRequest                 OffsetDeleteResponse                 OFFSET_DELETE;
            DescribeClientQuotas         0..=1  from 0 DescribeClientQuotasRequest         DescribeClientQuotasResponse         DESCRIBE_CLIENT_QUOTAS;
            AlterClientQuotas            0..=1  from 0 AlterClientQuotasRequest            AlterClientQuotasResponse            ALTER_CLIENT_QUOTAS;
            DescribeUserScramCredentials 0..=0  from 0 DescribeUserScramCredentialsRequest DescribeUserScramCredentialsResponse DESCRIBE_USER_SCRAM_CREDENTIALS;
            AlterUserScramCredentials    0..=0  from 0 AlterUserScramCredentialsRequest    AlterUserScramCredentialsResponse    ALTER_USER_SCRAM_CREDENTIALS;
            DescribeQuorum               0..=2  from 0 DescribeQuorumRequest               DescribeQuorumResponse               DESCRIBE_QUORUM;
            UpdateFeatures               0..=2  from 0 UpdateFeaturesRequest               UpdateFeaturesResponse               UPDATE_FEATURES;
            DescribeCluster              0..=2  from 0 DescribeClusterRequest              DescribeClusterResponse              DESCRIBE_CLUSTER;
            DescribeProducers            0..=0  from 0 DescribeProducersRequest            DescribeProducersResponse            DESCRIBE_PRODUCERS;
            DescribeTransactions         0..=0  from 0 DescribeTransactionsRequest         DescribeTransactionsResponse         DESCRIBE_TRANSACTIONS;
            ListTransactions             0..=1  from 0 ListTransactionsRequest             ListTransactionsResponse             LIST_TRANSACTIONS;
            ListConfigResources          0..=1  from 0 ListConfigResourcesRequest          ListConfigResourcesResponse          LIST_CONFIG_RESOURCES;
            DescribeTopicPartitions      0..=0  from 0 DescribeTopicPartitionsRequest      DescribeTopicPartitionsResponse      DESCRIBE_TOPIC_PARTITIONS;
        }
    };
}
pub(crate) use with_apis;

/// One API that we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number on the wire.
    pub key: ApiKey,
    /// Kafka's name for it, without `Request`.
    pub name: &'static str,
    /// Lowest version advertised.
    pub min: i16,
    /// Highest version advertised and served.
    pub max: i16,
    /// Lowest version served; above `min` only for Produce.
    pub served: i16,
}

macro_rules! rows {
    ($($name:ident $min:literal ..= $max:literal from $served:literal $request:ident $response:ident $schema:ident;)*) => {
        /// Every API we speak, by key.
        pub const APIS: &[Row] = &[$(
            Row { key: ApiKey::$name, name: stringify!($name), min: $min, max: $max, served: $served },
        )*];
    };
}
with_apis!(rows);

/// The row of an API by its number on the wire; `None` if we do not speak it.
pub fn find(key: i16) -> Option<&'static Row> {
    APIS.binary_search_by_key(&key, |row| row.key as i16).ok().map(|at| &APIS[at])
}

impl Row {
    /// Whether a request of this version is decoded and handled.
    pub fn serves(&self, version: i16) -> bool {
        (self.served..=self.max).contains(&version)
    }
}

/// What ApiVersions answers, apart from the error code: the table. No features, no epoch: at their defaults the encoder
/// leaves those tags out, which librdkafka up to 2.0 needs.
pub fn api_versions(error: ErrorCode) -> ApiVersionsResponse {
    let row = |row: &Row| {
        ApiVersion::default().with_api_key(row.key as i16).with_min_version(row.min).with_max_version(row.max)
    };
    ApiVersionsResponse::default().with_error_code(error.0).with_api_keys(APIS.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_within_what_the_crate_decodes() {
        assert!(APIS.windows(2).all(|pair| (pair[0].key as i16) < pair[1].key as i16));
        for row in APIS {
            let crate_versions = row.key.valid_versions();
            assert!(row.min <= row.served && row.served <= row.max, "{}", row.name);
            assert!(crate_versions.min <= row.served && row.max <= crate_versions.max, "{}", row.name);
        }
    }

    #[test]
    fn rows_are_found_by_their_key() {
        for row in APIS {
            assert_eq!(find(row.key as i16), Some(row));
        }
        for unknown in [-1, 4, 17, 71, 999, i16::MIN, i16::MAX] {
            assert_eq!(find(unknown), None);
        }
    }

    #[test]
    fn only_produce_is_advertised_below_what_is_served() {
        for row in APIS {
            assert_eq!(row.min < row.served, row.key == ApiKey::Produce, "{}", row.name);
        }
    }
}
