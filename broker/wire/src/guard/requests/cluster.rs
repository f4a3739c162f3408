//! What there is: versions and nodes.

use super::*;

/// Key 18, versions 0 to 4.
pub const API_VERSIONS: Message = message(3, &[
    field("client_software_name", STRING).since(3),
    field("client_software_version", STRING).since(3),
]);

/// Key 60, version 0.
pub const DESCRIBE_CLUSTER: Message = message(0, &[field("include_cluster_authorized_operations", BOOL)]);
