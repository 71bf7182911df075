//! What the hosts see: the engine's notices folded into one state, and the difference of each step as events.
//!
//! Pure: it asks nothing but a [`Library`] (what lies on the disk) and never the time. `fold` takes one notice;
//! `settle` recomputes what a batch of them made stale and so costs one look at the disk per room and batch, however
//! many messages came. Whoever applies the events to an earlier snapshot has the later snapshot: the tests hold it so.

mod delivery;
pub(crate) mod said;
pub(crate) mod views;

pub use views::{AUTO_FETCH_BYTES, order_text};
pub(crate) use views::{avatar_tag, staged_view};
use views::{message, room_of};

use crate::api::{
    self, ApiError, BlobView, BrokerState, Change, Code, Devices, Event, Join, JoinProgress, Me, Network, Phase,
    Privacy, Room, Snapshot, Transfer,
};
use crate::people::People;
use delivery::Deliveries;
use natter_engine::ids::{BlobHash, BrokerUrl, DeviceId, EntryHash, LogKey, RoomId};
use natter_engine::port::{BlobState, BrokerTrouble, Notify, OrderKey, Profile, Standing, StoreTrouble, StoredEntry};
use natter_engine::rooms::{Presence, Role, RoomView};
use natter_engine::wire::kind;
use said::Eyes;
use std::collections::{BTreeMap, BTreeSet};

/// Brokers shown at one time; more rooms than that name none that works.
pub const BROKERS_SHOWN: usize = 64;
/// Transfers remembered; a forgotten one reads as waiting until it moves again.
pub const TRANSFERS: usize = 1024;
/// Ended knocks kept for the person to see.
pub const JOINS: usize = 64;

/// Where counting the messages that nobody else holds stops.
pub const UNHELD_COUNTED: u32 = 999;

/// What lies on the disk, as far as the state needs it.
pub trait Library {
    /// Messages of others after the mark that count in the room, and the first of them.
    fn unread(&self, view: &RoomView) -> (u32, Option<EntryHash>);
    /// The newest shown entry that counts in the room.
    fn last(&self, view: &RoomView) -> Option<StoredEntry>;
    /// One entry.
    fn entry(&self, room: RoomId, hash: EntryHash) -> Option<StoredEntry>;
    /// What was said of these entries.
    fn related(&self, room: RoomId, targets: &[EntryHash]) -> Vec<StoredEntry>;
    /// What this person has begun to write.
    fn draft(&self, room: RoomId) -> Option<String>;
    /// Messages of a log after one place up to another, counted to [`UNHELD_COUNTED`].
    fn spoken_in(&self, room: RoomId, log: LogKey, after: u64, upto: u64) -> u32;
    /// Whether the whole content is here.
    fn has_blob(&self, blob: BlobHash) -> bool;
}

/// What the person looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Focus {
    /// Whether the window has the focus.
    pub focused: bool,
    /// The open room.
    pub room: Option<RoomId>,
}

/// One room, as last told.
struct Kept {
    view: RoomView,
    shown: Option<Room>,
    last: Option<StoredEntry>,
    unread: (u32, Option<EntryHash>),
    draft: Option<String>,
    /// Logs that this device writes or wrote here.
    own_logs: BTreeSet<LogKey>,
    /// Own messages that nobody else holds.
    unheld: u32,
    deliveries: Deliveries,
}

/// This device, as the engine calls it.
struct Own {
    device: DeviceId,
    profile: Profile,
    unprotected: bool,
}

/// The state.
pub struct Mirror {
    rev: u64,
    phase: Phase,
    own: Option<Own>,
    rooms: BTreeMap<RoomId, Kept>,
    joins: BTreeMap<RoomId, Join>,
    devices: Devices,
    configured: Vec<BrokerUrl>,
    embedded: Vec<BrokerUrl>,
    brokers: BTreeMap<BrokerUrl, Option<BrokerTrouble>>,
    /// Where the broker inside would be, had it found a port.
    homeless: Option<BrokerUrl>,
    network: Network,
    transfers: BTreeMap<BlobHash, Transfer>,
    focus: Focus,
    people: People,
    eyes: Eyes,
    privacy: Privacy,
    /// Rooms whose newest message or unread count must be read again.
    stale: BTreeSet<RoomId>,
    /// Rooms whose own messages may be held by more or fewer than before.
    holding: BTreeSet<RoomId>,
    /// Rooms whose view changed.
    changed: BTreeSet<RoomId>,
    events: Vec<Event>,
}

impl Mirror {
    /// Before anything is known.
    pub fn new(phase: Phase) -> Self {
        Self {
            rev: 0,
            phase,
            own: None,
            rooms: BTreeMap::new(),
            joins: BTreeMap::new(),
            devices: Devices::default(),
            configured: Vec::new(),
            embedded: Vec::new(),
            brokers: BTreeMap::new(),
            homeless: None,
            network: Network { brokers: Vec::new(), links: 0, embedded: Vec::new() },
            transfers: BTreeMap::new(),
            focus: Focus::default(),
            people: People::default(),
            eyes: Eyes::default(),
            privacy: Privacy::default(),
            stale: BTreeSet::new(),
            holding: BTreeSet::new(),
            changed: BTreeSet::new(),
            events: Vec::new(),
        }
    }

    /// The whole state.
    pub fn snapshot(&self) -> Snapshot {
        let mut rooms: Vec<&Kept> = self.rooms.values().filter(|kept| kept.shown.is_some()).collect();
        rooms.sort_by(|a, b| {
            let newest = |kept: &Kept| kept.last.as_ref().map(|entry| entry.order);
            newest(b).cmp(&newest(a)).then_with(|| a.view.name.cmp(&b.view.name))
        });
        Snapshot {
            rev: self.rev,
            phase: self.phase,
            me: self.me(),
            rooms: rooms.into_iter().filter_map(|kept| kept.shown.clone()).collect(),
            joins: self.joins.values().cloned().collect(),
            devices: self.devices.clone(),
            network: self.network.clone(),
            privacy: self.privacy,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// What happened since the last call, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Where the app stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Moves the app on.
    pub fn set_phase(&mut self, phase: Phase) {
        if self.phase != phase {
            self.phase = phase;
            self.tell(Change::Phase { phase });
        }
    }

    /// Who this device is, once it is known or its profile changed.
    pub fn set_own(&mut self, device: DeviceId, profile: Profile, unprotected: bool) {
        let before = self.me();
        self.eyes.own = Some(device);
        self.own = Some(Own { device, profile, unprotected });
        if let Some(me) = self.me().filter(|me| Some(me) != before.as_ref()) {
            self.tell(Change::Me { me });
        }
    }

    /// This device's key, once known.
    pub fn device(&self) -> Option<DeviceId> {
        self.own.as_ref().map(|own| own.device)
    }

    /// What this device shows of itself.
    pub fn profile(&self) -> Option<&Profile> {
        self.own.as_ref().map(|own| &own.profile)
    }

    /// The brokers that the person set, and the URLs of the embedded one.
    pub fn set_brokers(&mut self, configured: Vec<BrokerUrl>, embedded: Vec<BrokerUrl>) {
        self.configured = configured;
        self.embedded = embedded;
        self.refresh_network();
    }

    /// The broker inside found no free port; `url` is where it would be.
    pub fn without_port(&mut self, url: BrokerUrl) {
        self.homeless = Some(url);
        self.refresh_network();
    }

    /// The brokers that the person set.
    pub fn configured(&self) -> &[BrokerUrl] {
        &self.configured
    }

    /// The embedded broker's URLs.
    pub fn embedded(&self) -> &[BrokerUrl] {
        &self.embedded
    }

    /// What the person looks at now.
    pub fn set_focus(&mut self, focus: Focus) {
        self.focus = focus;
    }

    /// The devices of this person.
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// This device waits to be linked with another: at a command, or again after a start; or no longer does.
    pub fn set_linking(&mut self, linking: Option<JoinProgress>) {
        self.set_devices(Devices { linking, ..self.devices.clone() });
    }

    /// Takes a wait to be linked that has ended off the list. False when there is none.
    pub fn dismiss_linking(&mut self) -> bool {
        let ended = self.devices.linking.is_some_and(is_over);
        if ended {
            self.set_linking(None);
        }
        ended
    }

    fn set_devices(&mut self, devices: Devices) {
        if self.devices != devices {
            self.devices = devices;
            self.tell(Change::Devices { devices: self.devices.clone() });
        }
    }

    fn on_devices(&mut self, view: &natter_engine::rooms::DevicesView) {
        let Some(own) = self.device() else { return };
        let shown = views::devices(view, own);
        self.set_devices(Devices { linking: self.devices.linking, ..shown });
    }

    /// A knock begins: at a command, or again after a start.
    pub fn knocking(&mut self, room: RoomId, room_name: String) {
        let join = Join { room: room.to_string(), room_name, progress: JoinProgress::Connecting, asked: None };
        if self.joins.get(&room) == Some(&join) {
            return;
        }
        while self.joins.len() >= JOINS
            && let Some(ended) = self.joins.iter().find(|(_, join)| is_over(join.progress)).map(|(room, _)| *room)
        {
            self.joins.remove(&ended);
        }
        self.joins.insert(room, join.clone());
        self.tell(Change::Join { join });
    }

    /// Takes an ended knock off the list. False when there is none, or it still goes on.
    pub fn dismiss_join(&mut self, room: RoomId) -> bool {
        if !self.joins.get(&room).is_some_and(|join| is_over(join.progress)) {
            return false;
        }
        self.end_join(room, JoinProgress::Cancelled);
        true
    }

    /// A knock that never began: the engine refused it.
    pub fn forget_join(&mut self, room: RoomId) {
        self.end_join(room, JoinProgress::Cancelled);
    }

    /// A room as the engine last described it.
    pub fn room(&self, room: RoomId) -> Option<&RoomView> {
        self.rooms.get(&room).map(|kept| &kept.view)
    }

    /// Every room, as the engine last described it.
    pub fn rooms(&self) -> impl Iterator<Item = &RoomView> {
        self.rooms.values().map(|kept| &kept.view)
    }

    /// How a blob's transfer stands, if it moved.
    pub fn transfer(&self, blob: BlobHash) -> Option<Transfer> {
        self.transfers.get(&blob).copied()
    }

    /// Remembers that an own message is on a screen, so that its receipts are told.
    pub fn watch(&mut self, room: RoomId, entries: &[StoredEntry]) {
        let Some(own) = self.device() else { return };
        let Some(kept) = self.rooms.get_mut(&room) else { return };
        for entry in entries.iter().filter(|entry| entry.order.author == own) {
            kept.deliveries.watch(entry, &kept.view, own);
        }
    }

    /// The message as it is shown now.
    pub fn show(&self, entry: &StoredEntry, library: &dyn Library) -> crate::api::Message {
        let related = library.related(entry.room, &[entry.order.hash]);
        self.show_with(entry, &related, library)
    }

    /// The messages of one room as they are shown now.
    pub fn show_all(&self, room: RoomId, entries: &[StoredEntry], library: &dyn Library) -> Vec<crate::api::Message> {
        let spoken = entries.iter().filter(|entry| kind::SPOKEN.contains(&entry.kind));
        let targets: Vec<EntryHash> = spoken.map(|entry| entry.order.hash).collect();
        let related = said::by_target(library.related(room, &targets));
        let about = |entry: &StoredEntry| related.get(&entry.order.hash).map_or(&[][..], Vec::as_slice);
        entries.iter().map(|entry| self.show_with(entry, about(entry), library)).collect()
    }

    /// Every wording of a message.
    pub fn wordings(&self, entry: &StoredEntry, library: &dyn Library) -> Vec<crate::api::Wording> {
        let related = library.related(entry.room, &[entry.order.hash]);
        said::wordings(entry, said::fold(entry, &related, self.room(entry.room), &self.eyes))
    }

    /// Whether the room shows what the entry says.
    pub fn counts(&self, entry: &StoredEntry) -> bool {
        self.eyes.see(entry, self.room(entry.room))
    }

    fn show_with(&self, entry: &StoredEntry, related: &[StoredEntry], library: &dyn Library) -> crate::api::Message {
        let own = self.device();
        let view = self.room(entry.room);
        let said = said::fold(entry, related, view, &self.eyes);
        message(entry, said, own, view, |blob, size| self.transfer_of(blob, size, library))
    }

    /// Whose eyes look.
    pub(crate) fn eyes(&self) -> Eyes {
        self.eyes.clone()
    }

    /// What was decided about others.
    pub(crate) fn people(&self) -> &People {
        &self.people
    }

    /// What was decided about others, once it is on the disk. Ask for the rooms anew with eyes that have changed.
    pub(crate) fn set_people(&mut self, people: People) {
        let blocked: BTreeSet<DeviceId> = people.blocked().collect();
        if *self.eyes.blocked != blocked {
            let changed: BTreeSet<DeviceId> = self.eyes.blocked.symmetric_difference(&blocked).copied().collect();
            let rooms = self.rooms.iter().filter(|(_, kept)| {
                let members = kept.view.members.iter().map(|member| member.device);
                members
                    .chain(kept.view.former.iter().map(|(device, _)| *device))
                    .any(|device| changed.contains(&device))
            });
            let rooms: Vec<RoomId> = rooms.map(|(room, _)| *room).collect();
            self.eyes.blocked = std::sync::Arc::new(blocked);
            for room in rooms {
                self.stale.insert(room);
                self.tell(Change::Reread { room: room.to_string() });
            }
        }
        self.people = people;
        self.changed.extend(self.rooms.keys().copied());
    }

    /// What others are told of this person.
    pub fn privacy(&self) -> Privacy {
        self.privacy
    }

    /// What others are told of this person, once it is on the disk.
    pub fn set_privacy(&mut self, privacy: Privacy) {
        if self.privacy != privacy {
            self.privacy = privacy;
            self.tell(Change::Privacy { privacy });
        }
    }

    /// What this person has begun to write in a room, once it is on the disk.
    pub fn set_draft(&mut self, room: RoomId, draft: Option<String>, library: &dyn Library) {
        if let Some(kept) = self.rooms.get_mut(&room) {
            kept.draft = draft;
            self.tell_room(room, library);
        }
    }

    fn transfer_of(&self, blob: BlobHash, size: u64, library: &dyn Library) -> Transfer {
        if library.has_blob(blob) {
            return Transfer::Here;
        }
        self.transfer(blob).unwrap_or(if size <= AUTO_FETCH_BYTES { Transfer::Waiting } else { Transfer::Offered })
    }

    /// Something went wrong that no command waits for.
    pub fn trouble(&mut self, error: ApiError) {
        self.tell(Change::Trouble { error });
    }

    /// Takes one notice of the engine's.
    pub fn fold(&mut self, notice: Notify, library: &dyn Library) {
        match notice {
            Notify::Room(view) => self.on_room(*view, library),
            Notify::RoomForgotten(room) => self.on_forgotten(room),
            Notify::Entry { entry, live } => self.on_entry(&entry, live, library),
            Notify::Held { room, holder, log, seq } => {
                if let Some(kept) = self.rooms.get_mut(&room) {
                    if kept.own_logs.contains(&log) {
                        self.holding.insert(room);
                    }
                    let held = kept.view.held.entry(holder).or_default().entry(log).or_default();
                    let before = std::mem::replace(held, seq.max(*held));
                    kept.deliveries.held(log, before, seq);
                }
            }
            Notify::Erased { room, entries } => {
                for entry in entries {
                    self.retell(room, entry, library);
                }
            }
            Notify::Typing { room, device } => self.on_typing(room, device),
            Notify::Devices(view) => self.on_devices(&view),
            Notify::Linking(state) => {
                let progress = views::join_progress(state);
                let goes_on = !matches!(progress, JoinProgress::Admitted | JoinProgress::Cancelled);
                self.set_linking(goes_on.then_some(progress));
            }
            Notify::Profile(profile) => {
                if let Some(own) = self.own.as_ref().map(|own| (own.device, own.unprotected)) {
                    self.set_own(own.0, profile, own.1);
                }
            }
            Notify::Read { room, reader, upto } => self.on_read(room, reader, upto),
            Notify::Join { room, state } => self.on_join(room, views::join_progress(state)),
            Notify::Ask { invite, state } => self.on_join(RoomId(invite.0), views::join_progress(state)),
            Notify::Found { invite, room, room_name } => self.on_found(RoomId(invite.0), room, room_name),
            Notify::Blob { blob, state } => self.on_blob(blob, state),
            Notify::Broker { broker, trouble } => {
                if self.brokers.contains_key(&broker) || self.brokers.len() < BROKERS_SHOWN {
                    self.brokers.insert(broker, trouble);
                    self.refresh_network();
                }
            }
            Notify::PeerMisbehaved { peer, rule } => {
                tracing::warn!(peer = ?peer, rule, "a peer broke a rule");
            }
            Notify::StoreTrouble(trouble) => self.trouble(store_trouble(trouble)),
        }
    }

    /// Tells what a batch of notices changed about rooms as a whole.
    pub fn settle(&mut self, library: &dyn Library) {
        let Some(own) = self.device() else { return };
        for room in std::mem::take(&mut self.stale) {
            if let Some(kept) = self.rooms.get_mut(&room) {
                kept.last = library.last(&kept.view);
                kept.unread = library.unread(&kept.view);
                self.changed.insert(room);
            }
        }
        for room in std::mem::take(&mut self.holding) {
            if let Some(kept) = self.rooms.get_mut(&room) {
                let unheld = unheld(kept, own, library);
                if std::mem::replace(&mut kept.unheld, unheld) != unheld {
                    self.changed.insert(room);
                }
            }
        }
        let rooms: Vec<RoomId> = self.rooms.keys().copied().collect();
        for room in rooms {
            let Some(kept) = self.rooms.get_mut(&room) else { continue };
            let delivery = kept.deliveries.settle(&kept.view, own);
            if !delivery.is_empty() {
                self.changed.insert(room);
                self.tell(Change::Delivery { room: room.to_string(), delivery });
            }
        }
        for room in std::mem::take(&mut self.changed) {
            self.tell_room(room, library);
        }
        self.refresh_network();
    }

    fn on_room(&mut self, view: RoomView, library: &dyn Library) {
        let room = view.room;
        self.holding.insert(room);
        let own = self.device();
        let mine = view.members.iter().filter(|member| Some(member.device) == own);
        let own_logs: Vec<LogKey> = mine.flat_map(|member| member.heads.keys().copied()).collect();
        match self.rooms.get_mut(&room) {
            Some(kept) => {
                // Of what is shown: how far logs are heard, which log each entry lies in, and whose words are whose.
                let other_limits = kept.view.limits != view.limits
                    || kept.view.forks != view.forks
                    || kept.view.persons != view.persons;
                if kept.view.read != view.read || other_limits {
                    self.stale.insert(room);
                }
                kept.own_logs.extend(own_logs);
                let news: Vec<_> = view
                    .requests
                    .iter()
                    .filter(|request| kept.view.requests.iter().all(|known| known.device != request.device))
                    .cloned()
                    .collect();
                kept.deliveries.view_changed(&kept.view, &view);
                kept.view = view;
                self.ring_for_requests(room, news);
                if other_limits {
                    self.tell(Change::Reread { room: room.to_string() });
                }
            }
            None => {
                let news = view.requests.clone();
                self.stale.insert(room);
                self.rooms.insert(
                    room,
                    Kept {
                        view,
                        shown: None,
                        last: None,
                        unread: (0, None),
                        draft: library.draft(room),
                        own_logs: own_logs.into_iter().collect(),
                        unheld: 0,
                        deliveries: Deliveries::default(),
                    },
                );
                self.ring_for_requests(room, news);
            }
        }
        self.changed.insert(room);
    }

    fn ring_for_requests(&mut self, room: RoomId, news: Vec<natter_engine::rooms::RequestView>) {
        let Some(view) = self.room(room) else { return };
        if !self.may_approve(view) {
            return;
        }
        let room_name = view.name.clone();
        let news = news.into_iter().filter(|request| !self.eyes.blocked.contains(&request.device));
        for request in news.collect::<Vec<_>>() {
            self.tell(Change::Ring {
                room: room.to_string(),
                room_name: room_name.clone(),
                message: None,
                name: request.profile.name,
                text: String::new(),
            });
        }
    }

    fn may_approve(&self, view: &RoomView) -> bool {
        let own = self.device();
        view.members.iter().any(|member| Some(member.device) == own && member.role >= Role::Admin)
    }

    fn on_forgotten(&mut self, room: RoomId) {
        self.stale.remove(&room);
        self.holding.remove(&room);
        self.changed.remove(&room);
        if self.rooms.remove(&room).is_some_and(|kept| kept.shown.is_some()) {
            self.tell(Change::RoomRemoved { room: room.to_string() });
        }
    }

    fn on_entry(&mut self, entry: &StoredEntry, live: bool, library: &dyn Library) {
        let room = entry.room;
        if Some(entry.order.author) == self.device()
            && let Some(kept) = self.rooms.get_mut(&room)
        {
            kept.own_logs.insert(entry.log);
            self.holding.insert(room);
        }
        if !self.counts(entry) {
            return;
        }
        if said::is_about(entry) {
            if let Some(target) = entry.target {
                self.retell(room, target, library);
            }
            return;
        }
        if !is_shown(entry) {
            return;
        }
        self.watch(room, std::slice::from_ref(entry));
        self.stale.insert(room);
        let message = self.show(entry, library);
        let rings = live && !message.own && kind::SPOKEN.contains(&entry.kind) && !self.is_watched(room);
        let ring = rings.then(|| Change::Ring {
            room: room.to_string(),
            room_name: self.room(room).map(|view| view.name.clone()).unwrap_or_default(),
            message: Some(message.id.clone()),
            name: views::name_of(self.room(room), entry.order.author),
            text: views::one_line(&message.body),
        });
        self.tell(Change::Message { room: room.to_string(), message: Box::new(message) });
        if let Some(ring) = ring {
            self.tell(ring);
        }
    }

    /// Tells a message anew: something was said of it, or its words are gone.
    fn retell(&mut self, room: RoomId, target: EntryHash, library: &dyn Library) {
        // One that is not here yet is told with all that was said of it once it comes.
        let Some(entry) = library.entry(room, target).filter(|entry| is_shown(entry) && self.counts(entry)) else {
            return;
        };
        self.watch(room, std::slice::from_ref(&entry));
        self.stale.insert(room);
        let message = self.show(&entry, library);
        self.tell(Change::Message { room: room.to_string(), message: Box::new(message) });
    }

    fn is_watched(&self, room: RoomId) -> bool {
        self.focus == Focus { focused: true, room: Some(room) }
    }

    fn on_read(&mut self, room: RoomId, reader: DeviceId, upto: OrderKey) {
        let own = self.device();
        let Some(kept) = self.rooms.get_mut(&room) else { return };
        if own.is_some_and(|own| kept.view.person(own) == kept.view.person(reader)) {
            if kept.view.read < Some(upto) {
                kept.view.read = Some(upto);
                self.stale.insert(room);
            }
            return;
        }
        let before = kept.view.reads.get(&reader).copied();
        if before < Some(upto) {
            kept.view.reads.insert(reader, upto);
            kept.deliveries.read(before, upto);
        }
    }

    fn on_typing(&mut self, room: RoomId, device: DeviceId) {
        let Some(view) = self.room(room) else { return };
        let person = view.person(device);
        let own = self.device().is_some_and(|own| view.person(own) == person);
        if !own && !self.eyes.blocks(device, Some(view)) {
            self.tell(Change::Typing { room: room.to_string(), device: person.to_string() });
        }
    }

    fn on_join(&mut self, room: RoomId, progress: JoinProgress) {
        if matches!(progress, JoinProgress::Admitted | JoinProgress::Cancelled) {
            self.end_join(room, progress);
            return;
        }
        let known = self.joins.get(&room);
        let asked = known.and_then(|join| join.asked.clone());
        let room_name = known
            .map(|join| join.room_name.clone())
            .or_else(|| self.room(room).map(|view| view.name.clone()))
            .unwrap_or_default();
        let join = Join { room: room.to_string(), room_name, progress, asked };
        if self.joins.insert(room, join.clone()).as_ref() != Some(&join) {
            self.tell(Change::Join { join });
        }
    }

    /// What was asked for by words has a room now.
    fn on_found(&mut self, asked: RoomId, room: RoomId, room_name: String) {
        let progress = self.joins.get(&room).map_or(JoinProgress::Connecting, |join| join.progress);
        let join = Join { room: room.to_string(), room_name, progress, asked: Some(asked.to_string()) };
        self.joins.insert(room, join.clone());
        self.tell(Change::Join { join });
        self.end_join(asked, JoinProgress::Cancelled);
    }

    fn end_join(&mut self, room: RoomId, progress: JoinProgress) {
        if let Some(mut join) = self.joins.remove(&room) {
            join.progress = progress;
            self.tell(Change::Join { join });
        }
    }

    fn on_blob(&mut self, blob: BlobHash, state: BlobState) {
        let transfer = views::transfer(state);
        match transfer {
            // The disk tells from here on.
            Transfer::Here => {
                self.transfers.remove(&blob);
            }
            Transfer::Offered | Transfer::Waiting | Transfer::Progress { .. } | Transfer::Failed { .. } => {
                if self.transfers.insert(blob, transfer) == Some(transfer) {
                    return;
                }
                if self.transfers.len() > TRANSFERS
                    && let Some(other) = self.transfers.keys().copied().find(|other| *other != blob)
                {
                    self.transfers.remove(&other);
                }
            }
        }
        self.tell(Change::Blob { blob: BlobView { blob: blob.to_string(), transfer } });
    }

    fn tell_room(&mut self, room: RoomId, library: &dyn Library) {
        let (Some(own), Some(kept)) = (self.device(), self.rooms.get(&room)) else { return };
        if kept.view.standing == Standing::Knocking {
            return;
        }
        let last = kept.last.as_ref().map(|entry| self.show(entry, library));
        let told = views::Told {
            last,
            unread: kept.unread.0,
            first_unread: kept.unread.1,
            draft: kept.draft.clone(),
            unheld: kept.unheld,
        };
        let shown = room_of(&kept.view, own, self.may_approve(&kept.view), &|device| self.people.of(device), told);
        if kept.shown.as_ref() == Some(&shown) {
            return;
        }
        if let Some(kept) = self.rooms.get_mut(&room) {
            kept.shown = Some(shown.clone());
        }
        self.tell(Change::Room { room: Box::new(shown) });
    }

    fn refresh_network(&mut self) {
        let own = self.device();
        let linked: BTreeSet<DeviceId> = self
            .rooms()
            .flat_map(|view| &view.members)
            .filter(|member| member.presence == Presence::Online && Some(member.device) != own)
            .map(|member| member.device)
            .collect();
        let named: BTreeSet<&BrokerUrl> =
            self.rooms().filter(|view| view.standing != Standing::Gone).flat_map(|view| &view.brokers).collect();
        let mine: BTreeSet<&BrokerUrl> = self.configured.iter().chain(&self.embedded).collect();
        let used = |url: &BrokerUrl| mine.contains(url) || named.contains(url) || !self.joins.is_empty();
        // Our own is in this process: it is there even while no room needs an address at it.
        let inside = self.embedded.last();
        let always = self.configured.iter().chain(inside);
        let urls: BTreeSet<&BrokerUrl> =
            always.chain(self.brokers.keys().filter(|url| used(url))).take(BROKERS_SHOWN).collect();
        let without_port = self.homeless.iter().map(|url| BrokerState {
            url: url.clone(),
            own: true,
            configured: false,
            up: false,
            trouble: Some(api::BrokerTrouble::NoPort),
        });
        let network = Network {
            brokers: urls
                .into_iter()
                .filter(|url| Some(*url) != self.homeless.as_ref())
                .map(|url| BrokerState {
                    url: url.clone(),
                    own: self.embedded.contains(url),
                    configured: self.configured.contains(url),
                    up: match self.brokers.get(url) {
                        Some(trouble) => trouble.is_none(),
                        None => inside == Some(url),
                    },
                    trouble: self.brokers.get(url).copied().flatten().map(views::trouble),
                })
                .chain(without_port)
                .collect(),
            links: u32::try_from(linked.len()).unwrap_or(u32::MAX),
            embedded: self.embedded.clone(),
        };
        if network != self.network {
            self.network = network.clone();
            self.tell(Change::Network { network });
        }
    }

    fn me(&self) -> Option<Me> {
        self.own.as_ref().map(|own| views::me(own.device, &own.profile, own.unprotected))
    }

    fn tell(&mut self, change: Change) {
        self.rev += 1;
        self.events.push(Event { rev: self.rev, change });
    }
}

/// Whether a timeline shows the entry.
pub fn is_shown(entry: &StoredEntry) -> bool {
    kind::SHOWN.contains(&entry.kind)
}

/// Own messages that no other member holds, counted to [`UNHELD_COUNTED`]. Alone there is nobody to hold them, and out of
/// the room nobody who would.
fn unheld(kept: &Kept, own: DeviceId, library: &dyn Library) -> u32 {
    let view = &kept.view;
    let others = || view.members.iter().map(|member| member.device).filter(|device| *device != own);
    if view.standing != Standing::Member || others().next().is_none() {
        return 0;
    }
    let mut all = 0u32;
    for log in &kept.own_logs {
        let held_by = |device| view.held.get(&device).and_then(|logs| logs.get(log)).copied();
        let held = others().filter_map(held_by).max().unwrap_or(0);
        // Of a log that was closed early, the rest was never taken up and nobody will hold it.
        let upto = view.limits.get(log).copied().unwrap_or(i64::MAX as u64);
        if held < upto {
            all = all.saturating_add(library.spoken_in(view.room, *log, held, upto));
        }
    }
    all.min(UNHELD_COUNTED)
}

fn is_over(progress: JoinProgress) -> bool {
    match progress {
        JoinProgress::Connecting | JoinProgress::WaitingForMember | JoinProgress::WaitingForApproval => false,
        JoinProgress::Admitted
        | JoinProgress::Declined
        | JoinProgress::UsedUp
        | JoinProgress::Expired
        | JoinProgress::Void
        | JoinProgress::Cancelled
        | JoinProgress::AlreadyMember => true,
    }
}

/// What a host is told of a store that fails.
pub fn store_trouble(trouble: StoreTrouble) -> ApiError {
    match trouble {
        StoreTrouble::DiskFull => ApiError::disk_full(),
        StoreTrouble::Locked => ApiError::in_use(),
        StoreTrouble::Damaged => ApiError::damaged("the database is damaged"),
        StoreTrouble::Failed => ApiError::new(
            Code::DiskFailed,
            "the disk refused to save this; what was saved before is safe: check the disk, then try again",
        ),
    }
}

#[cfg(test)]
mod tests;
