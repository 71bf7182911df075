//! What the properties are held against: plain records of what each device shows, holds and was told, taken from a world
//! or, in the tests of the properties themselves, spoilt by hand.

use crate::node::{Node, NodeId};
use crate::world::World;
use natter_engine::Load;
use natter_engine::ids::{DeviceId, EntryHash, LogKey, RoomId};
use natter_engine::port::{JoinState, OrderKey, Standing, StoredEntry};
use natter_engine::rooms::RoomView;
use natter_engine::time::UnixMillis;
use natter_engine::wire::{Act, Body, Header, kind};
use natter_store::Store;
use std::collections::{BTreeMap, BTreeSet};

/// How late a device may notice that its wall clock was set, and a little: in microseconds.
const AN_HOUR: u64 = 3_660_000_000;

/// What goes wrong, in words.
pub type Verdict = Result<(), String>;

/// All that is known at one moment.
#[derive(Clone, Default)]
pub struct Evidence {
    /// Devices that are on.
    pub people: Vec<Witness>,
    /// Entries that somebody forged: signed by a key that is not their author's, or changed after signing.
    pub forged: BTreeSet<EntryHash>,
    /// Devices that somebody tried to let in without the right, and who.
    pub accomplices: BTreeMap<DeviceId, DeviceId>,
}

/// One device.
#[derive(Clone)]
pub struct Witness {
    /// What the person calls themselves at first.
    pub name: String,
    /// Its key.
    pub device: DeviceId,
    /// Whether it keeps the rules.
    pub honest: bool,
    /// Its wall clock.
    pub wall: UnixMillis,
    /// Its wall clock was set within the hour: what it had planned by the old one may be so late.
    pub clock_was_set: bool,
    /// Its disk was put back to an earlier state.
    pub put_back: bool,
    /// Commands without an answer.
    pub waiting: usize,
    /// How much its engine holds.
    pub load: Load,
    /// Rooms that it shows.
    pub rooms: BTreeMap<RoomId, Account>,
    /// Entries on its disk of rooms that it has forgotten.
    pub leftovers: usize,
    /// How each knock stands, and whether somebody is there who must hear it.
    pub knocks: BTreeMap<RoomId, (JoinState, bool)>,
}

/// One device's record of one room.
#[derive(Clone)]
pub struct Account {
    /// What the person sees.
    pub view: RoomView,
    /// What the disk holds, in order.
    pub entries: Vec<StoredEntry>,
    /// Entries that the host was shown, one by one or when it read its timeline.
    pub shown: BTreeSet<EntryHash>,
    /// Own entries of which the person was told that they are sent.
    pub acknowledged: BTreeSet<EntryHash>,
    /// What the host was told of who holds how much of this device's logs.
    pub held: BTreeMap<(DeviceId, LogKey), u64>,
    /// The newest key of the room on the disk.
    pub epoch: Option<(u32, [u8; 32])>,
    /// The last entry of each log, as a restart would find it.
    pub heads: BTreeMap<LogKey, u64>,
    /// What is said of each entry, in order: as the store tells whoever shows it.
    pub related: BTreeMap<EntryHash, Vec<EntryHash>>,
    /// What is pinned, newest first.
    pub pinned: Vec<EntryHash>,
}

impl World {
    /// The record of this moment.
    pub fn evidence(&self) -> Evidence {
        let on = self.nodes.iter().enumerate().filter(|(_, node)| node.is_up());
        let liars = self.liars.iter();
        let accomplices = liars.flat_map(|(n, liar)| liar.accomplices.iter().map(|who| (*who, self[*n].device)));
        Evidence {
            people: on.map(|(n, node)| self.witness(NodeId(n), node)).collect(),
            forged: self.forged(),
            accomplices: accomplices.collect(),
        }
    }

    fn witness(&self, id: NodeId, node: &Node) -> Witness {
        let view = |room: &RoomId| node.host.rooms.get(room);
        let rooms = node.host.rooms.iter().map(|(room, shown)| (*room, account(node, *room, shown))).collect();
        let gone =
            node.host.forgotten.iter().filter(|room| view(room).is_none() && !node.host.joins.contains_key(room));
        let knocks = node.host.joins.iter().filter(|(room, _)| view(room).is_none_or(|v| v.standing == Standing::Gone));
        let knocks = knocks.filter_map(|(room, states)| Some((*room, (*states.last()?, self.is_heard(id, *room)))));
        Witness {
            name: node.name.clone(),
            device: node.device,
            honest: !self.is_liar(id),
            wall: node.clocks(self.now).wall,
            clock_was_set: node.clock_set.is_some_and(|at| at + AN_HOUR > self.now),
            put_back: node.rolled_back,
            waiting: node.host.waiting.len(),
            load: node.engine.as_ref().map(natter_engine::Engine::load).unwrap_or_default(),
            rooms,
            // Forgetting that a full disk refused is not tried again: known, and not yet mended.
            leftovers: if node.host.store_troubles.is_empty() {
                gone.map(|room| node.entries(*room).len()).sum()
            } else {
                0
            },
            knocks: knocks.collect(),
        }
    }

    /// Whether an honest member is there who must answer a knock: by the invite that was knocked with, without a person.
    fn is_heard(&self, who: NodeId, room: RoomId) -> bool {
        let node = &self[who];
        self.nodes.iter().enumerate().any(|(n, door)| {
            let view = door.host.rooms.get(&room).filter(|view| view.standing == Standing::Member);
            let wall = door.clocks(self.now).wall;
            let works = |view: &RoomView| {
                let member = view.members.iter().find(|member| member.device == door.device);
                let may = member.is_some_and(|member| member.role > natter_engine::rooms::Role::Guest);
                let mut known = view.members.iter().flat_map(|member| self.by_device(member.device));
                // A door that was removed and does not know it helps nobody.
                let accepted = known.all(|other| other == NodeId(n) || self.lists(other, room, door.device));
                may && accepted
                    && view.invites.iter().any(|invite| {
                        Some(&invite.invite) == node.knocked.get(&room) && !invite.approval && invite.expires > wall
                    })
            };
            door.is_up() && !self.is_liar(NodeId(n)) && view.is_some_and(works)
        })
    }

    fn by_device(&self, device: DeviceId) -> Option<NodeId> {
        self.nodes.iter().position(|node| node.device == device).map(NodeId)
    }

    fn lists(&self, who: NodeId, room: RoomId, device: DeviceId) -> bool {
        let view = self[who].host.rooms.get(&room).filter(|view| view.standing == Standing::Member);
        view.is_none_or(|view| view.members.iter().any(|member| member.device == device))
    }
}

fn account(node: &Node, room: RoomId, view: &RoomView) -> Account {
    let host = &node.host;
    let mut shown = host.at_start.get(&room).cloned().unwrap_or_default();
    shown.extend(host.reread.get(&room).into_iter().flatten());
    shown.extend(host.told.get(&room).into_iter().flatten().map(|(hash, _)| *hash));
    let boot = node.disk.boot().expect("reads").expect("an identity");
    let boot = boot.rooms.into_iter().find(|known| known.room == room);
    let entries = node.entries(room);
    let spoken: Vec<EntryHash> =
        entries.iter().filter(|entry| kind::SPOKEN.contains(&entry.kind)).map(|entry| entry.order.hash).collect();
    let mut related: BTreeMap<EntryHash, Vec<EntryHash>> = BTreeMap::new();
    for some in spoken.chunks(natter_store::limits::TIMELINE_ENTRIES) {
        for entry in node.disk.related(room, some).expect("reads") {
            if let Some(target) = entry.target {
                related.entry(target).or_default().push(entry.order.hash);
            }
        }
    }
    let pinned = node.disk.pinned(room).expect("reads").into_iter().filter_map(|pin| pin.target).collect();
    Account {
        view: view.clone(),
        entries,
        shown,
        acknowledged: node.acknowledged.get(&room).cloned().unwrap_or_default(),
        held: host.held.iter().filter(|((r, ..), _)| *r == room).map(|((_, h, l), seq)| ((*h, *l), *seq)).collect(),
        epoch: boot.as_ref().and_then(|boot| boot.epochs.last().copied()),
        heads: boot.iter().flat_map(|boot| &boot.heads).map(|head| (head.log, head.seq)).collect(),
        related,
        pinned,
    }
}

impl Evidence {
    /// Rooms that somebody honest shows.
    pub fn rooms(&self) -> BTreeSet<RoomId> {
        self.honest().flat_map(|witness| witness.rooms.keys().copied()).collect()
    }

    /// Those who keep the rules.
    pub fn honest(&self) -> impl Iterator<Item = &Witness> {
        self.people.iter().filter(|witness| witness.honest)
    }

    /// Each record of a room that an honest device has, members' or not.
    pub fn accounts(&self) -> impl Iterator<Item = (&Witness, &Account)> {
        self.honest().flat_map(|witness| witness.rooms.values().map(move |account| (witness, account)))
    }

    /// The honest devices that are in a room and know what there is to know of it.
    pub fn insiders(&self, room: RoomId) -> Vec<(&Witness, &Account)> {
        let all = self.claimants(room);
        all.iter().filter(|one| !is_unaware(one, &all)).copied().collect()
    }

    /// Honest devices that believe to be in a room and are not: they were taken out, or those who let them in were, by an
    /// entry that nobody may bring them any more.
    pub fn unaware(&self, room: RoomId) -> Vec<(&Witness, &Account)> {
        let all = self.claimants(room);
        all.iter().filter(|one| is_unaware(one, &all)).copied().collect()
    }

    fn claimants(&self, room: RoomId) -> Vec<(&Witness, &Account)> {
        let records = self.honest().filter_map(|witness| Some((witness, witness.rooms.get(&room)?)));
        records.filter(|(_, account)| account.view.standing == Standing::Member).collect()
    }

    /// All pairs of insiders of a room with the first of them.
    pub fn pairs(&self) -> impl Iterator<Item = ((&Witness, &Account), (&Witness, &Account))> {
        self.rooms().into_iter().flat_map(|room| {
            let insiders = self.insiders(room);
            let first = insiders.first().copied();
            insiders.into_iter().skip(1).filter_map(move |other| Some((first?, other)))
        })
    }
}

/// Somebody in the room does not count this device as a member, and holds an entry that takes a right on which its
/// membership rests (its own, or of those who let it in), and that it has not. Or it knows nobody who is there, and nobody
/// there knows it.
fn is_unaware((witness, account): &(&Witness, &Account), all: &[(&Witness, &Account)]) -> bool {
    let unlisted = |other: &Account| other.view.members.iter().all(|member| member.device != witness.device);
    if !all.iter().any(|(_, other)| unlisted(other)) {
        return false;
    }
    // Whoever let it in has gone before anybody else heard of it: no two of them know where to look for each other.
    let lists = |account: &Account, device| account.view.members.iter().any(|member| member.device == device);
    let stranded = all
        .iter()
        .filter(|(other, _)| other.device != witness.device)
        .all(|(other, theirs)| !lists(theirs, witness.device) && !lists(account, other.device));
    if stranded {
        return true;
    }
    let backers = account.backers(witness.device);
    let takes = |entry: &&StoredEntry| match body(entry) {
        Some(Body::Remove { device, .. } | Body::Revoke { device, .. }) => {
            account.kin(device).iter().any(|device| backers.contains(device))
        }
        Some(_) | None => false,
    };
    all.iter()
        .filter(|(_, other)| unlisted(other))
        .any(|(_, other)| other.entries.iter().filter(takes).any(|entry| !account.holds(entry.order.hash)))
}

impl Account {
    /// Whether the disk has an entry.
    pub fn holds(&self, hash: EntryHash) -> bool {
        self.entry(hash).is_some()
    }

    /// An entry.
    pub fn entry(&self, hash: EntryHash) -> Option<&StoredEntry> {
        self.entries.iter().find(|entry| entry.order.hash == hash)
    }

    /// The devices that are somebody's together, by what they said of each other, whether it counted or not.
    pub fn kin(&self, device: DeviceId) -> BTreeSet<DeviceId> {
        let mut kin = BTreeSet::from([device]);
        loop {
            let before = kin.len();
            for (entry, body) in self.said().filter(|(entry, _)| entry.kind == kind::DEVICE) {
                if let Body::Device { device, .. } = body
                    && (kin.contains(&device) || kin.contains(&entry.order.author))
                {
                    kin.extend([device, entry.order.author]);
                }
            }
            if kin.len() == before {
                return kin;
            }
        }
    }

    /// Everyone on whose rights a membership rests: the device, who let it in, who made the invite, who gave them theirs.
    fn backers(&self, device: DeviceId) -> BTreeSet<DeviceId> {
        let rights: Vec<(DeviceId, Body)> = self
            .said()
            .filter(|(entry, _)| entry.kind < kind::FIRST_MESSAGE)
            .map(|(entry, body)| (entry.order.author, body))
            .collect();
        let mut backers = BTreeSet::from([device]);
        loop {
            let mut more = BTreeSet::new();
            for (author, body) in &rights {
                match body {
                    Body::Admit { device, invite: by, .. } if backers.contains(device) => {
                        more.insert(*author);
                        let made = |(_, body): &&(DeviceId, Body)| matches!(body, Body::Invite(i) if i.invite == *by);
                        more.extend(rights.iter().filter(made).map(|(author, _)| *author));
                    }
                    Body::Grant { device, .. } | Body::Device { device, .. } if backers.contains(device) => {
                        more.insert(*author);
                    }
                    Body::Genesis { .. }
                    | Body::Invite(_)
                    | Body::Admit { .. }
                    | Body::Device { .. }
                    | Body::Leave { .. }
                    | Body::RevokeInvite { .. }
                    | Body::Remove { .. }
                    | Body::Grant { .. }
                    | Body::Revoke { .. }
                    | Body::Room(_)
                    | Body::Text(_)
                    | Body::Picture(_)
                    | Body::About { .. }
                    | Body::Profile(_)
                    | Body::Receipt { .. } => {}
                }
            }
            let before = backers.len();
            backers.extend(more);
            if backers.len() == before {
                return backers;
            }
        }
    }

    /// Where all of it stands.
    pub fn orders(&self) -> Vec<OrderKey> {
        self.entries.iter().map(|entry| entry.order).collect()
    }

    /// Whether an entry counts, as the view says.
    pub fn counts(&self, entry: &StoredEntry) -> bool {
        self.view.limits.get(&entry.log).is_none_or(|last| entry.seq <= *last)
    }

    /// Entries with what they say, those that can be read.
    pub fn said(&self) -> impl Iterator<Item = (&StoredEntry, Body)> {
        self.entries.iter().filter_map(|entry| Some((entry, body(entry)?)))
    }

    /// The words that each entry has now: its author's last edit that counts.
    pub fn edits(&self) -> BTreeMap<EntryHash, EntryHash> {
        let mut last = BTreeMap::new();
        self.each_related(|target, entry, act| {
            let whole = target.payload.is_some();
            if whole && matches!(act, Act::Edit(_)) && entry.order.author == target.order.author {
                last.insert(target.order.hash, entry.order.hash);
            }
        });
        last
    }

    /// Who has put which sign on what.
    pub fn reactions(&self) -> BTreeSet<(EntryHash, DeviceId, String)> {
        let mut on_now = BTreeSet::new();
        self.each_related(|target, entry, act| {
            if let Act::React { emoji, on } = act {
                let sign = (target.order.hash, entry.order.author, emoji.clone());
                if *on {
                    on_now.insert(sign)
                } else {
                    on_now.remove(&sign)
                };
            }
        });
        on_now
    }

    fn each_related(&self, mut each: impl FnMut(&StoredEntry, &StoredEntry, &Act)) {
        let by_hash: BTreeMap<EntryHash, &StoredEntry> = self.entries.iter().map(|e| (e.order.hash, e)).collect();
        for (target, said) in &self.related {
            for entry in said.iter().filter_map(|hash| by_hash.get(hash)).filter(|entry| self.counts(entry)) {
                if let (Some(target), Some(Body::About { act, .. })) = (by_hash.get(target), body(entry)) {
                    each(target, entry, &act);
                }
            }
        }
    }
}

/// What an entry says.
pub fn body(entry: &StoredEntry) -> Option<Body> {
    Body::decode(entry.kind, entry.payload.as_deref()?).ok()
}

/// What an entry's author signed.
pub fn header(entry: &StoredEntry) -> Result<Header, String> {
    Header::decode(&entry.header).map_err(|error| error.to_string())
}
