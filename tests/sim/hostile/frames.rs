//! Frames of an authenticated peer: broken ones, oversized ones, and well-formed ones that nobody asked for.

use super::{ended, insider, members, shown, still_serves, tolerated};
use natter_engine::ids::{LogId, LogKey};
use natter_engine::port::{JoinState, Notify, SignalKind};
use natter_engine::wire::limits::{BROKERS, FRAME_BYTES, HAVE_LOGS, QUEUED_BYTES_PER_PEER, WANT_ENTRIES};
use natter_engine::wire::{Frame, KnockState, Text};
use natter_sim::puppet::{Puppet, text};
use std::time::Duration;

/// Everything that is not one record of definite length, from the empty message to endless nesting.
#[test]
fn malformed_cbor_ends_the_link() {
    let ping = Frame::Ping { nonce: 7 }.encode();
    let broken: Vec<Vec<u8>> = vec![
        vec![],
        vec![0x00],
        vec![0xff],
        ping[..ping.len() - 1].to_vec(),
        [&ping[..], &[0]].concat(),
        vec![0x9f, 0x02, 0x07, 0xff],
        vec![0x82, 0x61, b'x', 0x07],
        vec![0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0x81; FRAME_BYTES],
        [&[0x82, 0x02][..], &[0x81; 1000]].concat(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
    ];
    for bytes in broken {
        let (mut stage, room, invite, mallory, dialog) = insider();
        let stored = stage.entries(room).len();
        mallory.say_bytes(&mut stage, &dialog, bytes.clone());
        assert_eq!(stage.broken(), ["a malformed frame"], "{bytes:02x?}");
        ended(&stage, dialog.link, "a malformed frame", stored, room);
        still_serves(&mut stage, &invite);
    }
}

/// A frame of one byte too many; one of exactly the limit is heard.
#[test]
fn an_oversized_frame_ends_the_link() {
    let (mut stage, room, invite, mallory, dialog) = insider();
    let stored = stage.entries(room).len();
    // An unknown kind with a long byte string: well-formed, skipped for a newer version's sake.
    let frame = |bytes: usize| {
        let content = bytes - 7;
        let head = [0x82, 0x18, 99, 0x5a];
        let length = (content as u32 - 1).to_be_bytes();
        [&head[..], &length, &vec![0; content - 1]].concat()
    };
    assert_eq!(frame(FRAME_BYTES).len(), FRAME_BYTES);
    mallory.say_bytes(&mut stage, &dialog, frame(FRAME_BYTES));
    tolerated(&stage, dialog.link);
    mallory.say_bytes(&mut stage, &dialog, frame(FRAME_BYTES + 1));
    ended(&stage, dialog.link, "a malformed frame", stored, room);
    still_serves(&mut stage, &invite);
}

/// Values that the types allow and the protocol does not.
#[test]
fn a_field_out_of_its_range_ends_the_link() {
    let (probe, room, ..) = insider();
    let log = probe.own_log();
    let heads = |count: usize| (0..count).map(|n| (invented(n), 1)).collect();
    let frames = [
        Frame::Want { room, log, from: 0, to: 5 },
        Frame::Want { room, log, from: 5, to: 4 },
        Frame::Want { room, log, from: 1, to: WANT_ENTRIES + 1 },
        Frame::Have { room, asks: false, heads: heads(HAVE_LOGS + 1), tips: Vec::new() },
        Frame::Roster { room, linked: Vec::new(), brokers: vec!["ws://b/".into(); BROKERS + 1] },
    ];
    for frame in frames {
        let (mut stage, room, _, mallory, dialog) = insider();
        let stored = stage.entries(room).len();
        mallory.say(&mut stage, &dialog, &frame);
        ended(&stage, dialog.link, "a malformed frame", stored, room);
    }
}

/// A log that nobody has.
fn invented(n: usize) -> LogKey {
    let mut log = [0; 16];
    log[..8].copy_from_slice(&(n as u64).to_be_bytes());
    LogKey { author: Puppet::new(99).device, log: LogId(log) }
}

/// What is for another room, or for nobody.
#[test]
fn frames_about_unknown_rooms_and_kinds_are_skipped() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let stored = stage.entries(room).len();
    stage.take_sent(dialog.link);
    let nowhere = natter_engine::ids::RoomId([9; 32]);
    let lost = mallory.entry_with(nowhere, &text("where am I"), |_| ());
    for tag in 100..120 {
        mallory.say_bytes(&mut stage, &dialog, vec![0x82, 0x18, tag, 0x00]);
    }
    for frame in [
        Frame::Have { room: nowhere, asks: false, heads: vec![(invented(1), 9)], tips: Vec::new() },
        Frame::Want { room: nowhere, log: invented(1), from: 1, to: 9 },
        Frame::Entries { room: nowhere, entries: vec![lost] },
        Frame::Roster { room: nowhere, linked: Vec::new(), brokers: vec!["ws://evil.test/".into()] },
        Frame::AskBlob { room: nowhere, blob: natter_sim::puppet::blob(1) },
        Frame::BlobIs { room: nowhere, blob: natter_sim::puppet::blob(1), here: true },
        Frame::KnockState { room, state: KnockState::Declined },
        Frame::KnockState { room: nowhere, state: KnockState::Waiting },
        Frame::Welcome { room: nowhere, epochs: vec![(1, [6; 32])], brokers: Vec::new() },
    ] {
        mallory.say(&mut stage, &dialog, &frame);
    }
    tolerated(&stage, dialog.link);
    assert_eq!(stage.take_sent(dialog.link), [], "nothing is answered");
    assert_eq!(stage.entries(room).len(), stored);
    assert_eq!(stage.rooms.len(), 1);
    assert!(!stage.notices.iter().any(|notice| matches!(notice, Notify::Join { .. })), "nobody knocked");
    still_serves(&mut stage, &invite);
}

/// A member says WELCOME again, with keys of its own: the room's secret stays what it was.
#[test]
fn a_welcome_that_nobody_waits_for_changes_no_key() {
    let (mut stage, room, invite, mallory, dialog) = insider();
    let key = stage.epoch_key(room);
    let epochs = vec![(1, [6; 32]), (2, [7; 32])];
    mallory.say(&mut stage, &dialog, &Frame::Welcome { room, epochs, brokers: vec!["ws://evil.test/".into()] });
    tolerated(&stage, dialog.link);
    assert_eq!(stage.epoch_key(room), key);
    assert!(stage.rooms[&room].brokers.is_empty());
    still_serves(&mut stage, &invite);
}

/// A member claims to hold more of our log than there is, and counts as holding what there is.
#[test]
fn a_receipt_for_what_was_never_written_counts_for_what_was() {
    let (mut stage, room, _, mallory, dialog) = insider();
    let own = stage.own_log();
    let head = stage.entries(room).iter().filter(|entry| entry.log == own).map(|entry| entry.seq).max();
    mallory.say(
        &mut stage,
        &dialog,
        &Frame::Have { room, asks: false, heads: vec![(own, u64::MAX)], tips: Vec::new() },
    );
    tolerated(&stage, dialog.link);
    let held = stage.notices.iter().rev().find_map(|notice| {
        if let Notify::Held { holder, seq, .. } = notice
            && *holder == mallory.device
        {
            Some(*seq)
        } else {
            None
        }
    });
    assert_eq!(held, head);
}

/// WANTs by the thousand: what does not fit into the peer's queue is not read from disk either.
#[test]
fn a_flood_of_wants_fills_one_queue_and_no_more() {
    let (mut stage, room, invite, mallory, dialog) = insider();
    for n in 0..40 {
        let text = format!("{n} {}", "x".repeat(16_000));
        stage.command(natter_engine::port::Command::SendText { room, text: Text::plain(text) }).expect("said");
    }
    let own = stage.own_log();
    stage.take_sent(dialog.link);
    for _ in 0..2_000 {
        mallory.say(&mut stage, &dialog, &Frame::Want { room, log: own, from: 1, to: 200 });
    }
    let sent = stage.unread(dialog.link);
    assert!((1..=QUEUED_BYTES_PER_PEER).contains(&sent), "{sent} bytes wait for Mallory to read");
    tolerated(&stage, dialog.link);
    still_serves(&mut stage, &invite);
}

/// Mallory asks us to carry an envelope as if it came from Ben, or to somebody who is not in the room.
#[test]
fn a_signal_is_carried_only_for_its_author_and_between_members() {
    let (mut stage, room, invite, mallory, dialog) = insider();
    let mut ben = Puppet::new(7);
    let bens = ben.enter(&mut stage, &invite);
    let mut stranger = Puppet::new(99);
    let theirs = stranger.link(&mut stage, room, natter_sim::puppet::Way::Invite(&invite));
    stage.take_sent(bens.link);
    stage.take_sent(theirs.link);
    let signal = |from, to| Frame::Signal { room, from, to, kind: SignalKind::Offer, envelope: vec![1; 600] };
    mallory.say(&mut stage, &dialog, &signal(Puppet::new(8).device, ben.device));
    mallory.say(&mut stage, &dialog, &signal(mallory.device, stranger.device));
    stranger.say(&mut stage, &theirs, &signal(stranger.device, ben.device));
    assert_eq!(stage.take_sent(bens.link), [], "nothing reaches Ben");
    assert_eq!(stage.take_sent(theirs.link), [], "nothing reaches the stranger");
    tolerated(&stage, dialog.link);
    let own = signal(mallory.device, ben.device);
    mallory.say(&mut stage, &dialog, &own);
    assert_eq!(stage.take_sent(bens.link), [own], "her own is carried");
}

/// A roster names strangers and the dead, and brokers of every kind and number.
#[test]
fn a_roster_makes_nobody_a_member_and_names_at_most_eight_brokers() {
    let (mut stage, room, _, mallory, dialog) = insider();
    let before = members(&stage, room);
    let linked: Vec<_> = (100..130).map(|n| Puppet::new(n).device).collect();
    let odd = ["file:///etc/passwd", "javascript:alert(1)", "ftp://a.test/", ""].map(String::from).to_vec();
    mallory.say(&mut stage, &dialog, &Frame::Roster { room, linked: linked.clone(), brokers: odd });
    assert!(stage.rooms[&room].brokers.is_empty(), "no broker speaks these");
    for n in 0..20 {
        let brokers = vec![format!("wss://evil{n}.test/")];
        mallory.say(&mut stage, &dialog, &Frame::Roster { room, linked: linked.clone(), brokers });
    }
    assert_eq!(stage.rooms[&room].brokers.len(), BROKERS);
    assert_eq!(members(&stage, room), before);
    assert_eq!(stage.opened.len(), 0, "no stranger is dialled");
    tolerated(&stage, dialog.link);
}

/// A chat frame where only bytes of files belong.
#[test]
fn a_frame_on_a_bulk_link_ends_it() {
    let (mut stage, room, _, mut mallory, dialog) = insider();
    let bulk = mallory.bulk(&mut stage, &dialog, room);
    let words = mallory.entry(&stage, room, &text("by the back door"));
    let stored = stage.entries(room).len();
    mallory.push(&mut stage, &bulk, room, vec![words]);
    ended(&stage, bulk.link, "a frame on a bulk link", stored, room);
    assert_eq!(shown(&stage), []);
}

/// Who says nothing and answers no PING is given up.
#[test]
fn a_peer_that_plays_dead_is_given_up() {
    let (mut stage, _, invite, _, dialog) = insider();
    stage.run(Duration::from_secs(40));
    assert!(!stage.has_closed(dialog.link));
    stage.run(Duration::from_secs(10));
    assert!(stage.has_closed(dialog.link));
    assert_eq!(stage.broken(), [""; 0]);
    still_serves(&mut stage, &invite);
}

/// An honest door never says so: the states a knock can have are told only by the door it stands at.
#[test]
fn a_member_cannot_end_another_rooms_knock() {
    let (mut stage, room, _, mallory, dialog) = insider();
    let (_, _, elsewhere) = natter_sim::puppet::Stage::with_room(2);
    stage.command(natter_engine::port::Command::Join { invite: elsewhere.clone() }).expect("knocks");
    mallory.say(&mut stage, &dialog, &Frame::KnockState { room: elsewhere.room, state: KnockState::Declined });
    let epochs = vec![(1, [6; 32])];
    mallory.say(&mut stage, &dialog, &Frame::Welcome { room: elsewhere.room, epochs, brokers: Vec::new() });
    let states: Vec<JoinState> = stage
        .notices
        .iter()
        .filter_map(|notice| {
            if let Notify::Join { room, state } = notice
                && *room == elsewhere.room
            {
                Some(*state)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(states, [JoinState::Connecting, JoinState::WaitingForMember]);
    let boot = natter_store::Store::boot(&stage.disk).expect("reads").expect("an identity");
    let knocking = boot.rooms.iter().find(|known| known.room == elsewhere.room).expect("it still knocks");
    assert_eq!(knocking.epochs, []);
    tolerated(&stage, dialog.link);
    assert!(stage.rooms.contains_key(&room));
}
