//! Pacing: a token bucket in front of a socket.
//!
//! `rtc-sctp` hands a whole congestion window to the socket at once. Where the kernel grants buffers of megabytes the
//! receiver's absorbs it; where `net.core.rmem_max` caps them (212,992 bytes on many systems, and likely so on the other
//! side too) a burst overflows, and the loss costs a retransmission timeout of one second. So bursts are kept to what
//! such a buffer holds, and the rate to what its reader can drain.

use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// What the kernel is asked for, in bytes; it may give less.
pub(crate) const SOCKET_BUFFER: usize = 4 * 1024 * 1024;

/// Rate and burst with the buffers that were asked for: only a loop that never ends is held.
const OPEN: Rate = Rate { burst: 2 * 1024 * 1024, per_second: 400_000_000 };
/// With capped buffers: 48 KiB take 100 KiB of a buffer (the kernel counts its own overhead per packet). 48 KiB every
/// millisecond, which is how finely the timer ticks.
const CAPPED: Rate = Rate { burst: 48 * 1024, per_second: 48 * 1024 * 1000 };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate {
    /// Bytes.
    burst: u64,
    /// Bytes.
    per_second: u64,
}

/// How much may leave a socket now.
#[derive(Debug)]
pub(super) struct Pacer {
    rate: Rate,
    /// Bytes; below zero the last send overdrew.
    tokens: i64,
    filled: Instant,
    timer: Option<std::pin::Pin<Box<tokio::time::Sleep>>>,
}

impl Pacer {
    /// For a socket of which the kernel granted `granted` bytes of receive buffer.
    pub(super) fn new(granted: usize) -> Self {
        let rate = if granted < SOCKET_BUFFER { CAPPED } else { OPEN };
        Self { rate, tokens: signed(rate.burst), filled: Instant::now(), timer: None }
    }

    /// Ready when something may be sent; `spent` takes it from the bucket.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.fill();
            if self.tokens > 0 {
                self.timer = None;
                return Poll::Ready(());
            }
            let missing = self.tokens.unsigned_abs() + 1;
            let wait = Duration::from_micros(missing.saturating_mul(1_000_000) / self.rate.per_second + 1);
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(wait)));
            match timer.as_mut().poll(cx) {
                Poll::Ready(()) => self.timer = None,
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    pub(super) fn spent(&mut self, bytes: usize) {
        self.tokens = self.tokens.saturating_sub(signed(bytes as u64));
    }

    fn fill(&mut self) {
        let now = Instant::now();
        let micros = u64::try_from(now.duration_since(self.filled).as_micros()).unwrap_or(u64::MAX);
        let gained = micros.saturating_mul(self.rate.per_second / 1_000_000);
        if gained > 0 {
            self.filled = now;
            self.tokens = self.tokens.saturating_add(signed(gained)).min(signed(self.rate.burst));
        }
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends datagrams of 1,200 bytes for a second of virtual time and counts their bytes.
    async fn sent_in_a_second(granted: usize) -> u64 {
        let mut pacer = Pacer::new(granted);
        let end = Instant::now() + Duration::from_secs(1);
        let mut sent = 0;
        while Instant::now() < end {
            std::future::poll_fn(|cx| pacer.poll_ready(cx)).await;
            pacer.spent(1200);
            sent += 1200;
        }
        sent
    }

    #[tokio::test(start_paused = true)]
    async fn capped_buffers_are_fed_gently_and_full_ones_hardly_held() {
        let capped = sent_in_a_second(425_984).await;
        assert!((40_000_000..55_000_000).contains(&capped), "{capped}");
        let open = sent_in_a_second(SOCKET_BUFFER).await;
        assert!((350_000_000..450_000_000).contains(&open), "{open}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_no_longer_than_a_capped_buffer_holds() {
        let mut pacer = Pacer::new(212_992);
        let mut burst = 0;
        let mut cx = Context::from_waker(std::task::Waker::noop());
        while pacer.poll_ready(&mut cx).is_ready() {
            pacer.spent(1200);
            burst += 1200;
        }
        assert!((48 * 1024..60 * 1024).contains(&burst), "{burst}");
    }
}
