//! An entry's header and directory as bytes.
//!
//! Owns both directions. Invariant: what does not carry the salt's sums is not an entry, and no number in one is believed before
//! its sum is, nor beyond the bytes that are there.

use alloc::vec::Vec;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};

use super::{DIRECTORY_ITEM_BYTES, HEADER_BYTES, Item, PartitionId, What};
use crate::{batch::BatchInfo, disk::BLOCK};

const MAGIC: [u8; 4] = *b"CNDE";
const BATCH: u8 = 1;
const RECORD: u8 = 2;
const GAP: u8 = 3;
const NO_PARTITION: PartitionId = PartitionId { topic: [0; 16], partition: 0 };

/// Sums bytes, salted.
pub(crate) fn salted_sum(salt: u64, bytes: &[u8]) -> u64 {
    let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc64Nvme, salt);
    digest.update(bytes);
    digest.finalize()
}

/// The first 64 bytes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryHeader {
    pub length: u32,
    pub seq: u64,
    pub items: u32,
    pub directory: u32,
    pub sum: u64,
}

impl EntryHeader {
    pub fn encode(&self, salt: u64) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[0..4].copy_from_slice(&MAGIC);
        out[4..8].copy_from_slice(&self.length.to_le_bytes());
        out[8..16].copy_from_slice(&self.seq.to_le_bytes());
        out[16..20].copy_from_slice(&self.items.to_le_bytes());
        out[20..24].copy_from_slice(&self.directory.to_le_bytes());
        out[24..32].copy_from_slice(&self.sum.to_le_bytes());
        let sum = salted_sum(salt, &out[..56]);
        out[56..64].copy_from_slice(&sum.to_le_bytes());
        out
    }

    /// The header at the start of `bytes`, if the run with this salt wrote one there.
    pub fn parse(bytes: &[u8], salt: u64) -> Option<EntryHeader> {
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        let u32_at = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("4 bytes"));
        let u64_at = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("8 bytes"));
        let genuine = header[..4] == MAGIC && (sums_are_skipped() || u64_at(56) == salted_sum(salt, &header[..56]));
        let parsed = EntryHeader {
            length: u32_at(4),
            seq: u64_at(8),
            items: u32_at(16),
            directory: u32_at(20),
            sum: u64_at(24),
        };
        let blocks = parsed.length as usize / BLOCK;
        (genuine && blocks > 0 && blocks * BLOCK == parsed.length as usize).then_some(parsed)
    }

    /// True if what is there claims to be the header of this entry, genuine or not.
    pub fn was_begun(bytes: &[u8], seq: u64) -> bool {
        bytes.starts_with(&MAGIC) && bytes.get(8..16) == Some(&seq.to_le_bytes())
    }

    /// The items of the entry with this header, or `None` if `bytes` are not what was summed. Trailing bytes are not looked at.
    pub fn items(&self, bytes: &Bytes, salt: u64) -> Option<Vec<Item>> {
        let whole = bytes.get(..self.length as usize)?;
        if !sums_are_skipped() && salted_sum(salt, &whole[HEADER_BYTES..]) != self.sum {
            return None;
        }
        let directory = whole.get(self.directory as usize..)?;
        let directory = directory.get(..(self.items as usize).checked_mul(DIRECTORY_ITEM_BYTES)?)?;
        let mut items = Vec::with_capacity(self.items as usize);
        let mut at = HEADER_BYTES;
        for item in directory.chunks_exact(DIRECTORY_ITEM_BYTES) {
            let len = u32::from_le_bytes(item[4..8].try_into().expect("4 bytes")) as usize;
            let end = at.checked_add(len).filter(|end| *end <= self.directory as usize)?;
            match item[0] {
                BATCH => items.push(batch_item(item, bytes.slice(at..end))?),
                RECORD => items.push(Item::Record(bytes.slice(at..end))),
                GAP => {}
                _ => return None,
            }
            at = end;
        }
        Some(items)
    }
}

fn batch_item(item: &[u8], bytes: Bytes) -> Option<Item> {
    let topic = item[8..24].try_into().expect("16 bytes");
    let partition = i32::from_le_bytes(item[24..28].try_into().expect("4 bytes"));
    let info = BatchInfo::parse(&bytes).ok().filter(|info| info.length as usize == bytes.len())?;
    Some(Item::Batch { partition: PartitionId { topic, partition }, info, bytes })
}

/// One item of a directory.
pub(crate) fn directory_item(item: &What, len: usize) -> [u8; DIRECTORY_ITEM_BYTES] {
    let (kind, partition) = match item {
        What::Batch(partition, _) => (BATCH, *partition),
        What::Record => (RECORD, NO_PARTITION),
        What::Gap => (GAP, NO_PARTITION),
    };
    let mut out = [0; DIRECTORY_ITEM_BYTES];
    out[0] = kind;
    out[4..8].copy_from_slice(&(len as u32).to_le_bytes());
    out[8..24].copy_from_slice(&partition.topic);
    out[24..28].copy_from_slice(&partition.partition.to_le_bytes());
    out
}

fn sums_are_skipped() -> bool {
    #[cfg(feature = "planted-bugs")]
    return crate::planted::is(crate::planted::Bug::SkipChecksum);
    #[cfg(not(feature = "planted-bugs"))]
    false
}
