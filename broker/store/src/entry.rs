//! One journal entry: what becomes durable at once, or not at all.
//!
//! Owns its layout, its checksum and its memory. A batch is copied into an entry once; the journal writes that copy, the log keeps
//! slices of it, segments are written from them and readers get them. Leaves where it goes to [`crate::journal`].
//!
//! ```text
//! 0 magic "CNDE" | 4 length u32, a multiple of BLOCK | 8 seq u64 | 16 items u32 | 20 directory u32, from the entry's start
//! 24 sum u64 of everything from 64 on | 32 zeros | 56 sum u64 of bytes 0..56 | 64 data: batches and records, one after the other
//! ... at directory, 32 bytes per item: kind u8 (1 batch, 2 record, 3 gap) | 3 zeros | length u32 | topic id 16 | partition i32 | zeros
//! ... zeros up to length
//! ```
//! A gap is room left so that a large batch lies in memory as it will in its segment file, relative to blocks: it can be written
//! there direct, without another copy. Numbers are little-endian. Both sums are CRC-64/NVME started from the salt of the run that wrote it, a secret, so that no client
//! can send bytes that pass for an entry. The header has its own, so that a search for entries need not sum what it finds.
//!
//! Invariant: an entry's bytes are never written to after [`EntryBuilder::finish`].

use alloc::{sync::Arc, vec::Vec};
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};

mod format;

pub use crate::buffer::Pool;
use crate::{
    batch::{self, BatchInfo},
    buffer::Buffer,
    disk::BLOCK,
};
pub(crate) use format::EntryHeader;

/// Most bytes of one entry; with padding it may be an eighth more. A larger request has to be refused, or written in parts.
pub const ENTRY_MOST_BYTES: usize = 48 << 20;

pub(crate) const HEADER_BYTES: usize = 64;
const DIRECTORY_ITEM_BYTES: usize = 32;

/// Buffers of an entry grow with it up to this size; a larger batch gets one of its own.
const PART_MOST_BYTES: usize = 1 << 20;

/// A batch of this size is worth a gap before it; below, the copy is the cheaper one.
const LARGE_BATCH_BYTES: usize = 128 << 10;

/// A partition, by the id of its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartitionId {
    /// Topic id.
    pub topic: [u8; 16],
    /// Partition index.
    pub partition: i32,
}

/// One thing in an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A record batch, its offset and epoch already written into it.
    Batch {
        /// Of this partition.
        partition: PartitionId,
        /// Its header.
        info: BatchInfo,
        /// All of it.
        bytes: Bytes,
    },
    /// A record of the core's own.
    Record(Bytes),
}

/// A finished entry; clones share its memory.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place in the journal: one more than the entry before.
    pub seq: u64,
    parts: Arc<[Bytes]>,
    items: Arc<[Item]>,
    len: usize,
    memory: usize,
}

impl Entry {
    /// Bytes in the journal, a multiple of [`BLOCK`].
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there is nothing in it, and it only seals the one before.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What the journal writes, one after the other; each aligned to and a multiple of [`BLOCK`].
    pub fn parts(&self) -> &[Bytes] {
        &self.parts
    }

    /// What is in it, in order.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The batches in it, in order.
    pub fn batches(&self) -> impl Iterator<Item = (PartitionId, BatchInfo, Bytes)> + '_ {
        self.items.iter().filter_map(|item| match item {
            Item::Batch { partition, info, bytes } => Some((*partition, *info, bytes.clone())),
            Item::Record(_) => None,
        })
    }

    /// Bytes of memory that stay in use as long as any slice of it does.
    pub fn memory(&self) -> usize {
        self.memory
    }
}

/// An entry being filled.
#[derive(Debug)]
pub struct EntryBuilder {
    pool: Pool,
    parts: Vec<Part>,
    directory: Vec<Placed>,
    len: usize,
}

#[derive(Debug)]
struct Part {
    buffer: Buffer,
    used: usize,
}

#[derive(Clone, Copy, Debug)]
struct Placed {
    what: What,
    part: usize,
    at: usize,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    Batch(PartitionId, BatchInfo),
    Record,
    Gap,
}

impl EntryBuilder {
    /// An empty one; its memory comes from `pool` when something is put into it.
    pub fn new(pool: &Pool) -> Self {
        Self { pool: pool.clone(), parts: Vec::new(), directory: Vec::new(), len: HEADER_BYTES }
    }

    /// Copies a batch into the entry and writes its offset and leader epoch there. `info` is its header as it came; what the entry
    /// tells of it has the new ones. `position` is where it is expected to go in its segment file, in bytes; if it goes elsewhere,
    /// that costs a copy.
    ///
    /// # Panics
    /// If `info` is not of these bytes, or the entry grows beyond [`ENTRY_MOST_BYTES`]: see [`EntryBuilder::has_room`].
    pub fn push_batch(
        &mut self,
        partition: PartitionId,
        info: &BatchInfo,
        base_offset: i64,
        leader_epoch: i32,
        position: u64,
        bytes: &[u8],
    ) {
        assert_eq!(info.length as usize, bytes.len(), "a header goes with its own batch");
        let info = BatchInfo { base_offset, leader_epoch, ..*info };
        let to = self.place(What::Batch(partition, info), bytes, Some(position));
        batch::stamp(to, base_offset, leader_epoch);
    }

    /// Copies a record of the core's own into the entry.
    pub fn push_record(&mut self, bytes: &[u8]) {
        self.place(What::Record, bytes, None);
    }

    /// True if `items` more batches and records of together `bytes` bytes may be pushed.
    pub fn has_room(&self, items: usize, bytes: usize) -> bool {
        let directory = items.saturating_mul(DIRECTORY_ITEM_BYTES);
        self.len.saturating_add(bytes).saturating_add(directory) <= ENTRY_MOST_BYTES
    }

    /// Bytes so far; with padding it will be a little more.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.directory.is_empty()
    }

    /// Closes it as number `seq` of the journal, summed with the salt of this run.
    pub fn finish(mut self, seq: u64, salt: u64) -> Entry {
        // One item more, because making room may leave a gap that has to be told of too.
        self.reserve((self.directory.len() + 1) * DIRECTORY_ITEM_BYTES);
        let directory: Vec<u8> =
            self.directory.iter().flat_map(|placed| format::directory_item(&placed.what, placed.len)).collect();
        let (part, at) = self.put(&directory);
        let position = self.parts[..part].iter().map(|part| padded(part.used)).sum::<usize>() + at;
        for part in &mut self.parts {
            let end = padded(part.used);
            part.buffer[part.used..end].fill(0);
        }
        let len = self.parts.iter().map(|part| padded(part.used)).sum();
        let header = EntryHeader {
            length: u32::try_from(len).expect("bounded by place"),
            seq,
            items: self.directory.len() as u32,
            directory: position as u32,
            sum: self.sum(salt),
        };
        self.parts[0].buffer[..HEADER_BYTES].copy_from_slice(&header.encode(salt));
        self.freeze(seq, len)
    }

    fn freeze(self, seq: u64, len: usize) -> Entry {
        let memory = self.parts.iter().map(|part| part.buffer.len()).sum();
        let parts: Arc<[Bytes]> = self
            .parts
            .into_iter()
            .map(|part| {
                let end = padded(part.used);
                part.buffer.freeze().slice(..end)
            })
            .collect();
        let item = |placed: &Placed| {
            let bytes = || parts[placed.part].slice(placed.at..placed.at + placed.len);
            match placed.what {
                What::Batch(partition, info) => Some(Item::Batch { partition, info, bytes: bytes() }),
                What::Record => Some(Item::Record(bytes())),
                What::Gap => None,
            }
        };
        let items = self.directory.iter().filter_map(item).collect();
        Entry { seq, parts, items, len, memory }
    }

    fn place(&mut self, what: What, bytes: &[u8], position: Option<u64>) -> &mut [u8] {
        assert!(self.has_room(1, bytes.len()), "an entry of {} bytes cannot take {} more", self.len, bytes.len());
        match position {
            Some(position) if bytes.len() >= LARGE_BATCH_BYTES => {
                self.reserve(BLOCK + bytes.len());
                self.align((position % BLOCK as u64) as usize);
            }
            _ => self.reserve(bytes.len()),
        }
        let (part, at) = self.put(bytes);
        self.directory.push(Placed { what, part, at, len: bytes.len() });
        self.len += bytes.len() + DIRECTORY_ITEM_BYTES;
        &mut self.parts[part].buffer[at..at + bytes.len()]
    }

    /// Makes room for `len` bytes in a row.
    fn reserve(&mut self, len: usize) {
        let Some(part) = self.parts.len().checked_sub(1) else {
            let buffer = self.pool.take(HEADER_BYTES + len);
            return self.parts.push(Part { buffer, used: HEADER_BYTES });
        };
        let last = &self.parts[part];
        if last.buffer.len() - last.used >= len {
            return;
        }
        self.align(0);
        let grown = self.len.min(PART_MOST_BYTES);
        self.parts.push(Part { buffer: self.pool.take(len.max(grown)), used: 0 });
    }

    /// Leaves a gap up to `inside` of a block.
    fn align(&mut self, inside: usize) {
        let part = self.parts.len() - 1;
        let Part { buffer, used: at } = &mut self.parts[part];
        let gap = (BLOCK + inside - *at % BLOCK) % BLOCK;
        if gap > 0 {
            buffer[*at..*at + gap].fill(0);
            self.directory.push(Placed { what: What::Gap, part, at: *at, len: gap });
            self.parts[part].used += gap;
            self.len += gap + DIRECTORY_ITEM_BYTES;
        }
    }

    fn put(&mut self, bytes: &[u8]) -> (usize, usize) {
        let index = self.parts.len() - 1;
        let part = &mut self.parts[index];
        let at = part.used;
        part.buffer[at..at + bytes.len()].copy_from_slice(bytes);
        part.used += bytes.len();
        (index, at)
    }

    fn sum(&self, salt: u64) -> u64 {
        let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc64Nvme, salt);
        for (index, part) in self.parts.iter().enumerate() {
            let from = if index == 0 { HEADER_BYTES } else { 0 };
            digest.update(&part.buffer[from..padded(part.used)]);
        }
        digest.finalize()
    }
}

fn padded(len: usize) -> usize {
    len.next_multiple_of(BLOCK)
}

#[cfg(test)]
mod tests;
