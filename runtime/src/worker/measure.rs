//! What a task's loop tells its meter: read off the inputs and outputs that pass through the loop anyway.
//!
//! Invariant: nothing here decides or waits; a loop without it would do the same.

use std::time::Instant;

use broker_core::request::{Reply, Request};
use runtime_core::{
    exchange::Polled,
    sink, source,
    task::{Ended, Said},
};

use crate::metrics::{Fact, Metered};

/// A meter, and what it has to remember between two of its readings.
pub(super) struct Measure {
    meter: Metered,
    called: Instant,
    asked: Instant,
    /// Records of the `put` that is out.
    putting: u64,
}

impl Measure {
    pub fn new(meter: Metered) -> Self {
        Self { meter, called: Instant::now(), asked: Instant::now(), putting: 0 }
    }

    /// What the task is made of.
    pub fn describe(&self, facts: Vec<Fact>) {
        self.meter.describe(facts);
    }

    /// The source's machine wants this done.
    pub fn source_begins(&mut self, output: &source::Output) {
        match output {
            source::Output::Request(request) => self.asks(request),
            source::Output::Call(call) => {
                self.called = Instant::now();
                if let source::Call::OnAck { acks, .. } = call {
                    for ack in acks {
                        let dropped = u64::from(ack.filtered) + ack.failed.len() as u64;
                        self.meter.written(ack.delivered.into(), dropped);
                    }
                }
            }
            source::Output::Say(_) | source::Output::End(_) => {}
        }
    }

    /// The source's machine will be told this.
    pub fn source_got(&mut self, input: &source::Input) {
        match input {
            source::Input::Polled { outcome: Ok(Polled::Records(batch)), .. } => {
                self.meter.taken(batch.records.count.into(), Some(self.called.elapsed()));
            }
            source::Input::Reply(reply) => self.answered(reply),
            _ => {}
        }
    }

    /// The sink's machine wants this done.
    pub fn sink_begins(&mut self, output: &sink::Output) {
        match output {
            sink::Output::Request(_, request) => self.asks(request),
            sink::Output::Call(call) => {
                self.called = Instant::now();
                match call {
                    sink::Call::Put(batch) => self.putting = batch.count.into(),
                    sink::Call::Open(partitions) => self.meter.partitions(partitions.len(), 0),
                    sink::Call::Close(partitions) => self.meter.partitions(0, partitions.len()),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// The sink's machine will be told this.
    pub fn sink_got(&mut self, input: &sink::Input) {
        match input {
            sink::Input::Fetched(_, Ok(fetched)) => self.meter.taken(fetched.records.count.into(), None),
            sink::Input::Called { outcome: Ok(sink::Answer::Put(_)), .. } => {
                self.meter.put(self.putting, self.called.elapsed());
            }
            sink::Input::Reply(_, reply) => self.answered(reply),
            _ => {}
        }
    }

    /// The herder is told this.
    pub fn says(&self, said: &Said) {
        match said {
            Said::Running => self.meter.is(false),
            Said::Paused => self.meter.is(true),
            Said::Counted(count) => self.meter.counted(*count),
            Said::Error(_) => self.meter.logged(),
            Said::TopicUsed(_) | Said::Warning(_) => {}
        }
    }

    /// The run is over.
    pub fn ends(&mut self, ended: &Result<Ended, String>) {
        if !matches!(ended, Ok(Ended::Stopped)) {
            self.meter.failed();
        }
    }

    fn asks(&mut self, request: &Request) {
        if matches!(request, Request::AtomicAppend(_)) {
            self.asked = Instant::now();
        }
    }

    fn answered(&self, reply: &Reply) {
        if let Reply::AtomicAppend(outcome) = reply {
            self.meter.committed(outcome.is_ok(), self.asked.elapsed());
        }
    }
}
