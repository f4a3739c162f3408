//! confluent-kafka and kafka-python, from PyPI, in a virtual environment of our own; the tests are `tests/clients/python`.

use super::target::{CONNECT_TEST, Target};
use crate::repo;
use crate::test::{Score, counted};
use anyhow::Result;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What is missing on this machine.
pub fn missing() -> Option<&'static str> {
    (!repo::has("python3", "--version")).then_some("python3 with venv (apt-get install python3-venv)")
}

/// pytest over `tests/clients/python`.
pub fn cases(target: &Target) -> Result<Score> {
    let python = environment()?;
    let mut pytest = Command::new(python);
    pytest.args([
        "-m",
        "pytest",
        "-rfE",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "-o",
        "console_output_style=classic",
    ]);
    pytest.arg(repo::root().join("tests/clients/python"));
    pytest.env("BOOTSTRAP", &target.bootstrap).env("CONNECT_TEST", CONNECT_TEST).env("PYTHONDONTWRITEBYTECODE", "1");
    counted(pytest)
}

/// The interpreter of a virtual environment with what `requirements.txt` names.
fn environment() -> Result<PathBuf> {
    let requirements = repo::root().join("tests/clients/python/requirements.txt");
    let home = repo::target_dir().join("python");
    let (python, mark) = (home.join("bin/python"), home.join("installed.txt"));
    let wanted = fs::read_to_string(&requirements)?;
    if fs::read_to_string(&mark).ok().as_deref() != Some(&wanted) {
        println!(
            "installing from PyPI to {}: {}",
            home.display(),
            wanted.split_whitespace().collect::<Vec<_>>().join(" ")
        );
        repo::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
        let mut pip = Command::new(&python);
        repo::run(pip.args(["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r"]).arg(&requirements))?;
        fs::write(&mark, wanted)?;
    }
    Ok(python)
}
