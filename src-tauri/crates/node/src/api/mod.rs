//! The one API that every host speaks: the Tauri window over IPC, `natter-cli peer --json` over JSON lines,
//! `natter-cli serve` over a WebSocket.
//!
//! A host sends [`Command`]s and gets exactly one [`Reply`] or [`ApiError`] for each. It first takes a [`Snapshot`],
//! then applies [`Event`]s: each carries the revision that the state has after it, one more than the one before, so a
//! host that missed one knows and takes a new snapshot. Everything is JSON; bytes never are (they travel by the
//! `natter-media` scheme or HTTP, by the URLs that messages and members name).
//!
//! TypeScript declarations are generated from this module into `ui/backend/api.d.ts`; a test fails when they drift.

mod command;
mod error;
mod event;
#[cfg(test)]
mod typescript;
mod view;

pub use command::{Command, Protection, Request, Response};
pub use error::{ApiError, Code};
pub use event::{Change, Event, Reply};
pub use view::{
    BlobView, BrokerState, BrokerTrouble, Delivery, DeliveryState, Device, DeviceCode, DeviceCodePreview, Devices, Hit,
    Invite, InvitePreview, Join, JoinProgress, Me, Member, Mention, Message, MessageBody, Network, Phase, Picture,
    Presence, Privacy, Reaction, Request as JoinRequest, Role, Room, Safety, Snapshot, SpokenInvite, SpokenState,
    SpokenWord, Staged, Standing, Transfer, Wording,
};
