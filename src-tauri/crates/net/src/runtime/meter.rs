//! What one link's sockets have seen, shared between them and the link's tasks.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::Notify;

/// Bytes a peer may send without completing a message (SECURITY, "Limits"). `rtc-sctp` buffers an unfinished message
/// without bound, and what an honest peer has under way is held by a receive window of 1 MiB.
pub(crate) const UNFINISHED: u64 = 2 * 1024 * 1024;
/// STUN up to this length is keeping a path alive; longer it may be a TURN server's wrapping (RFC 8656 §11).
const STUN_BYTES: usize = 256;

/// What one link's sockets saw.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Something was handled since the driver last went to sleep.
    touched: AtomicBool,
    /// Bytes received and sent since the last complete message.
    received: AtomicU64,
    sent: AtomicU64,
    over: Notify,
    refused: Notify,
    stopped: Notify,
}

impl Meter {
    /// A packet came or went: the driver's loop shall turn once more.
    pub(super) fn touch(&self) {
        self.touched.store(true, Ordering::Release);
    }

    /// Whether a packet came or went since this was last asked.
    pub(super) fn take_touched(&self) -> bool {
        self.touched.swap(false, Ordering::AcqRel)
    }

    /// Counts a received buffer, which may hold several datagrams of `stride` bytes (GRO).
    pub(super) fn received(&self, buffer: &[u8], stride: usize) {
        let counted: usize = buffer.chunks(stride.max(1)).filter(|datagram| counts(datagram)).map(<[u8]>::len).sum();
        self.received.fetch_add(counted as u64, Ordering::Relaxed);
        if self.is_over() {
            // A permit stays until someone waits, so no crossing goes unseen.
            self.over.notify_one();
        }
    }

    /// Counts a sent datagram, or several of one length (GSO).
    pub(super) fn sent(&self, buffer: &[u8]) {
        self.sent.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        if is_refusal(buffer) {
            self.refused.notify_one();
        }
    }

    /// Waits until our side of the DTLS handshake has refused the other.
    pub(crate) async fn refused(&self) {
        self.refused.notified().await;
    }

    /// A whole message came out: what came in before it was for something.
    pub(crate) fn message_completed(&self) {
        self.received.store(0, Ordering::Relaxed);
        self.sent.store(0, Ordering::Relaxed);
    }

    /// Whether the peer sent more than it may without completing a message. What we send ourselves is acknowledged with
    /// bytes that complete nothing (a SACK for every second packet, longer on a lossy path): half of it is allowed for.
    pub(crate) fn is_over(&self) -> bool {
        self.received.load(Ordering::Relaxed) > UNFINISHED + self.sent.load(Ordering::Relaxed) / 2
    }

    /// Waits until `is_over` may have become true.
    pub(crate) async fn over(&self) {
        self.over.notified().await;
    }

    pub(super) fn stop(&self) {
        self.stopped.notify_one();
    }

    /// Waits until the crate's driver has ended, by itself or in a panic.
    pub(crate) async fn stopped(&self) {
        self.stopped.notified().await;
    }
}

/// DTLS counts, and whatever may wrap it; keeping paths alive and media do not (RFC 7983 tells them apart).
fn counts(datagram: &[u8]) -> bool {
    match datagram.first() {
        Some(0..=3) => datagram.len() > STUN_BYTES,
        Some(128..=191) | None => false,
        Some(_) => true,
    }
}

/// A fatal alert before encryption began (RFC 6347 §4.1: type 21, epoch 0): ours, for it is on its way out. The crate
/// knows no other sign of a handshake that it refused; the other side's alerts are unauthenticated and prove nothing.
fn is_refusal(datagram: &[u8]) -> bool {
    let record = match datagram.first() {
        // Over a TURN channel (RFC 8656 §12.4).
        Some(64..=79) => datagram.get(4..).unwrap_or_default(),
        Some(_) | None => datagram,
    };
    matches!(record, [21, 254, _, 0, 0, _, _, _, _, _, _, 0, 2, 2, _])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One DTLS record of application data.
    fn record() -> Vec<u8> {
        vec![23; 1200]
    }

    #[test]
    fn a_peer_that_never_finishes_is_over_after_two_mebibytes() {
        let meter = Meter::default();
        for _ in 0..UNFINISHED / 1200 {
            meter.received(&record(), 1200);
        }
        assert!(!meter.is_over());
        meter.received(&record(), 1200);
        assert!(meter.is_over());
        meter.message_completed();
        assert!(!meter.is_over());
    }

    #[test]
    fn acknowledgements_of_what_we_send_are_not_held_against_the_peer() {
        let meter = Meter::default();
        for _ in 0..100_000 {
            meter.sent(&record());
            meter.received(&[23; 300], 300);
        }
        assert!(!meter.is_over());
    }

    #[test]
    fn our_fatal_alert_in_a_handshake_is_a_refusal() {
        let alert = [21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 2, 42];
        assert!(is_refusal(&alert));
        assert!(is_refusal(&[&[64, 0, 0, 15], &alert[..]].concat()), "over TURN");
        assert!(!is_refusal(&[21, 254, 253, 0, 1, 0, 0, 0, 0, 0, 1, 0, 2, 2, 42]), "encrypted by then");
        assert!(!is_refusal(&[21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 1, 0]), "a warning");
        assert!(!is_refusal(&record()));
        assert!(!is_refusal(&[]));
    }

    #[test]
    fn stun_and_media_do_not_count_but_what_hides_among_them_does() {
        let meter = Meter::default();
        let mut mixed = Vec::new();
        for _ in 0..UNFINISHED / 100 {
            meter.received(&[0; 100], 100);
            meter.received(&[128; 1200], 1200);
        }
        assert!(!meter.is_over());
        // GRO joins datagrams of one length, whatever their protocol.
        for n in 0..40 {
            mixed.extend_from_slice(&[if n % 2 == 0 { 1 } else { 23 }; 200]);
        }
        for _ in 0..=UNFINISHED / 4000 {
            meter.received(&mixed, 200);
        }
        assert!(meter.is_over());
    }
}
