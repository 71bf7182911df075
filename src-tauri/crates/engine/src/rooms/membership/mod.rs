//! Who is in a room: a fold over its membership entries, so that every member who holds the same entries computes the
//! same answer, whatever order they came in. `fold` has the rules, `op` what one entry had seen of the others.
//!
//! GENESIS makes its author creator. INVITE publishes an invite, ADMIT lets a device in by one, LEAVE and REMOVE end a
//! membership, GRANT and REVOKE change a role, ROOM the room's name and manners. What does not count is kept in the log
//! and ignored here.
//!
//! A *person* is one or several devices: the one that was admitted, whose key names the person here, and those that a
//! DEVICE of theirs has added since. They come by one role, and lose it, and go, together; only one of themselves takes
//! out a single one.
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
use crate::wire::frame::{device_proof_bytes, invite_proof_bytes};
use crate::wire::limits::REMOVE_LOGS;
use crate::wire::{Body, Header, InviteBody, kind};
use fold::{Ops, Reach, State};
use op::{Grounds, Op, Past};
use std::collections::{BTreeMap, BTreeSet};

/// A member, as the fold knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) role: Role,
    /// Whose device: named by the one that they came into the room with.
    pub(crate) person: DeviceId,
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
    /// The logs of which others are branches: those were written twice, and go on in them.
    parents: BTreeMap<LogKey, LogKey>,
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
            parents: BTreeMap::new(),
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

    /// Goes on from the disk: the branches of logs that were written twice, each with its log.
    pub(crate) fn branch(&mut self, branches: impl IntoIterator<Item = (LogKey, LogKey)>) {
        self.parents.extend(branches);
    }

    /// A log was written twice at a place, and goes on in branches from there; what is held of it lies in `ours`. What an
    /// entry had seen is told by logs, and by that who had which right: all of it is gone through again, so that this
    /// device says what those say who knew of the branches from the beginning.
    pub(crate) fn split(&mut self, log: LogKey, at: u64, ours: Option<LogKey>, branches: &[LogKey]) {
        self.parents.extend(branches.iter().map(|branch| (*branch, log)));
        let ops = std::mem::take(&mut self.ops);
        let fresh = Self::new(self.room);
        let parents = std::mem::take(&mut self.parents);
        let profiles = std::mem::take(&mut self.profiles);
        *self = Self { parents, profiles, ..fresh };
        for mut op in ops.into_values() {
            if let Some(ours) = ours.filter(|_| op.log == log && op.seq >= at) {
                op.log = ours;
            }
            self.enter(op);
        }
    }

    /// Whether the device has said LEAVE and was not admitted again.
    pub(crate) fn has_left(&self, device: DeviceId) -> bool {
        self.state.left.contains(&device)
    }

    /// Whose device it is, or was when it was in last: the name of the person in this room.
    pub(crate) fn person(&self, device: DeviceId) -> DeviceId {
        self.state.person(device)
    }

    /// The devices of a person that are in.
    pub(crate) fn devices_of(&self, person: DeviceId) -> impl Iterator<Item = DeviceId> {
        self.state.members.iter().filter(move |(_, member)| member.person == person).map(|(device, _)| *device)
    }

    /// Whether another device of its person has taken it out, and none has let it in again.
    pub(crate) fn was_unlinked(&self, device: DeviceId) -> bool {
        self.state.unlinked.contains(&device)
    }

    /// Whether a member may add a device to their person.
    pub(crate) fn may_link(&self, member: DeviceId, device: DeviceId) -> bool {
        self.state.may_link(member, device)
    }

    /// Devices that are or were some other device's person.
    pub(crate) fn persons(&self) -> impl Iterator<Item = (DeviceId, DeviceId)> {
        self.state.persons.iter().filter(|(device, person)| device != person).map(|(device, person)| (*device, *person))
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

    /// The name and avatar that a device of the person last signed, or that they brought along when admitted. Of somebody
    /// who is in, only devices that are in have a say.
    pub(crate) fn profile(&self, device: DeviceId) -> Profile {
        let person = self.person(device);
        let came =
            || self.state.ever.get(&device).or_else(|| self.state.ever.get(&person)).cloned().unwrap_or_default();
        if !self.state.several.contains(&person) {
            return self.profiles.get(&device).map_or_else(came, |(_, profile)| profile.clone());
        }
        let inside = self.devices_of(person).next().is_some();
        let said = self.profiles.iter().filter(|(other, _)| {
            self.person(**other) == person && (!inside || self.is_member(**other)) || **other == device && !inside
        });
        let last = said.map(|(_, said)| said).max_by_key(|(order, _)| *order).map(|(_, profile)| profile);
        last.cloned().unwrap_or_else(came)
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

    /// What a REMOVE or LEAVE names of the logs of a person's other devices: as [`Self::closing`].
    pub(crate) fn closing_others(&self, device: DeviceId, heads: &BTreeMap<LogKey, u64>) -> Vec<(LogKey, u64)> {
        let person = self.person(device);
        let others = heads.iter().filter(|(log, _)| log.author != device && self.person(log.author) == person);
        let counted = others.map(|(log, seq)| (*log, self.limit(*log).map_or(*seq, |end| end.min(*seq))));
        let mut last: Vec<(LogKey, u64)> = counted.filter(|(_, seq)| *seq > 0).collect();
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
        self.enter(Op {
            order: entry.order,
            log: entry.log,
            seq: entry.seq,
            shown: entry.shown,
            written: header.written,
            body,
            parents: header.parents,
            proven,
            past: Past::default(),
            rests_on: None,
        });
    }

    /// Takes an entry whose causes are here, finds out what it had seen and whether its author had the right to it.
    fn enter(&mut self, mut op: Op) {
        // What it follows in its own log, and what it names of others.
        let before = self.before(op.log).and_then(|last| self.ops.get(last));
        let parents = op.parents.iter().filter_map(|hash| self.ops.get(self.places.get(hash)?));
        op.past = Past::of(before.into_iter().chain(parents));
        // Mostly everything that is known lies in its past, and then the state is the past's.
        let seen_all = self.ends.iter().all(|end| self.ops.get(end).is_some_and(|end| op.past.holds(end)));
        op.rests_on = self.judge(&op, seen_all);
        self.ends.retain(|end| !self.ops.get(end).is_some_and(|end| op.past.holds(end)));
        if op.rests_on.is_some() {
            let comes = match &op.body {
                Body::Admit { device, .. } | Body::Device { device, .. } => Some(*device),
                Body::Genesis { .. }
                | Body::Invite(_)
                | Body::Leave { .. }
                | Body::RevokeInvite { .. }
                | Body::Remove { .. }
                | Body::Grant { .. }
                | Body::Revoke { .. }
                | Body::Room(_)
                | Body::Text(_)
                | Body::Picture(_)
                | Body::About { .. }
                | Body::Profile(_)
                | Body::Receipt { .. } => None,
            };
            let founds = matches!(op.body, Body::Genesis { .. }).then_some(op.log.author);
            self.known.extend(comes.or(founds));
        }
        if seen_all {
            // Nothing was written beside it, so it stands if its author had the right.
            if op.rests_on.is_some() {
                let (ops, places) = (&self.ops, &self.places);
                self.state.apply(&op, Reach::Person, |hash| ops.get(places.get(hash)?));
            }
            self.put(op);
        } else {
            self.put(op);
            self.state = Ops::new(self.ops.values().collect()).fold();
        }
    }

    /// The last membership entry of a log, or of the ones that it is a branch of.
    fn before(&self, log: LogKey) -> Option<&OrderKey> {
        let mut log = log;
        loop {
            match self.last.get(&log) {
                Some(last) => return Some(last),
                None => log = *self.parents.get(&log)?,
            }
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
        match body {
            Body::Admit { device, invite, proof, .. } => {
                verify(&invite.0, Context::InviteProof, &invite_proof_bytes(self.room, *device), proof)
            }
            Body::Device { device, person, proof } => {
                verify(&device.0, Context::Device, &device_proof_bytes(self.room, *person), proof)
            }
            Body::Genesis { .. }
            | Body::Invite(_)
            | Body::Leave { .. }
            | Body::RevokeInvite { .. }
            | Body::Remove { .. }
            | Body::Grant { .. }
            | Body::Revoke { .. }
            | Body::Room(_)
            | Body::Text(_)
            | Body::Picture(_)
            | Body::About { .. }
            | Body::Profile(_)
            | Body::Receipt { .. } => true,
        }
    }
}
