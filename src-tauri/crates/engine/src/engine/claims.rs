//! Addresses held at brokers: one for this device in each room, one for each invite it may serve, one while it knocks.
//!
//! The wished set is computed from the state; the difference to what is held becomes claims and releases. An address
//! that somebody else holds gives way to the next of three, and after those to a wait: for an invite the other holder is
//! most likely another member, for our own address it is a squatter.

use super::Engine;
use crate::ids::{Address, BrokerUrl, InviteId, RoomId};
use crate::mesh::State;
use crate::port::{BrokerTrouble, Notify, Output, SignalCommand, Standing};
use crate::rooms::Role;
use crate::signaling::address::{Day, invite_address, member_address, room_rendezvous};
use crate::time::{Instant, Now};
use crate::wire::limits::BROKERS;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How many addresses a purpose has, in case of squatters.
pub(super) const VARIANTS: u8 = 3;
/// Invites of one room that one device serves: those that work, the longest-lived first, then spent ones.
const SERVED_INVITES: usize = 4;
/// How long to wait when all of our own variants are taken.
const RETRY: Duration = Duration::from_secs(15);
/// How long to wait when all of an invite's doors are taken: three others serve it.
const RETRY_DOOR: Duration = Duration::from_secs(60);

/// What an address is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Purpose {
    Member(RoomId),
    Invite(RoomId, InviteId),
    Knock(RoomId),
    Ask(InviteId),
}

#[derive(Debug)]
struct Claim {
    purpose: Purpose,
    up: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Shift {
    variant: u8,
    retry: Option<Instant>,
}

#[derive(Default)]
pub(super) struct Claims {
    held: BTreeMap<(BrokerUrl, Address), Claim>,
    shifts: BTreeMap<(BrokerUrl, Purpose), Shift>,
    brokers: BTreeMap<BrokerUrl, Option<BrokerTrouble>>,
    next_day: Option<Instant>,
}

impl Claims {
    /// What an address of ours is for.
    pub(super) fn purpose(&self, broker: &BrokerUrl, address: &Address) -> Option<Purpose> {
        self.held.get(&(broker.clone(), address.clone())).map(|claim| claim.purpose)
    }

    /// Addresses that are up for a purpose.
    pub(super) fn up(&self, purpose: Purpose) -> Vec<(BrokerUrl, Address)> {
        self.held.iter().filter(|(_, claim)| claim.up && claim.purpose == purpose).map(|(at, _)| at.clone()).collect()
    }

    pub(super) fn all(&self) -> Vec<(BrokerUrl, Address)> {
        self.held.keys().cloned().collect()
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.shifts.values().filter_map(|shift| shift.retry).chain(self.next_day).min()
    }
}

impl Engine {
    pub(super) fn on_claimed(&mut self, broker: BrokerUrl, address: Address, now: Now) {
        let Some(claim) = self.claims.held.get_mut(&(broker.clone(), address)) else { return };
        let was_up = std::mem::replace(&mut claim.up, true);
        let purpose = claim.purpose;
        self.set_broker(broker, None);
        if was_up {
            return;
        }
        match purpose {
            Purpose::Member(room) => {
                // We can be heard at one more place: whoever is there shall hear of us at once.
                let members: Vec<_> =
                    self.rooms.get(&room).into_iter().flat_map(|r| r.membership.members().keys().copied()).collect();
                for member in members.into_iter().filter(|member| *member != self.me) {
                    self.mesh.hurry(member, now.mono);
                }
            }
            Purpose::Knock(room) => self.knock_heard(room, now),
            Purpose::Ask(invite) => self.ask_heard(invite, now),
            Purpose::Invite(..) => {}
        }
    }

    pub(super) fn on_taken(&mut self, broker: BrokerUrl, address: Address, now: Now) {
        let Some(claim) = self.claims.held.remove(&(broker.clone(), address)) else { return };
        let least = match claim.purpose {
            Purpose::Invite(..) => RETRY_DOOR,
            Purpose::Member(_) | Purpose::Knock(_) | Purpose::Ask(_) => RETRY,
        };
        let wait = u64::from(self.jitter()) * least.as_micros() as u64 / u64::from(u32::MAX);
        let shift = self.claims.shifts.entry((broker.clone(), claim.purpose)).or_default();
        shift.variant = (shift.variant + 1) % VARIANTS;
        shift.retry = (shift.variant == 0).then(|| now.mono.plus(least).plus(Duration::from_micros(wait)));
        // Doors of invites are shared and may all be taken; nobody else has a reason to hold our own addresses.
        let all_taken = shift.retry.is_some() && !matches!(claim.purpose, Purpose::Invite(..));
        let any_up = self.claims.held.iter().any(|((url, _), claim)| *url == broker && claim.up);
        let lies = self.claims.brokers.get(&broker) == Some(&Some(BrokerTrouble::Misbehaving));
        if !any_up && (all_taken || lies) {
            self.set_broker(broker, Some(BrokerTrouble::Misbehaving));
        } else {
            // The broker answers, whatever it says.
            self.set_broker(broker, None);
        }
    }

    pub(super) fn on_lost(&mut self, broker: BrokerUrl, address: Address, trouble: BrokerTrouble) {
        let Some(claim) = self.claims.held.get_mut(&(broker.clone(), address)) else { return };
        claim.up = false;
        if !self.claims.held.iter().any(|((url, _), claim)| *url == broker && claim.up) {
            self.set_broker(broker, Some(trouble));
        }
    }

    fn set_broker(&mut self, broker: BrokerUrl, trouble: Option<BrokerTrouble>) {
        if self.claims.brokers.insert(broker.clone(), trouble) != Some(trouble) {
            self.notify(Notify::Broker { broker, trouble });
        }
    }

    /// Claims what should be held and is not, releases what is held and should not be.
    pub(super) fn settle_claims(&mut self, now: Now) {
        for shift in self.claims.shifts.values_mut() {
            shift.retry = shift.retry.filter(|at| *at > now.mono);
        }
        let wished = self.wished_claims(now);
        let gone: Vec<(BrokerUrl, Address)> =
            self.claims.held.keys().filter(|at| !wished.contains_key(*at)).cloned().collect();
        for at in gone {
            self.claims.held.remove(&at);
            let (broker, address) = at;
            self.out.push(Output::Signal(SignalCommand::Release { broker, address }));
        }
        for (at, purpose) in wished {
            if self.claims.held.contains_key(&at) {
                continue;
            }
            let (broker, address) = at.clone();
            let token = self.token(&broker, &address);
            self.claims.held.insert(at, Claim { purpose, up: false });
            self.out.push(Output::Signal(SignalCommand::Claim { broker, address, token }));
        }
        let held: BTreeSet<(BrokerUrl, Purpose)> =
            self.claims.held.iter().map(|((broker, _), claim)| (broker.clone(), claim.purpose)).collect();
        self.claims.shifts.retain(|at, shift| shift.retry.is_some() || held.contains(at));
        // One that is only waited for is in use too.
        let waited = self.claims.shifts.keys().map(|(broker, _)| broker);
        let used: BTreeSet<BrokerUrl> = held.iter().map(|(broker, _)| broker).chain(waited).cloned().collect();
        self.claims.brokers.retain(|broker, _| used.contains(broker));
        let to_midnight = 86_400_000 - now.wall.0 % 86_400_000;
        self.claims.next_day =
            (!self.claims.held.is_empty()).then(|| now.mono.plus(Duration::from_millis(to_midnight)));
    }

    fn wished_claims(&self, now: Now) -> BTreeMap<(BrokerUrl, Address), Purpose> {
        let day = Day::of(now.wall);
        let mut wished = BTreeMap::new();
        for (id, room) in &self.rooms {
            if room.standing != Standing::Member || room.founding.is_some() {
                continue;
            }
            let rendezvous: Vec<_> = room.held_epochs(now).iter().map(|(_, key)| room_rendezvous(key)).collect();
            let mut invites: Vec<_> = room
                .membership
                .invites()
                .iter()
                .filter(|(_, invite)| now.wall.0 / 1000 <= invite.body.expires)
                // Who cannot admit would only keep the newcomer waiting at the wrong door.
                .filter(|(_, invite)| {
                    // Of a person's own devices the one that shows the code asks about whoever comes with it.
                    if self.devices.is_circle(*id) && invite.by != self.me {
                        return false;
                    }
                    let least = if invite.body.approval { Role::Admin } else { Role::Member };
                    room.membership.role(self.me).is_some_and(|role| role >= least)
                })
                .collect();
            // Those that still admit somebody first; at the doors of the others people at least hear why not.
            invites
                .sort_by_key(|(_, invite)| (invite.admits(now.wall).is_err(), std::cmp::Reverse(invite.body.expires)));
            for broker in self.room_brokers(&room.brokers) {
                let purpose = Purpose::Member(*id);
                if let Some(n) = self.variant(&broker, purpose) {
                    for key in &rendezvous {
                        wished.insert((broker.clone(), member_address(key, self.me, day, n)), purpose);
                    }
                }
                for (invite, record) in invites.iter().take(SERVED_INVITES) {
                    let purpose = Purpose::Invite(*id, **invite);
                    if let Some(n) = self.variant(&broker, purpose) {
                        wished.insert((broker.clone(), invite_address(&record.body.rendezvous, day, n)), purpose);
                    }
                }
            }
        }
        for (id, knock) in &self.knocks {
            let live = knock.link.and_then(|link| self.mesh.get(link)).is_some_and(|link| link.state == State::Live);
            if live {
                continue;
            }
            for broker in self.room_brokers(&knock.invite.brokers) {
                let purpose = Purpose::Knock(*id);
                // Its address is random, so only a broker that lies calls it taken: asked again, but not at once.
                if self.variant(&broker, purpose).is_some() {
                    wished.insert((broker, knock.address.clone()), purpose);
                }
            }
        }
        for (invite, address) in self.asks.addresses() {
            // The words name no broker: those of this device are asked.
            for broker in self.room_brokers(&[]) {
                let purpose = Purpose::Ask(invite);
                if self.variant(&broker, purpose).is_some() {
                    wished.insert((broker, address.clone()), purpose);
                }
            }
        }
        wished
    }

    /// Brokers that a room uses: those it knows and this device's own.
    pub(super) fn room_brokers(&self, known: &[BrokerUrl]) -> Vec<BrokerUrl> {
        let mut brokers: Vec<BrokerUrl> = self.brokers.clone();
        for broker in known {
            // Our own broker is reached by the first of its names; the others lead to the same place.
            if !brokers.contains(broker) && !self.announce.contains(broker) {
                brokers.push(broker.clone());
            }
        }
        brokers.truncate(2 * BROKERS);
        brokers
    }

    fn variant(&self, broker: &BrokerUrl, purpose: Purpose) -> Option<u8> {
        let shift = self.claims.shifts.get(&(broker.clone(), purpose)).copied().unwrap_or_default();
        shift.retry.is_none().then_some(shift.variant)
    }

    fn token(&self, broker: &BrokerUrl, address: &Address) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.token_key);
        hasher.update(broker.as_bytes()).update(&[0]).update(address.0.as_bytes());
        data_encoding::BASE32_NOPAD.encode(&hasher.finalize().as_bytes()[..15]).to_ascii_lowercase()
    }
}
