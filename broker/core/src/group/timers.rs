//! What is due when.
//!
//! Owns the deadlines of all groups. Leaves what to do about them to the turn of the group concerned. Invariant: a timer has
//! one deadline at most; setting it again moves it.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
};

use crate::time::Now;

/// Whose time is up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A member, known or pending, has not been heard of for its session timeout.
    Session { group: String, member: String },
    /// Members had this long to join.
    Join { group: String },
    /// Members had this long to ask for their assignment.
    Sync { group: String },
}

impl Timer {
    pub fn group(&self) -> &str {
        let (Timer::Session { group, .. } | Timer::Join { group } | Timer::Sync { group }) = self;
        group
    }
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeSet<(Now, Timer)>,
    deadlines: BTreeMap<Timer, Now>,
}

impl Timers {
    pub fn set(&mut self, timer: Timer, deadline: Now) {
        if let Some(before) = self.deadlines.insert(timer.clone(), deadline) {
            self.due.remove(&(before, timer.clone()));
        }
        self.due.insert((deadline, timer));
    }

    pub fn cancel(&mut self, timer: Timer) {
        if let Some(deadline) = self.deadlines.remove(&timer) {
            self.due.remove(&(deadline, timer));
        }
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Now> {
        self.due.first().map(|(deadline, _)| *deadline)
    }

    /// Takes the earliest timer whose deadline has come.
    pub fn pop(&mut self, now: Now) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        let (_, timer) = self.due.pop_first()?;
        self.deadlines.remove(&timer);
        Some(timer)
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        assert_eq!(self.due.len(), self.deadlines.len());
        self.due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_set_again_moves_and_a_cancelled_one_never_fires() {
        let join = |group: &str| Timer::Join { group: group.into() };
        let mut timers = Timers::default();
        timers.set(join("a"), Now(10));
        timers.set(join("b"), Now(20));
        timers.set(join("c"), Now(15));
        timers.set(join("a"), Now(30));
        timers.cancel(join("c"));
        assert_eq!(timers.next(), Some(Now(20)));
        assert_eq!(timers.pop(Now(19)), None);
        assert_eq!(timers.pop(Now(40)), Some(join("b")));
        assert_eq!(timers.pop(Now(40)), Some(join("a")));
        assert_eq!((timers.pop(Now(40)), timers.len()), (None, 0));
    }
}
