//! Ctrl-C and its kin: the first asks for a clean stop, the second ends the process at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// The signals that end us.
pub struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes them over from the system, whose answer would be to end the process at once.
    pub fn new() -> Result<Self, Failure> {
        let take = |kind| signal(kind).map_err(|error| Failure::new(1, format!("signals cannot be handled: {error}")));
        Ok(Self {
            hangup: take(SignalKind::hangup())?,
            interrupt: take(SignalKind::interrupt())?,
            terminate: take(SignalKind::terminate())?,
        })
    }

    /// Waits for one. Returns the exit code that belongs to it: 128 and its number, as Java's.
    pub async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.hangup.recv() => 129,
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
        }
    }

    /// From now on, the next one ends the process.
    pub fn then_exit(mut self) {
        tokio::spawn(async move {
            let code = self.next().await;
            std::process::exit(code.into());
        });
    }
}
