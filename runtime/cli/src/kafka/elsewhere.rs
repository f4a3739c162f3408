//! Kafka's scripts that have no counterpart here: known by name, and each says why.
//!
//! Invariant: none of them does anything, and none pretends to.

use crate::tool::{Run, Tool};

const NO_CLIENTS: &str = "connectd does not authenticate clients yet";
const NO_SHARES: &str = "connectd has no share groups";
const NO_STREAMS: &str = "connectd has no streams groups";

/// Each of them.
pub const TOOLS: &[&Tool] = &[
    &none("connect-distributed", "one worker is all there is; connect-standalone keeps what is made over REST"),
    &none("connect-mirror-maker", "connectd mirrors no clusters"),
    &none("connect-plugin-path", "plug-ins are WebAssembly components, no jars"),
    &none("kafka-acls", NO_CLIENTS),
    &none("kafka-client-metrics", "clients push no metrics to connectd"),
    &none("kafka-console-share-consumer", NO_SHARES),
    &none("kafka-delegation-tokens", NO_CLIENTS),
    &none("kafka-groups", "kafka-consumer-groups --list lists what there is"),
    &none("kafka-jmx", "there is no Java; GET /metrics of the worker has the figures"),
    &none("kafka-metadata-shell", "there is no metadata log"),
    &none("kafka-mirror-maker", "connectd mirrors no clusters"),
    &none("kafka-replica-verification", "connectd is one node"),
    &none("kafka-run-class", "there is no Java"),
    &none("kafka-share-groups", NO_SHARES),
    &none("kafka-streams-application-reset", NO_STREAMS),
    &none("kafka-streams-groups", NO_STREAMS),
    &none("zookeeper-shell", "there is no ZooKeeper; kafka-topics and kafka-configs show what was kept in it"),
];

const fn none(name: &'static str, why: &'static str) -> Tool {
    Tool { name, about: "", flags: &[], commands: &[], run: Run::Nowhere(why) }
}
