//! A PeerServer-compatible signaling broker, to embed or to run (`natter-cli broker`).
//!
//! Two peers that want a WebRTC link must exchange an offer, an answer and ICE candidates over something. This is that
//! something, in the protocol of the npm packages `peer` 1.0.2 and `peerjs` 1.5.5: a client opens a WebSocket
//! (RFC 6455) under an id it chose, hears OPEN, and from then on `{type, dst, payload}` goes to whoever holds `dst`. The
//! broker never looks into a payload; Natter's are sealed (SECURITY.md, "Signaling and binding").
//!
//! Beyond stock PeerServer it has limits, because everything a client says is data: see [`Limits`]. Over a limit a client hears
//! `ERROR {msg}` and a close; one that cannot be told is disconnected.
//!
//! ```no_run
//! # async fn example() -> Result<(), natter_broker::BindError> {
//! use natter_broker::{Broker, Config};
//! let broker = Broker::start(([127, 0, 0, 1], natter_broker::PORT).into(), Config::default()).await?;
//! println!("listening on {}", broker.url());
//! broker.stop().await;
//! # Ok(())
//! # }
//! ```

mod address;
pub mod config;
mod connections;
mod http;
mod hub;
mod protocol;
mod rate;
mod serve;
mod shared;
mod socket;

pub use config::{BadPath, Config, Discovery, KEY, Key, Limits, MountPath, PORT};
pub use http::router;
pub use serve::{BindError, Broker, bind, serve};
