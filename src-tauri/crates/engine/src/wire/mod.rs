//! The wire: every record that travels or is signed, its exact bytes and its limits. `PROTOCOL.md` is the prose.

pub mod archive;
pub mod body;
pub(crate) mod cbor;
pub mod entry;
pub mod frame;
pub mod invite;
pub mod kind;
pub mod limits;
pub mod session;

#[cfg(test)]
mod vectors;

pub use body::{Act, Body, InviteBody, Mention, PICTURE_TYPES, Picture, RoomBody, Text, is_emoji};
pub use cbor::WireError;
pub use entry::{Entry, EntryError, Header};
pub use frame::{Frame, KnockState};
pub use invite::{InviteError, InviteKeys, InviteLink, SPOKEN_BYTES};
pub use session::{Session, SignedSession, Trickle};
