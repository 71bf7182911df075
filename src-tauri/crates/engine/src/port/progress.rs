//! How what takes a while stands.

use super::BlobTrouble;

/// How a knock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinState {
    /// No broker reached yet.
    Connecting,
    /// At a broker, nobody of the room answers yet.
    WaitingForMember,
    /// A member got the knock; a person must approve.
    WaitingForApproval,
    /// In.
    Admitted,
    /// A person said no.
    Declined,
    /// The invite was used up.
    UsedUp,
    /// The invite has expired.
    Expired,
    /// The invite was withdrawn or never existed.
    Void,
    /// Given up by `CancelJoin`.
    Cancelled,
    /// The words of a spoken invite lead into a room that this device is in.
    AlreadyMember,
}

/// How a blob stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobState {
    /// Nobody who is linked has it; it goes on by itself when someone comes.
    Waiting,
    /// Bytes so far.
    Progress(u64),
    /// Whole and on disk.
    Here,
    /// Given up.
    Failed(BlobTrouble),
}
