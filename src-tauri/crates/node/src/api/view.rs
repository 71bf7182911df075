//! The state as a host shows it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Everything but the timelines.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The revision that this is; the next event carries one more.
    #[ts(type = "number")]
    pub rev: u64,
    /// Set up, locked or ready.
    pub phase: Phase,
    /// This device; absent before set-up.
    pub me: Option<Me>,
    /// Rooms, the one with the newest message first.
    pub rooms: Vec<Room>,
    /// Knocks under way or ended without admission.
    pub joins: Vec<Join>,
    /// The devices of this person.
    pub devices: Devices,
    /// Brokers and links.
    pub network: Network,
    /// What others are told of this person.
    pub privacy: Privacy,
    /// Natter's version.
    pub version: String,
}

/// Where the app stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// First start: ask for a name and a protection.
    Setup,
    /// Ask for the passphrase.
    Locked,
    /// In use.
    Ready,
    /// The database cannot be opened; `network` and `rooms` are empty, the error was sent as a `trouble` change.
    Broken,
}

/// What others are told of this person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Privacy {
    /// How far they have read.
    pub receipts: bool,
    /// That they are typing.
    pub typing: bool,
}

impl Default for Privacy {
    fn default() -> Self {
        Self { receipts: true, typing: true }
    }
}

/// This device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// Public key, 64 hexadecimal digits.
    pub device: String,
    /// Name.
    pub name: String,
    /// Media path of the avatar, relative to the host's media base.
    pub avatar: Option<String>,
    /// Short fingerprint to compare: four groups of four.
    pub fingerprint: String,
    /// 0 to 11: which of the twelve hues.
    pub hue: u8,
    /// Whether the database's key lies unprotected beside it.
    pub unprotected: bool,
}

/// The devices of this person, and those that want to become one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Devices {
    /// All that are linked with each other, this one first; empty while this device is linked with no other.
    pub linked: Vec<Device>,
    /// Devices that came with the code and wait for a yes.
    pub requests: Vec<Request>,
    /// The code that works now, when it was made here.
    pub code: Option<DeviceCode>,
    /// How far this device is on its way to be linked with another; absent when it is not.
    pub linking: Option<JoinProgress>,
}

/// A device of this person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Public key.
    pub device: String,
    /// Short fingerprint: what tells one from the other.
    pub fingerprint: String,
    /// 0 to 11.
    pub hue: u8,
    /// Whether it is this one.
    pub own: bool,
    /// Reachability.
    pub presence: Presence,
    /// When it was linked.
    #[ts(type = "number")]
    pub since: u64,
}

/// A code by which another device is linked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DeviceCode {
    /// `natter://link#…`: whoever has it may ask to become a device of this person.
    pub link: String,
    /// Media path of the QR code (SVG made here, black on white).
    pub qr: String,
    /// When it ends.
    #[ts(type = "number")]
    pub expires: u64,
}

/// What a code that links a device says before it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DeviceCodePreview {
    /// What the person calls themselves whose code it is.
    pub name: String,
    /// When it ends.
    #[ts(type = "number")]
    pub expires: u64,
}

/// A room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    /// Room id.
    pub id: String,
    /// Name.
    pub name: String,
    /// What it is for; may be empty.
    pub about: String,
    /// How many seconds new messages live before they disappear; 0 = they stay.
    pub lives: u32,
    /// In it, or out.
    pub standing: Standing,
    /// This device's role.
    pub role: Role,
    /// Members, this device included: online first, then by name.
    pub members: Vec<Member>,
    /// Who was a member once, for the names beside old messages.
    pub former: Vec<Member>,
    /// Who waits for approval; only filled when this device may approve.
    pub requests: Vec<Request>,
    /// Invites that still work.
    pub invites: Vec<Invite>,
    /// The newest message.
    pub last: Option<Message>,
    /// Messages of others after the reading mark; counted to 999.
    pub unread: u32,
    /// First unread message id.
    pub first_unread: Option<String>,
    /// What this person has begun to write here; absent when nothing.
    pub draft: Option<String>,
    /// Own messages that no other device holds yet; counted to 999. Not safe to lose this device while there are any.
    pub unheld: u32,
}

/// How this device stands to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// In.
    Member,
    /// Left or removed; the history stays readable.
    Gone,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Reads and writes.
    Guest,
    /// Also invites, with an admin's yes to each newcomer.
    Member,
    /// Also admits and removes, names roles, deletes what others said, and changes the room.
    Admin,
    /// Founded the room; an admin who cannot be removed.
    Creator,
}

/// A member: a person, with one or several devices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Public key of the device that they came into the room with: it names them here, whichever device they use.
    pub device: String,
    /// How many devices of theirs are in; 0 = they are not.
    pub devices: u32,
    /// Name as last signed by one of their devices.
    pub name: String,
    /// Media path of the avatar.
    pub avatar: Option<String>,
    /// Short fingerprint.
    pub fingerprint: String,
    /// 0 to 11.
    pub hue: u8,
    /// Role.
    pub role: Role,
    /// Reachability, of the most reachable of their devices.
    pub presence: Presence,
    /// Whether this is this device's person.
    pub own: bool,
    /// When they were admitted.
    #[ts(type = "number")]
    pub since: u64,
    /// Whether this person has compared the safety number with them.
    pub verified: bool,
    /// Whether this person does not want to see what they say. Only this device knows.
    pub blocked: bool,
    /// Who was in the room before them (and may have left) under a name that looks the same: device id. It may be the same
    /// person with a new device, or somebody else: a name is no proof, a safety number is.
    pub looks_like: Option<String>,
    /// Whether their key signed two histories, each of which some members saw first: all of it is shown. A machine that was
    /// put back to an earlier state does that without meaning to, and so does who tells people different things.
    pub forked: bool,
}

/// What two people compare to know that nobody sits between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Safety {
    /// Sixty digits in twelve groups; the other device shows the same.
    pub number: String,
    /// The same to scan or to paste: `natter://verify#…`. Says whose device showed it.
    pub code: String,
    /// Media path of the code as a QR code (SVG, black on white).
    pub qr: String,
}

/// Whether a member can be reached now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Presence {
    /// No.
    Offline,
    /// A link is being made.
    Connecting,
    /// Linked.
    Online,
}

/// Somebody who knocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "JoinRequest")]
pub struct Request {
    /// Public key.
    pub device: String,
    /// What they call themselves.
    pub name: String,
    /// Media path of the avatar.
    pub avatar: Option<String>,
    /// Short fingerprint, to compare over another channel.
    pub fingerprint: String,
    /// 0 to 11.
    pub hue: u8,
}

/// An invite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Invite {
    /// Invite id.
    pub id: String,
    /// Room id.
    pub room: String,
    /// `natter://join#…`; absent when it was made on another device.
    pub link: Option<String>,
    /// Eight words that say the same aloud; absent with the link.
    pub words: Option<String>,
    /// Media path of the QR code (SVG made here, black on white); absent with the link.
    pub qr: Option<String>,
    /// How many may use it; 0 = no limit.
    pub uses: u32,
    /// How many did.
    pub used: u32,
    /// When it ends.
    #[ts(type = "number")]
    pub expires: u64,
    /// Whether a person must approve.
    pub approval: bool,
    /// What whoever comes in by it is: `guest` or `member`.
    pub role: Role,
}

/// What an invite says before joining.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct InvitePreview {
    /// Room id.
    pub room: String,
    /// The room's name when the invite was made.
    pub room_name: String,
    /// Brokers that will be asked: their hosts.
    pub brokers: Vec<String>,
    /// When it ends.
    #[ts(type = "number")]
    pub expires: u64,
    /// Whether this device is in the room already.
    pub already_member: bool,
}

/// What was understood of the eight words of an invite, as far as they are typed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SpokenInvite {
    /// Word by word.
    pub words: Vec<SpokenWord>,
    /// How many there must be.
    pub of: u32,
    /// How they stand.
    pub state: SpokenState,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SpokenWord {
    /// As it was typed.
    pub typed: String,
    /// The word of the list that it is: its first four letters are enough. Absent when it is none.
    pub word: Option<String>,
}

/// How words stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum SpokenState {
    /// Fewer than eight yet, or one that is not on the list.
    Unfinished,
    /// More than eight.
    TooMany,
    /// Eight words that do not belong together: one was misheard.
    Misheard,
    /// An invite.
    Whole,
}

/// A knock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Join {
    /// Room id. While only the words of an invite are known, the invite's id.
    pub room: String,
    /// The invite's word for the room; empty while that is not known.
    pub room_name: String,
    /// How it stands.
    pub progress: JoinProgress,
    /// The id that it had while only the words were known.
    pub asked: Option<String>,
}

/// How a knock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum JoinProgress {
    /// No broker reached yet.
    Connecting,
    /// Nobody of the room answers yet.
    WaitingForMember,
    /// A person must approve.
    WaitingForApproval,
    /// In; the room follows as a `room` change.
    Admitted,
    /// A person said no.
    Declined,
    /// The invite was used up.
    UsedUp,
    /// The invite has expired.
    Expired,
    /// The invite was withdrawn.
    Void,
    /// Given up here.
    Cancelled,
    /// The words lead into a room that this device is in.
    AlreadyMember,
}

/// A message, with all that was said of it since: its last wording, reactions, whether it is pinned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Message id: the entry's hash.
    pub id: String,
    /// Sorts messages of a room, as a string: every member has the same order.
    pub order: String,
    /// Who wrote it: a person, as `Member` names them.
    pub author: String,
    /// Whether this device's person did.
    pub own: bool,
    /// Whether they did on another of their devices: it can be deleted here, and edited there alone.
    pub elsewhere: bool,
    /// When, to show; milliseconds since 1970 UTC.
    #[ts(type = "number")]
    pub time: u64,
    /// What.
    pub body: MessageBody,
    /// The message that it answers.
    pub reply_to: Option<String>,
    /// When its author last changed the words; absent when they are the first. `edits` reads the earlier ones.
    #[ts(type = "number | null")]
    pub edited: Option<u64>,
    /// Reactions, the first one given first; at most 32 different ones.
    pub reactions: Vec<Reaction>,
    /// Whether it is pinned.
    pub pinned: bool,
    /// When it disappears from every device; absent when it stays.
    #[ts(type = "number | null")]
    pub expires: Option<u64>,
    /// Whether it names this device's person.
    pub names_me: bool,
    /// Own messages, written here: how far it got.
    pub delivery: Option<Delivery>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "type")]
pub enum MessageBody {
    /// Words.
    Text {
        /// As typed. The subset of Markdown in it is the page's to show.
        text: String,
        /// Whom they name.
        mentions: Vec<Mention>,
    },
    /// A picture.
    Picture {
        /// The picture.
        picture: Picture,
        /// Words with it, may be empty.
        caption: String,
    },
    /// The room was founded.
    Created,
    /// Somebody was admitted.
    Joined {
        /// Who.
        device: String,
    },
    /// The author linked a further device: from here on it speaks for them.
    DeviceLinked {
        /// The device's short fingerprint.
        fingerprint: String,
    },
    /// The author took one of their devices out.
    DeviceUnlinked {
        /// The device's short fingerprint.
        fingerprint: String,
    },
    /// Somebody left.
    Left {
        /// Who.
        device: String,
    },
    /// The author took somebody out of the room.
    Removed {
        /// Whom.
        device: String,
    },
    /// The author changed what somebody may do.
    RoleChanged {
        /// Whose role.
        device: String,
        /// What they are from here on.
        role: Role,
    },
    /// The author changed the room; what is absent stayed as it was.
    RoomChanged {
        /// Its name.
        name: Option<String>,
        /// What it is for.
        about: Option<String>,
        /// How many seconds new messages live; 0 = they stay.
        lives: Option<u32>,
    },
    /// It was deleted, by its author or an admin. Its words are on no disk that heard of it.
    Deleted {
        /// By whom.
        by: String,
    },
    /// It disappeared, as its author wished; or whoever passed it on no longer had the words.
    Expired,
    /// A kind that this version does not know.
    Unknown,
}

/// A member named in a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Mention {
    /// Who.
    pub device: String,
    /// Where in the text, in UTF-16 code units, as JavaScript counts.
    pub start: u32,
    /// How many of them stand for the name.
    pub length: u32,
}

/// One sign under a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Who gave it, the first one first.
    pub by: Vec<String>,
    /// Whether this device did.
    pub own: bool,
}

/// A wording that a message once had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Wording {
    /// The words; a picture's caption may be empty.
    pub text: String,
    /// Whom they name.
    pub mentions: Vec<Mention>,
    /// When they were written.
    #[ts(type = "number")]
    pub time: u64,
}

/// A message that a search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// Room id.
    pub room: String,
    /// The message as it is shown in its room.
    pub message: Message,
}

/// A picture in a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Picture {
    /// Content id.
    pub blob: String,
    /// Bytes.
    #[ts(type = "number")]
    pub size: u64,
    /// MIME type.
    pub mime: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Sanitised file name.
    pub name: String,
    /// The blurred placeholder: a thumbhash in base64, may be empty.
    pub thumbhash: String,
    /// Media path of a small preview that is always here; absent if there is none.
    pub preview: Option<String>,
    /// Media path of the bytes; they load once `transfer` is `here`.
    pub url: String,
    /// Whether the bytes are here.
    pub transfer: Transfer,
}

/// How a blob stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "type")]
pub enum Transfer {
    /// Larger than what is fetched by itself: `fetchBlob` fetches it.
    Offered,
    /// Nobody who is here has it; goes on by itself.
    Waiting,
    /// Bytes so far.
    Progress {
        /// Bytes.
        #[ts(type = "number")]
        have: u64,
    },
    /// On this device.
    Here,
    /// Given up: `fetchBlob` tries again.
    Failed {
        /// Why.
        code: super::Code,
    },
}

/// A blob whose transfer moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct BlobView {
    /// Content id.
    pub blob: String,
    /// How it stands.
    pub transfer: Transfer,
}

/// How far an own message got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// In a word.
    pub state: DeliveryState,
    /// Members who hold it, without this person.
    pub held_by: Vec<String>,
    /// Members who read it.
    pub read_by: Vec<String>,
    /// How many members there are besides this person.
    pub of: u32,
}

/// How far an own message got, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum DeliveryState {
    /// On this device only.
    Saved,
    /// Held by some members.
    HeldBySome,
    /// Held by all members.
    HeldByAll,
    /// Read by somebody.
    Read,
}

/// Brokers and links.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Brokers in use.
    pub brokers: Vec<BrokerState>,
    /// Links that are up.
    pub links: u32,
    /// URLs under which others reach the embedded broker; empty when it is off or has no port.
    pub embedded: Vec<String>,
}

/// A broker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct BrokerState {
    /// Base URL.
    pub url: String,
    /// Whether it is this app's own.
    pub own: bool,
    /// Whether it was set by the person (else named by a room).
    pub configured: bool,
    /// Whether an address is held there.
    pub up: bool,
    /// Why not; absent while it is being connected to.
    pub trouble: Option<BrokerTrouble>,
}

/// Why a broker is of no use right now. All but `noPort` are tried again by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum BrokerTrouble {
    /// It does not answer: no network, nothing listens, or nothing comes back in time.
    Unreachable,
    /// It has no place left.
    Full,
    /// It refuses the key: it serves another app.
    BadKey,
    /// What answers is no PeerServer, breaks its rules, floods, or calls every address taken.
    Misbehaving,
    /// It closed the connection.
    Closed,
    /// The one inside this app found no free port.
    NoPort,
}

/// A picture that waits to be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Staged {
    /// Staged id.
    pub id: String,
    /// File name.
    pub name: String,
    /// MIME type.
    pub mime: String,
    /// Bytes, after stripping.
    #[ts(type = "number")]
    pub size: u64,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Media path of a preview.
    pub preview: String,
    /// Whether a place (GPS) or other private metadata was cut out.
    pub stripped: bool,
}
