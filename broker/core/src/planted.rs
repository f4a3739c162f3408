//! Mistakes that the simulator must find, built only with the feature `planted-bugs`: a simulator that misses them proves nothing.

use core::sync::atomic::{AtomicU8, Ordering};

/// A mistake of the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Bug {
    /// None.
    None,
    /// Replies leave before their entry is durable.
    AckBeforeSync,
    /// An atomic append's offsets go into an entry before that of its records.
    OffsetsBeforeRecords,
    /// A checkpoint forgets which transactions were aborted.
    AbortedForgotten,
    /// A transaction's offsets count before it is committed.
    OffsetsBeforeCommit,
    /// Generations of groups are not written.
    GroupsForgotten,
}

static PLANTED: AtomicU8 = AtomicU8::new(0);

/// Plants one mistake in every broker of this process.
pub fn plant(bug: Bug) {
    PLANTED.store(bug as u8, Ordering::Relaxed);
}

pub(crate) fn is(bug: Bug) -> bool {
    PLANTED.load(Ordering::Relaxed) == bug as u8
}
