//! The tables of `tests/e2e/tests/rest.rs` and `wire.rs`, held against a worker that runs already: Kafka's own, as a rule.

use super::target::Target;
use crate::repo;
use crate::test::{Score, counted};
use anyhow::Result;

/// The tables, one test after another: they share the worker.
pub fn cases(target: &Target) -> Result<Score> {
    let mut test = repo::cargo(&[
        "test",
        "--release",
        "--quiet",
        "-p",
        "e2e",
        "--test",
        "rest",
        "--test",
        "wire",
        "--",
        "--test-threads=1",
    ]);
    test.env("E2E_REST_PORT", target.rest_port.to_string()).env("E2E_KAFKA_PORT", target.kafka_port.to_string());
    counted(test)
}
