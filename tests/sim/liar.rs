//! A member who breaks the rules: its own engine runs honestly, and a second mouth says whatever else its key can sign.
//!
//! So it is let in, linked and greeted like anybody, and every honest frame it gets tells it what would hurt most. What its
//! engine sends may be lost, doubled, swapped or bent on the way out; and at any time [`World::mischief`] says one more
//! thing on one of its links: forged, replayed, out of order, without right, too long, or no frame at all. What the second
//! mouth writes goes into a log of its own, as a restored copy's would, so that its engine's log stays whole; only who
//! [`Liar::equivocates`] writes two entries for one place.

use crate::network::{EndId, Parcel};
use crate::node::NodeId;
use crate::world::World;
use natter_engine::identity::SecretKey;
use natter_engine::ids::{DeviceId, EntryHash, InviteId, LogId, LogKey, RoomId};
use natter_engine::port::{Role, Standing, StoredEntry};
use natter_engine::time::{Hlc, UnixMillis};
use natter_engine::wire::limits::FRAME_BYTES;
use natter_engine::wire::{Act, Body, Entry, Frame, Header, InviteBody, RoomBody, Text, kind};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Frames that it remembers, to say them again.
const REMEMBERED: usize = 64;

/// How a device breaks the rules, and what it has said so far.
pub struct Liar {
    log: LogId,
    places: BTreeMap<RoomId, (u64, Option<EntryHash>)>,
    said: VecDeque<Vec<u8>>,
    kept_back: BTreeMap<EndId, Vec<u8>>,
    /// Entries that it made up in the name of others.
    pub forged: BTreeSet<EntryHash>,
    /// Devices that it tries to let in.
    pub accomplices: BTreeSet<DeviceId>,
    /// Whether it writes two entries for one place of a log. What honest members do about that is being built: they keep
    /// the first one that came, and so may differ for good.
    pub equivocates: bool,
    /// Whether it passes on words without the words, as if they were deleted. Who gets them so does not ask again.
    pub strips: bool,
    /// Things that it did.
    pub done: u64,
}

impl World {
    /// From here on the device breaks the rules.
    pub fn corrupt(&mut self, who: NodeId) {
        let log = LogId(self.chance.bytes());
        let liar = Liar {
            log,
            places: BTreeMap::new(),
            said: VecDeque::new(),
            kept_back: BTreeMap::new(),
            forged: BTreeSet::new(),
            accomplices: BTreeSet::new(),
            equivocates: false,
            strips: false,
            done: 0,
        };
        self.liars.insert(who, liar);
    }

    /// Whether it does.
    pub fn is_liar(&self, who: NodeId) -> bool {
        self.liars.contains_key(&who)
    }

    pub(crate) fn forged(&self) -> BTreeSet<EntryHash> {
        self.liars.values().flat_map(|liar| liar.forged.iter().copied()).collect()
    }

    /// What becomes of an honest frame on its way out: itself, once, unless its sender lies.
    pub(crate) fn as_sent(&mut self, who: NodeId, end: EndId, bytes: Vec<u8>) -> Vec<Vec<u8>> {
        let Some(liar) = self.liars.get_mut(&who) else { return vec![bytes] };
        if matches!(Frame::decode(&bytes), Ok(Frame::Auth { .. })) {
            return vec![bytes];
        }
        if liar.said.len() >= REMEMBERED {
            liar.said.pop_front();
        }
        liar.said.push_back(bytes.clone());
        let mut out: Vec<Vec<u8>> = liar.kept_back.remove(&end).into_iter().collect();
        match self.chance.below(60) {
            0 => {}
            1 => out.extend([bytes.clone(), bytes]),
            2 => {
                liar.kept_back.insert(end, bytes);
            }
            3 => out.insert(0, bytes),
            4 => out.push(self.bent(bytes)),
            5 => out.extend(stripped(&bytes, liar.strips).or(Some(bytes))),
            _ => out.push(bytes),
        }
        out
    }

    fn bent(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        let at = self.chance.below(bytes.len().max(1) as u64) as usize;
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << self.chance.below(8);
        }
        bytes
    }

    /// A liar does something. False when there is nobody to do it to.
    pub fn mischief(&mut self, who: NodeId) -> bool {
        let lines = self.lines_of(who);
        let Some((end, victim)) = self.chance.pick(&lines) else { return false };
        let rooms = self[who].host.rooms.values().filter(|view| view.standing == Standing::Member);
        let rooms: Vec<RoomId> = rooms.map(|view| view.room).collect();
        let Some(room) = self.chance.pick(&rooms) else { return false };
        let all = self.chance.percent(50);
        let ends: Vec<EndId> = if all { lines.iter().map(|(end, _)| *end).collect() } else { vec![end] };
        let frames = self.lie(who, victim, room);
        self.note("world", format_args!("node {} lies to {}", who.0, victim.0));
        if let Some(liar) = self.liars.get_mut(&who) {
            liar.done += 1;
        }
        for bytes in frames {
            for end in &ends {
                self.push(*end, Parcel::Frame(bytes.clone()));
            }
        }
        true
    }

    fn lie(&mut self, who: NodeId, victim: NodeId, room: RoomId) -> Vec<Vec<u8>> {
        let said: Vec<Vec<u8>> =
            self.liars.get(&who).map(|liar| liar.said.iter().cloned().collect()).unwrap_or_default();
        let said = self.chance.pick(&said);
        match self.chance.below(20) {
            // No frames at all.
            0 => {
                let length = self.chance.below(300) as usize;
                let noise = self.chance.bytes::<32>().repeat(10);
                vec![noise[..length].to_vec()]
            }
            1 => said.map(|bytes| self.bent(bytes)).into_iter().collect(),
            2 => said.map(|bytes| bytes[..bytes.len() / 2].to_vec()).into_iter().collect(),
            3 => vec![vec![0x82; FRAME_BYTES + 1 + self.chance.below(9) as usize]],
            // Frames of another time and another link.
            4..7 => said.into_iter().collect(),
            7 => vec![self.boast(who, room).encode()],
            8 => {
                let newest = self[who].disk_epochs(room).last().map_or(1, |(epoch, _)| *epoch);
                let key = self.chance.bytes();
                vec![
                    Frame::Epoch { room, epoch: newest.saturating_add(1 + self.chance.below(70_000) as u32), key }
                        .encode(),
                ]
            }
            9 => vec![self.nonsense(victim, room).encode()],
            // Entries that are not what they seem.
            10..12 => self.forge(who, room).into_iter().map(|entry| told(room, vec![entry])).collect(),
            12 => {
                let entries: Vec<Entry> = self[who].entries(room).iter().map(as_travels).collect();
                let entry = self.chance.pick(&entries).map(|entry| told(room, vec![entry]));
                let strips = self.liars.get(&who).is_some_and(|liar| liar.strips);
                entry.and_then(|bytes| stripped(&bytes, strips)).into_iter().collect()
            }
            // Entries out of order.
            13 => {
                let entries: Vec<Entry> = (0..3).map(|n| self.write(who, room, &words(n), |_| ())).collect();
                entries.into_iter().rev().map(|entry| told(room, vec![entry])).collect()
            }
            14 => {
                let far = self.chance.bytes::<8>();
                let entry = self.write(who, room, &words(9), |header| {
                    header.clock = Hlc(if far[0] & 1 == 0 { 1 } else { u64::from_be_bytes(far) >> 8 });
                    header.written = UnixMillis(u64::from_be_bytes(far) >> (far[1] % 40));
                });
                vec![told(room, vec![entry])]
            }
            15 if self.liars.get(&who).is_some_and(|liar| liar.equivocates) => self.equivocate(who, room),
            // Well signed, by somebody who may not.
            _ => {
                let body = self.without_right(who, victim, room);
                let entry = self.write(who, room, &body, |_| ());
                vec![told(room, vec![entry])]
            }
        }
    }

    /// Claims to hold what nobody has written.
    fn boast(&mut self, who: NodeId, room: RoomId) -> Frame {
        let more = 1 + self.chance.below(100);
        let mut heads: BTreeMap<LogKey, u64> = BTreeMap::new();
        for entry in self[who].entries(room) {
            heads.insert(entry.log, entry.seq + more);
        }
        Frame::Have { room, asks: self.chance.percent(50), heads: heads.into_iter().collect(), tips: Vec::new() }
    }

    fn nonsense(&mut self, victim: NodeId, room: RoomId) -> Frame {
        let (device, key) = (self[victim].device, self.chance.bytes());
        match self.chance.below(5) {
            0 => {
                Frame::Roster { room, linked: vec![device, DeviceId(key)], brokers: vec!["ws://nowhere.test/".into()] }
            }
            1 => Frame::Welcome { room, epochs: vec![(u32::MAX, key)], brokers: Vec::new() },
            2 => Frame::KnockState { room, state: natter_engine::wire::KnockState::Declined },
            3 => Frame::Want { room, log: LogKey { author: device, log: LogId([9; 16]) }, from: 1, to: 200 },
            _ => Frame::Bye,
        }
    }

    /// Something in the name of another.
    fn forge(&mut self, who: NodeId, room: RoomId) -> Option<Entry> {
        let device = self[who].device;
        let others: Vec<StoredEntry> =
            self[who].entries(room).into_iter().filter(|entry| entry.order.author != device).collect();
        let victim = self.chance.pick(&others)?;
        let key = SecretKey::from_seed(&self[who].secret);
        let mut header = Header::decode(&victim.header).ok()?;
        let entry = if self.chance.percent(50) {
            // What it said, with another time, under its own signature.
            header.written = UnixMillis(header.written.0 + 1);
            Entry { header: header.encode(), ..as_travels(&victim) }
        } else {
            let last = others.iter().filter(|entry| entry.log == victim.log).max_by_key(|entry| entry.seq)?;
            header.kind = kind::TEXT;
            (header.seq, header.prev, header.room) = (last.seq + 1, Some(last.order.hash), room);
            header.parents = Vec::new();
            header.clock = Hlc(last.order.clock.0 + 1);
            Entry::sign(&key, header, [7; 16], Body::Text(Text::plain("I never said this")).encode()).0
        };
        self.liars.get_mut(&who)?.forged.insert(entry.hash());
        Some(entry)
    }

    /// The next entry of the second mouth's log, with any flaw.
    fn write(&mut self, who: NodeId, room: RoomId, body: &Body, flaw: impl FnOnce(&mut Header)) -> Entry {
        let node = &self[who];
        let (key, author, wall) = (SecretKey::from_seed(&node.secret), node.device, node.clocks(self.now).wall);
        let hashes: Vec<StoredEntry> = node.entries(room);
        let latest = hashes.last().map_or(Hlc::default(), |entry| entry.order.clock);
        let mut parents: BTreeSet<EntryHash> = BTreeSet::new();
        for _ in 0..self.chance.below(3) {
            parents.extend(self.chance.pick(&hashes).map(|entry| entry.order.hash));
        }
        let salt = self.chance.bytes();
        let (log, place) = match self.liars.get(&who) {
            Some(liar) => (liar.log, liar.places.get(&room).copied().unwrap_or((0, None))),
            None => (LogId([0; 16]), (0, None)),
        };
        let mut header = Header {
            kind: body.kind(),
            flags: 0,
            room,
            log: LogKey { author, log },
            seq: place.0 + 1,
            prev: place.1,
            clock: Hlc::next(latest, wall),
            written: wall,
            parents: parents.into_iter().collect(),
            payload_len: 0,
            commitment: [0; 32],
        };
        flaw(&mut header);
        let (entry, header, hash) = Entry::sign(&key, header, salt, body.encode());
        if let Some(liar) = self.liars.get_mut(&who) {
            liar.places.insert(room, (header.seq, Some(hash)));
        }
        entry
    }

    /// Two entries for one place, in one breath.
    fn equivocate(&mut self, who: NodeId, room: RoomId) -> Vec<Vec<u8>> {
        let place = self.liars.get(&who).and_then(|liar| liar.places.get(&room).copied());
        let one = self.write(who, room, &words(1), |_| ());
        if let Some(liar) = self.liars.get_mut(&who) {
            liar.places.insert(room, place.unwrap_or((0, None)));
        }
        let two = self.write(who, room, &words(2), |_| ());
        let both = [one, two];
        let first = self.chance.below(2) as usize;
        vec![told(room, vec![both[first].clone()]), told(room, vec![both[1 - first].clone()])]
    }

    /// What a member may not say; an admin may say some of it, and then it counts.
    fn without_right(&mut self, who: NodeId, victim: NodeId, room: RoomId) -> Body {
        let (me, device) = (self[who].device, self[victim].device);
        let entries = self[who].entries(room);
        let spoken: Vec<&StoredEntry> = entries.iter().filter(|entry| kind::SPOKEN.contains(&entry.kind)).collect();
        let target = self.chance.pick(&spoken).map(|entry| entry.order.hash);
        let view = self[who].room(room);
        let invites: Vec<InviteId> = view.invites.iter().map(|invite| invite.invite).collect();
        let invite = self.chance.pick(&invites).unwrap_or(InviteId([5; 32]));
        let accomplice = DeviceId(self.chance.bytes());
        match (self.chance.below(10), target) {
            (0, _) => Body::Grant { device: me, role: Role::Admin },
            (1, _) => Body::Revoke { device, role: Role::Guest },
            (2, _) => {
                let heads: BTreeMap<LogId, u64> =
                    entries.iter().filter(|e| e.log.author == device).map(|e| (e.log.log, e.seq)).collect();
                Body::Remove { device, heads: heads.into_iter().collect(), others: Vec::new() }
            }
            (3, _) => Body::Room(RoomBody { name: Some("Mine".into()), ..RoomBody::default() }),
            (4, _) => {
                if let Some(liar) = self.liars.get_mut(&who) {
                    liar.accomplices.insert(accomplice);
                }
                let profile = natter_engine::port::Profile { name: "Friend".into(), avatar: None };
                Body::Admit { device: accomplice, invite, proof: [3; 64], profile }
            }
            (5, _) => Body::Invite(InviteBody {
                invite: InviteId(accomplice.0),
                rendezvous: [1; 32],
                sealing: [2; 32],
                uses: 0,
                expires: u64::MAX / 2000,
                approval: false,
                role: Role::Member,
                vouch: None,
            }),
            (6, _) => Body::RevokeInvite { invite },
            (7, Some(target)) => Body::About { target, act: Act::Delete },
            (8, Some(target)) => Body::About { target, act: Act::Edit(Text::plain("what I wish you had said")) },
            (9, Some(target)) => Body::About { target, act: Act::Pin { on: true } },
            (_, _) => words(3),
        }
    }
}

fn words(n: u64) -> Body {
    Body::Text(Text::plain(format!("idle words {n}")))
}

fn told(room: RoomId, entries: Vec<Entry>) -> Vec<u8> {
    Frame::Entries { room, entries }.encode()
}

fn as_travels(stored: &StoredEntry) -> Entry {
    Entry {
        header: stored.header.clone(),
        signature: stored.signature,
        salt: stored.salt,
        payload: stored.payload.clone(),
    }
}

/// The same entries without what they say: what cannot be deleted, or anything.
fn stripped(bytes: &[u8], words_too: bool) -> Option<Vec<u8>> {
    let Ok(Frame::Entries { room, mut entries }) = Frame::decode(bytes) else { return None };
    for entry in &mut entries {
        let spoken = Header::decode(&entry.header)
            .is_ok_and(|header| kind::SPOKEN.contains(&header.kind) || header.kind == kind::EDIT);
        if words_too || !spoken {
            (entry.payload, entry.salt) = (None, [0; 16]);
        }
    }
    Some(told(room, entries))
}
