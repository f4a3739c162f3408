//! A connector's file, and what is wrong with it, line by line.

use runtime_core::{
    complaint::{Complaint, Line},
    config::{
        infos::reasons,
        unknown::{Unknown, unknown, without_class},
    },
    connector_file::{self, ConnectorFile},
};
use serde_json::{Map, Value, json};

use crate::own::{
    outcome::{Done, Outcome, Refused, input},
    rest::{Rest, segment},
};

/// A file as it was read.
pub(super) struct Read {
    pub path: String,
    pub text: String,
    pub connector: ConnectorFile,
}

/// Reads a file; `done` is what is not done if that fails.
pub(super) fn read(rest: &mut Rest<'_>, path: &str, done: &str) -> Result<Read, Box<Refused>> {
    let refused = |why: String| input(connector_file::refused(path, done, why));
    let bytes = rest.world.read(path).map_err(|why| refused(connector_file::unreadable(path, why)))?;
    let connector = connector_file::parse(path, &bytes).map_err(refused)?;
    Ok(Read { path: path.to_owned(), text: String::from_utf8_lossy(&bytes).into_owned(), connector })
}

impl Read {
    /// The configuration, as REST takes it.
    pub fn config(&self) -> Value {
        let pairs = self.connector.config.config.iter().map(|(key, value)| (key.to_owned(), json!(value)));
        Value::Object(pairs.collect::<Map<String, Value>>())
    }

    /// The keys that nobody reads, if the worker finds nothing wrong; else a complaint with the lines of the file.
    pub fn judged(&self, rest: &mut Rest<'_>, what: &str) -> Result<Vec<Unknown>, Box<Refused>> {
        let config = &self.connector.config.config;
        let Some(class) = config.get("connector.class").map(str::trim).filter(|class| !class.is_empty()) else {
            // A worker has no class to validate it for, but this is what POST would say.
            return Err(self.refused(what, &without_class(config)));
        };
        let simple = class.rsplit('.').next().unwrap_or(class);
        let path = format!("/connector-plugins/{}/config/validate", segment(simple));
        let answer = match rest.offer("PUT", &path, &self.config(), what)? {
            Ok(answer) => answer,
            Err(refusal) => return Err(self.refused(what, &refusal)),
        };
        let rows = answer["configs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let name = |row: &'_ Value| row["value"]["name"].as_str().unwrap_or_default().to_owned();
        let known: Vec<String> = rows.iter().filter(|row| !row["definition"].is_null()).map(name).collect();
        let unknown = unknown(config, &known.iter().map(String::as_str).collect::<Vec<_>>());
        let errors = rows.iter().flat_map(|row| {
            let errors = row["value"]["errors"].as_array().into_iter().flatten().filter_map(Value::as_str);
            errors.map(move |error| (name(row), error.to_owned()))
        });
        let mut issues: Vec<(String, String)> = errors.collect();
        if issues.is_empty() {
            return Ok(unknown);
        }
        issues.extend(unknown.into_iter().filter(|key| key.is_slip).map(|key| (key.key, key.says)));
        let mut complaint = Complaint::new(what).at(&self.path);
        let mut lines = Vec::new();
        for (key, says) in issues {
            match Line::of_key(&self.text, &key) {
                Some(line) => lines.push(Line { says, ..line }),
                None => complaint = complaint.because(says),
            }
        }
        lines.sort_by_key(|line| line.number);
        Err(input(lines.into_iter().fold(complaint, Complaint::line)))
    }

    /// That this was not done, because of a worker's refusal.
    pub fn refused(&self, what: &str, refusal: &str) -> Box<Refused> {
        let why: Vec<&str> = reasons(refusal).collect();
        input(Complaint::new(what).in_file(&self.path, &self.text, &why.join("\n")))
    }

    /// What the keys that nobody reads are worth: a warning each.
    pub fn warnings(&self, unknown: &[Unknown]) -> Vec<String> {
        unknown.iter().map(|key| format!("{}: {}", self.path, key.says)).collect()
    }
}

pub(super) fn validate(rest: &mut Rest<'_>, path: &str) -> Done {
    let file = read(rest, path, "validated")?;
    let name = &file.connector.name;
    let unknown = file.judged(rest, &format!("connector \"{name}\" would not be created"))?;
    let outcome = Outcome::new(json!({ "name": name, "valid": true }), format!("{path}: connector {name} is valid\n"));
    Ok(Outcome { warnings: file.warnings(&unknown), ..outcome })
}
