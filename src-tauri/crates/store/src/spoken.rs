//! What both stores must see alike in an entry before they keep it.

use natter_engine::ids::{EntryHash, RoomId};
use natter_engine::port::StoredEntry;
use natter_engine::time::UnixMillis;
use natter_engine::wire::{Act, Body, kind};

/// What `Stored::Expired` tells: what has expired, and when the next does.
pub(crate) type Expired = (Vec<(RoomId, EntryHash)>, Option<UnixMillis>);

/// Whether its payload is gone although it was spoken.
pub(crate) fn is_erased(entry: &StoredEntry) -> bool {
    entry.payload.is_none() && kind::SPOKEN.contains(&entry.kind)
}

/// What is left of an entry once it is erased.
pub(crate) fn erase(entry: &mut StoredEntry) {
    entry.payload = None;
    entry.salt = [0; 16];
    entry.blobs.clear();
    entry.words = None;
    entry.expires = None;
}

/// The words that are kept: those of a payload that is here.
pub(crate) fn words(entry: &StoredEntry) -> Option<&str> {
    entry.words.as_deref().filter(|_| entry.payload.is_some())
}

/// The expiry that is kept: of what is here and can be erased. Anything else would be told as expired for ever.
pub(crate) fn expires(entry: &StoredEntry) -> Option<UnixMillis> {
    entry.expires.filter(|_| entry.payload.is_some() && kind::SPOKEN.contains(&entry.kind))
}

/// Whether a PIN pins or unpins; none for what is no PIN, or not here, or not to be read.
pub(crate) fn pins(entry: &StoredEntry) -> Option<bool> {
    match Body::decode(entry.kind, entry.payload.as_deref()?).ok()? {
        Body::About { act: Act::Pin { on }, .. } => Some(on),
        Body::About { act: Act::Edit(_) | Act::Delete | Act::React { .. }, .. }
        | Body::Genesis { .. }
        | Body::Invite(_)
        | Body::Admit { .. }
        | Body::Device { .. }
        | Body::Leave { .. }
        | Body::RevokeInvite { .. }
        | Body::Remove { .. }
        | Body::Grant { .. }
        | Body::Revoke { .. }
        | Body::Room(_)
        | Body::Text(_)
        | Body::Picture(_)
        | Body::Profile(_)
        | Body::Receipt { .. } => None,
    }
}

/// Bits of a place below the millisecond that is shown.
const PLACE_BITS: u32 = 8;
/// The latest millisecond that a place tells from the next, so that places stay SQLite's integers with room to spare.
const LAST_MILLISECOND: u64 = (1 << 54) - 1;

/// The first and the last place of what shows this time. Entries of one millisecond take them in the order in which
/// they come; when all are taken (nobody types 256 messages in a millisecond), the next comes after everything.
pub(crate) fn places(shown: UnixMillis) -> (u64, u64) {
    let first = shown.0.min(LAST_MILLISECOND) << PLACE_BITS;
    (first, first + (1 << PLACE_BITS) - 1)
}
