//! Kafka's tools: what their pure halves in `runtime_cli` need of the world.
//!
//! Owns sockets, files and the terminal for a tool. Leaves flags, requests and texts to `runtime_cli`.

mod clients;
mod console_consumer;
mod console_producer;
mod consumer_perf;
pub mod daemon;
mod doctor;
mod http;
mod keys;
mod link;
pub mod own;
mod pace;
mod producer_perf;
mod progress;
mod server_stop;
pub mod shims;
mod terminal;
mod tls;
mod verifiable_consumer;
mod verifiable_producer;

use runtime_cli::{kafka, tool::Run};

pub use terminal::Terminal;

/// Runs the tool of this name; gives the exit code.
///
/// # Panics
/// When there is no such tool.
pub fn run(name: &str, arguments: &[String]) -> u8 {
    let tool = kafka::find(name).unwrap_or_else(|| panic!("no tool {name}"));
    let mut world = Terminal::new();
    match tool.run {
        Run::Here(_) | Run::Nowhere(_) => tool.run(arguments, &mut world),
        Run::Edge => {
            let given = match tool.begin(arguments, &mut world) {
                Ok(given) => given,
                Err(code) => return code,
            };
            let outcome = match name {
                "kafka-console-consumer" => console_consumer::run(&given, &mut world),
                "kafka-console-producer" => console_producer::run(&given, &mut world),
                "kafka-consumer-perf-test" => consumer_perf::run(&given, &mut world),
                "kafka-producer-perf-test" => producer_perf::run(&given, &mut world),
                "kafka-server-stop" => server_stop::run(&given, &mut world),
                "kafka-verifiable-consumer" => verifiable_consumer::run(&given, &mut world),
                "kafka-verifiable-producer" => verifiable_producer::run(&given, &mut world),
                _ => unreachable!("{name} is not among the tools that run in the binary"),
            };
            outcome.unwrap_or_else(|failure| tool.end(failure, &mut world))
        }
    }
}
