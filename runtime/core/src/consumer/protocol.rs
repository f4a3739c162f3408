//! What members of a consumer group write to each other: subscriptions and assignments (source: Kafka's `ConsumerProtocol`).
//!
//! ```text
//! subscription: version i16 | topics [string] | user data bytes | owned partitions [topic string, [i32]] from version 1
//! assignment:   version i16 | partitions [topic string, [i32]] | user data bytes
//! ```
//!
//! Written as version 1 and 0, read in every version: later ones only add at the end. Invariant: no count is believed before
//! it is compared with the bytes that remain.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};
use bytes::Bytes;

/// Partitions by topic.
pub type Assignment = BTreeMap<String, Vec<i32>>;

/// Bytes that are not of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

/// The subscription to these topics.
pub fn write_subscription(topics: &[String]) -> Bytes {
    let mut out = Vec::new();
    out.extend_from_slice(&1i16.to_be_bytes());
    put_len(&mut out, topics.len());
    topics.iter().for_each(|topic| put_string(&mut out, topic));
    put_null(&mut out);
    put_len(&mut out, 0);
    out.into()
}

/// The topics of a subscription.
pub fn read_subscription(bytes: &[u8]) -> Result<Vec<String>, Damaged> {
    let mut from = Reader(bytes);
    from.take(2)?;
    (0..from.count(2)?).map(|_| from.string()).collect()
}

/// An assignment.
pub fn write_assignment(assignment: &Assignment) -> Bytes {
    let mut out = Vec::new();
    out.extend_from_slice(&0i16.to_be_bytes());
    put_len(&mut out, assignment.len());
    for (topic, partitions) in assignment {
        put_string(&mut out, topic);
        put_len(&mut out, partitions.len());
        partitions.iter().for_each(|partition| out.extend_from_slice(&partition.to_be_bytes()));
    }
    put_null(&mut out);
    out.into()
}

/// The partitions of an assignment; no bytes at all are none.
pub fn read_assignment(bytes: &[u8]) -> Result<Assignment, Damaged> {
    if bytes.is_empty() {
        return Ok(Assignment::new());
    }
    let mut from = Reader(bytes);
    from.take(2)?;
    let topic = |from: &mut Reader| {
        let topic = from.string()?;
        let partitions = (0..from.count(4)?).map(|_| from.i32()).collect::<Result<_, _>>()?;
        Ok((topic, partitions))
    };
    (0..from.count(6)?).map(|_| topic(&mut from)).collect()
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    out.extend_from_slice(&(len as i32).to_be_bytes());
}

fn put_null(out: &mut Vec<u8>) {
    out.extend_from_slice(&(-1i32).to_be_bytes());
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    // Topic names have 249 bytes at most; the broker has checked them.
    out.extend_from_slice(&(text.len() as i16).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Damaged> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(Damaged)?;
        self.0 = rest;
        Ok(head)
    }

    fn i32(&mut self) -> Result<i32, Damaged> {
        Ok(i32::from_be_bytes(self.take(4)?.try_into().map_err(|_| Damaged)?))
    }

    /// A number of elements of at least `least` bytes each.
    fn count(&mut self, least: usize) -> Result<usize, Damaged> {
        let count = usize::try_from(self.i32()?).map_err(|_| Damaged)?;
        if count > self.0.len() / least { Err(Damaged) } else { Ok(count) }
    }

    fn string(&mut self) -> Result<String, Damaged> {
        let len = self.take(2)?;
        let bytes = self.take(usize::from(u16::from_be_bytes([len[0], len[1]])))?;
        core::str::from_utf8(bytes).map(ToString::to_string).map_err(|_| Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn bytes_are_kafkas() {
        let subscription = write_subscription(&["ab".into()]);
        assert_eq!(subscription[..], *b"\0\x01\0\0\0\x01\0\x02ab\xff\xff\xff\xff\0\0\0\0");
        let assignment = write_assignment(&[("ab".into(), vec![0, 1])].into());
        assert_eq!(assignment[..], *b"\0\0\0\0\0\x01\0\x02ab\0\0\0\x02\0\0\0\0\0\0\0\x01\xff\xff\xff\xff");
    }

    #[test]
    fn what_was_written_is_read() {
        let topics = vec!["a".into(), "b".into()];
        assert_eq!(read_subscription(&write_subscription(&topics)), Ok(topics));
        let assignment: Assignment = [("a".into(), vec![0, 2]), ("b".into(), vec![])].into();
        assert_eq!(read_assignment(&write_assignment(&assignment)), Ok(assignment));
        assert_eq!(read_assignment(b""), Ok(Assignment::new()));
    }

    #[test]
    fn damage_is_found() {
        let good = write_assignment(&[("ab".into(), vec![0, 1])].into());
        for len in 1..good.len() - 4 {
            assert_eq!(read_assignment(&good[..len]), Err(Damaged), "{len}");
        }
        assert_eq!(read_subscription(b"\0\x01\x7f\xff\xff\xff"), Err(Damaged));
        assert_eq!(read_subscription(b"\0\x01\xff\xff\xff\xff"), Err(Damaged));
    }
}
