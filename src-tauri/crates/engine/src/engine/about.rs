//! What is said of earlier entries: edits, deletions, reactions, pins; what expires; and who is typing.
//!
//! EDIT, DELETE, REACTION and PIN name the entry that they are about by its hash, so that what they do to it does not
//! depend on the order in which entries come in: whoever shows an entry folds what is about it in the room's order. Only
//! a deletion also does something on the disk, in the transaction that writes it: the payload goes, the signed header,
//! which commits to it under a salt that goes too, stays, and so the chain still verifies.
//!
//! A message that disappears says how long it lives; each device erases it by its own clock, whether anybody is linked
//! or not. What is asked of an honest device here cannot be enforced on another: people are told so.

use super::commands::check_text;
use super::{Engine, Pending};
use crate::ids::{CommandId, DeviceId, EntryHash, RoomId, Ticket};
use crate::messages::log::Batch;
use crate::port::{Fetch, Found, Notify, Op, Refusal, Reply};
use crate::rooms::Role;
use crate::time::{Instant, Now, UnixMillis};
use crate::wire::{Act, Body, Frame, Text, is_emoji, kind};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

/// How often a person's typing is told.
const TYPING_EVERY: Duration = Duration::from_secs(3);
/// How often a host hears that somebody types: a little less, so that honest frames are never late.
const TYPING_HEARD: Duration = Duration::from_secs(2);
/// How long a look at what expires stays good: a wall clock may be set meanwhile.
const EXPIRY_LOOK: Duration = Duration::from_secs(3600);
/// How long a disk that failed to erase is left alone.
const EXPIRY_PAUSE: Duration = Duration::from_secs(5);

/// When to look for what has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// At this time.
    Due(Instant),
    /// The store was asked, or is erasing.
    Looking,
}

impl Engine {
    // ------------------------------------------------------------ commands

    /// Says something of an entry, once the store has told whose it is.
    pub(super) fn about(&mut self, id: CommandId, room: RoomId, target: EntryHash, act: Act) {
        let act = match self.member_of(room).and_then(|_| check_act(act)) {
            Ok(act) => act,
            Err(refusal) => return self.reply(id, Err(refusal)),
        };
        let asked = self.pending.values().filter(|pending| matches!(pending, Pending::About(..))).count();
        if asked >= crate::wire::limits::COMMANDS_IN_FLIGHT {
            return self.reply(id, Err(Refusal::TooMany));
        }
        let hashes = vec![target];
        self.fetch(Pending::About(id, room, target, act), |ticket| Fetch::Lookup { ticket, room, hashes });
    }

    pub(super) fn on_target_found(
        &mut self,
        id: CommandId,
        room: RoomId,
        target: EntryHash,
        act: Act,
        found: &[Found],
    ) {
        let me = self.me;
        let state = match self.member_of(room) {
            Ok(state) => state,
            Err(refusal) => return self.reply(id, Err(refusal)),
        };
        let spoken = |entry: &&Found| entry.order.hash == target && kind::SPOKEN.contains(&entry.kind) && entry.whole;
        let Some(entry) = found.iter().find(spoken) else {
            return self.reply(id, Err(Refusal::NoSuchEntry));
        };
        let own = entry.order.author == me;
        // What one has said from another device can be deleted from here, and only there be said otherwise.
        let ours = state.membership.person(entry.order.author) == state.membership.person(me);
        let admin = state.membership.role(me).is_some_and(|role| role >= Role::Admin);
        let allowed = match act {
            Act::Edit(_) => own,
            Act::Delete => ours || admin,
            Act::React { .. } | Act::Pin { .. } => true,
        };
        if !allowed {
            return self.reply(id, Err(Refusal::NotAllowed));
        }
        self.say(room, Some(id), Body::About { target, act });
    }

    pub(super) fn typing(&mut self, id: CommandId, room: RoomId, now: Now) {
        if let Err(refusal) = self.member_of(room) {
            return self.reply(id, Err(refusal));
        }
        self.reply(id, Ok(Reply::Done));
        let Some(state) = self.rooms.get_mut(&room) else { return };
        if state.typing_told.is_some_and(|until| until > now.mono) {
            return;
        }
        state.typing_told = Some(now.mono.plus(TYPING_EVERY));
        for peer in self.members_linked(room) {
            self.send_to(peer, &Frame::Typing { room });
        }
    }

    pub(super) fn on_typing(&mut self, peer: DeviceId, room: RoomId, now: Now) {
        let Some(state) = self.rooms.get_mut(&room).filter(|state| state.membership.is_member(peer)) else { return };
        state.typing.retain(|_, until| *until > now.mono);
        if let Entry::Vacant(quiet) = state.typing.entry(peer) {
            quiet.insert(now.mono.plus(TYPING_HEARD));
            self.notify(Notify::Typing { room, device: peer });
        }
    }

    /// What somebody typed is there.
    pub(super) fn typed(&mut self, room: RoomId, author: DeviceId) {
        let me = self.me;
        let Some(state) = self.rooms.get_mut(&room) else { return };
        if author == me {
            state.typing_told = None;
        } else {
            state.typing.remove(&author);
        }
    }

    // ------------------------------------------------------------ erasing

    /// What the DELETEs of a batch took.
    pub(super) fn tell_erased(&mut self, room: RoomId, batch: &Batch) {
        if !batch.erased.is_empty() {
            self.notify(Notify::Erased { room, entries: batch.erased.clone() });
        }
    }

    /// Something that was written goes again at this time.
    pub(super) fn expires_at(&mut self, at: UnixMillis, now: Now) {
        let due = due(at, now);
        match &mut self.expiry {
            Expiry::Due(known) => *known = due.min(*known),
            // The look that is under way may have missed it.
            Expiry::Looking => self.expiry_missed = Some(self.expiry_missed.map_or(due, |known| known.min(due))),
        }
    }

    pub(super) fn settle_expiry(&mut self, now: Now) {
        if matches!(self.expiry, Expiry::Due(at) if at <= now.mono) {
            self.expiry = Expiry::Looking;
            self.fetch(Pending::Expired, |ticket| Fetch::Expired { ticket, by: now.wall });
        }
    }

    pub(super) fn on_entries_expired(
        &mut self,
        ticket: Ticket,
        expired: &[(RoomId, EntryHash)],
        next: Option<UnixMillis>,
        now: Now,
    ) {
        let Some(Pending::Expired) = self.pending.remove(&ticket) else { return };
        let look = now.mono.plus(EXPIRY_LOOK);
        let next = next.map_or(look, |at| due(at, now).min(look));
        if expired.is_empty() {
            return self.look_again(next);
        }
        let mut rooms: BTreeMap<RoomId, Vec<EntryHash>> = BTreeMap::new();
        for (room, entry) in expired {
            rooms.entry(*room).or_default().push(*entry);
        }
        let ops = expired.iter().map(|(room, target)| Op::Erase { room: *room, target: *target }).collect();
        self.persist(Pending::Erase(rooms, next), ops);
    }

    pub(super) fn on_erased(&mut self, rooms: BTreeMap<RoomId, Vec<EntryHash>>, next: Instant) {
        for (room, entries) in rooms {
            self.notify(Notify::Erased { room, entries });
        }
        self.look_again(next);
    }

    pub(super) fn on_erase_failed(&mut self, now: Now) {
        self.look_again(now.mono.plus(EXPIRY_PAUSE));
    }

    fn look_again(&mut self, at: Instant) {
        let missed = self.expiry_missed.take();
        self.expiry = Expiry::Due(missed.map_or(at, |missed| missed.min(at)));
    }

    /// When the engine must look for what has expired.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        match self.expiry {
            Expiry::Due(at) => Some(at),
            Expiry::Looking => None,
        }
    }
}

/// When a wall-clock time is, on the clock for timers: never later than it truly is.
fn due(at: UnixMillis, now: Now) -> Instant {
    now.mono.plus(Duration::from_millis(at.0.saturating_sub(now.wall.0)))
}

fn check_act(act: Act) -> Result<Act, Refusal> {
    match act {
        Act::Edit(text) => {
            let text = check_text(text)?;
            Ok(Act::Edit(Text { reply_to: None, lives: None, ..text }))
        }
        Act::React { emoji, .. } if !is_emoji(&emoji) => Err(Refusal::NotAnEmoji),
        Act::Delete | Act::React { .. } | Act::Pin { .. } => Ok(act),
    }
}
