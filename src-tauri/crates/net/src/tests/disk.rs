//! A blob store in memory.

use crate::bulk::{BlobIo, BlobSink};
use natter_engine::ids::BlobHash;
use natter_engine::port::BlobTrouble;
use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::sync::{Arc, Mutex};

/// Blobs by hash. What lies under a hash may be anything: a liar's disk is one, too.
#[derive(Clone, Default)]
pub(super) struct Disk {
    blobs: Arc<Mutex<HashMap<BlobHash, Vec<u8>>>>,
    full: bool,
    /// Whoever holds this stops all writing.
    busy: Arc<tokio::sync::Mutex<()>>,
}

impl Disk {
    pub(super) async fn hold(&self) -> tokio::sync::OwnedMutexGuard<()> {
        Arc::clone(&self.busy).lock_owned().await
    }

    pub(super) fn full() -> Self {
        Self { full: true, ..Self::default() }
    }

    pub(super) fn put(&self, blob: BlobHash, bytes: Vec<u8>) {
        self.blobs.lock().expect("no test panics with it").insert(blob, bytes);
    }

    pub(super) fn get(&self, blob: BlobHash) -> Option<Vec<u8>> {
        self.blobs.lock().expect("no test panics with it").get(&blob).cloned()
    }
}

impl BlobIo for Disk {
    fn reader(&self, blob: BlobHash) -> Result<Box<dyn Read + Send>, BlobTrouble> {
        self.get(blob).map(|bytes| Box::new(Cursor::new(bytes)) as _).ok_or(BlobTrouble::Refused)
    }

    fn writer(&self, blob: BlobHash, size: u64) -> Result<Box<dyn BlobSink>, BlobTrouble> {
        let sink = Sink { disk: self.clone(), blob, size, bytes: Vec::new() };
        if self.full { Err(BlobTrouble::DiskFull) } else { Ok(Box::new(sink)) }
    }
}

struct Sink {
    disk: Disk,
    blob: BlobHash,
    size: u64,
    bytes: Vec<u8>,
}

impl BlobSink for Sink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobTrouble> {
        let _turn = self.disk.busy.blocking_lock();
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), BlobTrouble> {
        if self.bytes.len() as u64 != self.size || blake3::hash(&self.bytes).as_bytes() != &self.blob.0 {
            return Err(BlobTrouble::Corrupt);
        }
        self.disk.put(self.blob, self.bytes);
        Ok(())
    }
}
