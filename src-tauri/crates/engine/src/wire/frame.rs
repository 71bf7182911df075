//! Frames: one data-channel message each, `[kind, body]`. Unknown kinds are skipped, malformed ones end the link.

use super::body::{read_profile, write_profile};
use super::cbor::{Reader, WireError, Writer};
use super::entry::Entry;
use super::limits::{BROKER_URL_BYTES, BROKERS, ENVELOPE_BYTES, EPOCHS, FRAME_BYTES, HAVE_LOGS, LINKS, WANT_ENTRIES};
use crate::ids::{BlobHash, BrokerUrl, ConnectionId, DeviceId, InviteId, LogId, LogKey, RoomId};
use crate::port::{Profile, SignalKind};

/// What one member says to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// First on a link, both ways: proves that the key which signed the session holds the certificate in use.
    Auth {
        /// The attempt.
        connection: ConnectionId,
        /// Over role, connection and transcript.
        signature: [u8; 64],
    },
    /// Are you there?
    Ping {
        /// Echoed.
        nonce: u64,
    },
    /// Yes.
    Pong {
        /// Of the ping.
        nonce: u64,
    },
    /// Leaving on purpose: say offline at once, do not redial.
    Bye,
    /// A newcomer asks to be admitted.
    Knock {
        /// The room.
        room: RoomId,
        /// By which invite.
        invite: InviteId,
        /// The invite's key over room and device.
        proof: [u8; 64],
        /// What the newcomer calls itself.
        profile: Profile,
    },
    /// How the knock stands.
    KnockState {
        /// The room.
        room: RoomId,
        /// State.
        state: KnockState,
    },
    /// Admitted: the room's secret.
    Welcome {
        /// The room.
        room: RoomId,
        /// Epochs and keys, ascending.
        epochs: Vec<(u32, [u8; 32])>,
        /// Where the room meets.
        brokers: Vec<BrokerUrl>,
    },
    /// How far the sender holds each log: cumulative acknowledgement and invitation to ask, in one.
    Have {
        /// The room.
        room: RoomId,
        /// Whether the sender has just learned that the other is a member, and wants to hear what it holds again.
        asks: bool,
        /// Last contiguous sequence of each log.
        heads: Vec<(LogKey, u64)>,
        /// The first bytes of the hash of the entry at each of them, in the same order; or none of them.
        tips: Vec<[u8; 8]>,
    },
    /// One author signed two entries for one place.
    Fork {
        /// The room.
        room: RoomId,
        /// One of them, without its payload.
        first: Entry,
        /// The other.
        second: Entry,
    },
    /// Send me these entries.
    Want {
        /// The room.
        room: RoomId,
        /// The log.
        log: LogKey,
        /// First.
        from: u64,
        /// Last; at most 256 entries.
        to: u64,
    },
    /// Entries, asked for or just written.
    Entries {
        /// The room.
        room: RoomId,
        /// In log order.
        entries: Vec<Entry>,
    },
    /// A sealed envelope for a member whom the sender cannot reach yet; or for the receiver itself.
    Signal {
        /// The room whose key sealed it.
        room: RoomId,
        /// Who sealed it.
        from: DeviceId,
        /// Who can act on it.
        to: DeviceId,
        /// Offer, answer, candidate.
        kind: SignalKind,
        /// Sealed.
        envelope: Vec<u8>,
    },
    /// Whom the sender is linked with, and where it can be met: the member directory.
    Roster {
        /// The room.
        room: RoomId,
        /// Members linked with the sender.
        linked: Vec<DeviceId>,
        /// URLs of brokers that the sender uses or runs.
        brokers: Vec<BrokerUrl>,
    },
    /// Who has this blob?
    AskBlob {
        /// The room.
        room: RoomId,
        /// The content.
        blob: BlobHash,
    },
    /// The answer.
    BlobIs {
        /// The room.
        room: RoomId,
        /// The content.
        blob: BlobHash,
        /// Whether the sender holds all of it.
        here: bool,
    },
    /// The newest key of a room that the sender knows, told to a member when their link comes up or the key is new.
    Epoch {
        /// The room.
        room: RoomId,
        /// Which: the generation above 16 bits of chance, so that two devices that make one at the same time make two.
        epoch: u32,
        /// The key.
        key: [u8; 32],
    },
    /// To another device of one's own person: a room to come into, and what it takes to hear of it.
    Handover {
        /// The room.
        room: RoomId,
        /// Who this person is there: the device that they came into it with.
        person: DeviceId,
        /// Epochs and keys, ascending.
        epochs: Vec<(u32, [u8; 32])>,
        /// Where the room meets.
        brokers: Vec<BrokerUrl>,
    },
    /// The new device says whose it is in a room.
    Claim {
        /// The room.
        room: RoomId,
        /// Whose.
        person: DeviceId,
        /// The sender's key over room and person.
        proof: [u8; 64],
    },
    /// The person at the sender is typing. Nothing is kept of it.
    Typing {
        /// The room.
        room: RoomId,
    },
}

/// How a knock stands, as the member who got it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnockState {
    /// A person must say yes.
    Waiting,
    /// A person said no.
    Declined,
    /// All uses are spent.
    UsedUp,
    /// Its date has passed.
    Expired,
    /// Withdrawn or unknown.
    Void,
}

mod tag {
    pub(super) const AUTH: u64 = 1;
    pub(super) const PING: u64 = 2;
    pub(super) const PONG: u64 = 3;
    pub(super) const BYE: u64 = 4;
    pub(super) const KNOCK: u64 = 16;
    pub(super) const KNOCK_STATE: u64 = 17;
    pub(super) const WELCOME: u64 = 18;
    pub(super) const HAVE: u64 = 19;
    pub(super) const WANT: u64 = 20;
    pub(super) const ENTRIES: u64 = 21;
    pub(super) const SIGNAL: u64 = 22;
    pub(super) const ROSTER: u64 = 23;
    pub(super) const ASK_BLOB: u64 = 24;
    pub(super) const BLOB_IS: u64 = 25;
    pub(super) const TYPING: u64 = 26;
    pub(super) const EPOCH: u64 = 27;
    pub(super) const HANDOVER: u64 = 28;
    pub(super) const CLAIM: u64 = 29;
    pub(super) const FORK: u64 = 30;
}

impl Frame {
    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Auth { connection, signature } => {
                Writer::record(3).uint(tag::AUTH).bytes(&connection.0).bytes(signature).finish()
            }
            Self::Ping { nonce } => Writer::record(2).uint(tag::PING).uint(*nonce).finish(),
            Self::Pong { nonce } => Writer::record(2).uint(tag::PONG).uint(*nonce).finish(),
            Self::Bye => Writer::record(1).uint(tag::BYE).finish(),
            Self::Knock { room, invite, proof, profile } => {
                write_profile(Writer::record(5).uint(tag::KNOCK).bytes(&room.0).bytes(&invite.0).bytes(proof), profile)
                    .finish()
            }
            Self::KnockState { room, state } => Writer::record(3)
                .uint(tag::KNOCK_STATE)
                .bytes(&room.0)
                .uint(match state {
                    KnockState::Waiting => 0,
                    KnockState::Declined => 1,
                    KnockState::UsedUp => 2,
                    KnockState::Expired => 3,
                    KnockState::Void => 4,
                })
                .finish(),
            Self::Welcome { room, epochs, brokers } => Writer::record(4)
                .uint(tag::WELCOME)
                .bytes(&room.0)
                .each(epochs.iter(), |w, (epoch, key)| w.array(2).uint((*epoch).into()).bytes(key))
                .each(brokers.iter(), |w, url| w.text(url))
                .finish(),
            Self::Have { room, asks, heads, tips } => Writer::record(5)
                .uint(tag::HAVE)
                .bytes(&room.0)
                .flag(*asks)
                .each(heads.iter(), |w, (log, seq)| write_log(w.array(3), *log).uint(*seq))
                .each(tips.iter(), |w, tip| w.bytes(tip))
                .finish(),
            Self::Fork { room, first, second } => {
                let writer = first.write(Writer::record(4).uint(tag::FORK).bytes(&room.0));
                second.write(writer).finish()
            }
            Self::Want { room, log, from, to } => {
                write_log(Writer::record(6).uint(tag::WANT).bytes(&room.0), *log).uint(*from).uint(*to).finish()
            }
            Self::Entries { room, entries } => Writer::record(3)
                .uint(tag::ENTRIES)
                .bytes(&room.0)
                .each(entries.iter(), |w, entry| entry.write(w))
                .finish(),
            Self::Signal { room, from, to, kind, envelope } => Writer::record(6)
                .uint(tag::SIGNAL)
                .bytes(&room.0)
                .bytes(&from.0)
                .bytes(&to.0)
                .uint(signal_tag(*kind))
                .bytes(envelope)
                .finish(),
            Self::Roster { room, linked, brokers } => Writer::record(4)
                .uint(tag::ROSTER)
                .bytes(&room.0)
                .each(linked.iter(), |w, device| w.bytes(&device.0))
                .each(brokers.iter(), |w, url| w.text(url))
                .finish(),
            Self::AskBlob { room, blob } => {
                Writer::record(3).uint(tag::ASK_BLOB).bytes(&room.0).bytes(&blob.0).finish()
            }
            Self::BlobIs { room, blob, here } => {
                Writer::record(4).uint(tag::BLOB_IS).bytes(&room.0).bytes(&blob.0).flag(*here).finish()
            }
            Self::Epoch { room, epoch, key } => {
                Writer::record(4).uint(tag::EPOCH).bytes(&room.0).uint((*epoch).into()).bytes(key).finish()
            }
            Self::Handover { room, person, epochs, brokers } => Writer::record(5)
                .uint(tag::HANDOVER)
                .bytes(&room.0)
                .bytes(&person.0)
                .each(epochs.iter(), |w, (epoch, key)| w.array(2).uint((*epoch).into()).bytes(key))
                .each(brokers.iter(), |w, url| w.text(url))
                .finish(),
            Self::Claim { room, person, proof } => {
                Writer::record(4).uint(tag::CLAIM).bytes(&room.0).bytes(&person.0).bytes(proof).finish()
            }
            Self::Typing { room } => Writer::record(2).uint(tag::TYPING).bytes(&room.0).finish(),
        }
    }

    /// Reads one message.
    ///
    /// # Errors
    /// [`WireError::UnknownKind`] is no offence (a newer peer); anything else is.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.len() > FRAME_BYTES {
            return Err(WireError::OverLimit);
        }
        let kind = Reader::record(bytes, 1, Reader::uint)?;
        let room = |r: &mut Reader<'_>| Ok::<_, WireError>(RoomId(r.exactly()?));
        let read = |fields, read: &dyn Fn(&mut Reader<'_>) -> Result<Self, WireError>| {
            Reader::record(bytes, fields, |r| {
                r.uint()?;
                read(r)
            })
        };
        match kind {
            tag::AUTH => {
                read(3, &|r| Ok(Self::Auth { connection: ConnectionId(r.exactly()?), signature: r.exactly()? }))
            }
            tag::PING => read(2, &|r| Ok(Self::Ping { nonce: r.uint()? })),
            tag::PONG => read(2, &|r| Ok(Self::Pong { nonce: r.uint()? })),
            tag::BYE => read(1, &|_| Ok(Self::Bye)),
            tag::KNOCK => read(5, &|r| {
                Ok(Self::Knock {
                    room: room(r)?,
                    invite: InviteId(r.exactly()?),
                    proof: r.exactly()?,
                    profile: read_profile(r)?,
                })
            }),
            tag::KNOCK_STATE => read(3, &|r| {
                Ok(Self::KnockState {
                    room: room(r)?,
                    state: match r.uint()? {
                        0 => KnockState::Waiting,
                        1 => KnockState::Declined,
                        2 => KnockState::UsedUp,
                        3 => KnockState::Expired,
                        4 => KnockState::Void,
                        _ => return Err(WireError::OutOfRange),
                    },
                })
            }),
            tag::WELCOME => read(4, &|r| {
                Ok(Self::Welcome {
                    room: room(r)?,
                    epochs: r.each(256, |r| r.nested(2, |r| Ok((r.u32()?, r.exactly()?))))?,
                    brokers: read_brokers(r)?,
                })
            }),
            tag::HAVE => read(5, &|r| {
                let (room, asks) = (room(r)?, r.flag()?);
                let heads = r.each(HAVE_LOGS, |r| r.nested(3, |r| Ok((read_log(r)?, r.uint()?))))?;
                let tips = r.each(HAVE_LOGS, Reader::exactly)?;
                if !tips.is_empty() && tips.len() != heads.len() {
                    return Err(WireError::OutOfRange);
                }
                Ok(Self::Have { room, asks, heads, tips })
            }),
            tag::FORK => {
                read(4, &|r| Ok(Self::Fork { room: room(r)?, first: Entry::read(r)?, second: Entry::read(r)? }))
            }
            tag::WANT => read(6, &|r| {
                let (room, log, from, to) = (room(r)?, read_log(r)?, r.uint()?, r.uint()?);
                if from == 0 || to < from || to - from >= WANT_ENTRIES {
                    return Err(WireError::OutOfRange);
                }
                Ok(Self::Want { room, log, from, to })
            }),
            tag::ENTRIES => {
                read(3, &|r| Ok(Self::Entries { room: room(r)?, entries: r.each(WANT_ENTRIES as usize, Entry::read)? }))
            }
            tag::SIGNAL => read(6, &|r| {
                Ok(Self::Signal {
                    room: room(r)?,
                    from: DeviceId(r.exactly()?),
                    to: DeviceId(r.exactly()?),
                    kind: match r.uint()? {
                        0 => SignalKind::Offer,
                        1 => SignalKind::Answer,
                        2 => SignalKind::Candidate,
                        _ => return Err(WireError::OutOfRange),
                    },
                    envelope: r.bytes(ENVELOPE_BYTES)?.to_vec(),
                })
            }),
            tag::ROSTER => read(4, &|r| {
                Ok(Self::Roster {
                    room: room(r)?,
                    linked: r.each(LINKS, |r| Ok(DeviceId(r.exactly()?)))?,
                    brokers: read_brokers(r)?,
                })
            }),
            tag::ASK_BLOB => read(3, &|r| Ok(Self::AskBlob { room: room(r)?, blob: BlobHash(r.exactly()?) })),
            tag::BLOB_IS => {
                read(4, &|r| Ok(Self::BlobIs { room: room(r)?, blob: BlobHash(r.exactly()?), here: r.flag()? }))
            }
            tag::EPOCH => read(4, &|r| Ok(Self::Epoch { room: room(r)?, epoch: r.u32()?, key: r.exactly()? })),
            tag::HANDOVER => read(5, &|r| {
                Ok(Self::Handover {
                    room: room(r)?,
                    person: DeviceId(r.exactly()?),
                    epochs: r.each(EPOCHS, |r| r.nested(2, |r| Ok((r.u32()?, r.exactly()?))))?,
                    brokers: read_brokers(r)?,
                })
            }),
            tag::CLAIM => {
                read(4, &|r| Ok(Self::Claim { room: room(r)?, person: DeviceId(r.exactly()?), proof: r.exactly()? }))
            }
            tag::TYPING => read(2, &|r| Ok(Self::Typing { room: room(r)? })),
            _ => Err(WireError::UnknownKind),
        }
    }
}

fn write_log(writer: Writer, log: LogKey) -> Writer {
    writer.bytes(&log.author.0).bytes(&log.log.0)
}

fn read_log(r: &mut Reader<'_>) -> Result<LogKey, WireError> {
    Ok(LogKey { author: DeviceId(r.exactly()?), log: LogId(r.exactly()?) })
}

fn read_brokers(r: &mut Reader<'_>) -> Result<Vec<BrokerUrl>, WireError> {
    r.each(BROKERS, |r| r.text(BROKER_URL_BYTES))
}

/// How a signal kind is written, on the wire and in the associated data of envelopes.
pub(crate) fn signal_tag(kind: SignalKind) -> u64 {
    match kind {
        SignalKind::Offer => 0,
        SignalKind::Answer => 1,
        SignalKind::Candidate => 2,
    }
}

/// What AUTH signs: who is offerer, which attempt, both signed sessions, both certificates as the signer knows them.
pub fn auth_bytes(
    by_offerer: bool,
    connection: ConnectionId,
    offer: &[u8; 32],
    answer: &[u8; 32],
    offerer_cert: &[u8; 32],
    answerer_cert: &[u8; 32],
) -> Vec<u8> {
    Writer::record(6)
        .flag(by_offerer)
        .bytes(&connection.0)
        .bytes(offer)
        .bytes(answer)
        .bytes(offerer_cert)
        .bytes(answerer_cert)
        .finish()
}

/// What a device signs to say whose it is in a room.
pub fn device_proof_bytes(room: RoomId, person: DeviceId) -> Vec<u8> {
    Writer::record(2).bytes(&room.0).bytes(&person.0).finish()
}

/// What an invite's key signs to vouch for a device.
pub fn invite_proof_bytes(room: RoomId, device: DeviceId) -> Vec<u8> {
    Writer::record(2).bytes(&room.0).bytes(&device.0).finish()
}
