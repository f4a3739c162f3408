//! The edge to WebAssembly: wasmtime and nothing else.
//!
//! ```text
//! Engine ── load(bytes) ──> Plugin ── connector() ───> Connector      one Store each,
//!   settings, ticker,         description,  source_task() > SourceTask    dropped after a trap,
//!   compiled code on disk     definition    sink_task() ──> SinkTask      a deadline or too much memory
//! ```
//!
//! Owns the engine and its limits, what a guest may touch ([`Env`]), the bindings of `wit/`, and the change of WIT records
//! into those of `runtime-core` and back (bytes are moved, never read). Leaves every decision about a connector to
//! `runtime-core` and its loop to `runtime`. Invariant: whatever a guest does, a call ends within its deadline with an answer
//! or a [`HostError`], and its memory here and there stays within the limits.

mod allowance;
mod bindings;
mod cache;
mod check;
mod compiler;
mod connector;
mod convert;
mod engine;
mod env;
mod error;
mod files;
mod imports;
mod instance;
mod plugin;
mod settings;
mod sink;
mod source;
mod stdin;
mod store;
mod ticker;

pub use compiler::{Compiler, compile_child};
pub use connector::Connector;
pub use engine::Engine;
pub use env::{Env, FileGrant, FileMode, Request, StopFlag};
pub use error::{HostError, LoadError};
pub use plugin::Plugin;
pub use settings::Settings;
pub use sink::SinkTask;
pub use source::SourceTask;
pub use stdin::Stdin;
