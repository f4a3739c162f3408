//! Every decision of the Connect runtime, and no I/O.

extern crate alloc;

pub mod config;
pub mod connector_file;
pub mod properties;
pub mod rest;
pub mod plugin;
pub mod record;
pub mod scalar;
