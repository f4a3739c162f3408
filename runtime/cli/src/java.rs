//! What of Java shows through in the output of Kafka's tools: how it prints numbers, and the order in which its hash maps hand things
//! out.
//!
//! Owns both, the order for strings and partitions. Source: the specification of `String.hashCode`, and how `HashMap` spreads hashes over a
//! table. Invariant: the order depends on nothing but the keys and the order in which they were put in.

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
    fn doubles() {
        let check = |value: f64, expected: &str| assert_eq!(double(value), expected);
        check(1024.0, "1024.0");
        check(0.5, "0.5");
        check(1e7, "1.0E7");
        check(12_345_678.0, "1.2345678E7");
    }
}
