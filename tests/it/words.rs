//! Two whole nodes: what is said of a message reaches the other, and who may stay in the room.

use crate::person::{Person, broker, picture, two_in_a_kitchen};
use natter_node::api::{Code, Command, Mention, MessageBody, Role, Standing};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_reactions_pins_and_deletions_reach_the_other() {
    let (ada_dir, bob_dir) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let broker = broker().await;
    let mut ada = Person::start(ada_dir.path(), "Ada", Some(&broker)).await;
    let mut bob = Person::start(bob_dir.path(), "Bob", Some(&broker)).await;
    let room = two_in_a_kitchen(&mut ada, &mut bob).await;
    let (ada_key, bob_key) = (ada.state.me.clone().expect("known").device, bob.state.me.clone().expect("known").device);

    ada.ask(Command::Typing { room: room.clone() }).await;
    bob.see("that Ada types", |p| p.typing.contains(&ada_key).then_some(())).await;
    let mention = Mention { device: bob_key.clone(), start: 3, length: 4 };
    let text = Command::SendText {
        room: room.clone(),
        text: "hi @Bob, helo".into(),
        mentions: vec![mention.clone()],
        reply_to: None,
    };
    ada.ask(text).await;
    let said = bob.sees_text("hi @Bob, helo").await;
    assert!(said.names_me);

    let (r, message) = (room.clone(), said.id.clone());
    let edit = |text: &str| Command::EditMessage {
        room: r.clone(),
        message: message.clone(),
        text: text.into(),
        mentions: vec![mention.clone()],
    };
    assert_eq!(bob.node.request(edit("hi @Bob, forged")).await.expect_err("not his").code, Code::NotAllowed);
    ada.ask(edit("hi @Bob, hello")).await;
    let seen = bob.sees_message("the edit", &said.id, |m| m.edited.is_some()).await;
    assert_eq!(seen.body, MessageBody::Text { text: "hi @Bob, hello".into(), mentions: vec![mention.clone()] });
    let react = Command::React { room: room.clone(), message: said.id.clone(), emoji: "👋".into(), on: true };
    bob.ask(react).await;
    ada.sees_message("the wave", &said.id, |m| m.reactions.iter().any(|r| r.by == [bob_key.clone()] && !r.own)).await;
    bob.ask(Command::PinMessage { room: room.clone(), message: said.id.clone(), on: true }).await;
    ada.sees_message("the pin", &said.id, |m| m.pinned).await;
    ada.ask(Command::DeleteMessage { room: room.clone(), message: said.id.clone() }).await;
    let deleted = MessageBody::Deleted { by: ada_key.clone() };
    bob.sees_message("the deletion", &said.id, |m| m.body == deleted).await;

    let staged = bob.node.stage_bytes("cat.png", picture()).await.expect("a picture");
    let send = Command::SendPicture { room: room.clone(), staged: staged.id, caption: String::new(), reply_to: None };
    bob.ask(send).await;
    let shown = ada
        .see("the picture", |p| {
            p.messages.iter().find(|m| matches!(m.body, MessageBody::Picture { .. })).map(|m| m.id.clone())
        })
        .await;
    ada.ask(Command::DeleteMessage { room: room.clone(), message: shown.clone() }).await;
    bob.sees_message("the admin's deletion", &shown, |m| m.body == deleted).await;
    for person in [ada, bob] {
        person.node.shutdown().await;
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_room_changes_roles_change_and_somebody_is_taken_out() {
    let (ada_dir, bob_dir) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let broker = broker().await;
    let mut ada = Person::start(ada_dir.path(), "Ada", Some(&broker)).await;
    let mut bob = Person::start(bob_dir.path(), "Bob", Some(&broker)).await;
    let room = two_in_a_kitchen(&mut ada, &mut bob).await;
    let bob_key = bob.state.me.clone().expect("known").device;

    let rename = |name: &str| Command::SetRoom {
        room: room.clone(),
        name: Some(name.into()),
        about: Some("where we cook".into()),
        lives: Some(3600),
    };
    assert_eq!(bob.node.request(rename("Cellar")).await.expect_err("no admin").code, Code::NotAllowed);
    ada.ask(rename("Pantry")).await;
    let seen = bob.see("the new name", |p| p.room().filter(|room| room.name == "Pantry").cloned()).await;
    assert_eq!((seen.about.as_str(), seen.lives), ("where we cook", 3600));
    ada.say(&room, "for an hour").await;
    let message = bob.sees_text("for an hour").await;
    assert_eq!(message.expires.map(|at| at > message.time), Some(true));

    ada.ask(Command::SetRole { room: room.clone(), device: bob_key.clone(), role: Role::Admin }).await;
    bob.see("the promotion", |p| p.room().filter(|room| room.role == Role::Admin).map(|_| ())).await;
    bob.ask(rename("Larder")).await;
    ada.see("the newest name", |p| p.room().filter(|room| room.name == "Larder").map(|_| ())).await;
    ada.ask(Command::RemoveMember { room: room.clone(), device: bob_key.clone() }).await;
    bob.see("being out", |p| p.room().filter(|room| room.standing == Standing::Gone).map(|_| ())).await;
    let kitchen = ada.see("one member", |p| p.room().filter(|room| room.members.len() == 1).cloned()).await;
    assert_eq!(kitchen.former.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["Bob"]);
    let say = Command::SendText { room, text: "still?".into(), mentions: Vec::new(), reply_to: None };
    assert_eq!(bob.node.request(say).await.expect_err("out").code, Code::NotAMember);
    for person in [ada, bob] {
        person.node.shutdown().await;
    }
    broker.stop().await;
}
