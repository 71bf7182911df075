//! The engine's words in the API's words.

use super::said::{self, Said};
use crate::api::{
    BrokerTrouble, Code, Delivery, DeliveryState, Device, DeviceCode, Devices, Invite, JoinProgress, JoinRequest, Me,
    Member, Message, MessageBody, Picture, Presence, Role, Room, Staged, Standing, Transfer,
};
use crate::names;
use crate::people::{self, Marks};
use crate::pictures::Prepared;
use crate::spoken;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use natter_engine::identity::{fingerprint, hue};
use natter_engine::ids::{BlobHash, DeviceId, LogKey, RoomId};
use natter_engine::port::{self, BlobState, BlobTrouble, JoinState, OrderKey, Profile, StoredEntry};
use natter_engine::rooms::{self, MemberView, RoomView};
use natter_engine::wire::{Body, RoomBody, Text, kind};
use std::collections::{BTreeMap, BTreeSet};

/// Pictures up to this many bytes are fetched without being asked for.
pub const AUTO_FETCH_BYTES: u64 = 5 * 1024 * 1024;
/// Characters of a message that a notification shows.
const LINE_CHARS: usize = 160;

pub(super) fn me(device: DeviceId, profile: &Profile, unprotected: bool) -> Me {
    Me {
        device: device.to_string(),
        name: profile.name.clone(),
        avatar: avatar_path(device, profile),
        fingerprint: fingerprint(device),
        hue: hue(device),
        unprotected,
    }
}

/// What a room's view does not tell.
pub(super) struct Told {
    pub(super) last: Option<Message>,
    pub(super) unread: u32,
    pub(super) first_unread: Option<natter_engine::ids::EntryHash>,
    pub(super) draft: Option<String>,
    pub(super) unheld: u32,
}

/// A room as hosts show it.
pub(super) fn room_of(
    view: &RoomView,
    own: DeviceId,
    may_approve: bool,
    marks: &dyn Fn(DeviceId) -> Marks,
    told: Told,
) -> Room {
    let earlier = Earlier::of(view);
    let own = view.person(own);
    let marks = |person: DeviceId| marks_of(view, person, marks);
    let mut members: Vec<Member> = people_in(view)
        .into_iter()
        .map(|(m, devices)| Member {
            looks_like: if m.device == own { None } else { earlier.of_face(&m) },
            forked: view.forks.keys().any(|device| view.person(*device) == m.device),
            devices,
            ..member(&m, own, marks(m.device))
        })
        .collect();
    members.sort_by_cached_key(|m| (rank(m.presence), m.name.to_lowercase(), m.device.clone()));
    Room {
        id: view.room.to_string(),
        name: view.name.clone(),
        about: view.about.clone(),
        lives: view.lives.unwrap_or(0),
        standing: if view.standing == port::Standing::Member { Standing::Member } else { Standing::Gone },
        role: view.members.iter().find(|m| m.person == own).map_or(Role::Member, |m| role(m.role)),
        members,
        former: gone_from(view).map(|(device, profile)| former(*device, profile, own, marks(*device))).collect(),
        requests: if may_approve { view.requests.iter().map(request).collect() } else { Vec::new() },
        invites: view.invites.iter().map(|i| invite(view.room, i)).collect(),
        last: told.last,
        unread: told.unread,
        first_unread: told.first_unread.map(|hash| hash.to_string()),
        draft: told.draft,
        unheld: told.unheld,
    }
}

/// Everyone who is in, once each: named by the device that they came with, as reachable as the most reachable of their
/// devices, in since the first of them; and how many of these there are.
fn people_in(view: &RoomView) -> Vec<(MemberView, u32)> {
    let mut people: BTreeMap<DeviceId, (MemberView, u32)> = BTreeMap::new();
    for member in &view.members {
        let (person, devices) =
            people.entry(member.person).or_insert_with(|| (MemberView { device: member.person, ..member.clone() }, 0));
        *devices += 1;
        person.since = person.since.min(member.since);
        if rank(presence(member.presence)) < rank(presence(person.presence)) {
            person.presence = member.presence;
        }
    }
    people.into_values().collect()
}

/// Who was in and is not, once each.
fn gone_from(view: &RoomView) -> impl Iterator<Item = &(DeviceId, Profile)> {
    view.former.iter().filter(|(device, _)| {
        view.person(*device) == *device && view.members.iter().all(|member| member.person != *device)
    })
}

/// What was decided about a person: about one of their devices is about all, since each has vouched for the others.
fn marks_of(view: &RoomView, person: DeviceId, marks: &dyn Fn(DeviceId) -> Marks) -> Marks {
    let others = view.persons.iter().filter(|(_, whose)| **whose == person).map(|(device, _)| *device);
    others.chain([person]).map(marks).fold(Marks::default(), |all, one| Marks {
        verified: all.verified || one.verified,
        blocked: all.blocked || one.blocked,
    })
}

/// Who was here first under which name, as the eye takes it.
struct Earlier(BTreeMap<String, (u64, DeviceId)>);

impl Earlier {
    fn of(view: &RoomView) -> Self {
        let former = gone_from(view).map(|(device, profile)| (profile, 0, *device));
        let members = view.members.iter().map(|member| (&member.profile, member.since.0, member.person));
        let mut first: BTreeMap<String, (u64, DeviceId)> = BTreeMap::new();
        for (profile, since, device) in former.chain(members) {
            let known = first.entry(people::face(&profile.name)).or_insert((since, device));
            *known = (*known).min((since, device));
        }
        Self(first)
    }

    fn of_face(&self, member: &MemberView) -> Option<String> {
        let (_, first) = self.0.get(&people::face(&member.profile.name))?;
        (*first != member.device).then(|| first.to_string())
    }
}

fn rank(presence: Presence) -> u8 {
    match presence {
        Presence::Online => 0,
        Presence::Connecting => 1,
        Presence::Offline => 2,
    }
}

fn member(view: &MemberView, own: DeviceId, marks: Marks) -> Member {
    Member {
        device: view.device.to_string(),
        name: view.profile.name.clone(),
        avatar: avatar_path(view.device, &view.profile),
        fingerprint: fingerprint(view.device),
        hue: hue(view.device),
        role: role(view.role),
        presence: presence(view.presence),
        devices: 1,
        own: view.device == own,
        since: view.since.0,
        verified: marks.verified,
        blocked: marks.blocked,
        looks_like: None,
        forked: false,
    }
}

fn presence(presence: rooms::Presence) -> Presence {
    match presence {
        rooms::Presence::Offline => Presence::Offline,
        rooms::Presence::Connecting => Presence::Connecting,
        rooms::Presence::Online => Presence::Online,
    }
}

/// This person's devices as hosts show them.
pub(super) fn devices(view: &rooms::DevicesView, own: DeviceId) -> Devices {
    let mut linked: Vec<Device> = view
        .devices
        .iter()
        .map(|member| Device {
            device: member.device.to_string(),
            fingerprint: fingerprint(member.device),
            hue: hue(member.device),
            own: member.device == own,
            presence: presence(member.presence),
            since: member.since.0,
        })
        .collect();
    linked.sort_by_key(|device| (!device.own, device.since));
    Devices {
        // One that is alone is linked with none.
        linked: if linked.len() > 1 { linked } else { Vec::new() },
        requests: view.requests.iter().map(request).collect(),
        code: view.code.as_ref().map(device_code),
        linking: None,
    }
}

/// A code that links a device, as hosts show it.
pub(crate) fn device_code(code: &natter_engine::signaling::InviteLink) -> DeviceCode {
    DeviceCode {
        link: code.to_device_text(),
        qr: format!("link/{}", code.id()),
        expires: code.expires.saturating_mul(1000),
    }
}

fn former(device: DeviceId, profile: &Profile, own: DeviceId, marks: Marks) -> Member {
    Member {
        device: device.to_string(),
        name: profile.name.clone(),
        avatar: avatar_path(device, profile),
        fingerprint: fingerprint(device),
        hue: hue(device),
        role: Role::Member,
        presence: Presence::Offline,
        devices: 0,
        own: device == own,
        since: 0,
        verified: marks.verified,
        blocked: marks.blocked,
        looks_like: None,
        forked: false,
    }
}

fn request(view: &rooms::RequestView) -> JoinRequest {
    JoinRequest {
        device: view.device.to_string(),
        name: view.profile.name.clone(),
        avatar: avatar_path(view.device, &view.profile),
        fingerprint: fingerprint(view.device),
        hue: hue(view.device),
    }
}

/// An invite as hosts show it.
pub(crate) fn invite(room: RoomId, view: &rooms::InviteView) -> Invite {
    Invite {
        id: view.invite.to_string(),
        room: room.to_string(),
        link: view.link.as_ref().map(natter_engine::signaling::InviteLink::to_text),
        words: view.link.as_ref().and_then(|link| link.spoken).map(spoken::words),
        qr: view.link.as_ref().map(|_| format!("qr/{room}/{}", view.invite)),
        uses: view.uses,
        used: view.used,
        expires: view.expires.0,
        approval: view.approval,
        role: role(view.role),
    }
}

fn role(role: rooms::Role) -> Role {
    match role {
        rooms::Role::Guest => Role::Guest,
        rooms::Role::Member => Role::Member,
        rooms::Role::Admin => Role::Admin,
        rooms::Role::Creator => Role::Creator,
    }
}

/// Where the avatar's bytes are; names their hash, so that a new picture is a new address.
pub(crate) fn avatar_path(device: DeviceId, profile: &Profile) -> Option<String> {
    profile.avatar.as_deref().map(|bytes| format!("avatar/{device}/{}", avatar_tag(bytes)))
}

pub(crate) fn avatar_tag(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..16].to_owned()
}

/// The message's place as text that sorts like the place.
pub fn order_text(order: OrderKey) -> String {
    format!("{:016x}{}{}", order.clock.0, order.author, order.hash)
}

/// The media path of a picture message: `kind` is `blob` or `preview`.
pub(crate) fn media_message(kind: &str, entry: &StoredEntry) -> String {
    format!("{kind}/{}/{}", entry.room, entry.order.hash)
}

/// A message as hosts show it, with all that was said of it.
pub(super) fn message(
    entry: &StoredEntry,
    said: Said,
    own: Option<DeviceId>,
    view: Option<&RoomView>,
    transfer: impl Fn(BlobHash, u64) -> Transfer,
) -> Message {
    let decoded = entry.payload.as_deref().and_then(|payload| Body::decode(entry.kind, payload).ok());
    let last = said.edits.last();
    let edited = last.map(|(time, _)| time.0).filter(|_| decoded.is_some());
    let mut reply_to = None;
    let person = |device: DeviceId| view.map_or(device, |view| view.person(device));
    let me = own.map(person);
    let mentions = |text: &Text| {
        let mut mentions = said::mentions(text);
        for (shown, mention) in mentions.iter_mut().zip(&text.mentions) {
            shown.device = person(mention.device).to_string();
        }
        mentions
    };
    let names = |text: &Text| text.mentions.iter().any(|mention| Some(person(mention.device)) == me);
    let mut names_me = false;
    let body = match decoded {
        Some(Body::Text(text)) => {
            reply_to = text.reply_to;
            let words = last.map_or(&text, |(_, text)| text);
            names_me = names(words);
            MessageBody::Text { text: words.text.clone(), mentions: mentions(words) }
        }
        Some(Body::Picture(picture)) => {
            reply_to = picture.reply_to;
            names_me = last.is_some_and(|(_, text)| names(text));
            let shown = transfer(picture.blob, picture.size);
            let caption = last.map_or_else(|| picture.caption.clone(), |(_, text)| text.text.clone());
            MessageBody::Picture { caption, picture: picture_view(entry, &picture, shown) }
        }
        Some(Body::Genesis { .. }) => MessageBody::Created,
        Some(Body::Admit { device, .. }) => MessageBody::Joined { device: device.to_string() },
        Some(Body::Device { device, .. }) => MessageBody::DeviceLinked { fingerprint: fingerprint(device) },
        Some(Body::Leave { .. }) => MessageBody::Left { device: person(entry.order.author).to_string() },
        Some(Body::Remove { device, .. }) if person(device) == person(entry.order.author) => {
            MessageBody::DeviceUnlinked { fingerprint: fingerprint(device) }
        }
        Some(Body::Remove { device, .. }) => MessageBody::Removed { device: person(device).to_string() },
        Some(Body::Grant { device, role: now } | Body::Revoke { device, role: now }) => {
            MessageBody::RoleChanged { device: person(device).to_string(), role: role(now) }
        }
        Some(Body::Room(RoomBody { name, about, lives })) => MessageBody::RoomChanged { name, about, lives },
        None if kind::SPOKEN.contains(&entry.kind) && entry.payload.is_none() => match said.deleted_by {
            Some(by) => MessageBody::Deleted { by: by.to_string() },
            None => MessageBody::Expired,
        },
        Some(
            Body::Invite(_) | Body::RevokeInvite { .. } | Body::Profile(_) | Body::Receipt { .. } | Body::About { .. },
        )
        | None => MessageBody::Unknown,
    };
    let is_own = Some(person(entry.order.author)) == me;
    let here = Some(entry.order.author) == own;
    let spoken = matches!(body, MessageBody::Text { .. } | MessageBody::Picture { .. });
    Message {
        id: entry.order.hash.to_string(),
        order: order_text(entry.order),
        author: person(entry.order.author).to_string(),
        own: is_own,
        elsewhere: is_own && !here,
        time: entry.shown.0,
        body,
        reply_to: reply_to.map(|hash| hash.to_string()),
        edited,
        reactions: if spoken { said.reactions(me) } else { Vec::new() },
        pinned: spoken && said.pinned,
        expires: entry.expires.map(|time| time.0).filter(|_| spoken),
        names_me,
        delivery: match (own, view) {
            (Some(own), Some(view)) if here && spoken => Some(delivery(entry, view, own)),
            _ => None,
        },
    }
}

fn picture_view(entry: &StoredEntry, picture: &natter_engine::messages::Picture, transfer: Transfer) -> Picture {
    Picture {
        blob: picture.blob.to_string(),
        size: picture.size,
        mime: picture.mime.clone(),
        width: picture.width,
        height: picture.height,
        // A peer's software may have cleaned it or not.
        name: names::with_true_extension(&picture.name, &picture.mime),
        thumbhash: STANDARD.encode(&picture.thumbhash),
        preview: (!picture.preview.is_empty()).then(|| media_message("preview", entry)),
        url: media_message("blob", entry),
        transfer,
    }
}

/// A staged picture as hosts show it.
pub(crate) fn staged_view(id: &str, picture: &Prepared) -> Staged {
    Staged {
        id: id.to_owned(),
        name: picture.name.clone(),
        mime: picture.format.mime().to_owned(),
        size: picture.bytes.len() as u64,
        width: picture.width,
        height: picture.height,
        preview: format!("staged/{id}"),
        stripped: picture.stripped,
    }
}

pub(super) fn delivery(entry: &StoredEntry, view: &RoomView, own: DeviceId) -> Delivery {
    delivery_at(entry.log, entry.seq, entry.order, view, own)
}

pub(super) fn delivery_at(log: LogKey, seq: u64, order: OrderKey, view: &RoomView, own: DeviceId) -> Delivery {
    // People are counted and not their devices: one of them has it, or one of them has read it.
    let own = view.person(own);
    let others: BTreeSet<DeviceId> =
        view.members.iter().map(|member| member.person).filter(|person| *person != own).collect();
    let of_people = |is_so: &dyn Fn(DeviceId) -> bool| -> BTreeSet<DeviceId> {
        view.members.iter().filter(|m| m.person != own && is_so(m.device)).map(|m| m.person).collect()
    };
    let has_read = |device: DeviceId| view.reads.get(&device).is_some_and(|upto| *upto >= order);
    let holds = |device: DeviceId| {
        view.held.get(&device).and_then(|logs| logs.get(&log)).is_some_and(|held| *held >= seq) || has_read(device)
    };
    let of = others.len();
    let held_by: Vec<String> = of_people(&holds).iter().map(ToString::to_string).collect();
    let read_by: Vec<String> = of_people(&has_read).iter().map(ToString::to_string).collect();
    let state = if !read_by.is_empty() {
        DeliveryState::Read
    } else if held_by.is_empty() {
        DeliveryState::Saved
    } else if held_by.len() == of {
        DeliveryState::HeldByAll
    } else {
        DeliveryState::HeldBySome
    };
    Delivery { state, held_by, read_by, of: u32::try_from(of).unwrap_or(u32::MAX) }
}

/// The name to show for a key: as a member, as a former one, or its fingerprint.
pub(super) fn name_of(view: Option<&RoomView>, device: DeviceId) -> String {
    let known = view.and_then(|view| {
        let member = view.members.iter().find(|member| member.device == device).map(|member| &member.profile.name);
        member.or_else(|| view.former.iter().find(|(other, _)| *other == device).map(|(_, profile)| &profile.name))
    });
    known.cloned().unwrap_or_else(|| fingerprint(device))
}

/// What a notification says of a message.
pub(super) fn one_line(body: &MessageBody) -> String {
    let text = match body {
        MessageBody::Text { text, .. } => text,
        MessageBody::Picture { caption, picture } if caption.is_empty() => &picture.name,
        MessageBody::Picture { caption, .. } => caption,
        MessageBody::Created
        | MessageBody::Joined { .. }
        | MessageBody::DeviceLinked { .. }
        | MessageBody::DeviceUnlinked { .. }
        | MessageBody::Left { .. }
        | MessageBody::Removed { .. }
        | MessageBody::RoleChanged { .. }
        | MessageBody::RoomChanged { .. }
        | MessageBody::Deleted { .. }
        | MessageBody::Expired
        | MessageBody::Unknown => return String::new(),
    };
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    match line.char_indices().nth(LINE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

pub(super) fn join_progress(state: JoinState) -> JoinProgress {
    match state {
        JoinState::Connecting => JoinProgress::Connecting,
        JoinState::WaitingForMember => JoinProgress::WaitingForMember,
        JoinState::WaitingForApproval => JoinProgress::WaitingForApproval,
        JoinState::Admitted => JoinProgress::Admitted,
        JoinState::Declined => JoinProgress::Declined,
        JoinState::UsedUp => JoinProgress::UsedUp,
        JoinState::Expired => JoinProgress::Expired,
        JoinState::Void => JoinProgress::Void,
        JoinState::Cancelled => JoinProgress::Cancelled,
        JoinState::AlreadyMember => JoinProgress::AlreadyMember,
    }
}

pub(super) fn transfer(state: BlobState) -> Transfer {
    match state {
        BlobState::Waiting => Transfer::Waiting,
        BlobState::Progress(have) => Transfer::Progress { have },
        BlobState::Here => Transfer::Here,
        BlobState::Failed(trouble) => Transfer::Failed {
            code: match trouble {
                BlobTrouble::Refused | BlobTrouble::Corrupt | BlobTrouble::LinkLost => Code::TransferFailed,
                BlobTrouble::DiskFull => Code::DiskFull,
                BlobTrouble::DiskFailed => Code::DiskFailed,
            },
        },
    }
}

pub(super) fn trouble(trouble: port::BrokerTrouble) -> BrokerTrouble {
    match trouble {
        port::BrokerTrouble::Unreachable => BrokerTrouble::Unreachable,
        port::BrokerTrouble::Full => BrokerTrouble::Full,
        port::BrokerTrouble::BadKey => BrokerTrouble::BadKey,
        port::BrokerTrouble::Misbehaving => BrokerTrouble::Misbehaving,
        port::BrokerTrouble::Closed => BrokerTrouble::Closed,
    }
}
