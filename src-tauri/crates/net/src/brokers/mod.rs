//! The PeerServer protocol from the client's side: one WebSocket for each address held at each broker.
//!
//! A socket says HEARTBEAT every five seconds, reconnects with full jitter (0.5 to 60 s), and keeps its token, so that a
//! broker re-attaches it instead of calling the address taken. A stock server that re-attaches sends no OPEN: silence for
//! a second after the handshake means yes, and so does a message. Whatever a broker says is data: messages are bounded in
//! size and rate, and what is not OFFER, ANSWER, CANDIDATE or EXPIRE for our address is dropped.

mod message;
mod socket;
#[cfg(test)]
mod tests;

use message::Outgoing;
use natter_engine::ids::{Address, BrokerUrl};
use natter_engine::port::{BrokerTrouble, SignalCommand, SignalEvent};
use natter_engine::wire::limits::ENVELOPE_BYTES;
use socket::Socket;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Sockets in all; a claim beyond is told as lost.
const SOCKETS: usize = 1024;
/// Envelopes that wait for one socket; more are dropped, for signaling is repeated by whoever needs it.
const OUTGOING: usize = 256;
/// Largest message a broker may send, in bytes.
const MESSAGE_BYTES: usize = 64 * 1024;
/// How long all farewells may take when the app closes.
const CLOSING: Duration = Duration::from_millis(500);

/// Times and rates of a socket.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// How long connecting, or writing a message, may take.
    connect: Duration,
    heartbeat: Duration,
    /// Silence after which a connection is dead, though TCP does not know it yet.
    dead: Duration,
    /// After the handshake, silence for this long is the OPEN that a re-attaching stock server does not send.
    silent_open: Duration,
    /// Messages a broker may deliver in a second before it counts as flooding.
    messages_per_second: u32,
    backoff_first: Duration,
    backoff_last: Duration,
    /// How long the closing handshake may take.
    farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            heartbeat: Duration::from_secs(5),
            dead: Duration::from_secs(20),
            silent_open: Duration::from_secs(1),
            messages_per_second: 200,
            backoff_first: Duration::from_millis(500),
            backoff_last: Duration::from_secs(60),
            farewell: Duration::from_millis(250),
        }
    }
}

/// All sockets.
#[derive(Debug)]
pub struct Brokers {
    sockets: HashMap<(BrokerUrl, Address), Held>,
    /// Sockets that say goodbye.
    leaving: Vec<JoinHandle<()>>,
    events: mpsc::Sender<SignalEvent>,
    limits: Limits,
}

#[derive(Debug)]
struct Held {
    /// Dropping it releases the address.
    outgoing: mpsc::Sender<Outgoing>,
    task: JoinHandle<()>,
}

impl Brokers {
    /// No socket yet.
    pub fn new(events: mpsc::Sender<SignalEvent>) -> Self {
        Self { sockets: HashMap::new(), leaving: Vec::new(), events, limits: Limits::default() }
    }

    /// Carries out one command, without waiting.
    pub fn command(&mut self, command: SignalCommand) {
        match command {
            SignalCommand::Claim { broker, address, token } => self.claim(broker, address, token),
            SignalCommand::Release { broker, address } => {
                if let Some(Held { outgoing, task }) = self.sockets.remove(&(broker, address)) {
                    drop(outgoing);
                    self.leaving.retain(|task| !task.is_finished());
                    self.leaving.push(task);
                }
            }
            SignalCommand::Send { broker, from, to, kind, envelope } => {
                if let Some(held) = self.sockets.get(&(broker, from))
                    && envelope.len() <= ENVELOPE_BYTES
                {
                    let _ = held.outgoing.try_send(Outgoing { to, kind, envelope });
                }
            }
        }
    }

    fn claim(&mut self, broker: BrokerUrl, address: Address, token: String) {
        let key = (broker.clone(), address.clone());
        // One that was taken has ended, and may be claimed anew.
        if self.sockets.get(&key).is_some_and(|held| !held.task.is_finished()) {
            return;
        }
        self.sockets.remove(&key);
        if self.sockets.len() >= SOCKETS {
            let lost = SignalEvent::Lost { broker, address, trouble: BrokerTrouble::Unreachable };
            // With a full inbox as well, the engine has other troubles.
            let _ = self.events.try_send(lost);
            return;
        }
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        let socket = Socket { broker, address, token, queue, events: self.events.clone(), limits: self.limits };
        self.sockets.insert(key, Held { outgoing, task: tokio::spawn(socket.hold()) });
    }

    /// Lets everything go, and waits a moment for the goodbyes.
    pub async fn close(&mut self) {
        let held = self.sockets.drain().map(|(_, held)| held.task);
        let tasks: Vec<_> = held.chain(self.leaving.drain(..)).collect();
        let aborts: Vec<_> = tasks.iter().map(JoinHandle::abort_handle).collect();
        let all = futures_util::future::join_all(tasks);
        if tokio::time::timeout(CLOSING, all).await.is_err() {
            aborts.iter().for_each(tokio::task::AbortHandle::abort);
        }
    }
}
