//! The sink loop with a connector that writes a file, and a cluster, either of which can be killed.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    sync::Arc,
    vec,
    vec::Vec,
};
use broker_core::{
    error::Error,
    request::{Fetch, Request},
};
use bytes::Bytes;

use super::*;
use crate::{
    config::ConfigMap,
    consumer::{FetchId, Fetched},
    convert::Converter,
    errors::Policy,
    exchange::{ConnectorError, ErrorClass, PutFailure, TpOffset},
    fake::{self, Cluster, text},
    herder::TaskId,
    record::Batch,
    task::{CallError, StateChange},
    transform::{Chain, Converters},
};

mod again;
mod dead;
mod hostile;
mod world;

use world::*;

#[test]
fn the_order_of_effects() {
    let mut world = World::new(3);
    world.settle();
    assert_eq!(
        world.take_log(),
        "Metadata, start, Running, JoinGroup, Metadata, SyncGroup, OffsetFetch, ListOffsets, TopicUsed(\"t\"), open 0, put 0+1, put 2"
    );
    assert_eq!(world.committed(), -1);
    world.wait_for("append");
    assert_eq!((world.committed(), world.cluster.state["length"].clone()), (3, Bytes::from("3")));
    world.take_log();
    world.input(Input::Stop);
    world.settle();
    assert_eq!(world.take_log(), "close 0, stop, LeaveGroup", "what is committed is not committed again");
    assert_eq!((world.ended, world.cluster.members.len()), (Some(Ended::Stopped), 0));
}

#[test]
fn a_stop_commits_what_was_put_before_it_closes() {
    let mut world = World::new(3);
    world.settle();
    world.take_log();
    world.input(Input::Stop);
    world.settle();
    assert_eq!(world.take_log(), "pre-commit 3, append, close 0, stop, LeaveGroup");
    assert_eq!((world.committed(), world.ended), (3, Some(Ended::Stopped)));
}

#[test]
fn a_stop_at_any_moment_leaves_file_and_offsets_in_step() {
    for steps in 0..40 {
        let mut world = World::new(7);
        for step in 0..steps {
            match step % 4 {
                0 => world.finish_call(),
                1 => world.answer_task(),
                2 => world.answer_group(),
                _ => world.answer_fetch(),
            };
        }
        world.input(Input::Stop);
        world.settle();
        assert_eq!(world.ended, Some(Ended::Stopped), "after {steps} steps");
        assert_eq!(world.committed().max(0) as usize, world.file.lines.len(), "after {steps} steps");
    }
}

/// Kills the task after every number of steps, again and again, and lets the last one finish: every record is there once.
#[test]
fn a_kill_between_any_two_effects_loses_and_repeats_nothing() {
    for steps in 1..60 {
        for order in 0..4 {
            let mut cluster = Cluster::new(&[("t", 1)]);
            cluster.fill("t", (0..11).map(|n| n.to_string()));
            let mut file = File::default();
            for _ in 0..5 {
                let mut world = World::over(cluster, file, Settings { commit_ms: 0, ..settings() });
                for step in 0..steps {
                    match (step + order) % 4 {
                        0 => world.finish_call(),
                        1 => world.answer_task(),
                        2 => world.answer_group(),
                        _ => world.answer_fetch(),
                    };
                }
                // A commit may be on its way to the broker when the process is killed, and arrive or not.
                if order % 2 == 0
                    && let Some(request) = world.task.take()
                {
                    world.cluster.ask(request);
                }
                (cluster, file) = (world.cluster, world.file);
            }
            let mut last = World::over(cluster, file, settings());
            last.settle();
            assert_eq!(last.file.lines, numbers(11), "killed after {steps} steps in order {order}");
        }
    }
}

#[test]
fn the_next_records_are_fetched_while_the_last_ones_are_put_and_no_further() {
    let mut world = World::new(100);
    while !matches!(world.call, Some(Call::Put(_))) {
        world.step();
    }
    while world.answer_fetch() {}
    let fetched = world.machine.consumer.positions()[&tp(0)];
    assert_eq!(fetched, 4, "two being put, two held ready");
}

#[test]
fn a_retriable_put_gets_the_same_records_again() {
    let mut world = World::new(3);
    world.put = vec![Err(error(ErrorClass::Retriable)), Err(error(ErrorClass::Retriable))];
    world.settle();
    assert_eq!(world.machine.poll_timeout(), Some(Now(170)));
    assert_eq!(world.file.lines, numbers(0));
    world.wait();
    world.effects = vec![Effect::RetryAfter(5)];
    assert_eq!(world.machine.poll_timeout(), Some(Now(340)));
    world.wait();
    assert_eq!(world.file.lines, numbers(3));
}

#[test]
fn a_stop_does_not_wait_for_a_retry() {
    let mut world = World::new(3);
    world.put = vec![Ok(Answer::Put(Vec::new())), Err(error(ErrorClass::Retriable))];
    world.settle();
    world.input(Input::Stop);
    world.settle();
    assert_eq!((world.committed(), world.ended), (2, Some(Ended::Stopped)));
}

#[test]
fn what_cannot_pass_ends_the_task_and_commits_nothing() {
    let check = |prepare: fn(&mut World), reason: &str, stops: bool| {
        let mut world = World::new(2);
        prepare(&mut world);
        world.settle();
        if world.ended.is_none() {
            world.wait_for("pre-commit");
        }
        let Some(Ended::Failed { trace }) = &world.ended else { panic!("{:?}", world.log) };
        assert!(trace.contains(reason), "{trace}");
        assert_eq!(world.log.contains(&"stop".into()), stops);
        assert_eq!((world.committed(), world.cluster.members.len()), (-1, 0));
    };
    check(|world| world.put = vec![Err(error(ErrorClass::Fatal))], "no luck\n\tin put\n\tcode: x", true);
    check(|world| world.put = vec![Err(CallError::Trap("unreachable".into()))], "unreachable", false);
    check(|world| world.pre_commit = vec![Err(error(ErrorClass::Fatal))], "in pre-commit", true);
    let failure = || PutFailure {
        index: 1,
        error: ConnectorError {
            class: ErrorClass::BadData,
            code: "x".into(),
            message: "bad line".into(),
            retry_after_ms: None,
            attrs: Vec::new(),
        },
    };
    let mut world = World::new(2);
    world.put = vec![Ok(Answer::Put(vec![failure()]))];
    world.settle();
    assert!(matches!(&world.ended, Some(Ended::Failed { trace }) if trace.contains("bad line")));
    let mut world = World::new(2);
    world.machine.settings.errors.tolerate = true;
    world.put = vec![Ok(Answer::Put(vec![failure()]))];
    world.settle();
    assert_eq!(world.ended, None);
    world.wait_for("append");
    assert_eq!(world.committed(), 2);
}

#[test]
fn a_pre_commit_that_may_pass_rewinds_to_what_is_committed() {
    let mut world = World::new(3);
    world.pre_commit = vec![Err(error(ErrorClass::Retriable))];
    world.settle();
    world.take_log();
    world.wait_for("pre-commit");
    assert!(world.take_log().ends_with("put 0+1, put 2"), "put again");
    world.wait_for("append");
    assert_eq!(world.committed(), 3);
}

#[test]
fn state_that_is_asked_to_be_committed_goes_before_the_first_record() {
    let mut world = World::new(3);
    world.start_state = vec![("length".into(), Some(Bytes::from("0")))];
    world.effects = vec![Effect::RequestCommit];
    world.settle();
    let log = world.take_log();
    assert!(log.ends_with("open 0, pre-commit 0, append, put 0+1, put 2"), "{log}");
    assert_eq!((world.committed(), world.cluster.state["length"].clone()), (0, Bytes::from("0")));
}

#[test]
fn an_empty_pre_commit_commits_nothing() {
    let mut world = World::new(3);
    world.pre_commit = vec![Ok(Answer::PreCommit(Vec::new()))];
    world.settle();
    world.wait_for("pre-commit");
    assert_eq!(world.committed(), -1);
    assert!(world.log.contains(&"Counted(CommitSkipped)".into()), "{:?}", world.log);
    world.wait_for("append");
    assert_eq!(world.committed(), 3);
}

#[test]
fn only_what_was_put_is_committed() {
    let mut world = World::new(3);
    let too_much = vec![TpOffset { tp: tp(0), offset: 9 }, TpOffset { tp: tp(7), offset: 1 }];
    world.pre_commit = vec![Ok(Answer::PreCommit(too_much))];
    world.settle();
    world.wait_for("pre-commit");
    assert_eq!(world.committed(), -1);
    let warning = "warn pre-commit named t-0 offset 9, which was not put (2 such): it is not committed";
    assert!(world.log.contains(&warning.into()), "{:?}", world.log);
}

#[test]
fn a_full_journal_is_waited_out() {
    let mut world = World::new(3);
    world.cluster.refuse = vec![Error::KafkaStorageError; 2];
    world.settle();
    world.wait_for("append");
    assert_eq!(world.committed(), -1);
    while world.committed() < 0 {
        world.wait();
    }
    assert_eq!((world.committed(), world.cluster.state["length"].clone()), (3, Bytes::from("3")));
}

#[test]
fn pause_commits_and_resume_goes_on() {
    let mut world = World::new(2);
    world.settle();
    world.take_log();
    world.input(Input::Pause);
    world.settle();
    assert_eq!(world.take_log(), "pre-commit 2, append, Paused");
    world.cluster.fill("t", ["2".to_string()].into_iter());
    world.settle();
    assert_eq!(world.file.lines, numbers(2));
    world.wait_for("Heartbeat");
    world.input(Input::Resume);
    world.settle();
    assert_eq!(world.file.lines, numbers(3));
}

#[test]
fn a_rebalance_commits_closes_and_joins_again() {
    let mut world = World::new(3);
    world.settle();
    world.take_log();
    world.cluster.heartbeat = Some(Error::RebalanceInProgress);
    world.wait();
    world.cluster.heartbeat = None;
    assert_eq!(
        world.take_log(),
        "Heartbeat, pre-commit 3, append, close 0, Metadata, JoinGroup, Metadata, SyncGroup, OffsetFetch, open 0"
    );
    world.cluster.fill("t", ["3".to_string()].into_iter());
    world.settle();
    assert_eq!(world.file.lines, numbers(4));
}

#[test]
fn a_member_that_was_forgotten_closes_without_a_commit() {
    let mut world = World::new(3);
    world.settle();
    world.take_log();
    world.cluster.heartbeat = Some(Error::UnknownMemberId);
    world.wait();
    world.cluster.heartbeat = None;
    assert!(world.take_log().starts_with("Heartbeat, close 0, Metadata, JoinGroup"));
}

#[test]
fn new_partitions_are_found() {
    let mut world = World::new(1);
    world.settle();
    world.cluster.topics.insert("t".into(), 2);
    world.take_log();
    world.wait_for("open 0+1");
    assert_eq!(world.committed(), 1);
}

#[test]
fn a_pattern_finds_new_topics() {
    let config: ConfigMap = [("name", "c"), ("connector.class", "X"), ("topics.regex", "t.*")].into_iter().collect();
    let worker = crate::config::settings::ConverterSettings { class: "String".into(), settings: ConfigMap::new() };
    let read =
        crate::config::ConnectorSettings::new(&config, crate::plugin::Role::Sink, &worker, &worker, &worker).unwrap();
    let mut settings = settings();
    settings.consumer.topics = read.topics;
    let mut world = World::over(Cluster::new(&[]), File::default(), settings);
    world.settle();
    world.cluster.topics.insert("tx".into(), 1);
    world.cluster.logs.insert(TopicPartition { topic: "tx".into(), partition: 0 }, vec!["a".into()]);
    world.wait_for("put a");
}

#[test]
fn a_seek_is_followed() {
    let mut world = World::new(5);
    world.effects = vec![];
    world.settle();
    world.take_log();
    world.cluster.fill("t", ["5".to_string()].into_iter());
    while !matches!(world.call, Some(Call::Put(_))) {
        world.step();
    }
    world.effects = vec![Effect::Seek(vec![TpOffset { tp: tp(0), offset: 1 }])];
    world.settle();
    assert_eq!(world.take_log(), "put 5, put 1+2, put 3+4, put 5");
}

#[test]
fn records_that_cannot_be_read_fail_the_task() {
    let mut world = World::new(1);
    while world.fetch.is_none() {
        world.step();
    }
    let (id, _) = world.fetch.take().unwrap();
    world.input(Input::Fetched(id, Err("checksum".into())));
    world.settle();
    assert!(matches!(&world.ended, Some(Ended::Failed { trace }) if trace.contains("checksum")));
}

#[test]
fn out_of_range_begins_at_the_earliest() {
    let mut world = World::new(3);
    world.cluster.committed = BTreeMap::from([(tp(0), 9)]);
    while world.fetch.is_none() {
        world.step();
    }
    let (id, _) = world.fetch.take().unwrap();
    let errors = vec![(tp(0), Error::OffsetOutOfRange)];
    world.input(Input::Fetched(id, Ok(Fetched { errors, ..Fetched::default() })));
    world.settle();
    world.wait();
    assert_eq!(world.file.lines, numbers(3));
}

#[test]
fn values_are_shared_with_the_call_and_not_copied() {
    let mut world = World::new(2);
    while !matches!(world.call, Some(Call::Put(_))) {
        world.step();
    }
    let Some(Call::Put(records)) = &world.call else { panic!("a put") };
    assert_eq!(Arc::strong_count(records), 2);
}
