//! SyncGroup, heartbeats and the right to commit: what a member of a generation may do.
//!
//! Owns CompletingRebalance and Stable. Leaves how they are left to `rebalance`.

use alloc::{collections::BTreeMap, string::String, string::ToString, vec::Vec};
use bytes::Bytes;

use super::{
    Caller,
    state::{Group, State},
    timers::Timer,
    turn::Turn,
};
use crate::{
    error::Error,
    request::{Member, SyncGroup},
};

impl Turn<'_> {
    pub fn sync(&mut self, caller: Caller, request: SyncGroup) {
        if let Err(error) = self.group.check_sync(&request) {
            return self.answer_sync(caller, Err(error));
        }
        let id = &request.who.member;
        match self.group.state {
            State::Empty => self.answer_sync(caller, Err(Error::UnknownMemberId)),
            State::PreparingRebalance { .. } => self.answer_sync(caller, Err(Error::RebalanceInProgress)),
            State::CompletingRebalance => {
                self.has_synced(id);
                let member = self.group.members.get_mut(id).expect("check_sync knows the member");
                if let Some(superseded) = member.sync.replace(caller) {
                    self.answer_sync(superseded, Err(Error::RebalanceInProgress));
                }
                if self.group.is_leader(id) {
                    self.assign(request.assignments);
                }
            }
            State::Stable => {
                self.has_synced(id);
                self.refresh(id);
                let synced = self.group.synced(&self.group.members[id]);
                self.answer_sync(caller, Ok(synced));
            }
        }
    }

    fn has_synced(&mut self, member: &str) {
        self.group.pending_sync.remove(member);
        if self.group.pending_sync.is_empty() {
            self.timers.cancel(Timer::Sync { group: self.id.to_string() });
        }
    }

    /// The leader has decided. A member it forgot gets an empty assignment, one it made up gets none.
    fn assign(&mut self, assignments: Vec<(String, Bytes)>) {
        let mut assignments: BTreeMap<String, Bytes> = assignments.into_iter().collect();
        for (id, member) in &mut self.group.members {
            member.assignment = assignments.remove(id).unwrap_or_default();
        }
        self.group.state = State::Stable;
        if !self.record() {
            return self.refuse_assignment();
        }
        for (id, caller) in self.group.take_waiting_syncs() {
            let synced = self.group.synced(&self.group.members[&id]);
            self.answer_sync(caller, Ok(synced));
            self.refresh(&id);
        }
    }

    /// What cannot be recorded is not told either: the members are to try again with less (Kafka's answer to a record that is too large).
    fn refuse_assignment(&mut self) {
        self.group.state = State::CompletingRebalance;
        for (id, caller) in self.group.take_waiting_syncs() {
            self.answer_sync(caller, Err(Error::UnknownServerError));
            self.refresh(&id);
        }
        self.prepare_rebalance();
    }

    /// Members of this generation that never asked for their assignment are not there.
    pub fn sync_time_is_up(&mut self) {
        let missing = core::mem::take(&mut self.group.pending_sync);
        if missing.is_empty() || !matches!(self.group.state, State::CompletingRebalance | State::Stable) {
            return;
        }
        for id in &missing {
            self.remove(id);
        }
        self.prepare_rebalance();
    }

    /// A member lives. While a rebalance goes on it is told to join, and its session is kept all the same.
    pub fn heartbeat(&mut self, who: &Member) -> Result<(), Error> {
        self.group.validate(&who.member, who.instance.as_deref())?;
        if who.generation != self.group.generation {
            return Err(Error::IllegalGeneration);
        }
        self.refresh(&who.member);
        match self.group.state {
            State::PreparingRebalance { .. } => Err(Error::RebalanceInProgress),
            State::Empty | State::CompletingRebalance | State::Stable => Ok(()),
        }
    }
}

impl Group {
    fn check_sync(&self, request: &SyncGroup) -> Result<(), Error> {
        let who = &request.who;
        self.validate(&who.member, who.instance.as_deref())?;
        if who.generation != self.generation {
            return Err(Error::IllegalGeneration);
        }
        match &request.protocol {
            Some((kind, name)) if (kind, name) != (&self.protocol_type, &self.protocol) => {
                Err(Error::InconsistentGroupProtocol)
            }
            _ => Ok(()),
        }
    }

    /// Who may commit offsets: members of this generation once it has its assignment, or anybody while the group is empty.
    pub fn check_commit(&self, who: &Member) -> Result<(), Error> {
        if who.generation < 0 && self.state == State::Empty {
            return Ok(());
        }
        if who.generation < 0 && who.member.is_empty() && who.instance.is_none() {
            return Err(Error::UnknownMemberId);
        }
        self.check_generation(who)?;
        if self.state == State::CompletingRebalance { Err(Error::RebalanceInProgress) } else { Ok(()) }
    }

    /// Who may commit offsets in a transaction: members of this generation, also during a rebalance, or anybody who does not say.
    pub fn check_transactional_commit(&self, who: &Member) -> Result<(), Error> {
        let says_nothing = who.generation < 0 && who.member.is_empty() && who.instance.is_none();
        if says_nothing { Ok(()) } else { self.check_generation(who) }
    }

    fn check_generation(&self, who: &Member) -> Result<(), Error> {
        self.validate(&who.member, who.instance.as_deref())?;
        if who.generation == self.generation { Ok(()) } else { Err(Error::IllegalGeneration) }
    }
}
