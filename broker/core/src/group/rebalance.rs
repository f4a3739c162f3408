//! Rebalances: from the reason for one to the next generation.
//!
//! Owns PreparingRebalance, its deadlines, and the step into the next generation. Leaves why it starts to `join` and `leave`,
//! and assignments to `sync`.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use bytes::Bytes;

use super::{
    state::{InitialDelay, State},
    timers::Timer,
    turn::Turn,
};
use crate::error::Error;

/// Between looks at a group whose members are all static and away, milliseconds.
const RETRY_MS: u64 = 1_000;

impl Turn<'_> {
    /// A member came or changed.
    pub fn rebalance_or_complete(&mut self) {
        match self.group.state {
            State::PreparingRebalance { .. } => self.maybe_complete_join(),
            State::Empty | State::CompletingRebalance | State::Stable => self.prepare_rebalance(),
        }
    }

    /// Members are gone.
    pub fn rebalance_without_them(&mut self) {
        match self.group.state {
            State::Empty => {}
            State::PreparingRebalance { .. } => self.maybe_complete_join(),
            State::CompletingRebalance | State::Stable => self.prepare_rebalance(),
        }
    }

    /// Asks everybody to join again, and waits for them.
    pub fn prepare_rebalance(&mut self) {
        self.cancel_assignment();
        if self.group.state == State::Empty {
            return self.begin_initial_rebalance();
        }
        self.group.state = State::PreparingRebalance { initial: None };
        if self.group.all_joined() {
            self.complete_join();
        } else {
            self.set_join_deadline(self.group.rebalance_timeout_ms());
        }
    }

    /// Those who wait for the assignment of this generation shall join the next, and the one before is past.
    fn cancel_assignment(&mut self) {
        self.timers.cancel(Timer::Sync { group: self.id.to_string() });
        if self.group.state != State::CompletingRebalance {
            return;
        }
        self.group.members.values_mut().for_each(|member| member.assignment = Bytes::new());
        for (id, caller) in self.group.take_waiting_syncs() {
            self.answer_sync(caller, Err(Error::RebalanceInProgress));
            self.refresh(&id);
        }
    }

    /// More members are likely to come: waiting saves a rebalance for each of them (KIP-134).
    fn begin_initial_rebalance(&mut self) {
        let delay_ms = self.settings.initial_rebalance_delay_ms;
        if delay_ms == 0 {
            self.group.state = State::PreparingRebalance { initial: None };
            return self.complete_join();
        }
        let remaining_ms = self.group.rebalance_timeout_ms().saturating_sub(delay_ms);
        let initial = InitialDelay { delay_ms, remaining_ms, member_added: false };
        self.group.state = State::PreparingRebalance { initial: Some(initial) };
        self.set_join_deadline(delay_ms);
    }

    /// Goes on if there is nobody left to wait for. An initial delay is waited out.
    pub fn maybe_complete_join(&mut self) {
        if self.group.state == (State::PreparingRebalance { initial: None }) && self.group.all_joined() {
            self.complete_join();
        }
    }

    pub fn join_time_is_up(&mut self) {
        let State::PreparingRebalance { initial } = &mut self.group.state else { return };
        match initial {
            Some(initial) if initial.member_added && initial.remaining_ms > 0 => {
                let delay_ms = self.settings.initial_rebalance_delay_ms.min(initial.remaining_ms);
                let remaining_ms = initial.remaining_ms.saturating_sub(initial.delay_ms);
                *initial = InitialDelay { delay_ms, remaining_ms, member_added: false };
                self.set_join_deadline(delay_ms);
            }
            _ => {
                *initial = None;
                self.complete_join();
            }
        }
    }

    /// The next generation, of those who joined; static members that did not are given until their session ends.
    fn complete_join(&mut self) {
        self.timers.cancel(Timer::Join { group: self.id.to_string() });
        let late = self.group.members.iter().filter(|(_, member)| member.join.is_none() && member.instance.is_none());
        let late: Vec<String> = late.map(|(id, _)| id.clone()).collect();
        for id in late {
            self.remove(&id);
        }
        if !self.group.members.is_empty() && !self.group.elect_joined_leader() {
            // Only a session's end or a member's return ends this; a timeout of 0 must not spin until then.
            return self.set_join_deadline(self.group.rebalance_timeout_ms().max(RETRY_MS));
        }
        self.group.next_generation(self.wall);
        if self.group.state == State::Empty {
            self.record();
        }
        self.announce_generation();
    }

    fn announce_generation(&mut self) {
        let everyone: Vec<String> = self.group.members.keys().cloned().collect();
        for id in &everyone {
            let member = self.group.members.get_mut(id).expect("ids were taken from the map");
            member.is_new = false;
            let waiting = member.join.take();
            if let Some(caller) = waiting {
                self.answer_join(caller, Ok(self.group.joined(id, self.group.is_leader(id))));
            }
            self.refresh(id);
        }
        if !everyone.is_empty() {
            let deadline = self.now.plus(self.group.rebalance_timeout_ms());
            self.timers.set(Timer::Sync { group: self.id.to_string() }, deadline);
        }
    }
}
