//! Brokers, networks and clocks that fail.

use natter_engine::port::{Command, JoinState, Reply};
use natter_sim::people::{PATIENCE, party};
use natter_sim::{NodeId, Weather, World};
use std::time::Duration;

fn five(world: &mut World) -> Vec<NodeId> {
    ["Ada", "Ben", "Cleo", "Dan", "Eve"].map(|name| world.add(name)).into()
}

/// Zero-server steady state: each newcomer meets one member at a broker; every other link is introduced over the mesh.
#[test]
fn with_all_brokers_dead_after_the_first_link_everyone_still_meets_everyone() {
    let mut world = World::new(50);
    let people = five(&mut world);
    let room = world.create_room(people[0], "Zero");
    let link = world.invite(people[0], room, party());
    for who in &people[1..] {
        world.start_broker(0);
        world.join(*who, &link);
        world.until(PATIENCE, "one link", |world| {
            world[*who].host.rooms.contains_key(&room)
                || people.iter().any(|p| !world.links_between(*p, *who).is_empty())
        });
        world.stop_broker(0);
        world.await_join(*who, room, JoinState::Admitted);
    }
    world.await_all_linked(&people, room);
    let hash = world.send(people[4], room, "no server");
    for who in &people {
        world.await_entry(*who, room, hash);
    }
    world.settle_as_it_is();
}

/// A link breaks while no broker lives: a member who is linked with both carries the offer.
#[test]
fn a_link_that_breaks_without_brokers_is_mended_over_the_mesh() {
    let mut world = World::new(51);
    let people = five(&mut world);
    let room = world.gathering(&people);
    world.stop_broker(0);
    for link in world.links_between(people[1], people[2]) {
        world.reset(link);
    }
    world.run(Duration::from_secs(40));
    world.await_all_linked(&people, room);
    world.settle_as_it_is();
}

#[test]
fn a_broker_that_comes_and_goes_is_found_again() {
    let mut world = World::new(52);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.create_room(ada, "Kitchen");
    let link = world.invite(ada, room, party());
    world.stop_broker(0);
    world.join(ben, &link);
    world.run(Duration::from_secs(45));
    assert_eq!(world[ben].join_state(room), Some(JoinState::Connecting));
    world.start_broker(0);
    world.await_join(ben, room, JoinState::Admitted);
    world.settle();
}

#[test]
fn both_offer_at_once_and_keep_one_link() {
    for seed in 0..40 {
        let mut world = World::new(5200 + seed);
        let (ada, ben) = (world.add("Ada"), world.add("Ben"));
        let room = world.gathering(&[ada, ben]);
        world.crash(ada);
        world.crash(ben);
        world.run(Duration::from_secs(70));
        world.start(ada);
        world.start(ben);
        world.until(Duration::from_secs(15), &format!("linked again, seed {seed}"), |world| {
            world.sees(ada, ben, room) && world.sees(ben, ada, room)
        });
        world.run(Duration::from_secs(15));
        assert_eq!(world.links_between(ada, ben).len(), 1, "one link, seed {seed}");
        world.settle();
    }
}

#[test]
fn a_squatter_on_every_address_of_a_broker_keeps_nobody_out() {
    let mut world = World::new(53);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    world.crash(ada);
    world.crash(ben);
    world.run(Duration::from_secs(61));
    // The broker itself turns on them: it knows which addresses were used today.
    let seen: Vec<_> =
        world.brokers[0].seen.iter().flat_map(|letter| [letter.from.clone(), letter.to.clone()]).collect();
    for address in seen {
        world.brokers[0].squat(address);
    }
    world.start(ada);
    world.start(ben);
    world.until(Duration::from_secs(180), "they meet at the next address", |world| {
        world.sees(ada, ben, room) && world.sees(ben, ada, room)
    });
    world.settle();
}

#[test]
fn a_squatter_at_the_invites_first_door_is_passed_by() {
    let mut world = World::new(54);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.create_room(ada, "Kitchen");
    let link = world.invite(ada, room, party());
    world.crash(ada);
    world.run(Duration::from_secs(61));
    let day = natter_engine::signaling::address::Day::of(world[ben].clocks(world.now).wall);
    let door = natter_engine::signaling::address::invite_address(&link.keys().rendezvous, day, 0);
    assert!(world.brokers[0].squat(door));
    world.start(ada);
    world.join(ben, &link);
    world.await_join(ben, room, JoinState::Admitted);
    world.settle();
}

#[test]
fn signaling_that_loses_doubles_and_delays_only_delays() {
    for seed in 0..15 {
        let weather = Weather { signal_lost: 35, signal_twice: 40, signal_late: 25, ..Weather::rough() };
        let mut world = World::with(5400 + seed, weather);
        let people: Vec<_> = ["Ada", "Ben", "Cleo"].map(|name| world.add(name)).into();
        let room = world.create_room(people[0], "Rain");
        let link = world.invite(people[0], room, party());
        for who in &people[1..] {
            world.join(*who, &link);
        }
        world.until(Duration::from_secs(600), &format!("everyone is in, seed {seed}"), |world| {
            people.iter().all(|who| world[*who].host.rooms.contains_key(&room))
        });
        world.until(Duration::from_secs(600), &format!("everyone sees everyone, seed {seed}"), |world| {
            people.iter().all(|a| people.iter().all(|b| world.sees(*a, *b, room)))
        });
        world.settle();
    }
}

#[test]
fn everything_a_broker_ever_carried_comes_again_and_changes_nothing() {
    let mut world = World::new(55);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    world.settle();
    let links = world.links_between(ada, ben);
    let letters = world.brokers[0].seen.clone();
    let url = world.brokers[0].url.clone();
    for letter in letters {
        world.post(&url, letter);
    }
    world.run(Duration::from_secs(60));
    assert_eq!(world.links_between(ada, ben), links, "the link stands");
    for who in [ada, ben] {
        assert!(world[who].host.misbehaved.is_empty());
    }
    world.settle();
    assert_eq!(world[ada].room(room).members.len(), 2);
}

#[test]
fn one_way_deafness_is_noticed_and_mended() {
    for consent in [true, false] {
        let mut world = World::new(56);
        world.weather.consent = consent;
        let [ada, ben, cleo] = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
        let room = world.gathering(&[ada, ben, cleo]);
        world.cut(ada, ben);
        let hash = world.send(ada, room, "can you hear me?");
        world.await_entry(cleo, room, hash);
        world.until(PATIENCE, "Ben has it over Cleo", |world| world.has(ben, room, hash));
        world.until(PATIENCE, "the dead link is seen", |world| {
            !world.sees(ada, ben, room) || !world.sees(ben, ada, room)
        });
        world.run(Duration::from_secs(60));
        let hash = world.send(ben, room, "and me?");
        world.await_entry(ada, room, hash);
        world.mend(ada, ben);
        world.settle();
    }
}

#[test]
fn a_split_room_talks_on_in_both_halves_and_grows_together_again() {
    let mut world = World::new(57);
    let people = five(&mut world);
    let room = world.gathering(&people);
    for a in &people[..2] {
        for b in &people[2..] {
            world.partition(*a, *b);
        }
    }
    world.run(Duration::from_secs(60));
    for (n, who) in people.iter().enumerate() {
        world.send(*who, room, &format!("half {n}"));
    }
    world.run(Duration::from_secs(20));
    assert_eq!(world[people[0]].texts(room).len(), 2);
    assert_eq!(world[people[4]].texts(room).len(), 3);
    world.settle();
    assert_eq!(world[people[0]].texts(room).len(), 5);
}

#[test]
fn news_of_the_network_brings_dead_links_down_and_new_ones_up() {
    let mut world = World::new(58);
    world.weather.consent = false;
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    world.run(Duration::from_secs(30));
    // The laptop moves from one network to another: the old path is gone, a new one would work.
    world.partition(ada, ben);
    world.run(Duration::from_millis(500));
    assert!(matches!(world.command(ada, Command::NetworkChanged), Ok(Reply::Done)));
    world.until(Duration::from_secs(8), "the dead link is gone", |world| !world.sees(ada, ben, room));
    world.plug(ada);
    assert!(matches!(world.command(ada, Command::NetworkChanged), Ok(Reply::Done)));
    world.until(Duration::from_secs(15), "and a new one is there", |world| {
        world.sees(ada, ben, room) && world.sees(ben, ada, room)
    });
    world.settle();
}

#[test]
fn healthy_links_survive_news_of_the_network() {
    let mut world = World::new(59);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    world.gathering(&[ada, ben]);
    world.run(Duration::from_secs(20));
    let links = world.links_between(ada, ben);
    for _ in 0..3 {
        assert!(matches!(world.command(ada, Command::NetworkChanged), Ok(Reply::Done)));
        world.run(Duration::from_secs(20));
    }
    assert_eq!(world.links_between(ada, ben), links);
}

#[test]
fn a_laptop_that_slept_for_hours_is_back_soon_after_it_wakes() {
    let mut world = World::new(60);
    let [ada, ben, cleo] = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo]);
    world.sleep(cleo, Duration::from_secs(3 * 3600));
    world.run(Duration::from_secs(3600));
    let hash = world.send(ada, room, "while you slept");
    world.run(Duration::from_secs(2 * 3600 + 1));
    assert!(matches!(world.command(cleo, Command::NetworkChanged), Ok(Reply::Done)));
    world.until(Duration::from_secs(40), "Cleo has it", |world| world.has(cleo, room, hash));
    world.settle();
}

#[test]
fn midnight_passes_and_everyone_finds_the_new_addresses() {
    let mut world = World::new(61);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    world.crash(ben);
    world.run(Duration::from_secs(24 * 3600 + 60));
    world.start(ben);
    world.until(PATIENCE, "they meet on the next day", |world| world.sees(ada, ben, room));
    world.settle();
}

#[test]
fn an_idle_night_costs_next_to_nothing() {
    let mut world = World::new(62);
    let people = five(&mut world);
    world.gathering(&people);
    world.settle();
    let before = world.inputs;
    world.run(Duration::from_secs(3600));
    let each = (world.inputs - before) / 5 / 60;
    assert!(each <= 80, "{each} inputs a minute at each of five idle devices with four links");
}
