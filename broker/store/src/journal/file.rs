//! One journal file: blocks that exist already, so that writing them changes nothing but them.
//!
//! Owns its header and its making. A file keeps its name for ever; which place it has in the journal is in its header alone, so that
//! using it again is one write and no rename. The header is there twice, in the first two blocks: if one copy is damaged, the other
//! still says what is in the file.
//!
//! ```text
//! "CNDJRNL1" | version u32 | kind u32 (0 blank, 1 in use, 2 closed) | number u64 | first seq u64 | salt u64 | sum u64 of all before
//! zeros up to 4096, the same again | from 8192 on: entries, one after the other
//! ```
//! Numbers are little-endian, the sum is CRC-64/NVME.
//!
//! Invariant: a file has its name only once all of its blocks are durable, so one without a good header is damaged, not unfinished.

use alloc::{format, string::String, vec::Vec};
use crc_fast::{CrcAlgorithm, checksum};

use crate::{
    buffer::Pool,
    disk::{BLOCK, Disk, DiskError, DiskFile, Open},
};

pub(crate) const FOLDER: &str = "journal";
/// Where the first entry is.
pub(crate) const ENTRIES_START: u64 = 2 * BLOCK as u64;
const MAGIC: &[u8; 8] = b"CNDJRNL1";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 48;

/// Bytes per write while a file is filled with zeros.
const FILL_BYTES: usize = 1 << 20;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Nothing yet.
    Blank,
    /// Entries.
    Used,
    /// A checkpoint has all of its entries, and none follows.
    Closed,
}

/// What a file's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Header {
    /// Its place among the files: later ones have higher numbers.
    pub number: u64,
    /// Sequence of its first entry; those before it in the file are from an earlier use.
    pub first_seq: u64,
    pub kind: Kind,
    /// Of the run that writes to it.
    pub salt: u64,
}

/// Why a header cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadHeader {
    Damaged,
    Newer(u32),
}

impl Header {
    pub const BLANK: Header = Header { number: 0, first_seq: 0, kind: Kind::Blank, salt: 0 };

    /// Puts both copies into the first blocks.
    fn encode(&self, blocks: &mut [u8]) {
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(MAGIC);
        header[8..12].copy_from_slice(&VERSION.to_le_bytes());
        header[12..16].copy_from_slice(&(self.kind as u32).to_le_bytes());
        header[16..24].copy_from_slice(&self.number.to_le_bytes());
        header[24..32].copy_from_slice(&self.first_seq.to_le_bytes());
        header[32..40].copy_from_slice(&self.salt.to_le_bytes());
        let sum = checksum(CrcAlgorithm::Crc64Nvme, &header[..40]);
        header[40..].copy_from_slice(&sum.to_le_bytes());
        blocks[..2 * BLOCK].fill(0);
        for copy in blocks[..2 * BLOCK].chunks_exact_mut(BLOCK) {
            copy[..HEADER_BYTES].copy_from_slice(&header);
        }
    }

    /// What the first two blocks say: of two good copies the later one, which is left where a crash cut the writing of both.
    pub fn decode(blocks: &[u8]) -> Result<Header, BadHeader> {
        let copies = blocks.chunks_exact(BLOCK).take(2).map(Self::decode_one);
        copies.max_by_key(|copy| copy.map_err(|bad| bad == BadHeader::Damaged).ok()).unwrap_or(Err(BadHeader::Damaged))
    }

    fn decode_one(block: &[u8]) -> Result<Header, BadHeader> {
        let header = &block[..HEADER_BYTES];
        let u32_at = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("4 bytes"));
        let u64_at = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("8 bytes"));
        if header[..8] != *MAGIC || u64_at(40) != checksum(CrcAlgorithm::Crc64Nvme, &header[..40]) {
            return Err(BadHeader::Damaged);
        }
        if u32_at(8) > VERSION {
            return Err(BadHeader::Newer(u32_at(8)));
        }
        let kind = match u32_at(12) {
            0 => Kind::Blank,
            1 => Kind::Used,
            2 => Kind::Closed,
            _ => return Err(BadHeader::Damaged),
        };
        Ok(Header { kind, number: u64_at(16), first_seq: u64_at(24), salt: u64_at(32) })
    }

    /// Makes this the header of a file, durably.
    pub fn write(&self, pool: &Pool, file: &impl DiskFile) -> Result<(), DiskError> {
        let mut blocks = pool.take(2 * BLOCK);
        self.encode(&mut blocks);
        file.write_durable(0, &[&blocks[..2 * BLOCK]])
    }
}

/// The path of the file in this slot.
pub(crate) fn path(slot: u64) -> String {
    format!("{FOLDER}/{slot}.journal")
}

/// The slot that a name in the folder stands for.
pub(crate) fn slot(name: &str) -> Option<u64> {
    name.strip_suffix(".journal")?.parse().ok()
}

/// A journal file to be made; that takes a while, and may be done on another thread.
#[derive(Debug)]
pub struct Prepare<D: Disk> {
    pub(super) disk: D,
    pub(super) pool: Pool,
    pub(super) slot: u64,
    pub(super) len: u64,
}

/// A journal file that is ready to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepared {
    pub(crate) slot: u64,
    pub(crate) len: u64,
}

impl<D: Disk> Prepare<D> {
    /// Writes all of the file's blocks, makes them durable, and only then gives the file its name.
    ///
    /// # Errors
    /// Any of the disk's, above all `Full`. What was made of the file is removed.
    pub fn run(self) -> Result<Prepared, DiskError> {
        let temporary = format!("{FOLDER}/{}.tmp", self.slot);
        let filled = self.fill(&temporary);
        if let Err(error) = filled {
            // The space is what others need now; if it cannot be removed either, the next start does it.
            let _ = self.disk.remove(&temporary);
            return Err(error);
        }
        self.disk.rename(&temporary, &path(self.slot))?;
        self.disk.sync_dir(FOLDER)?;
        Ok(Prepared { slot: self.slot, len: self.len })
    }

    fn fill(&self, temporary: &str) -> Result<(), DiskError> {
        let file = self.disk.open(temporary, Open::Journal)?;
        let mut blocks = self.pool.take(FILL_BYTES.min(self.len as usize));
        blocks.fill(0);
        let mut at = 0;
        while at < self.len {
            let len = blocks.len().min((self.len - at) as usize);
            file.write_at(at, &[&blocks[..len]])?;
            at += len as u64;
        }
        Header::BLANK.encode(&mut blocks);
        file.write_at(0, &[&blocks[..2 * BLOCK]])?;
        file.sync()
    }
}

/// The files in the journal's folder, by slot.
pub(crate) fn slots<D: Disk>(disk: &D) -> Result<Vec<u64>, DiskError> {
    let mut slots: Vec<u64> = disk.list(FOLDER)?.iter().filter_map(|name| slot(name)).collect();
    slots.sort_unstable();
    Ok(slots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const HEADER: Header = Header { number: 3, first_seq: 100, kind: Kind::Used, salt: 0xabcd };

    fn blocks(header: Header) -> Vec<u8> {
        let mut blocks = vec![9; 2 * BLOCK];
        header.encode(&mut blocks);
        blocks
    }

    #[test]
    fn the_layout_is_as_drawn() {
        let blocks = blocks(HEADER);
        assert_eq!(
            &blocks[..40],
            b"CNDJRNL1\x01\0\0\0\x01\0\0\0\x03\0\0\0\0\0\0\0\x64\0\0\0\0\0\0\0\xcd\xab\0\0\0\0\0\0"
        );
        assert_eq!(blocks[..BLOCK], blocks[BLOCK..]);
        assert!(blocks[HEADER_BYTES..BLOCK].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_header_survives_the_loss_of_one_copy() {
        let check = |damage: &dyn Fn(&mut Vec<u8>), expected| {
            let mut blocks = blocks(HEADER);
            damage(&mut blocks);
            assert_eq!(Header::decode(&blocks), expected);
        };
        check(&|_| (), Ok(HEADER));
        check(&|b| b[20] ^= 1, Ok(HEADER));
        check(&|b| b[BLOCK + 20] ^= 1, Ok(HEADER));
        check(&|b| (b[20], b[BLOCK + 20]) = (99, 99), Err(BadHeader::Damaged));
    }

    #[test]
    fn of_two_copies_the_later_counts() {
        let (old, new) = (blocks(HEADER), blocks(Header { number: 9, first_seq: 500, ..HEADER }));
        for (first, second) in [(&old, &new), (&new, &old)] {
            let torn = [&first[..BLOCK], &second[BLOCK..]].concat();
            assert_eq!(Header::decode(&torn).unwrap().number, 9);
        }
    }

    #[test]
    fn a_newer_format_is_told_apart() {
        let mut blocks = blocks(HEADER);
        for copy in blocks.chunks_exact_mut(BLOCK) {
            copy[8] = 2;
            let sum = checksum(CrcAlgorithm::Crc64Nvme, &copy[..40]);
            copy[40..48].copy_from_slice(&sum.to_le_bytes());
        }
        assert_eq!(Header::decode(&blocks), Err(BadHeader::Newer(2)));
    }
}
