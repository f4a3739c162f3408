//! Reads records out of fetched batches, for the runtime's sinks and for tools; the broker itself never does.
//!
//! Owns the way through several batches, the last of which may be cut off, and decompression. Leaves the layout of header
//! and records to `broker_store::batch`, codecs to [`crate::codec`]. No allocation per record: keys, values and headers
//! are slices of the input, or of one buffer that is used again for every compressed batch.
//! Invariant: no checksum is skipped, and records come out only of a batch whose checksum was right.

use broker_store::batch::{self, BadBatch, BatchInfo, HEADER_BYTES, record::Headers};
use thiserror::Error;

use crate::codec::{Codec, CodecError, Decompressor, Limits};

/// Why records cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("batch at offset {base_offset}: {problem}")]
pub struct RecordError {
    /// Base offset of the batch, as its header says.
    pub base_offset: i64,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a batch.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// Header, checksum or a record.
    #[error(transparent)]
    Batch(#[from] BadBatch),
    /// Its compressed records.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// A whole batch within fetched bytes.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Its header.
    pub info: BatchInfo,
    bytes: &'a [u8],
}

/// The batches of fetched bytes, in order; ends after an error. A last one that was cut off is left out, as Kafka's
/// consumers do.
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    rest: &'a [u8],
}

/// Goes through the batches in `bytes`.
pub fn batches(bytes: &[u8]) -> Batches<'_> {
    Batches { rest: bytes }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<Batch<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = std::mem::take(&mut self.rest);
        match BatchInfo::parse(bytes) {
            Ok(info) => {
                let (bytes, rest) = bytes.split_at(info.length as usize);
                self.rest = rest;
                Some(Ok(Batch { info, bytes }))
            }
            Err(BadBatch::Short { .. }) => None,
            Err(bad) => {
                let base_offset = bytes.first_chunk().map_or(-1, |offset| i64::from_be_bytes(*offset));
                Some(Err(RecordError { base_offset, problem: bad.into() }))
            }
        }
    }
}

/// A record; key, value and headers are slices of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its place in the partition.
    pub offset: i64,
    /// Milliseconds since 1970: the producer's, or the broker's if the topic says `LogAppendTime`; -1 if there is none.
    pub timestamp: i64,
    /// `None` is null.
    pub key: Option<&'a [u8]>,
    /// `None` is null: a tombstone.
    pub value: Option<&'a [u8]>,
    /// In order; a key may come more than once.
    pub headers: Headers<'a>,
}

/// Reads the records of one batch after another.
#[derive(Debug, Default)]
pub struct RecordReader {
    limits: Limits,
    decompressor: Decompressor,
    decompressed: Vec<u8>,
}

impl RecordReader {
    /// With limits on decompression.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Checks a batch and gives its records. The markers of control batches are records too: ask
    /// [`BatchInfo::is_control`] first, or use [`RecordReader::for_each`].
    ///
    /// # Errors
    /// The checksum is wrong, or the records do not decompress.
    pub fn records<'r>(&'r mut self, batch: &Batch<'r>) -> Result<Records<'r>, RecordError> {
        let base_offset = batch.info.base_offset;
        match self.uncompressed(batch) {
            Ok(bytes) => Ok(Records { base_offset, records: batch::records_of(&batch.info, bytes) }),
            Err(problem) => Err(RecordError { base_offset, problem }),
        }
    }

    fn uncompressed<'r>(&'r mut self, batch: &Batch<'r>) -> Result<&'r [u8], Problem> {
        batch::check_crc(batch.bytes)?;
        let body = &batch.bytes[HEADER_BYTES..];
        match Codec::of(batch.info.codec())? {
            Codec::None => Ok(body),
            codec => {
                self.decompressor.decompress(codec, body, &self.limits, &mut self.decompressed)?;
                Ok(&self.decompressed)
            }
        }
    }

    /// Calls `visit` with each record in `bytes`, control batches left out.
    ///
    /// # Errors
    /// As [`RecordReader::records`], or a corrupt record; those before it were visited.
    pub fn for_each(&mut self, bytes: &[u8], mut visit: impl FnMut(Record<'_>)) -> Result<(), RecordError> {
        for batch in batches(bytes) {
            let batch = batch?;
            if !batch.info.is_control() {
                for record in self.records(&batch)? {
                    visit(record?);
                }
            }
        }
        Ok(())
    }
}

/// The records of a batch, in order; ends after an error.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    base_offset: i64,
    records: batch::Records<'a>,
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, RecordError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let base_offset = self.base_offset;
        Some(match self.records.next()? {
            Ok(record) => Ok(Record {
                offset: base_offset.saturating_add(record.offset_delta.into()),
                timestamp: record.timestamp,
                key: record.key,
                value: record.value,
                headers: record.headers,
            }),
            Err(bad) => Err(RecordError { base_offset, problem: bad.into() }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::{BatchBuilder, Producer};
    use proptest::prelude::*;

    type Owned = (i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(String, Option<Vec<u8>>)>);

    fn owned(record: Record<'_>) -> (i64, Owned) {
        let headers = record.headers.map(|header| (header.key.into(), header.value.map(Vec::from))).collect();
        (record.offset, (record.timestamp, record.key.map(Vec::from), record.value.map(Vec::from), headers))
    }

    fn built(codec: Codec, records: &[Owned], base_offset: i64) -> Vec<u8> {
        let mut builder = BatchBuilder::new(codec);
        for (timestamp, key, value, headers) in records {
            let headers: Vec<_> = headers.iter().map(|(key, value)| (key.as_str(), value.as_deref())).collect();
            builder.append(*timestamp, key.as_deref(), value.as_deref(), &headers);
        }
        let mut bytes = builder.finish(None).unwrap().unwrap().to_vec();
        batch::stamp(&mut bytes, base_offset, 0);
        bytes
    }

    fn any_records() -> impl Strategy<Value = Vec<Owned>> {
        let bytes = || prop::option::of(prop::collection::vec(any::<u8>(), 0..300));
        let headers = prop::collection::vec(("[ab]", bytes()), 0..4);
        prop::collection::vec((0i64..1 << 42, bytes(), bytes(), headers), 1..40)
    }

    proptest! {
        #[test]
        fn what_was_built_is_read(first in any_records(), second in any_records(), codecs in (0usize..5, 0usize..5), cut in 1usize..60) {
            let gap = first.len() as i64 + 100;
            let mut bytes = built(Codec::ALL[codecs.0], &first, 7);
            bytes.extend(built(Codec::ALL[codecs.1], &second, 7 + gap));
            let cut_off = built(Codec::None, &first, 9999);
            bytes.extend(&cut_off[..cut]);

            let mut read = Vec::new();
            RecordReader::default().for_each(&bytes, |record| read.push(owned(record))).unwrap();
            let at = |base| move |(index, record): (usize, &Owned)| (base + index as i64, record.clone());
            let expected: Vec<_> = first.iter().enumerate().map(at(7)).chain(second.iter().enumerate().map(at(7 + gap))).collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn damage_is_an_error(records in any_records(), codec in 0usize..5, at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut bytes = built(Codec::ALL[codec], &records, 7);
            // From the magic byte on; offset, length and epoch are not summed.
            let at = 16 + at.index(bytes.len() - 16);
            bytes[at] ^= 1 << bit;
            prop_assert!(RecordReader::default().for_each(&bytes, |_| ()).is_err());
        }
    }

    fn one(value: &str) -> Owned {
        (1000, None, Some(value.into()), vec![])
    }

    #[test]
    fn headers_with_the_same_key_are_all_there() {
        let headers = vec![("a".into(), Some(b"1".to_vec())), ("a".into(), None), ("a".into(), Some(b"1".to_vec()))];
        let record = (1, None, None, headers);
        let bytes = built(Codec::Zstd, std::slice::from_ref(&record), 0);
        let mut read = Vec::new();
        RecordReader::default().for_each(&bytes, |record| read.push(owned(record).1)).unwrap();
        assert_eq!(read, [record]);
    }

    #[test]
    fn control_batches_are_left_out() {
        let mut marker = batch::Builder::new().attributes(0x30).producer(9, 0, -1);
        marker.push(1000, Some(&[0, 0, 0, 1]), Some(&[0; 6]), &[]);
        let bytes = [built(Codec::None, &[one("a")], 0), marker.finish(), built(Codec::None, &[one("b")], 2)].concat();
        let mut read = Vec::new();
        RecordReader::default().for_each(&bytes, |record| read.push(owned(record).1)).unwrap();
        assert_eq!(read, [one("a"), one("b")]);
        assert_eq!(batches(&bytes).filter(|batch| batch.as_ref().unwrap().info.is_control()).count(), 1);
    }

    #[test]
    fn the_producer_is_in_the_header() {
        let mut builder = BatchBuilder::new(Codec::Lz4);
        builder.append(1000, None, Some(b"x"), &[]);
        let producer = Producer { id: 9, epoch: 3, base_sequence: 70, transactional: true };
        let bytes = builder.finish(Some(producer)).unwrap().unwrap();
        let info = batches(&bytes).next().unwrap().unwrap().info;
        assert_eq!((info.producer_id, info.producer_epoch, info.base_sequence), (9, 3, 70));
        assert_eq!((info.is_transactional(), info.codec()), (true, 3));
    }

    #[test]
    fn what_cannot_be_read_says_where_and_why() {
        let check = |bytes: &[u8], limits: Limits, expected: &str| {
            let error = RecordReader::new(limits).for_each(bytes, |_| ()).unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        let batch = built(Codec::None, &[one("a")], 7);
        let mut old = batch.clone();
        old[16] = 1;
        let format = "batch at offset 7: record batch format 1 is not supported, only 2 (Kafka 0.11 and later)";
        check(&old, Limits::default(), format);
        let unknown = batch::with_compressed(batch.first_chunk().unwrap(), 6, b"?");
        check(&unknown, Limits::default(), "batch at offset 7: unknown compression codec 6");
        let garbage = batch::with_compressed(batch.first_chunk().unwrap(), 2, b"\xff");
        check(
            &garbage,
            Limits::default(),
            "batch at offset 7: corrupt snappy data: snappy: corrupt input (invalid header)",
        );
        let bomb = built(Codec::Zstd, &[one(&"x".repeat(3 << 20))], 7);
        let error = RecordReader::default().for_each(&bomb, |_| ()).unwrap_err();
        assert!(matches!(error.problem, Problem::Codec(CodecError::TooLarge { .. })), "{error}");
        RecordReader::new(Limits { max_ratio: 1 << 20, ..Limits::default() }).for_each(&bomb, |_| ()).unwrap();
    }
}
