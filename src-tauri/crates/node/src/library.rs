//! What the mirror asks of the disk. A read that fails is logged and answered with nothing: the state is then poorer,
//! never wrong, and the write side tells the person when the disk is in trouble.

use crate::mirror::said::Eyes;
use crate::mirror::{Library, UNHELD_COUNTED};
use natter_engine::ids::{BlobHash, DeviceId, EntryHash, LogKey, RoomId, Ticket};
use natter_engine::port::{Fetch, OrderKey, Stored, StoredEntry};
use natter_engine::rooms::RoomView;
use natter_engine::wire::kind;
use natter_store::limits::{TIMELINE_ENTRIES, UNREAD_COUNTED};
use natter_store::sqlite::SqliteStore;
use natter_store::{Store, StoreError};

/// Entries looked at in one read while some may not count.
const STEP: usize = 64;

/// The open database, for one pair of eyes.
pub(crate) struct Disk<'a> {
    pub(crate) store: &'a SqliteStore,
    pub(crate) own: DeviceId,
    pub(crate) eyes: Eyes,
}

impl Disk<'_> {
    /// The last shown entries before a place that count in the room, oldest first: at most `limit`.
    pub(crate) fn before(
        &self,
        view: &RoomView,
        mut before: Option<OrderKey>,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let mut found = Vec::new();
        while found.len() < limit {
            let step = self.step(view, limit - found.len());
            let page = self.store.timeline(view.room, before, step, kind::SHOWN)?;
            let is_last = page.len() < step;
            before = page.first().map(|entry| entry.order);
            found.extend(page.into_iter().rev().filter(|entry| self.eyes.see(entry, Some(view))));
            if is_last {
                break;
            }
        }
        found.truncate(limit);
        found.reverse();
        Ok(found)
    }

    /// The first entries of these kinds after a place that count in the room, oldest first: at most `limit`.
    pub(crate) fn after(
        &self,
        view: &RoomView,
        mut after: OrderKey,
        limit: usize,
        kinds: &[u16],
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let mut found = Vec::new();
        while found.len() < limit {
            let step = self.step(view, limit - found.len());
            let page = self.store.timeline_after(view.room, after, step, kinds)?;
            let is_last = page.len() < step;
            after = page.last().map_or(after, |entry| entry.order);
            found.extend(page.into_iter().filter(|entry| self.eyes.see(entry, Some(view))));
            if is_last {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// How many to read for so many that count: more where some may not.
    fn step(&self, view: &RoomView, wanted: usize) -> usize {
        let step = if self.sees_all(view) { wanted } else { wanted.max(STEP) };
        step.min(TIMELINE_ENTRIES)
    }

    fn sees_all(&self, view: &RoomView) -> bool {
        view.limits.is_empty() && self.eyes.blocked.is_empty()
    }

    /// Whether this person has written here on other devices than this one.
    fn writes_elsewhere(&self, view: &RoomView) -> bool {
        let person = view.person(self.own);
        person != self.own || view.persons.values().any(|whose| *whose == person)
    }

    /// Unread ones where not all that is here counts: each is looked at.
    fn unread_that_count(&self, view: &RoomView) -> Result<(u32, Option<EntryHash>), StoreError> {
        let (mut count, mut first) = (0, None);
        let mut after = view.read.unwrap_or(OrderKey {
            clock: natter_engine::time::Hlc(0),
            author: DeviceId([0; 32]),
            hash: EntryHash([0; 32]),
        });
        loop {
            let page = self.after(view, after, TIMELINE_ENTRIES, kind::SPOKEN)?;
            let Some(last) = page.last() else { return Ok((count, first)) };
            after = last.order;
            let others = |entry: &&StoredEntry| view.person(entry.order.author) != view.person(self.own);
            for entry in page.iter().filter(others).filter(|entry| entry.payload.is_some()) {
                count += 1;
                first = first.or(Some(entry.order.hash));
                if count == UNREAD_COUNTED {
                    return Ok((count, first));
                }
            }
        }
    }

    fn count_spoken(&self, room: RoomId, log: LogKey, seq: u64, upto: u64) -> Result<u32, StoreError> {
        let (mut count, mut from) = (0u32, seq.saturating_add(1));
        while count < UNHELD_COUNTED {
            let limit = UNHELD_COUNTED as usize;
            let fetch = Fetch::Entries { ticket: Ticket(0), room, log, from, to: upto, limit };
            let Stored::Entries(_, page) = self.store.fetch(&fetch)? else { break };
            let Some(last) = page.last() else { break };
            from = last.seq + 1;
            let spoken = page.iter().filter(|entry| kind::SPOKEN.contains(&entry.kind) && entry.payload.is_some());
            count = count.saturating_add(u32::try_from(spoken.count()).unwrap_or(UNHELD_COUNTED));
        }
        Ok(count.min(UNHELD_COUNTED))
    }
}

impl Library for Disk<'_> {
    fn unread(&self, view: &RoomView) -> (u32, Option<EntryHash>) {
        let unread = or_nothing(self.store.unread(view.room, self.own, view.read, kind::SPOKEN));
        if unread.count == 0 || self.sees_all(view) && !self.writes_elsewhere(view) {
            return (unread.count, unread.first);
        }
        or_nothing(self.unread_that_count(view))
    }

    fn last(&self, view: &RoomView) -> Option<StoredEntry> {
        or_nothing(self.before(view, None, 1)).pop()
    }

    fn entry(&self, room: RoomId, hash: EntryHash) -> Option<StoredEntry> {
        or_nothing(self.store.entry(room, hash))
    }

    fn related(&self, room: RoomId, targets: &[EntryHash]) -> Vec<StoredEntry> {
        if targets.is_empty() {
            return Vec::new();
        }
        or_nothing(self.store.related(room, targets))
    }

    fn draft(&self, room: RoomId) -> Option<String> {
        or_nothing(self.store.draft(room))
    }

    fn spoken_in(&self, room: RoomId, log: LogKey, after: u64, upto: u64) -> u32 {
        or_nothing(self.count_spoken(room, log, after, upto))
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
