//! Bytes under a passphrase, as a stream: Argon2id (RFC 9106) stretches the passphrase, XChaCha20-Poly1305 seals segments
//! of 64 KiB in the manner of STREAM, as blobs are sealed at rest.
//!
//! ```text
//! file    = head | segment…                                     numbers big-endian
//! head    = "NATTERK1" | memory KiB u32 | passes u32 | lanes u32 | salt 16 | check 16 | prefix 16
//! segment = XChaCha20-Poly1305(65,536 bytes; the last one 0 to 65,536) | tag 16
//! nonce   = prefix | index u64
//! data    = head | index u64 | final u8                         authenticated with each segment
//! key, check = BLAKE3 derive-key of what Argon2id gives, "natter 2026-11 backup key v1", "natter 2026-11 backup check v1"
//! ```
//! So a segment that is changed, moved, left out, cut off or taken from another file does not open. `check` tells a wrong
//! passphrase from damage.

use super::BackupError;
use crate::vault::sealed;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use std::io::{self, BufRead, Read, Write};
use zeroize::Zeroizing;

const MAGIC: &[u8; 8] = b"NATTERK1";
const SALT: usize = 8 + 12;
const CHECK: usize = SALT + 16;
const PREFIX: usize = CHECK + 16;
pub(super) const HEAD: usize = PREFIX + 16;
pub(super) const SEGMENT: usize = 64 * 1024;
const TAG: usize = 16;
const FILE: &str = "backup";

struct Seal {
    cipher: XChaCha20Poly1305,
    head: [u8; HEAD],
    index: u64,
}

impl Seal {
    fn new(head: [u8; HEAD], stretched: &[u8; 32]) -> Self {
        let key = Zeroizing::new(blake3::derive_key("natter 2026-11 backup key v1", stretched));
        Self { cipher: XChaCha20Poly1305::new((&*key).into()), head, index: 0 }
    }

    fn nonce(&self) -> XNonce {
        let mut nonce = [0; 24];
        nonce[..16].copy_from_slice(&self.head[PREFIX..]);
        nonce[16..].copy_from_slice(&self.index.to_be_bytes());
        nonce.into()
    }

    fn data(&self, last: Last) -> [u8; HEAD + 9] {
        let mut data = [0; HEAD + 9];
        data[..HEAD].copy_from_slice(&self.head);
        data[HEAD..HEAD + 8].copy_from_slice(&self.index.to_be_bytes());
        data[HEAD + 8] = u8::from(last == Last::Yes);
        data
    }
}

/// Whether a segment is the last one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Yes,
    No,
}

fn check(stretched: &[u8; 32]) -> [u8; 16] {
    let mut check = [0; 16];
    check.copy_from_slice(&blake3::derive_key("natter 2026-11 backup check v1", stretched)[..16]);
    check
}

/// Seals what is written to it. Without [`Sealing::finish`] the file does not open.
pub(super) struct Sealing<W: Write> {
    out: W,
    seal: Seal,
    segment: Zeroizing<Vec<u8>>,
}

impl<W: Write> Sealing<W> {
    /// Begins a file.
    pub(super) fn begin(mut out: W, passphrase: &str) -> Result<Self, BackupError> {
        sealed::check_new(passphrase)?;
        let mut head = [0; HEAD];
        head[..8].copy_from_slice(MAGIC);
        head[8..SALT].copy_from_slice(&sealed::parameters());
        getrandom::fill(&mut head[SALT..CHECK]).map_err(|error| BackupError::Io(error.into()))?;
        getrandom::fill(&mut head[PREFIX..]).map_err(|error| BackupError::Io(error.into()))?;
        let stretched = sealed::stretch(&head[8..SALT], &head[SALT..CHECK], passphrase, FILE)?;
        head[CHECK..PREFIX].copy_from_slice(&check(&stretched));
        out.write_all(&head)?;
        let segment = Zeroizing::new(Vec::with_capacity(SEGMENT));
        Ok(Self { out, seal: Seal::new(head, &stretched), segment })
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), BackupError> {
        while !bytes.is_empty() {
            // A full segment is sealed only when more follows: the last one is sealed as such.
            if self.segment.len() == SEGMENT {
                self.put(Last::No)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(SEGMENT - self.segment.len()));
            self.segment.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Ends the file and hands back what it was written to.
    pub(super) fn finish(mut self) -> Result<W, BackupError> {
        self.put(Last::Yes)?;
        Ok(self.out)
    }

    fn put(&mut self, last: Last) -> Result<(), BackupError> {
        let payload = Payload { msg: &self.segment, aad: &self.seal.data(last) };
        let sealed =
            self.seal.cipher.encrypt(&self.seal.nonce(), payload).map_err(|_| BackupError::Damaged("a seal"))?;
        self.out.write_all(&sealed)?;
        self.segment.clear();
        self.seal.index += 1;
        Ok(())
    }
}

/// Opens what was sealed. What it hands out was authenticated; that nothing is missing shows at the end alone.
pub(super) struct Opening<R: BufRead> {
    from: R,
    seal: Seal,
    opened: Zeroizing<Vec<u8>>,
    position: usize,
    ended: bool,
}

impl<R: BufRead> Opening<R> {
    /// Reads the head and tries the passphrase.
    pub(super) fn begin(mut from: R, passphrase: &str) -> Result<Self, BackupError> {
        let mut head = [0; HEAD];
        let mut filled = 0;
        while filled < HEAD {
            match from.read(&mut head[filled..])? {
                0 => break,
                bytes => filled += bytes,
            }
        }
        match &head[..8] {
            magic if magic == MAGIC => {}
            magic if magic.starts_with(b"NATTERK") => return Err(BackupError::TooNew),
            _ => return Err(BackupError::NotABackup),
        }
        if filled < HEAD {
            return Err(BackupError::Damaged("it is cut short"));
        }
        let stretched = sealed::stretch(&head[8..SALT], &head[SALT..CHECK], passphrase, FILE)?;
        if head[CHECK..PREFIX] != check(&stretched) {
            return Err(BackupError::WrongPassphrase);
        }
        let opened = Zeroizing::new(Vec::new());
        Ok(Self { from, seal: Seal::new(head, &stretched), opened, position: 0, ended: false })
    }

    /// Fills the buffer; none when the file has ended rightly before its first byte.
    pub(super) fn fill(&mut self, mut buffer: &mut [u8]) -> Result<Option<()>, BackupError> {
        let mut begun = false;
        while !buffer.is_empty() {
            if self.position == self.opened.len() && !self.next()? {
                return if begun { Err(BackupError::Damaged("it is cut short")) } else { Ok(None) };
            }
            let rest = &self.opened[self.position..];
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            buffer = &mut buffer[count..];
            self.position += count;
            begun |= count > 0;
        }
        Ok(Some(()))
    }

    fn next(&mut self) -> Result<bool, BackupError> {
        if self.ended {
            return Ok(false);
        }
        let mut sealed = Vec::with_capacity(SEGMENT + TAG);
        (&mut self.from).take((SEGMENT + TAG) as u64).read_to_end(&mut sealed)?;
        let last = if self.from.fill_buf()?.is_empty() { Last::Yes } else { Last::No };
        let payload = Payload { msg: &sealed[..], aad: &self.seal.data(last) };
        let opened = self.seal.cipher.decrypt(&self.seal.nonce(), payload);
        self.opened = Zeroizing::new(opened.map_err(|_| BackupError::Damaged("a part of it is not what was written"))?);
        self.position = 0;
        self.seal.index += 1;
        self.ended = last == Last::Yes;
        Ok(true)
    }
}

impl From<io::Error> for BackupError {
    fn from(error: io::Error) -> Self {
        if crate::error::is_full(&error) { Self::DiskFull } else { Self::Io(error) }
    }
}
