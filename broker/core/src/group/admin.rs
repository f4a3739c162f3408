//! What tools ask about groups: describe, list, delete.
//!
//! Owns the view over both halves of a group, its membership here and its committed offsets in `offsets`. A group known by
//! its offsets alone is an empty one without a protocol type, as in Kafka.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use bytes::Bytes;

use super::{
    CONSUMER, Groups, check_name,
    state::{Group, State},
};
use crate::{
    error::Error,
    offsets::{OffsetRecord, Offsets},
    request::{GroupDescription, ListedGroup, MemberDescription},
};

/// What became of each group that was to be deleted, in the order asked.
pub type DeleteOutcomes = Vec<(String, Result<(), Error>)>;

impl Groups {
    /// Groups by name, in that order. An unknown one is `Dead`, with `GroupIdNotFound`, which only DescribeGroups v6 shows.
    pub fn describe(&self, offsets: &Offsets, groups: &[String]) -> Vec<GroupDescription> {
        groups.iter().map(|id| self.describe_one(offsets, id)).collect()
    }

    fn describe_one(&self, offsets: &Offsets, id: &str) -> GroupDescription {
        let without_members = |state, error| GroupDescription {
            group: id.to_string(),
            error,
            state,
            protocol_type: String::new(),
            protocol: String::new(),
            members: Vec::new(),
        };
        match self.groups.get(id) {
            Some(group) => group.describe(id),
            None if offsets.has_group(id) => without_members("Empty", None),
            None => without_members("Dead", Some(Error::GroupIdNotFound)),
        }
    }

    /// All groups by name, or those in one of `states`, whose case does not matter.
    pub fn list(&self, offsets: &Offsets, states: &[String]) -> Vec<ListedGroup> {
        let with_members = self.groups.iter().map(|(id, group)| ListedGroup {
            group: id.clone(),
            protocol_type: group.protocol_type.clone(),
            state: group.state.name(),
        });
        let by_offsets = offsets.groups().filter(|id| !self.groups.contains_key(*id)).map(|id| ListedGroup {
            group: id.to_string(),
            protocol_type: String::new(),
            state: State::Empty.name(),
        });
        let wanted = |group: &ListedGroup| {
            states.is_empty() || states.iter().any(|state| state.eq_ignore_ascii_case(group.state))
        };
        let mut groups: Vec<ListedGroup> = with_members.chain(by_offsets).filter(wanted).collect();
        groups.sort_by(|a, b| a.group.cmp(&b.group));
        groups
    }

    /// Deletes empty groups, their offsets by the records returned. Errors by group: `NonEmptyGroup`, `GroupIdNotFound`.
    pub fn delete(&mut self, offsets: &Offsets, groups: &[String]) -> (Vec<OffsetRecord>, DeleteOutcomes) {
        let mut records = Vec::new();
        let outcomes = groups.iter().map(|id| {
            let outcome = match self.groups.get(id) {
                Some(group) if group.state != State::Empty => Err(Error::NonEmptyGroup),
                None if !offsets.has_group(id) => Err(Error::GroupIdNotFound),
                _ => Ok(()),
            };
            if outcome.is_ok() {
                records.extend(offsets.delete_group(id));
                self.forget(id);
            }
            (id.clone(), outcome)
        });
        let outcomes = outcomes.collect();
        (records, outcomes)
    }

    /// Whether offsets of a group may be deleted at all: nobody may be in it but consumers, whose topics are known.
    /// Errors: `InvalidGroupId`, `GroupIdNotFound`, `NonEmptyGroup`.
    pub fn check_offset_deletion(&self, offsets: &Offsets, id: &str) -> Result<(), Error> {
        check_name(id)?;
        match self.groups.get(id) {
            None if offsets.has_group(id) => Ok(()),
            None => Err(Error::GroupIdNotFound),
            Some(group) if group.state == State::Empty || group.protocol_type == CONSUMER => Ok(()),
            Some(_) => Err(Error::NonEmptyGroup),
        }
    }

    /// Whether a member of the group is subscribed to the topic, or may be.
    pub fn is_reading(&self, id: &str, topic: &str) -> bool {
        let Some(group) = self.groups.get(id) else { return false };
        group.members.values().any(|member| {
            let subscriptions = member.protocols.iter().map(|(_, metadata)| subscribed(metadata));
            subscriptions.into_iter().any(|topics| topics.is_none_or(|topics| topics.contains(&topic.as_bytes())))
        })
    }
}

/// The topics of a subscription: version i16, then an array of strings; `None` if it cannot be read.
fn subscribed(metadata: &[u8]) -> Option<Vec<&[u8]>> {
    let (count, mut rest) = metadata.get(2..)?.split_first_chunk()?;
    let mut topics = Vec::new();
    for _ in 0..i32::from_be_bytes(*count) {
        let (len, after) = rest.split_first_chunk()?;
        let (topic, after) = after.split_at_checked(usize::try_from(i16::from_be_bytes(*len)).ok()?)?;
        topics.push(topic);
        rest = after;
    }
    Some(topics)
}

impl Group {
    /// Protocol and metadata are shown only while they hold; assignments until there are others.
    fn describe(&self, id: &str) -> GroupDescription {
        let stable = self.state == State::Stable;
        let members = self.members.iter().map(|(id, member)| MemberDescription {
            member: id.clone(),
            instance: member.instance.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            metadata: if stable { member.metadata(&self.protocol) } else { Bytes::new() },
            assignment: member.assignment.clone(),
        });
        GroupDescription {
            group: id.to_string(),
            error: None,
            state: self.state.name(),
            protocol_type: self.protocol_type.clone(),
            protocol: if stable { self.protocol.clone() } else { String::new() },
            members: members.collect(),
        }
    }
}
