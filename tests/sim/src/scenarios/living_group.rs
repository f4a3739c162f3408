//! The broker dies with a group alive. Members once were unknown after every restart, and all of their partitions were shared out anew.

use broker_core::{
    error::Error,
    request::{JoinGroup, Member, Reply, Request, SyncGroup},
};
use bytes::Bytes;

use super::Story;
use crate::disk::Death;

/// Longer than until the next checkpoint.
const SESSION_MS: u64 = 300_000;

/// The only member of a group that has joined and has no assignment yet.
fn join(story: &mut Story) -> Member {
    let joined = story.ask(Request::JoinGroup(JoinGroup {
        group: "g".into(),
        member: String::new(),
        instance: None,
        client_id: "client".into(),
        client_host: "/127.0.0.1".into(),
        require_known_member: false,
        session_timeout_ms: SESSION_MS as i32,
        rebalance_timeout_ms: 10_000,
        protocol_type: "consumer".into(),
        protocols: vec![("range".into(), Bytes::new())],
        in_process: false,
    }));
    let Reply::JoinGroup(Ok(joined)) = joined else { panic!("{joined:?}") };
    Member { group: "g".into(), generation: joined.generation, member: joined.member, instance: None }
}

fn sync(who: &Member) -> Request {
    let assignments = vec![(who.member.clone(), Bytes::from_static(b"mine"))];
    Request::SyncGroup(SyncGroup { who: who.clone(), protocol: None, assignments })
}

fn heartbeat(story: &mut Story, who: &Member) -> Result<(), Error> {
    match story.ask(Request::Heartbeat(who.clone())) {
        Reply::Heartbeat(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

#[test]
fn its_members_keep_their_generation_and_their_assignments() {
    for checkpoint in [false, true] {
        let mut story = Story::new();
        let who = join(&mut story);
        story.ask(sync(&who));
        if checkpoint {
            story.checkpoint();
        }
        for death in [Death::PowerCut, Death::Kill] {
            story.die(death);
            assert_eq!(heartbeat(&mut story, &who), Ok(()), "{death:?}, checkpoint: {checkpoint}");
            let Reply::SyncGroup(Ok(synced)) = story.ask(sync(&who)) else { panic!("no assignment") };
            assert_eq!(&synced.assignment[..], b"mine");
        }
        story.pass(SESSION_MS);
        assert_eq!(heartbeat(&mut story, &who), Err(Error::UnknownMemberId), "its session began with the start");
    }
}

#[test]
fn a_generation_that_is_not_durable_was_told_to_nobody() {
    let mut story = Story::new();
    let who = join(&mut story);
    story.process().answers().clear();
    story.decide(sync(&who));
    assert!(story.process().answers().is_empty());
    story.die(Death::PowerCut);
    assert_eq!(heartbeat(&mut story, &who), Err(Error::UnknownMemberId));
}
