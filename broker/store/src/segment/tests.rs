use alloc::{vec, vec::Vec};
use bytes::Bytes;

use super::*;
use crate::{
    batch::{BatchInfo, Builder, stamp},
    buffer::Pool,
    log::{Log, LogSettings, Read, SegmentRead},
    testdisk::TestDisk,
};

const P: PartitionId = PartitionId { topic: [1; 16], partition: 0 };
const SETTINGS: LogSettings =
    LogSettings { segment_bytes: 1 << 20, segment_ms: i64::MAX, index_interval_bytes: 150, index_max_bytes: 10 << 20 };

/// A log of some batches, all of it in its files.
struct Written {
    disk: TestDisk,
    log: Log,
    batches: Vec<Bytes>,
}

fn batch(base: i64) -> Bytes {
    let mut builder = Builder::new();
    builder.push(1000 + base * 10, None, Some(b"value"), &[]);
    builder.push(1005 + base * 10, None, Some(b"another"), &[]);
    let mut bytes = builder.finish();
    stamp(&mut bytes, base, 0);
    bytes.into()
}

fn written() -> Written {
    let (disk, mut log) = (TestDisk::default(), Log::new(P, "t", SETTINGS));
    let batches: Vec<Bytes> = (0..12).map(|at| batch(at * 2)).collect();
    for bytes in &batches {
        log.append(&BatchInfo::parse(bytes).unwrap(), bytes.clone());
    }
    SegmentWriter::new(disk.clone()).write(&log.take_writes()).unwrap();
    log.written();
    Written { disk, log, batches }
}

impl Written {
    fn read(&self, read: &Read) -> Result<Bytes, ReadError> {
        SegmentReader::new(self.disk.clone(), Pool::new()).read(read.file.as_ref().unwrap())
    }

    /// Reads two batches from every offset, and the batch of every timestamp.
    fn read_everything(&self) -> Vec<(Vec<u8>, Result<Bytes, ReadError>)> {
        let two = 2 * self.batches[0].len();
        let by_offset = (0..24).map(|offset| {
            let expected = self.batches[offset / 2..].iter().take(2).flatten().copied().collect();
            (expected, self.read(&self.log.read(offset as i64, 24, two, true)))
        });
        let by_time = (0..12usize).map(|at| {
            let read = self.log.find_timestamp(1005 + at as i64 * 20).unwrap();
            (self.batches[at].to_vec(), self.read(&read))
        });
        by_offset.chain(by_time).collect()
    }
}

const LOG: &str = "t-0/00000000000000000000.log";

#[test]
fn whatever_is_damaged_nothing_wrong_is_served() {
    let written = written();
    let len = written.disk.everything()[LOG].len();
    for bit in 0..len * 8 {
        written.disk.rot(LOG, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        let answers = written.read_everything();
        let told = answers.iter().filter(|(expected, answer)| match answer {
            Ok(bytes) => {
                // It may end before a batch whose length is damaged; asked for that one, it is told.
                assert!(!bytes.is_empty() && expected.starts_with(bytes), "bit {bit}");
                false
            }
            Err(ReadError::Rot { file, .. }) => file == LOG,
            Err(error) => panic!("{error}"),
        });
        let told = told.count();
        // Where the batch that is damaged is asked for or passed on the way from an index entry.
        assert!((1..=12).contains(&told), "bit {bit} was told {told} times");
        written.disk.rot(LOG, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
    }
}

#[test]
fn a_damaged_index_costs_only_time() {
    let written = written();
    for what in ["index", "timeindex"] {
        let path = alloc::format!("t-0/00000000000000000000.{what}");
        let len = written.disk.everything()[&path].len();
        assert!(len >= 24);
        for bit in 0..len * 8 {
            written.disk.rot(&path, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
            for (expected, answer) in written.read_everything() {
                assert_eq!(answer.as_deref(), Ok(&expected[..]), "bit {bit} of {what}");
            }
            written.disk.rot(&path, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        }
        written.disk.rot(&path, Vec::clear);
        for (expected, answer) in written.read_everything() {
            assert_eq!(answer.as_deref(), Ok(&expected[..]), "without {what}");
        }
    }
}

#[test]
fn a_file_that_ends_early_is_rot() {
    let written = written();
    written.disk.rot(LOG, |bytes| bytes.truncate(bytes.len() - 1));
    let answer = written.read(&written.log.read(22, 24, 1000, true));
    let why = alloc::format!("{}", answer.unwrap_err());
    assert!(why.contains(LOG) && why.contains("ends before"), "{why}");
}

#[test]
fn a_log_is_gone_with_its_folder() {
    let written = written();
    let mut writer = SegmentWriter::new(written.disk.clone());
    writer.delete_log(&written.log.dir()).unwrap();
    assert!(written.disk.everything().is_empty());
    let answer = written.read(&written.log.read(0, 24, 1000, true));
    assert!(matches!(answer, Err(ReadError::Disk(error)) if error.kind == ErrorKind::NotFound));
    writer.delete_log(&written.log.dir()).unwrap();
}

#[test]
fn a_topic_made_anew_has_the_folder_for_itself() {
    let old = written();
    let mut writer = SegmentWriter::new(old.disk.clone());
    let mut log = Log::new(PartitionId { topic: [2; 16], partition: 0 }, "t", SETTINGS);
    log.append(&BatchInfo::parse(&batch(0)).unwrap(), batch(0));
    writer.write(&log.take_writes()).unwrap();
    assert_eq!(old.disk.everything()[LOG], batch(0));
    writer.delete_log(&old.log.dir()).unwrap();
    assert_eq!(old.disk.everything()[LOG], batch(0), "it is not the old topic's any more");
}

#[test]
fn a_full_disk_is_waited_out() {
    let (disk, mut log) = (TestDisk::default(), Log::new(P, "t", SETTINGS));
    log.append(&BatchInfo::parse(&batch(0)).unwrap(), batch(0));
    let (mut writer, writes) = (SegmentWriter::new(disk.clone()), log.take_writes());
    disk.fill_up(true);
    assert_eq!(writer.write(&writes).unwrap_err().kind, ErrorKind::Full);
    disk.fill_up(false);
    writer.write(&writes).unwrap();
    assert_eq!(disk.everything()[LOG], batch(0));
}

#[test]
fn a_batch_larger_than_asked_for_is_given_only_if_it_must_be() {
    let written = written();
    let check = |max, one, expected: &[u8]| {
        let read = written.log.read(2, 24, max, one);
        assert_eq!(written.read(&read).unwrap(), expected);
    };
    check(10, true, &written.batches[1]);
    check(10, false, &[]);
    check(written.batches[1].len(), false, &written.batches[1]);
}

#[test]
fn who_goes_on_from_a_place_reads_what_the_index_leads_to() {
    let written = written();
    let reader = SegmentReader::new(written.disk.clone(), Pool::new());
    let length = written.batches[0].len();
    for max in [1, length, 2 * length + 10, 5 * length] {
        let (mut offset, mut place, mut all) = (0, None, Vec::new());
        while offset < 24 {
            let read = written.log.read(offset, 24, max, true).file.unwrap();
            let (bytes, next) = reader.read_on(&read, place).unwrap();
            assert_eq!(bytes, reader.read(&read).unwrap(), "from {offset}, {max} bytes");
            (offset, place) = (next.unwrap().offset, next);
            all.extend_from_slice(&bytes);
        }
        assert_eq!(all, written.batches.concat());
    }
}

#[test]
fn a_place_of_another_offset_is_not_used() {
    let written = written();
    let reader = SegmentReader::new(written.disk.clone(), Pool::new());
    let read = written.log.read(6, 24, 1, true).file.unwrap();
    let check = |place| assert_eq!(reader.read_on(&read, Some(place)).unwrap().0, written.batches[3], "{place:?}");
    check(Place { offset: 4, position: 2 * written.batches[0].len() as u64 });
    check(Place { offset: 6, position: read.size });
    let compacted = SegmentRead { gaps: true, ..read.clone() };
    assert_eq!(reader.read_on(&compacted, None).unwrap(), (written.batches[3].clone(), None));
}

#[test]
fn ids_are_spelled_as_kafka_does() {
    let check = |topic, expected: &str| {
        let text = metadata(&PartitionId { topic, partition: 3 });
        assert_eq!(text, alloc::format!("version: 0\ntopic_id: {expected}\n"));
    };
    check([0; 16], "AAAAAAAAAAAAAAAAAAAAAA");
    check([0xff; 16], "_____________________w");
    check(*b"0123456789abcdef", "MDEyMzQ1Njc4OWFiY2RlZg");
    check([0xfb, 0xef, 0xbe, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1], "----AAECAwQFBgcICQoLAQ");
}

#[test]
fn few_files_stay_open() {
    let mut writer = SegmentWriter::new(TestDisk::default());
    for partition in 0..300 {
        let mut log = Log::new(PartitionId { topic: [1; 16], partition }, "t", SETTINGS);
        log.append(&BatchInfo::parse(&batch(0)).unwrap(), batch(0));
        writer.write(&log.take_writes()).unwrap();
    }
    assert_eq!((writer.open.len(), writer.opened.len()), (KEPT_OPEN, KEPT_OPEN));
    assert_eq!(
        vec![batch(0).to_vec()],
        vec![writer.disk.everything().remove("t-299/00000000000000000000.log").unwrap()]
    );
}
