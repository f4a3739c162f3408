//! The guard's tables against `kafka-protocol`: what one writes the other reads, byte for byte, in every version served.

mod common;

use broker_wire::{
    ApiKey, Request,
    apis::APIS,
    decode,
    guard::{self, Problem},
    messages::*,
    request::schema,
};
use bytes::{Bytes, BytesMut};
use common::Rng;
use kafka_protocol::protocol::{Decodable, Encodable};
use proptest::prelude::*;

macro_rules! each_request {
    ($($name:ident $request:ident;)*) => {
        fn encode(request: &Request, version: i16) -> BytesMut {
            let mut bytes = BytesMut::new();
            match request { $(Request::$name(request) => request.encode(&mut bytes, version).unwrap(),)* }
            bytes
        }

        /// Decodes without the guard.
        fn decoder_accepts(api: ApiKey, version: i16, mut body: Bytes) -> bool {
            match api {
                $(ApiKey::$name => $request::decode(&mut body, version).is_ok(),)*
                other => panic!("{other:?} has no row"),
            }
        }
    };
}
each_request! {
    Produce ProduceRequest;
    Fetch FetchRequest;
    ListOffsets ListOffsetsRequest;
    Metadata MetadataRequest;
    OffsetCommit OffsetCommitRequest;
    OffsetFetch OffsetFetchRequest;
    FindCoordinator FindCoordinatorRequest;
    JoinGroup JoinGroupRequest;
    Heartbeat HeartbeatRequest;
    LeaveGroup LeaveGroupRequest;
    SyncGroup SyncGroupRequest;
    DescribeGroups DescribeGroupsRequest;
    ListGroups ListGroupsRequest;
    ApiVersions ApiVersionsRequest;
    CreateTopics CreateTopicsRequest;
    DeleteTopics DeleteTopicsRequest;
    InitProducerId InitProducerIdRequest;
    OffsetForLeaderEpoch OffsetForLeaderEpochRequest;
    DescribeAcls DescribeAclsRequest;
    CreateAcls CreateAclsRequest;
    DeleteAcls DeleteAclsRequest;
    DeleteRecords DeleteRecordsRequest;
    DescribeConfigs DescribeConfigsRequest;
    AlterConfigs AlterConfigsRequest;
    AlterReplicaLogDirs AlterReplicaLogDirsRequest;
    DescribeLogDirs DescribeLogDirsRequest;
    CreatePartitions CreatePartitionsRequest;
    CreateDelegationToken CreateDelegationTokenRequest;
    RenewDelegationToken RenewDelegationTokenRequest;
    ExpireDelegationToken ExpireDelegationTokenRequest;
    DescribeDelegationToken DescribeDelegationTokenRequest;
    DeleteGroups DeleteGroupsRequest;
    ElectLeaders ElectLeadersRequest;
    IncrementalAlterConfigs IncrementalAlterConfigsRequest;
    AlterPartitionReassignments AlterPartitionReassignmentsRequest;
    ListPartitionReassignments ListPartitionReassignmentsRequest;
    OffsetDelete OffsetDeleteRequest;
    DescribeClientQuotas DescribeClientQuotasRequest;
    AlterClientQuotas AlterClientQuotasRequest;
    DescribeUserScramCredentials DescribeUserScramCredentialsRequest;
    AlterUserScramCredentials AlterUserScramCredentialsRequest;
    DescribeQuorum DescribeQuorumRequest;
    UpdateFeatures UpdateFeaturesRequest;
    DescribeCluster DescribeClusterRequest;
    ListConfigResources ListConfigResourcesRequest;
    DescribeTopicPartitions DescribeTopicPartitionsRequest;
    AddPartitionsToTxn AddPartitionsToTxnRequest;
    AddOffsetsToTxn AddOffsetsToTxnRequest;
    EndTxn EndTxnRequest;
    WriteTxnMarkers WriteTxnMarkersRequest;
    TxnOffsetCommit TxnOffsetCommitRequest;
    DescribeProducers DescribeProducersRequest;
    DescribeTransactions DescribeTransactionsRequest;
    ListTransactions ListTransactionsRequest;
}

fn versions() -> impl Iterator<Item = (ApiKey, i16)> {
    APIS.iter().flat_map(|row| (row.served..=row.max).map(|version| (row.key, version)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_the_encoder_writes_the_guard_accepts(seed in any::<u64>()) {
        let rng = &mut Rng(seed);
        for (api, version) in versions() {
            let frame = Bytes::from(common::frame(api, version, rng));
            let (header, request) = decode(frame.clone()).unwrap_or_else(|error| panic!("{error}"));
            prop_assert_eq!((header.api, header.version), (api, version));
            let encoded = encode(&request, version);
            prop_assert!(frame.ends_with(&encoded), "{:?} {}: {:?}", api, version, request);
            prop_assert_eq!(guard::check(schema(api).unwrap(), version, &encoded), Ok(()));
        }
    }

    #[test]
    fn null_and_utf8_are_refused_only_where_the_decoder_refuses_them(seed in any::<u64>()) {
        let rng = &mut Rng(seed);
        for (api, version) in versions() {
            let mut body = common::body(api, version, rng);
            if body.is_empty() { continue }
            let at = rng.below(body.len());
            let new: &[u8] = [&[0xff, 0xff][..], &[0xff; 4], &[0], &[0x80]][rng.below(4)];
            let end = body.len().min(at + new.len());
            body[at..end].copy_from_slice(&new[..end - at]);
            let Err(error) = guard::check(schema(api).unwrap(), version, &body) else { continue };
            if matches!(error.problem, Problem::Null | Problem::Utf8 | Problem::Negative(_)) {
                prop_assert!(!decoder_accepts(api, version, body.into()), "{:?} {}: {}", api, version, error);
            }
        }
    }
}

#[test]
fn the_tables_become_flexible_where_the_crate_does() {
    for (api, version) in versions() {
        let flexible = version >= schema(api).unwrap().flexible;
        assert_eq!(flexible, api.request_header_version(version) == 2, "{api:?} {version}");
    }
}

#[test]
fn bytes_after_the_end_are_passed_over() {
    for (api, version) in versions() {
        let frame = common::frame(api, version, &mut Rng(1));
        let (_, expected) = decode(Bytes::from(frame.clone())).unwrap_or_else(|error| panic!("{error}"));
        let (_, request) =
            decode(Bytes::from([&frame[..], &[0, 1, 0]].concat())).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(format!("{request:?}"), format!("{expected:?}"), "{api:?} {version}");
    }
}

#[test]
fn what_is_wrong_and_where() {
    let check = |api, version, body: &[u8], expected: &str| {
        let result = guard::check(schema(api).unwrap(), version, body);
        assert_eq!(result.unwrap_err().to_string(), expected);
    };
    use ApiKey::*;
    // Each of two partitions takes at least 16 bytes: the count is refused before the walk.
    let two_topics = [&[255; 5][..], &[0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 2], &[0; 31]].concat();
    check(ListOffsets, 4, &two_topics, "partitions at byte 12: 2 elements cannot be in 31 bytes");
    check(Heartbeat, 0, &[0, 5, b'g'], "group_id at byte 0: a length of 5 where 1 bytes remain");
    check(Heartbeat, 0, &[255, 255], "group_id at byte 0: null is not allowed");
    check(Heartbeat, 0, &[255, 254], "group_id at byte 0: a negative length (-2)");
    check(Heartbeat, 0, &[0, 1, 0xff], "group_id at byte 0: not UTF-8");
    check(Heartbeat, 0, &[0, 1, b'g', 0, 0], "generation_id at byte 3: 4 bytes wanted where 2 remain");
    check(DeleteGroups, 0, &[255, 255, 255, 254], "groups_names at byte 0: a negative length (-2)");
    check(FindCoordinator, 3, &[0xff; 9], "key at byte 0: a variable-length number that does not end");
    check(
        FindCoordinator,
        3,
        &[0x81, 0x80, 0x80, 0x80, 0x10],
        "key at byte 0: a variable-length number that does not end",
    );
    check(FindCoordinator, 3, &[2, b'g', 0, 9], "tagged fields at byte 3: 9 elements cannot be in 0 bytes");
    let fetch = |tags: &[u8]| [&[0; 25][..], &[1, 1, 1], tags].concat();
    let cluster_id = fetch(&[1, 0, 3, 3, b'i', b'd']);
    assert_eq!(guard::check(schema(Fetch).unwrap(), 12, &cluster_id), Ok(()));
    let wrong = "cluster_id at byte 29: tagged field 0 is malformed or not of this version";
    check(Fetch, 12, &fetch(&[1, 0, 2, 3, b'i', b'd']), wrong);
    check(Fetch, 12, &fetch(&[1, 0, 4, 3, b'i', b'd', 0]), wrong);
    check(
        Fetch,
        12,
        &fetch(&[1, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0]),
        "replica_state at byte 29: tagged field 1 is malformed or not of this version",
    );
    check(Fetch, 12, &fetch(&[1, 9, 8, 0]), "tagged field at byte 29: a length of 8 where 1 bytes remain");
}
