//! Reads the records of uncompressed batches.
//!
//! Owns their decoding. Invariant: no length is believed before it is compared with the bytes that remain, and nothing is allocated.
//!
//! A record: length varint | attributes i8 | timestampDelta varlong | offsetDelta varint | key | value | headers, where key and
//! value are a varint length (-1: null) and bytes, and headers a varint count and as many pairs of the same.

use super::{BadBatch, BatchInfo, HEADER_BYTES};

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its offset relative to the batch's first.
    pub offset_delta: i32,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Key, `None` if null.
    pub key: Option<&'a [u8]>,
    /// Value, `None` if null.
    pub value: Option<&'a [u8]>,
    /// Headers, all checked.
    pub headers: Headers<'a>,
}

/// A record header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Key.
    pub key: &'a str,
    /// Value, `None` if null.
    pub value: Option<&'a [u8]>,
}

/// The headers of a record, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headers<'a> {
    rest: &'a [u8],
    left: usize,
}

/// The records of a batch, in order; after an error there are no more.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
    left: i32,
    base_timestamp: i64,
    fixed_timestamp: Option<i64>,
    failed: Option<BadBatch>,
}

/// The records of an uncompressed batch, header included.
pub fn records(batch: &[u8]) -> Records<'_> {
    match BatchInfo::parse(batch) {
        Ok(info) if info.codec() != 0 => Records::failed(BadBatch::Compressed(info.codec())),
        Ok(info) => records_of(&info, &batch[HEADER_BYTES..info.length as usize]),
        Err(bad) => Records::failed(bad),
    }
}

/// The records of a batch whose record bytes were decompressed elsewhere.
pub fn records_of<'a>(info: &BatchInfo, uncompressed: &'a [u8]) -> Records<'a> {
    let fixed_timestamp = info.log_append_time().then_some(info.max_timestamp);
    Records { rest: uncompressed, left: info.count, base_timestamp: info.base_timestamp, fixed_timestamp, failed: None }
}

impl<'a> Records<'a> {
    fn failed(bad: BadBatch) -> Self {
        Self { rest: &[], left: 0, base_timestamp: 0, fixed_timestamp: None, failed: Some(bad) }
    }

    #[inline]
    fn read(&mut self) -> Result<Record<'a>, BadBatch> {
        let mut all = Reader(self.rest);
        let length = all.length()?.ok_or(BadBatch::Record("its length is negative"))?;
        let mut one = Reader(all.take(length)?);
        self.rest = all.0;
        one.take(1)?;
        let delta = one.varint()?;
        let offset_delta = i32::try_from(one.varint()?).map_err(|_| BadBatch::Record("its offset does not fit"))?;
        let (key, value) = (one.blob()?, one.blob()?);
        let headers = one.headers()?;
        let timestamp = self.fixed_timestamp.unwrap_or(self.base_timestamp.wrapping_add(delta));
        Ok(Record { offset_delta, timestamp, key, value, headers })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, BadBatch>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(bad) = self.failed.take() {
            return Some(Err(bad));
        }
        if self.left <= 0 {
            let trailing = !core::mem::take(&mut self.rest).is_empty();
            return trailing.then_some(Err(BadBatch::Record("bytes follow the last one")));
        }
        self.left -= 1;
        let record = self.read();
        if record.is_err() {
            (self.left, self.rest) = (0, &[]);
        }
        Some(record)
    }
}

impl<'a> Headers<'a> {
    /// The bytes of those that are left, without their number.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.left = self.left.checked_sub(1)?;
        let mut rest = Reader(self.rest);
        let header = rest.header().expect("headers were checked when the record was read");
        self.rest = rest.0;
        Some(header)
    }
}

impl ExactSizeIterator for Headers<'_> {
    fn len(&self) -> usize {
        self.left
    }
}

/// Bytes of the longest number.
const MAX_VARINT_BYTES: usize = 10;

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    #[inline]
    fn take(&mut self, len: usize) -> Result<&'a [u8], BadBatch> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(BadBatch::Record("it ends early"))?;
        self.0 = tail;
        Ok(head)
    }

    #[inline]
    fn varint(&mut self) -> Result<i64, BadBatch> {
        let mut value = 0u64;
        for (index, &byte) in self.0.iter().take(MAX_VARINT_BYTES).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.0 = &self.0[index + 1..];
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(BadBatch::Record(if self.0.len() < MAX_VARINT_BYTES {
            "it ends early"
        } else {
            "a number has more than ten bytes"
        }))
    }

    /// A length, `None` if it is negative.
    #[inline]
    fn length(&mut self) -> Result<Option<usize>, BadBatch> {
        let length = self.varint()?;
        if length > i64::from(i32::MAX) {
            return Err(BadBatch::Record("a length is too large"));
        }
        Ok(usize::try_from(length).ok())
    }

    #[inline]
    fn blob(&mut self) -> Result<Option<&'a [u8]>, BadBatch> {
        self.length()?.map(|length| self.take(length)).transpose()
    }

    fn header(&mut self) -> Result<Header<'a>, BadBatch> {
        let key = self.blob()?.ok_or(BadBatch::Record("a header has no key"))?;
        let key = core::str::from_utf8(key).map_err(|_| BadBatch::Record("a header's key is not UTF-8"))?;
        Ok(Header { key, value: self.blob()? })
    }

    #[inline]
    fn headers(&mut self) -> Result<Headers<'a>, BadBatch> {
        let left = self.length()?.ok_or(BadBatch::Record("its header count is negative"))?;
        let headers = Headers { rest: self.0, left };
        for _ in 0..left {
            self.header()?;
        }
        if self.0.is_empty() { Ok(headers) } else { Err(BadBatch::Record("bytes are left over")) }
    }
}

pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Bytes that a number takes as a varint.
pub(super) fn varint_len(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}
