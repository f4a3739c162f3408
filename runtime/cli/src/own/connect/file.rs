//! A connector's file, and what is wrong with it, line by line.

use std::collections::BTreeSet;

use runtime_core::{
    complaint::{Complaint, Line},
    config::nearest::nearest,
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

/// Reads a file; `doing` is what is not done if that fails, with the file's path for the connector's name.
pub(super) fn read(rest: &mut Rest<'_>, path: &str, doing: &str) -> Result<Read, Box<Refused>> {
    let what = || format!("the connector of {path} was not {doing}");
    let bytes = rest.world.read(path);
    let bytes =
        bytes.map_err(|why| input(Complaint::new(what()).at(path).because(format!("it cannot be read: {why}"))))?;
    let connector = connector_file::parse(path, &bytes).map_err(|why| input(Complaint::new(what()).because(why)))?;
    Ok(Read { path: path.to_owned(), text: String::from_utf8_lossy(&bytes).into_owned(), connector })
}

impl Read {
    /// The configuration, as REST takes it.
    pub fn config(&self) -> Value {
        let pairs = self.connector.config.config.iter().map(|(key, value)| (key.to_owned(), json!(value)));
        Value::Object(pairs.collect::<Map<String, Value>>())
    }

    /// What the worker says is wrong with it, by key; and names that nobody knows.
    pub fn verdict(&self, rest: &mut Rest<'_>, what: &str) -> Result<Verdict, Box<Refused>> {
        let config = &self.connector.config.config;
        let class = config.get("connector.class").unwrap_or_default().trim();
        if class.is_empty() {
            return Ok(self.without_class());
        }
        let simple = class.rsplit('.').next().unwrap_or(class);
        let path = format!("/connector-plugins/{}/config/validate", segment(simple));
        let answer = rest.ask("PUT", &path, Some(&self.config()), what)?;
        let rows = answer["configs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut verdict = Verdict::default();
        let mut known = BTreeSet::new();
        for row in rows {
            let name = row["value"]["name"].as_str().unwrap_or_default();
            if !row["definition"].is_null() {
                known.insert(name);
            }
            for error in row["value"]["errors"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                verdict.errors.push((name.to_owned(), error.to_owned()));
            }
        }
        let is_somebodys = |key: &str| PREFIXES.iter().any(|prefix| key.starts_with(prefix));
        for (key, _) in config.iter().filter(|(key, _)| !known.contains(key) && !is_somebodys(key)) {
            let near = nearest(key, known.iter().copied());
            let near = near.map(|near| format!(" Did you mean \"{near}\"?")).unwrap_or_default();
            verdict.unknown.push((key.to_owned(), format!("no such key.{near}")));
        }
        Ok(verdict)
    }

    /// Without its class a worker has nothing to judge a file by.
    fn without_class(&self) -> Verdict {
        const CLASS: &str = "connector.class";
        let keys = self.connector.config.config.iter().map(|(key, _)| key).filter(|key| *key != CLASS);
        let slips = keys.filter(|key| nearest(key, [CLASS]).is_some());
        let unknown = slips.map(|key| (key.to_owned(), format!("no such key. Did you mean \"{CLASS}\"?")));
        let missing = "required key \"connector.class\" is missing".to_owned();
        Verdict { errors: vec![(CLASS.to_owned(), missing)], unknown: unknown.collect() }
    }

    /// `complaint` with what is wrong, at the lines where it stands.
    pub fn explain(&self, complaint: Complaint, verdict: &Verdict) -> Complaint {
        let issues = verdict.errors.iter().chain(&verdict.unknown);
        let mut complaint = complaint.at(&self.path);
        let mut lines = Vec::new();
        for (key, says) in issues {
            match Line::of_key(&self.text, key) {
                Some(line) => lines.push(Line { says: says.clone(), ..line }),
                None => complaint = complaint.because(says),
            }
        }
        lines.sort_by_key(|line| line.number);
        lines.into_iter().fold(complaint, Complaint::line)
    }
}

/// Keys that begin so belong to a transform, a converter or a client, which the worker judges elsewhere.
const PREFIXES: [&str; 9] = [
    "transforms.",
    "predicates.",
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "producer.override.",
    "consumer.override.",
    "admin.override.",
    "topic.creation.",
];

/// What is wrong with a configuration, by key.
#[derive(Default)]
pub(super) struct Verdict {
    pub errors: Vec<(String, String)>,
    pub unknown: Vec<(String, String)>,
}

pub(super) fn validate(rest: &mut Rest<'_>, path: &str) -> Done {
    let file = read(rest, path, "validated")?;
    let what = format!("connector \"{}\" would not be created", file.connector.name);
    let verdict = file.verdict(rest, &what)?;
    if !verdict.errors.is_empty() {
        return Err(input(file.explain(Complaint::new(what), &verdict)));
    }
    let name = &file.connector.name;
    let outcome = Outcome::new(json!({ "name": name, "valid": true }), format!("{path}: connector {name} is valid\n"));
    Ok(verdict.unknown.iter().fold(outcome, |outcome, (key, says)| outcome.warning(format!("{path}: {key}: {says}"))))
}
