//! The herder with an edge that does what it is told, one output at a time.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use super::*;
use crate::rest::ConnectorStatus;

mod moves;
mod world;

use world::*;

#[test]
fn a_connector_is_recorded_before_it_is_started_and_its_tasks_before_they_are() {
    let mut world = World::new();
    let answer = world.put("n", SOURCE);
    assert_eq!(
        world.take_log(),
        "write connector-n, start n, write task-n-0, write task-n-1, write commit-n, start n-0, start n-1"
    );
    let Ok(Answer::Connector { created: true, info }) = answer else { panic!("{answer:?}") };
    assert_eq!(info.tasks.len(), 2);
    assert_eq!(info.config.to_java(), "{connector.class=Source, tasks.max=2, name=n}");
    assert_eq!(world.status("n"), "RUNNING: RUNNING RUNNING");
    assert_eq!(world.herder.tasks("n").unwrap()[0].config.to_java(), "{i=0, v=, task.class=T}");
    assert_eq!(
        world.status["status-task-n-1"],
        r#"{"state":"RUNNING","trace":null,"worker_id":"w:1","generation":0,"version":"1"}"#
    );
}

#[test]
fn the_same_config_restarts_the_instance_and_leaves_the_tasks_alone() {
    let mut world = World::new();
    world.put("n", SOURCE).unwrap();
    world.take_log();
    world.put("n", SOURCE).unwrap();
    assert_eq!(world.take_log(), "write connector-n, stop n, start n");
    world.put("n", "connector.class=Source tasks.max=1 v=2").unwrap();
    assert_eq!(
        world.take_log(),
        "write connector-n, stop n, start n, write task-n-0, write task-n-1, write commit-n, stop n-0, stop n-1, start n-0"
    );
    assert_eq!(world.status("n"), "RUNNING: RUNNING");
    assert!(!world.status.contains_key("status-task-n-1"), "its status is removed");
}

#[test]
fn task_configs_that_no_record_can_hold_fail_the_connector() {
    let mut world = World::new();
    let refused = world.put("n", &format!("{SOURCE} v={}", "x".repeat(1_000_000)));
    assert!(
        matches!(&refused, Err(refusal) if refusal.message.contains("a task's may have 900000 bytes")),
        "{refused:?}"
    );
    assert_eq!(world.take_log(), "write connector-n, start n, stop n");
    assert_eq!(world.status("n"), "FAILED:");
    world.put("n", &format!("{SOURCE} v={}", "x".repeat(100_000))).unwrap();
    assert_eq!(world.status("n"), "RUNNING: RUNNING RUNNING");
}

fn request(word: &str) -> Operation {
    match word {
        "start" => target("n", TargetState::Started),
        "pause" => target("n", TargetState::Paused),
        "stop" => target("n", TargetState::Stopped),
        "restart" => restart("n", false, false),
        "restart-all" => restart("n", true, false),
        "put" => put("n", "connector.class=Source v=2", Origin::Rest),
        "put-bad" => put("n", "connector.class=Source fails=1", Origin::Rest),
        "delete" => Operation::Delete("n".into()),
        other => panic!("no request is called {other}"),
    }
}

/// What each request makes of each state. The tasks' states stand behind the connector's.
#[test]
fn transitions() {
    let check = |requests: &str, expected: &str| {
        let mut world = World::new();
        world.put("n", "connector.class=Source").unwrap();
        requests.split(' ').for_each(|word| drop(world.run(request(word))));
        assert_eq!(world.status("n"), expected, "{requests}");
    };
    check("pause", "PAUSED: PAUSED");
    check("stop", "STOPPED:");
    check("start", "RUNNING: RUNNING");
    check("pause start", "RUNNING: RUNNING");
    check("pause stop", "STOPPED:");
    check("pause pause", "PAUSED: PAUSED");
    check("pause restart", "PAUSED: PAUSED");
    check("pause restart-all", "PAUSED: PAUSED");
    check("pause put", "PAUSED: PAUSED");
    check("stop start", "RUNNING: RUNNING");
    check("stop pause", "PAUSED:");
    check("stop pause start", "RUNNING: RUNNING");
    check("stop restart-all", "STOPPED:");
    check("stop put", "STOPPED:");
    check("restart-all", "RUNNING: RUNNING");
    check("put-bad", "FAILED: RUNNING");
    check("delete", "absent");
    check("stop delete", "absent");
}

#[test]
fn a_failed_connector_ignores_pause_and_resume_until_it_is_restarted() {
    let mut world = World::new();
    let refusal = world.put("n", "connector.class=Source fails=1").unwrap_err();
    assert_eq!((refusal.kind, refusal.message.as_str()), (RefusalKind::Failed, "Failed to start connector: n: no"));
    assert_eq!(world.herder.status("n").unwrap().connector.trace.as_deref(), Some("no\n\tat x"));
    for to in [TargetState::Paused, TargetState::Started] {
        world.run(target("n", to)).unwrap();
        assert_eq!(world.status("n"), "FAILED:");
    }
    assert_eq!(world.run(restart("n", false, false)).unwrap_err().kind, RefusalKind::Failed);
    world.run(target("n", TargetState::Stopped)).unwrap();
    assert_eq!(world.status("n"), "STOPPED:");
    world.put("n", "connector.class=Source").unwrap();
    world.run(target("n", TargetState::Started)).unwrap();
    assert_eq!(world.status("n"), "RUNNING: RUNNING");
}

#[test]
fn a_failed_task_stays_so_until_it_is_restarted() {
    let mut world = World::new();
    world.put("n", SOURCE).unwrap();
    world.fail_task("n", 1);
    assert_eq!(world.status("n"), "RUNNING: RUNNING FAILED");
    assert_eq!(world.herder.status("n").unwrap().tasks[1].trace.as_deref(), Some("trap\n\tat 0"));
    assert!(world.status["status-task-n-1"].contains(r#""trace":"trap\n\tat 0""#));
    world.run(target("n", TargetState::Paused)).unwrap();
    assert_eq!(world.status("n"), "PAUSED: PAUSED FAILED");
    world.run(target("n", TargetState::Started)).unwrap();
    world.take_log();
    let id = world.ask(Operation::RestartTask(TaskId { connector: "n".into(), task: 1 }));
    assert_eq!(world.status("n"), "RUNNING: RUNNING UNASSIGNED", "the failure is over");
    world.settle();
    assert_eq!(world.replies[&id], Ok(Answer::Done));
    assert_eq!(world.take_log(), "start n-1");
    assert_eq!(world.status("n"), "RUNNING: RUNNING RUNNING");
    assert_eq!(world.herder.status("n").unwrap().tasks[1].trace, None);
}

#[test]
fn a_restart_with_parameters_shows_what_it_will_do() {
    let mut world = World::new();
    world.put("n", SOURCE).unwrap();
    world.fail_task("n", 0);
    let states = |answer| match answer {
        Ok(Answer::Restarting(status)) => {
            let tasks: Vec<_> = status.tasks.into_iter().map(|task| task.state).collect();
            format!("{}: {}", status.connector.state, tasks.join(" "))
        }
        other => panic!("{other:?}"),
    };
    world.take_log();
    assert_eq!(states(world.run(restart("n", true, true))), "RUNNING: RESTARTING RUNNING");
    assert_eq!(world.take_log(), "start n-0");
    assert_eq!(states(world.run(restart("n", false, true))), "RUNNING: RUNNING RUNNING");
    assert_eq!(world.take_log(), "");
    assert_eq!(states(world.run(restart("n", true, false))), "RESTARTING: RESTARTING RESTARTING");
    assert_eq!(world.take_log(), "stop n, stop n-0, stop n-1, start n, start n-0, start n-1");
    assert_eq!(world.status("n"), "RUNNING: RUNNING RUNNING");
}

#[test]
fn refusals() {
    let mut world = World::new();
    world.put("n", "connector.class=Source").unwrap();
    let mut check = |operation, kind, message: &str| {
        let refusal = world.run(operation).unwrap_err();
        assert_eq!((refusal.kind, refusal.message.as_str()), (kind, message));
    };
    let no_replace = Operation::Put {
        connector: "n".into(),
        config: config("connector.class=Source"),
        origin: Origin::Rest,
        replace: false,
        initial_state: None,
    };
    check(no_replace, RefusalKind::Conflict, "Connector n already exists");
    check(put("m", "bad=1", Origin::Rest), RefusalKind::BadRequest, "bad");
    check(target("x", TargetState::Paused), RefusalKind::NotFound, "Unknown connector x");
    check(target("x", TargetState::Stopped), RefusalKind::Failed, "No connector `x` configured");
    check(Operation::Delete("x".into()), RefusalKind::NotFound, "Connector x not found");
    check(restart("x", false, false), RefusalKind::Failed, "Connector x not found");
    check(restart("x", true, false), RefusalKind::NotFound, "Unknown connector: x");
    let task = TaskId { connector: "n".into(), task: 7 };
    check(Operation::RestartTask(task), RefusalKind::NotFound, "Task n-7 not found");
    let reset = |name: &str| Operation::Offsets { connector: name.into(), action: OffsetsAction::Reset };
    check(reset("x"), RefusalKind::NotFound, "Connector x not found");
    let message = "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for \
                   the specified connector by issuing a 'PUT' request to the '/connectors/n/stop' endpoint";
    check(reset("n"), RefusalKind::BadRequest, message);
    world.run(target("n", TargetState::Stopped)).unwrap();
    assert_eq!(world.run(reset("n")), Ok(Answer::Message("Reset".into())));
}

#[test]
fn a_write_that_fails_changes_nothing() {
    let mut world = World::new();
    world.writes_fail = true;
    let refusal = world.put("n", SOURCE).unwrap_err();
    assert_eq!(refusal.message, "Failed to write to the config topic: no space");
    assert_eq!((world.status("n").as_str(), world.take_log().as_str()), ("absent", ""));
}

#[test]
fn task_configs_that_could_not_be_written_are_written_later() {
    let mut world = World::new();
    let id = world.ask(put("n", SOURCE, Origin::Rest));
    while !world.log.iter().any(|line| line == "start n") {
        world.step(0);
    }
    world.writes_fail = true;
    world.settle();
    assert_eq!((world.status("n").as_str(), world.replies.get(&id)), ("RUNNING:", None));
    world.writes_fail = false;
    world.now = world.herder.poll_timeout().expect("it tries again");
    world.input(Input::Tick);
    world.settle();
    assert!(matches!(world.replies[&id], Ok(Answer::Connector { .. })));
    assert_eq!(world.status("n"), "RUNNING: RUNNING RUNNING");
}

#[test]
fn a_request_is_answered_late_rather_than_never() {
    let mut world = World::new();
    let id = world.ask(put("n", SOURCE, Origin::Rest));
    world.now = world.herder.poll_timeout().unwrap();
    world.input(Input::Tick);
    world.settle();
    let refusal = world.replies[&id].clone().unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::TimedOut);
    assert_eq!(world.status("n"), "RUNNING: RUNNING RUNNING", "the work goes on");
}

#[test]
fn files_are_the_truth_for_their_connectors_at_each_start() {
    let mut world = World::new();
    for name in ["a", "b", "c"] {
        world.run(put(name, "connector.class=Source", Origin::File)).unwrap();
    }
    world.put("r", "connector.class=Source").unwrap();
    world.run(target("a", TargetState::Paused)).unwrap();
    let mut again = World::with(world.table, &["a", "b"]);
    again.settle();
    assert_eq!(again.herder.names(), ["a", "b", "r"], "c is not named");
    assert_eq!((again.status("a"), again.status("b")), ("PAUSED: UNASSIGNED".into(), "UNASSIGNED: UNASSIGNED".into()));
    assert_eq!(again.status("r"), "RUNNING: RUNNING");
    again.take_log();
    again.run(put("a", "connector.class=Source", Origin::File)).unwrap();
    assert_eq!(again.status("a"), "PAUSED: PAUSED", "the target state is kept");
    again.take_log();
    again.run(put("b", "connector.class=Source v=2", Origin::File)).unwrap();
    assert_eq!(
        again.take_log(),
        "write connector-b, start b, write task-b-0, write commit-b, start b-0",
        "no task runs with the old file's config"
    );
}

#[test]
fn what_an_earlier_life_left_in_the_status_topic_is_removed() {
    let mut world = World::new();
    world.put("n", "connector.class=Source").unwrap();
    let mut herder = Herder::new(world.herder.settings.clone());
    let record = |key: &str, value: &str| TopicRecord { key: key.into(), value: Some(value.into()) };
    herder.load_status(vec![record("status-task-gone-0", "{}")]);
    herder.handle(Now(0), Input::Start { named: BTreeSet::new() });
    let Some(Output::WriteStatus(records)) = herder.poll_output() else { panic!("no tombstone") };
    assert_eq!(records, [TopicRecord { key: "status-task-gone-0".into(), value: None }]);
}

#[test]
fn topics_are_written_once_and_forgotten_on_demand() {
    let mut world = World::new();
    world.put("n", SOURCE).unwrap();
    let used =
        |topic: &str| Input::TopicUsed { task: TaskId { connector: "n".into(), task: 0 }, topic: topic.into(), at: 7 };
    for topic in ["t", "u", "t"] {
        world.input(used(topic));
    }
    world.settle();
    assert_eq!(world.herder.topics("n"), ["t", "u"]);
    assert!(world.status.contains_key("status-topic-t:connector-n"));
    world.run(Operation::ResetTopics("n".into())).unwrap();
    assert_eq!(world.herder.topics("n"), [""; 0]);
    assert!(!world.status.keys().any(|key| key.starts_with("status-topic")));
}

#[test]
fn too_many_tasks_are_a_failure_of_the_connector() {
    let mut world = World::new();
    world.put("n", "connector.class=Source").unwrap();
    let run = world.connectors.keys().next().unwrap().1;
    let tasks = vec![ConfigMap::new(); 2];
    world.input(Input::ConnectorStarted { connector: "n".into(), run, tasks });
    world.settle();
    assert_eq!(world.status("n"), "FAILED: RUNNING");
    assert!(world.herder.status("n").unwrap().connector.trace.unwrap().contains("greater than 1"));
}

#[test]
fn stopping_the_worker_stops_everything() {
    let mut world = World::new();
    world.put("n", SOURCE).unwrap();
    world.put("m", "connector.class=Sink topics=t").unwrap();
    world.input(Input::Stop);
    world.settle();
    assert!(world.herder.is_idle() && world.tasks.is_empty() && world.connectors.is_empty());
    assert_eq!(world.status("n"), "UNASSIGNED: UNASSIGNED UNASSIGNED");
    assert_eq!(world.put("x", SOURCE).unwrap_err().message, "The worker is shutting down");
}
