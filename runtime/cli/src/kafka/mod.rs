//! Kafka's tools, one file each.
//!
//! Owns the list of names under which the binary answers. Leaves every tool to its file.

pub mod client_options;
pub mod configs;
pub mod console_consumer;
pub mod console_producer;
pub mod consumer_groups;
pub mod consumer_perf;
pub mod formatter;
pub mod get_offsets;
pub mod producer_perf;
pub mod topics;
pub mod verifiable;

use crate::tool::Tool;

/// Every tool, by name.
pub const TOOLS: &[&Tool] = &[
    &configs::TOOL,
    &console_consumer::TOOL,
    &console_producer::TOOL,
    &consumer_groups::TOOL,
    &consumer_perf::TOOL,
    &get_offsets::TOOL,
    &producer_perf::TOOL,
    &topics::TOOL,
    &verifiable::CONSUMER,
    &verifiable::PRODUCER,
];

/// The tool of this name, which may have the ending of a script.
pub fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().copied().find(|tool| tool.name == name)
}
