//! Transactional ids: who owns each, and which partitions its open transaction may have written to.
//!
//! Owns the coordinator's rules (KIP-98, 360): fencing, the states of a transaction, its timeout, and when an id is forgotten. Leaves
//! its records to `transaction`, what a marker does to `producer` and `stable`, and the joining of them all to `coordinate`.
//!
//! A transaction ends in one journal entry: its markers, the offsets they make count and its new state. So there is no `Prepare...`
//! state, and nobody is told CONCURRENT_TRANSACTIONS because another's end is still under way.
//! Invariant: an id's state moves only by [`Transactions::replay`]; deadlines follow from it.

mod coordinate;
mod describe;
pub(crate) mod marker;
#[cfg(test)]
mod tests;
pub(crate) mod transaction;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    big_endian::fits,
    codec::{Damaged, Reader, Writer},
    error::Error,
    limits::TRANSACTIONAL_IDS,
    request::{InitProducerId, TransactionalProducer},
    time::{Now, Wall},
};
use transaction::{State, Transaction};

/// What an operator may set; defaults are Kafka's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionSettings {
    /// `transaction.max.timeout.ms`.
    pub max_timeout_ms: i32,
    /// `transactional.id.expiration.ms`: how long an id without an open transaction is remembered.
    pub id_expiration_ms: i64,
    /// `producer.id.expiration.ms`: how long a partition remembers a producer that writes no more.
    pub producer_id_expiration_ms: i64,
}

impl Default for TransactionSettings {
    fn default() -> Self {
        TransactionSettings {
            max_timeout_ms: 900_000,
            id_expiration_ms: 7 * 24 * 60 * 60 * 1000,
            producer_id_expiration_ms: 24 * 60 * 60 * 1000,
        }
    }
}

/// All transactional ids.
pub(crate) struct Transactions {
    settings: TransactionSettings,
    by_id: BTreeMap<String, Transaction>,
    /// When open transactions are aborted. One that was open before a restart gets its whole time again.
    deadlines: BTreeSet<(Now, String)>,
    deadline_of: BTreeMap<String, Now>,
}

/// A transaction that is to end.
#[derive(Debug)]
pub(crate) struct Ending {
    pub id: String,
    /// As it is before.
    pub open: Transaction,
    /// The epoch of its markers.
    pub epoch: i16,
    pub commit: bool,
}

/// What an InitProducerId asks for, in this order.
#[derive(Debug)]
pub(crate) struct Initialised {
    /// To be aborted first.
    pub abort: Option<Ending>,
    /// What the id becomes; producer id -1 asks for a new one.
    pub next: Transaction,
}

impl Transactions {
    pub fn new(settings: TransactionSettings) -> Self {
        Self { settings, by_id: BTreeMap::new(), deadlines: BTreeSet::new(), deadline_of: BTreeMap::new() }
    }

    pub fn get(&self, id: &str) -> Option<&Transaction> {
        self.by_id.get(id)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &Transaction)> {
        self.by_id.iter()
    }

    /// What a producer that starts with a transactional id gets. Errors: `InvalidRequest`, `InvalidTransactionTimeout`,
    /// `ProducerFenced`, `CoordinatorNotAvailable`.
    pub fn decide_init(&self, wall: Wall, id: &str, asked: &InitProducerId) -> Result<Initialised, Error> {
        if id.is_empty() || !fits(id) || (asked.current.0 < 0) != (asked.current.1 < 0) {
            return Err(Error::InvalidRequest);
        }
        if asked.timeout_ms <= 0 || asked.timeout_ms > self.settings.max_timeout_ms {
            return Err(Error::InvalidTransactionTimeout);
        }
        let next = Transaction {
            producer_id: -1,
            epoch: 0,
            previous: (-1, -1),
            timeout_ms: asked.timeout_ms,
            state: State::Empty,
            partitions: BTreeSet::new(),
            started: -1,
            updated: wall.0,
        };
        match self.by_id.get(id) {
            None if self.by_id.len() >= TRANSACTIONAL_IDS => Err(Error::CoordinatorNotAvailable),
            None => Ok(Initialised { abort: None, next }),
            Some(known) => next_owner(id, known, next, asked.current),
        }
    }

    /// The open transaction's state with these partitions in it, `None` if they are. Errors as those of `check`.
    pub fn decide_add(
        &self,
        wall: Wall,
        producer: &TransactionalProducer,
        partitions: impl IntoIterator<Item = (String, i32)>,
    ) -> Result<Option<Transaction>, Error> {
        let known = self.check(producer)?;
        let mut next = known.clone();
        if next.state != State::Ongoing {
            (next.state, next.started, next.previous) = (State::Ongoing, wall.0, (-1, -1));
            next.partitions.clear();
        }
        next.partitions.extend(partitions);
        let changed = next != *known;
        next.updated = wall.0;
        Ok(changed.then_some(next))
    }

    /// The end that a producer asks for, `None` if it has come already. Errors as those of `check`, and `InvalidTxnState`.
    pub fn decide_end(&self, producer: &TransactionalProducer, commit: bool) -> Result<Option<Ending>, Error> {
        let known = self.check(producer)?;
        match (known.state, commit) {
            (State::Ongoing, _) => Ok(Some(Ending {
                id: producer.transactional_id.clone(),
                open: known.clone(),
                epoch: known.epoch,
                commit,
            })),
            (State::CompleteCommit, true) | (State::CompleteAbort, false) => Ok(None),
            _ => Err(Error::InvalidTxnState),
        }
    }

    /// Whether a batch of this producer belongs into the partition now: only the open transaction that has it may write there
    /// (KIP-890 part 1). Errors as those of `check`, with the older `InvalidProducerEpoch`, and `InvalidTxnState`.
    pub fn check_write(&self, producer: &TransactionalProducer, topic: &str, partition: i32) -> Result<(), Error> {
        let known = self.check(producer).map_err(older)?;
        let added = known.state == State::Ongoing && known.partitions.contains(&(topic.to_string(), partition));
        if added { Ok(()) } else { Err(Error::InvalidTxnState) }
    }

    /// The id's state, if the request is its present owner's. Errors: `InvalidRequest`, `InvalidProducerIdMapping`,
    /// `ProducerFenced`.
    fn check(&self, producer: &TransactionalProducer) -> Result<&Transaction, Error> {
        if producer.transactional_id.is_empty() {
            return Err(Error::InvalidRequest);
        }
        match self.by_id.get(&producer.transactional_id) {
            Some(known) if known.producer_id != producer.producer_id => Err(Error::InvalidProducerIdMapping),
            Some(known) if known.epoch != producer.epoch => Err(Error::ProducerFenced),
            Some(known) => Ok(known),
            None => Err(Error::InvalidProducerIdMapping),
        }
    }

    /// A transaction that has been open for too long, to be aborted under the next epoch.
    pub fn overdue(&self, now: Now) -> Option<Ending> {
        let (_, id) = self.deadlines.first().filter(|(deadline, _)| *deadline <= now)?;
        Some(fencing(id, &self.by_id[id]))
    }

    /// When `overdue` is wanted next.
    pub fn poll_timeout(&self) -> Option<Now> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Ids that nobody has used for `transactional.id.expiration.ms`.
    pub fn expired(&self, wall: Wall) -> Vec<String> {
        let old = |transaction: &Transaction| {
            transaction.state != State::Ongoing
                && wall.0.saturating_sub(transaction.updated) >= self.settings.id_expiration_ms
        };
        self.by_id.iter().filter(|(_, transaction)| old(transaction)).map(|(id, _)| id.clone()).collect()
    }

    /// An id is in this state from now on, or forgotten. `now` is when a transaction's time begins.
    pub fn replay(&mut self, now: Now, id: &str, state: Option<Transaction>) {
        let open = state.as_ref().filter(|state| state.state == State::Ongoing);
        let deadline = open.map(|open| now.plus(u64::try_from(open.timeout_ms).unwrap_or(0)));
        match (deadline, self.deadline_of.get(id)) {
            (Some(deadline), None) => {
                self.deadlines.insert((deadline, id.to_string()));
                self.deadline_of.insert(id.to_string(), deadline);
            }
            (None, Some(_)) => {
                let deadline = self.deadline_of.remove(id).expect("it is there");
                self.deadlines.remove(&(deadline, id.to_string()));
            }
            _ => {}
        }
        match state {
            Some(state) => self.by_id.insert(id.to_string(), state),
            None => self.by_id.remove(id),
        };
    }

    pub fn encode(&self, out: &mut Writer) {
        out.list(self.by_id.iter(), |out, (id, transaction)| {
            out.str(id).bytes(&transaction.encode());
        });
    }

    pub fn decode(settings: TransactionSettings, now: Now, from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut transactions = Self::new(settings);
        for (id, state) in from.list(|from| Ok((from.str()?, Transaction::decode(from.bytes()?)?)))? {
            transactions.replay(now, &id, Some(state));
        }
        Ok(transactions)
    }
}

/// The abort that takes a transaction away from its producer.
fn fencing(id: &str, open: &Transaction) -> Ending {
    Ending { id: id.to_string(), open: open.clone(), epoch: open.epoch.saturating_add(1), commit: false }
}

/// Epochs beyond this one cannot be given out: the last is kept for fencing.
const LAST_EPOCH: i16 = i16::MAX - 1;

/// The next epoch of a known id, or a new producer id when its epochs are used up. `next` is filled in.
fn next_owner(id: &str, known: &Transaction, mut next: Transaction, current: (i64, i16)) -> Result<Initialised, Error> {
    let named = (current.0 >= 0).then_some(current);
    let open = known.state == State::Ongoing;
    match named {
        None => {}
        Some(named) if named == (known.producer_id, known.epoch) => next.previous = named,
        // It asked before, and the answer was lost.
        Some(named) if named == known.previous && !open => {
            return Ok(Initialised { abort: None, next: Transaction { updated: next.updated, ..known.clone() } });
        }
        Some(_) => return Err(Error::ProducerFenced),
    }
    let abort = open.then(|| fencing(id, known));
    let epoch = abort.as_ref().map_or(known.epoch, |abort| abort.epoch);
    if epoch < LAST_EPOCH {
        (next.producer_id, next.epoch) = (known.producer_id, epoch + 1);
    }
    Ok(Initialised { abort, next })
}

/// What a producer that knows no PRODUCER_FENCED is told.
pub(crate) fn older(error: Error) -> Error {
    if error == Error::ProducerFenced { Error::InvalidProducerEpoch } else { error }
}
