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
message: Message, } | { "type": "typing", room: string, device: string, } | { "type": "delivery", 
/**
 * Room id.
 */
room: string, 
/**
 * By message id.
 */
delivery: { [key in string]: Delivery }, } | { "type": "join", 
/**
 * Now.
 */
join: Join, } | { "type": "blob", 
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
export type Code = "badRequest" | "notSetUp" | "locked" | "alreadySetUp" | "wrongPassphrase" | "weakPassphrase" | "noKeychain" | "noSuchRoom" | "noSuchMessage" | "noSuchInvite" | "noSuchStaged" | "alreadyMember" | "notAMember" | "notAllowed" | "nobodyWaiting" | "inviteNotNatter" | "inviteCut" | "inviteTooNew" | "inviteExpired" | "inviteUsedUp" | "empty" | "tooLong" | "badName" | "tooMany" | "notAPicture" | "pictureTooLarge" | "badBroker" | "diskFull" | "databaseLocked" | "databaseDamaged" | "databaseTooNew" | "diskFailed" | "transferFailed" | "shuttingDown" | "internal";

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
approval?: boolean, } | { "type": "revokeInvite", 
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
 * The invite link.
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
device: string, } | { "type": "sendText", 
/**
 * Room id.
 */
room: string, 
/**
 * 1 to 16,384 bytes.
 */
text: string, 
/**
 * Message id that it answers.
 */
mentions?: Array<Mention>, 
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
replyTo?: string | null, } | { "type": "editMessage", room: string, message: string, text: string, mentions?: Array<Mention>, } | { "type": "deleteMessage", room: string, message: string, } | { "type": "react", room: string, message: string, emoji: string, on?: boolean, } | { "type": "pinMessage", room: string, message: string, on?: boolean, } | { "type": "typing", room: string, } | { "type": "edits", room: string, message: string, } | { "type": "pinned", room: string, } | { "type": "search", query: string, room?: string | null, author?: string | null, next?: string | null, limit?: number, } | { "type": "at", room: string, time: number, } | { "type": "setDraft", room: string, text: string, } | { "type": "unstage", 
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
after?: string | null, 
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
avatar?: string | null, } | { "type": "leaveRoom", 
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
 * Device ids of members who hold it, without this one.
 */
heldBy: Array<string>, 
/**
 * Device ids of members who read it.
 */
readBy: Array<string>, 
/**
 * How many members there are besides this device.
 */
of: number, };

/**
 * How far an own message got, in a word.
 */
export type DeliveryState = "saved" | "heldBySome" | "heldByAll" | "read";

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
approval: boolean, };

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
 * Room id.
 */
room: string, 
/**
 * The invite's word for the room.
 */
roomName: string, 
/**
 * How it stands.
 */
progress: JoinProgress, };

/**
 * How a knock stands.
 */
export type JoinProgress = "connecting" | "waitingForMember" | "waitingForApproval" | "admitted" | "declined" | "usedUp" | "expired" | "void" | "cancelled";

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
 * A member.
 */
export type Member = { 
/**
 * Public key.
 */
device: string, 
/**
 * Name as last signed by that key.
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
 * Reachability.
 */
presence: Presence, 
/**
 * Whether this is this device.
 */
own: boolean, 
/**
 * When they were admitted.
 */
since: number, };

/**
 * A message.
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
 * Who signed.
 */
author: string, 
/**
 * Whether this device did.
 */
own: boolean, 
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
 * Own messages: how far it got.
 */
edited: number | null, 
reactions: Array<Reaction>, 
pinned: boolean, 
expires: number | null, 
namesMe: boolean, 
delivery: Delivery | null, };

/**
 * What a message says.
 */
export type MessageBody = { "type": "text", 
/**
 * As typed.
 */
text: string, 
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
device: string, } | { "type": "left", 
/**
 * Who.
 */
device: string, } | { "type": "deleted", by: string, } | { "type": "expired" } | { "type": "unknown" };

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
 * How the database's key is kept.
 */
export type Protection = { "type": "keychain" } | { "type": "passphrase", 
/**
 * At least 8 characters.
 */
passphrase: string, } | { "type": "unprotected" };

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
preview: InvitePreview, } | { "type": "sent", 
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
more: boolean, newer: boolean, } | { "type": "messages", messages: Array<Message>, } | { "type": "edits", wordings: Array<Wording>, } | { "type": "found", hits: Array<Hit>, next: string | null, } | { "type": "place", message: string | null, } | { "type": "saved", 
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
export type Role = "member" | "admin" | "creator";

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
draft: string | null, 
unheld: number, };

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
 * Brokers and links.
 */
network: Network, 
/**
 * Natter's version.
 */
version: string, };

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

export type Mention = { device: string, start: number, length: number, };
export type Reaction = { emoji: string, by: Array<string>, own: boolean, };
export type Wording = { text: string, mentions: Array<Mention>, time: number, };
export type Hit = { room: string, message: Message, };
