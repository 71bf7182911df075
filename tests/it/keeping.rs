//! What people keep, between whole nodes: a file brings what somebody missed, and a restored copy never forks.

use crate::person::{Person, broker, timeline, two_in_a_kitchen};
use natter_node::api::{Command, MessageBody, Protection, Standing};
use natter_node::{Node, NodeConfig, Pictures, restore_profile};
use std::path::Path;

const PASSPHRASE: &str = "correct horse battery staple";

/// A node that needs nobody.
async fn alone(dir: &Path) -> Node {
    let config = NodeConfig { lan: false, embedded_broker: false, ..NodeConfig::new(dir) };
    Node::open(config).await.expect("nothing is wrong with it")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_brings_what_somebody_missed_and_the_links_agree_with_it_later() {
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().expect("a directory")).collect();
    let broker = broker().await;
    let mut ada = Person::start(dirs[0].path(), "Ada", Some(&broker)).await;
    let mut bob = Person::start(dirs[1].path(), "Bob", Some(&broker)).await;
    let room = two_in_a_kitchen(&mut ada, &mut bob).await;
    ada.say(&room, "hello Bob").await;
    bob.sees_text("hello Bob").await;
    bob.node.shutdown().await;
    drop(bob);
    for n in 0..300 {
        ada.say(&room, &format!("while you were away {n}")).await;
    }
    let file = dirs[2].path().join("kitchen.natter.html");
    ada.node.export_room(&room, &file).await.expect("saved");
    // Else they would find each other where the room meets.
    ada.node.shutdown().await;
    drop(ada);

    let bob = alone(dirs[1].path()).await;
    let first = bob.import_room(&file).await.expect("fine");
    assert!(first.new >= 300 && first.known > 0 && first.held_back == 0, "{first:?}");
    let again = bob.import_room(&file).await.expect("fine");
    assert_eq!((again.new, again.known), (0, first.new + first.known));
    let (state, _) = bob.subscribe();
    assert_eq!(state.rooms[0].standing, Standing::Member, "he is in it as before");
    bob.shutdown().await;
    drop(bob);

    let mut ada = Person::start(dirs[0].path(), "Ada", Some(&broker)).await;
    let mut bob = Person::start(dirs[1].path(), "Bob", Some(&broker)).await;
    bob.sees_online("Ada").await;
    let last = bob.say(&room, "I have read it all").await;
    ada.sees_text("I have read it all").await;
    bob.see("his own word", |p| p.room()?.last.as_ref().filter(|m| m.id == last).map(|_| ())).await;
    assert_eq!(timeline(&ada, &room).await, timeline(&bob, &room).await, "one order for all");
    for person in [ada, bob] {
        person.node.shutdown().await;
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_original_and_a_restored_copy_both_write_and_all_agree() {
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().expect("a directory")).collect();
    let broker = broker().await;
    let mut ada = Person::start(dirs[0].path(), "Ada", Some(&broker)).await;
    let mut bob = Person::start(dirs[1].path(), "Bob", Some(&broker)).await;
    let room = two_in_a_kitchen(&mut ada, &mut bob).await;
    ada.say(&room, "before the backup").await;
    let file = dirs[2].path().join("ada.backup");
    ada.node.backup(&file, PASSPHRASE, Pictures::Kept).await.expect("saved");
    // A copy in the same log would sign for this place again.
    ada.say(&room, "after the backup").await;
    bob.sees_text("after the backup").await;
    let copy_dir = dirs[2].path().join("copy");
    restore_profile(&file, PASSPHRASE, &copy_dir, &Protection::Unprotected).expect("restored");
    let mut copy = Person::start(&copy_dir, "nobody asks", Some(&broker)).await;
    assert_eq!(
        copy.state.me.as_ref().map(|me| (&*me.name, &me.device)),
        ada.state.me.as_ref().map(|me| (&*me.name, &me.device))
    );
    copy.say(&room, "from the copy").await;
    ada.say(&room, "from the original").await;
    for text in ["from the copy", "from the original"] {
        bob.sees_text(text).await;
    }
    copy.sees_text("from the original").await;
    copy.sees_text("after the backup").await;
    ada.sees_text("from the copy").await;
    let said = |person: &Person| {
        let texts = person.messages.iter().filter_map(|m| match &m.body {
            MessageBody::Text { text, .. } => Some(text.clone()),
            _ => None,
        });
        texts.collect::<Vec<_>>()
    };
    assert!(said(&bob).len() >= 4, "{:?}", said(&bob));
    let of_bob = timeline(&bob, &room).await;
    assert_eq!(of_bob, timeline(&ada, &room).await, "one order for all");
    assert_eq!(of_bob, timeline(&copy, &room).await, "one order for all");
    copy.ask(Command::NetworkChanged).await;
    for person in [ada, bob, copy] {
        person.node.shutdown().await;
    }
    broker.stop().await;
}
