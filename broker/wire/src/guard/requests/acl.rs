//! Access control lists.

use kafka_protocol::messages::{create_acls_request, delete_acls_request};

use super::*;

/// Key 29, versions 1 to 3.
pub const DESCRIBE_ACLS: Message = message(2, &[
    field("resource_type_filter", INT8),
    field("resource_name_filter", NULLABLE_STRING),
    field("pattern_type_filter", INT8),
    field("principal_filter", NULLABLE_STRING),
    field("host_filter", NULLABLE_STRING),
    field("operation", INT8),
    field("permission_type", INT8),
]);

/// Key 30, versions 1 to 3.
pub const CREATE_ACLS: Message = message(2, &[
    array("creations", &structure::<create_acls_request::AclCreation>(&[
        field("resource_type", INT8),
        field("resource_name", STRING),
        field("resource_pattern_type", INT8),
        field("principal", STRING),
        field("host", STRING),
        field("operation", INT8),
        field("permission_type", INT8),
    ])),
]);

/// Key 31, versions 1 to 3.
pub const DELETE_ACLS: Message = message(2, &[
    array("filters", &structure::<delete_acls_request::DeleteAclsFilter>(&[
        field("resource_type_filter", INT8),
        field("resource_name_filter", NULLABLE_STRING),
        field("pattern_type_filter", INT8),
        field("principal_filter", NULLABLE_STRING),
        field("host_filter", NULLABLE_STRING),
        field("operation", INT8),
        field("permission_type", INT8),
    ])),
]);
