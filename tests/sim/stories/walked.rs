//! What random walks found, told as stories.

use natter_engine::ids::RoomId;
use natter_engine::port::{Command, Reply};
use natter_engine::wire::Frame;
use natter_sim::World;
use natter_sim::network::Parcel;
use natter_sim::node::NodeId;
use natter_sim::people::PATIENCE;
use std::time::Duration;

fn remove(world: &mut World, by: NodeId, room: RoomId, who: NodeId) {
    let device = world[who].device;
    assert!(matches!(world.command(by, Command::Remove { room, device }), Ok(Reply::Done)));
}

// Members held the places of the newest key and of the one before: who had slept through two removals was never found.
#[test]
fn who_was_away_while_three_were_removed_is_found_again() {
    let mut world = World::new(600);
    let all = ["Ada", "Ben", "Cleo", "Dan", "Eve", "Fay"].map(|name| world.add(name));
    let [ada, ben, cleo, dan, eve, fay] = all;
    let room = world.gathering(&all);
    world.crash(dan);
    for who in [cleo, eve, fay] {
        remove(&mut world, ada, room, who);
        world.run(Duration::from_secs(5));
    }
    // Nobody is linked with anybody when Dan wakes.
    for who in [ada, ben] {
        world.crash(who);
    }
    world.run(Duration::from_secs(60));
    for who in [ada, ben, dan] {
        world.start(who);
    }
    world.await_all_linked(&[ada, ben, dan], room);
    world.settle();
}

// The new key was told once, the disk refused it, and after the next start the device looked for the others in vain.
#[test]
fn a_key_that_a_full_disk_refused_is_saved_when_there_is_space() {
    let mut world = World::new(601);
    let [ada, ben, cleo, dan] = ["Ada", "Ben", "Cleo", "Dan"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo, dan]);
    world.fill_disk(dan);
    remove(&mut world, ada, room, cleo);
    world.run(Duration::from_secs(20));
    world.clear_disk(dan);
    world.run(Duration::from_secs(20));
    assert_eq!(world[dan].disk_epochs(room), world[ada].disk_epochs(room));
    world.settle();
}

// A member told one other a second "first" key: it was believed, and, since first keys come with the welcome, told to
// nobody else. From then on the two looked for each other at different places.
#[test]
fn nobody_believes_in_another_first_key() {
    let mut world = World::new(602);
    let [ada, ben, mallory] = ["Ada", "Ben", "Mallory"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, mallory]);
    world.corrupt(mallory);
    let line = world.lines_of(mallory).into_iter().find(|(_, there)| *there == ben).map(|(end, _)| end);
    let lie = Frame::Epoch { room, epoch: 9, key: [9; 32] };
    world.push(line.expect("a link"), Parcel::Frame(lie.encode()));
    world.run(Duration::from_secs(2));
    assert_eq!(world[ada].disk_epochs(room), world[ben].disk_epochs(room));
    world.until(PATIENCE, "nothing else happened", |world| world.sees(ada, ben, room));
    world.settle();
}
