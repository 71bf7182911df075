//! The key under a passphrase: Argon2id (RFC 9106) stretches it, XChaCha20-Poly1305 wraps.
//!
//! ```text
//! "NATTERV1" | memory KiB u32 | passes u32 | lanes u32 | salt 16 | nonce 24 | sealed key 32 + 16
//! ```
//! Numbers big-endian; everything before the sealed key is authenticated with it. The parameters stand in the file,
//! so that stronger ones can come later; they are bounded, because a file is data.

use super::{PASSPHRASE_BYTES, PASSPHRASE_CHARS, SEALED, VaultError, random};
use crate::key::StoreKey;
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Memory, in KiB: RFC 9106's second recommended choice.
const MEMORY_KIB: u32 = 64 * 1024;
/// Passes over it, likewise.
const PASSES: u32 = 3;
/// Lanes. We compute them one after the other, so that more would only slow us and not an attacker.
const LANES: u32 = 1;
/// The most that a file may ask for.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 16;

const MAGIC: &[u8; 8] = b"NATTERV1";
const SALT: usize = 8 + 12;
const NONCE: usize = SALT + 16;
const BODY: usize = NONCE + 24;
const WHOLE: usize = BODY + 32 + 16;

pub(super) fn seal(key: &StoreKey, passphrase: &str) -> Result<Vec<u8>, VaultError> {
    check_new(passphrase)?;
    let mut file = Vec::with_capacity(WHOLE);
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&parameters());
    file.resize(BODY, 0);
    random(&mut file[SALT..BODY])?;
    let cipher = cipher(&file, passphrase)?;
    let sealed = cipher.encrypt(&nonce(&file), Payload { msg: key.expose(), aad: &file });
    file.extend_from_slice(&sealed.map_err(|_| VaultError::Damaged(SEALED))?);
    Ok(file)
}

pub(super) fn open(file: &[u8], passphrase: &str) -> Result<StoreKey, VaultError> {
    match file.get(..8) {
        Some(magic) if magic == MAGIC => {}
        Some(magic) if magic.starts_with(b"NATTERV") => return Err(VaultError::TooNew(SEALED)),
        Some(_) | None => return Err(VaultError::Damaged(SEALED)),
    }
    if file.len() != WHOLE {
        return Err(VaultError::Damaged(SEALED));
    }
    let (head, body) = file.split_at(BODY);
    let opened = cipher(head, passphrase)?.decrypt(&nonce(head), Payload { msg: body, aad: head });
    let opened = Zeroizing::new(opened.map_err(|_| VaultError::WrongPassphrase)?);
    super::key_from(&opened).ok_or(VaultError::Damaged(SEALED))
}

fn nonce(head: &[u8]) -> XNonce {
    let mut nonce = [0; 24];
    nonce.copy_from_slice(&head[NONCE..BODY]);
    nonce.into()
}

fn cipher(head: &[u8], passphrase: &str) -> Result<XChaCha20Poly1305, VaultError> {
    let stretched = stretch(&head[8..SALT], &head[SALT..NONCE], passphrase, SEALED)?;
    Ok(XChaCha20Poly1305::new((&*stretched).into()))
}

/// The parameters as they stand in a file that is written today.
pub(crate) fn parameters() -> [u8; 12] {
    let mut bytes = [0; 12];
    for (place, number) in bytes.chunks_exact_mut(4).zip([MEMORY_KIB, PASSES, LANES]) {
        place.copy_from_slice(&number.to_be_bytes());
    }
    bytes
}

/// Refuses what nobody should rely on, for a secret that is about to be sealed.
pub(crate) fn check_new(passphrase: &str) -> Result<(), VaultError> {
    if passphrase.chars().count() < PASSPHRASE_CHARS { Err(VaultError::PassphraseTooShort) } else { Ok(()) }
}

/// What a passphrase becomes under a file's parameters (12 bytes) and salt; `file` is named when they make no sense.
pub(crate) fn stretch(
    parameters: &[u8],
    salt: &[u8],
    passphrase: &str,
    file: &'static str,
) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    if passphrase.len() > PASSPHRASE_BYTES {
        return Err(VaultError::PassphraseTooLong);
    }
    let number = |at: usize| {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&parameters[at..at + 4]);
        u32::from_be_bytes(bytes)
    };
    let (memory, passes, lanes) = (number(0), number(4), number(8));
    if memory > MOST_MEMORY_KIB || passes > MOST_PASSES || lanes > MOST_LANES {
        return Err(VaultError::Damaged(file));
    }
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(|_| VaultError::Damaged(file))?;
    // Keyboards differ in whether an accent is a letter's part or a mark of its own.
    let passphrase: Zeroizing<String> = Zeroizing::new(passphrase.nfc().collect());
    let mut stretched = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut stretched[..])
        .map_err(|_| VaultError::Damaged(file))?;
    Ok(stretched)
}
