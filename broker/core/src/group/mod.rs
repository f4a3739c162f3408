//! Classic consumer groups: who is a member, in which generation, with which assignment.
//!
//! Owns the coordinator's half of JoinGroup, SyncGroup, Heartbeat and LeaveGroup, and the deadlines between them (KIP-62, 134,
//! 345, 394). Leaves committed offsets to `offsets`, assignments and subscriptions, opaque bytes here, to the clients.
//! Invariant: every JoinGroup and SyncGroup gets exactly one reply, at once or later.
//!
//! Membership moves in memory; what a generation has come to is recorded in `__consumer_offsets` (`stored`), so that after a restart
//! members go on in it. A rebalance that was going on then is begun again by its members, as in Kafka.

mod admin;
mod join;
mod leave;
mod member;
mod member_id;
mod rebalance;
mod record;
mod state;
mod stored;
mod sync;
#[cfg(test)]
mod tests;
mod timers;
mod turn;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use crate::{
    big_endian::{fits, fits_with},
    error::Error,
    offsets::Offsets,
    request::{ConnId, JoinGroup, Member, OffsetCommit, Reply, RequestId, SyncGroup},
    time::{Now, Wall},
};
pub use admin::DeleteOutcomes;
use member_id::MemberIds;
pub use record::GroupRecord;
use state::{Group, State};
use stored::Stored;
use timers::Timers;
use turn::Turn;

/// What an operator may set; defaults are Kafka's, except where it has no limit at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// `group.min.session.timeout.ms`.
    pub min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub max_session_timeout_ms: i32,
    /// `group.initial.rebalance.delay.ms`: how long the first members of a group wait for more.
    pub initial_rebalance_delay_ms: u64,
    /// How long a JoinGroup of a member that has never been through a rebalance may wait.
    pub new_member_join_timeout_ms: u64,
    /// `group.max.size`: members of one group; as many more may be on their way into it.
    pub max_size: usize,
    /// Groups with members or remembered to have had some.
    pub max_groups: usize,
}

impl Default for GroupSettings {
    fn default() -> Self {
        GroupSettings {
            min_session_timeout_ms: 6_000,
            max_session_timeout_ms: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            new_member_join_timeout_ms: 300_000,
            max_size: 10_000,
            max_groups: 10_000,
        }
    }
}

/// Who asks, and where the reply goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Caller {
    /// The connection.
    pub conn: ConnId,
    /// Its request.
    pub request: RequestId,
}

/// What concerns one group's membership.
#[derive(Clone, Debug)]
pub enum GroupRequest {
    /// Join, or join again.
    Join(JoinGroup),
    /// Hand out, or wait for, the assignment.
    Sync(SyncGroup),
    /// Stay a member.
    Heartbeat(Member),
    /// Stop being a member.
    Leave {
        /// The group.
        group: String,
        /// The members that leave: member id (empty to name a static member), group instance id.
        members: Vec<(String, Option<String>)>,
    },
}

/// A reply to some `GroupRequest`, perhaps an earlier one.
#[derive(Clone, Debug)]
pub struct GroupReply {
    /// Where it goes. The connection may be gone.
    pub to: Caller,
    /// The reply; the text beside a JoinGroup's error is the member id to answer.
    pub reply: Reply,
}

/// All classic groups.
#[derive(Debug)]
pub struct Groups {
    settings: GroupSettings,
    started: Now,
    groups: BTreeMap<String, Group>,
    timers: Timers,
    ids: MemberIds,
    /// Members, known or pending, that end with an in-process caller: its id, the group, the member.
    in_process: BTreeSet<(ConnId, String, String)>,
    /// What a start after this moment would find.
    stored: Stored,
    /// What is to be stored next.
    records: Vec<GroupRecord>,
}

impl Groups {
    /// No groups. `seed` makes member ids and must differ from start to start; `started` is the present.
    pub fn new(settings: GroupSettings, seed: u64, started: Now) -> Self {
        Groups {
            settings,
            started,
            groups: BTreeMap::new(),
            timers: Timers::default(),
            ids: MemberIds::new(seed),
            in_process: BTreeSet::new(),
            stored: Stored::new(),
            records: Vec::new(),
        }
    }

    /// Takes one request. Its reply, and those to requests that waited for it, are pushed to `out`; a JoinGroup or SyncGroup
    /// that has to wait is answered by a later call. See [`Groups::take_records`] for what has to be durable before.
    pub fn handle(&mut self, now: Now, wall: Wall, who: Caller, request: GroupRequest, out: &mut Vec<GroupReply>) {
        match request {
            GroupRequest::Join(request) => self.join(now, wall, who, request, out),
            GroupRequest::Sync(request) => self.sync(now, wall, who, request, out),
            GroupRequest::Heartbeat(member) => {
                let outcome = self.heartbeat(now, wall, &member, out);
                out.push(GroupReply { to: who, reply: Reply::Heartbeat(outcome) });
            }
            GroupRequest::Leave { group, members } => {
                let outcome = self.leave(now, wall, &group, members, out);
                out.push(GroupReply { to: who, reply: Reply::LeaveGroup(outcome) });
            }
        }
    }

    fn join(&mut self, now: Now, wall: Wall, who: Caller, request: JoinGroup, out: &mut Vec<GroupReply>) {
        let sessions = self.settings.min_session_timeout_ms..=self.settings.max_session_timeout_ms;
        let refusal = if let Err(error) = check_name(&request.group) {
            Some(error)
        } else if !sessions.contains(&request.session_timeout_ms) {
            Some(Error::InvalidSessionTimeout)
        } else if !names_fit(&request) {
            Some(Error::InvalidRequest)
        } else if self.groups.contains_key(&request.group) {
            None
        } else if !request.member.is_empty() {
            Some(Error::UnknownMemberId)
        } else if !self.has_room() {
            Some(Error::CoordinatorNotAvailable)
        } else {
            self.groups.insert(request.group.clone(), Group::new(Some(wall)));
            None
        };
        match refusal {
            Some(error) => out.push(GroupReply { to: who, reply: Reply::JoinGroup(Err((error, request.member))) }),
            None => {
                let group = request.group.clone();
                self.turn(now, wall, &group, out, |turn| turn.join(who, request));
            }
        }
    }

    /// Whether one more group may be, after those that nobody is in have made room.
    fn has_room(&mut self) -> bool {
        if self.groups.len() >= self.settings.max_groups {
            self.forget_idle(|_| false);
        }
        self.groups.len() < self.settings.max_groups
    }

    fn sync(&mut self, now: Now, wall: Wall, who: Caller, request: SyncGroup, out: &mut Vec<GroupReply>) {
        let refusal = match check_name(&request.who.group) {
            Ok(()) if self.groups.contains_key(&request.who.group) => None,
            Ok(()) => Some(Error::UnknownMemberId),
            Err(error) => Some(error),
        };
        match refusal {
            Some(error) => out.push(GroupReply { to: who, reply: Reply::SyncGroup(Err(error)) }),
            None => {
                let group = request.who.group.clone();
                self.turn(now, wall, &group, out, |turn| turn.sync(who, request));
            }
        }
    }

    fn heartbeat(&mut self, now: Now, wall: Wall, who: &Member, out: &mut Vec<GroupReply>) -> Result<(), Error> {
        check_name(&who.group)?;
        self.turn(now, wall, &who.group, out, |turn| turn.heartbeat(who)).unwrap_or(Err(Error::UnknownMemberId))
    }

    fn leave(
        &mut self,
        now: Now,
        wall: Wall,
        group: &str,
        members: Vec<(String, Option<String>)>,
        out: &mut Vec<GroupReply>,
    ) -> Left {
        check_name(group)?;
        if !self.groups.contains_key(group) {
            return Ok(members.into_iter().map(|(id, instance)| (id, instance, Err(Error::UnknownMemberId))).collect());
        }
        Ok(self.turn(now, wall, group, out, |turn| turn.leave(members)).unwrap_or_default())
    }

    /// An in-process caller or a connection is gone. Members that it joined in process are removed at once; those of a TCP
    /// client live until their session ends, as in Kafka. A request of its that waits is still answered, to nobody.
    pub fn disconnected(&mut self, now: Now, wall: Wall, conn: ConnId, out: &mut Vec<GroupReply>) {
        let from = (conn, String::new(), String::new());
        while let Some((_, group, member)) =
            self.in_process.range(&from..).next().filter(|(owner, ..)| *owner == conn).cloned()
        {
            self.in_process.remove(&(conn, group.clone(), member.clone()));
            self.turn(now, wall, &group, out, |turn| turn.gone(&member));
        }
    }

    /// Does what is due: sessions, rebalances and pending members that took too long.
    pub fn handle_timeout(&mut self, now: Now, wall: Wall, out: &mut Vec<GroupReply>) {
        while let Some(timer) = self.timers.pop(now) {
            self.turn(now, wall, timer.group(), out, |turn| turn.time_is_up(&timer));
        }
    }

    /// When `handle_timeout` is wanted next.
    pub fn poll_timeout(&self) -> Option<Now> {
        self.timers.next()
    }

    /// Whether the member may commit offsets now. A simple commit (generation -1, no member) may if nobody is in the group.
    /// Errors: `IllegalGeneration`, `UnknownMemberId`, `FencedInstanceId`, `RebalanceInProgress`.
    pub fn check_commit(&self, offsets: &Offsets, commit: &OffsetCommit) -> Result<(), Error> {
        self.may_commit(offsets, &commit.who, Group::check_commit)
    }

    /// The same of a commit in a transaction, which older clients make without saying who they are (KIP-447).
    pub fn check_transactional_commit(&self, offsets: &Offsets, commit: &OffsetCommit) -> Result<(), Error> {
        self.may_commit(offsets, &commit.who, Group::check_transactional_commit)
    }

    /// A group known by its offsets alone is an empty one.
    fn may_commit(
        &self,
        offsets: &Offsets,
        who: &Member,
        check: impl Fn(&Group, &Member) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self.groups.get(&who.group) {
            Some(group) => check(group, who),
            None if who.generation < 0 => Ok(()),
            None if offsets.has_group(&who.group) => check(&Group::new(None), who),
            None => Err(Error::IllegalGeneration),
        }
    }

    /// A commit that `check_commit` let through is a sign of life, as a heartbeat is.
    pub fn committed(&mut self, now: Now, wall: Wall, who: &Member) {
        self.turn(now, wall, &who.group, &mut Vec::new(), |turn| turn.refresh(&who.member));
    }

    /// Since when nobody of a group reads a topic, on the wall clock; `None` while somebody does, or may. Where only commits count
    /// that is for ever: in a group that never had members, and of a topic that consumers, all of them with their assignments, are not
    /// subscribed to (KIP-211). Members of a process before this one were there until this one started. For `Offsets::expired`.
    pub fn unused_since(&self, id: &str, topic: &str, now: Now, wall: Wall) -> Option<Wall> {
        let running = i64::try_from(now.0.saturating_sub(self.started.0)).unwrap_or(i64::MAX);
        let Some(group) = self.groups.get(id) else { return Some(Wall(0)) };
        match group.state {
            State::Empty => group.empty_since.or(Some(Wall(wall.0.saturating_sub(running)))),
            State::Stable if group.protocol_type == CONSUMER && !self.is_reading(id, topic) => Some(Wall(0)),
            _ => None,
        }
    }

    /// Forgets groups that nobody is in and that have no offsets. Every `offsets.retention.check.interval.ms` or so.
    pub fn forget_idle(&mut self, has_offsets: impl Fn(&str) -> bool) {
        let idle = self.groups.iter().filter(|(id, group)| group.is_idle() && !has_offsets(id));
        let idle: Vec<String> = idle.map(|(id, _)| id.clone()).collect();
        idle.iter().for_each(|id| self.forget(id));
    }

    /// Lets one group act, and forgets it if nothing is left worth remembering.
    fn turn<T>(
        &mut self,
        now: Now,
        wall: Wall,
        id: &str,
        out: &mut Vec<GroupReply>,
        act: impl FnOnce(&mut Turn<'_>) -> T,
    ) -> Option<T> {
        let group = self.groups.get_mut(id)?;
        let mut turn = Turn {
            now,
            wall,
            id,
            group,
            settings: &self.settings,
            timers: &mut self.timers,
            ids: &mut self.ids,
            in_process: &mut self.in_process,
            records: &mut self.records,
            out,
        };
        let result = act(&mut turn);
        if turn.group.is_blank() {
            self.groups.remove(id);
        }
        Some(result)
    }
}

type Left = Result<Vec<(String, Option<String>, Result<(), Error>)>, Error>;

/// Whether a member's names fit into the group's record, and the id that is made of them.
fn names_fit(request: &JoinGroup) -> bool {
    let prefix = request.instance.as_deref().unwrap_or(&request.client_id);
    let protocols = request.protocols.iter().map(|(name, _)| name.as_str());
    let names = [&request.client_host, &request.client_id, &request.protocol_type].map(String::as_str);
    fits_with(prefix, member_id::SUFFIX_BYTES) && names.into_iter().chain(protocols).all(fits)
}

/// The protocol type of consumers, whose members' metadata is a `ConsumerProtocolSubscription`.
const CONSUMER: &str = "consumer";

/// Group ids go into keys of `__consumer_offsets`, where a length has 15 bits.
fn check_name(group: &str) -> Result<(), Error> {
    if group.is_empty() || !fits(group) { Err(Error::InvalidGroupId) } else { Ok(()) }
}
