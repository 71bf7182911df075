//! Links, transfers and brokers over real sockets on loopback.

mod disk;
mod links;
mod pair;
mod rogue;
mod rules;
mod transfers;
