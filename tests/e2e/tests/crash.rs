//! `kill -9` at any moment, with lines arriving and a producer writing: nothing lost, nothing repeated, nothing out of order.
//!
//! `CRASH_CYCLES` sets how many kills (`cargo xtask crash` asks for 100), `CRASH_SEED` when they come.

use e2e::random::Random;
use e2e::rest::Rest;
use e2e::wire::Wire;
use e2e::{Worker, until};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const PRODUCED: &str = "produced";

fn number_from(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// What a check found in a list of numbers that should hold each of `expected` once and in order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    lost: usize,
    repeated: usize,
    out_of_order: usize,
}

/// Compares what arrived with what must have arrived; what merely may have arrived is in neither list's way.
fn compare(arrived: &[u64], expected: &[u64]) -> Found {
    let mut times: HashMap<u64, usize> = HashMap::new();
    for number in arrived {
        *times.entry(*number).or_default() += 1;
    }
    Found {
        lost: expected.iter().filter(|number| !times.contains_key(number)).count(),
        repeated: times.values().map(|count| count - 1).sum(),
        out_of_order: arrived.windows(2).filter(|pair| pair[1] < pair[0]).count(),
    }
}

#[test]
fn the_comparison_sees_what_it_should() {
    let check = |arrived: &[u64], lost, repeated, out_of_order| {
        assert_eq!(compare(arrived, &[1, 2, 4]), Found { lost, repeated, out_of_order }, "{arrived:?}");
    };
    check(&[1, 2, 4], 0, 0, 0);
    check(&[1, 2, 3, 4], 0, 0, 0);
    check(&[1, 4], 1, 0, 0);
    check(&[1, 2, 2, 4], 0, 1, 0);
    check(&[1, 2, 4, 1, 2, 4], 0, 3, 1);
    check(&[2, 1, 4], 0, 0, 1);
}

#[test]
fn kill_minus_nine_loses_and_repeats_nothing() {
    let cycles = number_from("CRASH_CYCLES", 5);
    let mut random = Random::new(number_from("CRASH_SEED", 1));
    let worker = Worker::new("crash").pipe();
    let done = AtomicBool::new(false);
    let lines = AtomicU64::new(0);
    let (acknowledged, mut restarts) = std::thread::scope(|scope| {
        let stop_at_the_end = StopOnDrop(&done);
        scope.spawn(|| append_lines(&worker, &done, &lines));
        let producer = scope.spawn(|| produce_numbers(worker.kafka_port, &done));
        let restarts = kill_again_and_again(&worker, cycles, &mut random);
        drop(stop_at_the_end);
        (producer.join().expect("the producer's own code holds"), restarts)
    });

    let lines: Vec<u64> = (0..lines.load(Ordering::Relaxed)).collect();
    let connectd = worker.start();
    wait_for_rest(&worker);
    let mut wire = Wire::connect(worker.kafka_port).unwrap();
    let mut topic = |name: &str| -> Vec<u64> {
        let records = wire.read_all(name, 0).unwrap_or_else(|e| panic!("{name}: {e}"));
        records.into_iter().map(|record| number_of(&String::from_utf8(record.value.unwrap()).unwrap())).collect()
    };
    let in_sink: Vec<u64> = worker.folder.read("test.sink.txt").lines().map(number_of).collect();
    let found = [
        ("lines in the sink file", lines.len(), compare(&in_sink, &lines)),
        ("lines in the topic", lines.len(), compare(&topic("connect-test"), &lines)),
        ("acknowledged records", acknowledged.len(), compare(&topic(PRODUCED), &acknowledged)),
    ];
    let sink_is_source = worker.folder.read("test.sink.txt") == worker.folder.read("test.txt");
    connectd.kill();

    restarts.sort();
    let at = |part: usize| {
        restarts.get((restarts.len() * part / 100).min(restarts.len().saturating_sub(1))).copied().unwrap_or_default()
    };
    println!("{cycles} kills; start to REST up after one: p50 {:?}, p99 {:?}", at(50), at(99));
    for (what, count, Found { lost, repeated, out_of_order }) in &found {
        println!("{count} {what}: {lost} lost, {repeated} repeated, {out_of_order} out of order");
    }
    for (what, count, found) in found {
        assert!(count > 0, "no {what}: there was no load");
        assert_eq!(found, Found::default(), "{what}");
    }
    assert!(sink_is_source, "the sink file is the source file, byte for byte");
}

/// Tells the load to stop, whether the kills went well or panicked.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits until the sink file is as long as the source and at rest, or has not grown for a while: then lines are lost.
fn wait_for_rest(worker: &Worker) {
    let size = |name: &str| std::fs::metadata(worker.folder.join(name)).map_or(0, |meta| meta.len());
    let (mut last, mut grew) = (0, Instant::now());
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let now = size("test.sink.txt");
        if now != last {
            (last, grew) = (now, Instant::now());
        } else if now >= size("test.txt") || grew.elapsed() > Duration::from_secs(20) {
            return;
        }
    }
}

fn number_of(text: &str) -> u64 {
    text.split_whitespace()
        .nth(1)
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("a torn line: {text:?}"))
}

/// Some thousand lines a second, in pieces of any size, also while nobody reads.
fn append_lines(worker: &Worker, done: &AtomicBool, lines: &AtomicU64) {
    let mut random = Random::new(7);
    let mut file = std::fs::File::options().create(true).append(true).open(worker.folder.join("test.txt")).unwrap();
    while !done.load(Ordering::Relaxed) {
        let first = lines.load(Ordering::Relaxed);
        let count = 1 + random.below(200);
        let mut text = String::new();
        for number in first..first + count {
            writeln!(text, "line {number} é{}", "x".repeat(random.below(80) as usize)).unwrap();
        }
        for piece in text.as_bytes().chunks(1 + random.below(5_000) as usize) {
            file.write_all(piece).unwrap();
        }
        lines.store(first + count, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(random.below(40)));
    }
}

/// One record at a time, acks=all, never sent twice: the numbers that were acknowledged.
fn produce_numbers(port: u16, done: &AtomicBool) -> Vec<u64> {
    let (mut acknowledged, mut next, mut wire) = (Vec::new(), 0u64, None::<Wire>);
    while !done.load(Ordering::Relaxed) {
        let Some(open) = wire.as_mut() else {
            wire = Wire::connect(port).ok().filter(|_| !done.load(Ordering::Relaxed));
            if let Some(open) = wire.as_mut() {
                let _ = open.touch(PRODUCED);
            } else {
                std::thread::sleep(Duration::from_millis(5));
            }
            continue;
        };
        match open.produce(PRODUCED, 0, &[format!("number {next}").as_bytes()]) {
            Ok(_) => acknowledged.push(next),
            Err(_) => wire = None,
        }
        next += 1;
    }
    acknowledged
}

/// Kills it now while it starts, now while it works: how long each start after a kill took.
fn kill_again_and_again(worker: &Worker, cycles: u64, random: &mut Random) -> Vec<Duration> {
    let mut restarts = Vec::new();
    let rest = Rest::new(worker.rest_port);
    for cycle in 0..cycles {
        let begin = Instant::now();
        let mut running = worker.spawn();
        let early = cycle > 0 && random.below(4) == 0;
        if early {
            std::thread::sleep(Duration::from_millis(random.below(150)));
        } else {
            until("the REST API to answer", e2e::wait::PATIENCE, || {
                if let Some(status) = running.ended() {
                    panic!("connectd ended with {status} after {cycle} kills:\n{}", running.log());
                }
                rest.is_up().then_some(())
            });
            if cycle > 0 {
                restarts.push(begin.elapsed());
            }
            std::thread::sleep(Duration::from_millis(random.below(700)));
        }
        assert!(running.ended().is_none(), "connectd ended by itself after {cycle} kills:\n{}", running.log());
        running.kill();
    }
    restarts
}
