//! One address at one broker: connect, converse, wait, again.

use super::message::{Heard, Outgoing, hear, heartbeat, socket_url};
use super::{Limits, MESSAGE_BYTES};
use futures_util::{SinkExt, StreamExt};
use natter_engine::ids::{Address, BrokerUrl};
use natter_engine::port::{BrokerTrouble, SignalEvent};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// After so many failures waits are a minute at most: where one begins that did wrong rather than failed.
const WRONG: u32 = 8;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One address at one broker.
pub(super) struct Socket {
    pub(super) broker: BrokerUrl,
    pub(super) address: Address,
    pub(super) token: String,
    /// Closed when the address is released.
    pub(super) queue: mpsc::Receiver<Outgoing>,
    pub(super) events: mpsc::Sender<SignalEvent>,
    pub(super) limits: Limits,
}

/// How one connection to a broker ended.
enum End {
    /// We let go, or nobody listens any more.
    Released,
    /// Somebody else holds the address.
    Taken,
    /// Anything else: try again later.
    Lost(BrokerTrouble),
}

impl Socket {
    /// Holds the address until it is released or taken.
    pub(super) async fn hold(mut self) {
        let mut failures = 0_u32;
        loop {
            let started = Instant::now();
            let trouble = match self.once().await {
                End::Released => return,
                End::Taken => {
                    let (broker, address) = (self.broker, self.address);
                    let _ = self.events.send(SignalEvent::Taken { broker, address }).await;
                    return;
                }
                End::Lost(trouble) => trouble,
            };
            let (broker, address) = (self.broker.clone(), self.address.clone());
            if self.events.send(SignalEvent::Lost { broker, address, trouble }).await.is_err() {
                return;
            }
            // A connection that held for as long as the longest wait was a good one.
            failures = if started.elapsed() > self.limits.backoff_last { 1 } else { failures.saturating_add(1) };
            if matches!(trouble, BrokerTrouble::Misbehaving | BrokerTrouble::BadKey | BrokerTrouble::Full) {
                failures = failures.max(WRONG);
            }
            let wait = full_jitter(self.limits.backoff_first, self.limits.backoff_last, failures, random());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = released(&mut self.queue) => return,
            }
        }
    }

    async fn once(&mut self) -> End {
        let connecting = connect(&self.broker, &self.address, &self.token, self.limits.connect);
        let connected = tokio::select! {
            connected = connecting => connected,
            () = released(&mut self.queue) => return End::Released,
        };
        match connected {
            Ok(mut stream) => {
                let end = self.converse(&mut stream).await;
                // A broker frees the address with the socket; the farewell is a courtesy that may fail.
                let _ = tokio::time::timeout(self.limits.farewell, stream.close(None)).await;
                end
            }
            Err(trouble) => End::Lost(trouble),
        }
    }

    async fn converse(&mut self, stream: &mut Stream) -> End {
        let mut beats = tokio::time::interval(self.limits.heartbeat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let silence = tokio::time::sleep(self.limits.silent_open);
        tokio::pin!(silence);
        let mut open = false;
        let mut last_heard = Instant::now();
        let mut second = (Instant::now(), 0_u32);
        loop {
            tokio::select! {
                () = &mut silence, if !open => {
                    open = true;
                    self.tell_claimed().await;
                }
                _ = beats.tick() => {
                    if last_heard.elapsed() > self.limits.dead {
                        return End::Lost(BrokerTrouble::Closed);
                    }
                    // HEARTBEAT is never answered; a WebSocket PING (RFC 6455 §5.5.2) is, by every server.
                    let beat = [Message::text(heartbeat()), Message::Ping(Bytes::new())];
                    for message in beat {
                        if self.say(stream, message).await.is_err() {
                            return End::Lost(BrokerTrouble::Closed);
                        }
                    }
                }
                outgoing = self.queue.recv() => {
                    let Some(outgoing) = outgoing else { return End::Released };
                    if self.say(stream, Message::text(outgoing.text())).await.is_err() {
                        return End::Lost(BrokerTrouble::Closed);
                    }
                }
                received = stream.next() => {
                    last_heard = Instant::now();
                    if second.0.elapsed() > Duration::from_secs(1) {
                        second = (last_heard, 0);
                    }
                    second.1 += 1;
                    if second.1 > self.limits.messages_per_second {
                        return End::Lost(BrokerTrouble::Misbehaving);
                    }
                    let text = match received {
                        Some(Ok(Message::Text(text))) => text,
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                        Some(Ok(Message::Binary(_) | Message::Frame(_)) | Err(Error::Capacity(_))) => {
                            return End::Lost(BrokerTrouble::Misbehaving);
                        }
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Lost(BrokerTrouble::Closed),
                    };
                    match hear(&text, &self.broker, &self.address) {
                        None => return End::Lost(BrokerTrouble::Misbehaving),
                        Some(Heard::Taken) => return End::Taken,
                        Some(Heard::Error(trouble)) => return End::Lost(trouble),
                        Some(Heard::Nothing) => {}
                        Some(Heard::Open) => {
                            if !std::mem::replace(&mut open, true) {
                                self.tell_claimed().await;
                            }
                        }
                        Some(Heard::Event(event)) => {
                            // Only who holds an address is written to: re-attached, without a word.
                            if !std::mem::replace(&mut open, true) {
                                self.tell_claimed().await;
                            }
                            if self.events.send(event).await.is_err() {
                                return End::Released;
                            }
                        }
                    }
                }
            }
        }
    }

    async fn tell_claimed(&self) {
        let claimed = SignalEvent::Claimed { broker: self.broker.clone(), address: self.address.clone() };
        // The receiver is gone only when the app closes.
        let _ = self.events.send(claimed).await;
    }

    /// A broker that stops reading shall not stop us.
    async fn say(&self, stream: &mut Stream, message: Message) -> Result<(), ()> {
        tokio::time::timeout(self.limits.connect, stream.send(message)).await.map_err(drop)?.map_err(drop)
    }
}

/// Waits until the address is released. What is sent meanwhile is lost: it is not held at this moment.
async fn released(queue: &mut mpsc::Receiver<Outgoing>) {
    while queue.recv().await.is_some() {}
}

async fn connect(broker: &str, address: &Address, token: &str, patience: Duration) -> Result<Stream, BrokerTrouble> {
    let url = socket_url(broker, address, token).ok_or(BrokerTrouble::Unreachable)?;
    let limits = WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES)).max_frame_size(Some(MESSAGE_BYTES));
    let connecting = connect_async_with_config(url.as_str(), Some(limits), true);
    match tokio::time::timeout(patience, connecting).await {
        Ok(Ok((stream, _))) => Ok(stream),
        // Something answers there, and it is no PeerServer.
        Ok(Err(Error::Http(_) | Error::HttpFormat(_) | Error::Protocol(_))) => Err(BrokerTrouble::Misbehaving),
        Ok(Err(_)) | Err(_) => Err(BrokerTrouble::Unreachable),
    }
}

/// Exponential backoff with full jitter: everything from nothing to the ceiling, so that those whom one broker's restart
/// cut off do not come back at once.
fn full_jitter(first: Duration, last: Duration, failures: u32, random: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    first.saturating_mul(1 << doublings).min(last).mul_f64(random).max(first / 10)
}

/// From 0 to 1.
fn random() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness everyone waits for the ceiling.
    if getrandom::fill(&mut bytes).is_err() {
        return 1.0;
    }
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_half_a_second_to_a_minute() {
        let (first, last) = (Duration::from_millis(500), Duration::from_secs(60));
        let ceiling = |failures| full_jitter(first, last, failures, 1.0);
        assert_eq!(ceiling(1), first);
        assert_eq!(ceiling(2), Duration::from_secs(1));
        assert_eq!(ceiling(7), Duration::from_secs(32));
        assert_eq!(ceiling(WRONG), last);
        assert_eq!(ceiling(u32::MAX), last);
        assert_eq!(full_jitter(first, last, u32::MAX, 0.5), Duration::from_secs(30));
        assert_eq!(full_jitter(first, last, 1, 0.0), Duration::from_millis(50), "never a hot loop");
    }
}
