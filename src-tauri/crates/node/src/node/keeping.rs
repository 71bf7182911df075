//! What people keep beside the profile itself: a room as a file, and a backup of everything. For hosts that run as the
//! person and have asked where; a page never names a path.

use super::commands::room_id;
use super::opening::chosen;
use super::pictures::part_of;
use super::session::Session;
use super::{Node, blocking};
use crate::api::{ApiError, Code, Protection, Reply};
use crate::archive::{EXTENSION, export, import};
use crate::library::Disk;
use crate::names;
use natter_engine::ids::{BlobHash, RoomId, Ticket};
use natter_engine::port::{self, BlobState, Fetch, Notify, Stored};
use natter_engine::rooms::RoomView;
use natter_engine::time::UnixMillis;
use natter_engine::wire::Entry;
use natter_store::Store;
use natter_store::backup::{self, Pictures, Summary};
use natter_store::blobs::{BlobError, BlobWriter, Blobs};
use natter_store::sqlite::SqliteStore;
use natter_store::vault::{State, Vault};
use std::fs::File;
use std::io::{BufReader, BufWriter, IntoInnerError, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::runtime::Handle;

/// What was taken in of a room's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The room.
    pub room: RoomId,
    /// Entries that were not here.
    pub new: u64,
    /// Entries that were.
    pub known: u64,
    /// Entries whose causes are missing, or that this device does not take.
    pub held_back: u64,
    /// Pictures that were not here.
    pub pictures: u64,
}

impl From<Imported> for Reply {
    fn from(imported: Imported) -> Self {
        let Imported { room, new, known, held_back, pictures } = imported;
        Self::Imported { room: room.to_string(), new, known, held_back, pictures }
    }
}

impl Node {
    /// What to call a room's file, for a dialog to propose: one path component.
    ///
    /// # Errors
    /// [`Code::NoSuchRoom`].
    pub fn export_name(&self, room: &str) -> Result<String, ApiError> {
        let view = self.view(room)?;
        let fits = view.name.floor_char_boundary(100);
        Ok(names::file_name(&format!("{}.{EXTENSION}", &view.name[..fits])))
    }

    /// Saves a room under a path that the person named: a page that any browser shows, which Natter takes in again. It gets
    /// that name when it is whole and synced.
    ///
    /// # Errors
    /// [`Code::NoSuchRoom`]; [`Code::DiskFull`] or [`Code::DiskFailed`].
    pub async fn export_room(&self, room: &str, path: &Path) -> Result<(), ApiError> {
        let unsaved = |error: std::io::Error| ApiError::io("the room could not be saved", &error);
        let part = part_of(path).map_err(unsaved)?;
        let at = part.clone();
        let file = blocking(move || File::create_new(at)).await?.map_err(unsaved)?;
        let written = self.export_room_to(room, BufWriter::new(file)).await;
        let (at, path) = (part.clone(), path.to_owned());
        let outcome = match written {
            Ok(out) => {
                blocking(move || {
                    out.into_inner().map_err(IntoInnerError::into_error)?.sync_all()?;
                    std::fs::rename(&at, &path)
                })
                .await
            }
            Err(error) => Err(error),
        };
        let outcome = outcome.and_then(|renamed| renamed.map_err(unsaved));
        if outcome.is_err() {
            // The first error is the one to tell.
            let _ = blocking(move || std::fs::remove_file(part)).await;
        }
        outcome
    }

    /// The same to anything that can be written to, in constant memory; hands it back.
    ///
    /// # Errors
    /// As [`Node::export_room`].
    pub async fn export_room_to<W: Write + Send + 'static>(&self, room: &str, out: W) -> Result<W, ApiError> {
        let session = self.session()?;
        let view = self.view(room)?;
        let by = self.face().mirror.profile().map(|profile| profile.name.clone()).unwrap_or_default();
        let node = self.clone();
        blocking(move || {
            let disk = Disk { store: &session.store, own: session.own, eyes: node.face().mirror.eyes() };
            let export = export::Export { disk: &disk, view: &view, by: &by, now: now() };
            export::write(&export, out, |entries| node.face().mirror.show_all(view.room, entries, &disk))
        })
        .await?
    }

    /// Takes in a room's file. What is here already stays as it is, so that twice is once; a room that this device was never
    /// in can then be read, and nothing be said in it.
    ///
    /// # Errors
    /// [`Code::NotNatterFile`], [`Code::FileDamaged`] or [`Code::FileTooNew`] before any of it is taken;
    /// [`Code::NotAMember`] while this device knocks at the room or leaves it; [`Code::DiskFull`] or [`Code::DiskFailed`],
    /// when what was taken so far stays and the rest can be imported again.
    pub async fn import_room(&self, path: &Path) -> Result<Imported, ApiError> {
        let session = self.session()?;
        let (node, path) = (self.clone(), path.to_owned());
        blocking(move || {
            import::verify(open(&path)?)?;
            let mut intake = Intake::new(&node, &session);
            let room = import::read(open(&path)?, |room, given| intake.take(room, given))?;
            Ok(Imported { room, ..intake.imported })
        })
        .await?
    }

    /// Writes everything into one file, sealed under a passphrase. It gets its name when it is whole and synced.
    ///
    /// # Errors
    /// [`Code::WeakPassphrase`], [`Code::TooLong`]; [`Code::DiskFull`] or [`Code::DiskFailed`].
    pub async fn backup(&self, path: &Path, passphrase: &str, pictures: Pictures) -> Result<Summary, ApiError> {
        let session = self.session()?;
        let (path, passphrase) = (path.to_owned(), passphrase.to_owned());
        blocking(move || Ok(backup::write(&session.store, &path, &passphrase, pictures, now())?)).await?
    }

    /// Makes this profile of a backup and opens it; the phase must be *setup* and the profile's folder empty. The copy goes
    /// on in a log of its own, so that it and the original never say two things in one place.
    ///
    /// # Errors
    /// [`Code::ProfileNotEmpty`]; [`Code::NotNatterFile`], [`Code::FileDamaged`], [`Code::FileTooNew`],
    /// [`Code::WrongPassphrase`]; those of setting up. The profile is then still none.
    pub async fn restore(&self, path: &Path, passphrase: &str, protection: Protection) -> Result<Summary, ApiError> {
        self.restore_into(path.to_owned(), passphrase.to_owned(), protection).await
    }

    fn view(&self, room: &str) -> Result<RoomView, ApiError> {
        let room = room_id(room)?;
        self.face().mirror.room(room).cloned().ok_or_else(|| port::Refusal::NoSuchRoom.into())
    }
}

/// Backs up a profile that no Natter has open, without starting one. `unlock` opens it where a passphrase keeps it.
/// Blocking.
///
/// # Errors
/// [`Code::NotSetUp`], [`Code::Locked`], [`Code::WrongPassphrase`], [`Code::DatabaseLocked`] and the other ways in which a
/// profile does not open; those of [`Node::backup`].
pub fn backup_profile(
    dir: &Path,
    unlock: Option<&str>,
    to: &Path,
    passphrase: &str,
    pictures: Pictures,
) -> Result<Summary, ApiError> {
    let key = match (Vault::open(dir)?, unlock) {
        (State::Ready(key), _) => key,
        (State::Locked, Some(unlock)) => Vault::unlock(dir, unlock)?,
        (State::Locked, None) => {
            return Err(ApiError::new(Code::Locked, "the database waits for its passphrase"));
        }
        (State::Empty, _) => return Err(backup::BackupError::Nothing.into()),
    };
    Ok(backup::write(&SqliteStore::open(dir, &key)?, to, passphrase, pictures, now())?)
}

/// Makes a profile of a backup in an empty folder, or one that is not there yet. Blocking.
///
/// # Errors
/// As [`Node::restore`].
pub fn restore_profile(
    from: &Path,
    passphrase: &str,
    dir: &Path,
    protection: &Protection,
) -> Result<Summary, ApiError> {
    Ok(backup::restore(from, passphrase, dir, chosen(protection))?)
}

fn open(path: &Path) -> Result<BufReader<File>, ApiError> {
    let file = File::open(path).map_err(|error| ApiError::io("the file cannot be read", &error))?;
    Ok(BufReader::with_capacity(64 * 1024, file))
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A verified file on its way in.
struct Intake<'a> {
    node: &'a Node,
    session: &'a Arc<Session>,
    imported: Imported,
    /// The picture that is being written; none while its bytes are passed over.
    picture: Option<(BlobHash, BlobWriter<Arc<Blobs>>)>,
}

impl<'a> Intake<'a> {
    fn new(node: &'a Node, session: &'a Arc<Session>) -> Self {
        let imported = Imported { room: RoomId([0; 32]), new: 0, known: 0, held_back: 0, pictures: 0 };
        Self { node, session, imported, picture: None }
    }

    fn take(&mut self, room: RoomId, given: import::Given) -> Result<(), ApiError> {
        match given {
            import::Given::Entries(entries) => self.entries(room, entries, Vec::new()),
            import::Given::Branches(branches) => self.entries(room, Vec::new(), branches),
            import::Given::Picture(blob, size) => {
                let blobs = self.session.store.blobs();
                if blobs.has(&blob) || !self.is_offered(room, blob)? {
                    return Ok(());
                }
                self.picture = Some((blob, Arc::clone(blobs).owned_writer(blob, size)?));
                Ok(())
            }
            import::Given::Bytes(bytes) => match &mut self.picture {
                Some((_, writer)) => Ok(writer.write(&bytes)?),
                None => Ok(()),
            },
            import::Given::PictureEnds => self.end_picture(),
        }
    }

    fn entries(&mut self, room: RoomId, entries: Vec<Entry>, branches: Vec<Entry>) -> Result<(), ApiError> {
        // On a thread of the blocking kind: the engine may take its time.
        match Handle::current().block_on(self.session.ask(port::Command::Import { room, entries, branches }))? {
            port::Reply::Imported { new, known, held_back } => {
                self.imported.new += u64::from(new);
                self.imported.known += u64::from(known);
                self.imported.held_back += u64::from(held_back);
                Ok(())
            }
            port::Reply::Done | port::Reply::Room(_) | port::Reply::Invite(_) | port::Reply::Sent(_) => {
                Err(ApiError::internal("an import was answered by something else"))
            }
        }
    }

    /// Whether an entry of the room that is here by now offers it: nothing else may fill this disk.
    fn is_offered(&self, room: RoomId, blob: BlobHash) -> Result<bool, ApiError> {
        let asked = self.session.store.fetch(&Fetch::BlobRooms { ticket: Ticket(0), blob })?;
        Ok(matches!(asked, Stored::BlobRooms(_, rooms, _) if rooms.contains(&room)))
    }

    fn end_picture(&mut self) -> Result<(), ApiError> {
        let Some((blob, writer)) = self.picture.take() else { return Ok(()) };
        match writer.finish() {
            Ok(_) => {}
            // Whoever exported it had not all of it.
            Err(BlobError::Mismatch) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        self.imported.pictures += 1;
        let eyes = self.node.face().mirror.eyes();
        let disk = Disk { store: &self.session.store, own: self.session.own, eyes };
        self.node.update(|mirror| mirror.fold(Notify::Blob { blob, state: BlobState::Here }, &disk));
        Ok(())
    }
}
