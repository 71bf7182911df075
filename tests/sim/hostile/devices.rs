//! Devices that are not whose they are said to be.

use super::{insider, members, still_serves, tolerated};
use natter_engine::ids::{DeviceId, RoomId};
use natter_engine::port::{Command, Reply};
use natter_engine::wire::limits::DEVICES_PER_PERSON;
use natter_engine::wire::{Body, Frame, InviteLink};
use natter_sim::puppet::{Puppet, Stage, Way};

/// A code of the victim's, and the circle that it leads to.
fn code(stage: &mut Stage) -> InviteLink {
    match stage.command(Command::LinkDevice) {
        Ok(Reply::Invite(code)) => code,
        other => panic!("a code: {other:?}"),
    }
}

fn device(device: &Puppet, room: RoomId, person: DeviceId) -> Body {
    Body::Device { device: device.device, person, proof: device.claim(room, person) }
}

/// The word of the wrong device, for the wrong person, for another room; and a device that is somebody already.
#[test]
fn a_device_without_its_own_word_is_nobodys() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let accomplice = Puppet::new(99);
    let (me, victim) = (mallory.device, stage.device);
    let before = members(&stage, room);
    let new = accomplice.device;
    for body in [
        Body::Device { device: new, person: me, proof: mallory.claim(room, me) },
        Body::Device { device: new, person: me, proof: accomplice.claim(room, victim) },
        Body::Device { device: new, person: me, proof: accomplice.claim(RoomId([5; 32]), me) },
        Body::Device { device: new, person: me, proof: [0; 64] },
        device(&accomplice, room, victim),
        Body::Device { device: victim, person: me, proof: accomplice.claim(room, me) },
    ] {
        let entry = mallory.entry(&stage, room, &body);
        mallory.push(&mut stage, &dialog, room, vec![entry]);
    }
    tolerated(&stage, dialog.link);
    assert_eq!(members(&stage, room), before);
    still_serves(&mut stage, &invite);
}

/// A member links devices without end.
#[test]
fn the_ninth_device_of_a_person_is_not_in() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let before = members(&stage, room).len();
    for n in 0..2 * DEVICES_PER_PERSON as u8 {
        let body = device(&Puppet::new(100 + n), room, mallory.device);
        let entry = mallory.entry(&stage, room, &body);
        mallory.push(&mut stage, &dialog, room, vec![entry]);
    }
    tolerated(&stage, dialog.link);
    assert_eq!(members(&stage, room).len(), before + DEVICES_PER_PERSON - 1);
    let theirs = stage.rooms[&room].members.iter().filter(|member| member.person == mallory.device).count();
    assert_eq!(theirs, DEVICES_PER_PERSON);
    still_serves(&mut stage, &invite);
}

/// Who was removed adds a device, knowing of it or not.
#[test]
fn a_removed_member_adds_no_device() {
    let (mut stage, room, invite, mut mallory, dialog) = insider();
    let blind = mallory.entry(&stage, room, &device(&Puppet::new(98), room, mallory.device));
    assert!(stage.command(Command::Remove { room, device: mallory.device }).is_ok());
    let before = members(&stage, room);
    let knowing = mallory.entry(&stage, room, &device(&Puppet::new(99), room, mallory.device));
    for entry in [blind, knowing] {
        mallory.push(&mut stage, &dialog, room, vec![entry]);
    }
    assert_eq!(stage.broken(), [""; 0]);
    assert_eq!(members(&stage, room), before);
    still_serves(&mut stage, &invite);
}

/// Somebody who is no device of ours has a room for us, and calls itself ours in one of ours.
#[test]
fn a_member_who_is_no_device_of_ours_hands_over_nothing_and_is_handed_nothing() {
    let (mut stage, room, invite, mallory, dialog) = insider();
    let hall = stage.found("Hall");
    code(&mut stage);
    stage.take_sent(dialog.link);
    let (rooms, entries) = (stage.rooms.len(), stage.entries(hall).len());
    let person = mallory.device;
    let theirs = Frame::Handover { room: RoomId([9; 32]), person, epochs: vec![(1, [1; 32])], brokers: Vec::new() };
    mallory.say(&mut stage, &dialog, &theirs);
    for (room, person) in [(room, stage.device), (hall, stage.device), (hall, mallory.device)] {
        let proof = mallory.claim(room, person);
        mallory.say(&mut stage, &dialog, &Frame::Claim { room, person, proof });
    }
    tolerated(&stage, dialog.link);
    assert_eq!((stage.rooms.len(), stage.entries(hall).len()), (rooms, entries));
    let sent = stage.take_sent(dialog.link);
    assert!(!sent.iter().any(|frame| matches!(frame, Frame::Handover { .. } | Frame::Claim { .. })), "{sent:?}");
    still_serves(&mut stage, &invite);
}

/// Whoever has read the code over a shoulder is asked about, and is nothing without a yes.
#[test]
fn a_stolen_code_brings_in_nobody_without_a_yes() {
    let (mut stage, room, invite) = Stage::with_room(1);
    let code = code(&mut stage);
    let mut thief = Puppet::new(66);
    let dialog = thief.link(&mut stage, code.room, Way::Invite(&code));
    let knock = thief.knock(&code);
    thief.say(&mut stage, &dialog, &knock);
    let (circle, person) = (code.room, stage.device);
    let proof = thief.claim(circle, person);
    thief.say(&mut stage, &dialog, &Frame::Claim { room: circle, person, proof });
    let sent = stage.take_sent(dialog.link);
    let learns =
        |frame: &Frame| matches!(frame, Frame::Welcome { .. } | Frame::Handover { .. } | Frame::Entries { .. });
    assert!(!sent.iter().any(learns), "{sent:?}");
    tolerated(&stage, dialog.link);
    let told = stage.devices.clone().expect("the person is asked");
    assert_eq!(told.requests.iter().map(|request| request.device).collect::<Vec<_>>(), [thief.device]);
    assert_eq!(told.devices.len(), 1);
    // With a yes it is let in once it has said whose it is, and not by another's word.
    assert!(stage.command(Command::AdmitDevice { device: thief.device }).is_ok());
    let forged = Puppet::new(67).claim(circle, person);
    thief.say(&mut stage, &dialog, &Frame::Claim { room: circle, person, proof: forged });
    assert_eq!(stage.devices.as_ref().map(|view| view.devices.len()), Some(1));
    thief.say(&mut stage, &dialog, &Frame::Claim { room: circle, person, proof });
    assert_eq!(stage.devices.as_ref().map(|view| view.devices.len()), Some(2));
    assert_eq!(members(&stage, room).len(), 1, "and into rooms it comes by its word for each");
    // The code is spent.
    let second = Puppet::new(68).knock(&code);
    let mut late = Puppet::new(68);
    let dialog = late.link(&mut stage, code.room, Way::Invite(&code));
    late.say(&mut stage, &dialog, &second);
    let sent = stage.take_sent(dialog.link);
    assert!(sent.iter().any(|frame| matches!(frame, Frame::KnockState { .. })), "{sent:?}");
    assert_eq!(stage.devices.as_ref().map(|view| view.requests.len()), Some(0));
    still_serves(&mut stage, &invite);
}
