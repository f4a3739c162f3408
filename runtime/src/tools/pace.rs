//! No more than so many in a second.

use std::time::{Duration, Instant};

/// Longest sleep at a time: whoever is told to stop should not wait long.
const LONGEST: Duration = Duration::from_millis(100);

/// Holds back who goes faster than a rate.
pub struct Pace {
    began: Instant,
    rate: Option<u64>,
}

impl Pace {
    /// From now on; no rate is no limit.
    pub fn new(rate: Option<u64>) -> Self {
        Self { began: Instant::now(), rate }
    }

    /// Sleeps if `done` are more than there should be by now.
    pub fn hold(&self, done: u64) {
        let Some(rate) = self.rate else { return };
        let due = Duration::from_secs_f64(done as f64 / rate as f64);
        if let Some(early) = due.checked_sub(self.began.elapsed()) {
            std::thread::sleep(early.min(LONGEST));
        }
    }
}
