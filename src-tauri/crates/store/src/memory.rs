//! The twin in memory: the same answers, no disk, and switches for everything that can go wrong with one.
//!
//! Handles share one store, as processes share a disk. [`MemoryStore::crash`] is the power cut: what was committed
//! stays, and every older handle is dead.

use crate::error::StoreError;
use crate::limits::{
    self, ENTRIES_BYTES, INVITE_LINKS_PER_ROOM, LOOKUP_HASHES, SETTINGS, TIMELINE_ENTRIES, UNREAD_COUNTED,
};
use crate::{Store, Unread};
use natter_engine::ids::{BlobHash, BrokerUrl, DeviceId, EntryHash, LogId, LogKey, RoomId};
use natter_engine::port::{Boot, BootRoom, Fetch, Op, OrderKey, Profile, Standing, StoreTrouble, Stored, StoredEntry};
use natter_engine::signaling::InviteLink;
use natter_engine::time::UnixMillis;
use natter_engine::wire::kind;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A store that lives as long as its last handle.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Mutex<World>>,
    life: u64,
}

#[derive(Default)]
struct World {
    /// Handles of earlier lives are dead.
    life: u64,
    next_trouble: Option<StoreTrouble>,
    trouble: Option<StoreTrouble>,
    identity: Option<([u8; 32], LogId, Profile)>,
    rooms: BTreeMap<RoomId, Room>,
    settings: BTreeMap<String, Vec<u8>>,
    blobs: BTreeMap<BlobHash, Arc<[u8]>>,
}

struct Room {
    standing: Standing,
    brokers: Vec<BrokerUrl>,
    invite: Option<InviteLink>,
    epochs: BTreeMap<u32, [u8; 32]>,
    entries: BTreeMap<OrderKey, StoredEntry>,
    orders: BTreeMap<EntryHash, OrderKey>,
    logs: BTreeMap<LogKey, BTreeMap<u64, OrderKey>>,
    frontier: BTreeSet<EntryHash>,
    held: BTreeMap<(DeviceId, LogKey), u64>,
    read: Option<OrderKey>,
    invites: Vec<InviteLink>,
}

impl Room {
    fn new(standing: Standing) -> Self {
        Self {
            standing,
            brokers: Vec::new(),
            invite: None,
            epochs: BTreeMap::new(),
            entries: BTreeMap::new(),
            orders: BTreeMap::new(),
            logs: BTreeMap::new(),
            frontier: BTreeSet::new(),
            held: BTreeMap::new(),
            read: None,
            invites: Vec::new(),
        }
    }

    fn boot(&self, room: RoomId) -> BootRoom {
        let mut last: BTreeMap<(u16, DeviceId), OrderKey> = BTreeMap::new();
        for (order, entry) in &self.entries {
            if matches!(entry.kind, kind::PROFILE | kind::RECEIPT) {
                last.insert((entry.kind, order.author), *order);
            }
        }
        let in_state = |entry: &StoredEntry| {
            entry.kind < kind::FIRST_MESSAGE || last.get(&(entry.kind, entry.order.author)) == Some(&entry.order)
        };
        BootRoom {
            room,
            standing: self.standing,
            brokers: self.brokers.clone(),
            invite: self.invite.clone(),
            epochs: self.epochs.iter().map(|(epoch, key)| (*epoch, *key)).collect(),
            heads: self
                .logs
                .values()
                .filter_map(|log| log.last_key_value())
                .filter_map(|(_, order)| self.entries.get(order))
                .cloned()
                .collect(),
            frontier: {
                let mut frontier: Vec<_> = self.frontier.iter().filter_map(|hash| self.known(hash)).collect();
                frontier.sort();
                frontier
            },
            state: self.entries.values().filter(|entry| in_state(entry)).cloned().collect(),
            held: self.held.iter().map(|((holder, log), seq)| (*holder, *log, *seq)).collect(),
            read: self.read,
            invites: self.invites.clone(),
        }
    }

    fn known(&self, hash: &EntryHash) -> Option<(OrderKey, UnixMillis)> {
        self.orders.get(hash).and_then(|order| self.entries.get(order)).map(|entry| (entry.order, entry.shown))
    }

    fn entries(&self, log: &LogKey, from: u64, to: u64, limit: usize) -> Vec<StoredEntry> {
        let Some(log) = self.logs.get(log) else { return Vec::new() };
        if from > to {
            return Vec::new();
        }
        let mut bytes = 0;
        let mut entries: Vec<StoredEntry> = Vec::new();
        for entry in log.range(from..=to).take(limit).filter_map(|(_, order)| self.entries.get(order)) {
            bytes += limits::weight(entry);
            if bytes > ENTRIES_BYTES && !entries.is_empty() {
                break;
            }
            entries.push(entry.clone());
        }
        entries
    }
}

/// How to take a step back: a transaction keeps one for each step taken.
enum Undo {
    RemoveRoom(RoomId),
    RestoreRoom(RoomId, Box<Room>),
    Standing(RoomId, Standing, Vec<BrokerUrl>, Option<InviteLink>),
    Epoch(RoomId, u32, Option<[u8; 32]>),
    Entry(RoomId, LogKey, u64, OrderKey),
    Frontier(RoomId, BTreeSet<EntryHash>),
    Held(RoomId, (DeviceId, LogKey), Option<u64>),
    Read(RoomId, Option<OrderKey>),
    Invites(RoomId, Vec<InviteLink>),
    Profile(Profile),
}

impl World {
    fn room(&mut self, room: RoomId) -> Result<&mut Room, StoreError> {
        self.rooms.get_mut(&room).ok_or(StoreError::NoSuchRoom(room))
    }

    fn apply(&mut self, op: &Op) -> Result<Option<Undo>, StoreError> {
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
            Op::PutProfile(profile) => {
                let Some((_, _, shown)) = &mut self.identity else { return Err(StoreError::NoIdentity) };
                Some(Undo::Profile(std::mem::replace(shown, profile.clone())))
            }
            Op::ForgetRoom(room) => self.rooms.remove(room).map(|old| Undo::RestoreRoom(*room, Box::new(old))),
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
        room.logs.entry(entry.log).or_default().insert(entry.seq, entry.order);
        room.orders.insert(entry.order.hash, entry.order);
        room.entries.insert(entry.order, entry.clone());
        Ok(Some(Undo::Entry(entry.room, entry.log, entry.seq, entry.order)))
    }

    fn undo(&mut self, undo: Undo) {
        let mut with = |room: RoomId, back: &mut dyn FnMut(&mut Room)| {
            if let Some(room) = self.rooms.get_mut(&room) {
                back(room);
            }
        };
        match undo {
            Undo::RemoveRoom(room) => drop(self.rooms.remove(&room)),
            Undo::RestoreRoom(room, old) => drop(self.rooms.insert(room, *old)),
            Undo::Standing(room, standing, brokers, invite) => with(room, &mut |room| {
                room.standing = standing;
                room.brokers.clone_from(&brokers);
                room.invite.clone_from(&invite);
            }),
            Undo::Epoch(room, epoch, old) => with(room, &mut |room| match old {
                Some(key) => drop(room.epochs.insert(epoch, key)),
                None => drop(room.epochs.remove(&epoch)),
            }),
            Undo::Entry(room, log, seq, order) => with(room, &mut |room| {
                room.entries.remove(&order);
                room.orders.remove(&order.hash);
                if let Some(entries) = room.logs.get_mut(&log) {
                    entries.remove(&seq);
                    if entries.is_empty() {
                        room.logs.remove(&log);
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
            Undo::Profile(old) => {
                if let Some((_, _, shown)) = &mut self.identity {
                    *shown = old;
                }
            }
        }
    }

    fn may_write(&mut self) -> Result<(), StoreError> {
        match self.next_trouble.take().or(self.trouble) {
            None => Ok(()),
            Some(StoreTrouble::DiskFull) => Err(StoreError::DiskFull),
            Some(StoreTrouble::Locked) => Err(StoreError::Locked),
            Some(StoreTrouble::Damaged) => Err(StoreError::Damaged("as the test asked".to_owned())),
            Some(StoreTrouble::Failed) => Err(StoreError::Io(std::io::Error::other("as the test asked"))),
        }
    }

    fn blob_rooms(&self, blob: &BlobHash) -> Vec<RoomId> {
        let offers = |room: &Room| room.entries.values().any(|entry| entry.blobs.contains(blob));
        self.rooms.iter().filter(|(_, room)| offers(room)).map(|(id, _)| *id).collect()
    }
}

impl MemoryStore {
    /// An empty one.
    pub fn new() -> Self {
        Self { shared: Arc::default(), life: 0 }
    }

    /// The next write fails so, whole; reads and later writes work.
    pub fn fail_next(&self, trouble: StoreTrouble) {
        self.world().next_trouble = Some(trouble);
    }

    /// Every write fails so until this is called with none.
    pub fn fail_while(&self, trouble: Option<StoreTrouble>) {
        self.world().trouble = trouble;
    }

    /// Cuts the power: this handle and its clones answer [`StoreError::Closed`] from now on, and the one returned
    /// has all that was committed.
    #[must_use = "the handle that survives"]
    pub fn crash(&self) -> Self {
        let mut world = self.world();
        world.life += 1;
        Self { shared: self.shared.clone(), life: world.life }
    }

    /// Puts a content among the blobs, as the blob store would.
    pub fn put_blob(&self, bytes: &[u8]) -> BlobHash {
        let hash = BlobHash(*blake3::hash(bytes).as_bytes());
        self.world().blobs.insert(hash, bytes.into());
        hash
    }

    /// A content.
    pub fn blob(&self, hash: &BlobHash) -> Option<Arc<[u8]>> {
        self.world().blobs.get(hash).cloned()
    }

    /// Takes a content away.
    pub fn remove_blob(&self, hash: &BlobHash) {
        self.world().blobs.remove(hash);
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alive(&self) -> Result<MutexGuard<'_, World>, StoreError> {
        let world = self.world();
        if world.life == self.life { Ok(world) } else { Err(StoreError::Closed) }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for MemoryStore {
    fn boot(&self) -> Result<Option<Boot>, StoreError> {
        let world = self.alive()?;
        let Some((secret, log, profile)) = world.identity.clone() else { return Ok(None) };
        let rooms = world.rooms.iter().map(|(id, room)| room.boot(*id)).collect();
        Ok(Some(Boot { secret, log, profile, rooms }))
    }

    fn create(&self, secret: [u8; 32], log: LogId, profile: &Profile) -> Result<(), StoreError> {
        limits::check_profile(profile)?;
        let mut world = self.alive()?;
        world.may_write()?;
        if world.identity.is_some() {
            return Err(StoreError::AlreadyCreated);
        }
        world.identity = Some((secret, log, profile.clone()));
        Ok(())
    }

    fn commit(&self, ops: &[Op]) -> Result<(), StoreError> {
        limits::check(ops)?;
        let mut world = self.alive()?;
        world.may_write()?;
        let mut done = Vec::with_capacity(ops.len());
        for op in ops {
            match world.apply(op) {
                Ok(undo) => done.extend(undo),
                Err(error) => {
                    for undo in done.into_iter().rev() {
                        world.undo(undo);
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn fetch(&self, fetch: &Fetch) -> Result<Stored, StoreError> {
        let world = self.alive()?;
        Ok(match fetch {
            Fetch::Entries { ticket, room, log, from, to, limit } => {
                let entries = world.rooms.get(room).map(|room| room.entries(log, *from, *to, *limit));
                Stored::Entries(*ticket, entries.unwrap_or_default())
            }
            Fetch::Lookup { ticket, room, hashes } => {
                if hashes.len() > LOOKUP_HASHES {
                    return Err(StoreError::TooMany("hashes"));
                }
                let room = world.rooms.get(room);
                Stored::Known(
                    *ticket,
                    hashes.iter().filter_map(|hash| room.and_then(|room| room.known(hash))).collect(),
                )
            }
            Fetch::BlobRooms { ticket, blob } => {
                Stored::BlobRooms(*ticket, world.blob_rooms(blob), world.blobs.contains_key(blob))
            }
        })
    }

    fn timeline(
        &self,
        room: RoomId,
        before: Option<OrderKey>,
        limit: usize,
        kinds: &[u16],
    ) -> Result<Vec<StoredEntry>, StoreError> {
        limits::check_kinds(kinds)?;
        let world = self.alive()?;
        let Some(room) = world.rooms.get(&room) else { return Ok(Vec::new()) };
        let end = before.map_or(Bound::Unbounded, Bound::Excluded);
        let mut entries: Vec<StoredEntry> = room
            .entries
            .range((Bound::Unbounded, end))
            .rev()
            .map(|(_, entry)| entry)
            .filter(|entry| kinds.contains(&entry.kind))
            .take(limit.min(TIMELINE_ENTRIES))
            .cloned()
            .collect();
        entries.reverse();
        Ok(entries)
    }

    fn entry(&self, room: RoomId, hash: EntryHash) -> Result<Option<StoredEntry>, StoreError> {
        let world = self.alive()?;
        let Some(room) = world.rooms.get(&room) else { return Ok(None) };
        Ok(room.orders.get(&hash).and_then(|order| room.entries.get(order)).cloned())
    }

    fn unread(
        &self,
        room: RoomId,
        own: DeviceId,
        after: Option<OrderKey>,
        kinds: &[u16],
    ) -> Result<Unread, StoreError> {
        limits::check_kinds(kinds)?;
        let world = self.alive()?;
        let Some(room) = world.rooms.get(&room) else { return Ok(Unread::default()) };
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut unread = room
            .entries
            .range((start, Bound::Unbounded))
            .filter(|(order, entry)| order.author != own && kinds.contains(&entry.kind))
            .take(UNREAD_COUNTED as usize)
            .map(|(order, _)| order.hash)
            .peekable();
        Ok(Unread { first: unread.peek().copied(), count: unread.count() as u32 })
    }

    fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.alive()?.settings.get(key).cloned())
    }

    fn put_setting(&self, key: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        limits::check_setting(key, value)?;
        let mut world = self.alive()?;
        world.may_write()?;
        let Some(value) = value else {
            world.settings.remove(key);
            return Ok(());
        };
        if world.settings.len() >= SETTINGS && !world.settings.contains_key(key) {
            return Err(StoreError::TooMany("settings"));
        }
        world.settings.insert(key.to_owned(), value.to_vec());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_keeps_what_was_committed_and_kills_older_handles() {
        let before = MemoryStore::new();
        before.create([1; 32], LogId([2; 16]), &Profile::default()).unwrap();
        let after = before.crash();
        assert!(matches!(before.boot(), Err(StoreError::Closed)));
        assert!(matches!(before.clone().commit(&[]), Err(StoreError::Closed)));
        assert_eq!(after.boot().unwrap().unwrap().secret, [1; 32]);
    }

    #[test]
    fn a_fault_fails_one_write_whole_and_then_is_over() {
        let store = MemoryStore::new();
        let room = RoomId([3; 32]);
        let put = [Op::PutRoom { room, standing: Standing::Member, brokers: Vec::new(), invite: None }];
        for trouble in [StoreTrouble::DiskFull, StoreTrouble::Locked, StoreTrouble::Damaged, StoreTrouble::Failed] {
            store.fail_next(trouble);
            assert_eq!(store.commit(&put).unwrap_err().trouble(), trouble);
        }
        store.commit(&put).unwrap();
        store.fail_while(Some(StoreTrouble::DiskFull));
        assert!(store.commit(&put).is_err());
        assert!(store.put_setting("theme", Some(b"dark")).is_err());
        store.fail_while(None);
        store.commit(&put).unwrap();
    }
}
