//! Frames of an authenticated peer, and the frames that answer them.

use super::{Engine, Pending, Serving};
use crate::ids::{DeviceId, LinkId, LogKey, RoomId, Ticket};
use crate::messages::branches::Filed;
use crate::messages::log::{Logs, Taken, Tip, tip_of};
use crate::port::{Fetch, Notify, Standing, StoredEntry};
use crate::time::{Instant, Now, UnixMillis};
use crate::wire::limits::{BROKERS, FRAME_BYTES, HAVE_LOGS, LINKS, QUEUED_BYTES_PER_PEER, WANT_ENTRIES};
use crate::wire::{Entry, Frame, Header, kind};
use std::time::Duration;

/// WANTs of one peer that wait their turn; it asks for eight at a time in each room.
const SERVE_QUEUE: usize = 64;
/// Bytes of entries in one frame; the rest of 64 KiB is room for the frame around them.
const ENTRIES_BYTES: usize = FRAME_BYTES - 1024;
/// How long acknowledgements gather.
const HAVE_DELAY: Duration = Duration::from_millis(150);
/// How long changes of who is linked gather.
const ROSTER_DELAY: Duration = Duration::from_millis(200);
/// How long news of what others hold waits for the disk: it is only told again if lost.
const HELD_DELAY: Duration = Duration::from_secs(1);

/// How the sync with a member begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    /// Both sides say what they hold, as they do when a link comes up.
    Tells,
    /// The peer may have said so when we did not know it as a member: it shall say it again.
    Asks,
}

impl Engine {
    pub(super) fn on_frame(&mut self, id: LinkId, peer: DeviceId, frame: Frame, now: Now) {
        match frame {
            Frame::Auth { .. } => self.misbehaved(id, "a second AUTH", now),
            Frame::Ping { nonce } => {
                self.send(id, &Frame::Pong { nonce });
            }
            Frame::Pong { .. } => {}
            Frame::Bye => {
                self.drop_link(id, now);
                let jitter = self.jitter();
                self.mesh.away(peer, now.mono, jitter);
            }
            Frame::Knock { room, invite, proof, profile } => self.on_knock(id, peer, room, invite, proof, profile, now),
            Frame::KnockState { room, state } => self.on_knock_state(id, room, state, now),
            Frame::Welcome { room, epochs, brokers } => self.on_welcome(id, peer, room, &epochs, &brokers, now),
            Frame::Have { room, asks, heads, tips } => {
                self.on_have(id, peer, room, &heads, &tips, now);
                if asks {
                    self.answer_have(peer, now);
                }
            }
            Frame::Want { room, log, from, to } => self.on_want(peer, room, log, from, to),
            Frame::Entries { room, entries } => self.on_entries(id, peer, room, entries, now),
            Frame::Signal { room, from, to, kind, envelope } => {
                self.on_signal_frame(peer, room, from, to, kind, envelope, now);
            }
            Frame::Roster { room, linked, brokers } => self.on_roster(peer, room, linked, &brokers, now),
            Frame::AskBlob { room, blob } => self.on_blob_asked(peer, room, blob),
            Frame::BlobIs { room, blob, here } => self.on_blob_is(peer, room, blob, here),
            Frame::Fork { room, first, second } => self.on_fork(id, peer, room, &first, &second, now),
            Frame::Typing { room } => self.on_typing(peer, room, now),
            Frame::Epoch { room, epoch, key } => self.on_epoch(peer, room, epoch, key, now),
            Frame::Handover { room, person, epochs, brokers } => {
                self.on_handover(id, peer, room, person, &epochs, &brokers, now);
            }
            Frame::Claim { room, person, proof } => self.on_claim(peer, room, person, proof),
        }
    }

    // ------------------------------------------------------------ have, want, entries

    fn on_have(&mut self, id: LinkId, peer: DeviceId, room: RoomId, heads: &[(LogKey, u64)], tips: &[Tip], now: Now) {
        let me = self.me;
        // A link that was made in another room's name: whoever is no stranger there may have been admitted here by somebody
        // we have not heard of yet, and be the only one who can bring us that ADMIT. Heard, and told nothing until then.
        let our_door = self.mesh.get(id).is_some_and(|link| link.is_knock() && link.offerer);
        let known = our_door || !self.rooms_with(peer).is_empty();
        let Some(state) = self.rooms.get_mut(&room) else { return };
        if known && state.standing == Standing::Member && !state.membership.was_member(peer) {
            state.sync.join(peer, now.mono);
        }
        let news = state.sync.heard(peer, heads);
        if !state.sync.is_joined(peer) {
            return;
        }
        let behind = news.iter().filter(|(log, seq)| log.author == me && *seq > state.logs.head(*log));
        let behind: Vec<LogKey> = behind.map(|(log, _)| *log).collect();
        if !behind.is_empty() {
            behind.into_iter().for_each(|log| state.logs.fall_behind(log));
            self.choose_log(room);
        }
        if news.iter().any(|(log, _)| log.author == me) {
            self.count_held(room, peer, now);
        }
        let Some(state) = self.rooms.get_mut(&room) else { return };
        let unaware = |(log, seq): &(LogKey, u64)| state.logs.branches().split_at(*log).is_some_and(|at| *seq >= at);
        if heads.iter().any(unaware) && state.sync.spend(peer, now.mono) {
            self.tell_forks(room, peer);
        }
        for ((log, seq), tip) in heads.iter().zip(tips) {
            let state = self.rooms.get_mut(&room);
            if state.is_some_and(|state| state.logs.differs(*log, *seq, *tip) && state.sync.spend(peer, now.mono)) {
                self.doubt(room, *log, *seq, None, peer, now);
            }
        }
    }

    /// What we said when the link came up was not heard, since the peer did not know us yet, here or in any room: say it
    /// again, of every room that we share.
    fn answer_have(&mut self, peer: DeviceId, now: Now) {
        for room in self.rooms_with(peer) {
            if self.rooms.get_mut(&room).is_some_and(|state| state.sync.spend(peer, now.mono)) {
                self.tell_forks(room, peer);
                for frame in self.have_frames(room, Greeting::Tells) {
                    self.send_to(peer, &frame);
                }
                self.tell_epoch(room, peer);
                self.send_roster(room, peer);
            }
        }
    }

    /// Takes down how much of our log a member holds; what it said before we knew it as a member counts then.
    pub(super) fn count_held(&mut self, room: RoomId, peer: DeviceId, now: Now) {
        let me = self.me;
        let Some(state) = self.rooms.get_mut(&room).filter(|state| state.membership.is_member(peer)) else { return };
        let own: Vec<(LogKey, u64)> = state.logs.of(me).collect();
        for (log, head) in own {
            let Some(state) = self.rooms.get_mut(&room) else { return };
            // A peer may claim to hold what was not written yet; it holds at most what there is.
            let seq = state.sync.have(peer, log).min(head);
            let held = state.held.entry(peer).or_default().entry(log).or_insert(0);
            if seq > *held {
                *held = seq;
                state.held_dirty.insert((peer, log), seq);
                state.held_due.get_or_insert(now.mono.plus(HELD_DELAY));
                self.notify(Notify::Held { room, holder: peer, log, seq });
            }
        }
    }

    /// Sends the WANTs that are due in a room.
    pub(super) fn ask_for_more(&mut self, room: RoomId, now: Instant) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        if state.retry_at.is_some() {
            return;
        }
        for want in state.sync.asks(&state.logs, now) {
            self.send_to(want.peer, &Frame::Want { room, log: want.log, from: want.from, to: want.to });
        }
    }

    fn on_want(&mut self, peer: DeviceId, room: RoomId, log: LogKey, from: u64, to: u64) {
        let entitled = self.rooms.get(&room).is_some_and(|state| state.membership.is_member(peer));
        if !entitled {
            return;
        }
        let serving = self.serving.entry(peer).or_default();
        if serving.queue.len() < SERVE_QUEUE {
            serving.queue.push_back((room, log, from, to));
        }
        self.serve_next(peer);
    }

    /// Reads the next range for a peer, if it keeps up with what it was sent.
    pub(super) fn serve_next(&mut self, peer: DeviceId) {
        let queued = self.mesh.live(peer).and_then(|id| self.mesh.get(id)).map_or(usize::MAX, |link| link.queued);
        let Some(serving) = self.serving.get_mut(&peer) else { return };
        if serving.under_way.is_some() || queued > QUEUED_BYTES_PER_PEER / 2 {
            return;
        }
        let Some(range) = serving.queue.pop_front() else { return };
        let (room, log, from, to) = range;
        let limit = WANT_ENTRIES as usize;
        let ticket = self.fetch(Pending::Serve(peer), |ticket| Fetch::Entries { ticket, room, log, from, to, limit });
        if let Some(serving) = self.serving.get_mut(&peer) {
            serving.under_way = Some((ticket, range));
        }
    }

    pub(super) fn on_entries_read(&mut self, peer: DeviceId, ticket: Ticket, entries: Vec<StoredEntry>, now: Now) {
        let Some(serving) = self.serving.get_mut(&peer) else { return };
        // A read for a link that is gone answers nothing that the next link asked.
        let under_way = serving.under_way.take_if(|(name, _)| *name == ticket);
        let Some((_, (room, log, _, to))) = under_way else { return };
        if let Some(last) = entries.last()
            && last.seq < to
        {
            // The read was bounded by bytes: the rest of the range is next.
            serving.queue.push_front((room, log, last.seq + 1, to));
        }
        // That it was sent does not mean that it arrived: the peer's own HAVE says so.
        self.send_entries(peer, room, entries.into_iter().map(|stored| to_wire(stored, now.wall)));
        self.serve_next(peer);
    }

    /// Sends entries in as few frames as their size allows. False when some did not fit into the peer's queue.
    pub(super) fn send_entries(&mut self, peer: DeviceId, room: RoomId, entries: impl Iterator<Item = Entry>) -> bool {
        let mut frame: Vec<Entry> = Vec::new();
        let mut weight = 0;
        let mut all = true;
        for entry in entries {
            if weight + entry.weight() > ENTRIES_BYTES && !frame.is_empty() {
                all &= self.send_to(peer, &Frame::Entries { room, entries: std::mem::take(&mut frame) });
                weight = 0;
            }
            weight += entry.weight();
            frame.push(entry);
        }
        if !frame.is_empty() {
            all &= self.send_to(peer, &Frame::Entries { room, entries: frame });
        }
        all
    }

    fn on_entries(&mut self, id: LinkId, peer: DeviceId, room: RoomId, entries: Vec<Entry>, now: Now) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        if state.standing == Standing::Gone || !(state.membership.is_member(peer) || state.sync.is_joined(peer)) {
            return;
        }
        for entry in entries {
            let Ok(claim) = Header::decode(&entry.header) else {
                self.misbehaved(id, "a malformed entry", now);
                return;
            };
            if self.on_traced(id, peer, room, &claim, &entry, now) {
                continue;
            }
            let Some(state) = self.rooms.get_mut(&room) else { return };
            let log = match state.logs.file(&claim, entry.hash()) {
                Filed::In(log) => log,
                Filed::Another(log) => {
                    if state.sync.spend(peer, now.mono) {
                        self.doubt(room, log, claim.seq, Some(entry), peer, now);
                    }
                    continue;
                }
                // It will be asked for in its turn.
                Filed::Unknown => continue,
            };
            let reach = state.logs.reach(log);
            if claim.seq <= reach {
                // Known, or another for a place that is taken; only who accuses an author must verify.
                let contradicts = state.logs.contradicts(log, claim.seq, entry.hash());
                state.sync.note(peer, log, claim.seq);
                state.sync.reached(log, reach);
                if contradicts && state.sync.spend(peer, now.mono) {
                    let Ok((header, hash)) = entry.open() else {
                        self.misbehaved(id, "an entry that does not verify", now);
                        return;
                    };
                    if header.room_of(hash) == room {
                        self.doubt(room, log, claim.seq, Some(entry), peer, now);
                    }
                }
                continue;
            }
            let asked = state.sync.is_asked(peer, log, claim.seq);
            if !asked && !state.sync.spend(peer, now.mono) {
                // Over its rate: dropped, but now we know that there is more, and ask for it at our own pace.
                state.sync.note(peer, log, claim.seq);
                continue;
            }
            let Ok((header, hash)) = entry.open() else {
                self.misbehaved(id, "an entry that does not verify", now);
                return;
            };
            if header.room_of(hash) != room {
                self.misbehaved(id, "an entry of another room", now);
                return;
            }
            // Honest members erase what was spoken and nothing else: who passes on an ADMIT without saying of whom would
            // have two members see different rooms.
            if entry.payload.is_none() && !kind::SPOKEN.contains(&header.kind) && header.kind != kind::EDIT {
                self.misbehaved(id, "an entry without what it says", now);
                return;
            }
            let seq = header.seq;
            match state.logs.take(log, entry, header, hash, !asked, &state.membership) {
                Taken::Queued | Taken::Duplicate => {
                    state.sync.note(peer, log, seq);
                    state.sync.progressed(peer, log, seq, state.logs.reach(log), now.mono);
                }
                // It will be asked for once there is room.
                Taken::Full => state.sync.note(peer, log, seq),
            }
        }
    }

    /// Our version vector, in as many frames as it needs.
    pub(super) fn have_frames(&self, room: RoomId, greeting: Greeting) -> Vec<Frame> {
        let Some(state) = self.rooms.get(&room) else { return Vec::new() };
        let logs: Vec<LogKey> = state.logs.heads().keys().copied().collect();
        if logs.is_empty() {
            // "I have nothing" is what a newcomer says, and what makes the other side's HAVE an offer.
            return vec![have(&state.logs, room, greeting == Greeting::Asks, &logs)];
        }
        let chunks = logs.chunks(HAVE_LOGS);
        let last = chunks.len() - 1;
        let asks = |n| greeting == Greeting::Asks && n == last;
        chunks.enumerate().map(|(n, logs)| have(&state.logs, room, asks(n), logs)).collect()
    }

    /// Remembers to tell the others how far we are now; the author hears it at once.
    pub(super) fn acknowledge(&mut self, room: RoomId, log: LogKey, now: Now) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        state.have_dirty.insert(log);
        state.have_due.get_or_insert(now.mono.plus(HAVE_DELAY));
        let frame = have(&state.logs, room, false, &[log]);
        self.send_to(log.author, &frame);
    }

    /// Sends the acknowledgements that have gathered, to whoever does not know yet.
    pub(super) fn flush_haves(&mut self, room: RoomId, now: Now) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        if state.have_due.is_none_or(|due| due > now.mono) {
            return;
        }
        state.have_due = None;
        let dirty = std::mem::take(&mut state.have_dirty);
        let peers: Vec<DeviceId> =
            self.mesh.live_peers().into_iter().filter(|peer| state.membership.is_member(*peer)).collect();
        let mut frames = Vec::new();
        for peer in peers {
            let news: Vec<LogKey> = dirty.iter().filter(|log| log.author != peer).copied().collect();
            frames.extend(news.chunks(HAVE_LOGS).map(|logs| (peer, have(&state.logs, room, false, logs))));
        }
        for (peer, frame) in frames {
            self.send_to(peer, &frame);
        }
    }

    // ------------------------------------------------------------ roster

    /// The member directory: whom we are linked with, and where we can be met.
    pub(super) fn send_roster(&mut self, room: RoomId, to: DeviceId) {
        let Some(state) = self.rooms.get(&room).filter(|state| state.membership.is_member(to)) else { return };
        let mut linked: Vec<DeviceId> = self.mesh.live_peers();
        linked.retain(|peer| *peer != to && state.membership.is_member(*peer));
        linked.truncate(LINKS);
        let mut brokers = self.announce.clone();
        brokers.extend(self.brokers.iter().filter(|url| !self.announce.contains(url)).cloned());
        brokers.truncate(BROKERS);
        self.send_to(to, &Frame::Roster { room, linked, brokers });
    }

    pub(super) fn rosters_due(&mut self, now: Now) {
        for room in self.rooms.values_mut() {
            room.roster_due.get_or_insert(now.mono.plus(ROSTER_DELAY));
        }
    }

    pub(super) fn flush_rosters(&mut self, room: RoomId, now: Now) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        if state.roster_due.is_none_or(|due| due > now.mono) {
            return;
        }
        state.roster_due = None;
        for peer in self.mesh.live_peers() {
            self.send_roster(room, peer);
        }
    }

    fn on_roster(&mut self, peer: DeviceId, room: RoomId, linked: Vec<DeviceId>, brokers: &[String], now: Now) {
        let Some(state) = self.rooms.get_mut(&room).filter(|state| state.membership.is_member(peer)) else { return };
        if state.learn_brokers(brokers) {
            let (standing, brokers, invite) = (state.standing, state.brokers.clone(), None);
            let op = crate::port::Op::PutRoom { room, standing, brokers, invite };
            self.persist(Pending::Quiet, vec![op]);
            self.changed.insert(room);
        }
        let Some(state) = self.rooms.get_mut(&room) else { return };
        let before = state.rosters.insert(peer, linked.iter().copied().collect()).unwrap_or_default();
        let news: Vec<DeviceId> = linked
            .into_iter()
            .filter(|device| !before.contains(device) && *device != self.me && state.membership.is_member(*device))
            .collect();
        for device in news {
            if self.mesh.live(device).is_none() {
                self.mesh.hurry(device, now.mono);
            }
        }
    }

    /// Writes down what members told us they hold.
    pub(super) fn flush_held(&mut self, room: RoomId, now: Now) {
        let Some(state) = self.rooms.get_mut(&room) else { return };
        if state.held_due.is_none_or(|due| due > now.mono) {
            return;
        }
        state.held_due = None;
        let ops = std::mem::take(&mut state.held_dirty)
            .into_iter()
            .map(|((holder, log), seq)| crate::port::Op::PutHeld { room, holder, log, seq })
            .collect();
        self.persist(Pending::Quiet, ops);
    }
}

impl Serving {
    /// Whether nothing is asked for any more.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.under_way.is_none()
    }
}

/// HAVE of these logs; of those that nothing is held of it says nothing.
pub(super) fn have(logs: &Logs, room: RoomId, asks: bool, of: &[LogKey]) -> Frame {
    let held = of.iter().filter_map(|log| Some((*log, logs.heads().get(log)?)));
    let (heads, tips) = held.map(|(log, head)| ((log, head.seq), tip_of(head.known.order.hash))).unzip();
    Frame::Have { room, asks, heads, tips }
}

/// A stored entry as it travels: without what has expired, erased yet or not.
fn to_wire(stored: StoredEntry, wall: UnixMillis) -> Entry {
    let StoredEntry { header, signature, salt, payload, .. } = stored;
    if stored.expires.is_some_and(|at| at <= wall) {
        return Entry { header, signature, salt: [0; 16], payload: None };
    }
    Entry { header, signature, salt, payload }
}
