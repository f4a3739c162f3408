//! The loop of a source task: poll, convert, append records and offsets in one entry, acknowledge, poll again.
//!
//! Start reading at [`Source::handle`]; every input ends in `step`, which gives out what can be done next: at most one call
//! into the connector and one request to the cluster at a time, so the next polls run while the last ones become durable.
//! Leaves calling, sending and waiting to the edge. Invariant: an offset is appended only together with the records before
//! it, polls are appended in their order, and an end is said only when no append is undecided.

mod api;
mod calls;
mod offsets;
mod poll;
mod ready;
mod requests;
mod size;
#[cfg(test)]
mod tests;

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    string::String,
    vec::Vec,
};
use broker_core::request::AtomicAppend;
use bytes::Bytes;

pub use api::{Call, Input, Output, Settings};
pub use offsets::of_connector as offsets_of;
pub use size::MostBytes;

use ready::Ready;

use crate::{
    exchange::{Ack, SourceBatch},
    scalar::ScalarMap,
    task::{Backoff, CallError, Count, Ended, Said},
    time::Now,
};

/// One source task.
pub struct Source {
    settings: Settings,
    phase: Phase,
    incarnation: u64,
    state: Vec<(String, Bytes)>,
    committed: Vec<(ScalarMap, ScalarMap)>,
    /// Partitions of the topics known so far.
    partitions: BTreeMap<String, i32>,
    used: BTreeSet<String>,
    /// The call that is out.
    calling: Option<Calling>,
    /// The request that is out, or that is to be sent (again).
    asking: Option<Asking>,
    asking_sent: bool,
    /// Polled and converted, not yet made into batches: its topics have to be known.
    polled: Option<Prepared>,
    /// Batches that wait for the append before them.
    ready: Ready,
    /// What the connector changed of its state since the last records.
    unsaved: BTreeMap<String, Option<Bytes>>,
    acks: VecDeque<Done>,
    commit_due: bool,
    seq: u64,
    paused: bool,
    said: Option<Said>,
    stopping: bool,
    finished: bool,
    /// Something has changed since the last poll began.
    woken: bool,
    failure: Option<String>,
    /// The connector's instance can be called (again).
    alive: bool,
    /// No poll before this moment, unless woken.
    poll_at: Option<Now>,
    /// No request before this moment.
    ask_at: Option<Now>,
    poll_backoff: Backoff,
    ask_backoff: Backoff,
    outputs: VecDeque<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Asking the cluster for incarnation, offsets and the offsets topic.
    Joining,
    /// The connector's `start` is to be called, or is.
    Starting,
    Running,
    /// Its `stop` is called.
    Stopping,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Calling {
    Start,
    Poll,
    OnAck,
    Commit,
    Stop,
}

#[derive(Clone, Debug)]
enum Asking {
    StartTask,
    Offsets,
    Topics(Vec<String>),
    /// Whether they are there; if not, they are created as the settings say.
    Find(Vec<String>),
    Create(Vec<String>),
    Append(AtomicAppend, Vec<Done>),
    /// Topics of an append that are gone: make them again first.
    Recreate(AtomicAppend, Vec<Done>),
}

/// A poll on its way into the topic.
#[derive(Debug)]
struct Prepared {
    batch: SourceBatch,
    /// Indexes of records that failed.
    failed: Vec<u32>,
    /// Records that a transform dropped.
    filtered: u32,
    state: BTreeMap<String, Option<Bytes>>,
    wall: i64,
    seq: u64,
}

/// A poll in the topic.
#[derive(Clone, Debug)]
struct Done {
    ack: Ack,
    offsets: Vec<(ScalarMap, ScalarMap)>,
}

impl Source {
    /// A task that has not begun: give it [`Input::Tick`].
    pub fn new(settings: Settings) -> Self {
        let paused = settings.paused;
        Self {
            settings,
            phase: Phase::Joining,
            incarnation: 0,
            state: Vec::new(),
            committed: Vec::new(),
            partitions: BTreeMap::new(),
            used: BTreeSet::new(),
            calling: None,
            asking: Some(Asking::StartTask),
            asking_sent: false,
            polled: None,
            ready: Ready::default(),
            unsaved: BTreeMap::new(),
            acks: VecDeque::new(),
            commit_due: false,
            seq: 0,
            paused,
            said: None,
            stopping: false,
            finished: false,
            woken: false,
            failure: None,
            alive: false,
            poll_at: None,
            ask_at: None,
            poll_backoff: Backoff::default(),
            ask_backoff: Backoff::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Now, input: Input) {
        if self.phase == Phase::Over {
            return;
        }
        match input {
            Input::Reply(reply) => self.replied(now, reply),
            Input::Gone(why) => {
                self.asking_sent = false;
                self.fail(why);
            }
            Input::Called(outcome) => self.called(outcome),
            Input::Polled { outcome, state, wall } => self.polled(now, outcome, state, wall),
            Input::Wake => (self.poll_at, self.woken) = (None, true),
            Input::Pause => self.paused = true,
            Input::Resume => (self.paused, self.poll_at) = (false, None),
            Input::Stop => self.stopping = true,
            Input::Tick => {}
        }
        self.step(now);
    }

    /// The next thing to do; `None` if there is nothing more for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to say [`Input::Tick`], if nothing else happens before.
    pub fn poll_timeout(&self) -> Option<Now> {
        let ask = self.ask_at.filter(|_| self.asking.is_some() && !self.asking_sent);
        let poll = self.poll_at.filter(|_| self.may_poll());
        ask.into_iter().chain(poll).min()
    }

    /// Gives out what can be done now.
    fn step(&mut self, now: Now) {
        if self.phase == Phase::Over {
            return;
        }
        if self.stopping && self.ask_at.is_some() {
            // Nobody waits for a cluster that does not take the records; they are polled again after the next start.
            (self.ask_at, self.asking, self.polled, self.ready) = (None, None, None, Ready::default());
        }
        if self.failure.is_some() {
            return self.wind_up();
        }
        self.prepare();
        self.ask(now);
        self.call(now);
        self.say();
    }

    /// True if everything that was polled is in the topic.
    fn is_written(&self) -> bool {
        self.polled.is_none() && self.ready.is_empty() && self.asking.is_none()
    }

    fn say(&mut self) {
        if self.phase != Phase::Running || self.stopping {
            return;
        }
        // Paused is said when nothing is on its way any more.
        let quiet = self.is_written() && self.calling.is_none() && self.acks.is_empty();
        let said = match self.paused {
            true if quiet => Said::Paused,
            true => return,
            false => Said::Running,
        };
        if self.said.as_ref() != Some(&said) {
            self.said = Some(said.clone());
            self.outputs.push_back(Output::Say(said));
        }
    }

    fn fail_call(&mut self, error: &CallError, call: &str) {
        self.alive &= !matches!(error, CallError::Trap(_));
        self.fail(error.trace(call));
    }

    /// Nothing new is begun; what is on its way is waited for.
    fn fail(&mut self, trace: String) {
        self.failure.get_or_insert(trace);
        (self.polled, self.ready) = (None, Ready::default());
        if !self.asking_sent {
            self.asking = None;
        }
    }

    fn wind_up(&mut self) {
        if self.asking_sent || self.calling.is_some() {
            return;
        }
        if self.alive && self.phase != Phase::Stopping {
            self.phase = Phase::Stopping;
            self.calling = Some(Calling::Stop);
            self.outputs.push_back(Output::Call(Call::Stop));
            return;
        }
        let trace = self.failure.take().unwrap_or_default();
        self.end(Ended::Failed { trace });
    }

    fn end(&mut self, ended: Ended) {
        self.phase = Phase::Over;
        self.outputs.push_back(Output::End(ended));
    }

    fn count(&mut self, count: Count) {
        self.outputs.push_back(Output::Say(Said::Counted(count)));
    }

    fn warn(&mut self, text: String) {
        self.outputs.push_back(Output::Say(Said::Warning(text)));
    }
}
