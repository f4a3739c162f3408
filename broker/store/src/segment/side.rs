//! What Kafka keeps beside a segment: `.snapshot`, the producers as of an offset, and `.txnindex`, the aborted transactions whose markers
//! are in the segment.
//!
//! Owns their bytes, both ways (`ProducerSnapshot.json`, `AbortedTxn`). They are for Kafka and for tools: the broker reads nothing from
//! them.
//!
//! ```text
//! snapshot  version i16 = 1 | crc u32, CRC32C of the rest | producers: count i32 | each: id i64, epoch i16, last sequence i32,
//!           last offset i64, offset delta i32, timestamp i64, coordinator epoch i32, first offset of its transaction i64 |
//! txnindex  each: version i16 = 0, producer id i64, first offset i64, last offset i64, last stable offset i64
//! ```
//! Numbers are big-endian.

use alloc::{string::String, vec::Vec};
use crc_fast::{CrcAlgorithm, checksum};

use super::is_missing;
use crate::{
    disk::{Disk, DiskError, DiskFile, Open},
    entry::PartitionId,
};

/// Such a file, to be written whole or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideFile {
    /// Whose.
    pub partition: PartitionId,
    /// Relative to the data folder.
    pub path: String,
    /// What is in it from now on; `None` if it goes.
    pub bytes: Option<Vec<u8>>,
}

impl SideFile {
    /// Makes it so. Its folder has to be there.
    pub(crate) fn store<D: Disk>(&self, disk: &D) -> Result<(), DiskError> {
        match &self.bytes {
            Some(bytes) => {
                let file = disk.open(&self.path, Open::Append)?;
                file.truncate(0)?;
                file.write_at(0, &[bytes])
            }
            None => {
                let removed = disk.remove(&self.path);
                if is_missing(&removed) { Ok(()) } else { removed }
            }
        }
    }
}

/// A producer as of an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerEntry {
    /// Its id.
    pub id: i64,
    /// Its epoch.
    pub epoch: i16,
    /// First and last sequence and last offset of its last batch, if it has written any in this epoch.
    pub last: Option<(i32, i32, i64)>,
    /// Of its last batch or marker, milliseconds since 1970.
    pub timestamp: i64,
    /// Of its last marker, -1 for none.
    pub coordinator_epoch: i32,
    /// First offset of its open transaction.
    pub open: Option<i64>,
}

/// The bytes of a `.snapshot`.
pub fn snapshot(producers: &[ProducerEntry]) -> Vec<u8> {
    let mut rest = (producers.len() as u32).to_be_bytes().to_vec();
    for producer in producers {
        let (first, last, offset) = producer.last.unwrap_or((-1, -1, -1));
        rest.extend(producer.id.to_be_bytes());
        rest.extend(producer.epoch.to_be_bytes());
        rest.extend(last.to_be_bytes());
        rest.extend(offset.to_be_bytes());
        rest.extend((last.wrapping_sub(first) & i32::MAX).to_be_bytes());
        rest.extend(producer.timestamp.to_be_bytes());
        rest.extend(producer.coordinator_epoch.to_be_bytes());
        rest.extend(producer.open.unwrap_or(-1).to_be_bytes());
    }
    let mut out = 1i16.to_be_bytes().to_vec();
    out.extend((checksum(CrcAlgorithm::Crc32Iscsi, &rest) as u32).to_be_bytes());
    out.extend(rest);
    out
}

/// Why such a file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSideFile {
    /// Its version is another.
    Version(i16),
    /// Its checksum is not that of its bytes.
    Checksum {
        /// In the file.
        stored: u32,
        /// Of what follows.
        computed: u32,
    },
    /// It ends within an entry.
    Short,
}

impl core::fmt::Display for BadSideFile {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            BadSideFile::Version(version) => write!(f, "it has version {version}, which is not known"),
            BadSideFile::Checksum { stored, computed } => {
                write!(f, "it is corrupt: its CRC is {stored:08x}, but its bytes give {computed:08x}")
            }
            BadSideFile::Short => f.write_str("it ends within an entry"),
        }
    }
}

impl core::error::Error for BadSideFile {}

/// What a `.snapshot` says.
///
/// # Errors
/// It is another version's, damaged, or not whole.
pub fn producers_of(bytes: &[u8]) -> Result<Vec<ProducerEntry>, BadSideFile> {
    const ENTRY: usize = 46;
    let (version, rest) = bytes.split_first_chunk().ok_or(BadSideFile::Short)?;
    let (stored, rest) = rest.split_first_chunk().ok_or(BadSideFile::Short)?;
    let (count, entries) = rest.split_first_chunk().ok_or(BadSideFile::Short)?;
    if i16::from_be_bytes(*version) != 1 {
        return Err(BadSideFile::Version(i16::from_be_bytes(*version)));
    }
    let (stored, computed) = (u32::from_be_bytes(*stored), checksum(CrcAlgorithm::Crc32Iscsi, rest) as u32);
    if stored != computed {
        return Err(BadSideFile::Checksum { stored, computed });
    }
    let count = u32::from_be_bytes(*count) as usize;
    if entries.len() / ENTRY < count {
        return Err(BadSideFile::Short);
    }
    Ok(entries.chunks_exact(ENTRY).take(count).map(producer).collect())
}

fn producer(entry: &[u8]) -> ProducerEntry {
    let i32_at = |at| i32::from_be_bytes(number_at(entry, at));
    let i64_at = |at| i64::from_be_bytes(number_at(entry, at));
    let (last_sequence, last_offset, delta, open) = (i32_at(10), i64_at(14), i32_at(22), i64_at(38));
    ProducerEntry {
        id: i64_at(0),
        epoch: i16::from_be_bytes(number_at(entry, 8)),
        // Sequences go round: after the largest comes 0.
        last: (last_offset >= 0).then(|| (last_sequence.wrapping_sub(delta) & i32::MAX, last_sequence, last_offset)),
        timestamp: i64_at(26),
        coordinator_epoch: i32_at(34),
        open: (open >= 0).then_some(open),
    }
}

fn number_at<const N: usize>(entry: &[u8], at: usize) -> [u8; N] {
    entry[at..at + N].try_into().expect("it lies within the entry")
}

/// An aborted transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxnEntry {
    /// Whose.
    pub producer_id: i64,
    /// Offset of its first record.
    pub first_offset: i64,
    /// Offset of its marker.
    pub last_offset: i64,
    /// The last stable offset once it was aborted.
    pub last_stable_offset: i64,
}

/// The bytes of a `.txnindex`.
pub fn txn_index(aborted: impl Iterator<Item = TxnEntry>) -> Vec<u8> {
    let mut out = Vec::new();
    for txn in aborted {
        out.extend(0i16.to_be_bytes());
        for number in [txn.producer_id, txn.first_offset, txn.last_offset, txn.last_stable_offset] {
            out.extend(number.to_be_bytes());
        }
    }
    out
}

/// What a `.txnindex` says.
///
/// # Errors
/// It is another version's, or not whole.
pub fn transactions_of(bytes: &[u8]) -> Result<Vec<TxnEntry>, BadSideFile> {
    const ENTRY: usize = 34;
    if !bytes.len().is_multiple_of(ENTRY) {
        return Err(BadSideFile::Short);
    }
    let entry = |entry: &[u8]| {
        let version = i16::from_be_bytes(number_at(entry, 0));
        let i64_at = |at| i64::from_be_bytes(number_at(entry, at));
        let [producer_id, first_offset, last_offset, last_stable_offset] = [2, 10, 18, 26].map(i64_at);
        let txn = TxnEntry { producer_id, first_offset, last_offset, last_stable_offset };
        if version == 0 { Ok(txn) } else { Err(BadSideFile::Version(version)) }
    };
    bytes.chunks_exact(ENTRY).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_have_kafkas_sizes_and_sums() {
        let producer = ProducerEntry {
            id: 7,
            epoch: 1,
            last: Some((3, 5, 90)),
            timestamp: 4,
            coordinator_epoch: -1,
            open: Some(88),
        };
        let markers_only = ProducerEntry { last: None, open: None, ..producer };
        let bytes = snapshot(&[producer, markers_only]);
        assert_eq!(bytes.len(), 10 + 2 * 46);
        assert_eq!(bytes[2..6], (checksum(CrcAlgorithm::Crc32Iscsi, &bytes[6..]) as u32).to_be_bytes());
        assert_eq!(bytes[10..20], *b"\0\0\0\0\0\0\0\x07\0\x01");
        assert_eq!(bytes[20..36], *b"\0\0\0\x05\0\0\0\0\0\0\0\x5a\0\0\0\x02");
        assert_eq!(bytes[56 + 10..56 + 26], *b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0");
        let txn = TxnEntry { producer_id: 7, first_offset: 1, last_offset: 9, last_stable_offset: 10 };
        assert_eq!(txn_index([txn, txn].into_iter()).len(), 2 * 34);
        assert_eq!(producers_of(&bytes), Ok(Vec::from([producer, markers_only])));
        assert_eq!(transactions_of(&txn_index([txn, txn].into_iter())), Ok(Vec::from([txn, txn])));
        // Sequences went round.
        let round = ProducerEntry { last: Some((i32::MAX, 1, 90)), ..producer };
        assert_eq!(producers_of(&snapshot(&[round])), Ok(Vec::from([round])));
    }

    #[test]
    fn damage_is_noticed() {
        let bytes =
            snapshot(&[ProducerEntry { id: 1, epoch: 0, last: None, timestamp: 0, coordinator_epoch: 0, open: None }]);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(producers_of(&damaged).is_err() && producers_of(&bytes[..at]).is_err(), "at {at}");
        }
        assert_eq!(transactions_of(&[0; 33]), Err(BadSideFile::Short));
        assert_eq!(transactions_of(&[1; 34]), Err(BadSideFile::Version(0x0101)));
    }
}
