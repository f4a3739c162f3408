//! Kafka's primitives as the records of its internal topics have them: big-endian, lengths before bytes.
//!
//! Owns reading and writing them. Leaves the layouts to the modules that own a topic. Invariant: nothing is allocated by a length
//! that was not compared with the bytes that remain.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use crate::codec::Damaged;

/// Reads from the front. An error says which kind of record it was.
pub(crate) struct BigEndian<'a> {
    left: &'a [u8],
    damaged: Damaged,
}

impl<'a> BigEndian<'a> {
    /// A reader of a record; `what` says what cannot be read if it cannot.
    pub fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { left: bytes, damaged: Damaged(what) }
    }

    /// What to say if a value makes no sense.
    pub fn damaged(&self) -> Damaged {
        self.damaged
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Damaged> {
        let (head, tail) = self.left.split_at_checked(len).ok_or(self.damaged)?;
        self.left = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        Ok(self.take(N)?.try_into().expect("take gave N bytes"))
    }

    pub fn i8(&mut self) -> Result<i8, Damaged> {
        self.array().map(i8::from_be_bytes)
    }

    pub fn i16(&mut self) -> Result<i16, Damaged> {
        self.array().map(i16::from_be_bytes)
    }

    pub fn i32(&mut self) -> Result<i32, Damaged> {
        self.array().map(i32::from_be_bytes)
    }

    pub fn i64(&mut self) -> Result<i64, Damaged> {
        self.array().map(i64::from_be_bytes)
    }

    /// A string whose length is an i16.
    pub fn string(&mut self) -> Result<String, Damaged> {
        let len = usize::try_from(self.i16()?).map_err(|_| self.damaged)?;
        self.text(len)
    }

    /// A string whose length is an i16, -1 for null.
    pub fn nullable_string(&mut self) -> Result<Option<String>, Damaged> {
        match self.i16()? {
            -1 => Ok(None),
            len => self.text(usize::try_from(len).map_err(|_| self.damaged)?).map(Some),
        }
    }

    /// Bytes whose length is an i32.
    pub fn bytes(&mut self) -> Result<&'a [u8], Damaged> {
        let len = usize::try_from(self.i32()?).map_err(|_| self.damaged)?;
        self.take(len)
    }

    /// An unsigned varint (KIP-482).
    pub fn varint(&mut self) -> Result<u32, Damaged> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(value).map_err(|_| self.damaged);
            }
        }
        Err(self.damaged)
    }

    /// The length of a compact string or array, `None` if it is null.
    pub fn compact_len(&mut self) -> Result<Option<usize>, Damaged> {
        Ok(self.varint()?.checked_sub(1).map(|len| len as usize))
    }

    /// A string whose length is a varint.
    pub fn compact_string(&mut self) -> Result<String, Damaged> {
        let len = self.compact_len()?.ok_or(self.damaged)?;
        self.text(len)
    }

    /// The tagged fields at the end of a struct: each number and its bytes.
    pub fn tags(&mut self, mut each: impl FnMut(u32, BigEndian<'a>) -> Result<(), Damaged>) -> Result<(), Damaged> {
        for _ in 0..self.varint()? {
            let (number, len) = (self.varint()?, self.varint()? as usize);
            let (left, damaged) = (self.take(len)?, self.damaged);
            each(number, BigEndian { left, damaged })?;
        }
        Ok(())
    }

    pub fn end(&self) -> Result<(), Damaged> {
        if self.left.is_empty() { Ok(()) } else { Err(self.damaged) }
    }

    fn text(&mut self, len: usize) -> Result<String, Damaged> {
        core::str::from_utf8(self.take(len)?).map(ToString::to_string).map_err(|_| self.damaged)
    }
}

/// Whether a string's length has 15 bits.
pub(crate) fn fits(text: &str) -> bool {
    fits_with(text, 0)
}

/// Whether it still has when the string gets longer by so many bytes.
pub(crate) fn fits_with(text: &str, more: usize) -> bool {
    i16::try_from(text.len() + more).is_ok()
}

/// Writes a string whose length is an i16.
///
/// # Panics
/// If it does not fit: that was asked before.
pub(crate) fn put_string(out: &mut Vec<u8>, text: &str) {
    let len = i16::try_from(text.len()).expect("names and notes that do not fit were refused");
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// Writes a string whose length is an i16, or -1 for null.
///
/// # Panics
/// If it does not fit: that was asked before.
pub(crate) fn put_nullable_string(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => put_string(out, text),
        None => out.extend_from_slice(&(-1i16).to_be_bytes()),
    }
}

/// Writes bytes whose length is an i32.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = i32::try_from(bytes.len()).expect("a record of our own stays under 2 GiB");
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Writes an unsigned varint.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes the length of a compact string or array that is not null.
pub(crate) fn put_compact_len(out: &mut Vec<u8>, len: usize) {
    put_varint(out, u32::try_from(len + 1).expect("a record of our own stays under 4 GiB"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_come_back_and_longer_ones_are_refused() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u32::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            let mut from = BigEndian::new(&out, "a varint");
            assert_eq!((from.varint(), from.end()), (Ok(value), Ok(())));
        }
        let refused = |bytes: &[u8]| BigEndian::new(bytes, "a varint").varint().is_err();
        assert!(refused(&[0xff; 5]) && refused(&[0x80, 0x80, 0x80, 0x80, 0x10]) && refused(&[0x80]));
    }
}
