//! One line on a terminal about what takes long.
//!
//! Invariant: it comes only after a while, and is gone when what it was about is there.

use std::{
    io::Write,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

/// What comes sooner needs no word.
const PATIENCE: Duration = Duration::from_millis(300);

/// Between two dots.
const STEP: Duration = Duration::from_millis(500);

/// Most dots.
const DOTS: usize = 3;

/// The line; erased when this is dropped.
pub(super) struct Progress {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// About this, from some time on.
    pub fn new(what: String) -> Self {
        let (end, ended) = channel();
        Self { end: Some(end), thread: Some(std::thread::spawn(move || show(&what, &ended))) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.end.take());
        // A line that could not be shown is no loss.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn show(what: &str, ended: &Receiver<()>) {
    if ended.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
        return;
    }
    let mut stderr = std::io::stderr();
    for dots in (0..=DOTS).cycle() {
        let _ = write!(stderr, "\r\x1b[K{what}{}", ".".repeat(dots)).and_then(|()| stderr.flush());
        if ended.recv_timeout(STEP) != Err(RecvTimeoutError::Timeout) {
            break;
        }
    }
    let _ = write!(stderr, "\r\x1b[K").and_then(|()| stderr.flush());
}
