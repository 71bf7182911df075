//! Bytes that travel apart.

use natter_engine::port::{BlobState, BlobTrouble, Command, Reply};
use natter_sim::people::PATIENCE;
use natter_sim::{NodeId, World};
use std::time::Duration;

fn fetch(
    world: &mut World,
    who: NodeId,
    room: natter_engine::ids::RoomId,
    blob: natter_engine::ids::BlobHash,
    size: u64,
) {
    assert!(matches!(world.command(who, Command::FetchBlob { room, blob, size }), Ok(Reply::Done)));
}

fn has_blob(world: &World, who: NodeId, blob: natter_engine::ids::BlobHash) -> bool {
    world[who].disk.blob(&blob).is_some() && world[who].blob_state(blob) == Some(BlobState::Here)
}

#[test]
fn a_picture_comes_from_its_sender() {
    let mut world = World::new(70);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    let (hash, blob, size) = world.send_picture(ada, room, 100_000);
    world.await_entry(ben, room, hash);
    fetch(&mut world, ben, room, blob, size);
    world.until(PATIENCE, "the picture", |world| has_blob(world, ben, blob));
    assert!(world[ben].host.blobs[&blob].iter().any(|state| matches!(state, BlobState::Progress(_))));
    world.run(Duration::from_secs(1));
    let bulk = world.ends.values().filter(|end| end.purpose == natter_engine::port::LinkPurpose::Bulk).count();
    assert_eq!(bulk, 0, "the bulk link is there only while bytes flow");
    world.settle();
}

#[test]
fn two_send_each_other_pictures_at_the_same_time() {
    for seed in 0..10 {
        let mut world = World::new(7100 + seed);
        let (ada, ben) = (world.add("Ada"), world.add("Ben"));
        let room = world.gathering(&[ada, ben]);
        let (one, first, size) = world.send_picture(ada, room, 60_000);
        let (two, second, size_two) = world.send_picture(ben, room, 50_000);
        world.await_entry(ben, room, one);
        world.await_entry(ada, room, two);
        world.ask(ben, Command::FetchBlob { room, blob: first, size });
        world.ask(ada, Command::FetchBlob { room, blob: second, size: size_two });
        world.until(Duration::from_secs(10), &format!("both, seed {seed}"), |world| {
            has_blob(world, ben, first) && has_blob(world, ada, second)
        });
        world.settle();
    }
}

#[test]
fn the_source_vanishes_and_somebody_else_goes_on() {
    let mut world = World::new(72);
    let [ada, ben, cleo] = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo]);
    world.weather.bandwidth = 50_000;
    let (hash, blob, size) = world.send_picture(ada, room, 400_000);
    world.await_entry(cleo, room, hash);
    world.await_entry(ben, room, hash);
    // Cleo asks when only Ada has it; Ada's network fails just when Ben has got it.
    fetch(&mut world, ben, room, blob, size);
    world.run(Duration::from_secs(2));
    fetch(&mut world, cleo, room, blob, size);
    world.until(PATIENCE, "Ben has it", |world| has_blob(world, ben, blob));
    assert!(!has_blob(&world, cleo, blob));
    world.crash(ada);
    world.until(PATIENCE * 2, "Cleo has it from Ben", |world| has_blob(world, cleo, blob));
    world.settle();
}

#[test]
fn nobody_has_it_yet_and_it_comes_by_itself_later() {
    let mut world = World::new(73);
    let [ada, ben, cleo] = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo]);
    let (hash, blob, size) = world.send_picture(ada, room, 100_000);
    world.await_entry(cleo, room, hash);
    world.crash(ada);
    world.run(Duration::from_secs(60));
    fetch(&mut world, cleo, room, blob, size);
    world.run(Duration::from_secs(10));
    assert_eq!(world[cleo].blob_state(blob), Some(BlobState::Waiting));
    world.start(ada);
    world.until(PATIENCE * 2, "it comes when Ada does", |world| has_blob(world, cleo, blob));
    world.settle();
}

#[test]
fn a_bulk_link_that_breaks_is_made_again() {
    let mut world = World::new(74);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    world.weather.bandwidth = 50_000;
    let (hash, blob, size) = world.send_picture(ada, room, 200_000);
    world.await_entry(ben, room, hash);
    fetch(&mut world, ben, room, blob, size);
    world.run(Duration::from_secs(2));
    let bulk = world
        .links_between(ada, ben)
        .into_iter()
        .find(|(one, _)| world.ends[one].purpose == natter_engine::port::LinkPurpose::Bulk);
    world.reset(bulk.expect("bytes flow"));
    world.until(PATIENCE * 2, "the picture", |world| has_blob(world, ben, blob));
    world.settle();
}

#[test]
fn bytes_that_are_not_the_picture_are_refused_and_said() {
    let mut world = World::new(75);
    let [ada, ben, cleo] = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo]);
    let (hash, blob, size) = world.send_picture(ada, room, 50_000);
    world.await_entry(ben, room, hash);
    world.corrupt_blobs.insert(ada);
    fetch(&mut world, ben, room, blob, size);
    world.until(PATIENCE, "it fails", |world| {
        world[ben].blob_state(blob) == Some(BlobState::Failed(BlobTrouble::Corrupt))
    });
    assert!(world[ben].disk.blob(&blob).is_none());
    assert_eq!(world[ben].host.misbehaved, [(Some(world[ada].device), "bytes that are not the blob")]);
    let _ = cleo;
    world.settle();
}

#[test]
fn a_full_disk_gives_the_picture_up_and_asking_again_works() {
    let mut world = World::new(76);
    let (ada, ben) = (world.add("Ada"), world.add("Ben"));
    let room = world.gathering(&[ada, ben]);
    let (hash, blob, size) = world.send_picture(ada, room, 50_000);
    world.await_entry(ben, room, hash);
    world.fill_disk(ben);
    fetch(&mut world, ben, room, blob, size);
    world.until(PATIENCE, "it fails", |world| {
        world[ben].blob_state(blob) == Some(BlobState::Failed(BlobTrouble::DiskFull))
    });
    world.clear_disk(ben);
    fetch(&mut world, ben, room, blob, size);
    world.until(PATIENCE, "the picture", |world| has_blob(world, ben, blob));
    world.settle();
}

#[test]
fn ten_pictures_from_three_people_all_arrive() {
    let mut world = World::new(77);
    let [ada, ben, cleo] = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo]);
    let people = [ada, ben, cleo];
    let mut sent = Vec::new();
    for n in 0..10 {
        sent.push((people[n % 3], world.send_picture(people[n % 3], room, 5_000 + n * 7_000)));
    }
    for (_, (hash, ..)) in &sent {
        for who in people {
            world.await_entry(who, room, *hash);
        }
    }
    for (from, (_, blob, size)) in &sent {
        for who in people.iter().filter(|who| *who != from) {
            fetch(&mut world, *who, room, *blob, *size);
        }
    }
    world.until(PATIENCE, "all of them everywhere", |world| {
        sent.iter().all(|(_, (_, blob, _))| people.iter().all(|who| world[*who].disk.blob(blob).is_some()))
    });
    world.settle();
}
