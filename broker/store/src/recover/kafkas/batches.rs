//! A segment file that somebody else wrote, batch by batch.
//!
//! Owns the checks that make a batch one that can be served: whole, summed, of a size and at an offset that can be. Invariant: what is
//! in memory is bounded by the largest batch, whatever the file says.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    batch::{self, BadBatch, BatchInfo, HEADER_BYTES},
    buffer::LARGEST,
    disk::{BLOCK, DiskError, DiskFile},
};

/// Bytes read at once.
const CHUNK_BYTES: usize = 4 << 20;

/// A file's batches, one after the other.
pub(super) struct Batches<F> {
    file: F,
    /// Where the next one begins.
    position: u64,
    /// What is in memory, and where in the file it begins.
    start: u64,
    bytes: Vec<u8>,
}

impl<F: DiskFile> Batches<F> {
    /// All of a file's.
    pub fn new(file: F) -> Self {
        Self { file, position: 0, start: 0, bytes: Vec::new() }
    }

    /// Where the next batch should begin.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Bytes from there on.
    pub fn left(&self) -> Result<u64, DiskError> {
        Ok(self.file.len()? - self.position)
    }

    /// True if there are zeros where a header should be.
    pub fn is_zeros_here(&self) -> bool {
        self.rest().iter().take(HEADER_BYTES).all(|byte| *byte == 0)
    }

    /// The next batch and where it begins, `None` at the end of the file; or what is wrong with it.
    #[expect(clippy::type_complexity, reason = "the disk's errors and the batch's are different things")]
    pub fn next(&mut self, base: i64, from: i64) -> Result<Result<Option<(u64, BatchInfo, &[u8])>, String>, DiskError> {
        let position = self.position;
        if self.have(HEADER_BYTES)? == 0 {
            return Ok(Ok(None));
        }
        let info = match BatchInfo::parse_header(self.rest()) {
            Ok(info) => info,
            Err(bad) => return Ok(Err(bad.to_string())),
        };
        let length = info.length as usize;
        if length > LARGEST - BLOCK {
            return Ok(Err(format!("a batch of {length} bytes is larger than any that can be served")));
        }
        let have = self.have(length)?;
        if have < length {
            return Ok(Err(BadBatch::Short { need: length, have }.to_string()));
        }
        let last = info.base_offset.checked_add(i64::from(info.last_offset_delta));
        let fits = info.base_offset >= from && last.is_some_and(|last| last - base <= i64::from(i32::MAX));
        if !fits || position + length as u64 > i32::MAX as u64 {
            return Ok(Err(format!("offset {} cannot be here", info.base_offset)));
        }
        if let Err(bad) = batch::check_crc(self.rest()) {
            return Ok(Err(bad.to_string()));
        }
        self.position += length as u64;
        let at = (position - self.start) as usize;
        Ok(Ok(Some((position, info, &self.bytes[at..at + length]))))
    }

    /// The bytes in memory from here on.
    fn rest(&self) -> &[u8] {
        &self.bytes[(self.position - self.start) as usize..]
    }

    /// Brings so many bytes from here on into memory, fewer at the end of the file; returns how many there are.
    fn have(&mut self, wanted: usize) -> Result<usize, DiskError> {
        if self.rest().len() < wanted {
            let mut bytes = core::mem::take(&mut self.bytes);
            bytes.resize(wanted.max(CHUNK_BYTES), 0);
            let read = self.file.read_at(self.position, &mut bytes)?;
            bytes.truncate(read);
            (self.start, self.bytes) = (self.position, bytes);
        }
        Ok(self.rest().len())
    }
}
