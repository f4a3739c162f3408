//! The real Kafka's programs, for the tests that hold our files against them.
//!
//! Owns where the jars are and how a class of theirs is started. Leaves fetching them to `cargo xtask kafka`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The folder of jars; `None`, and a line that says what is missing, where the test cannot run.
pub fn libs() -> Option<PathBuf> {
    let libs = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder").join("kafka/libs");
    if libs.is_dir() && Command::new("java").arg("-version").output().is_ok() {
        return Some(libs);
    }
    println!("skipped: needs java and {}", libs.display());
    None
}

/// A program of theirs, by its class or by a source file.
pub fn java(libs: &Path, class: &str) -> Command {
    let mut java = Command::new("java");
    java.arg("-Xmx512M").arg("-cp").arg(libs.join("*")).arg(class);
    java
}

/// What a program prints to its two ends, once it has ended well.
pub fn printed(program: &mut Command) -> [String; 2] {
    let output = program.output().expect("java");
    let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{}", printed.concat());
    printed
}
