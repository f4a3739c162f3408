//! `kafka-consumer-perf-test`: reading as fast as can be.
//!
//! Leaves the command line and the line to `runtime_cli`.

use std::time::{Duration, Instant};

use rdkafka::{
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
};
use runtime_cli::{
    failure::Failure,
    flags::Given,
    kafka::{
        console_consumer::made_up_group,
        consumer_perf::{HEADER, Measured, TOOL, line, understand},
    },
    world::World,
};
use runtime_core::client_settings::Client;

use super::clients::{self, Stop, Trouble};

const POLL: Duration = Duration::from_millis(100);

/// Reads, and prints how long it took; gives the exit code.
pub fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    let asked = understand(given, world)?;
    let mut java = asked.consumer.clone();
    let group = made_up_group(world.random()).replace("console", "perf");
    java.entry("group.id".into()).or_insert(group);
    let config = clients::config(TOOL.name, Client::Consumer, &java)?;
    let trouble = Trouble::new(TOOL.name, &java);
    let consumer: BaseConsumer<Trouble> =
        BaseConsumer::from_config_and_context(&config, trouble).map_err(clients::unusable)?;
    consumer.subscribe(&[&asked.topic]).map_err(clients::unusable)?;
    let stop = Stop::listen(|_| {});
    let mut measured = Measured { start_ms: world.now_ms(), ..Measured::default() };
    let (began, mut last) = (Instant::now(), Instant::now());
    while measured.records < asked.records && stop.code().is_none() {
        let Some(Ok(message)) = consumer.poll(POLL) else {
            if last.elapsed() >= Duration::from_millis(asked.timeout_ms) {
                clients::say(&format!(
                    "WARNING: Exiting before consuming the expected number of messages: timeout ({} ms) exceeded. You can use the \
                     --timeout option to increase the timeout.",
                    asked.timeout_ms
                ));
                break;
            }
            continue;
        };
        if measured.records == 0 {
            measured.joining_ms = began.elapsed().as_millis() as u64;
        }
        last = Instant::now();
        measured.records += 1;
        measured.bytes += (message.key_len() + message.payload_len()) as u64;
    }
    measured.end_ms = world.now_ms();
    world.out(if asked.header { HEADER } else { "" });
    world.out(&line(&measured));
    Ok(stop.code().unwrap_or(0))
}
