//! What waits for a channel whose other end is slow.

use std::collections::VecDeque;
use tokio::sync::mpsc;

/// A sender that never makes its owner wait: what does not fit waits here, in order.
#[derive(Debug)]
pub(super) struct Backlog<T> {
    sender: mpsc::Sender<T>,
    waiting: VecDeque<T>,
    limit: usize,
}

/// What was not taken: the backlog is full, or nobody listens any more.
#[derive(Debug)]
pub(super) struct Overflow<T>(pub(super) T);

impl<T> Backlog<T> {
    /// A backlog of at most `limit` items behind the channel's own.
    pub(super) fn new(sender: mpsc::Sender<T>, limit: usize) -> Self {
        Self { sender, waiting: VecDeque::new(), limit }
    }

    pub(super) fn push(&mut self, item: T) -> Result<(), Overflow<T>> {
        let item = if self.waiting.is_empty() {
            match self.sender.try_send(item) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::TrySendError::Full(item)) => item,
                Err(mpsc::error::TrySendError::Closed(item)) => return Err(Overflow(item)),
            }
        } else {
            item
        };
        if self.waiting.len() >= self.limit {
            return Err(Overflow(item));
        }
        self.waiting.push_back(item);
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= self.limit
    }

    /// Waits for room and moves one item on; pending while none waits. Dropping the future loses nothing.
    pub(super) async fn advance(&mut self) {
        if self.waiting.is_empty() {
            return std::future::pending().await;
        }
        match self.sender.reserve().await {
            Ok(room) => {
                if let Some(item) = self.waiting.pop_front() {
                    room.send(item);
                }
            }
            // Nobody will ever take them.
            Err(_) => self.waiting.clear(),
        }
    }

    /// Moves everything on.
    pub(super) async fn flush(&mut self) {
        while !self.waiting.is_empty() {
            self.advance().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn order_is_kept_and_the_limit_holds() {
        let (sender, mut receiver) = mpsc::channel(2);
        let mut backlog = Backlog::new(sender, 3);
        for n in 0..5 {
            backlog.push(n).expect("room");
        }
        assert!(backlog.is_full());
        let Err(Overflow(5)) = backlog.push(5) else { panic!("there was no room") };
        for expected in 0..3 {
            assert_eq!(receiver.recv().await, Some(expected));
            backlog.advance().await;
        }
        assert!(backlog.is_empty());
        // Behind what is still in the channel.
        backlog.push(6).expect("room");
        for expected in [3, 4] {
            assert_eq!(receiver.recv().await, Some(expected));
        }
        backlog.flush().await;
        assert_eq!(receiver.recv().await, Some(6));
        drop(receiver);
        assert!(backlog.push(7).is_err(), "nobody listens");
    }
}
