//! Notices that the machine slept or moved to another network, so that links are checked at once instead of after
//! their silence has grown long enough to be death.

use super::session::Session;
use super::{Inner, Node};
use natter_engine::port::Command;
use std::net::IpAddr;
use std::sync::Weak;
use std::time::{Duration, Instant, SystemTime};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(5);
/// A gap above this between the clocks, or between two looks, is a sleep.
const SLEPT: Duration = Duration::from_secs(20);

/// What one look saw.
#[derive(Clone, Copy)]
struct Look {
    mono: Instant,
    wall: SystemTime,
}

/// Whether the machine slept between two looks: monotonic clocks stop in sleep on some systems (the wall clock then
/// runs ahead) and run on in others (the look then comes late). A wall clock set back says nothing.
fn slept(before: Look, now: Look) -> bool {
    let mono = now.mono.saturating_duration_since(before.mono);
    let wall = now.wall.duration_since(before.wall).unwrap_or_default();
    wall.saturating_sub(mono) > SLEPT || mono > EVERY + SLEPT
}

pub(super) fn spawn(node: Weak<Inner>, session: Weak<Session>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = Look { mono: Instant::now(), wall: SystemTime::now() };
        let mut places: Option<Vec<IpAddr>> = None;
        loop {
            ticks.tick().await;
            let (Some(inner), Some(session)) = (node.upgrade(), session.upgrade()) else { return };
            let node = Node(inner);
            let now = Look { mono: Instant::now(), wall: SystemTime::now() };
            // Whether or not others may come in by them: links go out by them.
            let seen = super::wire::local_addresses();
            let moved = places.replace(seen.clone()).is_some_and(|before| before != seen);
            let woke = slept(last, now);
            last = now;
            if !moved && !woke {
                continue;
            }
            tracing::info!(moved, woke, "checking every link");
            let told = async {
                session.announce(&node).await?;
                session.ask(Command::NetworkChanged).await
            };
            if let Err(error) = told.await {
                tracing::debug!(code = ?error.code, "the engine was not told");
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(mono: u64, wall: u64) -> bool {
        let before = Look { mono: Instant::now(), wall: SystemTime::now() };
        let now = Look { mono: before.mono + Duration::from_secs(mono), wall: before.wall + Duration::from_secs(wall) };
        slept(before, now)
    }

    #[test]
    fn a_sleep_is_told_from_a_busy_minute_and_a_set_clock() {
        assert!(!after(5, 5));
        assert!(!after(6, 20), "a clock corrected by seconds");
        assert!(after(5, 3600), "the monotonic clock stopped");
        assert!(after(3600, 3600), "the monotonic clock ran on");
        let before = Look { mono: Instant::now(), wall: SystemTime::now() };
        let back = Look { mono: before.mono + EVERY, wall: before.wall - Duration::from_secs(3600) };
        assert!(!slept(before, back), "a clock set back");
    }
}
