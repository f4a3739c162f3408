//! Maven's version ranges, which `connector.plugin.version` is written in (KIP-891).
//!
//! Owns the syntax and the order of versions: numbers between dots, a qualifier after `-` before none. Invariant: a plain
//! version is the range of itself alone.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use core::cmp::Ordering;

/// Versions from one to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRange {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    low: Option<(String, bool)>,
    high: Option<(String, bool)>,
}

impl VersionRange {
    /// Reads `1.0`, `[1.0,2.0)`, `[1.0,)` or several ranges with commas between them. `latest` and empty text are every
    /// version. The error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("latest") {
            return Ok(Self { parts: [Part { low: None, high: None }].into() });
        }
        if !text.starts_with(['[', '(']) {
            let exact = Some((text.to_owned(), true));
            return Ok(Self { parts: [Part { low: exact.clone(), high: exact }].into() });
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest
                .find([']', ')'])
                .ok_or_else(|| format!("the version range {text} is not closed: end it with ] or )"))?;
            parts.push(
                Part::parse(&rest[..=end])
                    .ok_or_else(|| format!("{text} is not a version range; write one like [1.0,2.0)"))?,
            );
            rest = rest[end + 1..].trim_start_matches([',', ' ']);
        }
        Ok(Self { parts })
    }

    /// True if `version` is in the range.
    pub fn contains(&self, version: &str) -> bool {
        self.parts.iter().any(|part| part.contains(version))
    }
}

impl core::fmt::Display for VersionRange {
    /// As Kafka prints it: `[1.0,1.0]`.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (index, part) in self.parts.iter().enumerate() {
            let open = if part.low.as_ref().is_some_and(|(_, included)| *included) { '[' } else { '(' };
            let close = if part.high.as_ref().is_some_and(|(_, included)| *included) { ']' } else { ')' };
            let text =
                |bound: &Option<(String, bool)>| bound.as_ref().map(|(version, _)| version.clone()).unwrap_or_default();
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{open}{},{}{close}", text(&part.low), text(&part.high))?;
        }
        Ok(())
    }
}

impl Part {
    fn parse(text: &str) -> Option<Self> {
        let open = text.chars().next().filter(|open| matches!(open, '[' | '('))?;
        let inner = &text[1..text.len() - 1];
        let bound =
            |version: &str, included| (!version.trim().is_empty()).then(|| (version.trim().to_owned(), included));
        let (low, high) = match inner.split_once(',') {
            Some((_, high)) if high.contains(',') => return None,
            Some(pair) => pair,
            None if inner.trim().is_empty() => return None,
            None => (inner, inner),
        };
        Some(Self { low: bound(low, open == '['), high: bound(high, text.ends_with(']')) })
    }

    fn contains(&self, version: &str) -> bool {
        let above = |(low, included): &(String, bool)| {
            matches!((compare(version, low), included), (Ordering::Greater, _) | (Ordering::Equal, true))
        };
        let below = |(high, included): &(String, bool)| {
            matches!((compare(version, high), included), (Ordering::Less, _) | (Ordering::Equal, true))
        };
        self.low.as_ref().is_none_or(above) && self.high.as_ref().is_none_or(below)
    }
}

/// True if `version` is in the range `wanted`; every version is if nothing is wanted, none is if that is no range.
pub fn fits(wanted: Option<&str>, version: &str) -> bool {
    wanted.is_none_or(|wanted| VersionRange::parse(wanted).is_ok_and(|range| range.contains(version)))
}

/// Order of two versions; missing numbers count as 0, and one with a qualifier comes before the same without.
pub fn compare(a: &str, b: &str) -> Ordering {
    let split =
        |version| <str>::split_once(version, '-').map_or((version, ""), |(numbers, qualifier)| (numbers, qualifier));
    let ((a, a_qualifier), (b, b_qualifier)) = (split(a), split(b));
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let (left, right) = (a.next(), b.next());
        if left.is_none() && right.is_none() {
            return (a_qualifier.is_empty(), a_qualifier).cmp(&(b_qualifier.is_empty(), b_qualifier));
        }
        let (left, right) = (left.unwrap_or("0"), right.unwrap_or("0"));
        let order = match (left.parse::<u64>(), right.parse::<u64>()) {
            (Ok(left), Ok(right)) => left.cmp(&right),
            (Ok(_), Err(_)) => Ordering::Greater,
            (Err(_), Ok(_)) => Ordering::Less,
            (Err(_), Err(_)) => left.cmp(right),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn ranges() {
        for (range, version, expected) in [
            ("4.3.0", "4.3.0", true),
            ("4.3", "4.3.0", true),
            ("9.9.9", "4.3.0", false),
            ("[4.0,5.0)", "4.3.0", true),
            ("[4.0,5.0)", "5.0", false),
            ("(4.0,5.0]", "4.0.0", false),
            ("(4.0,5.0]", "5.0.0", true),
            ("[4.0,)", "10.0", true),
            ("(,4.0]", "3.9.1", true),
            ("(,2],[4,)", "3", false),
            ("(,2],[4,)", "4", true),
            ("[1.0]", "1.0", true),
            ("abc", "4.3.0", false),
            ("latest", "0.1.0", true),
            ("", "1", true),
            ("[1.0,1.1)", "1.1-rc1", true),
        ] {
            assert_eq!(VersionRange::parse(range).unwrap().contains(version), expected, "{version} in {range}");
        }
    }

    #[test]
    fn printed_as_kafka_does_and_bad_ones_refused() {
        for (range, text) in [("9.9.9", "[9.9.9,9.9.9]"), ("[4.0,5.0)", "[4.0,5.0)"), ("(,4.0]", "(,4.0]")] {
            assert_eq!(VersionRange::parse(range).unwrap().to_string(), text);
        }
        for range in ["[1.0", "[]", "[1,2,3]", "[1,2]x"] {
            assert!(VersionRange::parse(range).is_err(), "{range}");
        }
    }
}
