//! A connector's file on the command line of `connectd standalone`.
//!
//! Owns which of Kafka's three forms a file is in (contract 1.4); its extension says nothing. Leaves the settings' meaning to
//! `config`, reading the file to the edge. Invariant: what is returned has a name, and `config` has it too.

use crate::complaint::Complaint;
use crate::config::Submitted;
use crate::properties;
use crate::rest::{CreateConnector, InitialState};
use alloc::{format, string::String};

/// Exit code of the worker when a connector file cannot be used.
pub const EXIT_CODE: u8 = 3;

/// What one connector file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorFile {
    /// The connector's name.
    pub name: String,
    /// Its configuration, with `name`.
    pub config: Submitted,
    /// What to do after creating it.
    pub initial_state: Option<InitialState>,
}

/// That the connector of a file was not `done`, because of what [`parse`] or [`unreadable`] says.
pub fn refused(path: &str, done: &str, why: String) -> Complaint {
    Complaint::new(format!("the connector of {path} was not {done}")).at(path).because(why)
}

/// Why a file whose bytes are not to be had cannot be used.
pub fn unreadable(path: &str, why: impl core::fmt::Display) -> String {
    format!("Connector file {path} cannot be read: {why}")
}

/// Reads a file: a flat JSON object, else `{"name", "config", "initial_state"}`, else Java properties. `path` is for the
/// message of an error; the message says what to do, and the worker stops with [`EXIT_CODE`].
pub fn parse(path: &str, file: &[u8]) -> Result<ConnectorFile, String> {
    let json_error = match Submitted::from_json(file) {
        Ok(config) => return named(path, config, None, "Add \"name\": \"...\" to it."),
        Err(error) => error,
    };
    match CreateConnector::from_file(file) {
        Ok(body) => return from_body(path, body),
        Err(error) if is_object(file) => {
            return Err(format!("Connector file {path} is not usable JSON: {}", pick(&json_error, &error)));
        }
        Err(_) => {}
    }
    let config = properties::parse(file).map_err(|bad| format!("Connector file {path}, {bad}"))?;
    named(path, config.into(), None, "Add a line such as \"name=my-connector\".")
}

fn from_body(path: &str, body: CreateConnector) -> Result<ConnectorFile, String> {
    let mut config = body.config;
    match config.config.get("name") {
        Some(inner) if inner != body.name => {
            let outer = body.name;
            return Err(format!(
                "Connector file {path} has two names, \"{outer}\" and, in its config, \"{inner}\". Make them the same."
            ));
        }
        Some(_) => {}
        None => drop(config.config.insert("name", body.name.as_str())),
    }
    named(path, config, body.initial_state, "Add \"name\": \"...\" to it.")
}

fn named(
    path: &str,
    config: Submitted,
    initial_state: Option<InitialState>,
    hint: &str,
) -> Result<ConnectorFile, String> {
    match config.config.get("name").map(str::trim) {
        None | Some("") => Err(format!("Connector file {path} gives its connector no name. {hint}")),
        Some(name) => Ok(ConnectorFile { name: name.into(), config, initial_state }),
    }
}

fn is_object(file: &[u8]) -> bool {
    file.trim_ascii_start().first() == Some(&b'{')
}

/// Of the errors of the two JSON forms, the one that fits the file: a flat one has no object under "config".
fn pick<'a>(flat: &'a str, body: &'a str) -> &'a str {
    if flat.starts_with("the value of \"config\"") { body } else { flat }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, name: &str, config: &str) {
        let parsed = parse("c.json", file.as_bytes()).unwrap();
        assert_eq!((parsed.name.as_str(), parsed.config.config.to_java().as_str()), (name, config), "{file}");
    }

    fn refused(file: &str, message: &str) {
        let error = parse("c.json", file.as_bytes()).unwrap_err();
        assert!(error.contains(message), "{file}: {error}");
    }

    #[test]
    fn three_forms() {
        check(r#"{"name":"a","tasks.max":1}"#, "a", "{name=a, tasks.max=1}");
        check(r#"{"name":"a","x":0,"config":{"file":"f"}}"#, "a", "{file=f, name=a}");
        check(r#"{"name":"a","config":{"name":"a","file":"f"}}"#, "a", "{name=a, file=f}");
        check("name=a\nfile=test.txt\n", "a", "{name=a, file=test.txt}");
        let paused = parse("c", br#"{"name":"a","config":{},"initial_state":"PAUSED"}"#).unwrap();
        assert_eq!(paused.initial_state, Some(InitialState::Paused));
    }

    #[test]
    fn bad_files_say_what_to_do() {
        refused("", "no name. Add a line such as");
        refused("[1]", "no name");
        refused("file=x", "no name");
        refused(r#"{"file":"x"}"#, "no name. Add \"name\"");
        refused(r#"{"name":"a","config":{"name":"b"}}"#, "two names, \"a\" and, in its config, \"b\"");
        refused(r#"{"name":"a","config":{"file""#, "not usable JSON: EOF");
        refused(r#"{"name":"a","topics":["x"]}"#, "the value of \"topics\" is an array");
        refused(r#"{"name":"a","config":{"topics":["x"]}}"#, "the value of \"topics\" is an array");
        refused(r#"{"name":"a","config":{},"initial_state":"FOO"}"#, "RUNNING, PAUSED or STOPPED");
        refused("name=\\u1", "line 1: ");
    }
}
