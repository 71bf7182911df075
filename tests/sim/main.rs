//! The stories that the simulator tells, and the hostile ones. `make sim` runs the random walk over NATTER_SEEDS seeds.

mod hostile;
mod proofs;
mod stories;
