//! Connectors that ask for what is not theirs, or for more than there is: each gets a reason, and nothing is kept of it.

use super::*;
use crate::config::settings::DeadLetterQueue;

fn other() -> TopicPartition {
    TopicPartition { topic: "not mine".into(), partition: 3 }
}

fn seek(tp: TopicPartition, offset: i64) -> Effect {
    Effect::Seek(vec![TpOffset { tp, offset }])
}

/// A task whose next put asks for this; after it has come to rest.
fn asks(effects: Vec<Effect>) -> World {
    let mut world = World::new(2);
    while !matches!(world.call, Some(Call::Put(_))) {
        world.step();
    }
    world.effects = effects;
    world.settle();
    world
}

#[test]
fn a_seek_to_nowhere_ends_the_task_with_a_reason() {
    for (effect, why) in [
        (seek(tp(0), -1), "at t-0 offset -1: an offset is not negative"),
        (seek(tp(0), i64::MIN), "an offset is not negative"),
        (seek(tp(7), 0), "at t-7 offset 0: it is not assigned"),
        (seek(other(), 5), "at not mine-3 offset 5: it is not assigned"),
    ] {
        let world = asks(vec![effect]);
        let Some(Ended::Failed { trace }) = &world.ended else { panic!("{why}: {:?}", world.ended) };
        assert!(trace.contains(why), "{trace}");
        assert_eq!(
            (world.committed(), world.cluster.members.len()),
            (-1, 0),
            "nothing is committed, the group is left"
        );
    }
}

#[test]
fn pauses_of_others_are_not_kept() {
    let many = (0..10_000).map(|partition| TopicPartition { topic: "x".into(), partition }).collect();
    let mut world = asks(vec![Effect::Pause(many), Effect::Resume(vec![other()]), Effect::Pause(vec![tp(0)])]);
    let log = world.take_log();
    assert!(log.contains("warn the connector asked to pause x-0, which is not assigned (10000 such)"), "{log}");
    assert!(log.contains("warn the connector asked to resume not mine-3"), "{log}");
    assert_eq!(world.ended, None);
    world.cluster.fill("t", ["2".to_string()].into_iter());
    world.settle();
    assert_eq!(world.file.lines, numbers(2), "its own partition is paused all the same");
}

#[test]
fn nothing_is_put_of_what_is_paused_until_it_is_resumed() {
    let mut world = World::new(9);
    while !matches!(world.call, Some(Call::Put(_))) {
        world.step();
    }
    // The next records are there already.
    while world.answer_fetch() {}
    world.effects = vec![Effect::Pause(vec![tp(0)])];
    world.settle();
    assert_eq!(world.file.lines, numbers(2));
    while world.call.is_none() {
        world.now = world.machine.poll_timeout().expect("a commit is due");
        world.input(Input::Tick);
        world.answer_group();
    }
    world.effects = vec![Effect::Resume(vec![tp(0)])];
    world.settle();
    assert_eq!(world.file.lines, numbers(9), "each once");
}

#[test]
fn a_pre_commit_of_what_is_not_there_commits_what_is() {
    let mut world = asks(Vec::new());
    let odd = |tp, offset| TpOffset { tp, offset };
    let safe = vec![odd(tp(0), -5), odd(other(), 1), odd(tp(0), 1), odd(tp(0), 99)];
    world.pre_commit = vec![Ok(Answer::PreCommit(safe))];
    world.wait_for("append");
    let log = world.take_log();
    assert!(log.contains("warn pre-commit named t-0 offset -5, which was not put (3 such)"), "{log}");
    assert_eq!((world.committed(), world.ended), (1, None));
}

#[test]
fn a_record_that_is_reported_twice_has_failed_once() {
    let queue = DeadLetterQueue { topic: "dead".into(), replication_factor: 1, context_headers: false };
    let errors = Policy { tolerate: true, ..Policy::default() };
    let settings = Settings { errors, dead_letters: Some(queue), ..settings() };
    let mut cluster = Cluster::new(&[("t", 1), ("dead", 1)]);
    cluster.fill("t", (0..2).map(|n| n.to_string()));
    let mut world = World::over(cluster, File::default(), settings);
    while !matches!(world.call, Some(Call::Put(_))) {
        world.step();
    }
    let bad = |index| {
        let CallError::Connector(error) = error(ErrorClass::BadData) else { panic!("it is one") };
        Effect::Errant(index, error)
    };
    world.effects = vec![bad(1), bad(1), bad(1), bad(9)];
    world.settle();
    world.wait_for("append");
    assert_eq!(world.cluster.log("dead", 0), ["1"]);
}

#[test]
fn state_between_two_commits_is_kept_once_per_key() {
    let mut commit = Commit::new(1_000);
    for round in 0..1_000 {
        commit.save(vec![("where".into(), Some(Bytes::from(round.to_string())))]);
    }
    assert_eq!(commit.kept_state().count(), 1);
}
