//! The twin in memory: the same answers, no disk, and switches for everything that can go wrong with one.
//!
//! Handles share one store, as processes share a disk. [`MemoryStore::crash`] is the power cut: what was committed
//! stays, and every older handle is dead.

mod room;
mod world;

use crate::error::StoreError;
use crate::limits::{self, LOOKUP_HASHES, SETTINGS, TIMELINE_ENTRIES, UNREAD_COUNTED};
use crate::words::Query;
use crate::{Hit, Place, Store, Unread};
use natter_engine::ids::{BlobHash, DeviceId, EntryHash, LogId, RoomId};
use natter_engine::port::{Boot, Fetch, Op, OrderKey, Profile, StoreTrouble, Stored, StoredEntry};
use natter_engine::time::UnixMillis;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use world::World;

/// A store that lives as long as its last handle.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Mutex<World>>,
    life: u64,
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

    /// Another disk with the same on it, as a backup has it. What happens to one does not happen to the other.
    #[must_use = "the other disk"]
    pub fn copy(&self) -> Self {
        let world = World { trouble: None, next_trouble: None, ..self.world().clone() };
        Self { life: world.life, shared: Arc::new(Mutex::new(world)) }
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
        let circle = world.settings.get(limits::CIRCLE_SETTING).and_then(|room| RoomId::from_slice(room));
        Ok(Some(Boot { secret, log, profile, rooms, circle }))
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
                    hashes.iter().filter_map(|hash| room.and_then(|room| room.found(hash))).collect(),
                )
            }
            Fetch::Expired { ticket, by } => {
                let (expired, next) = world.expired(*by);
                Stored::Expired(*ticket, expired, next)
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

    fn timeline_after(
        &self,
        room: RoomId,
        after: OrderKey,
        limit: usize,
        kinds: &[u16],
    ) -> Result<Vec<StoredEntry>, StoreError> {
        limits::check_kinds(kinds)?;
        let world = self.alive()?;
        let Some(room) = world.rooms.get(&room) else { return Ok(Vec::new()) };
        let later = room.entries.range((Bound::Excluded(after), Bound::Unbounded)).map(|(_, entry)| entry);
        let chosen = later.filter(|entry| kinds.contains(&entry.kind)).take(limit.min(TIMELINE_ENTRIES));
        Ok(chosen.cloned().collect())
    }

    fn history(&self, room: RoomId, after: Option<OrderKey>, limit: usize) -> Result<Vec<StoredEntry>, StoreError> {
        let world = self.alive()?;
        let Some(room) = world.rooms.get(&room) else { return Ok(Vec::new()) };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let later = room.entries.range((from, Bound::Unbounded)).map(|(_, entry)| entry.clone());
        Ok(limits::within_bytes(later.take(limit.min(TIMELINE_ENTRIES))))
    }

    fn at(&self, room: RoomId, time: UnixMillis, kinds: &[u16]) -> Result<Option<OrderKey>, StoreError> {
        limits::check_kinds(kinds)?;
        Ok(self.alive()?.rooms.get(&room).and_then(|room| room.at(time, kinds)))
    }

    fn related(&self, room: RoomId, targets: &[EntryHash]) -> Result<Vec<StoredEntry>, StoreError> {
        limits::check_targets(targets)?;
        Ok(self.alive()?.rooms.get(&room).map(|room| room.related(targets)).unwrap_or_default())
    }

    fn pinned(&self, room: RoomId) -> Result<Vec<StoredEntry>, StoreError> {
        Ok(self.alive()?.rooms.get(&room).map(|room| room.pinned()).unwrap_or_default())
    }

    fn search(
        &self,
        query: &str,
        room: Option<RoomId>,
        author: Option<DeviceId>,
        before: Option<Place>,
        limit: usize,
    ) -> Result<Vec<Hit>, StoreError> {
        let Some(query) = Query::parse(query)? else { return Ok(Vec::new()) };
        Ok(self.alive()?.search(&query, room, author, before, limit))
    }

    fn unoffered(&self, blobs: &[BlobHash]) -> Result<Vec<BlobHash>, StoreError> {
        limits::check_unoffered(blobs)?;
        let world = self.alive()?;
        Ok(blobs.iter().filter(|blob| world.blob_rooms(blob).is_empty()).copied().collect())
    }

    fn draft(&self, room: RoomId) -> Result<Option<String>, StoreError> {
        Ok(self.alive()?.rooms.get(&room).and_then(|room| room.draft.clone()))
    }

    fn drafts(&self) -> Result<Vec<(RoomId, String)>, StoreError> {
        let world = self.alive()?;
        Ok(world.rooms.iter().filter_map(|(id, room)| Some((*id, room.draft.clone()?))).collect())
    }

    fn put_draft(&self, room: RoomId, text: Option<&str>) -> Result<(), StoreError> {
        limits::check_draft(text)?;
        let mut world = self.alive()?;
        world.may_write()?;
        let kept = world.rooms.get_mut(&room).ok_or(StoreError::NoSuchRoom(room))?;
        kept.draft = text.map(str::to_owned);
        Ok(())
    }

    fn entry(&self, room: RoomId, hash: EntryHash) -> Result<Option<StoredEntry>, StoreError> {
        let world = self.alive()?;
        let Some(room) = world.rooms.get(&room) else { return Ok(None) };
        Ok(room.entry(&hash).cloned())
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
            .filter(|(order, entry)| order.author != own && kinds.contains(&entry.kind) && entry.payload.is_some())
            .take(UNREAD_COUNTED as usize)
            .map(|(order, _)| order.hash)
            .peekable();
        Ok(Unread { first: unread.peek().copied(), count: unread.count() as u32 })
    }

    fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.alive()?.settings.get(key).cloned())
    }

    fn setting_keys(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.alive()?.settings.keys().cloned().collect())
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
    use natter_engine::port::Standing;

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
