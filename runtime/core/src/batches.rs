//! A source's columns as Kafka record batches, one or more for each partition.
//!
//! Owns the choice of the partition and where a batch ends. Leaves the batch format to `broker_store::batch`. Invariant: the
//! records of one partition stay in their order.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use broker_core::request::Batch as KafkaBatch;
use broker_store::batch::{BatchInfo, Builder};
use bytes::Bytes;

use crate::{partition, record::Batch};

/// Bytes that a record takes beside its key, value and headers, at most.
const RECORD_OVERHEAD: usize = 64;

/// How to make batches of records.
pub struct Plan<'a> {
    /// Partitions of every topic the records name.
    pub partitions: &'a BTreeMap<String, i32>,
    /// Chooses the partition, among those of the topic, of records without key and partition.
    pub sticky: u32,
    /// For records without a timestamp: milliseconds since 1970.
    pub wall: i64,
    /// A batch ends before it gets larger; a larger record goes alone.
    pub max_batch_bytes: usize,
}

/// Topic, partition and batch, as an append takes them.
pub type Batches = Vec<(String, i32, KafkaBatch)>;

/// Makes batches of `records`, whose keys and values are bytes of a topic, without those in `skip` (rising indexes). The
/// error says which record cannot be sent.
pub fn build(records: &Batch, skip: &[u32], plan: &Plan<'_>) -> Result<Batches, String> {
    let counts: Vec<i32> =
        records.topics.iter().map(|topic| plan.partitions.get(topic).copied().unwrap_or(0)).collect();
    let mut open = Open { records, plan, builders: Vec::new(), last: 0, done: Vec::new() };
    let mut headers = Vec::new();
    let mut skip = skip.iter().copied().peekable();
    for i in 0..records.count as usize {
        if skip.next_if_eq(&(i as u32)).is_some() {
            continue;
        }
        let (key, value) = (records.keys.get(i), records.values.get(i));
        let topic = records.topic_index(i);
        let count = counts.get(topic).copied().unwrap_or(0);
        if count <= 0 {
            return Err(format!("topic {} of record {i} does not exist", records.topic(i)));
        }
        let partition = match (records.partition(i), key) {
            (Some(partition), _) if partition < count => partition,
            (Some(partition), _) => {
                let topic = records.topic(i);
                return Err(format!("record {i} names partition {partition} of topic {topic}, which has {count}"));
            }
            (None, Some(key)) => partition::of_key(key, count),
            (None, None) => (plan.sticky % count as u32) as i32,
        };
        headers.clear();
        headers.extend(records.headers.iter().flat_map(|all| all.of(i)));
        let bytes = key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len);
        let heads: usize = headers.iter().map(|(name, value)| name.len() + value.map_or(0, <[u8]>::len) + 10).sum();
        let builder = open.builder(topic, partition, bytes + heads + RECORD_OVERHEAD);
        builder.push(records.timestamp(i).unwrap_or(plan.wall), key, value, &headers);
    }
    Ok(open.finish())
}

/// A batch of the runtime's own topics: under the broker's `message.max.bytes`, 1,048,588.
const OWN_BATCH_BYTES: usize = 1_000_000;

/// Records of one of the runtime's own topics, which has `count` partitions: key, and value (`None` is a tombstone). One that is too large
/// for a batch is a batch by itself, for the broker to refuse.
pub fn keyed(topic: &str, count: i32, records: impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)>, wall: i64) -> Batches {
    let mut builders: BTreeMap<i32, Builder> = BTreeMap::new();
    let mut full = Batches::new();
    for (key, value) in records {
        let partition = partition::of_key(&key, count);
        let builder = builders.entry(partition).or_default();
        let bytes = key.len() + value.as_ref().map_or(0, Vec::len) + RECORD_OVERHEAD;
        if !builder.is_empty() && builder.len() + bytes > OWN_BATCH_BYTES {
            full.push((String::from(topic), partition, sealed(core::mem::take(builder))));
        }
        builder.push(wall, Some(&key), value.as_deref(), &[]);
    }
    full.extend(builders.into_iter().map(|(partition, builder)| (String::from(topic), partition, sealed(builder))));
    full
}

/// Records that are a value and nothing else, in the first partition of a topic, as [`keyed`] cuts them.
pub fn values<'a>(topic: &str, values: impl Iterator<Item = &'a [u8]>, wall: i64) -> Batches {
    let mut full = Batches::new();
    let mut builder = Builder::default();
    for value in values {
        if !builder.is_empty() && builder.len() + value.len() + RECORD_OVERHEAD > OWN_BATCH_BYTES {
            full.push((String::from(topic), 0, sealed(core::mem::take(&mut builder))));
        }
        builder.push(wall, None, Some(value), &[]);
    }
    if !builder.is_empty() {
        full.push((String::from(topic), 0, sealed(builder)));
    }
    full
}

/// Batches that are not full yet.
struct Open<'a> {
    records: &'a Batch,
    plan: &'a Plan<'a>,
    /// Topic index, partition and batch.
    builders: Vec<(usize, i32, Builder)>,
    /// The one used last: most often the next one too.
    last: usize,
    done: Batches,
}

impl Open<'_> {
    /// The batch for the next record of that partition, with room for `bytes` more.
    fn builder(&mut self, topic: usize, partition: i32, bytes: usize) -> &mut Builder {
        let fits = |(of, number, _): &(usize, i32, Builder)| (*of, *number) == (topic, partition);
        if !self.builders.get(self.last).is_some_and(fits) {
            self.last = self.builders.iter().position(fits).unwrap_or_else(|| {
                self.builders.push((topic, partition, self.fresh(bytes)));
                self.builders.len() - 1
            });
        }
        let full = &self.builders[self.last].2;
        if !full.is_empty() && full.len() + bytes > self.plan.max_batch_bytes {
            let fresh = self.fresh(bytes);
            let full = core::mem::replace(&mut self.builders[self.last].2, fresh);
            self.done.push((self.records.topics[topic].clone(), partition, sealed(full)));
        }
        &mut self.builders[self.last].2
    }

    fn fresh(&self, bytes: usize) -> Builder {
        let all = &self.records;
        let estimate = all.keys.data.len() + all.values.data.len() + all.count as usize * 10;
        // Of many partitions each gets a part; a first guess that is too large costs memory never touched.
        let share = if self.builders.is_empty() { estimate } else { estimate / (self.builders.len() + 1) };
        Builder::with_capacity(share.min(self.plan.max_batch_bytes).max(bytes))
    }

    fn finish(mut self) -> Batches {
        for (topic, partition, builder) in self.builders {
            if !builder.is_empty() {
                self.done.push((self.records.topics[topic].clone(), partition, sealed(builder)));
            }
        }
        self.done
    }
}

fn sealed(builder: Builder) -> KafkaBatch {
    let bytes = Bytes::from(builder.finish());
    let info = BatchInfo::parse(&bytes).expect("a batch just built");
    KafkaBatch { info, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Columns;
    use alloc::vec;

    /// Builds batches of records `topic partition? key? value`, and says what is in them.
    fn check(rows: &[(&str, i32, Option<&str>, &str)], max_batch_bytes: usize, expected: &[(&str, i32, &str)]) {
        let mut columns = Columns::default();
        for (topic, partition, key, value) in rows {
            columns.partition(topic, *partition, 0);
            columns.push(0, 1, key.map(str::as_bytes), Some(value.as_bytes()), [].into_iter());
        }
        let records = columns.finish().unwrap();
        let partitions = [("t".into(), 3), ("u".into(), 1)].into();
        let plan = Plan { partitions: &partitions, sticky: 4, wall: 9, max_batch_bytes };
        let built = build(&records, &[], &plan).unwrap();
        let values = |batch: &KafkaBatch| {
            let mut columns = Columns::default();
            columns.partition("", 0, 0);
            columns.uncompressed(&batch.bytes).unwrap();
            let records = columns.finish().unwrap();
            let values =
                (0..records.count as usize).map(|i| String::from_utf8_lossy(records.values.get(i).unwrap()).into());
            values.collect::<Vec<String>>().join(" ")
        };
        let got: Vec<_> =
            built.iter().map(|(topic, partition, batch)| (topic.as_str(), *partition, values(batch))).collect();
        let expected: Vec<_> =
            expected.iter().map(|(topic, partition, all)| (*topic, *partition, String::from(*all))).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn records_find_their_partition() {
        check(&[("t", -1, None, "a"), ("t", -1, None, "b")], 1000, &[("t", 1, "a b")]);
        check(
            &[("t", 2, Some("k"), "a"), ("u", -1, None, "b"), ("t", 2, None, "c")],
            1000,
            &[("t", 2, "a c"), ("u", 0, "b")],
        );
        // murmur2("21") & 0x7fffffff is 1173551340, a multiple of 3.
        check(&[("t", -1, Some("21"), "a")], 1000, &[("t", 0, "a")]);
    }

    #[test]
    fn a_full_batch_is_followed_by_another() {
        check(
            &[("u", -1, None, "a"), ("u", -1, None, "b"), ("u", -1, None, "c")],
            140,
            &[("u", 0, "a b"), ("u", 0, "c")],
        );
        check(&[("u", -1, None, "a"), ("u", -1, None, "b")], 1, &[("u", 0, "a"), ("u", 0, "b")]);
    }

    #[test]
    fn many_records_of_our_own_are_several_batches() {
        let record = |n: u32| (n.to_be_bytes().to_vec(), Some(vec![b'x'; 300_000]));
        let made = keyed("own", 1, (0..7).map(record), 1);
        let counts: Vec<_> = made.iter().map(|(_, partition, batch)| (*partition, batch.info.count)).collect();
        assert_eq!(counts, [(0, 3), (0, 3), (0, 1)]);
        assert!(made.iter().all(|(_, _, batch)| batch.bytes.len() < 1_048_588));
    }

    #[test]
    fn what_cannot_be_sent_is_named() {
        let mut columns = Columns::default();
        columns.partition("t", 3, 0);
        columns.push(0, 1, None, None, [].into_iter());
        let records = columns.finish().unwrap();
        let refused = |count| {
            let partitions: BTreeMap<_, _> = [("t".into(), count)].into();
            let plan = Plan { partitions: &partitions, sticky: 0, wall: 0, max_batch_bytes: 1000 };
            build(&records, &[], &plan).unwrap_err()
        };
        assert_eq!(refused(3), "record 0 names partition 3 of topic t, which has 3");
        assert_eq!(refused(0), "topic t of record 0 does not exist");
        let none = Plan { partitions: &BTreeMap::new(), sticky: 0, wall: 0, max_batch_bytes: 1000 };
        assert_eq!(build(&records, &[0], &none).unwrap().len(), vec![0; 0].len(), "left out");
    }
}
