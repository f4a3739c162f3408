//! A batch written anew with fewer records.
//!
//! Owns its bytes (Kafka's `MemoryRecords.buildRetainedRecordsInto` and `DefaultRecordBatch.writeEmptyHeader`). Invariant: base offset,
//! last offset, producer, epoch and first sequence stay as they were, so that a producer's next sequence is still known.

use alloc::{borrow::Cow, string::String, vec::Vec};

use super::Codecs;
use crate::batch::{self, BatchInfo, Builder, HEADER_BYTES, Record};

/// What stays of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kept<'a> {
    /// All, as it is.
    All,
    /// These records, and from when on its tombstones or its marker may go, milliseconds since 1970.
    Some(Vec<Record<'a>>, Option<i64>),
    /// Its header.
    Header,
    /// Nothing.
    Nothing,
}

impl<'a> Kept<'a> {
    pub fn all() -> Self {
        Kept::All
    }

    pub fn some(records: Vec<Record<'a>>, horizon: Option<i64>) -> Self {
        Kept::Some(records, horizon)
    }

    pub fn empty(header: bool) -> Self {
        if header { Kept::Header } else { Kept::Nothing }
    }

    /// The batch's bytes and their header, `None` if nothing stays. `old` are its bytes as they were.
    pub fn encode<'b>(
        self,
        codecs: &mut impl Codecs,
        info: &BatchInfo,
        old: &'b [u8],
    ) -> Result<Option<(BatchInfo, Cow<'b, [u8]>)>, String> {
        let bytes = match self {
            Kept::All => return Ok(Some((*info, Cow::Borrowed(old)))),
            Kept::Nothing => return Ok(None),
            Kept::Header => Builder::new().finish_like(info),
            Kept::Some(records, horizon) => {
                let mut builder = Builder::with_capacity(old.len()).delete_horizon(horizon);
                records.iter().for_each(|record| builder.copy(record));
                compressed(codecs, info, builder.finish_like(info))?
            }
        };
        let info = BatchInfo::parse(&bytes).expect("a batch just built");
        Ok(Some((info, Cow::Owned(bytes))))
    }
}

fn compressed(codecs: &mut impl Codecs, info: &BatchInfo, plain: Vec<u8>) -> Result<Vec<u8>, String> {
    if info.codec() == 0 {
        return Ok(plain);
    }
    let header = plain.first_chunk::<HEADER_BYTES>().expect("a batch has a header");
    let mut records = Vec::new();
    codecs.compress(info.codec(), &plain[HEADER_BYTES..], &mut records)?;
    Ok(batch::with_compressed(header, info.codec(), &records))
}
