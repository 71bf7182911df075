//! An invite as people pass it on: `natter://join#` and base64url (RFC 4648 §5) of
//! `version ‖ first 4 bytes of BLAKE3(record) ‖ record`. The check bytes tell a link that a mail program cut from one
//! that was never Natter's. The secret stands in the fragment, which browsers never send to a server.

use super::cbor::{Reader, WireError, Writer};
use super::limits::{BROKER_URL_BYTES, BROKERS};
use crate::ids::{BrokerUrl, InviteId, RoomId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const PREFIX: &str = "natter://join#";
const DEVICE_PREFIX: &str = "natter://link#";
const VERSION: u8 = 1;

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
        crate::identity::SecretKey::from_seed(&self.keys().signing).invite()
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
        let record = Writer::record(5)
            .bytes(&self.seed)
            .bytes(&self.room.0)
            .text(&self.room_name)
            .each(self.brokers.iter(), |w, broker| w.text(broker))
            .uint(self.expires)
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
        Reader::record(record, 5, |r| {
            Ok(Self {
                seed: r.exactly()?,
                room: RoomId(r.exactly()?),
                room_name: r.text(256)?,
                brokers: r.each(BROKERS, |r| r.text(BROKER_URL_BYTES))?,
                expires: r.uint()?,
            })
        })
    }
}

impl std::fmt::Debug for InviteLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InviteLink").field("room", &self.room).field("seed", &"(secret)").finish_non_exhaustive()
    }
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
        }
    }

    #[test]
    fn an_invite_survives_a_chat_message_around_it() {
        let text = format!("Hi! Join us:\n{}\nsee you", link().to_text());
        assert_eq!(InviteLink::parse(&text), Ok(link()));
        assert_eq!(InviteLink::parse(&format!("<{}>.", link().to_text())), Ok(link()));
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
