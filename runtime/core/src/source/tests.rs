//! The source loop with a connector that reads lines and a cluster that can be killed under it.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use broker_core::{error::Error, request::Request};
use bytes::Bytes;

use super::*;
use crate::{
    columns::without,
    convert::Converter,
    errors::Policy,
    exchange::{Checkpoint, ConnectorError, ErrorClass, Polled},
    fake::{Cluster, OFFSETS, text},
    herder::TaskId,
    record::{Batch, Blobs, Format},
    scalar::Scalar,
    transform::{Chain, Converters},
};

mod hostile;
mod world;

use world::*;

#[test]
fn the_order_of_effects() {
    let mut world = World::new(3);
    world.settle();
    assert_eq!(
        world.take_log(),
        "start 0, Running, poll 0..2, TopicUsed(\"t\"), poll 2..3, append 2, ack 2, append 2, ack 1, poll idle"
    );
    assert_eq!(world.cluster.log("t", 0), numbers(3));
    assert_eq!(world.cluster.state["end"], "3");
    assert_eq!(world.cluster.table.len(), 1);
    let (key, value) = world.cluster.table.iter().next().unwrap();
    assert_eq!((&key[..], &value[..]), (&br#"["c",{"filename":"f"}]"#[..], &br#"{"position":3}"#[..]));
    assert_eq!((world.lines.acked, world.lines.commits), (3, 2));
}

#[test]
fn a_poll_runs_while_the_last_one_becomes_durable_and_no_further() {
    let mut world = World::new(100);
    while world.lines.position == 0 {
        world.finish_call();
        world.answer();
    }
    // The first poll is on its way; the second one may be made, the third may not.
    while !matches!(world.request, Some(Request::AtomicAppend(_))) {
        world.answer();
    }
    while world.finish_call() {}
    assert_eq!(world.lines.position, 4);
    world.answer();
    while world.finish_call() {}
    assert_eq!(world.lines.position, 6);
}

#[test]
fn what_is_polled_behind_an_append_goes_into_the_next_one() {
    let mut world = World::over(Cluster::new(&[]), 9, Settings { max_append_bytes: 150, ..settings() });
    while !matches!(world.request, Some(Request::AtomicAppend(_))) {
        world.answer();
        world.finish_call();
    }
    while world.finish_call() {}
    assert_eq!(world.lines.position, 6, "two polls have room");
    world.settle();
    let log = world.take_log();
    assert!(log.contains("append 2, ack 2, append 3, ack 4, "), "{log}");
    assert_eq!((world.cluster.log("t", 0), world.lines.acked), (numbers(9), 9));
    let value = world.cluster.table.values().next().unwrap();
    assert_eq!((&value[..], world.cluster.state["end"].clone()), (&br#"{"position":9}"#[..], Bytes::from("9")));
}

#[test]
fn an_idle_source_is_polled_on_time_and_when_something_changes() {
    let mut world = World::new(0);
    world.settle();
    assert_eq!(world.machine.poll_timeout(), Some(Now(1000)));
    world.lines.there = 1;
    world.input(Input::Wake);
    world.settle();
    assert_eq!(world.cluster.log("t", 0), numbers(1));
    world.lines.there = 2;
    world.wait();
    assert_eq!(world.cluster.log("t", 0), numbers(2));
    // A change during the poll that did not see it.
    world.now = world.machine.poll_timeout().unwrap();
    world.input(Input::Tick);
    assert!(matches!(world.call, Some(Call::Poll { .. })));
    let call = world.call.take().unwrap();
    let idle = world.lines.call(call, &mut world.log);
    world.input(Input::Wake);
    world.lines.there = 3;
    world.input(idle);
    world.settle();
    assert_eq!(world.cluster.log("t", 0), numbers(3));
}

#[test]
fn pause_and_resume() {
    let mut world = World::over(Cluster::new(&[]), 5, Settings { paused: true, ..settings() });
    world.settle();
    assert_eq!(world.take_log(), "start 0, Paused");
    world.input(Input::Resume);
    world.finish_call();
    world.input(Input::Pause);
    world.settle();
    assert_eq!(world.take_log(), "Running, poll 0..2, TopicUsed(\"t\"), append 2, ack 2, Paused");
    assert_eq!(world.cluster.log("t", 0), numbers(2));
    world.input(Input::Stop);
    world.settle();
    assert_eq!((world.take_log().as_str(), world.ended), ("stop", Some(Ended::Stopped)));
}

#[test]
fn a_stop_writes_what_was_polled() {
    for steps in 0..40 {
        let mut world = World::new(7);
        for step in 0..steps {
            if step % 3 == 0 {
                world.answer()
            } else {
                world.finish_call()
            };
        }
        world.input(Input::Stop);
        world.settle();
        assert_eq!(world.ended, Some(Ended::Stopped), "after {steps} steps");
        assert_eq!(world.cluster.log("t", 0), numbers(world.lines.position), "after {steps} steps");
    }
}

/// Kills the task after every number of steps, again and again, and lets the last one finish: every line is there once.
#[test]
fn a_kill_between_any_two_effects_loses_and_repeats_nothing() {
    for steps in 1..60 {
        for late in [false, true] {
            let mut cluster = Cluster::new(&[]);
            for _ in 0..5 {
                let mut world = World::over(cluster, 11, settings());
                for step in 0..steps {
                    if (step % 2 == 0) == late {
                        world.answer()
                    } else {
                        world.finish_call()
                    };
                }
                // An append may be on its way to the broker when the process is killed, and arrive or not.
                if late && let Some(request) = world.request.take() {
                    world.cluster.ask(request);
                }
                cluster = world.cluster;
            }
            let mut last = World::over(cluster, 11, settings());
            last.settle();
            assert_eq!(last.cluster.log("t", 0), numbers(11), "killed after {steps} steps");
        }
    }
}

#[test]
fn a_run_that_was_given_up_on_can_write_no_more() {
    let mut old = World::new(2);
    while !matches!(old.request, Some(Request::AtomicAppend(_))) {
        old.finish_call();
        old.answer();
    }
    let mut new = World::over(old.cluster.clone(), 2, settings());
    new.settle();
    old.cluster = new.cluster;
    old.settle();
    let Some(Ended::Failed { trace }) = old.ended else { panic!("{:?}", old.log) };
    assert!(trace.contains("fenced"), "{trace}");
    assert_eq!(old.cluster.log("t", 0), numbers(2));
}

#[test]
fn retriable_errors_are_waited_out() {
    let mut world = World::new(2);
    world.lines.errors = vec![error(ErrorClass::Retriable), error(ErrorClass::Retriable)];
    world.settle();
    assert_eq!(world.machine.poll_timeout(), Some(Now(100)));
    world.wait();
    assert_eq!(world.machine.poll_timeout(), Some(Now(300)));
    world.wait();
    assert_eq!(world.cluster.log("t", 0), numbers(2));
}

#[test]
fn a_full_journal_is_waited_out_and_a_stop_does_not_wait() {
    let mut world = World::new(4);
    world.cluster.refuse = vec![Error::KafkaStorageError; 2];
    world.settle();
    assert_eq!(world.cluster.log("t", 0), [""; 0]);
    world.wait();
    world.wait();
    assert_eq!(world.cluster.log("t", 0), numbers(4));
    world.cluster.refuse = vec![Error::KafkaStorageError];
    world.lines.there = 6;
    world.input(Input::Wake);
    world.settle();
    world.input(Input::Stop);
    world.settle();
    assert_eq!((world.ended, world.cluster.log("t", 0)), (Some(Ended::Stopped), numbers(4)));
}

#[test]
fn a_topic_that_was_deleted_is_made_again() {
    let mut world = World::new(1);
    world.settle();
    world.cluster.topics.remove("t");
    world.lines.there = 2;
    world.input(Input::Wake);
    world.settle();
    world.wait();
    assert_eq!(world.cluster.log("t", 0), numbers(2));
}

#[test]
fn what_cannot_pass_ends_the_task_with_a_reason() {
    let check = |prepare: fn(&mut World), reason: &str, stops: bool| {
        let mut world = World::new(2);
        prepare(&mut world);
        world.settle();
        let Some(Ended::Failed { trace }) = &world.ended else { panic!("{:?}", world.log) };
        assert!(trace.contains(reason), "{trace}");
        assert_eq!(world.log.contains(&"stop".into()), stops, "an instance that is still there is stopped");
    };
    check(|world| world.lines.errors = vec![error(ErrorClass::Fatal)], "no luck\n\tin poll\n\tcode: x", true);
    check(|world| world.lines.errors = vec![CallError::Trap("unreachable\n0: f".into())], "unreachable\n0: f", false);
    check(|world| world.cluster.refuse = vec![Error::MessageTooLarge], "refused", true);
    let damaged = |world: &mut World| {
        let key = Bytes::from_static(br#"["c",{"filename":"f"}]"#);
        world.cluster.table.insert(key, Bytes::from_static(b"{\"posi"));
    };
    check(damaged, "the offsets in topic connect-offsets cannot be read", false);
}

#[test]
fn a_record_that_cannot_be_converted_fails_the_task_or_is_left_out() {
    let run = |tolerate| {
        let primitive = Converter::new("Integer", &crate::config::ConfigMap::new()).unwrap();
        let mut world = World::over(
            Cluster::new(&[]),
            2,
            Settings {
                converters: Converters { value: primitive, ..text() },
                errors: Policy { tolerate, ..Policy::default() },
                ..settings()
            },
        );
        world.settle();
        world
    };
    let Some(Ended::Failed { trace }) = run(false).ended else { panic!("it goes on") };
    assert!(
        trace.contains("for a record for topic t\nCaused by: org.apache.kafka.connect.errors.DataException: "),
        "{trace}"
    );
    let tolerant = run(true);
    assert_eq!(tolerant.ended, None);
    assert_eq!((tolerant.cluster.log("t", 0), tolerant.cluster.table.len()), (vec![], 1));
}

#[test]
fn topics_are_created_as_the_configuration_says() {
    let config: crate::config::ConfigMap =
        [("topic.creation.default.partitions", "3"), ("topic.creation.default.replication.factor", "1")]
            .into_iter()
            .collect();
    let topic_creation = crate::config::TopicCreation::new(&config).unwrap();
    let mut world = World::over(Cluster::new(&[]), 2, Settings { topic_creation, ..settings() });
    world.settle();
    assert_eq!((world.ended, world.cluster.topics["t"]), (None, 3));
    let logged: usize = (0..3).map(|partition| world.cluster.log("t", partition).len()).sum();
    assert_eq!(logged, 2);
}

/// Lines of 0..3 with one of 400 bytes in the middle.
fn with_a_long_line(tolerate: bool) -> World {
    let errors = Policy { tolerate, log: true, log_messages: false };
    let mut world = World::over(Cluster::new(&[]), 0, Settings { errors, ..settings() });
    world.settle();
    let mut values = Blobs::default();
    [&b"0"[..], &[b'x'; 400], b"2"].into_iter().for_each(|line| values.push(Some(line)));
    let records = Batch { count: 3, topics: vec!["t".into()], value_format: Format::Text, values, ..Batch::default() };
    let offset = vec![("position".into(), Scalar::Int(3))];
    let checkpoints = vec![Checkpoint { after: 2, partition: 0, offset }];
    let batch = SourceBatch { records, partitions: vec![partition()], checkpoints, txn: Vec::new() };
    world.input(Input::Wake);
    world.call = None;
    world.input(Input::Polled { outcome: Ok(Polled::Records(batch)), state: Vec::new(), wall: 7 });
    world.settle();
    world
}

#[test]
fn a_record_that_no_topic_takes_fails_the_task_or_is_left_out() {
    let failed = with_a_long_line(false);
    let Some(Ended::Failed { trace }) = &failed.ended else { panic!("{:?}", failed.log) };
    assert!(trace.contains("Unrecoverable exception from producer send callback\nCaused by: org.apache.kafka.common.errors.RecordTooLargeException: The message is 486 bytes"), "{trace}");
    assert!(failed.log.contains(&"Counted(Reported { records: 1, tolerated: false })".into()), "{:?}", failed.log);
    let mut tolerant = with_a_long_line(true);
    assert_eq!((&tolerant.ended, tolerant.cluster.log("t", 0)), (&None, vec!["0".into(), "2".into()]));
    assert_eq!(&tolerant.cluster.table.values().next().unwrap()[..], br#"{"position":3}"#, "its offset counts");
    let log = tolerant.take_log();
    assert!(log.contains("Executing stage 'KAFKA_PRODUCE'"), "{log}");
    assert!(log.contains("Counted(Reported { records: 1, tolerated: true })"), "{log}");
}

#[test]
fn what_is_left_out_does_not_move_the_others_to_another_partition() {
    let mut values = Blobs::default();
    [&b"a"[..], b"b"].into_iter().for_each(|line| values.push(Some(line)));
    let records = Batch { count: 2, topics: vec!["t".into()], values, ..Batch::default() };
    assert_eq!(without(&records, &[0]).unwrap().partition(0), None);
}
