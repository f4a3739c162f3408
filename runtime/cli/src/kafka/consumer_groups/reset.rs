//! `kafka-consumer-groups --reset-offsets`.
//!
//! Owns which groups and partitions are reset, the plan that is shown, the commit. Invariant: nothing is committed without `--execute`,
//! nor for a group that has members.

use std::collections::BTreeMap;

use super::{named, scenario};
use crate::{admin::Admin, failure::Failure, flags::Given, groups, java, java::hash_order, offsets::Partition, reset};

const WARNING: &str = "WARN: No action will be performed as the --execute option is missing. In version 5.0, this command will require \
                       either --dry-run or --execute to be specified. You should add the --dry-run option explicitly if you are \
                       scripting this command and want to keep the current default behavior without prompt\n";

/// New offsets, by group, in order.
type Plan = Vec<(String, Vec<(Partition, i64)>)>;

pub(super) fn run(given: &Given, admin: &mut Admin<'_>) -> Result<(), Failure> {
    if !given.has("execute") && !given.has("dry-run") {
        admin.world.err(WARNING);
    }
    let file = given.one("from-file")?.map(|path| read(given, admin, path)).transpose()?;
    let mut plan = Plan::new();
    for name in hash_order(named(given, admin)?, Clone::clone) {
        let state = match groups::describe(admin, &name) {
            Ok(group) => group.state,
            Err(failure) if failure.code == 69 => "Dead".to_owned(),
            Err(failure) => return Err(failure),
        };
        if !matches!(state.as_str(), "Empty" | "Dead") {
            admin.world.out(&format!(
                "\nError: Assignments can only be reset if the group '{name}' is inactive, but the current state is {state}.\n"
            ));
            plan.push((name, Vec::new()));
            continue;
        }
        let offsets = match &file {
            Some(file) => {
                let wanted: Vec<(Partition, i64)> = file.get(&name).cloned().unwrap_or_default();
                reset::bounded(admin, hash_order(wanted, |(partition, _)| partition.clone()))?
            }
            None => planned(given, admin, &name)?,
        };
        if given.has("execute") {
            groups::commit(admin, &name, &offsets)?;
        }
        plan.push((name, offsets));
    }
    let text = if given.has("export") { csv(&plan) } else { table(&plan) };
    admin.world.out(&text);
    Ok(())
}

fn planned(given: &Given, admin: &mut Admin<'_>, name: &str) -> Result<Vec<(Partition, i64)>, Failure> {
    let committed = groups::committed(admin, name)?;
    let partitions = match given.has("all-topics") {
        true => committed.keys().cloned().collect(),
        false => {
            let topics = given.all("topic").iter().map(|topic| reset::partitions_of(admin, topic));
            topics.collect::<Result<Vec<_>, Failure>>()?.concat()
        }
    };
    let target = scenario::target(given, admin.world.now_ms())?;
    reset::offsets(admin, target, partitions, &committed)
}

/// The offsets of a file, by group: `topic,partition,offset` for the one group on the command line, or the group in front.
fn read(given: &Given, admin: &mut Admin<'_>, path: &str) -> Result<BTreeMap<String, Vec<(Partition, i64)>>, Failure> {
    let unreadable = |_| Failure::new(format!("java.io.IOException: Unable to read file {path}"));
    let bytes = admin.world.read(path).map_err(unreadable)?;
    let only = match given.all("group") {
        [one] => Some(one.clone()),
        _ => None,
    };
    let mut offsets: BTreeMap<String, Vec<(Partition, i64)>> = BTreeMap::new();
    let text = java::text(&bytes).into_owned();
    for (at, line) in text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty()) {
        let cells: Vec<&str> = line.split(',').map(|cell| cell.trim().trim_matches('"')).collect();
        let (group, rest) = match (cells.as_slice(), &only) {
            ([group, rest @ ..], _) if rest.len() == 3 => ((*group).to_owned(), rest),
            (rest, Some(only)) if rest.len() == 3 => (only.clone(), rest),
            _ => return Err(bad(path, at, line)),
        };
        let numbers = rest[1].parse::<i32>().ok().zip(rest[2].parse::<i64>().ok());
        let (partition, offset) = numbers.ok_or_else(|| bad(path, at, line))?;
        offsets.entry(group).or_default().push(((rest[0].to_owned(), partition), offset));
    }
    Ok(offsets)
}

fn bad(path: &str, at: usize, line: &str) -> Failure {
    Failure::new(format!(
        "{path}, line {}: \"{line}\" is not topic,partition,offset or group,topic,partition,offset",
        at + 1
    ))
}

fn table(plan: &Plan) -> String {
    let widest =
        |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| text.chars().count()).max().unwrap_or(0).max(15);
    let group_width = widest(&mut plan.iter().map(|(group, _)| group));
    let topic_width = widest(&mut plan.iter().flat_map(|(_, offsets)| offsets.iter().map(|((topic, _), _)| topic)));
    let line = |group: &str, topic: &str, partition: &str, offset: &str| {
        format!("{group:<group_width$} {topic:<topic_width$} {partition:<10} {offset}\n")
    };
    let mut text = format!("\n{}", line("GROUP", "TOPIC", "PARTITION", "NEW-OFFSET"));
    for (group, offsets) in plan {
        for ((topic, partition), offset) in offsets {
            text.push_str(&line(group, topic, &partition.to_string(), &offset.to_string()));
        }
    }
    text
}

fn csv(plan: &Plan) -> String {
    let mut text = String::new();
    for (group, offsets) in plan {
        let group = if plan.len() > 1 { format!("{group},") } else { String::new() };
        for ((topic, partition), offset) in offsets {
            text.push_str(&format!("{group}{topic},{partition},{offset}\n"));
        }
    }
    text + "\n"
}
