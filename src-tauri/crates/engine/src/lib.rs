//! The pure heart of Natter. See `src-tauri/ARCHITECTURE.md` for the map and `PROTOCOL.md` for the wire.
//!
//! The engine is told everything (time, randomness, bytes) and does nothing itself: [`port::Input`] in,
//! [`port::Output`] out.

mod engine;
pub(crate) mod files;
pub mod identity;
pub mod ids;
pub(crate) mod mesh;
pub mod messages;
pub mod port;
pub mod rooms;
pub mod signaling;
pub mod time;
pub mod wire;

pub use engine::{Engine, Load};
