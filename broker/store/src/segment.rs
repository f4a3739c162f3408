//! Segment files: written, removed, and (in [`read`](SegmentReader)) read.
//!
//! Owns the files of a log's folder: `<base offset>.log`, `.index`, `.timeindex`, `partition.metadata`, and what `side` has beside
//! them for Kafka, all in Kafka's formats (broker-contract 2.1). Leaves what goes into them to [`crate::log`], and making them durable to [`crate::checkpoint`].
//!
//! Invariant: nothing is written anywhere but where a [`SegmentWrite`] says, so that repeating one changes nothing.

use alloc::{
    collections::{BTreeMap, VecDeque},
    format,
    string::String,
    vec::Vec,
};

use crate::{
    checkpoint::read_all,
    disk::{Disk, DiskError, DiskFile, ErrorKind, Open},
    entry::PartitionId,
    log::{LogDir, Removal, SegmentWrite},
};

mod index;
mod read;
mod side;

pub use read::{Place, ReadError, SegmentReader};
pub use side::{BadSideFile, ProducerEntry, SideFile, TxnEntry, producers_of, snapshot, transactions_of, txn_index};

/// Where the topic id begins in [`METADATA`].
const TOPIC_ID_AT: usize = "version: 0\ntopic_id: ".len();

pub(crate) const METADATA: &str = "partition.metadata";

/// The last part of the name of a file that will take the place of another (Kafka's `LogFileUtils`).
pub(crate) const SWAP: &str = "swap";

/// The last part of the name of a file that compaction has not finished.
pub(crate) const CLEANED: &str = "cleaned";

/// A segment's files, by what their names end in, the last one last that says the segment is there.
pub(crate) const FILES: [&str; 3] = ["index", "timeindex", "log"];

/// What is beside them, for Kafka: named by a segment's base offset, and by any offset.
pub(crate) const TXN_INDEX: &str = "txnindex";
pub(crate) const SNAPSHOT: &str = "snapshot";

/// `.log` files kept open: the segments written last.
const KEPT_OPEN: usize = 128;

/// Writes logs to their folders. One thread's.
pub struct SegmentWriter<D: Disk> {
    disk: D,
    open: BTreeMap<(PartitionId, i64), D::File>,
    opened: VecDeque<(PartitionId, i64)>,
}

impl<D: Disk> SegmentWriter<D> {
    /// A writer to this data folder, with no file open yet.
    pub fn new(disk: D) -> Self {
        Self { disk, open: BTreeMap::new(), opened: VecDeque::new() }
    }

    /// Writes them all, through the system's cache: readers see them when it returns, a checkpoint makes them durable.
    ///
    /// # Errors
    /// Any of the disk's; the same writes may be tried again, from the first on.
    pub fn write(&mut self, writes: &[SegmentWrite]) -> Result<(), DiskError> {
        writes.iter().try_for_each(|write| self.write_one(write))
    }

    fn write_one(&mut self, write: &SegmentWrite) -> Result<(), DiskError> {
        if write.fresh {
            self.make_folder(&write.dir)?;
        }
        if !write.pieces.is_empty() {
            let pieces: Vec<&[u8]> = write.pieces.iter().map(|piece| &piece[..]).collect();
            self.log_file(&write.dir, write.base_offset)?.write_at(write.position, &pieces)?;
        }
        self.append(write, "index", write.index_position, &write.index)?;
        self.append(write, "timeindex", write.time_index_position, &write.time_index)
    }

    fn append(&self, write: &SegmentWrite, what: &str, position: u64, bytes: &[u8]) -> Result<(), DiskError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.disk.open(&write.dir.path(write.base_offset, what), Open::Append)?.write_at(position, &[bytes])
    }

    fn log_file(&mut self, dir: &LogDir, base_offset: i64) -> Result<&D::File, DiskError> {
        let key = (dir.partition, base_offset);
        if !self.open.contains_key(&key) {
            if self.opened.len() >= KEPT_OPEN
                && let Some(oldest) = self.opened.pop_front()
            {
                self.open.remove(&oldest);
            }
            let file = self.disk.open(&dir.path(base_offset, "log"), Open::Append)?;
            self.open.insert(key, file);
            self.opened.push_back(key);
        }
        Ok(&self.open[&key])
    }

    /// The folder of a new log; one that has its name belonged to a topic that is gone.
    fn make_folder(&mut self, dir: &LogDir) -> Result<(), DiskError> {
        self.forget(|partition| partition == dir.partition);
        self.disk.remove_dir_all(&dir.name)?;
        self.disk.create_dir_all(&dir.name)?;
        let file = self.disk.open(&metadata_path(dir), Open::Append)?;
        file.write_at(0, &[metadata(&dir.partition).as_bytes()])
    }

    /// Removes a log with its folder, unless the folder is another's by now.
    ///
    /// # Errors
    /// Any of the disk's; it may be tried again.
    pub fn delete_log(&mut self, dir: &LogDir) -> Result<(), DiskError> {
        self.forget(|partition| partition == dir.partition);
        match read_all(&self.disk, &metadata_path(dir))? {
            Some(found) if is_of_another(&found, &dir.partition) => Ok(()),
            _ => self.disk.remove_dir_all(&dir.name),
        }
    }

    /// Removes files of a log, and gives others their names.
    ///
    /// # Errors
    /// Any of the disk's; it may be tried again.
    pub fn remove(&mut self, removal: &Removal) -> Result<(), DiskError> {
        let Removal { dir, remove, rename } = removal;
        for base_offset in remove.iter().chain(rename) {
            self.open.remove(&(dir.partition, *base_offset));
            self.opened.retain(|key| *key != (dir.partition, *base_offset));
        }
        rename.iter().try_for_each(|base_offset| finish_swap(&self.disk, dir, *base_offset))?;
        for base_offset in remove {
            for what in FILES.into_iter().chain([TXN_INDEX]) {
                let removed = self.disk.remove(&dir.path(*base_offset, what));
                if !is_missing(&removed) {
                    removed?;
                }
            }
        }
        Ok(())
    }

    fn forget(&mut self, whose: impl Fn(PartitionId) -> bool) {
        self.open.retain(|(partition, _), _| !whose(*partition));
        self.opened.retain(|(partition, _)| !whose(*partition));
    }
}

/// Gives a segment's files their own names, as far as they do not have them.
pub(crate) fn finish_swap<D: Disk>(disk: &D, dir: &LogDir, base_offset: i64) -> Result<(), DiskError> {
    for what in FILES {
        let path = dir.path(base_offset, what);
        let swap = format!("{path}.{SWAP}");
        if disk.exists(&swap)? {
            disk.rename(&swap, &path)?;
        }
    }
    Ok(())
}

/// Of base64 in its variant for names.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(crate) fn metadata_path(dir: &LogDir) -> String {
    format!("{}/{METADATA}", dir.name)
}

/// Kafka's `partition.metadata`: the id of the topic, as Kafka writes ids (base64 with `-` and `_`, unpadded).
pub(crate) fn metadata(partition: &PartitionId) -> String {
    let id = u128::from_be_bytes(partition.topic);
    let digit = |at: u32| DIGITS[(id.checked_shr(122 - 6 * at).unwrap_or(0) & 63) as usize] as char;
    // 22 digits hold 132 bits; the last has two of the id and four zeros.
    let last = DIGITS[((id & 3) << 4) as usize] as char;
    let digits: String = (0..21).map(digit).chain([last]).collect();
    format!("version: 0\ntopic_id: {digits}\n")
}

/// The topic id in such a file, whoever wrote it.
pub(crate) fn topic_id(metadata: &[u8]) -> Option<[u8; 16]> {
    let text = core::str::from_utf8(metadata).ok()?;
    let digits = text.lines().find_map(|line| line.strip_prefix("topic_id:"))?.trim();
    let value = |digit: u8| DIGITS.iter().position(|known| *known == digit).map(|value| value as u128);
    let (last, most) = digits.as_bytes().split_last().filter(|(_, most)| most.len() == 21)?;
    let id = most.iter().try_fold(0, |id: u128, digit| Some(id << 6 | value(*digit)?))?;
    Some((id << 2 | value(*last)? >> 4).to_be_bytes())
}

/// True if this is the metadata of another partition. What is cut off or zeros after a crash is nobody's.
fn is_of_another(found: &[u8], partition: &PartitionId) -> bool {
    let own = metadata(partition);
    found.len() == own.len() && found.starts_with(&own.as_bytes()[..TOPIC_ID_AT]) && found != own.as_bytes()
}

/// True if this is not there, whatever else went wrong.
pub(crate) fn is_missing<T>(result: &Result<T, DiskError>) -> bool {
    matches!(result, Err(error) if error.kind == ErrorKind::NotFound)
}

#[cfg(test)]
mod tests;
