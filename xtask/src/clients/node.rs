//! kafkajs, from the npm registry, installed below the target folder; the tests are `tests/clients/node`.

use super::target::{CONNECT_TEST, Target};
use crate::repo;
use crate::test::{Score, counted};
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is missing on this machine.
pub fn missing() -> Option<&'static str> {
    (!repo::has("npm", "--version")).then_some("node 20 with npm (apt-get install nodejs npm)")
}

/// Node's test runner over `tests/clients/node`.
pub fn cases(target: &Target) -> Result<Score> {
    let tests = repo::root().join("tests/clients/node");
    let package = install(&tests, "node")?;
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=tap"]).arg(tests.join("kafkajs.test.mjs"));
    node.env("BOOTSTRAP", &target.bootstrap).env("CONNECT_TEST", CONNECT_TEST).env("PACKAGES", package);
    node.env("KAFKAJS_NO_PARTITIONER_WARNING", "1").env("NODE_NO_WARNINGS", "1");
    counted(node)
}

/// Installs the packages that `tests` names below the target folder, unless they are there: the path of their `package.json`.
///
/// # Errors
/// When npm fails.
pub fn install(tests: &Path, folder: &str) -> Result<PathBuf> {
    let home = repo::target_dir().join(folder);
    let (package, mark) = (home.join("package.json"), home.join("installed.json"));
    let wanted = fs::read_to_string(tests.join("package.json"))?;
    if fs::read_to_string(&mark).ok().as_deref() != Some(&wanted) {
        println!("installing from npm to {}", home.display());
        fs::create_dir_all(&home)?;
        fs::write(&package, &wanted)?;
        repo::run(Command::new("npm").args(["install", "--silent", "--no-audit", "--no-fund"]).current_dir(&home))?;
        fs::write(mark, wanted)?;
    }
    Ok(package)
}
