//! What happened, as a number and, if asked for, as text.
//!
//! Owns the sum over a run: two runs of one seed must have the same. Text costs time, so it is made only for a reader.
//! Invariant: everything that a run decides goes through [`Trace::step`] or into the disk's own sum.

use core::fmt;

/// Where a sum starts.
pub const START: u64 = 0xcbf2_9ce4_8422_2325;

/// A sum that goes on with `value`; order matters.
pub fn mix(sum: u64, value: u64) -> u64 {
    (sum ^ value).wrapping_mul(0x9fb2_1c65_1e98_df25).rotate_left(29) ^ (sum >> 31)
}

/// A sum of bytes, for telling them apart; nobody tries to fool it.
pub fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut sum = words.iter().fold(START ^ bytes.len() as u64, |sum, word| mix(sum, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    sum = mix(sum, u64::from_le_bytes(last));
    mix(sum, sum >> 32)
}

/// The trace of one run.
#[derive(Clone, Debug)]
pub struct Trace {
    sum: u64,
    steps: u64,
    text: Option<Vec<String>>,
}

impl Trace {
    /// A new one; with text if somebody wants to read it.
    pub fn new(text: bool) -> Self {
        Self { sum: START, steps: 0, text: text.then(Vec::new) }
    }

    /// Notes a step: what, and the numbers that tell it from others.
    pub fn step(&mut self, now: u64, what: &'static str, numbers: &[u64]) {
        self.steps += 1;
        self.sum = mix(self.sum, now ^ sum(what.as_bytes()));
        self.sum = numbers.iter().fold(self.sum, |sum, number| mix(sum, *number));
        self.say(now, format_args!("{what} {}", Numbers(numbers)));
    }

    /// Notes something for the reader only.
    pub fn say(&mut self, now: u64, what: fmt::Arguments<'_>) {
        if let Some(text) = &mut self.text {
            text.push(format!("{now:>8} {what}"));
        }
    }

    /// The sum over all steps.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// Number of steps.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The text, if there is any.
    pub fn take_text(&mut self) -> Vec<String> {
        self.text.take().unwrap_or_default()
    }
}

struct Numbers<'a>(&'a [u64]);

impl fmt::Display for Numbers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|number| write!(f, "{} ", *number as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_tell_order_and_length_apart() {
        let all = [sum(b""), sum(b"\0"), sum(b"\0\0"), sum(b"ab"), sum(b"ba"), sum(b"12345678"), sum(b"12345678\0")];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        let run = |steps: &[&'static str]| {
            let mut trace = Trace::new(true);
            steps.iter().for_each(|what| trace.step(1, what, &[2]));
            (trace.sum(), trace.take_text().len())
        };
        assert_eq!(run(&["a", "b"]), run(&["a", "b"]));
        assert_ne!(run(&["a", "b"]).0, run(&["b", "a"]).0);
        assert_eq!(run(&["a", "b"]).1, 2);
    }
}
