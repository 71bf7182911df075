//! Chance: sequences of writes drawn from a world so small that everything meets everything.

use crate::{Place, Store};
use natter_engine::ids::{BlobHash, DeviceId, EntryHash, LogId, LogKey, RoomId, Ticket};
use natter_engine::port::{Branch, Fetch, Op, OrderKey, Profile, Standing, StoredEntry};
use natter_engine::signaling::InviteLink;
use natter_engine::time::{Hlc, UnixMillis};
use natter_engine::wire::{Act, Body, kind};
use proptest::prelude::*;

const KINDS: &[u16] = &[
    kind::GENESIS,
    kind::ADMIT,
    kind::LEAVE,
    31,
    kind::TEXT,
    kind::TEXT,
    kind::PICTURE,
    kind::PROFILE,
    kind::RECEIPT,
    kind::EDIT,
    kind::EDIT,
    kind::DELETE,
    kind::REACTION,
    kind::PIN,
    40,
];
const WORDS: &[&str] = &["", "Good morning", "good MÜSLI", "東京都 morning", "go", "☃"];
const QUERIES: &[&str] = &["go", "good mo", "京都", "musli", "morning 東", "☃", "x"];

/// One step of a sequence.
#[derive(Clone, Debug)]
pub enum Step {
    /// `Store::create`.
    Create(u8),
    /// `Store::commit`.
    Commit(Vec<Op>),
    /// `Store::commit_group`.
    Group(Vec<Vec<Op>>),
    /// `Store::put_setting`.
    Setting(u8, Option<u8>),
    /// `Store::put_draft`.
    Draft(RoomId, Option<u8>),
}

/// Sequences of up to 24 steps.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ops = || prop::collection::vec(op(), 1..10);
    let step = prop_oneof![
        1 => (0..3u8).prop_map(Step::Create),
        12 => ops().prop_map(Step::Commit),
        3 => prop::collection::vec(ops(), 0..4).prop_map(Step::Group),
        1 => (0..3u8, prop::option::of(any::<u8>())).prop_map(|(key, value)| Step::Setting(key, value)),
        1 => ((0..3u8).prop_map(room), prop::option::of(any::<u8>())).prop_map(|(room, text)| Step::Draft(room, text)),
    ];
    prop::collection::vec(step, 1..24)
}

/// Takes the same steps with both and compares what each said and all that can be read.
///
/// # Errors
/// Where they differ.
pub fn agree(a: &dyn Store, b: &dyn Store, steps: &[Step]) -> Result<(), TestCaseError> {
    for step in steps {
        prop_assert_eq!(take(a, step), take(b, step), "{:?}", step);
    }
    compare(a, b)
}

fn take(store: &dyn Store, step: &Step) -> Vec<Option<String>> {
    let said = |result: Result<(), crate::StoreError>| result.err().map(|error| error.to_string());
    match step {
        Step::Create(n) => {
            vec![said(store.create([*n; 32], LogId([*n; 16]), &Profile { name: n.to_string(), avatar: None }))]
        }
        Step::Commit(ops) => vec![said(store.commit(ops))],
        Step::Group(requests) => {
            let requests: Vec<&[Op]> = requests.iter().map(Vec::as_slice).collect();
            store.commit_group(&requests).into_iter().map(said).collect()
        }
        Step::Draft(room, text) => vec![said(store.put_draft(*room, text.map(|n| n.to_string()).as_deref()))],
        Step::Setting(key, value) => {
            vec![said(store.put_setting(&key.to_string(), value.as_ref().map(std::slice::from_ref)))]
        }
    }
}

/// Compares every read of two stores.
///
/// # Errors
/// Where they differ.
pub fn compare(a: &dyn Store, b: &dyn Store) -> Result<(), TestCaseError> {
    macro_rules! same {
        ($read:expr) => {{
            let read = $read;
            prop_assert_eq!(format!("{:?}", read(a)), format!("{:?}", read(b)));
        }};
    }
    same!(|s: &dyn Store| s.boot());
    for key in 0..3 {
        same!(|s: &dyn Store| s.setting(&key.to_string()));
    }
    same!(|s: &dyn Store| s.drafts());
    same!(|s: &dyn Store| s.unoffered(&[blob(2), blob(0), blob(1), blob(2)]));
    for by in [0, 5, 1 << 40, 1 << 63, u64::MAX].map(UnixMillis) {
        same!(|s: &dyn Store| s.fetch(&Fetch::Expired { ticket: Ticket(4), by }));
    }
    for query in QUERIES {
        for (to, author) in
            [(None, None), (Some(room(1)), None), (None, Some(device(1))), (Some(room(0)), Some(device(0)))]
        {
            same!(|s: &dyn Store| s.search(query, to, author, None, 100));
            for place in [1 << 20, 1 << 50, 1 << 62].map(Place) {
                same!(|s: &dyn Store| s.search(query, to, author, Some(place), 2));
            }
        }
    }
    for blob in (0..3).map(blob) {
        same!(|s: &dyn Store| s.fetch(&Fetch::BlobRooms { ticket: Ticket(1), blob }));
    }
    for room in (0..4).map(room) {
        let hashes: Vec<EntryHash> = (0..17).map(hash).collect();
        for hash in &hashes {
            same!(|s: &dyn Store| s.entry(room, *hash));
        }
        same!(|s: &dyn Store| s.related(room, &hashes));
        same!(|s: &dyn Store| s.pinned(room));
        same!(|s: &dyn Store| s.draft(room));
        let lookup = Fetch::Lookup { ticket: Ticket(2), room, hashes };
        same!(|s: &dyn Store| s.fetch(&lookup));
        for (author, name) in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)] {
            for (from, to, limit) in [(0, u64::MAX, 100), (2, 4, 2), (3, 2, 9)] {
                let fetch = Fetch::Entries { ticket: Ticket(3), room, log: log(author, name), from, to, limit };
                same!(|s: &dyn Store| s.fetch(&fetch));
            }
        }
        for kinds in [kind::SHOWN, kind::SPOKEN, KINDS, &[]] {
            same!(|s: &dyn Store| s.last(room, kinds));
            for time in [0, 3, 1 << 40, 1 << 63, u64::MAX].map(UnixMillis) {
                same!(|s: &dyn Store| s.at(room, time, kinds));
            }
            for place in [order(0, 0, 0), order(3, 1, 9), order(7, 2, 16)] {
                same!(|s: &dyn Store| s.timeline_after(room, place, 5, kinds));
                same!(|s: &dyn Store| s.history(room, Some(place), 5));
            }
            for place in [None, Some(order(0, 0, 0)), Some(order(3, 1, 9)), Some(order(7, 2, 16))] {
                same!(|s: &dyn Store| s.timeline(room, place, 5, kinds));
                same!(|s: &dyn Store| s.timeline(room, place, 1000, kinds));
                same!(|s: &dyn Store| s.unread(room, device(1), place, kinds));
            }
        }
    }
    Ok(())
}

fn room(n: u8) -> RoomId {
    RoomId([n; 32])
}

fn device(n: u8) -> DeviceId {
    DeviceId([n; 32])
}

fn log(author: u8, name: u8) -> LogKey {
    LogKey { author: device(author), log: LogId([name; 16]) }
}

fn hash(n: u8) -> EntryHash {
    EntryHash([n; 32])
}

fn blob(n: u8) -> BlobHash {
    BlobHash([n; 32])
}

fn order(clock: u64, author: u8, name: u8) -> OrderKey {
    OrderKey { clock: Hlc(clock), author: device(author), hash: hash(name) }
}

fn link() -> impl Strategy<Value = InviteLink> {
    (0..4u8, 0..40usize).prop_map(|(seed, brokers)| InviteLink {
        seed: [seed; 32],
        room: room(seed),
        room_name: "room".to_owned(),
        // Once in a while more than a link may have.
        brokers: vec!["wss://broker".to_owned(); brokers / 4],
        expires: 1,
        spoken: None,
    })
}

fn time() -> impl Strategy<Value = UnixMillis> {
    prop_oneof![0..8u64, any::<u64>()].prop_map(UnixMillis)
}

fn entry() -> impl Strategy<Value = StoredEntry> {
    let payload = prop_oneof![
        4 => prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
        1 => Just(Some(vec![5; 1500])),
    ];
    (
        (0..3u8, 0..3u8, 0..2u8, 1..6u64),
        (prop_oneof![0..8u64, Just(u64::MAX)], 0..17u8, prop::sample::select(KINDS)),
        (payload, prop::collection::vec((0..3u8).prop_map(blob), 0..3), prop_oneof![0..8u64, any::<u64>()]),
        (
            prop::option::of(0..17u8),
            prop::option::of(prop::sample::select(WORDS)),
            any::<bool>(),
            prop::option::of(time()),
        ),
    )
        .prop_map(|(place, order_and_kind, (payload, blobs, time), (target, words, on, expires))| {
            let ((to, author, name, seq), (clock, hash, kind)) = (place, order_and_kind);
            let pin = Body::About { target: EntryHash([0; 32]), act: Act::Pin { on } };
            let payload = if kind == kind::PIN { payload.map(|_| pin.encode()) } else { payload };
            StoredEntry {
                room: room(to),
                log: log(author, name),
                seq,
                order: order(clock, author, hash),
                kind,
                header: vec![author; 40],
                signature: [hash; 64],
                salt: [hash; 16],
                payload,
                blobs,
                target: target.map(self::hash),
                words: words.map(str::to_owned),
                expires,
                first_seen: UnixMillis(time),
                shown: UnixMillis(time.rotate_left(7)),
            }
        })
}

fn op() -> impl Strategy<Value = Op> {
    let rooms = || (0..3u8).prop_map(room);
    let standing = prop::sample::select(vec![Standing::Member, Standing::Knocking, Standing::Gone]);
    let orders = (0..8u64, 0..3u8, 0..17u8).prop_map(|(clock, author, name)| order(clock, author, name));
    prop_oneof![
        6 => (rooms(), standing, 0..10usize, prop::option::of(link())).prop_map(|(room, standing, brokers, invite)| {
            Op::PutRoom { room, standing, brokers: vec!["wss://b".to_owned(); brokers], invite }
        }),
        2 => (rooms(), 0..3u32, any::<u8>()).prop_map(|(room, epoch, key)| Op::PutEpoch { room, epoch, key: [key; 32] }),
        20 => entry().prop_map(Op::PutEntry),
        2 => (rooms(), prop::collection::vec((0..17u8).prop_map(hash), 0..6))
            .prop_map(|(room, frontier)| Op::PutFrontier { room, frontier }),
        2 => (rooms(), 0..3u8, 0..3u8, 0..2u8, any::<u64>()).prop_map(|(room, holder, author, name, seq)| Op::PutHeld {
            room,
            holder: device(holder),
            log: log(author, name),
            seq,
        }),
        2 => (rooms(), orders).prop_map(|(room, upto)| Op::PutRead { room, upto }),
        2 => (rooms(), link()).prop_map(|(room, link)| Op::PutInvite { room, link }),
        1 => (any::<u8>(), prop::option::of(prop::collection::vec(any::<u8>(), 0..4)))
            .prop_map(|(name, avatar)| Op::PutProfile(Profile { name: name.to_string(), avatar })),
        2 => (rooms(), (0..3u8, 0..2u8, 0..6u64), prop::option::of(0..17u8), prop::collection::vec(0..17u8, 0..3)).prop_map(
            |(room, (author, name, at), ours, firsts)| {
                let log = log(author, name);
                let one = |first| Branch { log, at, first: hash(first), header: vec![first; 40], signature: [first; 64] };
                Op::Split { room, log, at, ours: ours.map(hash), branches: firsts.into_iter().map(one).collect() }
            }
        ),
        1 => any::<u8>().prop_map(|name| Op::PutLog(LogId([name; 16]))),
        3 => (rooms(), 0..17u8).prop_map(|(room, target)| Op::Erase { room, target: hash(target) }),
        1 => rooms().prop_map(Op::ForgetRoom),
    ]
}
