//! The builder that a source fills.
//!
//! Owns the packed columns of one poll and how much of it the runtime asked for. Invariant: every column is empty or has
//! one entry per record, whatever mix of records is pushed.

use crate::bindings::base::connect::connector::types as wit;
use crate::bindings::source::exports::connect::connector::source_task::{Checkpoint, SourceBatch};
use crate::{Format, ScalarMap};

/// Records of one poll. Push until [`Records::is_full`]; what is pushed beyond that is taken all the same.
#[derive(Debug)]
pub struct Records {
    max_records: usize,
    max_bytes: usize,
    batch: wit::Batch,
    topic: u16,
    entries: usize,
    partitions: Vec<ScalarMap>,
    checkpoints: Vec<Checkpoint>,
}

/// A record with more than a text in it; `..NewRecord::default()` leaves out what it does not have.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewRecord<'a> {
    /// Kafka partition; none: the runtime chooses.
    pub partition: Option<i32>,
    /// Milliseconds since 1970; none: the runtime's clock.
    pub timestamp: Option<i64>,
    /// Key.
    pub key: Option<&'a [u8]>,
    /// Value.
    pub value: Option<&'a [u8]>,
    /// Headers, in order.
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
}

impl Records {
    /// No records yet, and room for so many records and bytes of keys and values; `values` are read as `format`.
    pub(crate) fn new(max_records: u32, max_bytes: u32) -> Self {
        Self {
            max_records: max_records as usize,
            max_bytes: max_bytes as usize,
            batch: empty_batch(),
            topic: 0,
            entries: 0,
            partitions: Vec::new(),
            checkpoints: Vec::new(),
        }
    }

    /// Takes no more than `records` records, where the runtime asked for more.
    pub fn limit(&mut self, records: usize) {
        self.max_records = self.max_records.min(records);
    }

    /// How keys and values are to be read; `text` if nothing is said.
    pub fn formats(&mut self, key: Format, value: Format) {
        (self.batch.key_format, self.batch.value_format) = (key, value);
    }

    /// Topic of the records that are pushed from now on.
    pub fn topic(&mut self, name: &str) {
        let known = self.batch.topics.iter().position(|topic| topic == name);
        let index = known.unwrap_or_else(|| {
            self.batch.topics.push(name.to_owned());
            self.batch.topics.len() - 1
        });
        self.topic = u16::try_from(index).expect("at most 65,536 topics in one poll");
        if self.topic > 0 && self.batch.topic_ix.is_empty() {
            self.batch.topic_ix.resize(self.len() * 2, 0);
        }
    }

    /// Makes room for `records` values of `bytes` bytes in all.
    pub fn reserve(&mut self, records: usize, bytes: usize) {
        self.batch.values.ends.reserve(records * 4);
        self.batch.values.data.reserve(bytes);
    }

    /// Appends a record that is a text and nothing else.
    pub fn push_text(&mut self, value: &str) {
        self.push_value(Some(value.as_bytes()));
        if self.is_plain() {
            self.batch.count += 1;
        } else {
            self.push_rest(&NewRecord::default());
        }
    }

    /// Appends a record.
    pub fn push(&mut self, record: NewRecord<'_>) {
        self.push_value(record.value);
        self.push_rest(&record);
    }

    /// Once all records so far are in their topics, `offset` of `partition` may be committed.
    ///
    /// # Panics
    /// If no record was pushed.
    pub fn checkpoint(&mut self, partition: &ScalarMap, offset: ScalarMap) {
        assert!(!self.is_empty(), "a checkpoint comes after a record");
        let known = self.partitions.iter().position(|known| same(known, partition));
        let index = known.unwrap_or_else(|| {
            self.partitions.push(partition.clone());
            self.partitions.len() - 1
        });
        self.checkpoints.push(Checkpoint { after: self.batch.count - 1, partition: index as u32, offset });
    }

    /// True when the runtime wants no more for now.
    pub fn is_full(&self) -> bool {
        self.len() >= self.max_records || self.bytes() >= self.max_bytes
    }

    /// How many more records the runtime wants at most.
    pub fn room(&self) -> usize {
        self.max_records.saturating_sub(self.len())
    }

    /// Records so far.
    pub fn len(&self) -> usize {
        self.batch.count as usize
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.batch.count == 0
    }

    fn bytes(&self) -> usize {
        self.batch.values.data.len() + self.batch.keys.data.len()
    }

    fn is_plain(&self) -> bool {
        let batch = &self.batch;
        batch.topic_ix.is_empty()
            && batch.keys.ends.is_empty()
            && batch.values.nulls.is_empty()
            && batch.partitions.is_empty()
            && batch.timestamps.is_empty()
            && batch.headers.is_none()
    }

    fn push_value(&mut self, value: Option<&[u8]>) {
        let at = self.len();
        append(&mut self.batch.values, at, value);
    }

    fn push_rest(&mut self, record: &NewRecord<'_>) {
        let at = self.len();
        let batch = &mut self.batch;
        if !batch.topic_ix.is_empty() || self.topic > 0 {
            batch.topic_ix.extend_from_slice(&self.topic.to_le_bytes());
        }
        if record.key.is_some() || !batch.keys.ends.is_empty() {
            for earlier in batch.keys.ends.len() / 4..at {
                append(&mut batch.keys, earlier, None);
            }
            append(&mut batch.keys, at, record.key);
        }
        push_number(&mut batch.partitions, at, record.partition.map(i32::to_le_bytes), (-1i32).to_le_bytes());
        push_number(&mut batch.timestamps, at, record.timestamp.map(i64::to_le_bytes), (-1i64).to_le_bytes());
        self.push_headers(at, record.headers);
        self.batch.count += 1;
    }

    fn push_headers(&mut self, at: usize, headers: &[(&str, Option<&[u8]>)]) {
        if headers.is_empty() && self.batch.headers.is_none() {
            return;
        }
        let columns = self.batch.headers.get_or_insert_with(|| wit::HeaderCols {
            names: Vec::new(),
            record_ends: vec![0; at * 4],
            name_ix: Vec::new(),
            values: empty_blobs(),
        });
        for (name, value) in headers {
            let known = columns.names.iter().position(|known| known == name);
            let index = known.unwrap_or_else(|| {
                columns.names.push((*name).to_owned());
                columns.names.len() - 1
            });
            columns.name_ix.extend_from_slice(&(index as u16).to_le_bytes());
            append(&mut columns.values, self.entries, *value);
            self.entries += 1;
        }
        columns.record_ends.extend_from_slice(&(self.entries as u32).to_le_bytes());
    }

    pub(crate) fn finish(self) -> SourceBatch {
        SourceBatch { records: self.batch, partitions: self.partitions, checkpoints: self.checkpoints, txn: Vec::new() }
    }
}

/// Appends value `at` of a column.
fn append(column: &mut wit::Blobs, at: usize, value: Option<&[u8]>) {
    match value {
        Some(bytes) => column.data.extend_from_slice(bytes),
        None => {
            column.nulls.resize(at / 8 + 1, 0);
            column.nulls[at / 8] |= 1 << (at % 8);
        }
    }
    column.ends.extend_from_slice(&(column.data.len() as u32).to_le_bytes());
}

/// Appends number `at` of a column that stays empty while no record has one.
fn push_number<const N: usize>(column: &mut Vec<u8>, at: usize, value: Option<[u8; N]>, unset: [u8; N]) {
    if value.is_none() && column.is_empty() {
        return;
    }
    while column.len() < at * N {
        column.extend_from_slice(&unset);
    }
    column.extend_from_slice(&value.unwrap_or(unset));
}

fn same(a: &ScalarMap, b: &ScalarMap) -> bool {
    use crate::Scalar::{Bool, Bytes, Float, Int, Null, Text};
    a.len() == b.len()
        && a.iter().zip(b).all(|((name_a, a), (name_b, b))| {
            name_a == name_b
                && match (a, b) {
                    (Null, Null) => true,
                    (Bool(a), Bool(b)) => a == b,
                    (Int(a), Int(b)) => a == b,
                    (Float(a), Float(b)) => a.to_bits() == b.to_bits(),
                    (Text(a), Text(b)) => a == b,
                    (Bytes(a), Bytes(b)) => a == b,
                    _ => false,
                }
        })
}

fn empty_blobs() -> wit::Blobs {
    wit::Blobs { ends: Vec::new(), nulls: Vec::new(), data: Vec::new() }
}

fn empty_batch() -> wit::Batch {
    wit::Batch {
        count: 0,
        topics: Vec::new(),
        topic_ix: Vec::new(),
        partitions: Vec::new(),
        offsets: Vec::new(),
        timestamps: Vec::new(),
        key_format: Format::Text,
        value_format: Format::Text,
        keys: empty_blobs(),
        values: empty_blobs(),
        headers: None,
        key_schemas: Vec::new(),
        value_schemas: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Batch;

    type Row = (String, Option<i32>, Option<i64>, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(String, Option<Vec<u8>>)>);

    fn rows(records: Records) -> Vec<Row> {
        let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        let batch = Batch::new(records.finish().records);
        batch
            .iter()
            .map(|r| {
                let headers = r.headers().map(|(name, value)| (name.to_owned(), owned(value))).collect();
                (r.topic().to_owned(), r.partition(), r.timestamp(), owned(r.key()), owned(r.value()), headers)
            })
            .collect()
    }

    #[test]
    fn columns_are_filled_up_when_a_later_record_needs_them() {
        let mut records = Records::new(10, 1000);
        records.topic("a");
        records.push_text("1");
        records.push(NewRecord {
            partition: Some(2),
            timestamp: Some(3),
            key: Some(b"k"),
            value: None,
            headers: &[("h", Some(b"x")), ("h", None)],
        });
        records.topic("b");
        records.push_text("4");
        let text = |text: &str| Some(text.as_bytes().to_vec());
        let header = |value| ("h".to_owned(), value);
        assert_eq!(
            rows(records),
            [
                ("a".to_owned(), None, None, None, text("1"), vec![]),
                ("a".to_owned(), Some(2), Some(3), text("k"), None, vec![header(text("x")), header(None)]),
                ("b".to_owned(), None, None, None, text("4"), vec![]),
            ]
        );
    }

    #[test]
    fn full_by_records_or_bytes() {
        let mut records = Records::new(3, 4);
        records.topic("a");
        records.push_text("12");
        assert!(!records.is_full());
        records.push_text("34");
        assert!(records.is_full());
        let mut records = Records::new(3, 100);
        records.limit(1);
        records.push_text("");
        assert_eq!((records.is_full(), records.room()), (true, 0));
    }
}
