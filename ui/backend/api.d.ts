// Generated from src-tauri/crates/node/src/api by `NATTER_REGENERATE=1 cargo test -p natter-node generated`; do not edit.

/**
 * Why a command was refused. The UI shows its own words by `code`; `message` is for the CLI and for logs.
 */
export type ApiError = { 
/**
 * What kind.
 */
code: Code, 
/**
 * One plain sentence: what happened, and what to do.
 */
message: string, };

/**
 * A blob whose transfer moved.
 */
export type BlobView = { 
/**
 * Content id.
 */
blob: string, 
/**
 * How it stands.
 */
transfer: Transfer, };

/**
 * A broker.
 */
export type BrokerState = { 
/**
 * Base URL.
 */
url: string, 
/**
 * Whether it is this app's own.
 */
own: boolean, 
/**
 * Whether it was set by the person (else named by a room).
 */
configured: boolean, 
/**
 * Whether an address is held there.
 */
up: boolean, 
/**
 * Why not; absent while it is being connected to.
 */
trouble: BrokerTrouble | null, };

/**
 * Why a broker is of no use right now. All but `noPort` are tried again by themselves.
 */
export type BrokerTrouble = "unreachable" | "full" | "badKey" | "misbehaving" | "closed" | "noPort";

/**
 * What changed. Each is a whole new value of something, never a patch inside it.
 */
export type Change = { "type": "phase", 
/**
 * Now.
 */
phase: Phase, } | { "type": "me", 
/**
 * Now.
 */
me: Me, } | { "type": "room", 
/**
 * Now.
 */
room: Room, } | { "type": "roomRemoved", 
/**
 * Room id.
 */
room: string, } | { "type": "message", 
/**
 * Room id.
 */
room: string, 
/**
 * Now.
 */
message: Message, } | { "type": "delivery", 
/**
 * Room id.
 */
room: string, 
/**
 * By message id.
 */
delivery: { [key in string]: Delivery }, } | { "type": "typing", 
/**
 * Room id.
 */
room: string, 
/**
 * Device id.
 */
device: string, } | { "type": "reread", 
/**
 * Room id.
 */
room: string, } | { "type": "privacy", 
/**
 * Now.
 */
privacy: Privacy, } | { "type": "join", 
/**
 * Now.
 */
join: Join, } | { "type": "devices", 
/**
 * Now.
 */
devices: Devices, } | { "type": "blob", 
/**
 * Now.
 */
blob: BlobView, } | { "type": "network", 
/**
 * Now.
 */
network: Network, } | { "type": "ring", 
/**
 * Room id.
 */
room: string, 
/**
 * Room name.
 */
roomName: string, 
/**
 * Message id; absent when it is about a knock.
 */
message: string | null, 
/**
 * Sender's or newcomer's name.
 */
name: string, 
/**
 * One line of it; empty for a knock.
 */
text: string, } | { "type": "trouble", 
/**
 * What.
 */
error: ApiError, };

/**
 * The kinds of refusal. Stable: bots match on them.
 */
export type Code = "badRequest" | "notSetUp" | "locked" | "alreadySetUp" | "wrongPassphrase" | "weakPassphrase" | "noKeychain" | "noSuchRoom" | "noSuchMessage" | "noSuchInvite" | "noSuchStaged" | "alreadyMember" | "hasRooms" | "notAMember" | "notAllowed" | "nobodyWaiting" | "noSuchMember" | "notACode" | "codeWrong" | "notAnEmoji" | "badMention" | "inviteNotNatter" | "otherCode" | "inviteCut" | "inviteWords" | "inviteTooNew" | "inviteExpired" | "inviteUsedUp" | "empty" | "tooLong" | "badName" | "tooMany" | "notAPicture" | "pictureTooLarge" | "badBroker" | "diskFull" | "databaseLocked" | "databaseDamaged" | "databaseTooNew" | "diskFailed" | "transferFailed" | "notNatterFile" | "fileDamaged" | "fileTooNew" | "profileNotEmpty" | "shuttingDown" | "internal";

/**
 * A command. Ids are lower-case hexadecimal strings; times are milliseconds since 1970 UTC.
 */
export type Command = { "type": "snapshot" } | { "type": "setup", 
/**
 * 1 to 64 graphemes.
 */
name: string, 
/**
 * Keychain, passphrase or, in words, nothing.
 */
protection: Protection, } | { "type": "unlock", 
/**
 * The passphrase.
 */
passphrase: string, } | { "type": "reopen" } | { "type": "createRoom", 
/**
 * 1 to 64 graphemes.
 */
name: string, } | { "type": "createInvite", 
/**
 * Room id.
 */
room: string, 
/**
 * How many may use it; 0 = no limit. Default 1.
 */
uses?: number, 
/**
 * How long it lives. Default 7 days, at most 365.
 */
lifetimeSeconds?: number, 
/**
 * Whether somebody must approve each newcomer. Default true.
 */
approval?: boolean, 
/**
 * What whoever comes in by it is: `guest` or `member`. Default `member`.
 */
role?: Role, } | { "type": "revokeInvite", 
/**
 * Room id.
 */
room: string, 
/**
 * Invite id.
 */
invite: string, } | { "type": "readInvite", 
/**
 * What the person pasted; surrounding words are tolerated.
 */
text: string, } | { "type": "join", 
/**
 * The invite link, or its eight words.
 */
link: string, } | { "type": "cancelJoin", 
/**
 * Room id.
 */
room: string, } | { "type": "admit", 
/**
 * Room id.
 */
room: string, 
/**
 * Device id.
 */
device: string, } | { "type": "decline", 
/**
 * Room id.
 */
room: string, 
/**
 * Device id.
 */
device: string, } | { "type": "removeMember", 
/**
 * Room id.
 */
room: string, 
/**
 * Device id.
 */
device: string, } | { "type": "setRole", 
/**
 * Room id.
 */
room: string, 
/**
 * Device id.
 */
device: string, 
/**
 * What they are from here on; not `creator`.
 */
role: Role, } | { "type": "setRoom", 
/**
 * Room id.
 */
room: string, 
/**
 * 1 to 64 graphemes.
 */
name?: string | null, 
/**
 * What it is for, at most 1,024 bytes; may be empty.
 */
about?: string | null, 
/**
 * How many seconds new messages live before they disappear, at most a year; 0 = they stay.
 */
lives?: number | null, } | { "type": "safety", 
/**
 * Device id.
 */
device: string, } | { "type": "verify", 
/**
 * What was scanned or pasted: `natter://verify#…`, or the sixty digits for `device`.
 */
code: string, 
/**
 * Whom the sixty digits are for.
 */
device?: string | null, } | { "type": "setVerified", 
/**
 * Device id.
 */
device: string, 
/**
 * Whether they have.
 */
on: boolean, } | { "type": "setBlocked", 
/**
 * Device id.
 */
device: string, 
/**
 * Whether they are blocked.
 */
on: boolean, } | { "type": "setPrivacy", 
/**
 * How far they have read.
 */
receipts: boolean, 
/**
 * That they are typing.
 */
typing: boolean, } | { "type": "sendText", 
/**
 * Room id.
 */
room: string, 
/**
 * 1 to 16,384 bytes.
 */
text: string, 
/**
 * Members named in it, in the order of the text, at most 32.
 */
mentions?: Array<Mention>, 
/**
 * Message id that it answers.
 */
replyTo?: string | null, } | { "type": "sendPicture", 
/**
 * Room id.
 */
room: string, 
/**
 * The staged id.
 */
staged: string, 
/**
 * Words with it.
 */
caption?: string, 
/**
 * Message id that it answers.
 */
replyTo?: string | null, } | { "type": "editMessage", 
/**
 * Room id.
 */
room: string, 
/**
 * Message id.
 */
message: string, 
/**
 * 1 to 16,384 bytes.
 */
text: string, 
/**
 * Members named in it.
 */
mentions?: Array<Mention>, } | { "type": "deleteMessage", 
/**
 * Room id.
 */
room: string, 
/**
 * Message id.
 */
message: string, } | { "type": "react", 
/**
 * Room id.
 */
room: string, 
/**
 * Message id.
 */
message: string, 
/**
 * One emoji.
 */
emoji: string, 
/**
 * Put on or take off. Default true.
 */
on?: boolean, } | { "type": "pinMessage", 
/**
 * Room id.
 */
room: string, 
/**
 * Message id.
 */
message: string, 
/**
 * Pin or unpin. Default true.
 */
on?: boolean, } | { "type": "typing", 
/**
 * Room id.
 */
room: string, } | { "type": "edits", 
/**
 * Room id.
 */
room: string, 
/**
 * Message id.
 */
message: string, } | { "type": "pinned", 
/**
 * Room id.
 */
room: string, } | { "type": "search", 
/**
 * Words: all must occur, each may be the beginning of a longer one. At most 256 bytes.
 */
query: string, 
/**
 * Only in this room.
 */
room?: string | null, 
/**
 * Only of this author.
 */
author?: string | null, 
/**
 * What the last reply named as `next`, to go on.
 */
next?: string | null, 
/**
 * At most so many, 1 to 100. Default 50.
 */
limit?: number, } | { "type": "at", 
/**
 * Room id.
 */
room: string, 
/**
 * Milliseconds since 1970 UTC.
 */
time: number, } | { "type": "setDraft", 
/**
 * Room id.
 */
room: string, 
/**
 * The words.
 */
text: string, } | { "type": "unstage", 
/**
 * The staged id.
 */
staged: string, } | { "type": "timeline", 
/**
 * Room id.
 */
room: string, 
/**
 * Only messages that stand before this message id.
 */
before?: string | null, 
/**
 * Only messages that stand after this message id.
 */
after?: string | null, 
/**
 * This message and its neighbours on both sides.
 */
around?: string | null, 
/**
 * At most so many, 1 to 200. Default 50.
 */
limit?: number, } | { "type": "fetchBlob", 
/**
 * Room id.
 */
room: string, 
/**
 * Message id that offers it.
 */
message: string, } | { "type": "markRead", 
/**
 * Room id.
 */
room: string, 
/**
 * Message id.
 */
message: string, } | { "type": "setProfile", 
/**
 * 1 to 64 graphemes.
 */
name: string, 
/**
 * A staged picture to use as avatar; `null` removes it, absent keeps it.
 */
avatar?: string | null, } | { "type": "linkDevice" } | { "type": "readDeviceCode", 
/**
 * A text with a `natter://link#…` in it.
 */
text: string, } | { "type": "useDeviceCode", 
/**
 * A text with a `natter://link#…` in it.
 */
text: string, } | { "type": "cancelLinking" } | { "type": "admitDevice", 
/**
 * Device id.
 */
device: string, } | { "type": "declineDevice", 
/**
 * Device id.
 */
device: string, } | { "type": "unlinkDevice", 
/**
 * Device id.
 */
device: string, } | { "type": "leaveRoom", 
/**
 * Room id.
 */
room: string, } | { "type": "setBrokers", 
/**
 * `ws://` or `wss://` (or `http(s)://`) base URLs, at most 8.
 */
brokers: Array<string>, } | { "type": "setFocus", 
/**
 * Whether the window has the focus.
 */
focused: boolean, 
/**
 * The room that is open.
 */
room?: string | null, } | { "type": "networkChanged" };

/**
 * How far an own message got.
 */
export type Delivery = { 
/**
 * In a word.
 */
state: DeliveryState, 
/**
 * Members who hold it, without this person.
 */
heldBy: Array<string>, 
/**
 * Members who read it.
 */
readBy: Array<string>, 
/**
 * How many members there are besides this person.
 */
of: number, };

/**
 * How far an own message got, in a word.
 */
export type DeliveryState = "saved" | "heldBySome" | "heldByAll" | "read";

/**
 * A device of this person.
 */
export type Device = { 
/**
 * Public key.
 */
device: string, 
/**
 * Short fingerprint: what tells one from the other.
 */
fingerprint: string, 
/**
 * 0 to 11.
 */
hue: number, 
/**
 * Whether it is this one.
 */
own: boolean, 
/**
 * Reachability.
 */
presence: Presence, 
/**
 * When it was linked.
 */
since: number, };

/**
 * A code by which another device is linked.
 */
export type DeviceCode = { 
/**
 * `natter://link#…`: whoever has it may ask to become a device of this person.
 */
link: string, 
/**
 * Media path of the QR code (SVG made here, black on white).
 */
qr: string, 
/**
 * When it ends.
 */
expires: number, };

/**
 * What a code that links a device says before it is used.
 */
export type DeviceCodePreview = { 
/**
 * What the person calls themselves whose code it is.
 */
name: string, 
/**
 * When it ends.
 */
expires: number, };

/**
 * The devices of this person, and those that want to become one.
 */
export type Devices = { 
/**
 * All that are linked with each other, this one first; empty while this device is linked with no other.
 */
linked: Array<Device>, 
/**
 * Devices that came with the code and wait for a yes.
 */
requests: Array<JoinRequest>, 
/**
 * The code that works now, when it was made here.
 */
code: DeviceCode | null, 
/**
 * How far this device is on its way to be linked with another; absent when it is not.
 */
linking: JoinProgress | null, };

/**
 * One change of the state.
 */
export type Event = { 
/**
 * The revision after it.
 */
rev: number, 
/**
 * What changed.
 */
change: Change, };

/**
 * A message that a search found.
 */
export type Hit = { 
/**
 * Room id.
 */
room: string, 
/**
 * The message as it is shown in its room.
 */
message: Message, };

/**
 * An invite.
 */
export type Invite = { 
/**
 * Invite id.
 */
id: string, 
/**
 * Room id.
 */
room: string, 
/**
 * `natter://join#…`; absent when it was made on another device.
 */
link: string | null, 
/**
 * Eight words that say the same aloud; absent with the link.
 */
words: string | null, 
/**
 * Media path of the QR code (SVG made here, black on white); absent with the link.
 */
qr: string | null, 
/**
 * How many may use it; 0 = no limit.
 */
uses: number, 
/**
 * How many did.
 */
used: number, 
/**
 * When it ends.
 */
expires: number, 
/**
 * Whether a person must approve.
 */
approval: boolean, 
/**
 * What whoever comes in by it is: `guest` or `member`.
 */
role: Role, };

/**
 * What an invite says before joining.
 */
export type InvitePreview = { 
/**
 * Room id.
 */
room: string, 
/**
 * The room's name when the invite was made.
 */
roomName: string, 
/**
 * Brokers that will be asked: their hosts.
 */
brokers: Array<string>, 
/**
 * When it ends.
 */
expires: number, 
/**
 * Whether this device is in the room already.
 */
alreadyMember: boolean, };

/**
 * A knock.
 */
export type Join = { 
/**
 * Room id. While only the words of an invite are known, the invite's id.
 */
room: string, 
/**
 * The invite's word for the room; empty while that is not known.
 */
roomName: string, 
/**
 * How it stands.
 */
progress: JoinProgress, 
/**
 * The id that it had while only the words were known.
 */
asked: string | null, };

/**
 * How a knock stands.
 */
export type JoinProgress = "connecting" | "waitingForMember" | "waitingForApproval" | "admitted" | "declined" | "usedUp" | "expired" | "void" | "cancelled" | "alreadyMember";

/**
 * Somebody who knocks.
 */
export type JoinRequest = { 
/**
 * Public key.
 */
device: string, 
/**
 * What they call themselves.
 */
name: string, 
/**
 * Media path of the avatar.
 */
avatar: string | null, 
/**
 * Short fingerprint, to compare over another channel.
 */
fingerprint: string, 
/**
 * 0 to 11.
 */
hue: number, };

/**
 * This device.
 */
export type Me = { 
/**
 * Public key, 64 hexadecimal digits.
 */
device: string, 
/**
 * Name.
 */
name: string, 
/**
 * Media path of the avatar, relative to the host's media base.
 */
avatar: string | null, 
/**
 * Short fingerprint to compare: four groups of four.
 */
fingerprint: string, 
/**
 * 0 to 11: which of the twelve hues.
 */
hue: number, 
/**
 * Whether the database's key lies unprotected beside it.
 */
unprotected: boolean, };

/**
 * A member: a person, with one or several devices.
 */
export type Member = { 
/**
 * Public key of the device that they came into the room with: it names them here, whichever device they use.
 */
device: string, 
/**
 * How many devices of theirs are in; 0 = they are not.
 */
devices: number, 
/**
 * Name as last signed by one of their devices.
 */
name: string, 
/**
 * Media path of the avatar.
 */
avatar: string | null, 
/**
 * Short fingerprint.
 */
fingerprint: string, 
/**
 * 0 to 11.
 */
hue: number, 
/**
 * Role.
 */
role: Role, 
/**
 * Reachability, of the most reachable of their devices.
 */
presence: Presence, 
/**
 * Whether this is this device's person.
 */
own: boolean, 
/**
 * When they were admitted.
 */
since: number, 
/**
 * Whether this person has compared the safety number with them.
 */
verified: boolean, 
/**
 * Whether this person does not want to see what they say. Only this device knows.
 */
blocked: boolean, 
/**
 * Who was in the room before them (and may have left) under a name that looks the same: device id. It may be the same
 * person with a new device, or somebody else: a name is no proof, a safety number is.
 */
looksLike: string | null, 
/**
 * Whether their key signed two histories, each of which some members saw first: all of it is shown. A machine that was
 * put back to an earlier state does that without meaning to, and so does who tells people different things.
 */
forked: boolean, };

/**
 * A member named in a text.
 */
export type Mention = { 
/**
 * Who.
 */
device: string, 
/**
 * Where in the text, in UTF-16 code units, as JavaScript counts.
 */
start: number, 
/**
 * How many of them stand for the name.
 */
length: number, };

/**
 * A message, with all that was said of it since: its last wording, reactions, whether it is pinned.
 */
export type Message = { 
/**
 * Message id: the entry's hash.
 */
id: string, 
/**
 * Sorts messages of a room, as a string: every member has the same order.
 */
order: string, 
/**
 * Who wrote it: a person, as `Member` names them.
 */
author: string, 
/**
 * Whether this device's person did.
 */
own: boolean, 
/**
 * Whether they did on another of their devices: it can be deleted here, and edited there alone.
 */
elsewhere: boolean, 
/**
 * When, to show; milliseconds since 1970 UTC.
 */
time: number, 
/**
 * What.
 */
body: MessageBody, 
/**
 * The message that it answers.
 */
replyTo: string | null, 
/**
 * When its author last changed the words; absent when they are the first. `edits` reads the earlier ones.
 */
edited: number | null, 
/**
 * Reactions, the first one given first; at most 32 different ones.
 */
reactions: Array<Reaction>, 
/**
 * Whether it is pinned.
 */
pinned: boolean, 
/**
 * When it disappears from every device; absent when it stays.
 */
expires: number | null, 
/**
 * Whether it names this device's person.
 */
namesMe: boolean, 
/**
 * Own messages, written here: how far it got.
 */
delivery: Delivery | null, };

/**
 * What a message says.
 */
export type MessageBody = { "type": "text", 
/**
 * As typed. The subset of Markdown in it is the page's to show.
 */
text: string, 
/**
 * Whom they name.
 */
mentions: Array<Mention>, } | { "type": "picture", 
/**
 * The picture.
 */
picture: Picture, 
/**
 * Words with it, may be empty.
 */
caption: string, } | { "type": "created" } | { "type": "joined", 
/**
 * Who.
 */
device: string, } | { "type": "deviceLinked", 
/**
 * The device's short fingerprint.
 */
fingerprint: string, } | { "type": "deviceUnlinked", 
/**
 * The device's short fingerprint.
 */
fingerprint: string, } | { "type": "left", 
/**
 * Who.
 */
device: string, } | { "type": "removed", 
/**
 * Whom.
 */
device: string, } | { "type": "roleChanged", 
/**
 * Whose role.
 */
device: string, 
/**
 * What they are from here on.
 */
role: Role, } | { "type": "roomChanged", 
/**
 * Its name.
 */
name: string | null, 
/**
 * What it is for.
 */
about: string | null, 
/**
 * How many seconds new messages live; 0 = they stay.
 */
lives: number | null, } | { "type": "deleted", 
/**
 * By whom.
 */
by: string, } | { "type": "expired" } | { "type": "unknown" };

/**
 * Brokers and links.
 */
export type Network = { 
/**
 * Brokers in use.
 */
brokers: Array<BrokerState>, 
/**
 * Links that are up.
 */
links: number, 
/**
 * URLs under which others reach the embedded broker; empty when it is off or has no port.
 */
embedded: Array<string>, };

/**
 * Where the app stands.
 */
export type Phase = "setup" | "locked" | "ready" | "broken";

/**
 * A picture in a message.
 */
export type Picture = { 
/**
 * Content id.
 */
blob: string, 
/**
 * Bytes.
 */
size: number, 
/**
 * MIME type.
 */
mime: string, 
/**
 * Pixels.
 */
width: number, 
/**
 * Pixels.
 */
height: number, 
/**
 * Sanitised file name.
 */
name: string, 
/**
 * The blurred placeholder: a thumbhash in base64, may be empty.
 */
thumbhash: string, 
/**
 * Media path of a small preview that is always here; absent if there is none.
 */
preview: string | null, 
/**
 * Media path of the bytes; they load once `transfer` is `here`.
 */
url: string, 
/**
 * Whether the bytes are here.
 */
transfer: Transfer, };

/**
 * Whether a member can be reached now.
 */
export type Presence = "offline" | "connecting" | "online";

/**
 * What others are told of this person.
 */
export type Privacy = { 
/**
 * How far they have read.
 */
receipts: boolean, 
/**
 * That they are typing.
 */
typing: boolean, };

/**
 * How the database's key is kept.
 */
export type Protection = { "type": "keychain" } | { "type": "passphrase", 
/**
 * At least 8 characters.
 */
passphrase: string, } | { "type": "unprotected" };

/**
 * One sign under a message.
 */
export type Reaction = { 
/**
 * The emoji.
 */
emoji: string, 
/**
 * Who gave it, the first one first.
 */
by: Array<string>, 
/**
 * Whether this device did.
 */
own: boolean, };

/**
 * What a command brought.
 */
export type Reply = { "type": "done" } | { "type": "snapshot", 
/**
 * The state.
 */
snapshot: Snapshot, } | { "type": "room", 
/**
 * Room id.
 */
room: string, } | { "type": "invite", 
/**
 * The invite, with its link.
 */
invite: Invite, } | { "type": "invitePreview", 
/**
 * What it says.
 */
preview: InvitePreview, } | { "type": "spokenInvite", 
/**
 * How far they are understood.
 */
spoken: SpokenInvite, } | { "type": "deviceCode", 
/**
 * The code.
 */
code: DeviceCode, } | { "type": "deviceCodePreview", 
/**
 * What it says.
 */
preview: DeviceCodePreview, } | { "type": "sent", 
/**
 * Message id.
 */
message: string, } | { "type": "staged", 
/**
 * The picture.
 */
staged: Staged, } | { "type": "timeline", 
/**
 * Ascending.
 */
messages: Array<Message>, 
/**
 * Whether older ones exist.
 */
more: boolean, 
/**
 * Whether newer ones exist.
 */
newer: boolean, } | { "type": "messages", 
/**
 * In the order that the command says.
 */
messages: Array<Message>, } | { "type": "edits", 
/**
 * The first wording first, the one that is shown last.
 */
wordings: Array<Wording>, } | { "type": "found", 
/**
 * Newest first.
 */
hits: Array<Hit>, 
/**
 * Goes on from here; absent at the end.
 */
next: string | null, } | { "type": "safety", 
/**
 * Number and code.
 */
safety: Safety, } | { "type": "verified", 
/**
 * Device id.
 */
device: string, } | { "type": "place", 
/**
 * Message id; absent when nothing was written at that time or later.
 */
message: string | null, } | { "type": "imported", 
/**
 * Room id.
 */
room: string, 
/**
 * Entries that were not here: messages, and what was said of them and of the room.
 */
new: number, 
/**
 * Entries that were here already.
 */
known: number, 
/**
 * Entries whose causes are missing, or that this device does not take.
 */
heldBack: number, 
/**
 * Pictures that were not here.
 */
pictures: number, } | { "type": "saved", 
/**
 * Where; only told to the CLI, which named the path itself.
 */
path?: string, };

/**
 * One line from a host: a command and the number that its response will carry.
 */
export type Request = { 
/**
 * Chosen by the host, echoed in the response.
 */
id: number, 
/**
 * The command.
 */
command: Command, };

/**
 * The answer to one [`Request`].
 */
export type Response = { "type": "reply", 
/**
 * The request's number; absent when the line was a command without one.
 */
id: number | null, 
/**
 * What it brought.
 */
reply: Reply, } | { "type": "error", 
/**
 * The request's number; absent when there was none, or the line could not be read that far.
 */
id: number | null, 
/**
 * Why.
 */
error: ApiError, };

/**
 * What a member may do.
 */
export type Role = "guest" | "member" | "admin" | "creator";

/**
 * A room.
 */
export type Room = { 
/**
 * Room id.
 */
id: string, 
/**
 * Name.
 */
name: string, 
/**
 * What it is for; may be empty.
 */
about: string, 
/**
 * How many seconds new messages live before they disappear; 0 = they stay.
 */
lives: number, 
/**
 * In it, or out.
 */
standing: Standing, 
/**
 * This device's role.
 */
role: Role, 
/**
 * Members, this device included: online first, then by name.
 */
members: Array<Member>, 
/**
 * Who was a member once, for the names beside old messages.
 */
former: Array<Member>, 
/**
 * Who waits for approval; only filled when this device may approve.
 */
requests: Array<JoinRequest>, 
/**
 * Invites that still work.
 */
invites: Array<Invite>, 
/**
 * The newest message.
 */
last: Message | null, 
/**
 * Messages of others after the reading mark; counted to 999.
 */
unread: number, 
/**
 * First unread message id.
 */
firstUnread: string | null, 
/**
 * What this person has begun to write here; absent when nothing.
 */
draft: string | null, 
/**
 * Own messages that no other device holds yet; counted to 999. Not safe to lose this device while there are any.
 */
unheld: number, };

/**
 * What two people compare to know that nobody sits between them.
 */
export type Safety = { 
/**
 * Sixty digits in twelve groups; the other device shows the same.
 */
number: string, 
/**
 * The same to scan or to paste: `natter://verify#…`. Says whose device showed it.
 */
code: string, 
/**
 * Media path of the code as a QR code (SVG, black on white).
 */
qr: string, };

/**
 * Everything but the timelines.
 */
export type Snapshot = { 
/**
 * The revision that this is; the next event carries one more.
 */
rev: number, 
/**
 * Set up, locked or ready.
 */
phase: Phase, 
/**
 * This device; absent before set-up.
 */
me: Me | null, 
/**
 * Rooms, the one with the newest message first.
 */
rooms: Array<Room>, 
/**
 * Knocks under way or ended without admission.
 */
joins: Array<Join>, 
/**
 * The devices of this person.
 */
devices: Devices, 
/**
 * Brokers and links.
 */
network: Network, 
/**
 * What others are told of this person.
 */
privacy: Privacy, 
/**
 * Natter's version.
 */
version: string, };

/**
 * What was understood of the eight words of an invite, as far as they are typed.
 */
export type SpokenInvite = { 
/**
 * Word by word.
 */
words: Array<SpokenWord>, 
/**
 * How many there must be.
 */
of: number, 
/**
 * How they stand.
 */
state: SpokenState, };

/**
 * How words stand.
 */
export type SpokenState = "unfinished" | "tooMany" | "misheard" | "whole";

/**
 * One of them.
 */
export type SpokenWord = { 
/**
 * As it was typed.
 */
typed: string, 
/**
 * The word of the list that it is: its first four letters are enough. Absent when it is none.
 */
word: string | null, };

/**
 * A picture that waits to be sent.
 */
export type Staged = { 
/**
 * Staged id.
 */
id: string, 
/**
 * File name.
 */
name: string, 
/**
 * MIME type.
 */
mime: string, 
/**
 * Bytes, after stripping.
 */
size: number, 
/**
 * Pixels.
 */
width: number, 
/**
 * Pixels.
 */
height: number, 
/**
 * Media path of a preview.
 */
preview: string, 
/**
 * Whether a place (GPS) or other private metadata was cut out.
 */
stripped: boolean, };

/**
 * How this device stands to a room.
 */
export type Standing = "member" | "gone";

/**
 * How a blob stands.
 */
export type Transfer = { "type": "offered" } | { "type": "waiting" } | { "type": "progress", 
/**
 * Bytes.
 */
have: number, } | { "type": "here" } | { "type": "failed", 
/**
 * Why.
 */
code: Code, };

/**
 * A wording that a message once had.
 */
export type Wording = { 
/**
 * The words; a picture's caption may be empty.
 */
text: string, 
/**
 * Whom they name.
 */
mentions: Array<Mention>, 
/**
 * When they were written.
 */
time: number, };
