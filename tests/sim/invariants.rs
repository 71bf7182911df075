//! What must be so once the world is fine again.

use crate::node::{Node, NodeId};
use crate::world::World;
use natter_engine::ids::{DeviceId, EntryHash, LogKey, RoomId};
use natter_engine::port::{JoinState, OrderKey, Profile, Standing, StoredEntry};
use natter_engine::rooms::{Presence, RoomView};
use natter_engine::wire::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a mended world may take to agree: the longest backoff (60 s), one failed attempt (20 s) after it, and time
/// to catch up.
pub const SETTLE: Duration = Duration::from_secs(240);
/// How long it must stay so: longer than a ping.
const STAY: Duration = Duration::from_secs(20);

/// What goes wrong, in words.
type Verdict = Result<(), String>;

impl World {
    /// Mends everything, waits until all agree, and holds the result against every invariant.
    ///
    /// # Panics
    /// When it takes longer than [`SETTLE`] or an invariant does not hold; the message says which.
    pub fn settle(&mut self) {
        self.mend_all();
        self.settle_as_it_is();
    }

    /// Like [`Self::settle`], without mending: what is broken stays broken and is no excuse.
    ///
    /// # Panics
    /// As [`Self::settle`].
    pub fn settle_as_it_is(&mut self) {
        let deadline = self.now + SETTLE.as_micros() as u64;
        while let Err(complaint) = self.agreed() {
            assert!(self.now < deadline, "{SETTLE:?} after everything was mended: {complaint}");
            self.run(Duration::from_millis(500));
        }
        self.run(STAY);
        if let Err(complaint) = self.agreed().and_then(|()| self.sound()) {
            panic!("after all agreed: {complaint}");
        }
    }

    /// Makes everything work again. Switches everyone on. Who sleeps sleeps on: what comes in the meantime waits in its order.
    pub fn mend_all(&mut self) {
        self.weather.signal_lost = 0;
        self.weather.signal_late = 0;
        self.cuts.clear();
        self.offline.clear();
        self.corrupt_blobs.clear();
        for n in 0..self.brokers.len() {
            self.brokers[n].evict_squatters();
            self.start_broker(n);
        }
        for n in (0..self.nodes.len()).map(NodeId) {
            self.clear_disk(n);
            self.start(n);
        }
    }

    /// Rooms that somebody is in, with who is.
    pub fn rooms(&self) -> BTreeMap<RoomId, Vec<NodeId>> {
        let mut rooms: BTreeMap<RoomId, Vec<NodeId>> = BTreeMap::new();
        for (n, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.is_up()) {
            for view in node.host.rooms.values().filter(|view| view.standing == Standing::Member) {
                rooms.entry(view.room).or_default().push(NodeId(n));
            }
        }
        rooms
    }

    /// What takes time to become so.
    fn agreed(&self) -> Verdict {
        for node in self.nodes.iter().filter(|node| node.is_up()) {
            if let Some(id) = node.host.waiting.first() {
                return Err(format!("{} still waits for command {}", node.name, id.0));
            }
            self.knocks_end(node)?;
        }
        for (room, insiders) in self.rooms() {
            self.all_linked(room, &insiders)?;
            self.same_people(room, &insiders)?;
            self.same_history(room, &insiders)?;
            self.receipts_complete(room, &insiders)?;
        }
        Ok(())
    }

    /// What must never not be so, but costs too much to look at all the time.
    fn sound(&self) -> Verdict {
        for (room, insiders) in self.rooms() {
            for id in &insiders {
                let node = &self[*id];
                let entries = node.entries(room);
                every_signature_holds(node, &entries)?;
                causes_come_first(node, &entries)?;
                only_members_spoke(node, node.room(room), &entries)?;
                shown_once(node, room, &entries)?;
            }
        }
        for node in self.nodes.iter() {
            if let Some(engine) = &node.engine {
                engine.load().check().map_err(|what| format!("{}'s engine: {what}", node.name))?;
            }
        }
        Ok(())
    }

    fn knocks_end(&self, node: &Node) -> Verdict {
        for (room, states) in &node.host.joins {
            let waits = matches!(
                states.last(),
                Some(JoinState::Connecting | JoinState::WaitingForMember | JoinState::WaitingForApproval)
            );
            let can_be_heard = self.nodes.iter().any(|other| {
                let view = other.host.rooms.get(room).filter(|view| view.standing == Standing::Member);
                let works = |view: &RoomView| {
                    view.invites.iter().any(|i| Some(&i.invite) == node.knocked.get(room) && !i.approval)
                };
                other.is_up() && view.is_some_and(works)
            });
            if waits && can_be_heard && !node.host.rooms.contains_key(room) {
                return Err(format!("{} still knocks at {room:?}: {:?}", node.name, states.last()));
            }
        }
        Ok(())
    }

    fn all_linked(&self, room: RoomId, insiders: &[NodeId]) -> Verdict {
        for a in insiders {
            for b in insiders {
                let device = self[*b].device;
                let seen = self[*a].room(room).members.iter().find(|member| member.device == device);
                match seen.map(|member| member.presence) {
                    Some(Presence::Online) => {}
                    other => {
                        let (a, b) = (&self[*a].name, &self[*b].name);
                        return Err(format!("in {room:?} {a} sees {b} as {other:?}"));
                    }
                }
            }
        }
        Ok(())
    }

    fn same_people(&self, room: RoomId, insiders: &[NodeId]) -> Verdict {
        type People = (String, Vec<(DeviceId, Profile, String)>, Vec<String>);
        let people = |view: &RoomView| -> People {
            let members = view.members.iter().map(|m| (m.device, m.profile.clone(), format!("{:?}", m.role))).collect();
            let invites = view.invites.iter().map(|i| format!("{:?} {} of {}", i.invite, i.used, i.uses)).collect();
            (view.name.clone(), members, invites)
        };
        let first = people(self[insiders[0]].room(room));
        for id in &insiders[1..] {
            let theirs = people(self[*id].room(room));
            if theirs != first {
                let (a, b) = (&self[insiders[0]].name, &self[*id].name);
                return Err(format!("{a} and {b} see different people in {room:?}:\n{first:?}\n{theirs:?}"));
            }
        }
        Ok(())
    }

    fn same_history(&self, room: RoomId, insiders: &[NodeId]) -> Verdict {
        let orders = |id: &NodeId| self[*id].entries(room).iter().map(|entry| entry.order).collect::<Vec<_>>();
        let first = orders(&insiders[0]);
        for id in &insiders[1..] {
            let theirs = orders(id);
            if theirs != first {
                let (a, b) = (&self[insiders[0]], &self[*id]);
                let missing =
                    |from: &[OrderKey], of: &[OrderKey]| from.iter().filter(|order| !of.contains(order)).count();
                return Err(format!(
                    "{} has {} entries of {room:?} and {} has {}; {} and {} are missing",
                    a.name,
                    first.len(),
                    b.name,
                    theirs.len(),
                    missing(&theirs, &first),
                    missing(&first, &theirs),
                ));
            }
        }
        Ok(())
    }

    fn receipts_complete(&self, room: RoomId, insiders: &[NodeId]) -> Verdict {
        for a in insiders {
            let node = &self[*a];
            let view = node.room(room);
            let mut heads: BTreeMap<LogKey, u64> = BTreeMap::new();
            for entry in node.entries(room).iter().filter(|entry| entry.log.author == node.device) {
                let head = heads.entry(entry.log).or_insert(0);
                *head = entry.seq.max(*head);
            }
            for b in insiders.iter().filter(|b| *b != a) {
                let device = self[*b].device;
                for (own, head) in &heads {
                    let shown = view.held.get(&device).and_then(|logs| logs.get(own)).copied().unwrap_or(0);
                    let heard = node.host.held.get(&(room, device, *own)).copied().unwrap_or(0);
                    if shown.max(heard) != *head {
                        let (a, b) = (&node.name, &self[*b].name);
                        return Err(format!("{a} thinks that {b} holds {} of its {head}", shown.max(heard)));
                    }
                }
            }
        }
        Ok(())
    }
}

fn every_signature_holds(node: &Node, entries: &[StoredEntry]) -> Verdict {
    for stored in entries {
        let entry = Entry {
            header: stored.header.clone(),
            signature: stored.signature,
            salt: stored.salt,
            payload: stored.payload.clone(),
        };
        let opened = entry.open();
        let honest = opened.as_ref().is_ok_and(|(header, hash)| {
            header.log.author == stored.order.author && *hash == stored.order.hash && header.seq == stored.seq
        });
        if !honest {
            return Err(format!("{} stored an entry that is not what it seems: {opened:?}", node.name));
        }
    }
    Ok(())
}

fn causes_come_first(node: &Node, entries: &[StoredEntry]) -> Verdict {
    let mut seen: BTreeSet<EntryHash> = BTreeSet::new();
    for stored in entries {
        let header = natter_engine::wire::Header::decode(&stored.header).map_err(|error| error.to_string())?;
        for cause in header.parents.iter().chain(&header.prev) {
            if !seen.contains(cause) {
                return Err(format!("{} shows {:?} before its cause {cause:?}", node.name, stored.order.hash));
            }
        }
        seen.insert(stored.order.hash);
    }
    Ok(())
}

fn only_members_spoke(node: &Node, view: &RoomView, entries: &[StoredEntry]) -> Verdict {
    let known: BTreeSet<DeviceId> =
        view.members.iter().map(|member| member.device).chain(view.former.iter().map(|(device, _)| *device)).collect();
    match entries.iter().find(|entry| !known.contains(&entry.order.author)) {
        Some(entry) => Err(format!("{} keeps an entry of {:?}, who never was in", node.name, entry.order.author)),
        None => Ok(()),
    }
}

fn shown_once(node: &Node, room: RoomId, entries: &[StoredEntry]) -> Verdict {
    // Twice is caught as it happens; here: what is on the disk was shown, and nothing else was.
    let on_disk: BTreeSet<EntryHash> = entries.iter().map(|entry| entry.order.hash).collect();
    let mut shown = node.host.at_start.get(&room).cloned().unwrap_or_default();
    shown.extend(node.host.told.get(&room).into_iter().flatten().map(|(hash, _)| *hash));
    let hidden = on_disk.difference(&shown).count();
    let ghosts = shown.difference(&on_disk).count();
    if (hidden, ghosts) != (0, 0) {
        return Err(format!("{}: {hidden} entries were never shown, {ghosts} shown are not on disk", node.name));
    }
    Ok(())
}
