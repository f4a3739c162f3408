//! Consumer groups: membership and committed offsets.

use alloc::{string::String, vec::Vec};
use bytes::Bytes;

use crate::error::Error;

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
    /// Why there is none to tell: an open transaction may change it, and the request wanted none such.
    pub error: Option<Error>,
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
