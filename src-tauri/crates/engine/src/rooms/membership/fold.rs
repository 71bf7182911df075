//! The state of a room's membership, and the rules by which entries change it.
//!
//! Three questions are asked of an entry, and each has one answer wherever it is asked:
//!
//! 1. *Had its author the right?* Judged by the entry's own causal past, which is the same on every device and never
//!    changes. So whoever was let in rightly by what the door knew is known for good, and what they said is kept.
//! 2. *Was the right taken at the same time?* What an author gave (INVITE, ADMIT, DEVICE, GRANT, ROOM) beside a REMOVE or REVOKE of
//!    their own rights, neither having seen the other, is void, and so is what rests on it. What they took (REMOVE, REVOKE,
//!    REVOKE_INVITE) stands: two admins who remove each other are both out. Only against the creator nobody stands: who is
//!    removed by them takes nothing from anybody beside it.
//! 3. *Who is in?* The entries that stand, in the one order of the room.
//!
//! Compare the strong removal of p2panda-auth and Matrix state resolution v2 (MSC1442), which orders by power first;
//! here it is the age of the author's role.

use super::op::{Grounds, Op, Takes};
use super::{Invite, Member};
use crate::ids::{DeviceId, EntryHash, InviteId, LogKey};
use crate::port::{Profile, Role};
use crate::time::UnixMillis;
use crate::wire::Body;
use crate::wire::limits::{DEVICES_PER_PERSON, INVITES_PER_ROOM, MEMBERS, OPS_PER_AUTHOR};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Who is in, as far as some entries tell.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) name: String,
    pub(super) about: String,
    /// How many seconds new messages live; 0 = for good.
    pub(super) lives: u32,
    pub(super) members: BTreeMap<DeviceId, Member>,
    /// Everyone who ever was one by what stands, with the profile they came with.
    pub(super) ever: BTreeMap<DeviceId, Profile>,
    /// Gone by their own word, and not back.
    pub(super) left: BTreeSet<DeviceId>,
    pub(super) invites: BTreeMap<InviteId, Invite>,
    /// Logs that were closed by a LEAVE or a REMOVE, and the last entry of each that counts.
    pub(super) closed: BTreeMap<LogKey, u64>,
    /// Those of them that a LEAVE closed, and which.
    closed_by: BTreeMap<LogKey, EntryHash>,
    /// Ends of memberships: who, and by which entry.
    ends: Vec<(DeviceId, EntryHash)>,
    /// The same of whole persons.
    person_ends: Vec<(DeviceId, EntryHash)>,
    /// Whose device each is, or was when it was in last.
    pub(super) persons: BTreeMap<DeviceId, DeviceId>,
    /// Persons who have, or had, more than one.
    pub(super) several: BTreeSet<DeviceId>,
    /// Taken out by another device of their person.
    pub(super) unlinked: BTreeSet<DeviceId>,
    /// Taken out by others: no DEVICE brings these back, only an ADMIT.
    banned: BTreeSet<DeviceId>,
    /// Membership entries of each author.
    spoken: BTreeMap<DeviceId, u64>,
}

/// Whom a LEAVE takes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// All devices of its author's person.
    Person,
    /// Its author alone, which another device of that person has taken out beside it.
    Device,
}

/// A state is made from these, which are closed under causes and in the order of the room.
pub(super) struct Ops<'o> {
    all: Vec<&'o Op>,
    by_hash: BTreeMap<EntryHash, &'o Op>,
}

impl<'o> Ops<'o> {
    pub(super) fn new(all: Vec<&'o Op>) -> Self {
        let by_hash = all.iter().map(|op| (op.hash(), *op)).collect();
        Self { all, by_hash }
    }

    /// The state that they make.
    pub(super) fn fold(&self) -> State {
        let takers = self.takers();
        let mut standing: BTreeSet<EntryHash> = BTreeSet::new();
        let mut state = State::default();
        for op in &self.all {
            let Some(grounds) = &op.rests_on else { continue };
            let stands = if op.takes() {
                takers.iter().any(|taker| taker.hash() == op.hash())
            } else {
                grounds.entries.iter().all(|on| standing.contains(on)) && !is_void(op, &takers)
            };
            if stands {
                standing.insert(op.hash());
                let reach = if takers.iter().any(|taker| cuts(taker, op)) { Reach::Device } else { Reach::Person };
                state.apply(op, reach, |end| self.by_hash.get(end).copied());
            }
        }
        state
    }

    /// The REMOVEs and REVOKEs that stand, the ones whose authors' roles are older first.
    fn takers(&self) -> Vec<&'o Op> {
        let mut asked: Vec<&Op> = self.all.iter().copied().filter(|op| op.takes()).collect();
        asked.retain(|op| op.rests_on.is_some());
        asked.sort_by_key(|op| (op.rests_on.as_ref().and_then(|grounds| grounds.rank), op.order));
        let mut takers: Vec<&Op> = Vec::new();
        for op in asked {
            let overruled = takers.iter().any(|taker| {
                // Among one's own devices neither is more than the other: of two that remove each other both are out.
                let by_creator = |grounds: &Grounds| grounds.by_creator && matches!(grounds.takes, Takes::Person(_));
                let creator = taker.rests_on.as_ref().is_some_and(by_creator);
                creator && matches!(taker.body, Body::Remove { .. }) && cuts(taker, op)
            });
            if !overruled && self.is_grounded(op, &takers) {
                takers.push(op);
            }
        }
        takers
    }

    /// Whether everything that an entry rests on stands.
    fn is_grounded(&self, op: &Op, takers: &[&Op]) -> bool {
        let grounds = op.rests_on.as_ref().map(|grounds| &grounds.entries[..]);
        // What it rests on lies before it in the order: this ends.
        grounds.is_some_and(|entries| {
            entries.iter().all(|on| {
                let on = self.by_hash.get(on);
                on.is_some_and(|on| !is_void(on, takers) && self.is_grounded(on, takers))
            })
        })
    }
}

/// Whether the right that an entry was given by was taken beside it.
fn is_void(op: &Op, takers: &[&Op]) -> bool {
    op.gives() && takers.iter().any(|taker| cuts(taker, op))
}

/// Whether a REMOVE or REVOKE takes the right to an entry that was written beside it. What whoever removes had seen of
/// the author's log counts, even where their entry does not say so.
fn cuts(taker: &Op, op: &Op) -> bool {
    let author = op.log.author;
    let target = match taker.rests_on.as_ref().map(|grounds| grounds.takes) {
        Some(Takes::Device(device)) => device == author,
        // A LEAVE needs no right, and so does not say whose it is; of a removed person nothing is left to take along.
        Some(Takes::Person(person)) => op.rests_on.as_ref().and_then(|grounds| grounds.person) == Some(person),
        Some(Takes::Nothing) | None => false,
    };
    if !target || !taker.is_beside(op) {
        return false;
    }
    match &taker.body {
        Body::Remove { .. } => taker.hears(op.log).is_none_or(|seq| op.seq > seq),
        Body::Revoke { role, .. } => needs(op) > *role,
        Body::Genesis { .. }
        | Body::Invite(_)
        | Body::Admit { .. }
        | Body::Device { .. }
        | Body::Leave { .. }
        | Body::RevokeInvite { .. }
        | Body::Grant { .. }
        | Body::Room(_)
        | Body::Text(_)
        | Body::Picture(_)
        | Body::About { .. }
        | Body::Profile(_)
        | Body::Receipt { .. } => false,
    }
}

/// The least role that an entry takes, where that does not depend on an invite.
fn needs(op: &Op) -> Role {
    match &op.body {
        Body::Invite(body) if body.approval => Role::Member,
        Body::Invite(_) | Body::Grant { .. } | Body::Revoke { .. } | Body::Room(_) => Role::Admin,
        Body::Admit { .. } => Role::Member,
        // A REMOVE of somebody else an admin; of a device of one's own anybody.
        Body::Genesis { .. }
        | Body::Remove { .. }
        | Body::Device { .. }
        | Body::Leave { .. }
        | Body::RevokeInvite { .. }
        | Body::Text(_)
        | Body::Picture(_)
        | Body::About { .. }
        | Body::Profile(_)
        | Body::Receipt { .. } => Role::Guest,
    }
}

impl State {
    pub(super) fn person(&self, device: DeviceId) -> DeviceId {
        self.persons.get(&device).copied().unwrap_or(device)
    }

    /// Devices that are or were this person's.
    fn all_devices_of(&self, person: DeviceId) -> BTreeSet<DeviceId> {
        self.persons.iter().filter(|(_, whose)| **whose == person).map(|(device, _)| *device).collect()
    }

    /// Devices of the person that are in.
    fn count_devices(&self, person: DeviceId) -> usize {
        self.members.values().filter(|member| member.person == person).count()
    }

    /// Whether a member may add a device to their person.
    pub(super) fn may_link(&self, member: DeviceId, device: DeviceId) -> bool {
        let person = self.members.get(&member).map(|member| member.person);
        let room = |person| self.members.len() < MEMBERS && self.count_devices(person) < DEVICES_PER_PERSON;
        person.is_some_and(room) && !self.banned.contains(&device) && !self.members.contains_key(&device)
    }

    /// Whether a membership ended by something that a newcomer's door had not seen: then they are still out.
    fn has_ended<'o>(
        ends: &[(DeviceId, EntryHash)],
        who: DeviceId,
        op: &Op,
        end_of: &impl Fn(&EntryHash) -> Option<&'o Op>,
    ) -> bool {
        ends.iter().any(|(ended, end)| *ended == who && end_of(end).is_none_or(|end| !op.past.holds(end)))
    }

    pub(super) fn role(&self, device: DeviceId) -> Option<Role> {
        self.members.get(&device).map(|member| member.role)
    }

    /// How far a log counts; none = as far as it goes.
    pub(super) fn limit(&self, log: LogKey) -> Option<u64> {
        if let Some(seq) = self.closed.get(&log) {
            return Some(*seq);
        }
        (!self.members.contains_key(&log.author)).then_some(0)
    }

    /// What the right to an entry rests on, in a state that is its past; none when there is no right.
    pub(super) fn judge(&self, op: &Op) -> Option<Grounds> {
        if matches!(op.body, Body::Leave { .. }) {
            // Nobody needs a right to go.
            return Some(Grounds::default());
        }
        let author = op.log.author;
        let member = self.members.get(&author)?;
        if self.spoken.get(&author).is_some_and(|count| *count >= OPS_PER_AUTHOR) || member.role < needs(op) {
            return None;
        }
        let admin = member.role >= Role::Admin;
        let target = |device: &DeviceId| self.members.get(device).map(|target| target.role);
        let whose = |device: &DeviceId| self.members.get(device).map(|target| target.person);
        let mut by_invite = None;
        let mut takes = Takes::Nothing;
        let allowed = match &op.body {
            Body::Invite(body) => {
                let live = self.invites.values().filter(|invite| invite.admits(op.written).is_ok()).count();
                // First come: a second INVITE cannot refill or loosen one.
                live < INVITES_PER_ROOM && !self.invites.contains_key(&body.invite)
            }
            Body::Admit { device, invite, .. } => self.invites.get(invite).is_some_and(|record| {
                by_invite = Some(record.made_by);
                let entitled = admin || !record.body.approval;
                // A device that its own person has taken out is not let in by others beside them.
                let taken = self.members.contains_key(device) || self.count_devices(*device) > 0;
                let fits = self.members.len() < MEMBERS && !taken;
                op.proven && entitled && fits && record.admits(op.written).is_ok()
            }),
            Body::Device { device, person, .. } => {
                op.proven && *person == member.person && self.may_link(author, *device)
            }
            Body::RevokeInvite { invite } => {
                self.invites.get(invite).is_some_and(|record| self.person(record.by) == member.person || admin)
            }
            Body::Room(_) => true,
            Body::Remove { device, .. } if whose(device) == Some(member.person) => {
                takes = Takes::Device(*device);
                *device != author
            }
            Body::Remove { device, .. } => {
                takes = whose(device).map_or(Takes::Nothing, Takes::Person);
                admin && target(device).is_some_and(|role| role < Role::Creator)
            }
            Body::Grant { device, role } => target(device).is_some_and(|now| now < *role),
            Body::Revoke { device, role } => {
                takes = whose(device).map_or(Takes::Nothing, Takes::Person);
                target(device).is_some_and(|now| now > *role && now < Role::Creator)
            }
            Body::Genesis { .. }
            | Body::Leave { .. }
            | Body::Text(_)
            | Body::Picture(_)
            | Body::About { .. }
            | Body::Profile(_)
            | Body::Receipt { .. } => false,
        };
        allowed.then(|| Grounds {
            entries: [Some(member.came_by), member.granted_by.map(|order| order.hash), by_invite]
                .into_iter()
                .flatten()
                .collect(),
            rank: member.granted_by,
            by_creator: member.role == Role::Creator,
            person: Some(member.person),
            takes,
        })
    }

    /// Takes an entry that stands. `end_of` finds the entry that ended a membership.
    pub(super) fn apply<'o>(&mut self, op: &Op, reach: Reach, end_of: impl Fn(&EntryHash) -> Option<&'o Op>) {
        let author = op.log.author;
        *self.spoken.entry(author).or_default() += 1;
        match &op.body {
            Body::Genesis { name, profile, .. } => {
                self.name.clone_from(name);
                self.admit(op, author, Role::Creator, profile);
            }
            Body::Invite(body) => {
                self.invites.entry(body.invite).or_insert_with(|| Invite::new(author, op.hash(), *body));
            }
            Body::Admit { device, invite, profile, .. } => {
                let Some(record) = self.invites.get_mut(invite) else { return };
                record.used = record.used.saturating_add(1);
                let role = record.body.role;
                self.ever.entry(*device).or_insert_with(|| profile.clone());
                let taken = self.members.contains_key(device) || self.count_devices(*device) > 0;
                if !Self::has_ended(&self.ends, *device, op, &end_of) && !taken {
                    let before = self.person(*device);
                    let theirs = self.all_devices_of(before);
                    self.banned.retain(|banned| !theirs.contains(banned) && banned != device);
                    self.admit(op, *device, role, profile);
                }
            }
            Body::Device { device, person, .. } => {
                // What the others of the person are by now, whatever their role was when this was written.
                let siblings = || self.members.values().filter(|member| member.person == *person);
                let Some(sibling) =
                    self.members.get(&author).filter(|member| member.person == *person).or_else(|| siblings().next())
                else {
                    return;
                };
                let out = Self::has_ended(&self.ends, *device, op, &end_of)
                    || Self::has_ended(&self.person_ends, *person, op, &end_of)
                    || self.banned.contains(device);
                if out || self.members.contains_key(device) || siblings().count() >= DEVICES_PER_PERSON {
                    return;
                }
                let member = Member { person: *person, since: op.shown, came_by: op.hash(), ..sibling.clone() };
                self.members.insert(*device, member);
                self.left.remove(device);
                self.unlinked.remove(device);
                self.persons.insert(*device, *person);
                self.several.insert(*person);
                if let Some(profile) = self.ever.get(person).cloned() {
                    self.ever.insert(*device, profile);
                }
            }
            Body::RevokeInvite { invite } => {
                if let Some(record) = self.invites.get_mut(invite) {
                    record.revoked = true;
                }
            }
            Body::Leave { heads, others } => {
                let mut out = BTreeSet::from([author]);
                if let Some(member) = self.members.remove(&author) {
                    if reach == Reach::Person {
                        out.extend(self.all_devices_of(member.person));
                        self.person_ends.push((member.person, op.hash()));
                    }
                    let named = heads.iter().map(|(log, seq)| (LogKey { author, log: *log }, *seq));
                    let others =
                        others.iter().copied().filter(|(log, _)| log.author != author && out.contains(&log.author));
                    // Whoever is out already is heard only as far as those had who took them out.
                    for (log, seq) in named.chain(std::iter::once((op.log, op.seq))).chain(others) {
                        if let Entry::Vacant(open) = self.closed.entry(log) {
                            open.insert(seq);
                            self.closed_by.insert(log, op.hash());
                        }
                    }
                }
                self.left.insert(author);
                for device in out {
                    self.members.remove(&device);
                    self.ends.push((device, op.hash()));
                }
            }
            Body::Remove { device, heads, others } => {
                let mut out = BTreeSet::from([*device]);
                match op.rests_on.as_ref().map(|grounds| grounds.takes) {
                    Some(Takes::Person(person)) => {
                        out.extend(self.all_devices_of(person));
                        self.person_ends.push((person, op.hash()));
                        self.banned.extend(&out);
                    }
                    Some(Takes::Device(device)) => {
                        self.unlinked.insert(device);
                    }
                    Some(Takes::Nothing) | None => {}
                }
                for device in &out {
                    self.members.remove(device);
                    self.ends.push((*device, op.hash()));
                }
                // A LEAVE beside it, perhaps dated back, does not get them heard any further.
                let beside = |log: &LogKey, by: &EntryHash| {
                    out.contains(&log.author) && end_of(by).is_some_and(|leave| leave.is_beside(op))
                };
                let again: Vec<LogKey> =
                    self.closed_by.iter().filter(|(log, by)| beside(log, by)).map(|(log, _)| *log).collect();
                for log in again {
                    self.closed_by.remove(&log);
                    self.closed.remove(&log);
                }
                let others =
                    others.iter().copied().filter(|(log, _)| log.author != *device && out.contains(&log.author));
                let named = heads.iter().map(|(log, seq)| (LogKey { author: *device, log: *log }, *seq));
                for (log, seq) in named.chain(others) {
                    // Two who remove the same device have seen different ends of its log: nothing that one of them saw is lost.
                    let last = self.closed.entry(log).or_insert(0);
                    *last = (*last).max(seq);
                }
            }
            Body::Grant { device, role } => {
                for member in self.person_mut(*device) {
                    let taken = member.revoked_by.iter().any(|by| end_of(by).is_some_and(|by| by.is_beside(op)));
                    if !taken && member.role < *role {
                        member.role = *role;
                        member.granted_by = Some(op.order);
                    }
                }
            }
            Body::Revoke { device, role } => {
                for member in self.person_mut(*device) {
                    member.role = member.role.min(*role);
                    member.revoked_by.push(op.hash());
                }
            }
            Body::Room(room) => {
                if let Some(name) = &room.name {
                    self.name.clone_from(name);
                }
                if let Some(about) = &room.about {
                    self.about.clone_from(about);
                }
                self.lives = room.lives.unwrap_or(self.lives);
            }
            Body::Text(_) | Body::Picture(_) | Body::About { .. } | Body::Profile(_) | Body::Receipt { .. } => {}
        }
    }

    /// The device, and the others of its person, as far as they are in.
    fn person_mut(&mut self, device: DeviceId) -> impl Iterator<Item = &mut Member> {
        let person = self.members.get(&device).map(|member| member.person);
        self.members.values_mut().filter(move |member| Some(member.person) == person)
    }

    fn admit(&mut self, op: &Op, device: DeviceId, role: Role, profile: &Profile) {
        let granted_by = (role == Role::Creator).then_some(op.order);
        let since: UnixMillis = op.shown;
        let member = Member { role, person: device, since, came_by: op.hash(), granted_by, revoked_by: Vec::new() };
        self.members.insert(device, member);
        self.persons.insert(device, device);
        self.left.remove(&device);
        self.unlinked.remove(&device);
        self.ever.insert(device, profile.clone());
    }
}
