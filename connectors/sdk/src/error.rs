//! Errors: what a connector tells the runtime when it cannot go on.
//!
//! Owns the ways to make one. Invariant: the class decides what the runtime does, the message is for people.

use crate::bindings::base::connect::connector::types::{Error, ErrorClass};

impl Error {
    /// The task cannot go on; it becomes FAILED.
    pub fn fatal(code: &str, message: impl Into<String>) -> Self {
        Self::of(ErrorClass::Fatal, code, message)
    }

    /// The same call may work later; the runtime tries again.
    pub fn retriable(code: &str, message: impl Into<String>) -> Self {
        Self::of(ErrorClass::Retriable, code, message)
    }

    /// The configuration is at fault.
    pub fn bad_config(code: &str, message: impl Into<String>) -> Self {
        Self::of(ErrorClass::BadConfig, code, message)
    }

    /// A record is at fault.
    pub fn bad_data(code: &str, message: impl Into<String>) -> Self {
        Self::of(ErrorClass::BadData, code, message)
    }

    fn of(class: ErrorClass, code: &str, message: impl Into<String>) -> Self {
        Self { class, code: code.to_owned(), message: message.into(), retry_after_ms: None, attrs: Vec::new() }
    }
}
