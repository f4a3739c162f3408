//! The disk as the store sees it: few calls, and at each what survives a loss of power.
//!
//! Owns the words. `broker` says them to real files, the simulator to files that tear, forget and reorder. Paths are relative to
//! the data folder, with `/` between names; the folder itself is `""`.
//!
//! Invariant: the store relies on nothing that is not promised here. In particular, bytes written and not synced, and names
//! created, renamed or removed and not synced, may after a crash be there, not be there, or (bytes) be there in part: each 512-byte
//! sector is old or new, and the file's length is anything in between. A process that is killed loses nothing that it was told is
//! written.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// What a journal file is written and read in: offsets, lengths and memory are multiples of this many bytes.
pub const BLOCK: usize = 4096;

/// A data folder on some disk.
pub trait Disk: Clone + Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;

    /// Makes a folder and those above it; fine if it exists. Durable after [`Disk::sync_dir`] of the folder above.
    fn create_dir_all(&self, path: &str) -> Result<(), DiskError>;

    /// Removes a folder and all in it; fine if it does not exist. Durable after [`Disk::sync_dir`] of the folder above; until then
    /// any part of it may be there after a crash.
    fn remove_dir_all(&self, path: &str) -> Result<(), DiskError>;

    /// The names in a folder, files and folders alike, sorted; `NotFound` if there is no such folder.
    fn list(&self, path: &str) -> Result<Vec<String>, DiskError>;

    /// Whether a file or folder has this name.
    fn exists(&self, path: &str) -> Result<bool, DiskError>;

    /// Opens a file, and makes it if `how` says so. A new name is durable after [`Disk::sync_dir`] of its folder.
    fn open(&self, path: &str, how: Open) -> Result<Self::File, DiskError>;

    /// Gives a file a new name in the same folder, replacing what had it; after a crash the name stands for the one or the other,
    /// and for the new one for certain after [`Disk::sync_dir`].
    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError>;

    /// Removes a file; `NotFound` if there is none. Durable after [`Disk::sync_dir`].
    fn remove(&self, path: &str) -> Result<(), DiskError>;

    /// Makes the names in a folder durable.
    fn sync_dir(&self, path: &str) -> Result<(), DiskError>;

    /// Makes everything durable that was written, cut, created, renamed or removed below the data folder before the call (`syncfs`).
    fn sync_all(&self) -> Result<(), DiskError>;
}

/// An open file. Calls may come from several threads at once.
pub trait DiskFile: Send + Sync + 'static {
    /// Fills `to` from `offset` on; returns how many bytes there were, fewer than asked for only at the end of the file. Of a file
    /// opened with [`Open::Journal`] only whole blocks are read, into aligned memory; of others, a large read of whole blocks into
    /// aligned memory may go past the system's cache, which is cheaper.
    fn read_at(&self, offset: u64, to: &mut [u8]) -> Result<usize, DiskError>;

    /// Writes all the pieces, one after the other, from `offset` on; the file grows as needed. Readers see them at once; they are
    /// durable after [`DiskFile::sync`] or [`Disk::sync_all`]. On an error any part of them may have been written.
    fn write_at(&self, offset: u64, pieces: &[&[u8]]) -> Result<(), DiskError>;

    /// As [`DiskFile::write_at`], over blocks that exist, in a file opened with [`Open::Journal`]: offset, lengths and memory of
    /// the pieces are multiples of [`BLOCK`]. Durable when it returns `Ok`; not atomic if it does not return.
    fn write_durable(&self, offset: u64, pieces: &[&[u8]]) -> Result<(), DiskError>;

    /// Makes the file's bytes and length durable (its name is another matter). After an error the file's un-synced bytes may be
    /// lost though later calls succeed, so nothing that depended on them may go on (reliability B6).
    fn sync(&self) -> Result<(), DiskError>;

    /// Cuts or extends (with zeros) to this length. Durable after a sync.
    fn truncate(&self, len: u64) -> Result<(), DiskError>;

    /// Length in bytes.
    fn len(&self) -> Result<u64, DiskError>;

    /// True if the file has no bytes.
    fn is_empty(&self) -> Result<bool, DiskError> {
        Ok(self.len()? == 0)
    }
}

/// How a file is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// Read only; `NotFound` if there is none.
    Read,
    /// Read and write, small pieces through the system's cache; made if missing.
    Append,
    /// Read and write in whole blocks past the system's cache where it allows that; made if missing.
    Journal,
}

/// What went wrong, as far as it changes what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// No such file or folder.
    NotFound,
    /// The disk or a quota is full.
    Full,
    /// Not allowed, or a read-only file system.
    Denied,
    /// Too many open files.
    TooManyFiles,
    /// The simulated machine lost power; nothing may be called any more.
    Crashed,
    /// Anything else, above all a failing disk.
    Io,
}

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskError {
    /// What was tried, as a verb: `open`, `sync`.
    pub op: &'static str,
    /// On what.
    pub path: String,
    /// What kind of failure.
    pub kind: ErrorKind,
    /// The system's own words.
    pub message: String,
}

impl DiskError {
    /// A failure of `op` on `path`.
    pub fn new(op: &'static str, path: &str, kind: ErrorKind, message: &str) -> Self {
        Self { op, path: path.to_string(), kind, message: message.to_string() }
    }
}

impl core::fmt::Display for DiskError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "cannot {} {}: {}",
            self.op,
            if self.path.is_empty() { "the data folder" } else { &self.path },
            self.message
        )
    }
}

impl core::error::Error for DiskError {}
