//! JoinGroup by those who are new, known, pending, too many, or nobody.

use super::member::{Member, await_state, describe, settle};
use crate::broker::ask::text;
use crate::broker::stage::Stage;
use anyhow::Result;
use kafka_protocol::messages::JoinGroupRequest;

/// The way of the first and the second member into a group.
pub fn joining(stage: &mut Stage) -> Result<()> {
    let mut a = Member::new(stage, "joining", "a")?;
    stage.note("a's first join", a.join()?);
    stage.note("a's second join", a.join()?);
    stage.note("described before it is assigned", describe(&a)?);
    stage.note("a's heartbeat before it is assigned", a.beat()?);
    stage.note("a's sync", a.sync(&[(&a.id(), "everything")])?);
    stage.note("described when stable", describe(&a)?);
    stage.note("a's second sync", a.sync(&[])?);
    stage.note("a's heartbeat", a.beat()?);
    let mut b = Member::new(stage, "joining", "b")?;
    stage.note("b's first join", b.join()?);
    stage.note("a's heartbeat while b has an id only", a.beat()?);
    b.joins()?;
    stage.note("a is told", a.beat_until_told()?);
    stage.note("described while it waits for a", describe(&a)?);
    stage.note("a's sync too early", a.sync(&[])?);
    a.joins()?;
    stage.note("b joined", b.joined()?);
    stage.note("a joined", a.joined()?);
    let mut follower = b.elsewhere(stage)?;
    follower.syncs(&[])?;
    stage.note("b's heartbeat while it waits", b.beat()?);
    stage.note("a's assignment, b forgotten, a stranger named", a.sync(&[(&a.id(), "x"), ("stranger", "y")])?);
    stage.note("b's", follower.synced()?);
    stage.note("described at last", describe(&a)?);
    Ok(())
}

/// Members that join again, with and without a change, in each state.
pub fn again(stage: &mut Stage) -> Result<()> {
    let mut a = Member::new(stage, "again", "a")?;
    let mut b = Member::new(stage, "again", "b")?;
    settle(&mut [&mut a, &mut b])?;
    stage.note("a follower, nothing changed", b.join()?);
    stage.note("described", describe(&a)?);
    a.joins()?;
    stage.note("the leader joins again: b is told", b.beat_until_told()?);
    b.joins()?;
    stage.note("a", a.joined()?);
    stage.note("b", b.joined()?);
    stage.note("the follower again before there is an assignment", b.join()?);
    stage.note("and the leader", a.join()?);
    b.set_metadata(&[("range", "b, changed")]);
    b.joins()?;
    stage.note("the follower with other metadata: a is told", a.beat_until_told()?);
    a.joins()?;
    stage.note("b then", b.joined()?);
    stage.note("a then", a.joined()?);
    stage.note("a syncs", a.sync(&[])?);
    b.set_metadata(&[("range", "b, changed again")]);
    b.joins()?;
    stage.note("the same in a stable group: a is told", a.beat_until_told()?);
    // What becomes of the first one's answer is not compared: Kafka never gives it.
    let mut impatient = b.elsewhere(stage)?;
    impatient.joins()?;
    stage.note("a join that waits, and comes again", b.elsewhere(stage)?.beat()?);
    a.joins()?;
    stage.note("the second", impatient.joined()?);
    stage.note("and a", a.joined()?);
    Ok(())
}

/// What becomes of ids that were handed out.
pub fn pending(stage: &mut Stage) -> Result<()> {
    let mut a = Member::new(stage, "pending", "a")?;
    a.settle()?;
    let mut b = Member::new(stage, "pending", "b")?.session(1_000);
    b.introduce()?;
    stage.note("its heartbeat", b.beat()?);
    stage.note("its sync", b.sync(&[])?);
    stage.note("nobody else is told", a.beat()?);
    stage.note("a rebalance waits for it, until its session is over", a.join()?);
    stage.note("then it comes", b.join()?);
    let mut c = Member::new(stage, "pending", "c")?;
    c.introduce()?;
    stage.note("it leaves", c.leave()?);
    stage.note("and leaves again", c.leave()?);
    stage.note("and joins", c.join()?);
    let mut alone = Member::new(stage, "pending alone", "alone")?;
    alone.introduce()?;
    stage.note("alone with an id: listed", describe(&alone)?);
    stage.note("it leaves an empty group", alone.leave()?);
    Ok(())
}

/// `group.max.size` is 3.
pub fn full(stage: &mut Stage) -> Result<()> {
    let [mut a, mut b, mut c] =
        [Member::new(stage, "full", "a")?, Member::new(stage, "full", "b")?, Member::new(stage, "full", "c")?];
    settle(&mut [&mut a, &mut b, &mut c])?;
    let mut d = Member::new(stage, "full", "d")?;
    stage.note("a fourth", d.join()?);
    let mut e = Member::new(stage, "full", "e")?.instance("e");
    stage.note("a static fourth", e.join()?);
    a.joins()?;
    await_state(&b, "PreparingRebalance")?;
    b.joins()?;
    stage.note("who is told", c.beat_until_told()?);
    stage.note("a fourth while the third has not joined", d.join()?);
    stage.note("which it does with its id", {
        d.joins()?;
        c.joins()?;
        [d.joined()?.error_code, c.joined()?.error_code, a.joined()?.error_code, b.joined()?.error_code]
            .iter()
            .filter(|code| **code != 0)
            .count()
    });
    Ok(())
}

/// Ids, generations and groups that nobody knows, in every request.
pub fn strangers(stage: &mut Stage) -> Result<()> {
    let mut nobody = Member::new(stage, "no such group", "nobody")?;
    nobody.request.member_id = text("stranger");
    stage.note("join, no group", nobody.join()?);
    stage.note("sync, no group", nobody.sync(&[])?);
    stage.note("heartbeat, no group", nobody.beat()?);
    stage.note("leave, no group", nobody.leave()?);
    stage.note("describe, no group", describe(&nobody)?);
    let mut a = Member::new(stage, "strangers", "a")?;
    a.settle()?;
    let mut stranger = Member::new(stage, "strangers", "stranger")?;
    stranger.request.member_id = text("stranger");
    stranger.generation = a.generation;
    stage.note("join", stranger.join()?);
    stage.note("sync", stranger.sync(&[])?);
    stage.note("heartbeat", stranger.beat()?);
    stage.note("leave", stranger.leave()?);
    let mut named = Member::new(stage, "strangers", "named")?.instance("no such instance");
    named.request.member_id = text(&a.id());
    named.generation = a.generation;
    stage.note("join, a's id and an instance", named.join()?);
    stage.note("sync, a's id and an instance", named.sync(&[])?);
    stage.note("heartbeat, a's id and an instance", named.beat()?);
    stage.note("leave, a's id and an instance", named.dismiss(&[(&a.id(), Some("no such instance"))])?);
    for (what, generation) in [("the last", a.generation - 1), ("the next", a.generation + 1), ("no", -1)] {
        let mut other = a.elsewhere(stage)?;
        other.generation = generation;
        stage.note(format!("sync of {what} generation"), other.sync(&[])?);
        stage.note(format!("heartbeat of {what} generation"), other.beat()?);
    }
    stage.note("and a lives", a.beat()?);
    Ok(())
}

/// Requests that make no sense.
pub fn nonsense(stage: &mut Stage) -> Result<()> {
    let mut member = Member::new(stage, "", "nameless")?;
    stage.note("join, no name", member.join()?);
    stage.note("sync, no name", member.sync(&[])?);
    stage.note("heartbeat, no name", member.beat()?);
    stage.note("leave, no name", member.leave()?);
    stage.note("describe, no name", describe(&member)?);
    for session in [i32::MIN, -1, 0, 499, 60_001, i32::MAX] {
        let mut member = Member::new(stage, "sessions", "member")?.session(session);
        stage.note(format!("a session of {session}"), member.join()?);
    }
    stage.note("and there is", describe(&Member::new(stage, "sessions", "member")?)?);
    let mut none = Member::new(stage, "no protocols", "member")?.protocols(&[]);
    stage.note("no protocols", none.join()?);
    let mut none = Member::new(stage, "no type", "member")?;
    none.request.protocol_type = text("");
    stage.note("no type", none.join()?);
    let mut empty = Member::new(stage, "empty instance", "member")?.instance("");
    stage.note("an empty instance id", empty.join()?);
    for version in 0..=5 {
        let mut member = Member::new(stage, &format!("version {version}"), "member")?;
        let mut request: JoinGroupRequest = member.request.clone();
        // Version 0 has one timeout, and the default of the other says so.
        if version == 0 {
            request.rebalance_timeout_ms = -1;
        }
        stage.note(format!("join {version}"), member.wire().ask(version, &request)?);
    }
    Ok(())
}
