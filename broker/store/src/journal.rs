//! The journal: where an entry becomes durable, one write for all partitions.
//!
//! Owns the journal's files and which of them are in use. Leaves what an entry is to [`crate::entry`], and reading them back to
//! [`crate::recover`]. One thread's; files may be made ready on others ([`Prepare`]).
//!
//! Entry n + 1 is written only when entry n is durable, and an empty entry seals the last one when no other follows soon. So a bad
//! entry with a good one after it was acknowledged and has rotted; one without was never finished.
//!
//! Invariant: entries are written in sequence, never over one that no checkpoint covers, and nothing is written after a write failed.

use alloc::{collections::VecDeque, vec::Vec};

mod file;

pub(crate) use file::{BadHeader, ENTRIES_START, FOLDER, Header, Kind, path, slots};
pub use file::{Prepare, Prepared};

use crate::{
    buffer::Pool,
    disk::{BLOCK, Disk, DiskError, DiskFile, ErrorKind, Open},
    entry::{ENTRY_MOST_BYTES, Entry},
};

/// How large the journal's files are, bytes; multiples of [`BLOCK`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Of the file that a start makes if it finds none: small, so that the first start is quick.
    pub first: u64,
    /// Of the others. A larger entry gets a file made to its measure.
    pub file: u64,
    /// Bytes of entries between two checkpoints. The files take twice as much and two more at most, because an entry that does not
    /// fit leaves the rest of a file empty.
    pub capacity: u64,
}

impl Sizes {
    /// Of a real data folder.
    pub const STANDARD: Sizes = Sizes { first: 4 << 20, file: 64 << 20, capacity: 512 << 20 };

    /// Most bytes that all files may take.
    const fn limit(&self) -> u64 {
        2 * self.capacity + 2 * self.file
    }

    fn check(&self) {
        let blocks = |len: u64| len.is_multiple_of(BLOCK as u64);
        assert!(blocks(self.first) && blocks(self.file) && blocks(self.capacity), "journal files are whole blocks");
        assert!(
            self.first > ENTRIES_START && self.first <= self.file && self.file <= self.capacity,
            "journal files hold entries"
        );
    }
}

// The largest entry, padded (an eighth more at most), fits into a file, and produce is refused while a quarter is left: two files.
const _: () = assert!((ENTRY_MOST_BYTES + ENTRY_MOST_BYTES / 8) as u64 + ENTRIES_START <= Sizes::STANDARD.file);
const _: () = assert!(Sizes::STANDARD.capacity / 4 >= 2 * Sizes::STANDARD.file);

/// The journal of a data folder.
pub struct Journal<D: Disk> {
    disk: D,
    pool: Pool,
    sizes: Sizes,
    salt: u64,
    current: Current<D>,
    /// Files in use before the current one, oldest first.
    full: VecDeque<Full>,
    spares: Vec<Prepared>,
    next_slot: u64,
    next_seq: u64,
    preparing: bool,
    /// A file could not be made: there is no more room than what exists.
    cramped: bool,
    failed: Option<DiskError>,
}

struct Current<D: Disk> {
    file: D::File,
    prepared: Prepared,
    header: Header,
    position: u64,
}

/// A file that is written to no more, and the last entry in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Full {
    pub file: Prepared,
    pub last_seq: u64,
}

/// What recovery found, to go on from.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub full: VecDeque<Full>,
    pub spares: Vec<Prepared>,
    pub next_slot: u64,
    pub next_number: u64,
    pub next_seq: u64,
}

impl<D: Disk> Journal<D> {
    /// Goes on after what was found, in a file of its own, with a salt of its own.
    pub(crate) fn resume(disk: D, pool: Pool, sizes: Sizes, salt: u64, found: Found) -> Result<Self, DiskError> {
        sizes.check();
        let Found { full, mut spares, mut next_slot, next_number, next_seq } = found;
        spares.sort_by_key(|spare| (spare.len, spare.slot));
        // The smallest: a start after a crash reads all of the last file.
        let prepared = if spares.is_empty() {
            next_slot += 1;
            Prepare { disk: disk.clone(), pool: pool.clone(), slot: next_slot - 1, len: sizes.first }.run()?
        } else {
            spares.remove(0)
        };
        let header = Header { number: next_number, first_seq: next_seq, kind: Kind::Used, salt };
        let current = Current::start(&pool, disk.open(&path(prepared.slot), Open::Journal)?, prepared, header)?;
        let (preparing, cramped, failed) = (false, false, None);
        Ok(Self { disk, pool, sizes, salt, current, full, spares, next_slot, next_seq, preparing, cramped, failed })
    }

    /// Writes an entry; when it returns, the entry is durable.
    ///
    /// # Errors
    /// If a file has to be made or opened for it and cannot be, above all because the disk is full: nothing was written, and it may be
    /// tried again. If writing failed ([`Journal::has_failed`]) the entry may or may not be found by recovery, and every further call
    /// fails: only a restart can tell.
    ///
    /// # Panics
    /// If it is not the entry after the last.
    pub fn write(&mut self, entry: &Entry) -> Result<(), DiskError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        assert_eq!(entry.seq, self.next_seq, "entries are journaled in sequence");
        if self.current.position + entry.len() as u64 > self.current.prepared.len {
            self.next_file(entry.len() as u64)?;
        }
        let parts: Vec<&[u8]> = entry.parts().iter().map(|part| &part[..]).collect();
        let written = self.current.file.write_durable(self.current.position, &parts);
        written.inspect_err(|error| self.failed = Some(error.clone()))?;
        self.current.position += entry.len() as u64;
        self.next_seq += 1;
        Ok(())
    }

    /// Frees files whose entries all are covered by a checkpoint that is durable, up to and including entry `upto`.
    ///
    /// # Errors
    /// Any of the disk's. The journal goes on without what could not be freed.
    pub fn release(&mut self, upto: u64) -> Result<(), DiskError> {
        let mut removed = Ok(());
        while let Some(full) = self.full.pop_front_if(|full| full.last_seq <= upto) {
            let small = full.file.len < self.sizes.file;
            let too_many = small && self.spares.iter().any(|spare| spare.len < self.sizes.file);
            if full.file.len > self.sizes.file || too_many {
                removed = removed.and(self.disk.remove(&path(full.file.slot)));
            } else {
                self.spares.push(full.file);
            }
        }
        self.cramped = false;
        if upto + 1 == self.next_seq && 2 * self.current.position > self.current.prepared.len {
            self.rewind()?;
        }
        removed
    }

    /// Uses the current file again from its start: nothing in it is needed. On a full disk there may be no other.
    fn rewind(&mut self) -> Result<(), DiskError> {
        let header = Header { number: self.current.header.number + 1, first_seq: self.next_seq, ..self.current.header };
        let written = header.write(&self.pool, &self.current.file);
        written.inspect_err(|error| self.failed = Some(error.clone()))?;
        (self.current.header, self.current.position) = (header, ENTRIES_START);
        Ok(())
    }

    /// Ends the journal after the last checkpoint of a clean stop, so that the next start has nothing to read. Does nothing if the
    /// checkpoint, which covers the entries up to `upto`, is not the end of the journal.
    ///
    /// # Errors
    /// Any of the disk's; the next start then reads a little more.
    pub fn close(self, upto: u64) -> Result<(), DiskError> {
        if self.failed.is_some() || upto + 1 != self.next_seq {
            return Ok(());
        }
        let header = Header { kind: Kind::Closed, first_seq: self.next_seq, ..self.current.header };
        header.write(&self.pool, &self.current.file)
    }

    /// A file that should be made ready soon, if there is one: run it, here or on another thread, and hand over what came of it.
    pub fn prepare(&mut self) -> Option<Prepare<D>> {
        let ready = self.spares.iter().any(|spare| spare.len >= self.sizes.file);
        if self.preparing || self.cramped || ready || !self.has_room_for(self.sizes.file) {
            return None;
        }
        self.preparing = true;
        Some(self.prepare_file(self.sizes.file))
    }

    /// Takes over a file that [`Journal::prepare`] asked for, or that there is none. Without one the next file is made when it is
    /// needed, or, if there is no room for it, what exists is all there is: see [`Journal::capacity`].
    pub fn prepared(&mut self, outcome: Result<Prepared, DiskError>) {
        self.preparing = false;
        match outcome {
            Ok(prepared) => self.spares.push(prepared),
            Err(_) => self.cramped = true,
        }
    }

    /// True if a write failed and none will be tried again.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// The entry that is written next.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Bytes that no checkpoint has freed yet, with what large entries left empty.
    pub fn used(&self) -> u64 {
        self.full.iter().map(|full| full.file.len).sum::<u64>() + self.current.position
    }

    /// Bytes of entries that have room: at three quarters of it, produce is to be refused until a checkpoint frees some. Less than
    /// was set if the disk is full.
    pub fn capacity(&self) -> u64 {
        if self.cramped { self.sizes.capacity.min(self.used_by_files()) } else { self.sizes.capacity }
    }

    fn used_by_files(&self) -> u64 {
        let full = self.full.iter().map(|full| full.file.len);
        full.chain(self.spares.iter().map(|spare| spare.len)).sum::<u64>() + self.current.prepared.len
    }

    /// True if there may be one more file, of this length.
    fn has_room_for(&self, len: u64) -> bool {
        self.used_by_files() + len <= self.sizes.limit()
    }

    fn prepare_file(&mut self, len: u64) -> Prepare<D> {
        self.next_slot += 1;
        Prepare { disk: self.disk.clone(), pool: self.pool.clone(), slot: self.next_slot - 1, len }
    }

    /// Begins a file that has room for an entry of this many bytes.
    fn next_file(&mut self, entry: u64) -> Result<(), DiskError> {
        let need = ENTRIES_START + entry;
        let fits = self.spares.iter().enumerate().filter(|(_, spare)| spare.len >= need);
        let prepared = match fits.max_by_key(|(_, spare)| spare.len).map(|(at, _)| at) {
            Some(at) => self.spares[at],
            None => {
                let prepared = self.make_file(need.max(self.sizes.file))?;
                self.spares.push(prepared);
                prepared
            }
        };
        let number = self.current.header.number + 1;
        let header = Header { number, first_seq: self.next_seq, kind: Kind::Used, salt: self.salt };
        let file = self.disk.open(&path(prepared.slot), Open::Journal)?;
        let next = Current::start(&self.pool, file, prepared, header);
        let next = next.inspect_err(|error| self.failed = Some(error.clone()))?;
        self.spares.retain(|spare| spare.slot != prepared.slot);
        let last = core::mem::replace(&mut self.current, next);
        self.full.push_back(Full { file: last.prepared, last_seq: self.next_seq - 1 });
        Ok(())
    }

    /// For an entry that no spare file can take: they give way where there would be too many files.
    fn make_file(&mut self, len: u64) -> Result<Prepared, DiskError> {
        while !self.has_room_for(len)
            && let Some(spare) = self.spares.pop()
        {
            self.disk.remove(&path(spare.slot))?;
        }
        if !self.has_room_for(len) {
            let why = "it has grown to its limit, and no checkpoint has freed any of it";
            return Err(DiskError::new("extend", FOLDER, ErrorKind::Full, why));
        }
        self.prepare_file(len).run().inspect_err(|error| self.cramped |= error.kind == ErrorKind::Full)
    }
}

impl<D: Disk> Current<D> {
    fn start(pool: &Pool, file: D::File, prepared: Prepared, header: Header) -> Result<Self, DiskError> {
        header.write(pool, &file)?;
        Ok(Self { file, prepared, header, position: ENTRIES_START })
    }
}
