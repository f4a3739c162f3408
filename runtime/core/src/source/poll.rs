//! From a poll's answer to records in the topic's form: the records that fail on the way are dealt with by the task's policy.
//!
//! Leaves what becomes of them to `ready` and `requests`. Invariant: what one poll gave stays together, with the state saved beside it.

use alloc::{format, vec::Vec};

use super::{Calling, Output, Prepared, Source};
use crate::{
    columns::without,
    errors::{Failed, Stage},
    exchange::{Polled, SourceBatch},
    record::Batch,
    task::{CallError, Count, Said, StateChange},
    time::Now,
};

/// The shortest wait after a poll that gave nothing: asking is not free.
const IDLE_MS: u64 = 10;

impl Source {
    pub(super) fn polled(&mut self, now: Now, outcome: Result<Polled, CallError>, state: Vec<StateChange>, wall: i64) {
        if self.calling.take() != Some(Calling::Poll) {
            return;
        }
        // What it changed without records goes with the next ones.
        self.unsaved.extend(state);
        match outcome {
            Ok(polled) => {
                self.poll_backoff.reset();
                match polled {
                    Polled::Records(batch) if batch.is_empty() => self.poll_at = Some(now.plus(IDLE_MS)),
                    Polled::Records(batch) => self.convert(batch, wall),
                    // What changed while it was called, it may not have seen.
                    Polled::Idle(_) if self.woken => self.poll_at = None,
                    Polled::Idle(ms) => self.poll_at = Some(now.plus(u64::from(ms).max(IDLE_MS))),
                    Polled::Finished => self.finished = true,
                }
            }
            Err(error) if error.is_retriable() => {
                let wait = error.retry_after_ms().unwrap_or_else(|| self.poll_backoff.next_ms());
                self.warn(error.trace("poll"));
                self.count(Count::Retried);
                self.poll_at = Some(now.plus(wait));
            }
            Err(error) => self.fail_call(&error, "poll"),
        }
    }

    fn convert(&mut self, mut batch: SourceBatch, wall: i64) {
        let records = core::mem::take(&mut batch.records);
        let mut outcome = self.settings.transforms.source(records, &self.settings.converters);
        if !self.go_on_without(&outcome.failures, outcome.came()) {
            return;
        }
        let mut failed: Vec<u32> = outcome.failures.iter().map(|failed| failed.index).collect();
        let too_large = self.settings.most.too_large(&outcome.records);
        if !too_large.is_empty() {
            if !self.go_on_without(&too_large, &outcome.records) {
                return;
            }
            let gone: Vec<u32> = too_large.iter().map(|failed| failed.index).collect();
            outcome.records = without(&outcome.records, &gone).unwrap_or_default();
            failed.extend(gone.iter().map(|at| outcome.origin.get(*at as usize).unwrap_or(at)));
            failed.sort_unstable();
        }
        batch.records = outcome.records;
        let state = core::mem::take(&mut self.unsaved);
        self.polled = Some(Prepared { batch, failed, filtered: outcome.filtered, state, wall, seq: self.seq });
    }

    /// Records have failed at one stage, the same for all: they are logged and counted. False if the task has failed with them.
    fn go_on_without(&mut self, failures: &[Failed], came: &Batch) -> bool {
        let policy = self.settings.errors;
        let Some(first) = failures.first() else { return true };
        // The first one ends the task, and those behind it were not looked at, as it were.
        let failures = if policy.tolerate { failures } else { &failures[..1] };
        for failed in failures.iter().filter(|_| policy.log) {
            let line = failed.log_line(&self.settings.task, came, policy.log_messages);
            self.outputs.push_back(Output::Say(Said::Error(line)));
        }
        let (records, tolerated) = (failures.len() as u64, policy.tolerate);
        self.count(match first.stage {
            Stage::KafkaProduce => Count::Reported { records, tolerated },
            _ => Count::Failed { records, tolerated },
        });
        match tolerated {
            true => self.warn(format!("{records} records are left out; the first because: {}", first.fault)),
            false => self.fail(first.trace(came)),
        }
        tolerated
    }
}
