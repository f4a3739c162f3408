//! A coordinator under test: requests by name, a clock that is moved by hand, replies looked up when wanted.

mod admin;
mod convergence;
mod join;
mod leave;
mod property;
mod rebalance;
mod static_members;
mod stored;
mod sync;

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use bytes::Bytes;

use super::*;
use crate::{
    codec::{Reader, Writer},
    offsets::OffsetSettings,
    request::{Joined, Synced},
};

pub type JoinOutcome = Result<Joined, (Error, String)>;
pub type LeaveOutcome = Result<Vec<(String, Option<String>, Result<(), Error>)>, Error>;

/// Defaults of a small test: no initial delay.
pub fn settings() -> GroupSettings {
    GroupSettings { initial_rebalance_delay_ms: 0, ..GroupSettings::default() }
}

/// A request that was sent; its reply is looked up in the harness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sent(pub Caller);

pub struct Harness {
    pub groups: Groups,
    pub now: Now,
    next_request: u64,
    pub replies: BTreeMap<Caller, Reply>,
    /// All records, in order.
    pub written: Vec<GroupRecord>,
}

impl Harness {
    pub fn new(settings: GroupSettings) -> Self {
        let now = Now(1_000_000);
        Harness {
            groups: Groups::new(settings, 7, now),
            now,
            next_request: 0,
            replies: BTreeMap::new(),
            written: Vec::new(),
        }
    }

    pub fn send_on(&mut self, conn: u64, request: GroupRequest) -> Sent {
        self.next_request += 1;
        let caller = Caller { conn: ConnId(conn), request: RequestId(self.next_request) };
        let mut out = Vec::new();
        self.groups.handle(self.now, self.wall(), caller, request, &mut out);
        self.keep(out);
        Sent(caller)
    }

    pub fn send(&mut self, request: GroupRequest) -> Sent {
        self.send_on(0, request)
    }

    /// The wall clock, which goes as the other one does.
    pub fn wall(&self) -> Wall {
        Wall(self.now.0 as i64)
    }

    fn keep(&mut self, out: Vec<GroupReply>) {
        self.write();
        for GroupReply { to, reply } in out {
            assert!(self.replies.insert(to, reply).is_none(), "{to:?} was answered twice");
        }
    }

    /// Time passes, deadline by deadline.
    pub fn sleep(&mut self, ms: u64) {
        let until = self.now.plus(ms);
        while let Some(next) = self.groups.poll_timeout().filter(|next| *next <= until) {
            self.now = next.max(self.now);
            self.expire();
        }
        self.now = until;
        self.expire();
    }

    fn expire(&mut self) {
        let mut out = Vec::new();
        self.groups.handle_timeout(self.now, self.wall(), &mut out);
        self.keep(out);
    }

    pub fn disconnect(&mut self, conn: u64) {
        let mut out = Vec::new();
        self.groups.disconnected(self.now, self.wall(), ConnId(conn), &mut out);
        self.keep(out);
    }

    /// Whether a commit to a group without offsets is let through.
    pub fn check_commit(&self, commit: &OffsetCommit) -> Result<(), Error> {
        self.groups.check_commit(&Offsets::new(OffsetSettings::default()), commit)
    }

    /// What the broker does with the records before it sends replies.
    pub fn write(&mut self) {
        for record in self.groups.take_records() {
            self.groups.replay(&record);
            self.written.push(record);
        }
    }

    /// The process dies and starts again, from a checkpoint or from the log of records, which comes to the same.
    pub fn restart(&mut self) {
        let mut snapshot = Writer::default();
        self.groups.encode(&mut snapshot);
        let seed = self.next_request + 100;
        let (mut from_snapshot, mut from_log) = (self.reborn(seed), self.reborn(seed));
        from_snapshot.decode(&mut Reader(&snapshot.0)).expect("it was just encoded");
        self.written.iter().for_each(|record| from_log.replay(record));
        for groups in [&mut from_snapshot, &mut from_log] {
            groups.resume(self.now).expect("it was just written");
        }
        assert_eq!(format!("{from_snapshot:?}"), format!("{from_log:?}"));
        self.groups = from_log;
    }

    fn reborn(&self, seed: u64) -> Groups {
        Groups::new(self.groups.settings.clone(), seed, self.now)
    }

    pub fn is_waiting(&self, sent: Sent) -> bool {
        !self.replies.contains_key(&sent.0)
    }

    pub fn joined(&self, sent: Sent) -> JoinOutcome {
        match self.replies.get(&sent.0) {
            Some(Reply::JoinGroup(outcome)) => outcome.clone(),
            other => panic!("no reply to a JoinGroup but {other:?}"),
        }
    }

    pub fn synced(&self, sent: Sent) -> Result<Synced, Error> {
        match self.replies.get(&sent.0) {
            Some(Reply::SyncGroup(outcome)) => outcome.clone(),
            other => panic!("no reply to a SyncGroup but {other:?}"),
        }
    }

    pub fn heartbeat(&mut self, group: &str, generation: i32, member: &str) -> Result<(), Error> {
        let sent = self.send(GroupRequest::Heartbeat(member_of(group, generation, member)));
        match self.replies.get(&sent.0) {
            Some(Reply::Heartbeat(outcome)) => *outcome,
            other => panic!("no reply to a Heartbeat but {other:?}"),
        }
    }

    pub fn leave(&mut self, group: &str, members: &[(&str, Option<&str>)]) -> LeaveOutcome {
        let members = members.iter().map(|(id, instance)| (id.to_string(), instance.map(String::from))).collect();
        let sent = self.send(GroupRequest::Leave { group: group.into(), members });
        match self.replies.get(&sent.0) {
            Some(Reply::LeaveGroup(outcome)) => outcome.clone(),
            other => panic!("no reply to a LeaveGroup but {other:?}"),
        }
    }

    pub fn state(&self, group: &str) -> &'static str {
        self.groups.groups.get(group).map_or("Dead", |group| group.state.name())
    }

    /// A new member's id, by the way of MEMBER_ID_REQUIRED.
    pub fn member_id(&mut self) -> String {
        let sent = self.send(GroupRequest::Join(join("").v4()));
        match self.joined(sent) {
            Err((Error::MemberIdRequired, id)) => id,
            other => panic!("no member id but {other:?}"),
        }
    }

    /// A stable group "g" of `count` members, its leader first: their ids. Needs settings without an initial delay.
    pub fn stable_group(&mut self, count: usize) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        for _ in 0..count {
            let new = self.send(GroupRequest::Join(join("")));
            let known: Vec<Sent> = ids.iter().map(|id| self.send(GroupRequest::Join(join(id)))).collect();
            let joined = self.joined(new).expect("all others have joined too");
            assert!(known.into_iter().all(|sent| self.joined(sent).is_ok()));
            ids.push(joined.member);
        }
        let generation = self.generation();
        for id in ids.iter().rev() {
            let sent = self.send(sync(generation, id, &assign_to(&ids)));
            assert_eq!(self.is_waiting(sent), *id != ids[0]);
        }
        assert_eq!(self.state("g"), "Stable");
        ids
    }

    pub fn generation(&self) -> i32 {
        self.groups.groups["g"].generation
    }
}

/// A JoinGroup for the group "g" with plain values; the methods of `With` change it.
pub fn join(member: &str) -> JoinGroup {
    JoinGroup {
        group: "g".into(),
        member: member.into(),
        instance: None,
        client_id: "client".into(),
        client_host: "/127.0.0.1".into(),
        require_known_member: false,
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        protocol_type: "consumer".into(),
        protocols: protocols(&["range"]),
        in_process: false,
    }
}

pub trait With: Sized {
    fn v4(self) -> Self;
    fn instance(self, instance: &str) -> Self;
    fn protocols(self, names: &[&str]) -> Self;
    fn in_process(self) -> Self;
}

impl With for JoinGroup {
    fn v4(mut self) -> Self {
        self.require_known_member = true;
        self
    }

    fn instance(mut self, instance: &str) -> Self {
        self.instance = Some(instance.into());
        self
    }

    fn protocols(mut self, names: &[&str]) -> Self {
        self.protocols = protocols(names);
        self
    }

    fn in_process(mut self) -> Self {
        self.in_process = true;
        self
    }
}

/// Protocols whose metadata is their own name.
pub fn protocols(names: &[&str]) -> Vec<(String, Bytes)> {
    names.iter().map(|name| (name.to_string(), Bytes::copy_from_slice(name.as_bytes()))).collect()
}

pub fn member_of(group: &str, generation: i32, member: &str) -> Member {
    Member { group: group.into(), generation, member: member.into(), instance: None }
}

pub fn sync(generation: i32, member: &str, assignments: &[(String, Bytes)]) -> GroupRequest {
    GroupRequest::Sync(SyncGroup {
        who: member_of("g", generation, member),
        protocol: None,
        assignments: assignments.to_vec(),
    })
}

/// Gives each member its own id to work on.
pub fn assign_to(members: &[String]) -> Vec<(String, Bytes)> {
    members.iter().map(|id| (id.clone(), Bytes::copy_from_slice(id.as_bytes()))).collect()
}

pub fn error<T, E: Copy>(outcome: &Result<T, (E, String)>) -> Option<E> {
    outcome.as_ref().err().map(|(error, _)| *error)
}
