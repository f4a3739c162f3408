//! How many bytes a call may leave with the host, all of its host calls together.
//!
//! wasmtime bounds what one host call hands over; a loop of them could still pile up any amount in what the host keeps for the
//! runtime. Owns that sum. Invariant: what is kept, or answered, because of one call into a guest stays below the limit.

use std::fmt;

/// The sum of one call.
#[derive(Debug)]
pub(crate) struct Allowance {
    limit_bytes: usize,
    left: usize,
}

/// More than a call may leave behind.
#[derive(Debug)]
pub(crate) struct Exceeded;

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the call left more bytes with the host than it may")
    }
}

impl std::error::Error for Exceeded {}

impl Allowance {
    /// Nothing is used yet of `limit_bytes`.
    pub(crate) fn new(limit_bytes: usize) -> Self {
        Self { limit_bytes, left: limit_bytes }
    }

    /// A call begins.
    pub(crate) fn begin(&mut self) {
        self.left = self.limit_bytes;
    }

    /// The call wants the host to hold so many bytes more.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), Exceeded> {
        self.left = self.left.checked_sub(bytes).ok_or(Exceeded)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_sum_that_begins_anew() {
        let mut allowance = Allowance::new(10);
        assert!(allowance.take(6).is_ok() && allowance.take(4).is_ok() && allowance.take(0).is_ok());
        assert!(allowance.take(1).is_err());
        allowance.begin();
        assert!(allowance.take(10).is_ok());
        assert!(allowance.take(usize::MAX).is_err());
    }
}
