//! From the reason for a rebalance to the next generation, and what time does to it.

use super::*;

#[test]
fn a_rebalance_waits_for_every_member_and_only_the_leader_hears_of_all() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(2);
    let generation = harness.generation();
    let new = harness.send(GroupRequest::Join(join("")));
    let follower = harness.send(GroupRequest::Join(join(&ids[1])));
    assert!(harness.is_waiting(new) && harness.is_waiting(follower));
    assert_eq!(harness.heartbeat("g", generation, &ids[0]), Err(Error::RebalanceInProgress));
    let leader = harness.send(GroupRequest::Join(join(&ids[0])));
    let joined = harness.joined(leader).unwrap();
    assert_eq!((joined.generation, joined.members.len()), (generation + 1, 3));
    for sent in [new, follower] {
        let joined = harness.joined(sent).unwrap();
        assert_eq!((joined.generation, joined.members.len(), &joined.leader), (generation + 1, 0, &ids[0]));
    }
}

#[test]
fn a_member_that_does_not_join_in_time_is_out_and_its_heartbeats_did_not_help() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(2);
    let generation = harness.generation();
    let leader = harness.send(GroupRequest::Join(join(&ids[0])));
    for _ in 0..11 {
        harness.sleep(5_000);
        assert_eq!(harness.heartbeat("g", generation, &ids[1]), Err(Error::RebalanceInProgress));
    }
    assert!(harness.is_waiting(leader));
    harness.sleep(5_000);
    assert_eq!(harness.joined(leader).unwrap().members.len(), 1);
    assert_eq!(harness.heartbeat("g", generation, &ids[1]), Err(Error::UnknownMemberId));
}

#[test]
fn the_longest_rebalance_timeout_counts() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(2);
    let patient = JoinGroup { rebalance_timeout_ms: 90_000, session_timeout_ms: 100_000, ..join(&ids[0]) };
    let sent = harness.send(GroupRequest::Join(patient));
    let generation = harness.generation();
    for _ in 0..17 {
        harness.sleep(5_000);
        let _ = harness.heartbeat("g", generation, &ids[1]);
    }
    assert!(harness.is_waiting(sent));
    harness.sleep(5_000);
    assert!(harness.joined(sent).is_ok());
}

#[test]
fn a_leader_that_does_not_join_loses_the_lead() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(2);
    let follower = harness.send(GroupRequest::Join(join(&ids[1]).protocols(&["range", "sticky"])));
    harness.sleep(10_000);
    let joined = harness.joined(follower).unwrap();
    assert_eq!((&joined.leader, joined.members.len()), (&ids[1], 1));
}

#[test]
fn a_silent_member_is_out_with_its_session_and_the_others_rebalance() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(2);
    let generation = harness.generation();
    harness.sleep(9_999);
    assert_eq!(harness.heartbeat("g", generation, &ids[0]), Ok(()));
    harness.sleep(1);
    assert_eq!(harness.heartbeat("g", generation, &ids[0]), Err(Error::RebalanceInProgress));
    assert_eq!(harness.heartbeat("g", generation, &ids[1]), Err(Error::UnknownMemberId));
    let sent = harness.send(GroupRequest::Join(join(&ids[0])));
    assert_eq!(harness.joined(sent).unwrap().generation, generation + 1);
}

#[test]
fn the_last_session_leaves_an_empty_group_of_a_new_generation() {
    let mut harness = Harness::new(settings());
    harness.stable_group(1);
    let generation = harness.generation();
    harness.sleep(10_000);
    assert_eq!((harness.state("g"), harness.generation()), ("Empty", generation + 1));
    assert_eq!(harness.groups.poll_timeout(), None, "an empty group waits for nothing");
}

#[test]
fn a_member_that_waits_in_a_rebalance_is_not_out_with_its_session() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(2);
    let waiting = harness.send(GroupRequest::Join(join(&ids[0])));
    let generation = harness.generation();
    for _ in 0..3 {
        harness.sleep(9_000);
        let _ = harness.heartbeat("g", generation, &ids[1]);
    }
    harness.send(GroupRequest::Join(join(&ids[1])));
    assert_eq!(harness.joined(waiting).unwrap().members.len(), 2);
}

#[test]
fn a_new_member_that_waits_too_long_is_told_to_start_over() {
    let mut harness = Harness::new(GroupSettings { new_member_join_timeout_ms: 20_000, ..settings() });
    let ids = harness.stable_group(1);
    let generation = harness.generation();
    let new = harness.send(GroupRequest::Join(join("")));
    for _ in 0..4 {
        harness.sleep(5_000);
        let _ = harness.heartbeat("g", generation, &ids[0]);
    }
    assert_eq!(harness.joined(new), Err((Error::UnknownMemberId, String::new())));
}

#[test]
fn a_rebalance_waits_for_ids_that_were_handed_out_until_they_expire() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(1);
    let pending = harness.member_id();
    let leader = harness.send(GroupRequest::Join(join(&ids[0])));
    assert!(harness.is_waiting(leader));
    harness.sleep(10_000);
    assert_eq!(harness.joined(leader).unwrap().members.len(), 1);
    let late = harness.send(GroupRequest::Join(join(&pending)));
    assert_eq!(error(&harness.joined(late)), Some(Error::UnknownMemberId));
}

#[test]
fn the_first_rebalance_waits_for_company_and_longer_while_company_comes() {
    let mut harness = Harness::new(GroupSettings { initial_rebalance_delay_ms: 3_000, ..settings() });
    let first = harness.send(GroupRequest::Join(join("")));
    harness.sleep(2_999);
    let second = harness.send(GroupRequest::Join(join("")));
    harness.sleep(1);
    assert!(harness.is_waiting(first), "somebody came: another delay begins");
    harness.sleep(2_999);
    assert!(harness.is_waiting(second));
    harness.sleep(1);
    assert_eq!(harness.joined(first).unwrap().members.len(), 2);
    assert!(harness.joined(second).is_ok());
}

#[test]
fn the_first_rebalance_is_not_put_off_beyond_the_rebalance_timeout() {
    let mut harness = Harness::new(GroupSettings { initial_rebalance_delay_ms: 3_000, ..settings() });
    let join_soon = || GroupRequest::Join(JoinGroup { rebalance_timeout_ms: 8_000, ..join("") });
    let mut sent = Vec::new();
    for _ in 0..7 {
        sent.push(harness.send(join_soon()));
        harness.sleep(1_000);
    }
    assert!(harness.is_waiting(sent[0]), "3 s and 3 s, and 2 s are left");
    sent.push(harness.send(join_soon()));
    harness.sleep(1_000);
    assert_eq!(harness.joined(sent[0]).unwrap().members.len(), 8);
}

#[test]
fn a_lone_member_waits_for_the_initial_delay_alone() {
    let mut harness = Harness::new(GroupSettings { initial_rebalance_delay_ms: 3_000, ..settings() });
    let id = harness.member_id();
    let sent = harness.send(GroupRequest::Join(join(&id)));
    harness.sleep(2_999);
    assert!(harness.is_waiting(sent));
    harness.sleep(1);
    assert!(harness.joined(sent).is_ok());
}

#[test]
fn a_group_that_all_left_during_the_initial_delay_becomes_empty() {
    let mut harness = Harness::new(GroupSettings { initial_rebalance_delay_ms: 3_000, ..settings() });
    let id = harness.member_id();
    let sent = harness.send(GroupRequest::Join(join(&id)));
    assert_eq!(harness.leave("g", &[(&id, None)]), Ok(alloc::vec![(id.clone(), None, Ok(()))]));
    assert_eq!(error(&harness.joined(sent)), Some(Error::UnknownMemberId));
    harness.sleep(3_000);
    assert_eq!((harness.state("g"), harness.groups.poll_timeout()), ("Empty", None));
}

#[test]
fn a_timeout_of_nothing_never_spins() {
    let mut harness = Harness::new(settings());
    let hasty = |member: &str| JoinGroup { rebalance_timeout_ms: -1, ..join(member) };
    let first = harness.send(GroupRequest::Join(hasty("").instance("i")));
    let second = harness.send(GroupRequest::Join(hasty("")));
    harness.sleep(20_000);
    assert!(!harness.is_waiting(first) && !harness.is_waiting(second));
    assert_eq!(harness.state("g"), "Empty");
}
