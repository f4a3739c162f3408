//! The machine stands still for longer than a session between two commits of a sink in this process. The member once lost its place,
//! its commit was refused, and what was in the sink's file already was put there again.

use broker_core::request::{JoinGroup, Member, OffsetCommit, OffsetToCommit, Reply, Request, SyncGroup};
use bytes::Bytes;

use super::Story;

#[test]
fn a_member_in_this_process_keeps_its_place() {
    let mut story = Story::new();
    story.create("t");
    let joined = story.ask(Request::JoinGroup(JoinGroup {
        group: "connect-sink".into(),
        member: String::new(),
        instance: None,
        client_id: "sink".into(),
        client_host: "/127.0.0.1".into(),
        require_known_member: false,
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 10_000,
        protocol_type: "consumer".into(),
        protocols: vec![("range".into(), Bytes::new())],
        in_process: true,
    }));
    let Reply::JoinGroup(Ok(joined)) = joined else { panic!("{joined:?}") };
    let who =
        Member { group: "connect-sink".into(), generation: joined.generation, member: joined.member, instance: None };
    let assignments = vec![(who.member.clone(), Bytes::from_static(&[0]))];
    story.ask(Request::SyncGroup(SyncGroup { who: who.clone(), protocol: None, assignments }));
    story.pass(10 * 60_000);
    let offset = OffsetToCommit { partition: 0, offset: 5, leader_epoch: -1, metadata: String::new() };
    let commit = story.ask(Request::OffsetCommit(OffsetCommit { who, topics: vec![("t".into(), vec![offset])] }));
    let Reply::OffsetCommit(topics) = commit else { panic!("{commit:?}") };
    assert_eq!(topics[0].partitions, [(0, Ok(()))]);
}
