//! Each command of the API, in the engine's words.

use super::opening::fill;
use super::session::Session;
use super::{Node, blocking, deciding, reading};
use crate::api::{ApiError, Code, Command, DeviceCodePreview, Invite, InvitePreview, Mention, Privacy, Reply, Role};
use crate::config::{broker_host, broker_urls};
use crate::mirror::said::mentions_in_bytes;
use crate::mirror::{Focus, Mirror, views};
use crate::{pictures, spoken};
use natter_engine::ids::{DeviceId, EntryHash, InviteId, RoomId};
use natter_engine::port::{self, Profile, Standing, StoredEntry};
use natter_engine::rooms::{self, InviteTerms, InviteView};
use natter_engine::signaling::{InviteError, InviteKeys, InviteLink, SPOKEN_BYTES};
use natter_engine::wire::limits::{INVITE_LIFETIME, TEXT_BYTES};
use natter_engine::wire::{Act, Body, Picture, RoomBody, Text};
use natter_store::Store;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(super) async fn request(node: &Node, command: Command) -> Result<Reply, ApiError> {
    match command {
        Command::Snapshot => Ok(Reply::Snapshot { snapshot: Box::new(node.face().mirror.snapshot()) }),
        Command::Setup { name, protection } => node.set_up(&name, protection).await,
        Command::Unlock { passphrase } => node.unlock(passphrase).await,
        Command::Reopen => node.reopen().await,
        Command::ReadInvite { text } => read_invite(node, &text),
        Command::Unstage { staged } => match node.shelf().take(&staged) {
            Some(_) => Ok(Reply::Done),
            None => Err(no_such_staged()),
        },
        Command::SetFocus { focused, room } => {
            let room = room.as_deref().map(room_id).transpose()?;
            node.update(|mirror| mirror.set_focus(Focus { focused, room }));
            Ok(Reply::Done)
        }
        Command::CreateRoom { name } => ask(node, port::Command::CreateRoom { name }).await,
        Command::CreateInvite { room, uses, lifetime_seconds, approval, role } => {
            let terms =
                InviteTerms { uses, lifetime: Duration::from_secs(lifetime_seconds), approval, role: in_words(role) };
            create_invite(node, room_id(&room)?, terms).await
        }
        Command::RevokeInvite { room, invite } => {
            let invite = InviteId::from_hex(&invite).ok_or(port::Refusal::NoSuchInvite)?;
            ask(node, port::Command::RevokeInvite { room: room_id(&room)?, invite }).await
        }
        Command::Join { link } => join(node, &link).await,
        Command::CancelJoin { room } => {
            let room = room_id(&room)?;
            // Words that are being asked about stand in the list by their invite.
            let invite = InviteId(room.0);
            match ask(node, port::Command::CancelAsk { invite }).await {
                Err(error) if error.code == Code::NoSuchInvite => {}
                answer => return answer,
            }
            match ask(node, port::Command::CancelJoin { room }).await {
                // It ended by itself, and the person has read how.
                Err(error) if error.code == Code::NoSuchRoom && node.update(|mirror| mirror.dismiss_join(room)) => {
                    Ok(Reply::Done)
                }
                answer => answer,
            }
        }
        Command::Admit { room, device } => {
            ask(node, port::Command::Admit { room: room_id(&room)?, device: device_id(&device)? }).await
        }
        Command::Decline { room, device } => {
            ask(node, port::Command::Decline { room: room_id(&room)?, device: device_id(&device)? }).await
        }
        Command::RemoveMember { room, device } => {
            ask(node, port::Command::Remove { room: room_id(&room)?, device: member_id(&device)? }).await
        }
        Command::SetRole { room, device, role } => {
            let (room, device) = (room_id(&room)?, member_id(&device)?);
            ask(node, port::Command::SetRole { room, device, role: in_words(role) }).await
        }
        Command::SetRoom { room, name, about, lives } => {
            let change = RoomBody { name, about, lives };
            ask(node, port::Command::SetRoom { room: room_id(&room)?, change }).await
        }
        Command::Safety { device } => deciding::safety(node, member_id(&device)?),
        Command::Verify { code, device } => {
            let device = device.as_deref().map(member_id).transpose()?;
            deciding::verify(node, &code, device).await
        }
        Command::SetVerified { device, on } => deciding::set_verified(node, member_id(&device)?, on).await,
        Command::SetBlocked { device, on } => deciding::set_blocked(node, member_id(&device)?, on).await,
        Command::SetPrivacy { receipts, typing } => deciding::set_privacy(node, Privacy { receipts, typing }).await,
        Command::SendText { room, text, mentions, reply_to } => {
            let reply_to = reply_to.as_deref().map(message_id).transpose()?;
            let text = Text { reply_to, ..worded(text, &mentions)? };
            ask(node, port::Command::SendText { room: room_id(&room)?, text }).await
        }
        Command::EditMessage { room, message, text, mentions } => {
            let act = Act::Edit(worded(text, &mentions)?);
            about(node, &room, &message, act).await
        }
        Command::DeleteMessage { room, message } => about(node, &room, &message, Act::Delete).await,
        Command::React { room, message, emoji, on } => about(node, &room, &message, Act::React { emoji, on }).await,
        Command::PinMessage { room, message, on } => about(node, &room, &message, Act::Pin { on }).await,
        Command::Typing { .. } if !node.face().mirror.privacy().typing => Ok(Reply::Done),
        Command::Typing { room } => ask(node, port::Command::Typing { room: room_id(&room)? }).await,
        Command::Edits { room, message } => reading::edits(node, &room, &message).await,
        Command::Pinned { room } => reading::pinned(node, room_id(&room)?).await,
        Command::Search { query, room, author, next, limit } => {
            let room = room.as_deref().map(room_id).transpose()?;
            let author = author.as_deref().map(member_id).transpose()?;
            reading::search(node, query, room, author, next.as_deref(), limit).await
        }
        Command::At { room, time } => reading::at(node, room_id(&room)?, time).await,
        Command::SetDraft { room, text } => reading::set_draft(node, room_id(&room)?, text).await,
        Command::SendPicture { room, staged, caption, reply_to } => {
            let reply_to = reply_to.as_deref().map(message_id).transpose()?;
            send_picture(node, room_id(&room)?, &staged, caption, reply_to).await
        }
        Command::Timeline { room, before, after, around, limit } => {
            let room = room_id(&room)?;
            reading::timeline(node, room, [before, after, around], limit).await
        }
        Command::FetchBlob { room, message } => {
            let session = node.session()?;
            let (_, picture) = picture_of(&session, &room, &message).await?;
            let fetch = port::Command::FetchBlob { room: room_id(&room)?, blob: picture.blob, size: picture.size };
            reply(session.ask(fetch).await?)
        }
        Command::MarkRead { room, message } => {
            let session = node.session()?;
            let entry = entry(&session, &room, &message).await?;
            reply(session.ask(port::Command::MarkRead { room: entry.room, upto: entry.order }).await?)
        }
        Command::SetProfile { name, avatar } => set_profile(node, name, avatar).await,
        Command::LinkDevice => match node.session()?.ask(port::Command::LinkDevice).await? {
            port::Reply::Invite(code) => Ok(Reply::DeviceCode { code: views::device_code(&code) }),
            port::Reply::Done | port::Reply::Room(_) | port::Reply::Sent(_) | port::Reply::Imported { .. } => {
                Err(ApiError::internal("no code came back"))
            }
        },
        Command::ReadDeviceCode { text } => {
            let code = device_code(&text)?;
            let expires = code.expires.saturating_mul(1000);
            Ok(Reply::DeviceCodePreview { preview: DeviceCodePreview { name: code.room_name, expires } })
        }
        Command::UseDeviceCode { text } => use_device_code(node, &text).await,
        Command::CancelLinking => match ask(node, port::Command::CancelLink).await {
            // It ended by itself, and the person has read how.
            Err(error) if error.code == Code::NoSuchRoom && node.update(Mirror::dismiss_linking) => Ok(Reply::Done),
            answer => answer,
        },
        Command::AdmitDevice { device } => ask(node, port::Command::AdmitDevice { device: device_id(&device)? }).await,
        Command::DeclineDevice { device } => {
            ask(node, port::Command::DeclineDevice { device: device_id(&device)? }).await
        }
        Command::UnlinkDevice { device } => ask(node, port::Command::Unlink { device: member_id(&device)? }).await,
        Command::LeaveRoom { room } => ask(node, port::Command::LeaveRoom { room: room_id(&room)? }).await,
        Command::SetBrokers { brokers } => {
            let session = node.session()?;
            session.set_brokers(node, broker_urls(&brokers)?).await?;
            Ok(Reply::Done)
        }
        Command::NetworkChanged => {
            let session = node.session()?;
            session.announce(node).await?;
            reply(session.ask(port::Command::NetworkChanged).await?)
        }
    }
}

/// Words with their mentions, as the wire has them.
fn worded(text: String, mentions: &[Mention]) -> Result<Text, ApiError> {
    let mentions = mentions_in_bytes(&text, mentions).ok_or(port::Refusal::BadMention)?;
    Ok(Text { mentions, ..Text::plain(text) })
}

async fn about(node: &Node, room: &str, message: &str, act: Act) -> Result<Reply, ApiError> {
    ask(node, port::Command::About { room: room_id(room)?, target: message_id(message)?, act }).await
}

fn in_words(role: Role) -> rooms::Role {
    match role {
        Role::Guest => rooms::Role::Guest,
        Role::Member => rooms::Role::Member,
        Role::Admin => rooms::Role::Admin,
        Role::Creator => rooms::Role::Creator,
    }
}

async fn ask(node: &Node, command: port::Command) -> Result<Reply, ApiError> {
    reply(node.session()?.ask(command).await?)
}

fn reply(answer: port::Reply) -> Result<Reply, ApiError> {
    match answer {
        port::Reply::Done => Ok(Reply::Done),
        port::Reply::Room(room) => Ok(Reply::Room { room: room.to_string() }),
        port::Reply::Sent(hash) => Ok(Reply::Sent { message: hash.to_string() }),
        port::Reply::Invite(_) => Err(ApiError::internal("an invite nobody asked for")),
        port::Reply::Imported { .. } => Err(ApiError::internal("an import nobody asked for")),
    }
}

async fn create_invite(node: &Node, room: RoomId, terms: InviteTerms) -> Result<Reply, ApiError> {
    if terms.lifetime > INVITE_LIFETIME || terms.lifetime.is_zero() {
        return Err(ApiError::new(Code::TooLong, "an invite lives for a second at least and 365 days at most"));
    }
    let session = node.session()?;
    let mut luck = [0; SPOKEN_BYTES];
    fill(&mut luck)?;
    let seed = blocking(move || spoken::stretch(luck)).await?;
    match session.ask(port::Command::CreateSpokenInvite { room, terms, luck, seed }).await? {
        port::Reply::Invite(link) => Ok(Reply::Invite { invite: made(room, &link, terms) }),
        port::Reply::Done | port::Reply::Room(_) | port::Reply::Sent(_) | port::Reply::Imported { .. } => {
            Err(ApiError::internal("no invite came back"))
        }
    }
}

fn made(room: RoomId, link: &InviteLink, terms: InviteTerms) -> Invite {
    let view = InviteView {
        invite: link.id(),
        by: DeviceId([0; 32]),
        uses: terms.uses,
        used: 0,
        expires: natter_engine::time::UnixMillis(link.expires.saturating_mul(1000)),
        approval: terms.approval,
        role: terms.role,
        link: Some(link.clone()),
    };
    views::invite(room, &view)
}

fn read_invite(node: &Node, text: &str) -> Result<Reply, ApiError> {
    let link = match InviteLink::parse(text) {
        Err(InviteError::NotNatter) if spoken::is_words(text) => {
            return Ok(Reply::SpokenInvite { spoken: spoken::heard(text) });
        }
        link => link?,
    };
    let already_member = node.face().mirror.room(link.room).is_some_and(|view| view.standing == Standing::Member);
    // Told before the person decides; one who is in already wants to be led there and not away.
    if !already_member && is_over(link.expires) {
        return Err(port::Refusal::InviteExpired.into());
    }
    let preview = InvitePreview {
        room: link.room.to_string(),
        room_name: link.room_name,
        brokers: link.brokers.iter().map(|url| broker_host(url)).collect(),
        expires: link.expires.saturating_mul(1000),
        already_member,
    };
    Ok(Reply::InvitePreview { preview })
}

/// Whether that second, counted from 1970 UTC, is past. A clock before 1970 knows of nothing past.
fn is_over(expires: u64) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.as_secs() > expires
}

async fn join(node: &Node, text: &str) -> Result<Reply, ApiError> {
    let session = node.session()?;
    let invite = match InviteLink::parse(text) {
        Err(InviteError::NotNatter) if spoken::is_words(text) => return ask_by_words(node, text).await,
        invite => invite?,
    };
    let (room, name) = (invite.room, invite.room_name.clone());
    if node.face().mirror.room(room).is_some_and(|view| view.standing == Standing::Member) {
        return Err(port::Refusal::AlreadyMember.into());
    }
    // Before the engine hears of it, so that its first notice finds the name.
    node.update(|mirror| mirror.knocking(room, name));
    match session.ask(port::Command::Join { invite }).await {
        Ok(answer) => reply(answer),
        Err(error) => {
            node.update(|mirror| mirror.forget_join(room));
            Err(error)
        }
    }
}

/// Asks the members of a room that nobody here knows yet which one it is. Until they tell, the invite stands for it.
async fn ask_by_words(node: &Node, text: &str) -> Result<Reply, ApiError> {
    let session = node.session()?;
    let luck = spoken::read(text)?;
    let seed = blocking(move || spoken::stretch(luck)).await?;
    let room = RoomId(InviteKeys::derive(&seed).id().0);
    node.update(|mirror| mirror.knocking(room, String::new()));
    match session.ask(port::Command::Ask { seed }).await {
        Ok(_) => Ok(Reply::Room { room: room.to_string() }),
        Err(error) => {
            node.update(|mirror| mirror.forget_join(room));
            Err(error)
        }
    }
}

fn device_code(text: &str) -> Result<InviteLink, ApiError> {
    let code = InviteLink::parse_device(text)?;
    if is_over(code.expires) { Err(port::Refusal::InviteExpired.into()) } else { Ok(code) }
}

async fn use_device_code(node: &Node, text: &str) -> Result<Reply, ApiError> {
    let session = node.session()?;
    let code = device_code(text)?;
    session.ask(port::Command::Link { code }).await?;
    Ok(Reply::Done)
}

async fn send_picture(
    node: &Node,
    room: RoomId,
    staged: &str,
    caption: String,
    reply_to: Option<EntryHash>,
) -> Result<Reply, ApiError> {
    let session = node.session()?;
    let ready = node.shelf().get(staged).ok_or_else(no_such_staged)?;
    if caption.len() > TEXT_BYTES / 2 {
        return Err(ApiError::new(Code::TooLong, "the words with a picture are longer than 8,192 bytes"));
    }
    // Durable before it is offered: the entry must never promise what the disk does not hold.
    let (store, kept) = (Arc::clone(&session.store), Arc::clone(&ready));
    let blob = blocking(move || store.blobs().put(&kept.bytes)).await??;
    let picture = Picture {
        blob,
        size: ready.bytes.len() as u64,
        mime: ready.format.mime().to_owned(),
        width: ready.width,
        height: ready.height,
        thumbhash: ready.thumbhash.clone(),
        preview: ready.preview.clone(),
        name: ready.name.clone(),
        caption,
        reply_to,
        lives: None,
    };
    let answer = session.ask(port::Command::SendPicture { room, picture }).await?;
    node.shelf().take(staged);
    reply(answer)
}

#[expect(clippy::option_option, reason = "absent keeps the avatar, null removes it, a value sets it")]
async fn set_profile(node: &Node, name: String, avatar: Option<Option<String>>) -> Result<Reply, ApiError> {
    let session = node.session()?;
    let name = natter_engine::identity::clean_name(&name)?;
    let avatar = match avatar {
        None => node.face().mirror.profile().and_then(|profile| profile.avatar.clone()),
        Some(None) => None,
        Some(Some(staged)) => {
            let picture = node.shelf().get(&staged).ok_or_else(no_such_staged)?;
            let _one_at_a_time = node.decoding().await?;
            let made = blocking(move || pictures::avatar(&picture)).await??;
            node.shelf().take(&staged);
            Some(made)
        }
    };
    let profile = Profile { name, avatar };
    let answer = session.ask(port::Command::SetProfile { profile: profile.clone() }).await?;
    node.update(|mirror| mirror.set_own(session.own, profile, session.unprotected));
    reply(answer)
}

/// The picture that a message offers.
pub(super) async fn picture_of(
    session: &Arc<Session>,
    room: &str,
    message: &str,
) -> Result<(StoredEntry, Picture), ApiError> {
    let entry = entry(session, room, message).await?;
    match entry.payload.as_deref().map(|payload| Body::decode(entry.kind, payload)) {
        Some(Ok(Body::Picture(picture))) => Ok((entry, picture)),
        Some(Ok(_) | Err(_)) | None => Err(ApiError::new(Code::NoSuchMessage, "this message offers no picture")),
    }
}

pub(super) async fn entry(session: &Arc<Session>, room: &str, message: &str) -> Result<StoredEntry, ApiError> {
    entry_at(session, room_id(room)?, message_id(message)?).await
}

pub(super) async fn entry_at(session: &Arc<Session>, room: RoomId, hash: EntryHash) -> Result<StoredEntry, ApiError> {
    let store = Arc::clone(&session.store);
    blocking(move || store.entry(room, hash)).await??.ok_or_else(no_such_message)
}

pub(super) fn room_id(text: &str) -> Result<RoomId, ApiError> {
    RoomId::from_hex(text).ok_or_else(|| port::Refusal::NoSuchRoom.into())
}

fn member_id(text: &str) -> Result<DeviceId, ApiError> {
    DeviceId::from_hex(text).ok_or_else(|| port::Refusal::NoSuchMember.into())
}

fn device_id(text: &str) -> Result<DeviceId, ApiError> {
    DeviceId::from_hex(text).ok_or_else(|| port::Refusal::NobodyWaiting.into())
}

pub(super) fn message_id(text: &str) -> Result<EntryHash, ApiError> {
    EntryHash::from_hex(text).ok_or_else(no_such_message)
}

pub(super) fn no_such_message() -> ApiError {
    ApiError::new(Code::NoSuchMessage, "there is no such message in this room")
}

fn no_such_staged() -> ApiError {
    ApiError::new(Code::NoSuchStaged, "nothing is staged under that id any more")
}
