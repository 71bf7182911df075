//! Pictures: from whom they are, who may have them, and whether they are what they were said to be.

use super::{ended, insider, outsider, still_serves, tolerated};
use natter_engine::ids::{BlobHash, RoomId};
use natter_engine::port::{BlobState, BlobTrouble, Command, Input, LinkCommand, LinkEvent, Notify};
use natter_engine::wire::{Body, Frame, Picture};
use natter_sim::puppet::{Dialog, Puppet, Stage, blob};

fn picture(blob: BlobHash, caption: &str) -> Body {
    Body::Picture(Picture {
        blob,
        size: 6400,
        mime: "image/png".into(),
        width: 10,
        height: 10,
        thumbhash: Vec::new(),
        preview: Vec::new(),
        name: "p.png".into(),
        caption: caption.into(),
        reply_to: None,
        lives: None,
    })
}

/// Who the pictures on disk are from.
fn senders(stage: &Stage, room: RoomId) -> Vec<natter_engine::ids::DeviceId> {
    let entries = stage.entries(room);
    entries.iter().filter(|entry| !entry.blobs.is_empty()).map(|entry| entry.order.author).collect()
}

/// Mallory passes on a picture of her own as Ben's. (Ben's own, passed on by her, is Ben's.)
#[test]
fn a_picture_is_relayed_under_its_signers_name_or_not_at_all() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let mut ben = still_serves(&mut stage, &invite);
    let bens = ben.entry(&stage, room, &picture(blob(1), "my cat"));
    mallory.push(&mut stage, &dialog, room, vec![bens]);
    tolerated(&stage, dialog.link);
    assert_eq!(senders(&stage, room), [ben.device], "whoever brings it");

    let (seq, prev) = ben.head();
    let forged = mallory.entry_with(room, &picture(blob(2), "not my cat"), |header| {
        (header.log, header.seq, header.prev) = (ben.log(), seq + 1, prev);
    });
    let stored = stage.entries(room).len();
    mallory.push(&mut stage, &dialog, room, vec![forged]);
    ended(&stage, dialog.link, "an entry that does not verify", stored, room);
    assert_eq!(senders(&stage, room), [ben.device]);
}

/// Ben's picture again in Mallory's own entry: shown as hers, since she signed it.
#[test]
fn a_picture_taken_over_from_another_is_shown_under_the_new_signers_name() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let mut ben = still_serves(&mut stage, &invite);
    let bens = ben.entry(&stage, room, &picture(blob(1), "my cat"));
    mallory.push(&mut stage, &dialog, room, vec![bens]);
    let hers = mallory.entry(&stage, room, &picture(blob(1), "my cat"));
    mallory.push(&mut stage, &dialog, room, vec![hers]);
    tolerated(&stage, dialog.link);
    assert_eq!(senders(&stage, room), [ben.device, mallory.device]);
}

fn allowed(stage: &mut Stage, bulk: &Dialog, blob: BlobHash) -> bool {
    stage.feed(Input::Link(bulk.link, LinkEvent::Wanted(blob)));
    let (link, command) = stage.link_commands.pop().expect("an answer");
    assert_eq!(link, bulk.link);
    matches!(command, LinkCommand::ServeBlob { allowed: true, .. })
}

/// Files go to members of a room that offers them: not of another room, not to those who left.
#[test]
fn a_file_goes_only_to_members_of_a_room_that_offers_it() {
    let (mut stage, room, _, mut mallory, dialog) = insider();
    let cellar = stage.found("Cellar");
    let send = |stage: &mut Stage, room, bytes: &[u8]| {
        let hash = stage.disk.put_blob(bytes);
        let Body::Picture(picture) = picture(hash, "") else { panic!("a picture") };
        stage.command(Command::SendPicture { room, picture }).expect("sent");
        hash
    };
    let here = send(&mut stage, room, b"for the kitchen");
    let there = send(&mut stage, cellar, b"for the cellar");
    let never = stage.disk.put_blob(b"offered to nobody");
    let bulk = mallory.bulk(&mut stage, &dialog, room);
    assert!(allowed(&mut stage, &bulk, here), "a member of the kitchen");
    assert!(!allowed(&mut stage, &bulk, there), "not of the cellar");
    assert!(!allowed(&mut stage, &bulk, never), "nobody was offered it");
    stage.take_sent(dialog.link);
    for (room, blob) in [(room, there), (room, never), (cellar, there)] {
        mallory.say(&mut stage, &dialog, &Frame::AskBlob { room, blob });
    }
    let told = stage.take_sent(dialog.link);
    assert!(
        told.iter().all(|frame| matches!(frame, Frame::BlobIs { here: false, .. })),
        "not even that it is here: {told:?}"
    );
    let leave = mallory.entry(&stage, room, &Body::Leave { heads: Vec::new(), others: Vec::new() });
    mallory.push(&mut stage, &dialog, room, vec![leave]);
    let still_open = !stage.has_closed(bulk.link);
    assert!(!still_open || !allowed(&mut stage, &bulk, here), "no more after LEAVE");
}

/// What comes over the bulk link is not what was offered: it is said who sent it, and another source is tried.
#[test]
fn bytes_that_are_not_the_picture_are_refused_and_the_next_source_is_asked() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let mut ben = Puppet::new(7);
    let bens = ben.enter(&mut stage, &invite);
    let offered = ben.entry(&stage, room, &picture(blob(1), "my cat"));
    ben.push(&mut stage, &bens, room, vec![offered]);
    stage.command(Command::FetchBlob { room, blob: blob(1), size: 6400 }).expect("wanted");
    mallory.say(&mut stage, &dialog, &Frame::BlobIs { room, blob: blob(1), here: true });
    let (link, ..) = stage.opened.pop().expect("Mallory is dialled");
    let bulk = mallory.answer_bulk(&mut stage, &dialog, room, link);
    ben.say(&mut stage, &bens, &Frame::BlobIs { room, blob: blob(1), here: true });
    assert_eq!(stage.opened.len(), 0, "one source at a time");
    stage.feed(Input::Link(bulk.link, LinkEvent::BlobFailed(blob(1), BlobTrouble::Corrupt)));
    assert_eq!(stage.broken(), ["bytes that are not the blob"]);
    let blamed = stage
        .notices
        .iter()
        .any(|notice| matches!(notice, Notify::PeerMisbehaved { peer: Some(peer), .. } if *peer == mallory.device));
    assert!(blamed, "Mallory is named, not Ben whose picture it is");
    assert_eq!(stage.opened.len(), 1, "Ben is dialled");
    let here = stage.notices.iter().any(|n| matches!(n, Notify::Blob { state: BlobState::Here, .. }));
    assert!(!here, "nothing is shown as the picture");
}

/// Somebody who was never let in says that it has what we want, and asks for what we have.
#[test]
fn a_stranger_is_no_source_and_gets_no_file() {
    let (mut stage, room, invite, mut mallory) = outsider();
    let hash = stage.disk.put_blob(b"ours");
    let Body::Picture(ours) = picture(hash, "") else { panic!("a picture") };
    stage.command(Command::SendPicture { room, picture: ours }).expect("sent");
    let dialog = mallory.link(&mut stage, room, natter_sim::puppet::Way::Invite(&invite));
    stage.command(Command::FetchBlob { room, blob: blob(1), size: 6400 }).expect("wanted");
    mallory.say(&mut stage, &dialog, &Frame::BlobIs { room, blob: blob(1), here: true });
    mallory.say(&mut stage, &dialog, &Frame::AskBlob { room, blob: hash });
    assert_eq!(stage.opened.len(), 0, "it is not dialled");
    assert_eq!(stage.take_sent(dialog.link), []);
    tolerated(&stage, dialog.link);
}
