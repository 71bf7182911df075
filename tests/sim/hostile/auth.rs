//! From the open channel to AUTH: nobody is anybody before it, and it binds both keys to both certificates.

use super::{by_room, ended, outsider, still_serves};
use natter_engine::identity::Context;
use natter_engine::port::{Input, LinkEvent};
use natter_engine::wire::Frame;
use natter_engine::wire::frame::auth_bytes;
use natter_engine::wire::limits::{AUTH_WAIT, PRE_AUTH_BYTES};
use natter_sim::puppet::{Puppet, Way, text};

/// Somebody sits in the middle with certificates of their own: what DTLS saw is not what was signed.
#[test]
fn a_swapped_fingerprint_ends_the_link_before_a_word_is_said() {
    for middle in ["theirs", "ours"] {
        let (mut stage, room, invite, mut mallory) = outsider();
        let stored = stage.entries(room).len();
        let dialog = mallory.dial(&mut stage, room, Way::Invite(&invite));
        let swapped = [0x66; 32];
        let (local, remote) = if middle == "theirs" { (dialog.theirs, swapped) } else { (swapped, dialog.ours) };
        stage.feed(Input::Link(dialog.link, LinkEvent::Open { local, remote }));
        ended(&stage, dialog.link, "the certificate is not the one that was signed", stored, room);
        assert_eq!(stage.take_sent(dialog.link), [], "not even AUTH");
        still_serves(&mut stage, &invite);
    }
}

/// Every frame but AUTH, sent first, by somebody who could say it a moment later.
#[test]
fn data_before_auth_ends_the_link() {
    let (probe, room, invite, mut mallory) = outsider();
    let hello = mallory.entry(&probe, room, &text("too early"));
    let frames = [
        mallory.knock(&invite),
        Frame::Entries { room, entries: vec![hello] },
        Frame::Have { room, asks: false, heads: Vec::new(), tips: Vec::new() },
        Frame::Ping { nonce: 1 },
        Frame::Bye,
    ];
    for frame in frames {
        let (mut stage, room, invite, mut mallory) = outsider();
        let stored = stage.entries(room).len();
        let dialog = mallory.dial(&mut stage, room, Way::Invite(&invite));
        mallory.open(&mut stage, &dialog);
        mallory.say(&mut stage, &dialog, &frame);
        ended(&stage, dialog.link, "a frame before AUTH", stored, room);
        assert_eq!(stage.take_sent(dialog.link), [], "it is not answered");
        let auth = mallory.auth(&dialog);
        mallory.say(&mut stage, &dialog, &auth);
        assert_eq!(stage.take_sent(dialog.link), [], "and AUTH comes too late");
        still_serves(&mut stage, &invite);
    }
}

/// Before AUTH four kilobytes are heard, whatever is in them.
#[test]
fn too_much_before_auth_ends_the_link() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let stored = stage.entries(room).len();
    let dialog = mallory.dial(&mut stage, room, Way::Invite(&invite));
    mallory.open(&mut stage, &dialog);
    mallory.say_bytes(&mut stage, &dialog, vec![0; PRE_AUTH_BYTES + 1]);
    ended(&stage, dialog.link, "too much before AUTH", stored, room);
    still_serves(&mut stage, &invite);
}

/// Our own AUTH comes back to us: it says that the answerer spoke, and was signed by the answerer.
#[test]
fn a_reflected_auth_does_not_verify() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let stored = stage.entries(room).len();
    let dialog = mallory.dial(&mut stage, room, Way::Invite(&invite));
    let ours = mallory.open(&mut stage, &dialog);
    mallory.say(&mut stage, &dialog, &ours);
    ended(&stage, dialog.link, "AUTH does not verify", stored, room);
    still_serves(&mut stage, &invite);
}

/// An AUTH that was good on another link of the same two, as it was or with the connection renamed.
#[test]
fn an_auth_for_another_link_does_not_verify() {
    for renamed in [false, true] {
        let (mut stage, room, invite, mut mallory) = outsider();
        let stored = stage.entries(room).len();
        let first = mallory.dial(&mut stage, room, Way::Invite(&invite));
        let second = mallory.dial(&mut stage, room, Way::Invite(&invite));
        mallory.open(&mut stage, &second);
        let mut auth = mallory.auth(&first);
        if renamed && let Frame::Auth { connection, .. } = &mut auth {
            *connection = second.connection;
        }
        mallory.say(&mut stage, &second, &auth);
        ended(&stage, second.link, "AUTH does not verify", stored, room);
        still_serves(&mut stage, &invite);
    }
}

/// Signed by another key than the offer; in the other role; with a certificate that the other side did not see.
#[test]
fn an_auth_with_a_flaw_does_not_verify() {
    for flaw in 0..4 {
        let (mut stage, room, invite, mut mallory) = outsider();
        let stored = stage.entries(room).len();
        let dialog = mallory.dial(&mut stage, room, Way::Invite(&invite));
        mallory.open(&mut stage, &dialog);
        let key = if flaw == 0 { Puppet::new(7).key } else { Puppet::new(66).key };
        let ours = if flaw == 2 { [0; 32] } else { dialog.ours };
        let theirs = if flaw == 3 { [0; 32] } else { dialog.theirs };
        let (offer, answer) = dialog.sessions();
        let bytes = auth_bytes(flaw != 1, dialog.connection, &offer, &answer, &ours, &theirs);
        let auth = Frame::Auth { connection: dialog.connection, signature: key.sign(Context::Auth, &bytes) };
        mallory.say(&mut stage, &dialog, &auth);
        ended(&stage, dialog.link, "AUTH does not verify", stored, room);
        still_serves(&mut stage, &invite);
    }
}

/// The same bytes signed for another purpose.
#[test]
fn an_auth_signed_in_another_context_does_not_verify() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let stored = stage.entries(room).len();
    let dialog = mallory.dial(&mut stage, room, Way::Invite(&invite));
    mallory.open(&mut stage, &dialog);
    let (offer, answer) = dialog.sessions();
    let bytes = auth_bytes(true, dialog.connection, &offer, &answer, &dialog.ours, &dialog.theirs);
    let signature = mallory.key.sign(Context::Entry, &bytes);
    mallory.say(&mut stage, &dialog, &Frame::Auth { connection: dialog.connection, signature });
    ended(&stage, dialog.link, "AUTH does not verify", stored, room);
}

/// AUTH before both certificates were seen.
#[test]
fn an_auth_before_the_handshake_is_out_of_turn() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let stored = stage.entries(room).len();
    let dialog = mallory.dial(&mut stage, room, Way::Invite(&invite));
    let auth = mallory.auth(&dialog);
    mallory.say(&mut stage, &dialog, &auth);
    ended(&stage, dialog.link, "AUTH out of turn", stored, room);
    still_serves(&mut stage, &invite);
}

/// A second AUTH on a live link.
#[test]
fn a_second_auth_ends_the_link() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let stored = stage.entries(room).len();
    let dialog = mallory.link(&mut stage, room, Way::Invite(&invite));
    let auth = mallory.auth(&dialog);
    mallory.say(&mut stage, &dialog, &auth);
    ended(&stage, dialog.link, "a second AUTH", stored, room);
    still_serves(&mut stage, &invite);
}

/// Who opens a channel and says nothing is not waited for.
#[test]
fn silence_instead_of_auth_is_not_waited_for() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let dialog = mallory.dial(&mut stage, room, Way::Invite(&invite));
    mallory.open(&mut stage, &dialog);
    stage.run(AUTH_WAIT / 2);
    assert!(!stage.has_closed(dialog.link));
    stage.run(AUTH_WAIT);
    assert!(stage.has_closed(dialog.link));
    assert_eq!(stage.broken(), [""; 0], "it may be a slow line");
    still_serves(&mut stage, &invite);
}

/// A key that was never admitted, with the room's secret: it is heard, and told nothing.
#[test]
fn a_stranger_with_the_rooms_key_is_told_nothing() {
    let (mut stage, room, _, mut mallory) = outsider();
    let stored = stage.entries(room).len();
    let way = by_room(&stage, room);
    let dialog = mallory.link(&mut stage, room, way);
    let own = stage.own_log();
    for frame in [
        Frame::Have { room, asks: false, heads: Vec::new(), tips: Vec::new() },
        Frame::Want { room, log: own, from: 1, to: 2 },
        Frame::AskBlob { room, blob: natter_sim::puppet::blob(1) },
        Frame::Roster { room, linked: vec![mallory.device], brokers: vec!["ws://evil.test/".into()] },
    ] {
        mallory.say(&mut stage, &dialog, &frame);
    }
    let early = mallory.entry(&stage, room, &text("let me in"));
    mallory.push(&mut stage, &dialog, room, vec![early]);
    stage.run(std::time::Duration::from_secs(5));
    assert_eq!(stage.take_sent(dialog.link), [], "nothing is said to it");
    assert_eq!(stage.entries(room).len(), stored, "nothing of it is kept");
    assert!(stage.rooms[&room].brokers.is_empty(), "its brokers are not learned");
}

/// A newcomer at the door says what it holds of the room: it is not asked for it, nor heard, before it is let in.
#[test]
fn a_newcomer_is_not_heard_before_it_is_let_in() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let stored = stage.entries(room).len();
    let dialog = mallory.link(&mut stage, room, Way::Invite(&invite));
    mallory.say(
        &mut stage,
        &dialog,
        &Frame::Have { room, asks: false, heads: vec![(mallory.log(), 1)], tips: Vec::new() },
    );
    let early = mallory.entry(&stage, room, &text("let me in"));
    mallory.push(&mut stage, &dialog, room, vec![early]);
    stage.run(std::time::Duration::from_secs(6));
    assert_eq!(stage.take_sent(dialog.link), [], "nothing is asked of it");
    assert_eq!(stage.engine.load().claimed_logs, 0, "nor remembered");
    assert_eq!(stage.entries(room).len(), stored);
    still_serves(&mut stage, &invite);
}
