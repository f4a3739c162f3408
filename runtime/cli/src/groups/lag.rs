//! How far a group is behind the ends of its logs.
//!
//! Owns which partitions belong to a group: those of its members and those that it has offsets of. Invariant: a partition that a member has
//! comes before one that nobody has.

use std::collections::BTreeMap;

use super::{Committed, Group, Member, committed};
use crate::{
    admin::Admin,
    failure::Failure,
    offsets::{self, LATEST, Partition},
};

/// One partition of a group.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The group's name.
    pub group: &'a str,
    /// The partition.
    pub partition: Partition,
    /// Where the group is in it.
    pub committed: Option<Committed>,
    /// Where its log ends, if its leader told.
    pub end: Option<i64>,
    /// Who has it.
    pub member: Option<&'a Member>,
}

impl Row<'_> {
    /// Records that the group has not committed yet.
    pub fn lag(&self) -> Option<i64> {
        self.committed.zip(self.end).map(|(committed, end)| end - committed.offset)
    }
}

/// The partitions of a group: those of its members, the member with most of them first, then the others.
///
/// # Errors
/// What a broker says; nobody answers in time.
pub fn rows<'a>(admin: &mut Admin<'_>, group: &'a Group) -> Result<Vec<Row<'a>>, Failure> {
    let committed = committed(admin, &group.name)?;
    // Members with most partitions first, else as they came.
    let mut members: Vec<&Member> = group.members.iter().collect();
    members.sort_by_key(|member| std::cmp::Reverse(member.partitions.len()));
    let assigned =
        members.iter().flat_map(|member| member.partitions.iter().map(|partition| (partition.clone(), Some(*member))));
    let mut wanted: Vec<(Partition, Option<&Member>)> = assigned.collect();
    let is_assigned = |partition: &Partition| members.iter().any(|member| member.partitions.contains(partition));
    wanted.extend(
        committed.keys().filter(|partition| !is_assigned(partition)).map(|partition| (partition.clone(), None)),
    );
    let partitions: Vec<Partition> = wanted.iter().map(|(partition, _)| partition.clone()).collect();
    let ends: BTreeMap<Partition, Result<Option<i64>, Failure>> = match partitions.is_empty() {
        true => BTreeMap::new(),
        false => offsets::at(admin, &partitions, LATEST)?,
    };
    let row = |(partition, member): (Partition, Option<&'a Member>)| Row {
        group: &group.name,
        committed: committed.get(&partition).copied(),
        end: ends.get(&partition).and_then(|end| end.as_ref().ok().copied().flatten()),
        partition,
        member,
    };
    Ok(wanted.into_iter().map(row).collect())
}
