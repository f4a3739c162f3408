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

/// What every data folder has, from its first start on.
const OURS: &str = "meta.properties";

/// What may be in a folder that is new all the same.
const NOT_COUNTED: [&str; 3] = [NAME, "lost+found", "meta.properties.tmp"];

/// Something in a folder that is not ours, in which not even a lock is made. What recovery thinks of the rest it says itself.
fn foreign(root: &Path) -> anyhow::Result<Option<String>> {
    if root.join(OURS).exists() {
        return Ok(None);
    }
    let entries = fs::read_dir(root).with_context(|| format!("the data folder {} cannot be read", root.display()))?;
    let mut names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    Ok(names.find(|name| !NOT_COUNTED.contains(&name.as_str())))
}

/// Makes the folder if need be and locks it; the lock is held as long as the file is open.
pub fn lock(root: &Path) -> anyhow::Result<File> {
    fs::create_dir_all(root).with_context(|| {
        format!("the data folder {} cannot be made: name another in log.dirs, or make it writable", root.display())
    })?;
    if let Some(name) = foreign(root)? {
        bail!(
            "the data folder {} is not connectd's: it has {name} in it, but no {OURS}; name an empty or new folder in log.dirs",
            root.display()
        );
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_ours_is_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("holiday.jpg"), "x").unwrap();
        let error = lock(dir.path()).unwrap_err().to_string();
        assert!(error.contains("holiday.jpg") && error.contains("log.dirs"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        fs::write(dir.path().join(OURS), "").unwrap();
        assert!(lock(dir.path()).is_ok());
    }
}
