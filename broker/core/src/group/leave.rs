//! The ends of a membership: LeaveGroup, a session that ran out, an in-process caller that is gone.
//!
//! Owns who is removed and with which answer. Leaves what follows for the others to `rebalance`.

use alloc::{string::String, vec::Vec};

use super::{member::Member, timers::Timer, turn::Turn};
use crate::error::Error;

impl Turn<'_> {
    /// Removes members, several by one rebalance: a static one may be named by its instance id alone (KIP-345).
    pub fn leave(
        &mut self,
        members: Vec<(String, Option<String>)>,
    ) -> Vec<(String, Option<String>, Result<(), Error>)> {
        let mut answers = Vec::with_capacity(members.len());
        let (mut known, mut pending) = (false, false);
        for (id, instance) in members {
            let outcome = self.leaver(&id, instance.as_deref()).map(|id| {
                let was_pending = self.group.pending.contains_key(&id);
                pending |= was_pending;
                known |= !was_pending;
                self.remove(&id);
            });
            answers.push((id, instance, outcome));
        }
        if known {
            self.rebalance_without_them();
        } else if pending {
            self.maybe_complete_join();
        }
        answers
    }

    /// The id of the member that is meant.
    fn leaver(&self, id: &str, instance: Option<&str>) -> Result<String, Error> {
        if id.is_empty() {
            let named = instance.and_then(|instance| self.group.static_member(instance));
            return named.cloned().ok_or(Error::UnknownMemberId);
        }
        if !self.group.pending.contains_key(id) {
            self.group.validate(id, instance)?;
        }
        Ok(id.into())
    }

    /// Removes a member, known or pending, that nobody can speak for any more.
    pub fn gone(&mut self, member: &str) {
        if self.group.pending.contains_key(member) {
            self.remove(member);
            self.maybe_complete_join();
        } else if self.group.members.contains_key(member) {
            self.remove(member);
            self.rebalance_without_them();
        }
    }

    pub fn time_is_up(&mut self, timer: &Timer) {
        match timer {
            Timer::Session { member, .. } => self.session_is_over(member),
            Timer::Join { .. } => self.join_time_is_up(),
            Timer::Sync { .. } => self.sync_time_is_up(),
        }
    }

    /// Whoever waits for a reply cannot send heartbeats: its session begins anew with the reply. And an in-process member's end is
    /// that of its caller: a machine that stood still for a while must not cost a sink its place between two commits.
    fn session_is_over(&mut self, member: &str) {
        let lives = |member: &Member| member.is_alive_by_waiting() || member.in_process.is_some();
        if self.group.members.get(member).is_some_and(lives) {
            return;
        }
        self.gone(member);
    }
}
