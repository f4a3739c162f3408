//! What must be true, kept beside the run: one promise per file.
//!
//! Owns what clients were told, over all restarts. It knows no more than clients do, so a checker that speaks up has seen the broker
//! break its word. Invariant: nothing is forgotten but by a client's own request.

pub mod connect;
pub mod group;
pub mod log;
pub mod producer;
pub mod table;
pub mod topic;
pub mod transaction;

/// Fine, or the promise that was broken.
pub type Checked = Result<(), String>;

/// All checkers.
#[derive(Default)]
pub struct Checks {
    /// What was acknowledged or served is there, unchanged, without gaps.
    pub log: log::LogCheck,
    /// A compacted partition has the latest record of every key.
    pub tables: table::TableCheck,
    /// An idempotent producer's batch is there once.
    pub producers: producer::ProducerCheck,
    /// Committed offsets are neither lost nor go back; a partition has one owner per generation.
    pub groups: group::GroupCheck,
    /// Topics stay, under their ids, until they are deleted.
    pub topics: topic::TopicCheck,
    /// A transaction is there whole or not at all.
    pub transactions: transaction::TransactionCheck,
    /// A source's lines are in the topic once and in order, and in the sink's file.
    pub connect: connect::ConnectCheck,
}

/// A refusal with its reason.
#[macro_export]
macro_rules! broken {
    ($($what:tt)*) => { return Err(format!($($what)*)) };
}
