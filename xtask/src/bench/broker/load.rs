//! Load: batches made once and sent often, so that the generator costs next to nothing and every broker gets the same bytes.
//!
//! Invariant: a round ends when every request is answered; what was not acknowledged is not counted.

use crate::bench::floor;
use anyhow::{Context, Result};
use e2e::random::Random;
use e2e::wire::{Frame, Wire, batch, produce_frame};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Requests on their way per connection, as Kafka's clients have it (`max.in.flight.requests.per.connection`).
const IN_FLIGHT: usize = 5;

/// Bytes of batches in a request, unless one batch is larger.
const REQUEST_BYTES: usize = 1 << 20;

/// What one producer sends.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Bytes of a record's value.
    pub value: usize,
    /// Bytes of a batch, at most.
    pub batch: usize,
    /// Connections that produce at once.
    pub producers: usize,
    /// Partitions of the topic; each request goes to the next ones in turn.
    pub partitions: i32,
}

/// Requests of one producer, and the records in each.
pub struct Requests {
    frames: Vec<Frame>,
    /// Records in each request.
    pub records: u64,
}

impl Shape {
    /// The requests that a producer sends in turn.
    pub fn requests(&self, topic: &str, seed: u64) -> Requests {
        let count = (self.batch - 61) / (self.value + 12);
        let mut random = Random::new(seed + 1);
        let mut value = || (0..self.value).map(|_| b'a' + (random.bits() % 26) as u8).collect::<Vec<u8>>();
        let values: Vec<Vec<u8>> = (0..count).map(|_| value()).collect();
        let batch = batch(&values.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let together = (REQUEST_BYTES / batch.len()).clamp(1, self.partitions as usize);
        let partitions: Vec<i32> = (0..self.partitions).collect();
        let frame = |some: &[i32]| {
            let batches: Vec<(i32, &[u8])> = some.iter().map(|partition| (*partition, batch.as_slice())).collect();
            produce_frame(topic, &batches)
        };
        let frames = partitions.chunks_exact(together).map(frame).collect();
        Requests { frames, records: (count * together) as u64 }
    }
}

/// Sends at least `records` in all, from all producers together; how many it were.
pub fn produce(port: u16, topic: &str, shape: Shape, records: u64) -> Result<u64> {
    thread::scope(|scope| {
        let producer = |seed: usize| {
            let share = records / shape.producers as u64;
            scope.spawn(move || produce_one(port, &shape.requests(topic, seed as u64), share))
        };
        let producers: Vec<_> = (0..shape.producers).map(producer).collect();
        producers.into_iter().map(|thread| thread.join().expect("a producer does not panic")).sum()
    })
}

fn produce_one(port: u16, requests: &Requests, records: u64) -> Result<u64> {
    let mut wire = Wire::connect(port).context("cannot connect")?;
    let rounds = records.div_ceil(requests.records) as usize;
    let mut frames = requests.frames.iter().cycle().take(rounds);
    for frame in frames.by_ref().take(IN_FLIGHT) {
        wire.send(frame)?;
    }
    for _ in 0..rounds {
        wire.produced()?;
        if let Some(frame) = frames.next() {
            wire.send(frame)?;
        }
    }
    Ok(rounds as u64 * requests.records)
}

/// Sends `bytes_per_second` until told to stop.
pub fn trickle(port: u16, topic: &str, shape: Shape, bytes_per_second: f64, stop: &AtomicBool) -> Result<u64> {
    let requests = shape.requests(topic, 0);
    let mut wire = Wire::connect(port)?;
    let bytes = requests.records as f64 * shape.value as f64;
    let (begin, mut sent, mut out) = (Instant::now(), 0_u64, 0);
    while !stop.load(Ordering::Relaxed) {
        if out == IN_FLIGHT {
            wire.produced()?;
            out -= 1;
        }
        let due = Duration::from_secs_f64(sent as f64 * bytes / bytes_per_second);
        thread::sleep(due.saturating_sub(begin.elapsed()));
        wire.send(&requests.frames[sent as usize % requests.frames.len()])?;
        (sent, out) = (sent + 1, out + 1);
    }
    (0..out).try_for_each(|_| wire.produced())?;
    Ok(sent * requests.records)
}

/// Reads partition 0 from offset `begin` up to `end`, waiting for what is not there yet: bytes of batches.
pub fn consume(port: u16, topic: &str, begin: i64, end: i64) -> Result<u64> {
    let mut wire = Wire::connect(port)?;
    let (mut next, mut bytes) = (begin, 0);
    while next < end {
        let (more, after) = wire.fetch_raw(topic, 0, next)?;
        (bytes, next) = (bytes + more as u64, after);
    }
    Ok(bytes)
}

/// Reads what the floor was sent, so many bytes of it: how many came.
pub fn read_back(port: u16, bytes: u64) -> Result<u64> {
    let mut wire = Wire::connect(port)?;
    let pieces = bytes / floor::PIECE as u64;
    for piece in 0..pieces {
        wire.send(&floor::read_frame(piece))?;
        wire.receive()?;
    }
    Ok(pieces * floor::PIECE as u64)
}

/// One record at a time, each sent when the one before is acknowledged: how long each took, sorted, in microseconds.
pub fn one_at_a_time(port: u16, topic: &str, count: usize) -> Result<Vec<f64>> {
    let mut wire = Wire::connect(port)?;
    let frame = produce_frame(topic, &[(0, &batch(&[&[b'x'; 100]]))]);
    let mut took = Vec::with_capacity(count);
    for _ in 0..count {
        let begin = Instant::now();
        wire.send(&frame)?;
        wire.produced()?;
        took.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    took.sort_by(f64::total_cmp);
    Ok(took)
}
