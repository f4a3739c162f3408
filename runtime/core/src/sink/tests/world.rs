//! A sink loop with a connector that writes a file, and a cluster, either of which can be killed.

use super::*;

/// A file that survives a kill, and what a connector would do to it. Committed is its length at the last pre-commit.
#[derive(Clone, Default)]
pub(super) struct File {
    pub(super) lines: Vec<String>,
}

pub(super) struct World {
    pub(super) machine: Sink,
    pub(super) cluster: Cluster,
    pub(super) file: File,
    /// Answers for the next calls of put, or of pre-commit.
    pub(super) put: Vec<Result<Answer, CallError>>,
    pub(super) pre_commit: Vec<Result<Answer, CallError>>,
    pub(super) effects: Vec<Effect>,
    /// What the connector puts into its state when it starts.
    pub(super) start_state: Vec<StateChange>,
    pub(super) now: Now,
    pub(super) group: Option<Request>,
    pub(super) task: Option<Request>,
    pub(super) fetch: Option<(FetchId, Fetch)>,
    pub(super) call: Option<Call>,
    pub(super) log: Vec<String>,
    pub(super) ended: Option<Ended>,
}

pub(super) fn settings() -> Settings {
    Settings {
        task: TaskId { connector: "c".into(), task: 0 },
        transforms: Chain::default(),
        converters: text(),
        errors: Policy::default(),
        dead_letters: None,
        max_batch_bytes: 1000,
        accepts: Vec::new(),
        commit_ms: 10_000,
        paused: false,
        consumer: fake::consumer("connect-c", "connector-consumer-c-0", &["t"]),
    }
}

impl World {
    pub(super) fn new(records: u32) -> World {
        let mut cluster = Cluster::new(&[("t", 1)]);
        cluster.fill("t", (0..records).map(|n| n.to_string()));
        World::over(cluster, File::default(), settings())
    }

    pub(super) fn over(cluster: Cluster, file: File, settings: Settings) -> World {
        let mut world = World {
            machine: Sink::new(settings),
            cluster,
            file,
            put: Vec::new(),
            pre_commit: Vec::new(),
            effects: Vec::new(),
            start_state: Vec::new(),
            now: Now(0),
            group: None,
            task: None,
            fetch: None,
            call: None,
            log: Vec::new(),
            ended: None,
        };
        world.input(Input::Tick);
        world
    }

    pub(super) fn input(&mut self, input: Input) {
        self.machine.handle(self.now, input);
        while let Some(output) = self.machine.poll_output() {
            assert_eq!(self.ended, None, "nothing comes after the end: {output:?}");
            match output {
                Output::Request(Lane::Group, request) => {
                    assert!(self.group.replace(request).is_none(), "one at a time")
                }
                Output::Request(Lane::Task, request) => assert!(self.task.replace(request).is_none(), "one at a time"),
                Output::Fetch(id, fetch) => assert!(self.fetch.replace((id, fetch)).is_none(), "one at a time"),
                Output::CancelFetch => assert!(self.fetch.take().is_some(), "there is one to cancel"),
                Output::Call(call) => assert!(self.call.replace(call).is_none(), "one at a time"),
                Output::Say(Said::Warning(text)) => self.log.push(format!("warn {}", text.lines().next().unwrap())),
                Output::Say(said) => self.log.push(format!("{said:?}")),
                Output::End(ended) => {
                    assert!(self.task.is_none(), "a commit is undecided");
                    self.ended = Some(ended);
                }
            }
        }
    }

    pub(super) fn answer_group(&mut self) -> bool {
        let Some(request) = self.group.take() else { return false };
        let name = format!("{request:?}");
        self.log.push(name.split(['(', ' ', '{']).next().unwrap().to_string());
        let reply = self.cluster.ask(request);
        self.input(Input::Reply(Lane::Group, reply));
        true
    }

    pub(super) fn answer_task(&mut self) -> bool {
        let Some(request) = self.task.take() else { return false };
        if matches!(request, Request::AtomicAppend(_)) {
            self.log.push("append".into());
        }
        let reply = self.cluster.ask(request);
        self.input(Input::Reply(Lane::Task, reply));
        true
    }

    pub(super) fn answer_fetch(&mut self) -> bool {
        let Some((id, fetch)) = &self.fetch else { return false };
        let (id, Some(fetched)) = (*id, self.cluster.fetch(fetch, 2)) else { return false };
        self.fetch = None;
        self.input(Input::Fetched(id, Ok(fetched)));
        true
    }

    pub(super) fn finish_call(&mut self) -> bool {
        let Some(call) = self.call.take() else { return false };
        let (outcome, state) = self.called(call);
        let effects = core::mem::take(&mut self.effects);
        self.input(Input::Called { outcome, state, effects });
        true
    }

    pub(super) fn called(&mut self, call: Call) -> (Result<Answer, CallError>, Vec<StateChange>) {
        let names =
            |tps: &[TopicPartition]| tps.iter().map(|tp| tp.partition.to_string()).collect::<Vec<_>>().join("+");
        match call {
            Call::Start { state } => {
                self.log.push("start".into());
                // As the file sink does it: what is past the committed length is cut off.
                let length = state.iter().find(|(key, _)| key == "length").map_or(0, |(_, value)| parse(value));
                self.file.lines.truncate(length);
                (Ok(Answer::Done), core::mem::take(&mut self.start_state))
            }
            Call::Open(tps) => {
                self.log.push(format!("open {}", names(&tps)));
                (Ok(Answer::Done), Vec::new())
            }
            Call::Put(records) => (self.write(&records), Vec::new()),
            Call::PreCommit(current) => {
                self.log.push(format!("pre-commit {}", current[0].offset));
                if !self.pre_commit.is_empty() {
                    return (self.pre_commit.remove(0), Vec::new());
                }
                let length = Bytes::from(self.file.lines.len().to_string());
                (Ok(Answer::PreCommit(current)), vec![("length".into(), Some(length))])
            }
            Call::Close(tps) => {
                self.log.push(format!("close {}", names(&tps)));
                (Ok(Answer::Done), Vec::new())
            }
            Call::Stop => {
                self.log.push("stop".into());
                (Ok(Answer::Done), Vec::new())
            }
        }
    }

    pub(super) fn write(&mut self, records: &Batch) -> Result<Answer, CallError> {
        let values: Vec<_> = (0..records.count as usize).map(|i| records.values.get(i).unwrap()).collect();
        let values: Vec<_> = values.into_iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect();
        self.log.push(format!("put {}", values.join("+")));
        if !self.put.is_empty() {
            return self.put.remove(0);
        }
        self.file.lines.extend(values);
        Ok(Answer::Put(Vec::new()))
    }

    pub(super) fn step(&mut self) -> bool {
        self.finish_call() | self.answer_task() | self.answer_group() | self.answer_fetch()
    }

    pub(super) fn settle(&mut self) {
        for _ in 0..1000 {
            if !self.step() {
                return;
            }
        }
        panic!("it never comes to rest: {:#?}", self.log);
    }

    /// Lets time pass until the machine has something to do.
    pub(super) fn wait(&mut self) {
        self.now = self.machine.poll_timeout().expect("it waits for something").max(self.now);
        self.input(Input::Tick);
        self.settle();
    }

    pub(super) fn wait_for(&mut self, line: &str) {
        for _ in 0..100 {
            if self.log.iter().any(|logged| logged.starts_with(line)) {
                return;
            }
            self.wait();
        }
        panic!("{line} never comes: {:?}", self.log);
    }

    pub(super) fn take_log(&mut self) -> String {
        core::mem::take(&mut self.log).join(", ")
    }

    pub(super) fn committed(&self) -> i64 {
        self.cluster.committed.get(&tp(0)).copied().unwrap_or(-1)
    }
}

pub(super) fn parse(bytes: &[u8]) -> usize {
    core::str::from_utf8(bytes).unwrap().parse().unwrap()
}

pub(super) fn tp(partition: i32) -> TopicPartition {
    TopicPartition { topic: "t".into(), partition }
}

pub(super) fn numbers(to: u32) -> Vec<String> {
    (0..to).map(|n| n.to_string()).collect()
}

pub(super) fn error(class: ErrorClass) -> CallError {
    let (code, message) = ("x".into(), "no luck".into());
    CallError::Connector(ConnectorError { class, code, message, retry_after_ms: Some(170), attrs: Vec::new() })
}
