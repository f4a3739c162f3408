//! Bytes to frames, with no socket: here is room, bytes arrive, here is the next whole frame.
//!
//! Owns the receive buffer and the bound on a frame. Leaves reading to the edge and content to [`crate::decode`].
//! A frame is a 32-bit big-endian length and so many bytes; it comes out as a slice of the buffer. A buffer is filled
//! again once the frames cut from it were dropped; until then another one is used, and a few are kept to take turns:
//! memory touched for the first time is the dearest thing there is.
//! Invariant: memory grows with the bytes received, never by the length that a client states.

use std::collections::VecDeque;

use bytes::{Buf, BufMut, Bytes, BytesMut, buf::Limit};
use thiserror::Error;

/// Bytes of the length prefix.
pub const PREFIX_LEN: usize = 4;
/// Kafka's `socket.request.max.bytes`: 100 MiB.
pub const DEFAULT_MAX_FRAME: usize = 100 << 20;

/// Room offered first, and after [`FrameReader::release`]: an idle connection holds no more than this.
const FIRST_ROOM: usize = 512;
/// Most room offered at once, to a client that fills it.
const MOST_ROOM: usize = 256 << 10;
/// A new buffer but the first holds this many reads, so that frames are cut without moving bytes.
const READS_PER_BUFFER: usize = 4;
/// Buffers kept to take turns.
const SPARE_BUFFERS: usize = 4;

/// A length prefix that cannot be right; the connection must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Negative, or shorter than any message.
    #[error("a frame of {len} bytes is too short: {min} is the least (is this client speaking Kafka's protocol?)")]
    TooShort {
        /// Length stated.
        len: i32,
        /// Least allowed.
        min: usize,
    },
    /// Longer than allowed.
    #[error(
        "a frame of {len} bytes is longer than socket.request.max.bytes={max} (is this client speaking TLS or HTTP?)"
    )]
    TooLong {
        /// Length stated.
        len: i32,
        /// Most allowed.
        max: usize,
    },
}

/// Turns what arrives on one connection into frames.
#[derive(Debug)]
pub struct FrameReader {
    buf: BytesMut,
    /// Handles on buffers whose frames are, or were, in use elsewhere.
    spare: VecDeque<BytesMut>,
    min: usize,
    max: usize,
    /// Room to offer next, apart from what a long frame needs.
    room: usize,
    /// Length at which the room offered last would be full.
    full_at: usize,
}

impl FrameReader {
    /// For requests; `max` bounds a frame without its prefix, in bytes.
    pub fn new(max: usize) -> Self {
        Self::with_min(crate::header::FIXED_LEN, max)
    }

    /// For frames of `min` to `max` bytes; responses have at least 4.
    pub fn with_min(min: usize, max: usize) -> Self {
        Self { buf: BytesMut::new(), spare: VecDeque::new(), min, max, room: FIRST_ROOM, full_at: usize::MAX }
    }

    /// Where the bytes go that a socket has; never empty. Whatever is put there has arrived.
    pub fn room(&mut self) -> Limit<&mut BytesMut> {
        if self.buf.len() == self.full_at {
            self.room = (self.room * 2).min(MOST_ROOM);
        }
        let wanted = self.room.max(self.growth());
        let free = self.buf.capacity() - self.buf.len();
        if free < wanted && free < self.room / 4 || free < self.growth() {
            self.make_room(wanted);
        }
        let offered = (self.buf.capacity() - self.buf.len()).min(wanted);
        self.full_at = self.buf.len() + offered;
        (&mut self.buf).limit(offered)
    }

    /// The next whole frame, without its prefix; `None` until more bytes arrive.
    ///
    /// # Errors
    /// The stream is not one of frames, or a frame is too long. It stays so.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(len) = self.stated_len()? else { return Ok(None) };
        if self.buf.len() < PREFIX_LEN + len {
            return Ok(None);
        }
        // What was cut off moves the mark at which the room was full.
        self.full_at = self.full_at.saturating_sub(PREFIX_LEN + len);
        self.buf.advance(PREFIX_LEN);
        Ok(Some(self.buf.split_to(len).freeze()))
    }

    /// Bytes of a frame that has not arrived whole.
    pub fn pending(&self) -> usize {
        self.buf.len()
    }

    /// Length of the frame that is arriving, without its prefix, once that is known.
    ///
    /// # Errors
    /// As [`FrameReader::next_frame`].
    pub fn coming(&self) -> Result<Option<usize>, FrameError> {
        self.stated_len()
    }

    /// Gives memory back if no frame is pending; for connections that have been idle.
    pub fn release(&mut self) {
        if self.buf.is_empty() {
            *self = Self::with_min(self.min, self.max);
        }
    }

    /// How many bytes to make room for beyond the usual: as many as have arrived of a frame, and no more than it lacks.
    fn growth(&self) -> usize {
        match self.stated_len() {
            Ok(Some(len)) => (PREFIX_LEN + len).saturating_sub(self.buf.len()).min(self.buf.len()),
            _ => 0,
        }
    }

    fn stated_len(&self) -> Result<Option<usize>, FrameError> {
        let Some(prefix) = self.buf.first_chunk::<PREFIX_LEN>() else { return Ok(None) };
        let len = i32::from_be_bytes(*prefix);
        match usize::try_from(len) {
            Ok(size) if size > self.max => Err(FrameError::TooLong { len, max: self.max }),
            Ok(size) if size >= self.min => Ok(Some(size)),
            _ => Err(FrameError::TooShort { len, min: self.min }),
        }
    }

    /// Makes the buffer hold `wanted` bytes more: the same one if nobody else holds it, else a spare one, else a new one.
    fn make_room(&mut self, wanted: usize) {
        if self.buf.try_reclaim(wanted) {
            return;
        }
        let reads = if self.room == FIRST_ROOM { 1 } else { READS_PER_BUFFER };
        let capacity = (self.buf.len() + wanted).max(self.room * reads);
        let mut next = self.take_spare(self.buf.len() + wanted).unwrap_or_else(|| BytesMut::with_capacity(capacity));
        next.put_slice(&self.buf);
        self.buf.clear();
        self.spare.push_back(std::mem::replace(&mut self.buf, next));
        if self.spare.len() > SPARE_BUFFERS {
            self.spare.pop_front();
        }
    }

    /// A spare buffer that nobody holds any more and that is large enough.
    fn take_spare(&mut self, capacity: usize) -> Option<BytesMut> {
        let at = (0..self.spare.len()).find(|&at| self.spare[at].try_reclaim(capacity))?;
        self.spare.remove(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives `bytes` to the reader in pieces of `sizes`, and collects frames.
    fn read(reader: &mut FrameReader, mut bytes: &[u8], sizes: &[usize]) -> Result<Vec<Bytes>, FrameError> {
        let mut frames = Vec::new();
        let mut sizes = sizes.iter().cycle();
        while !bytes.is_empty() {
            let mut room = reader.room();
            assert!(room.has_remaining_mut());
            let size = bytes.len().min(*sizes.next().unwrap()).min(room.remaining_mut());
            room.put_slice(&bytes[..size]);
            bytes = &bytes[size..];
            while let Some(frame) = reader.next_frame()? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    fn framed(bodies: &[Vec<u8>]) -> Vec<u8> {
        bodies.iter().flat_map(|body| [&(body.len() as u32).to_be_bytes()[..], body].concat()).collect()
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_frames(
            lens in prop::collection::vec(prop_oneof![8usize..40, 3000usize..9000, 100_000usize..300_000], 1..12),
            sizes in prop::collection::vec(prop_oneof![1usize..9, 1000usize..20_000, 200_000usize..500_000], 1..6),
            keep in any::<bool>(),
        ) {
            let body = |(index, len): (usize, usize)| (0..len).map(|at| (at * 31 + index) as u8).collect::<Vec<u8>>();
            let bodies: Vec<_> = lens.into_iter().enumerate().map(body).collect();
            let bytes = framed(&bodies);
            // Small pieces of long streams would take for ever.
            let sizes: Vec<_> = sizes.into_iter().map(|size| size.max(bytes.len() / 2000)).collect();
            let mut reader = FrameReader::new(1 << 20);
            let first = read(&mut reader, &bytes, &sizes).unwrap();
            prop_assert_eq!(&first, &bodies);
            let kept = if keep { first } else { Vec::new() };
            prop_assert_eq!(read(&mut reader, &bytes, &sizes).unwrap(), bodies.clone());
            prop_assert_eq!(reader.pending(), 0);
            prop_assert!(kept.is_empty() || kept == bodies);
        }
    }

    #[test]
    fn lengths_that_cannot_be_right() {
        let check = |len: i32, expected: FrameError| {
            let mut reader = FrameReader::new(1000);
            assert_eq!(read(&mut reader, &len.to_be_bytes(), &[4]), Err(expected));
            assert_eq!(reader.next_frame(), Err(expected));
        };
        check(-1, FrameError::TooShort { len: -1, min: 8 });
        check(i32::MIN, FrameError::TooShort { len: i32::MIN, min: 8 });
        check(7, FrameError::TooShort { len: 7, min: 8 });
        check(1001, FrameError::TooLong { len: 1001, max: 1000 });
        check(i32::MAX, FrameError::TooLong { len: i32::MAX, max: 1000 });
    }

    #[test]
    fn a_stated_length_allocates_nothing() {
        let mut reader = FrameReader::new(DEFAULT_MAX_FRAME);
        assert_eq!(reader.coming(), Ok(None));
        read(&mut reader, &(DEFAULT_MAX_FRAME as u32).to_be_bytes(), &[4]).unwrap();
        assert_eq!(reader.coming(), Ok(Some(DEFAULT_MAX_FRAME)));
        for arrived in [100, 10_000, 100_000, 1_000_000] {
            read(&mut reader, &vec![0; arrived], &[usize::MAX]).unwrap();
            assert!(reader.room().remaining_mut() <= reader.pending().max(MOST_ROOM));
            assert!(reader.buf.capacity() <= 2 * reader.pending() + MOST_ROOM * READS_PER_BUFFER);
        }
    }

    #[test]
    fn buffers_take_turns() {
        let body = vec![1; 60_000];
        let bytes = framed(&[body.clone(), body.clone(), body]);
        let mut reader = FrameReader::new(1 << 20);
        let mut seen = std::collections::BTreeSet::new();
        let mut in_use = VecDeque::new();
        for round in 0..1000 {
            for frame in read(&mut reader, &bytes, &[usize::MAX]).unwrap() {
                if round > 50 {
                    seen.insert(frame.as_ptr() as usize >> 12);
                }
                in_use.push_back(frame);
            }
            while in_use.len() > 4 {
                in_use.pop_front();
            }
        }
        assert!(seen.len() < 2000, "{} pages for 170 MB", seen.len());
    }

    #[test]
    fn an_idle_reader_holds_nothing() {
        let mut reader = FrameReader::new(1 << 20);
        read(&mut reader, &framed(&[vec![0; 100_000]]), &[5000]).unwrap();
        reader.release();
        assert_eq!(reader.buf.capacity() + reader.spare.len(), 0);
    }
}
