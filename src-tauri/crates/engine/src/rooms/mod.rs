//! Rooms and who is in them: the fold of membership entries, and the view of it that hosts show.

pub(crate) mod membership;

use crate::ids::{BrokerUrl, DeviceId, InviteId, LogKey, RoomId};
pub use crate::port::Role;
use crate::port::{OrderKey, Profile, Standing};
use crate::time::UnixMillis;
use crate::wire::InviteLink;
use std::collections::BTreeMap;
use std::time::Duration;

/// What an invite allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InviteTerms {
    /// How many devices it may admit; 0 = no limit (a party link).
    pub uses: u32,
    /// How long it lives.
    pub lifetime: Duration,
    /// Whether an admin must say yes to each.
    pub approval: bool,
    /// What whoever comes in by it is: guest or member.
    pub role: Role,
}

impl Default for InviteTerms {
    fn default() -> Self {
        Self { uses: 1, lifetime: Duration::from_secs(7 * 24 * 3600), approval: true, role: Role::Member }
    }
}

/// Whether a member can be reached now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nobody linked knows of them.
    Offline,
    /// A link is being made.
    Connecting,
    /// Linked with this device, or this device itself.
    Online,
}

/// A member as a host shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// Key.
    pub device: DeviceId,
    /// Whose device: the one that this person came into the room with.
    pub person: DeviceId,
    /// Name and picture, as last signed by a device of that person.
    pub profile: Profile,
    /// What they may do.
    pub role: Role,
    /// Whether they are there.
    pub presence: Presence,
    /// When they were admitted.
    pub since: UnixMillis,
    /// Their logs' heads as this device holds them (sequence of the last entry).
    pub heads: BTreeMap<LogKey, u64>,
}

/// A device that knocks and waits for a person's yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestView {
    /// Key.
    pub device: DeviceId,
    /// What it calls itself; not yet trusted.
    pub profile: Profile,
    /// With which invite.
    pub invite: InviteId,
}

/// An invite as a host shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteView {
    /// Public half.
    pub invite: InviteId,
    /// Who made it.
    pub by: DeviceId,
    /// How many may use it; 0 = no limit.
    pub uses: u32,
    /// How many did.
    pub used: u32,
    /// When it ends.
    pub expires: UnixMillis,
    /// Whether a person must say yes.
    pub approval: bool,
    /// What whoever comes in by it is.
    pub role: Role,
    /// The link, when it was made on this device.
    pub link: Option<InviteLink>,
}

/// The devices of this person, as a host shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevicesView {
    /// All that are linked, this one included; none when this one is not, or no longer.
    pub devices: Vec<MemberView>,
    /// Devices that came with a code and wait for a yes.
    pub requests: Vec<RequestView>,
    /// The code that still works, when it was made here.
    pub code: Option<InviteLink>,
}

impl RoomView {
    /// Whose device it is in this room, or was when it was in last.
    pub fn person(&self, device: DeviceId) -> DeviceId {
        self.persons.get(&device).copied().unwrap_or(device)
    }
}

/// A room as a host shows it: everything but its timeline, which is read from the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomView {
    /// Id.
    pub room: RoomId,
    /// Name.
    pub name: String,
    /// What it is for; may be empty.
    pub about: String,
    /// How many seconds new messages live; none = for good.
    pub lives: Option<u32>,
    /// Logs of which not all is shown, and the last entry of each that is: their authors are out, or were once. When this
    /// changes, a host reads its timeline again.
    pub limits: BTreeMap<LogKey, u64>,
    /// Whose logs were written twice, and how many of them. When this changes, a host reads its timeline again.
    pub forks: BTreeMap<DeviceId, u32>,
    /// How this device stands to it.
    pub standing: Standing,
    /// Devices that are, or were when they were in last, a person's that is named by another device.
    pub persons: BTreeMap<DeviceId, DeviceId>,
    /// Everyone admitted and not gone, this device included; by device id.
    pub members: Vec<MemberView>,
    /// Those who were members and left or were removed: their old entries still show a name.
    pub former: Vec<(DeviceId, Profile)>,
    /// Waiting for approval, at most 64.
    pub requests: Vec<RequestView>,
    /// Invites that still work.
    pub invites: Vec<InviteView>,
    /// Brokers where the room meets.
    pub brokers: Vec<BrokerUrl>,
    /// This device's reading mark.
    pub read: Option<OrderKey>,
    /// How far each member holds each log, as they told us (receipts).
    pub held: BTreeMap<DeviceId, BTreeMap<LogKey, u64>>,
    /// How far each member has read.
    pub reads: BTreeMap<DeviceId, OrderKey>,
}
