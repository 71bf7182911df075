//! Coming in: the newcomer's knock, and the door it knocks at.
//!
//! The newcomer offers a link to the addresses that the invite derives; whichever member answers first is the door. Over
//! the link it sends KNOCK with the invite key's word for its device. The door admits it (or asks a person), and once the
//! ADMIT is durable says WELCOME with the room's secret. From there on the newcomer syncs like anyone; it counts itself
//! in when the ADMIT has arrived in its own copy of the log and the fold agrees.

use super::claims::{Purpose, VARIANTS};
use super::frames::Greeting;
use super::room::{Request, Room};
use super::{Engine, Pending};
use crate::identity::{Context, SecretKey, verify};
use crate::ids::{Address, CommandId, DeviceId, InviteId, LinkId, LogKey, RoomId};
use crate::mesh::{Link, Mesh, Route, Seal};
use crate::port::{JoinState, LinkPurpose, Notify, Op, Profile, Refusal, Reply, Standing};
use crate::rooms::Role;
use crate::rooms::membership::Spent;
use crate::signaling::address::{Day, invite_address, private_address};
use crate::time::{Instant, Now};
use crate::wire::frame::invite_proof_bytes;
use crate::wire::limits::REQUESTS_PER_ROOM;
use crate::wire::{Body, Frame, InviteLink, KnockState};
use std::time::Duration;

/// First wait between knocks nobody answered; doubles.
pub(super) const KNOCK_FIRST: Duration = Duration::from_secs(1);
/// Longest wait: a person looks at the screen.
pub(super) const KNOCK_LAST: Duration = Duration::from_secs(15);

/// One knock, from the newcomer's side.
pub(super) struct Knock {
    pub(super) invite: InviteLink,
    pub(super) address: Address,
    pub(super) link: Option<LinkId>,
    attempt: u32,
    next: Instant,
    state: JoinState,
}

impl Knock {
    pub(super) fn next_timeout(&self, mesh: &Mesh) -> Option<Instant> {
        (self.link.is_none() && mesh.has_room() && self.next.0 != u64::MAX).then_some(self.next)
    }
}

impl Engine {
    // ------------------------------------------------------------ newcomer

    pub(super) fn begin_knock(&mut self, invite: InviteLink, now: Now) {
        let address = private_address(self.random());
        let room = invite.room;
        // Nothing to say before some broker holds our address.
        let next = Instant(u64::MAX);
        let state = JoinState::Connecting;
        self.knocks.insert(room, Knock { invite, address, link: None, attempt: 0, next, state });
        let _ = now;
    }

    pub(super) fn join(&mut self, id: CommandId, invite: InviteLink, now: Now) {
        let room = invite.room;
        if let Err(refusal) = self.knock_by(invite, Pending::Join(Some(id), room), now) {
            self.reply(id, Err(refusal));
        }
    }

    /// Writes down that this device knocks, and begins.
    pub(super) fn knock_by(&mut self, invite: InviteLink, pending: Pending, now: Now) -> Result<(), Refusal> {
        if now.wall.0 / 1000 > invite.expires {
            return Err(Refusal::InviteExpired);
        }
        let room = invite.room;
        match self.rooms.get(&room).map(|known| known.standing) {
            Some(Standing::Member) => return Err(Refusal::AlreadyMember),
            // Knocking again with another invite, or coming back after having left.
            Some(Standing::Knocking | Standing::Gone) => self.stop_knocking(room, now),
            None if self.rooms.len() >= crate::wire::limits::ROOMS => {
                return Err(Refusal::TooMany);
            }
            None => {}
        }
        let own = LogKey { author: self.me, log: self.log };
        let state = self.rooms.entry(room).or_insert_with(|| Room::new(room, own, Standing::Knocking));
        state.standing = Standing::Knocking;
        state.learn_brokers(&invite.brokers);
        let brokers = invite.brokers.clone();
        let mut ops = vec![Op::PutRoom { room, standing: Standing::Knocking, brokers, invite: Some(invite.clone()) }];
        if self.devices.is_circle(room) {
            ops.push(Op::PutCircle(room));
        }
        self.begin_knock(invite, now);
        self.persist(pending, ops);
        self.notify(Notify::Join { room, state: JoinState::Connecting });
        Ok(())
    }

    pub(super) fn stop_knocking(&mut self, room: RoomId, now: Now) {
        if let Some(link) = self.knocks.remove(&room).and_then(|knock| knock.link) {
            self.send(link, &Frame::Bye);
            self.drop_link(link, now);
        }
    }

    pub(super) fn cancel_join(&mut self, id: CommandId, room: RoomId, now: Now) {
        if !self.knocks.contains_key(&room) {
            return self.reply(id, Err(Refusal::NoSuchRoom));
        }
        self.stop_knocking(room, now);
        self.set_join(room, JoinState::Cancelled);
        let ops = self.turn_away(room);
        self.persist(Pending::Command(id, Reply::Done), ops);
    }

    /// The knock could not be written down: it would not outlive a restart, so it does not begin.
    pub(super) fn on_join_not_saved(&mut self, room: RoomId, now: Now) {
        if !self.knocks.contains_key(&room) {
            return;
        }
        self.stop_knocking(room, now);
        self.set_join(room, JoinState::Cancelled);
        // The disk holds what was there before.
        drop(self.turn_away(room));
    }

    /// A knock ends outside: a room that this device was in before stays readable, any other goes. Returns what to write.
    fn turn_away(&mut self, room: RoomId) -> Vec<Op> {
        let me = self.me;
        match self.rooms.get_mut(&room) {
            Some(state) if state.membership.was_member(me) => {
                // The ADMIT may be here already, and only the rest of what the door had is missing.
                let inside = state.membership.is_member(me) && !state.epochs.is_empty();
                state.standing = if inside { Standing::Member } else { Standing::Gone };
                self.changed.insert(room);
                self.rooms.get(&room).map(|state| state.record(room)).unwrap_or_default()
            }
            Some(_) | None => {
                // Entries that had come already were told of; whoever knocks again is told of them again.
                if self.rooms.remove(&room).is_some() {
                    self.notify(Notify::RoomForgotten(room));
                }
                vec![Op::ForgetRoom(room)]
            }
        }
    }

    fn set_join(&mut self, room: RoomId, state: JoinState) {
        if let Some(knock) = self.knocks.get_mut(&room) {
            if knock.state == state {
                return;
            }
            knock.state = state;
        }
        self.notify(Notify::Join { room, state });
    }

    /// A broker holds our private address: the knock can go out.
    pub(super) fn knock_heard(&mut self, room: RoomId, now: Now) {
        let Some(knock) = self.knocks.get_mut(&room) else { return };
        if knock.next.0 == u64::MAX {
            knock.next = now.mono;
        }
        if knock.state == JoinState::Connecting {
            self.set_join(room, JoinState::WaitingForMember);
        }
    }

    /// Offers a link at every door of every invite whose time has come.
    pub(super) fn settle_knocks(&mut self, now: Now) {
        let inside: Vec<RoomId> = self.knocks.keys().filter(|room| self.is_inside(**room)).copied().collect();
        for room in inside {
            self.admitted(room, now);
        }
        let due: Vec<RoomId> = self
            .knocks
            .iter()
            .filter(|(_, knock)| knock.link.is_none() && knock.next <= now.mono)
            .map(|(room, _)| *room)
            .collect();
        for room in due {
            let expired = self.knocks.get(&room).is_some_and(|knock| now.wall.0 / 1000 > knock.invite.expires);
            if expired {
                self.end_knock(room, JoinState::Expired, now);
            } else if self.mesh.has_room() {
                self.offer_knock(room, now);
            }
        }
    }

    /// Whether the log says that we are in, and is all that the door had of our own: who comes back after having left
    /// finds an old ADMIT first, and must not write before its own LEAVE has been read again.
    pub(super) fn is_inside(&self, room: RoomId) -> bool {
        let (Some(state), Some(door)) = (self.rooms.get(&room), self.door_of(room)) else { return false };
        let behind = |log: &LogKey| state.logs.head(*log) < state.sync.have(door, *log);
        let caught_up = !state.sync.claims_of(door, self.me).any(|log| behind(&log));
        !state.epochs.is_empty() && caught_up && state.membership.is_member(self.me)
    }

    /// Who lets us in: the member at whose door we knock, or the device of ours that hands us the room.
    pub(super) fn door_of(&self, room: RoomId) -> Option<DeviceId> {
        let link = self.knocks.get(&room).and_then(|knock| knock.link);
        link.and_then(|link| self.mesh.get(link)).and_then(|link| link.peer).or(self.devices.door(room))
    }

    fn offer_knock(&mut self, room: RoomId, now: Now) {
        let held = self.claims.up(Purpose::Knock(room));
        let Some(knock) = self.knocks.get_mut(&room) else { return };
        if held.is_empty() {
            knock.next = Instant(u64::MAX);
            return;
        }
        let today = Day::of(now.wall);
        let day = today.at_attempt(knock.attempt);
        let rendezvous = knock.invite.keys().rendezvous;
        let mut routes = Vec::new();
        for (broker, from) in held {
            // All doors at once: the first answer wins, and a squatter at one cannot keep us out.
            for variant in 0..VARIANTS {
                let to = invite_address(&rendezvous, day, variant);
                routes.push(Route::Broker { broker: broker.clone(), from: from.clone(), to });
            }
        }
        let seal = Seal::Invite(knock.invite.id());
        let link = self.offer(LinkPurpose::Chat, None, room, seal, routes, now);
        if let Some(knock) = self.knocks.get_mut(&room) {
            knock.link = Some(link);
        }
    }

    /// The knock's link ended: nobody was there, or the door closed.
    pub(super) fn knock_link_gone(&mut self, id: LinkId, link: &Link, now: Now) {
        if link.is_knock() && !link.offerer {
            // We were the door; the newcomer comes again by itself.
            if let Some(room) = self.rooms.get_mut(&link.room) {
                let before = room.requests.len();
                room.requests.retain(|_, request| request.link != id);
                if room.requests.len() != before {
                    self.changed.insert(link.room);
                }
            }
            return;
        }
        let jitter = u64::from(self.jitter());
        let Some(knock) = self.knocks.get_mut(&link.room).filter(|knock| knock.link == Some(id)) else { return };
        knock.link = None;
        knock.attempt = knock.attempt.saturating_add(1);
        let ceiling = KNOCK_FIRST.saturating_mul(1 << knock.attempt.min(5)).min(KNOCK_LAST);
        let wait = ceiling.as_micros() as u64 / 2 * (u64::from(u32::MAX) + jitter) / u64::from(u32::MAX);
        knock.next = now.mono.plus(Duration::from_micros(wait));
        self.set_join(link.room, JoinState::WaitingForMember);
    }

    /// The link to the door is live: ask.
    pub(super) fn knock(&mut self, room: RoomId, link: LinkId) {
        let Some(knock) = self.knocks.get(&room) else { return };
        let key = SecretKey::from_seed(&knock.invite.keys().signing);
        let proof = key.sign(Context::InviteProof, &invite_proof_bytes(room, self.me));
        let frame = Frame::Knock { room, invite: knock.invite.id(), proof, profile: self.profile.clone() };
        self.send(link, &frame);
    }

    pub(super) fn on_knock_state(&mut self, id: LinkId, room: RoomId, state: KnockState, now: Now) {
        if self.knocks.get(&room).is_none_or(|knock| knock.link != Some(id)) {
            return;
        }
        let state = match state {
            KnockState::Waiting => return self.set_join(room, JoinState::WaitingForApproval),
            KnockState::Declined => JoinState::Declined,
            KnockState::UsedUp => JoinState::UsedUp,
            KnockState::Expired => JoinState::Expired,
            KnockState::Void => JoinState::Void,
        };
        self.end_knock(room, state, now);
    }

    fn end_knock(&mut self, room: RoomId, state: JoinState, now: Now) {
        let link = self.knocks.get(&room).and_then(|knock| knock.link);
        self.set_join(room, state);
        self.knocks.remove(&room);
        if let Some(link) = link {
            self.drop_link(link, now);
        }
        let ops = self.turn_away(room);
        self.persist(Pending::Quiet, ops);
    }

    /// The door says we are in: take the secret, fetch the log, and believe it when the log says so.
    pub(super) fn on_welcome(
        &mut self,
        id: LinkId,
        peer: DeviceId,
        room: RoomId,
        epochs: &[(u32, [u8; 32])],
        brokers: &[String],
        now: Now,
    ) {
        if self.knocks.get(&room).is_none_or(|knock| knock.link != Some(id)) {
            return;
        }
        let Some(state) = self.rooms.get_mut(&room) else { return };
        // Not written down before our own log says that we are in: a door that lies must not leave keys behind.
        state.epochs = epochs.iter().copied().collect();
        state.learn_brokers(brokers);
        state.sync.join(peer, now.mono);
        // An empty version vector: the door answers with everything.
        for frame in self.have_frames(room, Greeting::Tells) {
            self.send(id, &frame);
        }
    }

    /// Our own ADMIT or DEVICE is in our own copy of the log.
    pub(super) fn admitted(&mut self, room: RoomId, now: Now) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        if state.epochs.is_empty() {
            return;
        }
        state.standing = Standing::Member;
        let record = state.record(room);
        self.persist(Pending::Record(room), record);
        if self.knocks.contains_key(&room) {
            self.set_join(room, JoinState::Admitted);
        }
        if let Some(door) = self.devices.door(room) {
            self.greet(room, door, Greeting::Tells, now);
        }
        // From here on the link to the door is one like any other.
        if let Some(link) = self.knocks.remove(&room).and_then(|knock| knock.link)
            && let Some(peer) = self.mesh.get(link).and_then(|link| link.peer)
        {
            // What it told us while we were not in yet, such as a newer key, was not heard.
            self.greet(room, peer, Greeting::Asks, now);
        }
        self.changed.insert(room);
    }

    // ------------------------------------------------------------ door

    #[expect(clippy::too_many_arguments, reason = "the fields of KNOCK")]
    pub(super) fn on_knock(
        &mut self,
        id: LinkId,
        peer: DeviceId,
        room: RoomId,
        invite: InviteId,
        proof: [u8; 64],
        profile: Profile,
        now: Now,
    ) {
        let at_this_door = self
            .mesh
            .get(id)
            .is_some_and(|link| link.room == room && !link.offerer && link.seal == Seal::Invite(invite));
        let vouched = verify(&invite.0, Context::InviteProof, &invite_proof_bytes(room, peer), &proof);
        if !at_this_door || !vouched {
            self.misbehaved(id, "a knock without the invite's word", now);
            return;
        }
        let open = |state: &&mut Room| state.standing == Standing::Member && state.leaving.is_none();
        let Some(state) = self.rooms.get_mut(&room).filter(open) else {
            // We left while the link was made: another door shall be tried, and this one not waited at.
            return self.drop_link(id, now);
        };
        if state.membership.is_member(peer) {
            // Admitted before, but the welcome was lost.
            self.welcome(room, peer);
            return self.greet(room, peer, Greeting::Tells, now);
        }
        let Some(record) = state.membership.invites().get(&invite) else {
            return self.answer_knock(id, room, KnockState::Void);
        };
        let answer = match record.admits(now.wall) {
            Err(Spent::Revoked) => KnockState::Void,
            Err(Spent::UsedUp) => KnockState::UsedUp,
            Err(Spent::Expired) => KnockState::Expired,
            Ok(()) if state.declined.contains(&peer) => KnockState::Declined,
            Ok(()) => {
                let approval = record.body.approval;
                let admitting = state.requests.get(&peer).is_some_and(|request| request.admitting);
                let request = Request { profile, invite, proof, link: id, admitting };
                if state.requests.len() >= REQUESTS_PER_ROOM && !state.requests.contains_key(&peer) {
                    return self.answer_knock(id, room, KnockState::Waiting);
                }
                state.requests.insert(peer, request);
                self.changed.insert(room);
                if !approval {
                    if !admitting {
                        self.admit(room, peer, None);
                    }
                    return;
                }
                if self.devices.is_circle(room) {
                    self.ask_whose(peer);
                }
                KnockState::Waiting
            }
        };
        self.answer_knock(id, room, answer);
    }

    fn answer_knock(&mut self, id: LinkId, room: RoomId, state: KnockState) {
        self.send(id, &Frame::KnockState { room, state });
    }

    /// Writes the ADMIT of a device that knocked.
    fn admit(&mut self, room: RoomId, device: DeviceId, command: Option<CommandId>) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        let Some(request) = state.requests.get_mut(&device) else { return };
        request.admitting = true;
        let body =
            Body::Admit { device, invite: request.invite, proof: request.proof, profile: request.profile.clone() };
        self.say(room, command, body);
        self.changed.insert(room);
    }

    pub(super) fn admit_by_hand(&mut self, id: CommandId, room: RoomId, device: DeviceId, now: Now) {
        let me = self.me;
        let Some(state) = self.rooms.get(&room) else { return self.reply(id, Err(Refusal::NoSuchRoom)) };
        if state.membership.role(me).is_none_or(|role| role < Role::Admin) {
            return self.reply(id, Err(Refusal::NotAllowed));
        }
        let Some(request) = state.requests.get(&device).filter(|request| !request.admitting) else {
            return self.reply(id, Err(Refusal::NobodyWaiting));
        };
        let record = state.membership.invites().get(&request.invite);
        if record.is_none_or(|record| record.admits(now.wall).is_err()) {
            let link = request.link;
            if let Some(state) = self.rooms.get_mut(&room) {
                state.requests.remove(&device);
            }
            self.changed.insert(room);
            self.answer_knock(link, room, KnockState::UsedUp);
            return self.reply(id, Err(Refusal::NoSuchInvite));
        }
        self.admit(room, device, Some(id));
    }

    pub(super) fn decline(&mut self, id: CommandId, room: RoomId, device: DeviceId) {
        let Some(state) = self.rooms.get_mut(&room) else { return self.reply(id, Err(Refusal::NoSuchRoom)) };
        let Some(request) = state.requests.remove(&device) else {
            return self.reply(id, Err(Refusal::NobodyWaiting));
        };
        if state.declined.len() < REQUESTS_PER_ROOM {
            state.declined.insert(device);
        }
        self.answer_knock(request.link, room, KnockState::Declined);
        self.changed.insert(room);
        self.reply(id, Ok(Reply::Done));
    }

    /// Hands the room's secret to a member whose link was made with an invite.
    pub(super) fn welcome(&mut self, room: RoomId, peer: DeviceId) {
        let Some(state) = self.rooms.get(&room) else { return };
        let epochs = state.epochs.iter().map(|(epoch, key)| (*epoch, *key)).collect();
        let mut brokers = self.announce.clone();
        brokers.extend(state.brokers.iter().filter(|url| !self.announce.contains(url)).cloned());
        brokers.truncate(crate::wire::limits::BROKERS);
        self.send_to(peer, &Frame::Welcome { room, epochs, brokers });
    }
}
