//! Entry kinds. Unknown ones are kept and synced raw, and shown as "from a newer version".

/// Founds the room.
pub const GENESIS: u16 = 1;
/// Publishes an invite's public half and terms.
pub const INVITE: u16 = 2;
/// Makes a device a member.
pub const ADMIT: u16 = 3;
/// The author leaves.
pub const LEAVE: u16 = 4;
/// Withdraws an invite.
pub const REVOKE_INVITE: u16 = 5;
/// Takes a device out of the room.
pub const REMOVE: u16 = 6;
/// Raises a member's role.
pub const GRANT: u16 = 7;
/// Lowers a member's role.
pub const REVOKE: u16 = 8;
/// The room's name and manners.
pub const ROOM: u16 = 9;
/// Lets a further device of the author's person in.
pub const DEVICE: u16 = 10;
/// Kinds from here on do not change membership.
pub const FIRST_MESSAGE: u16 = 32;
/// Words.
pub const TEXT: u16 = 32;
/// A picture offer.
pub const PICTURE: u16 = 33;
/// The author's name and avatar.
pub const PROFILE: u16 = 34;
/// How far the author has read.
pub const RECEIPT: u16 = 35;
/// Other words for an earlier entry of the author's.
pub const EDIT: u16 = 36;
/// An earlier entry's payload goes.
pub const DELETE: u16 = 37;
/// A sign put on an entry, or taken off.
pub const REACTION: u16 = 38;
/// An entry is pinned, or unpinned.
pub const PIN: u16 = 39;

/// What a timeline shows.
pub const SHOWN: &[u16] = &[GENESIS, ADMIT, DEVICE, LEAVE, REMOVE, GRANT, REVOKE, ROOM, TEXT, PICTURE];
/// What counts as unread and may ring; what may be edited and deleted.
pub const SPOKEN: &[u16] = &[TEXT, PICTURE];
/// What says something of another entry.
pub const ABOUT: &[u16] = &[EDIT, DELETE, REACTION, PIN];
