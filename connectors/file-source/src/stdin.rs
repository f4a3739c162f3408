//! The worker's standard input as a source: no position, no way back.

use crate::lines;
use connect_sdk::host::stdio::{self, Input};
use connect_sdk::{Error, Poll, Records, Scalar, ScalarMap, map};

const CHUNK: u32 = 64 << 10;
/// From one look to the next if the host does not call sooner.
const LOOK_MS: u32 = 1000;

pub struct Stdin {
    longest: usize,
    /// Read, but not a whole line yet, or more lines than one poll wanted.
    rest: Vec<u8>,
    ended: bool,
}

impl Stdin {
    pub fn new(longest: usize) -> Self {
        Self { longest, rest: Vec::new(), ended: false }
    }

    pub fn poll(&mut self, partition: &ScalarMap, out: &mut Records) -> Result<Poll, Error> {
        let answer = loop {
            let taken = lines::push_lines(&self.rest, self.longest, out)?;
            self.rest.drain(..taken);
            if out.is_full() {
                break Poll::Ready;
            }
            match stdio::read(CHUNK)? {
                Input::Data(bytes) => self.rest.extend_from_slice(&bytes),
                Input::Pending => break Poll::Idle(LOOK_MS),
                Input::End => {
                    // Nothing can end this line any more.
                    if !self.rest.is_empty() && !self.ended {
                        let line = std::mem::take(&mut self.rest);
                        lines::push(line.strip_suffix(b"\r").unwrap_or(&line), out);
                    }
                    self.ended = true;
                    break Poll::Finished;
                }
            }
        };
        if !out.is_empty() {
            out.checkpoint(partition, map("position", Scalar::Null));
        }
        Ok(answer)
    }
}
