//! Time as the runtime's machines know it: handed in, never read.

/// Milliseconds on a clock that never goes back; its zero means nothing. Deadlines are made of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Now(pub u64);

impl Now {
    /// The moment `ms` milliseconds from here.
    pub fn plus(self, ms: u64) -> Now {
        Now(self.0.saturating_add(ms))
    }
}
