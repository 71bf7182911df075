//! Several devices of one person.
//!
//! The devices of a person meet in a room of their own, the *circle*: it has no words and no host sees it, only who is in
//! it. The device that links another makes a code, an invite into the circle for one, and asks its person when somebody
//! knocks with it. On their yes it says HANDOVER, the newcomer signs whose it is (CLAIM), and a DEVICE in the circle's log
//! lets it in. From there on the two are *siblings*. Whenever they are linked each says CLAIM of the circle, and the other
//! hands it every room that it is in: HANDOVER with the room's keys, CLAIM, and, where it is not in yet, a DEVICE in that
//! room's log. All else is what any member does: the newcomer fetches the history and counts itself in when its own copy
//! says so.
//!
//! A device that was taken out is handed nothing again, by whichever of its siblings, until a person links it anew: a
//! sibling may hear that it is out of a room before it hears that it is out of the circle.
//!
//! Only a device that is in no room can be linked: whoever opens a stranger's code by mistake has nothing to hand over.

use super::frames::Greeting;
use super::room::Room;
use super::{Engine, Pending};
use crate::identity::{Context, verify};
use crate::ids::{BrokerUrl, CommandId, DeviceId, LinkId, RoomId};
use crate::port::{JoinState, Notify, Op, Refusal, Reply, Standing};
use crate::rooms::membership::Membership;
use crate::rooms::{DevicesView, InviteTerms, Role};
use crate::time::Now;
use crate::wire::frame::device_proof_bytes;
use crate::wire::limits::{BROKERS, DEVICES_PER_PERSON, LINK_LIFETIME, ROOMS};
use crate::wire::{Body, Frame, InviteLink, KnockState};
use std::collections::{BTreeMap, BTreeSet};

/// What a circle's GENESIS calls it: nobody sees it.
const CIRCLE: &str = "Devices";

/// A room that was handed to a sibling on this link.
#[derive(Clone, Copy, Debug)]
struct Handed {
    /// Whether the sibling is in, as the room's log says.
    inside: bool,
    /// Whether its DEVICE was written.
    written: bool,
}

/// Our other devices, as far as they are not in the circle's log.
#[derive(Debug, Default)]
pub(super) struct Devices {
    /// The circle, if there is or was one.
    pub(super) circle: Option<RoomId>,
    /// Newcomers that a person has said yes to and that have not claimed yet.
    approved: BTreeSet<DeviceId>,
    /// Devices that a person has said yes to in this run: what one of them was taken out of it comes back to.
    relinked: BTreeSet<DeviceId>,
    /// Siblings that are linked and count themselves in.
    ready: BTreeSet<DeviceId>,
    /// Rooms on their way to them.
    handed: BTreeMap<(DeviceId, RoomId), Handed>,
    /// Rooms on their way to us, and by whom.
    coming: BTreeMap<RoomId, DeviceId>,
}

impl Devices {
    pub(super) fn new(circle: Option<RoomId>) -> Self {
        Self { circle, ..Self::default() }
    }

    /// Who hands a room to us.
    pub(super) fn door(&self, room: RoomId) -> Option<DeviceId> {
        self.coming.get(&room).copied()
    }

    pub(super) fn is_circle(&self, room: RoomId) -> bool {
        self.circle == Some(room)
    }
}

impl Engine {
    // ------------------------------------------------------------ commands

    /// Makes a code, and the circle first if there is none.
    pub(super) fn link_device(&mut self, id: CommandId, now: Now) {
        match self.circle().map(|(room, state)| (room, state.standing, state.founding.is_some())) {
            Some((_, _, true)) => self.reply(id, Err(Refusal::TooMany)),
            Some((room, Standing::Member, false)) => self.make_code(id, room, now),
            Some((_, Standing::Knocking, false)) => self.reply(id, Err(Refusal::NotAMember)),
            Some((old, Standing::Gone, false)) => {
                self.drop_circle(old, now);
                self.found_circle(id, now);
            }
            None => self.found_circle(id, now),
        }
    }

    fn found_circle(&mut self, id: CommandId, now: Now) {
        let Some(room) = self.found(id, CIRCLE.into(), now) else { return };
        self.devices.circle = Some(room);
        if let Some(state) = self.rooms.get_mut(&room) {
            state.preamble.push(Op::PutCircle(room));
        }
    }

    /// The circle is durable, or was there: one code works at a time.
    pub(super) fn make_code(&mut self, id: CommandId, room: RoomId, now: Now) {
        let Some(state) = self.rooms.get(&room) else { return self.reply(id, Err(Refusal::NoSuchRoom)) };
        if state.membership.members().len() >= DEVICES_PER_PERSON {
            return self.reply(id, Err(Refusal::TooMany));
        }
        let earlier = state.membership.invites().iter().filter(|(_, invite)| !invite.revoked);
        let earlier: Vec<_> = earlier.map(|(invite, _)| *invite).collect();
        for invite in earlier {
            self.say(room, None, Body::RevokeInvite { invite });
        }
        let terms = InviteTerms { uses: 1, lifetime: LINK_LIFETIME, approval: true, role: Role::Member };
        self.write_invite(id, room, terms, None, now);
    }

    /// This device opens a code that another has made.
    pub(super) fn link_to(&mut self, id: CommandId, invite: InviteLink, now: Now) {
        let circle = self.devices.circle;
        let inside = |(room, state): (&RoomId, &Room)| {
            let alone = state.membership.members().len() <= 1;
            match state.standing {
                Standing::Member => Some(*room) != circle || !alone,
                Standing::Knocking => Some(*room) != circle,
                Standing::Gone => false,
            }
        };
        if self.rooms.iter().any(inside) {
            return self.reply(id, Err(Refusal::HasRooms));
        }
        if let Some(old) = circle.filter(|old| *old != invite.room) {
            self.drop_circle(old, now);
        }
        // An older room of that name would be a room: a code names a circle and nothing else.
        if self.rooms.contains_key(&invite.room) && circle != Some(invite.room) {
            return self.reply(id, Err(Refusal::HasRooms));
        }
        self.devices.circle = Some(invite.room);
        self.join(id, invite, now);
    }

    /// A person has looked at both devices: this one may come in.
    pub(super) fn admit_device(&mut self, id: CommandId, device: DeviceId, now: Now) {
        let Some((room, state)) = self.circle() else { return self.reply(id, Err(Refusal::NobodyWaiting)) };
        let Some(request) = state.requests.get(&device).filter(|request| !request.admitting) else {
            return self.reply(id, Err(Refusal::NobodyWaiting));
        };
        let record = state.membership.invites().get(&request.invite);
        let full = state.membership.members().len() >= DEVICES_PER_PERSON;
        if full || record.is_none_or(|record| record.admits(now.wall).is_err()) {
            let link = request.link;
            if let Some(state) = self.rooms.get_mut(&room) {
                state.requests.remove(&device);
            }
            self.changed.insert(room);
            self.send(link, &Frame::KnockState { room, state: KnockState::UsedUp });
            return self.reply(id, Err(if full { Refusal::TooMany } else { Refusal::NoSuchInvite }));
        }
        self.devices.approved.insert(device);
        self.changed.insert(room);
        self.ask_whose(device);
        self.reply(id, Ok(Reply::Done));
    }

    pub(super) fn decline_device(&mut self, id: CommandId, device: DeviceId) {
        self.devices.approved.remove(&device);
        match self.circle().map(|(room, _)| room) {
            Some(room) => self.decline(id, room, device),
            None => self.reply(id, Err(Refusal::NobodyWaiting)),
        }
    }

    pub(super) fn cancel_link(&mut self, id: CommandId, now: Now) {
        match self.circle().map(|(room, _)| room) {
            Some(room) => self.cancel_join(id, room, now),
            None => self.reply(id, Err(Refusal::NoSuchRoom)),
        }
    }

    /// Takes a device of ours out of everything that we share, and moves all of it to new keys.
    pub(super) fn unlink(&mut self, id: CommandId, device: DeviceId) {
        let me = self.me;
        let Some((circle, state)) = self.circle().filter(|(_, state)| state.standing == Standing::Member) else {
            return self.reply(id, Err(Refusal::NoSuchMember));
        };
        if device == me || !state.membership.is_member(device) {
            return self.reply(id, Err(Refusal::NoSuchMember));
        }
        let ours = |(_, state): &(&RoomId, &Room)| {
            let membership = &state.membership;
            let both = membership.is_member(me) && membership.is_member(device);
            state.standing == Standing::Member && both && membership.person(me) == membership.person(device)
        };
        let rooms: Vec<RoomId> = self.rooms.iter().filter(ours).map(|(room, _)| *room).collect();
        self.devices.relinked.remove(&device);
        for room in rooms {
            let Some(state) = self.rooms.get(&room) else { continue };
            let body = state.removal(device);
            self.say(room, (room == circle).then_some(id), body);
            // It may be the one that said last what this person is called.
            self.say(room, None, Body::Profile(self.profile.clone()));
        }
    }

    // ------------------------------------------------------------ the circle

    pub(super) fn circle(&self) -> Option<(RoomId, &Room)> {
        let room = self.devices.circle?;
        Some((room, self.rooms.get(&room)?))
    }

    /// Whether a device is another one of this person's.
    fn is_sibling(&self, device: DeviceId) -> bool {
        device != self.me
            && self.circle().is_some_and(|(_, state)| {
                state.standing == Standing::Member && state.founding.is_none() && state.membership.is_member(device)
            })
    }

    /// A circle that this device is out of, or alone in, goes.
    fn drop_circle(&mut self, room: RoomId, now: Now) {
        self.stop_knocking(room, now);
        self.forget(room, now);
        self.devices = Devices::default();
    }

    /// Asks a newcomer that may come in to say whose it is.
    pub(super) fn ask_whose(&mut self, device: DeviceId) {
        let me = self.me;
        let Some((room, state)) = self.circle() else { return };
        let Some(request) = state.requests.get(&device).filter(|_| self.devices.approved.contains(&device)) else {
            return;
        };
        let (link, person) = (request.link, state.membership.person(me));
        // The keys come with WELCOME, once the log has it.
        self.send(link, &Frame::Handover { room, person, epochs: Vec::new(), brokers: Vec::new() });
    }

    /// The circle as a host shows it.
    pub(super) fn devices_view(&self) -> Option<DevicesView> {
        let (room, state) = self.circle()?;
        if state.standing == Standing::Knocking || state.founding.is_some() {
            return None;
        }
        let view = self.view(room)?;
        let mut requests = view.requests;
        requests.retain(|request| !self.devices.approved.contains(&request.device));
        let devices = if view.standing == Standing::Member { view.members } else { Vec::new() };
        let code = view.invites.into_iter().find_map(|invite| invite.link);
        Some(DevicesView { devices, requests, code })
    }

    /// The name and picture that another device of this person has said last are this device's too.
    pub(super) fn adopt_profile(&mut self) {
        let me = self.me;
        let Some((_, state)) = self.circle() else { return };
        // What we have begun to say ourselves is newer than what is there.
        let settled = state.logs.drafts() == 0 && !state.logs.is_writing();
        if state.standing != Standing::Member || state.founding.is_some() || !settled {
            return;
        }
        let profile = state.membership.profile(me);
        if !state.membership.is_member(me) || profile == self.profile || profile.name.is_empty() {
            return;
        }
        self.profile = profile.clone();
        self.persist(Pending::Quiet, vec![Op::PutProfile(profile.clone())]);
        self.notify(Notify::Profile(profile));
    }

    // ------------------------------------------------------------ rooms

    /// Hands rooms to siblings that are linked, and counts those in that have come to us.
    pub(super) fn settle_devices(&mut self, now: Now) {
        if self.devices.circle.is_none() {
            return;
        }
        let inside: Vec<RoomId> = self.devices.coming.keys().filter(|room| self.is_inside(**room)).copied().collect();
        for room in inside {
            self.admitted(room, now);
            self.devices.coming.remove(&room);
        }
        let siblings: Vec<DeviceId> =
            self.mesh.live_peers().into_iter().filter(|peer| self.is_sibling(*peer)).collect();
        let rooms = &self.rooms;
        self.devices.ready.retain(|device| siblings.contains(device));
        self.devices.handed.retain(|(device, room), handed| {
            let inside = rooms.get(room).is_some_and(|state| state.membership.is_member(*device));
            // One that was in and is out may come back later.
            let keep = siblings.contains(device) && (inside || !handed.inside);
            handed.inside = inside;
            keep
        });
        for device in self.devices.ready.clone() {
            for room in self.to_hand(device) {
                self.hand(room, device);
            }
        }
    }

    /// Whether a room may go to a sibling: it is in already, and may have lost its keys, or may come in.
    fn may_have(&self, membership: &Membership, device: DeviceId) -> bool {
        if membership.is_member(device) {
            return membership.person(device) == membership.person(self.me);
        }
        let out = membership.was_unlinked(device) && !self.devices.relinked.contains(&device);
        !out && membership.may_link(self.me, device)
    }

    /// Rooms that we are in and that a sibling was not handed on this link.
    fn to_hand(&self, device: DeviceId) -> Vec<RoomId> {
        let lacks = |(room, state): &(&RoomId, &Room)| {
            !self.devices.is_circle(**room)
                && state.standing == Standing::Member
                && state.founding.is_none()
                && state.leaving.is_none()
                && !self.devices.handed.contains_key(&(device, **room))
                && self.may_have(&state.membership, device)
        };
        self.rooms.iter().filter(lacks).map(|(room, _)| *room).collect()
    }

    fn hand(&mut self, room: RoomId, device: DeviceId) {
        let Some(state) = self.rooms.get(&room) else { return };
        let person = state.membership.person(self.me);
        let epochs = state.epochs.iter().map(|(epoch, key)| (*epoch, *key)).collect();
        let mut brokers = self.announce.clone();
        brokers.extend(state.brokers.iter().filter(|url| !self.announce.contains(url)).cloned());
        brokers.truncate(BROKERS);
        if self.send_to(device, &Frame::Handover { room, person, epochs, brokers }) {
            let inside = self.rooms.get(&room).is_some_and(|state| state.membership.is_member(device));
            self.devices.handed.insert((device, room), Handed { inside, written: false });
        }
    }

    /// A device that calls itself ours has a room for us, or the door that we knock at asks whose we are.
    #[expect(clippy::too_many_arguments, reason = "the fields of HANDOVER")]
    pub(super) fn on_handover(
        &mut self,
        link: LinkId,
        peer: DeviceId,
        room: RoomId,
        person: DeviceId,
        epochs: &[(u32, [u8; 32])],
        brokers: &[BrokerUrl],
        now: Now,
    ) {
        if self.devices.is_circle(room) {
            if self.knocks.get(&room).is_some_and(|knock| knock.link == Some(link)) {
                self.claim(room, person, peer);
            }
            return;
        }
        if !self.is_sibling(peer) || epochs.is_empty() {
            return;
        }
        let full = self.rooms.len() >= ROOMS;
        match self.rooms.get_mut(&room) {
            Some(state) if state.standing == Standing::Member => return,
            // Not written down: until the log says that we are back it is as it was.
            Some(state) => state.standing = Standing::Knocking,
            None if full => return,
            None => {
                let own = crate::ids::LogKey { author: self.me, log: self.log };
                self.rooms.insert(room, Room::new(room, own, Standing::Knocking));
            }
        }
        let me = self.me;
        let new = self.rooms.get(&room).is_some_and(|state| !state.membership.was_member(me));
        if new && !self.knocks.contains_key(&room) {
            // Each time that it is handed over, as the disk may not have taken it the time before.
            let standing = Standing::Knocking;
            let op = Op::PutRoom { room, standing, brokers: Vec::new(), invite: None };
            self.persist(Pending::Quiet, vec![op]);
        }
        let Some(state) = self.rooms.get_mut(&room) else { return };
        state.epochs = epochs.iter().copied().collect();
        state.learn_brokers(brokers);
        state.sync.join(peer, now.mono);
        self.devices.coming.insert(room, peer);
        for frame in self.have_frames(room, Greeting::Tells) {
            self.send_to(peer, &frame);
        }
        self.claim(room, person, peer);
    }

    fn claim(&mut self, room: RoomId, person: DeviceId, to: DeviceId) {
        let proof = self.key.sign(Context::Device, &device_proof_bytes(room, person));
        self.send_to(to, &Frame::Claim { room, person, proof });
    }

    /// A device says that it is ours: write it down, if that is so.
    pub(super) fn on_claim(&mut self, peer: DeviceId, room: RoomId, person: DeviceId, proof: [u8; 64]) {
        let Some(state) = self.rooms.get(&room) else { return };
        let ours = person == state.membership.person(self.me);
        if !ours || !verify(&peer.0, Context::Device, &device_proof_bytes(room, person), &proof) {
            return;
        }
        if self.devices.is_circle(room) && self.is_sibling(peer) {
            // What we said to it before it counted itself in was not heard.
            if self.devices.ready.insert(peer) {
                self.ask_for_rooms(room, peer);
            }
            self.devices.handed.retain(|(device, _), handed| *device != peer || handed.written);
            return;
        }
        if self.devices.is_circle(room) {
            return self.let_in(room, peer, person, proof);
        }
        let fits = self.is_sibling(peer)
            && self
                .member_of(room)
                .is_ok_and(|state| !state.membership.is_member(peer) && self.may_have(&state.membership, peer));
        let Some(handed) = self.devices.handed.get_mut(&(peer, room)).filter(|handed| fits && !handed.written) else {
            return;
        };
        handed.written = true;
        self.say(room, None, Body::Device { device: peer, person, proof });
    }

    /// To a sibling: we count ourselves in, and take what it has for us.
    pub(super) fn ask_for_rooms(&mut self, room: RoomId, peer: DeviceId) {
        let me = self.me;
        let Some(state) = self.rooms.get(&room).filter(|_| self.devices.is_circle(room)) else { return };
        if state.standing == Standing::Member && self.is_sibling(peer) {
            let person = state.membership.person(me);
            self.claim(room, person, peer);
        }
    }

    /// The newcomer that a person has said yes to says whose it is: it is in the circle, and its code is spent.
    fn let_in(&mut self, room: RoomId, device: DeviceId, person: DeviceId, proof: [u8; 64]) {
        let me = self.me;
        let Some(state) = self.rooms.get_mut(&room) else { return };
        if !state.membership.may_link(me, device) || !self.devices.approved.remove(&device) {
            return;
        }
        let Some(request) = state.requests.get_mut(&device) else { return };
        request.admitting = true;
        self.devices.relinked.insert(device);
        let invite = request.invite;
        self.say(room, None, Body::Device { device, person, proof });
        self.say(room, None, Body::RevokeInvite { invite });
        self.changed.insert(room);
    }

    /// The link with a device is gone: what it handed to us waits for the next, and a room that was there before is as it was.
    pub(super) fn sibling_lost(&mut self, peer: DeviceId) {
        self.devices.ready.remove(&peer);
        self.devices.handed.retain(|(device, _), _| *device != peer);
        let coming: Vec<RoomId> =
            self.devices.coming.iter().filter(|(_, door)| **door == peer).map(|(room, _)| *room).collect();
        for room in coming {
            self.devices.coming.remove(&room);
            let me = self.me;
            let knocks = self.knocks.contains_key(&room);
            if let Some(state) = self.rooms.get_mut(&room).filter(|state| !knocks && state.membership.was_member(me)) {
                state.standing = Standing::Gone;
            }
        }
    }

    /// What the host hears of a knock at the circle.
    pub(super) fn told_of_circle(&mut self, state: JoinState) {
        self.out.push(crate::port::Output::Notify(Notify::Linking(state)));
    }
}
