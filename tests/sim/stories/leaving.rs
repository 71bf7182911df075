//! Going away, for a while or for good.

use natter_engine::port::{Command, Reply};
use natter_engine::rooms::Presence;
use natter_engine::wire::Text;
use natter_sim::World;
use natter_sim::people::{PATIENCE, party};
use std::time::Duration;

#[test]
fn who_leaves_takes_nothing_along_and_the_others_see_it() {
    let mut world = World::new(40);
    let [ada, ben, cleo] = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo]);
    let hash = world.send(ben, room, "bye");
    assert!(matches!(world.command(ben, Command::LeaveRoom { room }), Ok(Reply::Done)));
    world.until(PATIENCE, "Ben's device forgets the room", |world| world[ben].host.forgotten.contains(&room));
    assert!(world[ben].entries(room).is_empty());
    world.settle();
    let device = world[ben].device;
    for who in [ada, cleo] {
        let view = world[who].room(room);
        assert!(view.members.iter().all(|member| member.device != device));
        assert!(view.former.iter().any(|(former, profile)| *former == device && profile.name == "Ben"));
        assert!(world.has(who, room, hash), "what he said stays");
    }
    assert!(world.links_between(ben, ada).is_empty(), "no link without a room");
}

#[test]
fn leaving_twice_is_answered_twice() {
    let mut world = World::new(41);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    let first = world.ask(ben, Command::LeaveRoom { room });
    let second = world.ask(ben, Command::LeaveRoom { room });
    world.run(Duration::from_secs(10));
    for id in [first, second] {
        assert!(matches!(world[ben].host.replies[&id], Ok(Reply::Done)));
    }
    assert!(world[ben].host.forgotten.contains(&room));
}

#[test]
fn who_loses_power_while_leaving_leaves_all_the_same() {
    for moment in 0..40 {
        let mut world = World::new(4100 + moment);
        let (ada, ben) = (world.add("Ada"), world.add("Ben"));
        let room = world.gathering(&[ada, ben]);
        world.ask(ben, Command::LeaveRoom { room });
        world.run(Duration::from_millis(moment));
        world.crash(ben);
        world.run(Duration::from_secs(1));
        world.start(ben);
        world.run(Duration::from_secs(100));
        let device = world[ben].device;
        let gone = !world[ben].host.rooms.contains_key(&room);
        let member = world[ada].room(room).members.iter().any(|member| member.device == device);
        assert_ne!(gone, member, "either it never happened, or it happened for both (crash after {moment} ms)");
        world.settle();
    }
}

#[test]
fn who_left_can_come_back() {
    let mut world = World::new(42);
    let [ada, ben, cleo] = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo]);
    world.send(ben, room, "before");
    assert!(matches!(world.command(ben, Command::LeaveRoom { room }), Ok(Reply::Done)));
    world.until(PATIENCE, "gone", |world| world[ben].host.forgotten.contains(&room));
    world.run(Duration::from_secs(5));
    let link = world.invite(ada, room, party());
    world.join(ben, &link);
    world.await_join(ben, room, natter_engine::port::JoinState::Admitted);
    let hash = world.send(ben, room, "after");
    world.await_entry(cleo, room, hash);
    world.settle();
}

#[test]
fn closing_the_app_shows_at_once_and_opening_it_too() {
    let mut world = World::new(43);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    let before = world.now;
    world.shut_down(ben);
    world.until(Duration::from_secs(2), "Ada sees Ben offline", |world| !world.sees(ada, ben, room));
    assert!(world.now - before < 3_000_000);
    let device = world[ben].device;
    let presence = world[ada].room(room).members.iter().find(|m| m.device == device).map(|m| m.presence);
    assert_eq!(presence, Some(Presence::Offline));
    world.start(ben);
    world.until(Duration::from_secs(5), "Ada sees Ben online", |world| world.sees(ada, ben, room));
    world.settle();
}

#[test]
fn shutting_down_answers_whoever_waits() {
    let mut world = World::new(44);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    let mut asked = Vec::new();
    for n in 0..20 {
        asked.push(world.ask(ada, Command::SendText { room, text: Text::plain(n.to_string()) }));
        world.run(Duration::from_micros(300));
    }
    world.ask(ada, Command::Shutdown);
    world.run(Duration::from_secs(1));
    let sent = asked.iter().filter(|id| matches!(world[ada].host.replies[id], Ok(Reply::Sent(_)))).count();
    assert!(world[ada].host.waiting.is_empty());
    assert_eq!(world[ada].texts(room).len(), sent, "what was refused is not there, what was sent is");
    world.crash(ada);
    world.settle();
    assert_eq!(world[ben].texts(room).len(), sent);
}
