//! What the mirror asks of the disk. A read that fails is logged and answered with nothing: the state is then poorer,
//! never wrong, and the write side tells the person when the disk is in trouble.

use crate::mirror::Library;
use natter_engine::ids::{BlobHash, DeviceId, EntryHash, RoomId};
use natter_engine::port::{OrderKey, StoredEntry};
use natter_engine::wire::kind;
use natter_store::sqlite::SqliteStore;
use natter_store::{Store, StoreError};

/// The open database, for one device.
pub(crate) struct Disk<'a> {
    pub(crate) store: &'a SqliteStore,
    pub(crate) own: DeviceId,
}

impl Library for Disk<'_> {
    fn unread(&self, room: RoomId, after: Option<OrderKey>) -> (u32, Option<EntryHash>) {
        let unread = or_nothing(self.store.unread(room, self.own, after, kind::SPOKEN));
        (unread.count, unread.first)
    }

    fn last(&self, room: RoomId) -> Option<StoredEntry> {
        or_nothing(self.store.last(room, kind::SHOWN))
    }

    fn has_blob(&self, blob: BlobHash) -> bool {
        self.store.blobs().has(&blob)
    }
}

fn or_nothing<T: Default>(read: Result<T, StoreError>) -> T {
    read.unwrap_or_else(|error| {
        tracing::warn!(%error, "a read for the state failed");
        T::default()
    })
}
