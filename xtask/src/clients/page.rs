//! The page at `/ui` in the Chromium of this machine; the test is `tests/clients/page`, driven by playwright-core from the npm registry.

use super::node::install;
use super::target::Target;
use crate::repo;
use crate::test::{Score, counted};
use anyhow::Result;
use std::process::Command;

/// Names under which systems have it.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

fn browser() -> Option<&'static str> {
    BROWSERS.into_iter().find(|name| repo::has(name, "--version"))
}

/// What is missing on this machine.
pub fn missing() -> Option<&'static str> {
    if browser().is_none() {
        return Some("chromium (apt-get install chromium)");
    }
    super::node::missing()
}

/// Node's test runner over `tests/clients/page`.
pub fn cases(target: &Target) -> Result<Score> {
    let tests = repo::root().join("tests/clients/page");
    let package = install(&tests, "page")?;
    let path = Command::new("which").arg(browser().unwrap_or_default()).output()?.stdout;
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=tap"]).arg(tests.join("page.test.mjs"));
    node.env("WORKER", format!("http://127.0.0.1:{}", target.rest_port)).env("PACKAGES", package);
    node.env("CHROMIUM", String::from_utf8_lossy(&path).trim()).env("NODE_NO_WARNINGS", "1");
    counted(node)
}
