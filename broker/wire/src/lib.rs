//! Bytes to typed Kafka messages and back: framing, the guard before decoding, requests, responses, record batches.
//!
//! Owns the wire: which APIs and versions are spoken ([`apis`]), what a frame is ([`frame`]), what is refused before a
//! decoder sees it ([`guard`]). Leaves sockets to the edge, decisions to `broker/core`, the 61-byte batch header to
//! `broker/store`. Message types are those of `kafka-protocol`, re-exported as [`messages`].
//! Invariant: no number read from a client sizes an allocation before it was checked against the bytes that came.
//!
//! Read [`apis`] first, then [`request`] and [`response`]; [`records`] and [`builder`] are for those who look inside batches.
#![forbid(unsafe_code)]

pub mod apis;
pub mod builder;
pub mod codec;
pub mod error_code;
pub mod fetch;
pub mod frame;
pub mod guard;
pub mod header;
pub mod out;
pub mod records;
pub mod request;
pub mod response;
mod varint;

pub use error_code::ErrorCode;
pub use frame::FrameReader;
pub use header::RequestHeader;
pub use kafka_protocol::messages::{self, ApiKey};
pub use kafka_protocol::protocol::StrBytes;
pub use out::Out;
pub use request::{DecodeError, Request, decode};
pub use response::{EncodeError, Response, encode};
