//! One folder per test, below the target folder: kept when the test fails, removed when it passes.
//!
//! Owns: where built things and scratch folders are. Invariant: two tests never share a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The folder of the running build profile, `target/release` as a rule: the running program lies in it or in its `deps`.
pub fn profile_dir() -> PathBuf {
    let program = std::env::current_exe().expect("a running program has a path");
    let dir = program.parent().expect("a program lies in a folder");
    match dir.file_name() {
        Some(name) if name == "deps" => dir.parent().expect("deps lies in a profile folder").to_path_buf(),
        _ => dir.to_path_buf(),
    }
}

/// The target folder: `CARGO_TARGET_DIR`, or `target` in the repository.
pub fn target_dir() -> PathBuf {
    profile_dir().parent().expect("a profile folder lies in a target folder").to_path_buf()
}

/// The repository's root.
pub fn repo_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("tests/e2e lies two levels down").to_path_buf()
}

/// Where the program under test is, there or not: the path in `CONNECTD_BIN`, or `connectd` in the folder of the running build profile.
pub fn binary_path() -> PathBuf {
    std::env::var_os("CONNECTD_BIN").map_or_else(|| profile_dir().join("connectd"), PathBuf::from)
}

/// The program under test.
///
/// # Panics
/// When there is no such file: the message says how to build it.
pub fn binary() -> PathBuf {
    let path = binary_path();
    let hint = "build it with `cargo build --release -p connectd`, or name another in CONNECTD_BIN";
    assert!(path.is_file(), "{} is not there: {hint}", path.display());
    path
}

/// A scratch folder that is removed when dropped, unless the thread is panicking.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// A new, empty folder whose name begins with `name`.
    pub fn new(name: &str) -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = target_dir().join("e2e").join(format!("{name}-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap_or_else(|e| panic!("cannot make {}: {e}", path.display()));
        Folder { path }
    }

    /// Where it is; absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of `name` inside it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file inside it and returns its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, content).unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
        path
    }

    /// Appends to a file inside it, as `>>` in a shell does.
    pub fn append(&self, name: &str, content: impl AsRef<[u8]>) {
        use std::io::Write;
        let path = self.join(name);
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .unwrap_or_else(|e| panic!("cannot open {}: {e}", path.display()));
        file.write_all(content.as_ref()).unwrap_or_else(|e| panic!("cannot append to {}: {e}", path.display()));
    }

    /// What a file inside it holds; empty when there is none yet.
    pub fn read(&self, name: &str) -> String {
        match fs::read(self.join(name)) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => panic!("cannot read {name}: {e}"),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept for a look: {}", self.path.display());
        } else {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
