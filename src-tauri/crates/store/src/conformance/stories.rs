//! The stories.

use super::Subject;
use crate::limits::{BLOBS_PER_ENTRY, SETTING_KEY_BYTES, SETTINGS, TIMELINE_ENTRIES, UNREAD_COUNTED, weight};
use crate::limits::{ENTRIES_BYTES, FRONTIER_HASHES, INVITE_LINKS_PER_ROOM, KINDS, LOOKUP_HASHES, SETTING_BYTES};
use crate::{StoreError, Unread};
use natter_engine::ids::{BlobHash, DeviceId, EntryHash, LogId, LogKey, RoomId, Ticket};
use natter_engine::messages::branches::branch;
use natter_engine::port::{Boot, BootRoom, Branch, Fetch, Found, Op, OrderKey, Profile, Standing, Stored, StoredEntry};
use natter_engine::signaling::InviteLink;
use natter_engine::time::{Hlc, UnixMillis};
use natter_engine::wire::kind;
use natter_engine::wire::limits::{BRANCHES_PER_AUTHOR, BROKERS, HEADER_BYTES, PAYLOAD_BYTES};

pub(super) type Story = fn(&mut dyn Subject);

/// All of them.
pub(super) const ALL: &[(&str, Story)] = &[
    ("an identity is made once and survives a restart", identity),
    ("a room comes back as it was put", room_comes_back),
    ("what is put again replaces what was", replacing),
    ("an entry put twice changes nothing, another at its place is a conflict", entries_once),
    ("all of a request happens or nothing", all_or_nothing),
    ("in a group one failure does not fail its neighbours", groups),
    ("state is membership, and the last profile and receipt of each author", state),
    ("heads are the last of each log and the frontier tells order and time", heads_and_frontier),
    ("entries of a log come in order, within count and bytes", fetch_entries),
    ("lookups tell what is here", lookup),
    ("a log that was written twice ends before that, and what is here goes on in its branch", split),
    ("a blob's rooms are those whose entries offer it", blob_rooms),
    ("a timeline pages backwards in the room's order", timeline),
    ("unread counts others' words after the mark, up to its limit", unread),
    ("a room forgotten is gone and its neighbour untouched", forget),
    ("settings are kept, replaced, removed and limited", settings),
    ("values over their limits are refused whole", limits),
    ("the largest numbers come back", large_numbers),
];

pub(super) const ROOM: RoomId = RoomId([1; 32]);
pub(super) const OTHER: RoomId = RoomId([2; 32]);

pub(super) fn device(n: u8) -> DeviceId {
    DeviceId([n; 32])
}

pub(super) fn log(author: u8) -> LogKey {
    LogKey { author: device(author), log: LogId([author; 16]) }
}

pub(super) fn hash(n: u64) -> EntryHash {
    EntryHash(*blake3::hash(&n.to_le_bytes()).as_bytes())
}

pub(super) fn put_room(room: RoomId) -> Op {
    Op::PutRoom { room, standing: Standing::Member, brokers: vec!["wss://broker.example/".to_owned()], invite: None }
}

/// Entry `seq` of an author's log; its clock is `clock` and its name follows from all three.
pub(super) fn entry(author: u8, seq: u64, clock: u64, kind: u16) -> StoredEntry {
    StoredEntry {
        room: ROOM,
        log: log(author),
        seq,
        order: OrderKey {
            clock: Hlc(clock),
            author: device(author),
            hash: hash(u64::from(author) << 48 | seq << 24 | clock),
        },
        kind,
        header: vec![author; 200],
        signature: [author; 64],
        salt: [7; 16],
        payload: Some(format!("{author} says {seq}").into_bytes()),
        blobs: Vec::new(),
        target: None,
        words: None,
        expires: None,
        first_seen: UnixMillis(1_700_000_000_000 + seq),
        shown: UnixMillis(clock.saturating_add(1_700_000_000_000)),
    }
}

fn link(n: u8) -> InviteLink {
    InviteLink {
        seed: [n; 32],
        room: ROOM,
        room_name: "Picnic".to_owned(),
        brokers: vec!["wss://broker.example/".to_owned()],
        expires: 1_800_000_000,
        spoken: None,
    }
}

pub(super) fn put(subject: &dyn Subject, entries: impl IntoIterator<Item = StoredEntry>) {
    let ops: Vec<Op> = entries.into_iter().map(Op::PutEntry).collect();
    subject.store().commit(&ops).expect("the entries are good");
}

pub(super) fn begin(subject: &dyn Subject) {
    let profile = Profile { name: "Ada".to_owned(), avatar: None };
    subject.store().create([9; 32], LogId([8; 16]), &profile).expect("there is no identity yet");
    subject.store().commit(&[put_room(ROOM)]).expect("the room is good");
}

fn boot(subject: &dyn Subject) -> Boot {
    subject.store().boot().expect("the store reads").expect("there is an identity")
}

pub(super) fn boot_room(subject: &dyn Subject) -> BootRoom {
    boot(subject).rooms.into_iter().find(|room| room.room == ROOM).expect("the room is there")
}

pub(super) fn entries(stored: Stored) -> Vec<StoredEntry> {
    match stored {
        Stored::Entries(Ticket(5), entries) => entries,
        other => panic!("not the entries asked for: {other:?}"),
    }
}

fn identity(subject: &mut dyn Subject) {
    let store = subject.store();
    assert!(store.boot().expect("the store reads").is_none());
    let profile = Profile { name: "Ada".to_owned(), avatar: Some(vec![1; 16 * 1024]) };
    assert!(matches!(store.commit(&[Op::PutProfile(profile.clone())]), Err(StoreError::NoIdentity)));
    assert!(matches!(store.commit(&[Op::PutLog(LogId([7; 16]))]), Err(StoreError::NoIdentity)));
    store.create([9; 32], LogId([8; 16]), &profile).expect("there is none yet");
    let again = store.create([1; 32], LogId([1; 16]), &Profile::default());
    assert!(matches!(again, Err(StoreError::AlreadyCreated)));
    drop(store);
    subject.restart();
    let found = boot(subject);
    assert_eq!((found.secret, found.log, found.profile), ([9; 32], LogId([8; 16]), profile));
    assert!(found.rooms.is_empty() && found.circle.is_none());
    let store = subject.store();
    for circle in [RoomId([1; 32]), RoomId([2; 32])] {
        store.commit(&[Op::PutCircle(circle)]).expect("it need not be here");
        assert_eq!(boot(subject).circle, Some(circle));
    }
    // All or nothing, like any other write.
    let failing = [Op::PutCircle(RoomId([3; 32])), Op::PutRead { room: ROOM, upto: entry(1, 1, 10, kind::TEXT).order }];
    assert!(store.commit(&failing).is_err());
    drop(store);
    subject.restart();
    assert_eq!(boot(subject).circle, Some(RoomId([2; 32])));
    subject.store().commit(&[Op::PutLog(LogId([7; 16]))]).expect("there is an identity");
    subject.restart();
    assert_eq!(boot(subject).log, LogId([7; 16]));
    for avatar in [None, Some(Vec::new()), Some(vec![2])] {
        let profile = Profile { name: "Ada L.".to_owned(), avatar };
        subject.store().commit(&[Op::PutProfile(profile.clone())]).expect("there is an identity");
        assert_eq!(boot(subject).profile, profile);
    }
}

fn room_comes_back(subject: &mut dyn Subject) {
    begin(subject);
    let mark = entry(1, 1, 10, kind::TEXT).order;
    let ops = [
        Op::PutRoom {
            room: ROOM,
            standing: Standing::Knocking,
            brokers: vec!["wss://b.example".to_owned(), "wss://a.example".to_owned()],
            invite: Some(link(1)),
        },
        Op::PutEpoch { room: ROOM, epoch: 2, key: [2; 32] },
        Op::PutEpoch { room: ROOM, epoch: 1, key: [1; 32] },
        Op::PutHeld { room: ROOM, holder: device(2), log: log(1), seq: 7 },
        Op::PutHeld { room: ROOM, holder: device(1), log: log(2), seq: 8 },
        Op::PutRead { room: ROOM, upto: mark },
        Op::PutInvite { room: ROOM, link: link(3) },
        Op::PutInvite { room: ROOM, link: link(2) },
        put_room(OTHER),
    ];
    subject.store().commit(&ops).expect("all is good");
    subject.restart();
    let room = boot_room(subject);
    assert_eq!(room.standing, Standing::Knocking);
    assert_eq!(room.brokers, ["wss://b.example", "wss://a.example"], "in the order given");
    assert_eq!(room.invite, Some(link(1)));
    assert_eq!(room.epochs, [(1, [1; 32]), (2, [2; 32])]);
    assert_eq!(room.held, [(device(1), log(2), 8), (device(2), log(1), 7)]);
    assert_eq!(room.read, Some(mark));
    assert_eq!(room.invites, [link(3), link(2)], "in the order made");
    assert!(room.heads.is_empty() && room.state.is_empty() && room.frontier.is_empty());
    assert_eq!(boot(subject).rooms.iter().map(|room| room.room).collect::<Vec<_>>(), [ROOM, OTHER]);
}

fn replacing(subject: &mut dyn Subject) {
    begin(subject);
    let [low, high] = [entry(1, 1, 10, kind::TEXT).order, entry(1, 2, 20, kind::TEXT).order];
    let store = subject.store();
    let knocking = Op::PutRoom { room: ROOM, standing: Standing::Knocking, brokers: Vec::new(), invite: Some(link(1)) };
    store.commit(&[knocking]).expect("good");
    for (key, seq, upto) in [(1, 9, high), (2, 4, low)] {
        let ops = [
            Op::PutEpoch { room: ROOM, epoch: 1, key: [key; 32] },
            Op::PutHeld { room: ROOM, holder: device(2), log: log(1), seq },
            Op::PutRead { room: ROOM, upto },
            Op::PutInvite { room: ROOM, link: link(1) },
            Op::PutFrontier { room: ROOM, frontier: vec![hash(seq)] },
        ];
        store.commit(&ops).expect("good");
    }
    store.commit(&[put_room(ROOM)]).expect("good");
    let room = boot_room(subject);
    assert_eq!(room.standing, Standing::Member);
    assert_eq!(room.invite, None);
    assert_eq!(room.epochs, [(1, [2; 32])]);
    assert_eq!(room.held, [(device(2), log(1), 4)], "the last word counts, even when it is lower");
    assert_eq!(room.read, Some(low));
    assert_eq!(room.invites, [link(1)], "once");
}

fn entries_once(subject: &mut dyn Subject) {
    begin(subject);
    let first = StoredEntry { blobs: vec![BlobHash([1; 32]), BlobHash([1; 32])], ..entry(1, 1, 10, kind::PICTURE) };
    let deleted = StoredEntry { payload: None, ..entry(1, 2, 11, kind::TEXT) };
    let empty = StoredEntry { payload: Some(Vec::new()), ..entry(1, 3, 12, kind::TEXT) };
    put(subject, [first.clone(), deleted.clone(), empty.clone()]);
    let later = StoredEntry { first_seen: UnixMillis(5), payload: None, ..first.clone() };
    put(subject, [later.clone(), later]);
    subject.restart();
    let store = subject.store();
    for entry in [first.clone(), deleted, empty] {
        assert_eq!(store.entry(ROOM, entry.order.hash).expect("reads"), Some(entry));
    }
    let forked = entry(1, 1, 99, kind::TEXT);
    assert!(matches!(store.commit(&[Op::PutEntry(forked.clone())]), Err(StoreError::Conflict { seq: 1 })));
    assert_eq!(store.entry(ROOM, forked.order.hash).expect("reads"), None);
    let elsewhere = StoredEntry { room: OTHER, ..first };
    assert!(matches!(store.commit(&[Op::PutEntry(elsewhere.clone())]), Err(StoreError::NoSuchRoom(OTHER))));
    store.commit(&[put_room(OTHER), Op::PutEntry(elsewhere.clone())]).expect("rooms do not meet");
    assert_eq!(store.entry(OTHER, elsewhere.order.hash).expect("reads"), Some(elsewhere));
}

fn all_or_nothing(subject: &mut dyn Subject) {
    begin(subject);
    put(subject, [entry(1, 1, 10, kind::TEXT)]);
    let store = subject.store();
    store.commit(&[Op::PutInvite { room: ROOM, link: link(1) }]).expect("good");
    let before = format!("{:?}", boot(subject));
    let ops = [
        put_room(OTHER),
        Op::PutRoom { room: ROOM, standing: Standing::Gone, brokers: Vec::new(), invite: Some(link(9)) },
        Op::PutEpoch { room: ROOM, epoch: 1, key: [1; 32] },
        Op::PutEntry(entry(1, 2, 11, kind::TEXT)),
        Op::PutEntry(entry(2, 1, 12, kind::GENESIS)),
        Op::PutFrontier { room: ROOM, frontier: vec![entry(1, 1, 10, kind::TEXT).order.hash] },
        Op::PutHeld { room: ROOM, holder: device(2), log: log(1), seq: 7 },
        Op::PutRead { room: ROOM, upto: entry(1, 1, 10, kind::TEXT).order },
        Op::PutInvite { room: ROOM, link: link(2) },
        Op::PutProfile(Profile { name: "Eve".to_owned(), avatar: Some(vec![1]) }),
        Op::ForgetRoom(ROOM),
        put_room(ROOM),
        Op::PutEntry(entry(3, 1, 1, kind::TEXT)),
        Op::PutRead { room: RoomId([77; 32]), upto: entry(1, 1, 10, kind::TEXT).order },
    ];
    assert!(matches!(store.commit(&ops), Err(StoreError::NoSuchRoom(RoomId([77, ..])))));
    assert_eq!(format!("{:?}", boot(subject)), before);
    drop(store);
    subject.restart();
    assert_eq!(format!("{:?}", boot(subject)), before);
    let timeline = subject.store().timeline(ROOM, None, 100, &[kind::TEXT]).expect("reads");
    assert_eq!(timeline, [entry(1, 1, 10, kind::TEXT)]);
}

fn groups(subject: &mut dyn Subject) {
    begin(subject);
    let good = |seq: u64| [Op::PutEntry(entry(1, seq, 10 + seq, kind::TEXT))];
    let bad = [
        Op::PutEntry(entry(2, 1, 1, kind::TEXT)),
        Op::PutEntry(StoredEntry { room: OTHER, ..entry(2, 2, 2, kind::TEXT) }),
    ];
    let (one, two) = (good(1), good(2));
    let results = subject.store().commit_group(&[&one, &bad, &[], &two]);
    assert!(matches!(results[..], [Ok(()), Err(StoreError::NoSuchRoom(OTHER)), Ok(()), Ok(())]), "{results:?}");
    subject.restart();
    let timeline = subject.store().timeline(ROOM, None, 100, &[kind::TEXT]).expect("reads");
    assert_eq!(timeline, [entry(1, 1, 11, kind::TEXT), entry(1, 2, 12, kind::TEXT)]);
    assert!(subject.store().commit_group(&[]).is_empty());
}

fn state(subject: &mut dyn Subject) {
    begin(subject);
    let second_log = LogKey { author: device(1), log: LogId([99; 16]) };
    let all = [
        entry(1, 1, 10, kind::GENESIS),
        entry(1, 2, 11, kind::PROFILE),
        entry(1, 3, 12, kind::TEXT),
        entry(2, 1, 13, kind::PROFILE),
        entry(2, 2, 14, kind::RECEIPT),
        entry(1, 4, 15, kind::ADMIT),
        entry(2, 3, 16, kind::RECEIPT),
        StoredEntry { log: second_log, ..entry(1, 1, 17, kind::PROFILE) },
        entry(2, 4, 18, kind::PICTURE),
        entry(2, 5, 19, 31),
        entry(2, 6, 20, 40),
    ];
    put(subject, all.iter().rev().cloned());
    let state: Vec<u64> = boot_room(subject).state.iter().map(|entry| entry.order.clock.0).collect();
    assert_eq!(state, [10, 13, 15, 16, 17, 19], "in order, whatever order they came in");
}

fn heads_and_frontier(subject: &mut dyn Subject) {
    begin(subject);
    let entries = [entry(2, 2, 12, kind::TEXT), entry(1, 1, 10, kind::GENESIS), entry(2, 1, 11, kind::TEXT)];
    put(subject, entries.clone());
    let frontier = vec![entries[0].order.hash, hash(12345), entries[1].order.hash, entries[1].order.hash];
    subject.store().commit(&[Op::PutFrontier { room: ROOM, frontier }]).expect("good");
    subject.restart();
    let room = boot_room(subject);
    assert_eq!(room.heads, [entries[1].clone(), entries[0].clone()]);
    let expected = [&entries[1], &entries[0]].map(|entry| (entry.order, entry.shown));
    assert_eq!(room.frontier, expected, "in order, once, and only what is on disk");
}

fn fetch_entries(subject: &mut dyn Subject) {
    begin(subject);
    put(subject, (1..=30).rev().map(|seq| entry(1, seq, 100 - seq, kind::TEXT)));
    put(subject, [entry(2, 1, 1, kind::TEXT)]);
    let store = subject.store();
    let ask = |room, from, to, limit| {
        let fetch = Fetch::Entries { ticket: Ticket(5), room, log: log(1), from, to, limit };
        let found = entries(store.fetch(&fetch).expect("reads"));
        found.iter().map(|entry| entry.seq).collect::<Vec<_>>()
    };
    assert_eq!(ask(ROOM, 28, u64::MAX, 100), [28, 29, 30]);
    assert_eq!(ask(ROOM, 0, 3, 2), [1, 2]);
    assert_eq!(ask(ROOM, 5, 4, 10), [0; 0]);
    assert_eq!(ask(ROOM, u64::MAX, u64::MAX, 10), [0; 0]);
    assert_eq!(ask(ROOM, 1, 30, 0), [0; 0]);
    assert_eq!(ask(OTHER, 1, 30, 10), [0; 0], "a room that is not here");
    let big = |seq| StoredEntry { payload: Some(vec![1; PAYLOAD_BYTES]), ..entry(3, seq, seq, kind::TEXT) };
    put(subject, (1..=20).map(big));
    let fetch = Fetch::Entries { ticket: Ticket(5), room: ROOM, log: log(3), from: 1, to: 20, limit: 20 };
    let found = entries(subject.store().fetch(&fetch).expect("reads"));
    assert_eq!(found.len(), ENTRIES_BYTES / weight(&big(1)));
    assert_eq!(found.last(), Some(&big(found.len() as u64)));
}

fn lookup(subject: &mut dyn Subject) {
    begin(subject);
    let here = [entry(1, 1, 20, kind::TEXT), StoredEntry { payload: None, ..entry(2, 1, 10, kind::TEXT) }];
    put(subject, here.clone());
    let ask = |room, hashes| subject.store().fetch(&Fetch::Lookup { ticket: Ticket(5), room, hashes });
    let hashes = vec![here[0].order.hash, hash(777), here[1].order.hash];
    let expected = here.clone().map(|entry| Found {
        order: entry.order,
        shown: entry.shown,
        log: entry.log,
        seq: entry.seq,
        kind: kind::TEXT,
        whole: entry.payload.is_some(),
    });
    assert!(matches!(ask(ROOM, hashes.clone()), Ok(Stored::Known(Ticket(5), known)) if known == expected));
    assert!(matches!(ask(OTHER, hashes), Ok(Stored::Known(Ticket(5), known)) if known.is_empty()));
    assert!(ask(ROOM, vec![hash(1); LOOKUP_HASHES]).is_ok());
    assert!(matches!(ask(ROOM, vec![hash(1); LOOKUP_HASHES + 1]), Err(StoreError::TooMany(_))));
}

fn split(subject: &mut dyn Subject) {
    begin(subject);
    let here: Vec<StoredEntry> = (1..=6).map(|seq| entry(1, seq, 10 * seq, kind::TEXT)).collect();
    put(subject, here.clone());
    let held = |holder, log, seq| Op::PutHeld { room: ROOM, holder: device(holder), log, seq };
    let ours = here[3].order.hash;
    let heir = branch(log(1), ours);
    subject.store().commit(&[held(2, log(1), 6), held(3, log(1), 2), held(4, log(1), u64::MAX)]).expect("good");
    let one = |first| Branch { log: log(1), at: 4, first, header: vec![7; 40], signature: [8; 64] };
    let split = |at, ours, branches| Op::Split { room: ROOM, log: log(1), at, ours, branches };
    let refused = |op| subject.store().commit(&[op]).expect_err("it is no split").to_string();
    assert_eq!(refused(split(0, None, Vec::new())), StoreError::Invalid("sequence").to_string());
    assert_eq!(refused(split(5, None, vec![one(ours)])), StoreError::Invalid("branch").to_string());
    let many = vec![one(ours); BRANCHES_PER_AUTHOR + 1];
    assert_eq!(refused(split(4, None, many)), StoreError::TooMany("branches").to_string());
    // What fails after it takes it back.
    let nowhere = Op::PutRead { room: OTHER, upto: here[0].order };
    assert!(subject.store().commit(&[split(4, Some(ours), vec![one(ours)]), nowhere]).is_err());
    assert_eq!(boot_room(subject).branches, []);
    assert_eq!(boot_room(subject).heads, [here[5].clone()]);

    subject.store().commit(&[split(4, Some(ours), vec![one(ours), one(hash(777))])]).expect("good");
    subject.store().commit(&[split(4, None, vec![one(ours)])]).expect("told again");
    subject.restart();
    let room = boot_room(subject);
    let mut branches = vec![one(ours), one(hash(777))];
    branches.sort_by_key(|one| one.first);
    assert_eq!(room.branches, branches);
    let mut heads: Vec<(LogKey, u64)> = room.heads.iter().map(|head| (head.log, head.seq)).collect();
    heads.sort();
    let mut expected = vec![(log(1), 3), (heir, 6)];
    expected.sort();
    assert_eq!(heads, expected);
    assert_eq!(room.held, [(device(2), log(1), 3), (device(3), log(1), 2), (device(4), log(1), 3)]);
    let ask = |of| {
        let fetch = Fetch::Entries { ticket: Ticket(5), room: ROOM, log: of, from: 1, to: 9, limit: 9 };
        entries(subject.store().fetch(&fetch).expect("reads")).into_iter().map(|entry| entry.seq).collect::<Vec<_>>()
    };
    assert_eq!((ask(log(1)), ask(heir)), (vec![1, 2, 3], vec![4, 5, 6]));
    let moved = subject.store().entry(ROOM, ours).expect("reads").expect("it is here");
    assert_eq!(moved, StoredEntry { log: heir, ..here[3].clone() });
    let taken = subject.store().commit(&[Op::PutEntry(StoredEntry { log: heir, ..entry(1, 6, 99, kind::TEXT) })]);
    assert!(matches!(taken, Err(StoreError::Conflict { seq: 6 })));
    subject.store().commit(&[Op::ForgetRoom(ROOM), put_room(ROOM)]).expect("good");
    assert_eq!(boot_room(subject).branches, []);
}

fn blob_rooms(subject: &mut dyn Subject) {
    begin(subject);
    let blob = subject.put_blob(b"a picture");
    let absent = BlobHash([3; 32]);
    let offer = |room, seq| StoredEntry { room, blobs: vec![absent, blob], ..entry(1, seq, seq, kind::PICTURE) };
    subject.store().commit(&[put_room(OTHER), Op::PutEntry(offer(OTHER, 1))]).expect("good");
    put(subject, [offer(ROOM, 1), offer(ROOM, 2)]);
    subject.restart();
    let ask = |blob| match subject.store().fetch(&Fetch::BlobRooms { ticket: Ticket(5), blob }).expect("reads") {
        Stored::BlobRooms(Ticket(5), rooms, whole) => (rooms, whole),
        other => panic!("not the rooms asked for: {other:?}"),
    };
    assert_eq!(ask(blob), (vec![ROOM, OTHER], true));
    assert_eq!(ask(absent), (vec![ROOM, OTHER], false));
    subject.store().commit(&[Op::ForgetRoom(OTHER)]).expect("good");
    assert_eq!(ask(absent), (vec![ROOM], false));
    subject.store().commit(&[Op::ForgetRoom(ROOM)]).expect("good");
    assert_eq!(ask(blob), (Vec::new(), true));
}

fn timeline(subject: &mut dyn Subject) {
    begin(subject);
    let clocks: Vec<u64> = (1..=600).map(|n| n * 37 % 601).collect();
    put(subject, clocks.iter().enumerate().map(|(i, clock)| entry(1, i as u64 + 1, *clock, kind::TEXT)));
    put(subject, [entry(2, 1, 300, kind::TEXT), entry(2, 2, 301, kind::RECEIPT), entry(2, 3, 1 << 60, kind::PICTURE)]);
    let store = subject.store();
    let clocks = |entries: &[StoredEntry]| entries.iter().map(|entry| entry.order.clock.0).collect::<Vec<_>>();
    let page = |before, limit, kinds: &[u16]| store.timeline(ROOM, before, limit, kinds).expect("reads");
    assert_eq!(clocks(&page(None, 3, kind::SPOKEN)), [599, 600, 1 << 60]);
    assert_eq!(clocks(&page(None, 3, &[kind::TEXT])), [598, 599, 600]);
    assert_eq!(page(None, usize::MAX, kind::SPOKEN).len(), TIMELINE_ENTRIES);
    assert!(page(None, 0, kind::SPOKEN).is_empty());
    assert!(page(None, 10, &[]).is_empty());
    assert!(store.timeline(OTHER, None, 10, kind::SPOKEN).expect("reads").is_empty());
    assert!(matches!(store.timeline(ROOM, None, 1, &[1; KINDS + 1]), Err(StoreError::TooMany(_))));
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let next = page(before, 50, kind::SPOKEN);
        let Some(first) = next.first() else { break };
        before = Some(first.order);
        seen.splice(0..0, clocks(&next));
    }
    let expected: Vec<u64> = (1..=300).chain(300..=600).chain([1 << 60]).collect();
    assert_eq!(seen, expected, "each once, also where clocks are equal");
    assert_eq!(store.last(ROOM, kind::SPOKEN).expect("reads").map(|entry| entry.kind), Some(kind::PICTURE));
    assert_eq!(store.last(ROOM, &[kind::LEAVE]).expect("reads"), None);
}

fn unread(subject: &mut dyn Subject) {
    begin(subject);
    let ask = |after| subject.store().unread(ROOM, device(1), after, kind::SPOKEN).expect("reads");
    assert_eq!(ask(None), Unread::default());
    let all = [
        entry(1, 1, 10, kind::TEXT),
        entry(2, 1, 11, kind::TEXT),
        entry(2, 2, 12, kind::RECEIPT),
        entry(1, 2, 13, kind::TEXT),
        entry(3, 1, 14, kind::PICTURE),
    ];
    put(subject, all.clone());
    assert_eq!(ask(None), Unread { count: 2, first: Some(all[1].order.hash) });
    assert_eq!(ask(Some(all[1].order)), Unread { count: 1, first: Some(all[4].order.hash) });
    assert_eq!(ask(Some(all[4].order)), Unread::default());
    put(subject, (2..=1200).map(|seq| entry(3, seq, 100 + seq, kind::TEXT)));
    assert_eq!(ask(None), Unread { count: UNREAD_COUNTED, first: Some(all[1].order.hash) });
    assert_eq!(subject.store().unread(OTHER, device(1), None, kind::SPOKEN).expect("reads"), Unread::default());
}

fn forget(subject: &mut dyn Subject) {
    begin(subject);
    let kept = StoredEntry { room: OTHER, ..entry(1, 1, 10, kind::TEXT) };
    let ops = [
        put_room(OTHER),
        Op::PutEntry(kept.clone()),
        Op::PutEntry(entry(1, 1, 10, kind::TEXT)),
        Op::PutEpoch { room: ROOM, epoch: 1, key: [1; 32] },
        Op::PutInvite { room: ROOM, link: link(1) },
        Op::PutHeld { room: ROOM, holder: device(2), log: log(1), seq: 7 },
        Op::PutRead { room: ROOM, upto: kept.order },
        Op::PutFrontier { room: ROOM, frontier: vec![kept.order.hash] },
    ];
    subject.store().commit(&ops).expect("good");
    subject
        .store()
        .commit(&[Op::ForgetRoom(ROOM), Op::ForgetRoom(RoomId([66; 32]))])
        .expect("forgetting twice is fine");
    subject.restart();
    let store = subject.store();
    assert_eq!(boot(subject).rooms.len(), 1);
    assert_eq!(store.entry(ROOM, kept.order.hash).expect("reads"), None);
    assert_eq!(store.timeline(OTHER, None, 9, &[kind::TEXT]).expect("reads"), [kept]);
    store.commit(&[put_room(ROOM)]).expect("it may come back");
    let room = boot_room(subject);
    assert!(room.heads.is_empty() && room.epochs.is_empty() && room.invites.is_empty() && room.held.is_empty());
    assert_eq!((room.read, room.frontier), (None, Vec::new()));
    put(subject, [entry(1, 1, 10, kind::TEXT)]);
}

fn settings(subject: &mut dyn Subject) {
    let store = subject.store();
    assert_eq!(store.setting("theme").expect("reads"), None);
    store.put_setting("theme", Some(b"dark")).expect("good");
    store.put_setting("theme", Some(b"light")).expect("good");
    store.put_setting("empty", Some(b"")).expect("good");
    drop(store);
    subject.restart();
    let store = subject.store();
    assert_eq!(store.setting_keys().expect("reads"), ["empty", "theme"]);
    assert_eq!(store.setting("theme").expect("reads"), Some(b"light".to_vec()));
    assert_eq!(store.setting("empty").expect("reads"), Some(Vec::new()));
    store.put_setting("theme", None).expect("good");
    store.put_setting("empty", None).expect("good");
    assert_eq!(store.setting("theme").expect("reads"), None);
    let long = "k".repeat(SETTING_KEY_BYTES);
    store.put_setting(&long, Some(&vec![1; SETTING_BYTES])).expect("at the limit");
    assert!(matches!(store.put_setting(&long, Some(&vec![1; SETTING_BYTES + 1])), Err(StoreError::Invalid(_))));
    assert!(matches!(store.put_setting(&format!("{long}k"), Some(b"")), Err(StoreError::Invalid(_))));
    assert!(matches!(store.put_setting("", Some(b"")), Err(StoreError::Invalid(_))));
    for n in 1..SETTINGS {
        store.put_setting(&n.to_string(), Some(b"")).expect("within the limit");
    }
    assert!(matches!(store.put_setting("one more", Some(b"")), Err(StoreError::TooMany(_))));
    assert_eq!(store.setting("one more").expect("reads"), None);
    store.put_setting("1", Some(b"replaced")).expect("not one more");
}

fn limits(subject: &mut dyn Subject) {
    begin(subject);
    let text = || entry(1, 1, 1, kind::TEXT);
    let wrong_name = InviteLink { room_name: "n".repeat(300), ..link(1) };
    let too_large = [
        Op::PutRoom { room: OTHER, standing: Standing::Gone, brokers: vec![String::new(); BROKERS + 1], invite: None },
        Op::PutRoom { room: OTHER, standing: Standing::Gone, brokers: vec!["b".repeat(257)], invite: None },
        Op::PutRoom { room: OTHER, standing: Standing::Gone, brokers: Vec::new(), invite: Some(wrong_name.clone()) },
        Op::PutInvite { room: ROOM, link: wrong_name },
        Op::PutFrontier { room: ROOM, frontier: vec![hash(1); FRONTIER_HASHES + 1] },
        Op::PutEntry(StoredEntry { header: vec![0; HEADER_BYTES + 1], ..text() }),
        Op::PutEntry(StoredEntry { payload: Some(vec![0; PAYLOAD_BYTES + 1]), ..text() }),
        Op::PutEntry(StoredEntry { blobs: vec![BlobHash([1; 32]); BLOBS_PER_ENTRY + 1], ..text() }),
        Op::PutEntry(StoredEntry { seq: 1 << 63, ..text() }),
        Op::PutEntry(StoredEntry { log: log(2), ..text() }),
        Op::PutProfile(Profile { name: "n".repeat(5000), avatar: None }),
        Op::PutProfile(Profile { name: String::new(), avatar: Some(vec![0; 65 * 1024]) }),
    ];
    for op in too_large {
        let result = subject.store().commit(&[Op::PutEntry(entry(3, 1, 1, kind::TEXT)), op.clone()]);
        assert!(matches!(result, Err(StoreError::Invalid(_) | StoreError::TooMany(_))), "{op:?}: {result:?}");
    }
    assert!(boot_room(subject).heads.is_empty());
    let full = StoredEntry {
        header: vec![0; HEADER_BYTES],
        payload: Some(vec![0; PAYLOAD_BYTES]),
        blobs: vec![BlobHash([1; 32]); BLOBS_PER_ENTRY],
        ..text()
    };
    put(subject, [full.clone()]);
    assert_eq!(subject.store().entry(ROOM, full.order.hash).expect("reads"), Some(full));
    let links: Vec<Op> = (0..=INVITE_LINKS_PER_ROOM)
        .map(|n| Op::PutInvite { room: ROOM, link: InviteLink { expires: n as u64, ..link(1) } })
        .collect();
    subject.store().commit(&links).expect("the oldest gives way");
    let kept: Vec<u64> = boot_room(subject).invites.iter().map(|link| link.expires).collect();
    assert_eq!(kept, (1..=INVITE_LINKS_PER_ROOM as u64).collect::<Vec<_>>());
}

fn large_numbers(subject: &mut dyn Subject) {
    begin(subject);
    let last = StoredEntry {
        seq: i64::MAX as u64,
        kind: u16::MAX,
        first_seen: UnixMillis(u64::MAX),
        shown: UnixMillis(u64::MAX),
        ..entry(1, 1, u64::MAX, kind::TEXT)
    };
    put(subject, [last.clone(), entry(1, 2, 5, kind::TEXT)]);
    let held = Op::PutHeld { room: ROOM, holder: device(1), log: log(1), seq: u64::MAX };
    let epoch = Op::PutEpoch { room: ROOM, epoch: u32::MAX, key: [1; 32] };
    subject.store().commit(&[held, epoch, Op::PutRead { room: ROOM, upto: last.order }]).expect("good");
    subject.restart();
    let room = boot_room(subject);
    assert_eq!(room.heads, std::slice::from_ref(&last));
    assert_eq!(room.held, [(device(1), log(1), u64::MAX)]);
    assert_eq!(room.epochs, [(u32::MAX, [1; 32])]);
    assert_eq!(room.read, Some(last.order));
    let all = subject.store().timeline(ROOM, None, 9, &[kind::TEXT, u16::MAX]).expect("reads");
    assert_eq!(all.last(), Some(&last), "clocks sort unsigned");
}
