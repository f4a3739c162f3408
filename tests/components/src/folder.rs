//! A folder of its own for each test.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A temporary folder, removed when it is dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// An empty folder.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("components-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("the temporary folder can be written to");
        Self(path.canonicalize().expect("it was just made"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A path in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file in it.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, bytes).expect("the folder can be written to");
        path
    }

    /// What a file in it holds.
    pub fn read(&self, name: &str) -> String {
        String::from_utf8(std::fs::read(self.file(name)).expect("the file is there")).expect("it is text")
    }

    /// Appends to a file in it.
    pub fn append(&self, name: &str, bytes: impl AsRef<[u8]>) {
        use std::io::Write;
        let mut file = std::fs::OpenOptions::new().append(true).open(self.file(name)).expect("the file is there");
        file.write_all(bytes.as_ref()).expect("the folder can be written to");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A leftover in the temporary folder harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
