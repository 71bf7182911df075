//! From a draft or a received entry to durable history: plan, write, apply, tell.

use super::frames::Greeting;
use super::room::{LEAVING, Leaving};
use super::{Engine, Pending};
use crate::ids::{CommandId, DeviceId, EntryHash, LogId, LogKey, RoomId, Ticket};
use crate::messages::log::{Batch, Draft, Plan};
use crate::port::{Fetch, Notify, Op, OrderKey, Refusal, Reply, Standing, StoreTrouble, StoredEntry};
use crate::time::{Instant, Now};
use crate::wire::{Body, Frame, KnockState, kind};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long reading marks gather before they are told.
const RECEIPT_DELAY: Duration = Duration::from_secs(1);

impl Engine {
    /// Moves every room's history as far as it goes.
    pub(super) fn settle_history(&mut self, now: Now) {
        let ids: Vec<RoomId> = self.rooms.keys().copied().collect();
        for id in ids {
            self.flush_receipt(id, now);
            self.flush_haves(id, now);
            self.flush_rosters(id, now);
            self.flush_held(id, now);
            self.settle_forks(id, now);
            self.advance(id, now);
            self.settle_import(id);
            let Some(room) = self.rooms.get_mut(&id) else { continue };
            if room.sync.is_due(now.mono) {
                self.ask_for_more(id, now.mono);
            }
            self.settle_leaving(id, now);
        }
        self.serving.retain(|_, serving| !serving.is_idle());
    }

    fn advance(&mut self, id: RoomId, now: Now) {
        let rng = &mut self.rng;
        let Some(room) = self.rooms.get_mut(&id) else { return };
        if room.retry_at.is_some_and(|at| at > now.mono) || room.forks.is_writing() {
            return;
        }
        if room.retry_at.take().is_some() {
            self.ask_for_more(id, now.mono);
            return self.advance(id, now);
        }
        let salt = || {
            let mut salt = [0; 16];
            rand_core::Rng::fill_bytes(rng, &mut salt);
            salt
        };
        match room.logs.plan(&self.key, now.wall, &room.membership, salt) {
            Plan::Idle => {
                if room.unsaved && !room.logs.is_writing() && room.standing != Standing::Knocking {
                    room.unsaved = false;
                    let record = room.record(id);
                    self.persist(Pending::Record(id), record);
                }
            }
            Plan::Lookup(hashes) => {
                let wanted = hashes.clone();
                let room = id;
                let ticket = self.fetch(Pending::Lookup(id), |ticket| Fetch::Lookup { ticket, room, hashes: wanted });
                if let Some(room) = self.rooms.get_mut(&id) {
                    room.logs.look(ticket, hashes);
                }
            }
            Plan::Write(ops) => {
                if std::mem::take(&mut room.unsaved) && room.standing != Standing::Knocking {
                    room.batch_has_record = true;
                    room.preamble.extend(room.record(id));
                }
                let all = std::mem::take(&mut room.preamble).into_iter().chain(ops).collect();
                let ticket = self.persist(Pending::Batch(id), all);
                if let Some(room) = self.rooms.get_mut(&id) {
                    room.logs.begin(ticket);
                }
            }
        }
    }

    /// Queues something to say in a room.
    pub(super) fn say(&mut self, room: RoomId, command: Option<CommandId>, body: Body) {
        if let Some(room) = self.rooms.get_mut(&room) {
            room.logs.draft(Draft { command, body });
        }
    }

    pub(super) fn on_batch_committed(&mut self, id: RoomId, ticket: Ticket, now: Now) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let Some(batch) = room.logs.committed(ticket) else { return };
        room.batch_has_record = false;
        let founding = room.founding.take();
        room.membership.extend(batch.entries.iter().map(|(stored, ..)| stored));
        let authors: BTreeSet<DeviceId> = batch.entries.iter().map(|(stored, ..)| stored.log.author).collect();
        authors.into_iter().for_each(|author| room.forks.moved(author));
        if let Some(command) = founding {
            if self.devices.is_circle(id) {
                self.make_code(command, id, now);
            } else {
                self.reply(command, Ok(Reply::Room(id)));
            }
            self.changed.insert(id);
        }
        self.tell_entries(id, &batch, now);
        self.tell_erased(id, &batch);
        for (draft, hash) in &batch.drafts {
            if matches!(draft.body, Body::Leave { .. }) {
                let seq = batch.entries.iter().find(|(stored, ..)| stored.order.hash == *hash).map(|(s, ..)| s.seq);
                if let (Some(seq), Some(room)) = (seq, self.rooms.get_mut(&id)) {
                    let log = room.logs.own();
                    room.leaving = Some(Leaving::Telling { log, seq, until: now.mono.plus(LEAVING) });
                }
            }
            if let Some(command) = draft.command {
                let reply = self.reply_to_draft(id, &draft.body, *hash);
                self.reply(command, Ok(reply));
            }
        }
        if batch.entries.iter().any(|(stored, ..)| stored.kind < kind::FIRST_MESSAGE) {
            self.membership_changed(id, now);
        }
        self.removed_by_us(id, &batch, now);
        self.ask_for_more(id, now.mono);
    }

    /// Pushes what is ours, acknowledges what is theirs, shows both.
    fn tell_entries(&mut self, id: RoomId, batch: &Batch, now: Now) {
        let me = self.me;
        let mut theirs: Vec<LogKey> = Vec::new();
        let mut ours = Vec::new();
        for (stored, entry, live) in &batch.entries {
            if let Some(at) = stored.expires {
                self.expires_at(at, now);
            }
            if stored.log.author == me && *live {
                ours.push(entry.clone());
            } else if !theirs.contains(&stored.log) {
                theirs.push(stored.log);
            }
            self.show(stored, *live);
        }
        if !ours.is_empty() {
            for peer in self.members_linked(id) {
                let sent = self.send_entries(peer, id, ours.iter().cloned());
                let Some(room) = self.rooms.get_mut(&id) else { return };
                if !sent {
                    // It reads too slowly for a push; a HAVE lets it ask in its own time.
                    room.have_dirty.insert(room.logs.own());
                    room.have_due.get_or_insert(now.mono);
                }
            }
        }
        if theirs.iter().any(|log| log.author == me) {
            // Ours, and lost here, or written by another copy of this profile: others said before that they hold it.
            for peer in self.members_linked(id) {
                self.count_held(id, peer, now);
            }
        }
        for log in theirs {
            self.acknowledge(id, log, now);
        }
    }

    /// Entries that are not messages change what the room looks like.
    fn show(&mut self, stored: &StoredEntry, live: bool) {
        let body = stored.payload.as_deref().and_then(|payload| Body::decode(stored.kind, payload).ok());
        match body {
            Some(Body::Receipt { upto }) => {
                let reader = stored.log.author;
                let news = self.rooms.get_mut(&stored.room).is_some_and(|room| room.put_receipt(reader, upto));
                self.read_elsewhere(stored.room, reader, upto);
                if news {
                    self.notify(Notify::Read { room: stored.room, reader, upto });
                }
            }
            Some(Body::Profile(_)) => {
                self.changed.insert(stored.room);
            }
            Some(
                Body::Genesis { .. }
                | Body::Invite(_)
                | Body::Admit { .. }
                | Body::Device { .. }
                | Body::Leave { .. }
                | Body::RevokeInvite { .. }
                | Body::Remove { .. }
                | Body::Grant { .. }
                | Body::Revoke { .. }
                | Body::Room(_)
                | Body::About { .. },
            )
            | None => {}
            // The next key begins another message, and is told at once.
            Some(Body::Text(_) | Body::Picture(_)) => self.typed(stored.room, stored.log.author),
        }
        if self.rooms.get(&stored.room).is_some_and(|room| room.membership.counts(stored.log, stored.seq)) {
            self.notify(Notify::Entry { entry: Box::new(stored.clone()), live });
        } else if stored.seq == 1 {
            // One more log that ends before its end: a host that reads its timeline must know.
            self.changed.insert(stored.room);
        }
    }

    fn reply_to_draft(&self, id: RoomId, body: &Body, hash: EntryHash) -> Reply {
        match body {
            Body::Invite(invite) => {
                let link = self.rooms.get(&id).and_then(|room| room.invite_links.get(&invite.invite));
                link.map_or(Reply::Done, |link| Reply::Invite(link.clone()))
            }
            Body::Text(_) | Body::Picture(_) | Body::About { .. } => Reply::Sent(hash),
            Body::Genesis { .. } => Reply::Room(id),
            Body::Admit { .. }
            | Body::Device { .. }
            | Body::RevokeInvite { .. }
            | Body::Remove { .. }
            | Body::Grant { .. }
            | Body::Revoke { .. }
            | Body::Room(_)
            | Body::Profile(_)
            | Body::Receipt { .. }
            | Body::Leave { .. } => Reply::Done,
        }
    }

    pub(super) fn on_batch_failed(&mut self, id: RoomId, ticket: Ticket, trouble: StoreTrouble, now: Now) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let Some(drafts) = room.logs.failed(ticket) else { return };
        room.pause(now);
        room.unsaved |= std::mem::take(&mut room.batch_has_record);
        let founding = room.founding.take();
        if room.leaving.is_some() && drafts.iter().any(|draft| matches!(draft.body, Body::Leave { .. })) {
            room.leaving = None;
        }
        for request in room.requests.values_mut() {
            request.admitting = false;
        }
        room.preamble.clear();
        let mut told = founding.is_some();
        for draft in drafts {
            if let (Body::Invite(invite), Some(room)) = (&draft.body, self.rooms.get_mut(&id)) {
                room.invite_links.remove(&invite.invite);
            }
            match draft.command {
                Some(command) => {
                    told = true;
                    self.reply(command, Err(Refusal::NotSaved(trouble)));
                }
                // What the engine says by itself it says again later.
                None => self.say(id, None, draft.body),
            }
        }
        if let Some(command) = founding {
            self.rooms.remove(&id);
            self.reply(command, Err(Refusal::NotSaved(trouble)));
        }
        if !told {
            self.notify(Notify::StoreTrouble(trouble));
        }
        self.fail_import(id, trouble);
        self.changed.insert(id);
    }

    /// The fold has moved: let in who is in now, let go who is not.
    fn membership_changed(&mut self, id: RoomId, now: Now) {
        self.changed.insert(id);
        let me = self.me;
        let Some(room) = self.rooms.get_mut(&id) else { return };
        room.logs.forget_refusals();
        room.choose_log(LogKey { author: me, log: self.log });
        let (is_member, was_member) = (room.membership.is_member(me), room.membership.was_member(me));
        match room.standing {
            Standing::Member if was_member && !is_member && room.leaving.is_none() => {
                room.standing = Standing::Gone;
                let record = room.record(id);
                self.persist(Pending::Record(id), record);
            }
            // What took it out has turned out not to count, or it was let in again by an entry that was on its way.
            Standing::Gone if is_member && !room.epochs.is_empty() => {
                room.standing = Standing::Member;
                let record = room.record(id);
                self.persist(Pending::Record(id), record);
            }
            Standing::Member | Standing::Knocking | Standing::Gone => {}
        }
        self.answer_requests(id);
        for peer in self.mesh.live_peers() {
            let Some(room) = self.rooms.get(&id) else { return };
            let member = room.membership.is_member(peer);
            let link = self.mesh.live(peer).and_then(|link| self.mesh.get(link));
            let knocker = link.is_some_and(|link| link.is_knock() && !link.offerer && link.room == id);
            if member {
                self.count_held(id, peer, now);
            }
            let Some(room) = self.rooms.get_mut(&id) else { return };
            if member && (knocker || !room.sync.is_joined(peer) || !room.rosters.contains_key(&peer)) {
                if knocker {
                    self.welcome(id, peer);
                }
                self.greet(id, peer, Greeting::Asks, now);
            } else if !member && room.sync.is_joined(peer) && room.membership.was_member(peer) {
                // Gone: it gets nothing more from us.
                room.sync.part(peer);
                room.rosters.remove(&peer);
            }
        }
        self.rosters_due(now);
    }

    /// Those who waited for their ADMIT: it is there, or the fold did not take it.
    fn answer_requests(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let admitted: Vec<DeviceId> =
            room.requests.keys().copied().filter(|device| room.membership.is_member(*device)).collect();
        for device in admitted {
            room.requests.remove(&device);
        }
        if room.logs.is_writing() || room.logs.drafts() > 0 {
            return;
        }
        let refused: Vec<DeviceId> =
            room.requests.iter().filter(|(_, request)| request.admitting).map(|(device, _)| *device).collect();
        for device in refused {
            if let Some(request) = self.rooms.get_mut(&id).and_then(|room| room.requests.remove(&device)) {
                self.send(request.link, &Frame::KnockState { room: id, state: KnockState::UsedUp });
            }
        }
    }

    /// Members of a room with a live link.
    pub(super) fn members_linked(&self, id: RoomId) -> Vec<DeviceId> {
        let Some(room) = self.rooms.get(&id) else { return Vec::new() };
        self.mesh.live_peers().into_iter().filter(|peer| room.membership.is_member(*peer)).collect()
    }

    // ------------------------------------------------------------ reading marks

    pub(super) fn mark_read(&mut self, id: RoomId, now: Instant) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.receipt_due.get_or_insert(now.plus(RECEIPT_DELAY));
        }
    }

    fn flush_receipt(&mut self, id: RoomId, now: Now) {
        let (me, told) = (self.me, self.receipts);
        let Some(room) = self.rooms.get_mut(&id) else { return };
        if room.receipt_due.is_none_or(|due| due > now.mono) {
            return;
        }
        room.receipt_due = None;
        let Some(upto) = room.read.filter(|_| told) else { return };
        if room.membership.is_member(me) && room.reads.get(&me).is_none_or(|told| *told < upto) {
            self.say(id, None, Body::Receipt { upto });
        }
    }

    /// What this person has read on another device of theirs is read here.
    fn read_elsewhere(&mut self, id: RoomId, reader: DeviceId, upto: OrderKey) {
        let me = self.me;
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let ours = reader != me && room.membership.person(reader) == room.membership.person(me);
        if ours && room.membership.is_member(reader) && room.read.is_none_or(|read| read < upto) {
            room.read = Some(upto);
            self.persist(Pending::Quiet, vec![Op::PutRead { room: id, upto }]);
            self.changed.insert(id);
        }
    }

    // ------------------------------------------------------------ leaving

    /// Starts to leave: LEAVE is written like any entry, and the room stays until somebody has it.
    pub(super) fn leave(&mut self, id: RoomId, command: CommandId) {
        let me = self.me;
        let (heads, others) = self.rooms.get_mut(&id).map_or_else(Default::default, |room| {
            room.leaving = Some(Leaving::Writing);
            // Also those of a copy that was restored, or of an earlier stay: who goes is not unsaid.
            let own = room.logs.own();
            let others = room.logs.of(me).filter(|(log, _)| *log != own).map(|(log, seq)| (log.log, seq));
            let others: BTreeMap<LogId, u64> = others.collect();
            (room.membership.closing(me, &others), room.closing_others(me))
        });
        self.say(id, Some(command), Body::Leave { heads, others });
    }

    fn settle_leaving(&mut self, id: RoomId, now: Now) {
        let Some(room) = self.rooms.get(&id) else { return };
        let Some(Leaving::Telling { log, seq, until }) = room.leaving else { return };
        let taken = room.held.values().any(|logs| logs.get(&log).is_some_and(|held| *held >= seq));
        if taken || until <= now.mono {
            self.forget(id, now);
        }
    }

    /// Nothing more is written: whoever waits hears it. Whoever waits to leave has left.
    pub(super) fn refuse_drafts(&mut self, drafts: Vec<Draft>, refusal: Refusal) {
        for draft in drafts {
            let Some(command) = draft.command else { continue };
            let reply = if matches!(draft.body, Body::Leave { .. }) { Ok(Reply::Done) } else { Err(refusal) };
            self.reply(command, reply);
        }
    }

    /// Drops a room from memory and disk.
    pub(super) fn forget(&mut self, id: RoomId, now: Now) {
        if let Some(mut room) = self.rooms.remove(&id) {
            self.refuse_drafts(room.logs.abandon(), Refusal::NotAMember);
            self.refuse_import(room.importing.take(), Refusal::NotAMember);
            if let Some(command) = room.founding {
                self.reply(command, Err(Refusal::NoSuchRoom));
            }
        }
        self.knocks.remove(&id);
        self.changed.remove(&id);
        self.files.forget(id);
        self.persist(Pending::Quiet, vec![Op::ForgetRoom(id)]);
        self.notify(Notify::RoomForgotten(id));
        self.close_strangers(now);
    }
}
