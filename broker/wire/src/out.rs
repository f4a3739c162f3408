//! Bytes on their way to a socket: text we wrote and slices of others' buffers between it, sent without copying those.
//!
//! Owns the order of the bytes. Leaves the socket to the edge: it is a [`Buf`], so `write_buf` sends it with one `writev`.
//! Invariant: the bytes come out in the order in which they were put, whatever was spliced.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Slices shorter than this are copied: a piece of its own costs the kernel more.
const SPLICE_FROM: usize = 1024;

/// A queue of bytes to send.
#[derive(Debug, Default)]
pub struct Out {
    /// Everything that is not spliced, from the first byte unsent.
    text: BytesMut,
    /// Bytes of text sent since the beginning; positions of splices count from there.
    sent: u64,
    splices: VecDeque<Splice>,
    spliced_len: usize,
}

#[derive(Debug)]
struct Splice {
    /// It comes before this byte of text.
    at: u64,
    bytes: Bytes,
}

/// Where text can be cut off again, or a length filled in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    text: u64,
    splices: usize,
    len: usize,
}

impl Out {
    /// Empty, with no memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes to send.
    pub fn len(&self) -> usize {
        self.text.len() + self.spliced_len
    }

    /// Whether all was sent.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where encoders append.
    pub(crate) fn text(&mut self) -> &mut BytesMut {
        &mut self.text
    }

    /// Appends someone else's bytes; long ones are not copied but kept until sent.
    pub fn splice(&mut self, bytes: Bytes) {
        if bytes.len() < SPLICE_FROM {
            return self.text.put_slice(&bytes);
        }
        self.spliced_len += bytes.len();
        self.splices.push_back(Splice { at: self.end(), bytes });
    }

    /// Everything in one piece; copies.
    pub fn into_bytes(mut self) -> Bytes {
        self.copy_to_bytes(self.len())
    }

    /// Gives memory back if nothing is to be sent; for idle connections.
    pub fn release(&mut self) {
        if self.is_empty() {
            *self = Self::new();
        }
    }

    /// The place reached.
    pub(crate) fn mark(&self) -> Mark {
        Mark { text: self.end(), splices: self.splices.len(), len: self.len() }
    }

    /// Bytes put since `mark`, if none were sent since.
    pub(crate) fn since(&self, mark: Mark) -> usize {
        self.len() - mark.len
    }

    /// Writes four bytes of text again, at `mark`.
    pub(crate) fn fill(&mut self, mark: Mark, bytes: [u8; 4]) {
        let at = self.text_index(mark);
        self.text[at..at + 4].copy_from_slice(&bytes);
    }

    /// Forgets everything put since `mark`.
    pub(crate) fn cut(&mut self, mark: Mark) {
        let at = self.text_index(mark);
        self.text.truncate(at);
        for splice in self.splices.drain(mark.splices..) {
            self.spliced_len -= splice.bytes.len();
        }
    }

    fn text_index(&self, mark: Mark) -> usize {
        usize::try_from(mark.text - self.sent).expect("no longer than the text")
    }

    fn end(&self) -> u64 {
        self.sent + self.text.len() as u64
    }

    /// Text before the first splice.
    fn head(&self) -> &[u8] {
        match self.splices.front() {
            Some(splice) => &self.text[..(splice.at - self.sent) as usize],
            None => &self.text,
        }
    }
}

impl Buf for Out {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        match (self.head(), self.splices.front()) {
            ([], Some(splice)) => &splice.bytes,
            (head, _) => head,
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        let mut text = self.sent;
        let pieces = self.splices.iter().flat_map(|splice| {
            let start = std::mem::replace(&mut text, splice.at);
            [&self.text[(start - self.sent) as usize..(splice.at - self.sent) as usize], &splice.bytes[..]]
        });
        for piece in pieces.filter(|piece| !piece.is_empty()).take(slices.len()) {
            slices[filled] = IoSlice::new(piece);
            filled += 1;
        }
        let tail = &self.text[self.splices.back().map_or(0, |splice| (splice.at - self.sent) as usize)..];
        if filled < slices.len() && !tail.is_empty() {
            slices[filled] = IoSlice::new(tail);
            filled += 1;
        }
        filled
    }

    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.len(), "advanced past the end");
        while count > 0 {
            let head = self.head().len().min(count);
            self.text.advance(head);
            self.sent += head as u64;
            count -= head;
            let Some(splice) = self.splices.front_mut().filter(|splice| splice.at == self.sent) else { continue };
            let part = splice.bytes.len().min(count);
            splice.bytes.advance(part);
            self.spliced_len -= part;
            count -= part;
            if splice.bytes.is_empty() {
                self.splices.pop_front();
            }
        }
        if self.is_empty() {
            self.text.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Puts `parts` (spliced or text), then takes them out as a socket would that accepts `steps` bytes at a time.
    fn check(parts: &[(bool, Vec<u8>)], steps: &[usize]) {
        let mut out = Out::new();
        for (spliced, bytes) in parts {
            match spliced {
                true => out.splice(Bytes::from(bytes.clone())),
                false => out.text().put_slice(bytes),
            }
        }
        let expected: Vec<u8> = parts.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        assert_eq!(out.len(), expected.len());
        let mut got = Vec::new();
        let mut steps = steps.iter().cycle();
        while !out.is_empty() {
            let mut slices = [IoSlice::new(&[]); 3];
            let filled = out.chunks_vectored(&mut slices);
            let offered: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.to_vec()).collect();
            assert_eq!(out.chunk(), &*slices[0]);
            let step = offered.len().min(*steps.next().unwrap());
            got.extend_from_slice(&offered[..step]);
            out.advance(step);
        }
        assert_eq!(got, expected);
    }

    proptest! {
        #[test]
        fn bytes_leave_in_the_order_they_came(
            parts in prop::collection::vec((any::<bool>(), prop_oneof![0usize..10, 1000usize..3000]), 0..8),
            steps in prop::collection::vec(1usize..4000, 1..5),
        ) {
            let part = |(index, (spliced, len)): (usize, (bool, usize))| {
                (spliced, (0..len).map(|at| (at * 7 + index) as u8).collect())
            };
            let parts: Vec<_> = parts.into_iter().enumerate().map(part).collect();
            check(&parts, &steps);
        }
    }

    #[test]
    fn what_was_put_after_a_mark_can_be_forgotten() {
        let mut out = Out::new();
        out.text().put_slice(b"kept");
        out.advance(2);
        let mark = out.mark();
        out.text().put_slice(b"gone");
        out.splice(Bytes::from(vec![1; 2000]));
        assert_eq!(out.since(mark), 2004);
        out.cut(mark);
        assert_eq!(out.into_bytes(), "pt");
    }

    #[test]
    fn long_splices_are_not_copied() {
        let bytes = Bytes::from(vec![1; 2000]);
        let mut out = Out::new();
        out.splice(bytes.clone());
        assert_eq!(out.chunk().as_ptr(), bytes.as_ptr());
    }
}
