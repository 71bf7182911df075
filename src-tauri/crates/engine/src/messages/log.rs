//! The logs of one room: what is held, what waits for its causes, and the one batch that is on its way to the disk.
//!
//! Nothing counts before it is durable. Entries of others and drafts of our own wait in queues; one batch at a time is
//! planned against the durable state, written in one transaction and only then applied. A failed write therefore
//! changes nothing here either: drafts are refused with the reason, entries of others are dropped and asked for again.
//! While a batch is being written more gathers, which makes group commit out of a slow disk by itself.

use super::branches::{Branches, Filed};
use crate::identity::SecretKey;
use crate::ids::{CommandId, DeviceId, EntryHash, LogId, LogKey, RoomId, Ticket};
use crate::port::{Found, Op, OrderKey, StoredEntry};
use crate::time::{Hlc, UnixMillis};
use crate::wire::limits::{
    HEADER_BYTES, LOGS_GIVEN_UP, LOGS_PER_ROOM, PARENTS, PAYLOAD_BYTES, PENDING_BYTES_PER_ROOM, PENDING_PER_AUTHOR,
};
use crate::wire::{Body, Entry, Header, kind};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Entries in one transaction.
const BATCH_ENTRIES: usize = 256;
/// Hashes whose order is kept in memory; older ones are looked up on disk.
const RECENT: usize = 4096;
/// Hashes of the frontier; more than the members of a room can leave concurrent.
const FRONTIER: usize = 1024;
/// How far beyond its first sight a message may claim to have been written.
const FUTURE: Duration = Duration::from_secs(5 * 60);

/// Where a durable entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) order: OrderKey,
    pub(crate) shown: UnixMillis,
}

/// The first bytes of an entry's hash: enough to see that two are not the same.
pub(crate) type Tip = [u8; 8];

/// See [`Tip`].
pub(crate) fn tip_of(hash: EntryHash) -> Tip {
    let mut tip = [0; 8];
    tip.copy_from_slice(&hash.0[..8]);
    tip
}

/// The end of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: u64,
    pub(crate) known: Known,
}

/// An entry of somebody else whose signature is good and whose turn has not come.
struct Waiting {
    entry: Entry,
    header: Header,
    hash: EntryHash,
    live: bool,
}

/// Something this device will say as soon as the batch before it is written.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// Who waits for the answer; none when the engine itself speaks (profiles, receipts, admissions).
    pub(crate) command: Option<CommandId>,
    pub(crate) body: Body,
}

/// What is being written.
pub(crate) struct Batch {
    pub(crate) entries: Vec<(StoredEntry, Entry, bool)>,
    /// Earlier entries whose payload goes with it.
    pub(crate) erased: Vec<EntryHash>,
    pub(crate) drafts: Vec<(Draft, EntryHash)>,
    frontier: BTreeMap<EntryHash, Known>,
}

/// A plan: what to do next.
pub(crate) enum Plan {
    /// Nothing can move.
    Idle,
    /// The order of these is needed first.
    Lookup(Vec<EntryHash>),
    /// Write this.
    Write(Vec<Op>),
}

/// What happened to an entry that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It waits for its turn.
    Queued,
    /// It is durable already, or waits already.
    Duplicate,
    /// There is no room to let it wait; it will be asked for again.
    Full,
}

/// Rules that only the room knows.
pub(crate) trait Rules {
    /// Whether entries of this author are kept.
    fn admits(&self, author: DeviceId) -> bool;
    /// What a membership entry names as its causes before anything else: all membership entries that nothing else names.
    fn ends(&self) -> Vec<(OrderKey, UnixMillis)>;
    /// Whether one member may delete what another said.
    fn may_delete(&self, member: DeviceId, author: DeviceId) -> bool;
}

pub(crate) struct Logs {
    room: RoomId,
    own: LogKey,
    heads: BTreeMap<LogKey, Head>,
    frontier: BTreeMap<EntryHash, Known>,
    recent: BTreeMap<EntryHash, Known>,
    recent_order: VecDeque<EntryHash>,
    absent: BTreeSet<EntryHash>,
    waiting: BTreeMap<LogKey, BTreeMap<u64, Waiting>>,
    waiting_bytes: usize,
    /// Of these, by author.
    waiting_by: BTreeMap<DeviceId, usize>,
    drafts: VecDeque<Draft>,
    batch: Option<(Ticket, Batch)>,
    looking: Option<(Ticket, Vec<EntryHash>)>,
    latest: Hlc,
    /// Authors whose entries were turned down: not asked for again until membership changes.
    refused: BTreeSet<LogKey>,
    branches: Branches,
    /// Entries that follow another predecessor than the one that is held, found since the last look.
    doubts: Vec<(LogKey, Entry)>,
    /// Somebody holds more of these logs of ours than we do: nothing more is written in them.
    behind: BTreeSet<LogKey>,
}

impl Logs {
    pub(crate) fn new(room: RoomId, own: LogKey) -> Self {
        Self {
            room,
            own,
            heads: BTreeMap::new(),
            frontier: BTreeMap::new(),
            recent: BTreeMap::new(),
            recent_order: VecDeque::new(),
            absent: BTreeSet::new(),
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            waiting_by: BTreeMap::new(),
            drafts: VecDeque::new(),
            batch: None,
            looking: None,
            latest: Hlc::default(),
            refused: BTreeSet::new(),
            branches: Branches::default(),
            doubts: Vec::new(),
            behind: BTreeSet::new(),
        }
    }

    /// Goes on from the disk.
    pub(crate) fn restore(&mut self, heads: &[StoredEntry], frontier: &[(OrderKey, UnixMillis)], branches: Branches) {
        self.branches = branches;
        for entry in heads {
            let known = Known { order: entry.order, shown: entry.shown };
            self.heads.insert(entry.log, Head { seq: entry.seq, known });
            self.remember(known);
            self.latest = self.latest.max(entry.order.clock);
        }
        for (order, shown) in frontier {
            let known = Known { order: *order, shown: *shown };
            self.frontier.insert(order.hash, known);
            self.remember(known);
        }
    }

    /// The log that this device writes.
    pub(crate) fn own(&self) -> LogKey {
        self.own
    }

    /// From here on this device writes another.
    pub(crate) fn write_in(&mut self, own: LogKey) {
        self.own = own;
    }

    /// How far a device's logs go.
    pub(crate) fn of(&self, author: DeviceId) -> impl Iterator<Item = (LogKey, u64)> {
        let first = LogKey { author, log: LogId([0; 16]) };
        let last = LogKey { author, log: LogId([0xff; 16]) };
        self.heads.range(first..=last).map(|(log, head)| (*log, head.seq))
    }

    pub(crate) fn heads(&self) -> &BTreeMap<LogKey, Head> {
        &self.heads
    }

    /// How far a log is held. A branch begins where the log that it belongs to ends.
    pub(crate) fn head(&self, log: LogKey) -> u64 {
        let before = || self.branches.parent(log).map_or(0, |(_, at)| at - 1);
        self.heads.get(&log).map_or_else(before, |head| head.seq)
    }

    /// What the next entry of a log follows.
    fn last(&self, log: LogKey) -> Option<Head> {
        let parent = || self.branches.parent(log).and_then(|(parent, _)| self.heads.get(&parent));
        self.heads.get(&log).or_else(parent).copied()
    }

    /// How far a log is held or waits without a gap: what need not be asked for.
    pub(crate) fn reach(&self, log: LogKey) -> u64 {
        let mut reach = self.head(log);
        if let Some((_, batch)) = &self.batch {
            for (stored, ..) in batch.entries.iter().filter(|(stored, ..)| stored.log == log) {
                reach = reach.max(stored.seq);
            }
        }
        if let Some(waiting) = self.waiting.get(&log) {
            for seq in waiting.range(reach + 1..).map(|(seq, _)| *seq) {
                if seq != reach + 1 {
                    break;
                }
                reach = seq;
            }
        }
        reach
    }

    pub(crate) fn is_refused(&self, log: LogKey) -> bool {
        self.refused.contains(&log)
    }

    /// How many logs are not asked for.
    pub(crate) fn refused(&self) -> usize {
        self.refused.len()
    }

    pub(crate) fn forget_refusals(&mut self) {
        self.refused.clear();
    }

    pub(crate) fn is_writing(&self) -> bool {
        self.batch.is_some()
    }

    /// Whether the disk has something of this room's to answer.
    pub(crate) fn is_busy(&self) -> bool {
        self.batch.is_some() || self.looking.is_some()
    }

    /// Whether an author's entries would find room: always, but for those who fill it.
    pub(crate) fn has_room_for(&self, author: DeviceId) -> bool {
        let full = self.waiting_bytes + PAYLOAD_BYTES + HEADER_BYTES > PENDING_BYTES_PER_ROOM;
        !full || self.waiting_by(author) < self.waiting_by.values().max().copied().unwrap_or(0)
    }

    fn waiting_by(&self, author: DeviceId) -> usize {
        self.waiting_by.get(&author).copied().unwrap_or(0)
    }

    /// Bytes of entries that wait for their turn.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    pub(crate) fn drafts(&self) -> usize {
        self.drafts.len() + self.batch.as_ref().map_or(0, |(_, batch)| batch.drafts.len())
    }

    pub(crate) fn draft(&mut self, draft: Draft) {
        self.drafts.push_back(draft);
    }

    pub(crate) fn branches(&self) -> &Branches {
        &self.branches
    }

    /// Entries that contradict what is held, each once.
    pub(crate) fn take_doubts(&mut self) -> Vec<(LogKey, Entry)> {
        std::mem::take(&mut self.doubts)
    }

    /// Somebody holds a log of ours further than we do: what was lost here comes back from them, and what is written until
    /// then must not take its places.
    pub(crate) fn fall_behind(&mut self, log: LogKey) {
        if self.behind.len() < LOGS_GIVEN_UP {
            self.behind.insert(log);
        }
    }

    /// Whether this device may go on writing in a log of its own.
    pub(crate) fn may_write_in(&self, own: LogKey) -> bool {
        !self.behind.contains(&own) && self.branches.split_at(own).is_none()
    }

    /// Nothing of this log is asked for or taken until membership changes or [`Self::resume`].
    pub(crate) fn suspend(&mut self, log: LogKey) {
        self.refuse(log);
    }

    /// It is asked for again.
    pub(crate) fn resume(&mut self, log: LogKey) {
        self.refused.remove(&log);
    }

    /// In which log an entry belongs.
    pub(crate) fn file(&self, header: &Header, hash: EntryHash) -> Filed {
        self.branches.file(header, hash, |log, seq| self.at(log, seq))
    }

    /// The entry at a place, where that is in memory: the head, what is being written, what waits.
    fn at(&self, log: LogKey, seq: u64) -> Option<EntryHash> {
        let head = self.last(log).filter(|head| head.seq == seq).map(|head| head.known.order.hash);
        let written = self.batch.iter().flat_map(|(_, batch)| &batch.entries);
        let written = written.map(|(stored, ..)| stored).find(|stored| stored.log == log && stored.seq == seq);
        let waits = self.waiting.get(&log).and_then(|queue| queue.get(&seq)).map(|waiting| waiting.hash);
        head.or(written.map(|stored| stored.order.hash)).or(waits)
    }

    /// What waits for its turn at a place.
    pub(crate) fn waits_at(&self, log: LogKey, seq: u64) -> Option<(&Entry, &Header)> {
        self.waiting.get(&log)?.get(&seq).map(|waiting| (&waiting.entry, &waiting.header))
    }

    /// Whether another entry than this is known for its place: at the head of the log, or in what is written or waits.
    pub(crate) fn contradicts(&self, log: LogKey, seq: u64, hash: EntryHash) -> bool {
        self.at(log, seq).is_some_and(|known| known != hash)
    }

    /// Whether somebody who is as far as we are in a log, or less far in one of ours, seems to hold another history of it, by
    /// the first bytes of the hash.
    pub(crate) fn differs(&self, log: LogKey, seq: u64, tip: Tip) -> bool {
        let head = self.heads.get(&log).filter(|head| head.seq == seq);
        if head.is_some_and(|head| tip_of(head.known.order.hash) != tip) {
            return true;
        }
        // Who is less far in one of ours than we are finds out by our HAVE, but we may be the one that was put back, and not
        // know them any more.
        let ours =
            log.author == self.own.author && seq < self.head(log) && !self.branches.splits().any(|(cut, _)| cut == log);
        let (mut first, mut last) = (EntryHash([0; 32]), EntryHash([0xff; 32]));
        first.0[..8].copy_from_slice(&tip);
        last.0[..8].copy_from_slice(&tip);
        ours && self.recent.range(first..=last).next().is_none()
    }

    /// A log was written twice at a place, and that is on disk now. `before` is what lies there in the log.
    pub(crate) fn split(
        &mut self,
        log: LogKey,
        at: u64,
        before: Option<Known>,
        ours: Option<EntryHash>,
        firsts: &[EntryHash],
    ) {
        for first in firsts {
            self.branches.add(log, at, *first);
        }
        if let Some(head) = self.heads.get(&log).copied().filter(|head| head.seq >= at) {
            if let Some(ours) = ours {
                self.heads.insert(super::branches::branch(log, ours), head);
            }
            match before {
                Some(known) => self.heads.insert(log, Head { seq: at - 1, known }),
                None => self.heads.remove(&log),
            };
        }
        // Whichever branch they belong to, they are asked for again.
        self.drop_waiting(log);
        self.refused.remove(&log);
    }

    /// Lets a verified entry wait for its turn in the log where it belongs. `live` = pushed as it was written, not fetched
    /// from history.
    pub(crate) fn take(
        &mut self,
        log: LogKey,
        entry: Entry,
        header: Header,
        hash: EntryHash,
        live: bool,
        rules: &impl Rules,
    ) -> Taken {
        if header.seq <= self.head(log) || self.in_batch(log, header.seq) || self.refused.contains(&log) {
            return Taken::Duplicate;
        }
        let queue = self.waiting.get(&log);
        if queue.is_some_and(|queue| queue.contains_key(&header.seq)) {
            return Taken::Duplicate;
        }
        let weight = entry.weight();
        let too_many = queue.is_some_and(|queue| queue.len() >= PENDING_PER_AUTHOR);
        let known_log = self.heads.contains_key(&log) || queue.is_some();
        if too_many || !(known_log || self.make_place(log.author, rules)) || !self.make_room(log.author, weight, rules)
        {
            return Taken::Full;
        }
        self.waiting_bytes += weight;
        *self.waiting_by.entry(log.author).or_default() += weight;
        self.waiting.entry(log).or_default().insert(header.seq, Waiting { entry, header, hash, live });
        Taken::Queued
    }

    /// Sees to it that one more log fits. Strangers, of whom there can be any number, give way to members.
    fn make_place(&mut self, author: DeviceId, rules: &impl Rules) -> bool {
        if self.heads.len() + self.waiting.len() < LOGS_PER_ROOM {
            return true;
        }
        let strange = |log: &&LogKey| !rules.admits(log.author) && !self.heads.contains_key(*log);
        let Some(victim) = self.waiting.keys().find(strange).copied().filter(|_| rules.admits(author)) else {
            return false;
        };
        self.drop_waiting(victim);
        true
    }

    /// Sees to it that so many bytes more fit: strangers give way to members, and whoever fills the room with what cannot
    /// move gives way to those who hold less.
    fn make_room(&mut self, author: DeviceId, weight: usize, rules: &impl Rules) -> bool {
        let rank = |author: DeviceId, bytes: usize| (!rules.admits(author), bytes);
        let own = rank(author, self.waiting_by(author) + weight);
        while self.waiting_bytes + weight > PENDING_BYTES_PER_ROOM {
            let most = self.waiting_by.iter().map(|(author, bytes)| (rank(*author, *bytes), *author)).max();
            let Some((_, victim)) = most.filter(|(rank, _)| *rank > own) else { return false };
            let from = LogKey { author: victim, log: LogId([0; 16]) };
            let to = LogKey { author: victim, log: LogId([0xff; 16]) };
            let Some((log, queue)) = self.waiting.range_mut(from..=to).next_back() else { return false };
            // The last first: what remains is still without a gap.
            let (log, last) = (*log, queue.pop_last());
            if queue.is_empty() {
                self.waiting.remove(&log);
            }
            if let Some((_, waiting)) = last {
                self.release(victim, waiting.entry.weight());
            }
        }
        true
    }

    /// So many bytes of an author wait no longer.
    fn release(&mut self, author: DeviceId, weight: usize) {
        self.waiting_bytes -= weight;
        if let Some(bytes) = self.waiting_by.get_mut(&author) {
            *bytes -= weight;
            if *bytes == 0 {
                self.waiting_by.remove(&author);
            }
        }
    }

    fn drop_waiting(&mut self, log: LogKey) {
        if let Some(queue) = self.waiting.remove(&log) {
            self.release(log.author, queue.values().map(|waiting| waiting.entry.weight()).sum());
        }
    }

    /// What can move now. After [`Plan::Write`] the caller must report with [`Self::begin`] which ticket it got.
    pub(crate) fn plan(
        &mut self,
        key: &SecretKey,
        wall: UnixMillis,
        rules: &impl Rules,
        mut salt: impl FnMut() -> [u8; 16],
    ) -> Plan {
        if self.batch.is_some() || self.looking.is_some() {
            return Plan::Idle;
        }
        let mut planner = Planner {
            heads: BTreeMap::new(),
            known: BTreeMap::new(),
            frontier: self.frontier.clone(),
            latest: self.latest,
            entries: Vec::new(),
            erased: Vec::new(),
            drafts: Vec::new(),
            lookup: BTreeSet::new(),
            closed: false,
        };
        self.plan_waiting(&mut planner, wall, rules);
        self.plan_drafts(&mut planner, key, wall, rules, &mut salt);
        if planner.entries.is_empty() {
            if planner.lookup.is_empty() {
                return Plan::Idle;
            }
            return Plan::Lookup(planner.lookup.into_iter().take(PARENTS + 1).collect());
        }
        while planner.frontier.len() > FRONTIER {
            // The oldest ends of history can only be concurrent with what nobody reads any more.
            let oldest = planner.frontier.values().min_by_key(|known| known.order).map(|known| known.order.hash);
            oldest.and_then(|hash| planner.frontier.remove(&hash));
        }
        let mut ops: Vec<Op> = planner.entries.iter().map(|(stored, ..)| Op::PutEntry(stored.clone())).collect();
        ops.extend(planner.erased.iter().map(|target| Op::Erase { room: self.room, target: *target }));
        ops.push(Op::PutFrontier { room: self.room, frontier: planner.frontier.keys().copied().collect() });
        let Planner { entries, drafts, erased, frontier, .. } = planner;
        let batch = Batch { entries, erased, drafts, frontier };
        // The ticket follows with `begin`.
        self.batch = Some((Ticket(u64::MAX), batch));
        Plan::Write(ops)
    }

    /// Names the write that [`Self::plan`] asked for.
    pub(crate) fn begin(&mut self, ticket: Ticket) {
        if let Some((name, _)) = &mut self.batch {
            *name = ticket;
        }
    }

    /// Names the read that [`Self::plan`] asked for.
    pub(crate) fn look(&mut self, ticket: Ticket, hashes: Vec<EntryHash>) {
        self.looking = Some((ticket, hashes));
    }

    /// The read failed: nothing is known, least of all that they are not there.
    pub(crate) fn look_failed(&mut self, ticket: Ticket) {
        self.looking.take_if(|(name, _)| *name == ticket);
    }

    /// The store's answer to a lookup. False when it was not this room's.
    pub(crate) fn looked(&mut self, ticket: Ticket, found: &[Found]) -> bool {
        let Some((_, hashes)) = self.looking.take_if(|(name, _)| *name == ticket) else { return false };
        for entry in found {
            self.remember(Known { order: entry.order, shown: entry.shown });
        }
        for hash in hashes.into_iter().filter(|hash| !self.recent.contains_key(hash)) {
            if self.absent.len() >= RECENT {
                self.absent.clear();
            }
            self.absent.insert(hash);
        }
        true
    }

    /// The batch is durable: it counts from here on. `None` when the ticket is not this room's.
    pub(crate) fn committed(&mut self, ticket: Ticket) -> Option<Batch> {
        let (_, batch) = self.batch.take_if(|(name, _)| *name == ticket)?;
        for (stored, ..) in &batch.entries {
            let known = Known { order: stored.order, shown: stored.shown };
            self.heads.insert(stored.log, Head { seq: stored.seq, known });
            self.latest = self.latest.max(stored.order.clock);
            self.remember(known);
        }
        self.frontier.clone_from(&batch.frontier);
        Some(batch)
    }

    /// The batch was not written: nothing of it happened. Returns the drafts that must be refused.
    pub(crate) fn failed(&mut self, ticket: Ticket) -> Option<Vec<Draft>> {
        let (_, batch) = self.batch.take_if(|(name, _)| *name == ticket)?;
        let queued = std::mem::take(&mut self.drafts);
        Some(batch.drafts.into_iter().map(|(draft, _)| draft).chain(queued).collect())
    }

    /// The room goes: returns all drafts, written or not.
    pub(crate) fn abandon(&mut self) -> Vec<Draft> {
        let batch = self.batch.take().map(|(_, batch)| batch.drafts).unwrap_or_default();
        batch.into_iter().map(|(draft, _)| draft).chain(self.drafts.drain(..)).collect()
    }

    /// Drafts that no write has taken up yet.
    pub(crate) fn take_drafts(&mut self) -> Vec<Draft> {
        self.drafts.drain(..).collect()
    }

    fn in_batch(&self, log: LogKey, seq: u64) -> bool {
        self.batch
            .as_ref()
            .is_some_and(|(_, batch)| batch.entries.iter().any(|(stored, ..)| stored.log == log && stored.seq == seq))
    }

    fn remember(&mut self, known: Known) {
        let hash = known.order.hash;
        self.absent.remove(&hash);
        if self.recent.insert(hash, known).is_none() {
            self.recent_order.push_back(hash);
        }
        while self.recent_order.len() > RECENT {
            self.recent_order.pop_front().and_then(|oldest| self.recent.remove(&oldest));
        }
    }

    fn plan_waiting(&mut self, planner: &mut Planner, wall: UnixMillis, rules: &impl Rules) {
        let mut moved = true;
        while moved && !planner.closed {
            moved = false;
            let logs: Vec<LogKey> = self.waiting.keys().copied().collect();
            for log in logs {
                while !planner.closed && self.plan_next(planner, log, wall, rules) {
                    moved = true;
                }
            }
        }
    }

    /// Moves the next entry of one log into the batch; false when it cannot move now.
    fn plan_next(&mut self, planner: &mut Planner, log: LogKey, wall: UnixMillis, rules: &impl Rules) -> bool {
        let head = planner.heads.get(&log).copied().or_else(|| self.last(log));
        let next = head.map_or(0, |head| head.seq) + 1;
        let Some(queue) = self.waiting.get_mut(&log) else { return false };
        let mut stale = 0;
        while let Some(first) = queue.first_entry().filter(|first| *first.key() < next) {
            stale += first.remove().entry.weight();
        }
        if stale > 0 {
            self.release(log.author, stale);
        }
        let Some(queue) = self.waiting.get_mut(&log) else { return false };
        let Some(waiting) = queue.get(&next) else {
            if queue.is_empty() {
                self.waiting.remove(&log);
            }
            return false;
        };
        let founds = waiting.header.kind == kind::GENESIS;
        if waiting.header.prev != head.map(|head| head.known.order.hash) {
            // Two entries claim one place, this one's predecessor's or an earlier one.
            if self.doubts.len() < LOGS_PER_ROOM {
                self.doubts.push((log, waiting.entry.clone()));
            }
            self.refuse(log);
            return false;
        }
        let mut causes: Vec<Known> = head.map(|head| head.known).into_iter().collect();
        for parent in &waiting.header.parents {
            match planner.place(parent, &self.recent) {
                Some(known) => causes.push(known),
                None => {
                    if !self.absent.contains(parent) {
                        planner.lookup.insert(*parent);
                    }
                    return false;
                }
            }
        }
        // Who deletes has seen what goes, so it is here by now; a target that is not is somebody's invention.
        let deleted = deletes(waiting.header.kind, waiting.entry.payload.as_deref());
        let of = deleted.and_then(|target| planner.place(&target, &self.recent));
        if let Some(target) = deleted
            && of.is_none()
            && !self.absent.contains(&target)
        {
            planner.lookup.insert(target);
            return false;
        }
        // With all causes in hand the fold knows every ADMIT that this entry could rest on.
        if !founds && !rules.admits(log.author) {
            self.refuse(log);
            return false;
        }
        let Some(waiting) = queue.remove(&next) else { return false };
        self.release(log.author, waiting.entry.weight());
        planner.add(self.room, log, waiting.entry, &waiting.header, waiting.hash, &causes, wall, waiting.live);
        planner.erased.extend(of.filter(|of| rules.may_delete(log.author, of.order.author)).map(|of| of.order.hash));
        true
    }

    fn refuse(&mut self, log: LogKey) {
        self.drop_waiting(log);
        if self.refused.len() >= LOGS_PER_ROOM {
            // Strangers by the thousand: they may be asked for again, and refused again.
            self.refused.clear();
        }
        self.refused.insert(log);
    }

    fn plan_drafts(
        &mut self,
        planner: &mut Planner,
        key: &SecretKey,
        wall: UnixMillis,
        rules: &impl Rules,
        salt: &mut impl FnMut() -> [u8; 16],
    ) {
        while !planner.closed {
            let deleted = self.drafts.front().filter(|draft| draft.body.kind() == kind::DELETE);
            let deleted = deleted.and_then(|draft| draft.body.target());
            let of = deleted.and_then(|target| planner.place(&target, &self.recent));
            if let Some(target) = deleted
                && of.is_none()
                && !self.absent.contains(&target)
            {
                planner.lookup.insert(target);
                return;
            }
            let Some(draft) = self.drafts.pop_front() else { return };
            let head = planner.heads.get(&self.own).or_else(|| self.heads.get(&self.own)).copied();
            let mut ends: Vec<Known> = planner.frontier.values().copied().collect();
            ends.sort_by_key(|known| std::cmp::Reverse(known.order));
            if draft.body.kind() < kind::FIRST_MESSAGE {
                // Its right is judged by what it says to have seen: nothing of that may hide behind other entries.
                let members = rules.ends().into_iter().map(|(order, shown)| Known { order, shown });
                let others = ends.drain(..).filter(|known| known.order.author != self.own.author);
                ends = members.chain(others).collect();
            }
            let mut named = BTreeSet::new();
            named.extend(head.map(|head| head.known.order.hash));
            ends.retain(|known| named.insert(known.order.hash));
            ends.truncate(PARENTS);
            let mut parents: Vec<EntryHash> = ends.iter().map(|known| known.order.hash).collect();
            parents.sort_unstable();
            let header = Header {
                kind: draft.body.kind(),
                flags: 0,
                room: if matches!(draft.body, Body::Genesis { .. }) { RoomId([0; 32]) } else { self.room },
                log: self.own,
                seq: head.map_or(0, |head| head.seq) + 1,
                prev: head.map(|head| head.known.order.hash),
                clock: Hlc::next(planner.latest, wall),
                written: wall,
                parents,
                payload_len: 0,
                commitment: [0; 32],
            };
            let (entry, header, hash) = Entry::sign(key, header, salt(), draft.body.encode());
            let causes: Vec<Known> = head.map(|head| head.known).into_iter().chain(ends).collect();
            planner.add(self.room, self.own, entry, &header, hash, &causes, wall, true);
            planner
                .erased
                .extend(of.filter(|of| rules.may_delete(self.own.author, of.order.author)).map(|of| of.order.hash));
            planner.drafts.push((draft, hash));
        }
    }
}

/// What a DELETE deletes.
fn deletes(kind: u16, payload: Option<&[u8]>) -> Option<EntryHash> {
    let payload = payload.filter(|_| kind == kind::DELETE)?;
    Body::decode(kind, payload).ok()?.target()
}

/// A batch in the making: the durable state with the batch's own entries laid over it.
struct Planner {
    heads: BTreeMap<LogKey, Head>,
    known: BTreeMap<EntryHash, Known>,
    frontier: BTreeMap<EntryHash, Known>,
    latest: Hlc,
    entries: Vec<(StoredEntry, Entry, bool)>,
    /// What the batch's DELETEs take.
    erased: Vec<EntryHash>,
    drafts: Vec<(Draft, EntryHash)>,
    lookup: BTreeSet<EntryHash>,
    closed: bool,
}

impl Planner {
    /// Where a durable entry or one of the batch stands, if that is in memory.
    fn place(&self, hash: &EntryHash, recent: &BTreeMap<EntryHash, Known>) -> Option<Known> {
        self.known.get(hash).or_else(|| recent.get(hash)).or_else(|| self.frontier.get(hash)).copied()
    }

    #[expect(clippy::too_many_arguments, reason = "one call site each for ours and theirs")]
    fn add(
        &mut self,
        room: RoomId,
        log: LogKey,
        mut entry: Entry,
        header: &Header,
        hash: EntryHash,
        causes: &[Known],
        wall: UnixMillis,
        live: bool,
    ) {
        let after = causes.iter().map(|known| known.order.clock.0.saturating_add(1)).max().unwrap_or(0);
        let clock = Hlc(header.clock.0.max(after));
        let earliest = causes.iter().map(|known| known.shown).max().unwrap_or_default();
        let latest = UnixMillis(wall.0.saturating_add(FUTURE.as_millis() as u64));
        let shown = header.written.min(latest).max(earliest);
        let order = OrderKey { clock, author: header.log.author, hash };
        let known = Known { order, shown };
        let mut body = entry.payload.as_deref().and_then(|payload| Body::decode(header.kind, payload).ok());
        let mut expires = body.as_ref().and_then(|body| body.expires(header.written));
        if expires.is_some_and(|at| at <= wall) {
            // It came too late to be seen.
            (entry.payload, entry.salt, body, expires) = (None, [0; 16], None, None);
        }
        let stored = StoredEntry {
            room,
            log,
            seq: header.seq,
            order,
            kind: header.kind,
            header: entry.header.clone(),
            signature: entry.signature,
            salt: entry.salt,
            payload: entry.payload.clone(),
            blobs: body.as_ref().map(Body::blobs).unwrap_or_default(),
            target: body.as_ref().and_then(Body::target),
            words: body.as_ref().and_then(Body::words).map(str::to_owned),
            expires,
            first_seen: wall,
            shown,
        };
        for cause in causes {
            self.frontier.remove(&cause.order.hash);
        }
        self.frontier.insert(hash, known);
        self.known.insert(hash, known);
        self.heads.insert(log, Head { seq: header.seq, known });
        self.latest = self.latest.max(clock);
        self.entries.push((stored, entry, live));
        // What changes membership changes who may speak next: let it become durable first.
        self.closed = header.kind < kind::FIRST_MESSAGE || self.entries.len() >= BATCH_ENTRIES;
    }
}
