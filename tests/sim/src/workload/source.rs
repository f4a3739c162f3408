//! A source task: the runtime's own loop over a scripted connector that reads lines from a file.
//!
//! Owns the connector's script: it answers late, with nothing, with an error that passes, or traps. Leaves every decision to
//! `runtime_core::source`. The task lives in the broker's process and dies with it; now and then it is started anew while an append of
//! its predecessor is on its way, and later that append is sent once more: it must be refused.

use broker_core::{
    error::Error,
    request::{AtomicAppend, Reply, Request, RequestId},
};
use bytes::Bytes;
use runtime_core::{
    convert::{Converter, HeaderConverter},
    errors::Policy,
    exchange::{Checkpoint, ConnectorError, ErrorClass, Polled, SourceBatch},
    herder::TaskId,
    record::{Batch, Blobs, Format},
    scalar::{Scalar, ScalarMap},
    source::{Call, Input, Output, Settings, Source},
    task::{CallError, Ended, StateChange},
    time::Now,
    transform::{Chain, Converters},
};

use super::{Client, Port, unexpected};
use crate::{
    broken,
    check::{Checked, connect::text},
};

/// Where the lines go.
pub const TOPIC: &str = "lines";
const KEY: &str = "lines";

/// The task.
pub struct SourceTask {
    /// `None` before it is started, and after it has ended.
    task: Option<Source>,
    asked: Option<RequestId>,
    call: Option<Call>,
    /// The connector's place in the file: the next line.
    position: u64,
    /// The place that is committed, as it was told.
    acknowledged: u64,
    /// The last append of an earlier incarnation, to be sent once more.
    old_append: Option<AtomicAppend>,
    repeated: Option<RequestId>,
    last_append: Option<AtomicAppend>,
    started: bool,
    /// Lines that will still be written.
    left: u32,
    winding_up: bool,
    ended: bool,
}

impl core::fmt::Debug for SourceTask {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "source at {}, asked {:?}, called {:?}, repeated {:?}",
            self.position, self.asked, self.call, self.repeated
        )
    }
}

impl SourceTask {
    /// A task whose file will get so many lines.
    pub fn new(lines: u32) -> Self {
        Self {
            task: None,
            asked: None,
            call: None,
            position: 0,
            acknowledged: 0,
            old_append: None,
            repeated: None,
            last_append: None,
            started: false,
            left: lines,
            winding_up: false,
            ended: false,
        }
    }

    fn start(&mut self, port: &mut Port<'_>) {
        (self.asked, self.call, self.started) = (None, None, false);
        self.old_append = self.last_append.take().or(self.old_append.take());
        self.task = Some(Source::new(settings()));
        self.tell(port, Input::Tick);
    }

    /// Tells the loop, and does what it then wants done.
    fn tell(&mut self, port: &mut Port<'_>, input: Input) {
        let Some(task) = &mut self.task else { return };
        task.handle(Now(port.now), input);
        while let Some(output) = task.poll_output() {
            match output {
                Output::Request(request) => {
                    if let Request::AtomicAppend(append) = &request {
                        self.last_append = Some(append.clone());
                    }
                    self.asked = Some(port.send(request));
                }
                Output::Call(call) => self.call = Some(call),
                Output::Say(said) => port.trace.say(port.now, format_args!("    source says {said:?}")),
                Output::End(end) => {
                    port.trace.say(port.now, format_args!("    source ends {end:?}"));
                    self.ended = self.winding_up && end == Ended::Stopped;
                    (self.task, self.call) = (None, None);
                    return;
                }
            }
        }
    }

    /// The connector returns from the call that is out.
    fn call_back(&mut self, port: &mut Port<'_>) -> Checked {
        let Some(call) = self.call.take() else { return Ok(()) };
        port.trace.step(port.now, "source called", &[self.position]);
        let input = match call {
            _ if !self.winding_up && port.random.percent(2) => failed(&call, CallError::Trap("out of memory".into())),
            Call::Start { state, offsets } => {
                self.begin(port, &state, &offsets)?;
                Input::Called(Ok(()))
            }
            Call::Poll { max_records, .. } => self.poll(port, u64::from(max_records)),
            Call::OnAck { offsets, .. } => {
                self.acknowledged = position(&offsets).unwrap_or(self.acknowledged);
                port.checks.connect.committed(self.acknowledged)?;
                Input::Called(Ok(()))
            }
            Call::Commit | Call::Stop => Input::Called(Ok(())),
        };
        self.tell(port, input);
        Ok(())
    }

    fn begin(&mut self, port: &mut Port<'_>, state: &[(String, Bytes)], offsets: &[(ScalarMap, ScalarMap)]) -> Checked {
        self.started = true;
        let offset = position(offsets);
        let state = state
            .iter()
            .find(|(key, _)| key == KEY)
            .and_then(|(_, value)| core::str::from_utf8(value).ok()?.parse().ok());
        if offset != state {
            broken!("the source's offset {offset:?} and its state {state:?} were one entry");
        }
        (self.position, self.acknowledged) = (offset.unwrap_or(0), offset.unwrap_or(0));
        port.checks.connect.committed(self.position)
    }

    fn poll(&mut self, port: &mut Port<'_>, most: u64) -> Input {
        let lines = (port.checks.connect.lines() - self.position).min(most);
        if lines == 0 || port.random.percent(10) {
            let wait = port.random.between(1, 500) as u32;
            return Input::Polled { outcome: Ok(Polled::Idle(wait)), state: Vec::new(), wall: port.wall };
        }
        if !self.winding_up && port.random.percent(5) {
            let error = CallError::Connector(passing("the file cannot be read now"));
            return Input::Polled { outcome: Err(error), state: Vec::new(), wall: port.wall };
        }
        let lines = port.random.between(1, lines);
        let mut values = Blobs::with_capacity(lines as usize, 0);
        (self.position..self.position + lines).for_each(|line| values.push(Some(text(line).as_bytes())));
        self.position += lines;
        let records = Batch {
            count: lines as u32,
            topics: vec![TOPIC.into()],
            value_format: Format::Text,
            values,
            ..Batch::default()
        };
        let offset = vec![("position".into(), Scalar::Int(self.position as i64))];
        let batch = SourceBatch {
            records,
            partitions: vec![vec![("filename".into(), Scalar::Text("source.txt".into()))]],
            checkpoints: vec![Checkpoint { after: lines as u32 - 1, partition: 0, offset }],
            txn: Vec::new(),
        };
        let state: Vec<StateChange> = vec![(KEY.into(), Some(Bytes::from(self.position.to_string())))];
        Input::Polled { outcome: Ok(Polled::Records(batch)), state, wall: port.wall }
    }

    fn repeat(&mut self, port: &mut Port<'_>) {
        if let Some(append) = self.old_append.take() {
            self.repeated = Some(port.send(Request::AtomicAppend(append)));
        }
    }
}

impl Client for SourceTask {
    fn act(&mut self, port: &mut Port<'_>) -> Checked {
        if self.is_done() {
            return Ok(());
        }
        if self.left > 0 && port.random.percent(30) {
            self.left -= 1;
            port.checks.connect.write();
            self.tell(port, Input::Wake);
            return Ok(());
        }
        if self.task.is_none() && !self.ended {
            self.start(port);
            return Ok(());
        }
        if self.started && self.repeated.is_none() && port.random.percent(10) {
            self.repeat(port);
            return Ok(());
        }
        if !self.winding_up && port.random.percent(2) {
            port.trace.step(port.now, "source abandoned", &[]);
            self.start(port);
            return Ok(());
        }
        if self.winding_up && self.started && self.acknowledged == port.checks.connect.lines() {
            self.tell(port, Input::Stop);
        }
        let due = self.task.as_ref().and_then(Source::poll_timeout).is_some_and(|at| at.0 <= port.now);
        if due {
            self.tell(port, Input::Tick);
        }
        self.call_back(port)
    }

    fn answered(&mut self, port: &mut Port<'_>, id: RequestId, reply: Reply) -> Checked {
        if self.repeated.take_if(|repeated| *repeated == id).is_some() {
            return match reply {
                Reply::AtomicAppend(Err((Error::ProducerFenced, _))) => Ok(()),
                reply => unexpected("an incarnation that is over", &reply),
            };
        }
        if self.asked.take_if(|asked| *asked == id).is_some() {
            if let (Reply::AtomicAppend(Ok(offsets)), Some(append)) = (&reply, &self.last_append) {
                for (offset, (topic, partition, batch)) in offsets.iter().zip(&append.batches) {
                    port.checks.log.acknowledged(&(topic.clone(), *partition), *offset, &batch.bytes)?;
                }
            }
            self.tell(port, Input::Reply(reply));
        }
        // Else it is for a predecessor.
        Ok(())
    }

    fn cut_off(&mut self) {
        (self.task, self.asked, self.call, self.repeated) = (None, None, None, None);
        self.started = false;
        self.old_append = self.last_append.take();
    }

    fn is_done(&self) -> bool {
        self.ended && self.repeated.is_none()
    }

    fn timeout(&self) -> Option<u64> {
        self.task.as_ref().and_then(Source::poll_timeout).map(|at| at.0)
    }

    fn wind_up(&mut self) {
        (self.winding_up, self.left) = (true, 0);
    }

    fn lives_in_process(&self) -> bool {
        true
    }
}

fn settings() -> Settings {
    Settings {
        task: TaskId { connector: "source".into(), task: 0 },
        transforms: Chain::default(),
        converters: Converters { key: Converter::Text, value: Converter::Text, header: HeaderConverter::Simple },
        errors: Policy::default(),
        topic_creation: None,
        offsets_topic: "connect-offsets".into(),
        max_records: 5,
        max_bytes: 1 << 20,
        max_batch_bytes: 150,
        most: runtime_core::source::MostBytes(1 << 20),
        max_append_bytes: 400,
        paused: false,
    }
}

/// The place in the file that the offsets tell.
fn position(offsets: &[(ScalarMap, ScalarMap)]) -> Option<u64> {
    offsets.iter().rev().find_map(|(_, offset)| match offset.first() {
        Some((_, Scalar::Int(position))) => u64::try_from(*position).ok(),
        _ => None,
    })
}

/// An error that passes.
pub fn passing(message: &str) -> ConnectorError {
    ConnectorError {
        class: ErrorClass::Retriable,
        code: "sim".into(),
        message: message.into(),
        retry_after_ms: None,
        attrs: Vec::new(),
    }
}

fn failed(call: &Call, error: CallError) -> Input {
    match call {
        Call::Poll { .. } => Input::Polled { outcome: Err(error), state: Vec::new(), wall: 0 },
        _ => Input::Called(Err(error)),
    }
}
