//! More than anybody honest sends: it costs the flooder, and nobody else waits for it.

use super::{insider, shown, still_serves, tolerated};
use natter_engine::ids::{EntryHash, LogId, LogKey};
use natter_engine::port::{Command, Reply};
use natter_engine::wire::limits::{
    ENTRIES_BURST, ENTRIES_PER_SECOND, HAVE_LOGS, HEADER_BYTES, LOGS_PER_ROOM, PAYLOAD_BYTES, PENDING_BYTES_PER_ROOM,
};
use natter_engine::wire::{Entry, Frame, InviteLink, Text};
use natter_sim::puppet::{Puppet, Stage, Way, text};
use std::time::Duration;

fn wants(frames: &[Frame], of: LogKey) -> Vec<(u64, u64)> {
    let want = |frame: &Frame| {
        if let Frame::Want { log, from, to, .. } = frame
            && *log == of
        {
            Some((*from, *to))
        } else {
            None
        }
    };
    frames.iter().filter_map(want).collect()
}

/// A thousand messages at once: a burst is taken as it comes, the rest is fetched in our own time. Nothing is lost.
#[test]
fn a_flood_of_entries_is_taken_at_our_own_pace() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    stage.take_sent(dialog.link);
    let entries: Vec<Entry> = (0..1000).map(|n| mallory.entry_with(room, &text(&n.to_string()), |_| ())).collect();
    for entry in &entries {
        mallory.push(&mut stage, &dialog, room, vec![entry.clone()]);
    }
    let burst = ENTRIES_BURST as usize;
    // The answer to the WANT that the first one over the rate brings is what is pushed on: asked for, it is free.
    let asked = wants(&stage.take_sent(dialog.link), mallory.log());
    assert_eq!(asked.first(), Some(&(burst as u64 + 1, burst as u64 + 1)), "exactly the burst came free");
    for _ in 0..20 {
        let have = shown(&stage).len();
        if have == entries.len() {
            break;
        }
        stage.run(Duration::from_secs(6));
        mallory.say(&mut stage, &dialog, &Frame::Ping { nonce: 1 });
        for (from, to) in wants(&stage.take_sent(dialog.link), mallory.log()) {
            let last = entries.len().min(to as usize);
            for range in entries[from as usize - 1..last].chunks(100) {
                mallory.push(&mut stage, &dialog, room, range.to_vec());
            }
        }
    }
    assert_eq!(shown(&stage).len(), entries.len(), "all of it, in the end");
    tolerated(&stage, dialog.link);
    still_serves(&mut stage, &invite);
}

/// Unsigned claims of entries in logs that nobody ever wrote, faster than anybody may speak.
#[test]
fn a_flood_of_unknown_logs_is_not_remembered() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let entry = mallory.entry_with(room, &text("x"), |_| ());
    let header = natter_engine::wire::Header::decode(&entry.header).expect("a header");
    let invented = |n: u64| {
        let mut header = header.clone();
        header.log = LogKey { author: Puppet::new(99).device, log: LogId([0; 16]) };
        header.log.log.0[..8].copy_from_slice(&n.to_be_bytes());
        Entry { header: header.encode(), ..entry.clone() }
    };
    // Spend the rate on what is well signed first: what is over it is not verified.
    for _ in 0..ENTRIES_BURST {
        let next = mallory.entry_with(room, &text("y"), |header| header.parents = vec![EntryHash([1; 32])]);
        mallory.push(&mut stage, &dialog, room, vec![next]);
    }
    for n in 0..200 {
        let entries = (0..100).map(|m| invented(n * 100 + m)).collect();
        mallory.push(&mut stage, &dialog, room, entries);
    }
    assert!(stage.engine.load().claimed_logs <= LOGS_PER_ROOM, "{:?}", stage.engine.load());
    still_serves(&mut stage, &invite);
}

/// HAVE after HAVE of logs that do not exist.
#[test]
fn a_flood_of_claims_to_have_is_not_remembered() {
    let (mut stage, room, invite, mallory, dialog) = insider();
    for n in 0..100u32 {
        let heads = (0..HAVE_LOGS as u32)
            .map(|m| {
                let mut log = [0; 16];
                log[..4].copy_from_slice(&(n << 16 | m).to_be_bytes());
                (LogKey { author: mallory.device, log: LogId(log) }, u64::MAX)
            })
            .collect();
        mallory.say(&mut stage, &dialog, &Frame::Have { room, asks: false, heads, tips: Vec::new() });
    }
    assert!(stage.engine.load().claimed_logs <= LOGS_PER_ROOM, "{:?}", stage.engine.load());
    let asked = stage.take_sent(dialog.link).iter().filter(|frame| matches!(frame, Frame::Want { .. })).count();
    assert!((1..=8).contains(&asked), "{asked} asks at a time");
    stage.run(Duration::from_secs(20));
    tolerated(&stage, dialog.link);
    still_serves(&mut stage, &invite);
}

/// Strangers made up by the thousand, each with a well-signed first word.
#[test]
fn a_flood_of_strangers_is_not_remembered() {
    let (mut stage, room, invite, mallory, dialog) = insider();
    let stored = stage.entries(room).len();
    for n in 0..4_200u32 {
        let mut stranger = Puppet::numbered(n);
        let log = stranger.log();
        // Asked for, so that no rate holds it back.
        mallory.say(&mut stage, &dialog, &Frame::Have { room, asks: false, heads: vec![(log, 1)], tips: Vec::new() });
        let entry = stranger.entry_with(room, &text("hear me"), |_| ());
        mallory.push(&mut stage, &dialog, room, vec![entry]);
        if n % 100 == 0 {
            stage.run(Duration::from_secs(1));
            mallory.say(&mut stage, &dialog, &Frame::Ping { nonce: 1 });
        }
    }
    assert!(stage.engine.load().refused_logs <= LOGS_PER_ROOM, "{:?}", stage.engine.load());
    assert_eq!(stage.entries(room).len(), stored);
    tolerated(&stage, dialog.link);
    still_serves(&mut stage, &invite);
}

/// Mallory fills the memory for what waits to the brim with words whose causes do not exist. Everybody else is heard all
/// the same, and what they said before is fetched all the same.
#[test]
fn a_flood_of_entries_without_causes_blocks_nobody_else() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let mut fill = |stage: &mut Stage, log: u8, count: u64, words: &str| {
        mallory.another_log(log);
        let log = mallory.log();
        mallory.say(stage, &dialog, &Frame::Have { room, asks: false, heads: vec![(log, count)], tips: Vec::new() });
        for _ in 0..count {
            let entry = mallory.entry_with(room, &text(words), |header| header.parents = vec![EntryHash([7; 32])]);
            mallory.push(stage, &dialog, room, vec![entry]);
            stage.take_sent(dialog.link);
        }
    };
    for log in 1..=3 {
        fill(&mut stage, log, 800, &"x".repeat(16_000));
    }
    fill(&mut stage, 4, 100, &"x".repeat(1_000));
    fill(&mut stage, 5, 100, "x");
    let load = stage.engine.load();
    assert!(load.waiting_bytes > PENDING_BYTES_PER_ROOM - PAYLOAD_BYTES - HEADER_BYTES, "{load:?}");
    tolerated(&stage, dialog.link);
    hears_more_than_there_is_room_for(&mut stage, &invite);
}

/// Ben is served, and what he said while nobody was linked with him is fetched, though it does not fit beside the rest.
fn hears_more_than_there_is_room_for(stage: &mut Stage, invite: &InviteLink) {
    let room = invite.room;
    let (mut ben, link) = super::still_serves_linked(stage, invite);
    let words = |n| text(&format!("more {n} {}", "x".repeat(15_000)));
    let more: Vec<Entry> = (0..4).map(|n| ben.entry_with(room, &words(n), |_| ())).collect();
    assert!(more.iter().map(Entry::weight).sum::<usize>() > PAYLOAD_BYTES + HEADER_BYTES);
    ben.say(stage, &link, &Frame::Have { room, asks: false, heads: vec![(ben.log(), 5)], tips: Vec::new() });
    assert_eq!(wants(&stage.take_sent(link.link), ben.log()), [(2, 5)], "he is asked");
    ben.push(stage, &link, room, more);
    let heard = shown(stage).iter().filter(|(who, words)| *who == ben.device && words.starts_with("more")).count();
    assert_eq!(heard, 4, "all of it");
}

/// The same by strangers made up by the hundred, whose first words Mallory brings: each of them holds little.
#[test]
fn a_crowd_without_causes_blocks_no_member() {
    let (mut stage, room, invite, mallory, dialog) = insider();
    for (count, words) in [(0..2_100, "x".repeat(16_000)), (2_100..2_200, "x".into())] {
        for n in count {
            let mut stranger = Puppet::numbered(n);
            mallory.say(
                &mut stage,
                &dialog,
                &Frame::Have { room, asks: false, heads: vec![(stranger.log(), 1)], tips: Vec::new() },
            );
            let entry = stranger.entry_with(room, &text(&words), |header| header.parents = vec![EntryHash([7; 32])]);
            mallory.push(&mut stage, &dialog, room, vec![entry]);
        }
    }
    let load = stage.engine.load();
    assert!(load.waiting_bytes > PENDING_BYTES_PER_ROOM - PAYLOAD_BYTES - HEADER_BYTES, "{load:?}");
    tolerated(&stage, dialog.link);
    hears_more_than_there_is_room_for(&mut stage, &invite);
}

/// Who trickles what we know already is not making progress: after five seconds somebody else is asked.
#[test]
fn a_trickle_of_old_entries_does_not_hold_an_ask() {
    let (mut stage, room, invite, mallory, dialog) = insider();
    let mut ben = Puppet::new(7);
    let link = ben.enter(&mut stage, &invite);
    let first = ben.entry(&stage, room, &text("first"));
    ben.push(&mut stage, &link, room, vec![first.clone()]);
    let second = ben.entry(&stage, room, &text("second"));
    stage.take_sent(dialog.link);
    stage.take_sent(link.link);
    // Mallory claims more of Ben's log than anybody, and is asked first.
    mallory.say(
        &mut stage,
        &dialog,
        &Frame::Have { room, asks: false, heads: vec![(ben.log(), 200)], tips: Vec::new() },
    );
    assert_eq!(wants(&stage.take_sent(dialog.link), ben.log()), [(2, 200)]);
    ben.say(&mut stage, &link, &Frame::Have { room, asks: false, heads: vec![(ben.log(), 2)], tips: Vec::new() });
    for _ in 0..10 {
        stage.run(Duration::from_secs(2));
        mallory.push(&mut stage, &dialog, room, vec![first.clone()]);
    }
    assert_eq!(wants(&stage.take_sent(link.link), ben.log()).first(), Some(&(2, 2)), "Ben is asked");
    ben.push(&mut stage, &link, room, vec![second]);
    assert!(shown(&stage).contains(&(ben.device, "second".into())));
}

/// Two who claim everything and deliver nothing do not take turns for ever.
#[test]
fn two_liars_cannot_pass_an_ask_to_each_other() {
    let (mut stage, room, invite, mallory, dialog) = insider();
    let mut oscar = Puppet::new(67);
    let oscars = oscar.enter(&mut stage, &invite);
    let mut ben = Puppet::new(7);
    let link = ben.enter(&mut stage, &invite);
    stage.take_sent(link.link);
    let have = |seq| Frame::Have { room, asks: false, heads: vec![(ben.log(), seq)], tips: Vec::new() };
    mallory.say(&mut stage, &dialog, &have(u64::MAX));
    oscar.say(&mut stage, &oscars, &have(u64::MAX));
    ben.say(&mut stage, &link, &have(1));
    stage.run(Duration::from_secs(16));
    assert!(!wants(&stage.take_sent(link.link), ben.log()).is_empty(), "Ben is asked within three rounds");
}

/// A peer that never reads: what is pushed to it is bounded, and it catches up by WANT.
#[test]
fn a_peer_that_never_reads_costs_a_bounded_queue() {
    let (mut stage, room, invite, _, dialog) = insider();
    let large = "x".repeat(16_000);
    for n in 0..300 {
        let text = format!("{n} {large}");
        assert!(matches!(stage.command(Command::SendText { room, text: Text::plain(text) }), Ok(Reply::Sent(_))));
        if n % 20 == 0 {
            stage.run(Duration::from_millis(200));
        }
    }
    let queued = stage.engine.load().queued_bytes;
    assert!(queued <= 2 * natter_engine::wire::limits::QUEUED_BYTES_PER_PEER, "{queued}");
    tolerated(&stage, dialog.link);
    still_serves(&mut stage, &invite);
}

/// Links over and over, each made anew and let fall.
#[test]
fn links_that_come_and_go_leave_nothing_behind() {
    let (mut stage, room, invite, mut mallory) = super::outsider();
    let before = stage.engine.load();
    for _ in 0..100 {
        let dialog = mallory.link(&mut stage, room, Way::Invite(&invite));
        mallory.say(&mut stage, &dialog, &Frame::Bye);
        stage.run(Duration::from_secs(1));
    }
    assert_eq!(stage.engine.load(), before);
    assert_eq!(stage.broken(), [""; 0]);
    still_serves(&mut stage, &invite);
}

/// A hundred strangers whose first words name sixteen causes each that nobody has: the disk is asked once for each of
/// them, however often anything else happens.
#[test]
fn made_up_causes_do_not_keep_the_disk_busy() {
    let (mut stage, room, invite, mallory, dialog) = insider();
    let before = stage.reads;
    for n in 0..100u32 {
        let mut stranger = Puppet::numbered(n);
        let parents = (0..16u8).map(|m| {
            let mut hash = [m; 32];
            hash[1..5].copy_from_slice(&n.to_be_bytes());
            EntryHash(hash)
        });
        let entry = stranger.entry_with(room, &text("why"), |header| header.parents = parents.collect());
        mallory.push(&mut stage, &dialog, room, vec![entry]);
    }
    for nonce in 0..1_000 {
        mallory.say(&mut stage, &dialog, &Frame::Ping { nonce });
    }
    let reads = stage.reads - before;
    assert!((1..=100).contains(&reads), "{reads} reads");
    tolerated(&stage, dialog.link);
    still_serves(&mut stage, &invite);
}

/// The rate fills again: who was over it is heard again.
#[test]
fn who_slows_down_is_heard_live_again() {
    let (mut stage, room, _, mut mallory, dialog) = insider();
    for n in 0..ENTRIES_BURST {
        let entry = mallory.entry_with(room, &text(&n.to_string()), |_| ());
        mallory.push(&mut stage, &dialog, room, vec![entry]);
    }
    stage.take_sent(dialog.link);
    stage.run(Duration::from_secs(1));
    for n in 0..ENTRIES_PER_SECOND {
        let entry = mallory.entry_with(room, &text(&format!("again {n}")), |_| ());
        mallory.push(&mut stage, &dialog, room, vec![entry]);
    }
    assert_eq!(shown(&stage).len(), (ENTRIES_BURST + ENTRIES_PER_SECOND) as usize);
    assert_eq!(wants(&stage.take_sent(dialog.link), mallory.log()), [], "nothing had to be asked for");
    tolerated(&stage, dialog.link);
}
