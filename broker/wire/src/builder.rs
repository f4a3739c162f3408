//! Builds record batches, compressed or not, for those who produce: the runtime's sources and tools.
//!
//! Owns compression and the producer's fields. Leaves the layout of header and records to `broker_store::batch`, and
//! offsets to the broker: a batch is built at base offset 0.
//! Invariant: a batch is never empty.

use broker_store::batch::{self, HEADER_BYTES};
use bytes::Bytes;

use crate::codec::{Codec, CodecError, compress};

/// Who writes, for the broker to tell repeated batches by (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producer {
    /// From InitProducerId.
    pub id: i64,
    /// Likewise.
    pub epoch: i16,
    /// Of the batch's first record.
    pub base_sequence: i32,
    /// Whether the batch belongs to a transaction.
    pub transactional: bool,
}

/// Collects records and makes batches of them.
#[derive(Debug)]
pub struct BatchBuilder {
    codec: Codec,
    records: batch::Builder,
}

impl BatchBuilder {
    /// Empty; batches will be compressed with `codec`.
    pub fn new(codec: Codec) -> Self {
        Self { codec, records: batch::Builder::new() }
    }

    /// Records since the last batch.
    pub fn count(&self) -> usize {
        self.records.count() as usize
    }

    /// Bytes the batch would have now, before compression: to keep under the topic's `max.message.bytes`.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Appends a record. `timestamp` is in milliseconds since 1970; headers keep their order.
    #[inline]
    pub fn append(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, Option<&[u8]>)],
    ) {
        self.records.push(timestamp, key, value, headers);
    }

    /// The batch of all records since the last one; `None` if there are none.
    ///
    /// # Errors
    /// The codec is not built in; the records are gone.
    ///
    /// # Panics
    /// If the records are longer than 2 GiB: finish when [`BatchBuilder::len`] says so.
    pub fn finish(&mut self, producer: Option<Producer>) -> Result<Option<Bytes>, CodecError> {
        if self.is_empty() {
            return Ok(None);
        }
        // The next batch will be about as long as this one.
        let next = batch::Builder::with_capacity(self.len());
        let records = std::mem::replace(&mut self.records, next);
        let batch = with_producer(records, producer).finish();
        if self.codec == Codec::None {
            return Ok(Some(batch.into()));
        }
        let (header, records) = batch.split_first_chunk::<HEADER_BYTES>().expect("a batch has a header");
        let mut compressed = Vec::with_capacity(records.len() / 2);
        compress(self.codec, records, &mut compressed)?;
        Ok(Some(batch::with_compressed(header, self.codec.number(), &compressed).into()))
    }
}

fn with_producer(records: batch::Builder, producer: Option<Producer>) -> batch::Builder {
    let Some(Producer { id, epoch, base_sequence, transactional }) = producer else { return records };
    let attributes = if transactional { batch::TRANSACTIONAL } else { 0 };
    records.producer(id, epoch, base_sequence).attributes(attributes)
}
