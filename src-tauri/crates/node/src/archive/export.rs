//! From a room on this disk to its file. Blocking.

use super::block::BlockWriter;
use super::page::{Head, Page, Preview, Shown};
use super::{CARRIED_BYTES_IN_ALL, CARRIED_PICTURES, SHOWN_BYTES, SHOWN_BYTES_IN_ALL};
use crate::api::{ApiError, Message, MessageBody};
use crate::library::Disk;
use crate::media::{DOWNLOAD, MediaBody};
use natter_engine::ids::{BlobHash, DeviceId, EntryHash, LogKey};
use natter_engine::port::{OrderKey, StoredEntry};
use natter_engine::rooms::RoomView;
use natter_engine::time::{Hlc, UnixMillis};
use natter_engine::wire::archive::{PART_BYTES, Record};
use natter_engine::wire::{Body, PICTURE_TYPES, Picture, kind};
use natter_store::backup::{BackupError, branch_record, for_each_entry, moment, travelling};
use natter_store::blobs::BlobError;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};

/// Messages rendered at a time.
const PAGE: usize = 200;

/// What an export needs.
pub(crate) struct Export<'a> {
    pub(crate) disk: &'a Disk<'a>,
    pub(crate) view: &'a RoomView,
    /// Who exports.
    pub(crate) by: &'a str,
    pub(crate) now: UnixMillis,
}

/// Writes the room to `out`. `show` folds entries into what is shown of them.
pub(crate) fn write<W: Write>(
    export: &Export<'_>,
    out: W,
    show: impl Fn(&[StoredEntry]) -> Vec<Message>,
) -> Result<W, ApiError> {
    let Export { disk, view, by, now } = export;
    let store = disk.store;
    let moment = moment(store, view.room)?;
    let head = Head { room: &view.name, about: &view.about, by, made: now.0 };
    let mut page = Page::begin(out, &head, names(view)).map_err(unsaved)?;
    let mut after = OrderKey { clock: Hlc(0), author: DeviceId([0; 32]), hash: EntryHash([0; 32]) };
    let mut shown_bytes = 0;
    loop {
        let entries = disk.after(view, after, PAGE, kind::SHOWN)?;
        let Some(last) = entries.last() else { break };
        after = last.order;
        for (entry, message) in entries.iter().zip(show(&entries)) {
            let picture = match (&message.body, picture_of(entry)) {
                (MessageBody::Picture { .. }, Some(picture)) => shown(disk, &picture, &mut shown_bytes)?,
                _ => None,
            };
            page.message(&message, picture).map_err(unsaved)?;
        }
    }
    let mut block = BlockWriter::begin(page.finish().map_err(unsaved)?).map_err(unsaved)?;
    block.put(&Record::RoomFile { room: view.room, name: view.name.clone(), made: *now }).map_err(unsaved)?;
    let mut entries = 0;
    let firsts: BTreeMap<EntryHash, LogKey> = moment.branches.iter().map(|one| (one.first, one.log)).collect();
    let mut told: BTreeSet<LogKey> = BTreeSet::new();
    for_each_entry(store, &moment, |entry| {
        entries += 1;
        // Whoever reads the file must know of a fork before the second history begins.
        if let Some(log) = firsts.get(&entry.order.hash).filter(|log| told.insert(**log)) {
            let of_log = moment.branches.iter().filter(|one| one.log == *log);
            of_log.map(branch_record).try_for_each(|record| block.put(&record).map_err(Stop::Io))?;
        }
        block.put(&Record::Entry(travelling(entry))).map_err(Stop::Io)
    })?;
    let mut carried = Carried::default();
    for_each_entry(store, &moment, |entry| {
        entry.blobs.iter().try_for_each(|blob| carry(disk, *blob, &mut carried, &mut block))
    })?;
    block.put(&Record::End { entries, blobs: carried.pictures }).map_err(unsaved)?;
    let mut out = block.finish().map_err(unsaved)?;
    writeln!(out, "</body>\n</html>").map_err(unsaved)?;
    Ok(out)
}

fn names(view: &RoomView) -> BTreeMap<String, String> {
    let members = view.members.iter().map(|member| (member.device, &member.profile));
    let all = view.former.iter().map(|(device, profile)| (*device, profile)).chain(members);
    all.map(|(device, profile)| (device.to_string(), profile.name.clone())).collect()
}

fn picture_of(entry: &StoredEntry) -> Option<Picture> {
    match Body::decode(entry.kind, entry.payload.as_deref()?) {
        Ok(Body::Picture(picture)) => Some(picture),
        Ok(_) | Err(_) => None,
    }
}

/// What the page shows of a picture: all of it, its preview, or nothing.
fn shown(disk: &Disk<'_>, picture: &Picture, so_far: &mut u64) -> Result<Option<Shown>, ApiError> {
    let fits = picture.size <= SHOWN_BYTES && *so_far + picture.size <= SHOWN_BYTES_IN_ALL;
    let whole = match disk.store.blobs().reader(picture.blob) {
        Ok(reader) if fits && reader.size() == picture.size => MediaBody::blob(reader, &picture.name).ok(),
        Ok(_) | Err(BlobError::NotHere | BlobError::Damaged) => None,
        Err(error) => return Err(error.into()),
    };
    if let Some(mut body) = whole.filter(|body| is_picture(body.mime))
        && let Ok(bytes) = body.read(0..body.len)
    {
        *so_far += bytes.len() as u64;
        return Ok(Some(Shown { mime: body.mime, bytes, preview: Preview::No }));
    }
    let mut preview = MediaBody::foreign(picture.preview.clone(), &picture.name);
    if preview.mime == DOWNLOAD || !is_picture(preview.mime) {
        return Ok(None);
    }
    let mime = preview.mime;
    Ok(preview.read(0..preview.len).ok().map(|bytes| Shown { mime, bytes, preview: Preview::Yes }))
}

fn is_picture(mime: &str) -> bool {
    PICTURE_TYPES.contains(&mime)
}

/// What the block holds so far.
#[derive(Default)]
struct Carried {
    pictures: u64,
    bytes: u64,
    known: BTreeSet<BlobHash>,
}

/// Puts a picture into the block. One that is not here, or cannot be read to its end, is left out or left short.
fn carry<W: Write>(
    disk: &Disk<'_>,
    blob: BlobHash,
    carried: &mut Carried,
    block: &mut BlockWriter<W>,
) -> Result<(), Stop> {
    if carried.pictures >= CARRIED_PICTURES || carried.known.contains(&blob) {
        return Ok(());
    }
    let mut reader = match disk.store.blobs().reader(blob) {
        Ok(reader) => reader,
        Err(BlobError::NotHere | BlobError::Damaged) => return Ok(()),
        Err(error) => return Err(Stop::Api(error.into())),
    };
    let size = reader.size();
    if carried.bytes + size > CARRIED_BYTES_IN_ALL {
        return Ok(());
    }
    carried.known.insert(blob);
    carried.pictures += 1;
    carried.bytes += size;
    block.put(&Record::Blob { blob, size }).map_err(Stop::Io)?;
    let mut part = vec![0; PART_BYTES];
    loop {
        let mut filled = 0;
        while filled < PART_BYTES {
            match reader.read(&mut part[filled..]) {
                Ok(0) => break,
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(()),
                Err(error) => return Err(Stop::Api(ApiError::io("a picture could not be read", &error))),
            }
        }
        if filled == 0 {
            return Ok(());
        }
        block.put(&Record::Part(part[..filled].to_vec())).map_err(Stop::Io)?;
    }
}

/// Why the entries are not read to their end.
enum Stop {
    Backup(BackupError),
    Io(io::Error),
    Api(ApiError),
}

impl From<BackupError> for Stop {
    fn from(error: BackupError) -> Self {
        Self::Backup(error)
    }
}

impl From<Stop> for ApiError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Backup(error) => error.into(),
            Stop::Io(error) => unsaved(error),
            Stop::Api(error) => error,
        }
    }
}

fn unsaved(error: io::Error) -> ApiError {
    ApiError::io("the room could not be saved", &error)
}
