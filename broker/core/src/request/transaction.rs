//! Producer ids and transactions.

use alloc::string::String;

/// InitProducerId.
#[derive(Clone, Debug)]
pub struct InitProducerId {
    /// Transactional id; transactions are not served yet.
    pub transactional_id: Option<String>,
    /// Producer id and epoch to go on with (KIP-360), or -1 and -1.
    pub current: (i64, i16),
}
