//! Finding each other and agreeing on a link through somebody else's hands.

use crate::ids::{BrokerUrl, RoomId};

/// An invite as a link, QR code or file carries it. The seed is a secret: whoever has it may knock.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteLink {
    /// 32 random bytes; derives the invite's key pair, rendezvous addresses and sealing key.
    pub seed: [u8; 32],
    /// The room it opens: the newcomer accepts no other log.
    pub room: RoomId,
    /// The room's name when the invite was made; a hint to show before joining, never trusted.
    pub room_name: String,
    /// Where to knock, at most 8.
    pub brokers: Vec<BrokerUrl>,
    /// Seconds since 1970 after which it is void, so that a late newcomer hears it without asking anyone.
    pub expires: u64,
}

impl std::fmt::Debug for InviteLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InviteLink").field("room", &self.room).field("seed", &"(secret)").finish_non_exhaustive()
    }
}
