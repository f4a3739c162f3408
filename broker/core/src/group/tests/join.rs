//! Who gets in, and with which answer.

use super::*;

#[test]
fn a_join_is_refused_for_what_is_wrong_with_it() {
    fn check(change: impl Fn(&mut JoinGroup), expected: Error) {
        let mut harness = Harness::new(settings());
        let mut request = join("");
        change(&mut request);
        let member = request.member.clone();
        let sent = harness.send(GroupRequest::Join(request));
        assert_eq!(harness.joined(sent), Err((expected, member)));
        assert_eq!(harness.state("g"), "Dead", "a refusal leaves no group behind");
        assert_eq!(harness.groups.poll_timeout(), None);
    }
    check(|join| join.group.clear(), Error::InvalidGroupId);
    check(|join| join.group = "g".repeat(32_768), Error::InvalidGroupId);
    check(|join| join.session_timeout_ms = 5_999, Error::InvalidSessionTimeout);
    check(|join| join.session_timeout_ms = 1_800_001, Error::InvalidSessionTimeout);
    check(|join| join.session_timeout_ms = -1, Error::InvalidSessionTimeout);
    check(|join| join.member = "client-1".into(), Error::UnknownMemberId);
    check(|join| join.protocol_type.clear(), Error::InconsistentGroupProtocol);
    check(|join| join.protocols.clear(), Error::InconsistentGroupProtocol);
}

#[test]
fn the_first_member_of_an_old_client_joins_at_once_and_leads() {
    let mut harness = Harness::new(settings());
    let sent = harness.send(GroupRequest::Join(join("")));
    let joined = harness.joined(sent).unwrap();
    assert!(joined.member.starts_with("client-"));
    assert_eq!((joined.generation, &joined.leader), (1, &joined.member));
    assert_eq!((joined.protocol_type.as_str(), joined.protocol.as_str()), ("consumer", "range"));
    assert_eq!(joined.members, [(joined.member.clone(), None, Bytes::from("range"))]);
    assert_eq!(harness.state("g"), "CompletingRebalance");
}

#[test]
fn a_newer_client_gets_its_id_first_and_is_no_member_until_it_uses_it() {
    let mut harness = Harness::new(settings());
    let id = harness.member_id();
    assert_eq!(harness.state("g"), "Empty");
    assert_eq!(harness.heartbeat("g", 0, &id), Err(Error::UnknownMemberId));
    let sent = harness.send(GroupRequest::Join(join(&id).v4()));
    assert_eq!(harness.joined(sent).unwrap().member, id);
}

#[test]
fn an_id_that_is_never_used_expires_with_the_session_and_the_group_with_it() {
    let mut harness = Harness::new(settings());
    let id = harness.member_id();
    harness.sleep(9_999);
    assert_eq!(harness.state("g"), "Empty");
    harness.sleep(1);
    assert_eq!(harness.state("g"), "Dead");
    let sent = harness.send(GroupRequest::Join(join(&id)));
    assert_eq!(harness.joined(sent), Err((Error::UnknownMemberId, id)));
}

#[test]
fn a_pending_member_must_not_come_back_as_a_static_one() {
    let mut harness = Harness::new(settings());
    let id = harness.member_id();
    let sent = harness.send(GroupRequest::Join(join(&id).instance("i")));
    assert_eq!(error(&harness.joined(sent)), Some(Error::UnknownMemberId));
}

#[test]
fn the_protocol_is_one_that_all_have_and_most_prefer() {
    fn check(members: &[&[&str]], expected: &str) {
        let mut harness = Harness::new(GroupSettings { initial_rebalance_delay_ms: 10, ..settings() });
        let sent: Vec<Sent> =
            members.iter().map(|names| harness.send(GroupRequest::Join(join("").protocols(names)))).collect();
        harness.sleep(60_000);
        for sent in sent {
            assert_eq!(harness.joined(sent).unwrap().protocol, expected);
        }
    }
    check(&[&["range", "roundrobin"]], "range");
    check(&[&["range", "roundrobin"], &["roundrobin"]], "roundrobin");
    check(&[&["a", "b"], &["b", "a"], &["b", "a"]], "b");
    check(&[&["b", "a"], &["a", "b"]], "a");
    check(&[&["a", "b", "c"], &["c", "b"], &["b", "c"]], "b");
    check(&[&["a", "a", "b"], &["b"]], "b");
}

#[test]
fn a_member_that_shares_no_protocol_or_type_is_refused() {
    let mut harness = Harness::new(settings());
    harness.stable_group(1);
    let alien = JoinGroup { protocol_type: "connect".into(), ..join("") };
    for request in [alien, join("").protocols(&["sticky"])] {
        let sent = harness.send(GroupRequest::Join(request));
        assert_eq!(harness.joined(sent), Err((Error::InconsistentGroupProtocol, String::new())));
    }
    assert_eq!(harness.state("g"), "Stable");
}

#[test]
fn an_empty_group_may_change_its_type() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(1);
    harness.leave("g", &[(&ids[0], None)]).unwrap();
    assert_eq!(harness.state("g"), "Empty");
    let sent = harness.send(GroupRequest::Join(JoinGroup { protocol_type: "connect".into(), ..join("") }));
    let joined = harness.joined(sent).unwrap();
    assert_eq!((joined.protocol_type.as_str(), joined.generation), ("connect", 3));
}

#[test]
fn a_follower_that_joins_again_unchanged_is_told_the_generation_and_nobody_else_is_disturbed() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(2);
    let generation = harness.generation();
    let sent = harness.send(GroupRequest::Join(join(&ids[1])));
    let joined = harness.joined(sent).unwrap();
    assert_eq!((joined.generation, joined.members.len(), &joined.leader), (generation, 0, &ids[0]));
    assert_eq!(harness.state("g"), "Stable");
}

#[test]
fn a_leader_that_joins_again_and_a_follower_with_other_metadata_start_a_rebalance() {
    for (who, names) in [(0, ["range"].as_slice()), (1, &["range", "sticky"])] {
        let mut harness = Harness::new(settings());
        let ids = harness.stable_group(2);
        let sent = harness.send(GroupRequest::Join(join(&ids[who]).protocols(names)));
        assert!(harness.is_waiting(sent));
        assert_eq!(harness.state("g"), "PreparingRebalance");
    }
}

#[test]
fn a_member_that_missed_its_join_reply_gets_it_again() {
    let mut harness = Harness::new(settings());
    let first = harness.send(GroupRequest::Join(join("")));
    let id = harness.joined(first).unwrap().member;
    let again = harness.send(GroupRequest::Join(join(&id)));
    assert_eq!(harness.joined(again), harness.joined(first));
    assert_eq!(harness.state("g"), "CompletingRebalance");
}

#[test]
fn a_join_sent_twice_is_answered_twice() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(2);
    let first = harness.send(GroupRequest::Join(join(&ids[0])));
    let second = harness.send(GroupRequest::Join(join(&ids[0])));
    assert_eq!(harness.joined(first), Err((Error::RebalanceInProgress, ids[0].clone())));
    assert!(harness.is_waiting(second));
    harness.send(GroupRequest::Join(join(&ids[1])));
    assert!(harness.joined(second).is_ok());
}

#[test]
fn a_full_group_takes_its_own_members_only() {
    let mut harness = Harness::new(GroupSettings { max_size: 2, ..settings() });
    let ids = harness.stable_group(2);
    let stranger = harness.send(GroupRequest::Join(join("")));
    assert_eq!(harness.joined(stranger), Err((Error::GroupMaxSizeReached, String::new())));
    let own = harness.send(GroupRequest::Join(join(&ids[1])));
    assert!(harness.joined(own).is_ok());
}

#[test]
fn in_a_full_rebalancing_group_the_last_to_come_is_out() {
    let mut harness = Harness::new(GroupSettings { max_size: 2, ..settings() });
    let ids = harness.stable_group(2);
    let leader = harness.send(GroupRequest::Join(join(&ids[0])));
    let stranger = harness.send(GroupRequest::Join(join("")));
    assert!(harness.is_waiting(leader) && harness.is_waiting(stranger));
    let late = harness.send(GroupRequest::Join(join(&ids[1])));
    assert_eq!(error(&harness.joined(late)), Some(Error::GroupMaxSizeReached));
    assert_eq!(harness.joined(leader).unwrap().members.len(), 2);
    assert!(harness.joined(stranger).is_ok());
}

#[test]
fn groups_that_nobody_is_in_make_room_for_others() {
    let mut harness = Harness::new(GroupSettings { max_groups: 1, ..settings() });
    let ids = harness.stable_group(1);
    let other = || GroupRequest::Join(JoinGroup { group: "h".into(), ..join("") });
    let sent = harness.send(other());
    assert_eq!(error(&harness.joined(sent)), Some(Error::CoordinatorNotAvailable));
    harness.leave("g", &[(&ids[0], None)]).unwrap();
    let sent = harness.send(other());
    assert!(harness.joined(sent).is_ok());
}

#[test]
fn ids_and_groups_are_handed_out_up_to_a_limit() {
    let mut harness = Harness::new(GroupSettings { max_size: 2, max_groups: 2, ..settings() });
    harness.member_id();
    harness.member_id();
    let third = harness.send(GroupRequest::Join(join("").v4()));
    assert_eq!(error(&harness.joined(third)), Some(Error::GroupMaxSizeReached));
    for (group, expected) in [("h", Error::MemberIdRequired), ("i", Error::CoordinatorNotAvailable)] {
        let sent = harness.send(GroupRequest::Join(JoinGroup { group: group.into(), ..join("").v4() }));
        assert_eq!(error(&harness.joined(sent)), Some(expected));
    }
}
