//! What of a group outlives the process.
//!
//! Owns which moments of a group's life are recorded (a generation that is stable or empty, a static member's new id, the end), the
//! latest record per group, and the way back from it after a restart. Leaves the record's bytes to `record`, and its way into
//! `__consumer_offsets` to the broker. Invariant: `replay` is the only way the records move, and a client is told of a generation's
//! assignments only when its record is durable, as in Kafka.
//!
//! Members of this process are gone after a restart: a generation that has some is recorded without members.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};
use bytes::Bytes;

use super::{
    Groups,
    member::Member,
    record::{Generation, GroupRecord, MemberOf},
    state::{Group, State},
    timers::Timer,
    turn::Turn,
};
use crate::{
    codec::{Damaged, Reader, Writer},
    time::{Now, Wall},
};

/// The longest record of a group, bytes: Kafka's `message.max.bytes`, which holds for `__consumer_offsets` too.
const RECORD_MOST_BYTES: usize = 1 << 20;

/// The latest record's value per group.
pub(super) type Stored = BTreeMap<String, Bytes>;

impl Turn<'_> {
    /// The group as it is now is to be remembered; false if its record would be too long, and there is none.
    pub fn record(&mut self) -> bool {
        let value = self.group.generation(self.wall).encode();
        let fits = value.len() <= RECORD_MOST_BYTES;
        if fits {
            self.records.push(GroupRecord { group: self.id.to_string(), value: Some(value) });
        }
        fits
    }
}

impl Groups {
    /// The records that the last calls ask for: to be written, replayed, and durable before any reply of these calls is sent.
    pub fn take_records(&mut self) -> Vec<GroupRecord> {
        core::mem::take(&mut self.records)
    }

    /// Applies a record of `__consumer_offsets`. It counts when the process starts again; see [`Groups::resume`].
    pub fn replay(&mut self, record: &GroupRecord) {
        match &record.value {
            Some(value) => self.stored.insert(record.group.clone(), value.clone()),
            None => self.stored.remove(&record.group),
        };
    }

    /// After a start, once everything is replayed: the groups are as their records say, and sessions begin at `now`.
    pub fn resume(&mut self, now: Now) -> Result<(), Damaged> {
        for (id, value) in &self.stored {
            let group = Group::restore(Generation::decode(value)?);
            for (member, known) in &group.members {
                let timer = Timer::Session { group: id.clone(), member: member.clone() };
                self.timers.set(timer, now.plus(known.session_timeout_ms));
            }
            self.groups.insert(id.clone(), group);
        }
        Ok(())
    }

    /// Forgets a group, and its record if it has one.
    pub(super) fn forget(&mut self, id: &str) {
        if self.stored.contains_key(id) {
            self.records.push(GroupRecord { group: id.to_string(), value: None });
        }
        let Some(group) = self.groups.remove(id) else { return };
        for (member, conn) in group.pending {
            self.timers.cancel(Timer::Session { group: id.to_string(), member: member.clone() });
            if let Some(conn) = conn {
                self.in_process.remove(&(conn, id.to_string(), member));
            }
        }
    }

    /// The latest records, for a checkpoint.
    pub(crate) fn encode(&self, out: &mut Writer) {
        out.list(self.stored.iter(), |out, (group, value)| {
            out.str(group).bytes(value);
        });
    }

    /// Reads back what `encode` wrote; [`Groups::resume`] is still to come.
    pub(crate) fn decode(&mut self, from: &mut Reader<'_>) -> Result<(), Damaged> {
        self.stored = from.list(|from| Ok((from.str()?, from.owned()?)))?.into_iter().collect();
        Ok(())
    }
}

impl Group {
    /// As it is recorded.
    ///
    /// # Panics
    /// During a rebalance: there is no generation to record.
    fn generation(&self, wall: Wall) -> Generation {
        assert!(matches!(self.state, State::Stable | State::Empty), "a generation is recorded once it is decided");
        let lives_here = self.members.values().any(|member| member.in_process.is_some());
        let survives = !self.members.is_empty() && !lives_here;
        let member = |(id, member): (&String, &Member)| MemberOf {
            id: id.clone(),
            instance: member.instance.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout_ms: i32::try_from(member.rebalance_timeout_ms).unwrap_or(i32::MAX),
            session_timeout_ms: i32::try_from(member.session_timeout_ms).unwrap_or(i32::MAX),
            metadata: member.metadata(&self.protocol),
            assignment: member.assignment.clone(),
        };
        Generation {
            protocol_type: self.protocol_type.clone(),
            generation: self.generation,
            protocol: survives.then(|| self.protocol.clone()),
            leader: self.leader().filter(|_| survives).map(ToString::to_string),
            // Members of this process leave with it, and nobody knows yet when that will be.
            since: if lives_here { -1 } else { wall.0 },
            members: if survives { self.members.iter().map(member).collect() } else { Vec::new() },
        }
    }

    /// The group of a generation that was recorded.
    fn restore(from: Generation) -> Self {
        let mut group = Group::new(Some(Wall(from.since)).filter(|since| since.0 >= 0));
        group.generation = from.generation;
        group.protocol_type = from.protocol_type.clone();
        if from.members.is_empty() {
            return group;
        }
        group.protocol = from.protocol.unwrap_or_default();
        group.state = State::Stable;
        for member in from.members {
            let id = member.id.clone();
            group.add(id, restored(member, &group.protocol), from.protocol_type.clone());
        }
        if let Some(leader) = from.leader {
            group.lead(leader);
        }
        group
    }
}

/// Of the protocols it knew, only the chosen one was recorded.
fn restored(from: MemberOf, protocol: &str) -> Member {
    let milliseconds = |timeout: i32| u64::try_from(timeout).unwrap_or(0);
    Member {
        instance: from.instance,
        client_id: from.client_id,
        client_host: from.client_host,
        session_timeout_ms: milliseconds(from.session_timeout_ms),
        rebalance_timeout_ms: milliseconds(from.rebalance_timeout_ms),
        protocols: [(protocol.to_string(), from.metadata)].into(),
        assignment: from.assignment,
        is_new: false,
        join: None,
        sync: None,
        in_process: None,
    }
}
