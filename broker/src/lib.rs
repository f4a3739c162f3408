//! The broker as it runs: sockets, disks, clocks and threads around `broker_core`.
//!
//! Owns everything that waits or does I/O. Leaves every decision to the core, every byte format to `broker_wire` and `broker_store`.

mod api;
mod codecs;
mod connection;
mod disk;
mod drive;
mod handle;
mod journal;
mod listen;
mod node;
mod read;
mod segments;
pub mod settings;

pub use broker_store::segment::ReadError;
pub use handle::{Gone, Handle};
pub use node::Node;
