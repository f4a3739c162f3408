//! Kafka Connect's own classes as the oracle: what is here runs them beside ours, and compares.
//!
//! Owns starting the oracle (`tests/clients/java/ConnectOracle.java`, with the jars that `cargo xtask kafka fetch` brings). Invariant:
//! where there is no Java or no jar, a test says so and passes.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Asks the oracle: one JSON text per case, one answer each. `None`, after saying why, where it cannot run.
///
/// # Panics
/// If it was started and did not answer every case.
pub fn ask(cases: &[String]) -> Option<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let jars = target.join("kafka/libs");
    if !jars.is_dir() {
        println!("skipped: needs Kafka's jars (cargo xtask kafka fetch)");
        return None;
    }
    let source = root.join("tests/clients/java/ConnectOracle.java");
    let mut java = Command::new("java");
    java.args(["-Xmx512M", "-Duser.timezone=UTC", "-Duser.language=en", "-Duser.country=US", "-cp"])
        .arg(jars.join("*"));
    let child = java.arg(source).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = child else {
        println!("skipped: needs Java");
        return None;
    };
    let mut stdin = child.stdin.take().expect("piped");
    let lines = cases.join("\n") + "\n";
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("the oracle's answers");
    let answers: Vec<String> = String::from_utf8(output.stdout).expect("UTF-8").lines().map(Into::into).collect();
    assert_eq!(answers.len(), cases.len(), "an answer to every case (a JRE without a compiler cannot run the oracle)");
    writer.join().expect("no panic").expect("the oracle reads every case");
    Some(answers)
}

/// Numbers that look random, the same each time: what the generated cases are made of.
pub struct Dice(u64);

impl Dice {
    /// A sequence of its own for each seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    /// One of these.
    pub fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}
