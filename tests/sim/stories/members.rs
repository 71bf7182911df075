//! Who may what: roles, removals, and coming back.

use natter_engine::ids::RoomId;
use natter_engine::port::{Command, Refusal, Reply, Role, Standing};
use natter_engine::wire::RoomBody;
use natter_sim::World;
use natter_sim::node::NodeId;
use natter_sim::people::{PATIENCE, party};
use std::time::Duration;

fn set_role(world: &mut World, by: NodeId, room: RoomId, who: NodeId, role: Role) -> Result<Reply, Refusal> {
    let device = world[who].device;
    world.command(by, Command::SetRole { room, device, role })
}

fn remove(world: &mut World, by: NodeId, room: RoomId, who: NodeId) -> Result<Reply, Refusal> {
    let device = world[who].device;
    world.command(by, Command::Remove { room, device })
}

fn role_of(world: &World, seen_by: NodeId, room: RoomId, who: NodeId) -> Option<Role> {
    let device = world[who].device;
    world[seen_by].room(room).members.iter().find(|member| member.device == device).map(|member| member.role)
}

#[test]
fn an_admin_names_others_and_everyone_sees_it() {
    let mut world = World::new(320);
    let [ada, ben, cleo] = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo]);
    assert_eq!(set_role(&mut world, ben, room, cleo, Role::Guest).err(), Some(Refusal::NotAllowed));
    assert!(set_role(&mut world, ada, room, ben, Role::Admin).is_ok());
    world.until(PATIENCE, "Ben knows", |world| role_of(world, ben, room, ben) == Some(Role::Admin));
    assert!(set_role(&mut world, ben, room, cleo, Role::Guest).is_ok());
    assert_eq!(set_role(&mut world, ben, room, ada, Role::Member).err(), Some(Refusal::NotAllowed));
    assert_eq!(remove(&mut world, ben, room, ada).err(), Some(Refusal::NotAllowed));
    world.settle();
    for who in [ada, ben, cleo] {
        assert_eq!(role_of(&world, who, room, ben), Some(Role::Admin));
        assert_eq!(role_of(&world, who, room, cleo), Some(Role::Guest));
    }
    let invite = world.command(cleo, Command::CreateInvite { room, terms: natter_sim::people::one() });
    assert_eq!(invite.err(), Some(Refusal::NotAllowed), "a guest invites nobody");
    world.send(cleo, room, "but I may speak");
    world.settle();
}

#[test]
fn a_room_is_renamed_by_an_admin() {
    let mut world = World::new(321);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    let change = RoomBody { name: Some("Hall".into()), about: Some("Soup on Sundays".into()), lives: None };
    let by_ben = world.command(ben, Command::SetRoom { room, change: change.clone() });
    assert_eq!(by_ben.err(), Some(Refusal::NotAllowed));
    assert!(world.command(ada, Command::SetRoom { room, change }).is_ok());
    world.until(PATIENCE, "Ben sees it", |world| world[ben].room(room).name == "Hall");
    assert_eq!(world[ben].room(room).about, "Soup on Sundays");
    let nothing = world.command(ada, Command::SetRoom { room, change: RoomBody::default() });
    assert_eq!(nothing.err(), Some(Refusal::Empty));
    world.settle();
}

#[test]
fn who_is_removed_knows_it_and_hears_nothing_new_from_anybody() {
    let mut world = World::new(322);
    let [ada, ben, cleo] = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo]);
    let before = world.send(cleo, room, "hello");
    world.await_entry(ben, room, before);
    assert!(remove(&mut world, ada, room, cleo).is_ok());
    world.until(PATIENCE, "Cleo knows", |world| world[cleo].room(room).standing == Standing::Gone);
    world.until(PATIENCE, "Ben knows", |world| role_of(world, ben, room, cleo).is_none());
    let after = world.send(ada, room, "now we can talk");
    world.await_entry(ben, room, after);
    let also = world.send(ben, room, "yes");
    world.run(Duration::from_secs(200));
    for hash in [after, also] {
        assert!(!world.has(cleo, room, hash));
    }
    assert!(world.has(ben, room, before), "what she said stays");
    let words = world.command(cleo, Command::SendText { room, text: natter_engine::wire::Text::plain("let me in") });
    assert_eq!(words.err(), Some(Refusal::NotAMember));
    world.settle();
}

#[test]
fn those_who_stay_meet_by_a_new_key_even_if_they_were_away() {
    let mut world = World::new(323);
    let [ada, ben, cleo, dan] = ["Ada", "Ben", "Cleo", "Dan"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo, dan]);
    world.crash(dan);
    assert!(remove(&mut world, ada, room, cleo).is_ok());
    world.run(Duration::from_secs(5));
    // Everybody sleeps; nobody is linked with anybody when they wake, and Dan knows only the old key.
    for who in [ada, ben] {
        world.crash(who);
    }
    world.run(Duration::from_secs(60));
    for who in [ada, ben, dan] {
        world.start(who);
    }
    world.await_all_linked(&[ada, ben, dan], room);
    world.until(PATIENCE, "Dan knows", |world| role_of(world, dan, room, cleo).is_none());
    // And now with the new key alone.
    for who in [ada, ben, dan] {
        world.crash(who);
    }
    world.run(Duration::from_secs(5));
    for who in [ada, ben, dan] {
        world.start(who);
    }
    world.await_all_linked(&[ada, ben, dan], room);
    world.settle();
}

#[test]
fn who_was_removed_can_be_let_in_again_and_what_they_said_meanwhile_is_not_theirs_to_add() {
    let mut world = World::new(324);
    let [ada, ben, cleo] = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo]);
    let first = world.send(cleo, room, "first time");
    world.await_entry(ada, room, first);
    assert!(remove(&mut world, ada, room, cleo).is_ok());
    world.until(PATIENCE, "Cleo knows", |world| world[cleo].room(room).standing == Standing::Gone);
    let link = world.invite(ada, room, party());
    world.join(cleo, &link);
    world.until(PATIENCE * 2, "Cleo is back", |world| {
        world[cleo].host.rooms.get(&room).is_some_and(|view| view.standing == Standing::Member)
    });
    let second = world.send(cleo, room, "second time");
    world.await_entry(ben, room, second);
    world.settle();
    for who in [ada, ben, cleo] {
        assert!(world.has(who, room, first) && world.has(who, room, second));
    }
}

#[test]
fn who_left_comes_back_and_writes_on() {
    let mut world = World::new(325);
    let [ada, ben] = ["Ada", "Ben"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben]);
    for n in 0..3 {
        let said = world.send(ben, room, &format!("round {n}"));
        world.await_entry(ada, room, said);
        assert!(matches!(world.command(ben, Command::LeaveRoom { room }), Ok(Reply::Done)));
        world.until(PATIENCE, "Ben's device forgets the room", |world| world[ben].entries(room).is_empty());
        let link = world.invite(ada, room, party());
        world.join(ben, &link);
        world.until(PATIENCE * 2, "Ben is back", |world| {
            world[ben].host.rooms.get(&room).is_some_and(|view| view.standing == Standing::Member)
        });
        world.await_entry(ben, room, said);
    }
    let words = world.send(ben, room, "here to stay");
    world.await_entry(ada, room, words);
    world.settle();
}
