//! A profile that was restored from a backup, beside the one that it was made of: both are one person, and neither ever
//! says two things in one place.

use natter_engine::ids::{EntryHash, LogId, LogKey, RoomId};
use natter_engine::port::{Command, Reply};
use natter_sim::World;
use natter_sim::node::NodeId;
use natter_sim::people::PATIENCE;
use natter_store::Store;
use natter_store::backup::{restore_to, write_to};
use natter_store::memory::MemoryStore;
use std::collections::BTreeMap;
use std::time::Duration;

const PASSPHRASE: &str = "correct horse battery staple";

fn backup(world: &World, who: NodeId) -> Vec<u8> {
    let now = world[who].clocks(world.now).wall;
    write_to(&world[who].disk, None, Vec::new(), PASSPHRASE, now).expect("backs up").0
}

fn restored(world: &mut World, name: &str, file: &[u8]) -> NodeId {
    let disk = MemoryStore::new();
    let log = LogId(world.chance.bytes());
    restore_to(file, PASSPHRASE, &disk, None, log).expect("restores");
    world.add_with(name, disk)
}

fn holds(world: &World, who: NodeId, room: RoomId, all: &[EntryHash]) -> bool {
    all.iter().all(|hash| world[who].disk.entry(room, *hash).expect("reads").is_some())
}

/// No place of any log has two entries, on all disks together, and nobody was told of such a thing.
fn no_fork(world: &World, room: RoomId) {
    let mut places: BTreeMap<(LogKey, u64), EntryHash> = BTreeMap::new();
    for node in &world.nodes {
        assert!(
            node.host.misbehaved.iter().all(|(_, rule)| !rule.contains("two entries")),
            "{:?}",
            node.host.misbehaved
        );
        for entry in node.entries(room) {
            let first = *places.entry((entry.log, entry.seq)).or_insert(entry.order.hash);
            assert_eq!(first, entry.order.hash, "{} has another entry {} of {:?}", node.name, entry.seq, entry.log);
        }
    }
}

#[test]
fn the_original_and_its_restored_copy_write_at_the_same_time_and_nobody_sees_a_fork() {
    let mut world = World::new(700);
    let [ada, ben, cleo] = ["Ada", "Ben", "Cleo"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben, cleo]);
    let mut said = vec![world.send(ada, room, "before the backup")];
    let file = backup(&world, ada);
    // What the backup does not know: a copy that went on in the same log would sign for these places again.
    for n in 0..5 {
        said.push(world.send(ada, room, &format!("after the backup {n}")));
    }
    let copy = restored(&mut world, "Ada, restored", &file);
    assert_eq!(world[copy].device, world[ada].device, "one person");
    for n in 0..5 {
        said.push(world.send(copy, room, &format!("from the copy {n}")));
        said.push(world.send(ada, room, &format!("from the original {n}")));
        said.push(world.send(ben, room, &format!("which of you is it? {n}")));
        world.run(Duration::from_secs(3));
    }
    let everyone = [ada, ben, cleo, copy];
    world
        .until(PATIENCE * 5, "all have everything", |world| everyone.iter().all(|who| holds(world, *who, room, &said)));
    no_fork(&world, room);
    let device = world[ada].device;
    let mut logs: Vec<LogId> =
        world[ben].entries(room).iter().map(|e| e.log).filter(|l| l.author == device).map(|l| l.log).collect();
    logs.sort_unstable();
    logs.dedup();
    assert_eq!(logs.len(), 2, "each writes in a log of its own");
    // One of them is put away; the others and the one that stays are as any three.
    world.crash(ada);
    let late = world.send(copy, room, "I am the one that stays");
    world.until(PATIENCE * 3, "it arrives", |world| [ben, cleo].iter().all(|who| holds(world, *who, room, &[late])));
    no_fork(&world, room);
}

#[test]
fn the_machine_is_lost_and_the_copy_has_what_was_written_after_the_backup() {
    let mut world = World::new(701);
    let [ada, ben] = ["Ada", "Ben"].map(|name| world.add(name));
    let room = world.gathering(&[ada, ben]);
    world.send(ada, room, "before the backup");
    let file = backup(&world, ada);
    let after = world.send(ada, room, "after the backup");
    world.await_entry(ben, room, after);
    world.crash(ada);
    let words = world.send(ben, room, "are you there?");
    let copy = restored(&mut world, "Ada, restored", &file);
    let first = world.send(copy, room, "my old one fell into the lake");
    world.until(PATIENCE * 3, "both have everything", |world| {
        [ben, copy].iter().all(|who| holds(world, *who, room, &[after, words, first]))
    });
    // A second copy of the same backup is a third pen, and not the second one again.
    let other = restored(&mut world, "Ada, restored again", &file);
    let second = world.send(other, room, "and I am her, too");
    world.until(PATIENCE * 5, "all have everything", |world| {
        [ben, copy, other].iter().all(|who| holds(world, *who, room, &[after, words, first, second]))
    });
    no_fork(&world, room);
    assert!(matches!(world.command(copy, Command::NetworkChanged), Ok(Reply::Done)));
}
