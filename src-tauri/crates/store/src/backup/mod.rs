//! A whole profile in one file, sealed under a passphrase, and back: for a new machine, or after the old one is lost.
//!
//! ```text
//! backup = sealed stream (module `stream`) of the records of `natter_engine::wire::archive`
//! ```
//! What is written is one moment: the heads of all logs are read in one snapshot, and nothing beyond them goes in, so that
//! the node may go on writing meanwhile. What is read makes a new profile beside its place, verified entry by entry, which
//! gets its name when it is whole.
//!
//! **A restored copy never forks.** The log that the original writes in is not in the file: each restore draws a log id of
//! its own, so that no two devices ever sign for one place of one log. The old log is history there like anybody's.

mod restore;
mod stream;

pub use restore::{restore, restore_to};

use crate::blobs::{BlobError, Blobs};
use crate::error::StoreError;
use crate::sqlite::SqliteStore;
use crate::vault::VaultError;
use crate::{Store, limits};
use natter_engine::ids::{BlobHash, LogKey, RoomId};
use natter_engine::messages::branches::branch;
use natter_engine::port::{BootRoom, Branch, StoredEntry};
use natter_engine::time::UnixMillis;
use natter_engine::wire::archive::{HELD_MARKS, PART_BYTES, Record, RoomRecord};
use natter_engine::wire::{Entry, WireError};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use stream::Sealing;

/// Whether pictures go along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pictures {
    /// All that are on this disk.
    Kept,
    /// None: members who have them give them again.
    Left,
}

/// What a backup holds, or what was restored of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rooms.
    pub rooms: u64,
    /// Entries of their histories.
    pub entries: u64,
    /// Pictures.
    pub pictures: u64,
}

/// Why a backup could not be made or restored. A file or profile that was not finished is gone again.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no identity to back up.
    #[error("this profile is not set up yet: there is nothing to back up")]
    Nothing,
    /// The file is something else.
    #[error("this file is no backup of Natter's")]
    NotABackup,
    /// Made by a newer Natter.
    #[error("this backup was made by a newer Natter: update this one")]
    TooNew,
    /// The passphrase is not the one, or the file's first bytes are damaged.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// What the vault says of passphrases and keychains.
    #[error(transparent)]
    Vault(VaultError),
    /// It is not what was written; what.
    #[error("the backup is damaged: {0}")]
    Damaged(&'static str),
    /// There is something where the profile should go.
    #[error("there is a profile already, or something else, in {0}: a backup is restored into an empty folder only")]
    NotEmpty(PathBuf),
    /// A room was left while it was being written.
    #[error("a room was left while the backup was made: make it again")]
    Moved,
    /// No space left.
    #[error("the disk is full")]
    DiskFull,
    /// The database's own trouble.
    #[error(transparent)]
    Store(StoreError),
    /// The pictures' own trouble.
    #[error(transparent)]
    Blob(BlobError),
    /// Any other IO error.
    #[error("the disk failed: {0}")]
    Io(#[source] io::Error),
}

impl From<StoreError> for BackupError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::DiskFull) { Self::DiskFull } else { Self::Store(error) }
    }
}

impl From<BlobError> for BackupError {
    fn from(error: BlobError) -> Self {
        if matches!(error, BlobError::DiskFull) { Self::DiskFull } else { Self::Blob(error) }
    }
}

impl From<VaultError> for BackupError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::DiskFull => Self::DiskFull,
            VaultError::Io(error) => Self::Io(error),
            VaultError::Damaged("backup") => Self::Damaged("its first bytes make no sense"),
            other => Self::Vault(other),
        }
    }
}

/// Writes a backup under a path that the person named. It gets that name when it is whole and synced; what had the name
/// is replaced then.
///
/// # Errors
/// [`BackupError`]; nothing is left under the name that was not there before.
pub fn write(
    store: &SqliteStore,
    to: &Path,
    passphrase: &str,
    pictures: Pictures,
    now: UnixMillis,
) -> Result<Summary, BackupError> {
    let name = to.file_name().ok_or(io::ErrorKind::InvalidFilename).map_err(|kind| BackupError::Io(kind.into()))?;
    let mut part = std::ffi::OsString::from(".");
    part.push(name);
    part.push(format!(".{}.part", random_name()?));
    let part = to.with_file_name(part);
    let outcome = write_part(store, &part, passphrase, pictures, now).and_then(|summary| {
        fs::rename(&part, to)?;
        // A path without a folder names one in the current folder.
        let to = if to.parent() == Some(Path::new("")) { Path::new(".").join(to) } else { to.to_owned() };
        crate::disk::sync_parent(&to)?;
        Ok(summary)
    });
    if outcome.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&part);
    }
    outcome
}

fn write_part(
    store: &SqliteStore,
    part: &Path,
    passphrase: &str,
    pictures: Pictures,
    now: UnixMillis,
) -> Result<Summary, BackupError> {
    let file = crate::disk::private_file(part)?;
    let blobs = (pictures == Pictures::Kept).then(|| store.blobs().as_ref());
    let (out, summary) = write_to(store, blobs, BufWriter::new(file), passphrase, now)?;
    let file: File = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(summary)
}

/// Writes a backup to `out` in constant memory, apart from what [`Store::boot`] takes. Pictures go along where given.
///
/// # Errors
/// [`BackupError`]; what is in `out` then does not open.
pub fn write_to<W: Write>(
    store: &dyn Store,
    blobs: Option<&Blobs>,
    out: W,
    passphrase: &str,
    now: UnixMillis,
) -> Result<(W, Summary), BackupError> {
    let boot = store.boot()?.ok_or(BackupError::Nothing)?;
    let mut writer = Writer { sealing: Sealing::begin(out, passphrase)?, summary: Summary::default() };
    writer.put(&Record::Identity { secret: boot.secret, profile: boot.profile, made: now })?;
    for key in store.setting_keys()? {
        if let Some(value) = store.setting(&key)? {
            writer.put(&Record::Setting { key, value })?;
        }
    }
    for room in &boot.rooms {
        writer.room(store, room)?;
    }
    if let Some(blobs) = blobs {
        for blob in blobs.all()? {
            // A blob that nobody offers any more is about to be swept.
            if store.unoffered(&[blob])?.is_empty() {
                writer.blob(blobs, blob)?;
            }
        }
    }
    let Summary { entries, pictures, .. } = writer.summary;
    writer.put(&Record::End { entries, blobs: pictures })?;
    Ok((writer.sealing.finish()?, writer.summary))
}

struct Writer<W: Write> {
    sealing: Sealing<W>,
    summary: Summary,
}

impl<W: Write> Writer<W> {
    fn put(&mut self, record: &Record) -> Result<(), BackupError> {
        self.sealing.write(&record.encode().map_err(unwritable)?)
    }

    fn room(&mut self, store: &dyn Store, room: &BootRoom) -> Result<(), BackupError> {
        self.summary.rooms += 1;
        self.put(&Record::Room(Box::new(RoomRecord {
            room: room.room,
            standing: room.standing,
            brokers: room.brokers.clone(),
            invite: room.invite.clone(),
            epochs: room.epochs.clone(),
            frontier: room.frontier.iter().map(|(order, _)| order.hash).collect(),
            read: room.read,
            draft: store.draft(room.room)?,
        })))?;
        for link in &room.invites {
            self.put(&Record::Invite(link.clone()))?;
        }
        for marks in room.held.chunks(HELD_MARKS) {
            self.put(&Record::Held(marks.to_vec()))?;
        }
        for one in &room.branches {
            self.put(&branch_record(one))?;
        }
        for_each_entry(store, room, |entry| {
            let (clock, first_seen, shown) = (entry.order.clock, entry.first_seen, entry.shown);
            self.put(&Record::Stored { entry: travelling(entry), clock, first_seen, shown })?;
            self.summary.entries += 1;
            Ok(())
        })
    }

    /// A content that went meanwhile, or cannot be read to its end, is left out: members have it.
    fn blob(&mut self, blobs: &Blobs, blob: BlobHash) -> Result<(), BackupError> {
        let mut reader = match blobs.reader(blob) {
            Ok(reader) => reader,
            Err(BlobError::NotHere | BlobError::Damaged) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        self.put(&Record::Blob { blob, size: reader.size() })?;
        self.summary.pictures += 1;
        let mut part = vec![0; PART_BYTES];
        loop {
            let mut filled = 0;
            while filled < PART_BYTES {
                match reader.read(&mut part[filled..]) {
                    Ok(0) => break,
                    Ok(bytes) => filled += bytes,
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(()),
                    Err(error) => return Err(error.into()),
                }
            }
            if filled == 0 {
                return Ok(());
            }
            self.put(&Record::Part(part[..filled].to_vec()))?;
        }
    }
}

/// Hands over a room's entries as they stood when `room` was read, in the room's order, a bounded page at a time.
///
/// # Errors
/// [`BackupError::Moved`] when the room went meanwhile, and those of `each` and of the store.
pub fn for_each_entry<E: From<BackupError>>(
    store: &dyn Store,
    room: &BootRoom,
    mut each: impl FnMut(StoredEntry) -> Result<(), E>,
) -> Result<(), E> {
    let heads: BTreeMap<LogKey, u64> = room.heads.iter().map(|head| (head.log, head.seq)).collect();
    let begins: BTreeMap<LogKey, u64> = room.branches.iter().map(|one| (branch(one.log, one.first), one.at)).collect();
    let before = |log: &LogKey| begins.get(log).map_or(0, |at| at - 1);
    let expected: u64 = heads.iter().map(|(log, seq)| seq - before(log)).sum();
    let (mut handed, mut after) = (0, None);
    loop {
        let page = store.history(room.room, after, limits::TIMELINE_ENTRIES).map_err(BackupError::from)?;
        let Some(last) = page.last() else { break };
        after = Some(last.order);
        for entry in page {
            // What came since may name what came since.
            if heads.get(&entry.log).is_some_and(|head| entry.seq <= *head) {
                handed += 1;
                each(entry)?;
            }
        }
    }
    if handed == expected { Ok(()) } else { Err(BackupError::Moved.into()) }
}

/// What a file says of a branch.
pub fn branch_record(branch: &Branch) -> Record {
    let (header, signature) = (branch.header.clone(), branch.signature);
    Record::Branch { log: branch.log, first: Entry { header, signature, salt: [0; 16], payload: None } }
}

/// The entry as it travels.
pub fn travelling(entry: StoredEntry) -> Entry {
    Entry { header: entry.header, signature: entry.signature, salt: entry.salt, payload: entry.payload }
}

/// A room at this moment, from one snapshot.
///
/// # Errors
/// Any [`StoreError`] of reading; [`StoreError::NoSuchRoom`].
pub fn moment(store: &dyn Store, room: RoomId) -> Result<BootRoom, StoreError> {
    let boot = store.boot()?.ok_or(StoreError::NoIdentity)?;
    boot.rooms.into_iter().find(|other| other.room == room).ok_or(StoreError::NoSuchRoom(room))
}

fn random_name() -> Result<String, BackupError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| BackupError::Io(error.into()))?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

/// The store holds nothing larger than the records do.
fn unwritable(_: WireError) -> BackupError {
    BackupError::Damaged("something in the database is larger than it may be")
}

#[cfg(test)]
mod tests;
