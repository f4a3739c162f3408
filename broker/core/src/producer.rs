//! What a partition remembers of its idempotent and transactional producers.
//!
//! Owns the sequence rules of Kafka's `ProducerStateManager` (broker-contract 2.4). Invariant: state moves only in [`Producers::replay`],
//! by batches that are in the log, so it is the same after a restart.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};
use broker_store::{batch::BatchInfo, clean::LastOfProducer, segment::ProducerEntry};

use crate::{
    codec::{Damaged, Reader, Writer},
    error::Error,
    request::ProducerDescription,
    txn::marker::Marker,
};

/// Batches remembered per producer (`ProducerStateEntry.NUM_BATCHES_TO_RETAIN`).
const REMEMBERED: usize = 5;

/// Producers kept per partition. Beyond it the one that wrote longest ago is forgotten, as Kafka's expiry would.
const MOST: usize = 10_000;

/// The producers of one partition.
#[derive(Default)]
pub(crate) struct Producers {
    known: BTreeMap<i64, Producer>,
    /// Producers whose first batch was turned away for want of room, with its epoch and sequence: a later one must not overtake it.
    /// Kept in memory only, because no request outlives a restart.
    turned_away: BTreeMap<i64, (i16, i32)>,
}

struct Producer {
    epoch: i16,
    /// Of this epoch.
    batches: VecDeque<Written>,
    /// Largest timestamp of its last batch or marker, milliseconds since 1970.
    last_timestamp: i64,
    /// Of its last marker, -1 for none.
    coordinator_epoch: i32,
    /// First offset of its open transaction.
    open: Option<i64>,
}

impl Producer {
    fn new(epoch: i16) -> Self {
        Self { epoch, batches: VecDeque::new(), last_timestamp: -1, coordinator_epoch: -1, open: None }
    }

    /// A batch or marker of this epoch: those of another are forgotten.
    fn at(&mut self, epoch: i16, timestamp: i64) {
        if self.epoch != epoch {
            (self.epoch, self.batches) = (epoch, VecDeque::new());
        }
        self.last_timestamp = timestamp;
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Written {
    first_sequence: i32,
    last_sequence: i32,
    base_offset: i64,
}

impl Written {
    fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_sequence.wrapping_sub(self.first_sequence) & i32::MAX)
    }
}

/// What to do with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Append it.
    Append,
    /// It is there already, from this offset on.
    Duplicate { base_offset: i64 },
}

impl Producers {
    /// Judges a batch; changes nothing.
    pub fn check(&self, batch: &BatchInfo) -> Result<Verdict, Error> {
        if batch.producer_id < 0 {
            return Ok(Verdict::Append);
        }
        let Some(producer) = self.known.get(&batch.producer_id) else {
            let first = self.turned_away.get(&batch.producer_id);
            let overtakes = first
                .is_some_and(|(epoch, sequence)| *epoch == batch.producer_epoch && *sequence != batch.base_sequence);
            return if overtakes { Err(Error::OutOfOrderSequenceNumber) } else { Ok(Verdict::Append) };
        };
        if batch.producer_epoch < producer.epoch {
            return Err(Error::InvalidProducerEpoch);
        }
        if batch.producer_epoch > producer.epoch {
            return if batch.base_sequence == 0 { Ok(Verdict::Append) } else { Err(Error::OutOfOrderSequenceNumber) };
        }
        let last = last_sequence(batch);
        if let Some(same) =
            producer.batches.iter().find(|w| w.first_sequence == batch.base_sequence && w.last_sequence == last)
        {
            return Ok(Verdict::Duplicate { base_offset: same.base_offset });
        }
        if producer.open.is_some() && !batch.is_transactional() {
            return Err(Error::InvalidTxnState);
        }
        let next = producer.batches.back().map_or(0, |back| after(back.last_sequence, 1));
        if batch.base_sequence == next { Ok(Verdict::Append) } else { Err(Error::OutOfOrderSequenceNumber) }
    }

    /// Whether a marker from outside may end what this producer has open. Errors: `InvalidProducerEpoch`,
    /// `TransactionCoordinatorFenced`.
    pub fn check_marker(&self, marker: &Marker) -> Result<(), Error> {
        match self.known.get(&marker.producer_id) {
            Some(producer) if marker.epoch < producer.epoch => Err(Error::InvalidProducerEpoch),
            Some(producer) if marker.coordinator_epoch < producer.coordinator_epoch => {
                Err(Error::TransactionCoordinatorFenced)
            }
            _ => Ok(()),
        }
    }

    /// Takes note of a batch that was turned away and will be sent again.
    pub fn turned_away(&mut self, batch: &BatchInfo) {
        let is_first = batch.producer_id >= 0 && !self.known.contains_key(&batch.producer_id);
        if is_first && self.turned_away.len() < MOST {
            self.turned_away.entry(batch.producer_id).or_insert((batch.producer_epoch, batch.base_sequence));
        }
    }

    /// Takes note of a batch in the log at `base_offset`; true if it begins a transaction.
    pub fn replay(&mut self, batch: &BatchInfo, base_offset: i64) -> bool {
        if batch.producer_id < 0 {
            return false;
        }
        self.turned_away.remove(&batch.producer_id);
        let producer = self.of(batch.producer_id, batch.producer_epoch);
        producer.at(batch.producer_epoch, batch.max_timestamp);
        // The broker's own batches of committed offsets have no sequence.
        if batch.base_sequence >= 0 {
            if producer.batches.len() == REMEMBERED {
                producer.batches.pop_front();
            }
            let (first_sequence, last_sequence) = (batch.base_sequence, last_sequence(batch));
            producer.batches.push_back(Written { first_sequence, last_sequence, base_offset });
        }
        let begins = batch.is_transactional() && producer.open.is_none();
        if begins {
            producer.open = Some(base_offset);
        }
        begins
    }

    /// Takes note of a marker in the log; the first offset of the transaction that it ends, if one was open.
    pub fn replay_marker(&mut self, marker: &Marker, timestamp: i64) -> Option<i64> {
        let producer = self.of(marker.producer_id, marker.epoch);
        producer.at(marker.epoch, timestamp);
        producer.coordinator_epoch = marker.coordinator_epoch;
        producer.open.take()
    }

    fn of(&mut self, id: i64, epoch: i16) -> &mut Producer {
        if self.known.len() >= MOST && !self.known.contains_key(&id) {
            self.forget_oldest();
        }
        self.known.entry(id).or_insert_with(|| Producer::new(epoch))
    }

    /// First offsets of the open transactions.
    pub fn open(&self) -> impl Iterator<Item = i64> {
        self.known.values().filter_map(|producer| producer.open)
    }

    /// Forgets producers that last wrote at this time or earlier, milliseconds since 1970, and have nothing open.
    pub fn forget_older(&mut self, timestamp: i64) {
        self.known.retain(|_, producer| producer.open.is_some() || producer.last_timestamp > timestamp);
    }

    /// All of them, for tools.
    pub fn describe(&self) -> Vec<ProducerDescription> {
        let one = |(id, producer): (&i64, &Producer)| ProducerDescription {
            producer_id: *id,
            epoch: producer.epoch,
            last_sequence: producer.batches.back().map_or(-1, |last| last.last_sequence),
            last_timestamp: producer.last_timestamp,
            coordinator_epoch: producer.coordinator_epoch,
            open_since_offset: producer.open.unwrap_or(-1),
        };
        self.known.iter().map(one).collect()
    }

    /// All of them, for Kafka.
    pub fn entries(&self) -> Vec<ProducerEntry> {
        let last = |w: &Written| (w.first_sequence, w.last_sequence, w.last_offset());
        let one = |(id, producer): (&i64, &Producer)| ProducerEntry {
            id: *id,
            epoch: producer.epoch,
            last: producer.batches.back().map(last),
            timestamp: producer.last_timestamp,
            coordinator_epoch: producer.coordinator_epoch,
            open: producer.open,
        };
        self.known.iter().map(one).collect()
    }

    fn forget_oldest(&mut self) {
        let last_write = |p: &Producer| p.batches.back().map_or(-1, |w| w.base_offset);
        let idle = self.known.iter().filter(|(_, p)| p.open.is_none());
        if let Some(id) = idle.min_by_key(|(_, p)| last_write(p)).map(|(id, _)| *id) {
            self.known.remove(&id);
        }
    }

    /// The last batch of each, for compaction to keep.
    pub fn last_of_each(&self) -> BTreeMap<i64, LastOfProducer> {
        let last = |producer: &Producer| LastOfProducer {
            data: producer.batches.back().map(Written::last_offset),
            epoch: producer.epoch,
        };
        self.known.iter().map(|(id, producer)| (*id, last(producer))).collect()
    }

    pub fn encode(&self, out: &mut Writer) {
        out.list(self.known.iter(), |out, (id, producer)| {
            out.i64(*id).i16(producer.epoch).i64(producer.last_timestamp).i32(producer.coordinator_epoch);
            out.i64(producer.open.unwrap_or(-1)).list(producer.batches.iter(), |out, w| {
                out.i32(w.first_sequence).i32(w.last_sequence).i64(w.base_offset);
            });
        });
    }

    pub fn decode(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let written = |from: &mut Reader<'_>| {
            Ok(Written { first_sequence: from.i32()?, last_sequence: from.i32()?, base_offset: from.i64()? })
        };
        let one = |from: &mut Reader<'_>| {
            let (id, epoch, last_timestamp, coordinator_epoch) = (from.i64()?, from.i16()?, from.i64()?, from.i32()?);
            let open = Some(from.i64()?).filter(|first| *first >= 0);
            let batches = from.list(written)?.into();
            Ok((id, Producer { epoch, batches, last_timestamp, coordinator_epoch, open }))
        };
        Ok(Self { known: from.list(one)?.into_iter().collect(), turned_away: BTreeMap::new() })
    }
}

fn last_sequence(batch: &BatchInfo) -> i32 {
    after(batch.base_sequence, batch.last_offset_delta)
}

/// Sequences go from `i32::MAX` to 0.
fn after(sequence: i32, by: i32) -> i32 {
    sequence.wrapping_add(by) & i32::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(epoch: i16, base_sequence: i32, count: i32) -> BatchInfo {
        BatchInfo {
            producer_id: 1,
            producer_epoch: epoch,
            base_sequence,
            last_offset_delta: count - 1,
            ..BatchInfo::default()
        }
    }

    /// Five batches of ten from sequence 0 at epoch 1, offsets as sequences.
    fn five() -> Producers {
        let mut producers = Producers::default();
        for i in 0..5 {
            producers.replay(&batch(1, i * 10, 10), i64::from(i) * 10);
        }
        producers
    }

    #[test]
    fn a_batch_is_appended_known_or_refused() {
        use Error::*;
        use Verdict::*;
        let rows = [
            ("the next one", 1, 50, 10, Ok(Append)),
            ("the last one again", 1, 40, 10, Ok(Duplicate { base_offset: 40 })),
            ("the oldest remembered again", 1, 0, 10, Ok(Duplicate { base_offset: 0 })),
            ("same start, other length", 1, 40, 9, Err(OutOfOrderSequenceNumber)),
            ("a gap", 1, 51, 1, Err(OutOfOrderSequenceNumber)),
            ("an old epoch", 0, 50, 1, Err(InvalidProducerEpoch)),
            ("a new epoch from 0", 2, 0, 1, Ok(Append)),
            ("a new epoch from elsewhere", 2, 50, 1, Err(OutOfOrderSequenceNumber)),
        ];
        for (what, epoch, sequence, count, expected) in rows {
            assert_eq!(five().check(&batch(epoch, sequence, count)), expected, "{what}");
        }
        assert_eq!(Producers::default().check(&batch(3, 77, 1)), Ok(Append), "no state: any sequence");
    }

    #[test]
    fn nothing_overtakes_a_first_batch_that_was_turned_away() {
        let mut producers = Producers::default();
        producers.turned_away(&batch(0, 0, 3));
        producers.turned_away(&batch(0, 3, 3));
        assert_eq!(producers.check(&batch(0, 3, 3)), Err(Error::OutOfOrderSequenceNumber));
        assert_eq!(producers.check(&batch(0, 0, 3)), Ok(Verdict::Append));
        assert_eq!(producers.check(&batch(1, 0, 3)), Ok(Verdict::Append), "it was given up for a new epoch");
        producers.replay(&batch(0, 0, 3), 0);
        assert_eq!(producers.check(&batch(0, 3, 3)), Ok(Verdict::Append));
    }

    #[test]
    fn sequences_wrap_to_zero() {
        let mut producers = Producers::default();
        producers.replay(&batch(0, i32::MAX - 1, 2), 0);
        assert_eq!(producers.check(&batch(0, 0, 1)), Ok(Verdict::Append));
        producers.replay(&batch(0, 0, 1), 2);
        assert_eq!(producers.check(&batch(0, 0, 1)), Ok(Verdict::Duplicate { base_offset: 2 }));
    }

    #[test]
    fn a_snapshot_judges_like_the_original() {
        let mut out = Writer::default();
        five().encode(&mut out);
        let copy = Producers::decode(&mut Reader(&out.0)).unwrap();
        assert_eq!(copy.check(&batch(1, 10, 10)), Ok(Verdict::Duplicate { base_offset: 10 }));
        assert_eq!(copy.check(&batch(1, 60, 1)), Err(Error::OutOfOrderSequenceNumber));
    }

    fn in_transaction(epoch: i16, base_sequence: i32) -> BatchInfo {
        BatchInfo { attributes: broker_store::batch::TRANSACTIONAL, ..batch(epoch, base_sequence, 1) }
    }

    fn marker(epoch: i16) -> Marker {
        Marker { producer_id: 1, epoch, commit: true, coordinator_epoch: 2 }
    }

    #[test]
    fn a_transaction_begins_with_its_first_batch_and_ends_with_its_marker() {
        let mut producers = Producers::default();
        assert!(producers.replay(&in_transaction(0, 0), 5));
        assert!(!producers.replay(&in_transaction(0, 1), 6));
        assert_eq!(producers.open().collect::<Vec<_>>(), [5]);
        assert_eq!(producers.check(&batch(0, 2, 1)), Err(Error::InvalidTxnState), "no longer transactional");
        assert_eq!(producers.replay_marker(&marker(0), 9), Some(5));
        assert_eq!(producers.replay_marker(&marker(0), 9), None);
        assert_eq!(producers.check(&in_transaction(0, 2)), Ok(Verdict::Append), "sequences go on");
        assert_eq!(producers.replay_marker(&marker(1), 9), None);
        assert_eq!(producers.check(&in_transaction(0, 2)), Err(Error::InvalidProducerEpoch), "it was fenced");
        assert_eq!(producers.check(&in_transaction(1, 2)), Err(Error::OutOfOrderSequenceNumber));
        assert_eq!(producers.check(&in_transaction(1, 0)), Ok(Verdict::Append));
        assert_eq!(producers.check_marker(&marker(0)), Err(Error::InvalidProducerEpoch));
        let older = Marker { coordinator_epoch: 1, ..marker(1) };
        assert_eq!(producers.check_marker(&older), Err(Error::TransactionCoordinatorFenced));
        assert_eq!(producers.check_marker(&marker(1)), Ok(()));
    }

    #[test]
    fn a_producer_that_writes_no_more_is_forgotten_unless_its_transaction_is_open() {
        let mut producers = Producers::default();
        producers.replay(&BatchInfo { max_timestamp: 10, ..batch(0, 0, 1) }, 0);
        producers.replay(&BatchInfo { producer_id: 2, max_timestamp: 10, ..in_transaction(0, 0) }, 1);
        producers.forget_older(9);
        assert_eq!(producers.describe().len(), 2);
        producers.forget_older(10);
        assert_eq!(producers.describe().iter().map(|p| p.producer_id).collect::<Vec<_>>(), [2]);
    }
}
