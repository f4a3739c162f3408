//! An open file: the store's calls as system calls.
//!
//! Owns interrupted and partial reads and writes. Leaves to [`super::large`] what goes past the page cache.
//! Invariant: a call returns `Ok` only when all of it is done.

use std::{
    fs::File,
    io::{self, ErrorKind as IoKind},
    os::unix::fs::FileExt,
};

use broker_store::disk::{DiskError, DiskFile};

use super::{
    failed,
    large::{self, Large},
};

/// Pieces of one gathering write; Linux takes no more (`IOV_MAX`).
const PIECES_AT_ONCE: usize = 1024;

/// An open file of the data folder.
pub(crate) struct RealFile {
    file: File,
    path: String,
    sync_each: bool,
    large: Option<Large>,
}

impl RealFile {
    /// A file that calls itself `path` in errors. `sync_each`: durable writes need a sync of their own. `large_direct`: large reads
    /// and writes go past the page cache.
    pub fn new(file: File, path: &str, sync_each: bool, large_direct: bool) -> Self {
        Self { file, path: path.into(), sync_each, large: large_direct.then(Large::default) }
    }
}

/// Writes the pieces one after the other.
pub(super) fn write_all(file: &File, mut offset: u64, pieces: &[&[u8]]) -> io::Result<()> {
    let mut slices: Vec<io::IoSlice<'_>> =
        pieces.iter().filter(|piece| !piece.is_empty()).map(|piece| io::IoSlice::new(piece)).collect();
    let mut rest = slices.as_mut_slice();
    while !rest.is_empty() {
        let at_once = rest.len().min(PIECES_AT_ONCE);
        let written = match rustix::io::pwritev(file, &rest[..at_once], offset) {
            Ok(0) => return Err(IoKind::WriteZero.into()),
            Ok(written) => written,
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        offset += written as u64;
        io::IoSlice::advance_slices(&mut rest, written);
    }
    Ok(())
}

impl DiskFile for RealFile {
    fn read_at(&self, offset: u64, to: &mut [u8]) -> Result<usize, DiskError> {
        let file = self.large.as_ref().and_then(|large| large.reads(&self.file, offset, to)).unwrap_or(&self.file);
        let mut read = 0;
        while read < to.len() {
            match file.read_at(&mut to[read..], offset + read as u64) {
                Ok(0) => break,
                Ok(some) => read += some,
                Err(error) if error.kind() == IoKind::Interrupted => {}
                Err(error) => return Err(failed("read", &self.path, &error)),
            }
        }
        Ok(read)
    }

    fn write_at(&self, offset: u64, pieces: &[&[u8]]) -> Result<(), DiskError> {
        match self.large.as_ref().and_then(|large| large.writes(&self.file, pieces)) {
            Some(direct) => large::write(&self.file, direct, offset, pieces),
            None => write_all(&self.file, offset, pieces),
        }
        .map_err(|error| failed("write", &self.path, &error))
    }

    fn write_durable(&self, offset: u64, pieces: &[&[u8]]) -> Result<(), DiskError> {
        write_all(&self.file, offset, pieces)
            .and_then(|()| if self.sync_each { self.file.sync_data() } else { Ok(()) })
            .map_err(|error| failed("write", &self.path, &error))
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.file.sync_all().map_err(|error| failed("sync", &self.path, &error))
    }

    fn truncate(&self, len: u64) -> Result<(), DiskError> {
        self.file.set_len(len).map_err(|error| failed("cut", &self.path, &error))
    }

    fn len(&self) -> Result<u64, DiskError> {
        self.file.metadata().map(|meta| meta.len()).map_err(|error| failed("look at", &self.path, &error))
    }
}
