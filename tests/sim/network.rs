//! Links: what ICE, DTLS and an ordered data channel do, without any of them.
//!
//! Each `LinkCommand::Open` makes an [`End`] with a fresh certificate. Two ends connect when each was told the other's
//! credentials and the paths between their devices are open both ways; then everything that one end sends arrives at
//! the other in order, after latency and at the line's rate, until either closes, a reset loses what is under way, or
//! a path stays dead for so long that somebody notices.

use crate::invariants::hold;
use crate::invariants::steps::Fact;
use crate::node::NodeId;
use crate::world::{Event, World};
use natter_engine::ids::{BlobHash, LinkId};
use natter_engine::port::{BlobTrouble, CloseReason, Input, LinkCommand, LinkEvent, LinkPurpose, SessionParams, Setup};
use std::collections::VecDeque;
use std::time::Duration;

/// Which end of a link; never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct EndId(pub u64);

/// How long ICE looks for a path.
const CHECKING: u64 = 12_000_000;
/// Bulk data travels in pieces of this size.
const PIECE: usize = 16 * 1024;

/// One end of a link.
pub struct End {
    /// Whose.
    pub node: NodeId,
    pub(crate) life: u32,
    /// What its engine calls it.
    pub link: LinkId,
    /// Chat or bulk.
    pub purpose: LinkPurpose,
    pub(crate) local: SessionParams,
    remote: Option<SessionParams>,
    /// The other end, once connected.
    pub peer: Option<EndId>,
    /// Open was reported; what arrives earlier waits.
    opened: bool,
    early: Vec<Parcel>,
    outbox: VecDeque<Parcel>,
    queued: usize,
    pumping: bool,
    /// Nothing overtakes.
    last_arrival: u64,
    /// The engine closed it: what was sent is still flushed.
    closed: bool,
    /// A blob that arrives in pieces.
    incoming: Option<(BlobHash, Vec<u8>)>,
    /// Whether `BlobDone` or `BlobFailed` is owed.
    fetching: Option<BlobHash>,
}

/// What travels.
#[derive(Clone, Debug)]
pub enum Parcel {
    /// A message.
    Frame(Vec<u8>),
    /// The end of the stream.
    Close,
    /// Bulk: a question.
    Want(BlobHash),
    /// Bulk: no.
    Refused(BlobHash),
    /// Bulk: bytes, and whether they are the last.
    Piece(BlobHash, Vec<u8>, Last),
}

/// Whether more follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Last {
    /// No.
    Yes,
    /// Yes.
    No,
}

impl Parcel {
    fn len(&self) -> usize {
        match self {
            Self::Frame(bytes) | Self::Piece(_, bytes, _) => bytes.len(),
            Self::Close | Self::Want(_) | Self::Refused(_) => 1,
        }
    }
}

impl World {
    pub(crate) fn on_link_command(&mut self, node: NodeId, link: LinkId, command: LinkCommand) {
        if let LinkCommand::Open { purpose, remote } = command {
            return self.open_end(node, link, purpose, remote);
        }
        let Some(id) = self.nodes[node.0].links.get(&link).copied() else {
            // The link layer forgot it before the engine heard: net drops such commands too.
            return;
        };
        match command {
            LinkCommand::Open { .. } => {}
            LinkCommand::SetRemote(params) => {
                if let Some(end) = self.ends.get_mut(&id) {
                    end.remote = Some(params);
                }
                self.pair(id);
            }
            LinkCommand::AddCandidate(candidate) => {
                hold(&self.nodes[node.0].name, &Fact::Candidate(candidate.len()));
            }
            LinkCommand::Send(bytes) => {
                let open = self.ends.get(&id).is_some_and(|end| end.opened && end.purpose == LinkPurpose::Chat);
                hold(&self.nodes[node.0].name, &Fact::Frame { bytes: bytes.len(), open });
                for bytes in self.as_sent(node, id, bytes) {
                    self.push(id, Parcel::Frame(bytes));
                }
            }
            LinkCommand::FetchBlob { blob, .. } => {
                if let Some(end) = self.ends.get_mut(&id) {
                    assert_eq!(end.purpose, LinkPurpose::Bulk, "blobs travel on bulk links");
                    end.fetching = Some(blob);
                }
                self.push(id, Parcel::Want(blob));
            }
            LinkCommand::ServeBlob { blob, allowed } => self.serve(id, node, blob, allowed),
            LinkCommand::Close => {
                self.nodes[node.0].links.remove(&link);
                let connected = self.ends.get(&id).is_some_and(|end| end.peer.is_some());
                if connected {
                    self.push(id, Parcel::Close);
                    if let Some(end) = self.ends.get_mut(&id) {
                        end.closed = true;
                    }
                } else {
                    self.ends.remove(&id);
                }
            }
        }
    }

    fn open_end(&mut self, node: NodeId, link: LinkId, purpose: LinkPurpose, remote: Option<SessionParams>) {
        let id = EndId(self.next_serial());
        let setup = if remote.is_some() { Setup::Active } else { Setup::ActPass };
        let local = SessionParams {
            fingerprint: self.chance.bytes(),
            ufrag: format!("u{}", id.0 + 1000),
            pwd: format!("password{:020}", self.chance.below(u64::MAX)),
            setup,
            candidates: vec![format!("candidate:1 1 udp 2130706431 10.0.0.{} 4000 typ host", node.0 + 1)],
        };
        let life = self.nodes[node.0].life;
        hold(&self.nodes[node.0].name, &Fact::Opens { used: self.nodes[node.0].links.contains_key(&link) });
        self.nodes[node.0].links.insert(link, id);
        let end = End {
            node,
            life,
            link,
            purpose,
            local: local.clone(),
            remote,
            peer: None,
            opened: false,
            early: Vec::new(),
            outbox: VecDeque::new(),
            queued: 0,
            pumping: false,
            last_arrival: 0,
            closed: false,
            incoming: None,
            fetching: None,
        };
        self.ends.insert(id, end);
        let range = self.weather.gather.clone();
        let delay = self.chance.millis(&range);
        self.after(delay, Event::ToEnd { end: id, event: LinkEvent::Described(local) });
        if self.chance.percent(30) {
            let late = format!("candidate:2 1 udp 1694498815 198.51.100.{} 4001 typ srflx", node.0 + 1);
            let more = self.chance.millis(&(1..400));
            self.after(delay + more, Event::ToEnd { end: id, event: LinkEvent::Candidate(late) });
        }
    }

    /// Starts the checks if both ends know each other now.
    fn pair(&mut self, id: EndId) {
        let Some(remote) = self.ends.get(&id).and_then(|end| end.remote.clone()) else { return };
        let ours = self.ends.get(&id).map(|end| end.local.ufrag.clone());
        let other = self.ends.iter().find(|(_, end)| {
            (&end.local.ufrag, &end.local.pwd) == (&remote.ufrag, &remote.pwd)
                && end.remote.as_ref().map(|params| &params.ufrag) == ours.as_ref()
        });
        if let Some((other, _)) = other {
            let (other, until) = (*other, self.now + CHECKING);
            let delay = self.latency() * 3;
            self.after(delay, Event::Connect { a: id, b: other, until });
        }
    }

    fn latency(&mut self) -> Duration {
        let range = self.weather.latency.clone();
        self.chance.millis(&range)
    }

    /// ICE and DTLS have had time for one more round.
    pub(crate) fn on_connect(&mut self, a: EndId, b: EndId, until: u64) {
        let (Some(one), Some(two)) = (self.ends.get(&a), self.ends.get(&b)) else {
            // One side gave up: the other checks on alone.
            for id in [a, b] {
                if self.ends.get(&id).is_some_and(|end| end.peer.is_none()) {
                    let wait = Duration::from_micros(until.saturating_sub(self.now));
                    self.after(wait, Event::Dead { end: id, reason: CloseReason::Unreachable });
                }
            }
            return;
        };
        if one.peer.is_some() || two.peer.is_some() {
            return;
        }
        if !self.is_path_open(one.node, two.node) || !self.is_path_open(two.node, one.node) {
            if self.now >= until {
                self.end_dies(a, CloseReason::Unreachable);
                self.end_dies(b, CloseReason::Unreachable);
            } else {
                self.after(Duration::from_millis(500), Event::Connect { a, b, until });
            }
            return;
        }
        let seen_by_one = two.local.fingerprint;
        let seen_by_two = one.local.fingerprint;
        let expects = |end: &End, seen: [u8; 32]| end.remote.as_ref().is_some_and(|params| params.fingerprint == seen);
        if !expects(one, seen_by_one) || !expects(two, seen_by_two) {
            self.end_dies(a, CloseReason::Handshake);
            self.end_dies(b, CloseReason::Handshake);
            return;
        }
        for (id, other, seen) in [(a, b, seen_by_one), (b, a, seen_by_two)] {
            let delay = self.latency();
            if let Some(end) = self.ends.get_mut(&id) {
                end.peer = Some(other);
                let event = LinkEvent::Open { local: end.local.fingerprint, remote: seen };
                self.after(delay, Event::ToEnd { end: id, event });
            }
        }
    }

    /// Puts a parcel on an end's line.
    pub fn push(&mut self, id: EndId, parcel: Parcel) {
        let Some(end) = self.ends.get_mut(&id).filter(|end| !end.closed) else { return };
        end.queued += parcel.len();
        hold(&self.nodes[end.node.0].name, &Fact::Queue(end.queued));
        end.outbox.push_back(parcel);
        if !end.pumping {
            end.pumping = true;
            self.after(Duration::ZERO, Event::Pump(id));
        }
    }

    /// Sends the next parcel of an end's line, if there is a path.
    pub(crate) fn on_pump(&mut self, id: EndId) {
        let Some(end) = self.ends.get(&id) else { return };
        let Some(peer) = end.peer else { return };
        let node = end.node;
        let there = self.ends.get(&peer).map(|end| end.node);
        if let Some(there) = there
            && (!self.is_path_open(node, there) || self.is_asleep(node))
        {
            if self.ends.get(&id).is_some_and(|end| end.closed) {
                // The flush fails; the other side finds out in its own time.
                self.ends.remove(&id);
                if self.weather.consent {
                    let wait = Duration::from_millis(6_000 + self.chance.below(24_000));
                    self.after(wait, Event::Dead { end: peer, reason: CloseReason::Unreachable });
                }
                return;
            }
            // SCTP sends again until the path is back.
            self.after(Duration::from_millis(200), Event::Pump(id));
            return;
        }
        let Some(parcel) = self.ends.get_mut(&id).and_then(|end| end.outbox.pop_front()) else {
            if let Some(end) = self.ends.get_mut(&id) {
                end.pumping = false;
            }
            return;
        };
        let length = parcel.len();
        let on_wire = Duration::from_micros(length as u64 * 1_000_000 / self.weather.bandwidth);
        let latency = self.latency();
        let arrival = self.now + (on_wire + latency).as_micros() as u64;
        let is_frame = matches!(parcel, Parcel::Frame(_));
        let Some(end) = self.ends.get_mut(&id) else { return };
        end.queued -= length;
        end.last_arrival = end.last_arrival.max(arrival);
        let arrival = end.last_arrival;
        let gone = matches!(parcel, Parcel::Close);
        self.at(arrival, Event::Arrive { from: id, to: peer, parcel });
        if is_frame {
            self.after(on_wire, Event::ToEnd { end: id, event: LinkEvent::Drained(length) });
        }
        if gone {
            self.ends.remove(&id);
        } else {
            self.after(on_wire, Event::Pump(id));
        }
    }

    /// A parcel has come over.
    pub(crate) fn on_arrive(&mut self, from: EndId, to: EndId, parcel: Parcel) {
        let Some(end) = self.ends.get_mut(&to).filter(|end| end.peer == Some(from) && !end.closed) else { return };
        if !end.opened {
            end.early.push(parcel);
            return;
        }
        match parcel {
            Parcel::Frame(bytes) => self.on_end_event(to, LinkEvent::Message(bytes)),
            Parcel::Close => self.end_dies(to, CloseReason::Remote),
            Parcel::Want(blob) => self.on_end_event(to, LinkEvent::Wanted(blob)),
            Parcel::Refused(blob) => {
                end.fetching = None;
                self.on_end_event(to, LinkEvent::BlobFailed(blob, BlobTrouble::Refused));
            }
            Parcel::Piece(blob, bytes, last) => {
                let (_, have) = end.incoming.get_or_insert_with(|| (blob, Vec::new()));
                have.extend_from_slice(&bytes);
                let so_far = have.len() as u64;
                self.on_end_event(to, LinkEvent::BlobProgress { blob, have: so_far });
                if last == Last::Yes {
                    self.blob_arrived(to, blob);
                }
            }
        }
    }

    fn blob_arrived(&mut self, to: EndId, blob: BlobHash) {
        let Some(end) = self.ends.get_mut(&to) else { return };
        let Some((_, bytes)) = end.incoming.take() else { return };
        end.fetching = None;
        let node = end.node;
        let event = if blake3::hash(&bytes).as_bytes() != &blob.0 {
            LinkEvent::BlobFailed(blob, BlobTrouble::Corrupt)
        } else if self.nodes[node.0].disk_full {
            LinkEvent::BlobFailed(blob, BlobTrouble::DiskFull)
        } else {
            self.nodes[node.0].disk.put_blob(&bytes);
            LinkEvent::BlobDone(blob)
        };
        self.on_end_event(to, event);
    }

    fn serve(&mut self, id: EndId, node: NodeId, blob: BlobHash, allowed: bool) {
        let bytes = self.nodes[node.0].disk.blob(&blob).filter(|_| allowed);
        let Some(bytes) = bytes else { return self.push(id, Parcel::Refused(blob)) };
        let mut bytes = bytes.to_vec();
        if self.corrupt_blobs.contains(&node) {
            bytes[0] ^= 1;
        }
        let pieces: Vec<&[u8]> = bytes.chunks(PIECE).collect();
        let count = pieces.len();
        for (n, piece) in pieces.into_iter().enumerate() {
            let last = if n + 1 == count { Last::Yes } else { Last::No };
            self.push(id, Parcel::Piece(blob, piece.to_vec(), last));
        }
    }

    /// Something happens at an end: its engine hears of it.
    pub(crate) fn on_end_event(&mut self, id: EndId, event: LinkEvent) {
        let Some(end) = self.ends.get_mut(&id) else { return };
        if end.closed || self.nodes[end.node.0].life != end.life {
            return;
        }
        let (node, link) = (end.node, end.link);
        let opens = matches!(event, LinkEvent::Open { .. });
        if opens {
            end.opened = true;
        }
        // What an end hears in one event's wake is told in the order it happened.
        self.tell(node, Input::Link(link, event));
        if opens {
            let early = self.ends.get_mut(&id).map(|end| (end.peer, std::mem::take(&mut end.early)));
            if let Some((Some(peer), early)) = early {
                for parcel in early {
                    self.on_arrive(peer, id, parcel);
                }
            }
        }
    }

    /// An end is gone: its engine hears of it once.
    pub(crate) fn end_dies(&mut self, id: EndId, reason: CloseReason) {
        let Some(end) = self.ends.remove(&id) else { return };
        if end.closed || self.nodes[end.node.0].life != end.life {
            return;
        }
        self.nodes[end.node.0].links.remove(&end.link);
        if let Some(blob) = end.fetching
            && self.chance.percent(50)
        {
            self.tell(end.node, Input::Link(end.link, LinkEvent::BlobFailed(blob, BlobTrouble::LinkLost)));
        }
        self.tell(end.node, Input::Link(end.link, LinkEvent::Closed(reason)));
    }

    /// The open chat links of a device, each with who is at the other end.
    pub fn lines_of(&self, node: NodeId) -> Vec<(EndId, NodeId)> {
        let open = self
            .ends
            .iter()
            .filter(|(_, end)| end.node == node && end.opened && !end.closed && end.purpose == LinkPurpose::Chat);
        open.filter_map(|(id, end)| Some((*id, self.ends.get(&end.peer?)?.node))).collect()
    }

    // ------------------------------------------------------------ catastrophes

    /// Live pairs of ends, each once.
    pub fn pairs(&self) -> Vec<(EndId, EndId)> {
        let open = self.ends.iter().filter_map(|(id, end)| end.peer.map(|peer| (*id, peer)));
        open.filter(|(id, peer)| id < peer && self.ends.contains_key(peer)).collect()
    }

    /// Cuts a connection: what is under way is lost, and each side notices in its own time.
    pub fn reset(&mut self, (a, b): (EndId, EndId)) {
        for id in [a, b] {
            if let Some(end) = self.ends.get_mut(&id) {
                end.outbox.clear();
                end.queued = 0;
                end.peer = None;
            }
            let wait = if self.chance.percent(50) { self.chance.below(500) } else { self.chance.below(30_000) };
            self.after(Duration::from_millis(wait), Event::Dead { end: id, reason: CloseReason::Unreachable });
        }
    }

    /// Loses everything that one device says to another from now on.
    pub fn cut(&mut self, from: NodeId, to: NodeId) {
        if self.cuts.insert((from, to), self.now).is_some() {
            return;
        }
        self.note("world", format_args!("cut {}->{}", from.0, to.0));
        let crossing: Vec<EndId> = self
            .ends
            .iter()
            .filter(|(_, end)| {
                let there = end.peer.and_then(|peer| self.ends.get(&peer)).map(|end| end.node);
                (end.node == from && there == Some(to)) || (end.node == to && there == Some(from))
            })
            .map(|(id, _)| *id)
            .collect();
        if self.weather.consent {
            for id in crossing {
                let wait = Duration::from_millis(6_000 + self.chance.below(24_000));
                self.after(wait, Event::Consent { end: id, from, to, since: self.now });
            }
        }
    }

    /// Both ways.
    pub fn partition(&mut self, a: NodeId, b: NodeId) {
        self.cut(a, b);
        self.cut(b, a);
    }

    /// Lets one device hear another again.
    pub fn mend(&mut self, from: NodeId, to: NodeId) {
        if self.cuts.remove(&(from, to)).is_some() {
            self.note("world", format_args!("mend {}->{}", from.0, to.0));
        }
    }

    /// Takes a device off every network: no path, no broker.
    pub fn unplug(&mut self, node: NodeId) {
        self.offline.insert(node);
        for other in (0..self.nodes.len()).map(NodeId).filter(|other| *other != node) {
            self.partition(node, other);
        }
    }

    /// Puts it back.
    pub fn plug(&mut self, node: NodeId) {
        self.offline.remove(&node);
        for other in (0..self.nodes.len()).map(NodeId).filter(|other| *other != node) {
            self.mend(node, other);
            self.mend(other, node);
        }
    }

    /// Whether a device is off every network.
    pub fn is_offline(&self, node: NodeId) -> bool {
        self.offline.contains(&node)
    }

    /// Whether what one device sends reaches another.
    pub fn is_path_open(&self, from: NodeId, to: NodeId) -> bool {
        !self.cuts.contains_key(&(from, to)) && self.nodes[from.0].is_up() && self.nodes[to.0].is_up()
    }

    /// STUN consent ran out if the cut is still the same one.
    pub(crate) fn on_consent(&mut self, end: EndId, from: NodeId, to: NodeId, since: u64) {
        if self.cuts.get(&(from, to)) == Some(&since) {
            self.end_dies(end, CloseReason::Unreachable);
        }
    }

    /// All ends of a device die with it, without a word.
    pub(crate) fn ends_died(&mut self, node: NodeId) {
        let dead: Vec<EndId> = self.ends.iter().filter(|(_, end)| end.node == node).map(|(id, _)| *id).collect();
        for id in dead {
            let Some(peer) = self.ends.remove(&id).and_then(|end| end.peer) else { continue };
            // Without consent checks the other side has only its own patience.
            if self.weather.consent {
                let wait = Duration::from_millis(4_000 + self.chance.below(26_000));
                self.after(wait, Event::Dead { end: peer, reason: CloseReason::Unreachable });
            }
        }
        self.nodes[node.0].links.clear();
    }
}
