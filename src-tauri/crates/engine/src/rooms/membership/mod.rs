//! Who is in a room: a fold over its membership entries, so that every member who holds the same entries computes the
//! same answer, whatever order they came in. `fold` has the rules, `op` what one entry had seen of the others.
//!
//! GENESIS makes its author creator. INVITE publishes an invite, ADMIT lets a device in by one, LEAVE and REMOVE end a
//! membership, GRANT and REVOKE change a role, ROOM the room's name and manners. What does not count is kept in the log
//! and ignored here.
//!
//! Two answers are given. [`Membership::knows`] is about words: whoever was let in rightly by what the door had seen is
//! known, for good, and their entries are kept and passed on, so that no answer ever waits for a question that nobody
//! takes. [`Membership::is_member`] is about people: who is in now, and so who is told anything. Between the two lies
//! [`Membership::limit`]: of what a device wrote that is out, this much is shown.

mod fold;
mod op;
#[cfg(test)]
mod tests;

use crate::identity::{Context, verify};
use crate::ids::{DeviceId, EntryHash, InviteId, LogId, LogKey, RoomId};
use crate::port::{OrderKey, Profile, Role, StoredEntry};
use crate::time::UnixMillis;
use crate::wire::frame::invite_proof_bytes;
use crate::wire::limits::REMOVE_LOGS;
use crate::wire::{Body, Header, InviteBody, kind};
use fold::{Ops, State};
use op::{Grounds, Op, Past};
use std::collections::{BTreeMap, BTreeSet};

/// A member, as the fold knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) role: Role,
    pub(crate) since: UnixMillis,
    came_by: EntryHash,
    /// The entry that their role comes from, if it is more than what they came with.
    granted_by: Option<OrderKey>,
    revoked_by: Vec<EntryHash>,
}

/// An invite, as the fold knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invite {
    pub(crate) by: DeviceId,
    pub(crate) body: InviteBody,
    pub(crate) used: u32,
    pub(crate) revoked: bool,
    made_by: EntryHash,
}

impl Invite {
    fn new(by: DeviceId, made_by: EntryHash, body: InviteBody) -> Self {
        Self { by, body, used: 0, revoked: false, made_by }
    }

    /// Whether an honest door lets one more in at `wall`.
    pub(crate) fn admits(&self, wall: UnixMillis) -> Result<(), Spent> {
        if self.revoked {
            return Err(Spent::Revoked);
        }
        if self.body.uses != 0 && self.used >= self.body.uses {
            return Err(Spent::UsedUp);
        }
        if wall.0 / 1000 > self.body.expires {
            return Err(Spent::Expired);
        }
        Ok(())
    }
}

/// Why an invite admits nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spent {
    Revoked,
    UsedUp,
    Expired,
}

/// The fold and what it is made from.
pub(crate) struct Membership {
    room: RoomId,
    ops: BTreeMap<OrderKey, Op>,
    places: BTreeMap<EntryHash, OrderKey>,
    /// The last membership entry of each log.
    last: BTreeMap<LogKey, OrderKey>,
    /// Membership entries that no other membership entry has seen.
    ends: BTreeSet<OrderKey>,
    state: State,
    /// Who was ever let in rightly by what the door had seen.
    known: BTreeSet<DeviceId>,
    profiles: BTreeMap<DeviceId, (OrderKey, Profile)>,
}

impl Membership {
    pub(crate) fn new(room: RoomId) -> Self {
        Self {
            room,
            ops: BTreeMap::new(),
            places: BTreeMap::new(),
            last: BTreeMap::new(),
            ends: BTreeSet::new(),
            state: State::default(),
            known: BTreeSet::new(),
            profiles: BTreeMap::new(),
        }
    }

    /// Takes entries of any kind, causes first; those that say nothing of members or profiles are passed over.
    pub(crate) fn extend<'e>(&mut self, entries: impl IntoIterator<Item = &'e StoredEntry>) {
        for entry in entries {
            let Some(payload) = &entry.payload else { continue };
            // An unreadable body is its author's loss: the chain goes on, the entry says nothing.
            let Ok(body) = Body::decode(entry.kind, payload) else { continue };
            if entry.kind < kind::FIRST_MESSAGE {
                self.take(entry, body);
            } else if let Body::Profile(profile) = body {
                self.put_profile(entry.order.author, entry.order, profile);
            }
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.state.name
    }

    /// What the room is for.
    pub(crate) fn about(&self) -> &str {
        &self.state.about
    }

    /// How many seconds new messages live; none = for good.
    pub(crate) fn lives(&self) -> Option<u32> {
        Some(self.state.lives).filter(|seconds| *seconds > 0)
    }

    pub(crate) fn members(&self) -> &BTreeMap<DeviceId, Member> {
        &self.state.members
    }

    pub(crate) fn is_member(&self, device: DeviceId) -> bool {
        self.state.members.contains_key(&device)
    }

    /// Whether what the device writes is kept: it was let in once, rightly by what the door had seen. Once true this stays
    /// true, whatever comes.
    pub(crate) fn knows(&self, device: DeviceId) -> bool {
        self.known.contains(&device)
    }

    /// How far a log counts; none = as far as it goes.
    pub(crate) fn limit(&self, log: LogKey) -> Option<u64> {
        self.state.limit(log)
    }

    /// Whether an entry of a log is shown.
    pub(crate) fn counts(&self, log: LogKey, seq: u64) -> bool {
        self.limit(log).is_none_or(|last| seq <= last)
    }

    /// The log that a device writes in: its own, or, where a LEAVE or REMOVE has closed that, the next that it derives.
    pub(crate) fn own_log(&self, install: LogKey) -> LogKey {
        let mut own = install;
        while self.state.closed.contains_key(&own) {
            let next = blake3::derive_key("natter 2026-11 next log v1", &own.log.0);
            let mut log = [0; 16];
            log.copy_from_slice(&next[..16]);
            own.log = LogId(log);
        }
        own
    }

    /// Whether the device has said LEAVE and was not admitted again.
    pub(crate) fn has_left(&self, device: DeviceId) -> bool {
        self.state.left.contains(&device)
    }

    pub(crate) fn was_member(&self, device: DeviceId) -> bool {
        self.known.contains(&device)
    }

    pub(crate) fn former(&self) -> impl Iterator<Item = DeviceId> {
        self.state.ever.keys().copied().filter(|device| !self.is_member(*device))
    }

    pub(crate) fn role(&self, device: DeviceId) -> Option<Role> {
        self.state.role(device)
    }

    pub(crate) fn invites(&self) -> &BTreeMap<InviteId, Invite> {
        &self.state.invites
    }

    /// The name and avatar that a member or former member last signed, or brought along when admitted.
    pub(crate) fn profile(&self, device: DeviceId) -> Profile {
        let own = self.profiles.get(&device).map(|(_, profile)| profile);
        own.or_else(|| self.state.ever.get(&device)).cloned().unwrap_or_default()
    }

    /// What a new membership entry names as parents before anything else: so its past is all that its author had seen.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (OrderKey, UnixMillis)> {
        self.ends.iter().rev().filter_map(|end| Some((*end, self.ops.get(end)?.shown)))
    }

    /// What a REMOVE names of a device's logs: the ones of `heads` that still count, the longest if there are too many.
    pub(crate) fn closing(&self, device: DeviceId, heads: &BTreeMap<LogId, u64>) -> Vec<(LogId, u64)> {
        let mut last: Vec<(LogId, u64)> = heads
            .iter()
            .map(|(log, seq)| {
                (*log, self.limit(LogKey { author: device, log: *log }).map_or(*seq, |end| end.min(*seq)))
            })
            .filter(|(_, seq)| *seq > 0)
            .collect();
        last.sort_by_key(|(_, seq)| std::cmp::Reverse(*seq));
        last.truncate(REMOVE_LOGS);
        last.sort_unstable_by_key(|(log, _)| *log);
        last
    }

    fn take(&mut self, entry: &StoredEntry, body: Body) {
        let Ok(header) = Header::decode(&entry.header) else { return };
        if self.places.contains_key(&entry.order.hash) {
            return;
        }
        let proven = self.is_proven(&body);
        // What it follows in its own log, and what it names of others.
        let before = self.last.get(&entry.log).and_then(|last| self.ops.get(last));
        let parents = header.parents.iter().filter_map(|hash| self.ops.get(self.places.get(hash)?));
        let past = Past::of(before.into_iter().chain(parents));
        let mut op = Op {
            order: entry.order,
            log: entry.log,
            seq: entry.seq,
            shown: entry.shown,
            written: header.written,
            body,
            proven,
            past,
            rests_on: None,
        };
        // Mostly everything that is known lies in its past, and then the state is the past's.
        let seen_all = self.ends.iter().all(|end| self.ops.get(end).is_some_and(|end| op.past.holds(end)));
        op.rests_on = self.judge(&op, seen_all);
        self.ends.retain(|end| !self.ops.get(end).is_some_and(|end| op.past.holds(end)));
        if op.rests_on.is_some() {
            let comes = if let Body::Admit { device, .. } = &op.body { Some(*device) } else { None };
            let founds = matches!(op.body, Body::Genesis { .. }).then_some(op.log.author);
            self.known.extend(comes.or(founds));
        }
        if seen_all {
            // Nothing was written beside it, so it stands if its author had the right.
            if op.rests_on.is_some() {
                let (ops, places) = (&self.ops, &self.places);
                self.state.apply(&op, |hash| ops.get(places.get(hash)?));
            }
            self.put(op);
        } else {
            self.put(op);
            self.state = Ops::new(self.ops.values().collect()).fold();
        }
    }

    fn put(&mut self, op: Op) {
        self.ends.insert(op.order);
        self.last.insert(op.log, op.order);
        self.places.insert(op.hash(), op.order);
        self.ops.insert(op.order, op);
    }

    fn judge(&self, op: &Op, seen_all: bool) -> Option<Grounds> {
        if matches!(op.body, Body::Genesis { .. }) {
            return (RoomId(op.hash().0) == self.room).then(Grounds::default);
        }
        if seen_all {
            return self.state.judge(op);
        }
        Ops::new(self.ops.values().filter(|other| op.past.holds(other)).collect()).fold().judge(op)
    }

    fn put_profile(&mut self, author: DeviceId, order: OrderKey, profile: Profile) {
        match self.profiles.get(&author) {
            Some((newest, _)) if *newest >= order => {}
            Some(_) | None => {
                self.profiles.insert(author, (order, profile));
            }
        }
    }

    fn is_proven(&self, body: &Body) -> bool {
        let Body::Admit { device, invite, proof, .. } = body else { return true };
        verify(&invite.0, Context::InviteProof, &invite_proof_bytes(self.room, *device), proof)
    }
}
