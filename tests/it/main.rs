//! The real-network stories, in one binary: whole nodes, real brokers, real WebRTC links.

mod two_peers;
