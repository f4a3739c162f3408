//! OffsetCommit and OffsetFetch: who may, and what is kept.

use super::member::{Member, await_state, enter, settle};
use crate::broker::ask::{Connection, text};
use crate::broker::stage::Stage;
use anyhow::Result;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse};

/// The commit of one offset by a member, with what it believes about itself.
fn commit(member: &mut Member, topic: &str, offset: i64) -> Result<OffsetCommitResponse> {
    let request = of(member).with_topics(vec![topic_of(topic, &[(0, offset, "")])]);
    member.wire().ask(8, &request)
}

fn of(member: &Member) -> OffsetCommitRequest {
    OffsetCommitRequest::default()
        .with_group_id(member.request.group_id.clone())
        .with_generation_id_or_member_epoch(member.generation)
        .with_member_id(member.request.member_id.clone())
        .with_group_instance_id(member.request.group_instance_id.clone())
}

/// Partitions with offsets and notes.
fn topic_of(name: &str, offsets: &[(i32, i64, &str)]) -> OffsetCommitRequestTopic {
    let partition = |(partition, offset, note): &(i32, i64, &str)| {
        OffsetCommitRequestPartition::default()
            .with_partition_index(*partition)
            .with_committed_offset(*offset)
            .with_committed_metadata(Some(text(note)))
    };
    OffsetCommitRequestTopic::default()
        .with_name(text(name).into())
        .with_partitions(offsets.iter().map(partition).collect())
}

/// Everything that a group has committed.
fn fetch(wire: &mut Connection, group: &str) -> Result<OffsetFetchResponse> {
    let mut response =
        wire.ask(7, &OffsetFetchRequest::default().with_group_id(text(group).into()).with_topics(None))?;
    response.topics.sort_by_key(|topic| topic.name.clone());
    response.topics.iter_mut().for_each(|topic| topic.partitions.sort_by_key(|partition| partition.partition_index));
    Ok(response)
}

/// Members in each state of their group.
pub fn members(stage: &mut Stage) -> Result<()> {
    stage.topic("committed", 2, &[])?;
    let mut a = Member::new(stage, "commits", "a")?;
    enter(&mut a)?;
    stage.note("before there is an assignment", commit(&mut a, "committed", 1)?);
    stage.note("a's sync", a.sync(&[])?);
    stage.note("when stable", commit(&mut a, "committed", 2)?);
    for (what, generation) in
        [("the last generation", a.generation - 1), ("the next generation", a.generation + 1), ("no generation", -1)]
    {
        let mut other = a.elsewhere(stage)?;
        other.generation = generation;
        stage.note(what, commit(&mut other, "committed", 3)?);
    }
    let mut stranger = Member::new(stage, "commits", "stranger")?;
    stage.note("nobody, no generation, while there are members", commit(&mut stranger, "committed", 4)?);
    stranger.generation = a.generation;
    stage.note("nobody, this generation", commit(&mut stranger, "committed", 4)?);
    stranger.request.member_id = text("stranger");
    stage.note("a stranger, this generation", commit(&mut stranger, "committed", 4)?);
    stranger.generation = -1;
    stage.note("a stranger, no generation", commit(&mut stranger, "committed", 4)?);
    let mut b = Member::new(stage, "commits", "b")?;
    b.introduce()?;
    stage.note("one with an id only", commit(&mut b, "committed", 5)?);
    b.joins()?;
    await_state(&a, "PreparingRebalance")?;
    stage.note("during a rebalance", commit(&mut a, "committed", 6)?);
    let mut early = b.elsewhere(stage)?;
    early.generation = a.generation;
    stage.note("a new member in a generation it is not in", commit(&mut early, "committed", 7)?);
    a.joins()?;
    a.joined()?;
    b.joined()?;
    stage.note("before the next assignment", commit(&mut a, "committed", 8)?);
    stage.note("a leaves", a.leave()?);
    stage.note("and commits", commit(&mut a, "committed", 9)?);
    stage.note("b leaves", b.leave()?);
    stage.note("b commits to an empty group", commit(&mut b, "committed", 10)?);
    b.generation = -1;
    stage.note("without a generation", commit(&mut b, "committed", 11)?);
    stage.note("what is kept", fetch(a.wire(), "commits")?);
    let mut one = Member::new(stage, "static commits", "one")?.instance("one");
    let mut two = Member::new(stage, "static commits", "two")?.instance("two");
    settle(&mut [&mut one, &mut two])?;
    let mut back = two.reborn(stage)?;
    enter(&mut back)?;
    stage.note("an old static id", commit(&mut two, "committed", 1)?);
    stage.note("the new one", commit(&mut back, "committed", 2)?);
    back.request.group_instance_id = Some(text("one"));
    stage.note("another's instance", commit(&mut back, "committed", 3)?);
    back.request.group_instance_id = Some(text("none"));
    stage.note("an instance nobody has", commit(&mut back, "committed", 4)?);
    back.request.group_instance_id = None;
    stage.note("no instance", commit(&mut back, "committed", 5)?);
    Ok(())
}

/// Those who use a group's name and nothing else of it.
pub fn simple(stage: &mut Stage) -> Result<()> {
    stage.topic("simple", 3, &[])?;
    let mut nobody = Member::new(stage, "simple commits", "nobody")?;
    stage.note("of a group never heard of", fetch(nobody.wire(), "simple commits")?);
    let some = OffsetFetchRequest::default().with_group_id(text("simple commits").into()).with_topics(Some(vec![
        OffsetFetchRequestTopic::default().with_name(text("simple").into()).with_partition_indexes(vec![0, 9]),
        OffsetFetchRequestTopic::default().with_name(text("no such topic").into()).with_partition_indexes(vec![0]),
    ]));
    stage.note("some partitions of it", nobody.wire().ask(7, &some)?);
    let long = "x".repeat(4_096);
    let longer = "x".repeat(4_097);
    let mixed = of(&nobody).with_topics(vec![
        topic_of("simple", &[(0, 5, "a note"), (1, 6, &long), (2, 7, &longer), (3, 8, "no such partition")]),
        topic_of("no such topic", &[(0, 1, "")]),
    ]);
    let mut answer = nobody.wire().ask(8, &mixed)?;
    answer.topics.iter_mut().for_each(|topic| topic.partitions.sort_by_key(|partition| partition.partition_index));
    stage.note("good and bad at once", answer);
    stage.note("what is kept", fetch(nobody.wire(), "simple commits")?);
    stage.note("some of it", nobody.wire().ask(7, &some)?);
    let negative = of(&nobody).with_topics(vec![topic_of("simple", &[(0, -1, ""), (1, -2, ""), (2, i64::MAX, "")])]);
    stage.note("negative offsets", nobody.wire().ask(8, &negative)?);
    stage.note("and then", fetch(nobody.wire(), "simple commits")?);
    let twice = of(&nobody).with_topics(vec![topic_of("simple", &[(0, 20, "first"), (0, 21, "second")])]);
    stage.note("a partition twice", nobody.wire().ask(8, &twice)?);
    stage.note("the last one counts", fetch(nobody.wire(), "simple commits")?);
    stage.note("nothing at all", {
        let nothing = of(&nobody);
        nobody.wire().ask(8, &nothing)?
    });
    nobody.generation = 3;
    stage.note("a generation of a group without members", commit(&mut nobody, "simple", 1)?);
    let mut other = Member::new(stage, "no group", "other")?;
    other.generation = 3;
    stage.note("a generation of no group", commit(&mut other, "simple", 1)?);
    other.request.member_id = text("stranger");
    stage.note("a member of no group", commit(&mut other, "simple", 1)?);
    other.generation = -1;
    stage.note("a name without a generation", commit(&mut other, "simple", 1)?);
    let mut nameless = Member::new(stage, "", "nameless")?;
    stage.note("a group without a name", commit(&mut nameless, "simple", 1)?);
    for version in [2, 5, 6, 7] {
        let mut old = Member::new(stage, &format!("commits {version}"), "old")?;
        let request = of(&old).with_topics(vec![topic_of("simple", &[(0, 1, "old")])]);
        stage.note(format!("version {version}"), old.wire().ask(version, &request)?);
    }
    Ok(())
}
