//! Every decision of the broker, and no I/O. Read this file first.
//!
//! Owns the state machine: requests and finished I/O go in, replies and I/O to do come out. Leaves bytes on disk to `broker_store`,
//! sockets and threads to `broker`, Kafka's wire structs to `broker_wire`.
//!
//! The one law: after any call of [`Broker::handle`] or [`Broker::handle_timeout`], drain [`Broker::poll_output`] until it is empty,
//! then wait for input or for [`Broker::poll_timeout`]. What is handled between two drains becomes one journal entry.
//!
//! Invariant: state that must outlive a crash moves only by what is in the entry being filled, through the same `replay` that
//! recovery calls; and a reply leaves only when every entry it was judged against is durable.
#![no_std]

extern crate alloc;

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};
use broker_store::{
    checkpoint::Checkpoint,
    clean::{CleanStep, Progress},
    entry::{Entry, PartitionId},
    log::{LogDir, Removal, SegmentWrite, Tail},
};
use uuid::Uuid;

mod admin;
mod append;
mod big_endian;
mod codec;
mod compaction;
pub mod config_keys;
mod configs;
mod coordinate;
mod deletions;
pub mod error;
mod fetch;
pub mod group;
mod held;
mod keeper;
pub mod limits;
mod log_start;
pub mod offsets;
mod partition;
mod pipeline;
#[cfg(feature = "planted-bugs")]
pub mod planted;
mod producer;
mod record;
mod recover;
pub mod request;
mod retention;
mod sessions;
pub mod settings;
mod side_files;
mod stable;
mod tables;
mod tasks;
pub mod time;
mod topics;
pub mod txn;

pub use codec::Damaged;
pub use pipeline::Seq;
pub use recover::RecoverError;
pub use topics::{check_name as check_topic_name, check_replicas};

use held::Append;
use partition::Partition;
use record::Record;
use request::{ConnId, Reply, Request, RequestId};
use settings::Settings;
use time::{Now, Wall};

/// What goes in.
#[derive(Debug)]
pub enum Input {
    /// A client asks.
    Request {
        /// Who.
        conn: ConnId,
        /// Which of its requests; the reply carries it.
        id: RequestId,
        /// What.
        request: Request,
    },
    /// A connection is gone; it gets no more replies.
    Disconnected(ConnId),
    /// The entry of [`Output::Journal`] is durable.
    Journaled {
        /// Its sequence.
        seq: Seq,
        /// The journal's room after it.
        room: Room,
    },
    /// The journal was freed, or can hold less than before.
    Room(Room),
    /// The writes of [`Output::WriteSegments`] are done (not synced).
    SegmentsWritten,
    /// The files of [`Output::RemoveSegments`] are gone.
    SegmentsRemoved,
    /// The step of [`Output::Clean`] is done.
    Cleaned {
        /// Of this log.
        partition: PartitionId,
        /// What came of it.
        progress: Progress,
    },
    /// The checkpoint of [`Output::Checkpoint`] is durable.
    Checkpointed(Seq),
    /// The process is about to stop: make a checkpoint when everything is durable.
    Stopping,
}

/// How full the journal is, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// What no checkpoint has freed.
    pub used: u64,
    /// What there is room for.
    pub capacity: u64,
}

/// What comes out.
#[derive(Debug)]
pub enum Output {
    /// Answer a client.
    Reply {
        /// Who asked.
        conn: ConnId,
        /// Which request.
        id: RequestId,
        /// The answer.
        reply: Reply,
    },
    /// Make this entry durable, then say [`Input::Journaled`]. There is one at a time.
    Journal(Entry),
    /// Write these pieces, then say [`Input::SegmentsWritten`]. There is one set at a time.
    WriteSegments(Vec<SegmentWrite>),
    /// Sync the segments, store this, free the journal up to it, then say [`Input::Checkpointed`]. Not before earlier outputs are done.
    Checkpoint(Checkpoint),
    /// Remove and rename these files, then say [`Input::SegmentsRemoved`]. There is one set at a time.
    RemoveSegments(Vec<Removal>),
    /// Do this step, then, but for a stop, say [`Input::Cleaned`]. There is one at a time.
    Clean(CleanStep),
    /// Remove the folders of these logs. Not before earlier segment writes are done.
    DeleteLogs(Vec<LogDir>),
}

/// The broker.
pub struct Broker {
    settings: Settings,
    topics: topics::Topics,
    defaults: configs::Defaults,
    partitions: BTreeMap<PartitionId, Partition>,
    groups: group::Groups,
    offsets: offsets::Offsets,
    transactions: txn::Transactions,
    tables: tables::Tables,
    tasks: tasks::Tasks,
    producer_ids: admin::ProducerIds,
    entropy: admin::Entropy,
    parked: fetch::Parked,
    held: held::Held,
    sessions: sessions::Sessions,
    pipeline: pipeline::Pipeline,
    keeper: keeper::Keeper,
    tail: Tail,
    deletions: deletions::Deletions,
    log_starts: log_start::LogStarts,
    retention: retention::Retention,
    compaction: compaction::Compaction,
    outputs: VecDeque<Output>,
    journal: Room,
    /// The wall clock as of the last input, for what is due without one.
    clock: (Now, Wall),
    next_offset_expiry: Now,
    last_entry: Now,
    sealed: bool,
    stopping: bool,
    #[cfg(feature = "planted-bugs")]
    postponed: Vec<(alloc::string::String, PartitionId, request::Batch)>,
}

impl Broker {
    /// One change. Drain [`Broker::poll_output`] afterwards.
    pub fn handle(&mut self, now: Now, wall: Wall, input: Input) {
        #[cfg(feature = "planted-bugs")]
        if matches!(input, Input::Journaled { .. }) {
            self.append_postponed(wall);
        }
        self.clock = (now, wall);
        match input {
            Input::Request { conn, id, request } => self.request(now, wall, conn, id, request),
            Input::Disconnected(conn) => self.disconnected(now, conn),
            Input::Journaled { seq, room } => {
                self.journal = room;
                self.journaled(now, seq);
            }
            Input::Room(room) => self.journal = room,
            Input::SegmentsWritten => self.segments_written(),
            Input::SegmentsRemoved => self.segments_removed(),
            Input::Cleaned { partition, progress } => self.cleaned(now, partition, progress),
            Input::Checkpointed(seq) => self.checkpointed(now, seq),
            Input::Stopping => self.stopping = true,
        }
        self.release_held(wall);
    }

    /// Time has passed. Drain [`Broker::poll_output`] afterwards.
    pub fn handle_timeout(&mut self, now: Now) {
        self.expire_fetches(now);
        self.expire_held(now);
        self.groups_timeout(now);
        self.transactions_timeout(now);
        self.expire_old(now);
        self.check_retention(now);
        self.look_for_dirt(now);
    }

    /// The next thing to do, until there is none.
    pub fn poll_output(&mut self, now: Now) -> Option<Output> {
        if let Some(output) = self.outputs.pop_front().or_else(|| self.pipeline.poll_reply()) {
            return Some(output);
        }
        let seal = self.seal_due(now) || self.checkpoint_needs_entry(now);
        if let Some(entry) = self.pipeline.start_entry(seal) {
            self.sealed = entry.is_empty();
            self.last_entry = now;
            self.entry_closed(now, entry.seq);
            return Some(Output::Journal(entry));
        }
        self.poll_keeper(now)
    }

    /// When to call [`Broker::handle_timeout`] if nothing else happens before.
    pub fn poll_timeout(&self) -> Option<Now> {
        let expiry = self.next_offset_expiry;
        let seal =
            (!self.sealed && !self.stopping && self.pipeline.is_idle()).then(|| self.last_entry.plus(limits::SEAL_MS));
        let keeper = self.keeper.poll_timeout(self.pipeline.durable() > self.keeper.last_checkpoint_seq());
        // What these do is written with the time, which the first input tells.
        let timed = [self.transactions.poll_timeout(), self.groups.poll_timeout()];
        let timed = timed.into_iter().flatten().min().filter(|_| self.clock.1 != Wall(0));
        let old = [Some(expiry), Some(self.retention.poll_timeout()), self.compaction.poll_timeout()];
        let others = [self.parked.poll_timeout(), self.held.poll_timeout(), timed];
        [seal, keeper].into_iter().chain(old).chain(others).flatten().min()
    }

    /// True while more requests may be brought; otherwise wait for [`Input::Journaled`].
    pub fn wants_requests(&self) -> bool {
        self.pipeline.has_room()
    }

    /// True once a stop has been asked for and nothing is left that would be lost or have to be read again.
    pub fn may_stop(&self) -> bool {
        self.stopping && self.pipeline.is_idle() && self.keeper.last_checkpoint_seq() == self.pipeline.durable()
    }

    /// The last entry that a durable checkpoint covers.
    pub fn last_checkpoint(&self) -> Seq {
        self.keeper.last_checkpoint_seq()
    }

    fn seal_due(&self, now: Now) -> bool {
        !self.sealed && !self.stopping && self.pipeline.is_idle() && now >= self.last_entry.plus(limits::SEAL_MS)
    }

    fn request(&mut self, now: Now, wall: Wall, conn: ConnId, id: RequestId, request: Request) {
        let reply = match request {
            Request::Fetch(fetch) => return self.fetch(now, conn, id, fetch),
            Request::Produce(produce) => {
                return self.append_or_hold(now, wall, conn, id, Append::Produce(produce));
            }
            Request::FetchSession(fetch) => return self.session_fetch(now, conn, id, fetch),
            Request::ListOffsets(list) => self.list_offsets(&list),
            Request::Metadata(metadata) => Reply::Metadata(self.metadata(&metadata)),
            Request::CreateTopics(create) => Reply::CreateTopics(self.create_topics(&create)),
            Request::DeleteTopics(topics) => Reply::DeleteTopics(self.delete_topics(wall, topics)),
            Request::CreatePartitions { topics, validate_only } => {
                Reply::CreatePartitions(self.create_partitions(topics, validate_only))
            }
            Request::DeleteRecords(topics) => self.delete_records(topics),
            Request::DescribeConfigs(resources) => Reply::DescribeConfigs(self.describe_configs(resources)),
            Request::AlterConfigs { resources, validate_only } => {
                Reply::AlterConfigs(self.alter_configs(resources, validate_only))
            }
            Request::ListConfigResources(kinds) => Reply::ListConfigResources(self.config_resources(&kinds)),
            Request::Partitions(asked) => Reply::Partitions(self.partition_sizes(asked)),
            Request::JournalPosition => Reply::JournalPosition(self.pipeline.durable()),
            Request::InitProducerId(init) => Reply::InitProducerId(self.init_producer_id(now, wall, &init)),
            Request::OffsetForLeaderEpoch(asked) => Reply::OffsetForLeaderEpoch(self.leader_epochs(asked)),
            Request::OffsetCommit(commit) => Reply::OffsetCommit(self.commit_offsets(now, wall, &commit)),
            Request::OffsetFetch { group, topics, require_stable } => {
                Reply::OffsetFetch(Ok(self.offsets.fetch(&group, topics.as_deref(), require_stable)))
            }
            Request::Transaction(request) => Reply::Transaction(self.transaction(now, wall, request)),
            // What carries no records is how groups and tasks go on; it always has room.
            Request::AtomicAppend(append) if !append.batches.is_empty() => {
                return self.append_or_hold(now, wall, conn, id, Append::Atomic(append));
            }
            Request::AtomicAppend(append) => Reply::AtomicAppend(self.atomic_append(wall, append)),
            Request::StartTask { task } => Reply::StartTask(self.start_task(task)),
            Request::ReadTable { topic } => Reply::ReadTable(self.read_table(&topic)),
            request => return self.group_request(now, wall, conn, id, request),
        };
        self.pipeline.reply_when_durable(conn, id, reply);
    }

    fn reply_now(&mut self, conn: ConnId, id: RequestId, reply: Reply) {
        self.outputs.push_back(Output::Reply { conn, id, reply });
    }

    fn disconnected(&mut self, now: Now, conn: ConnId) {
        self.parked.disconnected(conn);
        self.held.disconnected(conn);
        self.groups_disconnected(now, conn);
    }

    /// An entry is durable: its batches may be read now, and who waited for it is answered.
    fn journaled(&mut self, now: Now, seq: Seq) {
        let entry = self.pipeline.journaled(seq);
        let mut moved = Vec::new();
        for (id, info, bytes) in entry.batches() {
            if let Some(partition) = self.partitions.get_mut(&id) {
                self.keeper.appended(now, bytes.len() as u64);
                partition.append(&info, bytes);
                if info.is_control() {
                    partition.settle();
                }
                moved.push(id);
            } else if let Some(log) = self.deletions.get_mut(id) {
                log.append(&info, bytes);
            }
        }
        self.move_log_starts(seq);
        self.keep_in_memory(&entry);
        while let Some(dirs) = self.deletions.next(seq) {
            self.outputs.push_back(Output::DeleteLogs(dirs));
        }
        moved.dedup();
        moved.into_iter().for_each(|id| self.wake(id));
    }

    /// The most recent entries stay in memory for readers at the end of their logs; older ones go.
    fn keep_in_memory(&mut self, entry: &Entry) {
        self.tail.keep(entry);
        while let Some(ends) = self.tail.let_go() {
            for (id, last_offset) in ends {
                if let Some(partition) = self.partitions.get_mut(&id) {
                    partition.log.let_go(last_offset);
                }
            }
        }
    }

    /// The wall clock; `None` before the first input, when nobody has told the time.
    fn wall(&self, now: Now) -> Option<Wall> {
        let (at, wall) = self.clock;
        (wall.0 != 0).then(|| Wall(wall.0 + now.0.saturating_sub(at.0) as i64))
    }

    fn partition_id(&self, topic: &str, partition: i32) -> Option<PartitionId> {
        let topic = self.topics.get(topic)?;
        (0..topic.partitions).contains(&partition).then(|| id_of(topic.id, partition))
    }

    fn partition(&self, topic: &str, partition: i32) -> Option<&Partition> {
        self.partitions.get(&self.partition_id(topic, partition)?)
    }

    /// Moves state by one of the core's own records, at run time and in recovery alike.
    fn replay(&mut self, record: &Record) {
        self.before_replay(record);
        self.topics.replay(record);
        self.defaults.replay(record);
        self.tasks.replay(record);
        self.producer_ids.replay(record);
        self.replay_log_start(record);
        self.after_replay(record);
    }

    fn journal_is_filling(&self) -> bool {
        self.journal.used > self.journal.capacity / 4 * 3
    }
}

pub(crate) fn id_of(topic: Uuid, partition: i32) -> PartitionId {
    PartitionId { topic: topic.into_bytes(), partition }
}
