//! The herder with an edge that does what it is told, one output at a time.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use proptest::prelude::*;

use super::*;
use crate::rest::ConnectorStatus;

/// The edge, the internal topics and everything that runs.
struct World {
    herder: Herder,
    now: Now,
    table: BTreeMap<String, String>,
    status: BTreeMap<String, String>,
    todo: VecDeque<Output>,
    connectors: BTreeMap<(String, Run), ConfigMap>,
    tasks: BTreeMap<(TaskId, Run), StartTask>,
    replies: BTreeMap<u64, Result<Answer, Refusal>>,
    next_request: u64,
    writes_fail: bool,
    log: Vec<String>,
}

impl World {
    fn new() -> World {
        World::with(BTreeMap::new(), &[])
    }

    /// A worker that starts with these configs recorded and these files named.
    fn with(table: BTreeMap<String, String>, named: &[&str]) -> World {
        let class = |direction| vec![Class { direction, version: "1".into(), task_class: "T".into() }];
        let catalogue = [("Source".into(), class(Direction::Source)), ("Sink".into(), class(Direction::Sink))];
        let settings = Settings { worker_id: "w:1".into(), catalogue: catalogue.into(), request_timeout_ms: 90_000 };
        let mut herder = Herder::new(settings);
        let record = |(key, value): (&String, &String)| TopicRecord { key: key.clone(), value: Some(value.clone()) };
        assert_eq!(herder.load_configs(table.iter().map(record).collect()), []);
        let mut world = World {
            herder,
            now: Now(0),
            table,
            status: BTreeMap::new(),
            todo: VecDeque::new(),
            connectors: BTreeMap::new(),
            tasks: BTreeMap::new(),
            replies: BTreeMap::new(),
            next_request: 0,
            writes_fail: false,
            log: Vec::new(),
        };
        world.input(Input::Start { named: named.iter().map(|name| name.to_string()).collect() });
        world
    }

    fn input(&mut self, input: Input) {
        self.herder.handle(self.now, input);
        while let Some(output) = self.herder.poll_output() {
            self.todo.push_back(output);
        }
    }

    fn ask(&mut self, operation: Operation) -> u64 {
        self.next_request += 1;
        self.input(Input::Request { id: RequestId(self.next_request), operation });
        self.next_request
    }

    /// Asks, and does everything until nothing is left to do.
    fn run(&mut self, operation: Operation) -> Result<Answer, Refusal> {
        let id = self.ask(operation);
        self.settle();
        self.replies.remove(&id).expect("an answer")
    }

    fn settle(&mut self) {
        for _ in 0..10_000 {
            if !self.step(0) {
                return;
            }
        }
        panic!("the herder never comes to rest: {:#?}", self.log);
    }

    /// Does one of the things to do: the first one that has the same subject as the `pick`th.
    fn step(&mut self, pick: usize) -> bool {
        if self.todo.is_empty() {
            return false;
        }
        let subject = subject(&self.todo[pick % self.todo.len()]);
        let first = self.todo.iter().position(|output| self::subject(output) == subject).unwrap();
        let output = self.todo.remove(first).unwrap();
        self.execute(output);
        true
    }

    fn execute(&mut self, output: Output) {
        match output {
            Output::Validate { id, config, .. } => {
                let refusal = Refusal::new(RefusalKind::BadRequest, "bad");
                let outcome = if config.contains("bad") { Err(refusal) } else { Ok(()) };
                self.input(Input::Validated { id, outcome });
            }
            Output::WriteConfigs { write, .. } if self.writes_fail => {
                self.input(Input::WriteFailed { write, reason: "no space".into() });
            }
            Output::WriteConfigs { write, records } => {
                for TopicRecord { key, value } in records {
                    self.log.push(format!("write {key}"));
                    match value {
                        Some(value) => self.table.insert(key, value),
                        None => self.table.remove(&key),
                    };
                }
                self.input(Input::Written(write));
            }
            Output::WriteStatus(records) => {
                for TopicRecord { key, value } in records {
                    match value {
                        Some(value) => self.status.insert(key, value),
                        None => self.status.remove(&key),
                    };
                }
            }
            Output::StartConnector { connector, run, config, max_tasks, .. } => {
                assert!(self.connectors.keys().all(|(name, _)| *name != connector), "two instances of {connector}");
                self.log.push(format!("start {connector}"));
                if config.contains("fails") {
                    return self.input(Input::ConnectorFailed { connector, run, trace: "no\n\tat x".into() });
                }
                let tasks = (0..max_tasks)
                    .map(|i| [("i", i.to_string()), ("v", config.get("v").unwrap_or("").into())].into_iter().collect());
                self.connectors.insert((connector.clone(), run), config.clone());
                self.input(Input::ConnectorStarted { connector, run, tasks: tasks.collect() });
            }
            Output::StopConnector { connector, run } => {
                self.log.push(format!("stop {connector}"));
                self.connectors.remove(&(connector.clone(), run));
                self.input(Input::ConnectorStopped { connector, run });
            }
            Output::StartTask(start) => {
                let (task, run) = (start.task.clone(), start.run);
                assert!(self.tasks.keys().all(|(id, _)| *id != task), "two runs of {task}");
                self.log.push(format!("start {task}"));
                let paused = start.paused;
                self.tasks.insert((task.clone(), run), start);
                self.input(match paused {
                    true => Input::TaskPaused { task, run },
                    false => Input::TaskRunning { task, run },
                });
            }
            Output::StopTask { task, run } => {
                self.log.push(format!("stop {task}"));
                self.tasks.remove(&(task.clone(), run));
                self.input(Input::TaskStopped { task, run });
            }
            Output::PauseTask { task, run } => {
                self.log.push(format!("pause {task}"));
                self.input(Input::TaskPaused { task, run });
            }
            Output::ResumeTask { task, run } => {
                self.log.push(format!("resume {task}"));
                self.input(Input::TaskRunning { task, run });
            }
            Output::Offsets { id, action, .. } => {
                let answer = Answer::Message(format!("{action:?}"));
                self.input(Input::Offsets { id, outcome: Ok(answer) });
            }
            Output::Reply { id, outcome } => {
                assert!(self.replies.insert(id.0, outcome).is_none(), "answered twice");
            }
        }
    }

    fn put(&mut self, name: &str, config: &str) -> Result<Answer, Refusal> {
        self.run(put(name, config, Origin::Rest))
    }

    fn fail_task(&mut self, name: &str, i: u32) {
        let id = TaskId { connector: name.into(), task: i };
        let key = self.tasks.keys().find(|(task, _)| *task == id).cloned().expect("a running task");
        self.tasks.remove(&key);
        self.input(Input::TaskFailed { task: key.0, run: key.1, trace: "trap\n\tat 0".into() });
        self.settle();
    }

    /// E.g. `RUNNING: RUNNING PAUSED`.
    fn status(&self, name: &str) -> String {
        let Some(ConnectorStatus { connector, tasks, .. }) = self.herder.status(name) else {
            return "absent".into();
        };
        let tasks: Vec<_> = tasks.iter().map(|task| task.state.as_str()).collect();
        format!("{}:{}", connector.state, tasks.iter().map(|state| format!(" {state}")).collect::<String>())
    }

    fn take_log(&mut self) -> String {
        core::mem::take(&mut self.log).join(", ")
    }
}

/// Outputs about the same thing are done in order.
fn subject(output: &Output) -> String {
    match output {
        Output::StartConnector { connector, .. } | Output::StopConnector { connector, .. } => connector.clone(),
        Output::StartTask(StartTask { task, .. })
        | Output::StopTask { task, .. }
        | Output::PauseTask { task, .. }
        | Output::ResumeTask { task, .. } => task.to_string(),
        Output::WriteStatus(_) => "status".into(),
        Output::Validate { id, .. } | Output::Offsets { id, .. } | Output::Reply { id, .. } => {
            format!("{id:?}")
        }
        Output::WriteConfigs { .. } => "configs".into(),
    }
}

fn config(text: &str) -> ConfigMap {
    text.split_whitespace().filter_map(|pair| pair.split_once('=')).collect()
}

fn put(name: &str, text: &str, origin: Origin) -> Operation {
    let config = config(text);
    Operation::Put { connector: name.into(), config, origin, replace: true, initial_state: None }
}

fn target(name: &str, target: TargetState) -> Operation {
    Operation::SetTarget { connector: name.into(), target }
}

fn restart(name: &str, include_tasks: bool, only_failed: bool) -> Operation {
    Operation::Restart { connector: name.into(), include_tasks, only_failed }
}

const SOURCE: &str = "connector.class=Source tasks.max=2";

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

#[derive(Clone, Debug)]
enum Move {
    Ask(Operation),
    Step(usize),
    FailTask(usize),
    FailConnector(usize),
    Writes(bool),
    Kill,
}

fn any_move() -> impl Strategy<Value = Move> {
    let name = prop_oneof![Just("a"), Just("b")];
    let operation = (name, 0..10u32, any::<bool>(), any::<bool>()).prop_map(|(name, kind, one, two)| match kind {
        0 | 1 => put(name, if one { SOURCE } else { "connector.class=Sink topics=t v=2" }, Origin::Rest),
        2 => put(name, "connector.class=Source fails=1", Origin::File),
        3 => Operation::Delete(name.into()),
        4 => target(name, TargetState::Paused),
        5 => target(name, TargetState::Started),
        6 => target(name, TargetState::Stopped),
        7 => restart(name, one, two),
        8 => Operation::RestartTask(TaskId { connector: name.into(), task: one as u32 }),
        _ => Operation::Patch { connector: name.into(), patch: vec![("v".into(), one.then(|| "3".into()))] },
    });
    prop_oneof![
        4 => operation.prop_map(Move::Ask),
        8 => (0..4usize).prop_map(Move::Step),
        1 => any::<usize>().prop_map(Move::FailTask),
        1 => any::<usize>().prop_map(Move::FailConnector),
        1 => any::<bool>().prop_map(Move::Writes),
        1 => Just(Move::Kill),
    ]
}

proptest! {
    /// `World::execute` asserts on the way that nothing ever runs twice.
    #[test]
    fn any_sequence_ends_with_every_wanted_task_owned_once(moves in prop::collection::vec(any_move(), 0..80)) {
        let mut world = World::new();
        for step in moves {
            match step {
                Move::Ask(operation) => drop(world.ask(operation)),
                Move::Step(pick) => drop(world.step(pick)),
                Move::Writes(fail) => world.writes_fail = fail,
                Move::Kill => world = World::with(world.table, &[]),
                Move::FailTask(pick) => {
                    let Some((task, run)) = pick_key(&world.tasks, pick) else { continue };
                    world.tasks.remove(&(task.clone(), run));
                    world.input(Input::TaskFailed { task, run, trace: "trap".into() });
                }
                Move::FailConnector(pick) => {
                    let Some((connector, run)) = pick_key(&world.connectors, pick) else { continue };
                    world.connectors.remove(&(connector.clone(), run));
                    world.input(Input::ConnectorFailed { connector, run, trace: "raised".into() });
                }
            }
        }
        world.writes_fail = false;
        world.settle();
        world.now = world.now.plus(RETRY_MS);
        world.input(Input::Tick);
        world.settle();
        prop_assert_eq!(world.replies.len() as u64, world.next_request, "every request is answered");
        for name in world.herder.names() {
            let status = world.herder.status(&name).unwrap();
            for task in world.herder.tasks(&name).unwrap() {
                let state = &status.tasks[task.id.task as usize].state;
                let runs = world.tasks.iter().filter(|((id, _), _)| *id == task.id).collect::<Vec<_>>();
                match runs.as_slice() {
                    [(_, run)] => {
                        prop_assert_eq!(&run.config, &task.config);
                        prop_assert!(state == "RUNNING" || state == "PAUSED", "{}", state);
                    }
                    [] => prop_assert_eq!(state, "FAILED"),
                    _ => prop_assert!(false, "owned twice"),
                }
            }
            let shown = &status.connector.state;
            let instances = world.connectors.keys().filter(|(of, _)| *of == name).count();
            prop_assert_eq!(instances == 1, shown == "RUNNING", "{}", shown);
        }
        let wanted: usize = world.herder.names().iter().map(|name| world.herder.tasks(name).unwrap().len()).sum();
        prop_assert!(world.tasks.len() <= wanted, "a task runs that nobody wants");
        // A worker that starts from the records alone comes to the same wants.
        let again = World::with(world.table.clone(), &[]);
        for name in again.herder.names() {
            prop_assert_eq!(again.herder.info(&name), world.herder.info(&name));
        }
    }
}

fn pick_key<K: Clone + Ord, V>(map: &BTreeMap<K, V>, pick: usize) -> Option<K> {
    (!map.is_empty()).then(|| map.keys().nth(pick % map.len()).cloned()).flatten()
}
