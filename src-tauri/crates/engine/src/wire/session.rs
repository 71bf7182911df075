//! What two devices must tell each other to build a link, as signed records. No SDP travels: it is rebuilt from these
//! fields on both sides (JSEP, RFC 9429, describes the SDP; RFC 8839 the ICE part; RFC 8842 the DTLS roles).

use super::cbor::{Reader, WireError, Writer};
use super::limits::{CANDIDATE_BYTES, CANDIDATES};
use crate::identity::{Context, SecretKey, verify};
use crate::ids::{ConnectionId, DeviceId, RoomId};
use crate::port::{LinkPurpose, SessionParams, Setup};

const VERSION: u64 = 1;

/// The signed part of an offer or an answer, with the candidates that travel beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The room in whose name the two meet.
    pub room: RoomId,
    /// Who signs.
    pub from: DeviceId,
    /// For whom; none in a knock, whose sender knows nobody yet.
    pub to: Option<DeviceId>,
    /// The attempt.
    pub connection: ConnectionId,
    /// Fresh randomness of this side.
    pub nonce: [u8; 16],
    /// Chat or bulk.
    pub purpose: LinkPurpose,
    /// In an answer: the hash of the offer's signed bytes.
    pub answers: Option<[u8; 32]>,
    /// Fingerprint, ICE credentials, role, candidates.
    pub params: SessionParams,
}

/// A session as it travels: signed bytes, signature, candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedSession {
    /// Exactly what was signed.
    pub signed: Vec<u8>,
    signature: [u8; 64],
    candidates: Vec<String>,
}

impl SignedSession {
    /// Signs a session as `key`'s device.
    pub fn sign(key: &SecretKey, session: &Session) -> Self {
        let signed = session.encode();
        let context = if session.answers.is_some() { Context::Answer } else { Context::Offer };
        Self { signature: key.sign(context, &signed), signed, candidates: session.params.candidates.clone() }
    }

    /// The hash by which an answer and AUTH name it.
    pub fn hash(&self) -> [u8; 32] {
        session_hash(&self.signed)
    }

    /// The record.
    pub fn encode(&self) -> Vec<u8> {
        Writer::record(3)
            .bytes(&self.signed)
            .bytes(&self.signature)
            .each(self.candidates.iter(), |w, candidate| w.text(candidate))
            .finish()
    }

    /// Reads a record and verifies that the device it names signed it.
    ///
    /// # Errors
    /// [`WireError::OutOfRange`] also stands for a signature that does not verify: nobody honest sends either.
    pub fn decode(bytes: &[u8]) -> Result<(Self, Session), WireError> {
        let signed = Reader::record(bytes, 3, |r| {
            Ok(Self {
                signed: r.bytes(2048)?.to_vec(),
                signature: r.exactly()?,
                candidates: r.each(CANDIDATES, |r| r.text(CANDIDATE_BYTES))?,
            })
        })?;
        let mut session = Session::decode(&signed.signed)?;
        let context = if session.answers.is_some() { Context::Answer } else { Context::Offer };
        if !verify(&session.from.0, context, &signed.signed, &signed.signature) {
            return Err(WireError::OutOfRange);
        }
        session.params.candidates.clone_from(&signed.candidates);
        Ok((signed, session))
    }
}

/// The hash by which an answer and AUTH name signed session bytes.
pub fn session_hash(signed: &[u8]) -> [u8; 32] {
    blake3::derive_key("natter 2026-11 session v1", signed)
}

impl Session {
    fn encode(&self) -> Vec<u8> {
        Writer::record(12)
            .uint(VERSION)
            .bytes(&self.room.0)
            .bytes(&self.from.0)
            .optional(self.to.as_ref().map(|d| &d.0[..]))
            .bytes(&self.connection.0)
            .bytes(&self.nonce)
            .uint(match self.purpose {
                LinkPurpose::Chat => 0,
                LinkPurpose::Bulk => 1,
            })
            .optional(self.answers.as_ref().map(|h| &h[..]))
            .bytes(&self.params.fingerprint)
            .text(&self.params.ufrag)
            .text(&self.params.pwd)
            .uint(match self.params.setup {
                Setup::ActPass => 0,
                Setup::Active => 1,
                Setup::Passive => 2,
            })
            .finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let session = Reader::record(bytes, 12, |r| {
            if r.uint()? != VERSION {
                return Err(WireError::UnknownVersion);
            }
            Ok(Self {
                room: RoomId(r.exactly()?),
                from: DeviceId(r.exactly()?),
                to: r.optional(|r| Ok(DeviceId(r.exactly()?)))?,
                connection: ConnectionId(r.exactly()?),
                nonce: r.exactly()?,
                purpose: match r.uint()? {
                    0 => LinkPurpose::Chat,
                    1 => LinkPurpose::Bulk,
                    _ => return Err(WireError::OutOfRange),
                },
                answers: r.optional(Reader::exactly)?,
                params: SessionParams {
                    fingerprint: r.exactly()?,
                    ufrag: r.text(256)?,
                    pwd: r.text(256)?,
                    setup: match r.uint()? {
                        0 => Setup::ActPass,
                        1 => Setup::Active,
                        2 => Setup::Passive,
                        _ => return Err(WireError::OutOfRange),
                    },
                    candidates: Vec::new(),
                },
            })
        })?;
        // RFC 8839 §5.4: ice-char, 4 to 256 and 22 to 256 of them.
        let ice_chars = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'));
        let params = &session.params;
        if params.ufrag.len() < 4 || params.pwd.len() < 22 || !ice_chars(&params.ufrag) || !ice_chars(&params.pwd) {
            return Err(WireError::OutOfRange);
        }
        if session.answers.is_some() != (params.setup != Setup::ActPass) {
            return Err(WireError::OutOfRange);
        }
        Ok(session)
    }
}

/// A later candidate of one side. Not signed: the envelope is sealed, and a wrong candidate only wastes a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trickle {
    /// The attempt.
    pub connection: ConnectionId,
    /// RFC 8839 candidate-attribute value.
    pub candidate: String,
}

impl Trickle {
    /// The record.
    pub fn encode(&self) -> Vec<u8> {
        Writer::record(2).bytes(&self.connection.0).text(&self.candidate).finish()
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`WireError`] says what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Reader::record(bytes, 2, |r| {
            Ok(Self { connection: ConnectionId(r.exactly()?), candidate: r.text(CANDIDATE_BYTES)? })
        })
    }
}
