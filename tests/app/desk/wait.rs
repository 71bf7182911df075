//! Waiting for conditions, with a deadline.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};
use tokio::time::interval;

/// How long anything may take. Generous: the machine may be building something beside it.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(30);

/// Waits until `look` finds something.
///
/// # Errors
/// Names what was waited for when [`DEADLINE`] has passed, or what `look` itself failed with.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let begin = Instant::now();
    let mut tick = interval(LOOK);
    loop {
        tick.tick().await;
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if begin.elapsed() > DEADLINE {
            bail!("waited {} s in vain: {what}", DEADLINE.as_secs());
        }
    }
}
