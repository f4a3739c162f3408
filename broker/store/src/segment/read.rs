//! Reads batches from segment files.
//!
//! Owns the way from an offset or a timestamp to a place in the file: the index says roughly, batch headers say exactly. Leaves the
//! indexes to [`super::index`].
//!
//! Invariant: no batch leaves here that its checksum does not vouch for, and none at another offset than the log gave it (which the
//! checksum does not cover: that offsets follow each other does). Anything else is rot, told by file and position. A damaged index
//! costs time only: the segment is then read from its start.

use alloc::{format, string::String, vec::Vec};
use bytes::Bytes;

use super::{
    SWAP,
    index::{Hint, hint},
    is_missing,
};
use crate::{
    batch::{self, BatchInfo, HEADER_BYTES},
    buffer::{LARGEST, Pool},
    disk::{BLOCK, Disk, DiskError, DiskFile, Open},
    log::{SegmentRead, Want},
};

/// Read beyond what was asked for, because the index leads to a batch some way before it.
const SLACK_BYTES: usize = 8192;

/// Most bytes of an answer but for a single batch that is larger.
const MOST_BYTES: usize = 16 << 20;

const _: () = assert!(MOST_BYTES + SLACK_BYTES <= LARGEST - BLOCK);

const SHORT: &str = "the file ends before what was written to it";

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The disk failed.
    Disk(DiskError),
    /// The file does not hold what was written to it.
    Rot {
        /// The file.
        file: String,
        /// Where in it.
        position: u64,
        /// What is wrong there.
        why: String,
    },
}

impl From<DiskError> for ReadError {
    fn from(error: DiskError) -> Self {
        ReadError::Disk(error)
    }
}

impl core::fmt::Display for ReadError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ReadError::Disk(error) => write!(f, "{error}"),
            ReadError::Rot { file, position, why } => write!(f, "{file} is damaged at byte {position}: {why}"),
        }
    }
}

impl core::error::Error for ReadError {}

/// Where a segment's batch begins, as an earlier read has seen it: whoever goes on from there need not look for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its first offset.
    pub offset: i64,
    /// In the `.log` file, in bytes.
    pub position: u64,
}

/// Reads segments; clones may be used on several threads.
#[derive(Clone, Debug)]
pub struct SegmentReader<D: Disk> {
    disk: D,
    pool: Pool,
}

impl<D: Disk> SegmentReader<D> {
    /// Reads from this data folder into buffers of this pool.
    pub fn new(disk: D, pool: Pool) -> Self {
        Self { disk, pool }
    }

    /// Whole batches, checked, as the read asks for them; none if the first one is too large and need not be given.
    ///
    /// # Errors
    /// Rot, or any of the disk's (`NotFound` if the log was deleted meanwhile).
    pub fn read(&self, read: &SegmentRead) -> Result<Bytes, ReadError> {
        self.read_on(read, None).map(|(bytes, _)| bytes)
    }

    /// The same, from a place of this segment that an earlier read has told of; and the place after what is given. There is none
    /// after nothing, nor in a segment that compaction may write anew.
    ///
    /// # Errors
    /// As [`SegmentReader::read`].
    pub fn read_on(&self, read: &SegmentRead, place: Option<Place>) -> Result<(Bytes, Option<Place>), ReadError> {
        let (path, file) = open(&self.disk, read, "log")?;
        let segment = Segment { read, path, file, pool: &self.pool };
        let known =
            place.filter(|place| !read.gaps && read.want == Want::Offset(place.offset) && place.position < read.size);
        if let Some(place) = known {
            return segment.batches(place.position, place.offset, None);
        }
        match self.look(&segment, hint(&self.disk, read)?) {
            // The index may be what is damaged.
            Err(ReadError::Rot { .. }) => self.look(&segment, Hint::default()),
            answer => answer,
        }
    }

    fn look(&self, segment: &Segment<'_, D>, hint: Hint) -> Result<(Bytes, Option<Place>), ReadError> {
        match segment.find(hint)? {
            Some((position, first)) => segment.batches(position, first.base_offset, Some(first.length as usize)),
            None => Ok((Bytes::new(), None)),
        }
    }
}

/// Opens a segment's file, whichever name it has by now.
pub(super) fn open<D: Disk>(disk: &D, read: &SegmentRead, what: &str) -> Result<(String, D::File), DiskError> {
    if read.swap {
        let path = read.dir.path(read.base_offset, &format!("{what}.{SWAP}"));
        let file = disk.open(&path, Open::Read);
        if !is_missing(&file) {
            return Ok((path, file?));
        }
    }
    let path = read.dir.path(read.base_offset, what);
    let file = disk.open(&path, Open::Read)?;
    Ok((path, file))
}

struct Segment<'a, D: Disk> {
    read: &'a SegmentRead,
    path: String,
    file: D::File,
    pool: &'a Pool,
}

impl<D: Disk> Segment<'_, D> {
    fn rot(&self, position: u64, why: &str) -> ReadError {
        ReadError::Rot { file: self.path.clone(), position, why: why.into() }
    }

    fn bytes(&self, position: u64, len: usize) -> Result<Bytes, ReadError> {
        if len > LARGEST - BLOCK {
            return Err(self.rot(position, "a batch is larger than any that was written"));
        }
        // Whole blocks, so that a large read can go past the cache.
        let lead = (position % BLOCK as u64) as usize;
        let end = lead + len;
        let mut buffer = self.pool.take(end);
        if self.file.read_at(position - lead as u64, &mut buffer[..end.next_multiple_of(BLOCK)])? < end {
            return Err(self.rot(position, SHORT));
        }
        Ok(buffer.freeze().slice(lead..end))
    }

    /// The batches from the one on that begins here with this offset, and whose length may be known.
    fn batches(&self, position: u64, offset: i64, first: Option<usize>) -> Result<(Bytes, Option<Place>), ReadError> {
        let read = self.read;
        let left = usize::try_from(read.size - position).unwrap_or(usize::MAX);
        let most = read.max_bytes.clamp(HEADER_BYTES, MOST_BYTES);
        let mut bytes = match first {
            Some(first) if first > read.max_bytes && !read.at_least_one => return Ok((Bytes::new(), None)),
            first => self.bytes(position, most.max(first.unwrap_or(0)).min(left))?,
        };
        let first = self.header(position, &bytes, Some(offset))?.length as usize;
        if first > read.max_bytes && !read.at_least_one {
            return Ok((Bytes::new(), None));
        }
        if first > bytes.len() {
            bytes = self.bytes(position, first)?;
        }
        let (end, next) = self.check(position, &bytes, first)?;
        let place = next.filter(|_| !read.gaps).map(|offset| Place { offset, position: position + end as u64 });
        Ok((bytes.slice(..end), place))
    }

    fn read_exactly(&self, position: u64, to: &mut [u8]) -> Result<(), ReadError> {
        if self.file.read_at(position, to)? < to.len() {
            return Err(self.rot(position, SHORT));
        }
        Ok(())
    }

    /// The first batch wanted, looked for batch by batch from the hint on; what the hint claims is checked on the way.
    fn find(&self, hint: Hint) -> Result<Option<(u64, BatchInfo)>, ReadError> {
        let mut window = Window { start: 0, bytes: Vec::new() };
        let mut position = hint.position;
        let mut claim = hint.earlier;
        let mut expected = (position == 0).then_some(self.read.base_offset);
        while position < self.read.size {
            let info = self.header(position, window.header(self, position)?, expected)?;
            if position == hint.position && hint.last_offset.is_some_and(|last| last != info.last_offset()) {
                return Err(self.rot(position, "the index has another batch here"));
            }
            if claim.is_some_and(|(offset, _)| offset == info.last_offset()) {
                claim = claim.filter(|(_, timestamp)| *timestamp != info.max_timestamp);
            }
            let reached = match self.read.want {
                Want::Offset(offset) => info.last_offset() >= offset,
                Want::Timestamp(_) if info.last_offset() < self.read.start => false,
                // That offsets follow each other says nothing of timestamps: they are believed if the batch is whole.
                Want::Timestamp(timestamp) => self.whole(position, &info)?.max_timestamp >= timestamp,
            };
            if reached && claim.is_some() {
                return Err(self.rot(position, "the time index tells of another batch"));
            }
            if reached {
                return Ok((info.base_offset < self.read.upto).then_some((position, info)));
            }
            expected = Some(info.last_offset() + 1);
            position += u64::from(info.length);
        }
        if claim.is_some() {
            return Err(self.rot(position, "the time index tells of another batch"));
        }
        if expected.is_some_and(|expected| expected != self.read.next_offset) {
            return Err(self.rot(position, &format!("the last offset should be {}", self.read.next_offset - 1)));
        }
        Ok(None)
    }

    fn whole(&self, position: u64, info: &BatchInfo) -> Result<BatchInfo, ReadError> {
        let bytes = self.bytes(position, info.length as usize)?;
        batch::check_crc(&bytes).map_err(|bad| self.rot(position, &format!("{bad}")))
    }

    /// A header where the log has one: with the next offset, an epoch that was, and ending within what was written.
    fn header(&self, position: u64, bytes: &[u8], expected: Option<i64>) -> Result<BatchInfo, ReadError> {
        let info = BatchInfo::parse_header(bytes).map_err(|bad| self.rot(position, &format!("{bad}")))?;
        if let Some(expected) = expected
            && (info.base_offset < expected || (info.base_offset > expected && !self.read.gaps))
        {
            return Err(self.rot(position, &format!("offset {} is where {expected} should be", info.base_offset)));
        }
        if !(0..=self.read.leader_epoch).contains(&info.leader_epoch) {
            return Err(self.rot(position, &format!("leader epoch {} never was", info.leader_epoch)));
        }
        if self.read.gaps && info.last_offset() >= self.read.next_offset {
            return Err(self.rot(position, &format!("offset {} is beyond the segment's last", info.last_offset())));
        }
        if position + u64::from(info.length) > self.read.size {
            return Err(self.rot(position, "a batch is longer than what was written"));
        }
        Ok(info)
    }

    /// Where the last batch ends that may be given: whole, checked, below `upto`, within the bytes asked for; and the offset after it,
    /// if there is one. The first may be larger.
    fn check(&self, position: u64, bytes: &[u8], first: usize) -> Result<(usize, Option<i64>), ReadError> {
        let most = self.read.max_bytes.max(first);
        let (mut end, mut expected) = (0, None);
        while bytes.len() - end >= HEADER_BYTES {
            let at = position + end as u64;
            let info = self.header(at, &bytes[end..], expected)?;
            let next = end + info.length as usize;
            if next > most.min(bytes.len()) || info.base_offset >= self.read.upto {
                break;
            }
            batch::check_crc(&bytes[end..]).map_err(|bad| self.rot(at, &format!("{bad}")))?;
            (end, expected) = (next, Some(info.last_offset() + 1));
            if matches!(self.read.want, Want::Timestamp(_)) {
                break;
            }
        }
        Ok((end, expected))
    }
}

/// A few kilobytes of the file, so that looking for a batch is not one call of the disk per header.
struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    fn header<D: Disk>(&mut self, segment: &Segment<'_, D>, position: u64) -> Result<&[u8], ReadError> {
        let end = self.start + self.bytes.len() as u64;
        let inside = position >= self.start && position + HEADER_BYTES as u64 <= end;
        if !inside {
            let left = usize::try_from(segment.read.size - position).unwrap_or(usize::MAX);
            self.bytes.resize(SLACK_BYTES.min(left), 0);
            self.start = position;
            segment.read_exactly(position, &mut self.bytes)?;
        }
        let at = (position - self.start) as usize;
        Ok(self.bytes.get(at..).unwrap_or_default())
    }
}
