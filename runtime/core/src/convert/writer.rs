//! Builds a column value by value, and keeps the failures.
//!
//! Owns the bound of a column: end offsets are u32, so what would go past 4 GiB fails instead. Invariant: it has one value or
//! null per value that was asked for.

use super::Failure;
use crate::data::Fault;
use crate::record::Blobs;
use alloc::vec::Vec;

/// A column under construction.
pub struct Writer {
    out: Blobs,
    failures: Vec<Failure>,
    index: u32,
}

impl Writer {
    /// Room for `count` values of `bytes` bytes in all; both come from a column that exists, so they are bounded.
    pub fn new(count: usize, bytes: usize) -> Self {
        Self { out: Blobs::with_capacity(count, bytes), failures: Vec::new(), index: 0 }
    }

    /// Where the next value's bytes go; end it with [`Self::end`].
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.out.data
    }

    /// Ends the value whose bytes were appended.
    pub fn end(&mut self) {
        match u32::try_from(self.out.data.len()) {
            Ok(end) => {
                self.out.ends.extend_from_slice(&end.to_le_bytes());
                self.index += 1;
            }
            Err(_) => {
                self.fail("The batch is longer than 4 GiB once it is converted. Let the connector give smaller ones.")
            }
        }
    }

    /// Appends a whole value, or null.
    pub fn push(&mut self, value: Option<&[u8]>) {
        match value {
            Some(bytes) => {
                self.out.data.extend_from_slice(bytes);
                self.end();
            }
            None => {
                self.out.push(None);
                self.index += 1;
            }
        }
    }

    /// The value cannot be converted: what was appended of it goes, null takes its place.
    pub fn fail(&mut self, fault: impl Into<Fault>) {
        let ends = &self.out.ends;
        let start = ends.last_chunk().map_or(0, |end| u32::from_le_bytes(*end) as usize);
        self.out.data.truncate(start);
        self.failures.push(Failure { index: self.index, fault: fault.into() });
        self.push(None);
    }

    /// The column, and what failed.
    pub fn finish(self) -> (Blobs, Vec<Failure>) {
        (self.out, self.failures)
    }
}

/// Converts a column value by value; nulls stay null. `extra`: bytes that a value grows by, as a rule.
pub fn convert_each(
    column: &Blobs,
    count: usize,
    extra: usize,
    mut one: impl FnMut(&[u8], &mut Writer) -> Result<(), Fault>,
) -> (Blobs, Vec<Failure>) {
    let count = count.min(column.len());
    let mut writer = Writer::new(count, column.data.len() + count * extra);
    for index in 0..count {
        match column.get(index) {
            None => writer.push(None),
            Some(value) => {
                if let Err(fault) = one(value, &mut writer) {
                    writer.fail(fault);
                }
            }
        }
    }
    writer.finish()
}
