//! Delegation tokens, SCRAM credentials and quotas.

use kafka_protocol::messages::{alter_client_quotas_request, alter_user_scram_credentials_request, create_delegation_token_request, describe_client_quotas_request, describe_delegation_token_request, describe_user_scram_credentials_request};

use super::*;

/// Key 38, versions 1 to 3.
pub const CREATE_DELEGATION_TOKEN: Message = message(2, &[
    field("owner_principal_type", NULLABLE_STRING).since(3),
    field("owner_principal_name", NULLABLE_STRING).since(3),
    array("renewers", &structure::<create_delegation_token_request::CreatableRenewers>(&[
        field("principal_type", STRING),
        field("principal_name", STRING),
    ])),
    field("max_lifetime_ms", INT64),
]);

/// Key 39, versions 1 to 2.
pub const RENEW_DELEGATION_TOKEN: Message = message(2, &[
    field("hmac", BYTES),
    field("renew_period_ms", INT64),
]);

/// Key 40, versions 1 to 2.
pub const EXPIRE_DELEGATION_TOKEN: Message = message(2, &[
    field("hmac", BYTES),
    field("expiry_time_period_ms", INT64),
]);

/// Key 41, versions 1 to 3.
pub const DESCRIBE_DELEGATION_TOKEN: Message = message(2, &[
    nullable_array("owners", &structure::<describe_delegation_token_request::DescribeDelegationTokenOwner>(&[
        field("principal_type", STRING),
        field("principal_name", STRING),
    ])),
]);

/// Key 48, versions 0 to 1.
pub const DESCRIBE_CLIENT_QUOTAS: Message = message(1, &[
    array("components", &structure::<describe_client_quotas_request::ComponentData>(&[
        field("entity_type", STRING),
        field("match_type", INT8),
        field("match", NULLABLE_STRING),
    ])),
    field("strict", BOOL),
]);

/// Key 49, versions 0 to 1.
pub const ALTER_CLIENT_QUOTAS: Message = message(1, &[
    array("entries", &structure::<alter_client_quotas_request::EntryData>(&[
        array("entity", &structure::<alter_client_quotas_request::EntityData>(&[
            field("entity_type", STRING),
            field("entity_name", NULLABLE_STRING),
        ])),
        array("ops", &structure::<alter_client_quotas_request::OpData>(&[
            field("key", STRING),
            field("value", INT64),
            field("remove", BOOL),
        ])),
    ])),
    field("validate_only", BOOL),
]);

/// Key 50, version 0.
pub const DESCRIBE_USER_SCRAM_CREDENTIALS: Message = message(0, &[
    nullable_array("users", &structure::<describe_user_scram_credentials_request::UserName>(&[
        field("name", STRING),
    ])),
]);

/// Key 51, version 0.
pub const ALTER_USER_SCRAM_CREDENTIALS: Message = message(0, &[
    array("deletions", &structure::<alter_user_scram_credentials_request::ScramCredentialDeletion>(&[
        field("name", STRING),
        field("mechanism", INT8),
    ])),
    array("upsertions", &structure::<alter_user_scram_credentials_request::ScramCredentialUpsertion>(&[
        field("name", STRING),
        field("mechanism", INT8),
        field("iterations", INT32),
        field("salt", BYTES),
        field("salted_password", BYTES),
    ])),
]);
