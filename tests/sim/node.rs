//! A device: engine, disk, broker client, and a host that remembers what it was shown.

use crate::broker::Client;
use crate::invariants::hold;
use crate::invariants::steps::Fact;
use crate::network::EndId;
use natter_engine::Engine;
use natter_engine::ids::{
    BlobHash, BrokerUrl, CommandId, DeviceId, EntryHash, InviteId, LinkId, LogId, LogKey, RoomId,
};
use natter_engine::port::{BlobState, JoinState, Notify, OrderKey, Profile, Refusal, Reply, StoreTrouble, StoredEntry};
use natter_engine::rooms::{DevicesView, RoomView};
use natter_engine::time::{Instant, Now, UnixMillis};
use natter_engine::wire::kind;
use natter_store::Store;
use natter_store::memory::MemoryStore;
use std::collections::{BTreeMap, BTreeSet};

/// Which device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct NodeId(pub usize);

/// 2026-11-23T00:00:00Z: where the wall clocks of all nights begin, give or take each device's skew.
pub const DAWN: u64 = 1_795_392_000_000;

/// A device.
pub struct Node {
    /// What the person calls themselves at first.
    pub name: String,
    /// Its key.
    pub device: DeviceId,
    /// Its key's secret half, for those who play it by hand.
    pub secret: [u8; 32],
    /// Its log.
    pub log: LogId,
    /// Counts the starts; whatever was under way in an earlier life comes to nobody.
    pub life: u32,
    /// None while it is off.
    pub engine: Option<Engine>,
    /// Its disk.
    pub disk: MemoryStore,
    /// Whether writes fail now, as the invariants must know.
    pub disk_full: bool,
    /// When the writer is done with what it has.
    pub(crate) disk_free: u64,
    /// Its wall clock's error, in milliseconds.
    pub skew: i64,
    /// Virtual microseconds of this life's start: each process's monotonic clock begins anew.
    pub(crate) born: u64,
    /// Inputs wait until then: the lid is closed.
    pub(crate) asleep: u64,
    pub(crate) timer: Option<(u64, &'static str)>,
    pub(crate) client: Client,
    pub(crate) links: BTreeMap<LinkId, EndId>,
    /// What the host tells the engine at every start.
    pub brokers: Vec<BrokerUrl>,
    pub(crate) announce: Vec<BrokerUrl>,
    pub(crate) next_command: u64,
    /// Own entries of which the person was told that they are sent, by room; those of rooms it forgot are not counted.
    pub acknowledged: BTreeMap<RoomId, BTreeSet<EntryHash>>,
    /// Rooms that it has forgotten at some time, and whatever it held of them.
    pub forgot: BTreeSet<RoomId>,
    /// Its disk was once put back to an older state: what it was said to hold it may have lost.
    pub rolled_back: bool,
    /// A copy of its disk as it was once.
    pub backup: Option<MemoryStore>,
    /// When its wall clock was set last, in virtual microseconds.
    pub clock_set: Option<u64>,
    /// Knocks that were asked for and not answered yet.
    pub(crate) knocking: BTreeMap<CommandId, (RoomId, InviteId)>,
    /// With which invite it knocked last at each room.
    pub(crate) knocked: BTreeMap<RoomId, InviteId>,
    /// Inputs handled in the current virtual second, and timeouts at the current instant.
    pub(crate) busy: (u64, u32),
    pub(crate) idle_timeouts: (u64, u32),
    /// What the person sees.
    pub host: Host,
}

/// What a host was told in this life.
#[derive(Default)]
pub struct Host {
    /// The last view of each room.
    pub rooms: BTreeMap<RoomId, RoomView>,
    /// What the timeline held at the start of this life, by room.
    pub at_start: BTreeMap<RoomId, BTreeSet<EntryHash>>,
    /// Entries that came since, in the order of telling.
    pub told: BTreeMap<RoomId, Vec<(EntryHash, Live)>>,
    /// Entries that the host read from its timeline itself, when the ends of logs that count had moved.
    pub reread: BTreeMap<RoomId, BTreeSet<EntryHash>>,
    /// Answers by command.
    pub replies: BTreeMap<CommandId, Result<Reply, Refusal>>,
    /// Commands without one.
    pub waiting: BTreeSet<CommandId>,
    /// How each knock went.
    pub joins: BTreeMap<RoomId, Vec<JoinState>>,
    /// How each blob went.
    pub blobs: BTreeMap<BlobHash, Vec<BlobState>>,
    /// Rules that peers broke.
    pub misbehaved: Vec<(Option<DeviceId>, &'static str)>,
    /// Writes that failed and nobody waited for.
    pub store_troubles: Vec<StoreTrouble>,
    /// Who holds how much of this device's log.
    pub held: BTreeMap<(RoomId, DeviceId, LogKey), u64>,
    /// Entries whose payload went.
    pub erased: BTreeMap<RoomId, BTreeSet<EntryHash>>,
    /// Who was seen typing.
    pub typing: Vec<(RoomId, DeviceId)>,
    /// Who has read how far.
    pub reads: BTreeMap<(RoomId, DeviceId), OrderKey>,
    /// Rooms that went.
    pub forgotten: Vec<RoomId>,
    /// The person's devices, as last told.
    pub devices: Option<DevicesView>,
    /// How being linked went.
    pub linking: Vec<JoinState>,
    /// How asking by words went.
    pub asks: BTreeMap<InviteId, Vec<JoinState>>,
    /// Which room they lead to.
    pub found: BTreeMap<InviteId, RoomId>,
    /// What another device of the person made this one show.
    pub profile: Option<Profile>,
}

/// Whether an entry came while it was written or was fetched from history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Live {
    /// It may ring.
    Now,
    /// It may not.
    Later,
}

impl Node {
    /// The clocks as this device reads them at a virtual instant.
    pub fn clocks(&self, at: u64) -> Now {
        let wall = DAWN.saturating_add_signed(self.skew) + at / 1000;
        // A process starts its monotonic clock wherever it likes; never at 0, which would hide a missing addition.
        Now { mono: Instant(at - self.born + 1_000_000), wall: UnixMillis(wall) }
    }

    /// An instant of the engine's as a virtual one.
    pub(crate) fn virtual_time(&self, at: Instant) -> u64 {
        at.0.saturating_sub(1_000_000).saturating_add(self.born)
    }

    /// Whether it is running.
    pub fn is_up(&self) -> bool {
        self.engine.is_some()
    }

    /// All that its disk holds of a room, in order.
    pub fn entries(&self, room: RoomId) -> Vec<StoredEntry> {
        let kinds: Vec<u16> = vec![
            kind::GENESIS,
            kind::INVITE,
            kind::ADMIT,
            kind::DEVICE,
            kind::LEAVE,
            kind::REVOKE_INVITE,
            kind::TEXT,
            kind::PICTURE,
            kind::PROFILE,
            kind::RECEIPT,
            kind::EDIT,
            kind::DELETE,
            kind::REACTION,
            kind::PIN,
            kind::REMOVE,
            kind::GRANT,
            kind::REVOKE,
            kind::ROOM,
        ];
        let mut all = Vec::new();
        let mut before = None;
        loop {
            let page = self.disk.timeline(room, before, 200, &kinds).expect("the twin reads");
            let Some(first) = page.first() else { break };
            before = Some(first.order);
            all.splice(0..0, page);
        }
        all
    }

    /// The keys of a room on its disk, ascending.
    pub fn disk_epochs(&self, room: RoomId) -> Vec<(u32, [u8; 32])> {
        let boot = self.disk.boot().expect("the twin reads").expect("an identity");
        boot.rooms.into_iter().find(|known| known.room == room).map(|known| known.epochs).unwrap_or_default()
    }

    /// The room as the person sees it.
    ///
    /// # Panics
    /// When this device does not show it.
    pub fn room(&self, room: RoomId) -> &RoomView {
        self.host.rooms.get(&room).unwrap_or_else(|| panic!("{} does not see {room:?}", self.name))
    }

    /// The last state of a knock.
    pub fn join_state(&self, room: RoomId) -> Option<JoinState> {
        self.host.joins.get(&room).and_then(|states| states.last()).copied()
    }

    /// The last state of a blob.
    pub fn blob_state(&self, blob: BlobHash) -> Option<BlobState> {
        self.host.blobs.get(&blob).and_then(|states| states.last()).copied()
    }

    /// The texts that the person sees, in order: who and what.
    pub fn texts(&self, room: RoomId) -> Vec<(DeviceId, String)> {
        let text = |entry: &StoredEntry| match entry.payload.as_deref() {
            Some(payload) => match natter_engine::wire::Body::decode(entry.kind, payload) {
                Ok(natter_engine::wire::Body::Text(text)) => Some((entry.order.author, text.text)),
                Ok(_) | Err(_) => None,
            },
            None => None,
        };
        self.entries(room).iter().filter_map(text).collect()
    }
}

impl Host {
    /// How much of this device's own logs another holds; where it has several, of the one that it holds most of.
    pub fn held_by(&self, room: RoomId, holder: DeviceId) -> Option<u64> {
        let held = self.held.iter().filter(|((r, h, _), _)| (*r, *h) == (room, holder));
        held.map(|(_, seq)| *seq).max()
    }

    /// Takes a notice, and holds it against what must be so at all times. `truly` is whether another really holds what it
    /// is said to hold.
    ///
    /// # Panics
    /// When something is not.
    pub(crate) fn hear(&mut self, who: &str, notify: Notify, truly: Option<bool>) {
        match notify {
            Notify::Room(view) => {
                self.rooms.insert(view.room, *view);
            }
            Notify::RoomForgotten(room) => {
                self.rooms.remove(&room);
                self.at_start.remove(&room);
                self.reread.remove(&room);
                self.told.remove(&room);
                self.held.retain(|(held, ..), _| *held != room);
                self.erased.remove(&room);
                self.reads.retain(|(read, _), _| *read != room);
                self.forgotten.push(room);
            }
            Notify::Entry { entry, live } => {
                let before = self.at_start.get(&entry.room).is_some_and(|known| known.contains(&entry.order.hash));
                let told = self.told.entry(entry.room).or_default();
                let again = before || told.iter().any(|(hash, _)| *hash == entry.order.hash);
                hold(who, &Fact::Shows { entry: &entry, again });
                told.push((entry.order.hash, if live { Live::Now } else { Live::Later }));
            }
            Notify::Erased { room, entries } => self.erased.entry(room).or_default().extend(entries),
            Notify::Typing { room, device } => {
                // While a device knocks its host has no view of the room yet, or that of its last stay.
                let listed = |view: &RoomView| view.members.iter().any(|member| member.device == device);
                let inside = |view: &&RoomView| view.standing == natter_engine::port::Standing::Member;
                let member = self.rooms.get(&room).filter(inside).is_none_or(listed);
                hold(who, &Fact::Typing { who: device, member });
                self.typing.push((room, device));
            }
            Notify::Held { room, holder, log, seq } => {
                let had = self.held.insert((room, holder, log), seq);
                hold(who, &Fact::Held { had, seq, truly });
            }
            Notify::Read { room, reader, upto } => {
                let had = self.reads.insert((room, reader), upto);
                hold(who, &Fact::Read { had, upto });
            }
            Notify::Join { room, state } => self.joins.entry(room).or_default().push(state),
            Notify::Ask { invite, state } => self.asks.entry(invite).or_default().push(state),
            Notify::Found { invite, room, .. } => {
                self.found.insert(invite, room);
            }
            Notify::Blob { blob, state } => self.blobs.entry(blob).or_default().push(state),
            Notify::Broker { .. } => {}
            Notify::PeerMisbehaved { peer, rule } => self.misbehaved.push((peer, rule)),
            Notify::Devices(view) => self.devices = Some(*view),
            Notify::Linking(state) => self.linking.push(state),
            Notify::Profile(profile) => self.profile = Some(profile),
            Notify::StoreTrouble(trouble) => self.store_troubles.push(trouble),
        }
    }

    /// Takes an answer.
    ///
    /// # Panics
    /// When it was given before or nobody asked.
    pub(crate) fn answered(&mut self, who: &str, id: CommandId, reply: Result<Reply, Refusal>) {
        hold(who, &Fact::Answers { asked: self.waiting.remove(&id) });
        self.replies.insert(id, reply);
    }
}
