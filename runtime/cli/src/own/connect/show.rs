//! What a worker's connectors are and do.

use runtime_core::{complaint::Complaint, config::nearest::nearest};
use serde_json::{Value, json};

use crate::{
    own::{
        outcome::{Done, Outcome, Refused, failed},
        rest::{Rest, segment},
    },
    table,
};

/// Lines of a trace that are shown; all of them are in the object.
const TRACE_LINES: usize = 12;

pub(super) fn list(rest: &mut Rest<'_>) -> Done {
    let what = "connectors were not listed";
    let answer = rest.ask("GET", "/connectors?expand=status", None, what)?;
    let objects: Vec<&Value> =
        answer.as_object().into_iter().flat_map(|all| all.values()).map(|one| &one["status"]).collect();
    let cells = objects.iter().map(|status| {
        let tasks = status["tasks"].as_array().map_or(0, Vec::len);
        let failed = failed_tasks(status);
        let note = if failed == 0 { String::new() } else { format!("{failed} failed") };
        [text(&status["name"]), text(&status["type"]), text(&status["connector"]["state"]), tasks.to_string(), note]
            .to_vec()
    });
    let mut cells: Vec<Vec<String>> = cells.collect();
    cells.sort();
    let result: Value = objects.into_iter().cloned().collect();
    if cells.is_empty() {
        return Ok(Outcome::new(result, "").warning("there are no connectors; connectd connect create FILE makes one"));
    }
    Ok(Outcome::new(result, table::aligned(&["CONNECTOR", "TYPE", "STATE", "TASKS", ""], &cells)))
}

fn failed_tasks(status: &Value) -> usize {
    let tasks = status["tasks"].as_array().map(Vec::as_slice).unwrap_or_default();
    tasks.iter().filter(|task| task["state"] == "FAILED").count()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

/// The path of a connector that is there, or a complaint with the nearest name.
pub(super) fn path(rest: &mut Rest<'_>, name: &str, what: &str) -> Result<String, Box<Refused>> {
    let answer = rest.ask("GET", "/connectors", None, what)?;
    let names: Vec<&str> = answer.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if names.contains(&name) {
        return Ok(format!("/connectors/{}", segment(name)));
    }
    let near = nearest(name, names).map(|near| format!(" Did you mean \"{near}\"?")).unwrap_or_default();
    let complaint = Complaint::new(what).because(format!("there is no connector \"{name}\".{near}"));
    Err(failed(complaint.help("connectd connect list")))
}

pub(super) fn status(rest: &mut Rest<'_>, names: &[String]) -> Done {
    let what = "the status was not shown";
    let (mut result, mut shown, mut is_bad) = (Vec::new(), String::new(), false);
    for name in names {
        let path = path(rest, name, what)?;
        let status = rest.ask("GET", &format!("{path}/status"), None, what)?;
        if !shown.is_empty() {
            shown.push('\n');
        }
        let connector = &status["connector"];
        let state = text(&connector["state"]);
        is_bad |= state == "FAILED" || failed_tasks(&status) > 0;
        shown += &format!("{name}  {}  {state} on {}\n", text(&status["type"]), text(&connector["worker_id"]));
        shown += &trace(connector);
        for task in status["tasks"].as_array().into_iter().flatten() {
            shown += &format!("  task {}  {} on {}\n", task["id"], text(&task["state"]), text(&task["worker_id"]));
            shown += &trace(task);
        }
        result.push(status);
    }
    let mut outcome = Outcome::new(result.into(), shown);
    outcome.is_bad = is_bad;
    if is_bad {
        outcome = outcome.warning(format!("connectd connect restart --only-failed {} tries again", names.join(" ")));
    }
    Ok(outcome)
}

fn trace(of: &Value) -> String {
    let Some(trace) = of["trace"].as_str() else { return String::new() };
    let count = trace.lines().count();
    let mut text: String = trace.lines().take(TRACE_LINES).map(|line| format!("    {line}\n")).collect();
    if count > TRACE_LINES {
        text += &format!("    ... {} more lines with --json\n", count - TRACE_LINES);
    }
    text
}

pub(super) fn offsets(rest: &mut Rest<'_>, name: &str) -> Done {
    let what = format!("the offsets of connector \"{name}\" were not shown");
    let path = path(rest, name, &what)?;
    let answer = rest.ask("GET", &format!("{path}/offsets"), None, &what)?;
    let rows = answer["offsets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| vec![row["partition"].to_string(), row["offset"].to_string()]).collect();
    if cells.is_empty() {
        return Ok(Outcome::new(answer, "").warning(format!("connector \"{name}\" has no offsets yet")));
    }
    let text = table::aligned(&["PARTITION", "OFFSET"], &cells);
    Ok(Outcome::new(answer, text))
}

pub(super) fn export(rest: &mut Rest<'_>, name: &str) -> Done {
    let what = format!("connector \"{name}\" was not exported");
    let path = path(rest, name, &what)?;
    let config = rest.ask("GET", &format!("{path}/config"), None, &what)?;
    let pairs = config.as_object().into_iter().flatten();
    let mut lines: Vec<String> =
        pairs.map(|(key, value)| format!("{}={}\n", escaped(key, true), escaped(&text(value), false))).collect();
    // As people write them: the name first.
    lines.sort_by_key(|line| (!line.starts_with("name="), !line.starts_with("connector.class="), line.clone()));
    Ok(Outcome::new(json!({ "name": name, "config": config }), lines.concat()))
}

/// As Java's properties have it: a key's separators, leading blanks, ends of lines and what is not ASCII are written as escapes.
fn escaped(text: &str, is_key: bool) -> String {
    let mut escaped = String::new();
    for (at, letter) in text.chars().enumerate() {
        match letter {
            '\\' => escaped += "\\\\",
            '\n' => escaped += "\\n",
            '\r' => escaped += "\\r",
            '\t' => escaped += "\\t",
            ' ' if is_key || at == 0 => escaped += "\\ ",
            '=' | ':' if is_key => escaped.extend(['\\', letter]),
            '#' | '!' if is_key && at == 0 => escaped.extend(['\\', letter]),
            ' '..='~' => escaped.push(letter),
            _ => {
                let mut units = [0; 2];
                letter.encode_utf16(&mut units).iter().for_each(|unit| escaped += &format!("\\u{unit:04x}"));
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime_core::properties;

    #[test]
    fn what_is_exported_is_read_back() {
        for (key, value) in [("name", "a"), ("a b=c:d", " x y "), ("#k", "#v\\"), ("é", "ü\n\t😀"), ("empty", "")] {
            let line = format!("{}={}\n", escaped(key, true), escaped(value, false));
            let read = properties::parse(line.as_bytes()).unwrap();
            assert_eq!(read.get(key), Some(value), "{line}");
        }
    }
}
