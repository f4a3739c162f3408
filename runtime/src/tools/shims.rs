//! `connectd shims install`: writes the scripts and makes them executable.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use runtime_cli::shims;

use crate::failure::{Failure, RUNNING};

/// Writes them to `folder`; says where, and what to type next. Gives the exit code.
///
/// # Errors
/// A file or folder cannot be written.
pub fn install(folder: &Path, windows: bool) -> Result<u8, Failure> {
    let failed = |path: &Path, error: std::io::Error| Failure::new(RUNNING, format!("{}: {error}", path.display()));
    let program = std::env::current_exe().map_err(|error| failed(folder, error))?;
    let shims = shims::shims(&program.display().to_string(), windows);
    for shim in &shims {
        let path = folder.join(&shim.path);
        let parent = path.parent().expect("it lies in the folder");
        fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
        fs::write(&path, &shim.text).map_err(|error| failed(&path, error))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(|error| failed(&path, error))?;
    }
    println!("Kafka's tools are in {0}: try {0}/kafka-topics.sh --help", folder.display());
    Ok(0)
}
