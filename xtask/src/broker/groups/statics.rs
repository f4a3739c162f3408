//! Static members (KIP-345): they come back under a new id and find their place.

use super::member::{Member, await_state, describe, enter, settle, share_out};
use crate::broker::stage::Stage;
use anyhow::Result;

/// Back with the same metadata: no rebalance, and the old id is fenced.
pub fn returning(stage: &mut Stage) -> Result<()> {
    let mut a = Member::new(stage, "static", "a")?.instance("i-a");
    stage.note("no id is asked for", a.join()?);
    stage.note("a's sync", a.sync(&[(&a.id(), "a")])?);
    let mut b = Member::new(stage, "static", "b")?.instance("i-b");
    b.joins()?;
    stage.note("a is told of b", a.beat_until_told()?);
    a.joins()?;
    stage.note("a with b", a.joined()?);
    stage.note("b with a", b.joined()?);
    share_out(&mut [&mut a, &mut b])?;
    let mut back = b.reborn(stage)?;
    stage.note("the follower is back", back.join()?);
    stage.note("with its assignment", back.sync(&[])?);
    stage.note("and a is not told", a.beat()?);
    stage.note("described", describe(&a)?);
    stage.note("b's old id: heartbeat", b.beat()?);
    stage.note("b's old id: sync", b.sync(&[])?);
    stage.note("b's old id: join", b.join()?);
    let id = b.id();
    stage.note("b's old id: leave", b.dismiss(&[(&id, Some("i-b"))])?);
    b.request.group_instance_id = None;
    stage.note("b's old id, no instance: heartbeat", b.beat()?);
    stage.note("b's old id, no instance: leave", b.leave()?);
    let mut anonymous = back.elsewhere(stage)?;
    anonymous.request.group_instance_id = None;
    stage.note("the new id without its instance: heartbeat", anonymous.beat()?);
    let mut leader = a.reborn(stage)?;
    stage.note("the leader is back", leader.join()?);
    stage.note("with its assignment", leader.sync(&[])?);
    stage.note("b's heartbeat", back.beat()?);
    stage.note("the leader joins again with its new id", {
        leader.joins()?;
        await_state(&back, "PreparingRebalance")?;
        back.joins()?;
        leader.joined()?
    });
    stage.note("and b", back.joined()?);
    Ok(())
}

/// Back with other metadata.
pub fn changed(stage: &mut Stage) -> Result<()> {
    let mut a = Member::new(stage, "static changed", "a")?.instance("i-a").protocols(&["range", "roundrobin"]);
    let mut b = Member::new(stage, "static changed", "b")?.instance("i-b").protocols(&["range", "roundrobin"]);
    settle(&mut [&mut a, &mut b])?;
    let mut back = b.reborn(stage)?.metadata(&[("range", "b, changed"), ("roundrobin", "b")]);
    stage.note("other metadata, the same protocol", back.join()?);
    stage.note("described", describe(&a)?);
    stage.note("a's heartbeat", a.beat()?);
    let mut again = back.reborn(stage)?.metadata(&[("roundrobin", "b")]);
    again.joins()?;
    stage.note("another protocol: a is told", a.beat_until_told()?);
    a.joins()?;
    stage.note("a", a.joined()?);
    stage.note("b", again.joined()?);
    stage.note("its id before is fenced", back.beat()?);
    Ok(())
}

/// Back while a rebalance goes on, or before there is an assignment; and away while one goes on.
pub fn during_a_rebalance(stage: &mut Stage) -> Result<()> {
    let mut a = Member::new(stage, "static moving", "a")?.instance("i-a").rebalance(1_500);
    let mut b = Member::new(stage, "static moving", "b")?.instance("i-b").rebalance(1_500);
    settle(&mut [&mut a, &mut b])?;
    a.joins()?;
    stage.note("b is told", b.beat_until_told()?);
    let mut back = b.reborn(stage)?;
    back.joins()?;
    stage.note("b is back in the rebalance: a", a.joined()?);
    stage.note("b", back.joined()?);
    stage.note("its old id", b.beat()?);
    let mut waiting = back.elsewhere(stage)?;
    waiting.syncs(&[])?;
    stage.note("b lives", back.beat()?);
    let mut third = back.reborn(stage)?;
    third.joins()?;
    stage.note("b is back before there is an assignment: its sync", waiting.synced()?);
    stage.note("a's", a.sync(&[])?);
    a.joins()?;
    stage.note("a", a.joined()?);
    stage.note("b", third.joined()?);
    share_out(&mut [&mut a, &mut third])?;
    a.joins()?;
    stage.note("b is told, and stays away: a goes on, b is a member still", a.joined()?);
    stage.note("described", describe(&a)?);
    stage.note("b's heartbeat", third.beat()?);
    Ok(())
}

/// Two at once with one instance id: the later one wins.
pub fn twins(stage: &mut Stage) -> Result<()> {
    let mut a = Member::new(stage, "twins", "a")?;
    a.settle()?;
    let mut first = Member::new(stage, "twins", "first")?.instance("one");
    first.joins()?;
    stage.note("a is told", a.beat_until_told()?);
    let mut second = Member::new(stage, "twins", "second")?.instance("one");
    second.joins()?;
    stage.note("the first is fenced", first.joined()?);
    a.joins()?;
    stage.note("a", a.joined()?);
    stage.note("the second", second.joined()?);
    let mut third = Member::new(stage, "twins", "third")?.instance("one");
    second.syncs(&[])?;
    await_state(&a, "CompletingRebalance")?;
    third.joins()?;
    stage.note("the second's sync, when a third comes", second.synced()?);
    a.joins()?;
    stage.note("a then", a.joined()?);
    stage.note("the third", third.joined()?);
    Ok(())
}

/// By their instance ids, as an administrator makes them leave.
pub fn leaving(stage: &mut Stage) -> Result<()> {
    let mut a = Member::new(stage, "static left", "a")?.instance("i-a");
    let mut b = Member::new(stage, "static left", "b")?.instance("i-b");
    settle(&mut [&mut a, &mut b])?;
    stage.note("an instance nobody has", a.dismiss(&[("", Some("i-x"))])?);
    let id = a.id();
    stage.note("another's id", a.dismiss(&[(&id, Some("i-b"))])?);
    stage.note("a's id with an instance nobody has", a.dismiss(&[(&id, Some("i-x"))])?);
    stage.note("nobody is told", a.beat()?);
    stage.note("b by its instance", a.dismiss(&[("", Some("i-b"))])?);
    stage.note("a is told", a.beat_until_told()?);
    stage.note("b is out", b.beat()?);
    stage.note("a goes on", a.join()?);
    let mut back = b.reborn(stage)?;
    back.joins()?;
    await_state(&a, "PreparingRebalance")?;
    a.joins()?;
    stage.note("b comes as a new one", back.joined()?);
    stage.note("and a", a.joined()?);
    let id = a.id();
    stage.note("a by its id alone", a.dismiss(&[(&id, None)])?);
    stage.note("b is told", back.beat_until_told()?);
    let mut alone = Member::new(stage, "static alone", "alone")?.instance("only").session(600);
    enter(&mut alone)?;
    alone.sync(&[])?;
    await_state(&alone, "Empty")?;
    stage.note("a static member's session ends", describe(&alone)?);
    stage.note("it comes back with its old id", alone.join()?);
    let mut fresh = alone.reborn(stage)?;
    stage.note("and without one", fresh.join()?);
    Ok(())
}
