//! What there is: versions and nodes.

use kafka_protocol::messages::{describe_quorum_request, update_features_request};

use super::*;

/// Key 18, versions 0 to 4.
pub const API_VERSIONS: Message = message(3, &[
    field("client_software_name", STRING).since(3),
    field("client_software_version", STRING).since(3),
]);

/// Key 55, versions 0 to 2.
pub const DESCRIBE_QUORUM: Message = message(0, &[
    array("topics", &structure::<describe_quorum_request::TopicData>(&[
        field("topic_name", STRING),
        array("partitions", &structure::<describe_quorum_request::PartitionData>(&[
            field("partition_index", INT32),
        ])),
    ])),
]);

/// Key 57, versions 0 to 2.
pub const UPDATE_FEATURES: Message = message(0, &[
    field("timeout_ms", INT32),
    array("feature_updates", &structure::<update_features_request::FeatureUpdateKey>(&[
        field("feature", STRING),
        field("max_version_level", INT16),
        field("allow_downgrade", BOOL).until(0),
        field("upgrade_type", INT8).since(1),
    ])),
    field("validate_only", BOOL).since(1),
]);

/// Key 60, versions 0 to 2.
pub const DESCRIBE_CLUSTER: Message = message(0, &[
    field("include_cluster_authorized_operations", BOOL),
    field("endpoint_type", INT8).since(1),
    field("include_fenced_brokers", BOOL).since(2),
]);
