//! Records are deleted, or too old, and their files go: not before a checkpoint says so, and never back after a crash.

use broker_core::request::{Reply, Request};
use broker_store::{batch::Builder, disk::Disk as _};

use super::Story;
use crate::disk::Death;

fn segments(story: &Story) -> usize {
    story.disk.list("t-0").expect("a folder").iter().filter(|name| name.ends_with(".log")).count()
}

/// Four batches, each in a segment of its own, all in files.
fn four(defaults: &[(&str, &str)]) -> Story {
    let mut story = Story::new();
    story.configure(&[&[("segment.bytes", "1")], defaults].concat());
    story.die(Death::Kill);
    story.create("t");
    for value in ["a", "b", "c", "d"] {
        story.produce("t", Builder::new(), value).expect("room");
    }
    story.checkpoint();
    assert_eq!(segments(&story), 4);
    story
}

#[test]
fn deleted_records_stay_deleted() {
    let mut story = four(&[]);
    let reply = story.ask(Request::DeleteRecords(vec![("t".into(), vec![(0, 2)])]));
    assert!(matches!(&reply, Reply::DeleteRecords(topics) if topics[0].partitions == [(0, Ok(2))]), "{reply:?}");
    assert_eq!(segments(&story), 4, "a checkpoint knows them still");
    story.die(Death::PowerCut);
    assert_eq!(story.values_from("t", 2), ["c"]);
    story.checkpoint();
    assert_eq!(segments(&story), 2);
    story.die(Death::PowerCut);
    assert_eq!((story.values_from("t", 2), story.values_from("t", 3)), (vec!["c".into()], vec!["d".into()]));
}

#[test]
fn records_that_are_too_old_go_the_last_segment_too() {
    let mut story = four(&[("retention.ms", "200000")]);
    // Their timestamp is 1, and two minutes go by with each.
    (0..12).for_each(|_| story.checkpoint());
    assert_eq!(segments(&story), 0);
    story.die(Death::PowerCut);
    assert_eq!(story.values_from("t", 4), Vec::<String>::new());
    assert_eq!(story.produce("t", Builder::new(), "e"), Ok(4), "offsets go on");
}
