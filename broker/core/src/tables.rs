//! The latest value per key of the compacted topics that the Connect runtime lives on (`connect-configs` and its like).
//!
//! Owns those maps, so that a start is checkpoint plus journal and never the reading of a log. Invariant: a table equals what a
//! reader of its topic from the beginning would end with.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};
use broker_store::batch;
use bytes::Bytes;

use crate::{
    codec::{Damaged, Reader, Writer},
    error::Error,
    request::Batch,
};

/// Tables by topic name.
#[derive(Default)]
pub(crate) struct Tables(BTreeMap<String, BTreeMap<Bytes, Bytes>>);

impl Tables {
    /// Whether this topic has a table.
    pub fn covers(topic: &str) -> bool {
        matches!(topic, "connect-configs" | "connect-offsets" | "connect-status")
    }

    /// Judges a batch for a topic with a table: it must be readable here, and every record needs a key.
    pub fn check(batch: &Batch) -> Result<(), (Error, String)> {
        if batch.info.codec() != 0 {
            let why = "Batches for the topics of the Connect runtime must be uncompressed: set compression.type=none on this producer.";
            return Err((Error::InvalidRecord, why.to_string()));
        }
        for record in batch::records(&batch.bytes) {
            let record =
                record.map_err(|_| (Error::InvalidRecord, "A record of the batch cannot be read.".to_string()))?;
            if record.key.is_none() {
                return Err((Error::InvalidRecord, "Compacted topic cannot accept message without key.".to_string()));
            }
        }
        Ok(())
    }

    /// Takes in a batch that is in the log of `topic`.
    pub fn replay(&mut self, topic: &str, bytes: &[u8]) -> Result<(), Damaged> {
        if !Self::covers(topic) {
            return Ok(());
        }
        let table = self.0.entry(topic.to_string()).or_default();
        for record in batch::records(bytes) {
            let record = record.map_err(|_| Damaged("a batch of a compacted topic"))?;
            let key = Bytes::copy_from_slice(record.key.ok_or(Damaged("a compacted topic's record without a key"))?);
            match record.value {
                Some(value) => table.insert(key, Bytes::copy_from_slice(value)),
                None => table.remove(&key),
            };
        }
        Ok(())
    }

    pub fn forget(&mut self, topic: &str) {
        self.0.remove(topic);
    }

    /// Keys and values in key order; none for a topic nothing was written to.
    pub fn read(&self, topic: &str) -> Vec<(Bytes, Bytes)> {
        let table = self.0.get(topic);
        table.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    pub fn encode(&self, out: &mut Writer) {
        out.list(self.0.iter(), |out, (topic, table)| {
            out.str(topic).list(table.iter(), |out, (key, value)| {
                out.bytes(key).bytes(value);
            });
        });
    }

    pub fn decode(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let pair = |from: &mut Reader<'_>| Ok((from.owned()?, from.owned()?));
        let table = |from: &mut Reader<'_>| Ok((from.str()?, from.list(pair)?.into_iter().collect()));
        Ok(Self(from.list(table)?.into_iter().collect()))
    }
}
