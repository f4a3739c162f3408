//! An edge for the herder: it does what it is told, one output at a time, and can be asked what came of it.

use super::*;

/// The edge, the internal topics and everything that runs.
pub(super) struct World {
    pub(super) herder: Herder,
    pub(super) now: Now,
    pub(super) table: BTreeMap<String, String>,
    pub(super) status: BTreeMap<String, String>,
    pub(super) todo: VecDeque<Output>,
    pub(super) connectors: BTreeMap<(String, Run), ConfigMap>,
    pub(super) tasks: BTreeMap<(TaskId, Run), StartTask>,
    pub(super) replies: BTreeMap<u64, Result<Answer, Refusal>>,
    pub(super) next_request: u64,
    pub(super) writes_fail: bool,
    pub(super) log: Vec<String>,
}

impl World {
    pub(super) fn new() -> World {
        World::with(BTreeMap::new(), &[])
    }

    /// A worker that starts with these configs recorded and these files named.
    pub(super) fn with(table: BTreeMap<String, String>, named: &[&str]) -> World {
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

    pub(super) fn input(&mut self, input: Input) {
        self.herder.handle(self.now, input);
        while let Some(output) = self.herder.poll_output() {
            self.todo.push_back(output);
        }
    }

    pub(super) fn ask(&mut self, operation: Operation) -> u64 {
        self.next_request += 1;
        self.input(Input::Request { id: RequestId(self.next_request), operation });
        self.next_request
    }

    /// Asks, and does everything until nothing is left to do.
    pub(super) fn run(&mut self, operation: Operation) -> Result<Answer, Refusal> {
        let id = self.ask(operation);
        self.settle();
        self.replies.remove(&id).expect("an answer")
    }

    pub(super) fn settle(&mut self) {
        for _ in 0..10_000 {
            if !self.step(0) {
                return;
            }
        }
        panic!("the herder never comes to rest: {:#?}", self.log);
    }

    /// Does one of the things to do: the first one that has the same subject as the `pick`th.
    pub(super) fn step(&mut self, pick: usize) -> bool {
        if self.todo.is_empty() {
            return false;
        }
        let subject = subject(&self.todo[pick % self.todo.len()]);
        let first = self.todo.iter().position(|output| self::subject(output) == subject).unwrap();
        let output = self.todo.remove(first).unwrap();
        self.execute(output);
        true
    }

    pub(super) fn execute(&mut self, output: Output) {
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

    pub(super) fn put(&mut self, name: &str, config: &str) -> Result<Answer, Refusal> {
        self.run(put(name, config, Origin::Rest))
    }

    pub(super) fn fail_task(&mut self, name: &str, i: u32) {
        let id = TaskId { connector: name.into(), task: i };
        let key = self.tasks.keys().find(|(task, _)| *task == id).cloned().expect("a running task");
        self.tasks.remove(&key);
        self.input(Input::TaskFailed { task: key.0, run: key.1, trace: "trap\n\tat 0".into() });
        self.settle();
    }

    /// E.g. `RUNNING: RUNNING PAUSED`.
    pub(super) fn status(&self, name: &str) -> String {
        let Some(ConnectorStatus { connector, tasks, .. }) = self.herder.status(name) else {
            return "absent".into();
        };
        let tasks: Vec<_> = tasks.iter().map(|task| task.state.as_str()).collect();
        format!("{}:{}", connector.state, tasks.iter().map(|state| format!(" {state}")).collect::<String>())
    }

    pub(super) fn take_log(&mut self) -> String {
        core::mem::take(&mut self.log).join(", ")
    }
}

/// Outputs about the same thing are done in order.
pub(super) fn subject(output: &Output) -> String {
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

pub(super) fn config(text: &str) -> ConfigMap {
    text.split_whitespace().filter_map(|pair| pair.split_once('=')).collect()
}

pub(super) fn put(name: &str, text: &str, origin: Origin) -> Operation {
    let config = config(text);
    Operation::Put { connector: name.into(), config, origin, replace: true, initial_state: None }
}

pub(super) fn target(name: &str, target: TargetState) -> Operation {
    Operation::SetTarget { connector: name.into(), target }
}

pub(super) fn restart(name: &str, include_tasks: bool, only_failed: bool) -> Operation {
    Operation::Restart { connector: name.into(), include_tasks, only_failed }
}

pub(super) const SOURCE: &str = "connector.class=Source tasks.max=2";
