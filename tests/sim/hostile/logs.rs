//! Entries: the sender shown is the key that signed, and a log has one history.

use super::{ended, insider, shown, still_serves, tolerated};
use natter_engine::ids::{EntryHash, RoomId};
use natter_engine::port::Profile;
use natter_engine::time::{Hlc, UnixMillis};
use natter_engine::wire::{Body, Entry, Text};
use natter_sim::node::DAWN;
use natter_sim::puppet::{Puppet, Stage, text};
use std::collections::BTreeMap;
use std::time::Duration;

/// One bit of an entry is not what was signed or committed to.
#[test]
fn a_changed_entry_ends_the_link() {
    type Flaw = fn(&mut Entry);
    let flaws: [Flaw; 5] = [
        |entry| entry.signature[3] ^= 1,
        // The length of the payload that the header commits to is one of the last fields: still a header.
        |entry| *entry.header.last_mut().expect("bytes") ^= 1,
        |entry| entry.salt[0] ^= 1,
        |entry| *entry.payload.as_mut().expect("a payload").last_mut().expect("bytes") ^= 1,
        |entry| entry.payload.as_mut().expect("a payload").push(0),
    ];
    for flaw in flaws {
        let (mut stage, room, invite, mut mallory, dialog) = insider();
        let mut entry = mallory.entry(&stage, room, &text("pay Mallory"));
        flaw(&mut entry);
        let stored = stage.entries(room).len();
        mallory.push(&mut stage, &dialog, room, vec![entry]);
        ended(&stage, dialog.link, "an entry that does not verify", stored, room);
        assert_eq!(shown(&stage), []);
        still_serves(&mut stage, &invite);
    }
}

/// Mallory writes as Ben: into his log, with her own signature or none.
#[test]
fn a_spoofed_sender_ends_the_link() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let ben = still_serves(&mut stage, &invite);
    let (seq, prev) = ben.head();
    let entry = mallory.entry_with(room, &text("I, Ben, owe Mallory"), |header| {
        (header.log, header.seq, header.prev) = (ben.log(), seq + 1, prev);
    });
    let stored = stage.entries(room).len();
    mallory.push(&mut stage, &dialog, room, vec![entry]);
    ended(&stage, dialog.link, "an entry that does not verify", stored, room);
    assert_eq!(shown(&stage), [(ben.device, "hello".into())], "nobody said that");
}

/// Well signed, for a room that is not this one.
#[test]
fn an_entry_for_the_wrong_room_ends_the_link() {
    let genesis = Body::Genesis { name: "Mine".into(), profile: Profile::default(), nonce: [1; 16] };
    for founds in [false, true] {
        let (mut stage, room, invite, mut mallory, dialog) = insider();
        let other = stage.found("Cellar");
        let entry = if founds {
            mallory.entry_with(RoomId([0; 32]), &genesis, |_| ())
        } else {
            mallory.entry_with(other, &text("wrong door"), |_| ())
        };
        let stored = stage.entries(room).len();
        mallory.push(&mut stage, &dialog, room, vec![entry]);
        ended(&stage, dialog.link, "an entry of another room", stored, room);
        assert_eq!(shown(&stage), []);
        still_serves(&mut stage, &invite);
    }
}

/// A header that is none, and places in a log that do not exist.
#[test]
fn an_impossible_place_ends_the_link() {
    for flaw in 0..4 {
        let (mut stage, room, _, mut mallory, dialog) = insider();
        let mut entry = mallory.entry_with(room, &text("nowhere"), |header| match flaw {
            0 => header.prev = Some(EntryHash([1; 32])),
            1 => header.seq = 9,
            _ => header.parents = Vec::new(),
        });
        let rule = match flaw {
            0 | 1 => "an entry that does not verify",
            2 => {
                entry.header.clear();
                "a malformed entry"
            }
            _ => {
                entry.header.truncate(40);
                "a malformed entry"
            }
        };
        let stored = stage.entries(room).len();
        mallory.push(&mut stage, &dialog, room, vec![entry]);
        ended(&stage, dialog.link, rule, stored, room);
    }
}

/// An entry that changes who is in, without what it changes: two members would see different rooms.
#[test]
fn an_entry_that_cannot_be_deleted_does_not_come_without_its_payload() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let change = natter_engine::wire::RoomBody { name: Some("Mine".into()), ..Default::default() };
    let mut entry = mallory.entry(&stage, room, &Body::Room(change));
    (entry.payload, entry.salt) = (None, [0; 16]);
    let stored = stage.entries(room).len();
    mallory.push(&mut stage, &dialog, room, vec![entry]);
    ended(&stage, dialog.link, "an entry without what it says", stored, room);
    still_serves(&mut stage, &invite);
}

/// A member passes on what somebody wrote who was never let in.
#[test]
fn a_strangers_entries_are_not_kept_whoever_brings_them() {
    let (mut stage, room, invite, mallory, dialog) = insider();
    let mut stranger = Puppet::new(99);
    let entry = stranger.entry(&stage, room, &text("hear me"));
    let stored = stage.entries(room).len();
    mallory.push(&mut stage, &dialog, room, vec![entry]);
    stage.run(Duration::from_secs(10));
    tolerated(&stage, dialog.link);
    assert_eq!(stage.entries(room).len(), stored);
    assert_eq!(shown(&stage), []);
    still_serves(&mut stage, &invite);
}

/// An entry whose cause nobody has is not shown; once the cause is there, both are, in their order.
#[test]
fn an_entry_waits_for_its_parents() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let mut ben = Puppet::new(7);
    let bens = ben.enter(&mut stage, &invite);
    let question = ben.entry(&stage, room, &text("who is there?"));
    let cause = question.hash();
    let answer = mallory.entry_with(room, &text("I am"), |header| header.parents = vec![cause]);
    let nothing = mallory.entry_with(room, &text("and more"), |header| header.parents = vec![EntryHash([7; 32])]);
    mallory.push(&mut stage, &dialog, room, vec![answer, nothing]);
    stage.run(Duration::from_secs(30));
    assert_eq!(shown(&stage), [], "nothing without its cause");
    mallory.say(&mut stage, &dialog, &natter_engine::wire::Frame::Ping { nonce: 1 });
    ben.push(&mut stage, &bens, room, vec![question]);
    assert_eq!(shown(&stage), [(ben.device, "who is there?".into()), (mallory.device, "I am".into())]);
    tolerated(&stage, dialog.link);
}

/// Two entries for one place: both histories are kept and shown, each in a branch, and it is said who did it.
#[test]
fn a_fork_of_ones_own_log_is_reported_and_both_histories_are_kept() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let start = mallory.head();
    let yes = mallory.entry(&stage, room, &text("yes"));
    mallory.push(&mut stage, &dialog, room, vec![yes]);
    mallory.rewind(start.0, start.1);
    let no = mallory.entry(&stage, room, &text("no"));
    mallory.push(&mut stage, &dialog, room, vec![no.clone()]);
    assert_eq!(stage.broken(), ["two entries for one place in a log"], "as soon as it is seen");
    let more = mallory.entry(&stage, room, &text("as I said"));
    mallory.push(&mut stage, &dialog, room, vec![no, more]);
    let said = shown(&stage);
    let words = ["yes", "no", "as I said"].map(|words| (mallory.device, words.into()));
    assert!(said.len() == 3 && words.iter().all(|one| said.contains(one)), "{said:?}");
    assert_eq!(stage.broken(), ["two entries for one place in a log"], "once is enough");
    assert_eq!(stage.rooms[&room].forks, BTreeMap::from([(mallory.device, 1)]));
    assert!(!stage.has_closed(dialog.link), "an honest machine that was put back does that as well");
    still_serves(&mut stage, &invite);
}

/// The same with the first of the two still waiting for its cause.
#[test]
fn a_fork_among_what_waits_is_reported() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let start = mallory.head();
    let parents = vec![EntryHash([7; 32])];
    let yes = mallory.entry_with(room, &text("yes"), |header| header.parents.clone_from(&parents));
    mallory.rewind(start.0, start.1);
    let no = mallory.entry_with(room, &text("no"), |header| header.parents.clone_from(&parents));
    mallory.push(&mut stage, &dialog, room, vec![yes, no]);
    assert_eq!(stage.broken(), ["two entries for one place in a log"]);
    assert_eq!(shown(&stage), []);
    still_serves(&mut stage, &invite);
}

/// The same entry again and again is no fork.
#[test]
fn an_entry_that_comes_often_is_shown_once() {
    let (mut stage, room, _, mut mallory, dialog) = insider();
    let hello = mallory.entry(&stage, room, &text("hello"));
    for _ in 0..500 {
        mallory.push(&mut stage, &dialog, room, vec![hello.clone(), hello.clone()]);
    }
    tolerated(&stage, dialog.link);
    assert_eq!(shown(&stage), [(mallory.device, "hello".into())]);
}

fn last_shown(stage: &Stage, room: RoomId) -> UnixMillis {
    stage.entries(room).last().expect("entries").shown
}

/// A clock years ahead: shown five minutes ahead at most, and nobody is pushed behind it in time.
#[test]
fn a_clock_far_in_the_future_is_shown_within_five_minutes() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let entry = mallory.entry_with(room, &text("greetings from 2150"), |header| {
        header.clock = Hlc((1 << 63) - 1);
        header.written = UnixMillis(u64::MAX);
    });
    let now = stage.clocks().wall;
    mallory.push(&mut stage, &dialog, room, vec![entry]);
    tolerated(&stage, dialog.link);
    assert_eq!(last_shown(&stage, room), UnixMillis(now.0 + 300_000));
    // The order goes on after it, for everybody.
    stage.command(natter_engine::port::Command::SendText { room, text: Text::plain("well") }).expect("said");
    let said: Vec<_> = shown(&stage).into_iter().map(|(_, words)| words).collect();
    assert_eq!(said, ["greetings from 2150", "well"]);
    let last = stage.entries(room).last().cloned().expect("entries");
    assert_eq!(last.order.author, stage.device, "what came after it stands after it");
    assert!(last.shown.0 <= now.0 + 300_000);
    let again = stage.invite(room, natter_sim::people::party());
    still_serves(&mut stage, &again);
    still_serves_old(&mut stage, &invite);
}

/// An old invite still works: invites expire by wall clocks, which nobody drags along.
fn still_serves_old(stage: &mut Stage, invite: &natter_engine::wire::InviteLink) {
    let mut cleo = Puppet::new(8);
    cleo.enter(stage, invite);
}

/// A clock that no number is left after.
#[test]
fn a_clock_beyond_all_clocks_ends_the_link() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let entry = mallory.entry_with(room, &text("never"), |header| header.clock = Hlc(1 << 63));
    let stored = stage.entries(room).len();
    mallory.push(&mut stage, &dialog, room, vec![entry]);
    ended(&stage, dialog.link, "a malformed entry", stored, room);
    still_serves(&mut stage, &invite);
}

/// A message that claims to be older than what it answers.
#[test]
fn a_message_is_shown_no_earlier_than_its_causes() {
    let (mut stage, room, _, mut mallory, dialog) = insider();
    let cause = last_shown(&stage, room);
    let parents = stage.entries(room).last().map(|entry| entry.order.hash).into_iter().collect();
    let entry = mallory.entry_with(room, &text("I was first"), |header| {
        header.parents = parents;
        header.clock = Hlc(1);
        header.written = UnixMillis(0);
    });
    mallory.push(&mut stage, &dialog, room, vec![entry]);
    tolerated(&stage, dialog.link);
    let last = stage.entries(room).last().cloned().expect("entries");
    assert_eq!((last.order.author, last.shown), (mallory.device, cause), "after its cause, not before");
    assert!(cause.0 >= DAWN);
}

/// A payload that does not decode says nothing, and what its author says next is heard.
#[test]
fn an_unreadable_payload_is_its_authors_loss() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let garbage = mallory.raw(room, natter_engine::wire::kind::TEXT, vec![0xff; 40]);
    let newer = mallory.raw(room, 999, vec![1, 2, 3]);
    let next = mallory.entry(&stage, room, &text("pardon me"));
    mallory.push(&mut stage, &dialog, room, vec![garbage, newer, next]);
    tolerated(&stage, dialog.link);
    assert_eq!(shown(&stage), [(mallory.device, "pardon me".into())]);
    still_serves(&mut stage, &invite);
}
