//! Eight words said over the telephone.

use natter_engine::ids::InviteId;
use natter_engine::port::{Command, JoinState, Refusal, Reply};
use natter_engine::rooms::InviteTerms;
use natter_engine::wire::{InviteKeys, SPOKEN_BYTES};
use natter_sim::people::{one, party};
use natter_sim::{NodeId, World};
use std::time::Duration;

/// What the host made of the words; here the stretching is a copy.
fn stretched(luck: [u8; SPOKEN_BYTES]) -> [u8; 32] {
    let mut seed = [9; 32];
    seed[..SPOKEN_BYTES].copy_from_slice(&luck);
    seed
}

fn invite_of(luck: [u8; SPOKEN_BYTES]) -> InviteId {
    InviteKeys::derive(&stretched(luck)).id()
}

/// Makes a spoken invite and says what is to be said.
fn spoken(world: &mut World, who: NodeId, room: natter_engine::ids::RoomId, terms: InviteTerms, n: u8) -> [u8; 10] {
    let luck = [n; SPOKEN_BYTES];
    match world.command(who, Command::CreateSpokenInvite { room, terms, luck, seed: stretched(luck) }) {
        Ok(Reply::Invite(link)) => assert_eq!((link.spoken, link.id()), (Some(luck), invite_of(luck))),
        other => panic!("an invite: {other:?}"),
    }
    luck
}

fn ask(world: &mut World, who: NodeId, luck: [u8; SPOKEN_BYTES]) {
    assert!(matches!(world.command(who, Command::Ask { seed: stretched(luck) }), Ok(Reply::Done)));
}

fn last(world: &World, who: NodeId, luck: [u8; SPOKEN_BYTES]) -> Option<JoinState> {
    world[who].host.asks.get(&invite_of(luck)).and_then(|states| states.last().copied())
}

#[test]
fn who_was_told_eight_words_finds_the_room_and_knocks_there() {
    let mut world = World::new(901);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.create_room(ada, "Kitchen");
    let words = spoken(&mut world, ada, room, one(), 1);
    ask(&mut world, ben, words);
    world.await_join(ben, room, JoinState::WaitingForApproval);
    assert_eq!(world[ben].host.found.get(&invite_of(words)), Some(&room));
    world.admit(ada, room, ben);
    let hello = world.send(ben, room, "You said it clearly");
    world.await_entry(ada, room, hello);
}

#[test]
fn the_one_who_said_them_is_away_and_another_member_tells() {
    let mut world = World::new(902);
    let (ada, ben, cleo) = (world.add("Ada"), world.add("Ben"), world.add("Cleo"));
    let room = world.gathering(&[ada, ben]);
    let words = spoken(&mut world, ada, room, party(), 2);
    world.settle();
    world.shut_down(ada);
    ask(&mut world, cleo, words);
    world.await_join(cleo, room, JoinState::Admitted);
}

#[test]
fn nobody_is_there_yet_and_the_words_go_on_being_asked() {
    let mut world = World::new(903);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.create_room(ada, "Kitchen");
    let words = spoken(&mut world, ada, room, InviteTerms { approval: false, ..one() }, 3);
    world.shut_down(ada);
    ask(&mut world, ben, words);
    world.run(Duration::from_secs(3600));
    assert_eq!(last(&world, ben, words), Some(JoinState::WaitingForMember));
    world.start(ada);
    world.await_join(ben, room, JoinState::Admitted);
}

/// They are not written down: what was said aloud is said again.
#[test]
fn words_are_given_up_by_hand_and_by_a_restart() {
    let mut world = World::new(904);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.create_room(ada, "Kitchen");
    let words = spoken(&mut world, ada, room, one(), 4);
    world.shut_down(ada);
    ask(&mut world, ben, words);
    // Said twice is asked once.
    ask(&mut world, ben, words);
    let invite = invite_of(words);
    assert!(matches!(world.command(ben, Command::CancelAsk { invite }), Ok(Reply::Done)));
    assert_eq!(last(&world, ben, words), Some(JoinState::Cancelled));
    assert_eq!(world.command(ben, Command::CancelAsk { invite }).unwrap_err(), Refusal::NoSuchInvite);

    ask(&mut world, ben, words);
    world.run(Duration::from_secs(5));
    world.crash(ben);
    world.start(ben);
    world.start(ada);
    world.run(Duration::from_secs(60));
    assert!(!world[ben].host.found.contains_key(&invite), "it asks no more");
    ask(&mut world, ben, words);
    world.await_join(ben, room, JoinState::WaitingForApproval);
}

#[test]
fn words_into_a_room_that_one_is_in_say_so_and_spent_ones_say_why() {
    let mut world = World::new(905);
    let (ada, ben, cleo) = (world.add("Ada"), world.add("Ben"), world.add("Cleo"));
    let room = world.create_room(ada, "Kitchen");
    let single = spoken(&mut world, ada, room, InviteTerms { approval: false, ..one() }, 5);
    let brief = InviteTerms { lifetime: Duration::from_secs(60), ..party() };
    let brief = spoken(&mut world, ada, room, brief, 6);
    ask(&mut world, ben, single);
    world.await_join(ben, room, JoinState::Admitted);
    ask(&mut world, ben, single);
    world.run(Duration::from_secs(30));
    assert_eq!(last(&world, ben, single), Some(JoinState::AlreadyMember));
    ask(&mut world, cleo, single);
    world.await_join(cleo, room, JoinState::UsedUp);
    // Expired while her clock is right: nobody serves it, and the asking goes on until she stops it.
    world.run(Duration::from_secs(120));
    ask(&mut world, cleo, brief);
    world.run(Duration::from_secs(60));
    assert_eq!(last(&world, cleo, brief), Some(JoinState::WaitingForMember));
    assert_eq!(world[ada].room(room).members.len(), 2);
}
