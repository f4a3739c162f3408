//! The records of control batches: the ends of transactions (KIP-98), and what a quorum notes in its log (KIP-595, KIP-630, KIP-853).
//!
//! Owns their tables and the words of Kafka's `DumpLogSegments` for them.

use super::{
    Field,
    Kind::{I16, I32, I64, List, Struct, Text, U16, Uuid},
    Message, field, message, version,
};

const VOTER: &[Field] = &[field("voterId", I32), field("voterDirectoryId", Uuid).since(1)];

/// A quorum has a new leader.
pub const LEADER_CHANGE: Message = Message {
    versions: 0..=1,
    ..message(
        "LeaderChangeMessage",
        &[
            field("version", I16),
            field("leaderId", I32),
            field("voters", List(&Struct(VOTER))),
            field("grantingVoters", List(&Struct(VOTER))),
        ],
    )
};

/// A snapshot begins.
pub const SNAPSHOT_HEADER: Message =
    message("SnapshotHeaderRecord", &[field("version", I16), field("lastContainedLogTimestamp", I64)]);

/// A snapshot ends.
pub const SNAPSHOT_FOOTER: Message = message("SnapshotFooterRecord", &[field("version", I16)]);

/// The quorum's version.
pub const KRAFT_VERSION: Message = message("KRaftVersionRecord", &[field("version", I16), field("kRaftVersion", I16)]);

/// Who votes.
pub const VOTERS: Message = message(
    "VotersRecord",
    &[
        field("version", I16),
        field(
            "voters",
            List(&Struct(&[
                field("voterId", I32),
                field("voterDirectoryId", Uuid),
                field("endpoints", List(&Struct(&[field("name", Text), field("host", Text), field("port", U16)]))),
                field(
                    "kRaftVersionFeature",
                    Struct(&[field("minSupportedVersion", I16), field("maxSupportedVersion", I16)]),
                ),
            ])),
        ),
    ],
);

/// What a record of a control batch says, with a blank in front.
pub fn text(key: Option<&[u8]>, value: Option<&[u8]>) -> String {
    let kind = key.and_then(version).and_then(|(_, key)| version(key)).map(|(kind, _)| kind);
    let value = value.unwrap_or_default();
    let told = match kind {
        Some(0) => end("ABORT", value),
        Some(1) => end("COMMIT", value),
        Some(2) => noted("LeaderChange:", &LEADER_CHANGE, value),
        Some(3) => noted("SnapshotHeader", &SNAPSHOT_HEADER, value),
        Some(4) => noted("SnapshotFooter", &SNAPSHOT_FOOTER, value),
        Some(5) => noted("KRaftVersion", &KRAFT_VERSION, value),
        Some(6) => noted("KRaftVoters", &VOTERS, value),
        Some(_) | None => None,
    };
    told.unwrap_or_else(|| format!(" controlType: UNKNOWN({})", kind.unwrap_or(-1)))
}

/// The end of a transaction: a version and the coordinator's epoch.
fn end(how: &str, value: &[u8]) -> Option<String> {
    let (_, rest) = version(value)?;
    let epoch = i32::from_be_bytes(*rest.first_chunk()?);
    Some(format!(" endTxnMarker: {how} coordinatorEpoch: {epoch}"))
}

/// The version of such a message is its first field, too.
fn noted(what: &str, table: &Message, value: &[u8]) -> Option<String> {
    let (version, _) = version(value)?;
    Some(format!(" {what} {}", table.json(version, value).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let check = |key: &[u8], value: &[u8], expected: &str| assert_eq!(text(Some(key), Some(value)), expected);
        check(&[0, 0, 0, 1], &[0, 0, 0, 0, 0, 7], " endTxnMarker: COMMIT coordinatorEpoch: 7");
        check(&[0, 0, 0, 0], &[0, 0, 0, 0, 0, 7], " endTxnMarker: ABORT coordinatorEpoch: 7");
        check(&[0, 0, 0, 4], &[0, 0, 0], r#" SnapshotFooter {"version":0}"#);
        check(&[0, 0, 0, 9], &[], " controlType: UNKNOWN(9)");
        check(&[0], &[], " controlType: UNKNOWN(-1)");
    }
}
