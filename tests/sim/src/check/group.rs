//! Promise: a committed offset that was acknowledged or told is neither lost nor goes back; in one generation a partition has one owner,
//! over restarts too; and a member keeps its place for as long as it is heard of.
//!
//! Owns, per group and partition, the commits in the order in which they were sent. One that was never answered may count or not.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checked, log::Partition};
use crate::broken;

/// The checker.
#[derive(Default)]
pub struct GroupCheck {
    commits: BTreeMap<(String, Partition), Commits>,
    /// By group, leader, generation and partition.
    owners: BTreeMap<(String, String, i32, Partition), String>,
    /// Groups that had members in the broker's process.
    in_process: BTreeSet<String>,
}

struct Commits {
    /// Offsets in the order sent; the first stands for "none yet".
    sent: Vec<i64>,
    /// The last one that is known to count.
    known: usize,
}

impl Default for Commits {
    fn default() -> Self {
        Self { sent: vec![-1], known: 0 }
    }
}

/// The last commit that counted for certain at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known(usize);

/// A commit on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent(usize);

impl GroupCheck {
    /// A commit is sent.
    pub fn sent(&mut self, group: &str, partition: &Partition, offset: i64) -> Sent {
        let commits = self.commits(group, partition);
        commits.sent.push(offset);
        Sent(commits.sent.len() - 1)
    }

    /// It was acknowledged.
    pub fn acknowledged(&mut self, group: &str, partition: &Partition, sent: &Sent) {
        let commits = self.commits(group, partition);
        commits.known = commits.known.max(sent.0);
    }

    /// It was refused: it may not be told later.
    pub fn refused(&mut self, group: &str, partition: &Partition, sent: &Sent) {
        let commits = self.commits(group, partition);
        commits.sent[sent.0] = i64::MIN;
    }

    /// A client asks: what is known now is the least it may be told.
    pub fn asked(&mut self, group: &str, partition: &Partition) -> Known {
        Known(self.commits(group, partition).known)
    }

    /// A client that asked then was told that this is the committed offset (-1: none).
    pub fn told(&mut self, group: &str, partition: &Partition, asked: Known, offset: i64) -> Checked {
        let commits = self.commits(group, partition);
        let since = &commits.sent[asked.0..];
        let Some(later) = since.iter().position(|sent| *sent == offset) else {
            broken!(
                "group {group} of {partition:?}: {offset} is committed; acknowledged was, and sent since: {since:?}"
            );
        };
        commits.known = commits.known.max(asked.0 + later);
        Ok(())
    }

    /// A member was given a partition. A group that has lost all of its members may count from 1 again, under another leader.
    pub fn owns(
        &mut self,
        group: &str,
        (leader, generation): (&str, i32),
        partition: &Partition,
        member: &str,
    ) -> Checked {
        let generation_of = (group.into(), leader.into(), generation, partition.clone());
        let owner = self.owners.entry(generation_of).or_insert_with(|| member.into());
        if owner != member {
            broken!("group {group}, generation {generation}: {partition:?} belongs to {owner} and to {member}");
        }
        Ok(())
    }

    /// A member joins, and its membership ends with the broker's process.
    pub fn lives_in_process(&mut self, group: &str) {
        self.in_process.insert(group.into());
    }

    /// A member that is in a generation, and was heard of less than its session ago, is refused as one that is not. That is true only
    /// where the broker died with members that lived in its process: the others join again with them.
    pub fn disowned(&self, group: &str, member: &str) -> Checked {
        if !self.in_process.contains(group) {
            broken!("group {group}: {member} was forgotten within its session");
        }
        Ok(())
    }

    /// The topic is gone, and with it what was committed of it.
    pub fn forget(&mut self, topic: &str) {
        self.commits.retain(|(_, (name, _)), _| name != topic);
    }

    /// Every group with its partitions.
    pub fn known(&self) -> Vec<(String, Partition)> {
        self.commits.keys().cloned().collect()
    }

    fn commits(&mut self, group: &str, partition: &Partition) -> &mut Commits {
        self.commits.entry((group.into(), partition.clone())).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Commits 5, 7, 9, of which the second is acknowledged; then what is told, one after the other.
    fn check(told: &[i64], expected: bool) {
        let (mut check, partition) = (GroupCheck::default(), ("t".to_string(), 0));
        let sent: Vec<_> = [5, 7, 9].map(|offset| check.sent("g", &partition, offset)).into();
        check.acknowledged("g", &partition, &sent[1]);
        let fine = told.iter().all(|offset| {
            let asked = check.asked("g", &partition);
            check.told("g", &partition, asked, *offset).is_ok()
        });
        assert_eq!(fine, expected, "{told:?}");
    }

    #[test]
    fn a_commit_is_not_lost_and_does_not_go_back() {
        check(&[7, 7, 9, 9], true);
        check(&[5], false);
        check(&[-1], false);
        check(&[9, 7], false);
        check(&[8], false);
    }

    #[test]
    fn a_partition_has_one_owner_per_generation() {
        let (mut check, partition) = (GroupCheck::default(), ("t".to_string(), 0));
        assert!(
            check.owns("g", ("a", 1), &partition, "a").is_ok() && check.owns("g", ("a", 2), &partition, "b").is_ok()
        );
        assert!(check.owns("g", ("a", 1), &partition, "b").is_err());
    }
}
