//! Promise: a batch that was acknowledged or served is at its offset for ever, unchanged; offsets have no gap and no repeat.
//!
//! Owns base offset, last offset and a sum of every batch that any client was told of. What is served counts as promised: a reader
//! has acted on it. Invariant: the batches kept of a partition do not overlap.

use std::collections::BTreeMap;

use broker_store::batch::{self, BatchInfo};

use super::Checked;
use crate::{broken, trace};

/// A partition, by topic name and index.
pub type Partition = (String, i32);

/// One batch as it was served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Its header.
    pub info: BatchInfo,
    /// Sum of all of it.
    pub sum: u64,
}

/// The checker.
#[derive(Default)]
pub struct LogCheck {
    partitions: BTreeMap<Partition, Kept>,
    /// Old records go by themselves.
    retention: bool,
    /// All topics are compacted.
    compacted: bool,
}

#[derive(Default)]
struct Kept {
    /// By base offset: last offset and sum.
    batches: BTreeMap<i64, (i64, u64)>,
    /// Highest high watermark that was told.
    end: i64,
    /// Highest start that was told.
    start: i64,
    /// Highest start that anybody asked for.
    may_start: i64,
}

impl LogCheck {
    /// A producer was told that this batch, as it was sent, is at `base_offset`.
    pub fn acknowledged(&mut self, partition: &Partition, base_offset: i64, sent: &[u8]) -> Checked {
        let mut bytes = sent.to_vec();
        batch::stamp(&mut bytes, base_offset, 0);
        let info = BatchInfo::parse(&bytes).map_err(|bad| format!("the simulator sent no batch: {bad}"))?;
        self.promise(partition, &info, trace::sum(&bytes), "acknowledged")
    }

    /// A reader that asked for `offset` got these bytes, and this high watermark.
    pub fn served(
        &mut self,
        partition: &Partition,
        offset: i64,
        high_watermark: i64,
        bytes: &[u8],
    ) -> Result<Vec<Served>, String> {
        let batches = parse(bytes).map_err(|why| format!("{partition:?} from {offset}: {why}"))?;
        let compacted = self.is_compacted(partition);
        if let Some(first) = batches.first()
            && first.info.last_offset() < offset
        {
            broken!("{partition:?}: asked for offset {offset}, served up to {}", first.info.last_offset());
        }
        if let Some(first) = batches.first()
            && !compacted
            && !(first.info.base_offset..=first.info.last_offset()).contains(&offset)
        {
            broken!(
                "{partition:?}: asked for offset {offset}, served {}..={}",
                first.info.base_offset,
                first.info.last_offset()
            );
        }
        for pair in batches.windows(2) {
            let next = pair[0].info.last_offset() + 1;
            if pair[1].info.base_offset < next || (pair[1].info.base_offset > next && !compacted) {
                broken!(
                    "{partition:?}: offset {} is followed by {}",
                    pair[0].info.last_offset(),
                    pair[1].info.base_offset
                );
            }
        }
        for served in &batches {
            if served.info.last_offset() >= high_watermark {
                broken!(
                    "{partition:?}: offset {} is above the high watermark {high_watermark}",
                    served.info.last_offset()
                );
            }
            self.promise(partition, &served.info, served.sum, "served")?;
        }
        // Answers may overtake each other, so this one may be older than what is known.
        let kept = self.partitions.entry(partition.clone()).or_default();
        kept.end = kept.end.max(high_watermark);
        Ok(batches)
    }

    /// Whether all topics are compacted.
    pub fn compacted(&mut self, compacted: bool) {
        self.compacted = compacted;
    }

    /// Whether a partition may have gaps, and batches with fewer records than they had.
    fn is_compacted(&self, partition: &Partition) -> bool {
        self.compacted || partition.0.starts_with("__")
    }

    /// Whether old records may go by themselves.
    pub fn retention(&mut self, retention: bool) {
        self.retention = retention;
    }

    /// A client asks that the partition shall start here.
    pub fn may_start(&mut self, partition: &Partition, offset: i64) {
        let kept = self.partitions.entry(partition.clone()).or_default();
        kept.may_start = kept.may_start.max(offset);
    }

    /// Anybody was told that the partition starts here.
    pub fn starts(&mut self, partition: &Partition, start: i64) -> Checked {
        let kept = self.partitions.entry(partition.clone()).or_default();
        if start > kept.may_start && !self.retention {
            broken!("{partition:?} starts at {start}, and nobody asked for more than {}", kept.may_start);
        }
        // Answers may overtake each other, so it may have been later already.
        kept.start = kept.start.max(start);
        Ok(())
    }

    /// A client was told after a restart that the partition starts here: what was gone may not come back.
    pub fn starts_again(&mut self, partition: &Partition, start: i64) -> Checked {
        self.starts(partition, start)?;
        match self.partitions.get(partition) {
            Some(kept) if start < kept.start => {
                broken!("{partition:?} started at {} and now starts at {start}", kept.start)
            }
            _ => Ok(()),
        }
    }

    /// All that a partition has, read from its `start` after a restart: nothing promised may be missing.
    pub fn all(&mut self, partition: &Partition, start: i64, batches: &[Served]) -> Checked {
        let compacted = self.is_compacted(partition);
        let kept = self.partitions.entry(partition.clone()).or_default();
        let mut next = batches.first().map_or(start, |first| first.info.base_offset.min(start));
        for batch in batches {
            if batch.info.base_offset < next || (batch.info.base_offset > next && !compacted) {
                broken!("{partition:?}: offset {} is where {next} should be", batch.info.base_offset);
            }
            next = batch.info.last_offset() + 1;
        }
        if next < kept.end {
            broken!("{partition:?}: offsets {next} to {} were acknowledged or served and are lost", kept.end - 1);
        }
        Ok(())
    }

    /// A client was told after a restart that the partition ends here: it may not end early.
    pub fn ends(&mut self, partition: &Partition, high_watermark: i64) -> Checked {
        match self.partitions.get(partition) {
            Some(kept) if high_watermark < kept.end => {
                broken!("{partition:?} ended at {} and now ends at {high_watermark}", kept.end)
            }
            _ => Ok(()),
        }
    }

    /// Where the partition ends, as far as anybody was told.
    pub fn end(&self, partition: &Partition) -> i64 {
        self.partitions.get(partition).map_or(0, |kept| kept.end)
    }

    /// The partitions that anything was promised of.
    pub fn partitions(&self) -> Vec<Partition> {
        self.partitions.keys().cloned().collect()
    }

    /// A client has asked for the topic's deletion: it may be there or not.
    pub fn forget(&mut self, topic: &str) {
        self.partitions.retain(|(name, _), _| name != topic);
    }

    /// Batches promised so far.
    pub fn count(&self) -> usize {
        self.partitions.values().map(|kept| kept.batches.len()).sum()
    }

    fn promise(&mut self, partition: &Partition, info: &BatchInfo, sum: u64, how: &str) -> Checked {
        let compacted = self.is_compacted(partition);
        let kept = self.partitions.entry(partition.clone()).or_default();
        let (base, last) = (info.base_offset, info.last_offset());
        kept.end = kept.end.max(last + 1);
        match kept.batches.range(..=last).next_back() {
            Some((other, promised)) if *other == base => {
                if promised.0 != last || (promised.1 != sum && !compacted) {
                    broken!("{partition:?}: the batch at offset {base} is {how} with other bytes than before");
                }
            }
            Some((other, (end, _))) if *end >= base => {
                broken!(
                    "{partition:?}: offsets {base}..={last} are {how}, but a batch at {other}..={end} was promised"
                );
            }
            _ => drop(kept.batches.insert(base, (last, sum))),
        }
        Ok(())
    }
}

/// Whole batches, each with a good checksum.
fn parse(mut bytes: &[u8]) -> Result<Vec<Served>, String> {
    let mut batches = Vec::new();
    while !bytes.is_empty() {
        let info = BatchInfo::parse(bytes).map_err(|bad| format!("what was served is not whole batches: {bad}"))?;
        let (batch, rest) = bytes.split_at(info.length as usize);
        batch::check_crc(batch).map_err(|bad| format!("a rotten batch was served: {bad}"))?;
        batches.push(Served { info, sum: trace::sum(batch) });
        bytes = rest;
    }
    Ok(batches)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(offset: i64, value: &str, count: usize) -> Vec<u8> {
        let mut builder = batch::Builder::new();
        (0..count).for_each(|_| builder.push(5, None, Some(value.as_bytes()), &[]));
        let mut bytes = builder.finish();
        batch::stamp(&mut bytes, offset, 0);
        bytes
    }

    fn check(tell: impl Fn(&mut LogCheck, &Partition) -> Checked, expected: &str) {
        let (mut log, partition) = (LogCheck::default(), ("t".to_string(), 0));
        log.acknowledged(&partition, 0, &batch(0, "a", 2)).expect("the first batch");
        let told = tell(&mut log, &partition).err().unwrap_or_default();
        assert!(told.contains(expected) && told.is_empty() == expected.is_empty(), "{told:?} is not {expected:?}");
    }

    #[test]
    fn every_way_to_break_the_promise_is_noticed() {
        let served =
            |log: &mut LogCheck, p: &Partition, offset, bytes: &[u8]| log.served(p, offset, 9, bytes).map(drop);
        check(|log, p| served(log, p, 0, &batch(0, "a", 2)), "");
        check(|log, p| served(log, p, 0, &batch(0, "b", 2)), "other bytes");
        check(|log, p| served(log, p, 1, &batch(1, "a", 1)), "was promised");
        check(|log, p| served(log, p, 5, &batch(2, "a", 1)), "asked for offset 5");
        check(|log, p| served(log, p, 0, &[batch(0, "a", 2), batch(3, "c", 1)].concat()), "followed by");
        check(|log, p| served(log, p, 0, &batch(0, "a", 2)[..50]), "not whole batches");
        check(|log, p| log.served(p, 2, 2, &batch(2, "c", 1)).map(drop), "above the high watermark");
        check(|log, p| log.served(p, 2, 7, &[]).and_then(|_| log.all(p, 0, &parse(&batch(0, "a", 2))?)), "2 to 6 were");
        check(|log, p| log.all(p, 0, &[]), "are lost");
        check(|log, p| log.ends(p, 1), "now ends at 1");
        check(|log, p| log.ends(p, 2), "");
        check(|log, p| log.all(p, 0, &parse(&batch(1, "a", 1)).unwrap()), "where 0 should be");
        check(|log, p| log.all(p, 0, &parse(&batch(0, "a", 2)).unwrap()), "");
        check(|log, p| log.all(p, 1, &parse(&batch(0, "a", 2)).unwrap()), "");
        check(|log, p| log.all(p, 2, &[]), "");
        check(|log, p| log.starts(p, 1), "nobody asked");
        let asked = |log: &mut LogCheck, p: &Partition| {
            log.may_start(p, 2);
            log.starts(p, 2)
        };
        check(asked, "");
        check(move |log, p| asked(log, p).and_then(|()| log.starts_again(p, 1)), "now starts at 1");
        let mut rotten = batch(0, "a", 2);
        rotten[65] ^= 1;
        check(move |log, p| served(log, p, 0, &rotten), "rotten");
    }
}
