//! Every limit of the core, and what holds between them.

/// An entry is closed when it has grown to this: larger group commits cost more latency than they save (`disk.md`, trap 3).
pub const ENTRY_SOFT_BYTES: usize = 2 << 20;

/// Most bytes that the answer to one fetch may carry, whatever the client asks for.
pub const FETCH_MOST_BYTES: u32 = 64 << 20;

/// Partitions that all fetch sessions may remember together.
pub const SESSION_PARTITIONS: usize = 200_000;

/// After this long without use a fetch session makes room for another, milliseconds (Kafka's `MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS`).
pub const SESSION_EVICTION_MS: u64 = 120_000;

/// Memory for readers at the end of their logs; unwritten bytes come on top.
pub const TAIL_BYTES: usize = 24 << 20;

/// Unwritten bytes of all logs at which those are written that have a large piece to write.
pub const SEGMENT_WRITE_BYTES: u64 = 8 << 20;

/// What a large piece is: from here on a write costs little more than its bytes (`disk.md`, trap 4).
pub const SEGMENT_PIECE_BYTES: u64 = 256 << 10;

/// Unwritten bytes of all logs at which the largest pieces are written, whatever their size.
pub const CROWDED_BYTES: u64 = 40 << 20;

/// Unwritten bytes of all logs at which producers wait: they are memory, and the segments are to catch up first.
pub const UNWRITTEN_MOST_BYTES: u64 = 64 << 20;

/// An append waits this long for room before it is turned away, milliseconds: less than clients wait for an answer (30 s).
pub const HELD_MS: u64 = 10_000;

/// Unwritten bytes wait at most this long for company, milliseconds.
pub const SEGMENT_WRITE_MS: u64 = 1_000;

/// A checkpoint is made at least this often while anything changes, milliseconds.
pub const CHECKPOINT_MS: u64 = 60_000;

/// After this long without an entry, an empty one seals the last, milliseconds.
pub const SEAL_MS: u64 = 10;

/// Committed offsets are looked through for old ones this often, milliseconds (`offsets.retention.check.interval.ms`).
pub const OFFSET_EXPIRY_MS: u64 = 600_000;

/// After a start, old segments are looked for after this long for the first time, milliseconds (Kafka's `LogManager.InitialTaskDelayMs`).
pub const RETENTION_FIRST_MS: u64 = 30_000;

/// Files that somebody still reads are tried again after this long, milliseconds.
pub const REMOVAL_RETRY_MS: u64 = 100;

/// Producer ids are put aside in blocks of this many, so that few entries are written for them.
pub const PRODUCER_ID_BLOCK: i64 = 1_000;

/// Transactional ids that are remembered; beyond it new ones are turned away.
pub const TRANSACTIONAL_IDS: usize = 100_000;

/// Partitions one topic may have.
pub const PARTITIONS_PER_TOPIC: i32 = 10_000;

/// Fetches and other requests of one connection that may wait at once.
pub const PARKED_PER_CONNECTION: usize = 64;

const _: () = assert!(SEAL_MS < SEGMENT_WRITE_MS && SEGMENT_WRITE_MS < CHECKPOINT_MS);
const _: () = assert!(SEGMENT_WRITE_BYTES < CROWDED_BYTES && CROWDED_BYTES < UNWRITTEN_MOST_BYTES);
