//! What topics there are, and what is in them.

use std::collections::BTreeMap;

use runtime_core::{complaint::Complaint, config::nearest::nearest};
use serde_json::{Map, Value, json};

use crate::{
    admin::Admin,
    offsets::{self, EARLIEST, LATEST, Partition},
    own::outcome::{Done, Outcome, Refused, because, failed},
    table,
    topic_names::Wanted,
    topics::{self, Topic, named},
};

pub(super) fn list(admin: &mut Admin<'_>, matching: Option<&str>, internal: bool) -> Done {
    let wanted = Wanted::new(matching).map_err(because("topics were not listed"))?;
    let metadata = admin.metadata(None).map_err(because("topics were not listed"))?;
    let names = wanted.of(&metadata, !internal);
    let row = |name: &String| {
        let (_, topic) = named(&metadata).find(|(other, _)| other == name).expect("it is of this answer");
        let replicas = topic.partitions.first().map_or(0, |partition| partition.replica_nodes.len());
        (name.clone(), topic.partitions.len(), replicas, topic.is_internal)
    };
    let rows: Vec<(String, usize, usize, bool)> = names.iter().map(row).collect();
    let object = |(name, partitions, replicas, internal): &(String, usize, usize, bool)| json!({ "name": name, "partitions": partitions, "replicas": replicas, "internal": internal });
    let result = rows.iter().map(object).collect();
    let cells = rows
        .into_iter()
        .map(|(name, partitions, replicas, _)| vec![name, partitions.to_string(), replicas.to_string()]);
    let cells: Vec<Vec<String>> = cells.collect();
    if cells.is_empty() {
        return Ok(Outcome::new(result, "").warning("there are no topics; connectd topic create NAME makes one"));
    }
    Ok(Outcome::new(result, table::aligned(&["TOPIC", "PARTITIONS", "REPLICAS"], &cells)))
}

/// The topics of these names, or a complaint about the first that is not there.
pub(super) fn found(admin: &mut Admin<'_>, names: &[String], what: &str) -> Result<Vec<Topic>, Box<Refused>> {
    let metadata = admin.metadata(None).map_err(because(what))?;
    let there: Vec<String> = named(&metadata).map(|(name, _)| name).collect();
    if let Some(name) = names.iter().find(|name| !there.contains(name)) {
        return Err(failed(missing(what, name, &there)));
    }
    topics::describe(admin, names, &metadata, 2000).map_err(because(what))
}

/// The complaint about a topic that is not `there`.
pub(super) fn missing(what: &str, name: &str, there: &[String]) -> Complaint {
    let near = nearest(name, there.iter().map(String::as_str)).map(|near| format!(" Did you mean \"{near}\"?"));
    let complaint = Complaint::new(what);
    complaint.because(format!("there is no topic \"{name}\".{}", near.unwrap_or_default())).help("connectd topic list")
}

pub(super) fn describe(admin: &mut Admin<'_>, names: &[String]) -> Done {
    const WHAT: &str = "topics were not described";
    let topics = found(admin, names, WHAT)?;
    let settings = topics::settings(admin, names).map_err(because(WHAT))?;
    let partitions: Vec<Partition> = topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|partition| (topic.name.clone(), partition.index)))
        .collect();
    let mut at = |time: i64| offsets::at(admin, &partitions, time).map_err(because(WHAT));
    let (starts, ends) = (at(EARLIEST)?, at(LATEST)?);
    let (mut result, mut text) = (Vec::new(), String::new());
    for topic in &topics {
        let made: Map<String, Value> =
            settings.get(&topic.name).into_iter().flatten().map(|(name, value)| (name.clone(), json!(value))).collect();
        let mut cells = Vec::new();
        let mut objects = Vec::new();
        for partition in &topic.partitions {
            let key = (topic.name.clone(), partition.index);
            let offset = |of: &BTreeMap<Partition, Result<Option<i64>, _>>| {
                of.get(&key).and_then(|at| at.as_ref().ok().copied().flatten())
            };
            let (start, end) = (offset(&starts), offset(&ends));
            let shown = |number: Option<i64>| number.map_or("-".to_owned(), |number| number.to_string());
            let ids = |ids: &[i32]| ids.iter().map(i32::to_string).collect::<Vec<String>>().join(",");
            cells.push(vec![
                partition.index.to_string(),
                partition.leader.map_or("none".to_owned(), |leader| leader.to_string()),
                ids(&partition.replicas),
                ids(&partition.isr),
                shown(start),
                shown(end),
                shown(start.zip(end).map(|(start, end)| end - start)),
            ]);
            objects.push(json!({
                "partition": partition.index,
                "leader": partition.leader,
                "replicas": partition.replicas,
                "isr": partition.isr,
                // As text: JavaScript's numbers do not hold all of them.
                "start": start.map(|offset| offset.to_string()),
                "end": end.map(|offset| offset.to_string()),
            }));
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text += &format!("{}\n", topic.name);
        made.iter().for_each(|(name, value)| text += &format!("  {name}={}\n", value.as_str().unwrap_or_default()));
        let header = ["PARTITION", "LEADER", "REPLICAS", "IN SYNC", "START", "END", "OFFSETS"];
        text += &table::aligned(&header, &cells);
        result.push(json!({ "name": topic.name, "settings": made, "partitions": objects }));
    }
    Ok(Outcome::new(result.into(), text))
}
