//! WebRTC links, brokers, and the actor that owns one [`natter_engine::Engine`].
//!
//! Everything here does what the engine orders and tells what happened. [`actor::run`] is the whole of it for a host:
//! give it an engine, the channels to store and host, and a place for blobs.

#[cfg(test)]
mod tests;

pub mod actor;
pub mod brokers;
pub mod bulk;
mod candidates;
mod config;
pub mod link;
mod runtime;
mod sdp;

pub use actor::{Brain, Clock, HostNews, Ports, StoreOrder, run};
pub use bulk::{BlobIo, BlobSink};
pub use candidates::local_addresses;
pub use config::{IceServer, NetConfig};
