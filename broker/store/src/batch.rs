//! Kafka's record batch, magic 2 (KIP-98): the one home of its header.
//!
//! Owns the 61 bytes before the records, the batch's checksum and the three fields a broker writes. [`builder`] makes batches,
//! [`record`] reads the records of uncompressed ones. Leaves compression to the edges.
//!
//! ```text
//!  0 baseOffset i64 | 8 batchLength i32 = total - 12 | 12 partitionLeaderEpoch i32 | 16 magic i8 | 17 crc u32 over 21..
//! 21 attributes i16 | 23 lastOffsetDelta i32 | 27 baseTimestamp i64 | 35 maxTimestamp i64
//! 43 producerId i64 | 51 producerEpoch i16   | 53 baseSequence i32  | 57 recordsCount i32 | 61 records
//! ```
//!
//! Invariant: the checksum does not cover offset, length, epoch and magic, so writing the first and third leaves it valid; whatever
//! else must be sure of those four checks them itself.

use alloc::vec::Vec;

use crc_fast::{CrcAlgorithm, checksum};

pub mod builder;
pub mod record;

pub use builder::Builder;
pub use record::{Header, Record, Records, records, records_of};

/// Bytes before the records.
pub const HEADER_BYTES: usize = 61;

/// Bytes of offset and length, which the length does not count.
const LENGTH_EXCLUDES: usize = 12;

const CRC_STARTS: usize = 21;
const CODEC_MASK: i16 = 0b111;
const LOG_APPEND_TIME: i16 = 1 << 3;
/// The bit of the attributes that says so.
pub const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;
/// The base timestamp is when the batch's tombstones may go (KIP-534).
const DELETE_HORIZON: i16 = 1 << 6;

/// The header of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchInfo {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Bytes of the whole batch, header included.
    pub length: u32,
    /// Leader epoch it was appended in.
    pub leader_epoch: i32,
    /// CRC32C of everything from the attributes on, as it is written there.
    pub crc: u32,
    /// Codec, timestamp type, transactional, control: see the methods.
    pub attributes: i16,
    /// Offset of the last record, relative to `base_offset`.
    pub last_offset_delta: i32,
    /// Timestamp that the records' own are relative to, milliseconds since 1970.
    pub base_timestamp: i64,
    /// Largest timestamp, milliseconds since 1970.
    pub max_timestamp: i64,
    /// Producer id, -1 for none.
    pub producer_id: i64,
    /// Producer epoch, -1 for none.
    pub producer_epoch: i16,
    /// Sequence of the first record, -1 for none.
    pub base_sequence: i32,
    /// Number of records.
    pub count: i32,
}

/// The header of a batch without records and without a producer.
impl Default for BatchInfo {
    fn default() -> Self {
        BatchInfo {
            base_offset: 0,
            length: HEADER_BYTES as u32,
            leader_epoch: -1,
            crc: 0,
            attributes: 0,
            last_offset_delta: 0,
            base_timestamp: -1,
            max_timestamp: -1,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            count: 0,
        }
    }
}

/// Bytes that are not a whole batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadBatch {
    /// They end before the batch does.
    Short {
        /// Bytes that a batch of this header takes.
        need: usize,
        /// Bytes there are.
        have: usize,
    },
    /// Its length cannot be.
    Length(i32),
    /// Another format; 0 and 1 are Kafka's before 0.11.
    Magic(i8),
    /// Its last offset lies before its first.
    LastOffsetDelta(i32),
    /// The bytes are not those that were summed.
    Crc {
        /// What the header says.
        stored: u32,
        /// What the bytes give.
        computed: u32,
    },
    /// Records can be read from uncompressed batches only; this is the codec.
    Compressed(u8),
    /// What does not fit about a record.
    Record(&'static str),
}

impl core::fmt::Display for BadBatch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            BadBatch::Short { need, have } => {
                write!(f, "a record batch of {need} bytes ends after {have}")
            }
            BadBatch::Length(length) => write!(f, "a record batch cannot have length {length}"),
            BadBatch::Magic(magic) => {
                write!(f, "record batch format {magic} is not supported, only 2 (Kafka 0.11 and later)")
            }
            BadBatch::LastOffsetDelta(delta) => {
                write!(f, "a record batch cannot have last offset delta {delta}")
            }
            BadBatch::Crc { stored, computed } => {
                write!(f, "the record batch is corrupt: its CRC is {stored:08x}, but its bytes give {computed:08x}")
            }
            BadBatch::Compressed(codec) => {
                write!(f, "the record batch is compressed (codec {codec})")
            }
            BadBatch::Record(why) => write!(f, "a record of the batch cannot be read: {why}"),
        }
    }
}

impl core::error::Error for BadBatch {}

impl BatchInfo {
    /// Reads the header of the batch that `bytes` begin with; the batch must be whole, more may follow it. The checksum is
    /// not looked at: see [`check_crc`].
    pub fn parse(bytes: &[u8]) -> Result<BatchInfo, BadBatch> {
        let info = Self::parse_header(bytes)?;
        let need = info.length as usize;
        if bytes.len() < need {
            return Err(BadBatch::Short { need, have: bytes.len() });
        }
        Ok(info)
    }

    /// As [`BatchInfo::parse`], but only the first [`HEADER_BYTES`] need to be there.
    pub fn parse_header(bytes: &[u8]) -> Result<BatchInfo, BadBatch> {
        let short = BadBatch::Short { need: HEADER_BYTES, have: bytes.len() };
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(short)?;
        let magic = header[16] as i8;
        if magic != 2 {
            return Err(BadBatch::Magic(magic));
        }
        let length = i32_at(header, 8);
        let total = i64::from(length) + LENGTH_EXCLUDES as i64;
        if total < HEADER_BYTES as i64 {
            return Err(BadBatch::Length(length));
        }
        let last_offset_delta = i32_at(header, 23);
        if last_offset_delta < 0 {
            return Err(BadBatch::LastOffsetDelta(last_offset_delta));
        }
        Ok(BatchInfo {
            base_offset: i64_at(header, 0),
            length: u32::try_from(total).map_err(|_| BadBatch::Length(length))?,
            leader_epoch: i32_at(header, 12),
            crc: i32_at(header, 17) as u32,
            attributes: i16_at(header, 21),
            last_offset_delta,
            base_timestamp: i64_at(header, 27),
            max_timestamp: i64_at(header, 35),
            producer_id: i64_at(header, 43),
            producer_epoch: i16_at(header, 51),
            base_sequence: i32_at(header, 53),
            count: i32_at(header, 57),
        })
    }

    /// Offset of the last record.
    pub fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta))
    }

    /// 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd; more means nothing yet.
    pub fn codec(&self) -> u8 {
        (self.attributes & CODEC_MASK) as u8
    }

    /// True if every record has the batch's `max_timestamp`, given by the broker.
    pub fn log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }

    /// Part of a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// When its tombstones, or its marker, may go, milliseconds since 1970: compaction has seen them.
    pub fn delete_horizon(&self) -> Option<i64> {
        (self.attributes & DELETE_HORIZON != 0).then_some(self.base_timestamp)
    }

    /// A marker of the broker, not data.
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }
}

/// Checks the CRC of the batch that `bytes` begin with; returns its header.
pub fn check_crc(bytes: &[u8]) -> Result<BatchInfo, BadBatch> {
    let info = BatchInfo::parse(bytes)?;
    let computed = crc32c(&bytes[CRC_STARTS..info.length as usize]);
    if computed != info.crc {
        return Err(BadBatch::Crc { stored: info.crc, computed });
    }
    Ok(info)
}

/// Writes the offset of the first record and the leader epoch into a batch; its checksum stays valid.
///
/// # Panics
/// If there is no header.
pub fn stamp(batch: &mut [u8], base_offset: i64, leader_epoch: i32) {
    assert!(batch.len() >= HEADER_BYTES, "only a batch is stamped");
    put(batch, 0, &base_offset.to_be_bytes());
    put(batch, 12, &leader_epoch.to_be_bytes());
}

/// Gives all records of a batch the broker's time, milliseconds since 1970 (`message.timestamp.type=LogAppendTime`), and sums it
/// anew; returns the new header.
///
/// # Panics
/// If the bytes are not a batch: it was parsed before.
pub fn set_log_append_time(batch: &mut [u8], timestamp: i64) -> BatchInfo {
    let info = BatchInfo::parse(batch).expect("only a parsed batch is given a time");
    put(batch, 21, &(info.attributes | LOG_APPEND_TIME).to_be_bytes());
    put(batch, 35, &timestamp.to_be_bytes());
    sum(&mut batch[..info.length as usize]);
    BatchInfo::parse(batch).expect("length and magic are as they were")
}

/// The header of an uncompressed batch before its records as `codec` (1 to 4) has compressed them, summed anew.
///
/// # Panics
/// If the whole would be larger than 2 GiB.
pub fn with_compressed(header: &[u8; HEADER_BYTES], codec: u8, records: &[u8]) -> Vec<u8> {
    let attributes = i16_at(header, 21) & !CODEC_MASK | i16::from(codec) & CODEC_MASK;
    let length = i32::try_from(HEADER_BYTES + records.len() - LENGTH_EXCLUDES).expect("a batch stays under 2 GiB");
    let mut batch = [&header[..], records].concat();
    put(&mut batch, 8, &length.to_be_bytes());
    put(&mut batch, 21, &attributes.to_be_bytes());
    sum(&mut batch);
    batch
}

/// Writes the checksum of a batch.
fn sum(batch: &mut [u8]) {
    let crc = crc32c(&batch[CRC_STARTS..]);
    put(batch, 17, &crc.to_be_bytes());
}

fn crc32c(bytes: &[u8]) -> u32 {
    checksum(CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

fn put(to: &mut [u8], at: usize, bytes: &[u8]) {
    to[at..at + bytes.len()].copy_from_slice(bytes);
}

fn array<const N: usize>(from: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    from[at..at + N].try_into().expect("N bytes")
}

fn i16_at(from: &[u8; HEADER_BYTES], at: usize) -> i16 {
    i16::from_be_bytes(array(from, at))
}

fn i32_at(from: &[u8; HEADER_BYTES], at: usize) -> i32 {
    i32::from_be_bytes(array(from, at))
}

fn i64_at(from: &[u8; HEADER_BYTES], at: usize) -> i64 {
    i64::from_be_bytes(array(from, at))
}

#[cfg(test)]
mod tests;
