//! Mistakes that are planted on purpose: a simulator that misses them proves nothing.
//!
//! Built only with `--features planted-bugs`. The mistakes are switches of the whole process, so one test plants them in turn.

#![cfg(feature = "planted-bugs")]

use broker_core::planted as core;
use broker_store::{buffer::Pool, planted as store};
use sim::run::{Scenario, run};

/// The first seed that finds it, and what it says.
fn find(scenario: Scenario, seeds: u64) -> Option<(u64, String)> {
    let pool = Pool::new();
    (0..seeds).find_map(|seed| Some((seed, run(scenario, seed, false, &pool).told.err()?)))
}

#[test]
fn each_planted_mistake_is_found() {
    assert_eq!(find(Scenario::Crash, 500), None, "nothing is planted yet");

    core::plant(core::Bug::AckBeforeSync);
    let (_, why) = find(Scenario::Crash, 200).expect("an acknowledgement before the sync is found");
    assert!(why.contains("lost") || why.contains("twice") || why.contains("other bytes"), "{why}");

    core::plant(core::Bug::OffsetsBeforeRecords);
    let (_, why) = find(Scenario::Crash, 200).expect("offsets that are durable before their records are found");
    assert!(why.contains("the topic") || why.contains("lines"), "{why}");

    core::plant(core::Bug::AbortedForgotten);
    let (_, why) = find(Scenario::Crash, 500).expect("a forgotten abort is found");
    assert!(why.contains("served as committed"), "{why}");

    core::plant(core::Bug::OffsetsBeforeCommit);
    let (_, why) =
        find(Scenario::Crash, 200).expect("offsets that count before their transaction is committed are found");
    assert!(why.contains("not committed"), "{why}");

    core::plant(core::Bug::GroupsForgotten);
    let (_, why) = find(Scenario::Crash, 500).expect("a group that a restart forgets is found");
    assert!(why.contains("was forgotten") || why.contains("belongs to"), "{why}");
    core::plant(core::Bug::None);

    store::plant(store::Bug::SkipChecksum);
    let (_, why) = find(Scenario::Crash, 10_000).expect("a torn entry that is believed is found");
    assert!(why.contains("rotten") || why.contains("cannot be read"), "{why}");
    let (_, why) = find(Scenario::Rot, 1_000).expect("a rotten entry that is believed is found");
    assert!(why.contains("flipped"), "{why}");
    store::plant(store::Bug::None);
    assert_eq!(find(Scenario::Rot, 100), None, "nothing is planted any more");
}
