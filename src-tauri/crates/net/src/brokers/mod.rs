//! The PeerServer protocol from the client's side: one WebSocket for each address held at each broker.
//!
//! A socket says HEARTBEAT every five seconds, reconnects with full jitter (0.5 to 60 s), and keeps its token, so that a
//! broker re-attaches it instead of calling the address taken. A stock server that re-attaches sends no OPEN: silence for
//! a second after the handshake means yes. Whatever a broker says is data: messages are bounded in size and rate, and
//! what is not OFFER, ANSWER, CANDIDATE or EXPIRE for our address is dropped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use natter_engine::ids::{Address, BrokerUrl};
use natter_engine::port::{BrokerTrouble, SignalCommand, SignalEvent, SignalKind};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

/// Envelopes that wait for a socket.
const OUTGOING: usize = 256;
/// Largest message a broker may send, in bytes.
const MESSAGE_BYTES: usize = 64 * 1024;
/// Messages a broker may deliver in a second before it counts as flooding.
const MESSAGES_PER_SECOND: u32 = 200;
const HEARTBEAT: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(10);
/// After the handshake, silence for this long is the OPEN that a re-attaching stock server does not send.
const SILENT_OPEN: Duration = Duration::from_secs(1);
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_LAST: Duration = Duration::from_secs(60);
/// What PeerJS clients call themselves.
const VERSION: &str = "1.5.5";

/// All sockets.
pub struct Brokers {
    sockets: HashMap<(BrokerUrl, Address), Socket>,
    events: mpsc::Sender<SignalEvent>,
}

struct Socket {
    outgoing: mpsc::Sender<Outgoing>,
    task: tokio::task::JoinHandle<()>,
}

struct Outgoing {
    to: Address,
    kind: SignalKind,
    envelope: Vec<u8>,
}

#[derive(Serialize)]
struct Sent<'m> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dst: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Payload>,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    natter: String,
}

#[derive(Deserialize)]
struct Received {
    r#type: String,
    #[serde(default)]
    src: Option<String>,
    #[serde(default)]
    payload: serde_json::Value,
}

impl Brokers {
    /// No socket yet.
    pub fn new(events: mpsc::Sender<SignalEvent>) -> Self {
        Self { sockets: HashMap::new(), events }
    }

    /// Carries out one command.
    pub fn command(&mut self, command: SignalCommand) {
        match command {
            SignalCommand::Claim { broker, address, token } => {
                let events = self.events.clone();
                self.sockets.entry((broker.clone(), address.clone())).or_insert_with(|| {
                    let (outgoing, queue) = mpsc::channel(OUTGOING);
                    let task = tokio::spawn(hold(broker, address, token, queue, events));
                    Socket { outgoing, task }
                });
            }
            SignalCommand::Release { broker, address } => {
                if let Some(socket) = self.sockets.remove(&(broker, address)) {
                    socket.release();
                }
            }
            SignalCommand::Send { broker, from, to, kind, envelope } => {
                if let Some(socket) = self.sockets.get(&(broker, from)) {
                    // A full queue drops: signaling is repeated by whoever needs it.
                    let _ = socket.outgoing.try_send(Outgoing { to, kind, envelope });
                }
            }
        }
    }

    /// Lets everything go, and waits a moment for the goodbyes.
    pub async fn close(&mut self) {
        let tasks: Vec<_> = self.sockets.drain().map(|(_, socket)| socket.task).collect();
        // Dropping the queues ends the tasks, each with a closing handshake.
        let all = futures_util::future::join_all(tasks);
        let _ = tokio::time::timeout(Duration::from_millis(500), all).await;
    }
}

impl Socket {
    /// The task ends when its queue does, after saying goodbye.
    fn release(self) {
        drop(self.outgoing);
    }
}

/// How one connection to a broker ended.
enum End {
    /// We let go.
    Released,
    /// Somebody else holds the address.
    Taken,
    /// Anything else: try again later.
    Lost(BrokerTrouble),
}

async fn hold(
    broker: BrokerUrl,
    address: Address,
    token: String,
    mut queue: mpsc::Receiver<Outgoing>,
    events: mpsc::Sender<SignalEvent>,
) {
    let mut failures = 0_u32;
    loop {
        let started = Instant::now();
        let end = match connect(&broker, &address, &token).await {
            Err(trouble) => End::Lost(trouble),
            Ok(stream) => converse(stream, &broker, &address, &mut queue, &events).await,
        };
        let trouble = match end {
            End::Released => return,
            End::Taken => {
                let _ = events.send(SignalEvent::Taken { broker, address }).await;
                return;
            }
            End::Lost(trouble) => trouble,
        };
        let lost = SignalEvent::Lost { broker: broker.clone(), address: address.clone(), trouble };
        if events.send(lost).await.is_err() {
            return;
        }
        // A connection that held for a minute was a good one: start over with short waits.
        failures = if started.elapsed() > BACKOFF_LAST { 0 } else { failures.saturating_add(1) };
        let wait = full_jitter(failures, &address);
        let deadline = Instant::now() + wait;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => break,
                // What is sent while we are not connected is lost; a closed queue ends us.
                message = queue.recv() => if message.is_none() { return },
            }
        }
    }
}

fn full_jitter(failures: u32, address: &Address) -> Duration {
    let ceiling = BACKOFF_FIRST.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(BACKOFF_LAST);
    let mut random = [0; 4];
    // Without randomness the address spreads the waits well enough.
    if getrandom::fill(&mut random).is_err() {
        random.copy_from_slice(&address.0.as_bytes()[..4]);
    }
    ceiling.mul_f64(f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX)).max(Duration::from_millis(50))
}

type Stream = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

async fn connect(broker: &str, address: &Address, token: &str) -> Result<Stream, BrokerTrouble> {
    let url = socket_url(broker, address, token).ok_or(BrokerTrouble::Unreachable)?;
    let limits = WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES)).max_frame_size(Some(MESSAGE_BYTES));
    let connecting = connect_async_with_config(url.as_str(), Some(limits), true);
    match tokio::time::timeout(CONNECT, connecting).await {
        Ok(Ok((stream, _))) => Ok(stream),
        Ok(Err(tokio_tungstenite::tungstenite::Error::Http(_))) => Err(BrokerTrouble::Misbehaving),
        Ok(Err(_)) | Err(_) => Err(BrokerTrouble::Unreachable),
    }
}

/// `http(s)` means `ws(s)`; the path is the server's, with the protocol's own `peerjs` below it.
fn socket_url(broker: &str, address: &Address, token: &str) -> Option<Url> {
    let mut url = Url::parse(broker).ok()?;
    let scheme = match url.scheme() {
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        _ => return None,
    };
    url.set_scheme(scheme).ok()?;
    let base = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}/peerjs"));
    url.set_fragment(None);
    url.query_pairs_mut()
        .clear()
        .append_pair("key", "peerjs")
        .append_pair("id", &address.0)
        .append_pair("token", token)
        .append_pair("version", VERSION);
    Some(url)
}

async fn converse(
    mut stream: Stream,
    broker: &BrokerUrl,
    address: &Address,
    queue: &mut mpsc::Receiver<Outgoing>,
    events: &mpsc::Sender<SignalEvent>,
) -> End {
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut open = false;
    let silence = tokio::time::sleep(SILENT_OPEN);
    tokio::pin!(silence);
    let mut window = (Instant::now(), 0_u32);
    loop {
        tokio::select! {
            () = &mut silence, if !open => {
                open = true;
                tell_claimed(broker, address, events).await;
            }
            _ = heartbeat.tick() => {
                let beat = Sent { r#type: "HEARTBEAT", dst: None, payload: None };
                if send(&mut stream, &beat).await.is_err() {
                    return End::Lost(BrokerTrouble::Closed);
                }
            }
            outgoing = queue.recv() => {
                let Some(Outgoing { to, kind, envelope }) = outgoing else {
                    let _ = stream.close(None).await;
                    return End::Released;
                };
                let payload = Payload { natter: STANDARD.encode(envelope) };
                let message = Sent { r#type: name(kind), dst: Some(&to.0), payload: Some(payload) };
                if send(&mut stream, &message).await.is_err() {
                    return End::Lost(BrokerTrouble::Closed);
                }
            }
            received = stream.next() => {
                if window.0.elapsed() > Duration::from_secs(1) {
                    window = (Instant::now(), 0);
                }
                window.1 += 1;
                if window.1 > MESSAGES_PER_SECOND {
                    return End::Lost(BrokerTrouble::Misbehaving);
                }
                let text = match received {
                    Some(Ok(Message::Text(text))) => text,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Binary(_) | Message::Frame(_))) => return End::Lost(BrokerTrouble::Misbehaving),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Lost(BrokerTrouble::Closed),
                };
                let Ok(message) = serde_json::from_str::<Received>(&text) else {
                    return End::Lost(BrokerTrouble::Misbehaving);
                };
                match message.r#type.as_str() {
                    "OPEN" => {
                        if !std::mem::replace(&mut open, true) {
                            tell_claimed(broker, address, events).await;
                        }
                    }
                    "ID-TAKEN" => return End::Taken,
                    "ERROR" => return End::Lost(trouble(&message.payload)),
                    _ => {
                        if let Some(event) = event(message, broker, address)
                            && events.send(event).await.is_err()
                        {
                            return End::Released;
                        }
                    }
                }
            }
        }
    }
}

async fn tell_claimed(broker: &BrokerUrl, address: &Address, events: &mpsc::Sender<SignalEvent>) {
    let claimed = SignalEvent::Claimed { broker: broker.clone(), address: address.clone() };
    // The receiver is gone only when the app closes.
    let _ = events.send(claimed).await;
}

async fn send(stream: &mut Stream, message: &Sent<'_>) -> Result<(), ()> {
    let text = serde_json::to_string(message).map_err(drop)?;
    stream.send(Message::text(text)).await.map_err(drop)
}

fn name(kind: SignalKind) -> &'static str {
    match kind {
        SignalKind::Offer => "OFFER",
        SignalKind::Answer => "ANSWER",
        SignalKind::Candidate => "CANDIDATE",
    }
}

/// The stock server's own words.
fn trouble(payload: &serde_json::Value) -> BrokerTrouble {
    match payload.get("msg").and_then(|msg| msg.as_str()) {
        Some("Server has reached its concurrent user limit") => BrokerTrouble::Full,
        Some("Invalid key provided") => BrokerTrouble::BadKey,
        Some(_) | None => BrokerTrouble::Misbehaving,
    }
}

fn event(message: Received, broker: &BrokerUrl, to: &Address) -> Option<SignalEvent> {
    let (broker, to) = (broker.clone(), to.clone());
    let from = Address(message.src?);
    let kind = match message.r#type.as_str() {
        "OFFER" => SignalKind::Offer,
        "ANSWER" => SignalKind::Answer,
        "CANDIDATE" => SignalKind::Candidate,
        "EXPIRE" => return Some(SignalEvent::Expired { broker, to, missing: from }),
        _ => return None,
    };
    let payload: Payload = serde_json::from_value(message.payload).ok()?;
    let envelope = STANDARD.decode(payload.natter).ok()?;
    let fits = envelope.len() <= natter_engine::wire::limits::ENVELOPE_BYTES && from.0.len() <= 64;
    fits.then_some(SignalEvent::Message { broker, to, from, kind, envelope })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(broker: &str) -> Option<String> {
        socket_url(broker, &Address("abc".into()), "t0k").map(Into::into)
    }

    #[test]
    fn the_protocols_path_goes_below_the_brokers() {
        let query = "key=peerjs&id=abc&token=t0k&version=1.5.5";
        assert_eq!(url("ws://127.0.0.1:9000/"), Some(format!("ws://127.0.0.1:9000/peerjs?{query}")));
        assert_eq!(url("https://broker.example/my/path"), Some(format!("wss://broker.example/my/path/peerjs?{query}")));
        assert_eq!(url("http://broker.example"), Some(format!("ws://broker.example/peerjs?{query}")));
        assert_eq!(url("ftp://broker.example/"), None);
        assert_eq!(url("no url"), None);
    }

    #[test]
    fn the_stock_servers_words_are_understood() {
        let said = |msg: &str| trouble(&serde_json::json!({ "msg": msg }));
        assert_eq!(said("Server has reached its concurrent user limit"), BrokerTrouble::Full);
        assert_eq!(said("Invalid key provided"), BrokerTrouble::BadKey);
        assert_eq!(trouble(&serde_json::Value::Null), BrokerTrouble::Misbehaving);
    }

    #[test]
    fn rubbish_from_a_broker_is_no_event() {
        let read =
            |json: &str| event(serde_json::from_str(json).expect("json"), &"ws://b/".to_owned(), &Address("me".into()));
        assert!(read(r#"{"type":"OFFER","src":"x","payload":{"natter":"AAAA"}}"#).is_some());
        assert!(read(r#"{"type":"EXPIRE","src":"x"}"#).is_some());
        assert!(read(r#"{"type":"OFFER","payload":{"natter":"AAAA"}}"#).is_none(), "no source");
        assert!(read(r#"{"type":"OFFER","src":"x","payload":{"natter":"***"}}"#).is_none());
        assert!(read(r#"{"type":"OFFER","src":"x","payload":{"sdp":{}}}"#).is_none(), "a PeerJS browser");
        assert!(read(r#"{"type":"WHATEVER","src":"x"}"#).is_none());
        let huge = "A".repeat(20_000);
        assert!(read(&format!(r#"{{"type":"OFFER","src":"x","payload":{{"natter":"{huge}"}}}}"#)).is_none());
    }
}
