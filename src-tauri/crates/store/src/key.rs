//! The one secret of a profile, from which every other key on the disk is derived.

use crate::error::StoreError;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

const DATABASE: &str = "natter 2026-11 store database v1";
const DATABASE_SALT: &str = "natter 2026-11 store database salt v1";
const BLOBS: &str = "natter 2026-11 store blobs v1";
const CHECK: &str = "natter 2026-11 store key check v1";

/// 32 random bytes that open a profile's database and blobs. Zeroed when dropped, never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct StoreKey([u8; 32]);

impl StoreKey {
    /// A fresh one from the system's random source.
    ///
    /// # Errors
    /// [`StoreError::Io`] when there is no random source.
    pub fn random() -> Result<Self, StoreError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|e| StoreError::Io(e.into()))?;
        Ok(Self(bytes))
    }

    /// The key that these bytes are.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for whoever wraps them.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// SQLCipher's raw key.
    pub(crate) fn database(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(blake3::derive_key(DATABASE, &self.0))
    }

    /// The first 16 bytes of the database file. SQLCipher would choose them at random; derived, they tell whether a
    /// key belongs to a file before anything of it is decrypted.
    pub(crate) fn database_salt(&self) -> [u8; 16] {
        let mut salt = [0; 16];
        salt.copy_from_slice(&blake3::derive_key(DATABASE_SALT, &self.0)[..16]);
        salt
    }

    pub(crate) fn blobs(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(blake3::derive_key(BLOBS, &self.0))
    }

    /// Tells nothing of the key but whether it is this one.
    pub(crate) fn check(&self) -> [u8; 32] {
        blake3::derive_key(CHECK, &self.0)
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(secret)")
    }
}
