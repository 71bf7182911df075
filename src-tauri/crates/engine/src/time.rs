//! Time as the engine is told it: a monotonic clock for timers, a wall clock for what people read, and the hybrid
//! logical clock that orders entries (Kulkarni et al., "Logical Physical Clocks", OPODIS 2014).

use std::time::Duration;

/// A point on the shell's monotonic clock, in microseconds since an arbitrary start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Instant(pub u64);

impl Instant {
    /// The instant `by` later; saturates at the end of time.
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z, as this device's wall clock tells it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct UnixMillis(pub u64);

/// Both clocks, read together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// For timers.
    pub mono: Instant,
    /// For people.
    pub wall: UnixMillis,
}

/// A hybrid logical clock: 48 bits of wall-clock milliseconds above 16 bits of counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Hlc(pub u64);

impl Hlc {
    /// The clock that an entry written at `wall` carries when `latest` is the largest clock its author has seen.
    ///
    /// Never above [`Self::MAX`], which is what a header may carry: a peer that has reached it cannot make our own entries
    /// unreadable. Entries there are ordered by the effective clock alone, which goes on counting.
    pub fn next(latest: Self, wall: UnixMillis) -> Self {
        Self((wall.0 << 16).max(latest.0.saturating_add(1))).min(Self::MAX)
    }

    /// The largest clock that an entry may claim.
    pub const MAX: Self = Self((1 << 63) - 1);

    /// The wall-clock part.
    pub fn wall(self) -> UnixMillis {
        UnixMillis(self.0 >> 16)
    }
}
