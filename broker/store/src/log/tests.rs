use alloc::{vec, vec::Vec};
use proptest::prelude::*;

use super::*;
use crate::{
    batch::{Builder, stamp},
    buffer::Pool,
    disk::{Disk, DiskFile, Open},
    entry::EntryBuilder,
    segment::{SegmentReader, SegmentWriter},
    testdisk::TestDisk,
};

const P: PartitionId = PartitionId { topic: [1; 16], partition: 0 };
const SETTINGS: LogSettings =
    LogSettings { segment_bytes: 1 << 20, segment_ms: i64::MAX, index_interval_bytes: 4096, index_max_bytes: 10 << 20 };

fn batch(base: i64, records: i32, timestamp: i64, value: usize) -> (BatchInfo, Bytes) {
    let mut builder = Builder::new();
    for record in 0..records {
        builder.push(timestamp + i64::from(record), None, Some(&vec![base as u8; value]), &[]);
    }
    let mut bytes = builder.finish();
    stamp(&mut bytes, base, 0);
    (BatchInfo::parse(&bytes).unwrap(), bytes.into())
}

fn append(log: &mut Log, records: i32, timestamp: i64, value: usize) -> Bytes {
    let (info, bytes) = batch(log.next_offset(), records, timestamp, value);
    log.append(&info, bytes.clone());
    bytes
}

fn file(disk: &TestDisk, path: &str) -> Vec<u8> {
    disk.everything().remove(path).unwrap_or_default()
}

#[test]
fn indexes_are_as_kafka_writes_them() {
    // Batches of 1,075 and 2,070 bytes: an entry once more than 4,096 have gone by, for the batch after that.
    let mut log = Log::new(P, "t", SETTINGS);
    for (timestamp, value) in [(100, 1000), (90, 2000), (300, 1000), (200, 1000), (400, 1000), (350, 1000)] {
        append(&mut log, 1, timestamp, value);
    }
    let writes = log.take_writes();
    assert_eq!(writes.len(), 1);
    // Batch 3 begins at byte 4216: 4216 > 4096 bytes went by, and the largest timestamp until then, of batch 2, is 300.
    let position: u32 = writes[0].pieces[..3].iter().map(|piece| piece.len() as u32).sum();
    assert_eq!(writes[0].index, [[0, 0, 0, 3], position.to_be_bytes()].concat());
    assert_eq!(writes[0].time_index, [&300i64.to_be_bytes()[..], &2i32.to_be_bytes()].concat());
}

#[test]
fn a_closed_segments_time_index_ends_with_its_largest_timestamp() {
    let mut log = Log::new(P, "t", LogSettings { segment_bytes: 2000, ..SETTINGS });
    for timestamp in [100, 300, 200, 50] {
        append(&mut log, 1, timestamp, 500);
    }
    let writes = log.take_writes();
    let bases: Vec<_> = writes.iter().map(|write| write.base_offset).collect();
    assert_eq!(bases, [0, 3]);
    assert_eq!(writes[0].time_index, [&300i64.to_be_bytes()[..], &1i32.to_be_bytes()].concat());
    assert!(writes[1].time_index.is_empty());
}

#[test]
fn a_segment_is_full_by_bytes_time_or_index() {
    let check = |settings, expected: &[i64]| {
        let mut log = Log::new(P, "t", settings);
        (0..8).for_each(|at| drop(append(&mut log, 1, at * 1000, 430)));
        let bases: Vec<_> = log.take_writes().iter().map(|write| write.base_offset).collect();
        assert_eq!(bases, expected);
    };
    check(SETTINGS, &[0]);
    check(LogSettings { segment_bytes: 1600, ..SETTINGS }, &[0, 3, 6]);
    check(LogSettings { segment_bytes: 10, ..SETTINGS }, &[0, 1, 2, 3, 4, 5, 6, 7]);
    check(LogSettings { segment_ms: 2999, ..SETTINGS }, &[0, 3, 6]);
    check(LogSettings { index_interval_bytes: 0, index_max_bytes: 24, ..SETTINGS }, &[0, 3, 6]);
}

#[test]
fn nothing_is_written_twice_and_memory_goes_when_it_may() {
    let mut log = Log::new(P, "t", SETTINGS);
    let first = append(&mut log, 1, 0, 100);
    let writes = log.take_writes();
    assert!(writes[0].fresh);
    assert_eq!((writes[0].position, &writes[0].pieces), (0, &vec![first.clone()]));
    let second = append(&mut log, 1, 0, 100);
    log.written_but_kept();
    assert_eq!(log.memory.len(), 2);
    let writes = log.take_writes();
    assert!(!writes[0].fresh);
    assert_eq!((writes[0].position, &writes[0].pieces), (first.len() as u64, &vec![second]));
    log.let_go(1);
    assert_eq!(log.memory.len(), 1, "the second is not in a segment yet");
    log.written_but_kept();
    assert_eq!(log.memory.len(), 0);
    assert!(log.take_writes().is_empty());
    assert_eq!(log.pending(), 0);
}

#[test]
fn a_checkpoint_keeps_what_is_written_and_no_more() {
    let mut log = Log::new(P, "t", SETTINGS);
    assert_eq!(log.state().segments, []);
    append(&mut log, 3, 0, 100);
    log.take_writes();
    log.written();
    let state = log.state();
    append(&mut log, 3, 0, 100);
    assert_eq!(log.state(), state);
    assert_eq!(state.next_offset, 3);
    let restored = Log::restore(state, SETTINGS);
    assert_eq!((restored.next_offset(), restored.max_timestamp()), (3, 2));
}

#[test]
#[should_panic(expected = "no gaps")]
fn a_batch_out_of_order_is_our_own_mistake() {
    let (info, bytes) = batch(5, 1, 0, 10);
    Log::new(P, "t", SETTINGS).append(&info, bytes);
}

#[test]
fn the_tail_lets_go_of_the_oldest_entries() {
    let pool = Pool::new();
    let entry = |seq, base| {
        let mut builder = EntryBuilder::new(&pool);
        let (info, bytes) = batch(base, 1, 0, 10);
        builder.push_batch(P, &info, base, 0, 0, &bytes);
        builder.finish(seq, 0)
    };
    let mut tail = Tail::new(8192);
    for seq in 0..3 {
        assert_eq!(tail.let_go(), None);
        tail.keep(&entry(seq, seq as i64));
    }
    assert_eq!(tail.let_go(), Some(vec![(P, 0)]));
    assert_eq!(tail.let_go(), None);
}

#[derive(Clone, Debug)]
enum Step {
    Append { records: i32, timestamp: i64, value: usize },
    Take,
    Written { keep: bool },
    LetGo(i64),
    Read { offset: i64, upto: i64, max: usize, one: bool },
    Find(i64),
    Restore,
}

fn step() -> impl Strategy<Value = Step> {
    let append = (1i32..4, 0i64..2000, prop_oneof![0usize..200, 3000usize..6000])
        .prop_map(|(records, timestamp, value)| Step::Append { records, timestamp, value });
    let read = (0i64..100, 0i64..120, 0usize..20_000, any::<bool>()).prop_map(|(offset, upto, max, one)| Step::Read {
        offset,
        upto,
        max,
        one,
    });
    prop_oneof![
        6 => append,
        2 => Just(Step::Take),
        2 => any::<bool>().prop_map(|keep| Step::Written { keep }),
        1 => (0i64..100).prop_map(Step::LetGo),
        6 => read,
        2 => (0i64..2100).prop_map(Step::Find),
        1 => Just(Step::Restore),
    ]
}

/// The log as a list of batches.
#[derive(Default)]
struct Model(Vec<(BatchInfo, Bytes)>);

impl Model {
    fn read(&self, offset: i64, upto: i64, max: usize, one: bool) -> Vec<u8> {
        let mut out = Vec::new();
        if offset >= upto {
            return out;
        }
        for (_, bytes) in self.0.iter().filter(|(info, _)| info.last_offset() >= offset && info.base_offset < upto) {
            if out.len() + bytes.len() > max && !(one && out.is_empty()) {
                break;
            }
            out.extend_from_slice(bytes);
        }
        out
    }
}

fn bytes_of(read: &Read) -> usize {
    read.len()
}

struct World {
    disk: TestDisk,
    writer: SegmentWriter<TestDisk>,
    reader: SegmentReader<TestDisk>,
    log: Log,
    model: Model,
    settings: LogSettings,
    taken: Vec<SegmentWrite>,
}

impl World {
    fn new(settings: LogSettings) -> Self {
        let disk = TestDisk::default();
        let (writer, reader) = (SegmentWriter::new(disk.clone()), SegmentReader::new(disk.clone(), Pool::new()));
        World {
            disk,
            writer,
            reader,
            log: Log::new(P, "t", settings),
            model: Model::default(),
            settings,
            taken: vec![],
        }
    }

    fn bytes(&self, read: &Read) -> Vec<u8> {
        assert!(read.memory.is_empty() || read.file.is_none());
        let file = read.file.as_ref().map(|file| self.reader.read(file).unwrap());
        assert_eq!(read.is_empty(), bytes_of(read) == 0);
        [read.memory.concat(), file.unwrap_or_default().to_vec()].concat()
    }

    fn written(&mut self, keep: bool) {
        self.writer.write(&self.taken).unwrap();
        if keep {
            self.log.written_but_kept()
        } else {
            self.log.written()
        }
        self.taken.clear();
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Append { records, timestamp, value } => {
                let (info, bytes) = batch(self.log.next_offset(), records, timestamp, value);
                self.log.append(&info, bytes.clone());
                self.model.0.push((info, bytes));
            }
            Step::Take if self.taken.is_empty() => self.taken = self.log.take_writes(),
            Step::Take => {}
            Step::Written { keep } => self.written(keep),
            Step::LetGo(offset) => self.log.let_go(offset),
            Step::Read { offset, upto, max, one } => self.read(offset, upto, max, one),
            Step::Find(timestamp) => self.find(timestamp),
            Step::Restore => self.restore(),
        }
    }

    /// A file may end before the answer is as large as it may be; what is given is right, and something is given.
    fn read(&self, offset: i64, upto: i64, max: usize, one: bool) {
        let read = self.log.read(offset, upto, max, one);
        let (bytes, expected) = (self.bytes(&read), self.model.read(offset, upto, max, one));
        if read.file.is_some() {
            assert!(expected.starts_with(&bytes));
            assert_eq!(bytes.is_empty(), expected.is_empty());
        } else {
            assert_eq!(bytes, expected);
        }
    }

    fn find(&self, timestamp: i64) {
        let expected = self.model.0.iter().find(|(info, _)| info.max_timestamp >= timestamp);
        let found = self.log.find_timestamp(timestamp).map(|read| self.bytes(&read));
        assert_eq!(found.as_deref(), expected.map(|(_, bytes)| &bytes[..]));
    }

    /// A restart: the log as a checkpoint has it, then what was not in it appended again.
    fn restore(&mut self) {
        if self.log.state().segments.is_empty() {
            return;
        }
        self.written(false);
        self.log = Log::restore(self.log.state(), self.settings);
        let from = self.log.next_offset();
        for (info, bytes) in self.model.0.iter().filter(|(info, _)| info.base_offset >= from) {
            self.log.append(info, bytes.clone());
        }
    }

    /// What is in the files is what was appended, and nothing of it depends on when it was written.
    fn check_files(&mut self) {
        self.written(false);
        self.taken = self.log.take_writes();
        self.written(false);
        let everything = self.disk.everything();
        let logs = everything.iter().filter(|(path, _)| path.ends_with(".log"));
        let found = logs.flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<u8>>();
        assert_eq!(found, self.model.read(0, i64::MAX, usize::MAX, true));
        let mut alone = World::new(self.settings);
        for (info, bytes) in &self.model.0 {
            alone.log.append(info, bytes.clone());
        }
        alone.taken = alone.log.take_writes();
        alone.written(false);
        assert_eq!(alone.disk.everything(), everything);
    }
}

proptest! {
    #[test]
    fn a_log_is_a_list_of_batches(steps in proptest::collection::vec(step(), 1..80), segment_bytes in 1_000u64..60_000, interval in 0u64..10_000) {
        let settings = LogSettings { segment_bytes, segment_ms: 1500, index_interval_bytes: interval, index_max_bytes: 400 };
        let mut world = World::new(settings);
        steps.iter().for_each(|step| world.step(step));
        world.check_files();
    }
}

#[test]
fn a_file_that_is_written_again_is_as_before() {
    let mut world = World::new(SETTINGS);
    (0..20).for_each(|at| world.step(&Step::Append { records: 2, timestamp: at, value: 900 }));
    world.step(&Step::Take);
    world.writer.write(&world.taken).unwrap();
    let before = world.disk.everything();
    // The first write of a new log makes its folder anew, so all of them are repeated, as after an error.
    world.writer.write(&world.taken).unwrap();
    assert_eq!(world.disk.everything(), before);
    assert!(world.disk.open("t-0/00000000000000000000.log", Open::Read).unwrap().len().unwrap() > 0);
    assert!(file(&world.disk, "t-0/partition.metadata").starts_with(b"version: 0\ntopic_id: "));
}
