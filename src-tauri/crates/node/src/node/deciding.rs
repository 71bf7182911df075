//! What this person decides about others and about what others hear of them: verifying, blocking, privacy.

use super::reading::with_disk;
use super::session::Session;
use super::{Node, blocking};
use crate::api::{ApiError, Code, Privacy, Reply, Safety};
use crate::people::{self, Marks, People};
use natter_engine::identity::safety_number;
use natter_engine::ids::DeviceId;
use natter_engine::port::{self, Command, Refusal};
use natter_engine::rooms::RoomView;
use natter_store::Store;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Where it lies among the settings.
const PRIVACY_SETTING: &str = "privacy";

/// What was decided in earlier runs. What cannot be read counts as never decided, and is logged.
pub(super) async fn kept(session: &Arc<Session>) -> (People, Privacy) {
    let store = Arc::clone(&session.store);
    let read = move || {
        let setting = |key| {
            store.setting(key).unwrap_or_else(|error| {
                tracing::warn!(%error, "a setting could not be read");
                None
            })
        };
        (setting(people::SETTING), setting(PRIVACY_SETTING))
    };
    let (people, privacy) = blocking(read).await.unwrap_or_default();
    let people = people.map(|bytes| People::decode(&bytes)).unwrap_or_default();
    let privacy = privacy.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    (people, privacy)
}

pub(super) fn safety(node: &Node, device: DeviceId) -> Result<Reply, ApiError> {
    let (own, other) = pair(node, device)?;
    let safety =
        Safety { number: safety_number(own, other), code: people::code(own, other), qr: format!("safety/{other}") };
    Ok(Reply::Safety { safety })
}

pub(super) async fn verify(node: &Node, code: &str, device: Option<DeviceId>) -> Result<Reply, ApiError> {
    let (other, digits) = match (people::read(code), device) {
        (Some(people::Code::Whole(shown_by, _)), Some(device)) if !is_same(node, shown_by, device) => {
            return Err(code_wrong());
        }
        (Some(people::Code::Whole(shown_by, digits)), _) => (shown_by, digits),
        (Some(people::Code::Digits(digits)), Some(device)) => (device, digits),
        (Some(people::Code::Digits(_)), None) | (None, _) => {
            return Err(ApiError::new(Code::NotACode, "this is no code to verify somebody with"));
        }
    };
    let (own, other) = pair(node, other)?;
    if !people::matches(&digits, own, other) {
        return Err(code_wrong());
    }
    set_verified(node, other, true).await?;
    Ok(Reply::Verified { device: other.to_string() })
}

pub(super) async fn set_verified(node: &Node, device: DeviceId, on: bool) -> Result<Reply, ApiError> {
    decide(node, device, |marks| Marks { verified: on, ..marks }).await
}

pub(super) async fn set_blocked(node: &Node, device: DeviceId, on: bool) -> Result<Reply, ApiError> {
    decide(node, device, |marks| Marks { blocked: on, ..marks }).await
}

/// The devices that are one person's with this one in some room.
fn kin(node: &Node, device: DeviceId) -> BTreeSet<DeviceId> {
    let face = node.face();
    let mut kin = BTreeSet::from([device]);
    for view in face.mirror.rooms() {
        let person = view.person(device);
        if person != device || view.persons.values().any(|whose| *whose == device) {
            kin.insert(person);
            kin.extend(view.persons.iter().filter(|(_, whose)| **whose == person).map(|(other, _)| *other));
        }
    }
    kin
}

fn is_same(node: &Node, one: DeviceId, other: DeviceId) -> bool {
    kin(node, one).contains(&other)
}

async fn decide(node: &Node, device: DeviceId, change: impl FnOnce(Marks) -> Marks) -> Result<Reply, ApiError> {
    let session = node.session()?;
    pair(node, device)?;
    let _one_at_a_time = session.deciding.lock().await;
    let mut people = node.face().mirror.people().clone();
    // What was decided about another device of theirs is decided anew with it.
    let theirs = kin(node, device);
    let before = theirs.iter().map(|device| people.of(*device)).fold(Marks::default(), |all, one| Marks {
        verified: all.verified || one.verified,
        blocked: all.blocked || one.blocked,
    });
    let marks = change(before);
    for other in theirs.into_iter().filter(|other| *other != device) {
        people.set(other, Marks::default());
    }
    if !people.set(device, marks) {
        return Err(Refusal::TooMany.into());
    }
    with_disk(node, Arc::clone(&session), move |node, library| {
        library.store.put_setting(people::SETTING, Some(&people.encode()))?;
        let eyes = node.update(|mirror| {
            mirror.set_people(people);
            mirror.eyes()
        });
        let library = crate::library::Disk { eyes, ..*library };
        node.update(|mirror| mirror.settle(&library));
        Ok(Reply::Done)
    })
    .await
}

pub(super) async fn set_privacy(node: &Node, privacy: Privacy) -> Result<Reply, ApiError> {
    let session = node.session()?;
    let _one_at_a_time = session.deciding.lock().await;
    let text = serde_json::to_vec(&privacy).map_err(|error| ApiError::internal(error.to_string()))?;
    let store = Arc::clone(&session.store);
    blocking(move || store.put_setting(PRIVACY_SETTING, Some(&text))).await??;
    session.ask(Command::SetReceipts { told: privacy.receipts }).await?;
    node.update(|mirror| mirror.set_privacy(privacy));
    Ok(Reply::Done)
}

/// Whose keys two people compare who are or were in a room with each other: of each the device that names the person, in
/// the first room that both are in, so that all devices of both come to the same two.
pub(super) fn pair(node: &Node, device: DeviceId) -> Result<(DeviceId, DeviceId), ApiError> {
    let face = node.face();
    let no_such = || ApiError::from(port::Refusal::NoSuchMember);
    let own = face.mirror.device().ok_or_else(no_such)?;
    let in_room = |view: &&RoomView| {
        let person = view.person(device);
        let others = view.members.iter().map(|member| member.person);
        let gone = view.former.iter().map(|(other, _)| *other);
        let known = others.chain(gone).chain(view.requests.iter().map(|request| request.device));
        person != view.person(own) && known.into_iter().any(|other| other == person)
    };
    let both_in = |view: &&RoomView| {
        let person = view.person(device);
        view.standing == port::Standing::Member && view.members.iter().any(|member| member.person == person)
    };
    let rooms = || face.mirror.rooms().filter(in_room);
    let view = rooms().find(both_in).or_else(|| rooms().next()).ok_or_else(no_such)?;
    Ok((view.person(own), view.person(device)))
}

fn code_wrong() -> ApiError {
    ApiError::new(
        Code::CodeWrong,
        "the code does not match: somebody may sit between you, or one of you has a new device",
    )
}
