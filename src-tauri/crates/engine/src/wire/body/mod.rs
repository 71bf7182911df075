//! What an entry's payload says, by kind.

mod codec;

pub use codec::is_emoji;
pub(crate) use codec::{are_sound, read_profile, write_profile};

use super::kind;
use crate::ids::{BlobHash, DeviceId, EntryHash, InviteId, LogId, LogKey};
use crate::port::{OrderKey, Profile, Role};
use crate::time::UnixMillis;

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
    /// DEVICE: a further device of the author's person is in, with their role.
    Device {
        /// Its key.
        device: DeviceId,
        /// Which person: the device that they came into the room with.
        person: DeviceId,
        /// The new device's key over room and person: nobody can call a device theirs that does not say so.
        proof: [u8; 64],
    },
    /// LEAVE: the author is gone, with all devices of that person.
    Leave {
        /// Their other logs, ascending, and the last entry of each that counts; of others none does. At most 256.
        heads: Vec<(LogId, u64)>,
        /// The same of the logs of the person's other devices. At most 256.
        others: Vec<(LogKey, u64)>,
    },
    /// REVOKE_INVITE: the invite admits nobody any more.
    RevokeInvite {
        /// Which.
        invite: InviteId,
    },
    /// REMOVE: the device is out, and of what it wrote counts only what whoever removes it had seen. By another person,
    /// all devices of its person are out.
    Remove {
        /// Who.
        device: DeviceId,
        /// Its logs, ascending, and the last entry of each that counts; of others none does. At most 256.
        heads: Vec<(LogId, u64)>,
        /// The same of the logs of the person's other devices. At most 256; none where one of them removes it.
        others: Vec<(LogKey, u64)>,
    },
    /// GRANT: a member's role is this at least.
    Grant {
        /// Who.
        device: DeviceId,
        /// Member or admin.
        role: Role,
    },
    /// REVOKE: a member's role is this at most.
    Revoke {
        /// Who.
        device: DeviceId,
        /// Guest or member.
        role: Role,
    },
    /// ROOM: what is named changes, what is not stays.
    Room(RoomBody),
    /// TEXT.
    Text(Text),
    /// PICTURE.
    Picture(Picture),
    /// EDIT, DELETE, REACTION, PIN: says something of another entry.
    About {
        /// Of which.
        target: EntryHash,
        /// What.
        act: Act,
    },
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
    /// What whoever comes in by it is: guest or member.
    pub role: Role,
    /// Of a spoken invite: its key's word for the room and the time, so that any member can tell who has only the words.
    pub vouch: Option<[u8; 64]>,
}

/// What a ROOM entry changes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RoomBody {
    /// Its name.
    pub name: Option<String>,
    /// What it is for, in up to 1,024 bytes; may be empty.
    pub about: Option<String>,
    /// How many seconds new messages live; 0 = for good.
    pub lives: Option<u32>,
}

/// Words, as a TEXT entry or an EDIT carries them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Text {
    /// 1 to 16,384 bytes.
    pub text: String,
    /// Whom it names, ascending, apart from each other; at most 32.
    pub mentions: Vec<Mention>,
    /// The entry that it answers; none in an EDIT.
    pub reply_to: Option<EntryHash>,
    /// How many seconds after it was written it goes from every device; none = it stays. None in an EDIT, which lives as
    /// long as what it changes.
    pub lives: Option<u32>,
}

impl Text {
    /// Words and nothing else.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// A member named in a text: the bytes from `start` on, `length` of them, stand for their name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Who.
    pub device: DeviceId,
    /// First byte of the text that names them.
    pub start: u32,
    /// How many bytes do.
    pub length: u32,
}

/// What an entry says of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// EDIT: these words instead. Counts from the author of a TEXT or PICTURE (whose caption it replaces); the last in the
    /// order of the room is shown, the earlier ones are its history.
    Edit(Text),
    /// DELETE: its payload and those of its edits go from every disk. Counts from its author, and from an admin.
    Delete,
    /// REACTION: the last of each author and emoji counts.
    React {
        /// One grapheme cluster that is no letter, digit or control.
        emoji: String,
        /// Whether it is put on or taken off.
        on: bool,
    },
    /// PIN: the last of anybody counts.
    Pin {
        /// Whether it is pinned or unpinned.
        on: bool,
    },
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
    /// As in a [`Text`].
    pub lives: Option<u32>,
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
            Self::Device { .. } => kind::DEVICE,
            Self::Leave { .. } => kind::LEAVE,
            Self::RevokeInvite { .. } => kind::REVOKE_INVITE,
            Self::Remove { .. } => kind::REMOVE,
            Self::Grant { .. } => kind::GRANT,
            Self::Revoke { .. } => kind::REVOKE,
            Self::Room(_) => kind::ROOM,
            Self::Text(_) => kind::TEXT,
            Self::Picture(_) => kind::PICTURE,
            Self::About { act: Act::Edit(_), .. } => kind::EDIT,
            Self::About { act: Act::Delete, .. } => kind::DELETE,
            Self::About { act: Act::React { .. }, .. } => kind::REACTION,
            Self::About { act: Act::Pin { .. }, .. } => kind::PIN,
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
            | Self::Device { .. }
            | Self::Leave { .. }
            | Self::RevokeInvite { .. }
            | Self::Remove { .. }
            | Self::Grant { .. }
            | Self::Revoke { .. }
            | Self::Room(_)
            | Self::Text(_)
            | Self::About { .. }
            | Self::Profile(_)
            | Self::Receipt { .. } => Vec::new(),
        }
    }

    /// The entry that it says something of.
    pub fn target(&self) -> Option<EntryHash> {
        match self {
            Self::About { target, .. } => Some(*target),
            Self::Genesis { .. }
            | Self::Invite(_)
            | Self::Admit { .. }
            | Self::Device { .. }
            | Self::Leave { .. }
            | Self::RevokeInvite { .. }
            | Self::Remove { .. }
            | Self::Grant { .. }
            | Self::Revoke { .. }
            | Self::Room(_)
            | Self::Text(_)
            | Self::Picture(_)
            | Self::Profile(_)
            | Self::Receipt { .. } => None,
        }
    }

    /// Words that a search finds it by.
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::About { act: Act::Edit(text), .. } => Some(&text.text),
            Self::Picture(picture) => Some(&*picture.caption).filter(|caption| !caption.is_empty()),
            Self::Genesis { .. }
            | Self::Invite(_)
            | Self::Admit { .. }
            | Self::Device { .. }
            | Self::Leave { .. }
            | Self::RevokeInvite { .. }
            | Self::Remove { .. }
            | Self::Grant { .. }
            | Self::Revoke { .. }
            | Self::Room(_)
            | Self::About { act: Act::Delete | Act::React { .. } | Act::Pin { .. }, .. }
            | Self::Profile(_)
            | Self::Receipt { .. } => None,
        }
    }

    /// When its payload goes from every device, if it is one that does.
    pub fn expires(&self, written: UnixMillis) -> Option<UnixMillis> {
        let lives = match self {
            Self::Text(text) => text.lives,
            Self::Picture(picture) => picture.lives,
            Self::Genesis { .. }
            | Self::Invite(_)
            | Self::Admit { .. }
            | Self::Device { .. }
            | Self::Leave { .. }
            | Self::RevokeInvite { .. }
            | Self::Remove { .. }
            | Self::Grant { .. }
            | Self::Revoke { .. }
            | Self::Room(_)
            | Self::About { .. }
            | Self::Profile(_)
            | Self::Receipt { .. } => None,
        };
        lives.map(|seconds| UnixMillis(written.0.saturating_add(u64::from(seconds) * 1000)))
    }
}
