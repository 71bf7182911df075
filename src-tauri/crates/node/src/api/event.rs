//! What comes back, and what changes.

use super::{
    ApiError, BlobView, Delivery, DeviceCode, DeviceCodePreview, Devices, Hit, Invite, InvitePreview, Join, Me,
    Message, Network, Phase, Privacy, Room, Safety, Snapshot, SpokenInvite, Staged, Wording,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// What a command brought.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "type")]
pub enum Reply {
    /// Done.
    Done,
    /// The state.
    Snapshot {
        /// The state.
        snapshot: Box<Snapshot>,
    },
    /// A room.
    Room {
        /// Room id.
        room: String,
    },
    /// An invite.
    Invite {
        /// The invite, with its link.
        invite: Invite,
    },
    /// What an invite says.
    InvitePreview {
        /// What it says.
        preview: InvitePreview,
    },
    /// The words of an invite.
    SpokenInvite {
        /// How far they are understood.
        spoken: SpokenInvite,
    },
    /// A code that links a device.
    DeviceCode {
        /// The code.
        code: DeviceCode,
    },
    /// What a code that links a device says.
    DeviceCodePreview {
        /// What it says.
        preview: DeviceCodePreview,
    },
    /// The message is saved on this device.
    Sent {
        /// Message id.
        message: String,
    },
    /// A picture is staged.
    Staged {
        /// The picture.
        staged: Staged,
    },
    /// A page of a timeline.
    Timeline {
        /// Ascending.
        messages: Vec<Message>,
        /// Whether older ones exist.
        more: bool,
        /// Whether newer ones exist.
        newer: bool,
    },
    /// Some messages.
    Messages {
        /// In the order that the command says.
        messages: Vec<Message>,
    },
    /// What a message once said.
    Edits {
        /// The first wording first, the one that is shown last.
        wordings: Vec<Wording>,
    },
    /// What a search found.
    Found {
        /// Newest first.
        hits: Vec<Hit>,
        /// Goes on from here; absent at the end.
        next: Option<String>,
    },
    /// What to compare.
    Safety {
        /// Number and code.
        safety: Safety,
    },
    /// The code is right.
    Verified {
        /// Device id.
        device: String,
    },
    /// A place in a timeline.
    Place {
        /// Message id; absent when nothing was written at that time or later.
        message: Option<String>,
    },
    /// A room's file was taken in.
    Imported {
        /// Room id.
        room: String,
        /// Entries that were not here: messages, and what was said of them and of the room.
        #[ts(type = "number")]
        new: u64,
        /// Entries that were here already.
        #[ts(type = "number")]
        known: u64,
        /// Entries whose causes are missing, or that this device does not take.
        #[ts(type = "number")]
        held_back: u64,
        /// Pictures that were not here.
        #[ts(type = "number")]
        pictures: u64,
    },
    /// Bytes were saved.
    Saved {
        /// Where; only told to the CLI, which named the path itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "string")]
        path: Option<String>,
    },
}

/// One change of the state.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The revision after it.
    #[ts(type = "number")]
    pub rev: u64,
    /// What changed.
    pub change: Change,
}

/// What changed. Each is a whole new value of something, never a patch inside it.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "type")]
pub enum Change {
    /// The phase.
    Phase {
        /// Now.
        phase: Phase,
    },
    /// This device.
    Me {
        /// Now.
        me: Me,
    },
    /// A room came or changed.
    Room {
        /// Now.
        room: Box<Room>,
    },
    /// A room is gone from this device.
    RoomRemoved {
        /// Room id.
        room: String,
    },
    /// A message came or changed. It stands where its `order` says, not necessarily last.
    Message {
        /// Room id.
        room: String,
        /// Now.
        message: Box<Message>,
    },
    /// Own messages got further.
    Delivery {
        /// Room id.
        room: String,
        /// By message id.
        delivery: BTreeMap<String, Delivery>,
    },
    /// A member is typing. It ends by itself 6 s later, or with their next message.
    Typing {
        /// Room id.
        room: String,
        /// Device id.
        device: String,
    },
    /// Which messages of a room are shown has changed: its timeline must be read again.
    Reread {
        /// Room id.
        room: String,
    },
    /// What others are told of this person.
    Privacy {
        /// Now.
        privacy: Privacy,
    },
    /// A knock moved.
    Join {
        /// Now.
        join: Join,
    },
    /// The devices of this person, or who wants to become one.
    Devices {
        /// Now.
        devices: Devices,
    },
    /// A blob moved.
    Blob {
        /// Now.
        blob: BlobView,
    },
    /// Brokers or links changed.
    Network {
        /// Now.
        network: Network,
    },
    /// Something a person should hear about now: the host shows an OS notification if the window has no focus.
    Ring {
        /// Room id.
        room: String,
        /// Room name.
        room_name: String,
        /// Message id; absent when it is about a knock.
        message: Option<String>,
        /// Sender's or newcomer's name.
        name: String,
        /// One line of it; empty for a knock.
        text: String,
    },
    /// Something failed that no command waits for.
    Trouble {
        /// What.
        error: ApiError,
    },
}
