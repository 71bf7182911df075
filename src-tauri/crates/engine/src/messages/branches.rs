//! Logs that were written twice, and where each entry of one is filed.
//!
//! Who signs two entries for one place in a log tells different people different things, or was restored from a copy. Both
//! histories are kept: from that place on the log ends, and each of the two goes on in a *branch*, a log of its own that
//! is named after its first entry:
//!
//! ```text
//! branch id = first 16 bytes of KDF("natter 2026-11 branch v1", hash of its first entry)
//! ```
//! The name is the same wherever it is computed, so that members who saw different halves first end up with the same
//! logs, and ask each other for what they lack as they do for any other. An entry's header goes on naming the log that its
//! author meant; [`Branches::file`] says in which branch it belongs, by what it follows.

use crate::ids::{EntryHash, LogId, LogKey};
use crate::wire::Header;
use crate::wire::limits::BRANCHES_PER_AUTHOR;
use std::collections::BTreeMap;

/// The logs of a room that were written twice.
#[derive(Clone, Debug, Default)]
pub struct Branches {
    splits: BTreeMap<LogKey, Split>,
    parents: BTreeMap<LogKey, LogKey>,
}

#[derive(Clone, Debug)]
struct Split {
    at: u64,
    firsts: BTreeMap<EntryHash, LogKey>,
}

/// Where an entry belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filed {
    /// In this log.
    In(LogKey),
    /// It is one more for a place at which this log was split.
    Another(LogKey),
    /// Behind a split, and what it follows is not at hand.
    Unknown,
}

/// The branch that begins with an entry.
pub fn branch(log: LogKey, first: EntryHash) -> LogKey {
    let name = blake3::derive_key("natter 2026-11 branch v1", &first.0);
    let mut id = [0; 16];
    id.copy_from_slice(&name[..16]);
    LogKey { author: log.author, log: LogId(id) }
}

impl Branches {
    /// A log has this entry, and at least one other, at a place. Returns the branch that it begins.
    pub fn add(&mut self, log: LogKey, at: u64, first: EntryHash) -> LogKey {
        let branch = branch(log, first);
        self.splits.entry(log).or_insert_with(|| Split { at, firsts: BTreeMap::new() }).firsts.insert(first, branch);
        self.parents.insert(branch, log);
        branch
    }

    /// The first place of a log that was written twice: the log itself ends before it.
    pub fn split_at(&self, log: LogKey) -> Option<u64> {
        self.splits.get(&log).map(|split| split.at)
    }

    /// The first entries of a log's branches.
    pub fn firsts(&self, log: LogKey) -> impl Iterator<Item = (EntryHash, LogKey)> {
        self.splits.get(&log).into_iter().flat_map(|split| split.firsts.iter().map(|(first, branch)| (*first, *branch)))
    }

    /// The logs that were split, and where.
    pub fn splits(&self) -> impl Iterator<Item = (LogKey, u64)> {
        self.splits.iter().map(|(log, split)| (*log, split.at))
    }

    /// All branches, each with its log.
    pub fn all(&self) -> impl Iterator<Item = (LogKey, LogKey)> {
        self.parents.iter().map(|(branch, log)| (*branch, *log))
    }

    /// The log that a branch belongs to, and the place at which it begins.
    pub fn parent(&self, branch: LogKey) -> Option<(LogKey, u64)> {
        let parent = self.parents.get(&branch)?;
        Some((*parent, self.splits.get(parent)?.at))
    }

    /// The log that an author meant, of which this is a branch, or a branch of a branch.
    pub fn root(&self, log: LogKey) -> LogKey {
        let mut log = log;
        while let Some(parent) = self.parents.get(&log) {
            log = *parent;
        }
        log
    }

    /// Whether an author's logs may have so many branches more: who forks without end is not followed.
    pub fn has_room_for(&self, log: LogKey, more: usize) -> bool {
        self.parents.keys().filter(|branch| branch.author == log.author).count() + more <= BRANCHES_PER_AUTHOR
    }

    /// Where an entry belongs. `end` tells which entry is known at a place of a log, if it is at hand.
    pub fn file(&self, header: &Header, hash: EntryHash, end: impl Fn(LogKey, u64) -> Option<EntryHash>) -> Filed {
        let log = header.log;
        let Some(split) = self.splits.get(&log).filter(|split| header.seq >= split.at) else { return Filed::In(log) };
        let mut family = vec![(log, split)];
        let mut n = 0;
        while let Some((_, split)) = family.get(n).copied() {
            if let Some(branch) = split.firsts.get(&hash).filter(|_| header.seq == split.at) {
                return Filed::In(*branch);
            }
            family.extend(split.firsts.values().filter_map(|branch| Some((*branch, self.splits.get(branch)?))));
            n += 1;
        }
        if header.seq == split.at {
            return Filed::Another(log);
        }
        let before = |log: LogKey| header.prev.is_some() && end(log, header.seq - 1) == header.prev;
        let found = self.parents.keys().filter(|branch| self.root(**branch) == log).copied().find(|log| before(*log));
        match found {
            Some(log) if self.split_at(log) == Some(header.seq) => Filed::Another(log),
            Some(log) => Filed::In(log),
            None => Filed::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{DeviceId, RoomId};
    use crate::time::{Hlc, UnixMillis};

    const LOG: LogKey = LogKey { author: DeviceId([1; 32]), log: LogId([0; 16]) };

    fn hash(n: u8) -> EntryHash {
        EntryHash([n; 32])
    }

    fn header(seq: u64, prev: Option<u8>) -> Header {
        Header {
            kind: crate::wire::kind::TEXT,
            flags: 0,
            room: RoomId([0; 32]),
            log: LOG,
            seq,
            prev: prev.map(hash),
            clock: Hlc(seq),
            written: UnixMillis(0),
            parents: Vec::new(),
            payload_len: 0,
            commitment: [0; 32],
        }
    }

    #[test]
    fn an_entry_is_filed_by_what_it_follows() {
        let mut branches = Branches::default();
        let nothing = |_: LogKey, _: u64| None;
        assert_eq!(branches.file(&header(9, Some(8)), hash(9), nothing), Filed::In(LOG), "no log was split");
        let (one, two) = (branches.add(LOG, 5, hash(51)), branches.add(LOG, 5, hash(52)));
        assert_ne!(one, two);
        let inner = branches.add(one, 7, hash(71));
        branches.add(one, 7, hash(72));
        let known = |log: LogKey, seq: u64| match (seq, log) {
            (5, log) if log == one => Some(hash(51)),
            (6, log) if log == one => Some(hash(61)),
            (5, log) if log == two => Some(hash(52)),
            (7, log) if log == inner => Some(hash(71)),
            _ => None,
        };
        for (seq, prev, own, filed) in [
            (4, Some(3), 4, Filed::In(LOG)),
            (5, Some(4), 51, Filed::In(one)),
            (5, Some(4), 52, Filed::In(two)),
            (5, Some(4), 53, Filed::Another(LOG)),
            (6, Some(51), 61, Filed::In(one)),
            (6, Some(52), 62, Filed::In(two)),
            (6, Some(53), 63, Filed::Unknown),
            (7, Some(61), 71, Filed::In(inner)),
            (7, Some(61), 73, Filed::Another(one)),
            (8, Some(71), 81, Filed::In(inner)),
        ] {
            assert_eq!(branches.file(&header(seq, prev), hash(own), known), filed, "{own} at {seq}");
        }
        assert_eq!((branches.root(inner), branches.parent(inner)), (LOG, Some((one, 7))));
    }

    #[test]
    fn an_author_may_have_so_many_branches_and_no_more() {
        let mut branches = Branches::default();
        for n in 0..BRANCHES_PER_AUTHOR {
            assert!(branches.has_room_for(LOG, 1));
            branches.add(LOG, 1, hash(n as u8));
        }
        assert!(!branches.has_room_for(LOG, 1));
        let other = LogKey { author: DeviceId([2; 32]), ..LOG };
        assert!(branches.has_room_for(other, BRANCHES_PER_AUTHOR));
    }
}
