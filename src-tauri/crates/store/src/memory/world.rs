//! The disk of a memory store: every write, and how to take it back.

use super::room::Room;
use crate::error::StoreError;
use crate::limits::{CIRCLE_SETTING, EXPIRED_ENTRIES, INVITE_LINKS_PER_ROOM, SEARCH_HITS};
use crate::words::{self, Query};
use crate::{Hit, Place, spoken};
use natter_engine::ids::{BlobHash, BrokerUrl, DeviceId, EntryHash, LogId, LogKey, RoomId};
use natter_engine::messages::branches::branch;
use natter_engine::port::{Branch, Op, OrderKey, Profile, Standing, StoreTrouble, StoredEntry};
use natter_engine::signaling::InviteLink;
use natter_engine::time::UnixMillis;
use natter_engine::wire::kind;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

/// Everything, as a disk would hold it.
#[derive(Clone, Default)]
pub(super) struct World {
    /// Handles of earlier lives are dead.
    pub(super) life: u64,
    pub(super) next_trouble: Option<StoreTrouble>,
    pub(super) trouble: Option<StoreTrouble>,
    pub(super) identity: Option<([u8; 32], LogId, Profile)>,
    pub(super) rooms: BTreeMap<RoomId, Room>,
    pub(super) settings: BTreeMap<String, Vec<u8>>,
    pub(super) blobs: BTreeMap<BlobHash, Arc<[u8]>>,
    /// All entries of all rooms by their place in time, see [`spoken::places`].
    pub(super) places: BTreeMap<u64, (RoomId, OrderKey)>,
}

/// How to take a step back: a transaction keeps one for each step taken.
pub(super) enum Undo {
    RemoveRoom(RoomId),
    RestoreRoom(RoomId, Box<Room>, Vec<(u64, OrderKey)>),
    Standing(RoomId, Standing, Vec<BrokerUrl>, Option<InviteLink>),
    Epoch(RoomId, u32, Option<[u8; 32]>),
    Entry { room: RoomId, log: LogKey, seq: u64, order: OrderKey, place: u64, erased: Vec<StoredEntry> },
    Erased(RoomId, Vec<StoredEntry>),
    Split(RoomId, Box<Unsplit>),
    Frontier(RoomId, BTreeSet<EntryHash>),
    Held(RoomId, (DeviceId, LogKey), Option<u64>),
    Read(RoomId, Option<OrderKey>),
    Invites(RoomId, Vec<InviteLink>),
    Profile(Profile),
    Log(LogId),
    Setting(&'static str, Option<Vec<u8>>),
}

/// A room's logs as they were before a split.
pub(super) struct Unsplit {
    branches: BTreeMap<(LogKey, u64, EntryHash), Branch>,
    held: BTreeMap<(DeviceId, LogKey), u64>,
    logs: BTreeMap<LogKey, BTreeMap<u64, OrderKey>>,
    /// What was moved, and from where.
    moved: Option<(LogKey, Vec<OrderKey>)>,
}

impl World {
    fn room(&mut self, room: RoomId) -> Result<&mut Room, StoreError> {
        self.rooms.get_mut(&room).ok_or(StoreError::NoSuchRoom(room))
    }

    pub(super) fn apply(&mut self, op: &Op) -> Result<Option<Undo>, StoreError> {
        Ok(match op {
            Op::PutRoom { room, standing, brokers, invite } => {
                let undo = match self.rooms.get_mut(room) {
                    Some(old) => Undo::Standing(
                        *room,
                        old.standing,
                        std::mem::take(&mut old.brokers),
                        std::mem::take(&mut old.invite),
                    ),
                    None => Undo::RemoveRoom(*room),
                };
                let entry = self.rooms.entry(*room).or_insert_with(|| Room::new(*standing));
                entry.standing = *standing;
                entry.brokers.clone_from(brokers);
                entry.invite.clone_from(invite);
                Some(undo)
            }
            Op::PutEpoch { room, epoch, key } => {
                let old = self.room(*room)?.epochs.insert(*epoch, *key);
                Some(Undo::Epoch(*room, *epoch, old))
            }
            Op::PutEntry(entry) => self.put_entry(entry)?,
            Op::Split { room, log, at, ours, branches } => Some(self.split(*room, *log, *at, *ours, branches)?),
            Op::PutFrontier { room, frontier } => {
                let old = std::mem::replace(&mut self.room(*room)?.frontier, frontier.iter().copied().collect());
                Some(Undo::Frontier(*room, old))
            }
            Op::PutHeld { room, holder, log, seq } => {
                let old = self.room(*room)?.held.insert((*holder, *log), *seq);
                Some(Undo::Held(*room, (*holder, *log), old))
            }
            Op::PutRead { room, upto } => {
                let old = self.room(*room)?.read.replace(*upto);
                Some(Undo::Read(*room, old))
            }
            Op::PutInvite { room, link } => {
                let invites = &mut self.room(*room)?.invites;
                if invites.contains(link) {
                    return Ok(None);
                }
                let old = invites.clone();
                invites.push(link.clone());
                if invites.len() > INVITE_LINKS_PER_ROOM {
                    invites.remove(0);
                }
                Some(Undo::Invites(*room, old))
            }
            Op::PutLog(log) => {
                let Some((_, own, _)) = &mut self.identity else { return Err(StoreError::NoIdentity) };
                Some(Undo::Log(std::mem::replace(own, *log)))
            }
            Op::PutProfile(profile) => {
                let Some((_, _, shown)) = &mut self.identity else { return Err(StoreError::NoIdentity) };
                Some(Undo::Profile(std::mem::replace(shown, profile.clone())))
            }
            Op::PutCircle(room) => {
                let old = self.settings.insert(CIRCLE_SETTING.to_owned(), room.0.to_vec());
                Some(Undo::Setting(CIRCLE_SETTING, old))
            }
            Op::Erase { room, target } => {
                let Some(kept) = self.rooms.get_mut(room) else { return Ok(None) };
                let spoken = kept.entry(target).filter(|entry| kind::SPOKEN.contains(&entry.kind));
                let Some(order) = spoken.map(|entry| entry.order) else { return Ok(None) };
                Some(Undo::Erased(*room, erase(kept, &order)))
            }
            Op::ForgetRoom(room) => self.rooms.remove(room).map(|old| {
                let of_room = |_: &u64, (of, _): &mut (RoomId, OrderKey)| of == room;
                let places = self.places.extract_if(.., of_room).map(|(place, (_, order))| (place, order)).collect();
                Undo::RestoreRoom(*room, Box::new(old), places)
            }),
        })
    }

    fn put_entry(&mut self, entry: &StoredEntry) -> Result<Option<Undo>, StoreError> {
        let room = self.room(entry.room)?;
        if room.orders.contains_key(&entry.order.hash) {
            return Ok(None);
        }
        if room.logs.get(&entry.log).is_some_and(|log| log.contains_key(&entry.seq)) {
            return Err(StoreError::Conflict { seq: entry.seq });
        }
        let mut entry = entry.clone();
        let edited = entry.target.filter(|_| entry.kind == kind::EDIT).and_then(|target| room.entry(&target));
        if edited.is_some_and(|edited| spoken::is_erased(edited) && edited.order.author == entry.order.author) {
            spoken::erase(&mut entry);
        }
        entry.words = spoken::words(&entry).map(str::to_owned);
        entry.expires = spoken::expires(&entry);
        // An edit that came before what it edits.
        let erased = if spoken::is_erased(&entry) { erase(room, &entry.order) } else { Vec::new() };
        let StoredEntry { room: id, log, seq, order, shown, .. } = entry;
        room.logs.entry(log).or_default().insert(seq, order);
        room.orders.insert(order.hash, order);
        room.entries.insert(order, entry);
        let place = self.free_place(shown);
        self.places.insert(place, (id, order));
        Ok(Some(Undo::Entry { room: id, log, seq, order, place, erased }))
    }

    fn split(
        &mut self,
        id: RoomId,
        log: LogKey,
        at: u64,
        ours: Option<EntryHash>,
        branches: &[Branch],
    ) -> Result<Undo, StoreError> {
        let room = self.room(id)?;
        let heir = ours.map(|first| branch(log, first));
        let later = room.logs.get(&log).map(|places| places.range(at..).map(|(seq, order)| (*seq, *order)));
        let later: Vec<(u64, OrderKey)> = later.filter(|_| heir.is_some()).into_iter().flatten().collect();
        let taken = heir.and_then(|heir| room.logs.get(&heir));
        if let Some((seq, _)) = later.iter().find(|(seq, _)| taken.is_some_and(|taken| taken.contains_key(seq))) {
            return Err(StoreError::Conflict { seq: *seq });
        }
        let (branches_before, held, logs) = (room.branches.clone(), room.held.clone(), room.logs.clone());
        for one in branches {
            room.branches.entry((log, at, one.first)).or_insert_with(|| one.clone());
        }
        if let (Some(heir), Some(places)) = (heir, room.logs.get_mut(&log)) {
            places.split_off(&at);
            if places.is_empty() {
                room.logs.remove(&log);
            }
            for (_, order) in &later {
                if let Some(entry) = room.entries.get_mut(order) {
                    entry.log = heir;
                }
            }
            if !later.is_empty() {
                room.logs.entry(heir).or_default().extend(later.iter().copied());
            }
        }
        for ((_, _), seq) in room.held.iter_mut().filter(|((_, of), seq)| *of == log && **seq >= at) {
            *seq = at - 1;
        }
        let moved = heir.map(|_| (log, later.into_iter().map(|(_, order)| order).collect()));
        Ok(Undo::Split(id, Box::new(Unsplit { branches: branches_before, held, logs, moved })))
    }

    fn free_place(&self, shown: UnixMillis) -> u64 {
        let (first, last) = spoken::places(shown);
        match self.places.range(first..=last).next_back() {
            None => first,
            Some((taken, _)) if *taken < last => taken + 1,
            Some(_) => self.places.last_key_value().map_or(first, |(taken, _)| taken + 1),
        }
    }

    pub(super) fn undo(&mut self, undo: Undo) {
        let mut with = |room: RoomId, back: &mut dyn FnMut(&mut Room)| {
            if let Some(room) = self.rooms.get_mut(&room) {
                back(room);
            }
        };
        match undo {
            Undo::RemoveRoom(room) => drop(self.rooms.remove(&room)),
            Undo::RestoreRoom(room, old, places) => {
                self.rooms.insert(room, *old);
                self.places.extend(places.into_iter().map(|(place, order)| (place, (room, order))));
            }
            Undo::Standing(room, standing, brokers, invite) => with(room, &mut |room| {
                room.standing = standing;
                room.brokers.clone_from(&brokers);
                room.invite.clone_from(&invite);
            }),
            Undo::Epoch(room, epoch, old) => with(room, &mut |room| match old {
                Some(key) => drop(room.epochs.insert(epoch, key)),
                None => drop(room.epochs.remove(&epoch)),
            }),
            Undo::Erased(room, whole) => {
                with(room, &mut |room| room.entries.extend(whole.iter().map(|entry| (entry.order, entry.clone()))))
            }
            Undo::Entry { room, log, seq, order, place, erased } => {
                with(room, &mut |room| {
                    room.entries.extend(erased.iter().map(|entry| (entry.order, entry.clone())));
                    room.entries.remove(&order);
                    room.orders.remove(&order.hash);
                    if let Some(entries) = room.logs.get_mut(&log) {
                        entries.remove(&seq);
                        if entries.is_empty() {
                            room.logs.remove(&log);
                        }
                    }
                });
                self.places.remove(&place);
            }
            Undo::Split(room, old) => with(room, &mut |room| {
                room.branches.clone_from(&old.branches);
                room.held.clone_from(&old.held);
                room.logs.clone_from(&old.logs);
                let moved = old.moved.iter().flat_map(|(log, orders)| orders.iter().map(|order| (*log, order)));
                for (log, order) in moved {
                    if let Some(entry) = room.entries.get_mut(order) {
                        entry.log = log;
                    }
                }
            }),
            Undo::Frontier(room, old) => with(room, &mut |room| room.frontier.clone_from(&old)),
            Undo::Held(room, key, old) => with(room, &mut |room| match old {
                Some(seq) => drop(room.held.insert(key, seq)),
                None => drop(room.held.remove(&key)),
            }),
            Undo::Read(room, old) => with(room, &mut |room| room.read = old),
            Undo::Invites(room, old) => with(room, &mut |room| room.invites.clone_from(&old)),
            Undo::Log(old) => {
                if let Some((_, own, _)) = &mut self.identity {
                    *own = old;
                }
            }
            Undo::Setting(key, old) => {
                match old {
                    Some(old) => self.settings.insert(key.to_owned(), old),
                    None => self.settings.remove(key),
                };
            }
            Undo::Profile(old) => {
                if let Some((_, _, shown)) = &mut self.identity {
                    *shown = old;
                }
            }
        }
    }

    pub(super) fn may_write(&mut self) -> Result<(), StoreError> {
        match self.next_trouble.take().or(self.trouble) {
            None => Ok(()),
            Some(StoreTrouble::DiskFull) => Err(StoreError::DiskFull),
            Some(StoreTrouble::Locked) => Err(StoreError::Locked),
            Some(StoreTrouble::Damaged) => Err(StoreError::Damaged("as the test asked".to_owned())),
            Some(StoreTrouble::Failed) => Err(StoreError::Io(std::io::Error::other("as the test asked"))),
        }
    }

    pub(super) fn blob_rooms(&self, blob: &BlobHash) -> Vec<RoomId> {
        let offers = |room: &Room| room.entries.values().any(|entry| entry.blobs.contains(blob));
        self.rooms.iter().filter(|(_, room)| offers(room)).map(|(id, _)| *id).collect()
    }

    /// See `Fetch::Expired`.
    pub(super) fn expired(&self, by: UnixMillis) -> spoken::Expired {
        let mut all: Vec<(UnixMillis, RoomId, OrderKey)> = self
            .rooms
            .iter()
            .flat_map(|(room, kept)| {
                kept.entries.values().filter_map(|entry| Some((entry.expires?, *room, entry.order)))
            })
            .collect();
        all.sort_unstable();
        let due = all.iter().take(EXPIRED_ENTRIES).take_while(|(at, ..)| *at <= by).count();
        (all[..due].iter().map(|(_, room, order)| (*room, order.hash)).collect(), all.get(due).map(|(at, ..)| *at))
    }

    /// See [`crate::Store::search`].
    pub(super) fn search(
        &self,
        query: &Query,
        room: Option<RoomId>,
        author: Option<DeviceId>,
        before: Option<Place>,
        limit: usize,
    ) -> Vec<Hit> {
        let end = before.map_or(Bound::Unbounded, |place| Bound::Excluded(place.0));
        self.places
            .range((Bound::Unbounded, end))
            .rev()
            .filter(|(_, (of, order))| {
                room.is_none_or(|room| room == *of) && author.is_none_or(|author| author == order.author)
            })
            .filter_map(|(place, (of, order))| {
                let room = self.rooms.get(of)?;
                let entry = room.entries.get(order)?;
                if entry.payload.is_none() || !kind::SPOKEN.contains(&entry.kind) {
                    return None;
                }
                let words = room.wording(entry)?;
                let found = query.finds(&words::of_text(&words).collect::<Vec<_>>());
                found.then(|| Hit { entry: entry.clone(), words, place: Place(*place) })
            })
            .take(limit.min(SEARCH_HITS))
            .collect()
    }
}

/// Erases an entry and its author's edits of it, and tells what they were.
fn erase(room: &mut Room, order: &OrderKey) -> Vec<StoredEntry> {
    let mut whole: Vec<StoredEntry> = room.edits(order).cloned().collect();
    whole.extend(room.entries.get(order).cloned());
    for entry in &whole {
        if let Some(entry) = room.entries.get_mut(&entry.order) {
            spoken::erase(entry);
        }
    }
    whole
}
