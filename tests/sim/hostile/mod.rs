//! One hostile input each, and exactly what becomes of it: which rule it breaks, whether its link ends, that nothing of
//! it is stored or shown, and that an honest member is served all the same.

mod auth;
mod conversation;
mod devices;
mod door;
mod floods;
mod frames;
mod logs;
mod members;
mod offers;
mod pictures;
mod spoken;

use natter_engine::ids::{DeviceId, LinkId, RoomId};
use natter_engine::port::{LinkCommand, Notify};
use natter_engine::wire::{Body, Frame, InviteLink};
use natter_sim::puppet::{Dialog, Puppet, Stage, Way, text};

/// A victim with a room and a party link, and Mallory, who knows the link.
fn outsider() -> (Stage, RoomId, InviteLink, Puppet) {
    let (stage, room, invite) = Stage::with_room(1);
    (stage, room, invite, Puppet::new(66))
}

/// The same with Mallory inside and linked.
fn insider() -> (Stage, RoomId, InviteLink, Puppet, Dialog) {
    let (mut stage, room, invite, mut mallory) = outsider();
    let dialog = mallory.enter(&mut stage, &invite);
    (stage, room, invite, mallory, dialog)
}

/// What the person has been shown: who said what, in the order of showing.
fn shown(stage: &Stage) -> Vec<(DeviceId, String)> {
    let words = |notice: &Notify| {
        let Notify::Entry { entry, .. } = notice else { return None };
        match Body::decode(entry.kind, entry.payload.as_deref()?) {
            Ok(Body::Text(text)) => Some((entry.order.author, text.text)),
            Ok(_) | Err(_) => None,
        }
    };
    stage.notices.iter().filter_map(words).collect()
}

/// Nothing of the stranger's offer was taken up.
fn ignored(stage: &Stage) {
    assert_eq!(stage.opened.len(), 0, "no link was begun: {:?}", stage.opened);
    assert_eq!(stage.broken(), [""; 0]);
}

/// The link was ended for this rule and no other, and nothing has been stored since.
#[track_caller]
fn ended(stage: &Stage, link: LinkId, rule: &str, stored: usize, room: RoomId) {
    assert_eq!(stage.broken(), [rule]);
    assert!(stage.has_closed(link), "{link:?} is closed");
    assert_eq!(stage.entries(room).len(), stored, "nothing was stored");
}

/// Nobody was blamed and the link stands.
#[track_caller]
fn tolerated(stage: &Stage, link: LinkId) {
    assert_eq!(stage.broken(), [""; 0]);
    assert!(!stage.has_closed(link), "{link:?} stands");
}

/// Honest Ben comes in by the same invite, says something, is shown and acknowledged, and gets what others said.
#[track_caller]
fn still_serves(stage: &mut Stage, invite: &InviteLink) -> Puppet {
    still_serves_linked(stage, invite).0
}

/// The same with his link.
#[track_caller]
fn still_serves_linked(stage: &mut Stage, invite: &InviteLink) -> (Puppet, Dialog) {
    let room = invite.room;
    let mut ben = Puppet::new(7);
    let dialog = ben.enter(stage, invite);
    let hello = ben.entry(stage, room, &text("hello"));
    ben.push(stage, &dialog, room, vec![hello.clone()]);
    assert!(shown(stage).contains(&(ben.device, "hello".into())), "what Ben says is shown");
    let log = ben.log();
    let acknowledged = stage
        .take_sent(dialog.link)
        .into_iter()
        .any(|frame| if let Frame::Have { heads, .. } = frame { heads.contains(&(log, 1)) } else { false });
    assert!(acknowledged, "what Ben says is acknowledged");
    let own = stage.own_log();
    ben.say(stage, &dialog, &Frame::Want { room, log: own, from: 1, to: 1 });
    let served = stage
        .take_sent(dialog.link)
        .into_iter()
        .any(|frame| if let Frame::Entries { entries, .. } = frame { entries.len() == 1 } else { false });
    assert!(served, "Ben gets what he asks for");
    (ben, dialog)
}

/// Candidates that the link layer was given for a link.
fn candidates_added(stage: &Stage, link: LinkId) -> usize {
    let added = |(id, command): &&(LinkId, LinkCommand)| *id == link && matches!(command, LinkCommand::AddCandidate(_));
    stage.link_commands.iter().filter(added).count()
}

/// The members as the person sees them.
fn members(stage: &Stage, room: RoomId) -> Vec<DeviceId> {
    stage.rooms[&room].members.iter().map(|member| member.device).collect()
}

/// The way of a member.
fn by_room(stage: &Stage, room: RoomId) -> Way<'static> {
    Way::Room(stage.epoch_key(room))
}
