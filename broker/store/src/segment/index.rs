//! Looks into a segment's index files for a place to begin.
//!
//! Owns their search. Entries of `.index` are 8 bytes: last offset of a batch, relative to the segment's base, and where the batch
//! begins, both i32; of `.timeindex` 12: the largest timestamp so far, i64, and the relative last offset of the batch that has it.
//! Invariant: what is found is a claim, which the reader checks; what is missing or unreadable is no claim.

use crate::{
    disk::{Disk, DiskError, DiskFile},
    log::{SegmentRead, Want},
};

const INDEX_ENTRY_BYTES: usize = 8;
const TIME_ENTRY_BYTES: usize = 12;

/// Where to begin looking for the first batch wanted, which does not come before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hint {
    /// Where a batch begins.
    pub position: u64,
    /// Its last offset, if the index told.
    pub last_offset: Option<i64>,
    /// A batch before the one wanted, at or after `position`: its last offset and its largest timestamp.
    pub earlier: Option<(i64, i64)>,
}

/// What the indexes of a segment tell.
pub(super) fn hint<D: Disk>(disk: &D, read: &SegmentRead) -> Result<Hint, DiskError> {
    let mut earlier = None;
    let offset = match read.want {
        Want::Offset(offset) => offset,
        Want::Timestamp(timestamp) => {
            let count = read.time_index_bytes as usize / TIME_ENTRY_BYTES;
            let time = |entry: &[u8; TIME_ENTRY_BYTES]| i64::from_be_bytes(entry[..8].try_into().expect("8 bytes"));
            let Some(entry) = floor(disk, read, "timeindex", count, |entry| time(entry) < timestamp)? else {
                return Ok(Hint::default());
            };
            let offset = read.base_offset.saturating_add(relative(&entry[8..]));
            earlier = Some((offset, time(&entry)));
            offset
        }
    };
    let count = read.index_bytes as usize / INDEX_ENTRY_BYTES;
    let wanted = offset.saturating_sub(read.base_offset);
    let entry = floor(disk, read, "index", count, |entry: &[u8; INDEX_ENTRY_BYTES]| relative(&entry[..4]) <= wanted)?;
    let found = entry.and_then(|entry| {
        let position = u64::try_from(relative(&entry[4..])).ok().filter(|position| *position < read.size)?;
        Some(Hint { position, last_offset: Some(read.base_offset.saturating_add(relative(&entry[..4]))), earlier })
    });
    Ok(found.unwrap_or(Hint { earlier, ..Hint::default() }))
}

fn relative(bytes: &[u8]) -> i64 {
    i64::from(i32::from_be_bytes(bytes.try_into().expect("4 bytes")))
}

/// The last of `count` entries that is `before` what is wanted. A missing index has none.
fn floor<D: Disk, const N: usize>(
    disk: &D,
    read: &SegmentRead,
    what: &str,
    count: usize,
    before: impl Fn(&[u8; N]) -> bool,
) -> Result<Option<[u8; N]>, DiskError> {
    if count == 0 {
        return Ok(None);
    }
    let file = super::read::open(disk, read, what);
    if super::is_missing(&file) {
        return Ok(None);
    }
    let (_, file) = file?;
    let (mut low, mut high, mut found) = (0, count, None);
    while low < high {
        let middle = low + (high - low) / 2;
        let mut entry = [0; N];
        let whole = file.read_at((middle * N) as u64, &mut entry)? == N;
        if whole && before(&entry) {
            (low, found) = (middle + 1, Some(entry));
        } else {
            high = middle;
        }
    }
    Ok(found)
}
