//! The facade: one typed Command / Event / Snapshot API over engine, store and net.

pub mod api;
pub mod mirror;
pub mod names;
pub mod pictures;
pub mod qr;
