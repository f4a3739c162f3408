//! LeaveGroup of members by their ids.

use super::member::{Member, describe, settle};
use crate::broker::ask::text;
use crate::broker::stage::Stage;
use anyhow::Result;
use kafka_protocol::messages::LeaveGroupRequest;

/// One by one, several at once, by versions old and new.
pub fn leaving(stage: &mut Stage) -> Result<()> {
    let [mut a, mut b, mut c] =
        [Member::new(stage, "leaving", "a")?, Member::new(stage, "leaving", "b")?, Member::new(stage, "leaving", "c")?];
    settle(&mut [&mut a, &mut b, &mut c])?;
    let ids = [b.id(), c.id()];
    stage.note("nobody", a.dismiss(&[])?);
    stage.note("is told", a.beat()?);
    stage.note(
        "two, one twice, and a stranger",
        a.dismiss(&[(&ids[0], None), (&ids[0], None), ("", None), ("x", None), (&ids[1], None)])?,
    );
    stage.note("a is told", a.beat_until_told()?);
    stage.note("b is out", b.beat()?);
    stage.note("described", describe(&a)?);
    stage.note("a goes on", a.join()?);
    stage.note("the leader leaves before it assigns", a.leave()?);
    stage.note("empty", describe(&a)?);
    stage.note("its heartbeat", a.beat()?);
    stage.note("its sync", a.sync(&[])?);
    stage.note("its join", a.join()?);
    let mut next = Member::new(stage, "leaving", "next")?;
    next.introduce()?;
    stage.note("generations go on", next.join()?);
    for version in 0..=2 {
        let mut old = Member::new(stage, &format!("leaving {version}"), "old")?;
        old.settle()?;
        let request = |id: &str| {
            LeaveGroupRequest::default().with_group_id(old.request.group_id.clone()).with_member_id(text(id))
        };
        let [stranger, itself] = [request("stranger"), request(&old.id())];
        stage.note(format!("a stranger, version {version}"), old.wire().ask(version, &stranger)?);
        stage.note(format!("itself, version {version}"), old.wire().ask(version, &itself)?);
        stage.note(format!("again, version {version}"), old.wire().ask(version, &itself)?);
    }
    Ok(())
}

/// Those who wait get their answers.
pub fn during_a_rebalance(stage: &mut Stage) -> Result<()> {
    let [mut a, mut b] = [Member::new(stage, "left", "a")?, Member::new(stage, "left", "b")?];
    settle(&mut [&mut a, &mut b])?;
    a.joins()?;
    stage.note("b is told", b.beat_until_told()?);
    stage.note("and leaves", b.leave()?);
    stage.note("a goes on at once", a.joined()?);
    let mut c = Member::new(stage, "left", "c")?;
    c.introduce()?;
    c.joins()?;
    stage.note("a is told", a.beat_until_told()?);
    let mut hand = c.elsewhere(stage)?;
    stage.note("c leaves while its join waits", hand.leave()?);
    stage.note("which is answered", c.joined()?);
    stage.note("a is told still", a.beat()?);
    stage.note("and joins", a.join()?);
    Ok(())
}
