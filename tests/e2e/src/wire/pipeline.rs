//! Requests made once and sent often, several of them on their way at a time.
//!
//! Invariant: replies come in the order of the requests, so that who counts both knows which is whose.

use super::{Reader, Wire, bad, no_error, put_string};
use std::io::{self, Read, Write};

/// A request as it goes over the wire, its length included.
pub struct Frame(Vec<u8>);

impl Frame {
    /// A request with this correlation id.
    pub fn new(key: i16, version: i16, correlation: i32, body: &[u8]) -> Frame {
        let mut frame = Vec::with_capacity(body.len() + 32);
        frame.extend([0; 4]);
        frame.extend(key.to_be_bytes());
        frame.extend(version.to_be_bytes());
        frame.extend(correlation.to_be_bytes());
        put_string(&mut frame, "e2e");
        frame.extend(body);
        let len = frame.len() as i32 - 4;
        frame[..4].copy_from_slice(&len.to_be_bytes());
        Frame(frame)
    }
}

/// A Produce request (acks=all) of one batch each for these partitions of a topic.
pub fn produce_frame(topic: &str, batches: &[(i32, &[u8])]) -> Frame {
    Frame::new(0, 3, 0, &produce_body(topic, batches, 30_000))
}

pub(super) fn produce_body(topic: &str, batches: &[(i32, &[u8])], timeout_ms: i32) -> Vec<u8> {
    let mut body = Vec::with_capacity(batches.iter().map(|(_, batch)| batch.len() + 8).sum::<usize>() + 64);
    body.extend((-1i16).to_be_bytes());
    body.extend((-1i16).to_be_bytes());
    body.extend(timeout_ms.to_be_bytes());
    body.extend(1i32.to_be_bytes());
    put_string(&mut body, topic);
    body.extend((batches.len() as i32).to_be_bytes());
    for (partition, batch) in batches {
        body.extend(partition.to_be_bytes());
        body.extend((batch.len() as i32).to_be_bytes());
        body.extend(*batch);
    }
    body
}

impl Wire {
    /// Sends a request without waiting for the reply.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn send(&mut self, frame: &Frame) -> io::Result<()> {
        self.stream.write_all(&frame.0)
    }

    /// The next reply, with its correlation id.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn receive(&mut self) -> io::Result<(i32, Reader)> {
        let mut head = [0; 4];
        self.stream.read_exact(&mut head)?;
        let len = i32::from_be_bytes(head);
        if !(4..=200 << 20).contains(&len) {
            return Err(bad(format!("a reply of {len} bytes")));
        }
        let mut reply = vec![0; len as usize];
        self.stream.read_exact(&mut reply)?;
        let mut reader = Reader { bytes: reply, at: 0 };
        Ok((reader.i32()?, reader))
    }

    /// The reply to a [`produce_frame`].
    ///
    /// # Errors
    /// Those of the socket, and an error code of any partition.
    pub fn produced(&mut self) -> io::Result<()> {
        let (_, mut reply) = self.receive()?;
        for _ in 0..reply.i32()? {
            reply.string()?;
            for _ in 0..reply.i32()? {
                reply.i32()?;
                no_error(reply.i16()?)?;
                reply.i64()?;
                reply.i64()?;
            }
        }
        Ok(())
    }

    /// How many bytes of batches one fetch from `offset` on brings (a mebibyte at most, more if the first batch is larger), and the
    /// offset that follows them. Waits half a second at most for the first. Nothing is checked or decoded.
    ///
    /// # Errors
    /// Those of the socket, and an error code in the reply.
    pub fn fetch_raw(&mut self, topic: &str, partition: i32, offset: i64) -> io::Result<(usize, i64)> {
        let batches = self.fetch_batches(topic, partition, offset, [50 << 20, 1 << 20])?;
        let (mut at, mut next) = (0, offset);
        while let Some(head) = batches.get(at..at + 27) {
            let number = |from: usize| i32::from_be_bytes(head[from..from + 4].try_into().expect("four bytes"));
            let end = at + 12 + number(8) as usize;
            if end > batches.len() {
                break; // Kafka cuts the last batch where the limit of the request falls.
            }
            let base = i64::from_be_bytes(head[..8].try_into().expect("eight bytes"));
            (at, next) = (end, base + i64::from(number(23)) + 1);
        }
        Ok((at, next))
    }
}
