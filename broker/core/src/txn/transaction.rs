//! One transactional id: its producer, and its transaction if one is open.
//!
//! Owns the record of it in `__transaction_state`, as Kafka's own tools read it (`TransactionLogKey.json`,
//! `TransactionLogValue.json`). Invariant: what is encoded here decodes to the same value.
//!
//! ```text
//! key    | version i16 = 0 | transactional id str |
//! value  | version i16 = 1 | producer id i64 | epoch i16 | timeout ms i32 | state i8 | topics | updated i64 | started i64 | tags |
//! topics | count | of each: name, count, partitions i32, no tags
//! tags   | 0 previous producer id i64 | 100, ours: previous epoch i16
//! ```
//! Lengths and counts in the value are unsigned varints plus one. Kafka's tag 1, 2 and 3 belong to transactions v2 (KIP-890).

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use crate::{
    big_endian::{BigEndian, put_compact_len, put_string, put_varint},
    codec::Damaged,
};

const WHAT: &str = "a transaction's state";
const VALUE_VERSION: i16 = 1;
const PREVIOUS_PRODUCER_ID: u32 = 0;
const PREVIOUS_EPOCH: u32 = 100;

/// Where a transactional id is. Ending a transaction is one journal entry, so nothing is ever between open and complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Empty,
    Ongoing,
    CompleteCommit,
    CompleteAbort,
}

impl State {
    pub const ALL: [State; 4] = [State::Empty, State::Ongoing, State::CompleteCommit, State::CompleteAbort];

    /// Kafka's name for it (`TransactionState`).
    pub fn name(self) -> &'static str {
        match self {
            State::Empty => "Empty",
            State::Ongoing => "Ongoing",
            State::CompleteCommit => "CompleteCommit",
            State::CompleteAbort => "CompleteAbort",
        }
    }

    fn number(self) -> i8 {
        match self {
            State::Empty => 0,
            State::Ongoing => 1,
            State::CompleteCommit => 4,
            State::CompleteAbort => 5,
        }
    }
}

/// A transactional id's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transaction {
    pub producer_id: i64,
    pub epoch: i16,
    /// Producer id and epoch that its owner named when it got the present ones, so that it may ask again (KIP-360); -1 for none.
    pub previous: (i64, i16),
    /// How long it may be open, milliseconds.
    pub timeout_ms: i32,
    pub state: State,
    /// Where it may have written.
    pub partitions: BTreeSet<(String, i32)>,
    /// When the open one began, milliseconds since 1970; -1 if none is open.
    pub started: i64,
    /// When this last changed.
    pub updated: i64,
}

impl Transaction {
    pub fn key(id: &str) -> Vec<u8> {
        let mut out = 0i16.to_be_bytes().to_vec();
        put_string(&mut out, id);
        out
    }

    pub fn decode_key(key: &[u8]) -> Result<String, Damaged> {
        let mut key = BigEndian::new(key, WHAT);
        key.i16()?;
        key.string()
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = VALUE_VERSION.to_be_bytes().to_vec();
        out.extend_from_slice(&self.producer_id.to_be_bytes());
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&self.timeout_ms.to_be_bytes());
        out.extend_from_slice(&self.state.number().to_be_bytes());
        let topics = self.by_topic();
        put_compact_len(&mut out, topics.len());
        for (topic, partitions) in topics {
            put_compact_len(&mut out, topic.len());
            out.extend_from_slice(topic.as_bytes());
            put_compact_len(&mut out, partitions.len());
            partitions.iter().for_each(|partition| out.extend_from_slice(&partition.to_be_bytes()));
            out.push(0);
        }
        out.extend_from_slice(&self.updated.to_be_bytes());
        out.extend_from_slice(&self.started.to_be_bytes());
        put_varint(&mut out, 2);
        put_tag(&mut out, PREVIOUS_PRODUCER_ID, &self.previous.0.to_be_bytes());
        put_tag(&mut out, PREVIOUS_EPOCH, &self.previous.1.to_be_bytes());
        out
    }

    pub fn decode(value: &[u8]) -> Result<Transaction, Damaged> {
        let mut value = BigEndian::new(value, WHAT);
        if value.i16()? != VALUE_VERSION {
            return Err(Damaged("a transaction's state is of a version that only a newer connectd knows"));
        }
        let (producer_id, epoch, timeout_ms, number) = (value.i64()?, value.i16()?, value.i32()?, value.i8()?);
        let state = State::ALL.into_iter().find(|state| state.number() == number).ok_or(value.damaged())?;
        let partitions = decode_partitions(&mut value)?;
        let (updated, started) = (value.i64()?, value.i64()?);
        let mut previous = (-1, -1);
        value.tags(|number, mut tag| {
            match number {
                PREVIOUS_PRODUCER_ID => previous.0 = tag.i64()?,
                PREVIOUS_EPOCH => previous.1 = tag.i16()?,
                _ => {}
            }
            Ok(())
        })?;
        value.end()?;
        Ok(Transaction { producer_id, epoch, previous, timeout_ms, state, partitions, started, updated })
    }

    /// Its partitions, by topic.
    pub fn by_topic(&self) -> BTreeMap<&str, Vec<i32>> {
        let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        for (topic, partition) in &self.partitions {
            topics.entry(topic).or_default().push(*partition);
        }
        topics
    }
}

fn decode_partitions(value: &mut BigEndian<'_>) -> Result<BTreeSet<(String, i32)>, Damaged> {
    let mut partitions = BTreeSet::new();
    for _ in 0..value.compact_len()?.unwrap_or_default() {
        let topic = value.compact_string()?;
        for _ in 0..value.compact_len()?.unwrap_or_default() {
            partitions.insert((topic.clone(), value.i32()?));
        }
        value.tags(|_, _| Ok(()))?;
    }
    Ok(partitions)
}

fn put_tag(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_varint(out, number);
    put_varint(out, bytes.len() as u32);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_comes_back_and_none_survives_a_cut() {
        for state in State::ALL {
            let transaction = Transaction {
                producer_id: 4_000,
                epoch: 7,
                previous: (3_000, 32_766),
                timeout_ms: 60_000,
                state,
                partitions: [("t", 3), ("t", 1), ("u", 0)].map(|(topic, index)| (topic.into(), index)).into(),
                started: 5,
                updated: 6,
            };
            let bytes = transaction.encode();
            assert_eq!(Transaction::decode(&bytes), Ok(transaction));
            assert!((0..bytes.len()).all(|cut| Transaction::decode(&bytes[..cut]).is_err()));
        }
        assert_eq!(Transaction::decode_key(&Transaction::key("my-id")).as_deref(), Ok("my-id"));
    }
}
