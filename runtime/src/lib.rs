//! connectd: the broker, the Connect runtime and its REST API in one process.
//!
//! Owns everything of the runtime that waits or does I/O. Start reading at `standalone`: it puts the parts together. Leaves decisions to
//! `runtime_core`, guests to `runtime_host`, records to `broker`.

pub mod broker_command;
pub mod client;
pub mod cluster;
pub mod demo;
pub mod failure;
pub mod grants;
pub mod herd;
pub mod home;
pub mod logging;
pub mod metrics;
pub mod place;
pub mod plugins;
pub mod ports;
pub mod probe;
pub mod providers;
pub mod rest;
pub mod signals;
pub mod standalone;
pub mod tools;
pub mod trial;
pub mod worker;
