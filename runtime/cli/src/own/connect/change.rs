//! What changes a worker's connectors.

use std::collections::BTreeMap;

use runtime_core::{complaint::Complaint, rest::InitialState};
use serde_json::{Value, json};

use super::{Named, file, show};
use crate::own::{
    outcome::{Done, Outcome, Refused, failed, input},
    rest::{Rest, segment},
};

/// A change of state: the method, the end of the path, what it is called and what it is called when it is done.
pub(super) type Change = (&'static str, &'static str, &'static str, &'static str);

pub(super) const PAUSE: Change = ("PUT", "/pause", "pause", "paused");
pub(super) const RESUME: Change = ("PUT", "/resume", "resume", "resumed");
pub(super) const STOP: Change = ("PUT", "/stop", "stop", "stopped");
pub(super) const DELETE: Change = ("DELETE", "", "delete", "deleted");

pub(super) fn state(rest: &mut Rest<'_>, named: &Named, (method, end, verb, done): Change) -> Done {
    each(rest, named, verb, done, |rest, path, what| rest.ask(method, &format!("{path}{end}"), None, what))
}

pub(super) fn restart(rest: &mut Rest<'_>, named: &Named, only_failed: bool, task: Option<u32>) -> Done {
    each(rest, named, "restart", "restarted", |rest, path, what| {
        let path = match task {
            Some(task) => format!("{path}/tasks/{task}/restart"),
            None => format!("{path}/restart?includeTasks=true&onlyFailed={only_failed}"),
        };
        rest.ask("POST", &path, None, what)
    })
}

/// Does it to each of the connectors. All must be there before the first is changed.
fn each(
    rest: &mut Rest<'_>,
    Named { names, dry_run }: &Named,
    verb: &str,
    done: &str,
    mut change: impl FnMut(&mut Rest<'_>, &str, &str) -> Result<Value, Box<Refused>>,
) -> Done {
    let what = |name: &String| format!("connector \"{name}\" was not {done}");
    let paths = names.iter().map(|name| show::path(rest, name, &what(name))).collect::<Result<Vec<String>, _>>()?;
    let mut text = String::new();
    for (name, path) in names.iter().zip(paths) {
        if *dry_run {
            text += &format!("would {verb} connector {name}\n");
        } else {
            change(rest, &path, &what(name))?;
            text += &format!("{done} connector {name}\n");
        }
    }
    Ok(Outcome::new(json!({ "connectors": names, "dry_run": dry_run }), text))
}

pub(super) fn create(rest: &mut Rest<'_>, files: &[String], dry_run: bool) -> Done {
    let (mut result, mut outcome) = (Vec::new(), Outcome::default());
    for path in files {
        let file = file::read(rest, path, "created")?;
        let name = &file.connector.name;
        let what = format!("connector \"{name}\" was not created");
        let unknown = file.judged(rest, &what)?;
        outcome.warnings.extend(file.warnings(&unknown));
        if rest.find(&format!("/connectors/{}", segment(name)), &what)?.is_some() {
            let complaint = Complaint::new(what).because(format!("Connector {name} already exists"));
            return Err(failed(complaint.help(format!("connectd connect apply {path} changes it"))));
        }
        if !dry_run {
            let mut body = json!({ "name": name, "config": file.config() });
            if let Some(state) = file.connector.initial_state {
                body["initial_state"] = json!(match state {
                    InitialState::Running => "RUNNING",
                    InitialState::Paused => "PAUSED",
                    InitialState::Stopped => "STOPPED",
                });
            }
            rest.offer("POST", "/connectors", &body, &what)?.map_err(|refusal| file.refused(&what, &refusal))?;
        }
        outcome.text += &format!("{} connector {name}\n", if dry_run { "would create" } else { "created" });
        result.push(json!({ "name": name, "created": !dry_run, "dry_run": dry_run }));
    }
    Ok(Outcome { result: result.into(), ..outcome })
}

pub(super) fn apply(rest: &mut Rest<'_>, files: &[String], dry_run: bool) -> Done {
    let (mut result, mut outcome) = (Vec::new(), Outcome::default());
    for path in files {
        let file = file::read(rest, path, "applied")?;
        let name = &file.connector.name;
        let what = format!("connector \"{name}\" was not changed");
        let unknown = file.judged(rest, &what)?;
        outcome.warnings.extend(file.warnings(&unknown));
        let at = format!("/connectors/{}", segment(name));
        let before = rest.find(&format!("{at}/config"), &what)?;
        let changes = changes(before.as_ref().unwrap_or(&Value::Null), &file.config());
        if !dry_run && !changes.is_empty() {
            let put = rest.offer("PUT", &format!("{at}/config"), &file.config(), &what)?;
            put.map_err(|refusal| file.refused(&what, &refusal))?;
        }
        let verb = match (before.is_some(), changes.is_empty(), dry_run) {
            (true, true, _) => "no change to",
            (true, false, true) => "would change",
            (true, false, false) => "changed",
            (false, _, true) => "would create",
            (false, _, false) => "created",
        };
        outcome.text += &format!("{verb} connector {name}\n");
        for (key, (before, after)) in &changes {
            let mut line = |sign: char, value: &Option<String>| {
                if let Some(value) = value {
                    outcome.text += &format!("  {sign} {key}={value}\n");
                }
            };
            line('-', before);
            line('+', after);
        }
        let object = |(key, (before, after)): (&String, &(Option<String>, Option<String>))| json!({ "key": key, "before": before, "after": after });
        let changes: Vec<Value> = changes.iter().map(object).collect();
        result.push(json!({ "name": name, "is_new": before.is_none(), "dry_run": dry_run, "changes": changes }));
    }
    Ok(Outcome { result: result.into(), ..outcome })
}

/// Values that differ, before and after, by key.
fn changes(before: &Value, after: &Value) -> BTreeMap<String, (Option<String>, Option<String>)> {
    let value = |of: &Value, key: &str| of[key].as_str().map(str::to_owned);
    let keys = [before, after].into_iter().filter_map(Value::as_object).flat_map(|object| object.keys());
    let pairs = keys.map(|key| (key.clone(), (value(before, key), value(after, key))));
    pairs.filter(|(_, (before, after))| before != after).collect()
}

pub(super) fn set_offsets(rest: &mut Rest<'_>, name: &str, file: &str, dry_run: bool) -> Done {
    let what = format!("the offsets of connector \"{name}\" were not set");
    let bad = |why: String| input(Complaint::new(&what).at(file).because(why));
    let bytes = rest.world.read(file).map_err(|why| bad(format!("it cannot be read: {why}")))?;
    let mut offsets: Value = serde_json::from_slice(&bytes).map_err(|error| bad(format!("it is no JSON: {error}")))?;
    // What `--json` printed is as good as what is in it.
    if offsets["result"]["offsets"].is_array() {
        offsets = offsets["result"].take();
    }
    if !offsets["offsets"].is_array() {
        return Err(bad(r#"it must look like {"offsets": [{"partition": {...}, "offset": {...}}]}"#.into()));
    }
    offsets_of(rest, name, "PATCH", Some(&offsets), dry_run, ("set", "set"), &what)
}

pub(super) fn forget_offsets(rest: &mut Rest<'_>, name: &str, dry_run: bool) -> Done {
    let what = format!("the offsets of connector \"{name}\" were not forgotten");
    offsets_of(rest, name, "DELETE", None, dry_run, ("forget", "forgot"), &what)
}

fn offsets_of(
    rest: &mut Rest<'_>,
    name: &str,
    method: &'static str,
    body: Option<&Value>,
    dry_run: bool,
    (verb, done): (&str, &str),
    what: &str,
) -> Done {
    let path = show::path(rest, name, what)?;
    let status = rest.ask("GET", &format!("{path}/status"), None, what)?;
    let state = status["connector"]["state"].as_str().unwrap_or_default();
    if state != "STOPPED" {
        let complaint = Complaint::new(what).because(format!("its state is {state}, and it must be STOPPED"));
        return Err(failed(complaint.help(format!("connectd connect stop {name}"))));
    }
    let result = json!({ "name": name, "dry_run": dry_run });
    if dry_run {
        return Ok(Outcome::new(result, format!("would {verb} the offsets of connector {name}\n")));
    }
    let answer = rest.ask(method, &format!("{path}/offsets"), body, what)?;
    let outcome = Outcome::new(result, format!("{done} the offsets of connector {name}\n"));
    Ok(match answer["message"].as_str().filter(|message| message.contains("not ")) {
        Some(message) => outcome.warning(message),
        None => outcome,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes() {
        let found = changes(&json!({"a": "1", "b": "2", "c": "3"}), &json!({"a": "1", "b": "x", "d": "4"}));
        let some = |text: &str| Some(text.to_owned());
        let expected = [("b", (some("2"), some("x"))), ("c", (some("3"), None)), ("d", (None, some("4")))];
        assert_eq!(found, expected.into_iter().map(|(key, pair)| (key.to_owned(), pair)).collect());
        assert!(changes(&json!({"a": "1"}), &json!({"a": "1"})).is_empty());
        assert_eq!(changes(&Value::Null, &json!({"a": "1"})).len(), 1);
    }
}
