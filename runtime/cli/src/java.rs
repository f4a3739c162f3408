//! What of Java shows through in the output of Kafka's tools: how it reads text, how it prints numbers, and the order in which its hash
//! maps hand things out.
//!
//! Owns these, the order for strings and partitions. Source: the specification of `String.hashCode`, how `HashMap` spreads hashes over a
//! table, and what `new String(bytes, UTF_8)` of Java 17 answers. Invariant: each depends on nothing but its arguments.

use std::borrow::Cow;

/// A hash as Java computes it.
pub trait Hashed {
    /// `hashCode()`.
    fn hash_code(&self) -> i32;
}

impl Hashed for str {
    fn hash_code(&self) -> i32 {
        self.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
    }
}

impl Hashed for String {
    fn hash_code(&self) -> i32 {
        self.as_str().hash_code()
    }
}

/// A partition of a topic, `TopicPartition`.
impl Hashed for (String, i32) {
    fn hash_code(&self) -> i32 {
        31i32.wrapping_add(self.1).wrapping_mul(31).wrapping_add(self.0.hash_code())
    }
}

/// Puts what was inserted into a `HashMap` into the order in which it comes out. Every key must be there once.
pub fn hash_order<T, K: Hashed>(mut entries: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    // The table doubles when it is three quarters full; splitting a bucket keeps its order.
    let mut table = 16usize;
    while entries.len() > table / 4 * 3 {
        table *= 2;
    }
    let bucket = |entry: &T| {
        let hash = key(entry).hash_code() as u32;
        (hash ^ (hash >> 16)) as usize & (table - 1)
    };
    entries.sort_by_key(bucket);
    entries
}

/// Bytes as text, as `new String(bytes, UTF_8)` has it: what is no UTF-8 becomes U+FFFD.
///
/// One stands for as much as could have begun a character, as in Rust; only that half a surrogate pair (`ED A0..BF`, and one byte more
/// if it continues) counts as a character that is wrong as a whole, where Rust sees a wrong byte in each of its bytes.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    let is_surrogate = |pair: &[u8]| pair[0] == 0xed && (0xa0..=0xbf).contains(&pair[1]);
    if !bytes.windows(2).any(is_surrogate) {
        return String::from_utf8_lossy(bytes);
    }
    // 0xED continues nothing, so it is where a character begins; and 0xFF is one wrong byte anywhere.
    let (mut rest, mut mended) = (bytes, Vec::with_capacity(bytes.len()));
    while let Some(at) = rest.windows(2).position(is_surrogate) {
        mended.extend_from_slice(&rest[..at]);
        mended.push(0xff);
        let is_whole = rest.get(at + 2).is_some_and(|byte| (0x80..=0xbf).contains(byte));
        rest = &rest[at + 2 + usize::from(is_whole)..];
    }
    mended.extend_from_slice(rest);
    Cow::Owned(String::from_utf8_lossy(&mended).into_owned())
}

/// A double as Java prints it, from a thousandth on.
pub fn double(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e7 {
        return format!("{value:.1}");
    }
    let text = format!("{value:E}");
    if value.abs() >= 1e7 && !text.contains('.') {
        text.replace('E', ".0E")
    } else if value.abs() >= 1e7 {
        text
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes() {
        assert_eq!("".hash_code(), 0);
        assert_eq!("test".hash_code(), 3_556_498);
        assert_eq!("__consumer_offsets".hash_code(), -970_371_369);
    }

    #[test]
    fn partitions_come_out_as_kafka_prints_them() {
        let partitions =
            [("g1", 0), ("g3", 0), ("g3", 1), ("g3", 2)].map(|(topic, at)| (topic.to_owned(), at)).to_vec();
        let ordered = hash_order(partitions, Clone::clone);
        let names: Vec<String> = ordered.iter().map(|(topic, at)| format!("{topic}-{at}")).collect();
        assert_eq!(names, ["g1-0", "g3-2", "g3-1", "g3-0"]);
    }

    #[test]
    fn broken_text() {
        let check =
            |bytes: &[u8], expected: &str| assert_eq!(text(bytes).replace('\u{fffd}', "?"), expected, "{bytes:x?}");
        check(b"\xc3\xa9 \xe2\x82\xac", "\u{e9} \u{20ac}");
        check(b"a\xffb", "a?b");
        check(b"\xed\xa0\x80", "?");
        check(b"\xed\xa0", "?");
        check(b"\xed\xa0A", "?A");
        check(b"\xed\xa0\x80\xed\xb0\x80", "??");
        check(b"\xed\xed\xed\xa0", "???");
        check(b"\xed\x9f\xbf", "\u{d7ff}");
        check(b"\xe2\x82A", "?A");
        check(b"\xf0\x9f\x98", "?");
        check(b"\xf4\x90\x80\x80", "????");
        check(b"\xe0\x80\x80", "???");
    }

    /// Every sequence of up to four of these bytes, the edges of UTF-8's table; the sum is what Java 17 gave for its
    /// `new String(bytes, UTF_8).getBytes(UTF_8)`, a line each, with the same loop.
    #[test]
    fn all_short_sequences_read_as_java_reads_them() {
        const EDGES: &[u8] = &[
            0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
            0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
        ];
        fn sum(sum: u64, bytes: &[u8]) -> u64 {
            bytes.iter().fold(sum, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
        }
        fn all(seen: u64, begun: &mut Vec<u8>, missing: usize) -> u64 {
            if missing == 0 {
                return sum(sum(seen, text(begun).as_bytes()), b"\n");
            }
            EDGES.iter().fold(seen, |seen, byte| {
                begun.push(*byte);
                let seen = all(seen, begun, missing - 1);
                begun.pop();
                seen
            })
        }
        let seen = (0..=4).fold(0xcbf2_9ce4_8422_2325, |seen, length| all(seen, &mut Vec::new(), length));
        assert_eq!(seen, 0xefc3_8735_37ca_ffb1);
    }

    #[test]
    fn doubles() {
        let check = |value: f64, expected: &str| assert_eq!(double(value), expected);
        check(1024.0, "1024.0");
        check(0.5, "0.5");
        check(1e7, "1.0E7");
        check(12_345_678.0, "1.2345678E7");
    }
}
