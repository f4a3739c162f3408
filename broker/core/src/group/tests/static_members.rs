//! Static membership (KIP-345).

use super::*;

/// A stable group of a dynamic leader and a static member "i": the harness, their ids, the generation.
fn with_static_follower() -> (Harness, String, String, i32) {
    let mut harness = Harness::new(settings());
    let leader = harness.stable_group(1).remove(0);
    let sent = harness.send(GroupRequest::Join(join("").v4().instance("i")));
    harness.send(GroupRequest::Join(join(&leader)));
    let follower = harness.joined(sent).expect("a static member needs no second round").member;
    let generation = harness.generation();
    harness.send(sync(generation, &follower, &[]));
    harness.send(sync(generation, &leader, &assign_to(&[leader.clone(), follower.clone()])));
    assert_eq!(harness.state("g"), "Stable");
    (harness, leader, follower, generation)
}

#[test]
fn its_id_begins_with_its_instance_id() {
    let (_, _, follower, _) = with_static_follower();
    assert!(follower.starts_with("i-"), "{follower}");
}

#[test]
fn a_static_member_that_restarts_gets_its_old_assignment_without_a_rebalance() {
    let (mut harness, leader, old, generation) = with_static_follower();
    let sent = harness.send(GroupRequest::Join(join("").v4().instance("i")));
    let joined = harness.joined(sent).unwrap();
    assert_ne!(joined.member, old);
    assert_eq!((joined.generation, &joined.leader, joined.members.len()), (generation, &leader, 0));
    let synced = harness.send(sync(generation, &joined.member, &[]));
    assert_eq!(harness.synced(synced).unwrap().assignment, Bytes::from(old.clone()));
    assert_eq!(harness.heartbeat("g", generation, &leader), Ok(()));
    assert_eq!(harness.heartbeat("g", generation, &old), Err(Error::UnknownMemberId));
    harness.sleep(9_000);
    let _ = harness.heartbeat("g", generation, &leader);
    assert_eq!(harness.heartbeat("g", generation, &joined.member), Ok(()), "the new id has a session of its own");
}

#[test]
fn the_old_id_is_fenced_wherever_it_shows_up() {
    let (mut harness, _, old, generation) = with_static_follower();
    harness.send(GroupRequest::Join(join("").instance("i")));
    let who = Member { instance: Some("i".into()), ..member_of("g", generation, &old) };
    let joined = harness.send(GroupRequest::Join(join(&old).instance("i")));
    assert_eq!(harness.joined(joined), Err((Error::FencedInstanceId, old.clone())));
    let synced =
        harness.send(GroupRequest::Sync(SyncGroup { who: who.clone(), protocol: None, assignments: Vec::new() }));
    assert_eq!(harness.synced(synced), Err(Error::FencedInstanceId));
    let beat = harness.send(GroupRequest::Heartbeat(who.clone()));
    assert!(matches!(harness.replies[&beat.0], Reply::Heartbeat(Err(Error::FencedInstanceId))));
    let commit = OffsetCommit { who, topics: Vec::new() };
    assert_eq!(harness.check_commit(&commit), Err(Error::FencedInstanceId));
    let left = harness.leave("g", &[(&old, Some("i"))]).unwrap();
    assert_eq!(left[0].2, Err(Error::FencedInstanceId));
}

#[test]
fn a_leader_that_restarts_is_told_of_its_old_self_so_that_it_does_not_assign() {
    let mut harness = Harness::new(settings());
    let sent = harness.send(GroupRequest::Join(join("").instance("i")));
    let old = harness.joined(sent).unwrap().member;
    harness.send(sync(1, &old, &assign_to(core::slice::from_ref(&old))));
    let sent = harness.send(GroupRequest::Join(join("").instance("i")));
    let joined = harness.joined(sent).unwrap();
    assert_eq!((joined.leader, joined.members.len(), joined.generation), (old, 0, 1));
    let again = harness.send(GroupRequest::Join(join(&joined.member).instance("i")));
    assert_eq!(
        harness.joined(again).unwrap().leader,
        joined.member,
        "it leads all the same, and may ask for a rebalance"
    );
}

#[test]
fn a_restart_that_changes_the_protocol_rebalances() {
    let mut harness = Harness::new(settings());
    let sent = harness.send(GroupRequest::Join(join("").instance("i").protocols(&["range", "sticky"])));
    let old = harness.joined(sent).unwrap().member;
    harness.send(sync(1, &old, &[]));
    let sent = harness.send(GroupRequest::Join(join("").instance("i").protocols(&["sticky"])));
    let joined = harness.joined(sent).unwrap();
    assert_eq!((joined.generation, joined.protocol.as_str(), joined.leader), (2, "sticky", joined.member.clone()));
}

#[test]
fn a_restart_while_the_leader_assigns_rebalances() {
    let (mut harness, leader, follower, generation) = with_static_follower();
    harness.send(GroupRequest::Join(join(&leader)));
    harness.send(GroupRequest::Join(join(&follower).instance("i")));
    let waiting = harness.send(sync(generation + 1, &follower, &[]));
    let sent = harness.send(GroupRequest::Join(join("").instance("i")));
    assert_eq!(harness.synced(waiting), Err(Error::FencedInstanceId));
    assert!(harness.is_waiting(sent));
    assert_eq!(harness.state("g"), "PreparingRebalance");
}

#[test]
fn of_two_that_wait_under_one_name_the_first_is_fenced_and_the_second_waited_for() {
    let mut harness = Harness::new(settings());
    let leader = harness.stable_group(1).remove(0);
    let generation = harness.generation();
    let first = harness.send(GroupRequest::Join(join("").instance("i")));
    let second = harness.send(GroupRequest::Join(join("").instance("i")));
    assert_eq!(error(&harness.joined(first)), Some(Error::FencedInstanceId));
    for _ in 0..3 {
        harness.sleep(9_000);
        let _ = harness.heartbeat("g", generation, &leader);
    }
    assert!(harness.is_waiting(second), "it lives by waiting");
    let sent = harness.send(GroupRequest::Join(join(&leader)));
    assert_eq!(harness.joined(sent).unwrap().members.len(), 2);
    assert!(harness.joined(second).is_ok());
}

#[test]
fn a_static_leader_that_misses_a_rebalance_loses_the_lead_but_not_its_place() {
    let mut harness = Harness::new(settings());
    let sent = harness.send(GroupRequest::Join(join("").instance("i")));
    let absent = harness.joined(sent).unwrap().member;
    harness.send(sync(1, &absent, &[]));
    let new = harness.send(GroupRequest::Join(join("")));
    for _ in 0..12 {
        assert!(harness.is_waiting(new));
        harness.sleep(5_000);
        let _ = harness.heartbeat("g", 1, &absent);
    }
    let joined = harness.joined(new).unwrap();
    assert_eq!((&joined.leader, joined.members.len()), (&joined.member, 2));
}

#[test]
fn a_group_of_absent_static_members_waits_for_their_sessions_without_haste() {
    let mut harness = Harness::new(settings());
    let hasty = |member: &str, instance| JoinGroup { rebalance_timeout_ms: 0, ..join(member).instance(instance) };
    let sent = harness.send(GroupRequest::Join(hasty("", "i")));
    let absent = harness.joined(sent).unwrap().member;
    let sent = harness.send(GroupRequest::Join(hasty("", "j")));
    harness.send(GroupRequest::Join(hasty(&absent, "i")));
    let other = harness.joined(sent).unwrap().member;
    harness.send(sync(2, &other, &[]));
    harness.send(sync(2, &absent, &[]));
    harness.leave("g", &[("", Some("j"))]).unwrap();
    harness.sleep(0);
    assert_eq!(harness.groups.poll_timeout(), Some(harness.now.plus(1_000)));
    harness.sleep(10_000);
    assert_eq!((harness.state("g"), harness.groups.poll_timeout()), ("Empty", None));
}

#[test]
fn a_static_member_that_misses_a_rebalance_stays_until_its_session_ends() {
    let (mut harness, leader, follower, generation) = with_static_follower();
    let sent = harness.send(GroupRequest::Join(join(&leader)));
    for _ in 0..12 {
        assert!(harness.is_waiting(sent));
        harness.sleep(5_000);
        let _ = harness.heartbeat("g", generation, &follower);
    }
    let joined = harness.joined(sent).unwrap();
    assert!(joined.members.iter().any(|(id, _, _)| *id == follower), "it is still a member");
    harness.send(sync(generation + 1, &leader, &[]));
    harness.sleep(9_000);
    assert_eq!(harness.heartbeat("g", generation + 1, &leader), Ok(()));
    harness.sleep(1_000);
    assert_eq!(harness.heartbeat("g", generation + 1, &leader), Err(Error::RebalanceInProgress));
    assert_eq!(harness.heartbeat("g", generation + 1, &follower), Err(Error::UnknownMemberId));
}

#[test]
fn a_static_member_leaves_by_name_alone() {
    let (mut harness, _, _, generation) = with_static_follower();
    let left = harness.leave("g", &[("", Some("i")), ("", Some("unknown")), ("", None)]).unwrap();
    let outcomes: Vec<_> = left.into_iter().map(|(_, _, outcome)| outcome).collect();
    assert_eq!(outcomes, [Ok(()), Err(Error::UnknownMemberId), Err(Error::UnknownMemberId)]);
    assert_eq!((harness.state("g"), harness.generation()), ("PreparingRebalance", generation));
}
