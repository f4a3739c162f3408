//! The interfaces of `wit/` that a guest imports, one file each.

pub(crate) mod context;
pub(crate) mod files;
pub(crate) mod log;
pub(crate) mod state;
pub(crate) mod stdio;

use crate::bindings::connect::connector::{config_def, types};
use crate::store::TaskData;

impl types::Host for TaskData {}
impl config_def::Host for TaskData {}

/// An error that the guest gets as an answer.
pub(crate) fn refusal(class: types::ErrorClass, code: &str, message: String) -> types::Error {
    types::Error { class, code: code.to_owned(), message, retry_after_ms: None, attrs: Vec::new() }
}
