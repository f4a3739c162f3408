//! One command of a client and what it must print and exit with.
//!
//! Invariant: a command that hangs is killed and fails; nothing waits for ever.

use crate::test::Score;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long any one command may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(90);

/// A command with its expectations.
pub struct Case {
    name: String,
    command: Command,
    stdin: Vec<u8>,
    code: i32,
    patience: Duration,
    checks: Vec<(String, Check)>,
}

type Check = Box<dyn Fn(&str, &str) -> bool>;

impl Case {
    /// A command that must exit with 0.
    pub fn new(name: impl Into<String>, command: Command) -> Case {
        Case { name: name.into(), command, stdin: Vec::new(), code: 0, patience: PATIENCE, checks: Vec::new() }
    }

    /// What it reads on standard input.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Case {
        self.stdin = bytes.into();
        self
    }

    /// It may take this long.
    pub fn within(mut self, patience: Duration) -> Case {
        self.patience = patience;
        self
    }

    /// It must exit with this code instead of 0.
    pub fn exits(mut self, code: i32) -> Case {
        self.code = code;
        self
    }

    /// Its standard output must be exactly this.
    pub fn prints(self, text: impl Into<String>) -> Case {
        let text = text.into();
        self.expect(format!("prints exactly {text:?}"), move |out, _| out == text)
    }

    /// Its standard output must contain this.
    pub fn says(self, text: impl Into<String>) -> Case {
        let text = text.into();
        self.expect(format!("prints {text:?}"), move |out, _| out.contains(&text))
    }

    /// Its standard output must not contain this.
    pub fn never_says(self, text: impl Into<String>) -> Case {
        let text = text.into();
        self.expect(format!("does not print {text:?}"), move |out, _| !out.contains(&text))
    }

    /// Either of its outputs must contain this.
    pub fn complains(self, text: impl Into<String>) -> Case {
        let text = text.into();
        self.expect(format!("prints {text:?} on either output"), move |out, err| {
            out.contains(&text) || err.contains(&text)
        })
    }

    /// Its outputs must satisfy a rule.
    pub fn expect(mut self, rule: impl Into<String>, check: impl Fn(&str, &str) -> bool + 'static) -> Case {
        self.checks.push((rule.into(), Box::new(check)));
        self
    }

    /// Runs it, prints one line, and the reason where it failed.
    pub fn run(mut self) -> Score {
        match self.outcome() {
            Ok(()) => {
                println!("ok     {}", self.name);
                Score::passed(1)
            }
            Err(reason) => {
                println!(
                    "FAILED {}\n       {:?}\n       {}",
                    self.name,
                    self.command,
                    reason.replace('\n', "\n       ")
                );
                Score::failed(1)
            }
        }
    }

    fn outcome(&mut self) -> Result<(), String> {
        let (code, out, err) = run_within(&mut self.command, std::mem::take(&mut self.stdin), self.patience)?;
        let said = || format!("-- it printed:\n{}\n-- and on standard error:\n{}", head(&out), head(&err));
        if code != Some(self.code) {
            return Err(format!("exit code {code:?}, not {}\n{}", self.code, said()));
        }
        match self.checks.iter().find(|(_, check)| !check(&out, &err)) {
            Some((rule, _)) => Err(format!("rule broken: {}\n{}", head(rule), said())),
            None => Ok(()),
        }
    }
}

fn head(text: &str) -> String {
    let mut shown: String = text.chars().take(2_000).collect();
    if shown.len() < text.len() {
        shown.push_str(" ...");
    }
    shown
}

/// Runs a command to its end: exit code, standard output, standard error.
pub fn run(command: &mut Command, stdin: Vec<u8>) -> Result<(Option<i32>, String, String), String> {
    run_within(command, stdin, PATIENCE)
}

fn run_within(
    command: &mut Command,
    stdin: Vec<u8>,
    patience: Duration,
) -> Result<(Option<i32>, String, String), String> {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|e| format!("cannot run it: {e}"))?;
    let mut input = child.stdin.take().expect("it is piped");
    let writer = std::thread::spawn(move || input.write_all(&stdin));
    let out = collect(child.stdout.take().expect("it is piped"));
    let err = collect(child.stderr.take().expect("it is piped"));
    let start = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) => break Some(status),
            None if start.elapsed() > patience => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let _ = writer.join();
    let (out, err) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
    match status {
        Some(status) => Ok((status.code(), out, err)),
        None => Err(format!("it hung for {patience:?} and was killed\n-- it printed:\n{}\n{}", head(&out), head(&err))),
    }
}

fn collect(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
