//! `kafka-verifiable-producer`: numbers to a topic, a line for each.
//!
//! Leaves the command line and the lines to `runtime_cli`. Invariant: what was acknowledged was said, in the order of the acknowledgements.

use std::{
    io::{self, Write},
    sync::atomic::{AtomicU64, Ordering},
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
    java,
    kafka::verifiable::{AskedToSend, PRODUCER, line, quoted, understand_producer},
    world::World,
};
use runtime_core::client_settings::Client;

use super::{
    clients::{self, Stop, Trouble},
    pace::Pace,
};
use crate::cluster::wall_ms;

const FULL: Duration = Duration::from_millis(1);

/// Sends until there is an end; gives the exit code.
pub fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    let asked = understand_producer(given, world)?;
    let mut config = clients::config(PRODUCER.name, Client::Producer, &asked.producer)?;
    config.set("partitioner", "murmur2_random");
    let reports = Reports { trouble: Trouble::new(PRODUCER.name, &asked.producer), acked: AtomicU64::new(0) };
    let producer = ThreadedProducer::from_config_and_context(&config, reports).map_err(clients::unusable)?;
    let stop = Stop::listen(|_| {});
    world.out(&line(wall_ms(), "startup_complete", &[]));
    let (began, pace) = (Instant::now(), Pace::new(u64::try_from(asked.throughput).ok().filter(|rate| *rate > 0)));
    let mut sent = 0;
    while asked.most.is_none_or(|most| sent < most) && stop.code().is_none() {
        send(&producer, &asked, sent, began)?;
        sent += 1;
        pace.hold(sent);
    }
    while producer.in_flight_count() > 0 {
        // A timeout says that there is more to wait for.
        let _ = producer.flush(Duration::from_millis(500));
        if stop.code().is_some() && producer.in_flight_count() > 0 {
            break;
        }
    }
    let acked = producer.client().context().acked.load(Ordering::Relaxed);
    world.out(&line(wall_ms(), "shutdown_complete", &[]));
    let rate = acked as f64 * 1000.0 / began.elapsed().as_millis().max(1) as f64;
    let data = [
        ("sent", sent.to_string()),
        ("acked", acked.to_string()),
        ("target_throughput", asked.throughput.to_string()),
        ("avg_throughput", rate.to_string()),
    ];
    world.out(&line(wall_ms(), "tool_data", &data));
    Ok(stop.code().unwrap_or(0))
}

fn send(producer: &ThreadedProducer<Reports>, asked: &AskedToSend, number: u64, began: Instant) -> Result<(), Failure> {
    let value = asked.prefix.map_or(number.to_string(), |prefix| format!("{prefix}.{number}"));
    let key = asked.keys.map(|keys| (number % keys).to_string());
    let mut record = BaseRecord::<str, str>::to(&asked.topic).payload(&value);
    record.key = key.as_deref();
    record.timestamp = asked.create_time.map(|time| time + began.elapsed().as_millis() as i64);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                record = back;
                std::thread::sleep(FULL);
            }
            Err((error, _)) => return Err(clients::unusable(error)),
        }
    }
}

struct Reports {
    trouble: Trouble,
    acked: AtomicU64,
}

crate::client::client_context!(Reports, trouble);

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let text = |bytes: Option<&[u8]>| quoted(bytes.map(java::text).as_deref());
        let said = match result {
            Ok(message) => {
                self.acked.fetch_add(1, Ordering::Relaxed);
                let fields = [
                    ("key", text(message.key())),
                    ("value", text(message.payload())),
                    ("offset", message.offset().to_string()),
                    ("topic", quoted(Some(message.topic()))),
                    ("partition", message.partition().to_string()),
                ];
                line(wall_ms(), "producer_send_success", &fields)
            }
            Err((error, message)) => {
                let why = error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string());
                let fields = [
                    ("key", text(message.key())),
                    ("value", text(message.payload())),
                    ("exception", quoted(Some("class org.apache.kafka.common.KafkaException"))),
                    ("message", quoted(Some(&why))),
                    ("topic", quoted(Some(message.topic()))),
                ];
                line(wall_ms(), "producer_send_error", &fields)
            }
        };
        // A reader that has gone away ends nothing.
        let _ = io::stdout().write_all(said.as_bytes());
    }
}
