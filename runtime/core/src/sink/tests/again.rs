//! Records that come again into a task that lives on: a connector that keeps its place in its state writes each once.

use super::*;

/// A sink that keeps the length of its file in its state from the start on, as the file sink does, with three lines put.
fn world() -> World {
    let mut cluster = Cluster::new(&[("t", 1)]);
    cluster.fill("t", (0..2).map(|n| n.to_string()));
    let mut world = World::over(cluster, File::default(), settings());
    world.start_state = vec![("length".into(), Some(Bytes::from("0")))];
    world.effects = vec![Effect::RequestCommit];
    world.settle();
    world.wait_for("append");
    world.cluster.fill("t", ["2".to_string()].into_iter());
    world.settle();
    assert_eq!(world.file.lines, numbers(3));
    world.take_log();
    world
}

/// Goes on until everything is committed, and compares the file with the topic.
fn check(mut world: World, log: &str) {
    world.cluster.heartbeat = None;
    world.settle();
    let said = world.take_log();
    assert!(said.contains(log), "{said}");
    world.cluster.fill("t", ["3".to_string()].into_iter());
    world.settle();
    world.wait_for("append");
    world.wait_for("append");
    assert_eq!(world.file.lines, numbers(4), "{:?}", world.log);
    while world.committed() < 4 {
        world.wait();
    }
    assert_eq!((world.ended, world.cluster.state["length"].clone()), (None, Bytes::from("4")));
}

#[test]
fn a_member_that_was_forgotten_begins_anew() {
    let mut world = world();
    world.cluster.heartbeat = Some(Error::UnknownMemberId);
    world.wait_for("Heartbeat");
    check(world, "close 0, stop, warn what was put since the last commit comes again: the connector is started anew");
}

#[test]
fn a_commit_that_was_refused_before_a_rebalance() {
    for error in [Error::KafkaStorageError, Error::RebalanceInProgress, Error::IllegalGeneration] {
        let mut world = world();
        world.cluster.heartbeat = Some(Error::RebalanceInProgress);
        world.cluster.refuse = vec![error];
        world.wait_for("Heartbeat");
        check(world, "stop, warn what was put since the last commit comes again");
    }
}

#[test]
fn a_rebalance_whose_commit_went_well_leaves_the_instance_alone() {
    let mut world = world();
    world.cluster.heartbeat = Some(Error::RebalanceInProgress);
    world.wait_for("Heartbeat");
    world.cluster.heartbeat = None;
    world.settle();
    assert!(!world.take_log().contains("stop"));
}

#[test]
fn a_stop_while_it_begins_anew_is_a_stop() {
    let mut world = world();
    world.cluster.heartbeat = Some(Error::UnknownMemberId);
    while !matches!(world.call, Some(Call::Stop)) {
        if !world.step() {
            world.now = world.machine.poll_timeout().unwrap();
            world.input(Input::Tick);
        }
    }
    world.input(Input::Stop);
    world.settle();
    assert_eq!((world.committed(), world.ended), (0, Some(Ended::Stopped)));
}

#[test]
fn a_connector_without_state_gets_them_again_as_in_kafka() {
    let mut cluster = Cluster::new(&[("t", 1)]);
    cluster.fill("t", (0..2).map(|n| n.to_string()));
    let mut world = World::over(cluster, File::default(), settings());
    world.settle();
    world.take_log();
    world.cluster.heartbeat = Some(Error::UnknownMemberId);
    world.wait();
    world.cluster.heartbeat = None;
    world.settle();
    let log = world.take_log();
    assert!(log.starts_with("Heartbeat, close 0, Metadata, JoinGroup") && log.ends_with("put 0+1"), "{log}");
}
