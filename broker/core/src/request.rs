//! What can be asked of the broker, and what it answers: the one door for TCP clients, the embedded runtime and the simulator.
//!
//! Owns the typed requests and replies. Leaves their bytes to `broker/wire` and their decisions to the other modules.
//! Invariant: nothing here names a wire version; version wrinkles are settled at the edge.

use alloc::{string::String, vec::Vec};
use bytes::Bytes;
use uuid::Uuid;

use crate::error::Error;

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
        /// Topic and the count it shall have.
        topics: Vec<(String, i32)>,
        /// Check only.
        validate_only: bool,
    },
    /// Effective configs of topics and of the broker.
    DescribeConfigs(Vec<ConfigResource>),
    /// A producer id and epoch.
    InitProducerId(InitProducerId),
    /// End offset of a leader epoch.
    OffsetForLeaderEpoch(Vec<(String, i32, i32)>),
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
    },
    /// Groups by name.
    DescribeGroups(Vec<String>),
    /// All groups, or those in one of the named states.
    ListGroups {
        /// State names as Kafka writes them; empty: any.
        states: Vec<String>,
    },
    /// Delete empty groups.
    DeleteGroups(Vec<String>),
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
    /// To `DescribeConfigs`.
    DescribeConfigs(Vec<(ConfigResource, Result<Vec<ConfigEntry>, (Error, String)>)>),
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
    /// To `DescribeGroups`.
    DescribeGroups(Vec<GroupDescription>),
    /// To `ListGroups`.
    ListGroups(Vec<ListedGroup>),
    /// To `DeleteGroups`.
    DeleteGroups(Vec<(String, Result<(), Error>)>),
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

/// A checked batch as it came: one Kafka record batch (magic 2) whose length and CRC the edge has verified.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Its header fields.
    pub info: broker_store::batch::BatchInfo,
    /// All of its bytes, header included.
    pub bytes: Bytes,
}

/// Produce.
#[derive(Clone, Debug)]
pub struct Produce {
    /// 0, 1 or -1 (all); with 0 no reply is made unless something failed.
    pub acks: i16,
    /// Transactional id of the producer, if it has one.
    pub transactional_id: Option<String>,
    /// Topic, then partition and batch, or the error the edge found while checking it.
    pub topics: Vec<(String, Vec<(i32, Result<Batch, Error>)>)>,
}

/// One partition's outcome of a produce.
#[derive(Clone, Debug)]
pub struct Produced {
    /// Partition index.
    pub partition: i32,
    /// Base offset given to the batch, log start offset, and log append time (-1 with CreateTime).
    pub outcome: Result<ProducedAt, (Error, String)>,
}

/// Where a batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducedAt {
    /// Offset of its first record.
    pub base_offset: i64,
    /// The partition's log start offset.
    pub log_start_offset: i64,
    /// Milliseconds since 1970 with LogAppendTime, else -1.
    pub log_append_time: i64,
}

/// Fetch.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// How long to wait for `min_bytes`, milliseconds.
    pub max_wait_ms: u32,
    /// Bytes that make the answer worth sending.
    pub min_bytes: u32,
    /// Most bytes of records in the whole answer (the first batch is always whole, KIP-74).
    pub max_bytes: u32,
    /// Stop at the last stable offset.
    pub read_committed: bool,
    /// Topic, partitions.
    pub topics: Vec<(String, Vec<FetchPartition>)>,
}

/// One partition of a fetch.
#[derive(Clone, Copy, Debug)]
pub struct FetchPartition {
    /// Partition index.
    pub partition: i32,
    /// First offset wanted; the answer starts with the batch that holds it.
    pub offset: i64,
    /// Most bytes from this partition.
    pub max_bytes: u32,
    /// The leader epoch the client believes in, -1 for none.
    pub current_leader_epoch: i32,
}

/// One partition's records.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Partition index.
    pub partition: i32,
    /// Why there are none.
    pub error: Option<Error>,
    /// First offset not yet committed.
    pub high_watermark: i64,
    /// First offset of the oldest open transaction, or the high watermark.
    pub last_stable_offset: i64,
    /// First offset that can be read.
    pub log_start_offset: i64,
    /// Aborted transactions in the range: producer id and first offset.
    pub aborted: Vec<(i64, i64)>,
    /// Where the record bytes are: in memory, or to be read by the edge from a segment.
    pub records: broker_store::log::Read,
}

/// ListOffsets.
#[derive(Clone, Debug)]
pub struct ListOffsets {
    /// Answer the last stable offset for `latest`.
    pub read_committed: bool,
    /// Topic, then partition, leader epoch (-1: none) and timestamp (-1 latest, -2 earliest, -3 max timestamp).
    pub topics: Vec<(String, Vec<(i32, i32, i64)>)>,
}

/// One partition's offset by timestamp.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Partition index.
    pub partition: i32,
    /// What was found.
    pub outcome: Result<ListedOffset, Error>,
}

/// An offset found by timestamp.
#[derive(Clone, Debug)]
pub enum ListedOffset {
    /// Known at once: timestamp, offset (-1, -1: none matches) and leader epoch.
    At {
        /// Milliseconds since 1970, -1 for a special query.
        timestamp: i64,
        /// The offset.
        offset: i64,
        /// Leader epoch of it.
        leader_epoch: i32,
    },
    /// The first record at or after `timestamp` among these batches; the edge decodes them to find it.
    In {
        /// The timestamp asked for.
        timestamp: i64,
        /// The batch that holds it.
        records: broker_store::log::Read,
        /// Leader epoch to answer.
        leader_epoch: i32,
    },
}

/// A topic as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicRef {
    /// By name.
    Name(String),
    /// By id.
    Id(Uuid),
}

/// One topic's deletion.
#[derive(Clone, Debug)]
pub struct DeletedTopic {
    /// Its name; `None` for an unknown id.
    pub name: Option<String>,
    /// Its id; nil for an unknown name.
    pub id: Uuid,
    /// What became of it.
    pub outcome: Result<(), Error>,
}

/// Metadata.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// The topics; `None` asks for all.
    pub topics: Option<Vec<TopicRef>>,
    /// Create the missing ones, if the broker's settings allow it too.
    pub allow_auto_topic_creation: bool,
}

/// What there is.
#[derive(Clone, Debug)]
pub struct ClusterMetadata {
    /// Cluster id.
    pub cluster_id: String,
    /// This node's id, which leads everything.
    pub node_id: i32,
    /// Topics.
    pub topics: Vec<TopicMetadata>,
}

/// One topic.
#[derive(Clone, Debug)]
pub struct TopicMetadata {
    /// Name; `None` for an unknown id.
    pub name: Option<String>,
    /// Id, nil if unknown.
    pub id: Uuid,
    /// `__consumer_offsets` and its like.
    pub internal: bool,
    /// Number of partitions, all led by this node at epoch 0; or why it is not there.
    pub partitions: Result<i32, Error>,
}

/// CreateTopics.
#[derive(Clone, Debug)]
pub struct CreateTopics {
    /// The topics.
    pub topics: Vec<NewTopic>,
    /// Check only.
    pub validate_only: bool,
}

/// One topic to create.
#[derive(Clone, Debug)]
pub struct NewTopic {
    /// Name.
    pub name: String,
    /// Partitions, -1 for the broker's default.
    pub partitions: i32,
    /// Replication factor, -1 for the broker's default; 1 is all there is.
    pub replication_factor: i16,
    /// Manual assignment: partition and its replicas.
    pub assignments: Vec<(i32, Vec<i32>)>,
    /// Topic configs.
    pub configs: Vec<(String, Option<String>)>,
}

/// One topic's creation.
#[derive(Clone, Debug)]
pub struct CreatedTopic {
    /// Name.
    pub name: String,
    /// Its id, partition count and effective configs, or what is wrong.
    pub outcome: Result<(Uuid, i32, Vec<ConfigEntry>), (Error, String)>,
}

/// Whose configs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigResource {
    /// A topic's.
    Topic(String),
    /// A broker's, by node id.
    Broker(String),
    /// Of a kind we do not have: Kafka's number and the name.
    Other(i8, String),
}

/// One config with its effective value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Name.
    pub name: String,
    /// Value.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// Kafka's type number (1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9 password).
    pub kind: i8,
    /// One line of documentation.
    pub doc: &'static str,
}

/// Where a config's value comes from (`DescribeConfigsResponse.ConfigSource`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    /// Set on the topic (1).
    Topic,
    /// From the broker's settings file (4).
    StaticBroker,
    /// Kafka's default (5).
    Default,
}

/// InitProducerId.
#[derive(Clone, Debug)]
pub struct InitProducerId {
    /// Transactional id; transactions are not served yet.
    pub transactional_id: Option<String>,
    /// Producer id and epoch to go on with (KIP-360), or -1 and -1.
    pub current: (i64, i16),
}

/// A group member as it names itself.
#[derive(Clone, Debug)]
pub struct Member {
    /// Group id.
    pub group: String,
    /// Generation it believes in.
    pub generation: i32,
    /// Member id.
    pub member: String,
    /// `group.instance.id` of a static member.
    pub instance: Option<String>,
}

/// JoinGroup.
#[derive(Clone, Debug)]
pub struct JoinGroup {
    /// Group id.
    pub group: String,
    /// Member id, empty on the first try.
    pub member: String,
    /// `group.instance.id` of a static member.
    pub instance: Option<String>,
    /// The client's id, the start of a generated member id.
    pub client_id: String,
    /// The client's host, for descriptions.
    pub client_host: String,
    /// Answer an empty member id with MEMBER_ID_REQUIRED first (KIP-394, JoinGroup v4 and up).
    pub require_known_member: bool,
    /// Session timeout, milliseconds.
    pub session_timeout_ms: i32,
    /// Rebalance timeout, milliseconds.
    pub rebalance_timeout_ms: i32,
    /// `consumer`, `connect`, ...
    pub protocol_type: String,
    /// Protocol names with the member's metadata, best first.
    pub protocols: Vec<(String, Bytes)>,
    /// True for a caller inside this process, whose membership ends with it.
    pub in_process: bool,
}

/// A member's place in a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Generation.
    pub generation: i32,
    /// Protocol type.
    pub protocol_type: String,
    /// The protocol chosen.
    pub protocol: String,
    /// The leader's member id.
    pub leader: String,
    /// This member's id.
    pub member: String,
    /// For the leader: member id, instance id, metadata of all.
    pub members: Vec<(String, Option<String>, Bytes)>,
}

/// SyncGroup.
#[derive(Clone, Debug)]
pub struct SyncGroup {
    /// Who asks.
    pub who: Member,
    /// Protocol type and name, where the client says them (v5): checked.
    pub protocol: Option<(String, String)>,
    /// From the leader: member id and assignment.
    pub assignments: Vec<(String, Bytes)>,
}

/// A member's assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synced {
    /// Protocol type.
    pub protocol_type: String,
    /// Protocol.
    pub protocol: String,
    /// The assignment as the leader wrote it.
    pub assignment: Bytes,
}

/// OffsetCommit.
#[derive(Clone, Debug)]
pub struct OffsetCommit {
    /// Who commits; generation -1 and an empty member for a simple commit outside a group.
    pub who: Member,
    /// Topic, then partition, offset, leader epoch (-1: none) and metadata.
    pub topics: Vec<(String, Vec<OffsetToCommit>)>,
}

/// One offset to commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetToCommit {
    /// Partition index.
    pub partition: i32,
    /// The next offset to read.
    pub offset: i64,
    /// Leader epoch of the last record read, -1 for none.
    pub leader_epoch: i32,
    /// The client's note, at most `offset.metadata.max.bytes`.
    pub metadata: String,
}

/// One committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// Partition index.
    pub partition: i32,
    /// The offset, -1 if none is committed.
    pub offset: i64,
    /// Leader epoch, -1 for none.
    pub leader_epoch: i32,
    /// The client's note.
    pub metadata: String,
}

/// A group, in full.
#[derive(Clone, Debug)]
pub struct GroupDescription {
    /// Group id.
    pub group: String,
    /// Why it cannot be described.
    pub error: Option<Error>,
    /// State as Kafka writes it: `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Stable`, `Dead`.
    pub state: &'static str,
    /// Protocol type.
    pub protocol_type: String,
    /// Protocol, empty unless the group is past a rebalance.
    pub protocol: String,
    /// Members.
    pub members: Vec<MemberDescription>,
}

/// A member, in full.
#[derive(Clone, Debug)]
pub struct MemberDescription {
    /// Member id.
    pub member: String,
    /// `group.instance.id`.
    pub instance: Option<String>,
    /// Client id.
    pub client_id: String,
    /// Client host.
    pub client_host: String,
    /// Its metadata for the chosen protocol.
    pub metadata: Bytes,
    /// Its assignment.
    pub assignment: Bytes,
}

/// A group in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedGroup {
    /// Group id.
    pub group: String,
    /// Protocol type.
    pub protocol_type: String,
    /// State as Kafka writes it.
    pub state: &'static str,
}

/// Records, offsets and a task's state, all or nothing.
#[derive(Clone, Debug, Default)]
pub struct AtomicAppend {
    /// The task and its incarnation from `StartTask`; an older incarnation is fenced.
    pub task: Option<(String, u64)>,
    /// Topic, partition and batch; a partition may occur several times.
    pub batches: Vec<(String, i32, Batch)>,
    /// Offsets of a consumer group, checked as `OffsetCommit` is.
    pub offsets: Option<OffsetCommit>,
    /// Changes to the task's state: key and value, `None` to remove. Needs `task`.
    pub state: Vec<(String, Option<Bytes>)>,
}

/// A started task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskStarted {
    /// Its incarnation: larger than every one before, also over restarts.
    pub incarnation: u64,
    /// Its saved state in key order.
    pub state: Vec<(String, Bytes)>,
}
