//! Membership entries by people who have no right to them: kept as what they are, and without effect.

use super::{insider, members, shown, still_serves, tolerated};
use natter_engine::identity::SecretKey;
use natter_engine::ids::{DeviceId, InviteId};
use natter_engine::port::Profile;
use natter_engine::rooms::{InviteTerms, Role};
use natter_engine::time::UnixMillis;
use natter_engine::wire::{Body, InviteBody, InviteKeys, InviteLink, Text};
use natter_sim::people::{one, party};
use natter_sim::puppet::{Puppet, proof, text};
use std::time::Duration;

fn admit(invite: InviteId, device: DeviceId, proof: [u8; 64]) -> Body {
    Body::Admit { device, invite, proof, profile: Profile { name: "Accomplice".into(), avatar: None } }
}

/// An invite that asks for an admin's yes, and a member who is none says it.
#[test]
fn an_admit_by_someone_with_no_right_admits_nobody() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let asking = stage.invite(room, one());
    let accomplice = Puppet::new(99).device;
    let before = members(&stage, room);
    let entry = mallory.entry(&stage, room, &admit(asking.id(), accomplice, proof(&asking, accomplice)));
    mallory.push(&mut stage, &dialog, room, vec![entry]);
    tolerated(&stage, dialog.link);
    assert_eq!(members(&stage, room), before);
    let used = stage.rooms[&room].invites.iter().find(|view| view.invite == asking.id()).map(|view| view.used);
    assert_eq!(used, Some(0), "and no use of the invite is spent");
    still_serves(&mut stage, &invite);
}

/// The proof of somebody else, of another invite, and one that the member made up.
#[test]
fn an_admit_without_the_invites_word_admits_nobody() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let other = stage.invite(room, party());
    let accomplice = Puppet::new(99).device;
    let before = members(&stage, room);
    let unknown = SecretKey::from_seed(&[5; 32]).device();
    for (invite, proof) in [
        (invite.id(), proof(&invite, mallory.device)),
        (invite.id(), proof(&other, accomplice)),
        (invite.id(), [0; 64]),
        (InviteId(unknown.0), [1; 64]),
    ] {
        let entry = mallory.entry(&stage, room, &admit(invite, accomplice, proof));
        mallory.push(&mut stage, &dialog, room, vec![entry]);
    }
    tolerated(&stage, dialog.link);
    assert_eq!(members(&stage, room), before);
    still_serves(&mut stage, &invite);
}

/// A member admits by an invite that has run out.
#[test]
fn an_admit_by_an_expired_invite_admits_nobody() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let short = stage.invite(room, InviteTerms { lifetime: Duration::from_secs(5), ..party() });
    stage.run(Duration::from_secs(10));
    let accomplice = Puppet::new(99).device;
    let before = members(&stage, room);
    let body = admit(short.id(), accomplice, proof(&short, accomplice));
    let wall = stage.clocks().wall;
    let entry = mallory.entry_with(room, &body, |header| header.written = UnixMillis(wall.0));
    mallory.push(&mut stage, &dialog, room, vec![entry]);
    tolerated(&stage, dialog.link);
    assert_eq!(members(&stage, room), before);
    still_serves(&mut stage, &invite);
}

/// One use, and a member who admits two by it.
#[test]
fn a_member_admits_no_more_than_an_invites_uses() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let single = stage.invite(room, InviteTerms { approval: false, ..one() });
    let before = members(&stage, room).len();
    for n in [98, 99] {
        let accomplice = Puppet::new(n).device;
        let entry = mallory.entry(&stage, room, &admit(single.id(), accomplice, proof(&single, accomplice)));
        mallory.push(&mut stage, &dialog, room, vec![entry]);
    }
    tolerated(&stage, dialog.link);
    assert_eq!(members(&stage, room).len(), before + 1, "the first is in, the second is not");
    still_serves(&mut stage, &invite);
}

fn invite_of(seed: u8, uses: u32, approval: bool, expires: u64) -> (InviteBody, InviteKeys) {
    let keys = InviteKeys::derive(&[seed; 32]);
    let invite = InviteId(SecretKey::from_seed(&keys.signing).device().0);
    (
        InviteBody {
            invite,
            rendezvous: keys.rendezvous,
            sealing: keys.sealing,
            uses,
            expires,
            vouch: None,
            approval,
            role: Role::Member,
        },
        keys,
    )
}

/// A party link is an admin's to make: a member's opens no door and admits nobody.
#[test]
fn a_members_own_party_link_does_not_count() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let (body, keys) = invite_of(5, 0, false, 2_000_000_000);
    let accomplice = Puppet::new(99).device;
    let bytes = natter_engine::wire::frame::invite_proof_bytes(room, accomplice);
    let word = SecretKey::from_seed(&keys.signing).sign(natter_engine::identity::Context::InviteProof, &bytes);
    let before = members(&stage, room);
    for body in [Body::Invite(body), admit(body.invite, accomplice, word)] {
        let entry = mallory.entry(&stage, room, &body);
        mallory.push(&mut stage, &dialog, room, vec![entry]);
    }
    tolerated(&stage, dialog.link);
    assert!(stage.rooms[&room].invites.iter().all(|view| view.invite != body.invite));
    assert_eq!(members(&stage, room), before);
    still_serves(&mut stage, &invite);
}

/// The invite of an admin comes again in a member's entry, with more uses, no approval and a later end.
#[test]
fn a_second_invite_entry_loosens_nothing() {
    let (mut stage, room, _, mut mallory, dialog) = insider();
    let asking = stage.invite(room, one());
    let (mut body, _) = invite_of(5, 0, true, u64::MAX);
    body.invite = asking.id();
    let entry = mallory.entry(&stage, room, &Body::Invite(body));
    mallory.push(&mut stage, &dialog, room, vec![entry]);
    tolerated(&stage, dialog.link);
    let view = stage.rooms[&room].invites.iter().find(|view| view.invite == asking.id()).cloned().expect("it works");
    assert_eq!((view.by, view.uses, view.approval), (stage.device, 1, true));
    assert_eq!(view.expires, UnixMillis(asking.expires * 1000));
}

/// A member withdraws an invite that another made.
#[test]
fn a_member_cannot_withdraw_another_ones_invite() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let entry = mallory.entry(&stage, room, &Body::RevokeInvite { invite: invite.id() });
    mallory.push(&mut stage, &dialog, room, vec![entry]);
    tolerated(&stage, dialog.link);
    assert!(stage.rooms[&room].invites.iter().any(|view| view.invite == invite.id()));
    still_serves(&mut stage, &invite);
}

/// GENESIS a second time, as an entry of the room: no new creator, no new name.
#[test]
fn a_second_genesis_founds_nothing() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let body = Body::Genesis { name: "Mallory's".into(), profile: Profile::default(), nonce: [1; 16] };
    let entry = mallory.entry(&stage, room, &body);
    mallory.push(&mut stage, &dialog, room, vec![entry]);
    assert_eq!(stage.broken(), ["an entry that does not verify"], "GENESIS names no room");
    let view = &stage.rooms[&room];
    assert_eq!(view.name, "Kitchen");
    let role = |device| view.members.iter().find(|member| member.device == device).map(|member| member.role);
    assert_eq!((role(stage.device), role(mallory.device)), (Some(Role::Creator), Some(Role::Member)));
    still_serves(&mut stage, &invite);
}

/// LEAVE, and then more words: from then on they are a stranger's.
#[test]
fn who_has_left_is_heard_no_more_and_told_nothing() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let leave = mallory.entry(&stage, room, &Body::Leave { heads: Vec::new(), others: Vec::new() });
    mallory.push(&mut stage, &dialog, room, vec![leave]);
    assert!(!members(&stage, room).contains(&mallory.device));
    let more = mallory.entry(&stage, room, &text("still here"));
    let stored = stage.entries(room).len();
    mallory.push(&mut stage, &dialog, room, vec![more]);
    stage.take_sent(dialog.link);
    stage.command(natter_engine::port::Command::SendText { room, text: Text::plain("she is gone") }).expect("said");
    let own = stage.own_log();
    mallory.say(&mut stage, &dialog, &natter_engine::wire::Frame::Want { room, log: own, from: 1, to: 9 });
    assert_eq!(stage.entries(room).len(), stored + 1);
    assert_eq!(shown(&stage), [(stage.device, "she is gone".into())]);
    let told = stage.take_sent(dialog.link);
    let entries = told.iter().filter(|frame| matches!(frame, natter_engine::wire::Frame::Entries { .. })).count();
    assert_eq!(entries, 0, "{told:?}");
    // And with the room's key, which she still has, she gets no link either.
    let way = super::by_room(&stage, room);
    let session = mallory.session(&stage, room, way, natter_engine::port::LinkPurpose::Chat);
    mallory.offer(&mut stage, way, &session);
    assert_eq!(stage.opened.len(), 0);
    still_serves(&mut stage, &invite);
}

/// An invite's second link holds other keys for the same id? It cannot: the id is the key.
#[test]
fn an_invite_link_with_another_seed_is_another_invite() {
    let (mut stage, room, invite, ..) = insider();
    let forged = InviteLink { seed: [5; 32], ..invite.clone() };
    let mut stranger = Puppet::new(99);
    let session = stranger.session(
        &stage,
        room,
        natter_sim::puppet::Way::Invite(&forged),
        natter_engine::port::LinkPurpose::Chat,
    );
    stranger.offer(&mut stage, natter_sim::puppet::Way::Invite(&forged), &session);
    assert_eq!(stage.opened.len(), 0, "nobody serves it");
    still_serves(&mut stage, &invite);
}
