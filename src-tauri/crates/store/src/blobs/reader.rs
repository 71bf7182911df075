//! Reading a blob from any place: an HTTP range opens only the segments that it touches.

use super::BlobError;
use super::seal::{HEADER, SEGMENT, Sealer, Stream, TAG, sealed_len, segments};
use natter_engine::ids::BlobHash;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// A content on disk, in constant memory. A segment that is not what was written ends the read with an
/// [`io::Error`] of kind `InvalidData`, which `BlobError::from` turns into [`BlobError::Damaged`].
pub struct BlobReader {
    file: File,
    stream: Stream,
    position: u64,
    /// The segment opened last.
    opened: Option<(u64, Vec<u8>)>,
}

impl BlobReader {
    pub(super) fn open(path: &Path, sealer: &Sealer, hash: BlobHash) -> Result<Self, BlobError> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(BlobError::NotHere),
            Err(e) => return Err(e.into()),
        };
        let bytes = file.metadata()?.len();
        let mut header = [0; HEADER];
        if bytes < HEADER as u64 {
            return Err(BlobError::Damaged);
        }
        file.read_exact(&mut header)?;
        let Some((size, prefix)) = Stream::parse_header(&header) else { return Err(BlobError::Damaged) };
        if sealed_len(size) != Some(bytes) {
            return Err(BlobError::Damaged);
        }
        let mut reader = Self { file, stream: sealer.stream(hash, size, prefix), position: 0, opened: None };
        // The size is authenticated with every segment; until one has opened it is only a claim.
        reader.open_segment(0)?;
        Ok(reader)
    }

    /// Bytes of the content.
    pub fn size(&self) -> u64 {
        self.stream.size()
    }

    fn open_segment(&mut self, index: u64) -> Result<(), BlobError> {
        if self.opened.as_ref().is_some_and(|(opened, _)| *opened == index) {
            return Ok(());
        }
        let start = index * SEGMENT as u64;
        let content = (self.size() - start).min(SEGMENT as u64) as usize;
        let mut sealed = vec![0; content + TAG];
        self.file.seek(SeekFrom::Start(HEADER as u64 + index * (SEGMENT + TAG) as u64))?;
        match self.file.read_exact(&mut sealed) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Err(BlobError::Damaged),
            Err(e) => return Err(e.into()),
        }
        let opened = self.stream.open(index, &sealed).ok_or(BlobError::Damaged)?;
        self.opened = Some((index, opened));
        Ok(())
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.position >= self.size() {
            return Ok(0);
        }
        let index = self.position / SEGMENT as u64;
        debug_assert!(index < segments(self.size()));
        self.open_segment(index).map_err(|error| match error {
            BlobError::Io(error) => error,
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        })?;
        let Some((_, content)) = &self.opened else { return Ok(0) };
        let rest = &content[(self.position % SEGMENT as u64) as usize..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.size().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}
