//! Promise: a batch of an idempotent producer is in its partition once, however often it was sent, and in the order of its sequences.
//!
//! Owns where each sequence of each producer was seen. Leaves the batches themselves to `log`.

use std::collections::BTreeMap;

use broker_store::batch::BatchInfo;

use super::{Checked, log::Partition};
use crate::broken;

/// The checker.
#[derive(Default)]
pub struct ProducerCheck {
    /// By partition, producer id, epoch and first sequence: the offset.
    seen: BTreeMap<(Partition, i64, i16), BTreeMap<i32, i64>>,
    /// Producer ids that were given out.
    ids: std::collections::BTreeSet<i64>,
}

impl ProducerCheck {
    /// A producer was given this id.
    pub fn given(&mut self, id: i64) -> Checked {
        if !self.ids.insert(id) {
            broken!("producer id {id} was given out twice");
        }
        Ok(())
    }

    /// A batch is in a partition, as a reader or the producer itself was told.
    pub fn seen(&mut self, partition: &Partition, batch: &BatchInfo) -> Checked {
        // The broker's own batches, markers and committed offsets, have no sequence.
        if batch.producer_id < 0 || batch.base_sequence < 0 {
            return Ok(());
        }
        let (id, epoch, sequence, offset) =
            (batch.producer_id, batch.producer_epoch, batch.base_sequence, batch.base_offset);
        let batches = self.seen.entry((partition.clone(), id, epoch)).or_default();
        if let Some(other) = batches.insert(sequence, offset)
            && other != offset
        {
            broken!("{partition:?}: sequence {sequence} of producer {id} is at offset {other} and at {offset}");
        }
        let before = batches.range(..sequence).next_back().is_none_or(|(_, other)| *other < offset);
        let after = batches.range(sequence + 1..).next().is_none_or(|(_, other)| *other > offset);
        if !before || !after {
            broken!("{partition:?}: sequence {sequence} of producer {id} at offset {offset} is out of order");
        }
        Ok(())
    }

    /// The topic is gone.
    pub fn forget(&mut self, topic: &str) {
        self.seen.retain(|((name, _), _, _), _| name != topic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_there_once_and_in_order() {
        let seen = |steps: &[(i32, i64)]| {
            let mut check = ProducerCheck::default();
            let batch = |&(base_sequence, base_offset): &(i32, i64)| BatchInfo {
                producer_id: 1,
                producer_epoch: 0,
                base_sequence,
                base_offset,
                ..BatchInfo::default()
            };
            steps.iter().all(|step| check.seen(&("t".into(), 0), &batch(step)).is_ok())
        };
        assert!(seen(&[(0, 0), (5, 7), (0, 0)]));
        assert!(!seen(&[(0, 0), (0, 5)]), "twice");
        assert!(!seen(&[(0, 5), (5, 0)]), "out of order");
    }
}
