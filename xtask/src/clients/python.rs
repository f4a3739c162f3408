//! confluent-kafka, aiokafka, kafka-python and kafka-connect-py, from PyPI, in virtual environments of our own; the tests are `tests/clients/python`.
//!
//! Invariant: kafka-python's two versions have one name, so each has an environment; what both can do is one file, run in both.

use super::target::{CONNECT_TEST, Target};
use crate::repo;
use crate::test::{Score, counted};
use anyhow::Result;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// An environment: its folder below the target folder, the file that says what is in it, and which tests are run in it.
const ENVIRONMENTS: [(&str, &str, &[&str]); 2] = [
    ("python", "requirements.txt", &["--ignore=test_kafka_python_2.py"]),
    ("python-2", "requirements-2.txt", &["test_kafka_python.py", "test_kafka_python_2.py"]),
];

/// What is missing on this machine.
pub fn missing() -> Option<&'static str> {
    (!repo::has("python3", "--version")).then_some("python3 with venv (apt-get install python3-venv)")
}

/// pytest in each environment.
pub fn cases(target: &Target) -> Result<Score> {
    let mut score = Score::default();
    for (folder, requirements, tests) in ENVIRONMENTS {
        let mut pytest = Command::new(environment(folder, requirements)?);
        pytest.args(["-m", "pytest", "-rfE", "--no-header", "-p", "no:cacheprovider", "-W", "ignore"]);
        pytest.args(["-o", "console_output_style=classic"]).args(tests);
        pytest.current_dir(repo::root().join("tests/clients/python"));
        pytest
            .env("BOOTSTRAP", &target.bootstrap)
            .env("REST", format!("http://127.0.0.1:{}", target.rest_port))
            .env("CONNECT_TEST", CONNECT_TEST)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        score.add(counted(pytest)?);
    }
    Ok(score)
}

/// The interpreter of a virtual environment with what `requirements` names.
fn environment(folder: &str, requirements: &str) -> Result<PathBuf> {
    let requirements = repo::root().join("tests/clients/python").join(requirements);
    let home = repo::target_dir().join(folder);
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
