//! Fetched records as columns, for a sink.
//!
//! Owns the filling of the columns. Leaves reading Kafka's batches to the edge (they may be compressed); [`Columns::uncompressed`]
//! reads those that are not. Invariant: every column has one entry per record, or is empty.

use alloc::{string::String, vec::Vec};
use broker_store::batch::{self, BadBatch, BatchInfo};

use crate::record::{self, Batch, Blobs, Headers};

/// Columns being filled, partition by partition.
#[derive(Default)]
pub struct Columns {
    batch: Batch,
    topic: u16,
    partition: i32,
    /// Records of the partition before this offset are not wanted.
    from: i64,
    /// Offset after the last one seen of the partition.
    next: i64,
}

impl Columns {
    /// Empty columns with room for `records` records of `bytes` bytes in all.
    pub fn with_capacity(records: usize, bytes: usize) -> Self {
        let batch = Batch {
            keys: Blobs::with_capacity(0, 0),
            values: Blobs::with_capacity(records, bytes),
            offsets: Vec::with_capacity(records * 8),
            timestamps: Vec::with_capacity(records * 8),
            partitions: Vec::with_capacity(records * 4),
            topic_ix: Vec::with_capacity(records * 2),
            ..Batch::default()
        };
        Self { batch, ..Self::default() }
    }

    /// The records that follow are of this partition; those before `from` are left out.
    pub fn partition(&mut self, topic: &str, partition: i32, from: i64) {
        let known = self.batch.topics.iter().position(|other| other == topic);
        let index = known.unwrap_or_else(|| {
            self.batch.topics.push(String::from(topic));
            self.batch.topics.len() - 1
        });
        self.topic = u16::try_from(index).expect("a fetch asks for fewer topics than that");
        (self.partition, self.from, self.next) = (partition, from, from);
    }

    /// Appends a record. Timestamp in milliseconds since 1970.
    #[inline]
    pub fn push<'a>(
        &mut self,
        offset: i64,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>,
    ) {
        if offset < self.from {
            return;
        }
        self.next = offset + 1;
        let batch = &mut self.batch;
        batch.topic_ix.extend_from_slice(&self.topic.to_le_bytes());
        batch.partitions.extend_from_slice(&self.partition.to_le_bytes());
        batch.offsets.extend_from_slice(&offset.to_le_bytes());
        batch.timestamps.extend_from_slice(&timestamp.to_le_bytes());
        push_key(batch, key);
        batch.values.push(value);
        batch.count += 1;
        push_headers(batch, headers);
    }

    /// A batch ends before `next`, whether or not all of its records were there (compaction, control records).
    pub fn batch_end(&mut self, next: i64) {
        self.next = self.next.max(next);
    }

    /// Offset after the last record or batch of the present partition.
    pub fn next_offset(&self) -> i64 {
        self.next
    }

    /// Topics so far.
    pub fn topics(&self) -> usize {
        self.batch.topics.len()
    }

    /// Records so far.
    pub fn count(&self) -> u32 {
        self.batch.count
    }

    /// Reads whole uncompressed batches, and a last one that may be cut off.
    pub fn uncompressed(&mut self, mut bytes: &[u8]) -> Result<(), BadBatch> {
        loop {
            let info = match BatchInfo::parse(bytes) {
                Ok(info) => info,
                Err(BadBatch::Short { .. }) => return Ok(()),
                Err(bad) => return Err(bad),
            };
            let (one, rest) = bytes.split_at(info.length as usize);
            if !info.is_control() {
                for record in batch::records(one) {
                    let record = record?;
                    let headers = record.headers.map(|header| (header.key, header.value));
                    let offset = info.base_offset + i64::from(record.offset_delta);
                    self.push(offset, record.timestamp, record.key, record.value, headers);
                }
            }
            self.batch_end(info.last_offset() + 1);
            bytes = rest;
        }
    }

    /// The columns. The error says that they cannot be: more than 65,536 different header names in one fetch.
    pub fn finish(self) -> Result<Batch, record::BadBatch> {
        let names = self.batch.headers.as_ref().map_or(0, |headers| headers.names.len());
        if names > usize::from(u16::MAX) + 1 {
            let why = "more than 65,536 different header names in one fetch; lower fetch.max.bytes";
            return Err(record::BadBatch { column: "headers", why });
        }
        Ok(self.batch)
    }
}

/// The records but those in `skip` (rising indexes).
pub fn without(records: &Batch, skip: &[u32]) -> Result<Batch, record::BadBatch> {
    let mut kept = Columns::with_capacity(records.count as usize, records.values.data.len());
    for i in (0..records.count as usize).filter(|i| skip.binary_search(&(*i as u32)).is_err()) {
        kept.partition(records.topic(i), records.partition(i).unwrap_or(-1), 0);
        let headers = records.headers.iter().flat_map(|all| all.of(i));
        let (offset, timestamp) = (records.offset(i).unwrap_or(0), records.timestamp(i).unwrap_or(-1));
        kept.push(offset, timestamp, records.keys.get(i), records.values.get(i), headers);
    }
    let kept = kept.finish()?;
    Ok(Batch { key_format: records.key_format, value_format: records.value_format, ..kept })
}

/// The key column stays empty until there is a key.
#[inline]
fn push_key(batch: &mut Batch, key: Option<&[u8]>) {
    if key.is_none() && batch.keys.is_empty() {
        return;
    }
    while batch.keys.len() < batch.count as usize {
        batch.keys.push(None);
    }
    batch.keys.push(key);
}

/// So do the header columns, until there is a header.
#[inline]
fn push_headers<'a>(batch: &mut Batch, headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>) {
    let mut headers = headers.peekable();
    if headers.peek().is_none() && batch.headers.is_none() {
        return;
    }
    let columns = batch.headers.get_or_insert_with(Headers::default);
    let entries = |columns: &Headers| (columns.name_ix.len() as u32 / 2).to_le_bytes();
    while columns.record_ends.len() / 4 < batch.count as usize - 1 {
        columns.record_ends.extend_from_slice(&[0; 4]);
    }
    for (name, value) in headers {
        let known = columns.names.iter().position(|other| other == name);
        let index = known.unwrap_or_else(|| {
            columns.names.push(String::from(name));
            columns.names.len() - 1
        });
        // Too many different names are found by `finish`.
        let index = index as u16;
        columns.name_ix.extend_from_slice(&index.to_le_bytes());
        columns.values.push(value);
    }
    let end = entries(columns);
    columns.record_ends.extend_from_slice(&end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use broker_store::batch::Builder;

    #[test]
    fn what_was_built_is_read_back() {
        let mut builder = Builder::new();
        builder.push(5, None, Some(b"a"), &[]);
        builder.push(6, Some(b"k"), None, &[("h", Some(b"1")), ("h", None)]);
        builder.push(7, None, Some(b"c"), &[]);
        let bytes = builder.finish();
        let mut columns = Columns::default();
        columns.partition("t", 2, 0);
        columns.uncompressed(&bytes).unwrap();
        columns.partition("u", 0, 2);
        columns.uncompressed(&bytes[..]).unwrap();
        assert_eq!(columns.next_offset(), 3);
        let batch = columns.finish().unwrap();
        assert_eq!(batch.check(), Ok(()));
        let rows: Vec<_> = (0..batch.count as usize)
            .map(|i| {
                (
                    batch.topic(i),
                    batch.partition(i),
                    batch.offset(i),
                    batch.timestamp(i),
                    batch.keys.get(i),
                    batch.values.get(i),
                )
            })
            .collect();
        assert_eq!(
            rows,
            vec![
                ("t", Some(2), Some(0), Some(5), None, Some(&b"a"[..])),
                ("t", Some(2), Some(1), Some(6), Some(&b"k"[..]), None),
                ("t", Some(2), Some(2), Some(7), None, Some(&b"c"[..])),
                ("u", Some(0), Some(2), Some(7), None, Some(&b"c"[..])),
            ]
        );
        let headers = batch.headers.as_ref().unwrap();
        let of = |i| headers.of(i).collect::<Vec<_>>();
        assert_eq!((of(0), of(1)), (vec![], vec![("h", Some(&b"1"[..])), ("h", None)]));
        assert_eq!((of(2), of(3)), (vec![], vec![]));
    }
}
