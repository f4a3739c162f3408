//! Members of a consumer group: join, share out the partitions, read, commit, and now and then leave or fall silent.
//!
//! Owns a member's place in its group, which it keeps when it is cut off or the broker dies. The leader deals partitions round. Invariant: a member commits only what it was served, and
//! only in the generation it believes in.

use std::collections::BTreeMap;

use broker_core::{
    error::Error,
    request::{JoinGroup, Joined, Member, OffsetCommit, OffsetToCommit, Reply, Request, RequestId, SyncGroup},
};
use bytes::Bytes;

use super::{
    Client, Port,
    fetch::{self, Brought},
    topic::Topic,
    unexpected,
};
use crate::{
    broken,
    check::{
        Checked,
        group::{Known, Sent},
    },
};

/// A member.
#[derive(Debug)]
pub struct Consumer {
    group: String,
    topic: Topic,
    in_process: bool,
    member: String,
    stage: Stage,
    asked: Option<RequestId>,
    generation: i32,
    leader: String,
    /// Next offset to read and the one committed last, by partition that it owns.
    positions: BTreeMap<i32, Position>,
    heartbeat_at: u64,
    sent_at: u64,
    /// While it is in a generation: when it sent the sync or heartbeat that was answered last, and well. A commit is taken during a
    /// rebalance too, and does not say that the time to join is running out.
    heard_of_at: Option<u64>,
    left: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Position {
    next: i64,
    committed: i64,
}

#[derive(Debug)]
enum Stage {
    Out,
    Joining,
    Syncing,
    Finding(Vec<(i32, Known)>),
    Reading,
    Fetching(i32),
    Committing(i32, i64, Sent),
    Beating,
    Leaving,
}

const SESSION_MS: i32 = 10_000;
const BEAT_MS: u64 = 3_000;

impl Consumer {
    /// A member of `group` that reads `topic` and makes so many moves.
    pub fn new(group: &str, topic: &str, in_process: bool, moves: u32) -> Self {
        Self {
            group: group.into(),
            topic: Topic::new(topic),
            in_process,
            member: String::new(),
            stage: Stage::Out,
            asked: None,
            generation: -1,
            leader: String::new(),
            positions: BTreeMap::new(),
            heartbeat_at: 0,
            sent_at: 0,
            heard_of_at: None,
            left: moves,
        }
    }

    fn who(&self) -> Member {
        Member { group: self.group.clone(), generation: self.generation, member: self.member.clone(), instance: None }
    }

    fn ask(&mut self, port: &mut Port<'_>, stage: Stage, request: Request) -> Checked {
        (self.stage, self.sent_at) = (stage, port.now);
        self.asked = Some(port.send(request));
        Ok(())
    }

    fn join(&mut self, port: &mut Port<'_>) -> Checked {
        let request = JoinGroup {
            group: self.group.clone(),
            member: self.member.clone(),
            instance: None,
            client_id: "sim".into(),
            client_host: "/sim".into(),
            require_known_member: !self.in_process,
            session_timeout_ms: SESSION_MS,
            rebalance_timeout_ms: SESSION_MS,
            protocol_type: "consumer".into(),
            protocols: vec![("round".into(), Bytes::new())],
            in_process: self.in_process,
        };
        if self.in_process {
            port.checks.groups.lives_in_process(&self.group);
        }
        self.positions.clear();
        self.heard_of_at = None;
        self.ask(port, Stage::Joining, Request::JoinGroup(request))
    }

    fn joined(&mut self, port: &mut Port<'_>, joined: Joined, partitions: i32) -> Checked {
        (self.generation, self.member, self.leader) = (joined.generation, joined.member, joined.leader);
        let count = joined.members.len();
        let deal = |(at, (member, _, _)): (usize, &(String, _, _))| {
            let own: Vec<u8> =
                (0..partitions as u8).filter(|partition| usize::from(*partition) % count == at).collect();
            (member.clone(), Bytes::from(own))
        };
        let assignments = joined.members.iter().enumerate().map(deal).collect();
        let request = SyncGroup { who: self.who(), protocol: None, assignments };
        self.ask(port, Stage::Syncing, Request::SyncGroup(request))
    }

    fn synced(&mut self, port: &mut Port<'_>, assignment: &[u8]) -> Checked {
        for partition in assignment {
            let partition = i32::from(*partition);
            self.positions.insert(partition, Position::default());
            let partition = (self.topic.name.clone(), partition);
            port.checks.groups.owns(&self.group, (&self.leader, self.generation), &partition, &self.member)?;
        }
        self.heartbeat_at = port.now + BEAT_MS;
        self.heard_of_at = Some(self.sent_at);
        let topics = Some(vec![(self.topic.name.clone(), self.positions.keys().copied().collect())]);
        let known = |partition: &i32| {
            (*partition, port.checks.groups.asked(&self.group, &(self.topic.name.clone(), *partition)))
        };
        let known = self.positions.keys().map(known).collect();
        self.ask(
            port,
            Stage::Finding(known),
            Request::OffsetFetch { group: self.group.clone(), topics, require_stable: false },
        )
    }

    fn found(&mut self, port: &mut Port<'_>, known: &[(i32, Known)], reply: Reply) -> Checked {
        let Reply::OffsetFetch(Ok(topics)) = reply else { return unexpected("a consumer", &reply) };
        for committed in topics.into_iter().flat_map(|topic| topic.partitions) {
            let partition = (self.topic.name.clone(), committed.partition);
            let Some((_, asked)) = known.iter().find(|(asked, _)| *asked == committed.partition) else {
                broken!("{partition:?} was not asked for");
            };
            port.checks.groups.told(&self.group, &partition, *asked, committed.offset)?;
            let next = committed.offset.max(0);
            self.positions.insert(committed.partition, Position { next, committed: committed.offset });
        }
        self.stage = Stage::Reading;
        Ok(())
    }

    /// Reads, commits, beats or leaves.
    fn read(&mut self, port: &mut Port<'_>) -> Checked {
        if port.now >= self.heartbeat_at {
            self.heartbeat_at = port.now + BEAT_MS;
            let who = self.who();
            return self.ask(port, Stage::Beating, Request::Heartbeat(who));
        }
        if self.left == 0 || port.random.percent(3) {
            let (group, members) = (self.group.clone(), vec![(self.member.clone(), None)]);
            return self.ask(port, Stage::Leaving, Request::LeaveGroup { group, members });
        }
        self.left -= 1;
        let owned: Vec<i32> = self.positions.keys().copied().collect();
        if owned.is_empty() {
            return Ok(());
        }
        let partition = *port.random.pick(&owned);
        let position = self.positions[&partition];
        if position.next > position.committed.max(0) && port.random.percent(50) {
            return self.commit(port, partition, position.next);
        }
        let max_bytes = *port.random.pick(&[1, 300, 5_000, 1_000_000]);
        let wait = *port.random.pick(&[0, 5, 500]);
        let request = fetch::request(&(self.topic.name.clone(), partition), position.next, wait, max_bytes);
        self.ask(port, Stage::Fetching(partition), request)
    }

    fn commit(&mut self, port: &mut Port<'_>, partition: i32, offset: i64) -> Checked {
        let named = (self.topic.name.clone(), partition);
        let sent = port.checks.groups.sent(&self.group, &named, offset);
        let commit = OffsetToCommit { partition, offset, leader_epoch: -1, metadata: String::new() };
        let request = OffsetCommit { who: self.who(), topics: vec![(named.0, vec![commit])] };
        self.ask(port, Stage::Committing(partition, offset, sent), Request::OffsetCommit(request))
    }

    fn committed(&mut self, port: &mut Port<'_>, partition: i32, offset: i64, sent: &Sent, reply: Reply) -> Checked {
        let Reply::OffsetCommit(mut topics) = reply else { return unexpected("a consumer", &reply) };
        let outcome = topics.pop().and_then(|mut topic| topic.partitions.pop()).map(|(_, outcome)| outcome);
        let named = (self.topic.name.clone(), partition);
        match outcome {
            Some(Ok(())) => {
                port.checks.groups.acknowledged(&self.group, &named, sent);
                if let Some(position) = self.positions.get_mut(&partition) {
                    position.committed = offset;
                }
                self.stage = Stage::Reading;
                Ok(())
            }
            Some(Err(error)) => {
                port.checks.groups.refused(&self.group, &named, sent);
                self.stage = Stage::Reading;
                self.refused(port, error)
            }
            None => broken!("a commit got no answer"),
        }
    }

    /// What every member does that is refused: join again.
    fn refused(&mut self, port: &mut Port<'_>, error: Error) -> Checked {
        let heard_of = self.heard_of_at.take().is_some_and(|at| port.now < at + SESSION_MS as u64);
        match error {
            Error::IllegalGeneration | Error::UnknownMemberId if heard_of => {
                port.checks.groups.disowned(&self.group, &self.member)?;
            }
            _ => {}
        }
        match error {
            Error::RebalanceInProgress => self.stage = Stage::Out,
            Error::IllegalGeneration => self.stage = Stage::Out,
            Error::UnknownMemberId => {
                self.stage = Stage::Out;
                self.member.clear();
            }
            error => broken!("a member of group {} was refused: {error:?}", self.group),
        }
        Ok(())
    }

    fn fetched(&mut self, port: &mut Port<'_>, partition: i32, reply: Reply) -> Checked {
        self.stage = Stage::Reading;
        let Some(position) = self.positions.get_mut(&partition) else { return Ok(()) };
        let named = (self.topic.name.clone(), partition);
        match fetch::answered(port, &named, position.next, reply)? {
            Brought::Batches(batches, _) => {
                position.next = batches.last().map_or(position.next, |last| last.info.last_offset() + 1);
                Ok(())
            }
            Brought::Below(start) => {
                position.next = start;
                Ok(())
            }
            other => broken!("{named:?} at {}, which was committed or served: {other:?}", position.next),
        }
    }
}

impl Client for Consumer {
    fn act(&mut self, port: &mut Port<'_>) -> Checked {
        if self.asked.is_some() || self.is_done() {
            return Ok(());
        }
        if self.topic.partitions(port).is_none() {
            return Ok(());
        }
        match self.stage {
            Stage::Out => self.join(port),
            Stage::Reading => self.read(port),
            _ => Ok(()),
        }
    }

    fn answered(&mut self, port: &mut Port<'_>, id: RequestId, reply: Reply) -> Checked {
        if self.topic.answered(port, id, &reply)? {
            return Ok(());
        }
        if self.asked.take_if(|asked| *asked == id).is_none() {
            return unexpected("a consumer", &reply);
        }
        let partitions = self.topic.partitions(port).unwrap_or_default();
        match (core::mem::replace(&mut self.stage, Stage::Reading), reply) {
            (Stage::Joining, Reply::JoinGroup(Ok(joined))) => self.joined(port, joined, partitions),
            (Stage::Joining, Reply::JoinGroup(Err((Error::MemberIdRequired, member)))) => {
                (self.member, self.stage) = (member, Stage::Out);
                Ok(())
            }
            (Stage::Joining, Reply::JoinGroup(Err((error, _)))) => self.refused(port, error),
            (Stage::Syncing, Reply::SyncGroup(Ok(synced))) => self.synced(port, &synced.assignment),
            (Stage::Syncing, Reply::SyncGroup(Err(error))) => self.refused(port, error),
            (Stage::Finding(known), reply) => self.found(port, &known, reply),
            (Stage::Fetching(partition), reply) => self.fetched(port, partition, reply),
            (Stage::Committing(partition, offset, sent), reply) => {
                self.committed(port, partition, offset, &sent, reply)
            }
            (Stage::Beating, Reply::Heartbeat(Ok(()))) => {
                self.heard_of_at = Some(self.sent_at);
                Ok(())
            }
            (Stage::Beating, Reply::Heartbeat(Err(error))) => self.refused(port, error),
            (Stage::Leaving, Reply::LeaveGroup(_)) => {
                self.stage = Stage::Out;
                self.member.clear();
                Ok(())
            }
            (_, reply) => unexpected("a consumer", &reply),
        }
    }

    fn cut_off(&mut self) {
        self.topic.cut_off();
        self.asked = None;
        let has_place =
            matches!(self.stage, Stage::Reading | Stage::Fetching(_) | Stage::Committing(..) | Stage::Beating);
        if has_place && !self.in_process {
            // It asks at once whether it still is what it was.
            (self.stage, self.heartbeat_at) = (Stage::Reading, 0);
            return;
        }
        self.stage = Stage::Out;
        if self.in_process {
            self.member.clear();
        }
    }

    fn is_done(&self) -> bool {
        self.left == 0 && self.asked.is_none() && self.topic.is_quiet() && matches!(self.stage, Stage::Out)
    }

    fn timeout(&self) -> Option<u64> {
        matches!(self.stage, Stage::Reading).then_some(self.heartbeat_at)
    }

    fn wind_up(&mut self) {
        self.left = 0;
    }
}
