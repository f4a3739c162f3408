//! The store's disk over real files: direct and durable journal writes, one lock on the data folder. Open files are [`file`]'s.
//!
//! Owns the mapping of the store's promises to system calls. Leaves what is written where to the store.
//! Invariant: a call returns `Ok` only when what [`broker_store::disk`] promises for it holds. Linux first; where O_DIRECT is missing
//! (tmpfs, other systems) the same writes go through the page cache and are synced after.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind as IoKind},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use broker_store::disk::{Disk, DiskError, ErrorKind, Open};
use rustix::fs::OFlags;

use crate::settings::Flush;

mod file;
mod large;
mod lock;

pub(crate) use file::RealFile;

/// The data folder.
#[derive(Clone)]
pub(crate) struct RealDisk(Arc<Inner>);

struct Inner {
    root: PathBuf,
    flush: Flush,
    /// Large reads and writes go past the page cache.
    large_direct: bool,
    /// Set once a file system has refused O_DIRECT.
    no_direct: AtomicBool,
    _lock: File,
}

impl RealDisk {
    /// Makes the folder if need be and locks it against other processes.
    ///
    /// # Errors
    /// In use by another process (its pid is said), not writable, not a folder.
    pub fn lock(root: &Path, flush: Flush, large_direct: bool) -> anyhow::Result<RealDisk> {
        let lock = lock::lock(root)?;
        let no_direct = AtomicBool::new(false);
        Ok(RealDisk(Arc::new(Inner { root: root.into(), flush, large_direct, no_direct, _lock: lock })))
    }

    /// What this file system does not give us, for the operator to know.
    pub fn lacks(&self) -> Option<String> {
        self.0.no_direct.load(Ordering::Relaxed).then(|| {
            format!(
                "{} does not allow direct writes: the journal goes through the page cache, which costs some speed",
                self.0.root.display()
            )
        })
    }

    fn at(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.0.root.clone() } else { self.0.root.join(path) }
    }

    fn open_journal(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        if !self.0.no_direct.load(Ordering::Relaxed) {
            let durable = if self.0.flush == Flush::Fsync { OFlags::DSYNC } else { OFlags::empty() };
            match options.clone().custom_flags((OFlags::DIRECT | durable).bits() as i32).open(path) {
                Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INVAL.raw_os_error()) => {
                    self.0.no_direct.store(true, Ordering::Relaxed);
                }
                opened => return opened,
            }
        }
        options.open(path)
    }
}

impl Disk for RealDisk {
    type File = RealFile;

    fn create_dir_all(&self, path: &str) -> Result<(), DiskError> {
        fs::create_dir_all(self.at(path)).map_err(|error| failed("create", path, &error))
    }

    fn remove_dir_all(&self, path: &str) -> Result<(), DiskError> {
        match fs::remove_dir_all(self.at(path)) {
            Err(error) if error.kind() != IoKind::NotFound => Err(failed("remove", path, &error)),
            _ => Ok(()),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<String>, DiskError> {
        let entries = fs::read_dir(self.at(path)).map_err(|error| failed("list", path, &error))?;
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(|error| failed("list", path, &error))?.file_name();
            // The lock is this file's business; a name that is not UTF-8 is nobody's of ours.
            names.extend(name.into_string().ok().filter(|name| name != lock::NAME));
        }
        names.sort();
        Ok(names)
    }

    fn exists(&self, path: &str) -> Result<bool, DiskError> {
        self.at(path).try_exists().map_err(|error| failed("look for", path, &error))
    }

    fn open(&self, path: &str, how: Open) -> Result<RealFile, DiskError> {
        let full = self.at(path);
        let opened = match how {
            Open::Read => File::open(&full),
            Open::Append => OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&full),
            Open::Journal => self.open_journal(&full),
        };
        let file = opened.map_err(|error| failed("open", path, &error))?;
        // Without O_DIRECT there is no O_DSYNC either: each durable write is followed by a sync, unless the operator wants none.
        let sync_each = self.0.flush == Flush::Fsync && self.0.no_direct.load(Ordering::Relaxed);
        Ok(RealFile::new(file, path, sync_each, how != Open::Journal && self.0.large_direct))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        fs::rename(self.at(from), self.at(to)).map_err(|error| failed("rename", from, &error))
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        fs::remove_file(self.at(path)).map_err(|error| failed("remove", path, &error))
    }

    fn sync_dir(&self, path: &str) -> Result<(), DiskError> {
        File::open(self.at(path)).and_then(|dir| dir.sync_all()).map_err(|error| failed("sync", path, &error))
    }

    #[cfg(target_os = "linux")]
    fn sync_all(&self) -> Result<(), DiskError> {
        let root = File::open(&self.0.root).map_err(|error| failed("sync", "", &error))?;
        rustix::fs::syncfs(root).map_err(|error| failed("sync", "", &error.into()))
    }

    #[cfg(not(target_os = "linux"))]
    fn sync_all(&self) -> Result<(), DiskError> {
        sync_tree(&self.0.root).map_err(|error| failed("sync", "", &error))
    }
}

/// Where there is no `syncfs`: each file and folder below.
#[cfg(not(target_os = "linux"))]
fn sync_tree(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(dir)?.sync_all()
}

fn failed(op: &'static str, path: &str, error: &io::Error) -> DiskError {
    let kind = match error.kind() {
        IoKind::NotFound => ErrorKind::NotFound,
        IoKind::StorageFull | IoKind::QuotaExceeded | IoKind::FileTooLarge => ErrorKind::Full,
        IoKind::PermissionDenied | IoKind::ReadOnlyFilesystem => ErrorKind::Denied,
        _ if matches!(error.raw_os_error(), Some(23 | 24)) => ErrorKind::TooManyFiles,
        _ => ErrorKind::Io,
    };
    DiskError::new(op, path, kind, &error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use broker_store::disk::{BLOCK, DiskFile};

    fn disk(dir: &tempfile::TempDir) -> RealDisk {
        RealDisk::lock(dir.path(), Flush::Fsync, true).unwrap()
    }

    #[test]
    fn pieces_are_written_one_after_the_other_however_many() {
        let dir = tempfile::tempdir().unwrap();
        let file = disk(&dir).open("a", Open::Append).unwrap();
        let pieces: Vec<Vec<u8>> = (0..3000_u32).map(|i| i.to_le_bytes().to_vec()).collect();
        let slices: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        file.write_at(3, &slices).unwrap();
        let mut back = vec![0; 12_010];
        assert_eq!(file.read_at(0, &mut back).unwrap(), 12_003);
        assert_eq!(back[3..12_003], pieces.concat());
    }

    #[test]
    fn a_journal_block_is_overwritten_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let disk = disk(&dir);
        disk.open("j", Open::Append).unwrap().write_at(0, &[&[0; 4 * BLOCK]]).unwrap();
        let mut aligned = vec![7_u8; 2 * BLOCK];
        let skip = aligned.as_ptr().align_offset(BLOCK);
        let file = disk.open("j", Open::Journal).unwrap();
        file.write_durable(BLOCK as u64, &[&aligned[skip..skip + BLOCK]]).unwrap();
        assert_eq!(file.read_at(BLOCK as u64, &mut aligned[skip..skip + BLOCK]).unwrap(), BLOCK);
        assert_eq!((file.len().unwrap(), aligned[skip]), (4 * BLOCK as u64, 7));
    }

    #[test]
    fn a_second_process_is_told_who_has_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let _first = disk(&dir);
        let error = RealDisk::lock(dir.path(), Flush::Fsync, true).err().expect("it is locked").to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    }
}
