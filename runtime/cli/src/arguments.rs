//! What the arguments ask for.
//!
//! Owns `connectd <command>` and the names of Kafka's scripts under which the binary may be called. Invariant: Kafka's scripts exit
//! with Kafka's codes (contract 1.1), our own commands with 0 for help and 2 for arguments that cannot be used.

use std::{ffi::OsString, path::PathBuf};

use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};
use runtime_core::config::nearest::nearest;

use crate::{kafka, own::Own, server_start};

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A worker in standalone mode, with the broker in the same process.
    Standalone {
        /// The worker's properties file.
        worker: PathBuf,
        /// The connectors' files, in order.
        connectors: Vec<PathBuf>,
        /// Listen beyond loopback though nothing authenticates clients.
        insecure_listen: bool,
    },
    /// A broker alone.
    Broker {
        /// Its `server.properties`; without one, every setting has its default.
        settings: Option<PathBuf>,
        /// Settings of the command line, which win over those of the file.
        overrides: Vec<(String, String)>,
        /// Listen beyond loopback though nothing authenticates clients.
        insecure_listen: bool,
    },
    /// The same command once more, in the background.
    Daemon {
        /// The arguments of that command, its name in front and without `-daemon`.
        arguments: Vec<OsString>,
        /// What it prints goes to this file, below `LOG_DIR` or `./logs`.
        log: &'static str,
    },
    /// Write scripts that bear the names of Kafka's tools.
    Shims {
        /// The folder.
        folder: PathBuf,
        /// Batch files too.
        windows: bool,
    },
    /// A command of ours that talks to what runs.
    Own(Box<Own>),
    /// A demonstration in a folder that goes away with it.
    Demo,
    /// Nothing was said: a demonstration in an empty folder, else the help.
    Nothing {
        /// The help.
        help: String,
    },
    /// One of Kafka's tools.
    Tool {
        /// Its name, as in [`kafka::find`].
        name: &'static str,
        /// What followed the name.
        arguments: Vec<String>,
    },
}

/// Something to say instead, and how to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The text, with its last newline.
    pub text: String,
    /// An error: it belongs on stderr.
    pub is_error: bool,
    /// The exit code.
    pub code: u8,
}

/// A Kafka-protocol broker and a Connect runtime with sandboxed WebAssembly connectors, in one binary.
#[derive(Parser)]
#[command(name = "connectd", version, disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Subcommand)]
enum Sub {
    /// Run a worker, its connectors and, unless told otherwise, the broker, in this process
    #[command(
        name = "standalone",
        visible_alias = "connect-standalone",
        override_usage = "connectd standalone WORKER.properties [CONNECTOR.properties|CONNECTOR.json ...]",
        after_help = "Kafka's own files work: connectd standalone examples/connect-standalone.properties \
                      examples/connect-file-source.properties examples/connect-file-sink.properties"
    )]
    Standalone(Standalone),
    /// Run a broker alone
    #[command(name = "broker", override_usage = "connectd broker [server.properties]")]
    Broker(Broker),
    /// Write scripts with the names of Kafka's tools, so that a tutorial's bin/kafka-topics.sh is found
    #[command(name = "shims", override_usage = "connectd shims install DIR [--windows]")]
    Shims(Shims),
    /// Run a small pipe in a folder of its own that goes away with it
    #[command(name = "demo")]
    Demo,
    #[command(flatten)]
    Own(Own),
}

#[derive(clap::Args)]
struct Shims {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Write them to a folder, which is made if it is not there
    Install {
        /// The folder, such as bin
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Batch files too, in DIR/windows
        #[arg(long)]
        windows: bool,
    },
}

#[derive(clap::Args)]
struct Standalone {
    /// The worker's file; the broker's settings stand in it with the prefix `broker.`
    #[arg(value_name = "WORKER.properties")]
    worker: PathBuf,
    /// A file per connector: properties or JSON
    #[arg(value_name = "CONNECTOR")]
    connectors: Vec<PathBuf>,
    /// Listen on addresses that other machines reach, though nothing authenticates clients yet
    #[arg(long)]
    insecure_listen: bool,
}

#[derive(clap::Args)]
struct Broker {
    /// Kafka's server.properties; without it a broker on localhost:9092 with its data in ./connectd-data
    #[arg(value_name = "server.properties")]
    settings: Option<PathBuf>,
    /// Listen on addresses that other machines reach, though nothing authenticates clients yet
    #[arg(long)]
    insecure_listen: bool,
}

/// Reads the arguments, the first of which is the name the binary was called by.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Said> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(tool) = tool(&arguments) {
        return Ok(tool);
    }
    if let Some(script) =
        [server_start::NAME, "connect-standalone"].into_iter().find(|name| is_called(&arguments, name))
    {
        let from = if called_as(arguments.first()) == script { 1 } else { 2 };
        arguments.splice(..from, ["connectd".into(), script.into()]);
        if arguments.get(2).is_some_and(|word| word == "-daemon" || word == "--daemon") {
            arguments.remove(2);
            let log = if script == server_start::NAME { "kafkaServer.out" } else { "connectStandalone.out" };
            return Ok(Command::Daemon { arguments: arguments.split_off(1), log });
        }
        if script == server_start::NAME {
            return server_start::parse(&arguments[2..]);
        }
    }
    if arguments.len() < 2 {
        return Ok(Command::Nothing { help: help() });
    }
    let is_standalone = matches!(arguments[1].to_str(), Some("standalone" | "connect-standalone"));
    let meant = nearest_tool(&called_as(arguments.get(1)));
    match Arguments::try_parse_from(arguments) {
        Ok(Arguments { command: Sub::Standalone(Standalone { worker, connectors, insecure_listen }) }) => {
            Ok(Command::Standalone { worker, connectors, insecure_listen })
        }
        Ok(Arguments { command: Sub::Broker(Broker { settings, insecure_listen }) }) => {
            Ok(Command::Broker { settings, overrides: Vec::new(), insecure_listen })
        }
        Ok(Arguments { command: Sub::Shims(Shims { action: Action::Install { folder, windows } }) }) => {
            Ok(Command::Shims { folder, windows })
        }
        Ok(Arguments { command: Sub::Demo }) => Ok(Command::Demo),
        Ok(Arguments { command: Sub::Own(own) }) => Ok(Command::Own(Box::new(own))),
        Err(error) => Err(said(&error, is_standalone, meant.as_deref())),
    }
}

/// Whether the binary was called by this name, or the name is its first argument.
fn is_called(arguments: &[OsString], name: &str) -> bool {
    called_as(arguments.first()) == name || called_as(arguments.get(1)) == name
}

/// One of Kafka's tools: the binary was called by its name, or the name is its first argument.
fn tool(arguments: &[OsString]) -> Option<Command> {
    let (tool, from) = match kafka::find(&called_as(arguments.first())) {
        Some(tool) => (tool, 1),
        None => (kafka::find(&called_as(arguments.get(1)))?, 2),
    };
    let text = |argument: &OsString| argument.to_string_lossy().into_owned();
    Some(Command::Tool { name: tool.name, arguments: arguments[from..].iter().map(text).collect() })
}

/// The name in an `argv[0]`, without folders and the endings of scripts.
fn called_as(argument: Option<&OsString>) -> String {
    let name =
        argument.and_then(|path| PathBuf::from(path).file_name().map(|name| name.to_string_lossy().into_owned()));
    let name = name.unwrap_or_default();
    [".sh", ".bat", ".exe"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name).to_owned()
}

fn help() -> String {
    Arguments::command().render_help().to_string()
}

/// For a slip such as `kafka-topic.sh`: the name that was meant.
fn nearest_tool(name: &str) -> Option<String> {
    let names = kafka::TOOLS.iter().map(|tool| tool.name).chain([server_start::NAME, "connect-standalone"]);
    nearest(name, names).filter(|_| name.contains('-')).map(|meant| format!("\nDid you mean {meant}?\n"))
}

fn said(error: &clap::Error, is_standalone: bool, meant: Option<&str>) -> Said {
    let is_error = !matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    // Kafka's script ends with 1 whatever it was that it printed its usage for.
    let code = if is_standalone { 1 } else { u8::from(is_error) * 2 };
    Said { text: error.render().to_string() + meant.filter(|_| is_error).unwrap_or_default(), is_error, code }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, Said> {
        parse(line.split(' ').map(OsString::from))
    }

    fn standalone(worker: &str, connectors: &[&str], insecure_listen: bool) -> Command {
        let connectors = connectors.iter().map(PathBuf::from).collect();
        Command::Standalone { worker: worker.into(), connectors, insecure_listen }
    }

    #[test]
    fn commands() {
        let check = |line: &str, expected: Command| assert_eq!(parsed(line), Ok(expected), "{line}");
        check("connectd standalone w.properties", standalone("w.properties", &[], false));
        check("/usr/bin/connectd standalone w a b.json", standalone("w", &["a", "b.json"], false));
        check("connectd connect-standalone w a", standalone("w", &["a"], false));
        check("connect-standalone w a", standalone("w", &["a"], false));
        check("bin/connect-standalone.sh w a", standalone("w", &["a"], false));
        check("connectd standalone --insecure-listen w", standalone("w", &[], true));
        check("connectd broker", Command::Broker { settings: None, overrides: vec![], insecure_listen: false });
        let elsewhere = Command::Tool { name: "kafka-acls", arguments: vec!["--list".into()] };
        check("connectd kafka-acls.sh --list", elsewhere);
        check("connectd shims install bin", Command::Shims { folder: "bin".into(), windows: false });
        check("connectd shims install bin --windows", Command::Shims { folder: "bin".into(), windows: true });
        let daemon = |arguments: &[&str], log: &'static str| Command::Daemon {
            arguments: arguments.iter().map(OsString::from).collect(),
            log,
        };
        check("kafka-server-start.sh -daemon s", daemon(&["kafka-server-start", "s"], "kafkaServer.out"));
        check(
            "connectd connect-standalone -daemon w a",
            daemon(&["connect-standalone", "w", "a"], "connectStandalone.out"),
        );
        let topics = || Command::Tool { name: "kafka-topics", arguments: vec!["--list".into()] };
        check("connectd kafka-topics --list", topics());
        check("connectd kafka-topics.sh --list", topics());
        check("/opt/bin/kafka-topics --list", topics());
        check("bin/windows/kafka-topics.bat --list", topics());
        check(
            "connectd broker s",
            Command::Broker { settings: Some("s".into()), overrides: vec![], insecure_listen: false },
        );
    }

    #[test]
    fn words_instead() {
        let check = |line: &str, code: u8, is_error: bool, says: &str| {
            let said = parsed(line).unwrap_err();
            assert_eq!((said.code, said.is_error), (code, is_error), "{line}: {}", said.text);
            assert!(said.text.contains(says) && said.text.ends_with('\n'), "{line}: {}", said.text);
        };
        check("connectd --help", 0, false, "broker");
        check("connectd --version", 0, false, env!("CARGO_PKG_VERSION"));
        check("connectd broker --help", 0, false, "server.properties");
        check("connectd standalon w", 2, true, "standalone");
        check("connectd broker a b", 2, true, "'b'");
        check("connectd kafka-topic.sh --list", 2, true, "Did you mean kafka-topics?");
        check("connectd shims", 2, true, "install");
        check("kafka-server-start", 1, true, "USAGE: ");
        check("connectd standalone", 1, true, "connectd standalone WORKER.properties");
        check("connectd standalone --help", 1, false, "connect-file-source.properties");
        check("connectd standalone w --help", 1, false, "CONNECTOR");
        check("connect-standalone.sh", 1, true, "WORKER.properties");
    }

    #[test]
    fn claps_own_checks_hold() {
        Arguments::command().debug_assert();
    }
}
