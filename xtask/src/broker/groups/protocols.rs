//! Which protocol a group takes, and who does not get in.

use super::member::{Member, await_state, describe, settle};
use crate::broker::ask::text;
use crate::broker::stage::Stage;
use anyhow::Result;

/// Other types, nothing in common, and a SyncGroup that says something else than was decided.
pub fn inconsistent(stage: &mut Stage) -> Result<()> {
    let mut a = Member::new(stage, "inconsistent", "a")?.protocols(&["range", "roundrobin"]);
    a.settle()?;
    let mut b = Member::new(stage, "inconsistent", "b")?.protocols(&["sticky"]);
    stage.note("nothing in common", b.join()?);
    let mut b = Member::new(stage, "inconsistent", "b")?;
    b.request.protocol_type = text("connect");
    stage.note("another type", b.join()?);
    let mut b = Member::new(stage, "inconsistent", "b")?.instance("static").protocols(&["sticky"]);
    stage.note("a static one with nothing in common", b.join()?);
    a.set_metadata(&[("sticky", "a")]);
    stage.note("the only member with another protocol", a.join()?);
    stage.note("then", describe(&a)?);
    for (kind, name) in [("consumer", "range"), ("connect", "sticky"), ("consumer", "sticky")] {
        let request = a.sync_request(&[]).with_protocol_type(Some(text(kind))).with_protocol_name(Some(text(name)));
        stage.note(format!("sync of {kind}, {name}"), a.wire().ask(5, &request)?);
    }
    stage.note("sync of no name", {
        let request = a.sync_request(&[]).with_protocol_name(None);
        a.wire().ask(5, &request)?
    });
    stage.note("sync of no type", {
        let request = a.sync_request(&[]).with_protocol_type(None);
        a.wire().ask(5, &request)?
    });
    let mut stranger = Member::new(stage, "inconsistent", "stranger")?;
    stage.note("sync of no type, of nobody", {
        let request = stranger.sync_request(&[]).with_protocol_type(None);
        stranger.wire().ask(5, &request)?
    });
    let mut b = Member::new(stage, "inconsistent", "b")?.protocols(&["sticky", "range"]);
    b.introduce()?;
    b.joins()?;
    await_state(&a, "PreparingRebalance")?;
    a.set_metadata(&[("range", "a")]);
    a.joins()?;
    stage.note("a changes to the other's second choice", a.joined()?);
    stage.note("which it takes", b.joined()?);
    let mut c = Member::new(stage, "inconsistent", "c")?.protocols(&["sticky"]);
    stage.note("what one member alone has is not enough", c.join()?);
    stage.note("the last one leaves", (a.leave()?, b.leave()?));
    stage.note("an empty group has its type", describe(&a)?);
    let mut connect = Member::new(stage, "inconsistent", "worker")?.protocols(&["default"]);
    connect.request.protocol_type = text("connect");
    connect.introduce()?;
    stage.note("and takes another", connect.join()?);
    stage.note("described", describe(&connect)?);
    Ok(())
}

/// The protocol that most prefer among those that all have.
pub fn votes(stage: &mut Stage) -> Result<()> {
    let elections: [(&str, [&[&str]; 3]); 4] = [
        ("two of three", [&["range", "roundrobin"], &["roundrobin", "range"], &["roundrobin", "range"]]),
        (
            "the favourite is not common",
            [&["sticky", "range"], &["sticky", "range", "roundrobin"], &["range", "roundrobin"]],
        ),
        ("the leader's choice does not count more", [&["range", "sticky"], &["sticky", "range"], &["sticky", "range"]]),
        ("one for all", [&["x", "y"], &["z", "y"], &["y"]]),
    ];
    for (what, choices) in elections {
        let group = format!("votes: {what}");
        let mut members = Vec::new();
        for (name, protocols) in ["a", "b", "c"].into_iter().zip(choices) {
            members.push(Member::new(stage, &group, name)?.protocols(protocols));
        }
        let [a, b, c] = &mut members[..] else { unreachable!("there are three") };
        settle(&mut [a, b, c])?;
        stage.note(what, describe(a)?);
    }
    Ok(())
}

/// The two steps of an upgrade to cooperative rebalancing (KIP-429), metadata of version 1 included.
pub fn cooperative(stage: &mut Stage) -> Result<()> {
    let both = [("cooperative-sticky", "both: cooperative"), ("range", "both: range")];
    let mut a = Member::new(stage, "cooperative", "a")?;
    let mut b = Member::new(stage, "cooperative", "b")?;
    settle(&mut [&mut a, &mut b])?;
    for (what, metadata) in [("both protocols", &both[..]), ("the new one alone", &both[..1])] {
        for at in [0, 1] {
            let [member, other] = if at == 0 { [&mut a, &mut b] } else { [&mut b, &mut a] };
            stage.note(format!("{what}: leaves to come back"), member.leave()?);
            stage.note("the other is told", other.beat_until_told()?);
            other.joins()?;
            stage.note("and goes on", other.joined()?);
            other.sync(&[])?;
            let mut back = Member::new(stage, "cooperative", if at == 0 { "a" } else { "b" })?.metadata(metadata);
            back.introduce()?;
            back.joins()?;
            await_state(other, "PreparingRebalance")?;
            other.joins()?;
            stage.note("the other", other.joined()?);
            stage.note("it", back.joined()?);
            *member = back;
            stage.note("the leader's sync", other.sync(&[])?);
        }
    }
    stage.note("described", describe(&a)?);
    // The second rebalance of a cooperative round: whoever gave something up joins again.
    b.set_metadata(&[("cooperative-sticky", "b gave up")]);
    b.joins()?;
    stage.note("the leader is told", a.beat_until_told()?);
    a.joins()?;
    stage.note("a", a.joined()?);
    stage.note("b", b.joined()?);
    Ok(())
}
