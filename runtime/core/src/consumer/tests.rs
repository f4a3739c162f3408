//! Membership, reply by reply. What a sink makes of it is in `sink::tests`.

use alloc::{string::String, vec, vec::Vec};
use broker_core::{
    error::Error,
    request::{Reply, Request},
};

use super::*;
use crate::fake::{self, Cluster};

fn consumer(topics: &[&str]) -> Consumer {
    Consumer::new(fake::consumer("g", "c", topics))
}

/// Answers everything there is to answer at this moment.
fn settle(consumer: &mut Consumer, cluster: &mut Cluster, now: Now) -> Vec<Event> {
    while let Some(request) = consumer.next_request(now) {
        consumer.replied(now, cluster.ask(request));
    }
    core::iter::from_fn(|| consumer.next_event()).collect()
}

fn tp(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition { topic: topic.into(), partition }
}

#[test]
fn it_begins_where_the_group_has_committed_or_at_the_earliest() {
    let mut cluster = Cluster::new(&[("t", 2)]);
    cluster.committed.insert(tp("t", 1), 5);
    let mut consumer = consumer(&["t"]);
    let events = settle(&mut consumer, &mut cluster, Now(0));
    assert_eq!(events, [Event::Assigned([(tp("t", 0), 0), (tp("t", 1), 5)].into())]);
    let (_, fetch) = consumer.next_fetch(Now(0)).unwrap();
    let offsets: Vec<_> = fetch.topics[0].1.iter().map(|partition| partition.offset).collect();
    assert_eq!(offsets, [0, 5]);
    assert!(consumer.next_fetch(Now(0)).is_none(), "one at a time");
}

#[test]
fn refusals_to_join() {
    let check = |error, again: bool| {
        let mut cluster = Cluster::new(&[("t", 1)]);
        let mut consumer = consumer(&["t"]);
        let request = consumer.next_request(Now(0)).unwrap();
        consumer.replied(Now(0), cluster.ask(request));
        assert!(matches!(consumer.next_request(Now(0)), Some(Request::JoinGroup(_))));
        consumer.replied(Now(0), Reply::JoinGroup(Err((error, String::new()))));
        let failed = matches!(consumer.next_event(), Some(Event::Failed(_)));
        assert_eq!(failed, !again, "{error:?}");
        if again {
            let later = consumer.timeout().unwrap_or(Now(0));
            assert!(matches!(consumer.next_request(later), Some(Request::JoinGroup(_))), "{error:?}");
        }
    };
    check(Error::UnknownMemberId, true);
    check(Error::CoordinatorNotAvailable, true);
    check(Error::InconsistentGroupProtocol, false);
    check(Error::GroupMaxSizeReached, false);
}

#[test]
fn a_rebalance_during_the_join_begins_it_again() {
    let mut cluster = Cluster::new(&[("t", 1)]);
    let mut consumer = consumer(&["t"]);
    loop {
        let request = consumer.next_request(Now(0)).unwrap();
        if matches!(request, Request::SyncGroup(_)) {
            consumer.replied(Now(0), Reply::SyncGroup(Err(Error::RebalanceInProgress)));
            break;
        }
        consumer.replied(Now(0), cluster.ask(request));
    }
    let events = settle(&mut consumer, &mut cluster, Now(0));
    assert_eq!((events.len(), cluster.generation), (1, 2));
}

#[test]
fn nothing_is_joined_before_the_old_assignment_is_let_go() {
    let mut cluster = Cluster::new(&[("t", 1)]);
    let mut consumer = consumer(&["t"]);
    settle(&mut consumer, &mut cluster, Now(0));
    cluster.heartbeat = Some(Error::RebalanceInProgress);
    assert_eq!(settle(&mut consumer, &mut cluster, Now(3_000)), [Event::Revoke]);
    assert!(consumer.next_fetch(Now(3_000)).is_none());
    settle(&mut consumer, &mut cluster, Now(9_000));
    assert_eq!(cluster.generation, 1, "heartbeats go on, but it does not join");
    cluster.heartbeat = None;
    consumer.revoked();
    let events = settle(&mut consumer, &mut cluster, Now(9_000));
    assert!(matches!(&events[..], [Event::Assigned(_)]), "{events:?}");
    assert_eq!(cluster.generation, 2);
}

#[test]
fn a_fetch_that_was_cancelled_does_not_count() {
    let mut cluster = Cluster::new(&[("t", 1)]);
    cluster.fill("t", ["a".into()].into_iter());
    let mut consumer = consumer(&["t"]);
    settle(&mut consumer, &mut cluster, Now(0));
    let (id, fetch) = consumer.next_fetch(Now(0)).unwrap();
    assert!(consumer.cancel_fetch());
    let fetched = cluster.fetch(&fetch, 10).unwrap();
    assert_eq!(consumer.fetched(Now(0), id, fetched), None);
    assert_eq!(consumer.positions()[&tp("t", 0)], 0);
}

#[test]
fn a_partition_that_cannot_be_read_is_waited_for() {
    let mut cluster = Cluster::new(&[("t", 1)]);
    let mut consumer = consumer(&["t"]);
    settle(&mut consumer, &mut cluster, Now(0));
    let (id, _) = consumer.next_fetch(Now(0)).unwrap();
    let errors = vec![(tp("t", 0), Error::KafkaStorageError)];
    consumer.fetched(Now(0), id, Fetched { errors, ..Fetched::default() });
    assert!(consumer.next_fetch(Now(0)).is_none());
    assert!(consumer.next_fetch(consumer.timeout().unwrap()).is_some());
}

#[test]
fn leaving() {
    let mut cluster = Cluster::new(&[("t", 1)]);
    let mut consumer = consumer(&["t"]);
    settle(&mut consumer, &mut cluster, Now(0));
    consumer.leave();
    settle(&mut consumer, &mut cluster, Now(0));
    assert!(consumer.is_over() && cluster.members.is_empty());
    let mut never_joined = self::consumer(&["t"]);
    never_joined.leave();
    settle(&mut never_joined, &mut cluster, Now(0));
    assert!(never_joined.is_over());
}
