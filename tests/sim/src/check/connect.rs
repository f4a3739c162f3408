//! Promise: every line of a source arrives in the topic once and in order, and in the sink's file once and in order.
//!
//! Owns the lines. Leaves where they are read from to `workload`.

use super::Checked;
use crate::broken;

/// The checker.
#[derive(Default)]
pub struct ConnectCheck {
    lines: u64,
}

impl ConnectCheck {
    /// So many lines are in the source by now.
    pub fn written(&mut self, lines: u64) {
        self.lines = self.lines.max(lines);
    }

    /// These values were found in order; all of them are lines, and if `all`, all lines.
    pub fn found<'a>(&self, place: &str, values: impl Iterator<Item = &'a [u8]>, all: bool) -> Checked {
        let mut expected = 0;
        for value in values {
            let line = core::str::from_utf8(value).unwrap_or("?");
            if line != text(expected) {
                broken!("{place}: line {line:?} is where {:?} should be", text(expected));
            }
            expected += 1;
        }
        if expected > self.lines || (all && expected < self.lines) {
            broken!("{place}: {expected} lines of {}", self.lines);
        }
        Ok(())
    }
}

/// What line number `line` says. Its length tells nothing of its number.
pub fn text(line: u64) -> String {
    format!("line {line} {}", "\u{e4}".repeat((line * 7 % 40) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_once_and_in_order() {
        let mut check = ConnectCheck::default();
        check.written(3);
        let found = |lines: &[u64], all| {
            let lines: Vec<String> = lines.iter().map(|line| text(*line)).collect();
            check.found("there", lines.iter().map(|line| line.as_bytes()), all).is_ok()
        };
        assert!(found(&[0, 1, 2], true) && found(&[0, 1], false));
        assert!(!found(&[0, 1], true), "one is lost");
        assert!(!found(&[0, 1, 1, 2], true), "one is there twice");
        assert!(!found(&[0, 2, 1], true), "out of order");
        assert!(!found(&[0, 1, 2, 3], false), "one was never written");
    }
}
