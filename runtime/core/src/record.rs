//! Records as columns: the one shape in which records travel between a connector, the converters and the cluster port.
//!
//! Owns the in-memory form of a batch (it mirrors the WIT `types.batch`, so that crossing the sandbox converts nothing) and
//! safe access to its packed columns. Leaves bytes <-> values to `convert`, and Kafka's record batch format to the edges.
//! Invariant: a batch that passed [`Batch::check`] can be read by every accessor here without panicking.

use alloc::{string::String, vec::Vec};

/// How the bytes of a key or value column are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    /// Opaque bytes (Connect's BYTES).
    #[default]
    Raw,
    /// UTF-8 text (Connect's STRING).
    Text,
    /// One JSON value.
    Json,
    /// One CBOR item.
    Cbor,
    /// Confluent wire format, Avro.
    AvroRegistry,
    /// Confluent wire format, Protobuf.
    ProtobufRegistry,
}

/// One byte string per record, back to back. Record `i` is `data[end(i-1)..end(i)]`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Blobs {
    /// Little-endian u32 end offsets, one per record; empty means that every record is null.
    pub ends: Vec<u8>,
    /// Bitmap, bit `i` (byte `i / 8`, bit `i % 8`) set where record `i` is null; empty means none is.
    pub nulls: Vec<u8>,
    /// The bytes themselves.
    pub data: Vec<u8>,
}

impl Blobs {
    /// An empty column with room for `records` values of `bytes` bytes in all.
    pub fn with_capacity(records: usize, bytes: usize) -> Self {
        Self { ends: Vec::with_capacity(records * 4), nulls: Vec::new(), data: Vec::with_capacity(bytes) }
    }

    /// Number of values, nulls included; 0 for the empty column.
    pub fn len(&self) -> usize {
        self.ends.len() / 4
    }

    /// True for the empty column, which reads as null for every record.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Appends one value, or a null.
    pub fn push(&mut self, value: Option<&[u8]>) {
        let index = self.len();
        match value {
            Some(bytes) => self.data.extend_from_slice(bytes),
            None => {
                self.nulls.resize(index / 8 + 1, 0);
                self.nulls[index / 8] |= 1 << (index % 8);
            }
        }
        self.ends.extend_from_slice(&(self.data.len() as u32).to_le_bytes());
    }

    /// Value `index`, `None` where it is null or the column is empty.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        if self.is_empty() || self.nulls.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1) {
            return None;
        }
        let start = if index == 0 { 0 } else { u32_at(&self.ends, index - 1)? };
        self.data.get(start as usize..u32_at(&self.ends, index)? as usize)
    }

    fn check(&self, count: usize, column: &'static str) -> Result<(), BadBatch> {
        if self.is_empty() {
            return Ok(());
        }
        let bad = |why| Err(BadBatch { column, why });
        if self.ends.len() != count * 4 {
            return bad("it does not have one end offset per record");
        }
        let mut last = 0;
        for end in self.ends.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])) {
            if end < last || end as usize > self.data.len() {
                return bad("its end offsets do not rise within the data");
            }
            last = end;
        }
        Ok(())
    }
}

/// Header columns: record `i` owns the entries `record_ends[i-1]..record_ends[i]`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Headers {
    /// Header names, each once.
    pub names: Vec<String>,
    /// Little-endian u32, one per record: the end of its entries.
    pub record_ends: Vec<u8>,
    /// Little-endian u16, one per entry: which name.
    pub name_ix: Vec<u8>,
    /// One value per entry.
    pub values: Blobs,
}

/// A batch of records. An empty column means "all default".
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Batch {
    /// Number of records.
    pub count: u32,
    /// Topic names, each once.
    pub topics: Vec<String>,
    /// Little-endian u16 per record, an index into `topics`; empty: all `topics[0]`.
    pub topic_ix: Vec<u8>,
    /// Little-endian i32 per record; empty: unset (from a source) or 0 (to a sink). -1 is unset.
    pub partitions: Vec<u8>,
    /// Little-endian i64 per record: Kafka offsets, towards a sink.
    pub offsets: Vec<u8>,
    /// Little-endian i64 per record: milliseconds since 1970; -1 is unset.
    pub timestamps: Vec<u8>,
    /// How to read `keys`.
    pub key_format: Format,
    /// How to read `values`.
    pub value_format: Format,
    /// Keys.
    pub keys: Blobs,
    /// Values.
    pub values: Blobs,
    /// Headers, if any record has one.
    pub headers: Option<Headers>,
    /// Little-endian u32 per record: ids in the task's schema table; empty: none.
    pub key_schemas: Vec<u8>,
    /// As `key_schemas`.
    pub value_schemas: Vec<u8>,
}

/// A column that contradicts the batch it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadBatch {
    /// Its name, as in the WIT.
    pub column: &'static str,
    /// What is wrong with it.
    pub why: &'static str,
}

impl core::fmt::Display for BadBatch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "column `{}` of the batch is damaged: {}", self.column, self.why)
    }
}

impl Batch {
    /// Checks every column against `count`, once, where a batch enters from a guest.
    pub fn check(&self) -> Result<(), BadBatch> {
        let count = self.count as usize;
        let packed = [
            ("topic-ix", &self.topic_ix, 2),
            ("partitions", &self.partitions, 4),
            ("offsets", &self.offsets, 8),
            ("timestamps", &self.timestamps, 8),
            ("key-schemas", &self.key_schemas, 4),
            ("value-schemas", &self.value_schemas, 4),
        ];
        for (column, bytes, width) in packed {
            if !bytes.is_empty() && bytes.len() != count * width {
                return Err(BadBatch { column, why: "its length does not match the record count" });
            }
        }
        if count > 0 && self.topics.is_empty() {
            return Err(BadBatch { column: "topics", why: "it names no topic" });
        }
        if (0..self.topic_ix.len() / 2).any(|i| self.topic_index(i) >= self.topics.len()) {
            return Err(BadBatch { column: "topic-ix", why: "it points past the topics" });
        }
        self.keys.check(count, "keys")?;
        self.values.check(count, "values")?;
        self.headers.as_ref().map_or(Ok(()), |headers| headers.check(count))
    }

    /// Index into `topics` of record `index`.
    pub fn topic_index(&self, index: usize) -> usize {
        self.topic_ix.get(index * 2..index * 2 + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]) as usize)
    }

    /// Topic of record `index`; empty if the batch names none.
    pub fn topic(&self, index: usize) -> &str {
        self.topics.get(self.topic_index(index)).map_or("", String::as_str)
    }

    /// Partition of record `index`, if it is set.
    pub fn partition(&self, index: usize) -> Option<i32> {
        let partition = self.partitions.get(index * 4..index * 4 + 4)?;
        Some(i32::from_le_bytes(partition.try_into().ok()?)).filter(|p| *p >= 0)
    }

    /// Offset of record `index`, if it is set.
    pub fn offset(&self, index: usize) -> Option<i64> {
        i64_at(&self.offsets, index)
    }

    /// Timestamp of record `index` in milliseconds since 1970, if it is set.
    pub fn timestamp(&self, index: usize) -> Option<i64> {
        i64_at(&self.timestamps, index).filter(|t| *t >= 0)
    }
}

impl Headers {
    /// The headers of record `index`, in order; names may repeat.
    pub fn of(&self, index: usize) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
        let start = if index == 0 { 0 } else { u32_at(&self.record_ends, index - 1).unwrap_or(0) };
        let end = u32_at(&self.record_ends, index).unwrap_or(start);
        (start as usize..end as usize).map(|entry| (self.name(entry), self.values.get(entry)))
    }

    /// What the names of all entries come to, in bytes.
    pub fn name_bytes(&self) -> usize {
        (0..self.name_ix.len() / 2).map(|entry| self.name(entry).len()).sum()
    }

    fn name(&self, entry: usize) -> &str {
        let ix = self.name_ix.get(entry * 2..entry * 2 + 2).map(|b| u16::from_le_bytes([b[0], b[1]]) as usize);
        ix.and_then(|ix| self.names.get(ix)).map_or("", String::as_str)
    }

    fn check(&self, count: usize) -> Result<(), BadBatch> {
        let bad = |why| Err(BadBatch { column: "headers", why });
        let entries = self.name_ix.len() / 2;
        if self.record_ends.len() != count * 4 {
            return bad("there is not one entry count per record");
        }
        let ends = || (0..count).map(|i| u32_at(&self.record_ends, i).unwrap_or(0));
        if ends().zip(ends().skip(1)).any(|(a, b)| b < a) || ends().next_back().unwrap_or(0) as usize != entries {
            return bad("the entry ranges do not rise to the number of entries");
        }
        if self.name_ix.chunks_exact(2).any(|b| u16::from_le_bytes([b[0], b[1]]) as usize >= self.names.len()) {
            return bad("an entry points past the names");
        }
        self.values.check(entries, "headers")
    }
}

fn u32_at(column: &[u8], index: usize) -> Option<u32> {
    Some(u32::from_le_bytes(column.get(index * 4..index * 4 + 4)?.try_into().ok()?))
}

fn i64_at(column: &[u8], index: usize) -> Option<i64> {
    Some(i64::from_le_bytes(column.get(index * 8..index * 8 + 8)?.try_into().ok()?))
}
