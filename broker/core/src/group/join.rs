//! JoinGroup: what to do with somebody who wants in.
//!
//! Owns the cases by who asks (new, pending, known, static) and by state. Leaves what follows to `rebalance`.

use alloc::string::{String, ToString};

use super::{Caller, member::Member, state::State, timers::Timer, turn::Turn};
use crate::{
    error::Error,
    request::{JoinGroup, Joined},
};

impl Turn<'_> {
    pub fn join(&mut self, caller: Caller, request: JoinGroup) {
        if !self.has_room_for(&request.member) {
            self.answer_join(caller, Err((Error::GroupMaxSizeReached, String::new())));
            self.gone(&request.member);
        } else if !self.group.supports(&request.protocol_type, &request.protocols) {
            self.answer_join(caller, Err((Error::InconsistentGroupProtocol, request.member)));
        } else if request.member.is_empty() {
            self.join_unknown(caller, request);
        } else if request.instance.is_none() && self.group.pending.contains_key(&request.member) {
            self.add(caller, request.member.clone(), request);
        } else {
            match self.group.validate(&request.member, request.instance.as_deref()) {
                Ok(()) => self.join_again(caller, request),
                Err(error) => self.answer_join(caller, Err((error, request.member))),
            }
        }
    }

    /// During a rebalance those who have joined count: members that do not join are about to go, and make room.
    fn has_room_for(&self, member: &str) -> bool {
        let known = self.group.members.get(member);
        let room_inside = match self.group.state {
            State::PreparingRebalance { .. } if known.is_none_or(|known| known.join.is_none()) => {
                self.group.members.len() < self.settings.max_size
                    || self.group.waiting_to_join() < self.settings.max_size
            }
            State::CompletingRebalance | State::Stable if known.is_none() => {
                self.group.members.len() < self.settings.max_size
            }
            _ => true,
        };
        let room_outside = !member.is_empty() || self.group.pending.len() < self.settings.max_size;
        room_inside && room_outside
    }

    fn join_unknown(&mut self, caller: Caller, request: JoinGroup) {
        let id = self.ids.next(request.instance.as_deref().unwrap_or(&request.client_id));
        let namesake = request.instance.as_deref().and_then(|instance| self.group.static_member(instance)).cloned();
        match namesake {
            Some(old) => self.replace(caller, &old, id, request),
            None if request.instance.is_none() && request.require_known_member => {
                self.expect_later(caller, id, &request)
            }
            None => self.add(caller, id, request),
        }
    }

    /// KIP-394: a client that dies before it knows its id must not leave a member behind.
    fn expect_later(&mut self, caller: Caller, id: String, request: &JoinGroup) {
        self.group.pending.insert(id.clone(), None);
        self.bind(&id, request.in_process.then_some(caller.conn));
        self.set_session(&id, u64::try_from(request.session_timeout_ms).unwrap_or(0));
        self.answer_join(caller, Err((Error::MemberIdRequired, id)));
    }

    fn add(&mut self, caller: Caller, id: String, request: JoinGroup) {
        if let State::PreparingRebalance { initial: Some(initial) } = &mut self.group.state {
            initial.member_added = true;
        }
        self.bind(&id, None);
        let (conn, protocol_type) = (request.in_process.then_some(caller.conn), request.protocol_type.clone());
        self.group.add(id.clone(), Member::new(caller, request), protocol_type);
        self.bind(&id, conn);
        // It may not know its id yet and cannot send heartbeats, nor is a parked connection's end always seen.
        self.set_session(&id, self.settings.new_member_join_timeout_ms);
        self.rebalance_or_complete();
    }

    fn join_again(&mut self, caller: Caller, request: JoinGroup) {
        let id = request.member.clone();
        let same = self.group.members[&id].protocols == request.protocols;
        let leads = self.group.is_leader(&id);
        self.bind(&id, request.in_process.then_some(caller.conn));
        match self.group.state {
            // It missed the reply to its first JoinGroup.
            State::CompletingRebalance if same => {
                self.refresh(&id);
                self.answer_join(caller, Ok(self.group.joined(&id, leads)));
            }
            // A leader that joins again wants a new assignment, for reasons the coordinator cannot see.
            State::Stable if same && !leads => {
                self.refresh(&id);
                self.answer_join(caller, Ok(self.group.joined(&id, false)));
            }
            _ => {
                self.update(caller, &id, request);
                self.rebalance_or_complete();
            }
        }
    }

    fn update(&mut self, caller: Caller, id: &str, request: JoinGroup) {
        if let Some(superseded) = self.group.update(id, caller, request) {
            self.answer_join(superseded, Err((Error::RebalanceInProgress, id.to_string())));
        }
    }

    /// KIP-345: a static member is back under its old name. Its predecessor is fenced.
    fn replace(&mut self, caller: Caller, old: &str, id: String, request: JoinGroup) {
        let leader = self.group.joined(old, false).leader;
        self.fence(old);
        self.group.rename(old, &id);
        self.bind(&id, request.in_process.then_some(caller.conn));
        self.update(caller, &id, request);
        self.refresh(&id);
        match self.group.state {
            State::Stable if self.group.choose_protocol() == self.group.protocol => {
                // It gets the old leader's id, even its own: it must not take itself for the leader and assign, for
                // nobody would hear of that assignment.
                let joined = Joined { leader, ..self.group.joined(&id, false) };
                self.group.members.get_mut(&id).expect("it was renamed above").join = None;
                self.record();
                self.answer_join(caller, Ok(joined));
            }
            // The leader may be assigning to the old id.
            State::Stable | State::CompletingRebalance => self.prepare_rebalance(),
            State::Empty | State::PreparingRebalance { .. } => self.maybe_complete_join(),
        }
    }

    fn fence(&mut self, old: &str) {
        self.bind(old, None);
        self.timers.cancel(Timer::Session { group: self.id.to_string(), member: old.to_string() });
        let member = self.group.members.get_mut(old).expect("a static member is a member");
        let (join, sync) = (member.join.take(), member.sync.take());
        if let Some(caller) = join {
            self.answer_join(caller, Err((Error::FencedInstanceId, old.to_string())));
        }
        if let Some(caller) = sync {
            self.answer_sync(caller, Err(Error::FencedInstanceId));
        }
    }
}
