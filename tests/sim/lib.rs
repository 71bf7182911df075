//! The simulator: engines of several devices in one process, with everything around them made up.
//!
//! - [`world::World`] holds the virtual clock and the one queue of events, ordered by (time, number). Nothing else
//!   decides what happens next, and all luck comes from one [`chance::Chance`], so that a seed is a whole night: the
//!   same seed gives the same [`trace::Trace`] hash.
//! - [`node`] is a device: an engine, its disk (the memory twin of `natter-store`, with latency, failures and power
//!   cuts) and a host that remembers what it was shown.
//! - [`network`] stands in for ICE, DTLS and the data channel, [`broker`] for a PeerServer and its client.
//! - [`weather`] says how bad it all is; [`invariants`] say what must hold once it is fine again.
//! - [`walk`] does random things for a while and then checks; [`liar`] is what those do who break the rules.
//!
//! The stories in `stories/` are the readable part: what people do, and what they must see.

pub mod broker;
pub mod chance;
pub mod invariants;
pub mod liar;
pub mod network;
pub mod node;
pub mod people;
pub mod puppet;
pub mod trace;
pub mod walk;
pub mod weather;
pub mod world;

pub use node::NodeId;
pub use weather::Weather;
pub use world::World;
