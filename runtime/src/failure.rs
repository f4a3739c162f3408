//! Why a command ends, and with which exit code (contract 1.2).

/// Exit code: something failed while running.
pub const RUNNING: u8 = 1;
/// Exit code: the worker's or broker's file, a port, or the data folder cannot be used.
pub const START: u8 = 2;
/// Exit code: a connector's file cannot be used.
pub const CONNECTOR: u8 = 3;

/// The end of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Failure {
    /// An end with `code`, for the reason `message`.
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
