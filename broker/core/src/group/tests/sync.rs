//! Assignments, heartbeats and commits: what a generation's members may do.

use super::*;
use crate::request::OffsetCommit;

/// Two members that have joined and not synced yet: the harness, leader, follower, generation.
fn completing() -> (Harness, String, String, i32) {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(2);
    harness.send(GroupRequest::Join(join(&ids[0])));
    harness.send(GroupRequest::Join(join(&ids[1])));
    assert_eq!(harness.state("g"), "CompletingRebalance");
    let generation = harness.generation();
    (harness, ids[0].clone(), ids[1].clone(), generation)
}

#[test]
fn followers_wait_for_the_leader_and_get_what_it_wrote() {
    let (mut harness, leader, follower, generation) = completing();
    let waiting = harness.send(sync(generation, &follower, &[]));
    assert!(harness.is_waiting(waiting));
    let sent = harness.send(sync(
        generation,
        &leader,
        &[(follower.clone(), Bytes::from("p1")), ("stranger".into(), Bytes::from("p2"))],
    ));
    let expected = |assignment| Synced { protocol_type: "consumer".into(), protocol: "range".into(), assignment };
    assert_eq!(harness.synced(waiting), Ok(expected(Bytes::from("p1"))));
    assert_eq!(harness.synced(sent), Ok(expected(Bytes::new())), "the leader forgot itself");
    assert_eq!(harness.state("g"), "Stable");
    let late = harness.send(sync(generation, &follower, &[]));
    assert_eq!(harness.synced(late), Ok(expected(Bytes::from("p1"))), "a stable group repeats itself");
}

#[test]
fn a_sync_is_refused_for_what_is_wrong_with_it() {
    let (mut harness, leader, _, generation) = completing();
    let mut check = |change: &dyn Fn(&mut SyncGroup), expected: Error| {
        let mut request =
            SyncGroup { who: member_of("g", generation, &leader), protocol: None, assignments: Vec::new() };
        change(&mut request);
        let sent = harness.send(GroupRequest::Sync(request));
        assert_eq!(harness.synced(sent), Err(expected));
    };
    check(&|sync| sync.who.group.clear(), Error::InvalidGroupId);
    check(&|sync| sync.who.group = "other".into(), Error::UnknownMemberId);
    check(&|sync| sync.who.member = "other".into(), Error::UnknownMemberId);
    check(&|sync| sync.who.generation -= 1, Error::IllegalGeneration);
    check(&|sync| sync.who.instance = Some("i".into()), Error::UnknownMemberId);
    check(&|sync| sync.protocol = Some(("connect".into(), "range".into())), Error::InconsistentGroupProtocol);
    check(&|sync| sync.protocol = Some(("consumer".into(), "sticky".into())), Error::InconsistentGroupProtocol);
    let right = SyncGroup {
        who: member_of("g", generation, &leader),
        protocol: Some(("consumer".into(), "range".into())),
        assignments: Vec::new(),
    };
    let sent = harness.send(GroupRequest::Sync(right));
    assert!(harness.synced(sent).is_ok());
}

#[test]
fn a_rebalance_sends_those_who_wait_for_an_assignment_back_to_join() {
    let (mut harness, leader, follower, generation) = completing();
    let waiting = harness.send(sync(generation, &follower, &[]));
    harness.send(GroupRequest::Join(join(&leader).protocols(&["range", "sticky"])));
    assert_eq!(harness.synced(waiting), Err(Error::RebalanceInProgress));
    let during = harness.send(sync(generation, &follower, &[]));
    assert_eq!(harness.synced(during), Err(Error::RebalanceInProgress));
}

#[test]
fn a_sync_sent_twice_is_answered_twice() {
    let (mut harness, leader, follower, generation) = completing();
    let first = harness.send(sync(generation, &follower, &[]));
    let second = harness.send(sync(generation, &follower, &[]));
    assert_eq!(harness.synced(first), Err(Error::RebalanceInProgress));
    harness.send(sync(generation, &leader, &[]));
    assert!(harness.synced(second).is_ok());
}

#[test]
fn whoever_never_syncs_is_out_after_the_rebalance_timeout() {
    let (mut harness, leader, follower, generation) = completing();
    let waiting = harness.send(sync(generation, &follower, &[]));
    for _ in 0..11 {
        harness.sleep(5_000);
        assert_eq!(harness.heartbeat("g", generation, &leader), Ok(()), "it lives, but does not assign");
    }
    assert!(harness.is_waiting(waiting));
    harness.sleep(5_000);
    assert_eq!(harness.synced(waiting), Err(Error::RebalanceInProgress));
    assert_eq!(harness.heartbeat("g", generation, &leader), Err(Error::UnknownMemberId));
    let again = harness.send(GroupRequest::Join(join(&follower)));
    assert_eq!(harness.joined(again).unwrap().leader, follower);
}

#[test]
fn a_wait_beyond_the_session_ends_with_a_new_session() {
    let (mut harness, leader, follower, generation) = completing();
    let waiting = harness.send(sync(generation, &follower, &[]));
    for _ in 0..3 {
        harness.sleep(9_000);
        assert_eq!(harness.heartbeat("g", generation, &leader), Ok(()));
    }
    harness.send(sync(generation, &leader, &[]));
    assert!(harness.synced(waiting).is_ok());
    harness.sleep(9_000);
    assert_eq!(harness.heartbeat("g", generation, &leader), Ok(()));
    harness.sleep(1_000);
    assert_eq!(harness.heartbeat("g", generation, &follower), Err(Error::UnknownMemberId), "it was silent since");
}

#[test]
fn heartbeats_tell_a_member_where_it_stands() {
    let mut harness = Harness::new(settings());
    assert_eq!(harness.heartbeat("g", 1, "client-1"), Err(Error::UnknownMemberId));
    assert_eq!(harness.heartbeat("", 1, "client-1"), Err(Error::InvalidGroupId));
    let ids = harness.stable_group(2);
    let generation = harness.generation();
    assert_eq!(harness.heartbeat("g", generation, &ids[0]), Ok(()));
    assert_eq!(harness.heartbeat("g", generation - 1, &ids[0]), Err(Error::IllegalGeneration));
    assert_eq!(harness.heartbeat("g", generation, "client-1"), Err(Error::UnknownMemberId));
    let (mut harness, leader, _, generation) = completing();
    assert_eq!(harness.heartbeat("g", generation, &leader), Ok(()), "while the leader assigns");
}

fn commit(generation: i32, member: &str) -> OffsetCommit {
    OffsetCommit { who: member_of("g", generation, member), topics: Vec::new() }
}

#[test]
fn offsets_are_committed_by_members_or_while_there_are_none() {
    let mut harness = Harness::new(settings());
    let simple = commit(-1, "");
    assert_eq!(harness.check_commit(&simple), Ok(()), "nobody knows the group");
    assert_eq!(harness.check_commit(&commit(3, "client-1")), Err(Error::IllegalGeneration), "after a restart");
    let offsets = super::admin::offsets_of(&["g"]);
    let of_nobody = harness.groups.check_commit(&offsets, &commit(3, ""));
    assert_eq!(of_nobody, Err(Error::UnknownMemberId), "a group of offsets alone has no members");

    let ids = harness.stable_group(2);
    let generation = harness.generation();
    let own = commit(generation, &ids[1]);
    assert_eq!(harness.check_commit(&own), Ok(()));
    assert_eq!(harness.check_commit(&simple), Err(Error::UnknownMemberId));
    assert_eq!(harness.check_commit(&commit(-1, &ids[1])), Err(Error::IllegalGeneration));
    assert_eq!(harness.check_commit(&commit(generation - 1, &ids[1])), Err(Error::IllegalGeneration));
    assert_eq!(harness.check_commit(&commit(generation, "client-1")), Err(Error::UnknownMemberId));

    harness.send(GroupRequest::Join(join(&ids[0])));
    assert_eq!(harness.check_commit(&own), Ok(()), "the old generation may commit before it joins the new");
    harness.send(GroupRequest::Join(join(&ids[1])));
    let early = commit(generation + 1, &ids[1]);
    assert_eq!(harness.check_commit(&early), Err(Error::RebalanceInProgress), "nothing is assigned yet");

    harness.sleep(1_000_000);
    assert_eq!(harness.state("g"), "Empty");
    assert_eq!(harness.check_commit(&simple), Ok(()));
    assert_eq!(harness.check_commit(&own), Err(Error::UnknownMemberId));
}

#[test]
fn a_commit_is_a_sign_of_life() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(1);
    let generation = harness.generation();
    harness.sleep(9_000);
    harness.groups.committed(harness.now, harness.wall(), &member_of("g", generation, &ids[0]));
    harness.sleep(9_000);
    assert_eq!(harness.heartbeat("g", generation, &ids[0]), Ok(()));
}
