use alloc::{string::ToString, vec};

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn asked(partition: i32, offset: i64, metadata: &str) -> OffsetToCommit {
    OffsetToCommit { partition, offset, leader_epoch: 0, metadata: metadata.into() }
}

fn commit(offsets: &mut Offsets, wall: i64, group: &str, topic: &str, partition: i32, offset: i64) {
    let topics = [(topic.to_string(), vec![asked(partition, offset, "note")])];
    let (records, _) = offsets.decide_commit(Wall(wall), group, &topics);
    records.iter().for_each(|record| offsets.replay(record, 0, None));
}

fn offset_of(offsets: &Offsets, group: &str, topic: &str, partition: i32) -> i64 {
    offsets.fetch(group, Some(&[(topic.to_string(), vec![partition])]), false)[0].partitions[0].offset
}

fn apply(offsets: &mut Offsets, records: &[OffsetRecord]) {
    records.iter().for_each(|record| offsets.replay(record, 0, None));
}

#[test]
fn a_commit_decides_and_only_its_replay_changes() {
    let mut offsets = Offsets::new(OffsetSettings::default());
    let topics = [
        ("t".to_string(), vec![asked(0, 5, "a"), asked(1, 6, &"n".repeat(4097))]),
        ("u".to_string(), vec![asked(0, 7, "")]),
    ];
    let (records, outcomes) = offsets.decide_commit(Wall(9), "g", &topics);
    assert_eq!(outcomes[0].partitions, [(0, Ok(())), (1, Err(Error::OffsetMetadataTooLarge))]);
    assert_eq!((outcomes[1].topic.as_str(), outcomes[1].partitions.as_slice()), ("u", [(0, Ok(()))].as_slice()));
    assert_eq!((records.len(), offset_of(&offsets, "g", "t", 0)), (2, -1));
    apply(&mut offsets, &records);
    let fetched = offsets.fetch("g", Some(&[("t".to_string(), vec![1, 0])]), false);
    let nothing = CommittedOffset { partition: 1, error: None, offset: -1, leader_epoch: -1, metadata: String::new() };
    assert_eq!(
        fetched[0].partitions,
        [nothing, CommittedOffset { partition: 0, error: None, offset: 5, leader_epoch: 0, metadata: "a".into() }]
    );
    let all: Vec<_> =
        offsets.fetch("g", None, false).into_iter().map(|topic| (topic.topic, topic.partitions.len())).collect();
    assert_eq!(all, [("t".to_string(), 1), ("u".to_string(), 1)]);
    assert!(offsets.fetch("unknown", None, false).is_empty());
    assert_eq!(offset_of(&offsets, "unknown", "t", 0), -1);
}

#[test]
fn names_and_notes_that_do_not_fit_a_record_are_refused() {
    let roomy = Offsets::new(OffsetSettings { metadata_max: 1 << 20, ..OffsetSettings::default() });
    let long = "x".repeat(32_768);
    let check = |group: &str, topic: &str, note: &str, expected| {
        let (records, outcomes) = roomy.decide_commit(Wall(0), group, &[(topic.to_string(), vec![asked(0, 1, note)])]);
        assert_eq!((records.len(), outcomes[0].partitions[0].1), (0, Err(expected)));
    };
    check(&long, "t", "", Error::InvalidGroupId);
    check("g", &long, "", Error::InvalidTopicException);
    check("g", "t", &long, Error::OffsetMetadataTooLarge);
}

#[test]
fn a_note_is_measured_in_java_characters() {
    let offsets = Offsets::new(OffsetSettings { metadata_max: 4, ..OffsetSettings::default() });
    for (note, fits) in [("éééé", true), ("𝄞𝄞", true), ("𝄞𝄞𝄞", false), ("abcde", false)] {
        let (records, _) = offsets.decide_commit(Wall(0), "g", &[("t".to_string(), vec![asked(0, 1, note)])]);
        assert_eq!(records.len(), usize::from(fits), "{note}");
    }
}

#[test]
fn a_deleted_group_or_topic_takes_its_offsets_along() {
    let mut offsets = Offsets::new(OffsetSettings::default());
    for (group, topic) in [("a", "t"), ("a", "u"), ("b", "t")] {
        commit(&mut offsets, 0, group, topic, 0, 1);
        commit(&mut offsets, 0, group, topic, 1, 1);
    }
    let records = offsets.topic_deleted("t");
    assert_eq!(records.len(), 4);
    apply(&mut offsets, &records);
    assert_eq!(offsets.groups().collect::<Vec<_>>(), ["a"]);
    let records = offsets.delete_group("a");
    assert_eq!(records[1], OffsetRecord::Tombstone { group: "a".into(), topic: "u".into(), partition: 1 });
    apply(&mut offsets, &records);
    assert!(!offsets.has_group("a") && offsets.delete_group("a").is_empty() && offsets.topic_deleted("t").is_empty());
    apply(&mut offsets, &records);
}

#[test]
fn offsets_expire_after_the_retention_from_commit_or_from_the_last_member() {
    let mut offsets = Offsets::new(OffsetSettings { retention_ms: 100, ..OffsetSettings::default() });
    commit(&mut offsets, 1_000, "g", "t", 0, 1);
    commit(&mut offsets, 1_050, "g", "t", 1, 1);
    let expired = |wall, idle: Option<i64>| {
        let records = offsets.expired(Wall(wall), |_, _| idle.map(Wall));
        records.len()
    };
    assert_eq!(expired(1_099, Some(0)), 0);
    assert_eq!(expired(1_100, Some(0)), 1);
    assert_eq!(expired(1_150, Some(0)), 2);
    assert_eq!(expired(9_999, None), 0, "the group has members");
    assert_eq!(expired(1_150, Some(1_051)), 0);
    assert_eq!(expired(1_151, Some(1_051)), 2);
    assert_eq!(expired(-5, Some(0)), 0, "the clock was set back");
}

/// Written by Kafka 4.3's own serializers.
#[test]
fn records_are_kafkas_to_the_byte() {
    let committed = Committed {
        offset: 42,
        leader_epoch: 7,
        metadata: "né".into(),
        commit_timestamp: 1_700_000_000_000,
        record_offset: -1,
    };
    let record = OffsetRecord::Commit { group: "my-group".into(), topic: "t".into(), partition: 3, committed };
    assert_eq!(&record.encode_key()[..], b"\0\x01\0\x08my-group\0\x01t\0\0\0\x03");
    assert_eq!(
        &record.encode_value().unwrap()[..],
        b"\0\x03\0\0\0\0\0\0\0\x2a\0\0\0\x07\0\x03n\xc3\xa9\0\0\x01\x8b\xcf\xe5\x68\0"
    );
    assert_eq!(OffsetRecord::decode(&record.encode_key(), record.encode_value().as_deref()), Ok(Some(record)));
}

#[test]
fn older_values_are_read_and_other_keys_passed_over() {
    let key = b"\0\x00\0\x01g\0\x01t\0\0\0\x00";
    let decode = |value: &[u8]| match OffsetRecord::decode(key, Some(value)) {
        Ok(Some(OffsetRecord::Commit { committed, .. })) => Ok(committed),
        Ok(other) => panic!("{other:?}"),
        Err(damaged) => Err(damaged),
    };
    let expected =
        Committed { offset: 5, leader_epoch: -1, metadata: "m".into(), commit_timestamp: 6, record_offset: -1 };
    let body = b"\0\0\0\0\0\0\0\x05\0\x01m\0\0\0\0\0\0\0\x06";
    for version in [0, 2] {
        assert_eq!(decode(&[&[0, version], &body[..]].concat()), Ok(expected.clone()));
    }
    assert_eq!(decode(&[&[0, 1], &body[..], &[0; 8]].concat()), Ok(expected));
    assert!(decode(&[&[0, 4], &body[..]].concat()).is_err());
    assert!(decode(&[&[0, 2], &body[..], &[0]].concat()).is_err(), "left over");
    assert_eq!(OffsetRecord::decode(b"\0\x02\0\x01g", Some(b"\0\x03")), Ok(None), "group metadata");
    assert_eq!(OffsetRecord::decode(b"\0\x05anything", None), Ok(None));
}

fn record() -> impl Strategy<Value = OffsetRecord> {
    let place = ("[a-c]", "[t-v]", 0..3i32);
    let commit = (place.clone(), any::<i64>(), any::<i32>(), ".{0,8}", any::<i64>());
    prop_oneof![
        4 => commit.prop_map(|((group, topic, partition), offset, leader_epoch, metadata, commit_timestamp)| OffsetRecord::Commit {
            group,
            topic,
            partition,
            committed: Committed { offset, leader_epoch, metadata, commit_timestamp, record_offset: -1 },
        }),
        1 => place.prop_map(|(group, topic, partition)| OffsetRecord::Tombstone { group, topic, partition }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_record_comes_back_and_never_from_a_part_of_it(record in record()) {
        let (key, value) = (record.encode_key(), record.encode_value());
        prop_assert_eq!(OffsetRecord::decode(&key, value.as_deref()), Ok(Some(record)));
        prop_assert!((0..key.len()).all(|cut| OffsetRecord::decode(&key[..cut], value.as_deref()).is_err()));
        if let Some(value) = value {
            prop_assert!((0..value.len()).all(|cut| OffsetRecord::decode(&key, Some(&value[..cut])).is_err()));
        }
    }

    #[test]
    fn hostile_bytes_are_an_error_at_most(key in prop::collection::vec(any::<u8>(), 0..64), value in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = OffsetRecord::decode(&key, Some(&value));
        let _ = OffsetRecord::decode(&[&[0, 1], &key[..]].concat(), Some(&[&[0, 3], &value[..]].concat()));
        let _ = Offsets::restore(OffsetSettings::default(), &[&[1], &key[..], &value[..]].concat());
    }

    #[test]
    fn a_snapshot_is_the_table_and_the_table_the_last_record_of_each_key(records in prop::collection::vec(record(), 0..60)) {
        let mut offsets = Offsets::new(OffsetSettings::default());
        let mut model = BTreeMap::new();
        for record in &records {
            offsets.replay(record, 0, None);
            model.insert(record.encode_key(), record.encode_value());
        }
        let restored = Offsets::restore(OffsetSettings::default(), &offsets.snapshot()).unwrap();
        prop_assert_eq!(&restored.groups, &offsets.groups);
        model.retain(|_, value| value.is_some());
        let mut table = BTreeMap::new();
        for (group, topics) in &offsets.groups {
            for (topic, partitions) in topics {
                for (&partition, committed) in partitions {
                    table.insert(Bytes::from(kafka_format::key(group, topic, partition)), Some(Bytes::from(kafka_format::value(committed))));
                }
            }
        }
        prop_assert_eq!(table, model);
    }
}

/// A commit at this offset of `__consumer_offsets`, in a transaction if a producer is named.
fn commit_at(offsets: &mut Offsets, offset: i64, value: i64, producer: Option<i64>) {
    let (records, _) = offsets.decide_commit(Wall(0), "g", &[("t".to_string(), vec![asked(0, value, "")])]);
    offsets.replay(&records[0], offset, producer);
}

#[test]
fn what_a_transaction_commits_counts_from_its_marker_on_or_never() {
    for (commit, expected) in [(true, 7), (false, 5)] {
        let mut offsets = Offsets::new(OffsetSettings::default());
        commit_at(&mut offsets, 0, 5, None);
        commit_at(&mut offsets, 1, 7, Some(9));
        let stable = |offsets: &Offsets| {
            let asked = [("t".to_string(), vec![0])];
            let told = offsets.fetch("g", Some(&asked), true)[0].partitions[0].clone();
            told.error.map_or(Ok(told.offset), Err)
        };
        assert_eq!((offset_of(&offsets, "g", "t", 0), stable(&offsets)), (5, Err(Error::UnstableOffsetCommit)));
        let mut offsets = Offsets::restore(OffsetSettings::default(), &offsets.snapshot()).unwrap();
        offsets.end_transaction(9, commit);
        assert_eq!((offset_of(&offsets, "g", "t", 0), stable(&offsets)), (expected, Ok(expected)));
    }
}

#[test]
fn of_two_commits_the_later_one_counts_whichever_ends_first() {
    let check = |ends: [i64; 2]| {
        let mut offsets = Offsets::new(OffsetSettings::default());
        commit_at(&mut offsets, 0, 5, Some(1));
        commit_at(&mut offsets, 1, 7, Some(2));
        ends.into_iter().for_each(|producer| offsets.end_transaction(producer, true));
        assert_eq!(offset_of(&offsets, "g", "t", 0), 7);
    };
    check([1, 2]);
    check([2, 1]);
    let mut offsets = Offsets::new(OffsetSettings::default());
    commit_at(&mut offsets, 0, 5, Some(1));
    commit_at(&mut offsets, 1, 6, None);
    offsets.end_transaction(1, true);
    assert_eq!(offset_of(&offsets, "g", "t", 0), 6, "a plain commit came later");
}

#[test]
fn a_deleted_topic_takes_what_is_pending_with_it() {
    let mut offsets = Offsets::new(OffsetSettings::default());
    commit_at(&mut offsets, 0, 5, Some(1));
    let records = offsets.topic_deleted("t");
    apply(&mut offsets, &records);
    offsets.end_transaction(1, true);
    assert!(!offsets.has_group("g"));
}
