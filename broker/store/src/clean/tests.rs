use alloc::{string::ToString, vec};
use proptest::prelude::*;

use super::*;
use crate::{
    batch::{self, BatchInfo, Builder, TRANSACTIONAL},
    buffer::Pool,
    log::Log,
    segment::SegmentWriter,
    testdisk::TestDisk,
};

const P: PartitionId = PartitionId { topic: [1; 16], partition: 0 };
const CONTROL: i16 = 1 << 5;
const RETENTION: i64 = 1000;

struct Plain;

impl Codecs for Plain {
    fn decompress(&mut self, _: u8, _: &[u8], _: &mut Vec<u8>) -> Result<(), String> {
        Err("nothing is compressed here".to_string())
    }

    fn compress(&mut self, _: u8, _: &[u8], _: &mut Vec<u8>) -> Result<(), String> {
        Err("nothing is compressed here".to_string())
    }
}

/// A log on a disk, and what it is compacted with.
struct World {
    disk: TestDisk,
    writer: SegmentWriter<TestDisk>,
    cleaner: Cleaner<TestDisk, Plain>,
    log: Log,
    map_bytes: usize,
    producers: BTreeMap<i64, LastOfProducer>,
    aborted: Vec<AbortedTxn>,
}

type Pair<'a> = (&'a str, Option<&'a str>);

impl World {
    fn new(segment_bytes: u64) -> Self {
        let disk = TestDisk::default();
        let settings =
            LogSettings { segment_bytes, segment_ms: i64::MAX, index_interval_bytes: 100, index_max_bytes: 10 << 20 };
        let reader = SegmentReader::new(disk.clone(), Pool::new());
        Self {
            writer: SegmentWriter::new(disk.clone()),
            cleaner: Cleaner::new(disk.clone(), reader, Plain),
            log: Log::new(P, "t", settings),
            disk,
            map_bytes: 1 << 20,
            producers: BTreeMap::new(),
            aborted: Vec::new(),
        }
    }

    fn append(&mut self, builder: Builder, records: &[Pair<'_>]) {
        let mut builder = builder;
        for (key, value) in records {
            builder.push(5, Some(key.as_bytes()), value.map(str::as_bytes), &[("h", Some(b"1"))]);
        }
        let mut bytes = builder.finish();
        batch::stamp(&mut bytes, self.log.next_offset(), 0);
        self.log.append(&BatchInfo::parse(&bytes).unwrap(), bytes.into());
    }

    fn put(&mut self, records: &[Pair<'_>]) {
        self.append(Builder::new(), records);
    }

    /// Ends the last segment, compacts all of it at `now`, and lets the old files go.
    fn clean(&mut self, now: i64) -> i64 {
        self.log.roll();
        self.writer.write(&self.log.take_writes()).unwrap();
        self.log.written();
        let order = CleanOrder {
            dir: self.log.dir(),
            segments: self.log.start_cleaning(i64::MAX),
            dirty_from: self.log.cleaned_to(),
            now,
            delete_retention_ms: RETENTION,
            map_bytes: self.map_bytes,
            settings: LogSettings {
                segment_bytes: 500,
                segment_ms: i64::MAX,
                index_interval_bytes: 100,
                index_max_bytes: 10 << 20,
            },
            producers: self.producers.clone(),
            aborted: self.aborted.clone(),
        };
        let mut step = CleanStep::Begin(Box::new(order));
        let cleaned_to = loop {
            match self.cleaner.step(core::mem::replace(&mut step, CleanStep::Continue)).unwrap().unwrap().1 {
                Progress::More => {}
                Progress::Group { replaced, with } => self.log.replace(&replaced, with),
                Progress::Done { cleaned_to } => break cleaned_to,
                failed => panic!("{failed:?}"),
            }
        };
        self.log.cleaning_over(Some(cleaned_to));
        while self.log.wants_checkpoint() {
            self.log.checkpointing();
            self.log.checkpointed();
            while let Some(removal) = self.log.take_removal() {
                self.writer.remove(&removal).unwrap();
                self.log.removed();
            }
        }
        let files = self.disk.list("t-0").unwrap();
        assert!(!files.iter().any(|name| name.ends_with("swap") || name.ends_with("cleaned")), "{files:?}");
        cleaned_to
    }

    /// All batches, as a reader gets them.
    fn batches(&self) -> Vec<(BatchInfo, Vec<u8>)> {
        let reader = SegmentReader::new(self.disk.clone(), Pool::new());
        let (mut offset, mut all) = (0, Vec::new());
        while offset < self.log.next_offset() {
            let read = self.log.read(offset, i64::MAX, 1000, true);
            let bytes = match &read.file {
                Some(file) => reader.read(file).unwrap(),
                None => read.memory.concat().into(),
            };
            let before = all.len();
            all.extend(job::batches(&bytes).map(|(info, bytes)| (info, bytes.to_vec())));
            assert!(all.len() > before, "nothing at {offset} of {}", self.log.next_offset());
            offset = all.last().map_or(0, |(info, _): &(BatchInfo, _)| info.last_offset() + 1);
        }
        all
    }

    /// Offset, key and value of every record; a marker's are its batch's.
    fn records(&self) -> Vec<(i64, String, Option<String>)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let one = |(info, bytes): &(BatchInfo, Vec<u8>)| {
            let record = |record: Result<batch::Record<'_>, _>| {
                let record = record.unwrap();
                assert!(info.is_control() || record.headers.len() == 1, "headers stay");
                assert!(info.is_control() || record.timestamp == 5, "timestamps stay");
                let offset = info.base_offset + i64::from(record.offset_delta);
                (offset, text(record.key.unwrap()), record.value.map(text))
            };
            batch::records(bytes).map(record).collect::<Vec<_>>()
        };
        self.batches().iter().flat_map(one).collect()
    }

    fn check(&self, expected: &[(i64, &str, Option<&str>)]) {
        let owned =
            |(offset, key, value): &(i64, &str, Option<&str>)| (*offset, key.to_string(), value.map(Into::into));
        assert_eq!(self.records(), expected.iter().map(owned).collect::<Vec<_>>());
    }
}

#[test]
fn the_latest_value_of_each_key_stays_at_its_offset() {
    let mut world = World::new(200);
    world.put(&[("a", Some("1")), ("b", Some("1"))]);
    world.put(&[("a", Some("2")), ("c", Some("1"))]);
    world.put(&[("b", Some("2")), ("a", Some("3"))]);
    world.put(&[("d", Some("1"))]);
    assert_eq!(world.clean(10), 7);
    let expected = [(3, "c", Some("1")), (4, "b", Some("2")), (5, "a", Some("3")), (6, "d", Some("1"))];
    world.check(&expected);
    assert_eq!(world.log.segments().count(), 1, "small segments become one");
    world.put(&[("c", Some("2"))]);
    world.clean(20);
    world.check(&[(4, "b", Some("2")), (5, "a", Some("3")), (6, "d", Some("1")), (7, "c", Some("2"))]);
    let state = Log::restore(world.log.state(), SETTINGS);
    assert_eq!((state.next_offset(), state.cleaned_to()), (8, 8));
}

const SETTINGS: LogSettings =
    LogSettings { segment_bytes: 500, segment_ms: i64::MAX, index_interval_bytes: 100, index_max_bytes: 10 << 20 };

#[test]
fn a_tombstone_stays_until_its_time_after_the_first_compaction() {
    let mut world = World::new(1 << 20);
    world.put(&[("a", Some("1")), ("b", Some("1"))]);
    world.put(&[("a", None), ("c", Some("1"))]);
    world.put(&[("z", Some("1"))]);
    let seen = [(1, "b", Some("1")), (2, "a", None), (3, "c", Some("1")), (4, "z", Some("1"))];
    world.clean(10_000);
    world.check(&seen);
    let horizons: Vec<_> = world.batches().iter().map(|(info, _)| info.delete_horizon()).collect();
    assert_eq!(horizons, [None, Some(10_000 + RETENTION), None]);
    world.clean(10_000 + RETENTION - 1);
    world.check(&seen);
    // What was compacted is looked at again when something new is.
    world.put(&[("y", Some("1"))]);
    world.clean(10_000 + RETENTION);
    world.check(&[(1, "b", Some("1")), (3, "c", Some("1")), (4, "z", Some("1")), (5, "y", Some("1"))]);
}

#[test]
fn the_last_batch_of_a_producer_and_of_all_keep_their_headers() {
    let mut world = World::new(1 << 20);
    world.append(Builder::new().producer(7, 1, 40), &[("a", Some("1")), ("a", Some("2"))]);
    world.put(&[("a", Some("3"))]);
    world.append(Builder::new().producer(8, 0, 0), &[("a", Some("4"))]);
    world.put(&[("a", Some("5"))]);
    world.put(&[("a", None)]);
    world.producers.insert(7, LastOfProducer { data: Some(1), epoch: 1 });
    world.clean(10);
    world.put(&[("a", Some("6"))]);
    world.clean(10 + RETENTION);
    world.check(&[(6, "a", Some("6"))]);
    let (empty, bytes) = &world.batches()[0];
    assert_eq!((empty.base_offset, empty.last_offset(), empty.count, bytes.len()), (0, 1, 0, batch::HEADER_BYTES));
    assert_eq!((empty.producer_id, empty.producer_epoch, empty.base_sequence), (7, 1, 40));
    assert!(batch::check_crc(bytes).is_ok());
    assert_eq!(world.batches().len(), 2);
}

#[test]
fn aborted_records_go_and_markers_after_them() {
    let mut world = World::new(1 << 20);
    let data = |id| Builder::new().producer(id, 0, 0).attributes(TRANSACTIONAL);
    let marker = |world: &mut World, id, commit: u8| {
        let mut builder = Builder::new().producer(id, 0, -1).attributes(TRANSACTIONAL | CONTROL);
        builder.push(5, Some(&[0, 0, 0, commit]), Some(&[0; 6]), &[]);
        let mut bytes = builder.finish();
        batch::stamp(&mut bytes, world.log.next_offset(), 0);
        world.log.append(&BatchInfo::parse(&bytes).unwrap(), bytes.into());
    };
    world.put(&[("a", Some("before"))]);
    world.append(data(1), &[("a", Some("aborted")), ("b", Some("aborted"))]);
    world.append(data(2), &[("c", Some("committed"))]);
    marker(&mut world, 1, 0);
    marker(&mut world, 2, 1);
    world.put(&[("z", Some("1"))]);
    world.aborted.push(AbortedTxn { producer_id: 1, first_offset: 1, last_offset: 4 });
    let offsets = |world: &World| world.batches().iter().map(|(info, _)| info.base_offset).collect::<Vec<_>>();
    world.clean(10);
    assert_eq!(offsets(&world), [0, 3, 4, 5, 6], "an aborted record replaces nothing; its marker stays");
    world.put(&[("c", Some("again"))]);
    world.clean(20);
    assert_eq!(offsets(&world), [0, 4, 5, 6, 7], "the committed record is replaced; this pass has seen it yet");
    world.put(&[("y", Some("1"))]);
    world.clean(30);
    assert_eq!(offsets(&world), [0, 4, 5, 6, 7, 8]);
    let horizon = |at: usize| world.batches()[at].0.delete_horizon();
    assert_eq!((horizon(1), horizon(2)), (None, Some(30 + RETENTION)));
    world.put(&[("x", Some("1"))]);
    world.clean(30 + RETENTION);
    assert_eq!(offsets(&world), [0, 4, 6, 7, 8, 9], "a commit's marker goes; an abort's stays for its readers");
}

proptest! {
    #[test]
    fn whoever_reads_it_ends_with_the_same(
        rounds in prop::collection::vec(prop::collection::vec(prop::collection::vec((0u8..6, prop::option::of(0u8..9)), 1..5), 1..8), 1..4),
        segment_bytes in prop::sample::select(vec![1u64, 200, 5000]),
        map_bytes in prop::sample::select(vec![1usize, 100, 10_000]),
    ) {
        let mut world = World::new(segment_bytes);
        world.map_bytes = map_bytes;
        let (mut latest, mut all) = (BTreeMap::new(), BTreeMap::new());
        for (round, batches) in rounds.iter().enumerate() {
            for batch in batches {
                let texts: Vec<_> = batch.iter().map(|(key, value)| (key.to_string(), value.map(|v| v.to_string()))).collect();
                for (at, (key, value)) in texts.iter().enumerate() {
                    let offset = world.log.next_offset() + at as i64;
                    all.insert(offset, (key.clone(), value.clone()));
                    latest.insert(key.clone(), (offset, value.clone()));
                }
                world.put(&texts.iter().map(|(key, value)| (key.as_str(), value.as_deref())).collect::<Vec<_>>());
            }
            let end = world.log.next_offset();
            // What does not fit into memory is left to the next time.
            let mut cleaned_to = 0;
            while cleaned_to < end {
                let now = world.clean(round as i64 * RETENTION);
                prop_assert!(now > cleaned_to);
                cleaned_to = now;
            }
            let records = world.records();
            for (offset, key, value) in &records {
                prop_assert_eq!(&all[offset], &(key.clone(), value.clone()));
                prop_assert_eq!(latest[key].0, *offset, "older values of a key are gone");
            }
            for (key, (offset, value)) in &latest {
                prop_assert!(value.is_none() || records.iter().any(|(o, k, _)| (o, k) == (offset, key)), "{} is lost", key);
            }
            prop_assert_eq!(world.batches().last().unwrap().0.last_offset() + 1, end);
        }
    }
}
