//! One classic group: its state, members and protocols.
//!
//! Owns membership and the rules that need nothing but the group: who leads, which protocol is chosen, who is known. Leaves
//! when to do what, deadlines and replies to the turn.
//! Invariant: `supported` counts the members that have each protocol, at least one of which all members have; the leader and
//! every static member are members; a member id is pending or known, never both.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString},
    vec::Vec,
};
use bytes::Bytes;

use super::{Caller, member::Member};
use crate::{
    error::Error,
    request::{ConnId, JoinGroup, Joined, Synced},
    time::Wall,
};

/// Where a group stands. `Dead` is not among them: a dead group is one that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// No members, though perhaps ids handed out to members that have not joined yet.
    Empty,
    /// Waiting for members to join.
    PreparingRebalance {
        /// The first rebalance of a group waits for members nobody knows yet.
        initial: Option<InitialDelay>,
    },
    /// Waiting for the leader's assignment.
    CompletingRebalance,
    /// Every member has an assignment.
    Stable,
}

/// How `group.initial.rebalance.delay.ms` is extended while new members keep coming (KIP-134).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InitialDelay {
    /// The delay that runs now.
    pub delay_ms: u64,
    /// What may still be added to it.
    pub remaining_ms: u64,
    /// Somebody joined during it.
    pub member_added: bool,
}

impl State {
    /// As Kafka writes it.
    pub fn name(&self) -> &'static str {
        match self {
            State::Empty => "Empty",
            State::PreparingRebalance { .. } => "PreparingRebalance",
            State::CompletingRebalance => "CompletingRebalance",
            State::Stable => "Stable",
        }
    }
}

#[derive(Debug)]
pub(super) struct Group {
    pub state: State,
    /// When it last became empty, if that is known.
    pub empty_since: Option<Wall>,
    pub generation: i32,
    pub protocol_type: String,
    /// The protocol of this generation; empty until there is one.
    pub protocol: String,
    pub members: BTreeMap<String, Member>,
    /// Ids handed out with MEMBER_ID_REQUIRED, and the in-process caller that has it.
    pub pending: BTreeMap<String, Option<ConnId>>,
    /// Members of this generation that have not asked for their assignment yet.
    pub pending_sync: BTreeSet<String>,
    leader: Option<String>,
    /// Member ids by group instance id.
    instances: BTreeMap<String, String>,
    supported: BTreeMap<String, usize>,
}

impl Group {
    /// An empty group, since then.
    pub fn new(empty_since: Option<Wall>) -> Self {
        Group {
            state: State::Empty,
            empty_since,
            generation: 0,
            protocol_type: String::new(),
            protocol: String::new(),
            members: BTreeMap::new(),
            pending: BTreeMap::new(),
            pending_sync: BTreeSet::new(),
            leader: None,
            instances: BTreeMap::new(),
            supported: BTreeMap::new(),
        }
    }

    /// Nothing would be lost by forgetting it.
    pub fn is_blank(&self) -> bool {
        self.is_idle() && self.generation == 0
    }

    /// Nobody is in it or on the way into it.
    pub fn is_idle(&self) -> bool {
        self.state == State::Empty && self.pending.is_empty()
    }

    pub fn leader(&self) -> Option<&str> {
        self.leader.as_deref()
    }

    /// A member leads from now on.
    pub fn lead(&mut self, member: String) {
        if self.members.contains_key(&member) {
            self.leader = Some(member);
        }
    }

    pub fn is_leader(&self, member: &str) -> bool {
        self.leader.as_deref() == Some(member)
    }

    pub fn static_member(&self, instance: &str) -> Option<&String> {
        self.instances.get(instance)
    }

    /// A known member, and the right one for its group instance id.
    pub fn validate(&self, member: &str, instance: Option<&str>) -> Result<(), Error> {
        if let Some(instance) = instance {
            let current = self.instances.get(instance).ok_or(Error::UnknownMemberId)?;
            if current != member {
                return Err(Error::FencedInstanceId);
            }
        }
        if self.members.contains_key(member) { Ok(()) } else { Err(Error::UnknownMemberId) }
    }

    pub fn all_joined(&self) -> bool {
        self.pending.is_empty() && self.members.values().all(|member| member.join.is_some())
    }

    pub fn waiting_to_join(&self) -> usize {
        self.members.values().filter(|member| member.join.is_some()).count()
    }

    /// The SyncGroups that wait, by member.
    pub fn take_waiting_syncs(&mut self) -> Vec<(String, Caller)> {
        let waiting = self.members.iter_mut().filter_map(|(id, member)| Some((id.clone(), member.sync.take()?)));
        waiting.collect()
    }

    /// The longest any member wants to be waited for.
    pub fn rebalance_timeout_ms(&self) -> u64 {
        self.members.values().map(|member| member.rebalance_timeout_ms).max().unwrap_or(0)
    }

    /// Whether a member of this type and these protocols finds one that all others have too.
    pub fn supports(&self, protocol_type: &str, protocols: &[(String, Bytes)]) -> bool {
        match self.state {
            State::Empty => !protocol_type.is_empty() && !protocols.is_empty(),
            _ => {
                let everyone = self.members.len();
                let by_all = |(name, _): &(String, Bytes)| self.supported.get(name).copied().unwrap_or(0) == everyone;
                self.protocol_type == protocol_type && protocols.iter().any(by_all)
            }
        }
    }

    /// The protocol most members prefer among those that all have; of equals the first by name.
    pub fn choose_protocol(&self) -> String {
        let everyone = self.members.len();
        let mut votes: BTreeMap<&str, usize> = self
            .supported
            .iter()
            .filter(|(_, count)| **count == everyone)
            .map(|(name, _)| (name.as_str(), 0))
            .collect();
        for member in self.members.values() {
            let favourite =
                member.protocols.iter().find_map(|(name, _)| votes.get_key_value(name.as_str()).map(|(name, _)| *name));
            let favourite = favourite.expect("a member joins only with a protocol that all others have");
            *votes.get_mut(favourite).expect("it was found above") += 1;
        }
        let most = votes.values().max().copied().unwrap_or(0);
        let winner = votes.into_iter().find(|(_, count)| *count == most);
        winner.map(|(name, _)| name.to_string()).expect("a group that has members has a protocol they share")
    }

    pub fn add(&mut self, id: String, member: Member, protocol_type: String) {
        if self.members.is_empty() {
            self.protocol_type = protocol_type;
        }
        self.pending.remove(&id);
        count(&mut self.supported, &member);
        if let Some(instance) = &member.instance {
            self.instances.insert(instance.clone(), id.clone());
        }
        self.leader.get_or_insert_with(|| id.clone());
        let before = self.members.insert(id, member);
        assert!(before.is_none(), "a member is added once");
    }

    /// Takes on a member's new terms. What it asked before is given back, to be answered.
    pub fn update(&mut self, id: &str, caller: Caller, request: JoinGroup) -> Option<Caller> {
        let member = self.members.get_mut(id).expect("the caller has validated the member");
        uncount(&mut self.supported, member);
        let before = member.update(caller, request);
        count(&mut self.supported, member);
        before
    }

    /// Forgets a member, known or pending, and elects the next leader if it led.
    pub fn remove(&mut self, id: &str) -> Option<Member> {
        self.pending.remove(id);
        self.pending_sync.remove(id);
        let member = self.members.remove(id)?;
        uncount(&mut self.supported, &member);
        if let Some(instance) = &member.instance {
            self.instances.remove(instance);
        }
        if self.is_leader(id) {
            self.leader = self.members.keys().next().cloned();
        }
        Some(member)
    }

    /// A static member goes on under a new id, leadership and assignment included. It is no new member.
    pub fn rename(&mut self, old: &str, new: &str) {
        let mut member = self.members.remove(old).expect("a static member is a member");
        let instance = member.instance.clone().expect("only a static member is renamed");
        member.is_new = false;
        self.instances.insert(instance, new.to_string());
        if self.is_leader(old) {
            self.leader = Some(new.to_string());
        }
        if self.pending_sync.remove(old) {
            self.pending_sync.insert(new.to_string());
        }
        self.members.insert(new.to_string(), member);
    }

    /// Makes sure that the leader is one who joined; false if nobody did.
    pub fn elect_joined_leader(&mut self) -> bool {
        let joined = |id: &String| self.members.get(id).is_some_and(|member| member.join.is_some());
        if !self.leader.as_ref().is_some_and(joined) {
            let Some(next) = self.members.keys().find(|id| joined(id)) else { return false };
            self.leader = Some(next.clone());
        }
        true
    }

    /// The next generation, of those who are members now.
    pub fn next_generation(&mut self, wall: Wall) {
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        self.pending_sync = self.members.keys().cloned().collect();
        if self.members.is_empty() {
            self.protocol.clear();
            self.state = State::Empty;
            self.empty_since = Some(wall);
        } else {
            self.protocol = self.choose_protocol();
            self.state = State::CompletingRebalance;
        }
    }

    /// A member's place in the current generation; the list of all members where it is to assign.
    pub fn joined(&self, member: &str, with_members: bool) -> Joined {
        Joined {
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_default(),
            member: member.to_string(),
            members: if with_members { self.metadata_of_all() } else { Vec::new() },
        }
    }

    fn metadata_of_all(&self) -> Vec<(String, Option<String>, Bytes)> {
        self.members
            .iter()
            .map(|(id, member)| (id.clone(), member.instance.clone(), member.metadata(&self.protocol)))
            .collect()
    }

    /// A member's assignment in the current generation.
    pub fn synced(&self, member: &Member) -> Synced {
        Synced {
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            assignment: member.assignment.clone(),
        }
    }
}

fn count(supported: &mut BTreeMap<String, usize>, member: &Member) {
    for name in member.protocol_names() {
        *supported.entry(name.to_string()).or_insert(0) += 1;
    }
}

fn uncount(supported: &mut BTreeMap<String, usize>, member: &Member) {
    for name in member.protocol_names() {
        let count = supported.get_mut(name).expect("a member's protocols are counted");
        *count -= 1;
        if *count == 0 {
            supported.remove(name);
        }
    }
}
