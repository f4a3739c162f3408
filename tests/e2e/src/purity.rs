//! What a crate would ask of its host if every function of it were used: links it for `wasm32-wasip2` and reads the imports.
//!
//! Owns: a probe crate below the target folder. Invariant: every function that the crate exports to other crates, and so all that
//! these call, is a root of the link; nothing is dropped as unused.

use crate::folder::{repo_dir, target_dir};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-wasip2";

/// The interfaces, such as `wasi:clocks/wall-clock`, that the crate of this name in this folder imports with all its functions.
///
/// # Errors
/// When it does not build for WebAssembly, or has no function.
pub fn imports_of_crate(name: &str, folder: &str) -> Result<BTreeSet<String>> {
    let dependency = format!("{name} = {{ path = {:?} }}", repo_dir().join(folder));
    let rust_name = name.replace('-', "_");
    let probe = Probe::new(name, &dependency, &format!("extern crate {rust_name} as _;"))?;
    probe.cargo(&["build"], &[])?;
    let roots = exported_functions(&probe.newest(&format!("lib{rust_name}-"), ".rlib")?)?;
    ensure!(!roots.is_empty(), "{name} has no function to link");
    let file = probe.dir.join("roots.txt");
    fs::write(&file, roots.iter().map(|symbol| format!("--export={symbol}\n")).collect::<String>())?;
    probe.cargo(&["rustc"], &["-C".into(), format!("link-arg=@{}", file.display())])?;
    probe.imports()
}

/// The interfaces that a library with this source imports.
///
/// # Errors
/// When it does not build.
pub fn imports_of_source(name: &str, source: &str) -> Result<BTreeSet<String>> {
    let probe = Probe::new(name, "", source)?;
    probe.cargo(&["build"], &[])?;
    probe.imports()
}

struct Probe {
    dir: PathBuf,
    name: String,
}

impl Probe {
    fn new(name: &str, dependency: &str, source: &str) -> Result<Probe> {
        let dir = target_dir().join("purity").join(name);
        fs::create_dir_all(dir.join("src"))?;
        let name = format!("probe-{name}");
        let manifest = [
            "[workspace]\n[package]",
            &format!("name = {name:?}\nversion = \"0.1.0\"\nedition = \"2024\""),
            "[lib]\ncrate-type = [\"cdylib\"]\n[dependencies]",
            dependency,
            "[profile.release]\npanic = \"abort\"\ndebug = false\n",
        ];
        fs::write(dir.join("Cargo.toml"), manifest.join("\n"))?;
        fs::write(dir.join("src/lib.rs"), source)?;
        fs::copy(repo_dir().join("Cargo.lock"), dir.join("Cargo.lock"))?;
        Ok(Probe { dir, name })
    }

    fn cargo(&self, command: &[&str], after: &[String]) -> Result<()> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(command).args(["--release", "--quiet", "--target", TARGET]).current_dir(&self.dir);
        cargo.env("CARGO_TARGET_DIR", self.target()).env_remove("RUSTFLAGS");
        if !after.is_empty() {
            cargo.arg("--").args(after);
        }
        let output = cargo.output().context("cannot run cargo")?;
        if !output.status.success() {
            bail!(
                "{cargo:?} failed; is the target there (rustup target add {TARGET})?\n{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }

    fn target(&self) -> PathBuf {
        target_dir().join("purity/target")
    }

    fn newest(&self, start: &str, end: &str) -> Result<PathBuf> {
        let deps = self.target().join(TARGET).join("release/deps");
        let mut found = Vec::new();
        for entry in fs::read_dir(deps)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(start) && name.ends_with(end) {
                found.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        Ok(found.into_iter().max().with_context(|| format!("no {start}*{end}"))?.1)
    }

    fn imports(&self) -> Result<BTreeSet<String>> {
        let file = self.target().join(TARGET).join("release").join(format!("{}.wasm", self.name.replace('-', "_")));
        Ok(interfaces(&fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?))
    }
}

/// The symbols in the index of an archive, which GNU `ar` puts first: a count, that many offsets, that many names.
fn exported_functions(archive: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(archive)?;
    let index = bytes
        .strip_prefix(b"!<arch>\n")
        .filter(|rest| rest.starts_with(b"/ "))
        .context("an archive without an index")?;
    let size: usize = std::str::from_utf8(&index[48..58])?.trim().parse()?;
    let index = index.get(60..60 + size).context("an index that is cut short")?;
    let count = u32::from_be_bytes(index[..4].try_into()?) as usize;
    let names = index.get(4 + 4 * count..).context("an index that is cut short")?;
    let names = names.split(|&byte| byte == 0).take(count).map(|name| String::from_utf8_lossy(name).into_owned());
    Ok(names.filter(|name| name.starts_with("_ZN") || name.starts_with("_R")).collect())
}

/// Every `wasi:package/interface` that a component names.
fn interfaces(component: &[u8]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut rest = component;
    while let Some(at) = rest.windows(5).position(|window| window == b"wasi:") {
        rest = &rest[at..];
        let end =
            rest.iter().position(|byte| !(byte.is_ascii_lowercase() || b":/-".contains(byte))).unwrap_or(rest.len());
        let name = String::from_utf8_lossy(&rest[..end]).into_owned();
        if name.contains('/') {
            found.insert(name);
        }
        rest = &rest[end..];
    }
    found
}
