//! Altering configs, and the kinds of things that have configs.

use kafka_protocol::messages::{alter_configs_request, incremental_alter_configs_request};

use super::*;

/// Key 33, versions 0 to 2.
pub const ALTER_CONFIGS: Message = message(2, &[
    array("resources", &structure::<alter_configs_request::AlterConfigsResource>(&[
        field("resource_type", INT8),
        field("resource_name", STRING),
        array("configs", &structure::<alter_configs_request::AlterableConfig>(&[
            field("name", STRING),
            field("value", NULLABLE_STRING),
        ])),
    ])),
    field("validate_only", BOOL),
]);

/// Key 44, versions 0 to 1.
pub const INCREMENTAL_ALTER_CONFIGS: Message = message(1, &[
    array("resources", &structure::<incremental_alter_configs_request::AlterConfigsResource>(&[
        field("resource_type", INT8),
        field("resource_name", STRING),
        array("configs", &structure::<incremental_alter_configs_request::AlterableConfig>(&[
            field("name", STRING),
            field("config_operation", INT8),
            field("value", NULLABLE_STRING),
        ])),
    ])),
    field("validate_only", BOOL),
]);

/// Key 74, versions 0 to 1.
pub const LIST_CONFIG_RESOURCES: Message = message(0, &[
    array("resource_types", INT8_ELEMENT).since(1),
]);
