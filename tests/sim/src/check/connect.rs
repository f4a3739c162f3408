//! Promise: every line of a source arrives in the topic once, and in the sink's file once; a partition has them in their order.
//!
//! Owns the lines. Leaves to `workload` where they are read from.

use super::Checked;
use crate::broken;

/// The checker.
#[derive(Debug, Default)]
pub struct ConnectCheck {
    /// Lines in the source.
    lines: u64,
    /// Where the source was told to go on, at most.
    committed: u64,
}

impl ConnectCheck {
    /// The source has one line more; returns its number.
    pub fn write(&mut self) -> u64 {
        self.lines += 1;
        self.lines - 1
    }

    /// Lines in the source.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The source's offset was told: it does not go back.
    pub fn committed(&mut self, position: u64) -> Checked {
        if position < self.committed || position > self.lines {
            broken!("the source's offset was {}, of {} lines, and is {position}", self.committed, self.lines);
        }
        self.committed = position;
        Ok(())
    }

    /// What the partitions of the topic have, in order: the first lines up to some line, each once; all of them if `all`.
    pub fn in_topic(&self, partitions: &[Vec<String>], all: bool) -> Checked {
        let numbers = partitions.iter().map(|lines| numbers("the topic", lines)).collect::<Result<Vec<_>, _>>()?;
        if let Some(pair) = numbers.iter().flat_map(|numbers| numbers.windows(2)).find(|pair| pair[0] >= pair[1]) {
            broken!("the topic: line {} comes after line {}", pair[1], pair[0]);
        }
        let found = once("the topic", numbers.concat())?;
        let least = if all { self.lines } else { self.committed };
        if found.iter().enumerate().any(|(at, number)| at as u64 != *number) || (found.len() as u64) < least {
            broken!("the topic: of {} lines, {least} must be there: {found:?}", self.lines);
        }
        Ok(())
    }

    /// What the sink's file has: no line twice; all of them if `all`.
    pub fn in_file(&self, lines: &[String], all: bool) -> Checked {
        let found = once("the file", numbers("the file", lines)?)?;
        if all && found.len() as u64 != self.lines {
            broken!("the file: of {} lines there are {found:?}", self.lines);
        }
        Ok(())
    }
}

fn once(place: &str, mut numbers: Vec<u64>) -> Result<Vec<u64>, String> {
    numbers.sort_unstable();
    match numbers.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("{place}: line {} is there twice", pair[0])),
        None => Ok(numbers),
    }
}

fn numbers(place: &str, lines: &[String]) -> Result<Vec<u64>, String> {
    let number = |line: &String| {
        let number = line.split(' ').nth(1).and_then(|number| number.parse().ok());
        number.filter(|number| text(*number) == *line).ok_or_else(|| format!("{place}: {line:?} was never written"))
    };
    lines.iter().map(number).collect()
}

/// What line number `line` says. Its length tells nothing of its number.
pub fn text(line: u64) -> String {
    format!("line {line} {}", "\u{e4}".repeat((line * 7 % 40) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(place: &str, partitions: &[&[u64]], all: bool, expected: &str) {
        let check = ConnectCheck { lines: 3, committed: 1 };
        let lines = |numbers: &&[u64]| numbers.iter().map(|number| text(*number)).collect::<Vec<_>>();
        let partitions: Vec<_> = partitions.iter().map(lines).collect();
        let told = match place {
            "topic" => check.in_topic(&partitions, all),
            _ => check.in_file(&partitions.concat(), all),
        };
        let told = told.err().unwrap_or_default();
        assert!(told.contains(expected) && told.is_empty() == expected.is_empty(), "{told:?} is not {expected:?}");
    }

    #[test]
    fn lines_come_once_and_in_order() {
        check("topic", &[&[0, 1, 2]], true, "");
        check("topic", &[&[0, 2], &[1]], true, "");
        check("topic", &[&[0, 1]], false, "");
        check("topic", &[&[0, 1]], true, "3 must be there");
        check("topic", &[&[]], false, "1 must be there");
        check("topic", &[&[0, 2]], false, "1 must be there");
        check("topic", &[&[0, 1, 1, 2]], true, "line 1 comes after line 1");
        check("topic", &[&[0, 1], &[1, 2]], true, "line 1 is there twice");
        check("topic", &[&[0, 2, 1]], true, "line 1 comes after line 2");
        check("file", &[&[0, 1, 1]], false, "twice");
        check("file", &[&[0, 2]], false, "");
        check("file", &[&[0, 2]], true, "of 3 lines");
        let told = ConnectCheck::default().in_file(&["line 0".into()], false);
        assert!(told.unwrap_err().contains("never written"));
    }
}
