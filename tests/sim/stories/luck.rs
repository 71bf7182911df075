//! The simulator itself: luck is all in the seed.

use natter_sim::walk::Walk;
use natter_sim::{Weather, World};
use std::time::Duration;

fn night(seed: u64) -> String {
    let mut world = World::with(seed, Weather::rough());
    let people: Vec<_> = ["Ada", "Ben", "Cleo"].map(|name| world.add(name)).into();
    let room = world.gathering(&people);
    world.send(people[1], room, "hello");
    world.crash(people[2]);
    world.run(Duration::from_secs(30));
    world.settle();
    world.trace.hash()
}

#[test]
fn the_same_seed_is_the_same_night_and_another_is_another() {
    assert_eq!(night(7), night(7));
    assert_ne!(night(7), night(8));
}

/// The short form of `make sim`; NATTER_SEEDS=N runs N seeds, NATTER_SEED=S that one.
#[test]
fn random_walks_end_in_agreement() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match (number("NATTER_SEED"), number("NATTER_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(100),
    };
    let failed = natter_sim::walk::run_all(seeds, Walk::default());
    assert!(failed.is_empty(), "{} walks failed:\n{}", failed.len(), failed.join("\n"));
}
