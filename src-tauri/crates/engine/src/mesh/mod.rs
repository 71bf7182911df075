//! Which links exist, which should, and what to do when both sides try at once.
//!
//! Between two members there is one chat link. Whoever comes online offers to everyone; when both offer at the same
//! time (glare) the polite side, which is the one with the smaller key, drops its own offer and answers, as in perfect
//! negotiation (W3C WebRTC §10.7). A second link that authenticates replaces the first: it is how a peer whose network
//! changed comes back before we noticed. Failed attempts wait 0.5 to 60 s with full jitter.
//!
//! Half-open links are few, so that strangers cannot make this device hold sockets. Half of them are for offers of our
//! own; what is offered to us while the rest is taken is [held](Verdict::Hold) until one is done. Answers depend on
//! nothing but ICE, so a room whose members all start in the same second works through its links in waves.

use crate::ids::{Address, BrokerUrl, ConnectionId, DeviceId, InviteId, LinkId, RoomId};
use crate::port::{LinkPurpose, SessionParams};
use crate::time::Instant;
use crate::wire::limits::{
    DEAD_AFTER, HALF_OPEN, HALF_OPEN_KNOCKS, HALF_OPEN_OFFERS, HALF_OPEN_PER_PEER, LINK_SETUP, LINKS, PING_AFTER,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Offers whose connection ids are remembered, so that a duplicate or a replay is seen.
const SEEN: usize = 1024;
/// First wait after a failure; doubles.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// Longest wait.
const BACKOFF_LAST: Duration = Duration::from_secs(60);
/// Two links that came up this close together are one glare, not a reconnect.
const GLARE: Duration = Duration::from_secs(10);

/// Where an envelope of a link goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// From one of our addresses to one of theirs.
    Broker { broker: BrokerUrl, from: Address, to: Address },
    /// Over a member who is linked with both; or the peer itself, for bulk links.
    Mesh { through: DeviceId },
}

/// Which key seals a link's envelopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    /// The room's, of this epoch.
    Epoch(u32),
    /// The invite's.
    Invite(InviteId),
}

/// How far a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The link layer gathers; nothing has gone out.
    Describing,
    /// The offer is out.
    Offered,
    /// Both descriptions are known; ICE and DTLS run.
    Connecting,
    /// The channel is open; AUTH is awaited.
    Authenticating,
    /// In use.
    Live,
}

/// One link, from the first thought of it to its end.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) purpose: LinkPurpose,
    pub(crate) offerer: bool,
    /// Known from the start, but for a knock's offerer, who learns it from the answer.
    pub(crate) peer: Option<DeviceId>,
    /// In whose name the two meet.
    pub(crate) room: RoomId,
    pub(crate) seal: Seal,
    pub(crate) routes: Vec<Route>,
    pub(crate) connection: ConnectionId,
    pub(crate) state: State,
    pub(crate) deadline: Instant,
    pub(crate) live_since: Instant,
    pub(crate) offer: [u8; 32],
    pub(crate) answer: [u8; 32],
    /// The offer's record, to be sent again over another route.
    pub(crate) record: Vec<u8>,
    pub(crate) local: Option<SessionParams>,
    pub(crate) remote: Option<SessionParams>,
    pub(crate) remote_candidates: usize,
    pub(crate) local_candidates: Vec<String>,
    pub(crate) queued: usize,
    pub(crate) received_before_auth: usize,
    pub(crate) last_heard: Instant,
    pub(crate) ping_sent: Option<Instant>,
}

impl Link {
    pub(crate) fn is_live(&self) -> bool {
        self.state == State::Live
    }

    pub(crate) fn is_knock(&self) -> bool {
        matches!(self.seal, Seal::Invite(_))
    }

    /// Whether this attempt says that the peer is being reached. A knock that we answer does not: the newcomer goes
    /// through the first of several doors that open, and the others wait for nobody.
    fn is_promising(&self) -> bool {
        !self.is_live() && (self.offerer || !self.is_knock())
    }
}

/// What to do with an offer that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Answer it, after closing these of our own.
    Answer { yielding: Vec<LinkId> },
    /// Ours stands; send it again, since the other side may not have got it.
    Insist(LinkId),
    /// Later, when there is room.
    Hold,
    /// More than the device may ask for.
    Ignore,
}

#[derive(Debug, Default)]
struct Dial {
    failures: u32,
    attempt: u32,
    next: Instant,
}

/// All links and all plans for links.
pub(crate) struct Mesh {
    me: DeviceId,
    links: BTreeMap<LinkId, Link>,
    live: BTreeMap<DeviceId, LinkId>,
    dials: BTreeMap<DeviceId, Dial>,
    seen: BTreeSet<(DeviceId, ConnectionId)>,
    seen_order: VecDeque<(DeviceId, ConnectionId)>,
    next: u64,
}

impl Mesh {
    pub(crate) fn new(me: DeviceId) -> Self {
        Self {
            me,
            links: BTreeMap::new(),
            live: BTreeMap::new(),
            dials: BTreeMap::new(),
            seen: BTreeSet::new(),
            seen_order: VecDeque::new(),
            next: 1,
        }
    }

    pub(crate) fn get(&self, id: LinkId) -> Option<&Link> {
        self.links.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        self.links.get_mut(&id)
    }

    pub(crate) fn ids(&self) -> Vec<LinkId> {
        self.links.keys().copied().collect()
    }

    /// The live chat link with a peer.
    pub(crate) fn live(&self, peer: DeviceId) -> Option<LinkId> {
        self.live.get(&peer).copied()
    }

    /// Everyone with a live chat link.
    pub(crate) fn live_peers(&self) -> Vec<DeviceId> {
        self.live.keys().copied().collect()
    }

    /// Whether a chat link with the peer is being made.
    pub(crate) fn is_connecting(&self, peer: DeviceId) -> bool {
        self.links.values().any(|link| {
            link.peer == Some(peer)
                && link.purpose == LinkPurpose::Chat
                && matches!(link.state, State::Connecting | State::Authenticating)
        })
    }

    /// Links that are not live yet.
    pub(crate) fn half_open(&self) -> usize {
        self.links.values().filter(|link| !link.is_live()).count()
    }

    /// Peers whose next dial is planned.
    pub(crate) fn dials(&self) -> usize {
        self.dials.len()
    }

    /// Bytes in the fullest send queue.
    pub(crate) fn longest_queue(&self) -> usize {
        self.links.values().map(|link| link.queued).max().unwrap_or(0)
    }

    fn half_open_with(&self, peer: DeviceId) -> usize {
        self.links.values().filter(|link| !link.is_live() && link.peer == Some(peer)).count()
    }

    fn is_being_reached(&self, peer: DeviceId) -> bool {
        self.links.values().any(|link| link.peer == Some(peer) && link.is_promising())
    }

    /// Whether one more may be started.
    pub(crate) fn has_room(&self) -> bool {
        let offers = self.links.values().filter(|link| !link.is_live() && link.offerer).count();
        offers < HALF_OPEN_OFFERS && self.half_open() < HALF_OPEN && self.live.len() < LINKS
    }

    fn answered_knocks(&self) -> usize {
        self.links.values().filter(|link| !link.is_live() && !link.offerer && link.is_knock()).count()
    }

    /// The link of an attempt that is waiting for the other side.
    pub(crate) fn by_connection(&self, connection: ConnectionId) -> Option<LinkId> {
        self.links.iter().find(|(_, link)| link.connection == connection).map(|(id, _)| *id)
    }

    /// The bulk link over which we fetch from a peer, if there is one. Whoever fetches offers: two who fetch from each
    /// other have two.
    pub(crate) fn bulk_from(&self, peer: DeviceId) -> Option<LinkId> {
        self.bulks(peer).find(|(_, link)| link.offerer).map(|(id, _)| id)
    }

    /// The bulk link over which a peer fetches from us.
    pub(crate) fn bulk_to(&self, peer: DeviceId) -> Option<LinkId> {
        self.bulks(peer).find(|(_, link)| !link.offerer).map(|(id, _)| id)
    }

    fn bulks(&self, peer: DeviceId) -> impl Iterator<Item = (LinkId, &Link)> {
        let bulk = move |link: &Link| link.purpose == LinkPurpose::Bulk && link.peer == Some(peer);
        self.links.iter().filter(move |(_, link)| bulk(link)).map(|(id, link)| (*id, link))
    }

    #[expect(clippy::too_many_arguments, reason = "a link's birth certificate")]
    pub(crate) fn insert(
        &mut self,
        purpose: LinkPurpose,
        offerer: bool,
        peer: Option<DeviceId>,
        room: RoomId,
        seal: Seal,
        routes: Vec<Route>,
        connection: ConnectionId,
        now: Instant,
    ) -> LinkId {
        let id = LinkId(self.next);
        self.next += 1;
        let link = Link {
            purpose,
            offerer,
            peer,
            room,
            seal,
            routes,
            connection,
            state: State::Describing,
            deadline: now.plus(LINK_SETUP),
            live_since: now,
            offer: [0; 32],
            answer: [0; 32],
            record: Vec::new(),
            local: None,
            remote: None,
            remote_candidates: 0,
            local_candidates: Vec::new(),
            queued: 0,
            received_before_auth: 0,
            last_heard: now,
            ping_sent: None,
        };
        self.links.insert(id, link);
        id
    }

    /// Whether an offer comes for the first time: they may come over several ways, and again from whoever kept one.
    pub(crate) fn is_new(&mut self, from: DeviceId, connection: ConnectionId) -> bool {
        if !self.seen.insert((from, connection)) {
            return false;
        }
        self.seen_order.push_back((from, connection));
        if self.seen_order.len() > SEEN {
            self.seen_order.pop_front().map(|oldest| self.seen.remove(&oldest));
        }
        true
    }

    /// Judges an offer from `from`, which is new, signed and sealed well.
    pub(crate) fn judge(&self, from: DeviceId, purpose: LinkPurpose, seal: Seal) -> Verdict {
        if purpose == LinkPurpose::Bulk {
            return match (self.bulk_to(from), self.half_open() < HALF_OPEN) {
                (Some(_), _) => Verdict::Ignore,
                (None, true) => Verdict::Answer { yielding: Vec::new() },
                (None, false) => Verdict::Hold,
            };
        }
        let ours: Vec<LinkId> = match seal {
            Seal::Epoch(_) => self.offered_to(from),
            // Who knocks at an invite's door has no room key, or lost it with its power, and cannot read what we offer;
            // or has it by now, and this knock was waiting at the broker for whoever would open: answer, yield nothing.
            Seal::Invite(_) => Vec::new(),
        };
        if let Some(offered) = ours.first()
            && self.me > from
        {
            return Verdict::Insist(*offered);
        }
        if self.half_open_with(from) - ours.len() >= HALF_OPEN_PER_PEER {
            return Verdict::Ignore;
        }
        let knocks = matches!(seal, Seal::Invite(_)) && self.answered_knocks() >= HALF_OPEN_KNOCKS;
        if knocks || self.half_open() - ours.len() >= HALF_OPEN {
            return Verdict::Hold;
        }
        Verdict::Answer { yielding: ours }
    }

    /// Our own offers to a peer that are not answered yet.
    fn offered_to(&self, peer: DeviceId) -> Vec<LinkId> {
        let ours = |link: &Link| {
            link.peer == Some(peer)
                && link.purpose == LinkPurpose::Chat
                && link.offerer
                && matches!(link.state, State::Describing | State::Offered)
        };
        self.links.iter().filter(|(_, link)| ours(link)).map(|(id, _)| *id).collect()
    }

    /// A chat link has authenticated. Returns the link that must go: an older one, or this one if a glare ended so.
    pub(crate) fn authenticated(&mut self, id: LinkId, peer: DeviceId, now: Instant) -> Option<LinkId> {
        let connection = self.links.get(&id)?.connection;
        let rival = self.live.get(&peer).copied().and_then(|rival| self.links.get(&rival).map(|link| (rival, link)));
        let loser = rival.map(|(rival, link)| {
            // Both sides must let the same one go: of a glare the larger connection id, else the older link.
            let glare = now.since(link.live_since) < GLARE;
            if glare && link.connection < connection { id } else { rival }
        });
        let link = self.links.get_mut(&id)?;
        link.peer = Some(peer);
        link.state = State::Live;
        link.live_since = now;
        link.last_heard = now;
        link.deadline = now.plus(DEAD_AFTER);
        if loser != Some(id) {
            self.live.insert(peer, id);
        }
        self.dials.remove(&peer);
        loser
    }

    /// Forgets a link. Returns it with whether it was the live chat link of its peer.
    pub(crate) fn remove(&mut self, id: LinkId) -> Option<(Link, bool)> {
        let link = self.links.remove(&id)?;
        let was_live = link.peer.is_some_and(|peer| self.live.get(&peer) == Some(&id));
        if was_live && let Some(peer) = link.peer {
            self.live.remove(&peer);
        }
        Some((link, was_live))
    }

    /// An attempt to reach a peer failed; `jitter` is uniform in 0..=u32::MAX.
    pub(crate) fn failed(&mut self, peer: DeviceId, now: Instant, jitter: u32) {
        let dial = self.dials.entry(peer).or_default();
        dial.failures = dial.failures.saturating_add(1);
        dial.next = now.plus(full_jitter(dial.failures, jitter));
    }

    /// The peer is known to be away: ask again at leisure, it will come by itself.
    pub(crate) fn away(&mut self, peer: DeviceId, now: Instant, jitter: u32) {
        let dial = self.dials.entry(peer).or_default();
        dial.failures = dial.failures.max(7);
        dial.next = now.plus(BACKOFF_LAST / 2 + full_jitter(7, jitter) / 2);
    }

    /// Something speaks for reaching the peer now.
    pub(crate) fn hurry(&mut self, peer: DeviceId, now: Instant) {
        let dial = self.dials.entry(peer).or_default();
        dial.failures = 0;
        dial.next = now;
    }

    /// Of `wanted`, who is due to be offered a link now.
    pub(crate) fn due(&self, wanted: &BTreeSet<DeviceId>, now: Instant) -> Vec<DeviceId> {
        let due = |peer: &&DeviceId| {
            !self.live.contains_key(*peer)
                && !self.is_being_reached(**peer)
                && self.dials.get(*peer).is_none_or(|dial| dial.next <= now)
        };
        wanted.iter().filter(due).copied().collect()
    }

    /// Counts an attempt and tells which one it is.
    pub(crate) fn attempt(&mut self, peer: DeviceId) -> u32 {
        let dial = self.dials.entry(peer).or_default();
        dial.attempt = dial.attempt.wrapping_add(1);
        dial.attempt - 1
    }

    /// Drops the plans for everyone else: strangers come by the thousand.
    pub(crate) fn keep_dials(&mut self, wanted: &BTreeSet<DeviceId>) {
        self.dials.retain(|peer, _| wanted.contains(peer));
    }

    /// When somebody of `wanted` is due next.
    pub(crate) fn next_dial(&self, wanted: &BTreeSet<DeviceId>) -> Option<Instant> {
        if !self.has_room() {
            return None;
        }
        let waits = |peer: &&DeviceId| !self.live.contains_key(*peer) && !self.is_being_reached(**peer);
        wanted.iter().filter(waits).map(|peer| self.dials.get(peer).map_or(Instant(0), |dial| dial.next)).min()
    }

    /// Links whose time is up: set-up too slow, or silent for too long.
    pub(crate) fn overdue(&self, now: Instant) -> Vec<LinkId> {
        self.links
            .iter()
            .filter(|(_, link)| link.deadline <= now && !self.is_idle_bulk(link))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Live chat links that have been silent long enough to be asked.
    pub(crate) fn silent(&self, now: Instant) -> Vec<LinkId> {
        let silent = |link: &Link| {
            let quiet_since = link.ping_sent.map_or(link.last_heard, |sent| sent.max(link.last_heard));
            link.is_live() && link.purpose == LinkPurpose::Chat && quiet_since.plus(PING_AFTER) <= now
        };
        self.links.iter().filter(|(_, link)| silent(link)).map(|(id, _)| *id).collect()
    }

    /// The next instant at which [`Self::overdue`] or [`Self::silent`] finds something.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.links
            .values()
            .filter(|link| !self.is_idle_bulk(link))
            .map(|link| {
                let quiet_since = link.ping_sent.map_or(link.last_heard, |sent| sent.max(link.last_heard));
                let ping = quiet_since.plus(PING_AFTER);
                if link.is_live() { link.deadline.min(ping) } else { link.deadline }
            })
            .min()
    }

    /// Live bulk links end when the transfer does, which is not the mesh's to judge.
    fn is_idle_bulk(&self, link: &Link) -> bool {
        link.is_live() && link.purpose == LinkPurpose::Bulk
    }
}

/// "Full jitter": uniform between nothing and the doubled wait (Brooker, AWS Architecture Blog, 2015), at least 50 ms.
fn full_jitter(failures: u32, jitter: u32) -> Duration {
    let ceiling = BACKOFF_FIRST.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(BACKOFF_LAST);
    let share = ceiling.as_micros() as u64 * u64::from(jitter) / u64::from(u32::MAX);
    Duration::from_micros(share).max(Duration::from_millis(50))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(n: u8) -> DeviceId {
        DeviceId([n; 32])
    }

    fn offer(mesh: &mut Mesh, to: DeviceId, n: u8) -> LinkId {
        let routes = Vec::new();
        let room = RoomId([0; 32]);
        let connection = ConnectionId([n; 16]);
        mesh.insert(LinkPurpose::Chat, true, Some(to), room, Seal::Epoch(1), routes, connection, Instant(0))
    }

    const MEMBER: Seal = Seal::Epoch(1);
    const STRANGER: Seal = Seal::Invite(InviteId([9; 32]));

    fn answer(mesh: &mut Mesh, peer: u8, n: u8, seal: Seal) -> LinkId {
        let connection = ConnectionId([n; 16]);
        let peer = Some(device(peer));
        mesh.insert(LinkPurpose::Chat, false, peer, RoomId([0; 32]), seal, Vec::new(), connection, Instant(0))
    }

    #[test]
    fn of_two_offers_at_once_the_smaller_key_yields_and_the_larger_insists() {
        let (small, large) = (device(1), device(2));
        let mut polite = Mesh::new(small);
        let own = offer(&mut polite, large, 7);
        assert_eq!(polite.judge(large, LinkPurpose::Chat, MEMBER), Verdict::Answer { yielding: vec![own] });
        let mut impolite = Mesh::new(large);
        let own = offer(&mut impolite, small, 8);
        assert_eq!(impolite.judge(small, LinkPurpose::Chat, MEMBER), Verdict::Insist(own));
    }

    #[test]
    fn who_knocks_is_answered_even_by_the_side_that_would_insist_and_nothing_is_given_up_for_it() {
        let mut mesh = Mesh::new(device(2));
        offer(&mut mesh, device(1), 8);
        let verdict = mesh.judge(device(1), LinkPurpose::Chat, STRANGER);
        assert_eq!(verdict, Verdict::Answer { yielding: Vec::new() });
    }

    #[test]
    fn an_answered_knock_does_not_keep_us_from_dialling() {
        let mut mesh = Mesh::new(device(1));
        let wanted = BTreeSet::from([device(2)]);
        answer(&mut mesh, 2, 8, STRANGER);
        assert_eq!(mesh.due(&wanted, Instant(0)), [device(2)]);
        assert!(mesh.next_dial(&wanted).is_some());
        answer(&mut mesh, 2, 9, MEMBER);
        assert!(mesh.due(&wanted, Instant(0)).is_empty());
    }

    #[test]
    fn a_replayed_offer_is_known() {
        let mut mesh = Mesh::new(device(1));
        assert!(mesh.is_new(device(2), ConnectionId([8; 16])));
        assert!(!mesh.is_new(device(2), ConnectionId([8; 16])));
        assert!(mesh.is_new(device(3), ConnectionId([8; 16])));
        for n in 0..=SEEN {
            let mut connection = [0; 16];
            connection[..8].copy_from_slice(&n.to_be_bytes());
            mesh.is_new(device(4), ConnectionId(connection));
        }
        assert_eq!((mesh.seen.len(), mesh.seen_order.len()), (SEEN, SEEN));
    }

    #[test]
    fn one_peer_cannot_open_more_than_its_share_of_half_open_links() {
        let mut mesh = Mesh::new(device(1));
        for n in 0..HALF_OPEN_PER_PEER as u8 {
            assert!(matches!(mesh.judge(device(2), LinkPurpose::Chat, MEMBER), Verdict::Answer { .. }));
            answer(&mut mesh, 2, n, MEMBER);
        }
        assert_eq!(mesh.judge(device(2), LinkPurpose::Chat, MEMBER), Verdict::Ignore);
        assert!(matches!(mesh.judge(device(3), LinkPurpose::Chat, MEMBER), Verdict::Answer { .. }));
    }

    #[test]
    fn offers_leave_room_for_answers_and_knocks_for_members_and_the_rest_waits() {
        let mut mesh = Mesh::new(device(1));
        let mut n = 0;
        while mesh.has_room() {
            n += 1;
            offer(&mut mesh, device(100 + n), n);
        }
        assert_eq!(usize::from(n), HALF_OPEN_OFFERS);
        for n in 0..HALF_OPEN_KNOCKS as u8 {
            assert!(matches!(mesh.judge(device(50 + n), LinkPurpose::Chat, STRANGER), Verdict::Answer { .. }));
            answer(&mut mesh, 50 + n, 50 + n, STRANGER);
        }
        assert_eq!(mesh.judge(device(90), LinkPurpose::Chat, STRANGER), Verdict::Hold);
        let mut members = 0;
        while let Verdict::Answer { .. } = mesh.judge(device(20 + members), LinkPurpose::Chat, MEMBER) {
            answer(&mut mesh, 20 + members, 20 + members, MEMBER);
            members += 1;
        }
        assert_eq!(mesh.half_open(), HALF_OPEN);
        assert_eq!(mesh.judge(device(20 + members), LinkPurpose::Chat, MEMBER), Verdict::Hold);
        assert_eq!(mesh.judge(device(99), LinkPurpose::Bulk, MEMBER), Verdict::Hold);
        // To whom we offered already, an answer takes no more room than our offer did.
        assert!(matches!(mesh.judge(device(101), LinkPurpose::Chat, MEMBER), Verdict::Answer { .. }));
    }

    #[test]
    fn after_a_glare_both_sides_keep_the_same_link_and_a_later_one_replaces_it() {
        let mut mesh = Mesh::new(device(1));
        let first = offer(&mut mesh, device(2), 5);
        let second = offer(&mut mesh, device(2), 3);
        assert_eq!(mesh.authenticated(first, device(2), Instant(0)), None);
        assert_eq!(mesh.authenticated(second, device(2), Instant(1)), Some(first), "3 is smaller than 5");
        let third = offer(&mut mesh, device(2), 9);
        let later = Instant(0).plus(GLARE * 2);
        assert_eq!(mesh.authenticated(third, device(2), later), Some(second), "a reconnect");
        assert_eq!(mesh.live(device(2)), Some(third));
    }

    #[test]
    fn waits_grow_to_a_minute_and_never_vanish() {
        assert_eq!(full_jitter(1, u32::MAX), BACKOFF_FIRST);
        assert_eq!(full_jitter(30, u32::MAX), BACKOFF_LAST);
        assert_eq!(full_jitter(30, 0), Duration::from_millis(50));
    }
}
