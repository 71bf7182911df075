//! Two people, two whole nodes, a real broker and real WebRTC links on loopback.

use crate::person::{Person, broker, create_room, invite, picture, timeline, two_in_a_kitchen, words};
use natter_node::api::{Command, DeliveryState, JoinProgress, MessageBody, Presence, Reply, Transfer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_meet_talk_show_a_picture_and_find_it_all_again() {
    let (ada_dir, bob_dir) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let broker = broker().await;
    let mut ada = Person::start(ada_dir.path(), "Ada", Some(&broker)).await;
    let mut bob = Person::start(bob_dir.path(), "Bob", Some(&broker)).await;
    let room = two_in_a_kitchen(&mut ada, &mut bob).await;

    let hello = ada.say(&room, "hello Bob").await;
    let seen = bob.sees_text("hello Bob").await;
    let ada_key = ada.state.me.as_ref().expect("known").device.clone();
    assert_eq!((seen.id.as_str(), seen.author.as_str(), seen.own), (hello.as_str(), ada_key.as_str(), false));
    assert!(seen.time > 1_700_000_000_000, "milliseconds since 1970");
    bob.see("the ring", |p| p.rings.contains(&"Ada: hello Bob".to_owned()).then_some(())).await;
    ada.sees_text("hello Bob").await;
    ada.sees_delivery(&hello, DeliveryState::HeldByAll).await;
    bob.ask(Command::MarkRead { room: room.clone(), message: hello.clone() }).await;
    ada.sees_delivery(&hello, DeliveryState::Read).await;
    let answer = bob.say(&room, "hello Ada 👋").await;
    ada.sees_text("hello Ada 👋").await;

    let bytes = picture();
    let staged = ada.node.stage_bytes("cat.png", bytes.clone()).await.expect("a picture");
    ada.ask(Command::SendPicture {
        room: room.clone(),
        staged: staged.id,
        caption: "the cat".into(),
        reply_to: Some(answer),
    })
    .await;
    let shown = bob
        .see("the picture", |p| {
            p.messages.iter().find_map(|m| match &m.body {
                MessageBody::Picture { picture, .. } if picture.transfer == Transfer::Here => {
                    Some((m.clone(), picture.clone()))
                }
                _ => None,
            })
        })
        .await;
    assert_eq!((shown.1.width, shown.1.height, shown.1.name.as_str()), (640, 480, "cat.png"));
    assert_eq!(bob.node.file(&room, &shown.0.id).await.expect("here").bytes, bytes);

    let before = timeline(&bob, &room).await;
    bob.node.shutdown().await;
    drop(bob);
    ada.see("Bob offline", |p| {
        p.room()?.members.iter().find(|m| m.name == "Bob" && m.presence == Presence::Offline).map(|_| ())
    })
    .await;
    let missed = ada.say(&room, "while you slept").await;
    ada.sees_text("while you slept").await;

    let mut bob = Person::start(bob_dir.path(), "Bob", Some(&broker)).await;
    assert_eq!(timeline(&bob, &room).await[..before.len()], before, "history survives a restart");
    bob.see("what was missed", |p| p.room()?.last.as_ref().filter(|m| m.id == missed).map(|_| ())).await;
    ada.sees_delivery(&missed, DeliveryState::HeldByAll).await;
    bob.say(&room, "good morning").await;
    ada.sees_text("good morning").await;
    let of_ada = timeline(&ada, &room).await;
    let of_bob = timeline(&bob, &room).await;
    assert_eq!(of_ada, of_bob, "one order for all");
    ada.node.shutdown().await;
    bob.node.shutdown().await;
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_apps_on_one_machine_need_nothing_else() {
    let (ada_dir, bob_dir) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let mut ada = Person::start(ada_dir.path(), "Ada", None).await;
    let mut bob = Person::start(bob_dir.path(), "Bob", None).await;
    let room = create_room(&mut ada, "Kitchen").await;
    let link = invite(&ada, &room, false).await;
    bob.ask(Command::Join { link }).await;
    bob.see("the kitchen", |p| p.room().map(|_| ())).await;
    ada.sees_online("Bob").await;
    ada.say(&room, "no server anywhere").await;
    bob.sees_text("no server anywhere").await;
    ada.node.shutdown().await;
    bob.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_words_are_as_good_as_a_link() {
    let (ada_dir, bob_dir) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let broker = broker().await;
    let mut ada = Person::start(ada_dir.path(), "Ada", Some(&broker)).await;
    let mut bob = Person::start(bob_dir.path(), "Bob", Some(&broker)).await;
    let room = create_room(&mut ada, "Kitchen").await;
    let said = words(&ada, &room).await;
    let Reply::Room { room: asked } = bob.ask(Command::Join { link: said.to_uppercase() }).await else { panic!() };
    assert_ne!(asked, room, "nobody knows the room yet");
    let found = bob.see("the kitchen", |p| p.room().map(|room| room.id.clone())).await;
    assert_eq!(found, room);
    bob.say(&room, "I heard you well").await;
    ada.sees_text("I heard you well").await;
    for person in [ada, bob] {
        person.node.shutdown().await;
    }
    broker.stop().await;
}

/// Ids in order: what both must agree on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_gone_is_not_missed_by_those_who_are_linked() {
    let (ada_dir, bob_dir) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let broker = broker().await;
    let mut ada = Person::start(ada_dir.path(), "Ada", Some(&broker)).await;
    let mut bob = Person::start(bob_dir.path(), "Bob", Some(&broker)).await;
    let room = two_in_a_kitchen(&mut ada, &mut bob).await;
    let address = broker.local_addr();
    broker.stop().await;
    ada.see("the loss", |p| p.state.network.brokers.iter().all(|b| !b.up && b.trouble.is_some()).then_some(())).await;
    ada.say(&room, "still here").await;
    bob.sees_text("still here").await;
    bob.say(&room, "so am I").await;
    ada.sees_text("so am I").await;

    let broker =
        natter_broker::Broker::start(address, natter_broker::Config::default()).await.expect("the port is free again");
    ada.see("the broker again", |p| p.state.network.brokers.iter().any(|b| b.up).then_some(())).await;
    ada.node.shutdown().await;
    bob.node.shutdown().await;
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_door_that_stays_shut_says_why() {
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().expect("a directory")).collect();
    let broker = broker().await;
    let mut ada = Person::start(dirs[0].path(), "Ada", Some(&broker)).await;
    let mut bob = Person::start(dirs[1].path(), "Bob", Some(&broker)).await;
    let mut eve = Person::start(dirs[2].path(), "Eve", Some(&broker)).await;
    let room = create_room(&mut ada, "Kitchen").await;
    let link = invite(&ada, &room, true).await;
    eve.ask(Command::Join { link: link.clone() }).await;
    let request = ada.see("Eve at the door", |p| p.room()?.requests.first().cloned()).await;
    ada.ask(Command::Decline { room: room.clone(), device: request.device }).await;
    eve.see("the no", |p| (p.state.joins.first()?.progress == JoinProgress::Declined).then_some(())).await;
    eve.ask(Command::CancelJoin { room: room.clone() }).await;
    eve.see("a clean slate", |p| (p.state.joins.first()?.progress == JoinProgress::Cancelled).then_some(())).await;

    bob.ask(Command::Join { link: link.clone() }).await;
    let request = ada.see("Bob at the door", |p| p.room()?.requests.iter().find(|r| r.name == "Bob").cloned()).await;
    ada.ask(Command::Admit { room: room.clone(), device: request.device }).await;
    bob.see("the kitchen", |p| p.room().map(|_| ())).await;
    eve.ask(Command::Join { link }).await;
    eve.see("that it is used up", |p| (p.state.joins.first()?.progress == JoinProgress::UsedUp).then_some(())).await;
    for person in [ada, bob, eve] {
        person.node.shutdown().await;
    }
    broker.stop().await;
}
