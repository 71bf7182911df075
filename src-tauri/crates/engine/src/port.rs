//! The engine's edge: everything that goes in and everything that comes out, as data.
//!
//! `Engine::handle` takes one [`Input`] and the time and leaves [`Output`]s in an outbox. The shell (crate `net` for
//! links and brokers, `store` for the disk, `node` for the host) carries them out and reports back with more inputs.
//! Nothing else crosses this line, which is what lets a simulator stand in for the world.

mod link;
mod progress;
mod signal;

pub use link::{BlobTrouble, CloseReason, LinkCommand, LinkEvent, LinkPurpose, SessionParams, Setup};
pub use progress::{BlobState, JoinState};
pub use signal::{BrokerTrouble, SignalCommand, SignalEvent, SignalKind};

use crate::ids::{
    BlobHash, BrokerUrl, CommandId, DeviceId, EntryHash, InviteId, LinkId, LogId, LogKey, RoomId, Ticket,
};
use crate::rooms::{DevicesView, InviteTerms, RoomView};
use crate::time::{Hlc, UnixMillis};
use crate::wire::{Act, Entry, Picture, RoomBody, Text};
use crate::wire::{InviteLink, SPOKEN_BYTES};

/// What the shell tells the engine.
#[derive(Clone, Debug)]
pub enum Input {
    /// The host wants something; answered by exactly one [`Output::Reply`] with the same id.
    Command(CommandId, Command),
    /// Something happened to a link.
    Link(LinkId, LinkEvent),
    /// Something happened at a broker.
    Signal(SignalEvent),
    /// The store answers.
    Stored(Stored),
    /// The instant given by `Engine::next_timeout` has come. Early or late ones are harmless.
    Timeout,
}

/// What the engine wants done.
#[derive(Clone, Debug)]
pub enum Output {
    /// For the link layer.
    Link(LinkId, LinkCommand),
    /// For the brokers.
    Signal(SignalCommand),
    /// For the store: all of it in one transaction, answered by [`Stored::Committed`] or [`Stored::Failed`].
    Persist(Ticket, Vec<Op>),
    /// For the store: a read, answered by the matching [`Stored`].
    Fetch(Fetch),
    /// For the host: the answer to a command.
    Reply(CommandId, Result<Reply, Refusal>),
    /// For the host: something changed.
    Notify(Notify),
}

/// What a host can ask for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Found a room with this device as its creator.
    CreateRoom {
        /// The room's name, up to 64 graphemes.
        name: String,
    },
    /// Write an INVITE into the room's log and hand its link back.
    CreateInvite {
        /// The room.
        room: RoomId,
        /// Uses, expiry, approval.
        terms: InviteTerms,
    },
    /// The same with a seed that the host stretched from the luck in eight words, so that it can be said aloud.
    CreateSpokenInvite {
        /// The room.
        room: RoomId,
        /// Uses, expiry, approval.
        terms: InviteTerms,
        /// The luck in the words: kept with the link to show them again.
        luck: [u8; SPOKEN_BYTES],
        /// What it was stretched to.
        seed: [u8; 32],
    },
    /// Withdraw an invite.
    RevokeInvite {
        /// The room.
        room: RoomId,
        /// The invite.
        invite: InviteId,
    },
    /// Knock at an invite's rendezvous until a member admits this device, the invite proves void or `CancelJoin`.
    Join {
        /// The parsed invite.
        invite: InviteLink,
    },
    /// Ask which room a spoken invite opens until a member tells or `CancelAsk`, then knock as by `Join`. Told of in
    /// [`Notify::Ask`]; not written down: after a restart the words are to be said again.
    Ask {
        /// What the words were stretched to.
        seed: [u8; 32],
    },
    /// Stop asking.
    CancelAsk {
        /// The public half of the invite.
        invite: InviteId,
    },
    /// Make a code by which another device of this person can be linked; the one before it works no longer.
    LinkDevice,
    /// Become a device of whoever made the code: only one that is in no room.
    Link {
        /// The parsed code.
        code: InviteLink,
    },
    /// Stop waiting to be linked.
    CancelLink,
    /// Link a device that came with the code.
    AdmitDevice {
        /// Who came.
        device: DeviceId,
    },
    /// Turn it away.
    DeclineDevice {
        /// Who came.
        device: DeviceId,
    },
    /// Take a device of this person out of every room that it shares with this one.
    Unlink {
        /// Which.
        device: DeviceId,
    },
    /// Stop knocking.
    CancelJoin {
        /// The room that the invite named.
        room: RoomId,
    },
    /// Admit a device that knocked with an invite which asks for approval.
    Admit {
        /// The room.
        room: RoomId,
        /// Who knocked.
        device: DeviceId,
    },
    /// Turn a device that knocked away.
    Decline {
        /// The room.
        room: RoomId,
        /// Who knocked.
        device: DeviceId,
    },
    /// Say something.
    SendText {
        /// The room.
        room: RoomId,
        /// The words. How long they live is the room's to say.
        text: Text,
    },
    /// Say something of an earlier entry: edit it, delete it, react to it, pin it.
    About {
        /// The room.
        room: RoomId,
        /// The entry.
        target: EntryHash,
        /// What.
        act: Act,
    },
    /// Take a member out of the room.
    Remove {
        /// The room.
        room: RoomId,
        /// Who.
        device: DeviceId,
    },
    /// Make a member a guest, a member or an admin.
    SetRole {
        /// The room.
        room: RoomId,
        /// Who.
        device: DeviceId,
        /// What they are from here on.
        role: Role,
    },
    /// Change the room's name or manners.
    SetRoom {
        /// The room.
        room: RoomId,
        /// What changes.
        change: RoomBody,
    },
    /// A person is typing: whoever is linked is told, at most every 3 s.
    Typing {
        /// The room.
        room: RoomId,
    },
    /// Offer a picture whose bytes the blob store already holds.
    SendPicture {
        /// The room.
        room: RoomId,
        /// What it is.
        picture: Picture,
    },
    /// Fetch a blob that an entry of the room offers, from whoever has it.
    FetchBlob {
        /// The room.
        room: RoomId,
        /// The content.
        blob: BlobHash,
        /// Its length in bytes, as offered.
        size: u64,
    },
    /// Change this device's name and picture in every room.
    SetProfile {
        /// What others shall see.
        profile: Profile,
    },
    /// All up to here has been seen by a person.
    MarkRead {
        /// The room.
        room: RoomId,
        /// The last entry on the screen.
        upto: OrderKey,
    },
    /// Whether others are told how far this person has read; they are until this says otherwise.
    SetReceipts {
        /// From here on.
        told: bool,
    },
    /// Write LEAVE, tell whoever is linked, forget the room once told or after 5 s.
    LeaveRoom {
        /// The room.
        room: RoomId,
    },
    /// Take in entries out of a room's file, as if a peer had sent them: at most `wire::limits::IMPORT_ENTRIES`, in the
    /// room's order. A room that was never here begins with its GENESIS, and this device is not in it.
    Import {
        /// The room.
        room: RoomId,
        /// The entries.
        entries: Vec<Entry>,
        /// Of logs that were written twice: the first entries of their branches, of which the entries before are here.
        branches: Vec<Entry>,
    },
    /// The brokers this device uses by default, and the URLs under which others reach its embedded one.
    SetBrokers {
        /// Brokers to claim addresses at.
        use_: Vec<BrokerUrl>,
        /// What invites and the member directory shall name.
        announce: Vec<BrokerUrl>,
    },
    /// The device's addresses changed or it woke up: check every link at once.
    NetworkChanged,
    /// Say goodbye on every link and release every address.
    Shutdown,
}

/// What a command brought.
#[derive(Clone, Debug)]
pub enum Reply {
    /// It is done, and on disk if it was to be.
    Done,
    /// The room exists.
    Room(RoomId),
    /// The invite exists.
    Invite(InviteLink),
    /// The message is on this device's disk.
    Sent(EntryHash),
    /// What can be taken of an import is on this device's disk.
    Imported {
        /// Entries that were not here.
        new: u32,
        /// Entries that were.
        known: u32,
        /// Entries whose causes are not here, or whose author or log this device does not take.
        held_back: u32,
    },
}

/// Why a command was refused. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such room on this device.
    #[error("no such room")]
    NoSuchRoom,
    /// This device is already in the room.
    #[error("already a member")]
    AlreadyMember,
    /// This device is in rooms: only one that is in none can become another's.
    #[error("this device is in rooms already")]
    HasRooms,
    /// This device is not (or no longer) a member.
    #[error("not a member")]
    NotAMember,
    /// The role does not allow it.
    #[error("the role does not allow it")]
    NotAllowed,
    /// Nobody of that name is knocking.
    #[error("nobody of that name is waiting")]
    NobodyWaiting,
    /// No such invite.
    #[error("no such invite")]
    NoSuchInvite,
    /// No member of that name.
    #[error("no such member")]
    NoSuchMember,
    /// No such entry in the room, or not one that this can be said of.
    #[error("no such message")]
    NoSuchEntry,
    /// Empty where something must be.
    #[error("empty")]
    Empty,
    /// Longer than the limit.
    #[error("too long")]
    TooLong,
    /// Characters that a name may not have.
    #[error("not a usable name")]
    BadName,
    /// Not one emoji.
    #[error("not an emoji")]
    NotAnEmoji,
    /// Mentions that do not stand in the text.
    #[error("a mention is not in the text")]
    BadMention,
    /// A limit of the device: rooms, invites, joins, commands in flight.
    #[error("too many")]
    TooMany,
    /// The disk did not take it.
    #[error("could not be saved")]
    NotSaved(StoreTrouble),
    /// The invite's date has passed.
    #[error("the invite has expired")]
    InviteExpired,
    /// An entry of an import does not verify, or belongs to another room.
    #[error("an entry does not verify")]
    BadEntry,
    /// The engine is shutting down.
    #[error("shutting down")]
    ShuttingDown,
}

/// What a member may do. Each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads, writes, reacts and pins.
    Guest,
    /// Also invites with approval.
    Member,
    /// Also invites without, admits, removes, names roles, deletes what others said, changes the room.
    Admin,
    /// Founded the room; an admin who cannot be removed.
    Creator,
}

/// What a person shows of themselves.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Profile {
    /// Up to 64 graphemes, no control characters.
    pub name: String,
    /// PNG, JPEG or WebP of at most 16 KiB; none = initials on the key's colour.
    pub avatar: Option<Vec<u8>>,
}

// ---------------------------------------------------------------- store

/// Where an entry stands among all of its room: effective clock first, then author and hash, so that every member
/// shows the same order and causes stand before effects.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OrderKey {
    /// The entry's clock, raised above those of its causal parents if it claimed less.
    pub clock: Hlc,
    /// Who signed.
    pub author: DeviceId,
    /// The entry.
    pub hash: EntryHash,
}

/// An entry as it lies on disk: the exact signed bytes, and what the engine derived from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// The room.
    pub room: RoomId,
    /// The log.
    pub log: LogKey,
    /// 1 for the first entry of a log.
    pub seq: u64,
    /// Order in the room; holds hash, author and clock.
    pub order: OrderKey,
    /// Entry kind, see `wire::kind`.
    pub kind: u16,
    /// Header bytes exactly as signed.
    pub header: Vec<u8>,
    /// Ed25519 signature.
    pub signature: [u8; 64],
    /// The commitment's salt.
    pub salt: [u8; 16],
    /// The payload; none once deleted.
    pub payload: Option<Vec<u8>>,
    /// Blobs that the payload offers.
    pub blobs: Vec<BlobHash>,
    /// The entry that it says something of (EDIT, DELETE, REACTION, PIN).
    pub target: Option<EntryHash>,
    /// What a search finds it by.
    pub words: Option<String>,
    /// When its payload is to be erased.
    pub expires: Option<UnixMillis>,
    /// When this device first had it.
    pub first_seen: UnixMillis,
    /// The time to show: the author's claim, clamped to [latest parent shown, first seen + 5 min].
    pub shown: UnixMillis,
}

/// One write. A `Persist` holds several, and all or none happen.
#[expect(clippy::large_enum_variant, reason = "nearly all are entries: a box for each would save nothing")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A room this device is a member of, or knocks at.
    PutRoom {
        /// The room.
        room: RoomId,
        /// Member, knocking or gone.
        standing: Standing,
        /// Brokers named by invites and members, at most 8.
        brokers: Vec<BrokerUrl>,
        /// While knocking: the invite, so that a restart goes on.
        invite: Option<InviteLink>,
    },
    /// The secret of an epoch.
    PutEpoch {
        /// The room.
        room: RoomId,
        /// 1 for the first.
        epoch: u32,
        /// 32 bytes of key.
        key: [u8; 32],
    },
    /// An entry that was verified. Writing the same again changes nothing. An EDIT of an erased entry by the same author
    /// is written without its payload.
    PutEntry(StoredEntry),
    /// The payload of an entry goes for good, and those of its author's EDITs of it: bytes, salt, words, offers. The headers
    /// stay, so that the chain verifies. Only what was spoken (`wire::kind::SPOKEN`) can be erased: of anything else, and of
    /// what is not there, nothing happens.
    Erase {
        /// The room.
        room: RoomId,
        /// The entry.
        target: EntryHash,
    },
    /// A log was written twice at a place: what of it is here from there on is filed in the branch that it begins, and
    /// nothing more is written in the log. What others said they hold of it goes only as far as the log still does.
    Split {
        /// The room.
        room: RoomId,
        /// The log.
        log: LogKey,
        /// The place.
        at: u64,
        /// The entry that lies at it on this disk, one of the branches' first.
        ours: Option<EntryHash>,
        /// The branches that were not known before.
        branches: Vec<Branch>,
    },
    /// This device writes in another log from here on, in all rooms: one of its own was written twice.
    PutLog(LogId),
    /// The entries that no other entry names as parent or predecessor.
    PutFrontier {
        /// The room.
        room: RoomId,
        /// Their hashes, at most 1,024.
        frontier: Vec<EntryHash>,
    },
    /// A member told us how much of a log it holds.
    PutHeld {
        /// The room.
        room: RoomId,
        /// The member.
        holder: DeviceId,
        /// The log.
        log: LogKey,
        /// Everything up to here.
        seq: u64,
    },
    /// This device's own reading mark.
    PutRead {
        /// The room.
        room: RoomId,
        /// All up to here is read.
        upto: OrderKey,
    },
    /// The link of an invite made on this device, to show it again.
    PutInvite {
        /// The room.
        room: RoomId,
        /// The link.
        link: InviteLink,
    },
    /// What this device shows of itself.
    PutProfile(Profile),
    /// In which room this person's devices meet.
    PutCircle(RoomId),
    /// Everything of a room, for good.
    ForgetRoom(RoomId),
}

/// How this device stands to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In.
    Member,
    /// Wants in.
    Knocking,
    /// Left, removed or turned away; the history stays readable.
    Gone,
}

/// One read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// Entries of one log in order, answered by [`Stored::Entries`]: at most `limit`, at most 256 KiB.
    Entries {
        /// To match the answer.
        ticket: Ticket,
        /// The room.
        room: RoomId,
        /// The log.
        log: LogKey,
        /// First sequence wanted.
        from: u64,
        /// Last sequence wanted.
        to: u64,
        /// At most so many.
        limit: usize,
    },
    /// Which of these entries are on disk, answered by [`Stored::Known`].
    Lookup {
        /// To match the answer.
        ticket: Ticket,
        /// The room.
        room: RoomId,
        /// At most 17 hashes.
        hashes: Vec<EntryHash>,
    },
    /// What has expired and is not erased yet, answered by [`Stored::Expired`]: the first 256 of all rooms.
    Expired {
        /// To match the answer.
        ticket: Ticket,
        /// Everything that expires by then.
        by: UnixMillis,
    },
    /// Which rooms have an entry that offers the blob, answered by [`Stored::BlobRooms`].
    BlobRooms {
        /// To match the answer.
        ticket: Ticket,
        /// The content.
        blob: BlobHash,
    },
}

/// The store's answers.
#[derive(Clone, Debug)]
pub enum Stored {
    /// The transaction is durable (fsynced).
    Committed(Ticket),
    /// Nothing of it happened.
    Failed(Ticket, StoreTrouble),
    /// To [`Fetch::Entries`].
    Entries(Ticket, Vec<StoredEntry>),
    /// To [`Fetch::Lookup`]: those that are there.
    Known(Ticket, Vec<Found>),
    /// To [`Fetch::Expired`]: what has, in the order of its expiry, and when the next one after these does.
    Expired(Ticket, Vec<(RoomId, EntryHash)>, Option<UnixMillis>),
    /// To [`Fetch::BlobRooms`]: the rooms, and whether the whole content is on this disk.
    BlobRooms(Ticket, Vec<RoomId>, bool),
}

/// The first entry of a branch: one of at least two that one author signed for one place in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The log that was written twice.
    pub log: LogKey,
    /// The place, which each branch begins with.
    pub at: u64,
    /// The entry; what `messages::branches::branch` names the branch after.
    pub first: EntryHash,
    /// Its header, exactly as signed.
    pub header: Vec<u8>,
    /// Its signature.
    pub signature: [u8; 64],
}

/// An entry that was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it stands, and who wrote it.
    pub order: OrderKey,
    /// Its shown time.
    pub shown: UnixMillis,
    /// The log that it is filed in.
    pub log: LogKey,
    /// Its place there.
    pub seq: u64,
    /// Its kind.
    pub kind: u16,
    /// Whether its payload is here.
    pub whole: bool,
}

/// Why the store could not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreTrouble {
    /// No space left.
    DiskFull,
    /// Another process holds the database.
    Locked,
    /// The file is damaged.
    Damaged,
    /// Any other IO error.
    Failed,
}

/// Everything the engine must know to go on after a start.
#[derive(Clone, Debug)]
pub struct Boot {
    /// Ed25519 secret key seed.
    pub secret: [u8; 32],
    /// This install's log.
    pub log: LogId,
    /// What this device shows of itself.
    pub profile: Profile,
    /// All rooms.
    pub rooms: Vec<BootRoom>,
    /// See [`Op::PutCircle`]; it may name a room that is gone.
    pub circle: Option<RoomId>,
}

/// One room at start.
#[derive(Clone, Debug)]
pub struct BootRoom {
    /// The room.
    pub room: RoomId,
    /// Member, knocking or gone.
    pub standing: Standing,
    /// Known brokers.
    pub brokers: Vec<BrokerUrl>,
    /// While knocking.
    pub invite: Option<InviteLink>,
    /// Epoch keys, ascending.
    pub epochs: Vec<(u32, [u8; 32])>,
    /// The last entry of each log.
    pub heads: Vec<StoredEntry>,
    /// See [`Op::Split`]; in the order of log, place and hash.
    pub branches: Vec<Branch>,
    /// See [`Op::PutFrontier`], with each entry's order and shown time.
    pub frontier: Vec<(OrderKey, UnixMillis)>,
    /// All membership entries (kind below `wire::kind::FIRST_MESSAGE`), and of PROFILE and RECEIPT the last of each author; in order.
    pub state: Vec<StoredEntry>,
    /// See [`Op::PutHeld`].
    pub held: Vec<(DeviceId, LogKey, u64)>,
    /// See [`Op::PutRead`].
    pub read: Option<OrderKey>,
    /// Links of invites made here.
    pub invites: Vec<InviteLink>,
}

// ---------------------------------------------------------------- host

/// What changed, for the host.
#[derive(Clone, Debug)]
pub enum Notify {
    /// Members, names, roles, invites, requests, presence: the room as it is now.
    Room(Box<RoomView>),
    /// The room is no longer on this device.
    RoomForgotten(RoomId),
    /// A new entry is on disk. `live` when it was written while this device was linked, which is when it may ring.
    Entry {
        /// The entry, with payload.
        entry: Box<StoredEntry>,
        /// Whether to notify.
        live: bool,
    },
    /// The payloads of these entries are gone from this disk: deleted, or expired.
    Erased {
        /// The room.
        room: RoomId,
        /// Which. EDITs that went with them are not named.
        entries: Vec<EntryHash>,
    },
    /// A member is typing; it ends by itself after 6 s.
    Typing {
        /// The room.
        room: RoomId,
        /// Who.
        device: DeviceId,
    },
    /// A member holds a log up to here.
    Held {
        /// The room.
        room: RoomId,
        /// The member.
        holder: DeviceId,
        /// The log.
        log: LogKey,
        /// Up to here.
        seq: u64,
    },
    /// A member has read up to here.
    Read {
        /// The room.
        room: RoomId,
        /// The member.
        reader: DeviceId,
        /// Up to here.
        upto: OrderKey,
    },
    /// A knock came to an end.
    Join {
        /// The room.
        room: RoomId,
        /// How it stands.
        state: JoinState,
    },
    /// How far this device is with the words of a spoken invite.
    Ask {
        /// The public half of the invite.
        invite: InviteId,
        /// How it stands.
        state: JoinState,
    },
    /// The words lead into this room; how it goes on is told of in `Join`.
    Found {
        /// The public half of the invite.
        invite: InviteId,
        /// The room.
        room: RoomId,
        /// Its name, by the word of a member.
        room_name: String,
    },
    /// The devices of this person, and who wants to become one.
    Devices(Box<DevicesView>),
    /// How far this device is on its way to become another's.
    Linking(JoinState),
    /// Another device of this person has changed their name or picture: this device shows the same.
    Profile(Profile),
    /// A blob's transfer moved.
    Blob {
        /// The content.
        blob: BlobHash,
        /// How far.
        state: BlobState,
    },
    /// A broker's state changed.
    Broker {
        /// Which.
        broker: BrokerUrl,
        /// None = at least one address is held there.
        trouble: Option<BrokerTrouble>,
    },
    /// A peer broke a rule; for the log and the doctor, never a secret in it.
    PeerMisbehaved {
        /// Who, if it was authenticated.
        peer: Option<DeviceId>,
        /// Which rule.
        rule: &'static str,
    },
    /// The store failed a write that no command waits for.
    StoreTrouble(StoreTrouble),
}
