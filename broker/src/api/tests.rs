//! Every answer in every advertised version: the encoder refuses a field that a version does not have, and a refusal there closes a
//! client's connection.

use broker_core::{
    error::Error,
    request::{
        ClusterMetadata, CommittedOffset, ConfigEntry, ConfigResource, ConfigSource, CreatedTopic, DeletedTopic,
        Fetched, GroupDescription, Joined, Listed, ListedGroup, ListedOffset, ListedTransactions, MemberDescription,
        Produced, ProducedAt, ProducerDescription, Synced, TopicMetadata, TopicReply, TransactionDescription,
        TransactionReply,
    },
};
use broker_store::log::Read;
use broker_wire::{Out, RequestHeader, Response, apis, encode, messages::ApiKey};
use bytes::Bytes;
use uuid::Uuid;

use super::*;

fn peer() -> Peer {
    Peer {
        address: "127.0.0.1:1".parse().unwrap(),
        node_id: 1,
        cluster_id: "cluster".into(),
        log_dir: "/data".into(),
        queued: std::sync::Arc::new(crate::connection::BytesLimit::new(1000)),
        host: "localhost".into(),
        port: 9092,
        max_request_bytes: 1000,
        max_idle: std::time::Duration::from_secs(1),
    }
}

/// Encodes what `answer` makes in each version of `api`.
fn check(api: ApiKey, answer: impl Fn(i16) -> Response) {
    let row = apis::find(api as i16).unwrap();
    for version in row.served..=row.max {
        let header = RequestHeader { api, version, correlation_id: 1, client_id: Default::default() };
        let encoded = encode(&mut Out::new(), &header, &answer(version));
        assert!(encoded.is_ok(), "{api:?} version {version}: {encoded:?}");
    }
}

/// A handle to no broker: enough for answers that read nothing.
fn nowhere() -> (tempfile::TempDir, Handle) {
    let dir = tempfile::tempdir().unwrap();
    let disk = crate::disk::RealDisk::lock(dir.path(), crate::settings::Flush::Os, true).unwrap();
    let segments = broker_store::segment::SegmentReader::new(disk, broker_store::entry::Pool::new());
    let commands = tokio::sync::mpsc::channel(1).0;
    (dir, Handle { commands, reader: crate::read::Reader::new(segments), next_conn: Default::default() })
}

fn in_topic<P>(partitions: Vec<P>) -> Vec<TopicReply<P>> {
    vec![TopicReply { topic: "t".into(), partitions }]
}

fn config() -> ConfigEntry {
    ConfigEntry {
        name: "a".into(),
        value: Some("b".into()),
        source: ConfigSource::Default,
        read_only: false,
        synonyms: Vec::new(),
        kind: 2,
        doc: "doc",
    }
}

#[test]
fn produce_and_ids() {
    let at = ProducedAt { base_offset: 7, log_start_offset: 3, log_append_time: 9 };
    let good = || Produced { partition: 0, outcome: Ok(at) };
    let bad = || Produced { partition: 1, outcome: Err((Error::InvalidRecord, "why".into())) };
    check(ApiKey::Produce, |_| Response::Produce(produce::answer(in_topic(vec![good(), bad()]))));
    let id = |outcome| check(ApiKey::InitProducerId, |v| Response::InitProducerId(transaction::answer_id(v, outcome)));
    id(Ok((7, 1)));
    id(Err(Error::ProducerFenced));
}

#[test]
fn transactions() {
    let outcomes = || in_topic(vec![(0, Ok(())), (1, Err(Error::ProducerFenced))]);
    let described = TransactionDescription {
        state: "Ongoing",
        timeout_ms: 1,
        started: 2,
        producer_id: 3,
        epoch: 4,
        topics: vec![("t".into(), vec![0])],
    };
    let producer = ProducerDescription {
        producer_id: 1,
        epoch: 2,
        last_sequence: 3,
        last_timestamp: 4,
        coordinator_epoch: 5,
        open_since_offset: 6,
    };
    let known = || ("a".to_string(), Ok(described.clone()));
    let unknown = || ("b".to_string(), Err(Error::TransactionalIdNotFound));
    let listed =
        ListedTransactions { unknown_states: vec!["Odd".into()], transactions: vec![("a".into(), 3, "Ongoing")] };
    use TransactionReply as Reply;
    let all: [(ApiKey, &dyn Fn() -> Reply); 8] = [
        (ApiKey::AddPartitionsToTxn, &|| Reply::AddPartitions(outcomes())),
        (ApiKey::AddOffsetsToTxn, &|| Reply::AddOffsets(Err(Error::ProducerFenced))),
        (ApiKey::EndTxn, &|| Reply::End(Ok(()))),
        (ApiKey::TxnOffsetCommit, &|| Reply::CommitOffsets(outcomes())),
        (ApiKey::WriteTxnMarkers, &|| Reply::WriteMarkers(vec![(7, outcomes())])),
        (ApiKey::DescribeTransactions, &|| Reply::Describe(vec![known(), unknown()])),
        (ApiKey::ListTransactions, &|| Reply::List(listed.clone())),
        (ApiKey::DescribeProducers, &|| {
            Reply::DescribeProducers(in_topic(vec![(0, Ok(vec![producer])), (1, Err(Error::InvalidRequest))]))
        }),
    ];
    for (api, reply) in all {
        check(api, |version| transaction::answer(version, reply()));
    }
}

#[test]
fn an_older_client_is_told_of_an_old_epoch_instead_of_fencing() {
    let told = |version| match transaction::answer(version, TransactionReply::End(Err(Error::ProducerFenced))) {
        Response::EndTxn(end) => end.error_code,
        other => panic!("{other:?}"),
    };
    assert_eq!([0, 1, 2, 3].map(told), [47, 47, 90, 90]);
}

#[tokio::test]
async fn offsets() {
    let (_dir, handle) = nowhere();
    let found = Listed { partition: 0, outcome: Ok(ListedOffset::At { timestamp: 5, offset: 6, leader_epoch: 0 }) };
    let refused = Listed { partition: 1, outcome: Err(Error::UnknownTopicOrPartition) };
    let row = apis::find(ApiKey::ListOffsets as i16).unwrap();
    for version in row.served..=row.max {
        let answer = offset::answer_list(&handle, version, in_topic(vec![found.clone(), refused.clone()])).await;
        check_one(ApiKey::ListOffsets, version, Response::ListOffsets(answer));
    }
    let deleted = || in_topic(vec![(0, Ok(7)), (1, Err(Error::OffsetOutOfRange))]);
    check(ApiKey::DeleteRecords, |_| Response::DeleteRecords(offset::answer_delete(deleted())));
    let ends = || vec![("t".into(), 0, Ok((0, 9))), ("t".into(), 1, Err(Error::UnknownTopicOrPartition))];
    check(ApiKey::OffsetForLeaderEpoch, |_| Response::OffsetForLeaderEpoch(offset::answer_epochs(ends())));
    let outcomes = || in_topic(vec![(0, Ok(())), (1, Err(Error::OffsetMetadataTooLarge))]);
    check(ApiKey::OffsetCommit, |_| Response::OffsetCommit(offset::answer_commit(outcomes())));
    let committed =
        || CommittedOffset { partition: 0, error: None, offset: 4, leader_epoch: 2, metadata: "note".into() };
    check(ApiKey::OffsetFetch, |_| Response::OffsetFetch(offset::answer_fetch(Ok(in_topic(vec![committed()])))));
    check(ApiKey::OffsetFetch, |_| Response::OffsetFetch(offset::answer_fetch(Err(Error::InvalidGroupId))));
}

fn check_one(api: ApiKey, version: i16, response: Response) {
    let header = RequestHeader { api, version, correlation_id: 1, client_id: Default::default() };
    let encoded = encode(&mut Out::new(), &header, &response);
    assert!(encoded.is_ok(), "{api:?} version {version}: {encoded:?}");
}

#[tokio::test]
async fn fetch_answers() {
    let fetched = |error| Fetched {
        partition: 0,
        error,
        high_watermark: 8,
        last_stable_offset: 8,
        log_start_offset: 2,
        aborted: vec![(1, 2)],
        records: Read::default(),
    };
    let (_dir, handle) = nowhere();
    let row = apis::find(ApiKey::Fetch as i16).unwrap();
    for version in row.served..=row.max {
        let topics = in_topic(vec![fetched(None), fetched(Some(Error::OffsetOutOfRange))]);
        check_one(ApiKey::Fetch, version, Response::Fetch(fetch::answer(&handle, true, topics).await));
    }
}

#[test]
fn topics() {
    let topic = |name: Option<&str>, partitions| TopicMetadata {
        name: name.map(Into::into),
        id: Uuid::from_u128(9),
        internal: true,
        partitions,
    };
    let cluster = || ClusterMetadata {
        cluster_id: "c".into(),
        node_id: 1,
        topics: vec![topic(Some("t"), Ok(2)), topic(Some("u"), Err(Error::UnknownTopicOrPartition))],
    };
    check(ApiKey::Metadata, |version| {
        Response::Metadata(topic::answer_metadata(&peer(), version, (false, false), cluster()))
    });
    check(ApiKey::DescribeTopicPartitions, |_| {
        let limit = broker_wire::messages::DescribeTopicPartitionsRequest::default();
        let Step::Ask(_, Shape::DescribeTopicPartitions(page)) = pages::ask(limit) else {
            panic!("a page is asked for")
        };
        Response::DescribeTopicPartitions(pages::answer(&page, cluster()))
    });
    let created = || {
        vec![
            CreatedTopic { name: "t".into(), outcome: Ok((Uuid::from_u128(9), 3, vec![config()])) },
            CreatedTopic { name: "u".into(), outcome: Err((Error::TopicAlreadyExists, "why".into())) },
        ]
    };
    check(ApiKey::CreateTopics, |version| Response::CreateTopics(topic::answer_create(version, created())));
    let deleted = || {
        vec![
            DeletedTopic { name: Some("t".into()), id: Uuid::from_u128(9), outcome: Ok(()) },
            DeletedTopic { name: Some("u".into()), id: Uuid::nil(), outcome: Err(Error::UnknownTopicOrPartition) },
        ]
    };
    check(ApiKey::DeleteTopics, |_| Response::DeleteTopics(topic::answer_delete(deleted())));
    let grown = || vec![("t".into(), Ok(())), ("u".into(), Err((Error::InvalidPartitions, "why".into())))];
    check(ApiKey::CreatePartitions, |_| Response::CreatePartitions(topic::answer_partitions(grown())));
    let wanted = config::WantedConfigs::everything(2);
    let described = || {
        vec![
            (ConfigResource::Topic("t".into()), Ok(vec![config()])),
            (ConfigResource::Topic("u".into()), Err((Error::UnknownTopicOrPartition, "why".into()))),
        ]
    };
    check(ApiKey::DescribeConfigs, |_| {
        Response::DescribeConfigs(config::answer_describe(&peer(), &wanted, described()))
    });
    check(ApiKey::DescribeCluster, |version| {
        Response::DescribeCluster(cluster::describe(&peer(), version, &Default::default()))
    });
    replicas();
    security_and_features();
    altered();
}

#[test]
fn groups() {
    let joined = || Joined {
        generation: 1,
        protocol_type: "consumer".into(),
        protocol: "range".into(),
        leader: "a".into(),
        member: "a".into(),
        members: vec![("a".into(), Some("i".into()), Bytes::from_static(b"m"))],
    };
    check(ApiKey::JoinGroup, |version| Response::JoinGroup(group::answer_join(version, Ok(joined()))));
    check(ApiKey::JoinGroup, |version| {
        Response::JoinGroup(group::answer_join(version, Err((Error::MemberIdRequired, "a-1".into()))))
    });
    let synced =
        || Synced { protocol_type: "consumer".into(), protocol: "range".into(), assignment: Bytes::from_static(b"x") };
    check(ApiKey::SyncGroup, |_| Response::SyncGroup(group::answer_sync(Ok(synced()))));
    check(ApiKey::SyncGroup, |_| Response::SyncGroup(group::answer_sync(Err(Error::UnknownMemberId))));
    check(ApiKey::Heartbeat, |_| Response::Heartbeat(group::answer_heartbeat(Err(Error::RebalanceInProgress))));
    let left = || vec![("a".into(), Some("i".into()), Ok(())), ("b".into(), None, Err(Error::UnknownMemberId))];
    check(ApiKey::LeaveGroup, |version| Response::LeaveGroup(group::answer_leave(version, Ok(left()))));
    let described = || GroupDescription {
        group: "g".into(),
        error: None,
        state: "Stable",
        protocol_type: "consumer".into(),
        protocol: "range".into(),
        members: vec![MemberDescription {
            member: "a".into(),
            instance: Some("i".into()),
            client_id: "c".into(),
            client_host: "/h".into(),
            metadata: Bytes::from_static(b"m"),
            assignment: Bytes::from_static(b"x"),
        }],
    };
    check(ApiKey::DescribeGroups, |version| {
        Response::DescribeGroups(group::answer_describe(version, false, vec![described()]))
    });
    let listed = || ListedGroup { group: "g".into(), protocol_type: "consumer".into(), state: "Stable" };
    check(ApiKey::ListGroups, |version| Response::ListGroups(group::answer_list(version, vec![listed()])));
    check(ApiKey::DeleteGroups, |_| {
        Response::DeleteGroups(group::answer_delete(vec![("g".into(), Err(Error::NonEmptyGroup))]))
    });
    let request = broker_wire::messages::FindCoordinatorRequest::default().with_key(text("g"));
    check(ApiKey::FindCoordinator, |version| {
        Response::FindCoordinator(group::find_coordinator(&peer(), version, &request))
    });
    let unknown = broker_wire::messages::FindCoordinatorRequest::default().with_key(text("g")).with_key_type(2);
    check(ApiKey::FindCoordinator, |version| {
        Response::FindCoordinator(group::find_coordinator(&peer(), version, &unknown))
    });
}

fn replicas() {
    let sizes = || vec![TopicReply { topic: "t".into(), partitions: vec![(0, Some(7)), (1, None)] }];
    check(ApiKey::DescribeLogDirs, |_| Response::DescribeLogDirs(replica::answer_log_dirs(&peer(), sizes())));
    let folders = ["/elsewhere".to_string()];
    check(ApiKey::AlterReplicaLogDirs, |_| {
        Response::AlterReplicaLogDirs(replica::answer_move(&peer(), &folders, sizes()))
    });
    check(ApiKey::ElectLeaders, |_| Response::ElectLeaders(replica::answer_elect(sizes())));
    check(ApiKey::AlterPartitionReassignments, |_| {
        let wanted = vec![vec![Some(vec![7]), None]];
        Response::AlterPartitionReassignments(replica::answer_reassign(&peer(), wanted, sizes()))
    });
    check(ApiKey::ListPartitionReassignments, |_| Response::ListPartitionReassignments(replica::list_reassignments()));
    check(ApiKey::DescribeQuorum, |version| {
        let asked = vec![(topic_name("__cluster_metadata"), vec![0, 1])];
        Response::DescribeQuorum(cluster::answer_quorum(&peer(), version, asked, 7))
    });
}

fn security_and_features() {
    use broker_wire::{Request as Wire, messages::*};
    let answered = |request: Wire| check(request.api(), |_| security::answer(&request).expect("it is answered there"));
    answered(Wire::DescribeAcls(DescribeAclsRequest::default()));
    answered(Wire::CreateAcls(CreateAclsRequest::default().with_creations(vec![Default::default()])));
    answered(Wire::DeleteAcls(DeleteAclsRequest::default().with_filters(vec![Default::default()])));
    answered(Wire::CreateDelegationToken(Default::default()));
    answered(Wire::RenewDelegationToken(Default::default()));
    answered(Wire::ExpireDelegationToken(Default::default()));
    answered(Wire::DescribeDelegationToken(Default::default()));
    answered(Wire::DescribeClientQuotas(Default::default()));
    let entry = alter_client_quotas_request::EntryData::default().with_entity(vec![Default::default()]);
    answered(Wire::AlterClientQuotas(AlterClientQuotasRequest::default().with_entries(vec![entry])));
    let users = DescribeUserScramCredentialsRequest::default().with_users(Some(vec![Default::default()]));
    answered(Wire::DescribeUserScramCredentials(users));
    let alter = AlterUserScramCredentialsRequest::default();
    let alter = alter.with_deletions(vec![Default::default()]).with_upsertions(vec![Default::default()]);
    answered(Wire::AlterUserScramCredentials(alter));
    let features = UpdateFeaturesRequest::default().with_feature_updates(vec![Default::default()]);
    check(ApiKey::UpdateFeatures, |version| {
        Response::UpdateFeatures(cluster::update_features(&peer(), version, &features))
    });
}

fn altered() {
    let altered = || {
        vec![
            (ConfigResource::Topic("t".into()), Ok(())),
            (ConfigResource::Broker("1".into()), Err((Error::InvalidConfig, "why".into()))),
        ]
    };
    check(ApiKey::AlterConfigs, |_| Response::AlterConfigs(config::answer_alter(altered())));
    check(ApiKey::IncrementalAlterConfigs, |_| {
        Response::IncrementalAlterConfigs(config::answer_incremental(altered()))
    });
    check(ApiKey::ListConfigResources, |_| Response::ListConfigResources(config::answer_list(vec![(2, "t".into())])));
    check(ApiKey::OffsetDelete, |_| {
        let partitions = vec![(0, Ok(())), (1, Err(Error::GroupSubscribedToTopic))];
        let topics = vec![TopicReply { topic: "t".into(), partitions }];
        Response::OffsetDelete(group::answer_delete_offsets(Ok(topics)))
    });
}
