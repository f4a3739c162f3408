//! What makes a connector in Rust pleasant to write.
//!
//! A connector is a type that implements [`SourceConnector`] or [`SinkConnector`] (or two types, one for each), and one line:
//! [`export_source!`], [`export_sink!`] or [`export_source_and_sink!`]. Build it as a `cdylib` for `wasm32-wasip2`.
//!
//! Owns the traits, the builders and views over the packed columns, and the parsing of a configuration. Leaves what the
//! host does to the host: files, time, logs and state are asked of it through [`host`]. Invariant: an author never sees
//! packed bytes or generated bindings.

#[doc(hidden)]
pub mod bindings;
#[doc(hidden)]
pub mod export;

mod about;
mod batch;
mod config;
mod definition;
mod error;
pub mod host;
mod records;
mod sink;
mod source;

pub use about::About;
pub use batch::{Batch, Record};
pub use bindings::base::connect::connector::types::{Error, Format, Scalar, TopicPartition, TpOffset};
pub use bindings::base::exports::connect::connector::plugin::Issue;
pub use bindings::source::exports::connect::connector::source_task::{Ack, EosSupport};
pub use config::Config;
pub use definition::{Definition, Importance, Key, Kind, Width};
pub use records::{NewRecord, Records};
pub use sink::{Put, SinkConnector};
pub use source::{Poll, SourceConnector, SourceOffset, map};

/// A source partition or a source offset: names and values.
pub type ScalarMap = Vec<(String, Scalar)>;

/// A configuration as it was written: names and values.
pub type RawConfig = Vec<(String, String)>;
