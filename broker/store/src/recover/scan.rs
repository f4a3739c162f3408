//! The journal read from the checkpoint on, and the difference between torn and rotten.
//!
//! Owns the way from file to file and from entry to entry. A place where the next entry should be and is not is the end of the
//! journal if nothing was written after it: an entry is written only when the one before it is durable, so any later entry's header,
//! or a later file, proves that what should be here was acknowledged. Leaves all files as they are.
//!
//! Invariant: an entry is believed if its sums hold with its file's salt, its sequence is the next, and nothing else is.

use alloc::{collections::VecDeque, string::ToString, vec::Vec};

use super::RecoverError;
use crate::{
    buffer::{Buffer, Pool},
    disk::{BLOCK, Disk, DiskError, DiskFile, Open},
    entry::{EntryHeader, Item},
    journal::{BadHeader, ENTRIES_START, FOLDER, Found, Full, Header, Kind, Prepared, path, slots},
};

/// Bytes read at once.
const WINDOW_BYTES: usize = 1 << 20;

/// An entry that was being written when the last run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The journal file, relative to the data folder.
    pub file: alloc::string::String,
    /// Where in it, bytes.
    pub offset: u64,
    /// Its sequence.
    pub seq: u64,
}

/// What the journal holds.
pub(super) struct Scan<F> {
    pub items: Vec<Item>,
    /// Bytes of the entries that `items` were in.
    pub bytes: u64,
    pub last_seq: u64,
    pub torn: Option<Torn>,
    pub found: Found,
    read: Vec<F>,
}

impl<F: DiskFile> Scan<F> {
    /// Makes durable what was read.
    pub fn sync(&self) -> Result<(), DiskError> {
        self.read.iter().try_for_each(DiskFile::sync)
    }
}

/// Reads the entries after number `after`. `checkpointed` says that there is a checkpoint, so the journal must be there too.
pub(super) fn scan<D: Disk>(
    disk: &D,
    pool: &Pool,
    after: u64,
    checkpointed: bool,
) -> Result<Scan<D::File>, RecoverError> {
    let mut spares = Vec::new();
    let mut used = Vec::new();
    let mut next_slot = 0;
    for slot in slots(disk)? {
        let file = File::open(disk, pool, slot)?;
        next_slot = slot + 1;
        if file.header.kind == Kind::Blank { spares.push(file.prepared) } else { used.push(file) }
    }
    used.sort_by_key(|file| file.header.number);
    let next_number = used.last().map_or(1, |file| file.header.number + 1);
    let start = used.iter().rposition(|file| file.header.first_seq <= after + 1);
    if start.is_none() && (checkpointed || !used.is_empty()) {
        let why = alloc::format!("no file has the entry after number {after}, where the checkpoint ends");
        return Err(RecoverError::Rot { file: FOLDER.to_string(), offset: 0, why });
    }
    let needed = used.split_off(start.unwrap_or(0));
    spares.extend(used.iter().map(|file| file.prepared));

    let mut walk = Walk { after, expected: 0, items: Vec::new(), bytes: 0, torn: None };
    let mut read = Vec::with_capacity(needed.len());
    let mut full = VecDeque::new();
    let mut files = needed.into_iter().peekable();
    walk.expected = files.peek().map_or(1, |file| file.header.first_seq);
    while let Some(mut file) = files.next() {
        walk.file(pool, &mut file, files.peek().map(|next| next.header.first_seq))?;
        full.push_back(Full { file: file.prepared, last_seq: walk.expected - 1 });
        read.push(file.file);
    }
    let last_seq = (walk.expected - 1).max(after);
    while let Some(covered) = full.pop_front_if(|full| full.last_seq <= after) {
        spares.push(covered.file);
    }
    let found = Found { full, spares, next_slot, next_number, next_seq: last_seq + 1 };
    Ok(Scan { items: walk.items, bytes: walk.bytes, last_seq, torn: walk.torn, found, read })
}

struct Walk {
    after: u64,
    /// Sequence of the next entry.
    expected: u64,
    items: Vec<Item>,
    bytes: u64,
    torn: Option<Torn>,
}

/// What is at a place in a file.
enum Place {
    Entry {
        header: EntryHeader,
        items: Vec<Item>,
    },
    /// The entry that should be here was begun.
    Torn,
    Nothing,
}

impl Walk {
    /// Takes in one file; `next` is the first sequence of the file after it.
    fn file<F: DiskFile>(&mut self, pool: &Pool, file: &mut File<F>, next: Option<u64>) -> Result<(), RecoverError> {
        let mut position = ENTRIES_START;
        while next != Some(self.expected) && file.header.kind != Kind::Closed {
            match file.place(pool, position, self.expected, self.after)? {
                Place::Entry { header, items } => {
                    if header.seq > self.after {
                        self.items.extend(items);
                        self.bytes += u64::from(header.length);
                    }
                    self.expected += 1;
                    position += u64::from(header.length);
                }
                place => match file.later(pool, position, self.expected)? {
                    // Of what a checkpoint covers nothing is needed any more.
                    Some((at, seq)) if seq <= self.after + 1 => (position, self.expected) = (at, seq),
                    Some((_, seq)) => return Err(file.rot(position, self.expected, seq)),
                    None => return self.end(file, position, next, matches!(place, Place::Torn)),
                },
            }
        }
        if file.header.kind == Kind::Closed && next.is_some_and(|next| next != self.expected) {
            return Err(file.rot(position, self.expected, next.unwrap_or_default()));
        }
        Ok(())
    }

    /// No entry is at `position`, and none after it in the file.
    fn end<F: DiskFile>(
        &mut self,
        file: &File<F>,
        position: u64,
        next: Option<u64>,
        torn: bool,
    ) -> Result<(), RecoverError> {
        if let Some(seq) = next {
            return Err(file.rot(position, self.expected, seq));
        }
        if torn && self.expected > self.after {
            self.torn = Some(Torn { file: path(file.prepared.slot), offset: position, seq: self.expected });
        }
        Ok(())
    }
}

/// A journal file being read.
struct File<F> {
    file: F,
    prepared: Prepared,
    header: Header,
    window: Buffer,
    /// What the window holds.
    start: u64,
    len: usize,
}

impl<F: DiskFile> File<F> {
    fn open<D: Disk<File = F>>(disk: &D, pool: &Pool, slot: u64) -> Result<File<F>, RecoverError> {
        let file = disk.open(&path(slot), Open::Journal)?;
        let len = file.len()? / BLOCK as u64 * BLOCK as u64;
        let mut blocks = pool.take(2 * BLOCK);
        let read = file.read_at(0, &mut blocks[..2 * BLOCK])?;
        let header = Header::decode(&blocks[..read.min(2 * BLOCK)]).map_err(|bad| match bad {
            BadHeader::Newer(version) => RecoverError::Newer { file: path(slot), version },
            BadHeader::Damaged => {
                let why = "neither copy of its header is what was written".to_string();
                RecoverError::Rot { file: path(slot), offset: 0, why }
            }
        })?;
        Ok(File { file, prepared: Prepared { slot, len }, header, window: pool.take(0), start: 0, len: 0 })
    }

    fn rot(&self, offset: u64, seq: u64, later: u64) -> RecoverError {
        let why = alloc::format!("entry {seq} should be here and is not, but entry {later} was written after it");
        RecoverError::Rot { file: path(self.prepared.slot), offset, why }
    }

    /// What is at `position`, where entry `expected` should be. Of entries up to `after` only the header is looked at.
    fn place(&mut self, pool: &Pool, position: u64, expected: u64, after: u64) -> Result<Place, DiskError> {
        let salt = self.header.salt;
        let Some(block) = self.block(pool, position)? else { return Ok(Place::Nothing) };
        let Some(header) = EntryHeader::parse(block, salt).filter(|header| header.seq == expected) else {
            return Ok(if EntryHeader::was_begun(block, expected) { Place::Torn } else { Place::Nothing });
        };
        let len = header.length as usize;
        if position + len as u64 > self.prepared.len {
            return Ok(Place::Torn);
        }
        if expected <= after {
            return Ok(Place::Entry { header, items: Vec::new() });
        }
        let mut bytes = pool.take(len);
        self.copy(position, &mut bytes[..len])?;
        let items = header.items(&bytes.freeze().slice(..len), salt);
        Ok(items.map_or(Place::Torn, |items| Place::Entry { header, items }))
    }

    /// The first header of an entry later than `expected` in a block after `position`.
    fn later(&mut self, pool: &Pool, position: u64, expected: u64) -> Result<Option<(u64, u64)>, DiskError> {
        let salt = self.header.salt;
        let mut position = position + BLOCK as u64;
        while let Some(block) = self.block(pool, position)? {
            match EntryHeader::parse(block, salt) {
                Some(header) if header.seq > expected => return Ok(Some((position, header.seq))),
                _ => position += BLOCK as u64,
            }
        }
        Ok(None)
    }

    /// The block at `position`, `None` at the end of the file.
    fn block(&mut self, pool: &Pool, position: u64) -> Result<Option<&[u8]>, DiskError> {
        let end = self.start + self.len as u64;
        if position < self.start || position >= end {
            if self.window.len() < WINDOW_BYTES {
                self.window = pool.take(WINDOW_BYTES);
            }
            self.len = self.file.read_at(position, &mut self.window[..WINDOW_BYTES])? / BLOCK * BLOCK;
            self.start = position;
        }
        let at = (position - self.start) as usize;
        Ok(self.window[..self.len].get(at..at + BLOCK))
    }

    /// Fills `to` from `position` on, from the window as far as it is there.
    fn copy(&mut self, position: u64, to: &mut [u8]) -> Result<(), DiskError> {
        let at = (position - self.start) as usize;
        let near = (self.len - at).min(to.len());
        to[..near].copy_from_slice(&self.window[at..at + near]);
        let read = self.file.read_at(position + near as u64, &mut to[near..])?;
        // What is missing cannot be summed to what was written.
        to[near + read..].fill(0);
        Ok(())
    }
}
