//! Writing a blob: seal, count, hash; then verify, sync and give it its name.

use super::seal::{SEGMENT, Stream, TAG};
use super::{BlobError, Blobs, PART, WRITE_BYTES};
use crate::disk;
use natter_engine::ids::BlobHash;
use std::borrow::Borrow;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// A content on its way to the disk, in constant memory. Dropped before [`BlobWriter::finish`], nothing is left of it.
pub struct BlobWriter<B: Borrow<Blobs>> {
    blobs: B,
    part: Part,
    stream: Stream,
    hash: BlobHash,
    hasher: blake3::Hasher,
    /// Content bytes taken so far.
    taken: u64,
    /// Content of the segment being filled.
    segment: Vec<u8>,
    /// Index of that segment.
    index: u64,
    /// Sealed bytes not yet written.
    sealed: Vec<u8>,
}

/// A `.part` file, removed when dropped under that name.
struct Part {
    path: PathBuf,
    file: File,
    named: bool,
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.named {
            // What stays is swept at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl<B: Borrow<Blobs>> BlobWriter<B> {
    pub(super) fn begin(owner: B, hash: BlobHash, size: u64) -> Result<Self, BlobError> {
        let blobs = owner.borrow();
        let mut prefix = [0; 16];
        getrandom::fill(&mut prefix).map_err(|e| BlobError::Io(e.into()))?;
        let number = blobs.parts.fetch_add(1, Ordering::Relaxed);
        let path = blobs.dir.join(format!("{hash}.{number}.{PART}"));
        let file = disk::private_file(&path)?;
        let stream = blobs.sealer.stream(hash, size, prefix);
        let mut sealed = Vec::with_capacity(WRITE_BYTES + SEGMENT + TAG);
        sealed.extend_from_slice(&stream.header());
        Ok(Self {
            blobs: owner,
            part: Part { path, file, named: false },
            stream,
            hash,
            hasher: blake3::Hasher::new(),
            taken: 0,
            segment: Vec::with_capacity(SEGMENT),
            index: 0,
            sealed,
        })
    }

    /// Content bytes taken so far.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Takes the next bytes of the content.
    ///
    /// # Errors
    /// [`BlobError::Mismatch`] for more than was announced; [`BlobError::DiskFull`] or another IO error.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), BlobError> {
        if bytes.len() as u64 > self.stream.size() - self.taken {
            return Err(BlobError::Mismatch);
        }
        self.taken += bytes.len() as u64;
        self.hasher.update(bytes);
        while !bytes.is_empty() {
            // A full segment is sealed only when more follows: the last one is sealed as final.
            if self.segment.len() == SEGMENT {
                self.seal_segment()?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(SEGMENT - self.segment.len()));
            self.segment.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Verifies the content, syncs it and gives it its name. If it was here already, it stays as it is.
    ///
    /// # Errors
    /// [`BlobError::Mismatch`] when it is not what hash and size said; nothing is left of it then.
    pub fn finish(mut self) -> Result<BlobHash, BlobError> {
        if self.taken != self.stream.size() || *self.hasher.finalize().as_bytes() != self.hash.0 {
            return Err(BlobError::Mismatch);
        }
        self.seal_segment()?;
        self.flush()?;
        self.part.file.sync_all()?;
        let bytes = self.part.file.metadata()?.len();
        let blobs = self.blobs.borrow();
        let path = blobs.path(&self.hash);
        let _naming = blobs.naming.lock().unwrap_or_else(PoisonError::into_inner);
        if path.try_exists()? {
            return Ok(self.hash);
        }
        fs::rename(&self.part.path, &path)?;
        self.part.named = true;
        blobs.total.fetch_add(bytes, Ordering::Relaxed);
        disk::sync_parent(&path)?;
        Ok(self.hash)
    }

    fn seal_segment(&mut self) -> Result<(), BlobError> {
        let Some(sealed) = self.stream.seal(self.index, &self.segment) else { return Err(BlobError::Mismatch) };
        self.sealed.extend_from_slice(&sealed);
        self.segment.clear();
        self.index += 1;
        if self.sealed.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), BlobError> {
        self.part.file.write_all(&self.sealed)?;
        self.sealed.clear();
        Ok(())
    }
}
