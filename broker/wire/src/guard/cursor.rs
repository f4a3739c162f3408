//! Reads the wire's primitives from a slice, each length checked against the bytes that remain.
//!
//! Owns positions and the errors that name them. Leaves what comes in which order to the walker.
//! Invariant: a returned length never exceeds the bytes that remain, except a count of array elements, which the caller
//! must check.

use thiserror::Error;

/// What is wrong with a request, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{field} at byte {at}: {problem}")]
pub struct GuardError {
    /// Kafka's name of the field.
    pub field: &'static str,
    /// Bytes from the start of the part that was checked.
    pub at: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// Why a field is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// The bytes end inside a field of fixed size.
    #[error("{wanted} bytes wanted where {remaining} remain")]
    Short {
        /// Size of the field.
        wanted: usize,
        /// Bytes left.
        remaining: usize,
    },
    /// A string, bytes or tagged field longer than what is left.
    #[error("a length of {len} where {remaining} bytes remain")]
    Length {
        /// Length stated.
        len: usize,
        /// Bytes left.
        remaining: usize,
    },
    /// An array that cannot fit into what is left.
    #[error("{count} elements cannot be in {remaining} bytes")]
    Count {
        /// Elements stated.
        count: usize,
        /// Bytes left.
        remaining: usize,
    },
    /// A length below -1.
    #[error("a negative length ({0})")]
    Negative(i32),
    /// A varint of more than five bytes or more than 32 bits.
    #[error("a variable-length number that does not end")]
    Varint,
    /// Null where Kafka allows none.
    #[error("null is not allowed")]
    Null,
    /// Neither null nor a struct.
    #[error("{0} where 1 (a struct) or -1 (null) should be")]
    Presence(i8),
    /// A string that is not UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// A known tagged field in a version that has it not, or of another size than stated.
    #[error("tagged field {number} is malformed or not of this version")]
    Tag {
        /// Its number.
        number: u32,
    },
    /// Many tiny elements: it would take far more memory than it has bytes.
    #[error("decoding would take more than eight times the memory of the request")]
    Memory,
}

/// A position in a slice.
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Passes over a field of `len` bytes.
    #[inline]
    pub fn skip(&mut self, field: &'static str, len: usize) -> Result<(), GuardError> {
        self.take(field, len).map(drop)
    }

    /// Whether a struct that may be null follows.
    pub fn presence(&mut self, field: &'static str) -> Result<bool, GuardError> {
        let at = self.at;
        match i8::from_be_bytes(self.fixed(field)?) {
            1 => Ok(true),
            -1 => Ok(false),
            other => Err(GuardError { field, at, problem: Problem::Presence(other) }),
        }
    }

    /// A string with a 16-bit length; `None` if null.
    pub fn classic_string(&mut self, field: &'static str) -> Result<Option<&'a str>, GuardError> {
        let at = self.at;
        match i16::from_be_bytes(self.fixed(field)?) {
            -1 => Ok(None),
            len => match usize::try_from(len) {
                Ok(len) => self.utf8(field, at, len).map(Some),
                Err(_) => Err(GuardError { field, at, problem: Problem::Negative(len.into()) }),
            },
        }
    }

    /// A string with a varint length (KIP-482); `None` if null.
    pub fn compact_string(&mut self, field: &'static str) -> Result<Option<&'a str>, GuardError> {
        let at = self.at;
        match self.varint(field)?.checked_sub(1) {
            None => Ok(None),
            Some(len) => self.utf8(field, at, len as usize).map(Some),
        }
    }

    /// A 32-bit length or count; `None` if null. Not checked against what remains.
    pub fn classic_len(&mut self, field: &'static str) -> Result<Option<usize>, GuardError> {
        let at = self.at;
        match i32::from_be_bytes(self.fixed(field)?) {
            -1 => Ok(None),
            len => match usize::try_from(len) {
                Ok(len) => Ok(Some(len)),
                Err(_) => Err(GuardError { field, at, problem: Problem::Negative(len) }),
            },
        }
    }

    /// A varint length or count plus one; `None` if null. Not checked against what remains.
    pub fn compact_len(&mut self, field: &'static str) -> Result<Option<usize>, GuardError> {
        Ok(self.varint(field)?.checked_sub(1).map(|len| len as usize))
    }

    /// How many tagged fields follow; each takes at least two bytes.
    pub fn tag_count(&mut self, field: &'static str) -> Result<usize, GuardError> {
        let at = self.at;
        let count = self.varint(field)? as usize;
        let remaining = self.remaining();
        if count > remaining / 2 {
            return Err(GuardError { field, at, problem: Problem::Count { count, remaining } });
        }
        Ok(count)
    }

    /// Number and length of a tagged field; its bytes are there.
    pub fn tag(&mut self, field: &'static str) -> Result<(u32, usize), GuardError> {
        let at = self.at;
        let number = self.varint(field)?;
        let len = self.varint(field)? as usize;
        let remaining = self.remaining();
        if len > remaining {
            return Err(GuardError { field, at, problem: Problem::Length { len, remaining } });
        }
        Ok((number, len))
    }

    /// Passes over a whole block of tagged fields.
    pub fn skip_tags(&mut self, field: &'static str) -> Result<(), GuardError> {
        for _ in 0..self.tag_count(field)? {
            let (_, len) = self.tag(field)?;
            self.skip(field, len)?;
        }
        Ok(())
    }

    /// An unsigned varint of at most 32 bits.
    #[inline]
    fn varint(&mut self, field: &'static str) -> Result<u32, GuardError> {
        let start = self.at;
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let [byte] = self.fixed(field)?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return if shift == 28 && byte > 0x0f {
                    Err(GuardError { field, at: start, problem: Problem::Varint })
                } else {
                    Ok(value)
                };
            }
        }
        Err(GuardError { field, at: start, problem: Problem::Varint })
    }

    fn utf8(&mut self, field: &'static str, at: usize, len: usize) -> Result<&'a str, GuardError> {
        let remaining = self.remaining();
        if len > remaining {
            return Err(GuardError { field, at, problem: Problem::Length { len, remaining } });
        }
        std::str::from_utf8(self.take(field, len)?).map_err(|_| GuardError { field, at, problem: Problem::Utf8 })
    }

    #[inline]
    fn fixed<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], GuardError> {
        match self.bytes[self.at..].first_chunk::<N>() {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => Err(self.error(field, Problem::Short { wanted: N, remaining: self.remaining() })),
        }
    }

    #[inline]
    fn take(&mut self, field: &'static str, len: usize) -> Result<&'a [u8], GuardError> {
        match self.bytes[self.at..].get(..len) {
            Some(bytes) => {
                self.at += len;
                Ok(bytes)
            }
            None => Err(self.error(field, Problem::Short { wanted: len, remaining: self.remaining() })),
        }
    }

    fn error(&self, field: &'static str, problem: Problem) -> GuardError {
        GuardError { field, at: self.at, problem }
    }
}
