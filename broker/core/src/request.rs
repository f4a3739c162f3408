//! What can be asked of the broker, and what it answers: the one door for TCP clients, the embedded runtime and the simulator.
//!
//! Owns the typed requests and replies. Leaves their bytes to `broker/wire` and their decisions to the other modules.
//! Invariant: nothing here names a wire version; version wrinkles are settled at the edge.

use alloc::{string::String, vec::Vec};
use bytes::Bytes;

use crate::error::Error;

mod group;
mod records;
mod task;
mod topic;
mod transaction;

pub use group::*;
pub use records::*;
pub use task::*;
pub use topic::*;
pub use transaction::*;

/// A client's connection, or an in-process caller; the edge hands them out and never uses one twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnId(pub u64);

/// One request of a connection; echoed with its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A request.
#[derive(Clone, Debug)]
pub enum Request {
    /// Append batches.
    Produce(Produce),
    /// Read batches, waiting for them for a while.
    Fetch(Fetch),
    /// The same as part of a fetch session (KIP-227).
    FetchSession(SessionFetch),
    /// Offsets by timestamp.
    ListOffsets(ListOffsets),
    /// Topics and where they are.
    Metadata(Metadata),
    /// Create topics.
    CreateTopics(CreateTopics),
    /// Delete topics.
    DeleteTopics(Vec<TopicRef>),
    /// Give topics more partitions: name and new count.
    CreatePartitions {
        /// The topics.
        topics: Vec<MorePartitions>,
        /// Check only.
        validate_only: bool,
    },
    /// Move the start of logs: topic, then partition and first offset to keep (-1: the high watermark).
    DeleteRecords(Vec<(String, Vec<(i32, i64)>)>),
    /// Effective configs of topics and of the broker.
    DescribeConfigs(Vec<ConfigResource>),
    /// Change configs of topics and of the broker.
    AlterConfigs {
        /// Each by itself.
        resources: Vec<AlterConfigs>,
        /// Check only.
        validate_only: bool,
    },
    /// What has configs, of the kinds by Kafka's numbers; empty: any.
    ListConfigResources(Vec<i8>),
    /// Which of these partitions there are, and how large; `None` asks for all.
    Partitions(Option<Vec<(String, Vec<i32>)>>),
    /// The last durable journal entry.
    JournalPosition,
    /// A producer id and epoch.
    InitProducerId(InitProducerId),
    /// End offset of a leader epoch: topic, partition, the epoch that the caller takes for the present one (-1: none), the epoch asked about.
    OffsetForLeaderEpoch(Vec<(String, i32, i32, i32)>),
    /// Join a consumer group.
    JoinGroup(JoinGroup),
    /// Hand out, or wait for, the assignment.
    SyncGroup(SyncGroup),
    /// Stay a member.
    Heartbeat(Member),
    /// Stop being a member.
    LeaveGroup {
        /// The group.
        group: String,
        /// The members that leave: member id, group instance id.
        members: Vec<(String, Option<String>)>,
    },
    /// Commit offsets of a group.
    OffsetCommit(OffsetCommit),
    /// Committed offsets of a group; `None` asks for all topics.
    OffsetFetch {
        /// The group.
        group: String,
        /// Topic and partitions.
        topics: Option<Vec<(String, Vec<i32>)>>,
        /// Refuse a partition whose offset an open transaction may change (KIP-447).
        require_stable: bool,
    },
    /// Transactions.
    Transaction(TransactionRequest),
    /// Groups by name.
    DescribeGroups(Vec<String>),
    /// All groups, or those in one of the named states.
    ListGroups {
        /// State names as Kafka writes them; empty: any.
        states: Vec<String>,
    },
    /// Delete empty groups.
    DeleteGroups(Vec<String>),
    /// Delete a group's offsets of these partitions.
    OffsetDelete {
        /// The group.
        group: String,
        /// Topic and partitions.
        topics: Vec<(String, Vec<i32>)>,
    },
    /// All or nothing, in one journal entry; only in process.
    AtomicAppend(AtomicAppend),
    /// A new incarnation of a task, which fences every earlier one; only in process. Answered with its saved state.
    StartTask {
        /// The task, e.g. `local-file-source/0`.
        task: String,
    },
    /// The latest value per key of a compacted topic the broker keeps a table of (`connect-*`); only in process.
    ReadTable {
        /// The topic.
        topic: String,
    },
}

/// The reply to a request, in the same order of variants.
#[derive(Clone, Debug)]
pub enum Reply {
    /// To `Produce`, in its order.
    Produce(Vec<TopicReply<Produced>>),
    /// To `Fetch`, in its order.
    Fetch(Vec<TopicReply<Fetched>>),
    /// To `FetchSession`.
    FetchSession(Result<SessionFetched, Error>),
    /// To `ListOffsets`.
    ListOffsets(Vec<TopicReply<Listed>>),
    /// To `Metadata`.
    Metadata(ClusterMetadata),
    /// To `CreateTopics`.
    CreateTopics(Vec<CreatedTopic>),
    /// To `DeleteTopics`, in its order.
    DeleteTopics(Vec<DeletedTopic>),
    /// To `CreatePartitions`.
    CreatePartitions(Vec<(String, Result<(), (Error, String)>)>),
    /// To `DeleteRecords`, in its order: partition and first offset that can be read.
    DeleteRecords(Vec<TopicReply<(i32, Result<i64, Error>)>>),
    /// To `DescribeConfigs`.
    DescribeConfigs(Vec<(ConfigResource, Result<Vec<ConfigEntry>, (Error, String)>)>),
    /// To `AlterConfigs`, in its order.
    AlterConfigs(Vec<(ConfigResource, Result<(), (Error, String)>)>),
    /// To `ListConfigResources`: kind and name.
    ListConfigResources(Vec<(i8, String)>),
    /// To `Partitions`: index and size in bytes, `None` where there is no such partition.
    Partitions(Vec<TopicReply<(i32, Option<u64>)>>),
    /// To `JournalPosition`.
    JournalPosition(u64),
    /// To `InitProducerId`: producer id and epoch.
    InitProducerId(Result<(i64, i16), Error>),
    /// To `OffsetForLeaderEpoch`: topic, partition, epoch and end offset.
    OffsetForLeaderEpoch(Vec<(String, i32, Result<(i32, i64), Error>)>),
    /// To `JoinGroup`.
    JoinGroup(Result<Joined, (Error, String)>),
    /// To `SyncGroup`.
    SyncGroup(Result<Synced, Error>),
    /// To `Heartbeat`.
    Heartbeat(Result<(), Error>),
    /// To `LeaveGroup`: per member its id, instance id, outcome; or the whole group's error.
    LeaveGroup(Result<Vec<(String, Option<String>, Result<(), Error>)>, Error>),
    /// To `OffsetCommit`.
    OffsetCommit(Vec<TopicReply<(i32, Result<(), Error>)>>),
    /// To `OffsetFetch`.
    OffsetFetch(Result<Vec<TopicReply<CommittedOffset>>, Error>),
    /// To `Transaction`.
    Transaction(TransactionReply),
    /// To `DescribeGroups`.
    DescribeGroups(Vec<GroupDescription>),
    /// To `ListGroups`.
    ListGroups(Vec<ListedGroup>),
    /// To `DeleteGroups`.
    DeleteGroups(Vec<(String, Result<(), Error>)>),
    /// To `OffsetDelete`, in its order; or the whole group's error.
    OffsetDelete(Result<Vec<TopicReply<(i32, Result<(), Error>)>>, Error>),
    /// To `AtomicAppend`: the base offset of each batch, in the request's order.
    AtomicAppend(Result<Vec<i64>, (Error, String)>),
    /// To `StartTask`.
    StartTask(TaskStarted),
    /// To `ReadTable`: keys and values in key order.
    ReadTable(Result<Vec<(Bytes, Bytes)>, Error>),
}

/// A topic's part of a reply.
#[derive(Clone, Debug)]
pub struct TopicReply<P> {
    /// Topic name.
    pub topic: String,
    /// One per partition asked for, in the request's order.
    pub partitions: Vec<P>,
}
