//! Large reads and writes past the page cache.
//!
//! On a virtual machine a page that the cache takes for the first time costs fifty times the direct write of its bytes (`disk.md`), and a
//! log that is written once and rarely read has no use for the cache. What is not whole blocks still goes through it: the two ends of
//! a large write, and everything small. So a file's length is always the true one.
//!
//! Invariant: whole blocks that were written direct are in the cache only if a small read put them there, and the kernel keeps both in step.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind},
    os::{
        fd::AsRawFd,
        unix::fs::{FileExt, OpenOptionsExt},
    },
    sync::{Mutex, OnceLock, PoisonError},
};

use broker_store::{
    buffer::{Buffer, Pool},
    disk::BLOCK,
};
use rustix::fs::OFlags;

/// From here on a write or read is large: below, the call costs more than the copy (`disk.md`).
const LARGE: usize = 128 << 10;

/// What one direct write takes at most, and so the size of the buffer that aligns it.
const PIECE: usize = 1 << 20;

/// A second way to the same file, past the cache. Made by the first large call, as most files see none.
#[derive(Default)]
pub(super) struct Large(OnceLock<Option<File>>);

impl Large {
    /// What to read this with, if it is large, and whole blocks into aligned memory.
    pub fn reads(&self, file: &File, offset: u64, to: &[u8]) -> Option<&File> {
        let aligned = offset.is_multiple_of(BLOCK as u64)
            && to.len().is_multiple_of(BLOCK)
            && to.as_ptr().addr().is_multiple_of(BLOCK);
        if aligned && to.len() >= LARGE { self.direct(file, false) } else { None }
    }

    /// What to write the whole blocks of this with, if it is large.
    pub fn writes(&self, file: &File, pieces: &[&[u8]]) -> Option<&File> {
        let len: usize = pieces.iter().map(|piece| piece.len()).sum();
        if len >= LARGE { self.direct(file, true) } else { None }
    }

    fn direct(&self, file: &File, write: bool) -> Option<&File> {
        self.0.get_or_init(|| reopen(file, write).ok()).as_ref()
    }
}

/// Opens the file behind a descriptor again, whatever its name is by now.
#[cfg(target_os = "linux")]
fn reopen(file: &File, write: bool) -> io::Result<File> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    OpenOptions::new().read(true).write(write).custom_flags(OFlags::DIRECT.bits() as i32).open(path)
}

#[cfg(not(target_os = "linux"))]
fn reopen(_: &File, _: bool) -> io::Result<File> {
    Err(ErrorKind::Unsupported.into())
}

/// Writes the pieces one after the other: whole blocks through `direct`, the ends through `file`.
pub(super) fn write(file: &File, direct: &File, mut offset: u64, pieces: &[&[u8]]) -> io::Result<()> {
    let mut source = Source { pieces, taken: 0, left: pieces.iter().map(|piece| piece.len()).sum() };
    let mut buffer =
        ALIGNED.get_or_init(|| Mutex::new(Pool::new().take(PIECE))).lock().unwrap_or_else(PoisonError::into_inner);
    while source.left > 0 {
        let inside = (offset % BLOCK as u64) as usize;
        let blocks = source.left.min(PIECE) / BLOCK * BLOCK;
        let (to, len) = match (inside, blocks) {
            (0, 0) => (file, source.left),
            (0, blocks) => (direct, blocks),
            (inside, _) => (file, (BLOCK - inside).min(source.left)),
        };
        source.fill(&mut buffer[..len]);
        write_all(to, file, offset, &buffer[..len])?;
        offset += len as u64;
    }
    Ok(())
}

/// One for all files: the segments are written by one thread.
static ALIGNED: OnceLock<Mutex<Buffer>> = OnceLock::new();

fn write_all(to: &File, fallback: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    match to.write_all_at(bytes, offset) {
        // Blocks of another size than ours, or none at all on this file system.
        Err(error) if error.kind() == ErrorKind::InvalidInput => fallback.write_all_at(bytes, offset),
        result => result,
    }
}

/// What is left of some pieces.
struct Source<'a> {
    pieces: &'a [&'a [u8]],
    /// Bytes of the first piece that are taken.
    taken: usize,
    left: usize,
}

impl Source<'_> {
    /// The next `to.len()` bytes, of which there must be as many.
    fn fill(&mut self, mut to: &mut [u8]) {
        self.left -= to.len();
        while !to.is_empty() {
            let piece = &self.pieces[0][self.taken..];
            let (filled, rest) = to.split_at_mut(piece.len().min(to.len()));
            filled.copy_from_slice(&piece[..filled.len()]);
            self.taken += filled.len();
            to = rest;
            if self.taken == self.pieces[0].len() {
                (self.pieces, self.taken) = (&self.pieces[1..], 0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Appends of any sizes, in pieces of any sizes, read back whole, and the file is never longer than what was written.
        #[test]
        fn what_is_written_is_there(appends in prop::collection::vec(prop::collection::vec(0..700_000_usize, 1..4), 1..6)) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("a");
            let file = OpenOptions::new().read(true).write(true).create_new(true).open(path).unwrap();
            let direct = reopen(&file, true).unwrap_or_else(|_| file.try_clone().unwrap());
            let mut expected = Vec::new();
            for pieces in appends {
                let bytes: Vec<Vec<u8>> = pieces.iter().map(|len| (0..*len).map(|at| (at * 7 + expected.len()) as u8).collect()).collect();
                let slices: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
                write(&file, &direct, expected.len() as u64, &slices).unwrap();
                expected.extend(bytes.concat());
                prop_assert_eq!(file.metadata().unwrap().len(), expected.len() as u64);
            }
            let mut back = vec![0; expected.len()];
            file.read_exact_at(&mut back, 0).unwrap();
            prop_assert!(back == expected);
        }
    }
}
