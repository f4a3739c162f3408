//! Seeds, in short form: `SIM_SEEDS=100000 cargo test --release -p sim` or `cargo run --release -p sim` for more.

#![cfg(not(feature = "planted-bugs"))]

use broker_store::buffer::Pool;
use sim::run::{Scenario, run};

/// Runs so many seeds of a scenario; a failure prints the one command that repeats it.
fn check(name: &str, scenario: Scenario, seeds: u64) {
    let seeds = std::env::var("SIM_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(seeds);
    let pool = Pool::new();
    for seed in 0..seeds {
        if let Err(why) = run(scenario, seed, false, &pool).told {
            panic!("{why}\nsee it again: cargo run --release -p sim -- --scenario {name} --seed {seed} --trace");
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_in_crashes() {
    check("crash", Scenario::Crash, 2_000);
}

#[test]
fn rot_is_told_and_never_served() {
    check("rot", Scenario::Rot, 500);
}

#[test]
fn a_seed_is_the_same_run_every_time() {
    for scenario in [Scenario::Crash, Scenario::Rot] {
        for seed in 0..100 {
            let (one, other) = (run(scenario, seed, true, &Pool::new()), run(scenario, seed, true, &Pool::new()));
            assert_eq!(one.told, other.told, "{scenario:?}, seed {seed}");
            assert_eq!(one.trace, other.trace, "{scenario:?}, seed {seed}");
        }
        let sums: std::collections::BTreeSet<_> =
            (0..100).map(|seed| run(scenario, seed, false, &Pool::new()).told.map(|report| report.sum)).collect();
        assert_eq!(sums.len(), 100, "{scenario:?}: seeds differ from each other");
    }
}
