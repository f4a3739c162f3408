//! Which call into the connector comes next, and what follows from its end.
//!
//! Invariant: one call is out at a time, and `stop` is called once everything that was polled is in the topic.

use alloc::vec::Vec;

use super::{Call, Calling, Output, Phase, Settings, Source};
use crate::{
    task::{CallError, Ended},
    time::Now,
};

impl Source {
    pub(super) fn call(&mut self, now: Now) {
        if self.calling.is_some() {
            return;
        }
        let (calling, call) = match self.phase {
            Phase::Starting if self.stopping => return self.end(Ended::Stopped),
            Phase::Starting => {
                let (state, offsets) = (core::mem::take(&mut self.state), core::mem::take(&mut self.committed));
                self.alive = true;
                (Calling::Start, Call::Start { state, offsets })
            }
            Phase::Running => match self.next_call(now) {
                Some(next) => next,
                None => return,
            },
            Phase::Joining if self.stopping && !self.asking_sent => return self.end(Ended::Stopped),
            Phase::Joining | Phase::Stopping | Phase::Over => return,
        };
        self.calling = Some(calling);
        self.outputs.push_back(Output::Call(call));
    }

    fn next_call(&mut self, now: Now) -> Option<(Calling, Call)> {
        if !self.acks.is_empty() {
            let (mut acks, mut offsets) = (Vec::new(), Vec::new());
            for done in self.acks.drain(..) {
                acks.push(done.ack);
                offsets.extend(done.offsets);
            }
            self.commit_due = true;
            return Some((Calling::OnAck, Call::OnAck { acks, offsets }));
        }
        if core::mem::take(&mut self.commit_due) {
            return Some((Calling::Commit, Call::Commit));
        }
        if self.stopping && self.is_written() {
            self.phase = Phase::Stopping;
            return Some((Calling::Stop, Call::Stop));
        }
        if self.may_poll() && self.poll_at.is_none_or(|at| at <= now) {
            self.seq += 1;
            (self.poll_at, self.woken) = (None, false);
            let Settings { max_records, max_bytes, .. } = self.settings;
            return Some((Calling::Poll, Call::Poll { seq: self.seq, max_records, max_bytes }));
        }
        None
    }

    pub(super) fn may_poll(&self) -> bool {
        let room = self.ready.has_room(self.settings.max_append_bytes);
        let idle = self.calling.is_none() && self.polled.is_none() && room;
        self.phase == Phase::Running && idle && !self.paused && !self.stopping && !self.finished
    }

    pub(super) fn called(&mut self, outcome: Result<(), CallError>) {
        let Some(calling) = self.calling.take() else { return };
        match (calling, outcome) {
            (Calling::Start, Ok(())) => self.phase = Phase::Running,
            (Calling::Start, Err(error)) => self.fail_call(&error, "start"),
            (Calling::Stop, outcome) => {
                self.alive = false;
                match (self.failure.take(), outcome) {
                    (Some(trace), _) => self.end(Ended::Failed { trace }),
                    (None, Err(error @ CallError::Trap(_))) => self.end(Ended::Failed { trace: error.trace("stop") }),
                    (None, _) => self.end(Ended::Stopped),
                }
            }
            (Calling::OnAck, Err(error)) => self.fail_call(&error, "on-ack"),
            (Calling::Commit, Err(error @ CallError::Trap(_))) => self.fail_call(&error, "commit"),
            // As in Kafka, an error of `commit` is told and passed over: the offsets are durable already.
            (Calling::Commit, Err(error)) => self.warn(error.trace("commit")),
            (Calling::OnAck | Calling::Commit | Calling::Poll, _) => {}
        }
    }
}
