//! Makes uncompressed record batches.
//!
//! Owns the encoding of records. Invariant: one buffer grows, nothing else is allocated; every record's length is computed before it
//! is written, so nothing is moved afterwards.

use alloc::vec::Vec;

use super::{HEADER_BYTES, LENGTH_EXCLUDES, put, record::varint_len, sum};

/// A batch being made. Empty ones cannot be finished: Kafka has no batch without records from a producer.
#[derive(Clone, Debug)]
pub struct Builder {
    bytes: Vec<u8>,
    attributes: i16,
    producer: (i64, i16, i32),
    base_timestamp: i64,
    max_timestamp: i64,
    count: i32,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// A batch without producer id.
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// The same, with room for this many bytes of records.
    pub fn with_capacity(bytes: usize) -> Self {
        let mut buffer = Vec::with_capacity(HEADER_BYTES + bytes);
        buffer.extend_from_slice(&[0; HEADER_BYTES]);
        Self { bytes: buffer, attributes: 0, producer: (-1, -1, -1), base_timestamp: 0, max_timestamp: -1, count: 0 }
    }

    /// Written by this producer, from this sequence on.
    pub fn producer(mut self, id: i64, epoch: i16, base_sequence: i32) -> Self {
        self.producer = (id, epoch, base_sequence);
        self
    }

    /// With these attributes (broker-contract 2.1); the records are written as they are, so the codec must be 0.
    pub fn attributes(mut self, attributes: i16) -> Self {
        assert_eq!(attributes & super::CODEC_MASK, 0, "the builder does not compress");
        self.attributes = attributes;
        self
    }

    /// Adds a record. `timestamp`: milliseconds since 1970. A null key or value is `None`, and so is a null header value.
    pub fn push(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, Option<&[u8]>)],
    ) {
        if self.count == 0 {
            self.base_timestamp = timestamp;
        }
        self.max_timestamp = self.max_timestamp.max(timestamp);
        let delta = timestamp.wrapping_sub(self.base_timestamp);
        let blob = |bytes: Option<&[u8]>| bytes.map_or(1, |bytes| varint_len(bytes.len() as i64) + bytes.len());
        let heads: usize = headers.iter().map(|(key, value)| blob(Some(key.as_bytes())) + blob(*value)).sum();
        let length = 1
            + varint_len(delta)
            + varint_len(i64::from(self.count))
            + blob(key)
            + blob(value)
            + varint_len(headers.len() as i64)
            + heads;
        self.bytes.reserve(length + varint_len(length as i64));
        self.varint(length as i64);
        self.bytes.push(0);
        self.varint(delta);
        self.varint(i64::from(self.count));
        self.blob(key);
        self.blob(value);
        self.varint(headers.len() as i64);
        for (key, value) in headers {
            self.blob(Some(key.as_bytes()));
            self.blob(*value);
        }
        self.count += 1;
    }

    /// Bytes so far, header included.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// True if there is no record yet.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Records so far.
    pub fn count(&self) -> i32 {
        self.count
    }

    /// The batch, base offset 0, summed.
    ///
    /// # Panics
    /// If it is empty or larger than 2 GiB.
    pub fn finish(mut self) -> Vec<u8> {
        assert!(self.count > 0, "a batch has records");
        let length = i32::try_from(self.bytes.len() - LENGTH_EXCLUDES).expect("a batch stays under 2 GiB");
        let (id, epoch, sequence) = self.producer;
        put(&mut self.bytes, 8, &length.to_be_bytes());
        put(&mut self.bytes, 12, &(-1i32).to_be_bytes());
        self.bytes[16] = 2;
        put(&mut self.bytes, 21, &self.attributes.to_be_bytes());
        put(&mut self.bytes, 23, &(self.count - 1).to_be_bytes());
        put(&mut self.bytes, 27, &self.base_timestamp.to_be_bytes());
        put(&mut self.bytes, 35, &self.max_timestamp.to_be_bytes());
        put(&mut self.bytes, 43, &id.to_be_bytes());
        put(&mut self.bytes, 51, &epoch.to_be_bytes());
        put(&mut self.bytes, 53, &sequence.to_be_bytes());
        put(&mut self.bytes, 57, &self.count.to_be_bytes());
        sum(&mut self.bytes);
        self.bytes
    }

    fn blob(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            None => self.varint(-1),
            Some(bytes) => {
                self.varint(bytes.len() as i64);
                self.bytes.extend_from_slice(bytes);
            }
        }
    }

    /// Zigzag, seven bits at a time, low ones first (Kafka's `ByteUtils.writeVarlong`).
    fn varint(&mut self, value: i64) {
        let mut rest = super::record::zigzag(value);
        while rest >= 0x80 {
            self.bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest as u8);
    }
}
