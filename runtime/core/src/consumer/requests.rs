//! The group's requests and what follows from their replies.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    vec::Vec,
};
use broker_core::{
    error::Error,
    request::{
        ClusterMetadata, CommittedOffset, JoinGroup, Joined, ListOffsets, Listed, ListedOffset, Metadata, Reply,
        Request, SyncGroup, Synced, TopicReply,
    },
};

use super::{
    Asking, Consumer, Event, Phase, assign,
    protocol::{self, Assignment},
};
use crate::{
    config::settings::Topics,
    exchange::TopicPartition,
    task::{ask_topics, topics_of},
    time::Now,
};

const EARLIEST: i64 = -2;
const LATEST: i64 = -1;
const PROTOCOL_TYPE: &str = "consumer";
const PROTOCOL: &str = "range";

impl Consumer {
    /// The request to send now, if none is out.
    pub fn next_request(&mut self, now: Now) -> Option<Request> {
        if self.asking_sent || self.phase == Phase::Over {
            return None;
        }
        if self.asking.is_none() {
            self.asking = self.due(now);
        }
        if self.ask_at.is_some_and(|at| now < at) {
            return None;
        }
        let request = self.request(self.asking.as_ref()?);
        (self.asking_sent, self.ask_at) = (true, None);
        Some(request)
    }

    /// What there is to ask when nothing is on its way.
    fn due(&mut self, now: Now) -> Option<Asking> {
        match self.phase {
            Phase::Leaving if self.member.is_empty() => {
                self.phase = Phase::Over;
                None
            }
            Phase::Leaving => Some(Asking::Leave),
            Phase::Joining => Some(Asking::Topics),
            Phase::Stable if !self.reset.is_empty() => Some(Asking::Reset(self.reset.clone())),
            Phase::Stable if self.metadata_at <= now => Some(Asking::Topics),
            Phase::Stable | Phase::Revoking if self.heartbeat_at <= now => Some(Asking::Heartbeat),
            _ => None,
        }
    }

    fn request(&self, asking: &Asking) -> Request {
        match asking {
            Asking::Topics => match &self.settings.topics {
                // Made where they are missing, as Kafka's consumers do (`allow.auto.create.topics`).
                Topics::List(topics) => ask_topics(topics.clone(), true),
                Topics::Pattern(_) => Request::Metadata(Metadata { topics: None, allow_auto_topic_creation: false }),
            },
            Asking::Join => Request::JoinGroup(self.join()),
            Asking::AllTopics(joined) => {
                let all: BTreeSet<_> = subscribers(joined).into_iter().flat_map(|(_, _, topics)| topics).collect();
                ask_topics(all, false)
            }
            Asking::Sync(assignments) => Request::SyncGroup(SyncGroup {
                who: self.as_member(),
                protocol: Some((PROTOCOL_TYPE.into(), PROTOCOL.into())),
                assignments: assignments
                    .iter()
                    .map(|(member, own)| (member.clone(), protocol::write_assignment(own)))
                    .collect(),
            }),
            Asking::Positions(assignment) => Request::OffsetFetch {
                group: self.settings.group.clone(),
                topics: Some(assignment.clone().into_iter().collect()),
                require_stable: false,
            },
            Asking::Reset(tps) => {
                let at = if self.settings.from_earliest { EARLIEST } else { LATEST };
                let mut topics: BTreeMap<String, Vec<(i32, i32, i64)>> = BTreeMap::new();
                tps.iter().for_each(|tp| topics.entry(tp.topic.clone()).or_default().push((tp.partition, -1, at)));
                let read_committed = self.settings.read_committed;
                Request::ListOffsets(ListOffsets { read_committed, topics: topics.into_iter().collect() })
            }
            Asking::Heartbeat => Request::Heartbeat(self.as_member()),
            Asking::Leave => Request::LeaveGroup {
                group: self.settings.group.clone(),
                members: Vec::from([(self.member.clone(), None)]),
            },
        }
    }

    fn join(&self) -> JoinGroup {
        let topics = match &self.settings.topics {
            Topics::List(topics) => topics.clone(),
            Topics::Pattern(_) => self.topics.keys().cloned().collect(),
        };
        JoinGroup {
            group: self.settings.group.clone(),
            member: self.member.clone(),
            instance: None,
            client_id: self.settings.client_id.clone(),
            client_host: "/127.0.0.1".into(),
            require_known_member: false,
            session_timeout_ms: self.settings.session_timeout_ms,
            rebalance_timeout_ms: self.settings.rebalance_timeout_ms,
            protocol_type: PROTOCOL_TYPE.into(),
            protocols: Vec::from([(PROTOCOL.into(), protocol::write_subscription(&topics))]),
            in_process: true,
        }
    }

    /// Takes in the reply to the request that is out.
    pub fn replied(&mut self, now: Now, reply: Reply) {
        if !core::mem::take(&mut self.asking_sent) {
            return;
        }
        let Some(asking) = self.asking.take() else { return };
        if self.phase == Phase::Leaving {
            return self.replied_leaving(&asking, reply);
        }
        match (asking, reply) {
            (Asking::Topics, Reply::Metadata(metadata)) => self.topics_found(now, metadata),
            (Asking::Join, Reply::JoinGroup(outcome)) => self.joined(now, outcome),
            (Asking::AllTopics(joined), Reply::Metadata(metadata)) => {
                let partitions = topics_of(metadata).filter_map(|(topic, found)| Some((topic, found.ok()?))).collect();
                let shares = assign::range(&subscribers(&joined), &partitions);
                self.asking = Some(Asking::Sync(shares.into_iter().collect()));
            }
            (Asking::Sync(_), Reply::SyncGroup(outcome)) => self.synced(now, outcome),
            (Asking::Positions(assignment), Reply::OffsetFetch(outcome)) => {
                self.positions_found(now, assignment, outcome)
            }
            (Asking::Reset(tps), Reply::ListOffsets(listed)) => self.resets_found(now, &tps, listed),
            (Asking::Heartbeat, Reply::Heartbeat(outcome)) => self.beaten(now, outcome),
            (asking, reply) => self.fail(format!("the cluster answered {asking:?} with {reply:?}")),
        }
    }

    fn replied_leaving(&mut self, asking: &Asking, reply: Reply) {
        match (asking, reply) {
            (Asking::Leave, _) => self.phase = Phase::Over,
            // It joined while it was told to leave.
            (Asking::Join, Reply::JoinGroup(Ok(joined))) => self.member = joined.member,
            _ => {}
        }
    }

    fn topics_found(&mut self, now: Now, metadata: ClusterMetadata) {
        self.metadata_at = now.plus(self.settings.metadata_ms);
        let (mut found, mut missing) = (BTreeMap::new(), false);
        for (topic, partitions) in topics_of(metadata) {
            match partitions {
                Ok(count) => drop(found.insert(topic, count)),
                Err(Error::InvalidTopicException) => {
                    return self.fail(format!("the topic name {topic:?} is not valid"));
                }
                Err(_) => missing = true,
            }
        }
        if let Topics::Pattern(pattern) = &self.settings.topics {
            found.retain(|topic, _| pattern.matches(topic));
        }
        if missing {
            self.metadata_at = now.plus(self.settings.metadata_ms.min(self.backoff.next_ms()));
        }
        let changed = found != self.topics;
        self.topics = found;
        match self.phase {
            Phase::Joining => self.asking = Some(Asking::Join),
            Phase::Stable if changed => self.give_up_assignment(Event::Revoke),
            // A topic that is there again under its name has other offsets: fetching finds out.
            _ => {}
        }
    }

    fn joined(&mut self, now: Now, outcome: Result<Joined, (Error, String)>) {
        match outcome {
            Ok(joined) => {
                self.backoff.reset();
                (self.member, self.generation) = (joined.member.clone(), joined.generation);
                let leads = joined.leader == joined.member;
                self.asking = Some(if leads { Asking::AllTopics(joined) } else { Asking::Sync(Vec::new()) });
            }
            Err((Error::UnknownMemberId, _)) => self.join_anew(),
            Err((Error::RebalanceInProgress | Error::CoordinatorNotAvailable, _)) => self.again(now, Asking::Join),
            Err((error, why)) => {
                let text = if why.is_empty() { error.message() } else { why.as_str() };
                self.fail(format!("group {} refuses this member: {text}", self.settings.group));
            }
        }
    }

    fn synced(&mut self, now: Now, outcome: Result<Synced, Error>) {
        match outcome {
            Ok(synced) => match protocol::read_assignment(&synced.assignment) {
                Ok(assignment) => self.asking = Some(Asking::Positions(assignment)),
                Err(protocol::Damaged) => self.fail("the group's leader gave an assignment that cannot be read".into()),
            },
            Err(Error::RebalanceInProgress) => self.asking = Some(Asking::Join),
            Err(Error::UnknownMemberId | Error::IllegalGeneration) => self.join_anew(),
            Err(Error::CoordinatorNotAvailable) => self.again(now, Asking::Join),
            Err(error) => self.fail(format!("group {}: {}", self.settings.group, error.message())),
        }
    }

    fn positions_found(
        &mut self,
        now: Now,
        assignment: Assignment,
        outcome: Result<Vec<TopicReply<CommittedOffset>>, Error>,
    ) {
        let committed = match outcome {
            Ok(committed) => committed,
            Err(error) => {
                self.events.push_back(Event::Warning(format!("committed offsets: {}", error.message())));
                return self.again(now, Asking::Positions(assignment));
            }
        };
        for (topic, partitions) in assignment {
            for partition in partitions {
                let topic = topic.clone();
                self.reset.insert(TopicPartition { topic, partition });
            }
        }
        for (topic, committed) in committed.into_iter().flat_map(|reply| {
            let topic = reply.topic;
            reply.partitions.into_iter().map(move |committed| (topic.clone(), committed))
        }) {
            let tp = TopicPartition { topic, partition: committed.partition };
            if committed.offset >= 0 && self.reset.remove(&tp) {
                self.positions.insert(tp, committed.offset);
            }
        }
        match self.reset.is_empty() {
            true => self.stable(now),
            false => self.asking = Some(Asking::Reset(self.reset.clone())),
        }
    }

    fn resets_found(&mut self, now: Now, tps: &BTreeSet<TopicPartition>, listed: Vec<TopicReply<Listed>>) {
        let mut failed = None;
        for (topic, listed) in listed.into_iter().flat_map(|reply| {
            let topic = reply.topic;
            reply.partitions.into_iter().map(move |listed| (topic.clone(), listed))
        }) {
            let tp = TopicPartition { topic, partition: listed.partition };
            match listed.outcome {
                Ok(ListedOffset::At { offset, .. }) => {
                    self.reset.remove(&tp);
                    if tps.contains(&tp) {
                        self.positions.insert(tp, offset);
                    }
                }
                Ok(ListedOffset::In { .. }) => failed = Some("an answer to another question".to_string()),
                Err(error) => failed = Some(error.message().to_string()),
            }
        }
        if let Some(why) = failed {
            self.events.push_back(Event::Warning(format!("where the partitions begin: {why}")));
            // A topic that is gone would be asked about for ever: a look at the topics ends that.
            self.metadata_at = now;
            self.reset.clear();
            if self.phase == Phase::Joining {
                self.positions.clear();
                return self.again(now, Asking::Topics);
            }
        }
        if self.phase == Phase::Joining {
            self.stable(now);
        }
    }

    fn stable(&mut self, now: Now) {
        self.phase = Phase::Stable;
        self.backoff.reset();
        self.heartbeat_at = now.plus(self.settings.heartbeat_ms);
        self.events.push_back(Event::Assigned(self.positions.clone()));
    }

    fn beaten(&mut self, now: Now, outcome: Result<(), Error>) {
        self.heartbeat_at = now.plus(self.settings.heartbeat_ms);
        match outcome {
            Ok(()) => {}
            Err(Error::RebalanceInProgress) => self.give_up_assignment(Event::Revoke),
            Err(Error::UnknownMemberId | Error::IllegalGeneration) => self.lost(),
            Err(error) => self.events.push_back(Event::Warning(format!("heartbeat: {}", error.message()))),
        }
    }

    /// The group does not know this member (any more).
    pub fn lost(&mut self) {
        (self.member, self.generation) = (String::new(), -1);
        self.give_up_assignment(Event::Lost);
    }

    /// The cluster has said, to a commit, that the group rebalances.
    pub fn rebalancing(&mut self) {
        self.give_up_assignment(Event::Revoke);
    }

    fn join_anew(&mut self) {
        (self.member, self.generation) = (String::new(), -1);
        self.asking = Some(Asking::Join);
    }

    fn again(&mut self, now: Now, asking: Asking) {
        self.ask_at = Some(now.plus(self.backoff.next_ms()));
        self.asking = Some(asking);
    }

    fn fail(&mut self, why: String) {
        self.events.push_back(Event::Failed(why));
    }
}

/// Members whose subscription cannot be read get nothing.
fn subscribers(joined: &Joined) -> Vec<assign::Subscriber> {
    let one = |(member, instance, metadata): &(String, Option<String>, bytes::Bytes)| {
        (member.clone(), instance.clone(), protocol::read_subscription(metadata).unwrap_or_default())
    };
    joined.members.iter().map(one).collect()
}
