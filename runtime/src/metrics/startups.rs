//! How many connectors and tasks were started, and how that went.

use std::collections::BTreeSet;

use runtime_core::herder::Run;

/// What is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A connector's instance.
    Connector,
    /// A task.
    Task,
}

impl Kind {
    /// As metrics call it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Connector => "connector",
            Kind::Task => "task",
        }
    }
}

/// Starts since the worker's own.
#[derive(Debug, Default)]
pub struct Startups {
    /// Begun, and neither up nor failed.
    pending: BTreeSet<(Kind, Run)>,
    counts: [Counts; 2],
}

/// Of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that are up, or were.
    pub succeeded: u64,
    /// Those that never came up.
    pub failed: u64,
    /// All that were begun.
    pub attempts: u64,
}

impl Startups {
    /// A start begins.
    pub fn begun(&mut self, kind: Kind, run: Run) {
        if self.pending.insert((kind, run)) {
            self.counts[kind as usize].attempts += 1;
        }
    }

    /// It is up (true), or has failed. What is said again, or after a success, counts no more.
    pub fn ended(&mut self, kind: Kind, run: Run, up: bool) {
        if self.pending.remove(&(kind, run)) {
            let counts = &mut self.counts[kind as usize];
            let count = if up { &mut counts.succeeded } else { &mut counts.failed };
            *count += 1;
        }
    }

    /// It was stopped before it was up; neither a success nor a failure.
    pub fn given_up(&mut self, kind: Kind, run: Run) {
        self.pending.remove(&(kind, run));
    }

    /// The counts of a kind.
    pub fn of(&self, kind: Kind) -> Counts {
        self.counts[kind as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_counts_once() {
        let mut startups = Startups::default();
        (1..=3).for_each(|run| startups.begun(Kind::Task, Run(run)));
        startups.ended(Kind::Task, Run(1), true);
        startups.ended(Kind::Task, Run(1), false);
        startups.ended(Kind::Task, Run(2), false);
        startups.given_up(Kind::Task, Run(3));
        startups.ended(Kind::Task, Run(3), true);
        assert_eq!(startups.of(Kind::Task), Counts { succeeded: 1, failed: 1, attempts: 3 });
        assert_eq!(startups.of(Kind::Connector), Counts::default());
    }
}
