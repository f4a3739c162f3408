//! Compiled code, kept on disk.
//!
//! Owns the folder: one file per component and compiler, named by both digests.
//!
//! ```text
//! | "connectd cwasm 1\n" | SHA-256 of the rest, 32 bytes | what wasmtime serialized |
//! ```
//!
//! Leaves trust to the folder's owner: it is created for its owner only, and one that others may write to is not used, for
//! wasmtime believes what it deserializes. Invariant: a file that is torn or rotten is compiled anew, never run.

use crate::compiler::Compiler;
use sha2::{Digest, Sha256};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

const MAGIC: &[u8] = b"connectd cwasm 1\n";
const HEADER: usize = MAGIC.len() + 32;

/// The component's compiled form: from the cache if it is there and sound, compiled (and kept) otherwise. Takes up to
/// seconds of CPU: not for a thread that serves others. Compiled by `compiler`, or, without one, right here.
pub(crate) fn compiled(
    engine: &Engine,
    dir: Option<&Path>,
    compiler: Option<&Compiler>,
    bytes: &[u8],
) -> wasmtime::Result<Component> {
    let Some(dir) = dir.filter(|dir| usable(dir)) else { return compile(engine, compiler, bytes) };
    let path = dir.join(file_name(engine, bytes));
    if let Some(component) = read(engine, &path) {
        return Ok(component);
    }
    let component = compile(engine, compiler, bytes)?;
    if let Err(error) = component.serialize().and_then(|code| Ok(write(&path, &code)?)) {
        tracing::warn!("Compiled code is not kept in {}: {error}", path.display());
    }
    Ok(component)
}

fn compile(engine: &Engine, compiler: Option<&Compiler>, bytes: &[u8]) -> wasmtime::Result<Component> {
    let Some(compiler) = compiler else { return Component::from_binary(engine, bytes) };
    let code = compiler.compile(bytes).map_err(wasmtime::Error::msg)?;
    // SAFETY: it was written by the same compiler as ours, in a process that nothing but its pipes connects with the component.
    unsafe { Component::deserialize(engine, code) }
}

fn file_name(engine: &Engine, bytes: &[u8]) -> PathBuf {
    let mut compiler = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut compiler);
    let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{digest}-{:016x}.cwasm", compiler.finish()).into()
}

/// Creates the folder if need be; false if somebody else could write to it.
fn usable(dir: &Path) -> bool {
    let refused = |why: String| {
        tracing::warn!("Compiled code is not kept: {why}");
        false
    };
    if let Err(error) = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir) {
        return refused(format!("{} cannot be created: {error}", dir.display()));
    }
    match fs::metadata(dir) {
        Ok(found) if found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o022 == 0 => true,
        Ok(_) => refused(format!("others may write to {}; make it yours alone (chmod 700)", dir.display())),
        Err(error) => refused(format!("{} cannot be read: {error}", dir.display())),
    }
}

fn read(engine: &Engine, path: &Path) -> Option<Component> {
    let file = fs::read(path).ok()?;
    let code = sound(&file).or_else(|| {
        tracing::warn!("{} is damaged and is made anew.", path.display());
        None
    })?;
    // SAFETY: the checksum says that these are the bytes that wasmtime wrote, and the folder is the owner's alone.
    let component = unsafe { Component::deserialize(engine, code) };
    component.inspect_err(|error| tracing::warn!("{} is not used: {error}", path.display())).ok()
}

fn sound(file: &[u8]) -> Option<&[u8]> {
    let code = file.get(HEADER..)?;
    (file.starts_with(MAGIC) && file[MAGIC.len()..HEADER] == Sha256::digest(code)[..]).then_some(code)
}

fn write(path: &Path, code: &[u8]) -> std::io::Result<()> {
    let mut temporary = path.to_owned();
    temporary.set_extension(format!("{}.tmp", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    let written = file
        .write_all(MAGIC)
        .and_then(|()| file.write_all(&Sha256::digest(code)))
        .and_then(|()| file.write_all(code))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The error that counts is the one before.
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_sound_or_not() {
        let mut file = MAGIC.to_vec();
        file.extend_from_slice(&Sha256::digest(b"code"));
        file.extend_from_slice(b"code");
        assert_eq!(sound(&file), Some(&b"code"[..]));
        for cut in 0..file.len() {
            assert_eq!(sound(&file[..cut]), None, "cut at {cut}");
        }
        for flipped in 0..file.len() {
            let mut file = file.clone();
            file[flipped] ^= 1;
            assert_eq!(sound(&file), None, "flipped at {flipped}");
        }
    }
}
