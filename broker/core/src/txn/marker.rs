//! The control batch that ends a transaction on a partition (KIP-98).
//!
//! Owns its bytes: one record, key `version i16 = 0, type i16` (0 abort, 1 commit), value `version i16 = 0, coordinator epoch i32`
//! (`EndTransactionMarker`). Invariant: what is encoded here is read back as the same marker.

use alloc::vec::Vec;
use broker_store::batch::{self, BatchInfo};

use crate::{big_endian::BigEndian, codec::Damaged, time::Wall};

const WHAT: &str = "a transaction marker";
const COMMIT: i16 = 1;
/// Transactional and control.
const ATTRIBUTES: i16 = batch::TRANSACTIONAL | 1 << 5;

/// Bytes of its batch.
pub(crate) const MARKER_BYTES: usize = 78;

/// The end of a producer's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    pub producer_id: i64,
    /// Producer epoch; batches of an earlier one are refused from here on.
    pub epoch: i16,
    pub commit: bool,
    pub coordinator_epoch: i32,
}

impl Marker {
    /// The batch, base offset 0.
    pub fn encode(&self, wall: Wall) -> Vec<u8> {
        let mut builder = batch::Builder::with_capacity(MARKER_BYTES)
            .producer(self.producer_id, self.epoch, -1)
            .attributes(ATTRIBUTES);
        let kind = if self.commit { COMMIT } else { 0 };
        let key = [0i16.to_be_bytes(), kind.to_be_bytes()].concat();
        let value = [&0i16.to_be_bytes()[..], &self.coordinator_epoch.to_be_bytes()].concat();
        builder.push(wall.0, Some(&key), Some(&value), &[]);
        builder.finish()
    }

    /// Reads a control batch; `None` if its record is of another kind, which no client obeys either.
    pub fn decode(info: &BatchInfo, bytes: &[u8]) -> Result<Option<Marker>, Damaged> {
        let record = batch::records(bytes).next().and_then(Result::ok).ok_or(Damaged(WHAT))?;
        let mut key = BigEndian::new(record.key.unwrap_or_default(), WHAT);
        let (_, kind) = (key.i16()?, key.i16()?);
        if !matches!(kind, 0 | COMMIT) {
            return Ok(None);
        }
        let mut value = BigEndian::new(record.value.unwrap_or_default(), WHAT);
        let (_, coordinator_epoch) = (value.i16()?, value.i32()?);
        let (producer_id, epoch) = (info.producer_id, info.producer_epoch);
        Ok(Some(Marker { producer_id, epoch, commit: kind == COMMIT, coordinator_epoch }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_come_back_and_have_kafkas_size() {
        for commit in [false, true] {
            let marker = Marker { producer_id: 7, epoch: 3, commit, coordinator_epoch: 9 };
            let bytes = marker.encode(Wall(1_700_000_000_000));
            let info = BatchInfo::parse(&bytes).unwrap();
            assert!(info.is_control() && info.is_transactional());
            assert_eq!((bytes.len(), info.count, info.base_sequence), (MARKER_BYTES, 1, -1));
            assert_eq!(Marker::decode(&info, &bytes), Ok(Some(marker)));
        }
    }
}
