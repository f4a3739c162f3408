//! The worker's standard input, shared out without waiting.
//!
//! Owns one thread that reads it, and a buffer of bounded size. Invariant: reading never blocks a task; the thread reads no
//! further than the buffer has room, so that a pipe's writer is held back.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use tokio::sync::Notify;

const ROOM: usize = 1 << 20;

/// A handle on the standard input (or anything read like it); clones share it.
#[derive(Clone, Debug)]
pub struct Stdin(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    buffer: Mutex<Buffer>,
    room: Condvar,
    readable: Notify,
}

#[derive(Debug, Default)]
struct Buffer {
    bytes: VecDeque<u8>,
    ended: bool,
}

/// What a read gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Data(Vec<u8>),
    Pending,
    End,
}

impl Stdin {
    /// Starts a thread that reads `source` until its end. It ends with its source, or the process.
    pub fn read_from(source: impl Read + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = shared.clone();
        std::thread::Builder::new().name("stdin".into()).spawn(move || theirs.fill(source))?;
        Ok(Self(shared))
    }

    /// Completes when a read would give something that it did not give before.
    pub async fn readable(&self) {
        self.0.readable.notified().await;
    }

    pub(crate) fn read(&self, max: usize) -> Input {
        let mut buffer = self.0.lock();
        if buffer.bytes.is_empty() {
            return if buffer.ended { Input::End } else { Input::Pending };
        }
        let take = buffer.bytes.len().min(max);
        let data = buffer.bytes.drain(..take).collect();
        self.0.room.notify_one();
        Input::Data(data)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().expect("nobody panics with the buffer")
    }

    fn fill(&self, mut source: impl Read) {
        let mut chunk = [0; 16 << 10];
        loop {
            let read = match source.read(&mut chunk) {
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    tracing::warn!("The standard input cannot be read any more: {error}");
                    0
                }
            };
            let full = |buffer: &mut Buffer| buffer.bytes.len() + read > ROOM;
            let mut buffer = self.room.wait_while(self.lock(), full).expect("nobody panics with the buffer");
            buffer.bytes.extend(&chunk[..read]);
            buffer.ended = read == 0;
            drop(buffer);
            self.readable.notify_one();
            if read == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everything_comes_once_and_then_the_end() {
        let text: Vec<u8> = (0..3 * ROOM).map(|n| n as u8).collect();
        let stdin = Stdin::read_from(std::io::Cursor::new(text.clone())).unwrap();
        let mut seen = Vec::new();
        loop {
            match stdin.read(100_000) {
                Input::Data(data) => seen.extend(data),
                Input::Pending => stdin.readable().await,
                Input::End => break,
            }
        }
        assert!(seen == text);
    }
}
