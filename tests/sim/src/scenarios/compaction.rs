//! A compacted log, step by step: what crashes at each of them leave, and that the old files go.

use broker_core::request::{Batch, Produce, Reply, Request};
use broker_store::{
    batch::{BatchInfo, Builder},
    disk::Disk as _,
};

use super::Story;
use crate::disk::Death;

fn put(story: &mut Story, key: &str, value: &str) {
    let mut builder = Builder::new();
    builder.push(1, Some(key.as_bytes()), Some(value.as_bytes()), &[]);
    let bytes = bytes::Bytes::from(builder.finish());
    let info = BatchInfo::parse(&bytes).expect("a batch just built");
    let topics = vec![("t".into(), vec![(0, Ok(Batch { info, bytes }))])];
    let reply = story.ask(Request::Produce(Produce { acks: -1, transactional_id: None, topics }));
    assert!(matches!(&reply, Reply::Produce(topics) if topics[0].partitions[0].outcome.is_ok()), "{reply:?}");
}

/// Three values of one key and one of another, in a segment each, all in files.
fn written() -> Story {
    let mut story = Story::new();
    story.configure(&[("segment.bytes", "1"), ("cleanup.policy", "compact")]);
    story.die(Death::Kill);
    story.create("t");
    for (key, value) in [("a", "1"), ("b", "1"), ("a", "2"), ("a", "3")] {
        put(&mut story, key, value);
    }
    story
}

fn all(story: &mut Story) -> Vec<String> {
    (0..4).flat_map(|offset| story.values_from("t", offset).into_iter().take(1)).collect()
}

#[test]
fn whenever_the_machine_dies_the_latest_values_are_there() {
    // What is done before it dies: so many jobs of the segment thread after the last record.
    for jobs in 0..60 {
        let mut story = written();
        story.pass(20_000);
        story.work(jobs);
        story.die(Death::PowerCut);
        let values = all(&mut story);
        assert!(values.contains(&"3".to_string()) && values.contains(&"1".to_string()), "{jobs}: {values:?}");
        (0..12).for_each(|_| story.checkpoint());
        let names = story.disk.list("t-0").expect("a folder");
        assert!(names.iter().all(|name| !name.contains("swap") && !name.contains("cleaned")), "{jobs}: {names:?}");
        let logs: Vec<_> = names.iter().filter(|name| name.ends_with(".log")).collect();
        let left = ["00000000000000000001.log", "00000000000000000002.log", "00000000000000000003.log"];
        assert_eq!(logs, left, "{jobs}: what is in the last segment replaces nothing yet");
        story.die(Death::PowerCut);
        assert_eq!([0, 2, 3].map(|offset| story.values_from("t", offset)), [["1"], ["2"], ["3"]], "{jobs}");
    }
}
