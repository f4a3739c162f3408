//! Why a command ends, and with which exit code (contract 1.2).

use runtime_core::complaint::{Complaint, Paint};

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
    pub complaint: Box<Complaint>,
}

impl Failure {
    /// An end with `code`, for the reason `message`: what is wrong, and on further lines why.
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        let message = message.into();
        let mut lines = message.lines();
        let what = lines.next().unwrap_or_default().trim_end_matches(':');
        Self::of(code, lines.fold(Complaint::new(what), Complaint::because))
    }

    /// An end with `code`.
    pub fn of(code: u8, complaint: Complaint) -> Self {
        Self { code, complaint: Box::new(complaint) }
    }

    /// A file that cannot be used, with the lines that `why` speaks of: sentences, one per line.
    pub fn of_file(code: u8, what: impl Into<String>, path: &str, file: &[u8], why: &str) -> Self {
        Self::of(code, Complaint::new(what).in_file(path, &String::from_utf8_lossy(file), why))
    }

    /// The same, with what to do.
    pub fn helped(mut self, help: impl Into<String>) -> Self {
        self.complaint.help = Some(help.into());
        self
    }

    /// As sentences.
    pub fn message(&self) -> String {
        self.complaint.message()
    }

    /// On several lines, for stderr.
    pub fn draw(&self, colours: bool) -> String {
        self.complaint.draw(if colours { Paint::TERMINAL } else { Paint::default() })
    }
}
