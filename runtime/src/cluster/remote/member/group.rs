//! What librdkafka says of the group, kept until the machine asks.
//!
//! Invariant: an assignment that the machine has is given back only after it was told; one that nobody has taken, at once.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    types::RDKafkaRespErr,
};
use runtime_core::{consumer::protocol::Assignment, exchange::TopicPartition};

use crate::client::Talk;

/// What librdkafka says of the group.
pub(super) struct Group {
    pub(super) talk: Talk,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) assigned: Assignment,
    pub(super) subscribed: Vec<String>,
    pub(super) generation: i32,
    /// The partitions belong to somebody else already.
    pub(super) lost: bool,
    /// As it was when the assignment was taken.
    pub(super) committed: BTreeMap<TopicPartition, i64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing is subscribed to.
    #[default]
    Out,
    /// Waits for an assignment.
    Joining,
    /// There is one, and nobody has taken it.
    Offered,
    /// The machine has it.
    Active,
    /// It is to be given back.
    Revoked,
}

impl Group {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

crate::client::client_context!(Group, talk);

impl ConsumerContext for Group {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        let mut state = self.state();
        match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                let mut assigned = Assignment::new();
                for element in partitions.elements() {
                    assigned.entry(element.topic().to_owned()).or_default().push(element.partition());
                }
                assigned.values_mut().for_each(|partitions| partitions.sort_unstable());
                (state.assigned, state.generation) = (assigned, state.generation + 1);
                if state.phase == Phase::Joining {
                    state.phase = Phase::Offered;
                }
            }
            _ if state.phase == Phase::Active => {
                (state.phase, state.lost) = (Phase::Revoked, consumer.assignment_lost());
            }
            // Nobody has taken it: it is given back at once.
            _ => {
                if state.phase == Phase::Offered {
                    state.phase = Phase::Joining;
                }
                drop(state);
                if let Err(error) = consumer.unassign() {
                    tracing::warn!("{}: {error}", self.talk.name());
                }
            }
        }
    }
}
