//! Which blobs this device wants, who has them, and from whom one is being fetched. The bytes never pass through here:
//! the link layer moves them from disk to disk on bulk links, and reports.
//!
//! A wanted blob is asked for by AskBlob among the linked members of its room; the first who says yes is dialled for a
//! bulk link and asked for it. When that fails, the next one who said yes is tried; when nobody is left it waits until
//! a member comes.

use crate::ids::{BlobHash, DeviceId, RoomId};
use crate::wire::limits::BLOB_FETCHES;
use std::collections::{BTreeMap, BTreeSet};

/// Bulk fetches under way at one time, in all.
const ACTIVE: usize = 2;
/// Failed sources after which a blob is given up.
const HOPELESS: u32 = 5;

/// One blob that is wanted.
#[derive(Debug)]
pub(crate) struct Want {
    pub(crate) room: RoomId,
    pub(crate) size: u64,
    /// Who said yes and has not failed since.
    holders: BTreeSet<DeviceId>,
    /// From whom it is being fetched.
    pub(crate) from: Option<DeviceId>,
    /// How often a source failed.
    failures: u32,
}

/// All that is wanted.
#[derive(Default)]
pub(crate) struct Files {
    wants: BTreeMap<BlobHash, Want>,
}

impl Files {
    /// Wants a blob. False when too many are wanted already.
    pub(crate) fn want(&mut self, room: RoomId, blob: BlobHash, size: u64) -> bool {
        if !self.wants.contains_key(&blob) && self.wants.len() >= BLOB_FETCHES {
            return false;
        }
        self.wants.entry(blob).or_insert(Want { room, size, holders: BTreeSet::new(), from: None, failures: 0 });
        true
    }

    /// How many are wanted.
    pub(crate) fn len(&self) -> usize {
        self.wants.len()
    }

    /// What is wanted of a room.
    pub(crate) fn wanted_in(&self, room: RoomId) -> Vec<BlobHash> {
        self.wants.iter().filter(|(_, want)| want.room == room).map(|(blob, _)| *blob).collect()
    }

    /// A member says that it has the blob.
    pub(crate) fn held(&mut self, blob: BlobHash, by: DeviceId) {
        if let Some(want) = self.wants.get_mut(&blob) {
            want.holders.insert(by);
        }
    }

    /// The next fetches to start, each with its source. A peer serves one at a time: one bulk link, one stream.
    pub(crate) fn start(&mut self) -> Vec<(BlobHash, DeviceId, RoomId)> {
        let mut busy: BTreeSet<DeviceId> = self.wants.values().filter_map(|want| want.from).collect();
        let mut started = Vec::new();
        for (blob, want) in &mut self.wants {
            if busy.len() >= ACTIVE {
                break;
            }
            if want.from.is_some() {
                continue;
            }
            let Some(source) = want.holders.iter().find(|holder| !busy.contains(*holder)).copied() else { continue };
            want.from = Some(source);
            busy.insert(source);
            started.push((*blob, source, want.room));
        }
        started
    }

    /// What is to be fetched from a peer whose bulk link has come up.
    pub(crate) fn from(&self, peer: DeviceId) -> Option<(BlobHash, u64)> {
        self.wants.iter().find(|(_, want)| want.from == Some(peer)).map(|(blob, want)| (*blob, want.size))
    }

    /// The source failed: it is not asked again until it says yes anew. Returns whether somebody else may be tried.
    pub(crate) fn failed(&mut self, blob: BlobHash, from: DeviceId) -> bool {
        let Some(want) = self.wants.get_mut(&blob) else { return false };
        want.holders.remove(&from);
        want.failures += 1;
        if want.from == Some(from) {
            want.from = None;
        }
        !want.holders.is_empty()
    }

    /// Whether links for it failed so often that going on would only burn both sides' time.
    pub(crate) fn is_hopeless(&self, blob: BlobHash) -> bool {
        self.wants.get(&blob).is_some_and(|want| want.failures >= HOPELESS)
    }

    /// Whether a peer has more that is wanted.
    pub(crate) fn has_more_from(&self, peer: DeviceId) -> bool {
        self.wants.values().any(|want| want.from.is_none() && want.holders.contains(&peer))
    }

    /// A peer is gone: what came from it waits for another. Returns the blobs that were coming.
    pub(crate) fn lost(&mut self, peer: DeviceId) -> Vec<BlobHash> {
        let mut waiting = Vec::new();
        for (blob, want) in &mut self.wants {
            want.holders.remove(&peer);
            if want.from == Some(peer) {
                want.from = None;
                waiting.push(*blob);
            }
        }
        waiting
    }

    /// The blob is here, or nobody wants it any more. Returns the room in whose name it was wanted.
    pub(crate) fn done(&mut self, blob: BlobHash) -> Option<RoomId> {
        self.wants.remove(&blob).map(|want| want.room)
    }

    /// The room is gone.
    pub(crate) fn forget(&mut self, room: RoomId) {
        self.wants.retain(|_, want| want.room != room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId([0; 32]);

    fn blob(n: u16) -> BlobHash {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&n.to_be_bytes());
        BlobHash(id)
    }

    #[test]
    fn a_source_that_fails_gives_way_to_the_next() {
        let mut files = Files::default();
        let (a, b) = (DeviceId([1; 32]), DeviceId([2; 32]));
        assert!(files.want(ROOM, blob(1), 10));
        files.held(blob(1), a);
        files.held(blob(1), b);
        assert_eq!(files.start(), vec![(blob(1), a, ROOM)]);
        assert_eq!(files.start(), vec![], "one fetch a blob");
        assert!(files.failed(blob(1), a));
        assert_eq!(files.start(), vec![(blob(1), b, ROOM)]);
        assert!(!files.failed(blob(1), b), "nobody is left");
        assert_eq!(files.start(), vec![]);
    }

    #[test]
    fn wants_are_bounded() {
        let mut files = Files::default();
        for n in 0..BLOB_FETCHES as u16 {
            assert!(files.want(ROOM, blob(n), 1));
        }
        assert!(!files.want(ROOM, blob(u16::MAX), 1));
        assert!(files.want(ROOM, blob(0), 1), "wanting again is free");
    }
}
