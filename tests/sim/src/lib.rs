//! The simulator: the real broker, store and task loops on a disk, a clock and clients that are made up, from one seed.
//!
//! Owns the fake parts and the choice of what happens next. Everything that decides is production's: `broker_core::Broker`,
//! `broker_store`'s journal, segments, checkpoints and recovery, `runtime_core`'s source, sink and consumer loops.
//!
//! Reading order: [`run`] is a seed from start to end; [`plan`] what the seed decides beforehand; [`world`] chooses each step;
//! [`process`] is one life of the broker; [`disk`] is what it writes to; [`workload`] has the clients; [`check`] what must be true, one
//! promise per file; [`scenarios`] exact stories, one per mistake found.
//!
//! Invariant: no clock, thread, file or chance but the seed's; it compiles for wasm and runs in a browser.

extern crate self as sim;

pub mod audit;
pub mod check;
pub mod disk;
pub mod plan;
pub mod process;
pub mod random;
pub mod run;
pub mod scenarios;
pub mod trace;
pub mod workload;
pub mod world;
