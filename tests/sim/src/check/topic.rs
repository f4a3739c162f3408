//! Promise: a topic that a client was told of stays, under its id, until somebody asks for its deletion, and then it stays away.
//!
//! Owns the ids. A request that was never answered leaves open what became of it; the next answer settles it.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::Checked;
use crate::broken;

/// The checker.
#[derive(Default)]
pub struct TopicCheck(BTreeMap<String, Known>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    There(Uuid, i32),
    Gone,
    /// Being made or deleted, by a request that was not answered.
    Open,
}

impl TopicCheck {
    /// A request is sent that makes this topic if it is not there.
    pub fn creating(&mut self, topic: &str) {
        let known = self.0.entry(topic.into()).or_insert(Known::Open);
        if *known == Known::Gone {
            *known = Known::Open;
        }
    }

    /// A request is sent that deletes this topic.
    pub fn deleting(&mut self, topic: &str) {
        self.0.insert(topic.into(), Known::Open);
    }

    /// A client was told that the topic has this id and so many partitions.
    pub fn there(&mut self, topic: &str, id: Uuid, partitions: i32) -> Checked {
        match self.0.insert(topic.into(), Known::There(id, partitions)) {
            Some(Known::There(other, before)) if (other, before) != (id, partitions) => {
                broken!("topic {topic} was {other} with {before} partitions and is {id} with {partitions}")
            }
            Some(Known::Gone) => broken!("topic {topic} was deleted and is there again"),
            _ => Ok(()),
        }
    }

    /// A client was told that there is no such topic.
    pub fn missing(&mut self, topic: &str) -> Checked {
        match self.0.insert(topic.into(), Known::Gone) {
            Some(Known::There(id, _)) => broken!("topic {topic} ({id}) is lost"),
            _ => Ok(()),
        }
    }

    /// True if a topic is known not to be there.
    pub fn is_gone(&self, topic: &str) -> bool {
        self.0.get(topic) == Some(&Known::Gone)
    }

    /// The topics that were told of.
    pub fn names(&self) -> BTreeSet<String> {
        self.0.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_stay_until_they_are_deleted() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut check = TopicCheck::default();
        assert!(check.there("t", one, 1).is_ok() && check.there("t", one, 1).is_ok());
        assert!(check.there("t", other, 1).is_err());
        let mut check = TopicCheck::default();
        check.there("t", one, 1).expect("new");
        assert!(check.missing("t").is_err());
        let mut check = TopicCheck::default();
        check.there("t", one, 1).expect("new");
        check.creating("t");
        assert!(check.missing("t").is_err(), "making what is there changes nothing");
        check.there("t", one, 1).expect_err("it was missing");
        check.deleting("t");
        assert!(check.missing("t").is_ok());
        assert!(check.there("t", one, 1).is_err(), "it came back");
        let mut check = TopicCheck::default();
        check.there("t", one, 1).expect("new");
        check.deleting("t");
        check.missing("t").expect("deleted");
        check.creating("t");
        assert!(check.there("t", other, 1).is_ok(), "made anew");
    }
}
