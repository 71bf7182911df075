//! How bad the world is.

use std::ops::Range;

/// What can go wrong by itself, all the time. Catastrophes (crashes, partitions, full disks) are called by name on the
/// [`crate::World`].
#[derive(Clone, Debug)]
pub struct Weather {
    /// Milliseconds from device to device.
    pub latency: Range<u64>,
    /// Milliseconds that a transaction takes to become durable.
    pub commit: Range<u64>,
    /// Milliseconds that a read takes.
    pub read: Range<u64>,
    /// Milliseconds that gathering candidates takes.
    pub gather: Range<u64>,
    /// Milliseconds from device to broker.
    pub signal: Range<u64>,
    /// Of a hundred envelopes that a broker is given, how many it loses.
    pub signal_lost: u64,
    /// Of a hundred, how many it delivers twice.
    pub signal_twice: u64,
    /// Of a hundred, how many come very late (up to 30 s).
    pub signal_late: u64,
    /// Whether the link layer notices a dead path itself (ICE consent, RFC 7675); otherwise only the engine's pings do.
    pub consent: bool,
    /// Bytes a second on every link.
    pub bandwidth: u64,
    /// Milliseconds that a timer may fire late.
    pub timer_late: Range<u64>,
}

impl Weather {
    /// Everything works and is quick.
    pub fn calm() -> Self {
        Self {
            latency: 5..20,
            commit: 1..5,
            read: 0..2,
            gather: 5..30,
            signal: 10..40,
            signal_lost: 0,
            signal_twice: 0,
            signal_late: 0,
            consent: true,
            bandwidth: 2_000_000,
            timer_late: 0..1,
        }
    }

    /// A train on a rainy day.
    pub fn rough() -> Self {
        Self {
            latency: 20..400,
            commit: 1..200,
            read: 0..50,
            gather: 10..300,
            signal: 20..900,
            signal_lost: 15,
            signal_twice: 10,
            signal_late: 5,
            consent: true,
            bandwidth: 60_000,
            timer_late: 0..20,
        }
    }
    /// The far end of the world, on an old phone: a slow disk, slow lines, a third of all signaling lost.
    pub fn storm() -> Self {
        Self {
            latency: 50..1500,
            commit: 5..1200,
            read: 0..300,
            gather: 10..2_000,
            signal: 50..2_500,
            signal_lost: 33,
            signal_twice: 25,
            signal_late: 15,
            consent: false,
            bandwidth: 20_000,
            timer_late: 0..800,
        }
    }
}
