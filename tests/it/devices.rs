//! One person with two devices, and somebody else who sees one person: whole nodes, a real broker, real links.

use crate::person::{Person, broker, create_room, party, two_in_a_kitchen};
use natter_node::api::{Command, DeliveryState, JoinProgress, Member, MessageBody, Reply, Standing};

/// Links a new device by the code that the old one shows.
async fn link(old: &mut Person, new: &mut Person) {
    let Reply::DeviceCode { code } = old.ask(Command::LinkDevice).await else { panic!("no code") };
    old.see("the code", |p| (p.state.devices.code.as_ref() == Some(&code)).then_some(())).await;
    assert_eq!(old.node.media(&code.qr).await.expect("a picture").mime, "image/svg+xml");
    let text = format!("my other device: {}", code.link);
    let Reply::DeviceCodePreview { preview } = new.ask(Command::ReadDeviceCode { text: text.clone() }).await else {
        panic!("no preview")
    };
    assert_eq!(preview.name, "Ada");
    new.ask(Command::UseDeviceCode { text }).await;
    let request = old.see("the new device", |p| p.state.devices.requests.first().cloned()).await;
    let fingerprint = new.state.me.as_ref().expect("known").fingerprint.clone();
    assert_eq!(request.fingerprint, fingerprint, "what a person compares");
    new.see("the wait for a yes", |p| {
        (p.state.devices.linking == Some(JoinProgress::WaitingForApproval)).then_some(())
    })
    .await;
    old.ask(Command::AdmitDevice { device: request.device }).await;
    for person in [old, new] {
        person.see("both devices", |p| (p.state.devices.linked.len() == 2).then_some(())).await;
    }
}

fn ada_in(person: &Person, room: &str) -> Option<Member> {
    let room = person.state.rooms.iter().find(|other| other.id == room)?;
    room.members.iter().find(|member| member.name == "Ada").cloned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_linked_phone_is_the_same_person_to_everybody_and_a_lost_one_is_nobody() {
    let dirs = [(); 3].map(|()| tempfile::tempdir().expect("a directory"));
    let broker = broker().await;
    let mut ada = Person::start(dirs[0].path(), "Ada", Some(&broker)).await;
    let mut bob = Person::start(dirs[1].path(), "Bob", Some(&broker)).await;
    let mut phone = Person::start(dirs[2].path(), "New phone", Some(&broker)).await;
    let room = two_in_a_kitchen(&mut ada, &mut bob).await;
    let early = bob.say(&room, "before there was a phone").await;
    ada.sees_text("before there was a phone").await;

    link(&mut ada, &mut phone).await;
    phone.see("the kitchen", |p| p.room().map(|_| ())).await;
    assert_eq!(phone.see("her name", |p| p.state.me.clone().filter(|me| me.name == "Ada")).await.name, "Ada");
    let member = bob.see("one Ada with two devices", |p| ada_in(p, &room).filter(|ada| ada.devices == 2)).await;
    assert_eq!(member.device, ada.state.me.as_ref().expect("known").device);
    assert_eq!(bob.room().map(|room| room.members.len()), Some(2));
    assert_eq!(phone.sees_text("before there was a phone").await.id, early);

    phone.sees_online("Bob").await;
    // Said on the phone, it is Ada's, to Bob and to Ada's first device.
    phone.say(&room, "from the phone").await;
    let seen = bob.sees_text("from the phone").await;
    assert_eq!((seen.author, seen.own), (member.device.clone(), false));
    bob.see("the ring", |p| p.rings.contains(&"Ada: from the phone".to_owned()).then_some(())).await;
    let seen = ada.sees_text("from the phone").await;
    assert!(seen.own && seen.elsewhere && ada.rings.iter().all(|ring| !ring.contains("from the phone")));
    // People are counted.
    let words = bob.say(&room, "to both of you").await;
    bob.sees_text("to both of you").await;
    phone.sees_text("to both of you").await;
    bob.sees_delivery(&words, DeliveryState::HeldByAll).await;
    let delivery = bob.messages.iter().find(|m| m.id == words).and_then(|m| m.delivery.clone()).expect("told");
    assert_eq!((delivery.of, delivery.held_by.len()), (1, 1));
    // Both come to the same number.
    let number = |reply| if let Reply::Safety { safety } = reply { safety } else { panic!("no number") };
    let bobs_key = bob.state.me.as_ref().expect("known").device.clone();
    let on_phone = number(phone.ask(Command::Safety { device: bobs_key.clone() }).await);
    let on_first = number(ada.ask(Command::Safety { device: bobs_key }).await);
    let with_bob = number(bob.ask(Command::Safety { device: member.device.clone() }).await);
    assert_eq!((&on_phone.number, &on_first.number), (&with_bob.number, &with_bob.number));
    bob.ask(Command::Verify { code: on_phone.code, device: Some(member.device.clone()) }).await;
    bob.see("Ada verified", |p| ada_in(p, &room).filter(|ada| ada.verified)).await;
    // Read on one device, read on the other.
    phone.ask(Command::MarkRead { room: room.clone(), message: words }).await;
    ada.see("nothing unread", |p| (p.room()?.unread == 0).then_some(())).await;

    // A room that is joined on the phone is on the first device too.
    let hall = create_room(&mut bob, "Hall").await;
    let invite = party(&bob, &hall).await;
    phone.ask(Command::Join { link: invite }).await;
    ada.see("the hall", |p| ada_in(p, &hall).filter(|ada| ada.devices == 2)).await;

    // The phone is lost.
    let lost = phone.state.me.as_ref().expect("known").device.clone();
    ada.ask(Command::UnlinkDevice { device: lost }).await;
    phone.see("being out", |p| p.state.rooms.iter().all(|room| room.standing == Standing::Gone).then_some(())).await;
    for room in [&room, &hall] {
        bob.see("one device", |p| ada_in(p, room).filter(|ada| ada.devices == 1)).await;
    }
    // Each room says so of the Ada that it knows: in the hall she is who came in by the phone.
    for room in [&room, &hall] {
        let whose = ada_in(&bob, room).map(|ada| ada.device);
        bob.see("the notice", |p| {
            let notice = |m: &&natter_node::api::Message| matches!(m.body, MessageBody::DeviceUnlinked { .. });
            p.messages.iter().filter(notice).any(|m| Some(&m.author) == whose.as_ref()).then_some(())
        })
        .await;
    }
    ada.see("one device left", |p| p.state.devices.linked.is_empty().then_some(())).await;
    ada.say(&room, "only me again").await;
    bob.sees_text("only me again").await;
    for person in [ada, bob, phone] {
        person.node.shutdown().await;
    }
    broker.stop().await;
}
