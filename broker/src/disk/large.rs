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
    ops::Range,
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

use super::file::write_all;

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

/// Writes the pieces one after the other: whole blocks through `direct`, the ends through `file`. What lies in memory as it does in the
/// file, relative to blocks, is written from where it is; the rest from a buffer that aligns it.
pub(super) fn write(file: &File, direct: &File, mut offset: u64, pieces: &[&[u8]]) -> io::Result<()> {
    let mut source = Source { pieces, taken: 0, left: pieces.iter().map(|piece| piece.len()).sum() };
    let mut buffer =
        ALIGNED.get_or_init(|| Mutex::new(Pool::new().take(PIECE))).lock().unwrap_or_else(PoisonError::into_inner);
    while source.left > 0 {
        let inside = (offset % BLOCK as u64) as usize;
        if inside == 0 && source.left >= BLOCK {
            let spans = source.blocks(&mut buffer);
            let slices: Vec<&[u8]> = spans.iter().map(|span| span.bytes(&buffer)).collect();
            write_direct(direct, file, offset, &slices)?;
            offset += slices.iter().map(|slice| slice.len() as u64).sum::<u64>();
        } else {
            let end = &mut buffer[..source.left.min(BLOCK - inside)];
            source.fill(end);
            file.write_all_at(end, offset)?;
            offset += end.len() as u64;
        }
    }
    Ok(())
}

/// One for all files: the segments are written by one thread.
static ALIGNED: OnceLock<Mutex<Buffer>> = OnceLock::new();

fn write_direct(direct: &File, file: &File, offset: u64, slices: &[&[u8]]) -> io::Result<()> {
    match write_all(direct, offset, slices) {
        // Blocks of another size than ours, or none at all on this file system.
        Err(error) if error.kind() == ErrorKind::InvalidInput => write_all(file, offset, slices),
        result => result,
    }
}

/// Whole blocks to write: where they are, or so much of the buffer.
enum Span<'a> {
    There(&'a [u8]),
    Copied(Range<usize>),
}

impl<'a> Span<'a> {
    fn bytes(&self, buffer: &'a [u8]) -> &'a [u8] {
        match self {
            Self::There(bytes) => bytes,
            Self::Copied(range) => &buffer[range.clone()],
        }
    }
}

/// Takes note of what was copied since the last span.
fn close(spans: &mut Vec<Span<'_>>, copied: &mut Range<usize>) {
    if copied.start < copied.end {
        spans.push(Span::Copied(copied.clone()));
        copied.start = copied.end;
    }
}

/// What is left of some pieces.
struct Source<'a> {
    pieces: &'a [&'a [u8]],
    /// Bytes of the first piece that are taken.
    taken: usize,
    left: usize,
}

impl<'a> Source<'a> {
    /// The next whole blocks, [`PIECE`] at most; those that are not aligned are copied into the buffer.
    fn blocks(&mut self, buffer: &mut [u8]) -> Vec<Span<'a>> {
        let (mut spans, mut copied, mut room) = (Vec::new(), 0..0, PIECE);
        while room >= BLOCK && self.left >= BLOCK {
            let there = self.aligned(room);
            room -= if there.is_empty() {
                self.fill(&mut buffer[copied.end..copied.end + BLOCK]);
                copied.end += BLOCK;
                BLOCK
            } else {
                close(&mut spans, &mut copied);
                spans.push(Span::There(there));
                there.len()
            };
        }
        close(&mut spans, &mut copied);
        spans
    }

    /// Takes the whole blocks of the current piece, at most `most` bytes; none if they are not aligned.
    fn aligned(&mut self, most: usize) -> &'a [u8] {
        let piece = &self.pieces[0][self.taken..];
        if !piece.as_ptr().addr().is_multiple_of(BLOCK) {
            return &[];
        }
        let blocks = &piece[..piece.len().min(most) / BLOCK * BLOCK];
        self.advance(blocks.len());
        blocks
    }

    /// The next `to.len()` bytes, of which there must be as many.
    fn fill(&mut self, mut to: &mut [u8]) {
        while !to.is_empty() {
            let piece = &self.pieces[0][self.taken..];
            let (filled, rest) = to.split_at_mut(piece.len().min(to.len()));
            filled.copy_from_slice(&piece[..filled.len()]);
            self.advance(filled.len());
            to = rest;
        }
    }

    fn advance(&mut self, bytes: usize) {
        self.left -= bytes;
        self.taken += bytes;
        if self.taken == self.pieces[0].len() {
            (self.pieces, self.taken) = (&self.pieces[1..], 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Appends of any sizes, in pieces of any sizes that lie as in the file or do not, read back whole; the file is never longer than
        /// what was written.
        #[test]
        fn what_is_written_is_there(
            appends in prop::collection::vec(prop::collection::vec((0..700_000_usize, any::<bool>()), 1..4), 1..6),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("a");
            let file = OpenOptions::new().read(true).write(true).create_new(true).open(path).unwrap();
            let direct = reopen(&file, true).unwrap_or_else(|_| file.try_clone().unwrap());
            let (pool, mut expected) = (Pool::new(), Vec::new());
            for pieces in appends {
                let offset = expected.len();
                let mut buffers = Vec::new();
                for (len, as_in_file) in pieces {
                    let begin = if as_in_file { expected.len() % BLOCK } else { 7 };
                    let mut buffer = pool.take(begin + len);
                    (0..len).for_each(|at| buffer[begin + at] = (at * 7 + offset) as u8);
                    expected.extend_from_slice(&buffer[begin..begin + len]);
                    buffers.push((buffer, begin..begin + len));
                }
                let slices: Vec<&[u8]> = buffers.iter().map(|(buffer, range)| &buffer[range.clone()]).collect();
                write(&file, &direct, offset as u64, &slices).unwrap();
                prop_assert_eq!(file.metadata().unwrap().len(), expected.len() as u64);
            }
            let mut back = vec![0; expected.len()];
            file.read_exact_at(&mut back, 0).unwrap();
            prop_assert!(back == expected);
        }
    }
}
