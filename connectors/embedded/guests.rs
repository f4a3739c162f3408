//! For build scripts: builds a workspace of components for wasm32-wasip2 and lists the results as a Rust expression.

use std::env;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-wasip2";

/// Builds `packages` of the workspace in `folder`, in a target folder of their own, and writes `components.rs` into OUT_DIR:
/// a slice of `Embedded { name, bytes }`. `watched` are the paths, relative to `folder`, that the results depend on.
pub fn embed(folder: &Path, packages: &[&str], watched: &[&str]) {
    let out = PathBuf::from(variable("OUT_DIR"));
    for path in watched {
        println!("cargo::rerun-if-changed={}", folder.join(path).display());
    }
    check_target();
    let built = build(folder, packages, &out.join("components"));
    let mut source = String::from("&[\n");
    for name in packages {
        let file = built.join(format!("{}.wasm", name.replace('-', "_")));
        writeln!(source, "    Embedded {{ name: {name:?}, bytes: include_bytes!({file:?}) }},")
            .expect("a string has room");
    }
    source.push_str("]\n");
    std::fs::write(out.join("components.rs"), source).expect("OUT_DIR can be written to");
}

/// Builds and returns the folder that holds the results.
fn build(folder: &Path, packages: &[&str], target_dir: &Path) -> PathBuf {
    let mut cargo = Command::new(variable("CARGO"));
    cargo.args(["build", "--release", "--locked", "--target", TARGET, "--manifest-path"]);
    cargo.arg(folder.join("Cargo.toml")).arg("--target-dir").arg(target_dir);
    for name in packages {
        cargo.args(["--package", name]);
    }
    for (name, _) in env::vars_os() {
        if name.to_str().is_none_or(is_meant_for_the_outer_build) {
            cargo.env_remove(name);
        }
    }
    cargo.env("RUSTC", variable("RUSTC"));
    // The search for line ends is several times as fast with it, and every engine has it.
    cargo.env("RUSTFLAGS", "-Ctarget-feature=+simd128");
    let status = cargo.status().unwrap_or_else(|error| panic!("cargo could not be started: {error}"));
    assert!(status.success(), "the components in {} did not build: {status}", folder.display());
    target_dir.join(TARGET).join("release")
}

/// Variables that would break this build, or build everything anew whenever the outer build changes. How cargo reaches its
/// registries stays, and that it shares the outer build's processors.
fn is_meant_for_the_outer_build(name: &str) -> bool {
    let kept = ["CARGO_HOME", "CARGO_MAKEFLAGS", "CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR", "CARGO_SOURCE_"];
    let compiler = ["RUSTFLAGS", "RUSTDOC", "RUSTDOCFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "RUSTC_LINKER"];
    (name.starts_with("CARGO") && !kept.iter().any(|prefix| name.starts_with(prefix)))
        || compiler.contains(&name)
        || ["TARGET", "HOST", "OUT_DIR", "OPT_LEVEL", "PROFILE", "DEBUG", "NUM_JOBS"].contains(&name)
}

/// Ends the build with one sentence if the compiler has no standard library for the target.
fn check_target() {
    let printed = Command::new(variable("RUSTC")).args(["--print", "target-libdir", "--target", TARGET]).output();
    let folder = printed.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let files = folder.and_then(std::fs::read_dir).into_iter().flatten().flatten();
    let mut names = files.map(|file| file.file_name());
    if !names.any(|name| name.to_string_lossy().starts_with("libstd-")) {
        println!(
            "cargo::error=The connectors need the target {TARGET}: run `rustup target add {TARGET}` and build again."
        );
        std::process::exit(0);
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
