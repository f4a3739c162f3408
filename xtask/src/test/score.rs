//! How many tests passed, failed and were skipped, and how the runners say so.
//!
//! Invariant: a line that is no closing line counts nothing.

use std::fmt;

/// A count of tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    /// Those that passed.
    pub passed: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that could not run.
    pub skipped: u64,
}

impl Score {
    /// So many passed.
    pub fn passed(passed: u64) -> Score {
        Score { passed, ..Score::default() }
    }

    /// So many failed.
    pub fn failed(failed: u64) -> Score {
        Score { failed, ..Score::default() }
    }

    /// A suite that could not run; says what it needs.
    pub fn skipped(needs: &str) -> Score {
        println!("skipped: needs {needs}");
        Score { skipped: 1, ..Score::default() }
    }

    /// One test by itself; prints its line, and why it failed.
    pub fn told(name: &str, outcome: anyhow::Result<()>) -> Score {
        match outcome {
            Ok(()) => {
                println!("ok     {name}");
                Score::passed(1)
            }
            Err(why) => {
                println!("FAILED {name}\n{why:#}");
                Score::failed(1)
            }
        }
    }

    /// The end of a command that compares answers: prints the count, and fails if any differs.
    pub fn all_equal(self) -> anyhow::Result<()> {
        println!("\n{self}");
        anyhow::ensure!(self.failed == 0, "{} answers differ", self.failed);
        Ok(())
    }

    /// Adds another count.
    pub fn add(&mut self, other: Score) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// What a runner's closing line says: cargo's `test result: ...`, pytest's `=== ... in 1.00s ===`,
    /// those of node's test runner, and Go's line for each test (parts of a test, indented, are no tests). Any other line is nothing.
    pub fn read(line: &str) -> Score {
        match line.strip_prefix("--- ").and_then(|rest| rest.split_once(": ")) {
            Some(("PASS", _)) => return Score::passed(1),
            Some(("FAIL", _)) => return Score::failed(1),
            Some(("SKIP", _)) => return Score { skipped: 1, ..Score::default() },
            _ => {}
        }
        let plain = line.trim();
        if let Some(counts) = plain.strip_prefix("test result: ") {
            return Score { skipped: 0, ..Score::count(counts) };
        }
        if let Some((what, number)) = plain.strip_prefix("# ").and_then(|rest| rest.split_once(' ')) {
            return match (what, number.parse()) {
                ("pass", Ok(passed)) => Score::passed(passed),
                ("fail" | "cancelled", Ok(failed)) => Score::failed(failed),
                ("skipped", Ok(skipped)) => Score { skipped, ..Score::default() },
                _ => Score::default(),
            };
        }
        match plain.strip_prefix("==").and_then(|rest| rest.strip_suffix("==")) {
            Some(counts) if counts.contains(" in ") => Score::count(counts),
            _ => Score::default(),
        }
    }

    fn count(text: &str) -> Score {
        let words: Vec<&str> = text.split([' ', ',', ';', '.']).filter(|word| !word.is_empty()).collect();
        let mut score = Score::default();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<u64>() else {
                continue;
            };
            match pair[1] {
                "passed" => score.passed += number,
                "failed" | "error" | "errors" => score.failed += number,
                "skipped" => score.skipped += number,
                _ => {}
            }
        }
        score
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Score;

    #[test]
    fn closing_lines_are_read_and_others_are_not() {
        let check = |line: &str, passed, failed, skipped| {
            assert_eq!(Score::read(line), Score { passed, failed, skipped }, "{line}");
        };
        check("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s", 3, 0, 0);
        check(
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            3,
            2,
            0,
        );
        check("========= 5 passed in 2.10s =========", 5, 0, 0);
        check("==== 1 failed, 5 passed, 2 skipped, 1 warning in 2.10s ====", 5, 1, 2);
        check("==== 1 passed, 1 error in 2.10s ====", 1, 1, 0);
        check("--- PASS: TestProduce (0.91s)", 1, 0, 0);
        check("    --- PASS: TestProduce/gzip (0.16s)", 0, 0, 0);
        check("--- FAIL: TestProduce (0.91s)", 0, 1, 0);
        check("--- SKIP: TestProduce (0.00s)", 0, 0, 1);
        check("# pass 5", 5, 0, 0);
        check("# fail 1", 0, 1, 0);
        check("# skipped 2", 0, 0, 2);
        check("# pass this on", 0, 0, 0);
        check("test wire::tests::it ... ok", 0, 0, 0);
        check("7 passed, 2 failed", 0, 0, 0);
    }

    #[test]
    fn the_sum_is_a_plain_line() {
        let mut sum = Score::passed(2);
        sum.add(Score::failed(1));
        assert_eq!(sum.to_string(), "2 passed, 1 failed");
        sum.skipped = 1;
        assert_eq!(sum.to_string(), "2 passed, 1 failed, 1 skipped");
    }
}
