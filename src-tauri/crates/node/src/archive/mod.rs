//! A room as one file that people keep: a page that any browser shows without this program, and behind it, for this
//! program, the room's entries as they were signed. `PROTOCOL.md` §10.
//!
//! ```text
//! NAME.natter.html = HTML page ([`page`]) | data block ([`block`]) | </body></html>
//! ```
//! Everything streams: what is in memory is one page of the timeline and one record. Nothing in a file is believed when it
//! comes back: it is verified whole before the engine hears of any of it, and again by the engine.

pub(crate) mod block;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod page;
mod time;

use crate::api::{ApiError, Code};

/// Pictures up to this many bytes are shown whole by the page; larger ones by their previews.
pub const SHOWN_BYTES: u64 = 5 * 1024 * 1024;
/// Bytes of pictures that the page shows whole, in all; the rest by their previews.
pub const SHOWN_BYTES_IN_ALL: u64 = 256 * 1024 * 1024;
/// Bytes of pictures that the data block carries, in all, the oldest first; members have the rest.
pub const CARRIED_BYTES_IN_ALL: u64 = 512 * 1024 * 1024;
/// Pictures that the data block carries.
pub const CARRIED_PICTURES: u64 = 4096;

/// The last part of an export's name.
pub const EXTENSION: &str = "natter.html";

pub(crate) fn not_a_room_file() -> ApiError {
    ApiError::new(Code::NotNatterFile, "this file is no room that Natter exported")
}

pub(crate) fn damaged(what: &str) -> ApiError {
    let sentence = format!("the file is damaged: {what}; nothing of it was taken in: get another copy of it");
    ApiError::new(Code::FileDamaged, sentence)
}

pub(crate) fn too_new() -> ApiError {
    ApiError::new(Code::FileTooNew, "the file was made by a newer Natter: update this one")
}
