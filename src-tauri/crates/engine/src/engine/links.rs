//! The life of a link: described, offered or answered, connected, authenticated, live, gone.

use super::Engine;
use super::claims::Purpose;
use super::frames::Greeting;
use crate::identity::{Context, verify};
use crate::ids::{DeviceId, LinkId, RoomId};
use crate::mesh::{Link, Route, Seal, State};
use crate::port::{LinkCommand, LinkEvent, LinkPurpose, Notify, SessionParams, Setup, SignalKind, Standing};
use crate::signaling::address::{Day, member_address, room_rendezvous};
use crate::time::{Instant, Now};
use crate::wire::frame::auth_bytes;
use crate::wire::limits::{AUTH_WAIT, CANDIDATES, DEAD_AFTER, PRE_AUTH_BYTES, STRANGERS};
use crate::wire::{Frame, Session, SignedSession};
use std::collections::BTreeSet;
use std::time::Duration;

/// After news of the network, a link that does not answer within this is dead.
const SUSPICION: Duration = Duration::from_secs(5);

impl Engine {
    pub(super) fn on_link(&mut self, id: LinkId, event: LinkEvent, now: Now) {
        if self.mesh.get(id).is_none() {
            return;
        }
        match event {
            LinkEvent::Described(params) => self.on_described(id, params),
            LinkEvent::Candidate(candidate) => self.on_local_candidate(id, candidate),
            LinkEvent::Open { local, remote } => self.on_open(id, local, remote, now),
            LinkEvent::Message(bytes) => self.on_message(id, &bytes, now),
            LinkEvent::Drained(bytes) => {
                let peer = self.mesh.get_mut(id).and_then(|link| {
                    link.queued = link.queued.saturating_sub(bytes);
                    link.peer.filter(|_| link.is_live())
                });
                if let Some(peer) = peer {
                    self.serve_next(peer);
                }
            }
            LinkEvent::Wanted(blob) => self.on_blob_wanted(id, blob),
            LinkEvent::BlobProgress { blob, have } => self.on_blob_progress(id, blob, have),
            LinkEvent::BlobDone(blob) => self.on_blob_done(id, blob),
            LinkEvent::BlobFailed(blob, trouble) => self.on_blob_failed(id, blob, trouble, now),
            // The other side's reasons do not change ours: an attempt that ended waits, a link that ended is redialled.
            LinkEvent::Closed(_) => self.link_gone(id, now),
        }
    }

    // ------------------------------------------------------------ making

    /// Offers a link. `peer` is unknown only for a knock.
    pub(super) fn offer(
        &mut self,
        purpose: LinkPurpose,
        peer: Option<DeviceId>,
        room: RoomId,
        seal: Seal,
        routes: Vec<Route>,
        now: Now,
    ) -> LinkId {
        let connection = crate::ids::ConnectionId(self.random());
        let id = self.mesh.insert(purpose, true, peer, room, seal, routes, connection, now.mono);
        self.link(id, LinkCommand::Open { purpose, remote: None });
        id
    }

    /// Dials every member who should be linked, is not, and is due.
    pub(super) fn settle_dials(&mut self, now: Now) {
        let wanted = self.wanted_peers();
        self.mesh.keep_dials(&wanted);
        for peer in self.mesh.due(&wanted, now.mono) {
            if !self.mesh.has_room() {
                return;
            }
            match self.routes_to(peer, now) {
                Some((room, epoch, routes)) => {
                    self.offer(LinkPurpose::Chat, Some(peer), room, Seal::Epoch(epoch), routes, now);
                }
                // No way to say anything to them: a claim that comes up or a roster that names them will hurry this.
                None => {
                    let jitter = self.jitter();
                    self.mesh.away(peer, now.mono, jitter);
                }
            }
        }
    }

    /// Every way to get an envelope to a member: over members who are linked with them, and over brokers.
    fn routes_to(&mut self, peer: DeviceId, now: Now) -> Option<(RoomId, u32, Vec<Route>)> {
        let attempt = self.mesh.attempt(peer);
        let mut shared = self.rooms_with(peer);
        // The peer may not think itself in each of these rooms, and hears of no offer in such a room's name: after the two
        // attempts of one (over members, over brokers) it is another's turn.
        let turn = attempt as usize / 2 % shared.len().max(1);
        shared.rotate_left(turn);
        for id in shared {
            let Some(room) = self.rooms.get(&id).filter(|room| room.standing == Standing::Member) else { continue };
            let Some((epoch, key)) = room.epoch_for(peer, attempt) else { continue };
            let mut routes: Vec<Route> = room
                .rosters
                .iter()
                .filter(|(through, linked)| linked.contains(&peer) && self.mesh.live(**through).is_some())
                .map(|(through, _)| Route::Mesh { through: *through })
                .take(1)
                .collect();
            // A member who knows both is faster than any broker and needs none; brokers are the second attempt.
            if routes.is_empty() || attempt % 2 == 1 {
                let rendezvous = room_rendezvous(&key);
                // Where they should be; and each time one more place where a squatter or a clock may have put them.
                let today = Day::of(now.wall);
                let (day, variant) = today.guess(attempt, super::claims::VARIANTS);
                let usual = member_address(&rendezvous, peer, today, 0);
                let other = member_address(&rendezvous, peer, day, variant);
                for (broker, from) in self.claims.up(Purpose::Member(id)) {
                    for to in [&usual, &other] {
                        routes.push(Route::Broker { broker: broker.clone(), from: from.clone(), to: to.clone() });
                    }
                }
            }
            if !routes.is_empty() {
                return Some((id, epoch, routes));
            }
        }
        None
    }

    fn on_described(&mut self, id: LinkId, mut params: SessionParams) {
        params.candidates.truncate(CANDIDATES);
        let nonce = self.random();
        let Some(link) = self.mesh.get_mut(id).filter(|link| link.state == State::Describing) else { return };
        params.setup = if link.offerer { Setup::ActPass } else { Setup::Active };
        let session = Session {
            room: link.room,
            from: self.me,
            to: link.peer,
            connection: link.connection,
            nonce,
            purpose: link.purpose,
            answers: (!link.offerer).then_some(link.offer),
            params: params.clone(),
        };
        let signed = SignedSession::sign(&self.key, &session);
        let record = signed.encode();
        link.local = Some(params);
        let kind = if link.offerer {
            link.state = State::Offered;
            link.offer = signed.hash();
            link.record.clone_from(&record);
            SignalKind::Offer
        } else {
            link.state = State::Connecting;
            link.answer = signed.hash();
            SignalKind::Answer
        };
        let late = if link.offerer { Vec::new() } else { std::mem::take(&mut link.local_candidates) };
        self.signal(id, kind, &record);
        for candidate in late {
            self.on_local_candidate(id, candidate);
        }
        if let Some(peer) = self.mesh.get(id).and_then(|link| link.peer) {
            self.touch_peer(peer);
        }
    }

    fn on_open(&mut self, id: LinkId, local: [u8; 32], remote: [u8; 32], now: Now) {
        let Some(link) = self.mesh.get_mut(id).filter(|link| link.state == State::Connecting) else { return };
        let as_signed = link.local.as_ref().is_some_and(|params| params.fingerprint == local)
            && link.remote.as_ref().is_some_and(|params| params.fingerprint == remote);
        if !as_signed {
            self.misbehaved(id, "the certificate is not the one that was signed", now);
            return;
        }
        match link.purpose {
            LinkPurpose::Chat => {
                link.state = State::Authenticating;
                link.deadline = now.mono.plus(AUTH_WAIT);
                let connection = link.connection;
                let bytes = auth_transcript(link, link.offerer);
                let signature = self.key.sign(Context::Auth, &bytes);
                self.send(id, &Frame::Auth { connection, signature });
            }
            // Its certificates were signed inside an authenticated link: nothing is left to prove.
            LinkPurpose::Bulk => {
                link.state = State::Live;
                self.on_bulk_open(id);
            }
        }
    }

    fn on_message(&mut self, id: LinkId, bytes: &[u8], now: Now) {
        let Some(link) = self.mesh.get_mut(id) else { return };
        if link.purpose == LinkPurpose::Bulk {
            self.misbehaved(id, "a frame on a bulk link", now);
            return;
        }
        link.last_heard = now.mono;
        link.ping_sent = None;
        if link.is_live() {
            link.deadline = now.mono.plus(DEAD_AFTER);
        }
        let (live, peer) = (link.is_live(), link.peer);
        if !live {
            link.received_before_auth += bytes.len();
            if link.received_before_auth > PRE_AUTH_BYTES {
                self.misbehaved(id, "too much before AUTH", now);
                return;
            }
        }
        let frame = match Frame::decode(bytes) {
            Ok(frame) => frame,
            // A newer peer may know more than we do.
            Err(crate::wire::WireError::UnknownKind) if live => return,
            Err(_) => {
                self.misbehaved(id, "a malformed frame", now);
                return;
            }
        };
        match (live, peer, frame) {
            (false, Some(peer), Frame::Auth { connection, signature }) => {
                self.on_auth(id, peer, connection, &signature, now);
            }
            (false, ..) => self.misbehaved(id, "a frame before AUTH", now),
            (true, Some(peer), frame) => self.on_frame(id, peer, frame, now),
            (true, None, _) => {}
        }
    }

    fn on_auth(
        &mut self,
        id: LinkId,
        peer: DeviceId,
        connection: crate::ids::ConnectionId,
        signature: &[u8; 64],
        now: Now,
    ) {
        let Some(link) = self.mesh.get(id).filter(|link| link.state == State::Authenticating) else {
            self.misbehaved(id, "AUTH out of turn", now);
            return;
        };
        let bytes = auth_transcript(link, !link.offerer);
        if connection != link.connection || !verify(&peer.0, Context::Auth, &bytes, signature) {
            self.misbehaved(id, "AUTH does not verify", now);
            return;
        }
        let loser = self.mesh.authenticated(id, peer, now.mono);
        if let Some(loser) = loser {
            if loser != id {
                // What the older link was carrying is lost with it; the peer counts as new.
                self.peer_lost(peer);
            }
            // Through the front door: a knock may have been waiting on it.
            self.drop_link(loser, now);
            if loser == id {
                return;
            }
        }
        for other in self.mesh.ids() {
            let half_open = self
                .mesh
                .get(other)
                .is_some_and(|link| link.peer == Some(peer) && link.purpose == LinkPurpose::Chat && !link.is_live());
            if half_open {
                self.drop_link(other, now);
            }
        }
        self.peer_up(id, peer, now);
    }

    /// A chat link is live: say what we hold of every room that we share.
    fn peer_up(&mut self, id: LinkId, peer: DeviceId, now: Now) {
        let Some(link) = self.mesh.get(id) else { return };
        let (room, vouched, knocks) = (link.room, !link.is_knock(), link.is_knock() && link.offerer);
        for shared in self.rooms_with(peer) {
            self.greet(shared, peer, Greeting::Tells, now);
        }
        // Sealed with the room's key, though we do not know them: hear their logs, tell nothing yet.
        if vouched && let Some(state) = self.rooms.get_mut(&room) {
            state.sync.join(peer, now.mono);
        }
        if knocks {
            self.knock(room, id);
        }
        self.touch_peer(peer);
        self.rosters_due(now);
        self.thin_out_strangers(now);
    }

    /// Whoever holds an invite, or a room's key from before it left, can come with any number of new keys. They are heard,
    /// but those who only stand there make way for the next.
    fn thin_out_strangers(&mut self, now: Now) {
        let waits = |peer: &DeviceId| self.rooms.values().any(|room| room.requests.contains_key(peer));
        let mut idle: Vec<(Instant, LinkId)> = self
            .mesh
            .live_peers()
            .into_iter()
            .filter(|peer| self.rooms_with(*peer).is_empty() && !waits(peer))
            .filter_map(|peer| self.mesh.live(peer))
            .filter_map(|id| self.mesh.get(id).map(|link| (link, id)))
            .filter(|(link, _)| !link.offerer)
            .map(|(link, id)| (link.live_since, id))
            .collect();
        idle.sort_unstable();
        for (_, id) in idle.iter().take(idle.len().saturating_sub(STRANGERS)) {
            self.drop_link(*id, now);
        }
    }

    /// Opens the sync of one room with a member.
    pub(super) fn greet(&mut self, room: RoomId, peer: DeviceId, greeting: Greeting, now: Now) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        state.sync.join(peer, now.mono);
        // What was written twice first: by the names of its branches the rest is told.
        self.trust_again(room, peer);
        self.tell_forks(room, peer);
        for frame in self.have_frames(room, greeting) {
            self.send_to(peer, &frame);
        }
        self.tell_epoch(room, peer);
        self.send_roster(room, peer);
        self.ask_for_blobs(room, peer);
        self.ask_for_rooms(room, peer);
    }

    // ------------------------------------------------------------ ending

    /// Closes a link of ours and forgets it. What the peer was carrying is undone if it was the live one.
    pub(super) fn drop_link(&mut self, id: LinkId, now: Now) {
        if self.mesh.get(id).is_some() {
            self.link(id, LinkCommand::Close);
            self.link_gone(id, now);
        }
    }

    /// A peer broke a rule: end the link, say which rule.
    pub(super) fn misbehaved(&mut self, id: LinkId, rule: &'static str, now: Now) {
        let peer = self.mesh.get(id).and_then(|link| link.peer.filter(|_| link.is_live()));
        self.notify(Notify::PeerMisbehaved { peer, rule });
        let dialled = self.mesh.get(id).and_then(|link| link.peer);
        self.drop_link(id, now);
        if let Some(peer) = dialled {
            // It is not unreachable, it is broken: do not come back at once.
            let jitter = self.jitter();
            self.mesh.away(peer, now.mono, jitter);
        }
    }

    fn link_gone(&mut self, id: LinkId, now: Now) {
        let Some((link, was_live)) = self.mesh.remove(id) else { return };
        let jitter = self.jitter();
        match link.purpose {
            LinkPurpose::Bulk => self.bulk_gone(&link),
            LinkPurpose::Chat => {
                if let Some(peer) = link.peer {
                    if was_live {
                        self.peer_lost(peer);
                        self.rosters_due(now);
                    }
                    if self.mesh.live(peer).is_none() {
                        self.mesh.failed(peer, now.mono, jitter);
                    }
                    self.touch_peer(peer);
                }
                self.knock_link_gone(id, &link, now);
            }
        }
    }

    /// A live chat link ended.
    fn peer_lost(&mut self, peer: DeviceId) {
        self.serving.remove(&peer);
        self.sibling_lost(peer);
        for room in self.rooms.values_mut() {
            room.sync.part(peer);
            room.rosters.remove(&peer);
        }
        self.blobs_lost(peer);
        for bulk in [self.mesh.bulk_from(peer), self.mesh.bulk_to(peer)].into_iter().flatten() {
            self.link(bulk, LinkCommand::Close);
            self.mesh.remove(bulk);
        }
    }

    /// Pings who is silent, ends what is overdue.
    pub(super) fn settle_links(&mut self, now: Now) {
        for id in self.mesh.overdue(now.mono) {
            self.drop_link(id, now);
        }
        for id in self.mesh.silent(now.mono) {
            let nonce = u64::from(self.jitter());
            self.send(id, &Frame::Ping { nonce });
            if let Some(link) = self.mesh.get_mut(id) {
                link.ping_sent = Some(now.mono);
            }
        }
    }

    /// The ground moved: every link must prove itself, everyone who is missing is tried now.
    pub(super) fn suspect_all(&mut self, now: Now) {
        for id in self.mesh.ids() {
            let nonce = u64::from(self.jitter());
            let chat = self.mesh.get(id).is_some_and(|link| link.is_live() && link.purpose == LinkPurpose::Chat);
            if chat {
                self.send(id, &Frame::Ping { nonce });
            }
            if let Some(link) = self.mesh.get_mut(id).filter(|_| chat) {
                link.ping_sent = Some(now.mono);
                link.deadline = link.deadline.min(now.mono.plus(SUSPICION));
            }
        }
        for peer in self.wanted_peers() {
            self.mesh.hurry(peer, now.mono);
        }
    }

    /// Links with devices with whom no room is shared any more.
    pub(super) fn close_strangers(&mut self, now: Now) {
        let wanted: BTreeSet<DeviceId> = self.wanted_peers();
        for peer in self.mesh.live_peers() {
            let knocking = self.knocks.values().any(|knock| knock.link == self.mesh.live(peer));
            if !wanted.contains(&peer)
                && !knocking
                && let Some(id) = self.mesh.live(peer)
            {
                self.send(id, &Frame::Bye);
                self.drop_link(id, now);
            }
        }
    }
}

/// What AUTH signs on a link, as the side with this role signs it: both sides fill in both certificates as they saw them.
fn auth_transcript(link: &Link, by_offerer: bool) -> Vec<u8> {
    let local = link.local.as_ref().map(|params| params.fingerprint).unwrap_or_default();
    let remote = link.remote.as_ref().map(|params| params.fingerprint).unwrap_or_default();
    let (offerer, answerer) = if link.offerer { (local, remote) } else { (remote, local) };
    auth_bytes(by_offerer, link.connection, &link.offer, &link.answer, &offerer, &answerer)
}
