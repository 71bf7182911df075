//! How the key of a profile is kept, in one of three ways, each with its own file in the profile's directory:
//!
//! ```text
//! vault.sealed      the key under a passphrase (module `sealed`)
//! vault.keychain    the key is in the system's keychain; this says under which name, and a print of the key
//! UNPROTECTED.key   the key itself, in hex, readable by the owner alone; only where the owner asked for it
//! ```
//! No way is ever chosen silently: where no keychain answers, that is an error, and the host asks the person.

mod keychain;
pub(crate) mod sealed;

use crate::disk;
use crate::error::is_full;
use crate::key::StoreKey;
use data_encoding::HEXLOWER;
use keychain::{Keychain, System};
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Characters that a passphrase must at least have.
pub const PASSPHRASE_CHARS: usize = 8;
/// Bytes that a passphrase may at most have.
pub const PASSPHRASE_BYTES: usize = 1024;

const SEALED: &str = "vault.sealed";
const KEYCHAIN: &str = "vault.keychain";
const UNPROTECTED: &str = "UNPROTECTED.key";
/// Wherever a key is kept, one of these is in the profile's folder.
pub(crate) const FILES: [&str; 3] = [SEALED, KEYCHAIN, UNPROTECTED];
/// The largest of the three files.
const FILE_BYTES: u64 = 1024;
const MARKER: &str = "natter keychain v1";

/// How a new key shall be kept.
#[derive(Clone, Copy)]
pub enum Protection<'a> {
    /// In the system's keychain.
    Keychain,
    /// Under a passphrase of at least [`PASSPHRASE_CHARS`] characters.
    Passphrase(&'a str),
    /// In the clear. Only when the owner said so in words.
    Unprotected,
}

/// How a key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In the system's keychain.
    Keychain,
    /// Under a passphrase.
    Passphrase,
    /// In the clear, which a host must show.
    Unprotected,
}

/// What a vault says when it is opened.
#[derive(Debug)]
pub enum State {
    /// There is no key and no database yet: [`Vault::create`] comes next.
    Empty,
    /// A passphrase is needed: [`Vault::unlock`] comes next.
    Locked,
    /// Here is the key.
    Ready(StoreKey),
}

/// Why a key could not be had or kept.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The system has no keychain, or it does not answer.
    #[error("no keychain answers on this machine: {0}")]
    NoKeychain(String),
    /// The keychain, or whoever had the key's file, no longer has it: the database cannot be opened without.
    #[error("the key of this profile is gone")]
    KeyGone,
    /// The passphrase is not the one.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// Fewer characters than [`PASSPHRASE_CHARS`].
    #[error("a passphrase needs at least {PASSPHRASE_CHARS} characters")]
    PassphraseTooShort,
    /// More bytes than [`PASSPHRASE_BYTES`].
    #[error("a passphrase has at most {PASSPHRASE_BYTES} bytes")]
    PassphraseTooLong,
    /// The key's file is not what was written.
    #[error("the file {0} is damaged")]
    Damaged(&'static str),
    /// The key's file is from a newer Natter.
    #[error("the file {0} is from a newer version")]
    TooNew(&'static str),
    /// There is a key already, which stays as it is.
    #[error("this profile has a key already")]
    AlreadyCreated,
    /// No passphrase keeps this key.
    #[error("this profile is not kept by a passphrase")]
    NotByPassphrase,
    /// No space left.
    #[error("the disk is full")]
    DiskFull,
    /// Any other IO error.
    #[error("the disk failed: {0}")]
    Io(#[source] io::Error),
}

impl From<io::Error> for VaultError {
    fn from(error: io::Error) -> Self {
        if is_full(&error) { Self::DiskFull } else { Self::Io(error) }
    }
}

/// The keeper of one profile's key.
pub struct Vault;

impl Vault {
    /// What is in the profile at `dir`. Asks the keychain where that has the key, for at most 3 s until it answers
    /// at all, and then as long as a person may need to unlock it (2 min).
    ///
    /// # Errors
    /// [`VaultError::KeyGone`] when there is a database and no key, and the others as they say.
    pub fn open(dir: &Path) -> Result<State, VaultError> {
        open_with(dir, &System)
    }

    /// How the key in `dir` is kept; none when there is none.
    ///
    /// # Errors
    /// An IO error.
    pub fn kept(dir: &Path) -> Result<Option<Kept>, VaultError> {
        for (kept, name) in [(Kept::Passphrase, SEALED), (Kept::Keychain, KEYCHAIN), (Kept::Unprotected, UNPROTECTED)] {
            if dir.join(name).try_exists()? {
                return Ok(Some(kept));
            }
        }
        Ok(None)
    }

    /// Makes a key for a new profile and keeps it so, durably.
    ///
    /// # Errors
    /// [`VaultError::AlreadyCreated`], [`VaultError::NoKeychain`] (within 3 s), the passphrase's, or an IO error;
    /// nothing was made then.
    pub fn create(dir: &Path, protection: Protection<'_>) -> Result<StoreKey, VaultError> {
        create_with(dir, protection, &System)
    }

    /// Opens a key that a passphrase keeps. Takes about a fifth of a second on purpose.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], [`VaultError::NotByPassphrase`], or the file's.
    pub fn unlock(dir: &Path, passphrase: &str) -> Result<StoreKey, VaultError> {
        let bytes = disk::read_small(&dir.join(SEALED), FILE_BYTES).map_err(|e| file_error(e, SEALED))?;
        sealed::open(&bytes.ok_or(VaultError::NotByPassphrase)?, passphrase)
    }
}

fn open_with(dir: &Path, system: &dyn Keychain) -> Result<State, VaultError> {
    let read = |name: &'static str| -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let bytes = disk::read_small(&dir.join(name), FILE_BYTES).map_err(|e| file_error(e, name))?;
        Ok(bytes.map(Zeroizing::new))
    };
    match Vault::kept(dir)? {
        Some(Kept::Passphrase) => Ok(State::Locked),
        Some(Kept::Keychain) => {
            let marker = read(KEYCHAIN)?.ok_or(VaultError::KeyGone)?;
            let (name, check) = read_marker(&marker)?;
            let bytes = system.get(&name)?.ok_or(VaultError::KeyGone)?;
            let key = key_from(&bytes).ok_or(VaultError::KeyGone)?;
            // Someone else's secret under our name would only look like a wrong key later.
            if key.check() == check { Ok(State::Ready(key)) } else { Err(VaultError::KeyGone) }
        }
        Some(Kept::Unprotected) => {
            let text = read(UNPROTECTED)?.ok_or(VaultError::KeyGone)?;
            let bytes = HEXLOWER.decode(text.trim_ascii()).map(Zeroizing::new);
            let key = bytes.ok().as_deref().and_then(|bytes| key_from(bytes));
            Ok(State::Ready(key.ok_or(VaultError::Damaged(UNPROTECTED))?))
        }
        None if has_database(dir)? => Err(VaultError::KeyGone),
        None => Ok(State::Empty),
    }
}

fn create_with(dir: &Path, protection: Protection<'_>, system: &dyn Keychain) -> Result<StoreKey, VaultError> {
    disk::private_dir(dir)?;
    if Vault::kept(dir)?.is_some() {
        return Err(VaultError::AlreadyCreated);
    }
    if has_database(dir)? {
        return Err(VaultError::KeyGone);
    }
    let mut bytes = Zeroizing::new([0; 32]);
    random(&mut bytes[..])?;
    let key = StoreKey::from_bytes(*bytes);
    match protection {
        Protection::Passphrase(passphrase) => {
            disk::write_whole(&dir.join(SEALED), &sealed::seal(&key, passphrase)?)?;
        }
        Protection::Keychain => {
            let mut name = [0; 16];
            random(&mut name)?;
            let name = HEXLOWER.encode(&name);
            system.set(&name, key.expose())?;
            // A keychain that forgets at once is none.
            if system.get(&name)?.as_deref().map(Vec::as_slice) != Some(&key.expose()[..]) {
                return Err(VaultError::NoKeychain("it did not keep the key".to_owned()));
            }
            disk::write_whole(&dir.join(KEYCHAIN), marker(&name, &key).as_bytes())?;
        }
        Protection::Unprotected => {
            let text = Zeroizing::new(format!("{}\n", HEXLOWER.encode(key.expose())));
            disk::write_whole(&dir.join(UNPROTECTED), text.as_bytes())?;
        }
    }
    Ok(key)
}

fn has_database(dir: &Path) -> Result<bool, VaultError> {
    Ok(dir.join("natter.db").try_exists()? || dir.join("natter.check").try_exists()?)
}

fn key_from(bytes: &[u8]) -> Option<StoreKey> {
    bytes.try_into().ok().map(StoreKey::from_bytes)
}

fn random(bytes: &mut [u8]) -> Result<(), VaultError> {
    getrandom::fill(bytes).map_err(|e| VaultError::Io(e.into()))
}

fn file_error(error: io::Error, name: &'static str) -> VaultError {
    if error.kind() == io::ErrorKind::InvalidData { VaultError::Damaged(name) } else { error.into() }
}

fn marker(name: &str, key: &StoreKey) -> String {
    format!("{MARKER}\n{name}\n{}\n", HEXLOWER.encode(&key.check()))
}

fn read_marker(bytes: &[u8]) -> Result<(String, [u8; 32]), VaultError> {
    let damaged = VaultError::Damaged(KEYCHAIN);
    let Ok(text) = std::str::from_utf8(bytes) else { return Err(damaged) };
    let mut lines = text.lines();
    match lines.next() {
        Some(MARKER) => {}
        Some(other) if other.starts_with("natter keychain v") => return Err(VaultError::TooNew(KEYCHAIN)),
        Some(_) | None => return Err(damaged),
    }
    let (Some(name), Some(check), None) = (lines.next(), lines.next(), lines.next()) else { return Err(damaged) };
    match HEXLOWER.decode(check.as_bytes()).ok().and_then(|check| check.try_into().ok()) {
        Some(check) if name.len() == 32 => Ok((name.to_owned(), check)),
        Some(_) | None => Err(damaged),
    }
}

/// The file that holds an unprotected key, for a host to name in its warning.
pub fn unprotected_key_file(dir: &Path) -> PathBuf {
    dir.join(UNPROTECTED)
}

#[cfg(test)]
mod tests;
