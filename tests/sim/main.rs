//! The stories that the simulator tells. `make sim` runs them, and then the random walk over NATTER_SEEDS seeds.

mod stories;
