//! Makes uncompressed record batches.
//!
//! Owns the encoding of records. Invariant: one buffer grows, nothing else is allocated; every record's length is computed before it
//! is written, so nothing is moved afterwards.

use alloc::vec::Vec;

use super::{BatchInfo, HEADER_BYTES, LENGTH_EXCLUDES, Record, put, record::varint_len, sum};

/// A batch being made. Empty ones cannot be finished: Kafka has no batch without records from a producer.
#[derive(Clone, Debug)]
pub struct Builder {
    bytes: Vec<u8>,
    attributes: i16,
    producer: (i64, i16, i32),
    base_timestamp: i64,
    /// The base timestamp is given, not the first record's.
    based: bool,
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
        let (attributes, producer, base_timestamp, based) = (0, (-1, -1, -1), 0, false);
        Self { bytes: buffer, attributes, producer, base_timestamp, based, max_timestamp: -1, count: 0 }
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

    /// Its tombstones, or its marker, may go from then on, milliseconds since 1970 (KIP-534: the base timestamp has it).
    pub fn delete_horizon(mut self, horizon: Option<i64>) -> Self {
        if let Some(horizon) = horizon {
            (self.base_timestamp, self.based) = (horizon, true);
            self.attributes |= super::DELETE_HORIZON;
        }
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
        let heads: usize = headers.iter().map(|(key, value)| blob_len(Some(key.as_bytes())) + blob_len(*value)).sum();
        let heads = varint_len(headers.len() as i64) + heads;
        self.begin(self.count, timestamp, key, value, heads);
        self.varint(headers.len() as i64);
        for (key, value) in headers {
            self.blob(Some(key.as_bytes()));
            self.blob(*value);
        }
        self.count += 1;
    }

    /// Adds a record of another batch, with its offset relative to the batch's first.
    pub fn copy(&mut self, record: &Record<'_>) {
        let count = record.headers.len() as i64;
        let heads = varint_len(count) + record.headers.bytes().len();
        self.begin(record.offset_delta, record.timestamp, record.key, record.value, heads);
        self.varint(count);
        self.bytes.extend_from_slice(record.headers.bytes());
        self.count += 1;
    }

    /// All of a record but its headers, which take so many bytes.
    fn begin(&mut self, offset: i32, timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>, heads: usize) {
        if self.count == 0 && !self.based {
            self.base_timestamp = timestamp;
        }
        self.max_timestamp = self.max_timestamp.max(timestamp);
        let delta = timestamp.wrapping_sub(self.base_timestamp);
        let offset = i64::from(offset);
        let length = 1 + varint_len(delta) + varint_len(offset) + blob_len(key) + blob_len(value) + heads;
        self.bytes.reserve(length + varint_len(length as i64));
        self.varint(length as i64);
        self.bytes.push(0);
        self.varint(delta);
        self.varint(offset);
        self.blob(key);
        self.blob(value);
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
        let (attributes, last, (id, epoch, sequence)) = (self.attributes, self.count - 1, self.producer);
        let (base_timestamp, max_timestamp) = (self.base_timestamp, self.max_timestamp);
        self.seal(&BatchInfo {
            attributes,
            last_offset_delta: last,
            base_timestamp,
            max_timestamp,
            producer_id: id,
            producer_epoch: epoch,
            base_sequence: sequence,
            ..BatchInfo::default()
        })
    }

    /// What compaction leaves of the batch `old`, uncompressed: its offsets, producer, sequence, epoch and kind, and the records that were
    /// copied from it; there may be none (Kafka's `writeEmptyHeader`).
    ///
    /// # Panics
    /// If it is larger than 2 GiB.
    pub fn finish_like(mut self, old: &BatchInfo) -> Vec<u8> {
        let kind = old.attributes & !(super::CODEC_MASK | super::DELETE_HORIZON);
        let (attributes, mut base_timestamp, mut max_timestamp) =
            (kind | self.attributes, self.base_timestamp, self.max_timestamp);
        if self.count == 0 {
            (base_timestamp, max_timestamp) = (old.max_timestamp, old.max_timestamp);
        }
        self.seal(&BatchInfo { attributes, base_timestamp, max_timestamp, ..*old })
    }

    fn seal(&mut self, header: &BatchInfo) -> Vec<u8> {
        let length = i32::try_from(self.bytes.len() - LENGTH_EXCLUDES).expect("a batch stays under 2 GiB");
        put(&mut self.bytes, 0, &header.base_offset.to_be_bytes());
        put(&mut self.bytes, 8, &length.to_be_bytes());
        put(&mut self.bytes, 12, &header.leader_epoch.to_be_bytes());
        self.bytes[16] = 2;
        put(&mut self.bytes, 21, &header.attributes.to_be_bytes());
        put(&mut self.bytes, 23, &header.last_offset_delta.to_be_bytes());
        put(&mut self.bytes, 27, &header.base_timestamp.to_be_bytes());
        put(&mut self.bytes, 35, &header.max_timestamp.to_be_bytes());
        put(&mut self.bytes, 43, &header.producer_id.to_be_bytes());
        put(&mut self.bytes, 51, &header.producer_epoch.to_be_bytes());
        put(&mut self.bytes, 53, &header.base_sequence.to_be_bytes());
        put(&mut self.bytes, 57, &self.count.to_be_bytes());
        sum(&mut self.bytes);
        core::mem::take(&mut self.bytes)
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

/// Bytes that a blob takes with its length.
fn blob_len(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varint_len(bytes.len() as i64) + bytes.len())
}
