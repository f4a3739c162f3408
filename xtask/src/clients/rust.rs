//! rskafka, from crates.io, in a workspace of its own below `tests/clients/rust`: what it asks of shared libraries does not reach ours.
//!
//! rdkafka, which our own workspace has, is a client in `tests/e2e/tests/rdkafka.rs`.

use super::target::{CONNECT_TEST, Target};
use crate::repo;
use crate::test::{Score, counted};
use anyhow::Result;

/// Cargo's test runner over `tests/clients/rust`.
pub fn cases(target: &Target) -> Result<Score> {
    let mut cargo = repo::cargo(&["test", "--lib", "--locked"]);
    cargo.current_dir(repo::root().join("tests/clients/rust"));
    cargo.env("CARGO_TARGET_DIR", repo::target_dir().join("rust-clients"));
    cargo.env("BOOTSTRAP", &target.bootstrap).env("CONNECT_TEST", CONNECT_TEST);
    counted(cargo)
}
