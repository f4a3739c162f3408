//! Kafka's tools, one file each.
//!
//! Owns the list of names under which the binary answers. Leaves every tool to its file.

pub mod broker_api_versions;
pub mod client_options;
pub mod cluster;
pub mod configs;
pub mod console_consumer;
pub mod console_producer;
pub mod consumer_groups;
pub mod consumer_perf;
pub mod delete_records;
pub mod dump_log;
pub mod elsewhere;
pub mod features;
pub mod formatter;
pub mod get_offsets;
pub mod leader_election;
pub mod log_dirs;
pub mod metadata_quorum;
pub mod producer_perf;
pub mod reassign_partitions;
pub mod server_stop;
pub mod storage;
pub mod topics;
pub mod transactions;
pub mod verifiable;
pub mod zookeeper;

use crate::tool::Tool;

/// Every tool that works here, by name.
pub const TOOLS: &[&Tool] = &[
    &broker_api_versions::TOOL,
    &cluster::TOOL,
    &configs::TOOL,
    &console_consumer::TOOL,
    &console_producer::TOOL,
    &consumer_groups::TOOL,
    &consumer_perf::TOOL,
    &delete_records::TOOL,
    &dump_log::TOOL,
    &features::TOOL,
    &get_offsets::TOOL,
    &leader_election::TOOL,
    &log_dirs::TOOL,
    &metadata_quorum::TOOL,
    &producer_perf::TOOL,
    &reassign_partitions::TOOL,
    &server_stop::TOOL,
    &storage::TOOL,
    &topics::TOOL,
    &transactions::TOOL,
    &verifiable::CONSUMER,
    &verifiable::PRODUCER,
    &zookeeper::START,
    &zookeeper::STOP,
];

/// The tool of this name, also one that only says why it is not here.
pub fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().chain(elsewhere::TOOLS).copied().find(|tool| tool.name == name)
}
