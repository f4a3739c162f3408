//! One log's compaction, from its first step to its last: keys are looked at, then what stays is copied, group by group.
//!
//! Owns the way through the segments and the new files. Leaves what stays to [`super::filter`]. Invariant: a file has a name that says
//! it is finished only when it is.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::{CleanOrder, Codecs, Progress, filter::Filter, map::OffsetMap};
use crate::{
    batch::{self, BadBatch, BatchInfo},
    disk::{Disk, DiskError, DiskFile, ErrorKind, Open},
    log::{LogDir, Segment, SegmentRead, SegmentState, Want},
    segment::{CLEANED, FILES, ReadError, SWAP, SegmentReader, is_missing},
};

/// Bytes of batches that one step reads, but for a single batch that is larger.
const STEP_BYTES: usize = 1 << 20;

/// A position in a segment file is a 32-bit number.
const SEGMENT_MOST_BYTES: u64 = i32::MAX as u64;

pub(super) struct Job {
    pub(super) order: CleanOrder,
    map: OffsetMap,
    phase: Phase,
    filter: Filter,
    decompressed: Vec<u8>,
}

/// Where it is: segment, and next offset in it.
enum Phase {
    Map {
        segment: usize,
        next: i64,
    },
    Filter {
        group: Group,
        segment: usize,
        next: i64,
    },
    /// The group that begins with this segment is next.
    Between {
        segment: usize,
    },
}

/// A group of segments that becomes one.
struct Group {
    /// Its segments are those from the first up to before the last.
    first: usize,
    end: usize,
    out: Segment,
    index_position: u64,
    time_index_position: u64,
}

pub(super) enum Trouble {
    Disk(DiskError),
    Bad(String),
}

impl From<DiskError> for Trouble {
    fn from(error: DiskError) -> Self {
        Trouble::Disk(error)
    }
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Disk(error) => Trouble::Disk(error),
            rot => Trouble::Bad(rot.to_string()),
        }
    }
}

impl Job {
    pub(super) fn new(order: CleanOrder) -> Self {
        let first = order.segments.iter().position(|segment| segment.next_offset > order.dirty_from).unwrap_or(0);
        let end = order.segments.last().map_or(0, |last| last.next_offset);
        let map = OffsetMap::new(order.map_bytes);
        let filter = Filter::new(&order, end);
        let phase = Phase::Map { segment: first, next: order.dirty_from };
        Self { order, map, phase, filter, decompressed: Vec::new() }
    }

    pub(super) fn step<D: Disk>(
        &mut self,
        disk: &D,
        reader: &SegmentReader<D>,
        codecs: &mut impl Codecs,
    ) -> Result<Progress, Trouble> {
        match core::mem::replace(&mut self.phase, Phase::Between { segment: usize::MAX }) {
            Phase::Map { segment, next } => self.map_some(reader, codecs, segment, next),
            Phase::Between { segment } => self.begin_group(disk, segment),
            Phase::Filter { group, segment, next } => self.filter_some(disk, reader, codecs, group, segment, next),
        }
    }

    /// Takes note of the keys in some batches.
    fn map_some<D: Disk>(
        &mut self,
        reader: &SegmentReader<D>,
        codecs: &mut impl Codecs,
        segment: usize,
        next: i64,
    ) -> Result<Progress, Trouble> {
        let Some(read) = self.order.segments.get(segment) else {
            self.phase = Phase::Between { segment: 0 };
            return Ok(Progress::More);
        };
        let bytes = reader.read(&from(read, next))?;
        let mut next = next;
        for (info, bytes) in batches(&bytes) {
            if self.map.is_full_for(info.count) {
                // What does not fit is dirty still, and is compacted the next time.
                self.phase = Phase::Between { segment: 0 };
                return Ok(Progress::More);
            }
            if !info.is_control() && !self.filter.is_aborted(&info) {
                let records = uncompressed(codecs, &info, bytes, &mut self.decompressed)?;
                for record in batch::records_of(&info, records) {
                    let record = record.map_err(|bad| unreadable(read, &info, &bad))?;
                    if let Some(key) = record.key {
                        self.map.put(key, info.base_offset + i64::from(record.offset_delta));
                    }
                }
            }
            next = info.last_offset() + 1;
            self.map.mapped_to(next);
        }
        let over = bytes.is_empty() || next >= read.next_offset;
        self.phase = if over { Phase::Map { segment: segment + 1, next } } else { Phase::Map { segment, next } };
        Ok(Progress::More)
    }

    /// The next segments that together become one, as Kafka groups them: no larger than one segment may be.
    fn begin_group<D: Disk>(&mut self, disk: &D, first: usize) -> Result<Progress, Trouble> {
        let segments = &self.order.segments;
        let cleaned_to = self.map.end().max(self.order.dirty_from);
        let Some(base) = segments.get(first).map(|segment| segment.base_offset).filter(|base| *base < cleaned_to)
        else {
            return Ok(Progress::Done { cleaned_to });
        };
        let (mut size, mut index, mut end) = (0, 0, first);
        while let Some(segment) = segments.get(end).filter(|segment| segment.base_offset < cleaned_to) {
            size += segment.size;
            index += segment.index_bytes.max(segment.time_index_bytes);
            let settings = &self.order.settings;
            let too_large = size > settings.segment_bytes.min(SEGMENT_MOST_BYTES)
                || index > settings.index_max_bytes
                || segment.next_offset - base > i64::from(i32::MAX);
            if too_large && end > first {
                break;
            }
            end += 1;
        }
        remove_cleaned(disk, &self.order.dir, base)?;
        let out = Segment::new(base);
        let group = Group { first, end, out, index_position: 0, time_index_position: 0 };
        self.phase = Phase::Filter { group, segment: first, next: base };
        Ok(Progress::More)
    }

    /// Copies what stays of some batches.
    fn filter_some<D: Disk>(
        &mut self,
        disk: &D,
        reader: &SegmentReader<D>,
        codecs: &mut impl Codecs,
        mut group: Group,
        segment: usize,
        next: i64,
    ) -> Result<Progress, Trouble> {
        if segment == group.end {
            return self.end_group(disk, group);
        }
        let read = &self.order.segments[segment];
        let bytes = reader.read(&from(read, next))?;
        let (mut next, mut out, position) = (next, Vec::new(), group.out.state().size);
        for (info, bytes) in batches(&bytes) {
            let records = uncompressed(codecs, &info, bytes, &mut self.decompressed)?;
            let kept = self.filter.batch(&self.map, &info, records).map_err(|bad| unreadable(read, &info, &bad))?;
            let kept = kept.encode(codecs, &info, bytes).map_err(Trouble::Bad)?;
            if let Some((info, kept)) = kept {
                if group.out.state().size + kept.len() as u64 > SEGMENT_MOST_BYTES {
                    return Err(Trouble::Bad(format!("the compacted segment {} would be too large", read.base_offset)));
                }
                group.out.append(&info, &self.order.settings);
                out.extend_from_slice(&kept);
            }
            next = info.last_offset() + 1;
        }
        let over = bytes.is_empty() || next >= read.next_offset;
        let base = group.out.state().base_offset;
        append(disk, &self.order.dir, base, "log", position, &out)?;
        group.write_indexes(disk, &self.order.dir)?;
        self.phase = Phase::Filter { segment: segment + usize::from(over), next, group };
        Ok(Progress::More)
    }

    /// The group's files are whole; they get the names that a checkpoint will know them by.
    fn end_group<D: Disk>(&mut self, disk: &D, mut group: Group) -> Result<Progress, Trouble> {
        let dir = &self.order.dir;
        group.out.close();
        group.write_indexes(disk, dir)?;
        let state = SegmentState { gaps: true, swap: true, ..*group.out.state() };
        let base = state.base_offset;
        let with = if state.size == 0 {
            remove_cleaned(disk, dir, base)?;
            None
        } else {
            for what in FILES {
                // An empty index has to be there too: it takes the place of one that is not.
                append(disk, dir, base, what, 0, &[])?;
                let path = dir.path(base, what);
                disk.rename(&format!("{path}.{CLEANED}"), &format!("{path}.{SWAP}"))?;
            }
            Some(state)
        };
        let replaced = self.order.segments[group.first..group.end].iter().map(|segment| segment.base_offset).collect();
        self.phase = Phase::Between { segment: group.end };
        Ok(Progress::Group { replaced, with })
    }
}

impl Job {
    /// Removes what is not finished; on a full disk that is left to the next start.
    pub(super) fn give_up<D: Disk>(self, disk: &D) -> Result<(), DiskError> {
        let Phase::Filter { group, .. } = self.phase else { return Ok(()) };
        match remove_cleaned(disk, &self.order.dir, group.out.state().base_offset) {
            Err(error) if error.kind == ErrorKind::Full => Ok(()),
            removed => removed,
        }
    }
}

impl Group {
    fn write_indexes<D: Disk>(&mut self, disk: &D, dir: &LogDir) -> Result<(), DiskError> {
        let base = self.out.state().base_offset;
        let (index, time_index) = (core::mem::take(&mut self.out.index), core::mem::take(&mut self.out.time_index));
        append(disk, dir, base, "index", self.index_position, &index)?;
        append(disk, dir, base, "timeindex", self.time_index_position, &time_index)?;
        self.index_position += index.len() as u64;
        self.time_index_position += time_index.len() as u64;
        Ok(())
    }
}

/// Writes to a file of a segment that is not finished.
fn append<D: Disk>(
    disk: &D,
    dir: &LogDir,
    base: i64,
    what: &str,
    position: u64,
    bytes: &[u8],
) -> Result<(), DiskError> {
    let file = disk.open(&format!("{}.{CLEANED}", dir.path(base, what)), Open::Append)?;
    if bytes.is_empty() { Ok(()) } else { file.write_at(position, &[bytes]) }
}

fn remove_cleaned<D: Disk>(disk: &D, dir: &LogDir, base: i64) -> Result<(), DiskError> {
    for what in FILES {
        let removed = disk.remove(&format!("{}.{CLEANED}", dir.path(base, what)));
        if !is_missing(&removed) {
            removed?;
        }
    }
    Ok(())
}

/// The next batches of a segment.
fn from(read: &SegmentRead, next: i64) -> SegmentRead {
    let (upto, max_bytes) = (i64::MAX, STEP_BYTES);
    SegmentRead { want: Want::Offset(next), upto, max_bytes, at_least_one: true, ..read.clone() }
}

/// Checked batches, one after the other.
pub(super) fn batches(mut bytes: &[u8]) -> impl Iterator<Item = (BatchInfo, &[u8])> {
    core::iter::from_fn(move || {
        let info = BatchInfo::parse(bytes).ok()?;
        let (batch, rest) = bytes.split_at(info.length as usize);
        bytes = rest;
        Some((info, batch))
    })
}

/// The records of a batch as they were before compression.
fn uncompressed<'a>(
    codecs: &mut impl Codecs,
    info: &BatchInfo,
    bytes: &'a [u8],
    buffer: &'a mut Vec<u8>,
) -> Result<&'a [u8], Trouble> {
    let records = &bytes[batch::HEADER_BYTES..];
    if info.codec() == 0 || records.is_empty() {
        return Ok(records);
    }
    buffer.clear();
    let why = |why| Trouble::Bad(format!("the batch at offset {} cannot be decompressed: {why}", info.base_offset));
    codecs.decompress(info.codec(), records, buffer).map_err(why)?;
    Ok(buffer)
}

fn unreadable(read: &SegmentRead, info: &BatchInfo, bad: &BadBatch) -> Trouble {
    Trouble::Bad(format!("{} at offset {}: {bad}", read.dir.path(read.base_offset, "log"), info.base_offset))
}
