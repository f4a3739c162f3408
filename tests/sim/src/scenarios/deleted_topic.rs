//! A checkpoint is on its way when a topic's deletion is decided, and the power goes before the deletion is durable: the topic is
//! there, with everything in it. The checkpoint once had the topic and not its log, and the broker refused to start.

use broker_core::request::{Request, TopicRef};
use broker_store::batch::Builder;

use super::Story;
use crate::disk::Death;

#[test]
fn a_deletion_that_was_not_durable_leaves_the_topic_as_it_was() {
    let mut story = Story::new();
    story.create("t");
    story.produce("t", Builder::new(), "kept").expect("room");
    story.pass(120_000);
    story.journal();
    assert!(story.process().has_segment_work(), "the checkpoint's segments are being written");
    story.decide(Request::DeleteTopics(vec![TopicRef::Name("t".into())]));
    story.segments();
    story.segments();
    story.die(Death::PowerCut);
    assert_eq!(story.values("t"), ["kept"]);
}

#[test]
fn a_batch_that_was_decided_before_the_deletion_survives_without_it() {
    let mut story = Story::new();
    story.create("t");
    story.decide(super::produce("t", Builder::new(), "kept"));
    story.decide(Request::DeleteTopics(vec![TopicRef::Name("t".into())]));
    story.process().work_journal().expect("the entry with the batch");
    story.pass(120_000);
    story.die(Death::PowerCut);
    assert_eq!(story.values("t"), ["kept"]);
}
