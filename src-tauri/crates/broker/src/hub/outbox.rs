//! What is on its way to one socket.

use crate::config::Limits;
use std::collections::VecDeque;

/// What a socket's writer does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    /// Send this text frame.
    Text(String),
    /// Send a close frame, then read on a little and end.
    Close(Close),
}

/// What our close frame says (RFC 6455 §7.4.1). Those of the protocol say nothing, as stock's do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// No status.
    Plain,
    /// 1001: the broker stops.
    GoingAway,
    /// 1008: more messages than a client may send.
    Policy,
    /// 1009: a message over the limit.
    TooBig,
}

/// Whether a text found room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Found,
    Full,
}

/// Text frames in order, and perhaps a close after them.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    texts: VecDeque<String>,
    bytes: usize,
    close: Option<Close>,
}

impl Outbox {
    #[must_use]
    pub(crate) fn push(&mut self, text: String, limits: &Limits) -> Room {
        if self.texts.len() >= limits.outgoing_messages || self.bytes + text.len() > limits.outgoing_bytes {
            return Room::Full;
        }
        self.bytes += text.len();
        self.texts.push_back(text);
        Room::Found
    }

    /// Ends the outbox with a last word, which fits whatever the limits say, and a close.
    pub(crate) fn finish(&mut self, last: Option<String>, close: Close) {
        if let Some(last) = last {
            self.bytes += last.len();
            self.texts.push_back(last);
        }
        self.close = Some(close);
    }

    pub(crate) fn take(&mut self) -> Option<Outgoing> {
        if let Some(text) = self.texts.pop_front() {
            self.bytes -= text.len();
            return Some(Outgoing::Text(text));
        }
        self.close.take().map(Outgoing::Close)
    }

    /// Empties it of texts, for another socket of the same client.
    pub(crate) fn hand_over(&mut self) -> Self {
        Self { texts: std::mem::take(&mut self.texts), bytes: std::mem::take(&mut self.bytes), close: None }
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}
