//! What tools ask of groups: list, describe, delete, and delete offsets.

use super::member::{Member, await_state, describe};
use crate::broker::ask::text;
use crate::broker::stage::Stage;
use anyhow::Result;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest, ListGroupsResponse, OffsetCommitRequest,
    OffsetDeleteRequest, OffsetDeleteResponse,
};

/// The groups of this script, among those of the others.
fn list(member: &mut Member, states: &[&str], types: &[&str]) -> Result<ListGroupsResponse> {
    let request = ListGroupsRequest::default()
        .with_states_filter(states.iter().map(|state| text(state)).collect())
        .with_types_filter(types.iter().map(|kind| text(kind)).collect());
    let mut response = member.wire().ask(5, &request)?;
    response.groups.retain(|group| group.group_id.starts_with("admin "));
    response.groups.sort_by_key(|group| group.group_id.clone());
    Ok(response)
}

/// Commits offset 1 of partition 0 without being a member.
fn commit(member: &mut Member, topics: &[&str]) -> Result<()> {
    let topic = |name: &&str| {
        OffsetCommitRequestTopic::default()
            .with_name(text(name).into())
            .with_partitions(vec![OffsetCommitRequestPartition::default().with_committed_offset(1)])
    };
    let request = OffsetCommitRequest::default()
        .with_group_id(member.request.group_id.clone())
        .with_generation_id_or_member_epoch(-1)
        .with_topics(topics.iter().map(topic).collect());
    member.wire().ask(7, &request)?;
    Ok(())
}

/// Groups in each state, listed, described and deleted.
pub fn groups(stage: &mut Stage) -> Result<()> {
    stage.topic("administered", 1, &[])?;
    let mut stable = Member::new(stage, "admin stable", "stable")?;
    stable.settle()?;
    let mut empty = Member::new(stage, "admin empty", "empty")?;
    empty.settle()?;
    empty.leave()?;
    let mut simple = Member::new(stage, "admin simple", "simple")?;
    commit(&mut simple, &["administered"])?;
    let mut moving = Member::new(stage, "admin moving", "moving")?;
    moving.settle()?;
    let mut mover = Member::new(stage, "admin moving", "mover")?;
    mover.introduce()?;
    mover.joins()?;
    await_state(&moving, "PreparingRebalance")?;
    let mut completing = Member::new(stage, "admin completing", "completing")?;
    super::member::enter(&mut completing)?;
    let mut pending = Member::new(stage, "admin pending", "pending")?;
    pending.introduce()?;
    stage.note("all", list(&mut stable, &[], &[])?);
    for states in [
        &["Stable"][..],
        &["stable"],
        &["Empty", "PreparingRebalance"],
        &["CompletingRebalance"],
        &["Dead"],
        &["nonsense"],
        &[""],
    ] {
        stage.note(format!("those in {states:?}"), list(&mut stable, states, &[])?);
    }
    for types in [&["classic"][..], &["Classic"], &["consumer"], &["share"], &["nonsense"], &["classic", "consumer"]] {
        stage.note(format!("of type {types:?}"), list(&mut stable, &[], types)?);
    }
    for version in 0..=4 {
        let mut response = stable.wire().ask(version, &ListGroupsRequest::default())?;
        response.groups.retain(|group| group.group_id.starts_with("admin "));
        response.groups.sort_by_key(|group| group.group_id.clone());
        stage.note(format!("all, version {version}"), response);
    }
    for member in [&stable, &empty, &simple, &moving, &completing, &pending] {
        stage.note(format!("{:?}", member.request.group_id), describe(member)?);
    }
    let names = ["admin stable", "admin nobody", "admin simple", "admin stable", ""];
    let names: Vec<_> = names.iter().map(|name| text(name).into()).collect();
    for version in [0, 3, 4, 5, 6] {
        let request = DescribeGroupsRequest::default()
            .with_groups(names.clone())
            .with_include_authorized_operations(version >= 3);
        let mut response = stable.wire().ask(version, &request)?;
        response.groups.sort_by_key(|group| group.group_id.clone());
        stage.note(format!("described by version {version}"), response);
    }
    let names = [
        "admin stable",
        "admin empty",
        "admin simple",
        "admin moving",
        "admin completing",
        "admin pending",
        "admin nobody",
        "",
    ];
    for name in names {
        let request = DeleteGroupsRequest::default().with_groups_names(vec![text(name).into()]);
        stage.note(format!("deleted: {name:?}"), stable.wire().ask(2, &request)?);
        stage.note("again", stable.wire().ask(2, &request)?);
    }
    stage.note("left", list(&mut stable, &[], &[])?);
    let mut anew = Member::new(stage, "admin empty", "anew")?;
    anew.introduce()?;
    stage.note("a deleted group begins anew", anew.join()?);
    stage.note("an id of a deleted group", pending.join()?);
    Ok(())
}

fn delete(member: &mut Member, topics: &[(&str, &[i32])]) -> Result<OffsetDeleteResponse> {
    let topic = |(name, partitions): &(&str, &[i32])| {
        let partition = |index: &i32| OffsetDeleteRequestPartition::default().with_partition_index(*index);
        OffsetDeleteRequestTopic::default()
            .with_name(text(name).into())
            .with_partitions(partitions.iter().map(partition).collect())
    };
    let request = OffsetDeleteRequest::default()
        .with_group_id(member.request.group_id.clone())
        .with_topics(topics.iter().map(topic).collect());
    let mut response = member.wire().ask(0, &request)?;
    response.topics.sort_by_key(|topic| topic.name.clone());
    response.topics.iter_mut().for_each(|topic| topic.partitions.sort_by_key(|partition| partition.partition_index));
    Ok(response)
}

/// Offsets of topics that are read, and of others.
pub fn offsets(stage: &mut Stage) -> Result<()> {
    for topic in ["read", "unread"] {
        stage.topic(topic, 2, &[])?;
    }
    let wanted: [(&str, &[i32]); 3] = [("read", &[0]), ("unread", &[0, 1, 7]), ("no such topic", &[0])];
    let mut consumer = Member::new(stage, "deletions", "consumer")?.reads(&["read"]);
    stage.note("no such group", delete(&mut consumer, &wanted)?);
    commit(&mut consumer, &["read", "unread"])?;
    consumer.settle()?;
    stage.note("a topic that is read, one that is not, one that is not there", delete(&mut consumer, &wanted)?);
    stage.note("nothing", delete(&mut consumer, &[])?);
    let mut other = Member::new(stage, "deletions", "other")?.reads(&["unread"]);
    other.introduce()?;
    other.joins()?;
    await_state(&consumer, "PreparingRebalance")?;
    // What the new one reads counts for us at once, for Kafka in the next generation.
    stage.note("during a rebalance", delete(&mut consumer, &[wanted[0], wanted[2]])?);
    consumer.joins()?;
    consumer.joined()?;
    other.joined()?;
    stage.note("before there is an assignment", delete(&mut consumer, &wanted)?);
    stage.note("they leave", (consumer.leave()?, other.leave()?));
    stage.note("of an empty group", delete(&mut consumer, &wanted)?);
    let mut worker = Member::new(stage, "deletions of workers", "worker")?;
    worker.request.protocol_type = text("connect");
    commit(&mut worker, &["read"])?;
    worker.settle()?;
    stage.note("of a group of another type", delete(&mut worker, &wanted)?);
    let mut nameless = Member::new(stage, "", "nameless")?;
    stage.note("no name", delete(&mut nameless, &wanted)?);
    Ok(())
}
