//! RegexRouter: another topic, made of the name of the first.

use alloc::{format, string::String, vec::Vec};
use regex::Regex;

use super::keys::{Check, Keys, REGEX, Row, Unset};
use crate::config::value::full_match;
use crate::data::{Fault, Record};
use crate::plugin::{Importance, Kind};

/// Its keys.
pub const KEYS: &[Row] = &[
    (
        "regex",
        Kind::Text,
        Unset::Required,
        Importance::High,
        Check::Custom(REGEX),
        "Regular expression that a topic's whole name matches; other topics stay as they are.",
    ),
    (
        "replacement",
        Kind::Text,
        Unset::Required,
        Importance::High,
        Check::Any,
        "The new name; $1 is what the first group matched.",
    ),
];

/// The transform.
#[derive(Clone, Debug)]
pub struct RegexRouter {
    whole: Regex,
    first: Regex,
    replacement: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    /// Digits after a `$`: as many of them as name a group, but at least one.
    Group(String),
    Named(String),
    /// A replacement that Java finds wrong when it is used.
    Wrong(&'static str),
}

impl RegexRouter {
    /// Reads its configuration.
    pub fn new(keys: &Keys<'_>) -> Result<Self, String> {
        let pattern = keys.text("regex").unwrap_or_default();
        let whole = full_match(&pattern)?;
        let first = Regex::new(&pattern).map_err(|error| format!("{error}"))?;
        Ok(Self { whole, first, replacement: parts(&keys.text("replacement").unwrap_or_default()) })
    }

    /// The record for its new topic.
    pub fn apply(&self, mut record: Record) -> Result<Record, Fault> {
        self.rename(&mut record.topic)?;
        Ok(record)
    }

    /// The new name of a topic.
    pub fn rename(&self, topic: &mut String) -> Result<(), Fault> {
        if self.whole.is_match(topic)
            && let Some(found) = self.first.captures(topic)
        {
            let all = found.get(0).map_or(0..0, |all| all.range());
            let mut renamed = String::from(&topic[..all.start]);
            for part in &self.replacement {
                renamed.push_str(&expand(part, &found)?);
            }
            renamed.push_str(&topic[all.end..]);
            *topic = renamed;
        }
        Ok(())
    }
}

fn expand(part: &Part, found: &regex::Captures<'_>) -> Result<String, Fault> {
    let group = |number: usize| found.get(number).map_or("", |group| group.as_str());
    match part {
        Part::Text(text) => Ok(text.clone()),
        Part::Named(name) => found
            .name(name)
            .map(|group| group.as_str().into())
            .ok_or_else(|| Fault::of("java.lang.IllegalArgumentException", format!("No group with name {{{name}}}"))),
        Part::Wrong(why) => Err(Fault::of("java.lang.IllegalArgumentException", *why)),
        Part::Group(digits) => {
            let fitting = (1..=digits.len())
                .rev()
                .find(|length| digits[..*length].parse::<usize>().is_ok_and(|number| number < found.len()));
            let length = fitting.ok_or_else(|| {
                Fault::of("java.lang.IndexOutOfBoundsException", format!("No group {}", &digits[..1]))
            })?;
            let number = digits[..length].parse().unwrap_or_default();
            Ok(format!("{}{}", group(number), &digits[length..]))
        }
    }
}

/// Java's replacement texts: `$1`, `${name}`, and a backslash before what is to stand for itself.
fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char == '\\' {
            match chars.next() {
                Some(next) => plain.push(next),
                None => parts.push(Part::Wrong("character to be escaped is missing")),
            }
        } else if char == '$' {
            parts.push(Part::Text(core::mem::take(&mut plain)));
            let mut digits = String::new();
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            if !digits.is_empty() {
                parts.push(Part::Group(digits));
            } else if chars.next_if_eq(&'{').is_some() {
                let name: String = chars.by_ref().take_while(|char| *char != '}').collect();
                parts.push(Part::Named(name));
            } else {
                parts.push(Part::Wrong("Illegal group reference"));
            }
        } else {
            plain.push(char);
        }
    }
    parts.push(Part::Text(plain));
    parts
}
