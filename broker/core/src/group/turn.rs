//! One group's turn: the group, and all that its decisions touch.
//!
//! Owns replies, sessions and the removal of a member. Leaves the decisions to `join`, `rebalance`, `sync` and `leave`, which
//! extend it. Invariant: a member that is removed leaves no timer, no waiting request and no in-process entry behind.

use alloc::{
    collections::BTreeSet,
    string::{String, ToString},
    vec::Vec,
};

use super::{
    Caller, GroupReply, GroupSettings,
    member_id::MemberIds,
    record::GroupRecord,
    state::Group,
    timers::{Timer, Timers},
};
use crate::{
    error::Error,
    request::{ConnId, Joined, Reply, Synced},
    time::{Now, Wall},
};

pub(super) struct Turn<'a> {
    pub now: Now,
    pub wall: Wall,
    pub id: &'a str,
    pub group: &'a mut Group,
    pub settings: &'a GroupSettings,
    pub timers: &'a mut Timers,
    pub ids: &'a mut MemberIds,
    pub in_process: &'a mut BTreeSet<(ConnId, String, String)>,
    pub records: &'a mut Vec<GroupRecord>,
    pub out: &'a mut Vec<GroupReply>,
}

impl Turn<'_> {
    pub fn answer_join(&mut self, to: Caller, outcome: Result<Joined, (Error, String)>) {
        self.out.push(GroupReply { to, reply: Reply::JoinGroup(outcome) });
    }

    pub fn answer_sync(&mut self, to: Caller, outcome: Result<Synced, Error>) {
        self.out.push(GroupReply { to, reply: Reply::SyncGroup(outcome) });
    }

    /// A member was heard of: its session begins anew.
    pub fn refresh(&mut self, member: &str) {
        if let Some(known) = self.group.members.get(member) {
            self.set_session(member, known.session_timeout_ms);
        }
    }

    pub fn set_session(&mut self, member: &str, timeout_ms: u64) {
        let timer = Timer::Session { group: self.id.to_string(), member: member.to_string() };
        self.timers.set(timer, self.now.plus(timeout_ms));
    }

    pub fn set_join_deadline(&mut self, delay_ms: u64) {
        self.timers.set(Timer::Join { group: self.id.to_string() }, self.now.plus(delay_ms));
    }

    /// Binds a member, known or pending, to the in-process caller that joined it last, or to none.
    pub fn bind(&mut self, member: &str, conn: Option<ConnId>) {
        let known = self.group.members.get_mut(member).map(|known| &mut known.in_process);
        let Some(bound) = known.or_else(|| self.group.pending.get_mut(member)) else { return };
        if let Some(before) = core::mem::replace(bound, conn) {
            self.in_process.remove(&(before, self.id.to_string(), member.to_string()));
        }
        if let Some(conn) = conn {
            self.in_process.insert((conn, self.id.to_string(), member.to_string()));
        }
    }

    /// Forgets a member, known or pending, and answers what it waits for: with its id unknown, a client that still lives
    /// starts over.
    pub fn remove(&mut self, member: &str) {
        self.bind(member, None);
        self.timers.cancel(Timer::Session { group: self.id.to_string(), member: member.to_string() });
        let Some(removed) = self.group.remove(member) else { return };
        if let Some(caller) = removed.join {
            self.answer_join(caller, Err((Error::UnknownMemberId, String::new())));
        }
        if let Some(caller) = removed.sync {
            self.answer_sync(caller, Err(Error::UnknownMemberId));
        }
    }
}
