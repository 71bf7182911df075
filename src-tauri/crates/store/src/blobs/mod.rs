//! Files by content: `blobs/<BLAKE3 of the content, hex>`, sealed, whole or not there.
//!
//! A blob is written beside its place as `.part`, verified against its hash, synced and only then renamed, so that a
//! file under its name is always whole; leftovers of a crash are swept at start. What a name gives away is which
//! content it is to someone who has that content already; what is inside is sealed (module `seal`).

mod reader;
mod seal;
mod writer;

pub use reader::BlobReader;
pub use writer::BlobWriter;

use crate::disk;
use crate::error::{StoreError, is_full};
use crate::key::StoreKey;
use natter_engine::ids::BlobHash;
use natter_engine::port::BlobTrouble;
use seal::Sealer;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Free space that blobs leave to the database, in bytes: words must still fit when pictures no longer do.
pub const RESERVE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes that a writer gathers before it writes.
pub const WRITE_BYTES: usize = 256 * 1024;

const PART: &str = "part";

/// Why a blob could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// No such blob on this disk.
    #[error("the file is not on this device")]
    NotHere,
    /// What is on the disk is not what was written.
    #[error("the file is damaged on disk")]
    Damaged,
    /// What was given is not what the hash and size said.
    #[error("the bytes do not match the hash")]
    Mismatch,
    /// No space left for it.
    #[error("the disk is full")]
    DiskFull,
    /// Any other IO error.
    #[error("the disk failed: {0}")]
    Io(#[source] io::Error),
}

impl BlobError {
    /// What the engine is told.
    pub fn trouble(&self) -> BlobTrouble {
        match self {
            Self::NotHere => BlobTrouble::Refused,
            Self::Mismatch => BlobTrouble::Corrupt,
            Self::DiskFull => BlobTrouble::DiskFull,
            Self::Damaged | Self::Io(_) => BlobTrouble::DiskFailed,
        }
    }
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        if is_full(&error) {
            return Self::DiskFull;
        }
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(error) => Self::Io(error),
        }
    }
}

/// The blobs of one profile. The profile's lock keeps other processes away.
pub struct Blobs {
    dir: PathBuf,
    sealer: Sealer,
    /// Bytes on disk of all blobs.
    total: AtomicU64,
    /// Numbers the `.part` files.
    parts: AtomicU64,
    /// Held while a name is decided on, so that two writers of one content do not meet.
    naming: Mutex<()>,
    free: fn(&Path) -> io::Result<u64>,
}

impl Blobs {
    /// Opens the directory, makes it if need be, and removes what a crash left half-written.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] or an IO error.
    pub fn open(dir: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        Self::open_with(dir, key, |dir| fs4::available_space(dir))
    }

    fn open_with(dir: &Path, key: &StoreKey, free: fn(&Path) -> io::Result<u64>) -> Result<Self, StoreError> {
        disk::private_dir(dir)?;
        let mut total = 0;
        for file in fs::read_dir(dir)? {
            let file = file?;
            let path = file.path();
            if path.extension().is_some_and(|extension| extension == PART) {
                fs::remove_file(path)?;
            } else if hash_of(&path).is_some() {
                total += file.metadata()?.len();
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            sealer: Sealer::new(key),
            total: AtomicU64::new(total),
            parts: AtomicU64::new(0),
            naming: Mutex::new(()),
            free,
        })
    }

    /// Whether the whole content is here.
    pub fn has(&self, hash: &BlobHash) -> bool {
        self.path(hash).is_file()
    }

    /// Every content that is here, in no order.
    ///
    /// # Errors
    /// An IO error.
    pub fn all(&self) -> Result<Vec<BlobHash>, BlobError> {
        let mut all = Vec::new();
        for file in fs::read_dir(&self.dir)? {
            all.extend(hash_of(&file?.path()));
        }
        Ok(all)
    }

    /// Bytes on disk of all blobs.
    pub fn total_bytes(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Begins to write a content of `size` bytes that must prove to be `hash`.
    ///
    /// # Errors
    /// [`BlobError::DiskFull`] when it would leave less than [`RESERVE_BYTES`] free.
    pub fn writer(&self, hash: BlobHash, size: u64) -> Result<BlobWriter<&Self>, BlobError> {
        self.has_room_for(size)?;
        BlobWriter::begin(self, hash, size)
    }

    /// The same with a share of the blobs of its own, for a transfer that outlives whoever began it.
    ///
    /// # Errors
    /// As [`Blobs::writer`].
    pub fn owned_writer(self: Arc<Self>, hash: BlobHash, size: u64) -> Result<BlobWriter<Arc<Self>>, BlobError> {
        self.has_room_for(size)?;
        BlobWriter::begin(self, hash, size)
    }

    fn has_room_for(&self, size: u64) -> Result<(), BlobError> {
        let Some(needed) = seal::sealed_len(size).and_then(|bytes| bytes.checked_add(RESERVE_BYTES)) else {
            return Err(BlobError::DiskFull);
        };
        if (self.free)(&self.dir)? < needed { Err(BlobError::DiskFull) } else { Ok(()) }
    }

    /// Writes a content that is in memory, durably, and names it.
    ///
    /// # Errors
    /// As [`Blobs::writer`] and [`BlobWriter::finish`].
    pub fn put(&self, bytes: &[u8]) -> Result<BlobHash, BlobError> {
        let hash = BlobHash(*blake3::hash(bytes).as_bytes());
        if self.has(&hash) {
            return Ok(hash);
        }
        let mut writer = self.writer(hash, bytes.len() as u64)?;
        writer.write(bytes)?;
        writer.finish()?;
        Ok(hash)
    }

    /// Opens a content for reading from any place in it.
    ///
    /// # Errors
    /// [`BlobError::NotHere`], or [`BlobError::Damaged`] when the file's frame is not ours or its length is not right;
    /// what is wrong further inside comes up when that segment is read.
    pub fn reader(&self, hash: BlobHash) -> Result<BlobReader, BlobError> {
        BlobReader::open(&self.path(&hash), &self.sealer, hash)
    }

    /// Removes a content; that it was not here is no error.
    ///
    /// # Errors
    /// An IO error.
    pub fn remove(&self, hash: &BlobHash) -> Result<(), BlobError> {
        let _naming = self.naming.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path(hash);
        let bytes = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(e.into()),
        };
        fs::remove_file(&path)?;
        self.total.fetch_sub(bytes, Ordering::Relaxed);
        Ok(disk::sync_parent(&path)?)
    }

    /// Removes every blob of at least this age that `keep` does not want; how many went. The age spares those whose
    /// entry is still on its way into the database.
    ///
    /// # Errors
    /// The first error of `keep` or of the disk; what went before it is gone.
    pub fn sweep<E: From<BlobError>>(
        &self,
        age: Duration,
        mut keep: impl FnMut(&BlobHash) -> Result<bool, E>,
    ) -> Result<usize, E> {
        let mut gone = 0;
        for file in fs::read_dir(&self.dir).map_err(BlobError::from)? {
            let path = file.map_err(BlobError::from)?.path();
            let Some(hash) = hash_of(&path) else { continue };
            let written = fs::metadata(&path).and_then(|metadata| metadata.modified()).map_err(BlobError::from)?;
            // A clock that was set back makes a file from the future; it is spared until then.
            if written.elapsed().is_ok_and(|old| old >= age) && !keep(&hash)? {
                self.remove(&hash)?;
                gone += 1;
            }
        }
        Ok(gone)
    }

    fn path(&self, hash: &BlobHash) -> PathBuf {
        self.dir.join(hash.to_string())
    }
}

fn hash_of(path: &Path) -> Option<BlobHash> {
    path.file_name().and_then(|name| name.to_str()).and_then(BlobHash::from_hex)
}

#[cfg(test)]
mod tests;
