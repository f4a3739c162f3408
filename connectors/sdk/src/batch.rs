//! The view that a sink gets of the records to put.
//!
//! Owns safe access to the packed columns. Invariant: whatever the columns hold, no accessor panics.

use crate::Format;
use crate::bindings::base::connect::connector::types as wit;

/// Records to put.
#[derive(Debug)]
pub struct Batch(wit::Batch);

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    batch: &'a wit::Batch,
    index: usize,
}

impl Batch {
    pub(crate) fn new(batch: wit::Batch) -> Self {
        Self(batch)
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.0.count as usize
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.count == 0
    }

    /// How values are to be read.
    pub fn value_format(&self) -> Format {
        self.0.value_format
    }

    /// How keys are to be read.
    pub fn key_format(&self) -> Format {
        self.0.key_format
    }

    /// The records, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        (0..self.len()).map(|index| Record { batch: &self.0, index })
    }

    /// The values alone, in order; the quick way over a batch.
    pub fn values(&self) -> impl Iterator<Item = Option<&[u8]>> {
        let column = &self.0.values;
        let mut start = 0;
        (0..self.len()).map(move |index| {
            let end = number::<4>(&column.ends, index).map_or(start, |bytes| u32::from_le_bytes(bytes) as usize);
            let value = column.data.get(start..end);
            start = end;
            if column.ends.is_empty() || is_null(column, index) { None } else { value }
        })
    }

    /// Bytes of all values together.
    pub fn value_bytes(&self) -> usize {
        self.0.values.data.len()
    }
}

impl<'a> Record<'a> {
    /// Its topic.
    pub fn topic(&self) -> &'a str {
        let index = number::<2>(&self.batch.topic_ix, self.index).map_or(0, u16::from_le_bytes);
        self.batch.topics.get(usize::from(index)).map_or("", String::as_str)
    }

    /// Its Kafka partition, if it is set.
    pub fn partition(&self) -> Option<i32> {
        number(&self.batch.partitions, self.index).map(i32::from_le_bytes).filter(|partition| *partition >= 0)
    }

    /// Its Kafka offset.
    pub fn offset(&self) -> Option<i64> {
        number(&self.batch.offsets, self.index).map(i64::from_le_bytes)
    }

    /// Its timestamp, in milliseconds since 1970, if it is set.
    pub fn timestamp(&self) -> Option<i64> {
        number(&self.batch.timestamps, self.index).map(i64::from_le_bytes).filter(|timestamp| *timestamp >= 0)
    }

    /// Its key.
    pub fn key(&self) -> Option<&'a [u8]> {
        blob(&self.batch.keys, self.index)
    }

    /// Its value.
    pub fn value(&self) -> Option<&'a [u8]> {
        blob(&self.batch.values, self.index)
    }

    /// Its headers, in order; names may repeat.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, Option<&'a [u8]>)> + use<'a> {
        let end = |columns: &wit::HeaderCols, index| {
            number(&columns.record_ends, index).map_or(0, |bytes| u32::from_le_bytes(bytes) as usize)
        };
        let (batch, index) = (self.batch, self.index);
        batch.headers.iter().flat_map(move |columns| {
            let start = if index == 0 { 0 } else { end(columns, index - 1) };
            (start..end(columns, index)).map(move |entry| {
                let name = number(&columns.name_ix, entry).map_or(usize::MAX, |bytes| u16::from_le_bytes(bytes).into());
                (columns.names.get(name).map_or("", String::as_str), blob(&columns.values, entry))
            })
        })
    }
}

fn blob(column: &wit::Blobs, index: usize) -> Option<&[u8]> {
    if is_null(column, index) {
        return None;
    }
    let start = if index == 0 { 0 } else { u32::from_le_bytes(number(&column.ends, index - 1)?) };
    column.data.get(start as usize..u32::from_le_bytes(number(&column.ends, index)?) as usize)
}

fn is_null(column: &wit::Blobs, index: usize) -> bool {
    column.nulls.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}

fn number<const N: usize>(column: &[u8], index: usize) -> Option<[u8; N]> {
    column.get(index * N..index * N + N)?.try_into().ok()
}
