//! A room in memory: the same reads by plain code.

use crate::limits::{self, ENTRIES_BYTES, PINNED, RELATED_PER_TARGET};
use crate::spoken;
use natter_engine::ids::{BrokerUrl, DeviceId, EntryHash, LogKey, RoomId};
use natter_engine::port::{BootRoom, Branch, Found, OrderKey, Standing, StoredEntry};
use natter_engine::signaling::InviteLink;
use natter_engine::time::UnixMillis;
use natter_engine::wire::kind;
use std::collections::{BTreeMap, BTreeSet};

/// A room and all that is kept of it.
#[derive(Clone)]
pub(super) struct Room {
    pub(super) standing: Standing,
    pub(super) brokers: Vec<BrokerUrl>,
    pub(super) invite: Option<InviteLink>,
    pub(super) epochs: BTreeMap<u32, [u8; 32]>,
    pub(super) entries: BTreeMap<OrderKey, StoredEntry>,
    pub(super) orders: BTreeMap<EntryHash, OrderKey>,
    pub(super) logs: BTreeMap<LogKey, BTreeMap<u64, OrderKey>>,
    pub(super) branches: BTreeMap<(LogKey, u64, EntryHash), Branch>,
    pub(super) frontier: BTreeSet<EntryHash>,
    pub(super) held: BTreeMap<(DeviceId, LogKey), u64>,
    pub(super) read: Option<OrderKey>,
    pub(super) invites: Vec<InviteLink>,
    pub(super) draft: Option<String>,
}

impl Room {
    pub(super) fn new(standing: Standing) -> Self {
        Self {
            standing,
            brokers: Vec::new(),
            invite: None,
            epochs: BTreeMap::new(),
            entries: BTreeMap::new(),
            orders: BTreeMap::new(),
            logs: BTreeMap::new(),
            branches: BTreeMap::new(),
            frontier: BTreeSet::new(),
            held: BTreeMap::new(),
            read: None,
            invites: Vec::new(),
            draft: None,
        }
    }

    pub(super) fn boot(&self, room: RoomId) -> BootRoom {
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
            branches: self.branches.values().cloned().collect(),
            frontier: {
                let known = self.frontier.iter().filter_map(|hash| self.entry(hash));
                let mut frontier: Vec<_> = known.map(|entry| (entry.order, entry.shown)).collect();
                frontier.sort();
                frontier
            },
            state: self.entries.values().filter(|entry| in_state(entry)).cloned().collect(),
            held: self.held.iter().map(|((holder, log), seq)| (*holder, *log, *seq)).collect(),
            read: self.read,
            invites: self.invites.clone(),
        }
    }

    pub(super) fn entry(&self, hash: &EntryHash) -> Option<&StoredEntry> {
        self.orders.get(hash).and_then(|order| self.entries.get(order))
    }

    pub(super) fn found(&self, hash: &EntryHash) -> Option<Found> {
        self.entry(hash).map(|entry| Found {
            order: entry.order,
            shown: entry.shown,
            log: entry.log,
            seq: entry.seq,
            kind: entry.kind,
            whole: entry.payload.is_some(),
        })
    }

    pub(super) fn entries(&self, log: &LogKey, from: u64, to: u64, limit: usize) -> Vec<StoredEntry> {
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

    /// The whole edits that an entry's author made of it, in order.
    pub(super) fn edits(&self, of: &OrderKey) -> impl Iterator<Item = &StoredEntry> {
        self.entries.values().filter(|entry| {
            entry.kind == kind::EDIT
                && entry.target == Some(of.hash)
                && entry.order.author == of.author
                && entry.payload.is_some()
        })
    }

    pub(super) fn related(&self, targets: &[EntryHash]) -> Vec<StoredEntry> {
        let mut counts: BTreeMap<EntryHash, usize> = targets.iter().map(|target| (*target, 0)).collect();
        let mut counts_in = |entry: &StoredEntry| {
            let count = entry.target.filter(|_| kind::ABOUT.contains(&entry.kind)).and_then(|t| counts.get_mut(&t));
            count.is_some_and(|count| {
                *count += 1;
                *count <= RELATED_PER_TARGET
            })
        };
        let mut related: Vec<StoredEntry> =
            self.entries.values().rev().filter(|entry| counts_in(entry)).cloned().collect();
        related.reverse();
        related
    }

    pub(super) fn pinned(&self) -> Vec<StoredEntry> {
        let mut seen = BTreeSet::new();
        self.entries
            .values()
            .rev()
            .filter_map(|entry| Some((entry, entry.target?, spoken::pins(entry)?)))
            .filter(|(_, target, _)| seen.insert(*target))
            .filter(|(.., pins)| *pins)
            .take(PINNED)
            .map(|(entry, ..)| entry.clone())
            .collect()
    }

    pub(super) fn at(&self, time: UnixMillis, kinds: &[u16]) -> Option<OrderKey> {
        let later = self.entries.values().filter(|entry| kinds.contains(&entry.kind) && entry.shown >= time);
        later.min_by_key(|entry| (entry.shown, entry.order)).map(|entry| entry.order)
    }

    /// The words that an entry has now.
    pub(super) fn wording(&self, entry: &StoredEntry) -> Option<String> {
        self.edits(&entry.order).last().unwrap_or(entry).words.clone()
    }
}
