//! One room as the engine holds it, and the view of it that hosts show.

use super::Engine;
use super::forks::Forks;
use super::import::Import;
use crate::ids::{BrokerUrl, CommandId, DeviceId, InviteId, LinkId, LogId, LogKey, RoomId};
use crate::messages::log::{Logs, Rules};
use crate::messages::sync::Sync;
use crate::port::{BootRoom, Op, OrderKey, Profile, Standing};
use crate::rooms::membership::Membership;
use crate::rooms::{InviteView, MemberView, Presence, RequestView, Role, RoomView};
use crate::signaling::envelope::SealingKey;
use crate::time::{Instant, Now, UnixMillis};
use crate::wire::limits::{BROKER_URL_BYTES, BROKERS};
use crate::wire::{Body, InviteLink};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a LEAVE waits for somebody to take it along.
pub(super) const LEAVING: Duration = Duration::from_secs(5);
/// How long a failed disk is left alone.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// A device that knocked and waits for a person, or for its ADMIT to become durable.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) profile: Profile,
    pub(super) invite: InviteId,
    pub(super) proof: [u8; 64],
    pub(super) link: LinkId,
    pub(super) admitting: bool,
}

pub(super) struct Room {
    pub(super) standing: Standing,
    pub(super) brokers: Vec<BrokerUrl>,
    pub(super) epochs: BTreeMap<u32, [u8; 32]>,
    /// Members who are known to have the newest epoch's key.
    pub(super) in_epoch: BTreeSet<DeviceId>,
    /// Since when the newest key is known, or this device runs.
    pub(super) epoch_since: Option<Instant>,
    pub(super) membership: Membership,
    pub(super) logs: Logs,
    pub(super) sync: Sync,
    pub(super) requests: BTreeMap<DeviceId, Request>,
    pub(super) declined: BTreeSet<DeviceId>,
    pub(super) invite_links: BTreeMap<InviteId, InviteLink>,
    pub(super) held: BTreeMap<DeviceId, BTreeMap<LogKey, u64>>,
    pub(super) held_dirty: BTreeMap<(DeviceId, LogKey), u64>,
    pub(super) held_due: Option<Instant>,
    pub(super) reads: BTreeMap<DeviceId, OrderKey>,
    pub(super) read: Option<OrderKey>,
    pub(super) rosters: BTreeMap<DeviceId, BTreeSet<DeviceId>>,
    pub(super) roster_due: Option<Instant>,
    pub(super) have_dirty: BTreeSet<LogKey>,
    pub(super) have_due: Option<Instant>,
    pub(super) receipt_due: Option<Instant>,
    /// Before this nobody is told again that this person types.
    pub(super) typing_told: Option<Instant>,
    /// Who types, as far as the host was told: not told again before this.
    pub(super) typing: BTreeMap<DeviceId, Instant>,
    /// Writes that belong into the next batch's transaction.
    pub(super) preamble: Vec<Op>,
    /// The room's record and keys failed to be written: they belong into the next batch too.
    pub(super) unsaved: bool,
    /// The batch that is being written carries them.
    pub(super) batch_has_record: bool,
    /// CREATE waits for the first batch.
    pub(super) founding: Option<CommandId>,
    /// After a failed write, nothing is tried before this.
    pub(super) retry_at: Option<Instant>,
    /// Set once this device has begun to leave.
    pub(super) leaving: Option<Leaving>,
    /// Entries of a file that are on their way in.
    pub(super) importing: Option<Import>,
    /// Logs that were written twice.
    pub(super) forks: Forks,
}

/// How far leaving is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// LEAVE is on its way to the disk.
    Writing,
    /// LEAVE is durable; the room goes at this time, or once somebody holds it.
    Telling { log: LogKey, seq: u64, until: Instant },
}

impl Rules for Membership {
    fn admits(&self, author: DeviceId) -> bool {
        self.knows(author)
    }

    fn ends(&self) -> Vec<(OrderKey, UnixMillis)> {
        Self::ends(self).collect()
    }

    fn may_delete(&self, member: DeviceId, author: DeviceId) -> bool {
        self.person(member) == self.person(author) || self.role(member).is_some_and(|role| role >= Role::Admin)
    }
}

impl Room {
    pub(super) fn new(id: RoomId, own: LogKey, standing: Standing) -> Self {
        Self {
            standing,
            brokers: Vec::new(),
            epochs: BTreeMap::new(),
            in_epoch: BTreeSet::new(),
            epoch_since: None,
            membership: Membership::new(id),
            logs: Logs::new(id, own),
            sync: Sync::default(),
            requests: BTreeMap::new(),
            declined: BTreeSet::new(),
            invite_links: BTreeMap::new(),
            held: BTreeMap::new(),
            held_dirty: BTreeMap::new(),
            held_due: None,
            reads: BTreeMap::new(),
            read: None,
            rosters: BTreeMap::new(),
            roster_due: None,
            have_dirty: BTreeSet::new(),
            have_due: None,
            receipt_due: None,
            typing_told: None,
            typing: BTreeMap::new(),
            preamble: Vec::new(),
            unsaved: false,
            batch_has_record: false,
            founding: None,
            retry_at: None,
            leaving: None,
            importing: None,
            forks: Forks::default(),
        }
    }

    pub(super) fn restore(boot: BootRoom, own: LogKey) -> Self {
        let mut room = Self::new(boot.room, own, boot.standing);
        room.brokers = boot.brokers;
        room.epochs = boot.epochs.into_iter().collect();
        let branches = Forks::branches(&boot.branches);
        room.membership.branch(branches.all());
        room.logs.restore(&boot.heads, &boot.frontier, branches);
        room.forks = Forks::restore(boot.branches);
        room.membership.extend(&boot.state);
        room.choose_log(own);
        for entry in &boot.state {
            let body = entry.payload.as_deref().and_then(|payload| Body::decode(entry.kind, payload).ok());
            if let Some(Body::Receipt { upto }) = body {
                room.put_receipt(entry.log.author, upto);
            }
        }
        for (holder, log, seq) in boot.held {
            room.held.entry(holder).or_default().insert(log, seq);
        }
        room.read = boot.read;
        room.invite_links = boot.invites.into_iter().map(|link| (link.id(), link)).collect();
        room
    }

    /// The device went down between its LEAVE and forgetting the room: goes on with that.
    pub(super) fn resume_leaving(&mut self, own: LogKey, now: Now) {
        if self.standing == Standing::Member && self.membership.has_left(own.author) {
            let until = now.mono.plus(LEAVING);
            // The LEAVE closed the log that it stands in, which is the last one that anything was written in.
            let log = self.logs.of(own.author).filter(|(log, seq)| self.membership.limit(*log) == Some(*seq)).last();
            self.leaving = log.map(|(log, seq)| Leaving::Telling { log, seq, until });
        }
    }

    /// The REMOVE of a device: by another of the same person of it alone, by anybody else of the whole person.
    pub(super) fn removal(&self, device: DeviceId) -> Body {
        let held: BTreeMap<LogId, u64> = self.logs.of(device).map(|(log, seq)| (log.log, seq)).collect();
        let heads = self.membership.closing(device, &held);
        let ours = self.membership.person(device) == self.membership.person(self.logs.own().author);
        let others = if ours { Vec::new() } else { self.closing_others(device) };
        Body::Remove { device, heads, others }
    }

    /// What a LEAVE or REMOVE of a device names of the logs of the person's other devices.
    pub(super) fn closing_others(&self, device: DeviceId) -> Vec<(LogKey, u64)> {
        let heads = self.logs.heads().iter().map(|(log, head)| (*log, head.seq)).collect();
        self.membership.closing_others(device, &heads)
    }

    /// The newest epoch and its key.
    pub(super) fn epoch(&self) -> Option<(u32, [u8; 32])> {
        self.epochs.last_key_value().map(|(epoch, key)| (*epoch, *key))
    }

    pub(super) fn sealing_keys(&self) -> Vec<(u32, SealingKey)> {
        self.epochs.iter().map(|(epoch, key)| (*epoch, SealingKey::of_epoch(key))).collect()
    }

    /// What the disk must know of the room besides its entries.
    pub(super) fn record(&self, id: RoomId) -> Vec<Op> {
        let keys = self.epochs.iter().map(|(epoch, key)| Op::PutEpoch { room: id, epoch: *epoch, key: *key });
        let record = Op::PutRoom { room: id, standing: self.standing, brokers: self.brokers.clone(), invite: None };
        std::iter::once(record).chain(keys).collect()
    }

    pub(super) fn pause(&mut self, now: Now) {
        self.retry_at = Some(now.mono.plus(STORE_PAUSE));
    }

    /// Takes a reader's mark if it is news.
    pub(super) fn put_receipt(&mut self, reader: DeviceId, upto: OrderKey) -> bool {
        let mark = self.reads.entry(reader).or_insert(upto);
        let news = *mark <= upto;
        *mark = upto.max(*mark);
        news
    }

    /// Learns where the room meets. Returns whether something was new.
    pub(super) fn learn_brokers(&mut self, urls: &[BrokerUrl]) -> bool {
        let before = self.brokers.len();
        for url in urls {
            let speaks = ["ws://", "wss://", "http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
            if speaks && url.len() <= BROKER_URL_BYTES && self.brokers.len() < BROKERS && !self.brokers.contains(url) {
                self.brokers.push(url.clone());
            }
        }
        self.brokers.len() > before
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let leaving = match self.leaving {
            Some(Leaving::Telling { until, .. }) => Some(until),
            Some(Leaving::Writing) | None => None,
        };
        [
            self.held_due,
            self.roster_due,
            self.have_due,
            self.receipt_due,
            self.retry_at,
            self.forks.next_timeout(),
            leaving,
            // While the disk is left alone nothing is asked for either: a lapsed ask must not wake us again and again.
            self.sync.next_timeout().filter(|_| self.retry_at.is_none()),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

impl Engine {
    /// The room as a host shows it; none while this device only knocks.
    pub(super) fn view(&self, id: RoomId) -> Option<RoomView> {
        let room = self.rooms.get(&id).filter(|room| room.standing != Standing::Knocking && room.founding.is_none())?;
        let members = room
            .membership
            .members()
            .iter()
            .map(|(device, member)| MemberView {
                device: *device,
                person: member.person,
                profile: room.membership.profile(*device),
                role: member.role,
                presence: self.presence(*device),
                since: member.since,
                heads: room
                    .logs
                    .heads()
                    .iter()
                    .filter(|(log, _)| log.author == *device)
                    .map(|(log, head)| (*log, head.seq))
                    .collect(),
            })
            .collect();
        let former = room.membership.former().map(|device| (device, room.membership.profile(device))).collect();
        let requests = room
            .requests
            .iter()
            .filter(|(_, request)| !request.admitting)
            .map(|(device, request)| RequestView {
                device: *device,
                profile: request.profile.clone(),
                invite: request.invite,
            })
            .collect();
        let invites = room
            .membership
            .invites()
            .iter()
            .filter(|(_, invite)| !invite.revoked && (invite.body.uses == 0 || invite.used < invite.body.uses))
            .map(|(id, invite)| InviteView {
                invite: *id,
                by: invite.by,
                uses: invite.body.uses,
                used: invite.used,
                expires: crate::time::UnixMillis(invite.body.expires.saturating_mul(1000)),
                approval: invite.body.approval,
                role: invite.body.role,
                link: room.invite_links.get(id).cloned(),
            })
            .collect();
        let limits = room.logs.heads().keys().filter_map(|log| Some((*log, room.membership.limit(*log)?))).collect();
        Some(RoomView {
            room: id,
            name: room.membership.name().to_owned(),
            about: room.membership.about().to_owned(),
            lives: room.membership.lives(),
            limits,
            forks: room.forks.count(),
            standing: room.standing,
            persons: room.membership.persons().collect(),
            members,
            former,
            requests,
            invites,
            brokers: room.brokers.clone(),
            read: room.read,
            held: room.held.clone(),
            reads: room.reads.clone(),
        })
    }

    fn presence(&self, device: DeviceId) -> Presence {
        if device == self.me || self.mesh.live(device).is_some() {
            Presence::Online
        } else if self.mesh.is_connecting(device) {
            Presence::Connecting
        } else {
            Presence::Offline
        }
    }

    /// Everyone with whom a link is wanted: the members of all rooms.
    pub(super) fn wanted_peers(&self) -> BTreeSet<DeviceId> {
        self.rooms
            .values()
            .filter(|room| room.standing == Standing::Member && room.founding.is_none())
            .flat_map(|room| room.membership.members().keys().copied())
            .filter(|device| *device != self.me)
            .collect()
    }

    /// Rooms that a peer is a member of, as we know it.
    pub(super) fn rooms_with(&self, peer: DeviceId) -> Vec<RoomId> {
        self.rooms
            .iter()
            .filter(|(_, room)| room.standing != Standing::Gone && room.membership.is_member(peer))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Hosts see presence: every room with this peer looks different now.
    pub(super) fn touch_peer(&mut self, peer: DeviceId) {
        let rooms = self.rooms_with(peer);
        self.changed.extend(rooms);
    }
}
