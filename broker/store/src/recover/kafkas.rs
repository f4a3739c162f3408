//! Log folders that Kafka wrote, put into the data folder while no broker ran.
//!
//! Owns how such a folder is told from ours, and what makes it one of ours: whole batches in leader epoch 0 (the only one there is
//! here), indexes made from them, and `partition.metadata` as we write it. Kafka's own indexes and snapshots are not believed. A last
//! segment that ends in the middle of a batch is cut there, as Kafka does after a crash. Leaves the topic to the core, which makes it if
//! there is none; until a checkpoint knows the log, every start takes it over again.
//!
//! Invariant: a folder that cannot be taken over whole is left as it is, and the start ends with the reason.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use bytes::Bytes;

use super::{RecoverError, index::SETTINGS, logs::remove_unknown};
use crate::{
    batch::BatchInfo,
    checkpoint::read_all,
    disk::{Disk, DiskError, DiskFile, Open},
    entry::PartitionId,
    log::{LogDir, LogState, Segment, SegmentState},
    segment::{METADATA, metadata, metadata_path, topic_id},
};

mod batches;

use batches::Batches;

/// Kafka keeps it in every log's folder, and we in none.
const EPOCHS: &str = "leader-epoch-checkpoint";

/// Where a batch's leader epoch is.
const EPOCH_AT: u64 = 12;

/// A log that Kafka wrote, whole and ours now.
#[derive(Clone, Debug)]
pub struct TakenOver {
    /// The topic's name.
    pub topic: String,
    /// What is in its segments.
    pub log: LogState,
    /// Every batch of a producer with an id, in order; with its bytes if it is a control batch.
    pub batches: Vec<(BatchInfo, Bytes)>,
    /// Bytes that were no whole batch, at the end of the last segment, and were cut.
    pub cut: u64,
}

/// What is to be done to a folder: nothing of it is until all of them were looked at.
pub(super) struct Plan {
    taken: TakenOver,
    dir: LogDir,
    segments: Vec<Found>,
}

struct Found {
    made: Segment,
    next_offset: i64,
    /// Where batches of other leader epochs begin.
    epochs: Vec<u64>,
}

/// Looks at every folder of Kafka's that no checkpoint knows.
pub(super) fn look<D: Disk>(disk: &D, logs: &[LogState]) -> Result<Vec<Plan>, RecoverError> {
    let mut plans = Vec::new();
    for name in disk.list("")? {
        let known = logs.iter().any(|log| log.dir == name);
        let Some((topic, partition)) = topic_partition(&name).filter(|_| !known) else { continue };
        if disk.exists(&format!("{name}/{EPOCHS}"))? {
            plans.push(Plan::new(disk, &name, topic, partition)?);
        }
    }
    Ok(plans)
}

/// Kafka's internal topics hold a cluster's state, which is not taken over.
fn topic_partition(name: &str) -> Option<(&str, i32)> {
    let (topic, partition) = name.rsplit_once('-')?;
    let partition = partition.parse::<u32>().ok().and_then(|partition| i32::try_from(partition).ok())?;
    (!topic.starts_with("__")).then_some((topic, partition))
}

impl Plan {
    fn new<D: Disk>(disk: &D, name: &str, topic: &str, partition: i32) -> Result<Self, RecoverError> {
        let refuse = |why: &str| RecoverError::Foreign { folder: name.to_string(), why: why.to_string() };
        let whose = read_all(disk, &format!("{name}/{METADATA}"))?;
        let whose = whose.ok_or_else(|| refuse("partition.metadata is missing, which names its topic's id"))?;
        let id = topic_id(&whose).ok_or_else(|| refuse("partition.metadata has no topic id"))?;
        let partition = PartitionId { topic: id, partition };
        let dir = LogDir { partition, name: name.into() };
        let bases = bases(&disk.list(name)?);
        let first = *bases.first().ok_or_else(|| refuse("there is no .log file in it"))?;
        let log = LogState {
            partition,
            dir: name.to_string(),
            start_offset: first,
            next_offset: first,
            cleaned_to: 0,
            segments: Vec::new(),
        };
        let taken = TakenOver { topic: topic.to_string(), log, batches: Vec::new(), cut: 0 };
        let mut plan = Self { taken, dir, segments: Vec::new() };
        for (at, base) in bases.iter().enumerate() {
            plan.segment(disk, *base, bases.get(at + 1).copied())?;
        }
        Ok(plan)
    }

    /// Reads one segment; `next` is the base offset of the one after it.
    fn segment<D: Disk>(&mut self, disk: &D, base: i64, next: Option<i64>) -> Result<(), RecoverError> {
        let path = self.dir.path(base, "log");
        let mut file = Batches::new(disk.open(&path, Open::Read)?);
        let mut found = Found { made: Segment::new(base), next_offset: base, epochs: Vec::new() };
        let mut gaps = false;
        let bad = loop {
            match file.next(base, found.next_offset)? {
                Ok(None) => break None,
                Err(why) => break Some(why),
                Ok(Some((position, info, bytes))) => {
                    gaps |= info.base_offset != found.next_offset;
                    found.next_offset = info.last_offset() + 1;
                    if info.leader_epoch != 0 {
                        found.epochs.push(position);
                    }
                    let info = BatchInfo { leader_epoch: 0, ..info };
                    found.made.append(&info, &SETTINGS);
                    if info.producer_id >= 0 {
                        let control = if info.is_control() { Bytes::copy_from_slice(bytes) } else { Bytes::new() };
                        self.taken.batches.push((info, control));
                    }
                }
            }
        };
        if let Some(why) = bad {
            // What was being written when Kafka ended is at the end of all, and after something that can be read, or is zeros.
            if next.is_some() || (file.position() == 0 && !file.is_zeros_here()) {
                return Err(RecoverError::Rot { file: path, offset: file.position(), why });
            }
            self.taken.cut = file.left()?;
        }
        if next.is_some_and(|next| next < found.next_offset) {
            let why = format!("its last offset is {}, and the next segment begins before", found.next_offset - 1);
            return Err(RecoverError::Rot { file: path, offset: 0, why });
        }
        self.taken.log.next_offset = found.next_offset;
        // Compaction, or a transaction's end that nothing is left of, leaves gaps between segments too.
        let gaps = gaps || next.is_some_and(|next| next != found.next_offset);
        if found.made.state().size > 0 {
            if next.is_some() {
                found.made.close();
            }
            let state = SegmentState { gaps, ..*found.made.state() };
            self.taken.log.segments.push(state);
            self.segments.push(found);
        }
        Ok(())
    }

    /// Makes the folder one of ours, durably.
    pub fn take_over<D: Disk>(self, disk: &D) -> Result<TakenOver, DiskError> {
        let Self { taken, dir, segments } = self;
        for found in segments {
            let state = *found.made.state();
            let log = disk.open(&dir.path(state.base_offset, "log"), Open::Append)?;
            for position in found.epochs {
                log.write_at(position + EPOCH_AT, &[&0i32.to_be_bytes()])?;
            }
            log.truncate(state.size)?;
            log.sync()?;
            for (what, bytes) in [("index", &found.made.index), ("timeindex", &found.made.time_index)] {
                let file = disk.open(&dir.path(state.base_offset, what), Open::Append)?;
                file.truncate(0)?;
                file.write_at(0, &[bytes])?;
                file.sync()?;
            }
        }
        let whose = disk.open(&metadata_path(&dir), Open::Append)?;
        let bytes = metadata(&dir.partition);
        whose.write_at(0, &[bytes.as_bytes()])?;
        whose.truncate(bytes.len() as u64)?;
        whose.sync()?;
        remove_unknown(disk, &dir, &taken.log.segments)?;
        disk.sync_dir(&dir.name)?;
        Ok(taken)
    }
}

/// The base offsets of the segments among these files, in order.
fn bases(names: &[String]) -> Vec<i64> {
    let base = |name: &String| name.strip_suffix(".log").filter(|base| base.len() == 20)?.parse().ok();
    let mut bases: Vec<i64> = names.iter().filter_map(base).collect();
    bases.sort_unstable();
    bases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        batch::{Builder, stamp},
        testdisk::TestDisk,
    };

    const ID: &str = "version: 0\ntopic_id: AQEBAQEBAQEBAQEBAQEBAQ";

    fn one(offset: i64, epoch: i32) -> Vec<u8> {
        let mut builder = Builder::new().producer(7, 0, offset as i32);
        builder.push(1000 + offset, None, Some(b"value"), &[]);
        let mut bytes = builder.finish();
        stamp(&mut bytes, offset, epoch);
        bytes
    }

    fn put(disk: &TestDisk, name: &str, bytes: &[u8]) {
        let file = disk.open(&format!("t-1/{name}"), Open::Append).unwrap();
        file.write_at(0, &[bytes]).unwrap();
    }

    /// A folder with two segments, as Kafka leaves them: indexes of zeros, batches of two leader epochs.
    fn folder(second: &[u8]) -> TestDisk {
        let disk = TestDisk::default();
        disk.create_dir_all("t-1").unwrap();
        put(&disk, METADATA, ID.as_bytes());
        put(&disk, EPOCHS, b"0\n1\n0 0\n");
        put(&disk, "00000000000000000005.log", &[one(5, 0), one(6, 1)].concat());
        put(&disk, "00000000000000000005.index", &[0; 100]);
        put(&disk, "00000000000000000007.log", second);
        put(&disk, "00000000000000000007.snapshot", b"not believed");
        disk
    }

    fn take(disk: &TestDisk) -> Result<Vec<TakenOver>, RecoverError> {
        let plans = look(disk, &[])?;
        Ok(plans.into_iter().map(|plan| plan.take_over(disk)).collect::<Result<_, _>>()?)
    }

    #[test]
    fn a_folder_becomes_ours_and_once_more_at_the_next_start() {
        let disk = folder(&one(9, 1));
        let first = take(&disk).unwrap().remove(0);
        assert_eq!((first.topic.as_str(), first.log.partition.partition, first.cut), ("t", 1, 0));
        assert_eq!((first.log.start_offset, first.log.next_offset, first.batches.len()), (5, 10, 3));
        let sizes: Vec<_> = first.log.segments.iter().map(|s| (s.base_offset, s.next_offset, s.gaps)).collect();
        assert_eq!(sizes, [(5, 7, false), (7, 10, true)]);
        let files = disk.everything();
        assert_eq!(files["t-1/00000000000000000005.log"], [one(5, 0), one(6, 0)].concat());
        assert_eq!(files["t-1/partition.metadata"], metadata(&first.log.partition).as_bytes());
        let again = take(&disk).unwrap().remove(0);
        assert_eq!((again.log, again.batches), (first.log.clone(), first.batches));
        assert_eq!(disk.everything(), files);
        assert!(look(&disk, &[first.log]).unwrap().is_empty(), "a checkpoint knows it");
    }

    #[test]
    fn an_end_in_the_middle_of_a_batch_is_cut_and_anything_else_is_refused() {
        let whole = one(7, 0);
        let check = |disk: &TestDisk, expected: Result<(i64, u64), &str>| {
            let before = disk.everything();
            match (take(disk), expected) {
                (Ok(taken), Ok(expected)) => assert_eq!((taken[0].log.next_offset, taken[0].cut), expected),
                (Err(error), Err(why)) => {
                    assert!(error.to_string().contains(why), "{error}");
                    assert_eq!(disk.everything(), before, "it is left as it is");
                }
                (other, expected) => panic!("{other:?} is not {expected:?}"),
            }
        };
        let torn = one(8, 0);
        for cut in 1..torn.len() {
            check(&folder(&[&whole[..], &torn[..cut]].concat()), Ok((8, cut as u64)));
        }
        check(&folder(&[&whole[..], &[0; 4096]].concat()), Ok((8, 4096)));
        check(&folder(&[]), Ok((7, 0)));
        check(&folder(&[0; 100]), Ok((7, 100)));
        check(&folder(&one(6, 0)), Err("offset 6 cannot be here"));
        let rotten = folder(&whole);
        rotten.rot("t-1/00000000000000000005.log", |bytes| bytes[70] ^= 1);
        check(&rotten, Err("is corrupt"));
        let nameless = folder(&whole);
        nameless.remove("t-1/partition.metadata").unwrap();
        check(&nameless, Err("partition.metadata is missing"));
        let long = folder(&whole);
        put(&long, "00000000000000000005.log", &[one(5, 0), one(6, 1), one(7, 0)].concat());
        check(&long, Err("the next segment begins before"));
    }

    #[test]
    fn our_own_folders_and_kafkas_internal_ones_are_left_alone() {
        assert!(look(&TestDisk::default(), &[]).unwrap().is_empty());
        let names = ["t-0", "__consumer_offsets-3", "__cluster_metadata-0", "t", "t-x", "t--1", "a-b-2"];
        let expected = [Some(("t", 0)), None, None, None, None, Some(("t-", 1)), Some(("a-b", 2))];
        assert_eq!(names.map(topic_partition), expected);
        let disk = folder(&one(7, 0));
        disk.remove(&format!("t-1/{EPOCHS}")).unwrap();
        assert!(look(&disk, &[]).unwrap().is_empty());
    }
}
