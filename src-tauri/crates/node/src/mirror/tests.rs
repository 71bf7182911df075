//! Stories: what the engine says, and what a person then sees.

mod devices;

use super::*;
use crate::api::{Delivery, DeliveryState, MessageBody};
use natter_engine::ids::{InviteId, LogId, LogKey};
use natter_engine::port::JoinState;
use natter_engine::rooms::{MemberView, RequestView};
use natter_engine::time::{Hlc, UnixMillis};
use natter_engine::wire::{Act, Body, Mention, Picture, Text};
use std::cell::RefCell;

const ME: DeviceId = DeviceId([1; 32]);
const ADA: DeviceId = DeviceId([2; 32]);
const BOB: DeviceId = DeviceId([3; 32]);
const ROOM: RoomId = RoomId([9; 32]);

fn log(author: DeviceId) -> LogKey {
    LogKey { author, log: LogId([0; 16]) }
}

#[derive(Default)]
struct Disk {
    entries: RefCell<Vec<StoredEntry>>,
    blobs: RefCell<Vec<BlobHash>>,
    draft: RefCell<Option<String>>,
    eyes: RefCell<Eyes>,
}

impl Library for Disk {
    fn unread(&self, view: &RoomView) -> (u32, Option<EntryHash>) {
        let (room, after) = (view.room, view.read);
        let entries = self.entries.borrow();
        let mut new: Vec<_> = entries
            .iter()
            .filter(|e| {
                e.room == room
                    && view.person(e.order.author) != view.person(ME)
                    && kind::SPOKEN.contains(&e.kind)
                    && Some(e.order) > after
                    && self.eyes.borrow().see(e, Some(view))
            })
            .collect();
        new.sort_by_key(|e| e.order);
        (u32::try_from(new.len()).expect("few"), new.first().map(|e| e.order.hash))
    }

    fn last(&self, view: &RoomView) -> Option<StoredEntry> {
        let entries = self.entries.borrow();
        let shown = entries.iter().filter(|e| is_shown(e) && self.eyes.borrow().see(e, Some(view)));
        shown.filter(|e| e.room == view.room).max_by_key(|e| e.order).cloned()
    }

    fn entry(&self, _: RoomId, hash: EntryHash) -> Option<StoredEntry> {
        self.entries.borrow().iter().find(|e| e.order.hash == hash).cloned()
    }

    fn related(&self, _: RoomId, targets: &[EntryHash]) -> Vec<StoredEntry> {
        let entries = self.entries.borrow();
        let mut found: Vec<_> =
            entries.iter().filter(|e| e.target.is_some_and(|target| targets.contains(&target))).cloned().collect();
        found.sort_by_key(|e| e.order);
        found
    }

    fn draft(&self, _: RoomId) -> Option<String> {
        self.draft.borrow().clone()
    }

    fn spoken_in(&self, _: RoomId, log: LogKey, after: u64, upto: u64) -> u32 {
        let entries = self.entries.borrow();
        let spoken = entries.iter().filter(|e| e.log == log && kind::SPOKEN.contains(&e.kind));
        u32::try_from(spoken.filter(|e| e.seq > after && e.seq <= upto).count()).expect("few")
    }

    fn has_blob(&self, blob: BlobHash) -> bool {
        self.blobs.borrow().contains(&blob)
    }
}

/// A host: the first snapshot, and every event applied to it.
struct Story {
    mirror: Mirror,
    disk: Disk,
    host: Snapshot,
    events: Vec<Change>,
    next: u64,
}

impl Story {
    fn new() -> Self {
        let mut mirror = Mirror::new(Phase::Ready);
        mirror.set_own(ME, Profile { name: "Me".into(), avatar: None }, false);
        mirror.take_events();
        let host = mirror.snapshot();
        let disk = Disk::default();
        disk.eyes.replace(mirror.eyes());
        Self { mirror, disk, host, events: Vec::new(), next: 1 }
    }

    fn with_room() -> Self {
        let mut story = Self::new();
        story.fold(Notify::Room(Box::new(room(&[ME, ADA, BOB]))));
        story
    }

    fn fold(&mut self, notice: Notify) {
        self.mirror.fold(notice, &self.disk);
        self.settle();
    }

    fn settle(&mut self) {
        self.mirror.settle(&self.disk);
        for event in self.mirror.take_events() {
            assert_eq!(event.rev, self.host.rev + 1, "no revision is left out");
            self.host.rev = event.rev;
            apply(&mut self.host, &event.change);
            self.events.push(event.change);
        }
        let mut expected = self.mirror.snapshot();
        expected.rooms.sort_by(|a, b| a.id.cmp(&b.id));
        self.host.rooms.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(format!("{:?}", self.host), format!("{expected:?}"), "events lead to the snapshot");
    }

    fn entry(&mut self, author: DeviceId, body: &Body, live: bool) -> StoredEntry {
        let n = self.next;
        self.next += 1;
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&n.to_be_bytes());
        let entry = StoredEntry {
            room: ROOM,
            log: log(author),
            seq: n,
            order: OrderKey { clock: Hlc(n << 16), author, hash: EntryHash(hash) },
            kind: body.kind(),
            header: Vec::new(),
            signature: [0; 64],
            salt: [0; 16],
            payload: Some(body.encode()),
            blobs: body.blobs(),
            target: body.target(),
            words: body.words().map(ToOwned::to_owned),
            expires: body.expires(UnixMillis(n)),
            first_seen: UnixMillis(n),
            shown: UnixMillis(n),
        };
        self.disk.entries.borrow_mut().push(entry.clone());
        self.fold(Notify::Entry { entry: Box::new(entry.clone()), live });
        entry
    }

    fn says(&mut self, author: DeviceId, text: &str) -> StoredEntry {
        self.entry(author, &Body::Text(Text::plain(text)), true)
    }

    fn room(&self) -> &Room {
        &self.host.rooms[0]
    }

    fn rings(&mut self) -> Vec<(String, String)> {
        let rings = self.events.drain(..).filter_map(|change| match change {
            Change::Ring { name, text, .. } => Some((name, text)),
            _ => None,
        });
        rings.collect()
    }

    fn delivery_of(&self, entry: &StoredEntry) -> Option<Delivery> {
        let id = entry.order.hash.to_string();
        self.events.iter().rev().find_map(|change| match change {
            Change::Delivery { delivery, .. } => delivery.get(&id).cloned(),
            Change::Message { message, .. } if message.id == id => message.delivery.clone(),
            _ => None,
        })
    }
}

fn apply(host: &mut Snapshot, change: &Change) {
    match change.clone() {
        Change::Phase { phase } => host.phase = phase,
        Change::Me { me } => host.me = Some(me),
        Change::Room { room } => {
            host.rooms.retain(|other| other.id != room.id);
            host.rooms.push(*room);
        }
        Change::RoomRemoved { room } => host.rooms.retain(|other| other.id != room),
        Change::Join { join } => {
            host.joins.retain(|other| other.room != join.room);
            if !matches!(join.progress, JoinProgress::Admitted | JoinProgress::Cancelled) {
                host.joins.push(join);
                host.joins.sort_by(|a, b| a.room.cmp(&b.room));
            }
        }
        Change::Network { network } => host.network = network,
        Change::Privacy { privacy } => host.privacy = privacy,
        Change::Devices { devices } => host.devices = devices,
        Change::Message { .. }
        | Change::Delivery { .. }
        | Change::Blob { .. }
        | Change::Typing { .. }
        | Change::Reread { .. }
        | Change::Ring { .. }
        | Change::Trouble { .. } => {}
    }
}

fn member(device: DeviceId, name: &str, presence: Presence) -> MemberView {
    MemberView {
        device,
        person: device,
        profile: Profile { name: name.into(), avatar: None },
        role: if device == ME { Role::Creator } else { Role::Member },
        presence,
        since: UnixMillis(0),
        heads: BTreeMap::new(),
    }
}

fn room(devices: &[DeviceId]) -> RoomView {
    let name = |device: DeviceId| {
        if device == ME {
            "Me"
        } else if device == ADA {
            "Ada"
        } else {
            "Bob"
        }
    };
    RoomView {
        room: ROOM,
        name: "Kitchen".into(),
        about: String::new(),
        lives: None,
        limits: BTreeMap::new(),
        forks: BTreeMap::new(),
        standing: Standing::Member,
        members: devices
            .iter()
            .map(|d| member(*d, name(*d), if *d == ME { Presence::Online } else { Presence::Offline }))
            .collect(),
        former: Vec::new(),
        persons: BTreeMap::new(),
        requests: Vec::new(),
        invites: Vec::new(),
        brokers: Vec::new(),
        read: None,
        held: BTreeMap::new(),
        reads: BTreeMap::new(),
    }
}

#[test]
fn a_message_of_ada_is_shown_counted_and_rings_once() {
    let mut story = Story::with_room();
    let entry = story.says(ADA, "hello\nworld");
    assert_eq!(story.room().unread, 1);
    assert_eq!(story.room().first_unread, Some(entry.order.hash.to_string()));
    assert_eq!(
        story.room().last.as_ref().map(|m| m.body.clone()),
        Some(MessageBody::Text { text: "hello\nworld".into(), mentions: Vec::new() })
    );
    assert_eq!(story.rings(), [("Ada".to_owned(), "hello".to_owned())]);
}

#[test]
fn nothing_rings_for_own_words_history_or_the_open_room() {
    let mut story = Story::with_room();
    story.says(ME, "mine");
    story.entry(ADA, &Body::Text(Text::plain("old")), false);
    story.mirror.set_focus(Focus { focused: true, room: Some(ROOM) });
    story.says(ADA, "seen");
    assert_eq!(story.rings(), []);
    story.mirror.set_focus(Focus { focused: false, room: Some(ROOM) });
    story.says(ADA, "unseen");
    assert_eq!(story.rings(), [("Ada".to_owned(), "unseen".to_owned())]);
}

#[test]
fn an_own_message_goes_from_saved_to_held_to_read() {
    let mut story = Story::with_room();
    let entry = story.says(ME, "hi");
    let state = |story: &Story| story.delivery_of(&entry).map(|d| d.state);
    assert_eq!(state(&story), Some(DeliveryState::Saved));
    story.fold(Notify::Held { room: ROOM, holder: ADA, log: log(ME), seq: entry.seq });
    assert_eq!(state(&story), Some(DeliveryState::HeldBySome));
    story.fold(Notify::Held { room: ROOM, holder: BOB, log: log(ME), seq: entry.seq + 5 });
    assert_eq!(state(&story), Some(DeliveryState::HeldByAll));
    story.fold(Notify::Read { room: ROOM, reader: BOB, upto: entry.order });
    let delivery = story.delivery_of(&entry).expect("told");
    assert_eq!(
        (delivery.state, delivery.read_by, delivery.held_by.len(), delivery.of),
        (DeliveryState::Read, vec![BOB.to_string()], 2, 2)
    );

    let told = story.events.len();
    story.fold(Notify::Held { room: ROOM, holder: ADA, log: log(ME), seq: 1 });
    assert_eq!(story.events.len(), told, "an older receipt changes nothing");
}

#[test]
fn somebody_who_leaves_no_longer_counts_as_missing() {
    let mut story = Story::with_room();
    let entry = story.says(ME, "hi");
    story.fold(Notify::Held { room: ROOM, holder: ADA, log: log(ME), seq: entry.seq });
    let mut smaller = room(&[ME, ADA]);
    smaller.held.entry(ADA).or_default().insert(log(ME), entry.seq);
    smaller.former.push((BOB, Profile { name: "Bob".into(), avatar: None }));
    story.fold(Notify::Room(Box::new(smaller)));
    assert_eq!(story.delivery_of(&entry).map(|d| (d.state, d.of)), Some((DeliveryState::HeldByAll, 1)));
    assert_eq!(story.room().former[0].name, "Bob");
}

#[test]
fn reading_empties_the_count() {
    let mut story = Story::with_room();
    let first = story.says(ADA, "one");
    story.says(ADA, "two");
    assert_eq!(story.room().unread, 2);
    story.fold(Notify::Read { room: ROOM, reader: ME, upto: first.order });
    assert_eq!(story.room().unread, 1);
    let mut view = story.mirror.room(ROOM).expect("known").clone();
    view.read = Some(OrderKey { clock: Hlc(u64::MAX), ..first.order });
    story.fold(Notify::Room(Box::new(view)));
    assert_eq!((story.room().unread, story.room().first_unread.clone()), (0, None));
}

#[test]
fn whoever_is_there_stands_first_and_counts_as_a_link() {
    let mut story = Story::with_room();
    let mut view = room(&[ME, ADA, BOB]);
    view.members[2].presence = Presence::Online;
    story.fold(Notify::Room(Box::new(view)));
    let names: Vec<_> = story.room().members.iter().map(|m| m.name.clone()).collect();
    assert_eq!(names, ["Bob", "Me", "Ada"]);
    assert_eq!(story.host.network.links, 1);
}

#[test]
fn a_knock_rings_for_those_who_may_open() {
    let mut story = Story::with_room();
    let knock = RequestView {
        device: DeviceId([7; 32]),
        profile: Profile { name: "Eve".into(), avatar: None },
        invite: InviteId([8; 32]),
    };
    let mut view = room(&[ME, ADA]);
    view.requests.push(knock.clone());
    story.fold(Notify::Room(Box::new(view.clone())));
    story.fold(Notify::Room(Box::new(view.clone())));
    assert_eq!(story.rings(), [("Eve".to_owned(), String::new())]);
    assert_eq!(story.room().requests.len(), 1);

    view.members[0].role = Role::Member;
    view.requests.push(RequestView { device: DeviceId([8; 32]), ..knock });
    story.fold(Notify::Room(Box::new(view)));
    assert_eq!(story.rings(), []);
    assert!(story.room().requests.is_empty());
}

#[test]
fn a_knock_is_followed_until_it_ends() {
    let mut story = Story::new();
    let other = RoomId([4; 32]);
    story.mirror.knocking(other, "Garden".into());
    story.settle();
    assert_eq!(story.host.joins[0].progress, JoinProgress::Connecting);
    let mut view = room(&[]);
    view.room = other;
    view.standing = Standing::Knocking;
    story.fold(Notify::Room(Box::new(view)));
    assert!(story.host.rooms.is_empty(), "a room knocked at is no room yet");
    story.fold(Notify::Join { room: other, state: JoinState::WaitingForApproval });
    assert!(!story.mirror.dismiss_join(other), "it still goes on");
    story.fold(Notify::Join { room: other, state: JoinState::Declined });
    assert_eq!(story.host.joins[0].room_name, "Garden");
    assert!(story.mirror.dismiss_join(other));
    story.settle();
    assert!(story.host.joins.is_empty());
}

#[test]
fn what_is_asked_for_by_words_becomes_a_knock_at_the_room_they_lead_to() {
    let mut story = Story::new();
    let (invite, asked, other) = (InviteId([9; 32]), RoomId([9; 32]), RoomId([4; 32]));
    story.mirror.knocking(asked, String::new());
    story.fold(Notify::Ask { invite, state: JoinState::WaitingForMember });
    assert_eq!(story.host.joins[0].progress, JoinProgress::WaitingForMember);
    story.fold(Notify::Join { room: other, state: JoinState::Connecting });
    story.fold(Notify::Found { invite, room: other, room_name: "Garden".into() });
    story.fold(Notify::Join { room: other, state: JoinState::WaitingForApproval });
    let [join] = &story.host.joins[..] else { panic!("{:?}", story.host.joins) };
    assert_eq!((join.room.clone(), join.room_name.as_str()), (other.to_string(), "Garden"));
    assert_eq!((join.asked.clone(), join.progress), (Some(asked.to_string()), JoinProgress::WaitingForApproval));

    story.mirror.knocking(asked, String::new());
    story.fold(Notify::Ask { invite, state: JoinState::AlreadyMember });
    assert!(story.mirror.dismiss_join(asked), "it has ended, and how can be read");
}

#[test]
fn being_admitted_turns_the_knock_into_a_room() {
    let mut story = Story::new();
    story.mirror.knocking(ROOM, "Kitchen".into());
    story.fold(Notify::Join { room: ROOM, state: JoinState::Admitted });
    story.fold(Notify::Room(Box::new(room(&[ADA, ME]))));
    assert!(story.host.joins.is_empty() && story.host.rooms.len() == 1);
    story.fold(Notify::RoomForgotten(ROOM));
    assert!(story.host.rooms.is_empty());
}

#[test]
fn a_picture_waits_comes_and_is_here() {
    let mut story = Story::with_room();
    let mut picture = Picture {
        blob: BlobHash([5; 32]),
        size: 1000,
        mime: "image/png".into(),
        width: 40,
        height: 30,
        thumbhash: vec![1, 2],
        preview: vec![3],
        name: "../\u{202e}cat.html".into(),
        caption: String::new(),
        reply_to: None,
        lives: None,
    };
    story.entry(ADA, &Body::Picture(picture.clone()), true);
    let last = |story: &Story| match story.room().last.clone().map(|m| m.body) {
        Some(MessageBody::Picture { picture, .. }) => picture,
        other => panic!("no picture: {other:?}"),
    };
    assert_eq!((last(&story).transfer, last(&story).name.as_str()), (Transfer::Waiting, "cat.html.png"));
    story.fold(Notify::Blob { blob: picture.blob, state: BlobState::Progress(10) });
    assert_eq!(story.mirror.transfer(picture.blob), Some(Transfer::Progress { have: 10 }));
    story.disk.blobs.borrow_mut().push(picture.blob);
    story.fold(Notify::Blob { blob: picture.blob, state: BlobState::Here });
    picture.blob = BlobHash([6; 32]);
    picture.size = AUTO_FETCH_BYTES + 1;
    story.entry(ADA, &Body::Picture(picture), true);
    assert_eq!(last(&story).transfer, Transfer::Offered);
    assert_eq!(story.rings().last(), Some(&("Ada".to_owned(), "cat.html.png".to_owned())));
}

#[test]
fn transfers_and_brokers_are_bounded() {
    let mut story = Story::with_room();
    for n in 0..=u32::try_from(TRANSFERS).expect("few") {
        let mut blob = [0; 32];
        blob[..4].copy_from_slice(&n.to_be_bytes());
        story.mirror.fold(Notify::Blob { blob: BlobHash(blob), state: BlobState::Waiting }, &story.disk);
    }
    assert_eq!(story.mirror.transfers.len(), TRANSFERS);
    for n in 0..=BROKERS_SHOWN {
        story.mirror.fold(Notify::Broker { broker: format!("ws://b{n}/"), trouble: None }, &story.disk);
    }
    assert_eq!(story.mirror.brokers.len(), BROKERS_SHOWN);
    for n in 0..600 {
        story.says(ME, &n.to_string());
    }
    assert_eq!(story.mirror.rooms[&ROOM].deliveries.watched(), delivery::WATCHED);
    for n in 0..=JOINS {
        let room = RoomId([u8::try_from(n + 100).expect("few"); 32]);
        story.mirror.knocking(room, String::new());
        story.mirror.fold(Notify::Join { room, state: JoinState::Void }, &story.disk);
    }
    assert_eq!(story.mirror.joins.len(), JOINS);
}

#[test]
fn brokers_are_told_with_what_is_wrong() {
    let mut story = Story::with_room();
    story.mirror.set_brokers(vec!["wss://set/".into()], vec!["ws://127.0.0.1:9753/".into()]);
    story.fold(Notify::Broker { broker: "ws://127.0.0.1:9753/".into(), trouble: None });
    story.fold(Notify::Broker { broker: "wss://set/".into(), trouble: Some(BrokerTrouble::Unreachable) });
    let seen: Vec<_> = story.host.network.brokers.iter().map(|b| (b.url.as_str(), b.own, b.up, b.trouble)).collect();
    assert_eq!(
        seen,
        [
            ("ws://127.0.0.1:9753/", true, true, None),
            ("wss://set/", false, false, Some(api::BrokerTrouble::Unreachable))
        ]
    );
    story.mirror.without_port("ws://127.0.0.1:9753/".into());
    story.fold(Notify::Broker { broker: "wss://set/".into(), trouble: None });
    let seen: Vec<_> = story.host.network.brokers.iter().map(|b| (b.url.as_str(), b.own, b.up, b.trouble)).collect();
    let without_port = ("ws://127.0.0.1:9753/", true, false, Some(api::BrokerTrouble::NoPort));
    assert_eq!(seen, [("wss://set/", false, true, None), without_port]);
}

#[test]
fn the_order_as_text_sorts_like_the_order() {
    let key = |clock, author: u8, hash: u8| OrderKey {
        clock: Hlc(clock),
        author: DeviceId([author; 32]),
        hash: EntryHash([hash; 32]),
    };
    let keys = [
        key(0, 0, 0),
        key(0, 0, 255),
        key(9, 16, 3),
        key(10, 2, 0),
        key(255, 2, 0),
        key(256, 1, 1),
        key(u64::MAX, 0, 0),
    ];
    assert!(keys.is_sorted() && keys.map(order_text).is_sorted());
}

#[test]
fn a_long_message_rings_with_its_beginning() {
    let line = views::one_line(&MessageBody::Text { text: format!("\n  {}", "é".repeat(500)), mentions: Vec::new() });
    assert_eq!(line.chars().count(), 161);
    assert!(line.ends_with('…'));
}

fn shown(story: &Story, entry: &StoredEntry) -> crate::api::Message {
    let id = entry.order.hash.to_string();
    let told = story.events.iter().rev().find_map(|change| match change {
        Change::Message { message, .. } if message.id == id => Some((**message).clone()),
        _ => None,
    });
    told.expect("it was told")
}

fn said_of(entry: &StoredEntry, act: Act) -> Body {
    Body::About { target: entry.order.hash, act }
}

fn react(emoji: &str, on: bool) -> Act {
    Act::React { emoji: emoji.into(), on }
}

#[test]
fn an_edit_changes_the_words_of_its_author_alone_and_rings_nobody() {
    let mut story = Story::with_room();
    let entry = story.says(ADA, "helo");
    story.rings();
    story.entry(BOB, &said_of(&entry, Act::Edit(Text::plain("forged"))), true);
    assert_eq!(shown(&story, &entry).edited, None);
    let edit = story.entry(ADA, &said_of(&entry, Act::Edit(Text::plain("hello"))), true);
    let message = shown(&story, &entry);
    assert_eq!(message.body, MessageBody::Text { text: "hello".into(), mentions: Vec::new() });
    assert_eq!((message.edited, message.time), (Some(edit.shown.0), entry.shown.0));
    assert_eq!(story.room().last.as_ref().map(|last| last.body.clone()), Some(message.body));
    let told = story.mirror.wordings(&entry, &story.disk);
    assert_eq!(told.iter().map(|wording| wording.text.as_str()).collect::<Vec<_>>(), ["helo", "hello"]);
    assert_eq!(story.rings(), []);
    assert_eq!(story.room().unread, 1, "an edit is no message");
}

#[test]
fn reactions_count_once_each_and_can_be_taken_back() {
    let mut story = Story::with_room();
    let entry = story.says(ME, "hi");
    for (by, act) in [
        (ADA, react("👍", true)),
        (BOB, react("🎉", true)),
        (BOB, react("👍", true)),
        (BOB, react("👍", true)),
        (ME, react("🎉", true)),
        (ADA, react("👍", false)),
    ] {
        story.entry(by, &said_of(&entry, act), true);
    }
    let told: Vec<_> = shown(&story, &entry).reactions.into_iter().map(|r| (r.emoji, r.by.len(), r.own)).collect();
    assert_eq!(told, [("🎉".to_owned(), 2, true), ("👍".to_owned(), 1, false)]);
    for n in 0..2 * said::REACTIONS {
        let emoji = char::from_u32(0x1F600 + u32::try_from(n).expect("few")).expect("a letter").to_string();
        story.entry(BOB, &said_of(&entry, react(&emoji, true)), true);
    }
    assert_eq!(shown(&story, &entry).reactions.len(), said::REACTIONS);
}

#[test]
fn a_pin_is_the_last_word_of_anybody() {
    let mut story = Story::with_room();
    let entry = story.says(ADA, "rules");
    story.entry(BOB, &said_of(&entry, Act::Pin { on: true }), true);
    assert!(shown(&story, &entry).pinned);
    story.entry(ADA, &said_of(&entry, Act::Pin { on: false }), true);
    assert!(!shown(&story, &entry).pinned);
}

#[test]
fn what_is_erased_says_by_whom_or_that_it_expired() {
    let mut story = Story::with_room();
    let (deleted, expired) = (story.says(ADA, "oops"), story.says(BOB, "for an hour"));
    story.entry(ME, &said_of(&deleted, react("👍", true)), true);
    story.entry(ADA, &said_of(&deleted, Act::Delete), true);
    for entry in story.disk.entries.borrow_mut().iter_mut().filter(|entry| kind::SPOKEN.contains(&entry.kind)) {
        entry.payload = None;
    }
    let entries = vec![deleted.order.hash, expired.order.hash];
    story.fold(Notify::Erased { room: ROOM, entries });
    let told = shown(&story, &deleted);
    assert_eq!((told.body, told.reactions.len()), (MessageBody::Deleted { by: ADA.to_string() }, 0));
    assert_eq!(shown(&story, &expired).body, MessageBody::Expired);
    let gone = story.disk.entry(ROOM, expired.order.hash).expect("its header stays");
    assert!(story.mirror.wordings(&gone, &story.disk).is_empty());
}

#[test]
fn a_mention_tells_whom_it_names() {
    let mut story = Story::with_room();
    let mentions = vec![Mention { device: ME, start: 0, length: 3 }];
    let named = story.entry(ADA, &Body::Text(Text { mentions, ..Text::plain("@Me come") }), true);
    let plain = story.says(ADA, "nobody");
    assert!(shown(&story, &named).names_me && !shown(&story, &plain).names_me);
    story.entry(ADA, &said_of(&named, Act::Edit(Text::plain("come"))), true);
    assert!(!shown(&story, &named).names_me, "the last wording names nobody");
}

#[test]
fn what_a_removed_member_said_unheard_is_not_shown() {
    let mut story = Story::with_room();
    let heard = story.says(BOB, "heard");
    let unheard = story.says(BOB, "unheard");
    let pin = story.entry(BOB, &said_of(&heard, Act::Pin { on: true }), true);
    assert_eq!((story.room().unread, shown(&story, &heard).pinned), (2, true));
    let mut view = room(&[ME, ADA]);
    view.former.push((BOB, Profile { name: "Bob".into(), avatar: None }));
    view.limits.insert(log(BOB), heard.seq);
    story.fold(Notify::Room(Box::new(view)));
    assert_eq!(story.room().unread, 1);
    assert_eq!(story.room().last.as_ref().map(|last| last.id.clone()), Some(heard.order.hash.to_string()));
    assert!(!story.mirror.counts(&unheard) && !story.mirror.counts(&pin));
    assert!(!story.mirror.show(&heard, &story.disk).pinned);
    story.events.clear();
    story.fold(Notify::Entry { entry: Box::new(unheard), live: true });
    assert!(!story.events.iter().any(|change| matches!(change, Change::Message { .. } | Change::Ring { .. })));
}

#[test]
fn the_meter_counts_own_words_that_nobody_else_holds() {
    let mut story = Story::with_room();
    let first = story.says(ME, "one");
    let second = story.says(ME, "two");
    story.says(ADA, "three");
    assert_eq!(story.room().unheld, 2);
    story.fold(Notify::Held { room: ROOM, holder: ADA, log: log(ME), seq: first.seq });
    assert_eq!(story.room().unheld, 1);
    story.fold(Notify::Held { room: ROOM, holder: BOB, log: log(ME), seq: second.seq });
    assert_eq!(story.room().unheld, 0);
    story.says(ME, "four");
    story.fold(Notify::Room(Box::new(room(&[ME]))));
    assert_eq!(story.room().unheld, 0, "alone there is nobody to hold it");
}

#[test]
fn typing_and_drafts_are_told() {
    let mut story = Story::with_room();
    story.fold(Notify::Typing { room: ROOM, device: ADA });
    assert!(story.events.iter().any(|c| matches!(c, Change::Typing { device, .. } if *device == ADA.to_string())));
    story.mirror.set_draft(ROOM, Some("I was go".into()), &story.disk);
    story.settle();
    assert_eq!(story.room().draft.as_deref(), Some("I was go"));
}

fn decide(story: &mut Story, device: DeviceId, marks: crate::people::Marks) {
    let mut people = story.mirror.people().clone();
    assert!(people.set(device, marks));
    story.mirror.set_people(people);
    story.disk.eyes.replace(story.mirror.eyes());
    story.events.clear();
    story.settle();
}

#[test]
fn who_is_blocked_says_nothing_to_this_person_until_they_are_heard_again() {
    let mut story = Story::with_room();
    let hello = story.says(ADA, "hello");
    let spam = story.says(BOB, "spam");
    let blocked = crate::people::Marks { blocked: true, verified: false };
    decide(&mut story, BOB, blocked);
    assert!(matches!(&story.events[0], Change::Reread { room } if *room == ROOM.to_string()));
    assert_eq!(
        (story.room().unread, story.room().last.as_ref().map(|m| m.id.clone())),
        (1, Some(hello.order.hash.to_string()))
    );
    assert!(story.room().members.iter().any(|member| member.name == "Bob" && member.blocked));
    story.events.clear();
    story.says(BOB, "more spam");
    story.entry(BOB, &said_of(&hello, react("💩", true)), true);
    story.fold(Notify::Typing { room: ROOM, device: BOB });
    assert!(story.events.iter().all(|c| matches!(c, Change::Room { .. })), "{:?}", story.events);
    assert!(story.mirror.show(&hello, &story.disk).reactions.is_empty());
    decide(&mut story, BOB, crate::people::Marks::default());
    assert_eq!(story.room().unread, 3);
    assert!(story.mirror.counts(&spam));
}

#[test]
fn a_name_that_looks_like_an_earlier_one_is_tagged_and_a_verified_key_is_not_a_name() {
    let mut story = Story::with_room();
    decide(&mut story, ADA, crate::people::Marks { verified: true, blocked: false });
    let eve = DeviceId([7; 32]);
    let mut view = room(&[ME, ADA, BOB]);
    // A Cyrillic letter at the front.
    let mut alike = member(eve, "Аda", Presence::Offline);
    alike.since = UnixMillis(9);
    view.members.push(alike);
    story.fold(Notify::Room(Box::new(view)));
    let tags: Vec<_> =
        story.room().members.iter().map(|m| (m.name.as_str(), m.verified, m.looks_like.clone())).collect();
    assert!(tags.contains(&("Ada", true, None)));
    assert!(tags.contains(&("Аda", false, Some(ADA.to_string()))));
    assert!(tags.contains(&("Bob", false, None)));
}
