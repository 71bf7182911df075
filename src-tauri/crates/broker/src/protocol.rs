//! The frames of the PeerServer protocol, as `peer` 1.0.2 sends and reads them.
//!
//! A client says OFFER, ANSWER, CANDIDATE, LEAVE or EXPIRE, and the broker passes on exactly `{type, src, dst, payload}`
//! with `src` overwritten; a HEARTBEAT is for the broker alone. What is neither is dropped without a word: a broker that
//! answered nonsense would be a broker that can be made to talk. The payload is opaque and travels byte for byte.

use crate::config::{ID_CHARS, TOKEN_BYTES};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Borrow;

/// Sent to a client whose id is now its own.
pub(crate) const OPEN: &str = r#"{"type":"OPEN"}"#;
/// Told to a client that sends more than its share.
pub(crate) const FLOOD: &str = "Too many messages";
/// Told to a client that sends one message over the limit.
pub(crate) const TOO_BIG: &str = "Message is too big";

/// An id that a client may hold: PeerJS's own rule, `^[A-Za-z0-9]+(?:[ _-][A-Za-z0-9]+)*$`, and at most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(String);

impl Id {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let words = text.split([' ', '_', '-']);
        let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric());
        (text.len() <= ID_CHARS && words.into_iter().all(word)).then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Id {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Proves that a socket belongs to whoever holds the id. Never shown: not even in Debug.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        (!text.is_empty() && text.len() <= TOKEN_BYTES).then(|| Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What a client asks for with its socket: the query of `…/peerjs?key=…&id=…&token=…`.
#[derive(Debug, Default)]
pub(crate) struct Hello {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) key: String,
}

impl Hello {
    /// As JavaScript's `Object.fromEntries(searchParams)` reads it: the last of each counts, others are ignored.
    pub(crate) fn from_query(query: &str) -> Self {
        let mut hello = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "id" => hello.id = value.into_owned(),
                "token" => hello.token = value.into_owned(),
                "key" => hello.key = value.into_owned(),
                _ => {}
            }
        }
        hello
    }
}

/// Why a socket got no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Incomplete,
    Key,
    Id,
    Token,
    Taken,
    Full,
}

impl Refusal {
    /// The last frame before the close.
    pub(crate) fn frame(self) -> String {
        match self {
            Self::Incomplete => error("No id, token, or key supplied to websocket server"),
            Self::Key => error("Invalid key provided"),
            // Stock takes any id; these two words are ours, in its manner.
            Self::Id => error("Invalid id provided"),
            Self::Token => error("Invalid token provided"),
            Self::Taken => r#"{"type":"ID-TAKEN","payload":{"msg":"ID is taken"}}"#.to_owned(),
            Self::Full => error("Server has reached its concurrent user limit"),
        }
    }
}

/// `{"type":"ERROR","payload":{"msg":…}}`; PeerJS shows it to its page and lets go of the socket.
pub(crate) fn error(msg: &'static str) -> String {
    format!(r#"{{"type":"ERROR","payload":{{"msg":"{msg}"}}}}"#)
}

/// `{"type":"EXPIRE","src":missing,"dst":sender}`; PeerJS reports `missing` as unavailable.
pub(crate) fn expire(missing: &str, sender: &Id) -> String {
    encode(Kind::Expire, missing, sender.as_str(), None)
}

/// What is passed on between clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Offer,
    Answer,
    Candidate,
    Leave,
    Expire,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Offer => "OFFER",
            Self::Answer => "ANSWER",
            Self::Candidate => "CANDIDATE",
            Self::Leave => "LEAVE",
            Self::Expire => "EXPIRE",
        }
    }

    /// Whether it waits for a recipient who is not there.
    pub(crate) const fn keeps(self) -> Keeps {
        match self {
            Self::Offer | Self::Answer | Self::Candidate => Keeps::Waiting,
            Self::Leave | Self::Expire => Keeps::Nothing,
        }
    }
}

/// What becomes of a message whose recipient is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    Waiting,
    Nothing,
}

/// A frame that means something.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    /// The client lives.
    Heartbeat,
    /// For another client.
    Relay { kind: Kind, dst: String, payload: Option<&'a RawValue> },
    /// A LEAVE to nobody: the client gives its id back.
    Goodbye,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type", borrow)]
    kind: &'a RawValue,
    #[serde(borrow)]
    dst: Option<&'a RawValue>,
    // `null` is a payload, and goes on as one; only an absent payload stays absent.
    #[serde(borrow, default, deserialize_with = "present")]
    payload: Option<&'a RawValue>,
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// Reads a frame, text or binary alike (stock calls `toString` on both). `None` is nonsense, to be dropped.
pub(crate) fn parse(frame: &[u8]) -> Option<Message<'_>> {
    let frame: Frame<'_> = serde_json::from_slice(frame).ok()?;
    let kind: String = serde_json::from_str(frame.kind.get()).ok()?;
    let kind = match kind.as_str() {
        "HEARTBEAT" => return Some(Message::Heartbeat),
        "OFFER" => Kind::Offer,
        "ANSWER" => Kind::Answer,
        "CANDIDATE" => Kind::Candidate,
        "LEAVE" => Kind::Leave,
        "EXPIRE" => Kind::Expire,
        _ => return None,
    };
    let dst = frame.dst.and_then(|dst| serde_json::from_str::<String>(dst.get()).ok()).filter(|dst| !dst.is_empty());
    match (kind, dst) {
        (kind, Some(dst)) => Some(Message::Relay { kind, dst, payload: frame.payload }),
        (Kind::Leave, None) => Some(Message::Goodbye),
        (Kind::Offer | Kind::Answer | Kind::Candidate | Kind::Expire, None) => None,
    }
}

/// Writes what is passed on.
pub(crate) fn encode(kind: Kind, src: &str, dst: &str, payload: Option<&RawValue>) -> String {
    #[derive(Serialize)]
    struct Relayed<'a> {
        #[serde(rename = "type")]
        kind: &'a str,
        src: &'a str,
        dst: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<&'a RawValue>,
    }
    serde_json::to_string(&Relayed { kind: kind.name(), src, dst, payload })
        .expect("strings and JSON that was just parsed can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relayed(frame: &str) -> Option<String> {
        match parse(frame.as_bytes())? {
            Message::Relay { kind, dst, payload } => Some(encode(kind, "me", &dst, payload)),
            Message::Heartbeat | Message::Goodbye => None,
        }
    }

    #[test]
    fn ids_follow_the_rule_of_peerjs() {
        for good in ["a", "A9", "a b", "a-b_c d", "0f8fad5b-d9cb-469f-a165-70867728950e", &"x".repeat(64)] {
            assert!(Id::parse(good).is_some(), "{good:?}");
        }
        for bad in ["", " ", "a ", "-a", "a--b", "a/b", "ä", "a\n", "a\0", "<b>", &"x".repeat(65)] {
            assert!(Id::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_query_is_read_as_javascript_reads_it() {
        let hello = Hello::from_query("key=old&key=peerjs&id=a%20b&token=t+1&version=1.5.5&%ff=1&&=");
        assert_eq!((hello.key.as_str(), hello.id.as_str(), hello.token.as_str()), ("peerjs", "a b", "t 1"));
    }

    #[test]
    fn a_relayed_frame_has_four_fields_and_the_true_sender() {
        let frame = r#"{"extra":1,"src":"liar","type":"OFFER","dst":"you","payload":{"n":1.00, "s":"\ud83d"}}"#;
        let expected = r#"{"type":"OFFER","src":"me","dst":"you","payload":{"n":1.00, "s":"\ud83d"}}"#;
        assert_eq!(relayed(frame).as_deref(), Some(expected));
        let null = r#"{"type":"LEAVE","dst":"you","payload":null}"#;
        assert_eq!(relayed(null).as_deref(), Some(r#"{"type":"LEAVE","src":"me","dst":"you","payload":null}"#));
        let absent = r#"{"type":"EXPIRE","dst":"you"}"#;
        assert_eq!(relayed(absent).as_deref(), Some(r#"{"type":"EXPIRE","src":"me","dst":"you"}"#));
    }

    #[test]
    fn nonsense_is_dropped() {
        let deep = format!(r#"{{"type":"OFFER","dst":"you","payload":{}"#, "[".repeat(60_000));
        let nonsense = [
            "",
            " ",
            "x",
            "null",
            "1",
            "[]",
            r#""OFFER""#,
            "{}",
            r#"{"type":1,"dst":"you"}"#,
            r#"{"type":"OPEN","dst":"you"}"#,
            r#"{"type":"offer","dst":"you"}"#,
            r#"{"type":"OFFER"}"#,
            r#"{"type":"OFFER","dst":""}"#,
            r#"{"type":"OFFER","dst":7}"#,
            r#"{"type":"OFFER","dst":"you"} x"#,
            r#"{"type":"OFFER","dst":"you""#,
            &deep,
        ];
        for frame in nonsense {
            assert!(parse(frame.as_bytes()).is_none(), "{frame:.80}");
        }
        assert!(parse(b"{\"type\":\"OFFER\",\"dst\":\"you\",\"payload\":\"\xff\"}").is_none(), "not UTF-8");
        let deep = format!(r#"{{"type":"OFFER","dst":"you","payload":{}{}}}"#, "[".repeat(30_000), "]".repeat(30_000));
        assert!(relayed(&deep).is_some(), "depth costs no stack");
    }

    #[test]
    fn a_heartbeat_and_a_goodbye_go_no_further() {
        assert!(matches!(parse(br#"{"type":"HEARTBEAT","dst":5}"#), Some(Message::Heartbeat)));
        assert!(matches!(parse(br#"{"type":"LEAVE"}"#), Some(Message::Goodbye)));
    }

    #[test]
    fn a_token_is_never_shown() {
        assert_eq!(format!("{:?}", Token::parse("secret")), "Some(Token(…))");
        assert!(Token::parse("").is_none() && Token::parse(&"x".repeat(129)).is_none());
    }
}
