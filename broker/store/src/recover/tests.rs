//! A run over a disk that loses power at every one of its calls, and starts again.

use alloc::{collections::BTreeMap, vec, vec::Vec};
use bytes::Bytes;

use super::*;
use crate::{
    batch::{BatchInfo, Builder},
    disk::ErrorKind,
    entry::{Entry, EntryBuilder, PartitionId},
    log::{Log, LogSettings},
    segment::{SegmentReader, SegmentWriter},
    testdisk::TestDisk,
};

const SIZES: Sizes = Sizes { first: 16 << 10, file: 32 << 10, capacity: 64 << 10 };
const SETTINGS: LogSettings =
    LogSettings { segment_bytes: 9_000, segment_ms: i64::MAX, index_interval_bytes: 1000, index_max_bytes: 1 << 20 };

fn start(salt: u64) -> Start {
    let identity = Identity { cluster_id: "c".into(), node_id: 1, directory_id: "d".into() };
    Start { identity, salt, sizes: SIZES, pool: Pool::new() }
}

fn refused(disk: &TestDisk) -> RecoverError {
    recover(disk, start(2)).map(|(recovered, _)| recovered).unwrap_err()
}

fn partition(index: i32) -> PartitionId {
    PartitionId { topic: [index as u8 + 1; 16], partition: index }
}

/// What every entry that was acknowledged had in it, and the one that was being written.
#[derive(Clone, Default)]
struct Told {
    acknowledged: Vec<Vec<Item>>,
    doubtful: Option<Vec<Item>>,
}

/// A broker that knows nothing but its logs and its records.
struct Run {
    journal: Journal<TestDisk>,
    writer: SegmentWriter<TestDisk>,
    disk: TestDisk,
    pool: Pool,
    salt: u64,
    logs: BTreeMap<PartitionId, Log>,
    records: Vec<u8>,
    seq: u64,
    checkpoint: u64,
}

impl Run {
    fn start(disk: &TestDisk, salt: u64) -> Result<Run, RecoverError> {
        let (recovered, journal) = recover(disk, start(salt))?;
        assert_eq!(recovered.missing, []);
        let mut run = Run {
            journal,
            writer: SegmentWriter::new(disk.clone()),
            disk: disk.clone(),
            pool: recovered.pool.clone(),
            salt,
            logs: BTreeMap::new(),
            records: Vec::new(),
            seq: recovered.last_seq,
            checkpoint: 0,
        };
        if let Some(checkpoint) = recovered.checkpoint {
            run.records = checkpoint.snapshot;
            run.checkpoint = checkpoint.journal_seq;
            run.logs = checkpoint.logs.into_iter().map(|log| (log.partition, Log::restore(log, SETTINGS))).collect();
        }
        run.replay(&recovered.items);
        Ok(run)
    }

    fn log(&mut self, id: PartitionId) -> &mut Log {
        self.logs.entry(id).or_insert_with(|| Log::new(id, "t", SETTINGS))
    }

    fn replay(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Record(bytes) => self.records.extend_from_slice(bytes),
                Item::Batch { partition, info, bytes } => {
                    let log = self.log(*partition);
                    if info.base_offset >= log.next_offset() {
                        log.append(info, bytes.clone());
                    }
                }
            }
        }
    }

    fn entry(&mut self, random: &mut u64) -> Entry {
        let mut builder = EntryBuilder::new(&self.pool);
        let mut next: BTreeMap<PartitionId, i64> = BTreeMap::new();
        let mut draw = |below: u64| {
            *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*random >> 33) % below
        };
        for _ in 0..draw(4) {
            let (id, size) = (partition(draw(2) as i32), draw(3) * draw(4_000));
            let mut batch = Builder::new();
            batch.push(1000, None, Some(&vec![draw(256) as u8; size as usize]), &[]);
            let bytes = batch.finish();
            let base = next.entry(id).or_insert_with(|| self.logs.get(&id).map_or(0, Log::next_offset));
            builder.push_batch(id, &BatchInfo::parse(&bytes).unwrap(), *base, 0, 0, &bytes);
            *base += 1;
        }
        if draw(2) == 0 {
            builder.push_record(&[draw(256) as u8; 3]);
        }
        builder.finish(self.seq + 1, self.salt)
    }

    fn write(&mut self, random: &mut u64, told: &mut Told) -> Result<(), DiskError> {
        let entry = self.entry(random);
        told.doubtful = Some(entry.items().to_vec());
        self.journal.write(&entry)?;
        told.acknowledged.extend(told.doubtful.take());
        self.seq += 1;
        self.replay(entry.items());
        Ok(())
    }

    fn write_record(&mut self, bytes: &[u8], told: &mut Told) {
        let mut builder = EntryBuilder::new(&self.pool);
        builder.push_record(bytes);
        let entry = builder.finish(self.seq + 1, self.salt);
        self.journal.write(&entry).unwrap();
        told.acknowledged.push(entry.items().to_vec());
        self.seq += 1;
        self.replay(entry.items());
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        for log in self.logs.values_mut() {
            self.writer.write(&log.take_writes())?;
            log.written();
        }
        Ok(())
    }

    /// As of an entry that is some way back if `late`: the logs are then further than the snapshot.
    fn make_checkpoint(&mut self) -> Result<(), DiskError> {
        self.flush()?;
        let logs = self.logs.values().map(Log::state).collect();
        Checkpoint { journal_seq: self.seq, snapshot: self.records.clone(), logs, files: Vec::new() }
            .store(&self.disk)?;
        self.checkpoint = self.seq;
        self.journal.release(self.seq)
    }

    fn step(&mut self, random: &mut u64, told: &mut Told) -> Result<(), DiskError> {
        if self.journal.used() > SIZES.capacity / 4 * 3 {
            self.make_checkpoint()?;
        }
        match (*random >> 40) % 8 {
            0 => self.flush()?,
            1 => self.make_checkpoint()?,
            2 => {
                if let Some(prepare) = self.journal.prepare() {
                    self.journal.prepared(Ok(prepare.run()?));
                }
            }
            _ => {}
        }
        self.write(random, told)
    }

    /// Every batch of every log, and every record.
    fn everything(&self) -> (BTreeMap<PartitionId, Vec<u8>>, Vec<u8>) {
        let reader = SegmentReader::new(self.disk.clone(), self.pool.clone());
        let read_log = |log: &Log| {
            let (mut bytes, mut offset) = (Vec::new(), 0);
            while offset < log.next_offset() {
                let read = log.read(offset, log.next_offset(), 5_000, true);
                let from_file = read.file.as_ref().map(|file| reader.read(file).unwrap()).unwrap_or_default();
                for piece in read.memory.iter().chain([&from_file]).filter(|piece| !piece.is_empty()) {
                    let mut at = 0;
                    while at < piece.len() {
                        let info = crate::batch::check_crc(&piece[at..]).unwrap();
                        assert_eq!(info.base_offset, offset);
                        (at, offset) = (at + info.length as usize, info.last_offset() + 1);
                    }
                    bytes.extend_from_slice(piece);
                }
            }
            bytes
        };
        let logs = self.logs.iter().map(|(id, log)| (*id, read_log(log))).filter(|(_, bytes)| !bytes.is_empty());
        (logs.collect(), self.records.clone())
    }
}

impl Told {
    fn everything(&self) -> (BTreeMap<PartitionId, Vec<u8>>, Vec<u8>) {
        let (mut logs, mut records) = (BTreeMap::new(), Vec::new());
        for item in self.acknowledged.iter().flatten() {
            match item {
                Item::Record(bytes) => records.extend_from_slice(bytes),
                Item::Batch { partition, bytes, .. } => {
                    logs.entry(*partition).or_insert_with(Vec::new).extend_from_slice(bytes);
                }
            }
        }
        (logs, records)
    }

    /// What was acknowledged is there, and the doubtful entry whole or not at all.
    fn check(&mut self, run: &Run) {
        let doubtful = self.doubtful.take();
        if run.seq > self.acknowledged.len() as u64 {
            self.acknowledged.push(doubtful.expect("an entry that was never written"));
        }
        assert_eq!(run.seq, self.acknowledged.len() as u64, "entries are lost");
        assert!(run.everything() == self.everything(), "entries are changed");
    }
}

/// Starts and makes some steps, until the power goes; says whether it did.
fn run_until_crash(disk: &TestDisk, salt: u64, random: &mut u64, told: &mut Told, steps: usize) -> bool {
    let crashed = |error: &DiskError| assert_eq!(error.kind, ErrorKind::Crashed, "{error}");
    let mut run = match Run::start(disk, salt) {
        Ok(run) => run,
        Err(RecoverError::Disk(error)) => {
            crashed(&error);
            return true;
        }
        Err(error) => panic!("{error}"),
    };
    told.check(&run);
    let outcome = (0..steps).try_for_each(|_| run.step(random, told));
    let outcome = outcome.and_then(|()| if salt.is_multiple_of(2) { stop(run) } else { Ok(()) });
    outcome.as_ref().err().into_iter().for_each(crashed);
    outcome.is_err()
}

fn stop(mut run: Run) -> Result<(), DiskError> {
    run.make_checkpoint()?;
    run.journal.close(run.seq)
}

#[test]
fn a_crash_at_any_call_loses_nothing() {
    for seed in 0..6u64 {
        let mut crash_at = 1;
        loop {
            let (disk, mut told, mut random) = (TestDisk::default(), Told::default(), seed);
            disk.crash_at(crash_at, seed);
            if !run_until_crash(&disk, 2 * seed, &mut random, &mut told, 25) {
                break;
            }
            // Twice more, in the start or soon after it, then without a crash.
            for (round, crash) in [(1, 1 + crash_at % 23), (2, 1 + crash_at % 7), (3, 0)] {
                if (crash_at + round).is_multiple_of(3) {
                    disk.restart_killed()
                } else {
                    disk.restart()
                }
                disk.crash_at(crash, seed + round as u64);
                run_until_crash(&disk, 100 + round as u64, &mut random, &mut told, 4);
            }
            disk.restart();
            told.check(&Run::start(&disk, 200).unwrap());
            crash_at += 1;
        }
        assert!(crash_at > 60, "seed {seed} has only {crash_at} calls");
    }
}

/// A run of some entries, and what was told; nothing is left un-synced.
fn some_entries(count: usize) -> (TestDisk, Told) {
    let (disk, mut told, mut random) = (TestDisk::default(), Told::default(), 7 << 41);
    let mut run = Run::start(&disk, 1).unwrap();
    for _ in 0..count {
        run.write(&mut random, &mut told).unwrap();
    }
    (disk, told)
}

#[test]
fn a_new_folder_has_nothing_in_it() {
    let disk = TestDisk::default();
    let (recovered, journal) = recover(&disk, start(1)).unwrap();
    assert!(recovered.is_new && recovered.items.is_empty() && recovered.checkpoint.is_none());
    assert_eq!((recovered.last_seq, journal.next_seq(), recovered.journal_bytes), (0, 1, 0));
    assert!(!recover(&disk, start(2)).unwrap().0.is_new);
}

#[test]
fn a_folder_that_is_not_ours_is_left_alone() {
    let check = |path: &str, bytes: &[u8], expected: &str| {
        let disk = TestDisk::default();
        disk.open(path, crate::disk::Open::Append).unwrap().write_at(0, &[bytes]).unwrap();
        let before = disk.everything();
        let why = format!("{}", refused(&disk));
        assert!(why.contains(expected), "{why}");
        assert_eq!(disk.everything(), before);
    };
    use crate::disk::DiskFile;
    check("letters.txt", b"dear", "it has letters.txt in it");
    check("meta.properties", b"version=1\ncluster.id=x\nnode.id=1\n", "Apache Kafka's");
    check("meta.properties", b"connectd.format=9\n", "newer connectd");
    check("meta.properties", b"connectd.format=1\ncluster.id=c\nnode.id=2\ndirectory.id=d\n", "broker.node.id=2");
}

/// The places of the entries in the journal's files.
fn places(disk: &TestDisk) -> Vec<(String, usize, usize)> {
    let mut places = Vec::new();
    for (path, bytes) in disk.everything().iter().filter(|(path, _)| path.ends_with(".journal")) {
        let mut at = journal::ENTRIES_START as usize;
        while bytes.get(at..at + 4) == Some(b"CNDE") {
            let len = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
            places.push((path.clone(), at, len));
            at += len;
        }
    }
    places.sort_by_key(|(path, at, _)| (path.len(), path.clone(), *at));
    places
}

#[test]
fn rot_is_told_and_nothing_is_touched() {
    let (disk, _) = some_entries(12);
    let places = places(&disk);
    assert_eq!(places.len(), 12);
    assert!(places.iter().any(|(path, ..)| *path != places[0].0), "the entries take several files");
    for (path, at, len) in &places[..11] {
        for flipped in [*at, at + 9, at + 30, at + 60, at + 70, at + len - 1] {
            let disk = disk.copy();
            disk.rot(path, |bytes| bytes[flipped] ^= 0x10);
            let before = disk.everything();
            let error = refused(&disk);
            assert!(
                matches!(&error, RecoverError::Rot { file, offset, .. } if file == path && *offset == *at as u64),
                "{error}"
            );
            assert_eq!(disk.everything(), before);
        }
    }
}

#[test]
fn a_torn_tail_is_cut_and_told() {
    let (disk, mut told) = some_entries(5);
    let last = places(&disk).pop().unwrap();
    disk.rot(&last.0, |bytes| bytes[last.1 + 100] ^= 1);
    let (recovered, _) = recover(&disk, start(2)).unwrap();
    assert_eq!(recovered.torn, Some(Torn { file: last.0, offset: last.1 as u64, seq: 5 }));
    assert_eq!(recovered.last_seq, 4);
    told.acknowledged.pop();
    told.check(&Run::start(&disk, 3).unwrap());
}

#[test]
fn a_seal_makes_the_last_entry_more_than_a_tail() {
    let (disk, mut told, mut random) = (TestDisk::default(), Told::default(), 9);
    let mut run = Run::start(&disk, 1).unwrap();
    run.write(&mut random, &mut told).unwrap();
    run.journal.write(&EntryBuilder::new(&run.pool).finish(2, 1)).unwrap();
    let first = places(&disk).remove(0);
    disk.rot(&first.0, |bytes| bytes[first.1 + 100] ^= 1);
    assert!(matches!(recover(&disk, start(2)), Err(RecoverError::Rot { .. })));
}

#[test]
fn headers_and_checkpoints_rot_too() {
    let (disk, mut told) = (TestDisk::default(), Told::default());
    let mut run = Run::start(&disk, 1).unwrap();
    run.write_record(b"one", &mut told);
    run.make_checkpoint().unwrap();
    run.write_record(b"two", &mut told);
    let check = |change: &dyn Fn(&TestDisk), expected: &str| {
        let disk = disk.copy();
        change(&disk);
        let error = refused(&disk);
        assert!(matches!(&error, RecoverError::Rot { file, .. } if file == expected), "{error}");
    };
    check(&|disk| disk.rot("checkpoint", |bytes| bytes[20] ^= 1), "checkpoint");
    check(&|disk| disk.rot("journal/0.journal", |bytes| (bytes[20], bytes[4116]) = (9, 9)), "journal/0.journal");
    check(&|disk| disk.remove("journal/0.journal").unwrap(), "journal");
    disk.rot("journal/0.journal", |bytes| bytes[20] = 9);
    told.check(&Run::start(&disk, 2).unwrap());
}

#[test]
fn entries_of_an_earlier_use_are_not_believed() {
    // Enough checkpoints that every file was used several times.
    let (disk, mut told, mut random) = (TestDisk::default(), Told::default(), 3);
    let mut run = Run::start(&disk, 1).unwrap();
    for at in 0..60 {
        run.write(&mut random, &mut told).unwrap();
        if at % 7 == 0 {
            run.make_checkpoint().unwrap();
        }
        told.check(&Run::start(&disk.copy(), 2).unwrap());
    }
    assert!(disk.everything().keys().filter(|path| path.ends_with(".journal")).count() <= 6);
}

#[test]
fn logs_that_are_gone_are_told() {
    let (disk, mut told, mut random) = (TestDisk::default(), Told::default(), 3);
    let mut run = Run::start(&disk, 1).unwrap();
    (0..9).for_each(|_| run.write(&mut random, &mut told).unwrap());
    run.make_checkpoint().unwrap();
    let log = |base: i64| run.logs[&partition(1)].dir().path(base, "log");
    let check = |change: &dyn Fn(&TestDisk), expected: Option<&str>| {
        let disk = disk.copy();
        change(&disk);
        let (recovered, _) = recover(&disk, start(2)).unwrap();
        let told: Vec<_> = recovered.missing.iter().map(|missing| (missing.partition, format!("{missing}"))).collect();
        match expected {
            None => assert_eq!(told, []),
            Some(why) => assert!(told.len() == 1 && told[0].0 == partition(1) && told[0].1.contains(why), "{told:?}"),
        }
    };
    check(&|_| (), None);
    check(&|disk| disk.remove(&log(0)).unwrap(), Some("is gone"));
    check(&|disk| disk.rot(&log(0), |bytes| bytes.truncate(bytes.len() - 1)), Some("is shorter"));
    check(&|disk| disk.remove_dir_all("t-1").unwrap(), Some("is gone"));
    check(&|disk| disk.rot("t-1/partition.metadata", |bytes| bytes[30] ^= 1), Some("is of another topic"));
    check(&|disk| disk.rot(&log(0), |bytes| bytes.push(0)), None);
}

#[test]
fn what_no_checkpoint_knows_of_a_log_is_cut() {
    let (disk, mut told, mut random) = (TestDisk::default(), Told::default(), 3);
    let mut run = Run::start(&disk, 1).unwrap();
    (0..9).for_each(|_| run.write(&mut random, &mut told).unwrap());
    run.make_checkpoint().unwrap();
    let segments = |disk: &TestDisk| {
        let mut files = disk.everything();
        files.retain(|path, _| path.starts_with("t-"));
        files
    };
    let known = segments(&disk);
    // More batches, a new segment, and a log that is new altogether.
    (0..9).for_each(|_| run.write(&mut random, &mut told).unwrap());
    run.flush().unwrap();
    let mut other = Log::new(partition(7), "t", SETTINGS);
    other.append(&BatchInfo::parse(&a_batch()).unwrap(), a_batch());
    run.writer.write(&other.take_writes()).unwrap();
    assert!(segments(&disk).len() > known.len() + 2);
    recover(&disk, start(2)).unwrap();
    assert_eq!(segments(&disk), known);
    told.check(&Run::start(&disk, 3).unwrap());
}

fn a_batch() -> Bytes {
    let mut batch = Builder::new();
    batch.push(1000, None, Some(b"value"), &[]);
    batch.finish().into()
}

#[test]
fn what_a_checkpoint_covers_may_rot_in_the_journal() {
    for later in [false, true] {
        let (disk, mut told) = (TestDisk::default(), Told::default());
        let mut run = Run::start(&disk, 1).unwrap();
        [b"one", b"two", b"six"].iter().for_each(|record| run.write_record(*record, &mut told));
        run.make_checkpoint().unwrap();
        if later {
            run.write_record(b"ten", &mut told);
        }
        let third = places(&disk).remove(2);
        disk.rot(&third.0, |bytes| bytes[third.1 + 9] ^= 1);
        let mut run = Run::start(&disk, 2).unwrap();
        told.check(&run);
        run.write_record(b"end", &mut told);
        told.check(&Run::start(&disk, 3).unwrap());
    }
}

#[test]
fn a_clean_stop_leaves_nothing_to_read() {
    let (disk, mut told, mut random) = (TestDisk::default(), Told::default(), 3);
    let mut run = Run::start(&disk, 1).unwrap();
    (0..5).for_each(|_| run.write(&mut random, &mut told).unwrap());
    stop(run).unwrap();
    let (recovered, _) = recover(&disk.copy(), start(2)).unwrap();
    assert_eq!((recovered.items, recovered.last_seq, recovered.torn), (vec![], 5, None));
    told.check(&Run::start(&disk, 3).unwrap());
}

#[test]
fn a_full_disk_is_waited_out() {
    let (disk, mut told, mut random) = (TestDisk::default(), Told::default(), 11);
    let mut run = Run::start(&disk, 1).unwrap();
    disk.fill_up(true);
    let full = loop {
        if let Err(error) = run.write(&mut random, &mut told) {
            break error;
        }
    };
    assert_eq!((full.kind, run.journal.has_failed()), (ErrorKind::Full, false));
    assert!(run.journal.capacity() <= SIZES.first, "what exists is all there is");
    // Room enough for a checkpoint, but not for another file: what exists is used again.
    disk.fill_up(false);
    run.make_checkpoint().unwrap();
    disk.fill_up(true);
    assert!(2 * run.journal.used() <= SIZES.first);
    run.write_record(b"abc", &mut told);
    disk.fill_up(false);
    (0..5).for_each(|_| run.write(&mut random, &mut told).unwrap());
    told.doubtful = None;
    told.check(&run);
}

#[test]
fn the_journal_is_bounded() {
    let (disk, mut told, mut random) = (TestDisk::default(), Told::default(), 11);
    let mut run = Run::start(&disk, 1).unwrap();
    let mut bytes = 0;
    let full = loop {
        if let Err(error) = run.write(&mut random, &mut told) {
            break error;
        }
        bytes = run.journal.used();
        assert!(told.acknowledged.len() < 1000);
    };
    assert_eq!(full.kind, ErrorKind::Full);
    assert!(bytes >= SIZES.capacity, "{bytes} bytes were taken");
    told.doubtful = None;
    run.make_checkpoint().unwrap();
    run.write(&mut random, &mut told).unwrap();
    told.check(&run);
}

#[test]
fn a_large_entry_gets_a_file_of_its_own() {
    let disk = TestDisk::default();
    let mut run = Run::start(&disk, 1).unwrap();
    let large = Bytes::from(vec![5; 40_000]);
    let mut builder = EntryBuilder::new(&run.pool);
    builder.push_record(&large);
    run.journal.write(&builder.finish(1, 1)).unwrap();
    let run = Run::start(&disk, 2).unwrap();
    assert_eq!(run.records, large);
}

#[test]
#[cfg(feature = "planted-bugs")]
fn the_planted_bug_believes_a_torn_entry() {
    use crate::planted::{Bug, plant};
    let (disk, _) = some_entries(1);
    let last = places(&disk).pop().unwrap();
    disk.rot(&last.0, |bytes| bytes[last.1 + 130] ^= 1);
    plant(Bug::SkipChecksum);
    let believed = recover(&disk, start(2)).unwrap().0.last_seq;
    plant(Bug::None);
    assert_eq!(believed, 1);
}
