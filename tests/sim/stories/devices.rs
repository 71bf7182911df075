//! A person with several devices: linked by a code, the same everywhere, and one of them lost.

use natter_engine::ids::{DeviceId, RoomId};
use natter_engine::port::{Command, JoinState, Refusal, Reply, Role, Standing};
use natter_engine::rooms::RoomView;
use natter_engine::wire::limits::{DEVICES_PER_PERSON, LINK_LIFETIME};
use natter_sim::World;
use natter_sim::node::NodeId;
use natter_sim::people::{PATIENCE, party};
use std::time::Duration;

fn person(world: &World, seen_by: NodeId, room: RoomId, who: NodeId) -> Option<DeviceId> {
    let device = world[who].device;
    world[seen_by].host.rooms.get(&room)?.members.iter().find(|member| member.device == device).map(|m| m.person)
}

fn devices_of(view: &RoomView, person: DeviceId) -> usize {
    view.members.iter().filter(|member| member.person == person).count()
}

fn unlink(world: &mut World, by: NodeId, which: NodeId) -> Result<Reply, Refusal> {
    let device = world[which].device;
    world.command(by, Command::Unlink { device })
}

#[test]
fn a_phone_is_linked_and_has_every_room_with_its_history() {
    let mut world = World::new(900);
    let [ada, ben, phone] = ["Ada", "Ben", "New phone"].map(|name| world.add(name));
    let kitchen = world.gathering(&[ada, ben]);
    let hall = world.gathering(&[ben, ada]);
    let before = world.send(ben, kitchen, "written before there was a phone");
    world.await_entry(ada, kitchen, before);
    world.link_device(ada, phone);
    for room in [kitchen, hall] {
        world.await_member(phone, room);
        world.until(PATIENCE, "Ben sees one person with two devices", |world| {
            person(world, ben, room, phone) == Some(world[ada].device)
        });
    }
    world.await_entry(phone, kitchen, before);
    world.await_all_linked(&[ada, ben, phone], kitchen);
    let role = |world: &World| {
        let device = world[phone].device;
        world[ben].room(kitchen).members.iter().find(|member| member.device == device).map(|member| member.role)
    };
    assert_eq!(role(&world), Some(Role::Creator), "with the same role");
    // Called as the person is, on the new device too.
    assert_eq!(world[phone].host.profile.as_ref().map(|profile| &*profile.name), Some("Ada"));
    let shown = world[ben].room(kitchen).members.iter().filter(|member| member.profile.name == "Ada").count();
    assert_eq!(shown, 2);
    let words = world.send(phone, kitchen, "from the phone");
    world.await_entry(ben, kitchen, words);
    world.await_entry(ada, kitchen, words);
    world.settle();
    // Nobody is shown the room where the two meet.
    for who in [ada, phone] {
        assert_eq!(world[who].host.rooms.len(), 2);
    }
    assert!(world[ben].host.devices.is_none());
}

#[test]
fn what_is_joined_or_founded_later_comes_to_the_other_device_when_they_meet() {
    let mut world = World::new(901);
    let [ada, ben, phone] = ["Ada", "Ben", "Phone"].map(|name| world.add(name));
    world.link_device(ada, phone);
    // On one device while the other is off, and the other way round.
    world.crash(phone);
    let bens = world.create_room(ben, "Ben's");
    let link = world.invite(ben, bens, party());
    world.join(ada, &link);
    world.await_join(ada, bens, JoinState::Admitted);
    world.crash(ada);
    world.start(phone);
    let phones = world.create_room(phone, "Founded on the phone");
    world.start(ada);
    world.await_member(phone, bens);
    world.await_member(ada, phones);
    world.until(PATIENCE, "all agree", |world| {
        person(world, ada, phones, ada) == Some(world[phone].device)
            && person(world, ben, bens, phone) == Some(world[ada].device)
    });
    world.settle();
}

#[test]
fn a_name_changed_on_one_device_is_changed_on_the_other_and_for_everybody() {
    let mut world = World::new(902);
    let [ada, ben, phone] = ["Ada", "Ben", "Phone"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben]);
    world.link_device(ada, phone);
    world.await_member(phone, room);
    world.rename(phone, "Ada L.");
    world.until(PATIENCE, "everybody sees it", |world| {
        [ada, ben].iter().all(|who| {
            let view = world[*who].room(room);
            view.members.iter().filter(|member| member.profile.name == "Ada L.").count() == 2
        })
    });
    world.until(PATIENCE, "the other device calls itself so", |world| {
        world[ada].host.profile.as_ref().is_some_and(|profile| profile.name == "Ada L.")
    });
    world.settle();
}

#[test]
fn what_is_read_on_one_device_is_read_on_the_other() {
    let mut world = World::new(903);
    let [ada, ben, phone] = ["Ada", "Ben", "Phone"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben]);
    world.link_device(ada, phone);
    world.await_member(phone, room);
    let words = world.send(ben, room, "read me");
    world.await_entry(ada, room, words);
    world.await_entry(phone, room, words);
    let upto = world[phone].entries(room).iter().find(|entry| entry.order.hash == words).map(|entry| entry.order);
    let upto = upto.expect("it has it");
    assert!(world.command(phone, Command::MarkRead { room, upto }).is_ok());
    world.until(PATIENCE, "read on the other too", |world| world[ada].room(room).read == Some(upto));
    world.settle();
}

#[test]
fn a_lost_phone_is_unlinked_and_hears_nothing_new() {
    let mut world = World::new(904);
    let [ada, ben, phone] = ["Ada", "Ben", "Phone"].map(|name| world.add(name));
    // The phone is the device that she came with; the new one is linked by it.
    let room = world.gathering(&[ben, phone]);
    world.link_device(phone, ada);
    world.await_member(ada, room);
    let said = world.send(phone, room, "said before it was lost");
    world.await_entry(ada, room, said);
    world.await_entry(ben, room, said);
    let epoch = world[ben].disk_epochs(room);
    assert!(matches!(unlink(&mut world, ada, phone), Ok(Reply::Done)));
    world.until(PATIENCE, "Ben knows", |world| person(world, ben, room, phone).is_none());
    world.until(PATIENCE, "the phone knows", |world| world[phone].room(room).standing == Standing::Gone);
    world.until(PATIENCE, "it is no device of hers", |world| {
        world[phone].host.devices.as_ref().is_some_and(|view| view.devices.is_empty())
    });
    world.until(PATIENCE, "the key is another", |world| world[ben].disk_epochs(room) != epoch);
    // She is who she was.
    assert_eq!(person(&world, ben, room, ada), Some(world[phone].device));
    let after = world.send(ben, room, "what the finder must not read");
    world.await_entry(ada, room, after);
    world.run(Duration::from_secs(200));
    assert!(!world.has(phone, room, after));
    assert!(world.has(ben, room, said), "what was said stays");
    world.settle();
    // Found again.
    world.link_device(ada, phone);
    world.await_member(phone, room);
    world.await_entry(phone, room, after);
    let again = world.send(phone, room, "found");
    world.await_entry(ben, room, again);
    world.settle();
}

#[test]
fn who_is_removed_or_leaves_goes_with_all_devices() {
    let mut world = World::new(905);
    let [ada, ben, phone] = ["Ada", "Ben", "Phone"].map(|name| world.add(name));
    let [kitchen, hall] = [(); 2].map(|()| world.gathering(&[ben, ada]));
    world.link_device(ada, phone);
    world.await_member(phone, kitchen);
    world.await_member(phone, hall);
    let words = world.send(phone, kitchen, "from the phone");
    world.await_entry(ben, kitchen, words);
    let device = world[phone].device;
    assert!(matches!(world.command(ben, Command::Remove { room: kitchen, device }), Ok(Reply::Done)));
    for who in [ada, phone] {
        world.until(PATIENCE, "both know", |world| world[who].room(kitchen).standing == Standing::Gone);
    }
    assert!(matches!(world.command(phone, Command::LeaveRoom { room: hall }), Ok(Reply::Done)));
    world.until(PATIENCE, "the other device is out", |world| world[ada].room(hall).standing == Standing::Gone);
    world.until(PATIENCE, "Ben is alone", |world| world[ben].room(hall).members.len() == 1);
    // And back, with both.
    let link = world.invite(ben, kitchen, party());
    world.join(ada, &link);
    world.await_join(ada, kitchen, JoinState::Admitted);
    world.await_member(phone, kitchen);
    let words = world.send(phone, kitchen, "back");
    world.await_entry(ben, kitchen, words);
    world.settle();
}

#[test]
fn a_code_links_one_device_and_lives_ten_minutes() {
    let mut world = World::new(906);
    let [ada, phone, thief] = ["Ada", "Phone", "Thief"].map(|name| world.add(name));
    let room = world.create_room(ada, "Ada's");
    let code = world.device_code(ada);
    for who in [phone, thief] {
        assert!(world.command(who, Command::Link { code: code.clone() }).is_ok());
    }
    let device = world[phone].device;
    world.until(PATIENCE, "both wait", |world| {
        world.asks_about(ada, device) && world.asks_about(ada, world[thief].device)
    });
    assert!(world.command(ada, Command::AdmitDevice { device }).is_ok());
    world.await_member(phone, room);
    // The code is spent: whoever else has it is not even asked about.
    let theirs = world[thief].device;
    let late = world.command(ada, Command::AdmitDevice { device: theirs });
    assert!(matches!(late.err(), Some(Refusal::NoSuchInvite | Refusal::NobodyWaiting)));
    world.until(PATIENCE * 2, "the thief is turned away", |world| {
        matches!(world[thief].host.linking.last(), Some(JoinState::UsedUp | JoinState::Void))
    });
    assert!(world[thief].host.rooms.is_empty() && !world.are_linked(ada, thief));
    // A new code makes the one before it void; one that is ten minutes old is.
    let (earlier, later) = (world.device_code(ada), world.device_code(ada));
    assert!(world.command(thief, Command::Link { code: earlier }).is_ok());
    world.until(PATIENCE * 2, "void", |world| world[thief].host.linking.last() == Some(&JoinState::Void));
    world.run(LINK_LIFETIME + Duration::from_secs(1));
    let expired = world.command(thief, Command::Link { code: later });
    assert_eq!(expired.err(), Some(Refusal::InviteExpired));
    world.settle();
}

#[test]
fn a_device_that_a_person_says_no_to_learns_nothing() {
    let mut world = World::new(907);
    let [ada, thief] = ["Ada", "Thief"].map(|name| world.add(name));
    world.create_room(ada, "Ada's");
    let code = world.device_code(ada);
    assert!(world.command(thief, Command::Link { code }).is_ok());
    let device = world[thief].device;
    world.until(PATIENCE, "she is asked", |world| world.asks_about(ada, device));
    assert!(world.command(ada, Command::DeclineDevice { device }).is_ok());
    world.until(PATIENCE, "told", |world| world[thief].host.linking.last() == Some(&JoinState::Declined));
    assert!(world[thief].host.rooms.is_empty() && world[thief].host.devices.is_none());
    world.settle();
}

#[test]
fn a_device_that_is_in_rooms_hands_them_to_nobody() {
    let mut world = World::new(908);
    let [ada, eve] = ["Ada", "Eve"].map(|name| world.add(name));
    world.create_room(ada, "Ada's");
    // Eve has Ada open a code of hers.
    let code = world.device_code(eve);
    assert_eq!(world.command(ada, Command::Link { code: code.clone() }).err(), Some(Refusal::HasRooms));
    // Nor as what looks like an invite to a room.
    world.join(ada, &code);
    world.until(PATIENCE, "she knocks like anybody", |world| {
        world[ada].join_state(code.room) == Some(JoinState::WaitingForApproval)
    });
    let device = world[ada].device;
    assert!(world.command(eve, Command::AdmitDevice { device }).is_ok());
    world.run(Duration::from_secs(30));
    assert!(!world.are_linked(eve, ada) && world[ada].host.devices.is_none());
    assert_eq!(world[eve].host.rooms.len(), 0);
    world.settle();
}

#[test]
fn a_linked_device_survives_restarts_and_a_second_code_is_refused() {
    let mut world = World::new(909);
    let [ada, ben, phone] = ["Ada", "Ben", "Phone"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben]);
    world.link_device(ada, phone);
    world.await_member(phone, room);
    for who in [ada, phone] {
        world.crash(who);
    }
    world.run(Duration::from_secs(5));
    for who in [ada, phone] {
        world.start(who);
    }
    world.await_all_linked(&[ada, ben, phone], room);
    assert!(world.are_linked(ada, phone) && world.are_linked(phone, ada));
    assert_eq!(world[phone].host.rooms.len(), 1, "the circle is still nobody's to see");
    let code = world.device_code(ben);
    assert_eq!(world.command(phone, Command::Link { code }).err(), Some(Refusal::HasRooms));
    world.settle();
}

#[test]
fn a_person_has_eight_devices_and_no_more() {
    let mut world = World::new(910);
    let ada = world.add("Ada");
    let room = world.create_room(ada, "Ada's");
    for n in 1..DEVICES_PER_PERSON {
        let device = world.add(&format!("Device {n}"));
        world.link_device(ada, device);
        world.await_member(device, room);
    }
    world.until(PATIENCE * 2, "all of them", |world| {
        devices_of(world[ada].room(room), world[ada].device) == DEVICES_PER_PERSON
    });
    assert_eq!(world.command(ada, Command::LinkDevice).err(), Some(Refusal::TooMany));
    world.settle();
}

#[test]
fn a_second_device_links_a_third() {
    let mut world = World::new(911);
    let [ada, laptop, tablet] = ["Ada", "Laptop", "Tablet"].map(|name| world.add(name));
    let room = world.create_room(ada, "Ada's");
    world.link_device(ada, laptop);
    world.await_member(laptop, room);
    world.crash(ada);
    world.link_device(laptop, tablet);
    world.await_member(tablet, room);
    world.start(ada);
    world.until(PATIENCE * 2, "the first one knows", |world| world.are_linked(ada, tablet));
    assert_eq!(devices_of(world[tablet].room(room), world[ada].device), 3);
    world.settle();
}

#[test]
fn a_device_that_was_taken_out_is_handed_nothing_by_one_that_slept_meanwhile() {
    let mut world = World::new(912);
    let [ada, ben, laptop, phone] = ["Ada", "Ben", "Laptop", "Phone"].map(|name| world.add(name));
    let rooms = [(); 3].map(|()| world.gathering(&[ben, ada]));
    for device in [laptop, phone] {
        world.link_device(ada, device);
        for room in rooms {
            world.await_member(device, room);
        }
    }
    world.settle();
    world.crash(laptop);
    assert!(matches!(unlink(&mut world, ada, phone), Ok(Reply::Done)));
    for room in rooms {
        world.until(PATIENCE, "Ben knows", |world| person(world, ben, room, phone).is_none());
    }
    world.start(laptop);
    world.run(Duration::from_secs(300));
    for room in rooms {
        assert!(person(&world, ben, room, phone).is_none() && person(&world, laptop, room, phone).is_none());
        assert!(person(&world, ben, room, laptop).is_some());
    }
    world.settle();
}

#[test]
fn what_is_joined_while_both_are_linked_comes_to_the_other_at_once() {
    let mut world = World::new(913);
    let [ada, ben, phone] = ["Ada", "Ben", "Phone"].map(|name| world.add(name));
    world.link_device(ada, phone);
    for joins in [phone, ada] {
        let room = world.create_room(ben, "Ben's");
        let link = world.invite(ben, room, party());
        world.join(joins, &link);
        for who in [ada, phone] {
            world.await_member(who, room);
        }
        world.until(PATIENCE, "one person", |world| {
            person(world, ben, room, ada).is_some() && person(world, ben, room, ada) == person(world, ben, room, phone)
        });
    }
    world.settle();
}
