//! Indexes that are missing, short or of another file, made anew from the batches (Kafka's `LogSegment.recover`).
//!
//! Owns what is looked at and what is written. Leaves rot in the batches to the reader, who tells of it when it is asked for them: an
//! index is a short cut, and reading goes on without one. Invariant: a segment's state tells of the index that is there.

use alloc::string::String;

use crate::{
    batch::BatchInfo,
    buffer::Pool,
    disk::{Disk, DiskError, DiskFile, Open},
    log::{Lease, LogDir, LogSettings, Segment, SegmentRead, SegmentState, Want},
    segment::{ReadError, SegmentReader, is_missing},
};

/// Bytes read at once.
const CHUNK_BYTES: usize = 16 << 20;

/// Kafka's own: what the topic is set to is not known here, and any spacing serves.
pub(super) const SETTINGS: LogSettings = LogSettings {
    segment_bytes: u64::MAX,
    segment_ms: i64::MAX,
    index_interval_bytes: 4096,
    index_max_bytes: u64::MAX,
};

/// Makes the indexes of a segment anew if they are not those that were written; `last` if batches may follow.
pub(super) fn mend<D: Disk>(
    disk: &D,
    pool: &Pool,
    dir: &LogDir,
    segment: &mut SegmentState,
    last: bool,
) -> Result<(), DiskError> {
    if is_good(disk, dir, segment)? {
        return Ok(());
    }
    let mut made = Segment::new(segment.base_offset);
    let reader = SegmentReader::new(disk.clone(), pool.clone());
    let mut next = segment.base_offset;
    while next < segment.next_offset {
        let bytes = match reader.read(&read(dir, segment, next)) {
            Ok(bytes) => bytes,
            Err(ReadError::Disk(error)) => return Err(error),
            Err(ReadError::Rot { .. }) => return Ok(()),
        };
        let mut rest = &bytes[..];
        while let Ok(info) = BatchInfo::parse(rest) {
            made.append(&info, &SETTINGS);
            next = info.last_offset() + 1;
            rest = &rest[info.length as usize..];
        }
        if bytes.is_empty() {
            break;
        }
    }
    if !last {
        made.close();
    }
    for (what, bytes) in [("index", &made.index), ("timeindex", &made.time_index)] {
        let file = disk.open(&dir.path(segment.base_offset, what), Open::Append)?;
        file.truncate(0)?;
        file.write_at(0, &[bytes])?;
        file.sync()?;
    }
    let made = made.state();
    segment.index_bytes = made.index_bytes;
    segment.time_index_bytes = made.time_index_bytes;
    segment.since_index = made.since_index;
    segment.indexed_timestamp = made.indexed_timestamp;
    Ok(())
}

/// True if both have the length that was written, and end as they should.
fn is_good<D: Disk>(disk: &D, dir: &LogDir, segment: &SegmentState) -> Result<bool, DiskError> {
    let path = |what: &str| dir.path(segment.base_offset, what);
    let relative = |bytes: &[u8]| i64::from(i32::from_be_bytes(bytes.try_into().expect("4 bytes")));
    let index = last_entry::<_, 8>(disk, path("index"), segment.index_bytes)?;
    let time = last_entry::<_, 12>(disk, path("timeindex"), segment.time_index_bytes)?;
    let inside = |offset: i64| (0..segment.next_offset - segment.base_offset).contains(&offset);
    let index_good = match index {
        Some(entry) => {
            inside(relative(&entry[..4])) && u64::try_from(relative(&entry[4..])).is_ok_and(|at| at < segment.size)
        }
        None => segment.index_bytes == 0,
    };
    let time_good = match time {
        Some(entry) => entry[..8] == segment.indexed_timestamp.to_be_bytes() && inside(relative(&entry[8..])),
        None => segment.time_index_bytes == 0,
    };
    Ok(index_good && time_good)
}

/// The last entry of an index of this many bytes, `None` if it is not there.
fn last_entry<D: Disk, const N: usize>(disk: &D, path: String, len: u64) -> Result<Option<[u8; N]>, DiskError> {
    let file = disk.open(&path, Open::Read);
    if len < N as u64 || is_missing(&file) {
        return Ok(None);
    }
    let file = file?;
    let mut entry = [0; N];
    let whole = file.len()? >= len && file.read_at(len - N as u64, &mut entry)? == N;
    Ok(whole.then_some(entry))
}

/// A read that does without the indexes.
fn read(dir: &LogDir, segment: &SegmentState, next: i64) -> SegmentRead {
    SegmentRead {
        dir: dir.clone(),
        base_offset: segment.base_offset,
        want: Want::Offset(next),
        start: 0,
        upto: i64::MAX,
        max_bytes: CHUNK_BYTES,
        at_least_one: true,
        next_offset: segment.next_offset,
        size: segment.size,
        index_bytes: 0,
        time_index_bytes: 0,
        leader_epoch: segment.leader_epoch,
        gaps: segment.gaps,
        swap: false,
        lease: Lease::default(),
        estimate: CHUNK_BYTES,
    }
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use super::*;
    use crate::{
        batch::{Builder, stamp},
        entry::PartitionId,
        log::{Log, LogState},
        segment::SegmentWriter,
        testdisk::TestDisk,
    };

    const P: PartitionId = PartitionId { topic: [1; 16], partition: 0 };

    /// A log of two segments, a few kilobytes each, with entries in their indexes.
    fn written() -> (TestDisk, Log) {
        let (disk, settings) = (TestDisk::default(), LogSettings { segment_bytes: 12_000, ..SETTINGS });
        let mut log = Log::new(P, "t", settings);
        for at in 0..20 {
            let mut builder = Builder::new();
            builder.push(1000 + at, None, Some(&vec![7; 1000]), &[]);
            let mut bytes = builder.finish();
            stamp(&mut bytes, log.next_offset(), 0);
            log.append(&BatchInfo::parse(&bytes).unwrap(), bytes.into());
        }
        SegmentWriter::new(disk.clone()).write(&log.take_writes()).unwrap();
        log.written();
        (disk, log)
    }

    /// Mends all segments after `damage`; the states, and the bytes of the indexes.
    fn mended(damage: impl Fn(&TestDisk, &LogDir, &LogState)) -> (LogState, Vec<(String, Vec<u8>)>) {
        let (disk, log) = written();
        let (dir, mut state) = (log.dir(), log.state());
        damage(&disk, &dir, &state);
        let last = state.segments.len() - 1;
        for (at, segment) in state.segments.iter_mut().enumerate() {
            mend(&disk, &Pool::new(), &dir, segment, at == last).unwrap();
        }
        let everything = disk.everything();
        (state, everything.into_iter().filter(|(path, _)| path.ends_with("index")).collect())
    }

    #[test]
    fn an_index_that_is_gone_short_or_of_another_file_is_made_anew() {
        let good = mended(|_, _, _| {});
        assert!(good.0.segments.len() > 1 && good.0.segments.iter().all(|segment| segment.index_bytes > 0));
        let check = |damage: &dyn Fn(&TestDisk, &str)| {
            for what in ["index", "timeindex"] {
                let one = |disk: &TestDisk, dir: &LogDir, state: &LogState| {
                    state.segments.iter().for_each(|segment| damage(disk, &dir.path(segment.base_offset, what)));
                };
                assert_eq!(mended(one), good, "{what}");
            }
        };
        check(&|disk, path| disk.remove(path).unwrap());
        check(&|disk, path| {
            let file = disk.open(path, Open::Append).unwrap();
            file.truncate(file.len().unwrap().saturating_sub(3)).unwrap();
        });
        check(&|disk, path| {
            let file = disk.open(path, Open::Append).unwrap();
            let zeros = vec![0xff; file.len().unwrap() as usize];
            file.write_at(0, &[&zeros]).unwrap();
        });
    }
}
