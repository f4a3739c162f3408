//! `kafka-producer-perf-test`: sending as fast as can be, or as was asked.
//!
//! Leaves the command line, the sums and the lines to `runtime_cli`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    Message,
    config::FromClientConfigAndContext,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer},
};
use runtime_cli::{
    failure::Failure,
    flags::Given,
    kafka::producer_perf::{Payload, Stats, TOOL, understand},
    world::World,
};
use runtime_core::client_settings::Client;

use super::{
    clients::{self, Stop, Trouble},
    pace::Pace,
};

const FULL: Duration = Duration::from_millis(1);

/// Sends, and prints what came of it; gives the exit code.
pub fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    let asked = understand(given, world)?;
    let mut config = clients::config(TOOL.name, Client::Producer, &asked.producer)?;
    config.set("partitioner", "murmur2_random").set("queue.buffering.max.messages", "200000");
    let reports = Reports {
        trouble: Trouble::new(TOOL.name, &asked.producer),
        began: Instant::now(),
        stats: Arc::new(Mutex::new(Stats::default())),
    };
    let (began, stats) = (reports.began, reports.stats.clone());
    let lock = || stats.lock().unwrap_or_else(PoisonError::into_inner);
    let producer = ThreadedProducer::from_config_and_context(&config, reports).map_err(clients::unusable)?;
    let stop = Stop::listen(|_| {});
    let pace = Pace::new(asked.throughput);
    let interval = Duration::from_millis(asked.interval_ms.max(1));
    let mut payloads = Payloads::new(&asked.payload, world.random());
    let mut reported = Instant::now();
    for number in 0..asked.records {
        if let Some(code) = stop.code() {
            world.out(&lock().total(began.elapsed().as_millis() as u64));
            return Ok(code);
        }
        send(&producer, &asked.topic, payloads.next(number), began)?;
        pace.hold(number + 1);
        if reported.elapsed() >= interval {
            let line = lock().window(reported.elapsed().as_millis() as u64);
            reported = Instant::now();
            world.out(&line.unwrap_or_default());
        }
    }
    while producer.in_flight_count() > 0 && stop.code().is_none() {
        // A timeout says that there is more to wait for.
        let _ = producer.flush(Duration::from_millis(500));
    }
    world.out(&lock().total(began.elapsed().as_millis() as u64));
    Ok(stop.code().unwrap_or(0))
}

fn send(producer: &ThreadedProducer<Reports>, topic: &str, payload: &[u8], began: Instant) -> Result<(), Failure> {
    loop {
        let sent = began.elapsed().as_micros() as usize;
        let record = BaseRecord::<[u8], [u8], usize>::with_opaque_to(topic, sent).payload(payload);
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => std::thread::sleep(FULL),
            Err((error, _)) => return Err(clients::unusable(error)),
        }
    }
}

struct Reports {
    trouble: Trouble,
    began: Instant,
    stats: Arc<Mutex<Stats>>,
}

crate::client::client_context!(Reports, trouble);

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, sent: usize) {
        match result {
            Ok(message) => {
                let waited = (self.began.elapsed().as_micros() as u64).saturating_sub(sent as u64);
                let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
                stats.add(message.payload().map_or(0, <[u8]>::len) as u64, waited / 1000);
            }
            Err((error, _)) => clients::say(&format!("{}: {error}", TOOL.name)),
        }
    }
}

/// The records to send.
struct Payloads<'a> {
    kind: &'a Payload,
    own: Vec<u8>,
    seed: u64,
}

impl<'a> Payloads<'a> {
    fn new(kind: &'a Payload, random: [u8; 16]) -> Self {
        let seed = u64::from_le_bytes(random[..8].try_into().expect("eight bytes")) | 1;
        let mut all = Self { kind, own: Vec::new(), seed };
        if let Payload::Size(size) = kind {
            all.own = (0..*size).map(|_| b'A' + (all.draw() % 26) as u8).collect();
        }
        all
    }

    /// Numbers that look like chance (xorshift64).
    fn draw(&mut self) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed
    }

    fn next(&mut self, number: u64) -> &[u8] {
        match self.kind {
            Payload::Size(_) => &self.own,
            Payload::OneOf(all) => &all[(self.draw() % all.len() as u64) as usize],
            Payload::Number => {
                self.own = number.to_string().into_bytes();
                &self.own
            }
        }
    }
}
