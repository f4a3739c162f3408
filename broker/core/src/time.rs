//! Time as the core knows it: handed in, never read.

/// Milliseconds on a clock that never goes back; its zero means nothing. Deadlines are made of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Now(pub u64);

impl Now {
    /// The moment `ms` milliseconds from here.
    pub fn plus(self, ms: u64) -> Now {
        Now(self.0.saturating_add(ms))
    }
}

/// Milliseconds since 1970 in UTC. Stamped into records and compared with stamps, never with a
/// deadline: wall clocks jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Wall(pub i64);
