//! A token bucket: a burst at once, then a steady rate.

use std::time::Instant;

/// Allows `burst` units at once and `per_second` after that.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// Millionths of a unit, so that a slow rate does not round to nothing.
    tokens: u64,
    per_second: u64,
    burst: u64,
    filled: Instant,
}

const UNIT: u64 = 1_000_000;

impl Bucket {
    pub(crate) fn full(per_second: u32, burst: u32, now: Instant) -> Self {
        let burst = u64::from(burst) * UNIT;
        Self { tokens: burst, per_second: u64::from(per_second), burst, filled: now }
    }

    /// Takes `units`, or nothing if there are not as many.
    #[must_use]
    pub(crate) fn take(&mut self, units: usize, now: Instant) -> bool {
        // Micro-units a microsecond are units a second.
        let micros = u64::try_from(now.saturating_duration_since(self.filled).as_micros()).unwrap_or(u64::MAX);
        self.tokens = self.tokens.saturating_add(micros.saturating_mul(self.per_second)).min(self.burst);
        self.filled = now;
        let cost = u64::try_from(units).unwrap_or(u64::MAX).saturating_mul(UNIT);
        let Some(left) = self.tokens.checked_sub(cost) else { return false };
        self.tokens = left;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let start = Instant::now();
        let mut bucket = Bucket::full(10, 100, start);
        assert!((0..100).all(|_| bucket.take(1, start)));
        assert!(!bucket.take(1, start));
        assert!(!bucket.take(1, start + Duration::from_millis(99)));
        assert!(bucket.take(1, start + Duration::from_millis(100)));
        assert!(!bucket.take(1, start + Duration::from_millis(100)));
        // A long rest refills the burst and no more.
        let later = start + Duration::from_secs(3600);
        assert!(bucket.take(100, later));
        assert!(!bucket.take(1, later));
    }

    #[test]
    fn a_clock_that_stands_still_or_a_huge_cost_does_no_harm() {
        let start = Instant::now();
        let mut bucket = Bucket::full(u32::MAX, u32::MAX, start + Duration::from_secs(1));
        assert!(bucket.take(1, start), "an earlier time is no time passed");
        assert!(!bucket.take(usize::MAX, start));
    }
}
