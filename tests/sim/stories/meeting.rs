//! Coming together.

use natter_engine::port::JoinState;
use natter_sim::World;
use natter_sim::people::{one, party};

#[test]
fn two_meet_by_invite_with_approval_and_talk() {
    let mut world = World::new(1);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.create_room(ada, "Kitchen");
    let link = world.invite(ada, room, one());
    world.join(ben, &link);
    world.await_join(ben, room, JoinState::WaitingForApproval);
    world.admit(ada, room, ben);
    let hello = world.send(ben, room, "Hello!");
    world.await_entry(ada, room, hello);
    let reply = world.send(ada, room, "Hi Ben");
    world.await_entry(ben, room, reply);
    world.settle();
    let said: Vec<_> = world[ada].texts(room);
    assert_eq!(said, [(world[ben].device, "Hello!".to_owned()), (world[ada].device, "Hi Ben".to_owned())]);
    assert_eq!(world[ben].texts(room), said);
}

#[test]
fn a_party_link_lets_everyone_in_and_all_are_linked_with_all() {
    let mut world = World::new(2);
    let people: Vec<_> = ["Ada", "Ben", "Cleo", "Dan", "Eve"].map(|name| world.add(name)).into();
    let room = world.gathering(&people);
    for who in &people {
        world.send(*who, room, "here");
    }
    world.settle();
    assert_eq!(world[people[4]].texts(room).len(), 5);
}

#[test]
fn the_creator_is_away_and_another_member_opens_the_party_door() {
    let mut world = World::new(3);
    let (ada, ben, cleo) = (world.add("Ada"), world.add("Ben"), world.add("Cleo"));
    let room = world.create_room(ada, "Party");
    let link = world.invite(ada, room, party());
    world.join(ben, &link);
    world.await_join(ben, room, JoinState::Admitted);
    world.shut_down(ada);
    world.join(cleo, &link);
    world.await_join(cleo, room, JoinState::Admitted);
    let hash = world.send(cleo, room, "where is Ada?");
    world.await_entry(ben, room, hash);
    world.start(ada);
    world.await_entry(ada, room, hash);
    world.settle();
}
