//! What tools ask about transactions: describe, list, and the producers of a partition.
//!
//! Owns these views; changes nothing.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use super::{
    Transactions,
    transaction::{State, Transaction},
};
use crate::{
    Broker,
    error::Error,
    request::{
        ListTransactions, ListedTransactions, PartitionsByTopic, ProducerDescription, TopicReply,
        TransactionDescription,
    },
    time::Wall,
};

/// States of Kafka's coordinator that no transaction is ever in here.
const NEVER: [&str; 4] = ["PrepareCommit", "PrepareAbort", "PrepareEpochFence", "Dead"];

impl Transactions {
    /// One id. Errors: `InvalidRequest` for an empty one, `TransactionalIdNotFound`.
    pub fn describe(&self, id: &str) -> Result<TransactionDescription, Error> {
        let known = self.get(id).ok_or(match id {
            "" => Error::InvalidRequest,
            _ => Error::TransactionalIdNotFound,
        })?;
        let topics = known.by_topic().into_iter().map(|(topic, partitions)| (topic.to_string(), partitions));
        Ok(TransactionDescription {
            state: known.state.name(),
            timeout_ms: known.timeout_ms,
            started: known.started,
            producer_id: known.producer_id,
            epoch: known.epoch,
            topics: topics.collect(),
        })
    }

    /// Those that pass the filters. A state that is none makes a filter that nothing passes.
    pub fn list(&self, wall: Wall, filters: &ListTransactions) -> ListedTransactions {
        let is_state = |name: &str| State::ALL.iter().any(|state| state.name() == name) || NEVER.contains(&name);
        let unknown_states: Vec<String> = filters.states.iter().filter(|name| !is_state(name)).cloned().collect();
        let wanted = |transaction: &Transaction| {
            let state = filters.states.is_empty() || filters.states.iter().any(|name| name == transaction.state.name());
            let producer = filters.producer_ids.is_empty() || filters.producer_ids.contains(&transaction.producer_id);
            let long = filters.longer_than_ms.is_none_or(|ms| {
                transaction.state == State::Ongoing && wall.0.saturating_sub(transaction.started) > ms
            });
            state && producer && long
        };
        let listed = self.iter().filter(|(_, transaction)| wanted(transaction));
        let transactions = listed.map(|(id, t)| (id.clone(), t.producer_id, t.state.name())).collect();
        ListedTransactions { unknown_states, transactions }
    }
}

impl Broker {
    pub(crate) fn describe_producers(
        &self,
        topics: PartitionsByTopic,
    ) -> Vec<TopicReply<(i32, Result<Vec<ProducerDescription>, Error>)>> {
        let topic = |(topic, partitions): (String, Vec<i32>)| {
            let one = |index: i32| match self.partition(&topic, index) {
                Some(partition) => (index, Ok(partition.producers.describe())),
                None => (index, Err(Error::UnknownTopicOrPartition)),
            };
            let partitions = partitions.into_iter().map(one).collect();
            TopicReply { topic, partitions }
        };
        topics.into_iter().map(topic).collect()
    }
}
