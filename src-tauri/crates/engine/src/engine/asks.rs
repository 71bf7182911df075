//! Spoken invites: a newcomer who has eight words and no link, and the members who tell them the rest.
//!
//! The words are stretched to the invite's seed, which derives where the invite is served and what seals an envelope to
//! there, but not which room it opens. The newcomer sends ASK to those addresses; a member that serves the invite answers
//! TOLD. The invite's key has signed the room and the time when the invite was made, and the member read that in the log:
//! so a member can keep silent, but lead nobody into another room. With it the newcomer has a link, and knocks by it as
//! `joins` describes. Nothing is linked before: an ASK costs the door one envelope, and no more than
//! [`TOLD_PER_MINUTE`] of them.

use super::claims::{Purpose, VARIANTS};
use super::joins::{KNOCK_FIRST, KNOCK_LAST};
use super::{Engine, Pending};
use crate::identity::{Context, verify};
use crate::ids::{Address, BrokerUrl, CommandId, InviteId, RoomId};
use crate::mesh::Route;
use crate::port::{JoinState, Notify, Output, Refusal, Reply, SignalCommand, SignalKind, Standing};
use crate::signaling::address::{Day, invite_address, private_address};
use crate::signaling::envelope::{Ends, SealingKey, open, seal};
use crate::time::{Instant, Now};
use crate::wire::invite::{Ask, Told, invite_room_bytes};
use crate::wire::limits::{ASKS, BROKERS, ROOMS, TOLD_PER_MINUTE};
use crate::wire::{InviteKeys, InviteLink};
use std::collections::BTreeMap;
use std::time::Duration;

/// What [`TOLD_PER_MINUTE`] counts in.
const MINUTE: Duration = Duration::from_secs(60);

/// What this device asks about, and how often it has told others.
#[derive(Default)]
pub(super) struct Asks {
    asking: BTreeMap<InviteId, Asking>,
    /// Since when, and how many.
    told: Option<(Instant, u32)>,
}

/// One spoken invite, from the newcomer's side.
struct Asking {
    seed: [u8; 32],
    keys: InviteKeys,
    address: Address,
    attempt: u32,
    /// None before some broker holds our address.
    next: Option<Instant>,
    state: JoinState,
}

impl Asks {
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.asking.values().filter_map(|asking| asking.next).min()
    }

    /// Addresses to hold for answers.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (InviteId, &Address)> {
        self.asking.iter().map(|(invite, asking)| (*invite, &asking.address))
    }

    /// Whether one more may be told now.
    fn may_tell(&mut self, now: Instant) -> bool {
        let (since, count) = self.told.filter(|(since, _)| now.since(*since) < MINUTE).unwrap_or((now, 0));
        self.told = Some((since, count.saturating_add(1)));
        count < TOLD_PER_MINUTE
    }
}

impl Engine {
    // ------------------------------------------------------------ newcomer

    pub(super) fn ask_for_room(&mut self, id: CommandId, seed: &[u8; 32], now: Now) {
        let keys = InviteKeys::derive(seed);
        let invite = keys.id();
        if self.asks.asking.contains_key(&invite) {
            // Said twice: it is being asked already.
            return self.reply(id, Ok(Reply::Done));
        }
        if self.asks.asking.len() >= ASKS || self.rooms.len() >= ROOMS {
            return self.reply(id, Err(Refusal::TooMany));
        }
        let address = private_address(self.random());
        let state = JoinState::Connecting;
        self.asks.asking.insert(invite, Asking { seed: *seed, keys, address, attempt: 0, next: None, state });
        self.notify(Notify::Ask { invite, state });
        self.reply(id, Ok(Reply::Done));
        let _ = now;
    }

    pub(super) fn cancel_ask(&mut self, id: CommandId, invite: InviteId) {
        if self.asks.asking.remove(&invite).is_none() {
            return self.reply(id, Err(Refusal::NoSuchInvite));
        }
        self.notify(Notify::Ask { invite, state: JoinState::Cancelled });
        self.reply(id, Ok(Reply::Done));
    }

    /// A broker holds the address where we can be answered: ask.
    pub(super) fn ask_heard(&mut self, invite: InviteId, now: Now) {
        let Some(asking) = self.asks.asking.get_mut(&invite) else { return };
        asking.next = Some(now.mono);
        if asking.state == JoinState::Connecting {
            asking.state = JoinState::WaitingForMember;
            self.notify(Notify::Ask { invite, state: JoinState::WaitingForMember });
        }
    }

    /// Asks at every door of every spoken invite whose time has come.
    pub(super) fn settle_asks(&mut self, now: Now) {
        let is_due = |asking: &Asking| asking.next.is_some_and(|next| next <= now.mono);
        let due: Vec<InviteId> =
            self.asks.asking.iter().filter(|(_, asking)| is_due(asking)).map(|(invite, _)| *invite).collect();
        for invite in due {
            self.ask_at_doors(invite, now);
        }
    }

    fn ask_at_doors(&mut self, invite: InviteId, now: Now) {
        let held = self.claims.up(Purpose::Ask(invite));
        let jitter = u64::from(self.jitter());
        let nonces: Vec<[u8; 24]> = (0..held.len() * usize::from(VARIANTS)).map(|_| self.random()).collect();
        let Some(asking) = self.asks.asking.get_mut(&invite) else { return };
        if held.is_empty() {
            asking.next = None;
            return;
        }
        let day = Day::of(now.wall).at_attempt(asking.attempt);
        asking.attempt = asking.attempt.saturating_add(1);
        let ceiling = KNOCK_FIRST.saturating_mul(1 << asking.attempt.min(5)).min(KNOCK_LAST);
        let wait = ceiling.as_micros() as u64 / 2 * (u64::from(u32::MAX) + jitter) / u64::from(u32::MAX);
        asking.next = Some(now.mono.plus(Duration::from_micros(wait)));
        let key = SealingKey::of_invite(&asking.keys);
        let doors = held.iter().flat_map(|at| (0..VARIANTS).map(move |variant| (at, variant)));
        for (((broker, from), variant), nonce) in doors.zip(nonces) {
            let to = invite_address(&asking.keys.rendezvous, day, variant);
            let ends = Ends::Broker { from: from.clone(), to: to.clone() };
            let kind = SignalKind::Offer;
            let envelope = seal(key, &ends, kind, nonce, &Ask.encode());
            let (broker, from) = (broker.clone(), from.clone());
            self.out.push(Output::Signal(SignalCommand::Send { broker, from, to, kind, envelope }));
        }
    }

    /// Something came to the address where we wait for an answer.
    pub(super) fn on_told(&mut self, invite: InviteId, ends: &Ends, kind: SignalKind, envelope: &[u8], now: Now) {
        let Some(asking) = self.asks.asking.get(&invite) else { return };
        let key = SealingKey::of_invite(&asking.keys);
        let Some(((), record)) = open([((), key)], ends, kind, envelope) else { return };
        let (SignalKind::Answer, Ok(told)) = (kind, Told::decode(&record)) else { return };
        let signed = invite_room_bytes(told.room, told.expires);
        if !verify(&invite.0, Context::InviteRoom, &signed, &told.vouch) {
            // Somebody who has the words or serves the invite names another room: the true answer comes by another door.
            return;
        }
        let Told { room, room_name, brokers, expires, .. } = told;
        let link = InviteLink { seed: asking.seed, room, room_name: room_name.clone(), brokers, expires, spoken: None };
        self.asks.asking.remove(&invite);
        if self.devices.is_circle(room) {
            return self.notify(Notify::Ask { invite, state: JoinState::AlreadyMember });
        }
        match self.knock_by(link, Pending::Join(None, room), now) {
            Ok(()) => self.notify(Notify::Found { invite, room, room_name }),
            Err(refusal) => {
                let state = if refusal == Refusal::AlreadyMember {
                    JoinState::AlreadyMember
                } else if refusal == Refusal::InviteExpired {
                    JoinState::Expired
                } else {
                    // No room for one more room, meanwhile: as if it had never been asked.
                    JoinState::Cancelled
                };
                self.notify(Notify::Ask { invite, state });
            }
        }
    }

    // ------------------------------------------------------------ door

    /// Somebody who has the words of an invite that we serve asks which room it opens.
    pub(super) fn on_ask(&mut self, room: RoomId, invite: InviteId, back: &Route, now: Now) {
        let Route::Broker { broker, from, to } = back else { return };
        let Some(state) = self.rooms.get(&room) else { return };
        let Some(record) = state.membership.invites().get(&invite) else { return };
        let Some(vouch) = record.body.vouch else { return };
        if self.closing || state.standing != Standing::Member || state.leaving.is_some() {
            return;
        }
        let (key, expires) = (SealingKey(record.body.sealing), record.body.expires);
        let room_name = state.membership.name().to_owned();
        let told = Told { room, room_name, brokers: self.meeting_points(room), expires, vouch };
        if !self.asks.may_tell(now.mono) {
            return;
        }
        let nonce = self.random();
        let ends = Ends::Broker { from: from.clone(), to: to.clone() };
        let kind = SignalKind::Answer;
        let envelope = seal(key, &ends, kind, nonce, &told.encode());
        let (broker, from, to) = (broker.clone(), from.clone(), to.clone());
        self.out.push(Output::Signal(SignalCommand::Send { broker, from, to, kind, envelope }));
    }

    /// Where a room's members meet, for a newcomer: our own broker first.
    pub(super) fn meeting_points(&self, room: RoomId) -> Vec<BrokerUrl> {
        let known = self.rooms.get(&room).map(|state| &state.brokers[..]).unwrap_or_default();
        let mut brokers = self.announce.clone();
        for url in self.brokers.iter().chain(known) {
            if !brokers.contains(url) {
                brokers.push(url.clone());
            }
        }
        brokers.truncate(BROKERS);
        brokers
    }
}
