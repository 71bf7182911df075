//! From a backup to a profile.

use super::stream::Opening;
use super::{BackupError, Summary, random_name};
use crate::blobs::{BlobError, BlobWriter, Blobs};
use crate::disk;
use crate::error::StoreError;
use crate::sqlite::SqliteStore;
use crate::vault::{FILES, Protection, Vault};
use crate::{Store, limits};
use natter_engine::ids::{EntryHash, LogId, LogKey, RoomId};
use natter_engine::messages::branches::{Branches, Filed};
use natter_engine::port::{Branch, Op, OrderKey, Profile, StoredEntry};
use natter_engine::time::{Hlc, UnixMillis};
use natter_engine::wire::archive::{RECORD_BYTES, Record, RoomRecord};
use natter_engine::wire::limits::{LOGS_PER_ROOM, PICTURE_BYTES, ROOMS};
use natter_engine::wire::{Body, Entry, WireError};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// What may be in the folder already: the window keeps its own things there before there is a profile.
const BYSTANDER: &str = "webview";
/// What a profile is made of besides its key, which goes last: a database without one is never taken for a new profile.
const PARTS: [&str; 3] = ["blobs", "natter.db", "natter.check"];
/// Operations in one transaction.
const BATCH: usize = 256;

/// Makes a profile in `dir` of a backup, its key kept as `protection` says, and returns what is in it. `dir` must be empty
/// (but for what the window keeps in `webview`) or not there. All of it is verified before the profile gets its name; it writes in a log that was never written in.
///
/// # Errors
/// [`BackupError::NotEmpty`] before anything else; [`BackupError`]. `dir` is then as it was.
pub fn restore(from: &Path, passphrase: &str, dir: &Path, protection: Protection<'_>) -> Result<Summary, BackupError> {
    let place = place(dir)?;
    if place == Place::Taken {
        return Err(BackupError::NotEmpty(dir.to_owned()));
    }
    // The passphrase before the key is made: a wrong one must leave nothing behind, in no keychain either.
    let mut opening = Opening::begin(BufReader::new(File::open(from)?), passphrase)?;
    let (parent, name) = match (dir.parent(), dir.file_name()) {
        (Some(parent), Some(name)) if parent == Path::new("") => (Path::new("."), name),
        (Some(parent), Some(name)) => (parent, name),
        _ => return Err(BackupError::Io(io::ErrorKind::InvalidFilename.into())),
    };
    disk::private_dir(parent)?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.restoring", random_name()?));
    let beside = parent.join(beside);
    let outcome = make(&mut opening, &beside, protection).and_then(|summary| {
        match place {
            Place::Nowhere => fs::rename(&beside, dir)?,
            Place::Empty => {
                // Empty, or this fails: nothing is ever removed that was not seen.
                fs::remove_dir(dir)?;
                fs::rename(&beside, dir)?;
            }
            Place::Shared | Place::Taken => move_in(&beside, dir)?,
        }
        disk::sync_parent(&parent.join(name))?;
        Ok(summary)
    });
    if outcome.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_dir_all(&beside);
    }
    outcome
}

/// What is where the profile goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Nowhere,
    Empty,
    /// The window's own things alone.
    Shared,
    Taken,
}

fn place(dir: &Path) -> io::Result<Place> {
    let files = match fs::read_dir(dir) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::Nowhere),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(Place::Taken),
        Err(error) => return Err(error),
    };
    let mut place = Place::Empty;
    for file in files {
        if file?.file_name() != BYSTANDER {
            return Ok(Place::Taken);
        }
        place = Place::Shared;
    }
    Ok(place)
}

/// Moves a whole profile in beside what is there. What cannot be moved undoes what was.
fn move_in(from: &Path, dir: &Path) -> Result<(), BackupError> {
    let mut moved = Vec::new();
    let all = PARTS.iter().chain(&FILES).filter(|name| from.join(name).exists());
    let outcome = all.into_iter().try_for_each(|name| {
        fs::rename(from.join(name), dir.join(name))?;
        moved.push(*name);
        disk::sync_parent(&dir.join(name))
    });
    if let Err(error) = outcome {
        for name in moved {
            // Back to where it is removed; the first error is the one to tell.
            let _ = fs::rename(dir.join(name), from.join(name));
        }
        return Err(error.into());
    }
    // Only its lock is left there.
    Ok(fs::remove_dir_all(from)?)
}

fn make<R: BufRead>(opening: &mut Opening<R>, dir: &Path, protection: Protection<'_>) -> Result<Summary, BackupError> {
    let key = Vault::create(dir, protection)?;
    let store = SqliteStore::open(dir, &key)?;
    let mut log = [0; 16];
    getrandom::fill(&mut log).map_err(|error| BackupError::Io(error.into()))?;
    let summary = read_into(opening, &store, Some(store.blobs()), LogId(log))?;
    // The last connection moves the write-ahead log into the file.
    drop(store);
    disk::sync_parent(&dir.join("natter.db"))?;
    Ok(summary)
}

/// Reads a whole backup into an empty store, which writes in `log` from there on: one that nobody ever wrote in, or the
/// copy forks. Pictures are dropped where no place for them is given. [`restore`] is what people want; this is for stores
/// that are no folder.
///
/// # Errors
/// [`BackupError`]; the store then holds a part of it.
pub fn restore_to<R: BufRead>(
    from: R,
    passphrase: &str,
    store: &dyn Store,
    blobs: Option<&Blobs>,
    log: LogId,
) -> Result<Summary, BackupError> {
    read_into(&mut Opening::begin(from, passphrase)?, store, blobs, log)
}

fn read_into<R: BufRead>(
    opening: &mut Opening<R>,
    store: &dyn Store,
    blobs: Option<&Blobs>,
    log: LogId,
) -> Result<Summary, BackupError> {
    let mut reading = Reading {
        store,
        blobs,
        log,
        stage: Stage::Begun,
        ops: Vec::new(),
        summary: Summary::default(),
        announced: 0,
        rooms: BTreeSet::new(),
    };
    let mut length = [0; 4];
    let mut record = vec![0; RECORD_BYTES];
    while opening.fill(&mut length)?.is_some() {
        let bytes = u32::from_be_bytes(length) as usize;
        let bytes = record.get_mut(..bytes).ok_or(BackupError::Damaged("a record is too long"))?;
        opening.fill(bytes)?.ok_or(BackupError::Damaged("it is cut short"))?;
        match Record::decode(bytes) {
            Ok(record) => reading.take(record)?,
            // A newer Natter may say more; what it says that this one must know has a new version.
            Err(WireError::UnknownKind) => {}
            Err(WireError::UnknownVersion) => return Err(BackupError::TooNew),
            Err(WireError::Malformed | WireError::OverLimit | WireError::OutOfRange) => {
                return Err(BackupError::Damaged("a record cannot be read"));
            }
        }
    }
    match reading.stage {
        Stage::Ended => Ok(reading.summary),
        Stage::Begun | Stage::Said | Stage::Room(_) | Stage::Blob(_) => Err(BackupError::Damaged("it is cut short")),
    }
}

/// Where in the file we are.
enum Stage<'a> {
    Begun,
    Said,
    Room(Box<Open>),
    /// The content that is being written; none while its parts are skipped.
    Blob(Option<Box<BlobWriter<&'a Blobs>>>),
    Ended,
}

/// A room whose entries are being read.
struct Open {
    room: RoomId,
    draft: Option<String>,
    branches: Branches,
    heads: BTreeMap<LogKey, (u64, EntryHash)>,
    last: Option<OrderKey>,
}

struct Reading<'a> {
    store: &'a dyn Store,
    blobs: Option<&'a Blobs>,
    log: LogId,
    stage: Stage<'a>,
    ops: Vec<Op>,
    summary: Summary,
    /// BLOB records, whole ones and others.
    announced: u64,
    rooms: BTreeSet<RoomId>,
}

impl Reading<'_> {
    fn take(&mut self, record: Record) -> Result<(), BackupError> {
        match record {
            Record::Identity { secret, profile, .. } => self.identity(secret, &profile),
            Record::Setting { key, value } if matches!(self.stage, Stage::Said) => {
                Ok(self.store.put_setting(&key, Some(&value))?)
            }
            Record::Room(room) => self.room(*room),
            Record::Invite(link) => match &self.stage {
                Stage::Room(open) if open.room == link.room => {
                    let room = open.room;
                    self.put(Op::PutInvite { room, link })
                }
                _ => Err(out_of_place()),
            },
            Record::Held(marks) => {
                let Stage::Room(open) = &self.stage else { return Err(out_of_place()) };
                let room = open.room;
                marks.into_iter().try_for_each(|(holder, log, seq)| self.put(Op::PutHeld { room, holder, log, seq }))
            }
            Record::Branch { log, first } => {
                let Stage::Room(open) = &mut self.stage else { return Err(out_of_place()) };
                let branch = begun(open, log, &first)?;
                let (room, at) = (open.room, branch.at);
                self.put(Op::Split { room, log, at, ours: None, branches: vec![branch] })
            }
            Record::Stored { entry, clock, first_seen, shown } => {
                let Stage::Room(open) = &mut self.stage else { return Err(out_of_place()) };
                let stored = verified(open, entry, clock, first_seen, shown)?;
                self.summary.entries += 1;
                self.put(Op::PutEntry(stored))
            }
            Record::Blob { blob, size } => {
                self.leave_stage()?;
                if size > PICTURE_BYTES {
                    return Err(BackupError::Damaged("a picture is too large"));
                }
                self.announced += 1;
                let writer = self.blobs.map(|blobs| blobs.writer(blob, size).map(Box::new)).transpose()?;
                self.stage = Stage::Blob(writer);
                Ok(())
            }
            Record::Part(bytes) => match &mut self.stage {
                Stage::Blob(Some(writer)) => match writer.write(&bytes) {
                    Err(BlobError::Mismatch) => Err(BackupError::Damaged("a picture is longer than it said")),
                    written => Ok(written?),
                },
                Stage::Blob(None) => Ok(()),
                _ => Err(out_of_place()),
            },
            Record::End { entries, blobs } => {
                if matches!(self.stage, Stage::Begun | Stage::Ended) {
                    return Err(out_of_place());
                }
                self.leave_stage()?;
                self.stage = Stage::Ended;
                let whole = entries == self.summary.entries && blobs == self.announced;
                if whole { Ok(()) } else { Err(BackupError::Damaged("something is missing")) }
            }
            Record::Setting { .. } | Record::RoomFile { .. } | Record::Entry(_) => Err(out_of_place()),
        }
    }

    fn identity(&mut self, secret: [u8; 32], profile: &Profile) -> Result<(), BackupError> {
        if !matches!(self.stage, Stage::Begun) {
            return Err(out_of_place());
        }
        self.store.create(secret, self.log, profile)?;
        self.stage = Stage::Said;
        Ok(())
    }

    fn room(&mut self, room: RoomRecord) -> Result<(), BackupError> {
        if matches!(self.stage, Stage::Begun | Stage::Blob(_) | Stage::Ended) || !self.rooms.insert(room.room) {
            return Err(out_of_place());
        }
        if self.rooms.len() > ROOMS {
            return Err(BackupError::Damaged("it has too many rooms"));
        }
        self.leave_stage()?;
        let id = room.room;
        self.summary.rooms += 1;
        self.put(Op::PutRoom { room: id, standing: room.standing, brokers: room.brokers, invite: room.invite })?;
        for (epoch, key) in room.epochs {
            self.put(Op::PutEpoch { room: id, epoch, key })?;
        }
        self.put(Op::PutFrontier { room: id, frontier: room.frontier })?;
        if let Some(upto) = room.read {
            self.put(Op::PutRead { room: id, upto })?;
        }
        let open =
            Open { room: id, draft: room.draft, branches: Branches::default(), heads: BTreeMap::new(), last: None };
        self.stage = Stage::Room(Box::new(open));
        Ok(())
    }

    /// Ends what is open: a room, or a blob.
    fn leave_stage(&mut self) -> Result<(), BackupError> {
        match std::mem::replace(&mut self.stage, Stage::Said) {
            Stage::Begun | Stage::Ended => Err(out_of_place()),
            Stage::Said => Ok(()),
            Stage::Room(open) => {
                self.flush()?;
                if let Some(draft) = open.draft {
                    self.store.put_draft(open.room, Some(&draft))?;
                }
                Ok(())
            }
            Stage::Blob(None) => Ok(()),
            Stage::Blob(Some(writer)) => match writer.finish() {
                Ok(_) => {
                    self.summary.pictures += 1;
                    Ok(())
                }
                // Its disk gave up on it while the backup was made: members have it.
                Err(BlobError::Mismatch) => Ok(()),
                Err(error) => Err(error.into()),
            },
        }
    }

    fn put(&mut self, op: Op) -> Result<(), BackupError> {
        self.ops.push(op);
        if self.ops.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), BackupError> {
        let ops = std::mem::take(&mut self.ops);
        self.store.commit(&ops).map_err(|error| match error {
            StoreError::Conflict { .. } => BackupError::Damaged("two entries have one place"),
            StoreError::Invalid(_) | StoreError::TooMany(_) => BackupError::Damaged("a value is over its limit"),
            other => other.into(),
        })
    }
}

/// The first entry of a branch: it must verify, and name the log that it says or one that this is a branch of.
fn begun(open: &mut Open, log: LogKey, first: &Entry) -> Result<Branch, BackupError> {
    let (header, hash) = first.open().map_err(|_| BackupError::Damaged("an entry does not verify"))?;
    let fits = header.room_of(hash) == open.room
        && header.log.author == log.author
        && open.branches.split_at(log).is_none_or(|at| at == header.seq)
        && open.branches.has_room_for(log, 1);
    if !fits || open.last.is_some() {
        return Err(out_of_place());
    }
    open.branches.add(log, header.seq, hash);
    Ok(Branch { log, at: header.seq, first: hash, header: first.header.clone(), signature: first.signature })
}

/// An entry as the engine would have stored it: signature, commitment, place in its log and in the room's order.
fn verified(
    open: &mut Open,
    entry: Entry,
    clock: Hlc,
    first_seen: UnixMillis,
    shown: UnixMillis,
) -> Result<StoredEntry, BackupError> {
    let (header, hash) = entry.open().map_err(|_| BackupError::Damaged("an entry does not verify"))?;
    let order = OrderKey { clock, author: header.log.author, hash };
    let at = |log: LogKey, seq| open.heads.get(&log).filter(|(last, _)| *last == seq).map(|(_, hash)| *hash);
    let Filed::In(log) = open.branches.file(&header, hash, at) else {
        return Err(BackupError::Damaged("an entry is out of its place"));
    };
    let parent = || open.branches.parent(log).and_then(|(parent, _)| open.heads.get(&parent));
    let head = open.heads.get(&log).or_else(parent).copied();
    let follows = header.seq == head.map_or(0, |(seq, _)| seq) + 1 && header.prev == head.map(|(_, hash)| hash);
    let ordered = clock >= header.clock && open.last.is_none_or(|last| last < order);
    if header.room_of(hash) != open.room || !follows || !ordered {
        return Err(BackupError::Damaged("an entry is out of its place"));
    }
    if open.heads.insert(log, (header.seq, hash)).is_none() && open.heads.len() > LOGS_PER_ROOM {
        return Err(BackupError::Damaged("a room has too many logs"));
    }
    open.last = Some(order);
    let body = entry.payload.as_deref().and_then(|payload| Body::decode(header.kind, payload).ok());
    let mut blobs = body.as_ref().map(Body::blobs).unwrap_or_default();
    blobs.truncate(limits::BLOBS_PER_ENTRY);
    Ok(StoredEntry {
        room: open.room,
        log,
        seq: header.seq,
        order,
        kind: header.kind,
        signature: entry.signature,
        salt: entry.salt,
        blobs,
        target: body.as_ref().and_then(Body::target),
        words: body.as_ref().and_then(Body::words).map(str::to_owned),
        expires: body.as_ref().and_then(|body| body.expires(header.written)),
        header: entry.header,
        payload: entry.payload,
        first_seen,
        shown,
    })
}

fn out_of_place() -> BackupError {
    BackupError::Damaged("a record is out of its place")
}
