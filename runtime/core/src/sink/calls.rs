//! Which call into the connector comes next, and what follows from its end.
//!
//! Leaves a put's end to `deliver` and a commit's to `commit`. Invariant: one call is out at a time, and partitions are closed only when
//! what was put of them is committed, or cannot be any more.

use alloc::{format, vec::Vec};

use super::{Answer, Call, Calling, Effect, LettingGo, Output, Phase, Sink};
use crate::{task::CallError, time::Now};

impl Sink {
    pub(super) fn call(&mut self, now: Now) {
        if self.calling.is_some() {
            return;
        }
        let next = match self.phase {
            Phase::Starting if self.stopping => {
                self.leave();
                None
            }
            Phase::Starting => {
                self.alive = true;
                self.keeps_state |= !self.saved.is_empty();
                Some((Calling::Start, Call::Start { state: core::mem::take(&mut self.saved) }))
            }
            Phase::Running => self.next_call(now),
            Phase::Joining | Phase::Stopping | Phase::Leaving | Phase::Over => None,
        };
        if let Some((calling, call)) = next {
            self.calling = Some(calling);
            self.outputs.push_back(Output::Call(call));
        }
    }

    fn next_call(&mut self, now: Now) -> Option<(Calling, Call)> {
        if self.stopping && self.letting_go.is_none() {
            self.letting_go = Some(LettingGo::Commit);
            self.to_open = None;
        }
        if let Some(letting_go) = self.letting_go {
            return self.let_go(letting_go);
        }
        if let Some(starts) = self.to_open.take() {
            self.commit.assigned(now, &starts);
            self.opened = starts.into_keys().collect();
            let tps: Vec<_> = self.opened.iter().cloned().collect();
            return (!tps.is_empty()).then_some((Calling::Open, Call::Open(tps)));
        }
        self.pass_empty();
        if self.commit.is_due(now) {
            return Some((Calling::PreCommit, Call::PreCommit(self.commit.current())));
        }
        if self.paused || self.put_at.is_some_and(|at| now < at) || self.commit.holds_puts() {
            return None;
        }
        let delivery = self.deliveries.front()?;
        self.put_at = None;
        Some((Calling::Put, Call::Put(delivery.records.clone())))
    }

    fn let_go(&mut self, letting_go: LettingGo) -> Option<(Calling, Call)> {
        self.stop_delivering();
        if letting_go == LettingGo::Commit {
            if !self.commit.settle() {
                return None;
            }
            self.letting_go = Some(LettingGo::Close);
            if self.commit.has_more() {
                return Some((Calling::PreCommit, Call::PreCommit(self.commit.current())));
            }
        }
        // An append is waited for: its partitions are let go only when it is decided.
        if self.commit.is_pending() {
            return None;
        }
        self.anew |= self.commit.has_more();
        self.commit.forget_offsets();
        if !self.opened.is_empty() {
            let tps = core::mem::take(&mut self.opened).into_iter().collect();
            return Some((Calling::Close, Call::Close(tps)));
        }
        self.letting_go = None;
        if !self.stopping && !core::mem::take(&mut self.anew) | !self.keeps_state {
            self.consumer.revoked();
            return None;
        }
        self.phase = Phase::Stopping;
        Some((Calling::Stop, Call::Stop))
    }

    /// The instance has stopped though the task goes on: the next one starts from the state that is committed, as after a crash, so that
    /// a connector which keeps its place in that state takes back what comes again.
    fn begin_anew(&mut self) {
        self.warn("what was put since the last commit comes again: the connector is started anew".into());
        self.commit.forget_state();
        self.consumer.revoked();
        self.phase = Phase::Joining;
    }

    pub(super) fn called(&mut self, now: Now, outcome: Result<Answer, CallError>, retry_after: Option<u64>) {
        let Some(calling) = self.calling.take() else { return };
        match (calling, outcome) {
            (Calling::Start, Ok(_)) => self.phase = Phase::Running,
            (Calling::Start, Err(error)) => self.fail_call(&error, "start"),
            (Calling::Open, Err(error)) => self.fail_call(&error, "open"),
            (Calling::Put, outcome) => self.was_put(now, outcome, retry_after),
            (Calling::PreCommit, Ok(Answer::PreCommit(safe))) => self.commit_these(safe),
            (Calling::PreCommit, Err(error)) => self.pre_commit_failed(&error),
            (Calling::Close, Err(error)) => self.fail_call(&error, "close"),
            (Calling::Stop, outcome) => {
                self.alive = false;
                if let Err(error @ CallError::Trap(_)) = outcome {
                    self.fail(error.trace("stop"));
                }
                match self.stopping || self.failure.is_some() {
                    true => self.leave(),
                    false => self.begin_anew(),
                }
            }
            (Calling::Open | Calling::Close, Ok(_)) => {}
            (Calling::PreCommit, Ok(answer)) => self.fail(format!("pre-commit answered {answer:?}")),
        }
    }

    pub(super) fn take_effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Pause(tps) => self.set_paused(&tps, true),
                Effect::Resume(tps) => self.set_paused(&tps, false),
                Effect::Seek(offsets) => self.seek(&offsets),
                Effect::RequestCommit => self.commit.request(),
                Effect::RetryAfter(_) => {}
                Effect::Errant(..) => {}
            }
        }
    }

    /// Records that the connector reported are dealt with while their delivery is still there.
    pub(super) fn take_errant(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let (mut errors, mut others) = (Vec::new(), Vec::new());
        for effect in effects {
            match effect {
                Effect::Errant(index, error) => errors.push((index, error)),
                other => others.push(other),
            }
        }
        if self.calling == Some(Calling::Put) && !errors.is_empty() {
            self.records_refused(errors);
        }
        others
    }

    pub(super) fn fail_call(&mut self, error: &CallError, call: &str) {
        self.alive &= !matches!(error, CallError::Trap(_));
        self.fail(error.trace(call));
    }
}
