//! Finding each other and agreeing on a link through somebody else's hands.
//!
//! A device holds an [`address`] for each of its rooms (and helps to hold one for each invite) at every broker that the
//! room uses. Two members exchange a signed offer and answer in sealed [`envelope`]s from address to address, or over a
//! member who is linked with both. Which link to make and when is the mesh's business; this module only knows how the
//! bytes are made and what proves them.

pub mod address;
pub mod envelope;

pub use crate::wire::{InviteError, InviteKeys, InviteLink, SPOKEN_BYTES};
