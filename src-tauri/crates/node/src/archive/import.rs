//! From a room's file to what can be taken in. Everything in it is hostile data: it is read twice, the first time to see
//! that all of it verifies, so that a bent file changes nothing.

use super::block::BlockReader;
use super::{damaged, not_a_room_file};
use crate::api::ApiError;
use natter_engine::ids::{BlobHash, RoomId};
use natter_engine::wire::Entry;
use natter_engine::wire::archive::Record;
use natter_engine::wire::limits::{BRANCHES_PER_AUTHOR, IMPORT_ENTRIES, PICTURE_BYTES};
use std::io::BufRead;

/// What a file gives, in its order.
pub(crate) enum Given {
    /// The next entries, at most [`IMPORT_ENTRIES`].
    Entries(Vec<Entry>),
    /// The first entries of the branches of a log that was written twice.
    Branches(Vec<Entry>),
    /// A picture begins.
    Picture(BlobHash, u64),
    /// Its next bytes.
    Bytes(Vec<u8>),
    /// It is over, whole or not.
    PictureEnds,
}

/// Reads a file from its beginning to its end, verifying each entry and its counts, and hands over what it gives.
/// Returns the room.
pub(crate) fn read(
    from: impl BufRead,
    mut take: impl FnMut(RoomId, Given) -> Result<(), ApiError>,
) -> Result<RoomId, ApiError> {
    let mut block = BlockReader::begin(from)?;
    let Some(Record::RoomFile { room, .. }) = block.next()? else { return Err(not_a_room_file()) };
    let mut entries: Vec<Entry> = Vec::new();
    let mut branches: Vec<Entry> = Vec::new();
    let (mut entry_count, mut picture_count) = (0, 0);
    // Bytes that are still to come of the picture that is being read.
    let mut rest: Option<u64> = None;
    let mut ended = false;
    while let Some(record) = block.next()? {
        if ended {
            return Err(damaged("it goes on after its end"));
        }
        match record {
            Record::Entry(entry) if picture_count == 0 => {
                if !branches.is_empty() {
                    take(room, Given::Branches(std::mem::take(&mut branches)))?;
                }
                let opened = entry.open().map_err(|_| damaged("an entry does not verify"))?;
                if opened.0.room_of(opened.1) != room {
                    return Err(damaged("an entry is of another room"));
                }
                entry_count += 1;
                entries.push(entry);
                if entries.len() == IMPORT_ENTRIES {
                    take(room, Given::Entries(std::mem::take(&mut entries)))?;
                }
            }
            Record::Branch { first, .. } if picture_count == 0 => {
                flush(room, &mut entries, None, &mut take)?;
                first.open().map_err(|_| damaged("an entry does not verify"))?;
                branches.push(first);
                if branches.len() > BRANCHES_PER_AUTHOR {
                    return Err(damaged("a log has too many branches"));
                }
            }
            Record::Blob { blob, size } => {
                flush(room, &mut entries, rest.take(), &mut take)?;
                if size > PICTURE_BYTES {
                    return Err(damaged("a picture is too large"));
                }
                picture_count += 1;
                rest = Some(size);
                take(room, Given::Picture(blob, size))?;
            }
            Record::Part(bytes) => {
                let left = rest.as_mut().ok_or_else(|| damaged("a record is out of its place"))?;
                let left_after = left.checked_sub(bytes.len() as u64);
                *left = left_after.ok_or_else(|| damaged("a picture is longer than it said"))?;
                take(room, Given::Bytes(bytes))?;
            }
            Record::End { entries: all, blobs } => {
                flush(room, &mut entries, rest.take(), &mut take)?;
                ended = true;
                if all != entry_count || blobs != picture_count {
                    return Err(damaged("something is missing"));
                }
            }
            Record::Entry(_)
            | Record::Branch { .. }
            | Record::RoomFile { .. }
            | Record::Identity { .. }
            | Record::Setting { .. }
            | Record::Room(_)
            | Record::Invite(_)
            | Record::Held(_)
            | Record::Stored { .. } => return Err(damaged("a record is out of its place")),
        }
    }
    if ended { Ok(room) } else { Err(damaged("it is cut short")) }
}

fn flush(
    room: RoomId,
    entries: &mut Vec<Entry>,
    picture: Option<u64>,
    take: &mut impl FnMut(RoomId, Given) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    if !entries.is_empty() {
        take(room, Given::Entries(std::mem::take(entries)))?;
    }
    if picture.is_some() { take(room, Given::PictureEnds) } else { Ok(()) }
}

/// Reads a file and keeps nothing of it.
///
/// # Errors
/// What is wrong with it. A picture that is whole and not what it should be counts; one that ends early does not.
pub(crate) fn verify(from: impl BufRead) -> Result<RoomId, ApiError> {
    let mut picture: Option<(BlobHash, u64, blake3::Hasher)> = None;
    read(from, |_, given| {
        match given {
            Given::Entries(_) | Given::Branches(_) => {}
            Given::Picture(blob, size) => picture = Some((blob, size, blake3::Hasher::new())),
            Given::Bytes(bytes) => {
                if let Some((_, _, hasher)) = &mut picture {
                    hasher.update(&bytes);
                }
            }
            Given::PictureEnds => {
                if let Some((blob, size, hasher)) = picture.take()
                    && hasher.count() == size
                    && *hasher.finalize().as_bytes() != blob.0
                {
                    return Err(damaged("a picture is not what it should be"));
                }
            }
        }
        Ok(())
    })
}
