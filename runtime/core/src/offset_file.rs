//! The file in which Kafka's standalone worker keeps source offsets: a serialized `java.util.HashMap<byte[], byte[]>`.
//!
//! Owns its bytes, both ways (source: Java Object Serialization Specification, chapter 6; contract 6.1). Leaves what keys and values
//! mean to `offsets`, reading and writing the file to the edge. Invariant: what Kafka wrote is read, Kafka reads what is written, and no
//! count is believed before it is compared with the bytes that remain.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use bytes::Bytes;

/// Keys and values; a value that is null is a partition whose offset was removed.
pub type Offsets = BTreeMap<Bytes, Option<Bytes>>;

/// Stream magic and version, then an object whose class is `HashMap` with its two fields.
const MAP: &[u8] = b"\xac\xed\0\x05sr\0\x11java.util.HashMap\x05\x07\xda\xc1\xc3\x16\x60\xd1\x03\0\x02F\0\x0aloadFactorI\0\x09thresholdxp";
/// A class description of `byte[]`: it comes with the first array, later ones refer to it.
const BYTES_CLASS: &[u8] = b"r\0\x02[B\xac\xf3\x17\xf8\x06\x08\x54\xe0\x02\0\0xp";
/// The same, by its handle.
const BYTES_CLASS_AGAIN: &[u8] = b"q\0\x7e\0\x02";

const TC_NULL: u8 = b'p';
const TC_REFERENCE: u8 = b'q';
const TC_ARRAY: u8 = b'u';
const TC_BLOCK: u8 = b'w';
const TC_END: u8 = b'x';

/// Handles count from 0x7e0000: the map's class, the map, the class of `byte[]`, then every array.
const FIRST_ARRAY: u32 = 0x7e_0003;

const LOAD_FACTOR: f32 = 0.75;

/// The file's bytes.
pub fn write(offsets: &Offsets) -> Vec<u8> {
    let size = offsets.len() as u32;
    let capacity = (offsets.len() * 4 / 3 + 1).next_power_of_two().max(16) as u32;
    let bytes: usize = offsets.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Bytes::len) + 24).sum();
    let mut out = Vec::with_capacity(MAP.len() + 32 + bytes);
    out.extend_from_slice(MAP);
    out.extend_from_slice(&LOAD_FACTOR.to_be_bytes());
    out.extend_from_slice(&(capacity / 4 * 3).to_be_bytes());
    out.extend_from_slice(&[TC_BLOCK, 8]);
    out.extend_from_slice(&capacity.to_be_bytes());
    out.extend_from_slice(&size.to_be_bytes());
    let mut class = BYTES_CLASS;
    for (key, value) in offsets {
        for array in [Some(key), value.as_ref()] {
            let Some(array) = array else {
                out.push(TC_NULL);
                continue;
            };
            out.push(TC_ARRAY);
            out.extend_from_slice(core::mem::replace(&mut class, BYTES_CLASS_AGAIN));
            out.extend_from_slice(&(array.len() as u32).to_be_bytes());
            out.extend_from_slice(array);
        }
    }
    out.push(TC_END);
    out
}

/// What the file holds; no bytes at all are no offsets. The error says what is wrong and where.
pub fn read(file: &[u8]) -> Result<Offsets, String> {
    if file.is_empty() {
        return Ok(Offsets::new());
    }
    let mut from = Reader { rest: file, length: file.len(), arrays: Vec::new(), class_seen: false };
    from.expect(MAP, "it is not a serialized java.util.HashMap")?;
    // Load factor and threshold decide nothing here.
    from.take(8)?;
    from.expect(&[TC_BLOCK, 8], "the map's size is missing")?;
    from.take(4)?;
    let size = from.number()?;
    let mut offsets = Offsets::new();
    for _ in 0..size {
        let key = from.array()?.ok_or_else(|| from.wrong("a key is null"))?;
        let value = from.array()?;
        offsets.insert(key, value);
    }
    from.expect(&[TC_END], "the map does not end")?;
    Ok(offsets)
}

struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
    arrays: Vec<Bytes>,
    class_seen: bool,
}

impl<'a> Reader<'a> {
    fn wrong(&self, what: &str) -> String {
        format!("{what} (at byte {} of {})", self.length - self.rest.len(), self.length)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or_else(|| self.wrong("it ends in the middle"))?;
        self.rest = rest;
        Ok(head)
    }

    fn expect(&mut self, bytes: &[u8], otherwise: &str) -> Result<(), String> {
        self.rest = self.rest.strip_prefix(bytes).ok_or_else(|| self.wrong(otherwise))?;
        Ok(())
    }

    fn number(&mut self) -> Result<u32, String> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn array(&mut self) -> Result<Option<Bytes>, String> {
        match self.take(1)?[0] {
            TC_NULL => Ok(None),
            TC_REFERENCE => {
                let index = self.number()?.checked_sub(FIRST_ARRAY).map(|index| index as usize);
                let known = index.and_then(|index| self.arrays.get(index)).cloned();
                known.map(Some).ok_or_else(|| self.wrong("it refers to an array that is not there"))
            }
            TC_ARRAY => {
                let class = if self.class_seen { BYTES_CLASS_AGAIN } else { BYTES_CLASS };
                self.expect(class, "there is an array of something else than bytes")?;
                self.class_seen = true;
                let len = self.number()? as usize;
                let array = Bytes::copy_from_slice(self.take(len)?);
                self.arrays.push(array.clone());
                Ok(Some(array))
            }
            _ => Err(self.wrong("there is something else than byte arrays")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Written by Connect 4.3.0: one source connector, one file.
    const KAFKAS: &[u8] = include_bytes!("offset_file/kafka-4.3.offsets");
    /// The same after a second connector had its offsets removed over REST.
    const KAFKAS_WITH_NULL: &[u8] = include_bytes!("offset_file/kafka-4.3-removed.offsets");

    fn offsets(pairs: &[(&'static str, Option<&'static str>)]) -> Offsets {
        pairs.iter().map(|(key, value)| (Bytes::from(*key), value.map(Bytes::from))).collect()
    }

    #[test]
    fn what_kafka_wrote_is_read() {
        let first = (r#"["local-file-source",{"filename":"test.txt"}]"#, Some(r#"{"position":12}"#));
        let removed = (r#"["other",{"filename":"other.txt"}]"#, None);
        assert_eq!(read(KAFKAS), Ok(offsets(&[first])));
        assert_eq!(read(KAFKAS_WITH_NULL), Ok(offsets(&[first, removed])));
        // Java walks its buckets, we the keys: with one entry there is one order.
        assert_eq!(write(&offsets(&[first])), KAFKAS);
    }

    #[test]
    fn missing_and_empty() {
        assert_eq!(read(b""), Ok(Offsets::new()));
        assert_eq!(read(&write(&Offsets::new())), Ok(Offsets::new()));
    }

    #[test]
    fn damage_is_said() {
        let check = |file: &[u8], says: &str| {
            let error = read(file).unwrap_err();
            assert!(error.contains(says), "{error}");
        };
        check(b"{}", "not a serialized java.util.HashMap (at byte 0 of 2)");
        check(&KAFKAS[..KAFKAS.len() - 1], "does not end");
        for len in 1..KAFKAS.len() {
            assert!(read(&KAFKAS[..len]).is_err(), "{len}");
        }
        let mut huge = KAFKAS.to_vec();
        let at = KAFKAS.len() - br#"{"position":12}"#.len() - 2;
        huge[at - 3] = 0x7f;
        check(&huge, "ends in the middle");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            offsets in proptest::collection::btree_map(
                proptest::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from),
                proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from)),
                0..40,
            )
        ) {
            prop_assert_eq!(read(&write(&offsets)), Ok(offsets));
        }

        #[test]
        fn no_bytes_do_harm(file in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut all = MAP.to_vec();
            all.extend(file);
            let _ = read(&all);
        }
    }
}
