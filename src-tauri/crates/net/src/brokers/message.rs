//! What goes over a broker's socket, as JSON text.
//!
//! Natter's payload is `{"natter": "<base64 of the sealed envelope>"}`; what PeerJS browsers send one another is not for
//! us and is dropped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use natter_engine::ids::{Address, BrokerUrl};
use natter_engine::port::{BrokerTrouble, SignalEvent, SignalKind};
use natter_engine::wire::limits::ENVELOPE_BYTES;
use serde::{Deserialize, Serialize};
use url::Url;

/// Characters of an address that a broker may name.
const ADDRESS_CHARS: usize = 64;
/// What PeerJS clients call themselves.
const VERSION: &str = "1.5.5";

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

/// An envelope on its way.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) to: Address,
    pub(super) kind: SignalKind,
    pub(super) envelope: Vec<u8>,
}

impl Outgoing {
    pub(super) fn text(&self) -> String {
        let r#type = match self.kind {
            SignalKind::Offer => "OFFER",
            SignalKind::Answer => "ANSWER",
            SignalKind::Candidate => "CANDIDATE",
        };
        let payload = Payload { natter: STANDARD.encode(&self.envelope) };
        json(&Sent { r#type, dst: Some(&self.to.0), payload: Some(payload) })
    }
}

pub(super) fn heartbeat() -> String {
    json(&Sent { r#type: "HEARTBEAT", dst: None, payload: None })
}

fn json(message: &Sent<'_>) -> String {
    serde_json::to_string(message).expect("strings become JSON")
}

/// What a broker said.
#[derive(Debug)]
pub(super) enum Heard {
    /// The address is ours.
    Open,
    /// It is somebody else's.
    Taken,
    /// The broker refuses.
    Error(BrokerTrouble),
    /// For the engine.
    Event(SignalEvent),
    /// Nothing to us: LEAVE, a browser's offer, a type of the future.
    Nothing,
}

/// Reads one message; `None` for what is no message of the protocol.
pub(super) fn hear(text: &str, broker: &BrokerUrl, address: &Address) -> Option<Heard> {
    let Received { r#type, src, payload } = serde_json::from_str(text).ok()?;
    let kind = match r#type.as_str() {
        "OPEN" => return Some(Heard::Open),
        "ID-TAKEN" => return Some(Heard::Taken),
        "ERROR" => return Some(Heard::Error(trouble(&payload))),
        "EXPIRE" => None,
        "OFFER" => Some(SignalKind::Offer),
        "ANSWER" => Some(SignalKind::Answer),
        "CANDIDATE" => Some(SignalKind::Candidate),
        _ => return Some(Heard::Nothing),
    };
    let Some(from) = src.filter(|src| src.len() <= ADDRESS_CHARS).map(Address) else { return Some(Heard::Nothing) };
    let (broker, to) = (broker.clone(), address.clone());
    let Some(kind) = kind else { return Some(Heard::Event(SignalEvent::Expired { broker, to, missing: from })) };
    let Some(envelope) = envelope(payload) else { return Some(Heard::Nothing) };
    Some(Heard::Event(SignalEvent::Message { broker, to, from, kind, envelope }))
}

fn envelope(payload: serde_json::Value) -> Option<Vec<u8>> {
    let Payload { natter } = serde_json::from_value(payload).ok()?;
    let envelope = STANDARD.decode(natter).ok()?;
    (envelope.len() <= ENVELOPE_BYTES).then_some(envelope)
}

/// The stock server's own words.
fn trouble(payload: &serde_json::Value) -> BrokerTrouble {
    match payload.get("msg").and_then(|msg| msg.as_str()) {
        Some("Server has reached its concurrent user limit") => BrokerTrouble::Full,
        Some("Invalid key provided") => BrokerTrouble::BadKey,
        Some(_) | None => BrokerTrouble::Misbehaving,
    }
}

/// `http(s)` means `ws(s)`; the path is the server's, with the protocol's own `peerjs` below it.
pub(super) fn socket_url(broker: &str, address: &Address, token: &str) -> Option<Url> {
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
        assert_eq!(url("ws://[2001:db8::1]:9000"), Some(format!("ws://[2001:db8::1]:9000/peerjs?{query}")));
        assert_eq!(url("ftp://broker.example/"), None);
        assert_eq!(url("no url"), None);
    }

    #[test]
    fn what_is_sent_is_what_a_peer_server_relays() {
        let offer = Outgoing { to: Address("them".into()), kind: SignalKind::Offer, envelope: vec![1, 2, 3] };
        assert_eq!(offer.text(), r#"{"type":"OFFER","dst":"them","payload":{"natter":"AQID"}}"#);
        assert_eq!(heartbeat(), r#"{"type":"HEARTBEAT"}"#);
    }

    fn heard(text: &str) -> Option<Heard> {
        hear(text, &"ws://b/".to_owned(), &Address("me".into()))
    }

    #[test]
    fn the_stock_servers_words_are_understood() {
        let error = |msg: &str| format!(r#"{{"type":"ERROR","payload":{{"msg":"{msg}"}}}}"#);
        for (msg, expected) in [
            ("Server has reached its concurrent user limit", BrokerTrouble::Full),
            ("Invalid key provided", BrokerTrouble::BadKey),
            ("No id, token, or key supplied to websocket server", BrokerTrouble::Misbehaving),
        ] {
            assert!(matches!(heard(&error(msg)), Some(Heard::Error(trouble)) if trouble == expected), "{msg}");
        }
        assert!(matches!(heard(r#"{"type":"ERROR"}"#), Some(Heard::Error(BrokerTrouble::Misbehaving))));
        assert!(matches!(heard(r#"{"type":"OPEN"}"#), Some(Heard::Open)));
        assert!(matches!(heard(r#"{"type":"ID-TAKEN","payload":{"msg":"ID is taken"}}"#), Some(Heard::Taken)));
        let expire = heard(r#"{"type":"EXPIRE","src":"gone","dst":"me"}"#);
        assert!(matches!(expire, Some(Heard::Event(SignalEvent::Expired { missing, .. })) if missing.0 == "gone"));
        let offer = heard(r#"{"type":"OFFER","src":"x","dst":"me","payload":{"natter":"AQID"}}"#);
        assert!(matches!(offer, Some(Heard::Event(SignalEvent::Message { envelope, .. })) if envelope == [1, 2, 3]));
    }

    #[test]
    fn rubbish_is_nothing_and_no_message_is_no_protocol() {
        let huge = "A".repeat(ENVELOPE_BYTES * 2);
        let long = "x".repeat(ADDRESS_CHARS + 1);
        for text in [
            r#"{"type":"OFFER","payload":{"natter":"AAAA"}}"#,
            r#"{"type":"OFFER","src":"x","payload":{"natter":"***"}}"#,
            r#"{"type":"OFFER","src":"x","payload":{"sdp":{}}}"#,
            r#"{"type":"OFFER","src":"x"}"#,
            r#"{"type":"EXPIRE"}"#,
            r#"{"type":"LEAVE","src":"x"}"#,
            r#"{"type":"WHATEVER","src":"x"}"#,
            &format!(r#"{{"type":"OFFER","src":"x","payload":{{"natter":"{huge}"}}}}"#),
            &format!(r#"{{"type":"OFFER","src":"{long}","payload":{{"natter":"AAAA"}}}}"#),
        ] {
            assert!(matches!(heard(text), Some(Heard::Nothing)), "{text:.60}");
        }
        for text in ["", "hello", "[]", "{}", r#"{"type":7}"#] {
            assert!(heard(text).is_none(), "{text}");
        }
    }
}
