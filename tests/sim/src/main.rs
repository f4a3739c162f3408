//! `sim`: runs seeds, and says which one broke a promise and how to see it again.
//!
//! Owns the command line, the threads and the clock; the simulator has none.

use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use broker_store::buffer::Pool;
use sim::{
    run::{Scenario, run},
    world::Report,
};

const USAGE: &str = "\
usage: sim [--seeds N] [--from N] [--scenario crash|rot] [--threads N] [--bug NAME]
       sim --seed N [--scenario crash|rot] [--trace] [--bug NAME]
  --seeds N       run so many seeds (default 10000), from --from on (default 0)
  --seed N        run one seed
  --trace         print everything that happens in it
  --scenario S    crash: deaths, full disks, failing syncs; rot: flipped bits (default: both)
  --bug NAME      with a planted mistake (built with --features planted-bugs):
                  ack-before-sync, offsets-before-records, aborted-forgotten, offsets-before-commit, groups-forgotten,
                  skip-checksum";

#[derive(Debug)]
struct Args {
    seed: Option<u64>,
    seeds: u64,
    from: u64,
    trace: bool,
    threads: usize,
    scenarios: Vec<(&'static str, Scenario)>,
    bug: Option<String>,
}

fn main() -> ExitCode {
    let args = match parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if let Some(bug) = &args.bug
        && let Err(why) = plant(bug)
    {
        eprintln!("{why}");
        return ExitCode::from(2);
    }
    let fine = match args.seed {
        Some(seed) => args.scenarios.iter().all(|scenario| one(*scenario, seed, &args)),
        None => args.scenarios.iter().all(|scenario| many(*scenario, &args)),
    };
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut parsed = Args {
        seed: None,
        seeds: 10_000,
        from: 0,
        trace: false,
        threads: thread::available_parallelism().map_or(1, usize::from),
        scenarios: Scenario::ALL.to_vec(),
        bug: None,
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        let number = |value: String| value.parse::<u64>().map_err(|_| format!("{value} is not a number"));
        match arg.as_str() {
            "--seed" => parsed.seed = Some(number(value()?)?),
            "--seeds" => parsed.seeds = number(value()?)?,
            "--from" => parsed.from = number(value()?)?,
            "--threads" => parsed.threads = number(value()?)?.clamp(1, 256) as usize,
            "--trace" => parsed.trace = true,
            "--bug" => parsed.bug = Some(value()?),
            "--scenario" => {
                let name = value()?;
                parsed.scenarios.retain(|(known, _)| *known == name);
                if parsed.scenarios.is_empty() {
                    return Err(format!("there is no scenario {name}"));
                }
            }
            _ => return Err(format!("{arg} is not known")),
        }
    }
    Ok(parsed)
}

fn one((name, scenario): (&str, Scenario), seed: u64, args: &Args) -> bool {
    let outcome = run(scenario, seed, args.trace, &Pool::new());
    outcome.trace.iter().for_each(|line| println!("{line}"));
    match &outcome.told {
        Ok(report) => println!("{name}: seed {seed} is fine: {report:?}"),
        Err(why) => println!("{name}: seed {seed}: {why}"),
    }
    outcome.told.is_ok()
}

/// All seeds, on all threads, until one fails.
fn many((name, scenario): (&str, Scenario), args: &Args) -> bool {
    let started = Instant::now();
    let next = AtomicU64::new(args.from);
    let end = args.from.saturating_add(args.seeds);
    let failed: Mutex<Option<(u64, String)>> = Mutex::new(None);
    let total: Mutex<Report> = Mutex::new(Report::default());
    let work = || {
        let pool = Pool::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            match run(scenario, seed, false, &pool).told {
                Ok(report) => total.lock().expect("no thread panics with it").add(&report),
                Err(why) => {
                    next.store(end, Ordering::Relaxed);
                    let mut failed = failed.lock().expect("no thread panics with it");
                    if failed.as_ref().is_none_or(|(other, _)| seed < *other) {
                        *failed = Some((seed, why));
                    }
                    return;
                }
            }
        }
    };
    thread::scope(|scope| (0..args.threads).for_each(|_| drop(scope.spawn(work))));
    let seconds = started.elapsed().as_secs_f64();
    let Report { steps, lives, batches, .. } = *total.lock().expect("no thread panics with it");
    match &*failed.lock().expect("no thread panics with it") {
        None => {
            let rate = args.seeds as f64 / seconds;
            println!(
                "{name}: {} seeds are fine: {lives} starts, {steps} steps, {batches} batches promised and kept; {seconds:.1} s, {rate:.0} seeds/s",
                args.seeds
            );
            true
        }
        Some((seed, why)) => {
            println!("{name}: seed {seed}: {why}");
            let bug = args.bug.as_ref().map_or(String::new(), |bug| format!(" --bug {bug}"));
            let features = if cfg!(feature = "planted-bugs") { " --features planted-bugs" } else { "" };
            println!(
                "see it again: cargo run --release -p sim{features} -- --scenario {name} --seed {seed} --trace{bug}"
            );
            false
        }
    }
}

#[cfg(feature = "planted-bugs")]
fn plant(bug: &str) -> Result<(), String> {
    use broker_core::planted as core;
    use broker_store::planted as store;
    match bug {
        "ack-before-sync" => core::plant(core::Bug::AckBeforeSync),
        "offsets-before-records" => core::plant(core::Bug::OffsetsBeforeRecords),
        "aborted-forgotten" => core::plant(core::Bug::AbortedForgotten),
        "offsets-before-commit" => core::plant(core::Bug::OffsetsBeforeCommit),
        "groups-forgotten" => core::plant(core::Bug::GroupsForgotten),
        "skip-checksum" => store::plant(store::Bug::SkipChecksum),
        _ => return Err(format!("there is no mistake called {bug}\n{USAGE}")),
    }
    Ok(())
}

#[cfg(not(feature = "planted-bugs"))]
fn plant(bug: &str) -> Result<(), String> {
    Err(format!("build with --features planted-bugs to plant {bug}"))
}
