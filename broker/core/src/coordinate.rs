//! The group coordinator in its place: membership from `group`, committed offsets from `offsets`, and the log they share.
//!
//! Owns only the joining of the two. Invariant: offsets and generations move by records that are in the entry being filled.

use alloc::{string::String, vec::Vec};

use crate::{
    Broker,
    error::Error,
    group::{Caller, GroupReply, GroupRequest},
    limits::OFFSET_EXPIRY_MS,
    request::{ConnId, OffsetCommit, OffsetToCommit, Reply, Request, RequestId, TopicReply},
    time::{Now, Wall},
};

impl Broker {
    /// What concerns groups alone.
    pub(crate) fn group_request(&mut self, now: Now, wall: Wall, conn: ConnId, id: RequestId, request: Request) {
        let membership = match request {
            Request::JoinGroup(join) => GroupRequest::Join(join),
            Request::SyncGroup(sync) => GroupRequest::Sync(sync),
            Request::Heartbeat(member) => GroupRequest::Heartbeat(member),
            Request::LeaveGroup { group, members } => GroupRequest::Leave { group, members },
            other => {
                let reply = self.group_admin(wall, other);
                return self.pipeline.reply_when_durable(conn, id, reply);
            }
        };
        let mut out = Vec::new();
        self.groups.handle(now, wall, Caller { conn, request: id }, membership, &mut out);
        self.send(wall, out);
    }

    fn group_admin(&mut self, wall: Wall, request: Request) -> Reply {
        match request {
            Request::DescribeGroups(names) => Reply::DescribeGroups(self.groups.describe(&self.offsets, &names)),
            Request::ListGroups { states } => Reply::ListGroups(self.groups.list(&self.offsets, &states)),
            Request::DeleteGroups(names) => {
                let (records, outcomes) = self.groups.delete(&self.offsets, &names);
                self.append_offsets(wall, &records, None);
                self.append_groups(wall);
                Reply::DeleteGroups(outcomes)
            }
            Request::OffsetDelete { group, topics } => Reply::OffsetDelete(self.delete_offsets(wall, &group, topics)),
            other => unreachable!("{other:?} is answered elsewhere"),
        }
    }

    /// Removes committed offsets, unless members of the group read these topics (KIP-496).
    fn delete_offsets(
        &mut self,
        wall: Wall,
        group: &str,
        topics: Vec<(String, Vec<i32>)>,
    ) -> Result<Vec<TopicReply<(i32, Result<(), Error>)>>, Error> {
        self.groups.check_offset_deletion(&self.offsets, group)?;
        let mut records = Vec::new();
        let mut reply = Vec::with_capacity(topics.len());
        for (topic, partitions) in topics {
            let read = self.groups.is_reading(group, &topic);
            let one = |partition: i32| {
                let outcome = match self.partition_id(&topic, partition) {
                    None => Err(Error::UnknownTopicOrPartition),
                    Some(_) if read => Err(Error::GroupSubscribedToTopic),
                    Some(_) => Ok(()),
                };
                (partition, outcome)
            };
            let outcomes: Vec<_> = partitions.into_iter().map(one).collect();
            let deleted = outcomes.iter().filter(|(_, outcome)| outcome.is_ok()).map(|(partition, _)| *partition);
            records.extend(self.offsets.delete(group, &topic, deleted));
            reply.push(TopicReply { topic, partitions: outcomes });
        }
        self.append_offsets(wall, &records, None);
        Ok(reply)
    }

    /// Sessions, rebalances and pending members that took too long. Before the first input nobody has told the time, which the records
    /// need; see [`Broker::poll_timeout`].
    pub(crate) fn groups_timeout(&mut self, now: Now) {
        let Some(wall) = self.wall(now) else { return };
        let mut out = Vec::new();
        self.groups.handle_timeout(now, wall, &mut out);
        self.send(wall, out);
    }

    /// Forgets what is old: offsets that their group has not used for longer than `offsets.retention.minutes` (KIP-211), and
    /// transactional ids and producers that are not used any more.
    pub(crate) fn expire_old(&mut self, now: Now) {
        if now < self.next_offset_expiry {
            return;
        }
        self.next_offset_expiry = now.plus(OFFSET_EXPIRY_MS);
        let Some(wall) = self.wall(now) else { return };
        let records = self.offsets.expired(wall, |group, topic| self.groups.unused_since(group, topic, now, wall));
        self.append_offsets(wall, &records, None);
        self.groups.forget_idle(|group| self.offsets.has_group(group));
        self.append_groups(wall);
        self.expire_producers(now, wall);
    }

    pub(crate) fn groups_disconnected(&mut self, now: Now, conn: ConnId) {
        let (mut out, wall) = (Vec::new(), self.clock.1);
        self.groups.disconnected(now, wall, conn, &mut out);
        self.send(wall, out);
    }

    /// Writes what the replies depend on, then sends them.
    fn send(&mut self, wall: Wall, replies: Vec<GroupReply>) {
        self.append_groups(wall);
        for GroupReply { to, reply } in replies {
            self.pipeline.reply_when_durable(to.conn, to.request, reply);
        }
    }

    pub(crate) fn commit_offsets(
        &mut self,
        now: Now,
        wall: Wall,
        commit: &OffsetCommit,
    ) -> Vec<TopicReply<(i32, Result<(), Error>)>> {
        if let Err(error) = self.groups.check_commit(&self.offsets, commit) {
            let topic = |(topic, offsets): &(String, Vec<OffsetToCommit>)| TopicReply {
                topic: topic.clone(),
                partitions: offsets.iter().map(|offset| (offset.partition, Err(error))).collect(),
            };
            return commit.topics.iter().map(topic).collect();
        }
        self.append_commit(now, wall, commit, None)
    }

    /// Writes the offsets of a member that may commit, as part of a transaction if one is named (producer id and epoch).
    pub(crate) fn append_commit(
        &mut self,
        now: Now,
        wall: Wall,
        commit: &OffsetCommit,
        transaction: Option<(i64, i16)>,
    ) -> Vec<TopicReply<(i32, Result<(), Error>)>> {
        let known = self.only_known(commit);
        let (records, mut outcomes) = self.offsets.decide_commit(wall, &commit.who.group, &known);
        self.append_offsets(wall, &records, transaction);
        self.groups.committed(now, wall, &commit.who);
        self.add_unknown(commit, &mut outcomes);
        outcomes
    }

    /// The part of a commit whose partitions exist.
    fn only_known(&self, commit: &OffsetCommit) -> Vec<(String, Vec<OffsetToCommit>)> {
        let exists = |topic: &str, partition| self.partition_id(topic, partition).is_some();
        let known = commit.topics.iter().map(|(topic, offsets)| {
            let offsets = offsets.iter().filter(|offset| exists(topic, offset.partition)).cloned().collect();
            (topic.clone(), offsets)
        });
        known.collect()
    }

    fn add_unknown(&self, commit: &OffsetCommit, outcomes: &mut [TopicReply<(i32, Result<(), Error>)>]) {
        for ((topic, offsets), reply) in commit.topics.iter().zip(outcomes) {
            let unknown = offsets.iter().filter(|offset| self.partition_id(topic, offset.partition).is_none());
            reply.partitions.extend(unknown.map(|offset| (offset.partition, Err(Error::UnknownTopicOrPartition))));
        }
    }
}
