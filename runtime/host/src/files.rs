//! Regular files on behalf of guests.
//!
//! Owns opening within a grant (openat2 where the system has it), reading, appending whole batches, cutting. Leaves who may
//! open what to [`crate::env`], and the guest's view to `imports::files`. Invariant: only regular files are opened, never
//! outside a grant's root, and a failed append leaves nothing behind.

use crate::env::FileGrant;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::{Errno, ReadWriteFlags};
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, IoSliceMut};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The most that one read gives.
pub(crate) const MAX_READ: usize = 4 << 20;

/// How long a new appender waits for the one before it to let go of the file: 2 s.
const LOCK_TRIES: usize = 100;
const LOCK_WAIT: Duration = Duration::from_millis(20);

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

/// Which file, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) identity: Identity,
    pub(crate) size: u64,
}

impl Found {
    fn of(metadata: &Metadata) -> Self {
        Self { identity: Identity { device: metadata.dev(), inode: metadata.ino() }, size: metadata.len() }
    }
}

/// What the grant's path names now; `None` if nothing.
pub(crate) fn at_path(grant: &FileGrant) -> io::Result<Option<Identity>> {
    let found = open(grant, &grant.path, look_flags(), Mode::empty()).and_then(|file| file.metadata());
    absent(found.map(|metadata| Found::of(&metadata).identity))
}

/// Reads up to `max` bytes at `offset`; fewer only at the end.
pub(crate) fn read_at(file: &File, offset: u64, max: usize) -> io::Result<Vec<u8>> {
    let left = file.metadata()?.len().saturating_sub(offset);
    let mut data = vec![0; max.min(left as usize)];
    let mut filled = 0;
    while filled < data.len() {
        match file.read_at(&mut data[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    data.truncate(filled);
    Ok(data)
}

/// A file that a guest reads.
pub struct OpenReader {
    file: Arc<File>,
    grant: Arc<FileGrant>,
}

impl OpenReader {
    /// Opens the grant's path; `None` if it is not there.
    pub(crate) fn open(grant: Arc<FileGrant>) -> io::Result<Option<Self>> {
        let file = absent(open(&grant, &grant.path, OFlags::RDONLY, Mode::empty()))?;
        Ok(file.map(|file| Self { file: Arc::new(file), grant }))
    }

    pub(crate) fn stat(&self) -> io::Result<Found> {
        self.file.metadata().map(|metadata| Found::of(&metadata))
    }

    /// The range (up to the end of the file), if all of it is in memory and the system can tell without waiting; `None`: read it
    /// the slow way. A part of it is no answer: a guest that gets nothing new would take that for the end of the file.
    pub(crate) fn read_cached(&self, offset: u64, max: usize) -> Option<Vec<u8>> {
        let left = self.stat().ok()?.size.saturating_sub(offset);
        let mut data = vec![0; max.min(left as usize)];
        let read = preadv_nowait(&self.file, &mut data, offset).ok()?;
        (read == data.len()).then_some(data)
    }

    pub(crate) fn file(&self) -> Arc<File> {
        self.file.clone()
    }

    pub(crate) fn grant(&self) -> Arc<FileGrant> {
        self.grant.clone()
    }

    pub(crate) fn path(&self) -> String {
        self.grant.path.display().to_string()
    }
}

/// A file that a guest appends to; clones share it.
#[derive(Clone)]
pub struct OpenAppender(Arc<Appender>);

struct Appender {
    file: File,
    grant: Arc<FileGrant>,
    /// Its name may not be durable yet.
    named: AtomicBool,
}

impl OpenAppender {
    /// Opens the grant's path, and creates it if it is not there.
    pub(crate) fn open(grant: Arc<FileGrant>) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE;
        let file = open(&grant, &grant.path, flags, Mode::from_raw_mode(0o644))?;
        lock(&file)?;
        Ok(Self(Arc::new(Appender { file, grant, named: AtomicBool::new(false) })))
    }

    pub(crate) fn stat(&self) -> io::Result<Found> {
        self.0.file.metadata().map(|metadata| Found::of(&metadata))
    }

    pub(crate) fn grant(&self) -> Arc<FileGrant> {
        self.0.grant.clone()
    }

    pub(crate) fn path(&self) -> String {
        self.0.grant.path.display().to_string()
    }

    /// Appends all of it and returns the size after it. What a failed append has written is cut off again, unless somebody
    /// else has appended meanwhile.
    pub(crate) fn append(&self, data: &[u8]) -> io::Result<u64> {
        let file = &self.0.file;
        let before = file.metadata()?.len();
        let mut written = 0;
        while written < data.len() {
            match rustix::io::write(file, &data[written..]) {
                Ok(more) => written += more,
                Err(Errno::INTR) => {}
                Err(error) => {
                    if file.metadata()?.len() == before + written as u64 {
                        file.set_len(before)?;
                    }
                    return Err(error.into());
                }
            }
        }
        Ok(file.metadata()?.len())
    }

    /// Cuts the file back to `size` bytes, and keeps what was behind in a new file beside it, whose name it returns.
    pub(crate) fn cut(&self, size: u64) -> io::Result<Option<String>> {
        let file = &self.0.file;
        let end = file.metadata()?.len();
        if end <= size {
            return Ok(None);
        }
        let (aside, name) = self.aside()?;
        let mut at = size;
        while at < end {
            let piece = read_at(file, at, 1 << 20)?;
            if piece.is_empty() {
                break;
            }
            aside.write_all_at(&piece, at - size)?;
            at += piece.len() as u64;
        }
        // First the copy, then the cut: a crash in between leaves the bytes twice, never not at all.
        aside.sync_all()?;
        self.sync_folder()?;
        file.set_len(size)?;
        file.sync_all()?;
        Ok(Some(name))
    }

    /// A new file `<path>.cut-<n>`.
    fn aside(&self) -> io::Result<(File, String)> {
        for n in 1..10_000 {
            let mut name = OsString::from(&self.0.grant.path);
            name.push(format!(".cut-{n}"));
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
            match open(&self.0.grant, Path::new(&name), flags, Mode::from_raw_mode(0o600)) {
                Ok(file) => return Ok((file, PathBuf::from(name).display().to_string())),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(format!("there are too many files {}.cut-*; remove some", self.path())))
    }

    /// Makes durable what was appended, and, the first time, the file's name.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.file.sync_data()?;
        if !self.0.named.load(Ordering::Relaxed) {
            self.sync_folder()?;
            self.0.named.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        match self.0.grant.path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

/// Keeps other appenders out until this file is closed: two that cut it back to what each had committed would take each
/// other's lines, and so would a task whose write hangs and its successor.
fn lock(file: &File) -> io::Result<()> {
    for _ in 0..LOCK_TRIES {
        match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => std::thread::sleep(LOCK_WAIT),
            // A file system without locks: then without.
            _ => return Ok(()),
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "another task is writing to it; give each sink a file of its own"))
}

/// Nothing there is an answer, not an error.
fn absent<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a regular file within a grant. Never waits for the other end of a pipe.
fn open(grant: &FileGrant, path: &Path, flags: OFlags, mode: Mode) -> io::Result<File> {
    let flags = if flags == look_flags() { flags } else { flags | OFlags::NONBLOCK | OFlags::NOCTTY } | OFlags::CLOEXEC;
    let file = match &grant.root {
        None => beneath::anywhere(path, flags, mode),
        Some(root) => {
            let outside = || io::Error::new(io::ErrorKind::CrossesDevices, outside_text(root));
            beneath::beneath(root, path.strip_prefix(root).map_err(|_| outside())?, flags, mode)
                .map_err(|error| if error == Errno::XDEV { outside() } else { error.into() })
        }
    }?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        return Ok(file);
    }
    let what = if kind.is_dir() { "it is a folder" } else { "it is not a regular file" };
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

fn outside_text(root: &Path) -> String {
    format!("it leads out of {}, to which this connector is confined", root.display())
}

#[cfg(target_os = "linux")]
fn look_flags() -> OFlags {
    OFlags::PATH
}

#[cfg(not(target_os = "linux"))]
fn look_flags() -> OFlags {
    OFlags::RDONLY | OFlags::NONBLOCK
}

#[cfg(target_os = "linux")]
fn preadv_nowait(file: &File, data: &mut [u8], offset: u64) -> rustix::io::Result<usize> {
    rustix::io::preadv2(file, &mut [IoSliceMut::new(data)], offset, ReadWriteFlags::NOWAIT)
}

#[cfg(not(target_os = "linux"))]
fn preadv_nowait(_file: &File, _data: &mut [u8], _offset: u64) -> rustix::io::Result<usize> {
    Err(Errno::AGAIN)
}

#[cfg(target_os = "linux")]
mod beneath {
    use super::{Errno, File, Mode, OFlags, Path, io};
    use rustix::fs::{CWD, ResolveFlags};

    /// A path that the operator named: links are followed, but not those of /proc.
    pub(super) fn anywhere(path: &Path, flags: OFlags, mode: Mode) -> io::Result<File> {
        match rustix::fs::openat2(CWD, path, flags, mode, ResolveFlags::NO_MAGICLINKS) {
            Ok(file) => Ok(file.into()),
            Err(Errno::NOSYS) => Ok(rustix::fs::open(path, flags, mode)?.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// A path that must stay in `root`, whoever swaps links meanwhile.
    pub(super) fn beneath(root: &Path, path: &Path, flags: OFlags, mode: Mode) -> rustix::io::Result<File> {
        let root = rustix::fs::open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let within = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        // AGAIN: something was renamed on the way; the kernel asks for another try.
        for _ in 0..16 {
            match rustix::fs::openat2(&root, path, flags, mode, within) {
                Err(Errno::AGAIN) => {}
                opened => return opened.map(File::from),
            }
        }
        Err(Errno::AGAIN)
    }
}

#[cfg(not(target_os = "linux"))]
mod beneath {
    use super::{Errno, File, Mode, OFlags, Path, io};

    pub(super) fn anywhere(path: &Path, flags: OFlags, mode: Mode) -> io::Result<File> {
        Ok(rustix::fs::open(path, flags, mode)?.into())
    }

    /// Without openat2: resolve, compare, open without following a last link. A swap in between can win.
    pub(super) fn beneath(root: &Path, path: &Path, flags: OFlags, mode: Mode) -> rustix::io::Result<File> {
        let errno = |error: io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
        let path = root.join(path);
        let folder = path.parent().unwrap_or(root).canonicalize().map_err(errno)?;
        if !folder.starts_with(root.canonicalize().map_err(errno)?) {
            return Err(Errno::XDEV);
        }
        let name = path.file_name().ok_or(Errno::XDEV)?;
        Ok(rustix::fs::open(folder.join(name), flags | OFlags::NOFOLLOW, mode)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::FileMode;

    #[test]
    fn what_is_only_partly_in_memory_is_read_the_slow_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, vec![7; 4 << 20]).unwrap();
        let grant = FileGrant { key: "file".into(), path: path.clone(), mode: FileMode::Read, root: None };
        let reader = OpenReader::open(Arc::new(grant)).unwrap().unwrap();
        let file = File::open(&path).unwrap();
        file.sync_all().unwrap();
        // Where the system does not let go of the pages, the answer is the whole range.
        let _ = rustix::fs::fadvise(&file, 8192, None, rustix::fs::Advice::DontNeed);
        for (offset, max) in [(0, 4096), (4000, 4096 * 3), (0, 4 << 20), (8192, 64), ((4 << 20) - 10, 4096)] {
            let whole = max.min((4 << 20) - offset);
            let cached = reader.read_cached(offset as u64, max);
            assert!(cached.is_none_or(|bytes| bytes.len() == whole), "{offset} {max}");
        }
        assert_eq!(reader.read_cached(4 << 20, 4096), Some(Vec::new()));
    }
}
