//! What guests say: the `log` interface and their standard error, into tracing.
//!
//! Owns the limits: lines are cut, floods thinned out. Invariant: a guest fills no disk with logs.

use crate::bindings::connect::connector::log::{Host, Level};
use crate::store::TaskData;
use bytes::Bytes;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// Longest line, in bytes.
const MAX_LINE: usize = 8 << 10;
/// Lines and bytes per second in the long run, and at once.
const LINES: Bucket = Bucket { rate: 1_000.0, room: 2_000.0 };
const BYTES: Bucket = Bucket { rate: 1_048_576.0, room: 4_194_304.0 };
/// What is kept of the standard error, for the message of a trap.
const TAIL: usize = 2 << 10;

struct Bucket {
    rate: f64,
    room: f64,
}

/// The way from one task into the log.
pub(crate) struct Gate {
    connector: String,
    task: u32,
    level: Mutex<Fill>,
}

struct Fill {
    lines: f64,
    bytes: f64,
    at: Instant,
    dropped: u64,
}

impl Gate {
    pub(crate) fn new(connector: &str, task: u32) -> Self {
        let level = Fill { lines: LINES.room, bytes: BYTES.room, at: Instant::now(), dropped: 0 };
        Self { connector: connector.to_owned(), task, level: Mutex::new(level) }
    }

    fn write(&self, level: Level, message: &str) {
        let message = cut(message);
        let Some(dropped) = self.admit(message.len()) else { return };
        if dropped > 0 {
            self.emit(Level::Warn, &format!("{dropped} log lines were left out: the connector writes too many"));
        }
        self.emit(level, message);
    }

    /// Takes a line of so many bytes in, and says how many were left out since the last one; `None`: leave it out.
    fn admit(&self, bytes: usize) -> Option<u64> {
        let mut fill = self.level.lock().expect("nobody panics with the gate");
        let now = Instant::now();
        let passed = now.duration_since(fill.at).as_secs_f64();
        fill.at = now;
        fill.lines = (fill.lines + passed * LINES.rate).min(LINES.room);
        fill.bytes = (fill.bytes + passed * BYTES.rate).min(BYTES.room);
        if fill.lines < 1.0 || fill.bytes < bytes as f64 {
            fill.dropped += 1;
            return None;
        }
        fill.lines -= 1.0;
        fill.bytes -= bytes as f64;
        Some(std::mem::take(&mut fill.dropped))
    }

    fn emit(&self, level: Level, message: &str) {
        let (connector, task) = (self.connector.as_str(), self.task);
        match level {
            Level::Trace => tracing::trace!(target: "connector", connector, task, "{message}"),
            Level::Debug => tracing::debug!(target: "connector", connector, task, "{message}"),
            Level::Info => tracing::info!(target: "connector", connector, task, "{message}"),
            Level::Warn => tracing::warn!(target: "connector", connector, task, "{message}"),
            Level::Error => tracing::error!(target: "connector", connector, task, "{message}"),
        }
    }
}

/// The line, not longer than [`MAX_LINE`].
fn cut(line: &str) -> &str {
    &line[..line.floor_char_boundary(MAX_LINE)]
}

impl Host for TaskData {
    fn enabled(&mut self, l: Level) -> wasmtime::Result<bool> {
        Ok(match l {
            Level::Trace => tracing::enabled!(target: "connector", tracing::Level::TRACE),
            Level::Debug => tracing::enabled!(target: "connector", tracing::Level::DEBUG),
            Level::Info => tracing::enabled!(target: "connector", tracing::Level::INFO),
            Level::Warn => tracing::enabled!(target: "connector", tracing::Level::WARN),
            Level::Error => tracing::enabled!(target: "connector", tracing::Level::ERROR),
        })
    }

    fn write(&mut self, l: Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        let mut line = message;
        for (name, value) in fields {
            line.push_str(&format!(" {name}={value}"));
        }
        self.gate.write(l, &line);
        Ok(())
    }
}

/// A guest's standard error: lines into the log, the end of it kept.
#[derive(Clone)]
pub(crate) struct Stderr {
    gate: Arc<Gate>,
    said: Arc<Mutex<Said>>,
}

#[derive(Default)]
struct Said {
    line: Vec<u8>,
    tail: Vec<u8>,
}

impl Stderr {
    pub(crate) fn new(gate: Arc<Gate>) -> Self {
        Self { gate, said: Arc::default() }
    }

    /// Forgets what was said before this call.
    pub(crate) fn begin(&self) {
        self.said().tail.clear();
    }

    /// What was said last during this call.
    pub(crate) fn tail(&self) -> String {
        String::from_utf8_lossy(&self.said().tail).trim().to_owned()
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().expect("nobody panics with the lines")
    }

    fn take(&self, bytes: &[u8]) {
        let mut said = self.said();
        said.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
        let surplus = said.tail.len().saturating_sub(TAIL);
        said.tail.drain(..surplus);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            said.line.extend_from_slice(&piece[..piece.len().min(MAX_LINE)]);
            if piece.ends_with(b"\n") || said.line.len() >= MAX_LINE {
                let line = std::mem::take(&mut said.line);
                self.gate.write(Level::Warn, String::from_utf8_lossy(&line).trim_end());
            }
        }
    }
}

impl IsTerminal for Stderr {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stderr {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only asked for by WASI 0.3, which is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stderr {
    async fn ready(&mut self) {}
}

impl OutputStream for Stderr {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(64 << 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_thinned_out_and_counted() {
        let gate = Gate::new("c", 0);
        let passed = (0..10_000).filter(|_| gate.admit(10).is_some()).count();
        assert!((2_000..10_000).contains(&passed), "{passed}");
        assert_eq!(gate.level.lock().unwrap().dropped, 10_000 - passed as u64);
    }

    #[test]
    fn lines_are_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"é".repeat(MAX_LINE)).len(), MAX_LINE);
        assert_eq!(cut(&format!("a{}", "é".repeat(MAX_LINE))).len(), MAX_LINE - 1);
    }
}
