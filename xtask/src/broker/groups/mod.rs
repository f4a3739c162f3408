//! Classic consumer groups, from every side: Kafka's group coordinator is the oracle.
//!
//! Owns the list of scripts and the settings they count on. Leaves a member's requests to `member.rs`. Invariant: no script depends on
//! how fast anything is: where time must pass, it waits for what the broker then says.

mod admin;
mod commits;
mod joins;
mod leaves;
mod member;
mod protocols;
mod statics;
mod timers;

use super::Script;
use super::ask::{Connection, PATIENCE, text};
use anyhow::{Result, ensure};
use kafka_protocol::messages::{FindCoordinatorRequest, HeartbeatRequest};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The answer of a coordinator to somebody it does not know.
const UNKNOWN_MEMBER_ID: i16 = 25;

/// What both brokers are told for [`SCRIPTS`].
pub const SETTINGS: &[&str] = &[
    "group.initial.rebalance.delay.ms=0",
    "group.min.session.timeout.ms=500",
    "group.max.session.timeout.ms=60000",
    "group.max.size=3",
    "auto.create.topics.enable=false",
    "offsets.topic.num.partitions=1",
    "transaction.state.log.num.partitions=1",
];

/// Scripts by name.
pub const SCRIPTS: &[(&str, Script)] = &[
    ("joining", joins::joining),
    ("joining again", joins::again),
    ("ids that are handed out", joins::pending),
    ("a full group", joins::full),
    ("strangers", joins::strangers),
    ("nonsense", joins::nonsense),
    ("a session ends", timers::session),
    ("one does not join again", timers::rebalance),
    ("the leader does not assign", timers::leader_is_silent),
    ("a follower does not sync", timers::follower_is_silent),
    ("leaving", leaves::leaving),
    ("leaving during a rebalance", leaves::during_a_rebalance),
    ("static members", statics::returning),
    ("static members with other metadata", statics::changed),
    ("static members during a rebalance", statics::during_a_rebalance),
    ("one instance id twice", statics::twins),
    ("static members leave", statics::leaving),
    ("protocols that do not fit", protocols::inconsistent),
    ("votes", protocols::votes),
    ("cooperative", protocols::cooperative),
    ("commits", commits::members),
    ("commits without a group", commits::simple),
    ("describing and deleting", admin::groups),
    ("deleting offsets", admin::offsets),
];

/// What both are told for [`INITIAL`].
pub const PATIENT: &[&str] = &["group.initial.rebalance.delay.ms=1500", "offsets.topic.num.partitions=1"];

/// Scripts of a coordinator that waits for more members at first.
pub const INITIAL: &[(&str, Script)] = &[("the initial delay", timers::initial_delay)];

/// Waits until the broker coordinates groups: Kafka's makes the topic for it when a coordinator is first asked for.
///
/// # Errors
/// When it does not for a minute.
pub fn warm(port: u16) -> Result<()> {
    let find = FindCoordinatorRequest::default().with_key(text("warm"));
    let heartbeat = HeartbeatRequest::default().with_group_id(text("warm").into()).with_member_id(text("nobody"));
    let start = Instant::now();
    loop {
        let mut wire = Connection::open(port, "warm")?;
        let found = wire.ask(3, &find)?.error_code;
        if found == 0 && wire.ask(4, &heartbeat)?.error_code == UNKNOWN_MEMBER_ID {
            return Ok(());
        }
        ensure!(start.elapsed() < PATIENCE, "no coordinator");
        sleep(Duration::from_millis(50));
    }
}
