//! What Kafka keeps beside a segment: `.snapshot`, the producers as of an offset, and `.txnindex`, the aborted transactions whose markers
//! are in the segment.
//!
//! Owns their bytes (`ProducerSnapshot.json`, `AbortedTxn`). They are for Kafka and its tools: nothing of ours is read from them.
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
    }
}
