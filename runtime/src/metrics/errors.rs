//! `task-error-metrics` (contract 9.1), counted as Kafka's `RetryWithToleranceOperator` and `WorkerErrantRecordReporter` do.

use runtime_core::task::Count;

/// What went wrong with a task's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    /// Records that failed.
    pub failures: u64,
    /// Of those, without what a sink reported and was tolerated.
    pub errors: u64,
    /// Records left out.
    pub skipped: u64,
    /// Calls and appends tried again.
    pub retries: u64,
    /// Lines in the log.
    pub logged: u64,
    /// Records for the dead letter queue.
    pub letters: u64,
    /// Of those, not written.
    pub letters_lost: u64,
    /// Milliseconds since 1970 of the last failure; 0 for none.
    pub last_ms: i64,
}

impl Errors {
    /// Takes in what a task's loop has counted, at this time.
    pub fn count(&mut self, count: Count, wall_ms: i64) {
        match count {
            Count::Failed { records, tolerated } => {
                self.failures += records;
                self.errors += records;
                self.skipped += if tolerated { records } else { 0 };
                self.last_ms = wall_ms;
            }
            Count::Reported { records, tolerated } => {
                self.failures += records;
                self.errors += if tolerated { 0 } else { records };
                self.last_ms = wall_ms;
            }
            Count::Retried => self.retries += 1,
            Count::DeadLetters(records) => self.letters += records,
            Count::DeadLettersLost(records) => self.letters_lost += records,
            Count::CommitSkipped | Count::Filtered(_) => {}
        }
    }

    /// Kafka's attributes.
    pub fn rows(&self) -> [(&'static str, f64); 8] {
        [
            ("total-record-failures", self.failures as f64),
            ("total-record-errors", self.errors as f64),
            ("total-records-skipped", self.skipped as f64),
            ("total-retries", self.retries as f64),
            ("total-errors-logged", self.logged as f64),
            ("deadletterqueue-produce-requests", self.letters as f64),
            ("deadletterqueue-produce-failures", self.letters_lost as f64),
            ("last-error-timestamp", self.last_ms as f64),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What one thing moves: failures, errors, skipped, retries, letters, lost letters, time.
    fn check(count: Count, expected: [u64; 7]) {
        let mut errors = Errors::default();
        errors.count(count, 9);
        let Errors { failures, errors, skipped, retries, letters, letters_lost, last_ms, .. } = errors;
        assert_eq!([failures, errors, skipped, retries, letters, letters_lost, last_ms as u64], expected, "{count:?}");
    }

    #[test]
    fn each_count_moves_what_it_moves_in_kafka() {
        check(Count::Failed { records: 2, tolerated: true }, [2, 2, 2, 0, 0, 0, 9]);
        check(Count::Failed { records: 1, tolerated: false }, [1, 1, 0, 0, 0, 0, 9]);
        check(Count::Reported { records: 3, tolerated: true }, [3, 0, 0, 0, 0, 0, 9]);
        check(Count::Reported { records: 1, tolerated: false }, [1, 1, 0, 0, 0, 0, 9]);
        check(Count::Retried, [0, 0, 0, 1, 0, 0, 0]);
        check(Count::DeadLetters(4), [0, 0, 0, 0, 4, 0, 0]);
        check(Count::DeadLettersLost(5), [0, 0, 0, 0, 0, 5, 0]);
        check(Count::CommitSkipped, [0, 0, 0, 0, 0, 0, 0]);
    }
}
