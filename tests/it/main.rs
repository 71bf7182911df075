//! Two things in one binary: the real-network stories (whole nodes, real brokers, real WebRTC links), and what holds the
//! tree together.

mod crowds;
mod devices;
mod keeping;
mod person;
mod tidy;
mod two_peers;
mod words;
