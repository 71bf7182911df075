//! Forks: two entries that one author signed for one place in a log.
//!
//! 1. *Seen*: a peer sends an entry for a place that is taken, or one that follows another predecessor than ours, or says
//!    HAVE of as many entries with another one at the end.
//! 2. *Traced*: what the peer holds is asked for backwards, [`STRIDE`] entries at a time, down to the first that differs.
//! 3. *Proven*: that entry and ours are signed by one key for one place after one predecessor: nobody else can make that.
//! 4. *Split*: on disk, in memory and in the fold the log ends before that place, and each history goes on in a branch
//!    (`messages::branches`). Nothing is thrown away, so what others said in answer to either keeps its causes.
//! 5. *Told*: FORK carries both headers to every member, who does the same; then HAVE and WANT bring everybody the branch
//!    that they lack. Hosts show whose log it is (`RoomView::forks`).
//!
//! A proof says that a key was used twice, not why: a machine that was put back to an earlier state does it without
//! meaning to, and loses nothing by this. It writes in another log from there on, in all rooms.

use super::frames::have;
use super::room::Room;
use super::{Engine, Pending};
use crate::ids::{DeviceId, EntryHash, LinkId, LogId, LogKey, RoomId, Ticket};
use crate::messages::branches::{Branches, branch};
use crate::messages::log::Known;
use crate::port::{Branch, Fetch, Found, Notify, Op, StoredEntry};
use crate::time::{Instant, Now};
use crate::wire::limits::{FORKS_WAITING, MEMBERS};
use crate::wire::{Entry, Frame, Header};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Entries that are asked for at once when a log is traced back: with what the first one follows, as many hashes as one
/// lookup takes.
const STRIDE: u64 = 16;
/// How long a peer may take to hand over what it said it holds.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of a room's forks, and what is being found out.
#[derive(Default)]
pub(super) struct Forks {
    /// The first entries of all branches.
    known: Vec<Branch>,
    proofs: VecDeque<Proof>,
    placing: Option<Placing>,
    trace: Option<Trace>,
    /// Authors of whom this was said.
    told: BTreeSet<DeviceId>,
    /// Who said to hold another history and did not: not believed again without an entry.
    wolf: BTreeSet<DeviceId>,
}

/// Two headers for one place, or one where the other is ours.
pub(super) struct Proof {
    /// As the headers name it.
    log: LogKey,
    at: u64,
    prev: Option<EntryHash>,
    firsts: BTreeMap<EntryHash, Entry>,
    /// Whether what it follows may be here by now.
    due: bool,
}

/// The proof that is being acted upon.
struct Placing {
    proof: Proof,
    step: Step,
}

enum Step {
    /// Where what it follows lies.
    Finding(Ticket),
    /// What we hold at the place.
    Reading(Ticket, LogKey, Option<Known>),
    /// All is known; the disk is busy.
    Ready(Cut),
    Writing(Ticket, Cut),
}

#[derive(Clone)]
struct Cut {
    log: LogKey,
    at: u64,
    before: Option<Known>,
    ours: Option<EntryHash>,
    branches: Vec<Branch>,
}

/// A peer's history of a log, followed back to where it parts from ours.
struct Trace {
    log: LogKey,
    peer: DeviceId,
    theirs: BTreeMap<u64, (Entry, Header, EntryHash)>,
    /// What waited for its turn at the place where it was seen, with what it follows.
    rival: Option<(Entry, Option<EntryHash>, u64)>,
    /// Asked for.
    wanted: Option<(u64, u64)>,
    looking: Option<Ticket>,
    until: Instant,
}

impl Proof {
    /// What these entries prove, each log and place by itself; none when one of them does not verify in this room.
    pub(super) fn all(room: RoomId, entries: &[Entry]) -> Option<Vec<Self>> {
        type Place = (LogKey, u64, Option<EntryHash>);
        let mut places: BTreeMap<Place, BTreeMap<EntryHash, Entry>> = BTreeMap::new();
        for entry in entries {
            let (header, hash) = entry.open().ok().filter(|(header, hash)| header.room_of(*hash) == room)?;
            places.entry((header.log, header.seq, header.prev)).or_default().insert(hash, stripped_entry(entry));
        }
        let proofs = places.into_iter().filter(|(_, firsts)| firsts.len() > 1);
        Some(proofs.map(|((log, at, prev), firsts)| Self { log, at, prev, firsts, due: true }).collect())
    }
}

impl Forks {
    /// Proofs that came in.
    pub(super) fn suspect(&mut self, proofs: Vec<Proof>) {
        proofs.into_iter().for_each(|proof| self.put(proof));
    }

    /// Whether nothing of it can move now.
    pub(super) fn rest(&self) -> bool {
        self.placing.is_none() && !self.proofs.iter().any(|proof| proof.due)
    }

    fn cried_wolf(&mut self, peer: DeviceId) {
        if self.wolf.len() < MEMBERS {
            self.wolf.insert(peer);
        }
    }

    /// Goes on from the disk.
    pub(super) fn restore(known: Vec<Branch>) -> Self {
        Self { known, ..Self::default() }
    }

    /// The branches that the disk tells of.
    pub(super) fn branches(known: &[Branch]) -> Branches {
        let mut branches = Branches::default();
        for one in known {
            branches.add(one.log, one.at, one.first);
        }
        branches
    }

    /// A split is on its way to the disk: no batch may be planned against the logs as they were.
    pub(super) fn is_writing(&self) -> bool {
        matches!(self.placing, Some(Placing { step: Step::Writing(..), .. }))
    }

    /// How often each author's logs were split.
    pub(super) fn count(&self) -> BTreeMap<DeviceId, u32> {
        let splits: BTreeSet<LogKey> = self.known.iter().map(|one| one.log).collect();
        let mut count = BTreeMap::new();
        for log in splits {
            *count.entry(log.author).or_insert(0) += 1;
        }
        count
    }

    /// How many proofs wait.
    pub(super) fn waiting(&self) -> usize {
        self.proofs.len()
    }

    /// How many branches the author has who has the most.
    pub(super) fn most_branches(&self) -> usize {
        let mut count: BTreeMap<DeviceId, usize> = BTreeMap::new();
        for one in &self.known {
            *count.entry(one.log.author).or_insert(0) += 1;
        }
        count.into_values().max().unwrap_or(0)
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.trace.as_ref().map(|trace| trace.until)
    }

    /// For whoever does not know: FORK for every branch, beside the first of its log.
    fn frames(&self, room: RoomId) -> Vec<Frame> {
        let mut firsts: BTreeMap<LogKey, &Branch> = BTreeMap::new();
        let mut frames = Vec::new();
        for one in &self.known {
            match firsts.get(&one.log) {
                Some(first) => frames.push(Frame::Fork { room, first: stripped(first), second: stripped(one) }),
                None => {
                    firsts.insert(one.log, one);
                }
            }
        }
        frames
    }

    fn put(&mut self, proof: Proof) {
        let same = |other: &Proof| {
            other.at == proof.at && other.log == proof.log && other.firsts.keys().eq(proof.firsts.keys())
        };
        let under_way = self.placing.as_ref().is_some_and(|placing| same(&placing.proof));
        if !under_way && !self.proofs.iter().any(same) {
            if self.proofs.len() >= FORKS_WAITING {
                // Whoever told it tells it again. Those of strangers wait for an ADMIT that may never come.
                let victim = self.proofs.iter().position(|proof| !proof.due).unwrap_or(0);
                self.proofs.remove(victim);
            }
            self.proofs.push_back(proof);
        }
    }

    /// An author's entries have moved: what waited for them may be placed.
    pub(super) fn moved(&mut self, author: DeviceId) {
        for proof in self.proofs.iter_mut().filter(|proof| proof.log.author == author) {
            proof.due = true;
        }
    }
}

impl Engine {
    // ------------------------------------------------------------ seen

    /// A peer holds another history of a log than we do; `entry` is what it sent of it at `seq`, if it did.
    pub(super) fn doubt(
        &mut self,
        room: RoomId,
        log: LogKey,
        seq: u64,
        entry: Option<Entry>,
        peer: DeviceId,
        now: Now,
    ) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        // Places count from 1: of an empty log there is nothing to differ in, and nothing to ask for.
        if seq == 0 || (entry.is_none() && state.forks.wolf.contains(&peer)) {
            return;
        }
        if !state.logs.branches().has_room_for(log, 2) {
            // Asked for again and again, it would be refused again and again.
            state.logs.suspend(log);
            return;
        }
        if state.forks.trace.is_some() || state.forks.placing.is_some() || !state.membership.knows(log.author) {
            // Whoever brought it brings it again.
            state.logs.resume(log);
            return;
        }
        let verified = |entry: Entry| {
            let (header, hash) = entry.open().ok().filter(|(header, hash)| header.room_of(*hash) == room)?;
            Some((header.seq, (stripped_entry(&entry), header, hash)))
        };
        let theirs: BTreeMap<u64, _> = entry.and_then(verified).into_iter().collect();
        // The other one may not be durable yet, nor ever become so: its causes can be its author's invention.
        let rival = state.logs.waits_at(log, seq).map(|(entry, header)| (stripped_entry(entry), header.prev, seq));
        let wanted = theirs.is_empty().then(|| (seq.saturating_sub(STRIDE - 1).max(1), seq));
        state.logs.suspend(log);
        let until = now.mono.plus(PATIENCE);
        state.forks.trace = Some(Trace { log, peer, theirs, rival, wanted, looking: None, until });
        match wanted {
            Some((from, to)) => {
                self.send_to(peer, &Frame::Want { room, log, from, to });
            }
            None => self.look_back(room),
        }
    }

    /// Takes an entry that was asked for to trace a log. False when it was not.
    pub(super) fn on_traced(
        &mut self,
        id: LinkId,
        peer: DeviceId,
        room: RoomId,
        claim: &Header,
        entry: &Entry,
        now: Now,
    ) -> bool {
        let Some(state) = self.rooms.get_mut(&room) else { return false };
        let root = |log| state.logs.branches().root(log);
        let Some(trace) = state.forks.trace.as_mut().filter(|trace| trace.peer == peer && root(trace.log) == claim.log)
        else {
            return false;
        };
        let Some((from, to)) = trace.wanted.filter(|(from, to)| (*from..=*to).contains(&claim.seq)) else {
            return false;
        };
        match entry.open() {
            Ok((header, hash)) if header.room_of(hash) == room => {
                trace.theirs.insert(header.seq, (stripped_entry(entry), header, hash));
            }
            Ok(_) | Err(_) => {
                self.misbehaved(id, "an entry that does not verify", now);
                return true;
            }
        }
        if (from..=to).all(|seq| trace.theirs.contains_key(&seq)) {
            trace.wanted = None;
            trace.until = now.mono.plus(PATIENCE);
            self.look_back(room);
        }
        true
    }

    // ------------------------------------------------------------ traced

    /// Asks the disk which of the lowest entries are ours too.
    fn look_back(&mut self, room: RoomId) {
        let Some(trace) = self.rooms.get(&room).and_then(|state| state.forks.trace.as_ref()) else { return };
        let lowest = trace.theirs.values().take(STRIDE as usize);
        let before = trace.theirs.values().next().and_then(|(_, header, _)| header.prev);
        let hashes: Vec<EntryHash> = before.into_iter().chain(lowest.map(|(.., hash)| *hash)).collect();
        let ticket = self.fetch(Pending::Fork(room), |ticket| Fetch::Lookup { ticket, room, hashes });
        if let Some(trace) = self.rooms.get_mut(&room).and_then(|state| state.forks.trace.as_mut()) {
            trace.looking = Some(ticket);
        }
    }

    fn on_looked_back(&mut self, room: RoomId, found: &[Found], now: Now) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        let Some(trace) = state.forks.trace.as_mut() else { return };
        trace.looking = None;
        let ours: BTreeSet<EntryHash> = found.iter().map(|found| found.order.hash).collect();
        let parts = trace
            .theirs
            .values()
            .find(|(_, header, hash)| !ours.contains(hash) && header.prev.is_none_or(|prev| ours.contains(&prev)));
        if let Some((entry, header, hash)) = parts {
            let (log, at, prev) = (header.log, header.seq, header.prev);
            let mut firsts = BTreeMap::from([(*hash, entry.clone())]);
            let rival = trace.rival.take().filter(|(_, after, seq)| (*after, *seq) == (prev, at));
            firsts.extend(rival.map(|(rival, ..)| (rival.hash(), rival)));
            let proof = Proof { log, at, prev, firsts, due: true };
            state.forks.put(proof);
            return self.end_trace(room);
        }
        let lowest = trace.theirs.keys().next().copied().unwrap_or(1);
        if lowest <= 1 || trace.theirs.values().all(|(.., hash)| ours.contains(hash)) {
            // All of it is ours: there was nothing to it.
            let peer = trace.peer;
            state.forks.cried_wolf(peer);
            return self.end_trace(room);
        }
        let (log, peer) = (trace.log, trace.peer);
        let (from, to) = (lowest.saturating_sub(STRIDE).max(1), lowest - 1);
        trace.wanted = Some((from, to));
        trace.until = now.mono.plus(PATIENCE);
        // What lies above is only evidence that there is something below.
        trace.theirs.retain(|seq, _| *seq == lowest);
        self.send_to(peer, &Frame::Want { room, log, from, to });
    }

    fn end_trace(&mut self, room: RoomId) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        if let Some(trace) = state.forks.trace.take() {
            state.logs.resume(trace.log);
        }
    }

    // ------------------------------------------------------------ proven

    /// FORK: two headers for one place.
    pub(super) fn on_fork(
        &mut self,
        id: LinkId,
        peer: DeviceId,
        room: RoomId,
        first: &Entry,
        second: &Entry,
        now: Now,
    ) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        if !(state.membership.is_member(peer) || state.sync.is_joined(peer)) {
            return;
        }
        let hashes = [first.hash(), second.hash()];
        let is_known = |hash: &EntryHash| state.forks.known.iter().any(|one| one.first == *hash);
        if hashes.iter().all(is_known) || !state.sync.spend(peer, now.mono) {
            return;
        }
        match Proof::all(room, &[first.clone(), second.clone()]) {
            Some(proofs) if !proofs.is_empty() => state.forks.suspect(proofs),
            Some(_) => self.misbehaved(id, "a FORK that proves nothing", now),
            None => self.misbehaved(id, "an entry that does not verify", now),
        }
    }

    // ------------------------------------------------------------ split

    /// Goes on with what is due of a room's forks.
    pub(super) fn settle_forks(&mut self, room: RoomId, now: Now) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        for (log, entry) in state.logs.take_doubts() {
            let Some(state) = self.rooms.get_mut(&room) else { return };
            let Ok(header) = Header::decode(&entry.header) else { continue };
            let peer = self.mesh.live_peers().into_iter().find(|peer| state.sync.have(*peer, log) >= header.seq);
            match peer {
                Some(peer) => self.doubt(room, log, header.seq, Some(entry), peer, now),
                // Whoever brought it is gone. Somebody else may bring it again.
                None => state.logs.resume(log),
            }
        }
        let Some(state) = self.rooms.get_mut(&room) else { return };
        let lapsed = state.forks.trace.as_ref().filter(|trace| trace.until <= now.mono).map(|trace| trace.peer);
        if let Some(peer) = lapsed {
            if self.mesh.live(peer).is_some() {
                state.forks.cried_wolf(peer);
            }
            self.end_trace(room);
        }
        self.place_next(room);
        self.write_split(room);
    }

    fn place_next(&mut self, room: RoomId) {
        let Some(state) = self.rooms.get_mut(&room).filter(|state| state.forks.placing.is_none()) else { return };
        let Some(due) = state.forks.proofs.iter().position(|proof| proof.due) else { return };
        let Some(proof) = state.forks.proofs.remove(due) else { return };
        if !state.membership.knows(proof.log.author) {
            // Perhaps their ADMIT is on its way.
            return state.forks.put(Proof { due: false, ..proof });
        }
        let (log, at) = (proof.log, proof.at);
        let step = match proof.prev {
            Some(prev) => {
                let hashes = vec![prev];
                Step::Finding(self.fetch(Pending::Fork(room), |ticket| Fetch::Lookup { ticket, room, hashes }))
            }
            None => Step::Reading(self.read_place(room, log, at), log, None),
        };
        if let Some(state) = self.rooms.get_mut(&room) {
            state.forks.placing = Some(Placing { proof, step });
        }
    }

    fn read_place(&mut self, room: RoomId, log: LogKey, at: u64) -> Ticket {
        self.fetch(Pending::Fork(room), |ticket| Fetch::Entries { ticket, room, log, from: at, to: at, limit: 1 })
    }

    /// The disk's answer to a lookup.
    pub(super) fn on_fork_looked(&mut self, room: RoomId, ticket: Ticket, found: &[Found], now: Now) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        if state.forks.trace.as_ref().is_some_and(|trace| trace.looking == Some(ticket)) {
            return self.on_looked_back(room, found, now);
        }
        let is_this = |placing: &mut Placing| matches!(placing.step, Step::Finding(name) if name == ticket);
        let Some(Placing { proof, .. }) = state.forks.placing.take_if(is_this) else { return };
        let (root, at) = (proof.log, proof.at);
        let fits = |found: &&Found| found.seq + 1 == at && state.logs.branches().root(found.log) == root;
        let Some(before) = found.first().filter(fits).copied() else {
            // It follows what is not here yet.
            return state.forks.put(Proof { due: false, ..proof });
        };
        let known = Known { order: before.order, shown: before.shown };
        let step = Step::Reading(self.read_place(room, before.log, at), before.log, Some(known));
        if let Some(state) = self.rooms.get_mut(&room) {
            state.forks.placing = Some(Placing { proof, step });
        }
    }

    /// What lies at the place on this disk.
    pub(super) fn on_fork_read(&mut self, room: RoomId, ticket: Ticket, entries: &[StoredEntry]) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        let is_this = |placing: &mut Placing| matches!(placing.step, Step::Reading(name, ..) if name == ticket);
        let Some(Placing { mut proof, step: Step::Reading(_, log, before) }) = state.forks.placing.take_if(is_this)
        else {
            return;
        };
        let at = proof.at;
        let ours = entries.first().filter(|entry| entry.log == log && entry.seq == at);
        if let Some(entry) = ours {
            proof.firsts.insert(entry.order.hash, bare(entry.header.clone(), entry.signature));
        }
        let known: Vec<EntryHash> = state.logs.branches().firsts(log).map(|(first, _)| first).collect();
        let branches: Vec<Branch> = proof
            .firsts
            .iter()
            .filter(|(first, _)| !known.contains(first))
            .map(|(first, entry)| Branch {
                log,
                at,
                first: *first,
                header: entry.header.clone(),
                signature: entry.signature,
            })
            .collect();
        let news = !branches.is_empty() && known.len() + branches.len() > 1;
        // A log that ends earlier already has nothing to split here; and an author has so many branches.
        let earlier = state.logs.branches().split_at(log).is_some_and(|cut| cut != at);
        if !news || earlier || !state.logs.branches().has_room_for(log, branches.len()) {
            return;
        }
        let cut = Cut { log, at, before, ours: ours.map(|entry| entry.order.hash), branches };
        state.forks.placing = Some(Placing { proof, step: Step::Ready(cut) });
    }

    fn write_split(&mut self, room: RoomId) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        if state.logs.is_busy() || state.retry_at.is_some() {
            return;
        }
        let Some(Placing { step: Step::Ready(cut), .. }) = &state.forks.placing else { return };
        let cut = cut.clone();
        let Cut { log, at, ours, branches, .. } = cut.clone();
        if ours.is_none() && state.logs.head(log) >= at {
            // One of them became durable since we looked.
            if let Some(Placing { proof, .. }) = state.forks.placing.take() {
                state.forks.put(proof);
            }
            return;
        }
        let ticket = self.persist(Pending::Fork(room), vec![Op::Split { room, log, at, ours, branches }]);
        if let Some(placing) = self.rooms.get_mut(&room).and_then(|state| state.forks.placing.as_mut()) {
            placing.step = Step::Writing(ticket, cut);
        }
    }

    /// The disk took the split: it counts.
    pub(super) fn on_split_written(&mut self, room: RoomId, ticket: Ticket) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        let is_this = |placing: &mut Placing| matches!(placing.step, Step::Writing(name, _) if name == ticket);
        let Some(Placing { step: Step::Writing(_, cut), .. }) = state.forks.placing.take_if(is_this) else { return };
        let Cut { log, at, before, ours, branches } = cut;
        let firsts: Vec<EntryHash> = branches.iter().map(|one| one.first).collect();
        state.logs.split(log, at, before, ours, &firsts);
        let heirs: Vec<LogKey> = firsts.iter().map(|first| branch(log, *first)).collect();
        state.membership.split(log, at, ours.map(|first| branch(log, first)), &heirs);
        state.sync.cut(log, at - 1);
        let mut lowered = Vec::new();
        for (holder, held) in &mut state.held {
            if let Some(seq) = held.get_mut(&log).filter(|seq| **seq >= at) {
                *seq = at - 1;
                lowered.push(*holder);
            }
        }
        state.held_dirty.retain(|(_, of), _| *of != log);
        state.forks.known.extend(branches);
        let told = state.forks.told.insert(log.author);
        state.forks.moved(log.author);
        if told {
            self.notify(Notify::PeerMisbehaved { peer: Some(log.author), rule: "two entries for one place in a log" });
        }
        for holder in lowered {
            self.notify(Notify::Held { room, holder, log, seq: at - 1 });
        }
        self.choose_log(room);
        self.changed.insert(room);
        for peer in self.members_linked(room) {
            self.tell_forks(room, peer);
            // To the author, too: who was put back asks for what they wrote.
            if let Some(state) = self.rooms.get(&room) {
                self.send_to(peer, &have(&state.logs, room, false, &heirs));
            }
        }
    }

    /// The disk did not take something of it: once more, when it has had its rest.
    pub(super) fn on_fork_failed(&mut self, room: RoomId, ticket: Ticket, now: Now) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        if state.forks.trace.as_ref().is_some_and(|trace| trace.looking == Some(ticket)) {
            return self.end_trace(room);
        }
        let of = |step: &Step| match step {
            Step::Finding(name) | Step::Reading(name, ..) | Step::Writing(name, _) => Some(*name),
            Step::Ready(_) => None,
        };
        let Some(placing) = state.forks.placing.take_if(|placing| of(&placing.step) == Some(ticket)) else { return };
        match placing.step {
            Step::Writing(_, cut) => {
                state.forks.placing = Some(Placing { step: Step::Ready(cut), ..placing });
                state.pause(now);
            }
            Step::Finding(_) | Step::Reading(..) | Step::Ready(_) => {
                state.forks.put(Proof { due: false, ..placing.proof });
            }
        }
    }

    /// A link with a peer is new: what it says is heard again.
    pub(super) fn trust_again(&mut self, room: RoomId, peer: DeviceId) {
        if let Some(state) = self.rooms.get_mut(&room) {
            state.forks.wolf.remove(&peer);
        }
    }

    // ------------------------------------------------------------ told

    /// Hands a member every proof that this device has; also somebody who is heard, since who was put back may know members
    /// no more. Headers without words, of logs that they hold.
    pub(super) fn tell_forks(&mut self, room: RoomId, peer: DeviceId) {
        let is_heard = |state: &&Room| state.membership.is_member(peer) || state.sync.is_joined(peer);
        let Some(state) = self.rooms.get(&room).filter(is_heard) else { return };
        for frame in state.forks.frames(room) {
            self.send_to(peer, &frame);
        }
    }

    /// Which log this device writes in. Where its own was written twice, or others hold more of it than it does, that is a
    /// new one, drawn at random: of two copies of one profile each goes on in its own.
    pub(super) fn choose_log(&mut self, room: RoomId) {
        let install = LogKey { author: self.me, log: self.log };
        let Some(state) = self.rooms.get_mut(&room) else { return };
        if state.choose_log(install) {
            return;
        }
        self.log = LogId(self.random());
        self.persist(Pending::Quiet, vec![Op::PutLog(self.log)]);
        let install = LogKey { author: self.me, log: self.log };
        for state in self.rooms.values_mut() {
            state.choose_log(install);
        }
    }
}

impl Room {
    /// False when it may write in none that follows from this one.
    pub(super) fn choose_log(&mut self, install: LogKey) -> bool {
        let own = self.membership.own_log(install);
        let may = self.logs.may_write_in(own);
        if may {
            self.logs.write_in(own);
        }
        may
    }
}

fn stripped(branch: &Branch) -> Entry {
    bare(branch.header.clone(), branch.signature)
}

fn stripped_entry(entry: &Entry) -> Entry {
    bare(entry.header.clone(), entry.signature)
}

/// An entry without what it says.
fn bare(header: Vec<u8>, signature: [u8; 64]) -> Entry {
    Entry { header, signature, salt: [0; 16], payload: None }
}
