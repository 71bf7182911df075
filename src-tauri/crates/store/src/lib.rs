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
//! Around them: [`worker`] folds waiting writes into one transaction, [`blobs`] keeps sealed files by content, and
//! [`vault`] keeps the key to it all.

pub mod blobs;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod disk;
pub mod error;
pub mod key;
pub mod limits;
pub mod memory;
pub mod sqlite;
pub mod vault;
pub mod worker;

pub use error::StoreError;
pub use key::StoreKey;

use natter_engine::ids::{DeviceId, EntryHash, LogId, RoomId};
use natter_engine::port::{Boot, Fetch, Op, OrderKey, Profile, Stored, StoredEntry};

/// What is new in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Unread {
    /// How many, at most [`limits::UNREAD_COUNTED`] (which then reads "or more").
    pub count: u32,
    /// Where they begin.
    pub first: Option<EntryHash>,
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

    /// One entry.
    ///
    /// # Errors
    /// Any [`StoreError`] of reading.
    fn entry(&self, room: RoomId, hash: EntryHash) -> Result<Option<StoredEntry>, StoreError>;

    /// What others wrote after a place in the room's order (or at all).
    ///
    /// # Errors
    /// [`StoreError::TooMany`] for more than [`limits::KINDS`] kinds.
    fn unread(&self, room: RoomId, own: DeviceId, after: Option<OrderKey>, kinds: &[u16])
    -> Result<Unread, StoreError>;

    /// The last entry of these kinds.
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

    /// Writes a setting of the host's, durably; none removes it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a key or value over [`limits::SETTING_KEY_BYTES`] or [`limits::SETTING_BYTES`],
    /// [`StoreError::TooMany`] beyond [`limits::SETTINGS`]; nothing happened.
    fn put_setting(&self, key: &str, value: Option<&[u8]>) -> Result<(), StoreError>;
}
