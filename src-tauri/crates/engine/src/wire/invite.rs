//! An invite as people pass it on: `natter://join#` and base64url (RFC 4648 §5) of
//! `version ‖ first 4 bytes of BLAKE3(record) ‖ record`. The check bytes tell a link that a mail program cut from one
//! that was never Natter's. The secret stands in the fragment, which browsers never send to a server.
//!
//! A *spoken* invite is one whose seed is stretched from ten bytes of luck, which people say as eight words. The words do
//! not tell the room: whoever has them ASKs at the invite's addresses, and a member answers TOLD with the rest of the link,
//! which the invite's key signed when it was made. Both are envelopes (`signaling`), sealed with the invite's sealing key.

use super::cbor::{Reader, WireError, Writer};
use super::limits::{BROKER_URL_BYTES, BROKERS};
use crate::ids::{BrokerUrl, InviteId, RoomId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const PREFIX: &str = "natter://join#";
const DEVICE_PREFIX: &str = "natter://link#";
const VERSION: u8 = 1;
/// Bytes of luck in the eight words of a spoken invite; the eight bits that are left in them check it.
pub const SPOKEN_BYTES: usize = 10;

/// An invite as a link, QR code or file carries it. The seed is a secret: whoever has it may knock.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteLink {
    /// 32 random bytes; derives the invite's key pair, rendezvous addresses and sealing key.
    pub seed: [u8; 32],
    /// The room it opens: the newcomer accepts no other log.
    pub room: RoomId,
    /// The room's name when the invite was made; a hint to show before joining, never trusted.
    pub room_name: String,
    /// Where to knock, at most 8.
    pub brokers: Vec<BrokerUrl>,
    /// Seconds since 1970 after which it is void, so that a late newcomer hears it without asking anyone.
    pub expires: u64,
    /// The luck in the eight words of a spoken invite.
    pub spoken: Option<[u8; SPOKEN_BYTES]>,
}

/// Why a text is not an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// No Natter link in it.
    #[error("this is not a Natter invite")]
    NotNatter,
    /// A code of the other kind: for a room where one for a device is wanted, or the other way round.
    #[error("this code is for something else")]
    OtherKind,
    /// A Natter link that lost some of its characters.
    #[error("the invite is cut short or mistyped")]
    Cut,
    /// Made by a newer Natter.
    #[error("the invite was made by a newer Natter")]
    TooNew,
}

impl InviteLink {
    /// The keys that the seed derives.
    pub fn keys(&self) -> InviteKeys {
        InviteKeys::derive(&self.seed)
    }

    /// The invite's id: its public key.
    pub fn id(&self) -> InviteId {
        self.keys().id()
    }

    /// The link.
    pub fn to_text(&self) -> String {
        self.write(PREFIX)
    }

    /// The invite into the circle of a person's devices, as a link.
    pub fn to_device_text(&self) -> String {
        self.write(DEVICE_PREFIX)
    }

    fn write(&self, prefix: &str) -> String {
        let record = Writer::record(if self.spoken.is_some() { 6 } else { 5 })
            .bytes(&self.seed)
            .bytes(&self.room.0)
            .text(&self.room_name)
            .each(self.brokers.iter(), |w, broker| w.text(broker))
            .uint(self.expires);
        let record = match &self.spoken {
            Some(luck) => record.bytes(luck),
            None => record,
        }
        .finish();
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&blake3::hash(&record).as_bytes()[..4]);
        bytes.extend_from_slice(&record);
        format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Finds and reads the invite in what a person pasted.
    ///
    /// # Errors
    /// [`InviteError`] tells a foreign text from a damaged or newer link.
    pub fn parse(text: &str) -> Result<Self, InviteError> {
        Self::find(text, PREFIX, DEVICE_PREFIX)
    }

    /// Finds and reads the code that links a device in what a person pasted.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_device(text: &str) -> Result<Self, InviteError> {
        Self::find(text, DEVICE_PREFIX, PREFIX)
    }

    fn find(text: &str, prefix: &str, other: &str) -> Result<Self, InviteError> {
        let Some(start) = text.find("natter:") else { return Err(InviteError::NotNatter) };
        let Some(rest) = text[start..].strip_prefix(prefix) else {
            return Err(if text[start..].starts_with(other) { InviteError::OtherKind } else { InviteError::Cut });
        };
        let code: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
        let bytes = URL_SAFE_NO_PAD.decode(code).map_err(|_| InviteError::Cut)?;
        let Some((&version, rest)) = bytes.split_first() else { return Err(InviteError::Cut) };
        let Some((check, record)) = rest.split_at_checked(4) else { return Err(InviteError::Cut) };
        if blake3::hash(record).as_bytes()[..4] != *check {
            return Err(InviteError::Cut);
        }
        if version > VERSION {
            return Err(InviteError::TooNew);
        }
        Self::read(record).map_err(|_| InviteError::Cut)
    }

    fn read(record: &[u8]) -> Result<Self, WireError> {
        Reader::grown(record, 5..=6, |r, fields| {
            Ok(Self {
                seed: r.exactly()?,
                room: RoomId(r.exactly()?),
                room_name: r.text(256)?,
                brokers: r.each(BROKERS, |r| r.text(BROKER_URL_BYTES))?,
                expires: r.uint()?,
                spoken: if fields > 5 { Some(r.exactly()?) } else { None },
            })
        })
    }
}

impl std::fmt::Debug for InviteLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InviteLink").field("room", &self.room).field("seed", &"(secret)").finish_non_exhaustive()
    }
}

/// What a newcomer who has only the words asks at the invite's addresses. That the envelope opens says by which invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask;

impl Ask {
    /// The record.
    pub fn encode(self) -> Vec<u8> {
        Writer::record(1).uint(ASK).finish()
    }

    /// Reads the record.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Reader::record(bytes, 1, |r| if r.uint()? == ASK { Ok(Self) } else { Err(WireError::OutOfRange) })
    }
}

/// The one word that an ASK says.
const ASK: u64 = 0;

/// What a member answers to an ASK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The room that the invite opens.
    pub room: RoomId,
    /// Its name now; a hint.
    pub room_name: String,
    /// Where its members meet, at most 8.
    pub brokers: Vec<BrokerUrl>,
    /// Seconds since 1970 after which the invite is void.
    pub expires: u64,
    /// The invite key's word for `room` and `expires`: a member of another room who learned the invite cannot lead there.
    pub vouch: [u8; 64],
}

impl Told {
    /// The record.
    pub fn encode(&self) -> Vec<u8> {
        Writer::record(5)
            .bytes(&self.room.0)
            .text(&self.room_name)
            .each(self.brokers.iter(), |w, broker| w.text(broker))
            .uint(self.expires)
            .bytes(&self.vouch)
            .finish()
    }

    /// Reads the record.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Reader::record(bytes, 5, |r| {
            Ok(Self {
                room: RoomId(r.exactly()?),
                room_name: r.text(256)?,
                brokers: r.each(BROKERS, |r| r.text(BROKER_URL_BYTES))?,
                expires: r.uint()?,
                vouch: r.exactly()?,
            })
        })
    }
}

/// What an invite's key signs to say which room it opens, and until when.
pub fn invite_room_bytes(room: RoomId, expires: u64) -> Vec<u8> {
    Writer::record(2).bytes(&room.0).uint(expires).finish()
}

/// What a seed derives: three keys that do not tell each other.
#[derive(Clone)]
pub struct InviteKeys {
    /// Seed of the Ed25519 key whose public half the log holds.
    pub signing: [u8; 32],
    /// Derives the addresses where the invite is served.
    pub rendezvous: [u8; 32],
    /// Seals knocks.
    pub sealing: [u8; 32],
}

impl InviteKeys {
    /// Derives them.
    pub fn derive(seed: &[u8; 32]) -> Self {
        Self {
            signing: blake3::derive_key("natter 2026-11 invite signing v1", seed),
            rendezvous: blake3::derive_key("natter 2026-11 invite rendezvous v1", seed),
            sealing: blake3::derive_key("natter 2026-11 invite sealing v1", seed),
        }
    }

    /// The invite's id: its public key.
    pub fn id(&self) -> InviteId {
        crate::identity::SecretKey::from_seed(&self.signing).invite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> InviteLink {
        InviteLink {
            seed: [3; 32],
            room: RoomId([4; 32]),
            room_name: "Küche 🍲".into(),
            brokers: vec!["ws://127.0.0.1:9753/".into()],
            expires: 1_800_000_000,
            spoken: None,
        }
    }

    #[test]
    fn an_invite_survives_a_chat_message_around_it() {
        let text = format!("Hi! Join us:\n{}\nsee you", link().to_text());
        assert_eq!(InviteLink::parse(&text), Ok(link()));
        assert_eq!(InviteLink::parse(&format!("<{}>.", link().to_text())), Ok(link()));
    }

    #[test]
    fn a_spoken_invite_keeps_its_words_in_its_link() {
        let spoken = InviteLink { spoken: Some([7; SPOKEN_BYTES]), ..link() };
        assert_eq!(InviteLink::parse(&spoken.to_text()), Ok(spoken));
    }

    #[test]
    fn ask_and_told_are_no_session_and_not_each_other() {
        let told = Told {
            room: RoomId([4; 32]),
            room_name: "Küche".into(),
            brokers: link().brokers,
            expires: 7,
            vouch: [5; 64],
        };
        assert_eq!(Told::decode(&told.encode()), Ok(told.clone()));
        assert_eq!(Ask::decode(&Ask.encode()), Ok(Ask));
        assert!(Ask::decode(&told.encode()).is_err() && Told::decode(&Ask.encode()).is_err());
        for record in [Ask.encode(), told.encode()] {
            assert!(crate::wire::SignedSession::decode(&record).is_err());
            assert!(crate::wire::Trickle::decode(&record).is_err());
        }
        let crowded = Told { brokers: vec!["ws://x/".into(); BROKERS + 1], ..told.clone() };
        assert!(Told::decode(&crowded.encode()).is_err());
        let wordy = Told { room_name: "n".repeat(257), ..told };
        assert!(Told::decode(&wordy.encode()).is_err());
    }

    #[test]
    fn every_cut_is_seen_as_a_cut() {
        let text = link().to_text();
        for end in "natter:".len()..text.len() {
            assert_eq!(InviteLink::parse(&text[..end]), Err(InviteError::Cut), "cut at {end}");
        }
    }

    #[test]
    fn a_code_for_a_device_is_no_invite_to_a_room_and_the_other_way_round() {
        let text = link().to_device_text();
        assert_eq!(InviteLink::parse_device(&format!("here: {text}")), Ok(link()));
        assert_eq!(InviteLink::parse(&text), Err(InviteError::OtherKind));
        assert_eq!(InviteLink::parse_device(&link().to_text()), Err(InviteError::OtherKind));
    }

    #[test]
    fn foreign_and_newer_links_are_told_apart() {
        assert_eq!(InviteLink::parse("https://discord.gg/abc"), Err(InviteError::NotNatter));
        assert_eq!(InviteLink::parse(""), Err(InviteError::NotNatter));
        let mut bytes = URL_SAFE_NO_PAD.decode(&link().to_text()[PREFIX.len()..]).expect("own link");
        bytes[0] = 2;
        let newer = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        assert_eq!(InviteLink::parse(&newer), Err(InviteError::TooNew));
    }
}
