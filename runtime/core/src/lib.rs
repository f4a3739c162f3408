//! Every decision of the Connect runtime, and no I/O.

extern crate alloc;

pub mod batches;
pub mod client_settings;
pub mod columns;
pub mod complaint;
pub mod config;
pub mod connect_topics;
pub mod connector_file;
pub mod consumer;
pub mod convert;
pub mod data;
pub mod errors;
pub mod exchange;
#[cfg(test)]
mod fake;
pub mod herder;
pub mod offset_file;
pub mod offsets;
pub mod partition;
pub mod plugin;
pub mod properties;
pub mod record;
pub mod rest;
pub mod scalar;
pub mod sink;
pub mod source;
pub mod task;
pub mod time;
pub mod transform;
pub mod worker_config;
