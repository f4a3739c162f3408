//! `connectd config`: what settings there are, what they mean, and what is wrong with a file of them.
//!
//! Owns its flags and texts. Leaves the table of settings to the binary, which knows them all. Invariant: a setting that Kafka has is
//! explained too where it changes nothing here, and said to.

use runtime_core::{
    complaint::{Complaint, Line},
    config::nearest::nearest,
    properties,
};
use serde_json::{Value, json};

use super::outcome::{Common, Done, Outcome, failed, input};
use crate::{table, world::World};

/// `connectd config`
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct Config {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(clap::Subcommand, Clone, Debug, PartialEq, Eq)]
enum Action {
    /// Say what a setting means, its default, and whether it is honoured
    Explain {
        /// Its name, such as log.retention.ms
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// List settings
    List {
        /// Of what
        #[arg(value_enum)]
        of: Option<Section>,
    },
    /// Say what is wrong with a worker's or broker's file, or that it is good; nothing is started
    Check {
        /// Such as server.properties or connect-standalone.properties
        #[arg(value_name = "FILE")]
        file: String,
    },
}

/// Whose settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Section {
    /// The broker's, in server.properties; in a worker's file with `broker.` in front
    Broker,
    /// A topic's
    Topic,
    /// A worker's
    Worker,
    /// Every connector's
    Connector,
}

impl Section {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Topic => "topic",
            Self::Worker => "worker",
            Self::Connector => "connector",
        }
    }
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Whose it is.
    pub section: Section,
    /// Its name.
    pub name: String,
    /// Of what kind its value is; empty if that is nowhere written.
    pub kind: String,
    /// Its default; `None` if it has none.
    pub default: Option<String>,
    /// It must be given.
    pub required: bool,
    /// It does something here.
    pub honoured: bool,
    /// What it means.
    pub about: String,
}

/// What a file is good for, or why not: sentences to note, or what is wrong.
pub type Checked = Result<Vec<String>, String>;

impl Config {
    pub(super) fn name(&self) -> &'static str {
        match self.action {
            Action::Explain { .. } => "config explain",
            Action::List { .. } => "config list",
            Action::Check { .. } => "config check",
        }
    }

    /// Runs it over all settings; `check` judges the file of a worker or broker.
    pub fn run(
        &self,
        keys: &[Key],
        check: impl FnOnce(Section, &str, &[u8]) -> Checked,
        world: &mut dyn World,
    ) -> Done {
        match &self.action {
            Action::Explain { key } => explain(keys, key),
            Action::List { of } => Ok(list(keys, *of)),
            Action::Check { file } => check_file(keys, file, check, world),
        }
    }
}

fn object(key: &Key) -> Value {
    json!({
        "section": key.section.name(),
        "name": key.name,
        "type": key.kind,
        "default": key.default,
        "required": key.required,
        "honoured": key.honoured,
        "about": key.about,
    })
}

fn default(key: &Key) -> String {
    match (&key.default, key.required) {
        (_, true) => "(required)".into(),
        (Some(default), _) if !default.is_empty() => default.clone(),
        _ => "-".into(),
    }
}

fn explain(keys: &[Key], name: &str) -> Done {
    // In a worker's file the broker's settings have a prefix.
    let bare = name.strip_prefix("broker.").filter(|bare| keys.iter().any(|key| key.name == *bare)).unwrap_or(name);
    let found: Vec<&Key> =
        keys.iter().filter(|key| key.name == name || (key.name == bare && key.section == Section::Broker)).collect();
    if found.is_empty() {
        let complaint = Complaint::new(format!("\"{name}\" was not explained"));
        let near = nearest(name, keys.iter().map(|key| key.name.as_str()));
        let near = near.map(|near| format!(" Did you mean \"{near}\"?")).unwrap_or_default();
        return Err(failed(complaint.because(format!("there is no such setting.{near}")).help("connectd config list")));
    }
    let mut text = String::new();
    for key in &found {
        if !text.is_empty() {
            text.push('\n');
        }
        text += &format!("{}  ({})\n  {}\n", key.name, key.section.name(), key.about);
        if !key.honoured {
            text += "  It changes nothing here.\n";
            continue;
        }
        if !key.kind.is_empty() {
            text += &format!("  type     {}\n", key.kind);
        }
        text += &format!("  default  {}\n", default(key));
        text += &match key.section {
            Section::Broker => format!("  where    server.properties; as broker.{} in a worker's file\n", key.name),
            Section::Topic => "  where    connectd topic alter TOPIC --config NAME=VALUE\n".to_owned(),
            Section::Worker => "  where    connect-standalone.properties\n".to_owned(),
            Section::Connector => "  where    a connector's file, or its configuration over REST\n".to_owned(),
        };
    }
    Ok(Outcome::new(found.into_iter().map(object).collect(), text))
}

fn list(keys: &[Key], of: Option<Section>) -> Outcome {
    let wanted: Vec<&Key> = keys.iter().filter(|key| of.is_none_or(|of| of == key.section)).collect();
    let cells = wanted.iter().map(|key| {
        let default = if key.honoured { default(key) } else { "(not used)".into() };
        vec![key.section.name().to_owned(), key.name.clone(), default]
    });
    let text = table::aligned(&["OF", "SETTING", "DEFAULT"], &cells.collect::<Vec<_>>());
    Outcome::new(wanted.into_iter().map(object).collect(), text)
}

fn check_file(
    keys: &[Key],
    path: &str,
    check: impl FnOnce(Section, &str, &[u8]) -> Checked,
    world: &mut dyn World,
) -> Done {
    let complaint = || Complaint::new(format!("{path} cannot be used")).at(path);
    let bytes = world.read(path).map_err(|why| input(complaint().because(why)))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let map = properties::parse(&bytes).map_err(|bad| {
        let line = text.lines().nth(bad.line.saturating_sub(1)).unwrap_or_default();
        let length = line.chars().count();
        let line = Line { number: bad.line, text: line.to_owned(), before: 0, length, says: bad.why.to_owned() };
        input(complaint().line(line))
    })?;
    // A worker's file names converters; a broker's does not.
    let is_worker = map.iter().any(|(key, _)| key.starts_with("key.converter") || key.starts_with("value.converter"));
    let section = if is_worker { Section::Worker } else { Section::Broker };
    let notes = check(section, path, &bytes).map_err(|why| {
        let why = why.strip_prefix(&format!("Worker file {path} cannot be used:\n")).unwrap_or(&why);
        input(Complaint::new(format!("{path} cannot be used")).in_file(path, &text, why))
    })?;
    let count = map.iter().filter(|(key, _)| keys.iter().any(|known| known.name == *key && known.honoured)).count();
    let result = json!({ "file": path, "kind": section.name(), "settings": map.len(), "honoured": count });
    let text = format!("{path} is a {}'s file and can be used\n", section.name());
    Ok(notes.into_iter().fold(Outcome::new(result, text), Outcome::warning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<Key> {
        let key = |section, name: &str, honoured| Key {
            section,
            name: name.into(),
            kind: "long".into(),
            default: Some("1".into()),
            required: false,
            honoured,
            about: "What it is.".into(),
        };
        vec![
            key(Section::Broker, "log.flush", true),
            key(Section::Broker, "num.io.threads", false),
            key(Section::Topic, "retention.ms", true),
        ]
    }

    #[test]
    fn explained() {
        let says = |name: &str, expected: &str| {
            let outcome = explain(&keys(), name).unwrap();
            assert!(outcome.text.contains(expected), "{}", outcome.text);
        };
        says("log.flush", "default  1");
        says("broker.log.flush", "as broker.log.flush in a worker's file");
        says("num.io.threads", "changes nothing here");
        let refused = explain(&keys(), "retention.m").unwrap_err();
        assert!(refused.complaint.why[0].contains("Did you mean \"retention.ms\"?"), "{refused:?}");
    }
}
