//! What time does to a group.

use super::member::{Member, await_state, describe, enter, settle};
use crate::broker::stage::Stage;
use anyhow::Result;

/// A member that is not heard of for its session is removed, and the others are told.
pub fn session(stage: &mut Stage) -> Result<()> {
    let mut a = Member::new(stage, "session", "a")?;
    let mut b = Member::new(stage, "session", "b")?.session(1_000);
    settle(&mut [&mut a, &mut b])?;
    stage.note("a is told", a.beat_until_told()?);
    stage.note("b is out", b.beat()?);
    stage.note("described", describe(&a)?);
    stage.note("a goes on alone", a.join()?);
    stage.note("b joins with its old id", b.join()?);
    stage.note("and syncs", b.sync(&[])?);
    let mut alone = Member::new(stage, "session alone", "alone")?.session(600);
    alone.settle()?;
    await_state(&alone, "Empty")?;
    stage.note("the last one's session ends", describe(&alone)?);
    stage.note("its heartbeat", alone.beat()?);
    let mut leader = Member::new(stage, "leader's session", "leader")?.session(1_000);
    let mut other = Member::new(stage, "leader's session", "other")?;
    settle(&mut [&mut leader, &mut other])?;
    stage.note("the leader's session ends", other.beat_until_told()?);
    stage.note("the other leads", other.join()?);
    Ok(())
}

/// A member that does not join again within the rebalance timeout is removed, however well its heart beats.
pub fn rebalance(stage: &mut Stage) -> Result<()> {
    let mut a = Member::new(stage, "rebalance", "a")?.rebalance(1_500);
    let mut b = Member::new(stage, "rebalance", "b")?.rebalance(1_500);
    settle(&mut [&mut a, &mut b])?;
    let mut c = Member::new(stage, "rebalance", "c")?.rebalance(1_500);
    c.introduce()?;
    c.joins()?;
    stage.note("b is told", b.beat_until_told()?);
    a.joins()?;
    stage.note("and told again", b.beat()?);
    stage.note("a, without b", a.joined()?);
    stage.note("c", c.joined()?);
    stage.note("b is out", b.beat()?);
    stage.note("b joins with its old id", b.join()?);
    let mut leader = Member::new(stage, "leader is late", "leader")?.rebalance(1_500);
    let mut other = Member::new(stage, "leader is late", "other")?.rebalance(1_500);
    settle(&mut [&mut leader, &mut other])?;
    other.set_metadata(&[("range", "other, changed")]);
    stage.note("the leader is the one who does not: the other leads", other.join()?);
    Ok(())
}

/// Two members who have joined again, and whose assignment is the first one's to make.
fn unassigned(stage: &mut Stage, group: &str) -> Result<[Member; 2]> {
    let mut a = Member::new(stage, group, "a")?.rebalance(1_500);
    let mut b = Member::new(stage, group, "b")?.rebalance(1_500);
    settle(&mut [&mut a, &mut b])?;
    a.joins()?;
    stage.note("b is told", b.beat_until_told()?);
    b.joins()?;
    a.joined()?;
    b.joined()?;
    Ok([a, b])
}

/// A leader that never assigns is removed, and those who wait for it join again.
pub fn leader_is_silent(stage: &mut Stage) -> Result<()> {
    let [mut a, mut b] = unassigned(stage, "silent leader")?;
    stage.note("b waits for an assignment in vain", b.sync(&[])?);
    stage.note("a is out", a.beat()?);
    stage.note("described", describe(&b)?);
    stage.note("b leads", b.join()?);
    Ok(())
}

/// So is a follower that never asks for its assignment, though the group is stable without it.
pub fn follower_is_silent(stage: &mut Stage) -> Result<()> {
    let [mut a, mut b] = unassigned(stage, "silent follower")?;
    stage.note("a assigns", a.sync(&[(&a.id(), "a"), (&b.id(), "b")])?);
    stage.note("stable", describe(&a)?);
    stage.note("a is told", a.beat_until_told()?);
    stage.note("b is out", b.beat()?);
    stage.note("a goes on", a.join()?);
    Ok(())
}

/// The first members of a group wait for each other.
pub fn initial_delay(stage: &mut Stage) -> Result<()> {
    let mut a = Member::new(stage, "initial", "a")?;
    let mut b = Member::new(stage, "initial", "b")?;
    a.introduce()?;
    b.introduce()?;
    a.joins()?;
    await_state(&a, "PreparingRebalance")?;
    stage.note("described while they wait", describe(&a)?);
    b.joins()?;
    stage.note("a", a.joined()?);
    stage.note("b, in the same generation", b.joined()?);
    stage.note("a's sync", a.sync(&[(&b.id(), "all")])?);
    stage.note("b's", b.sync(&[])?);
    stage.note("a leaves", a.leave()?);
    stage.note("no delay for those who were there", b.join()?);
    stage.note("b leaves", b.leave()?);
    stage.note("empty", describe(&a)?);
    // An empty group is like a new one.
    let mut c = Member::new(stage, "initial", "c")?;
    let mut d = Member::new(stage, "initial", "d")?;
    c.introduce()?;
    d.introduce()?;
    c.joins()?;
    await_state(&c, "PreparingRebalance")?;
    d.joins()?;
    stage.note("c, after all", c.joined()?);
    stage.note("d, in the same generation", d.joined()?);
    let mut short = Member::new(stage, "short", "short")?.rebalance(100);
    stage.note("one that would not wait so long", enter(&mut short).is_ok());
    stage.note("and its generation", short.generation);
    Ok(())
}
