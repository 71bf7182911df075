//! Stories of finding one's way: search, dates, scrolling down, drafts.

use super::Subject;
use super::stories::{OTHER, ROOM, Story, begin, device, entry, put, put_room};
use crate::limits::{DRAFT_BYTES, KINDS, QUERY_BYTES, QUERY_WORDS, SEARCH_HITS, TIMELINE_ENTRIES};
use crate::{Hit, StoreError};
use natter_engine::ids::{DeviceId, RoomId};
use natter_engine::port::{Op, StoredEntry};
use natter_engine::time::UnixMillis;
use natter_engine::wire::kind;
use natter_engine::wire::limits::PAYLOAD_BYTES;

/// All of them.
pub(super) const ALL: &[(&str, Story)] = &[
    ("a timeline pages forwards too", timeline_after),
    ("a history pages through everything, in order and within bytes", history),
    ("a date leads to the earliest message that shows it or later", at),
    ("a search finds by beginnings, in any order, case and script", search),
    ("a search tells the newest first and goes on where it stopped", search_pages),
    ("a message is found by the words that it has now, and by nobody else's", search_edits),
    ("what was erased or forgotten is not found", search_erased),
    ("the signs of a query mean nothing", search_signs),
    ("a draft is kept until it is sent, replaced or its room forgotten", drafts),
];

fn said(author: u8, seq: u64, clock: u64, words: &str) -> StoredEntry {
    StoredEntry { words: Some(words.to_owned()), ..entry(author, seq, clock, kind::TEXT) }
}

fn edit(author: u8, seq: u64, clock: u64, of: &StoredEntry, words: &str) -> StoredEntry {
    StoredEntry { kind: kind::EDIT, target: Some(of.order.hash), ..said(author, seq, clock, words) }
}

fn hits(subject: &dyn Subject, query: &str, room: Option<RoomId>, author: Option<DeviceId>) -> Vec<u64> {
    let hits = subject.store().search(query, room, author, None, SEARCH_HITS).expect("reads");
    hits.iter().map(|hit| hit.entry.order.clock.0).collect()
}

fn find(subject: &dyn Subject, query: &str) -> Vec<u64> {
    hits(subject, query, None, None)
}

fn timeline_after(subject: &mut dyn Subject) {
    begin(subject);
    put(subject, (1..=600).rev().map(|seq| entry(1, seq, seq, kind::TEXT)));
    put(subject, [entry(2, 1, 300, kind::PICTURE), entry(2, 2, 301, kind::RECEIPT)]);
    let store = subject.store();
    let clocks = |entries: Vec<StoredEntry>| entries.iter().map(|entry| entry.order.clock.0).collect::<Vec<_>>();
    let page = |clock, limit, kinds: &[u16]| {
        clocks(store.timeline_after(ROOM, entry(1, clock, clock, kind::TEXT).order, limit, kinds).expect("reads"))
    };
    assert_eq!(page(299, 4, kind::SPOKEN), [300, 300, 301, 302]);
    assert_eq!(page(298, 9, &[kind::PICTURE]), [300]);
    assert_eq!(page(598, 9, kind::SPOKEN), [599, 600]);
    assert_eq!(page(1, usize::MAX, kind::SPOKEN).len(), TIMELINE_ENTRIES);
    assert!(page(600, 9, kind::SPOKEN).is_empty() && page(1, 0, kind::SPOKEN).is_empty() && page(1, 9, &[]).is_empty());
    let start = entry(1, 1, 1, kind::TEXT).order;
    assert!(store.timeline_after(OTHER, start, 9, kind::SPOKEN).expect("reads").is_empty());
    assert!(matches!(store.timeline_after(ROOM, start, 1, &[1; KINDS + 1]), Err(StoreError::TooMany(_))));
}

fn history(subject: &mut dyn Subject) {
    begin(subject);
    let all: Vec<StoredEntry> =
        (1..=600).map(|seq| entry(1, seq, seq, if seq % 3 == 0 { 999 } else { kind::TEXT })).collect();
    put(subject, all.iter().rev().cloned());
    let store = subject.store();
    let page = |after: Option<u64>, limit| {
        let after = after.map(|at| all[at as usize - 1].order);
        store.history(ROOM, after, limit).expect("reads")
    };
    assert_eq!(page(None, 3), all[..3]);
    assert_eq!(page(Some(598), 9), all[598..]);
    assert_eq!(page(None, usize::MAX).len(), TIMELINE_ENTRIES);
    assert!(page(Some(600), 9).is_empty() && page(None, 0).is_empty());
    assert!(store.history(OTHER, None, 9).expect("reads").is_empty());
    let large = |seq| StoredEntry { payload: Some(vec![7; 32 * 1024]), ..entry(2, seq, 700 + seq, kind::TEXT) };
    put(subject, (1..=9).map(large));
    assert_eq!(page(Some(600), 9).len(), 7, "256 KiB at a time");
}

fn at(subject: &mut dyn Subject) {
    begin(subject);
    let shown =
        |author, seq, clock, shown, kind| StoredEntry { shown: UnixMillis(shown), ..entry(author, seq, clock, kind) };
    let all = [
        shown(1, 1, 10, 100, kind::TEXT),
        // Of one whose clock was ahead.
        shown(2, 1, 11, 900, kind::TEXT),
        shown(1, 2, 12, 200, kind::TEXT),
        shown(3, 1, 13, 200, kind::PICTURE),
        shown(1, 3, 14, 150, kind::RECEIPT),
        shown(1, 4, 15, u64::MAX, kind::TEXT),
    ];
    put(subject, all.iter().rev().cloned());
    let ask = |time, kinds: &[u16]| {
        subject.store().at(ROOM, UnixMillis(time), kinds).expect("reads").map(|order| order.clock.0)
    };
    assert_eq!(ask(0, kind::SPOKEN), Some(10));
    assert_eq!(ask(101, kind::SPOKEN), Some(12), "the first of those that show the same, and not the fast clock's");
    assert_eq!(ask(101, &[kind::PICTURE]), Some(13));
    assert_eq!(ask(201, kind::SPOKEN), Some(11));
    assert_eq!(ask(901, kind::SPOKEN), Some(15));
    assert_eq!(ask(u64::MAX, kind::SPOKEN), Some(15));
    assert_eq!(ask(901, &[kind::PICTURE]), None);
    assert_eq!(ask(0, &[]), None);
    assert_eq!(subject.store().at(OTHER, UnixMillis(0), kind::SPOKEN).expect("reads"), None);
    assert!(subject.store().at(ROOM, UnixMillis(0), &[1; KINDS + 1]).is_err());
}

fn search(subject: &mut dyn Subject) {
    begin(subject);
    subject.store().commit(&[put_room(OTHER)]).expect("good");
    put(
        subject,
        [
            said(1, 1, 10, "Picnic at noon, can't wait!"),
            said(2, 1, 11, "Ça va? À midi, au CAFÉ"),
            said(1, 2, 12, "明日は東京都へ行く"),
            said(2, 2, 13, "The picnic is off: see https://example.org/why_not"),
            StoredEntry { room: OTHER, ..said(1, 1, 14, "picnic elsewhere") },
            StoredEntry { kind: kind::PICTURE, ..said(3, 1, 15, "the café") },
            // No message: not to be found.
            StoredEntry { kind: kind::PROFILE, ..said(3, 2, 16, "picnic") },
            StoredEntry { payload: None, ..said(3, 3, 17, "picnic") },
            entry(3, 4, 18, kind::TEXT),
        ],
    );
    subject.restart();
    assert_eq!(find(subject, "picnic"), [14, 13, 10]);
    assert_eq!(hits(subject, "picnic", Some(ROOM), None), [13, 10]);
    assert_eq!(hits(subject, "PIC", Some(ROOM), Some(device(1))), [10]);
    assert_eq!(hits(subject, "pic", None, Some(device(1))), [14, 10]);
    assert_eq!(hits(subject, "picnic", Some(RoomId([9; 32])), None), [0; 0]);
    assert_eq!(hits(subject, "picnic", None, Some(device(9))), [0; 0]);
    assert_eq!(find(subject, "noon picnic"), [10]);
    assert_eq!(find(subject, "nic"), [0; 0]);
    assert_eq!(find(subject, "cant wai"), [10]);
    assert_eq!(find(subject, "cafe"), [15, 11]);
    assert_eq!(find(subject, "ca mi"), [11]);
    for part in ["東京", "京都", "日は東", "行", "明日は東京都へ行く"] {
        assert_eq!(find(subject, part), [12], "{part}");
    }
    assert_eq!(find(subject, "京東"), [0; 0]);
    assert_eq!(find(subject, "example.org"), [13]);
    assert_eq!(find(subject, "org why"), [13]);
    let store = subject.store();
    let hit = &store.search("noon", None, None, None, 1).expect("reads")[0];
    let expected = said(1, 1, 10, "Picnic at noon, can't wait!");
    assert_eq!(hit, &Hit { words: "Picnic at noon, can't wait!".to_owned(), entry: expected, place: hit.place });
    assert!(matches!(store.search(&"a".repeat(QUERY_BYTES + 1), None, None, None, 1), Err(StoreError::Invalid(_))));
    assert!(store.search(&"a ".repeat(QUERY_WORDS), None, None, None, 1).is_ok());
    assert!(matches!(store.search(&"a ".repeat(QUERY_WORDS + 1), None, None, None, 1), Err(StoreError::TooMany(_))));
    let long = StoredEntry { words: Some("w".repeat(PAYLOAD_BYTES + 1)), ..entry(4, 1, 30, kind::TEXT) };
    assert!(matches!(store.commit(&[Op::PutEntry(long)]), Err(StoreError::Invalid("words"))));
}

fn search_pages(subject: &mut dyn Subject) {
    begin(subject);
    subject.store().commit(&[put_room(OTHER)]).expect("good");
    let room = |seq| if seq % 3 == 0 { OTHER } else { ROOM };
    // Not in the order of time; and more in one millisecond than have a place there.
    put(subject, (1..=200).rev().map(|seq| StoredEntry { room: room(seq), ..said(1, seq, seq * 37 % 401, "word") }));
    let together = |seq| StoredEntry { shown: UnixMillis(5), ..said(2, seq, 1000 + seq, "word") };
    put(subject, (1..=300).map(together));
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = subject.store().search("wor", None, None, before, 70).expect("reads");
        assert!(page.len() <= 70);
        let Some(last) = page.last() else { break };
        assert!(before.is_none_or(|before| last.place < before));
        before = Some(last.place);
        seen.extend(page.iter().map(|hit| (hit.entry.shown, hit.entry.order.hash)));
    }
    assert_eq!(seen.len(), 500);
    assert!(seen[44..244].is_sorted_by(|a, b| a.0 > b.0), "newest first, whatever room and order they came in");
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 500, "each once");
    let all = |limit| subject.store().search("word", None, None, None, limit).expect("reads").len();
    assert_eq!((all(0), all(usize::MAX)), (0, SEARCH_HITS));
}

fn search_edits(subject: &mut dyn Subject) {
    begin(subject);
    let [a, b, c] = [said(1, 1, 10, "alpha"), said(2, 1, 11, "beta"), said(3, 1, 12, "gamma")];
    let edits = [edit(1, 2, 20, &a, "delta"), edit(1, 3, 21, &a, "epsilon"), edit(2, 2, 22, &a, "forged")];
    put(subject, [a.clone(), b.clone(), edits[1].clone(), edits[0].clone(), edits[2].clone()]);
    // Edits that are here before what they edit.
    put(subject, [edit(3, 2, 23, &c, "zeta"), c.clone()]);
    put(subject, [StoredEntry { words: None, ..edit(2, 3, 24, &b, "") }]);
    subject.restart();
    for (query, expected) in [
        ("alpha", &[][..]),
        ("delta", &[]),
        ("epsilon", &[10]),
        ("forged", &[]),
        ("beta", &[]),
        ("gamma", &[]),
        ("zeta", &[12]),
    ] {
        assert_eq!(find(subject, query), expected, "{query}");
    }
    let hit = subject.store().search("epsi", None, None, None, 1).expect("reads").remove(0);
    assert_eq!((hit.entry, hit.words.as_str()), (a, "epsilon"), "the message, and its words as they are");
}

fn search_erased(subject: &mut dyn Subject) {
    begin(subject);
    subject.store().commit(&[put_room(OTHER)]).expect("good");
    let [a, b] = [said(1, 1, 10, "secret one"), said(2, 1, 11, "secret two")];
    put(subject, [a.clone(), edit(1, 2, 12, &a, "secret three"), b.clone()]);
    put(subject, [StoredEntry { room: OTHER, ..said(1, 1, 13, "secret four") }]);
    assert_eq!(find(subject, "secret"), [13, 11, 10]);
    subject.store().commit(&[Op::Erase { room: ROOM, target: a.order.hash }]).expect("good");
    assert_eq!(find(subject, "secret"), [13, 11]);
    put(subject, [edit(1, 3, 14, &a, "secret again")]);
    assert_eq!(find(subject, "secret"), [13, 11]);
    subject.store().commit(&[Op::ForgetRoom(OTHER)]).expect("good");
    assert_eq!(find(subject, "secret"), [11]);
    subject.store().commit(&[put_room(OTHER)]).expect("it may come back");
    put(subject, [StoredEntry { room: OTHER, ..said(1, 1, 13, "secret five") }]);
    assert_eq!(find(subject, "secret"), [13, 11]);
    assert_eq!(find(subject, "four"), [0; 0]);
}

fn search_signs(subject: &mut dyn Subject) {
    begin(subject);
    put(subject, [said(1, 1, 10, "and not near words author"), said(1, 2, 11, "plain")]);
    for query in ["", " ", "\"", "\"\"", "*", "^", "-", "()", "{}", ":", "+", "🎉", "\0", "'"] {
        assert_eq!(find(subject, query), [0; 0], "{query:?}");
    }
    for (query, expected) in [
        ("AND", &[10][..]),
        ("and NOT", &[10]),
        ("plain OR words", &[]),
        ("plain NOT words", &[]),
        ("NEAR(and not)", &[10]),
        ("words:plain", &[]),
        ("author : words", &[10]),
        ("\"plain", &[11]),
        ("plain\"", &[11]),
        ("^plain", &[11]),
        ("pla*", &[11]),
        ("-plain", &[11]),
        ("{words} plain", &[]),
        ("pl\0ain", &[]),
        ("plain; DROP TABLE entry", &[]),
    ] {
        assert_eq!(find(subject, query), expected, "{query:?}");
    }
}

fn drafts(subject: &mut dyn Subject) {
    begin(subject);
    subject.store().commit(&[put_room(OTHER)]).expect("good");
    let store = subject.store();
    assert_eq!(store.draft(ROOM).expect("reads"), None);
    store.put_draft(ROOM, Some("helo")).expect("good");
    store.put_draft(ROOM, Some("hello")).expect("good");
    store.put_draft(OTHER, Some(&"d".repeat(DRAFT_BYTES))).expect("at the limit");
    assert!(matches!(store.put_draft(OTHER, Some(&"d".repeat(DRAFT_BYTES + 1))), Err(StoreError::Invalid("draft"))));
    assert!(matches!(store.put_draft(RoomId([9; 32]), Some("x")), Err(StoreError::NoSuchRoom(_))));
    drop(store);
    subject.restart();
    let store = subject.store();
    assert_eq!(store.draft(ROOM).expect("reads").as_deref(), Some("hello"));
    assert_eq!(store.drafts().expect("reads"), [(ROOM, "hello".to_owned()), (OTHER, "d".repeat(DRAFT_BYTES))]);
    store.put_draft(ROOM, None).expect("good");
    store.put_draft(ROOM, None).expect("nothing to remove is fine");
    store.commit(&[Op::ForgetRoom(OTHER), put_room(OTHER)]).expect("good");
    assert!(store.drafts().expect("reads").is_empty());
}
