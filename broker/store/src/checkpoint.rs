//! What a start begins with, so that it need not read logs: the core's state as of one journal entry, and what the segments hold.
//!
//! Owns the file `checkpoint` and the order in which it replaces the one before. Leaves the snapshot's meaning to the core.
//!
//! ```text
//! "CNDCHKPT" | version u32 | logs u32 | journal seq u64 | snapshot length u64 | snapshot | logs | sum u64 (CRC-64/NVME) of all before
//! a log: topic id 16 | partition i32 | segments u32 | start, next offset i64 | cleaned to i64 | name length u64 | name | segments
//! a segment, each i64: base, next offset | size, index, time index, since index | first, max timestamp, its offset, indexed timestamp |
//!                      epoch | bit 0 gaps, bit 1 swap
//! ```
//! Numbers are little-endian. Version 1 has no "cleaned to" and no bits.
//!
//! Invariant: when a checkpoint is there under its name, every byte it tells of is durable; entries up to its sequence are needed
//! no more.

use alloc::{string::String, vec, vec::Vec};
use crc_fast::{CrcAlgorithm, checksum};

use crate::{
    disk::{Disk, DiskError, DiskFile, ErrorKind, Open},
    entry::PartitionId,
    log::{LogState, SegmentState},
    segment::SideFile,
};

pub(crate) const FILE: &str = "checkpoint";
pub(crate) const TEMPORARY: &str = "checkpoint.tmp";
const MAGIC: &[u8; 8] = b"CNDCHKPT";
const VERSION: u32 = 2;

/// State as of a journal entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last entry it covers; recovery goes on with the next.
    pub journal_seq: u64,
    /// The core's state, opaque here.
    pub snapshot: Vec<u8>,
    /// Every log, as it is in its segment files: up to `journal_seq` at least.
    pub logs: Vec<LogState>,
    /// What goes to disk with it for Kafka's sake. No part of it.
    pub files: Vec<SideFile>,
}

/// Why a checkpoint file is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadCheckpoint {
    /// It was written by a newer connectd, in this version of the format.
    Newer(u32),
    /// Its bytes are not those that were written.
    Damaged,
}

impl Checkpoint {
    /// Makes everything written so far durable, then this: only afterwards may the journal be released up to `journal_seq`.
    ///
    /// # Errors
    /// Any of the disk's. The checkpoint before is still the one that counts, or this one is; both are right.
    pub fn store<D: Disk>(&self, disk: &D) -> Result<(), DiskError> {
        self.files.iter().try_for_each(|file| file.store(disk))?;
        disk.sync_all()?;
        replace(disk, TEMPORARY, FILE, &self.encode())
    }

    /// The checkpoint that counts, if one was made yet.
    pub(crate) fn load<D: Disk>(disk: &D) -> Result<Option<Result<Checkpoint, BadCheckpoint>>, DiskError> {
        Ok(read_all(disk, FILE)?.map(|bytes| Checkpoint::decode(&bytes)))
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&(self.logs.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.journal_seq.to_le_bytes());
        out.extend_from_slice(&(self.snapshot.len() as u64).to_le_bytes());
        out.extend_from_slice(&self.snapshot);
        self.logs.iter().for_each(|log| encode_log(&mut out, log));
        let sum = checksum(CrcAlgorithm::Crc64Nvme, &out);
        out.extend_from_slice(&sum.to_le_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Result<Checkpoint, BadCheckpoint> {
        let mut from = Reader(bytes);
        if from.array()? != *MAGIC {
            return Err(BadCheckpoint::Damaged);
        }
        let (version, logs) = (from.u32()?, from.u32()?);
        if version > VERSION {
            return Err(BadCheckpoint::Newer(version));
        }
        let (body, sum) = bytes.split_at(bytes.len() - 8);
        if version == 0 || sum != checksum(CrcAlgorithm::Crc64Nvme, body).to_le_bytes() {
            return Err(BadCheckpoint::Damaged);
        }
        let journal_seq = from.u64()?;
        let snapshot = from.blob()?.to_vec();
        let logs = (0..logs).map(|_| decode_log(&mut from, version)).collect::<Result<_, _>>()?;
        if from.0.len() != 8 {
            return Err(BadCheckpoint::Damaged);
        }
        Ok(Checkpoint { journal_seq, snapshot, logs, files: Vec::new() })
    }
}

fn encode_log(out: &mut Vec<u8>, log: &LogState) {
    out.extend_from_slice(&log.partition.topic);
    out.extend_from_slice(&log.partition.partition.to_le_bytes());
    out.extend_from_slice(&(log.segments.len() as u32).to_le_bytes());
    out.extend_from_slice(&log.start_offset.to_le_bytes());
    out.extend_from_slice(&log.next_offset.to_le_bytes());
    out.extend_from_slice(&log.cleaned_to.to_le_bytes());
    out.extend_from_slice(&(log.dir.len() as u64).to_le_bytes());
    out.extend_from_slice(log.dir.as_bytes());
    for s in &log.segments {
        let sizes = [s.size, s.index_bytes, s.time_index_bytes, s.since_index].map(|size| size as i64);
        let times = [s.first_timestamp, s.max_timestamp, s.max_timestamp_offset, s.indexed_timestamp];
        let numbers = [s.base_offset, s.next_offset].into_iter().chain(sizes).chain(times);
        for number in numbers.chain([s.leader_epoch.into(), i64::from(s.gaps) | i64::from(s.swap) << 1]) {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
}

fn decode_log(from: &mut Reader<'_>, version: u32) -> Result<LogState, BadCheckpoint> {
    let partition = PartitionId { topic: from.array()?, partition: from.u32()? as i32 };
    let segments = from.u32()?;
    let (start_offset, next_offset) = (from.i64()?, from.i64()?);
    let cleaned_to = if version == 1 { 0 } else { from.i64()? };
    let dir = String::from_utf8(from.blob()?.to_vec()).map_err(|_| BadCheckpoint::Damaged)?;
    let segments = (0..segments).map(|_| decode_segment(from, version)).collect::<Result<_, _>>()?;
    Ok(LogState { partition, dir, start_offset, next_offset, cleaned_to, segments })
}

fn decode_segment(from: &mut Reader<'_>, version: u32) -> Result<SegmentState, BadCheckpoint> {
    let state = SegmentState {
        base_offset: from.i64()?,
        next_offset: from.i64()?,
        size: from.u64()?,
        index_bytes: from.u64()?,
        time_index_bytes: from.u64()?,
        since_index: from.u64()?,
        first_timestamp: from.i64()?,
        max_timestamp: from.i64()?,
        max_timestamp_offset: from.i64()?,
        indexed_timestamp: from.i64()?,
        leader_epoch: i32::try_from(from.i64()?).map_err(|_| BadCheckpoint::Damaged)?,
        gaps: false,
        swap: false,
    };
    let bits = if version == 1 { 0 } else { from.i64()? };
    Ok(SegmentState { gaps: bits & 1 != 0, swap: bits & 2 != 0, ..state })
}

/// Puts a small file in the place of the one that has its name, so that after a crash it is the old one or the new one.
pub(crate) fn replace<D: Disk>(disk: &D, temporary: &str, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
    let file = disk.open(temporary, Open::Append)?;
    file.truncate(0)?;
    file.write_at(0, &[bytes])?;
    file.sync()?;
    disk.rename(temporary, path)?;
    disk.sync_dir("")
}

/// All bytes of a file, `None` if there is none.
pub(crate) fn read_all<D: Disk>(disk: &D, path: &str) -> Result<Option<Vec<u8>>, DiskError> {
    let file = match disk.open(path, Open::Read) {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let len = usize::try_from(file.len()?).expect("a file that was written from memory fits into it");
    let mut bytes = vec![0; len];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(Some(bytes))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], BadCheckpoint> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(BadCheckpoint::Damaged)?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadCheckpoint> {
        Ok(self.take(N)?.try_into().expect("take gave N bytes"))
    }

    fn u32(&mut self) -> Result<u32, BadCheckpoint> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, BadCheckpoint> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn i64(&mut self) -> Result<i64, BadCheckpoint> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    fn blob(&mut self) -> Result<&'a [u8], BadCheckpoint> {
        let len = usize::try_from(self.u64()?).map_err(|_| BadCheckpoint::Damaged)?;
        self.take(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let segment = |base_offset| SegmentState {
            base_offset,
            next_offset: base_offset + 10,
            size: 1000,
            index_bytes: 8,
            time_index_bytes: 12,
            since_index: 5,
            first_timestamp: 1,
            max_timestamp: 9,
            max_timestamp_offset: 3,
            indexed_timestamp: -1,
            leader_epoch: 0,
            gaps: base_offset > 0,
            swap: base_offset == 0,
        };
        let log = |partition| LogState {
            partition: PartitionId { topic: [4; 16], partition },
            dir: alloc::format!("t-{partition}"),
            start_offset: 0,
            next_offset: 20,
            cleaned_to: 10,
            segments: vec![segment(0), segment(10)],
        };
        Checkpoint { journal_seq: 77, snapshot: b"state".to_vec(), logs: vec![log(0), log(1)], files: vec![] }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        assert_eq!(Checkpoint::decode(&checkpoint().encode()), Ok(checkpoint()));
    }

    #[test]
    fn the_layout_is_as_drawn() {
        let bytes = Checkpoint { logs: vec![], ..checkpoint() }.encode();
        assert_eq!(&bytes[..37], b"CNDCHKPT\x02\0\0\0\0\0\0\0\x4d\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0state");
        assert_eq!(bytes.len(), 37 + 8);
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_noticed() {
        let bytes = checkpoint().encode();
        assert!((0..bytes.len()).all(|cut| Checkpoint::decode(&bytes[..cut]).is_err()));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Checkpoint::decode(&flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_newer_one_is_told_apart() {
        let mut bytes = checkpoint().encode();
        bytes[8] = 3;
        assert_eq!(Checkpoint::decode(&bytes), Err(BadCheckpoint::Newer(3)));
    }
}
