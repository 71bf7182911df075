//! An entry of a log: a signed header that commits to a payload which travels beside it.
//!
//! ```text
//! header  = [version, kind, flags, room, author, log, seq, prev/null, clock, written, [parents], payload length, commitment]
//! hash    = BLAKE3-derive-key("natter 2026-11 entry v1", header)
//! commit  = BLAKE3-derive-key("natter 2026-11 payload v1", salt ‖ payload)
//! travels = [header, signature, salt, payload/null]
//! ```
//! The signature covers the header's exact bytes. The payload is only committed to, under a salt that travels and dies
//! with it, so that it can be deleted while the chain still verifies. GENESIS writes its room as 32 zero bytes; the
//! room's id is its hash.

use super::cbor::{Reader, WireError, Writer};
use super::limits::{HEADER_BYTES, PARENTS, PAYLOAD_BYTES};
use crate::identity::{Context, SecretKey, verify};
use crate::ids::{DeviceId, EntryHash, LogId, LogKey, RoomId};
use crate::time::{Hlc, UnixMillis};

/// The version of the header that this software writes.
pub const VERSION: u64 = 1;

/// A header, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// See [`super::kind`].
    pub kind: u16,
    /// Reserved; 0.
    pub flags: u32,
    /// The room; zeros in GENESIS.
    pub room: RoomId,
    /// Who signs, in which of its logs.
    pub log: LogKey,
    /// 1 for the first.
    pub seq: u64,
    /// The entry before it in this log.
    pub prev: Option<EntryHash>,
    /// Orders it: above the clock of everything its author had seen.
    pub clock: Hlc,
    /// When its author says it was written. Apart from the clock, which one device that lives in the future drags along.
    pub written: UnixMillis,
    /// Entries of others that its author had seen and nothing else names yet; at most 16, ascending.
    pub parents: Vec<EntryHash>,
    /// Bytes of payload.
    pub payload_len: u32,
    /// Commitment to salt and payload.
    pub commitment: [u8; 32],
}

/// An entry as it travels: exact bytes. Holding one means nothing yet; [`Entry::open`] proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Header bytes.
    pub header: Vec<u8>,
    /// Signature over them.
    pub signature: [u8; 64],
    /// Salt of the commitment.
    pub salt: [u8; 16],
    /// Payload; none when it was deleted.
    pub payload: Option<Vec<u8>>,
}

/// Why an entry is not valid by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The header cannot be read.
    #[error("malformed header: {0}")]
    Header(#[from] WireError),
    /// The author's key did not sign these bytes.
    #[error("bad signature")]
    Signature,
    /// Salt and payload are not what the header commits to.
    #[error("payload does not match its commitment")]
    Commitment,
    /// First entry with a predecessor, later one without, sequence 0, or GENESIS where none can be.
    #[error("impossible place in a log")]
    Place,
}

impl Entry {
    /// Writes and signs an entry.
    pub fn sign(key: &SecretKey, mut header: Header, salt: [u8; 16], payload: Vec<u8>) -> (Self, Header, EntryHash) {
        header.payload_len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        header.commitment = commitment(&salt, &payload);
        let bytes = header.encode();
        let entry = Self { signature: key.sign(Context::Entry, &bytes), salt, payload: Some(payload), header: bytes };
        let hash = entry.hash();
        (entry, header, hash)
    }

    /// The entry's name.
    pub fn hash(&self) -> EntryHash {
        EntryHash(blake3::derive_key("natter 2026-11 entry v1", &self.header))
    }

    /// Bytes it weighs in queues.
    pub fn weight(&self) -> usize {
        self.header.len() + self.payload.as_ref().map_or(0, Vec::len) + 128
    }

    /// Verifies everything that can be verified without knowing the room: signature first, then shape.
    ///
    /// # Errors
    /// [`EntryError`] says what is wrong; the sender is at fault, since honest members verify before they pass on.
    pub fn open(&self) -> Result<(Header, EntryHash), EntryError> {
        if self.header.len() > HEADER_BYTES {
            return Err(EntryError::Header(WireError::OverLimit));
        }
        let header = Header::decode(&self.header)?;
        if !verify(&header.log.author.0, Context::Entry, &self.header, &self.signature) {
            return Err(EntryError::Signature);
        }
        if (header.seq == 1) != header.prev.is_none() || header.seq == 0 {
            return Err(EntryError::Place);
        }
        let is_genesis = header.kind == super::kind::GENESIS;
        if is_genesis != (header.room == RoomId([0; 32])) || (is_genesis && header.seq != 1) {
            return Err(EntryError::Place);
        }
        if let Some(payload) = &self.payload
            && (payload.len() != header.payload_len as usize || commitment(&self.salt, payload) != header.commitment)
        {
            return Err(EntryError::Commitment);
        }
        Ok((header, self.hash()))
    }

    pub(crate) fn write(&self, writer: Writer) -> Writer {
        writer.array(4).bytes(&self.header).bytes(&self.signature).bytes(&self.salt).optional(self.payload.as_deref())
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.nested(4, |r| {
            Ok(Self {
                header: r.bytes(HEADER_BYTES)?.to_vec(),
                signature: r.exactly()?,
                salt: r.exactly()?,
                payload: r.optional(|r| Ok(r.bytes(PAYLOAD_BYTES)?.to_vec()))?,
            })
        })
    }
}

impl Header {
    /// The room that the entry belongs to: GENESIS founds the room that its own hash names.
    pub fn room_of(&self, hash: EntryHash) -> RoomId {
        if self.kind == super::kind::GENESIS { RoomId(hash.0) } else { self.room }
    }

    /// The bytes that are signed.
    pub fn encode(&self) -> Vec<u8> {
        Writer::record(13)
            .uint(VERSION)
            .uint(self.kind.into())
            .uint(self.flags.into())
            .bytes(&self.room.0)
            .bytes(&self.log.author.0)
            .bytes(&self.log.log.0)
            .uint(self.seq)
            .optional(self.prev.as_ref().map(|h| &h.0[..]))
            .uint(self.clock.0)
            .uint(self.written.0)
            .each(self.parents.iter(), |w, parent| w.bytes(&parent.0))
            .uint(self.payload_len.into())
            .bytes(&self.commitment)
            .finish()
    }

    /// Reads signed bytes.
    ///
    /// # Errors
    /// [`WireError`] when they are not a header of version 1.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Reader::record(bytes, 13, |r| {
            if r.uint()? != VERSION {
                return Err(WireError::UnknownVersion);
            }
            let header = Self {
                kind: r.u16()?,
                flags: r.u32()?,
                room: RoomId(r.exactly()?),
                log: LogKey { author: DeviceId(r.exactly()?), log: LogId(r.exactly()?) },
                seq: r.uint()?,
                prev: r.optional(|r| Ok(EntryHash(r.exactly()?)))?,
                clock: Hlc(r.uint()?),
                written: UnixMillis(r.uint()?),
                parents: r.each(PARENTS, |r| Ok(EntryHash(r.exactly()?)))?,
                payload_len: r.u32()?,
                commitment: r.exactly()?,
            };
            if header.payload_len as usize > PAYLOAD_BYTES {
                return Err(WireError::OverLimit);
            }
            // Room for 2^63 successors, so that no clock a peer invents can run the order out of numbers.
            if header.clock.0 >> 63 != 0 {
                return Err(WireError::OutOfRange);
            }
            if !header.parents.is_sorted_by(|a, b| a < b) {
                return Err(WireError::Malformed);
            }
            Ok(header)
        })
    }
}

fn commitment(salt: &[u8; 16], payload: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("natter 2026-11 payload v1");
    hasher.update(salt).update(payload);
    *hasher.finalize().as_bytes()
}
