//! A source loop with a connector that reads lines, and a cluster that can be killed under it.

use super::*;

/// A connector that reads numbered lines, two a poll.
#[derive(Clone, Default)]
pub(super) struct Lines {
    pub(super) there: u32,
    pub(super) position: u32,
    pub(super) started: bool,
    /// What the next polls answer instead.
    pub(super) errors: Vec<CallError>,
    pub(super) acked: u32,
    pub(super) commits: u32,
}

pub(super) struct World {
    pub(super) machine: Source,
    pub(super) cluster: Cluster,
    pub(super) lines: Lines,
    pub(super) now: Now,
    pub(super) request: Option<Request>,
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
        topic_creation: None,
        offsets_topic: OFFSETS.into(),
        max_records: 2,
        max_bytes: 1000,
        most: MostBytes(300),
        max_batch_bytes: 1000,
        max_append_bytes: 1,
        paused: false,
    }
}

pub(super) fn partition() -> ScalarMap {
    vec![("filename".into(), Scalar::Text("f".into()))]
}

impl World {
    pub(super) fn new(there: u32) -> World {
        World::over(Cluster::new(&[]), there, settings())
    }

    pub(super) fn over(cluster: Cluster, there: u32, settings: Settings) -> World {
        let mut world = World {
            machine: Source::new(settings),
            cluster,
            lines: Lines { there, ..Lines::default() },
            now: Now(0),
            request: None,
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
                Output::Request(request) => {
                    assert!(self.request.is_none(), "one request at a time");
                    self.request = Some(request);
                }
                Output::Call(call) => {
                    assert!(self.call.is_none(), "one call at a time");
                    self.call = Some(call);
                }
                Output::Say(said) => self.log.push(format!("{said:?}")),
                Output::End(ended) => {
                    assert!(self.request.is_none(), "an append is undecided");
                    self.ended = Some(ended);
                }
            }
        }
    }

    /// Answers the request that is out, if there is one.
    pub(super) fn answer(&mut self) -> bool {
        let Some(request) = self.request.take() else { return false };
        if let Request::AtomicAppend(append) = &request {
            self.log.push(format!("append {}", append.batches.len()));
        }
        let reply = self.cluster.ask(request);
        self.input(Input::Reply(reply));
        true
    }

    /// Lets the call that is out return, if there is one.
    pub(super) fn finish_call(&mut self) -> bool {
        let Some(call) = self.call.take() else { return false };
        let input = self.lines.call(call, &mut self.log);
        self.input(input);
        true
    }

    /// Does everything until only time is waited for.
    pub(super) fn settle(&mut self) {
        for _ in 0..1000 {
            if !(self.finish_call() | self.answer()) {
                return;
            }
        }
        panic!("it never comes to rest: {:#?}", self.log);
    }

    pub(super) fn wait(&mut self) {
        self.now = self.machine.poll_timeout().expect("it waits for something").max(self.now);
        self.input(Input::Tick);
        self.settle();
    }

    pub(super) fn take_log(&mut self) -> String {
        core::mem::take(&mut self.log).join(", ")
    }
}

impl Lines {
    pub(super) fn call(&mut self, call: Call, log: &mut Vec<String>) -> Input {
        match call {
            Call::Start { state, offsets } => {
                log.push(format!("start {}", state.len()));
                self.started = true;
                let at = offsets.first().and_then(|(_, offset)| offset[0].1.as_int());
                self.position = at.unwrap_or(0) as u32;
                Input::Called(Ok(()))
            }
            Call::Poll { max_records, .. } => self.poll(max_records, log),
            Call::OnAck { acks, .. } => {
                let delivered: u32 = acks.iter().map(|ack| ack.delivered).sum();
                log.push(format!("ack {delivered}"));
                self.acked += delivered;
                Input::Called(Ok(()))
            }
            Call::Commit => {
                self.commits += 1;
                Input::Called(Ok(()))
            }
            Call::Stop => {
                log.push("stop".into());
                Input::Called(Ok(()))
            }
        }
    }

    pub(super) fn poll(&mut self, max: u32, log: &mut Vec<String>) -> Input {
        if !self.errors.is_empty() {
            log.push("poll fails".into());
            return Input::Polled { outcome: Err(self.errors.remove(0)), state: Vec::new(), wall: 7 };
        }
        let end = self.there.min(self.position + max);
        if end == self.position {
            log.push("poll idle".into());
            return Input::Polled { outcome: Ok(Polled::Idle(1000)), state: Vec::new(), wall: 7 };
        }
        log.push(format!("poll {}..{end}", self.position));
        let mut values = Blobs::default();
        (self.position..end).for_each(|line| values.push(Some(line.to_string().as_bytes())));
        let records = Batch {
            count: end - self.position,
            topics: vec!["t".into()],
            value_format: Format::Text,
            values,
            ..Batch::default()
        };
        self.position = end;
        let offset = vec![("position".into(), Scalar::Int(end.into()))];
        let checkpoints = vec![Checkpoint { after: records.count - 1, partition: 0, offset }];
        let batch = SourceBatch { records, partitions: vec![partition()], checkpoints, txn: Vec::new() };
        let state = vec![("end".into(), Some(Bytes::from(end.to_string())))];
        Input::Polled { outcome: Ok(Polled::Records(batch)), state, wall: 7 }
    }
}

pub(super) fn error(class: ErrorClass) -> CallError {
    let (code, message) = ("x".into(), "no luck".into());
    CallError::Connector(ConnectorError { class, code, message, retry_after_ms: None, attrs: Vec::new() })
}

pub(super) fn numbers(to: u32) -> Vec<String> {
    (0..to).map(|n| n.to_string()).collect()
}
