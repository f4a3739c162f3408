//! `connectd group`: list and describe groups, move their offsets, delete them.
//!
//! Owns its flags, texts and objects. Leaves requests to [`crate::groups`] and [`crate::reset`]. Invariant: with `--dry-run` nothing is
//! committed and no group deleted.

use runtime_core::{complaint::Complaint, config::nearest::nearest};
use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    outcome::{Common, Done, Outcome, Refused, because, failed, input},
    place::Place,
};
use crate::{
    admin::Admin,
    groups::{self, Group, lag},
    offsets::Partition,
    reset::{self, Target},
    table,
    world::World,
};

/// `connectd group`
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    cluster: Cluster,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(clap::Subcommand, Clone, Debug, PartialEq, Eq)]
enum Action {
    /// List groups and their states
    List,
    /// Show members, offsets and lag
    Describe {
        /// The groups
        #[arg(value_name = "GROUP", required = true)]
        names: Vec<String>,
    },
    /// Move the offsets of a group that has no members
    Seek {
        /// The group
        #[arg(value_name = "GROUP")]
        name: String,
        /// Where to: start, end, an offset, +N or -N records from where it is, @TIME (2026-01-31T12:00:00.000) or @-PT1H
        #[arg(value_name = "WHERE", allow_hyphen_values = true)]
        to: String,
        /// Only this topic, or partitions of it as in topic:0,2; more than once for several [default: all it has offsets of]
        #[arg(short, long = "topic", value_name = "TOPIC")]
        topics: Vec<String>,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Delete groups that have no members, and their offsets
    Delete {
        /// The groups
        #[arg(value_name = "GROUP", required = true)]
        names: Vec<String>,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
}

impl Groups {
    pub(super) fn name(&self) -> &'static str {
        match self.action {
            Action::List => "group list",
            Action::Describe { .. } => "group describe",
            Action::Seek { .. } => "group seek",
            Action::Delete { .. } => "group delete",
        }
    }

    pub(super) fn run(&self, world: &mut dyn World) -> Done {
        let admin = &mut self.cluster.admin(world, "listGroups").map_err(because("the cluster was not asked"))?;
        match &self.action {
            Action::List => list(admin),
            Action::Describe { names } => describe(admin, names),
            Action::Seek { name, to, topics, dry_run } => seek(admin, name, to, topics, *dry_run),
            Action::Delete { names, dry_run } => delete(admin, names, *dry_run),
        }
    }
}

fn list(admin: &mut Admin<'_>) -> Done {
    let mut groups = groups::listed(admin).map_err(because("groups were not listed"))?;
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    let object = |group: &groups::Listed| json!({ "name": group.name, "state": group.state, "type": group.kind });
    let result: Value = groups.iter().map(object).collect();
    if groups.is_empty() {
        return Ok(Outcome::new(result, "").warning("there are no groups; a consumer with a group.id makes one"));
    }
    let cells: Vec<Vec<String>> = groups.into_iter().map(|group| vec![group.name, group.state, group.kind]).collect();
    Ok(Outcome::new(result, table::aligned(&["GROUP", "STATE", "TYPE"], &cells)))
}

/// The group, or a complaint with the nearest name that there is.
fn found(admin: &mut Admin<'_>, name: &str, what: &str) -> Result<Group, Box<Refused>> {
    match groups::describe(admin, name) {
        Ok(group) if group.state != "Dead" => Ok(group),
        Err(failure) if failure.code != 69 => Err(because(what)(failure)),
        _ => {
            let there = groups::listed(admin).map_err(because(what))?;
            let near = nearest(name, there.iter().map(|group| group.name.as_str()));
            let near = near.map(|near| format!(" Did you mean \"{near}\"?")).unwrap_or_default();
            let complaint = Complaint::new(what).because(format!("there is no group \"{name}\".{near}"));
            Err(failed(complaint.help("connectd group list")))
        }
    }
}

fn describe(admin: &mut Admin<'_>, names: &[String]) -> Done {
    const WHAT: &str = "groups were not described";
    let (mut result, mut text) = (Vec::new(), String::new());
    for name in names {
        let group = found(admin, name, WHAT)?;
        let rows = lag::rows(admin, &group).map_err(because(WHAT))?;
        let shown = |number: Option<i64>| number.map_or("-".to_owned(), |number| number.to_string());
        let cells = rows.iter().map(|row| {
            vec![
                row.partition.0.clone(),
                row.partition.1.to_string(),
                shown(row.committed.map(|committed| committed.offset)),
                shown(row.end),
                shown(row.lag()),
                row.member.map_or("-".to_owned(), |member| member.client.clone()),
                row.member.map_or("-".to_owned(), |member| member.host.clone()),
            ]
        });
        let cells: Vec<Vec<String>> = cells.collect();
        let total: i64 = rows.iter().filter_map(lag::Row::lag).sum();
        if !text.is_empty() {
            text.push('\n');
        }
        let members = group.members.len();
        let plural = if members == 1 { "" } else { "s" };
        text += &format!("{name}  {}, {members} member{plural}, {total} behind\n", group.state);
        text += &table::aligned(&["TOPIC", "PARTITION", "OFFSET", "END", "LAG", "CLIENT", "HOST"], &cells);
        let idle: Vec<&str> = group
            .members
            .iter()
            .filter(|member| member.partitions.is_empty())
            .map(|member| member.client.as_str())
            .collect();
        if !idle.is_empty() {
            text += &format!("without partitions: {}\n", idle.join(", "));
        }
        let text_of = |number: Option<i64>| number.map(|number| number.to_string());
        let object = |row: &lag::Row<'_>| {
            json!({
                "topic": row.partition.0,
                "partition": row.partition.1,
                "offset": text_of(row.committed.map(|committed| committed.offset)),
                "end": text_of(row.end),
                "lag": text_of(row.lag()),
                "member": row.member.map(|member| &member.id),
            })
        };
        let members = group.members.iter().map(|member| {
            json!({ "id": member.id, "client": member.client, "host": member.host, "partitions": member.partitions.len() })
        });
        result.push(json!({
            "name": name,
            "state": group.state,
            "coordinator": group.coordinator.id,
            "lag": total.to_string(),
            "members": members.collect::<Vec<_>>(),
            "partitions": rows.iter().map(object).collect::<Vec<_>>(),
        }));
    }
    Ok(Outcome::new(result.into(), text))
}

fn target(place: Place) -> Target {
    match place {
        Place::Start => Target::Earliest,
        Place::End => Target::Latest,
        Place::At(offset) => Target::Offset(offset),
        Place::Ahead(count) => Target::Shift(count.into()),
        Place::Back(count) => Target::Shift(-i64::from(count)),
        Place::Time(ms) => Target::At(ms),
    }
}

fn seek(admin: &mut Admin<'_>, name: &str, to: &str, topics: &[String], dry_run: bool) -> Done {
    let what = format!("the offsets of group \"{name}\" were not moved");
    let target = Place::read(to, admin.world.now_ms()).map(target).map_err(|why| {
        input(
            Complaint::new(&what).because(why).help("say start, end, 42, +10, -10, @2026-01-31T12:00:00.000 or @-PT1H"),
        )
    })?;
    let group = match topics {
        // A group that is not there yet can be given offsets of topics that are named.
        [_, ..] => groups::describe(admin, name).ok().filter(|group| group.state != "Dead"),
        [] => Some(found(admin, name, &what)?),
    };
    if let Some(group) = group.filter(|group| !matches!(group.state.as_str(), "Empty" | "Dead")) {
        let why = format!("its state is {}, with {} members", group.state, group.members.len());
        return Err(failed(Complaint::new(what).because(why).help("stop its consumers first")));
    }
    let committed = groups::committed(admin, name).map_err(because(&what))?;
    let mut partitions: Vec<Partition> = match topics {
        [] => committed.keys().cloned().collect(),
        _ => {
            let partitions = topics.iter().map(|topic| reset::partitions_of(admin, topic));
            partitions.collect::<Result<Vec<_>, _>>().map_err(because(&what))?.concat()
        }
    };
    partitions.sort();
    let mut offsets = reset::offsets(admin, target, partitions, &committed).map_err(because(&what))?;
    offsets.sort();
    if !dry_run {
        groups::commit(admin, name, &offsets).map_err(because(&what))?;
    }
    let before = |partition: &Partition| committed.get(partition).map(|committed| committed.offset.to_string());
    let cells = offsets.iter().map(|(partition, offset)| {
        let before = before(partition).unwrap_or_else(|| "-".into());
        vec![partition.0.clone(), partition.1.to_string(), before, offset.to_string()]
    });
    let table = table::aligned(&["TOPIC", "PARTITION", "BEFORE", "AFTER"], &cells.collect::<Vec<_>>());
    let object = |(partition, offset): &(Partition, i64)| json!({ "topic": partition.0, "partition": partition.1, "before": before(partition), "after": offset.to_string() });
    let moved: Vec<Value> = offsets.iter().map(object).collect();
    let verb = if dry_run { "would move" } else { "moved" };
    let text = format!("{verb} group {name}\n{table}");
    Ok(Outcome::new(json!({ "name": name, "dry_run": dry_run, "offsets": moved }), text))
}

fn delete(admin: &mut Admin<'_>, names: &[String], dry_run: bool) -> Done {
    let (verb, mut text) = (if dry_run { "would delete" } else { "deleted" }, String::new());
    for name in names {
        let what = format!("group \"{name}\" was not deleted");
        let group = found(admin, name, &what)?;
        if !group.members.is_empty() {
            let why = format!("it has {} members", group.members.len());
            return Err(failed(Complaint::new(what).because(why).help("stop its consumers first")));
        }
        if !dry_run {
            groups::delete(admin, name).map_err(because(what))?;
        }
        text += &format!("{verb} group {name}\n");
    }
    Ok(Outcome::new(json!({ "deleted": names, "dry_run": dry_run }), text))
}
