//! Producer ids and transactions.

use super::*;

/// Key 22, versions 0 to 4.
pub const INIT_PRODUCER_ID: Message = message(2, &[
    field("transactional_id", NULLABLE_STRING),
    field("transaction_timeout_ms", INT32),
    field("producer_id", INT64).since(3),
    field("producer_epoch", INT16).since(3),
]);
