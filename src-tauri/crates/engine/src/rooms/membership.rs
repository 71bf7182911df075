//! Who is in a room: a fold over its membership entries in their one order, so that every member who holds the same
//! entries computes the same answer, whatever order they came in.
//!
//! GENESIS makes its author creator. INVITE publishes an invite (members may, if it asks for approval; admins may in any
//! case). ADMIT counts when its author is a member (an admin where approval is asked for), its invite exists, had not
//! expired when the ADMIT was written, and the invite's own key vouches for the device. LEAVE ends the author's
//! membership. What does not count is kept in the log and ignored here.
//!
//! Uses and withdrawal are for doors to respect: an ADMIT that was right when it was written must not be undone by one
//! that nobody at its door could know of, or what the newcomer has said since would stand in one half of the room and not
//! in the other. So the fold holds against an ADMIT only what is certainly in its past, which is what stands before it in
//! its author's own log: no door admits more than an invite's uses, or after it withdrew the invite itself. Two doors
//! that are cut off from each other can spend the last use twice; both newcomers are in.

use super::Role;
use crate::identity::{Context, verify};
use crate::ids::{DeviceId, InviteId, RoomId};
use crate::port::{OrderKey, Profile, StoredEntry};
use crate::time::UnixMillis;
use crate::wire::frame::invite_proof_bytes;
use crate::wire::limits::{INVITES_PER_ROOM, MEMBERS};
use crate::wire::{Body, Header, InviteBody};
use std::collections::{BTreeMap, BTreeSet};

/// A member, as the fold knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) role: Role,
    pub(crate) since: UnixMillis,
}

/// An invite, as the fold knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invite {
    pub(crate) by: DeviceId,
    pub(crate) body: InviteBody,
    pub(crate) used: u32,
    pub(crate) revoked: bool,
    /// How many each member let in with it, and who withdrew it.
    used_by: BTreeMap<DeviceId, u32>,
    revoked_by: BTreeSet<DeviceId>,
}

impl Invite {
    fn new(by: DeviceId, body: InviteBody) -> Self {
        let (used_by, revoked_by) = (BTreeMap::new(), BTreeSet::new());
        Self { by, body, used: 0, revoked: false, used_by, revoked_by }
    }

    /// Whether an ADMIT by `author`, written then, counts.
    fn counts(&self, author: DeviceId, written: UnixMillis) -> bool {
        let spent = self.used_by.get(&author).copied().unwrap_or(0);
        let has_uses = self.body.uses == 0 || spent < self.body.uses;
        has_uses && !self.revoked_by.contains(&author) && written.0 / 1000 <= self.body.expires
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

struct MemberOp {
    author: DeviceId,
    shown: UnixMillis,
    /// When its author says it was written. Invites expire by this and not by the clock, which one device that lives in
    /// the future drags along for everyone.
    written: UnixMillis,
    body: Body,
    /// ADMIT: whether the invite's key really vouched. Checked once: the fold runs often.
    proven: bool,
}

/// The fold and what it is made from.
pub(crate) struct Membership {
    room: RoomId,
    ops: BTreeMap<OrderKey, MemberOp>,
    name: String,
    members: BTreeMap<DeviceId, Member>,
    /// Everyone who ever was one, with the last profile known.
    profiles: BTreeMap<DeviceId, (OrderKey, Profile)>,
    ever: BTreeMap<DeviceId, Profile>,
    /// Gone by their own word.
    left: BTreeSet<DeviceId>,
    invites: BTreeMap<InviteId, Invite>,
}

impl Membership {
    pub(crate) fn new(room: RoomId) -> Self {
        Self {
            room,
            ops: BTreeMap::new(),
            name: String::new(),
            members: BTreeMap::new(),
            profiles: BTreeMap::new(),
            ever: BTreeMap::new(),
            left: BTreeSet::new(),
            invites: BTreeMap::new(),
        }
    }

    /// Takes entries of any kind; those that say nothing of members or profiles are passed over.
    pub(crate) fn extend<'e>(&mut self, entries: impl IntoIterator<Item = &'e StoredEntry>) {
        let mut refold = false;
        for entry in entries {
            let Some(payload) = &entry.payload else { continue };
            // An unreadable body is its author's loss: the chain goes on, the entry says nothing.
            let Ok(body) = Body::decode(entry.kind, payload) else { continue };
            match body {
                Body::Genesis { .. }
                | Body::Invite(_)
                | Body::Admit { .. }
                | Body::Leave
                | Body::RevokeInvite { .. } => {
                    let proven = self.is_proven(&body);
                    let Ok(header) = Header::decode(&entry.header) else { continue };
                    let (author, shown, written) = (entry.log.author, entry.shown, header.written);
                    let op = MemberOp { author, shown, written, body, proven };
                    self.ops.insert(entry.order, op);
                    refold = true;
                }
                Body::Profile(profile) => self.put_profile(entry.log.author, entry.order, profile),
                Body::Text(_) | Body::Picture(_) | Body::About { .. } | Body::Receipt { .. } => {}
            }
        }
        if refold {
            self.fold();
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn members(&self) -> &BTreeMap<DeviceId, Member> {
        &self.members
    }

    pub(crate) fn is_member(&self, device: DeviceId) -> bool {
        self.members.contains_key(&device)
    }

    /// Whether the device has said LEAVE and was not admitted again.
    pub(crate) fn has_left(&self, device: DeviceId) -> bool {
        self.left.contains(&device)
    }

    pub(crate) fn was_member(&self, device: DeviceId) -> bool {
        self.ever.contains_key(&device)
    }

    pub(crate) fn former(&self) -> impl Iterator<Item = DeviceId> {
        self.ever.keys().copied().filter(|device| !self.members.contains_key(device))
    }

    pub(crate) fn role(&self, device: DeviceId) -> Option<Role> {
        self.members.get(&device).map(|member| member.role)
    }

    pub(crate) fn invites(&self) -> &BTreeMap<InviteId, Invite> {
        &self.invites
    }

    /// The name and avatar that a member or former member last signed, or brought along when admitted.
    pub(crate) fn profile(&self, device: DeviceId) -> Profile {
        let own = self.profiles.get(&device).map(|(_, profile)| profile);
        own.or_else(|| self.ever.get(&device)).cloned().unwrap_or_default()
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
            Body::Genesis { .. }
            | Body::Invite(_)
            | Body::Leave
            | Body::RevokeInvite { .. }
            | Body::Text(_)
            | Body::About { .. }
            | Body::Picture(_)
            | Body::Profile(_)
            | Body::Receipt { .. } => true,
        }
    }

    fn fold(&mut self) {
        self.members.clear();
        self.ever.clear();
        self.left.clear();
        self.invites.clear();
        let ops = std::mem::take(&mut self.ops);
        for (order, op) in &ops {
            self.apply(*order, op);
        }
        self.ops = ops;
    }

    fn apply(&mut self, order: OrderKey, op: &MemberOp) {
        if let Body::Genesis { name, profile, .. } = &op.body {
            if RoomId(order.hash.0) == self.room {
                self.name.clone_from(name);
                self.admit(op.author, Role::Creator, op.shown, profile.clone());
            }
            return;
        }
        let Some(role) = self.role(op.author) else { return };
        match &op.body {
            Body::Invite(body) => {
                let allowed = body.approval || role >= Role::Admin;
                let live = self.invites.values().filter(|invite| invite.admits(op.written).is_ok()).count();
                if allowed && live < INVITES_PER_ROOM {
                    // First come in the order: a second INVITE cannot refill or loosen one.
                    self.invites.entry(body.invite).or_insert_with(|| Invite::new(op.author, *body));
                }
            }
            Body::Admit { device, invite, profile, .. } => {
                let Some(record) = self.invites.get_mut(invite) else { return };
                let entitled = !record.body.approval || role >= Role::Admin;
                let fits = self.members.len() < MEMBERS && !self.members.contains_key(device);
                if op.proven && entitled && fits && record.counts(op.author, op.written) {
                    record.used = record.used.saturating_add(1);
                    *record.used_by.entry(op.author).or_default() += 1;
                    self.admit(*device, Role::Member, op.shown, profile.clone());
                }
            }
            Body::RevokeInvite { invite } => {
                if let Some(record) = self.invites.get_mut(invite)
                    && (record.by == op.author || role >= Role::Admin)
                {
                    record.revoked = true;
                    record.revoked_by.insert(op.author);
                }
            }
            Body::Leave => {
                self.members.remove(&op.author);
                self.left.insert(op.author);
            }
            Body::Genesis { .. }
            | Body::Text(_)
            | Body::Picture(_)
            | Body::About { .. }
            | Body::Profile(_)
            | Body::Receipt { .. } => {}
        }
    }

    fn admit(&mut self, device: DeviceId, role: Role, since: UnixMillis, profile: Profile) {
        self.members.insert(device, Member { role, since });
        self.left.remove(&device);
        self.ever.insert(device, profile);
    }
}
