//! A commit is decided and not durable when a reader of committed records comes, and then the power goes: the reader has seen nothing,
//! and after the restart nothing is committed.

use broker_core::request::{
    Batch, Fetched, InitProducerId, Produce, Reply, Request, TransactionReply, TransactionRequest,
    TransactionalProducer,
};
use broker_store::batch::{BatchInfo, Builder, TRANSACTIONAL};
use bytes::Bytes;

use super::Story;
use crate::{
    disk::Death,
    workload::{committed::committed, fetch},
};

fn init(story: &mut Story) -> TransactionalProducer {
    let transactional_id = "id".to_string();
    let asked =
        InitProducerId { transactional_id: Some(transactional_id.clone()), timeout_ms: 60_000, current: (-1, -1) };
    match story.ask(Request::InitProducerId(asked)) {
        Reply::InitProducerId(Ok((producer_id, epoch))) => {
            TransactionalProducer { transactional_id, producer_id, epoch }
        }
        other => panic!("{other:?}"),
    }
}

/// What is committed, without letting anything become durable.
fn look(story: &mut Story) -> Fetched {
    story.process().answers().clear();
    story.decide(committed(fetch::request(&("t".into(), 0), 0, 0, 1 << 20)));
    let mut answers = core::mem::take(story.process().answers());
    let at = answers.iter().position(|answer| matches!(answer.reply, Reply::Fetch(_))).expect("an answer at once");
    fetch::only(answers.swap_remove(at).reply).expect("one partition")
}

#[test]
fn a_commit_that_is_not_durable_is_not_served() {
    let mut story = Story::new();
    story.create("t");
    let producer = init(&mut story);
    let add = TransactionRequest::AddPartitions { producer: producer.clone(), topics: vec![("t".into(), vec![0])] };
    story.ask(Request::Transaction(add));
    let mut builder = Builder::new().producer(producer.producer_id, producer.epoch, 0).attributes(TRANSACTIONAL);
    builder.push(1, None, Some(b"inside"), &[]);
    let bytes = Bytes::from(builder.finish());
    let info = BatchInfo::parse(&bytes).expect("a batch just built");
    let transactional_id = Some(producer.transactional_id.clone());
    let topics = vec![("t".into(), vec![(0, Ok(Batch { info, bytes }))])];
    story.ask(Request::Produce(Produce { acks: -1, transactional_id, topics }));

    story.decide(Request::Transaction(TransactionRequest::End { producer: producer.clone(), commit: true }));
    let seen = look(&mut story);
    assert!(seen.records.is_empty(), "the commit is not durable");
    assert_eq!((seen.last_stable_offset, seen.high_watermark), (0, 1));

    story.die(Death::PowerCut);
    let seen = look(&mut story);
    assert!(seen.records.is_empty() && seen.last_stable_offset == 0, "it is open, as it was: {seen:?}");
    let end = story.ask(Request::Transaction(TransactionRequest::End { producer, commit: true }));
    assert!(matches!(end, Reply::Transaction(TransactionReply::End(Ok(())))), "{end:?}");
    let seen = look(&mut story);
    assert_eq!((seen.last_stable_offset, seen.aborted.len()), (2, 0));
    assert!(!seen.records.is_empty(), "now it is committed");
}
