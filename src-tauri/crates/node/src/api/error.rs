//! Errors as a host gets them: a code to act on, a message to show.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Why a command was refused. The UI shows its own words by `code`; `message` is for the CLI and for logs.
#[derive(Clone, Debug, Serialize, Deserialize, TS, thiserror::Error)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
pub struct ApiError {
    /// What kind.
    pub code: Code,
    /// One plain sentence: what happened, and what to do.
    pub message: String,
}

/// The kinds of refusal. Stable: bots match on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Code {
    /// The line is not JSON, or not a command.
    BadRequest,
    /// The device is not set up yet.
    NotSetUp,
    /// The database waits for its passphrase.
    Locked,
    /// It is set up already.
    AlreadySetUp,
    /// The passphrase is wrong.
    WrongPassphrase,
    /// The passphrase is too short.
    WeakPassphrase,
    /// No keychain answers on this machine.
    NoKeychain,
    /// No such room.
    NoSuchRoom,
    /// No such message.
    NoSuchMessage,
    /// No such invite.
    NoSuchInvite,
    /// Nothing is staged under that id (any more).
    NoSuchStaged,
    /// This device is in the room already.
    AlreadyMember,
    /// This device is in rooms: only one that is in none can be linked with another.
    HasRooms,
    /// This device is not a member.
    NotAMember,
    /// The role does not allow it.
    NotAllowed,
    /// Nobody of that id waits.
    NobodyWaiting,
    /// Nobody of that id is in the room.
    NoSuchMember,
    /// This text is no code to verify somebody with.
    NotACode,
    /// The code is of other keys than those that this device knows: somebody may sit in between.
    CodeWrong,
    /// Not one emoji.
    NotAnEmoji,
    /// A mention that does not stand in the text.
    BadMention,
    /// The link is no Natter invite at all.
    InviteNotNatter,
    /// The link is for something else: to a room where one for a device is wanted, or the other way round.
    OtherCode,
    /// The link is cut short or mistyped.
    InviteCut,
    /// Words that are not the eight of an invite.
    InviteWords,
    /// The link is from a newer Natter.
    InviteTooNew,
    /// The invite's date has passed.
    InviteExpired,
    /// The invite was used up.
    InviteUsedUp,
    /// Empty where something must be.
    Empty,
    /// Longer than the limit.
    TooLong,
    /// Characters that a name may not have.
    BadName,
    /// A limit of this device.
    TooMany,
    /// Not a PNG, JPEG, GIF or WebP picture.
    NotAPicture,
    /// More bytes or pixels than a picture may have.
    PictureTooLarge,
    /// A broker URL that cannot be used.
    BadBroker,
    /// The disk is full. Nothing was lost; nothing was saved either.
    DiskFull,
    /// Another Natter uses this profile.
    DatabaseLocked,
    /// The database is damaged.
    DatabaseDamaged,
    /// The database was written by a newer Natter.
    DatabaseTooNew,
    /// Another disk error.
    DiskFailed,
    /// The bytes did not come: whoever has them did not give them, or gave others. Asking again may help.
    TransferFailed,
    /// The file is none that Natter wrote for this.
    NotNatterFile,
    /// The file is not what was written.
    FileDamaged,
    /// The file was made by a newer Natter.
    FileTooNew,
    /// A backup is restored into an empty profile only.
    ProfileNotEmpty,
    /// The app is closing.
    ShuttingDown,
    /// A fault of Natter's own.
    Internal,
}

impl ApiError {
    /// An error with its sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
