//! The scripts that `connectd shims install` writes: a `bin` folder in which a tutorial's paths are found.
//!
//! Owns their names and texts. Leaves writing them, and making them executable, to the binary.
//! Invariant: a script does nothing but call the program with its own name and all its arguments.

use crate::kafka::TOOLS;

/// Names that are commands of ours and no tools.
const COMMANDS: [&str; 2] = ["connect-standalone", "kafka-server-start"];

/// A script: its path below the folder, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shim {
    /// Such as `kafka-topics.sh` or `windows/kafka-topics.bat`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Every script, for a program at this path.
pub fn shims(program: &str, windows: bool) -> Vec<Shim> {
    let names = COMMANDS.into_iter().chain(TOOLS.iter().map(|tool| tool.name));
    names.flat_map(|name| of(name, program, windows)).collect()
}

fn of(name: &str, program: &str, windows: bool) -> Vec<Shim> {
    let quoted = program.replace('\'', "'\\''");
    let shell = format!("#!/bin/sh\n# Kafka's {name}, answered by connectd.\nexec '{quoted}' {name} \"$@\"\n");
    let mut shims =
        vec![Shim { path: format!("{name}.sh"), text: shell.clone() }, Shim { path: name.to_owned(), text: shell }];
    if windows {
        let text = format!("@echo off\r\nrem Kafka's {name}, answered by connectd.\r\n\"{program}\" {name} %*\r\n");
        shims.push(Shim { path: format!("windows/{name}.bat"), text });
    }
    shims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tutorials_paths_are_there() {
        let all = shims("/opt/it's/connectd", true);
        let check = |path: &str, line: &str| {
            let shim = all.iter().find(|shim| shim.path == path).unwrap_or_else(|| panic!("no {path}"));
            assert!(shim.text.lines().any(|found| found == line), "{}", shim.text);
        };
        check("kafka-topics.sh", "exec '/opt/it'\\''s/connectd' kafka-topics \"$@\"");
        check("kafka-topics", "exec '/opt/it'\\''s/connectd' kafka-topics \"$@\"");
        check("connect-standalone.sh", "exec '/opt/it'\\''s/connectd' connect-standalone \"$@\"");
        check("windows/kafka-server-start.bat", "\"/opt/it's/connectd\" kafka-server-start %*");
        assert!(shims("connectd", false).iter().all(|shim| !shim.path.starts_with("windows")));
    }
}
