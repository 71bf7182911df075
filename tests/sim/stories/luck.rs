//! The simulator itself: luck is all in the seed.

use natter_sim::walk::{self, Walk};
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

/// Seeds that failed once, each with what it found. (A walk changes with the engine: these are looked at for ever, but what
/// they found is told by stories of its own.)
const ONCE_FAILED: &[u64] = &[
    // Gave up a knock half-way, knocked again, and was shown the beginning twice.
    491, // Linked in one room's name, never heard what the other held of another room.
    69,
    // The same, the other way round: a newcomer at the door said what it held of a room that both were in.
    159, // An invite of more than four was served by nobody: the walk now makes no more.
    989,
    // Woken by the mending, a device heard old news of its broker after newer: the simulator's own mistake.
    1430, // A door that had left said nothing to a knock, which waited there for ever.
    2149, // Two who disagreed about one room insisted on links in its name and never met in the other.
    1949,
];

/// `make sim` runs NATTER_SEEDS of them (200 if it is not said), NATTER_SEED=S that one.
#[test]
fn random_walks_end_in_agreement() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (seeds, pinned) = match (number("NATTER_SEED"), number("NATTER_SEEDS")) {
        (Some(seed), _) => (seed..seed + 1, &[][..]),
        (None, count) => (0..count.unwrap_or(100), ONCE_FAILED),
    };
    let begin = std::time::Instant::now();
    let (mut figures, mut failed) = walk::run_all(seeds.clone());
    for seed in pinned.iter().filter(|seed| !seeds.contains(seed)) {
        match walk::run(*seed, Walk::of(*seed)) {
            Ok(more) => figures += more,
            Err(why) => failed.push(why),
        }
    }
    println!("{figures}; {} failed; {:.1} s", failed.len(), begin.elapsed().as_secs_f64());
    assert!(failed.is_empty(), "{} walks failed:\n{}", failed.len(), failed.join("\n"));
}
