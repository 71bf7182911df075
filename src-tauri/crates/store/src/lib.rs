//! Where Natter keeps what it knows.
//!
//! The engine decides and this crate remembers: it carries out [`Op`]s in transactions that are durable when
//! [`Store::commit`] returns, answers [`Fetch`]es, hands everything back at start as a [`Boot`], and lets the host
//! read timelines. Two stores do so, the same in every answer (crate module `conformance` holds them to it):
//!
//! - [`sqlite::SqliteStore`]: SQLite in WAL mode with `synchronous=FULL` under SQLCipher. One writer connection, one
//!   reader connection, so that scrolling never waits for an fsync; one process at a time.
//! - [`memory::MemoryStore`]: the twin that the simulator crashes and breaks thousands of times a minute.
//!
//! Around them: [`worker`] folds waiting writes into one transaction, [`blobs`] keeps sealed files by content,
//! [`vault`] keeps the key to it all, and [`backup`] carries a whole profile out of the house and back.

pub mod backup;
pub mod blobs;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod disk;
pub mod error;
pub mod key;
pub mod limits;
pub mod memory;
mod spoken;
pub mod sqlite;
pub mod vault;
mod words;
pub mod worker;

pub use error::StoreError;
pub use key::StoreKey;

use natter_engine::ids::{BlobHash, DeviceId, EntryHash, LogId, RoomId};
use natter_engine::port::{Boot, Fetch, Op, OrderKey, Profile, Stored, StoredEntry};
use natter_engine::time::UnixMillis;

/// What is new in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Unread {
    /// How many, at most [`limits::UNREAD_COUNTED`] (which then reads "or more").
    pub count: u32,
    /// Where they begin.
    pub first: Option<EntryHash>,
}

/// Where a [`Hit`] stands among all that can be found, newest first: to go on from there. Says nothing else, and is good
/// for as long as the database is, also once its hit was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub u64);

/// A message that was searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The message as it was first said, with its room and its place in the room's order.
    pub entry: StoredEntry,
    /// Its words as they are now, in which the query was found.
    pub words: String,
    /// Where to go on for older ones.
    pub place: Place,
}

/// A place that remembers. All calls block; none holds more than one answer in memory.
pub trait Store: Send + Sync {
    /// Everything the engine must know to go on; none while no identity was created.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    fn boot(&self) -> Result<Option<Boot>, StoreError>;

    /// Makes this install's identity, durably.
    ///
    /// # Errors
    /// [`StoreError::AlreadyCreated`] when there is one, which stays as it is.
    fn create(&self, secret: [u8; 32], log: LogId, profile: &Profile) -> Result<(), StoreError>;

    /// Carries out all of `ops` in one transaction, which is durable (fsynced) when this returns.
    ///
    /// # Errors
    /// Nothing of it happened.
    fn commit(&self, ops: &[Op]) -> Result<(), StoreError>;

    /// Carries out several requests with the cost of one: each happens or fails by itself, in order, and all that
    /// happened are durable when this returns. Holds one result for each request.
    fn commit_group(&self, requests: &[&[Op]]) -> Vec<Result<(), StoreError>> {
        requests.iter().map(|ops| self.commit(ops)).collect()
    }

    /// Answers the engine.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    fn fetch(&self, fetch: &Fetch) -> Result<Stored, StoreError>;

    /// The last entries of these kinds before a place in the room's order (or at its end), oldest first: at most
    /// `limit`, at most [`limits::TIMELINE_ENTRIES`]. A room that is not here has none.
    ///
    /// # Errors
    /// [`StoreError::TooMany`] for more than [`limits::KINDS`] kinds.
    fn timeline(
        &self,
        room: RoomId,
        before: Option<OrderKey>,
        limit: usize,
        kinds: &[u16],
    ) -> Result<Vec<StoredEntry>, StoreError>;

    /// The first entries of these kinds after a place in the room's order, oldest first: at most `limit`, at most
    /// [`limits::TIMELINE_ENTRIES`]. A room that is not here has none.
    ///
    /// # Errors
    /// As [`Store::timeline`].
    fn timeline_after(
        &self,
        room: RoomId,
        after: OrderKey,
        limit: usize,
        kinds: &[u16],
    ) -> Result<Vec<StoredEntry>, StoreError>;

    /// The first entries of any kind after a place in the room's order (or from its beginning), oldest first: at most
    /// `limit`, at most [`limits::TIMELINE_ENTRIES`], within [`limits::ENTRIES_BYTES`]. A room that is not here has none.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    fn history(&self, room: RoomId, after: Option<OrderKey>, limit: usize) -> Result<Vec<StoredEntry>, StoreError>;

    /// Where to jump for a date: of the entries of these kinds that show `time` or later, the one that shows the
    /// earliest time; of several that show the same, the first in the room's order. Shown times grow along causes but
    /// not along the whole order, so that an entry before it may show a later time: of one whose clock was ahead, say.
    ///
    /// # Errors
    /// As [`Store::timeline`].
    fn at(&self, room: RoomId, time: UnixMillis, kinds: &[u16]) -> Result<Option<OrderKey>, StoreError>;

    /// What was said of these entries (`wire::kind::ABOUT`), in the room's order: the last
    /// [`limits::RELATED_PER_TARGET`] of each.
    ///
    /// # Errors
    /// [`StoreError::TooMany`] for more than [`limits::TIMELINE_ENTRIES`] targets.
    fn related(&self, room: RoomId, targets: &[EntryHash]) -> Result<Vec<StoredEntry>, StoreError>;

    /// What is pinned: of each target that its last PIN in the room's order pins, that PIN; the newest first, at most
    /// [`limits::PINNED`]. The targets need not be here.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    fn pinned(&self, room: RoomId) -> Result<Vec<StoredEntry>, StoreError>;

    /// Full text over all rooms or one, of all authors or one, newest shown time first: at most `limit`, at most
    /// [`limits::SEARCH_HITS`], older than `before`. A message is found by the words that it has now: those of its
    /// author's last EDIT in the room's order, or its own. All words of the query must occur in it, each at least as a
    /// beginning; case and diacritics do not count; in scripts without spaces any part of a run is found. A query without
    /// a word finds nothing, and no sign in it has a meaning.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a query over [`limits::QUERY_BYTES`], [`StoreError::TooMany`] over
    /// [`limits::QUERY_WORDS`].
    fn search(
        &self,
        query: &str,
        room: Option<RoomId>,
        author: Option<DeviceId>,
        before: Option<Place>,
        limit: usize,
    ) -> Result<Vec<Hit>, StoreError>;

    /// Those of `blobs` that no entry here offers, in the order asked: their files may go.
    ///
    /// # Errors
    /// [`StoreError::TooMany`] for more than [`limits::UNOFFERED_BLOBS`].
    fn unoffered(&self, blobs: &[BlobHash]) -> Result<Vec<BlobHash>, StoreError>;

    /// What a person began to write in a room.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    fn draft(&self, room: RoomId) -> Result<Option<String>, StoreError>;

    /// The drafts of all rooms, by room.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    fn drafts(&self) -> Result<Vec<(RoomId, String)>, StoreError>;

    /// Keeps what a person began to write, durably; none removes it. It goes with its room.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] over [`limits::DRAFT_BYTES`], [`StoreError::NoSuchRoom`]; nothing happened.
    fn put_draft(&self, room: RoomId, text: Option<&str>) -> Result<(), StoreError>;

    /// One entry. What has no payload has no words, and only what can be erased expires: `words` and `expires` of others
    /// are not kept.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    fn entry(&self, room: RoomId, hash: EntryHash) -> Result<Option<StoredEntry>, StoreError>;

    /// What others wrote after a place in the room's order (or at all) and is not erased.
    ///
    /// # Errors
    /// [`StoreError::TooMany`] for more than [`limits::KINDS`] kinds.
    fn unread(&self, room: RoomId, own: DeviceId, after: Option<OrderKey>, kinds: &[u16])
    -> Result<Unread, StoreError>;

    /// The last entry of these kinds, erased or not.
    ///
    /// # Errors
    /// As [`Store::timeline`].
    fn last(&self, room: RoomId, kinds: &[u16]) -> Result<Option<StoredEntry>, StoreError> {
        Ok(self.timeline(room, None, 1, kinds)?.pop())
    }

    /// A setting of the host's.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// The keys of all settings, sorted.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    fn setting_keys(&self) -> Result<Vec<String>, StoreError>;

    /// Writes a setting of the host's, durably; none removes it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a key or value over [`limits::SETTING_KEY_BYTES`] or [`limits::SETTING_BYTES`],
    /// [`StoreError::TooMany`] beyond [`limits::SETTINGS`]; nothing happened.
    fn put_setting(&self, key: &str, value: Option<&[u8]>) -> Result<(), StoreError>;
}
