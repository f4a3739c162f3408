//! What of a group is there after a restart.

use super::*;

/// The assignment that a member is told.
fn assignment(harness: &mut Harness, generation: i32, member: &str) -> Result<Bytes, Error> {
    let sent = harness.send(sync(generation, member, &[]));
    harness.synced(sent).map(|synced| synced.assignment)
}

#[test]
fn a_stable_group_goes_on_as_it_was() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(3);
    let generation = harness.generation();
    harness.restart();
    assert_eq!((harness.state("g"), harness.generation()), ("Stable", generation));
    for id in &ids {
        assert_eq!(harness.heartbeat("g", generation, id), Ok(()));
        assert_eq!(assignment(&mut harness, generation, id), Ok(Bytes::from(id.clone())));
        let again = harness.send(GroupRequest::Join(join(id)));
        if *id == ids[0] {
            assert!(harness.is_waiting(again), "a leader that joins again wants a new assignment");
            harness.restart();
        } else {
            assert_eq!(harness.joined(again).unwrap().generation, generation, "nothing has changed");
        }
    }
    assert_eq!(harness.groups.groups["g"].leader(), Some(ids[0].as_str()));
}

#[test]
fn sessions_begin_anew_with_the_restart() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(2);
    let generation = harness.generation();
    harness.sleep(9_000);
    harness.restart();
    harness.sleep(9_000);
    assert_eq!(harness.heartbeat("g", generation, &ids[0]), Ok(()));
    harness.sleep(2_000);
    assert_eq!(harness.heartbeat("g", generation, &ids[1]), Err(Error::UnknownMemberId));
    assert_eq!(harness.heartbeat("g", generation, &ids[0]), Err(Error::RebalanceInProgress));
}

#[test]
fn a_rebalance_that_was_going_on_is_begun_again() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(1);
    let generation = harness.generation();
    harness.send(GroupRequest::Join(join("")));
    let rejoined = harness.send(GroupRequest::Join(join(&ids[0])));
    assert_eq!(harness.joined(rejoined).unwrap().generation, generation + 1, "nobody has its assignment yet");
    harness.restart();
    assert_eq!((harness.state("g"), harness.generation()), ("Stable", generation));
    assert_eq!(assignment(&mut harness, generation + 1, &ids[0]), Err(Error::IllegalGeneration));
    let rejoined = harness.send(GroupRequest::Join(join(&ids[0])));
    assert_eq!(harness.joined(rejoined).unwrap().generation, generation + 1);
}

#[test]
fn an_empty_group_keeps_its_generation_and_a_deleted_one_nothing() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(1);
    harness.leave("g", &[(&ids[0], None)]).unwrap();
    let generation = harness.generation();
    harness.restart();
    assert_eq!((harness.state("g"), harness.generation()), ("Empty", generation));
    let sent = harness.send(GroupRequest::Join(join("").protocols(&["other"])));
    assert_eq!(harness.joined(sent).unwrap().generation, generation + 1);

    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(1);
    harness.leave("g", &[(&ids[0], None)]).unwrap();
    harness.groups.forget_idle(|_| false);
    harness.write();
    assert_eq!(harness.written.last(), Some(&GroupRecord { group: "g".into(), value: None }));
    harness.restart();
    assert_eq!(harness.state("g"), "Dead");
}

#[test]
fn a_static_member_is_known_by_its_latest_id() {
    let mut harness = Harness::new(settings());
    let sent = harness.send(GroupRequest::Join(join("").instance("i")));
    let old = harness.joined(sent).unwrap().member;
    harness.send(sync(1, &old, &assign_to(core::slice::from_ref(&old))));
    let sent = harness.send(GroupRequest::Join(join("").instance("i")));
    let new = harness.joined(sent).unwrap().member;
    harness.restart();
    let beat = |harness: &mut Harness, id: &str| {
        let who = Member { instance: Some("i".into()), ..member_of("g", 1, id) };
        let sent = harness.send(GroupRequest::Heartbeat(who));
        matches!(harness.replies[&sent.0], Reply::Heartbeat(Ok(())))
    };
    assert!(beat(&mut harness, &new) && !beat(&mut harness, &old));
    assert_eq!(assignment(&mut harness, 1, &new), Ok(Bytes::from(old)));
    let sent = harness.send(GroupRequest::Join(join("").instance("i")));
    assert_eq!(harness.joined(sent).unwrap().generation, 1, "it restarts without a rebalance, as before");
}

#[test]
fn members_of_the_process_are_gone_with_it() {
    let mut harness = Harness::new(settings());
    let sent = harness.send(GroupRequest::Join(join("").in_process()));
    let inside = harness.joined(sent).unwrap().member;
    harness.send(sync(1, &inside, &[]));
    harness.restart();
    assert_eq!((harness.state("g"), harness.generation()), ("Empty", 1));
    assert_eq!(harness.heartbeat("g", 1, &inside), Err(Error::UnknownMemberId));
    assert_eq!(harness.groups.poll_timeout(), None);
}

#[test]
fn an_assignment_too_long_to_be_remembered_is_given_to_nobody() {
    let mut harness = Harness::new(settings());
    let sent = harness.send(GroupRequest::Join(join("")));
    let id = harness.joined(sent).unwrap().member;
    let sent = harness.send(sync(1, &id, &[(id.clone(), Bytes::from(alloc::vec![0; 2 << 20]))]));
    assert_eq!(harness.synced(sent), Err(Error::UnknownServerError));
    assert_eq!((harness.state("g"), harness.written.len()), ("PreparingRebalance", 0));
    let sent = harness.send(GroupRequest::Join(join(&id)));
    assert_eq!(harness.joined(sent).unwrap().generation, 2);
}

#[test]
fn names_that_no_record_has_room_for_are_refused() {
    let long = |len| "n".repeat(len);
    let check = |request: JoinGroup, expected: Option<Error>| {
        let mut harness = Harness::new(settings());
        let sent = harness.send(GroupRequest::Join(request));
        assert_eq!(error(&harness.joined(sent)), expected);
    };
    check(JoinGroup { client_id: long(32_730), ..join("") }, None);
    check(JoinGroup { client_id: long(32_731), ..join("") }, Some(Error::InvalidRequest));
    check(join("").instance(&long(32_731)), Some(Error::InvalidRequest));
    check(JoinGroup { protocol_type: long(40_000), ..join("") }, Some(Error::InvalidRequest));
    check(join("").protocols(&["range", &long(40_000)]), Some(Error::InvalidRequest));
}
