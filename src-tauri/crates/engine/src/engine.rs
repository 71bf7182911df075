//! The composition: one engine owns the rooms, the mesh, the claims at brokers, the knocks and the wanted blobs, hands
//! each what it needs of the others, and turns what they decide into [`Output`]s.
//!
//! `handle` does two things: it lets the input change the state (the files below this one, by topic), then settles,
//! which means doing whatever has become possible or due. Settling looks only at the state, so it does not matter
//! which input made something possible, nor whether a timer came late.

mod about;
mod asks;
mod blobs;
mod claims;
mod commands;
mod devices;
mod forks;
mod frames;
mod history;
mod import;
mod joins;
mod links;
mod load;
mod members;
mod room;
mod signals;
#[cfg(test)]
mod story;

use crate::files::Files;
use crate::identity::SecretKey;
use crate::ids::{BlobHash, BrokerUrl, CommandId, DeviceId, EntryHash, LinkId, LogId, LogKey, RoomId, Ticket};
use crate::mesh::Mesh;
use crate::port::{
    Boot, Fetch, Input, LinkCommand, Notify, Op, OrderKey, Output, Profile, Refusal, Reply, Standing, StoreTrouble,
    Stored,
};
use crate::time::{Instant, Now};
use crate::wire::limits::QUEUED_BYTES_PER_PEER;
use crate::wire::{Act, Frame};
use about::Expiry;
use claims::Claims;
use joins::Knock;
pub use load::Load;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use room::Room;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a store answer is for.
#[derive(Debug)]
enum Pending {
    /// The batch of a room's logs.
    Batch(RoomId),
    /// Orders that a room's logs need.
    Lookup(RoomId),
    /// Entries for a peer's WANT.
    Serve(DeviceId),
    /// Who may have a blob that is asked for on a bulk link.
    Allow(LinkId, BlobHash),
    /// Whether we hold a blob that a peer asks about.
    HaveBlob(DeviceId, RoomId, BlobHash),
    /// A write whose commit answers a command.
    Command(CommandId, Reply),
    /// The record of a room that this device knocks at; without it the knock is off.
    Join(Option<CommandId>, RoomId),
    /// This device's profile, which counts once it is durable.
    Profile(CommandId, Profile),
    /// A reading mark, which counts once it is durable.
    Read(CommandId, RoomId, OrderKey),
    /// The record of a room that this device has just come into or dropped out of.
    Record(RoomId),
    /// Whose the entry is that a command says something of.
    About(CommandId, RoomId, EntryHash, Act),
    /// What has expired.
    Expired,
    /// The payloads of expired entries; and when to look again.
    Erase(BTreeMap<RoomId, Vec<EntryHash>>, Instant),
    /// Something that a room's forks wait for.
    Fork(RoomId),
    /// A write that nobody waits for.
    Quiet,
}

/// One bounded answer to a peer's WANTs at a time.
#[derive(Default)]
struct Serving {
    queue: VecDeque<(RoomId, LogKey, u64, u64)>,
    under_way: Option<(Ticket, (RoomId, LogKey, u64, u64))>,
}

/// The engine. See the module's page for how it is driven.
pub struct Engine {
    key: SecretKey,
    me: DeviceId,
    log: LogId,
    /// Derives the broker tokens, so that they are the same after a restart.
    token_key: [u8; 32],
    profile: Profile,
    rng: ChaCha20Rng,
    rooms: BTreeMap<RoomId, Room>,
    knocks: BTreeMap<RoomId, Knock>,
    asks: asks::Asks,
    devices: devices::Devices,
    mesh: Mesh,
    /// Offers for which there is no room yet.
    held: signals::Held,
    files: Files,
    claims: Claims,
    brokers: Vec<BrokerUrl>,
    announce: Vec<BrokerUrl>,
    pending: BTreeMap<Ticket, Pending>,
    serving: BTreeMap<DeviceId, Serving>,
    next_ticket: u64,
    /// When to look for what has expired.
    expiry: Expiry,
    /// What was written while the store looked goes then.
    expiry_missed: Option<Instant>,
    /// Rooms whose view a host has not seen yet.
    changed: BTreeSet<RoomId>,
    /// Whether others hear how far we have read.
    receipts: bool,
    closing: bool,
    out: Vec<Output>,
}

impl Engine {
    /// Goes on from what the store holds. `seed` must be fresh randomness in production; in a simulation it is the
    /// whole of the luck.
    pub fn new(boot: Boot, seed: [u8; 32], now: Now) -> Self {
        let key = SecretKey::from_seed(&boot.secret);
        let me = key.device();
        let mut engine = Self {
            me,
            log: boot.log,
            // A restored copy has the secret and another log: the two must not take each other's addresses in turn.
            token_key: blake3::derive_key("natter 2026-11 broker tokens v1", &[&boot.secret[..], &boot.log.0].concat()),
            key,
            profile: boot.profile,
            rng: ChaCha20Rng::from_seed(seed),
            rooms: BTreeMap::new(),
            knocks: BTreeMap::new(),
            asks: asks::Asks::default(),
            devices: devices::Devices::new(boot.circle),
            mesh: Mesh::new(me),
            held: signals::Held::default(),
            files: Files::default(),
            claims: Claims::default(),
            brokers: Vec::new(),
            announce: Vec::new(),
            pending: BTreeMap::new(),
            serving: BTreeMap::new(),
            next_ticket: 1,
            expiry: Expiry::Due(now.mono),
            expiry_missed: None,
            changed: BTreeSet::new(),
            receipts: true,
            closing: false,
            out: Vec::new(),
        };
        for boot_room in boot.rooms {
            let id = boot_room.room;
            let invite = boot_room.invite.clone();
            let mut room = Room::restore(boot_room, LogKey { author: me, log: engine.log });
            room.epoch_since = Some(now.mono);
            room.resume_leaving(LogKey { author: me, log: engine.log }, now);
            if room.standing == Standing::Knocking
                && let Some(invite) = invite
            {
                engine.begin_knock(invite, now);
            }
            engine.rooms.insert(id, room);
            engine.changed.insert(id);
        }
        for id in engine.rooms.keys().copied().collect::<Vec<_>>() {
            engine.choose_log(id);
        }
        engine
    }

    /// This device.
    pub fn device(&self) -> DeviceId {
        self.me
    }

    /// Takes one input and leaves in `out` what is to be done about it. Never fails and never blocks: what a peer does
    /// wrong is an outcome.
    pub fn handle(&mut self, input: Input, now: Now, out: &mut Vec<Output>) {
        match input {
            Input::Command(id, command) => self.on_command(id, command, now),
            Input::Link(link, event) => self.on_link(link, event, now),
            Input::Signal(event) => self.on_signal(event, now),
            Input::Stored(stored) => self.on_stored(stored, now),
            Input::Timeout => {}
        }
        self.settle(now);
        out.append(&mut self.out);
    }

    /// When `handle(Input::Timeout, …)` is due at the latest, and for what.
    pub fn next_timeout(&self) -> Option<(Instant, &'static str)> {
        if self.closing {
            return None;
        }
        let mut timers: Vec<(Instant, &'static str)> = Vec::new();
        let mut add = |at: Option<Instant>, what: &'static str| timers.extend(at.map(|at| (at, what)));
        add(self.mesh.next_timeout(), "link");
        add(self.mesh.next_dial(&self.wanted_peers()), "dial");
        add(self.claims.next_timeout(), "claim");
        add(self.next_expiry(), "expiry");
        add(self.knocks.values().filter_map(|knock| knock.next_timeout(&self.mesh)).min(), "knock");
        add(self.asks.next_timeout(), "ask");
        for room in self.rooms.values() {
            add(room.next_timeout(), "room");
        }
        timers.into_iter().min()
    }

    fn settle(&mut self, now: Now) {
        if self.closing {
            return;
        }
        self.settle_links(now);
        self.settle_held(now);
        self.settle_history(now);
        self.settle_knocks(now);
        self.settle_asks(now);
        self.settle_devices(now);
        self.settle_claims(now);
        self.settle_dials(now);
        self.settle_blobs(now);
        self.settle_expiry(now);
        for id in std::mem::take(&mut self.changed) {
            if self.devices.is_circle(id) {
                self.adopt_profile();
                if let Some(view) = self.devices_view() {
                    self.notify(Notify::Devices(Box::new(view)));
                }
            } else if let Some(view) = self.view(id) {
                self.notify(Notify::Room(Box::new(view)));
            }
        }
    }

    fn on_stored(&mut self, stored: Stored, now: Now) {
        match stored {
            Stored::Committed(ticket) => match self.pending.remove(&ticket) {
                Some(Pending::Batch(room)) => self.on_batch_committed(room, ticket, now),
                Some(Pending::Command(id, reply)) => self.reply(id, Ok(reply)),
                Some(Pending::Join(id, room)) => {
                    if let Some(id) = id {
                        self.reply(id, Ok(Reply::Room(room)));
                    }
                }
                Some(Pending::Profile(id, profile)) => self.on_profile_saved(id, profile),
                Some(Pending::Read(id, room, upto)) => self.on_read_saved(id, room, upto, now),
                Some(Pending::Erase(rooms, next)) => self.on_erased(rooms, next),
                Some(Pending::Fork(room)) => self.on_split_written(room, ticket),
                Some(
                    Pending::Quiet
                    | Pending::Record(_)
                    | Pending::Lookup(_)
                    | Pending::Serve(_)
                    | Pending::Allow(..)
                    | Pending::HaveBlob(..)
                    | Pending::About(..)
                    | Pending::Expired,
                )
                | None => {}
            },
            Stored::Failed(ticket, trouble) => self.on_store_failed(ticket, trouble, now),
            Stored::Entries(ticket, entries) => match self.pending.remove(&ticket) {
                Some(Pending::Serve(peer)) => self.on_entries_read(peer, ticket, entries, now),
                Some(Pending::Fork(room)) => self.on_fork_read(room, ticket, &entries),
                Some(
                    Pending::Batch(_)
                    | Pending::Lookup(_)
                    | Pending::Allow(..)
                    | Pending::HaveBlob(..)
                    | Pending::Command(..)
                    | Pending::Join(..)
                    | Pending::Profile(..)
                    | Pending::Read(..)
                    | Pending::Record(_)
                    | Pending::About(..)
                    | Pending::Expired
                    | Pending::Erase(..)
                    | Pending::Quiet,
                )
                | None => {}
            },
            Stored::Known(ticket, found) => match self.pending.remove(&ticket) {
                Some(Pending::Lookup(room)) => {
                    if let Some(room) = self.rooms.get_mut(&room) {
                        room.logs.looked(ticket, &found);
                    }
                }
                Some(Pending::About(id, room, target, act)) => self.on_target_found(id, room, target, act, &found),
                Some(Pending::Fork(room)) => self.on_fork_looked(room, ticket, &found, now),
                Some(
                    Pending::Batch(_)
                    | Pending::Serve(_)
                    | Pending::Allow(..)
                    | Pending::HaveBlob(..)
                    | Pending::Command(..)
                    | Pending::Join(..)
                    | Pending::Profile(..)
                    | Pending::Read(..)
                    | Pending::Record(_)
                    | Pending::Expired
                    | Pending::Erase(..)
                    | Pending::Quiet,
                )
                | None => {}
            },
            Stored::Expired(ticket, expired, next) => self.on_entries_expired(ticket, &expired, next, now),
            Stored::BlobRooms(ticket, rooms, here) => match self.pending.remove(&ticket) {
                Some(Pending::Allow(link, blob)) => self.on_blob_judged(link, blob, &rooms, here),
                Some(Pending::HaveBlob(peer, room, blob)) => self.on_blob_found(peer, room, blob, &rooms, here),
                Some(
                    Pending::Batch(_)
                    | Pending::Fork(_)
                    | Pending::Lookup(_)
                    | Pending::Serve(_)
                    | Pending::Command(..)
                    | Pending::Join(..)
                    | Pending::Profile(..)
                    | Pending::Read(..)
                    | Pending::Record(_)
                    | Pending::About(..)
                    | Pending::Expired
                    | Pending::Erase(..)
                    | Pending::Quiet,
                )
                | None => {}
            },
        }
    }

    fn on_store_failed(&mut self, ticket: Ticket, trouble: StoreTrouble, now: Now) {
        match self.pending.remove(&ticket) {
            Some(Pending::Batch(room)) => self.on_batch_failed(room, ticket, trouble, now),
            Some(
                Pending::Command(id, _) | Pending::Profile(id, _) | Pending::Read(id, ..) | Pending::About(id, ..),
            ) => {
                self.reply(id, Err(Refusal::NotSaved(trouble)));
            }
            Some(Pending::Join(id, room)) => {
                self.on_join_not_saved(room, now);
                match id {
                    Some(id) => self.reply(id, Err(Refusal::NotSaved(trouble))),
                    None => self.notify(Notify::StoreTrouble(trouble)),
                }
            }
            Some(Pending::Record(room)) => {
                // It goes along with the next entry that is written, or by itself when the disk has had its rest.
                if let Some(room) = self.rooms.get_mut(&room) {
                    room.unsaved = true;
                    room.pause(now);
                }
                self.notify(Notify::StoreTrouble(trouble));
            }
            Some(Pending::Serve(peer)) => {
                self.serving.remove(&peer);
            }
            Some(Pending::Lookup(room)) => {
                if let Some(room) = self.rooms.get_mut(&room) {
                    room.logs.look_failed(ticket);
                    room.pause(now);
                }
                self.fail_import(room, trouble);
            }
            Some(Pending::Allow(link, blob)) => self.on_blob_judged(link, blob, &[], false),
            Some(Pending::Expired) => self.on_erase_failed(now),
            Some(Pending::Fork(room)) => {
                self.on_fork_failed(room, ticket, now);
                self.notify(Notify::StoreTrouble(trouble));
            }
            Some(Pending::Erase(..)) => {
                self.on_erase_failed(now);
                self.notify(Notify::StoreTrouble(trouble));
            }
            Some(Pending::Quiet) => self.notify(Notify::StoreTrouble(trouble)),
            Some(Pending::HaveBlob(..)) | None => {}
        }
    }

    // ------------------------------------------------------------ outbox

    fn notify(&mut self, notify: Notify) {
        let room = match &notify {
            Notify::RoomForgotten(room)
            | Notify::Erased { room, .. }
            | Notify::Typing { room, .. }
            | Notify::Held { room, .. }
            | Notify::Read { room, .. }
            | Notify::Join { room, .. } => Some(*room),
            Notify::Room(view) => Some(view.room),
            Notify::Entry { entry, .. } => Some(entry.room),
            Notify::Blob { .. }
            | Notify::Broker { .. }
            | Notify::PeerMisbehaved { .. }
            | Notify::StoreTrouble(_)
            | Notify::Devices(_)
            | Notify::Linking(_)
            | Notify::Ask { .. }
            | Notify::Found { .. }
            | Notify::Profile(_) => None,
        };
        // No host sees the room in which a person's own devices meet: only who is in it.
        if room.is_none_or(|room| !self.devices.is_circle(room)) {
            self.out.push(Output::Notify(notify));
        } else if let Notify::Join { state, .. } = notify {
            self.told_of_circle(state);
        }
    }

    fn reply(&mut self, id: CommandId, reply: Result<Reply, Refusal>) {
        self.out.push(Output::Reply(id, reply));
    }

    fn link(&mut self, id: LinkId, command: LinkCommand) {
        self.out.push(Output::Link(id, command));
    }

    fn ticket(&mut self, pending: Pending) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.pending.insert(ticket, pending);
        ticket
    }

    fn persist(&mut self, pending: Pending, ops: Vec<Op>) -> Ticket {
        let ticket = self.ticket(pending);
        self.out.push(Output::Persist(ticket, ops));
        ticket
    }

    fn fetch(&mut self, pending: Pending, fetch: impl FnOnce(Ticket) -> Fetch) -> Ticket {
        let ticket = self.ticket(pending);
        self.out.push(Output::Fetch(fetch(ticket)));
        ticket
    }

    /// Puts a frame on a link. False when the peer reads too slowly for it; what was pushed then comes by WANT later.
    fn send(&mut self, id: LinkId, frame: &Frame) -> bool {
        let bytes = frame.encode();
        let says_auth = matches!(frame, Frame::Auth { .. });
        let Some(link) = self.mesh.get_mut(id).filter(|link| link.is_live() || says_auth) else { return false };
        // Answers and acknowledgements are small and few; only entries can fill the queue.
        let is_bulky = matches!(frame, Frame::Entries { .. } | Frame::Signal { .. });
        let cap = if is_bulky { QUEUED_BYTES_PER_PEER } else { 2 * QUEUED_BYTES_PER_PEER };
        if link.queued + bytes.len() > cap {
            return false;
        }
        link.queued += bytes.len();
        self.link(id, LinkCommand::Send(bytes));
        true
    }

    fn send_to(&mut self, peer: DeviceId, frame: &Frame) -> bool {
        self.mesh.live(peer).is_some_and(|link| self.send(link, frame))
    }

    fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    fn jitter(&mut self) -> u32 {
        self.rng.next_u32()
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("me", &self.me).field("rooms", &self.rooms.len()).finish_non_exhaustive()
    }
}
