//! What people say: bodies of message entries.

use crate::ids::{BlobHash, EntryHash};

/// A picture as a PICTURE entry offers it. The bytes travel apart, on a bulk link, by hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// BLAKE3 of the bytes.
    pub blob: BlobHash,
    /// Length in bytes.
    pub size: u64,
    /// `image/png`, `image/jpeg`, `image/gif` or `image/webp`; the receiver checks it against the bytes.
    pub mime: String,
    /// Pixels, after orientation is applied; 1 to 8,192.
    pub width: u32,
    /// Pixels, after orientation is applied; 1 to 8,192.
    pub height: u32,
    /// A thumbhash (25 bytes or fewer): the blurred placeholder.
    pub thumbhash: Vec<u8>,
    /// A JPEG of at most 320 px a side and 16 KiB, or empty.
    pub preview: Vec<u8>,
    /// The file's name, sanitised on both sides.
    pub name: String,
    /// Words with it, may be empty.
    pub caption: String,
    /// The entry that it answers.
    pub reply_to: Option<EntryHash>,
}
