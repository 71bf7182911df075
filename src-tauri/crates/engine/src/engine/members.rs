//! Removing members, their roles, the room's name and manners; and the key that those who stay meet by.
//!
//! Who is removed keeps the key that the room's meeting places and envelopes were derived from. So whoever writes a REMOVE
//! makes a new one, an *epoch*, and hands it to each member over their own link, never through the log. Members who were
//! away still look at the old places: these are held too until all are known to have the new key, which says nothing but
//! that somebody is there; a link needs a member's signature in any case.

use super::Engine;
use super::Pending;
use crate::identity::clean_name;
use crate::ids::{CommandId, DeviceId, EntryHash, RoomId};
use crate::messages::log::{Batch, Draft};
use crate::port::{Op, Refusal, Role, Standing};
use crate::time::Now;
use crate::wire::limits::{ABOUT_BYTES, EPOCHS, LIVES_SECONDS};
use crate::wire::{Body, Frame, RoomBody};
use std::time::Duration;

/// Keys whose places are held at one time.
const EPOCHS_HELD: usize = 4;
/// How long the places of earlier keys are held even when all members are known to have the newest: a door may have let
/// somebody in and gone before anybody else heard of it, and then this is where they look for us.
const OLD_PLACES: Duration = Duration::from_secs(24 * 60 * 60);

impl Engine {
    // ------------------------------------------------------------ commands

    pub(super) fn remove(&mut self, id: CommandId, room: RoomId, device: DeviceId) {
        let me = self.me;
        let state = match self.admin_of(room) {
            Ok(state) => state,
            Err(refusal) => return self.reply(id, Err(refusal)),
        };
        // A person is named by the device that they came with, which may be out by now.
        let Some(device) = state.membership.devices_of(state.membership.person(device)).next() else {
            return self.reply(id, Err(Refusal::NoSuchMember));
        };
        match state.membership.role(device) {
            None => return self.reply(id, Err(Refusal::NoSuchMember)),
            Some(Role::Creator) => return self.reply(id, Err(Refusal::NotAllowed)),
            // Whoever wants to go leaves.
            Some(_) if state.membership.person(device) == state.membership.person(me) => {
                return self.reply(id, Err(Refusal::NotAllowed));
            }
            Some(Role::Guest | Role::Member | Role::Admin) => {}
        }
        let body = state.removal(device);
        self.say(room, Some(id), body);
    }

    pub(super) fn set_role(&mut self, id: CommandId, room: RoomId, device: DeviceId, role: Role) {
        let state = match self.admin_of(room) {
            Ok(state) => state,
            Err(refusal) => return self.reply(id, Err(refusal)),
        };
        let device = state.membership.devices_of(state.membership.person(device)).next().unwrap_or(device);
        let Some(now) = state.membership.role(device) else {
            return self.reply(id, Err(Refusal::NoSuchMember));
        };
        if now == Role::Creator || role == Role::Creator {
            return self.reply(id, Err(Refusal::NotAllowed));
        }
        match now.cmp(&role) {
            std::cmp::Ordering::Less => self.say(room, Some(id), Body::Grant { device, role }),
            std::cmp::Ordering::Greater => self.say(room, Some(id), Body::Revoke { device, role }),
            std::cmp::Ordering::Equal => self.reply(id, Ok(crate::port::Reply::Done)),
        }
    }

    pub(super) fn set_room(&mut self, id: CommandId, room: RoomId, change: RoomBody) {
        if let Err(refusal) = self.admin_of(room) {
            return self.reply(id, Err(refusal));
        }
        let name = match change.name.as_deref().map(clean_name).transpose() {
            Ok(name) => name,
            Err(error) => return self.reply(id, Err(super::commands::name_refusal(error))),
        };
        let long = change.about.as_ref().is_some_and(|about| about.len() > ABOUT_BYTES);
        if long || change.lives.is_some_and(|seconds| seconds > LIVES_SECONDS) {
            return self.reply(id, Err(Refusal::TooLong));
        }
        if change == RoomBody::default() {
            return self.reply(id, Err(Refusal::Empty));
        }
        self.say(room, Some(id), Body::Room(RoomBody { name, ..change }));
    }

    fn admin_of(&self, room: RoomId) -> Result<&super::Room, Refusal> {
        let state = self.member_of(room)?;
        let admin = state.membership.role(self.me).is_some_and(|role| role >= Role::Admin);
        if admin { Ok(state) } else { Err(Refusal::NotAllowed) }
    }

    // ------------------------------------------------------------ removal

    /// Our REMOVE is durable: the device that it names is the last to be told, and those who stay get a new key.
    pub(super) fn removed_by_us(&mut self, room: RoomId, batch: &Batch, now: Now) {
        let me = self.me;
        let removes = |draft: &Draft| if let Body::Remove { device, .. } = draft.body { Some(device) } else { None };
        // Whoever leaves takes their other devices along, which are told in the same way.
        let leaves = |draft: &Draft| matches!(draft.body, Body::Leave { .. }).then_some(me);
        let ends: Vec<(DeviceId, EntryHash)> = batch
            .drafts
            .iter()
            .filter_map(|(draft, hash)| Some((removes(draft).or_else(|| leaves(draft))?, *hash)))
            .collect();
        for (device, hash) in &ends {
            let entry = batch.entries.iter().find(|(stored, ..)| stored.order.hash == *hash);
            let Some(state) = self.rooms.get(&room) else { return };
            let theirs = |peer: &DeviceId| {
                let membership = &state.membership;
                let same = membership.person(*peer) == membership.person(*device);
                peer == device || same && !membership.is_member(*peer)
            };
            let told: Vec<DeviceId> = self.mesh.live_peers().into_iter().filter(theirs).collect();
            for peer in told {
                self.send_entries(peer, room, entry.map(|(_, entry, _)| entry.clone()).into_iter());
            }
        }
        if batch.drafts.iter().any(|(draft, _)| removes(draft).is_some()) {
            self.new_epoch(room, now);
        }
    }

    fn new_epoch(&mut self, room: RoomId, now: Now) {
        let (key, chance) = (self.random(), u32::from(u16::from_be_bytes(self.random())));
        let Some(state) = self.rooms.get_mut(&room) else { return };
        let generation = state.epoch().map_or(0, |(epoch, _)| epoch >> 16);
        let epoch = ((generation + 1) << 16) | chance;
        state.enter_epoch(epoch, key, now);
        self.persist(Pending::Record(room), vec![Op::PutEpoch { room, epoch, key }]);
        for peer in self.members_linked(room) {
            self.tell_epoch(room, peer);
        }
    }

    // ------------------------------------------------------------ epochs

    /// Hands the newest key to a member.
    pub(super) fn tell_epoch(&mut self, room: RoomId, peer: DeviceId) {
        let Some(state) = self.rooms.get(&room).filter(|state| state.membership.is_member(peer)) else { return };
        // The first one came with WELCOME, to everybody.
        if let Some((epoch, key)) = state.epoch().filter(|(epoch, _)| *epoch >> 16 > 0) {
            self.send_to(peer, &Frame::Epoch { room, epoch, key });
        }
    }

    pub(super) fn on_epoch(&mut self, peer: DeviceId, room: RoomId, epoch: u32, key: [u8; 32], now: Now) {
        // While we knock the keys come with WELCOME or HANDOVER, and count once the log says that we are in. One that is
        // drawn meanwhile comes by the same door, and is written down with them.
        let by_door = self.door_of(room) == Some(peer);
        if let Some(state) = self.rooms.get_mut(&room).filter(|state| state.standing == Standing::Knocking) {
            if by_door && epoch >> 16 > 0 && state.epoch().is_some_and(|(newest, _)| newest < epoch) {
                state.enter_epoch(epoch, key, now);
            }
            return;
        }
        let member = |state: &&mut super::Room| state.standing == Standing::Member && state.membership.is_member(peer);
        let Some(state) = self.rooms.get_mut(&room).filter(member) else { return };
        // The first key comes with WELCOME and is passed on by nobody: a member who tells one like it would be believed by
        // those that it tells alone.
        if epoch >> 16 == 0 {
            return;
        }
        let newest = state.epoch();
        if newest.is_some_and(|(known, _)| epoch < known) {
            // It is behind: it shall know what we know.
            return self.tell_epoch(room, peer);
        }
        if newest == Some((epoch, key)) {
            state.in_epoch.insert(peer);
            return;
        }
        // One number, two keys: one chance in 65,536 that two made them at once. The smaller one, for all.
        if newest.is_some_and(|(known, ours)| epoch == known && ours < key) {
            return self.tell_epoch(room, peer);
        }
        state.enter_epoch(epoch, key, now);
        state.in_epoch.insert(peer);
        self.persist(Pending::Record(room), vec![Op::PutEpoch { room, epoch, key }]);
        for other in self.members_linked(room) {
            self.tell_epoch(room, other);
        }
    }
}

impl super::Room {
    /// Goes on with a newer key.
    fn enter_epoch(&mut self, epoch: u32, key: [u8; 32], now: Now) {
        self.epoch_since = Some(now.mono);
        self.epochs.insert(epoch, key);
        self.in_epoch.clear();
        while self.epochs.len() > EPOCHS {
            self.epochs.pop_first();
        }
    }

    /// The keys whose places this device holds: the newest, and a few before it while somebody may not have that.
    pub(super) fn held_epochs(&self, now: Now) -> Vec<(u32, [u8; 32])> {
        let all_know = self.membership.members().keys().filter(|member| !self.in_epoch.contains(*member)).count() <= 1;
        let newest_first = self.epochs.iter().rev().map(|(epoch, key)| (*epoch, *key));
        let fresh = self.epoch_since.is_some_and(|since| now.mono.since(since) < OLD_PLACES);
        newest_first.take(if all_know && !fresh { 1 } else { EPOCHS_HELD }).collect()
    }

    /// The key by which a member is looked for: the newest, and at each other attempt one of those before, in turn, if they
    /// may not have it. They may have been away while several were removed.
    pub(super) fn epoch_for(&self, peer: DeviceId, attempt: u32) -> Option<(u32, [u8; 32])> {
        let older = u32::try_from(self.epochs.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let looks_back = attempt / 2 % 2 == 1 && older > 0 && !self.in_epoch.contains(&peer);
        let back = if looks_back { 1 + attempt / 4 % older } else { 0 };
        self.epochs.iter().rev().nth(back as usize).map(|(epoch, key)| (*epoch, *key))
    }
}
