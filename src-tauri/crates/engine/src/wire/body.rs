//! What an entry's payload says, by kind.

use super::cbor::{Reader, WireError, Writer};
use super::kind;
use super::limits::{AVATAR_BYTES, FILE_NAME_BYTES, PICTURE_BYTES, PICTURE_SIDE, PREVIEW_BYTES, TEXT_BYTES};
use crate::identity::clean_name;
use crate::ids::{BlobHash, DeviceId, EntryHash, InviteId};
use crate::port::{OrderKey, Profile};
use crate::time::Hlc;

/// A payload, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// GENESIS: founds the room.
    Genesis {
        /// The room's name.
        name: String,
        /// The creator's name and avatar.
        profile: Profile,
        /// Makes two rooms of one name by one author different.
        nonce: [u8; 16],
    },
    /// INVITE: lets any member serve the invite, without the power to use it.
    Invite(InviteBody),
    /// ADMIT: a device is a member from here on.
    Admit {
        /// Who.
        device: DeviceId,
        /// By which invite.
        invite: InviteId,
        /// The invite's key over room and device: whoever admits cannot invent a use.
        proof: [u8; 64],
        /// What the newcomer calls itself.
        profile: Profile,
    },
    /// LEAVE: the author is gone.
    Leave,
    /// REVOKE_INVITE: the invite admits nobody any more.
    RevokeInvite {
        /// Which.
        invite: InviteId,
    },
    /// TEXT.
    Text {
        /// 1 to 16,384 bytes.
        text: String,
        /// The entry that it answers.
        reply_to: Option<EntryHash>,
    },
    /// PICTURE.
    Picture(Picture),
    /// PROFILE.
    Profile(Profile),
    /// RECEIPT.
    Receipt {
        /// All up to here is read.
        upto: OrderKey,
    },
}

/// What an INVITE entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InviteBody {
    /// The public half of the invite's key.
    pub invite: InviteId,
    /// Derives the addresses where it is served.
    pub rendezvous: [u8; 32],
    /// Seals the envelopes of knocks.
    pub sealing: [u8; 32],
    /// How many devices; 0 = no limit.
    pub uses: u32,
    /// Seconds since 1970 after which no ADMIT by it is valid.
    pub expires: u64,
    /// Whether only an admin may admit by it.
    pub approval: bool,
}

/// A picture as a PICTURE entry offers it. The bytes travel apart, on a bulk link, by hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// BLAKE3 of the bytes.
    pub blob: BlobHash,
    /// Length in bytes.
    pub size: u64,
    /// `image/png`, `image/jpeg`, `image/gif` or `image/webp`; the receiver checks it against the bytes.
    pub mime: String,
    /// Pixels, after orientation is applied; 1 to 8,192.
    pub width: u32,
    /// Pixels, after orientation is applied; 1 to 8,192.
    pub height: u32,
    /// A thumbhash (25 bytes or fewer): the blurred placeholder.
    pub thumbhash: Vec<u8>,
    /// A JPEG of at most 320 px a side and 16 KiB, or empty.
    pub preview: Vec<u8>,
    /// The file's name, sanitised on both sides.
    pub name: String,
    /// Words with it, may be empty.
    pub caption: String,
    /// The entry that it answers.
    pub reply_to: Option<EntryHash>,
}

/// The picture types that are shown; everything else is refused (SVG and HTML above all).
pub const PICTURE_TYPES: &[&str] = &["image/png", "image/jpeg", "image/gif", "image/webp"];

impl Body {
    /// The entry kind that carries it.
    pub fn kind(&self) -> u16 {
        match self {
            Self::Genesis { .. } => kind::GENESIS,
            Self::Invite(_) => kind::INVITE,
            Self::Admit { .. } => kind::ADMIT,
            Self::Leave => kind::LEAVE,
            Self::RevokeInvite { .. } => kind::REVOKE_INVITE,
            Self::Text { .. } => kind::TEXT,
            Self::Picture(_) => kind::PICTURE,
            Self::Profile(_) => kind::PROFILE,
            Self::Receipt { .. } => kind::RECEIPT,
        }
    }

    /// Blobs that it offers.
    pub fn blobs(&self) -> Vec<BlobHash> {
        match self {
            Self::Picture(picture) => vec![picture.blob],
            Self::Genesis { .. }
            | Self::Invite(_)
            | Self::Admit { .. }
            | Self::Leave
            | Self::RevokeInvite { .. }
            | Self::Text { .. }
            | Self::Profile(_)
            | Self::Receipt { .. } => Vec::new(),
        }
    }

    /// The payload's bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Genesis { name, profile, nonce } => {
                write_profile(Writer::record(3).text(name), profile).bytes(nonce).finish()
            }
            Self::Invite(body) => Writer::record(6)
                .bytes(&body.invite.0)
                .bytes(&body.rendezvous)
                .bytes(&body.sealing)
                .uint(body.uses.into())
                .uint(body.expires)
                .flag(body.approval)
                .finish(),
            Self::Admit { device, invite, proof, profile } => {
                write_profile(Writer::record(4).bytes(&device.0).bytes(&invite.0).bytes(proof), profile).finish()
            }
            Self::Leave => Writer::record(0).finish(),
            Self::RevokeInvite { invite } => Writer::record(1).bytes(&invite.0).finish(),
            Self::Text { text, reply_to } => {
                Writer::record(2).text(text).optional(reply_to.as_ref().map(|h| &h.0[..])).finish()
            }
            Self::Picture(p) => Writer::record(10)
                .bytes(&p.blob.0)
                .uint(p.size)
                .text(&p.mime)
                .uint(p.width.into())
                .uint(p.height.into())
                .bytes(&p.thumbhash)
                .bytes(&p.preview)
                .text(&p.name)
                .text(&p.caption)
                .optional(p.reply_to.as_ref().map(|h| &h.0[..]))
                .finish(),
            Self::Profile(profile) => write_profile(Writer::record(1), profile).finish(),
            Self::Receipt { upto } => {
                Writer::record(3).uint(upto.clock.0).bytes(&upto.author.0).bytes(&upto.hash.0).finish()
            }
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`WireError::UnknownKind`] for kinds of a newer version (keep the entry, show that it cannot be shown), else what
    /// is wrong with the bytes.
    pub fn decode(kind: u16, payload: &[u8]) -> Result<Self, WireError> {
        match kind {
            kind::GENESIS => Reader::record(payload, 3, |r| {
                Ok(Self::Genesis { name: read_name(r)?, profile: read_profile(r)?, nonce: r.exactly()? })
            }),
            kind::INVITE => Reader::record(payload, 6, |r| {
                Ok(Self::Invite(InviteBody {
                    invite: InviteId(r.exactly()?),
                    rendezvous: r.exactly()?,
                    sealing: r.exactly()?,
                    uses: r.u32()?,
                    expires: r.uint()?,
                    approval: r.flag()?,
                }))
            }),
            kind::ADMIT => Reader::record(payload, 4, |r| {
                Ok(Self::Admit {
                    device: DeviceId(r.exactly()?),
                    invite: InviteId(r.exactly()?),
                    proof: r.exactly()?,
                    profile: read_profile(r)?,
                })
            }),
            kind::LEAVE => Reader::record(payload, 0, |_| Ok(Self::Leave)),
            kind::REVOKE_INVITE => {
                Reader::record(payload, 1, |r| Ok(Self::RevokeInvite { invite: InviteId(r.exactly()?) }))
            }
            kind::TEXT => Reader::record(payload, 2, |r| {
                let text = r.text(TEXT_BYTES)?;
                if text.is_empty() {
                    return Err(WireError::OutOfRange);
                }
                Ok(Self::Text { text, reply_to: r.optional(|r| Ok(EntryHash(r.exactly()?)))? })
            }),
            kind::PICTURE => Reader::record(payload, 10, read_picture).map(Self::Picture),
            kind::PROFILE => Reader::record(payload, 1, |r| Ok(Self::Profile(read_profile(r)?))),
            kind::RECEIPT => Reader::record(payload, 3, |r| {
                Ok(Self::Receipt {
                    upto: OrderKey {
                        clock: Hlc(r.uint()?),
                        author: DeviceId(r.exactly()?),
                        hash: EntryHash(r.exactly()?),
                    },
                })
            }),
            _ => Err(WireError::UnknownKind),
        }
    }
}

fn read_name(r: &mut Reader<'_>) -> Result<String, WireError> {
    let name = r.text(256)?;
    // A name that its own author's software would have refused is a forgery of look, not of key: refuse it here too.
    if clean_name(&name).as_deref() != Ok(&*name) {
        return Err(WireError::OutOfRange);
    }
    Ok(name)
}

pub(crate) fn write_profile(writer: Writer, profile: &Profile) -> Writer {
    writer.array(2).text(&profile.name).optional(profile.avatar.as_deref())
}

pub(crate) fn read_profile(r: &mut Reader<'_>) -> Result<Profile, WireError> {
    r.nested(2, |r| Ok(Profile { name: read_name(r)?, avatar: r.optional(|r| Ok(r.bytes(AVATAR_BYTES)?.to_vec()))? }))
}

fn read_picture(r: &mut Reader<'_>) -> Result<Picture, WireError> {
    let picture = Picture {
        blob: BlobHash(r.exactly()?),
        size: r.uint()?,
        mime: r.text(64)?,
        width: r.u32()?,
        height: r.u32()?,
        thumbhash: r.bytes(32)?.to_vec(),
        preview: r.bytes(PREVIEW_BYTES)?.to_vec(),
        name: r.text(FILE_NAME_BYTES)?,
        caption: r.text(TEXT_BYTES / 2)?,
        reply_to: r.optional(|r| Ok(EntryHash(r.exactly()?)))?,
    };
    let sides = 1..=PICTURE_SIDE;
    if !sides.contains(&picture.width)
        || !sides.contains(&picture.height)
        || picture.size == 0
        || picture.size > PICTURE_BYTES
        || !PICTURE_TYPES.contains(&&*picture.mime)
    {
        return Err(WireError::OutOfRange);
    }
    Ok(picture)
}
