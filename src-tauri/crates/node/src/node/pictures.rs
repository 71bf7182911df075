//! Bytes in and out: staging what a person picked, and what stands behind the media paths.

use super::commands::{picture_of, room_id};
use super::{Node, blocking};
use crate::api::{ApiError, Code, Staged};
use crate::media::MediaBody;
use crate::mirror::{avatar_tag, staged_view};
use crate::{names, pictures, qr};
use natter_engine::ids::{DeviceId, InviteId};
use natter_engine::port::Profile;
use natter_engine::wire::limits::PICTURE_BYTES;
use std::fs::File as DiskFile;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::SemaphorePermit;

/// Bytes copied at a time when a picture is saved.
const COPY: u64 = 1024 * 1024;

/// A picture to be saved.
pub struct File {
    /// Sanitised, with the extension of its type.
    pub name: String,
    /// The whole of it.
    pub bytes: Vec<u8>,
}

impl Node {
    /// Takes a picture's bytes to be sent by a later `sendPicture`, or to become the avatar.
    ///
    /// # Errors
    /// [`Code::NotAPicture`], [`Code::PictureTooLarge`], [`Code::Empty`].
    pub async fn stage_bytes(&self, name: &str, bytes: Vec<u8>) -> Result<Staged, ApiError> {
        pictures::check_length(bytes.len() as u64)?;
        let name = name.to_owned();
        let _one_at_a_time = self.decoding().await?;
        let ready = blocking(move || pictures::prepare(&name, &bytes)).await??;
        let id = uuid::Uuid::new_v4().simple().to_string();
        let staged = staged_view(&id, &ready);
        self.shelf().put(id, ready);
        Ok(staged)
    }

    /// The same for a file of this device; for hosts that run as the person, never for a page.
    ///
    /// # Errors
    /// As [`Node::stage_bytes`]; [`Code::DiskFailed`] when the file cannot be read.
    pub async fn stage_path(&self, path: &Path) -> Result<Staged, ApiError> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let path = path.to_owned();
        let bytes = blocking(move || read_picture(&path)).await??;
        self.stage_bytes(&name, bytes).await
    }

    /// A message's picture, whole, to be saved by a host's own dialog.
    ///
    /// # Errors
    /// [`Code::NoSuchRoom`], [`Code::NoSuchMessage`], [`Code::TransferFailed`] while the bytes are not here.
    pub async fn file(&self, room: &str, message: &str) -> Result<File, ApiError> {
        let (name, mut body) = self.picture(room, message).await?;
        let bytes = blocking(move || body.read(0..body.len))
            .await?
            .map_err(|error| ApiError::io("the picture could not be read", &error))?;
        Ok(File { name, bytes })
    }

    /// Saves a message's picture under a path that the person named. It gets that name when it is whole and synced.
    ///
    /// # Errors
    /// As [`Node::file`]; [`Code::DiskFull`] or [`Code::DiskFailed`].
    pub async fn save_blob(&self, room: &str, message: &str, path: &Path) -> Result<(), ApiError> {
        let (_, body) = self.picture(room, message).await?;
        let path = path.to_owned();
        blocking(move || write_whole(body, &path))
            .await?
            .map_err(|error| ApiError::io("the picture could not be saved", &error))
    }

    async fn picture(&self, room: &str, message: &str) -> Result<(String, MediaBody), ApiError> {
        let session = self.session()?;
        let (_, picture) = picture_of(&session, room, message).await?;
        let name = names::with_true_extension(&picture.name, &picture.mime);
        let (store, shown) = (Arc::clone(&session.store), name.clone());
        let body = blocking(move || {
            let reader = store.blobs().reader(picture.blob)?;
            MediaBody::blob(reader, &shown).map_err(|error| ApiError::io("the picture could not be read", &error))
        })
        .await??;
        Ok((name, body))
    }

    /// What stands behind a media path that a view named (`avatar/…`, `preview/…`, `blob/…`, `staged/…`, `qr/…`, `link/…`).
    ///
    /// # Errors
    /// [`Code::NoSuchMessage`] or another "no such" code for what is not here.
    pub async fn media(&self, path: &str) -> Result<MediaBody, ApiError> {
        let mut parts = path.split('/');
        let (kind, first, second) = (parts.next(), parts.next(), parts.next());
        match (kind, first, second, parts.next()) {
            (Some("avatar"), Some(device), Some(tag), None) => self.avatar(device, tag).ok_or_else(nothing_there),
            (Some("preview"), Some(room), Some(message), None) => {
                let (_, picture) = picture_of(&self.session()?, room, message).await?;
                blocking(move || MediaBody::foreign(picture.preview, &picture.name)).await
            }
            (Some("blob"), Some(room), Some(message), None) => Ok(self.picture(room, message).await?.1),
            (Some("staged"), Some(id), None, None) => {
                let staged = self.shelf().get(id).ok_or_else(nothing_there)?;
                Ok(MediaBody::own("image/jpeg", staged.preview.clone()))
            }
            (Some("safety"), Some(device), None, None) => self.safety_qr(device),
            (Some("qr"), Some(room), Some(invite), None) => self.qr(room, invite),
            (Some("link"), Some(code), None, None) => self.device_qr(code),
            _ => Err(nothing_there()),
        }
    }

    fn avatar(&self, device: &str, tag: &str) -> Option<MediaBody> {
        let device = DeviceId::from_hex(device)?;
        let face = self.face();
        let own = face.mirror.profile().filter(|_| face.mirror.device() == Some(device));
        let in_rooms = face.mirror.rooms().flat_map(|view| {
            let members = view.members.iter().map(|member| (member.device, &member.profile));
            let former = view.former.iter().map(|(device, profile)| (*device, profile));
            let knocking = view.requests.iter().map(|request| (request.device, &request.profile));
            members.chain(former).chain(knocking)
        });
        let named = in_rooms.filter(|(other, _)| *other == device).map(|(_, profile): (_, &Profile)| profile);
        let bytes = own
            .into_iter()
            .chain(named)
            .filter_map(|profile| profile.avatar.as_ref())
            .find(|bytes| avatar_tag(bytes) == tag)?
            .clone();
        drop(face);
        Some(MediaBody::foreign(bytes, "avatar"))
    }

    fn qr(&self, room: &str, invite: &str) -> Result<MediaBody, ApiError> {
        let room = room_id(room)?;
        let no_such = || ApiError::from(natter_engine::port::Refusal::NoSuchInvite);
        let invite = InviteId::from_hex(invite).ok_or_else(no_such)?;
        let link = {
            let face = self.face();
            let view = face.mirror.room(room).and_then(|view| view.invites.iter().find(|known| known.invite == invite));
            view.and_then(|known| known.link.as_ref()).ok_or_else(no_such)?.to_text()
        };
        let drawn = qr::svg(&link).ok_or_else(|| ApiError::new(Code::TooLong, "the link is too long for a QR code"))?;
        Ok(MediaBody::own("image/svg+xml", drawn.into_bytes()))
    }

    /// The code that links a device, as long as it is the one that works.
    fn device_qr(&self, code: &str) -> Result<MediaBody, ApiError> {
        let shown = self.face().mirror.devices().code.clone().filter(|shown| shown.qr == format!("link/{code}"));
        let drawn = shown.and_then(|shown| qr::svg(&shown.link)).ok_or_else(nothing_there)?;
        Ok(MediaBody::own("image/svg+xml", drawn.into_bytes()))
    }

    fn safety_qr(&self, device: &str) -> Result<MediaBody, ApiError> {
        let other = DeviceId::from_hex(device).ok_or_else(nothing_there)?;
        let (own, other) = super::deciding::pair(self, other)?;
        let drawn = qr::svg(&crate::people::code(own, other)).ok_or_else(nothing_there)?;
        Ok(MediaBody::own("image/svg+xml", drawn.into_bytes()))
    }

    pub(super) async fn decoding(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        self.0.decoding.acquire().await.map_err(|_| ApiError::closing())
    }
}

fn nothing_there() -> ApiError {
    ApiError::new(Code::NoSuchMessage, "nothing is there")
}

fn read_picture(path: &Path) -> Result<Vec<u8>, ApiError> {
    let unreadable = |error: std::io::Error| ApiError::io("the file cannot be read", &error);
    let file = DiskFile::open(path).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err(ApiError::new(Code::NotAPicture, "this is not a file"));
    }
    pictures::check_length(about.len())?;
    let mut bytes = Vec::new();
    // It may grow while it is read.
    file.take(PICTURE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn write_whole(mut body: MediaBody, path: &Path) -> std::io::Result<()> {
    let part = part_of(path)?;
    let outcome = copy(&mut body, &part).and_then(|()| std::fs::rename(&part, path));
    if outcome.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&part);
    }
    outcome
}

fn copy(body: &mut MediaBody, part: &Path) -> std::io::Result<()> {
    let mut out = BufWriter::new(DiskFile::create_new(part)?);
    let mut at = 0;
    while at < body.len {
        let bytes = body.read(at..at + COPY)?;
        at += bytes.len() as u64;
        out.write_all(&bytes)?;
    }
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
}

pub(super) fn part_of(path: &Path) -> std::io::Result<PathBuf> {
    let name = path.file_name().ok_or(std::io::ErrorKind::InvalidFilename)?;
    let mut part = std::ffi::OsString::from(".");
    part.push(name);
    part.push(format!(".{}.part", uuid::Uuid::new_v4().simple()));
    Ok(path.with_file_name(part))
}
