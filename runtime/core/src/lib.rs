//! Every decision of the Connect runtime, and no I/O.

extern crate alloc;

pub mod record;
