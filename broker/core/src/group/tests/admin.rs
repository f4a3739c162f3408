//! What tools see and may delete.

use super::*;
use crate::{
    offsets::{Committed, OffsetRecord, OffsetSettings, Offsets},
    request::{GroupDescription, ListedGroup},
};

pub fn offsets_of(groups: &[&str]) -> Offsets {
    let mut offsets = Offsets::new(OffsetSettings::default());
    for group in groups {
        let committed =
            Committed { offset: 1, leader_epoch: -1, metadata: String::new(), commit_timestamp: 0, record_offset: 0 };
        offsets.replay(
            &OffsetRecord::Commit { group: group.to_string(), topic: "t".into(), partition: 0, committed },
            0,
            None,
        );
    }
    offsets
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

#[test]
fn a_stable_group_is_described_in_full_and_a_moving_one_without_what_is_changing() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(2);
    let describe = |harness: &Harness| harness.groups.describe(&offsets_of(&[]), &names(&["g"])).remove(0);
    let stable = describe(&harness);
    assert_eq!(
        (stable.state, stable.protocol_type.as_str(), stable.protocol.as_str()),
        ("Stable", "consumer", "range")
    );
    assert_eq!(stable.error, None);
    let member = stable.members.iter().find(|member| member.member == ids[1]).unwrap();
    assert_eq!((member.client_id.as_str(), member.client_host.as_str()), ("client", "/127.0.0.1"));
    assert_eq!((&member.metadata[..], &member.assignment[..]), (&b"range"[..], ids[1].as_bytes()));
    harness.send(GroupRequest::Join(join(&ids[0])));
    let moving = describe(&harness);
    assert_eq!(
        (moving.state, moving.protocol_type.as_str(), moving.protocol.as_str()),
        ("PreparingRebalance", "consumer", "")
    );
    assert!(moving.members.len() == 2 && moving.members.iter().all(|member| member.metadata.is_empty()));
    let assigned =
        |group: GroupDescription| group.members.iter().filter(|member| !member.assignment.is_empty()).count();
    assert_eq!(assigned(moving), 2, "as long as there is no other");
    harness.send(GroupRequest::Join(join(&ids[1])));
    assert_eq!(assigned(describe(&harness)), 2, "nor before the leader has decided");
    harness
        .send(GroupRequest::Join(JoinGroup { protocols: [("range".into(), "other".into())].into(), ..join(&ids[1]) }));
    assert_eq!(assigned(describe(&harness)), 0, "a generation that ends without one has none");
}

#[test]
fn a_group_of_offsets_alone_is_empty_and_an_unknown_one_dead() {
    let harness = Harness::new(settings());
    let described = harness.groups.describe(&offsets_of(&["simple"]), &names(&["simple", "unknown"]));
    assert_eq!((described[0].state, described[0].error, described[0].protocol_type.as_str()), ("Empty", None, ""));
    assert_eq!((described[1].state, described[1].error), ("Dead", Some(Error::GroupIdNotFound)));
}

#[test]
fn groups_are_listed_by_name_and_state() {
    let mut harness = Harness::new(settings());
    harness.stable_group(1);
    let offsets = offsets_of(&["z", "a", "g"]);
    let listed = |group: &str, protocol_type: &str, state| ListedGroup {
        group: group.into(),
        protocol_type: protocol_type.into(),
        state,
    };
    let all = [listed("a", "", "Empty"), listed("g", "consumer", "Stable"), listed("z", "", "Empty")];
    assert_eq!(harness.groups.list(&offsets, &[]), all);
    assert_eq!(harness.groups.list(&offsets, &names(&["stable", "Dead"])), all[1..2]);
}

#[test]
fn only_empty_groups_are_deleted_and_their_offsets_with_them() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(1);
    let offsets = offsets_of(&["g", "simple"]);
    let (records, outcomes) = harness.groups.delete(&offsets, &names(&["g", "simple", "unknown"]));
    let expected = [Err(Error::NonEmptyGroup), Ok(()), Err(Error::GroupIdNotFound)];
    assert_eq!(outcomes.into_iter().map(|(_, outcome)| outcome).collect::<Vec<_>>(), expected);
    assert_eq!(records, [OffsetRecord::Tombstone { group: "simple".into(), topic: "t".into(), partition: 0 }]);

    harness.leave("g", &[(&ids[0], None)]).unwrap();
    harness.member_id();
    let (records, outcomes) = harness.groups.delete(&offsets, &names(&["g"]));
    assert_eq!((records.len(), outcomes), (1, alloc::vec![("g".to_string(), Ok(()))]));
    assert_eq!((harness.state("g"), harness.groups.poll_timeout()), ("Dead", None));
}

#[test]
fn idle_groups_are_forgotten_once_their_offsets_are_gone() {
    let mut harness = Harness::new(settings());
    let ids = harness.stable_group(1);
    harness.groups.forget_idle(|_| false);
    assert_eq!(harness.state("g"), "Stable");
    harness.leave("g", &[(&ids[0], None)]).unwrap();
    harness.groups.forget_idle(|group| group == "g");
    assert_eq!(harness.state("g"), "Empty");
    harness.groups.forget_idle(|_| false);
    assert_eq!(harness.state("g"), "Dead");
}

#[test]
fn a_group_is_idle_since_its_last_member_left() {
    let mut harness = Harness::new(settings());
    let idle = |harness: &Harness| harness.groups.unused_since("g", "t", harness.now, harness.wall());
    assert_eq!(idle(&harness), Some(Wall(0)), "it never had members: only its commits count");
    let ids = harness.stable_group(1);
    assert_eq!(idle(&harness), None);
    harness.leave("g", &[(&ids[0], None)]).unwrap();
    let left = harness.wall();
    harness.sleep(30);
    assert_eq!(idle(&harness), Some(left));
    harness.restart();
    assert_eq!(idle(&harness), Some(left));
}

#[test]
fn a_group_of_members_in_the_process_before_is_idle_since_the_start() {
    let mut harness = Harness::new(settings());
    let sent = harness.send(GroupRequest::Join(join("").in_process()));
    let id = harness.joined(sent).unwrap().member;
    harness.send(sync(1, &id, &[]));
    harness.sleep(1_000);
    harness.restart();
    let started = harness.wall();
    harness.sleep(30);
    assert_eq!(harness.groups.unused_since("g", "t", harness.now, harness.wall()), Some(started));
}

#[test]
fn of_a_topic_that_nobody_is_subscribed_to_only_commits_count() {
    let check = |protocol_type: &str, metadata: &'static [u8], stable: bool, topic: &str, expected: Option<Wall>| {
        let mut harness = Harness::new(settings());
        let protocols = alloc::vec![("range".to_string(), Bytes::from_static(metadata))];
        let request = JoinGroup { protocol_type: protocol_type.into(), protocols, ..join("") };
        let sent = harness.send(GroupRequest::Join(request));
        let id = harness.joined(sent).unwrap().member;
        if stable {
            harness.send(sync(1, &id, &[]));
        }
        let unused = harness.groups.unused_since("g", topic, harness.now, harness.wall());
        assert_eq!(unused, expected, "{protocol_type}, {metadata:?}, stable: {stable}, {topic}");
    };
    const READS_T: &[u8] = b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff";
    check("consumer", READS_T, true, "t", None);
    check("consumer", READS_T, true, "u", Some(Wall(0)));
    check("consumer", READS_T, false, "u", None);
    check("consumer", b"what is this", true, "u", None);
    check("connect", READS_T, true, "u", None);
}
