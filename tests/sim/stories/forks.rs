//! One log written twice: by a machine that was put back, or by two that are one. Nothing of either history is lost, and
//! everyone ends up with the same logs.

use natter_engine::ids::{EntryHash, LogId, LogKey, RoomId};
use natter_engine::port::{Branch, Command, JoinState, Reply};
use natter_engine::wire::Entry;
use natter_sim::World;
use natter_sim::node::NodeId;
use natter_sim::people::{PATIENCE, party};
use natter_store::Store;
use natter_store::backup::{restore_to, travelling, write_to};
use natter_store::memory::MemoryStore;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

fn three(seed: u64) -> (World, [NodeId; 3], RoomId) {
    let mut world = World::new(seed);
    let people = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
    let room = world.gathering(&people);
    (world, people, room)
}

fn await_all(world: &mut World, people: &[NodeId], room: RoomId, all: &[EntryHash]) {
    world.until(PATIENCE * 8, "all have everything", |world| {
        people.iter().all(|who| all.iter().all(|hash| world.has(*who, room, *hash)))
    });
}

fn logs(world: &World, who: NodeId, room: RoomId) -> BTreeSet<(LogKey, u64, EntryHash)> {
    world[who].entries(room).iter().map(|entry| (entry.log, entry.seq, entry.order.hash)).collect()
}

/// Everyone files every entry alike, shows the same, and says of whom there are two histories.
fn await_one_room(world: &mut World, people: &[NodeId], room: RoomId, forked: &[(NodeId, u32)]) {
    let forks: BTreeMap<_, _> = forked.iter().map(|(who, times)| (world[*who].device, *times)).collect();
    world.until(PATIENCE * 8, "all agree", |world| {
        people.iter().all(|who| {
            world[*who].room(room).forks == forks
                && logs(world, *who, room) == logs(world, people[0], room)
                && world[*who].texts(room) == world[people[0]].texts(room)
        })
    });
}

#[test]
fn a_machine_that_was_put_back_and_speaks_before_it_hears_loses_nothing() {
    let (mut world, people @ [ada, ben, cleo], room) = three(800);
    let mut said = vec![world.send(ada, room, "before the backup")];
    world.back_up(ada);
    for n in 0..40 {
        said.push(world.send(ada, room, &format!("after the backup {n}")));
    }
    await_all(&mut world, &people, room, &said);
    world.crash(ben);
    world.crash(cleo);
    world.roll_back(ada);
    // She knows of nothing that came after the backup, and nobody is there who could tell her.
    for n in 0..3 {
        said.push(world.send(ada, room, &format!("said again {n}")));
    }
    world.start(ben);
    world.start(cleo);
    await_all(&mut world, &people, room, &said);
    await_one_room(&mut world, &people, room, &[(ada, 1)]);
    said.push(world.send(ada, room, "and on it goes"));
    said.push(world.send(ben, room, "two of you?"));
    await_all(&mut world, &people, room, &said);
    for who in people {
        world.crash(who);
    }
    for who in people {
        world.start(who);
    }
    said.push(world.send(ada, room, "after a night"));
    await_all(&mut world, &people, room, &said);
    await_one_room(&mut world, &people, room, &[(ada, 1)]);
    in_files_too(&mut world, ben, room, &said);
    // One who comes later is told by those who know.
    let dan = world.add("Dan");
    let link = world.invite(ada, room, party());
    world.join(dan, &link);
    world.await_join(dan, room, JoinState::Admitted);
    said.push(world.send(dan, room, "what happened?"));
    let all = [ada, ben, cleo, dan];
    await_all(&mut world, &all, room, &said);
    await_one_room(&mut world, &all, room, &[(ada, 1)]);
}

/// A backup and a room's file tell of both histories.
fn in_files_too(world: &mut World, who: NodeId, room: RoomId, said: &[EntryHash]) {
    let now = world[who].clocks(world.now).wall;
    let (file, _) = write_to(&world[who].disk, None, Vec::new(), "a passphrase", now).expect("backs up");
    let copy = MemoryStore::new();
    restore_to(&file[..], "a passphrase", &copy, None, LogId([9; 16])).expect("restores");
    let logs = |disk: &MemoryStore| {
        let boot = disk.boot().expect("reads").expect("an identity");
        let room = boot.rooms.into_iter().find(|one| one.room == room).expect("the room");
        (room.branches, room.heads)
    };
    assert_eq!(logs(&copy), logs(&world[who].disk));

    let eve = world.add("Eve");
    let (branches, _) = logs(&world[who].disk);
    let bare =
        |one: &Branch| Entry { header: one.header.clone(), signature: one.signature, salt: [0; 16], payload: None };
    let mut new = 0;
    for stored in world[who].entries(room) {
        let of = branches.iter().find(|one| one.first == stored.order.hash).map(|one| one.log);
        let firsts = branches.iter().filter(|one| Some(one.log) == of).map(bare).collect();
        for (entries, branches) in [(Vec::new(), firsts), (vec![travelling(stored)], Vec::new())] {
            if entries.is_empty() && of.is_none() {
                continue;
            }
            match world.command(eve, Command::Import { room, entries, branches }) {
                Ok(Reply::Imported { new: more, held_back: 0, .. }) => new += more,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(new as usize, world[who].entries(room).len());
    assert!(said.iter().all(|hash| world.has(eve, room, *hash)));
    assert_eq!(world.nodes[eve.0].room(room).forks, world[who].room(room).forks);
    world.crash(eve);
}

#[test]
fn a_machine_that_was_put_back_and_hears_first_forks_nothing() {
    let (mut world, people @ [ada, ..], room) = three(801);
    world.back_up(ada);
    let mut said: Vec<EntryHash> = (0..5).map(|n| world.send(ada, room, &format!("after the backup {n}"))).collect();
    await_all(&mut world, &people, room, &said);
    world.roll_back(ada);
    world.await_all_linked(&people, room);
    said.push(world.send(ada, room, "where was I?"));
    await_all(&mut world, &people, room, &said);
    await_one_room(&mut world, &people, room, &[]);
    world.settle();
}

/// Put back to one and the same state twice, and each time it speaks into the void first: one place, three histories.
#[test]
fn three_histories_of_one_log() {
    let (mut world, people @ [ada, ben, cleo], room) = three(802);
    world.back_up(ada);
    let mut said = vec![world.send(ada, room, "the first"), world.send(ada, room, "and its second")];
    await_all(&mut world, &people, room, &said);
    for n in 0..2 {
        world.crash(ben);
        world.crash(cleo);
        world.roll_back(ada);
        said.push(world.send(ada, room, &format!("once more {n}")));
        world.start(ben);
        world.start(cleo);
        await_all(&mut world, &people, room, &said);
    }
    await_one_room(&mut world, &people, room, &[(ada, 1)]);
    said.push(world.send(ada, room, "that is enough"));
    await_all(&mut world, &people, room, &said);
}

/// A cloned machine: both of them write, each heard by one of two who cannot reach each other.
#[test]
fn members_who_heard_different_halves_first_end_up_with_both() {
    let (mut world, [ada, ben, cleo], room) = three(803);
    let mut said = vec![world.send(ada, room, "one")];
    await_all(&mut world, &[ada, ben, cleo], room, &said);
    world.crash(ada);
    let twin = world[ada].disk.copy();
    let twin = world.add_with("Ada's twin", twin);
    // First the one with Ben, then the other with Cleo.
    world.crash(cleo);
    said.push(world.send(twin, room, "two, says the twin"));
    said.push(world.send(twin, room, "three, says the twin"));
    let so_far = said.clone();
    await_all(&mut world, &[twin, ben], room, &so_far);
    world.crash(twin);
    world.crash(ben);
    world.start(ada);
    world.start(cleo);
    let second = world.send(ada, room, "two, says Ada");
    await_all(&mut world, &[ada, cleo], room, &[second]);
    said.push(second);
    // What Cleo says rests on one half, what Ben says on the other.
    said.push(world.send(cleo, room, "so it is two"));
    world.start(ben);
    said.push(world.send(ben, room, "three, she said"));
    await_all(&mut world, &[ada, ben, cleo], room, &said);
    await_one_room(&mut world, &[ada, ben, cleo], room, &[(ada, 1)]);
    world.crash(ada);
    world.start(twin);
    said.push(world.send(twin, room, "I am here as well"));
    await_all(&mut world, &[twin, ben, cleo], room, &said);
    world.crash(twin);
    world.start(ada);
    said.push(world.send(ada, room, "so am I"));
    await_all(&mut world, &[ada, ben, cleo], room, &said);
    await_one_room(&mut world, &[ada, ben, cleo], room, &[(ada, 1)]);
}

/// A disk that is full when the fork is found: nothing is lost, and it is split when there is room.
#[test]
fn a_split_waits_for_the_disk() {
    let (mut world, people @ [ada, ben, cleo], room) = three(804);
    world.back_up(ada);
    let mut said = vec![world.send(ada, room, "the first"), world.send(ada, room, "and its second")];
    await_all(&mut world, &people, room, &said);
    world.crash(ben);
    world.crash(cleo);
    world.roll_back(ada);
    said.push(world.send(ada, room, "once more"));
    world.start(cleo);
    world.fill_disk(cleo);
    world.run(Duration::from_secs(30));
    assert_eq!(world[cleo].room(room).forks, BTreeMap::new());
    world.clear_disk(cleo);
    world.start(ben);
    await_all(&mut world, &people, room, &said);
    await_one_room(&mut world, &people, room, &[(ada, 1)]);
}
