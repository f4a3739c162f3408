//! One process per data folder.
//!
//! The lock is the kernel's (`flock`), so it ends with the process however that ends; the pid in the file is only there to be told.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, Write},
    path::Path,
};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};

/// Kafka's name for it.
pub const NAME: &str = ".lock";

/// Makes the folder if need be and locks it; the lock is held as long as the file is open.
pub fn lock(root: &Path) -> anyhow::Result<File> {
    fs::create_dir_all(root).with_context(|| {
        format!("the data folder {} cannot be made: name another in log.dirs, or make it writable", root.display())
    })?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(root.join(NAME))
        .with_context(|| {
            format!("the data folder {} cannot be used: name another in log.dirs, or make it writable", root.display())
        })?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut pid = String::new();
        // Whatever is in there is only told.
        let _ = file.read_to_string(&mut pid);
        let pid = pid.trim();
        bail!(
            "the data folder {} is in use by process {}: stop that one, or name another folder in log.dirs",
            root.display(),
            if pid.is_empty() { "unknown" } else { pid }
        );
    }
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())?;
    Ok(file)
}
