//! What a host can ask for.

use super::{ApiError, Mention, Reply, Role};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One line from a host: a command and the number that its response will carry.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Chosen by the host, echoed in the response.
    #[ts(type = "number")]
    pub id: u64,
    /// The command.
    pub command: Command,
}

/// The answer to one [`Request`].
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum Response {
    /// It worked.
    Reply {
        /// The request's number; absent when the line was a command without one.
        #[ts(type = "number | null")]
        id: Option<u64>,
        /// What it brought.
        reply: Box<Reply>,
    },
    /// It did not; nothing changed.
    Error {
        /// The request's number; absent when there was none, or the line could not be read that far.
        #[ts(type = "number | null")]
        id: Option<u64>,
        /// Why.
        error: ApiError,
    },
}

/// A command. Ids are lower-case hexadecimal strings; times are milliseconds since 1970 UTC.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "type", deny_unknown_fields)]
pub enum Command {
    /// The whole state. Replies `snapshot`.
    Snapshot,
    /// First start: choose a name and how the database's key is kept. Phase must be `setup`.
    Setup {
        /// 1 to 64 graphemes.
        name: String,
        /// Keychain, passphrase or, in words, nothing.
        protection: Protection,
    },
    /// Open a database that is locked with a passphrase. Phase must be `locked`.
    Unlock {
        /// The passphrase.
        passphrase: String,
    },
    /// Try once more to open a profile that could not be opened: there is room on the disk again, the other Natter was
    /// closed, a backup was put back. Phase must be `broken`; elsewhere there is nothing to do.
    Reopen,
    /// Found a room. Replies `room`.
    CreateRoom {
        /// 1 to 64 graphemes.
        name: String,
    },
    /// Make an invite. Replies `invite`.
    CreateInvite {
        /// Room id.
        room: String,
        /// How many may use it; 0 = no limit. Default 1.
        #[serde(default = "one")]
        #[ts(optional, as = "Option<_>")]
        uses: u32,
        /// How long it lives. Default 7 days, at most 365.
        #[serde(default = "week")]
        #[ts(optional, as = "Option<u32>")]
        lifetime_seconds: u64,
        /// Whether somebody must approve each newcomer. Default true.
        #[serde(default = "yes")]
        #[ts(optional, as = "Option<_>")]
        approval: bool,
        /// What whoever comes in by it is: `guest` or `member`. Default `member`.
        #[serde(default = "member")]
        #[ts(optional, as = "Option<_>")]
        role: Role,
    },
    /// Withdraw an invite.
    RevokeInvite {
        /// Room id.
        room: String,
        /// Invite id.
        invite: String,
    },
    /// Read an invite without acting on it. Replies `invitePreview`, or `spokenInvite` to words.
    ReadInvite {
        /// What the person pasted; surrounding words are tolerated.
        text: String,
    },
    /// Knock. Replies `room`; how it goes on comes as `join` changes.
    Join {
        /// The invite link, or its eight words.
        link: String,
    },
    /// Stop knocking.
    CancelJoin {
        /// Room id.
        room: String,
    },
    /// Let somebody in who waits for approval.
    Admit {
        /// Room id.
        room: String,
        /// Device id.
        device: String,
    },
    /// Turn somebody away.
    Decline {
        /// Room id.
        room: String,
        /// Device id.
        device: String,
    },
    /// Take somebody out of the room, for everyone. Whoever is out reads nothing that is written later.
    RemoveMember {
        /// Room id.
        room: String,
        /// Device id.
        device: String,
    },
    /// Make somebody a guest, a member or an admin.
    SetRole {
        /// Room id.
        room: String,
        /// Device id.
        device: String,
        /// What they are from here on; not `creator`.
        role: Role,
    },
    /// Change the room for everyone; what is absent stays.
    SetRoom {
        /// Room id.
        room: String,
        /// 1 to 64 graphemes.
        #[serde(default)]
        #[ts(optional = nullable)]
        name: Option<String>,
        /// What it is for, at most 1,024 bytes; may be empty.
        #[serde(default)]
        #[ts(optional = nullable)]
        about: Option<String>,
        /// How many seconds new messages live before they disappear, at most a year; 0 = they stay.
        #[serde(default)]
        #[ts(optional = nullable)]
        lives: Option<u32>,
    },
    /// The number to compare with a member or former member. Replies `safety`.
    Safety {
        /// Device id.
        device: String,
    },
    /// Read the code that another device shows and, if it is the one of that device for this one, mark it as verified.
    /// Replies `verified`; `codeWrong` when the keys differ.
    Verify {
        /// What was scanned or pasted: `natter://verify#…`, or the sixty digits for `device`.
        code: String,
        /// Whom the sixty digits are for.
        #[serde(default)]
        #[ts(optional = nullable)]
        device: Option<String>,
    },
    /// Mark somebody as verified, or no longer: this person has compared the number with them.
    SetVerified {
        /// Device id.
        device: String,
        /// Whether they have.
        on: bool,
    },
    /// Show nothing more of what somebody says, or show it again. Only this device knows.
    SetBlocked {
        /// Device id.
        device: String,
        /// Whether they are blocked.
        on: bool,
    },
    /// What others are told of this person.
    SetPrivacy {
        /// How far they have read.
        receipts: bool,
        /// That they are typing.
        typing: bool,
    },
    /// Say something. Replies `sent`.
    SendText {
        /// Room id.
        room: String,
        /// 1 to 16,384 bytes.
        text: String,
        /// Members named in it, in the order of the text, at most 32.
        #[serde(default)]
        #[ts(optional, as = "Option<_>")]
        mentions: Vec<Mention>,
        /// Message id that it answers.
        #[serde(default)]
        #[ts(optional = nullable)]
        reply_to: Option<String>,
    },
    /// Send a picture that was staged before (by upload, drop, paste, picker or `stageFile`). Replies `sent`.
    SendPicture {
        /// Room id.
        room: String,
        /// The staged id.
        staged: String,
        /// Words with it.
        #[serde(default)]
        #[ts(optional, as = "Option<_>")]
        caption: String,
        /// Message id that it answers.
        #[serde(default)]
        #[ts(optional = nullable)]
        reply_to: Option<String>,
    },
    /// Change the words of an own message, or of an own picture's caption. Replies `sent` with the edit's id.
    EditMessage {
        /// Room id.
        room: String,
        /// Message id.
        message: String,
        /// 1 to 16,384 bytes.
        text: String,
        /// Members named in it.
        #[serde(default)]
        #[ts(optional, as = "Option<_>")]
        mentions: Vec<Mention>,
    },
    /// Delete a message for everyone: an own one, or as an admin anybody's. Replies `sent` with the deletion's id.
    DeleteMessage {
        /// Room id.
        room: String,
        /// Message id.
        message: String,
    },
    /// React to a message, or take the reaction back. Replies `sent`.
    React {
        /// Room id.
        room: String,
        /// Message id.
        message: String,
        /// One emoji.
        emoji: String,
        /// Put on or take off. Default true.
        #[serde(default = "yes")]
        #[ts(optional, as = "Option<_>")]
        on: bool,
    },
    /// Pin a message for everyone, or unpin it. Replies `sent`.
    PinMessage {
        /// Room id.
        room: String,
        /// Message id.
        message: String,
        /// Pin or unpin. Default true.
        #[serde(default = "yes")]
        #[ts(optional, as = "Option<_>")]
        on: bool,
    },
    /// This person is typing: send it with every few keys; the members who are linked hear of it at most every 3 s.
    Typing {
        /// Room id.
        room: String,
    },
    /// The earlier wordings of a message. Replies `edits`.
    Edits {
        /// Room id.
        room: String,
        /// Message id.
        message: String,
    },
    /// The messages that are pinned. Replies `messages`, the last pinned first, at most 64.
    Pinned {
        /// Room id.
        room: String,
    },
    /// Find messages by their words in all rooms or in one. Replies `found`, newest first.
    Search {
        /// Words: all must occur, each may be the beginning of a longer one. At most 256 bytes.
        query: String,
        /// Only in this room.
        #[serde(default)]
        #[ts(optional = nullable)]
        room: Option<String>,
        /// Only of this author.
        #[serde(default)]
        #[ts(optional = nullable)]
        author: Option<String>,
        /// What the last reply named as `next`, to go on.
        #[serde(default)]
        #[ts(optional = nullable)]
        next: Option<String>,
        /// At most so many, 1 to 100. Default 50.
        #[serde(default = "fifty")]
        #[ts(optional, as = "Option<_>")]
        limit: u32,
    },
    /// The first message written at a time or later, to jump to a date. Replies `place`.
    At {
        /// Room id.
        room: String,
        /// Milliseconds since 1970 UTC.
        #[ts(type = "number")]
        time: u64,
    },
    /// Keep what this person has begun to write, at most 16,384 bytes; empty forgets it.
    SetDraft {
        /// Room id.
        room: String,
        /// The words.
        text: String,
    },
    /// Forget a staged picture.
    Unstage {
        /// The staged id.
        staged: String,
    },
    /// Read a page of a room's timeline. Replies `timeline`, ascending: the newest page when none of `before`, `after` and
    /// `around` is there; at most one of them is.
    Timeline {
        /// Room id.
        room: String,
        /// Only messages that stand before this message id.
        #[serde(default)]
        #[ts(optional = nullable)]
        before: Option<String>,
        /// Only messages that stand after this message id.
        #[serde(default)]
        #[ts(optional = nullable)]
        after: Option<String>,
        /// This message and its neighbours on both sides.
        #[serde(default)]
        #[ts(optional = nullable)]
        around: Option<String>,
        /// At most so many, 1 to 200. Default 50.
        #[serde(default = "fifty")]
        #[ts(optional, as = "Option<_>")]
        limit: u32,
    },
    /// Fetch a picture's bytes that are not here yet (large ones wait to be asked for).
    FetchBlob {
        /// Room id.
        room: String,
        /// Message id that offers it.
        message: String,
    },
    /// All up to this message has been seen.
    MarkRead {
        /// Room id.
        room: String,
        /// Message id.
        message: String,
    },
    /// Change this device's name and picture.
    SetProfile {
        /// 1 to 64 graphemes.
        name: String,
        /// A staged picture to use as avatar; `null` removes it, absent keeps it.
        #[serde(default, with = "keep_or_set", skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "string | null")]
        avatar: Option<Option<String>>,
    },
    /// Make a code by which another device of this person can be linked; the one before it works no longer.
    LinkDevice,
    /// What a code that links a device says; asks nobody.
    ReadDeviceCode {
        /// A text with a `natter://link#…` in it.
        text: String,
    },
    /// Become a device of whoever made the code. Only a device that is in no room can.
    UseDeviceCode {
        /// A text with a `natter://link#…` in it.
        text: String,
    },
    /// Stop waiting to be linked, or take a wait that has ended off the list.
    CancelLinking,
    /// Link a device that came with the code.
    AdmitDevice {
        /// Device id.
        device: String,
    },
    /// Turn it away.
    DeclineDevice {
        /// Device id.
        device: String,
    },
    /// Take a device of this person out of every room that it shares with this one. It keeps what it has and hears nothing new.
    UnlinkDevice {
        /// Device id.
        device: String,
    },
    /// Leave a room. Its history goes from this device.
    LeaveRoom {
        /// Room id.
        room: String,
    },
    /// Which brokers to use besides the embedded one.
    SetBrokers {
        /// `ws://` or `wss://` (or `http(s)://`) base URLs, at most 8.
        brokers: Vec<String>,
    },
    /// What the person looks at: decides what rings.
    SetFocus {
        /// Whether the window has the focus.
        focused: bool,
        /// The room that is open.
        #[serde(default)]
        #[ts(optional = nullable)]
        room: Option<String>,
    },
    /// The network changed or the machine woke up: check everything now.
    NetworkChanged,
}

/// How the database's key is kept.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "type")]
pub enum Protection {
    /// In the operating system's keychain.
    Keychain,
    /// Derived from a passphrase at every start.
    Passphrase {
        /// At least 8 characters.
        passphrase: String,
    },
    /// Beside the database, readable to whoever reads this disk. The person chose it in words.
    Unprotected,
}

fn one() -> u32 {
    1
}
fn week() -> u64 {
    7 * 24 * 3600
}
fn yes() -> bool {
    true
}
fn member() -> Role {
    Role::Member
}
fn fifty() -> u32 {
    50
}

/// Tells an absent field (keep) from `null` (remove).
mod keep_or_set {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::option_option, reason = "absent, null and a value are three things in JSON")]
    pub(super) fn serialize<S: Serializer>(value: &Option<Option<String>>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().and_then(Option::as_ref).serialize(serializer)
    }

    #[expect(clippy::option_option, reason = "absent, null and a value are three things in JSON")]
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
        Option::<String>::deserialize(deserializer).map(Some)
    }
}
