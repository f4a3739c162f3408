//! Source offsets in `offset.storage.file.filename`, as Kafka's standalone worker keeps them.
//!
//! Owns when the file is written: soon after a change, once a second or `offset.flush.interval.ms` apart (whichever is less), and at the
//! end. Leaves the bytes to `runtime_core::offset_file`. Invariant: the file is replaced as a whole, by one that is synced.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use broker_core::request::Batch;
use broker_store::batch;
use bytes::Bytes;
use runtime_core::offset_file;
use tokio::{sync::Notify, task::JoinHandle};

/// The file cannot be used; why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(pub String);

/// Between two writes, at most.
const LEAST_INTERVAL: Duration = Duration::from_secs(1);

/// The offsets of this worker's sources.
pub struct Offsets {
    inner: Arc<Inner>,
    writer: JoinHandle<()>,
}

struct Inner {
    path: PathBuf,
    offsets: Mutex<offset_file::Offsets>,
    /// Counts changes; the second is the count that the file has.
    changes: AtomicU64,
    written: Mutex<u64>,
    changed: Notify,
}

impl Offsets {
    /// Reads the file, if there is one.
    pub fn open(path: PathBuf, interval: Duration) -> Result<Self, Unusable> {
        let shown = path.display();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(folder) = folder(&path).filter(|folder| !folder.is_dir()) {
                    return Err(Unusable(format!(
                        "offset.storage.file.filename={shown}: the folder {} is not there. Make it, or name another file.",
                        folder.display()
                    )));
                }
                Vec::new()
            }
            Err(error) => {
                return Err(Unusable(format!("offset.storage.file.filename={shown} cannot be read: {error}")));
            }
        };
        let offsets = offset_file::read(&bytes).map_err(|why| {
            Unusable(format!(
                "offset.storage.file.filename={shown} is not a file of offsets: {why}. Name another file; if this one was damaged, \
                 move it away, and its sources begin anew."
            ))
        })?;
        // A name that points elsewhere stays one.
        let path = fs::canonicalize(&path).unwrap_or(path);
        let inner = Arc::new(Inner {
            path,
            offsets: Mutex::new(offsets),
            changes: AtomicU64::new(0),
            written: Mutex::new(0),
            changed: Notify::new(),
        });
        let writer = tokio::spawn(write_behind(inner.clone(), interval.min(LEAST_INTERVAL)));
        Ok(Self { inner, writer })
    }

    /// Keys and values that are there.
    pub fn table(&self) -> Vec<(Bytes, Bytes)> {
        let offsets = self.inner.offsets.lock().unwrap_or_else(PoisonError::into_inner);
        offsets.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?))).collect()
    }

    /// Takes in records of the table. The error says that they are none.
    pub fn apply(&self, batches: &[(String, i32, Batch)]) -> Result<(), String> {
        if batches.is_empty() {
            return Ok(());
        }
        let mut offsets = self.inner.offsets.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, _, batch) in batches {
            for record in batch::records(&batch.bytes) {
                let record = record.map_err(|bad| bad.to_string())?;
                let bytes = |bytes: Option<&[u8]>| bytes.map(Bytes::copy_from_slice);
                offsets.insert(bytes(record.key).unwrap_or_default(), bytes(record.value));
            }
        }
        drop(offsets);
        self.inner.changes.fetch_add(1, Ordering::Release);
        self.inner.changed.notify_one();
        Ok(())
    }

    /// Writes what is not yet in the file.
    pub async fn close(&self) -> io::Result<()> {
        self.writer.abort();
        let inner = self.inner.clone();
        tokio::task::spawn_blocking(move || inner.write()).await.unwrap_or_else(|ended| Err(io::Error::other(ended)))
    }
}

impl Drop for Offsets {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

async fn write_behind(inner: Arc<Inner>, interval: Duration) {
    loop {
        inner.changed.notified().await;
        let writing = inner.clone();
        match tokio::task::spawn_blocking(move || writing.write()).await {
            Ok(Ok(())) => {}
            // As in Kafka the tasks go on: what is not written comes again after the next start.
            Ok(Err(error)) => {
                tracing::error!("offset.storage.file.filename={} cannot be written: {error}", inner.path.display());
                inner.changed.notify_one();
            }
            Err(_) => return,
        }
        tokio::time::sleep(interval).await;
    }
}

impl Inner {
    fn write(&self) -> io::Result<()> {
        // One at a time; an older state never replaces a newer one.
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = self.changes.load(Ordering::Acquire);
        if changes == *written {
            return Ok(());
        }
        let bytes = offset_file::write(&self.offsets.lock().unwrap_or_else(PoisonError::into_inner));
        replace(&self.path, &bytes)?;
        *written = changes;
        Ok(())
    }
}

fn folder(path: &Path) -> Option<&Path> {
    path.parent().filter(|folder| !folder.as_os_str().is_empty())
}

/// Puts a file with these bytes in the place of `path`.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(folder(path).unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime_core::batches;

    fn change(key: &str, value: Option<&str>) -> Vec<(String, i32, Batch)> {
        let record = (key.as_bytes().to_vec(), value.map(|value| value.as_bytes().to_vec()));
        batches::keyed("connect-offsets", 1, [record].into_iter(), 0)
    }

    #[tokio::test]
    async fn what_is_closed_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("connect.offsets");
        let offsets = Offsets::open(path.clone(), Duration::from_secs(60)).unwrap();
        assert_eq!(offsets.table(), []);
        offsets.apply(&change("a", Some("1"))).unwrap();
        offsets.apply(&change("b", Some("1"))).unwrap();
        offsets.apply(&change("a", Some("2"))).unwrap();
        offsets.apply(&change("b", None)).unwrap();
        offsets.close().await.unwrap();
        let again = Offsets::open(path.clone(), Duration::from_secs(60)).unwrap();
        assert_eq!(again.table(), [(Bytes::from("a"), Bytes::from("2"))]);
        // What was removed is known to be, as in Kafka's file.
        assert_eq!(offset_file::read(&fs::read(&path).unwrap()).unwrap().len(), 2);
    }

    #[tokio::test]
    async fn files_that_cannot_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let open = |path: PathBuf| Offsets::open(path, Duration::from_secs(60)).map(|_| ()).unwrap_err().0;
        let missing = open(folder.path().join("no/connect.offsets"));
        assert!(missing.contains("is not there. Make it"), "{missing}");
        let other = folder.path().join("other");
        fs::write(&other, "{}").unwrap();
        assert!(open(other).contains("is not a file of offsets"));
        fs::write(folder.path().join("empty"), "").unwrap();
        Offsets::open(folder.path().join("empty"), Duration::from_secs(60)).unwrap();
    }
}
