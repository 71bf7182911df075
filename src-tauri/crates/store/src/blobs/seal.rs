//! How a blob is sealed at rest: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) over segments of 64 KiB, so that any
//! place can be read without the rest, in the manner of STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, "Online
//! Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015).
//!
//! ```text
//! file    = "NATTERB1" | size u64 | prefix 16 | segment…        numbers big-endian
//! segment = XChaCha20-Poly1305(≤ 65,536 bytes) | tag 16         an empty content has one, empty
//! nonce   = prefix | index u64                                  the prefix is random for each file
//! data    = hash 32 | size u64 | index u64 | final u8           authenticated with each segment
//! ```
//! So a segment that is changed, moved, left out, cut off or taken from another file does not open.

use crate::key::StoreKey;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use natter_engine::ids::BlobHash;

/// Content bytes of a segment; the last may have fewer.
pub(super) const SEGMENT: usize = 64 * 1024;
/// Bytes of a segment's tag.
pub(super) const TAG: usize = 16;
/// Bytes before the first segment.
pub(super) const HEADER: usize = 32;

const MAGIC: &[u8; 8] = b"NATTERB1";

/// How many segments a content of `size` bytes has.
pub(super) fn segments(size: u64) -> u64 {
    size.div_ceil(SEGMENT as u64).max(1)
}

/// How long the file of a content of `size` bytes is; none beyond 64 bits.
pub(super) fn sealed_len(size: u64) -> Option<u64> {
    size.checked_add(segments(size) * TAG as u64)?.checked_add(HEADER as u64)
}

/// The key that seals every blob of a profile.
#[derive(Clone)]
pub(super) struct Sealer(XChaCha20Poly1305);

impl Sealer {
    pub(super) fn new(key: &StoreKey) -> Self {
        let key = key.blobs();
        Self(XChaCha20Poly1305::new((&*key).into()))
    }

    pub(super) fn stream(&self, hash: BlobHash, size: u64, prefix: [u8; 16]) -> Stream {
        Stream { cipher: self.0.clone(), hash, size, prefix }
    }
}

/// One file's segments.
pub(super) struct Stream {
    cipher: XChaCha20Poly1305,
    hash: BlobHash,
    size: u64,
    prefix: [u8; 16],
}

impl Stream {
    pub(super) fn header(&self) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(MAGIC);
        header[8..16].copy_from_slice(&self.size.to_be_bytes());
        header[16..].copy_from_slice(&self.prefix);
        header
    }

    /// The size and prefix that a header names, if it is one.
    pub(super) fn parse_header(header: &[u8; HEADER]) -> Option<(u64, [u8; 16])> {
        let mut size = [0; 8];
        let mut prefix = [0; 16];
        size.copy_from_slice(&header[8..16]);
        prefix.copy_from_slice(&header[16..]);
        (header[..8] == *MAGIC).then_some((u64::from_be_bytes(size), prefix))
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn seal(&self, index: u64, content: &[u8]) -> Option<Vec<u8>> {
        self.cipher.encrypt(&self.nonce(index), Payload { msg: content, aad: &self.data(index) }).ok()
    }

    pub(super) fn open(&self, index: u64, sealed: &[u8]) -> Option<Vec<u8>> {
        self.cipher.decrypt(&self.nonce(index), Payload { msg: sealed, aad: &self.data(index) }).ok()
    }

    fn nonce(&self, index: u64) -> XNonce {
        let mut nonce = [0; 24];
        nonce[..16].copy_from_slice(&self.prefix);
        nonce[16..].copy_from_slice(&index.to_be_bytes());
        nonce.into()
    }

    fn data(&self, index: u64) -> [u8; 49] {
        let mut data = [0; 49];
        data[..32].copy_from_slice(&self.hash.0);
        data[32..40].copy_from_slice(&self.size.to_be_bytes());
        data[40..48].copy_from_slice(&index.to_be_bytes());
        data[48] = u8::from(index + 1 == segments(self.size));
        data
    }
}
