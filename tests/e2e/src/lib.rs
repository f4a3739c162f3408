//! The kit that drives the built binary from outside, as a stranger would.
//!
//! Owns: folders and ports for one run, child processes, a REST client, and a Kafka client small enough to check by eye.
//! Leaves to others: every expectation (they stand in `tests/*.rs`, and in `xtask` for benchmarks and real clients).
//! Invariant: nothing here links the product; whatever a test learns, it learned over a file, a socket or an exit code.

pub mod connectd;
pub mod folder;
pub mod guests;
pub mod purity;
pub mod random;
pub mod rest;
pub mod running;
pub mod wait;
pub mod wire;

pub use connectd::{Connectd, Worker};
pub use folder::Folder;
pub use rest::{Answer, Rest};
pub use running::Running;
pub use wait::{free_port, until};
