//! Which topics a tool means: a name, a regular expression, several with commas between.
//!
//! Owns Java's reading of `--topic` (`TopicFilter.IncludeList`). Invariant: an expression matches whole names.

use kafka_protocol::messages::MetadataResponse;
use regex::Regex;

use crate::failure::Failure;

/// The topics that are wanted.
#[derive(Clone, Debug)]
pub struct Wanted(Option<Regex>);

impl Wanted {
    /// All topics, or those that match.
    ///
    /// # Errors
    /// No regular expression.
    pub fn new(topic: Option<&str>) -> Result<Self, Failure> {
        let Some(topic) = topic else { return Ok(Self(None)) };
        // A comma separates, as `|` does; quotes and blanks around are left out.
        let pattern = topic.trim().replace(',', "|").replace(' ', "");
        let pattern = pattern.trim_matches(['"', '\'']);
        match Regex::new(&format!("^(?:{pattern})$")) {
            Ok(regex) => Ok(Self(Some(regex))),
            Err(_) => Err(Failure::new(format!("{pattern} is an invalid regex."))),
        }
    }

    /// Whether this one is wanted.
    pub fn matches(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|regex| regex.is_match(name))
    }

    /// The names of those that are there, sorted.
    pub fn of(&self, metadata: &MetadataResponse, exclude_internal: bool) -> Vec<String> {
        let there = metadata.topics.iter().filter(|topic| topic.error_code == 0);
        let there = there.filter(|topic| !(exclude_internal && topic.is_internal));
        let names = there.filter_map(|topic| topic.name.as_ref().map(|name| name.to_string()));
        let mut names: Vec<String> = names.filter(|name| self.matches(name)).collect();
        names.sort();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_expressions() {
        let check = |wanted: &str, name: &str, expected: bool| {
            assert_eq!(Wanted::new(Some(wanted)).unwrap().matches(name), expected, "{wanted} and {name}");
        };
        check("test", "test", true);
        check("test", "test2", false);
        check("a|b", "b", true);
        check("a,b", "b", true);
        check("a, b", "b", true);
        check("t.*", "test", true);
        check("\"test\"", "test", true);
        assert!(Wanted::new(None).unwrap().matches("any"));
        assert_eq!(Wanted::new(Some("(")).unwrap_err().message, "( is an invalid regex.");
    }
}
