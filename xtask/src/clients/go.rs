//! franz-go (kgo, kadm), from Go's module proxy; the tests are `tests/clients/go`, whose `go.sum` pins every module.

use super::target::{CONNECT_TEST, Target};
use crate::repo;
use crate::test::{Score, counted};
use anyhow::Result;
use std::process::Command;

/// What is missing on this machine.
pub fn missing() -> Option<&'static str> {
    (!repo::has("go", "version"))
        .then_some("go 1.21 or newer (https://go.dev/dl); it fetches the version that go.mod names")
}

/// Go's test runner over `tests/clients/go`.
pub fn cases(target: &Target) -> Result<Score> {
    let mut go = Command::new("go");
    go.args(["test", "-count=1", "-v", "-timeout=5m", "./..."]).current_dir(repo::root().join("tests/clients/go"));
    go.env("BOOTSTRAP", &target.bootstrap).env("CONNECT_TEST", CONNECT_TEST);
    counted(go)
}
