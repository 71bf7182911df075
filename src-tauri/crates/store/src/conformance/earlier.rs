//! Stories of what is said of earlier entries: edits, reactions, pins, and what is erased or expires.

use super::Subject;
use super::stories::{OTHER, ROOM, Story, begin, boot_room, device, entries, entry, hash, log, put, put_room};
use crate::limits::{EXPIRED_ENTRIES, PINNED, RELATED_PER_TARGET, TIMELINE_ENTRIES, UNOFFERED_BLOBS};
use crate::{StoreError, Unread};
use natter_engine::ids::{BlobHash, EntryHash, RoomId, Ticket};
use natter_engine::port::{Fetch, Op, Stored, StoredEntry};
use natter_engine::time::UnixMillis;
use natter_engine::wire::{Act, Body, kind};

/// All of them.
pub(super) const ALL: &[(&str, Story)] = &[
    ("what an entry says of another comes back, the newest of each target", related),
    ("of a target's pins the last one counts", pinned),
    ("an entry erased keeps its header and nothing else, and its author's edits too", erased),
    ("an edit that comes after its target was erased, or before it came erased, is kept without words", late_edits),
    ("only what was spoken can be erased, and twice is once", erasing_little),
    ("an erased entry is not unread but still the last", erased_is_not_unread),
    ("what has expired is told in order, and when the next does", expired),
    ("a blob is offered until the last entry that offers it is erased or forgotten", unoffered),
];

/// Entry `seq` of an author's log, which says something of `target`.
fn about(author: u8, seq: u64, clock: u64, target: EntryHash, act: Act) -> StoredEntry {
    let body = Body::About { target, act };
    let words = body.words().map(str::to_owned);
    let payload = Some(body.encode());
    StoredEntry { target: Some(target), words, payload, ..entry(author, seq, clock, body.kind()) }
}

fn edit(author: u8, seq: u64, clock: u64, target: EntryHash, text: &str) -> StoredEntry {
    about(author, seq, clock, target, Act::Edit(natter_engine::wire::Text::plain(text)))
}

fn without(whole: &StoredEntry) -> StoredEntry {
    let gone = StoredEntry { payload: None, salt: [0; 16], blobs: Vec::new(), ..whole.clone() };
    StoredEntry { words: None, expires: None, ..gone }
}

fn erase(subject: &dyn Subject, target: EntryHash) {
    subject.store().commit(&[Op::Erase { room: ROOM, target }]).expect("erasing never fails for what it names");
}

fn related(subject: &mut dyn Subject) {
    begin(subject);
    let targets = [entry(1, 1, 10, kind::TEXT), entry(2, 1, 11, kind::TEXT)];
    let [a, b] = [targets[0].order.hash, targets[1].order.hash];
    let all = [
        about(3, 1, 20, a, Act::React { emoji: "🎉".to_owned(), on: true }),
        edit(2, 2, 21, b, "better"),
        about(3, 2, 22, a, Act::Pin { on: true }),
        about(1, 2, 23, b, Act::Delete),
    ];
    let reply = StoredEntry { target: Some(a), ..entry(1, 3, 24, kind::TEXT) };
    put(subject, targets.iter().chain(all.iter().rev()).chain([&reply]).cloned());
    subject.restart();
    let store = subject.store();
    let ask = |targets: &[EntryHash]| store.related(ROOM, targets).expect("reads");
    assert_eq!(ask(&[b, a, hash(99), a]), all, "in order, each once, and only what is about them");
    assert_eq!(ask(&[a]), [all[0].clone(), all[2].clone()]);
    assert!(ask(&[]).is_empty() && store.related(OTHER, &[a]).expect("reads").is_empty());
    assert_eq!(store.entry(ROOM, reply.order.hash).expect("reads"), Some(reply));
    let react = |seq| about(3, seq, 100 + seq, a, Act::React { emoji: "🎉".to_owned(), on: seq % 2 == 0 });
    put(subject, (3..=RELATED_PER_TARGET as u64 + 10).map(react));
    let newest = ask(&[a, b]);
    assert_eq!(newest.len(), RELATED_PER_TARGET + 2);
    assert_eq!(newest.last().map(|entry| entry.seq), Some(RELATED_PER_TARGET as u64 + 10));
    assert!(store.related(ROOM, &vec![a; TIMELINE_ENTRIES]).is_ok());
    assert!(matches!(store.related(ROOM, &vec![a; TIMELINE_ENTRIES + 1]), Err(StoreError::TooMany(_))));
}

fn pinned(subject: &mut dyn Subject) {
    begin(subject);
    let pin = |author, seq, clock, target: u64, on| about(author, seq, clock, hash(target), Act::Pin { on });
    let all = [
        pin(1, 1, 10, 1, true),
        pin(2, 1, 11, 2, true),
        pin(1, 2, 12, 1, false),
        pin(2, 2, 13, 3, true),
        pin(3, 1, 14, 2, true),
    ];
    put(subject, all.iter().rev().cloned());
    subject.restart();
    let ask = || subject.store().pinned(ROOM).expect("reads");
    assert_eq!(ask(), [all[4].clone(), all[3].clone()], "whatever order they came in");
    let unreadable = StoredEntry { payload: Some(vec![0xff]), ..pin(3, 2, 15, 2, false) };
    put(subject, [unreadable]);
    assert_eq!(ask().len(), 2, "what cannot be read unpins nothing");
    put(subject, (1..=PINNED as u64).map(|n| pin(4, n, 100 + n, 50 + n, true)));
    assert_eq!(ask().len(), PINNED);
    assert_eq!(ask()[0].seq, PINNED as u64, "the newest first");
    assert!(subject.store().pinned(OTHER).expect("reads").is_empty());
}

fn erased(subject: &mut dyn Subject) {
    begin(subject);
    let said = StoredEntry {
        blobs: vec![BlobHash([5; 32])],
        words: Some("a secret".to_owned()),
        expires: Some(UnixMillis(2_000_000_000_000)),
        ..entry(1, 1, 10, kind::PICTURE)
    };
    let target = said.order.hash;
    let own = [edit(1, 2, 11, target, "another secret"), edit(1, 3, 12, target, "a third")];
    let others = edit(2, 1, 13, target, "not theirs to say");
    let reaction = about(2, 2, 14, target, Act::React { emoji: "🎉".to_owned(), on: true });
    put(subject, [said.clone(), own[0].clone(), own[1].clone(), others.clone(), reaction.clone()]);
    erase(subject, target);
    subject.restart();
    let fetch = Fetch::Entries { ticket: Ticket(5), room: ROOM, log: log(1), from: 1, to: 9, limit: 9 };
    let expected = [without(&said), without(&own[0]), without(&own[1])];
    assert_eq!(entries(subject.store().fetch(&fetch).expect("reads")), expected, "the chain is whole");
    assert_eq!(boot_room(subject).heads[0], expected[2]);
    let theirs = subject.store().related(ROOM, &[target]).expect("reads");
    assert_eq!(theirs, [expected[1].clone(), expected[2].clone(), others, reaction]);
    let rooms = subject.store().fetch(&Fetch::BlobRooms { ticket: Ticket(1), blob: BlobHash([5; 32]) });
    assert!(matches!(rooms, Ok(Stored::BlobRooms(_, rooms, _)) if rooms.is_empty()));
    let due = subject.store().fetch(&Fetch::Expired { ticket: Ticket(1), by: UnixMillis(u64::MAX) });
    assert!(matches!(due, Ok(Stored::Expired(_, due, None)) if due.is_empty()));
    let found = subject.store().search("secret", None, None, None, 9).expect("reads");
    assert!(found.is_empty());
    // The same entry, told again by someone who still has it, does not come back.
    put(subject, [said]);
    assert_eq!(subject.store().entry(ROOM, target).expect("reads"), Some(expected[0].clone()));
}

fn late_edits(subject: &mut dyn Subject) {
    begin(subject);
    let said = entry(1, 1, 10, kind::TEXT);
    let target = said.order.hash;
    put(subject, [said]);
    erase(subject, target);
    let [own, others] = [edit(1, 2, 11, target, "late"), edit(2, 1, 12, target, "late")];
    put(subject, [own.clone(), others.clone()]);
    let expected = [without(&own), others];
    assert_eq!(subject.store().related(ROOM, &[target]).expect("reads"), expected);
    // The other way round: its author's edit is here when the target comes as an empty header.
    let gone = without(&entry(3, 1, 20, kind::TEXT));
    let early = edit(3, 2, 21, gone.order.hash, "early");
    put(subject, [early.clone()]);
    put(subject, [gone.clone()]);
    assert_eq!(subject.store().related(ROOM, &[gone.order.hash]).expect("reads"), [without(&early)]);
}

fn erasing_little(subject: &mut dyn Subject) {
    begin(subject);
    let said = entry(1, 1, 10, kind::TEXT);
    let edited = edit(1, 2, 11, said.order.hash, "better");
    let founded = entry(1, 3, 12, kind::GENESIS);
    let all = [said.clone(), edited.clone(), founded.clone()];
    put(subject, all.clone());
    for target in [edited.order.hash, founded.order.hash, hash(404)] {
        erase(subject, target);
    }
    subject.store().commit(&[Op::Erase { room: OTHER, target: said.order.hash }]).expect("nothing is there");
    let kinds = [kind::TEXT, kind::EDIT, kind::GENESIS];
    let read = || subject.store().timeline(ROOM, None, 9, &kinds).expect("reads");
    assert_eq!(read(), all);
    // What fails takes the erasure back with it.
    let wrong =
        [Op::Erase { room: ROOM, target: said.order.hash }, Op::PutEntry(StoredEntry { room: OTHER, ..said.clone() })];
    assert!(matches!(subject.store().commit(&wrong), Err(StoreError::NoSuchRoom(OTHER))));
    assert_eq!(read(), all);
    erase(subject, said.order.hash);
    erase(subject, said.order.hash);
    assert_eq!(read(), [without(&said), without(&edited), founded]);
}

fn erased_is_not_unread(subject: &mut dyn Subject) {
    begin(subject);
    let all = [entry(2, 1, 10, kind::TEXT), entry(3, 1, 11, kind::TEXT), entry(2, 2, 12, kind::TEXT)];
    put(subject, all.clone());
    erase(subject, all[0].order.hash);
    erase(subject, all[2].order.hash);
    let store = subject.store();
    let unread = store.unread(ROOM, device(1), None, kind::SPOKEN).expect("reads");
    assert_eq!(unread, Unread { count: 1, first: Some(all[1].order.hash) });
    assert_eq!(store.last(ROOM, kind::SPOKEN).expect("reads"), Some(without(&all[2])));
}

fn expired(subject: &mut dyn Subject) {
    begin(subject);
    subject.store().commit(&[put_room(OTHER)]).expect("good");
    let brief = |room: RoomId, author, seq, at| StoredEntry {
        room,
        expires: Some(UnixMillis(at)),
        ..entry(author, seq, seq, kind::TEXT)
    };
    let all = [brief(ROOM, 1, 1, 50), brief(OTHER, 1, 1, 40), brief(ROOM, 1, 2, u64::MAX), brief(ROOM, 2, 3, 50)];
    let never = [
        StoredEntry { payload: None, ..brief(ROOM, 3, 1, 10) },
        StoredEntry { kind: kind::RECEIPT, ..brief(ROOM, 3, 2, 10) },
        entry(3, 3, 3, kind::TEXT),
    ];
    put(subject, all.iter().chain(&never).cloned());
    subject.restart();
    let ask = |by| match subject.store().fetch(&Fetch::Expired { ticket: Ticket(7), by: UnixMillis(by) }) {
        Ok(Stored::Expired(Ticket(7), due, next)) => (due, next.map(|at| at.0)),
        other => panic!("not the expired: {other:?}"),
    };
    let name = |entry: &StoredEntry| (entry.room, entry.order.hash);
    let [a, b, c, d] = all.each_ref().map(name);
    assert_eq!(ask(39), (vec![], Some(40)));
    assert_eq!(ask(40), (vec![b], Some(50)));
    assert_eq!(ask(50), (vec![b, a, d], Some(u64::MAX)), "by time, then by room and order");
    assert_eq!(ask(u64::MAX), (vec![b, a, d, c], None));
    assert_eq!(subject.store().entry(ROOM, a.1).expect("reads").and_then(|e| e.expires), Some(UnixMillis(50)));
    for never in never {
        let kept = subject.store().entry(ROOM, never.order.hash).expect("reads").expect("it is there");
        assert_eq!(kept.expires, None, "kind {}", kept.kind);
    }
    subject.store().commit(&[Op::ForgetRoom(OTHER), Op::Erase { room: ROOM, target: a.1 }]).expect("good");
    assert_eq!(ask(50), (vec![d], Some(u64::MAX)));
    put(subject, (1..=EXPIRED_ENTRIES as u64 + 5).map(|seq| brief(ROOM, 4, seq, 60 + seq)));
    let (due, next) = ask(1000);
    assert_eq!((due.len(), due[0], next), (EXPIRED_ENTRIES, d, Some(60 + EXPIRED_ENTRIES as u64)));
}

fn unoffered(subject: &mut dyn Subject) {
    begin(subject);
    let [one, two, never] = [1, 2, 3].map(|n| BlobHash([n; 32]));
    let offer = |room, seq, blobs| StoredEntry { room, blobs, ..entry(1, seq, seq, kind::PICTURE) };
    let first = offer(ROOM, 1, vec![one, two]);
    subject.store().commit(&[put_room(OTHER), Op::PutEntry(offer(OTHER, 1, vec![two]))]).expect("good");
    put(subject, [first.clone()]);
    let ask = || subject.store().unoffered(&[never, two, one]).expect("reads");
    assert_eq!(ask(), [never]);
    erase(subject, first.order.hash);
    assert_eq!(ask(), [never, one]);
    subject.store().commit(&[Op::ForgetRoom(OTHER)]).expect("good");
    assert_eq!(ask(), [never, two, one]);
    assert!(subject.store().unoffered(&[]).expect("reads").is_empty());
    assert!(subject.store().unoffered(&vec![one; UNOFFERED_BLOBS]).is_ok());
    assert!(matches!(subject.store().unoffered(&vec![one; UNOFFERED_BLOBS + 1]), Err(StoreError::TooMany(_))));
}
