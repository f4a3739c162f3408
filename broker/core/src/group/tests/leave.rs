//! The ends of a membership.

use super::*;

#[test]
fn a_member_that_leaves_makes_the_others_rebalance() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(3);
    let generation = harness.generation();
    assert_eq!(harness.leave("g", &[(&ids[2], None)]).unwrap()[0].2, Ok(()));
    assert_eq!(harness.heartbeat("g", generation, &ids[0]), Err(Error::RebalanceInProgress));
    assert_eq!(harness.heartbeat("g", generation, &ids[2]), Err(Error::UnknownMemberId));
}

#[test]
fn several_leave_by_one_rebalance() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(2);
    let generation = harness.generation();
    let left = harness.leave("g", &[(&ids[0], None), (&ids[1], None), ("client-1", None)]).unwrap();
    let outcomes: Vec<_> = left.into_iter().map(|(_, _, outcome)| outcome).collect();
    assert_eq!(outcomes, [Ok(()), Ok(()), Err(Error::UnknownMemberId)]);
    assert_eq!((harness.state("g"), harness.generation()), ("Empty", generation + 1));
}

#[test]
fn leaving_what_is_not_there_is_an_error_of_each_member() {
    let mut harness = Harness::new(settings());
    let unknown = ("client-1".to_string(), None, Err(Error::UnknownMemberId));
    assert_eq!(harness.leave("g", &[("client-1", None)]), Ok(alloc::vec![unknown]));
    assert_eq!(harness.leave("", &[("client-1", None)]), Err(Error::InvalidGroupId));
}

#[test]
fn a_pending_member_that_leaves_disturbs_nobody_and_holds_up_nobody() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(1);
    let pending = harness.member_id();
    assert_eq!(harness.leave("g", &[(&pending, None)]).unwrap()[0].2, Ok(()));
    assert_eq!(harness.state("g"), "Stable");
    let pending = harness.member_id();
    let leader = harness.send(GroupRequest::Join(join(&ids[0])));
    assert!(harness.is_waiting(leader));
    harness.leave("g", &[(&pending, None)]).unwrap();
    assert!(harness.joined(leader).is_ok());
}

#[test]
fn the_last_one_to_be_waited_for_leaves_and_the_rebalance_goes_on() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(2);
    let leader = harness.send(GroupRequest::Join(join(&ids[0])));
    harness.leave("g", &[(&ids[1], None)]).unwrap();
    assert_eq!(harness.joined(leader).unwrap().members.len(), 1);
}

#[test]
fn who_waits_for_an_assignment_and_leaves_is_answered() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(2);
    harness.send(GroupRequest::Join(join(&ids[0])));
    harness.send(GroupRequest::Join(join(&ids[1])));
    let waiting = harness.send(sync(harness.generation(), &ids[1], &[]));
    harness.leave("g", &[(&ids[1], None)]).unwrap();
    assert_eq!(harness.synced(waiting), Err(Error::UnknownMemberId));
}

#[test]
fn an_in_process_member_ends_with_its_caller() {
    let mut harness = Harness::new(settings());
    let sent = harness.send_on(5, GroupRequest::Join(join("").in_process()));
    let id = harness.joined(sent).unwrap().member;
    harness.send_on(5, sync(1, &id, &[]));
    harness.disconnect(4);
    harness.sleep(10_000_000);
    assert_eq!(harness.state("g"), "Stable", "it has no session to run out");
    harness.disconnect(5);
    assert_eq!(harness.state("g"), "Empty");
    assert_eq!(harness.groups.poll_timeout(), None);
}

#[test]
fn the_others_of_an_in_process_member_go_on_at_once() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(1);
    let new = harness.send_on(5, GroupRequest::Join(join("").in_process()));
    let pending = harness.send_on(6, GroupRequest::Join(join("").v4().in_process()));
    assert_eq!(error(&harness.joined(pending)), Some(Error::MemberIdRequired));
    let leader = harness.send(GroupRequest::Join(join(&ids[0])));
    assert!(harness.is_waiting(leader));
    harness.disconnect(5);
    assert!(harness.is_waiting(leader), "an id is still out");
    assert_eq!(error(&harness.joined(new)), Some(Error::UnknownMemberId));
    harness.disconnect(6);
    assert_eq!(harness.joined(leader).unwrap().members.len(), 1);
}

#[test]
fn an_in_process_member_belongs_to_the_caller_that_joined_it_last() {
    let mut harness = Harness::new(settings());
    let sent = harness.send_on(5, GroupRequest::Join(join("").in_process()));
    let id = harness.joined(sent).unwrap().member;
    harness.send_on(6, GroupRequest::Join(join(&id).in_process()));
    harness.disconnect(5);
    assert_eq!(harness.state("g"), "CompletingRebalance");
    harness.disconnect(6);
    assert_eq!(harness.state("g"), "Empty");
    assert!(harness.groups.in_process.is_empty());
}

#[test]
fn a_tcp_client_survives_its_connection() {
    let mut harness = Harness::new(settings());
    let sent = harness.send_on(5, GroupRequest::Join(join("")));
    let id = harness.joined(sent).unwrap().member;
    harness.disconnect(5);
    let sent = harness.send_on(6, sync(1, &id, &[]));
    assert!(harness.synced(sent).is_ok());
}
