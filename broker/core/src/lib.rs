//! Every decision of the broker, and no I/O.
#![no_std]

extern crate alloc;

pub mod error;
pub mod group;
pub mod offsets;
pub mod request;
pub mod time;
