//! Every decision of the Connect runtime, and no I/O.

extern crate alloc;

pub mod config;
pub mod connect_topics;
pub mod connector_file;
pub mod convert;
pub mod exchange;
pub mod herder;
pub mod offsets;
pub mod plugin;
pub mod properties;
pub mod record;
pub mod rest;
pub mod scalar;
pub mod time;
pub mod worker_config;
pub mod batches;
pub mod columns;
pub mod consumer;
pub mod partition;
pub mod sink;
pub mod source;
pub mod task;
#[cfg(test)]
mod fake;
