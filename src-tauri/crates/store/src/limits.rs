//! Every limit of the store, by name, and the check that both twins put before a write.

use crate::error::StoreError;
use natter_engine::ids::{BlobHash, EntryHash, LogKey};
use natter_engine::port::{Branch, Op, StoredEntry};
use natter_engine::signaling::InviteLink;
use natter_engine::wire::limits::{BRANCHES_PER_AUTHOR, BROKER_URL_BYTES, BROKERS, HEADER_BYTES, PAYLOAD_BYTES};

/// Bytes of one answer to `Fetch::Entries`. The first entry is always in it.
pub const ENTRIES_BYTES: usize = 256 * 1024;
/// Hashes in one `Fetch::Lookup`: an entry's predecessor and its 16 parents.
pub const LOOKUP_HASHES: usize = 17;
/// Entries of one page of a timeline.
pub const TIMELINE_ENTRIES: usize = 500;
/// Entry kinds that one query may name.
pub const KINDS: usize = 64;
/// Where counting the unread stops.
pub const UNREAD_COUNTED: u32 = 999;
/// Hashes of a room's frontier.
pub const FRONTIER_HASHES: usize = 1024;
/// Blobs that one entry may offer.
pub const BLOBS_PER_ENTRY: usize = 64;
/// Links of own invites kept for a room; the oldest gives way.
pub const INVITE_LINKS_PER_ROOM: usize = 256;
/// Bytes of a profile's name: 64 graphemes of the longest kind fit.
pub const NAME_BYTES: usize = 4096;
/// Bytes of an avatar.
pub const AVATAR_BYTES: usize = 64 * 1024;
/// Settings in all.
pub const SETTINGS: usize = 256;
/// The setting that names the room in which this person's devices meet: the engine's, by `Op::PutCircle`.
pub(crate) const CIRCLE_SETTING: &str = "circle";
/// Bytes of a setting's key.
pub const SETTING_KEY_BYTES: usize = 64;
/// Bytes of a setting's value.
pub const SETTING_BYTES: usize = 64 * 1024;
/// Requests that may wait for the writer.
pub const QUEUED_REQUESTS: usize = 4096;
/// Bytes of requests that may wait for the writer.
pub const QUEUED_BYTES: usize = 64 * 1024 * 1024;
/// Requests folded into one transaction.
pub const GROUP_REQUESTS: usize = 512;
/// Reads that may wait for the reader.
pub const QUEUED_FETCHES: usize = 4096;
/// Expired entries of one answer to `Fetch::Expired`.
pub const EXPIRED_ENTRIES: usize = 256;
/// Entries about one target that `Store::related` tells; the newest.
pub const RELATED_PER_TARGET: usize = 512;
/// Pinned entries of a room; the newest pins.
pub const PINNED: usize = 64;
/// Hits of one page of a search.
pub const SEARCH_HITS: usize = 100;
/// Bytes of a search's query.
pub const QUERY_BYTES: usize = 1024;
/// Words of a search's query; in scripts without spaces each character is one.
pub const QUERY_WORDS: usize = 64;
/// Bytes of a word that a search compares; the rest of a longer one is not looked at.
pub const WORD_BYTES: usize = 64;
/// Bytes of a draft.
pub const DRAFT_BYTES: usize = 16 * 1024;
/// Blobs that one question for the unoffered may name.
pub const UNOFFERED_BLOBS: usize = 4096;

/// What an entry counts towards [`ENTRIES_BYTES`].
pub(crate) fn weight(entry: &StoredEntry) -> usize {
    entry.header.len() + entry.signature.len() + entry.salt.len() + entry.payload.as_ref().map_or(0, Vec::len)
}

/// As many of the first entries as [`ENTRIES_BYTES`] allow; the first is always among them.
pub(crate) fn within_bytes(entries: impl Iterator<Item = StoredEntry>) -> Vec<StoredEntry> {
    let mut bytes = 0;
    let mut taken = Vec::new();
    for entry in entries {
        bytes += weight(&entry);
        if bytes > ENTRIES_BYTES && !taken.is_empty() {
            break;
        }
        taken.push(entry);
    }
    taken
}

/// Refuses more targets than a page of a timeline has.
pub(crate) fn check_targets(targets: &[EntryHash]) -> Result<(), StoreError> {
    if targets.len() > TIMELINE_ENTRIES { Err(StoreError::TooMany("targets")) } else { Ok(()) }
}

pub(crate) fn check_unoffered(blobs: &[BlobHash]) -> Result<(), StoreError> {
    if blobs.len() > UNOFFERED_BLOBS { Err(StoreError::TooMany("blobs")) } else { Ok(()) }
}

pub(crate) fn check_draft(text: Option<&str>) -> Result<(), StoreError> {
    if text.is_some_and(|text| text.len() > DRAFT_BYTES) { Err(StoreError::Invalid("draft")) } else { Ok(()) }
}

/// What a request counts towards [`QUEUED_BYTES`], about.
pub(crate) fn request_weight(ops: &[Op]) -> usize {
    ops.iter()
        .map(|op| match op {
            Op::PutEntry(entry) => 256 + weight(entry) + entry.words.as_ref().map_or(0, String::len),
            Op::PutFrontier { frontier, .. } => 64 + 32 * frontier.len(),
            Op::PutProfile(profile) => 64 + profile.name.len() + profile.avatar.as_ref().map_or(0, Vec::len),
            Op::Split { branches, .. } => 256 + branches.iter().map(|one| 128 + one.header.len()).sum::<usize>(),
            Op::PutRoom { .. } | Op::PutInvite { .. } => 4096,
            Op::PutLog(_)
            | Op::PutCircle(_)
            | Op::PutEpoch { .. }
            | Op::PutHeld { .. }
            | Op::PutRead { .. }
            | Op::Erase { .. }
            | Op::ForgetRoom(_) => 128,
        })
        .sum()
}

/// Refuses a request with anything in it that no store could hand back as it was given, before any of it is tried.
pub(crate) fn check(ops: &[Op]) -> Result<(), StoreError> {
    ops.iter().try_for_each(check_op)
}

fn check_op(op: &Op) -> Result<(), StoreError> {
    match op {
        Op::PutRoom { brokers, invite, .. } => {
            if brokers.len() > BROKERS {
                return Err(StoreError::TooMany("brokers"));
            }
            if brokers.iter().any(|b| b.len() > BROKER_URL_BYTES) {
                return Err(StoreError::Invalid("broker"));
            }
            invite.as_ref().map_or(Ok(()), check_link)
        }
        Op::PutEntry(entry) => check_entry(entry),
        Op::Split { log, at, branches, .. } => check_split(*log, *at, branches),
        Op::PutFrontier { frontier, .. } if frontier.len() > FRONTIER_HASHES => {
            Err(StoreError::TooMany("frontier hashes"))
        }
        Op::PutInvite { link, .. } => check_link(link),
        Op::PutProfile(profile) => check_profile(profile),
        Op::PutFrontier { .. }
        | Op::PutLog(_)
        | Op::PutEpoch { .. }
        | Op::PutHeld { .. }
        | Op::PutRead { .. }
        | Op::Erase { .. }
        | Op::PutCircle(_)
        | Op::ForgetRoom(_) => Ok(()),
    }
}

pub(crate) fn check_profile(profile: &natter_engine::port::Profile) -> Result<(), StoreError> {
    if profile.name.len() > NAME_BYTES {
        return Err(StoreError::Invalid("name"));
    }
    if profile.avatar.as_ref().is_some_and(|a| a.len() > AVATAR_BYTES) {
        return Err(StoreError::Invalid("avatar"));
    }
    Ok(())
}

pub(crate) fn check_kinds(kinds: &[u16]) -> Result<(), StoreError> {
    if kinds.len() > KINDS { Err(StoreError::TooMany("kinds")) } else { Ok(()) }
}

pub(crate) fn check_setting(key: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
    if key.is_empty() || key.len() > SETTING_KEY_BYTES {
        return Err(StoreError::Invalid("setting key"));
    }
    if value.is_some_and(|v| v.len() > SETTING_BYTES) {
        return Err(StoreError::Invalid("setting value"));
    }
    Ok(())
}

fn check_entry(entry: &StoredEntry) -> Result<(), StoreError> {
    // SQLite's integers are signed, and a sequence must compare.
    if entry.seq > i64::MAX as u64 {
        return Err(StoreError::Invalid("sequence"));
    }
    if entry.order.author != entry.log.author {
        return Err(StoreError::Invalid("author"));
    }
    if entry.header.len() > HEADER_BYTES {
        return Err(StoreError::Invalid("header"));
    }
    if entry.payload.as_ref().is_some_and(|p| p.len() > PAYLOAD_BYTES) {
        return Err(StoreError::Invalid("payload"));
    }
    if entry.words.as_ref().is_some_and(|w| w.len() > PAYLOAD_BYTES) {
        return Err(StoreError::Invalid("words"));
    }
    if entry.blobs.len() > BLOBS_PER_ENTRY {
        return Err(StoreError::TooMany("blobs"));
    }
    Ok(())
}

fn check_split(log: LogKey, at: u64, branches: &[Branch]) -> Result<(), StoreError> {
    if at == 0 || at > i64::MAX as u64 {
        return Err(StoreError::Invalid("sequence"));
    }
    if branches.len() > BRANCHES_PER_AUTHOR {
        return Err(StoreError::TooMany("branches"));
    }
    if branches.iter().any(|one| (one.log, one.at) != (log, at) || one.header.len() > HEADER_BYTES) {
        return Err(StoreError::Invalid("branch"));
    }
    Ok(())
}

/// Links are kept as text; one that does not read back the same would be lost at the next start.
fn check_link(link: &InviteLink) -> Result<(), StoreError> {
    match InviteLink::parse(&link.to_text()) {
        Ok(read) if read == *link => Ok(()),
        Ok(_) | Err(_) => Err(StoreError::Invalid("invite link")),
    }
}
