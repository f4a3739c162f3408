//! The bytes of one simulated file: what readers see, and what the platters have.
//!
//! Owns both versions, by block, and which 512-byte sectors of them differ. Leaves names to `folder` and who may call what to
//! `disk`. A block that was never written is all zeros and takes no memory, so that pre-filled journal files cost nothing.
//!
//! Invariant: a sector that is not marked as pending is the same in both versions, apart from what lies beyond a version's length.

use std::collections::BTreeMap;

use crate::random::Random;

/// What a disk writes at once.
pub const SECTOR: usize = 512;
const BLOCK: usize = 4096;
const SECTORS: usize = BLOCK / SECTOR;
const ZEROS: [u8; BLOCK] = [0; BLOCK];

/// One file.
#[derive(Clone, Debug, Default)]
pub struct Content {
    blocks: BTreeMap<u64, Block>,
    live_len: u64,
    durable_len: u64,
    /// Shortest and longest that the file was since its length was durable.
    lengths: (u64, u64),
    dirty: bool,
}

#[derive(Clone, Debug)]
struct Block {
    live: Box<[u8; BLOCK]>,
    /// What the platters have, where a sector is pending; `None` stands for zeros.
    durable: Option<Box<[u8; BLOCK]>>,
    /// Bit per sector: will be written by the next sync.
    pending: u8,
    /// Bit per sector: a failed sync has forgotten it; readers see it until the power is cut.
    forgotten: u8,
}

impl Content {
    /// Length that readers see.
    pub fn len(&self) -> u64 {
        self.live_len
    }

    /// True if readers see no bytes.
    pub fn is_empty(&self) -> bool {
        self.live_len == 0
    }

    /// Fills `to` from `offset` on; returns how much there was.
    pub fn read(&self, offset: u64, to: &mut [u8]) -> usize {
        let len = self.live_len.saturating_sub(offset).min(to.len() as u64) as usize;
        let to = &mut to[..len];
        if self.blocks.range(offset / BLOCK as u64..=(offset + len as u64) / BLOCK as u64).next().is_none() {
            to.fill(0);
            return len;
        }
        for (block, within, part) in pieces(offset, len) {
            let live = self.blocks.get(&block).map_or(&ZEROS, |block| &*block.live);
            to[part.clone()].copy_from_slice(&live[within..within + part.len()]);
        }
        len
    }

    /// Writes without making it durable.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) {
        self.dirty = true;
        for (block, within, part) in pieces(offset, bytes.len()) {
            self.block(block, &bytes[part], within);
        }
        self.set_len(self.live_len.max(offset + bytes.len() as u64));
    }

    /// Writes whole blocks and makes them durable.
    pub fn write_through(&mut self, offset: u64, bytes: &[u8]) {
        for (block, _, part) in pieces(offset, bytes.len()) {
            let live = Box::new(*bytes[part].first_chunk().expect("whole blocks"));
            self.blocks.insert(block, Block { live, durable: None, pending: 0, forgotten: 0 });
        }
        let end = offset + bytes.len() as u64;
        self.live_len = self.live_len.max(end);
        self.durable_len = self.durable_len.max(end);
        self.lengths = (self.lengths.0.max(end.min(self.live_len)), self.lengths.1.max(self.live_len));
    }

    /// Cuts, or extends with zeros, without making it durable.
    pub fn truncate(&mut self, len: u64) {
        self.dirty = true;
        let first = len / BLOCK as u64;
        let beyond: Vec<u64> = self.blocks.range(first..).map(|(at, _)| *at).collect();
        for at in beyond {
            let from = if at == first { (len % BLOCK as u64) as usize } else { 0 };
            self.block(at, &ZEROS[from..], from);
        }
        self.set_len(len);
    }

    /// Makes everything durable.
    pub fn sync(&mut self) {
        if !self.dirty {
            return;
        }
        let clean = |block: &mut Block| {
            block.settle(block.pending);
            block.pending | block.forgotten != 0 || *block.live != ZEROS
        };
        self.blocks.retain(|_, block| clean(block));
        self.durable_len = self.live_len;
        self.lengths = (self.live_len, self.live_len);
        self.dirty = false;
    }

    /// Makes some sectors durable, each in `percent` of 100 cases, as a system does that writes back when it likes.
    pub fn write_back(&mut self, random: &mut Random, percent: u64) {
        if !self.dirty {
            return;
        }
        for block in self.blocks.values_mut().filter(|block| block.pending != 0) {
            block.settle(random_sectors(random, percent) & block.pending);
        }
        if random.percent(percent) {
            self.durable_len = random.between(self.lengths.0, self.lengths.1);
            let (from, to) = (self.durable_len.min(self.live_len), self.durable_len.max(self.live_len));
            self.lengths = (from, to);
        }
    }

    /// A sync that failed: each pending sector may have reached the platters or not, and no later sync will write it.
    pub fn fail_sync(&mut self, random: &mut Random) {
        self.write_back(random, 50);
        for block in self.blocks.values_mut() {
            block.forgotten |= block.pending;
            block.pending = 0;
        }
    }

    /// The power is cut: each pending sector is old or new, and the length anything in between.
    pub fn cut(&mut self, random: &mut Random, percent: u64) {
        if !self.dirty {
            return;
        }
        let len = self.length_after_cut(random, percent);
        for block in self.blocks.values_mut() {
            block.settle(random_sectors(random, percent) & block.pending);
            block.revert();
        }
        self.blocks.retain(|_, block| *block.live != ZEROS);
        (self.live_len, self.durable_len, self.lengths) = (len, len, (len, len));
        self.drop_beyond(len);
        self.dirty = false;
    }

    /// Flips one bit of what the platters have; readers see it too.
    pub fn flip(&mut self, bit: u64) {
        let (at, bit) = (bit / 8, bit % 8);
        let mut byte = [0];
        self.read(at, &mut byte);
        let mut block = [0; BLOCK];
        let start = at / BLOCK as u64 * BLOCK as u64;
        self.read(start, &mut block);
        block[(at - start) as usize] = byte[0] ^ (1 << bit);
        self.blocks.insert(at / BLOCK as u64, Block { live: Box::new(block), durable: None, pending: 0, forgotten: 0 });
    }

    /// Pending sectors or an un-synced length.
    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    fn length_after_cut(&self, random: &mut Random, percent: u64) -> u64 {
        match random.below(4) {
            0 => random.between(self.lengths.0, self.lengths.1),
            _ if random.percent(percent) => self.live_len,
            _ => self.durable_len,
        }
    }

    fn set_len(&mut self, len: u64) {
        self.live_len = len;
        self.lengths = (self.lengths.0.min(len), self.lengths.1.max(len));
    }

    fn drop_beyond(&mut self, len: u64) {
        let first = len / BLOCK as u64;
        let kept = (len % BLOCK as u64) as usize;
        self.blocks.split_off(&(first + u64::from(kept > 0)));
        if let Some(block) = self.blocks.get_mut(&first) {
            block.live[kept..].fill(0);
        }
    }

    fn block(&mut self, at: u64, bytes: &[u8], within: usize) {
        let block = match self.blocks.entry(at) {
            std::collections::btree_map::Entry::Occupied(block) => block.into_mut(),
            // Zeros over zeros change nothing, in either version.
            std::collections::btree_map::Entry::Vacant(_) if is_zero(bytes) => return,
            std::collections::btree_map::Entry::Vacant(free) => free.insert(Block::zero()),
        };
        block.write(within, bytes);
    }
}

impl Block {
    fn zero() -> Self {
        Self { live: Box::new(ZEROS), durable: None, pending: 0, forgotten: 0 }
    }

    fn write(&mut self, within: usize, bytes: &[u8]) {
        if self.pending | self.forgotten == 0 {
            self.durable = (*self.live != ZEROS).then(|| self.live.clone());
        }
        let sectors = sector_mask(within, bytes.len());
        self.live[within..within + bytes.len()].copy_from_slice(bytes);
        self.pending |= sectors;
        self.forgotten &= !sectors;
    }

    /// These sectors are durable now as readers see them.
    fn settle(&mut self, sectors: u8) {
        if sectors == 0 {
            return;
        }
        self.pending &= !sectors;
        if self.pending | self.forgotten == 0 {
            self.durable = None;
            return;
        }
        let durable = self.durable.get_or_insert_with(|| Box::new(ZEROS));
        for sector in (0..SECTORS).filter(|sector| sectors >> sector & 1 == 1) {
            let range = sector * SECTOR..(sector + 1) * SECTOR;
            durable[range.clone()].copy_from_slice(&self.live[range]);
        }
    }

    /// What is not durable was never written.
    fn revert(&mut self) {
        if self.pending | self.forgotten == 0 {
            return;
        }
        let lost = self.pending | self.forgotten;
        for sector in (0..SECTORS).filter(|sector| lost >> sector & 1 == 1) {
            let range = sector * SECTOR..(sector + 1) * SECTOR;
            let old = self.durable.as_deref().map_or(&ZEROS, |durable| durable);
            self.live[range.clone()].copy_from_slice(&old[range]);
        }
        (self.pending, self.forgotten, self.durable) = (0, 0, None);
    }
}

/// Block number, offset within it, and the range of the caller's bytes, for each block that is touched.
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, core::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == len {
            return None;
        }
        let at = offset + done as u64;
        let within = (at % BLOCK as u64) as usize;
        let part = done..len.min(done + BLOCK - within);
        done = part.end;
        Some((at / BLOCK as u64, within, part))
    })
}

fn sector_mask(within: usize, len: usize) -> u8 {
    let (first, last) = (within / SECTOR, (within + len - 1) / SECTOR);
    (first..=last).fold(0, |mask, sector| mask | 1 << sector)
}

fn random_sectors(random: &mut Random, percent: u64) -> u8 {
    match percent {
        0 => 0,
        100 => u8::MAX,
        _ => (0..SECTORS).fold(0, |mask, sector| mask | u8::from(random.percent(percent)) << sector),
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    // Compared by block, which the compiler turns into wide loads.
    bytes == &ZEROS[..bytes.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &Content) -> Vec<u8> {
        let mut bytes = vec![9; content.len() as usize + 10];
        let len = content.read(0, &mut bytes);
        bytes.truncate(len);
        bytes
    }

    /// What a file can be after a cut, over many seeds.
    fn outcomes(content: &Content) -> std::collections::BTreeSet<Vec<u8>> {
        let cut = |seed| {
            let (mut copy, mut random) = (content.clone(), Random::new(seed));
            let percent = *random.pick(&[0, 50, 100]);
            copy.cut(&mut random, percent);
            read(&copy)
        };
        (0..500).map(cut).collect()
    }

    #[test]
    fn synced_bytes_survive_and_others_are_old_or_new_by_sector() {
        let mut content = Content::default();
        content.write(0, &[1; 1024]);
        content.sync();
        assert_eq!(outcomes(&content), [vec![1; 1024]].into());
        content.write(0, &[2; 1024]);
        assert_eq!(read(&content), [2; 1024]);
        let sectors = |a, b| [[a; 512], [b; 512]].concat();
        assert_eq!(outcomes(&content), [sectors(1, 1), sectors(1, 2), sectors(2, 1), sectors(2, 2)].into());
    }

    #[test]
    fn a_length_lands_anywhere_between() {
        let mut content = Content::default();
        content.write(0, &[1; 3]);
        let lengths: Vec<usize> = outcomes(&content).iter().map(Vec::len).collect();
        assert_eq!((lengths.first(), lengths.last()), (Some(&0), Some(&3)));
        assert!(outcomes(&content).contains(&vec![0, 0, 0]), "the length may be new and the bytes old");
        content.sync();
        content.truncate(1);
        assert_eq!(read(&content), [1]);
        assert!(outcomes(&content).contains(&vec![1, 1, 1]) && outcomes(&content).contains(&vec![1]));
        content.sync();
        assert_eq!(outcomes(&content), [vec![1]].into());
    }

    #[test]
    fn cut_bytes_do_not_come_back_when_the_file_grows() {
        let mut content = Content::default();
        content.write(0, &[1; 5000]);
        content.sync();
        content.truncate(10);
        content.write(20, &[2]);
        assert_eq!(read(&content)[9..], [&[1u8][..], &[0; 10], &[2]].concat());
    }

    #[test]
    fn a_write_through_is_durable_and_a_failed_sync_is_not() {
        let mut content = Content::default();
        content.write(0, &[0; 8192]);
        content.sync();
        content.write_through(4096, &[3; 4096]);
        assert_eq!(outcomes(&content).len(), 1);
        content.write(0, &[4; 512]);
        content.fail_sync(&mut Random::new(3));
        content.sync();
        assert_eq!(read(&content)[..512], [4; 512]);
        let after: Vec<u8> = outcomes(&content).iter().map(|bytes| bytes[0]).collect();
        assert!(after == [0] || after == [4], "decided when the sync failed: {after:?}");
    }

    #[test]
    fn write_back_settles_what_a_cut_then_keeps() {
        let mut content = Content::default();
        content.write(0, &[1; 512]);
        content.sync();
        content.write(0, &[2; 512]);
        content.write_back(&mut Random::new(1), 100);
        content.write(0, &[3; 512]);
        let after: Vec<u8> = outcomes(&content).iter().map(|bytes| bytes[0]).collect();
        assert_eq!(after, [2, 3], "the version in between, or the newest");
    }

    #[test]
    fn rot_is_one_bit() {
        let mut content = Content::default();
        content.write(0, &[0; 100]);
        content.sync();
        content.flip(8 * 50 + 3);
        let bytes = read(&content);
        assert_eq!((bytes[50], bytes.iter().filter(|byte| **byte != 0).count()), (8, 1));
    }
}
