//! Removing members, their roles, the room's name and manners; and the key that those who stay meet by.
//!
//! Who is removed keeps the key that the room's meeting places and envelopes were derived from. So whoever writes a REMOVE
//! makes a new one, an *epoch*, and hands it to each member over their own link, never through the log. Members who were
//! away still look at the old places: these are held too until all are known to have the new key, which says nothing but
//! that somebody is there; a link needs a member's signature in any case.

use super::Engine;
use super::Pending;
use crate::identity::clean_name;
use crate::ids::{CommandId, DeviceId, EntryHash, LogId, RoomId};
use crate::messages::log::Batch;
use crate::port::{Op, Refusal, Role};
use crate::wire::limits::{ABOUT_BYTES, EPOCHS, LIVES_SECONDS};
use crate::wire::{Body, Frame, RoomBody};
use std::collections::BTreeMap;

/// Keys whose places are held at one time.
const EPOCHS_HELD: usize = 4;

impl Engine {
    // ------------------------------------------------------------ commands

    pub(super) fn remove(&mut self, id: CommandId, room: RoomId, device: DeviceId) {
        let me = self.me;
        let state = match self.admin_of(room) {
            Ok(state) => state,
            Err(refusal) => return self.reply(id, Err(refusal)),
        };
        match state.membership.role(device) {
            None => return self.reply(id, Err(Refusal::NoSuchMember)),
            Some(Role::Creator) => return self.reply(id, Err(Refusal::NotAllowed)),
            // Whoever wants to go leaves.
            Some(_) if device == me => return self.reply(id, Err(Refusal::NotAllowed)),
            Some(Role::Guest | Role::Member | Role::Admin) => {}
        }
        let held: BTreeMap<LogId, u64> = state.logs.of(device).map(|(log, seq)| (log.log, seq)).collect();
        let heads = state.membership.closing(device, &held);
        self.say(room, Some(id), Body::Remove { device, heads });
    }

    pub(super) fn set_role(&mut self, id: CommandId, room: RoomId, device: DeviceId, role: Role) {
        let state = match self.admin_of(room) {
            Ok(state) => state,
            Err(refusal) => return self.reply(id, Err(refusal)),
        };
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
    pub(super) fn removed_by_us(&mut self, room: RoomId, batch: &Batch) {
        let removals: Vec<(DeviceId, EntryHash)> = batch
            .drafts
            .iter()
            .filter_map(
                |(draft, hash)| if let Body::Remove { device, .. } = draft.body { Some((device, *hash)) } else { None },
            )
            .collect();
        for (device, hash) in &removals {
            let entry = batch.entries.iter().find(|(stored, ..)| stored.order.hash == *hash);
            self.send_entries(*device, room, entry.map(|(_, entry, _)| entry.clone()).into_iter());
        }
        if !removals.is_empty() {
            self.new_epoch(room);
        }
    }

    fn new_epoch(&mut self, room: RoomId) {
        let (key, chance) = (self.random(), u32::from(u16::from_be_bytes(self.random())));
        let Some(state) = self.rooms.get_mut(&room) else { return };
        let generation = state.epoch().map_or(0, |(epoch, _)| epoch >> 16);
        let epoch = ((generation + 1) << 16) | chance;
        state.enter_epoch(epoch, key);
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

    pub(super) fn on_epoch(&mut self, peer: DeviceId, room: RoomId, epoch: u32, key: [u8; 32]) {
        let Some(state) = self.rooms.get_mut(&room).filter(|state| state.membership.is_member(peer)) else { return };
        // While we knock the keys come with WELCOME, and count once the log says that we are in.
        if state.standing != crate::port::Standing::Member {
            return;
        }
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
        state.enter_epoch(epoch, key);
        state.in_epoch.insert(peer);
        self.persist(Pending::Record(room), vec![Op::PutEpoch { room, epoch, key }]);
        for other in self.members_linked(room) {
            self.tell_epoch(room, other);
        }
    }
}

impl super::Room {
    /// Goes on with a newer key.
    fn enter_epoch(&mut self, epoch: u32, key: [u8; 32]) {
        self.epochs.insert(epoch, key);
        self.in_epoch.clear();
        while self.epochs.len() > EPOCHS {
            self.epochs.pop_first();
        }
    }

    /// The keys whose places this device holds: the newest, and a few before it while some member may not have that.
    pub(super) fn held_epochs(&self) -> Vec<(u32, [u8; 32])> {
        let all_know = self.membership.members().keys().filter(|member| !self.in_epoch.contains(*member)).count() <= 1;
        let newest_first = self.epochs.iter().rev().map(|(epoch, key)| (*epoch, *key));
        newest_first.take(if all_know { 1 } else { EPOCHS_HELD }).collect()
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
