//! One member of a group, as a client library would speak for it, and the group as tools see it.
//!
//! Owns its requests, and what it believes about itself: id and generation. Invariant: lists whose order means nothing are sorted
//! before they are written down.

use crate::broker::ask::{Connection, PATIENCE, text};
use crate::broker::stage::Stage;
use anyhow::{Result, ensure};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    ConsumerProtocolSubscription, DescribeGroupsRequest, DescribeGroupsResponse, HeartbeatRequest, JoinGroupRequest,
    JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use kafka_protocol::protocol::{Encodable, StrBytes};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The answer to a first JoinGroup: come again with this id.
pub const MEMBER_ID_REQUIRED: i16 = 79;

const JOIN: i16 = 7;
const SYNC: i16 = 5;
const HEARTBEAT: i16 = 4;

/// A member, or somebody who wants to be one.
pub struct Member {
    wire: Connection,
    name: &'static str,
    /// What it joins with; the id is its own once it knows it.
    pub request: JoinGroupRequest,
    /// The generation that it is in.
    pub generation: i32,
    /// The protocol of that generation.
    protocol: Option<StrBytes>,
    leads: bool,
}

impl Member {
    /// A consumer of the group that has not joined, with the protocol `range`, a session of 30 s and 30 s to join again.
    pub fn new(stage: &Stage, group: &str, name: &'static str) -> Result<Member> {
        let request = JoinGroupRequest::default()
            .with_group_id(text(group).into())
            .with_session_timeout_ms(30_000)
            .with_rebalance_timeout_ms(30_000)
            .with_protocol_type(text("consumer"));
        let member = Member { wire: stage.connect(name)?, name, request, generation: -1, protocol: None, leads: false };
        Ok(member.protocols(&["range"]))
    }

    /// It has these protocols, best first; the user data of its subscription is its name.
    pub fn protocols(self, names: &[&str]) -> Member {
        let protocols: Vec<_> = names.iter().map(|name| (*name, self.name)).collect();
        self.metadata(&protocols)
    }

    /// It has these protocols with these user data.
    pub fn metadata(mut self, protocols: &[(&str, &str)]) -> Member {
        self.set_metadata(protocols);
        self
    }

    /// The same of a member that has joined.
    pub fn set_metadata(&mut self, protocols: &[(&str, &str)]) {
        let protocol = |(name, data): &(&str, &str)| {
            JoinGroupRequestProtocol::default().with_name(text(name)).with_metadata(subscription(&[], data))
        };
        self.request.protocols = protocols.iter().map(protocol).collect();
    }

    /// It has the protocol `range` and reads these topics.
    pub fn reads(mut self, topics: &[&str]) -> Member {
        let protocol = JoinGroupRequestProtocol::default().with_name(text("range"));
        self.request.protocols = vec![protocol.with_metadata(subscription(topics, self.name))];
        self
    }

    /// Its session, milliseconds.
    pub fn session(mut self, ms: i32) -> Member {
        self.request.session_timeout_ms = ms;
        self
    }

    /// How long it may take to join again, milliseconds.
    pub fn rebalance(mut self, ms: i32) -> Member {
        self.request.rebalance_timeout_ms = ms;
        self
    }

    /// It is a static member of this name.
    pub fn instance(mut self, instance: &str) -> Member {
        self.request.group_instance_id = Some(text(instance));
        self
    }

    /// It joins again as one that has forgotten its id, over another connection.
    pub fn reborn(&self, stage: &Stage) -> Result<Member> {
        Ok(Member {
            wire: stage.connect(self.name)?,
            name: self.name,
            request: self.request.clone().with_member_id(text("")),
            generation: -1,
            protocol: None,
            leads: false,
        })
    }

    /// The same member over another connection: what it asks there does not wait for its JoinGroup here.
    pub fn elsewhere(&self, stage: &Stage) -> Result<Member> {
        Ok(Member {
            wire: stage.connect(self.name)?,
            name: self.name,
            request: self.request.clone(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leads: self.leads,
        })
    }

    /// Sends a JoinGroup.
    pub fn joins(&mut self) -> Result<()> {
        self.wire.send(JOIN, &self.request)
    }

    /// Takes the answer to it.
    pub fn joined(&mut self) -> Result<JoinGroupResponse> {
        let mut response = self.wire.receive::<JoinGroupRequest>(JOIN)?;
        response.members.sort_by_key(|member| member.member_id.clone());
        if matches!(response.error_code, 0 | MEMBER_ID_REQUIRED) {
            self.request.member_id = response.member_id.clone();
        }
        if response.error_code == 0 {
            self.generation = response.generation_id;
            self.protocol = response.protocol_name.clone();
            self.leads = response.leader == response.member_id;
        }
        Ok(response)
    }

    /// Joins and waits.
    pub fn join(&mut self) -> Result<JoinGroupResponse> {
        self.joins()?;
        self.joined()
    }

    /// Gets an id to join with.
    pub fn introduce(&mut self) -> Result<()> {
        let answer = self.join()?;
        ensure!(answer.error_code == MEMBER_ID_REQUIRED, "no id to join with: {answer:?}");
        Ok(())
    }

    /// Sends a SyncGroup; of the leader, with an assignment for each of these ids.
    pub fn syncs(&mut self, assigned: &[(&str, &str)]) -> Result<()> {
        let request = self.sync_request(assigned);
        self.wire.send(SYNC, &request)
    }

    /// A SyncGroup as it would send it.
    pub fn sync_request(&self, assigned: &[(&str, &str)]) -> SyncGroupRequest {
        let assignment = |(id, assignment): &(&str, &str)| {
            let assignment = Bytes::copy_from_slice(assignment.as_bytes());
            SyncGroupRequestAssignment::default().with_member_id(text(id)).with_assignment(assignment)
        };
        SyncGroupRequest::default()
            .with_group_id(self.request.group_id.clone())
            .with_generation_id(self.generation)
            .with_member_id(self.request.member_id.clone())
            .with_group_instance_id(self.request.group_instance_id.clone())
            .with_protocol_type(Some(self.request.protocol_type.clone()))
            .with_protocol_name(Some(self.protocol.clone().unwrap_or_else(|| text("range"))))
            .with_assignments(assigned.iter().map(assignment).collect())
    }

    /// Takes the answer to it.
    pub fn synced(&mut self) -> Result<SyncGroupResponse> {
        self.wire.receive::<SyncGroupRequest>(SYNC)
    }

    /// Syncs and waits.
    pub fn sync(&mut self, assigned: &[(&str, &str)]) -> Result<SyncGroupResponse> {
        self.syncs(assigned)?;
        self.synced()
    }

    /// Joins alone and takes everything: the one member of a stable group.
    pub fn settle(&mut self) -> Result<()> {
        settle(&mut [self])
    }

    /// The error code of a heartbeat.
    pub fn beat(&mut self) -> Result<i16> {
        let request = HeartbeatRequest::default()
            .with_group_id(self.request.group_id.clone())
            .with_generation_id(self.generation)
            .with_member_id(self.request.member_id.clone())
            .with_group_instance_id(self.request.group_instance_id.clone());
        Ok(self.wire.ask(HEARTBEAT, &request)?.error_code)
    }

    /// Sends heartbeats until one is answered otherwise than with 0: that error code.
    pub fn beat_until_told(&mut self) -> Result<i16> {
        let start = Instant::now();
        loop {
            match self.beat()? {
                0 => ensure!(start.elapsed() < PATIENCE, "{}'s heartbeats are all answered with 0", self.name),
                told => return Ok(told),
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// Leaves by its id.
    pub fn leave(&mut self) -> Result<LeaveGroupResponse> {
        let identity = (self.request.member_id.to_string(), None);
        self.dismiss(&[(&identity.0, identity.1)])
    }

    /// Makes members leave: their ids, and their instance ids.
    pub fn dismiss(&mut self, members: &[(&str, Option<&str>)]) -> Result<LeaveGroupResponse> {
        let identity = |(id, instance): &(&str, Option<&str>)| {
            MemberIdentity::default().with_member_id(text(id)).with_group_instance_id(instance.map(text))
        };
        let request = LeaveGroupRequest::default()
            .with_group_id(self.request.group_id.clone())
            .with_members(members.iter().map(identity).collect());
        self.wire.ask(4, &request)
    }

    /// Its id.
    pub fn id(&self) -> String {
        self.request.member_id.to_string()
    }

    /// Its connection, for what only some scripts ask.
    pub fn wire(&mut self) -> &mut Connection {
        &mut self.wire
    }
}

/// A consumer's metadata: a subscription of version 1, no partitions owned. Kafka's coordinator reads it, and one that cannot be read
/// is the end of all groups of its partition until it has read them again.
fn subscription(topics: &[&str], data: &str) -> Bytes {
    let mut bytes = BytesMut::new();
    let subscription = ConsumerProtocolSubscription::default()
        .with_topics(topics.iter().map(|topic| text(topic)).collect())
        .with_user_data(Some(Bytes::copy_from_slice(data.as_bytes())));
    bytes.extend_from_slice(&1i16.to_be_bytes());
    subscription.encode(&mut bytes, 1).expect("a subscription can be encoded");
    bytes.freeze()
}

/// A stable group of these members, of whom the first leads and assigns each its own name. It does not exist before.
pub fn settle(members: &mut [&mut Member]) -> Result<()> {
    let (first, rest) = members.split_first_mut().expect("a group has members");
    enter(first)?;
    for member in rest.iter_mut() {
        if member.request.group_instance_id.is_none() {
            member.introduce()?;
        }
        member.joins()?;
        await_state(first, "PreparingRebalance")?;
    }
    if !rest.is_empty() {
        first.joins()?;
        for member in members.iter_mut() {
            let answer = member.joined()?;
            ensure!(answer.error_code == 0, "{} is not let in: {answer:?}", member.name);
        }
    }
    share_out(members)
}

/// Joins, in two steps where that is asked.
pub fn enter(member: &mut Member) -> Result<()> {
    let mut answer = member.join()?;
    if answer.error_code == MEMBER_ID_REQUIRED {
        answer = member.join()?;
    }
    ensure!(answer.error_code == 0, "{} is not let in: {answer:?}", member.name);
    Ok(())
}

/// The leader among members that have joined assigns each its own name, and each asks for it.
pub fn share_out(members: &mut [&mut Member]) -> Result<()> {
    let assigned: Vec<(String, &str)> = members.iter().map(|member| (member.id(), member.name)).collect();
    let assigned: Vec<(&str, &str)> = assigned.iter().map(|(id, name)| (id.as_str(), *name)).collect();
    let leader = members.iter_mut().find(|member| member.leads);
    let mut answers = vec![leader.expect("one of them leads").sync(&assigned)?];
    for member in members.iter_mut().filter(|member| !member.leads) {
        answers.push(member.sync(&[])?);
    }
    ensure!(answers.iter().all(|answer| answer.error_code == 0), "no assignment: {answers:?}");
    Ok(())
}

/// The group of a member, as `kafka-consumer-groups --describe` gets it.
pub fn describe(member: &Member) -> Result<DescribeGroupsResponse> {
    let request = DescribeGroupsRequest::default().with_groups(vec![member.request.group_id.clone()]);
    let mut response = member.wire.another()?.ask(6, &request)?;
    for group in &mut response.groups {
        group.members.sort_by_key(|member| (member.client_id.clone(), member.group_instance_id.clone()));
    }
    Ok(response)
}

/// Waits until the group of a member is in this state.
pub fn await_state(member: &Member, state: &str) -> Result<()> {
    let start = Instant::now();
    loop {
        let now = describe(member)?.groups.remove(0).group_state;
        if &*now == state {
            return Ok(());
        }
        ensure!(start.elapsed() < PATIENCE, "the group is {now}, not {state}");
        sleep(Duration::from_millis(10));
    }
}
