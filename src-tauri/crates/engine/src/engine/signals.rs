//! Envelopes out and in: over brokers, and over members who are linked with both sides.

use super::Engine;
use super::claims::Purpose;
use crate::ids::{Address, BrokerUrl, DeviceId, InviteId, LinkId, RoomId};
use crate::mesh::{Route, Seal, State, Verdict};
use crate::port::{LinkCommand, LinkPurpose, Output, SignalCommand, SignalEvent, SignalKind, Standing};
use crate::signaling::envelope::{Ends, SealingKey, open, seal};
use crate::time::{Instant, Now};
use crate::wire::invite::Ask;
use crate::wire::limits::{CANDIDATE_BYTES, CANDIDATES, HELD_KNOCKS, HELD_OFFERS, LINK_SETUP};
use crate::wire::{Frame, Session, SignedSession, Trickle};

/// An envelope that was opened: what it says, in whose name, and which way an answer goes.
struct Opened {
    room: RoomId,
    seal: Seal,
    back: Route,
    record: Vec<u8>,
}

/// An offer that was opened, verified and found acceptable.
#[derive(Debug)]
pub(super) struct Offer {
    session: Session,
    /// Of the signed record.
    hash: [u8; 32],
    seal: Seal,
    back: Route,
    /// When the other side gives it up.
    until: Instant,
}

/// Offers that wait until there is room to answer them, in order.
#[derive(Debug, Default)]
pub(super) struct Held(Vec<Offer>);

impl Held {
    /// Keeps the newest of each device, of strangers only so many; beyond, whoever offers must try again.
    fn keep(&mut self, offer: Offer) {
        let is_knock = |offer: &Offer| matches!(offer.seal, Seal::Invite(_));
        self.0
            .retain(|other| (other.session.from, other.session.purpose) != (offer.session.from, offer.session.purpose));
        let knocks = self.0.iter().filter(|other| is_knock(other)).count();
        if self.0.len() < HELD_OFFERS && (!is_knock(&offer) || knocks < HELD_KNOCKS) {
            self.0.push(offer);
        }
    }

    fn take(&mut self) -> Vec<Offer> {
        std::mem::take(&mut self.0)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Engine {
    pub(super) fn on_signal(&mut self, event: SignalEvent, now: Now) {
        match event {
            SignalEvent::Claimed { broker, address } => self.on_claimed(broker, address, now),
            SignalEvent::Taken { broker, address } => self.on_taken(broker, address, now),
            SignalEvent::Lost { broker, address, trouble } => self.on_lost(broker, address, trouble),
            SignalEvent::Message { broker, to, from, kind, envelope } => {
                if let Some(Purpose::Ask(invite)) = self.claims.purpose(&broker, &to) {
                    let ends = Ends::Broker { from, to };
                    self.on_told(invite, &ends, kind, &envelope, now);
                } else if let Some(opened) = self.open_from_broker(broker, to, from, kind, &envelope) {
                    self.on_opened(kind, opened, now);
                }
            }
            SignalEvent::Expired { broker, to, missing } => self.on_expired(&broker, &to, &missing, now),
        }
    }

    /// Seals a link's record for each of its routes and sends it.
    pub(super) fn signal(&mut self, id: LinkId, kind: SignalKind, record: &[u8]) {
        let routes = self.mesh.get(id).map(|link| link.routes.clone()).unwrap_or_default();
        for route in routes {
            self.signal_over(id, &route, kind, record);
        }
    }

    pub(super) fn signal_over(&mut self, id: LinkId, route: &Route, kind: SignalKind, record: &[u8]) {
        let Some(link) = self.mesh.get(id) else { return };
        let (room, peer) = (link.room, link.peer);
        let Some(key) = self.sealing_key(room, link.seal) else { return };
        let nonce = self.random();
        match route {
            Route::Broker { broker, from, to } => {
                let ends = Ends::Broker { from: from.clone(), to: to.clone() };
                let envelope = seal(key, &ends, kind, nonce, record);
                let (broker, from, to) = (broker.clone(), from.clone(), to.clone());
                self.out.push(Output::Signal(SignalCommand::Send { broker, from, to, kind, envelope }));
            }
            Route::Mesh { through } => {
                let Some(to) = peer else { return };
                let envelope = seal(key, &Ends::Mesh { from: self.me, to }, kind, nonce, record);
                let frame = Frame::Signal { room, from: self.me, to, kind, envelope };
                self.send_to(*through, &frame);
            }
        }
    }

    fn sealing_key(&self, room: RoomId, seal: Seal) -> Option<SealingKey> {
        match seal {
            Seal::Epoch(epoch) => self.rooms.get(&room)?.epochs.get(&epoch).map(SealingKey::of_epoch),
            Seal::Invite(invite) => self.invite_sealing(room, invite),
        }
    }

    fn invite_sealing(&self, room: RoomId, invite: InviteId) -> Option<SealingKey> {
        if let Some(knock) = self.knocks.get(&room).filter(|knock| knock.invite.id() == invite) {
            return Some(SealingKey::of_invite(&knock.invite.keys()));
        }
        let record = self.rooms.get(&room)?.membership.invites().get(&invite)?;
        Some(SealingKey(record.body.sealing))
    }

    fn open_from_broker(
        &self,
        broker: BrokerUrl,
        to: Address,
        from: Address,
        kind: SignalKind,
        envelope: &[u8],
    ) -> Option<Opened> {
        let purpose = self.claims.purpose(&broker, &to)?;
        let ends = Ends::Broker { from: from.clone(), to: to.clone() };
        let (room, (seal, record)) = match purpose {
            Purpose::Member(room) => {
                let keys = self.rooms.get(&room)?.sealing_keys();
                let keys = keys.into_iter().map(|(epoch, key)| (Seal::Epoch(epoch), key));
                (room, open(keys, &ends, kind, envelope)?)
            }
            Purpose::Invite(room, invite) => {
                let key = self.invite_sealing(room, invite)?;
                (room, open([(Seal::Invite(invite), key)], &ends, kind, envelope)?)
            }
            Purpose::Knock(room) => {
                let invite = self.knocks.get(&room)?.invite.id();
                let key = self.invite_sealing(room, invite)?;
                (room, open([(Seal::Invite(invite), key)], &ends, kind, envelope)?)
            }
            Purpose::Ask(_) => return None,
        };
        Some(Opened { room, seal, back: Route::Broker { broker, from: to, to: from }, record })
    }

    /// A member carried an envelope to us, or wants one carried on.
    #[expect(clippy::too_many_arguments, reason = "the fields of SIGNAL")]
    pub(super) fn on_signal_frame(
        &mut self,
        carrier: DeviceId,
        room: RoomId,
        from: DeviceId,
        to: DeviceId,
        kind: SignalKind,
        envelope: Vec<u8>,
        now: Now,
    ) {
        let Some(state) = self.rooms.get(&room) else { return };
        if to != self.me {
            // Only for members, and only one step: whoever is asked to carry must be linked with the receiver.
            let members = state.membership.is_member(carrier) && state.membership.is_member(to);
            if members && from == carrier {
                self.send_to(to, &Frame::Signal { room, from, to, kind, envelope });
            }
            return;
        }
        let keys = state.sealing_keys().into_iter().map(|(epoch, key)| (Seal::Epoch(epoch), key));
        let Some((seal, record)) = open(keys, &Ends::Mesh { from, to }, kind, &envelope) else { return };
        let opened = Opened { room, seal, back: Route::Mesh { through: carrier }, record };
        self.on_opened(kind, opened, now);
    }

    fn on_opened(&mut self, kind: SignalKind, opened: Opened, now: Now) {
        match kind {
            SignalKind::Offer => {
                if let (Seal::Invite(invite), Ok(Ask)) = (opened.seal, Ask::decode(&opened.record)) {
                    return self.on_ask(opened.room, invite, &opened.back, now);
                }
                let Ok((signed, session)) = SignedSession::decode(&opened.record) else { return };
                if session.answers.is_none() {
                    self.on_offer(&signed, session, opened, now);
                }
            }
            SignalKind::Answer => {
                let Ok((signed, session)) = SignedSession::decode(&opened.record) else { return };
                self.on_answer(&signed, session, opened);
            }
            SignalKind::Candidate => {
                let Ok(trickle) = Trickle::decode(&opened.record) else { return };
                self.on_remote_candidate(trickle, opened.seal);
            }
        }
    }

    fn on_offer(&mut self, signed: &SignedSession, session: Session, opened: Opened, now: Now) {
        let Opened { room, seal, back, .. } = opened;
        let addressed = match seal {
            Seal::Epoch(_) => session.to == Some(self.me),
            Seal::Invite(_) => session.to.is_none() && session.purpose == LinkPurpose::Chat,
        };
        // Bulk links are agreed over the peer's own chat link, never over a broker.
        let direct = session.purpose == LinkPurpose::Chat || back == Route::Mesh { through: session.from };
        if self.closing {
            return;
        }
        if session.room != room || session.from == self.me || !addressed || !direct || !self.may_link(&session, seal) {
            return;
        }
        if self.mesh.is_new(session.from, session.connection) {
            let until = now.mono.plus(LINK_SETUP);
            self.consider(Offer { hash: signed.hash(), session, seal, back, until }, now);
        }
    }

    /// Whether who offers may have a link, by what is known of the room now.
    fn may_link(&self, session: &Session, seal: Seal) -> bool {
        let Some(state) = self.rooms.get(&session.room).filter(|state| state.standing == Standing::Member) else {
            return false;
        };
        let (is, was) = (state.membership.is_member(session.from), state.membership.was_member(session.from));
        match (session.purpose, seal) {
            (LinkPurpose::Bulk, _) => is,
            (LinkPurpose::Chat, Seal::Invite(_)) => state.leaving.is_none(),
            // A stranger who holds the room's key may have been admitted by somebody we have not heard of yet: let
            // them show their ADMIT. Who was a member and is no longer does not get that far.
            (LinkPurpose::Chat, Seal::Epoch(_)) => is || !was,
        }
    }

    /// Answers an offer, insists on our own, or keeps it for later.
    fn consider(&mut self, offer: Offer, now: Now) {
        let Session { room, from, purpose, connection, .. } = offer.session;
        match self.mesh.judge(from, purpose, offer.seal) {
            Verdict::Ignore => {}
            Verdict::Hold => self.held.keep(offer),
            Verdict::Insist(ours) => {
                let Some(link) = self.mesh.get_mut(ours) else { return };
                // This way leads to them for sure; the one we chose may not. An offer that is still being described
                // goes this way too once it is.
                if !link.routes.contains(&offer.back) {
                    link.routes.push(offer.back.clone());
                }
                let record = link.record.clone();
                if !record.is_empty() {
                    self.signal_over(ours, &offer.back, SignalKind::Offer, &record);
                }
            }
            Verdict::Answer { yielding } => {
                for id in yielding {
                    self.drop_link(id, now);
                }
                let Offer { hash, session, seal, back, .. } = offer;
                let routes = vec![back];
                let id = self.mesh.insert(purpose, false, Some(from), room, seal, routes, connection, now.mono);
                if let Some(link) = self.mesh.get_mut(id) {
                    link.offer = hash;
                    link.remote_candidates = session.params.candidates.len();
                    link.remote = Some(session.params.clone());
                }
                self.link(id, LinkCommand::Open { purpose, remote: Some(session.params) });
                self.touch_peer(from);
            }
        }
    }

    /// Looks again at the offers for which there was no room.
    pub(super) fn settle_held(&mut self, now: Now) {
        for offer in self.held.take() {
            // Who gave it up, or came another way meanwhile, does not wait for an answer.
            let linked = offer.session.purpose == LinkPurpose::Chat && self.mesh.live(offer.session.from).is_some();
            if offer.until > now.mono && !linked && self.may_link(&offer.session, offer.seal) {
                self.consider(offer, now);
            }
        }
    }

    fn on_answer(&mut self, signed: &SignedSession, session: Session, opened: Opened) {
        let Some(id) = self.mesh.by_connection(session.connection) else { return };
        let Some(link) = self.mesh.get_mut(id) else { return };
        let expected = link.offerer
            && link.state == State::Offered
            && link.seal == opened.seal
            && link.room == session.room
            && link.purpose == session.purpose
            && session.to == Some(self.me)
            && session.from != self.me
            && session.answers == Some(link.offer)
            && link.peer.is_none_or(|peer| peer == session.from);
        if !expected {
            return;
        }
        link.state = State::Connecting;
        link.peer = Some(session.from);
        link.answer = signed.hash();
        link.remote_candidates = session.params.candidates.len();
        link.remote = Some(session.params.clone());
        // From here on both know one way that works.
        link.routes = vec![opened.back];
        let late = std::mem::take(&mut link.local_candidates);
        self.link(id, LinkCommand::SetRemote(session.params));
        for candidate in late {
            self.send_candidate(id, candidate);
        }
        self.touch_peer(session.from);
    }

    fn on_remote_candidate(&mut self, trickle: Trickle, seal: Seal) {
        let Some(id) = self.mesh.by_connection(trickle.connection) else { return };
        let Some(link) = self.mesh.get_mut(id) else { return };
        if link.seal != seal || link.is_live() || link.remote.is_none() || link.remote_candidates >= CANDIDATES {
            return;
        }
        link.remote_candidates += 1;
        self.link(id, LinkCommand::AddCandidate(trickle.candidate));
    }

    /// A later candidate of ours: to the answerer at once, to the offerer's unknown answerer once it is known.
    pub(super) fn on_local_candidate(&mut self, id: LinkId, candidate: String) {
        let Some(link) = self.mesh.get_mut(id) else { return };
        let sent = link.local.as_ref().map_or(0, |params| params.candidates.len()) + link.local_candidates.len();
        if sent >= CANDIDATES || candidate.len() > CANDIDATE_BYTES {
            return;
        }
        match link.state {
            State::Describing | State::Offered => link.local_candidates.push(candidate),
            State::Connecting | State::Authenticating | State::Live => self.send_candidate(id, candidate),
        }
    }

    fn send_candidate(&mut self, id: LinkId, candidate: String) {
        let Some(connection) = self.mesh.get(id).map(|link| link.connection) else { return };
        self.signal(id, SignalKind::Candidate, &Trickle { connection, candidate }.encode());
    }

    /// Nobody holds the address that an offer went to.
    fn on_expired(&mut self, broker: &BrokerUrl, to: &Address, missing: &Address, now: Now) {
        for id in self.mesh.ids() {
            let Some(link) = self.mesh.get_mut(id) else { continue };
            if !link.offerer || !matches!(link.state, State::Describing | State::Offered) {
                continue;
            }
            let before = link.routes.len();
            link.routes.retain(|route| match route {
                Route::Broker { broker: b, from, to: there } => (b, from, there) != (broker, to, missing),
                Route::Mesh { .. } => true,
            });
            if link.routes.len() == before || !link.routes.is_empty() {
                continue;
            }
            let peer = link.peer;
            self.drop_link(id, now);
            let jitter = self.jitter();
            if let Some(peer) = peer {
                self.mesh.away(peer, now.mono, jitter);
            }
        }
    }
}
