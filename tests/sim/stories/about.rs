//! What is said of what was said: edits, deletions, reactions, pins; what disappears; and who is typing.

use natter_engine::ids::{EntryHash, RoomId};
use natter_engine::port::{Command, Refusal, Reply};
use natter_engine::wire::{Act, Body, RoomBody, Text, kind};
use natter_sim::World;
use natter_sim::node::NodeId;
use natter_sim::people::PATIENCE;
use natter_store::Store;
use std::time::Duration;

fn about(world: &mut World, who: NodeId, room: RoomId, target: EntryHash, act: Act) -> EntryHash {
    match world.command(who, Command::About { room, target, act }) {
        Ok(Reply::Sent(hash)) => hash,
        other => panic!("{other:?}"),
    }
}

fn refused(world: &mut World, who: NodeId, room: RoomId, target: EntryHash, act: Act) -> Refusal {
    match world.command(who, Command::About { room, target, act }) {
        Err(refusal) => refusal,
        Ok(reply) => panic!("{reply:?}"),
    }
}

/// Whether the words of an entry lie on somebody's disk.
fn holds_words(world: &World, who: NodeId, room: RoomId, hash: EntryHash) -> bool {
    let entry = world[who].disk.entry(room, hash).expect("reads").expect("the entry stays");
    entry.payload.is_some()
}

fn heart() -> Act {
    Act::React { emoji: "❤️".into(), on: true }
}

#[test]
fn an_edit_a_reaction_and_a_pin_reach_everyone_and_change_no_word_of_the_first() {
    let mut world = World::new(300);
    let [ada, ben, cleo] = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo]);
    let first = world.send(ada, room, "lunch at nonn");
    world.await_entry(ben, room, first);
    let edit = about(&mut world, ada, room, first, Act::Edit(Text::plain("lunch at noon")));
    let like = about(&mut world, ben, room, first, heart());
    let pin = about(&mut world, cleo, room, first, Act::Pin { on: true });
    world.settle();
    for who in [ada, ben, cleo] {
        let related = world[who].disk.related(room, &[first]).expect("reads");
        let hashes: Vec<EntryHash> = related.iter().map(|entry| entry.order.hash).collect();
        for hash in [edit, like, pin] {
            assert!(hashes.contains(&hash));
        }
        assert!(holds_words(&world, who, room, first), "history keeps the first wording");
    }
}

#[test]
fn what_is_deleted_is_on_no_disk_and_the_chain_still_verifies() {
    let mut world = World::new(301);
    let [ada, ben, cleo] = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo]);
    let first = world.send(ada, room, "a secret");
    let edit = about(&mut world, ada, room, first, Act::Edit(Text::plain("a bigger secret")));
    world.await_entry(cleo, room, edit);
    world.crash(cleo);
    about(&mut world, ada, room, first, Act::Delete);
    world.until(PATIENCE, "Ben forgets it", |world| !holds_words(world, ben, room, first));
    assert!(!holds_words(&world, ben, room, edit), "and its other wording");
    assert!(world[ben].host.erased[&room].contains(&first), "his host is told");
    assert!(holds_words(&world, cleo, room, first), "Cleo has not heard yet");
    world.start(cleo);
    world.settle();
    assert!(!holds_words(&world, cleo, room, first) && !holds_words(&world, cleo, room, edit));
    // A newcomer gets the history without the words.
    let dan = world.add("Dan");
    let link = world.invite(ada, room, natter_sim::people::party());
    world.join(dan, &link);
    world.await_entry(dan, room, edit);
    assert!(!holds_words(&world, dan, room, first));
    world.settle();
    let again = refused(&mut world, ada, room, first, Act::Edit(Text::plain("never mind")));
    assert_eq!(again, Refusal::NoSuchEntry, "what is gone cannot be changed");
}

#[test]
fn only_the_author_edits_and_only_the_author_or_an_admin_deletes() {
    let mut world = World::new(302);
    let [ada, ben, cleo] = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo]);
    let words = world.send(ben, room, "mine");
    for who in [ada, cleo] {
        world.await_entry(who, room, words);
    }
    let edit = || Act::Edit(Text::plain("yours"));
    assert_eq!(refused(&mut world, ada, room, words, edit()), Refusal::NotAllowed);
    assert_eq!(refused(&mut world, cleo, room, words, edit()), Refusal::NotAllowed);
    assert_eq!(refused(&mut world, cleo, room, words, Act::Delete), Refusal::NotAllowed);
    let nothing = EntryHash([7; 32]);
    assert_eq!(refused(&mut world, cleo, room, nothing, Act::Delete), Refusal::NoSuchEntry);
    let founding = world[ada].entries(room).iter().find(|e| e.kind == kind::GENESIS).map(|e| e.order.hash);
    let founding = founding.expect("a room has a beginning");
    assert_eq!(refused(&mut world, ada, room, founding, Act::Delete), Refusal::NoSuchEntry, "not a message");
    let letters = Act::React { emoji: "ok".into(), on: true };
    assert_eq!(refused(&mut world, cleo, room, words, letters), Refusal::NotAnEmoji);
    about(&mut world, ada, room, words, Act::Delete);
    world.settle();
    for who in [ada, ben, cleo] {
        assert!(!holds_words(&world, who, room, words), "the founder is an admin");
    }
}

#[test]
fn a_message_that_disappears_goes_from_those_who_are_there_and_those_who_come_later() {
    let mut world = World::new(303);
    let [ada, ben, cleo] = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo]);
    let change = RoomBody { lives: Some(3600), ..RoomBody::default() };
    assert!(matches!(world.command(ada, Command::SetRoom { room, change }), Ok(Reply::Done)));
    world.until(PATIENCE, "Ben knows", |world| world[ben].room(room).lives == Some(3600));
    world.crash(cleo);
    let words = world.send(ben, room, "until then");
    world.await_entry(ada, room, words);
    world.run(Duration::from_secs(3000));
    assert!(holds_words(&world, ada, room, words));
    world.crash(ben);
    world.run(Duration::from_secs(1200));
    assert!(!holds_words(&world, ada, room, words), "an hour has passed");
    assert!(holds_words(&world, ben, room, words), "Ben's device was off");
    world.start(ben);
    world.run(Duration::from_secs(5));
    assert!(!holds_words(&world, ben, room, words), "it looks as soon as it is on");
    world.start(cleo);
    world.await_entry(cleo, room, words);
    assert!(!holds_words(&world, cleo, room, words), "who comes later gets the place, not the words");
    let change = RoomBody { lives: Some(0), ..RoomBody::default() };
    assert!(matches!(world.command(ada, Command::SetRoom { room, change }), Ok(Reply::Done)));
    let stays = world.send(ada, room, "for good");
    world.run(Duration::from_secs(4000));
    world.settle();
    assert!(holds_words(&world, cleo, room, stays));
}

#[test]
fn erasing_waits_for_a_disk_that_is_full_and_is_not_forgotten() {
    let mut world = World::new(304);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    let change = RoomBody { lives: Some(60), ..RoomBody::default() };
    assert!(matches!(world.command(ada, Command::SetRoom { room, change }), Ok(Reply::Done)));
    let words = world.send(ada, room, "a minute");
    world.await_entry(ben, room, words);
    world.fill_disk(ben);
    world.run(Duration::from_secs(120));
    assert!(holds_words(&world, ben, room, words));
    world.clear_disk(ben);
    world.run(Duration::from_secs(20));
    assert!(!holds_words(&world, ben, room, words));
    world.settle();
}

#[test]
fn typing_is_told_to_those_who_are_there_and_not_at_every_key() {
    let mut world = World::new(305);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    for _ in 0..40 {
        assert!(matches!(world.command(ada, Command::Typing { room }), Ok(Reply::Done)));
        world.run(Duration::from_millis(200));
    }
    let device = world[ada].device;
    let told = world[ben].host.typing.iter().filter(|heard| **heard == (room, device)).count();
    assert!((2..=5).contains(&told), "8 seconds of typing are told {told} times");
    assert!(world[ada].host.typing.is_empty());
    // A message ends it: the first key of the next is told at once.
    let hash = world.send(ada, room, "there");
    world.await_entry(ben, room, hash);
    assert!(matches!(world.command(ada, Command::Typing { room }), Ok(Reply::Done)));
    world.run(Duration::from_millis(500));
    let now = world[ben].host.typing.iter().filter(|heard| **heard == (room, device)).count();
    assert_eq!(now, told + 1);
}

#[test]
fn a_delete_that_was_not_saved_deleted_nothing() {
    let mut world = World::new(306);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    let words = world.send(ada, room, "still here");
    world.await_entry(ben, room, words);
    world.fill_disk(ada);
    assert!(matches!(refused(&mut world, ada, room, words, Act::Delete), Refusal::NotSaved(_)));
    world.clear_disk(ada);
    world.settle();
    for who in [ada, ben] {
        assert!(holds_words(&world, who, room, words));
    }
    let entries = world[ada].entries(room);
    let deletions = entries.iter().filter(|entry| {
        let body = entry.payload.as_deref().and_then(|payload| Body::decode(entry.kind, payload).ok());
        matches!(body, Some(Body::About { act: Act::Delete, .. }))
    });
    assert_eq!(deletions.count(), 0);
}
