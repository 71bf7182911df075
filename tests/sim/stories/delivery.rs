//! What was said arrives: once, in order, whatever happens on the way.

use natter_engine::port::{Command, Refusal, Reply, StoreTrouble};
use natter_engine::wire::Text;
use natter_sim::node::Live;
use natter_sim::people::PATIENCE;
use natter_sim::{NodeId, Weather, World};
use std::time::Duration;

fn trio(world: &mut World) -> [NodeId; 3] {
    ["Ada", "Ben", "Cleo"].map(|name| world.add(name))
}

#[test]
fn what_was_said_while_somebody_slept_comes_from_whoever_is_awake() {
    let mut world = World::new(20);
    let [ada, ben, cleo] = trio(&mut world);
    let room = world.gathering(&[ada, ben, cleo]);
    world.crash(cleo);
    let hash = world.send(ada, room, "Cleo, are you there?");
    world.await_entry(ben, room, hash);
    world.shut_down(ada);
    world.start(cleo);
    world.await_entry(cleo, room, hash);
    let live = world[cleo].host.told[&room].iter().find(|(told, _)| *told == hash).map(|(_, live)| *live);
    assert_eq!(live, Some(Live::Later), "history does not ring");
    world.settle();
}

#[test]
fn what_is_said_now_rings() {
    let mut world = World::new(21);
    let [ada, ben, cleo] = trio(&mut world);
    let room = world.gathering(&[ada, ben, cleo]);
    let hash = world.send(ada, room, "now");
    world.await_entry(ben, room, hash);
    world.run(Duration::from_secs(1));
    let live = world[ben].host.told[&room].iter().find(|(told, _)| *told == hash).map(|(_, live)| *live);
    assert_eq!(live, Some(Live::Now));
}

#[test]
fn three_hundred_messages_in_one_breath_all_arrive_in_order() {
    let mut world = World::new(22);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    let mut asked = Vec::new();
    for n in 0..300 {
        asked.push(world.ask(ada, Command::SendText { room, text: Text::plain(format!("{n}")) }));
        if n % 50 == 49 {
            world.run(Duration::from_millis(30));
        }
    }
    world.settle();
    assert!(asked.iter().all(|id| matches!(world[ada].host.replies[id], Ok(Reply::Sent(_)))));
    let texts: Vec<String> = world[ben].texts(room).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, (0..300).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn more_commands_than_may_wait_are_refused_and_nothing_is_lost() {
    let mut world = World::new(23);
    let ada = world.add("Ada");
    let room = world.create_room(ada, "Alone");
    let asked: Vec<_> =
        (0..400).map(|n| world.ask(ada, Command::SendText { room, text: Text::plain(n.to_string()) })).collect();
    world.settle();
    let replies = &world[ada].host.replies;
    let sent = asked.iter().filter(|id| matches!(replies[id], Ok(Reply::Sent(_)))).count();
    let refused = asked.iter().filter(|id| matches!(replies[id], Err(Refusal::TooMany))).count();
    assert_eq!(sent + refused, 400);
    assert!(sent >= 256 && refused > 0, "{sent} sent, {refused} refused");
    assert_eq!(world[ada].texts(room).len(), sent);
}

#[test]
fn a_newcomer_reads_a_thousand_old_messages_through_a_slow_link() {
    let mut world = World::new(24);
    let [ada, ben, cleo] = trio(&mut world);
    let room = world.gathering(&[ada, ben]);
    for n in 0..1000 {
        world.ask(
            if n % 2 == 0 { ada } else { ben },
            Command::SendText { room, text: Text::plain(format!("{n} {}", "x".repeat(200))) },
        );
        if n % 100 == 99 {
            world.run(Duration::from_secs(2));
        }
    }
    world.settle();
    world.weather = Weather { bandwidth: 100_000, ..Weather::rough() };
    let link = world.invite(ada, room, natter_sim::people::party());
    world.join(cleo, &link);
    world.until(PATIENCE * 4, "all thousand", |world| {
        world[cleo].host.rooms.contains_key(&room) && world[cleo].texts(room).len() == 1000
    });
    world.settle();
}

/// A link dies while history flows over it: another member goes on at once.
#[test]
fn history_whose_source_dies_comes_from_another() {
    let mut world = World::new(25);
    let [ada, ben, cleo] = trio(&mut world);
    let room = world.gathering(&[ada, ben, cleo]);
    world.crash(cleo);
    for n in 0..600 {
        world.ask(ada, Command::SendText { room, text: Text::plain(format!("{n} {}", "x".repeat(400))) });
        if n % 100 == 99 {
            world.run(Duration::from_secs(3));
        }
    }
    world.until(PATIENCE, "Ben has it", |world| world[ben].texts(room).len() == 600);
    world.weather.bandwidth = 40_000;
    world.start(cleo);
    world.until(PATIENCE * 2, "some of it", |world| (50..500).contains(&world[cleo].texts(room).len()));
    for other in [ada, ben] {
        let links = world.links_between(other, cleo);
        if other == ada {
            links.into_iter().for_each(|link| world.reset(link));
            world.partition(ada, cleo);
        }
    }
    world.until(PATIENCE * 2, "the rest, from Ben", |world| world[cleo].texts(room).len() == 600);
    world.settle();
}

#[test]
fn a_full_disk_on_the_senders_side_is_said_and_nothing_is_shown() {
    let mut world = World::new(26);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    world.fill_disk(ada);
    let reply = world.command(ada, Command::SendText { room, text: Text::plain("lost?") });
    assert_eq!(reply.unwrap_err(), Refusal::NotSaved(StoreTrouble::DiskFull));
    world.run(Duration::from_secs(10));
    assert!(world[ada].texts(room).is_empty());
    assert!(world[ben].texts(room).is_empty());
    world.clear_disk(ada);
    let hash = world.send(ada, room, "again");
    world.await_entry(ben, room, hash);
    world.settle();
}

#[test]
fn a_full_disk_on_the_receivers_side_only_delays() {
    let mut world = World::new(27);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    world.fill_disk(ben);
    let hash = world.send(ada, room, "hold this");
    world.run(Duration::from_secs(30));
    assert!(!world.has(ben, room, hash));
    assert!(!world[ben].host.store_troubles.is_empty(), "Ben is told");
    let held = world[ada].host.held_by(room, world[ben].device);
    let seq = world[ada].entries(room).len() as u64;
    assert!(held < Some(seq), "nothing is acknowledged that is not on disk");
    world.clear_disk(ben);
    world.await_entry(ben, room, hash);
    world.settle();
}

#[test]
fn what_cannot_be_saved_changes_nothing() {
    let mut world = World::new(28);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    let hash = world.send(ben, room, "read me");
    world.await_entry(ada, room, hash);
    let upto = world[ada].entries(room).last().map(|entry| entry.order).expect("entries");
    world.fill_disk(ada);
    let profile = natter_engine::port::Profile { name: "Adele".into(), avatar: None };
    let full = Refusal::NotSaved(StoreTrouble::DiskFull);
    assert_eq!(world.command(ada, Command::SetProfile { profile }).unwrap_err(), full);
    assert_eq!(world.command(ada, Command::MarkRead { room, upto }).unwrap_err(), full);
    assert_eq!(
        world.command(ada, Command::CreateInvite { room, terms: natter_sim::people::party() }).unwrap_err(),
        full
    );
    world.clear_disk(ada);
    world.run(Duration::from_secs(20));
    assert_eq!(world[ada].room(room).read, None);
    let device = world[ada].device;
    for who in [ada, ben] {
        let view = world[who].room(room);
        let name = view.members.iter().find(|member| member.device == device).map(|member| member.profile.name.clone());
        assert_eq!(name.as_deref(), Some("Ada"));
        assert_eq!(view.invites.len(), 1, "the gathering's own");
    }
    world.settle();
}

#[test]
fn receipts_name_who_holds_it_and_who_has_read_it() {
    let mut world = World::new(29);
    let [ada, ben, cleo] = trio(&mut world);
    let room = world.gathering(&[ada, ben, cleo]);
    let hash = world.send(ada, room, "read me");
    for who in [ben, cleo] {
        world.await_entry(who, room, hash);
    }
    let seq = world[ada].entries(room).iter().filter(|entry| entry.order.author == world[ada].device).count() as u64;
    let devices = [ben, cleo].map(|who| world[who].device);
    world.until(PATIENCE, "both hold it", |world| {
        devices.iter().all(|device| world[ada].host.held_by(room, *device) == Some(seq))
    });
    let upto = world[ben].entries(room).iter().find(|entry| entry.order.hash == hash).map(|e| e.order).expect("it");
    assert!(matches!(world.command(ben, Command::MarkRead { room, upto }), Ok(Reply::Done)));
    world.until(PATIENCE, "Ada sees that Ben read it", |world| {
        world[ada].host.reads.get(&(room, devices[0])) == Some(&upto)
    });
    assert_eq!(world[ada].host.reads.get(&(room, devices[1])), None);
    world.settle();
    // Both outlive a restart.
    world.crash(ada);
    world.start(ada);
    world.settle();
    assert_eq!(world[ada].room(room).reads.get(&devices[0]), Some(&upto));
}

#[test]
fn a_new_name_reaches_everyone_even_those_who_were_away() {
    let mut world = World::new(30);
    let [ada, ben, cleo] = trio(&mut world);
    let room = world.gathering(&[ada, ben, cleo]);
    world.crash(cleo);
    world.rename(ben, "Benedict");
    world.run(Duration::from_secs(2));
    world.crash(ben);
    world.start(cleo);
    world.settle();
    let device = world[ben].device;
    for who in [ada, ben, cleo] {
        let view = world[who].room(room);
        let member = view.members.iter().find(|member| member.device == device).expect("a member");
        assert_eq!(member.profile.name, "Benedict");
    }
}

#[test]
fn everyone_loses_power_at_some_moment_and_nothing_that_was_sent_is_lost() {
    for seed in 0..12 {
        let mut world = World::with(2000 + seed, Weather { commit: 1..80, ..Weather::calm() });
        let people = trio(&mut world);
        let room = world.gathering(&people);
        let mut asked = Vec::new();
        for n in 0..30 {
            let who = people[n % 3];
            if world[who].is_up() {
                asked.push((
                    who,
                    world[who].life,
                    world.ask(who, Command::SendText { room, text: Text::plain(n.to_string()) }),
                ));
            }
            let pause = world.chance.below(120);
            world.run(Duration::from_millis(pause));
            if world.chance.percent(20) {
                let victim = people[world.chance.below(3) as usize];
                // The host saw these answers: they are promises.
                world.crash(victim);
            } else if world.chance.percent(40) {
                people.iter().for_each(|who| world.start(*who));
            }
        }
        world.settle();
    }
}

#[test]
fn clocks_that_are_hours_apart_do_not_disturb_the_order() {
    let mut world = World::new(31);
    let (ada, cleo) = (world.add("Ada"), world.add("Cleo"));
    // More would put two days between the addresses where they look for each other.
    world.nodes[cleo.0].skew = -23 * 3600 * 1000;
    let room = world.create_room(ada, "Odd clocks");
    let link = world.invite(ada, room, natter_sim::people::party());
    world.join(cleo, &link);
    world.until(PATIENCE * 4, "Cleo is in, though her day is another", |world| {
        world[cleo].host.rooms.contains_key(&room)
    });
    let mut said = Vec::new();
    for n in 0..6 {
        let (from, to) = if n % 2 == 0 { (ada, cleo) } else { (cleo, ada) };
        let hash = world.send(from, room, &n.to_string());
        world.await_entry(to, room, hash);
        said.push(n.to_string());
    }
    let texts: Vec<String> = world[ada].texts(room).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, said, "answers stand after what they answer");
    let entries = world[cleo].entries(room);
    assert!(entries.is_sorted_by_key(|entry| entry.shown), "and the times shown never run backwards");
}
