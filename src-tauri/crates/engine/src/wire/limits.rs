//! Every limit of the wire, by name. What is over one is refused, never truncated.

use std::time::Duration;

/// Largest frame on a chat link, in bytes: what one data-channel message carries well (WebRTC implementations differ above).
pub const FRAME_BYTES: usize = 64 * 1024;
/// Bytes a link may say before its AUTH is accepted.
pub const PRE_AUTH_BYTES: usize = 4 * 1024;
/// Largest entry payload, in bytes.
pub const PAYLOAD_BYTES: usize = 32 * 1024;
/// Largest entry header, in bytes: 16 parents of 32 bytes and the fixed fields fit in 900.
pub const HEADER_BYTES: usize = 1024;
/// Causal parents of an entry, besides its predecessor.
pub const PARENTS: usize = 16;
/// Graphemes in a name.
pub const NAME_GRAPHEMES: usize = 64;
/// Bytes of a room's description.
pub const ABOUT_BYTES: usize = 1024;
/// Bytes of an avatar.
pub const AVATAR_BYTES: usize = 16 * 1024;
/// Bytes of a text.
pub const TEXT_BYTES: usize = 16 * 1024;
/// Members named in a text.
pub const MENTIONS: usize = 32;
/// Bytes of a reaction: families and flags are long.
pub const EMOJI_BYTES: usize = 64;
/// Longest life of a message that disappears, in seconds: a year.
pub const LIVES_SECONDS: u32 = 365 * 24 * 3600;
/// Bytes of a picture's preview.
pub const PREVIEW_BYTES: usize = 16 * 1024;
/// Bytes of a file name.
pub const FILE_NAME_BYTES: usize = 240;
/// Bytes of a picture.
pub const PICTURE_BYTES: u64 = 25 * 1024 * 1024;
/// Pixels along a picture's side.
pub const PICTURE_SIDE: u32 = 8192;
/// Brokers that a room or an invite names.
pub const BROKERS: usize = 8;
/// Bytes of a broker's URL.
pub const BROKER_URL_BYTES: usize = 256;
/// Bytes of a sealed envelope.
pub const ENVELOPE_BYTES: usize = 8 * 1024;
/// Envelopes are padded to a multiple of this, so that their length tells nothing.
pub const ENVELOPE_PADDING: usize = 512;
/// ICE candidates of one side.
pub const CANDIDATES: usize = 16;
/// Bytes of one candidate line.
pub const CANDIDATE_BYTES: usize = 256;
/// Bytes queued towards one peer before pushes stop (it catches up by WANT later).
pub const QUEUED_BYTES_PER_PEER: usize = 1024 * 1024;
/// Entries that one peer may send in a second, sustained.
pub const ENTRIES_PER_SECOND: u32 = 20;
/// Unrequested entries that one peer may send in a burst.
pub const ENTRIES_BURST: u32 = 200;
/// Entries of one author that wait for their causes.
pub const PENDING_PER_AUTHOR: usize = 1000;
/// Bytes of waiting entries in a room.
pub const PENDING_BYTES_PER_ROOM: usize = 32 * 1024 * 1024;
/// Entries asked for in one WANT.
pub const WANT_ENTRIES: u64 = 256;
/// Logs in one HAVE frame.
pub const HAVE_LOGS: usize = 512;
/// Logs in a room: members, and their restored copies.
pub const LOGS_PER_ROOM: usize = 4096;
/// Branches of one author's logs in a room: who forks without end is not followed.
pub const BRANCHES_PER_AUTHOR: usize = 16;
/// Proofs of forks that wait in a room until what they follow is here.
pub const FORKS_WAITING: usize = 64;
/// Logs of its own in a room that a device gives up while it runs, since somebody said to hold more of them than it does:
/// who says so falsely makes it write in another log, and no more than this often.
pub const LOGS_GIVEN_UP: usize = 8;
/// Spoken invites that this device asks about at one time.
pub const ASKS: usize = 8;
/// How often in a minute a device tells of its rooms to who has an invite's words: beyond, an ASK goes unheard and is said
/// again later, or at another member's door.
pub const TOLD_PER_MINUTE: u32 = 60;
/// Rooms on one device.
pub const ROOMS: usize = 256;
/// Members of a room.
pub const MEMBERS: usize = 1024;
/// Devices of one person in a room.
pub const DEVICES_PER_PERSON: usize = 8;
/// Membership entries of one author that count.
pub const OPS_PER_AUTHOR: u64 = 4096;
/// Logs that one REMOVE closes: of the device that it names, and as many of the other devices of that person.
pub const REMOVE_LOGS: usize = 256;
/// Epochs of a room that are kept.
pub const EPOCHS: usize = 64;
/// Invites that work at one time in a room.
pub const INVITES_PER_ROOM: usize = 64;
/// Devices that wait for approval in a room.
pub const REQUESTS_PER_ROOM: usize = 64;
/// Half-open links to one peer.
pub const HALF_OPEN_PER_PEER: usize = 2;
/// Half-open links in all.
pub const HALF_OPEN: usize = 16;
/// Of these, offers of our own: the rest is for answers, so that a room where everyone offers to everyone never stands
/// still.
pub const HALF_OPEN_OFFERS: usize = HALF_OPEN / 2;
/// Of these, answers to knocks: strangers must not keep members out.
pub const HALF_OPEN_KNOCKS: usize = HALF_OPEN / 4;
/// Offers that wait until there is room to answer them, one of a device.
pub const HELD_OFFERS: usize = 64;
/// Of these, knocks.
pub const HELD_KNOCKS: usize = HELD_OFFERS / 2;
/// How long a link may take from offer to AUTH.
pub const LINK_SETUP: Duration = Duration::from_secs(20);
/// How long AUTH may take once the channel is open.
pub const AUTH_WAIT: Duration = Duration::from_secs(10);
/// Silence after which a PING goes out.
pub const PING_AFTER: Duration = Duration::from_secs(15);
/// Silence after which a link is dead.
pub const DEAD_AFTER: Duration = Duration::from_secs(45);
/// Live links with devices that are in none of our rooms and do not wait for approval; the oldest gives way.
pub const STRANGERS: usize = 16;
/// Links that are up at one time.
pub const LINKS: usize = 64;
/// Commands that wait for their commit in a room.
pub const COMMANDS_IN_FLIGHT: usize = 256;
/// Entries that one import of a file hands over at a time.
pub const IMPORT_ENTRIES: usize = 256;
/// Blobs being fetched or waited for.
pub const BLOB_FETCHES: usize = 256;
/// Longest life of a code that links a device.
pub const LINK_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// Longest life of an invite.
pub const INVITE_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);
