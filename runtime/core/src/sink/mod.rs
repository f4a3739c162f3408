//! The loop of a sink task: fetch, convert, put, and now and then commit.
//!
//! Start reading at [`Sink::handle`]; every input ends in `step`, which gives out what can be done next: at most one call
//! into the connector, one request about the group, one append and one fetch at a time, so the next records are fetched while
//! the last ones are put. Owns the order of calls and commits. Leaves membership and positions to `consumer`, and calling,
//! sending and waiting to the edge. Invariant: a committed offset is never past what the connector has taken, and it is
//! appended together with the state that the connector saved with it.

mod api;
mod calls;
mod commit;
mod dead;
mod deliver;
#[cfg(test)]
mod tests;

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    string::String,
    vec::Vec,
};
use broker_core::request::Request;
use bytes::Bytes;

pub use api::{Answer, Call, Effect, Input, Lane, Output, Settings};
use commit::Commit;
use dead::Queue;
use deliver::Delivery;

use crate::{
    consumer::{Consumer, Event},
    exchange::TopicPartition,
    task::{Backoff, Count, Ended, Said, at_least_the_shortest},
    time::Now,
};

/// One sink task.
pub struct Sink {
    settings: Settings,
    consumer: Consumer,
    phase: Phase,
    incarnation: u64,
    saved: Vec<(String, Bytes)>,
    calling: Option<Calling>,
    /// Partitions to be opened, and where they start.
    to_open: Option<BTreeMap<TopicPartition, i64>>,
    /// Partitions that the connector has opened.
    opened: BTreeSet<TopicPartition>,
    letting_go: Option<LettingGo>,
    /// The connector keeps state with its offsets.
    keeps_state: bool,
    /// It took records that are not committed and come again, so it is to begin anew from the state that is.
    anew: bool,
    /// Records to be put: those being put (again) first.
    deliveries: VecDeque<Delivery>,
    put_at: Option<Now>,
    put_backoff: Backoff,
    commit: Commit,
    queue: Queue,
    used: BTreeSet<String>,
    paused: bool,
    said: Option<Said>,
    stopping: bool,
    failure: Option<String>,
    alive: bool,
    outputs: VecDeque<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Asking the cluster for the incarnation.
    Joining,
    /// The connector's `start` is called.
    Starting,
    Running,
    /// Its `stop` is called.
    Stopping,
    /// The instance is done with; the group is being left.
    Leaving,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Calling {
    Start,
    Open,
    Put,
    PreCommit,
    Close,
    Stop,
}

/// How far letting go of the partitions has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LettingGo {
    /// What was put is to be committed first.
    Commit,
    /// `close` is next.
    Close,
}

/// Deliveries that are held ready behind the one being put.
const PREFETCH: usize = 1;

impl Sink {
    /// A task that has not begun: give it [`Input::Tick`].
    pub fn new(settings: Settings) -> Self {
        Self {
            consumer: Consumer::new(settings.consumer.clone()),
            commit: Commit::new(settings.commit_ms),
            queue: Queue::default(),
            paused: settings.paused,
            settings,
            phase: Phase::Joining,
            incarnation: 0,
            saved: Vec::new(),
            calling: None,
            to_open: None,
            opened: BTreeSet::new(),
            letting_go: None,
            keeps_state: false,
            anew: false,
            deliveries: VecDeque::new(),
            put_at: None,
            put_backoff: Backoff::default(),
            used: BTreeSet::new(),
            said: None,
            stopping: false,
            failure: None,
            alive: false,
            outputs: VecDeque::new(),
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Now, input: Input) {
        if self.phase == Phase::Over {
            return;
        }
        match input {
            Input::Reply(Lane::Group, reply) => self.consumer.replied(now, reply),
            Input::Reply(Lane::Task, reply) => self.task_replied(now, reply),
            Input::Gone(why) => {
                self.fail(why);
                (self.alive, self.phase) = (false, Phase::Leaving);
                self.end();
            }
            Input::Fetched(id, fetched) => self.fetched(now, id, fetched),
            Input::Called { outcome, state, effects } => {
                self.keeps_state |= !state.is_empty();
                self.commit.save(state);
                let retry_after = effects.iter().rev().find_map(|effect| match effect {
                    Effect::RetryAfter(ms) => Some(at_least_the_shortest(*ms)),
                    _ => None,
                });
                let effects = self.take_errant(effects);
                self.called(now, outcome, retry_after);
                self.take_effects(effects);
            }
            Input::Pause => {
                self.paused = true;
                self.commit.request();
            }
            Input::Resume => (self.paused, self.put_at) = (false, None),
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
        let idle = self.calling.is_none();
        let put = self.put_at.filter(|_| idle && !self.paused && !self.deliveries.is_empty());
        let commits = idle && self.phase == Phase::Running && self.failure.is_none();
        let commit = self.commit.timeout().filter(|_| commits);
        let group =
            (self.phase != Phase::Joining && self.phase != Phase::Over).then(|| self.consumer.timeout()).flatten();
        put.into_iter().chain(commit).chain(group).min()
    }

    /// Gives out what can be done now.
    fn step(&mut self, now: Now) {
        if self.phase == Phase::Over {
            return;
        }
        self.take_events();
        if self.failure.is_some() {
            self.wind_up();
        } else {
            self.call(now);
        }
        self.ask(now);
        self.fetch(now);
        self.say();
        if self.phase == Phase::Leaving && self.consumer.is_over() && !self.commit.is_out() {
            self.end();
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.consumer.next_event() {
            match event {
                Event::Assigned(starts) => self.to_open = Some(starts),
                Event::Revoke => self.letting_go = Some(LettingGo::Commit),
                Event::Lost => {
                    self.anew |= self.commit.lost();
                    self.letting_go = Some(LettingGo::Close);
                }
                Event::Failed(why) => self.fail(why),
                Event::Warning(text) => self.warn(text),
            }
        }
        if self.letting_go.is_some() {
            self.stop_delivering();
        }
    }

    /// Nothing more is fetched or put of what is not being put.
    fn stop_delivering(&mut self) {
        if self.consumer.cancel_fetch() {
            self.outputs.push_back(Output::CancelFetch);
        }
        self.deliveries.truncate(usize::from(self.calling == Some(Calling::Put)));
    }

    fn ask(&mut self, now: Now) {
        if self.phase == Phase::Joining {
            if !self.commit.is_out() {
                self.commit.sent();
                let task = self.settings.task.cluster_name();
                let request = self.ask_queue().unwrap_or(Request::StartTask { task });
                self.outputs.push_back(Output::Request(Lane::Task, request));
            }
            return;
        }
        if let Some(append) = self.commit.next_append(now) {
            self.outputs.push_back(Output::Request(Lane::Task, Request::AtomicAppend(append)));
        }
        if self.phase != Phase::Over
            && let Some(request) = self.consumer.next_request(now)
        {
            self.outputs.push_back(Output::Request(Lane::Group, request));
        }
    }

    fn fetch(&mut self, now: Now) {
        let busy = self.deliveries.len() > PREFETCH || self.letting_go.is_some() || self.to_open.is_some();
        if self.phase != Phase::Running || busy || self.paused || self.stopping || self.failure.is_some() {
            return;
        }
        if let Some((id, fetch)) = self.consumer.next_fetch(now) {
            self.outputs.push_back(Output::Fetch(id, fetch));
        }
    }

    fn say(&mut self) {
        if self.phase != Phase::Running || self.stopping || self.failure.is_some() {
            return;
        }
        let quiet = self.calling.is_none() && !self.commit.is_pending();
        let said = match self.paused {
            true if quiet => Said::Paused,
            true => return,
            false => Said::Running,
        };
        if self.paused && self.consumer.cancel_fetch() {
            self.outputs.push_back(Output::CancelFetch);
        }
        if self.said.as_ref() != Some(&said) {
            self.said = Some(said.clone());
            self.outputs.push_back(Output::Say(said));
        }
    }

    fn fail(&mut self, trace: String) {
        self.failure.get_or_insert(trace);
        self.stop_delivering();
    }

    /// After a failure: nothing is committed any more, what is on its way is waited for.
    fn wind_up(&mut self) {
        let waits = self.calling.is_some() || self.commit.is_out() && self.commit.has_last_letters();
        if waits || matches!(self.phase, Phase::Leaving | Phase::Over) {
            return;
        }
        self.deliveries.clear();
        self.write_last_letters();
        if self.alive && self.phase != Phase::Stopping {
            self.phase = Phase::Stopping;
            self.calling = Some(Calling::Stop);
            self.outputs.push_back(Output::Call(Call::Stop));
            return;
        }
        self.leave();
    }

    fn leave(&mut self) {
        self.phase = Phase::Leaving;
        if self.consumer.cancel_fetch() {
            self.outputs.push_back(Output::CancelFetch);
        }
        self.consumer.leave();
    }

    fn end(&mut self) {
        self.phase = Phase::Over;
        let ended = self.failure.take().map_or(Ended::Stopped, |trace| Ended::Failed { trace });
        self.outputs.push_back(Output::End(ended));
    }

    fn count(&mut self, count: Count) {
        self.outputs.push_back(Output::Say(Said::Counted(count)));
    }

    fn warn(&mut self, text: String) {
        self.outputs.push_back(Output::Say(Said::Warning(text)));
    }
}
