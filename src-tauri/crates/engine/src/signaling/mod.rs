//! Finding each other and agreeing on a link through somebody else's hands.

pub use crate::wire::{InviteError, InviteLink};
