//! Promise: a transaction is there whole or not at all, over all its partitions and its offset; a reader of committed records never sees
//! one that is open or aborted, and never misses one that is committed.
//!
//! Owns what each transaction wrote and how it ended, as far as its client knows. An end that was never answered is settled by the first
//! reader that sees a record of it. Invariant: a record names its transaction, so a reader knows what it sees.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checked, log::Partition};
use crate::broken;

/// A transaction: whose, and its number, which grows.
pub type Label = (String, u32);

/// The checker.
#[derive(Default)]
pub struct TransactionCheck {
    transactions: BTreeMap<Label, Transaction>,
    /// What readers of committed records have seen since the last reader began from the start: record number and offset.
    seen: BTreeMap<(Label, Partition), BTreeMap<u32, i64>>,
}

#[derive(Debug)]
struct Transaction {
    end: End,
    /// Acknowledged records: partition, number, offset of its batch.
    wrote: BTreeSet<(Partition, u32, i64)>,
    /// It committed its number as an offset of its client's group.
    offset: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Its client goes on with it.
    Open,
    /// It was to be committed, and nobody knows whether it is.
    Doubt,
    Committed,
    Aborted,
}

/// The value of a transaction's record.
pub fn value((client, number): &Label, record: u32) -> String {
    format!("txn/{client}/{number}/{record}")
}

fn parse(value: &str) -> Option<(Label, u32)> {
    let mut parts = value.strip_prefix("txn/")?.split('/');
    let label = (parts.next()?.to_string(), parts.next()?.parse().ok()?);
    Some((label, parts.next()?.parse().ok()?))
}

impl TransactionCheck {
    /// A transaction begins.
    pub fn begins(&mut self, label: &Label) {
        let new = Transaction { end: End::Open, wrote: BTreeSet::new(), offset: false };
        assert!(self.transactions.insert(label.clone(), new).is_none(), "numbers are given once");
    }

    /// A record of it was acknowledged, in the batch at this offset.
    pub fn wrote(&mut self, label: &Label, partition: &Partition, record: u32, offset: i64) {
        self.of(label).wrote.insert((partition.clone(), record, offset));
    }

    /// Its offset was accepted.
    pub fn committed_offset(&mut self, label: &Label) {
        self.of(label).offset = true;
    }

    /// Its commit is asked for: from now on readers may see it.
    pub fn committing(&mut self, label: &Label) {
        self.of(label).end = End::Doubt;
    }

    /// Its client was told that it is committed.
    pub fn committed(&mut self, label: &Label) {
        self.of(label).end = End::Committed;
    }

    /// It is aborted for certain: its client was told so, or has begun anew without asking for its commit. What was in doubt stays so.
    pub fn given_up(&mut self, label: &Label) {
        let transaction = self.of(label);
        if transaction.end == End::Open {
            transaction.end = End::Aborted;
        }
    }

    /// Its commit was refused: it is aborted.
    pub fn refused(&mut self, label: &Label) -> Checked {
        let transaction = self.of(label);
        if transaction.end == End::Committed {
            broken!("transaction {label:?} was seen as committed and its commit is refused");
        }
        transaction.end = End::Aborted;
        Ok(())
    }

    /// A reader of committed records sees this value.
    pub fn sees(&mut self, partition: &Partition, offset: i64, value: &str) -> Checked {
        let Some((label, record)) = parse(value) else { return Ok(()) };
        let Some(transaction) = self.transactions.get_mut(&label) else {
            broken!("{partition:?}: {value} at {offset} is of no transaction");
        };
        match transaction.end {
            End::Open => broken!("{partition:?}: {value} at {offset} is served as committed while it is open"),
            End::Aborted => broken!("{partition:?}: {value} at {offset} is served as committed and was aborted"),
            End::Doubt => transaction.end = End::Committed,
            End::Committed => {}
        }
        let records = self.seen.entry((label, partition.clone())).or_default();
        if records.insert(record, offset).is_some_and(|other| other != offset) {
            broken!("{partition:?}: {value} is there twice");
        }
        Ok(())
    }

    /// A reader begins from the start, and must see again whatever others saw.
    pub fn looks_again(&mut self) {
        self.seen.clear();
    }

    /// A reader has seen all that is committed in a partition below its last stable offset.
    pub fn all_seen(&self, partition: &Partition, last_stable_offset: i64) -> Checked {
        for (label, transaction) in &self.transactions {
            if transaction.end != End::Committed {
                continue;
            }
            let here = transaction.wrote.iter().filter(|(other, _, at)| other == partition && *at < last_stable_offset);
            let seen = self.seen.get(&(label.clone(), partition.clone()));
            for (_, record, offset) in here {
                if !seen.is_some_and(|seen| seen.contains_key(record)) {
                    broken!("{partition:?}: record {record} at {offset} of {label:?} is committed and not served");
                }
            }
        }
        Ok(())
    }

    /// This is the offset that a client's group has: the number of its last committed transaction that had one.
    pub fn offset_is(&mut self, client: &str, offset: i64) -> Checked {
        let own = self.transactions.iter().filter(|((owner, _), transaction)| owner == client && transaction.offset);
        let latest = own
            .filter(|(_, transaction)| transaction.end == End::Committed)
            .map(|((_, number), _)| *number)
            .next_back();
        let latest = latest.map_or(-1, i64::from);
        if offset < latest {
            broken!("{client}'s transaction {latest} is committed, and its group's offset is {offset}");
        }
        if offset > latest {
            let label = (client.to_string(), offset as u32);
            match self.transactions.get_mut(&label) {
                Some(transaction) if transaction.end == End::Doubt => transaction.end = End::Committed,
                other => {
                    broken!("{client}'s group has offset {offset}, of a transaction that is not committed: {other:?}")
                }
            }
        }
        Ok(())
    }

    /// The clients that there are.
    pub fn clients(&self) -> BTreeSet<String> {
        self.transactions.keys().map(|(client, _)| client.clone()).collect()
    }

    /// How many are committed.
    pub fn count(&self) -> usize {
        self.transactions.values().filter(|transaction| transaction.end == End::Committed).count()
    }

    fn of(&mut self, label: &Label) -> &mut Transaction {
        self.transactions.get_mut(label).expect("it has begun")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label() -> Label {
        ("c".into(), 3)
    }

    /// A transaction with a record in each of two partitions and an offset; then what is told.
    fn check(tell: impl Fn(&mut TransactionCheck, &[Partition; 2]) -> Checked, expected: &str) {
        let (mut check, partitions) = (TransactionCheck::default(), [("t".to_string(), 0), ("t".to_string(), 1)]);
        check.begins(&label());
        check.wrote(&label(), &partitions[0], 0, 5);
        check.wrote(&label(), &partitions[1], 1, 8);
        check.committed_offset(&label());
        let told = tell(&mut check, &partitions).err().unwrap_or_default();
        assert!(told.contains(expected) && told.is_empty() == expected.is_empty(), "{told:?} is not {expected:?}");
    }

    #[test]
    fn every_way_to_break_the_promise_is_noticed() {
        let (zero, one) = (value(&label(), 0), value(&label(), 1));
        check(|c, p| c.sees(&p[0], 5, &zero), "while it is open");
        check(
            |c, p| {
                c.given_up(&label());
                c.sees(&p[0], 5, &zero)
            },
            "was aborted",
        );
        check(
            |c, p| {
                c.committed(&label());
                c.all_seen(&p[0], 5).and_then(|()| c.all_seen(&p[0], 6))
            },
            "not served",
        );
        let seen_in_one = |c: &mut TransactionCheck, p: &[Partition; 2]| {
            c.committing(&label());
            c.all_seen(&p[0], 9).and_then(|()| c.sees(&p[0], 5, &zero))
        };
        check(|c, p| seen_in_one(c, p).and_then(|()| c.all_seen(&p[1], 9)), "not served");
        check(|c, p| seen_in_one(c, p).and_then(|()| c.sees(&p[1], 8, &one)).and_then(|()| c.all_seen(&p[1], 9)), "");
        check(|c, p| seen_in_one(c, p).and_then(|()| c.offset_is("c", -1)), "its group's offset is -1");
        check(|c, p| seen_in_one(c, p).and_then(|()| c.offset_is("c", 3)), "");
        check(|c, p| seen_in_one(c, p).and_then(|()| c.sees(&p[0], 7, &zero)), "twice");
        check(|c, _| c.offset_is("c", 3), "not committed");
        check(
            |c, p| {
                c.committing(&label());
                c.offset_is("c", 3).and_then(|()| c.all_seen(&p[0], 9))
            },
            "not served",
        );
        check(|c, p| seen_in_one(c, p).and_then(|()| c.refused(&label())), "is refused");
        check(
            |c, p| {
                seen_in_one(c, p)?;
                c.looks_again();
                c.all_seen(&p[0], 9)
            },
            "not served",
        );
    }
}
