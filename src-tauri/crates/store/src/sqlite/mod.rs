//! The store on disk: SQLite in WAL mode under SQLCipher, for one process at a time.
//!
//! A profile directory holds
//! ```text
//! natter.lock    locked (flock) while a process has the profile open; says nothing
//! natter.check   a one-way print of the key: tells a wrong key from a damaged file
//! natter.db      SQLCipher 4; its first 16 bytes (the salt) are derived from the key and tell the same
//! natter.db-wal  the write-ahead log; what was acknowledged last may be here alone
//! blobs/         see `blobs`
//! ```
//! Nothing is ever created over something: a database is made under another name and renamed once whole, and when it
//! is gone, empty, foreign or damaged later, that is an error and the file stays as it is for a person to rescue.
//!
//! Durability: `synchronous=FULL` fsyncs the WAL at each commit (<https://sqlite.org/wal.html>), before
//! [`crate::Store::commit`] returns: to lose an entry of our own that a peer already has would fork our log. A WAL
//! whose tail is torn loses that tail at recovery and nothing else; SQLite cannot tell it from a commit that never
//! ended, which is why a start also asks the members for our own head.

mod about;
mod branches;
mod drafts;
mod entries;
mod migrate;
mod open;
mod read;
mod rows;
mod search;
mod write;

use crate::blobs::Blobs;
use crate::error::StoreError;
use crate::key::StoreKey;
use crate::{Hit, Place, Store, Unread};
use natter_engine::ids::{BlobHash, DeviceId, EntryHash, LogId, RoomId};
use natter_engine::port::{Boot, Fetch, Op, OrderKey, Profile, Stored, StoredEntry};
use natter_engine::time::UnixMillis;
use open::Lock;
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A profile's database, open and locked for this process until dropped.
pub struct SqliteStore {
    // Dropped in this order: the writer goes last of the connections and so checkpoints the WAL, then the lock.
    reader: Mutex<Connection>,
    writer: Mutex<Connection>,
    blobs: Arc<Blobs>,
    _lock: Lock,
}

impl SqliteStore {
    /// Opens the profile in `dir`, making directory and database if neither ever was.
    ///
    /// # Errors
    /// [`StoreError::Locked`] at once while another process has it; [`StoreError::WrongKey`],
    /// [`StoreError::Damaged`], [`StoreError::Missing`], [`StoreError::TooNew`], [`StoreError::DiskFull`] or an IO
    /// error. The files are then as they were.
    pub fn open(dir: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        open::open(dir, key)
    }

    /// The files by content in the same profile, sealed with a key derived from the same secret.
    pub fn blobs(&self) -> &Arc<Blobs> {
        &self.blobs
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        // A panic cannot leave a transaction open: rusqlite rolls back on drop.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was forgotten shall not linger in the WAL either. A reader in the way only puts it off.
    fn scrub_after(&self, forgotten: bool) {
        if !forgotten {
            return;
        }
        let truncated = self.writer().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        if !matches!(truncated, Ok(0)) {
            tracing::debug!("the write-ahead log is in use and will be scrubbed later");
        }
    }

    #[cfg(test)]
    fn limit_pages(&self, pages: i64) {
        self.writer().query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get::<_, i64>(0)).unwrap();
    }
}

fn forgets(ops: &[Op]) -> bool {
    ops.iter().any(|op| matches!(op, Op::ForgetRoom(_) | Op::Erase { .. }))
}

impl Store for SqliteStore {
    fn boot(&self) -> Result<Option<Boot>, StoreError> {
        let mut reader = self.reader();
        // Many queries, one snapshot.
        let snapshot = reader.transaction()?;
        read::boot(&snapshot)
    }

    fn create(&self, secret: [u8; 32], log: LogId, profile: &Profile) -> Result<(), StoreError> {
        write::create(&mut self.writer(), &secret, log, profile)
    }

    fn commit(&self, ops: &[Op]) -> Result<(), StoreError> {
        let result = write::commit(&mut self.writer(), ops);
        self.scrub_after(result.is_ok() && forgets(ops));
        result
    }

    fn commit_group(&self, requests: &[&[Op]]) -> Vec<Result<(), StoreError>> {
        let results = write::commit_group(&mut self.writer(), requests);
        self.scrub_after(requests.iter().zip(&results).any(|(ops, result)| result.is_ok() && forgets(ops)));
        results
    }

    fn fetch(&self, fetch: &Fetch) -> Result<Stored, StoreError> {
        let reader = self.reader();
        Ok(match fetch {
            Fetch::Entries { ticket, room, log, from, to, limit } => {
                Stored::Entries(*ticket, read::entries(&reader, *room, log, *from, *to, *limit)?)
            }
            Fetch::Lookup { ticket, room, hashes } => Stored::Known(*ticket, read::lookup(&reader, *room, hashes)?),
            Fetch::Expired { ticket, by } => {
                let (expired, next) = read::expired(&reader, *by)?;
                Stored::Expired(*ticket, expired, next)
            }
            Fetch::BlobRooms { ticket, blob } => {
                Stored::BlobRooms(*ticket, read::blob_rooms(&reader, blob)?, self.blobs.has(blob))
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
        read::timeline(&self.reader(), room, before, limit, kinds)
    }

    fn timeline_after(
        &self,
        room: RoomId,
        after: OrderKey,
        limit: usize,
        kinds: &[u16],
    ) -> Result<Vec<StoredEntry>, StoreError> {
        read::timeline_after(&self.reader(), room, after, limit, kinds)
    }

    fn history(&self, room: RoomId, after: Option<OrderKey>, limit: usize) -> Result<Vec<StoredEntry>, StoreError> {
        read::history(&self.reader(), room, after, limit)
    }

    fn at(&self, room: RoomId, time: UnixMillis, kinds: &[u16]) -> Result<Option<OrderKey>, StoreError> {
        read::at(&self.reader(), room, time, kinds)
    }

    fn related(&self, room: RoomId, targets: &[EntryHash]) -> Result<Vec<StoredEntry>, StoreError> {
        let mut reader = self.reader();
        let snapshot = reader.transaction()?;
        about::related(&snapshot, room, targets)
    }

    fn pinned(&self, room: RoomId) -> Result<Vec<StoredEntry>, StoreError> {
        about::pinned(&self.reader(), room)
    }

    fn search(
        &self,
        query: &str,
        room: Option<RoomId>,
        author: Option<DeviceId>,
        before: Option<Place>,
        limit: usize,
    ) -> Result<Vec<Hit>, StoreError> {
        let mut reader = self.reader();
        let snapshot = reader.transaction()?;
        search::search(&snapshot, query, room, author, before, limit)
    }

    fn unoffered(&self, blobs: &[BlobHash]) -> Result<Vec<BlobHash>, StoreError> {
        let mut reader = self.reader();
        let snapshot = reader.transaction()?;
        read::unoffered(&snapshot, blobs)
    }

    fn draft(&self, room: RoomId) -> Result<Option<String>, StoreError> {
        drafts::draft(&self.reader(), room)
    }

    fn drafts(&self) -> Result<Vec<(RoomId, String)>, StoreError> {
        drafts::drafts(&self.reader())
    }

    fn put_draft(&self, room: RoomId, text: Option<&str>) -> Result<(), StoreError> {
        drafts::put(&mut self.writer(), room, text)
    }

    fn entry(&self, room: RoomId, hash: EntryHash) -> Result<Option<StoredEntry>, StoreError> {
        read::entry(&self.reader(), room, hash)
    }

    fn unread(
        &self,
        room: RoomId,
        own: DeviceId,
        after: Option<OrderKey>,
        kinds: &[u16],
    ) -> Result<Unread, StoreError> {
        read::unread(&self.reader(), room, own, after, kinds)
    }

    fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        read::setting(&self.reader(), key)
    }

    fn setting_keys(&self) -> Result<Vec<String>, StoreError> {
        read::setting_keys(&self.reader())
    }

    fn put_setting(&self, key: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        write::put_setting(&mut self.writer(), key, value)
    }
}

#[cfg(test)]
mod tests;
