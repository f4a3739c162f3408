//! What is measured of one run of a task.
//!
//! Owns the numbers behind `connector-task-metrics`, `source-task-metrics`, `sink-task-metrics` and `task-error-metrics`. The loop of the
//! task says what has happened, once per call of the connector or answer of the cluster. Invariant: a total never goes back.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use runtime_core::{herder::Direction, task::Count};

use crate::cluster::wall_ms;

use super::{
    Fact,
    errors::Errors,
    window::{Sampling, Window},
};

/// The meter of a run.
pub struct TaskMeter {
    direction: Direction,
    began: Instant,
    numbers: Mutex<Numbers>,
    facts: Mutex<Vec<Fact>>,
}

/// A total, and its rate.
pub struct Flow {
    /// Since the run began.
    pub total: u64,
    /// The last while.
    pub window: Window,
}

impl Flow {
    pub fn new(sampling: Sampling) -> Self {
        Self { total: 0, window: Window::new(sampling) }
    }

    fn add(&mut self, now_ms: u64, count: u64) {
        if count > 0 {
            self.total += count;
            self.window.record(now_ms, count as f64);
        }
    }
}

/// Everything there is to show.
pub struct Numbers {
    /// Records in: polled from the source, read from topics.
    pub taken: Flow,
    /// Records out: written to topics, put into the sink.
    pub given: Flow,
    /// Taken, and neither given nor dropped yet.
    pub active: Window,
    /// Of the last value of `active`.
    pub active_now: u64,
    /// Records of each call.
    pub batch: Window,
    /// Milliseconds of each `poll` with records, or `put`.
    pub call_ms: Window,
    /// Commits that succeeded; and 1 or 0 for each that was tried.
    pub commits: Flow,
    /// 1 for each commit that succeeded, 0 for each that failed.
    pub commit_success: Window,
    /// Milliseconds of each commit.
    pub commit_ms: Window,
    /// Partitions that a sink reads.
    pub partitions: u64,
    /// A sink's commits with nothing in them.
    pub commits_skipped: Flow,
    /// What went wrong with records.
    pub errors: Errors,
    failed: bool,
    running: Spent,
    paused: Spent,
}

/// Time in one state.
#[derive(Default)]
struct Spent {
    before: Duration,
    since: Option<Instant>,
}

impl Spent {
    fn set(&mut self, on: bool) {
        match (self.since, on) {
            (None, true) => self.since = Some(Instant::now()),
            (Some(since), false) => {
                self.before += since.elapsed();
                self.since = None;
            }
            _ => {}
        }
    }

    fn whole(&self) -> Duration {
        self.before + self.since.map(|since| since.elapsed()).unwrap_or_default()
    }
}

impl TaskMeter {
    /// A meter of a run that begins. `clock` is when time 0 was.
    pub fn new(direction: Direction, sampling: Sampling, clock: Instant) -> Self {
        let (flow, window) = (|| Flow::new(sampling), || Window::new(sampling));
        let numbers = Numbers {
            taken: flow(),
            given: flow(),
            active: window(),
            active_now: 0,
            batch: window(),
            call_ms: window(),
            commits: flow(),
            commit_success: window(),
            commit_ms: window(),
            partitions: 0,
            commits_skipped: flow(),
            errors: Errors::default(),
            failed: false,
            running: Spent::default(),
            paused: Spent::default(),
        };
        Self { direction, began: clock, numbers: Mutex::new(numbers), facts: Mutex::default() }
    }

    /// What the task is made of.
    pub fn describe(&self, facts: Vec<Fact>) {
        *self.facts.lock().unwrap_or_else(PoisonError::into_inner) = facts;
    }

    /// What [`TaskMeter::describe`] said.
    pub fn facts(&self) -> Vec<Fact> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Which way its records go.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows the numbers, with the time they are measured by.
    pub fn show(&self, with: impl FnOnce(&Numbers, u64)) {
        with(&self.numbers(), self.now_ms());
    }

    /// Records were polled or read. `took` is what a poll took.
    pub fn taken(&self, count: u64, took: Option<Duration>) {
        let now = self.now_ms();
        let mut numbers = self.numbers();
        numbers.taken.add(now, count);
        if let Some(took) = took.filter(|_| count > 0) {
            numbers.call(now, count, took);
        }
        numbers.move_active(now, count, 0);
    }

    /// Records were put into the sink.
    pub fn put(&self, count: u64, took: Duration) {
        let now = self.now_ms();
        let mut numbers = self.numbers();
        numbers.given.add(now, count);
        numbers.call(now, count, took);
        numbers.move_active(now, 0, count);
    }

    /// A source's records are in their topics, and its offsets with them; some were dropped.
    pub fn written(&self, delivered: u64, dropped: u64) {
        let now = self.now_ms();
        let mut numbers = self.numbers();
        numbers.given.add(now, delivered);
        numbers.move_active(now, 0, delivered + dropped);
    }

    /// Offsets were committed, or could not be.
    pub fn committed(&self, succeeded: bool, took: Duration) {
        let now = self.now_ms();
        let mut numbers = self.numbers();
        numbers.commits.add(now, succeeded.into());
        numbers.commit_success.record(now, if succeeded { 1.0 } else { 0.0 });
        numbers.commit_ms.record(now, took.as_secs_f64() * 1_000.0);
    }

    /// A sink has so many partitions more, or fewer.
    pub fn partitions(&self, more: usize, fewer: usize) {
        let mut numbers = self.numbers();
        numbers.partitions = (numbers.partitions + more as u64).saturating_sub(fewer as u64);
        if fewer > 0 {
            // What was on its way comes again to whoever gets the partitions.
            numbers.active_now = 0;
        }
    }

    /// The loop has counted something.
    pub fn counted(&self, count: Count) {
        let now = self.now_ms();
        let mut numbers = self.numbers();
        match count {
            Count::Filtered(records) => numbers.move_active(now, 0, records),
            Count::CommitSkipped => numbers.commits_skipped.add(now, 1),
            // Those that are left out are not on their way any more; a source's are acknowledged later.
            Count::Failed { records, tolerated: true } if self.direction == Direction::Sink => {
                numbers.move_active(now, 0, records);
                numbers.errors.count(count, wall_ms());
            }
            _ => numbers.errors.count(count, wall_ms()),
        }
    }

    /// An error is in the log (`errors.log.enable`).
    pub fn logged(&self) {
        self.numbers().errors.logged += 1;
    }

    /// The task has failed.
    pub fn failed(&self) {
        self.numbers().failed = true;
    }

    /// True once it has failed.
    pub fn has_failed(&self) -> bool {
        self.numbers().failed
    }

    /// It runs, or is paused.
    pub fn is(&self, paused: bool) {
        let mut numbers = self.numbers();
        numbers.running.set(!paused);
        numbers.paused.set(paused);
    }
}

impl Numbers {
    fn call(&mut self, now: u64, count: u64, took: Duration) {
        self.batch.record(now, count as f64);
        self.call_ms.record(now, took.as_secs_f64() * 1_000.0);
    }

    fn move_active(&mut self, now: u64, more: u64, fewer: u64) {
        self.active_now = (self.active_now + more).saturating_sub(fewer);
        self.active.record(now, self.active_now as f64);
    }

    /// Parts of the run's time that it was running, and paused.
    pub fn ratios(&self) -> (f64, f64) {
        let (running, paused) = (self.running.whole().as_secs_f64(), self.paused.whole().as_secs_f64());
        let all = running + paused;
        if all == 0.0 { (0.0, 0.0) } else { (running / all, paused / all) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sources_records_are_active_until_they_are_written() {
        let meter = TaskMeter::new(Direction::Source, Sampling { width_ms: 1_000, samples: 2 }, Instant::now());
        meter.taken(10, Some(Duration::from_millis(4)));
        meter.taken(0, Some(Duration::from_secs(9)));
        meter.written(7, 2);
        meter.committed(true, Duration::from_millis(2));
        meter.show(|numbers, now| {
            assert_eq!((numbers.taken.total, numbers.given.total, numbers.active_now), (10, 7, 1));
            assert_eq!((numbers.batch.max(now), numbers.call_ms.max(now)), (10.0, 4.0));
            assert_eq!((numbers.commits.total, numbers.commit_success.avg(now)), (1, 1.0));
        });
    }

    #[test]
    fn a_sinks_partitions_and_times() {
        let meter = TaskMeter::new(Direction::Sink, Sampling { width_ms: 1_000, samples: 2 }, Instant::now());
        meter.partitions(3, 0);
        meter.partitions(0, 1);
        meter.is(true);
        meter.show(|numbers, _| assert_eq!((numbers.partitions, numbers.ratios().0), (2, 0.0)));
    }
}
