//! A sink task: the runtime's own loop over a scripted connector that appends lines to a file.
//!
//! Owns the connector's script, which is that of the file sink: cut the file back to the committed length, append, sync, commit
//! length and offsets together. Leaves every decision to `runtime_core::{sink, consumer}`. The task lives in the broker's process.

use broker_core::request::{FetchPartition, Reply, Request, RequestId};
use broker_store::disk::{Disk as _, DiskError, DiskFile as _, Open};
use bytes::Bytes;
use runtime_core::{
    columns::Columns,
    config::settings::Topics,
    consumer::{self, FetchId, Fetched},
    convert::{Converter, HeaderConverter},
    errors::Policy,
    exchange::TopicPartition,
    herder::TaskId,
    record::Batch,
    sink::{Answer, Call, Effect, Input, Lane, Output, Settings, Sink},
    task::{CallError, Ended, StateChange},
    time::Now,
    transform::{Chain, Converters},
};

use super::{
    Client, Port,
    fetch::{self, Brought},
    source::TOPIC,
};
use crate::{broken, check::Checked, disk::File};

/// The sink's file, on the disk outside of the data folder.
pub const FILE: &str = "sink.txt";
const KEY: &str = "file";

/// The task.
pub struct SinkTask {
    task: Option<Sink>,
    group: Option<RequestId>,
    own: Option<RequestId>,
    fetch: Option<(RequestId, FetchId, Vec<(String, Vec<FetchPartition>)>)>,
    call: Option<Call>,
    file: Option<File>,
    length: u64,
    winding_up: bool,
    ended: bool,
}

impl core::fmt::Debug for SinkTask {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "sink at {}, group {:?}, own {:?}, fetch {:?}", self.length, self.group, self.own, self.fetch)
    }
}

impl SinkTask {
    /// A task that has not begun.
    pub fn new() -> Self {
        Self {
            task: None,
            group: None,
            own: None,
            fetch: None,
            call: None,
            file: None,
            length: 0,
            winding_up: false,
            ended: false,
        }
    }

    fn start(&mut self, port: &mut Port<'_>) {
        // The membership ends with the caller.
        port.reconnect();
        self.cut_off();
        self.task = Some(Sink::new(settings()));
        self.tell(port, Input::Tick);
    }

    fn tell(&mut self, port: &mut Port<'_>, input: Input) {
        let Some(task) = &mut self.task else { return };
        task.handle(Now(port.now), input);
        while let Some(output) = task.poll_output() {
            match output {
                Output::Request(Lane::Group, request) => self.group = Some(port.send(request)),
                Output::Request(Lane::Task, request) => self.own = Some(port.send(request)),
                Output::Fetch(id, fetch) => {
                    let wanted = fetch.topics.clone();
                    self.fetch = Some((port.send(Request::Fetch(fetch)), id, wanted));
                }
                Output::CancelFetch => self.fetch = None,
                Output::Call(call) => self.call = Some(call),
                Output::Say(said) => port.trace.say(port.now, format_args!("    sink says {said:?}")),
                Output::End(end) => {
                    port.trace.say(port.now, format_args!("    sink ends {end:?}"));
                    self.ended = self.winding_up && end == Ended::Stopped;
                    self.cut_off();
                    return;
                }
            }
        }
    }

    fn call_back(&mut self, port: &mut Port<'_>) -> Checked {
        let Some(call) = self.call.take() else { return Ok(()) };
        port.trace.step(port.now, "sink called", &[self.length]);
        let mut state: Vec<StateChange> = Vec::new();
        let mut effects = Vec::new();
        let outcome = match call {
            _ if !self.winding_up && port.random.percent(2) => Err(CallError::Trap("unreachable".into())),
            Call::Start { state: saved } => self.begin(port, &saved, &mut state, &mut effects)?,
            Call::Put(batch) => self.put(port, &batch),
            Call::PreCommit(offsets) => self.commit(&mut state).map(|()| Answer::PreCommit(offsets)),
            Call::Open(_) | Call::Close(_) | Call::Stop => Ok(Answer::Done),
        };
        self.tell(port, Input::Called { outcome, state, effects });
        Ok(())
    }

    /// Opens the file and cuts it back to the length that was committed.
    fn begin(
        &mut self,
        port: &mut Port<'_>,
        saved: &[(String, Bytes)],
        state: &mut Vec<StateChange>,
        effects: &mut Vec<Effect>,
    ) -> Result<Result<Answer, CallError>, String> {
        let committed = saved.iter().find(|(key, _)| key == KEY);
        let committed: Option<u64> = committed.and_then(|(_, value)| core::str::from_utf8(value).ok()?.parse().ok());
        match self.open(port, committed) {
            Ok(length) if length < committed.unwrap_or(0) => {
                broken!("the sink's file has {length} bytes, and {committed:?} were committed")
            }
            Ok(_) => {}
            Err(error) => return Ok(Err(disk_error(&error))),
        }
        if committed.is_none() {
            self.keep(state);
            effects.push(Effect::RequestCommit);
        }
        port.checks.connect.in_file(&lines(port.outside), false)?;
        Ok(Ok(Answer::Done))
    }

    /// Returns the length that was found.
    fn open(&mut self, port: &mut Port<'_>, committed: Option<u64>) -> Result<u64, DiskError> {
        let file = port.outside.open(FILE, Open::Append)?;
        port.outside.sync_dir("")?;
        let found = file.len()?;
        self.length = committed.unwrap_or(found);
        if found > self.length {
            file.truncate(self.length)?;
        }
        self.file = Some(file);
        Ok(found)
    }

    fn put(&mut self, port: &mut Port<'_>, batch: &Batch) -> Result<Answer, CallError> {
        let mut bytes = Vec::new();
        for at in 0..batch.count as usize {
            bytes.extend_from_slice(batch.values.get(at).unwrap_or(b"null"));
            bytes.push(b'\n');
        }
        if !self.winding_up && port.random.percent(5) {
            return Err(CallError::Connector(super::source::passing("the file cannot be written now")));
        }
        let Some(file) = &self.file else { return Err(CallError::Trap("no file".into())) };
        file.write_at(self.length, &[&bytes]).map_err(|error| disk_error(&error))?;
        self.length += bytes.len() as u64;
        Ok(Answer::Put(Vec::new()))
    }

    fn commit(&mut self, state: &mut Vec<StateChange>) -> Result<(), CallError> {
        let Some(file) = &self.file else { return Err(CallError::Trap("no file".into())) };
        file.sync().map_err(|error| disk_error(&error))?;
        self.keep(state);
        Ok(())
    }

    fn keep(&self, state: &mut Vec<StateChange>) {
        state.push((KEY.into(), Some(Bytes::from(self.length.to_string()))));
    }

    fn fetched(
        &mut self,
        port: &mut Port<'_>,
        id: FetchId,
        wanted: &[(String, Vec<FetchPartition>)],
        reply: Reply,
    ) -> Checked {
        let Reply::Fetch(topics) = reply else { broken!("a fetch of the sink was answered {reply:?}") };
        let mut columns = Columns::default();
        let (mut next, mut errors) = (Vec::new(), Vec::new());
        for topic in topics {
            for fetched in topic.partitions {
                let partition = (topic.topic.clone(), fetched.partition);
                let all =
                    wanted.iter().filter(|(topic, _)| *topic == partition.0).flat_map(|(_, partitions)| partitions);
                let asked = all.into_iter().find(|asked| asked.partition == partition.1);
                let Some(offset) = asked.map(|asked| asked.offset) else { broken!("{partition:?} was not asked for") };
                let pieces = port.read(&fetched.records);
                let tp = TopicPartition { topic: partition.0.clone(), partition: partition.1 };
                match fetch::check(port.checks, &partition, offset, &fetched, pieces)? {
                    Brought::Batches(_, bytes) => {
                        columns.partition(&tp.topic, tp.partition, offset);
                        columns.uncompressed(&bytes).map_err(|bad| format!("{partition:?}: {bad}"))?;
                        if columns.next_offset() > offset {
                            next.push((tp, columns.next_offset()));
                        }
                    }
                    Brought::Refused(error) => errors.push((tp, error)),
                    other => broken!("{partition:?} at {offset}: {other:?}"),
                }
            }
        }
        let records = columns.finish().map_err(|bad| format!("{bad}"))?;
        port.trace.step(port.now, "sink fetched", &[u64::from(records.count)]);
        self.tell(port, Input::Fetched(id, Ok(Fetched { records, next, errors })));
        Ok(())
    }

    /// Everything that was ever written is in the file and committed.
    fn has_all(&self, port: &Port<'_>) -> bool {
        lines(port.outside).len() as u64 == port.checks.connect.lines()
    }
}

impl Default for SinkTask {
    fn default() -> Self {
        Self::new()
    }
}

impl Client for SinkTask {
    fn act(&mut self, port: &mut Port<'_>) -> Checked {
        if self.ended {
            return Ok(());
        }
        if self.task.is_none() || (!self.winding_up && port.random.percent(2)) {
            port.trace.step(port.now, "sink starts", &[]);
            self.start(port);
            return Ok(());
        }
        if self.winding_up && self.file.is_some() && self.has_all(port) {
            self.tell(port, Input::Stop);
        }
        let due = self.task.as_ref().and_then(Sink::poll_timeout).is_some_and(|at| at.0 <= port.now);
        if due {
            self.tell(port, Input::Tick);
        }
        self.call_back(port)
    }

    fn answered(&mut self, port: &mut Port<'_>, id: RequestId, reply: Reply) -> Checked {
        if self.group.take_if(|asked| *asked == id).is_some() {
            self.tell(port, Input::Reply(Lane::Group, reply));
        } else if self.own.take_if(|asked| *asked == id).is_some() {
            self.tell(port, Input::Reply(Lane::Task, reply));
        } else if let Some((_, fetch, wanted)) = self.fetch.take_if(|(asked, _, _)| *asked == id) {
            self.fetched(port, fetch, &wanted, reply)?;
        }
        // Else it is a fetch that was cancelled.
        Ok(())
    }

    fn cut_off(&mut self) {
        (self.task, self.group, self.own, self.fetch, self.call, self.file) = (None, None, None, None, None, None);
    }

    fn is_done(&self) -> bool {
        self.ended
    }

    fn timeout(&self) -> Option<u64> {
        self.task.as_ref().and_then(Sink::poll_timeout).map(|at| at.0)
    }

    fn wind_up(&mut self) {
        self.winding_up = true;
    }

    fn lives_in_process(&self) -> bool {
        true
    }
}

/// The lines in the sink's file; a last one without an end counts.
pub fn lines(outside: &crate::disk::Disk) -> Vec<String> {
    let bytes = outside.bytes(FILE).unwrap_or_default();
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

fn disk_error(error: &DiskError) -> CallError {
    CallError::Trap(format!("{error}"))
}

fn settings() -> Settings {
    Settings {
        task: TaskId { connector: "sink".into(), task: 0 },
        transforms: Chain::default(),
        converters: Converters { key: Converter::Text, value: Converter::Text, header: HeaderConverter::Simple },
        errors: Policy::default(),
        dead_letters: None,
        max_batch_bytes: 1_000_000,
        accepts: Vec::new(),
        commit_ms: 200,
        paused: false,
        consumer: consumer::Settings {
            group: "connect-sink".into(),
            client_id: "connector-consumer-sink-0".into(),
            topics: Topics::List(vec![TOPIC.into()]),
            session_timeout_ms: 45_000,
            heartbeat_ms: 3_000,
            rebalance_timeout_ms: 300_000,
            metadata_ms: 1_000,
            max_wait_ms: 500,
            max_bytes: 1 << 20,
            max_partition_bytes: 300,
            read_committed: false,
            from_earliest: true,
        },
    }
}
