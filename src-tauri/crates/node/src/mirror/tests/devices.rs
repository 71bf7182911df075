//! People with several devices are shown as one.

use super::*;
use crate::people::Marks;
use natter_engine::rooms::DevicesView;

/// Ada's other device.
const LAPTOP: DeviceId = DeviceId([4; 32]);
/// This person's other device.
const PHONE: DeviceId = DeviceId([5; 32]);

/// Ada with a laptop, Bob, and this person with a phone, who came into the room with it.
fn view() -> RoomView {
    let mut view = room(&[ME, ADA, BOB, LAPTOP, PHONE]);
    view.persons = BTreeMap::from([(LAPTOP, ADA), (ME, PHONE)]);
    for member in &mut view.members {
        member.person = view.persons.get(&member.device).copied().unwrap_or(member.device);
        if member.person == ADA {
            member.profile.name = "Ada".into();
        }
    }
    view
}

fn story() -> Story {
    let mut story = Story::new();
    story.fold(Notify::Room(Box::new(view())));
    story
}

#[test]
fn a_person_is_one_row_however_many_devices_they_have() {
    let mut story = story();
    let rows = |story: &Story| -> Vec<(String, u32, bool)> {
        let mut rows: Vec<_> = story.room().members.iter().map(|m| (m.device.clone(), m.devices, m.own)).collect();
        rows.sort();
        rows
    };
    let expected = [(ADA, 2, false), (BOB, 1, false), (PHONE, 2, true)];
    assert_eq!(rows(&story), expected.map(|(device, devices, own)| (device.to_string(), devices, own)));
    // As reachable as the most reachable of their devices, and one name is no look-alike of itself.
    let mut now = view();
    now.members[3].presence = Presence::Online;
    story.fold(Notify::Room(Box::new(now)));
    let ada = story.room().members.iter().find(|m| m.device == ADA.to_string()).expect("there");
    assert_eq!((ada.presence, ada.looks_like.as_ref()), (api::Presence::Online, None));
}

#[test]
fn words_of_either_device_are_the_persons() {
    let mut story = story();
    let entry = story.says(LAPTOP, "from the laptop");
    let last = story.room().last.clone().expect("shown");
    assert_eq!((last.author, last.own), (ADA.to_string(), false));
    assert_eq!(story.rings(), [("Ada".to_owned(), "from the laptop".to_owned())]);
    // A sign given from two devices is one.
    for device in [ADA, LAPTOP] {
        let act = Act::React { emoji: "👍".into(), on: true };
        story.entry(device, &Body::About { target: entry.order.hash, act }, true);
    }
    let message = story.mirror.show(&entry, &story.disk);
    assert_eq!(message.reactions.iter().map(|r| r.by.clone()).collect::<Vec<_>>(), [vec![ADA.to_string()]]);
}

#[test]
fn own_words_from_the_other_device_are_own_and_neither_ring_nor_wait_to_be_read() {
    let mut story = story();
    story.says(PHONE, "from my phone");
    let last = story.room().last.clone().expect("shown");
    assert_eq!((last.author, last.own, last.elsewhere), (PHONE.to_string(), true, true));
    assert!(last.delivery.is_none(), "the phone knows who holds it");
    assert_eq!((story.rings(), story.room().unread), (Vec::new(), 0));
    story.says(ME, "from here");
    let last = story.room().last.clone().expect("shown");
    assert_eq!((last.author, last.own, last.elsewhere), (PHONE.to_string(), true, false));
    // Typing on the other device is no news.
    story.fold(Notify::Typing { room: ROOM, device: PHONE });
    story.fold(Notify::Typing { room: ROOM, device: LAPTOP });
    let typing: Vec<String> = story
        .events
        .iter()
        .filter_map(|change| if let Change::Typing { device, .. } = change { Some(device.clone()) } else { None })
        .collect();
    assert_eq!(typing, [ADA.to_string()]);
}

#[test]
fn people_are_counted_and_not_their_devices() {
    let mut story = story();
    let entry = story.says(ME, "hi");
    let state = |story: &Story| story.delivery_of(&entry).map(|d| (d.state, d.held_by.len(), d.of));
    assert_eq!(state(&story), Some((DeliveryState::Saved, 0, 2)));
    story.fold(Notify::Held { room: ROOM, holder: PHONE, log: log(ME), seq: entry.seq });
    assert_eq!(state(&story), Some((DeliveryState::Saved, 0, 2)));
    assert_eq!(story.room().unheld, 0, "but it is safe there");
    for holder in [LAPTOP, ADA] {
        story.fold(Notify::Held { room: ROOM, holder, log: log(ME), seq: entry.seq });
        assert_eq!(state(&story), Some((DeliveryState::HeldBySome, 1, 2)));
    }
    story.fold(Notify::Held { room: ROOM, holder: BOB, log: log(ME), seq: entry.seq });
    assert_eq!(state(&story), Some((DeliveryState::HeldByAll, 2, 2)));
    story.fold(Notify::Read { room: ROOM, reader: LAPTOP, upto: entry.order });
    assert_eq!(story.delivery_of(&entry).map(|d| d.read_by), Some(vec![ADA.to_string()]));
}

#[test]
fn what_is_decided_about_one_device_is_about_the_person() {
    for decided in [ADA, LAPTOP] {
        let mut story = story();
        story.says(LAPTOP, "seen");
        let mut people = People::default();
        people.set(decided, Marks { verified: true, blocked: true });
        story.mirror.set_people(people);
        story.disk.eyes.replace(story.mirror.eyes());
        story.settle();
        let ada = story.room().members.iter().find(|m| m.device == ADA.to_string()).expect("there");
        assert!(ada.verified && ada.blocked);
        assert!(story.room().last.is_none());
        story.events.clear();
        story.says(ADA, "unseen");
        story.says(LAPTOP, "unseen too");
        assert_eq!((story.rings(), story.room().unread), (Vec::new(), 0));
    }
}

#[test]
fn a_device_that_was_unlinked_leaves_its_person_where_they_are() {
    let mut story = story();
    let entry = story.says(ADA, "from what was lost");
    let mut now = view();
    now.members.retain(|member| member.device != ADA);
    now.former.push((ADA, Profile { name: "Ada".into(), avatar: None }));
    story.fold(Notify::Room(Box::new(now)));
    let ada = story.room().members.iter().find(|m| m.device == ADA.to_string()).expect("there");
    assert_eq!(ada.devices, 1);
    assert!(story.room().former.is_empty());
    assert_eq!(story.mirror.show(&entry, &story.disk).author, ADA.to_string());
}

#[test]
fn linked_devices_are_told_with_who_wants_to_become_one() {
    let mut story = story();
    let device = |device, name| member(device, name, Presence::Offline);
    let alone = DevicesView { devices: vec![device(ME, "Me")], requests: Vec::new(), code: None };
    story.fold(Notify::Devices(Box::new(alone.clone())));
    assert!(story.host.devices.linked.is_empty(), "one alone is linked with none");
    let request = RequestView {
        device: PHONE,
        profile: Profile { name: "Phone".into(), avatar: None },
        invite: InviteId([7; 32]),
    };
    story.fold(Notify::Devices(Box::new(DevicesView { requests: vec![request], ..alone.clone() })));
    assert_eq!(story.host.devices.requests.len(), 1);
    let both = DevicesView { devices: vec![device(PHONE, "Me"), device(ME, "Me")], ..alone };
    story.fold(Notify::Devices(Box::new(both)));
    let own: Vec<bool> = story.host.devices.linked.iter().map(|device| device.own).collect();
    assert_eq!(own, [true, false]);
    for (state, told) in [
        (JoinState::WaitingForApproval, Some(JoinProgress::WaitingForApproval)),
        (JoinState::Void, Some(JoinProgress::Void)),
    ] {
        story.fold(Notify::Linking(state));
        assert_eq!(story.host.devices.linking, told);
    }
    assert!(story.mirror.dismiss_linking());
    story.settle();
    assert_eq!(story.host.devices.linking, None);
    story.fold(Notify::Profile(Profile { name: "Me, renamed".into(), avatar: None }));
    assert_eq!(story.host.me.as_ref().map(|me| &*me.name), Some("Me, renamed"));
}
