//! `kafka-consumer-groups --describe`: offsets, members, state.
//!
//! Owns the tables. Invariant: columns are Kafka's to the blank, also at the end of a line.

use std::collections::BTreeMap;

use super::named;
use crate::{
    admin::Admin,
    failure::Failure,
    flags::Given,
    groups::{
        self, Group, Member,
        lag::{self, Row},
    },
    offsets::Partition,
};

/// What stands where there is nothing.
const MISSING: &str = "-";

pub(super) fn describe(given: &Given, admin: &mut Admin<'_>) -> Result<(), Failure> {
    let names = named(given, admin)?;
    // All are asked before anything is printed: one that is not there is the only thing that is told then.
    let groups = names.iter().map(|name| groups::describe(admin, name)).collect::<Result<Vec<Group>, Failure>>()?;
    let verbose = given.has("verbose");
    let views = groups.iter().map(|group| match (given.has("members"), given.has("state")) {
        (true, _) => Ok(members(group, verbose)),
        (_, true) => Ok(state(group, verbose)),
        _ => lag::rows(admin, group).map(|rows| offset_table(&rows, verbose)),
    });
    let views = views.collect::<Result<Vec<String>, Failure>>()?;
    for (group, view) in groups.iter().zip(views) {
        if has_something(admin, group) {
            admin.world.out(&view);
        }
    }
    Ok(())
}

/// Says what is peculiar about the group's state; false if there is nothing to show.
fn has_something(admin: &mut Admin<'_>, group: &Group) -> bool {
    let name = &group.name;
    match group.state.as_str() {
        "Dead" => {
            admin.world.out(&format!("\nError: Consumer group '{name}' does not exist.\n"));
            return false;
        }
        "Empty" => admin.world.err(&format!("\nConsumer group '{name}' has no active members.\n")),
        "PreparingRebalance" | "CompletingRebalance" | "Assigning" | "Reconciling" => {
            admin.world.err(&format!("\nWarning: Consumer group '{name}' is rebalancing.\n"));
        }
        _ => {}
    }
    true
}

/// The widest of these, and at least 15.
fn width<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0).max(15)
}

fn number<T: ToString>(number: Option<T>) -> String {
    number.map_or(MISSING.to_owned(), |number| number.to_string())
}

fn offset_table(rows: &[Row<'_>], verbose: bool) -> String {
    let group = width(rows.iter().map(|row| row.group));
    let topic = width(rows.iter().map(|row| row.partition.0.as_str()));
    let id = width(rows.iter().filter_map(|row| row.member).map(|member| member.id.as_str()));
    let host = width(rows.iter().filter_map(|row| row.member).map(|member| member.host.as_str()));
    let line = |cells: [&str; 10]| {
        let [name, its_topic, partition, epoch, current, end, lag, member, its_host, client] = cells;
        let epoch = if verbose { format!(" {epoch:<15}") } else { String::new() };
        format!(
            "{name:<group$} {its_topic:<topic$} {partition:<10}{epoch} {current:<15} {end:<15} {lag:<15} {member:<id$} {its_host:<host$} {client}\n"
        )
    };
    let mut text = "\n".to_owned();
    text.push_str(&line([
        "GROUP",
        "TOPIC",
        "PARTITION",
        "LEADER-EPOCH",
        "CURRENT-OFFSET",
        "LOG-END-OFFSET",
        "LAG",
        "CONSUMER-ID",
        "HOST",
        "CLIENT-ID",
    ]));
    for row in rows {
        let current = row.committed.map(|committed| committed.offset);
        let of_member = |of: fn(&Member) -> &str| row.member.map_or(MISSING, of);
        text.push_str(&line([
            row.group,
            &row.partition.0,
            &row.partition.1.to_string(),
            &number(row.committed.and_then(|committed| committed.epoch)),
            &number(current),
            &number(row.end),
            &number(row.lag()),
            of_member(|member| &member.id),
            of_member(|member| &member.host),
            of_member(|member| &member.client),
        ]));
    }
    text
}

/// `topic:0,1;other:2`.
fn assignment(partitions: &[Partition]) -> String {
    let mut topics: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (topic, partition) in partitions {
        topics.entry(topic).or_default().push(partition.to_string());
    }
    let topics: Vec<String> =
        topics.iter().map(|(topic, partitions)| format!("{topic}:{}", partitions.join(","))).collect();
    if topics.is_empty() { MISSING.to_owned() } else { topics.join(";") }
}

fn members(group: &Group, verbose: bool) -> String {
    const ASSIGNMENT: usize = 20;
    let members = &group.members;
    let name = width(std::iter::once(group.name.as_str()).filter(|_| !members.is_empty()));
    let id = width(members.iter().map(|member| member.id.as_str()));
    let host = width(members.iter().map(|member| member.host.as_str()));
    let client = width(members.iter().map(|member| member.client.as_str()));
    let now: Vec<String> = members.iter().map(|member| assignment(&member.partitions)).collect();
    let target = |member: &Member| member.target.as_ref().map_or(MISSING.to_owned(), |(_, target)| assignment(target));
    let then: Vec<String> = members.iter().map(target).collect();
    let widest = |texts: &[String]| width(texts.iter().map(String::as_str)).max(ASSIGNMENT);
    let (now_width, then_width) = (widest(&now), widest(&then));
    let line = |cells: [&str; 9]| {
        let [its_group, member, its_host, its_client, count, epoch, now, target_epoch, then] = cells;
        let more = match verbose {
            true => format!("{epoch:<15} {now:<now_width$} {target_epoch:<15} {then:<then_width$}"),
            false => String::new(),
        };
        format!("{its_group:<name$} {member:<id$} {its_host:<host$} {its_client:<client$} {count:<15} {more}\n")
    };
    let mut text = "\n".to_owned();
    text.push_str(&line([
        "GROUP",
        "CONSUMER-ID",
        "HOST",
        "CLIENT-ID",
        "#PARTITIONS",
        "CURRENT-EPOCH",
        "CURRENT-ASSIGNMENT",
        "TARGET-EPOCH",
        "TARGET-ASSIGNMENT",
    ]));
    for ((member, now), then) in members.iter().zip(&now).zip(&then) {
        let epoch = number(member.target.as_ref().map(|(epoch, _)| epoch));
        let target_epoch = number(member.target.as_ref().and(group.epochs).map(|(_, target)| target));
        let count = member.partitions.len().to_string();
        text.push_str(&line([
            &group.name,
            &member.id,
            &member.host,
            &member.client,
            &count,
            &epoch,
            now,
            &target_epoch,
            then,
        ]));
    }
    text
}

fn state(group: &Group, verbose: bool) -> String {
    let coordinator = format!("{}  ({})", group.coordinator.address(), group.coordinator.id);
    let place = coordinator.chars().count().max(25);
    let name = width(std::iter::once(group.name.as_str()));
    let assignor = if group.assignor.is_empty() { MISSING } else { &group.assignor };
    let line = |cells: [&str; 7]| {
        let [its_group, coordinator, strategy, state, epoch, target, members] = cells;
        let more = if verbose { format!("{epoch:<15} {target:<25} ") } else { String::new() };
        format!("{its_group:<name$} {coordinator:<place$} {strategy:<20} {state:<20} {more}{members}\n")
    };
    let header = [
        "GROUP",
        "COORDINATOR (ID)",
        "ASSIGNMENT-STRATEGY",
        "STATE",
        "GROUP-EPOCH",
        "TARGET-ASSIGNMENT-EPOCH",
        "#MEMBERS",
    ];
    let epoch = number(group.epochs.map(|(epoch, _)| epoch));
    let target = number(group.epochs.map(|(_, target)| target));
    let count = group.members.len().to_string();
    format!("\n{}{}", line(header), line([&group.name, &coordinator, assignor, &group.state, &epoch, &target, &count]))
}
