//! Payloads as bytes. Everything that is read is held to its limits here: what decodes is sound by itself.

use super::{Act, Body, InviteBody, Mention, PICTURE_TYPES, Picture, RoomBody, Text};
use crate::identity::clean_name;
use crate::ids::{BlobHash, DeviceId, EntryHash, InviteId, LogId, LogKey};
use crate::port::{OrderKey, Profile, Role};
use crate::time::Hlc;
use crate::wire::cbor::{Reader, WireError, Writer};
use crate::wire::kind;
use crate::wire::limits::{
    ABOUT_BYTES, AVATAR_BYTES, EMOJI_BYTES, FILE_NAME_BYTES, LIVES_SECONDS, MENTIONS, PICTURE_BYTES, PICTURE_SIDE,
    PREVIEW_BYTES, REMOVE_LOGS, TEXT_BYTES,
};
use unicode_segmentation::UnicodeSegmentation;

impl Body {
    /// The payload's bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Genesis { name, profile, nonce } => {
                write_profile(Writer::record(3).text(name), profile).bytes(nonce).finish()
            }
            // Who has one device is written as ever: the field came later.
            Self::Remove { device, heads, others } if others.is_empty() => {
                write_heads(Writer::record(2).bytes(&device.0), heads).finish()
            }
            Self::Remove { device, heads, others } => {
                write_others(write_heads(Writer::record(3).bytes(&device.0), heads), others).finish()
            }
            Self::Grant { device, role } | Self::Revoke { device, role } => {
                Writer::record(2).bytes(&device.0).uint(role_tag(*role)).finish()
            }
            Self::Room(room) => {
                let writer = write_text(Writer::record(3), room.name.as_deref());
                write_lives(write_text(writer, room.about.as_deref()), room.lives).finish()
            }
            Self::Invite(body) => {
                let writer = Writer::record(if body.vouch.is_some() { 8 } else { 7 })
                    .bytes(&body.invite.0)
                    .bytes(&body.rendezvous)
                    .bytes(&body.sealing)
                    .uint(body.uses.into())
                    .uint(body.expires)
                    .flag(body.approval)
                    .uint(role_tag(body.role));
                match &body.vouch {
                    Some(vouch) => writer.bytes(vouch),
                    None => writer,
                }
                .finish()
            }
            Self::Admit { device, invite, proof, profile } => {
                write_profile(Writer::record(4).bytes(&device.0).bytes(&invite.0).bytes(proof), profile).finish()
            }
            Self::Device { device, person, proof } => {
                Writer::record(3).bytes(&device.0).bytes(&person.0).bytes(proof).finish()
            }
            Self::Leave { heads, others } if others.is_empty() => write_heads(Writer::record(1), heads).finish(),
            Self::Leave { heads, others } => write_others(write_heads(Writer::record(2), heads), others).finish(),
            Self::RevokeInvite { invite } => Writer::record(1).bytes(&invite.0).finish(),
            Self::Text(text) => {
                let writer = Writer::record(4).text(&text.text);
                let writer = write_mentions(writer, &text.mentions).optional(text.reply_to.as_ref().map(|h| &h.0[..]));
                write_lives(writer, text.lives).finish()
            }
            Self::About { target, act: Act::Edit(text) } => {
                write_mentions(Writer::record(3).bytes(&target.0).text(&text.text), &text.mentions).finish()
            }
            Self::About { target, act: Act::Delete } => Writer::record(1).bytes(&target.0).finish(),
            Self::About { target, act: Act::React { emoji, on } } => {
                Writer::record(3).bytes(&target.0).text(emoji).flag(*on).finish()
            }
            Self::About { target, act: Act::Pin { on } } => Writer::record(2).bytes(&target.0).flag(*on).finish(),
            Self::Picture(p) => write_lives(
                Writer::record(11)
                    .bytes(&p.blob.0)
                    .uint(p.size)
                    .text(&p.mime)
                    .uint(p.width.into())
                    .uint(p.height.into())
                    .bytes(&p.thumbhash)
                    .bytes(&p.preview)
                    .text(&p.name)
                    .text(&p.caption)
                    .optional(p.reply_to.as_ref().map(|h| &h.0[..])),
                p.lives,
            )
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
            kind::INVITE => Reader::grown(payload, 7..=8, |r, fields| {
                Ok(Self::Invite(InviteBody {
                    invite: InviteId(r.exactly()?),
                    rendezvous: r.exactly()?,
                    sealing: r.exactly()?,
                    uses: r.u32()?,
                    expires: r.uint()?,
                    approval: r.flag()?,
                    role: read_role(r, Role::Guest..=Role::Member)?,
                    vouch: if fields > 7 { Some(r.exactly()?) } else { None },
                }))
            }),
            kind::REMOVE => Reader::grown(payload, 2..=3, |r, fields| {
                let (device, heads) = (DeviceId(r.exactly()?), read_heads(r)?);
                Ok(Self::Remove { device, heads, others: if fields > 2 { read_others(r)? } else { Vec::new() } })
            }),
            kind::GRANT => Reader::record(payload, 2, |r| {
                Ok(Self::Grant { device: DeviceId(r.exactly()?), role: read_role(r, Role::Member..=Role::Admin)? })
            }),
            kind::REVOKE => Reader::record(payload, 2, |r| {
                Ok(Self::Revoke { device: DeviceId(r.exactly()?), role: read_role(r, Role::Guest..=Role::Member)? })
            }),
            kind::ROOM => Reader::record(payload, 3, |r| {
                let name = r.optional(read_name)?;
                let about = r.optional(|r| r.text(ABOUT_BYTES))?;
                let lives = r.optional(Reader::u32)?;
                if lives.is_some_and(|seconds| seconds > LIVES_SECONDS) {
                    return Err(WireError::OutOfRange);
                }
                Ok(Self::Room(RoomBody { name, about, lives }))
            }),
            kind::ADMIT => Reader::record(payload, 4, |r| {
                Ok(Self::Admit {
                    device: DeviceId(r.exactly()?),
                    invite: InviteId(r.exactly()?),
                    proof: r.exactly()?,
                    profile: read_profile(r)?,
                })
            }),
            kind::DEVICE => Reader::record(payload, 3, |r| {
                let (device, person) = (DeviceId(r.exactly()?), DeviceId(r.exactly()?));
                Ok(Self::Device { device, person, proof: r.exactly()? })
            }),
            kind::LEAVE => Reader::grown(payload, 1..=2, |r, fields| {
                let heads = read_heads(r)?;
                Ok(Self::Leave { heads, others: if fields > 1 { read_others(r)? } else { Vec::new() } })
            }),
            kind::REVOKE_INVITE => {
                Reader::record(payload, 1, |r| Ok(Self::RevokeInvite { invite: InviteId(r.exactly()?) }))
            }
            kind::TEXT => Reader::record(payload, 4, |r| {
                let (text, mentions) = read_words(r)?;
                let reply_to = r.optional(|r| Ok(EntryHash(r.exactly()?)))?;
                Ok(Self::Text(Text { text, mentions, reply_to, lives: read_lives(r)? }))
            }),
            kind::PICTURE => Reader::record(payload, 11, read_picture).map(Self::Picture),
            kind::EDIT => Reader::record(payload, 3, |r| {
                let target = EntryHash(r.exactly()?);
                let (text, mentions) = read_words(r)?;
                Ok(Self::About { target, act: Act::Edit(Text { text, mentions, ..Text::default() }) })
            }),
            kind::DELETE => {
                Reader::record(payload, 1, |r| Ok(Self::About { target: EntryHash(r.exactly()?), act: Act::Delete }))
            }
            kind::REACTION => Reader::record(payload, 3, |r| {
                let (target, emoji) = (EntryHash(r.exactly()?), r.text(EMOJI_BYTES)?);
                if !is_emoji(&emoji) {
                    return Err(WireError::OutOfRange);
                }
                Ok(Self::About { target, act: Act::React { emoji, on: r.flag()? } })
            }),
            kind::PIN => Reader::record(payload, 2, |r| {
                Ok(Self::About { target: EntryHash(r.exactly()?), act: Act::Pin { on: r.flag()? } })
            }),
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

fn write_heads(writer: Writer, heads: &[(LogId, u64)]) -> Writer {
    writer.each(heads.iter(), |w, (log, seq)| w.array(2).bytes(&log.0).uint(*seq))
}

fn read_heads(r: &mut Reader<'_>) -> Result<Vec<(LogId, u64)>, WireError> {
    let heads = r.each(REMOVE_LOGS, |r| r.nested(2, |r| Ok((LogId(r.exactly()?), r.uint()?))))?;
    if heads.is_sorted_by(|a, b| a.0 < b.0) { Ok(heads) } else { Err(WireError::Malformed) }
}

fn write_others(writer: Writer, others: &[(LogKey, u64)]) -> Writer {
    writer.each(others.iter(), |w, (log, seq)| w.array(3).bytes(&log.author.0).bytes(&log.log.0).uint(*seq))
}

fn read_others(r: &mut Reader<'_>) -> Result<Vec<(LogKey, u64)>, WireError> {
    let others = r.each(REMOVE_LOGS, |r| {
        r.nested(3, |r| Ok((LogKey { author: DeviceId(r.exactly()?), log: LogId(r.exactly()?) }, r.uint()?)))
    })?;
    if others.is_sorted_by(|a, b| a.0 < b.0) { Ok(others) } else { Err(WireError::Malformed) }
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

/// Whether it is one picture sign: a grapheme cluster, and none of the letters, digits, spaces and controls that would
/// make words of it. Which of the rest a font draws in colour changes with each Unicode version.
pub fn is_emoji(text: &str) -> bool {
    let one = text.graphemes(true).count() == 1 && text.len() <= EMOJI_BYTES;
    // The keycaps are digits with a combining enclosure.
    let keycap = text.ends_with('\u{20e3}');
    let plain = |c: char| c.is_ascii() || c.is_alphanumeric() || c.is_whitespace() || c.is_control();
    one && text.chars().next().is_some_and(|first| keycap || !plain(first)) && !text.chars().any(char::is_control)
}

fn role_tag(role: Role) -> u64 {
    match role {
        Role::Guest => 0,
        Role::Member => 1,
        Role::Admin => 2,
        Role::Creator => 3,
    }
}

fn read_role(r: &mut Reader<'_>, allowed: std::ops::RangeInclusive<Role>) -> Result<Role, WireError> {
    let role = match r.uint()? {
        0 => Role::Guest,
        1 => Role::Member,
        2 => Role::Admin,
        _ => return Err(WireError::OutOfRange),
    };
    if allowed.contains(&role) { Ok(role) } else { Err(WireError::OutOfRange) }
}

fn write_text(writer: Writer, text: Option<&str>) -> Writer {
    match text {
        Some(text) => writer.text(text),
        None => writer.null(),
    }
}

fn write_mentions(writer: Writer, mentions: &[Mention]) -> Writer {
    writer.each(mentions.iter(), |w, mention| {
        w.array(3).bytes(&mention.device.0).uint(mention.start.into()).uint(mention.length.into())
    })
}

fn write_lives(writer: Writer, lives: Option<u32>) -> Writer {
    match lives {
        Some(seconds) => writer.uint(seconds.into()),
        None => writer.null(),
    }
}

fn read_lives(r: &mut Reader<'_>) -> Result<Option<u32>, WireError> {
    let lives = r.optional(Reader::u32)?;
    if lives.is_some_and(|seconds| seconds == 0 || seconds > LIVES_SECONDS) {
        return Err(WireError::OutOfRange);
    }
    Ok(lives)
}

fn read_words(r: &mut Reader<'_>) -> Result<(String, Vec<Mention>), WireError> {
    let text = r.text(TEXT_BYTES)?;
    if text.is_empty() {
        return Err(WireError::OutOfRange);
    }
    let mentions = r.each(MENTIONS, |r| {
        r.nested(3, |r| Ok(Mention { device: DeviceId(r.exactly()?), start: r.u32()?, length: r.u32()? }))
    })?;
    if !are_sound(&mentions, &text) {
        return Err(WireError::OutOfRange);
    }
    Ok((text, mentions))
}

/// Whether mentions stand in a text as they must: each names some of it, in whole characters, one after the other.
pub(crate) fn are_sound(mentions: &[Mention], text: &str) -> bool {
    let mut from = 0;
    mentions.len() <= MENTIONS
        && mentions.iter().all(|mention| {
            let (start, end) =
                (mention.start as usize, (mention.start as usize).saturating_add(mention.length as usize));
            let sound = start >= from && start < end && text.get(start..end).is_some();
            from = end;
            sound
        })
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
        lives: read_lives(r)?,
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
